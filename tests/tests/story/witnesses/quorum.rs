//! A whole gateway with three witnesses, of which two must sign: one dies, one lies, publication stops and comes back.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use dialog_audit::{Policy, Reader, VerifierKeys, generate_key, verify};
use dialog_contract::{
    audit::{Record, RecordKind},
    problem::ProblemType,
};
use dialog_tests::{
    house::{House, Plan},
    sim::world::KARI,
    witness::{Kind, Manner, Witness},
};
use http::StatusCode;
use serde_json::json;

use crate::visit::{citizen, operator};

const ORIGIN: &str = "dialog.example.test/node-1";

/// Longer than anything takes that is not broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until something holds: what is waited for happens in another process, at its own pace.
async fn until(what: &str, mut holds: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let waited = async {
        while !holds()? {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, waited).await.with_context(|| what.to_owned()).flatten()
}

/// Size of the public checkpoint, which counts under the policy whenever one looks.
fn published(folder: &Path, policy: &Policy) -> anyhow::Result<u64> {
    let note = std::fs::read(folder.join("checkpoint"))?;
    match policy.verify(&note) {
        Ok(checkpoint) => Ok(checkpoint.size),
        // The empty tree is public without anybody's leave.
        Err(error) => {
            ensure!(dialog_audit::SignedCheckpoint::unverified(&note)?.size == 0, "{error}");
            Ok(0)
        }
    }
}

async fn visit(folder: &Path) -> anyhow::Result<()> {
    let key = generate_key(ORIGIN)?;
    std::fs::write(folder.join("audit.key"), key.private.as_bytes())?;
    let mut witnesses = Vec::new();
    let mut text = format!("log {}\n", key.verifier);
    for (name, kind) in [("anna", Kind::Ed25519), ("berit", Kind::MlDsa44), ("cato", Kind::Ed25519)] {
        let memory = folder.join(name);
        let witness = Witness::start(&memory, &format!("{name}.witness.test"), kind, &[&key.verifier]).await?;
        text += &format!("witness {name} {} {}\n", witness.vkey, witness.url);
        witnesses.push(witness);
    }
    text += "group two-of-three 2 anna berit cato\nquorum two-of-three\n";
    std::fs::write(folder.join("witnesses.policy"), &text)?;
    let policy = Policy::parse(text.as_bytes())?;
    let amend = |config: &mut serde_json::Value| {
        config["audit"]["policy"] = json!("witnesses.policy");
        config["audit"]["witness-every-seconds"] = json!(1);
    };
    let plan = Plan { amend: Some(Arc::new(amend)), ..Plan::free(folder, Path::new(env!("CARGO_BIN_EXE_demo"))) };
    let mut house = House::open(plan).await?;
    let ended = stages(&mut house, &policy, &mut witnesses).await;
    if ended.is_err() {
        // Where it is stopped already there is nothing to kill.
        let _ = house.kill_gateway().await;
        return ended;
    }

    // What is left is verified by the policy alone, as an auditor would.
    let keys = policy.keys()?;
    let size = published(&house.audit(), &policy)?;
    let report = verify(&house.audit(), &keys, |_| {})?;
    ensure!(report.size == size && report.unsigned_tiles == 0, "the log is public to its end: {report:?}");
    let of_witnesses = |record: &Record| record.kind == RecordKind::Witness;
    let records = Reader::open(&house.audit(), &keys)?
        .entries(0..size)
        .map(|entry| Ok(serde_json::from_slice::<Record>(&entry?.data)?))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let said: Vec<_> = records.iter().filter(|record| of_witnesses(record)).map(|record| &record.details).collect();
    let says = |name: &str, value: &str| {
        said.iter().filter(|details| details.get(name).is_some_and(|one| one == value)).count()
    };
    // Once before the kill, and once after it.
    ensure!(says("quorum", "lost") == 2 && says("quorum", "back") == 1, "{said:?}");
    ensure!(says("says", "ahead") == 2 && says("witness", "berit") == 2, "{said:?}");
    ensure!(records.last().is_some_and(|record| record.kind == RecordKind::Stop), "the last record is the stop's");
    Ok(())
}

async fn stages(house: &mut House, policy: &Policy, witnesses: &mut [Witness]) -> anyhow::Result<()> {
    let folder = house.audit();
    let kari = citizen(house, &KARI)?;
    kari.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?;
    until("the log is published", || Ok(published(&folder, policy)? >= 5)).await?;

    // One dies, one lies: one alone is not enough, and Kari notices nothing.
    witnesses[0].die().await?;
    witnesses[1].behave(Manner::Claims(1_000_000));
    let before = published(&folder, policy)?;
    for _ in 0..5 {
        kari.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?;
    }
    let log = house.log();
    until("the gateway says that nothing is published", || {
        Ok(std::fs::read_to_string(&log)?.contains("too few witnesses sign the audit log"))
    })
    .await?;
    // A submission that was under way when they turned may still have been signed by both.
    let stands = published(&folder, policy)?;
    ensure!(stands <= before + 5, "{stands} after {before}");
    kari.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?;
    let served = operator(house)?.get("/log/checkpoint", &[]).answer().await?.text().await?;
    ensure!(served.starts_with(&format!("{ORIGIN}\n{stands}\n")), "{served}");

    // What was done is recorded, and its proof has to wait.
    let done = kari.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?;
    let index = done.record()?.to_string();
    let index = index.as_str();
    let waits = kari.get("/v1/me/receipts/{index}", &[index]).refused(ProblemType::Unavailable).await?;
    ensure!(waits.headers.get("retry-after").is_some_and(|after| after == "5"), "{:?}", waits.headers);
    ensure!(waits.text("/detail")?.starts_with("Loggen er ikke klar"), "{}", waits.json);
    let told = kari.get("/v1/me/access-log", &[]).expect(StatusCode::OK).await?;
    ensure!(told.bytes.windows(index.len()).any(|part| part == index.as_bytes()), "the log is told of all the same");

    // It is killed meanwhile, and what was published stays published.
    house.kill_gateway().await?;
    ensure!(published(&folder, policy)? == stands);
    house.start_gateway().await?;
    ensure!(published(&folder, policy)? == stands);
    until("it says so again", || {
        let said = std::fs::read_to_string(&log)?;
        Ok(said.matches("too few witnesses sign the audit log").count() >= 2)
    })
    .await?;

    // The dead one lives again, with what it had on disk; the liar goes on lying.
    witnesses[0].live()?;
    until("the log is published again", || Ok(published(&folder, policy)? >= stands + 7)).await?;
    let kari = kari.at(house.gateway()?.portal.clone());
    kari.get("/v1/me/receipts/{index}", &[index]).expect(StatusCode::OK).await?;
    let knows = witnesses[0].knows(ORIGIN)?.context("it has signed")?;
    ensure!(knows >= stands + 7, "{knows}");
    house.stop_gateway().await
}

#[test]
fn one_of_three_witnesses_dies_and_one_lies_and_publication_stops_and_returns() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let folder = tempfile::tempdir()?;
    runtime.block_on(visit(folder.path())).map_err(|error| {
        let said = std::fs::read_to_string(folder.path().join("gateway.log")).unwrap_or_default();
        let warned = |line: &&str| line.contains("\"WARN\"") || line.contains("\"ERROR\"");
        let tail: Vec<&str> = said.lines().filter(warned).rev().take(20).collect();
        error.context(tail.into_iter().rev().collect::<Vec<_>>().join("\n"))
    })
}

#[test]
fn a_key_of_another_kind_signs_beside_the_first_and_either_verifies() -> anyhow::Result<()> {
    let pair = dialog_audit::generate_key_of(ORIGIN, dialog_audit::KeyKind::MlDsa44)?;
    let first = generate_key(ORIGIN)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().to_owned();
    runtime.block_on(async {
        std::fs::write(path.join("audit.key"), first.private.as_bytes())?;
        std::fs::write(path.join("second.key"), pair.private.as_bytes())?;
        let mut house = House::open(Plan::free(&path, Path::new(env!("CARGO_BIN_EXE_demo")))).await?;
        house.stop_gateway().await?;
        house.amend(|config| config["audit"]["also-signed-by"] = json!([{ "file": "second.key" }]));
        house.start_gateway().await?;
        house.stop_gateway().await?;
        for key in [&first, &pair] {
            let keys = VerifierKeys::parse(&key.verifier)?;
            let size = verify(&house.audit(), &keys, |_| {})?.size;
            let changes = Reader::open(&house.audit(), &keys)?
                .entries(0..size)
                .map(|entry| Ok(serde_json::from_slice::<Record>(&entry?.data)?))
                .filter(|record| record.as_ref().is_ok_and(|record: &Record| record.kind == RecordKind::KeyUse))
                .collect::<anyhow::Result<Vec<_>>>()?;
            ensure!(changes.len() == 1 && changes[0].details["added.0"] == pair.verifier, "{changes:?}");
        }

        Ok(())
    })
}
