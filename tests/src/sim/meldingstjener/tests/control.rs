//! The control API, as a demo user calls it.

use super::portal::{Draft, Portal};
use crate::sim::world::{FJELLVEIEN, KARI};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn call(portal: &Portal, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
    let mut request = portal.http.request(method, format!("{}/control{path}", portal.sim.control_url()));
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

#[tokio::test]
async fn a_request_is_listed_answered_and_gone() {
    let portal = Portal::start().await;
    let question = Draft::consultation(FJELLVEIEN, KARI);
    portal.send(&question).await;
    let (_, list) = call(&portal, Method::GET, "/requests", None).await;
    assert_eq!(list[0]["msgId"], json!(question.msg_id));
    assert_eq!(list[0]["citizen"], json!("Kari Fjell"));
    assert!(!list.to_string().contains(KARI.national_id));
    let path = format!("/requests/{}/answer", question.msg_id);
    let (status, error) = call(&portal, Method::POST, &path, Some(json!({"kind": "cancelled"}))).await;
    assert_eq!((status, error), (StatusCode::UNPROCESSABLE_ENTITY, json!({"error": "cancelled does not answer SB"})));
    let picture = json!({"mimeType": "image/png", "description": "x", "content": "iVBORw0KGgo="});
    let reply = json!({"kind": "reply", "text": "Ja", "attachments": [picture]});
    let (status, body) = call(&portal, Method::POST, &path, Some(reply)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(call(&portal, Method::GET, "/requests", None).await.1, json!([]));
    assert_eq!(portal.codes().await, ["AppRec 1", "12"]);
    let (_, xml) = call(&portal, Method::GET, "/messages/3", None).await;
    assert!(xml.as_str().unwrap().contains(body["msgId"].as_str().unwrap()));
    let (_, list) = call(&portal, Method::GET, "/messages", None).await;
    assert_eq!(list[2]["label"], json!("12"));
    assert_eq!(call(&portal, Method::GET, "/violations", None).await.1, json!([]));
    portal.assert_clean();
}

#[tokio::test]
async fn an_office_is_steered() {
    let portal = Portal::start().await;
    let office = format!("/offices/{}", FJELLVEIEN.her_id);
    let at = |path: &str| format!("{office}{path}");
    let one_way = json!({"nationalId": KARI.national_id, "oneWay": true, "subject": "Ferie", "text": "Vi har stengt."});
    assert_eq!(call(&portal, Method::POST, &at("/dialogues"), Some(one_way)).await.0, StatusCode::OK);
    let confirmed = json!({"nationalId": KARI.national_id, "notice": "confirmed", "start": "2026-12-01T09:00:00"});
    let (status, body) = call(&portal, Method::POST, &at("/notices"), Some(confirmed)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(portal.codes().await, ["EKI", "05"]);
    let (_, slots) = call(&portal, Method::GET, &at("/slots"), None).await;
    let take = at(&format!("/slots/{}/take", slots[0]["uid"].as_str().unwrap()));
    assert_eq!(call(&portal, Method::POST, &take, None).await.0, StatusCode::OK);
    assert_eq!(call(&portal, Method::POST, &take, None).await.0, StatusCode::NOT_FOUND);
    let negative = json!({"mode": "negative", "codes": ["E10"]});
    assert_eq!(call(&portal, Method::PUT, &at("/receipts"), Some(negative)).await.0, StatusCode::OK);
    assert_eq!(call(&portal, Method::PUT, &at("/online"), Some(json!(false))).await.0, StatusCode::OK);
    portal.send(&Draft::consultation(FJELLVEIEN, KARI)).await;
    assert_eq!(portal.codes().await, Vec::<String>::new());
    assert_eq!(call(&portal, Method::PUT, &at("/online"), Some(json!(true))).await.0, StatusCode::OK);
    assert_eq!(portal.codes().await, ["AppRec 2"]);
    assert_eq!(call(&portal, Method::PUT, &at("/receipts"), Some(json!({"mode": "honest"}))).await.0, StatusCode::OK);
    assert_eq!(call(&portal, Method::PUT, &at("/automatic"), Some(json!(true))).await.0, StatusCode::OK);
    portal.send(&Draft::consultation(FJELLVEIEN, KARI)).await;
    assert_eq!(portal.codes().await, ["AppRec 1", "12"]);
    assert_eq!(call(&portal, Method::PUT, "/offices/1/online", Some(json!(true))).await.0, StatusCode::NOT_FOUND);
    portal.assert_clean();
}

#[tokio::test]
async fn the_transport_is_steered_while_it_is_down() {
    let portal = Portal::start().await;
    assert_eq!(call(&portal, Method::PUT, "/availability", Some(json!("refuse"))).await.0, StatusCode::OK);
    assert!(portal.http.get(portal.url("/Messages")).send().await.unwrap_err().is_connect());
    assert_eq!(call(&portal, Method::PUT, "/availability", Some(json!("up"))).await.0, StatusCode::OK);
    assert_eq!(call(&portal, Method::POST, "/faults", Some(json!({"fault": {"status": 502}}))).await.0, StatusCode::OK);
    let list = "/Messages?receiverHerIds=8093248";
    assert_eq!(portal.get(list).await.status(), StatusCode::BAD_GATEWAY);
    for (path, body) in
        [("/damage", json!("truncated-xml")), ("/faults", json!({"fault": "html"})), ("/hold", json!("news"))]
    {
        assert_eq!(call(&portal, Method::POST, path, Some(body)).await.0, StatusCode::OK, "{path}");
    }
    assert_eq!(call(&portal, Method::POST, "/duplicate", None).await.0, StatusCode::OK);
    assert_eq!(call(&portal, Method::POST, "/release", None).await.1, json!({"released": true}));
    let typo = json!({"cal": "post", "fault": "html"});
    assert_eq!(call(&portal, Method::POST, "/faults", Some(typo)).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (_, body) = call(&portal, Method::PUT, "/delay", Some(json!(1))).await;
    assert_eq!(body, json!({"milliseconds": 1}));
    assert!(portal.get(list).await.text().await.unwrap().starts_with("<html>"));
    assert_eq!(
        call(&portal, Method::PUT, "/availability", Some(json!("asleep"))).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}
