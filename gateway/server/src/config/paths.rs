//! What the configuration names outside of itself: paths, which count from the folder of its file wherever the gateway
//! is started, and secrets.

use std::path::{Path, PathBuf};

use dialog_host::{UpstreamBinding, secret::SecretSource, upstream::config::CredentialsConfig};

use super::Config;
use crate::auth::keys::KeySource;

impl Config {
    /// Makes every path count from `folder`.
    pub(super) fn count_from(&mut self, folder: &Path) {
        let path = |path: &mut PathBuf| *path = folder.join(&*path);
        let secret = |source: &mut SecretSource| {
            if let SecretSource::File(file) = source {
                *file = folder.join(&*file);
            }
        };
        let upstream = |binding: &mut UpstreamBinding| {
            binding.certificate_authorities.as_mut().map(path);
            match &mut binding.credentials {
                None => {}
                Some(CredentialsConfig::Bearer { token }) => secret(token),
                Some(CredentialsConfig::ApiKey { key, .. } | CredentialsConfig::Oauth2 { key, .. }) => secret(key),
                Some(CredentialsConfig::Basic { password, .. } | CredentialsConfig::WsSecurity { password, .. }) => {
                    secret(password);
                }
                Some(CredentialsConfig::Mtls { certificate, key }) => {
                    path(certificate);
                    secret(key);
                }
            }
        };
        path(&mut self.data.folder);
        self.data.cache.as_mut().map(path);
        for table in self.tls.each_mut() {
            table.certificate.as_mut().map(path);
            table.key.as_mut().map(secret);
            table.client_authorities.as_mut().map(path);
        }
        path(&mut self.directory.file);
        self.trust.file.as_mut().map(path);
        secret(&mut self.audit.key);
        self.audit.also_signed_by.iter_mut().for_each(secret);
        self.audit.folder.as_mut().map(path);
        self.audit.policy.as_mut().map(path);
        self.audit.predecessors.iter_mut().for_each(|before| path(&mut before.folder));
        secret(&mut self.pseudonyms.key);
        if let Some(otlp) = &mut self.telemetry.otlp {
            otlp.certificate_authorities.as_mut().map(path);
            otlp.headers.values_mut().for_each(|header| secret(&mut header.0));
        }
        for master in &mut self.encryption.keys {
            secret(&mut master.key);
        }
        for issuer in &mut self.issuers {
            if let KeySource::File(file) = &mut issuer.keys {
                path(file);
            }
        }
        for plugin in &mut self.plugins {
            plugin.package.as_mut().map(path);
            if let Some(webhook) = &mut plugin.webhook {
                secret(&mut webhook.secret);
            }
            plugin.upstreams.values_mut().for_each(upstream);
        }
        let directory = &mut self.directory;
        directory.gp_register.iter_mut().for_each(|register| upstream(&mut register.upstream));
        directory.address_register.iter_mut().for_each(|register| upstream(&mut register.upstream));
        self.archive.iter_mut().for_each(|archive| upstream(&mut archive.upstream));
    }

    /// Every secret that the configuration names, by its key.
    #[must_use]
    pub fn secrets(&self) -> Vec<(String, &SecretSource)> {
        let mut secrets =
            vec![("audit.key".to_owned(), &self.audit.key), ("pseudonyms.key".to_owned(), &self.pseudonyms.key)];
        let also = self.audit.also_signed_by.iter().enumerate();
        secrets.extend(also.map(|(at, key)| (format!("audit.also-signed-by[{at}]"), key)));
        let masters = self.encryption.keys.iter().enumerate();
        secrets.extend(masters.map(|(at, master)| (format!("encryption.keys[{at}].key"), &master.key)));
        if let Some(otlp) = &self.telemetry.otlp {
            let headers = otlp.headers.iter();
            secrets.extend(headers.map(|(name, header)| (format!("telemetry.otlp.headers.{name}"), &header.0)));
        }
        for (listener, table) in self.tls.each() {
            secrets.extend(table.key.iter().map(|key| (format!("tls.{listener}.key"), key)));
        }
        for (at, plugin) in self.plugins.iter().enumerate() {
            secrets.extend(
                plugin.webhook.iter().map(|webhook| (format!("plugins[{at}].webhook.secret"), &webhook.secret)),
            );
            for (name, binding) in &plugin.upstreams {
                secrets.extend(secret_of(&format!("plugins[{at}].upstreams.{name}"), binding));
            }
        }
        secrets.extend(self.upstreams().filter_map(|(key, binding)| secret_of(key, binding)));
        secrets
    }
}

/// The secret of an upstream's credentials, by its key; none where there is none.
fn secret_of<'a>(upstream: &str, binding: &'a UpstreamBinding) -> Option<(String, &'a SecretSource)> {
    let (key, secret) = match binding.credentials.as_ref()? {
        CredentialsConfig::Bearer { token } => ("token", token),
        CredentialsConfig::ApiKey { key, .. }
        | CredentialsConfig::Oauth2 { key, .. }
        | CredentialsConfig::Mtls { key, .. } => ("key", key),
        CredentialsConfig::Basic { password, .. } | CredentialsConfig::WsSecurity { password, .. } => {
            ("password", password)
        }
    };
    Some((format!("{upstream}.credentials.{key}"), secret))
}
