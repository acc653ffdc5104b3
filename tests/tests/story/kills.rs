//! A whole gateway under the portal's load is killed at a random moment, again and again. Whoever read a reply to its end
//! finds its record in the log, at the index that the reply named; who repeats what was asked gets the same reply, and
//! nothing is done twice; the tree never forks, and no checkpoint goes back: so says also a witness that saw them all.
//!
//! 20 kills; `DIALOG_KILLS` says how many others. The moments come from a seed, which is printed; `DIALOG_KILLS_SEED` plays
//! them once more, as far as a machine's timing can be.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use bytes::Bytes;
use dialog_audit::{Folder, JournalReport, Policy, Reader, SignedCheckpoint, Verification, VerifierKeys, generate_key};
use dialog_contract::audit::{Record, RecordKind};
use dialog_tests::{
    house::{
        House, Plan,
        portal::{Call, Portal},
    },
    sim::world::LEILA,
    witness::{Kind, Witness},
};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::visit::{citizen, inquiry};

const ORIGIN: &str = "dialog.example.test/node-1";

/// Who asks at once: half of them for changes.
const CALLERS: usize = 16;

/// Longer than anything takes that is not broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// A reply that was read to its end.
struct Told {
    request: String,
    index: u64,
    status: u16,
}

/// A change that was asked for, and what was answered to it, where that was read to its end.
struct Wish {
    key: String,
    text: String,
    reply: Option<(StatusCode, Bytes)>,
}

impl Wish {
    fn call(&self, portal: &Portal) -> Call {
        portal.post("/v1/me/dialogs", &[], &inquiry(&self.text)).header("idempotency-key", &self.key)
    }
}

/// Everything that was read, over all rounds.
#[derive(Default)]
struct Read {
    told: Vec<Told>,
    wishes: Vec<Wish>,
}

/// Sends a request and reads the reply to its end.
async fn answered(call: &Call) -> anyhow::Result<(StatusCode, HeaderMap, Bytes)> {
    let response = call.answer().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    Ok((status, headers, response.bytes().await?))
}

/// What a reply says of its record; none where it has none, which only a refusal to work may.
fn told(status: StatusCode, headers: &HeaderMap) -> anyhow::Result<Option<Told>> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(receipt) = text("audit-receipt") else {
        ensure!(status == StatusCode::SERVICE_UNAVAILABLE, "{status} without a receipt");
        return Ok(None);
    };
    let index = receipt.strip_prefix(ORIGIN).context("another log")?.trim_start().parse()?;
    let request = text("x-request-id").context("no X-Request-Id")?.to_owned();
    Ok(Some(Told { request, index, status: status.as_u16() }))
}

/// Asks again and again, until the gateway is killed.
async fn ask(portal: Portal, changes: bool, name: String, killed: Arc<AtomicBool>) -> anyhow::Result<Read> {
    let mut read = Read::default();
    for serial in 0_u64.. {
        let key = uuid::Uuid::new_v4().to_string();
        let mut wish = Wish { key, text: format!("Spørsmål {name}-{serial}"), reply: None };
        let call = match serial % 3 {
            _ if changes => wish.call(&portal),
            0 => portal.get("/v1/me/practice", &[]),
            1 => portal.get("/v1/me/dialogs", &[]).query("limit=5"),
            // Through the vendor's plugin.
            _ => portal.get("/v1/me/slots", &[]),
        };
        let (status, headers, bytes) = match answered(&call).await {
            Ok(reply) => reply,
            Err(error) => {
                ensure!(killed.load(Ordering::SeqCst), "it was not killed yet, and said nothing: {error:#}");
                read.wishes.extend(changes.then_some(wish));
                return Ok(read);
            }
        };
        read.told.extend(told(status, &headers)?);
        ensure!(status.is_success(), "{} answered {status}: {}", call.describe(), String::from_utf8_lossy(&bytes));
        wish.reply = Some((status, bytes));
        read.wishes.extend(changes.then_some(wish));
    }
    Ok(read)
}

/// What must hold of the log's folder before anything is mended.
struct Log {
    keys: VerifierKeys,
    newest: Option<SignedCheckpoint>,
    signed: u64,
}

impl Log {
    /// Verifies what is newer than what was verified before, and that it continues it.
    fn verify(&mut self, folder: &Path) -> anyhow::Result<()> {
        let source = Folder::new(folder);
        let verification = Verification::begin(&source, &self.keys)?;
        let checkpoint = verification.checkpoint().clone();
        let verification = match &self.newest {
            Some(newest) => verification.after(newest, newest.size)?,
            None => verification,
        };
        let report = verification.run(|_| ControlFlow::Continue(()))?;
        let JournalReport::Read { entries, .. } = report.journal else { anyhow::bail!("{report:?}") };
        let signed = report.signed.unwrap_or(checkpoint.size);
        ensure!(signed >= self.signed, "{signed} entries are signed, and {} were", self.signed);
        (self.newest, self.signed) = (Some(checkpoint), signed + entries);
        Ok(())
    }
}

/// After a kill each caller repeats what it got no answer to, and the last that it got one to.
async fn repeat(house: &House, portal: &Portal, wishes: &mut [Wish]) -> anyhow::Result<Vec<Told>> {
    let portal = portal.at(house.gateway()?.portal.clone());
    let mut seen = Vec::new();
    for wish in wishes.iter_mut().rev().take(2) {
        let (status, headers, bytes) = answered(&wish.call(&portal)).await?;
        ensure!(status.is_success(), "{} repeated: {status} {}", wish.text, String::from_utf8_lossy(&bytes));
        seen.extend(told(status, &headers)?);
        match &wish.reply {
            Some(before) => {
                ensure!(*before == (status, bytes), "{} repeated: another reply", wish.text);
                ensure!(headers.get("idempotency-replayed").is_some_and(|value| value == "true"));
            }
            None => wish.reply = Some((status, bytes)),
        }
    }
    Ok(seen)
}

/// Between 50 and 400 milliseconds after the gateway is ready.
fn moment(seed: u64, round: u64) -> Duration {
    let digest = Sha256::digest([seed.to_be_bytes(), round.to_be_bytes()].concat());
    Duration::from_micros(50_000 + u64::from(u32::from_be_bytes([0, digest[0], digest[1], digest[2]])) % 350_000)
}

async fn play(folder: &Path, rounds: u64, seed: u64) -> anyhow::Result<String> {
    let key = generate_key(ORIGIN)?;
    std::fs::write(folder.join("audit.key"), key.private.as_bytes())?;
    let witness = Witness::start(&folder.join("witness"), "w.witness.test", Kind::Ed25519, &[&key.verifier]).await?;
    let text = format!("log {}\nwitness w {} {}\nquorum w\n", key.verifier, witness.vkey, witness.url);
    std::fs::write(folder.join("witnesses.policy"), &text)?;
    let policy = Policy::parse(text.as_bytes())?;
    let amend = |config: &mut serde_json::Value| {
        config["audit"]["policy"] = json!("witnesses.policy");
        config["audit"]["witness-every-seconds"] = json!(1);
        // Some are used up in a round.
        config["audit"]["journal-segment-bytes"] = json!(131_072);
    };
    let plan = Plan { amend: Some(Arc::new(amend)), ..Plan::free(folder, Path::new(env!("CARGO_BIN_EXE_demo"))) };
    let mut house = House::open(plan).await?;
    let mut log = Log { keys: policy.keys()?, newest: None, signed: 0 };
    let portals: Vec<Portal> = (0..CALLERS).map(|_| citizen(&house, &LEILA)).collect::<anyhow::Result<_>>()?;
    let begun = Instant::now();
    let mut all = Read::default();
    for round in 0..rounds {
        let killed = Arc::new(AtomicBool::new(false));
        let asking: Vec<_> = portals
            .iter()
            .enumerate()
            .map(|(caller, portal)| {
                let portal = portal.at(house.gateway()?.portal.clone());
                let asked = ask(portal, caller % 2 == 0, format!("{round}-{caller}"), Arc::clone(&killed));
                Ok(tokio::spawn(asked))
            })
            .collect::<anyhow::Result<_>>()?;
        tokio::time::sleep(moment(seed, round)).await;
        killed.store(true, Ordering::SeqCst);
        house.kill_gateway().await?;
        let mut reads = Vec::new();
        for asked in asking {
            reads.push(asked.await?.with_context(|| format!("round {round}"))?);
        }
        log.verify(&house.audit()).with_context(|| format!("round {round}"))?;
        house.start_gateway().await?;
        for (portal, mut read) in portals.iter().zip(reads) {
            let repeated = repeat(&house, portal, &mut read.wishes).await.with_context(|| format!("round {round}"))?;
            all.told.extend(read.told.into_iter().chain(repeated));
            all.wishes.extend(read.wishes);
        }
    }
    // What waited for the vendor is tried again within seconds.
    let until = Instant::now() + PATIENCE;
    while let Err(why) = once(&house, &all.wishes) {
        ensure!(Instant::now() < until, why);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    house.stop_gateway().await?;
    log.verify(&house.audit())?;
    let records = records(&house, &log.keys)?;
    let superseded: BTreeSet<&str> =
        records.iter().filter_map(|record| record.details.get("supersedes")).map(String::as_str).collect();
    for told in &all.told {
        recorded(&records, told).with_context(|| format!("{} at {}", told.request, told.index))?;
        ensure!(!superseded.contains(told.index.to_string().as_str()), "another took the place of {}", told.index);
    }
    once(&house, &all.wishes)?;
    for asked in witness.asked() {
        ensure!(matches!(asked.status, None | Some(200 | 409)), "the witness saw another tree: {asked:?}");
    }
    let said = std::fs::read_to_string(house.log())?;
    ensure!(!said.contains("another tree"), "the gateway says that a witness saw another tree");
    ensure!(all.told.len() as u64 > 10 * rounds, "only {} replies were read", all.told.len());
    Ok(format!(
        "{rounds} kills in {:.0?}: {} replies read, each with its record, among {} records; {} changes, each done once",
        begun.elapsed(),
        all.told.len(),
        records.len(),
        all.wishes.len()
    ))
}

/// All records of the log that stopped in good order.
fn records(house: &House, keys: &VerifierKeys) -> anyhow::Result<Vec<Record>> {
    let reader = Reader::open(&house.audit(), keys)?;
    let records = reader.checked_entries(0..u64::MAX)?.map(|entry| Ok(serde_json::from_slice(&entry?.data)?));
    let records: Vec<Record> = records.collect::<anyhow::Result<_>>()?;
    ensure!(records.last().is_some_and(|record| record.kind == RecordKind::Stop), "the last record is the stop's");
    Ok(records)
}

/// The record of a reply is where the reply said, and tells what was told.
fn recorded(records: &[Record], told: &Told) -> anyhow::Result<()> {
    let record = usize::try_from(told.index).ok().and_then(|index| records.get(index)).context("there is no record")?;
    let request = record.request.context("it is of no request")?;
    ensure!(request.to_string() == told.request, "it is of the request {request}");
    let outcome = record.outcome.as_ref().context("it is no outcome")?;
    ensure!(outcome.status == Some(told.status), "{} was told: {outcome:?}", told.status);
    Ok(())
}

/// The vendor has everything that was asked for, once.
fn once(house: &House, wishes: &[Wish]) -> anyhow::Result<()> {
    let mut cases: BTreeMap<String, usize> = BTreeMap::new();
    for case in house.helserespons.cases() {
        *cases.entry(case.text().to_owned()).or_default() += 1;
    }
    let asked: BTreeSet<&str> = wishes.iter().map(|wish| wish.text.as_str()).collect();
    ensure!(asked.len() == wishes.len(), "each has its own words");
    for text in &asked {
        ensure!(cases.get(*text) == Some(&1), "{text}: {:?} cases", cases.get(*text));
    }
    ensure!(cases.len() == asked.len(), "{} cases of {} that were asked for", cases.len(), asked.len());
    Ok(())
}

#[test]
fn every_reply_that_was_read_has_its_record_whenever_the_gateway_is_killed() -> anyhow::Result<()> {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>()).transpose();
    let rounds = number("DIALOG_KILLS")?.unwrap_or(20);
    let seed = number("DIALOG_KILLS_SEED")?.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
    println!("DIALOG_KILLS_SEED={seed}");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let played = runtime.block_on(play(folder.path(), rounds, seed)).map_err(|error| {
        let said = std::fs::read_to_string(folder.path().join("gateway.log")).unwrap_or_default();
        let warned = |line: &&str| line.contains("\"WARN\"") || line.contains("\"ERROR\"");
        let tail: Vec<&str> = said.lines().filter(warned).rev().take(20).collect();
        error.context(tail.into_iter().rev().collect::<Vec<_>>().join("\n"))
    })?;
    println!("{played}");
    Ok(())
}
