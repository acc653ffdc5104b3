//! What comes from providers: who may say what to whom, what is told of it, and what is recorded.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use dialog_contract::{
    audit::{ActorRole, Record, RecordKind},
    dialog::{ActivityKind, Attachment, Dialog, MediaType, Status},
    ids::{AttachmentId, MessageId},
    problem::ProblemType,
    provider::{
        AppointmentChangeKind, CitizenIdentity, Delivery, DialogStatus, Disposition, Event, EventBody, Failure,
        InboundPage, Interface, RawBlob, ReceiptOutcome, Refusal, RenewalDecision, RenewalOutcome, Settlement,
    },
    service::{Closing, Sent, Service},
};
use dialog_core::ports::blobs::Blobs;
use jiff::ToSpan;

use crate::support::*;

type Told = Arc<Mutex<Vec<(Option<String>, Vec<Settlement>)>>>;

/// A plugin that answers with these pages, one a call, and then with nothing new.
fn feed(world: &World, pages: Vec<Result<InboundPage, Failure>>) -> Told {
    let (told, mut pages) = (Told::default(), VecDeque::from(pages));
    let seen = Arc::clone(&told);
    *world.providers.feed.lock().unwrap() = Some(Box::new(move |cursor, settled| {
        seen.lock().unwrap().push((cursor.clone(), settled));
        pages.pop_front().unwrap_or(Ok(InboundPage { events: Vec::new(), cursor, more: false }))
    }));
    told
}

fn holding(events: Vec<Event>) -> Result<InboundPage, Failure> {
    Ok(InboundPage { events, cursor: Some("c".into()), more: false })
}

/// Polls one page of these events and returns what the plugin is told of each.
pub(crate) async fn settled(world: &World, events: Vec<Event>) -> Vec<String> {
    let told = feed(world, vec![holding(events)]);
    world.desk.poll(&plugin()).await.unwrap();
    world.desk.poll(&plugin()).await.unwrap();
    let (_, last) = told.lock().unwrap().last().cloned().unwrap();
    last.iter().map(fate).collect()
}

fn fate(settlement: &Settlement) -> String {
    match settlement.disposition {
        Disposition::Accepted => format!("{} accepted", settlement.event),
        Disposition::Duplicate => format!("{} duplicate", settlement.event),
        Disposition::Refused(reason) => format!("{} {reason}", settlement.event),
    }
}

/// An event of an hour ago: it waits for no dialog.
pub(crate) fn old(id: &str, body: EventBody) -> Event {
    let event = event(id, body);
    Event { occurred: event.occurred.checked_sub(1.hour()).unwrap(), ..event }
}

pub(crate) fn said(id: &str, dialog: &Dialog, text: &str) -> Event {
    said_in(id, &reference(dialog.id), text)
}

fn said_in(id: &str, dialog: &str, text: &str) -> Event {
    let (dialog, message, status) = (dialog.to_owned(), office_message(id, text), DialogStatus::AwaitingCitizen);
    old(id, EventBody::Message { dialog, message, status, redirect: None })
}

fn of(number: &str) -> CitizenIdentity {
    CitizenIdentity::NationalIdentityNumber(number.parse().unwrap())
}

pub(crate) fn from_office(id: &str, number: &str, reply_allowed: bool) -> Event {
    old(
        id,
        EventBody::Opened {
            dialog: format!("theirs-{id}"),
            office: office_id(),
            citizen: of(number),
            service: Service::Inquiry,
            message: office_message(id, "Your results are here."),
            reply_allowed,
        },
    )
}

pub(crate) fn booked(id: &str, dialog: Option<String>, number: &str, kind: AppointmentChangeKind, at: &str) -> Event {
    let appointment = appointment("a-1", at.parse().unwrap());
    let citizen = of(number);
    old(id, EventBody::Appointment { dialog, office: office_id(), citizen, kind, appointment, text: None })
}

pub(crate) fn delivery() -> Delivery {
    Delivery { id: Some("d-1".into()), path: "/changes".into(), headers: Vec::new(), body: Vec::new() }
}

pub(crate) fn delivers(world: &World, events: Vec<Event>) {
    world.providers.deliveries.lock().unwrap().push_back(Box::new(|| Ok(events)));
}

async fn texts(world: &World, dialog: &Dialog) -> Vec<String> {
    world.read(dialog.id).await.messages.into_iter().map(|message| message.text).collect()
}

fn deliveries(world: &World) -> Vec<Record> {
    let records = world.log.records.lock().unwrap();
    records.iter().filter(|record| record.kind == RecordKind::Delivery).cloned().collect()
}

fn commits(world: &World) -> String {
    format!("{:?}", world.store.memory)
}

fn down(detail: &str) -> Result<InboundPage, Failure> {
    let Failure::Unavailable(outage) = unavailable(Sent::No) else { panic!("an outage") };
    Err(Failure::Unavailable(dialog_contract::provider::Outage { detail: detail.into(), ..outage }))
}

#[tokio::test]
async fn an_answer_is_in_its_dialog_and_the_plugin_is_told_in_the_next_call_and_not_again() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    let told = feed(&world, vec![holding(vec![said("e1", &dialog, "Rest.")])]);
    for _ in 0..3 {
        assert!(!world.desk.poll(&plugin()).await.unwrap());
    }
    let after = world.read(dialog.id).await;
    assert_eq!((after.messages.len(), after.status, after.unopened), (2, Status::AwaitingCitizen, 1));
    let accepted = Settlement { event: "e1".into(), disposition: Disposition::Accepted };
    let cursor = || Some("c".to_owned());
    assert_eq!(
        *told.lock().unwrap(),
        [(None, Vec::new()), (cursor(), vec![accepted]), (cursor(), Vec::new())],
        "the cursor comes back with what became of its events"
    );
}

#[tokio::test]
async fn the_portal_is_told_once_of_each_event() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    let before = world.event_kinds().await.len();
    let events = vec![
        said("e1", &dialog, "One."),
        said("e2", &dialog, "Two."),
        from_office("e3", KARI, false),
        booked("e4", None, KARI, AppointmentChangeKind::Reminder, "2026-01-20T09:00:00Z"),
    ];
    delivers(&world, events.clone());
    world.desk.receive(&plugin(), &post("/"), delivery()).await.unwrap();
    settled(&world, events).await;
    assert_eq!(
        world.event_kinds().await[before..],
        [
            "no.dialog.message.received.v1",
            // The first answer is the office's turn taken; the second changes no status.
            "no.dialog.dialog.updated.v1",
            "no.dialog.message.received.v1",
            "no.dialog.dialog.opened.v1",
            "no.dialog.appointment.reminder.v1",
        ]
    );
}

#[tokio::test]
async fn an_event_that_is_twice_in_a_page_is_applied_and_told_once() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    let twice = vec![said("e1", &dialog, "Rest."), said("e1", &dialog, "Run.")];
    assert_eq!(settled(&world, twice).await, ["e1 accepted"]);
    assert_eq!(texts(&world, &dialog).await, ["x", "Rest."]);
}

#[tokio::test]
async fn an_event_that_is_twice_in_the_answer_to_a_call_is_applied_once() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    let twice = vec![said("e1", &dialog, "Rest."), said("e1", &dialog, "Rest.")];
    world.sends(move || Ok(twice));
    world.desk.send(&world.kari(), &post("/"), dialog.id, text("y")).await.unwrap();
    assert_eq!(texts(&world, &dialog).await, ["x", "y", "Rest."]);
    assert_eq!(settled(&world, vec![said("e1", &dialog, "Rest.")]).await, ["e1 duplicate"]);
}

#[tokio::test]
async fn what_was_refused_stays_refused_for_the_same_reason() {
    let world = World::new().await;
    let stray = || vec![said_in("e1", "nobody's", "x")];
    assert_eq!(settled(&world, stray()).await, ["e1 unknown-dialog"]);
    assert_eq!(settled(&world, stray()).await, ["e1 unknown-dialog"]);
}

#[tokio::test]
async fn a_page_of_more_than_a_hundred_events_is_faulty_and_none_of_it_is_taken() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    let page = |count: usize| holding((0..count).map(|n| said(&format!("e{n}"), &dialog, "y")).collect());
    feed(&world, vec![page(101), page(100)]);
    let error = world.desk.poll(&plugin()).await.unwrap_err();
    assert!(error.to_string().contains("more than 100 events"), "{error}");
    assert_eq!(world.read(dialog.id).await.messages.len(), 1);
    world.desk.poll(&plugin()).await.unwrap();
    assert_eq!(world.read(dialog.id).await.messages.len(), 101);
}

#[tokio::test]
async fn a_cursor_over_its_limit_is_faulty_and_the_old_one_stays() {
    let world = World::new().await;
    let large = InboundPage { events: Vec::new(), cursor: Some("x".repeat(64 * 1024 + 1)), more: false };
    let told = feed(&world, vec![holding(Vec::new()), Ok(large)]);
    world.desk.poll(&plugin()).await.unwrap();
    assert!(world.desk.poll(&plugin()).await.unwrap_err().to_string().contains("64 KiB"));
    world.desk.poll(&plugin()).await.unwrap();
    assert_eq!(told.lock().unwrap().last().unwrap().0.as_deref(), Some("c"));
}

#[tokio::test]
async fn more_is_asked_for_only_where_the_plugin_moves_on() {
    let world = World::new().await;
    let page = |cursor: &str| Ok(InboundPage { events: Vec::new(), cursor: Some(cursor.into()), more: true });
    feed(&world, vec![page("1"), page("2"), page("2")]);
    let mut asked_again = Vec::new();
    for _ in 0..3 {
        asked_again.push(world.desk.poll(&plugin()).await.unwrap());
    }
    assert_eq!(asked_again, [true, true, false]);
}

#[tokio::test]
async fn a_plugin_cannot_speak_in_a_dialog_of_another() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    let other = "helserespons".parse().unwrap();
    world.directory.agreements.lock().unwrap().extend(Service::ALL.iter().map(|service| {
        dialog_core::ports::directory::Agreement { plugin: "helserespons".parse().unwrap(), ..agreement(*service) }
    }));
    let told = feed(&world, vec![holding(vec![said("e1", &dialog, "Not mine.")])]);
    world.desk.poll(&other).await.unwrap();
    world.desk.poll(&other).await.unwrap();
    assert_eq!(told.lock().unwrap()[1].1.iter().map(fate).collect::<Vec<_>>(), ["e1 unknown-dialog"]);
    assert_eq!(texts(&world, &dialog).await, ["x"]);
    assert_eq!(settled(&world, vec![said("e1", &dialog, "Mine.")]).await, ["e1 accepted"], "ids are each plugin's own");
}

#[tokio::test]
async fn an_office_whose_agreement_is_over_is_heard_no_more() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    let over = world.now();
    for service in Service::ALL {
        world.agree(*service, |agreement| agreement.valid_until = Some(over));
    }
    let events = vec![
        said("e1", &dialog, "Late."),
        from_office("e2", KARI, false),
        booked("e3", None, KARI, AppointmentChangeKind::Booked, "2026-01-20T09:00:00Z"),
    ];
    assert_eq!(settled(&world, events).await, ["e1 no-agreement", "e2 no-agreement", "e3 no-agreement"]);
    assert!(world.providers.served.lock().unwrap().is_empty(), "nor is the plugin told of the office");
    assert_eq!(texts(&world, &dialog).await, ["x"]);
}

#[tokio::test]
async fn a_service_that_was_switched_off_is_answered_where_it_was_begun() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    world.agree(Service::Consultation, |agreement| agreement.enabled = false);
    assert_eq!(settled(&world, vec![said("e1", &dialog, "Rest.")]).await, ["e1 accepted"]);
}

#[tokio::test]
async fn what_an_office_writes_to_a_citizen_who_is_not_digitally_active_is_refused() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    world.directory.inactive.lock().unwrap().insert(KARI.into());
    let (status, reason) = (DialogStatus::Closed(Closing::Answered), None);
    let events = vec![
        said("e1", &dialog, "Rest."),
        from_office("e2", KARI, true),
        from_office("e3", KARI, false),
        booked("e4", None, KARI, AppointmentChangeKind::Booked, "2026-01-20T09:00:00Z"),
        old("e5", EventBody::Status { dialog: reference(dialog.id), status, reason }),
        from_office("e6", OLA, false),
    ];
    let told = settled(&world, events).await;
    let no = "not-digitally-active";
    let expected = [format!("e1 {no}"), format!("e2 {no}"), format!("e3 {no}"), format!("e4 {no}")];
    assert_eq!(told[..4], expected);
    assert_eq!(told[4..], ["e5 accepted", "e6 accepted"], "where a dialog stands is no message, and Ola is active");
}

#[tokio::test]
async fn an_office_that_asks_who_is_digitally_active_gets_the_answer_and_leaves_a_record_of_each() {
    let world = World::new().await;
    world.directory.inactive.lock().unwrap().insert(KARI.into());
    let asked = |id: &str, office, citizen| old(id, EventBody::AskedActive { office, citizen });
    let number = |number: &str| CitizenIdentity::NationalIdentityNumber(number.parse().unwrap());
    let nobody = CitizenIdentity::Reference("never-heard-of".into());
    let elsewhere = 8_999_999.try_into().unwrap();
    let events = vec![
        asked("e1", office_id(), number(KARI)),
        asked("e2", office_id(), number(OLA)),
        asked("e3", office_id(), nobody),
        asked("e4", elsewhere, number(OLA)),
    ];
    let told = settled(&world, events.clone()).await;
    assert_eq!(told, ["e1 not-digitally-active", "e2 accepted", "e3 unknown-citizen", "e4 no-agreement"]);
    let records = world.log.records.lock().unwrap().clone();
    let of: Vec<_> = records.iter().filter(|record| record.action.as_str() == "citizens.asked").collect();
    assert_eq!(of.len(), 4);
    let named: Vec<bool> = of.iter().map(|record| record.citizen.is_some()).collect();
    assert_eq!(named, [true, true, false, false], "nobody is named to whom nothing was said of");
    assert!(of.iter().all(|record| record.actor.role == ActorRole::Provider && record.office.is_some()));
    assert!(!format!("{of:?}").contains(KARI));
    // The same question again has the same answer, whatever has happened since.
    world.directory.inactive.lock().unwrap().clear();
    assert_eq!(settled(&world, events).await[..2], ["e1 not-digitally-active", "e2 duplicate"]);
}

#[tokio::test]
async fn a_citizen_whom_nobody_knows_is_refused() {
    let world = World::new().await;
    let EventBody::Opened { dialog, office, service, message, .. } = from_office("e1", KARI, false).body else {
        panic!("an opening")
    };
    let citizen = CitizenIdentity::Reference("never-heard-of".into());
    let unknown = old("e1", EventBody::Opened { dialog, office, citizen, service, message, reply_allowed: false });
    assert_eq!(settled(&world, vec![unknown]).await, ["e1 unknown-citizen"]);
}

#[tokio::test]
async fn only_the_citizens_own_office_opens_what_can_be_answered() {
    let world = World::new().await;
    world.directory.elsewhere.lock().unwrap().insert(OLA.into());
    let events = vec![from_office("e1", OLA, true), from_office("e2", OLA, false), from_office("e3", KARI, true)];
    assert_eq!(settled(&world, events).await, ["e1 no-agreement", "e2 accepted", "e3 accepted"]);
    let [mine] = &world.listed().await[..] else { panic!("one dialog of Kari's") };
    assert_eq!(
        (mine.status.clone(), mine.reply_allowed, mine.clinician.clone()),
        (Status::AwaitingCitizen, true, Some(gp()))
    );
    let answer = world.desk.dialogs(&world.citizen(OLA), &get(), dialog_core::DialogFilter::default()).await.unwrap();
    let (his, _) = page::<Dialog>(&answer);
    assert_eq!(his.len(), 1);
    assert_eq!((his[0].reply_allowed, his[0].unopened, his[0].clinician.clone()), (false, 1, None));
    let (request, ola) = (post("/"), world.citizen(OLA));
    assert_eq!(
        why(world.desk.send(&ola, &request, his[0].id, text("May I?")).await).split(' ').next_back(),
        Some("no")
    );
}

#[tokio::test]
async fn what_can_be_answered_needs_an_agreement_for_its_service_and_a_one_way_message_any() {
    let world = World::new().await;
    world.directory.agreements.lock().unwrap().retain(|agreement| agreement.service != Service::Inquiry);
    let events = vec![from_office("e1", KARI, true), from_office("e2", KARI, false)];
    assert_eq!(settled(&world, events).await, ["e1 no-agreement", "e2 accepted"]);
}

#[tokio::test]
async fn a_second_dialog_under_one_reference_is_refused() {
    let world = World::new().await;
    let first = from_office("e1", KARI, true);
    let second = Event { id: "e2".into(), ..first.clone() };
    assert_eq!(settled(&world, vec![first, second]).await, ["e1 accepted", "e2 invalid"]);
    assert_eq!(world.listed().await.len(), 1);
}

#[tokio::test]
async fn an_office_goes_on_in_a_dialog_that_it_opened_in_the_same_page() {
    let world = World::new().await;
    let events = vec![from_office("e1", KARI, true), said_in("e2", "theirs-e1", "And one more thing.")];
    assert_eq!(settled(&world, events).await, ["e1 accepted", "e2 accepted"]);
    assert_eq!(world.listed().await[0].messages.len(), 2);
}

#[tokio::test]
async fn what_does_not_fit_the_dialog_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    let name = || reference(dialog.id);
    let (item, outcome, reason) = (None, RenewalOutcome::Renewed, None);
    let decisions = vec![RenewalDecision { item, outcome, reason }];
    let (message, status) = (None, DialogStatus::Closed(Closing::Answered));
    let refused = ReceiptOutcome::Refused(vec![Refusal { code: "1".into(), text: "No.".into(), resendable: false }]);
    let events = vec![
        old("e1", EventBody::Renewal { dialog: name(), decisions, message, status }),
        old("e2", EventBody::Receipt { dialog: name(), message: MessageId::new(), outcome: refused }),
        booked("e3", Some(name()), OLA, AppointmentChangeKind::Booked, "2026-01-20T09:00:00Z"),
    ];
    let before = world.read(dialog.id).await;
    assert_eq!(settled(&world, events).await, ["e1 invalid", "e2 invalid", "e3 invalid"]);
    assert_eq!(world.read(dialog.id).await, before);
}

#[tokio::test]
async fn an_appointment_of_another_citizen_does_not_come_into_a_dialog() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    world.desk.open(&world.citizen(OLA), &post("/"), consultation("y")).await.unwrap();
    let of_dialog = |id, number| {
        booked(id, Some(reference(dialog.id)), number, AppointmentChangeKind::Booked, "2026-01-20T09:00:00Z")
    };
    let events = vec![of_dialog("e1", OLA), of_dialog("e2", KARI)];
    let told = settled(&world, events).await;
    assert_eq!(told, ["e1 invalid", "e2 accepted"]);
    let activities = activities(&world.read(dialog.id).await);
    assert_eq!(activities.iter().filter(|kind| *kind == "appointment").count(), 1);
}

#[tokio::test]
async fn nothing_more_is_said_in_a_closed_dialog() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    let (status, reason) = (DialogStatus::Closed(Closing::Answered), None);
    let closing = old("e1", EventBody::Status { dialog: reference(dialog.id), status, reason });
    let events = vec![closing, said("e2", &dialog, "Late.")];
    assert_eq!(settled(&world, events).await, ["e1 accepted", "e2 dialog-closed"]);
    assert_eq!(texts(&world, &dialog).await, ["x"]);
}

#[tokio::test]
async fn an_older_change_of_an_appointment_does_not_undo_a_newer_one() {
    let world = World::new().await;
    let moved = booked("e2", None, KARI, AppointmentChangeKind::Moved, "2026-01-21T09:00:00Z");
    let made = booked("e1", None, KARI, AppointmentChangeKind::Booked, "2026-01-20T09:00:00Z");
    let made = Event { occurred: moved.occurred.checked_sub(1.minute()).unwrap(), ..made };
    assert_eq!(settled(&world, vec![moved, made]).await, ["e2 accepted", "e1 accepted"]);
    assert_eq!(world.event_kinds().await, ["no.dialog.appointment.moved.v1"]);
    world.providers.installed.lock().unwrap().clear();
    let answer = world.desk.appointments(&world.kari(), &get()).await;
    if let Ok(answer) = answer {
        let (items, _) = page::<dialog_contract::appointment::Appointment>(&answer);
        assert_eq!(items[0].start, "2026-01-21T09:00:00Z".parse().unwrap());
    }
}

#[tokio::test]
async fn an_event_waits_for_its_dialog_whose_opening_is_under_way() {
    let world = Arc::new(World::new().await);
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    *world.providers.gate.lock().unwrap() = Some(Arc::clone(&gate));
    let opening = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.opened(consultation("x")).await }
    });
    world.providers.arrived.acquire().await.unwrap().forget();
    let name = reference(world.providers.dialogs.lock().unwrap()[0]);
    let (message, status) = (office_message("m", "Quick."), DialogStatus::AwaitingCitizen);
    // It has just happened.
    delivers(&world, vec![event("e1", EventBody::Message { dialog: name, message, status, redirect: None })]);
    let delivering = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.desk.receive(&plugin(), &post("/"), delivery()).await }
    });
    while world.providers.served.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    gate.add_permits(1);
    let dialog = opening.await.unwrap();
    delivering.await.unwrap().unwrap();
    assert_eq!(texts(&world, &dialog).await, ["x", "Quick."]);
}

#[tokio::test]
async fn a_delivery_about_dialogs_that_do_not_exist_ends_within_its_request() {
    let world = World::new().await;
    let fresh = |n: usize| Event { occurred: world.now(), ..said_in(&format!("e{n}"), "nobody's", "x") };
    delivers(&world, (0..100).map(fresh).collect());
    let mut request = post("/");
    request.deadline = Instant::now() + Duration::from_millis(1600);
    let receipt = world.desk.receive(&plugin(), &request, delivery()).await.unwrap();
    assert_eq!(receipt.index, 99, "all hundred are settled: they wait together, not one after the other");
}

#[tokio::test]
async fn a_second_poll_of_a_plugin_does_nothing_while_one_is_under_way() {
    let world = Arc::new(World::new().await);
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    *world.providers.gate.lock().unwrap() = Some(Arc::clone(&gate));
    let told = feed(&world, vec![holding(Vec::new())]);
    let first = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.desk.poll(&plugin()).await }
    });
    world.providers.arrived.acquire().await.unwrap().forget();
    assert!(!world.desk.clone().poll(&plugin()).await.unwrap());
    assert!(told.lock().unwrap().is_empty());
    gate.add_permits(1);
    first.await.unwrap().unwrap();
    gate.add_permits(1);
    world.desk.poll(&plugin()).await.unwrap();
    assert_eq!(told.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_poll_whose_caller_goes_away_is_carried_to_its_end() {
    let world = Arc::new(World::new().await);
    let dialog = world.opened(consultation("x")).await;
    world.providers.arrived.acquire().await.unwrap().forget();
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    *world.providers.gate.lock().unwrap() = Some(Arc::clone(&gate));
    feed(&world, vec![holding(vec![said("e1", &dialog, "Rest.")])]);
    let poll = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.desk.poll(&plugin()).await }
    });
    world.providers.arrived.acquire().await.unwrap().forget();
    poll.abort();
    assert!(poll.await.unwrap_err().is_cancelled());
    let mut follow = world.desk.follow(&world.kari(), &get(), None).await.unwrap();
    gate.add_permits(1);
    let first = futures_util::StreamExt::next(&mut follow.events).await.unwrap();
    assert_eq!(first.kind.as_str(), "no.dialog.message.received.v1");
}

#[tokio::test]
async fn an_idle_poll_writes_nothing() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    settled(&world, vec![said("e1", &dialog, "Rest.")]).await;
    let (records, store) = (world.log.records.lock().unwrap().len(), commits(&world));
    world.store.down.store(true, std::sync::atomic::Ordering::SeqCst);
    world.log.down.store(true, std::sync::atomic::Ordering::SeqCst);
    for _ in 0..10 {
        assert!(!world.desk.poll(&plugin()).await.unwrap());
    }
    assert_eq!((world.log.records.lock().unwrap().len(), commits(&world)), (records, store));
}

#[tokio::test]
async fn a_plugin_that_hands_over_the_same_again_and_again_fills_no_log() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    let page = || holding(vec![said("e1", &dialog, "Rest.")]);
    feed(&world, (0..20).map(|_| page()).collect());
    for _ in 0..20 {
        world.desk.poll(&plugin()).await.unwrap();
    }
    let fates: Vec<_> = deliveries(&world).iter().map(|record| record.details["disposition"].clone()).collect();
    assert_eq!(fates, ["accepted", "duplicate"]);
}

#[tokio::test]
async fn each_event_leaves_a_record_that_names_dialog_and_citizen_and_says_what_became_of_it() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    let events = vec![said("e1", &dialog, "Rest."), from_office("e2", OLA, false), said_in("e3", "nobody's", "x")];
    settled(&world, events).await;
    let records = deliveries(&world);
    let [first, second, third, told] = &records[..] else { panic!("{} records", records.len()) };
    assert_eq!(
        (first.dialog, first.office, first.service),
        (Some(dialog.id), Some(office_id()), Some(Service::Consultation))
    );
    assert_eq!(
        (&first.details["event"], &first.details["disposition"]),
        (&"message".to_owned(), &"accepted".to_owned())
    );
    assert!(first.citizen.is_some() && second.citizen.is_some() && first.citizen != second.citizen);
    assert_eq!(third.details["disposition"], "refused: unknown-dialog");
    assert_eq!(told.details["told"], "3", "the plugin confirms to its vendor in this call");
    for record in &records {
        assert_eq!(
            (record.action.as_str(), record.call.as_ref().map(|call| call.interface)),
            ("inbound.poll", Some(Interface::Inbound))
        );
        let json = serde_json::to_string(record).unwrap();
        assert!(!json.contains(KARI) && !json.contains(OLA) && !json.contains("Rest."), "{json}");
    }
}

#[tokio::test]
async fn an_event_whose_record_was_lost_is_recorded_when_it_comes_again() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    feed(&world, vec![holding(vec![said("e1", &dialog, "Rest.")]), holding(vec![said("e1", &dialog, "Rest.")])]);
    world.log.down.store(true, std::sync::atomic::Ordering::SeqCst);
    world.desk.poll(&plugin()).await.unwrap_err();
    world.log.down.store(false, std::sync::atomic::Ordering::SeqCst);
    assert!(deliveries(&world).is_empty());
    world.desk.poll(&plugin()).await.unwrap();
    let records = deliveries(&world);
    let of_event = records.iter().find(|record| record.details.contains_key("event")).unwrap();
    assert_eq!((of_event.dialog, &of_event.details["disposition"]), (Some(dialog.id), &"duplicate".to_owned()));
    assert!(of_event.citizen.is_some());
    assert_eq!(texts(&world, &dialog).await, ["x", "Rest."]);
}

#[tokio::test]
async fn a_provider_that_is_down_for_hours_is_two_records_and_its_recovery() {
    let world = World::new().await;
    let mut pages: Vec<_> = (0..100).map(|_| down("no connection")).collect();
    pages.extend((0..100).map(|_| Err(faulty(Sent::No))));
    feed(&world, pages);
    for _ in 0..200 {
        world.desk.poll(&plugin()).await.unwrap_err();
        world.clock.forward(60);
    }
    for _ in 0..3 {
        world.desk.poll(&plugin()).await.unwrap();
    }
    let records = deliveries(&world);
    let [first, other, works] = &records[..] else { panic!("{} records", records.len()) };
    assert!(first.details["failure"].contains("no connection") && first.call.is_some());
    assert!(other.details["failure"].contains("faulty"));
    assert_eq!((&other.details["silent"], &works.details["silent"]), (&"99".to_owned(), &"99".to_owned()));
    assert_eq!((&works.details["recovered"], &works.details["since"]), (&"faulty".to_owned(), &NOW.to_owned()));
}

#[tokio::test]
async fn a_failure_that_could_not_be_recorded_is_recorded_when_it_can_be() {
    let world = World::new().await;
    feed(&world, (0..3).map(|_| down("no connection")).collect());
    world.log.down.store(true, std::sync::atomic::Ordering::SeqCst);
    world.desk.poll(&plugin()).await.unwrap_err();
    world.log.down.store(false, std::sync::atomic::Ordering::SeqCst);
    world.desk.poll(&plugin()).await.unwrap_err();
    world.desk.poll(&plugin()).await.unwrap_err();
    assert_eq!(deliveries(&world).len(), 1);
}

#[tokio::test]
async fn an_answer_that_no_dialog_can_hold_is_refused_and_holds_nothing_up() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    let huge = said("e1", &dialog, &"x".repeat(5 * 1024 * 1024));
    assert_eq!(settled(&world, vec![huge, said("e2", &dialog, "Rest.")]).await, ["e1 invalid", "e2 accepted"]);
    assert_eq!(texts(&world, &dialog).await, ["x", "Rest."]);
}

async fn stored(world: &World, id: uuid::Uuid) {
    let bytes = futures_util::stream::iter([Ok(bytes::Bytes::from_static(b"%PDF-1.4"))]);
    world.blobs.put(id, Box::pin(bytes), 100).await.unwrap();
}

async fn with_file(world: &World, event: Event) -> (Event, AttachmentId) {
    let id = AttachmentId::new();
    stored(world, id.uuid()).await;
    (holds_file(event, id), id)
}

fn holds_file(mut event: Event, id: AttachmentId) -> Event {
    let EventBody::Message { message, .. } = &mut event.body else { panic!("a message") };
    message.attachments.push(Attachment {
        id,
        media_type: MediaType::Pdf,
        name: "answer.pdf".into(),
        size: 8,
        sha256: "00".repeat(32),
    });
    event
}

async fn is_stored(world: &World, id: uuid::Uuid) -> bool {
    world.blobs.open(id, 0).await.is_ok()
}

#[tokio::test]
async fn files_are_kept_with_what_is_taken_in_and_dropped_with_what_is_not() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    let (taken, kept) = with_file(&world, said("e1", &dialog, "See file.")).await;
    let (again, second) = with_file(&world, said("e1", &dialog, "See file.")).await;
    let (stray, third) = with_file(&world, said_in("e2", "nobody's", "x")).await;
    let shared = holds_file(said("e3", &dialog, "The same file."), kept);
    let told = settled(&world, vec![taken, again, stray, shared]).await;
    assert_eq!(told, ["e1 accepted", "e2 unknown-dialog", "e3 invalid"]);
    assert!(is_stored(&world, kept.uuid()).await);
    assert!(!is_stored(&world, second.uuid()).await && !is_stored(&world, third.uuid()).await);
    let file = world.desk.download(&world.kari(), &get(), kept).await;
    assert!(file.is_ok(), "the citizen can read it");
}

#[tokio::test]
async fn what_cannot_be_understood_is_kept_once_for_the_operator() {
    let world = World::new().await;
    let unreadable = |raw: uuid::Uuid| {
        let (office, reason) = (Some(office_id()), "no XML at line 1".into());
        old("e1", EventBody::Unreadable { office, reason, raw: RawBlob { id: raw, size: 8 } })
    };
    let (first, second) = (uuid::Uuid::now_v7(), uuid::Uuid::now_v7());
    stored(&world, first).await;
    stored(&world, second).await;
    assert_eq!(settled(&world, vec![unreadable(first)]).await, ["e1 accepted"]);
    assert_eq!(settled(&world, vec![unreadable(second)]).await, ["e1 duplicate"]);
    let kept = world.desk.unreadable(10).await.unwrap();
    assert_eq!(kept.iter().map(|kept| kept.raw.id).collect::<Vec<_>>(), [first]);
    assert!(is_stored(&world, first).await && !is_stored(&world, second).await);
}

#[tokio::test]
async fn every_delivery_is_recorded_also_one_that_brings_nothing_new() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    let mut indexes = Vec::new();
    for events in [vec![said("e1", &dialog, "Rest.")], vec![said("e1", &dialog, "Rest.")], Vec::new()] {
        delivers(&world, events);
        indexes.push(world.desk.receive(&plugin(), &post("/"), delivery()).await.unwrap().index);
    }
    assert!(indexes.is_sorted_by(|a, b| a < b));
    let records = deliveries(&world);
    let fates: Vec<_> = records.iter().map(|record| record.details.get("disposition").map(String::as_str)).collect();
    assert_eq!(fates, [Some("accepted"), Some("duplicate"), None]);
    assert!(records.iter().all(|record| record.details["delivery"] == "d-1" && record.action == "inbound.receive"));
}

#[tokio::test]
async fn a_vendor_is_told_what_is_wrong_with_its_delivery_and_every_refusal_has_a_receipt() {
    let world = World::new().await;
    for (failure, expected) in [
        (faulty(Sent::No), ProblemType::ProviderFaulty),
        (Failure::Declined(reason("no")), ProblemType::ProviderFaulty),
        (Failure::NotFound(reason("what?")), ProblemType::NotFound),
        (unavailable(Sent::No), ProblemType::Unavailable),
    ] {
        world.providers.deliveries.lock().unwrap().push_back(Box::new(|| Err(failure)));
        let refused = world.desk.receive(&plugin(), &post("/"), delivery()).await.unwrap_err();
        assert_eq!(refused.problem, expected);
        assert_eq!(refused.receipt.unwrap().index + 1, world.log.records.lock().unwrap().len() as u64);
        assert!(world.log.last().details.contains_key("failure"));
    }
}

#[tokio::test]
async fn a_plugin_that_takes_no_deliveries_is_not_asked() {
    let world = World::new().await;
    for installed in world.providers.installed.lock().unwrap().values_mut() {
        installed.exports.retain(|export| *export != Interface::Inbound);
    }
    let refused = world.desk.receive(&plugin(), &post("/"), delivery()).await.unwrap_err();
    assert_eq!(refused.problem, ProblemType::NotFound);
}

#[tokio::test]
async fn a_delivery_that_was_not_settled_is_to_be_sent_again() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    delivers(&world, vec![said("e1", &dialog, "Rest.")]);
    world.store.down.store(true, std::sync::atomic::Ordering::SeqCst);
    let refused = world.desk.receive(&plugin(), &post("/"), delivery()).await.unwrap_err();
    assert_eq!((refused.problem, refused.retry_after.is_some()), (ProblemType::Unavailable, true));
}

#[tokio::test]
async fn a_receipt_waits_for_its_message_whose_sending_is_under_way() {
    let world = Arc::new(World::new().await);
    let dialog = world.opened(consultation("x")).await;
    world.providers.arrived.forget_permits(usize::MAX);
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    *world.providers.gate.lock().unwrap() = Some(Arc::clone(&gate));
    let sending = tokio::spawn({
        let (world, id) = (Arc::clone(&world), dialog.id);
        async move { world.desk.send(&world.kari(), &post("/"), id, text("y")).await }
    });
    world.providers.arrived.acquire().await.unwrap().forget();
    let message = world.providers.calls("send")[0].message.clone().unwrap().id;
    let receipt = EventBody::Receipt { dialog: reference(dialog.id), message, outcome: ReceiptOutcome::Delivered };
    delivers(&world, vec![Event { occurred: world.now(), ..event("e1", receipt) }]);
    let delivering = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.desk.receive(&plugin(), &post("/"), delivery()).await }
    });
    while world.providers.served.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    gate.add_permits(1);
    sending.await.unwrap().unwrap();
    delivering.await.unwrap().unwrap();
    let activities = world.read(dialog.id).await.activities;
    assert!(
        activities.iter().any(|one| matches!(one.kind, ActivityKind::Delivered { message: sent } if sent == message)),
        "the receipt is in the dialog: {activities:?}"
    );
}
