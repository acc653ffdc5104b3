//! Opening dialogs.

use dialog_contract::{
    dialog::{AuthorRole, Status, StatusName},
    opening::{NewDialog, Period, RenewalItem, Request as Asked},
    provider::{DialogStatus, EventBody, Failure, FieldError, Opening},
    service::{Closing, ConsultationMode, Sent, Service},
};
use jiff::ToSpan;

use crate::support::*;

#[tokio::test]
async fn an_opened_consultation_awaits_the_office_and_is_due_in_five_working_days() {
    let world = World::new().await;
    let answer = world.desk.open(&world.kari(), &post("/v1/me/dialogs"), consultation("It itches.")).await.unwrap();
    let opened = dialog(&answer);
    assert_eq!(answer.status, 201);
    assert_eq!(answer.location, Some(format!("/v1/me/dialogs/{}", opened.id)));
    assert_eq!(opened.status, Status::AwaitingOffice);
    assert_eq!(opened.due.unwrap().to_string(), "2026-01-19T22:59:59Z");
    assert_eq!(opened.messages[0].text, "It itches.");
    assert_eq!(opened.messages[0].author.role, AuthorRole::Citizen);
    assert!(opened.reply_allowed);
    assert_eq!(activities(&opened), ["requested", "sent"]);
    assert_eq!(world.event_kinds().await, ["no.dialog.dialog.opened.v1"]);
    assert_eq!(world.read(opened.id).await, opened);
    assert_eq!(world.listed().await, [opened]);
}

#[tokio::test]
async fn the_plugin_is_told_who_and_what_and_under_which_key() {
    let world = World::new().await;
    let opened = world.opened(consultation("It itches.")).await;
    let call = world.providers.calls("open").remove(0);
    assert_eq!(call.key, opened.id.to_string());
    assert_eq!(call.attempt, 1);
    assert_eq!(call.context.settings, serde_json::json!({"clinic": "a"}));
    let citizen = call.context.citizen.unwrap();
    assert_eq!(citizen.national_identity_number.expose(), KARI);
    assert!(!citizen.reference.contains(KARI) && !citizen.reference.is_empty());
    assert_eq!(call.context.clinician, Some(gp()));
    let Some(Opening::Consultation { mode, message, .. }) = call.opening else { panic!("{:?}", call.opening) };
    assert_eq!((mode, message.id), (ConsultationMode::Text, opened.messages[0].id));
}

#[tokio::test]
async fn a_parent_acts_for_a_child_under_their_own_name() {
    let world = World::new().await;
    let answer = world.desk.open(&world.kari_for_nora(), &post("/"), consultation("She itches.")).await.unwrap();
    let opened = dialog(&answer);
    assert_eq!(opened.messages[0].author.role, AuthorRole::Representative);
    assert_eq!(opened.represented_by.unwrap().name, "Kari Fjell");
    let call = world.providers.calls("open").remove(0);
    assert_eq!(call.context.citizen.unwrap().given_name, "Nora");
    assert_eq!(call.context.representative.unwrap().national_identity_number.expose(), KARI);
    // It is Nora's dialog, not Kari's.
    assert_eq!(why(world.desk.dialog(&world.kari(), &get(), opened.id).await), "not-found no");
    let record =
        world.log.records.lock().unwrap().iter().find(|record| record.action == "dialog.open").cloned().unwrap();
    assert_ne!(record.citizen, record.actor.person);
    assert_eq!(record.representation.unwrap().representative, record.actor.person.unwrap());
}

#[tokio::test]
async fn during_an_absence_the_substitute_answers() {
    let world = World::new().await;
    world.clock.forward(22 * 24 * 3600);
    let opened = world.opened(consultation("It itches.")).await;
    assert_eq!(opened.clinician, Some(substitute()));
    assert_eq!(world.providers.calls("open")[0].context.clinician, Some(substitute()));
}

#[tokio::test]
async fn what_the_office_says_at_once_stands_in_the_dialog() {
    let world = World::new().await;
    // The scripted provider's reference follows from the dialog's id, which only the call knows.
    let providers = std::sync::Arc::clone(&world.providers);
    world.opens(move || {
        let key = providers.calls("open")[0].key.clone();
        let dialog = format!("ref-{key}");
        let (status, redirect) = (DialogStatus::Closed(Closing::Redirected), Some(Service::Consultation));
        let message = office_message("m1", "Please send an e-consultation instead.");
        Ok(vec![event("e1", EventBody::Message { dialog, message, status, redirect })])
    });
    let opened = world.opened(inquiry("Should I worry about this rash?")).await;
    let closed = Status::Closed { outcome: Closing::Redirected, redirect_to: Some(Service::Consultation) };
    assert_eq!(opened.status, closed);
    assert_eq!((opened.messages.len(), opened.unopened, opened.reply_allowed), (2, 1, false));
    assert_eq!(
        world.event_kinds().await,
        ["no.dialog.dialog.opened.v1", "no.dialog.message.received.v1", "no.dialog.dialog.closed.v1"]
    );
}

#[tokio::test]
async fn a_service_that_is_switched_off_or_not_valid_now_is_not_accepted() {
    let world = World::new().await;
    let open = async || world.desk.open(&world.kari(), &post("/"), consultation("x")).await;
    world.agree(Service::Consultation, |agreement| agreement.enabled = false);
    assert_eq!(why(open().await), "service-not-offered no");
    let now = world.now();
    world.agree(Service::Consultation, |agreement| (agreement.enabled, agreement.valid_until) = (true, Some(now)));
    assert_eq!(why(open().await), "service-not-offered no");
    world.agree(Service::Consultation, |agreement| agreement.valid_until = None);
    world.providers.installed.lock().unwrap().get_mut(&plugin()).unwrap().exports.clear();
    assert_eq!(why(open().await), "service-not-offered no");
    world.providers.installed.lock().unwrap().clear();
    assert_eq!(why(open().await), "service-not-offered no");
    assert!(world.providers.seen.lock().unwrap().is_empty(), "nothing may reach a provider");
    assert!(world.listed().await.is_empty());
}

#[tokio::test]
async fn a_citizen_without_a_gp_is_told_so() {
    let world = World::new().await;
    let stranger = world.citizen("23869247251");
    assert_eq!(why(world.desk.open(&stranger, &post("/"), consultation("x")).await), "no-practice no");
}

#[tokio::test]
async fn what_makes_no_sense_is_named_field_by_field_and_not_sent() {
    let world = World::new().await;
    world.agree(Service::Consultation, |agreement| agreement.modes = vec![ConsultationMode::Image]);
    world.agree(Service::Appointment, |agreement| agreement.booking = None);
    let open = |request, message: Option<&str>| {
        let new = NewDialog { request, message: message.map(text), continues: None, provider: None };
        let (desk, kari) = (world.desk.clone(), world.kari());
        async move { pointers(desk.open(&kari, &post("/"), new).await) }
    };
    let mode = |mode| Asked::Consultation { mode, form: None };
    assert_eq!(open(mode(ConsultationMode::Text), Some("x")).await, ["/request/mode"]);
    assert_eq!(open(mode(ConsultationMode::Image), Some("x")).await, ["/message/attachments"]);
    assert_eq!(open(Asked::Inquiry {}, None).await, ["/message"]);
    assert_eq!(open(Asked::Inquiry {}, Some(" \n")).await, ["/message/text"]);
    let (now, hour) = (world.now(), 1.hour());
    let period = |start, end| Period { start, end };
    let preferred = vec![period(now - hour, now + hour), period(now + hour, now + hour)];
    assert_eq!(
        open(Asked::AppointmentRequest { preferred }, Some("x")).await,
        ["/request/preferred/0/start", "/request/preferred/1/end"]
    );
    let item = |id: &str, eprescription: Option<&str>| RenewalItem {
        id: id.into(),
        medicine: "Paracet 500 mg".into(),
        atc: None,
        note: None,
        eprescription: eprescription.map(Into::into),
    };
    let items = vec![item("a", None), item("a", Some("not base64!"))];
    assert_eq!(
        open(Asked::PrescriptionRenewal { items }, None).await,
        ["/request/items/1/id", "/request/items/1/eprescription"]
    );
    let valid_until = jiff::civil::date(2026, 1, 11);
    assert_eq!(open(Asked::SickNoteRenewal { valid_until, degree: 50 }, Some("x")).await, ["/request/validUntil"]);
    assert!(world.providers.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_renewal_needs_no_message() {
    let world = World::new().await;
    let items = vec![RenewalItem {
        id: "a".into(),
        medicine: "Paracet 500 mg".into(),
        atc: None,
        note: None,
        eprescription: Some("PE0xLz4=".into()),
    }];
    let opened = world
        .opened(NewDialog {
            request: Asked::PrescriptionRenewal { items },
            message: None,
            continues: None,
            provider: None,
        })
        .await;
    assert_eq!((opened.messages.len(), opened.due), (0, None));
    let Some(Opening::PrescriptionRenewal { items, .. }) = world.providers.calls("open").remove(0).opening else {
        panic!("not a renewal")
    };
    assert_eq!(items[0].eprescription.as_deref(), Some(&b"<M1/>"[..]));
    let shown = serde_json::to_string(&opened).unwrap();
    assert!(!shown.contains("PE0xLz4="), "the prescription is not echoed");
}

#[tokio::test]
async fn a_clinicians_question_cannot_be_asked_by_a_citizen() {
    let world = World::new().await;
    let request = Asked::Collegial { from_hpr_number: gp().hpr_number, to: vec![office_id()] };
    let new = NewDialog { request, message: Some(text("x")), continues: None, provider: None };
    assert_eq!(why(world.desk.open(&world.kari(), &post("/"), new).await), "service-not-offered no");
}

#[tokio::test]
async fn a_written_request_is_for_offices_without_direct_booking() {
    let world = World::new().await;
    let new = || NewDialog {
        request: Asked::AppointmentRequest { preferred: vec![] },
        message: Some(text("Soon.")),
        continues: None,
        provider: None,
    };
    let direct = refused(world.desk.open(&world.kari(), &post("/"), new()).await);
    assert_eq!(direct.problem.name(), "service-not-offered");
    assert!(direct.detail.contains("Pick a slot"), "{}", direct.detail);
    world.agree(Service::Appointment, |agreement| agreement.booking = None);
    assert_eq!(world.opened(new()).await.service, Service::Appointment);
}

#[tokio::test]
async fn a_refused_opening_leaves_no_dialog_and_says_why() {
    let world = World::new().await;
    let field = FieldError { pointer: "/message/text".into(), detail: "Too vague.".into() };
    for (failure, told) in [
        (Failure::Declined(reason("Not this way.")), "declined no"),
        (Failure::Conflict(reason("Gone.")), "conflict no"),
        (Failure::NotFound(reason("Unknown.")), "not-found no"),
        (Failure::Invalid(vec![field]), "invalid no"),
        (faulty(Sent::No), "provider-faulty no"),
    ] {
        world.opens(|| Err(failure));
        assert_eq!(why(world.desk.open(&world.kari(), &post("/"), consultation("x")).await), told);
    }
    assert!(world.listed().await.is_empty());
    assert!(world.feed().await.is_empty());
}

#[tokio::test]
async fn a_provider_that_is_down_does_not_keep_a_citizen_from_writing() {
    let world = World::new().await;
    world.opens(|| Err(unavailable(Sent::No)));
    let answer = world.desk.open(&world.kari(), &post("/"), consultation("x")).await.unwrap();
    let queued = dialog(&answer);
    assert_eq!((answer.status, queued.status.name()), (202, StatusName::Queued));
    assert_eq!(activities(&queued), ["requested", "queued", "status-changed"]);
    assert_eq!(world.listed().await, [queued]);
}

#[tokio::test]
async fn what_nobody_knows_is_kept_as_uncertain_and_told_so() {
    for failure in [faulty(Sent::Unknown), faulty(Sent::Yes), unavailable(Sent::Unknown)] {
        let world = World::new().await;
        let sent = failure.sent();
        world.opens(|| Err(failure));
        let outcome = refused(world.desk.open(&world.kari(), &post("/"), consultation("x")).await);
        assert_eq!(outcome.sent, sent);
        let [kept] = &world.listed().await[..] else { panic!("the dialog must be kept") };
        assert_eq!(kept.status, Status::Uncertain);
        assert!(!kept.reply_allowed);
        assert!(activities(kept).contains(&"uncertain".into()));
        let refused = why(world.desk.send(&world.kari(), &post("/"), kept.id, text("Hello?")).await);
        assert_eq!(refused, "reply-not-allowed no");
    }
}

#[tokio::test]
async fn a_reference_that_is_another_dialogs_puts_no_answer_before_the_wrong_citizen() {
    let world = World::new().await;
    let first = world.opened(consultation("Mine.")).await;
    // A plugin that names every dialog alike is played by a store in which the second's name is taken.
    let message = office_message("m1", "For Kari only.");
    let dialog_name = reference(first.id);
    world.opens(move || {
        let status = DialogStatus::AwaitingCitizen;
        Ok(vec![event("e1", EventBody::Message { dialog: dialog_name, message, status, redirect: None })])
    });
    let ola = world.citizen(OLA);
    let second = dialog(&world.desk.open(&ola, &post("/"), consultation("Other.")).await.unwrap());
    assert_eq!(second.messages.len(), 1, "an event about another dialog is not taken in");
    assert_eq!(world.read(first.id).await.messages.len(), 1);
}
