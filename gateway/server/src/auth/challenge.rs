//! What `WWW-Authenticate` says to whoever is not let in (RFC 6750, RFC 9449 section 7.1): enough for a client to mend
//! its request by itself, nothing of what it sent.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::proof_key::ALGORITHMS;

/// Where the next proof's nonce stands.
pub const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// What is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Challenge {
    /// A token.
    #[default]
    Token,
    /// A valid token, shown by whom it is bound to.
    ValidToken,
    /// A proof that is one.
    Proof,
    /// A proof with this nonce.
    Nonce(String),
    /// A token with this scope.
    Scope(&'static str),
}

impl Challenge {
    /// Writes it into a reply's headers.
    pub fn write(&self, headers: &mut HeaderMap) {
        let what = match self {
            Self::Token => String::new(),
            Self::ValidToken => "error=\"invalid_token\", ".to_owned(),
            Self::Proof => "error=\"invalid_dpop_proof\", ".to_owned(),
            Self::Nonce(_) => "error=\"use_dpop_nonce\", ".to_owned(),
            Self::Scope(scope) => format!("error=\"insufficient_scope\", scope=\"{scope}\", "),
        };
        if let Ok(value) = HeaderValue::try_from(format!("DPoP {what}algs=\"{ALGORITHMS}\"")) {
            headers.insert(header::WWW_AUTHENTICATE, value);
        }
        if let Self::Nonce(nonce) = self
            && let Ok(value) = HeaderValue::try_from(nonce)
        {
            headers.insert(DPOP_NONCE, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(challenge: &Challenge) -> (String, String) {
        let mut headers = HeaderMap::new();
        challenge.write(&mut headers);
        let text = |name| headers.get(name).map(|value| format!("{value:?}").replace("\\\"", "'")).unwrap_or_default();
        (text(header::WWW_AUTHENTICATE), text(DPOP_NONCE))
    }

    #[test]
    fn each_challenge_says_what_a_client_can_mend() {
        let algorithms = "algs='ES256 EdDSA PS256'\"";
        for (challenge, expected) in [
            (Challenge::Token, "\"DPoP "),
            (Challenge::ValidToken, "\"DPoP error='invalid_token', "),
            (Challenge::Proof, "\"DPoP error='invalid_dpop_proof', "),
            (Challenge::Scope("dialog:citizen"), "\"DPoP error='insufficient_scope', scope='dialog:citizen', "),
        ] {
            assert_eq!(written(&challenge), (format!("{expected}{algorithms}"), String::new()));
        }
        let (says, nonce) = written(&Challenge::Nonce("abc".to_owned()));
        assert_eq!((says, nonce), (format!("\"DPoP error='use_dpop_nonce', {algorithms}"), "\"abc\"".to_owned()));
    }
}
