//! The operator's binary.
//!
//! Exit codes: 0 done, 1 something is wrong or was refused, 2 it was used wrong.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use dialog_gateway::{
    compile,
    config::Config,
    encryption, log,
    operate::{self, Plugins},
    start,
};

/// Brings providers of digital dialog with the GP behind one API.
#[derive(Parser)]
#[command(name = "dialog-gateway", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the gateway until SIGTERM or SIGINT.
    Serve {
        /// The configuration.
        #[arg(long, env = "DIALOG_GATEWAY_CONFIG")]
        config: PathBuf,
    },
    /// Wraps all keys under the current master key, and says how many remain. A gateway that runs does so by itself.
    Rewrap {
        /// The configuration.
        #[arg(long, env = "DIALOG_GATEWAY_CONFIG")]
        config: PathBuf,
    },
    /// Reads and checks the configuration with everything that it names, and says all that is wrong.
    Check {
        /// The configuration.
        #[arg(long, env = "DIALOG_GATEWAY_CONFIG")]
        config: PathBuf,
    },
    /// Installs, lists, shows, grants, takes back and rolls back plugins of a gateway that runs.
    Plugin(Box<Plugins>),
    /// What is done to the audit log of a gateway that is stopped.
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Compiles a plugin within limits: what the gateway starts itself with.
    #[command(hide = true)]
    Compile { limits: Vec<String> },
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Ends the log: its last record names the log that follows. After that the configuration names the successor's key,
    /// a folder of its own, and this log among `audit.predecessors`.
    Seal {
        /// The configuration.
        #[arg(long, env = "DIALOG_GATEWAY_CONFIG")]
        config: PathBuf,
        /// The verifier key of the log that follows, as `dialog-audit keygen` says it.
        #[arg(long)]
        successor: String,
    },
}

fn seal(file: &Path, successor: &str) -> anyhow::Result<()> {
    let config = Config::read(file)?;
    start::checked(file, &config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(log::seal(&config, successor, &mut io::stdout()))
}

#[expect(clippy::print_stderr, reason = "the one place where the binary says what an operator should mend")]
fn look(file: &Path) -> anyhow::Result<()> {
    let checked = start::checked(file, &Config::read(file)?)?;
    for warning in checked.warnings {
        eprintln!("dialog-gateway: {}: warning: {warning}", file.display());
    }
    Ok(())
}

fn main() -> ExitCode {
    let ended = match Arguments::parse().command {
        Command::Serve { config } => start::run(&config, &mut io::stdout()),
        Command::Check { config } => look(&config),
        Command::Audit { command: AuditCommand::Seal { config, successor } } => seal(&config, &successor),
        Command::Compile { limits } => match compile::serve(&limits) {
            Ok(()) => Ok(()),
            Err((code, words)) => return ended_with(&words, code),
        },
        Command::Plugin(plugins) => {
            return match operate::run(&plugins, &mut io::stdout(), &mut io::stderr()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => ended_with(&format!("dialog-gateway: {failure}"), failure.code()),
            };
        }
        Command::Rewrap { config } => Config::read(&config)
            .map_err(anyhow::Error::from)
            .and_then(|config| encryption::rewrap(&config, &mut io::stdout())),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ended_with(&format!("dialog-gateway: {error:#}"), 1),
    }
}

fn ended_with(words: &str, code: u8) -> ExitCode {
    #[expect(clippy::print_stderr, reason = "the one place where the binary says why it ends")]
    {
        eprintln!("{words}");
    }
    ExitCode::from(code)
}
