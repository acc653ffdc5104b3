//! Packages, grants and the cache, as a whole.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use dialog_contract::{
    ids::PluginId,
    provider::{Capability, Interface},
};
use dialog_core::ports::providers::Providers;
use serde_json::json;
use tempfile::TempDir;

use super::{
    MemoryBlobs, MemoryStore, Residents,
    calls::{self, small},
    guests::{Guest, Sender, manifest},
};
use crate::{
    Grant, Host, HostConfig, HostError, PluginConfig, Ports,
    observe::{Observer, Prepared},
};

#[derive(Default)]
struct Watcher(Mutex<Vec<Prepared>>);

impl Observer for Watcher {
    fn prepared(&self, _: &PluginId, how: Prepared, _: Duration) {
        self.0.lock().unwrap().push(how);
    }
}

async fn host(folder: &TempDir, watcher: &Arc<Watcher>) -> Host {
    let ports = Ports {
        observer: Arc::clone(watcher) as Arc<dyn Observer>,
        ..Ports::new(Arc::new(MemoryStore::default()), Arc::new(Residents), Arc::new(MemoryBlobs::default()))
    };
    let config = HostConfig { cache_dir: folder.path().join("cache"), limits: small(), plugins: Vec::new() };
    Host::new(config, ports).await.unwrap()
}

async fn refused(bytes: Vec<u8>, config: PluginConfig) -> String {
    let folder = tempfile::tempdir().unwrap();
    let host = host(&folder, &Arc::default()).await;
    let error = host.install(bytes, &config).await.unwrap_err();
    assert!(host.all().is_empty());
    assert!(matches!(error, HostError::Install { .. }));
    error.to_string()
}

#[tokio::test]
async fn an_installed_plugin_is_known_by_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(&folder, &Arc::default()).await;
    let made = host.install(Guest::default().build(), &PluginConfig::default()).await.unwrap();
    assert_eq!((made.plugin.as_str(), made.version.as_str(), made.name.as_str()), ("example", "1.0.0", "Example AS"));
    assert_eq!((made.imports.as_slice(), made.exports.as_slice()), (&[][..], &[Interface::Dialogs][..]));
    let installed = host.installed(&made.plugin).unwrap();
    assert_eq!(installed.digest, made.digest);
    assert!(host.remove(&made.plugin) && !host.remove(&made.plugin));
    assert!(host.installed(&made.plugin).is_none());
}

#[tokio::test]
async fn an_import_that_was_not_granted_is_refused_by_name() {
    let error = refused(Sender::default().guest().build(), PluginConfig::default()).await;
    assert!(
        error.contains("the plugin example was not installed: it imports upstream, which is not granted"),
        "{error}"
    );
}

#[tokio::test]
async fn an_import_beyond_the_contract_is_refused_by_name() {
    let foreign = wat::parse_str(r#"(component (import "wasi:cli/environment@0.2.0" (instance)))"#).unwrap();
    let error = refused(foreign, PluginConfig::default()).await;
    assert!(error.contains("it imports wasi:cli/environment@0.2.0, which is not in the contract"), "{error}");
}

#[tokio::test]
async fn an_export_of_another_type_than_the_contracts_is_refused() {
    let bytes = wat::parse_str(
        r#"(component
            (core module $m (func (export "f")))
            (core instance $i (instantiate $m))
            (func $f (canon lift (core func $i "f")))
            (instance $d (export "open" (func $f)))
            (export "dialog:provider/dialogs@1.0.0" (instance $d)))"#,
    )
    .unwrap();
    let error = refused(super::guests::with_manifest(bytes, &manifest()), PluginConfig::default()).await;
    assert!(error.contains("does not fit the contract"), "{error}");
}

#[tokio::test]
async fn code_that_is_not_valid_is_refused() {
    let mut bytes = Guest::default().build();
    let at = bytes.windows(4).position(|window| window == [0x00, 0x61, 0x73, 0x6d]).unwrap();
    let inner = bytes[at + 4..].windows(8).position(|window| window == *b"\0asm\x01\0\0\0").unwrap() + at + 4;
    // The first section of the core module becomes one that does not exist.
    bytes[inner + 8] = 0x7e;
    let error = refused(bytes, PluginConfig::default()).await;
    assert!(error.contains("was not installed"), "{error}");
}

#[tokio::test]
async fn more_memories_than_a_call_may_have_are_refused_at_install() {
    let memories: String = (0..9).map(|_| "(core instance (instantiate $m))".to_owned()).collect();
    let text = format!(
        r#"(component
            (core module $m (memory 1))
            {memories}
            (instance $d)
            (export "dialog:provider/dialogs@1.0.0" (instance $d)))"#
    );
    let bytes = super::guests::with_manifest(wat::parse_str(text).unwrap(), &manifest());
    let error = refused(bytes, PluginConfig::default()).await;
    assert!(error.contains("memories"), "{error}");
}

#[tokio::test]
async fn settings_that_break_the_manifests_schema_are_refused_without_being_shown() {
    let mut guest = Guest::default();
    guest.manifest["installationSchema"] =
        json!({ "type": "object", "properties": { "port": { "type": "integer" } }, "required": ["port"] });
    let config: PluginConfig =
        serde_json::from_value(json!({ "package": "", "installation": { "port": "hemmelig" } })).unwrap();
    let error = refused(guest.build(), config).await;
    assert!(error.contains("/port") && !error.contains("hemmelig"), "{error}");
}

#[tokio::test]
async fn an_upstream_on_the_machine_itself_must_be_allowed() {
    for (url, rule) in [
        ("http://127.0.0.1:9/", "must be https"),
        ("https://127.0.0.1:9/", "Loopback address, which the operator has not allowed"),
        ("https://169.254.169.254/", "link-local address, which is never dialled"),
        ("https://[::ffff:10.0.0.1]/", "Private address"),
        ("https://user:secret@example.no/", "must not hold credentials"),
        ("ftp://example.no/", "must be https, not ftp"),
        ("https://example.no/?a=1", "must not have a query"),
    ] {
        let config = PluginConfig {
            grant: Grant { capabilities: vec![Capability::Upstream], ..Grant::default() },
            upstreams: serde_json::from_value(json!({ "api": { "base-url": url } })).unwrap(),
            ..PluginConfig::default()
        };
        let error = refused(Sender::default().guest().build(), config).await;
        assert!(
            error.contains("the upstream \"api\" cannot be bound: its base-url") && error.contains(rule),
            "{error}"
        );
        assert!(!error.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn the_second_start_compiles_nothing() {
    let (folder, watcher) = (tempfile::tempdir().unwrap(), Arc::new(Watcher::default()));
    for _ in 0..2 {
        let host = host(&folder, &watcher).await;
        host.install(Guest::default().build(), &PluginConfig::default()).await.unwrap();
        assert_eq!(calls::open(&host).await.answer.unwrap().reference, "ok");
    }
    assert_eq!(*watcher.0.lock().unwrap(), [Prepared::Compiled, Prepared::Cached]);
}

#[tokio::test]
async fn a_cached_file_that_was_changed_is_compiled_anew_and_never_loaded() {
    let (folder, watcher) = (tempfile::tempdir().unwrap(), Arc::new(Watcher::default()));
    host(&folder, &watcher).await.install(Guest::default().build(), &PluginConfig::default()).await.unwrap();
    let cached = fs::read_dir(folder.path().join("cache")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&cached).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&cached, bytes).unwrap();
    let host = host(&folder, &watcher).await;
    host.install(Guest::default().build(), &PluginConfig::default()).await.unwrap();
    assert_eq!(calls::open(&host).await.answer.unwrap().reference, "ok");
    assert_eq!(*watcher.0.lock().unwrap(), [Prepared::Compiled, Prepared::Compiled]);
}

#[tokio::test]
async fn a_configuration_in_toml_is_read_and_its_plugins_are_installed() {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("example.wasm");
    fs::write(&package, Sender::default().guest().build()).unwrap();
    let config: HostConfig = serde_json::from_value(json!({
        "cache-dir": folder.path().join("cache"),
        "limits": { "calls-at-once": 2, "calls-at-once-per-plugin": 1 },
        "plugins": [{
            "package": package,
            "grant": { "capabilities": ["upstream", "log"] },
            "upstreams": { "api": { "base-url": "https://api.example.no/v1", "timeout-milliseconds": 4000 } },
        }],
    }))
    .unwrap();
    let ports = || Ports::new(Arc::new(MemoryStore::default()), Arc::new(Residents), Arc::new(MemoryBlobs::default()));
    let host = Host::new(config.clone(), ports()).await.unwrap();
    assert_eq!(host.installations()[0].upstreams["api"], "https://api.example.no/v1");
    let twice = HostConfig { plugins: [&config.plugins[..], &config.plugins[..]].concat(), ..config };
    let error = Host::new(twice, ports()).await.unwrap_err().to_string();
    assert!(error.contains("the plugin example is configured twice"), "{error}");
}
