//! What the vendor does in its own way when it is in trouble.

use super::soap::{Fault, action};
use crate::sim::trouble::{Call, Manners};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// What [`crate::sim::trouble`] has to know.
pub const MANNERS: Manners = Manners {
    call,
    error,
    wrong_type: "<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\"><e:Header/><e:Body>\
                 <Something xmlns=\"urn:besoklegen:portal:v3\"><Else/></Something></e:Body></e:Envelope>",
};

fn call(request: &Request) -> Call {
    match action(request.headers()).unwrap_or_default() {
        "GetEvents" | "ConfirmEvents" => Call::News,
        "GetDocument" => Call::File,
        "" => Call::Any,
        name if name.starts_with("Get") || name.starts_with("Find") => Call::Read,
        _ => Call::Post,
    }
}

/// The service itself answers with a fault; what stands before it when there is too much to do, or nobody there, with a
/// line for people.
fn error(status: StatusCode) -> Response {
    match status {
        StatusCode::INTERNAL_SERVER_ERROR => Fault::receiver("Internal", None).response(None),
        _ => (status, "upstream connect error or disconnect/reset before headers").into_response(),
    }
}
