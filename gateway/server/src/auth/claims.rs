//! What an access token says. ID-porten and HelseID name the same things differently; both are read here, once.

use std::{collections::BTreeSet, fmt, str::FromStr};

use dialog_contract::ids::NationalIdentityNumber;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::limits::CLIENT_BYTES;

/// Claims of a verified token. The signature, issuer, audience and times have been checked.
#[derive(Clone)]
pub struct Claims {
    /// `iss`.
    pub issuer: String,
    /// The OAuth client: `client_id`, or `azp`.
    pub client: String,
    /// The citizen: `pid`, or HelseID's claim of that meaning. None for a token of a client's own.
    pub citizen: Option<NationalIdentityNumber>,
    /// Level of assurance, 0 where the token says nothing that is known.
    pub level: u8,
    /// `scope`, split.
    pub scopes: BTreeSet<String>,
    /// `exp`, seconds since 1970.
    pub expires: u64,
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").field("issuer", &self.issuer).field("client", &self.client).finish_non_exhaustive()
    }
}

/// Why the claims of a correctly signed token cannot be used. Never holds their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnusableClaims {
    /// Neither `client_id` nor `azp`, or no name that could stand in a record.
    #[error("the token names no client, or one of over {CLIENT_BYTES} bytes or with control characters")]
    NoClient,
    /// `pid` is not a national identity number.
    #[error("the token's pid is not a national identity number")]
    BadCitizen,
}

/// The claims as they stand in the token.
#[derive(Deserialize)]
pub(super) struct RawClaims {
    iss: String,
    exp: u64,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    azp: Option<String>,
    #[serde(default)]
    pid: Option<String>,
    #[serde(default, rename = "helseid://claims/identity/pid")]
    helseid_pid: Option<String>,
    #[serde(default)]
    acr: Option<String>,
    #[serde(default, deserialize_with = "text_or_number")]
    security_level: Option<String>,
    #[serde(default, rename = "helseid://claims/identity/security_level", deserialize_with = "text_or_number")]
    helseid_security_level: Option<String>,
    #[serde(default)]
    assurance_level: Option<String>,
    #[serde(default, rename = "helseid://claims/identity/assurance_level")]
    helseid_assurance_level: Option<String>,
    #[serde(default, deserialize_with = "scopes")]
    scope: BTreeSet<String>,
}

impl TryFrom<RawClaims> for Claims {
    type Error = UnusableClaims;

    fn try_from(raw: RawClaims) -> Result<Self, UnusableClaims> {
        let citizen = raw
            .pid
            .or(raw.helseid_pid)
            .map(|pid| NationalIdentityNumber::from_str(&pid).map_err(|_| UnusableClaims::BadCitizen))
            .transpose()?;
        // The lowest of what the token says counts: a token that contradicts itself is not given the better of it.
        let level = [
            raw.acr.as_deref(),
            raw.security_level.as_deref(),
            raw.helseid_security_level.as_deref(),
            raw.assurance_level.as_deref(),
            raw.helseid_assurance_level.as_deref(),
        ]
        .into_iter()
        .flatten()
        .map(level)
        .min()
        .unwrap_or(0);
        Ok(Self {
            issuer: raw.iss,
            client: raw
                .client_id
                .or(raw.azp)
                .filter(|client| (1..=CLIENT_BYTES).contains(&client.len()) && !client.contains(char::is_control))
                .ok_or(UnusableClaims::NoClient)?,
            citizen,
            level,
            scopes: raw.scope,
            expires: raw.exp,
        })
    }
}

/// ID-porten's `acr`, HelseID's security and assurance levels, on the scale of the Norwegian framework (1 to 4).
fn level(text: &str) -> u8 {
    match text {
        "4" | "Level4" | "idporten-loa-high" | "high" => 4,
        "3" | "Level3" | "idporten-loa-substantial" | "substantial" => 3,
        "2" | "idporten-loa-low" | "low" => 2,
        _ => 0,
    }
}

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Option::<Value>::deserialize(deserializer)? {
        Some(Value::String(text)) => Some(text),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    })
}

/// RFC 9068 says a string with blanks; HelseID also sends an array.
fn scopes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    Ok(match Option::<Value>::deserialize(deserializer)? {
        Some(Value::String(text)) => text.split_ascii_whitespace().map(str::to_owned).collect(),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => BTreeSet::new(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    fn claims(extra: Value) -> Result<Claims, UnusableClaims> {
        let mut all = json!({ "iss": "https://login", "exp": 1, "client_id": "portal" });
        all.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        serde_json::from_value::<RawClaims>(all).unwrap().try_into()
    }

    #[test]
    fn both_national_issuers_ways_of_saying_level_4_are_read() {
        for says_four in [
            json!({ "acr": "idporten-loa-high" }),
            json!({ "acr": "Level4" }),
            json!({ "security_level": "4" }),
            json!({ "security_level": 4 }),
            json!({ "helseid://claims/identity/security_level": "4" }),
            json!({ "helseid://claims/identity/assurance_level": "high" }),
        ] {
            assert_eq!(claims(says_four.clone()).unwrap().level, 4, "{says_four}");
        }
    }

    #[test]
    fn a_token_that_contradicts_itself_has_the_lower_level() {
        assert_eq!(claims(json!({ "acr": "idporten-loa-substantial", "security_level": "4" })).unwrap().level, 3);
        assert_eq!(claims(json!({ "acr": "made-up", "security_level": "4" })).unwrap().level, 0);
    }

    #[test]
    fn a_token_that_says_nothing_of_level_has_none() {
        assert_eq!(claims(json!({})).unwrap().level, 0);
    }

    #[test]
    fn a_pid_that_is_no_national_identity_number_is_refused_without_showing_it() {
        let error = claims(json!({ "pid": "12345678901" })).unwrap_err();
        assert_eq!(error, UnusableClaims::BadCitizen);
        assert!(!error.to_string().contains("12345678901"));
    }

    #[test]
    fn scopes_are_read_from_text_and_from_array() {
        let expected = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
        assert_eq!(claims(json!({ "scope": "a b" })).unwrap().scopes, expected);
        assert_eq!(claims(json!({ "scope": ["a", "b"] })).unwrap().scopes, expected);
    }

    #[test]
    fn a_client_that_could_not_stand_in_a_record_is_none() {
        for client in ["", "a\nb", &"x".repeat(257)] {
            let mut all = serde_json::Map::new();
            all.insert("client_id".to_owned(), json!(client));
            assert_eq!(claims(Value::Object(all)).unwrap_err(), UnusableClaims::NoClient, "{client:?}");
        }
    }

    #[test]
    fn debug_shows_no_citizen() {
        let printed = format!("{:?}", claims(json!({ "pid": "14838541241" })).unwrap());
        assert!(printed.contains("portal") && !printed.contains("148385"), "{printed}");
    }
}
