//! What vendors push: signed by the vendor, checked here once for all plugins, so that no plugin ever holds a key.
//!
//! A signature covers the body and the time of signing, which is within five minutes of ours. A delivery that comes twice is
//! harmless: its events have ids, and are taken in once.
//!
//! - [`timestamped`]: HMAC-SHA-256 over `<timestamp>.<body>` in headers of the vendor's own, as the widely used schemes
//!   have it
//! - [`standard`]: the Standard Webhooks specification
//! - [`shared_secret`]: no signature, but a fixed secret in a header, for deliveries that only say that there is news

pub mod shared_secret;
pub mod standard;
pub mod timestamped;

use dialog_contract::provider::Delivery;
use http::{HeaderMap, HeaderName};
use jiff::Timestamp;

use crate::{
    config::webhook::{Signing, WebhookConfig},
    limits::WEBHOOK_TOLERANCE,
};
use shared_secret::SharedSecret;
use standard::StandardWebhooks;
use timestamped::Timestamped;

/// Header fields that a plugin has no business with.
const WITHHELD: &[&str] = &[
    "authorization",
    "cookie",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "host",
    "proxy-authorization",
    "proxy-connection",
    "content-length",
    "traceparent",
    "tracestate",
];

/// Bytes of a delivery's id, by the contract.
const ID_BYTES: usize = 128;

/// Why a delivery is not taken. Never holds the signature or the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// The signature's header is missing or not of the form.
    #[error("the signature header is missing or not of the documented form")]
    NoSignature,
    /// The timestamp's header is missing or not a number of seconds.
    #[error("the timestamp header is missing or not a number of seconds")]
    NoTimestamp,
    /// The id is signed, and is missing or not of the form.
    #[error("the id header is missing or not of the documented form")]
    NoId,
    /// The timestamp is too far from our clock.
    #[error("the timestamp is more than five minutes from the gateway's clock")]
    Stale,
    /// The signature is another.
    #[error("the signature does not match")]
    Signature,
    /// The secret's header is missing, or there several times.
    #[error("the secret's header is missing, or there several times")]
    NoSecret,
    /// The secret is another.
    #[error("the secret does not match")]
    Secret,
}

/// Why a vendor's way to sign cannot be used. Never holds the secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {what}")]
pub struct WebhookError {
    /// The key of `[plugins.webhook]` that is wrong.
    pub key: &'static str,
    /// What is wrong with it.
    pub what: String,
}

/// How one plugin's vendor signs.
pub struct Webhook(Scheme);

enum Scheme {
    Timestamped(Timestamped),
    Standard(StandardWebhooks),
    Shared(SharedSecret),
}

impl Webhook {
    /// As the operator set it.
    ///
    /// # Errors
    /// A key is wrong, or the secret cannot be read or has another form than the scheme's.
    pub fn of(config: &WebhookConfig) -> Result<Self, WebhookError> {
        let signing = config.decide().map_err(|(key, what)| WebhookError { key, what: what.to_owned() })?;
        let wrong = |what: String| WebhookError { key: "secret", what };
        let secret = config.secret.read().map_err(|error| wrong(error.to_string()))?;
        Ok(Self(match signing {
            Signing::Hmac { signature, timestamp, id } => {
                Scheme::Timestamped(Timestamped { secret, signature, timestamp, id })
            }
            Signing::StandardWebhooks => {
                Scheme::Standard(StandardWebhooks::new(&secret).map_err(|what| wrong(what.to_owned()))?)
            }
            Signing::SharedSecret { secret: header, id } => {
                Scheme::Shared(SharedSecret::new(secret, header, id).map_err(|what| wrong(what.to_owned()))?)
            }
        }))
    }

    /// Checks who sent it and when, and makes of it what the plugin sees.
    ///
    /// # Errors
    /// It is not to be trusted.
    pub fn accept(
        &self,
        path: String,
        headers: &HeaderMap,
        body: Vec<u8>,
        now: Timestamp,
    ) -> Result<Delivery, Untrusted> {
        let (id, secret) = match &self.0 {
            Scheme::Timestamped(scheme) => (scheme.verify(headers, &body, now)?, &scheme.signature),
            Scheme::Standard(scheme) => (Some(scheme.verify(headers, &body, now)?), &standard::SIGNATURE),
            Scheme::Shared(scheme) => (scheme.verify(headers)?, &scheme.header),
        };
        Ok(Delivery {
            id,
            path,
            headers: headers
                .iter()
                .filter(|(name, _)| !WITHHELD.contains(&name.as_str()) && *name != secret)
                .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
                .collect(),
            body,
        })
    }
}

/// A header field as text.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The time of signing: as it is written, and in seconds since 1970. Digits alone: a sign or a full stop would have a
/// second meaning in the signed text.
fn time_of_signing<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<(&'a str, i64), Untrusted> {
    let written = text(headers, name).ok_or(Untrusted::NoTimestamp)?;
    let digits = written.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = digits.then(|| written.parse().ok()).flatten().ok_or(Untrusted::NoTimestamp)?;
    Ok((written, seconds))
}

/// Asked after the signature, so that only the vendor learns of its clock.
fn fresh(seconds: i64, now: Timestamp) -> Result<(), Untrusted> {
    if now.as_second().abs_diff(seconds) > WEBHOOK_TOLERANCE.as_secs() { Err(Untrusted::Stale) } else { Ok(()) }
}
