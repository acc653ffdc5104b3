//! Access tokens by OAuth 2.0 client credentials with `private_key_jwt`: fetched once, kept until shortly before they
//! expire, fetched again when an upstream does not accept one.

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::{sync::Mutex, time::Instant};
use url::Url;
use uuid::Uuid;

use super::{
    config::SigningAlgorithm,
    credentials::{CredentialsError, bearer},
};
use crate::limits::{TOKEN_ANSWER_BYTES, TOKEN_ASSERTION_SECONDS, TOKEN_LONGEST, TOKEN_MARGIN, TOKEN_UNSAID};

/// Why there is no token. For the operator; never holds the server's words, which may hold a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("the assertion could not be signed")]
    Signing,
    #[error("the token endpoint cannot be reached")]
    Unreachable,
    #[error("the token endpoint answered {status}{}", code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default())]
    Refused { status: u16, code: Option<String> },
    #[error("the token endpoint's answer is not a bearer token")]
    Answer,
}

/// Where tokens come from.
pub(crate) struct TokenSource {
    http: Client,
    timeout: Duration,
    token_url: Url,
    client_id: String,
    scope: Option<String>,
    audience: String,
    key: EncodingKey,
    header: Header,
    // Held while a token is fetched, so that many requests at once fetch one.
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    token: Arc<HeaderValue>,
    until: Instant,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    token_type: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl TokenSource {
    #[allow(clippy::too_many_arguments, reason = "the fields of one configuration entry")]
    pub(crate) fn new(
        http: Client,
        timeout: Duration,
        token_url: Url,
        client_id: String,
        scope: Option<String>,
        audience: Option<String>,
        key: &SecretString,
        key_id: Option<String>,
        algorithm: SigningAlgorithm,
    ) -> Result<Self, CredentialsError> {
        let pem = key.expose_secret().as_bytes();
        let (algorithm, key) = match algorithm {
            SigningAlgorithm::Rs256 => (Algorithm::RS256, EncodingKey::from_rsa_pem(pem)),
            SigningAlgorithm::Ps256 => (Algorithm::PS256, EncodingKey::from_rsa_pem(pem)),
            SigningAlgorithm::Es256 => (Algorithm::ES256, EncodingKey::from_ec_pem(pem)),
            SigningAlgorithm::Es384 => (Algorithm::ES384, EncodingKey::from_ec_pem(pem)),
            SigningAlgorithm::EdDsa => (Algorithm::EdDSA, EncodingKey::from_ed_pem(pem)),
        };
        let key = key.map_err(|_| {
            CredentialsError::Form(format!("the key is not a private key in PEM that can sign {algorithm:?}"))
        })?;
        let mut header = Header::new(algorithm);
        header.kid = key_id;
        let source = Self {
            http,
            timeout,
            audience: audience.unwrap_or_else(|| token_url.to_string()),
            token_url,
            client_id,
            scope,
            key,
            header,
            kept: Mutex::new(None),
        };
        // A key of the wrong kind is found at start, not at the first request.
        source.assertion().map_err(|_| CredentialsError::Form(format!("the key cannot sign {algorithm:?}")))?;
        Ok(source)
    }

    /// A token that can be used now, as an `Authorization` header's value.
    pub(crate) async fn token(&self) -> Result<Arc<HeaderValue>, TokenError> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = &*kept
            && Instant::now() < kept.until
        {
            return Ok(Arc::clone(&kept.token));
        }
        let fetched = self.fetch().await?;
        let token = Arc::clone(&fetched.token);
        *kept = Some(fetched);
        Ok(token)
    }

    /// Gives up a token that was not accepted, unless another has taken its place already.
    pub(crate) async fn forget(&self, token: &HeaderValue) {
        let mut kept = self.kept.lock().await;
        if kept.as_ref().is_some_and(|kept| *kept.token == *token) {
            *kept = None;
        }
    }

    fn assertion(&self) -> Result<String, TokenError> {
        let now = jiff::Timestamp::now().as_second();
        let claims = Claims {
            iss: &self.client_id,
            sub: &self.client_id,
            aud: &self.audience,
            jti: Uuid::new_v4().to_string(),
            iat: now,
            nbf: now,
            exp: now + TOKEN_ASSERTION_SECONDS,
        };
        jsonwebtoken::encode(&self.header, &claims, &self.key).map_err(|_| TokenError::Signing)
    }

    async fn fetch(&self) -> Result<Kept, TokenError> {
        let assertion = self.assertion()?;
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
        ];
        if let Some(scope) = &self.scope {
            form.push(("scope", scope));
        }
        let asked = Instant::now();
        let mut response = self
            .http
            .post(self.token_url.clone())
            .timeout(self.timeout)
            .header("accept", "application/json")
            .form(&form)
            .send()
            .await
            .map_err(|_| TokenError::Unreachable)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|_| TokenError::Unreachable)? {
            if body.len() + part.len() > TOKEN_ANSWER_BYTES {
                return Err(TokenError::Answer);
            }
            body.extend_from_slice(&part);
        }
        if status != StatusCode::OK {
            // RFC 6749, 5.2: a short code of its own list.
            let code = serde_json::from_slice::<Refusal>(&body)
                .ok()
                .map(|refusal| refusal.error)
                .filter(|code| code.len() <= 40 && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
            return Err(TokenError::Refused { status: status.as_u16(), code });
        }
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| TokenError::Answer)?;
        if !answer.token_type.eq_ignore_ascii_case("bearer") {
            return Err(TokenError::Answer);
        }
        let token = bearer(&SecretString::from(answer.access_token)).ok_or(TokenError::Answer)?;
        let lives = answer.expires_in.map_or(TOKEN_UNSAID, Duration::from_secs).min(TOKEN_LONGEST);
        // A token that lives shorter than the margin is used for half of its life.
        let used = lives.saturating_sub(TOKEN_MARGIN).max(lives / 2);
        Ok(Kept { token: Arc::new(token), until: asked + used })
    }
}
