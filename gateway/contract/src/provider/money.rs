//! What providers say of money that was asked for.

use jiff::Timestamp;

use crate::ids::HprNumber;

/// What became of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentState {
    /// The money has come.
    Paid(PaymentReceipt),
    /// It did not go through, and nothing was charged.
    Failed,
    /// Nobody paid in time, and nothing was charged.
    Expired,
    /// The money was given back.
    Refunded,
}

/// That something was paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentReceipt {
    /// The receipt's number, as the provider's accounts have it.
    pub number: String,
    /// When it was paid.
    pub at: Timestamp,
}

/// One fee for a dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialogFee {
    /// Tariff code (takst).
    pub tariff: String,
    /// In øre (1/100 NOK), at least 1.
    pub amount: u64,
    /// The clinician who answered; whom the dialog is with where there is none.
    pub clinician: Option<HprNumber>,
}
