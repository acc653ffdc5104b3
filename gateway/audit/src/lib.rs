//! The audit transparency log: a floor plan.
//!
//! A log is a folder. What a client may read is laid out as C2SP [tlog-tiles] prescribes
//! (`checkpoint`, `tile/<L>/<N>`, `tile/entries/<N>`), so that any static file server can serve
//! it; hashing is that of RFC 6962. What the log needs for itself is in the subfolder `journal/`.
//!
//! An entry is first appended to the **journal** (one write and one `fdatasync` for all callers
//! that wait) and is then final. A few times a second journaled entries become **tiles**, and a
//! signed **checkpoint** covers them.
//!
//! * [`Log`]: append, checkpoints, close. `log/` holds its two threads and the opening.
//! * `journal/`: segments, groups, and what a crash leaves of them.
//! * `tree`, `layout`, `bundle`: hashes, paths and entry bundles of tlog-tiles.
//! * [`Source`]: where a log is read from: a [`Folder`] of this machine, or a web server.
//! * [`Reader`]: entries and proofs, without a gateway.
//! * [`Verification`], [`verify`](verify()): the whole log against a verifier key.
//! * [`Proof`]: C2SP [tlog-proof] files.
//! * [`SigningKey`], [`VerifierKeys`], [`SignedCheckpoint`]: C2SP [signed-note]; `cosignature`: what a log and its
//!   witnesses sign, C2SP [tlog-cosignature].
//! * [`Policy`]: which witnesses must have signed before a checkpoint counts, C2SP [tlog-policy].
//! * [`Collected`]: a checkpoint on its way to being published.
//! * [`Removed`]: entries that were removed after their time, while the tree goes on verifying.
//! * [`seal`]: how a log ends, and another follows it.
//! * [`witness`]: submitting checkpoints to witnesses, C2SP [tlog-witness], without the network.
//! * [`records`]: what an entry says, where it is a record of the gateway. [`index`]: which entries belong together.
//! * [`disk`]: the seam through which everything is written; `weighed` counts its bytes.
//! * [`limits`]: every bound, with its unit and its reason.
//!
//! To the log entries are opaque bytes; only `records` and `index` look into them.
//!
//! [tlog-tiles]: https://c2sp.org/tlog-tiles
//! [tlog-proof]: https://c2sp.org/tlog-proof
//! [signed-note]: https://c2sp.org/signed-note
//! [tlog-policy]: https://c2sp.org/tlog-policy
//! [tlog-witness]: https://c2sp.org/tlog-witness
//! [tlog-cosignature]: https://c2sp.org/tlog-cosignature

mod bundle;
mod checkpoint;
mod cosignature;
mod damage;
pub mod disk;
mod folder;
pub mod index;
mod journal;
mod key;
mod layout;
pub mod limits;
mod log;
mod policy;
mod proof;
mod publish;
mod reader;
pub mod records;
mod retention;
pub mod seal;
mod source;
mod tiles;
mod tree;
mod verify;
mod weighed;
pub mod witness;

pub use checkpoint::{CheckpointError, SignedCheckpoint};
pub use cosignature::Cosignature;
pub use damage::{Damage, Fault};
pub use folder::Folder;
pub use key::{KeyError, KeyKind, KeyPair, SigningKey, VerifierKey, VerifierKeys, generate_key, generate_key_of};
pub use layout::PublicFile;
pub use limits::{Pace, Sizes};
pub use log::{
    KeyChange, Log, LogConfig, LogError, LogStatus, OpenCheck, OpenError, Published, Receipt, Recovery, WhenSealed,
};
pub use policy::{KnownLog, KnownWitness, NotMet, Policy, PolicyError};
pub use proof::{Proof, ProofError, Proven};
pub use publish::{Collected, PublishError};
pub use reader::{Entries, Entry, ReadError, Reader};
pub use retention::{Removal, Removed, removable};
pub use source::Source;
#[cfg(feature = "web")]
pub use source::{Access, AccessError, Web};
pub use tlog_tiles::Hash;
pub use verify::{JournalReport, Progress, Report, TornTail, Verification, VerifyError, verify};

#[cfg(test)]
mod simulated;
