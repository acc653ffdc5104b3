//! What the citizen owes, and paying it.

use std::collections::BTreeSet;

use dialog_contract::provider::{Failure, Invoice};
use jiff::Timestamp;

use crate::{
    Topic,
    check::{Check, Checked, Ended, broken, holds, same, told},
    run::Run,
};

pub(super) fn checks() -> Vec<Check> {
    let topic = Topic::Payment;
    vec![
        Check::new(topic, "owed", "what is owed is told, with amount and tariff", |run| Box::pin(owed(run))),
        Check::new(topic, "ids", "each amount has an id of its own", |run| Box::pin(ids(run))),
        Check::new(topic, "pay", "paying leads to a page of the payment service, which waits for a while", |run| {
            Box::pin(pay(run))
        }),
        Check::new(topic, "pay-once", "paying that is repeated with its key is one payment", |run| Box::pin(once(run))),
        Check::new(topic, "unknown", "what nobody owes cannot be paid", |run| Box::pin(unknown(run))),
        Check::new(topic, "down", "while the provider cannot be reached, nothing is begun and that is said", |run| {
            Box::pin(down(run))
        }),
    ]
}

/// An amount that is owed and that no payment is under way for.
async fn invoice(run: &Run) -> Checked<Invoice> {
    let before: BTreeSet<_> = run.outstanding().await?.into_iter().map(|one| one.id).collect();
    run.stage().owes(17_900).await?;
    let found = run.outstanding().await?.into_iter().find(|one| !before.contains(&one.id));
    found.ok_or_else(|| Ended::Broken("what is owed anew is not told".to_owned()))
}

async fn owed(run: &Run) -> Checked {
    let invoice = invoice(run).await?;
    same("the amount, in øre", &invoice.amount, &17_900)?;
    holds(!invoice.tariffs.is_empty() && !invoice.text.trim().is_empty(), || format!("{invoice:?}"))
}

async fn ids(run: &Run) -> Checked {
    invoice(run).await?;
    invoice(run).await?;
    let all = run.outstanding().await?;
    let ids: BTreeSet<_> = all.iter().map(|one| &one.id).collect();
    same("ids", &ids.len(), &all.len())
}

async fn pay(run: &Run) -> Checked {
    let payment = run.pay(run.context(), &invoice(run).await?.id).await?;
    holds(payment.redirect.starts_with("https://"), || payment.redirect.clone())?;
    holds(payment.expires > Timestamp::now(), || format!("it has expired at {}", payment.expires))
}

async fn once(run: &Run) -> Checked {
    if !run.package.manifest.idempotent {
        return Err(Ended::NotOffered("the manifest does not promise it".to_owned()));
    }
    let (invoice, ctx) = (invoice(run).await?, run.context());
    let first = run.pay(ctx.clone(), &invoice.id).await?;
    let again = run.pay(ctx, &invoice.id).await?;
    same("the repeated payment", &(again.id, again.redirect), &(first.id, first.redirect))
}

async fn unknown(run: &Run) -> Checked {
    match run.pay(run.context(), "no-such-invoice").await {
        Err(Failure::NotFound(_) | Failure::Conflict(_)) => Ok(()),
        Err(other) => broken(told(&other)),
        Ok(payment) => broken(format!("a payment was begun: {}", payment.id)),
    }
}

async fn down(run: &Run) -> Checked {
    let invoice = invoice(run).await?;
    run.stage().reachable(false).await?;
    // The first may find its connection cut with the request in it.
    let _ = run.outstanding().await;
    let ended = run.pay(run.context(), &invoice.id).await;
    run.stage().reachable(true).await?;
    match ended {
        Err(Failure::Unavailable(outage)) => same("sent", &outage.sent.as_str(), &"no"),
        Err(other) => broken(told(&other)),
        Ok(payment) => broken(format!("a payment was begun: {}", payment.id)),
    }
}
