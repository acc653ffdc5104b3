//! What the audit log holds about the caller: the proof of each record, and who read or changed what is theirs.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
    response::Response,
};
use dialog_contract::{
    access_log::AccessKind,
    ids::{HerId, PluginId},
};
use dialog_core::{AccessFilter, RecordPlace};
use http::{HeaderValue, header};
use jiff::Timestamp;

use super::{
    caller::{CitizenCaller, RecordOwner},
    envelope::Envelope,
    query::Query,
    reply::{Refusal, finish},
};
use crate::gateway::Gateway;

/// Longest name of a log that is looked at, in characters: that of the contract.
const ORIGIN_CHARACTERS: usize = 255;

/// `GET /v1/me/receipts/{index}`
pub async fn receipt(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    Path(index): Path<String>,
    owner: RecordOwner,
    request: Request,
) -> Result<Response, Refusal> {
    // Another spelling of a number is the index of no record.
    let index = index.parse().ok().filter(|parsed: &u64| parsed.to_string() == index).unwrap_or(u64::MAX);
    let query = Query::parse(request.uri().query(), &["origin"])?;
    let origin = query.text("origin").map(str::to_owned);
    if origin.as_ref().is_some_and(|origin| !is_origin(origin)) {
        return Err(Refusal::malformed("query: origin"));
    }
    let (meta, of) = (envelope.domain(&request), RecordPlace { origin, index });
    let ended = match owner {
        RecordOwner::Citizen(citizen) => gateway.desk.receipt(&citizen, &meta, of).await,
        RecordOwner::Portal(portal) => gateway.desk.receipt_of_portal(&portal, &meta, of).await,
    };
    let is_proof = ended.is_ok();
    let mut response = finish(&gateway, ended);
    if is_proof {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"{index}.tlog-proof\"")) {
            headers.insert(header::CONTENT_DISPOSITION, name);
        }
    }
    Ok(response)
}

/// Whether a text could name a log.
fn is_origin(text: &str) -> bool {
    (1..=ORIGIN_CHARACTERS).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// `GET /v1/me/access-log`
pub async fn log(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    let known = ["from", "to", "what", "through", "office", "cursor", "limit"];
    let query = Query::parse(request.uri().query(), &known)?;
    let filter = AccessFilter {
        from: query.get::<Timestamp>("from")?,
        to: query.get::<Timestamp>("to")?,
        what: query.get::<AccessKind>("what")?,
        through: query.get::<PluginId>("through")?,
        office: query.get::<HerId>("office")?,
        cursor: query.text("cursor").map(str::to_owned),
        limit: query.get::<u32>("limit")?,
    };
    Ok(finish(&gateway, gateway.desk.access_log(&citizen, &envelope.domain(&request), filter).await))
}
