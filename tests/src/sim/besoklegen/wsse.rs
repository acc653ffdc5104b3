//! Who the portal is: a user name token of WS-Security, with a digest that is good once and for five minutes.

use super::soap::{Fault, SOAP};
use crate::sim::meldingstjener::tree::Element;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashSet;

const SECEXT: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const UTILITY: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const DIGEST: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest";
const BASE64: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";

/// How old, or how far ahead, a token may be.
const FRESH: SignedDuration = SignedDuration::from_mins(5);
/// Bytes of a nonce that are enough.
const NONCE: usize = 16;

/// Whom the vendor lets in, and what it has seen of them.
pub struct Guard {
    /// Who.
    pub username: String,
    /// The password.
    pub password: String,
    /// How far the vendor's clock is off.
    pub clock_off: SignedDuration,
    seen: HashSet<Vec<u8>>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("username", &self.username).finish_non_exhaustive()
    }
}

/// A no, and the rule that was broken.
pub type Refused = (Fault, &'static str);

impl Guard {
    /// Lets this user in.
    pub fn new(username: String, password: String) -> Guard {
        Guard { username, password, clock_off: SignedDuration::ZERO, seen: HashSet::new() }
    }

    /// Checks the header block of a message. `raw` is the whole message, for what the reader of elements drops.
    pub fn admit(&mut self, security: Option<&Element>, raw: &[u8]) -> Result<(), Refused> {
        let wrong = |rule| (Fault::sender("InvalidSecurity"), rule);
        let security = security.filter(|block| block.ns == SECEXT).ok_or_else(|| wrong("no wsse:Security"))?;
        if !understood(raw) {
            return Err(wrong("wsse:Security must be understood"));
        }
        let token = security.child("UsernameToken").filter(|_| security.children().count() == 1);
        let token = token.ok_or_else(|| wrong("wsse:Security holds one wsse:UsernameToken"))?;
        let password = token.child("Password").filter(|one| one.get("Type") == Some(DIGEST));
        let password = password.ok_or_else(|| wrong("the password is no digest"))?.text();
        let nonce = token.child("Nonce").filter(|one| one.get("EncodingType") == Some(BASE64)).map(Element::text);
        let nonce = nonce.and_then(|text| STANDARD.decode(text).ok()).filter(|bytes| bytes.len() >= NONCE);
        let nonce = nonce.ok_or_else(|| wrong("no nonce of sixteen bytes in base64"))?;
        let created = token.children().find(|one| one.name == "Created" && one.ns == UTILITY).map(Element::text);
        let created = created.filter(|text| text.ends_with('Z')).ok_or_else(|| wrong("no wsu:Created in UTC"))?;
        let at: Timestamp = created.parse().map_err(|_| wrong("wsu:Created is no time"))?;
        // The gateway looks at the real clock.
        let now = Timestamp::now().saturating_add(self.clock_off).unwrap_or(Timestamp::MAX);
        if now.duration_since(at).abs() > FRESH {
            return Err((Fault::sender("MessageExpired"), "wsu:Created is over five minutes off"));
        }
        let input = [nonce.as_slice(), created.as_bytes(), self.password.as_bytes()].concat();
        let expected = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &input));
        if token.text_of("Username").as_deref() != Some(&self.username) || password != expected {
            return Err((Fault::sender("FailedAuthentication"), "another user or password"));
        }
        if !self.seen.insert(nonce) {
            return Err((Fault::sender("FailedAuthentication"), "a nonce was used before"));
        }
        Ok(())
    }
}

/// Whether the header block says so itself: an attribute with the prefix that the message gives SOAP there.
fn understood(raw: &[u8]) -> bool {
    let text = String::from_utf8_lossy(raw);
    let tag =
        text.split('<').find(|tag| tag.split([' ', '>', '\n']).next().is_some_and(|name| name.ends_with(":Security")));
    let Some(tag) = tag.and_then(|tag| tag.split('>').next()) else { return false };
    let marks = tag.split_ascii_whitespace().filter_map(|word| word.strip_suffix(":mustUnderstand=\"true\""));
    marks.into_iter().any(|prefix| text.contains(&format!("xmlns:{prefix}=\"{SOAP}\"")))
}
