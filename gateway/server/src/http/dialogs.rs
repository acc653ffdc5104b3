//! Dialogs: list, open, read, write, meet, close.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use dialog_contract::{
    dialog::StatusName,
    ids::DialogId,
    opening::{NewDialog, NewMessage},
    problem::ProblemType,
    schema::Resource,
    service::Service,
};
use dialog_core::{DialogFilter, request::Request as Meta};
use http::{HeaderValue, StatusCode, header};

use super::{
    body,
    caller::CitizenCaller,
    envelope::Envelope,
    query::Query,
    reply::{Refusal, finish, mark},
};
use crate::gateway::Gateway;

/// `GET /v1/me/dialogs`
pub async fn list(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    let query = Query::parse(request.uri().query(), &["service", "status", "unopened", "overdue", "cursor", "limit"])?;
    let filter = DialogFilter {
        service: query.get::<Service>("service")?,
        status: query.get::<StatusName>("status")?,
        unopened: query.get::<bool>("unopened")?.unwrap_or(false),
        overdue: query.get::<bool>("overdue")?.unwrap_or(false),
        cursor: query.text("cursor").map(str::to_owned),
        limit: query.get::<u32>("limit")?,
    };
    Ok(finish(&gateway, gateway.desk.dialogs(&citizen, &envelope.domain(&request), filter).await))
}

/// `POST /v1/me/dialogs`
pub async fn open(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    let mut meta = envelope.change(&request)?;
    let new: NewDialog = body::json(Resource::NewDialog, &envelope, request, &mut meta).await?;
    Ok(finish(&gateway, gateway.desk.open(&citizen, &meta, new).await))
}

/// `GET /v1/me/dialogs/{dialog}`
pub async fn read(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    Path(dialog): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let dialog = id(&dialog)?;
    let known = body::if_none_match(request.headers())?;
    let ended = gateway.desk.dialog(&citizen, &envelope.domain(&request), dialog).await;
    if let Ok(answer) = &ended
        && let Some(revision) = answer.etag.filter(|revision| Some(*revision) == known)
    {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        if let Ok(tag) = HeaderValue::try_from(format!("\"{revision}\"")) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        mark(&mut response, Some(&answer.receipt), false);
        return Ok(response);
    }
    Ok(finish(&gateway, ended))
}

/// `POST /v1/me/dialogs/{dialog}/messages`
pub async fn send(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    Path(dialog): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let dialog = id(&dialog)?;
    let mut meta = envelope.change(&request)?;
    let new: NewMessage = body::json(Resource::NewMessage, &envelope, request, &mut meta).await?;
    Ok(finish(&gateway, gateway.desk.send(&citizen, &meta, dialog, new).await))
}

/// `POST /v1/me/dialogs/{dialog}/close`
pub async fn close(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    Path(dialog): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (dialog, meta) = without_body(&envelope, &dialog, request).await?;
    Ok(finish(&gateway, gateway.desk.close(&citizen, &meta, dialog).await))
}

/// `POST /v1/me/dialogs/{dialog}/seen`
pub async fn seen(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    Path(dialog): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (dialog, meta) = without_body(&envelope, &dialog, request).await?;
    Ok(finish(&gateway, gateway.desk.seen(&citizen, &meta, dialog).await))
}

/// `POST /v1/me/dialogs/{dialog}/video/join`
pub async fn join_video(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    Path(dialog): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (dialog, meta) = without_body(&envelope, &dialog, request).await?;
    Ok(finish(&gateway, gateway.desk.join_video(&citizen, &meta, dialog).await))
}

/// `POST /v1/me/dialogs/{dialog}/video/leave`
pub async fn leave_video(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    Path(dialog): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (dialog, meta) = without_body(&envelope, &dialog, request).await?;
    Ok(finish(&gateway, gateway.desk.leave_video(&citizen, &meta, dialog).await))
}

async fn without_body(envelope: &Envelope, dialog: &str, request: Request) -> Result<(DialogId, Meta), Refusal> {
    let dialog = id(dialog)?;
    let mut meta = envelope.change(&request)?;
    body::nothing(envelope, request, &mut meta).await?;
    Ok((dialog, meta))
}

/// What is no id is the id of nothing.
fn id(text: &str) -> Result<DialogId, Refusal> {
    text.parse().map_err(|_| Refusal::of(ProblemType::NotFound))
}
