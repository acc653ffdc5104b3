//! Patients and who acts for them, as the vendor writes them. Nothing here prints a national identity number.

use std::fmt;

use dialog_plugin_sdk::{CitizenIdentity, Context, Failure, Representation, Sent};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ask::{Budget, Search};
use crate::fhir::element::{Coding, Concept, DNR, FNR, Identifier, ROLE, Reference, is_id};
use crate::words::Words;

/// Who acts in the patient's place, within the resource that they write.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RelatedPerson<'a> {
    resource_type: &'static str,
    id: &'static str,
    identifier: [Identifier; 1],
    patient: Reference,
    relationship: [Concept; 1],
    name: [Name<'a>; 1],
}

#[derive(Serialize)]
struct Name<'a> {
    family: &'a str,
    given: [&'a str; 1],
}

/// Who acts, as a reference within the resource.
const REPRESENTATIVE: &str = "representative";

/// The patient of a call at the vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patient {
    /// `Patient/id`.
    pub reference: String,
}

#[derive(Deserialize)]
struct Found {
    id: String,
    #[serde(default = "yes")]
    active: bool,
}

const fn yes() -> bool {
    true
}

/// Finds the patient by number: one request.
///
/// # Errors
/// The call names no citizen, or the number was not granted: `faulty`; the vendor does not know the citizen: `not-found`.
pub fn patient(ctx: &Context, budget: &mut Budget) -> Result<Patient, Failure> {
    let Identifier { system, value } = identifier(ctx.citizen()?.national_identity_number.as_deref())?;
    let search = Search::about("Patient").with("identifier", format!("{system}|{value}"));
    let page = search.page(budget, ctx.locale)?;
    let mut found = Vec::new();
    for resource in page.matches {
        match serde_json::from_value::<Found>(resource) {
            Ok(one) if !is_id(&one.id) => return Err(Failure::faulty(Sent::No, "a patient whose id is none")),
            Ok(one) if one.active => found.push(one.id),
            Ok(_) => {}
            Err(_) => return Err(Failure::faulty(Sent::No, "a patient of another shape")),
        }
    }
    match found.as_slice() {
        [id] => Ok(Patient { reference: format!("Patient/{id}") }),
        [] => Err(Words::UnknownPatient.not_found(ctx.locale)),
        // Which of them would be a guess.
        _ => Err(Failure::faulty(Sent::No, "the vendor has several patients with one number")),
    }
}

/// Who acts, where that is not the patient, and who asks: a reference.
///
/// # Errors
/// The number was not granted: `faulty`, nothing sent.
pub fn acting<'a>(ctx: &'a Context, patient: &Patient) -> Result<(Option<RelatedPerson<'a>>, Reference), Failure> {
    let Some(who) = &ctx.representative else { return Ok((None, Reference::to(&patient.reference))) };
    let role = match who.role {
        Representation::Parent => "PRN",
        Representation::Guardian => "GUARD",
        Representation::PowerOfAttorney => "POWATT",
    };
    let person = RelatedPerson {
        resource_type: "RelatedPerson",
        id: REPRESENTATIVE,
        identifier: [identifier(who.national_identity_number.as_deref())?],
        patient: Reference::to(&patient.reference),
        relationship: [Concept { coding: vec![Coding { system: ROLE.into(), code: role.into() }], text: None }],
        name: [Name { family: &who.family_name, given: [&who.given_name] }],
    };
    Ok((Some(person), Reference::to(format!("#{REPRESENTATIVE}"))))
}

fn identifier(number: Option<&str>) -> Result<Identifier, Failure> {
    let value = number
        .ok_or_else(|| Failure::faulty(Sent::No, "the plugin was not granted the national identity number"))?
        .to_owned();
    // The day of a D-number is forty more.
    let system = if value.starts_with(['4', '5', '6', '7']) { DNR } else { FNR };
    Ok(Identifier { system: system.to_owned(), value })
}

/// A patient that the vendor names.
#[derive(Clone, PartialEq, Eq)]
pub struct Known(String);

#[derive(Deserialize)]
struct Named {
    identifier: Vec<Identifier>,
}

impl Known {
    /// Of a Patient: the one number, eleven digits with both check digits. The gateway checks more; what it would refuse
    /// here takes down only the news that it stands in.
    #[must_use]
    pub fn of(resource: &Value) -> Option<Self> {
        let named = Named::deserialize(resource).ok()?;
        let mut numbers = named.identifier.into_iter().filter(|one| [FNR, DNR].contains(&one.system.as_str()));
        let only = numbers.next().filter(|_| numbers.next().is_none())?;
        is_number(&only.value).then_some(Self(only.value))
    }

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

fn is_number(text: &str) -> bool {
    const WEIGHTS: [&[u32]; 2] = [&[3, 7, 6, 1, 8, 9, 4, 5, 2, 1], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]];
    let digits: Vec<u32> = text.chars().filter_map(|character| character.to_digit(10)).collect();
    let sum = |weights: &[u32]| weights.iter().zip(&digits).map(|(weight, digit)| weight * digit).sum::<u32>();
    digits.len() == 11 && text.len() == 11 && WEIGHTS.iter().all(|weights| sum(weights) % 11 == 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what failed by failing")]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patient_has_one_number_with_both_check_digits_and_never_prints_it() {
        let of = |all: &[(&str, &str)]| {
            let all: Vec<Value> =
                all.iter().map(|(system, value)| json!({ "system": system, "value": value })).collect();
            Known::of(&json!({ "identifier": all }))
        };
        let known = of(&[("urn:other", "7"), (FNR, "02917130593")]).unwrap();
        assert!(!format!("{known:?} {:?}", known.identity()).contains("02917130593"));
        for wrong in ["02917130594", "02917130503", "2917130593", "0291713059x", "", "029171305930"] {
            assert_eq!(of(&[(FNR, wrong)]), None);
        }
        assert_eq!(of(&[(FNR, "02917130593"), (DNR, "02917130593")]), None, "which of them?");
        assert_eq!((of(&[]), Known::of(&json!({}))), (None, None));
    }

    #[test]
    fn a_d_number_is_of_its_own_system() {
        assert_eq!(identifier(Some("42917130593")).unwrap().system, DNR);
        assert_eq!(identifier(Some("02917130593")).unwrap().system, FNR);
        assert!(identifier(None).is_err());
    }
}
