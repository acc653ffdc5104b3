use dialog_contract::{
    manifest::{Manifest, SECTION},
    package::section,
};
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
    section::append(&mut component, SECTION, &json);
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
