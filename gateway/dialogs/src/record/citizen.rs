//! A citizen: the one value of the store that holds a national identity number.

use dialog_contract::ids::NationalIdentityNumber;
use serde::{Deserialize, Serialize};

use crate::ports::directory::Person;

/// Who stands behind a [`crate::identity::CitizenId`], as last seen in the directory.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredCitizen {
    #[serde(with = "number")]
    pub(crate) national_identity_number: NationalIdentityNumber,
    pub(crate) given_name: String,
    pub(crate) family_name: String,
    pub(crate) mobile: Option<String>,
}

impl std::fmt::Debug for StoredCitizen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredCitizen(…)")
    }
}

impl From<&Person> for StoredCitizen {
    fn from(person: &Person) -> Self {
        Self {
            national_identity_number: person.national_identity_number.clone(),
            given_name: person.given_name.clone(),
            family_name: person.family_name.clone(),
            mobile: person.mobile.clone(),
        }
    }
}

/// The type does not serialize by accident; here it is on purpose.
mod number {
    use dialog_contract::ids::NationalIdentityNumber;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(number: &NationalIdentityNumber, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(number.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<NationalIdentityNumber, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}
