//! Notices that the files of a door have changed: by looking, and at once when the operator says so with SIGHUP.
//!
//! Looking at content and not at times finds what a mounted volume changes by a link, and needs no watching of folders.

use std::{sync::Arc, time::Duration};

use dialog_core::ports::{
    clock::{Clock, SystemClock},
    evidence::Evidence,
};
use tokio::{signal::unix::Signal, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::door::{Door, Reloaded};
use crate::{evidence::AuditLog, start};
use dialog_contract::{action::Action, audit::RecordKind};

/// Looks at the files of all doors `every` so often and at each `hangup`, until `stop`. What was taken is recorded in
/// the audit log; both what was taken and what was refused is told the operator.
pub async fn watch(
    doors: Vec<Arc<Door>>,
    every: Duration,
    mut hangup: Signal,
    evidence: Arc<AuditLog>,
    stop: CancellationToken,
) {
    let mut tick = tokio::time::interval(every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let again = tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => false,
            // The signal's stream ends with the runtime.
            told = hangup.recv() => match told {
                Some(()) => true,
                None => return,
            },
        };
        for door in &doors {
            let (looking, door) = (Arc::clone(door), door.listener());
            let looked = tokio::task::spawn_blocking(move || looking.reload(again, SystemClock.now())).await;
            match looked {
                Ok(Reloaded::Unchanged) => {}
                Ok(Reloaded::Taken(papers)) => {
                    for warning in &papers.warnings {
                        tracing::warn!("tls.{door}.{warning}");
                    }
                    tracing::info!(
                        listener = door,
                        certificate = papers.fingerprint,
                        ends = %papers.ends,
                        "new certificate files are in use"
                    );
                    let mut record = start::own(RecordKind::Configuration, Action::TlsReload);
                    record.details.insert("listener".to_owned(), door.to_owned());
                    record.details.insert("certificate".to_owned(), papers.fingerprint);
                    if let Err(error) = evidence.record(record).await {
                        tracing::error!(%error, "new certificate files could not be recorded");
                    }
                }
                Ok(Reloaded::Refused(error)) => {
                    tracing::error!("tls.{door}.{error}: the files before serve on");
                }
                Err(error) => tracing::error!(%error, "certificate files could not be looked at"),
            }
        }
    }
}
