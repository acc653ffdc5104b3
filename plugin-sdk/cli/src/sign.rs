//! A vendor's keys, and packages signed with them.
//!
//! What is signed is only what conforms: a signature says that a vendor stands for a component, and a gateway would
//! refuse anything else all the same.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use dialog_contract::{
    manifest::CONTRACT,
    package::{
        self, SignError,
        key::{Algorithm, KeyError, KeyId, PublicKey, SigningKey},
        statement::Claims,
    },
};
use zeroize::Zeroizing;

use crate::check::{self, Report};

/// Largest file of a private key, in bytes: a P-256 key in PEM has 241.
const KEY_BYTES: u64 = 4 * 1024;

/// Why there is no key, or no signature.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others could have read the private key.
    #[error("{}: others can read it (mode {mode:o}): chmod 600, or make a new key if others may have been there", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The private key is not one.
    #[error("{}: {source}", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// No gateway would take the component.
    #[error("it does not conform, and is not signed:\n{0}")]
    NotConforming(Box<Report>),
    /// It could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// No key could be made.
    #[error(transparent)]
    Generate(#[from] KeyError),
}

/// A file that was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of the component, lower-case hexadecimal.
    pub digest: String,
    /// By which key.
    pub key: KeyId,
}

/// Makes a key in a new file that only its owner can read, and gives the public half.
///
/// # Errors
/// [`SigningError`]; a file that is there stays as it is.
pub fn keygen(out: &Path, algorithm: Algorithm) -> Result<PublicKey, SigningError> {
    let key = SigningKey::generate(algorithm)?;
    let pem = key.to_pem()?;
    let failed = |source| SigningError::File { path: out.to_owned(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out).map_err(failed)?;
    file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(key.public())
}

/// Reads a private key.
///
/// # Errors
/// [`SigningError`]: also where others can read it.
pub fn read_key(path: &Path) -> Result<SigningKey, SigningError> {
    let failed = |source| SigningError::File { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SigningError::Open { path: path.to_owned(), mode });
    }
    // Room for the longest, so that a key leaves no copies behind where the buffer would grow.
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(KEY_BYTES).unwrap_or(0) + 32));
    file.take(KEY_BYTES).read_to_string(&mut text).map_err(failed)?;
    SigningKey::from_pem(&text).map_err(|source| SigningError::Key { path: path.to_owned(), source })
}

/// Signs the bytes of a package, as what its manifest says that it is.
///
/// # Errors
/// [`SigningError::NotConforming`] with what is wrong, or why it could not be signed.
pub fn sign(file: &[u8], key: &SigningKey) -> Result<Vec<u8>, SigningError> {
    let report = check::check(file);
    match &report.manifest {
        Some(manifest) if report.conforms => {
            let claims = Claims {
                plugin: manifest.id.clone(),
                version: manifest.version.clone(),
                contract: CONTRACT.to_owned(),
            };
            Ok(package::sign(file, claims, key)?)
        }
        _ => Err(SigningError::NotConforming(Box::new(report))),
    }
}

/// Signs a file, in place or into `out`. A reader sees the old file or the new one, whole.
///
/// # Errors
/// [`SigningError`]; then nothing was written.
pub fn sign_file(path: &Path, key: &Path, out: Option<&Path>) -> Result<Signed, SigningError> {
    let out = out.unwrap_or(path);
    let key = read_key(key)?;
    let bytes = check::read(path).map_err(|source| SigningError::File { path: path.to_owned(), source })?;
    let signed = sign(&bytes, &key)?;
    let failed = |source| SigningError::File { path: out.to_owned(), source };
    let folder = match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // A component is no secret: whoever may read the folder may read it.
    let readable = Permissions::from_mode(0o644);
    let mut draft = tempfile::Builder::new().permissions(readable).tempfile_in(folder).map_err(failed)?;
    draft.write_all(&signed).map_err(failed)?;
    draft.persist(out).map_err(|error| failed(error.error))?;
    Ok(Signed { path: out.to_owned(), digest: check::check(&signed).digest, key: key.public().id() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_key_is_its_owners_alone_and_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vendor.key");
        for algorithm in Algorithm::ALL {
            let _ = fs::remove_file(&path);
            let public = keygen(&path, *algorithm).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
            assert_eq!(read_key(&path).unwrap().public(), public);
            let before = fs::read(&path).unwrap();
            assert!(matches!(keygen(&path, *algorithm), Err(SigningError::File { .. })));
            assert_eq!(fs::read(&path).unwrap(), before);
        }
    }

    #[test]
    fn a_key_that_others_can_read_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vendor.key");
        keygen(&path, Algorithm::Ed25519).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let error = read_key(&path).unwrap_err().to_string();
        assert!(error.contains("mode 640") && error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn what_does_not_conform_is_not_signed() {
        let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
        let error = sign(&wat::parse_str("(component)").unwrap(), &key).unwrap_err().to_string();
        assert!(error.contains("exports no interface of the contract"), "{error}");
    }
}
