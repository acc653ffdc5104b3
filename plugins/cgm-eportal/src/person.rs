//! Patients and who acts for them, as the vendor writes them. Nothing here prints a national identity number.

use std::fmt;

use dialog_plugin_sdk::{Citizen, CitizenIdentity, Context, Failure, Representation, Sent};
use serde::{Deserialize, Serialize};

/// The patient that a request is about.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Patient<'a> {
    national_id: &'a str,
    given_name: &'a str,
    family_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile: Option<&'a str>,
}

/// Who writes in the patient's place.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OnBehalf<'a> {
    national_id: &'a str,
    given_name: &'a str,
    family_name: &'a str,
    role: &'static str,
}

/// The patient's number, where the request needs no more.
///
/// # Errors
/// The call names no citizen, or the number was not granted: `faulty`, nothing sent.
pub fn national_id(ctx: &Context) -> Result<&str, Failure> {
    number(ctx.citizen()?.national_identity_number.as_deref())
}

/// The patient.
///
/// # Errors
/// As [`national_id`].
pub fn patient(ctx: &Context) -> Result<Patient<'_>, Failure> {
    let Citizen { national_identity_number, given_name, family_name, mobile, .. } = ctx.citizen()?;
    Ok(Patient {
        national_id: number(national_identity_number.as_deref())?,
        given_name,
        family_name,
        mobile: mobile.as_deref(),
    })
}

/// Who acts, where that is not the patient.
///
/// # Errors
/// As [`national_id`].
pub fn on_behalf(ctx: &Context) -> Result<Option<OnBehalf<'_>>, Failure> {
    let Some(representative) = &ctx.representative else { return Ok(None) };
    Ok(Some(OnBehalf {
        national_id: number(representative.national_identity_number.as_deref())?,
        given_name: &representative.given_name,
        family_name: &representative.family_name,
        role: match representative.role {
            Representation::Parent => "PARENT",
            Representation::Guardian => "GUARDIAN",
            Representation::PowerOfAttorney => "PROXY",
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
    national_id: String,
}

impl Known {
    /// As the contract names a citizen.
    #[must_use]
    pub fn identity(&self) -> CitizenIdentity {
        CitizenIdentity::NationalIdentityNumber(self.0.clone())
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Known(withheld)")
    }
}

/// Eleven digits with both check digits. The gateway checks more; what it would refuse here takes down only the change
/// that it stands in.
impl TryFrom<Named> for Known {
    type Error = &'static str;

    fn try_from(named: Named) -> Result<Self, Self::Error> {
        const WEIGHTS: [&[u32]; 2] = [&[3, 7, 6, 1, 8, 9, 4, 5, 2, 1], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]];
        let digits: Vec<u32> = named.national_id.chars().filter_map(|character| character.to_digit(10)).collect();
        let sums = |weights: &[u32]| weights.iter().zip(&digits).map(|(weight, digit)| weight * digit).sum::<u32>();
        let whole = digits.len() == 11 && named.national_id.len() == 11;
        if whole && WEIGHTS.iter().all(|weights| sums(weights) % 11 == 0) {
            Ok(Self(named.national_id))
        } else {
            Err("not a national identity number")
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what failed by failing")]
    use super::*;

    #[test]
    fn a_number_has_eleven_digits_and_both_check_digits() {
        let read = |number: &str| serde_json::from_value::<Known>(serde_json::json!({ "nationalId": number }));
        assert!(read("02917130593").is_ok());
        for wrong in ["02917130594", "02917130503", "2917130593", "0291713059x", "", "029171305930"] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(wrong.is_empty() || !error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn a_patient_never_prints_the_number() {
        let known: Known = serde_json::from_str(r#"{"nationalId":"02917130593"}"#).unwrap();
        assert!(!format!("{known:?} {:?}", known.identity()).contains("02917130593"));
    }
}
