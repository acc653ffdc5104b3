//! What the vendor does in its own way when it is in trouble.

use crate::sim::trouble::{Call, Manners};
use axum::Json;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// What [`crate::sim::trouble`] has to know.
pub const MANNERS: Manners =
    Manners { call, error, wrong_type: r#"{"caseNo":42,"bookingNo":[],"openings":"none","changes":{},"next":"x"}"# };

fn call(request: &Request) -> Call {
    let path = request.uri().path();
    if path == "/v2/changes" || path == "/v2/changes/ack" {
        Call::News
    } else if path.starts_with("/v2/files/") {
        Call::File
    } else if request.method() == Method::POST && !path.ends_with("/search") {
        Call::Post
    } else {
        Call::Read
    }
}

/// As the API's own errors look: a code and a message.
fn error(status: StatusCode) -> Response {
    let body = match status {
        StatusCode::SERVICE_UNAVAILABLE => json!({ "code": "MAINTENANCE", "message": "Planned maintenance" }),
        _ => json!({ "code": "TROUBLE", "message": "Something went wrong" }),
    };
    Json(body).into_response()
}
