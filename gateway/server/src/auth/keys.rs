//! An issuer's public keys (JWKS, RFC 7517), from a file or fetched, by their own address or by the one that the issuer's
//! metadata names. A key id that is not known is looked for anew, at a bounded rate; keys that were fetched stay in use
//! while the issuer is down, for a stated time.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use dialog_host::file;
use http::{StatusCode, header};
use jsonwebtoken::{
    DecodingKey,
    jwk::{JwkSet, PublicKeyUse},
};
use serde::Deserialize;
use tokio::sync::{Mutex, MutexGuard, RwLock};
use url::{Host, Url};

use super::metadata;
use crate::limits::{KEY_SET_BYTES, KEYS_BETWEEN_FETCHES, KEYS_FETCH, KEYS_FRESH, KEYS_OF_AN_ISSUER, KEYS_STALE};

/// Where an issuer's keys are.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum KeySource {
    /// A file with a JWKS, read at start.
    File(PathBuf),
    /// The issuer's `jwks_uri`.
    Url(Url),
    /// The issuer's own address: its metadata says where its keys are.
    Metadata(Url),
}

/// Why no key could be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeyError {
    /// The issuer has no such key.
    #[error("the issuer has no key with the token's kid")]
    Unknown,
    /// The keys could not be read or fetched, now or recently enough.
    #[error("the issuer's keys cannot be had: {0}")]
    Unavailable(String),
}

/// An issuer's keys.
pub struct Keys {
    /// `iss`, exactly.
    issuer: String,
    source: KeySource,
    pace: Pace,
    client: reqwest::Client,
    known: RwLock<Known>,
    fetching: Mutex<Option<Instant>>,
}

/// How long fetched keys are good for, and how often they are fetched.
#[derive(Debug, Clone, Copy)]
struct Pace {
    fresh: Duration,
    stale: Duration,
    between_fetches: Duration,
}

struct Known {
    set: JwkSet,
    since: Option<Instant>,
}

impl Keys {
    /// Reads a file at once; a URL is fetched when the first token comes, so that the gateway starts while the issuer
    /// is down.
    pub fn load(issuer: &str, source: KeySource) -> Result<Self, KeyError> {
        Self::load_at(
            issuer,
            source,
            Pace { fresh: KEYS_FRESH, stale: KEYS_STALE, between_fetches: KEYS_BETWEEN_FETCHES },
        )
    }

    fn load_at(issuer: &str, source: KeySource, pace: Pace) -> Result<Self, KeyError> {
        let known = match &source {
            KeySource::File(path) => {
                let set = from_file(path).and_then(|text| parse(&text));
                let named = |error| match error {
                    KeyError::Unavailable(why) => KeyError::Unavailable(format!("{}: {why}", path.display())),
                    KeyError::Unknown => error,
                };
                Known { set: set.map_err(named)?, since: Some(Instant::now()) }
            }
            KeySource::Url(_) | KeySource::Metadata(_) => Known { set: JwkSet { keys: Vec::new() }, since: None },
        };
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(KEYS_FETCH)
            .build()
            .map_err(|error| KeyError::Unavailable(error.to_string()))?;
        let (known, fetching) = (RwLock::new(known), Mutex::new(None));
        Ok(Self { issuer: issuer.to_owned(), source, pace, client, known, fetching })
    }

    /// The key with this id. Without an id, the only key there is.
    pub async fn find(&self, kid: Option<&str>) -> Result<DecodingKey, KeyError> {
        if matches!(self.source, KeySource::File(_)) {
            return key(&self.known.read().await.set, kid).ok_or(KeyError::Unknown);
        }
        match self.known(kid).await {
            (Some(key), Some(age)) if age < self.pace.fresh => Ok(key),
            (Some(key), Some(age)) if age < self.pace.stale => {
                // Good enough to serve on: nobody waits for a fetch that another request has begun.
                if let Ok(last) = self.fetching.try_lock() {
                    if self.fetch(last).await.is_err() {
                        return Ok(key);
                    }
                    return self.known(kid).await.0.ok_or(KeyError::Unknown);
                }
                Ok(key)
            }
            _ => {
                // One fetch at a time: whoever waited takes what the one before them brought.
                let last = self.fetching.lock().await;
                self.fetch(last).await?;
                match self.known(kid).await {
                    (_, age) if age.is_none_or(|age| age >= self.pace.stale) => {
                        Err(KeyError::Unavailable("the last attempt to fetch them failed".to_owned()))
                    }
                    (found, _) => found.ok_or(KeyError::Unknown),
                }
            }
        }
    }

    /// The key, as far as it is known, and the age of what is known.
    async fn known(&self, kid: Option<&str>) -> (Option<DecodingKey>, Option<Duration>) {
        let known = self.known.read().await;
        (key(&known.set, kid), known.since.map(|since| since.elapsed()))
    }

    /// Fetches the keys, unless that was tried a moment ago.
    async fn fetch(&self, mut last: MutexGuard<'_, Option<Instant>>) -> Result<(), KeyError> {
        if last.is_some_and(|last| last.elapsed() < self.pace.between_fetches) {
            return Ok(());
        }
        *last = Some(Instant::now());
        let body = tokio::time::timeout(KEYS_FETCH, self.key_set())
            .await
            .map_err(|_| KeyError::Unavailable(format!("no answer within {} s", KEYS_FETCH.as_secs())))??;
        let set = parse(&body)?;
        *self.known.write().await = Known { set, since: Some(Instant::now()) };
        Ok(())
    }

    async fn key_set(&self) -> Result<Vec<u8>, KeyError> {
        let url = match &self.source {
            KeySource::File(path) => return from_file(path),
            KeySource::Url(url) => url.clone(),
            KeySource::Metadata(at) => metadata::key_set(&self.client, at, &self.issuer).await?,
        };
        read(&self.client, &url, KEY_SET_BYTES).await.map_err(|error| KeyError::Unavailable(error.to_string()))
    }
}

/// Whoever can change keys on their way can log in as anybody.
#[must_use]
pub fn is_safe(url: &Url) -> bool {
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Ipv4(address))) => address.is_loopback(),
        ("http", Some(Host::Ipv6(address))) => address.is_loopback(),
        ("http", Some(Host::Domain(name))) => name == "localhost",
        _ => false,
    }
}

/// Why something could not be read from an issuer. Does not repeat where it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// No answer, or one that says no.
    #[error("{0}")]
    Http(reqwest::Error),
    /// The answer is too long.
    #[error("over {0} bytes")]
    TooLong(u64),
}

impl ReadError {
    /// The answer's status, where there was one.
    pub(super) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Http(error) => error.status(),
            Self::TooLong(_) => None,
        }
    }
}

/// The body of what is there, of at most so many bytes.
pub(super) async fn read(client: &reqwest::Client, url: &Url, most: u64) -> Result<Vec<u8>, ReadError> {
    let http = |error: reqwest::Error| ReadError::Http(error.without_url());
    let answer = client.get(url.clone()).header(header::ACCEPT, "application/json").send().await;
    let mut response = answer.and_then(reqwest::Response::error_for_status).map_err(http)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(http)? {
        if (body.len() + chunk.len()) as u64 > most {
            return Err(ReadError::TooLong(most));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn from_file(path: &Path) -> Result<Vec<u8>, KeyError> {
    file::read(path, KEY_SET_BYTES).map_err(|error| KeyError::Unavailable(error.to_string()))
}

fn parse(text: &[u8]) -> Result<JwkSet, KeyError> {
    let set: JwkSet = serde_json::from_slice(text)
        .map_err(|error| KeyError::Unavailable(format!("not a JSON Web Key Set: {error}")))?;
    if set.keys.len() > KEYS_OF_AN_ISSUER {
        return Err(KeyError::Unavailable(format!("more than {KEYS_OF_AN_ISSUER} keys")));
    }
    if !set.keys.iter().any(|jwk| DecodingKey::from_jwk(jwk).is_ok()) {
        return Err(KeyError::Unavailable("the key set holds no key that can verify a signature".to_owned()));
    }
    Ok(set)
}

fn key(set: &JwkSet, kid: Option<&str>) -> Option<DecodingKey> {
    let mut signing =
        set.keys.iter().filter(|jwk| matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)));
    let jwk = match kid {
        Some(kid) => signing.find(|jwk| jwk.common.key_id.as_deref() == Some(kid))?,
        None => signing.next().filter(|_| signing.next().is_none())?,
    };
    DecodingKey::from_jwk(jwk).ok()
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
