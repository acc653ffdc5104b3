//! The feed.
//!
//! The vendor holds a request for news open until there are some, as long as it is asked to: as long as the call has
//! time for, less what is left to do. A page is confirmed in the next call, once the gateway has settled it.

use std::collections::BTreeMap;

use dialog_plugin_sdk::inbound::{Delivery, Disposition, Inbound, InboundContext, Page, RefusalReason, Settlement};
use dialog_plugin_sdk::{Event, EventBody, Failure, Locale, Sent, clock, log};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::CgmEportal;
use crate::change::{self, Change, Stop};
use crate::document::Budget;
use crate::graphql::{self, Answer, Error};
use crate::operation::{CHANGES, CONFIRM_CHANGES};
use crate::settings::Installation;

/// Changes that are asked for at once.
const MAX_ASKED: usize = 50;
/// Edges of a page that are looked at: what was asked for, and each again.
const MAX_EDGES: usize = 2 * MAX_ASKED;
/// Requests for documents in one call: the host lets a call make sixteen, two are for the feed and the confirmation.
const DOCUMENTS: u32 = 14;
/// Bytes of texts in one page: a call may return 1 MiB, and the rest of an event is small.
const MAX_BYTES: usize = 640 * 1024;
/// Refused changes that are still to be told.
const MAX_REFUSED: usize = 200;
/// Left at the end of a call, in milliseconds.
const MARGIN: i64 = 1_500;
/// The longest that the vendor holds a request open, in seconds.
const LONGEST_WAIT: i64 = 20;
/// How long the feed waits for one change, in milliseconds: an hour, as what is behind it waits too.
const PATIENCE: i64 = 60 * 60 * 1000;

/// What is known between calls. Opaque to the gateway.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Cursor {
    /// The last change that was handed over.
    after: u64,
    /// The last change that was confirmed at the vendor.
    confirmed: u64,
    /// What the gateway refused and the vendor has not been told.
    refused: BTreeMap<u64, String>,
    /// The change that does not come, or whose documents do not, and since when.
    stuck: Option<(u64, i64)>,
}

#[derive(Serialize)]
struct Confirm<'a> {
    through: u64,
    refused: Vec<Refused<'a>>,
}

#[derive(Serialize)]
struct Refused<'a> {
    number: u64,
    reason: &'a str,
}

#[derive(Deserialize)]
struct Confirmed {
    through: u64,
}

#[derive(Serialize)]
struct Wanted {
    after: u64,
    wait: i64,
    first: usize,
}

#[derive(Deserialize)]
struct Feed {
    edges: Vec<Edge>,
    through: u64,
    more: bool,
}

#[derive(Deserialize)]
struct Edge {
    number: u64,
    #[serde(default)]
    node: Value,
}

impl Inbound for CgmEportal {
    fn receive(_: InboundContext, _: Delivery) -> Result<Vec<Event>, Failure> {
        Err(Failure::faulty(Sent::No, "a delivery from a vendor that pushes nothing"))
    }

    fn poll(ctx: InboundContext, cursor: Option<String>, settled: Vec<Settlement>) -> Result<Page, Failure> {
        let installation: Installation = ctx.installation()?;
        let mut cursor = read_cursor(cursor.as_deref());
        confirm(&mut cursor, &settled);
        let (events, more) = fetch(&ctx, installation, &mut cursor)?;
        let cursor =
            serde_json::to_string(&cursor).map_err(|_| Failure::faulty(Sent::No, "the cursor has no form in JSON"))?;
        Ok(Page { events, cursor: Some(cursor), more })
    }
}

fn read_cursor(cursor: Option<&str>) -> Cursor {
    let Some(text) = cursor else { return Cursor::default() };
    serde_json::from_str(text).unwrap_or_else(|_| {
        // The vendor keeps what was not confirmed, and what was seen before is recognised by its event's id.
        log::warn!("the cursor is of another version and is begun anew");
        Cursor::default()
    })
}

/// Tells the vendor what has been settled. It is told again in the next call where it does not take it: nothing is lost,
/// and what is new is not held up.
fn confirm(cursor: &mut Cursor, settled: &[Settlement]) {
    for settlement in settled {
        let (Some(number), Disposition::Refused(reason)) =
            (change::of_event(&settlement.event), &settlement.disposition)
        else {
            continue;
        };
        if cursor.refused.len() < MAX_REFUSED {
            cursor.refused.insert(number, word(*reason).to_owned());
        }
    }
    if cursor.after == cursor.confirmed {
        return;
    }
    let refused = cursor.refused.iter().map(|(number, reason)| Refused { number: *number, reason }).collect();
    let confirm = Confirm { through: cursor.after, refused };
    let answer = graphql::mutate(CONFIRM_CHANGES, &confirm);
    match answer.and_then(|answer| answer.expect::<Confirmed>(Locale::Nb, &[])) {
        Ok((Confirmed { through }, _)) if through >= cursor.after => {
            cursor.confirmed = cursor.after;
            cursor.refused.clear();
        }
        Ok(_) => log::warn!("what was settled is confirmed in part alone"),
        Err(failure) => {
            let why = detail(failure);
            log::warn!("what was settled is not confirmed yet: {why}");
        }
    }
}

/// A failure in a line for the operator.
fn detail(failure: Failure) -> String {
    match failure {
        Failure::Unavailable(outage) => outage.detail,
        Failure::Faulty(fault) => fault.detail,
        _ => "refused".to_owned(),
    }
}

/// The vendor's word for why something was not taken in.
const fn word(reason: RefusalReason) -> &'static str {
    match reason {
        RefusalReason::UnknownDialog => "THREAD_UNKNOWN",
        RefusalReason::UnknownCitizen => "PATIENT_UNKNOWN",
        RefusalReason::NotDigitallyActive => "PATIENT_NOT_DIGITAL",
        RefusalReason::NoAgreement => "NO_AGREEMENT",
        RefusalReason::DialogClosed => "THREAD_CLOSED",
        // The vendor tells of no fees and payments: nothing of the kind can be refused.
        RefusalReason::UnknownPayment | RefusalReason::FeeNotAllowed | RefusalReason::Invalid => "INVALID",
    }
}

/// How many seconds the vendor may hold the request open: what is left of the call by now, less what is left to do.
fn wait(until: i64, installation: Installation) -> i64 {
    let left = (until - clock::now()) / 1_000;
    left.clamp(0, i64::from(installation.long_poll_seconds).min(LONGEST_WAIT))
}

/// What is new, and whether there is more. The cursor ends at the last change that is handed over.
fn fetch(ctx: &InboundContext, installation: Installation, cursor: &mut Cursor) -> Result<(Vec<Event>, bool), Failure> {
    let until = ctx.now + i64::from(ctx.time_left) - MARGIN;
    // A change that is stuck is there already: the vendor answers at once, and waiting for others would not help it.
    let wanted = Wanted { after: cursor.after, wait: wait(until, installation), first: MAX_ASKED };
    let (feed, errors) = graphql::query(CHANGES, &wanted)?.expect::<Feed>(Locale::Nb, &[])?;
    let Feed { edges, through, more } = feed;
    if edges.len() > MAX_EDGES || through < cursor.after {
        return Err(Answer::senseless(CHANGES, "holds more than was asked for, or goes back"));
    }
    let page = in_order(edges, errors, cursor.after);
    if page.last().is_some_and(|last| last.number > through) {
        return Err(Answer::senseless(CHANGES, "ends before its last change"));
    }
    let mut budget = Budget::of(DOCUMENTS);
    let mut events = Vec::new();
    let mut bytes = 0;
    for change in &page {
        let handed_over = !events.is_empty();
        if handed_over && (bytes > MAX_BYTES || clock::now() >= until) {
            return Ok((events, true));
        }
        let number = change.number;
        let patient = cursor.stuck.is_none_or(|(stuck, since)| stuck != number || ctx.now - since < PATIENCE);
        budget.set_patience(patient);
        match change::event(ctx, change, &mut budget) {
            Ok(event) => {
                cursor.stuck = None;
                bytes += weight(&event);
                events.push(event);
                cursor.after = number;
            }
            Err(Stop::OutOfBudget) if handed_over => return Ok((events, true)),
            Err(Stop::OutOfBudget) => {
                return Err(Failure::unavailable(Sent::No, "the call has no request left for a change's documents"));
            }
            // What came before is handed over. The call succeeds, so that the cursor knows since when it is stuck.
            Err(Stop::Failed(failure)) => {
                log::warn!("change {number} waits, and those after it: {}", detail(failure));
                let since = cursor.stuck.filter(|(stuck, _)| *stuck == number).map_or(ctx.now, |(_, since)| since);
                cursor.stuck = Some((number, since));
                return Ok((events, false));
            }
        }
    }
    // A page without anything new that says there is more would be asked for without end.
    let more = more && through > wanted.after;
    cursor.after = through;
    Ok((events, more))
}

/// The changes of a page by number, each once, without those that were handed over before: however they came.
fn in_order(edges: Vec<Edge>, errors: Vec<Error>, after: u64) -> Vec<Change> {
    let mut page: BTreeMap<u64, Change> = BTreeMap::new();
    for (position, Edge { number, node }) in edges.into_iter().enumerate().filter(|(_, edge)| edge.number > after) {
        let code = if node.is_null() { code(&errors, position) } else { None };
        let change = Change { number, node, code };
        // Of two, the one that has something in it.
        match page.get(&number) {
            Some(known) if !known.node.is_null() => {}
            _ => {
                page.insert(number, change);
            }
        }
    }
    page.into_values().collect()
}

/// Why the vendor does not give the change at a position of the page: `changes.edges.N.node` and what is below it.
fn code(errors: &[Error], position: usize) -> Option<String> {
    let at = |error: &&Error| {
        let [root, edges, index, ..] = &error.path[..] else { return false };
        root == "changes" && edges == "edges" && index.as_u64() == Some(position as u64)
    };
    errors.iter().find(at).map(|error| error.extensions.code.clone())
}

/// Bytes of the texts of an event, roughly.
fn weight(event: &Event) -> usize {
    let message = match &event.body {
        EventBody::Message(body) => Some(&body.message),
        EventBody::Opened(body) => Some(&body.message),
        EventBody::Renewal(body) => body.message.as_ref(),
        _ => None,
    };
    let decided = match &event.body {
        EventBody::Renewal(body) => {
            body.decisions.iter().map(|one| one.reason.as_ref().map_or(0, String::len)).sum::<usize>()
        }
        _ => 0,
    };
    4096 + decided + message.map_or(0, |message| message.text.len())
}
