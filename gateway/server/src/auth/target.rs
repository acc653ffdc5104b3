//! What a request is addressed to, in the one form in which a proof's `htu` is compared (RFC 9449, 4.3; RFC 3986, 6.2.2).

use std::fmt::Write as _;

use http::Uri;
use url::Url;

/// Scheme, host, port and path, normalised; without query and fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(String);

impl Target {
    /// What a proof says; nothing where it is no absolute http or https address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        // A name and password before the host would be one more spelling of the same place.
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let (host, port) = (url.host_str()?, url.port_or_known_default()?);
        Some(Self(format!("{}://{host}:{port}{}", url.scheme(), normal(url.path())?)))
    }

    /// Where `base` says that callers reach the gateway, and then the request's path. Never what the caller says in
    /// `Host`: whoever got hold of a proof for another server would name that one. Nothing for a request that names no
    /// path (RFC 9112, 3.2): an asterisk would become a part of the host.
    #[must_use]
    pub fn of(base: &Url, request: &Uri) -> Option<Self> {
        if !request.path().starts_with('/') {
            return None;
        }
        Self::parse(&format!("{}{}", base.as_str().trim_end_matches('/'), request.path()))
    }
}

/// Percent-encoding in its one form: capitals, and none for what needs none. Nothing where a percent sign encodes nothing:
/// behind it the next encoding could make one of it.
fn normal(path: &str) -> Option<String> {
    let bytes = path.as_bytes();
    let mut text = String::with_capacity(path.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        let encoded = match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        match encoded {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => text.push(char::from(byte)),
            Some(byte) => {
                // Writing to a String cannot fail.
                let _ = write!(text, "%{byte:02X}");
            }
            None if bytes[at] == b'%' => return None,
            // A parsed path is ASCII.
            None => text.push(char::from(bytes[at])),
        }
        at += if encoded.is_some() { 3 } else { 1 };
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    fn asked(base: &str, request: &str) -> Option<Target> {
        Target::of(&base.parse().unwrap(), &request.parse().unwrap())
    }

    #[test]
    fn spellings_of_one_address_are_one_target() {
        let expected = asked("https://dialog.example.no", "/v1/me/dialogs?status=closed");
        assert!(expected.is_some());
        for same in [
            "https://dialog.example.no/v1/me/dialogs",
            "https://dialog.example.no:443/v1/me/dialogs",
            "HTTPS://DIALOG.example.NO/v1/me/dialogs",
            "https://dialog.example.no/v1/me/dialogs?other=query#fragment",
            "https://dialog.example.no/v1/%6de/di%61logs",
            "https://dialog.example.no/v1/x/../me/dialogs",
        ] {
            assert_eq!(Target::parse(same), expected, "{same}");
        }
    }

    #[test]
    fn a_request_without_a_path_is_addressed_to_nothing() {
        for request in ["*", "dialog.example.no:443"] {
            assert_eq!(asked("https://dialog.example.no", request), None, "{request}");
        }
    }

    #[test]
    fn another_address_is_another_target() {
        let expected = asked("https://dialog.example.no/", "/v1/me/dialogs");
        for other in [
            "http://dialog.example.no/v1/me/dialogs",
            "https://dialog.example.no:8443/v1/me/dialogs",
            "https://dialog.example.no.evil.test/v1/me/dialogs",
            "https://evil.test/v1/me/dialogs",
            "https://dialog.example.no/v1/me/dialogs/",
            "https://dialog.example.no/v1/me/Dialogs",
            "https://dialog.example.no/v1/me%2Fdialogs",
            "https://user:word@dialog.example.no/v1/me/dialogs",
            "/v1/me/dialogs",
            "dialog.example.no/v1/me/dialogs",
            "data:text/plain,https://dialog.example.no/v1/me/dialogs",
            "",
        ] {
            assert_ne!(Target::parse(other), expected, "{other}");
        }
    }

    #[test]
    fn a_percent_sign_that_encodes_nothing_makes_no_address() {
        // Decoded once, the first of them is `%2e`, a dot segment.
        for broken in
            ["https://dialog.example.no/v1/%2%65/x", "https://dialog.example.no/%", "https://dialog.example.no/%zz"]
        {
            assert_eq!(Target::parse(broken), None, "{broken}");
        }
        assert_eq!(asked("https://dialog.example.no", "/v1/%2%65"), None);
    }

    #[test]
    fn the_address_may_have_a_path_of_its_own_before_the_requests() {
        for base in ["https://example.no/dialog", "https://example.no/dialog/"] {
            assert_eq!(asked(base, "/v1/limits"), Target::parse("https://example.no/dialog/v1/limits"), "{base}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_target_or_none_and_its_form_is_its_own(text in "(https?://)?[a-z0-9.:/@%?#\\\\ å-]{0,60}") {
            if let Some(target) = Target::parse(&text) {
                prop_assert_eq!(Target::parse(&target.0), Some(target.clone()), "{}", text);
            }
        }
    }
}
