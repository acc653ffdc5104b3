//! The vendor's one endpoint, `POST /graphql`, and long polling behind it.

use super::Shared;
use super::graphql::{Prepared, Refused, Request as Body, Wrong};
use super::manners::{MANNERS, OPERATION};
use super::query::{self, Wanted};
use super::{change::Change, mutation};
use crate::sim::listener::Peer;
use crate::sim::trouble;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Extension, State as Extract};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The largest request: ten files of 10 MiB in base64, and some.
const LARGEST_BODY: usize = 150 * 1024 * 1024;
/// The media type of answers, by the draft of GraphQL over HTTP.
const MEDIA_TYPE: &str = "application/graphql-response+json";

type Shares = Extract<Arc<Shared>>;

/// Every route.
pub fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/graphql", routing::post(graphql))
        .fallback(nowhere)
        .method_not_allowed_fallback(nowhere)
        .layer(from_fn_with_state((shared.faults.clone(), MANNERS), trouble::apply))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(shared)
}

async fn nowhere(Extract(shared): Shares, method: Method) -> Response {
    shared.with(|state| state.violate(method.as_str(), "there is no more than POST /graphql"));
    answered(StatusCode::NOT_FOUND, &Refused::new("NO_SUCH_ROUTE").body())
}

/// An answer as the vendor sends every one.
pub fn answered(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, format!("{MEDIA_TYPE}; charset=utf-8"))], body.to_string()).into_response()
}

async fn graphql(
    Extract(shared): Shares,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let operation = header_text(&headers, OPERATION).to_owned();
    if let Err((status, code, rule)) = polite(&shared, &peer, &uri, &headers) {
        shared.with(|state| state.violate(&operation, rule));
        return answered(status, &Refused::new(code).body());
    }
    let prepared = match prepare(&shared, &operation, &body) {
        Ok(prepared) => prepared,
        Err(wrong) => {
            shared.with(|state| state.violate(&operation, wrong.rule));
            return answered(Wrong::STATUS, &wrong.refused.body());
        }
    };
    let response = if prepared.field == "changes" {
        news(&shared, &prepared).await
    } else {
        shared.with(|state| {
            shared.schema.execute(&prepared, |arguments| {
                let resolve = if prepared.mutation { mutation::resolve } else { query::resolve };
                resolve(state, &prepared.field, &arguments)
            })
        })
    };
    answered(StatusCode::OK, &response)
}

/// What every request must be: of a client that is known, to be answered as GraphQL over HTTP has it, with nothing in
/// the URL.
fn polite(
    shared: &Shared,
    peer: &Peer,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(), (StatusCode, &'static str, &'static str)> {
    let known = shared.look(|state| state.clients.iter().any(|client| peer.shows(client)));
    let media_type = header_text(headers, header::CONTENT_TYPE.as_str()).split(';').next().unwrap_or_default().trim();
    if !known {
        return Err((StatusCode::FORBIDDEN, "CLIENT_UNKNOWN", "the client's certificate is not registered"));
    }
    if uri.query().is_some() {
        return Err((StatusCode::BAD_REQUEST, "QUERY", "something stands in the URL"));
    }
    if media_type != "application/json" {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "MEDIA_TYPE", "content-type is not application/json"));
    }
    if !header_text(headers, header::ACCEPT.as_str()).contains(MEDIA_TYPE) {
        return Err((StatusCode::NOT_ACCEPTABLE, "ACCEPT", "accept is without application/graphql-response+json"));
    }
    Ok(())
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn prepare(shared: &Shared, operation: &str, body: &[u8]) -> Result<Prepared, Wrong> {
    let wrong = |code, rule: &str| Wrong { rule: rule.to_owned(), refused: Refused::new(code) };
    let request: Body = serde_json::from_slice(body)
        // Its own words can quote a value.
        .map_err(|_| wrong("BAD_REQUEST", "the body is not query, operationName and variables, in JSON"))?;
    if request.operation_name != operation {
        return Err(wrong("OPERATION_NAME", "x-operation-name is not operationName"));
    }
    shared.schema.prepare(request)
}

/// A request for news that is held open. It may be dropped anywhere.
struct HeldOpen<'a>(&'a Shared);

impl<'a> HeldOpen<'a> {
    fn new(shared: &'a Shared) -> HeldOpen<'a> {
        shared.with(|state| state.held_open += 1);
        HeldOpen(shared)
    }
}

impl Drop for HeldOpen<'_> {
    fn drop(&mut self) {
        self.0.with(|state| state.held_open -= 1);
    }
}

/// The feed: where there is nothing, it is waited for.
async fn news(shared: &Shared, prepared: &Prepared) -> Value {
    let arguments = shared.schema.arguments(prepared);
    let wanted: Result<Wanted, Refused> = shared.with(|state| query::wanted(state, &arguments));
    if let Ok(Wanted { after, wait, .. }) = wanted {
        shared.with(|state| state.waits.push(wait));
        let held = HeldOpen::new(shared);
        let come = || shared.look(|state| state.has_news(after)).then_some(());
        shared.changes.find(Duration::from_secs(wait), come).await;
        drop(held);
    }
    shared.look(|state| {
        let mut page: Vec<Change> = Vec::new();
        let mut response = shared.schema.execute(prepared, |_| {
            let (shown, changes) = query::changes(state, wanted.clone()?);
            page = changes;
            Ok(shown)
        });
        let edges = response.pointer_mut("/data/changes/edges").and_then(Value::as_array_mut);
        edges.into_iter().flatten().zip(&page).for_each(|(edge, change)| change.spoil(edge));
        response
    })
}
