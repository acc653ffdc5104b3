//! Transport: receipts, duplicates, reading, and everything that may go wrong.

use super::portal::{Draft, Incoming, Portal, TOKEN};
use crate::sim::meldingstjener::{Answer, Damage, ReceiptStatus, Receipts};
use crate::sim::trouble::{Availability, Call, HttpFault};
use crate::sim::world::{FJELLVEIEN, HAVNEGATA, KARI, OLA};
use reqwest::StatusCode;
use serde_json::json;

const LIST: &str = "/Messages?receiverHerIds=8093248";

#[tokio::test]
async fn the_status_tells_what_became_of_a_message() {
    let portal = Portal::start().await;
    portal.sim.set_online(&FJELLVEIEN, false).unwrap();
    let id = portal.send(&Draft::consultation(FJELLVEIEN, KARI)).await;
    let status = |state: &str, receipt: serde_json::Value| json!([{"receiverHerId": 8_150_111, "transportDeliveryState": state, "sent": true, "appRecStatus": receipt}]);
    let path = format!("/Messages/{id}/status");
    assert_eq!(portal.get_json(&path).await, status("Unconfirmed", json!(null)));
    assert!(portal.sim.waiting().is_empty());
    portal.sim.set_online(&FJELLVEIEN, true).unwrap();
    assert_eq!(portal.get_json(&path).await, status("Acknowledged", json!("Ok")));
    assert_eq!(portal.sim.waiting().len(), 1);

    let codes = vec!["E10".to_owned()];
    portal.sim.set_receipts(&FJELLVEIEN, Receipts::Negative { codes }).unwrap();
    let id = portal.send(&Draft::consultation(FJELLVEIEN, KARI)).await;
    let path = format!("/Messages/{id}/apprec");
    assert_eq!(
        portal.get_json(&path).await,
        json!([{"receiverHerId": 8_150_111, "appRecStatus": "Rejected", "appRecErrorList": [{"errorCode": "E10", "details": null}]}])
    );
    assert_eq!(portal.sim.waiting().len(), 1, "what is refused waits for nobody");

    portal.sim.set_receipts(&FJELLVEIEN, Receipts::None).unwrap();
    let id = portal.send(&Draft::consultation(FJELLVEIEN, KARI)).await;
    assert_eq!(portal.get_json(&format!("/Messages/{id}/apprec")).await, json!([]));
    assert_eq!(portal.codes().await, ["AppRec 1", "AppRec 2"]);
    assert_eq!(portal.get(&format!("/Messages/{}", uuid::Uuid::nil())).await.status(), StatusCode::NOT_FOUND);
    portal.assert_clean();
}

#[tokio::test]
async fn a_message_that_the_transport_refuses_is_rejected_and_never_receipted() {
    let portal = Portal::start().await;
    portal.sim.set_rejects(&FJELLVEIEN, true).unwrap();
    let id = portal.send(&Draft::consultation(FJELLVEIEN, KARI)).await;
    let status = portal.get_json(&format!("/Messages/{id}/status")).await;
    assert_eq!(status[0]["transportDeliveryState"], json!("Rejected"));
    portal.sim.set_rejects(&FJELLVEIEN, false).unwrap();
    portal.sim.set_online(&FJELLVEIEN, true).unwrap();
    assert!(portal.sim.waiting().is_empty());
    portal.send(&Draft::consultation(FJELLVEIEN, KARI)).await;
    assert_eq!(portal.codes().await, ["AppRec 1"]);
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(portal.sim.write_messages(directory.path()).unwrap(), 3);
    let names = ["001-to-office-SB.xml", "002-to-office-SB.xml", "003-to-portal-AppRec.xml"];
    assert!(names.iter().all(|name| directory.path().join(name).is_file()));
    portal.assert_clean();
}

#[tokio::test]
async fn a_list_holds_what_is_unread_in_the_order_and_number_asked_for() {
    let portal = Portal::start().await;
    for _ in 0..3 {
        portal.send(&Draft::consultation(FJELLVEIEN, KARI)).await;
    }
    portal.send(&Draft::consultation(HAVNEGATA, OLA)).await;
    let ids = |list: serde_json::Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = ids(portal.get_json(LIST).await);
    assert_eq!(all.len(), 4);
    let newest = ids(portal.get_json(&format!("{LIST}&orderBy=2&messagesToFetch=2")).await);
    assert_eq!(newest, [all[3].clone(), all[2].clone()]);
    let of_one = portal.get_json(&format!("{LIST}&senderHerId=8150211&includeMetadata=true")).await;
    assert_eq!(of_one[0]["isAppRec"], json!(true));
    let document = of_one[0]["businessDocumentId"].as_str().unwrap();
    assert_eq!(ids(portal.get_json(&format!("{LIST}&businessDocumentId={document}")).await), [all[3].clone()]);
    assert_eq!(portal.get_json(LIST).await[0].as_object().unwrap().len(), 2, "no metadata unless asked for");
    portal.mark_read(&all[0]).await;
    assert_eq!(ids(portal.get_json(LIST).await).len(), 3);
    portal.assert_clean();
    for wrong in ["messagesToFetch=101", "messagesToFetch=0", "orderBy=3", "receiverHerIds=x", "page=2"] {
        assert_eq!(portal.get(&format!("{LIST}&{wrong}")).await.status(), StatusCode::BAD_REQUEST, "{wrong}");
    }
    assert_eq!(portal.get("/Messages").await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(portal.get("/Messages?receiverHerIds=1").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(portal.rules().len(), 6);
}

#[tokio::test]
async fn a_message_sent_twice_is_taken_and_receipted_once() {
    let portal = Portal::start().await;
    let question = Draft::consultation(FJELLVEIEN, KARI);
    let id = portal.send(&question).await;
    assert_eq!(portal.send(&question).await, id);
    assert_eq!(portal.codes().await, ["AppRec 1"]);
    assert_eq!(portal.sim.waiting().len(), 1);
    portal.assert_clean();
    let mut other = question.clone();
    other.form = other.form.replace("svømme", "løpe");
    portal.send(&other).await;
    assert_eq!(portal.rules(), ["a MsgId is used once"]);
}

#[tokio::test]
async fn a_duplicate_has_the_same_msg_id_and_is_to_be_receipted_once() {
    let portal = Portal::start().await;
    let question = Draft::consultation(FJELLVEIEN, KARI);
    portal.send(&question).await;
    portal.sim.duplicate_next();
    let answer = portal.sim.answer(&question.msg_id, &Answer::reply("Ja")).unwrap();
    let fetched = portal.fetch().await;
    let copies: Vec<&Incoming> = fetched.iter().filter(|incoming| incoming.code() == "12").collect();
    let [one, other] = copies.as_slice() else { panic!("two copies") };
    assert_ne!(one.id, other.id);
    assert_eq!((one.msg_id(), other.msg_id()), (answer.clone(), answer.clone()));
    assert_eq!(portal.sim.unreceipted(), std::slice::from_ref(&answer));
    let ok = json!({"appRecStatus": 1, "appRecErrorList": []});
    let (status, first) = portal.receipt(&one.id, &ok).await;
    assert_eq!(status, StatusCode::CREATED);
    let (status, again) = portal.receipt(&one.id, &ok).await;
    assert_eq!((status, again), (StatusCode::CREATED, first), "repeating it is harmless");
    portal.assert_clean();
    assert_eq!(portal.sim.wait_for_receipt(&answer).await.unwrap().0, ReceiptStatus::Ok);
    portal.receipt(&other.id, &ok).await;
    assert_eq!(portal.rules(), ["a duplicate is receipted once"]);
    portal.sim.redeliver(&answer).unwrap();
    assert_eq!(portal.fetch().await.last().unwrap().msg_id(), answer);
}

#[tokio::test]
async fn wrong_receipts_are_refused_and_noted() {
    let portal = Portal::start().await;
    let question = Draft::consultation(FJELLVEIEN, KARI);
    portal.send(&question).await;
    portal.sim.answer(&question.msg_id, &Answer::reply("Ja")).unwrap();
    let fetched = portal.fetch().await;
    let (receipt, answer) = (fetched.first().unwrap(), fetched.last().unwrap());
    assert_eq!(receipt.metadata["isAppRec"], json!(true));
    let ok = json!({"appRecStatus": 1});
    assert_eq!(portal.receipt(&receipt.id, &ok).await.0, StatusCode::BAD_REQUEST);
    let (status, _) = portal.post(&format!("/Messages/{}/apprec/1", answer.id), &ok).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(portal.receipt(&answer.id, &json!({"appRecStatus": 4})).await.0, StatusCode::BAD_REQUEST);
    let rejected = json!({"appRecStatus": 2, "appRecErrorList": [{"errorCode": "T02", "details": "no text"}]});
    assert_eq!(portal.receipt(&answer.id, &rejected).await.0, StatusCode::CREATED);
    assert_eq!(portal.receipt(&answer.id, &ok).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(
        portal.rules(),
        [
            "only what asks for a receipt is receipted",
            "a receipt comes from the receiver of the message",
            "appRecStatus is 1, 2 or 3",
            "a receipt is not taken back",
        ]
    );
    let (status, errors) = portal.sim.wait_for_receipt(&answer.msg_id()).await.unwrap();
    assert_eq!((status, errors.first().unwrap().error_code.as_str()), (ReceiptStatus::Rejected, "T02"));
    let built = portal.sim.messages().pop().unwrap();
    assert!(!built.to_portal && String::from_utf8_lossy(&built.raw).contains("V=\"T02\""));
}

#[tokio::test]
async fn it_refuses_connections_and_takes_them_again_on_the_same_port() {
    let portal = Portal::start().await;
    let before = portal.sim.base_url();
    for _ in 0..3 {
        portal.sim.trouble.set_availability(Availability::Refuse).await.unwrap();
        let error = portal.http.get(portal.url(LIST)).bearer_auth(TOKEN).send().await.unwrap_err();
        assert!(error.is_connect(), "{error:?}");
        portal.sim.trouble.set_availability(Availability::Unavailable).await.unwrap();
        assert_eq!(portal.get(LIST).await.status(), StatusCode::SERVICE_UNAVAILABLE);
        portal.sim.trouble.set_availability(Availability::Up).await.unwrap();
        assert_eq!(portal.get(LIST).await.status(), StatusCode::OK);
    }
    assert_eq!(portal.sim.base_url(), before);
}

#[tokio::test]
async fn a_held_call_waits_for_its_release() {
    let portal = Portal::start().await;
    let question = Draft::consultation(FJELLVEIEN, KARI);
    let held = portal.sim.trouble.hold_next(Call::PostReply);
    let xml = question.xml();
    let call = portal.post_xml(&xml);
    tokio::pin!(call);
    tokio::select! {
        _ = &mut call => panic!("the reply was not held"),
        () = held.reached() => {}
    }
    assert_eq!(portal.sim.waiting().len(), 1, "accepted, and its sender does not know");
    held.release();
    assert_eq!(call.await.0, StatusCode::CREATED);

    let held = portal.sim.trouble.hold_next(Call::Post);
    let xml = Draft::consultation(FJELLVEIEN, KARI).xml();
    let call = portal.post_xml(&xml);
    tokio::pin!(call);
    tokio::select! {
        _ = &mut call => panic!("the call was not held"),
        () = held.reached() => {}
    }
    assert_eq!(portal.sim.waiting().len(), 1, "held before it took effect");
    portal.sim.trouble.set_availability(Availability::Refuse).await.unwrap();
    portal.sim.trouble.set_availability(Availability::Up).await.unwrap();
    drop(held);
    assert_eq!(portal.get(LIST).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_hold_that_was_released_before_any_call_came_does_not_let_the_next_one_through() {
    let portal = Portal::start().await;
    portal.sim.trouble.hold_next(Call::News).release();
    let held = portal.sim.trouble.hold_next(Call::News);
    let call = portal.get(LIST);
    tokio::pin!(call);
    tokio::select! {
        _ = &mut call => panic!("the call was not held"),
        () = held.reached() => {}
    }
    held.release();
    assert_eq!(call.await.status(), StatusCode::OK);
}

#[tokio::test]
async fn holds_and_faults_wait_until_it_is_up() {
    let portal = Portal::start().await;
    let held = portal.sim.trouble.hold_next(Call::News);
    portal.sim.trouble.fail_next(Call::Any, HttpFault::Html);
    portal.sim.trouble.set_availability(Availability::Unavailable).await.unwrap();
    let refused = portal.get(LIST).await;
    assert_eq!(
        (refused.status(), &refused.headers()["retry-after"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"1".parse().unwrap())
    );
    portal.sim.trouble.set_availability(Availability::Up).await.unwrap();
    let call = portal.get(LIST);
    tokio::pin!(call);
    tokio::select! {
        _ = &mut call => panic!("the call was not held"),
        () = held.reached() => {}
    }
    held.release();
    assert!(call.await.text().await.unwrap().starts_with("<html>"));
}

#[tokio::test]
async fn replies_are_spoilt_in_each_way() {
    let portal = Portal::start().await;
    portal.send(&Draft::consultation(FJELLVEIEN, KARI)).await;
    portal.sim.trouble.fail_next(Call::Any, HttpFault::MalformedJson);
    assert!(portal.get(LIST).await.json::<serde_json::Value>().await.is_err());
    portal.sim.trouble.fail_next(Call::Any, HttpFault::TruncatedBody);
    assert!(portal.get(LIST).await.bytes().await.is_err());
    portal.sim.trouble.fail_next(Call::Any, HttpFault::Html);
    assert!(portal.get(LIST).await.text().await.unwrap().starts_with("<html>"));
    portal.sim.trouble.fail_next(Call::News, HttpFault::WrongType);
    assert!(portal.get_json(LIST).await.is_object(), "a list was asked for");
    portal.sim.trouble.fail_next(Call::Any, HttpFault::Status(500));
    assert_eq!(portal.get(LIST).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(portal.get(LIST).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn answers_are_damaged_in_each_way() {
    let portal = Portal::start().await;
    for damage in [Damage::TruncatedXml, Damage::OtherXml, Damage::NotXml] {
        let question = Draft::consultation(FJELLVEIEN, KARI);
        portal.send(&question).await;
        portal.sim.damage_next(damage);
        portal.sim.answer(&question.msg_id, &Answer::reply("Ja")).unwrap();
        let raw = portal.sim.messages().pop().unwrap().raw;
        let readable = crate::sim::meldingstjener::tree::parse(&raw).is_ok_and(|root| root.name == "MsgHead");
        assert!(!readable, "{damage:?}");
    }
    let id = portal.sim.deliver_raw(&FJELLVEIEN, b"<MsgHead".to_vec());
    let metadata = portal.get_json(&format!("/Messages/{id}")).await;
    assert_eq!(metadata["businessDocumentId"], json!(null));
}

#[tokio::test]
async fn a_waiting_test_is_told_what_there_is_instead() {
    let config =
        crate::sim::meldingstjener::Config { patience: std::time::Duration::from_millis(10), ..Default::default() };
    let sim = crate::sim::meldingstjener::MeldingstjenerSim::start(config).await.unwrap();
    let error = sim.wait_for_request(|_| true).await.unwrap_err().to_string();
    assert!(error.starts_with("a request did not come within 0 s; messages so far: []"), "{error}");
}
