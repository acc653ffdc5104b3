//! What the vendor does in its own way when it is in trouble.

use super::api;
use super::graphql::Refused;
use crate::sim::trouble::{Call, Manners};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;

/// The header that names the operation: what is in the way of a request decides by it, and so does what is limited.
pub const OPERATION: &str = "x-operation-name";

/// What [`crate::sim::trouble`] has to know.
pub const MANNERS: Manners = Manners {
    call,
    error,
    wrong_type: r#"{"data":{"openThread":[],"addPost":7,"withdrawThread":"x","submitSurvey":{"accepted":"perhaps"},"medications":{"edges":{},"pageInfo":0},"survey":[1],"changes":{"edges":"none","through":"x","more":[]},"document":{"content":{}}}}"#,
};

fn call(request: &Request) -> Call {
    match request.headers().get(OPERATION).and_then(|name| name.to_str().ok()) {
        Some("Changes" | "ConfirmChanges") => Call::News,
        Some("Document") => Call::File,
        Some("OpenThread" | "AddPost" | "WithdrawThread" | "SubmitSurvey") => Call::Post,
        _ => Call::Read,
    }
}

/// As the API's own errors look.
fn error(status: StatusCode) -> Response {
    let code = match status {
        StatusCode::SERVICE_UNAVAILABLE => "MAINTENANCE",
        StatusCode::TOO_MANY_REQUESTS => "THROTTLED",
        _ => "INTERNAL_SERVER_ERROR",
    };
    api::answered(status, &Refused::new(code).body())
}
