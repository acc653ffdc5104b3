//! One notice as one text message.

use dialog_plugin_sdk::notices::{Notice, NoticeContext, NoticeReceipt, Notices};
use dialog_plugin_sdk::upstream::{self, Response};
use dialog_plugin_sdk::{Failure, NoticeChannel, Sent, time};
use serde::{Deserialize, Serialize};

use crate::{Sms, UPSTREAM};

/// What the operator set.
#[derive(Deserialize)]
struct Installation {
    sender: String,
}

/// The service's form of a message.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    to: &'a str,
    from: &'a str,
    text: &'a str,
    /// Comes back in delivery reports.
    reference: &'a str,
    /// After that the network gives it up.
    valid_until: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Taken {
    message_id: String,
}

/// The service's form of an error; its words are for developers, and neither shown nor logged.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    code: String,
}

impl Notices for Sms {
    fn send(ctx: NoticeContext, notice: Notice) -> Result<NoticeReceipt, Failure> {
        if notice.channel != NoticeChannel::Sms {
            return Err(Failure::faulty(Sent::No, "a notice that is no text message"));
        }
        let Installation { sender } = ctx.installation()?;
        let valid_until = time::universal(notice.expires)?;
        let message =
            Message { to: &notice.address, from: &sender, text: &notice.text, reference: &notice.id, valid_until };
        let answer =
            upstream::post(UPSTREAM, "/v1/messages").header("idempotency-key", &notice.id).json(&message).send()?;
        let answer = taken(answer)?;
        // It was taken: whatever is wrong with the answer, the message is on its way.
        let Taken { message_id } = answer.json().map_err(|failure| failure.sent_at_least(Sent::Yes))?;
        if message_id.is_empty() || message_id.chars().count() > 128 {
            return Err(answer.unreadable("names no message").sent_at_least(Sent::Yes));
        }
        Ok(NoticeReceipt { id: message_id })
    }
}

/// The answer where the service has taken the message; else what it means.
///
/// | status | code | failure |
/// | --- | --- | --- |
/// | 404 | `UNKNOWN_NUMBER` | `not-found`: nobody has the number |
/// | 403 | `BARRED` | `declined`: its owner takes no such messages |
/// | 422 | `NOT_MOBILE` | `invalid`: the number takes no text messages |
/// | all other | | as [`Response::success`] says |
fn taken(answer: Response) -> Result<Response, Failure> {
    if (200..300).contains(&answer.status) {
        return Ok(answer);
    }
    let Refusal { code } = serde_json::from_slice(&answer.body).unwrap_or_default();
    match (answer.status, code.as_str()) {
        (404, "UNKNOWN_NUMBER") => Err(Failure::not_found(code, "Nobody has this number.")),
        (403, "BARRED") => Err(Failure::declined(code, "This number takes no such messages.")),
        (422, "NOT_MOBILE") => Err(Failure::invalid("/address", "This number takes no text messages.")),
        _ => answer.success(),
    }
}
