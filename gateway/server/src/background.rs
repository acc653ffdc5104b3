//! What the gateway does without being asked: what waits for a provider is tried again, vendors that cannot push are
//! asked for news, and what is past its time is forgotten.

use std::{sync::Arc, time::Duration};

use dialog_contract::ids::PluginId;
use dialog_core::{desk::Desk, ports::clock::Clock};
use tokio::{task::JoinSet, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{gateway::Gateway, telemetry::metrics::Metrics};

/// How often due work is looked for. The first retry comes five seconds after a failure.
const WORK: Duration = Duration::from_secs(1);

/// How often what is past its time is forgotten.
const PURGE: Duration = Duration::from_secs(10 * 60);

/// Most pages taken from one plugin before the others have their turn again.
const PAGES_AT_ONCE: usize = 50;

/// Starts everything; it ends with the gateway's `stop`.
pub fn start(gateway: &Arc<Gateway>, polled: Vec<(PluginId, Duration)>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let (desk, stop) = (Arc::clone(&gateway.desk), gateway.stop.clone());
    tasks.spawn(work(Arc::clone(&desk), Arc::clone(&gateway.metrics), stop.clone()));
    tasks.spawn(purge(Arc::clone(gateway)));
    for (plugin, every) in polled {
        tasks.spawn(poll(Arc::clone(&desk), plugin, every, stop.clone()));
    }
    tasks
}

async fn work(desk: Arc<Desk>, metrics: Arc<Metrics>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(WORK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        match desk.run_due_work().await {
            Ok(queue) => metrics.queue(queue.depth, queue.oldest),
            Err(error) => tracing::error!(%error, "due work could not be looked for"),
        }
    }
}

async fn purge(gateway: Arc<Gateway>) {
    let mut tick = tokio::time::interval(PURGE);
    while gateway.stop.run_until_cancelled(tick.tick()).await.is_some() {
        if let Err(error) = gateway.desk.purge(gateway.clock.now()).await {
            tracing::error!(%error, "what is past its time could not be removed");
        }
    }
}

async fn poll(desk: Arc<Desk>, plugin: PluginId, every: Duration, stop: CancellationToken) {
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
