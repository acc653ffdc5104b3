//! The order to erase a citizen: operator's business, and the one body of a request that holds a national identity
//! number. JSON by `schemas/json/new-erasure.json`.

use serde::{Deserialize, Serialize};

use crate::ids::NationalIdentityNumber;

/// Who is to be erased. In the body, because paths stand in logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewErasure {
    /// Whose data.
    #[serde(with = "number")]
    pub national_identity_number: NationalIdentityNumber,
}

/// The type does not serialize by accident; here it is on purpose.
pub(crate) mod number {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::ids::NationalIdentityNumber;

    pub(crate) fn serialize<S: Serializer>(number: &NationalIdentityNumber, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(number.expose())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<NationalIdentityNumber, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}
