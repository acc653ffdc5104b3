//! The binary as the operator runs it: what it exports, what it logs, how it ends.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::Request, routing::post};
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode};
use serde_json::{Value, json};
use tokio::{net::TcpListener, process::Command};

use crate::{
    collector::Collector,
    guest,
    running::Running,
    support::{Folder, KARI, PARENT_SPAN, TRACE, inquiry, traceparent},
};

const WORDS: &str = "Ordene mine er mine egne";

/// The trace of a caller that does not sample it.
const UNSAMPLED: &str = "1af7651916cd43dd8448eb211c80319c";

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attribute(span: &Span, name: &str) -> String {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    let found = span.attributes.iter().find(|attribute| attribute.key == name);
    match found.and_then(|attribute| attribute.value.clone()).and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_leads_from_the_portal_through_the_plugin_to_the_upstream_and_nothing_personal_leaves_with_it() {
    let collector = Collector::open(None).await;
    let asked = Arc::new(Mutex::new(Vec::<String>::new()));
    let seen = Arc::clone(&asked);
    let upstream = Router::new().route(
        "/x",
        post(move |request: Request| async move {
            let parent = request.headers().get("traceparent").map(|value| value.to_str().unwrap().to_owned());
            let mut seen = seen.lock().unwrap();
            seen.extend(parent);
            format!("r-{}", seen.len())
        }),
    );
    let upstream = serve(upstream).await;
    let folder = Folder::new();
    folder.put("example.wasm", &guest::build());
    folder.configure(|config| {
        // As loud as an operator can ask for.
        config["telemetry"] =
            json!({ "log": "trace,sled=trace,hyper=trace,h2=trace", "format": "json", "otlp": format!("http://{}", collector.address) });
        config["plugins"] = json!([{
            "package": "example.wasm", "grant": { "capabilities": ["upstream"] },
            "upstreams": { "api": { "base-url": upstream, "allow-networks": ["loopback"] } },
        }]);
    });
    let running = Running::start(&folder).await;
    let token = folder.issuer.citizen();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let reply = client
        .post(format!("{}/v1/me/dialogs", running.portal))
        .bearer_auth(&token)
        .header("idempotency-key", "one")
        .header("content-type", "application/json")
        .header("traceparent", traceparent())
        .body(inquiry(WORDS))
        .send()
        .await
        .unwrap();
    let status = reply.status().as_u16();
    assert_eq!(status, 201, "{}", reply.text().await.unwrap());
    // What the caller does not want to have in its trace is not in it, and the upstream is told so too.
    let unsampled = client
        .post(format!("{}/v1/me/dialogs", running.portal))
        .bearer_auth(&token)
        .header("idempotency-key", "two")
        .header("content-type", "application/json")
        .header("traceparent", format!("00-{UNSAMPLED}-{PARENT_SPAN}-00"))
        .body(inquiry(WORDS))
        .send()
        .await
        .unwrap();
    assert_eq!(unsampled.status(), 201);
    let refused = client.get(format!("{}/v1/me/dialogs", running.portal)).bearer_auth("x.y.z").send().await.unwrap();
    assert_eq!(refused.status(), 401);
    running.stop().await;

    let spans = collector.collected.spans();
    let of_trace: Vec<&Span> = spans.iter().filter(|span| hex(&span.trace_id) == TRACE).collect();
    let named = |name: &str| {
        let mut found = of_trace.iter().filter(|span| span.name == name);
        let (Some(span), None) = (found.next(), found.next()) else {
            panic!("not exactly one {name:?} among {:?}", of_trace.iter().map(|span| &span.name).collect::<Vec<_>>());
        };
        *span
    };
    let request = named("POST /v1/me/dialogs");
    assert_eq!(hex(&request.parent_span_id), PARENT_SPAN);
    assert_eq!(attribute(request, "http.route"), "/v1/me/dialogs");
    assert_eq!(attribute(request, "http.response.status_code"), "201");
    let call = named("plugin.call open");
    assert_eq!(call.parent_span_id, request.span_id);
    assert_eq!(attribute(call, "dialog.plugin.id"), "example");
    assert_eq!(attribute(call, "dialog.plugin.version"), "1.0.0");
    let sent = named("POST");
    assert_eq!(sent.parent_span_id, call.span_id);
    assert_eq!(sent.kind(), SpanKind::Client);
    assert_eq!(attribute(sent, "dialog.upstream"), "api");
    assert_eq!(attribute(sent, "server.address"), "127.0.0.1");
    assert_eq!(attribute(sent, "http.response.status_code"), "200");
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked[0], format!("00-{TRACE}-{}-01", hex(&sent.span_id)));
    assert!(asked[1].starts_with(&format!("00-{UNSAMPLED}-")) && asked[1].ends_with("-00"), "{asked:?}");
    assert!(spans.iter().all(|span| hex(&span.trace_id) != UNSAMPLED), "it was not to be sampled");

    // Every stage of the path is there, in the request; what it waits for is a span of the stage's.
    let under = |parent: &Span, name: &str| {
        let found: Vec<&&Span> =
            of_trace.iter().filter(|span| span.name == name && span.parent_span_id == parent.span_id).collect();
        assert!(!found.is_empty(), "no {name} under {}", parent.name);
        (*found[0]).clone()
    };
    for stage in ["authenticate", "validate", "route", "reply"] {
        under(request, stage);
    }
    under(call, "check");
    for stage in ["intent", "outcome"] {
        let durable = under(&under(request, stage), "audit.append");
        assert!(attribute(&durable, "dialog.audit.index").parse::<u64>().is_ok(), "{durable:?}");
    }
    // A refusal is the caller's to mend.
    let refused = spans.iter().find(|span| span.name == "GET /v1/me/dialogs").unwrap();
    assert_eq!(attribute(refused, "http.response.status_code"), "401");
    assert!(spans.iter().all(|span| span.status.clone().unwrap_or_default().code() == StatusCode::Unset));
    // All that is ever told of anything; where it is about a request, neither its path nor its query.
    let known = BTreeSet::from([
        "dialog.audit.index",
        "dialog.plugin.attempt",
        "dialog.plugin.digest",
        "dialog.plugin.function",
        "dialog.plugin.id",
        "dialog.plugin.interface",
        "dialog.plugin.version",
        "dialog.upstream",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "network.protocol.version",
        "request.id",
        "server.address",
        "server.port",
        "trace_id",
        "url.scheme",
    ]);
    let attributes = spans.iter().flat_map(|span| &span.attributes).map(|attribute| attribute.key.as_str());
    // How long a span was worked on and waited is of `tracing` itself.
    let told: BTreeSet<&str> = attributes.filter(|name| !matches!(*name, "busy_ns" | "idle_ns" | "target")).collect();
    assert_eq!(told, known);

    let log = std::fs::read_to_string(folder.path("log")).unwrap();
    let exported = format!("{spans:?}");
    let payload = token.split('.').nth(1).unwrap();
    for private in [KARI, WORDS, payload, "Nordmann", "0123456789abcdef0123456789abcdef"] {
        assert!(!log.contains(private), "{private} is in the log");
        assert!(!exported.contains(private), "{private} is in a span");
    }
    let mut traces = Vec::new();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if line["message"] == "answered" {
            let request = &line["spans"][0];
            assert_eq!(line["trace_id"], request["trace_id"], "{line}");
            assert!(line["span_id"].as_str().is_some_and(|id| id.len() == 16), "{line}");
            traces.push(line["trace_id"].as_str().unwrap().to_owned());
        }
        let (target, level) = (line["target"].as_str().unwrap(), line["level"].as_str().unwrap());
        if target.starts_with("sled") {
            assert!(matches!(level, "WARN" | "ERROR"), "{line}");
        } else if !target.starts_with("dialog_") {
            assert!(!matches!(level, "DEBUG" | "TRACE"), "{line}");
        }
    }
    assert_eq!((traces[0].as_str(), traces[1].as_str(), traces.len()), (TRACE, UNSAMPLED, 3));
    let records = folder.records();
    let opened =
        records.iter().filter(|record| record["action"] == "dialog.open" && record["traceId"] != json!(UNSAMPLED));
    assert!(opened.clone().all(|record| record["traceId"] == TRACE) && opened.count() >= 2, "{records:#?}");
    assert_eq!(records.last().unwrap()["action"], "gateway.stop");
}

/// A picture, as far as anybody looks.
const PICTURE: &[u8] = b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0 picture \xff\xd9";

/// The gateway's binary, run to its end: whether all went well, and what it said.
async fn ended(folder: &Folder, command: &str) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_dialog-gateway"))
        .args([command, "--config"])
        .arg(folder.path("gateway.toml"))
        .output()
        .await
        .unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// The master keys of the configuration, the current one first.
fn master_keys(folder: &Folder, ids: &[&str]) {
    let keys: Vec<Value> =
        ids.iter().map(|id| json!({ "id": id, "key": { "file": format!("master-{id}.key") } })).collect();
    folder.configure(|config| config["encryption"]["keys"] = json!(keys));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_wrapped_anew_while_the_gateway_stands_still_and_then_the_old_master_key_can_go() {
    let folder = Folder::new();
    for (id, key) in [
        ("one", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="),
        ("two", "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="),
        ("three", "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="),
    ] {
        folder.put(&format!("master-{id}.key"), key.as_bytes());
    }
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    master_keys(&folder, &["one"]);
    let running = Running::start(&folder).await;
    let reply = client
        .post(format!("{}/v1/me/attachments?name=utslett.jpg", running.portal))
        .bearer_auth(folder.issuer.citizen())
        .header("idempotency-key", "one")
        .header("content-type", "application/octet-stream")
        .body(PICTURE)
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), 201);
    let attachment: Value = serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap();
    let attachment = attachment["id"].as_str().unwrap();

    // While it runs, the folder is its own.
    let (fine, _, said) = ended(&folder, "rewrap").await;
    assert!(!fine && said.contains("open the keys"), "{said}");
    running.stop().await;

    // Without the key that wraps everything, nothing starts, and it is said which key that is.
    master_keys(&folder, &["two"]);
    for command in ["serve", "rewrap"] {
        let (fine, _, said) = ended(&folder, command).await;
        assert!(!fine && said.contains("\"one\"") && said.contains("not among those that are configured"), "{said}");
    }

    master_keys(&folder, &["two", "one"]);
    let (fine, told, said) = ended(&folder, "rewrap").await;
    assert!(fine, "{said}");
    let done: usize = told.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{told}"));
    assert!(told.ends_with("keys were wrapped anew; none remains under an earlier master key\n"), "{told}");
    // The installation's, the directory's, the citizen's and the attachment's, at least.
    assert!(done >= 4, "{told}");
    let (fine, told, _) = ended(&folder, "rewrap").await;
    assert!(fine && told.starts_with("0 keys were wrapped anew"), "{told}");

    std::fs::remove_file(folder.path("master-one.key")).unwrap();
    master_keys(&folder, &["two"]);
    let running = Running::start(&folder).await;
    let reply = client
        .get(format!("{}/v1/me/attachments/{attachment}", running.portal))
        .bearer_auth(folder.issuer.citizen())
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.bytes().await.unwrap(), PICTURE);
    running.stop().await;

    // Not wrapped anew: the key that is missing is named, the new one too where it is not the one that is needed.
    master_keys(&folder, &["three"]);
    let (fine, _, said) = ended(&folder, "serve").await;
    assert!(!fine && said.contains("\"two\""), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_wrong_is_said_before_any_port_is_bound_or_anything_is_written() {
    let folder = Folder::new();
    // Of a gateway that binds first, this would be the complaint.
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    folder.configure(|config| config["listen"]["portal"] = json!(taken.local_addr().unwrap()));
    folder.put("directory.json", b"{}");
    let output = Command::new(env!("CARGO_BIN_EXE_dialog-gateway"))
        .args(["serve", "--config"])
        .arg(folder.path("gateway.toml"))
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("directory.json: line 1, column 2: missing field `providers`"), "{said}");
    assert!(!said.contains("listen.portal"), "{said}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
    assert!(!folder.path("data").exists());
}
