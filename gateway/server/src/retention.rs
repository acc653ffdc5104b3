//! What is in the audit log's records goes when its time has come, where the operator says when (`audit.keep-records-days`).
//!
//! First the log says in a record of its own what is going to be removed, and by which rule; when that is public, the
//! content goes, and the index forgets it. The tree stays, and goes on verifying.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use dialog_audit::{Removed, removable};
use dialog_contract::{action::Action, audit::RecordKind};
use dialog_core::ports::{clock::Clock, evidence::Evidence};
use jiff::SignedDuration;

use crate::{gateway::Gateway, start};

/// How often the gateway looks for what is past its time.
const LOOKED_FOR: Duration = Duration::from_secs(24 * 3600);

/// How long the record may take to be public before the removal is left to the next day.
const PUBLISHES: Duration = Duration::from_secs(600);

/// Looks once a day, from the start on, until the gateway stops.
pub async fn run(gateway: Arc<Gateway>, days: u16) {
    let mut tick = tokio::time::interval(LOOKED_FOR);
    while gateway.stop.run_until_cancelled(tick.tick()).await.is_some() {
        if let Some(Err(error)) = gateway.stop.run_until_cancelled(once(&gateway, days)).await {
            let error = format!("{error:#}");
            tracing::error!(error, "what is past its time in the audit log could not be removed");
        }
    }
}

async fn once(gateway: &Gateway, days: u16) -> anyhow::Result<()> {
    let before = gateway.clock.now() - SignedDuration::from_hours(24 * i64::from(days));
    let log = gateway.evidence.log().clone();
    let (from, to) = tokio::task::spawn_blocking(move || {
        // What a crash has left of an earlier removal.
        log.finish_removal()?;
        let reader = log.reader();
        let from = reader.removal()?.map_or(0, |removal| removal.to);
        anyhow::Ok((from, removable(&reader, before)?))
    })
    .await??;
    if to <= from {
        return Ok(());
    }
    let mut record = start::own(RecordKind::Retention, Action::LogPrune);
    record.details.extend(
        [
            ("from", from.to_string()),
            ("to", to.to_string()),
            ("before", before.to_string()),
            ("days", days.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    let at = gateway.evidence.record(record).await.context("record what is to be removed")?.index;
    let log = gateway.evidence.log().clone();
    let mut published = log.subscribe();
    let public = tokio::time::timeout(PUBLISHES, published.wait_for(|checkpoint| checkpoint.size > at));
    drop(public.await.context("the record of it was not published in time; it is tried again tomorrow")?);
    let files = tokio::task::spawn_blocking(move || log.remove(Removed { to, record: at })).await??;
    gateway.trails.forget(to).await.context("the index")?;
    tracing::info!(from, to, record = at, files, "what is past its time was removed from the audit log");
    Ok(())
}
