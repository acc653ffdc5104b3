//! What citizens choose about themselves, and what the gateway owes others because of it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use dialog_contract::{
    audit::RecordKind,
    choice::{Choice, NewChoice},
    dialog::Dialog,
    ids::DialogId,
    provider::{CitizenIdentity, Delivery, EventBody, Failure},
    service::{Sent, Service},
};
use dialog_core::{
    Choosable, Desk, ErrandKind, ErrandOutcome,
    answer::Answer,
    ports::{
        archive::{Archive, ArchiveError, Document},
        store::{Range, Store as _},
    },
    request::Request,
};

use crate::support::*;

/// An archive that keeps a document once, whatever becomes of its answers.
#[derive(Default)]
struct Kept {
    documents: Mutex<BTreeMap<DialogId, Document>>,
    asked: Mutex<usize>,
    /// Answers before it is well; a document is kept all the same where the first part says so.
    trouble: Mutex<VecDeque<(bool, ArchiveError)>>,
}

#[async_trait]
impl Archive for Kept {
    fn most_file_bytes(&self) -> u64 {
        1024
    }

    async fn keep(&self, document: Document) -> Result<String, ArchiveError> {
        *self.asked.lock().unwrap() += 1;
        let id = document.dialog.id;
        let trouble = self.trouble.lock().unwrap().pop_front();
        if trouble.as_ref().is_none_or(|(kept, _)| *kept) {
            self.documents.lock().unwrap().entry(id).or_insert(document);
        }
        trouble.map_or_else(|| Ok(format!("Bundle/{id}")), |(_, error)| Err(error))
    }
}

fn down() -> ArchiveError {
    ArchiveError::Unavailable { why: "down".into(), retry_after: None }
}

fn put() -> Request {
    Request { method: "PUT".into(), idempotency_key: None, ..get() }
}

fn choice(answer: &Answer) -> (Choice, u64) {
    (serde_json::from_slice(&answer.body).unwrap(), answer.etag.unwrap())
}

impl World {
    pub(crate) async fn choose(&self, what: Choosable, on: bool) -> (Choice, u64) {
        choice(&self.desk.choose(&self.kari(), &put(), what, NewChoice { on }).await.unwrap())
    }

    /// Everything that is due, until nothing is.
    async fn errands(&self) -> Vec<(ErrandKind, ErrandOutcome)> {
        let mut ended = Vec::new();
        loop {
            let done = self.desk.run_errands(self.now()).await.unwrap();
            if done.due == 0 {
                return ended;
            }
            ended.extend(done.ended);
        }
    }

    fn told(&self) -> Vec<bool> {
        self.providers.told_active.lock().unwrap().clone()
    }

    fn actives(&self, act: impl FnOnce() -> Result<(), Failure> + Send + 'static) {
        self.providers.actives.lock().unwrap().push_back(Box::new(act));
    }

    async fn delivered(&self, event: dialog_contract::provider::Event) {
        self.providers.deliveries.lock().unwrap().push_back(Box::new(move || Ok(vec![event])));
        let delivery = Delivery { id: None, path: "/".into(), headers: Vec::new(), body: Vec::new() };
        self.desk.receive(&plugin(), &post("/"), delivery).await.unwrap();
    }

    async fn with_archive() -> (Self, Arc<Kept>) {
        let (mut world, archive) = (Self::new().await, Arc::new(Kept::default()));
        world.desk = archiving(world.desk, &archive);
        (world, archive)
    }

    /// Opens a dialog and closes it.
    async fn closed(&self) -> Dialog {
        let opened = self.opened(consultation("Det klør")).await;
        dialog(&self.desk.close(&self.kari(), &post("/"), opened.id).await.unwrap())
    }
}

fn archiving(desk: Desk, archive: &Arc<Kept>) -> Desk {
    desk.archiving(Arc::<Kept>::clone(archive))
}

fn letter(id: &str) -> dialog_contract::provider::Event {
    let body = EventBody::Opened {
        dialog: format!("letter-{id}"),
        office: office_id(),
        citizen: CitizenIdentity::NationalIdentityNumber(KARI.parse().unwrap()),
        service: Service::Inquiry,
        message: office_message(&format!("m-{id}"), "Vi flytter."),
        reply_allowed: false,
    };
    event(id, body)
}

#[tokio::test]
async fn a_choice_holds_from_then_on_and_one_that_was_made_on_another_state_is_refused() {
    let world = World::new().await;
    let before = choice(&world.desk.choice(&world.kari(), &get(), Choosable::Digital).await.unwrap());
    assert_eq!(before, (Choice { on: true, changed: None, available: true }, 0));
    let (off, revision) = world.choose(Choosable::Digital, false).await;
    assert_eq!((off.on, off.changed, revision), (false, Some(world.now()), 1));
    // The same again changes nothing, and tells nobody.
    assert_eq!(world.choose(Choosable::Digital, false).await, (off, 1));
    let stale = Request { if_match: Some(0), ..put() };
    let refused = world.desk.choose(&world.kari(), &stale, Choosable::Digital, NewChoice { on: true }).await;
    assert_eq!(why(refused), "precondition-failed no");
    let now = Request { if_match: Some(1), ..put() };
    let chosen = world.desk.choose(&world.kari(), &now, Choosable::Digital, NewChoice { on: true }).await.unwrap();
    assert_eq!((choice(&chosen).0.on, choice(&chosen).1), (true, 2));
    assert_eq!(world.log.kinds("digital.choose").iter().filter(|kind| **kind == RecordKind::Intent).count(), 2);
}

#[tokio::test]
async fn where_there_is_no_archive_it_cannot_be_switched_on() {
    let world = World::new().await;
    let shown = choice(&world.desk.choice(&world.kari(), &get(), Choosable::Archive).await.unwrap());
    assert_eq!(shown, (Choice { on: false, changed: None, available: false }, 0));
    let refused = world.desk.choose(&world.kari(), &put(), Choosable::Archive, NewChoice { on: true }).await;
    assert_eq!(why(refused), "service-not-offered no");
}

#[tokio::test]
async fn a_provider_with_several_agreements_is_told_once_of_each_change() {
    let world = World::new().await;
    world.choose(Choosable::Digital, false).await;
    assert_eq!(world.errands().await, [(ErrandKind::Active, ErrandOutcome::Done)]);
    world.choose(Choosable::Digital, true).await;
    assert_eq!(world.errands().await, [(ErrandKind::Active, ErrandOutcome::Done)]);
    assert_eq!(world.told(), [false, true]);
    let [off, on] = &world.providers.calls("active")[..] else { panic!("two calls") };
    assert_ne!(off.key, on.key);
    let citizen = on.context.citizen.as_ref().unwrap();
    assert_eq!(citizen.national_identity_number.expose(), KARI);
    assert_eq!((on.context.clinician.as_ref(), on.context.office.her_id), (Some(&gp()), office_id()));
    let record = world.log.last();
    assert_eq!((record.action.as_str(), record.details["active"].as_str()), ("citizens.active", "true"));
}

#[tokio::test]
async fn what_the_directory_changes_is_told_as_a_choice_is_and_a_choice_counts_for_more() {
    let world = World::new().await;
    let kari = KARI.parse().unwrap();
    world.directory.inactive.lock().unwrap().insert(KARI.into());
    assert!(world.desk.directory_changed(&kari, false).await.unwrap());
    assert_eq!(world.errands().await, [(ErrandKind::Active, ErrandOutcome::Done)]);
    assert_eq!(world.told(), [false]);
    // Overtaken before it was told: the directory has changed back.
    assert!(world.desk.directory_changed(&kari, false).await.unwrap());
    world.directory.inactive.lock().unwrap().clear();
    assert_eq!(world.errands().await, [(ErrandKind::Active, ErrandOutcome::Dropped)]);
    // And overtaken by the citizen's own word.
    assert!(world.desk.directory_changed(&kari, true).await.unwrap());
    world.choose(Choosable::Digital, false).await;
    let ended = world.errands().await;
    assert_eq!(ended.len(), 2);
    for outcome in [ErrandOutcome::Done, ErrandOutcome::Dropped] {
        assert!(ended.contains(&(ErrandKind::Active, outcome)), "{ended:?}");
    }
    assert_eq!(world.told(), [false, false]);
    assert!(!world.desk.directory_changed(&kari, true).await.unwrap(), "who has chosen is heeded");
    assert_eq!(world.errands().await, []);
}

#[tokio::test]
async fn a_provider_that_did_not_ask_is_not_told() {
    let world = World::new().await;
    for installed in world.providers.installed.lock().unwrap().values_mut() {
        installed.exports.retain(|export| *export != dialog_contract::provider::Interface::Citizens);
    }
    world.choose(Choosable::Digital, false).await;
    assert_eq!(world.errands().await, []);
}

#[tokio::test]
async fn a_provider_that_is_down_is_told_later_under_the_same_key() {
    let world = World::new().await;
    world.actives(|| Err(unavailable(Sent::Unknown)));
    world.actives(|| Err(faulty(Sent::Unknown)));
    world.choose(Choosable::Digital, false).await;
    for _ in 0..2 {
        assert_eq!(world.errands().await, [(ErrandKind::Active, ErrandOutcome::Again)]);
        world.clock.forward(16 * 60);
    }
    assert_eq!(world.errands().await, [(ErrandKind::Active, ErrandOutcome::Done)]);
    let calls = world.providers.calls("active");
    assert!(calls.len() == 3 && calls.iter().all(|call| call.key == calls[0].key));
    assert_eq!(calls.iter().map(|call| call.attempt).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test]
async fn a_no_is_not_asked_again_and_a_month_is_the_end() {
    let world = World::new().await;
    world.actives(|| Err(Failure::Declined(reason("no"))));
    world.choose(Choosable::Digital, false).await;
    assert_eq!(world.errands().await, [(ErrandKind::Active, ErrandOutcome::Refused)]);
    world.actives(|| Err(unavailable(Sent::No)));
    world.choose(Choosable::Digital, true).await;
    world.clock.forward(30 * 24 * 3600);
    assert_eq!(world.errands().await, [(ErrandKind::Active, ErrandOutcome::GivenUp)]);
    assert_eq!(world.errands().await, []);
}

#[tokio::test]
async fn a_change_that_another_has_overtaken_is_not_told() {
    let world = World::new().await;
    world.actives(|| Err(unavailable(Sent::No)));
    world.choose(Choosable::Digital, false).await;
    world.errands().await;
    world.choose(Choosable::Digital, true).await;
    world.clock.forward(16 * 60);
    let mut ended = world.errands().await;
    ended.sort_by_key(|(_, outcome)| *outcome != ErrandOutcome::Done);
    assert_eq!(ended, [(ErrandKind::Active, ErrandOutcome::Done), (ErrandKind::Active, ErrandOutcome::Dropped)]);
    assert_eq!(world.told(), [false, true], "the first word never arrived, and the last is the one that holds");
}

#[tokio::test]
async fn what_an_office_sends_to_one_who_chose_not_to_be_active_is_refused_until_they_choose_again() {
    let world = World::new().await;
    world.choose(Choosable::Digital, false).await;
    world.delivered(letter("e1")).await;
    assert_eq!(world.log.last().details["disposition"], "refused: not-digitally-active");
    assert!(world.listed().await.is_empty());
    world.choose(Choosable::Digital, true).await;
    world.directory.inactive.lock().unwrap().insert(KARI.into());
    world.delivered(letter("e2")).await;
    assert_eq!(world.listed().await.len(), 1, "the citizen's own word counts before the directory's");
}

#[tokio::test]
async fn what_is_closed_is_copied_once_and_the_dialog_says_where_to() {
    let (world, archive) = World::with_archive().await;
    let before = world.closed().await;
    assert_eq!(world.errands().await, [(ErrandKind::Archive, ErrandOutcome::Dropped)], "nobody chose it yet");
    world.choose(Choosable::Archive, true).await;
    let closed = world.closed().await;
    assert_eq!(world.errands().await, [(ErrandKind::Archive, ErrandOutcome::Done)]);
    let shown = world.read(closed.id).await;
    let archived = shown.archived.clone().unwrap();
    assert_eq!((archived.at, archived.reference), (world.now(), format!("Bundle/{}", closed.id)));
    assert_eq!(shown.revision, closed.revision + 1);
    assert_eq!(world.read(before.id).await.archived, None);
    // A letter is closed from the beginning.
    world.delivered(letter("e1")).await;
    assert_eq!(world.errands().await, [(ErrandKind::Archive, ErrandOutcome::Done)]);
    let documents = archive.documents.lock().unwrap();
    assert_eq!((documents.len(), *archive.asked.lock().unwrap()), (2, 2));
    let document = &documents[&closed.id];
    assert_eq!(document.citizen.expose(), KARI);
    assert_eq!(document.dialog.messages[0].text, "Det klør");
    let record = world.log.last();
    assert_eq!(record.action, "dialog.archive");
    assert!(record.details["reference"].starts_with("Bundle/") && record.citizen.is_some());
}

#[tokio::test]
async fn an_archive_that_is_down_is_tried_again_and_one_that_says_no_seldom() {
    let (world, archive) = World::with_archive().await;
    world.choose(Choosable::Archive, true).await;
    // It kept the document, and its answer never came.
    archive.trouble.lock().unwrap().extend([(true, down()), (false, ArchiveError::Refused("422".into()))]);
    let closed = world.closed().await;
    assert_eq!(world.errands().await, [(ErrandKind::Archive, ErrandOutcome::Again)]);
    assert_eq!(world.read(closed.id).await.archived, None);
    world.clock.forward(16 * 60);
    assert_eq!(world.errands().await, [(ErrandKind::Archive, ErrandOutcome::Refused)]);
    world.clock.forward(16 * 60);
    assert_eq!(world.errands().await, []);
    world.clock.forward(3600);
    assert_eq!(world.errands().await, [(ErrandKind::Archive, ErrandOutcome::Done)]);
    assert!(world.read(closed.id).await.archived.is_some());
    assert_eq!(archive.documents.lock().unwrap().len(), 1);
    let waiting = world.desk.errands_waiting().await.unwrap();
    assert!(waiting.is_empty(), "{waiting:?}");
}

#[tokio::test]
async fn whoever_switches_it_off_while_it_waits_gets_no_copy() {
    let (world, archive) = World::with_archive().await;
    world.choose(Choosable::Archive, true).await;
    archive.trouble.lock().unwrap().push_back((false, down()));
    world.closed().await;
    world.errands().await;
    assert_eq!(world.desk.errands_waiting().await.unwrap()[&ErrandKind::Archive].0, 1);
    world.choose(Choosable::Archive, false).await;
    world.clock.forward(16 * 60);
    assert_eq!(world.errands().await, [(ErrandKind::Archive, ErrandOutcome::Dropped)]);
    assert!(archive.documents.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_crash_at_any_commit_leaves_one_copy_and_its_receipt() {
    for after in 0..2 {
        for written in [false, true] {
            let (mut world, archive) = World::with_archive().await;
            world.choose(Choosable::Archive, true).await;
            let closed = world.closed().await;
            *world.store.crash.lock().unwrap() = Some(Crash { after, written });
            let _ = world.desk.run_errands(world.now()).await;
            *world.store.crash.lock().unwrap() = None;
            world.store.down.store(false, std::sync::atomic::Ordering::SeqCst);
            world.desk = archiving(world.restarted().await, &archive);
            world.errands().await;
            let shown = world.read(closed.id).await;
            assert!(shown.archived.is_some(), "commit {after}, written {written}");
            assert_eq!(archive.documents.lock().unwrap().len(), 1, "commit {after}, written {written}");
            let done = (0, written) == (after, true);
            assert!(!done || *archive.asked.lock().unwrap() == 1, "what was noted is not asked for again");
        }
    }
}

#[tokio::test]
async fn an_erased_citizen_leaves_no_choice_and_nothing_is_owed_because_of_them() {
    let (world, archive) = World::with_archive().await;
    world.choose(Choosable::Archive, true).await;
    world.choose(Choosable::Digital, false).await;
    world.closed().await;
    world.desk.erase(&world.operator(), &post("/v1/erasures"), &KARI.parse().unwrap()).await.unwrap();
    let record = world.log.last();
    assert_eq!((record.details["choices"].as_str(), record.details["errands"].as_str()), ("1", "2"));
    assert_eq!(world.errands().await, []);
    assert!(archive.documents.lock().unwrap().is_empty() && world.told().is_empty());
    let left = world.store.scan(Range {
        from: bytes::Bytes::from_static(b"dA"),
        until: Some(bytes::Bytes::from_static(b"dB")),
        limit: 9,
        reverse: false,
    });
    assert!(left.await.unwrap().is_empty());
    let shown = choice(&world.desk.choice(&world.kari(), &get(), Choosable::Archive).await.unwrap());
    assert_eq!(shown.1, 0);
}
