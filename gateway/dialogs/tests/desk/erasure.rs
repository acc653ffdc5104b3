//! Erasing a citizen.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use dialog_contract::{
    appointment::NewBooking,
    audit::{ActorRole, RecordKind},
    dialog::Attachment,
    opening::{NewDialog, NewMessage},
    provider::{DialogStatus, EventBody, RawBlob},
    service::Sent,
};
use dialog_core::{
    DialogFilter, Retention,
    ports::{
        blobs::{BlobError, Blobs, ByteStream},
        clock::Clock,
        keys::Owner,
        store::{Range, Store, StoreError},
    },
};
use futures_util::stream;
use jiff::ToSpan;

use crate::{attachments::JPEG, support::*};

async fn uploaded(world: &World, number: &str) -> Attachment {
    let bytes: ByteStream = Box::pin(stream::iter([Ok(Bytes::from_static(JPEG))]));
    let answer = world.desk.upload(&world.citizen(number), &post("/"), "photo.jpg", bytes).await.unwrap();
    serde_json::from_slice(&answer.body).unwrap()
}

/// Everything that can be kept of a citizen: dialogs sent, answered, queued and being opened; files used and unused; an
/// appointment; a booking of which nobody knows what became of it.
async fn lives(world: &World, number: &str) -> Vec<Attachment> {
    let who = world.citizen(number);
    let (used, unused) = (uploaded(world, number).await, uploaded(world, number).await);
    let opening = consultation("Det klør");
    let with_file = NewMessage { attachments: vec![used.id], ..text("Det klør") };
    let opening = NewDialog { message: Some(with_file), ..opening };
    let dialog = dialog(&world.desk.open(&who, &post("/v1/me/dialogs"), opening).await.unwrap());
    let body = EventBody::Message {
        dialog: reference(dialog.id),
        message: office_message(&format!("m-{number}"), "Smør med kremen"),
        status: DialogStatus::AwaitingCitizen,
        redirect: None,
    };
    world.providers.deliveries.lock().unwrap().push_back(Box::new({
        let event = event(&format!("e-{number}"), body);
        move || Ok(vec![event])
    }));
    let delivery =
        dialog_contract::provider::Delivery { id: None, path: "/".into(), headers: Vec::new(), body: Vec::new() };
    world.desk.receive(&plugin(), &post("/"), delivery).await.unwrap();
    world.opens(|| Err(unavailable(Sent::No)));
    world.desk.open(&who, &post("/v1/me/dialogs"), inquiry("Har dere åpent?")).await.unwrap();
    let start = world.now() + 24.hours();
    let slot = format!("slot-{number}");
    let booking =
        NewBooking { slot, start, end: start + 20.minutes(), clinician: Some(gp()), reason: None, provider: None };
    world.desk.book(&who, &post("/"), booking).await.unwrap();
    vec![used, unused]
}

/// Keys and values of the whole store.
async fn everything(world: &World) -> Vec<(Bytes, Bytes)> {
    let range = Range { from: Bytes::new(), until: None, limit: 10_000, reverse: false };
    let entries = world.store.scan(range).await.unwrap();
    entries.into_iter().map(|entry| (entry.key, entry.versioned.value)).collect()
}

/// The entries whose values hold some text.
async fn holding(world: &World, text: &str) -> usize {
    let found = |value: &Bytes| value.windows(text.len()).any(|window| window == text.as_bytes());
    everything(world).await.iter().filter(|(_, value)| found(value)).count()
}

#[tokio::test]
async fn nothing_of_an_erased_citizen_is_left_and_all_of_another_is() {
    let world = World::new().await;
    let before = everything(&world).await.len();
    let kari = lives(&world, KARI).await;
    let karis = everything(&world).await.len() - before;
    let ola = lives(&world, OLA).await;
    let both = everything(&world).await.len() - before;
    // What is in the store of Kari, found by what it says: so the search below can fail.
    assert!(holding(&world, KARI).await > 0 && holding(&world, "Fjell\"").await > 0);
    let who = world.citizen(KARI);

    let answer = world.desk.erase(&world.operator(), &post("/v1/erasures"), &KARI.parse().unwrap()).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (204, 0));

    assert_eq!(holding(&world, KARI).await, 0);
    // All that is left of Kari: that the vendor's event was settled, which names nobody.
    assert_eq!(both - (everything(&world).await.len() - before), karis - 2);
    for file in &kari {
        assert!(matches!(world.blobs.open(file.id.uuid(), 0).await, Err(BlobError::NotFound)));
        assert!(world.desk.download(&who, &get(), file.id).await.is_err());
    }
    assert!(
        page::<dialog_contract::dialog::Dialog>(
            &world.desk.dialogs(&who, &get(), DialogFilter::default()).await.unwrap()
        )
        .0
        .is_empty()
    );
    let owner = world.keyring.owners.lock().unwrap().clone();
    assert!(matches!(owner[..], [Owner::Citizen(_)]), "the citizen's key, once");
    let forgotten = world.providers.forgotten.lock().unwrap().clone();
    assert_eq!(forgotten, [owner[0]; 2], "before the key is gone, and again");
    assert_eq!(*world.directory.forgotten.lock().unwrap(), [KARI]);

    let others = world.desk.dialogs(&world.citizen(OLA), &get(), DialogFilter::default()).await.unwrap();
    assert_eq!(page::<dialog_contract::dialog::Dialog>(&others).0.len(), 2);
    for file in &ola {
        world.desk.download(&world.citizen(OLA), &get(), file.id).await.unwrap();
    }
    // Nothing waits for somebody who is not there, and what waits for others goes on.
    world.clock.forward(15 * 60 + 1);
    assert_eq!(world.desk.run_due_work(world.clock.now()).await.unwrap().due, 1, "Ola's");
}

#[tokio::test]
async fn an_erasure_is_on_record_by_pseudonym_and_without_a_hash_of_the_number() {
    let world = World::new().await;
    lives(&world, KARI).await;
    world.desk.erase(&world.operator(), &post("/v1/erasures"), &KARI.parse().unwrap()).await.unwrap();
    assert_eq!(world.log.kinds("citizen.erase"), [RecordKind::Intent, RecordKind::Outcome]);
    let record = world.log.last();
    assert_eq!((record.actor.role, record.actor.client.as_str()), (ActorRole::Operator, "portal"));
    assert!(record.citizen.is_some() && record.request_sha256.is_none());
    assert_eq!(record.details["dialogs"], "2");
    assert_eq!(record.details["attachments"], "2");
    assert_eq!(record.details["appointments"], "1");
    assert!(!serde_json::to_string(&record).unwrap().contains(KARI));
}

#[tokio::test]
async fn what_plugins_kept_is_counted_and_an_erasure_says_until_when_the_unreadable_is_there() {
    let world = World::new().await;
    let erase = async || {
        let answer = world.desk.erase(&world.operator(), &post("/v1/erasures"), &KARI.parse().unwrap()).await;
        answer.map(|_| world.log.last().details)
    };
    world.providers.remembers.lock().unwrap().extend([Ok(2), Ok(1)]);
    let details = erase().await.unwrap();
    assert_eq!((details["state"].as_str(), details.get("unreadableUntil")), ("3", None));
    world.providers.remembers.lock().unwrap().push_back(Err(StoreError::Unavailable("silent".into())));
    assert!(erase().await.is_err());

    let raw = unreadable_delivery(&world).await;
    assert_eq!(erase().await.unwrap()["unreadableUntil"], (world.now() + (30 * 24).hours()).to_string());
    world.clock.forward(30 * 24 * 3600 - 1);
    assert_eq!(world.desk.purge().await.unwrap().unreadable, 0);
    assert!(world.blobs.open(raw, 0).await.is_ok());
    world.clock.forward(1);
    assert_eq!(world.desk.purge().await.unwrap().unreadable, 1);
    assert!(matches!(world.blobs.open(raw, 0).await, Err(BlobError::NotFound)));
    assert!(world.desk.unreadable(10).await.unwrap().is_empty());
    assert!(!erase().await.unwrap().contains_key("unreadableUntil"));
}

#[tokio::test]
async fn the_operator_decides_how_long_what_nobody_could_read_is_kept() {
    let world = World::new().await;
    unreadable_delivery(&world).await;
    let desk = world.desk.clone().keeping(Retention { unreadable_days: 1 });
    world.clock.forward(24 * 3600 - 1);
    assert_eq!(desk.purge().await.unwrap().unreadable, 0);
    world.clock.forward(1);
    assert_eq!(desk.purge().await.unwrap().unreadable, 1);
}

/// A delivery that the plugin cannot make sense of; gives the name of its bytes.
async fn unreadable_delivery(world: &World) -> uuid::Uuid {
    let raw = uuid::Uuid::now_v7();
    let bytes: ByteStream = Box::pin(stream::iter([Ok(Bytes::from_static(b"<?"))]));
    world.blobs.put(raw, bytes, 10).await.unwrap();
    let body = EventBody::Unreadable { office: None, reason: "not XML".into(), raw: RawBlob { id: raw, size: 2 } };
    let told = event("e-unreadable", body);
    world.providers.deliveries.lock().unwrap().push_back(Box::new(move || Ok(vec![told])));
    let delivery =
        dialog_contract::provider::Delivery { id: None, path: "/".into(), headers: Vec::new(), body: Vec::new() };
    world.desk.receive(&plugin(), &post("/"), delivery).await.unwrap();
    assert_eq!(world.desk.unreadable(10).await.unwrap()[0].raw.id, raw);
    raw
}

#[tokio::test]
async fn an_erasure_that_fails_says_so_and_ends_when_it_is_asked_for_again() {
    let world = World::new().await;
    lives(&world, KARI).await;
    let number = KARI.parse().unwrap();
    let erase = async || world.desk.erase(&world.operator(), &post("/v1/erasures"), &number).await;
    world.keyring.down.store(true, Ordering::SeqCst);
    assert_eq!(why(erase().await), "unavailable no");
    world.keyring.down.store(false, Ordering::SeqCst);
    world.store.befall(1, Trouble::Silence);
    assert_eq!(why(erase().await), "unavailable no");
    world.log.down.store(true, Ordering::SeqCst);
    assert_eq!(why(erase().await), "unavailable no");
    world.log.down.store(false, Ordering::SeqCst);
    assert_eq!(erase().await.unwrap().status, 204);
    assert_eq!(erase().await.unwrap().status, 204, "also of whom there is nothing");
    assert_eq!(holding(&world, KARI).await, 0);
}

#[tokio::test]
async fn an_erased_citizen_can_begin_anew() {
    let world = World::new().await;
    lives(&world, KARI).await;
    world.desk.erase(&world.operator(), &post("/v1/erasures"), &KARI.parse().unwrap()).await.unwrap();
    let dialog = world.opened(inquiry("Hei igjen")).await;
    assert_eq!(world.listed().await.iter().map(|one| one.id).collect::<Vec<_>>(), [dialog.id]);
}

#[tokio::test]
async fn a_dialog_that_is_being_opened_goes_too_and_its_answer_finds_nothing() {
    let world = World::new().await;
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    *world.providers.gate.lock().unwrap() = Some(std::sync::Arc::clone(&gate));
    let (desk, who) = (world.desk.clone(), world.kari());
    let opening = tokio::spawn(async move { desk.open(&who, &post("/v1/me/dialogs"), consultation("x")).await });
    world.providers.arrived.acquire().await.unwrap().forget();
    world.desk.erase(&world.operator(), &post("/v1/erasures"), &KARI.parse().unwrap()).await.unwrap();
    gate.add_permits(10);
    assert!(opening.await.unwrap().is_err());
    assert_eq!(holding(&world, KARI).await, 0);
    assert!(world.listed().await.is_empty());
}
