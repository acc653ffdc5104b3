//! What became of mail: a list at the service, asked for from a number on.

use dialog_plugin_sdk::inbound::{Delivery, Inbound, InboundContext, Page, Settlement};
use dialog_plugin_sdk::{Event, EventBody, Failure, NoticeOutcome, NoticeReport, Sent, upstream};
use serde::Deserialize;

use crate::{Epost, UPSTREAM};

/// Entries that are asked for at once: the contract's limit on events.
const MAX_ASKED: usize = 100;

#[derive(Deserialize)]
struct Bounces {
    bounces: Vec<Bounce>,
    more: bool,
}

#[derive(Deserialize)]
struct Bounce {
    /// Increases from entry to entry.
    n: u64,
    external_id: String,
    /// `hard`, `soft` or `delivered`.
    kind: String,
    /// Seconds since 1970.
    at: i64,
}

impl Inbound for Epost {
    fn receive(_: InboundContext, _: Delivery) -> Result<Vec<Event>, Failure> {
        Err(Failure::faulty(Sent::No, "the mail service delivers nothing: it is asked"))
    }

    fn poll(_: InboundContext, cursor: Option<String>, _: Vec<Settlement>) -> Result<Page, Failure> {
        // One of another version is begun anew: what was settled is recognised by its id.
        let after: u64 = cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        let answer = upstream::get(UPSTREAM, "/api/bounces").query("after", after).query("limit", MAX_ASKED).send()?;
        let answer = answer.success()?;
        let Bounces { bounces, more } = answer.json()?;
        if bounces.len() > MAX_ASKED {
            return Err(answer.unreadable("holds more than was asked for"));
        }
        if !bounces.iter().map(|one| one.n).is_sorted_by(|one, next| one < next)
            || bounces.first().is_some_and(|first| first.n <= after)
        {
            return Err(answer.unreadable("holds entries out of order"));
        }
        // A service that says that there is more and gives nothing would be asked in a circle.
        let more = more && !bounces.is_empty();
        let last = bounces.last().map_or(after, |one| one.n);
        let events = bounces.into_iter().filter_map(event).collect();
        Ok(Page { events, cursor: Some(last.to_string()), more })
    }
}

/// What an entry says; nothing where the service goes on trying.
fn event(bounce: Bounce) -> Option<Event> {
    let outcome = match bounce.kind.as_str() {
        "delivered" => NoticeOutcome::Delivered,
        "hard" => NoticeOutcome::Undeliverable,
        _ => return None,
    };
    let body = EventBody::Notice(NoticeReport { notice: bounce.external_id, outcome });
    Some(Event { id: format!("bounce-{}", bounce.n), occurred: bounce.at.saturating_mul(1_000), body })
}
