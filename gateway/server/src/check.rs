//! What is wrong with a configuration, as far as it can be known without serving: its secrets, keys, directory and
//! plugins are read, nothing is written, nobody is asked over the network.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use dialog_audit::SigningKey;
use dialog_contract::{ids::PluginId, provider::Interface, pseudonym::Pseudonyms};
use dialog_core::ports::clock::{Clock, SystemClock};
use dialog_host::{
    file,
    manifest::check_value,
    package::{Brought, Package},
    trust::{Trust, TrustError},
    upstream::{self, BindingError, CredentialsError},
};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::{
    auth::keys::Keys,
    config::{Config, NoticesConfig, PluginEntry},
    directory::{
        self,
        file::{Directory, Loaded},
    },
    encryption,
    log::Keys as LogKeys,
    tls::{
        config::{Protection, Tls},
        papers::{Papers, PapersError, Sources},
    },
    webhook::Webhook,
};

/// What was read to check a configuration, and is what the gateway then starts with.
pub struct Checked {
    /// The directory.
    pub directory: Loaded,
    /// The plugins, in the order of the configuration.
    pub plugins: Vec<CheckedPlugin>,
    /// The listeners' papers, by listener; no entry where it speaks in the clear.
    pub papers: Vec<(&'static str, Tls, Papers)>,
    /// What is not wrong and should be looked at; each with its key.
    pub warnings: Vec<String>,
}

/// A plugin's file, as it was checked.
pub struct CheckedPlugin {
    /// Which plugin it is.
    pub id: PluginId,
    /// The package that the configuration names.
    pub package: Option<Brought>,
}

/// Reads and checks everything that the configuration names.
///
/// # Errors
/// All that would keep a gateway from starting or from being of use; each with its key.
pub fn check(config: &Config) -> Result<Checked, Vec<String>> {
    let mut problems: Vec<String> = config
        .secrets()
        .into_iter()
        .filter_map(|(key, source)| source.read().err().map(|error| format!("{key}: {error}")))
        .collect();
    match LogKeys::read(&config.audit) {
        Ok(keys) => {
            if let Err(error) = keys.own() {
                problems.push(format!("audit: {error}"));
            }
            let origin = keys.signers.first().map(SigningKey::name);
            if let Some(other) = keys.signers.iter().find(|key| Some(key.name()) != origin) {
                problems.push(format!("audit.also-signed-by: the key {:?} is of another log", other.name()));
            }
        }
        Err(wrong) => problems.extend(wrong),
    }
    if let Ok(key) = config.pseudonyms.key.read()
        && let Err(error) = Pseudonyms::new(key.expose_secret().as_bytes())
    {
        problems.push(format!("pseudonyms.key: {error}"));
    }
    if config.encryption.keys.iter().all(|master| master.key.read().is_ok())
        && let Err(wrong) = encryption::master_keys(&config.encryption)
    {
        problems.extend(wrong);
    }
    // That a secret cannot be read is said above, with the secret's own key.
    if let Some(otlp) = &config.telemetry.otlp
        && otlp.headers.values().all(|header| header.0.read().is_ok())
        && let Err(error) = otlp.check()
    {
        problems.push(error.to_string());
    }
    for (at, issuer) in config.issuers.iter().enumerate() {
        if let Err(error) = Keys::load(&issuer.issuer, issuer.keys.clone()) {
            problems.push(format!("issuers[{at}].keys: {error}"));
        }
    }
    if let Err(error) = config.limits.check() {
        problems.push(format!("limits: {error}"));
    }
    if let Some(path) = &config.trust.file
        && let Err(error) = Trust::read(path, config.trust.unsigned_plugins)
    {
        problems.push(format!("trust.file: {}: {error}", path.display()));
    }
    let (mut warnings, mut listeners) = (open_secrets(config), Vec::new());
    warnings.extend(config.trust.file.as_deref().and_then(open_to_writers));
    for (listener, table) in config.tls.each() {
        match table.decide() {
            Err((key, what)) => problems.push(format!("tls.{listener}.{key}: {what}")),
            Ok(Protection::Plaintext) => warnings.push(format!(
                "tls.{listener}.plaintext: whoever is on the way reads and changes what passes; only behind a proxy of your own"
            )),
            Ok(Protection::Tls(tls)) => match Sources::read(&tls).and_then(|read| Papers::of(&read, &tls, Timestamp::now())) {
                Ok(papers) => {
                    warnings.extend(papers.warnings.iter().map(|warning| format!("tls.{listener}.{warning}")));
                    listeners.push((listener, tls, papers));
                }
                // That a secret cannot be read is said above, with the secret's own key.
                Err(PapersError { key: "key", .. }) if tls.key.read().is_err() => {}
                Err(error) => problems.push(format!("tls.{listener}.{error}")),
            },
        }
    }
    let mut plugins: Vec<CheckedPlugin> = Vec::new();
    for (at, entry) in config.plugins.iter().enumerate() {
        match plugin(config, entry) {
            Ok(plugin) if plugins.iter().any(|known| known.id == plugin.id) => {
                problems.push(format!("plugins[{at}].package: the plugin {} is configured twice", plugin.id));
            }
            Ok(plugin) => plugins.push(plugin),
            Err(problem) => problems.push(format!("plugins[{at}].{problem}")),
        }
        // That it cannot be read is said above.
        if let Some(webhook) = &entry.webhook
            && webhook.secret.read().is_ok()
            && let Err(error) = Webhook::of(webhook)
        {
            problems.push(format!("plugins[{at}].webhook.{error}"));
        }
        for (name, binding) in &entry.upstreams {
            // That a secret cannot be read is said above, with the secret's own key.
            match upstream::check(binding, &config.limits) {
                Ok(()) | Err(BindingError::Credentials(CredentialsError::Secret(_))) => {}
                Err(error) => problems.push(format!("plugins[{at}].upstreams.{name}: {error}")),
            }
        }
    }
    problems.extend(config.notices.iter().flat_map(|notices| notifiers(notices, &plugins)));
    for (key, binding) in config.upstreams() {
        match upstream::check(binding, &config.limits) {
            Ok(()) | Err(BindingError::Credentials(CredentialsError::Secret(_))) => {}
            Err(error) => problems.push(format!("{key}: {error}")),
        }
    }
    match directory::file::read(&config.directory.file) {
        Err(error) => problems.push(error.to_string()),
        Ok(directory) => {
            problems.extend(settings(&directory.directory, &plugins));
            if problems.is_empty() {
                return Ok(Checked { directory, plugins, papers: listeners, warnings });
            }
        }
    }
    Err(problems)
}

/// Secrets that everybody on the machine can read. Those of the listeners are looked at with their certificates.
fn open_secrets(config: &Config) -> Vec<String> {
    let secrets = config.secrets().into_iter().filter(|(key, _)| !key.starts_with("tls."));
    secrets.filter_map(|(key, source)| source.exposed().map(|how| format!("{key}: {how}"))).collect()
}

/// Whoever writes the file of trusted keys says whose code runs.
fn open_to_writers(path: &Path) -> Option<String> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    let open =
        format!("trust.file: {}: others on this machine can write it (mode {mode:03o}); chmod go-w", path.display());
    (mode & 0o022 != 0).then_some(open)
}

/// What is known of a plugin; or the key that is wrong, and how.
fn plugin(config: &Config, entry: &PluginEntry) -> Result<CheckedPlugin, String> {
    let (path, id) = match (&entry.package, &entry.id) {
        (Some(path), id) => (path, id),
        (None, Some(id)) => return Ok(CheckedPlugin { id: id.clone(), package: None }),
        (None, None) => return Err("id: there is neither an id nor a package".to_owned()),
    };
    let wrong = |error: &dyn std::fmt::Display| format!("package: {}: {error}", path.display());
    let bytes = file::read(path, config.limits.component_bytes).map_err(|error| wrong(&error))?;
    let package = Package::read(&bytes, &config.limits).map_err(|error| wrong(&error))?;
    if let Some(id) = id.as_ref().filter(|id| **id != package.manifest.id) {
        return Err(format!("id: is {id}, and the package is {}", package.manifest.id));
    }
    trusted(config, &bytes, &package).map_err(|error| wrong(&error))?;
    let takes = package.exports.contains(&Interface::Inbound);
    if entry.poll_seconds.is_some() && !takes {
        return Err("poll-seconds: the plugin exports no inbound".to_owned());
    }
    if entry.webhook.is_some() && !takes {
        return Err("webhook: the plugin exports no inbound".to_owned());
    }
    entry.grant.check(&package, &entry.upstreams).map_err(|error| format!("grant: {error}"))?;
    check_value(&package.manifest.installation_schema, &Value::Object(entry.installation.clone()))
        .map_err(|error| format!("installation: {error}"))?;
    Ok(CheckedPlugin { id: package.manifest.id.clone(), package: Some(Brought { file: bytes, package }) })
}

/// Whether somebody whom the operator trusts stands for a package. That a key has run out since it was installed, only
/// the store can say.
fn trusted(config: &Config, file: &[u8], package: &Package) -> Result<(), String> {
    let unsigned = config.trust.unsigned_plugins;
    let trust = match &config.trust.file {
        // That the file cannot be used is said with its own key.
        Some(path) => match Trust::read(path, unsigned) {
            Ok(trust) => trust,
            Err(_) => return Ok(()),
        },
        None => Trust::default().with_unsigned(unsigned),
    };
    let opened = dialog_contract::package::open(file).map_err(|error| error.to_string())?;
    match trust.check(&opened, &package.manifest, SystemClock.now()) {
        Ok(_) | Err(TrustError::Expired { .. }) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Notifiers that are not configured, or are none. What a plugin exports that is installed by command is known when it is.
fn notifiers(notices: &NoticesConfig, plugins: &[CheckedPlugin]) -> Vec<String> {
    let named = [("sms", &notices.sms), ("email", &notices.email)];
    named
        .into_iter()
        .filter_map(|(key, id)| {
            let id = id.as_ref()?;
            let Some(plugin) = plugins.iter().find(|plugin| plugin.id == *id) else {
                return Some(format!("notices.{key}: no plugin {id} is configured"));
            };
            let exports = &plugin.package.as_ref()?.package.exports;
            (!exports.contains(&Interface::Notices))
                .then(|| format!("notices.{key}: the plugin {id} exports no notices"))
        })
        .collect()
}

/// Agreements whose settings are not as their plugin's schema has them: better found at start than at a citizen's
/// request. Agreements with a plugin that is not installed are not looked at.
fn settings(directory: &Directory, plugins: &[CheckedPlugin]) -> Vec<String> {
    let agreements = directory.agreements.iter().enumerate();
    let all = agreements.flat_map(|(at, agreement)| {
        let own = (format!("agreements[{at}].settings"), &agreement.plugin, &agreement.settings);
        let behind = agreement.fallback.as_ref();
        let behind =
            behind.map(|other| (format!("agreements[{at}].fallback.settings"), &other.plugin, &other.settings));
        [Some(own), behind].into_iter().flatten()
    });
    all.filter_map(|(at, id, settings)| {
        let plugin = plugins.iter().find(|known| known.id == *id)?;
        let schema = &plugin.package.as_ref()?.package.manifest.settings_schema;
        let wrong = check_value(schema, settings).err()?;
        Some(format!("directory file: {at}: not as {id} has them: {wrong}"))
    })
    .collect()
}
