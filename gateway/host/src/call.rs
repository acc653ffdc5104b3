//! One call of one exported function, from its permits to its evidence.
//!
//! 1. [`admit`]: the plugin, a permit of its own, a permit of all; the wait counts in the deadline.
//! 2. A fresh store: memory metered, epoch on, capabilities new. Nothing of an earlier call is in it.
//! 3. Instantiate and call, bounded by the deadline from outside, and by the epoch from inside.
//! 4. [`Admitted::finish`]: what came back is checked; state is committed; what is left over is deleted; the observer and
//!    the audit log are told.
//!
//! [`admit`]: Caller::admit

use std::{future::poll_fn, pin::pin, sync::Arc, time::Duration};

use dialog_contract::{
    audit::CallRecord,
    ids::PluginId,
    manifest::CONTRACT,
    provider::{CitizenIdentity, Context, Failure, Fault, Interface, Outage},
    service::Sent,
};
use dialog_core::ports::providers::{Called, Target};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, error::Elapsed, timeout_at},
};
use uuid::Uuid;
use wasmtime::{Store, Trap, UpdateDeadline};

use crate::{
    bindings::host::types,
    capabilities::{
        attachments::Attachments,
        log::Lines,
        refusals::Refusals,
        state::{Forgotten, Memories, Scope, State, Whose},
        upstream::{Requests, Sending},
    },
    convert::{
        answer::{Answer, Violation},
        context::Facts,
        failure::failure,
    },
    engine::Engine,
    host::Ports,
    limits::{ERROR_LINE_BYTES, Limits, length},
    memory::Meter,
    observe::{CallEnded, Outcome},
    registry::{Plugin, Registry},
    scrub,
    trace::Traceparent,
};

/// Who a call is, in log lines and traces.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) plugin: PluginId,
    pub(crate) version: String,
    pub(crate) call: Uuid,
    pub(crate) traceparent: Option<Traceparent>,
}

impl Identity {
    /// The trace's id; empty where there is none.
    pub(crate) fn trace_id(&self) -> &str {
        self.traceparent.as_ref().map_or("", Traceparent::trace_id)
    }
}

/// Everything that a guest can reach during one call.
pub(crate) struct Call {
    pub(crate) identity: Identity,
    pub(crate) deadline: Instant,
    pub(crate) ports: Arc<Ports>,
    pub(crate) meter: Meter,
    pub(crate) requests: Requests,
    pub(crate) state: State,
    pub(crate) log: Lines,
    pub(crate) attachments: Attachments,
    pub(crate) refusals: Refusals,
}

/// What calls need of the host.
pub(crate) struct Caller {
    pub(crate) engine: Engine,
    pub(crate) limits: Limits,
    pub(crate) ports: Arc<Ports>,
    pub(crate) registry: Registry,
    /// Calls at once, of all plugins.
    pub(crate) permits: Arc<Semaphore>,
    /// Whose state was removed lately.
    pub(crate) forgotten: Arc<Forgotten>,
}

/// What a call concerns: whose memory it has, and whose it is what it writes there.
pub(crate) struct About {
    pub(crate) scope: Scope,
    pub(crate) citizen: Option<CitizenIdentity>,
}

impl About {
    /// An office's, for a citizen where one is logged in.
    pub(crate) fn of(ctx: &Context) -> Self {
        let number = ctx.citizen.as_ref().map(|citizen| citizen.national_identity_number.clone());
        Self { scope: Scope::Office(ctx.office.her_id), citizen: number.map(CitizenIdentity::NationalIdentityNumber) }
    }

    /// No office's, and for nobody in particular.
    pub(crate) const fn inbound() -> Self {
        Self { scope: Scope::Inbound, citizen: None }
    }
}

/// A call that may begin.
pub(crate) struct Admitted<'a> {
    caller: &'a Caller,
    pub(crate) plugin: Arc<Plugin>,
    identity: Identity,
    interface: Interface,
    function: &'static str,
    attempt: u32,
    began: Instant,
    waited: Duration,
    pub(crate) deadline: Instant,
    // Given back when the store is gone.
    _permits: [OwnedSemaphorePermit; 2],
}

/// Says in the call's span how it failed, where it did. A failure of the contract's list is an answer: what it means is
/// for the request's span to say.
fn failed(outcome: Outcome) {
    if !matches!(outcome, Outcome::Answered | Outcome::Failed) {
        let span = tracing::Span::current();
        span.record("error.type", outcome.as_str());
        span.record("otel.status_code", "ERROR");
    }
}

/// Runs a future and adds to `spent` the time in which it was polled: what it took of a processor, and none of what it
/// waited for.
pub(crate) async fn clocked<F: Future>(future: F, spent: &mut Duration) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        let began = std::time::Instant::now();
        let polled = future.as_mut().poll(context);
        *spent += began.elapsed();
        polled
    })
    .await
}

/// What calling came to, before it is looked at.
pub(crate) type Returned<T> = Result<wasmtime::Result<Result<T, types::Failure>>, Elapsed>;

impl Caller {
    /// Finds the plugin and waits for permits; or says why the call cannot begin, with nothing sent.
    pub(crate) async fn admit(
        &self,
        target: &Target,
        interface: Interface,
        function: &'static str,
    ) -> Result<Admitted<'_>, (Failure, CallRecord)> {
        let began = Instant::now();
        let deadline = began + self.limits.call(interface).min(target.time_left);
        let identity = |version: &str| Identity {
            plugin: target.plugin.clone(),
            version: version.to_owned(),
            call: Uuid::now_v7(),
            traceparent: self.ports.traceparent.current(),
        };
        let not_begun = |plugin: Option<&Plugin>, outcome, detail: &str, retry_after| {
            tracing::warn!(plugin = %target.plugin, %interface, function, detail, "a plugin call was not begun");
            let took = began.elapsed();
            failed(outcome);
            self.ports.observer.called(&CallEnded {
                plugin: &target.plugin,
                interface,
                function,
                outcome,
                took,
                waited: took,
                guest: Duration::ZERO,
                memory_bytes: 0,
                refused: 0,
            });
            let outage = Outage { retry_after, sent: Sent::No, detail: detail.to_owned() };
            let installation = plugin.map(|plugin| &plugin.installation);
            let record = CallRecord {
                plugin: target.plugin.clone(),
                version: installation.map(|found| found.version.clone()).unwrap_or_default(),
                digest: installation.map(|found| found.digest.clone()).unwrap_or_default(),
                contract: CONTRACT.to_owned(),
                grant: installation.map(|found| found.grant_sha256.clone()).unwrap_or_default(),
                interface,
                function: function.to_owned(),
                attempt: target.attempt,
                microseconds: Some(microseconds(took)),
                memory_bytes: None,
                upstreams: Vec::new(),
            };
            (Failure::Unavailable(outage), record)
        };
        let Some(plugin) = self.registry.find(&target.plugin) else {
            return Err(not_begun(None, Outcome::NotInstalled, "the plugin is not installed", None));
        };
        if !plugin.installation.exports.contains(&interface) {
            let detail = format!("the plugin does not export {interface}");
            return Err(not_begun(Some(&plugin), Outcome::NotInstalled, &detail, None));
        }
        // Its own first: a plugin that hangs must not hold permits of all while it waits for its own.
        let wait_until = deadline.min(began + Duration::from_millis(self.limits.permit_wait_milliseconds));
        let permits = timeout_at(wait_until, async {
            let own = Arc::clone(&plugin.permits).acquire_owned().await.ok()?;
            let all = Arc::clone(&self.permits).acquire_owned().await.ok()?;
            Some([own, all])
        });
        let Ok(Some(permits)) = permits.await else {
            return Err(not_begun(Some(&plugin), Outcome::Shed, "too many calls at once", Some(1)));
        };
        let identity = identity(&plugin.installation.version);
        let span = tracing::Span::current();
        span.record("dialog.plugin.version", plugin.installation.version.as_str());
        span.record("dialog.plugin.digest", plugin.installation.digest.as_str());
        Ok(Admitted {
            caller: self,
            plugin,
            identity,
            interface,
            function,
            attempt: target.attempt,
            began,
            waited: began.elapsed(),
            deadline,
            _permits: permits,
        })
    }
}

impl Admitted<'_> {
    /// A store that knows nothing yet.
    pub(crate) fn store(&self, about: About) -> Store<Call> {
        let (limits, ports) = (&self.caller.limits, &self.caller.ports);
        let memories = Memories {
            store: Arc::clone(&ports.store),
            citizens: Arc::clone(&ports.citizens),
            forgotten: Arc::clone(&self.caller.forgotten),
        };
        let About { scope, citizen } = about;
        let whose = Whose { plugin: self.identity.plugin.clone(), scope, citizen, numbers: self.plugin.numbers };
        let call = Call {
            identity: self.identity.clone(),
            deadline: self.deadline,
            ports: Arc::clone(ports),
            meter: Meter::new(limits),
            requests: Requests::new(Arc::clone(&self.plugin.upstreams), limits),
            state: State::new(memories, whose, self.began, limits),
            log: Lines::new(limits),
            attachments: Attachments::new(Arc::clone(&ports.blobs), limits),
            refusals: Refusals::default(),
        };
        let mut store = Store::new(self.caller.engine.wasmtime(), call);
        store.limiter(|call| &mut call.meter);
        store.set_hostcall_fuel(length(limits.handed_over_bytes));
        store.set_epoch_deadline(1);
        let deadline = self.deadline;
        store.epoch_deadline_callback(move |_| {
            Ok(if Instant::now() < deadline { UpdateDeadline::Yield(1) } else { UpdateDeadline::Interrupt })
        });
        store
    }

    /// What the host adds to the context.
    pub(crate) fn facts(&self) -> Facts {
        Facts {
            call_id: self.identity.call.to_string(),
            now: self.caller.ports.clock.now().as_millisecond(),
            time_left: self.deadline.saturating_duration_since(Instant::now()),
            installation: self.plugin.settings.clone(),
            numbers: self.plugin.numbers,
        }
    }

    /// Looks at what came back and ends the call; `guest` is how long it was worked on.
    pub(crate) async fn finish<B, T>(
        self,
        mut store: Store<Call>,
        returned: Returned<B>,
        guest: Duration,
        check: impl FnOnce(B, &mut Answer<'_>) -> Result<T, Violation>,
    ) -> Called<T> {
        let (limits, numbers) = (&self.caller.limits, self.plugin.numbers);
        let call = store.data_mut();
        let sending = call.requests.sent;
        let (answer, outcome) = match returned {
            Err(Elapsed { .. }) => (Err(self.timed_out(sending)), Outcome::TimedOut),
            Ok(Err(error)) => self.stopped(call, &error, sending),
            Ok(Ok(Err(said))) => match failure(said, sending) {
                Ok(failure) => {
                    self.tell_failure(&failure);
                    (Err(failure), Outcome::Failed)
                }
                Err(violation) => (Err(self.broke(&violation, sending)), Outcome::BrokeContract),
            },
            Ok(Ok(Ok(value))) => {
                let mut answer = Answer::new(&call.attachments, numbers, limits);
                // A plugin's output is input that nobody trusts.
                match tracing::info_span!("check").in_scope(|| check(value, &mut answer)) {
                    Ok(value) => {
                        let named = answer.into_named();
                        match call.state.commit().await {
                            Ok(()) => {
                                call.attachments.keep(&named);
                                (Ok(value), Outcome::Answered)
                            }
                            Err(error) => {
                                let who = &self.identity;
                                tracing::error!(
                                    plugin = %who.plugin, version = %who.version, call = %who.call,
                                    trace_id = who.trace_id(), %error, "a plugin's state could not be kept"
                                );
                                let detail = "the plugin's state could not be kept".to_owned();
                                let sent = sending.without_word();
                                let outage = Outage { retry_after: None, sent, detail };
                                (Err(Failure::Unavailable(outage)), Outcome::Internal)
                            }
                        }
                    }
                    Err(violation) => (Err(self.broke(&violation, sending)), Outcome::BrokeContract),
                }
            }
        };
        call.log.close(&self.identity);
        call.refusals.close(&self.identity);
        let (memory_bytes, refused) = (call.meter.peak(), call.refusals.count());
        let upstreams = call.requests.records();
        drop(store);
        let took = self.began.elapsed();
        failed(outcome);
        self.caller.ports.observer.called(&CallEnded {
            plugin: &self.identity.plugin,
            interface: self.interface,
            function: self.function,
            outcome,
            took,
            waited: self.waited,
            guest,
            memory_bytes,
            refused,
        });
        let installation = &self.plugin.installation;
        let record = CallRecord {
            plugin: installation.plugin.clone(),
            version: installation.version.clone(),
            digest: installation.digest.clone(),
            contract: CONTRACT.to_owned(),
            grant: installation.grant_sha256.clone(),
            interface: self.interface,
            function: self.function.to_owned(),
            attempt: self.attempt,
            microseconds: Some(microseconds(took)),
            memory_bytes: Some(memory_bytes),
            upstreams,
        };
        Called { answer, record }
    }

    fn stopped<T>(&self, call: &Call, error: &wasmtime::Error, sending: Sending) -> (Result<T, Failure>, Outcome) {
        let trap = error.downcast_ref::<Trap>();
        if trap == Some(&Trap::Interrupt) {
            return (Err(self.timed_out(sending)), Outcome::TimedOut);
        }
        let who = &self.identity;
        // The engine's words may quote what a guest handed over, such as an unknown case; they are bounded and scrubbed.
        let words = scrub::line(&format!("{error:#}"), ERROR_LINE_BYTES);
        let (outcome, detail) = if call.meter.exceeded() {
            (
                Outcome::OutOfMemory,
                format!("the plugin needs more than {} bytes of memory", self.caller.limits.memory_bytes),
            )
        } else {
            let what = trap.map_or_else(|| "it broke a rule of the engine".to_owned(), ToString::to_string);
            (Outcome::Trapped, format!("the plugin trapped: {what}"))
        };
        tracing::error!(
            plugin = %who.plugin, version = %who.version, call = %who.call, trace_id = who.trace_id(),
            function = %self.name(), outcome = outcome.as_str(), error = %words, "a plugin call was stopped"
        );
        (Err(self.faulty(detail, sending)), outcome)
    }

    fn timed_out(&self, sending: Sending) -> Failure {
        let who = &self.identity;
        let limit = self.deadline - self.began;
        tracing::error!(
            plugin = %who.plugin, version = %who.version, call = %who.call, trace_id = who.trace_id(),
            function = %self.name(), limit_milliseconds = microseconds(limit) / 1000, "a plugin call ran out of time"
        );
        self.faulty(format!("the plugin did not answer within {} ms", limit.as_millis()), sending)
    }

    fn broke(&self, violation: &Violation, sending: Sending) -> Failure {
        let who = &self.identity;
        tracing::error!(
            plugin = %who.plugin, version = %who.version, call = %who.call, trace_id = who.trace_id(),
            function = %self.name(), %violation, "a plugin's answer breaks the contract"
        );
        self.faulty(format!("the answer of {} breaks the contract at {violation}", self.name()), sending)
    }

    fn tell_failure(&self, failure: &Failure) {
        let who = &self.identity;
        tracing::info!(
            plugin = %who.plugin, version = %who.version, call = %who.call, trace_id = who.trace_id(),
            function = %self.name(), %failure, "a plugin call failed"
        );
    }

    fn faulty(&self, detail: String, sending: Sending) -> Failure {
        Failure::Faulty(Fault { sent: sending.without_word(), detail })
    }

    fn name(&self) -> String {
        format!("{}.{}", self.interface, self.function)
    }
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
