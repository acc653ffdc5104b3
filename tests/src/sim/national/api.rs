//! The routes.
//!
//! | route | does |
//! | --- | --- |
//! | `POST /connect/token` | a token for a client assertion (`private_key_jwt`) |
//! | `POST /gp/v1/patients/gp` | a citizen's GP; the number stands in the body |
//! | `GET /gp/v1/changes?after&limit` | about whom something changed |
//! | `GET /address/v1/communication-parties/{herId}` | a communication party |
//! | `POST /archive/fhir/Bundle` | keeps a document, once |

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Query, Request, State as Extract},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{Kept, Shared, archive, lock};
use crate::sim::trouble::{self, Call, Manners};

/// The largest document: its files, in base64.
const LARGEST_BODY: usize = 160 * 1024 * 1024;

/// What [`crate::sim::trouble`] has to know.
const MANNERS: Manners = Manners { call, error, wrong_type: r#"{"resourceType":7,"patient":[],"changes":{}}"# };

fn call(request: &Request) -> Call {
    match (request.method(), request.uri().path()) {
        (_, "/connect/token") => Call::Any,
        (_, "/archive/fhir/Bundle") => Call::Post,
        (_, "/gp/v1/changes") => Call::News,
        _ => Call::Read,
    }
}

fn error(status: StatusCode) -> Response {
    (status, Json(json!({ "code": "trouble" }))).into_response()
}

type Shares = Extract<Arc<Shared>>;

/// Every route.
pub fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/gp/v1/patients/gp", post(patient))
        .route("/gp/v1/changes", get(changes))
        .route("/address/v1/communication-parties/{herId}", get(party))
        .route("/archive/fhir/Bundle", post(bundle))
        .fallback(nowhere)
        .layer(from_fn_with_state(Arc::clone(&shared), check))
        .route("/connect/token", post(token))
        .layer(from_fn_with_state((shared.faults.clone(), MANNERS), trouble::apply))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(shared)
}

async fn nowhere(Extract(shared): Shares, method: Method) -> Response {
    shared.with(|state| state.violate(method.as_str(), "no such route"));
    error(StatusCode::NOT_FOUND)
}

async fn token(Extract(shared): Shares, body: Bytes) -> Response {
    let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let endpoint = format!("{}/connect/token", shared.base_url.get().cloned().unwrap_or_default());
    let issued = lock(&shared.tokens).issue(&form, &[endpoint]);
    match issued {
        Ok((token, seconds)) => {
            Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": seconds })).into_response()
        }
        Err(refused) => {
            shared.with(|state| state.violate("POST token", "an assertion that is not accepted"));
            (StatusCode::UNAUTHORIZED, Json(json!({ "error": refused.error }))).into_response()
        }
    }
}

/// What every request must have: a token, and no person in the URL.
async fn check(Extract(shared): Shares, request: Request, next: Next) -> Response {
    let route = request.method().to_string();
    if has_number(request.uri()) {
        shared.with(|state| state.violate(&route, "eleven digits in a URL"));
        return error(StatusCode::BAD_REQUEST);
    }
    let bearer = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = bearer.and_then(|value| value.strip_prefix("Bearer "));
    if !token.is_some_and(|token| lock(&shared.tokens).accepts(token)) {
        return error(StatusCode::UNAUTHORIZED);
    }
    next.run(request).await
}

fn has_number(uri: &Uri) -> bool {
    uri.to_string().split(|letter: char| !letter.is_ascii_digit()).any(|digits| digits.len() == 11)
}

async fn patient(Extract(shared): Shares, Json(body): Json<Value>) -> Response {
    shared.with(|state| match body["nin"].as_str().filter(|_| body.as_object().is_some_and(|all| all.len() == 1)) {
        Some(nin) => match state.registers.assignment(nin) {
            Some(said) => Json(said).into_response(),
            None => error(StatusCode::NOT_FOUND),
        },
        None => {
            state.violate("POST patients/gp", "the body is one number");
            error(StatusCode::BAD_REQUEST)
        }
    })
}

async fn changes(
    Extract(shared): Shares,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    shared.with(|state| {
        let limit = query.get("limit").and_then(|limit| limit.parse().ok()).filter(|limit| (1..=100).contains(limit));
        let Some(limit) = limit else {
            state.violate("GET changes", "limit is 1 to 100");
            return error(StatusCode::BAD_REQUEST);
        };
        let followed = query.get("after").and_then(|after| after.strip_prefix("c-")?.parse().ok()).unwrap_or(0);
        state.followed = state.followed.max(followed);
        match state.registers.changes(query.get("after").map(String::as_str), limit) {
            Some((body, tag)) => tagged(body, &tag, &headers),
            None => error(StatusCode::GONE),
        }
    })
}

async fn party(Extract(shared): Shares, Path(her_id): Path<u32>, headers: HeaderMap) -> Response {
    match shared.look(|state| state.registers.party(her_id)) {
        Some((body, tag)) => tagged(body, &tag, &headers),
        None => error(StatusCode::NOT_FOUND),
    }
}

fn tagged(body: Value, tag: &str, headers: &HeaderMap) -> Response {
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    ([(header::ETAG, tag.to_owned())], Json(body)).into_response()
}

async fn bundle(Extract(shared): Shares, headers: HeaderMap, body: Bytes) -> Response {
    const ROUTE: &str = "POST Bundle";
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_fhir = text("content-type").is_some_and(|kind| kind.starts_with("application/fhir+json"));
    let read = || {
        if !is_fhir {
            return Err("content-type is application/fhir+json".to_owned());
        }
        let identifier = archive::condition(text("if-none-exist"))?;
        let bundle: Value = serde_json::from_slice(&body).map_err(|_| "the body is JSON".to_owned())?;
        let citizen = archive::judge(&bundle, &identifier)?;
        Ok((identifier, citizen, bundle))
    };
    let judged = read();
    shared.with(|state| match judged {
        Ok((identifier, citizen, bundle)) => {
            if let Some(kept) = state.documents.iter().find(|kept| kept.identifier == identifier) {
                let location = format!("Bundle/{}", kept.id);
                state.repeated += 1;
                return (StatusCode::OK, [(header::LOCATION, location)]).into_response();
            }
            let id = format!("phr-{}", state.documents.len() + 1);
            state.documents.push(Kept { id: id.clone(), identifier, citizen, bundle });
            (StatusCode::CREATED, [(header::LOCATION, format!("Bundle/{id}/_history/1"))]).into_response()
        }
        Err(rule) => {
            state.violate(ROUTE, &rule);
            error(StatusCode::UNPROCESSABLE_ENTITY)
        }
    })
}
