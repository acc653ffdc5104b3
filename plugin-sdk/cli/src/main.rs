//! `dialog-plugin`: new · build · check · keygen · sign.
//!
//! Exit codes: 0 done, 1 the plugin is at fault (it does not compile, or does not conform), 2 it could not be tried.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line answers on its outputs")]

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use dialog_contract::package::key::Algorithm;
use dialog_plugin::{
    build::{self, BuildError, Options, Progress},
    check, scaffold,
    sign::{self, SigningError},
    toolchain::Origin,
};
use indicatif::ProgressBar;
use serde_json::{Value, json};

/// The plugin is at fault.
const AT_FAULT: u8 = 1;
/// It could not be tried.
const NOT_TRIED: u8 = 2;

/// The vendor's kit: from a Rust crate to a component that the gateway takes
#[derive(Parser)]
#[command(name = "dialog-plugin", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a new plugin that builds and conforms
    New {
        /// The plugin's id and folder: 2 to 40 of a-z, 0-9 and '-', beginning with a letter
        name: String,
        /// The folder of the plugin SDK [default: the one beside this kit's sources]
        #[arg(long)]
        sdk: Option<PathBuf>,
    },
    /// Build the plugin in a folder into a component, `<id>-<version>.wasm`
    Build {
        /// The plugin's folder, or a workspace of plugins
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Where the component goes [default: `plugins` in cargo's target directory]
        #[arg(long)]
        out: Option<PathBuf>,
        /// Where cargo builds [default: `wasm` in cargo's target directory]
        #[arg(long)]
        target_dir: Option<PathBuf>,
        /// Take the toolchain from there only [default: the first that works]
        #[arg(long)]
        toolchain: Option<Origin>,
    },
    /// Say whether a component conforms, and which rule it breaks
    Check {
        /// The component
        file: PathBuf,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a key to sign with, and print its public half for whoever runs a gateway
    Keygen {
        /// The file for the private key; it must not be there yet
        #[arg(long)]
        out: PathBuf,
        /// ed25519 or ecdsa-p256
        #[arg(long, default_value = "ed25519")]
        algorithm: Algorithm,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// Sign a component that conforms; signatures of other keys stay
    Sign {
        /// The component
        file: PathBuf,
        /// The file with the private key, as `keygen` and `openssl genpkey` write it
        #[arg(long, env = "DIALOG_PLUGIN_KEY")]
        key: PathBuf,
        /// Where the signed component goes [default: in place]
        #[arg(long)]
        out: Option<PathBuf>,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::New { name, sdk } => new(&name, &sdk.unwrap_or_else(scaffold::own_sdk)),
        Command::Build { folder, out, target_dir, toolchain } => {
            build(&folder, &Options { out, target: target_dir, toolchain })
        }
        Command::Check { file, json } => check(&file, json),
        Command::Keygen { out, algorithm, json } => keygen(&out, algorithm, json),
        Command::Sign { file, key, out, json } => sign(&file, &key, out.as_deref(), json),
    }
}

fn new(name: &str, sdk: &Path) -> ExitCode {
    match scaffold::new(Path::new("."), name, sdk) {
        Ok(_) => {
            println!("{name} is there. Next:\n  cd {name}\n  cargo test\n  dialog-plugin build");
            ExitCode::SUCCESS
        }
        Err(error) => failed(&error, NOT_TRIED),
    }
}

fn build(folder: &Path, options: &Options) -> ExitCode {
    let bar = io::stderr().is_terminal().then(ProgressBar::new_spinner);
    let result = build::build(folder, options, &mut |progress| match (&bar, &progress) {
        // On a terminal what passes by is one line that moves.
        (Some(bar), Progress::Cargo(line) | Progress::Waiting(line)) => {
            bar.set_message(line.trim().to_owned());
            bar.tick();
        }
        (Some(bar), _) => bar.suspend(|| eprintln!("{progress}")),
        (None, _) => eprintln!("{progress}"),
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    match result {
        Ok(all) => {
            for built in all {
                println!("{}", built.path.display());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            let code = match error {
                BuildError::Compile(_)
                | BuildError::Component { .. }
                | BuildError::Manifest(_)
                | BuildError::NotModule { .. }
                | BuildError::SameId { .. } => AT_FAULT,
                _ => NOT_TRIED,
            };
            failed(&error, code)
        }
    }
}

fn check(file: &Path, json: bool) -> ExitCode {
    let bytes = match check::read(file) {
        Ok(bytes) => bytes,
        Err(error) => return failed(&format!("{}: {error}", file.display()), NOT_TRIED),
    };
    let report = check::check(&bytes);
    if json {
        match serde_json::to_string_pretty(&report) {
            Ok(json) => println!("{json}"),
            Err(error) => return failed(&error, NOT_TRIED),
        }
    } else {
        println!("{report}");
    }
    if report.conforms { ExitCode::SUCCESS } else { ExitCode::from(AT_FAULT) }
}

fn keygen(out: &Path, algorithm: Algorithm, json: bool) -> ExitCode {
    let key = match sign::keygen(out, algorithm) {
        Ok(key) => key,
        Err(error) => return failed(&error, NOT_TRIED),
    };
    if json {
        println!("{}", json!({ "file": out, "algorithm": algorithm, "id": key.id(), "publicKey": key }));
        return ExitCode::SUCCESS;
    }
    let entry = json!({
        "id": key.id(), "publicKey": key, "vendor": "…", "plugins": ["…"],
        "notBefore": "2026-01-01T00:00:00Z", "notAfter": "2028-01-01T00:00:00Z",
    });
    println!(
        "{}: the private key, {algorithm}. Keep it where only your releases are signed.\n\n\
         What a gateway's operator needs, for the file that `[trust]` names, with your name, your plugins' ids and how \
         long the key holds:\n{entry:#}",
        out.display()
    );
    ExitCode::SUCCESS
}

fn sign(file: &Path, key: &Path, out: Option<&Path>, json: bool) -> ExitCode {
    match sign::sign_file(file, key, out) {
        Ok(signed) if json => {
            let signed: Value = json!({ "file": signed.path, "digest": signed.digest, "key": signed.key });
            println!("{signed}");
            ExitCode::SUCCESS
        }
        Ok(signed) => {
            println!("{}: signed by {}\n  digest sha256:{}", signed.path.display(), signed.key, signed.digest);
            ExitCode::SUCCESS
        }
        Err(error) => {
            let at_fault = matches!(error, SigningError::NotConforming(_) | SigningError::Sign(_));
            failed(&error, if at_fault { AT_FAULT } else { NOT_TRIED })
        }
    }
}

fn failed(error: &dyn std::fmt::Display, code: u8) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(code)
}
