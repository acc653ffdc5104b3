//! `dialog-gateway plugin`: what an operator does with the plugins of a gateway that runs, from a machine that reaches its
//! operations listener. Each command is one request of the operations API, and a second where one decides on what
//! another showed.
//!
//! Floor plan
//! - [`Plugins`]: the commands, and [`run`]. `wanted`: what is granted, in words.
//! - [`connection`]: where the gateway is, and how an operator shows who they are. `proof`: by a key (DPoP).
//!   `client`: a request and its answer.
//! - `words`: what the operator is told.

mod client;
pub mod connection;
mod proof;
mod wanted;
mod words;

use std::{io::Write, path::PathBuf};

use clap::{Args, Subcommand};
use dialog_contract::{ids::PluginId, page::Page, plugin::Plugin};
use dialog_host::file;

use self::{
    client::{Answer, Client},
    connection::Connection,
    wanted::{Word, asks},
};

/// The largest package that a gateway can be made to take, in bytes.
const PACKAGE_BYTES: u64 = 256 * 1024 * 1024;

/// Why a command did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It was used wrong: nobody was asked to change anything.
    #[error("{0}")]
    Used(String),
    /// The gateway says no, or could not be asked.
    #[error("{0}")]
    Refused(String),
}

impl Failure {
    /// What the process ends with.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Refused(_) => 1,
            Self::Used(_) => 2,
        }
    }
}

/// `plugin`, with what all of its commands need.
#[derive(Debug, Args)]
pub struct Plugins {
    #[command(flatten)]
    connection: Connection,
    /// Answer with the JSON of the operations API
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install a package: it serves at once, or waits where it asks for more than is granted
    Install {
        /// The package, one signed component
        file: PathBuf,
    },
    /// List all installed plugins
    List,
    /// Show one plugin: its versions, what they ask for, and what is granted
    Show {
        /// The plugin's id
        plugin: PluginId,
    },
    /// Grant a plugin more; a version that waited for it takes over
    Grant {
        /// The plugin's id
        plugin: PluginId,
        /// What it is granted: upstream, state, clock, log, attachments, national-identity-number
        #[arg(required_unless_present = "asked")]
        what: Vec<Word>,
        /// All that the version which waits asks for, as `show` shows it
        #[arg(long, conflicts_with = "what")]
        asked: bool,
    },
    /// Take back what a plugin was granted; one that asks for it serves no more
    Revoke {
        /// The plugin's id
        plugin: PluginId,
        /// What is taken back: upstream, state, clock, log, attachments, national-identity-number
        #[arg(required_unless_present = "all")]
        what: Vec<Word>,
        /// All that it was granted
        #[arg(long, conflicts_with = "what")]
        all: bool,
    },
    /// Go back to the version that served before, once
    Rollback {
        /// The plugin's id
        plugin: PluginId,
    },
}

/// Runs a command; what it comes to goes to `out`, what the operator should look at besides to `aside`.
///
/// # Errors
/// [`Failure`]. Nothing of a token or a key is in it.
pub fn run(plugins: &Plugins, out: &mut dyn Write, aside: &mut dyn Write) -> Result<(), Failure> {
    let package = match &plugins.command {
        Command::Install { file } => Some(
            file::read(file, PACKAGE_BYTES)
                .map_err(|error| Failure::Used(format!("the package {}: {error}", file.display())))?,
        ),
        _ => None,
    };
    let client = Client::new(&plugins.connection, aside)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Refused(format!("the runtime: {error}")))?;
    let answer = runtime.block_on(ask(&client, &plugins.command, package))?;
    let told = if plugins.json { answer.json(out) } else { words::tell(&plugins.command, &answer, out) };
    told.map_err(|error| Failure::Refused(format!("standard output: {error}")))?;
    answer.accepted()
}

/// The requests of a command; gives the last answer.
async fn ask(client: &Client, command: &Command, package: Option<Vec<u8>>) -> Result<Answer, Failure> {
    let one = |plugin: &PluginId| format!("/v1/plugins/{plugin}");
    match command {
        Command::List => client.get("/v1/plugins").await,
        Command::Show { plugin } => client.get(&one(plugin)).await,
        Command::Install { .. } => {
            // Whoever may not is told so before a package is on its way, over which a refusal could get lost.
            let may = client.get("/v1/plugins").await?;
            if may.is_refused() {
                return Ok(may);
            }
            client.post_package(package.unwrap_or_default()).await
        }
        Command::Grant { plugin, what, asked: false } => {
            client.post(&format!("{}/grants", one(plugin)), Some(&asks(what)), None).await
        }
        Command::Grant { plugin, .. } => {
            let shown = client.get(&one(plugin)).await?;
            let Some(known) = shown.read::<Plugin>()? else { return Ok(shown) };
            let Some(waiting) = known.waiting.as_ref().or(known.current.as_ref()) else {
                return Err(Failure::Refused(format!("{plugin}: there is no version that asks for anything")));
            };
            client.post(&format!("{}/grants", one(plugin)), Some(&waiting.asks), shown.tag()).await
        }
        Command::Revoke { plugin, what, all: false } => {
            client.post(&format!("{}/revocations", one(plugin)), Some(&asks(what)), None).await
        }
        Command::Revoke { plugin, .. } => {
            let shown = client.get(&one(plugin)).await?;
            let Some(known) = shown.read::<Plugin>()? else { return Ok(shown) };
            client.post(&format!("{}/revocations", one(plugin)), Some(&known.granted), shown.tag()).await
        }
        Command::Rollback { plugin } => {
            // Held to what is seen now: a request that is repeated, or another operator's, does not go back once more.
            let shown = client.get(&one(plugin)).await?;
            if shown.is_refused() {
                return Ok(shown);
            }
            client.post(&format!("{}/rollback", one(plugin)), None, shown.tag()).await
        }
    }
}

/// All plugins, as a list gives them.
type All = Page<Plugin>;
