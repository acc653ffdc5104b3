//! From the file to [`Config`].

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use dialog_host::file;
use sha2::{Digest, Sha256};
use tracing_subscriber::EnvFilter;
use url::Url;

use super::{Config, NoticesConfig, archive::ArchiveConfig, webhook::WebhookConfig};
use crate::{
    auth::keys::{KeySource, is_safe},
    hex,
    limits::{CONFIGURATION_BYTES, JOURNAL_SEGMENT_BYTES, UNREADABLE_DAYS},
    return_origins::is_origin,
};

/// The configuration cannot be used. Says which file, where in it, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{file}: {error}")]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file is not TOML, or not of the documented form.
    #[error("{file}:{line}: {what}")]
    Invalid {
        /// Which file.
        file: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What is wrong, and the nearest known key where one is unknown.
        what: String,
    },
    /// Parts of it do not fit together.
    #[error("{file}: {key}: {what}")]
    Inconsistent {
        /// Which file.
        file: PathBuf,
        /// Which key.
        key: String,
        /// What is wrong.
        what: String,
    },
}

impl Config {
    /// Reads, parses and checks the file. Relative paths in it count from the file's folder.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let unreadable = |error| ConfigError::Unreadable { file: file.to_owned(), error };
        let bytes = file::read(file, CONFIGURATION_BYTES).map_err(unreadable)?;
        let sha256 = hex(&Sha256::digest(&bytes));
        // The error of a conversion holds the bytes, and with them what may be a secret.
        let text = String::from_utf8(bytes)
            .map_err(|error| unreadable(std::io::Error::new(ErrorKind::InvalidData, error.utf8_error())))?;
        let mut config: Self = toml::from_str(&text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = 1 + text[..at].matches('\n').count();
            ConfigError::Invalid { file: file.to_owned(), line, what: what(&text, at, error.message()) }
        })?;
        config.sha256 = sha256;
        config.count_from(file.parent().unwrap_or(Path::new(".")));
        config.check().map_err(|(key, what)| ConfigError::Inconsistent { file: file.to_owned(), key, what })?;
        Ok(config)
    }

    fn check(&self) -> Result<(), (String, String)> {
        let wrong = |key: &str, what: &str| Err((key.to_owned(), what.to_owned()));
        for (key, url) in
            [("public-url", Some(&self.public_url)), ("operations.public-url", self.operations.public_url.as_ref())]
        {
            if url.is_some_and(|url| !is_address(url)) {
                return wrong(key, "must be an http or https URL without user, query and fragment");
            }
        }
        if let Some(at) = self.payments.return_origins.iter().position(|url| !is_origin(url)) {
            let what = "must be an origin: http or https, a host, perhaps a port, and nothing more";
            return wrong(&format!("payments.return-origins[{at}]"), what);
        }
        for (listener, table) in self.tls.each() {
            if let Err((key, what)) = table.decide() {
                return wrong(&format!("tls.{listener}.{key}"), what);
            }
        }
        if !UNREADABLE_DAYS.contains(&self.data.unreadable_days) {
            let (least, most) = (UNREADABLE_DAYS.start(), UNREADABLE_DAYS.end());
            return wrong("data.unreadable-days", &format!("must be {least} to {most}"));
        }
        if !JOURNAL_SEGMENT_BYTES.contains(&self.audit.journal_segment_bytes) {
            let (least, most) = (JOURNAL_SEGMENT_BYTES.start(), JOURNAL_SEGMENT_BYTES.end());
            return wrong("audit.journal-segment-bytes", &format!("must be {least} to {most}"));
        }
        if self.issuers.is_empty() {
            return wrong("issuers", "at least one issuer must be trusted, or nobody can log in");
        }
        for (at, issuer) in self.issuers.iter().enumerate() {
            if issuer.audiences.is_empty() || issuer.algorithms.is_empty() || issuer.token_types.is_empty() {
                let what = "audiences, algorithms and token-types must each name at least one";
                return wrong(&format!("issuers[{at}]"), what);
            }
            if let Some(algorithm) = issuer.algorithms.iter().find(|algorithm| is_symmetric(**algorithm)) {
                return wrong(
                    &format!("issuers[{at}].algorithms"),
                    &format!("{algorithm:?} is symmetric: whoever can verify could also issue"),
                );
            }
            if self.issuers[..at].iter().any(|earlier| earlier.issuer == issuer.issuer) {
                return wrong(&format!("issuers[{at}].issuer"), "is there twice");
            }
        }
        for (at, issuer) in self.issuers.iter().enumerate() {
            if let KeySource::Url(url) | KeySource::Metadata(url) = &issuer.keys
                && !is_safe(url)
            {
                return wrong(&format!("issuers[{at}].keys"), "must be https, or http to this machine");
            }
        }
        if let Some(at) = self.plugins.iter().position(|plugin| plugin.id.is_none() && plugin.package.is_none()) {
            return wrong(&format!("plugins[{at}]"), "needs a package, or the id of one that is installed by command");
        }
        if let Some(Err((key, what))) = self.notices.as_ref().map(NoticesConfig::decide) {
            return wrong(&format!("notices.{key}"), &what);
        }
        let directory = &self.directory;
        let gp = directory.gp_register.as_ref().map(|register| ("gp-register", register.check()));
        let address = directory.address_register.as_ref().map(|register| ("address-register", register.check()));
        for (register, checked) in gp.into_iter().chain(address) {
            if let Err((key, what)) = checked {
                return wrong(&format!("directory.{register}.{key}"), what);
            }
        }
        if let Some(Err((key, what))) = self.archive.as_ref().map(ArchiveConfig::check) {
            return wrong(&format!("archive.{key}"), what);
        }
        for (at, plugin) in self.plugins.iter().enumerate() {
            if let Some(Err((key, what))) = plugin.webhook.as_ref().map(WebhookConfig::decide) {
                return wrong(&format!("plugins[{at}].webhook.{key}"), what);
            }
        }
        if let Err(error) = EnvFilter::try_new(&self.telemetry.log) {
            return wrong("telemetry.log", &error.to_string());
        }
        if !(0.0..=1.0).contains(&self.telemetry.sample) {
            return wrong("telemetry.sample", "must be from 0 to 1");
        }
        self.limits.check().map_err(|error| ("limits".to_owned(), error.to_string()))
    }
}

/// Paths are put after it.
fn is_address(url: &Url) -> bool {
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    matches!(url.scheme(), "http" | "https") && url.has_host() && plain && url.fragment().is_none()
}

const fn is_symmetric(algorithm: jsonwebtoken::Algorithm) -> bool {
    use jsonwebtoken::Algorithm::{HS256, HS384, HS512};
    matches!(algorithm, HS256 | HS384 | HS512)
}

/// Keys whose values are secrets, if only by mistake.
const SECRET: &[&str] = &["key", "also-signed-by", "token", "password", "secret"];

/// What is wrong at `at`, with the key that it is about. A secret that somebody wrote into the file itself is not
/// repeated.
fn what(text: &str, at: usize, message: &str) -> String {
    let Some(key) = key_at(text, at) else {
        return with_nearest(message);
    };
    let last = key.rsplit('.').next().unwrap_or_default();
    if message.starts_with("unknown field") || message.starts_with("missing field") {
        with_nearest(message)
    } else if last == "credentials" {
        // The whole table is one value to the parser: what it found there may be the secret.
        let wanted = message.rsplit_once(", expected ").map_or("not as documented", |(_, wanted)| wanted);
        format!("{key}: expected {wanted}; a secret in it is {{ file = \"…\" }} or {{ env = \"…\" }}")
    } else if SECRET.contains(&last) {
        format!("{key}: a secret is {{ file = \"…\" }} or {{ env = \"…\" }}, never in the configuration itself")
    } else {
        format!("{key}: {message}")
    }
}

/// The key that is set where `at` is, with its table; as far as lines tell.
fn key_at(text: &str, at: usize) -> Option<String> {
    let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
    let mut lines = text[..end].lines().rev();
    let column = at - text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let is_key = |key: &&str| {
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    let first = lines.next()?;
    // In an inline table the nearest key is the one before the value.
    let before = first.get(..column).unwrap_or(first);
    let key = before
        .rsplit(['{', ',', '[', '('])
        .chain(std::iter::once(first))
        .filter_map(|part| part.split_once('=').map(|(key, _)| key.trim()))
        .find(is_key)
        .or_else(|| {
            lines
                .by_ref()
                .take_while(|line| !line.starts_with('['))
                .filter_map(|line| line.split_once('='))
                .map(|(key, _)| key.trim())
                .find(is_key)
        })?;
    let table = text[..at].lines().rev().find(|line| line.starts_with('['));
    let table = table.map(|line| line.trim_matches(|letter| matches!(letter, '[' | ']' | ' ')));
    Some(table.map_or_else(|| key.to_owned(), |table| format!("{table}.{key}")))
}

/// serde says "unknown field `x`, expected one of `a`, `b`": this adds which of them is nearest.
fn with_nearest(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(unknown) = quoted.next().filter(|_| message.starts_with("unknown field")) else {
        return message.to_owned();
    };
    match quoted.max_by(|a, b| strsim::jaro_winkler(unknown, a).total_cmp(&strsim::jaro_winkler(unknown, b))) {
        Some(nearest) => format!("unknown key `{unknown}`; the nearest known one is `{nearest}`"),
        None => format!("unknown key `{unknown}`; no keys are known here"),
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
