//! A fixed secret in a header of the vendor's own: as FHIR R4's subscriptions have it (`Subscription.channel.header`).
//!
//! It says who sends, and neither what nor when: whoever has read one delivery can send others. So it is for vendors whose
//! deliveries say no more than that there is something to fetch, and for plugins that fetch it.

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::{ID_BYTES, Untrusted, text};
use crate::limits::WEBHOOK_SECRET_BYTES;

/// What one vendor sends along.
pub struct SharedSecret {
    secret: SecretString,
    /// The header with the secret.
    pub header: HeaderName,
    /// The header with the id, where there is one.
    id: Option<HeaderName>,
}

impl SharedSecret {
    /// With a secret that a header can hold and nobody guesses.
    ///
    /// # Errors
    /// It is another.
    pub fn new(secret: SecretString, header: HeaderName, id: Option<HeaderName>) -> Result<Self, &'static str> {
        let text = secret.expose_secret();
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("must be of visible ASCII characters");
        }
        if !WEBHOOK_SECRET_BYTES.contains(&text.len()) {
            return Err("must be of 24 to 256 characters");
        }
        Ok(Self { secret, header, id })
    }

    /// The delivery's id, where a header gives one.
    ///
    /// # Errors
    /// It is not to be trusted.
    pub fn verify(&self, headers: &HeaderMap) -> Result<Option<String>, Untrusted> {
        let mut given = headers.get_all(&self.header).iter();
        let (Some(given), None) = (given.next(), given.next()) else { return Err(Untrusted::NoSecret) };
        // Of both the same code: in constant time, however long the given one is.
        let code = |secret: &[u8]| {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| Untrusted::Secret)?;
            mac.update(b"a secret in a header");
            Ok::<_, Untrusted>(mac)
        };
        let known = code(self.secret.expose_secret().as_bytes())?.finalize().into_bytes();
        code(given.as_bytes())?.verify_slice(&known).map_err(|_| Untrusted::Secret)?;
        let id = self.id.as_ref().and_then(|id| text(headers, id));
        Ok(id.filter(|id| id.len() <= ID_BYTES).map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use dialog_contract::provider::Delivery;
    use http::HeaderValue;
    use jiff::Timestamp;

    use super::{
        super::{Scheme, Webhook},
        *,
    };

    const SECRET: &str = "a-secret-that-nobody-guesses";

    fn scheme(secret: &str) -> Result<SharedSecret, &'static str> {
        let name = HeaderName::from_static;
        SharedSecret::new(secret.to_owned().into(), name("x-secret"), Some(name("x-delivery")))
    }

    fn accept(headers: &[(&'static str, &str)]) -> Result<Delivery, Untrusted> {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let webhook = Webhook(Scheme::Shared(scheme(SECRET).unwrap()));
        webhook.accept("/notifications".to_owned(), &all, b"{}".to_vec(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn who_has_the_secret_is_let_in_and_the_plugin_does_not_see_it() {
        let delivery = accept(&[("x-secret", SECRET), ("x-delivery", "d-1"), ("x-other", "1")]).unwrap();
        assert_eq!(delivery.id.as_deref(), Some("d-1"));
        assert!(delivery.headers.iter().any(|(name, _)| name == "x-other"));
        assert!(!format!("{:?}", delivery.headers).contains(SECRET));
        assert_eq!(accept(&[("x-secret", SECRET)]).unwrap().id, None);
    }

    #[test]
    fn no_secret_another_one_or_two_at_once_are_refused() {
        let longer = format!("{SECRET}x");
        for wrong in ["", "x", &SECRET[1..], &SECRET[..SECRET.len() - 1], &longer, &SECRET.to_uppercase()] {
            assert_eq!(accept(&[("x-secret", wrong)]), Err(Untrusted::Secret), "{wrong}");
        }
        assert_eq!(accept(&[]), Err(Untrusted::NoSecret));
        assert_eq!(accept(&[("x-delivery", SECRET)]), Err(Untrusted::NoSecret));
        assert_eq!(accept(&[("x-secret", SECRET), ("x-secret", "guess")]), Err(Untrusted::NoSecret));
    }

    #[test]
    fn a_secret_that_is_short_or_that_no_header_holds_is_not_taken() {
        assert!(scheme(&"a".repeat(24)).is_ok() && scheme(&"a".repeat(256)).is_ok());
        assert_eq!(scheme(&"a".repeat(23)).err(), Some("must be of 24 to 256 characters"));
        assert_eq!(scheme(&"a".repeat(257)).err(), Some("must be of 24 to 256 characters"));
        for odd in ["æ".repeat(24), format!("{SECRET}\n"), format!("{SECRET} {SECRET}")] {
            assert_eq!(scheme(&odd).err(), Some("must be of visible ASCII characters"));
        }
    }
}
