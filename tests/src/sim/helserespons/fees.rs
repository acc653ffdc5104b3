//! Fees: what patients owe, payments of it, and the payment page, where a test decides how it ends.

use super::state::State;
use super::{NationalId, SimError};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Minutes for which a payment page is open.
const MINUTES: i64 = 30;
/// Days until a fee is due.
const DAYS: i64 = 14;

/// A fee for a case, as a clinic charges it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charge {
    /// Tariff code.
    pub tariff: String,
    /// Amount.
    pub ore: u64,
    /// HPR number of whoever answered.
    #[serde(default)]
    pub hpr: Option<u32>,
}

/// What a patient owes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fee {
    /// Its number.
    pub fee_no: String,
    /// The clinic.
    pub clinic: &'static str,
    /// Who owes it.
    pub citizen: NationalId,
    /// The amount.
    pub ore: u64,
    /// Tariff codes.
    pub tariffs: Vec<String>,
    /// What it is for.
    pub text: String,
    /// When it should be paid.
    pub due: Date,
    /// The case that it came from.
    pub case_no: Option<String>,
    /// Whether it is paid.
    pub paid: bool,
}

/// How a payment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PayOutcome {
    /// The patient paid.
    Paid,
    /// The bank said no.
    Failed,
    /// The page was closed.
    Expired,
    /// The clinic gave the money back.
    Refunded,
}

impl PayOutcome {
    fn word(self) -> &'static str {
        match self {
            PayOutcome::Paid => "PAID",
            PayOutcome::Failed => "FAILED",
            PayOutcome::Expired => "EXPIRED",
            PayOutcome::Refunded => "REFUNDED",
        }
    }
}

/// A payment that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pay {
    /// Its number.
    pub pay_no: String,
    /// Of which fee.
    pub fee_no: String,
    /// Where the page sends the patient afterwards.
    pub return_url: String,
    /// Until when the page is open.
    pub expires: Timestamp,
    /// How it ended.
    pub outcome: Option<PayOutcome>,
}

impl Fee {
    /// As the API writes it.
    pub fn json(&self) -> Value {
        json!({
            "feeNo": self.fee_no, "ore": self.ore, "tariffs": self.tariffs, "text": self.text, "due": self.due,
            "caseNo": self.case_no,
        })
    }
}

impl Pay {
    /// The payment page: of a payment service that nobody runs.
    pub fn page(&self) -> String {
        format!("https://betal.helserespons.example/p/{}", self.pay_no)
    }
}

impl State {
    /// The clinic charges for a case; gives the number of the change.
    pub fn charge(&mut self, case_no: &str, charges: &[Charge]) -> Result<u64, SimError> {
        let case = self.case(case_no)?.clone();
        let fee = self.fee(case.clinic, case.citizen, charges);
        self.fees.push(Fee { case_no: Some(case_no.to_owned()), ..fee });
        Ok(self.tell(case.clinic, "FEES_CHARGED", json!({ "caseNo": case_no, "fees": charges })))
    }

    /// A patient owes a clinic something that no case tells of.
    pub fn owe(&mut self, clinic: &str, citizen: &NationalId, charges: &[Charge]) -> Result<(), SimError> {
        let known = self.clinic(clinic)?;
        known.citizen(citizen).ok_or(SimError::NoSuchCitizen)?;
        let clinic = known.name;
        let fee = self.fee(clinic, citizen.clone(), charges);
        self.fees.push(fee);
        Ok(())
    }

    fn fee(&mut self, clinic: &'static str, citizen: NationalId, charges: &[Charge]) -> Fee {
        Fee {
            fee_no: self.number("G"),
            clinic,
            citizen,
            ore: charges.iter().map(|charge| charge.ore).sum(),
            tariffs: charges.iter().map(|charge| charge.tariff.clone()).collect(),
            text: "E-konsultasjon".to_owned(),
            due: self.today().saturating_add(DAYS.days()),
            case_no: None,
            paid: false,
        }
    }

    /// A payment of this fee that can still be made.
    pub fn open_payment(&self, fee_no: &str) -> Option<&Pay> {
        let now = self.now();
        self.payments.iter().find(|pay| pay.fee_no == fee_no && pay.outcome.is_none() && pay.expires > now)
    }

    /// Opens a payment page.
    pub fn begin_payment(&mut self, fee_no: &str, return_url: String) -> Pay {
        let expires = self.now().saturating_add(MINUTES.minutes()).unwrap_or(Timestamp::MAX);
        let pay_no = self.number("P");
        let pay = Pay { pay_no, fee_no: fee_no.to_owned(), return_url, expires, outcome: None };
        self.payments.push(pay.clone());
        pay
    }

    /// What happens on the payment page, or after; gives the number of the change.
    pub fn end_payment(&mut self, pay_no: &str, outcome: PayOutcome) -> Result<u64, SimError> {
        let missing = || SimError::NoSuchPayment(pay_no.to_owned());
        let at = self.now();
        let number = self.number("K");
        let pay = self.payments.iter_mut().find(|pay| pay.pay_no == pay_no).ok_or_else(missing)?;
        pay.outcome = Some(outcome);
        let fee_no = pay.fee_no.clone();
        let fee = self.fees.iter_mut().find(|fee| fee.fee_no == fee_no).ok_or_else(missing)?;
        let clinic = fee.clinic;
        let mut content = json!({ "payNo": pay_no, "state": outcome.word() });
        if outcome == PayOutcome::Paid {
            fee.paid = true;
            content["receipt"] = json!(number);
            content["paidAt"] = json!(at);
        }
        Ok(self.tell(clinic, "PAYMENT", content))
    }
}
