//! Spans on their way to a collector, by OTLP over HTTP or gRPC.
//!
//! A request never waits for any of this: its spans are put into a bounded queue, and a thread of its own sends them in
//! batches, each within a bounded time. Where the queue is full, as while a collector is away, spans are dropped; what
//! became of them is counted.

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use dialog_host::{file, secret::SecretSource};
use http::{HeaderMap, HeaderName, HeaderValue};
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
use secrecy::ExposeSecret as _;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};
use tokio::runtime::Runtime;
use url::Url;

use super::logs::TelemetryError;
use crate::limits::COLLECTOR_AUTHORITIES_BYTES;

/// Spans that wait to be sent: a second of some two hundred requests, and about 2 MiB.
const QUEUE: u64 = 2_048;

/// Spans in one batch.
const BATCH: usize = 512;

/// How long a span waits for others that go with it.
const DELAY: Duration = Duration::from_secs(1);

/// How long a batch may take until the collector has it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where traces go: a URL alone, or a table with more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtlpConfig {
    /// The collector's base URL, such as `http://localhost:4318`; of gRPC without a path.
    pub url: Url,
    /// How they are sent.
    pub protocol: Protocol,
    /// What is sent with each batch, such as `authorization`.
    pub headers: BTreeMap<String, HeaderSecret>,
    /// Whom to trust for the collector's certificate; the system's authorities when absent.
    pub certificate_authorities: Option<PathBuf>,
}

/// How spans are sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Protobuf over HTTP, to `v1/traces` below the URL.
    #[default]
    Http,
    /// gRPC.
    Grpc,
}

/// The value of a header: somebody's credentials more often than not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderSecret(pub SecretSource);

impl<'de> Deserialize<'de> for HeaderSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What serde says would repeat a secret that somebody wrote into the file itself.
        let what = "a header's value is { file = \"…\" } or { env = \"…\" }, never in the configuration itself";
        SecretSource::deserialize(deserializer).map(Self).map_err(|_| de::Error::custom(what))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Table {
    url: Url,
    #[serde(default)]
    protocol: Protocol,
    #[serde(default)]
    headers: BTreeMap<String, HeaderSecret>,
    #[serde(default)]
    certificate_authorities: Option<PathBuf>,
}

impl<'de> Deserialize<'de> for OtlpConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Table;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a URL, or a table with one")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Table, E> {
                let url = Url::parse(text).map_err(E::custom)?;
                Ok(Table {
                    url,
                    protocol: Protocol::default(),
                    headers: BTreeMap::new(),
                    certificate_authorities: None,
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Table, A::Error> {
                Table::deserialize(MapAccessDeserializer::new(map))
            }
        }

        let Table { url, protocol, headers, certificate_authorities } = deserializer.deserialize_any(Either)?;
        Ok(Self { url, protocol, headers, certificate_authorities })
    }
}

/// What a configuration names, read.
struct Prepared {
    endpoint: String,
    headers: HeaderMap,
    /// PEM.
    authorities: Option<Vec<u8>>,
}

impl OtlpConfig {
    /// Reads what it names, and says what is wrong. Nobody is asked over the network.
    ///
    /// # Errors
    /// Names the key. Secrets that cannot be read are told elsewhere, and here too.
    pub fn check(&self) -> Result<(), TelemetryError> {
        self.prepare().map(drop)
    }

    fn prepare(&self) -> Result<Prepared, TelemetryError> {
        let wrong = |key: &str, what: &str| TelemetryError::Exporter(format!("{key}: {what}"));
        let endpoint = endpoint(&self.url, self.protocol)?;
        let mut headers = HeaderMap::new();
        for (name, source) in &self.headers {
            let key = format!("headers.{name}");
            let value = source.0.read().map_err(|error| wrong(&key, &error.to_string()))?;
            let name: HeaderName = name.parse().map_err(|_| wrong(&key, "is not the name of a header"))?;
            let value = HeaderValue::from_str(value.expose_secret());
            let mut value = value.map_err(|_| wrong(&key, "its value cannot stand in a header"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let key = "certificate-authorities";
        let authorities = self.certificate_authorities.as_ref().map(|path| {
            let unusable = |what: String| wrong(key, &format!("{}: {what}", path.display()));
            let pem = file::read(path, COLLECTOR_AUTHORITIES_BYTES).map_err(|error| unusable(error.to_string()))?;
            match reqwest::Certificate::from_pem_bundle(&pem) {
                Ok(found) if found.is_empty() => Err(unusable("it holds no certificate".to_owned())),
                Ok(_) => Ok(pem),
                Err(error) => Err(unusable(error.to_string())),
            }
        });
        Ok(Prepared { endpoint, headers, authorities: authorities.transpose()? })
    }
}

/// `v1/traces` below the collector's base URL, with or without a slash at its end; of gRPC the URL itself.
fn endpoint(collector: &Url, protocol: Protocol) -> Result<String, TelemetryError> {
    let wrong = |what: &str| Err(TelemetryError::Exporter(format!("url: {what}")));
    if !collector.has_host() || !matches!(collector.scheme(), "http" | "https") {
        return wrong("must be an http or https URL");
    }
    if !collector.username().is_empty() || collector.password().is_some() {
        return wrong("must not hold credentials; they belong into headers");
    }
    let base = collector.as_str().trim_end_matches('/');
    match protocol {
        Protocol::Http => Ok(format!("{base}/v1/traces")),
        Protocol::Grpc if collector.path() != "/" || collector.query().is_some() => wrong("of gRPC has no path"),
        Protocol::Grpc => Ok(base.to_owned()),
    }
}

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use super::*;

    fn otlp(table: &str) -> Result<OtlpConfig, String> {
        #[derive(Deserialize)]
        struct Config {
            otlp: OtlpConfig,
        }
        toml::from_str::<Config>(table).map(|config| config.otlp).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn traces_go_below_the_collectors_base_with_or_without_a_slash_and_grpc_has_no_path() {
        for base in ["http://localhost:4318", "http://localhost:4318/"] {
            assert_eq!(endpoint(&base.parse().unwrap(), Protocol::Http).unwrap(), "http://localhost:4318/v1/traces");
            assert_eq!(endpoint(&base.parse().unwrap(), Protocol::Grpc).unwrap(), "http://localhost:4318");
        }
        let below = "https://otel.test/a".parse().unwrap();
        assert_eq!(endpoint(&below, Protocol::Http).unwrap(), "https://otel.test/a/v1/traces");
        assert!(endpoint(&below, Protocol::Grpc).is_err());
        for wrong in ["mailto:ops@otel.test", "https://user:word@otel.test", "ftp://otel.test"] {
            assert!(endpoint(&wrong.parse().unwrap(), Protocol::Http).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_url_alone_is_a_collector_and_a_table_says_more() {
        let plain = otlp("otlp = 'http://localhost:4318'").unwrap();
        assert_eq!(plain, otlp("otlp = { url = 'http://localhost:4318' }").unwrap());
        assert_eq!((plain.protocol, plain.headers.len()), (Protocol::Http, 0));
        let full = "otlp = { url = 'https://o.test', protocol = 'grpc', headers = { x-key = { env = 'KEY' } } }";
        let full = otlp(full).unwrap();
        assert_eq!(full.protocol, Protocol::Grpc);
        assert_eq!(full.headers["x-key"], HeaderSecret(SecretSource::Env("KEY".to_owned())));
        assert!(otlp("otlp = { protocol = 'grpc' }").unwrap_err().contains("url"));
        assert!(otlp("otlp = { url = 'http://x', protocl = 'grpc' }").unwrap_err().starts_with("unknown field"));
        let told = otlp("otlp = { url = 'http://x', headers = { authorization = 'opensesame' } }").unwrap_err();
        assert!(told.contains("never in the configuration") && !told.contains("opensesame"), "{told}");
    }

    #[test]
    fn headers_and_authorities_that_cannot_be_used_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            path.display().to_string()
        };
        let (value, lines, empty) = (file("value", "Bearer x"), file("lines", "a\nb"), file("empty.pem", "nothing"));
        for (more, said) in [
            (format!("headers = {{ authorization = {{ file = '{value}' }} }}"), None),
            (format!("headers = {{ authorization = {{ file = '{lines}' }} }}"), Some("headers.authorization")),
            (format!("headers = {{ 'no name' = {{ file = '{value}' }} }}"), Some("headers.no name")),
            ("headers = { x = { env = 'DIALOG_NO_SUCH_SECRET' } }".to_owned(), Some("headers.x")),
            (format!("certificate-authorities = '{empty}'"), Some("certificate-authorities")),
            ("certificate-authorities = '/nowhere'".to_owned(), Some("certificate-authorities")),
        ] {
            let config = otlp(&format!("otlp = {{ url = 'https://o.test', {more} }}")).unwrap();
            let told = config.check().err().map(|error| error.to_string());
            match (said, told) {
                (None, None) => {}
                (Some(said), Some(told)) if told.contains(said) => {}
                (said, told) => panic!("{more}: {told:?} and not {said:?}"),
            }
        }
    }
}
