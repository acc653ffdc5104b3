//! `dialog-audit proof` and `dialog-audit verify-proof`

use std::path::PathBuf;

use dialog_audit::Proof;
use dialog_audit::limits::{MAX_ENTRY_BYTES, MAX_PROOF_BYTES};
use serde_json::{Value, json};

use crate::access::{self, Place, Trust};
use crate::output::{Failure, Output};

#[derive(clap::Args)]
pub(crate) struct ProveArguments {
    #[command(flatten)]
    place: Place,
    /// The entry's index.
    index: u64,
    /// Where to write the proof; to standard output without it.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct VerifyArguments {
    /// The proof.
    file: PathBuf,
    #[command(flatten)]
    trust: Trust,
    /// The entry that the proof is for, where the proof does not carry it.
    #[arg(long)]
    entry: Option<PathBuf>,
}

pub(crate) fn prove(arguments: &ProveArguments, output: &mut Output) -> Result<(), Failure> {
    arguments.place.trust.required()?;
    let (reader, _) = arguments.place.reader("show")?;
    let proof = reader.proof(arguments.index)?;
    let text = proof.to_string();
    let Some(out) = &arguments.out else {
        return output.answer(text.trim_end_matches('\n'), &json!({ "ok": true, "proof": text }));
    };
    std::fs::write(out, &text)
        .map_err(|why| Failure::used_wrongly(format!("cannot write {}: {why}", out.display())))?;
    output.answer(
        &format!("Wrote a proof for entry {} to {}.", arguments.index, out.display()),
        &json!({ "ok": true, "index": arguments.index, "file": out }),
    )
}

pub(crate) fn verify(arguments: &VerifyArguments, output: &mut Output) -> Result<(), Failure> {
    let believed = arguments.trust.required()?;
    let wrong = |why: String| Failure::found_wrong(format!("the proof does not verify: {why}"));
    let text = access::read(&arguments.file, MAX_PROOF_BYTES)?;
    let text = String::from_utf8(text).map_err(|_| wrong("it is not text".to_owned()))?;
    let entry = arguments.entry.as_deref().map(|path| access::read(path, MAX_ENTRY_BYTES)).transpose()?;
    let proof = Proof::parse(&text).map_err(|why| wrong(why.to_string()))?;
    let proven = proof.verify(entry.as_deref(), &believed.keys).map_err(|why| wrong(why.to_string()))?;
    believed.check(&proven.checkpoint)?;
    let origin = &proven.checkpoint.origin;
    let (index, size) = (proven.index, proven.checkpoint.size);
    let shown = String::from_utf8_lossy(&proven.entry);
    let record: Value = serde_json::from_slice(&proven.entry).unwrap_or_else(|_| json!(shown));
    output.answer(
        &format!("The log {origin} of {size} entries holds this at index {index}:\n{shown}"),
        &json!({
            "ok": true, "origin": origin, "size": size, "index": index, "record": record,
        }),
    )
}
