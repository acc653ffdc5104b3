//! Everything encrypted before it reaches the disk: decorators of the two ports, so that what stands above them sees
//! plain values and what lies below them sees none.
//!
//! **Keys.** Three layers (see [`dialog_core::ports::keys`]): a master key wraps one key for each owner; an owner's key
//! wraps a fresh data key for every value and every file; that data key encrypts this one thing, with AES-256-GCM.
//!
//! **Nonces.** A data key encrypts one value (nonce zero) or one file in segments (the nonce counts, and its last byte
//! says which segment is the last, as in STREAM): no nonce can be used twice under it. Owner's keys and master keys wrap
//! with XAES-256-GCM (C2SP): AES-256-GCM under a key that is derived from 96 random bits, with 96 further random bits as
//! nonce. 2^80 wraps under one key leave a chance of 2^-33 that any two share both: there is nothing to count.
//!
//! **Places.** A wrapped data key is bound to its owner, to the owner's key and to the key of the store (or the id of the
//! file) that it stands under: values that change places, or owners, are not opened. That an older value of the same
//! place was put back is not seen here; the audit log tells of what happened.
//!
//! **Erasure.** Where the owner's key was destroyed, its values are as if they were not there: reading one finds none,
//! a range leaves them out, and writing over one succeeds.
//!
//! Floor plan
//! - [`SealedStore`] (`values`), [`SealedBlobs`] (`files`): the decorators.
//! - [`KeyRing`] (`ring`): the owners' keys, wrapped, one small file each (`key_file`), and a bounded memory of those in
//!   use (`remembered`).
//! - [`MasterKeys`] (`master`): the embedded key service: keys that the operator configures.
//! - `cipher`: the ciphers, and the form of what is sealed.

mod cipher;
mod files;
mod key_file;
mod master;
mod remembered;
mod ring;
mod values;

pub use files::SealedBlobs;
pub use master::{MasterKeyError, MasterKeys};
pub use ring::{KeyRing, Rewrap};
pub use values::{SealedOpenError, SealedStore};

#[cfg(test)]
mod tests;
