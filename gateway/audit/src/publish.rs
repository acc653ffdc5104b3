//! What is published: the newest checkpoint that enough witnesses have signed.
//!
//! A log that asks no witnesses publishes every checkpoint as it signs it. Otherwise the checkpoint that it signs stays
//! inside (`journal/checkpoint`, what the next opening goes by), and whoever talks to the witnesses collects their lines
//! here until the policy is met. Nothing waits but the newest: what is not published in time is superseded.

use std::collections::BTreeMap;
use std::io;

use crate::log::Published;
use crate::policy::{NotMet, Policy};
use crate::witness::Kept;

/// Why a checkpoint was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// It does not count.
    #[error(transparent)]
    NotMet(#[from] NotMet),
    /// The log has no such tree.
    #[error("it is not a checkpoint of this log's tree")]
    OtherTree,
    /// It could not be written.
    #[error("checkpoint: {0}")]
    Io(#[from] io::Error),
}

/// A checkpoint, and the cosignatures that came for it so far.
#[derive(Clone, Debug)]
pub struct Collected {
    checkpoint: Published,
    lines: BTreeMap<usize, String>,
}

impl Collected {
    /// Begins with a checkpoint that the log alone has signed.
    #[must_use]
    pub fn new(checkpoint: Published) -> Self {
        Self { checkpoint, lines: BTreeMap::new() }
    }

    /// The checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> &Published {
        &self.checkpoint
    }

    /// Keeps a witness's line; a later one of the same witness takes its place.
    pub fn add(&mut self, witness: usize, kept: Kept) {
        self.lines.insert(witness, kept.line);
    }

    /// Whether this witness of the policy has signed.
    #[must_use]
    pub fn has(&self, witness: usize) -> bool {
        self.lines.contains_key(&witness)
    }

    /// Whether there are enough for a policy.
    #[must_use]
    pub fn meets(&self, policy: &Policy) -> bool {
        policy.is_met_by(|witness| self.has(witness))
    }

    /// The checkpoint with all that came, as a signed note.
    #[must_use]
    pub fn note(&self) -> String {
        let lines: String = self.lines.values().map(String::as_str).collect();
        format!("{}{lines}", self.checkpoint.note)
    }
}
