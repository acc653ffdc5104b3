//! A collector of traces that decodes what OpenTelemetry publishes as protobuf, by HTTP and by gRPC alike, and answers when
//! it is told to; what reaches it, and what it is not given.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::{any_service, post},
};
use dialog_gateway::listener::Listener;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    trace::v1::Span,
};
use prost::Message as _;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Response, Status};

use crate::{
    metrics::Scraped,
    papers::{Authority, Files},
    running::Running,
    support::{Folder, KARI, TRACE, traceparent},
};

/// What was collected.
#[derive(Default)]
pub(crate) struct Collected {
    spans: Mutex<Vec<Span>>,
    /// The credentials that came with each batch.
    authorizations: Mutex<BTreeSet<String>>,
    /// Whether batches are turned away.
    refuses: AtomicBool,
    /// Whether what comes has to wait for its answer.
    holds: watch::Sender<bool>,
    arrived: AtomicUsize,
    answered: AtomicUsize,
}

impl Collected {
    async fn take(&self, request: ExportTraceServiceRequest, authorization: Option<&str>) -> bool {
        self.arrived.fetch_add(1, Ordering::Relaxed);
        // Whoever hangs up meanwhile gets no answer, and nothing of theirs is taken.
        self.holds.subscribe().wait_for(|holds| !holds).await.unwrap();
        self.answered.fetch_add(1, Ordering::Relaxed);
        if self.refuses.load(Ordering::Relaxed) {
            return false;
        }
        let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        self.spans.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
        self.authorizations.lock().unwrap().insert(authorization.unwrap_or("nothing").to_owned());
        true
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap().clone()
    }

    /// From now on batches wait for their answer, or no more.
    pub(crate) fn hold(&self, holds: bool) {
        self.holds.send_replace(holds);
    }

    /// Batches that came, and those of them that were answered.
    pub(crate) fn batches(&self) -> (usize, usize) {
        (self.arrived.load(Ordering::Relaxed), self.answered.load(Ordering::Relaxed))
    }

    fn names(&self) -> BTreeSet<String> {
        self.spans().into_iter().map(|span| span.name).collect()
    }
}

struct Grpc(Arc<Collected>);

#[tonic::async_trait]
impl TraceService for Grpc {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let authorization = metadata.get("authorization").and_then(|value| value.to_str().ok());
        if self.0.take(request, authorization).await {
            Ok(Response::new(ExportTraceServiceResponse::default()))
        } else {
            Err(Status::unavailable("not now"))
        }
    }
}

async fn http(State(collected): State<Arc<Collected>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let authorization = headers.get("authorization").and_then(|value| value.to_str().ok());
    let taken = collected.take(ExportTraceServiceRequest::decode(body).unwrap(), authorization).await;
    if taken { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

/// A collector, until it is dropped.
pub(crate) struct Collector {
    pub(crate) collected: Arc<Collected>,
    pub(crate) address: SocketAddr,
    _stop: DropGuard,
}

impl Collector {
    /// Over TLS where there are papers.
    pub(crate) async fn open(papers: Option<&Files>) -> Self {
        let collected = Arc::<Collected>::default();
        let grpc = TraceServiceServer::new(Grpc(Arc::clone(&collected)));
        let router = Router::new()
            .route("/v1/traces", post(http))
            .with_state(Arc::clone(&collected))
            .route("/opentelemetry.proto.collector.trace.v1.TraceService/Export", any_service(grpc));
        let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let (address, stop) = (listener.address, CancellationToken::new());
        let door = papers.map(|papers| Arc::new(papers.door("", &Arc::default())));
        listener.behind(door).serve(router, stop.clone());
        Self { collected, address, _stop: stop.drop_guard() }
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }
}

/// Starts a gateway that sends its traces as this table says.
pub(crate) async fn running(folder: &Folder, telemetry: Value) -> Running {
    folder.configure(|config| config["telemetry"] = telemetry);
    Running::start(folder).await
}

/// Asks for the practice, as a caller that samples its trace where there is one.
async fn ask(running: &Running, folder: &Folder, parent: Option<&str>) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.get(format!("{}/v1/me/practice", running.portal)).bearer_auth(folder.issuer.citizen());
    if let Some(parent) = parent {
        request = request.header("traceparent", parent);
    }
    assert_eq!(request.send().await.unwrap().status(), 200);
}

async fn scraped(running: &Running) -> Scraped {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let reply = client.get(format!("{}/metrics", running.operations)).send().await.unwrap();
    Scraped::read(&reply.text().await.unwrap())
}

/// Asks until this has become of some spans: they are sent in another process, at its own pace.
async fn until(running: &Running, outcome: &str) {
    let waited = async {
        while ended(running, outcome).await == 0.0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waited).await.unwrap();
}

/// What became of spans so far.
async fn ended(running: &Running, outcome: &str) -> f64 {
    scraped(running).await.samples[&format!(r#"dialog_spans_total{{outcome="{outcome}"}}"#)]
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_reach_a_collector_by_http_and_by_grpc_alike_over_tls_with_what_it_wants_to_see() {
    let mut told = Vec::new();
    for protocol in ["http", "grpc"] {
        let (authority, files, folder) = (Authority::new("collectors"), Files::new(), Folder::new());
        files.own(&authority.server());
        folder.put("collectors.pem", authority.pem.as_bytes());
        folder.put("authorization", b"Bearer opensesame\n");
        let collector = Collector::open(Some(&files)).await;
        let otlp = json!({
            "url": collector.url("https"), "protocol": protocol, "certificate-authorities": "collectors.pem",
            "headers": { "authorization": { "file": "authorization" } },
        });
        let running = running(&folder, json!({ "otlp": otlp })).await;
        ask(&running, &folder, Some(&traceparent())).await;
        running.stop().await;
        let collected = &collector.collected;
        assert_eq!(*collected.authorizations.lock().unwrap(), BTreeSet::from(["Bearer opensesame".to_owned()]));
        let spans = collected.spans();
        let trace: Vec<u8> =
            (0..TRACE.len()).step_by(2).map(|at| u8::from_str_radix(&TRACE[at..at + 2], 16).unwrap()).collect();
        assert!(spans.iter().any(|span| span.name == "GET /v1/me/practice" && span.trace_id == trace), "{protocol}");
        let exported = format!("{spans:?}");
        let log = std::fs::read_to_string(folder.path("log")).unwrap();
        for private in [KARI, "opensesame", "Nordmann"] {
            assert!(!exported.contains(private) && !log.contains(private), "{protocol}: {private}");
        }
        told.push(collected.names());
    }
    assert_eq!(told[0], told[1]);
    assert!(told[0].contains("authenticate") && told[0].contains("audit.append"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_nobody_vouches_for_gets_nothing() {
    for protocol in ["http", "grpc"] {
        let (authority, stranger, files, folder) =
            (Authority::new("ours"), Authority::new("another's"), Files::new(), Folder::new());
        files.own(&stranger.server());
        folder.put("collectors.pem", authority.pem.as_bytes());
        let collector = Collector::open(Some(&files)).await;
        let otlp = json!({
            "url": collector.url("https"), "protocol": protocol, "certificate-authorities": "collectors.pem",
        });
        let running = running(&folder, json!({ "otlp": otlp })).await;
        ask(&running, &folder, None).await;
        until(&running, "failed").await;
        assert_eq!(ended(&running, "sent").await, 0.0);
        running.stop().await;
        assert!(collector.collected.spans().is_empty(), "{protocol}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_trace_the_caller_decides_and_of_those_that_begin_here_the_operator() {
    let (collector, folder) = (Collector::open(None).await, Folder::new());
    let running = running(&folder, json!({ "otlp": collector.url("http"), "sample": 0.0 })).await;
    ask(&running, &folder, None).await;
    ask(&running, &folder, Some(&traceparent())).await;
    ask(&running, &folder, Some(&traceparent().replace("-01", "-00"))).await;
    running.stop().await;
    let spans = collector.collected.spans();
    let requests = spans.iter().filter(|span| span.name == "GET /v1/me/practice").count();
    assert_eq!(requests, 1, "only the caller's that samples: {:?}", collector.collected.names());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_back_gets_what_comes_then() {
    let (collector, folder) = (Collector::open(None).await, Folder::new());
    collector.collected.refuses.store(true, Ordering::Relaxed);
    let otlp = json!({ "url": collector.url("http"), "protocol": "grpc" });
    let running = running(&folder, json!({ "otlp": otlp })).await;
    ask(&running, &folder, None).await;
    until(&running, "failed").await;
    collector.collected.refuses.store(false, Ordering::Relaxed);
    ask(&running, &folder, None).await;
    until(&running, "sent").await;
    running.stop().await;
    assert!(collector.collected.names().contains("GET /v1/me/practice"));
}
