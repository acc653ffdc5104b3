use dialog_contract::manifest::{Manifest, SECTION};
use wit_component::ComponentEncoder;

use super::BuildError;

/// Makes a component of a core module and its manifest.
pub(super) fn pack(package: &str, module: &[u8], manifest: &Manifest) -> Result<Vec<u8>, BuildError> {
    let failed = |message: String| BuildError::Component { package: package.to_owned(), message };
    let mut component = ComponentEncoder::default()
        .module(module)
        .and_then(|encoder| encoder.validate(true).encode())
        .map_err(|error| failed(explained(&format!("{error:#}"))))?;
    let json = serde_json::to_vec(manifest).map_err(|error| failed(error.to_string()))?;
    append(&mut component, SECTION, &json);
    Ok(component)
}

/// What a vendor most often meets, said with its cure.
fn explained(error: &str) -> String {
    if error.contains("failed to find export of interface") || error.contains("module requires an import interface") {
        return format!("{error}\n(the module imports what is not in the contract: is a dependency built for WASI?)");
    }
    if error.contains("component-type") || error.contains("no exports") {
        return format!("{error}\n(does the plugin call an export macro, such as export_dialogs!?)");
    }
    error.to_owned()
}

/// Adds a custom section at the end: `0`, the length of what follows, the length of the name, the name, the bytes.
fn append(component: &mut Vec<u8>, name: &str, bytes: &[u8]) {
    let mut section = Vec::new();
    leb128(&mut section, name.len());
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(bytes);
    component.push(0);
    leb128(component, section.len());
    component.extend_from_slice(&section);
}

/// Unsigned LEB128, as WebAssembly writes lengths.
fn leb128(bytes: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use wasmparser::{Parser, Payload};

    use super::*;

    #[test]
    fn a_section_is_read_back_as_it_was_added() {
        for length in [0, 1, 127, 128, 70_000] {
            let mut component = wat::parse_str("(component)").unwrap();
            let bytes = vec![b'x'; length];
            append(&mut component, SECTION, &bytes);
            let found = Parser::new(0).parse_all(&component).find_map(|payload| match payload.unwrap() {
                Payload::CustomSection(section) if section.name() == SECTION => Some(section.data().to_vec()),
                _ => None,
            });
            assert_eq!(found.unwrap(), bytes);
        }
    }
}
