//! How the operator binds an upstream's name to a remote system.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;

use super::address::Network;
use crate::{
    limits::{UPSTREAM_ANSWER_MILLISECONDS, UPSTREAM_CONNECT_MILLISECONDS},
    secret::SecretSource,
};

/// One upstream's binding.
///
/// ```toml
/// [plugins.upstreams.meldingstjener]
/// base-url = "https://edi.example.no/edi"
/// timeout-milliseconds = 4000
/// credentials = { kind = "bearer", token = { file = "/run/secrets/edi" } }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct UpstreamBinding {
    /// `https://…`; plain `http` only to networks that `allow-networks` names. No query, no credentials in it.
    pub base_url: Url,
    /// Until a connection stands.
    #[serde(default = "connect_timeout")]
    pub connect_timeout_milliseconds: u64,
    /// For a whole request, the answer's last byte included; the call's own deadline may be shorter.
    #[serde(default = "timeout")]
    pub timeout_milliseconds: u64,
    /// Networks beside the public one that the upstream's name may resolve to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_networks: Vec<Network>,
    /// Certificate authorities in PEM; where given, these and no others are trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_authorities: Option<PathBuf>,
    /// How the gateway shows who it is; not at all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<CredentialsConfig>,
}

const fn connect_timeout() -> u64 {
    UPSTREAM_CONNECT_MILLISECONDS
}

const fn timeout() -> u64 {
    UPSTREAM_ANSWER_MILLISECONDS
}

/// How the gateway shows an upstream who it is. The plugin never sees any of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum CredentialsConfig {
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer {
        /// The token.
        token: SecretSource,
    },
    /// A key in a header of the vendor's.
    ApiKey {
        /// Which header.
        header: String,
        /// The key.
        key: SecretSource,
    },
    /// `Authorization: Basic …` (RFC 7617).
    Basic {
        /// Who.
        username: String,
        /// The password.
        password: SecretSource,
    },
    /// OAuth 2.0 client credentials with `private_key_jwt` (RFC 6749, RFC 7523), as HelseID has it.
    Oauth2 {
        /// The token endpoint; its network is judged like the base URL's.
        token_url: Url,
        /// The client.
        client_id: String,
        /// Scopes, apart by spaces.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<String>,
        /// The audience of the assertion; the token endpoint when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audience: Option<String>,
        /// The private key, PEM (PKCS #8).
        key: SecretSource,
        /// Which of the client's keys it is (`kid`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key_id: Option<String>,
        /// How it signs.
        #[serde(default)]
        algorithm: SigningAlgorithm,
    },
    /// A client certificate in TLS.
    Mtls {
        /// Certificate chain, PEM.
        certificate: PathBuf,
        /// The private key, PEM.
        key: SecretSource,
    },
    /// A user name token in the header of each SOAP 1.2 message (OASIS WS-Security, UsernameToken Profile 1.1.1): the
    /// plugin's bodies say where, with a segment `credentials`.
    WsSecurity {
        /// Who.
        username: String,
        /// The password.
        password: SecretSource,
        /// How the password goes.
        #[serde(default)]
        password_type: PasswordType,
    },
}

/// How a password stands in a user name token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PasswordType {
    /// Base64 of SHA-1 over nonce, time and password: a digest is good for one message.
    #[default]
    Digest,
    /// As it is: over https only.
    Text,
}

/// How an assertion is signed (RFC 7518).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PSS with SHA-256; what HelseID asks for.
    #[default]
    #[serde(rename = "PS256")]
    Ps256,
    /// ECDSA on P-256.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA on P-384.
    #[serde(rename = "ES384")]
    Es384,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_binding_needs_no_more_than_its_base() {
        let binding: UpstreamBinding = serde_json::from_value(json!({ "base-url": "https://example.no" })).unwrap();
        assert_eq!((binding.connect_timeout_milliseconds, binding.timeout_milliseconds), (2_000, 10_000));
        assert!(binding.allow_networks.is_empty() && binding.credentials.is_none());
    }

    #[test]
    fn every_kind_of_credentials_is_read_and_an_unknown_key_is_refused() {
        for credentials in [
            json!({ "kind": "bearer", "token": { "env": "T" } }),
            json!({ "kind": "api-key", "header": "x-api-key", "key": { "file": "/k" } }),
            json!({ "kind": "basic", "username": "u", "password": { "env": "P" } }),
            json!({ "kind": "oauth2", "token-url": "https://sts.example.no/token", "client-id": "c",
                    "scope": "a b", "key": { "file": "/k.pem" }, "key-id": "1", "algorithm": "ES256" }),
            json!({ "kind": "mtls", "certificate": "/c.pem", "key": { "file": "/k.pem" } }),
            json!({ "kind": "ws-security", "username": "u", "password": { "env": "P" }, "password-type": "text" }),
        ] {
            serde_json::from_value::<CredentialsConfig>(credentials.clone()).unwrap();
            let mut wrong = credentials;
            wrong["tokn"] = json!("x");
            assert!(serde_json::from_value::<CredentialsConfig>(wrong).is_err());
        }
    }

    #[test]
    fn a_secret_written_into_the_configuration_is_refused() {
        let credentials = json!({ "kind": "bearer", "token": "opensesame" });
        assert!(serde_json::from_value::<CredentialsConfig>(credentials).is_err());
    }
}
