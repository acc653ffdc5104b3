//! A plugin as it is shipped: one file, a component. Read without running or compiling it: what it is, what it asks for,
//! what it offers. What is beyond the contract is refused by name.

use std::collections::BTreeSet;

use dialog_contract::{
    manifest::{Manifest, ManifestError, SECTION},
    package::{OpenError, open, statement::digest},
    plugin::Asks,
    provider::{Capability, Interface},
};
use wasmparser::{Encoding, Parser, Payload};

use crate::{
    complexity::Complexity,
    limits::{Limits, length},
};

/// The WIT package, without its version.
const PACKAGE: &str = "dialog:provider/";

/// The major and minor version of the WIT package; patches are interchangeable.
const VERSION: &str = "1.0.";

/// A component that keeps the contract's form.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// SHA-256 of the component, its signature left out, lower-case hexadecimal.
    pub digest: String,
    /// What it imports, in the contract's order.
    pub imports: Vec<Capability>,
    /// What it exports, in the contract's order.
    pub exports: Vec<Interface>,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// A file that was read, and what it is: read once, so that what was checked is what is installed.
#[derive(Debug, Clone, PartialEq)]
pub struct Brought {
    /// The file.
    pub file: Vec<u8>,
    /// What is in it.
    pub package: Package,
}

/// Why a file is not a plugin of this contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// Larger than allowed.
    #[error("the file is {size} bytes, over the limit of {limit}")]
    TooLarge {
        /// In bytes.
        size: usize,
        /// In bytes.
        limit: u64,
    },
    /// It has a signature that cannot be one.
    #[error(transparent)]
    Signature(#[from] OpenError),
    /// More than a compiler is to be given.
    #[error("it has {found} {what}, over the limit of {limit}")]
    TooComplex {
        /// Of what.
        what: &'static str,
        /// How many or how much.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// Not WebAssembly.
    #[error("the file is not a WebAssembly component: {0}")]
    Unreadable(String),
    /// A core module.
    #[error("the file is a core WebAssembly module, not a component: build it with `dialog-plugin build`")]
    CoreModule,
    /// It imports something that is not in the contract.
    #[error("it imports {0}, which is not in the contract")]
    ForeignImport(String),
    /// It exports something that is not in the contract.
    #[error("it exports {0}, which is not in the contract")]
    ForeignExport(String),
    /// It exports nothing that could be called.
    #[error("it exports no interface of the contract")]
    NoExports,
    /// It has no manifest.
    #[error("it has no custom section {SECTION:?}")]
    NoManifest,
    /// It has several manifests.
    #[error("it has more than one custom section {SECTION:?}")]
    TwoManifests,
    /// The manifest cannot be read, breaks a rule, or promises what the component does not keep.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

impl Package {
    /// What it asks for: by its imports, and by its manifest.
    #[must_use]
    pub fn asks(&self) -> Asks {
        let national_identity_number = self.manifest.national_identity_number;
        Asks { capabilities: self.imports.clone(), national_identity_number }
    }

    /// Reads a file. Whether its code is valid, the compiler says.
    ///
    /// # Errors
    /// [`PackageError`] names the first thing that is not as the contract has it.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Self, PackageError> {
        if bytes.len() > length(limits.component_bytes) {
            return Err(PackageError::TooLarge { size: bytes.len(), limit: limits.component_bytes });
        }
        let component = open(bytes)?.component;
        let mut complexity = Complexity::default();
        let mut imports = BTreeSet::new();
        let mut exports = BTreeSet::new();
        let mut manifest = None;
        // Depth 1 is the component itself; what is nested in it is its own affair, and has no imports but through it.
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(component) {
            let payload = payload.map_err(unreadable)?;
            complexity.see(&payload, limits)?;
            match payload {
                Payload::Version { encoding, .. } => {
                    if depth == 0 && encoding == Encoding::Module {
                        return Err(PackageError::CoreModule);
                    }
                    depth += 1;
                }
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 1 => {
                    for import in section {
                        let name = import.map_err(unreadable)?.name.name;
                        match contract_name(name) {
                            Some("types") => {}
                            Some(interface) => match interface.parse::<Capability>() {
                                Ok(capability) => {
                                    imports.insert(capability);
                                }
                                Err(_) => return Err(PackageError::ForeignImport(printable(name))),
                            },
                            None => return Err(PackageError::ForeignImport(printable(name))),
                        }
                    }
                }
                Payload::ComponentExportSection(section) if depth == 1 => {
                    for export in section {
                        let name = export.map_err(unreadable)?.name.name;
                        match contract_name(name).map(str::parse::<Interface>) {
                            Some(Ok(interface)) => {
                                exports.insert(interface);
                            }
                            _ => return Err(PackageError::ForeignExport(printable(name))),
                        }
                    }
                }
                Payload::CustomSection(section) if depth == 1 && section.name() == SECTION => match manifest {
                    None => manifest = Some(section.data()),
                    Some(_) => return Err(PackageError::TwoManifests),
                },
                _ => {}
            }
        }
        if exports.is_empty() {
            return Err(PackageError::NoExports);
        }
        let section = manifest.ok_or(PackageError::NoManifest)?;
        let manifest = Manifest::read(section, length(limits.manifest_bytes))?;
        let exports: Vec<Interface> = exports.into_iter().collect();
        manifest.check_exports(&exports)?;
        Ok(Self { digest: digest(component), imports: imports.into_iter().collect(), exports, manifest })
    }
}

/// The interface that a name of this contract's names; none for another contract's.
fn contract_name(name: &str) -> Option<&str> {
    let (interface, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
    let patch = version.strip_prefix(VERSION)?;
    (!patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit())).then_some(interface)
}

fn unreadable(error: wasmparser::BinaryReaderError) -> PackageError {
    PackageError::Unreadable(printable(&error.to_string()))
}

/// A text of the file's, as an error message may hold it.
fn printable(text: &str) -> String {
    text.chars().take(200).map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn refused(wat: &str) -> String {
        Package::read(&wat::parse_str(wat).unwrap(), &Limits::default()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_beyond_the_contract_is_refused_by_name() {
        for (wat, message) in [
            ("(module)", "core WebAssembly module, not a component"),
            ("(component)", "exports no interface of the contract"),
            (
                r#"(component (import "wasi:cli/environment@0.2.0" (instance)))"#,
                "it imports wasi:cli/environment@0.2.0, which is not in the contract",
            ),
            (
                r#"(component (import "dialog:provider/upstream@2.0.0" (instance)))"#,
                "it imports dialog:provider/upstream@2.0.0, which is not in the contract",
            ),
            (
                r#"(component (import "dialog:provider/dialogs@1.0.0" (instance)))"#,
                "it imports dialog:provider/dialogs@1.0.0, which is not in the contract",
            ),
            (r#"(component (import "run" (func)))"#, "it imports run, which"),
            (
                r#"(component (instance $i) (export "wasi:cli/run@0.2.0" (instance $i)))"#,
                "it exports wasi:cli/run@0.2.0, which is not in the contract",
            ),
            (
                r#"(component (instance $i) (export "dialog:provider/dialogs@1.0.0" (instance $i)))"#,
                "has no custom section \"dialog-manifest\"",
            ),
            (
                r#"(component (@custom "dialog-manifest" "{}") (@custom "dialog-manifest" "{}"))"#,
                "has more than one custom section \"dialog-manifest\"",
            ),
        ] {
            let error = refused(wat);
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn a_later_patch_of_the_contract_links() {
        assert_eq!(contract_name("dialog:provider/log@1.0.7"), Some("log"));
        assert_eq!(contract_name("dialog:provider/log@1.1.0"), None);
        assert_eq!(contract_name("dialog:provider/log@1.0."), None);
        assert_eq!(contract_name("dialog:provider/log"), None);
    }

    #[test]
    fn a_file_over_the_limit_is_not_looked_at() {
        let limits = Limits { component_bytes: 4, ..Limits::default() };
        assert_eq!(Package::read(b"12345", &limits), Err(PackageError::TooLarge { size: 5, limit: 4 }));
    }

    #[test]
    fn a_manifest_is_held_to_its_limit_its_rules_and_the_exports() {
        let component = |manifest: &str| {
            let exports = r#"(instance $i) (export "dialog:provider/practice@1.0.0" (instance $i))"#;
            let manifest = manifest.replace('"', "\\\"");
            wat::parse_str(format!(r#"(component {exports} (@custom "{SECTION}" "{manifest}"))"#)).unwrap()
        };
        let manifest = r#"{"manifestVersion":1,"id":"example","version":"1.2.3","name":"Example AS","kind":"commercial",
            "contract":"dialog:provider@1.0.0","services":[],"settingsSchema":{},"installationSchema":{}}"#;
        let manifest = manifest.replace("\n            ", "");
        let read = |manifest: &str, limit: usize| {
            let limits = Limits { manifest_bytes: limit as u64, ..Limits::default() };
            Package::read(&component(manifest), &limits).map_err(|error| error.to_string())
        };
        assert_eq!(read(&manifest, manifest.len()).unwrap().manifest.id.as_str(), "example");
        for (manifest, limit, told) in [
            (manifest.clone(), manifest.len() - 1, "bytes, over the limit of"),
            (manifest.replace("1.2.3", "1.2"), 1_000, "/version: is \"1.2\", and must be a semantic version"),
            (manifest.replace("[]", "[\"inquiry\"]"), 1_000, "/services/0: is \"inquiry\", and the component does not"),
        ] {
            let error = read(&manifest, limit).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }

    /// So that what the vendor's kit lets through, the operator's gateway does not refuse for its size.
    #[test]
    fn a_manifest_may_by_default_be_as_large_as_the_kit_writes_it() {
        assert_eq!(length(Limits::default().manifest_bytes), dialog_contract::manifest::BYTES);
    }

    #[test]
    fn what_is_not_webassembly_is_said_to_be_that() {
        let error = Package::read(b"#!/bin/sh\n", &Limits::default()).unwrap_err().to_string();
        assert!(error.contains("not a WebAssembly component"), "{error}");
    }
}
