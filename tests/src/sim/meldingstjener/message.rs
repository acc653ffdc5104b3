//! What a message from the portal says, as the offices' record systems read it.

use super::codes::{Code, Kind, Process};
use super::tree::Element;
use base64::Engine;
use jiff::civil::{Date, DateTime};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};
use std::fmt;

/// A national identity number; it never prints itself.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NationalId(String);

impl NationalId {
    /// Takes a number as it stands; whether it is one is for the reader of a message to say.
    pub fn new(number: impl Into<String>) -> NationalId {
        NationalId(number.into())
    }

    /// The number itself, for writing it into a message.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether the number has eleven digits, a day and a month (also D-numbers and synthetic ones), and check digits.
    pub fn is_valid(&self) -> bool {
        let digits: Vec<u32> = self.0.chars().filter_map(|c| c.to_digit(10)).collect();
        let [d1, d2, m1, m2, .., k1, k2] = digits.as_slice() else {
            return false;
        };
        if digits.len() != 11 || self.0.len() != 11 {
            return false;
        }
        let day = (d1 * 10 + d2) % 40;
        let month = (m1 * 10 + m2) % 40 % 20;
        let check = |weights: &[u32]| {
            let sum: u32 = digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum();
            (11 - sum % 11) % 11
        };
        (1..=31).contains(&day)
            && (1..=12).contains(&month)
            && check(&[3, 7, 6, 1, 8, 9, 4, 5, 2]) == *k1
            && check(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) == *k2
    }

    /// Whether this is a D-number (day + 40).
    pub fn is_d_number(&self) -> bool {
        self.0.starts_with(['4', '5', '6', '7'])
    }
}

impl fmt::Debug for NationalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NationalId(…)")
    }
}

/// A person in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// National identity number.
    pub national_id: NationalId,
}

/// A file in a message; in JSON its content is base64.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attachment {
    /// Media type, as the message has it.
    pub mime_type: String,
    /// What the message calls it.
    pub description: String,
    /// The bytes.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub content: Vec<u8>,
}

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&base64::engine::general_purpose::STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    base64::engine::general_purpose::STANDARD.decode(text).map_err(D::Error::custom)
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("mime_type", &self.mime_type)
            .field("bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

/// An event of a calendar, local time in Norway.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The slot's identifier.
    pub uid: String,
    /// Start.
    pub start: DateTime,
    /// End.
    pub end: DateTime,
    /// HER-id of the doctor whose slot it is.
    pub contact: u32,
    /// The appointment's identifier, once there is one.
    pub related_to: Option<String>,
    /// What it is about.
    pub summary: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Where.
    pub location: Option<String>,
    /// Kinds of slot, `Video` and `Hastetime` and `MustCall` among them.
    pub categories: Vec<String>,
}

/// A prescription (M1) as the portal sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prescription {
    /// Name, form and strength.
    pub name: String,
    /// The whole M1 element: what is renewed goes back as it came.
    pub element: Element,
}

/// The references of a message in a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct References {
    /// The message before.
    pub parent: String,
    /// The first message.
    pub conversation: String,
}

/// A clinician of another office, as a message names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colleague {
    /// Given and family name.
    pub name: String,
    /// HPR number.
    pub hpr: String,
    /// HER-id of the office (level 2).
    pub office: u32,
}

/// A message from the portal.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// `MsgId`.
    pub msg_id: String,
    /// `GenDate` as written.
    pub gen_date: String,
    /// The process.
    pub process: Process,
    /// What it asks for.
    pub kind: Kind,
    /// Whether the sender asks for a receipt.
    pub wants_receipt: bool,
    /// The dialog that it belongs to; none for the first message of one.
    pub references: Option<References>,
    /// The receiver's organisation (level 1); zero where the message has none.
    pub receiver_organisation: u32,
    /// The receiver's communication party (level 2).
    pub receiver: u32,
    /// The citizen; none in a communication test.
    pub patient: Option<Person>,
    /// Who acts for the citizen.
    pub acting: Option<Person>,
    /// Subject.
    pub subject: Option<String>,
    /// Text.
    pub text: Option<String>,
    /// `KodetOpplysning`.
    pub coded: Option<Code>,
    /// The first and last day asked about.
    pub period: Option<(Date, Date)>,
    /// HPR number of the clinician that the citizen wishes.
    pub wanted_gp: Option<String>,
    /// The clinician who wrote it, where that is one.
    pub author: Option<Colleague>,
    /// Calendar events.
    pub events: Vec<Event>,
    /// Prescriptions to renew.
    pub prescriptions: Vec<Prescription>,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// Who is digitally active.
    pub persons: Vec<Person>,
}

#[cfg(test)]
mod tests {
    use super::NationalId;
    use crate::sim::world::CITIZENS;

    #[test]
    fn a_national_identity_number_is_checked_and_never_printed() {
        for citizen in &CITIZENS {
            let id = NationalId::new(citizen.national_id);
            assert!(id.is_valid());
            assert!(!id.is_d_number());
            assert!(!format!("{id:?}").contains(citizen.national_id));
        }
        for wrong in ["", "1", "14838541242", "1483854124x", "148385412411", "00838541241"] {
            assert!(!NationalId::new(wrong).is_valid(), "{wrong}");
        }
    }
}
