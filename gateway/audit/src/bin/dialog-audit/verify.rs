//! `dialog-audit verify`

use std::path::PathBuf;

use dialog_audit::{JournalReport, Report, VerifyError};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::output::{Failure, Output};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The log's folder.
    log: PathBuf,
    /// A verifier key (name+id+key), or a file with some, one a line.
    #[arg(long)]
    vkey: String,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<(), Failure> {
    let keys = crate::keys(&arguments.vkey)?;
    // Hidden by indicatif itself where standard error is no terminal.
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} entries  {per_sec}  {eta} left") {
        bar.set_style(style);
    }
    let verified = dialog_audit::verify(&arguments.log, &keys, |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    let report = verified.map_err(|why| match why {
        VerifyError::NoLog { .. } => Failure::used_wrongly(why.to_string()),
        VerifyError::Damaged(damage) => {
            let details = json!({
                "file": damage.file, "index": damage.index, "what": damage.what,
            });
            Failure::found_wrong(format!("the log does not verify: {damage}")).with(details)
        }
        why => Failure::found_wrong(format!("the log does not verify: {why}")),
    })?;
    output.answer(&in_words(&report), &json!({ "ok": true, "report": report }))
}

fn in_words(report: &Report) -> String {
    let Report { origin, size, root, journal, unsigned_tiles } = report;
    let mut text = format!("The log {origin} verifies: {size} entries, root {root}.");
    match journal {
        JournalReport::InUse => {
            text.push_str("\nA gateway has it open; entries newer than the checkpoint were not read.");
        }
        JournalReport::Read { entries: 0, torn: None } => {}
        JournalReport::Read { entries, torn } => {
            text.push_str(&format!(
                "\n{entries} durable entries are in the journal only: the gateway did not end in \
                 good order, and its next start puts them under a checkpoint."
            ));
            if let Some((file, offset)) = torn {
                text.push_str(&format!("\nA last write, never acknowledged, is cut off in {file} at byte {offset}."));
            }
        }
    }
    if *unsigned_tiles > 0 {
        text.push_str(&format!("\n{unsigned_tiles} tiles are newer than the checkpoint."));
    }
    text
}
