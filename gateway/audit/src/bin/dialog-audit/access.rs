//! Where the log is, and what its server wants to see: the arguments that all commands share.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dialog_audit::{Access, Folder, NotMet, Policy, Reader, SignedCheckpoint, Source, VerifierKeys, Web};
use zeroize::Zeroizing;

use crate::output::Failure;

/// Longest token, key or certificate file, in bytes.
const MAX_SECRET_BYTES: usize = 64 * 1024;

/// Longest bundle of certificate authorities, in bytes: that of an operating system is a quarter of this.
const MAX_AUTHORITIES_BYTES: usize = 1024 * 1024;

#[derive(clap::Args)]
pub(crate) struct Place {
    /// The log: a folder, or a URL (https://gateway.example.no/log).
    pub(crate) log: String,
    #[command(flatten)]
    pub(crate) trust: Trust,
    #[command(flatten)]
    door: Door,
}

/// Whom to believe.
#[derive(clap::Args)]
pub(crate) struct Trust {
    /// A verifier key (name+id+key), or a file with some, one a line: one of them must have signed the checkpoint.
    #[arg(long)]
    vkey: Option<String>,
    /// A policy (C2SP tlog-policy), in a file: one of its logs' keys must have signed the checkpoint, and so many of its
    /// witnesses as it says.
    #[arg(long, value_name = "FILE", conflicts_with = "vkey")]
    policy: Option<PathBuf>,
}

/// Keys, and where a policy says so, who else must have signed.
pub(crate) struct Believed {
    pub(crate) keys: VerifierKeys,
    policy: Option<Policy>,
}

impl Trust {
    /// Whom to believe; `None` where nobody was named.
    pub(crate) fn read(&self) -> Result<Option<Believed>, Failure> {
        if let Some(path) = &self.policy {
            let wrong = |why: String| Failure::used_wrongly(format!("--policy {}: {why}", path.display()));
            let policy = Policy::read(path).map_err(|why| wrong(why.to_string()))?;
            let keys = policy.keys().map_err(|why| wrong(why.to_string()))?;
            return Ok(Some(Believed { keys, policy: Some(policy) }));
        }
        self.vkey.as_deref().map(|vkey| Ok(Believed { keys: keys(vkey)?, policy: None })).transpose()
    }

    /// Whom to believe; somebody must have been named.
    pub(crate) fn required(&self) -> Result<Believed, Failure> {
        self.read()?.ok_or_else(|| Failure::used_wrongly("say whom to believe: --vkey KEY or --policy FILE"))
    }
}

impl Believed {
    /// Whether as many witnesses have signed as the policy says; without one, none need have.
    pub(crate) fn check(&self, checkpoint: &SignedCheckpoint) -> Result<(), Failure> {
        match &self.policy {
            Some(policy) if !policy.is_met(&checkpoint.cosignatures) => {
                let names = checkpoint.cosignatures.iter().map(|one| one.name.clone()).collect();
                let why = NotMet::Quorum(names).to_string();
                Err(Failure::found_wrong(format!("the checkpoint of {} entries: {why}", checkpoint.size)))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn has_policy(&self) -> bool {
        self.policy.is_some()
    }
}

/// What a server that does not show its log to everybody wants to see.
#[derive(clap::Args)]
#[command(next_help_heading = "For a log behind a URL")]
pub(crate) struct Door {
    /// File with an access token of an auditor.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// File with the P-256 private key (PKCS#8, PEM) that the token is bound to.
    #[arg(long, value_name = "FILE", requires = "token_file")]
    proof_key: Option<PathBuf>,
    /// The log's URL as its gateway knows it, where you reach it at another: what proofs are made for.
    #[arg(long, value_name = "URL", requires = "proof_key")]
    proof_url: Option<String>,
    /// File with the certificate authorities to believe, in place of the system's (PEM).
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// File with a client certificate and its chain (PEM).
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// File with the client certificate's private key (PEM).
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
}

impl Place {
    /// The log, wherever it is. `purpose` is what its server is told that it is read for.
    pub(crate) fn source(&self, purpose: &'static str) -> Result<Arc<dyn Source>, Failure> {
        self.door.open(&self.log, purpose)
    }

    /// Another log, through the same door.
    pub(crate) fn source_of(&self, log: &str, purpose: &'static str) -> Result<Arc<dyn Source>, Failure> {
        self.door.open(log, purpose)
    }

    /// The log at its newest checkpoint, and whether it is believed: where somebody to believe was named, they must have
    /// signed it.
    pub(crate) fn reader(&self, purpose: &'static str) -> Result<(Reader, Option<Believed>), Failure> {
        let believed = self.trust.read()?;
        let reader = Reader::of(self.source(purpose)?, believed.as_ref().map(|believed| &believed.keys))?;
        if let Some(believed) = &believed {
            believed.check(reader.checkpoint())?;
        }
        Ok((reader, believed))
    }

    /// Whether it is behind a URL.
    pub(crate) fn is_remote(&self) -> bool {
        is_url(&self.log)
    }
}

impl Door {
    /// Nothing is shown.
    pub(crate) fn none() -> Self {
        Self { token_file: None, proof_key: None, proof_url: None, ca: None, certificate: None, key: None }
    }

    pub(crate) fn open(&self, log: &str, purpose: &'static str) -> Result<Arc<dyn Source>, Failure> {
        if !is_url(log) {
            return Ok(Arc::new(Folder::new(Path::new(log))));
        }
        let secret = |path: &Option<PathBuf>| -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
            path.as_deref().map(|path| read(path, MAX_SECRET_BYTES).map(Zeroizing::new)).transpose()
        };
        let token = match secret(&self.token_file)? {
            None => None,
            Some(bytes) => {
                let text = std::str::from_utf8(&bytes).ok().map(str::trim).filter(|text| is_token(text));
                let text = text.ok_or_else(|| Failure::used_wrongly("--token-file: there is no token in it"))?;
                Some(Zeroizing::new(text.to_owned()))
            }
        };
        let identity = match (secret(&self.certificate)?, secret(&self.key)?) {
            (Some(mut certificate), Some(key)) => {
                certificate.push(b'\n');
                certificate.extend_from_slice(&key);
                Some(certificate)
            }
            _ => None,
        };
        let access = Access {
            token,
            proof_key: secret(&self.proof_key)?,
            proof_url: self.proof_url.clone(),
            authorities: self.ca.as_deref().map(|path| read(path, MAX_AUTHORITIES_BYTES)).transpose()?,
            identity,
            purpose,
        };
        let web = Web::new(log, access).map_err(|why| Failure::used_wrongly(why.to_string()))?;
        Ok(Arc::new(web))
    }
}

fn is_url(log: &str) -> bool {
    log.starts_with("http://") || log.starts_with("https://")
}

/// RFC 6750, section 2.1.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte))
}

/// Trusted keys from the command line: a file with some, or a key itself.
pub(crate) fn keys(argument: &str) -> Result<VerifierKeys, Failure> {
    let path = Path::new(argument);
    let keys = if path.is_file() { VerifierKeys::read(path) } else { VerifierKeys::parse(argument) };
    keys.map_err(|why| Failure::used_wrongly(format!("--vkey {argument}: {why}")))
}

/// A file from the command line, within a bound.
pub(crate) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit as u64 + 1).read_to_end(&mut bytes))
        .map_err(|why| Failure::used_wrongly(format!("cannot read {}: {why}", path.display())))?;
    if bytes.len() > limit {
        let why = format!("{} is longer than {limit} bytes", path.display());
        return Err(Failure::used_wrongly(why));
    }
    Ok(bytes)
}
