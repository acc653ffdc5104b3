//! What is about the gateway itself: limits, the API document, health, metrics.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use dialog_contract::{
    health::{Health, HealthStatus},
    limits::Limits,
    openapi,
};
use http::{StatusCode, header};

use crate::gateway::Gateway;

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

/// `GET /metrics` (OpenMetrics)
pub async fn metrics(State(gateway): State<Arc<Gateway>>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], gateway.metrics.text()).into_response()
}
