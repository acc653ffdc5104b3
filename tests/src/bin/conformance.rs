//! Plays the checks of `dialog-conformance` with the plugins of this repository, and says what came of them by service.

use std::{
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use clap::Parser;
use dialog_conformance::{Report, matrix};
use dialog_tests::trial;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Whether plugins do what the contract says, by service.
#[derive(Parser)]
#[command(name = "conformance")]
struct Arguments {
    /// The plugins, by id; all when none is named.
    plugins: Vec<String>,
    /// As JSON, with every check.
    #[arg(long, conflicts_with = "matrix")]
    json: bool,
    /// Services by provider alone, as a table in Markdown.
    #[arg(long)]
    matrix: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match play(&arguments.plugins).await {
        Ok(reports) => {
            say(&arguments, &reports);
            ExitCode::from(u8::from(reports.iter().any(|report| report.broken().next().is_some())))
        }
        Err(error) => {
            complain(&format!("conformance: {error:#}"));
            ExitCode::from(2)
        }
    }
}

async fn play(wanted: &[String]) -> anyhow::Result<Vec<Report>> {
    let bars = MultiProgress::new();
    let style = ProgressStyle::with_template("{prefix:14} {bar:30} {pos}/{len} {wide_msg}")?;
    let shown: Arc<Mutex<Vec<(String, ProgressBar)>>> = Arc::default();
    let reports = trial::play(wanted, move |plugin, at, of, check| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        let found = shown.iter().position(|(known, _)| known == plugin).unwrap_or_else(|| {
            let bar = bars.add(ProgressBar::new(of as u64).with_style(style.clone()).with_prefix(plugin.to_owned()));
            shown.push((plugin.to_owned(), bar));
            shown.len() - 1
        });
        shown[found].1.set_position(at as u64);
        shown[found].1.set_message(check.to_owned());
    });
    reports.await
}

fn say(arguments: &Arguments, reports: &[Report]) {
    let text = if arguments.json {
        serde_json::to_string_pretty(reports).unwrap_or_default()
    } else if arguments.matrix {
        matrix(reports)
    } else {
        reports.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    #[expect(clippy::print_stdout, reason = "the command's answer")]
    {
        println!("{text}");
    }
}

#[expect(clippy::print_stderr, reason = "the one place where the command says why it ends")]
fn complain(what: &str) {
    eprintln!("{what}");
}
