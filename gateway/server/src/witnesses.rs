//! Asking the audit log's witnesses, and publishing what enough of them have signed (C2SP tlog-witness).
//!
//! All of it is beside the path of requests: every few seconds the newest checkpoint that the log has signed is submitted
//! to those witnesses that are due, all at once, each with a bound on the whole wait. What comes back is collected; the
//! checkpoint is published as soon as the policy is met, and again with each later signature. A witness that is away
//! makes nothing grow: the next round has a newer checkpoint, and only that.
//!
//! A witness may say that the log went back or forked: it has signed a tree that this one does not continue. That is
//! believed when it shows a checkpoint with the log's own signature, or when as many witnesses say so as could publish.
//! One that merely says so is recorded, and cannot stop anything.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use dialog_audit::{
    Collected, Log, Policy, Published, SignedCheckpoint, VerifierKey, VerifierKeys,
    limits::MAX_WITNESS_REPLY_BYTES,
    witness::{Asked, Kept, Meaning, Reply, Standing, Witness, contradicts, submission},
};
use dialog_contract::{action::Action, audit::RecordKind};
use dialog_core::ports::{
    clock::{Clock as _, SystemClock},
    evidence::Evidence,
};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use http::header;
use reqwest::Response;
use sha2::{Digest, Sha256};
use tokio::time::{MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    auth::keys::is_safe,
    config::OnFork,
    hex,
    limits::{WITNESS_CONNECT, WITNESS_ROUNDS_WITHOUT_QUORUM, WITNESS_WAIT},
    start,
    telemetry::metrics::{Metrics, log::WitnessAnswer},
};

/// Why witnesses cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum WitnessesError {
    /// A witness has no address, or one that nothing may be sent to.
    #[error("the witness {name}: {what}")]
    Address {
        /// What the policy calls it.
        name: String,
        /// What is wrong.
        what: &'static str,
    },
    /// Those that can be asked are too few.
    #[error("the quorum cannot be met: too few of its witnesses have an address")]
    Unreachable,
    /// A client could not be made.
    #[error("the client: {0}")]
    Client(#[from] reqwest::Error),
}

/// Where the witnesses of a policy are asked, by their places in it. Those without an address are passed over.
///
/// # Errors
/// Names the witness whose address cannot be used, or says that those with one are too few.
pub fn addresses(policy: &Policy) -> Result<Vec<(usize, Url)>, WitnessesError> {
    let mut addresses = Vec::new();
    for (at, witness) in policy.witnesses().iter().enumerate() {
        let wrong = |what| WitnessesError::Address { name: witness.shown(), what };
        let Some(text) = &witness.url else { continue };
        let mut url = Url::parse(text).map_err(|_| wrong("its address is no URL"))?;
        if !is_safe(&url) {
            return Err(wrong("its address must be https, or http to this machine"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("its address must have no user, query and fragment"));
        }
        // Further parts of the path come after it.
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        addresses.push((at, url));
    }
    if !policy.is_met_by(|at| addresses.iter().any(|(known, _)| *known == at)) {
        return Err(WitnessesError::Unreachable);
    }
    Ok(addresses)
}

/// What is asked for, and by which rules.
pub struct Rules {
    /// Which witnesses, and how many of them are enough.
    pub policy: Arc<Policy>,
    /// The keys by which the log itself has ever signed.
    pub own: VerifierKeys,
    /// How often.
    pub every: Duration,
    /// What to do when they have signed another tree.
    pub on_fork: OnFork,
}

/// What is reached on the way.
pub struct Reach {
    /// The log.
    pub log: Log,
    /// Where it is recorded what witnesses say.
    pub evidence: Arc<dyn Evidence>,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
}

/// The witnesses of the log.
pub struct Witnesses {
    log: Log,
    rules: Rules,
    evidence: Arc<dyn Evidence>,
    metrics: Arc<Metrics>,
    client: reqwest::Client,
    peers: Vec<Peer>,
    collected: Collected,
    /// Rounds in a row that ended without a quorum for what was not public yet.
    without_quorum: u32,
    /// Witnesses that have begun to say that they know more of the log than there is, and how much.
    claims: Vec<(usize, u64)>,
    forked: bool,
    /// Nobody was asked since the start: all are, whatever was kept of them. Where the log was put back from a copy, the
    /// copy says that they have signed it.
    is_fresh: bool,
}

/// One witness.
struct Peer {
    at: usize,
    name: String,
    url: Url,
    key: VerifierKey,
    state: Witness,
    /// What was last recorded of it, so that nothing is recorded twice.
    recorded: &'static str,
}

impl Witnesses {
    /// Makes ready to ask the witnesses of a policy.
    ///
    /// # Errors
    /// When they cannot be asked.
    pub fn new(rules: Rules, reach: Reach) -> Result<Self, WitnessesError> {
        let Reach { log, evidence, metrics } = reach;
        let policy = &rules.policy;
        let published = log.published();
        let peers = addresses(policy)?.into_iter().map(|(at, url)| {
            let witness = &policy.witnesses()[at];
            let key = witness.key.clone();
            let is_its = |name: &str, id: u32| name == key.name() && id == key.id();
            let signed = published.cosignatures.iter().any(|one| is_its(&one.name, one.key_id));
            let state = Witness::new(signed.then_some(published.size));
            Peer { at, name: witness.shown(), url, key, state, recorded: "" }
        });
        let peers: Vec<Peer> = peers.collect();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(WITNESS_CONNECT)
            .timeout(WITNESS_WAIT)
            .build()?;
        let collected = Collected::new(log.signed());
        Ok(Self {
            log,
            rules,
            evidence,
            metrics,
            client,
            peers,
            collected,
            without_quorum: 0,
            claims: Vec::new(),
            forked: false,
            is_fresh: true,
        })
    }

    /// How each witness stands, by the policy's name for it.
    pub fn standings(&self) -> impl Iterator<Item = (&str, &Standing)> {
        self.peers.iter().map(|peer| (peer.name.as_str(), peer.state.standing()))
    }

    /// Asks round after round until `stop`; then it can still be asked for a [`last`](Self::last) one.
    pub async fn run(mut self, stop: CancellationToken) -> Self {
        let mut tick = tokio::time::interval(self.rules.every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            if stop.run_until_cancelled(self.round()).await.is_none() {
                break;
            }
        }
        self
    }

    /// A last round, once the log has signed all that was appended: so a log that was closed is public to its end, where
    /// witnesses answer. Says whether it is.
    pub async fn last(&mut self) -> bool {
        let size = self.log.size();
        let mut signed = self.log.subscribe_signed();
        let reached = signed.wait_for(|checkpoint| checkpoint.size >= size);
        if matches!(timeout(WITNESS_WAIT, reached).await, Ok(Ok(_))) {
            self.round().await;
        }
        self.log.published().size >= size
    }

    /// Asks every witness that is due for its signature of the newest checkpoint, and publishes when there are enough.
    pub async fn round(&mut self) {
        if self.forked && self.rules.on_fork == OnFork::Stop {
            return;
        }
        let checkpoint = self.log.signed();
        self.begin(&checkpoint);
        let (now, asks_all) = (Instant::now(), std::mem::take(&mut self.is_fresh));
        let due = self.peers.iter().map(|peer| {
            let has_signed = self.collected.has(peer.at) && !asks_all;
            peer.state.next(&checkpoint, has_signed, now)
        });
        let due: Vec<Option<Asked>> = due.collect();
        let (client, log) = (&self.client, &self.log);
        let mut asked: FuturesUnordered<_> = self
            .peers
            .iter_mut()
            .zip(due)
            .filter_map(|(peer, asked)| asked.map(|asked| ask(peer, asked, client, log, &checkpoint)))
            .collect();
        let mut said = Vec::new();
        while let Some((at, meaning)) = asked.next().await {
            let name = self.rules.policy.witnesses()[at].shown();
            self.metrics.witness_answered(&name, answer(&meaning));
            match meaning {
                Meaning::Cosigned(kept) => {
                    self.collected.add(at, kept);
                    if self.collected.meets(&self.rules.policy) {
                        publish(&self.log, self.collected.note()).await;
                    }
                }
                other => said.push((at, other)),
            }
        }
        drop(asked);
        let mut claims = BTreeSet::new();
        for (at, meaning) in said {
            if matches!(meaning, Meaning::Ahead { .. } | Meaning::Contradicts) {
                claims.insert(at);
            }
            self.hear(at, meaning).await;
        }
        self.look_at_forks(&claims).await;
        self.look_at_quorum(&checkpoint).await;
        for (name, standing) in self.standings() {
            if let Standing::Signs { size, .. } = standing {
                self.metrics.witness_signed(name, *size);
            }
        }
    }

    /// Collects for this checkpoint from now on; what the public one of the same tree has is had.
    fn begin(&mut self, checkpoint: &Published) {
        let known = self.collected.checkpoint();
        if known.size == checkpoint.size && known.note == checkpoint.note && checkpoint.size > 0 {
            return;
        }
        self.collected = Collected::new(Arc::clone(checkpoint));
        let published = self.log.published();
        if published.text() != checkpoint.text() {
            return;
        }
        for peer in &self.peers {
            let cosigned =
                published.cosignatures.iter().find(|one| one.name == peer.key.name() && one.key_id == peer.key.id());
            if let (Some(one), Some(line)) = (cosigned, published.line_by(peer.key.name(), peer.key.id())) {
                self.collected.add(peer.at, Kept { line, time: one.time });
            }
        }
    }

    fn peer(&self, at: usize) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.at == at)
    }

    /// What a witness said that is not its signature.
    async fn hear(&mut self, at: usize, meaning: Meaning) {
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.at == at) else { return };
        let (name, word) = (peer.name.clone(), peer.state.standing().word());
        let is_new = std::mem::replace(&mut peer.recorded, word) != word;
        let details = || [("witness", name.clone()), ("says", word.to_owned())];
        match meaning {
            Meaning::Later(what) => tracing::warn!(witness = name, what, "a witness of the audit log did not sign"),
            Meaning::Operator(what) => {
                tracing::error!(witness = name, what, "a witness of the audit log does not sign");
                if is_new {
                    self.record(details()).await;
                }
            }
            Meaning::Ahead { size } => {
                tracing::error!(
                    witness = name,
                    size,
                    "a witness says that it has signed more of the audit log than there is"
                );
                // To append is to fork where the log went back indeed: first it is looked at whether that is to be believed.
                if is_new {
                    self.claims.push((at, size));
                }
            }
            Meaning::Contradicts => {
                tracing::error!(
                    witness = name,
                    "a witness says that the audit log does not continue what it has signed"
                );
                if is_new {
                    self.record(details()).await;
                }
            }
            Meaning::Cosigned(_) | Meaning::Again(_) => {}
        }
    }

    /// Whether it is to be believed that the log went back or forked, when some have just said so.
    async fn look_at_forks(&mut self, just_said: &BTreeSet<usize>) {
        for peer in &mut self.peers {
            if matches!(peer.state.standing(), Standing::Signs { .. }) {
                peer.recorded = "";
            }
        }
        let says = |peer: &&Peer| matches!(peer.state.standing(), Standing::Ahead { .. } | Standing::Contradicts);
        let claiming: BTreeSet<usize> = self.peers.iter().filter(says).map(|peer| peer.at).collect();
        let claims = std::mem::take(&mut self.claims);
        if self.forked || just_said.is_empty() {
            return;
        }
        let mut believed =
            self.rules.policy.needs_witnesses() && self.rules.policy.is_met_by(|at| claiming.contains(&at));
        for at in just_said {
            believed = believed || self.shows(*at).await;
        }
        if !believed || self.rules.on_fork == OnFork::Accept {
            for (at, size) in claims {
                let name = self.peer(at).map_or("", |peer| &peer.name).to_owned();
                self.record([("witness", name), ("says", "ahead".to_owned()), ("size", size.to_string())]).await;
            }
        }
        if !believed {
            return;
        }
        self.forked = true;
        self.metrics.audit_forked();
        let names: Vec<&str> = claiming.iter().filter_map(|at| self.peer(*at)).map(|peer| peer.name.as_str()).collect();
        let names = names.join(", ");
        tracing::error!(
            witnesses = names,
            "the audit log is not what witnesses have signed of it: it went back or forked"
        );
        match self.rules.on_fork {
            OnFork::Stop => self.log.halt(&format!("witnesses have signed another tree of this log: {names}")),
            OnFork::Accept => self.record([("witness", names), ("says", "forked".to_owned())]).await,
        }
    }

    /// Whether a witness shows a checkpoint of the log's own that does not go together with the tree that is here.
    async fn shows(&self, at: usize) -> bool {
        let Some(peer) = self.peer(at) else { return false };
        let ours = self.log.signed();
        let origin = hex(&Sha256::digest(ours.origin.as_bytes()));
        let Ok(url) = peer.url.join(&format!("{origin}/checkpoint")) else { return false };
        let fetched = timeout(WITNESS_WAIT, async {
            let response = self.client.get(url).send().await.ok()?;
            body(response).await.ok().filter(|(status, ..)| *status == 200).map(|(_, _, body)| body)
        });
        let Ok(Some(note)) = fetched.await else { return false };
        let Ok(theirs) = SignedCheckpoint::verify(&note, &self.rules.own) else { return false };
        let reader = self.log.reader_at(&ours);
        match tokio::task::spawn_blocking(move || contradicts(&reader, &theirs)).await {
            Ok(Ok(contradicts)) => contradicts,
            Ok(Err(error)) => {
                tracing::error!(%error, "the audit log could not be compared with what a witness has signed");
                false
            }
            Err(_) => false,
        }
    }

    /// Tells once that what is new is not published, and once that it is again.
    async fn look_at_quorum(&mut self, checkpoint: &Published) {
        if !self.rules.policy.needs_witnesses() {
            return;
        }
        let lost = self.without_quorum >= WITNESS_ROUNDS_WITHOUT_QUORUM;
        if self.log.published().size >= checkpoint.size {
            self.without_quorum = 0;
            if lost {
                tracing::info!("the audit log is published again");
                self.record([("quorum", "back".to_owned())]).await;
            }
            return;
        }
        self.without_quorum = self.without_quorum.saturating_add(1);
        if self.without_quorum == WITNESS_ROUNDS_WITHOUT_QUORUM {
            let published = self.log.published().size;
            tracing::error!(published, "too few witnesses sign the audit log: nothing new of it is published");
            self.record([("quorum", "lost".to_owned()), ("published", published.to_string())]).await;
        }
    }

    async fn record(&self, details: impl IntoIterator<Item = (&'static str, String)>) {
        let mut record = start::own(RecordKind::Witness, Action::LogWitness);
        record.details.extend(details.into_iter().map(|(name, value)| (name.to_owned(), value)));
        if let Err(error) = self.evidence.record(record).await {
            tracing::error!(%error, "what the witnesses say could not be recorded");
        }
    }
}

/// What an answer came to, as a metric has it.
const fn answer(meaning: &Meaning) -> WitnessAnswer {
    match meaning {
        Meaning::Cosigned(_) => WitnessAnswer::Signed,
        Meaning::Again(_) | Meaning::Later(_) => WitnessAnswer::Failed,
        Meaning::Operator(_) => WitnessAnswer::Stranger,
        Meaning::Ahead { .. } => WitnessAnswer::Ahead,
        Meaning::Contradicts => WitnessAnswer::Contradicts,
    }
}

/// Submits a checkpoint to a witness, again with another proof where it asks for one; in all within the bound of one wait.
async fn ask(
    peer: &mut Peer,
    first: Asked,
    client: &reqwest::Client,
    log: &Log,
    checkpoint: &Published,
) -> (usize, Meaning) {
    let until = tokio::time::Instant::now() + WITNESS_WAIT;
    let mut asked = first;
    loop {
        let reply = match body_for(asked, log, checkpoint).await {
            Ok(body) => {
                let exchange = submit(client, &peer.url, body, checkpoint, &peer.key);
                tokio::time::timeout_at(until, exchange)
                    .await
                    .unwrap_or_else(|_| Reply::Trouble("no answer in time".to_owned()))
            }
            Err(what) => Reply::Trouble(what),
        };
        let newest = log.signed().size;
        match peer.state.answered(asked, checkpoint, newest, reply, Instant::now()) {
            Meaning::Again(next) => asked = next,
            meaning => return (peer.at, meaning),
        }
    }
}

/// What is submitted: the checkpoint, and the proof from the size that the witness knows.
async fn body_for(asked: Asked, log: &Log, checkpoint: &Published) -> Result<String, String> {
    let proof = if asked.old == 0 || asked.old == checkpoint.size {
        Vec::new()
    } else {
        let reader = log.reader_at(checkpoint);
        let proved = tokio::task::spawn_blocking(move || reader.consistency_proof(asked.old)).await;
        proved.map_err(|error| error.to_string())?.map_err(|error| format!("the log's own proof: {error}"))?
    };
    submission(asked.old, &proof, checkpoint).map_err(|error| error.to_string())
}

async fn submit(
    client: &reqwest::Client,
    prefix: &Url,
    submission: String,
    checkpoint: &SignedCheckpoint,
    key: &VerifierKey,
) -> Reply {
    let Ok(url) = prefix.join("add-checkpoint") else {
        return Reply::Trouble("its address cannot be extended".to_owned());
    };
    let request = client.post(url).header(header::CONTENT_TYPE, "text/plain; charset=utf-8").body(submission);
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return Reply::Trouble(cause(&error.without_url())),
    };
    match body(response).await {
        Ok((status, kind, body)) => {
            let now = SystemClock.now().as_second().unsigned_abs();
            Reply::read(status, kind.as_deref(), &body, checkpoint, key, now)
        }
        Err(error) => Reply::Trouble(cause(&error.without_url())),
    }
}

/// Status, media type and body of an answer; of a body that is too long as much as shows that it is.
async fn body(mut response: Response) -> Result<(u16, Option<String>, Vec<u8>), reqwest::Error> {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).map(str::to_owned);
    let mut body = Vec::new();
    while body.len() <= MAX_WITNESS_REPLY_BYTES
        && let Some(chunk) = response.chunk().await?
    {
        let room = MAX_WITNESS_REPLY_BYTES + 1 - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    Ok((response.status().as_u16(), kind, body))
}

/// The innermost reason, which says more than that something could not be sent.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if error.is_timeout() { "no answer in time".to_owned() } else { cause.to_string() }
}

async fn publish(log: &Log, note: String) {
    let log = log.clone();
    match tokio::task::spawn_blocking(move || log.publish(&note)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::error!(%error, "a checkpoint of the audit log could not be published"),
        Err(error) => tracing::error!(%error, "a checkpoint of the audit log could not be published"),
    }
}
