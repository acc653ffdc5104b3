//! What a component's types cannot say: identity, version, services, names of upstreams, schemas of settings.
//!
//! Floor plan
//! - [`Manifest`]: the JSON object in the component's custom section `dialog-manifest` (`schemas/json/manifest.json`)
//! - [`source`]: `plugin.toml`, where a vendor writes it
//! - [`rules`]: what must hold of it

pub mod rules;
pub mod source;

use dialog_contract::{
    ids::PluginId,
    service::{ProviderKind, Service},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A plugin's manifest, as it stands in the component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// The version of this form: 1.
    pub manifest_version: u32,
    /// Names the plugin in paths, metrics and the audit log.
    pub id: PluginId,
    /// Semantic Versioning 2.0.0.
    pub version: String,
    /// As citizens know the provider.
    pub name: String,
    /// Public or commercial.
    pub kind: ProviderKind,
    /// The WIT package that it speaks, with its version.
    pub contract: String,
    /// The services that it provides.
    pub services: Vec<Service>,
    /// The remote systems that it talks to.
    pub upstreams: Vec<Upstream>,
    /// JSON Schema 2020-12 of what an office agrees with the provider.
    pub settings_schema: Value,
    /// JSON Schema 2020-12 of what the operator sets for the installation.
    pub installation_schema: Value,
    /// It needs citizens' national identity numbers.
    pub national_identity_number: bool,
    /// The provider recognises a repeated idempotency key.
    pub idempotent: bool,
    /// The vendor pushes deliveries.
    pub webhooks: bool,
}

/// A remote system that the plugin names and the operator binds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Upstream {
    /// 1 to 40 of `a-z`, `0-9` and `-`, beginning with a letter.
    pub name: String,
    /// What for: a sentence for the operator.
    pub purpose: String,
}
