#![allow(clippy::unwrap_used, reason = "a failing test panics")]

use dialog_audit::{
    KeyPair, LogConfig, SigningKey, VerifierKey, VerifierKeys, disk::UnsyncedDisk, generate_key, seal::Successor,
};
use dialog_contract::{
    action::Action,
    audit::{Actor, ActorRole, RecordKind},
};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use tempfile::TempDir;

use super::*;

/// Entries of a log with one finished segment in its index, and some more.
const ENTRIES: usize = (1 << 16) + 4;

fn config(folder: &TempDir, key: &KeyPair, name: &str) -> LogConfig {
    let signer = SigningKey::parse(&key.private).unwrap();
    LogConfig { disk: Arc::new(UnsyncedDisk), ..LogConfig::new(folder.path().join(name), signer) }
}

fn keys(key: &KeyPair) -> VerifierKeys {
    VerifierKeys::parse(&key.verifier).unwrap()
}

fn person(at: usize) -> String {
    format!("person-{}", at % 20_000)
}

fn entry(at: usize) -> Vec<u8> {
    let actor =
        Actor { role: ActorRole::Citizen, client: "portal".to_owned(), person: Some(person(at)), level: Some(4) };
    serde_json::to_vec(&Record::new(Timestamp::UNIX_EPOCH, RecordKind::Outcome, Action::PracticeRead, actor)).unwrap()
}

/// A sealed log of records in `old`, and what its successor knows of it.
async fn ended(folder: &TempDir) -> EarlierLog {
    let [first, next] = ["gateway.test/first", "gateway.test/second"].map(|name| generate_key(name).unwrap());
    let log = Log::open(config(folder, &first, "old")).unwrap();
    for start in (0..ENTRIES).step_by(2_000) {
        try_join_all((start..ENTRIES.min(start + 2_000)).map(|at| log.append(entry(at)))).await.unwrap();
    }
    let details = Successor::of(&VerifierKey::parse(&next.verifier).unwrap()).details();
    log.append(serde_json::json!({ "kind": "sealed", "details": details }).to_string()).await.unwrap();
    log.close().await.unwrap();
    let folder = folder.path().join("old");
    EarlierLog { origin: "gateway.test/first".to_owned(), folder, keys: keys(&first), next: keys(&next) }
}

/// Where the person's records stand, newest first, by the log itself: of appends side by side one may overtake another.
fn standing(log: &EarlierLog) -> Vec<u64> {
    let reader = dialog_audit::Reader::open(&log.folder, &log.keys).unwrap();
    let mut found = Vec::new();
    for entry in reader.entries(0..u64::MAX).map(Result::unwrap) {
        let record: serde_json::Value = serde_json::from_slice(&entry.data).unwrap();
        if record["actor"]["person"] == "person-3" {
            found.insert(0, entry.index);
        }
    }
    found
}

fn of_person(earlier: &Earlier) -> Result<Vec<u64>, TrailsError> {
    let found = earlier.ask(|known| known.of_person("person-3", None, 100))?;
    Ok(found.into_iter().map(|placed| placed.index).collect())
}

#[tokio::test]
async fn the_index_of_a_log_that_ended_is_made_once_and_anew_when_it_was_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    let log = ended(&folder).await;
    let segment = folder.path().join("index/00000000.seg");
    let opened = || Earlier::new(log.clone(), folder.path().join("index"));
    let made = || fs::metadata(&segment).unwrap().modified().unwrap();
    let expected = standing(&log);
    assert_eq!(expected.len(), 4);

    let first = opened();
    assert!(matches!(of_person(&first), Err(TrailsError::NotYet(_))), "nobody has looked at it");
    first.look();
    assert_eq!(of_person(&first).unwrap(), expected);
    let at_first = made();
    let second = opened();
    second.look();
    assert_eq!((of_person(&second).unwrap(), made()), (expected.clone(), at_first));
    fs::remove_file(&segment).unwrap();
    let third = opened();
    third.look();
    assert_eq!(of_person(&third).unwrap(), expected);
    assert!(segment.exists());
}

#[tokio::test]
async fn a_log_that_is_away_is_found_when_it_is_back_and_another_in_its_place_is_not_taken_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = ended(&folder).await;
    let (place, away) = (log.folder.clone(), folder.path().join("away"));
    let earlier = Earlier::new(log, folder.path().join("index"));
    fs::rename(&place, &away).unwrap();
    earlier.look();
    assert!(matches!(of_person(&earlier), Err(TrailsError::Unreadable(_))));
    fs::rename(&away, &place).unwrap();
    earlier.look();
    assert_eq!(of_person(&earlier).unwrap().len(), 4);

    // Moved away while it is known: seen by who asks for what is in it.
    fs::rename(&place, &away).unwrap();
    assert!(matches!(of_person(&earlier), Err(TrailsError::Unreadable(_))));
    let stranger = Log::open(config(&folder, &generate_key("gateway.test/first").unwrap(), "old")).unwrap();
    stranger.append(entry(3)).await.unwrap();
    stranger.close().await.unwrap();
    earlier.look();
    assert!(matches!(of_person(&earlier), Err(TrailsError::Unreadable(_))), "by another key");
}

#[tokio::test]
async fn an_index_that_an_older_version_left_is_deleted_and_those_of_the_logs_stay() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(config(&folder, &generate_key("gateway.test/one").unwrap(), "log")).unwrap();
    let indexes = folder.path().join("audit-index");
    let trails = AuditTrails::new(log, "gateway.test/one".to_owned(), Vec::new(), &indexes);
    let own = trails.folder.join("00000000.seg");
    fs::create_dir_all(&*trails.folder).unwrap();
    for file in [&indexes.join("00000000.seg"), &own] {
        fs::write(file, b"").unwrap();
    }
    trails.leave_no_other().unwrap();
    assert!(own.exists() && !indexes.join("00000000.seg").exists());
}
