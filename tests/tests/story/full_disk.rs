//! A gateway whose audit log is on a disk that is really full: a small `tmpfs`, in a mount namespace of the test's own.
//! Nothing is accepted and nothing done while the log cannot be written; what needs no record goes on; once there is room,
//! so does everything, by itself; and the log verifies, without a gap.
//!
//! Where no file system may be mounted the test says so and is skipped; the log's own tests simulate such a disk.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use dialog_audit::{JournalReport, Reader, VerifierKeys, verify};
use dialog_contract::{
    audit::{Record, RecordKind},
    ids::RequestId,
    problem::ProblemType,
};
use dialog_tests::{
    house::{
        House, Plan,
        portal::{Portal, Reply},
    },
    sim::world::LEILA,
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::visit::{citizen, inquiry, operator};

/// Says where the small disk is to be mounted, to the test that runs on it.
const MOUNT: &str = "DIALOG_TEST_MOUNT";

/// Longer than anything takes that is not broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a program in a mount namespace of its own, by whichever way this machine allows.
fn apart() -> Option<Vec<&'static str>> {
    let ways = [vec!["-m", "--propagation", "private"], vec!["-Urm", "--propagation", "private"]];
    ways.into_iter().find(|way| {
        let folder = tempfile::tempdir().unwrap();
        let tried =
            Command::new("unshare").args(way).args(["mount", "-t", "tmpfs", "none"]).arg(folder.path()).output();
        tried.is_ok_and(|output| output.status.success())
    })
}

#[test]
fn while_the_disk_is_full_nothing_is_accepted_and_afterwards_everything_goes_on_by_itself() {
    let Some(way) = apart() else {
        println!("skipped: no file system may be mounted here (unshare -m)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mount = folder.path().join("small");
    std::fs::create_dir(&mount).unwrap();
    let ran = Command::new("unshare")
        .args(way)
        .arg(std::env::current_exe().unwrap())
        .args(["full_disk::on_a_small_disk", "--exact", "--ignored", "--nocapture"])
        .env(MOUNT, &mount)
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "runs in a mount namespace, which the test above makes"]
fn on_a_small_disk() -> anyhow::Result<()> {
    let mount = PathBuf::from(std::env::var_os(MOUNT).context(MOUNT)?);
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=32m", "none"]).arg(&mount).status()?;
    ensure!(mounted.success(), "the small disk cannot be mounted");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let folder = tempfile::tempdir()?;
    runtime.block_on(visit(folder.path(), &mount)).map_err(|error| {
        let said = std::fs::read_to_string(folder.path().join("gateway.log")).unwrap_or_default();
        let warned = |line: &&str| line.contains("\"WARN\"") || line.contains("\"ERROR\"");
        let tail: Vec<&str> = said.lines().filter(warned).rev().take(10).collect();
        error.context(tail.into_iter().rev().collect::<Vec<_>>().join("\n"))
    })
}

/// A question that was asked, under its key.
struct Asked {
    key: String,
    text: String,
}

impl Asked {
    fn new(number: usize) -> Self {
        Self { key: uuid::Uuid::new_v4().to_string(), text: format!("Spørsmål nummer {number}") }
    }

    async fn send(&self, portal: &Portal) -> anyhow::Result<Reply> {
        portal.post("/v1/me/dialogs", &[], &inquiry(&self.text)).header("idempotency-key", &self.key).send().await
    }
}

/// What there is room for again in the end, in bytes: more than the log needs for all that was refused.
const GIVEN_BACK: usize = 12 * 1024 * 1024;

/// Fills what is left of a disk, to the last byte.
fn fill(file: &Path) -> anyhow::Result<()> {
    let mut filler = File::options().create(true).append(true).open(file)?;
    for piece in [64 * 1024, 4096, 1] {
        loop {
            match filler.write_all(&vec![b'x'; piece]) {
                Ok(()) => {}
                Err(why) if why.kind() == ErrorKind::StorageFull => break,
                Err(why) => return Err(why.into()),
            }
        }
    }
    Ok(())
}

/// How often the vendor has each text.
fn cases(house: &House) -> BTreeMap<String, usize> {
    let mut cases = BTreeMap::new();
    for case in house.helserespons.cases() {
        *cases.entry(case.text().to_owned()).or_default() += 1;
    }
    cases
}

/// What an operator and a probe see while nothing can be recorded.
async fn what_needs_no_record(house: &House, operator: &Portal, portal: &Portal) -> anyhow::Result<()> {
    for (path, status) in [
        ("/health/ready", StatusCode::SERVICE_UNAVAILABLE),
        ("/health/live", StatusCode::OK),
        ("/metrics", StatusCode::OK),
        ("/log/checkpoint", StatusCode::OK),
        ("/log/tile/entries/000", StatusCode::OK),
    ] {
        let reply = operator.get(path, &[]).answer().await?;
        ensure!(reply.status() == status, "{path}: {}", reply.status());
        ensure!(!reply.bytes().await?.is_empty(), "{path} is empty");
    }
    // Who comes only now, and has no nonce yet, is given one.
    let late = crate::visit::operator(house)?.get("/log/checkpoint", &[]).answer().await?;
    ensure!(late.status() == StatusCode::OK, "somebody new at the log: {}", late.status());
    for path in ["/v1/limits", "/v1/openapi.yaml"] {
        let reply = portal.get(path, &[]).answer().await?;
        ensure!(reply.status() == StatusCode::OK, "{path}: {}", reply.status());
    }
    // Reading what is a citizen's must leave a record too.
    let read = portal.get("/v1/me/practice", &[]).send().await?;
    refused(&read)?;
    ensure!(read.json["sent"] == "no", "{}", read.json);
    // What is public verifies beside the gateway.
    let keys = VerifierKeys::parse(&house.audit_key()?)?;
    let found = verify(&small(house)?, &keys, |_| {})?;
    ensure!(found.journal == JournalReport::InUse, "{found:?}");
    Ok(())
}

/// The audit log's folder.
fn small(house: &House) -> anyhow::Result<PathBuf> {
    let configured: Value = toml::from_str(&std::fs::read_to_string(house.folder().join("gateway.toml"))?)?;
    Ok(configured["audit"]["folder"].as_str().context("a folder")?.into())
}

/// Nothing was accepted: a problem without a receipt, as there is no record.
fn refused(reply: &Reply) -> anyhow::Result<()> {
    ensure!(reply.status == StatusCode::SERVICE_UNAVAILABLE, "{}: {}", reply.status, reply.json);
    ensure!(reply.json["type"] == ProblemType::Unavailable.uri().as_str(), "{}", reply.json);
    ensure!(reply.headers.contains_key("retry-after"), "{:?}", reply.headers);
    ensure!(!reply.headers.contains_key("audit-receipt"), "{:?}", reply.headers);
    Ok(())
}

async fn visit(folder: &Path, mount: &Path) -> anyhow::Result<()> {
    let at = mount.join("audit");
    let amend = move |config: &mut Value| {
        config["audit"]["folder"] = json!(at);
        config["audit"]["journal-segment-bytes"] = json!(131_072);
    };
    let plan = Plan { amend: Some(Arc::new(amend)), ..Plan::free(folder, Path::new(env!("CARGO_BIN_EXE_demo"))) };
    std::fs::write(mount.join("filler"), vec![b'x'; GIVEN_BACK])?;
    let mut house = House::open(plan).await?;
    let ended = stages(&mut house, &mount.join("filler")).await;
    if ended.is_err() {
        // Where it is stopped already there is nothing to kill.
        let _ = house.kill_gateway().await;
    }
    ended
}

async fn stages(house: &mut House, filler: &Path) -> anyhow::Result<()> {
    let (leila, operator) = (citizen(house, &LEILA)?, operator(house)?);
    // Enough for a full tile; and whoever asks has its nonce.
    let mut serial = 0;
    let mut done = Vec::new();
    while done.len() < 130 {
        let asked = Asked::new(serial);
        serial += 1;
        let reply = asked.send(&leila).await?;
        ensure!(reply.status == StatusCode::CREATED, "{}", reply.json);
        done.push(asked);
    }
    let until = Instant::now() + PATIENCE;
    while operator.get("/log/tile/entries/000", &[]).answer().await?.status() != StatusCode::OK {
        ensure!(Instant::now() < until, "there is no full tile");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    // What was set aside before is used up first, and so is what the log gives back meanwhile; then nothing is sent any
    // more, however many ask.
    let (mut in_doubt, mut in_a_row): (Vec<(Asked, String)>, usize) = (Vec::new(), 0);
    while in_a_row < 40 {
        ensure!(serial < 5000, "the disk is not full");
        fill(filler)?;
        let questions: Vec<Asked> = (serial..serial + 8).map(Asked::new).collect();
        serial += 8;
        let replies = futures_util::future::join_all(questions.iter().map(|asked| asked.send(&leila))).await;
        for (asked, reply) in questions.into_iter().zip(replies) {
            let reply = reply?;
            if reply.status == StatusCode::CREATED {
                done.push(asked);
                in_a_row = 0;
                continue;
            }
            refused(&reply)?;
            let sent = reply.text("/sent")?.to_owned();
            in_a_row = if sent == "no" { in_a_row + 1 } else { 0 };
            in_doubt.push((asked, sent));
        }
        if in_a_row >= 8 {
            what_needs_no_record(house, &operator, &leila).await?;
        }
    }
    // One that found no room when it had been sent was told so; nothing else was sent.
    let had = cases(house);
    for (asked, sent) in &in_doubt {
        let many = had.get(&asked.text).copied().unwrap_or(0);
        ensure!(matches!((sent.as_str(), many), ("no", 0) | ("yes", 1)), "{}: sent {sent}, {many} cases", asked.text);
    }
    let without_end = in_doubt.iter().filter(|(_, sent)| sent != "no").count();
    ensure!(without_end <= 8, "{without_end} were sent and could not be recorded");
    for asked in &done {
        ensure!(had.get(&asked.text) == Some(&1), "{} is done", asked.text);
    }

    // There is room again, and nobody asks: the gateway says by itself that it takes requests.
    std::fs::remove_file(filler)?;
    let begun = Instant::now();
    while operator.get("/health/ready", &[]).answer().await?.status() != StatusCode::OK {
        ensure!(begun.elapsed() < PATIENCE, "it does not get ready");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let ready = begun.elapsed();
    ensure!(ready < Duration::from_secs(10), "it took {ready:?}");
    // What was refused is asked again under its key, as the portal does it, and done once.
    for (asked, sent) in in_doubt {
        let reply = asked.send(&leila).await?;
        ensure!(reply.status == StatusCode::CREATED, "{}, sent {sent}: {} {}", asked.text, reply.status, reply.json);
        done.push(asked);
    }
    let had = cases(house);
    for asked in &done {
        ensure!(had.get(&asked.text) == Some(&1), "{}: {:?} cases", asked.text, had.get(&asked.text));
    }
    ensure!(had.len() == done.len(), "{} cases of {} questions", had.len(), done.len());

    house.stop_gateway().await?;
    whole(&small(house)?, &VerifierKeys::parse(&house.audit_key()?)?, done.len(), without_end)
}

/// The log verifies to its end, and what was begun has its end in it, but for what found no room for one.
fn whole(folder: &Path, keys: &VerifierKeys, done: usize, without_end: usize) -> anyhow::Result<()> {
    let report = verify(folder, keys, |_| {})?;
    ensure!(report.journal == JournalReport::Read { entries: 0, torn: None }, "{report:?}");
    let mut ends: BTreeMap<RequestId, Option<u16>> = BTreeMap::new();
    for entry in Reader::open(folder, keys)?.checked_entries(0..report.size)? {
        let record: Record = serde_json::from_slice(&entry?.data)?;
        if record.action != "dialog.open" {
            continue;
        }
        let Some(request) = record.request else { bail!("{record:?}") };
        match record.kind {
            RecordKind::Intent => {
                ends.entry(request).or_default();
            }
            RecordKind::Outcome => {
                ends.insert(request, record.outcome.and_then(|outcome| outcome.status));
            }
            _ => {}
        }
    }
    let open = ends.values().filter(|status| status.is_none()).count();
    ensure!(open <= without_end, "{open} have no end");
    // Whoever asked again under the key left a record of having been told.
    let created = ends.values().filter(|status| **status == Some(201)).count();
    ensure!(created == done, "{created} of {done}");
    Ok(())
}
