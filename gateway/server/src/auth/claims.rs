//! What an access token says. ID-porten and HelseID name the same things differently; both are read here, once.

use std::{collections::BTreeSet, fmt, str::FromStr};

use dialog_contract::{
    ids::{HprNumber, NationalIdentityNumber, OrganisationNumber},
    service::Representation,
};
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

use super::thumbprint::Thumbprint;
use crate::limits::{CLIENT_BYTES, NAME_CHARACTERS};

/// Claims of a verified token. The signature, issuer, audience and times have been checked.
#[derive(Clone)]
pub struct Claims {
    /// `iss`.
    pub issuer: String,
    /// The OAuth client: `client_id`, or `azp`.
    pub client: String,
    /// Who logged in: `pid`, or HelseID's claim of that meaning. None for a token of a client's own.
    pub person: Option<NationalIdentityNumber>,
    /// Whom they act for, where that is not they themselves.
    pub representing: Option<Representing>,
    /// Their number as a clinician, where HelseID says that they are one.
    pub hpr: Option<HprNumber>,
    /// The organisation that the client acts for, where HelseID says which.
    pub organisation: Option<OrganisationNumber>,
    /// Level of assurance, 0 where the token says nothing that is known.
    pub level: u8,
    /// `scope`, split.
    pub scopes: BTreeSet<String>,
    /// `exp`, seconds since 1970.
    pub expires: u64,
    /// What the token is bound to.
    pub confirmation: Confirmation,
}

/// On whose behalf a person may act: the claim `representing`. That they may is the issuer's word.
#[derive(Clone, PartialEq, Eq)]
pub struct Representing {
    /// The citizen whom everything is about.
    pub citizen: NationalIdentityNumber,
    /// Why they may.
    pub role: Representation,
    /// Given name of the person who acts: the office is told.
    pub given_name: String,
    /// Family name of the person who acts.
    pub family_name: String,
}

/// `cnf` (RFC 7800): what whoever shows the token must have besides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Confirmation {
    /// `jkt`: the key that signs proofs (RFC 9449).
    pub key: Option<Thumbprint>,
    /// `x5t#S256`: the client certificate of the connection (RFC 8705).
    pub certificate: Option<Thumbprint>,
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
    BadPerson,
    /// `representing` is not whole, or is of nobody else.
    #[error("the token's representing is not of another citizen, or lacks the names of who acts")]
    BadRepresenting,
    /// The HPR number is not one.
    #[error("the token's HPR number is not one")]
    BadHpr,
    /// The organisation's number is not one.
    #[error("the token's organisation number is not one")]
    BadOrganisation,
    /// `cnf` names nothing that is known: it must not be passed over.
    #[error("the token is bound in a way that is not known")]
    BadConfirmation,
}

/// The claims as they stand in the token.
#[derive(Deserialize)]
pub(super) struct RawClaims {
    iss: String,
    exp: u64,
    // Whoever verifies looks at it only where it is a number; what is none must not be passed over.
    #[serde(default, rename = "nbf")]
    _begins: Option<Number>,
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
    #[serde(default, rename = "helseid://claims/hpr/hpr_number", deserialize_with = "text_or_number")]
    helseid_hpr_number: Option<String>,
    #[serde(default, rename = "helseid://claims/client/claims/orgnr_child", deserialize_with = "text_or_number")]
    helseid_child_organisation: Option<String>,
    #[serde(default, rename = "helseid://claims/client/claims/orgnr_parent", deserialize_with = "text_or_number")]
    helseid_parent_organisation: Option<String>,
    #[serde(default, deserialize_with = "scopes")]
    scope: BTreeSet<String>,
    #[serde(default)]
    given_name: Option<String>,
    #[serde(default)]
    family_name: Option<String>,
    #[serde(default)]
    representing: Option<RawRepresenting>,
    #[serde(default)]
    cnf: Option<RawConfirmation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRepresenting {
    pid: String,
    role: Representation,
}

#[derive(Deserialize)]
struct RawConfirmation {
    #[serde(default)]
    jkt: Option<String>,
    #[serde(default, rename = "x5t#S256")]
    certificate: Option<String>,
}

impl TryFrom<RawClaims> for Claims {
    type Error = UnusableClaims;

    fn try_from(raw: RawClaims) -> Result<Self, UnusableClaims> {
        let person = raw
            .pid
            .or(raw.helseid_pid)
            .map(|pid| NationalIdentityNumber::from_str(&pid).map_err(|_| UnusableClaims::BadPerson))
            .transpose()?;
        let representing = raw
            .representing
            .map(|claim| representing(&claim, person.as_ref(), raw.given_name, raw.family_name))
            .transpose()?;
        let hpr = raw
            .helseid_hpr_number
            .map(|number| HprNumber::from_str(&number).map_err(|_| UnusableClaims::BadHpr))
            .transpose()?;
        // The narrower of the two is whose the client is.
        let organisation = raw
            .helseid_child_organisation
            .or(raw.helseid_parent_organisation)
            .map(|number| OrganisationNumber::from_str(&number).map_err(|_| UnusableClaims::BadOrganisation))
            .transpose()?;
        let confirmation = raw.cnf.as_ref().map(confirmation).transpose()?.unwrap_or_default();
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
            person,
            representing,
            hpr,
            organisation,
            level,
            scopes: raw.scope,
            expires: raw.exp,
            confirmation,
        })
    }
}

fn representing(
    claim: &RawRepresenting,
    person: Option<&NationalIdentityNumber>,
    given_name: Option<String>,
    family_name: Option<String>,
) -> Result<Representing, UnusableClaims> {
    let citizen = NationalIdentityNumber::from_str(&claim.pid).map_err(|_| UnusableClaims::BadRepresenting)?;
    let is_name = |name: &String| {
        (1..=NAME_CHARACTERS).contains(&name.trim().chars().count()) && !name.contains(char::is_control)
    };
    match (person, given_name.filter(is_name), family_name.filter(is_name)) {
        (Some(person), Some(given_name), Some(family_name)) if *person != citizen => {
            Ok(Representing { citizen, role: claim.role, given_name, family_name })
        }
        _ => Err(UnusableClaims::BadRepresenting),
    }
}

fn confirmation(claim: &RawConfirmation) -> Result<Confirmation, UnusableClaims> {
    let thumbprint = |text: &Option<String>| {
        text.as_deref().map(|text| Thumbprint::parse(text).ok_or(UnusableClaims::BadConfirmation)).transpose()
    };
    match (thumbprint(&claim.jkt)?, thumbprint(&claim.certificate)?) {
        (None, None) => Err(UnusableClaims::BadConfirmation),
        (key, certificate) => Ok(Confirmation { key, certificate }),
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
        assert_eq!(error, UnusableClaims::BadPerson);
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
    fn whom_somebody_acts_for_is_read_with_the_names_of_who_acts() {
        let acting = json!({
            "pid": "14838541241", "given_name": "Kari", "family_name": "Fjell",
            "representing": { "pid": "20881780195", "role": "parent" },
        });
        let read = claims(acting.clone()).unwrap();
        let representing = read.representing.unwrap();
        assert_eq!(read.person.unwrap().expose(), "14838541241");
        assert_eq!((representing.citizen.expose(), representing.role), ("20881780195", Representation::Parent));
        assert_eq!((representing.given_name.as_str(), representing.family_name.as_str()), ("Kari", "Fjell"));
        for (pointer, wrong) in [
            ("/representing/pid", json!("20881780196")),
            ("/representing/pid", json!("14838541241")),
            ("/given_name", Value::Null),
            ("/given_name", json!(" ")),
            ("/family_name", json!("Fjell\nBakke")),
            ("/family_name", json!("x".repeat(NAME_CHARACTERS + 1))),
            ("/pid", Value::Null),
        ] {
            let mut spoilt = acting.clone();
            *spoilt.pointer_mut(pointer).unwrap() = wrong.clone();
            let refused = claims(spoilt).err();
            assert_eq!(refused, Some(UnusableClaims::BadRepresenting), "{pointer} {wrong}");
        }
        let mut all = json!({ "iss": "https://login", "exp": 1, "client_id": "portal" });
        for wrong in [
            json!({ "pid": "20881780195", "role": "friend" }),
            json!({ "pid": "20881780195" }),
            json!({ "role": "parent" }),
            json!({ "pid": "20881780195", "role": "parent", "also": "14838541241" }),
            json!("20881780195"),
            json!([]),
        ] {
            all["representing"] = wrong.clone();
            assert!(serde_json::from_value::<RawClaims>(all.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_beginning_that_is_no_number_is_not_passed_over() {
        let mut all = json!({ "iss": "https://login", "exp": 1, "client_id": "portal", "nbf": 4_102_444_800.5 });
        assert!(serde_json::from_value::<RawClaims>(all.clone()).is_ok());
        for wrong in [json!("4102444800"), json!([4_102_444_800_u64]), json!(true)] {
            all["nbf"] = wrong.clone();
            assert!(serde_json::from_value::<RawClaims>(all.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_clinicians_number_is_read_as_text_or_number() {
        for number in [json!("9144889"), json!(9_144_889)] {
            let read = claims(json!({ "helseid://claims/hpr/hpr_number": number })).unwrap();
            assert_eq!(read.hpr.map(HprNumber::get), Some(9_144_889));
        }
        let wrong = claims(json!({ "helseid://claims/hpr/hpr_number": "x" })).err();
        assert_eq!(wrong, Some(UnusableClaims::BadHpr));
    }

    #[test]
    fn the_narrower_organisation_is_whose_the_client_is() {
        let (parent, child) =
            ("helseid://claims/client/claims/orgnr_parent", "helseid://claims/client/claims/orgnr_child");
        let read = |all: Value| claims(all).map(|read| read.organisation.map(|number| number.to_string()));
        assert_eq!(read(json!({})), Ok(None));
        assert_eq!(read(json!({ parent: "310001023" })), Ok(Some("310001023".to_owned())));
        assert_eq!(read(json!({ parent: "310001023", child: "310001015" })), Ok(Some("310001015".to_owned())));
        assert_eq!(read(json!({ parent: "310001023", child: "1" })), Err(UnusableClaims::BadOrganisation));
    }

    #[test]
    fn what_a_token_is_bound_to_is_read_and_never_passed_over() {
        let print = Thumbprint::of(b"key");
        let text = print.to_string();
        let bound = |cnf: Value| claims(json!({ "cnf": cnf })).map(|claims| claims.confirmation);
        assert_eq!(claims(json!({})).unwrap().confirmation, Confirmation::default());
        assert_eq!(bound(json!({ "jkt": text })).unwrap(), Confirmation { key: Some(print), certificate: None });
        assert_eq!(bound(json!({ "x5t#S256": text })).unwrap(), Confirmation { key: None, certificate: Some(print) });
        let both = bound(json!({ "jkt": text, "x5t#S256": text })).unwrap();
        assert_eq!(both, Confirmation { key: Some(print), certificate: Some(print) });
        for unknown in [json!({}), json!({ "kid": "one" }), json!({ "jkt": "short" }), json!({ "jwk": {} })] {
            assert_eq!(bound(unknown.clone()).err(), Some(UnusableClaims::BadConfirmation), "{unknown}");
        }
    }

    #[test]
    fn debug_shows_no_citizen() {
        let printed = format!("{:?}", claims(json!({ "pid": "14838541241" })).unwrap());
        assert!(printed.contains("portal") && !printed.contains("148385"), "{printed}");
    }
}
