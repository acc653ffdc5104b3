//! Fees: what a completed visit costs, and payments at the vendor's payment service.

use super::calendar::norway;
use super::document::resource;
use super::event::About;
use super::state::State;
use super::unit::UNIT;
use super::{NationalId, SimError};
use crate::sim::helserespons::PayOutcome;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

/// How long a payment can be made, in minutes.
const MINUTES: i64 = 15;
/// Days until an invoice is due.
const DAYS: i64 = 14;

/// An amount owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// The vendor's id: `inv-100001`.
    pub id: String,
    /// Whose it is: the patient's id.
    pub patient: String,
    /// The visit that it came from, where it came from one.
    pub visit: Option<String>,
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
            ("visit", "visits", self.visit.as_deref()),
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
    /// How it ended.
    pub outcome: Option<PayOutcome>,
}

impl Payment {
    /// Until when it can be made.
    pub fn expires(&self) -> Timestamp {
        self.begun.saturating_add(MINUTES.minutes()).unwrap_or(self.begun)
    }

    /// Whether it can still be made.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.outcome.is_none() && self.expires() > now
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

impl State {
    /// A patient owes something: of a visit, or of something that no visit tells of.
    pub fn bill(&mut self, patient: &str, visit: Option<&str>, amount: u64, tariffs: Vec<&'static str>) {
        let issued = self.now();
        let invoice = Invoice {
            id: self.number("inv"),
            patient: patient.to_owned(),
            visit: visit.map(str::to_owned),
            amount,
            tariffs,
            issued,
            due: issued.to_zoned(norway()).date().saturating_add(DAYS.days()),
            paid: false,
        };
        self.invoices.push(invoice);
    }

    /// A patient who has been here owes something that no visit tells of.
    pub fn owe(&mut self, citizen: &NationalId, amount: u64) -> Result<(), SimError> {
        let patient = self.patients.iter().find(|patient| patient.citizen == *citizen);
        let patient = patient.ok_or(SimError::NoSuchPatient)?.id.clone();
        self.bill(&patient, None, amount, vec!["2ae"]);
        Ok(())
    }

    /// What happens at the payment service, or after; gives the number of the event.
    pub fn end_payment(&mut self, id: &str, outcome: PayOutcome) -> Result<u64, SimError> {
        let missing = || SimError::NoSuchPayment(id.to_owned());
        let at = self.now();
        let receipt = self.number("rec");
        let payment = self.payments.iter_mut().find(|one| one.id == id).ok_or_else(missing)?;
        payment.outcome = Some(outcome);
        let invoice = payment.invoice.clone();
        let mut facts = json!({ "outcome": outcome });
        if outcome == PayOutcome::Paid {
            self.invoices.iter_mut().find(|one| one.id == invoice).ok_or_else(missing)?.paid = true;
            facts["receipt"] = json!(receipt);
            facts["paidAt"] = json!(at);
        }
        let related = vec![("payment", "payments", id.to_owned())];
        Ok(self.tell("payment.ended", About { facts, related, ..About::default() }))
    }
}
