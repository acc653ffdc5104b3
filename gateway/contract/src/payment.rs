//! What citizens owe and pay. JSON by `schemas/json/invoice.json`, `new-payment.json`, `payment-begun.json` and
//! `payment.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    dialog::{OfficeName, Provider},
    ids::{DialogId, InvoiceId, PaymentId},
    service::closed_list,
};

/// One amount that the citizen owes the office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Invoice {
    /// The gateway's id, the same each time.
    pub id: InvoiceId,
    /// To whom.
    pub office: OfficeName,
    /// Through whom it is paid.
    pub provider: Provider,
    /// In øre (1/100 NOK).
    pub amount: u64,
    /// Tariff codes (takster).
    pub tariffs: Vec<String>,
    /// What it is for. Never a diagnosis.
    pub text: String,
    /// When it should be paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// The citizen's dialog that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialog: Option<DialogId>,
    /// The payment that is open for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentId>,
}

/// The body of `POST /v1/me/invoices/{invoice}/pay`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPayment {
    /// Where the payment service sends the citizen afterwards: of an origin that the operator allows.
    pub return_url: String,
}

/// Where the citizen pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PaymentBegun {
    /// The gateway's id of the payment.
    pub id: PaymentId,
    /// An absolute https URL of the payment service.
    pub redirect: String,
    /// Until when the citizen can pay there.
    pub expires: Timestamp,
}

/// A payment that was begun, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Payment {
    /// The gateway's id.
    pub id: PaymentId,
    /// The invoice that it is for.
    pub invoice: InvoiceId,
    /// To whom.
    pub office: OfficeName,
    /// Through whom.
    pub provider: Provider,
    /// In øre (1/100 NOK), as the invoice had it.
    pub amount: u64,
    /// What it is for, as the invoice had it.
    pub text: String,
    /// Where it stands.
    pub status: PaymentStatus,
    /// When it was begun.
    pub begun: Timestamp,
    /// Until when it could be paid.
    pub expires: Timestamp,
    /// Where to pay, while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<String>,
    /// The receipt, where it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

closed_list!(
    /// Where a payment stands.
    PaymentStatus {
        /// It can be paid.
        Open = "open",
        /// The money has come.
        Paid = "paid",
        /// It did not go through; nothing was charged.
        Failed = "failed",
        /// Nobody paid in time; nothing was charged.
        Expired = "expired",
        /// The money was given back.
        Refunded = "refunded",
    }
);

/// That something was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Receipt {
    /// The receipt's number, as the provider's accounts have it.
    pub number: String,
    /// When it was paid.
    pub paid: Timestamp,
}
