//! The feed.
//!
//! The vendor holds a request for news open until there are some, as long as it is asked to: as long as the call has
//! time for, less what is left to do. A page is confirmed in the next call, once the gateway has settled it.

use std::collections::BTreeMap;

use dialog_plugin_sdk::feed::{self, Cursor, Reached};
use dialog_plugin_sdk::files::Budget;
use dialog_plugin_sdk::inbound::{Delivery, Inbound, InboundContext, Page, RefusalReason, Settlement};
use dialog_plugin_sdk::{Event, Failure, Locale, Sent, clock};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::CgmEportal;
use crate::change::{self, Change};
use crate::graphql::{self, Answer, Error};
use crate::operation::{CHANGES, CONFIRM_CHANGES};
use crate::settings::Installation;

/// Changes that are asked for at once.
const MAX_ASKED: usize = 50;
/// Edges of a page that are looked at: what was asked for, and each again.
const MAX_EDGES: usize = 2 * MAX_ASKED;
/// Requests for documents in one call: the host lets a call make sixteen, two are for the feed and the confirmation.
const DOCUMENTS: u32 = 14;
/// The longest that the vendor holds a request open, in seconds.
const LONGEST_WAIT: i64 = 20;

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
        let mut cursor = Cursor::read(cursor.as_deref());
        cursor.settle(&settled, change::of_event, word);
        cursor.confirm(confirm);
        let (events, more) = fetch(&ctx, installation, &mut cursor)?;
        cursor.page(events, more)
    }
}

/// Tells the vendor what has been settled.
fn confirm(cursor: &Cursor) -> Result<(), Failure> {
    let refused = cursor.refused().iter().map(|(number, reason)| Refused { number: *number, reason }).collect();
    let confirm = Confirm { through: cursor.after, refused };
    let answer = graphql::mutate(CONFIRM_CHANGES, &confirm)?;
    let (Confirmed { through }, _) = answer.expect(Locale::Nb, &[])?;
    if through < cursor.after {
        return Err(Answer::senseless(CONFIRM_CHANGES, "confirms a part alone"));
    }
    Ok(())
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
    let until = feed::until(ctx);
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
    let reached = feed::hand_over(
        ctx,
        cursor,
        &mut events,
        page.iter().map(|change| (change.number, change)),
        |change, patient| {
            budget.set_patience(patient);
            change::event(ctx, change, &mut budget)
        },
    )?;
    if reached != Reached::End {
        return Ok((events, reached == Reached::Full));
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
