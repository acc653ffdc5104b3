//! Relative paths in the configuration count from the folder of its file, wherever the gateway is started.

use std::path::{Path, PathBuf};

use dialog_host::{secret::SecretSource, upstream::config::CredentialsConfig};

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
        path(&mut self.data.folder);
        self.data.cache.as_mut().map(path);
        path(&mut self.directory.file);
        secret(&mut self.audit.key);
        secret(&mut self.pseudonyms.key);
        for issuer in &mut self.issuers {
            if let KeySource::File(file) = &mut issuer.keys {
                path(file);
            }
        }
        for plugin in &mut self.plugins {
            path(&mut plugin.package);
            if let Some(webhook) = &mut plugin.webhook {
                secret(&mut webhook.secret);
            }
            for binding in plugin.upstreams.values_mut() {
                binding.certificate_authorities.as_mut().map(path);
                match &mut binding.credentials {
                    None => {}
                    Some(CredentialsConfig::Bearer { token }) => secret(token),
                    Some(CredentialsConfig::ApiKey { key, .. } | CredentialsConfig::Oauth2 { key, .. }) => secret(key),
                    Some(CredentialsConfig::Basic { password, .. }) => secret(password),
                    Some(CredentialsConfig::Mtls { certificate, key }) => {
                        path(certificate);
                        secret(key);
                    }
                }
            }
        }
    }
}
