//! Where a payment service may send a citizen back to. Pure.
//!
//! The threat: a return address is handed to a provider and from there to a payment service, which sends the citizen's
//! browser to it. One that anybody could choose would make of both a way to lead citizens, who have just paid, wherever
//! somebody likes. So only origins that the operator wrote down are taken, compared as browsers compare them, and what is
//! handed on is the address as it was understood and not as it was written.

use url::{Origin, Url};

/// Longest address, in characters: as long as the contract lets one be.
const MOST: usize = dialog_contract::limits::returned::URL_CHARACTERS;

/// The origins that the operator allows.
#[derive(Debug, Clone)]
pub struct ReturnOrigins(Vec<Origin>);

impl ReturnOrigins {
    /// Those of these addresses; the origin of `otherwise` where there are none.
    #[must_use]
    pub fn of(allowed: &[Url], otherwise: &Url) -> Self {
        let origins = allowed.iter().map(Url::origin).collect::<Vec<_>>();
        Self(if origins.is_empty() { vec![otherwise.origin()] } else { origins })
    }

    /// The address as a browser reads it, if it is of one of these origins.
    #[must_use]
    pub fn permit(&self, address: &str) -> Option<String> {
        let url = Url::parse(address).ok()?;
        let plain = matches!(url.scheme(), "https" | "http") && url.username().is_empty() && url.password().is_none();
        let understood = plain && self.0.contains(&url.origin());
        Some(String::from(url)).filter(|url| understood && url.len() <= MOST)
    }
}

/// Whether an address of the configuration says an origin and nothing more.
#[must_use]
pub fn is_origin(url: &Url) -> bool {
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    matches!(url.scheme(), "https" | "http") && url.username().is_empty() && url.password().is_none() && bare
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn without_a_word_of_the_operators_only_the_gateways_own_origin_is_returned_to() {
        let origins = ReturnOrigins::of(&[], &url("https://dialog.example.no/api"));
        assert_eq!(origins.permit("https://dialog.example.no/paid?x=1").unwrap(), "https://dialog.example.no/paid?x=1");
        assert_eq!(origins.permit("https://portal.example.no/paid"), None);
    }

    #[test]
    fn an_origin_is_matched_exactly_and_as_a_browser_reads_it() {
        let allowed = [url("https://portal.example.no"), url("http://localhost:3000")];
        let origins = ReturnOrigins::of(&allowed, &url("https://dialog.example.no"));
        for right in [
            "https://portal.example.no",
            "https://portal.example.no:443/a/../b",
            "HTTPS://PORTAL.example.no/",
            "http://localhost:3000/#done",
        ] {
            assert!(origins.permit(right).is_some(), "{right}");
        }
        assert_eq!(origins.permit("https:/portal.example.no\\a").unwrap(), "https://portal.example.no/a");
        for wrong in [
            "https://dialog.example.no/",
            "http://portal.example.no/",
            "https://portal.example.no:8443/",
            "https://portal.example.no.evil.example/",
            "https://evil.example/https://portal.example.no/",
            "https://portal.example.no@evil.example/",
            "https://user@portal.example.no/",
            "https://user:word@portal.example.no/",
            "//portal.example.no/",
            "javascript:alert(1)",
            "data:text/html,x",
            "",
        ] {
            assert_eq!(origins.permit(wrong), None, "{wrong}");
        }
        assert_eq!(origins.permit(&format!("https://portal.example.no/{}", "x".repeat(2_048))), None);
    }

    #[test]
    fn addresses_without_an_origin_are_like_none_other() {
        // Two opaque origins are never equal: what has none is allowed by none.
        let origins = ReturnOrigins::of(&[url("data:text/html,x")], &url("https://dialog.example.no"));
        assert_eq!(origins.permit("data:text/html,x"), None);
        assert!(!is_origin(&url("data:text/html,x")) && !is_origin(&url("https://a.example/path")));
        assert!(is_origin(&url("https://a.example")) && !is_origin(&url("https://a.example/?x")));
    }
}
