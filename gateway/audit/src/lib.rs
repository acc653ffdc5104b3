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
//! * [`Reader`]: entries and proofs from a folder, without a gateway.
//! * [`verify`](verify()): the whole folder against a verifier key.
//! * [`Proof`]: C2SP [tlog-proof] files.
//! * [`SigningKey`], [`VerifierKeys`], [`SignedCheckpoint`]: C2SP [signed-note].
//! * [`disk`]: the seam through which everything is written.
//! * [`limits`]: every bound, with its unit and its reason.
//!
//! Entries are opaque bytes here; what a record says is the contract's affair.
//!
//! [tlog-tiles]: https://c2sp.org/tlog-tiles
//! [tlog-proof]: https://c2sp.org/tlog-proof
//! [signed-note]: https://c2sp.org/signed-note

mod bundle;
mod checkpoint;
mod damage;
pub mod disk;
mod folder;
mod journal;
mod key;
mod layout;
pub mod limits;
mod log;
mod proof;
mod reader;
mod tiles;
mod tree;
mod verify;

pub use checkpoint::{CheckpointError, SignedCheckpoint};
pub use damage::Damage;
pub use key::{KeyError, KeyPair, SigningKey, VerifierKeys, generate_key};
pub use layout::PublicFile;
pub use limits::{Pace, Sizes};
pub use log::{Log, LogConfig, LogError, LogStatus, OpenCheck, OpenError, Published, Receipt, Recovery};
pub use proof::{Proof, ProofError, Proven};
pub use reader::{Entries, Entry, ReadError, Reader};
pub use tlog_tiles::Hash;
pub use verify::{JournalReport, Progress, Report, TornTail, VerifyError, verify};

#[cfg(test)]
mod simulated;
