//! What the portal is told: a cursor feed for the portal itself, and a stream for one citizen's screen.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{Request, State},
    response::{
        IntoResponse, Response,
        sse::{Event as Line, KeepAlive, Sse},
    },
};
use dialog_contract::event::Event;
use dialog_core::ports::evidence::Evidence;
use futures_util::StreamExt;

use super::{
    caller::{CitizenCaller, PortalCaller},
    envelope::Envelope,
    query::Query,
    reply::{Refusal, finish, mark},
    streams::while_read,
};
use crate::{gateway::Gateway, limits::STANDSTILL};

/// Something is sent at least this often, so that a connection that died is noticed by both sides.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// `GET /v1/events`
pub async fn feed(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    PortalCaller(portal): PortalCaller,
    request: Request,
) -> Result<Response, Refusal> {
    let query = Query::parse(request.uri().query(), &["cursor", "limit"])?;
    let (cursor, limit) = (query.text("cursor").map(str::to_owned), query.get::<u32>("limit")?);
    Ok(finish(&gateway, gateway.desk.feed(&portal, &envelope.domain(&request), cursor, limit).await))
}

/// `GET /v1/me/events` (server-sent events)
pub async fn stream(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    Query::parse(request.uri().query(), &[])?;
    let after = match request.headers().get("last-event-id") {
        None => None,
        Some(value) => Some(value.to_str().map_err(|_| Refusal::malformed("Last-Event-ID"))?.to_owned()),
    };
    let person = gateway.evidence.pseudonym(&citizen.target().national_identity_number);
    let place = gateway.event_streams.enter(person).ok_or_else(Refusal::too_many_streams)?;
    let opened = match gateway.desk.follow(&citizen, &envelope.domain(&request), after.as_deref()).await {
        Ok(opened) => opened,
        Err(refused) => return Ok(finish(&gateway, Err(refused))),
    };
    let ends = gateway.stopping();
    let lines = opened.events.take_until(ends).map(move |event| {
        // Given back when the stream is dropped.
        let _place = &place;
        Ok::<_, Infallible>(line(&event))
    });
    let mut response =
        Sse::new(while_read(lines, STANDSTILL)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    mark(&mut response, Some(&opened.receipt), false);
    Ok(response)
}

fn line(event: &Event) -> Line {
    // An event is texts and numbers: it always has a JSON form, in one line.
    let data = serde_json::to_string(event).unwrap_or_default();
    Line::default().id(event.id.to_string()).event(event.kind.as_str()).data(data)
}
