//! The operator's configuration for the simulated world, in a folder of its own with its keys.

use std::{
    fs::Permissions,
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::Context;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use dialog_contract::package::key::Algorithm;
use dialog_plugin::sign;
use serde_json::{Value, json};

use super::{
    authority, directory,
    issuer::{self, Client},
    notifiers::Notifiers,
    rooms::Room,
};
use crate::sim::national::NationalSim;

/// Where the portal reaches the gateway, as far as the gateway knows: what proofs are made for.
pub const PUBLIC_URL: &str = "https://dialog.example.test";

/// Where the gateway listens; port 0 takes a free one.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// The portal's API.
    pub portal: SocketAddr,
    /// Webhooks.
    pub provider: SocketAddr,
    /// Metrics, health, the audit log.
    pub operations: SocketAddr,
}

impl Addresses {
    /// Free ports on the loopback interface.
    #[must_use]
    pub fn free() -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { portal: free, provider: free, operations: free }
    }
}

/// Everything that differs from house to house.
pub struct House<'a> {
    /// The folder for the file, its keys and the gateway's data.
    pub folder: &'a Path,
    /// Where compiled plugins are cached.
    pub cache: &'a Path,
    /// Where to listen.
    pub addresses: Addresses,
    /// The issuer's public keys.
    pub keys: &'a jsonwebtoken::jwk::JwkSet,
    /// The built plugins: id and file.
    pub plugins: &'a [(String, PathBuf)],
    /// The providers.
    pub rooms: &'a [Box<dyn Room>],
    /// What carries notices.
    pub notifiers: Option<&'a Notifiers>,
    /// The national registers and the archive, where the gateway is to have them, and the gateway as their client.
    pub national: Option<(&'a NationalSim, &'a Client)>,
    /// Whether tokens may be bound to nothing.
    pub bearer: bool,
    /// A collector of traces.
    pub otlp: Option<&'a str>,
    /// Changes the directory file.
    pub arrange: Option<fn(&mut Value)>,
    /// Changes the configuration.
    pub amend: Option<&'a (dyn Fn(&mut Value) + Send + Sync)>,
}

impl House<'_> {
    /// Writes everything, and gives the path of the configuration file. What is there already stays: a restart finds
    /// its keys and its data.
    pub fn write(&self) -> anyhow::Result<PathBuf> {
        std::fs::create_dir_all(self.folder)?;
        let keep = |name: &str, content: &dyn Fn() -> anyhow::Result<String>| -> anyhow::Result<()> {
            let path = self.folder.join(name);
            if !path.exists() { secret(&path, &content()?) } else { for_its_owner_alone(&path) }
        };
        keep("audit.key", &|| Ok(dialog_audit::generate_key("dialog.example.test/node-1")?.private.to_string()))?;
        keep("pseudonyms.key", &|| Ok(format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())))?;
        keep("encryption.key", &|| Ok(STANDARD.encode(rand_bytes()?)))?;
        authority::write(self.folder)?;
        std::fs::write(self.folder.join("issuer.jwks"), serde_json::to_vec(self.keys)?)?;
        let mut directory = directory::file();
        if let Some(arrange) = self.arrange {
            arrange(&mut directory);
        }
        std::fs::write(self.folder.join("directory.json"), serde_json::to_vec_pretty(&directory)?)?;
        for (name, content) in self.rooms.iter().flat_map(|room| room.secrets()) {
            secret(&self.folder.join(name), &content)?;
        }
        for (name, content) in Notifiers::secrets() {
            secret(&self.folder.join(name), &content)?;
        }
        let plugins = self.signed()?;
        let path = self.folder.join("gateway.toml");
        let mut content = self.content(&plugins)?;
        if self.notifiers.is_some() {
            content["notices"] = Notifiers::rules();
        }
        if let Some((national, client)) = self.national {
            secret(&self.folder.join("national.pem"), &client.private)?;
            let upstream = |path: &str| {
                json!({
                    "base-url": national.url(path), "allow-networks": ["loopback"],
                    "credentials": {
                        "kind": "oauth2", "token-url": national.url("/connect/token"), "client-id": client.id,
                        "key": { "file": "national.pem" }, "algorithm": "ES256",
                    },
                })
            };
            content["directory"]["gp-register"] = json!({ "poll-seconds": 1, "upstream": upstream("/gp") });
            content["directory"]["address-register"] = json!({ "upstream": upstream("/address") });
            content["archive"] = json!({ "upstream": upstream("/archive/fhir") });
        }
        if let Some(amend) = self.amend {
            amend(&mut content);
        }
        std::fs::write(&path, toml::to_string_pretty(&content)?)?;
        Ok(path)
    }

    /// The plugins as their vendors ship them: signed, by keys that the operator trusts.
    fn signed(&self) -> anyhow::Result<Vec<(String, PathBuf)>> {
        let folder = self.folder.join("shipped");
        std::fs::create_dir_all(&folder)?;
        let (mut keys, mut shipped) = (Vec::new(), Vec::new());
        for (id, file) in self.plugins {
            let key = self.folder.join(format!("{id}.signing.key"));
            if !key.exists() {
                sign::keygen(&key, Algorithm::Ed25519)?;
            }
            for_its_owner_alone(&key)?;
            let public = sign::read_key(&key)?.public();
            let path = folder.join(format!("{id}.wasm"));
            sign::sign_file(file, &key, Some(&path))?;
            keys.push(json!({
                "id": public.id(), "publicKey": public, "vendor": id, "plugins": [id],
                "notBefore": "2026-01-01T00:00:00Z", "notAfter": "2100-01-01T00:00:00Z",
            }));
            shipped.push((id.clone(), path));
        }
        std::fs::write(self.folder.join("trust.json"), json!({ "keys": keys }).to_string())?;
        Ok(shipped)
    }

    fn content(&self, plugins: &[(String, PathBuf)]) -> anyhow::Result<Value> {
        let mut telemetry = json!({ "log": "info", "format": "json" });
        if let Some(otlp) = self.otlp {
            telemetry["otlp"] = json!(otlp);
        }
        // Tests ask as fast as they can.
        let unbounded = json!({ "per-second": 1_000_000, "burst": 1_000_000 });
        Ok(json!({
            "public-url": PUBLIC_URL,
            "listen": {
                "portal": self.addresses.portal,
                "provider": self.addresses.provider,
                "operations": self.addresses.operations,
            },
            "tls": {
                "portal": tls("portal", "optional"),
                "provider": tls("provider", "required"),
                "operations": tls("operations", "required"),
            },
            "rates": {
                "per-citizen": unbounded, "per-client": unbounded, "in-all": unbounded, "without-token": unbounded,
            },
            "data": { "folder": "data", "cache": self.cache },
            "directory": { "file": "directory.json" },
            "audit": { "key": { "file": "audit.key" } },
            "pseudonyms": { "key": { "file": "pseudonyms.key" } },
            "encryption": { "keys": [{ "id": "one", "key": { "file": "encryption.key" } }] },
            "telemetry": telemetry,
            "issuers": [{
                "issuer": issuer::ISSUER,
                "audiences": [issuer::AUDIENCE],
                "keys": { "file": "issuer.jwks" },
                "algorithms": ["ES256"],
                "bearer": self.bearer,
            }],
            "trust": { "file": "trust.json" },
            "plugins": plugins.iter().filter_map(|(id, file)| self.plugin(id, file)).collect::<Vec<_>>(),
        }))
    }

    /// A plugin's table: by its provider's room.
    fn plugin(&self, id: &str, file: &Path) -> Option<Value> {
        if let Some(table) = self.notifiers.and_then(|notifiers| notifiers.table(id, file)) {
            return Some(table);
        }
        let mut table = self.rooms.iter().find(|room| room.solution().plugin() == id)?.table();
        table["package"] = json!(file);
        Some(table)
    }
}

/// Writes a secret where only its owner reads it, also in place of a file that others could read.
pub(super) fn secret(path: &Path, content: &str) -> anyhow::Result<()> {
    let opened = std::fs::File::options().create(true).truncate(true).write(true).mode(0o600).open(path);
    let written = opened.and_then(|mut file| {
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(content.as_bytes())
    });
    written.with_context(|| path.display().to_string())
}

/// Mends a secret that an earlier house left open.
fn for_its_owner_alone(path: &Path) -> anyhow::Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).with_context(|| path.display().to_string())
}

fn rand_bytes() -> anyhow::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).context("random bytes")?;
    Ok(bytes)
}

/// A listener's table: on the files that [`authority::write`] leaves.
fn tls(listener: &str, clients: &str) -> Value {
    json!({
        "certificate": format!("{listener}.pem"),
        "key": { "file": format!("{listener}.key") },
        "client-certificates": clients,
        "client-authorities": authority::AUTHORITY_FILE,
    })
}
