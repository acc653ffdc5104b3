//! `dialog-plugin`: new · build · check.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line answers on its outputs")]

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use dialog_plugin::{
    build::{self, Options},
    toolchain::Origin,
};

/// The vendor's kit: from a Rust crate to a component that the gateway takes.
#[derive(Parser)]
#[command(name = "dialog-plugin", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
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
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Build { folder, out, target_dir, toolchain } => {
            let options = Options { out, target: target_dir, toolchain };
            match build::build(&folder, &options, &mut |progress| eprintln!("{progress}")) {
                Ok(all) => {
                    for built in all {
                        println!("{}", built.path.display());
                    }
                    ExitCode::SUCCESS
                }
                Err(error) => {
                    eprintln!("error: {error}");
                    ExitCode::FAILURE
                }
            }
        }
    }
}
