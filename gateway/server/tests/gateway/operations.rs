use dialog_contract::health::HealthStatus;
use serde_json::json;

use crate::support::{Folder, House, claims, files, send};

#[tokio::test]
async fn the_logs_public_files_are_served_and_nothing_else_of_its_folder() {
    let house = House::open().await;
    send(house.get("/v1/me/practice"), "GET /v1/me/practice").await;
    let at = |path: &str| house.operate("dialog:auditor", path);
    let log = house.folder.path("data/audit");

    let journal = files(&log.join("journal"));
    assert!(!journal.is_empty());
    let mut hidden: Vec<String> =
        journal.iter().map(|file| format!("/log/journal/{}", file.file_name().unwrap().to_str().unwrap())).collect();
    hidden.extend(
        [
            "/log/tile/..%2Fjournal%2Flock",
            "/log/tile/%2e%2e/journal/lock",
            "/log/tile/../../../audit.key",
            "/log/tile/..%2F..%2F..%2Faudit.key",
            "/log/tile/0/0",
            "/log/tile/0/000.p",
            "/log/tile/0/000.p/255",
            "/log/tile/%00",
            "/log/",
            "/log/lock",
        ]
        .map(str::to_owned),
    );
    for path in hidden {
        let reply = at(&path).send().await.unwrap();
        assert_eq!(reply.status(), 404, "{path}");
    }

    let records = house.records().await.len();
    let checkpoint = at("/log/checkpoint").send().await.unwrap();
    assert_eq!(checkpoint.headers()["cache-control"], "no-cache");
    assert_eq!(checkpoint.text().await.unwrap(), std::fs::read_to_string(log.join("checkpoint")).unwrap());
    for kind in ["0", "entries"] {
        let path = format!("tile/{kind}/000.p/{records}");
        let tile = at(&format!("/log/{path}")).send().await.unwrap();
        assert_eq!(tile.status(), 200, "{path}");
        assert_eq!(tile.headers()["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(tile.headers()["content-type"], "application/octet-stream");
        assert_eq!(tile.bytes().await.unwrap(), std::fs::read(log.join(path)).unwrap());
    }
    // A full tile, put there as the log would.
    std::fs::write(log.join("tile/0/001"), [7; 8192]).unwrap();
    let full = at("/log/tile/0/001").send().await.unwrap();
    assert_eq!(full.headers()["cache-control"], "public, max-age=31536000, immutable");
}

#[tokio::test]
async fn a_checkpoint_that_the_reader_has_is_not_sent_again() {
    let house = House::open().await;
    let at = |tag: &str| house.operate("dialog:auditor", "/log/checkpoint").header("if-none-match", tag).send();
    let first = at("\"0-00000000\"").await.unwrap();
    assert_eq!(first.status(), 200);
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    let size = first.text().await.unwrap().lines().nth(1).unwrap().to_owned();
    assert!(tag.starts_with(&format!("\"{size}-")), "{tag} {size}");
    for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}")] {
        let again = at(&known).await.unwrap();
        // It may have grown meanwhile; then the tag is another, and the note comes.
        let same = again.headers()["etag"] == tag.as_str();
        assert_eq!(again.status(), if same { 304 } else { 200 }, "{known}");
        assert_eq!(again.text().await.unwrap().is_empty(), same);
    }
}

#[tokio::test]
async fn entries_go_compressed_to_who_takes_it_and_hashes_as_they_are() {
    let house = House::open().await;
    send(house.get("/v1/me/practice"), "GET /v1/me/practice").await;
    let log = house.folder.path("data/audit");
    house.records().await;
    let at = |path: &str, coding: &'static str| {
        house.operate("dialog:auditor", &format!("/log/{path}")).header("accept-encoding", coding).send()
    };
    let partial = files(&log.join("tile/entries/000.p")).into_iter().next().unwrap();
    let width = partial.file_name().unwrap().to_str().unwrap().to_owned();
    let (entries, hashes) = (format!("tile/entries/000.p/{width}"), format!("tile/0/000.p/{width}"));
    let plain = at(&entries, "identity").await.unwrap();
    assert!(plain.headers().get("content-encoding").is_none());
    assert_eq!(plain.headers()["vary"], "accept-encoding");
    let plain = plain.bytes().await.unwrap();
    assert_eq!(plain, std::fs::read(&partial).unwrap());
    let packed = at(&entries, "br, gzip").await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert_eq!(packed.headers()["cache-control"], "public, max-age=31536000, immutable");
    let packed = packed.bytes().await.unwrap();
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed.as_ref()), &mut unpacked).unwrap();
    assert!(unpacked == plain && packed.len() < plain.len());
    let tile = at(&hashes, "gzip").await.unwrap();
    assert!(tile.headers().get("content-encoding").is_none() && tile.headers().get("vary").is_none());
}

#[tokio::test]
async fn the_operator_sees_what_could_not_be_read_and_the_portal_does_not() {
    let house = House::open().await;
    let reply = send(house.operate("dialog:operator", "/unreadable"), "GET /unreadable").await;
    assert_eq!(reply.body, json!({ "items": [] }));
    assert!(reply.header("audit-receipt").starts_with("gateway.test/one "));
    for path in ["/unreadable", "/metrics", "/log/checkpoint", "/v1/plugins"] {
        assert_eq!(house.http.get(house.url(path)).send().await.unwrap().status(), 404, "{path}");
    }
    assert_eq!(house.at_operations("/v1/me/practice").send().await.unwrap().status(), 404);
    let looked = house.records().await.into_iter().find(|record| record["action"] == "unreadable.list").unwrap();
    assert_eq!(looked["actor"], json!({ "role": "operator", "client": "portal" }));
}

#[tokio::test]
async fn each_door_of_the_operations_listener_opens_to_its_role_alone_and_refusals_are_on_record() {
    let house = House::open().await;
    for (path, route, opens_to) in [
        ("/unreadable", "GET /unreadable", &["dialog:operator"][..]),
        ("/v1/plugins", "GET /v1/plugins", &["dialog:operator"]),
        ("/v1/plugins/example", "GET /v1/plugins/{plugin}", &["dialog:operator"]),
        ("/log/checkpoint", "GET /log/checkpoint", &["dialog:auditor", "dialog:operator"]),
        ("/log/tile/0/001", "GET /log/tile/{path}", &["dialog:auditor", "dialog:operator"]),
    ] {
        assert_eq!(send(house.at_operations(path), route).await.problem(), "unauthenticated", "{path}");
        for scope in ["dialog:operator", "dialog:auditor", "dialog:citizen", "dialog:events", "openid"] {
            let reply = send(house.operate(scope, path), route).await;
            let refused = reply.problem() == "not-permitted";
            assert_eq!(refused, !opens_to.contains(&scope), "{path} {scope}: {}", reply.status);
        }
        let mut low = claims();
        low["scope"] = json!("dialog:operator dialog:auditor");
        low["acr"] = json!("idporten-loa-substantial");
        let person = house.at_operations(path).bearer_auth(house.folder.issuer.sign(&low));
        assert_eq!(send(person, route).await.problem(), "level-too-low", "{path}");
    }
    for open in ["/metrics", "/health/live", "/health/ready"] {
        assert_eq!(house.at_operations(open).send().await.unwrap().status(), 200, "{open}");
    }
    let records = house.records().await;
    let refused: Vec<_> = records.iter().filter(|record| record["kind"] == "permission-refused").collect();
    assert_eq!(refused.len(), 3 * 4 + 2 * 3 + 5);
    assert!(refused.iter().all(|record| record["actor"]["client"] == "portal"), "{refused:#?}");
    assert_eq!(refused.iter().filter(|record| record["actor"]["level"] == 3).count(), 5);
    assert!(refused.iter().all(|record| record.get("citizen").is_none()), "an operator is nobody's citizen");
}

#[tokio::test]
async fn the_log_is_open_to_all_where_the_operator_says_so() {
    let house = House::open_with(Folder::new(), |config| config["operations"] = json!({ "open-log": true })).await;
    assert_eq!(house.at_operations("/log/checkpoint").send().await.unwrap().status(), 200);
    assert_eq!(send(house.at_operations("/unreadable"), "GET /unreadable").await.problem(), "unauthenticated");
}

#[tokio::test]
async fn metrics_count_requests_by_route_and_refusals_by_problem_and_name_nobody() {
    let house = House::open().await;
    send(house.get("/v1/me/practice"), "GET /v1/me/practice").await;
    send(house.get("/v1/me/dialogs/1"), "GET /v1/me/dialogs/{dialog}").await;
    let metrics = house.at_operations("/metrics").send().await.unwrap();
    let text = metrics.text().await.unwrap();
    for line in [
        r#"dialog_requests_total{method="GET",route="/v1/me/practice",status="200"} 1"#,
        r#"dialog_requests_total{method="GET",route="/v1/me/dialogs/{dialog}",status="404"} 1"#,
        r#"dialog_problems_total{problem="not-found"} 1"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(text.ends_with("# EOF\n") && !text.contains(crate::support::KARI));
}

#[tokio::test]
async fn a_gateway_that_is_to_stop_is_not_ready_and_still_lives() {
    let house = House::open().await;
    let ready = || send(house.http.get(house.url("/health/ready")), "GET /health/ready");
    assert_eq!(ready().await.body, json!({ "status": "ready" }));
    let live = send(house.http.get(house.url("/health/live")), "GET /health/live").await;
    assert_eq!(live.body, json!({ "status": "live" }));
    house.gateway.stop.cancel();
    assert_eq!(house.gateway.health(), HealthStatus::Stopping);
}

#[tokio::test]
async fn a_delivery_for_nobody_is_told_so_and_the_vendors_door_leads_nowhere_else() {
    let house = House::open().await;
    let provider = |path: &str| house.http.post(format!("http://{}{path}", house.provider)).body("{}");
    let reply = send(provider("/v1/deliveries/example/changes"), "POST /v1/deliveries/{plugin}/{path}").await;
    assert_eq!(reply.problem(), "not-found");
    assert_eq!(provider("/v1/me/dialogs").send().await.unwrap().status(), 404);
}
