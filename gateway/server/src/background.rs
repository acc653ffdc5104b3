//! What the gateway does without being asked: what waits for a provider is tried again, vendors that cannot push are
//! asked for news, and what is past its time is forgotten.

use std::{sync::Arc, time::Duration};

use dialog_contract::ids::PluginId;
use dialog_core::{Desk, ports::clock::Clock};
use tokio::{task::JoinSet, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::gateway::Gateway;

/// How often due work is looked for. The first retry comes five seconds after a failure.
const WORK: Duration = Duration::from_secs(1);

/// How often what is past its time is forgotten.
const PURGE: Duration = Duration::from_secs(60);

/// Most pages taken from one plugin before the others have their turn again.
const PAGES_AT_ONCE: usize = 50;

/// Starts everything; it ends with the gateway's `stop`.
pub fn start(gateway: &Arc<Gateway>, polled: Vec<(PluginId, Duration)>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let (desk, stop) = (gateway.desk.clone(), gateway.stop.clone());
    tasks.spawn(work(Arc::clone(gateway)));
    tasks.spawn(purge(Arc::clone(gateway)));
    for (plugin, every) in polled {
        tasks.spawn(poll(desk.clone(), plugin, every, stop.clone()));
    }
    tasks
}

async fn work(gateway: Arc<Gateway>) {
    let mut tick = tokio::time::interval(WORK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while gateway.stop.run_until_cancelled(tick.tick()).await.is_some() {
        loop {
            match gateway.desk.run_due_work(gateway.clock.now()).await {
                Ok(done) => {
                    gateway.metrics.queue(done.due);
                    if !done.more || gateway.stop.is_cancelled() {
                        break;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "due work could not be looked for");
                    break;
                }
            }
        }
    }
}

async fn purge(gateway: Arc<Gateway>) {
    let mut tick = tokio::time::interval(PURGE);
    while gateway.stop.run_until_cancelled(tick.tick()).await.is_some() {
        loop {
            match gateway.desk.purge().await {
                Ok(purged) if purged.more && !gateway.stop.is_cancelled() => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::error!(%error, "what is past its time could not be removed");
                    break;
                }
            }
        }
    }
}

async fn poll(desk: Desk, plugin: PluginId, every: Duration, stop: CancellationToken) {
    let mut tick = tokio::time::interval(every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        for _ in 0..PAGES_AT_ONCE {
            match desk.poll(&plugin).await {
                Ok(true) if !stop.is_cancelled() => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%plugin, %error, "a provider could not be asked for news");
                    break;
                }
            }
        }
    }
}
