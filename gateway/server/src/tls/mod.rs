//! TLS of the listeners: rustls on aws-lc-rs, TLS 1.3, key exchange that a quantum computer does not undo later.
//!
//! - [`config`]: what the operator writes. [`papers`]: the files that it names, read, checked, and made into what rustls
//!   serves with.
//! - [`door`]: the papers that new connections get, exchanged without a restart; [`handshakes`]: how many may be
//!   unfinished, and for how long.
//! - [`reload`]: notices that files have changed.
//! - [`peer`]: who is at the other end, for whoever binds a token to a certificate.

pub mod config;
pub mod door;
pub mod handshakes;
pub mod papers;
pub mod peer;
pub mod reload;
