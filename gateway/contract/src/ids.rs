//! Identifiers: each a type of its own, checked on construction. A national identity number never prints itself.

use std::{fmt, num::NonZeroU32, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is not the identifier that it should be. Never contains the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}: {rule}")]
pub struct InvalidId {
    /// Which identifier.
    pub kind: &'static str,
    /// The rule that it breaks.
    pub rule: &'static str,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, later than all before it (UUIDv7, RFC 9562).
            #[must_use]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The id as a UUID.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId { kind: $kind, rule: "must be a UUID" })
            }
        }
    };
}

uuid_id!(
    /// One dialog.
    DialogId,
    "dialog id"
);
uuid_id!(
    /// One message in a dialog.
    MessageId,
    "message id"
);
uuid_id!(
    /// One attachment, before and after it is part of a message.
    AttachmentId,
    "attachment id"
);
uuid_id!(
    /// One appointment, as the portal names it.
    AppointmentId,
    "appointment id"
);
uuid_id!(
    /// The gateway's id of an invoice.
    InvoiceId,
    "invoice id"
);
uuid_id!(
    /// The gateway's id of a payment.
    PaymentId,
    "payment id"
);
uuid_id!(
    /// The gateway's id of a notice: the same at every attempt to deliver it.
    NoticeId,
    "notice id"
);
uuid_id!(
    /// One event that the portal is told.
    EventId,
    "event id"
);
uuid_id!(
    /// One request to the gateway, as logs, traces and problems name it.
    RequestId,
    "request id"
);

/// A citizen's national identity number (fødselsnummer, D-number or a synthetic test number), eleven digits.
///
/// Neither `Debug` nor `Display` shows it, and it is not serializable by accident: [`expose`] is the one way out.
///
/// [`expose`]: NationalIdentityNumber::expose
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NationalIdentityNumber(String);

impl NationalIdentityNumber {
    /// The digits, for the one who must have them: a plugin that was granted them, and the store's keys' hash.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for NationalIdentityNumber {
    type Err = InvalidId;

    /// Accepts eleven digits with a plausible date and both check digits right (Skatteetaten). D-numbers have 40
    /// added to the day; synthetic numbers have 40 (Norsk Helsenett), 65 or 80 (Tenor) added to the month.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        const KIND: &str = "national identity number";
        let invalid = |rule| Err(InvalidId { kind: KIND, rule });
        let Some(digits) = digits::<11>(text) else {
            return invalid("must be eleven digits");
        };
        let pair = |at: usize| digits[at] * 10 + digits[at + 1];
        let day = if pair(0) > 40 { pair(0) - 40 } else { pair(0) };
        let month = match pair(2) {
            month @ 1..=12 => month,
            month @ 41..=52 => month - 40,
            month @ 66..=77 => month - 65,
            month @ 81..=92 => month - 80,
            _ => return invalid("has no such month"),
        };
        let days = match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if !(1..=days).contains(&day) {
            return invalid("has no such day");
        }
        let check =
            |weights: &[u32]| weights.iter().zip(&digits).map(|(weight, digit)| weight * digit).sum::<u32>() % 11;
        if check(&[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) != 0 || check(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) != 0 {
            return invalid("has wrong check digits");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for NationalIdentityNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NationalIdentityNumber(…)")
    }
}

/// An organisation number (organisasjonsnummer), nine digits with a modulus 11 check digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrganisationNumber(String);

impl OrganisationNumber {
    /// The nine digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrganisationNumber {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        const KIND: &str = "organisation number";
        let Some(digits) = digits::<9>(text) else {
            return Err(InvalidId { kind: KIND, rule: "must be nine digits" });
        };
        let sum: u32 = [3, 2, 7, 6, 5, 4, 3, 2, 1].iter().zip(&digits).map(|(weight, digit)| weight * digit).sum();
        if !sum.is_multiple_of(11) {
            return Err(InvalidId { kind: KIND, rule: "has a wrong check digit" });
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for OrganisationNumber {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<OrganisationNumber> for String {
    fn from(number: OrganisationNumber) -> Self {
        number.0
    }
}

impl fmt::Display for OrganisationNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn digits<const N: usize>(text: &str) -> Option<[u32; N]> {
    let bytes: [u8; N] = text.as_bytes().try_into().ok()?;
    bytes.iter().all(u8::is_ascii_digit).then(|| bytes.map(|byte| u32::from(byte - b'0')))
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $max:literal, $rule:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "u32", into = "u32")]
        pub struct $name(NonZeroU32);

        impl $name {
            /// The number.
            #[must_use]
            pub const fn get(self) -> u32 {
                self.0.get()
            }
        }

        impl TryFrom<u32> for $name {
            type Error = InvalidId;

            fn try_from(number: u32) -> Result<Self, InvalidId> {
                match NonZeroU32::new(number) {
                    Some(number) if number.get() <= $max => Ok(Self(number)),
                    _ => Err(InvalidId { kind: $kind, rule: $rule }),
                }
            }
        }

        impl From<$name> for u32 {
            fn from(id: $name) -> Self {
                id.get()
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                // `u32::from_str` is more lenient: it takes a leading `+`.
                if text.starts_with('+') {
                    return Err(InvalidId { kind: $kind, rule: $rule });
                }
                text.parse::<u32>().ok().and_then(|number| Self::try_from(number).ok())
                    .ok_or(InvalidId { kind: $kind, rule: $rule })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number_id!(
    /// A HER-id: the number of a communication party in Adresseregisteret.
    HerId,
    "HER-id",
    99_999_999,
    "must be a number from 1 to 99999999"
);
number_id!(
    /// An HPR number: a clinician's number in Helsepersonellregisteret.
    HprNumber,
    "HPR number",
    999_999_999,
    "must be a number from 1 to 999999999"
);

/// The id of a plugin: 2 to 40 of `a-z`, `0-9` and `-`, beginning with a letter. It is in paths, metrics and the log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PluginId(String);

impl PluginId {
    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PluginId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let fits = (2..=40).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !fits {
            return Err(InvalidId {
                kind: "plugin id",
                rule: "must be 2 to 40 of a-z, 0-9 and '-', beginning with a letter",
            });
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for PluginId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<PluginId> for String {
    fn from(id: PluginId) -> Self {
        id.0
    }
}

impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

    use proptest::prelude::*;

    use super::*;

    /// Nine digits with the two check digits that belong to them, if there are such.
    fn checked(nine: &str) -> Option<String> {
        let mut digits: Vec<u32> = nine.chars().map(|digit| digit.to_digit(10).unwrap()).collect();
        for weights in [&[3, 7, 6, 1, 8, 9, 4, 5, 2][..], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2][..]] {
            let sum: u32 = weights.iter().zip(&digits).map(|(weight, digit)| weight * digit).sum();
            match (11 - sum % 11) % 11 {
                10 => return None,
                digit => digits.push(digit),
            }
        }
        Some(digits.into_iter().map(|digit| char::from_digit(digit, 10).unwrap()).collect())
    }

    /// The first number with that date that has check digits.
    fn number(date: &str) -> String {
        (100..999).find_map(|individual| checked(&format!("{date}{individual}"))).unwrap()
    }

    fn rule(text: &str) -> &'static str {
        NationalIdentityNumber::from_str(text).unwrap_err().rule
    }

    #[test]
    fn numbers_of_every_kind_are_accepted() {
        // Ordinary, D-number, Norsk Helsenett's, Tenor's two, and a synthetic D-number.
        for date in ["150385", "550385", "154385", "156885", "158385", "558385"] {
            let number = number(date);
            assert_eq!(NationalIdentityNumber::from_str(&number).unwrap().expose(), number, "{date}");
        }
    }

    #[test]
    fn the_days_and_months_of_a_number_must_exist() {
        for date in ["320185", "310485", "300285", "720185", "000185"] {
            assert_eq!(rule(&number(date)), "has no such day", "{date}");
        }
        for date in ["150085", "151385", "154085", "155385", "156585", "157885", "158085", "159385"] {
            assert_eq!(rule(&number(date)), "has no such month", "{date}");
        }
        assert!(NationalIdentityNumber::from_str(&number("290200")).is_ok(), "a leap day");
    }

    #[test]
    fn what_is_not_eleven_digits_is_no_number() {
        for text in ["", "1483854124", "148385412410", "1483854124x", "14838541241 ", "١٤٨٣٨٥٤١٢٤١", "+4838541241"]
        {
            assert_eq!(rule(text), "must be eleven digits");
        }
    }

    #[test]
    fn a_number_prints_itself_nowhere() {
        let text = number("158385");
        let shown = format!(
            "{:?} {:#?}",
            NationalIdentityNumber::from_str(&text).unwrap(),
            Some(text.parse::<NationalIdentityNumber>())
        );
        assert!(!shown.contains(&text), "{shown}");
        let mut wrong = text.clone();
        wrong.replace_range(10..11, if text.ends_with('0') { "1" } else { "0" });
        let error = NationalIdentityNumber::from_str(&wrong).unwrap_err();
        assert_eq!(error.rule, "has wrong check digits");
        assert!(!format!("{error} {error:?}").contains(&wrong));
    }

    #[test]
    fn an_organisation_number_has_nine_digits_and_a_right_check_digit() {
        let number: OrganisationNumber = "310001015".parse().unwrap();
        assert_eq!(number.to_string(), "310001015");
        assert_eq!("310001016".parse::<OrganisationNumber>().unwrap_err().rule, "has a wrong check digit");
        assert_eq!("31000101".parse::<OrganisationNumber>().unwrap_err().rule, "must be nine digits");
        assert_eq!(serde_json::to_string(&number).unwrap(), "\"310001015\"");
        assert!(serde_json::from_str::<OrganisationNumber>("\"310001016\"").is_err());
    }

    #[test]
    fn a_her_id_is_a_number_in_its_range_written_plainly() {
        assert_eq!("8150110".parse::<HerId>().unwrap().get(), 8_150_110);
        assert_eq!(HerId::try_from(99_999_999).unwrap().to_string(), "99999999");
        for text in ["0", "100000000", "-1", "+1", " 1", "1 ", "1.0", "", "4294967297", "0x1"] {
            assert!(text.parse::<HerId>().is_err(), "{text:?}");
        }
        assert!(serde_json::from_str::<HerId>("0").is_err());
        assert!(serde_json::from_str::<HprNumber>("1000000000").is_err());
    }

    #[test]
    fn a_plugin_id_is_short_and_plain() {
        for good in ["ddfl", "a1", "my-plugin-2"] {
            assert_eq!(good.parse::<PluginId>().unwrap().as_str(), good);
        }
        let long = "a".repeat(41);
        for bad in ["", "a", "1a", "-a", "Ddfl", "dd_fl", "dd/fl", "dd..", "æøå", long.as_str()] {
            assert!(bad.parse::<PluginId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn new_ids_follow_each_other() {
        let ids: Vec<EventId> = (0..1_000).map(|_| EventId::new()).collect();
        assert!(ids.is_sorted());
        assert_eq!(ids[0].uuid().get_version_num(), 7);
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_always_found(individual in 100..999u32, at in 6..11usize, add in 1..10u32) {
            let Some(right) = checked(&format!("158385{individual}")) else { return Ok(()) };
            prop_assert!(NationalIdentityNumber::from_str(&right).is_ok());
            let digit = right[at..=at].parse::<u32>().unwrap();
            let mut wrong = right.clone();
            wrong.replace_range(at..=at, &((digit + add) % 10).to_string());
            prop_assert_eq!(rule(&wrong), "has wrong check digits");
        }

        #[test]
        fn any_text_is_an_id_or_an_error_and_never_a_panic(text in "\\PC{0,20}") {
            let _ = text.parse::<NationalIdentityNumber>();
            let _ = text.parse::<OrganisationNumber>();
            let _ = text.parse::<HprNumber>();
            let _ = text.parse::<PluginId>();
            let _ = text.parse::<DialogId>();
        }

        #[test]
        fn what_an_id_prints_it_reads(number in 1..=99_999_999u32) {
            let id = HerId::try_from(number).unwrap();
            prop_assert_eq!(id.to_string().parse::<HerId>(), Ok(id));
            prop_assert_eq!(serde_json::from_str::<HerId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
        }
    }
}
