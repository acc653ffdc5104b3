//! Refusals, as an OperationOutcome: for programs a code of the vendor's, for developers some words.

use super::codes::concept;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// The media type of everything but files.
pub const FHIR_JSON: &str = "application/fhir+json";

/// A refusal in the vendor's words.
#[derive(Debug)]
pub struct Refused {
    /// HTTP status.
    pub status: StatusCode,
    code: &'static str,
    expression: Option<&'static str>,
}

impl Refused {
    /// A refusal.
    pub fn new(status: StatusCode, code: &'static str) -> Refused {
        Refused { status, code, expression: None }
    }

    /// 400: the request breaks a rule of the interface.
    pub fn bad(code: &'static str) -> Refused {
        Refused::new(StatusCode::BAD_REQUEST, code)
    }

    /// 404.
    pub fn unknown(code: &'static str) -> Refused {
        Refused::new(StatusCode::NOT_FOUND, code)
    }

    /// 409.
    pub fn conflict(code: &'static str) -> Refused {
        Refused::new(StatusCode::CONFLICT, code)
    }

    /// 403.
    pub fn forbidden(code: &'static str) -> Refused {
        Refused::new(StatusCode::FORBIDDEN, code)
    }

    /// 422, with the element as a FHIRPath.
    pub fn value(expression: &'static str) -> Refused {
        Refused { expression: Some(expression), ..Refused::new(StatusCode::UNPROCESSABLE_ENTITY, "value-rejected") }
    }

    /// The OperationOutcome.
    pub fn json(&self) -> Value {
        let kind = match self.status.as_u16() {
            401 => "login",
            403 => "forbidden",
            404 => "not-found",
            409 | 412 => "conflict",
            413 => "too-long",
            422 => "business-rule",
            429 => "throttled",
            500.. => "transient",
            _ => "invalid",
        };
        let mut issue = json!({
            "severity": "error",
            "code": kind,
            "details": concept("refusal", self.code),
            "diagnostics": "See the implementation guide",
        });
        if let Some(expression) = self.expression {
            issue["expression"] = json!([expression]);
        }
        json!({ "resourceType": "OperationOutcome", "issue": [issue] })
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.json().to_string()).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON));
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
