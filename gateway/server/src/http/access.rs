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
use dialog_core::AccessFilter;
use http::{HeaderValue, header};
use jiff::Timestamp;

use super::{
    caller::{CitizenCaller, RecordOwner},
    envelope::Envelope,
    query::Query,
    reply::{Refusal, finish},
};
use crate::gateway::Gateway;

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
    let meta = envelope.domain(&request);
    let ended = match owner {
        RecordOwner::Citizen(citizen) => gateway.desk.receipt(&citizen, &meta, index).await,
        RecordOwner::Portal(portal) => gateway.desk.receipt_of_portal(&portal, &meta, index).await,
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
