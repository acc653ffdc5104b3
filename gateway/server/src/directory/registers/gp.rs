//! What is said to Fastlegeregisteret and what it says: parsed here into types, and nowhere else believed.
//!
//! | request | answer |
//! | --- | --- |
//! | `POST /v1/patients/gp` `{"nin"}` | 200 the assignment; 404 on no list. The number stands in the body, never in a URL |
//! | `GET /v1/changes?after&limit`, `If-None-Match` | 200 a page of changes; 304 nothing new; 410 the cursor is too old. Without `after`: where the register stands now |

use bytes::Bytes;
use dialog_contract::{
    dialog::Clinician,
    ids::{HerId, HprNumber, NationalIdentityNumber},
};
use serde::{Deserialize, Serialize};

use super::{RegisterError, garbled};

/// Changes that are asked for at once.
pub const PAGE: usize = 100;

/// A name, in characters.
const NAME: usize = 99;

/// A cursor, in bytes.
const CURSOR: usize = 256;

/// Who is a citizen's GP, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assignment {
    /// The citizen's given name.
    pub given_name: String,
    /// The citizen's family name.
    pub family_name: String,
    /// The GP.
    pub general_practitioner: Clinician,
    /// The GP's office: HER-id of level 2.
    pub office: HerId,
}

/// A page of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// About whom something changed, the earliest first.
    pub citizens: Vec<NationalIdentityNumber>,
    /// Where the next page begins.
    pub next: String,
    /// There is more now.
    pub more: bool,
}

#[derive(Serialize)]
struct Question<'a> {
    nin: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    patient: Patient,
    gp: Gp,
    office: Office,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Patient {
    nin: String,
    given_name: String,
    family_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Gp {
    hpr_number: HprNumber,
    #[serde(default)]
    her_id: Option<HerId>,
    given_name: String,
    family_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Office {
    her_id: HerId,
}

#[derive(Deserialize)]
struct Page {
    changes: Vec<Changed>,
    next: String,
    #[serde(default)]
    more: bool,
}

#[derive(Deserialize)]
struct Changed {
    patient: Whom,
}

#[derive(Deserialize)]
struct Whom {
    nin: String,
}

/// The question about a citizen.
#[must_use]
pub fn question(citizen: &NationalIdentityNumber) -> Bytes {
    // A struct of one string always has a form in JSON.
    serde_json::to_vec(&Question { nin: citizen.expose() }).unwrap_or_default().into()
}

/// The answer about a citizen.
///
/// # Errors
/// Where it is not of the documented form, or about somebody else.
pub fn answer(body: &[u8], asked: &NationalIdentityNumber) -> Result<Assignment, RegisterError> {
    let Answer { patient, gp, office } = serde_json::from_slice(body).map_err(|error| garbled(&error))?;
    if patient.nin != asked.expose() {
        return Err(RegisterError::Garbled("it is about another citizen".to_owned()));
    }
    Ok(Assignment {
        given_name: name(patient.given_name)?,
        family_name: name(patient.family_name)?,
        general_practitioner: Clinician {
            hpr_number: gp.hpr_number,
            her_id: gp.her_id,
            given_name: name(gp.given_name)?,
            family_name: name(gp.family_name)?,
        },
        office: office.her_id,
    })
}

/// A page of changes. One about a number that is none is left out: nobody here can have it.
///
/// # Errors
/// Where it is not of the documented form.
pub fn changes(body: &[u8]) -> Result<Changes, RegisterError> {
    let Page { changes, next, more } = serde_json::from_slice(body).map_err(|error| garbled(&error))?;
    if changes.len() > PAGE {
        return Err(RegisterError::Garbled(format!("over {PAGE} changes")));
    }
    if next.is_empty() || next.len() > CURSOR || !next.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(RegisterError::Garbled("the cursor is not 1 to 256 visible ASCII characters".to_owned()));
    }
    let citizens = changes.into_iter().filter_map(|changed| changed.patient.nin.parse().ok()).collect();
    Ok(Changes { citizens, next, more })
}

fn name(name: String) -> Result<String, RegisterError> {
    let trimmed = name.trim();
    if trimmed.is_empty() || trimmed.chars().count() > NAME || trimmed.chars().any(char::is_control) {
        return Err(RegisterError::Garbled(format!("a name is not 1 to {NAME} characters in one line")));
    }
    Ok(trimmed.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const KARI: &str = "14838541241";
    const OLA: &str = "02917130593";

    fn kari() -> NationalIdentityNumber {
        KARI.parse().unwrap()
    }

    fn said() -> Value {
        json!({
            "patient": { "nin": KARI, "givenName": " Kari ", "familyName": "Fjell" },
            "gp": { "hprNumber": 9_123_407, "herId": 8_150_111, "givenName": "Sigrid", "familyName": "Ås" },
            "office": { "herId": 8_150_110, "organisationNumber": "310001015" },
            "period": { "from": "2024-01-01" },
        })
    }

    #[test]
    fn an_assignment_is_read_and_what_is_not_needed_is_passed_over() {
        let read = answer(said().to_string().as_bytes(), &kari()).unwrap();
        assert_eq!((read.given_name.as_str(), read.office.get()), ("Kari", 8_150_110));
        assert_eq!(read.general_practitioner.hpr_number.get(), 9_123_407);
    }

    #[test]
    fn an_answer_about_somebody_else_is_not_believed() {
        let error = answer(said().to_string().as_bytes(), &OLA.parse().unwrap()).unwrap_err();
        assert_eq!(error, RegisterError::Garbled("it is about another citizen".to_owned()));
    }

    #[test]
    fn each_rule_is_held_and_nobody_is_named() {
        type Spoil = fn(&mut Value);
        let cases: [Spoil; 8] = [
            |all| all["patient"]["givenName"] = json!(""),
            |all| all["patient"]["familyName"] = json!("a\nb"),
            |all| all["patient"]["familyName"] = json!("x".repeat(100)),
            |all| all["gp"]["hprNumber"] = json!(0),
            |all| all["gp"]["herId"] = json!(-1),
            |all| all["office"]["herId"] = json!(KARI),
            |all| all["office"] = Value::Null,
            |all| all["patient"]["nin"] = json!(14_838_541_241_u64),
        ];
        for (at, spoil) in cases.into_iter().enumerate() {
            let mut all = said();
            spoil(&mut all);
            let error = answer(all.to_string().as_bytes(), &kari()).unwrap_err().to_string();
            assert!(!error.contains(KARI) && !error.contains("Kari"), "case {at}: {error}");
        }
    }

    #[test]
    fn a_page_of_changes_is_bounded_and_leaves_out_what_is_no_number() {
        let change = |nin: &str| json!({ "id": "1", "kind": "gp-changed", "patient": { "nin": nin } });
        let page = json!({ "changes": [change(KARI), change("12345678901")], "next": "c-2", "more": true });
        let read = changes(page.to_string().as_bytes()).unwrap();
        assert_eq!((read.citizens.len(), read.next.as_str(), read.more), (1, "c-2", true));
        let many = json!({ "changes": vec![change(KARI); PAGE + 1], "next": "c" });
        assert!(changes(many.to_string().as_bytes()).is_err());
        for next in ["", "a b", &"c".repeat(257)] {
            assert!(changes(json!({ "changes": [], "next": next }).to_string().as_bytes()).is_err(), "{next}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused_and_nobody_is_named(body: Vec<u8>) {
            let _ = answer(&body, &kari());
            let _ = changes(&body);
        }

        #[test]
        fn an_answer_that_is_cut_or_changed_anywhere_never_names_the_citizen(cut in 0_usize..400, at in 0_usize..400, byte: u8) {
            let mut body = said().to_string().into_bytes();
            if let Some(changed) = body.get_mut(at) {
                *changed = byte;
            }
            body.truncate(cut);
            if let Err(error) = answer(&body, &kari()) {
                let error = error.to_string();
                prop_assert!(!error.contains(KARI) && !error.contains("Kari") && !error.contains("Fjell"), "{}", error);
            }
        }
    }
}
