//! What citizens choose about themselves.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    response::Response,
};
use dialog_contract::{choice::NewChoice, schema::Resource};
use dialog_core::Choosable;

use super::{
    body,
    caller::CitizenCaller,
    envelope::Envelope,
    query::Query,
    reply::{Refusal, finish},
};
use crate::gateway::Gateway;

/// `GET /v1/me/digital-dialog`
pub async fn digital(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    Query::parse(request.uri().query(), &[])?;
    Ok(finish(&gateway, gateway.desk.choice(&citizen, &envelope.domain(&request), Choosable::Digital).await))
}

/// `PUT /v1/me/digital-dialog`
pub async fn choose_digital(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    let mut meta = envelope.replacement(&request)?;
    let new: NewChoice = body::json(Resource::NewChoice, &envelope, request, &mut meta).await?;
    Ok(finish(&gateway, gateway.desk.choose(&citizen, &meta, Choosable::Digital, new).await))
}

/// `GET /v1/me/archive`
pub async fn archive(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    Query::parse(request.uri().query(), &[])?;
    Ok(finish(&gateway, gateway.desk.choice(&citizen, &envelope.domain(&request), Choosable::Archive).await))
}

/// `PUT /v1/me/archive`
pub async fn choose_archive(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    let mut meta = envelope.replacement(&request)?;
    let new: NewChoice = body::json(Resource::NewChoice, &envelope, request, &mut meta).await?;
    Ok(finish(&gateway, gateway.desk.choose(&citizen, &meta, Choosable::Archive, new).await))
}
