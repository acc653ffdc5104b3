//! Slots, reservations and wishes.

use super::portal::{Draft, Portal, calendar};
use crate::sim::meldingstjener::{Answer, Notice, Process};
use crate::sim::world::{ANTE, ELVEBREDDEN, FJELLVEIEN, KARI};
use jiff::civil::date;

fn slots(from: &str, to: &str) -> Draft {
    let rest = format!("<FraDato>{from}</FraDato><TilDato>{to}</TilDato>");
    Draft::request(Process::Timereservasjon, FJELLVEIEN, KARI, ("HLT", "Hent ledige timer"), &rest).synchronous()
}

pub(super) fn reserve(uid: &str, start: &str, end: &str) -> Draft {
    let her_id = FJELLVEIEN.gps.first().unwrap().her_id;
    let rest = "<Sporsmal>Hoste</Sporsmal><KodetOpplysning V=\"2\" S=\"2.16.578.1.12.4.1.1.1101\" DN=\"Nei\"/>";
    Draft::request(Process::Timereservasjon, FJELLVEIEN, KARI, ("RT", "Reserver time"), rest)
        .payload(&calendar(uid, start, end, her_id, None))
}

pub(super) fn booked() -> Draft {
    Draft::request(Process::Timereservasjon, FJELLVEIEN, KARI, ("HBT", "Hent bestilte timer"), "").synchronous()
}

#[tokio::test]
async fn a_citizen_sees_slots_reserves_one_sees_it_booked_and_cancels() {
    let portal = Portal::start().await;
    portal.send(&slots("2026-11-23", "2026-11-25")).await;
    let answers = portal.inbox().await;
    let [answer] = answers.as_slice() else { panic!("no receipt for what is answered at once") };
    assert_eq!(answer.code(), "03");
    assert_eq!(answer.find("Ack").unwrap().get("V"), Some("N"));
    let events = answer.find_all("vevent");
    assert_eq!(events.len(), 15, "three days of one doctor");
    let first = events.first().unwrap().child("properties").unwrap().clone();
    let (uid, start, end) =
        (first.text_of("uid").unwrap(), first.text_of("dtstart").unwrap(), first.text_of("dtend").unwrap());
    assert_eq!(start, "2026-11-23T08:30:00");

    let reservation = reserve(&uid, &start, &end);
    portal.send(&reservation).await;
    let answers = portal.inbox().await;
    let codes: Vec<String> = answers.iter().map(super::portal::Incoming::code).collect();
    assert_eq!(codes, ["AppRec 1", "05"]);
    let confirmed = answers.last().unwrap();
    assert_eq!(confirmed.text(&["MsgInfo", "ConversationRef", "RefToParent"]).unwrap(), reservation.msg_id);
    let appointment = confirmed.find("related-to").unwrap().text();

    portal.send(&booked()).await;
    let answers = portal.inbox().await;
    assert_eq!(answers.first().unwrap().code(), "01");
    assert_eq!(answers.first().unwrap().find("related-to").unwrap().text(), appointment);

    // Taken: by the same citizen, but taken.
    portal.send(&reserve(&uid, &start, &end)).await;
    assert_eq!(portal.codes().await, ["AppRec 1", "06"]);

    let cancel = |related: &str| {
        let rest =
            "<Sporsmal>Frisk igjen</Sporsmal><KodetOpplysning V=\"2\" S=\"2.16.578.1.12.4.1.1.1101\" DN=\"Nei\"/>";
        Draft::request(Process::Timereservasjon, FJELLVEIEN, KARI, ("ART", "Avbestill reservert time"), rest)
            .payload(&calendar(&uid, &start, &end, FJELLVEIEN.gps.first().unwrap().her_id, Some(related)))
    };
    portal.send(&cancel(&appointment)).await;
    assert_eq!(portal.codes().await, ["AppRec 1", "08"]);
    portal.send(&cancel(&appointment)).await;
    assert_eq!(portal.codes().await, ["AppRec 1", "09"]);
    portal.send(&booked()).await;
    assert_eq!(portal.codes().await, ["02"]);
    portal.assert_clean();
}

#[tokio::test]
async fn a_slot_taken_behind_the_citizens_back_is_not_available() {
    let portal = Portal::start().await;
    let slot = portal.sim.slots(&FJELLVEIEN).unwrap().into_iter().next().unwrap();
    portal.sim.take_slot(&FJELLVEIEN, &slot.uid).unwrap();
    assert!(portal.sim.take_slot(&FJELLVEIEN, &slot.uid).is_err());
    portal.send(&reserve(&slot.uid, "2026-11-23T08:30:00", "2026-11-23T08:45:00")).await;
    assert_eq!(portal.codes().await, ["AppRec 1", "06"]);
    portal.assert_clean();
}

#[tokio::test]
async fn no_slots_at_a_weekend() {
    let portal = Portal::start().await;
    portal.send(&slots("2026-11-28", "2026-11-29")).await;
    assert_eq!(portal.codes().await, ["04"]);
    portal.assert_clean();
}

#[tokio::test]
async fn a_barred_citizen_has_no_access() {
    let portal = Portal::start().await;
    portal.sim.set_blocked(&FJELLVEIEN, KARI.national_id, true).unwrap();
    portal.send(&slots("2026-11-23", "2026-11-25")).await;
    assert_eq!(portal.codes().await, ["30"]);
    portal.sim.set_blocked(&FJELLVEIEN, KARI.national_id, false).unwrap();
    portal.send(&slots("2026-11-23", "2026-11-25")).await;
    assert_eq!(portal.codes().await, ["03"]);
}

pub(super) fn wish(code: (&str, &str)) -> Draft {
    let rest =
        "<Sporsmal>Helst formiddag</Sporsmal><KodetOpplysning V=\"1\" S=\"2.16.578.1.12.4.1.1.1101\" DN=\"Ja\"/>";
    Draft::request(Process::Timeonske, ELVEBREDDEN, ANTE, code, rest)
}

#[tokio::test]
async fn a_wish_becomes_an_appointment_that_is_moved_and_cancelled() {
    let portal = Portal::start().await;
    let first = wish(("OT", "Ønske om time"));
    portal.send(&first).await;
    assert_eq!(portal.codes().await, ["AppRec 1"], "a person answers, and has not yet");
    let request = portal.sim.wait_for_request(|request| request.office_her_id == ELVEBREDDEN.her_id).await.unwrap();
    assert_eq!(request.message.msg_id, first.msg_id);
    let given = Answer::Appointment { start: date(2026, 12, 1).at(10, 0, 0, 0), gp: None, text: None };
    portal.sim.answer(&first.msg_id, &given).unwrap();
    let answers = portal.inbox().await;
    let answer = answers.first().unwrap();
    assert_eq!(answer.code(), "05");
    let order: Vec<String> =
        answer.find("vevent").unwrap().child("properties").unwrap().children().map(|p| p.name.clone()).collect();
    assert_eq!(&order[..2], ["dtend", "dtstart"], "System X turns them around");
    let (uid, id) = (answer.find("uid").unwrap().text(), answer.find("related-to").unwrap().text());

    let contact = ELVEBREDDEN.gps.first().unwrap().her_id;
    let change = wish(("OET", "Ønske om endring av time")).payload(&calendar(
        &uid,
        "2026-12-01T10:00:00",
        "2026-12-01T10:15:00",
        contact,
        Some(&id),
    ));
    portal.send(&change).await;
    let moved = Answer::Changed { start: date(2026, 12, 2).at(11, 0, 0, 0), text: None };
    portal.sim.answer(&change.msg_id, &moved).unwrap();
    let answers = portal.inbox().await;
    assert_eq!(answers.last().unwrap().code(), "07");
    assert_eq!(answers.last().unwrap().find("related-to").unwrap().text(), id, "the appointment is the same");
    assert_eq!(answers.last().unwrap().find("dtstart").unwrap().text(), "2026-12-02T11:00:00");

    let cancel = wish(("OAT", "Ønske om avbestilling av time")).payload(&calendar(
        &uid,
        "2026-12-02T11:00:00",
        "2026-12-02T11:15:00",
        contact,
        Some(&id),
    ));
    portal.send(&cancel).await;
    portal.sim.answer(&cancel.msg_id, &Answer::Cancelled { text: None }).unwrap();
    assert_eq!(portal.codes().await, ["AppRec 1", "08"]);
    assert!(portal.sim.appointments(&ELVEBREDDEN, ANTE.national_id).unwrap().is_empty());
    portal.assert_clean();
}

#[tokio::test]
async fn the_office_tells_of_appointments_made_elsewhere() {
    let portal = Portal::start().await;
    let start = date(2026, 12, 1).at(9, 0, 0, 0);
    for (office, citizen, process) in [
        (&FJELLVEIEN, KARI, "DIALOG_INNBYGGER_TIMERESERVASJON"),
        (&ELVEBREDDEN, ANTE, "DIALOG_INNBYGGER_AVTALEUTSENDING"),
    ] {
        portal.sim.notice(office, citizen.national_id, &Notice::Confirmed { start }).unwrap();
        let appointment = portal.sim.appointments(office, citizen.national_id).unwrap().remove(0);
        let changed = Notice::Changed { appointment: appointment.clone(), start: date(2026, 12, 3).at(9, 0, 0, 0) };
        portal.sim.notice(office, citizen.national_id, &changed).unwrap();
        let not_met = Notice::NotMet { appointment: appointment.clone() };
        portal.sim.notice(office, citizen.national_id, &not_met).unwrap();
        portal.sim.notice(office, citizen.national_id, &Notice::Cancelled { appointment }).unwrap();
        let notices = portal.inbox().await;
        let codes: Vec<String> = notices.iter().map(super::portal::Incoming::code).collect();
        assert_eq!(codes, ["05", "07", "11", "08"]);
        let first = notices.first().unwrap();
        assert_eq!(first.find("Type").unwrap().get("V"), Some(process));
        assert!(first.find("Foresporsel").is_some(), "a notice is no answer");
        assert!(first.find("ConversationRef").is_none());
    }
    portal.assert_clean();
}
