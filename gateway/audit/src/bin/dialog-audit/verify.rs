//! `dialog-audit verify`

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dialog_audit::limits::MAX_CHECKPOINT_BYTES;
use dialog_audit::{JournalReport, Reader, Removal, Report, SignedCheckpoint, Verification, VerifyError};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::access::{self, Believed, Place};
use crate::chain::{self, Ends, Link};
use crate::interrupt::Interrupt;
use crate::line;
use crate::output::{Failure, Output};
use crate::state::{self, Keeper};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// A checkpoint that you trust, in a file: the log must continue it, and only entries after it are looked at.
    #[arg(long, value_name = "CHECKPOINT", conflicts_with = "state")]
    from: Option<PathBuf>,
    /// A file that keeps how far the verification is. A later one goes on there. Keep it where you keep what you
    /// trust: it says what need not be looked at again.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// A log that this one continues, or that one before it continues: a folder or a URL; may be given several times.
    /// Each is verified whole, and that they name each other. Its key must be among those that you give.
    #[arg(long, value_name = "LOG")]
    chain: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<(), Failure> {
    let believed = arguments.place.trust.required()?;
    let earlier = arguments.from.as_deref().map(|path| trusted(path, &believed)).transpose()?;
    let source = arguments.place.source("verify")?;
    let log = &arguments.place.log;
    let wrong = |why| found(why, log);

    let mut verification = Verification::begin(&*source, &believed.keys).map_err(wrong)?;
    believed.check(verification.checkpoint())?;
    if let Some(earlier) = &earlier {
        verification = verification.after(earlier, earlier.size).map_err(wrong)?;
    }
    let mut kept_from = None;
    if let Some(path) = &arguments.state {
        match state::read(path, &believed.keys) {
            Ok(None) => {}
            Ok(Some(found)) if found.checkpoint.origin != verification.checkpoint().origin => {
                let other = found.checkpoint.origin;
                output.remark(&format!("{} is of the log {other}: it is not gone on from.", path.display()));
            }
            Ok(Some(found)) => {
                verification = verification.after(&found.checkpoint, found.verified).map_err(wrong)?;
                kept_from = Some(found.verified);
            }
            Err(why) => output.remark(&why),
        }
    }
    let cosignatures: Vec<Value> = verification
        .checkpoint()
        .cosignatures
        .iter()
        .map(|one| json!({ "witness": one.name, "keyId": format!("{:08x}", one.key_id), "time": one.time }))
        .collect();
    let reader = Reader::as_of(Arc::clone(&source), verification.checkpoint().clone());
    let mut keeper = arguments.state.as_deref().map(|path| Keeper::new(path, verification.checkpoint()));

    let interrupt = Interrupt::listen();
    let bar = bar();
    let mut not_kept = None;
    let verified = verification.run(|progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        if let Some(keeper) = &mut keeper {
            let ends = interrupt.is_asked() || progress.done == progress.total;
            let kept = if ends { keeper.write(progress.done) } else { keeper.at(progress.done) };
            not_kept = kept.err();
        }
        if interrupt.is_asked() || not_kept.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.finish_and_clear();
    if let Some(failure) = not_kept {
        return Err(failure);
    }
    let report = verified.map_err(wrong)?;
    let Ends { predecessor, successor } = Ends::of(&reader, report.first == 0 || !arguments.chain.is_empty())?;
    let before = predecessor.as_ref().map(|before| before.origin.clone());
    let links = match arguments.chain.as_slice() {
        [] => Vec::new(),
        places => chain::back(reader.checkpoint(), predecessor, places, &arguments.place, &believed)?,
    };
    let mut answer = json!({ "ok": true, "report": report, "cosignatures": cosignatures });
    if believed.has_policy() {
        answer["policy"] = json!("met");
    }
    if let Some(successor) = &successor {
        answer["sealed"] = json!({ "successor": successor.origin, "successorKey": successor.key });
    }
    if let Some(from) = kept_from {
        answer["wentOnFrom"] = json!(from);
    }
    if let Some(before) = &before {
        answer["continues"] = json!(before);
        answer["chain"] = links.iter().map(Link::json).collect();
    }
    let mut text = in_words(&report, kept_from);
    match (cosignatures.len(), believed.has_policy()) {
        (0, false) => {}
        (count, false) => text.push_str(&format!("\n{count} of the witnesses that you named signed its checkpoint.")),
        (count, true) => {
            text.push_str(&format!("\nThe policy is met: {count} of its witnesses signed its checkpoint."))
        }
    }
    if let Some(successor) = &successor {
        text.push_str(&format!("\nIt is sealed: the log {} follows it.", line::plain(&successor.origin)));
    }
    if let Some(before) = before.filter(|_| links.is_empty()) {
        text.push_str(&format!("\nIt continues the log {}, which was not looked at (--chain).", line::plain(&before)));
    }
    for Link { origin, size } in &links {
        text.push_str(&format!("\nBefore it, the log {origin} of {size} entries verifies and is sealed towards it."));
    }
    output.answer(&text, &answer)
}

/// A checkpoint from a file, which must be signed by whom to believe.
pub(crate) fn trusted(path: &Path, believed: &Believed) -> Result<SignedCheckpoint, Failure> {
    let note = access::read(path, MAX_CHECKPOINT_BYTES)?;
    let checkpoint = SignedCheckpoint::verify(&note, &believed.keys)
        .map_err(|why| Failure::found_wrong(format!("{}: {why}", path.display())))?;
    believed.check(&checkpoint)?;
    Ok(checkpoint)
}

/// Hidden by indicatif itself where standard error is no terminal.
pub(crate) fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} entries  {per_sec}  {eta} left") {
        bar.set_style(style);
    }
    bar
}

pub(crate) fn found(why: VerifyError, log: &str) -> Failure {
    match why {
        VerifyError::NoLog { .. } => Failure::used_wrongly(why.to_string()),
        VerifyError::Damaged(damage) => {
            let details = json!({
                "log": log, "file": damage.file, "index": damage.index, "what": damage.what,
            });
            Failure::found_wrong(format!("the log {log} does not verify: {damage}")).with(details)
        }
        VerifyError::Checkpoint(_) => Failure::found_wrong(format!("the log {log} does not verify: {why}")),
        VerifyError::Io { .. } => Failure::not_read(format!("the log {log} could not be read: {why}")),
        VerifyError::BrokenOff { done, total } => {
            Failure::not_read(why.to_string()).with(json!({ "done": done, "total": total }))
        }
    }
}

fn in_words(report: &Report, kept_from: Option<u64>) -> String {
    let Report { origin, size, root, first, removed, journal, unsigned_tiles, signed } = report;
    let mut text = format!("The log {origin} verifies: {size} entries, root {root}.");
    match (kept_from, first) {
        (Some(from), _) => text.push_str(&format!("\nThe first {from} were verified before.")),
        (None, 0) => {}
        (None, first) => text.push_str(&format!(
            "\nIt continues the checkpoint that you trust; entries before {first} were not looked at."
        )),
    }
    if let Some(signed) = signed.filter(|signed| signed > size) {
        text.push_str(&format!(
            "\nThe log has signed {signed} entries, which too few witnesses have signed to be public; they verify too."
        ));
    }
    if let Some(Removal { to, record, time, details }) = removed {
        let said: Vec<String> = details.iter().map(|(name, is)| format!("{name} {}", line::plain(is))).collect();
        text.push_str(&format!(
            "\nWhat was in the entries before {to} was removed at {time}, as entry {record} says ({}); the tree still \
             commits to them.",
            said.join(", ")
        ));
    }
    match journal {
        JournalReport::NotPublic => {}
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
