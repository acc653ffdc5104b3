//! What Adresseregisteret says of a communication party: `GET /v1/communication-parties/{herId}`, in the form of its
//! service CommunicationDetails. Parsed here into types, and nowhere else believed.

use dialog_contract::ids::{HerId, OrganisationNumber};
use serde::{Deserialize, Serialize};

use super::{RegisterError, garbled};

/// A communication party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Party {
    /// The organisation above it: HER-id of level 1.
    pub organisation: HerId,
    /// That organisation's number; none where the register has one that is none, as it does for those of its test
    /// environment.
    pub organisation_number: Option<OrganisationNumber>,
    /// Whether messages may be sent to it now.
    pub valid: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    her_id: u64,
    parent_her_id: HerId,
    communication_party: Details,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Details {
    #[serde(default = "yes")]
    active: bool,
    is_valid_communication_party: bool,
    parent_organization_number: u64,
}

const fn yes() -> bool {
    true
}

/// The answer about a party.
///
/// # Errors
/// Where it is not of the documented form, or about another party.
pub fn answer(body: &[u8], asked: HerId) -> Result<Party, RegisterError> {
    let Answer { her_id, parent_her_id, communication_party } =
        serde_json::from_slice(body).map_err(|error| garbled(&error))?;
    if her_id != u64::from(asked.get()) {
        return Err(RegisterError::Garbled("it is about another party".to_owned()));
    }
    let number = format!("{:09}", communication_party.parent_organization_number);
    Ok(Party {
        organisation: parent_her_id,
        organisation_number: number.parse().ok(),
        valid: communication_party.active && communication_party.is_valid_communication_party,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::path::Path;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn said() -> serde_json::Value {
        json!({
            "herId": 8_150_110, "parentHerId": 8_150_100, "type": "Service",
            "communicationParty": {
                "Active": true, "HerId": 8_150_110, "IsValidCommunicationParty": true, "Name": "Fastlege",
                "ParentHerId": 8_150_100, "ParentOrganizationNumber": 310_001_015,
                "ElectronicAddresses": [{ "Address": "tb.example/8150100_async", "TypeCodeValue": "E_SB_ASYNC" }],
            },
        })
    }

    fn office() -> HerId {
        8_150_110.try_into().unwrap()
    }

    #[test]
    fn a_party_is_read_with_the_organisation_above_it() {
        let read = answer(said().to_string().as_bytes(), office()).unwrap();
        assert_eq!((read.organisation.get(), read.valid), (8_150_100, true));
        assert_eq!(read.organisation_number.unwrap().as_str(), "310001015");
    }

    #[test]
    fn another_party_a_wrong_number_and_a_missing_part_are_refused() {
        for (pointer, value) in [
            ("/herId", json!(5)),
            ("/parentHerId", json!(0)),
            ("/communicationParty/ParentOrganizationNumber", json!("x")),
            ("/communicationParty", json!({})),
        ] {
            let mut all = said();
            *all.pointer_mut(pointer).unwrap() = value;
            assert!(answer(all.to_string().as_bytes(), office()).is_err(), "{pointer}");
        }
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    fn the_registers_own_answer_is_read() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../../shared/standards/registries/CommunicationDetailsRest_8141705.json");
        let Ok(body) = std::fs::read(&file) else {
            eprintln!("skipped: the_registers_own_answer_is_read, because {} is not here", file.display());
            return;
        };
        let read = answer(&body, 8_141_705.try_into().unwrap()).unwrap();
        assert_eq!((read.organisation.get(), read.valid), (8_141_703, true));
        // Of the test environment: its check digit is wrong.
        assert_eq!(read.organisation_number, None);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(body: Vec<u8>, cut in 0_usize..500, at in 0_usize..500, byte: u8) {
            let _ = answer(&body, office());
            let mut changed = said().to_string().into_bytes();
            if let Some(place) = changed.get_mut(at) {
                *place = byte;
            }
            changed.truncate(cut);
            let _ = answer(&changed, office());
        }
    }
}
