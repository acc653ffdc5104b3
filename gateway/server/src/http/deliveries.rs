//! Webhooks of vendors: the signature is checked here, the plugin makes events of the delivery, and the vendor is told
//! 204 only when they are durable.

use std::{sync::Arc, time::Instant};

use axum::{
    Extension,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use dialog_contract::{
    audit::{Actor, ActorRole, RecordKind},
    ids::PluginId,
    problem::ProblemType,
};
use dialog_core::ports::clock::Clock;
use http::StatusCode;

use super::{
    body,
    envelope::Envelope,
    reply::{Refusal, finish, mark},
};
use crate::{abuse::rates::Caller, gateway::Gateway, limits::DELIVERY_BYTES};

/// `POST /v1/deliveries/{plugin}/{*path}`
pub async fn receive(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    Path((plugin, path)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let plugin: PluginId = plugin.parse().map_err(|_| Refusal::of(ProblemType::NotFound))?;
    let webhook = gateway.webhooks.get(&plugin).ok_or_else(|| Refusal::of(ProblemType::NotFound))?;
    let meta = envelope.domain(&request);
    let (parts, body) = request.into_parts();
    let body = body::bounded(&envelope, &parts.headers, body, DELIVERY_BYTES).await?;
    let delivery =
        webhook.accept(format!("/{path}"), &parts.headers, body.to_vec(), gateway.clock.now()).map_err(|error| {
            Refusal::of(ProblemType::Unauthenticated)
                .because(RecordKind::TokenRefused, format!("a delivery for {plugin}: {error}"))
        })?;
    gateway.rates.client(Caller::Vendor(plugin.as_str()), Instant::now()).map_err(Refusal::too_often)?;
    envelope.called_by(Actor { role: ActorRole::Provider, client: plugin.to_string(), person: None, level: None });
    match gateway.desk.receive(&plugin, &meta, delivery).await {
        Ok(receipt) => {
            let mut response = StatusCode::NO_CONTENT.into_response();
            mark(&mut response, Some(&receipt), false);
            Ok(response)
        }
        Err(refused) => Ok(finish(&gateway, Err(refused))),
    }
}
