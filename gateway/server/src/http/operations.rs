//! What is about the gateway itself: limits, the API document, health, metrics, and what the operator must look at.
//!
//! Health and metrics need no token: probes and scrapers have none, and neither tells of anybody. Who reaches them is
//! for the network of the operations listener to say.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use dialog_contract::{
    action::Action,
    erasure::NewErasure,
    health::{Health, HealthStatus},
    limits::Limits,
    openapi,
    problem::ProblemType,
    schema::Resource,
    unreadable::{UnreadableDeliveries, UnreadableDelivery},
};
use dialog_core::ports::clock::Clock;
use http::{StatusCode, header};

use super::{
    body,
    caller::OperatorCaller,
    envelope::Envelope,
    reply::{Refusal, finish, shown},
};
use crate::{gateway::Gateway, limits::UNREADABLE_LISTED};

/// `GET /v1/limits`
pub async fn limits() -> Json<Limits> {
    Json(Limits::V1)
}

/// `GET /v1/openapi.yaml`: one document, with the schemas in it
pub async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/yaml")], openapi::bundle_yaml()).into_response()
}

/// `GET /health/live`: the process runs
pub async fn live() -> Json<Health> {
    Json(Health { status: HealthStatus::Live })
}

/// `GET /health/ready`: it takes requests
pub async fn ready(State(gateway): State<Arc<Gateway>>) -> Response {
    let status = gateway.health();
    let code = if status == HealthStatus::Ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(Health { status })).into_response()
}

/// `GET /unreadable`: deliveries that no plugin could read
pub async fn unreadable(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    OperatorCaller(_): OperatorCaller,
) -> Result<Response, Refusal> {
    let kept = gateway.desk.unreadable(UNREADABLE_LISTED).await.map_err(|error| {
        tracing::error!(%error, "the store");
        Refusal::of(ProblemType::Unavailable)
    })?;
    let items = kept
        .into_iter()
        .map(|one| UnreadableDelivery {
            id: one.id,
            arrived: one.arrived,
            plugin: one.plugin,
            office: one.office,
            reason: one.reason,
            raw: one.raw.id,
            size: one.raw.size,
        })
        .collect();
    shown(&gateway, &envelope, Action::UnreadableList, &UnreadableDeliveries { items }).await
}

/// `POST /v1/erasures`: a citizen's data goes, for good
pub async fn erase(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    OperatorCaller(operator): OperatorCaller,
    request: Request,
) -> Result<Response, Refusal> {
    let mut meta = envelope.domain(&request);
    let order: NewErasure = body::json(Resource::NewErasure, &envelope, request, &mut meta).await?;
    Ok(finish(&gateway, gateway.desk.erase(&operator, &meta, &order.national_identity_number).await))
}

/// `GET /metrics` (OpenMetrics)
pub async fn metrics(State(gateway): State<Arc<Gateway>>) -> Response {
    gateway.metrics.count(&gateway.desk, gateway.clock.now()).await;
    // A file system may take its time to say how much room there is.
    let metrics = Arc::clone(&gateway.metrics);
    let Ok(text) = tokio::task::spawn_blocking(move || metrics.text()).await else {
        return Refusal::of(ProblemType::Internal).into_response();
    };
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
