//! `dialog-audit keygen`

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use serde_json::json;

use crate::output::{Failure, Output};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The key's name: the log's origin, a URL without its scheme.
    name: String,
    /// Where to write the private key; the file must not be there yet.
    #[arg(long)]
    out: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<(), Failure> {
    let pair = dialog_audit::generate_key(&arguments.name).map_err(|why| Failure::used_wrongly(why.to_string()))?;
    let out = arguments.out.display();
    // Readable by its owner alone, and never in place of another key.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&arguments.out)
        .and_then(|mut file| {
            file.write_all(pair.private.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()
        })
        .map_err(|why| Failure::used_wrongly(format!("cannot write {out}: {why}")))?;
    output.answer(
        &format!("Wrote the private key to {out}. Its verifier key:\n{}", pair.verifier),
        &json!({ "ok": true, "file": arguments.out, "verifierKey": pair.verifier }),
    )
}
