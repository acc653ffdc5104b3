//! Who may do what. Authentication yields a [`Permitted`], every use case asks for one, and there is one way to get
//! one: what lies behind it cannot be called without.

use dialog_contract::{
    ids::{HprNumber, NationalIdentityNumber, OrganisationNumber},
    problem::ProblemType,
    service::Representation,
};
use jiff::Timestamp;

/// The lowest level of assurance for health information, and for whoever could reach it (Normen, eIDAS high).
pub const PERSON_LEVEL: u8 = 4;

/// The scope of the citizen's API.
pub const CITIZEN_SCOPE: &str = "dialog:citizen";

/// The scope of the portal's own token for the feed of events.
pub const EVENTS_SCOPE: &str = "dialog:events";

/// The scope of those who run the gateway.
pub const OPERATOR_SCOPE: &str = "dialog:operator";

/// The scope of those who verify what the gateway did.
pub const AUDITOR_SCOPE: &str = "dialog:auditor";

/// The scope of an office's own people, for what their office decides by itself.
pub const OFFICE_SCOPE: &str = "dialog:office";

/// The scope of clinicians who talk with colleagues.
pub const CLINICIAN_SCOPE: &str = "dialog:clinician";

/// What a token said, once its signature, issuer and audience have been verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Who issued the token.
    pub issuer: String,
    /// The OAuth client that it was issued to.
    pub client: String,
    /// Level of assurance, 1 to 4; 0 where no person logged in.
    pub level: u8,
    /// What the client may ask for.
    pub scopes: Vec<String>,
    /// Until when.
    pub expires: Timestamp,
}

/// The citizen whom a request is about, and who makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citizen {
    /// The citizen whom it is about.
    pub national_identity_number: NationalIdentityNumber,
    /// Who acts, where that is not the citizen.
    pub representative: Option<Representative>,
}

/// Someone who acts for a citizen. That they may has been verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Representative {
    /// Who.
    pub national_identity_number: NationalIdentityNumber,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// Why they may.
    pub role: Representation,
}

/// The portal itself, without a citizen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Portal;

/// Someone who runs the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Who logged in; none where the token is a machine's own.
    pub person: Option<NationalIdentityNumber>,
}

/// Someone who verifies what the gateway did: reads the audit log and changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auditor {
    /// Who logged in; none where the token is a machine's own.
    pub person: Option<NationalIdentityNumber>,
}

/// Somebody at an office, for what the office decides by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficeStaff {
    /// Who logged in.
    pub person: NationalIdentityNumber,
    /// Of which organisation, by the issuer's word; only its own offices are theirs.
    pub organisation: OrganisationNumber,
}

/// A clinician, as the issuer says; at which office, the directory says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clinician {
    /// Who logged in.
    pub person: NationalIdentityNumber,
    /// Their number in Helsepersonellregisteret.
    pub hpr_number: HprNumber,
    /// Of which organisation; only its own offices are theirs.
    pub organisation: OrganisationNumber,
}

/// Why a verified token does not permit something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotGranted {
    /// The token is too old.
    #[error("the token has expired")]
    Expired,
    /// The person logged in at too low a level.
    #[error("the login is not at level {PERSON_LEVEL}")]
    LevelTooLow,
    /// The client was not given the scope.
    #[error("the token lacks the scope {0}")]
    ScopeMissing(&'static str),
}

impl NotGranted {
    /// The problem that the caller is told.
    #[must_use]
    pub const fn problem(self) -> ProblemType {
        match self {
            Self::Expired => ProblemType::Unauthenticated,
            Self::LevelTooLow => ProblemType::LevelTooLow,
            Self::ScopeMissing(_) => ProblemType::NotPermitted,
        }
    }
}

/// A `T` on whose behalf requests may be made. [`Permitted::grant`] is the one door, for the authenticator alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permitted<T> {
    verified: Verified,
    target: T,
}

impl<T> Permitted<T> {
    /// On whose behalf.
    #[must_use]
    pub const fn target(&self) -> &T {
        &self.target
    }

    /// By which token.
    #[must_use]
    pub const fn verified(&self) -> &Verified {
        &self.verified
    }
}

impl Permitted<Citizen> {
    /// Permits what a citizen may do.
    ///
    /// # Errors
    /// Where the token has expired or lacks [`CITIZEN_SCOPE`], or the login is below [`PERSON_LEVEL`].
    pub fn grant(verified: Verified, citizen: Citizen, now: Timestamp) -> Result<Self, NotGranted> {
        permits(&verified, CITIZEN_SCOPE, true, now)?;
        Ok(Self { verified, target: citizen })
    }
}

impl Permitted<Portal> {
    /// Permits what the portal itself may do.
    ///
    /// # Errors
    /// Where the token has expired or lacks [`EVENTS_SCOPE`].
    pub fn grant(verified: Verified, portal: Portal, now: Timestamp) -> Result<Self, NotGranted> {
        permits(&verified, EVENTS_SCOPE, false, now)?;
        Ok(Self { verified, target: portal })
    }
}

impl Permitted<Operator> {
    /// Permits what an operator may do.
    ///
    /// # Errors
    /// Where the token has expired or lacks [`OPERATOR_SCOPE`], or a person logged in below [`PERSON_LEVEL`].
    pub fn grant(verified: Verified, operator: Operator, now: Timestamp) -> Result<Self, NotGranted> {
        permits(&verified, OPERATOR_SCOPE, operator.person.is_some(), now)?;
        Ok(Self { verified, target: operator })
    }
}

impl Permitted<Auditor> {
    /// Permits what an auditor may do.
    ///
    /// # Errors
    /// Where the token has expired or lacks [`AUDITOR_SCOPE`], or a person logged in below [`PERSON_LEVEL`].
    pub fn grant(verified: Verified, auditor: Auditor, now: Timestamp) -> Result<Self, NotGranted> {
        permits(&verified, AUDITOR_SCOPE, auditor.person.is_some(), now)?;
        Ok(Self { verified, target: auditor })
    }
}

impl Permitted<OfficeStaff> {
    /// Permits what an office's own people may do.
    ///
    /// # Errors
    /// Where the token has expired or lacks [`OFFICE_SCOPE`], or the login is below [`PERSON_LEVEL`].
    pub fn grant(verified: Verified, staff: OfficeStaff, now: Timestamp) -> Result<Self, NotGranted> {
        permits(&verified, OFFICE_SCOPE, true, now)?;
        Ok(Self { verified, target: staff })
    }
}

impl Permitted<Clinician> {
    /// Permits what a clinician may do.
    ///
    /// # Errors
    /// Where the token has expired or lacks [`CLINICIAN_SCOPE`], or the login is below [`PERSON_LEVEL`].
    pub fn grant(verified: Verified, clinician: Clinician, now: Timestamp) -> Result<Self, NotGranted> {
        permits(&verified, CLINICIAN_SCOPE, true, now)?;
        Ok(Self { verified, target: clinician })
    }
}

fn permits(verified: &Verified, scope: &'static str, person: bool, now: Timestamp) -> Result<(), NotGranted> {
    if verified.expires <= now {
        Err(NotGranted::Expired)
    } else if !verified.scopes.iter().any(|has| has == scope) {
        Err(NotGranted::ScopeMissing(scope))
    } else if person && verified.level < PERSON_LEVEL {
        Err(NotGranted::LevelTooLow)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use super::*;

    fn verified(level: u8, scopes: &[&str]) -> Verified {
        Verified {
            issuer: "https://login.test".into(),
            client: "portal".into(),
            level,
            scopes: scopes.iter().map(|&scope| scope.into()).collect(),
            expires: "2026-01-01T00:00:00Z".parse().unwrap(),
        }
    }

    fn kari() -> Citizen {
        Citizen { national_identity_number: "14838541241".parse().unwrap(), representative: None }
    }

    #[test]
    fn level_three_is_not_enough_for_a_citizen() {
        let now = "2025-12-31T00:00:00Z".parse().unwrap();
        assert!(Permitted::<Citizen>::grant(verified(4, &[CITIZEN_SCOPE]), kari(), now).is_ok());
        let refused = Permitted::<Citizen>::grant(verified(3, &[CITIZEN_SCOPE]), kari(), now).unwrap_err();
        assert_eq!(refused.problem(), ProblemType::LevelTooLow);
    }

    #[test]
    fn an_expired_token_permits_nothing() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let refused = Permitted::<Citizen>::grant(verified(4, &[CITIZEN_SCOPE]), kari(), now).unwrap_err();
        assert_eq!(refused.problem(), ProblemType::Unauthenticated);
        let refused = Permitted::<Portal>::grant(verified(0, &[EVENTS_SCOPE]), Portal, now).unwrap_err();
        assert_eq!(refused, NotGranted::Expired);
    }

    #[test]
    fn each_role_needs_its_own_scope_and_none_opens_another() {
        let now = "2025-12-31T00:00:00Z".parse().unwrap();
        let (operator, auditor) = (Operator { person: None }, Auditor { person: None });
        let person = kari().national_identity_number;
        let organisation: OrganisationNumber = "310001015".parse().unwrap();
        let staff = OfficeStaff { person: person.clone(), organisation: organisation.clone() };
        let clinician = Clinician { person, hpr_number: 9_123_407.try_into().unwrap(), organisation };
        let scopes = [CITIZEN_SCOPE, EVENTS_SCOPE, OPERATOR_SCOPE, AUDITOR_SCOPE, OFFICE_SCOPE, CLINICIAN_SCOPE];
        for scope in scopes {
            let verified = || verified(4, &["openid", scope]);
            let refused = [
                (CITIZEN_SCOPE, Permitted::<Citizen>::grant(verified(), kari(), now).err()),
                (EVENTS_SCOPE, Permitted::<Portal>::grant(verified(), Portal, now).err()),
                (OPERATOR_SCOPE, Permitted::<Operator>::grant(verified(), operator.clone(), now).err()),
                (AUDITOR_SCOPE, Permitted::<Auditor>::grant(verified(), auditor.clone(), now).err()),
                (OFFICE_SCOPE, Permitted::<OfficeStaff>::grant(verified(), staff.clone(), now).err()),
                (CLINICIAN_SCOPE, Permitted::<Clinician>::grant(verified(), clinician.clone(), now).err()),
            ];
            for (needed, refused) in refused {
                assert_eq!(refused, (needed != scope).then_some(NotGranted::ScopeMissing(needed)), "{scope}");
            }
        }
        assert_eq!(NotGranted::ScopeMissing(EVENTS_SCOPE).problem(), ProblemType::NotPermitted);
    }

    #[test]
    fn an_operator_or_auditor_who_is_a_person_logs_in_at_the_highest_level() {
        let now = "2025-12-31T00:00:00Z".parse().unwrap();
        let scopes = [OPERATOR_SCOPE, AUDITOR_SCOPE];
        let person = Some(kari().national_identity_number);
        for (level, person, expected) in [
            (4, person.clone(), None),
            (3, person.clone(), Some(NotGranted::LevelTooLow)),
            (0, person, Some(NotGranted::LevelTooLow)),
            (0, None, None),
        ] {
            let operator = Operator { person: person.clone() };
            assert_eq!(Permitted::<Operator>::grant(verified(level, &scopes), operator, now).err(), expected);
            assert_eq!(Permitted::<Auditor>::grant(verified(level, &scopes), Auditor { person }, now).err(), expected);
        }
    }

    #[test]
    fn who_is_permitted_never_prints_their_number() {
        let now = "2025-12-31T00:00:00Z".parse().unwrap();
        let permitted = Permitted::<Citizen>::grant(verified(4, &[CITIZEN_SCOPE]), kari(), now).unwrap();
        assert!(!format!("{permitted:?}").contains("14838541241"));
    }
}
