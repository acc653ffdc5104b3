//! The feed, and waiting for it.

use super::*;
use crate::sim::cgm_eportal::{Answer, Damage, Disorder};
use std::time::Instant;

fn feed(answer: &Value) -> &Value {
    &answer["data"]["changes"]
}

fn numbers(answer: &Value) -> Vec<u64> {
    feed(answer)["edges"].as_array().unwrap().iter().map(|edge| edge["number"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn the_feed_is_paged_confirmed_and_what_was_refused_is_kept() {
    let vendor = vendor().await;
    for number in 0..3 {
        vendor.opened(&inquiry(&format!("r{number}"))).await;
    }
    let page = vendor.changes(0, 0, 2).await;
    assert_eq!((numbers(&page), &feed(&page)["more"], &feed(&page)["through"]), (vec![1, 2], &json!(true), &json!(2)));
    let page = vendor.changes(2, 5, 2).await;
    assert_eq!((numbers(&page), &feed(&page)["more"]), (vec![3], &json!(false)));
    let input = json!({ "through": 3, "refused": [{ "number": 2, "reason": "THREAD_UNKNOWN" }] });
    assert_eq!(vendor.done(CONFIRM, &input).await, json!({ "through": 3 }));
    vendor.wait_until_confirmed(3).await.unwrap();
    assert_eq!((vendor.confirmed(), vendor.sim.refused()[&2].as_str()), (3, "THREAD_UNKNOWN"));
    assert_eq!(vendor.violations(), []);
    for wrong in [json!({ "through": 9, "refused": [] }), json!({ "through": 2, "refused": [] })] {
        assert_eq!(vendor.refusal(CONFIRM, &wrong).await, "BAD_USER_INPUT");
    }
    for (after, wait, first) in [(9, 0, 1), (0, 21, 1), (0, 0, 101), (0, 0, 0)] {
        assert_eq!(code(&vendor.changes(after, wait, first).await), "BAD_USER_INPUT");
    }
    assert_eq!(vendor.violations().len(), 6);
}

#[tokio::test]
async fn a_request_for_news_is_held_open_until_there_are_some() {
    let vendor = vendor().await;
    let id = vendor.opened(&inquiry("r1")).await;
    let (answer, ()) = tokio::join!(vendor.changes(1, 20, 10), async {
        vendor.wait_for_long_poll().await.unwrap();
        vendor.answer(&id, &Answer::Finish { text: "Ja.".into() }).unwrap();
    });
    assert_eq!((numbers(&answer), vendor.waits()), (vec![2], vec![20]));
    assert_eq!(feed(&answer)["edges"][0]["node"]["post"]["text"], "Ja.");
    assert_eq!(vendor.violations(), []);
}

#[tokio::test]
async fn a_request_for_news_that_do_not_come_is_answered_with_none_when_its_time_is_up() {
    let vendor = vendor().await;
    let begun = Instant::now();
    let answer = vendor.changes(0, 1, 10).await;
    assert!(begun.elapsed().as_secs() >= 1);
    assert_eq!((numbers(&answer), &feed(&answer)["through"]), (vec![], &json!(0)));
}

#[tokio::test]
async fn a_damaged_change_keeps_its_number() {
    let vendor = vendor().await;
    let damages = [Damage::NotYet, Damage::Gone, Damage::WrongType, Damage::Truncated, Damage::UnknownType];
    for (number, damage) in damages.into_iter().enumerate() {
        vendor.damage_next(damage);
        vendor.opened(&inquiry(&format!("r{number}"))).await;
    }
    let answer = vendor.changes(0, 0, 10).await;
    assert_eq!(numbers(&answer), [1, 2, 3, 4, 5]);
    let node = |index: usize| &feed(&answer)["edges"][index]["node"];
    assert!(node(0).is_null() && node(1).is_null());
    let errors: Vec<_> =
        answer["errors"].as_array().unwrap().iter().map(|one| (&one["path"], &one["extensions"]["code"])).collect();
    let path = |index: usize| json!(["changes", "edges", index, "node"]);
    assert_eq!(errors, [(&path(0), &json!("NOT_YET")), (&path(1), &json!("GONE"))]);
    assert_eq!((&node(2)["__typename"], node(3)), (&json!("PostFiled"), &json!({ "__typename": "PostFiled" })));
    assert_eq!(node(4)["__typename"], "PostTranslated");
    vendor.mend();
    assert_eq!(feed(&vendor.changes(0, 0, 1).await)["edges"][0]["node"]["__typename"], "PostFiled");
}

#[tokio::test]
async fn pages_can_be_shuffled_and_without_end() {
    let vendor = vendor().await;
    vendor.opened(&inquiry("r1")).await;
    vendor.opened(&inquiry("r2")).await;
    vendor.set_disorder(Disorder::Shuffled);
    assert_eq!(numbers(&vendor.changes(0, 0, 10).await), [2, 2, 1, 1]);
    vendor.set_disorder(Disorder::Endless);
    let last = vendor.changes(2, 0, 10).await;
    assert_eq!((numbers(&last), &feed(&last)["more"]), (vec![], &json!(true)));
    let variables = json!({ "practice": PRACTICE, "patient": LEILA.national_id, "first": 50, "after": "rx:5" });
    let (_, answer) = vendor.ask(MEDICATIONS, &variables).await;
    assert_eq!(answer["data"]["medications"]["edges"].as_array().unwrap().len(), 5, "from the beginning");
    assert_eq!(answer["data"]["medications"]["pageInfo"], json!({ "hasNextPage": true, "endCursor": "rx:10" }));
}
