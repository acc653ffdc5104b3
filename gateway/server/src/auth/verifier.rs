//! A token against its issuer's keys.
//!
//! Verifying a signature costs as much as a plugin call, and a portal sends the same token many times: verified tokens
//! are remembered by their digest until they expire, and at most for as long as fetched keys are fresh.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jsonwebtoken::{Algorithm, Validation, decode_header};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{
    claims::{Claims, RawClaims, UnusableClaims},
    keys::{KeyError, KeySource, Keys},
    part,
};
use crate::limits::{KEYS_FRESH, TOKEN_BYTES, TOKEN_LEEWAY_SECONDS, TOKENS_REMEMBERED};

/// One issuer that is trusted, as the operator configures it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct IssuerConfig {
    /// `iss`, exactly.
    pub issuer: String,
    /// `aud` must hold one of these.
    pub audiences: Vec<String>,
    /// Where its keys are.
    pub keys: KeySource,
    /// Which signature algorithms it uses; nothing else is accepted.
    pub algorithms: Vec<Algorithm>,
    /// What its access tokens say of their type; [`TokenType::AccessToken`] alone when absent.
    #[serde(default = "TokenType::strict")]
    pub token_types: Vec<TokenType>,
    /// Whether its tokens may be bound to nothing: for development only, since whoever gets hold of one can use it.
    #[serde(default)]
    pub bearer: bool,
}

/// What the header of a token may say of its type (`typ`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum TokenType {
    /// An access token by RFC 9068, and nothing else that the issuer signs.
    #[serde(rename = "at+jwt")]
    AccessToken,
    /// Any JSON Web Token: what HelseID allows itself beside the one above. Only the audience tells an ID token from it.
    #[serde(rename = "JWT")]
    Jwt,
    /// Nothing: ID-porten's tokens have no `typ`.
    #[serde(rename = "none")]
    None,
}

impl TokenType {
    /// What RFC 9068 wants.
    #[must_use]
    pub fn strict() -> Vec<Self> {
        vec![Self::AccessToken]
    }

    /// Which one a header names; none where it names something else.
    fn of(typ: Option<&str>) -> Option<Self> {
        // Media types know no case, and may leave `application/` out (RFC 7515, 4.1.9).
        let is = |names: &[&str]| typ.is_some_and(|typ| names.iter().any(|name| typ.eq_ignore_ascii_case(name)));
        match typ {
            None => Some(Self::None),
            Some(_) if is(&["at+jwt", "application/at+jwt"]) => Some(Self::AccessToken),
            Some(_) if is(&["JWT", "application/jwt"]) => Some(Self::Jwt),
            Some(_) => None,
        }
    }
}

/// Why a token is not accepted. Never holds the token or its claims.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT at all, or too long.
    #[error("not a JSON Web Token")]
    Malformed,
    /// `typ` says that it is something else, such as an ID token or a proof, or not that it is an access token.
    #[error("not an access token: its typ is not among the issuer's token-types")]
    NotAnAccessToken,
    /// `iss` is nobody whom the operator trusts.
    #[error("the issuer is not trusted")]
    UnknownIssuer,
    /// `alg` is not in the issuer's list.
    #[error("the signature algorithm is not allowed for this issuer")]
    Algorithm,
    /// The signature does not verify.
    #[error("the signature is wrong")]
    Signature,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `aud` names somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// A claim is missing or cannot be used.
    #[error("{0}")]
    Claims(String),
    /// The issuer's keys.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Verifies access tokens of the configured issuers.
pub struct Verifier {
    issuers: HashMap<String, Issuer>,
    remembered: Mutex<HashMap<[u8; 32], Remembered>>,
}

struct Remembered {
    claims: Arc<Claims>,
    /// Seconds since 1970: the token's end, or when its issuer's keys must be looked at again.
    until: u64,
}

struct Issuer {
    audiences: Vec<String>,
    keys: Keys,
    algorithms: Vec<Algorithm>,
    types: Vec<TokenType>,
    bearer: bool,
}

/// Just enough of an unverified token to know whose keys to try.
#[derive(Deserialize)]
struct ClaimedIssuer {
    iss: String,
}

impl Verifier {
    /// Reads key files; fetches nothing yet.
    pub fn new(issuers: Vec<IssuerConfig>) -> Result<Self, KeyError> {
        let issuers = issuers
            .into_iter()
            .map(|config| {
                let issuer = Issuer {
                    audiences: config.audiences,
                    keys: Keys::load(&config.issuer, config.keys)?,
                    algorithms: config.algorithms,
                    types: config.token_types,
                    bearer: config.bearer,
                };
                Ok((config.issuer, issuer))
            })
            .collect::<Result<_, KeyError>>()?;
        Ok(Self { issuers, remembered: Mutex::new(HashMap::new()) })
    }

    /// Whether tokens of this issuer may be bound to nothing.
    #[must_use]
    pub fn takes_bearer(&self, issuer: &str) -> bool {
        self.issuers.get(issuer).is_some_and(|issuer| issuer.bearer)
    }

    /// The claims of a valid token.
    pub async fn verify(&self, token: &str) -> Result<Arc<Claims>, TokenError> {
        if token.len() > TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        let digest: [u8; 32] = Sha256::digest(token).into();
        let now = jsonwebtoken::get_current_timestamp();
        if let Some(claims) = self.recall(&digest, now) {
            return Ok(claims);
        }
        let claims = Arc::new(self.verify_signed(token).await?);
        self.remember(digest, &claims, now);
        Ok(claims)
    }

    async fn verify_signed(&self, token: &str) -> Result<Claims, TokenError> {
        let mut parts = token.split('.');
        parts.next().and_then(part::read::<serde_json::Value>).ok_or(TokenError::Malformed)?;
        let header = decode_header(token).map_err(|_| TokenError::Malformed)?;
        let claimed: ClaimedIssuer = parts.next().and_then(part::read).ok_or(TokenError::Malformed)?;
        let issuer = self.issuers.get(&claimed.iss).ok_or(TokenError::UnknownIssuer)?;
        if !TokenType::of(header.typ.as_deref()).is_some_and(|found| issuer.types.contains(&found)) {
            return Err(TokenError::NotAnAccessToken);
        }
        if !issuer.algorithms.contains(&header.alg) {
            return Err(TokenError::Algorithm);
        }
        let key = issuer.keys.find(header.kid.as_deref()).await?;
        let mut validation = Validation::new(header.alg);
        validation.leeway = TOKEN_LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_audience(&issuer.audiences);
        validation.set_issuer(&[&claimed.iss]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        let data = jsonwebtoken::decode::<RawClaims>(token, &key, &validation).map_err(|error| {
            use jsonwebtoken::errors::ErrorKind;
            match error.kind() {
                ErrorKind::ExpiredSignature => TokenError::Expired,
                ErrorKind::ImmatureSignature => TokenError::NotYetValid,
                ErrorKind::InvalidAudience => TokenError::Audience,
                ErrorKind::InvalidIssuer => TokenError::UnknownIssuer,
                ErrorKind::MissingRequiredClaim(claim) => TokenError::Claims(format!("the token has no {claim}")),
                ErrorKind::InvalidAlgorithm => TokenError::Algorithm,
                ErrorKind::Json(_) => TokenError::Claims("a claim is missing or has the wrong type".to_owned()),
                _ => TokenError::Signature,
            }
        })?;
        Claims::try_from(data.claims).map_err(|error: UnusableClaims| TokenError::Claims(error.to_string()))
    }

    fn recall(&self, digest: &[u8; 32], now: u64) -> Option<Arc<Claims>> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.get(digest).filter(|known| known.until > now).map(|known| Arc::clone(&known.claims))
    }

    fn remember(&self, digest: [u8; 32], claims: &Arc<Claims>, now: u64) {
        // A key that its issuer withdraws must not live on in the tokens that it signed.
        let until = claims.expires.min(now.saturating_add(KEYS_FRESH.as_secs()));
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= TOKENS_REMEMBERED {
            remembered.retain(|_, known| known.until > now);
        }
        if remembered.len() < TOKENS_REMEMBERED || remembered.contains_key(&digest) {
            remembered.insert(digest, Remembered { claims: Arc::clone(claims), until });
        }
    }
}
