//! What is sent: every kind of request against its golden file. The simulated vendor's own tests take the same files in.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support;

use dialog_plugin_sdk::appointments::{Appointments, Booking, SlotQuery};
use dialog_plugin_sdk::dialogs::{
    AppointmentCancelRequest, Certificate, Consultation, ConsultationMode, Dialogs, Inquiry, Opening, Renewal,
    RenewalItem, SickNoteRenewal,
};
use dialog_plugin_sdk::inbound::Inbound;
use dialog_plugin_sdk::prescriptions::{Prescriptions, Renewability};
use dialog_plugin_sdk::read_marks::ReadMarks;
use dialog_plugin_sdk::testing::Host;
use dialog_plugin_sdk::upstream::Method;
use dialog_plugin_sdk::{Appointment, EncounterMode, Failure};
use pasientsky::Pasientsky;
use serde_json::json;
use support::{
    DIALOG, LONG, NOW, PNG, SLOT, SSN, context, doctor, fhir, golden, inbound, keyed, last, message, represented, told,
    vendor, vendor_but, writes,
};

fn opening(name: &str, opening: impl FnOnce(&Host) -> Opening) {
    let host = vendor();
    let opening = opening(&host);
    let opened = Pasientsky::open(keyed(&format!("key-{name}")), DIALOG.into(), opening).unwrap();
    assert_eq!((opened.reference.as_str(), opened.events.len()), ("Task/t-2", 0));
    let requests = host.requests();
    assert_eq!(requests.len(), 2, "the patient, and the transaction");
    golden("patient-search", &requests[0]);
    golden(name, &requests[1]);
}

fn item(id: &str, medicine: &str, note: Option<&str>) -> RenewalItem {
    RenewalItem {
        id: id.into(),
        medicine: medicine.into(),
        atc: Some("C07AB02".into()),
        note: note.map(Into::into),
        eprescription: None,
    }
}

#[test]
fn a_consultation_is_a_task_with_its_first_message_and_picture() {
    opening("open-consultation", |host| {
        let picture = host.attachment("utslett \"arm\".png", "image/png", PNG);
        let mut message = message(1, "Utslettet er tilbake.", vec![picture]);
        message.subject = Some("Utslett".into());
        Opening::Consultation(Consultation { mode: ConsultationMode::Image, message, form: None })
    });
}

#[test]
fn a_question_is_a_task_with_its_first_message() {
    opening("open-inquiry", |_| {
        Opening::Inquiry(Inquiry { message: message(2, "Har dere åpent i \"julen\"?\n\n", Vec::new()) })
    });
}

#[test]
fn a_renewal_has_a_draft_for_each_medicine_and_needs_no_message() {
    opening("open-renewal", |_| {
        let items = vec![
            item("MedicationRequest/mr-p-1-1", "Metoprolol 50 mg", Some("Ti igjen.")),
            item("portalens egen 7", "Atorvastatin", None),
        ];
        Opening::PrescriptionRenewal(Renewal { items, message: None })
    });
    opening("open-renewal-with-words", |_| {
        let items = vec![item("MedicationRequest/mr-p-1-2", "Atorvastatin", None)];
        let message = Some(message(3, "Jeg reiser fredag.", Vec::new()));
        Opening::PrescriptionRenewal(Renewal { items, message })
    });
}

#[test]
fn who_acts_for_the_patient_is_named() {
    let host = vendor();
    let opening = Opening::Inquiry(Inquiry { message: message(4, "På vegne av Leila.", Vec::new()) });
    Pasientsky::open(represented(keyed("key-on-behalf")), DIALOG.into(), opening).unwrap();
    golden("open-on-behalf", &last(&host));
}

#[test]
fn two_attempts_at_the_same_are_the_same_but_for_their_time() {
    let attempt = |now: i64| {
        let host = vendor();
        let mut ctx = keyed("key-twice");
        ctx.now = now;
        host.set_now(now);
        let opening = Opening::Inquiry(Inquiry { message: message(5, "Hei", Vec::new()) });
        Pasientsky::open(ctx, DIALOG.into(), opening).unwrap();
        last(&host).text().replace("2026-11-20T09:00:07Z", "2026-11-20T09:00:00Z")
    };
    assert_eq!(attempt(NOW), attempt(NOW + 7_000));
}

#[test]
fn a_further_message_answers_the_offices_latest_one() {
    let host = vendor();
    let file = host.attachment("svar.png", "image/png", PNG);
    Pasientsky::send(keyed("key-message"), "Task/t-2".into(), message(6, "Romjulen.", vec![file])).unwrap();
    let requests = host.requests();
    assert_eq!(requests.len(), 4);
    golden("messages-of-a-dialog", &requests[1]);
    golden("message", &requests[3]);
}

#[test]
fn a_message_that_is_only_a_picture_has_words_for_the_vendor() {
    let host = vendor();
    let file = host.attachment("svar.png", "image/png", PNG);
    Pasientsky::send(context(), "Task/t-2".into(), message(7, " ", vec![file])).unwrap();
    assert!(last(&host).text().contains(r#""contentString":"Se vedlegg.""#));
}

#[test]
fn a_dialog_is_taken_back_as_the_next_version_of_what_was_read() {
    let host = vendor();
    Pasientsky::close(context(), "Task/t-2".into()).unwrap();
    golden("withdrawal", &last(&host));
}

fn appointment() -> Appointment {
    Appointment {
        id: "a-1".into(),
        start: SLOT,
        end: SLOT + LONG,
        clinician: Some(doctor()),
        mode: EncounterMode::InPerson,
        title: "Legetime".into(),
        location: None,
        instructions: None,
        cancellable: true,
        changeable: true,
    }
}

fn wanted(slot: &str, start: i64) -> Booking {
    Booking { slot: slot.into(), start, end: start + LONG, clinician: Some(doctor()), reason: Some("Blodtrykk".into()) }
}

#[test]
fn an_appointment_is_booked_moved_and_cancelled() {
    let host = vendor();
    let booked = Pasientsky::book(keyed("key-book"), wanted("slot-9123458-20261123-0815", SLOT)).unwrap();
    golden("booking", &last(&host));
    assert_eq!((booked.id.as_str(), booked.start, booked.end), ("a-1", SLOT, SLOT + LONG));
    assert_eq!((booked.clinician.unwrap().hpr_number, booked.title.as_str()), (9_123_458, "Legetime"));
    assert_eq!(booked.location.as_deref(), Some("Lilletorget 1, 0184 Oslo"));
    assert!(booked.cancellable && booked.changeable && booked.instructions.is_some());

    let to = wanted("slot-9123458-20261124-0900", SLOT + 89_100_000);
    let moved = Pasientsky::change(keyed("key-move"), appointment(), to).unwrap();
    assert_eq!(moved.start, SLOT + 89_100_000);
    golden("move", &last(&host));
    Pasientsky::cancel(keyed("key-cancel"), appointment(), Some("Frisk".into())).unwrap();
    golden("cancellation", &last(&host));
}

#[test]
fn a_second_attempt_at_a_move_or_a_cancellation_finds_it_done_and_writes_nothing() {
    let mut there = told()["appointment"].clone();
    there["status"] = json!("cancelled");
    let now = there.clone();
    let host = vendor_but(move |request| {
        (request.path == "/Appointment/a-1").then(|| fhir(200, &now).header("etag", "W/\"2\""))
    });
    Pasientsky::cancel(context(), appointment(), None).unwrap();
    assert!(!host.requests().iter().any(writes));
    drop(host);
    let host = vendor();
    // It has the slot that is wanted already.
    Pasientsky::change(context(), appointment(), wanted("slot-9123458-20261123-0815", SLOT)).unwrap();
    assert!(!host.requests().iter().any(writes));
}

#[test]
fn slots_come_with_their_doctors_and_are_filtered() {
    let host = vendor();
    let query = |mode| SlotQuery { from: NOW, until: NOW + 14 * 86_400_000, clinician: Some(9_123_458), mode };
    let slots = Pasientsky::slots(context(), query(Some(EncounterMode::InPerson))).unwrap();
    golden("slots", &last(&host));
    assert_eq!(
        (slots.len(), slots[0].id.as_str(), slots[0].start),
        (3, "slot-9123458-20261123-0900", SLOT + 45 * 60_000)
    );
    assert_eq!(slots[0].clinician.as_ref().unwrap().family_name, "Yusuf");
    let calls = Pasientsky::slots(context(), query(Some(EncounterMode::Telephone))).unwrap();
    assert_eq!((calls.len(), calls[0].title.as_str()), (1, "Telefontime"));
    assert!(Pasientsky::slots(context(), SlotQuery { clinician: Some(9_123_431), ..query(None) }).unwrap().is_empty());
    assert!(Pasientsky::slots(context(), SlotQuery { until: SLOT, ..query(None) }).unwrap().is_empty());
}

#[test]
fn appointments_and_prescriptions_are_searched_for_without_a_person_in_the_url() {
    let host = vendor();
    let upcoming = Pasientsky::upcoming(context()).unwrap();
    golden("appointments-search", &last(&host));
    assert_eq!((upcoming.len(), upcoming[0].clinician.as_ref().unwrap().given_name.as_str()), (1, "Amina"));
    let found = Pasientsky::renewable(context()).unwrap();
    golden("prescriptions-search", &last(&host));
    let shown: Vec<_> = found.iter().map(|one| (one.id.as_str(), one.renewability)).collect();
    assert_eq!(
        shown,
        [
            ("MedicationRequest/mr-p-1-1", Renewability::Renewable),
            ("MedicationRequest/mr-p-1-2", Renewability::Renewable),
            ("MedicationRequest/mr-p-1-3", Renewability::NeedsConsultation),
            ("MedicationRequest/mr-p-1-4", Renewability::NotRenewable),
        ]
    );
    assert_eq!((found[0].atc.as_deref(), found[0].note.as_deref()), (Some("C07AB02"), None));
    assert_eq!(found[2].note.as_deref(), Some("Ta blodprøve før fornyelse."));
    assert!(found.iter().all(|one| one.issued.is_some() && one.valid_until.is_some() && one.dosage.is_some()));
    for request in host.requests() {
        assert!(request.method == Method::Post && !format!("{:?}{:?}", request.path, request.query).contains("p-1"));
    }
}

#[test]
fn news_are_asked_for_by_the_vendors_times() {
    let host = vendor();
    Pasientsky::poll(inbound(), None, Vec::new()).unwrap();
    let asked: Vec<_> = host.requests().into_iter().filter(|request| request.query("_lastUpdated").is_some()).collect();
    assert_eq!(asked.len(), 3);
    for (name, request) in ["news-tasks", "news-messages", "news-appointments"].iter().zip(&asked) {
        golden(name, request);
    }
}

#[test]
fn what_the_vendor_does_not_have_is_declined_and_nothing_is_sent() {
    let host = vendor();
    let words = || message(8, "Hei", Vec::new());
    for opening in [
        Opening::SickNoteRenewal(SickNoteRenewal { message: words(), valid_until: "2026-12-01".into(), degree: 50 }),
        Opening::Certificate(Certificate { purpose: "Førerkort".into(), message: words(), form: None }),
        Opening::AppointmentCancel(AppointmentCancelRequest { appointment: "a-1".into(), message: None }),
        Opening::Consultation(Consultation { mode: ConsultationMode::Video, message: words(), form: None }),
    ] {
        let failure = Pasientsky::open(context(), DIALOG.into(), opening).unwrap_err();
        assert!(matches!(failure, Failure::Declined(_)), "{failure:?}");
    }
    let form = Some("{}".to_owned());
    let opening = Opening::Consultation(Consultation { mode: ConsultationMode::Text, message: words(), form });
    let Failure::Invalid(fields) = Pasientsky::open(context(), DIALOG.into(), opening).unwrap_err() else {
        panic!("another failure")
    };
    assert_eq!(fields[0].pointer, "/request/form");
    assert!(matches!(Pasientsky::send(context(), "Communication/c-1".into(), words()), Err(Failure::Declined(_))));
    assert!(host.requests().is_empty());
}

#[test]
fn without_the_number_nothing_is_sent() {
    let host = vendor();
    let mut ctx = context();
    ctx.citizen.as_mut().unwrap().national_identity_number = None;
    let opening = Opening::Inquiry(Inquiry { message: message(9, "Hei", Vec::new()) });
    let failure = Pasientsky::open(ctx, DIALOG.into(), opening).unwrap_err();
    assert!(matches!(failure, Failure::Faulty(_)) && host.requests().is_empty());
    assert!(!format!("{failure:?}").contains(SSN));
}

#[test]
fn a_reference_that_would_lead_elsewhere_is_not_sent() {
    let host = vendor();
    for reference in ["../Patient", "Task/..", "Task/a/b", "Patient/p-1", ""] {
        let failure = Pasientsky::send(context(), reference.into(), message(9, "Hei", Vec::new())).unwrap_err();
        assert!(matches!(failure, Failure::NotFound(_)), "{reference}");
    }
    let mut elsewhere = appointment();
    elsewhere.id = "../Task/t-2".into();
    assert!(matches!(Pasientsky::cancel(context(), elsewhere, None), Err(Failure::NotFound(_))));
    assert!(matches!(Pasientsky::book(context(), wanted("../x", SLOT)), Err(Failure::Conflict(_))));
    assert!(host.requests().is_empty());
}

#[test]
fn a_message_that_was_read_is_received_as_the_next_version_of_what_it_was() {
    let host = vendor();
    let message = format!("Communication/{}", told()["message"]["id"].as_str().unwrap());
    Pasientsky::seen(context(), "Task/t-2".into(), message.clone()).unwrap();
    golden("read-mark", &last(&host));
    drop(host);
    let mut read = told()["message"].clone();
    read["received"] = json!("2026-11-20T08:00:00Z");
    let host = vendor_but(move |request| {
        let it = request.method == Method::Get && request.path.starts_with("/Communication/");
        it.then(|| fhir(200, &read).header("etag", "W/2"))
    });
    Pasientsky::seen(context(), "Task/t-2".into(), message).unwrap();
    assert!(!host.requests().iter().any(writes), "it was received before");
}

#[test]
fn a_message_of_anothers_or_of_nobodys_is_not_marked() {
    let mut others = told()["message"].clone();
    others["subject"]["reference"] = json!("Patient/p-9");
    let message = format!("Communication/{}", others["id"].as_str().unwrap());
    let host = vendor_but(move |request| {
        let it = request.method == Method::Get && request.path.starts_with("/Communication/");
        it.then(|| fhir(200, &others).header("etag", "W/1"))
    });
    for named in [message.as_str(), "Task/t-2", "Communication/../x", ""] {
        let failure = Pasientsky::seen(context(), "Task/t-2".into(), named.into()).unwrap_err();
        assert!(matches!(failure, Failure::NotFound(_)), "{failure:?}");
    }
    assert!(!host.requests().iter().any(writes));
}
