//! `dialog-audit`: what an auditor does with a log, without the gateway that wrote it.
//!
//! Exit codes: 0 done; 1 something is wrong with what was looked at; 2 used wrongly; 3 it could not be read to its end,
//! so nothing is said of it.

mod access;
mod chain;
mod consistency;
mod dialog;
mod export;
mod indexed;
mod interrupt;
mod keygen;
mod line;
mod otlp;
mod output;
mod proof;
mod pseudonym;
mod search;
mod show;
mod state;
mod trace;
mod tree;
mod verify;
mod wanted;
mod witness_status;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use output::Output;

#[derive(Parser)]
#[command(version, about = "Verifies and reads the audit log of a dialog gateway.")]
struct Arguments {
    /// Answer in JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Verify a whole log: signature, every entry, every tile, the journal.
    Verify(verify::Arguments),
    /// Verify that a later state of a log continues an earlier one.
    Consistency(consistency::Arguments),
    /// Show records, one a line.
    Show(Box<show::Arguments>),
    /// Show what a request did, as a tree with times.
    Trace(trace::Arguments),
    /// Show the life of one dialog.
    Dialog(dialog::Arguments),
    /// Write records in a form that other tools read: JSON lines, a table, FHIR.
    Export(Box<export::Arguments>),
    /// Make the index that traces, dialogs and citizens are found by; `show` makes it when it needs it.
    Index(indexed::Arguments),
    /// Write a proof (C2SP tlog-proof) that an entry is in the log.
    Proof(proof::ProveArguments),
    /// Verify a proof, offline.
    VerifyProof(proof::VerifyArguments),
    /// Show which witnesses of a policy have signed what.
    WitnessStatus(witness_status::Arguments),
    /// Make the pseudonym that the log has for a person, from the number on standard input.
    Pseudonym(pseudonym::Arguments),
    /// Make a signing key for a log.
    Keygen(keygen::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut output = Output::new(arguments.json);
    let result = match arguments.command {
        Command::Verify(arguments) => verify::run(&arguments, &mut output),
        Command::Consistency(arguments) => consistency::run(&arguments, &mut output),
        Command::Trace(arguments) => trace::run(&arguments, &mut output),
        Command::Dialog(arguments) => dialog::run(&arguments, &mut output),
        Command::Export(arguments) => export::run(&arguments, &mut output),
        Command::Index(arguments) => indexed::run(&arguments, &mut output),
        Command::WitnessStatus(arguments) => witness_status::run(&arguments, &mut output),
        Command::Pseudonym(arguments) => pseudonym::run(&arguments, &mut output),
        Command::Show(arguments) => show::run(&arguments, &mut output),
        Command::Proof(arguments) => proof::prove(&arguments, &mut output),
        Command::VerifyProof(arguments) => proof::verify(&arguments, &mut output),
        Command::Keygen(arguments) => keygen::run(&arguments, &mut output),
    };
    // What was said before something went wrong is said.
    match output.finish().and(result) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output::report(arguments.json, &failure),
    }
}
