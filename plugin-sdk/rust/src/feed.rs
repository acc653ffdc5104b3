//! A vendor's feed of numbered changes, taken in order and confirmed afterwards.
//!
//! Delivery is at least once: a page is handed over, the gateway says in the next call what became of each event
//! (`settled`), and only then is the vendor told. What this keeps between calls is the [`Cursor`]; [`hand_over`] goes
//! through a page as far as one call can.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::inbound::{Disposition, InboundContext, Page, RefusalReason, Settlement};
use crate::{Event, EventBody, Failure, Instant, Sent, clock, files, log};

/// Bytes of texts in one page: a call may return 1 MiB, and the rest of an event is small.
const MAX_BYTES: usize = 640 * 1024;
/// Refused changes that are still to be told.
const MAX_REFUSED: usize = 200;
/// Left at the end of a call, in milliseconds.
const MARGIN: i64 = 1_500;
/// How long the feed waits for one change that does not come, in milliseconds: an hour, as what is behind it waits too.
const PATIENCE: i64 = 60 * 60 * 1000;

/// What is known between calls. Opaque to the gateway.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cursor {
    /// The last change that was handed over.
    pub after: u64,
    /// The last change that was confirmed at the vendor.
    confirmed: u64,
    /// What the gateway refused and the vendor has not been told.
    refused: BTreeMap<u64, String>,
    /// The change that does not come, or whose files do not, and since when.
    stuck: Option<(u64, Instant)>,
}

impl Cursor {
    /// The cursor of the last call. One of another version is begun anew: the vendor keeps what was not confirmed, and
    /// what was seen before is recognised by its event's id.
    #[must_use]
    pub fn read(cursor: Option<&str>) -> Self {
        let Some(text) = cursor else { return Self::default() };
        serde_json::from_str(text).unwrap_or_else(|_| {
            log::warn!("the cursor is of another version and is begun anew");
            Self::default()
        })
    }

    /// Remembers what the gateway refused: `number` is the change of an event's id, `word` the vendor's word for why.
    pub fn settle(
        &mut self,
        settled: &[Settlement],
        number: impl Fn(&str) -> Option<u64>,
        word: impl Fn(RefusalReason) -> &'static str,
    ) {
        for Settlement { event, disposition } in settled {
            if let (Some(number), Disposition::Refused(reason)) = (number(event), disposition)
                && self.refused.len() < MAX_REFUSED
            {
                self.refused.insert(number, word(*reason).to_owned());
            }
        }
    }

    /// Refused changes that the vendor has not been told, with its word for why.
    #[must_use]
    pub const fn refused(&self) -> &BTreeMap<u64, String> {
        &self.refused
    }

    /// The vendor knows that this one was refused, or will not hear of it.
    pub fn told(&mut self, number: u64) {
        self.refused.remove(&number);
    }

    /// Tells the vendor what has been settled, up to `after` and with what was refused, where there is something to tell.
    /// It is told again in the next call where it does not take it: nothing is lost, and what is new is not held up.
    pub fn confirm(&mut self, tell: impl FnOnce(&Self) -> Result<(), Failure>) {
        if self.after == self.confirmed {
            return;
        }
        match tell(self) {
            Ok(()) => {
                self.confirmed = self.after;
                self.refused.clear();
            }
            Err(failure) => log::warn!("what was settled is not confirmed yet: {}", failure.detail()),
        }
    }

    /// The page that the call returns.
    ///
    /// # Errors
    /// The cursor has no form in JSON.
    pub fn page(&self, events: Vec<Event>, more: bool) -> Result<Page, Failure> {
        let cursor =
            serde_json::to_string(self).map_err(|_| Failure::faulty(Sent::No, "the cursor has no form in JSON"))?;
        Ok(Page { events, cursor: Some(cursor), more })
    }
}

/// Why a change was not made an event of.
#[derive(Debug)]
pub enum Stop {
    /// The call has no request left: the next call goes on here.
    OutOfBudget,
    /// Something that may work later.
    Failed(Failure),
}

impl From<files::Missing> for Stop {
    /// Of a file that the message cannot go without.
    fn from(missing: files::Missing) -> Self {
        match missing {
            files::Missing::OutOfBudget => Self::OutOfBudget,
            files::Missing::Now(failure) => Self::Failed(failure),
            files::Missing::ForGood(why) => Self::Failed(Failure::faulty(Sent::No, format!("a file: {why}"))),
        }
    }
}

/// How far a page was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// To its end: the cursor may go to where the vendor says that the page ends.
    End,
    /// As far as one call can; the gateway may ask again at once.
    Full,
    /// To a change that does not come now; asking again at once would not help.
    Stuck,
}

/// Until when a call may work on a page, so that what it has is handed over in time.
#[must_use]
pub fn until(ctx: &InboundContext) -> Instant {
    ctx.now + i64::from(ctx.time_left) - MARGIN
}

/// Hands over changes in order, behind the events that are there already, and moves the cursor with each. `event` makes
/// one of a change; its last argument says whether what does not come is still waited for: after an hour it is given up.
///
/// # Errors
/// The first change needs more requests than a call has.
pub fn hand_over<T>(
    ctx: &InboundContext,
    cursor: &mut Cursor,
    events: &mut Vec<Event>,
    changes: impl IntoIterator<Item = (u64, T)>,
    mut event: impl FnMut(T, bool) -> Result<Event, Stop>,
) -> Result<Reached, Failure> {
    let until = until(ctx);
    let mut bytes: usize = events.iter().map(weight).sum();
    for (number, change) in changes {
        let handed_over = !events.is_empty();
        if handed_over && (bytes > MAX_BYTES || clock::now() >= until) {
            return Ok(Reached::Full);
        }
        let patient = cursor.stuck.is_none_or(|(stuck, since)| stuck != number || ctx.now - since < PATIENCE);
        match event(change, patient) {
            Ok(event) => {
                cursor.stuck = None;
                bytes += weight(&event);
                events.push(event);
                cursor.after = number;
            }
            Err(Stop::OutOfBudget) if handed_over => return Ok(Reached::Full),
            Err(Stop::OutOfBudget) => {
                return Err(Failure::unavailable(Sent::No, "one change has more files than a call can fetch"));
            }
            // What came before is handed over. The call succeeds, so that the cursor knows since when it is stuck.
            Err(Stop::Failed(failure)) => {
                log::warn!("change {number} waits, and those after it: {}", failure.detail());
                let since = cursor.stuck.filter(|(stuck, _)| *stuck == number).map_or(ctx.now, |(_, since)| since);
                cursor.stuck = Some((number, since));
                return Ok(Reached::Stuck);
            }
        }
    }
    Ok(Reached::End)
}

/// Bytes of the texts of an event, roughly.
#[must_use]
pub fn weight(event: &Event) -> usize {
    let (message, decided) = match &event.body {
        EventBody::Message(body) => (Some(&body.message), 0),
        EventBody::Opened(body) => (Some(&body.message), 0),
        EventBody::Renewal(body) => {
            let reasons = body.decisions.iter().map(|one| one.reason.as_ref().map_or(0, String::len));
            (body.message.as_ref(), reasons.sum())
        }
        EventBody::Results(body) => {
            let findings = body.observations.iter().map(|one| {
                let comment = one.comment.as_ref().map_or(0, String::len);
                one.name.len() + one.value.len() + comment
            });
            (Some(&body.message), findings.sum())
        }
        _ => (None, 0),
    };
    4096 + decided + message.map_or(0, |message| message.text.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what failed by failing")]
    use super::*;
    use crate::testing::{Host, inbound_context};
    use crate::{DialogStatus, StatusChange};

    fn event(number: u64) -> Event {
        let status = StatusChange { dialog: "d".into(), status: DialogStatus::AwaitingOffice, reason: None };
        Event { id: format!("e-{number}"), occurred: 0, body: EventBody::Status(status) }
    }

    fn ids(events: &[Event]) -> Vec<&str> {
        events.iter().map(|event| event.id.as_str()).collect()
    }

    /// Hands over 1 to 4, of which `bad` does not come.
    fn page(ctx: &InboundContext, cursor: &mut Cursor, bad: u64, stop: fn() -> Stop) -> (Vec<Event>, Reached) {
        let mut events = Vec::new();
        let left = cursor.after + 1..=4;
        let reached = hand_over(ctx, cursor, &mut events, left.map(|number| (number, number)), |number, patient| {
            if number == bad && patient { Err(stop()) } else { Ok(event(number)) }
        });
        (events, reached.unwrap())
    }

    #[test]
    fn a_change_that_does_not_come_holds_up_what_is_behind_it_for_an_hour_and_no_longer() {
        let _host = Host::install();
        let (mut ctx, mut cursor) = (inbound_context(), Cursor::default());
        let down = || Stop::Failed(Failure::unavailable(Sent::No, "down"));
        let (events, reached) = page(&ctx, &mut cursor, 3, down);
        assert_eq!((ids(&events), reached, cursor.after), (vec!["e-1", "e-2"], Reached::Stuck, 2));
        ctx.now += PATIENCE - 1;
        assert_eq!(page(&ctx, &mut cursor, 3, down).1, Reached::Stuck);
        ctx.now += 1;
        let (events, reached) = page(&ctx, &mut cursor, 3, down);
        assert_eq!((ids(&events), reached, cursor.after), (vec!["e-3", "e-4"], Reached::End, 4));
    }

    #[test]
    fn a_call_without_requests_left_hands_over_what_it_has_and_goes_on_there() {
        let _host = Host::install();
        let (ctx, mut cursor) = (inbound_context(), Cursor::default());
        let (events, reached) = page(&ctx, &mut cursor, 2, || Stop::OutOfBudget);
        assert_eq!((ids(&events), reached, cursor.after), (vec!["e-1"], Reached::Full, 1));
        let mut events = Vec::new();
        let first = hand_over(&ctx, &mut cursor, &mut events, [(2, ())], |(), _| Err(Stop::OutOfBudget));
        assert!(matches!(first, Err(Failure::Unavailable(_))), "the first change never fits");
    }

    #[test]
    fn what_was_settled_is_told_until_the_vendor_takes_it() {
        let _host = Host::install();
        let mut cursor = Cursor { after: 7, ..Cursor::default() };
        let refused = Disposition::Refused(RefusalReason::DialogClosed);
        let settled = [
            Settlement { event: "e-6".into(), disposition: refused },
            Settlement { event: "e-7".into(), disposition: Disposition::Accepted },
        ];
        cursor.settle(&settled, |id| id.strip_prefix("e-")?.parse().ok(), |_| "CLOSED");
        cursor.confirm(|_| Err(Failure::unavailable(Sent::No, "down")));
        let mut cursor = Cursor::read(cursor.page(Vec::new(), false).unwrap().cursor.as_deref());
        let mut told = None;
        cursor.confirm(|cursor| {
            told = Some((cursor.after, cursor.refused().clone()));
            Ok(())
        });
        assert_eq!(told, Some((7, BTreeMap::from([(6, "CLOSED".to_owned())]))));
        assert!(cursor.refused().is_empty());
        cursor.confirm(|_| unreachable!("nothing is left to tell"));
    }

    #[test]
    fn a_cursor_of_another_version_is_begun_anew() {
        let _host = Host::install();
        assert_eq!(Cursor::read(Some(r#"{"after":"three"}"#)), Cursor::default());
        assert_eq!(Cursor::read(None), Cursor::default());
    }
}
