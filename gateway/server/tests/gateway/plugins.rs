//! Installed plugins over the operations API: what each request comes to, and where its record stands.

use serde_json::{Value, json};

use crate::{
    guest,
    support::{Folder, House, Reply, send},
};

const INSTALL: &str = "POST /v1/plugins";
const GRANT: &str = "POST /v1/plugins/{plugin}/grants";
const REVOKE: &str = "POST /v1/plugins/{plugin}/revocations";
const BACK: &str = "POST /v1/plugins/{plugin}/rollback";

async fn house() -> House {
    House::open_with(Folder::new(), |config| config["limits"] = json!({ "component-bytes": 65_536 })).await
}

fn package(house: &House, file: Vec<u8>) -> reqwest::RequestBuilder {
    house.post_operations("/v1/plugins").header("content-type", "application/wasm").body(file)
}

async fn install(house: &House, version: &str) -> Reply {
    send(package(house, guest::build_as(version)), INSTALL).await
}

fn granting(house: &House, what: &str, body: &Value) -> reqwest::RequestBuilder {
    let path = format!("/v1/plugins/example/{what}");
    house.post_operations(&path).header("content-type", "application/json").body(body.to_string())
}

fn upstream() -> Value {
    json!({ "capabilities": ["upstream"], "nationalIdentityNumber": false })
}

/// Where a reply's record stands in the log.
fn index(reply: &Reply) -> usize {
    reply.header("audit-receipt").rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_package_waits_for_its_grant_serves_and_goes_back_and_each_receipt_names_its_record() {
    let house = house().await;
    let installed = install(&house, "1.0.0").await;
    assert_eq!((installed.status, installed.header("location")), (201, "/v1/plugins/example"));
    assert_eq!(installed.body["state"], "waiting-for-grant");
    let granted = send(granting(&house, "grants", &upstream()), GRANT).await;
    assert_eq!((granted.status, &granted.body["state"]), (200, &json!("serving")));
    let again = send(granting(&house, "grants", &upstream()), GRANT).await;
    assert_eq!((again.status, &again.body), (200, &granted.body), "the same again changes nothing");
    let upgraded = install(&house, "1.1.0").await;
    assert_eq!((upgraded.status, &upgraded.body["earlier"][0]["version"]), (200, &json!("1.0.0")));

    let shown = send(house.operate("dialog:operator", "/v1/plugins/example"), "GET /v1/plugins/{plugin}").await;
    assert_eq!((&shown.body, shown.header("etag")), (&upgraded.body, upgraded.header("etag")));
    let listed = send(house.operate("dialog:operator", "/v1/plugins"), "GET /v1/plugins").await;
    assert_eq!(listed.body, json!({ "items": [shown.body] }));

    let rollback = || house.post_operations("/v1/plugins/example/rollback");
    let back = send(rollback().header("if-match", shown.header("etag")), BACK).await;
    assert_eq!((back.status, &back.body["current"]["version"]), (200, &json!("1.0.0")));
    let late = send(rollback().header("if-match", shown.header("etag")), BACK).await;
    assert_eq!((late.problem(), &late.body["reason"]), ("precondition-failed", &json!("changed-since")));
    let nothing = send(rollback(), BACK).await;
    assert_eq!((nothing.problem(), &nothing.body["reason"]), ("rollback-refused", &json!("nothing-earlier")));
    let revoked = send(granting(&house, "revocations", &upstream()), REVOKE).await;
    assert_eq!((revoked.status, &revoked.body["state"]), (200, &json!("waiting-for-grant")));

    let records = house.records().await;
    for (reply, action) in [
        (&installed, "plugin.install"),
        (&granted, "plugin.grant"),
        (&upgraded, "plugin.install"),
        (&shown, "plugins.read"),
        (&listed, "plugins.list"),
        (&back, "plugin.rollback"),
        (&late, "plugin.refuse"),
        (&nothing, "plugin.refuse"),
        (&revoked, "plugin.revoke"),
    ] {
        let record = &records[index(reply)];
        assert_eq!(record["action"], action);
        assert_eq!(record["actor"], json!({ "role": "operator", "client": "portal" }));
        assert_eq!(record["request"], reply.header("x-request-id"));
    }
    assert_eq!(records[index(&late)]["details"]["refused"], "plugin.rollback");
    assert_eq!(records[index(&upgraded)]["details"]["digest"], upgraded.body["current"]["digest"]);
}

#[tokio::test]
async fn what_is_no_package_is_refused_with_a_reason_and_what_to_do_and_leaves_nothing_behind() {
    let house = house().await;
    let mut unfit = guest::build();
    unfit.truncate(900);
    for (file, problem, reason, advice) in [
        (b"#!/bin/sh".to_vec(), "package-refused", "not-a-plugin", "`dialog-plugin check` finds nothing wrong with"),
        (unfit, "package-refused", "not-a-plugin", "`dialog-plugin check` finds nothing wrong with"),
        (vec![0; 65_537], "too-large", "too-large", "`component-bytes`"),
    ] {
        let reply = send(package(&house, file).header("accept-language", "en"), INSTALL).await;
        assert_eq!((reply.problem(), &reply.body["reason"]), (problem, &json!(reason)), "{}", reply.body);
        assert!(reply.body["detail"].as_str().unwrap().contains(advice), "{}", reply.body);
        assert_eq!(reply.body["sent"], "no");
    }
    let sent = house.post_operations("/v1/plugins").header("content-type", "application/json").body("{}");
    assert_eq!(send(sent, INSTALL).await.problem(), "unsupported-media-type");
    let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![0; 1024]));
    let streamed = house.post_operations("/v1/plugins").header("content-type", "application/wasm");
    let reply = send(streamed.body(reqwest::Body::wrap_stream(endless)), INSTALL).await;
    assert_eq!(reply.problem(), "too-large", "without a length, too");

    for (request, route) in [
        (house.operate("dialog:operator", "/v1/plugins/example"), "GET /v1/plugins/{plugin}"),
        (house.operate("dialog:operator", "/v1/plugins/No%20id"), "GET /v1/plugins/{plugin}"),
        (granting(&house, "grants", &upstream()), GRANT),
        (granting(&house, "revocations", &upstream()), REVOKE),
        (house.post_operations("/v1/plugins/example/rollback"), BACK),
    ] {
        assert_eq!(send(request, route).await.problem(), "not-found", "{route}");
    }
    install(&house, "1.0.0").await;
    for body in [json!({}), json!({ "capabilities": ["everything"], "nationalIdentityNumber": false })] {
        assert_eq!(send(granting(&house, "grants", &body), GRANT).await.problem(), "invalid", "{body}");
    }
    let malformed = granting(&house, "grants", &upstream()).header("if-match", "yesterday");
    assert_eq!(send(malformed, GRANT).await.problem(), "malformed");
    let listed = send(house.operate("dialog:operator", "/v1/plugins"), "GET /v1/plugins").await;
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 1);

    let records = house.records().await;
    let refused: Vec<&Value> = records.iter().filter(|record| record["kind"] == "plugin").collect();
    let reasons: Vec<&Value> = refused.iter().map(|record| &record["details"]["reason"]).collect();
    let (no, large, there) = (json!("not-a-plugin"), json!("too-large"), json!("not-installed"));
    assert_eq!(reasons, [&no, &no, &large, &large, &there, &there, &there, &Value::Null]);
}

#[tokio::test]
async fn no_more_packages_are_on_their_way_than_the_gateway_has_room_for() {
    let house = house().await;
    let room = house.gateway.uploads.available_permits();
    let held = house.gateway.uploads.try_acquire_many(room.try_into().unwrap()).unwrap();
    let full = send(package(&house, guest::build()), INSTALL).await;
    assert_eq!((full.problem(), full.header("retry-after")), ("unavailable", "1"));
    drop(held);
    assert_eq!(send(package(&house, guest::build()), INSTALL).await.status, 201);
    assert_eq!(house.gateway.uploads.available_permits(), room);
}
