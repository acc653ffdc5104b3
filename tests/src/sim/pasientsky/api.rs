//! The vendor's API: FHIR R4 below `/fhir/r4`, and the token endpoint.
//!
//! | route | does |
//! | --- | --- |
//! | `POST /oauth2/token` | a token for an assertion (`private_key_jwt`) |
//! | `GET /metadata` | what the server can (CapabilityStatement) |
//! | `GET Slot`, `Task`, `Communication`, `Appointment` | searches whose URL names nobody; `?_page=` goes on |
//! | `POST Patient/_search`, `Appointment/_search`, `MedicationRequest/_search` | searches about somebody: in the body |
//! | `POST /` | the transaction that opens a dialog |
//! | `POST Communication`, `Appointment` | a message, a booking; with `If-None-Exist` |
//! | `GET`, `PUT Task/{id}`, `Appointment/{id}` | reads one; takes back, moves, cancels; with `If-Match` |
//! | `GET Questionnaire?context&status`, `Questionnaire/{id}` | a clinic's survey |
//! | `POST QuestionnaireResponse/_search`, `QuestionnaireResponse` | whether somebody has answered; answers, with `If-None-Exist` |
//! | `GET Binary/{id}` | the bytes of a file |

use super::Shared;
use super::booking;
use super::codes::{FHIR, Kind};
use super::dialog;
use super::manners::MANNERS;
use super::outcome::{FHIR_JSON, Refused};
use super::search::{self, Parameters};
use super::state::State;
use super::survey;
use super::write::{self, Written};
use crate::sim::trouble;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, Request, State as Extract};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The largest request: ten files of 10 MiB in base64, and some.
const LARGEST_BODY: usize = 150 * 1024 * 1024;

type Shares = Extract<Arc<Shared>>;

/// Every route.
pub fn router(shared: Arc<Shared>) -> Router {
    let fhir = |path: &str| format!("{FHIR}{path}");
    let resources = Router::new()
        .route(&fhir("/"), post(transaction))
        .route(&fhir("/metadata"), get(metadata))
        .route(&fhir("/Binary/{id}"), get(file))
        .route(&fhir("/{kind}"), get(find).post(create))
        .route(&fhir("/{kind}/_search"), post(find_posted))
        .route(&fhir("/{kind}/{id}"), get(read).put(update))
        .fallback(nowhere)
        .layer(from_fn_with_state(Arc::clone(&shared), check));
    Router::new()
        .route("/oauth2/token", post(token))
        .merge(resources)
        .layer(from_fn_with_state((shared.faults.clone(), MANNERS), trouble::apply))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(shared)
}

async fn token(Extract(shared): Shares, body: Bytes) -> Response {
    let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let endpoint = format!("{}/oauth2/token", shared.base_url());
    let issued = shared.tokens().issue(&form, &[endpoint]);
    match issued {
        Ok((token, seconds)) => {
            axum::Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": seconds })).into_response()
        }
        Err(error) => {
            shared.with(|state| state.violate("POST token", "an assertion that is not accepted"));
            let status =
                if error.error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
            (status, axum::Json(json!({ "error": error.error, "error_description": error.description })))
                .into_response()
        }
    }
}

/// What every request must have: a token, media types, and no person in the URL.
async fn check(Extract(shared): Shares, request: Request, next: Next) -> Response {
    match judge(&shared, request.method(), request.uri(), request.headers()) {
        Some(refused) => refused.into_response(),
        None => next.run(request).await,
    }
}

fn judge(shared: &Shared, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Refused> {
    let broken = |rule: &'static str, status: StatusCode, code: &'static str| {
        shared.with(|state| state.violate(&format!("{method} {}", plain(uri)), rule));
        Some(Refused::new(status, code))
    };
    let media_type = |name: header::HeaderName| {
        let value = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    };
    if has_number(uri) {
        return broken("eleven digits in a URL", StatusCode::BAD_REQUEST, "person-in-url");
    }
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match authorization.and_then(|value| value.strip_prefix("Bearer ")) {
        // A token that has expired is no fault of the caller's.
        Some(token) if !shared.tokens().accepts(token) => {
            return Some(Refused::new(StatusCode::UNAUTHORIZED, "token"));
        }
        Some(_) => {}
        None => return broken("no bearer token", StatusCode::UNAUTHORIZED, "token"),
    }
    let path = uri.path();
    if !path.starts_with(&format!("{FHIR}/Binary/")) && media_type(header::ACCEPT) != FHIR_JSON {
        return broken("accept is not application/fhir+json", StatusCode::NOT_ACCEPTABLE, "accept");
    }
    let wanted = if path.ends_with("/_search") { "application/x-www-form-urlencoded" } else { FHIR_JSON };
    if matches!(*method, Method::POST | Method::PUT) && media_type(header::CONTENT_TYPE) != wanted {
        return broken("another content-type than the interface has", StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type");
    }
    None
}

async fn nowhere(Extract(shared): Shares, method: Method, uri: Uri) -> Response {
    shared.with(|state| state.violate(&format!("{method} {}", plain(&uri)), "no such route"));
    Refused::unknown("no-such-route").into_response()
}

/// A path without what looks like a person.
fn plain(uri: &Uri) -> String {
    if has_number(uri) { "(withheld)".to_owned() } else { uri.path().to_owned() }
}

fn has_number(uri: &Uri) -> bool {
    let text = uri.to_string();
    let mut run = 0;
    text.bytes().chain([b' ']).any(|byte| {
        if byte.is_ascii_digit() {
            run += 1;
            return false;
        }
        std::mem::take(&mut run) == 11
    })
}

fn fhir(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, body.to_string()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON));
    response
}

fn answer(result: Result<Value, Refused>) -> Response {
    result.map_or_else(IntoResponse::into_response, |body| fhir(StatusCode::OK, &body))
}

async fn metadata(Extract(shared): Shares) -> Response {
    const KINDS: [&str; 9] = [
        "Appointment",
        "Binary",
        "Communication",
        "MedicationRequest",
        "Patient",
        "Questionnaire",
        "QuestionnaireResponse",
        "Slot",
        "Task",
    ];
    let resources: Vec<Value> =
        KINDS.iter().map(|kind| json!({ "type": kind, "versioning": "versioned-update" })).collect();
    let now = shared.look(State::now);
    answer(Ok(json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": now,
        "kind": "instance",
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{ "mode": "server", "resource": resources, "interaction": [{ "code": "transaction" }] }],
    })))
}

fn parameters(text: &[u8]) -> Parameters {
    url::form_urlencoded::parse(text).into_owned().collect()
}

fn searched(shared: &Shared, kind: &str, posted: bool, parameters: &Parameters) -> Response {
    let route = format!("{} {kind}", if posted { "POST _search" } else { "GET" });
    let base = shared.base_url();
    answer(shared.with(|state| {
        let Some(kind) = Kind::of(kind) else {
            state.violate(&route, "no such kind of resource");
            return Err(Refused::unknown("no-such-route"));
        };
        match parameters.as_slice() {
            [(name, page)] if name == "_page" && !posted => search::next(state, &route, &base, kind, page),
            _ => search::search(state, &route, &base, (kind, posted), parameters),
        }
    }))
}

async fn find(Extract(shared): Shares, Path(kind): Path<String>, RawQuery(query): RawQuery) -> Response {
    searched(&shared, &kind, false, &parameters(query.unwrap_or_default().as_bytes()))
}

async fn find_posted(Extract(shared): Shares, Path(kind): Path<String>, body: Bytes) -> Response {
    searched(&shared, &kind, true, &parameters(&body))
}

/// Reads a body; what is no JSON is a violation and 400.
fn parsed(state: &mut State, route: &str, body: &[u8]) -> Result<Value, Refused> {
    serde_json::from_slice(body).map_err(|_| {
        state.violate(route, "a body that is not JSON");
        Refused::bad("structure")
    })
}

fn condition<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

async fn transaction(Extract(shared): Shares, body: Bytes) -> Response {
    const ROUTE: &str = "POST transaction";
    answer(shared.with(|state| {
        let bundle = parsed(state, ROUTE, &body)?;
        let written = dialog::transaction(state, ROUTE, &bundle)?;
        let entries: Vec<Value> = written
            .iter()
            .filter_map(|one| {
                let record = state.record(one.kind, &one.id)?;
                Some(json!({ "response": {
                    "status": if one.created { "201 Created" } else { "200 OK" },
                    "location": format!("{}/_history/{}", record.reference(), record.version),
                    "etag": record.etag(),
                    "lastModified": record.updated,
                } }))
            })
            .collect();
        Ok(json!({ "resourceType": "Bundle", "type": "transaction-response", "entry": entries }))
    }))
}

/// The answer to a create or an update.
fn written(shared: &Shared, headers: &HeaderMap, written: &Result<Written, Refused>) -> Response {
    let one = match written {
        Ok(one) => one,
        Err(refused) => {
            let mut response = fhir(refused.status, &refused.json());
            *response.status_mut() = refused.status;
            return response;
        }
    };
    let Some(record) = shared.look(|state| state.record(one.kind, &one.id).cloned()) else {
        return Refused::unknown("gone").into_response();
    };
    let status = if one.created { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = match condition(headers, "prefer") {
        Some("return=minimal") => status.into_response(),
        _ => fhir(status, &record.json()),
    };
    let location = format!("{}{FHIR}/{}/_history/{}", shared.base_url(), record.reference(), record.version);
    for (name, value) in [(header::LOCATION, location), (header::ETAG, record.etag())] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

async fn create(Extract(shared): Shares, Path(kind): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let route = format!("POST {kind}");
    let exists = condition(&headers, "if-none-exist");
    let result = shared.with(|state| {
        let value = parsed(state, &route, &body)?;
        match Kind::of(&kind) {
            Some(Kind::Communication) => dialog::message(state, &route, exists, &value),
            Some(Kind::Appointment) => booking::appointment(state, &route, exists, &value),
            Some(Kind::QuestionnaireResponse) => survey::respond(state, &route, exists, &value),
            _ => {
                state.violate(&route, "nothing of this kind is created");
                Err(Refused::unknown("no-such-route"))
            }
        }
    });
    written(&shared, &headers, &result)
}

async fn update(
    Extract(shared): Shares,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let route = format!("PUT {kind}");
    let result = shared.with(|state| {
        let value = parsed(state, &route, &body)?;
        match Kind::of(&kind) {
            Some(kind @ (Kind::Task | Kind::Appointment | Kind::Communication)) => {
                write::update(state, &route, (kind, &id), condition(&headers, "if-match"), &value)
            }
            _ => {
                state.violate(&route, "nothing of this kind is updated");
                Err(Refused::unknown("no-such-route"))
            }
        }
    });
    written(&shared, &headers, &result)
}

async fn read(Extract(shared): Shares, Path((kind, id)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let found = shared.look(|state| {
        let readable =
            |kind: &Kind| matches!(kind, Kind::Task | Kind::Appointment | Kind::Communication | Kind::Questionnaire);
        let kind = Kind::of(&kind).filter(readable)?;
        state.record(kind, &id).map(|record| Written { kind, id: record.id.clone(), created: false })
    });
    let unknown = match kind.as_str() {
        "Appointment" => "unknown-appointment",
        "Questionnaire" => "unknown-questionnaire",
        _ => "unknown-task",
    };
    written(&shared, &headers, &found.ok_or(Refused::unknown(unknown)))
}

async fn file(Extract(shared): Shares, Path(id): Path<String>) -> Response {
    match shared.look(|state| state.files.get(&id).cloned()) {
        Some((media_type, bytes)) => ([(header::CONTENT_TYPE, media_type)], bytes).into_response(),
        None => Refused::unknown("unknown-file").into_response(),
    }
}
