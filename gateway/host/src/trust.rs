//! Whose packages are taken: the operator's file of vendors' keys, and what a signature must be for a package to be
//! installed.
//!
//! The threat: whoever can hand a file to the operator, or to the operations listener, can hand over anything. A package
//! is code that sees citizens' messages, so that it must come from a vendor whom the operator knows, for the plugins that
//! are this vendor's, and must be what left the vendor.
//!
//! A key is judged as of the moment of the installation, which the gateway itself knows: a signature carries no time that
//! could be trusted. So a package that was installed while its key was valid goes on after the key has run out, and one
//! that was installed before a key was compromised goes on after the key is revoked as of that moment; nothing else does.

use std::{collections::BTreeSet, io, path::Path};

use dialog_contract::{
    ids::PluginId,
    manifest::{CONTRACT, Manifest},
    package::{
        OpenError, Opened,
        key::{KeyId, PublicKey},
        statement::{Statement, digest},
    },
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    file,
    limits::{TRUST_BYTES, TRUST_KEYS, VENDOR_CHARACTERS},
    scrub,
};

/// Whose packages are taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    keys: Vec<TrustedKey>,
    unsigned: bool,
}

/// The file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TrustFile {
    keys: Vec<TrustedKey>,
}

/// One key of one vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustedKey {
    /// Of `publicKey`; so that a slip of the hand is found, and a person can tell keys apart.
    pub id: KeyId,
    /// Its SubjectPublicKeyInfo in base64, as `dialog-plugin keygen` prints it.
    pub public_key: PublicKey,
    /// Whose it is.
    pub vendor: String,
    /// Which plugins it may sign.
    pub plugins: BTreeSet<PluginId>,
    /// Packages may be installed by it from this moment on.
    pub not_before: Timestamp,
    /// And before this one.
    pub not_after: Timestamp,
    /// It was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
}

/// A key was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Revocation {
    /// What was installed from this moment on is not trusted.
    pub since: Timestamp,
    /// Why, in a sentence.
    pub why: String,
}

/// Why the file of keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustFileError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It is not as documented.
    #[error("it is not a list of keys: {0}")]
    Invalid(#[from] serde_json::Error),
    /// It has more keys than are looked at.
    #[error("it has {0} keys, over the limit of {TRUST_KEYS}")]
    TooMany(usize),
    /// A key of it breaks a rule.
    #[error("keys[{at}] {rule}")]
    Key {
        /// Which, from 0.
        at: usize,
        /// What it breaks.
        rule: &'static str,
    },
}

/// Why a package is not trusted, and what can be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// There is no signature.
    #[error("it is not signed: ask its vendor for a signed package (`dialog-plugin sign`)")]
    Unsigned,
    /// The signature is not one.
    #[error("its signature cannot be read: {0}; ask its vendor for the package anew")]
    Unreadable(String),
    /// The signature is by a trusted key, and not over this.
    #[error("it was changed after it was signed: {0}; ask its vendor for the package anew, and how it came here")]
    Tampered(String),
    /// No key that made a signature is known.
    #[error(
        "it is signed by {keys}, which the file of trusted keys does not name: add the vendor's key if it is the vendor's"
    )]
    ForeignKey {
        /// The keys that the signature names.
        keys: String,
    },
    /// The key is trusted, for other plugins.
    #[error(
        "it is signed by the key {key} of {vendor}, which may not sign {plugin}: name {plugin} with the key if it may"
    )]
    OtherPlugin {
        /// Which key.
        key: KeyId,
        /// Whose it is.
        vendor: String,
        /// Which plugin the package is.
        plugin: PluginId,
    },
    /// The key had run out.
    #[error(
        "it is signed by the key {key} of {vendor}, which ran out at {at}: ask for a package that is signed with a new key"
    )]
    Expired {
        /// Which key.
        key: KeyId,
        /// Whose it is.
        vendor: String,
        /// When.
        at: Timestamp,
    },
    /// The key was not valid yet.
    #[error("it is signed by the key {key} of {vendor}, which is valid from {at} on: install it then")]
    NotYetValid {
        /// Which key.
        key: KeyId,
        /// Whose it is.
        vendor: String,
        /// When.
        at: Timestamp,
    },
    /// The key was taken back.
    #[error(
        "it is signed by the key {key} of {vendor}, which is revoked since {since} ({why}): ask for a package that is signed with a new key"
    )]
    Revoked {
        /// Which key.
        key: KeyId,
        /// Whose it is.
        vendor: String,
        /// Since when.
        since: Timestamp,
        /// As the operator wrote it.
        why: String,
    },
}

impl TrustError {
    /// In one word, for the audit log and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Unreadable(_) => "signature-unreadable",
            Self::Tampered(_) => "tampered",
            Self::ForeignKey { .. } => "foreign-key",
            Self::OtherPlugin { .. } => "other-plugin",
            Self::Expired { .. } => "key-expired",
            Self::NotYetValid { .. } => "key-not-yet-valid",
            Self::Revoked { .. } => "key-revoked",
        }
    }
}

impl From<OpenError> for TrustError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::NotLast => Self::Tampered(error.to_string()),
            OpenError::Envelope(error) => Self::Unreadable(printable(&error.to_string())),
        }
    }
}

/// Who stands for a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Signer {
    /// By which key.
    pub key: KeyId,
    /// Whose that is.
    pub vendor: String,
}

impl Trust {
    /// Trusts these keys; and where `unsigned`, also packages that nobody signed, as while developing.
    ///
    /// # Errors
    /// [`TrustFileError`] names the first key that breaks a rule.
    pub fn new(keys: Vec<TrustedKey>, unsigned: bool) -> Result<Self, TrustFileError> {
        if keys.len() > TRUST_KEYS {
            return Err(TrustFileError::TooMany(keys.len()));
        }
        let mut seen = BTreeSet::new();
        for (at, key) in keys.iter().enumerate() {
            let broken = |rule| Err(TrustFileError::Key { at, rule });
            if key.id != key.public_key.id() {
                return broken("has an id that is not its publicKey's");
            }
            if !seen.insert(&key.id) {
                return broken("is there twice");
            }
            if !is_line(&key.vendor) || key.revoked.as_ref().is_some_and(|revoked| !is_line(&revoked.why)) {
                return broken("needs a vendor, and a why where it is revoked: one line of at most 200 characters");
            }
            if key.not_after <= key.not_before {
                return broken("is never valid: notAfter is not after notBefore");
            }
        }
        Ok(Self { keys, unsigned })
    }

    /// The same keys; and where `unsigned`, also packages that nobody signed.
    #[must_use]
    pub fn with_unsigned(self, unsigned: bool) -> Self {
        Self { unsigned, ..self }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`TrustFileError`].
    pub fn read(path: &Path, unsigned: bool) -> Result<Self, TrustFileError> {
        let file: TrustFile = serde_json::from_slice(&file::read(path, TRUST_BYTES)?)?;
        Self::new(file.keys, unsigned)
    }

    /// Judges a package as of the moment of its installation.
    ///
    /// # Errors
    /// [`TrustError`]: of several signatures by known keys, the one that comes nearest.
    pub fn check(
        &self,
        package: &Opened<'_>,
        manifest: &Manifest,
        at: Timestamp,
    ) -> Result<Option<Signer>, TrustError> {
        let Some(envelope) = &package.envelope else {
            return if self.unsigned { Ok(None) } else { Err(TrustError::Unsigned) };
        };
        let known = self.keys.iter().filter(|key| envelope.names(&key.id));
        let mut refused = None;
        for key in known {
            if !envelope.is_signed_by(&key.public_key) {
                let error = TrustError::Tampered(format!("the signature of the key {} does not hold", key.id));
                refused.get_or_insert(error);
                continue;
            }
            // From here on the statement is what a vendor said.
            let statement = Statement::read(envelope).map_err(|error| TrustError::Unreadable(error.to_string()))?;
            is_of(&statement, package, manifest)?;
            match key.permits(&manifest.id, at) {
                Ok(()) => return Ok(Some(Signer { key: key.id.clone(), vendor: key.vendor.clone() })),
                Err(error) => refused = Some(error),
            }
        }
        match refused {
            Some(refused) => Err(refused),
            // While developing, a package that somebody signed is as good as one that nobody did.
            None if self.unsigned => Ok(None),
            None => {
                let keys: Vec<String> = envelope.keys().map(printable).collect();
                let keys = if keys.is_empty() { "nobody".to_owned() } else { keys.join(", ") };
                Err(TrustError::ForeignKey { keys })
            }
        }
    }
}

/// Whether what was signed is this package, as which it presents itself.
fn is_of(statement: &Statement, package: &Opened<'_>, manifest: &Manifest) -> Result<(), TrustError> {
    let found = digest(package.component);
    if !statement.is_about(&found) {
        return Err(TrustError::Tampered(format!("the signature is not about the SHA-256 {found}, which it has")));
    }
    let said = &statement.predicate;
    if said.plugin != manifest.id || said.version != manifest.version || said.contract != CONTRACT {
        let said = printable(&format!("{} {} for {}", said.plugin, said.version, said.contract));
        let (id, version) = (&manifest.id, &manifest.version);
        return Err(TrustError::Tampered(format!("the signature is for {said}, and it is {id} {version}")));
    }
    Ok(())
}

impl TrustedKey {
    fn permits(&self, plugin: &PluginId, at: Timestamp) -> Result<(), TrustError> {
        let (key, vendor) = (self.id.clone(), self.vendor.clone());
        if let Some(Revocation { since, why }) = &self.revoked
            && *since <= at
        {
            return Err(TrustError::Revoked { key, vendor, since: *since, why: why.clone() });
        }
        if !self.plugins.contains(plugin) {
            return Err(TrustError::OtherPlugin { key, vendor, plugin: plugin.clone() });
        }
        if at < self.not_before {
            return Err(TrustError::NotYetValid { key, vendor, at: self.not_before });
        }
        if at >= self.not_after {
            return Err(TrustError::Expired { key, vendor, at: self.not_after });
        }
        Ok(())
    }
}

fn is_line(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= VENDOR_CHARACTERS && !text.chars().any(char::is_control)
}

/// A text of the file's, as an error and a log may hold it.
fn printable(text: &str) -> String {
    scrub::line(text, 200)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use dialog_contract::package::{self, key::Algorithm, key::SigningKey, statement::Claims};
    use serde_json::json;

    use super::*;
    use crate::tests::guests::manifest as guest;

    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    fn manifest() -> Manifest {
        Manifest::read(guest().to_string().as_bytes(), 100_000).unwrap()
    }

    fn claims() -> Claims {
        Claims { plugin: manifest().id, version: manifest().version, contract: CONTRACT.to_owned() }
    }

    fn new_key() -> SigningKey {
        SigningKey::generate(Algorithm::Ed25519).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn now() -> Timestamp {
        at("2026-06-01T00:00:00Z")
    }

    fn trusted(key: &SigningKey) -> TrustedKey {
        TrustedKey {
            id: key.public().id(),
            public_key: key.public(),
            vendor: "Example AS".to_owned(),
            plugins: [manifest().id].into(),
            not_before: at("2026-01-01T00:00:00Z"),
            not_after: at("2027-01-01T00:00:00Z"),
            revoked: None,
        }
    }

    fn judged(file: &[u8], keys: Vec<TrustedKey>, at: Timestamp) -> Result<Option<Signer>, TrustError> {
        let trust = Trust::new(keys, false).unwrap();
        trust.check(&package::open(file)?, &manifest(), at)
    }

    #[test]
    fn a_package_of_a_trusted_vendor_is_trusted_and_says_whose_it_is() {
        let key = new_key();
        let signed = package::sign(COMPONENT, claims(), &key).unwrap();
        let signer = judged(&signed, vec![trusted(&new_key()), trusted(&key)], now()).unwrap().unwrap();
        assert_eq!((signer.key, signer.vendor.as_str()), (key.public().id(), "Example AS"));
    }

    #[test]
    fn each_refusal_says_which_it_is_and_what_to_do() {
        let key = new_key();
        let good = || trusted(&key);
        let signed = |claims| package::sign(COMPONENT, claims, &key).unwrap();
        let whole = signed(claims());
        let revoked = Revocation { since: at("2026-03-01T00:00:00Z"), why: "the key leaked".to_owned() };
        let other = Claims { plugin: "other".parse().unwrap(), ..claims() };
        let newer = Claims { version: "9.0.0".to_owned(), ..claims() };
        let mut longer = COMPONENT.to_vec();
        package::section::append(&mut longer, "more", b"code");
        let envelope = package::open(&whole).unwrap().envelope.unwrap().json();
        package::section::append(&mut longer, package::SIGNATURE, &envelope);
        let mut behind = whole.clone();
        package::section::append(&mut behind, "more", b"code");
        let mut forged = whole.clone();
        let sig = forged.windows(7).rposition(|window| window == b"\"sig\":\"").unwrap() + 8;
        forged[sig] = if forged[sig] == b'A' { b'B' } else { b'A' };
        for (file, entry, reason, told) in [
            (COMPONENT.to_vec(), good(), "unsigned", "ask its vendor for a signed package"),
            (longer, good(), "tampered", "not about the SHA-256"),
            (behind, good(), "tampered", "bytes after the section"),
            (forged, good(), "tampered", "does not hold"),
            (signed(other), good(), "tampered", "is for other 1.0.0"),
            (signed(newer), good(), "tampered", "is for example 9.0.0"),
            (whole.clone(), trusted(&new_key()), "foreign-key", "add the vendor's key"),
            (
                whole.clone(),
                TrustedKey { plugins: ["other".parse().unwrap()].into(), ..good() },
                "other-plugin",
                "may not sign example",
            ),
            (
                whole.clone(),
                TrustedKey { not_after: at("2026-05-01T00:00:00Z"), ..good() },
                "key-expired",
                "ran out at 2026-05-01T00:00:00Z",
            ),
            (
                whole.clone(),
                TrustedKey { not_before: at("2026-07-01T00:00:00Z"), ..good() },
                "key-not-yet-valid",
                "valid from 2026-07-01T00:00:00Z",
            ),
            (
                whole.clone(),
                TrustedKey { revoked: Some(revoked), ..good() },
                "key-revoked",
                "since 2026-03-01T00:00:00Z (the key leaked)",
            ),
        ] {
            let error = judged(&file, vec![entry], now()).unwrap_err();
            assert_eq!(error.reason(), reason, "{error}");
            assert!(error.to_string().contains(told), "{error}");
        }
    }

    #[test]
    fn a_key_is_judged_as_of_the_installation() {
        let key = new_key();
        let signed = package::sign(COMPONENT, claims(), &key).unwrap();
        let revoked = Revocation { since: at("2026-03-01T00:00:00Z"), why: "the key leaked".to_owned() };
        let entry = TrustedKey { revoked: Some(revoked), ..trusted(&key) };
        let judge = |moment: &str| judged(&signed, vec![entry.clone()], at(moment)).map_err(|error| error.reason());
        assert!(judge("2026-02-28T23:59:59Z").is_ok());
        assert_eq!(judge("2026-03-01T00:00:00Z"), Err("key-revoked"));
        assert_eq!(judge("2025-12-31T23:59:59Z"), Err("key-not-yet-valid"));
        let ends = judged(&signed, vec![trusted(&key)], at("2027-01-01T00:00:00Z"));
        assert_eq!(ends.unwrap_err().reason(), "key-expired");
    }

    #[test]
    fn one_good_signature_is_enough_and_a_bad_one_does_not_hide_it() {
        let (old, new) = (new_key(), new_key());
        let twice = package::sign(&package::sign(COMPONENT, claims(), &old).unwrap(), claims(), &new).unwrap();
        let over = TrustedKey { not_after: at("2026-02-01T00:00:00Z"), ..trusted(&old) };
        for keys in [vec![over.clone(), trusted(&new)], vec![trusted(&new), over.clone()]] {
            assert_eq!(judged(&twice, keys, now()).unwrap().unwrap().key, new.public().id());
        }
        assert_eq!(judged(&twice, vec![over], now()).unwrap_err().reason(), "key-expired");
    }

    #[test]
    fn while_developing_unsigned_packages_pass_and_changed_ones_do_not() {
        let key = new_key();
        let trust = Trust::new(vec![trusted(&key)], true).unwrap();
        let judge = |file: &[u8]| trust.check(&package::open(file).unwrap(), &manifest(), now());
        assert_eq!(judge(COMPONENT), Ok(None));
        let newer = Claims { version: "9.0.0".to_owned(), ..claims() };
        assert_eq!(judge(&package::sign(COMPONENT, newer, &key).unwrap()).unwrap_err().reason(), "tampered");
    }

    #[test]
    fn a_file_that_is_not_as_documented_is_told_by_key_and_rule() {
        let (folder, key) = (tempfile::tempdir().unwrap(), new_key());
        let path = folder.path().join("trust.json");
        let told = |keys: serde_json::Value| {
            std::fs::write(&path, json!({ "keys": keys }).to_string()).unwrap();
            Trust::read(&path, false).map_err(|error| error.to_string())
        };
        let good = serde_json::to_value(trusted(&key)).unwrap();
        assert!(told(json!([good])).is_ok());
        let with = |field: &str, value: serde_json::Value| {
            let mut entry = good.clone();
            entry[field] = value;
            json!([entry])
        };
        for (keys, expected) in [
            (with("id", json!(new_key().public().id())), "keys[0] has an id that is not its publicKey's"),
            (with("id", json!("1")), "64 lower-case hexadecimal digits"),
            (with("publicKey", json!("AAAA")), "not an Ed25519 or P-256 public key"),
            (with("vendor", json!(" ")), "keys[0] needs a vendor"),
            (with("notAfter", json!("2026-01-01T00:00:00Z")), "keys[0] is never valid"),
            (
                with("revoked", json!({ "since": "2026-01-01T00:00:00Z", "why": "" })),
                "keys[0] needs a vendor, and a why",
            ),
            (with("trusted", json!(true)), "unknown field `trusted`"),
            (json!([good, good]), "keys[1] is there twice"),
        ] {
            let error = told(keys).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        let none = Trust::read(&folder.path().join("none.json"), false).unwrap_err().to_string();
        assert!(none.contains("cannot be read"), "{none}");
    }
}
