//! ML-DSA-44 (FIPS 204, pure, with an empty context), by AWS-LC.

use std::fmt;

use aws_lc_rs::signature::{KeyPair as _, ML_DSA_44, ML_DSA_44_SIGNING, PqdsaKeyPair, UnparsedPublicKey};
use zeroize::Zeroizing;

/// Bytes of a seed, from which the whole private key follows.
pub(crate) const SEED: usize = 32;

/// Bytes of a public key.
pub(crate) const PUBLIC: usize = 1312;

/// Bytes of a signature.
pub(crate) const SIGNATURE: usize = 2420;

/// A private key, which AWS-LC wipes when it is dropped.
pub(crate) struct MlDsa {
    pair: PqdsaKeyPair,
    seed: Zeroizing<[u8; SEED]>,
}

impl MlDsa {
    /// The key of a seed; `None` where the library refuses it.
    pub(crate) fn from_seed(seed: &[u8; SEED]) -> Option<Self> {
        let pair = PqdsaKeyPair::from_seed(&ML_DSA_44_SIGNING, seed).ok()?;
        (pair.public_key().as_ref().len() == PUBLIC).then(|| Self { pair, seed: Zeroizing::new(*seed) })
    }

    /// What it was made from, for the file that keeps it.
    pub(crate) fn seed(&self) -> &[u8; SEED] {
        &self.seed
    }

    pub(crate) fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// Signs; `None` where the library fails, as it does without randomness.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let mut signature = vec![0; SIGNATURE];
        let length = self.pair.sign(message, &mut signature).ok()?;
        (length == SIGNATURE).then_some(signature)
    }
}

impl fmt::Debug for MlDsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MlDsa")
    }
}

/// Whether a key signed a message.
pub(crate) fn verify(public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    signature.len() == SIGNATURE && UnparsedPublicKey::new(&ML_DSA_44, public).verify(message, signature).is_ok()
}
