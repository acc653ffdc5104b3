//! Secrets: they come from files or environment variables, never from the configuration itself, and never print.

use std::{fmt, os::unix::fs::PermissionsExt as _, path::PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{file, limits::SECRET_BYTES};

/// Where a secret is kept: `{ file = "…" }` or `{ env = "…" }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SecretSource {
    /// In a file; a line end at its end is not part of it.
    File(PathBuf),
    /// In an environment variable.
    Env(String),
}

/// Why a secret could not be had.
#[derive(Debug, thiserror::Error)]
#[error("the secret in {place} {problem}")]
pub struct SecretError {
    /// Where it should have been.
    pub place: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Env(name) => write!(f, "the environment variable {name}"),
        }
    }
}

impl SecretSource {
    /// How others on this machine can read it, where they can: by the file's mode. Members of its group may, as in what a
    /// container is given.
    #[must_use]
    pub fn exposed(&self) -> Option<String> {
        let Self::File(path) = self else { return None };
        let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
        (mode & 0o007 != 0).then(|| format!("{self} is open to everybody on this machine (mode {mode:03o}); chmod 600"))
    }

    /// Reads the secret.
    ///
    /// # Errors
    /// When it is not there, not text, empty, or over 64 KiB.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        let failed = |problem: String| SecretError { place: self.to_string(), problem };
        let text = match self {
            Self::File(path) => {
                let bytes =
                    file::read(path, SECRET_BYTES).map_err(|error| failed(format!("cannot be read: {error}")))?;
                // The error of a conversion holds the bytes.
                String::from_utf8(bytes).map_err(|error| {
                    drop(Zeroizing::new(error.into_bytes()));
                    failed("is not text".to_owned())
                })?
            }
            // `VarError` holds the value where that is not Unicode.
            Self::Env(name) => std::env::var(name).map_err(|error| match error {
                std::env::VarError::NotPresent => failed("is not set".to_owned()),
                std::env::VarError::NotUnicode(_) => failed("is not text".to_owned()),
            })?,
        };
        let text = Zeroizing::new(text);
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(failed("is empty".to_owned()));
        }
        Ok(SecretString::from(text))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_secret_is_read_from_its_file_without_the_line_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "opensesame\n").unwrap();
        let secret = SecretSource::File(file.path().to_owned()).read().unwrap();
        assert_eq!(secret.expose_secret(), "opensesame");
        assert!(!format!("{secret:?}").contains("opensesame"));
    }

    #[test]
    fn a_file_that_everybody_can_read_is_told_and_one_of_a_group_is_not() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let source = SecretSource::File(file.path().to_owned());
        for (mode, told) in [(0o600, false), (0o640, false), (0o644, true), (0o602, true)] {
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(source.exposed().is_some(), told, "{mode:o}");
        }
        assert_eq!(SecretSource::Env("KEY".to_owned()).exposed(), None);
    }

    #[test]
    fn a_secret_that_is_not_there_is_named_by_its_place() {
        let error = SecretSource::Env("DIALOG_NO_SUCH_SECRET".to_owned()).read().unwrap_err();
        assert_eq!(error.to_string(), "the secret in the environment variable DIALOG_NO_SUCH_SECRET is not set");
        let empty = tempfile::NamedTempFile::new().unwrap();
        let error = SecretSource::File(empty.path().to_owned()).read().unwrap_err();
        assert!(error.to_string().ends_with("is empty"), "{error}");
    }

    #[test]
    fn a_secret_in_the_configuration_itself_is_refused() {
        assert!(serde_json::from_str::<SecretSource>(r#""opensesame""#).is_err());
        assert!(serde_json::from_str::<SecretSource>(r#"{ "value": "opensesame" }"#).is_err());
        assert_eq!(
            serde_json::from_str::<SecretSource>(r#"{ "env": "KEY" }"#).unwrap(),
            SecretSource::Env("KEY".to_owned())
        );
    }
}
