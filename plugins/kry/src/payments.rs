//! Fees: what is owed, and paying by redirect to the vendor's payment service.

use std::collections::BTreeSet;

use dialog_plugin_sdk::payments::{Invoice, Payment, Payments};
use dialog_plugin_sdk::text::line;
use dialog_plugin_sdk::time;
use dialog_plugin_sdk::{Context, Failure, Locale, PaymentChange, PaymentReceipt, PaymentState, Sent};
use serde::{Deserialize, Serialize};

use crate::document::{self, Draft, Odd, Resource};
use crate::paging::{self, End};
use crate::settings::Settings;
use crate::words::{Words, language};
use crate::{Kry, person};

/// Invoices that one call may return.
const MAX_INVOICES: usize = 100;
/// Øre of one invoice, by the contract.
const MAX_AMOUNT: u64 = 100_000_000;
/// Tariff codes of one invoice, by the contract.
const MAX_TARIFFS: usize = 20;
/// Characters of a tariff code, by the contract.
const MAX_TARIFF: usize = 16;
/// Characters of what an invoice is for, by the contract.
const MAX_TEXT: usize = 200;
/// Characters of a URL, by the contract.
const MAX_URL: usize = 2_048;
/// Characters of a payment's id, by the contract.
const MAX_PAYMENT_ID: usize = 128;
/// Characters of a receipt's number, by the contract.
const MAX_RECEIPT: usize = 64;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Owed {
    status: Status,
    amount: Amount,
    #[serde(default)]
    tariffs: Vec<String>,
    #[serde(default)]
    description: Option<String>,
    issued_at: String,
    #[serde(default)]
    due_date: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    Open,
    Paid,
    Cancelled,
}

/// In the currency's smallest unit.
#[derive(Deserialize)]
struct Amount {
    value: u64,
    currency: Currency,
}

/// Norwegian kroner, and no other.
#[derive(Deserialize)]
enum Currency {
    #[serde(rename = "NOK")]
    Nok,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pay<'a> {
    return_url: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begun {
    redirect_url: String,
    expires_at: String,
}

/// How a payment ended, as the feed tells it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ending {
    outcome: Outcome,
    #[serde(default)]
    receipt: Option<String>,
    #[serde(default)]
    paid_at: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Paid,
    Failed,
    Expired,
    Refunded,
}

impl Ending {
    /// As the contract has it, of the payment with this id.
    ///
    /// # Errors
    /// It is of no payment, or paid without a receipt.
    pub fn of(self, payment: Option<&str>) -> Result<PaymentChange, Odd> {
        let payment = payment.filter(|id| id.chars().count() <= MAX_PAYMENT_ID).ok_or("is about no payment")?;
        let state = match self.outcome {
            Outcome::Paid => PaymentState::Paid(PaymentReceipt {
                number: self
                    .receipt
                    .filter(|number| !number.trim().is_empty() && number.chars().count() <= MAX_RECEIPT)
                    .ok_or("is paid without a receipt")?,
                at: self.paid_at.as_deref().and_then(time::instant).ok_or("is paid at a time that is none")?,
            }),
            Outcome::Failed => PaymentState::Failed,
            Outcome::Expired => PaymentState::Expired,
            Outcome::Refunded => PaymentState::Refunded,
        };
        Ok(PaymentChange { payment: payment.to_owned(), state })
    }
}

impl Payments for Kry {
    fn outstanding(ctx: Context) -> Result<Vec<Invoice>, Failure> {
        let settings: Settings = ctx.settings()?;
        let patient = person::patient(&ctx)?;
        let request = || {
            document::get("/v1/invoices")
                .query("filter[unit]", &settings.unit)
                .query("filter[patient]", &patient)
                .query("filter[status]", "open")
                .query("sort", "issuedAt")
                .header("accept-language", language(ctx.locale))
        };
        let (mut owed, mut seen) = (Vec::new(), BTreeSet::new());
        let end = paging::each(request, ctx.locale, |answer, _, value| {
            // One that is left out would look paid to the citizen.
            let odd = |why: Odd| answer.unreadable(format_args!("holds an invoice that {why}"));
            let resource = Resource::of(value, "invoices").map_err(odd)?;
            if let Some(one) = invoice(&resource, ctx.locale).map_err(odd)?
                && seen.insert(resource.id)
            {
                owed.push(one);
            }
            Ok(())
        })?;
        if end == End::NotReached {
            return Err(Failure::faulty(Sent::No, "the vendor's list of invoices does not end"));
        }
        owed.sort_by_key(|(issued, _)| *issued);
        Ok(owed.into_iter().map(|(_, invoice)| invoice).take(MAX_INVOICES).collect())
    }

    fn pay(ctx: Context, invoice: String, return_url: String) -> Result<Payment, Failure> {
        let patient = person::patient(&ctx)?;
        let related = [("patient", "patients", patient.as_str()), ("invoice", "invoices", invoice.as_str())];
        let attributes = Pay { return_url: &return_url };
        let draft = Draft { kind: "payments", id: None, attributes, related: &related };
        let request = document::post("/v1/payments", &ctx.idempotency_key);
        let (answer, _, payment) = document::sent(&ctx, request, &draft, &[])?;
        let odd = |why: Odd| answer.unreadable(format_args!("holds a payment that {why}"));
        if payment.related_id("invoice", "invoices") != Some(&invoice) {
            return Err(odd("is of another invoice"));
        }
        let Begun { redirect_url, expires_at } = payment.attributes().map_err(odd)?;
        if !is_payment_page(&redirect_url) {
            return Err(odd("leads elsewhere than to a page over https"));
        }
        if payment.id.chars().count() > MAX_PAYMENT_ID {
            return Err(odd("has an id of over 128 characters"));
        }
        let expires = time::instant(&expires_at).ok_or("ends at a time that is none").map_err(odd)?;
        Ok(Payment { redirect: redirect_url, id: payment.id, expires })
    }
}

/// What is owed, and since when. None where it is settled.
fn invoice(resource: &Resource, locale: Locale) -> Result<Option<(i64, Invoice)>, Odd> {
    let Owed { status, amount, tariffs, description, issued_at, due_date } = resource.attributes()?;
    if status != Status::Open {
        return Ok(None);
    }
    let Amount { value, currency: Currency::Nok } = amount;
    if !(1..=MAX_AMOUNT).contains(&value) {
        return Err("has an amount that is nothing, or over a million kroner");
    }
    let is_tariff =
        |code: &String| (1..=MAX_TARIFF).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if tariffs.len() > MAX_TARIFFS || !tariffs.iter().all(is_tariff) {
        return Err("has tariffs that are none");
    }
    let issued = time::instant(&issued_at).ok_or("has a date that is none")?;
    let due = due_date.map(|day| time::end_of_day(&day).ok_or("is due on a day that is none")).transpose()?;
    let text = description.and_then(|text| line(&text, MAX_TEXT));
    let invoice = Invoice {
        id: resource.id.clone(),
        amount: value,
        tariffs,
        text: text.unwrap_or_else(|| Words::Fee.text(locale).to_owned()),
        due,
        dialog: resource.related_id("visit", "visits").map(str::to_owned),
    };
    Ok(Some((issued, invoice)))
}

/// Where a citizen's browser may be sent: an absolute https URL without user, in plain ASCII.
fn is_payment_page(url: &str) -> bool {
    let rest = url.strip_prefix("https://").unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    url.len() <= MAX_URL
        && url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && authority.starts_with(|first: char| first.is_ascii_alphanumeric())
        && !authority.contains('@')
}

#[cfg(test)]
mod tests {
    use super::is_payment_page;

    #[test]
    fn a_payment_page_is_over_https_and_nobody_elses() {
        assert!(is_payment_page("https://pay.kry.example/p/1?x=y"));
        for wrong in [
            "http://pay.kry.example/p/1",
            "https://user@evil.example/",
            "https:///p",
            "javascript:alert(1)",
            "https://pay.kry.example\\@evil.example/",
            "https://pay kry.example/",
            "",
        ] {
            assert!(!is_payment_page(wrong), "{wrong}");
        }
    }
}
