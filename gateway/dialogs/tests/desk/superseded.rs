//! An outcome may be durable in the audit log whose step the store then refuses: the last record of a request tells
//! what the citizen was told, and names the one that it takes the place of.

use std::sync::Arc;

use bytes::Bytes;
use dialog_contract::{
    audit::{ActorRole, Record, RecordKind},
    provider::{DialogStatus, EventBody, InboundPage},
    service::Sent,
};
use dialog_core::Outcome;
use jiff::ToSpan;
use sha2::{Digest, Sha256};

use crate::{attachments::JPEG, support::*};

/// More than a change is tried anew.
const ALWAYS: u32 = 100;

/// The changes of a citizen's; each commits its outcome in a step of its own.
const CHANGES: [&str; 7] = ["open", "send", "send-behind", "close", "seen", "book", "upload"];

/// Makes a change whose outcome meets trouble in the store; returns how it ended and the records that it left.
async fn befallen(change: &str, commits: u32, trouble: Trouble) -> (Outcome, Vec<Record>) {
    let world = World::new().await;
    let dialog = if change == "send-behind" {
        world.opens(|| Err(unavailable(Sent::No)));
        world.opened(consultation("x")).await
    } else {
        world.opened(consultation("x")).await
    };
    let before = world.log.records.lock().unwrap().len();
    let store = Arc::clone(&world.store);
    let strike = move || store.befall(commits, trouble);
    let (kari, asked) = (world.kari(), post("/"));
    let outcome = match change {
        "open" => {
            world.opens(move || {
                strike();
                Ok(Vec::new())
            });
            world.desk.open(&kari, &asked, consultation("y")).await
        }
        "send" => {
            world.sends(move || {
                strike();
                Ok(Vec::new())
            });
            world.desk.send(&kari, &asked, dialog.id, text("y")).await
        }
        "send-behind" => {
            strike();
            world.desk.send(&kari, &asked, dialog.id, text("y")).await
        }
        "close" => {
            world.closes(move || {
                strike();
                Ok(Vec::new())
            });
            world.desk.close(&kari, &asked, dialog.id).await
        }
        "seen" => {
            strike();
            world.desk.seen(&kari, &asked, dialog.id).await
        }
        "book" => {
            let start = world.now() + 24.hours();
            world.books(move || {
                strike();
                Ok(appointment("a1", start))
            });
            let end = start + 20.minutes();
            let slot = "s1".into();
            let booking = dialog_contract::appointment::NewBooking {
                slot,
                start,
                end,
                clinician: None,
                reason: None,
                provider: None,
            };
            world.desk.book(&kari, &asked, booking).await
        }
        _ => {
            // The store is struck once the bytes come: after the commit that says that they are to be removed.
            let bytes = futures_util::stream::once(async move {
                strike();
                Ok(Bytes::from_static(JPEG))
            });
            world.desk.upload(&kari, &asked, "a.jpg", Box::pin(bytes)).await
        }
    };
    let records = world.log.records.lock().unwrap().split_off(before);
    assert!(records.iter().all(|record| record.request == Some(asked.id)), "{change}: of this request alone");
    (outcome, indexed(records, before))
}

/// Says each record's index in the log in a detail of its own, for the chain to be followed.
fn indexed(records: Vec<Record>, before: usize) -> Vec<Record> {
    let mut records = records;
    for (at, record) in records.iter_mut().enumerate() {
        record.details.insert("index".into(), (before + at).to_string());
    }
    records
}

/// Each record of `kind` but the first names the one before it.
fn assert_chain(records: &[Record], kind: RecordKind, many: usize) {
    let ends: Vec<&Record> = records.iter().filter(|record| record.kind == kind).collect();
    assert_eq!(ends.len(), many);
    assert_eq!(ends[0].details.get("supersedes"), None);
    for pair in ends.windows(2) {
        assert_eq!(pair[1].details.get("supersedes"), pair[0].details.get("index"));
    }
}

/// The last record tells this very reply, and the receipt is the record's.
fn assert_told(outcome: &Outcome, records: &[Record], change: &str) {
    let last = records.last().unwrap();
    let told = last.outcome.as_ref().unwrap();
    let (status, body, receipt) = match outcome {
        Ok(answer) => (answer.status, &answer.body, Some(&answer.receipt)),
        Err(refused) => (refused.problem.status(), &refused.body, refused.receipt.as_ref()),
    };
    assert_eq!(told.status, Some(status), "{change}");
    let hash: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(last.reply_sha256.as_ref(), Some(&hash), "{change}");
    assert_eq!(last.details["index"], receipt.unwrap().index.to_string(), "{change}");
    if let Err(refused) = outcome {
        assert_eq!(told.problem.as_deref(), Some(refused.problem.name()), "{change}");
        assert_eq!(told.sent, Some(refused.sent), "{change}");
    }
}

#[tokio::test]
async fn the_outcome_of_a_step_that_lost_one_race_is_superseded_by_the_one_that_won() {
    for change in CHANGES {
        let (outcome, records) = befallen(change, 1, Trouble::Conflict).await;
        assert!(outcome.is_ok(), "{change}");
        assert_chain(&records, RecordKind::Outcome, 2);
        assert_told(&outcome, &records, change);
    }
}

#[tokio::test]
async fn when_the_tries_run_out_the_last_record_is_the_refusal_that_left() {
    for change in CHANGES {
        let (outcome, records) = befallen(change, ALWAYS, Trouble::Conflict).await;
        assert_eq!(outcome.as_ref().unwrap_err().problem.name(), "unavailable", "{change}");
        // Eight tries, and what the citizen was told.
        assert_chain(&records, RecordKind::Outcome, 9);
        assert_told(&outcome, &records, change);
    }
}

#[tokio::test]
async fn when_the_store_is_silent_the_last_record_is_the_refusal_that_left() {
    for change in CHANGES {
        let (outcome, records) = befallen(change, ALWAYS, Trouble::Silence).await;
        assert_eq!(outcome.as_ref().unwrap_err().problem.name(), "unavailable", "{change}");
        assert_chain(&records, RecordKind::Outcome, 2);
        assert_told(&outcome, &records, change);
    }
}

#[tokio::test]
async fn what_somebody_else_settled_first_is_superseded_by_what_is_told_then() {
    for change in CHANGES {
        let (outcome, records) = befallen(change, 1, Trouble::Overtaken).await;
        match change {
            // The reply stands under the key, and is given again.
            "send-behind" | "seen" | "upload" => assert!(outcome.as_ref().unwrap().replayed, "{change}"),
            _ => assert_eq!(outcome.as_ref().unwrap_err().sent, Sent::Yes, "{change}"),
        }
        assert_chain(&records, RecordKind::Outcome, 2);
        assert_told(&outcome, &records, change);
    }
}

#[tokio::test]
async fn an_undisturbed_request_supersedes_nothing() {
    for change in CHANGES {
        let (outcome, records) = befallen(change, 0, Trouble::Silence).await;
        assert_chain(&records, RecordKind::Outcome, 1);
        assert_told(&outcome, &records, change);
    }
}

#[tokio::test]
async fn an_attempt_of_the_gateways_own_that_is_not_settled_leaves_no_outcome_standing() {
    for (commits, trouble, many) in
        [(1, Trouble::Conflict, 2), (ALWAYS, Trouble::Conflict, 9), (ALWAYS, Trouble::Silence, 2)]
    {
        let world = World::new().await;
        world.opens(|| Err(unavailable(Sent::No)));
        world.opened(consultation("x")).await;
        let store = Arc::clone(&world.store);
        world.opens(move || {
            store.befall(commits, trouble);
            Ok(Vec::new())
        });
        let before = world.log.records.lock().unwrap().len();
        world.clock.forward(15 * 60 + 1);
        world.desk.run_due_work(world.now()).await.unwrap();
        let records = indexed(world.log.records.lock().unwrap().split_off(before), before);
        assert_chain(&records, RecordKind::Outcome, many);
        let last = records.last().unwrap();
        assert_eq!(last.actor.role, ActorRole::Gateway);
        let told = last.outcome.as_ref().unwrap();
        if commits == 1 {
            assert_eq!((told.status, told.problem.as_deref()), (Some(201), None));
        } else {
            // Nobody was told anything: there is no reply.
            assert_eq!((told.status, told.problem.as_deref()), (None, Some("unavailable")));
            assert_eq!((told.sent, &last.reply_sha256), (Some(Sent::Yes), &None));
        }
    }
}

#[tokio::test]
async fn the_record_of_an_event_that_was_not_settled_is_superseded_by_one_that_says_so() {
    for (commits, trouble, many, fate) in [
        (1, Trouble::Conflict, 2, "accepted"),
        (1, Trouble::Overtaken, 2, "duplicate"),
        (ALWAYS, Trouble::Conflict, 9, "not settled"),
        (ALWAYS, Trouble::Silence, 2, "not settled"),
    ] {
        let world = World::new().await;
        let dialog = world.opened(consultation("x")).await;
        let (store, named) = (Arc::clone(&world.store), reference(dialog.id));
        *world.providers.feed.lock().unwrap() = Some(Box::new(move |_, _| {
            store.befall(commits, trouble);
            let (message, status) = (office_message("m1", "Answer."), DialogStatus::AwaitingCitizen);
            let body = EventBody::Message { dialog: named.clone(), message, status, redirect: None };
            Ok(InboundPage { events: vec![event("e1", body)], cursor: Some("c".into()), more: false })
        }));
        let before = world.log.records.lock().unwrap().len();
        let polled = world.desk.poll(&plugin()).await;
        assert_eq!(polled.is_ok(), commits == 1, "{polled:?}");
        let records = indexed(world.log.records.lock().unwrap().split_off(before), before);
        let of_event: Vec<Record> = records.into_iter().filter(|record| record.details.contains_key("event")).collect();
        assert_chain(&of_event, RecordKind::Delivery, many);
        let last = of_event.last().unwrap();
        assert_eq!((&*last.details["disposition"], last.dialog), (fate, Some(dialog.id)));
        assert_eq!(last.details.contains_key("failure"), commits == ALWAYS);
    }
}
