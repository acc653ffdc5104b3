//! `dialog-plugin`: new · build · check.
//!
//! Exit codes: 0 done, 1 the plugin is at fault (it does not compile, or does not conform), 2 it could not be tried.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line answers on its outputs")]

use std::{
    fs,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use dialog_plugin::{
    build::{self, BuildError, Options, Progress},
    check, scaffold,
    toolchain::Origin,
};
use indicatif::ProgressBar;

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
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::New { name, sdk } => new(&name, &sdk.unwrap_or_else(scaffold::own_sdk)),
        Command::Build { folder, out, target_dir, toolchain } => {
            build(&folder, &Options { out, target: target_dir, toolchain })
        }
        Command::Check { file, json } => check(&file, json),
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
    let bytes = match fs::metadata(file).and_then(|known| {
        let over = known.len() > check::MAX_BYTES;
        let refused = || io::Error::other(format!("{} bytes, over the limit of {}", known.len(), check::MAX_BYTES));
        if over { Err(refused()) } else { fs::read(file) }
    }) {
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

fn failed(error: &dyn std::fmt::Display, code: u8) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(code)
}
