//! Application receipts (AppRec) 1.0 and 1.1: what became of a message that we sent (2.13).

use jiff::Timestamp;

use super::dialog::coded;
use super::{ReadError, head, identifier, limit};
use crate::message::code::RECEIPT_UNKNOWN_PATIENT;
use crate::message::{HerId, time};
use crate::xml::tree::Element;

/// What the receiving application says (8258).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptStatus {
    /// 1: taken in, can be read by who is responsible.
    Ok,
    /// 2: rejected.
    Rejected,
    /// 3: taken in, though something in it was wrong.
    OkWithErrors,
}

impl ReceiptStatus {
    /// From its code.
    #[must_use]
    pub fn from_value(value: &str) -> Option<Self> {
        match value.trim() {
            "1" => Some(Self::Ok),
            "2" => Some(Self::Rejected),
            "3" => Some(Self::OkWithErrors),
            _ => None,
        }
    }
}

/// Why a message was rejected (8221).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptReason {
    /// The code, such as `T02`.
    pub code: String,
    /// Its name and what the receiver adds.
    pub text: String,
}

impl ReceiptReason {
    /// Whether sending the same again may succeed. Never for a citizen who is not digitally active (2.13.2).
    #[must_use]
    pub fn resendable(&self) -> bool {
        // Format errors stay errors when the same is sent again; what remains is the receiver's own trouble.
        !self.code.eq_ignore_ascii_case(RECEIPT_UNKNOWN_PATIENT)
            && !self.code.starts_with(['E', 'e', 'T', 't', 'S', 's'])
    }
}

/// An application receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationReceipt {
    /// Its own id.
    pub id: String,
    /// When it was made.
    pub generated: Option<Timestamp>,
    /// `MsgId` of the message that it is about.
    pub about: String,
    /// What it says.
    pub status: ReceiptStatus,
    /// Why.
    pub reasons: Vec<ReceiptReason>,
    /// HER-ids that the sender gives, the innermost first.
    pub senders: Vec<HerId>,
}

pub(super) fn read(root: &Element) -> Result<ApplicationReceipt, ReadError> {
    let id = identifier(root.child_text("Id"), "Id")?.ok_or(ReadError::Missing { element: "Id" })?;
    let about = root
        .at(&["OriginalMsgId", "Id"])
        .and_then(Element::text)
        .ok_or(ReadError::Missing { element: "OriginalMsgId/Id" })?;
    let about = identifier(Some(about), "OriginalMsgId/Id")?.unwrap_or_default();
    let status = root.child("Status").ok_or(ReadError::Missing { element: "Status" })?;
    let status = status
        .attribute("V")
        .and_then(ReceiptStatus::from_value)
        .ok_or(ReadError::Invalid { element: "Status", expected: "1, 2 or 3" })?;
    let mut reasons = Vec::new();
    for error in root.children("Error") {
        if reasons.len() >= limit::REASONS {
            return Err(ReadError::TooMuch { element: "Error", limit: limit::REASONS });
        }
        reasons.push(reason(error)?);
    }
    let mut senders = Vec::new();
    if let Some(party) = root.at(&["Sender", "HCP"]) {
        collect(party, &mut senders);
    }
    Ok(ApplicationReceipt {
        id: head::canonical(id),
        generated: root.child_text("GenDate").and_then(|text| time::parse(&text)),
        about: head::canonical(about),
        status,
        reasons,
        senders,
    })
}

fn reason(error: &Element) -> Result<ReceiptReason, ReadError> {
    if error.attribute("V").is_none() {
        let text = error.attribute("DN").or(error.attribute("OT")).unwrap_or("Ukjent feil");
        let text = text.chars().take(limit::LINE).collect();
        return Ok(ReceiptReason { code: "X99".to_owned(), text });
    }
    let code = coded(error, "Error")?;
    let other = error.attribute("OT").unwrap_or_default();
    let name = code.name.as_deref().unwrap_or_default();
    let text = match (name.is_empty(), other.is_empty()) {
        (false, false) => format!("{name}: {other}"),
        (true, false) => other.to_owned(),
        _ => name.to_owned(),
    };
    // Some systems exchange value and code system.
    let value = match &code.system {
        Some(system) if code.value.starts_with("2.16.") => system.clone(),
        _ => code.value,
    };
    Ok(ReceiptReason { code: value, text: text.chars().take(limit::LINE).collect() })
}

/// HER-ids anywhere in the party: of institution, department, person; innermost first.
fn collect(element: &Element, found: &mut Vec<HerId>) {
    for child in element.elements() {
        collect(child, found);
    }
    let is_her = |kind: Option<&Element>| {
        kind.and_then(|kind| kind.attribute("V")).is_some_and(|kind| kind.eq_ignore_ascii_case("HER"))
    };
    if is_her(element.child("TypeId")) || is_her(element.child("Type")) {
        found.extend(element.child_text("Id").and_then(|id| id.parse::<HerId>().ok()));
    }
}
