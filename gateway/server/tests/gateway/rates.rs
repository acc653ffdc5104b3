//! Callers who ask too often.

use serde_json::{Value, json};

use crate::support::{Folder, House, claims, send};

fn rate(per_second: u32, burst: u32) -> Value {
    json!({ "per-second": per_second, "burst": burst })
}

async fn house(level: &str, burst: u32) -> House {
    House::open_with(Folder::new(), |config| config["rates"][level] = rate(1, burst)).await
}

async fn practice(house: &House) -> crate::support::Reply {
    send(house.get("/v1/me/practice"), "GET /v1/me/practice").await
}

#[tokio::test]
async fn a_citizen_who_asks_too_often_is_told_when_to_come_back_and_it_is_counted_and_not_recorded() {
    let house = house("per-citizen", 3).await;
    for _ in 0..3 {
        assert_eq!(practice(&house).await.status, 200);
    }
    let refused = practice(&house).await;
    assert_eq!((refused.status, refused.problem()), (429, "too-many-requests"));
    assert_eq!((refused.header("retry-after"), refused.body["sent"].as_str()), ("1", Some("no")));
    // Others come through the same client: here the portal itself, of which nothing has been taken.
    let portal = house.folder.issuer.sign(&{
        let mut claims = claims();
        claims["scope"] = json!("dialog:events");
        claims.as_object_mut().unwrap().remove("pid");
        claims
    });
    let feed = send(house.http.get(house.url("/v1/events")).bearer_auth(portal), "GET /v1/events").await;
    assert_eq!(feed.status, 200);
    let text = house.gateway.metrics.text();
    assert!(text.contains(r#"dialog_rate_limited_total{level="citizen"} 1"#), "{text}");
    let records = house.records().await;
    assert!(!records.iter().any(|record| record["outcome"]["status"] == 429), "{records:#?}");
}

#[tokio::test]
async fn what_a_client_and_all_together_may_ask_is_bounded_too() {
    for (level, name) in [("per-client", "client"), ("in-all", "all")] {
        let house = house(level, 2).await;
        let statuses = [practice(&house).await.status, practice(&house).await.status, practice(&house).await.status];
        assert_eq!(statuses, [200, 200, 429], "{level}");
        let counted = format!(r#"dialog_rate_limited_total{{level="{name}"}} 1"#);
        assert!(house.gateway.metrics.text().contains(&counted));
        // Whoever watches over the gateway is answered.
        assert_eq!(house.http.get(house.url("/health/ready")).send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn who_has_no_token_fills_no_log_and_is_in_nobodys_way() {
    let house = house("without-token", 4).await;
    let mut statuses = Vec::new();
    for token in ["x.y.z", "", "a.b.c"] {
        let request = house.http.get(house.url("/v1/me/practice")).bearer_auth(token);
        statuses.push(send(request, "GET /v1/me/practice").await.status);
    }
    let office = format!("/v1/offices/{}", crate::support::OFFICE);
    for _ in 0..2 {
        statuses.push(send(house.http.get(house.url(&office)), "GET /v1/offices/{herId}").await.status);
    }
    let request = house.http.get(house.url("/v1/me/practice"));
    statuses.push(send(request, "GET /v1/me/practice").await.status);
    let forged = house.http.post(format!("http://{}/v1/deliveries/nobody/x", house.provider)).body("{}");
    assert_eq!(send(forged, "POST /v1/deliveries/{plugin}/{path}").await.status, 404);
    assert_eq!(statuses, [401, 401, 401, 200, 429, 429]);
    assert_eq!(practice(&house).await.status, 200);
    let refused = house.records().await.iter().filter(|record| record["kind"] == "token-refused").count();
    assert_eq!(refused, 3);
}
