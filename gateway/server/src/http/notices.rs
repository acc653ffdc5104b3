//! How a citizen wants to be told that there is something for them.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    response::Response,
};
use dialog_contract::{notice::NewNoticePreferences, schema::Resource};

use super::{
    body,
    caller::CitizenCaller,
    envelope::Envelope,
    query::Query,
    reply::{Refusal, finish},
};
use crate::gateway::Gateway;

/// `GET /v1/me/notice-preferences`
pub async fn preferences(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    Query::parse(request.uri().query(), &[])?;
    Ok(finish(&gateway, gateway.desk.notice_preferences(&citizen, &envelope.domain(&request)).await))
}

/// `PUT /v1/me/notice-preferences`
pub async fn prefer(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    // The same twice is the same once: it needs no Idempotency-Key.
    let mut meta = envelope.replacement(&request)?;
    let new: NewNoticePreferences = body::json(Resource::NewNoticePreferences, &envelope, request, &mut meta).await?;
    Ok(finish(&gateway, gateway.desk.prefer_notices(&citizen, &meta, new).await))
}
