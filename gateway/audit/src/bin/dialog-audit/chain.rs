//! Logs that follow one another: from the newest back to the first, each sealed towards the next, and named by it.

use std::ops::ControlFlow;
use std::sync::Arc;

use dialog_audit::seal::{Predecessor, Successor};
use dialog_audit::{Reader, SignedCheckpoint, Source, Verification, VerifierKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::access::{Believed, Place};
use crate::output::Failure;
use crate::verify;

/// What a log says of its neighbours.
pub(crate) struct Ends {
    /// The log that it continues, by its first entry.
    pub(crate) predecessor: Option<Predecessor>,
    /// The log that follows it, by its last.
    pub(crate) successor: Option<Successor>,
}

impl Ends {
    /// Reads the last entry, and the first where it is asked for, each held against the tree.
    pub(crate) fn of(reader: &Reader, first: bool) -> Result<Self, Failure> {
        let Some(last) = reader.checkpoint().size.checked_sub(1) else {
            return Ok(Self { predecessor: None, successor: None });
        };
        let mut entries = reader.checked_entries(0..u64::MAX)?;
        let mut entry =
            |index| -> Result<Option<Vec<u8>>, Failure> { Ok(entries.get(index).transpose()?.map(|entry| entry.data)) };
        let (first, last) = (if first { entry(0)? } else { None }, entry(last)?);
        Ok(Self {
            predecessor: first.as_deref().and_then(Predecessor::read),
            successor: last.as_deref().and_then(Successor::read),
        })
    }
}

/// A predecessor that was verified.
pub(crate) struct Link {
    pub(crate) origin: String,
    pub(crate) size: u64,
}

impl Link {
    pub(crate) fn json(&self) -> Value {
        json!({ "origin": self.origin, "size": self.size })
    }
}

/// Verifies the logs before one, as far as they name each other: each whole, as the one after it says that it was, and
/// sealed towards it by a key that is trusted.
pub(crate) fn back(
    newest: &SignedCheckpoint,
    predecessor: Option<Predecessor>,
    places: &[String],
    place: &Place,
    believed: &Believed,
) -> Result<Vec<Link>, Failure> {
    let mut sources: Vec<(String, Arc<dyn Source>)> = Vec::new();
    for log in places {
        sources.push((log.clone(), place.source_of(log, "verify")?));
    }
    let (mut after, mut wanted, mut links) = (newest.origin.clone(), predecessor, Vec::new());
    while let Some(named) = wanted {
        let mut found = None;
        for (log, source) in &sources {
            // As each is taken once, a chain in a circle comes to an end.
            let begun = Verification::begin(&**source, &believed.keys).map_err(|why| verify::found(why, log))?;
            if begun.checkpoint().origin == named.origin {
                found = Some((log.clone(), Arc::clone(source)));
                break;
            }
        }
        let Some((log, source)) = found else {
            let why = format!("{after} continues the log {}: give it with --chain", named.origin);
            return Err(Failure::used_wrongly(why));
        };
        sources.retain(|(other, _)| *other != log);
        let verification = Verification::begin(&*source, &believed.keys).map_err(|why| verify::found(why, &log))?;
        let checkpoint = verification.checkpoint().clone();
        verification.run(|_| ControlFlow::Continue(())).map_err(|why| verify::found(why, &log))?;
        check(&named, &checkpoint, &after)?;
        let ends = Ends::of(&Reader::as_of(source, checkpoint.clone()), true)?;
        let towards = ends.successor.as_ref().filter(|successor| successor.origin == after);
        let trusted = towards
            .and_then(|successor| VerifierKey::parse(&successor.key).ok())
            .is_some_and(|key| believed.keys.iter().any(|known| *known == key));
        if !trusted {
            return Err(Failure::found_wrong(format!("the log {log} is not sealed towards {after} by a key of it")));
        }
        links.push(Link { origin: checkpoint.origin.clone(), size: checkpoint.size });
        (after, wanted) = (checkpoint.origin, ends.predecessor);
    }
    Ok(links)
}

/// Whether a log ended as the one after it says.
fn check(named: &Predecessor, checkpoint: &SignedCheckpoint, after: &str) -> Result<(), Failure> {
    let digest: String =
        Sha256::digest(checkpoint.text().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let same =
        named.size == checkpoint.size && named.root == checkpoint.root.to_string() && named.checkpoint_sha256 == digest;
    if same {
        return Ok(());
    }
    let (origin, size) = (&checkpoint.origin, checkpoint.size);
    Err(Failure::found_wrong(format!(
        "the log {origin} ends with {size} entries, but not as {after} says that it did ({} entries)",
        named.size
    )))
}
