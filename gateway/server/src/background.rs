//! What the gateway does without being asked: what waits for a provider is tried again, what is owed to others done,
//! citizens are told what there is for them, vendors that cannot push are asked for news, the national registers are
//! followed, what is past its time is forgotten, keys are wrapped anew after the master key has changed, plugins are held
//! to whom the operator trusts now, the audit log's index follows it, and what is in its records goes after its time.

use std::{sync::Arc, time::Duration};

use dialog_contract::{action::Action, audit::RecordKind, ids::PluginId};
use dialog_core::{
    Desk,
    ports::{clock::Clock, evidence::Evidence, keys::KeyError},
};
use dialog_store::Rewrap;
use tokio::{signal::unix::Signal, task::JoinSet, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    encryption,
    gateway::Gateway,
    limits::TRUST_LOOKED_AT,
    retention,
    start::{self, Registers},
};

/// How often due work is looked for. The first retry comes five seconds after a failure.
const WORK: Duration = Duration::from_secs(1);

/// How often it is looked for dialogs whose provider has ended.
const ENDED: Duration = Duration::from_secs(60);

/// How often what is past its time is forgotten.
const PURGE: Duration = Duration::from_secs(60);

/// Most pages taken from one plugin before the others have their turn again.
const PAGES_AT_ONCE: usize = 50;

/// Starts everything; it ends with the gateway's `stop`.
pub fn start(gateway: &Arc<Gateway>, polled: Vec<(PluginId, Duration)>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let (desk, stop) = (gateway.desk.clone(), gateway.stop.clone());
    tasks.spawn(work(Arc::clone(gateway)));
    tasks.spawn(errands(Arc::clone(gateway)));
    tasks.spawn(purge(Arc::clone(gateway)));
    tasks.spawn(notices(Arc::clone(gateway)));
    tasks.spawn(mark_ended(Arc::clone(gateway)));
    tasks.spawn(rewrap(Arc::clone(gateway)));
    tasks.spawn(gateway.trails.clone().follow(stop.clone()));
    if let Some(days) = gateway.keep_records_days {
        tasks.spawn(retention::run(Arc::clone(gateway), days.get()));
    }
    for (plugin, every) in polled {
        tasks.spawn(poll(desk.clone(), plugin, every, stop.clone()));
    }
    tasks
}

/// Follows the national registers.
pub fn registers(tasks: &mut JoinSet<()>, config: &Config, registers: Registers, stop: &CancellationToken) {
    if let (Some(register), Some(table)) = (registers.gp, &config.directory.gp_register) {
        tasks.spawn(register.follow(table.every(), stop.clone()));
    }
    if let Some((register, offices)) = registers.addresses {
        tasks.spawn(register.follow(offices, stop.clone()));
    }
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

async fn notices(gateway: Arc<Gateway>) {
    let mut tick = tokio::time::interval(WORK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while gateway.stop.run_until_cancelled(tick.tick()).await.is_some() {
        loop {
            match gateway.desk.run_notices(gateway.clock.now()).await {
                Ok(done) => {
                    done.told.iter().for_each(|told| gateway.metrics.notice(told));
                    if !done.more || gateway.stop.is_cancelled() {
                        break;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "notices that are due could not be looked for");
                    break;
                }
            }
        }
    }
}

/// What the gateway owes others: a run of its own, so that a slow archive does not hold up what waits for providers.
async fn errands(gateway: Arc<Gateway>) {
    let mut tick = tokio::time::interval(WORK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while gateway.stop.run_until_cancelled(tick.tick()).await.is_some() {
        loop {
            match gateway.desk.run_errands(gateway.clock.now()).await {
                Ok(done) => {
                    gateway.metrics.errands(&done);
                    if !done.more || gateway.stop.is_cancelled() {
                        break;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "what is owed to others could not be looked for");
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

/// Citizens are told in their open dialogs that their office has left the provider.
async fn mark_ended(gateway: Arc<Gateway>) {
    let mut tick = tokio::time::interval(ENDED);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while gateway.stop.run_until_cancelled(tick.tick()).await.is_some() {
        match gateway.desk.mark_ended().await {
            Ok(0) => {}
            Ok(told) => tracing::warn!(told, "open dialogs are with a provider that their office has left"),
            Err(error) => tracing::error!(%error, "what is open with providers that have ended could not be marked"),
        }
    }
}

/// Once: the master key changes only with the configuration, at a start.
async fn rewrap(gateway: Arc<Gateway>) {
    let ended = async {
        if !gateway.keys.rewrap_is_due()? {
            return Ok(None);
        }
        let told = |so_far: Rewrap| {
            if encryption::is_told(so_far) {
                tracing::info!(remaining = so_far.remaining, "keys are wrapped under the new master key");
            }
            !gateway.stop.is_cancelled()
        };
        gateway.keys.rewrap(told).await.map(Some)
    };
    match ended.await {
        Ok(None) => {}
        Ok(Some(Rewrap { done, remaining })) => {
            tracing::info!(
                done,
                remaining,
                "keys were wrapped under the new master key; the rest is at the next start"
            );
            let mut record = start::own(RecordKind::KeyUse, Action::KeysRewrap);
            let counts = [("done", done), ("remaining", remaining)];
            record.details.extend(counts.map(|(name, count)| (name.to_owned(), count.to_string())));
            if let Err(error) = gateway.evidence.record(record).await {
                tracing::error!(%error, "that keys were wrapped anew could not be recorded");
            }
        }
        Err(KeyError::UnknownMaster { master }) => {
            tracing::error!(master, "keys need this master key still; put it back into the configuration");
        }
        Err(error) => tracing::error!(%error, "keys could not be wrapped under the new master key"),
    }
}

/// Looks at the file of trusted keys every so often, and at once at each `hangup`.
pub async fn trust(gateway: Arc<Gateway>, mut hangup: Signal) {
    let mut tick = tokio::time::interval(TRUST_LOOKED_AT);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = gateway.stop.cancelled() => return,
            _ = tick.tick() => {}
            // The signal's stream ends with the runtime.
            told = hangup.recv() => if told.is_none() { return },
        }
        if let Err(error) = gateway.packages.look_again().await {
            tracing::error!(%error, "trust.file: plugins stay as they were");
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
