//! Application receipts: AppRec 1.0 and 1.1, from an office to the portal and from the portal to an office.

use super::codes::{NS_RECEIPT_1_0, NS_RECEIPT_1_1, RECEIPT_ERROR, receipt_error};
use super::style::{ReceiptVersion, Style};
use super::tree::{Element, Written, write};
use crate::sim::world::{Office, PORTAL_HER_ID, PORTAL_NAME, PORTAL_ORGANISATION_HER_ID, PORTAL_ORGANISATION_NAME};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What became of a message at its receiver (8258).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReceiptStatus {
    /// Received and understood.
    Ok,
    /// Not understood; nothing more will come of it.
    Rejected,
    /// Understood but for a part.
    OkErrorInMessagePart,
}

impl ReceiptStatus {
    fn coded(self) -> (&'static str, &'static str) {
        match self {
            ReceiptStatus::Ok => ("1", "OK"),
            ReceiptStatus::Rejected => ("2", "Avvist"),
            ReceiptStatus::OkErrorInMessagePart => ("3", "OK, feil i delmelding"),
        }
    }
}

/// An error in a receipt (8221).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptError {
    /// The code.
    pub error_code: String,
    /// What was wrong, in words.
    #[serde(default)]
    pub details: Option<String>,
}

impl ReceiptError {
    /// An error of this code.
    pub fn new(code: &str) -> ReceiptError {
        ReceiptError { error_code: code.to_owned(), details: None }
    }
}

/// A receipt for one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The receipt's own identifier.
    pub id: String,
    /// When it was written.
    pub written: Timestamp,
    /// What became of the message.
    pub status: ReceiptStatus,
    /// What was wrong with it.
    pub errors: Vec<ReceiptError>,
    /// `MsgId` of the message.
    pub original_id: String,
    /// `MsgInfo/Type` of the message.
    pub original_type: String,
    /// `GenDate` of the message.
    pub original_date: String,
}

/// One side of a receipt: organisation and communication party.
struct Side<'a> {
    organisation: (&'a str, u32),
    party: (&'a str, u32),
}

/// The receipt that an office's party sends the portal.
pub fn from_office(receipt: &Receipt, office: &Office, party: u32, style: &Style) -> Vec<u8> {
    let sender = Side { organisation: (office.name, office.her_id), party: (office.service_name, party) };
    write(&element(receipt, &sender, &portal(), style.receipts, &style.padded(&receipt.original_id)), style.encoding)
}

/// The receipt that the portal sends an office's party, as Meldingstjener builds it.
pub fn from_portal(receipt: &Receipt, office: &Office, party: u32) -> Vec<u8> {
    let receiver = Side { organisation: (office.name, office.her_id), party: (office.service_name, party) };
    write(&element(receipt, &portal(), &receiver, ReceiptVersion::V1_1, &receipt.original_id), Written::Utf8)
}

fn portal() -> Side<'static> {
    Side { organisation: (PORTAL_ORGANISATION_NAME, PORTAL_ORGANISATION_HER_ID), party: (PORTAL_NAME, PORTAL_HER_ID) }
}

fn element(receipt: &Receipt, from: &Side<'_>, to: &Side<'_>, version: ReceiptVersion, original_id: &str) -> Element {
    let (ns, mig) = match version {
        ReceiptVersion::V1_0 => (NS_RECEIPT_1_0, "1.0 2004-11-21"),
        ReceiptVersion::V1_1 => (NS_RECEIPT_1_1, "v1.1 2012-02-15"),
    };
    let el = |name: &str| Element::new(ns, name);
    let status = receipt.status.coded();
    let errors = receipt.errors.iter().map(|error| {
        let name = receipt_error(&error.error_code);
        let coded = el("Error").attr("V", error.error_code.clone()).attr("S", RECEIPT_ERROR).attr("DN", name);
        match &error.details {
            Some(details) => coded.attr("OT", details.clone()),
            None => coded,
        }
    });
    el("AppRec")
        .with(el("MsgType").attr("V", "APPREC").attr("DN", "Applikasjonskvittering"))
        .field("MIGversion", mig)
        .field("GenDate", receipt.written.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .field("Id", receipt.id.clone())
        .with(el("Sender").with(side(ns, from)))
        .with(el("Receiver").with(side(ns, to)))
        .with(el("Status").attr("V", status.0).attr("DN", status.1))
        .with_all(errors)
        .with(
            el("OriginalMsgId")
                .with(el("MsgType").attr("V", receipt.original_type.clone()))
                .field("IssueDate", receipt.original_date.clone())
                .field("Id", original_id),
        )
}

fn side(ns: &str, side: &Side<'_>) -> Element {
    let el = |name: &str| Element::new(ns, name);
    let unit = |name: &str, (title, her_id): (&str, u32)| {
        el(name)
            .field("Name", title)
            .field("Id", her_id.to_string())
            .with(el("TypeId").attr("V", "HER").attr("DN", "HER-id"))
    };
    el("HCP").with(unit("Inst", side.organisation).with(unit("Dept", side.party)))
}
