//! JSON:API 1.1 documents, as the vendor writes them.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// The media type, without parameters.
pub const MEDIA_TYPE: &str = "application/vnd.api+json";

/// A resource identifier.
pub fn identifier(kind: &str, id: &str) -> Value {
    json!({ "type": kind, "id": id })
}

/// A resource; a relationship without an id is `null`.
pub fn resource(kind: &str, id: &str, attributes: Value, relationships: &[(&str, &str, Option<&str>)]) -> Value {
    let mut resource = json!({ "type": kind, "id": id, "attributes": attributes });
    let related: Map<String, Value> = relationships
        .iter()
        .map(|(name, kind, id)| ((*name).to_owned(), json!({ "data": id.map(|id| identifier(kind, id)) })))
        .collect();
    if !related.is_empty() {
        resource["relationships"] = Value::Object(related);
    }
    resource
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// The document; none where there is none (204).
    pub document: Option<Value>,
}

impl Answer {
    /// One resource or a list of them; what is included stands there once, whoever relates to it.
    pub fn of(status: StatusCode, data: Value, included: Vec<Value>) -> Answer {
        let mut document = json!({ "jsonapi": { "version": "1.1" }, "data": data });
        let mut once: Vec<Value> = Vec::new();
        for one in included {
            if !once.iter().any(|known| known["type"] == one["type"] && known["id"] == one["id"]) {
                once.push(one);
            }
        }
        if !once.is_empty() {
            document["included"] = Value::Array(once);
        }
        Answer { status, document: Some(document) }
    }

    /// With a link to the next page, or `null` where this is the last.
    pub fn next(mut self, link: Option<String>) -> Answer {
        if let Some(document) = &mut self.document {
            document["links"] = json!({ "next": link });
        }
        self
    }

    /// 204.
    pub fn nothing() -> Answer {
        Answer { status: StatusCode::NO_CONTENT, document: None }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self.document {
            None => self.status.into_response(),
            Some(document) => written(self.status, &document),
        }
    }
}

fn written(status: StatusCode, document: &Value) -> Response {
    let mut response = (status, document.to_string()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}

/// What an error is about, in the request.
#[derive(Clone, Debug)]
pub enum Source {
    /// A member of the body, by JSON Pointer.
    Pointer(String),
    /// A query parameter.
    Parameter(&'static str),
    /// A header field.
    Header(&'static str),
}

/// A refusal in the vendor's words.
#[derive(Clone, Debug)]
pub struct Refused {
    status: StatusCode,
    code: &'static str,
    sources: Vec<Source>,
}

impl Refused {
    /// A refusal.
    pub fn new(status: StatusCode, code: &'static str) -> Refused {
        Refused { status, code, sources: Vec::new() }
    }

    /// A refusal that is about these parts of the request, an error for each.
    pub fn about(status: StatusCode, code: &'static str, sources: Vec<Source>) -> Refused {
        Refused { status, code, sources }
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

    /// 422 for an attribute.
    pub fn attribute(name: &str) -> Refused {
        let source = Source::Pointer(format!("/data/attributes/{name}"));
        Refused::about(StatusCode::UNPROCESSABLE_ENTITY, "invalid-attribute", vec![source])
    }

    /// Its document.
    pub fn document(&self) -> Value {
        let error = |source: Option<&Source>| {
            let mut error = json!({
                "status": self.status.as_u16().to_string(),
                "code": self.code,
                "title": "The request was not accepted",
                "detail": "See the documentation of the API",
            });
            match source {
                None => {}
                Some(Source::Pointer(pointer)) => error["source"] = json!({ "pointer": pointer }),
                Some(Source::Parameter(name)) => error["source"] = json!({ "parameter": name }),
                Some(Source::Header(name)) => error["source"] = json!({ "header": name }),
            }
            error
        };
        let errors: Vec<Value> = match self.sources.as_slice() {
            [] => vec![error(None)],
            sources => sources.iter().map(|source| error(Some(source))).collect(),
        };
        json!({ "jsonapi": { "version": "1.1" }, "errors": errors })
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        written(self.status, &self.document())
    }
}
