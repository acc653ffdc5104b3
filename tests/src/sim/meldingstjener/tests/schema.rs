//! Every kind of message that the simulator emits validates against the national schemas.

use super::booking::{booked, reserve, wish};
use super::portal::{Draft, Portal, calendar, prescription};
use crate::sim::meldingstjener::{Answer, Notice, Opening, Process, Receipts};
use crate::sim::world::{ANTE, ELVEBREDDEN, FJELLVEIEN, HAVNEGATA, KARI, OLA};
use crate::standards::{OLD_RECEIPT, standards, validate};
use jiff::civil::date;

async fn start_answer(portal: &Portal, draft: Draft, answer: Answer) {
    portal.send(&draft).await;
    portal.sim.answer(&draft.msg_id, &answer).unwrap();
}

/// Makes each office send everything that it can.
async fn everything(portal: &Portal) {
    let sim = &portal.sim;
    let text = || None;
    let start = date(2026, 12, 1).at(9, 0, 0, 0);
    for (office, citizen) in [(FJELLVEIEN, KARI), (HAVNEGATA, OLA), (ELVEBREDDEN, ANTE)] {
        for answer in [
            Answer::reply("Svar – på spørsmål\nover to linjer"),
            Answer::close("Avsluttet"),
            Answer::Reject { text: text() },
            Answer::NoAccess { text: text() },
            Answer::Fault { text: text() },
        ] {
            start_answer(portal, Draft::consultation(office, citizen), answer).await;
        }
        for answer in [
            Answer::reply("Svar"),
            Answer::AdviseConsultation { text: text() },
            Answer::CertificateIssued { text: text(), certificate: None },
            Answer::CertificateRefused { text: text() },
        ] {
            start_answer(portal, Draft::contact(office, citizen), answer).await;
        }
        for (medical, one_way) in [(true, false), (true, true), (false, false), (false, true)] {
            let opening = Opening {
                medical,
                one_way,
                subject: "Emne".to_owned(),
                text: "Tekst".to_owned(),
                attachments: Vec::new(),
            };
            sim.open(&office, citizen.national_id, &opening).unwrap();
        }
        sim.test(&office).unwrap();
        for receipts in [
            Receipts::Negative { codes: vec!["T02".to_owned(), "E35".to_owned()] },
            Receipts::Partial { codes: vec!["X99".to_owned()] },
        ] {
            sim.set_receipts(&office, receipts).unwrap();
            portal.send(&Draft::contact(office, citizen)).await;
        }
        sim.set_receipts(&office, Receipts::Honest).unwrap();
        if sim.notice(&office, citizen.national_id, &Notice::Confirmed { start }).is_ok() {
            let appointment = sim.appointments(&office, citizen.national_id).unwrap().remove(0);
            sim.notice(&office, citizen.national_id, &Notice::Cancelled { appointment }).unwrap();
        }
    }
    let rest = "<KodetOpplysning V=\"AP\" S=\"2.16.578.1.12.4.1.1.8324\" DN=\"Hentes på apotek\"/>";
    let rfer = ("RFER", "Reseptfornying, eResept");
    let renewal = Draft::request(Process::Reseptfornyelse, FJELLVEIEN, KARI, rfer, rest)
        .payload(&prescription("Paracet"))
        .payload(&prescription("Sobril"));
    start_answer(portal, renewal, Answer::renewal(&[("Sobril", false)])).await;
    let given = |gp: Option<&str>| Answer::Appointment { start, gp: gp.map(str::to_owned), text: None };
    for (office, citizen, gp) in [(ELVEBREDDEN, ANTE, None), (FJELLVEIEN, KARI, Some("9123415"))] {
        let mut draft = wish(("OT", "Ønske om time"));
        draft.office = office;
        draft.citizen = Some(citizen);
        draft.party = office.service_her_id;
        start_answer(portal, draft, given(gp)).await;
    }
    let slots = "<FraDato>2026-11-23</FraDato><TilDato>2026-12-18</TilDato>";
    let hlt = ("HLT", "Hent ledige timer");
    portal.send(&Draft::request(Process::Timereservasjon, FJELLVEIEN, KARI, hlt, slots).synchronous()).await;
    let slot = sim.slots(&FJELLVEIEN).unwrap().remove(3);
    portal.send(&reserve(&slot.uid, "2026-11-23T12:45:00", "2026-11-23T13:00:00")).await;
    portal.send(&booked()).await;
    portal.send(&reserve(&slot.uid, "2026-11-23T12:45:00", "2026-11-23T13:00:00")).await;
    let code = "<KodetOpplysning V=\"1\" S=\"2.16.578.1.12.4.1.1.1101\" DN=\"Ja\"/>";
    let art = ("ART", "Avbestill reservert time");
    let gone = calendar(&slot.uid, "2026-11-23T12:45:00", "2026-11-23T13:00:00", 8_150_111, Some("none"));
    portal.send(&Draft::request(Process::Timereservasjon, FJELLVEIEN, KARI, art, code).payload(&gone)).await;
    let hb = ("HB", "Hent behandlere");
    portal.send(&Draft::request(Process::Behandleroversikt, FJELLVEIEN, KARI, hb, "").synchronous()).await;
    portal.inbox().await;
}

#[tokio::test]
async fn everything_that_is_emitted_validates_against_the_schemas() {
    let portal = Portal::start().await;
    everything(&portal).await;
    portal.assert_clean();
    let messages = portal.sim.messages();
    let emitted: Vec<_> = messages.iter().filter(|logged| logged.to_portal || logged.label == "AppRec").collect();
    assert!(emitted.len() > 100, "{}", emitted.len());
    for code in [
        "01", "03", "05", "06", "08", "09", "10", "12", "13", "17", "18", "19", "20", "26", "30", "31", "32", "DI",
        "EKI", "KT",
    ] {
        assert!(emitted.iter().any(|logged| logged.label == code), "{code} is not among them");
    }
    let old = |raw: &[u8]| String::from_utf8_lossy(raw).contains(OLD_RECEIPT.1);
    assert!(emitted.iter().any(|logged| old(&logged.raw)), "receipts of version 1.0 are among them");
    let Some(xsd) = standards("xsd", "everything_that_is_emitted_validates_against_the_schemas") else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for logged in emitted {
        let path = directory.path().join(logged.file_name());
        std::fs::write(&path, &logged.raw).unwrap();
        files.push(path);
    }
    assert_eq!(validate(&xsd, &files), Ok(()));
}
