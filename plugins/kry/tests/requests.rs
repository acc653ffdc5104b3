//! What is sent: every kind of request against its golden file. The simulated vendor's own tests take the same files in.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support;

use dialog_plugin_sdk::appointments::{Appointments, Booking, SlotQuery};
use dialog_plugin_sdk::dialogs::{Consultation, ConsultationMode, Dialogs, Inquiry, Opening};
use dialog_plugin_sdk::payments::Payments;
use dialog_plugin_sdk::practice::Practice;
use dialog_plugin_sdk::video::{RoomState, Video};
use dialog_plugin_sdk::{Appointment, EncounterMode, Failure, Locale, Message, Service};
use kry::Kry;
use serde_json::{Value, json};
use support::{
    DIALOG, NOW, NUMBER, PATIENT, PNG, SLOT, SLOT_ID, answering, booking, context, doctor, golden, keyed, message,
    only, refusing, represented,
};

fn taken() -> Value {
    json!({ "data": { "type": "visits", "id": "vis-1", "attributes": { "status": "with-clinician" } } })
}

fn triage() -> String {
    json!({ "form": "triage-consultation-4", "knownCondition": true, "durationDays": 3, "urgent": false }).to_string()
}

#[test]
fn the_patient_is_named_by_number_in_one_request_and_by_the_vendors_id_in_all_others() {
    let host = answering(201, &taken());
    let message = message("Hei", Vec::new());
    let opening = Opening::Consultation(Consultation { mode: ConsultationMode::Text, message, form: Some(triage()) });
    Kry::open(context(), DIALOG.into(), opening).unwrap();
    let requests = host.requests();
    assert_eq!(requests.len(), 2);
    golden("patient", &requests[0]);
    let visit: Value = requests[1].json();
    assert!(!visit.to_string().contains(NUMBER), "the number stands in one request alone");
    assert_eq!(visit.pointer("/data/relationships/patient/data/id"), Some(&json!(PATIENT)));
}

#[test]
fn a_visit_in_writing_carries_the_answers_to_the_triage_form_as_they_came() {
    let host = answering(201, &taken());
    let message = message("Medisinen gir meg hodepine.", Vec::new());
    let opening = Opening::Consultation(Consultation { mode: ConsultationMode::Text, message, form: Some(triage()) });
    let opened = Kry::open(keyed("visit-text"), DIALOG.into(), opening).unwrap();
    assert_eq!((opened.reference.as_str(), opened.events.len()), ("vis-1", 0));
    golden("visit-text", &only(&host));
}

#[test]
fn a_visit_by_picture_carries_it_as_base64() {
    let host = answering(201, &taken());
    let picture = host.attachment("utslett \"arm\".png", "image/png", PNG);
    let message = Message { subject: Some("Utslett".into()), ..message("Utslettet er tilbake.", vec![picture]) };
    let opening = Opening::Consultation(Consultation { mode: ConsultationMode::Image, message, form: Some(triage()) });
    Kry::open(keyed("visit-image"), DIALOG.into(), opening).unwrap();
    golden("visit-image", &only(&host));
}

#[test]
fn who_acts_for_the_patient_is_named() {
    let host = answering(201, &taken());
    let message = message("På vegne av Leila.", Vec::new());
    let opening = Opening::Consultation(Consultation { mode: ConsultationMode::Text, message, form: Some(triage()) });
    Kry::open(represented(keyed("visit-on-behalf")), DIALOG.into(), opening).unwrap();
    golden("visit-on-behalf", &only(&host));
}

#[test]
fn a_further_message_and_a_withdrawal_name_the_visit() {
    let host = answering(
        201,
        &json!({ "data": { "type": "messages", "id": "msg-7",
            "relationships": { "visit": { "data": { "type": "visits", "id": "vis-1" } } } } }),
    );
    let file = host.attachment("svar.png", "image/png", PNG);
    Kry::send(keyed("message"), "vis-1".into(), message("Takk.", vec![file])).unwrap();
    golden("message", &only(&host));
    drop(host);
    let host = answering(200, &taken());
    Kry::close(keyed("visit-withdraw"), "vis-1".into()).unwrap();
    golden("visit-withdraw", &only(&host));
}

fn appointment() -> Appointment {
    Appointment {
        id: "bok-1".into(),
        start: SLOT,
        end: SLOT + 1_200_000,
        clinician: None,
        mode: EncounterMode::Video,
        title: "Videokonsultasjon".into(),
        location: None,
        instructions: None,
        cancellable: true,
        changeable: true,
    }
}

fn wanted(slot: &str, start: i64) -> Booking {
    Booking { slot: slot.into(), start, end: start + 1_200_000, clinician: None, reason: Some("Blodtrykk".into()) }
}

#[test]
fn a_booking_is_made_moved_and_cancelled() {
    let host = answering(201, &booking());
    let booked = Kry::book(keyed("booking"), wanted(SLOT_ID, SLOT)).unwrap();
    golden("booking", &only(&host));
    assert_eq!((booked.id.as_str(), booked.start, booked.end), ("bok-1", SLOT, SLOT + 1_200_000));
    assert_eq!((booked.mode, booked.clinician.unwrap().hpr_number), (EncounterMode::Video, 9_123_482));
    assert_eq!(booked.location.as_deref(), Some("https://video.kry.example/bok-1"));
    assert!(booked.cancellable && booked.changeable);
    drop(host);

    let host = answering(200, &booking());
    let slot = wanted("ts-9123482-20261124-1000-video", SLOT + 26 * 3_600_000);
    Kry::change(keyed("booking-move"), appointment(), slot).unwrap();
    golden("booking-move", &only(&host));
    drop(host);

    let mut cancelled = booking();
    cancelled["data"]["attributes"]["status"] = json!("cancelled");
    let host = answering(200, &cancelled);
    Kry::cancel(keyed("booking-cancel"), appointment(), Some("Frisk".into())).unwrap();
    golden("booking-cancel", &only(&host));
}

fn timeslot(id: &str, start: &str, channel: &str) -> Value {
    json!({ "type": "timeslots", "id": id,
        "attributes": { "start": start, "durationMinutes": 20, "channel": channel, "label": "Video\nkonsultasjon" },
        "relationships": { "practitioner": { "data": { "type": "practitioners", "id": "pra-9123482" } } } })
}

#[test]
fn free_times_are_asked_for_by_channel_and_doctor_and_filtered() {
    let host = answering(
        200,
        &json!({
            "data": [
                timeslot("late", "2026-11-24T08:00:00Z", "video"),
                timeslot("early", "2026-11-23T07:00:00Z", "video"),
                timeslot("phone", "2026-11-23T12:00:00Z", "phone"),
                timeslot("past", "2026-11-19T07:00:00Z", "video"),
                timeslot("no zone", "2026-11-23T10:15:00", "video"),
                { "type": "timeslots", "id": 7 },
            ],
            "included": [doctor()],
            "links": { "next": null },
        }),
    );
    let until = NOW + 14 * 86_400_000;
    let query = SlotQuery { from: NOW, until, clinician: Some(9_123_482), mode: Some(EncounterMode::Video) };
    let slots = Kry::slots(context(), query).unwrap();
    golden("timeslots", &only(&host));
    assert_eq!(slots.iter().map(|slot| slot.id.as_str()).collect::<Vec<_>>(), ["early", "late"]);
    assert_eq!((slots[0].title.as_str(), slots[0].mode), ("Video konsultasjon", EncounterMode::Video));
    assert_eq!(host.lines().len(), 2, "the unreadable ones are told of");
}

#[test]
fn nobody_is_met_in_person_and_nothing_is_asked() {
    let host = answering(200, &json!({ "data": [] }));
    let query = SlotQuery { from: NOW, until: NOW + 1, clinician: None, mode: Some(EncounterMode::InPerson) };
    assert_eq!(Kry::slots(context(), query).unwrap(), []);
    assert!(host.requests().is_empty());
}

#[test]
fn coming_bookings_are_asked_for_by_the_vendors_id_of_the_patient() {
    let mut gone = booking()["data"].clone();
    gone["id"] = json!("bok-2");
    gone["attributes"]["status"] = json!("cancelled");
    let host = answering(200, &json!({ "data": [booking()["data"], gone], "included": [doctor()] }));
    let upcoming = Kry::upcoming(context()).unwrap();
    assert_eq!(upcoming.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["bok-1"]);
    golden("bookings", &only(&host));
}

#[test]
fn the_profile_has_what_everyone_may_know_and_leaves_out_what_cannot_be_read() {
    let mut present = doctor();
    present["attributes"]["languages"] = json!(["nb", "?", "en-GB"]);
    present["attributes"]["weekdays"] = json!([5, 1, 1, 9]);
    present["attributes"]["absences"] = json!([
        { "from": "2026-12-21", "until": "2027-01-03", "substituteId": "pra-2" },
        { "from": "2027-01-03", "until": "2026-12-21" },
        7,
    ]);
    let mut other = doctor();
    other["id"] = json!("pra-2");
    other["attributes"]["hprNumber"] = json!(9_123_490);
    let host = answering(
        200,
        &json!({
            "data": { "type": "units", "id": "kry-norge",
                "attributes": {
                    "phone": "+4721555555", "website": "https://kry.example/", "payment": "Kort.", "accessibility": " ",
                    "channels": ["phone", "video", "smoke", "video"],
                    "openingHours": [
                        { "weekday": 1, "opens": "07:00", "closes": "23:00" },
                        { "weekday": 8, "opens": "07:00", "closes": "23:00" },
                    ],
                },
                "relationships": { "practitioners": { "data": [
                    { "type": "practitioners", "id": "pra-9123482" },
                    { "type": "practitioners", "id": "pra-2" },
                    { "type": "practitioners", "id": "pra-3" },
                ] } } },
            "included": [present, other],
        }),
    );
    let mut ctx = context();
    (ctx.locale, ctx.citizen) = (Locale::Nn, None);
    let profile = Kry::profile(ctx).unwrap();
    golden("unit", &only(&host));
    assert_eq!((profile.telephone.as_deref(), profile.accessibility.as_deref()), (Some("+4721555555"), None));
    assert_eq!(profile.modes, [EncounterMode::Video, EncounterMode::Telephone]);
    assert_eq!((profile.hours.len(), profile.practitioners.len()), (1, 2));
    let doctor = &profile.practitioners[0];
    assert_eq!((doctor.weekdays.as_slice(), doctor.languages.len()), (&[1, 5][..], 2));
    assert_eq!(doctor.absences.len(), 1);
    assert_eq!(doctor.absences[0].substitute.as_ref().unwrap().hpr_number, 9_123_490);
}

#[test]
fn the_triage_form_comes_with_its_schema() {
    let form = |id: &str, service: &str| {
        json!({ "type": "triage-forms", "id": id,
            "attributes": { "service": service, "title": "Før konsultasjonen", "schema": { "type": "object" } } })
    };
    let host = answering(200, &json!({ "data": [form("a", "consultation"), form("b", "insurance")] }));
    let forms = Kry::forms(context()).unwrap();
    golden("triage-forms", &only(&host));
    assert_eq!(forms.len(), 1);
    assert_eq!((forms[0].service, forms[0].schema.as_str()), (Service::Consultation, r#"{"type":"object"}"#));
    drop(host);
    let _host = answering(200, &json!({ "data": [form("a", "consultation"), form("b", "consultation")] }));
    assert!(matches!(Kry::forms(context()), Err(Failure::Faulty(_))), "two of one service");
}

fn invoice(id: &str, issued: &str, status: &str) -> Value {
    json!({ "type": "invoices", "id": id,
        "attributes": {
            "status": status, "amount": { "value": 18_400, "currency": "NOK" }, "tariffs": ["2ae"],
            "description": "E-konsultasjon", "issuedAt": issued, "dueDate": "2026-12-04",
        },
        "relationships": { "visit": { "data": { "type": "visits", "id": "vis-1" } } } })
}

#[test]
fn what_is_owed_comes_oldest_first_each_once_and_without_what_is_paid() {
    let host = answering(
        200,
        &json!({ "data": [
            invoice("inv-2", "2026-11-19T10:00:00Z", "open"),
            invoice("inv-1", "2026-11-18T10:00:00Z", "open"),
            invoice("inv-1", "2026-11-18T10:00:00Z", "open"),
            invoice("inv-3", "2026-11-17T10:00:00Z", "paid"),
        ] }),
    );
    let owed = Kry::outstanding(context()).unwrap();
    golden("invoices", &only(&host));
    assert_eq!(owed.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["inv-1", "inv-2"]);
    assert_eq!((owed[0].amount, owed[0].tariffs.as_slice()), (18_400, &["2ae".to_owned()][..]));
    assert_eq!((owed[0].dialog.as_deref(), owed[0].text.as_str()), (Some("vis-1"), "E-konsultasjon"));
    assert_eq!(owed[0].due, Some(1_796_425_199_999), "the end of 4 December in Norway");
}

fn payment(url: &str) -> Value {
    json!({ "data": { "type": "payments", "id": "pay-1",
        "attributes": { "redirectUrl": url, "expiresAt": "2026-11-20T09:15:00Z" },
        "relationships": { "invoice": { "data": { "type": "invoices", "id": "inv-1" } } } } })
}

#[test]
fn a_payment_leads_to_the_vendors_page_and_to_no_other_kind_of_address() {
    let host = answering(201, &payment("https://pay.kry.example/p/pay-1"));
    let paid = Kry::pay(keyed("payment"), "inv-1".into(), "https://portal.example/paid".into()).unwrap();
    golden("payment", &only(&host));
    assert_eq!((paid.id.as_str(), paid.expires), ("pay-1", NOW + 900_000));
    drop(host);
    for wrong in [payment("http://pay.kry.example/"), payment("https://a@b/"), {
        let mut other = payment("https://pay.kry.example/p/pay-1");
        other["data"]["relationships"]["invoice"]["data"]["id"] = json!("inv-2");
        other
    }] {
        let _host = answering(201, &wrong);
        let failure = Kry::pay(context(), "inv-1".into(), "https://portal.example/".into()).unwrap_err();
        assert!(matches!(failure, Failure::Faulty(_)), "{wrong}");
    }
}

#[test]
fn an_amount_in_another_currency_or_of_nothing_is_not_shown() {
    for (member, value) in [
        ("amount", json!({ "value": 18_400, "currency": "SEK" })),
        ("amount", json!({ "value": 0, "currency": "NOK" })),
        ("tariffs", json!(["2 ae"])),
        ("issuedAt", json!("yesterday")),
        ("dueDate", json!("2026-02-30")),
    ] {
        let mut wrong = invoice("inv-1", "2026-11-18T10:00:00Z", "open");
        wrong["attributes"][member] = value;
        let _host = answering(200, &json!({ "data": [wrong] }));
        assert!(matches!(Kry::outstanding(context()), Err(Failure::Faulty(_))), "{member}");
    }
}

#[test]
fn a_visit_by_video_begins_in_writing() {
    let host = answering(201, &taken());
    let message = message("Jeg vil vise deg utslettet.", Vec::new());
    let opening = Opening::Consultation(Consultation { mode: ConsultationMode::Video, message, form: Some(triage()) });
    Kry::open(keyed("visit-video"), DIALOG.into(), opening).unwrap();
    golden("visit-video", &only(&host));
}

/// The vendor's answer to whoever wants in.
fn access() -> Value {
    json!({ "data": {
        "type": "meeting-accesses",
        "id": "acc-1",
        "attributes": {
            "joinUrl": "https://meet.kry.example/vis-1?t=5Q3",
            "expiresAt": "2026-11-20T09:15:00Z",
            "state": "waiting",
        },
        "relationships": { "visit": { "data": { "type": "visits", "id": "vis-1" } } },
    } })
}

#[test]
fn a_patient_is_let_in_by_an_address_made_for_the_occasion() {
    let host = answering(201, &access());
    let room = Kry::join(keyed("meeting-access"), "vis-1".into()).unwrap();
    assert_eq!((room.url.as_str(), room.expires), ("https://meet.kry.example/vis-1?t=5Q3", NOW + 15 * 60_000));
    assert_eq!(room.state, RoomState::Waiting);
    golden("meeting-access", &only(&host));
    drop(host);
    let host = answering(201, &json!({ "data": { "type": "meeting-exits", "id": "ext-1", "attributes": {} } }));
    Kry::leave(keyed("meeting-exit"), "vis-1".into()).unwrap();
    golden("meeting-exit", &only(&host));
}

#[test]
fn a_way_in_that_cannot_be_one_is_the_vendors_fault() {
    for (pointer, value) in [
        ("/data/attributes/joinUrl", json!("http://meet.kry.example/")),
        ("/data/attributes/joinUrl", json!(format!("https://meet.kry.example/{}", "x".repeat(2_048)))),
        ("/data/attributes/expiresAt", json!("soon")),
        ("/data/attributes/state", json!("full")),
        ("/data/relationships/visit/data/id", json!("vis-2")),
    ] {
        let mut wrong = access();
        *wrong.pointer_mut(pointer).unwrap() = value;
        let _host = answering(201, &wrong);
        let failure = Kry::join(context(), "vis-1".into()).unwrap_err();
        assert!(
            matches!(&failure, Failure::Faulty(fault) if !fault.detail.contains("meet.kry")),
            "{pointer}: {failure:?}"
        );
    }
}

#[test]
fn who_cannot_come_in_is_told_why() {
    for (status, code) in
        [(403, "meeting-not-open"), (403, "meeting-over"), (404, "no-meeting"), (404, "unknown-visit")]
    {
        let _host = refusing(status, code, &[]);
        let failure = Kry::join(context(), "vis-1".into()).unwrap_err();
        let (Failure::Declined(reason) | Failure::NotFound(reason)) = failure else { panic!("{failure:?}") };
        assert_eq!((reason.code.as_str(), reason.text.is_empty()), (code, false));
    }
}

#[test]
fn a_service_that_the_vendor_does_not_have_is_declined_and_nothing_is_sent() {
    let host = answering(201, &json!({}));
    let inquiry = Opening::Inquiry(Inquiry { message: message("Åpent?", Vec::new()) });
    let failure = Kry::open(context(), DIALOG.into(), inquiry).unwrap_err();
    assert!(matches!(&failure, Failure::Declined(reason) if reason.code == "not-offered"), "{failure:?}");
    assert!(host.requests().is_empty());
}

#[test]
fn without_the_number_nothing_is_sent() {
    let host = answering(201, &taken());
    let mut ctx = context();
    ctx.citizen.as_mut().unwrap().national_identity_number = None;
    let message = message("Hei", Vec::new());
    let opening = Opening::Consultation(Consultation { mode: ConsultationMode::Text, message, form: None });
    let failure = Kry::open(ctx, DIALOG.into(), opening).unwrap_err();
    assert!(matches!(failure, Failure::Faulty(_)) && host.requests().is_empty());
}

#[test]
fn the_same_request_has_the_same_key_and_another_has_another() {
    let key = |key: &str| {
        let host = answering(201, &booking());
        Kry::book(keyed(key), wanted(SLOT_ID, SLOT)).unwrap();
        only(&host).header("idempotency-key").unwrap().to_owned()
    };
    assert_eq!(key("a"), key("a"));
    assert_ne!(key("a"), key("b"));
    assert!(key(&"long".repeat(30)).len() <= 64);
}
