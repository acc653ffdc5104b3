//! What a component's types cannot say, in a custom section of the same file: identity, version, services, names of
//! upstreams, schemas of settings. The gateway reads it at install, the vendor's kit when it builds and checks: both
//! here.
//!
//! Floor plan
//! - [`Manifest`]: the JSON object of `schemas/json/manifest.json`; [`Manifest::read`], from the section's bytes, and
//!   [`Manifest::check_exports`], beside the component.
//! - [`json`]: JSON within bounds, each key once.
//! - `rules`: that schema, and what a schema cannot say. `expanse`: how large a schema is that refers to itself.
//! - [`breach`]: what is told of a rule that is broken: key, value, rule.

pub mod breach;
mod expanse;
pub mod json;
mod rules;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::breach::ManifestError;
use self::breach::{Breach, Rule};
pub use crate::limits::manifest::{BYTES, DEPTH, VALUES};
use crate::{
    ids::PluginId,
    provider::Interface,
    service::{ProviderKind, Service},
};

/// The custom section of a component that holds the manifest, as one JSON object.
pub const SECTION: &str = "dialog-manifest";

/// The version of the manifest's form.
pub const VERSION: u32 = 1;

/// The WIT package that plugins speak, with its version.
pub const CONTRACT: &str = "dialog:provider@1.0.0";

/// Most broken rules that are told at once.
pub const MAX_TOLD: usize = 20;

/// A plugin's manifest. Unknown keys are refused: a key that nobody reads may be a promise that nobody keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// [`VERSION`].
    pub manifest_version: u32,
    /// Names the plugin in paths, metrics and the audit log.
    pub id: PluginId,
    /// Semantic Versioning 2.0.0, at most 64 characters.
    pub version: String,
    /// As citizens know the provider: 1 to 80 characters in one line.
    pub name: String,
    /// Public or commercial.
    pub kind: ProviderKind,
    /// [`CONTRACT`].
    pub contract: String,
    /// The services that it provides, each once.
    pub services: Vec<Service>,
    /// The remote systems that it talks to, at most 16; none when left out.
    #[serde(default)]
    pub upstreams: Vec<Upstream>,
    /// JSON Schema 2020-12 of what an office agrees with the provider.
    pub settings_schema: Value,
    /// JSON Schema 2020-12 of what the operator sets for the installation.
    pub installation_schema: Value,
    /// It needs citizens' national identity numbers; not when left out.
    #[serde(default)]
    pub national_identity_number: bool,
    /// The provider recognises a repeated idempotency key, so that a call may be repeated after a crash; not when left
    /// out.
    #[serde(default)]
    pub idempotent: bool,
    /// The vendor pushes deliveries; not when left out.
    #[serde(default)]
    pub webhooks: bool,
}

/// A remote system that a plugin names and the operator binds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Upstream {
    /// 1 to 40 of `a-z`, `0-9` and `-`, beginning with a letter. Unique in the manifest.
    pub name: String,
    /// What for, in a sentence for the operator: 1 to 300 characters in one line.
    pub purpose: String,
}

/// Whether a schema refers to what is not in it. The caller has bounded its depth.
pub(crate) fn foreign(schema: &Value) -> bool {
    rules::foreign(schema).is_some()
}

/// Whether a schema has no near end where its references, all of them within it, are followed.
pub(crate) fn endless(schema: &Value) -> bool {
    expanse::check(schema).is_err()
}

impl Manifest {
    /// Reads the bytes of the section, of which there may be `limit` ([`BYTES`], or what the operator set).
    ///
    /// # Errors
    /// Too large, not JSON within [`DEPTH`] and [`VALUES`], or the first [`MAX_TOLD`] rules that it breaks.
    pub fn read(section: &[u8], limit: usize) -> Result<Self, ManifestError> {
        if section.len() > limit {
            return Err(ManifestError::TooLarge { size: section.len(), limit });
        }
        let manifest = json::read(section)?;
        let broken = rules::broken(&manifest);
        if !broken.is_empty() {
            return Err(ManifestError::Broken(broken));
        }
        // The schema is stricter than the type, but for numbers: to a schema 1.0 is 1.
        Self::deserialize(manifest)
            .map_err(|error| ManifestError::Broken(vec![Breach::of("", None, Rule::Other(error.to_string()))]))
    }

    /// Compares what the manifest promises with what the component exports.
    ///
    /// # Errors
    /// Every promise that no export keeps.
    pub fn check_exports(&self, exports: &[Interface]) -> Result<(), ManifestError> {
        let has = |interface| exports.contains(&interface);
        let mut broken = Vec::new();
        for (index, service) in self.services.iter().enumerate() {
            let (kept, needed) = match service {
                Service::Appointment => {
                    (has(Interface::Dialogs) || has(Interface::Appointments), "`dialogs` or `appointments`")
                }
                Service::Payment => (has(Interface::Payments), "`payments`"),
                Service::TestResults => (has(Interface::Inbound), "`inbound`"),
                _ => (has(Interface::Dialogs), "`dialogs`"),
            };
            if !kept {
                let value = Value::from(service.as_str());
                broken.push(Breach::of(&format!("/services/{index}"), Some(&value), Rule::Unkept(needed)));
            }
        }
        if self.webhooks && !has(Interface::Inbound) {
            broken.push(Breach::of("/webhooks", Some(&Value::Bool(true)), Rule::Unkept("`inbound`")));
        }
        if has(Interface::Notices) {
            // Whoever knows what a dialog is about must not be the one who knows a citizen's telephone, and the other way
            // round.
            let beside = |it: &&Interface| !matches!(it, Interface::Notices | Interface::Inbound);
            if let Some(other) = exports.iter().find(beside) {
                broken.push(Breach::of("", None, Rule::Apart(other.as_str())));
            }
            if self.national_identity_number {
                broken.push(Breach::of("/nationalIdentityNumber", Some(&Value::Bool(true)), Rule::NoCitizen));
            }
        }
        if broken.is_empty() { Ok(()) } else { Err(ManifestError::Broken(broken)) }
    }
}
