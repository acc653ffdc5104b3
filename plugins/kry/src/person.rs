//! Patients, who acts for them, and doctors, as the vendor writes them. Nothing here prints a national identity number.

use std::fmt;

use dialog_plugin_sdk::text::clip;
use dialog_plugin_sdk::upstream;
use dialog_plugin_sdk::{Citizen, CitizenIdentity, Clinician, Context, Failure, Representation, Sent};
use serde::{Deserialize, Serialize};

use crate::document::{self, Draft, Odd, Resource};
use crate::{UPSTREAM, refusal};

/// Characters of a name that is shown, by the contract.
const MAX_NAME: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Patient<'a> {
    national_identity_number: &'a str,
    given_name: &'a str,
    family_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
}

/// The vendor's id of the citizen, who is taken in where that has not happened. The number stands in this request and in
/// no other: from here on there is the vendor's id, which may also stand in a URL.
///
/// # Errors
/// The vendor's. Whatever happened, nothing that the citizen wrote was handed over.
pub fn patient(ctx: &Context) -> Result<String, Failure> {
    let Citizen { national_identity_number, given_name, family_name, mobile, .. } = ctx.citizen()?;
    let attributes = Patient {
        national_identity_number: number(national_identity_number.as_deref())?,
        given_name,
        family_name,
        phone: mobile.as_deref(),
    };
    let draft = Draft { kind: "patients", id: None, attributes, related: &[] };
    // Whoever has been here is found: once or often is the same.
    let request = upstream::post(UPSTREAM, "/v1/patients").header("accept", document::MEDIA_TYPE);
    let (_, _, patient) = document::sent(ctx, request, &draft, &[]).map_err(refusal::nothing_sent)?;
    Ok(patient.id)
}

/// Who writes in the patient's place.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Representative<'a> {
    national_identity_number: Withheld<'a>,
    given_name: &'a str,
    family_name: &'a str,
    role: &'static str,
}

#[derive(Serialize)]
struct Withheld<'a>(&'a str);

impl fmt::Debug for Withheld<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("withheld")
    }
}

/// Who acts, where that is not the patient.
///
/// # Errors
/// The number was not granted: `faulty`, nothing sent.
pub fn representative(ctx: &Context) -> Result<Option<Representative<'_>>, Failure> {
    let Some(representative) = &ctx.representative else { return Ok(None) };
    Ok(Some(Representative {
        national_identity_number: Withheld(number(representative.national_identity_number.as_deref())?),
        given_name: &representative.given_name,
        family_name: &representative.family_name,
        role: match representative.role {
            Representation::Parent => "parent",
            Representation::Guardian => "guardian",
            Representation::PowerOfAttorney => "power-of-attorney",
        },
    }))
}

fn number(number: Option<&str>) -> Result<&str, Failure> {
    number.ok_or_else(|| Failure::faulty(Sent::No, "the plugin was not granted the national identity number"))
}

/// A patient that the vendor names.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Named")]
pub struct Known(String);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    national_identity_number: String,
}

impl Known {
    /// As the contract names a citizen.
    #[must_use]
    pub fn identity(self) -> CitizenIdentity {
        CitizenIdentity::NationalIdentityNumber(self.0)
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Known(withheld)")
    }
}

/// Eleven digits with both check digits. The gateway checks more; what it would refuse here takes down only the event
/// that it stands in.
impl TryFrom<Named> for Known {
    type Error = &'static str;

    fn try_from(named: Named) -> Result<Self, Self::Error> {
        const WEIGHTS: [&[u32]; 2] = [&[3, 7, 6, 1, 8, 9, 4, 5, 2, 1], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]];
        let number = named.national_identity_number;
        let digits: Vec<u32> = number.chars().filter_map(|character| character.to_digit(10)).collect();
        let sums = |weights: &[u32]| weights.iter().zip(&digits).map(|(weight, digit)| weight * digit).sum::<u32>();
        let whole = digits.len() == 11 && number.len() == 11;
        if whole && WEIGHTS.iter().all(|weights| sums(weights) % 11 == 0) {
            Ok(Self(number))
        } else {
            Err("not a national identity number")
        }
    }
}

/// A doctor.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Doctor {
    hpr_number: u32,
    given_name: String,
    family_name: String,
}

impl Doctor {
    /// As the contract names a clinician. None where the number or a name is none: what is with the doctor is shown
    /// without.
    #[must_use]
    pub fn clinician(self) -> Option<Clinician> {
        let name = |name: &str| Some(clip(name.trim(), MAX_NAME)).filter(|name| !name.is_empty());
        (1..=999_999_999).contains(&self.hpr_number).then_some(())?;
        Some(Clinician {
            hpr_number: self.hpr_number,
            her_id: None,
            given_name: name(&self.given_name)?,
            family_name: name(&self.family_name)?,
        })
    }

    /// The doctor of a resource `practitioners`.
    ///
    /// # Errors
    /// Its attributes are of another shape.
    pub fn of(practitioner: &Resource) -> Result<Self, Odd> {
        practitioner.attributes()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what failed by failing")]
    use super::*;

    #[test]
    fn a_number_has_eleven_digits_and_both_check_digits() {
        let read =
            |number: &str| serde_json::from_value::<Known>(serde_json::json!({ "nationalIdentityNumber": number }));
        assert!(read("02917130593").is_ok());
        for wrong in ["02917130594", "02917130503", "2917130593", "0291713059x", "", "029171305930"] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(wrong.is_empty() || !error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn a_patient_never_prints_the_number() {
        let known: Known = serde_json::from_str(r#"{"nationalIdentityNumber":"02917130593"}"#).unwrap();
        assert!(!format!("{known:?} {:?}", known.clone().identity()).contains("02917130593"));
    }

    #[test]
    fn a_doctor_without_a_number_or_a_name_is_not_named() {
        let doctor = |hpr_number, given: &str| {
            Doctor { hpr_number, given_name: given.into(), family_name: "Haugen".into() }.clinician()
        };
        assert_eq!(doctor(9_123_482, " Mariam ").unwrap().given_name, "Mariam");
        assert!(doctor(0, "Mariam").is_none() && doctor(9_123_482, " ").is_none());
    }
}
