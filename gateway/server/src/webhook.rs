//! What vendors push: signed by the vendor, checked here once for all plugins, so that no plugin ever holds a key.
//!
//! HMAC-SHA-256 over `<timestamp>.<body>`, the timestamp within five minutes, as the widely used schemes have it. A
//! delivery that comes twice is harmless: its events have ids, and are taken in once.

use dialog_contract::provider::Delivery;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::limits::WEBHOOK_TOLERANCE;

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

/// Why a delivery is not taken. Never holds the signature or the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// The signature's header is missing or not of the form.
    #[error("the signature header is missing or not of the documented form")]
    NoSignature,
    /// The timestamp's header is missing or not a number of seconds.
    #[error("the timestamp header is missing or not a number of seconds")]
    NoTimestamp,
    /// The timestamp is too far from our clock.
    #[error("the timestamp is more than five minutes from the gateway's clock")]
    Stale,
    /// The signature is another.
    #[error("the signature does not match")]
    Signature,
}

/// How one plugin's vendor signs.
pub struct Webhook {
    /// The shared secret.
    pub secret: SecretString,
    /// Lower-case name of the header with the signature.
    pub signature_header: String,
    /// Lower-case name of the header with the time.
    pub timestamp_header: String,
    /// Lower-case name of the header with the id.
    pub id_header: String,
}

impl Webhook {
    /// Checks who sent it and when, and makes of it what the plugin sees.
    pub fn accept(
        &self,
        path: String,
        headers: &HeaderMap,
        body: Vec<u8>,
        now: Timestamp,
    ) -> Result<Delivery, Untrusted> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let timestamp = header(&self.timestamp_header).ok_or(Untrusted::NoTimestamp)?;
        let seconds: i64 = timestamp
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| timestamp.parse().ok())
            .flatten()
            .ok_or(Untrusted::NoTimestamp)?;
        let signature = header(&self.signature_header)
            .map(|value| value.strip_prefix("sha256=").unwrap_or(value))
            .and_then(unhex)
            .ok_or(Untrusted::NoSignature)?;
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.secret.expose_secret().as_bytes()).map_err(|_| Untrusted::Signature)?;
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(&body);
        // Constant time; and before the clock is looked at, so that only the vendor learns of its clock.
        mac.verify_slice(&signature).map_err(|_| Untrusted::Signature)?;
        if now.as_second().abs_diff(seconds) > WEBHOOK_TOLERANCE.as_secs() {
            return Err(Untrusted::Stale);
        }
        Ok(Delivery {
            id: header(&self.id_header).filter(|id| id.len() <= 128).map(str::to_owned),
            path,
            headers: headers
                .iter()
                .filter(|(name, _)| !WITHHELD.contains(&name.as_str()) && name.as_str() != self.signature_header)
                .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
                .collect(),
            body,
        })
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::fmt::Write as _;

    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn webhook() -> Webhook {
        Webhook {
            secret: "a shared secret".to_owned().into(),
            signature_header: "x-signature".to_owned(),
            timestamp_header: "x-timestamp".to_owned(),
            id_header: "x-delivery".to_owned(),
        }
    }

    fn signed(secret: &str, at: i64, body: &[u8]) -> HeaderMap {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(at.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        let mut hex = String::from("sha256=");
        for byte in mac.finalize().into_bytes() {
            write!(hex, "{byte:02x}").unwrap();
        }
        let mut headers = HeaderMap::new();
        headers.insert("x-signature", hex.parse().unwrap());
        headers.insert("x-timestamp", at.to_string().parse().unwrap());
        headers.insert("x-delivery", "d-1".parse().unwrap());
        headers.insert("authorization", "Bearer secret".parse().unwrap());
        headers
    }

    fn accept(headers: &HeaderMap, body: &[u8]) -> Result<Delivery, Untrusted> {
        webhook().accept("/changes".to_owned(), headers, body.to_vec(), Timestamp::from_second(NOW).unwrap())
    }

    #[test]
    fn what_the_vendor_signed_is_taken_without_credentials() {
        let delivery = accept(&signed("a shared secret", NOW, b"{}"), b"{}").unwrap();
        assert_eq!(delivery.id.as_deref(), Some("d-1"));
        assert!(delivery.headers.iter().all(|(name, _)| name != "authorization" && name != "x-signature"));
    }

    #[test]
    fn another_body_another_secret_or_no_signature_is_refused() {
        assert_eq!(accept(&signed("a shared secret", NOW, b"{}"), b"{ }"), Err(Untrusted::Signature));
        assert_eq!(accept(&signed("another secret", NOW, b"{}"), b"{}"), Err(Untrusted::Signature));
        let mut headers = signed("a shared secret", NOW, b"{}");
        headers.insert("x-timestamp", (NOW + 1).to_string().parse().unwrap());
        assert_eq!(accept(&headers, b"{}"), Err(Untrusted::Signature));
        headers.remove("x-signature");
        assert_eq!(accept(&headers, b"{}"), Err(Untrusted::NoSignature));
        headers.remove("x-timestamp");
        assert_eq!(accept(&headers, b"{}"), Err(Untrusted::NoTimestamp));
    }

    #[test]
    fn a_delivery_that_was_captured_is_of_no_use_after_five_minutes() {
        assert!(accept(&signed("a shared secret", NOW - 299, b"{}"), b"{}").is_ok());
        assert_eq!(accept(&signed("a shared secret", NOW - 301, b"{}"), b"{}"), Err(Untrusted::Stale));
        assert_eq!(accept(&signed("a shared secret", NOW + 301, b"{}"), b"{}"), Err(Untrusted::Stale));
    }
}
