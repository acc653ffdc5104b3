//! What an office offers, through whom, and what a citizen is told before sending.

use std::{sync::Arc, time::Instant};

use axum::{
    Extension,
    extract::{Path, Request, State},
    response::Response,
};
use dialog_contract::{
    ids::{HerId, PluginId},
    problem::ProblemType,
    service::Service,
};

use super::{
    caller::CitizenCaller,
    envelope::Envelope,
    query::Query,
    reply::{Refusal, finish},
};
use crate::gateway::Gateway;

/// `GET /v1/me/practice`
pub async fn mine(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    let meta = envelope.domain(&request);
    Ok(finish(&gateway, gateway.desk.practice(&citizen, &meta).await))
}

/// `GET /v1/offices/{herId}`, open to all
pub async fn office(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    Path(office): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    gateway.rates.without_token(Instant::now()).map_err(Refusal::too_often)?;
    // What is no HER-id is the HER-id of no office.
    let office = office.parse::<HerId>().map_err(|_| Refusal::of(ProblemType::NotFound))?;
    let meta = envelope.domain(&request);
    Ok(finish(&gateway, gateway.desk.office(office, &meta).await))
}

/// `GET /v1/me/services/{service}/guidance`
pub async fn guidance(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    Path(service): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let provider = Query::parse(request.uri().query(), &["provider"])?.get::<PluginId>("provider")?;
    // What is no service has no guidance.
    let service: Service = service.parse().map_err(|_| Refusal::of(ProblemType::NotFound))?;
    Ok(finish(&gateway, gateway.desk.guidance(&citizen, &envelope.domain(&request), service, provider).await))
}
