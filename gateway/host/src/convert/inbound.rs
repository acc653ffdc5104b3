//! What the vendor pushes or lets us fetch.

use dialog_contract::{
    limits::returned,
    provider::{Delivery, Disposition, Event, InboundPage, RefusalReason, Settlement},
};

use super::{
    answer::{Answer, At, Violation},
    events::events,
};
use crate::bindings::{host::types, inbound::exports::dialog::provider::inbound as wit};

/// What the vendor pushed.
pub(crate) fn delivery(delivery: Delivery) -> wit::Delivery {
    wit::Delivery { id: delivery.id, path: delivery.path, headers: delivery.headers, body: delivery.body }
}

/// What became of an event.
pub(crate) fn settlement(settlement: Settlement) -> wit::Settlement {
    wit::Settlement {
        event: settlement.event,
        disposition: match settlement.disposition {
            Disposition::Accepted => wit::Disposition::Accepted,
            Disposition::Duplicate => wit::Disposition::Duplicate,
            Disposition::Refused(reason) => wit::Disposition::Refused(match reason {
                RefusalReason::UnknownDialog => wit::RefusalReason::UnknownDialog,
                RefusalReason::UnknownCitizen => wit::RefusalReason::UnknownCitizen,
                RefusalReason::NotDigitallyActive => wit::RefusalReason::NotDigitallyActive,
                RefusalReason::NoAgreement => wit::RefusalReason::NoAgreement,
                RefusalReason::DialogClosed => wit::RefusalReason::DialogClosed,
                RefusalReason::UnknownPayment => wit::RefusalReason::UnknownPayment,
                RefusalReason::FeeNotAllowed => wit::RefusalReason::FeeNotAllowed,
                RefusalReason::Invalid => wit::RefusalReason::Invalid,
            }),
        },
    }
}

/// Events by themselves.
pub(crate) fn received(received: Vec<types::Event>, answer: &mut Answer<'_>) -> Result<Vec<Event>, Violation> {
    events(&At::Answer, received, answer)
}

/// One page of what is new.
pub(crate) fn page(page: wit::Page, answer: &mut Answer<'_>) -> Result<InboundPage, Violation> {
    let at = At::Answer;
    let cursor =
        page.cursor.map(|cursor| answer.opaque(&at.field("cursor"), cursor, returned::CURSOR_BYTES)).transpose()?;
    Ok(InboundPage { events: events(&at.field("events"), page.events, answer)?, cursor, more: page.more })
}
