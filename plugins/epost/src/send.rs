//! One notice as one mail.

use dialog_plugin_sdk::notices::{Notice, NoticeContext, NoticeReceipt, Notices};
use dialog_plugin_sdk::upstream::{self, Body, Response};
use dialog_plugin_sdk::{Failure, NoticeChannel, Sent};
use serde::Deserialize;

use crate::{Epost, UPSTREAM, form};

/// What the operator set.
#[derive(Deserialize)]
struct Installation {
    from: String,
}

#[derive(Deserialize)]
struct Queued {
    message: String,
}

/// The service's form of an error.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: String,
}

impl Notices for Epost {
    fn send(ctx: NoticeContext, notice: Notice) -> Result<NoticeReceipt, Failure> {
        let (NoticeChannel::Email, Some(subject)) = (notice.channel, &notice.subject) else {
            return Err(Failure::faulty(Sent::No, "a notice that is no mail"));
        };
        let Installation { from } = ctx.installation()?;
        let expires = (notice.expires / 1_000).to_string();
        let body = form::encode(&[
            ("from", &from),
            ("to", &notice.address),
            ("subject", subject),
            ("text", &notice.text),
            ("external_id", &notice.id),
            ("expires", &expires),
        ]);
        let answer = upstream::post(UPSTREAM, "/api/send").body(form::MEDIA_TYPE, Body::new().text(body)).send()?;
        let answer = queued(answer)?;
        // It was taken: whatever is wrong with the answer, the mail is on its way.
        let Queued { message } = answer.json().map_err(|failure| failure.sent_at_least(Sent::Yes))?;
        if message.is_empty() || message.chars().count() > 128 {
            return Err(answer.unreadable("names no mail").sent_at_least(Sent::Yes));
        }
        Ok(NoticeReceipt { id: message })
    }
}

/// The answer where the service has taken the mail; else what it means.
///
/// | status | error | failure |
/// | --- | --- | --- |
/// | 400 | `recipient` | `invalid`: no address |
/// | 409 | `suppressed` | `declined`: mail to it bounced for good before, or its owner takes none |
/// | all other | | as [`Response::success`] says |
fn queued(answer: Response) -> Result<Response, Failure> {
    if (200..300).contains(&answer.status) {
        return Ok(answer);
    }
    let Refusal { error } = serde_json::from_slice(&answer.body).unwrap_or_default();
    match (answer.status, error.as_str()) {
        (400, "recipient") => Err(Failure::invalid("/address", "This is no mail address.")),
        (409, "suppressed") => Err(Failure::declined(error, "This address takes no mail.")),
        _ => answer.success(),
    }
}
