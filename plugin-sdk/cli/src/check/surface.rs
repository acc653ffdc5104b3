use std::collections::BTreeSet;

use dialog_contract::{
    manifest::{CONTRACT, SECTION},
    provider::{Capability, Interface},
};
use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

/// What a component imports, exports and carries.
#[derive(Debug, Default)]
pub(super) struct Surface<'a> {
    pub(super) imports: BTreeSet<Capability>,
    pub(super) exports: BTreeSet<Interface>,
    pub(super) foreign_imports: Vec<String>,
    pub(super) foreign_exports: Vec<String>,
    pub(super) manifests: Vec<&'a [u8]>,
}

/// Reads a component. What is nested in it has no imports but through it.
pub(super) fn read(bytes: &[u8]) -> Result<Surface<'_>, String> {
    let mut surface = Surface::default();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| format!("it is not WebAssembly: {error}"))? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err("it is a core module, not a component: build it with `dialog-plugin build`".to_owned());
            }
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    let name = import.map_err(|error| error.to_string())?.name.name;
                    match interface(name) {
                        Some("types") => {}
                        Some(known) => match known.parse() {
                            Ok(capability) => drop(surface.imports.insert(capability)),
                            Err(_) => surface.foreign_imports.push(printable(name)),
                        },
                        None => surface.foreign_imports.push(printable(name)),
                    }
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    let name = export.map_err(|error| error.to_string())?.name.name;
                    match interface(name).and_then(|known| known.parse().ok()) {
                        Some(known) => drop(surface.exports.insert(known)),
                        None => surface.foreign_exports.push(printable(name)),
                    }
                }
            }
            Payload::CustomSection(section) if depth == 1 && section.name() == SECTION => {
                surface.manifests.push(section.data());
            }
            _ => {}
        }
    }
    // The features that the gateway's engine has on without being asked.
    Validator::new_with_features(WasmFeatures::default())
        .validate_all(bytes)
        .map_err(|error| format!("it is not valid: {error}"))?;
    Ok(surface)
}

/// The interface of the contract that a name names.
fn interface(name: &str) -> Option<&str> {
    let (package, version) = CONTRACT.split_once('@')?;
    let (known, of) = name.strip_prefix(package)?.strip_prefix('/')?.split_once('@')?;
    (of == version).then_some(known)
}

/// A name of the file's, as a line on a terminal may hold it.
fn printable(name: &str) -> String {
    name.chars().take(200).map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}
