//! Installed plugins, as the operator sees and changes them. JSON by `schemas/json/plugin.json`, `plugin-page.json` and
//! `plugin-grant.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ids::PluginId, package::key::KeyId, provider::Capability, service::closed_list};

/// One plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plugin {
    /// Names it.
    pub id: PluginId,
    /// Whether citizens are served by it.
    pub state: PluginState,
    /// What the operator has granted it.
    pub granted: Asks,
    /// The version that serves, or would where the grant allowed it; none where none ever did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<PluginVersion>,
    /// A version that asks for more than is granted, and takes over as soon as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<PluginVersion>,
    /// Versions that served before, the latest first: what can be rolled back to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<PluginVersion>,
    /// Why it does not serve, where it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

closed_list!(
    /// Whether citizens are served by a plugin.
    PluginState {
        /// They are.
        Serving = "serving",
        /// They are not: it asks for more than it is granted.
        WaitingForGrant = "waiting-for-grant",
        /// They are not: it was refused when the gateway started, or when whom the operator trusts changed.
        Refused = "refused",
    }
);

/// One version of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PluginVersion {
    /// Semantic version.
    pub version: String,
    /// SHA-256 of the component, lower-case hexadecimal.
    pub digest: String,
    /// When it was installed, by the gateway's clock.
    pub installed: Timestamp,
    /// What it asks for.
    pub asks: Asks,
    /// The key that signed it; none where it is not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// Whose key that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
}

/// What a plugin asks for, or is granted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Asks {
    /// What it imports, or may.
    pub capabilities: Vec<Capability>,
    /// Whether it gets citizens' national identity numbers.
    pub national_identity_number: bool,
}

impl Asks {
    /// What is in this and not in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let lacks = |capability: &&Capability| !other.capabilities.contains(capability);
        Self {
            capabilities: self.capabilities.iter().filter(lacks).copied().collect(),
            national_identity_number: self.national_identity_number && !other.national_identity_number,
        }
    }

    /// What is in this, in `other`, or in both; in the contract's order.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let has = |capability: &&Capability| {
            self.capabilities.contains(capability) || other.capabilities.contains(capability)
        };
        Self {
            capabilities: Capability::ALL.iter().filter(has).copied().collect(),
            national_identity_number: self.national_identity_number || other.national_identity_number,
        }
    }

    /// Nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.capabilities.is_empty() && !self.national_identity_number
    }
}

impl std::fmt::Display for Asks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut names: Vec<&str> = self.capabilities.iter().map(|capability| capability.as_str()).collect();
        if self.national_identity_number {
            names.push("national-identity-number");
        }
        f.write_str(if names.is_empty() { "nothing" } else { "" })?;
        f.write_str(&names.join(", "))
    }
}
