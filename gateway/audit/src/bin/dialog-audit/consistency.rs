//! `dialog-audit consistency`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dialog_audit::limits::MAX_CHECKPOINT_BYTES;
use dialog_audit::{Folder, ReadError, Reader, SignedCheckpoint, Source};
use serde_json::json;

use crate::access::{Believed, Door, Trust};
use crate::output::{Failure, Output};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The earlier state: a checkpoint in a file, or a log (its newest checkpoint is taken).
    old: String,
    /// The later state: a log, or a checkpoint in a file.
    new: String,
    #[command(flatten)]
    trust: Trust,
    /// The log whose tiles prove it, where NEW is a checkpoint in a file that does not lie in the log's folder.
    #[arg(long)]
    log: Option<String>,
    #[command(flatten)]
    door: Door,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<(), Failure> {
    let believed = arguments.trust.required()?;
    let old = arguments.state(&arguments.old, &believed)?;
    let new = arguments.state(&arguments.new, &believed)?;
    let (from, to) = (old.size, new.size);
    let reader = Reader::as_of(arguments.tiles()?, new);
    reader.must_continue(&old).map_err(|why| match why {
        ReadError::Damaged(damage) => {
            let details = json!({ "file": damage.file, "index": damage.index, "what": damage.what });
            Failure::found_wrong(format!("{} does not continue {}: {damage}", arguments.new, arguments.old))
                .with(details)
        }
        why => why.into(),
    })?;
    let proof: Vec<String> = match from {
        0 => Vec::new(),
        from => reader.consistency_proof(from)?.iter().map(ToString::to_string).collect(),
    };
    let origin = &reader.checkpoint().origin;
    output.answer(
        &format!(
            "The log {origin} of {to} entries continues that of {from}: nothing before was changed or taken away."
        ),
        &json!({ "ok": true, "origin": origin, "old": from, "new": to, "proof": proof }),
    )
}

impl Arguments {
    /// A checkpoint that one of the keys signed.
    fn state(&self, place: &str, believed: &Believed) -> Result<SignedCheckpoint, Failure> {
        let path = Path::new(place);
        if path.is_file() {
            return crate::verify::trusted(path, believed);
        }
        let source = self.door.open(place, "verify")?;
        let note = source.read("checkpoint", MAX_CHECKPOINT_BYTES).map_err(ReadError::from)?;
        let note = note.ok_or_else(|| Failure::used_wrongly(format!("{place} is neither a checkpoint nor a log")))?;
        let checkpoint = SignedCheckpoint::verify(&note, &believed.keys)
            .map_err(|why| Failure::found_wrong(format!("{place}: {why}")))?;
        believed.check(&checkpoint)?;
        Ok(checkpoint)
    }

    /// The tiles of the later state.
    fn tiles(&self) -> Result<Arc<dyn Source>, Failure> {
        if let Some(log) = &self.log {
            return self.door.open(log, "verify");
        }
        let path = PathBuf::from(&self.new);
        if path.is_file() {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            return Ok(Arc::new(Folder::new(folder)));
        }
        self.door.open(&self.new, "verify")
    }
}
