//! The EDI 2.0 API of Meldingstjener, as the portal's side calls it.

use super::Shared;
use super::apprec::{ReceiptError, ReceiptStatus};
use super::manners::MANNERS;
use super::state::{Refusal, State, Stored};
use crate::sim::trouble;
use crate::sim::world::PORTAL_HER_ID;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, Request, State as Extract};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// The largest request: a message with four attachments of 10 MiB would be larger, and no office takes one.
const LARGEST_BODY: usize = 48 * 1024 * 1024;
/// How many messages a list holds where the caller does not say.
const MESSAGES_TO_FETCH: usize = 10;

type App = Extract<Arc<Shared>>;
type Reply = Result<Response, Refusal>;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = json!({
            "Error": self.error,
            "ErrorCode": u32::from(self.status) * 10,
            "ValidationErrors": self.details,
            "RequestId": Uuid::new_v4(),
        });
        (status, axum::Json(body)).into_response()
    }
}

/// Every route of the API.
pub fn router(shared: Arc<Shared>) -> Router {
    let messages = Router::new()
        .route("/Messages", post(send).get(list))
        .route("/Messages/{id}", get(message))
        .route("/Messages/{id}/business-document", get(business_document))
        .route("/Messages/{id}/status", get(status))
        .route("/Messages/{id}/apprec", get(receipts))
        .route("/Messages/{id}/apprec/{her_id}", post(receipt))
        .route("/Messages/{id}/read/{her_id}", put(read))
        .fallback(unknown)
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), authenticated));
    Router::new()
        .route("/connect/token", post(token))
        .merge(messages)
        .layer(middleware::from_fn_with_state((shared.faults.clone(), MANNERS), trouble::apply))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(shared)
}

fn bad(detail: impl Into<String>) -> Refusal {
    Refusal::new(400, "One or more validation errors occurred", vec![detail.into()])
}

async fn authenticated(Extract(shared): App, request: Request, next: Next) -> Response {
    let token = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    match token {
        Some(token) if shared.tokens().accepts(token) => next.run(request).await,
        _ => {
            if token.is_none() {
                let path = request.uri().path().to_owned();
                shared.with(|state| state.violate("every call carries a bearer token", path, None));
            }
            let refusal = Refusal::new(401, "The access token is missing or not valid", Vec::new());
            ([(header::WWW_AUTHENTICATE, "Bearer")], refusal).into_response()
        }
    }
}

async fn unknown(Extract(shared): App, request: Request) -> Refusal {
    let call = format!("{} {}", request.method(), request.uri().path());
    shared.with(|state| state.violate("calls are those of EDI 2.0", call, None));
    Refusal::new(404, "No such resource", Vec::new())
}

async fn token(Extract(shared): App, body: Bytes) -> Response {
    let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let base = shared.base_url();
    let issued = shared.tokens().issue(&form, &[format!("{base}/connect/token"), base.clone()]);
    match issued {
        Ok((token, seconds)) => axum::Json(json!({
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": seconds,
        }))
        .into_response(),
        Err(error) => {
            let status =
                if error.error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
            let body = json!({"error": error.error, "error_description": error.description});
            (status, axum::Json(body)).into_response()
        }
    }
}

fn body_of<T: serde::de::DeserializeOwned>(shared: &Shared, headers: &HeaderMap, body: &[u8]) -> Result<T, Refusal> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.split(';').next().map(str::trim) != Some("application/json") {
        shared.with(|state| state.violate("bodies are application/json", content_type.to_owned(), None));
        return Err(Refusal::new(415, "Unsupported media type", vec![content_type.to_owned()]));
    }
    serde_json::from_slice(body).map_err(|error| {
        shared.with(|state| state.violate("bodies have the fields of EDI 2.0", error.to_string(), None));
        bad(error.to_string())
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PostMessage {
    business_document: String,
    content_type: String,
    content_transfer_encoding: String,
    #[serde(default)]
    #[expect(dead_code, reason = "accepted, and nothing here depends on ebXML")]
    eb_xml_overrides: Option<HashMap<String, Value>>,
    #[serde(default)]
    receiver_her_ids_subset: Option<Vec<u32>>,
}

async fn send(Extract(shared): App, headers: HeaderMap, body: Bytes) -> Reply {
    let message: PostMessage = body_of(&shared, &headers, &body)?;
    let wrong = |rule: &'static str, found: String| {
        shared.with(|state| state.violate(rule, found.clone(), None));
        bad(format!("{rule}: {found}"))
    };
    if message.content_type != "application/xml" {
        return Err(wrong("contentType is application/xml", message.content_type));
    }
    if message.content_transfer_encoding != "base64" {
        return Err(wrong("contentTransferEncoding is base64", message.content_transfer_encoding));
    }
    let raw = STANDARD
        .decode(&message.business_document)
        .map_err(|error| wrong("businessDocument is base64", error.to_string()))?;
    let subset = message.receiver_her_ids_subset;
    let id = shared.with(|state| state.accept(raw, subset.as_deref()))?;
    Ok(created(&shared, id))
}

fn created(shared: &Shared, id: Uuid) -> Response {
    let location = format!("{}/Messages/{id}", shared.base_url());
    let body = json!({"id": id, "location": location});
    (StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(body)).into_response()
}

struct ListQuery {
    receivers: Vec<u32>,
    sender: Option<u32>,
    document_id: Option<String>,
    metadata: bool,
    count: usize,
    newest_first: bool,
}

fn list_query(query: &str) -> Result<ListQuery, Refusal> {
    let mut parsed = ListQuery {
        receivers: Vec::new(),
        sender: None,
        document_id: None,
        metadata: false,
        count: MESSAGES_TO_FETCH,
        newest_first: false,
    };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let number = |text: &str| text.trim().parse::<u32>().map_err(|_| bad(format!("{name} is not a number")));
        match name.to_ascii_lowercase().as_str() {
            "receiverherids" => {
                for part in value.split(',') {
                    parsed.receivers.push(number(part)?);
                }
            }
            "senderherid" => parsed.sender = Some(number(&value)?),
            "businessdocumentid" => parsed.document_id = Some(value.into_owned()),
            "includemetadata" => {
                parsed.metadata =
                    value.to_ascii_lowercase().parse().map_err(|_| bad("includeMetadata is not a boolean"))?;
            }
            "messagestofetch" => {
                parsed.count = match number(&value)? {
                    count @ 1..=100 => count as usize,
                    _ => return Err(bad("messagesToFetch is not between 1 and 100")),
                };
            }
            "orderby" => {
                parsed.newest_first = match value.to_ascii_lowercase().as_str() {
                    "1" | "asc" | "ascending" => false,
                    "2" | "desc" | "descending" => true,
                    _ => return Err(bad("orderBy is neither 1 (Asc) nor 2 (Desc)")),
                };
            }
            _ => return Err(bad(format!("unknown parameter {name}"))),
        }
    }
    if parsed.receivers.is_empty() {
        return Err(bad("receiverHerIds is required"));
    }
    Ok(parsed)
}

async fn list(Extract(shared): App, RawQuery(query): RawQuery) -> Reply {
    let query = list_query(&query.unwrap_or_default()).inspect_err(|refusal| {
        let detail = refusal.details.join("; ");
        shared.with(|state| state.violate("GET /Messages has the parameters of EDI 2.0", detail, None));
    })?;
    if let Some(other) = query.receivers.iter().find(|her_id| **her_id != PORTAL_HER_ID) {
        return Err(Refusal::new(403, "Not the caller's HER-id", vec![other.to_string()]));
    }
    let found: Vec<Value> = shared.look(|state| {
        let mut found: Vec<&Stored> = state
            .messages
            .iter()
            .filter(|stored| stored.to_portal && !stored.read)
            .filter(|stored| query.sender.is_none_or(|her_id| stored.party == her_id))
            .filter(|stored| query.document_id.is_none() || stored.document_id == query.document_id)
            .collect();
        if query.newest_first {
            found.reverse();
        }
        found.into_iter().take(query.count).map(|stored| metadata(stored, query.metadata)).collect()
    });
    Ok(axum::Json(found).into_response())
}

fn metadata(stored: &Stored, whole: bool) -> Value {
    let (receiver, sender) =
        if stored.to_portal { (PORTAL_HER_ID, stored.party) } else { (stored.party, PORTAL_HER_ID) };
    if !whole {
        return json!({"id": stored.id, "receiverHerId": receiver});
    }
    json!({
        "id": stored.id,
        "contentType": "application/xml",
        "receiverHerId": receiver,
        "senderHerId": sender,
        "businessDocumentId": stored.document_id,
        "businessDocumentGenDate": stored.generated,
        "isAppRec": stored.is_receipt,
        "sourceSystem": if stored.to_portal { "EPJ" } else { "portal" },
    })
}

fn find(state: &State, id: Uuid) -> Result<&Stored, Refusal> {
    state
        .messages
        .iter()
        .find(|stored| stored.id == id)
        .ok_or_else(|| Refusal::new(404, "The message is not found", vec![id.to_string()]))
}

async fn message(Extract(shared): App, Path(id): Path<Uuid>) -> Reply {
    let found = shared.look(|state| find(state, id).map(|stored| metadata(stored, true)))?;
    Ok(axum::Json(found).into_response())
}

async fn business_document(Extract(shared): App, Path(id): Path<Uuid>) -> Reply {
    let raw = shared.with(|state| {
        let stored = state.messages.iter_mut().find(|stored| stored.id == id);
        stored.map(|stored| {
            stored.fetched = true;
            stored.raw.clone()
        })
    });
    let raw = raw.ok_or_else(|| Refusal::new(404, "The message is not found", vec![id.to_string()]))?;
    Ok(axum::Json(json!({
        "businessDocument": STANDARD.encode(raw),
        "contentType": "application/xml",
        "contentTransferEncoding": "base64",
    }))
    .into_response())
}

async fn status(Extract(shared): App, Path(id): Path<Uuid>) -> Reply {
    let found = shared.look(|state| {
        find(state, id).map(|stored| {
            json!([{
                "receiverHerId": if stored.to_portal { PORTAL_HER_ID } else { stored.party },
                "transportDeliveryState": stored.delivery,
                "sent": true,
                "appRecStatus": stored.receipt.as_ref().map(|receipt| receipt.status),
            }])
        })
    })?;
    Ok(axum::Json(found).into_response())
}

async fn receipts(Extract(shared): App, Path(id): Path<Uuid>) -> Reply {
    let found = shared.look(|state| {
        find(state, id).map(|stored| {
            let receipts: Vec<Value> = stored
                .receipt
                .iter()
                .map(|receipt| {
                    json!({
                        "receiverHerId": if stored.to_portal { PORTAL_HER_ID } else { stored.party },
                        "appRecStatus": receipt.status,
                        "appRecErrorList": receipt.errors,
                    })
                })
                .collect();
            receipts
        })
    })?;
    Ok(axum::Json(found).into_response())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PostReceipt {
    app_rec_status: Value,
    #[serde(default)]
    app_rec_error_list: Option<Vec<ReceiptError>>,
    #[serde(default)]
    #[expect(dead_code, reason = "accepted, and nothing here depends on ebXML")]
    eb_xml_overrides: Option<HashMap<String, Value>>,
}

async fn receipt(
    Extract(shared): App,
    Path((id, her_id)): Path<(Uuid, u32)>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    let receipt: PostReceipt = body_of(&shared, &headers, &body)?;
    let status = match &receipt.app_rec_status {
        Value::Number(number) => match number.as_u64() {
            Some(1) => Some(ReceiptStatus::Ok),
            Some(2) => Some(ReceiptStatus::Rejected),
            Some(3) => Some(ReceiptStatus::OkErrorInMessagePart),
            _ => None,
        },
        other => serde_json::from_value(other.clone()).ok(),
    };
    let Some(status) = status else {
        let found = receipt.app_rec_status.to_string();
        shared.with(|state| state.violate("appRecStatus is 1, 2 or 3", found, None));
        return Err(bad("appRecStatus is not 1 (Ok), 2 (Rejected) or 3 (OkErrorInMessagePart)"));
    };
    let errors = receipt.app_rec_error_list.unwrap_or_default();
    let id = shared.with(|state| state.receipt_from_portal(id, her_id, status, errors))?;
    Ok(created(&shared, id))
}

async fn read(Extract(shared): App, Path((id, her_id)): Path<(Uuid, u32)>) -> Reply {
    shared.with(|state| {
        let found = state.messages.iter_mut().find(|stored| stored.id == id && stored.to_portal);
        match found {
            Some(stored) if her_id == PORTAL_HER_ID => {
                stored.read = true;
                stored.delivery = super::state::Delivery::Acknowledged;
                Ok(())
            }
            Some(_) => Err(Refusal::new(403, "Not the caller's HER-id", vec![her_id.to_string()])),
            None => Err(Refusal::new(404, "The message is not found", vec![id.to_string()])),
        }
    })?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
