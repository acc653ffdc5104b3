//! Spans on their way to a collector, by OTLP over HTTP or gRPC.
//!
//! A request never waits for any of this: its spans are put into a bounded queue, and a thread of its own sends them in
//! batches, each within a bounded time. Where the queue is full, as while a collector is away, spans are dropped; what
//! became of them is counted.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use opentelemetry_otlp::{
    WithExportConfig as _, WithHttpConfig as _, WithTonicConfig as _,
    tonic_types::{
        metadata::MetadataMap,
        transport::{Certificate, ClientTlsConfig},
    },
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor},
};
use tokio::runtime::Runtime;

use super::{
    logs::TelemetryError,
    otlp::{OtlpConfig, Prepared, Protocol},
};

/// Spans that wait to be sent: a second of some two hundred requests, and about 2 MiB.
const QUEUE: u64 = 2_048;

/// Spans in one batch.
const BATCH: usize = 512;

/// How long a span waits for others that go with it.
const DELAY: Duration = Duration::from_secs(1);

/// How long a batch may take until the collector has it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What is under way to the collector.
pub struct Exporting {
    /// Takes spans as they end.
    pub processor: Bounded,
    /// Drives the connections of gRPC. It must live until everything was sent.
    pub runtime: Option<Runtime>,
}

/// Makes ready to send; connects to nothing. Must be called outside of the asynchronous runtime: HTTP brings a blocking
/// client of its own.
///
/// # Errors
/// Names the key that cannot be used.
pub fn start(config: &OtlpConfig) -> Result<Exporting, TelemetryError> {
    let failed =
        |error: &dyn fmt::Display| TelemetryError::Exporter(format!("url: no exporter can be made for it: {error}"));
    let Prepared { endpoint, headers, authorities } = config.prepare()?;
    let builder = opentelemetry_otlp::SpanExporter::builder();
    let (exporter, runtime) = match config.protocol {
        Protocol::Http => {
            let mut client = reqwest::blocking::Client::builder()
                .timeout(TIMEOUT)
                .redirect(reqwest::redirect::Policy::none())
                .default_headers(headers);
            if let Some(pem) = authorities {
                let authorities = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| failed(&error))?;
                client = client.tls_certs_only(authorities);
            }
            let client = client.build().map_err(|error| failed(&error))?;
            let http = builder.with_http().with_http_client(client).with_endpoint(endpoint);
            (http.with_timeout(TIMEOUT).build(), None)
        }
        Protocol::Grpc => {
            let mut grpc =
                builder.with_tonic().with_endpoint(&endpoint).with_metadata(MetadataMap::from_headers(headers));
            if endpoint.starts_with("https:") {
                let tls = ClientTlsConfig::new();
                grpc = grpc.with_tls_config(match authorities {
                    Some(pem) => tls.ca_certificate(Certificate::from_pem(pem)),
                    None => tls.with_native_roots(),
                });
            }
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            let runtime = runtime.worker_threads(1).thread_name("otlp").enable_all().build();
            let runtime = runtime.map_err(|error| failed(&error))?;
            let exporter = {
                let _in = runtime.enter();
                grpc.with_timeout(TIMEOUT).build()
            };
            (exporter, Some(runtime))
        }
    };
    let exporter = exporter.map_err(|error| failed(&error))?;
    let batches = BatchConfigBuilder::default()
        // No more than we let in, so that ours is the count of what is dropped.
        .with_max_queue_size(usize::try_from(QUEUE).unwrap_or(usize::MAX))
        .with_max_export_batch_size(BATCH)
        .with_scheduled_delay(DELAY)
        .build();
    let batching = BatchSpanProcessor::builder(Counted(exporter)).with_batch_config(batches).build();
    Ok(Exporting { processor: Bounded(batching), runtime })
}

/// What became of the spans of this process: like its tracer, there is one.
#[derive(Debug)]
pub struct Spans {
    waiting: AtomicU64,
    sent: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
}

/// The spans of this process.
pub static SPANS: Spans = Spans {
    waiting: AtomicU64::new(0),
    sent: AtomicU64::new(0),
    failed: AtomicU64::new(0),
    dropped: AtomicU64::new(0),
};

impl Spans {
    /// How many wait to be sent.
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// What became of the others, by name: the collector has them, it could not be given them, there was no room.
    pub fn ended(&self) -> [(&'static str, u64); 3] {
        [("sent", &self.sent), ("failed", &self.failed), ("dropped", &self.dropped)]
            .map(|(name, count)| (name, count.load(Ordering::Relaxed)))
    }

    /// Takes a place in the queue, where there is one.
    fn admit(&self) -> bool {
        let one_more = |waiting| (waiting < QUEUE).then_some(waiting + 1);
        let admitted = self.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).is_ok();
        if !admitted {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }
}

/// Lets no more spans wait than there is room for.
#[derive(Debug)]
pub struct Bounded(BatchSpanProcessor);

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &opentelemetry::Context) {
        self.0.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if SPANS.admit() {
            self.0.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

/// Counts what becomes of batches.
#[derive(Debug)]
struct Counted(opentelemetry_otlp::SpanExporter);

impl SpanExporter for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        // They have left the queue.
        SPANS.waiting.fetch_sub(spans, Ordering::AcqRel);
        let ended = self.0.export(batch).await;
        let count = if ended.is_ok() { &SPANS.sent } else { &SPANS.failed };
        count.fetch_add(spans, Ordering::Relaxed);
        ended
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}
