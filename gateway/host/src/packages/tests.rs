//! Packages in a real engine, with a store in memory: what is installed, what is refused, what a restart finds.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{path::Path, sync::Mutex as Lock};

use async_trait::async_trait;
use dialog_contract::{
    audit::{ActorRole, Record},
    ids::NationalIdentityNumber,
    manifest::CONTRACT,
    package::{
        self,
        key::{Algorithm, SigningKey},
        statement::Claims,
    },
    plugin::Asks,
    provider::Capability,
};
use dialog_core::ports::{
    clock::SystemClock,
    evidence::{EvidenceError, Receipt},
};
use serde_json::json;
use tempfile::TempDir;

use super::{error::Refused, *};
use crate::{
    Grant, HostConfig, Ports,
    package::Package,
    tests::{
        MemoryBlobs, MemoryStore, Residents,
        calls::{open, small},
        guests::{Guest, Sender, manifest},
    },
};

#[derive(Default)]
struct Notes(Lock<Vec<Record>>);

#[async_trait]
impl Evidence for Notes {
    async fn record(&self, record: Record) -> Result<Receipt, EvidenceError> {
        let mut notes = self.0.lock().unwrap();
        notes.push(record);
        Ok(Receipt { origin: "test".to_owned(), index: notes.len() as u64 - 1 })
    }

    fn pseudonym(&self, _: &NationalIdentityNumber) -> String {
        "nobody".to_owned()
    }
}

/// A gateway's packages, over restarts.
struct House {
    folder: TempDir,
    store: Arc<MemoryStore>,
    notes: Arc<Notes>,
    key: SigningKey,
}

impl House {
    fn new() -> Self {
        let key = SigningKey::generate(Algorithm::EcdsaP256).unwrap();
        let house = Self { folder: tempfile::tempdir().unwrap(), store: Arc::default(), notes: Arc::default(), key };
        house.trust(&json!({}));
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Trusts the key, with this beside or instead.
    fn trust(&self, with: &serde_json::Value) {
        let mut key = json!({
            "id": self.key.public().id(), "publicKey": self.key.public(), "vendor": "Example AS",
            "plugins": ["example"], "notBefore": "2020-01-01T00:00:00Z", "notAfter": "2100-01-01T00:00:00Z",
        });
        key.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        std::fs::write(self.path("trust.json"), json!({ "keys": [key] }).to_string()).unwrap();
    }

    async fn try_open(&self, entries: Vec<Entry>) -> Result<(Packages, Arc<Host>), Refused> {
        let store: Arc<dyn Store> = Arc::<MemoryStore>::clone(&self.store);
        let config = HostConfig { cache_dir: self.path("cache"), limits: small(), plugins: Vec::new() };
        let ports = Ports::new(Arc::clone(&store), Arc::new(Residents), Arc::new(MemoryBlobs::default()));
        let host = Arc::new(Host::new(config, ports).await.unwrap());
        let config = PackagesConfig {
            folder: self.path("packages"),
            trust: Some(self.path("trust.json")),
            unsigned: false,
            entries,
        };
        let evidence: Arc<dyn Evidence> = Arc::<Notes>::clone(&self.notes);
        let ports = PackagesPorts { host: Arc::clone(&host), store, evidence, clock: Arc::new(SystemClock) };
        Ok((Packages::open(config, ports).await?, host))
    }

    async fn open(&self) -> (Packages, Arc<Host>) {
        self.try_open(Vec::new()).await.unwrap()
    }

    /// A guest of this version, signed.
    fn signed(&self, version: &str, asks: bool) -> Vec<u8> {
        let mut guest = if asks { Sender::default().guest() } else { Guest::default() };
        guest.manifest["version"] = json!(version);
        let claims = Claims {
            plugin: manifest()["id"].as_str().unwrap().parse().unwrap(),
            version: version.to_owned(),
            contract: CONTRACT.to_owned(),
        };
        package::sign(&guest.build(), claims, &self.key).unwrap()
    }

    fn entry(&self, version: &str) -> Entry {
        let file = self.signed(version, false);
        let package = Package::read(&file, &small()).unwrap();
        Entry { package: Some(Brought { file, package }), ..Entry::default() }
    }

    fn last_note(&self) -> Record {
        self.notes.0.lock().unwrap().last().unwrap().clone()
    }

    fn notes(&self) -> usize {
        self.notes.0.lock().unwrap().len()
    }

    fn files(&self) -> usize {
        let folder = self.path("packages/example");
        if Path::new(&folder).exists() { std::fs::read_dir(folder).unwrap().count() } else { 0 }
    }
}

fn operator() -> By {
    let actor = Actor { role: ActorRole::Operator, client: "ops".to_owned(), person: None, level: None };
    By { actor, request: None, trace_id: None }
}

fn example() -> PluginId {
    "example".parse().unwrap()
}

fn upstream() -> Asks {
    Asks { capabilities: vec![Capability::Upstream], national_identity_number: false }
}

fn serving(host: &Host) -> Option<String> {
    host.installations().first().map(|installed| installed.version.clone())
}

#[tokio::test]
async fn a_signed_package_is_installed_recorded_and_there_after_a_restart() {
    let house = House::new();
    let (packages, host) = house.open().await;
    let changed = packages.install(house.signed("1.0.0", false), &operator()).await.unwrap();
    assert_eq!(changed.plugin.state, PluginState::Serving);
    assert_eq!(open(&host).await.answer.unwrap().reference, "ok");
    let note = house.last_note();
    assert_eq!((note.action.as_str(), note.actor.client.as_str()), ("plugin.install", "ops"));
    assert_eq!(note.details["vendor"], "Example AS");
    assert_eq!(note.details["key"], house.key.public().id().as_str());
    drop((packages, host));
    let (packages, host) = house.open().await;
    assert_eq!(serving(&host).as_deref(), Some("1.0.0"));
    assert_eq!(packages.show(&example()).await.unwrap().0, changed.plugin);
    assert_eq!(house.last_note().action, "plugin.load");
}

#[tokio::test]
async fn what_is_refused_changes_nothing_and_is_recorded_with_its_reason() {
    let house = House::new();
    let (packages, host) = house.open().await;
    packages.install(house.signed("1.1.0", false), &operator()).await.unwrap();
    let unsigned = Guest::default().build();
    let mut tampered = house.signed("1.2.0", false);
    let at = tampered.windows(5).position(|window| window == b"1.2.0").unwrap();
    tampered[at + 2] = b'3';
    let mut cut = house.signed("1.2.0", false);
    cut.truncate(100);
    for (file, reason) in [
        (unsigned, "unsigned"),
        (tampered, "tampered"),
        (cut, "not-a-plugin"),
        (house.signed("1.0.9", false), "downgraded"),
        (b"#!/bin/sh".to_vec(), "not-a-plugin"),
    ] {
        let refused = packages.install(file, &operator()).await.unwrap_err();
        assert_eq!(refused.error.reason(), reason, "{refused}");
        let note = house.last_note();
        assert_eq!((note.action.as_str(), note.details["reason"].as_str()), ("plugin.refuse", reason));
        assert_eq!(serving(&host).as_deref(), Some("1.1.0"));
    }
    house.trust(&json!({ "revoked": { "since": "2020-06-01T00:00:00Z", "why": "it leaked" } }));
    let refused = packages.install(house.signed("1.2.0", false), &operator()).await.unwrap_err();
    assert!(refused.to_string().contains("revoked since 2020-06-01T00:00:00Z (it leaked)"), "{refused}");
    assert_eq!(house.files(), 1);
}

#[tokio::test]
async fn an_upgrade_that_asks_for_more_stays_out_until_it_is_granted() {
    let house = House::new();
    let (packages, host) = house.open().await;
    packages.install(house.signed("1.0.0", false), &operator()).await.unwrap();
    let waits = packages.install(house.signed("2.0.0", true), &operator()).await.unwrap().plugin;
    assert_eq!(waits.state, PluginState::Serving);
    assert_eq!(waits.waiting.unwrap().asks, upstream());
    assert_eq!(serving(&host).as_deref(), Some("1.0.0"));
    assert_eq!(open(&host).await.answer.unwrap().reference, "ok");
    drop((packages, host));
    let (packages, host) = house.open().await;
    assert_eq!(serving(&host).as_deref(), Some("1.0.0"), "it waits over a restart");
    let granted = packages.grant(&example(), &upstream(), None, &operator()).await.unwrap().plugin;
    assert_eq!((granted.state, granted.waiting), (PluginState::Serving, None));
    assert_eq!(serving(&host).as_deref(), Some("2.0.0"));
    // Taken back, nothing is left that may serve: the version before was not asked for.
    let revoked = packages.revoke(&example(), &upstream(), None, &operator()).await.unwrap().plugin;
    assert_eq!(revoked.state, PluginState::WaitingForGrant);
    assert_eq!(serving(&host), None);
    let back = packages.rollback(&example(), None, &operator()).await.unwrap().plugin;
    assert_eq!(back.current.unwrap().version, "1.0.0");
    assert_eq!(serving(&host).as_deref(), Some("1.0.0"));
    let nothing = packages.rollback(&example(), None, &operator()).await.unwrap_err();
    assert_eq!(nothing.error.reason(), "nothing-earlier");
}

#[tokio::test]
async fn what_was_installed_before_a_key_was_revoked_goes_on_and_what_came_after_does_not() {
    let house = House::new();
    let (packages, _) = house.open().await;
    let installed = packages.install(house.signed("1.0.0", false), &operator()).await.unwrap().plugin;
    let installed = installed.current.unwrap().installed;
    let later = installed + jiff::SignedDuration::from_secs(1);
    house.trust(&json!({ "revoked": { "since": later, "why": "it leaked" } }));
    assert_eq!(serving(&house.open().await.1).as_deref(), Some("1.0.0"));
    house.trust(&json!({ "revoked": { "since": installed, "why": "it leaked" } }));
    let (packages, host) = house.open().await;
    assert_eq!(serving(&host), None);
    let shown = packages.show(&example()).await.unwrap().0;
    assert_eq!(shown.state, PluginState::Refused);
    assert!(shown.problem.unwrap().contains("it leaked"));
    assert_eq!(house.last_note().details["reason"], "key-revoked");
}

#[tokio::test]
async fn a_plugin_whose_key_is_revoked_under_way_stops_and_serves_again_when_it_is_trusted_again() {
    let house = House::new();
    let (packages, host) = house.open().await;
    packages.install(house.signed("1.0.0", false), &operator()).await.unwrap();
    packages.look_again().await.unwrap();
    let quiet = house.notes();
    for (withdrawn, reason, told) in [
        (json!({ "revoked": { "since": "2020-06-01T00:00:00Z", "why": "it leaked" } }), "key-revoked", "it leaked"),
        (json!({ "plugins": ["other"] }), "other-plugin", "name example with the key"),
        (json!({ "notAfter": "2021-01-01T00:00:00Z" }), "key-expired", "signed with a new key"),
    ] {
        house.trust(&withdrawn);
        packages.look_again().await.unwrap();
        assert_eq!(serving(&host), None, "{reason}");
        let (shown, _) = packages.show(&example()).await.unwrap();
        assert_eq!(shown.state, PluginState::Refused);
        assert!(shown.problem.as_ref().is_some_and(|problem| problem.contains(told)), "{shown:?}");
        let note = house.last_note();
        assert_eq!((note.action.as_str(), note.details["refused"].as_str()), ("plugin.refuse", "plugin.serve"));
        assert_eq!((note.details["reason"].as_str(), note.details["version"].as_str()), (reason, "1.0.0"));
        assert_eq!((note.actor.role, note.details["digest"].len()), (ActorRole::Gateway, 64));
        // What is on record is not written down again while nothing changes.
        let told = house.notes();
        packages.look_again().await.unwrap();
        house.trust(&withdrawn);
        packages.look_again().await.unwrap();
        assert_eq!(house.notes(), told);
        house.trust(&json!({}));
        packages.look_again().await.unwrap();
        assert_eq!(serving(&host).as_deref(), Some("1.0.0"));
        assert_eq!(packages.show(&example()).await.unwrap().0.state, PluginState::Serving);
        assert_eq!(house.last_note().action, "plugin.load");
        assert_eq!(open(&host).await.answer.unwrap().reference, "ok");
    }
    assert_eq!(house.notes(), quiet + 6);
}

#[tokio::test]
async fn a_trust_file_that_is_not_in_order_takes_nobody_out_of_service_and_is_told_once() {
    let house = House::new();
    let (packages, host) = house.open().await;
    packages.install(house.signed("1.0.0", false), &operator()).await.unwrap();
    let before = house.notes();
    std::fs::write(house.path("trust.json"), r#"{ "keys": ["#).unwrap();
    let error = packages.look_again().await.unwrap_err();
    assert_eq!(error.reason(), "trust-unreadable");
    packages.look_again().await.unwrap();
    std::fs::remove_file(house.path("trust.json")).unwrap();
    assert!(packages.look_again().await.is_err());
    packages.look_again().await.unwrap();
    assert_eq!((serving(&host).as_deref(), house.notes()), (Some("1.0.0"), before));
    house.trust(&json!({ "plugins": ["other"] }));
    packages.look_again().await.unwrap();
    assert_eq!(serving(&host), None, "the next whole file counts");
}

#[tokio::test]
async fn what_a_refused_plugin_was_granted_can_be_taken_back() {
    let house = House::new();
    let (packages, host) = house.open().await;
    packages.install(house.signed("1.0.0", false), &operator()).await.unwrap();
    let more = Asks { capabilities: vec![Capability::Upstream, Capability::Log], ..upstream() };
    packages.grant(&example(), &more, None, &operator()).await.unwrap();
    packages.install(house.signed("2.0.0", true), &operator()).await.unwrap();
    house.trust(&json!({ "plugins": ["other"] }));
    packages.look_again().await.unwrap();
    let log = Asks { capabilities: vec![Capability::Log], ..upstream() };
    let changed = packages.revoke(&example(), &log, None, &operator()).await.unwrap().plugin;
    assert_eq!((changed.state, changed.granted), (PluginState::Refused, upstream()));
    assert!(changed.problem.is_some());
    // To give it more, somebody must stand for it.
    let refused = packages.grant(&example(), &log, None, &operator()).await.unwrap_err();
    assert_eq!(refused.error.reason(), "other-plugin");
    let changed = packages.revoke(&example(), &upstream(), None, &operator()).await.unwrap().plugin;
    assert_eq!((changed.state, changed.problem), (PluginState::WaitingForGrant, None));
    assert_eq!(serving(&host), None);
}

#[tokio::test]
async fn a_version_that_was_taken_its_grant_from_does_not_serve_for_being_brought_again() {
    let house = House::new();
    let (packages, host) = house.open().await;
    packages.install(house.signed("1.0.0", true), &operator()).await.unwrap();
    packages.grant(&example(), &upstream(), None, &operator()).await.unwrap();
    assert_eq!(serving(&host).as_deref(), Some("1.0.0"));
    packages.revoke(&example(), &upstream(), None, &operator()).await.unwrap();
    let again = packages.install(house.signed("1.0.0", true), &operator()).await.unwrap().plugin;
    assert_eq!((again.state, serving(&host)), (PluginState::WaitingForGrant, None));
    assert_eq!(house.last_note().details["state"], "waiting-for-grant");
}

#[tokio::test]
async fn a_change_that_rests_on_what_was_seen_is_made_once() {
    let house = House::new();
    let (packages, host) = house.open().await;
    let first = packages.install(house.signed("1.0.0", false), &operator()).await.unwrap();
    assert!(first.is_new);
    for version in ["1.1.0", "1.2.0"] {
        assert!(!packages.install(house.signed(version, false), &operator()).await.unwrap().is_new);
    }
    let (_, seen) = packages.show(&example()).await.unwrap();
    let back = packages.rollback(&example(), Some(seen), &operator()).await.unwrap();
    assert_eq!(packages.show(&example()).await.unwrap().1, back.revision);
    let again = packages.rollback(&example(), Some(seen), &operator()).await.unwrap_err();
    assert_eq!(again.error.reason(), "changed-since");
    let granted = packages.grant(&example(), &upstream(), Some(seen), &operator()).await.unwrap_err();
    let revoked = packages.revoke(&example(), &upstream(), Some(seen), &operator()).await.unwrap_err();
    assert_eq!((granted.error.reason(), revoked.error.reason()), ("changed-since", "changed-since"));
    assert_eq!(serving(&host).as_deref(), Some("1.1.0"), "one step, and not two");
    packages.rollback(&example(), Some(back.revision), &operator()).await.unwrap();
    assert_eq!(serving(&host).as_deref(), Some("1.0.0"));
}

#[tokio::test]
async fn the_configuration_begins_and_what_was_installed_by_command_goes_on() {
    let house = House::new();
    let (packages, host) = house.try_open(vec![house.entry("1.0.0")]).await.unwrap();
    assert_eq!(serving(&host).as_deref(), Some("1.0.0"));
    packages.install(house.signed("1.1.0", false), &operator()).await.unwrap();
    let (_, host) = house.try_open(vec![house.entry("1.0.0")]).await.unwrap();
    assert_eq!(serving(&host).as_deref(), Some("1.1.0"), "the file says nothing new");
    let (_, host) = house.try_open(vec![house.entry("1.2.0")]).await.unwrap();
    assert_eq!(serving(&host).as_deref(), Some("1.2.0"), "the file has the last word");
    let refused = house.try_open(vec![house.entry("1.1.5")]).await.err().unwrap();
    assert_eq!(refused.error.reason(), "downgraded");
    let (packages, host) = house.try_open(Vec::new()).await.unwrap();
    assert_eq!((serving(&host), packages.list().await.unwrap()), (None, Vec::new()), "it went with its entry");
}

#[tokio::test]
async fn a_grant_in_the_file_counts_again_once_it_is_changed() {
    let house = House::new();
    let entry = || Entry {
        plugin: Some(example()),
        package: None,
        config: PluginConfig { grant: Grant::default().of(&upstream()), ..PluginConfig::default() },
    };
    let (packages, host) = house.try_open(vec![entry()]).await.unwrap();
    packages.install(house.signed("1.0.0", true), &operator()).await.unwrap();
    assert_eq!(serving(&host).as_deref(), Some("1.0.0"));
    packages.revoke(&example(), &upstream(), None, &operator()).await.unwrap();
    let (_, host) = house.try_open(vec![entry()]).await.unwrap();
    assert_eq!(serving(&host), None, "what was taken back stays taken back");
    let more = Asks { capabilities: vec![Capability::Upstream, Capability::Log], ..upstream() };
    let mut entry = entry();
    entry.config.grant = entry.config.grant.of(&more);
    let (_, host) = house.try_open(vec![entry]).await.unwrap();
    assert_eq!(serving(&host).as_deref(), Some("1.0.0"));
}

#[tokio::test]
async fn a_package_that_was_changed_on_disk_does_not_serve() {
    let house = House::new();
    let (packages, _) = house.open().await;
    packages.install(house.signed("1.0.0", false), &operator()).await.unwrap();
    let file = std::fs::read_dir(house.path("packages/example")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&file, house.signed("1.0.1", false)).unwrap();
    let (packages, host) = house.open().await;
    assert_eq!(serving(&host), None);
    assert_eq!(packages.show(&example()).await.unwrap().0.state, PluginState::Refused);
    assert_eq!(house.last_note().details["reason"], "other-file");
}

#[tokio::test]
async fn no_more_versions_are_kept_on_disk_than_can_be_gone_back_to() {
    let house = House::new();
    let (packages, _) = house.open().await;
    for number in 0..9 {
        packages.install(house.signed(&format!("1.{number}.0"), false), &operator()).await.unwrap();
    }
    assert_eq!(house.files(), 1 + crate::limits::VERSIONS_KEPT);
}
