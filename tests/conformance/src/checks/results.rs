//! Results of tests.

use dialog_contract::provider::{CitizenIdentity, Event, EventBody};

use crate::{
    Topic,
    check::{Check, Checked, broken, holds, same},
    run::Run,
};

pub(super) fn checks() -> Vec<Check> {
    let topic = Topic::TestResults;
    vec![
        Check::new(topic, "told", "results are told as such, to this citizen, from this office", |run| {
            Box::pin(whose(run))
        }),
        Check::new(topic, "findings", "what was found comes with name, value and time", |run| Box::pin(findings(run))),
        Check::new(topic, "letters", "the doctor's words come to the letter", |run| Box::pin(letters(run))),
        Check::new(topic, "apart", "each report is a dialog of its own", |run| Box::pin(apart(run))),
    ]
}

async fn told(run: &Run, words: &str) -> Checked<Event> {
    run.stage().tells_results(words, "Ferritin", "12").await?;
    let first = words.lines().next().unwrap_or_default().to_owned();
    let ours = |body: &EventBody| matches!(body, EventBody::Results { message, .. } if message.text.contains(&first));
    run.news("the results", ours).await
}

async fn whose(run: &Run) -> Checked {
    let EventBody::Results { office, citizen, .. } = told(run, "Alt er fint, 1.").await?.body else {
        return broken("no results");
    };
    same("the office", &office, &run.subject.office.her_id)?;
    let ours = match citizen {
        CitizenIdentity::Reference(reference) => reference == run.subject.citizen.reference,
        CitizenIdentity::NationalIdentityNumber(number) => number == run.subject.citizen.national_identity_number,
    };
    holds(ours, || "they are somebody else's".to_owned())
}

async fn findings(run: &Run) -> Checked {
    let event = told(run, "Alt er fint, 2.").await?;
    let EventBody::Results { observations, .. } = &event.body else { return broken("no results") };
    let [one] = &observations[..] else { return broken(format!("{} findings", observations.len())) };
    same("what was looked at", &one.name.as_str(), &"Ferritin")?;
    same("what was found", &one.value.as_str(), &"12")?;
    holds(one.taken <= event.occurred, || format!("taken at {}, told at {}", one.taken, event.occurred))
}

async fn letters(run: &Run) -> Checked {
    let text = "Jern på blåbær: æ, ø, å – «normalt» & < 5\nHilsen Čáhci";
    let EventBody::Results { message, .. } = told(run, text).await?.body else { return broken("no results") };
    holds(message.text.replace("\r\n", "\n").contains(text), || format!("the citizen reads {:?}", message.text))
}

async fn apart(run: &Run) -> Checked {
    let of = |event: Event| match event.body {
        EventBody::Results { dialog, .. } => Ok(dialog),
        _ => broken("no results"),
    };
    let (first, second) = (of(told(run, "Alt er fint, 3.").await?)?, of(told(run, "Alt er fint, 4.").await?)?);
    holds(first != second, || "two reports are one dialog".to_owned())
}
