//! What is measured, where it happens: in calls of plugins, at upstreams, in the queue, in the log.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use axum::{Router, routing::post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    guest,
    support::{Folder, Held, House, OFFICE, PARENT_SPAN, TRACE, directory, files, inquiry, send, traceparent},
};

/// What the gateway says of itself: each sample with its value, and the exemplars, each with its sample.
pub(crate) struct Scraped {
    pub(crate) samples: BTreeMap<String, f64>,
    pub(crate) exemplars: BTreeMap<String, String>,
}

impl Scraped {
    pub(crate) async fn of(house: &House) -> Self {
        let reply = house.at_operations("/metrics").send().await.unwrap();
        assert_eq!(reply.headers()["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
        Self::read(&reply.text().await.unwrap())
    }

    pub(crate) fn read(text: &str) -> Self {
        assert!(text.ends_with("# EOF\n"), "{text}");
        let (mut samples, mut exemplars) = (BTreeMap::new(), BTreeMap::new());
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (sample, exemplar) = line.split_once(" # ").map_or((line, None), |(sample, more)| (sample, Some(more)));
            let (name, value) = sample.rsplit_once(' ').unwrap();
            samples.insert(name.to_owned(), value.parse().unwrap());
            exemplars.extend(exemplar.map(|exemplar| (name.to_owned(), exemplar.to_owned())));
        }
        Self { samples, exemplars }
    }

    fn value(&self, sample: &str) -> f64 {
        let known = || format!("no {sample} in\n{}", self.samples.keys().cloned().collect::<Vec<_>>().join("\n"));
        *self.samples.get(sample).unwrap_or_else(|| panic!("{}", known()))
    }

    fn say(&self, expected: &[(&str, f64)]) {
        for (sample, value) in expected {
            assert!((self.value(sample) - value).abs() < f64::EPSILON, "{sample} is {}", self.value(sample));
        }
    }
}

/// A gateway whose plugin may be called once at a time, and asks an upstream that answers when it is told to.
async fn house(upstream: Router) -> House {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, upstream).await });
    bound(json!({ "api": { "base-url": format!("http://{address}"), "allow-networks": ["loopback"] } })).await
}

/// A gateway whose plugin is bound to these upstreams, and consulted too.
async fn bound(upstreams: Value) -> House {
    let folder = Folder::new();
    folder.put("example.wasm", &guest::build());
    let mut directory = directory();
    let mut consulted = directory["agreements"][0].clone();
    consulted["service"] = json!("consultation");
    directory["agreements"].as_array_mut().unwrap().push(consulted);
    folder.put("directory.json", directory.to_string().as_bytes());
    House::open_with(folder, |config| {
        config["limits"] =
            json!({ "calls-at-once-per-plugin": 1, "permit-wait-milliseconds": 0, "breaker-failures": 2 });
        config["plugins"] = json!([{
            "package": "example.wasm", "grant": { "capabilities": ["upstream"] }, "upstreams": upstreams,
        }]);
    })
    .await
}

const OPEN: &str = "POST /v1/me/dialogs";

#[tokio::test]
async fn what_is_under_way_and_what_waits_is_seen_while_it_is_so_and_what_has_ended_is_counted() {
    let held = Held::new();
    let (arrived, go) = (held.arrived.clone(), held.go.clone());
    let upstream = Router::new().route(
        "/x",
        post(async move || {
            arrived.notify_one();
            go.notified().await;
            "r-1"
        }),
    );
    let house = house(upstream).await;
    // Before anybody asks the desk.
    let before = Scraped::read(&house.gateway.metrics.text());
    before.say(&[
        (r#"dialog_plugin_instances{provider="example"}"#, 0.0),
        ("dialog_plugin_instances_in_all", 0.0),
        ("dialog_plugin_instances_limit", 256.0),
        ("dialog_plugin_instances_limit_of_one", 1.0),
        (r#"dialog_upstream_connections_in_use{provider="example",upstream="api"}"#, 0.0),
        ("dialog_upstream_connections_limit", 32.0),
        (r#"dialog_breaker_open{provider="example",upstream="api"}"#, 0.0),
        (r#"dialog_problems_total{problem="internal"}"#, 0.0),
    ]);

    let first = house.post("/v1/me/dialogs").header("traceparent", traceparent()).body(inquiry("x"));
    let first = tokio::spawn(async move {
        let began = Instant::now();
        (send(first, OPEN).await, began.elapsed())
    });
    held.arrived.notified().await;
    let arrived = Instant::now();
    let began = Instant::now();
    let second = send(house.post("/v1/me/dialogs").body(inquiry("y")), OPEN).await;
    let second_took = began.elapsed();
    assert_eq!((second.status, &second.body["status"]["state"]), (202, &json!("queued")), "{}", second.body);
    let during = Scraped::of(&house).await;
    during.say(&[
        (r#"dialog_plugin_instances{provider="example"}"#, 1.0),
        ("dialog_plugin_instances_in_all", 1.0),
        (r#"dialog_upstream_connections_in_use{provider="example",upstream="api"}"#, 1.0),
        (r#"dialog_queue_depth{service="inquiry"}"#, 1.0),
        (r#"dialog_queue_depth{service="consultation"}"#, 0.0),
        (r#"dialog_provider_calls_total{provider="example",function="dialogs.open",outcome="shed"}"#, 1.0),
        (r#"dialog_provider_calls_total{provider="example",function="dialogs.open",outcome="answered"}"#, 0.0),
    ]);
    let oldest = during.value("dialog_queue_oldest_seconds");
    assert!((0.0..60.0).contains(&oldest), "{oldest}");
    let later = jiff::Timestamp::now() + std::time::Duration::from_secs(100);
    house.gateway.metrics.waiting(&house.gateway.desk.waiting().await.unwrap(), later);
    let oldest = Scraped::read(&house.gateway.metrics.text()).value("dialog_queue_oldest_seconds");
    assert!((100.0..160.0).contains(&oldest), "{oldest}");

    let least = arrived.elapsed();
    held.go.notify_one();
    let (opened, took) = first.await.unwrap();
    assert_eq!(opened.status, 201, "{}", opened.body);
    let after = Scraped::of(&house).await;
    after.say(&[
        (r#"dialog_plugin_instances{provider="example"}"#, 0.0),
        (r#"dialog_upstream_connections_in_use{provider="example",upstream="api"}"#, 0.0),
        (r#"dialog_provider_calls_total{provider="example",function="dialogs.open",outcome="answered"}"#, 1.0),
        (r#"dialog_plugin_guest_seconds_count{provider="example",function="dialogs.open"}"#, 1.0),
        (r#"dialog_plugin_wait_seconds_count{provider="example"}"#, 2.0),
        (r#"dialog_plugin_memory_bytes_count{provider="example"}"#, 1.0),
        (r#"dialog_plugin_refusals_total{provider="example"}"#, 0.0),
        (r#"dialog_upstream_requests_total{provider="example",upstream="api",result="200"}"#, 1.0),
        (r#"dialog_upstream_request_seconds_count{provider="example",upstream="api"}"#, 1.0),
        (r#"dialog_upstream_wait_seconds_count{provider="example",upstream="api"}"#, 1.0),
        (r#"dialog_service_seconds_count{provider="example",service="inquiry"}"#, 2.0),
        (r#"dialog_outcomes_total{provider="example",service="inquiry",outcome="ok"}"#, 2.0),
        (r#"dialog_request_seconds_count{route="/v1/me/dialogs"}"#, 2.0),
        (r#"dialog_stage_seconds_count{stage="authenticate"}"#, 2.0),
        (r#"dialog_stage_seconds_count{stage="validate"}"#, 2.0),
        (r#"dialog_stage_seconds_count{stage="route"}"#, 2.0),
        (r#"dialog_stage_seconds_count{stage="intent"}"#, 2.0),
        (r#"dialog_stage_seconds_count{stage="call"}"#, 2.0),
        (r#"dialog_stage_seconds_count{stage="check"}"#, 1.0),
        (r#"dialog_stage_seconds_count{stage="outcome"}"#, 2.0),
        (r#"dialog_stage_seconds_count{stage="reply"}"#, 2.0),
    ]);
    // Two pages of 64 KiB are what the guest has.
    let memory = after.value(r#"dialog_plugin_memory_bytes_sum{provider="example"}"#);
    assert!((131_072.0..262_144.0).contains(&memory), "{memory}");
    let guest = after.value(r#"dialog_plugin_guest_seconds_sum{provider="example",function="dialogs.open"}"#);
    let call = r#"dialog_provider_call_seconds_sum{provider="example",function="dialogs.open",outcome="answered"}"#;
    assert!(guest > 0.0 && guest < after.value(call), "{guest}: what it waits for is not the guest's time");

    // What is said to have taken so long has: as long as the upstream held back its answer, and no longer than the caller
    // waited.
    for (sum, most) in [
        (r#"dialog_request_seconds_sum{route="/v1/me/dialogs"}"#, took + second_took),
        (r#"dialog_service_seconds_sum{provider="example",service="inquiry"}"#, took + second_took),
        (r#"dialog_stage_seconds_sum{stage="call"}"#, took + second_took),
        (call, took),
        (r#"dialog_upstream_request_seconds_sum{provider="example",upstream="api"}"#, took),
    ] {
        let said = after.value(sum);
        assert!((least.as_secs_f64()..=most.as_secs_f64()).contains(&said), "{sum} is {said}: {least:?} to {most:?}");
    }
    // The others are what remains beside it.
    for stage in ["authenticate", "validate", "route", "intent", "check", "outcome", "reply"] {
        let said = after.value(&format!(r#"dialog_stage_seconds_sum{{stage="{stage}"}}"#));
        assert!(said > 0.0 && said <= (took - least + second_took).as_secs_f64(), "{stage}: {said}");
    }

    // From each measurement of the request a way leads to its trace; to that of the second, which is no less sampled, too.
    for (sample, exemplar) in &after.exemplars {
        assert!(sample.contains("_bucket") && exemplar.starts_with(r#"{trace_id=""#), "{sample} # {exemplar}");
        assert!(exemplar.split('}').next().unwrap().len() < 128, "{exemplar}");
    }
    for metric in [
        "request_seconds",
        "service_seconds",
        "stage_seconds",
        "provider_call_seconds",
        "plugin_guest_seconds",
        "upstream_request_seconds",
        "audit_append_seconds",
    ] {
        let bucket = format!("dialog_{metric}_bucket");
        let led =
            after.exemplars.iter().any(|(sample, exemplar)| sample.starts_with(&bucket) && exemplar.contains(TRACE));
        assert!(led, "{metric}: {:#?}", after.exemplars);
    }
    assert!(after.exemplars.values().all(|exemplar| !exemplar.contains(PARENT_SPAN)), "the span is the gateway's own");
}

#[tokio::test]
async fn a_trap_and_what_a_plugin_may_not_have_are_counted_with_its_name() {
    // It asks for what it is not bound to, and traps when it does not get it.
    let house = bound(json!({})).await;
    Scraped::of(&house).await.say(&[(r#"dialog_plugin_refusals_total{provider="example"}"#, 0.0)]);
    for times in [1.0, 2.0] {
        let reply = send(house.post("/v1/me/dialogs").body(inquiry("x")), OPEN).await;
        assert_eq!((reply.status, reply.problem()), (502, "provider-faulty"), "{}", reply.body);
        Scraped::of(&house).await.say(&[
            (r#"dialog_provider_calls_total{provider="example",function="dialogs.open",outcome="trapped"}"#, times),
            (r#"dialog_provider_calls_total{provider="example",function="dialogs.open",outcome="answered"}"#, 0.0),
            (r#"dialog_plugin_refusals_total{provider="example"}"#, times),
            (r#"dialog_outcomes_total{provider="example",service="inquiry",outcome="provider-faulty"}"#, times),
            (r#"dialog_problems_total{problem="provider-faulty"}"#, times),
        ]);
    }
}

#[tokio::test]
async fn a_breaker_is_said_to_be_open_once_its_upstream_has_failed_too_often() {
    // Nobody listens there any more.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let house =
        bound(json!({ "api": { "base-url": format!("http://{closed}"), "allow-networks": ["loopback"] } })).await;
    for (asked, sent, open) in [(1.0, 1.0, 0.0), (2.0, 2.0, 1.0), (3.0, 2.0, 1.0)] {
        send(house.post("/v1/me/dialogs").body(inquiry("x")), OPEN).await;
        let said = Scraped::of(&house).await;
        said.say(&[
            (r#"dialog_breaker_open{provider="example",upstream="api"}"#, open),
            (r#"dialog_upstream_requests_total{provider="example",upstream="api",result="unreachable"}"#, asked),
            // What is not tried has no turn to wait for.
            (r#"dialog_upstream_wait_seconds_count{provider="example",upstream="api"}"#, sent),
        ]);
    }
}

#[tokio::test]
async fn an_answer_that_is_overdue_is_counted_by_office_and_service() {
    let upstream = Router::new().route("/x", post(async || format!("r-{}", uuid::Uuid::new_v4())));
    let house = house(upstream).await;
    // An inquiry may be answered whenever it suits the office; a consultation within five working days.
    let consultation = json!({ "request": { "type": "consultation", "mode": "text" }, "message": { "text": "x" } });
    for asked in [inquiry("x"), consultation.to_string()] {
        let opened = send(house.post("/v1/me/dialogs").body(asked), OPEN).await;
        assert_eq!(opened.status, 201, "{}", opened.body);
    }
    let overdue = format!(r#"dialog_overdue{{office="{OFFICE}",service="consultation"}}"#);
    assert_eq!(Scraped::of(&house).await.samples.get(&overdue), None);
    // In a fortnight it is. A count is good for some seconds: the next one is of then.
    let then = jiff::Timestamp::now() + Duration::from_secs(14 * 86_400);
    let said = async {
        loop {
            house.gateway.metrics.count(&house.gateway.desk, then).await;
            let said = Scraped::of(&house).await.samples;
            if said.contains_key(&overdue) {
                return said.into_iter().filter(|(sample, _)| sample.starts_with("dialog_overdue{")).collect();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let said: BTreeMap<String, f64> = tokio::time::timeout(Duration::from_secs(60), said).await.unwrap();
    assert_eq!(said, BTreeMap::from([(overdue, 1.0)]));
}

#[tokio::test]
async fn the_log_and_its_disk_are_looked_at_when_somebody_asks() {
    let began = Instant::now();
    let house = House::open().await;
    send(house.get("/v1/me/practice"), "GET /v1/me/practice").await;
    let size = house.gateway.evidence.log().size();
    house.gateway.evidence.log().close().await.unwrap();
    let scraped = Scraped::of(&house).await;
    let size = size as f64;
    scraped.say(&[
        ("dialog_audit_size", size),
        ("dialog_audit_signed_size", size),
        ("dialog_audit_published_size", size),
        ("dialog_audit_records_total", size),
        ("dialog_audit_append_seconds_count", size),
        ("dialog_audit_backlog_bytes", 0.0),
        (r#"dialog_audit_failing{what="append"}"#, 0.0),
        (r#"dialog_audit_failing{what="publish"}"#, 0.0),
        ("dialog_audit_forked", 0.0),
        ("dialog_queue_oldest_seconds", 0.0),
    ]);
    assert!((1.0..=size).contains(&scraped.value("dialog_audit_groups_total")));
    let bytes: u64 = files(&house.folder.path("data/audit")).iter().map(|file| file.metadata().unwrap().len()).sum();
    scraped.say(&[("dialog_audit_files_bytes", bytes as f64)]);
    let appending = scraped.value("dialog_audit_append_seconds_sum");
    assert!(appending > 0.0 && appending < size * began.elapsed().as_secs_f64(), "{appending}");
    let now = jiff::Timestamp::now().as_second() as f64;
    assert!((now - 60.0..=now).contains(&scraped.value("dialog_audit_published_timestamp_seconds")));
    for folder in ["data", "audit"] {
        let (free, whole) = (
            scraped.value(&format!(r#"dialog_disk_free_bytes{{folder="{folder}"}}"#)),
            scraped.value(&format!(r#"dialog_disk_size_bytes{{folder="{folder}"}}"#)),
        );
        assert!(free > 0.0 && free < whole, "{free} of {whole}");
    }
}

#[tokio::test]
async fn a_trace_that_the_caller_does_not_sample_is_no_exemplar() {
    let house = House::open().await;
    for flags in ["00", "01"] {
        let parent = format!("00-{TRACE}-{PARENT_SPAN}-{flags}");
        send(house.get("/v1/me/practice").header("traceparent", parent), "GET /v1/me/practice").await;
        let exemplars = Scraped::of(&house).await.exemplars;
        let led = exemplars.values().any(|exemplar| exemplar.contains(TRACE));
        assert_eq!(led, flags == "01", "{exemplars:#?}");
    }
}
