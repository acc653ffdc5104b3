#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use dialog_contract::{ids::NationalIdentityNumber, schema::Resource};
use dialog_core::ports::{
    directory::Directory as _,
    store::{Entry, Revision, Versioned},
};
use dialog_store::memory::MemoryStore;
use serde_json::json;

use super::*;
use crate::directory::{file, lookup::StoredDirectory};

/// Two citizens, as valid as numbers get.
const KARI: &str = "14838541241";
const OLA: &str = "02917130593";

fn directory(citizens: &[&str]) -> file::Loaded {
    let mut office = Resource::Office.schema()["examples"][0].clone();
    office["services"] = json!([]);
    let gp = office["practitioners"][0]["clinician"]["hprNumber"].clone();
    let text = json!({
        "providers": [{ "id": "example", "name": "Example AS", "kind": "commercial" }],
        "offices": [office],
        "agreements": [{ "office": 8_150_110, "service": "inquiry", "plugin": "example", "enabled": true }],
        "citizens": citizens.iter().map(|number| json!({
            "nationalIdentityNumber": number, "givenName": "A", "familyName": "B", "generalPractitioner": gp,
            "office": 8_150_110,
        })).collect::<Vec<_>>(),
    })
    .to_string();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file::read(file.path()).unwrap()
}

fn pseudonyms() -> Pseudonyms {
    Pseudonyms::new(&[7; 32]).unwrap()
}

/// A store whose process dies at a commit.
struct Dying {
    store: Arc<MemoryStore>,
    left: AtomicUsize,
}

#[async_trait]
impl Store for Dying {
    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        self.store.get(key).await
    }

    async fn scan(&self, range: Range) -> Result<Vec<Entry>, StoreError> {
        self.store.scan(range).await
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map_err(|_| StoreError::Unavailable("the process died".to_owned()))?;
        self.store.commit(batch).await
    }
}

async fn load_into(store: &dyn Store, loaded: &file::Loaded) -> Result<bool, StoreError> {
    load(store, &pseudonyms(), &loaded.directory, loaded.sha256.clone()).await
}

/// Which of the two the directory knows; read as the gateway does, anew.
async fn knows(store: &Arc<MemoryStore>) -> (bool, bool) {
    let directory = StoredDirectory::open(Arc::<MemoryStore>::clone(store), Arc::new(pseudonyms())).await.unwrap();
    let mut known = Vec::new();
    for number in [KARI, OLA] {
        let number: NationalIdentityNumber = number.parse().unwrap();
        known.push(directory.assignment(&number).await.unwrap().is_some());
    }
    (known[0], known[1])
}

async fn entries(store: &MemoryStore) -> usize {
    let all = Range { from: vec![0].into(), until: None, limit: 10_000, reverse: false };
    store.scan(all).await.unwrap().len()
}

#[tokio::test]
async fn a_changed_file_replaces_all_and_leaves_nothing_of_who_is_gone() {
    let store = Arc::new(MemoryStore::new());
    assert!(load_into(store.as_ref(), &directory(&[KARI])).await.unwrap());
    assert_eq!(knows(&store).await, (true, false));
    let before = entries(&store).await;
    assert!(load_into(store.as_ref(), &directory(&[OLA])).await.unwrap());
    assert_eq!(knows(&store).await, (false, true));
    settle(store.as_ref()).await.unwrap();
    assert_eq!(entries(&store).await, before);
}

#[tokio::test]
async fn the_same_file_is_not_loaded_twice() {
    let store = Arc::new(MemoryStore::new());
    assert!(load_into(store.as_ref(), &directory(&[KARI])).await.unwrap());
    let dead = Dying { store: Arc::clone(&store), left: AtomicUsize::new(0) };
    assert!(!load_into(&dead, &directory(&[KARI])).await.unwrap());
}

#[tokio::test]
async fn a_crash_at_any_moment_of_a_load_leaves_one_directory_whole_and_the_next_start_mends_the_rest() {
    let clean = Arc::new(MemoryStore::new());
    load_into(clean.as_ref(), &directory(&[OLA])).await.unwrap();
    let size = entries(&clean).await;
    for commits in 0.. {
        let store = Arc::new(MemoryStore::new());
        load_into(store.as_ref(), &directory(&[KARI])).await.unwrap();
        let dying = Dying { store: Arc::clone(&store), left: AtomicUsize::new(commits) };
        let ended = load_into(&dying, &directory(&[OLA])).await;
        let known = knows(&store).await;
        assert!(matches!(known, (true, false) | (false, true)), "after {commits} commits: {known:?}");
        // The next start has the new file.
        load_into(store.as_ref(), &directory(&[OLA])).await.unwrap();
        assert_eq!(knows(&store).await, (false, true));
        settle(store.as_ref()).await.unwrap();
        assert_eq!(entries(&store).await, size, "after {commits} commits");
        if ended.is_ok() {
            assert!(commits >= 2, "a load is more than one commit");
            break;
        }
    }
}

/// Kari and Ola, and which of them is digitally active.
fn active(kari: bool, ola: bool) -> file::Loaded {
    let mut loaded = directory(&[KARI, OLA]);
    for (citizen, active) in loaded.directory.citizens.iter_mut().zip([kari, ola]) {
        citizen.entry.digitally_active = active;
    }
    loaded.sha256 = format!("{kari} {ola}");
    loaded
}

async fn told(store: &dyn Store, loaded: &file::Loaded) -> Vec<(String, bool)> {
    let changed = changed(store, &pseudonyms(), &loaded.directory).await.unwrap();
    changed.into_iter().map(|(number, active)| (number.expose().to_owned(), active)).collect()
}

#[tokio::test]
async fn what_changed_is_told_until_it_is_settled_whatever_happens_in_between() {
    let store = Arc::new(MemoryStore::new());
    let first = active(true, true);
    load_into(store.as_ref(), &first).await.unwrap();
    assert_eq!(told(store.as_ref(), &first).await, [], "nobody was told anything before");
    let second = active(false, true);
    load_into(store.as_ref(), &second).await.unwrap();
    let kari = (KARI.to_owned(), false);
    assert_eq!(told(store.as_ref(), &second).await, std::slice::from_ref(&kari));
    // A restart before it was told; then one with yet another file.
    load_into(store.as_ref(), &second).await.unwrap();
    assert_eq!(told(store.as_ref(), &second).await, std::slice::from_ref(&kari));
    let third = active(false, false);
    load_into(store.as_ref(), &third).await.unwrap();
    assert_eq!(told(store.as_ref(), &third).await, [kari, (OLA.to_owned(), false)]);
    settle(store.as_ref()).await.unwrap();
    assert_eq!(told(store.as_ref(), &third).await, []);
    load_into(store.as_ref(), &third).await.unwrap();
    assert_eq!(told(store.as_ref(), &third).await, []);
}

#[tokio::test]
async fn people_stand_under_pseudonyms() {
    let store = Arc::new(MemoryStore::new());
    load_into(store.as_ref(), &directory(&[KARI])).await.unwrap();
    let all = Range { from: vec![0].into(), until: None, limit: 10_000, reverse: false };
    for entry in store.scan(all).await.unwrap() {
        let whole = [entry.key.as_ref(), entry.versioned.value.as_ref()].concat();
        assert!(!whole.windows(KARI.len()).any(|part| part == KARI.as_bytes()));
    }
}

#[tokio::test]
async fn a_providers_agreements_are_found_however_many_offices_it_has() {
    let loaded = directory(&[KARI]);
    let agreement = loaded.directory.agreements[0].clone();
    let offices = 1_201_u32;
    let agreements = (1..=offices)
        .map(|office| Agreement { office: office.try_into().unwrap(), ..agreement.clone() })
        // A provider whose id begins with the other's.
        .chain([Agreement { plugin: "example-2".parse().unwrap(), ..agreement.clone() }])
        .collect();
    let many = file::Directory { agreements, ..loaded.directory };
    let store = Arc::new(MemoryStore::new());
    load(store.as_ref(), &pseudonyms(), &many, "another file".to_owned()).await.unwrap();
    let directory = StoredDirectory::open(store, Arc::new(pseudonyms())).await.unwrap();
    assert_eq!(directory.agreements_with(&agreement.plugin).await.unwrap().len(), offices as usize);
    assert_eq!(directory.agreements_with(&"example-2".parse().unwrap()).await.unwrap().len(), 1);
}
