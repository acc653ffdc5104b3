//! The Standard Webhooks specification (standardwebhooks.com), with symmetric signatures: `webhook-signature` holds one or
//! several `v1,<base64>` of HMAC-SHA-256 over `<webhook-id>.<webhook-timestamp>.<body>`, apart by spaces.
//!
//! While a vendor changes its secret it signs with the old and the new one, and one of the signatures must be right: the
//! operator changes to the new secret at any time in between. Versions other than `v1` are passed over.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{ID_BYTES, Untrusted, fresh, text, time_of_signing};
use crate::limits::{WEBHOOK_KEY_BYTES, WEBHOOK_SIGNATURES};

/// The header with the signatures.
pub static SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
static TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
static ID: HeaderName = HeaderName::from_static("webhook-id");

/// What stands before a shared secret, so that nobody takes it for a key pair's.
const SECRET: &str = "whsec_";
/// What stands before a symmetric signature.
const VERSION: &str = "v1,";

/// How one vendor signs.
pub struct StandardWebhooks {
    key: Zeroizing<Vec<u8>>,
}

impl StandardWebhooks {
    /// With a secret as the vendor shows it.
    ///
    /// # Errors
    /// It has another form.
    pub fn new(secret: &SecretString) -> Result<Self, &'static str> {
        let text = secret.expose_secret().strip_prefix(SECRET).ok_or("must be `whsec_` and base64")?;
        let key = Zeroizing::new(STANDARD.decode(text).map_err(|_| "must be `whsec_` and base64")?);
        if WEBHOOK_KEY_BYTES.contains(&key.len()) { Ok(Self { key }) } else { Err("must be of 24 to 64 bytes") }
    }

    /// The delivery's id.
    ///
    /// # Errors
    /// It is not to be trusted.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<String, Untrusted> {
        let (timestamp, seconds) = time_of_signing(headers, &TIMESTAMP)?;
        let id = text(headers, &ID).filter(|id| is_id(id)).ok_or(Untrusted::NoId)?;
        let signatures = text(headers, &SIGNATURE).ok_or(Untrusted::NoSignature)?;
        let mut given = signatures
            .split(' ')
            .take(WEBHOOK_SIGNATURES)
            .filter_map(|signature| STANDARD.decode(signature.strip_prefix(VERSION)?).ok())
            .peekable();
        given.peek().ok_or(Untrusted::NoSignature)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).map_err(|_| Untrusted::Signature)?;
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        // Each in constant time.
        if !given.any(|signature| mac.clone().verify_slice(&signature).is_ok()) {
            return Err(Untrusted::Signature);
        }
        fresh(seconds, now)?;
        Ok(id.to_owned())
    }
}

/// Visible characters without a full stop: with one, the signed text could be cut in two ways.
fn is_id(id: &str) -> bool {
    (1..=ID_BYTES).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use dialog_contract::provider::Delivery;

    use super::{
        super::{Scheme, Webhook},
        *,
    };

    /// The test vector of the specification's own libraries.
    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const MESSAGE: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const NOW: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const GOOD: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    /// Of another secret, of another version, and of no form.
    const OTHERS: &str = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v1a,hnO3f9T8Ytu9 v2,AAAA v1 v1,=";

    fn headers(signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(&ID, MESSAGE.parse().unwrap());
        headers.insert(&TIMESTAMP, NOW.into());
        headers.insert(&SIGNATURE, signature.parse().unwrap());
        headers
    }

    fn at(headers: &HeaderMap, body: &[u8], now: i64) -> Result<Delivery, Untrusted> {
        let scheme = StandardWebhooks::new(&KEY.to_owned().into()).unwrap();
        let webhook = Webhook(Scheme::Standard(scheme));
        webhook.accept("/events".to_owned(), headers, body.to_vec(), Timestamp::from_second(now).unwrap())
    }

    fn accept(headers: &HeaderMap, body: &[u8]) -> Result<Delivery, Untrusted> {
        at(headers, body, NOW)
    }

    #[test]
    fn the_specifications_own_example_is_taken_and_its_signature_withheld() {
        let delivery = accept(&headers(GOOD), BODY).unwrap();
        assert_eq!((delivery.id.as_deref(), delivery.body.as_slice()), (Some(MESSAGE), BODY));
        assert!(delivery.headers.iter().all(|(name, _)| name != "webhook-signature"));
    }

    #[test]
    fn while_a_secret_changes_one_right_signature_among_several_suffices() {
        assert!(accept(&headers(&format!("{OTHERS} {GOOD}")), BODY).is_ok());
        assert!(accept(&headers(&format!("{GOOD} {OTHERS}")), BODY).is_ok());
        assert_eq!(accept(&headers(OTHERS), BODY), Err(Untrusted::Signature));
    }

    #[test]
    fn only_so_many_signatures_are_looked_at() {
        let many = [vec![OTHERS; 4], vec![GOOD]].concat().join(" ");
        assert_eq!(accept(&headers(&many), BODY), Err(Untrusted::Signature));
    }

    #[test]
    fn a_signature_of_another_form_or_none_is_refused() {
        let bare = GOOD.strip_prefix("v1,").unwrap();
        for signature in ["", "v1", "v1,", bare, &format!("v1a,{bare}"), &format!("v1;{bare}"), &format!("v1, {bare}")]
        {
            assert!(accept(&headers(signature), BODY).is_err(), "{signature}");
        }
        let mut without = headers(GOOD);
        without.remove(&SIGNATURE);
        assert_eq!(accept(&without, BODY), Err(Untrusted::NoSignature));
    }

    #[test]
    fn id_time_and_body_are_all_signed() {
        assert_eq!(accept(&headers(GOOD), br#"{"test": 2432232315}"#), Err(Untrusted::Signature));
        let mut other = headers(GOOD);
        other.insert(&ID, "msg_other".parse().unwrap());
        assert_eq!(accept(&other, BODY), Err(Untrusted::Signature));
        let mut later = headers(GOOD);
        later.insert(&TIMESTAMP, (NOW + 1).into());
        assert_eq!(accept(&later, BODY), Err(Untrusted::Signature));
    }

    #[test]
    fn a_delivery_that_was_captured_or_whose_clock_is_ten_minutes_off_is_refused() {
        assert!(at(&headers(GOOD), BODY, NOW + 299).is_ok());
        for now in [NOW + 301, NOW - 301, NOW + 600, NOW - 600] {
            assert_eq!(at(&headers(GOOD), BODY, now), Err(Untrusted::Stale));
        }
    }

    #[test]
    fn an_id_or_a_time_with_a_full_stop_in_it_cannot_be_cut_in_another_way() {
        // Signed over the same bytes as `msg`, `1614265330` and a body that begins with `1.`.
        let sign = |text: &str| {
            let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
            let mac = Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(text.as_bytes());
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        };
        let mut cut = headers(&sign(&format!("msg.{NOW}.1.{{}}")));
        cut.insert(&ID, "msg".parse().unwrap());
        assert!(accept(&cut, b"1.{}").is_ok());
        cut.insert(&ID, format!("msg.{NOW}").parse().unwrap());
        cut.insert(&TIMESTAMP, "1".parse().unwrap());
        assert_eq!(accept(&cut, b"{}"), Err(Untrusted::NoId));
        cut.insert(&ID, "msg".parse().unwrap());
        for time in [format!("{NOW}.1"), format!("+{NOW}"), format!("-{NOW}"), String::new(), "9".repeat(40)] {
            cut.insert(&TIMESTAMP, time.parse().unwrap());
            assert_eq!(accept(&cut, b"{}"), Err(Untrusted::NoTimestamp), "{time}");
        }
        cut.remove(&ID);
        cut.insert(&TIMESTAMP, NOW.into());
        assert_eq!(accept(&cut, b"{}"), Err(Untrusted::NoId));
    }

    #[test]
    fn a_secret_has_the_specifications_form() {
        let with = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        let new = |secret: &str| StandardWebhooks::new(&secret.to_owned().into()).map(|_| ());
        assert_eq!((new(KEY), new(&with(24)), new(&with(64))), (Ok(()), Ok(()), Ok(())));
        for secret in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_?", ""] {
            assert_eq!(new(secret), Err("must be `whsec_` and base64"), "{secret}");
        }
        assert_eq!(
            (new(&with(23)), new(&with(65))),
            (Err("must be of 24 to 64 bytes"), Err("must be of 24 to 64 bytes"))
        );
    }
}
