//! Renewal of prescriptions: which can be renewed, and what is decided of each.

use std::collections::BTreeSet;

use dialog_contract::{
    ids::DialogId,
    prescription::Renewability,
    provider::{DialogStatus, EventBody, Interface, Opening, RenewalOutcome},
    service::Closing,
};

use super::written::{items, stands};
use crate::{
    Answer, Topic,
    check::{Check, Checked, Ended, broken, holds, same},
    run::Run,
};

pub(super) fn checks() -> Vec<Check> {
    let topic = Topic::PrescriptionRenewal;
    vec![
        Check::new(topic, "listed", "prescriptions are told, each with an id of its own", |run| Box::pin(listed(run))),
        Check::new(topic, "rule", "where the office wants to see the citizen first, that is said before", |run| {
            Box::pin(rule(run))
        }),
        Check::new(topic, "named", "the office reads which medicines are asked for", |run| Box::pin(named(run))),
        Check::new(topic, "all", "all are renewed, and the dialog has ended as answered", |run| {
            Box::pin(decided(run, [RenewalOutcome::Renewed, RenewalOutcome::Renewed]))
        }),
        Check::new(topic, "one-of-two", "one is renewed and the other refused, and each is told", |run| {
            Box::pin(decided(run, [RenewalOutcome::Renewed, RenewalOutcome::Refused]))
        }),
        Check::new(
            topic,
            "consultation-first",
            "one needs a consultation first, and that is told of it alone",
            |run| Box::pin(decided(run, [RenewalOutcome::NeedsConsultation, RenewalOutcome::Renewed])),
        ),
    ]
}

fn tells(run: &Run) -> Checked {
    if run.package.exports.contains(&Interface::Prescriptions) {
        return Ok(());
    }
    Err(Ended::NotOffered("prescriptions is not exported".to_owned()))
}

async fn listed(run: &Run) -> Checked {
    tells(run)?;
    let known = run.renewable().await?;
    let ids: BTreeSet<_> = known.iter().map(|one| &one.id).collect();
    holds(!known.is_empty() && ids.len() == known.len(), || format!("{} prescriptions, {} ids", known.len(), ids.len()))
}

async fn rule(run: &Run) -> Checked {
    tells(run)?;
    let known = run.renewable().await?;
    let barred: Vec<_> = known.iter().filter(|one| one.renewability != Renewability::Renewable).collect();
    if barred.is_empty() {
        return Err(Ended::NotOffered("the office renews all that the citizen has".to_owned()));
    }
    holds(barred.iter().all(|one| one.note.as_ref().is_some_and(|note| !note.trim().is_empty())), || {
        "one that cannot be renewed does not say why".to_owned()
    })
}

async fn named(run: &Run) -> Checked {
    let asked = items(run).await?;
    let opening = Opening::PrescriptionRenewal { items: asked.clone(), message: None };
    let reference = run.open(run.context(), DialogId::new(), opening).await?.reference;
    let seen = run.stage().received(&reference).await?.medicines;
    let all = asked.iter().all(|item| seen.iter().any(|medicine| medicine.contains(&item.medicine)));
    holds(all, || format!("the office reads {seen:?}"))
}

async fn decided(run: &Run, outcomes: [RenewalOutcome; 2]) -> Checked {
    let asked = items(run).await?;
    let opening = Opening::PrescriptionRenewal { items: asked.clone(), message: None };
    let reference = run.open(run.context(), DialogId::new(), opening).await?.reference;
    run.stage().answer(&reference, Answer::Decide { outcomes: outcomes.to_vec() }).await?;
    let ours = |body: &EventBody| matches!(body, EventBody::Renewal { dialog, .. } if *dialog == reference);
    let event = run.news("the decisions", ours).await?;
    let EventBody::Renewal { decisions, .. } = &event.body else { return broken("the decisions went away") };
    for (item, outcome) in asked.iter().zip(outcomes) {
        let told = decisions.iter().find(|one| one.item.as_ref() == Some(&item.id));
        // One that is about the whole request is about every item that no other names.
        let told = told.or_else(|| decisions.iter().find(|one| one.item.is_none()));
        same(&format!("what was decided of {}", item.medicine), &told.map(|one| one.outcome), &Some(outcome))?;
    }
    let closed = |body: &EventBody| matches!(stands(body, &reference), Some(DialogStatus::Closed(_)));
    let end = run.news("the end of the renewal", closed).await?;
    match stands(&end.body, &reference) {
        Some(DialogStatus::Closed(Closing::Answered | Closing::Declined)) => Ok(()),
        other => broken(format!("it stands at {other:?}")),
    }
}
