//! What is sent: every kind of request against its golden file. The simulated vendor's own tests take the same files in.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support;

use dialog_plugin_sdk::appointments::{Appointments, Booking, SlotQuery};
use dialog_plugin_sdk::citizens::Citizens;
use dialog_plugin_sdk::dialogs::{
    AppointmentCancelRequest, AppointmentChangeRequest, AppointmentRequest, Certificate, Collegial, Consultation,
    ConsultationMode, Dialogs, Inquiry, Opening, Period, Renewal, RenewalItem, SickNoteRenewal,
};
use dialog_plugin_sdk::payments::Payments;
use dialog_plugin_sdk::prescriptions::{Prescriptions, Renewability};
use dialog_plugin_sdk::video::{RoomState, Video};
use dialog_plugin_sdk::{Appointment, Clinician, Colleague, Context, EncounterMode, Failure, Message};
use helserespons::Helserespons;
use serde_json::json;
use support::{DIALOG, NOW, PNG, SLOT, SSN, answering, booking, context, golden, message, only, represented};

fn opening(name: &str, opening: impl FnOnce(&dialog_plugin_sdk::testing::Host) -> Opening) {
    let host = answering(201, &json!({ "caseNo": "H-100001", "state": "WITH_CLINIC" }));
    let opening = opening(&host);
    let mut ctx = context();
    ctx.idempotency_key = format!("key-{name}");
    let opened = Helserespons::open(ctx, DIALOG.into(), opening).unwrap();
    assert_eq!((opened.reference.as_str(), opened.events.len()), ("H-100001", 0));
    golden(name, &only(&host));
}

#[test]
fn a_consultation_carries_its_picture_as_base64() {
    opening("case-consultation", |host| {
        let picture = host.attachment("utslett \"arm\".png", "image/png", PNG);
        let mut message = message("Utslettet er tilbake.", vec![picture]);
        message.subject = Some("Utslett".into());
        Opening::Consultation(Consultation { mode: ConsultationMode::Image, message, form: None })
    });
}

#[test]
fn a_question_is_a_case() {
    opening("case-question", |_| {
        Opening::Inquiry(Inquiry { message: message("Har dere åpent i julen?", Vec::new()) })
    });
}

#[test]
fn a_renewal_has_a_line_for_each_medicine_and_needs_no_message() {
    opening("case-renewal", |_| {
        let item = |id: &str, medicine: &str, note: Option<&str>| RenewalItem {
            id: id.into(),
            medicine: medicine.into(),
            atc: Some("C07AB02".into()),
            note: note.map(Into::into),
            eprescription: None,
        };
        let items =
            vec![item("M-TORG-1", "Metoprolol 50 mg", Some("Ti igjen.")), item("M-TORG-2", "Atorvastatin", None)];
        Opening::PrescriptionRenewal(Renewal { items, message: None })
    });
}

#[test]
fn a_certificate_says_what_it_is_for() {
    opening("case-certificate", |_| {
        let message = message("Jeg trenger attest.", Vec::new());
        Opening::Certificate(Certificate { purpose: "Førerkort".into(), message, form: None })
    });
}

#[test]
fn a_wish_for_a_time_has_periods_in_local_time() {
    opening("case-booking-wish", |_| {
        let preferred = vec![Period { start: SLOT, end: SLOT + 3_600_000 }];
        Opening::AppointmentRequest(AppointmentRequest { message: message("Kontroll.", Vec::new()), preferred })
    });
}

#[test]
fn wishes_to_move_and_to_cancel_name_the_booking() {
    opening("case-move-wish", |_| {
        Opening::AppointmentChange(AppointmentChangeRequest {
            appointment: "B-100001".into(),
            message: message("Passer dagen etter?", Vec::new()),
            preferred: Vec::new(),
        })
    });
    opening("case-cancel-wish", |_| {
        Opening::AppointmentCancel(AppointmentCancelRequest { appointment: "B-100001".into(), message: None })
    });
}

#[test]
fn who_acts_for_the_patient_is_named() {
    let host = answering(201, &json!({ "caseNo": "H-100001" }));
    let opening = Opening::Inquiry(Inquiry { message: message("På vegne av Leila.", Vec::new()) });
    Helserespons::open(represented(context()), DIALOG.into(), opening).unwrap();
    golden("case-on-behalf", &only(&host));
}

#[test]
fn a_further_entry_and_a_withdrawal_name_the_case() {
    let host = answering(201, &json!({ "caseNo": "H-100001", "entryNo": "E-7", "state": "WITH_CLINIC" }));
    let mut ctx = context();
    ctx.idempotency_key = "key-entry".into();
    let file = host.attachment("svar.png", "image/png", PNG);
    Helserespons::send(ctx, "H-100001".into(), Message { subject: None, ..message("Takk.", vec![file]) }).unwrap();
    golden("entry", &only(&host));
    drop(host);
    let host = answering(200, &json!({ "caseNo": "H-100001", "state": "WITHDRAWN" }));
    let mut ctx = context();
    ctx.idempotency_key = "key-withdraw".into();
    Helserespons::close(ctx, "H-100001".into()).unwrap();
    golden("case-withdraw", &only(&host));
}

/// A call of a clinician elsewhere.
fn of_colleague(key: &str) -> dialog_plugin_sdk::Context {
    let mut ctx = context();
    ctx.idempotency_key = key.into();
    let mut office = ctx.office.clone();
    (office.her_id, office.name) = (8_150_101, "Fjellveien legesenter".into());
    let clinician =
        Clinician { hpr_number: 9_123_407, her_id: None, given_name: "Sigrid".into(), family_name: "Ås".into() };
    ctx.colleague = Some(Colleague { clinician, office, citizen_takes_part: false });
    ctx
}

#[test]
fn a_colleagues_question_is_a_consult_that_is_signed_and_may_be_about_nobody() {
    let taken = json!({ "consultNo": "K-100001", "state": "WITH_CLINIC" });
    let question = || {
        Opening::Collegial(Collegial {
            message: message("Hva tenker du?", Vec::new()),
            from_hpr_number: 9_123_407,
            to: vec![8_150_301],
            to_hpr_number: Some(9_123_458),
        })
    };
    let host = answering(201, &taken);
    let opened = Helserespons::open(of_colleague("key-consult"), DIALOG.into(), question()).unwrap();
    assert_eq!(opened.reference, "consult/K-100001");
    golden("consult", &only(&host));
    drop(host);

    let host = answering(201, &taken);
    let mut ctx = of_colleague("key-consult-nobody");
    ctx.citizen = None;
    Helserespons::open(ctx, DIALOG.into(), question()).unwrap();
    golden("consult-about-nobody", &only(&host));
    drop(host);

    let host = answering(201, &taken);
    let more = || message("Takk.", Vec::new());
    Helserespons::send(of_colleague("key-consult-entry"), "consult/K-100001".into(), more()).unwrap();
    golden("consult-entry", &only(&host));
    drop(host);

    // The patient, who takes part, writes as the patient.
    let host = answering(201, &taken);
    let mut ctx = context();
    ctx.idempotency_key = "key-consult-patient".into();
    Helserespons::send(ctx, "consult/K-100001".into(), more()).unwrap();
    golden("consult-patient", &only(&host));
    drop(host);

    let host = answering(200, &taken);
    Helserespons::close(of_colleague("key-consult-end"), "consult/K-100001".into()).unwrap();
    golden("consult-end", &only(&host));
}

fn appointment() -> Appointment {
    Appointment {
        id: "B-100001".into(),
        start: SLOT,
        end: SLOT + 1_200_000,
        clinician: None,
        mode: EncounterMode::InPerson,
        title: "Legetime".into(),
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
    let mut ctx = context();
    ctx.idempotency_key = "key-book".into();
    let booked = Helserespons::book(ctx, wanted("OP-9123458-20261123-0815", SLOT)).unwrap();
    golden("booking", &only(&host));
    assert_eq!((booked.id.as_str(), booked.start, booked.end), ("B-100001", SLOT, SLOT + 1_200_000));
    assert_eq!(booked.clinician.unwrap().hpr_number, 9_123_458);
    assert!(booked.cancellable && booked.changeable);
    drop(host);

    let host = answering(200, &booking());
    let mut ctx = context();
    ctx.idempotency_key = "key-move".into();
    Helserespons::change(ctx, appointment(), wanted("OP-9123458-20261124-0900", SLOT + 89_100_000)).unwrap();
    golden("booking-move", &only(&host));
    drop(host);

    let mut cancelled = booking();
    cancelled["state"] = json!("CANCELLED");
    let host = answering(200, &cancelled);
    let mut ctx = context();
    ctx.idempotency_key = "key-cancel".into();
    Helserespons::cancel(ctx, appointment(), Some("Frisk".into())).unwrap();
    golden("booking-cancel", &only(&host));
}

#[test]
fn openings_are_asked_for_in_local_time_and_filtered() {
    let opening = |id: &str, begins: &str, channel: &str| {
        json!({ "id": id, "begins": begins, "minutes": 20, "channel": channel, "label": "Legetime",
            "doctor": { "hpr": 9_123_458, "first": "Amina", "last": "Yusuf" } })
    };
    let host = answering(
        200,
        &json!({ "openings": [
            opening("late", "2026-11-24T09:00:00+01:00", "OFFICE"),
            opening("early", "2026-11-23T08:15:00+01:00", "OFFICE"),
            opening("phone", "2026-11-23T13:30:00+01:00", "PHONE"),
            opening("past", "2026-11-19T08:15:00+01:00", "OFFICE"),
            opening("no zone", "2026-11-23T10:15:00", "OFFICE"),
            { "id": 7 },
        ] }),
    );
    let query = SlotQuery {
        from: NOW,
        until: NOW + 14 * 86_400_000,
        clinician: Some(9_123_458),
        mode: Some(EncounterMode::InPerson),
    };
    let slots = Helserespons::slots(context(), query).unwrap();
    golden("openings", &only(&host));
    assert_eq!(slots.iter().map(|slot| slot.id.as_str()).collect::<Vec<_>>(), ["early", "late"]);
    assert_eq!(host.lines().len(), 2, "the unreadable ones are told of");
}

#[test]
fn bookings_and_medications_are_searched_for_without_a_number_in_the_url() {
    let mut gone = booking();
    gone["state"] = json!("CANCELLED");
    let host = answering(200, &json!({ "bookings": [booking(), gone] }));
    assert_eq!(Helserespons::upcoming(context()).unwrap().len(), 1);
    golden("bookings-search", &only(&host));
    drop(host);

    let medication = |id: &str, rule: &str, issued: &str| {
        json!({ "id": id, "name": "Metoprolol", "form": "depottabletter", "strength": "50 mg", "atc": "C07AB02",
            "dosage": "1 hver morgen", "issued": issued, "validUntil": "2027-01-01", "rule": rule, "ruleText": "Ring oss." })
    };
    let host = answering(
        200,
        &json!({ "medications": [
            medication("M-1", "OK", "2026-01-01"),
            medication("M-2", "CONTROL_NEEDED", "2026-03-01"),
            medication("M-3", "BLOCKED", "2025-03-01"),
            medication("M-4", "PERHAPS", "2025-03-01"),
        ] }),
    );
    let found = Helserespons::renewable(context()).unwrap();
    golden("medications-search", &only(&host));
    let shown: Vec<_> = found.iter().map(|one| (one.id.as_str(), one.renewability)).collect();
    assert_eq!(
        shown,
        [
            ("M-2", Renewability::NeedsConsultation),
            ("M-1", Renewability::Renewable),
            ("M-3", Renewability::NotRenewable)
        ]
    );
    assert_eq!(found[0].medicine, "Metoprolol depottabletter 50 mg");
    assert_eq!((found[0].note.as_deref(), found[1].note.as_deref()), (Some("Ring oss."), None));
}

#[test]
fn a_service_that_the_vendor_does_not_have_is_declined_and_nothing_is_sent() {
    let host = answering(201, &json!({}));
    let opening = Opening::SickNoteRenewal(SickNoteRenewal {
        message: message("Ryggen.", Vec::new()),
        valid_until: "2026-12-01".into(),
        degree: 50,
    });
    let failure = Helserespons::open(context(), DIALOG.into(), opening).unwrap_err();
    assert!(matches!(failure, Failure::Declined(_)), "{failure:?}");
    assert!(host.requests().is_empty());
}

#[test]
fn without_the_number_nothing_is_sent() {
    let host = answering(201, &json!({ "caseNo": "H-1" }));
    let mut ctx = context();
    ctx.citizen.as_mut().unwrap().national_identity_number = None;
    let opening = Opening::Inquiry(Inquiry { message: message("Hei", Vec::new()) });
    let failure = Helserespons::open(ctx, DIALOG.into(), opening).unwrap_err();
    assert!(matches!(failure, Failure::Faulty(_)) && host.requests().is_empty());
    assert!(!format!("{failure:?}").contains(SSN));
}

#[test]
fn what_is_owed_is_searched_for_and_what_cannot_be_read_is_left_out() {
    let fee = |no: &str, ore: u64| json!({ "feeNo": no, "ore": ore, "tariffs": ["2ae"], "text": "E-konsultasjon" });
    let mut whole = fee("G-1", 17_900);
    whole["due"] = json!("2026-12-04");
    whole["caseNo"] = json!("H-100001");
    let mut odd = fee("G-3", 17_900);
    odd["tariffs"] = json!(["2 ae"]);
    let fees = [whole, fee("G-2", 0), odd, fee("G-1", 1), json!({ "feeNo": "G-4" }), fee("G-5", 100_000_001)];
    let host = answering(200, &json!({ "fees": fees }));
    let invoices = Helserespons::outstanding(context()).unwrap();
    golden("fees-search", &only(&host));
    let [invoice] = &invoices[..] else { panic!("one invoice: {invoices:?}") };
    assert_eq!((invoice.id.as_str(), invoice.amount, invoice.dialog.as_deref()), ("G-1", 17_900, Some("H-100001")));
    assert!(invoice.due.is_some());
}

#[test]
fn a_payment_is_begun_under_the_calls_own_key() {
    let begun =
        json!({ "payNo": "P-100002", "page": "https://betal.example/p", "expires": "2026-11-20T10:30:00+01:00" });
    let host = answering(201, &begun);
    let mut ctx = context();
    ctx.idempotency_key = "key-pay".into();
    let payment = Helserespons::pay(ctx, "G-100001".into(), "https://portal.example/betaling".into()).unwrap();
    golden("fee-pay", &only(&host));
    assert_eq!((payment.id.as_str(), payment.redirect.as_str()), ("P-100002", "https://betal.example/p"));
    assert_eq!(payment.expires, NOW + 30 * 60_000);
}

#[test]
fn a_fee_that_is_open_paid_or_gone_is_told_in_words_and_begins_nothing() {
    for (status, code) in [(409, "FEE_OPEN"), (409, "FEE_PAID"), (404, "UNKNOWN_FEE")] {
        let _host = answering(status, &json!({ "code": code, "message": "for developers" }));
        let failure = Helserespons::pay(context(), "G-1".into(), "https://portal.example/".into()).unwrap_err();
        match (status, failure) {
            (409, Failure::Conflict(reason)) | (404, Failure::NotFound(reason)) => assert_eq!(reason.code, code),
            (_, other) => panic!("{code}: {other:?}"),
        }
    }
}

#[test]
fn the_clinic_is_told_who_is_digitally_active_and_who_is_not_any_more() {
    for (name, key, active) in [("digital", "key-active", true), ("digital-not", "key-inactive", false)] {
        let host = answering(204, &json!(null));
        let ctx = dialog_plugin_sdk::Context { idempotency_key: key.into(), ..context() };
        Helserespons::active(ctx, active).unwrap();
        golden(name, &only(&host));
    }
}

#[test]
fn the_way_into_a_room_is_asked_for_and_leads_to_the_vendor() {
    let entered = json!({ "caseNo": "H-100001", "link": "https://rom.helserespons.example/R-1?billett=x",
        "validUntil": "2026-11-20T09:10:00Z", "doctorPresent": false });
    let join =
        |ctx: Context, key: &str| Helserespons::join(Context { idempotency_key: key.into(), ..ctx }, "H-100001".into());
    let host = answering(201, &entered);
    let room = join(context(), "key-enter").unwrap();
    assert_eq!((room.url.as_str(), room.expires), ("https://rom.helserespons.example/R-1?billett=x", NOW + 600_000));
    assert_eq!(room.state, RoomState::Waiting);
    golden("room-enter", &only(&host));
    drop(host);
    let host = answering(201, &entered);
    join(represented(context()), "key-behalf").unwrap();
    golden("room-enter-on-behalf", &only(&host));
    drop(host);
    let host = answering(200, &json!({ "caseNo": "H-100001" }));
    let ctx = Context { idempotency_key: "key-leave".into(), ..context() };
    Helserespons::leave(ctx, "H-100001".into()).unwrap();
    golden("room-leave", &only(&host));
    drop(host);
    for (member, wrong) in [
        ("caseNo", json!("H-100002")),
        ("link", json!("http://rom.helserespons.example/R-1")),
        ("link", json!(format!("https://rom.helserespons.example/{}", "x".repeat(2_048)))),
        ("validUntil", json!("soon")),
        ("doctorPresent", json!("yes")),
    ] {
        let mut odd = entered.clone();
        odd[member] = wrong;
        let _host = answering(201, &odd);
        assert!(matches!(join(context(), "key-odd"), Err(Failure::Faulty(_))), "{member}");
    }
    let mut there = entered.clone();
    there["doctorPresent"] = json!(true);
    let _host = answering(201, &there);
    assert_eq!(join(context(), "key-there").unwrap().state, RoomState::Open);
}

#[test]
fn a_room_that_is_not_open_is_a_no_in_words_and_a_case_without_one_is_not_found() {
    for (status, code) in [(403, "ROOM_NOT_OPEN"), (403, "ROOM_CLOSED"), (404, "NO_ROOM"), (404, "UNKNOWN_CASE")] {
        let _host = answering(status, &json!({ "code": code, "message": "internal" }));
        let failure = Helserespons::join(context(), "H-100001".into()).unwrap_err();
        assert_eq!(matches!(failure, Failure::Declined(_)), status == 403, "{failure:?}");
        assert_eq!(matches!(failure, Failure::NotFound(_)), status == 404, "{failure:?}");
    }
}
