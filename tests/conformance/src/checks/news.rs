//! How news arrives: each once, in whatever trouble.

use std::collections::BTreeMap;

use dialog_contract::provider::{EventBody, Failure};

use super::written::{WRITTEN, open, stands};
use crate::{
    Answer, Moment, Topic, Trouble,
    check::{Check, Checked, Ended, broken, holds, told},
    run::Run,
};

pub(super) fn checks() -> Vec<Check> {
    let topic = Topic::News;
    let mut all = vec![
        Check::new(topic, "quiet", "where nothing has happened, nothing is told", |run| Box::pin(quiet(run))),
        Check::new(topic, "again", "what was not taken in comes again, with the same ids", |run| Box::pin(again(run))),
        Check::new(topic, "down", "what happens while the provider cannot be reached comes later", |run| {
            Box::pin(down(run))
        }),
    ];
    let troubles = [
        ("busy", "what happens while the provider is too busy comes later", Trouble::Status(503)),
        ("too-many", "news that may not be asked for yet comes later", Trouble::Status(429)),
        ("fails", "news that could not be told comes later", Trouble::Status(500)),
        ("denied", "credentials that are refused once lose nothing", Trouble::Status(401)),
        ("cut-off", "news that broke off comes whole later", Trouble::CutOff),
        ("page", "a page for people in place of news loses nothing", Trouble::Page),
        ("garbled", "news that is not well-formed loses nothing", Trouble::Garbled),
        ("other-shape", "news of another shape loses nothing", Trouble::OtherShape),
    ];
    for (id, title, trouble) in troubles {
        all.push(Check::new(topic, id, title, move |run| Box::pin(spoilt(run, trouble))));
    }
    all.push(Check::new(topic, "ids", "two things that happened never have one id", |run| Box::pin(ids(run))));
    all
}

/// A written service that the office has and answers in.
fn service(run: &Run) -> Checked<Topic> {
    let found = WRITTEN.into_iter().find(|topic| *topic != Topic::PrescriptionRenewal && run.offers(*topic).is_ok());
    found.ok_or_else(|| Ended::NotOffered("no written service whose answers could come".to_owned()))
}

/// The office answers in a new dialog, and nobody has looked yet.
async fn happens(run: &Run) -> Checked<String> {
    let reference = open(run, service(run)?, "Når kommer svaret?").await?;
    run.stage().answer(&reference, Answer::Reply { text: "Her er svaret.".to_owned(), file: None }).await?;
    Ok(reference)
}

async fn comes(run: &Run, reference: &str) -> Checked {
    run.news("the answer", |body| stands(body, reference).is_some() && matches!(body, EventBody::Message { .. }))
        .await
        .map(drop)
}

async fn quiet(run: &Run) -> Checked {
    run.look().await?;
    run.look().await?;
    let before = run.heard().await.len();
    run.look().await?;
    let more = run.heard().await.len() - before;
    holds(more == 0, || format!("{more} events came again"))
}

async fn again(run: &Run) -> Checked {
    run.look().await?;
    run.look().await?;
    let reference = happens(run).await?;
    let [first, second] = run.page_twice().await?;
    let names = |events: &[dialog_contract::provider::Event]| -> Vec<String> {
        events.iter().map(|event| event.id.clone()).collect()
    };
    let (first, second) = (names(&first), names(&second));
    holds(first.iter().all(|id| second.contains(id)), || format!("first {first:?}, then {second:?}"))?;
    comes(run, &reference).await
}

/// A look that must fail as an outage or a fault, if it does not succeed.
async fn troubled_look(run: &Run) -> Checked {
    match run.look().await {
        Ok(()) | Err(Failure::Unavailable(_) | Failure::Faulty(_)) => Ok(()),
        Err(other) => broken(format!("asked for news, the plugin says: {}", told(&other))),
    }
}

async fn down(run: &Run) -> Checked {
    let reference = happens(run).await?;
    run.stage().reachable(false).await?;
    let looked = run.look().await;
    run.stage().reachable(true).await?;
    holds(matches!(looked, Err(Failure::Unavailable(_))), || format!("while it was down: {looked:?}"))?;
    comes(run, &reference).await
}

async fn spoilt(run: &Run, trouble: Trouble) -> Checked {
    let reference = happens(run).await?;
    run.stage().trouble(Moment::News, trouble).await?;
    troubled_look(run).await?;
    comes(run, &reference).await
}

async fn ids(run: &Run) -> Checked {
    let mut seen: BTreeMap<String, EventBody> = BTreeMap::new();
    for event in run.heard().await {
        // Attachments that are fetched again have new handles; everything else of an event is what it was.
        if let Some(before) = seen.get(&event.id)
            && std::mem::discriminant(before) != std::mem::discriminant(&event.body)
        {
            return broken(format!("the id {} stands for two things", event.id));
        }
        seen.insert(event.id, event.body);
    }
    holds(!seen.is_empty(), || "nothing was heard in the whole run".to_owned())
}
