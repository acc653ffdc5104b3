//! What is wrong with a configuration, as far as it can be known without serving: its secrets, keys, directory and
//! plugins are read, nothing is written, nobody is asked over the network.

use dialog_audit::SigningKey;
use dialog_contract::ids::PluginId;
use dialog_host::{manifest::check_value, package::Package};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::{
    auth::keys::Keys,
    config::{Config, PluginEntry},
    directory::file::{self, Directory},
    pseudonym::Pseudonyms,
};

/// Everything that would keep a gateway with this configuration from starting or from being of use; each with its key.
#[must_use]
pub fn problems(config: &Config) -> Vec<String> {
    let mut problems: Vec<String> = config
        .secrets()
        .into_iter()
        .filter_map(|(key, source)| source.read().err().map(|error| format!("{key}: {error}")))
        .collect();
    if let Ok(key) = config.audit.key.read()
        && let Err(error) = SigningKey::parse(key.expose_secret())
    {
        problems.push(format!("audit.key: {error}"));
    }
    if let Ok(key) = config.pseudonyms.key.read()
        && let Err(error) = Pseudonyms::new(&key.expose_secret().as_bytes().to_vec().into())
    {
        problems.push(format!("pseudonyms.key: {error}"));
    }
    for (at, issuer) in config.issuers.iter().enumerate() {
        if let Err(error) = Keys::load(issuer.keys.clone()) {
            problems.push(format!("issuers[{at}].keys: {error}"));
        }
    }
    let mut schemas: Vec<(PluginId, Value)> = Vec::new();
    for (at, entry) in config.plugins.iter().enumerate() {
        match plugin(config, entry) {
            Ok((id, _)) if schemas.iter().any(|(known, _)| *known == id) => {
                problems.push(format!("plugins[{at}].package: the plugin {id} is configured twice"));
            }
            Ok(known) => schemas.push(known),
            Err(problem) => problems.push(format!("plugins[{at}].{problem}")),
        }
    }
    match file::read(&config.directory.file) {
        Err(error) => problems.push(error.to_string()),
        Ok(loaded) => {
            let schema =
                |plugin: &PluginId| schemas.iter().find(|(known, _)| known == plugin).map(|(_, schema)| schema.clone());
            problems.extend(settings(&loaded.directory, schema));
        }
    }
    problems
}

/// A plugin's id and its schema of an office's settings; or the key that is wrong, and how.
fn plugin(config: &Config, entry: &PluginEntry) -> Result<(PluginId, Value), String> {
    let file = entry.package.display();
    let size = std::fs::metadata(&entry.package).map_err(|error| format!("package: {file}: {error}"))?.len();
    if size > config.limits.component_bytes {
        return Err(format!("package: {file}: {size} bytes is over the limit of {}", config.limits.component_bytes));
    }
    let bytes = std::fs::read(&entry.package).map_err(|error| format!("package: {file}: {error}"))?;
    let package = Package::read(&bytes, &config.limits).map_err(|error| format!("package: {file}: {error}"))?;
    entry.grant.check(&package, &entry.upstreams).map_err(|error| format!("grant: {error}"))?;
    check_value(&package.manifest.installation_schema, &Value::Object(entry.installation.clone()))
        .map_err(|error| format!("installation: {error}"))?;
    Ok((package.manifest.id, package.manifest.settings_schema))
}

/// Agreements whose settings are not as their plugin's schema has them: better found at start than at a citizen's
/// request. Agreements with a plugin that is not installed are not looked at.
pub fn settings(directory: &Directory, schema: impl Fn(&PluginId) -> Option<Value>) -> Vec<String> {
    let agreements = directory.agreements.iter().enumerate();
    agreements
        .filter_map(|(at, agreement)| {
            let wrong = check_value(&schema(&agreement.plugin)?, &agreement.settings).err()?;
            Some(format!("directory file: agreements[{at}].settings: not as {} has them: {wrong}", agreement.plugin))
        })
        .collect()
}
