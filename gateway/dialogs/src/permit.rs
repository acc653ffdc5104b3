//! Who may do what. Authentication yields a [`Permitted`], every use case asks for one, and there is one way to get
//! one: what lies behind it cannot be called without.

use dialog_contract::{ids::NationalIdentityNumber, problem::ProblemType, service::Representation};
use jiff::Timestamp;

/// The lowest level of assurance for health information (Normen, eIDAS high).
pub const CITIZEN_LEVEL: u8 = 4;

/// The scope of the portal's own token for the feed of events.
pub const EVENTS_SCOPE: &str = "dialog:events";

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

/// Why a verified token does not permit something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotGranted {
    /// The token is too old.
    #[error("the token has expired")]
    Expired,
    /// The person logged in at too low a level.
    #[error("the login is not at level {CITIZEN_LEVEL}")]
    LevelTooLow,
    /// The client was not given the scope.
    #[error("the token lacks the scope {EVENTS_SCOPE}")]
    ScopeMissing,
}

impl NotGranted {
    /// The problem that the caller is told.
    #[must_use]
    pub const fn problem(self) -> ProblemType {
        match self {
            Self::Expired => ProblemType::Unauthenticated,
            Self::LevelTooLow => ProblemType::LevelTooLow,
            Self::ScopeMissing => ProblemType::NotPermitted,
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
    /// Where the token has expired or the login is below [`CITIZEN_LEVEL`].
    pub fn grant(verified: Verified, citizen: Citizen, now: Timestamp) -> Result<Self, NotGranted> {
        if verified.expires <= now {
            return Err(NotGranted::Expired);
        }
        if verified.level < CITIZEN_LEVEL {
            return Err(NotGranted::LevelTooLow);
        }
        Ok(Self { verified, target: citizen })
    }
}

impl Permitted<Portal> {
    /// Permits what the portal itself may do.
    ///
    /// # Errors
    /// Where the token has expired or lacks [`EVENTS_SCOPE`].
    pub fn grant(verified: Verified, portal: Portal, now: Timestamp) -> Result<Self, NotGranted> {
        if verified.expires <= now {
            return Err(NotGranted::Expired);
        }
        if !verified.scopes.iter().any(|scope| scope == EVENTS_SCOPE) {
            return Err(NotGranted::ScopeMissing);
        }
        Ok(Self { verified, target: portal })
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
        assert!(Permitted::<Citizen>::grant(verified(4, &[]), kari(), now).is_ok());
        let refused = Permitted::<Citizen>::grant(verified(3, &[]), kari(), now).unwrap_err();
        assert_eq!(refused.problem(), ProblemType::LevelTooLow);
    }

    #[test]
    fn an_expired_token_permits_nothing() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let refused = Permitted::<Citizen>::grant(verified(4, &[]), kari(), now).unwrap_err();
        assert_eq!(refused.problem(), ProblemType::Unauthenticated);
        let refused = Permitted::<Portal>::grant(verified(0, &[EVENTS_SCOPE]), Portal, now).unwrap_err();
        assert_eq!(refused, NotGranted::Expired);
    }

    #[test]
    fn the_feed_needs_its_scope() {
        let now = "2025-12-31T00:00:00Z".parse().unwrap();
        assert!(Permitted::<Portal>::grant(verified(0, &["openid", EVENTS_SCOPE]), Portal, now).is_ok());
        let refused = Permitted::<Portal>::grant(verified(4, &["openid"]), Portal, now).unwrap_err();
        assert_eq!(refused.problem(), ProblemType::NotPermitted);
    }

    #[test]
    fn who_is_permitted_never_prints_their_number() {
        let now = "2025-12-31T00:00:00Z".parse().unwrap();
        let permitted = Permitted::<Citizen>::grant(verified(4, &[]), kari(), now).unwrap();
        assert!(!format!("{permitted:?}").contains("14838541241"));
    }
}
