//! Satisfaction surveys: what is asked, what citizens answer, and how often each answer was chosen.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    response::Response,
};
use dialog_contract::{schema::Resource, survey::NewSurveyAnswers};

use super::{
    body,
    caller::{CitizenCaller, OperatorCaller},
    envelope::Envelope,
    query::Query,
    reply::{Refusal, finish},
};
use crate::gateway::Gateway;

/// `GET /v1/me/survey`
pub async fn open(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    Query::parse(request.uri().query(), &[])?;
    Ok(finish(&gateway, gateway.desk.survey(&citizen, &envelope.domain(&request)).await))
}

/// `POST /v1/me/survey`
pub async fn answer(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    let mut meta = envelope.change(&request)?;
    let new: NewSurveyAnswers = body::json(Resource::NewSurveyAnswers, &envelope, request, &mut meta).await?;
    Ok(finish(&gateway, gateway.desk.answer_survey(&citizen, &meta, new).await))
}

/// `GET /v1/survey-results`
pub async fn results(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    OperatorCaller(operator): OperatorCaller,
    request: Request,
) -> Result<Response, Refusal> {
    let office = Query::parse(request.uri().query(), &["office"])?.get("office")?;
    Ok(finish(&gateway, gateway.desk.survey_results(&operator, &envelope.domain(&request), office).await))
}
