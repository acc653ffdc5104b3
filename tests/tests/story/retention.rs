//! What is in the audit log's records goes when its time has come, and the log goes on verifying.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use dialog_audit::{Log, LogConfig, Reader, SigningKey, VerifierKeys, verify};
use dialog_contract::{
    access_log::AccessLogPage,
    audit::{Record, RecordKind},
};
use dialog_tests::{house::House, sim::world::KARI};
use http::StatusCode;
use serde_json::json;

use crate::visit::{alone, citizen, operator};

/// Longer than anything takes that is not broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// Puts a log in the place of the house's, which begins with what Kari did years ago, 700 times.
async fn age(house: &House) -> anyhow::Result<()> {
    let (dir, key) = (house.audit(), std::fs::read_to_string(house.folder().join("audit.key"))?);
    let keys = VerifierKeys::parse(&house.audit_key()?)?;
    let did = Reader::open(&dir, &keys)?.entries(0..u64::MAX).find_map(|entry| {
        let record: Record = serde_json::from_slice(&entry.ok()?.data).ok()?;
        (record.action == "practice.read").then_some(record)
    });
    let mut record = did.context("what Kari did")?;
    record.time = "2020-01-02T03:04:05Z".parse()?;
    std::fs::remove_dir_all(&dir)?;
    std::fs::remove_dir_all(house.folder().join("data/audit-index")).ok();
    let log = Log::open(LogConfig::new(&dir, SigningKey::parse(&key)?))?;
    for _ in 0..7 {
        let entry = serde_json::to_vec(&record)?;
        let appended = futures_util::future::try_join_all((0..100).map(|_| log.append(entry.clone())));
        ensure!(appended.await?.len() == 100);
    }
    Ok(log.close().await?)
}

#[test]
fn what_is_past_its_time_goes_and_the_log_goes_on_verifying() -> anyhow::Result<()> {
    alone(async |house| {
        citizen(house, &KARI)?.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?;
        house.stop_gateway().await?;
        age(house).await?;
        house.amend(|config| config["audit"]["keep-records-days"] = json!(30));
        house.start_gateway().await?;

        // It looks at its start. What was there is provable until then, and nobody's after.
        let kari = citizen(house, &KARI)?;
        let begun = Instant::now();
        loop {
            let reply = kari.get("/v1/me/receipts/{index}", &["5"]).send().await?;
            if reply.status == StatusCode::NOT_FOUND {
                break;
            }
            ensure!(begun.elapsed() < PATIENCE, "it is still there: {}", reply.status);
        }
        let said = operator(house)?.get("/log/removed", &[]).answer().await?.text().await?;
        let (to, at) = said.trim_end().split_once(' ').context("two numbers")?;
        ensure!(to == "512", "{said}");
        // What is young enough is there, and Kari is told of it.
        let kept = kari.get("/v1/me/receipts/{index}", &["600"]).expect(StatusCode::OK).await?;
        dialog_audit::Proof::parse(std::str::from_utf8(&kept.bytes)?)?
            .verify(None, &VerifierKeys::parse(&house.audit_key()?)?)?;
        let told = kari.get("/v1/me/access-log", &[]).query("to=2021-01-01T00:00:00Z&limit=100");
        let mut oldest: AccessLogPage = serde_json::from_value(told.expect(StatusCode::OK).await?.json)?;
        while let Some(next) = oldest.next {
            let call =
                kari.get("/v1/me/access-log", &[]).query(&format!("to=2021-01-01T00:00:00Z&limit=100&cursor={next}"));
            oldest = serde_json::from_value(call.expect(StatusCode::OK).await?.json)?;
        }
        ensure!(oldest.items.last().is_some_and(|entry| entry.receipt == 512), "{:?}", oldest.items.last());

        house.stop_gateway().await?;
        let keys = VerifierKeys::parse(&house.audit_key()?)?;
        let removal = verify(&house.audit(), &keys, |_| {})?.removed.context("what was removed")?;
        ensure!((removal.to, removal.record.to_string().as_str()) == (512, at), "{removal:?}");
        ensure!(removal.details["days"] == "30" && removal.details["from"] == "0", "{removal:?}");
        let entry = Reader::open(&house.audit(), &keys)?.proof(removal.record)?.extra.context("the record")?;
        let record: Record = serde_json::from_slice(&entry)?;
        ensure!((record.kind, record.action.as_str()) == (RecordKind::Retention, "log.prune"), "{record:?}");
        ensure!(!house.audit().join("tile/entries/000").exists() && house.audit().join("tile/0/000").exists());
        Ok(())
    })
}
