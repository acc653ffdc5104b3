//! What the plugin asks of the vendor: the golden files are sent to the simulated vendor by its own tests.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support;

use besoklegen::Besoklegen;
use dialog_plugin_sdk::appointments::{Appointments, Booking, SlotQuery};
use dialog_plugin_sdk::dialogs::{
    AppointmentRequest, Certificate, Consultation, ConsultationMode, Dialogs, Inquiry, Opening, Renewal, RenewalItem,
    SickNoteRenewal,
};
use dialog_plugin_sdk::practice::Practice;
use dialog_plugin_sdk::testing::{Host, Reply, Request};
use dialog_plugin_sdk::{Appointment, EncounterMode, Failure, Locale, Message};
use support::{
    DIALOG, FNR, NOW, PNG, SLOT, answering, context, golden, host, keyed, message, message_id, only, reply,
    represented, told,
};

fn open(name: &str, opening: Opening) -> Host {
    let host = answering("<Case>S-100002</Case>");
    let opened = Besoklegen::open(keyed(name), DIALOG.into(), opening).unwrap();
    assert_eq!((opened.reference.as_str(), opened.events.len()), ("S-100002", 0));
    host
}

fn inquiry(text: &str) -> Opening {
    Opening::Inquiry(Inquiry { message: message(text, Vec::new()) })
}

#[test]
fn every_service_has_its_case() {
    let host = open("case-question", inquiry("Har dere åpent i <julen> & nyttår?"));
    golden("case-question", &only(&host));
    drop(host);

    let items = vec![
        RenewalItem {
            id: "a".into(),
            medicine: "Metoprolol 50 mg".into(),
            atc: Some("C07AB02".into()),
            note: Some("Ti igjen.".into()),
            eprescription: None,
        },
        RenewalItem { id: "b".into(), medicine: "Atorvastatin".into(), atc: None, note: None, eprescription: None },
    ];
    let renewal = Renewal { items, message: Some(message("Tom om en uke.", Vec::new())) };
    let host = open("case-renewal", Opening::PrescriptionRenewal(renewal));
    golden("case-renewal", &only(&host));
    drop(host);

    let note = SickNoteRenewal {
        message: message("Ryggen er ikke god ennå.", Vec::new()),
        valid_until: "2026-12-01".into(),
        degree: 50,
    };
    let host = open("case-sick-note", Opening::SickNoteRenewal(note));
    golden("case-sick-note", &only(&host));
    drop(host);

    let form = r#"{"classes":["B"],"glasses":true,"diabetes":false,"epilepsy":false,"heart":false,"consciousness":false,"medicines":"<ingen> & \"intet\""}"#;
    let certificate = Certificate {
        purpose: "Førerkort klasse B".into(),
        message: message("Jeg fyller 80.", Vec::new()),
        form: Some(form.into()),
    };
    let host = open("case-certificate", Opening::Certificate(certificate));
    golden("case-certificate", &only(&host));
}

#[test]
fn a_picture_streams_past_the_plugin_and_names_are_escaped() {
    let host = answering("<Case>S-1</Case>");
    let picture = host.attachment("utslett \"arm\" & <hals>.png", "image/png", PNG);
    let mut written = message("Se bildet.\u{b}Det klør.\r\n", vec![picture]);
    written.subject = Some("Utslett".into());
    let consultation = Consultation { mode: ConsultationMode::Image, message: written, form: None };
    Besoklegen::open(keyed("case-consultation"), DIALOG.into(), Opening::Consultation(consultation)).unwrap();
    golden("case-consultation", &only(&host));
}

#[test]
fn who_acts_for_another_is_named_beside_the_patient() {
    let host = answering("<Case>S-1</Case>");
    Besoklegen::open(represented(keyed("case-by-proxy")), DIALOG.into(), inquiry("På vegne av Leila.")).unwrap();
    golden("case-by-proxy", &only(&host));
}

#[test]
fn a_case_is_written_in_and_taken_back() {
    let host = answering("<Case>S-100002</Case>");
    let more = Message { id: "019a0000-0000-7000-8000-0000000000e2".into(), ..message("Romjulen.", Vec::new()) };
    assert_eq!(Besoklegen::send(keyed("message"), "S-100002".into(), more).unwrap(), []);
    golden("message", &only(&host));
    drop(host);
    let host = answering("<Case>S-100002</Case>");
    assert_eq!(Besoklegen::close(keyed("withdraw"), "S-100002".into()).unwrap(), []);
    golden("withdraw", &only(&host));
}

fn wanted(slot: &str, start: i64) -> Booking {
    Booking { slot: slot.into(), start, end: start + 1_200_000, clinician: None, reason: Some("Blodtrykk".into()) }
}

fn appointment() -> Appointment {
    let host = answering(&told("booking"));
    let wanted = wanted("OP-9123458-20261123-0815", SLOT);
    let mut made = Besoklegen::book(keyed("book"), wanted).unwrap();
    golden("book", &only(&host));
    made.id = "B-100001".into();
    made
}

#[test]
fn a_slot_is_booked_moved_and_cancelled() {
    let booked = appointment();
    assert_eq!((booked.start, booked.end, booked.mode), (SLOT, SLOT + 1_200_000, EncounterMode::InPerson));
    assert_eq!((booked.title.as_str(), booked.clinician.as_ref().unwrap().hpr_number), ("Legetime", 9_123_458));
    assert!(booked.cancellable && booked.changeable && booked.location.is_some());

    let host = answering(&told("booking"));
    Besoklegen::change(keyed("move"), booked.clone(), wanted("OP-9123458-20261124-0900", SLOT + 89_100_000)).unwrap();
    golden("move", &only(&host));
    drop(host);

    let host = answering(&told("booking").replace("BOOKED", "CANCELLED"));
    Besoklegen::cancel(keyed("cancel"), booked, Some("Frisk".into())).unwrap();
    golden("cancel", &only(&host));
}

fn query() -> SlotQuery {
    SlotQuery {
        from: NOW,
        until: NOW + 14 * 86_400_000,
        clinician: Some(9_123_458),
        mode: Some(EncounterMode::InPerson),
    }
}

#[test]
fn slots_are_asked_for_in_local_time_filtered_and_told_in_order() {
    let odd = "<Slot><Id>x</Id><Start>2026-11-23T08:15:00</Start><End>2026-11-23T08:35:00</End></Slot>";
    let past = told("slots").replace("2026-11-23T", "2026-11-19T").replace("-20261123-", "-20261119-");
    let host = answering(&format!("{odd}{past}{}{}", told("slots"), told("slots")));
    let slots = Besoklegen::slots(context(), query()).unwrap();
    golden("slots", &only(&host));
    let ids: Vec<_> = slots.iter().map(|slot| slot.id.as_str()).collect();
    // Each once, though it came twice; nothing by telephone; nothing that has been.
    assert_eq!(ids.len(), 8, "{ids:?}");
    assert_eq!(ids[0], "OP-9123458-20261123-0815");
    assert!(slots.is_sorted_by_key(|slot| slot.start));
    assert_eq!(host.lines().len(), 1, "the unreadable one is told of");
}

#[test]
fn slots_come_from_as_many_pages_as_there_are_and_from_no_more_than_five() {
    let host = host();
    host.upstream("portal", |request: &Request| {
        let page = request.text().matches("<Cursor>").count();
        if page == 0 { reply(request, &format!("{}<Cursor>S1</Cursor>", told("slots"))) } else { reply(request, "") }
    });
    assert_eq!(Besoklegen::slots(context(), query()).unwrap().len(), 8);
    assert_eq!(host.requests().len(), 2);
    drop(host);

    let host = support::host();
    let mut page = 0;
    host.upstream("portal", move |request: &Request| {
        page += 1;
        reply(request, &format!("{}<Cursor>S{page}</Cursor>", told("slots")))
    });
    assert_eq!(Besoklegen::slots(context(), query()).unwrap().len(), 8);
    assert_eq!(host.requests().len(), 5, "a list that never ends is left");
    let mut ids: Vec<_> = host.requests().iter().map(|request| message_id(request).to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5, "each page is a request of its own");
    drop(host);

    // One that goes on where it was is left at once.
    let host = answering(&format!("{}<Cursor>S1</Cursor>", told("slots")));
    Besoklegen::slots(context(), query()).unwrap();
    assert_eq!(host.requests().len(), 2);
}

#[test]
fn coming_bookings_practical_information_and_forms_are_asked_for() {
    let gone = told("booking").replace("BOOKED", "CANCELLED");
    let host = answering(&format!("{}{gone}", told("booking")));
    assert_eq!(Besoklegen::upcoming(context()).unwrap().len(), 1);
    golden("upcoming", &only(&host));
    drop(host);
    let host = answering(&told("practice"));
    Besoklegen::profile(context()).unwrap();
    golden("practice", &only(&host));
    drop(host);
    let host = answering(&told("forms"));
    let mut ctx = context();
    (ctx.locale, ctx.citizen) = (Locale::En, None);
    Besoklegen::forms(ctx).unwrap();
    golden("forms", &only(&host));
}

#[test]
fn the_same_request_has_the_same_id_at_every_attempt_and_another_has_another() {
    let id = |key: &str| {
        let host = answering("<Case>S-1</Case>");
        Besoklegen::open(keyed(key), DIALOG.into(), inquiry("Hei")).unwrap();
        message_id(&only(&host)).to_owned()
    };
    assert_eq!(id("one"), id("one"));
    assert_ne!(id("one"), id("two"));
    assert!(id("one").starts_with("urn:uuid:"));
}

#[test]
fn what_the_vendor_does_not_have_is_refused_and_nothing_is_sent() {
    let host = answering("<Case>S-1</Case>");
    let wish = AppointmentRequest { message: message("Time?", Vec::new()), preferred: Vec::new() };
    let video = |mode, form| Opening::Consultation(Consultation { mode, message: message("Hei", Vec::new()), form });
    let picture = host.attachment("a.png", "image/png", PNG);
    let with_file = Renewal { items: Vec::new(), message: Some(message("Hei", vec![picture])) };
    for opening in [Opening::AppointmentRequest(wish), video(ConsultationMode::Video, None)] {
        let failure = Besoklegen::open(context(), DIALOG.into(), opening).unwrap_err();
        assert!(matches!(failure, Failure::Declined(_)), "{failure:?}");
    }
    for (opening, pointer) in [
        (video(ConsultationMode::Text, Some("{}".into())), "/request/form"),
        (Opening::PrescriptionRenewal(with_file), "/message/attachments"),
    ] {
        let Failure::Invalid(fields) = Besoklegen::open(context(), DIALOG.into(), opening).unwrap_err() else {
            panic!("{pointer}")
        };
        assert_eq!(fields[0].pointer, pointer);
    }
    assert!(host.requests().is_empty());
}

#[test]
fn without_the_number_nothing_is_sent() {
    let host = support::always(Reply::status(200));
    let mut ctx = context();
    ctx.citizen.as_mut().unwrap().national_identity_number = None;
    let failure = Besoklegen::open(ctx, DIALOG.into(), inquiry("Hei")).unwrap_err();
    assert!(matches!(failure, Failure::Faulty(_)) && host.requests().is_empty());
    assert!(!format!("{failure:?}").contains(FNR));
}
