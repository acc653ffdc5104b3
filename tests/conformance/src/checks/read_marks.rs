//! Read marks.

use dialog_contract::provider::{EventBody, Failure};

use crate::{
    Topic,
    check::{Check, Checked, broken, holds, told},
    run::Run,
};

pub(super) fn checks() -> Vec<Check> {
    let topic = Topic::ReadMarks;
    vec![
        Check::new(topic, "read", "what the citizen has read is known to the provider, and nothing before", |run| {
            Box::pin(read(run))
        }),
        Check::new(topic, "twice", "the same once more changes nothing", |run| Box::pin(twice(run))),
        Check::new(topic, "unknown", "a message that is not there is not found", |run| Box::pin(unknown(run))),
    ]
}

/// What the office writes first: the dialog and the message, by the plugin's names.
async fn written(run: &Run, text: &str) -> Checked<(String, String)> {
    run.stage().writes_first(text, false).await?;
    let ours = |body: &EventBody| matches!(body, EventBody::Opened { message, .. } if message.text.contains(text));
    match run.news("what the office wrote", ours).await?.body {
        EventBody::Opened { dialog, message, .. } => Ok((dialog, message.id)),
        _ => broken("what the office wrote went away"),
    }
}

async fn read(run: &Run) -> Checked {
    let (dialog, message) = written(run, "Kontoret er stengt på fredag.").await?;
    holds(!run.stage().knows_read(&message).await?, || "it is read before anybody has read it".to_owned())?;
    run.mark_seen(&dialog, &message).await?;
    holds(run.stage().knows_read(&message).await?, || "the provider does not know".to_owned())
}

async fn twice(run: &Run) -> Checked {
    let (dialog, message) = written(run, "Kontoret er stengt på mandag.").await?;
    run.mark_seen(&dialog, &message).await?;
    run.mark_seen(&dialog, &message).await?;
    holds(run.stage().knows_read(&message).await?, || "the provider does not know".to_owned())
}

async fn unknown(run: &Run) -> Checked {
    let (dialog, _) = written(run, "Kontoret er stengt på tirsdag.").await?;
    match run.mark_seen(&dialog, "no-such-message").await {
        Err(Failure::NotFound(_)) => Ok(()),
        Err(other) => broken(told(&other)),
        Ok(()) => broken("it was taken"),
    }
}
