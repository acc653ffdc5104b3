//! What the office begins: it writes first, one-way or not.

use dialog_contract::provider::{CitizenIdentity, Event, EventBody, OfficeMessage};

use crate::{
    Topic,
    check::{Check, Checked, broken, holds, same},
    run::{Run, message},
};

pub(super) fn checks() -> Vec<Check> {
    let topic = Topic::FromTheOffice;
    vec![
        Check::new(topic, "writes-first", "the office opens a dialog, for this citizen, from this office", |run| {
            Box::pin(writes_first(run))
        }),
        Check::new(topic, "replied", "the citizen replies in it, and the office reads it", |run| {
            Box::pin(replied(run))
        }),
        Check::new(topic, "one-way", "a one-way message says that no reply is possible", |run| Box::pin(one_way(run))),
        Check::new(topic, "letters", "what it writes comes to the letter", |run| Box::pin(letters(run))),
    ]
}

/// The office writes; gives the event and what stands in it.
async fn opened(run: &Run, text: &str, reply_allowed: bool) -> Checked<(Event, String, OfficeMessage)> {
    run.stage().writes_first(text, reply_allowed).await?;
    let first = text.lines().next().unwrap_or_default().to_owned();
    let ours =
        |body: &EventBody| matches!(body, EventBody::Opened { message, .. } if message.text.contains(first.as_str()));
    let event = run.news("what the office wrote", ours).await?;
    match &event.body {
        EventBody::Opened { dialog, message, .. } => Ok((event.clone(), dialog.clone(), message.clone())),
        _ => broken("what the office wrote went away"),
    }
}

async fn writes_first(run: &Run) -> Checked {
    let (event, _, _) = opened(run, "Vi ønsker å høre hvordan det går, 1.", true).await?;
    let EventBody::Opened { office, citizen, reply_allowed, .. } = event.body else { return broken("no dialog") };
    same("the office", &office, &run.subject.office.her_id)?;
    let ours = match citizen {
        CitizenIdentity::Reference(reference) => reference == run.subject.citizen.reference,
        CitizenIdentity::NationalIdentityNumber(number) => number == run.subject.citizen.national_identity_number,
    };
    holds(ours, || "it is for somebody else".to_owned())?;
    same("whether the citizen may reply", &reply_allowed, &true)
}

async fn replied(run: &Run) -> Checked {
    let (_, reference, _) = opened(run, "Vi ønsker å høre hvordan det går, 2.", true).await?;
    run.send(run.context(), &reference, message("Det går bedre.")).await?;
    let texts = run.stage().received(&reference).await?.texts;
    holds(texts.iter().any(|text| text.contains("Det går bedre.")), || format!("the office reads {texts:?}"))
}

async fn one_way(run: &Run) -> Checked {
    let (event, _, _) = opened(run, "Kontoret er stengt i romjulen.", false).await?;
    let EventBody::Opened { reply_allowed, .. } = event.body else { return broken("no dialog") };
    same("whether the citizen may reply", &reply_allowed, &false)
}

async fn letters(run: &Run) -> Checked {
    let text = "Prøvesvar på blåbær: æ, ø, å – «normalt» & < 5\nHilsen Čáhci";
    let (_, _, message) = opened(run, text, true).await?;
    holds(message.text.replace("\r\n", "\n").contains(text), || format!("the citizen reads {:?}", message.text))
}
