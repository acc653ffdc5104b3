//! Which collector gets traces, as the operator says it: a URL alone, or a table with more.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use dialog_host::{file, secret::SecretSource};
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};
use url::Url;

use super::logs::TelemetryError;
use crate::limits::COLLECTOR_AUTHORITIES_BYTES;

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
pub(super) struct Prepared {
    /// Where batches go.
    pub(super) endpoint: String,
    /// What goes with them.
    pub(super) headers: HeaderMap,
    /// Whom to trust, PEM.
    pub(super) authorities: Option<Vec<u8>>,
}

impl OtlpConfig {
    /// Reads what it names, and says what is wrong. Nobody is asked over the network.
    ///
    /// # Errors
    /// Names the key. Secrets that cannot be read are told elsewhere, and here too.
    pub fn check(&self) -> Result<(), TelemetryError> {
        self.prepare().map(drop)
    }

    pub(super) fn prepare(&self) -> Result<Prepared, TelemetryError> {
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
