//! From the file to [`Config`].

use std::path::{Path, PathBuf};

use super::Config;

/// Larger than any configuration.
const MAX_BYTES: u64 = 1024 * 1024;

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
        let size = std::fs::metadata(file).map_err(unreadable)?.len();
        if size > MAX_BYTES {
            return Err(unreadable(std::io::Error::other(format!("{size} bytes is over the limit of {MAX_BYTES}"))));
        }
        let text = std::fs::read_to_string(file).map_err(unreadable)?;
        let mut config: Self = toml::from_str(&text).map_err(|error| ConfigError::Invalid {
            file: file.to_owned(),
            line: error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count()),
            what: with_nearest(error.message()),
        })?;
        config.count_from(file.parent().unwrap_or(Path::new(".")));
        config.check().map_err(|(key, what)| ConfigError::Inconsistent { file: file.to_owned(), key, what })?;
        Ok(config)
    }

    fn check(&self) -> Result<(), (String, String)> {
        let wrong = |key: &str, what: &str| Err((key.to_owned(), what.to_owned()));
        if !matches!(self.public_url.scheme(), "http" | "https") {
            return wrong("public-url", "must be an http or https URL");
        }
        if self.issuers.is_empty() {
            return wrong("issuers", "at least one issuer must be trusted, or nobody can log in");
        }
        for (at, issuer) in self.issuers.iter().enumerate() {
            if issuer.audiences.is_empty() || issuer.algorithms.is_empty() {
                return wrong(&format!("issuers[{at}]"), "audiences and algorithms must each name at least one");
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
        self.limits.check().map_err(|error| ("limits".to_owned(), error.to_string()))
    }
}

const fn is_symmetric(algorithm: jsonwebtoken::Algorithm) -> bool {
    use jsonwebtoken::Algorithm::{HS256, HS384, HS512};
    matches!(algorithm, HS256 | HS384 | HS512)
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
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_named_with_the_nearest_known_one() {
        assert_eq!(
            with_nearest("unknown field `lissten`, expected one of `data`, `listen`, `audit`"),
            "unknown key `lissten`; the nearest known one is `listen`"
        );
        assert_eq!(with_nearest("missing field `data`"), "missing field `data`");
    }
}
