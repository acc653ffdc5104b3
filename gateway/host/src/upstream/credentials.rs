//! How the gateway shows an upstream who it is: headers, or a place in the body, that the plugin neither sets nor sees.

use std::{fmt, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{config::CredentialsConfig, oauth2::TokenSource, ws_security::UsernameToken};
use crate::secret::SecretError;

/// Credentials, ready for use.
pub(crate) enum Credentials {
    /// None, or in the TLS connection.
    Connection,
    /// A header that stays the same.
    Header(HeaderName, HeaderValue),
    /// A token that is fetched and kept for a while.
    Token(Box<TokenSource>),
    /// A token of its own in each message's body.
    Body(UsernameToken),
}

/// Why credentials cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A name, value or key has not the form that it needs.
    #[error("{0}")]
    Form(String),
}

fn form<T>(problem: impl Into<String>) -> Result<T, CredentialsError> {
    Err(CredentialsError::Form(problem.into()))
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connection => "Connection",
            Self::Header(..) => "Header(…)",
            Self::Token(_) => "Token(…)",
            Self::Body(_) => "Body(…)",
        })
    }
}

impl Credentials {
    /// Reads the secrets. `http` is for fetching tokens.
    pub(crate) fn new(
        config: Option<&CredentialsConfig>,
        http: &reqwest::Client,
        timeout: Duration,
    ) -> Result<Self, CredentialsError> {
        Ok(match config {
            None | Some(CredentialsConfig::Mtls { .. }) => Self::Connection,
            Some(CredentialsConfig::Bearer { token }) => {
                Self::Header(AUTHORIZATION, bearer(&token.read()?).ok_or_else(|| unusable("token"))?)
            }
            Some(CredentialsConfig::ApiKey { header, key }) => {
                let name = match HeaderName::from_bytes(header.as_bytes()) {
                    Ok(name) => name,
                    Err(_) => return form(format!("{header:?} is not a header's name")),
                };
                Self::Header(name, secret_value(key.read()?.expose_secret()).ok_or_else(|| unusable("key"))?)
            }
            Some(CredentialsConfig::Basic { username, password }) => {
                if username.contains(':') || username.chars().any(char::is_control) {
                    return form("a user name of basic credentials must not hold a colon or a control character");
                }
                let pair = Zeroizing::new(format!("{username}:{}", password.read()?.expose_secret()));
                let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
                Self::Header(AUTHORIZATION, secret_value(&value).ok_or_else(|| unusable("password"))?)
            }
            Some(CredentialsConfig::WsSecurity { username, password, password_type }) => {
                Self::Body(UsernameToken::new(username, password.read()?, *password_type)?)
            }
            Some(CredentialsConfig::Oauth2 { token_url, client_id, scope, audience, key, key_id, algorithm }) => {
                Self::Token(Box::new(TokenSource::new(
                    http.clone(),
                    timeout,
                    token_url.clone(),
                    client_id.clone(),
                    scope.clone(),
                    audience.clone(),
                    &key.read()?,
                    key_id.clone(),
                    *algorithm,
                )?))
            }
        })
    }

    /// The header that the plugin must not set, beside those that none may.
    pub(crate) fn reserved(&self) -> Option<&HeaderName> {
        match self {
            Self::Header(name, _) => Some(name),
            Self::Connection | Self::Token(_) | Self::Body(_) => None,
        }
    }

    /// What is written into each body, where these credentials stand in bodies.
    pub(crate) fn in_bodies(&self) -> Option<&UsernameToken> {
        match self {
            Self::Body(token) => Some(token),
            Self::Connection | Self::Header(..) | Self::Token(_) => None,
        }
    }

    /// Adds the credentials to a request. Gives the token that was used, so that it can be given up.
    pub(crate) async fn apply(
        &self,
        headers: &mut HeaderMap,
    ) -> Result<Option<std::sync::Arc<HeaderValue>>, super::oauth2::TokenError> {
        match self {
            Self::Connection | Self::Body(_) => Ok(None),
            Self::Header(name, value) => {
                headers.insert(name, value.clone());
                Ok(None)
            }
            Self::Token(source) => {
                let token = source.token().await?;
                headers.insert(AUTHORIZATION, (*token).clone());
                Ok(Some(token))
            }
        }
    }

    /// The upstream did not accept a token: the next request fetches another.
    pub(crate) async fn refused(&self, token: &HeaderValue) {
        if let Self::Token(source) = self {
            source.forget(token).await;
        }
    }
}

fn unusable(what: &str) -> CredentialsError {
    CredentialsError::Form(format!("the {what} has a character that no header can hold"))
}

/// `Bearer` and a token, marked as a secret.
pub(super) fn bearer(token: &SecretString) -> Option<HeaderValue> {
    secret_value(&Zeroizing::new(format!("Bearer {}", token.expose_secret())))
}

fn secret_value(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    fn made(secret: &str, config: serde_json::Value) -> Result<Credentials, CredentialsError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), secret).unwrap();
        let text = config.to_string().replace("SECRET", file.path().to_str().unwrap());
        let config: CredentialsConfig = serde_json::from_str(&text).unwrap();
        Credentials::new(Some(&config), &reqwest::Client::new(), Duration::from_secs(1))
    }

    async fn header(secret: &str, config: serde_json::Value) -> HeaderMap {
        let mut headers = HeaderMap::new();
        made(secret, config).unwrap().apply(&mut headers).await.unwrap();
        headers
    }

    #[tokio::test]
    async fn each_kind_sets_its_header() {
        let bearer = header("abc\n", json!({ "kind": "bearer", "token": { "file": "SECRET" } })).await;
        assert_eq!(bearer["authorization"], "Bearer abc");
        let key = header("abc", json!({ "kind": "api-key", "header": "X-Api-Key", "key": { "file": "SECRET" } })).await;
        assert_eq!(key["x-api-key"], "abc");
        let basic =
            header("open sesame", json!({ "kind": "basic", "username": "Aladdin", "password": { "file": "SECRET" } }))
                .await;
        // The example of RFC 7617.
        assert_eq!(basic["authorization"], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(basic["authorization"].is_sensitive());
    }

    #[test]
    fn what_no_header_can_hold_is_refused_without_being_shown() {
        let error = made("a\nb", json!({ "kind": "bearer", "token": { "file": "SECRET" } })).unwrap_err();
        assert_eq!(error.to_string(), "the token has a character that no header can hold");
        let error =
            made("x", json!({ "kind": "basic", "username": "a:b", "password": { "file": "SECRET" } })).unwrap_err();
        assert!(error.to_string().contains("colon"), "{error}");
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let made = made("opensesame", json!({ "kind": "bearer", "token": { "file": "SECRET" } })).unwrap();
        assert_eq!(format!("{made:?}"), "Header(…)");
    }
}
