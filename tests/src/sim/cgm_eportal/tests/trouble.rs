//! Down, slow, held, garbled.

use super::*;
use crate::sim::trouble::{Availability, Call, HttpFault};

#[tokio::test]
async fn a_vendor_that_is_down_refuses_or_says_503_and_comes_back_on_the_same_port() {
    let vendor = vendor().await;
    vendor.trouble.set_availability(Availability::Unavailable).await.unwrap();
    let (status, answer) = vendor.ask(OPEN, &json!({ "input": inquiry("r1") })).await;
    assert_eq!((status, code(&answer).as_str()), (StatusCode::SERVICE_UNAVAILABLE, "MAINTENANCE"));
    vendor.trouble.set_availability(Availability::Refuse).await.unwrap();
    let error = vendor.request("OpenThread", OPEN, &json!({ "input": inquiry("r1") })).send().await.unwrap_err();
    assert!(error.is_connect(), "{error}");
    vendor.trouble.set_availability(Availability::Up).await.unwrap();
    vendor.opened(&inquiry("r1")).await;
}

#[tokio::test]
async fn a_held_reply_has_taken_effect_and_a_repeat_gets_the_first_result() {
    let vendor = vendor().await;
    let held = vendor.trouble.hold_next(Call::PostReply);
    let input = inquiry("r1");
    let (first, again) = tokio::join!(vendor.opened(&input), async {
        held.reached().await;
        let again = vendor.opened(&input).await;
        held.release();
        again
    });
    assert_eq!((first, vendor.threads().len()), (again, 1));
}

#[tokio::test]
async fn faults_hit_the_calls_that_they_are_meant_for() {
    let vendor = vendor().await;
    vendor.trouble.fail_next(Call::Post, HttpFault::Status(429));
    vendor.trouble.fail_next(Call::Post, HttpFault::WrongType);
    vendor.trouble.fail_next(Call::Read, HttpFault::Html);
    assert!(vendor.changes(0, 0, 1).await["data"]["changes"].is_object());
    let busy = vendor.request("OpenThread", OPEN, &json!({ "input": inquiry("r1") })).send().await.unwrap();
    assert_eq!((busy.status().as_u16(), busy.headers()["retry-after"].to_str().unwrap()), (429, "1"));
    assert_eq!(code(&busy.json().await.unwrap()), "THROTTLED");
    assert!(vendor.threads().is_empty(), "no effect");
    let (status, answer) = vendor.ask(OPEN, &json!({ "input": inquiry("r1") })).await;
    assert_eq!((status, &answer["data"]["openThread"]), (StatusCode::OK, &json!([])));
    assert_eq!(vendor.threads().len(), 1, "it took effect");
    let variables = json!({ "practice": PRACTICE, "patient": LEILA.national_id, "first": 50, "after": null });
    assert_eq!(vendor.ask(MEDICATIONS, &variables).await.1, Value::Null, "a page for people");
}

#[tokio::test]
async fn the_control_api_answers_a_thread_and_sends_a_notice_while_the_vendor_is_down() {
    let vendor = vendor().await;
    let id = vendor.opened(&inquiry("r1")).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let at = |path: &str| format!("{}/control/{path}", vendor.control_url());
    let put = async |path: &str, value: Value| client.put(at(path)).json(&value).send().await.unwrap().status();
    let post = async |path: &str, value: Value| client.post(at(path)).json(&value).send().await.unwrap().status();
    let get = async |path: &str| client.get(at(path)).send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(put("availability", json!("refuse")).await, 200);
    assert_eq!(get("threads").await[0]["id"], id);
    let answer = json!({ "answer": "redirect", "to": "CONSULTATION", "text": "Send en e-konsultasjon." });
    assert_eq!(post(&format!("threads/{id}/answer"), answer.clone()).await, 200);
    assert_eq!(post(&format!("threads/{id}/answer"), answer.clone()).await, 422);
    assert_eq!(post("threads/T-1/answer", answer).await, 404);
    let notice = json!({ "patient": LEILA.national_id, "text": "Vi har flyttet." });
    assert_eq!(post("practices/lilletorget/threads", notice).await, 200);
    for (path, value) in [("services/RENEWAL", false), ("filing", false), ("survey", false)] {
        assert_eq!(put(&format!("practices/lilletorget/{path}"), json!(value)).await, 200, "{path}");
    }
    assert_eq!(post("damage", json!("not-yet")).await, 200);
    assert_eq!(post("practices/lilletorget/threads", json!({ "patient": LEILA.national_id, "text": "x" })).await, 200);
    assert_eq!(post("mend", Value::Null).await, 200);
    assert_eq!(put("disorder", json!("shuffled")).await, 200);
    let kinds: Vec<Value> =
        get("changes").await.as_array().unwrap().iter().map(|change| change["type"].clone()).collect();
    assert_eq!(kinds, ["PostFiled", "PostAdded", "NoticeSent", "NoticeSent"]);
    assert_eq!((get("practices/lilletorget/survey").await, get("violations").await), (json!([]), json!([])));
}
