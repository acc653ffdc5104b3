//! The operator's answer to what a plugin asks for. A plugin's imports and manifest are its request; what is not granted
//! is refused at install, by name.

use std::collections::BTreeMap;

use dialog_contract::{plugin::Asks, provider::Capability};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    package::{Package, hex},
    upstream::config::UpstreamBinding,
};

/// What the operator grants a plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Grant {
    /// Only this file may be installed: its SHA-256, lower-case hexadecimal. Any when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What it may import.
    pub capabilities: Vec<Capability>,
    /// Whether it gets citizens' national identity numbers.
    pub national_identity_number: bool,
}

/// What a plugin asks for and was not granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// An import.
    #[error("it imports {0}, which is not granted: add it to the plugin's `capabilities` if it should have it")]
    Capability(Capability),
    /// Citizens' numbers.
    #[error(
        "it asks for national identity numbers, which are not granted: set `national-identity-number` if it should have them"
    )]
    NationalIdentityNumber,
    /// The file is another than the one that was granted.
    #[error("the file has SHA-256 {found}, and the grant is for {granted}")]
    OtherFile {
        /// What was installed.
        found: String,
        /// What was granted.
        granted: String,
    },
    /// A binding for an upstream that the plugin does not name.
    #[error("the upstream {name:?} is bound, and the plugin names only {known}")]
    UnknownUpstream {
        /// What was bound.
        name: String,
        /// What there is.
        known: String,
    },
}

impl Grant {
    /// Compares the grant with what the package asks for.
    ///
    /// # Errors
    /// Names the first thing that was not granted.
    pub fn check(&self, package: &Package, bindings: &BTreeMap<String, UpstreamBinding>) -> Result<(), GrantError> {
        if let Some(granted) = &self.sha256
            && *granted != package.digest
        {
            return Err(GrantError::OtherFile { found: package.digest.clone(), granted: granted.clone() });
        }
        if let Some(missing) = package.imports.iter().find(|import| !self.capabilities.contains(import)) {
            return Err(GrantError::Capability(*missing));
        }
        if package.manifest.national_identity_number && !self.national_identity_number {
            return Err(GrantError::NationalIdentityNumber);
        }
        let known = || package.manifest.upstreams.iter().map(|upstream| upstream.name.as_str());
        match bindings.keys().find(|name| !known().any(|known| known == *name)) {
            Some(name) => {
                let known =
                    if known().next().is_none() { "none".to_owned() } else { known().collect::<Vec<_>>().join(", ") };
                Err(GrantError::UnknownUpstream { name: name.clone(), known })
            }
            None => Ok(()),
        }
    }

    /// What of it a plugin can ask for.
    #[must_use]
    pub fn asks(&self) -> Asks {
        Asks { capabilities: self.capabilities.clone(), national_identity_number: self.national_identity_number }
    }

    /// The same grant, for this.
    #[must_use]
    pub fn of(&self, asks: &Asks) -> Self {
        Self {
            sha256: self.sha256.clone(),
            capabilities: asks.capabilities.clone(),
            national_identity_number: asks.national_identity_number,
        }
    }

    /// SHA-256 of the grant with its bindings, for the audit log: the same for the same grant, whatever the order in
    /// which it is written. Credentials are in it by kind and place, never by value.
    #[must_use]
    pub fn fingerprint(&self, bindings: &BTreeMap<String, UpstreamBinding>) -> String {
        let mut sorted = self.clone();
        sorted.capabilities.sort_unstable();
        sorted.capabilities.dedup();
        // Structs of strings, lists and maps with text keys always have a JSON form.
        let json = serde_json::to_vec(&(&sorted, bindings)).unwrap_or_default();
        hex(&Sha256::digest(json))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use dialog_contract::{
        manifest::{BYTES, Manifest},
        provider::Interface,
    };
    use serde_json::json;

    use super::*;

    fn package() -> Package {
        let manifest = json!({
            "manifestVersion": 1, "id": "example", "version": "1.0.0", "name": "Example", "kind": "public",
            "contract": "dialog:provider@1.0.0", "services": [], "upstreams": [{ "name": "api", "purpose": "All" }],
            "settingsSchema": {}, "installationSchema": {}, "nationalIdentityNumber": true,
        });
        Package {
            digest: "ab".repeat(32),
            imports: vec![Capability::Upstream, Capability::Log],
            exports: vec![Interface::Dialogs],
            manifest: Manifest::read(manifest.to_string().as_bytes(), BYTES).unwrap(),
        }
    }

    fn grant() -> Grant {
        Grant {
            sha256: None,
            capabilities: vec![Capability::Log, Capability::Upstream],
            national_identity_number: true,
        }
    }

    #[test]
    fn what_was_granted_may_be_installed() {
        assert_eq!(grant().check(&package(), &BTreeMap::new()), Ok(()));
    }

    #[test]
    fn what_was_not_granted_is_named() {
        let none = BTreeMap::new();
        let import = Grant { capabilities: vec![Capability::Log], ..grant() };
        assert_eq!(import.check(&package(), &none), Err(GrantError::Capability(Capability::Upstream)));
        let number = Grant { national_identity_number: false, ..grant() };
        assert_eq!(number.check(&package(), &none), Err(GrantError::NationalIdentityNumber));
        let other = Grant { sha256: Some("00".repeat(32)), ..grant() };
        assert!(matches!(other.check(&package(), &none), Err(GrantError::OtherFile { .. })));
    }

    #[test]
    fn a_binding_that_the_plugin_does_not_name_is_a_typing_error() {
        let binding: UpstreamBinding = serde_json::from_value(json!({ "base-url": "https://example.no" })).unwrap();
        let error = grant().check(&package(), &BTreeMap::from([("apu".to_owned(), binding)])).unwrap_err();
        assert_eq!(error.to_string(), "the upstream \"apu\" is bound, and the plugin names only api");
    }

    #[test]
    fn equal_grants_have_equal_fingerprints_and_others_do_not() {
        let none = BTreeMap::new();
        let turned = Grant { capabilities: vec![Capability::Upstream, Capability::Log], ..grant() };
        assert_eq!(grant().fingerprint(&none), turned.fingerprint(&none));
        let less = Grant { national_identity_number: false, ..grant() };
        assert_ne!(grant().fingerprint(&none), less.fingerprint(&none));
    }
}
