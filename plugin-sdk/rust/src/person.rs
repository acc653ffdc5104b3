//! The types that can hold a national identity number. Written here and not generated, so that they never print it.

use std::fmt;

use crate::types::Representation;

/// The citizen (innbygger) whom the call is about.
#[derive(Clone, PartialEq, Eq)]
pub struct Citizen {
    /// Names the same citizen in every call to this plugin, and means nothing elsewhere. At most 64 characters.
    pub reference: String,
    /// Eleven digits. Present only where the manifest asks for it and the operator granted it.
    pub national_identity_number: Option<String>,
    /// First and middle names.
    pub given_name: String,
    /// Last name.
    pub family_name: String,
    /// A mobile number with country code, where the citizen lets the office have it.
    pub mobile: Option<String>,
}

/// Who acts, where that is not the citizen.
#[derive(Clone, PartialEq, Eq)]
pub struct Representative {
    /// As [`Citizen::reference`].
    pub reference: String,
    /// As [`Citizen::national_identity_number`].
    pub national_identity_number: Option<String>,
    /// First and middle names.
    pub given_name: String,
    /// Last name.
    pub family_name: String,
    /// Why this person may act.
    pub role: Representation,
}

/// How a provider names a citizen.
#[derive(Clone, PartialEq, Eq)]
pub enum CitizenIdentity {
    /// As in [`Citizen::reference`].
    Reference(String),
    /// Eleven digits; only for plugins that were granted the national identity number.
    NationalIdentityNumber(String),
}

impl fmt::Debug for Citizen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Citizen").field("reference", &self.reference).finish_non_exhaustive()
    }
}

impl fmt::Debug for Representative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Representative")
            .field("reference", &self.reference)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CitizenIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reference(reference) => f.debug_tuple("Reference").field(reference).finish(),
            Self::NationalIdentityNumber(_) => f.write_str("NationalIdentityNumber(withheld)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_prints_neither_number_nor_name_nor_telephone() {
        let citizen = Citizen {
            reference: "ref-1".to_owned(),
            national_identity_number: Some("21483609245".to_owned()),
            given_name: "Kari".to_owned(),
            family_name: "Nordmann".to_owned(),
            mobile: Some("+4799999999".to_owned()),
        };
        let representative = Representative {
            reference: "ref-2".to_owned(),
            national_identity_number: citizen.national_identity_number.clone(),
            given_name: citizen.given_name.clone(),
            family_name: citizen.family_name.clone(),
            role: Representation::Guardian,
        };
        let identity = CitizenIdentity::NationalIdentityNumber("21483609245".to_owned());
        let printed = format!("{citizen:?} {representative:?} {identity:?}");
        for secret in ["21483609245", "Kari", "Nordmann", "99999999"] {
            assert!(!printed.contains(secret), "{printed}");
        }
        assert!(printed.contains("ref-1") && printed.contains("ref-2"), "{printed}");
    }
}
