//! What the vendor does in its own way when it is in trouble.

use super::document::Refused;
use crate::sim::trouble::{Call, Manners};
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

/// What [`crate::sim::trouble`] has to know.
pub const MANNERS: Manners =
    Manners { call, error, wrong_type: r#"{"data":{"type":42,"id":[],"attributes":"none"},"links":{"next":7}}"# };

fn call(request: &Request) -> Call {
    let path = request.uri().path();
    match (request.method(), path) {
        (_, "/oauth/token" | "/v1/patients") => Call::Any,
        (_, "/v1/events" | "/v1/refusals") => Call::News,
        (&Method::GET, path) if path.ends_with("/content") => Call::File,
        (&Method::GET, _) => Call::Read,
        _ => Call::Post,
    }
}

/// As the API's own errors look.
fn error(status: StatusCode) -> Response {
    let code = if status == StatusCode::SERVICE_UNAVAILABLE { "maintenance" } else { "trouble" };
    Refused::new(status, code).into_response()
}
