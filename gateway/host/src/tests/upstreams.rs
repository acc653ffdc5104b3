//! Upstream requests of real components to real HTTP servers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{
    io::Write,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use axum::{
    Form, Json, Router,
    body::Bytes,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::{any, get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use dialog_contract::{
    dialog::{Attachment, MediaType},
    ids::{AttachmentId, DialogId},
    provider::{Failure, Opening},
    service::Sent,
};
use dialog_core::ports::{
    blobs::Blobs,
    providers::{Called, Providers, Target},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{
    calls::{Running, granted, inquiry, open, running, small, target},
    citizen_context,
    guests::{Guest, Sender, unavailable},
};
use crate::{
    Limits, PluginConfig,
    trace::{Traceparent, with_traceparent},
};

/// Serves until the test ends.
async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

fn bound(binding: Value) -> PluginConfig {
    PluginConfig { upstreams: serde_json::from_value(json!({ "api": binding })).unwrap(), ..granted() }
}

fn local(address: SocketAddr) -> Value {
    json!({ "base-url": format!("http://{address}/base"), "allow-networks": ["loopback"] })
}

async fn with(guest: Guest, binding: Value) -> Running {
    running(small(), vec![(guest, bound(binding))]).await
}

async fn reference(running: &Running) -> String {
    open(&running.host).await.answer.unwrap().reference
}

/// A file that holds a secret as long as the test runs.
fn secret(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[tokio::test]
async fn a_request_goes_below_the_base_with_the_operators_key_and_the_callers_trace() {
    let app = Router::new().route(
        "/base/x",
        post(|headers: HeaderMap, body: Bytes| async move {
            let header = |name: &str| headers[name].to_str().unwrap().to_owned();
            assert_eq!(header("x-own"), "1");
            assert_eq!(header("x-api-key"), "opensesame");
            assert_eq!(header("content-length"), "5");
            assert!(!headers.contains_key("accept-encoding"));
            [header("traceparent"), String::from_utf8(body.to_vec()).unwrap()].join(" ")
        }),
    );
    let key = secret("opensesame");
    let mut binding = local(serve(app).await);
    binding["credentials"] = json!({ "kind": "api-key", "header": "X-Api-Key", "key": { "file": key.path() } });
    let sender = Sender { header: Some(("x-own", "1")), body: "hello", ..Sender::default() };
    let running = with(sender.guest(), binding).await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let called = with_traceparent(Traceparent::parse(parent), open(&running.host)).await;
    assert_eq!(called.answer.unwrap().reference, format!("{parent} hello"));
    let upstream = &called.record.upstreams[0];
    assert_eq!((upstream.name.as_str(), upstream.method.as_str(), upstream.status), ("api", "POST", Some(200)));
}

#[tokio::test]
async fn what_a_plugin_must_not_send_never_leaves() {
    let hits = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&hits);
    let app = Router::new().fallback(any(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        async {}
    }));
    let address = serve(app).await;
    for sender in [
        Sender { path: "/../secret", ..Sender::default() },
        Sender { path: "//evil.example", ..Sender::default() },
        Sender { path: "/a%2fb", ..Sender::default() },
        Sender { header: Some(("Authorization", "Bearer x")), ..Sender::default() },
        Sender { header: Some(("Host", "evil.example")), ..Sender::default() },
        Sender { header: Some(("x-a", "1\\0d\\0ahost: evil")), ..Sender::default() },
        Sender { method: 0, body: "a body", ..Sender::default() },
    ] {
        let running = with(sender.guest(), local(address)).await;
        assert_eq!(reference(&running).await, "error 1");
    }
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_upstream_that_is_not_bound_is_not_granted() {
    let running = running(small(), vec![(Sender::default().guest(), granted())]).await;
    assert_eq!(reference(&running).await, "error 0");
}

#[tokio::test]
async fn redirects_are_answers_and_not_followed() {
    let followed = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&followed);
    let app = Router::new()
        .route("/base/x", any(|| async { (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")], "moved") }))
        .fallback(any(move || {
            flag.store(true, Ordering::SeqCst);
            async { "followed" }
        }));
    let running = with(Sender { method: 0, ..Sender::default() }.guest(), local(serve(app).await)).await;
    assert_eq!(reference(&running).await, "moved");
    assert!(!followed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_name_that_resolves_to_the_machine_itself_is_not_dialled() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let running = with(Sender::default().guest(), json!({ "base-url": format!("https://localhost:{port}/") })).await;
    let called = open(&running.host).await;
    assert_eq!(called.record.upstreams[0].error.as_deref(), Some("unreachable"));
    assert_eq!(called.answer.unwrap().reference, "error 2");
    let nobody = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(nobody.is_err(), "something was dialled");
}

#[tokio::test]
async fn requests_over_the_count_are_refused() {
    let hits = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&hits);
    let app = Router::new().fallback(any(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        async { "ok" }
    }));
    let address = serve(app).await;
    let enough = with(Sender { times: 16, ..Sender::default() }.guest(), local(address)).await;
    assert_eq!(reference(&enough).await, "ok");
    let over = with(Sender { times: 17, ..Sender::default() }.guest(), local(address)).await;
    let called = open(&over.host).await;
    assert_eq!((called.answer.unwrap().reference.as_str(), called.record.upstreams.len()), ("error 5", 16));
    assert_eq!(hits.load(Ordering::SeqCst), 32);
}

#[tokio::test]
async fn an_answer_over_the_limit_is_not_read_to_its_end() {
    let app = Router::new().route("/base/told", any(|| async { vec![b'x'; 5_000] })).route(
        "/base/endless",
        any(|| async {
            let endless = futures_util::stream::repeat_with(|| {
                Ok::<_, std::convert::Infallible>(Bytes::from_static(&[b'x'; 512]))
            });
            axum::body::Body::from_stream(endless)
        }),
    );
    let address = serve(app).await;
    for path in ["/told", "/endless"] {
        let limits = Limits { upstream_answer_bytes: 4_096, ..small() };
        let guest = Sender { method: 0, path, ..Sender::default() }.guest();
        let running = running(limits, vec![(guest, bound(local(address)))]).await;
        assert_eq!(reference(&running).await, "error 4");
    }
}

#[tokio::test]
async fn no_more_requests_than_there_may_be_reach_an_upstream_at_once_and_those_over_wait_for_their_turn() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (under_way, highest) = (Arc::clone(&now), Arc::clone(&most));
    let app = Router::new().fallback(any(move || {
        highest.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let under_way = Arc::clone(&under_way);
        async move {
            // Long enough for all calls to meet here, were they let.
            tokio::time::sleep(Duration::from_millis(100)).await;
            under_way.fetch_sub(1, Ordering::SeqCst);
            "ok"
        }
    }));
    let limits = Limits { upstream_requests_at_once: 2, ..small() };
    let guest = Sender { method: 0, ..Sender::default() }.guest();
    let running = running(limits, vec![(guest, bound(local(serve(app).await)))]).await;
    let all = futures_util::future::join_all((0..4).map(|_| reference(&running))).await;
    assert_eq!((all, most.load(Ordering::SeqCst)), (vec!["ok".to_owned(); 4], 2));
}

#[tokio::test]
async fn a_request_whose_turn_does_not_come_in_its_time_was_not_sent() {
    let arrived = Arc::new(tokio::sync::Notify::new());
    let told = Arc::clone(&arrived);
    let app = Router::new().fallback(any(move || {
        told.notify_one();
        std::future::pending::<()>()
    }));
    let limits = Limits { upstream_requests_at_once: 1, ..small() };
    let guest = Sender { on_error: Some(unavailable()), ..Sender::default() }.guest();
    let running = running(limits, vec![(guest, bound(local(serve(app).await)))]).await;
    let host = Arc::clone(&running.host);
    let first = tokio::spawn(async move { open(&host).await });
    arrived.notified().await;
    let hurried = Target { time_left: Duration::from_millis(300), ..target("example") };
    let second = running.host.open(hurried, citizen_context(), DialogId::new(), inquiry()).await;
    assert_eq!((second.record.upstreams[0].error.as_deref(), sent(&second)), (Some("unreachable"), Sent::No));
    first.abort();
}

fn sent(called: &Called<dialog_contract::provider::Opened>) -> Sent {
    called.answer.as_ref().unwrap_err().sent()
}

#[tokio::test]
async fn a_plugin_that_says_not_sent_after_a_broken_request_is_corrected() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            // Takes the request and hangs up.
            let (stream, _) = listener.accept().await.unwrap();
            stream.readable().await.unwrap();
            let mut buffer = [0; 1024];
            let _ = stream.try_read(&mut buffer);
        }
    });
    let claiming = |method| Sender { method, on_error: Some(unavailable()), ..Sender::default() }.guest();
    let posted = with(claiming(1), local(address)).await;
    let called = open(&posted.host).await;
    assert_eq!(called.record.upstreams[0].error.as_deref(), Some("interrupted"));
    assert_eq!(sent(&called), Sent::Unknown);
    let got = with(claiming(0), local(address)).await;
    assert_eq!(sent(&open(&got.host).await), Sent::No);
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let guest = Sender { on_error: Some("unreachable".to_owned()), ..Sender::default() }.guest();
    let running = with(guest, local(address)).await;
    let called = open(&running.host).await;
    assert!(matches!(called.answer, Err(Failure::Faulty(_))));
    assert_eq!(sent(&called), Sent::No);
}

#[tokio::test]
async fn a_trap_after_a_request_leaves_it_unknown_whether_it_was_sent() {
    let app = Router::new().fallback(any(|| async { "taken" }));
    let guest = Sender { on_answer: Some("unreachable".to_owned()), ..Sender::default() }.guest();
    let running = with(guest, local(serve(app).await)).await;
    let called = open(&running.host).await;
    assert!(matches!(called.answer, Err(Failure::Faulty(_))));
    assert_eq!(sent(&called), Sent::Unknown);
}

#[tokio::test]
async fn a_slow_upstream_ends_before_the_call_and_the_plugin_can_still_say_so() {
    let app = Router::new().fallback(any(std::future::pending::<()>));
    let guest = Sender { on_error: Some(unavailable()), ..Sender::default() }.guest();
    let limits = Limits { call_milliseconds: 400, ..small() };
    let running = running(limits, vec![(guest, bound(local(serve(app).await)))]).await;
    let called = open(&running.host).await;
    assert!(matches!(called.answer, Err(Failure::Unavailable(_))), "{:?}", called.answer);
    assert_eq!(sent(&called), Sent::Unknown);
}

#[tokio::test]
async fn a_breaker_spares_an_upstream_that_is_down_and_finds_out_when_it_is_back() {
    let (hits, healthy) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (counter, well) = (Arc::clone(&hits), Arc::clone(&healthy));
    let app = Router::new().fallback(any(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        let status = if well.load(Ordering::SeqCst) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        async move { (status, "said") }
    }));
    let limits = Limits { breaker_failures: 2, breaker_wait_milliseconds: 400, ..small() };
    let running = running(limits, vec![(Sender::default().guest(), bound(local(serve(app).await)))]).await;
    assert_eq!(reference(&running).await, "said");
    assert_eq!(reference(&running).await, "said");
    assert_eq!(reference(&running).await, "error 2");
    assert_eq!(hits.load(Ordering::SeqCst), 2);
    healthy.store(true, Ordering::SeqCst);
    let back = async {
        while reference(&running).await != "said" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), back).await.unwrap();
    assert_eq!(reference(&running).await, "said");
    assert_eq!(hits.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn an_attachment_streams_to_the_upstream_in_base64_with_its_length() {
    let app = Router::new().fallback(any(|request: Request| async move {
        let length = request.headers()[header::CONTENT_LENGTH].to_str().unwrap().to_owned();
        assert!(!request.headers().contains_key(header::TRANSFER_ENCODING));
        let body = axum::body::to_bytes(request.into_body(), 10_000_000).await.unwrap();
        let content = STANDARD.decode(&body).unwrap();
        format!("{length} {} {}", body.len(), content.iter().all(|byte| *byte == 7))
    }));
    let running = with(Sender { attachment: true, ..Sender::default() }.guest(), local(serve(app).await)).await;
    let content = Bytes::from(vec![7_u8; 3_000_001]);
    let attachment = Attachment {
        id: AttachmentId::new(),
        media_type: MediaType::Jpeg,
        name: "photo.jpg".to_owned(),
        size: content.len() as u64,
        sha256: String::new(),
    };
    let parts: Vec<_> = content.chunks(60_000).map(|part| Ok(Bytes::copy_from_slice(part))).collect();
    let stream = Box::pin(futures_util::stream::iter(parts));
    running.blobs.put(attachment.id.uuid(), stream, 10_000_000).await.unwrap();
    let mut opening = inquiry();
    if let Opening::Inquiry { message } = &mut opening {
        message.attachments.push(attachment);
    }
    let called = running.host.open(target("example"), citizen_context(), DialogId::new(), opening).await;
    assert_eq!(called.answer.unwrap().reference, "4000004 4000004 true");
    // The guest never held it.
    assert!(called.record.memory_bytes.unwrap() < 1_000_000);
}

const OPENING: &str = "<s:Envelope xmlns:s=\\22http://www.w3.org/2003/05/soap-envelope\\22><s:Header>";
const REST: &str = "</s:Header><s:Body/></s:Envelope>";

fn soap() -> Sender {
    Sender { body: OPENING, after_credentials: Some(REST), ..Sender::default() }
}

fn ws_security(address: SocketAddr, password: &tempfile::NamedTempFile) -> Value {
    let mut binding = local(address);
    binding["credentials"] =
        json!({ "kind": "ws-security", "username": "gw", "password": { "file": password.path() } });
    binding
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).unwrap().1.split_once(to).unwrap().0
}

#[tokio::test]
async fn a_soap_message_gets_a_user_name_token_of_its_own_that_the_plugin_never_sees() {
    let app = Router::new().fallback(any(|headers: HeaderMap, body: Bytes| async move {
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert_eq!(headers[header::CONTENT_LENGTH].to_str().unwrap(), text.len().to_string());
        assert!(text.contains("<s:Header><wsse:Security ") && text.ends_with(&format!("</wsse:Security>{REST}")));
        let nonce = between(&text, "#Base64Binary\">", "<").to_owned();
        let created = between(&text, "<wsu:Created>", "<");
        let input = [STANDARD.decode(&nonce).unwrap().as_slice(), created.as_bytes(), b"opensesame"].concat();
        let expected = STANDARD.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &input));
        assert_eq!(between(&text, "#PasswordDigest\">", "<"), expected);
        assert_eq!(between(&text, "<wsse:Username>", "<"), "gw");
        nonce
    }));
    let password = secret("opensesame\n");
    let running = with(soap().guest(), ws_security(serve(app).await, &password)).await;
    let (first, second) = (reference(&running).await, reference(&running).await);
    assert!(!first.starts_with("error") && first != second, "{first} {second}");
}

#[tokio::test]
async fn credentials_stand_in_a_body_where_the_operators_do_and_nowhere_else() {
    let hits = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&hits);
    let app = Router::new().fallback(any(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        async {}
    }));
    let address = serve(app).await;
    let password = secret("opensesame");
    for (sender, binding) in [
        // No place for them; a GET has none either.
        (Sender { body: "hello", ..Sender::default() }, ws_security(address, &password)),
        (Sender { method: 0, ..Sender::default() }, ws_security(address, &password)),
        // A place where the vendor might keep and show them.
        (Sender { body: "<note>", after_credentials: Some("</note>"), ..soap() }, ws_security(address, &password)),
        // A place, and credentials of another kind.
        (soap(), local(address)),
    ] {
        let running = with(sender.guest(), binding).await;
        assert_eq!(reference(&running).await, "error 1");
    }
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_answer_that_shows_the_token_is_withheld() {
    let app = Router::new().fallback(any(|body: Bytes| async move { body }));
    let password = secret("opensesame");
    let running = with(soap().guest(), ws_security(serve(app).await, &password)).await;
    let called = open(&running.host).await;
    assert_eq!(called.record.upstreams[0].error.as_deref(), Some("interrupted"));
    assert_eq!(called.answer.unwrap().reference, "error 3");
}

#[tokio::test]
async fn a_password_goes_as_text_over_https_only() {
    let password = secret("opensesame");
    let mut binding = ws_security(SocketAddr::from(([127, 0, 0, 1], 1)), &password);
    binding["credentials"]["password-type"] = json!("text");
    let checked = |binding: &Value| {
        crate::upstream::check(&serde_json::from_value(binding.clone()).unwrap(), &small()).map_err(|e| e.to_string())
    };
    let error = checked(&binding).unwrap_err();
    assert!(error.contains("over https only") && !error.contains("opensesame"), "{error}");
    binding["base-url"] = json!("https://vendor.example/soap");
    assert_eq!(checked(&binding), Ok(()));
}

/// A token endpoint that checks assertions, and an API that takes the newest token only.
struct Issuer {
    address: SocketAddr,
    issued: Arc<AtomicUsize>,
    accepted: Arc<AtomicUsize>,
    key: tempfile::NamedTempFile,
}

async fn issuer() -> Issuer {
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap();
    let public = DecodingKey::from_ec_der(pair.public_key().as_ref());
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD
            .encode(document.as_ref())
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect::<Vec<_>>()
            .join("\n")
    );
    let (issued, accepted) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(1)));
    let (count, newest) = (Arc::clone(&issued), Arc::clone(&accepted));
    let token = move |Form(form): Form<std::collections::HashMap<String, String>>| {
        let (count, public) = (Arc::clone(&count), public.clone());
        async move {
            assert_eq!(form["grant_type"], "client_credentials");
            assert_eq!(form["scope"], "nhn:edi/write");
            let mut checks = Validation::new(Algorithm::ES256);
            checks.set_audience(&["https://sts.example.no"]);
            checks.set_issuer(&["gateway"]);
            let claims = jsonwebtoken::decode::<Value>(&form["client_assertion"], &public, &checks);
            match claims {
                Ok(data) if data.claims["sub"] == "gateway" && data.header.kid.as_deref() == Some("k1") => {
                    let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                    let answer =
                        json!({ "access_token": format!("t{number}"), "token_type": "Bearer", "expires_in": 600 });
                    Json(answer).into_response()
                }
                _ => (StatusCode::UNAUTHORIZED, Json(json!({ "error": "invalid_client" }))).into_response(),
            }
        }
    };
    let api = move |headers: HeaderMap| {
        let wanted = format!("Bearer t{}", newest.load(Ordering::SeqCst));
        async move {
            if headers[header::AUTHORIZATION] == wanted.as_str() {
                "in".into_response()
            } else {
                StatusCode::UNAUTHORIZED.into_response()
            }
        }
    };
    let address = serve(Router::new().route("/token", post(token)).route("/base/x", get(api.clone()).post(api))).await;
    Issuer { address, issued, accepted, key: secret(&pem) }
}

impl Issuer {
    fn binding(&self) -> Value {
        let mut binding = local(self.address);
        binding["credentials"] = json!({
            "kind": "oauth2",
            "token-url": format!("http://{}/token", self.address),
            "client-id": "gateway",
            "scope": "nhn:edi/write",
            "audience": "https://sts.example.no",
            "key": { "file": self.key.path() },
            "key-id": "k1",
            "algorithm": "ES256",
        });
        binding
    }
}

#[tokio::test]
async fn a_token_is_fetched_once_kept_and_fetched_again_when_it_is_not_accepted() {
    let issuer = issuer().await;
    let running = with(Sender::default().guest(), issuer.binding()).await;
    for _ in 0..3 {
        assert_eq!(reference(&running).await, "in");
    }
    assert_eq!(issuer.issued.load(Ordering::SeqCst), 1);
    // The first token is revoked.
    issuer.accepted.store(2, Ordering::SeqCst);
    assert_eq!(reference(&running).await, "in");
    assert_eq!(issuer.issued.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_token_that_is_refused_twice_is_the_operators_to_mend_and_nothing_was_sent() {
    let issuer = issuer().await;
    issuer.accepted.store(99, Ordering::SeqCst);
    let claiming = Sender { on_error: Some("unreachable".to_owned()), ..Sender::default() }.guest();
    let running = with(claiming, issuer.binding()).await;
    let called = open(&running.host).await;
    assert_eq!(called.record.upstreams[0].error.as_deref(), Some("credentials"));
    assert_eq!(sent(&called), Sent::No);
    assert_eq!(issuer.issued.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn many_calls_at_once_fetch_one_token() {
    let issuer = issuer().await;
    let running = with(Sender::default().guest(), issuer.binding()).await;
    let all = futures_util::future::join_all((0..4).map(|_| reference(&running))).await;
    assert_eq!(all, ["in"; 4]);
    assert_eq!(issuer.issued.load(Ordering::SeqCst), 1);
}
