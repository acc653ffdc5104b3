//! E-consultations, contacts, certificates and renewals, and what the office opens.

use super::portal::{Draft, Incoming, Portal, prescription};
use crate::sim::meldingstjener::{Answer, Attachment, Opening, Process};
use crate::sim::world::{ANTE, ELVEBREDDEN, FJELLVEIEN, HAVNEGATA, KARI, NORA, OLA};

/// The beginning of a JPEG, enough to be told as one.
pub(super) const JPEG: &[u8] = &[0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, b'J', b'F', b'I', b'F'];

#[tokio::test]
async fn a_consultation_with_a_picture_is_answered_followed_up_and_closed() {
    let portal = Portal::start().await;
    let question = Draft::consultation(FJELLVEIEN, KARI).attachment("image/jpeg", JPEG);
    portal.send(&question).await;
    let request = portal.sim.wait_for_request(|request| !request.message.attachments.is_empty()).await.unwrap();
    assert_eq!(request.message.attachments.first().unwrap().content, JPEG);
    let answer = portal.sim.answer(&question.msg_id, &Answer::reply("Ja, men ta det rolig.")).unwrap();
    let answers = portal.inbox().await;
    let reply = answers.last().unwrap();
    assert_eq!((reply.code(), reply.msg_id()), ("12".to_owned(), answer.clone()));
    assert_eq!(reply.find("TekstNotatInnhold").unwrap().text(), "Ja, men ta det rolig.");
    assert_eq!(reply.find("FamilyName").unwrap().text(), "Ås");

    let follow_up = Draft::reply(Process::Ekonsultasjon, FJELLVEIEN, KARI, &answer, &question.msg_id);
    portal.send(&follow_up).await;
    let request = portal.sim.wait_for_request(|request| request.message.msg_id == follow_up.msg_id).await.unwrap();
    assert_eq!(request.conversation, question.msg_id);
    portal.sim.answer(&follow_up.msg_id, &Answer::close("Ett basseng.")).unwrap();
    let answers = portal.inbox().await;
    let closing = answers.last().unwrap();
    assert_eq!(closing.code(), "13");
    assert_eq!(closing.text(&["MsgInfo", "ConversationRef", "RefToParent"]).unwrap(), follow_up.msg_id);
    assert_eq!(closing.text(&["MsgInfo", "ConversationRef", "RefToConversation"]).unwrap(), question.msg_id);
    assert!(portal.sim.waiting().is_empty());
    portal.assert_clean();
}

#[tokio::test]
async fn a_request_can_be_rejected_barred_or_fail() {
    let portal = Portal::start().await;
    let cases = [
        (Answer::Reject { text: None }, "26"),
        (Answer::NoAccess { text: None }, "30"),
        (Answer::Fault { text: None }, "31"),
    ];
    for (answer, code) in cases {
        let question = Draft::consultation(FJELLVEIEN, KARI);
        portal.send(&question).await;
        portal.sim.answer(&question.msg_id, &answer).unwrap();
        assert_eq!(portal.codes().await, ["AppRec 1", code]);
    }
    portal.assert_clean();
}

#[tokio::test]
async fn each_system_advises_an_e_consultation_in_its_own_way() {
    let portal = Portal::start().await;
    for (office, citizen, code) in [(FJELLVEIEN, KARI, "13"), (ELVEBREDDEN, ANTE, "12"), (HAVNEGATA, OLA, "19")] {
        let contact = Draft::contact(office, citizen);
        portal.send(&contact).await;
        portal.sim.answer(&contact.msg_id, &Answer::AdviseConsultation { text: None }).unwrap();
        let answers = portal.inbox().await;
        let advice = answers.last().unwrap();
        assert_eq!(advice.code(), code, "{}", office.name);
        assert_eq!(advice.find("Tema").unwrap().text(), "Send e-konsultasjon");
    }
    portal.assert_clean();
}

#[tokio::test]
async fn cgm_allmenn_writes_the_old_way() {
    let portal = Portal::start().await;
    let question = Draft::consultation(HAVNEGATA, OLA);
    portal.send(&question).await;
    let picture =
        Attachment { mime_type: "image/jpeg".to_owned(), description: "Øvelser".to_owned(), content: JPEG.repeat(20) };
    let answer =
        Answer::Reply { text: "Prøv disse øvelsene – to ganger daglig".to_owned(), attachments: vec![picture] };
    portal.sim.answer(&question.msg_id, &answer).unwrap();
    let raw: Vec<Vec<u8>> =
        portal.sim.messages().into_iter().filter(|logged| logged.to_portal).map(|logged| logged.raw).collect();
    let (receipt, reply) = (raw.first().unwrap(), raw.last().unwrap());
    assert!(String::from_utf8_lossy(receipt).contains("apprec/2004-11-21"));
    assert!(std::str::from_utf8(reply).is_err(), "ISO-8859-1");
    let text: String = reply.iter().map(|byte| char::from(*byte)).collect();
    for quirk in ["encoding=\"ISO-8859-1\"", "øvelsene &#8211; to", "image/jpg", "EKONSULTASJON \"", "8093248 <"] {
        assert!(text.contains(quirk), "{quirk}");
    }
    let answers = portal.inbox().await;
    let body = answers.last().unwrap().find("TekstNotatInnhold").unwrap().text();
    assert_eq!(body, "Prøv disse øvelsene – to ganger daglig");
    portal.assert_clean();
}

#[tokio::test]
async fn system_x_formats_its_text_and_reuses_a_code() {
    let portal = Portal::start().await;
    let contact = Draft::contact(ELVEBREDDEN, ANTE);
    portal.send(&contact).await;
    portal.sim.answer(&contact.msg_id, &Answer::reply("Takk.\nDet er notert.")).unwrap();
    let answers = portal.inbox().await;
    let reply = answers.last().unwrap();
    let coded = reply.find("TemaKodet").unwrap();
    assert_eq!((coded.get("V"), coded.get("DN")), (Some("12"), Some("Svar på henvendelse")));
    let paragraphs: Vec<String> = reply.find_all("p").iter().map(super::super::tree::Element::text).collect();
    assert_eq!(paragraphs, ["Takk.", "Det er notert."]);
    portal.assert_clean();
}

#[tokio::test]
async fn a_certificate_comes_as_a_pdf_or_not_at_all() {
    let portal = Portal::start().await;
    let order = || {
        Draft::request(
            Process::Ekontakt,
            FJELLVEIEN,
            KARI,
            ("BA", "Bestille attest"),
            "<Sporsmal>Til skolen</Sporsmal>",
        )
    };
    let (first, second) = (order(), order());
    portal.send(&first).await;
    portal.send(&second).await;
    let issued = Answer::CertificateIssued { text: None, certificate: None };
    portal.sim.answer(&first.msg_id, &issued).unwrap();
    portal.sim.answer(&second.msg_id, &Answer::CertificateRefused { text: None }).unwrap();
    let answers = portal.inbox().await;
    let codes: Vec<String> = answers.iter().map(Incoming::code).collect();
    assert_eq!(codes, ["AppRec 1", "AppRec 1", "17", "18"]);
    assert_eq!(answers.get(2).unwrap().find("MimeType").unwrap().text(), "application/pdf");
    portal.assert_clean();
}

fn renewal(medicines: &[&str]) -> Draft {
    let rest = "<KodetOpplysning V=\"AP\" S=\"2.16.578.1.12.4.1.1.8324\" DN=\"Hentes på apotek\"/>";
    medicines.iter().fold(
        Draft::request(Process::Reseptfornyelse, FJELLVEIEN, KARI, ("RFER", "Reseptfornying, eResept"), rest),
        |draft, name| draft.payload(&prescription(name)),
    )
}

#[tokio::test]
async fn two_prescriptions_are_asked_for_and_one_is_renewed() {
    let portal = Portal::start().await;
    for (decisions, code, returned) in [
        (vec![("Paracet", true), ("Sobril", false)], "32", vec!["Paracet tab 500 mg"]),
        (vec![("paracet", false), ("sobril", false)], "15", vec![]),
        (vec![], "14", vec!["Paracet tab 500 mg", "Sobril tab 10 mg"]),
    ] {
        let draft = renewal(&["Paracet tab 500 mg", "Sobril tab 10 mg"]);
        portal.send(&draft).await;
        let stray = portal.sim.answer(&draft.msg_id, &Answer::renewal(&[("Insulin", true)]));
        assert!(stray.unwrap_err().to_string().contains("Insulin"));
        portal.sim.answer(&draft.msg_id, &Answer::renewal(&decisions)).unwrap();
        let answers = portal.inbox().await;
        let answer = answers.last().unwrap();
        assert_eq!(answer.code(), code);
        let names: Vec<String> =
            answer.find_all("NavnFormStyrke").iter().map(super::super::tree::Element::text).collect();
        assert_eq!(names, returned);
    }
    portal.assert_clean();
}

#[tokio::test]
async fn a_renewal_in_free_text_is_decided_line_by_line() {
    let portal = Portal::start().await;
    let rest = "<Sporsmal>Ventoline spray\nVival</Sporsmal>\
                <KodetOpplysning V=\"AP\" S=\"2.16.578.1.12.4.1.1.8324\" DN=\"Hentes på apotek\"/>";
    let draft = Draft::request(Process::Reseptfornyelse, ELVEBREDDEN, ANTE, ("RF", "Reseptfornying, fritekst"), rest);
    portal.send(&draft).await;
    portal.sim.answer(&draft.msg_id, &Answer::renewal(&[("Vival", false)])).unwrap();
    let answers = portal.inbox().await;
    assert_eq!(answers.last().unwrap().code(), "32");
    portal.assert_clean();
}

#[tokio::test]
async fn the_office_opens_a_dialogue_and_sends_a_one_way_message() {
    let portal = Portal::start().await;
    let opening = |one_way| Opening {
        medical: true,
        one_way,
        subject: "Prøvesvar".to_owned(),
        text: "Prøvene er fine.".to_owned(),
        attachments: Vec::new(),
    };
    let dialogue = portal.sim.open(&FJELLVEIEN, KARI.national_id, &opening(false)).unwrap();
    let one_way = portal.sim.open(&FJELLVEIEN, KARI.national_id, &opening(true)).unwrap();
    assert_eq!(portal.codes().await, ["DI", "EKI"]);
    let reply = Draft::reply(Process::Ekonsultasjon, FJELLVEIEN, KARI, &dialogue, &dialogue);
    portal.send(&reply).await;
    assert_eq!(portal.codes().await, ["AppRec 1"]);
    portal.assert_clean();

    portal.send(&Draft::reply(Process::Ekonsultasjon, FJELLVEIEN, KARI, &one_way, &one_way)).await;
    assert_eq!(portal.codes().await, ["AppRec 2"]);
    assert_eq!(portal.rules(), ["nobody replies to EKI"]);
}

#[tokio::test]
async fn a_parent_acts_for_a_child_where_the_version_allows_it() {
    let portal = Portal::start().await;
    let relation = format!(
        "<pr:Pasientrelasjon xmlns:pr=\"http://www.kith.no/xmlstds/pasientrelasjon/2014-03-28\" \
         xmlns:f=\"http://www.kith.no/xmlstds/felleskomponent1\"><pr:Person><f:FamilyName>Fjell</f:FamilyName>\
         <f:GivenName>Kari</f:GivenName><f:Ident><f:Id>{}</f:Id><f:TypeId V=\"FNR\" S=\"2.16.578.1.12.4.1.1.8116\" \
         DN=\"Fødselsnummer\"/></f:Ident></pr:Person><pr:Relasjon V=\"FO\" S=\"2.16.578.1.12.4.1.1.7611\" \
         DN=\"Foreldreansvar\"/></pr:Pasientrelasjon>",
        KARI.national_id
    );
    let draft = Draft::contact(FJELLVEIEN, NORA).payload(&relation);
    portal.send(&draft).await;
    let request = portal.sim.wait_for_request(|request| request.message.acting.is_some()).await.unwrap();
    assert_eq!(request.message.acting.unwrap().given_name, "Kari");
    portal.inbox().await;
    portal.assert_clean();
    portal.send(&Draft::contact(HAVNEGATA, OLA).payload(&relation)).await;
    assert_eq!(portal.rules(), ["Pasientrelasjon needs version 1.2 of the process"]);
}

#[tokio::test]
async fn an_office_that_answers_by_itself_answers_everything() {
    let portal = Portal::start().await;
    for office in [&FJELLVEIEN, &ELVEBREDDEN] {
        portal.sim.set_automatic(office, true).unwrap();
    }
    portal.send(&Draft::consultation(FJELLVEIEN, KARI)).await;
    portal.send(&Draft::contact(FJELLVEIEN, KARI)).await;
    portal.send(&renewal(&["Paracet"])).await;
    portal.send(&super::booking::wish(("OT", "Ønske om time"))).await;
    let codes: Vec<String> = portal.codes().await.into_iter().filter(|code| !code.starts_with("AppRec")).collect();
    assert_eq!(codes, ["12", "19", "14", "05"]);
    assert!(portal.sim.waiting().is_empty());
    portal.assert_clean();
}

#[tokio::test]
async fn an_answer_that_the_guide_does_not_allow_is_refused() {
    let portal = Portal::start().await;
    let question = Draft::consultation(FJELLVEIEN, KARI);
    portal.send(&question).await;
    let error = portal.sim.answer(&question.msg_id, &Answer::Cancelled { text: None }).unwrap_err();
    assert_eq!(error.to_string(), "cancelled does not answer SB");
    assert_eq!(portal.sim.waiting().len(), 1);
}

#[tokio::test]
async fn a_further_question_goes_on_with_the_dialog() {
    let portal = Portal::start().await;
    let question = Draft::consultation(FJELLVEIEN, KARI);
    portal.send(&question).await;
    let answer = portal.sim.answer(&question.msg_id, &Answer::reply("Ja")).unwrap();
    portal.inbox().await;
    let further =
        Draft { references: Some((answer, question.msg_id.clone())), ..Draft::consultation(FJELLVEIEN, KARI) };
    portal.send(&further).await;
    let request = portal.sim.wait_for_request(|request| request.message.msg_id == further.msg_id).await.unwrap();
    assert_eq!(request.conversation, question.msg_id);
    portal.inbox().await;
    portal.assert_clean();
}

#[tokio::test]
async fn an_office_tests_the_portal_and_gets_its_answer() {
    let portal = Portal::start().await;
    let test = portal.sim.test(&HAVNEGATA).unwrap();
    assert_eq!(portal.codes().await, ["KT"]);
    let form = "<Notat><TemaKodet V=\"RKT\" S=\"2.16.578.1.12.4.1.1.7603\" DN=\"Respons kommunikasjonstest\"/></Notat>";
    let mut answer = Draft::new(Process::Test, HAVNEGATA, OLA, form).synchronous();
    (answer.citizen, answer.references) = (None, Some((test.clone(), test)));
    portal.send(&answer).await;
    assert!(portal.inbox().await.is_empty());
    portal.assert_clean();
    answer.msg_id = uuid::Uuid::new_v4().to_string();
    answer.references = Some(("x".to_owned(), "x".to_owned()));
    portal.send(&answer).await;
    assert_eq!(portal.rules(), ["RKT answers a communication test of the office"]);
}

#[tokio::test]
async fn the_communication_test_and_the_list_of_clinicians_are_answered_at_once() {
    let portal = Portal::start().await;
    let form =
        "<Foresporsel><TypeForesp V=\"KT\" S=\"2.16.578.1.12.4.1.1.7603\" DN=\"Kommunikasjonstest\"/></Foresporsel>";
    let mut test = Draft::new(Process::Test, HAVNEGATA, OLA, form).synchronous();
    test.citizen = None;
    portal.send(&test).await;
    assert_eq!(portal.codes().await, ["RKT"]);
    let clinicians =
        Draft::request(Process::Behandleroversikt, FJELLVEIEN, KARI, ("HB", "Hent behandlere"), "").synchronous();
    portal.send(&clinicians).await;
    let answers = portal.inbox().await;
    assert_eq!(answers.first().unwrap().code(), "20");
    assert!(answers.first().unwrap().find("HelsepersonelListe").is_some());
    portal.assert_clean();
}
