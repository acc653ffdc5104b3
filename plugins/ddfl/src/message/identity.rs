//! Identifiers: each its own type, checked when it is made.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use thiserror::Error;
use uuid::Uuid;

use super::code::{self, Code};

/// Why a text is not the identifier that it should be. The text itself is never repeated.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum IdentityError {
    /// Not one to nine digits, or zero.
    #[error("a HER-id is one to nine digits and not zero")]
    HerId,
    /// Not nine digits with a correct check digit.
    #[error("an organisation number is nine digits with a correct check digit")]
    OrganisationNumber,
    /// Not eleven digits.
    #[error("a national identity number is eleven digits")]
    NationalId,
}

/// Identifier in the address register: of an office, a clinician at an office, or a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HerId(NonZeroU32);

impl HerId {
    /// From a number; zero is none.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).filter(|number| number.get() < 1_000_000_000).map(Self)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl FromStr for HerId {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        // `u32::from_str` also accepts a leading `+`.
        if text.is_empty() || text.len() > 9 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(IdentityError::HerId);
        }
        text.parse().ok().and_then(Self::new).ok_or(IdentityError::HerId)
    }
}

impl fmt::Display for HerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Number in the register of legal entities (Enhetsregisteret): nine digits, the last a check digit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OrganisationNumber(String);

impl OrganisationNumber {
    /// The nine digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrganisationNumber {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WEIGHTS: [u32; 8] = [3, 2, 7, 6, 5, 4, 3, 2];
        let text = text.trim();
        let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
        if digits.len() != 9 || text.len() != 9 {
            return Err(IdentityError::OrganisationNumber);
        }
        let sum: u32 = WEIGHTS.iter().zip(&digits).map(|(weight, digit)| weight * digit).sum();
        let check = match 11 - sum % 11 {
            11 => 0,
            check => check,
        };
        if digits.last() == Some(&check) { Ok(Self(text.to_owned())) } else { Err(IdentityError::OrganisationNumber) }
    }
}

/// National identity number or D number. It never prints itself.
///
/// Only the form is checked: whether the number exists is for the gateway and the population register
/// to say, and the check digits change in 2032.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NationalId(String);

impl NationalId {
    /// The eleven digits, for the message and nothing else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is one that can exist: a day and a month (raised in D numbers and in test numbers), and both check digits.
    /// Asked before a number from a message is handed to the gateway, which takes no other.
    #[must_use]
    pub fn is_plausible(&self) -> bool {
        const FIRST: [u32; 10] = [3, 7, 6, 1, 8, 9, 4, 5, 2, 1];
        const SECOND: [u32; 11] = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1];
        let digits: Vec<u32> = self.0.chars().filter_map(|c| c.to_digit(10)).collect();
        let [d1, d2, m1, m2, ..] = digits[..] else { return false };
        let day = match d1 * 10 + d2 {
            raised @ 41.. => raised - 40,
            day => day,
        };
        let month = match m1 * 10 + m2 {
            month @ 1..=12 => month,
            month @ 41..=52 => month - 40,
            month @ 66..=77 => month - 65,
            month @ 81..=92 => month - 80,
            _ => return false,
        };
        let days = match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let sum = |weights: &[u32]| weights.iter().zip(&digits).map(|(weight, digit)| weight * digit).sum::<u32>();
        (1..=days).contains(&day) && sum(&FIRST).is_multiple_of(11) && sum(&SECOND).is_multiple_of(11)
    }

    /// Which of the two numbers it is: in a D number the first digit is raised by four.
    #[must_use]
    pub fn type_code(&self) -> Code {
        match self.0.as_bytes().first() {
            Some(b'4'..=b'7') => code::PERSON_D_NUMBER,
            _ => code::PERSON_BIRTH_NUMBER,
        }
    }
}

impl FromStr for NationalId {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.len() == 11 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdentityError::NationalId)
        }
    }
}

impl fmt::Debug for NationalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NationalId(…)")
    }
}

/// `MsgInfo/MsgId` of what the plugin sends: a UUID (2.3.1).
///
/// It is derived, never drawn, so that a repeated call writes the same message: the receiver discards a
/// duplicate `MsgId` and receipts it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageId(Uuid);

/// Name space of the identifiers below; a random UUID of this project's own.
const NAMESPACE: Uuid = Uuid::from_u128(0x6b1f_57c4_8f0e_4d7a_9a53_2f1e_c0de_d1a1);

impl MessageId {
    /// Id of the message that opens a dialog. Later messages refer to it as their conversation
    /// (`RefToConversation` is the id of the first message, 2.3.3), so it follows from the dialog alone.
    #[must_use]
    pub fn of_dialog(dialog: &str) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, format!("dialog:{dialog}").as_bytes()))
    }

    /// Id of any other message: it follows from the idempotency key of the call and from what the call
    /// sends, since one call may send two messages (a change is a reservation and a cancellation).
    #[must_use]
    pub fn of_key(idempotency_key: &str, purpose: &str) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, format!("key:{purpose}:{idempotency_key}").as_bytes()))
    }

    /// An id that was derived earlier and kept.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text.trim()).ok().map(Self)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what failed by failing")]
    use super::*;

    #[test]
    fn a_her_id_is_digits_and_nothing_else() {
        assert_eq!("91095 ".parse::<HerId>().unwrap().get(), 91095);
        for bad in ["", "0", "+5", "12a", "1234567890", "-1", "½"] {
            assert_eq!(bad.parse::<HerId>(), Err(IdentityError::HerId), "{bad}");
        }
    }

    #[test]
    fn an_organisation_number_has_a_check_digit() {
        assert_eq!("971318864".parse::<OrganisationNumber>().map(|_| ()), check("971318864"));
        assert!("974760673".parse::<OrganisationNumber>().is_ok());
        assert!("974760674".parse::<OrganisationNumber>().is_err());
        assert!("97476067".parse::<OrganisationNumber>().is_err());
    }

    fn check(number: &str) -> Result<(), IdentityError> {
        let digits: Vec<i32> = number.bytes().map(|byte| i32::from(byte - b'0')).collect();
        let weights = [3, 2, 7, 6, 5, 4, 3, 2, 1];
        let sum: i32 = digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum();
        if sum % 11 == 0 { Ok(()) } else { Err(IdentityError::OrganisationNumber) }
    }

    #[test]
    fn a_national_identity_number_never_prints_itself() {
        let id: NationalId = "13116900216".parse().unwrap();
        assert!(!format!("{id:?}").contains("1311"));
        assert_eq!(id.type_code(), code::PERSON_BIRTH_NUMBER);
        let d_number: NationalId = "53116900216".parse().unwrap();
        assert_eq!(d_number.type_code(), code::PERSON_D_NUMBER);
        assert_eq!("1311690021x".parse::<NationalId>(), Err(IdentityError::NationalId));
    }

    #[test]
    fn a_number_that_cannot_exist_is_told_apart() {
        let plausible = |text: &str| text.parse::<NationalId>().unwrap().is_plausible();
        assert!(plausible("13116900216"));
        for bad in ["13116900217", "33116900216", "13136900216", "00000000000"] {
            assert!(!plausible(bad), "{bad}");
        }
    }

    #[test]
    fn ids_are_the_same_for_the_same_key_and_differ_otherwise() {
        assert_eq!(MessageId::of_dialog("d1"), MessageId::of_dialog("d1"));
        assert_ne!(MessageId::of_dialog("d1"), MessageId::of_dialog("d2"));
        assert_ne!(MessageId::of_key("k", "reserve"), MessageId::of_key("k", "cancel"));
        assert_ne!(MessageId::of_key("d1", ""), MessageId::of_dialog("d1"));
        let id = MessageId::of_dialog("d1");
        assert_eq!(MessageId::parse(&id.to_string()), Some(id));
        assert_eq!(id.to_string().len(), 36);
    }
}
