//! HMAC-SHA-256 over `<timestamp>.<body>`, in headers of the vendor's own: as the widely used schemes have it.

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::{ID_BYTES, Untrusted, fresh, text, time_of_signing};

/// How one vendor signs.
pub struct Timestamped {
    /// The shared secret.
    pub secret: SecretString,
    /// The header with the signature in hexadecimal, after an optional `sha256=`.
    pub signature: HeaderName,
    /// The header with the time, in seconds since 1970.
    pub timestamp: HeaderName,
    /// The header with the id.
    pub id: HeaderName,
}

impl Timestamped {
    /// The delivery's id, where a header gives one.
    ///
    /// # Errors
    /// It is not to be trusted.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<Option<String>, Untrusted> {
        let (timestamp, seconds) = time_of_signing(headers, &self.timestamp)?;
        let signature = text(headers, &self.signature)
            .map(|value| value.strip_prefix("sha256=").unwrap_or(value))
            .and_then(unhex)
            .ok_or(Untrusted::NoSignature)?;
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.secret.expose_secret().as_bytes()).map_err(|_| Untrusted::Signature)?;
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        // Constant time.
        mac.verify_slice(&signature).map_err(|_| Untrusted::Signature)?;
        fresh(seconds, now)?;
        Ok(text(headers, &self.id).filter(|id| id.len() <= ID_BYTES).map(str::to_owned))
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

    use dialog_contract::provider::Delivery;

    use super::{
        super::{Scheme, Webhook},
        *,
    };

    const NOW: i64 = 1_700_000_000;

    fn webhook() -> Webhook {
        Webhook(Scheme::Timestamped(Timestamped {
            secret: "a shared secret".to_owned().into(),
            signature: HeaderName::from_static("x-signature"),
            timestamp: HeaderName::from_static("x-timestamp"),
            id: HeaderName::from_static("x-delivery"),
        }))
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
