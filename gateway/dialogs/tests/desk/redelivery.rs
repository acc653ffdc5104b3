//! However pages, webhooks and crashes fall: what a vendor sends is taken in once, and the plugin is told rightly.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, atomic::Ordering},
};

use dialog_contract::{
    dialog::Dialog,
    ids::MessageId,
    provider::{
        Delivery, DialogStatus, Disposition, Event, EventBody, InboundPage, ReceiptOutcome, RefusalReason, Settlement,
    },
};
use jiff::ToSpan;
use proptest::prelude::*;

use crate::support::*;

/// What the vendor has.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Answer,
    Stray,
    StrayReceipt,
    Opening,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// A page of up to so many events; the last one is the first of them again.
    Poll { events: usize },
    /// The vendor pushes from this event on.
    Push { from: usize, events: usize },
    /// Both at once, and a second poll.
    Both { events: usize, from: usize },
    /// The next steps meet a process that dies at its nth commit, or right after it.
    Crash { after: u32, written: bool },
    /// The audit log takes nothing in the next step.
    Silence,
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![4 => Just(Kind::Answer), 1 => Just(Kind::Stray), 1 => Just(Kind::StrayReceipt), 1 => Just(Kind::Opening)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_usize..6).prop_map(|events| Step::Poll { events }),
        2 => (0_usize..12, 1_usize..4).prop_map(|(from, events)| Step::Push { from, events }),
        2 => (1_usize..6, 0_usize..12).prop_map(|(events, from)| Step::Both { events, from }),
        3 => (0_u32..6, any::<bool>()).prop_map(|(after, written)| Step::Crash { after, written }),
        1 => Just(Step::Silence),
    ]
}

/// The vendor's stream of events and what its plugin is told of them. Its cursor is how many it has handed over.
#[derive(Debug, Default)]
struct Vendor {
    events: Vec<Event>,
    page: usize,
    /// Every settlement that was ever told.
    told: HashMap<String, Vec<Disposition>>,
    /// Events that were handed over in a page, up to this one, and confirmed by its cursor's return.
    confirmed: usize,
}

impl Vendor {
    fn answer(&mut self, cursor: Option<&str>, settled: &[Settlement]) -> InboundPage {
        let from: usize = cursor.map_or(0, |cursor| cursor.parse().unwrap());
        for Settlement { event, disposition } in settled {
            self.told.entry(event.clone()).or_default().push(*disposition);
        }
        assert!(from >= self.confirmed, "the cursor went back");
        for event in &self.events[self.confirmed..from] {
            assert!(self.told.contains_key(&event.id), "{} was passed without a word", event.id);
        }
        self.confirmed = from;
        let until = (from + self.page).min(self.events.len());
        let mut events = self.events[from..until].to_vec();
        events.extend(events.first().cloned());
        InboundPage { events, cursor: Some(until.to_string()), more: until < self.events.len() }
    }
}

fn made(kind: Kind, number: usize, dialog: &Dialog, now: jiff::Timestamp) -> Event {
    let (id, name) = (format!("e{number}"), reference(dialog.id));
    let (message, status) = (office_message(&id, &id), DialogStatus::AwaitingCitizen);
    let body = match kind {
        Kind::Answer => EventBody::Message { dialog: name, message, status, redirect: None },
        Kind::Stray => EventBody::Message { dialog: "nobody's".into(), message, status, redirect: None },
        Kind::StrayReceipt => {
            EventBody::Receipt { dialog: name, message: MessageId::new(), outcome: ReceiptOutcome::Delivered }
        }
        Kind::Opening => EventBody::Opened {
            dialog: format!("theirs-{id}"),
            office: office_id(),
            citizen: dialog_contract::provider::CitizenIdentity::NationalIdentityNumber(KARI.parse().unwrap()),
            service: dialog_contract::service::Service::Inquiry,
            message,
            reply_allowed: number.is_multiple_of(2),
        },
    };
    // Of an hour ago: it waits for no dialog.
    Event { id, occurred: now.checked_sub(1.hour()).unwrap(), body }
}

const fn refusal(kind: Kind) -> Option<RefusalReason> {
    match kind {
        Kind::Answer | Kind::Opening => None,
        Kind::Stray => Some(RefusalReason::UnknownDialog),
        Kind::StrayReceipt => Some(RefusalReason::Invalid),
    }
}

async fn push(world: &World, events: Vec<Event>) -> bool {
    world.providers.deliveries.lock().unwrap().push_back(Box::new(|| Ok(events)));
    let delivery = Delivery { id: None, path: "/".into(), headers: Vec::new(), body: Vec::new() };
    world.desk.receive(&plugin(), &post("/"), delivery).await.is_ok()
}

async fn play(kinds: Vec<Kind>, steps: Vec<Step>) {
    let mut world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    let events: Vec<_> =
        kinds.iter().enumerate().map(|(number, kind)| made(*kind, number, &dialog, world.now())).collect();
    let vendor = Arc::new(Mutex::new(Vendor { events: events.clone(), page: 1, ..Vendor::default() }));
    let plugin_side = Arc::clone(&vendor);
    *world.providers.feed.lock().unwrap() =
        Some(Box::new(move |cursor, settled| Ok(plugin_side.lock().unwrap().answer(cursor.as_deref(), &settled))));
    let pushed = |from: usize, count: usize| {
        let from = from.min(events.len());
        events[from..(from + count).min(events.len())].to_vec()
    };
    // Pushed and settled, before any page was handed over that may have held it.
    let mut pushed_first = Vec::new();
    let mut furthest = 0;
    for step in steps {
        let handed = |page: usize| (vendor.lock().unwrap().confirmed + page).max(furthest);
        match step {
            Step::Poll { events } => {
                vendor.lock().unwrap().page = events;
                let _ = world.desk.poll(&plugin()).await;
                furthest = handed(events);
            }
            Step::Push { from, events: count } => {
                let some = pushed(from, count);
                if push(&world, some.clone()).await {
                    let first = |event: &&Event| events[furthest.min(events.len())..].contains(event);
                    pushed_first.extend(some.iter().filter(first).map(|event| event.id.clone()));
                }
            }
            Step::Both { events, from } => {
                vendor.lock().unwrap().page = events;
                let plugin = plugin();
                let (first, second, _) =
                    tokio::join!(world.desk.poll(&plugin), world.desk.poll(&plugin), push(&world, pushed(from, 3)));
                drop((first, second));
                furthest = handed(events);
            }
            Step::Crash { after, written } => *world.store.crash.lock().unwrap() = Some(Crash { after, written }),
            Step::Silence => {
                world.log.down.store(true, Ordering::SeqCst);
                let _ = world.desk.poll(&plugin()).await;
                let page = vendor.lock().unwrap().page;
                furthest = handed(page);
                world.log.down.store(false, Ordering::SeqCst);
            }
        }
        if world.store.down.load(Ordering::SeqCst) {
            *world.store.crash.lock().unwrap() = None;
            world.store.down.store(false, Ordering::SeqCst);
            world.desk = world.restarted().await;
        }
    }
    *world.store.crash.lock().unwrap() = None;
    while world.desk.poll(&plugin()).await.unwrap() {}
    world.desk.poll(&plugin()).await.unwrap();
    let vendor = std::mem::take(&mut *vendor.lock().unwrap());
    check(&world, &vendor, &kinds, &dialog, &pushed_first).await;
}

async fn check(world: &World, vendor: &Vendor, kinds: &[Kind], dialog: &Dialog, pushed_first: &[String]) {
    assert_eq!(vendor.confirmed, kinds.len(), "everything was handed over and confirmed");
    let mut taken = Vec::new();
    for found in world.listed().await {
        let messages = found.messages.into_iter().map(|message| message.text);
        taken.extend(messages.filter(|text| text != "x"));
    }
    let mut expected: Vec<_> = (0..kinds.len())
        .filter(|number| refusal(kinds[*number]).is_none())
        .map(|number| format!("e{number}"))
        .collect();
    taken.sort();
    expected.sort();
    assert_eq!(taken, expected, "what was accepted is there once, and nothing else");
    for (number, kind) in kinds.iter().enumerate() {
        let id = format!("e{number}");
        let told = &vendor.told[&id];
        match refusal(*kind) {
            Some(reason) => assert!(told.iter().all(|fate| *fate == Disposition::Refused(reason)), "{id}: {told:?}"),
            None => {
                assert!(told.iter().all(|fate| !matches!(fate, Disposition::Refused(_))), "{id}: {told:?}");
                if pushed_first.contains(&id) {
                    assert!(told.iter().all(|fate| *fate == Disposition::Duplicate), "{id} came by webhook: {told:?}");
                }
            }
        }
    }
    let feed = world.feed().await;
    let received = feed.iter().filter(|event| event.kind.as_str() == "no.dialog.message.received.v1").count();
    let answers = kinds.iter().filter(|kind| matches!(kind, Kind::Answer)).count();
    assert_eq!(received, answers, "the portal is told once of each answer");
    let opened = feed.iter().filter(|event| event.kind.as_str() == "no.dialog.dialog.opened.v1").count();
    let openings = kinds.iter().filter(|kind| matches!(kind, Kind::Opening)).count();
    assert_eq!(opened, openings + 1, "and once of each dialog");
    let revision = world.read(dialog.id).await.revision;
    assert_eq!(revision, dialog.revision + answers as u64, "each answer is one change");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_event_is_taken_in_once_and_told_rightly_however_deliveries_and_crashes_fall(
        kinds in proptest::collection::vec(kind(), 1..12),
        steps in proptest::collection::vec(step(), 1..24),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(play(kinds, steps));
    }
}
