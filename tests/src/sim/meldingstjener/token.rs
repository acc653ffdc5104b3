//! Who may call: a static bearer token, or one from `/connect/token` for a client assertion (`private_key_jwt`).

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long an issued token lasts.
const TOKEN_LIFETIME: Duration = Duration::from_secs(600);
/// How far ahead an assertion may expire; HelseID takes no long-lived ones either.
const LONGEST_ASSERTION: u64 = 600;
/// Issued tokens and used assertions that are remembered; beyond it the oldest may be forgotten.
const REMEMBERED: usize = 10_000;
/// How far a client's clock may be off, in seconds.
const LEEWAY: u64 = 5;
/// What `client_assertion_type` must be (RFC 7523).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client that may fetch tokens.
#[derive(Clone)]
pub struct OauthClient {
    /// Client identifier.
    pub client_id: String,
    /// Its public key: RSA (RS256, PS256) or P-256 (ES256).
    pub key: Jwk,
}

/// A refusal of the token endpoint (RFC 6749, section 5.2).
#[derive(Debug, PartialEq, Eq)]
pub struct TokenError {
    /// The error code.
    pub error: &'static str,
    /// What is wrong.
    pub description: String,
}

fn refuse(error: &'static str, description: impl fmt::Display) -> TokenError {
    TokenError { error, description: description.to_string() }
}

#[derive(Deserialize)]
struct Assertion {
    iss: String,
    sub: String,
    #[serde(default)]
    nbf: u64,
    exp: u64,
    jti: String,
}

/// Accepted tokens and registered clients.
pub struct Tokens {
    fixed: Vec<String>,
    clients: Vec<OauthClient>,
    issued: HashMap<String, Instant>,
    used: HashSet<String>,
    /// Seconds by which the clock here is ahead of the true time, or behind.
    clock_off: i64,
    /// Whether any client's key is taken.
    open: bool,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("clients", &self.clients.len()).finish_non_exhaustive()
    }
}

impl Tokens {
    /// These tokens are accepted, and these clients get more.
    pub fn new(fixed: Vec<String>, clients: Vec<OauthClient>) -> Tokens {
        Tokens { fixed, clients, issued: HashMap::new(), used: HashSet::new(), clock_off: 0, open: true }
    }

    /// Whether a token is accepted now.
    pub fn accepts(&self, token: &str) -> bool {
        self.fixed.iter().any(|fixed| fixed == token)
            || self.issued.get(token).is_some_and(|expires| *expires > Instant::now())
    }

    /// Lets every issued token expire.
    pub fn expire(&mut self) {
        self.issued.clear();
    }

    /// Sets the clock here forward by so many seconds, or back. Tokens that were issued by another clock are not taken.
    pub fn set_clock_off(&mut self, seconds: i64) {
        self.clock_off = seconds;
        self.expire();
    }

    /// Whether the keys of clients are taken: they have run out, or were registered anew. No token outlives that.
    pub fn set_open(&mut self, open: bool) {
        self.open = open;
        self.expire();
    }

    /// Issues a token for a form of RFC 6749 and RFC 7523; gives it with its lifetime in seconds.
    pub fn issue(&mut self, form: &HashMap<String, String>, audiences: &[String]) -> Result<(String, u64), TokenError> {
        let field = |name: &'static str| {
            form.get(name)
                .map(String::as_str)
                .ok_or_else(|| refuse("invalid_request", format_args!("{name} is missing")))
        };
        if field("grant_type")? != "client_credentials" {
            return Err(refuse("unsupported_grant_type", "only client_credentials"));
        }
        if field("client_assertion_type")? != ASSERTION_TYPE {
            return Err(refuse("invalid_client", format_args!("client_assertion_type is not {ASSERTION_TYPE}")));
        }
        let assertion = field("client_assertion")?;
        let algorithm = decode_header(assertion).map_err(|error| refuse("invalid_client", error))?.alg;
        if ![Algorithm::RS256, Algorithm::PS256, Algorithm::ES256].contains(&algorithm) {
            return Err(refuse("invalid_client", format_args!("{algorithm:?} is not accepted")));
        }
        let mut validation = Validation::new(algorithm);
        validation.set_audience(audiences);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        // The times are held against the clock here, below.
        validation.validate_exp = false;
        let mut reason = refuse("invalid_client", "no client is registered");
        let claims = self.clients.iter().filter(|_| self.open).find_map(|client| {
            let verified =
                DecodingKey::from_jwk(&client.key).and_then(|key| decode::<Assertion>(assertion, &key, &validation));
            match verified {
                Ok(token) if token.claims.iss == client.client_id && token.claims.sub == client.client_id => {
                    Some(token.claims)
                }
                Ok(_) => {
                    reason = refuse("invalid_client", "iss and sub are not the client_id");
                    None
                }
                Err(error) => {
                    reason = refuse("invalid_client", error);
                    None
                }
            }
        });
        let Some(claims) = claims else { return Err(reason) };
        if form.get("client_id").is_some_and(|id| *id != claims.iss) {
            return Err(refuse("invalid_client", "client_id is not the assertion's"));
        }
        let now = jsonwebtoken::get_current_timestamp().saturating_add_signed(self.clock_off);
        if claims.exp + LEEWAY < now {
            return Err(refuse("invalid_client", "the assertion has expired"));
        }
        if claims.nbf > now + LEEWAY {
            return Err(refuse("invalid_client", "the assertion is not valid yet"));
        }
        if claims.exp > now + LONGEST_ASSERTION {
            return Err(refuse("invalid_client", format_args!("exp is more than {LONGEST_ASSERTION} s ahead")));
        }
        if self.used.len() >= REMEMBERED || self.issued.len() >= REMEMBERED {
            self.used.clear();
            self.issued.clear();
        }
        if claims.jti.is_empty() || !self.used.insert(claims.jti) {
            return Err(refuse("invalid_client", "jti was used before"));
        }
        let token = format!("sim-{}-{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        self.issued.insert(token.clone(), Instant::now() + TOKEN_LIFETIME);
        Ok((token, TOKEN_LIFETIME.as_secs()))
    }
}
