//! How much there is for the citizen, and finding it.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    response::Response,
};
use dialog_contract::{inbox::DialogSearch, schema::Resource};

use super::{
    body,
    caller::CitizenCaller,
    envelope::Envelope,
    query::Query,
    reply::{Refusal, finish},
};
use crate::gateway::Gateway;

/// `GET /v1/me/inbox`
pub async fn read(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    Query::parse(request.uri().query(), &[])?;
    Ok(finish(&gateway, gateway.desk.inbox(&citizen, &envelope.domain(&request)).await))
}

/// `POST /v1/me/dialogs/search`: a question; it needs no idempotency key.
pub async fn search(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    Query::parse(request.uri().query(), &[])?;
    let mut meta = envelope.domain(&request);
    let search: DialogSearch = body::json(Resource::DialogSearch, &envelope, request, &mut meta).await?;
    Ok(finish(&gateway, gateway.desk.search(&citizen, &meta, search).await))
}
