//! The vendor's API, version 1: routes, tokens, and what every request must have.
//!
//! | route | does |
//! | --- | --- |
//! | `POST /oauth/token` | a token for a client assertion (`private_key_jwt`) |
//! | `POST /v1/patients` | takes a patient in, or finds who has been here: the number stands in a body, never in a URL |
//! | `GET /v1/units/{id}?include=practitioners` | practical information |
//! | `GET /v1/triage-forms?filter[unit]` | what must be known before a consultation |
//! | `GET /v1/timeslots?filter[unit]&filter[from]&filter[until]&…` | free times, in pages |
//! | `GET /v1/bookings?filter[unit]&filter[patient]&filter[from]` | a patient's bookings, in pages |
//! | `POST /v1/bookings`, `PATCH /v1/bookings/{id}` | books; moves or cancels |
//! | `POST /v1/visits`, `PATCH /v1/visits/{id}` | begins a visit; takes it back |
//! | `POST /v1/messages` | writes in a visit |
//! | `POST /v1/meeting-accesses`, `POST /v1/meeting-exits` | into a visit's video meeting; out of it |
//! | `GET /v1/invoices?filter[unit]&filter[patient]&filter[status]=open&sort=issuedAt` | what is owed, in pages |
//! | `POST /v1/payments` | begins a payment |
//! | `GET /v1/events?page[after]&page[size]` | the feed |
//! | `POST /v1/refusals` | an event that was not taken in |
//! | `GET /v1/attachments/{id}/content` | the bytes of a clinician's file |

use super::document::{Answer, MEDIA_TYPE, Refused, Source};
use super::manners::MANNERS;
use super::state::{Remembered, State};
use super::{Shared, look, write};
use crate::sim::trouble;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State as Extract};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;

/// The largest request: ten files of 10 MiB in base64, and some.
const LARGEST_BODY: usize = 150 * 1024 * 1024;

/// What handlers share.
pub type Shares = Extract<Arc<Shared>>;
/// What a handler answers.
pub type Answered = Result<Answer, Refused>;

/// Every route.
pub fn router(shared: Arc<Shared>) -> Router {
    let api = Router::new()
        .route("/v1/patients", post(write::patient))
        .route("/v1/units/{id}", get(look::unit))
        .route("/v1/triage-forms", get(look::forms))
        .route("/v1/timeslots", get(look::timeslots))
        .route("/v1/bookings", get(look::bookings).post(write::book))
        .route("/v1/bookings/{id}", patch(write::change_booking))
        .route("/v1/visits", post(write::open))
        .route("/v1/visits/{id}", patch(write::withdraw))
        .route("/v1/messages", post(write::send))
        .route("/v1/meeting-accesses", post(write::access))
        .route("/v1/meeting-exits", post(write::exit))
        .route("/v1/invoices", get(look::invoices))
        .route("/v1/payments", post(write::pay))
        .route("/v1/events", get(look::events))
        .route("/v1/refusals", post(write::refuse))
        .route("/v1/attachments/{id}/content", get(look::content))
        .fallback(nowhere)
        .method_not_allowed_fallback(nowhere)
        .layer(from_fn_with_state(Arc::clone(&shared), check));
    Router::new()
        .route("/oauth/token", post(token))
        .merge(api)
        .layer(from_fn_with_state((shared.faults.clone(), MANNERS), trouble::apply))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(shared)
}

/// What every request must have: a token, the media type, and no person in the URL.
async fn check(Extract(shared): Shares, request: Request, next: Next) -> Response {
    let route = format!("{} {}", request.method(), plain(request.uri()));
    let refuse = |rule: &str, refused: Refused| {
        shared.with(|state| state.violate(&route, rule));
        refused.into_response()
    };
    if has_number(request.uri()) {
        return refuse("eleven digits in a URL", Refused::new(StatusCode::BAD_REQUEST, "person-in-url"));
    }
    let token = text(request.headers(), &header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    let Some(token) = token else {
        return refuse("no bearer token", Refused::new(StatusCode::UNAUTHORIZED, "token"));
    };
    if !shared.tokens().accepts(token) {
        // Tokens expire: no fault of the caller's.
        return Refused::new(StatusCode::UNAUTHORIZED, "token").into_response();
    }
    // JSON:API 1.1, 5.6: the media type without parameters, where no extension is agreed.
    let hands_over = request.method() != Method::GET;
    if hands_over && text(request.headers(), &header::CONTENT_TYPE) != Some(MEDIA_TYPE) {
        return refuse("another content-type", Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type"));
    }
    let file = request.uri().path().ends_with("/content");
    if !file && text(request.headers(), &header::ACCEPT) != Some(MEDIA_TYPE) {
        return refuse("another accept", Refused::new(StatusCode::NOT_ACCEPTABLE, "media-type"));
    }
    next.run(request).await
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
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
    text.split(|letter: char| !letter.is_ascii_digit()).any(|digits| digits.len() == 11)
}

async fn token(Extract(shared): Shares, body: Bytes) -> Response {
    let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let base = shared.base_url.get().cloned().unwrap_or_default();
    let issued = shared.tokens().issue(&form, &[format!("{base}/oauth/token")]);
    match issued {
        Ok((token, seconds)) => {
            Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": seconds })).into_response()
        }
        Err(refusal) => {
            shared.with(|state| state.violate("POST /oauth/token", refusal.description.clone()));
            let body = json!({ "error": refusal.error, "error_description": refusal.description });
            (StatusCode::UNAUTHORIZED, Json(body)).into_response()
        }
    }
}

/// Does the work once for an `Idempotency-Key`, however often it comes.
pub fn once(
    state: &mut State,
    (method, uri, headers): (&Method, &Uri, &HeaderMap),
    body: &[u8],
    work: impl FnOnce(&mut State) -> Answered,
) -> Answered {
    let route = format!("{method} {}", uri.path());
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if key.is_empty() || key.len() > 64 || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        state.violate(&route, "idempotency-key is not 1 to 64 visible characters");
        let source = vec![Source::Header("idempotency-key")];
        return Err(Refused::about(StatusCode::BAD_REQUEST, "idempotency-key", source));
    }
    let request = [route.as_bytes(), b"\n", body].concat();
    if let Some(known) = state.remembered.get(key) {
        if known.request == request {
            return Ok(known.answer.clone());
        }
        state.violate(&route, "an idempotency-key was used again with another request");
        return Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused"));
    }
    let answer = work(state)?;
    state.remembered.insert(key.to_owned(), Remembered { request, answer: answer.clone() });
    Ok(answer)
}
