//! Which prescriptions can be renewed: by the practice's rule, in pages, whole and in part.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support;

use cgm_eportal::CgmEportal;
use dialog_plugin_sdk::prescriptions::{Prescription, Prescriptions, Renewability};
use dialog_plugin_sdk::testing::{Host, Request};
use dialog_plugin_sdk::{Failure, Sent};
use serde_json::{Value, json};
use support::{NUMBER, answering, context, host, reply, sent, told};

fn renewable() -> Result<Vec<Prescription>, Failure> {
    CgmEportal::renewable(context())
}

fn medication(id: usize) -> Value {
    json!({ "node": { "id": format!("RX-{id}"), "name": "Amlodipin", "renewal": { "rule": "RENEWABLE", "note": null } } })
}

fn page(edges: Vec<Value>, more: bool, cursor: Option<&str>) -> Value {
    json!({ "data": { "medications": { "edges": edges, "pageInfo": { "hasNextPage": more, "endCursor": cursor } } } })
}

/// A vendor whose pages are made from the cursor that is asked for.
fn paging(answer: impl Fn(&Value) -> Value + 'static) -> Host {
    let host = host();
    host.upstream("api", move |request: &Request| reply(200, &answer(&request.json::<Value>()["variables"]["after"])));
    host
}

#[test]
fn what_the_simulated_vendor_tells_is_offered_by_the_practices_rule() {
    let host = answering(&told("medications"));
    let found = renewable().unwrap();
    let shown: Vec<_> = found.iter().map(|one| (one.id.as_str(), one.renewability)).collect();
    assert_eq!(
        shown,
        [
            ("RX-TORG-1", Renewability::Renewable),
            ("RX-TORG-2", Renewability::Renewable),
            ("RX-TORG-3", Renewability::Renewable),
            ("RX-TORG-4", Renewability::NeedsConsultation),
            ("RX-TORG-5", Renewability::NotRenewable),
        ]
    );
    assert_eq!((found[0].medicine.as_str(), found[0].atc.as_deref()), ("Amlodipin tabletter 5 mg", Some("C08CA01")));
    assert_eq!((found[0].note.as_deref(), found[3].note.as_deref()), (None, Some("Legen vil snakke med deg først.")));
    assert!(found[0].issued > found[1].issued && found[0].valid_until.is_some());
    assert!(host.lines().is_empty());
}

#[test]
fn where_no_rule_answers_nothing_is_said_to_be_renewable_or_not() {
    let host = answering(&told("medications-without-rules"));
    let failure = renewable().unwrap_err();
    assert!(matches!(failure, Failure::Unavailable(_)), "{failure:?}");
    assert_eq!(sent(&failure), Some(Sent::No));
    assert!(host.lines().iter().any(|(_, line)| line.contains("RULES_SILENT")));
}

#[test]
fn one_that_cannot_be_read_is_left_out_and_the_others_are_offered() {
    let mut answer =
        page(vec![medication(1), json!({ "node": null }), medication(2), json!({ "node": { "id": 7 } })], false, None);
    answer["data"]["medications"]["edges"][2]["node"]["name"] = json!(" ");
    let error =
        json!({ "path": ["medications", "edges", 1, "node"], "extensions": { "code": "RECORD_SYSTEM_SILENT" } });
    answer["errors"] = json!([error]);
    let host = answering(&answer);
    assert_eq!(renewable().unwrap().len(), 1);
    assert_eq!(host.lines().len(), 4, "the operator is told of each");
}

#[test]
fn all_pages_are_asked_for() {
    let host = paging(|after| match after.as_str() {
        None => page((0..50).map(medication).collect(), true, Some("rx:50")),
        Some("rx:50") => page((50..60).map(medication).collect(), false, Some("rx:60")),
        Some(other) => panic!("nobody gave {other}"),
    });
    assert_eq!(renewable().unwrap().len(), 60);
    assert_eq!(host.requests().len(), 2);
}

#[test]
fn pages_that_never_end_are_left_after_as_many_as_a_call_may_return() {
    let next = |after: &Value| after.as_str().map_or(0, |cursor| cursor[3..].parse::<usize>().unwrap());
    let host = paging(move |after| {
        let start = next(after);
        page((start..start + 50).map(medication).collect(), true, Some(&format!("rx:{}", start + 50)))
    });
    assert_eq!((renewable().unwrap().len(), host.requests().len()), (200, 4));
    assert_eq!(host.lines().len(), 1);
    drop(host);
    // The same medications again and again.
    let host = paging(move |after| page(vec![medication(1)], true, Some(&format!("rx:{}", next(after) + 1))));
    assert_eq!((renewable().unwrap().len(), host.requests().len()), (1, 4));
    drop(host);
    for cursor in [None, Some("rx:50")] {
        let host = paging(move |_| page(vec![medication(1)], true, cursor));
        assert!(matches!(renewable(), Err(Failure::Faulty(_))), "a cursor that stands still");
        assert!(host.requests().len() <= 2);
    }
}

#[test]
fn a_list_that_makes_no_sense_is_faulty_and_nothing_was_sent() {
    for answer in [
        json!({}),
        json!({ "data": null }),
        json!({ "data": { "medications": [] } }),
        json!({ "data": { "medications": { "edges": {}, "pageInfo": { "hasNextPage": false } } } }),
        page((0..51).map(medication).collect(), false, None),
    ] {
        let _host = answering(&answer);
        let failure = renewable().unwrap_err();
        assert!(matches!(failure, Failure::Faulty(_)), "{failure:?}");
        assert_eq!(sent(&failure), Some(Sent::No));
        assert!(!format!("{failure:?}").contains(NUMBER));
    }
}
