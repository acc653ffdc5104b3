//! `dialog-audit`: what an auditor does with a log, without the gateway that wrote it.
//!
//! Exit codes: 0 done; 1 something is wrong with what was looked at; 2 used wrongly.

mod keygen;
mod output;
mod proof;
mod show;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use output::{Failure, Output};

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
    /// Show entries, one JSON line each.
    Show(show::Arguments),
    /// Write a proof (C2SP tlog-proof) that an entry is in the log.
    Proof(proof::ProveArguments),
    /// Verify a proof, offline.
    VerifyProof(proof::VerifyArguments),
    /// Make a signing key for a log.
    Keygen(keygen::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut output = Output::new(arguments.json);
    let result = match arguments.command {
        Command::Verify(arguments) => verify::run(&arguments, &mut output),
        Command::Show(arguments) => show::run(&arguments, &mut output),
        Command::Proof(arguments) => proof::prove(&arguments, &mut output),
        Command::VerifyProof(arguments) => proof::verify(&arguments, &mut output),
        Command::Keygen(arguments) => keygen::run(&arguments, &mut output),
    };
    match result.and_then(|()| output.finish()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output::report(arguments.json, &failure),
    }
}

/// Trusted keys from the command line: a file with some, or a key itself.
fn keys(argument: &str) -> Result<dialog_audit::VerifierKeys, Failure> {
    let path = std::path::Path::new(argument);
    let keys = if path.is_file() {
        dialog_audit::VerifierKeys::read(path)
    } else {
        dialog_audit::VerifierKeys::parse(argument)
    };
    keys.map_err(|why| Failure::used_wrongly(format!("--vkey {argument}: {why}")))
}

/// Opens the log in a folder at its newest checkpoint.
fn reader(log: &std::path::Path, keys: &dialog_audit::VerifierKeys) -> Result<dialog_audit::Reader, Failure> {
    dialog_audit::Reader::open(log, keys).map_err(|why| match why {
        dialog_audit::ReadError::NoLog { .. } => Failure::used_wrongly(why.to_string()),
        why => Failure::found_wrong(why.to_string()),
    })
}
