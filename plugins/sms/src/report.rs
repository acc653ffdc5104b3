//! What the network says of a message later: delivery reports, pushed and signed.

use dialog_plugin_sdk::inbound::{Delivery, Inbound, InboundContext, Page, Settlement};
use dialog_plugin_sdk::{Event, EventBody, Failure, NoticeOutcome, NoticeReport, Sent, time};
use serde::Deserialize;

use crate::Sms;

/// Where reports arrive, below the plugin's own address.
const PATH: &str = "reports";

/// Reports of one delivery: the contract's limit on events.
const MAX_REPORTS: usize = 100;

#[derive(Deserialize)]
struct Delivered {
    reports: Vec<Report>,
}

#[derive(Deserialize)]
struct Report {
    /// The same at every attempt.
    id: String,
    /// The notice's id.
    reference: String,
    status: String,
    at: String,
}

impl Inbound for Sms {
    fn receive(_: InboundContext, delivery: Delivery) -> Result<Vec<Event>, Failure> {
        if delivery.path.trim_matches('/') != PATH {
            return Err(Failure::faulty(Sent::No, "a delivery to an address where nothing is delivered"));
        }
        let Delivered { reports } = serde_json::from_slice(&delivery.body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Failure::faulty(Sent::No, format!("a delivery that is no list of reports (line {line}, column {column})"))
        })?;
        if reports.len() > MAX_REPORTS {
            return Err(Failure::faulty(Sent::No, "a delivery of more than 100 reports"));
        }
        reports.into_iter().filter_map(|report| event(report).transpose()).collect()
    }

    /// The service has no feed: what was not delivered is delivered again, for three days.
    fn poll(_: InboundContext, cursor: Option<String>, _: Vec<Settlement>) -> Result<Page, Failure> {
        Ok(Page { events: Vec::new(), cursor, more: false })
    }
}

/// What a report says; nothing where the message is still on its way.
fn event(report: Report) -> Result<Option<Event>, Failure> {
    let outcome = match report.status.as_str() {
        "DELIVERED" => NoticeOutcome::Delivered,
        "UNDELIVERABLE" | "EXPIRED" | "REJECTED" => NoticeOutcome::Undeliverable,
        _ => return Ok(None),
    };
    let occurred = time::instant(&report.at)
        .ok_or_else(|| Failure::faulty(Sent::No, "a report of a time that no calendar has"))?;
    let body = EventBody::Notice(NoticeReport { notice: report.reference, outcome });
    Ok(Some(Event { id: format!("report-{}", report.id), occurred, body }))
}
