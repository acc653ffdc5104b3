//! An audit log ends and another goes on: people are told of both, in one list, and each receipt is proven by its own log.
//! The old log's folder is moved away and comes back: what is known is told, and what is not is said.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use dialog_audit::{KeyPair, Proof, VerifierKeys, generate_key};
use dialog_contract::{
    access_log::{AccessLogEntry, AccessLogPage},
    audit::Record,
    problem::ProblemType,
};
use dialog_gateway::{config::Config, log};
use dialog_tests::{
    house::{House, portal::Portal},
    sim::world::{KARI, LEILA},
};
use http::StatusCode;
use serde_json::json;

use crate::visit::{alone, citizen, inquiry};

const FIRST: &str = "dialog.example.test/node-1";
const SECOND: &str = "dialog.example.test/node-1-2026";
const RECEIPT: &str = "/v1/me/receipts/{index}";

/// Longer than anything takes that is not broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// All of a citizen's list, page by page, and the logs that it misses.
struct List {
    entries: Vec<AccessLogEntry>,
    missing: Vec<String>,
}

impl List {
    /// Reads it; where a page has to be waited for, it is.
    async fn read(portal: &Portal, filter: &str) -> anyhow::Result<Self> {
        let (mut list, mut cursor, begun) =
            (Self { entries: Vec::new(), missing: Vec::new() }, String::new(), Instant::now());
        loop {
            let call = portal.get("/v1/me/access-log", &[]).query(&format!("limit=3{filter}{cursor}"));
            let reply = call.header("accept-language", "en").send().await?;
            if reply.status == StatusCode::SERVICE_UNAVAILABLE {
                ensure!(reply.text("/detail")?.contains("not ready to be read yet"), "{}", reply.json);
                ensure!(begun.elapsed() < PATIENCE, "an index is not made");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
            ensure!(reply.status == StatusCode::OK, "{}", reply.json);
            let page: AccessLogPage = serde_json::from_value(reply.json)?;
            ensure!(page.items.len() <= 3);
            ensure!(page.missing.iter().all(|log| log.text.contains("older log that is not available")), "{page:?}");
            list.entries.extend(page.items);
            list.missing.extend(page.missing.into_iter().map(|log| log.origin));
            match page.next {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(list),
            }
        }
    }

    fn of(&self, origin: &str) -> Vec<&AccessLogEntry> {
        self.entries.iter().filter(|entry| entry.origin == origin).collect()
    }
}

/// Asks for the proof of an entry, as often as it is not published yet.
async fn proven(portal: &Portal, entry: &AccessLogEntry, key: &str) -> anyhow::Result<Record> {
    let (index, begun) = (entry.receipt.to_string(), Instant::now());
    let reply = loop {
        let call = portal.get(RECEIPT, &[&index]).query(&format!("origin={}", entry.origin));
        let reply = call.send().await?;
        if reply.status != StatusCode::SERVICE_UNAVAILABLE || begun.elapsed() > PATIENCE {
            break reply;
        }
    };
    ensure!(reply.status == StatusCode::OK, "{entry:?}: {}", reply.json);
    let proof = Proof::parse(std::str::from_utf8(&reply.bytes)?)?;
    let proven = proof.verify(None, &VerifierKeys::parse(key)?).with_context(|| format!("{entry:?}"))?;
    ensure!(proven.index == entry.receipt, "another record");
    let record: Record = serde_json::from_slice(&proven.entry)?;
    ensure!(record.time == entry.time, "{record:?}");
    Ok(record)
}

/// Waits until a record of the present log is public: then it is in the list too.
async fn told(portal: &Portal, index: u64) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let reply = portal.get(RECEIPT, &[&index.to_string()]).send().await?;
        if reply.status == StatusCode::OK {
            return Ok(());
        }
        ensure!(reply.status == StatusCode::SERVICE_UNAVAILABLE && begun.elapsed() < PATIENCE, "{}", reply.json);
    }
}

/// Ends the log of a gateway that is stopped, and has another go on.
async fn succeed(house: &mut House) -> anyhow::Result<KeyPair> {
    let pair = generate_key(SECOND)?;
    std::fs::write(house.folder().join("next.key"), pair.private.as_bytes())?;
    let config = Config::read(&house.folder().join("gateway.toml"))?;
    let mut said = Vec::new();
    log::seal(&config, &pair.verifier, &mut said).await?;
    ensure!(String::from_utf8(said)?.starts_with(&format!("sealed {FIRST} ")));
    let before = house.audit_key()?;
    house.amend(move |config| {
        config["audit"] = json!({
            "key": { "file": "next.key" },
            "folder": "data/audit-2",
            "predecessors": [{ "folder": "data/audit", "vkey": before }],
        });
    });
    Ok(pair)
}

fn away(house: &House) -> PathBuf {
    house.folder().join("data/moved-away")
}

#[test]
fn one_list_goes_through_the_log_that_ended_and_each_receipt_is_proven_by_its_own() -> anyhow::Result<()> {
    alone(async |house| {
        let kari = citizen(house, &KARI)?;
        let opened = kari.post("/v1/me/dialogs", &[], &inquiry("Når åpner dere?")).expect(StatusCode::CREATED).await?;
        let (dialog, of_old) = (opened.text("/id")?.to_owned(), opened.record()?);
        let leilas = citizen(house, &LEILA)?.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?.record()?;
        house.stop_gateway().await?;
        let next = succeed(house).await?;
        house.start_gateway().await?;

        let kari = citizen(house, &KARI)?;
        kari.get("/v1/me/dialogs/{dialog}", &[&dialog]).expect(StatusCode::OK).await?;
        let read = kari.post("/v1/me/dialogs", &[], &inquiry("Og på lørdag?")).expect(StatusCode::CREATED).await?;
        let receipt = read.headers.get("audit-receipt").context("a receipt")?.to_str()?;
        ensure!(receipt == format!("{SECOND} {}", read.record()?), "{receipt}");
        let (old, new) = (house.audit_key()?, next.verifier);
        told(&kari, read.record()?).await?;

        let list = List::read(&kari, "").await?;
        ensure!(list.missing.is_empty(), "{:?}", list.missing);
        ensure!(list.entries.is_sorted_by(|one, next| one.time >= next.time), "{:?}", list.entries);
        ensure!(!list.of(FIRST).is_empty() && list.of(SECOND).len() >= 2, "{:?}", list.entries);
        ensure!(list.entries.is_sorted_by_key(|entry| entry.origin == FIRST), "the newer log first");
        for (origin, own, others) in [(FIRST, &old, &new), (SECOND, &new, &old)] {
            ensure!(list.of(origin).is_sorted_by(|one, next| one.receipt > next.receipt), "each once");
            for entry in list.of(origin) {
                proven(&kari, entry, own).await?;
                ensure!(proven(&kari, entry, others).await.is_err(), "by the key of another log");
            }
        }
        let mine = list.of(FIRST).into_iter().find(|entry| entry.receipt == of_old).context("what she did before")?;
        ensure!(mine.text == "You opened a conversation with the office.", "{mine:?}");
        ensure!(proven(&kari, mine, &old).await?.action == "dialog.open");

        // Filters go through both.
        let changes = List::read(&kari, "&what=change").await?.entries;
        let origins: Vec<&str> = changes.iter().map(|entry| entry.origin.as_str()).collect();
        ensure!(origins.contains(&FIRST) && origins.contains(&SECOND), "{changes:?}");
        ensure!(changes.iter().all(|entry| entry.text.contains("opened a conversation")), "{changes:?}");
        let until = List::read(&kari, &format!("&to={}", list.of(SECOND).last().context("one")?.time)).await?;
        ensure!(until.entries == list.of(FIRST).into_iter().cloned().collect::<Vec<_>>(), "{:?}", until.entries);

        // Without its log's name an index is one of the present log; nobody else's is anybody's, in either.
        let receipt = |index: u64| kari.get(RECEIPT, &[&index.to_string()]);
        receipt(leilas).query(&format!("origin={FIRST}")).refused(ProblemType::NotFound).await?;
        let unknown = receipt(of_old).query("origin=elsewhere.test/log").header("accept-language", "en");
        ensure!(unknown.refused(ProblemType::NotFound).await?.text("/detail")? == "We know no log of that name.");
        for query in ["origin=", "origin=a%0Ab", "orgin=x"] {
            receipt(of_old).query(query).refused(ProblemType::Malformed).await?;
        }

        // Thrown away, the indexes are made anew.
        house.stop_gateway().await?;
        std::fs::remove_dir_all(house.folder().join("data/audit-index")).ok();
        house.start_gateway().await?;
        let anew = List::read(&citizen(house, &KARI)?, "").await?;
        ensure!(anew.of(FIRST) == list.of(FIRST) && anew.missing.is_empty(), "{:?}", anew.entries);
        Ok(())
    })
}

#[test]
fn a_log_that_was_moved_away_is_said_to_be_missing_until_it_is_back() -> anyhow::Result<()> {
    alone(async |house| {
        let acted = citizen(house, &KARI)?.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?.record()?;
        house.stop_gateway().await?;
        succeed(house).await?;
        house.start_gateway().await?;
        let kari = citizen(house, &KARI)?;
        let whole = List::read(&kari, "").await?;
        ensure!(whole.of(FIRST).iter().any(|entry| entry.receipt == acted), "{:?}", whole.entries);

        // While the gateway runs, and when it starts.
        std::fs::rename(house.audit(), away(house))?;
        let missed = async |portal: &Portal| -> anyhow::Result<()> {
            told(portal, portal.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?.record()?).await?;
            let list = List::read(portal, "").await?;
            ensure!(list.missing == [FIRST] && list.of(FIRST).is_empty(), "{:?}", list.missing);
            ensure!(!list.of(SECOND).is_empty(), "what is known is told");
            let call = portal.get(RECEIPT, &[&acted.to_string()]).query(&format!("origin={FIRST}"));
            let refused = call.header("accept-language", "en").refused(ProblemType::Unavailable).await?;
            ensure!(refused.text("/detail")?.starts_with("This is in an older log"), "{}", refused.json);
            Ok(())
        };
        missed(&kari).await?;
        house.stop_gateway().await?;
        house.start_gateway().await?;
        let kari = citizen(house, &KARI)?;
        missed(&kari).await?;

        // It comes back, and is found.
        std::fs::rename(away(house), house.audit())?;
        let begun = Instant::now();
        while List::read(&kari, "").await?.of(FIRST) != whole.of(FIRST) {
            ensure!(begun.elapsed() < PATIENCE, "it is not found");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }

        // The operator no longer names it: the log that goes on does.
        house.stop_gateway().await?;
        house.amend(|config| {
            config["audit"] = json!({ "key": { "file": "next.key" }, "folder": "data/audit-2" });
        });
        house.start_gateway().await?;
        missed(&citizen(house, &KARI)?).await
    })
}
