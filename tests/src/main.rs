//! The demo: a gateway with simulated back ends, to try, or to play the whole story once.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Parser, Subcommand};
use dialog_gateway::compile;
use dialog_tests::{
    house::{House, Plan, authority, configuration::Addresses, gateway, lease::Demo, notifiers::Seen, plugins},
    sim::world::CITIZENS,
    story::{self, keepsakes, shown, teller::Teller},
};
use tokio::signal::unix::{SignalKind, signal};

/// The dialog gateway with simulated back ends.
#[derive(Parser)]
#[command(name = "cargo demo", args_conflicts_with_subcommands = true)]
struct Arguments {
    /// Plays the whole story once, and ends with 1 at the first surprise.
    #[arg(long)]
    check: bool,
    /// Leaves messages, audit log, API document and story in this folder.
    #[arg(long, requires = "check", value_name = "DIR")]
    out: Option<PathBuf>,
    /// Another folder than the demo's own, and free ports: for tests of the demo.
    #[arg(long, hide = true, conflicts_with = "check", value_name = "DIR")]
    folder: Option<PathBuf>,
    #[command(subcommand)]
    part: Option<Part>,
}

/// Parts that the demo starts as processes of their own.
#[derive(Subcommand)]
enum Part {
    /// The gateway.
    #[command(hide = true)]
    Gateway {
        #[arg(long)]
        config: PathBuf,
    },
    /// What compiles a plugin.
    #[command(hide = true)]
    Compile { limits: Vec<String> },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = match arguments.part {
        Some(Part::Gateway { config }) => {
            gateway::end_with_parent().and_then(|()| dialog_gateway::start::run(&config, &mut std::io::stdout()))
        }
        Some(Part::Compile { limits }) => {
            return compile::serve(&limits)
                .map_or_else(|(code, words)| ended_with(code, &anyhow::Error::msg(words)), |()| ExitCode::SUCCESS);
        }
        None => match arguments.out.as_deref().map_or(Ok(()), keepsakes::may_be_left_in) {
            Ok(()) => run(arguments),
            Err(error) => return ended_with(2, &error),
        },
    };
    ended.map_or_else(|error| ended_with(1, &error), |()| ExitCode::SUCCESS)
}

/// 1: something is wrong. 2: the demo was used wrong.
fn ended_with(code: u8, error: &anyhow::Error) -> ExitCode {
    #[expect(clippy::print_stderr, reason = "the one place where the demo says why it ends")]
    {
        eprintln!("demo: {error:#}");
    }
    ExitCode::from(code)
}

#[tokio::main]
async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let binary = std::env::current_exe()?;
    if arguments.check {
        play(&binary, arguments.out.as_deref()).await
    } else {
        serve(planned(&binary, arguments.folder)).await
    }
}

async fn play(binary: &Path, out: Option<&Path>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut house = House::open(Plan { notices: true, national: true, ..Plan::free(folder.path(), binary) }).await?;
    let mut tell = Teller::new();
    let played = story::play(&mut tell, &mut house).await;
    tell.finish();
    if let Err(error) = played {
        let log = std::fs::read_to_string(house.log()).unwrap_or_default();
        let warnings: Vec<&str> =
            log.lines().filter(|line| line.contains("\"WARN\"") || line.contains("\"ERROR\"")).collect();
        let last = warnings[warnings.len().saturating_sub(10)..].join("\n");
        return Err(error.context(format!("what the gateway said last:\n{last}\n")));
    }
    if let Some(out) = out {
        keepsakes::leave(out, &tell, &house)?;
    }
    let checks: usize = tell.steps.iter().map(|step| step.checked.len()).sum();
    say(&format!("The story holds: {} steps, {checks} checks.", tell.steps.len()));
    say(&format!("What it shows, by service and provider:\n\n{}", shown::table(&tell.shown)?));
    Ok(())
}

fn planned(binary: &Path, folder: Option<PathBuf>) -> Plan {
    let port = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    let plan = match folder {
        Some(folder) => Plan::free(&folder, binary),
        None => Plan {
            addresses: Addresses { portal: port(8480), provider: port(8481), operations: port(8482) },
            back_ends: Some(8490),
            ..Plan::free(&plugins::demo_folder(), binary)
        },
    };
    // Nobody signs proofs by hand.
    Plan { bearer: true, notices: true, national: true, ..plan }
}

async fn serve(plan: Plan) -> anyhow::Result<()> {
    let folder = plan.folder.clone();
    let mut demo = Demo::open(plan).await.context("start the demo")?;
    if let Some(why) = &demo.begun_anew {
        say(&format!("What was in {} is of no use any more, and was begun anew: {why}\n", folder.display()));
    }
    // Before it says that it is ready: a Ctrl-C that comes at once counts.
    let mut interrupted = signal(SignalKind::interrupt())?;
    let house = &mut demo.house;
    let gateway = house.gateway()?;
    let (ca, operator) = (folder.join(authority::AUTHORITY_FILE), folder.join(authority::OPERATOR_FILE));
    let (ca, operator) = (ca.display(), operator.display());
    say(&format!(
        "The gateway is ready.\n\n  portal API   {}\n  operations   curl --cacert {ca} --cert {operator} {}metrics\n",
        gateway.portal, gateway.operations
    ));
    say("Citizens, each with a token for an hour:\n");
    for citizen in CITIZENS.iter().take(3) {
        let token = house.issuer.bearer(citizen)?;
        say(&format!("  {}_TOKEN={token}\n", citizen.given_name.to_uppercase()));
    }
    say(&format!(
        "Try:\n\n  curl --cacert {ca} -H \"Authorization: Bearer $KARI_TOKEN\" {portal}v1/me/practice\n\
         \x20 curl --cacert {ca} -H \"Authorization: Bearer $KARI_TOKEN\" {portal}v1/me/slots\n\
         \x20 curl --cacert {ca} -H \"Authorization: Bearer $KARI_TOKEN\" -H 'Idempotency-Key: 1' -H 'Content-Type: application/json' \\\n\
         \x20   -d '{{\"request\":{{\"type\":\"consultation\",\"mode\":\"text\"}},\"message\":{{\"text\":\"Hei\"}}}}' {portal}v1/me/dialogs\n\
         \x20 curl --cacert {ca} -N -H \"Authorization: Bearer $KARI_TOKEN\" {portal}v1/me/events\n\n\
         What waits for the doctor, and the doctor's answer:\n\n  curl {control}/control/requests\n\
         \x20 curl -H 'Content-Type: application/json' -d '{{\"kind\":\"reply\",\"text\":\"Hei!\"}}' {control}/control/requests/MSG-ID/answer\n\n\
         The audit log: {audit}\nThe gateway's own log: {log}\n\nCtrl-C ends it.",
        portal = house.gateway()?.portal,
        control = house.meldingstjener.control_url(),
        audit = house.audit().display(),
        log = house.log().display(),
    ));
    say("What citizens are told outside the portal:\n");
    let notifiers = house.notifiers()?.clone();
    let mut seen = Seen::default();
    loop {
        tokio::select! {
            _ = interrupted.recv() => break,
            line = notifiers.next(&mut seen) => say(&format!("  {line}")),
        }
    }
    house.stop_gateway().await
}

fn say(what: &str) {
    #[expect(clippy::print_stdout, reason = "the one place where the demo prints its answer")]
    {
        println!("{what}");
    }
}
