//! What offices agreed with providers, for operators; and what an office decides by itself, for its own people.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
    response::Response,
};
use dialog_contract::{
    agreement::{NewAbsences, NewOfficeChoice, NewTerms},
    handover::NewHandover,
    ids::{HerId, HprNumber, PluginId},
    problem::ProblemType,
    schema::Resource,
    service::Service,
};

use super::{
    body,
    caller::{OfficeCaller, OperatorCaller},
    envelope::Envelope,
    query::Query,
    reply::{Refusal, finish},
};
use crate::gateway::Gateway;

/// `GET /v1/offices/{herId}/agreements`
pub async fn list(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    OperatorCaller(operator): OperatorCaller,
    Path(office): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let meta = envelope.domain(&request);
    Ok(finish(&gateway, gateway.desk.terms(&operator, &meta, named(&office)?).await))
}

/// `GET /v1/offices/{herId}/agreements/{service}`
pub async fn read(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    OperatorCaller(operator): OperatorCaller,
    Path((office, service)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let meta = envelope.domain(&request);
    let (office, service) = (named(&office)?, named::<Service>(&service)?);
    Ok(finish(&gateway, gateway.desk.terms_of(&operator, &meta, office, service).await))
}

/// `PUT /v1/offices/{herId}/agreements/{service}`
pub async fn change(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    OperatorCaller(operator): OperatorCaller,
    Path((office, service)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let (office, service) = (named(&office)?, named::<Service>(&service)?);
    let mut meta = envelope.replacement(&request)?;
    let new: NewTerms = body::json(Resource::NewTerms, &envelope, request, &mut meta).await?;
    Ok(finish(&gateway, gateway.desk.change_terms(&operator, &meta, office, service, new).await))
}

/// `DELETE /v1/offices/{herId}/agreements/{service}`: the directory holds again
pub async fn reset(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    OperatorCaller(operator): OperatorCaller,
    Path((office, service)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let (office, service) = (named(&office)?, named::<Service>(&service)?);
    let meta = envelope.replacement(&request)?;
    Ok(finish(&gateway, gateway.desk.reset_terms(&operator, &meta, office, service).await))
}

/// `GET /v1/offices/{herId}/handover/{plugin}`: what is open with a provider
pub async fn export(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    OperatorCaller(operator): OperatorCaller,
    Path((office, plugin)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let of = (named::<HerId>(&office)?, named::<PluginId>(&plugin)?);
    let query = Query::parse(request.uri().query(), &["cursor"])?;
    let cursor = query.text("cursor").map(str::to_owned);
    let meta = envelope.domain(&request);
    Ok(finish(&gateway, gateway.desk.export(&operator, &meta, of, cursor).await))
}

/// `POST /v1/offices/{herId}/handover/{plugin}`: what is open goes on with the office's new provider
pub async fn hand_over(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    OperatorCaller(operator): OperatorCaller,
    Path((office, plugin)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let of = (named::<HerId>(&office)?, named::<PluginId>(&plugin)?);
    let mut meta = envelope.domain(&request);
    let new: NewHandover = body::json(Resource::NewHandover, &envelope, request, &mut meta).await?;
    Ok(finish(&gateway, gateway.desk.hand_over(&operator, &meta, of, new).await))
}

/// `GET /v1/offices/{herId}/choices`
pub async fn choices(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    OfficeCaller(staff): OfficeCaller,
    Path(office): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let meta = envelope.domain(&request);
    Ok(finish(&gateway, gateway.desk.office_choices(&staff, &meta, named(&office)?).await))
}

/// `PUT /v1/offices/{herId}/choices/{service}`
pub async fn choose(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    OfficeCaller(staff): OfficeCaller,
    Path((office, service)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let (office, service) = (named(&office)?, named::<Service>(&service)?);
    let mut meta = envelope.replacement(&request)?;
    let new: NewOfficeChoice = body::json(Resource::NewOfficeChoice, &envelope, request, &mut meta).await?;
    Ok(finish(&gateway, gateway.desk.choose_for_office(&staff, &meta, office, service, new).await))
}

/// `PUT /v1/offices/{herId}/absences/{hprNumber}`
pub async fn set_absences(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    OfficeCaller(staff): OfficeCaller,
    Path((office, clinician)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let (office, clinician): (HerId, HprNumber) = (named(&office)?, named(&clinician)?);
    let mut meta = envelope.replacement(&request)?;
    let new: NewAbsences = body::json(Resource::NewAbsences, &envelope, request, &mut meta).await?;
    Ok(finish(&gateway, gateway.desk.set_absences(&staff, &meta, office, clinician, new).await))
}

/// What is no name of such a thing is the name of nothing.
fn named<T: std::str::FromStr>(text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|_| Refusal::of(ProblemType::NotFound))
}
