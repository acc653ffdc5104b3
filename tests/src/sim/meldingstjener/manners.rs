//! What Meldingstjener does in its own way when it is in trouble.

use crate::sim::trouble::{Call, Manners};
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

/// What [`crate::sim::trouble`] has to know.
pub const MANNERS: Manners = Manners { call, error, wrong_type: r#"{"id":[],"access_token":42,"expires_in":"soon"}"# };

/// A receipt and a mark that something was read are none of those that can be picked out; neither is a token.
fn call(request: &Request) -> Call {
    let path = request.uri().path();
    match *request.method() {
        Method::POST if path == "/Messages" => Call::Post,
        Method::GET if path == "/Messages" => Call::News,
        Method::GET => Call::Read,
        _ => Call::Any,
    }
}

/// Plain text: what stands in front of the API knows nothing of its errors.
fn error(status: StatusCode) -> Response {
    match status {
        StatusCode::SERVICE_UNAVAILABLE => "Service Unavailable",
        _ => "something went wrong",
    }
    .into_response()
}
