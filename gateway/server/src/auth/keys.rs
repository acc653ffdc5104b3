//! An issuer's public keys (JWKS, RFC 7517), from a file or fetched. A key id that is not known is looked for anew, at a
//! bounded rate; keys that were fetched stay in use while the issuer is down, for a stated time.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use jsonwebtoken::{
    DecodingKey,
    jwk::{JwkSet, PublicKeyUse},
};
use serde::Deserialize;
use tokio::sync::{Mutex, RwLock};
use url::Url;

/// Fetched keys are fetched again after this: an issuer that revokes a key is believed within the quarter of an hour.
const FRESH: Duration = Duration::from_secs(15 * 60);

/// Keys stay in use this long while the issuer is down: an outage of the login is not one of ours, for an afternoon.
const STALE: Duration = Duration::from_secs(6 * 60 * 60);

/// At most one fetch in this time, however many tokens name unknown keys.
const BETWEEN_FETCHES: Duration = Duration::from_secs(10);

/// A key set is a few kilobytes.
const MAX_BYTES: usize = 256 * 1024;

/// More keys than any issuer rotates through.
const MAX_KEYS: usize = 64;

/// Where an issuer's keys are.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum KeySource {
    /// A file with a JWKS, read at start.
    File(PathBuf),
    /// The issuer's `jwks_uri`.
    Url(Url),
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
    source: KeySource,
    client: reqwest::Client,
    known: RwLock<Known>,
    fetching: Mutex<Option<Instant>>,
}

struct Known {
    set: Arc<JwkSet>,
    since: Option<Instant>,
}

impl Keys {
    /// Reads a file at once; a URL is fetched when the first token comes, so that the gateway starts while the issuer
    /// is down.
    pub fn load(source: KeySource) -> Result<Self, KeyError> {
        let known = match &source {
            KeySource::File(path) => {
                let text = std::fs::read(path)
                    .map_err(|error| KeyError::Unavailable(format!("{}: {error}", path.display())))?;
                Known { set: Arc::new(parse(&text)?), since: Some(Instant::now()) }
            }
            KeySource::Url(_) => Known { set: Arc::new(JwkSet { keys: Vec::new() }), since: None },
        };
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .build()
            .map_err(|error| KeyError::Unavailable(error.to_string()))?;
        Ok(Self { source, client, known: RwLock::new(known), fetching: Mutex::new(None) })
    }

    /// The key with this id. Without an id, the only key there is.
    pub async fn find(&self, kid: Option<&str>) -> Result<DecodingKey, KeyError> {
        let (set, age) = {
            let known = self.known.read().await;
            (Arc::clone(&known.set), known.since.map(|since| since.elapsed()))
        };
        let KeySource::Url(url) = &self.source else {
            return key(&set, kid).ok_or(KeyError::Unknown);
        };
        match (key(&set, kid), age) {
            (Some(key), Some(age)) if age < FRESH => Ok(key),
            (found, age) => match (self.fetch(url).await, found) {
                (Ok(set), _) => key(&set, kid).ok_or(KeyError::Unknown),
                (Err(_), Some(key)) if age.is_some_and(|age| age < STALE) => Ok(key),
                (Err(error), _) => Err(error),
            },
        }
    }

    async fn fetch(&self, url: &Url) -> Result<Arc<JwkSet>, KeyError> {
        // One fetch at a time: whoever waited takes what the one before them brought.
        let mut last = self.fetching.lock().await;
        if last.is_some_and(|last| last.elapsed() < BETWEEN_FETCHES) {
            let known = self.known.read().await;
            return match known.since {
                Some(_) => Ok(Arc::clone(&known.set)),
                None => Err(KeyError::Unavailable("the last attempt failed".to_owned())),
            };
        }
        *last = Some(Instant::now());
        let unavailable = |error: reqwest::Error| KeyError::Unavailable(error.without_url().to_string());
        let mut response = self
            .client
            .get(url.clone())
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(unavailable)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unavailable)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BYTES {
                return Err(KeyError::Unavailable(format!("the key set is over {MAX_BYTES} bytes")));
            }
        }
        let set = Arc::new(parse(&body)?);
        *self.known.write().await = Known { set: Arc::clone(&set), since: Some(Instant::now()) };
        Ok(set)
    }
}

fn parse(text: &[u8]) -> Result<JwkSet, KeyError> {
    let set: JwkSet = serde_json::from_slice(text)
        .map_err(|error| KeyError::Unavailable(format!("not a JSON Web Key Set: {error}")))?;
    if set.keys.len() > MAX_KEYS {
        return Err(KeyError::Unavailable(format!("more than {MAX_KEYS} keys")));
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
