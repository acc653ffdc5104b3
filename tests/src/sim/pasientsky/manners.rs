//! What the vendor does in its own way when it is in trouble.

use super::codes::FHIR;
use super::outcome::Refused;
use crate::sim::trouble::{Call, Manners};
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

/// What [`crate::sim::trouble`] has to know.
pub const MANNERS: Manners =
    Manners { call, error, wrong_type: r#"{"resourceType":"Bundle","type":7,"entry":{},"id":[],"status":42}"# };

fn call(request: &Request) -> Call {
    let Some(path) = request.uri().path().strip_prefix(FHIR) else { return Call::Any };
    let search = path.ends_with("/_search");
    let news = ["_lastUpdated", "_id"].iter().any(|name| {
        request.uri().query().is_some_and(|query| query.split('&').any(|one| one.starts_with(&format!("{name}="))))
    });
    if path.starts_with("/Binary/") {
        Call::File
    } else if news {
        Call::News
    } else if matches!(*request.method(), Method::POST | Method::PUT) && !search {
        Call::Post
    } else {
        Call::Read
    }
}

/// As the API's own errors look.
fn error(status: StatusCode) -> Response {
    let code = if status == StatusCode::SERVICE_UNAVAILABLE { "maintenance" } else { "trouble" };
    Refused::new(status, code).into_response()
}
