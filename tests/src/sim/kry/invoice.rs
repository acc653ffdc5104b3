//! Fees: what a completed visit costs, and payments at the vendor's payment service.

use super::document::resource;
use super::unit::UNIT;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

/// How long a payment can be made, in minutes.
const MINUTES: i64 = 15;

/// An amount owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// The vendor's id: `inv-100001`.
    pub id: String,
    /// Whose it is: the patient's id.
    pub patient: String,
    /// The visit that it came from.
    pub visit: String,
    /// In øre.
    pub amount: u64,
    /// Tariff codes.
    pub tariffs: Vec<&'static str>,
    /// When.
    pub issued: Timestamp,
    /// Until when.
    pub due: Date,
    /// Whether it is paid.
    pub paid: bool,
}

impl Invoice {
    /// As the vendor writes it, in a language.
    pub fn resource(&self, language: &str) -> Value {
        let description = match language {
            "nb" => "E-konsultasjon",
            "nn" => "E-konsultasjon",
            _ => "E-consultation",
        };
        let attributes = json!({
            "status": if self.paid { "paid" } else { "open" },
            "amount": { "value": self.amount, "currency": "NOK" },
            "tariffs": self.tariffs,
            "description": description,
            "issuedAt": self.issued,
            "dueDate": self.due,
        });
        let related = [
            ("visit", "visits", Some(self.visit.as_str())),
            ("patient", "patients", Some(self.patient.as_str())),
            ("unit", "units", Some(UNIT)),
        ];
        resource("invoices", &self.id, attributes, &related)
    }
}

/// A payment that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The vendor's id: `pay-100001`.
    pub id: String,
    /// What is paid.
    pub invoice: String,
    /// Where the patient comes back to.
    pub return_url: String,
    /// When it began.
    pub begun: Timestamp,
}

impl Payment {
    /// Until when it can be made.
    pub fn expires(&self) -> Timestamp {
        self.begun.saturating_add(MINUTES.minutes()).unwrap_or(self.begun)
    }

    /// As the vendor writes it.
    pub fn resource(&self) -> Value {
        let attributes = json!({
            "status": "pending",
            "redirectUrl": format!("https://pay.kry.example/p/{}", self.id),
            "expiresAt": self.expires(),
        });
        resource("payments", &self.id, attributes, &[("invoice", "invoices", Some(self.invoice.as_str()))])
    }
}
