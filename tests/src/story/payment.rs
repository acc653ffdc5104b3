//! What a consultation costs, and paying it.

use anyhow::Context;
use dialog_contract::{event::EventType, problem::ProblemType};
use http::StatusCode;
use serde_json::{Value, json};

use super::{citizen::Citizen, teller::Teller};
use crate::{
    house::{House, configuration::PUBLIC_URL},
    sim::helserespons::{Charge, PayOutcome},
};

/// The doctor who answered: a specialist in general practice.
const DOCTOR: u32 = 9_123_458;

fn charge(tariff: &str, ore: u64) -> Charge {
    Charge { tariff: tariff.to_owned(), ore, hpr: Some(DOCTOR) }
}

/// Plays the step: `case_no` is the vendor's number of the citizen's consultation `dialog`, which is over.
pub async fn play(
    tell: &mut Teller,
    house: &House,
    citizen: &mut Citizen,
    (dialog, case_no): (&str, &str),
) -> anyhow::Result<()> {
    let name = citizen.name;
    tell.step(format!("The office charges {name} for the consultation"));
    let mut known = citizen.known();
    house.helserespons.charge(case_no, &[charge("2ae", 17_900), charge("2dd", 12_000)])?;
    // A receipt of the last message may be told of meanwhile.
    loop {
        let news = citizen.screen.wait_for("the fees", |event| {
            event.kind == EventType::DialogUpdated && event.subject.ends_with(dialog) && !known.contains(&event.id)
        });
        known.push(news.await?.id);
        let call = citizen.portal.get("/v1/me/dialogs/{dialog}", &[dialog]);
        if call.expect(StatusCode::OK).await?.json["fees"] != json!([]) {
            break;
        }
    }
    let read = citizen.reads(tell, "sees what it cost", dialog).await?;
    let fees = json!([{ "tariff": "2ae", "amount": 17_900 }, { "tariff": "2dd", "amount": 12_000 }]);
    tell.equal("the fees of a specialist", &read["fees"], &fees)?;

    let invoices = owed(tell, citizen, "sees what is to be paid").await?;
    let [invoice] = &invoices[..] else { anyhow::bail!("one invoice: {invoices:?}") };
    tell.equal("both fees", invoice["amount"].as_u64(), Some(29_900))?;
    tell.equal("it is for the consultation", invoice["dialog"].as_str(), Some(dialog))?;
    let id = invoice["id"].as_str().context("the invoice has an id")?.to_owned();

    let pay = |to: &str| citizen.portal.post("/v1/me/invoices/{invoice}/pay", &[&id], &json!({ "returnUrl": to }));
    let elsewhere = pay("https://evil.example/");
    tell.refused(&format!("{name} cannot be sent elsewhere after paying"), elsewhere, ProblemType::Invalid).await?;
    let back = format!("{PUBLIC_URL}/betaling/ferdig");
    let once = uuid::Uuid::new_v4().to_string();
    let call = pay(&back).header("idempotency-key", &once);
    let begun = tell.ask(&format!("{name} begins to pay"), call, StatusCode::CREATED).await?;
    let (payment, redirect) = (begun.text("/id")?.to_owned(), begun.text("/redirect")?.to_owned());
    tell.check("over TLS", redirect.starts_with("https://"))?;
    let call = pay(&back).header("idempotency-key", &once);
    let again = tell.ask(&format!("{name} asks again, as a browser does"), call, StatusCode::CREATED).await?;
    tell.equal("the same address", again.text("/redirect")?, redirect.as_str())?;
    tell.refused(&format!("{name} cannot begin another payment"), pay(&back), ProblemType::Conflict).await?;
    let at_vendor = house.helserespons.payments();
    tell.equal("the vendor has one", at_vendor.len(), 1)?;
    tell.equal("and comes back to the portal", at_vendor[0].return_url.as_str(), back.as_str())?;
    tell.equal("it is where the citizen is sent", at_vendor[0].page(), redirect)?;
    let open = owed(tell, citizen, "sees that a payment is open").await?;
    tell.equal("which", open[0]["payment"].as_str(), Some(payment.as_str()))?;

    tell.step(format!("{name} pays at the payment service"));
    house.helserespons.end_payment(&at_vendor[0].pay_no, PayOutcome::Paid)?;
    citizen.hears(EventType::PaymentUpdated, &payment).await?;
    let call = citizen.portal.get("/v1/me/payments", &[]);
    let list = tell.ask(&format!("{name} has the receipt"), call, StatusCode::OK).await?;
    tell.equal("it is paid", list.json["items"][0]["status"].as_str(), Some("paid"))?;
    tell.check("with a receipt", list.json["items"][0]["receipt"]["number"].is_string())?;
    let nothing = owed(tell, citizen, "owes nothing more").await?;
    tell.equal("invoices", nothing.len(), 0)?;
    tell.equal("told once", citizen.screen.count(EventType::PaymentUpdated, &payment), 1)
}

async fn owed(tell: &mut Teller, citizen: &Citizen, what: &str) -> anyhow::Result<Vec<Value>> {
    let call = citizen.portal.get("/v1/me/invoices", &[]);
    let reply = tell.ask(&format!("{} {what}", citizen.name), call, StatusCode::OK).await?;
    Ok(reply.json["items"].as_array().context("a list of invoices")?.clone())
}
