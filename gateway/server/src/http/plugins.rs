//! Installed plugins, for operators: listed, installed, granted, taken back from, rolled back, while requests are under
//! way.
//!
//! What is changed is in the audit log before the reply leaves, by the record of the change itself: the receipt in the
//! reply names that record, and the same holds for a refusal. Looking leaves a record of its own.

use std::{sync::Arc, time::Instant};

use axum::{
    Extension, Json,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use dialog_contract::{
    action::Action, audit::RecordKind, ids::PluginId, page::Page, plugin::Asks, problem::ProblemType, schema::Resource,
};
use dialog_core::ports::store::Revision;
use dialog_host::{
    package::PackageError,
    packages::{
        By,
        error::{Changed, PackagesError, Refused},
    },
};
use http::{StatusCode, header};

use super::{
    body,
    caller::OperatorCaller,
    envelope::Envelope,
    reply::{self, Refusal, mark, shown},
};
use crate::{gateway::Gateway, limits::PACKAGE_ARRIVES};

/// `GET /v1/plugins`
pub async fn list(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    OperatorCaller(_): OperatorCaller,
) -> Result<Response, Refusal> {
    let items = gateway.packages.list().await.map_err(unread)?;
    shown(&gateway, &envelope, Action::PluginsList, &Page { items, next: None }).await
}

/// `GET /v1/plugins/{plugin}`
pub async fn read(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    OperatorCaller(_): OperatorCaller,
    Path(plugin): Path<String>,
) -> Result<Response, Refusal> {
    let (plugin, revision) = gateway.packages.show(&id(&plugin)?).await.map_err(unread)?;
    let mut response = shown(&gateway, &envelope, Action::PluginsRead, &plugin).await?;
    reply::tag(&mut response, revision.0);
    Ok(response)
}

/// `POST /v1/plugins`: a package, as it is.
pub async fn install(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    OperatorCaller(_): OperatorCaller,
    request: Request,
) -> Result<Response, Refusal> {
    let Ok(_held) = gateway.uploads.try_acquire() else { return Err(Refusal::overloaded()) };
    let (parts, content) = request.into_parts();
    if !body::is(&parts.headers, "application/wasm") {
        return Err(Refusal::of(ProblemType::UnsupportedMediaType).saying("a package is application/wasm".to_owned()));
    }
    let limit = gateway.packages.component_bytes();
    let patient = Envelope { deadline: Instant::now() + PACKAGE_ARRIVES, ..envelope.clone() };
    let package = body::bounded(&patient, &parts.headers, content, limit).await.map_err(|refusal| {
        let said = format!("the package is over the limit of {limit} bytes (`component-bytes`)");
        match refusal.problem() {
            ProblemType::TooLarge => {
                refusal.saying(said.clone()).reasoned("too-large").because(RecordKind::Plugin, said)
            }
            _ => refusal,
        }
    })?;
    answer(gateway.packages.install(package.into(), &by(&envelope)).await)
}

/// `POST /v1/plugins/{plugin}/grants`
pub async fn grant(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    OperatorCaller(_): OperatorCaller,
    Path(plugin): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (plugin, seen) = (id(&plugin)?, seen(&request)?);
    let mut meta = envelope.domain(&request);
    let asks: Asks = body::json(Resource::PluginGrant, &envelope, request, &mut meta).await?;
    answer(gateway.packages.grant(&plugin, &asks, seen, &by(&envelope)).await)
}

/// `POST /v1/plugins/{plugin}/revocations`
pub async fn revoke(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    OperatorCaller(_): OperatorCaller,
    Path(plugin): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (plugin, seen) = (id(&plugin)?, seen(&request)?);
    let mut meta = envelope.domain(&request);
    let asks: Asks = body::json(Resource::PluginGrant, &envelope, request, &mut meta).await?;
    answer(gateway.packages.revoke(&plugin, &asks, seen, &by(&envelope)).await)
}

/// `POST /v1/plugins/{plugin}/rollback`
pub async fn roll_back(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    OperatorCaller(_): OperatorCaller,
    Path(plugin): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (plugin, seen) = (id(&plugin)?, seen(&request)?);
    let mut meta = envelope.domain(&request);
    body::nothing(&envelope, request, &mut meta).await?;
    answer(gateway.packages.rollback(&plugin, seen, &by(&envelope)).await)
}

/// What is no id is the id of nothing.
fn id(text: &str) -> Result<PluginId, Refusal> {
    text.parse().map_err(|_| Refusal::of(ProblemType::NotFound))
}

/// The revision on which the operator decided.
fn seen(request: &Request) -> Result<Option<Revision>, Refusal> {
    Ok(body::if_match(request.headers())?.map(Revision))
}

fn by(envelope: &Envelope) -> By {
    By { actor: envelope.actor(), request: Some(envelope.request), trace_id: Some(envelope.trace_id.clone()) }
}

fn answer(changed: Result<Changed, Refused>) -> Result<Response, Refusal> {
    let Changed { plugin, revision, is_new, receipt } = changed.map_err(refused)?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = (status, Json(&plugin)).into_response();
    if is_new && let Ok(location) = format!("/v1/plugins/{}", plugin.id).try_into() {
        response.headers_mut().insert(header::LOCATION, location);
    }
    reply::tag(&mut response, revision.0);
    mark(&mut response, Some(&receipt), false);
    Ok(response)
}

/// A refusal that is on record, unless the log cannot be written.
fn refused(refused: Refused) -> Refusal {
    match refused.receipt {
        Some(receipt) => {
            Refusal::of(problem(&refused.error)).saying(refused.why).reasoned(refused.error.reason()).on_record(receipt)
        }
        None => Refusal::of(ProblemType::Unavailable),
    }
}

/// What could not be read.
fn unread(error: PackagesError) -> Refusal {
    let refusal = Refusal::of(problem(&error));
    if error.is_ours() {
        tracing::error!(%error, "installed plugins cannot be read");
        return refusal;
    }
    refusal.saying(error.to_string()).reasoned(error.reason())
}

/// What an operator is told of a refusal.
const fn problem(error: &PackagesError) -> ProblemType {
    match error {
        PackagesError::NotInstalled(_) => ProblemType::NotFound,
        PackagesError::NothingEarlier(_) | PackagesError::NotGranted { .. } => ProblemType::RollbackRefused,
        PackagesError::ChangedSince(_) => ProblemType::PreconditionFailed,
        PackagesError::Package(PackageError::TooLarge { .. }) => ProblemType::TooLarge,
        error if error.is_ours() => ProblemType::Unavailable,
        _ => ProblemType::PackageRefused,
    }
}
