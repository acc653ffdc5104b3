//! The witness's key, and what it signs: C2SP tlog-cosignature, by AWS-LC.

use anyhow::Context;
use aws_lc_rs::{
    rand,
    signature::{Ed25519KeyPair, KeyPair as _, ML_DSA_44_SIGNING, PqdsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::note::{Checkpoint, key_id};

/// The kinds of a witness's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Type 4: `cosignature/v1`, Ed25519.
    Ed25519,
    /// Type 6: `subtree/v1`, ML-DSA-44.
    MlDsa44,
}

enum Secret {
    Ed25519(Ed25519KeyPair),
    MlDsa44(PqdsaKeyPair),
}

/// A witness's key.
pub struct Key {
    name: String,
    secret: Secret,
}

impl Key {
    /// A new key.
    pub fn new(name: &str, kind: Kind) -> anyhow::Result<Self> {
        let mut seed = [0; 32];
        rand::fill(&mut seed).context("random bytes")?;
        let secret = match kind {
            Kind::Ed25519 => Secret::Ed25519(Ed25519KeyPair::from_seed_unchecked(&seed).context("an Ed25519 key")?),
            Kind::MlDsa44 => {
                Secret::MlDsa44(PqdsaKeyPair::from_seed(&ML_DSA_44_SIGNING, &seed).context("an ML-DSA key")?)
            }
        };
        Ok(Self { name: name.to_owned(), secret })
    }

    fn kind(&self) -> u8 {
        match self.secret {
            Secret::Ed25519(_) => 4,
            Secret::MlDsa44(_) => 6,
        }
    }

    fn public(&self) -> &[u8] {
        match &self.secret {
            Secret::Ed25519(pair) => pair.public_key().as_ref(),
            Secret::MlDsa44(pair) => pair.public_key().as_ref(),
        }
    }

    fn id(&self) -> [u8; 4] {
        key_id(&self.name, self.kind(), self.public())
    }

    /// `name+id+base64`
    #[must_use]
    pub fn vkey(&self) -> String {
        let id: String = self.id().iter().map(|byte| format!("{byte:02x}")).collect();
        let typed = [&[self.kind()], self.public()].concat();
        format!("{}+{id}+{}", self.name, STANDARD.encode(typed))
    }

    /// The line of a cosignature at a time, in seconds since 1970.
    pub fn line(&self, checkpoint: &Checkpoint, time: u64) -> anyhow::Result<String> {
        self.line_as(self, checkpoint, time)
    }

    /// A line that looks as if it were this key's and was signed by another.
    pub fn line_as(&self, signer: &Key, checkpoint: &Checkpoint, time: u64) -> anyhow::Result<String> {
        let signature = match &signer.secret {
            Secret::Ed25519(pair) => {
                let message = format!("cosignature/v1\ntime {time}\n{}", checkpoint.text);
                pair.sign(message.as_bytes()).as_ref().to_vec()
            }
            Secret::MlDsa44(pair) => {
                let mut message = b"subtree/v1\n\0".to_vec();
                message.push(self.name.len().try_into()?);
                message.extend(self.name.as_bytes());
                message.extend(time.to_be_bytes());
                message.push(checkpoint.origin.len().try_into()?);
                message.extend(checkpoint.origin.as_bytes());
                message.extend(0_u64.to_be_bytes());
                message.extend(checkpoint.size.to_be_bytes());
                message.extend(checkpoint.root);
                let mut signature = vec![0; 2420];
                pair.sign(&message, &mut signature).context("sign")?;
                signature
            }
        };
        let bytes = [self.id().as_slice(), &time.to_be_bytes(), &signature].concat();
        Ok(format!("\u{2014} {} {}\n", self.name, STANDARD.encode(bytes)))
    }
}
