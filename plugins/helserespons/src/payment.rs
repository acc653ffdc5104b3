//! Fees: what the patient owes the clinic, and where to pay it. The vendor calls an invoice a *fee*.

use dialog_plugin_sdk::payments::{Invoice, Payment, Payments};
use dialog_plugin_sdk::text::clip;
use dialog_plugin_sdk::time;
use dialog_plugin_sdk::upstream::{self, Response};
use dialog_plugin_sdk::{Context, Failure, log};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::settings::Settings;
use crate::{Helserespons, UPSTREAM, person, refusal};

/// Invoices that one call may return.
const MAX_INVOICES: usize = 100;
/// Characters of an id, by the contract.
const MAX_ID: usize = 256;
/// Characters of a payment's id, by the contract.
const MAX_PAYMENT: usize = 128;
/// Characters of what an invoice is for, by the contract.
const MAX_TEXT: usize = 200;
/// Tariffs of an invoice, by the contract.
const MAX_TARIFFS: usize = 20;
/// Characters of a tariff, by the contract.
const MAX_TARIFF: usize = 16;
/// Amounts in øre that the contract has.
const ORE: std::ops::RangeInclusive<u64> = 1..=100_000_000;

#[derive(Serialize)]
struct Search<'a> {
    ssn: &'a str,
}

#[derive(Deserialize)]
struct Fees {
    fees: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fee {
    fee_no: String,
    ore: u64,
    #[serde(default)]
    tariffs: Vec<String>,
    text: String,
    /// A day, in Norway.
    #[serde(default)]
    due: Option<String>,
    #[serde(default)]
    case_no: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pay<'a> {
    request_id: &'a str,
    ssn: &'a str,
    return_url: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begun {
    pay_no: String,
    page: String,
    expires: String,
}

impl Payments for Helserespons {
    fn outstanding(ctx: Context) -> Result<Vec<Invoice>, Failure> {
        let settings: Settings = ctx.settings()?;
        let search = Search { ssn: person::ssn(&ctx)? };
        let request = settings.post("fees").segment("search").json(&search);
        read(&ctx, request.send().map_err(Failure::from)).map_err(refusal::of_a_search)
    }

    fn pay(ctx: Context, invoice: String, return_url: String) -> Result<Payment, Failure> {
        let pay = Pay { request_id: &ctx.idempotency_key, ssn: person::ssn(&ctx)?, return_url: &return_url };
        let request = upstream::post(UPSTREAM, "/v2/fees").segment(&invoice).segment("pay").json(&pay);
        let answer = refusal::sent(request.send(), ctx.locale, &[])?;
        let Begun { pay_no, page, expires } = answer.json()?;
        let Some(expires) = time::instant(&expires) else {
            return Err(answer.unreadable("holds a time that is none"));
        };
        if !is_id(&pay_no, MAX_PAYMENT) {
            return Err(answer.unreadable("holds a payment's number that is empty, too long or not in one line"));
        }
        // Where it leads, the gateway looks at.
        Ok(Payment { redirect: page, id: pay_no, expires })
    }
}

fn read(ctx: &Context, answer: Result<Response, Failure>) -> Result<Vec<Invoice>, Failure> {
    let answer = refusal::accepted(answer?, ctx.locale, &[])?;
    let Fees { fees } = answer.json()?;
    let mut invoices: Vec<Invoice> = Vec::new();
    for fee in fees {
        match invoice(fee) {
            Some(invoice) if invoices.iter().all(|known| known.id != invoice.id) => invoices.push(invoice),
            Some(_) => log::warn!("a fee twice: the first is shown"),
            None => log::warn!("a fee that cannot be read: it is not shown"),
        }
    }
    invoices.truncate(MAX_INVOICES);
    Ok(invoices)
}

fn invoice(fee: Value) -> Option<Invoice> {
    let Fee { fee_no, ore, tariffs, text, due, case_no } = serde_json::from_value(fee).ok()?;
    let is_tariff = |code: &String| {
        (1..=MAX_TARIFF).contains(&code.len()) && code.bytes().all(|letter| letter.is_ascii_alphanumeric())
    };
    let usable = is_id(&fee_no, MAX_ID)
        && ORE.contains(&ore)
        && tariffs.len() <= MAX_TARIFFS
        && tariffs.iter().all(is_tariff)
        && !text.trim().is_empty();
    usable.then(|| Invoice {
        id: fee_no,
        amount: ore,
        tariffs,
        text: clip(text.trim(), MAX_TEXT),
        due: due.as_deref().and_then(time::day),
        dialog: case_no.filter(|case| is_id(case, MAX_ID)),
    })
}

fn is_id(text: &str, most: usize) -> bool {
    !text.is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
}
