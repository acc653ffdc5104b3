//! The gateway's process: the same code that the operator's binary runs, started by this very binary, so that nothing
//! has to be built twice. It can be killed as a power cut would, and ends when whoever started it ends.

use std::{
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};
use url::Url;

/// The hidden command of the demo's binary that runs the gateway.
pub const COMMAND: &str = "gateway";

/// Longer than any start: plugins are compiled in it at the first.
const START: Duration = Duration::from_secs(120);

/// The gateway has this long to end in good order after its parent has: longer than it waits for requests by itself.
const ORPHAN: Duration = Duration::from_secs(40);

/// Ends this process when the one that started it has ended, however that came about. Its standard input is a pipe of which
/// the parent alone holds the other end, and writes nothing: when the parent goes, also by SIGKILL, the system closes it,
/// and what was waited for here is the end.
///
/// `PR_SET_PDEATHSIG` would tell of the end of the thread that started the process, and a runtime's threads come and go;
/// it would also miss a parent that ended before it was set.
///
/// # Errors
/// Where no thread can be started.
pub fn end_with_parent() -> anyhow::Result<()> {
    let own = Pid::from_raw(std::process::id().try_into()?);
    let watch = move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = kill(own, Signal::SIGTERM);
        std::thread::sleep(ORPHAN);
        let _ = kill(own, Signal::SIGKILL);
    };
    std::thread::Builder::new().name("parent".to_owned()).spawn(watch).context("watch the parent")?;
    Ok(())
}

/// A running gateway. Killed when dropped.
pub struct Gateway {
    child: Child,
    /// The portal's API.
    pub portal: Url,
    /// Where vendors push to.
    pub provider: Url,
    /// Metrics, health, the audit log.
    pub operations: Url,
}

impl Gateway {
    /// Starts `binary gateway --config FILE` and waits until it says that it is ready. What it logs goes to `log`.
    pub async fn start(binary: &Path, config: &Path, log: &Path) -> anyhow::Result<Self> {
        let log_file = std::fs::File::options().create(true).append(true).open(log).context("the gateway's log")?;
        let mut child = Command::new(binary)
            .args([COMMAND, "--config"])
            .arg(config)
            // Held as long as the child is: see `end_with_parent`.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log_file)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start {}", binary.display()))?;
        let stdout = child.stdout.take().context("the gateway's standard output")?;
        let mut lines = BufReader::new(stdout).lines();
        let ready = async {
            let (mut portal, mut provider, mut operations) = (None, None, None);
            while let Some(line) = lines.next_line().await? {
                match line.split_once(' ') {
                    Some(("portal", url)) => portal = Some(Url::parse(url)?),
                    Some(("provider", url)) => provider = Some(Url::parse(url)?),
                    Some(("operations", url)) => operations = Some(Url::parse(url)?),
                    _ if line == "ready" => {
                        return Ok((
                            portal.context("no portal address")?,
                            provider.context("no provider address")?,
                            operations.context("no operations address")?,
                        ));
                    }
                    _ => bail!("the gateway said {line:?}"),
                }
            }
            bail!("the gateway ended before it was ready")
        };
        match tokio::time::timeout(START, ready).await.context("the gateway did not get ready").flatten() {
            Ok((portal, provider, operations)) => Ok(Self { child, portal, provider, operations }),
            Err(error) => {
                let _ = child.kill().await;
                let said = std::fs::read_to_string(log).unwrap_or_default();
                let tail: Vec<&str> = said.lines().rev().take(20).collect();
                Err(error.context(tail.into_iter().rev().collect::<Vec<_>>().join("\n")))
            }
        }
    }

    /// The process's id, while it runs.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        self.child.id()
    }

    /// As an operator would who has renewed a certificate: SIGHUP.
    pub fn look_again(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGHUP)
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let id = self.child.id().context("the gateway has ended already")?;
        kill(Pid::from_raw(id.try_into()?), signal).with_context(|| signal.to_string())
    }

    /// As a power cut would: SIGKILL, and no word of it before.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("kill the gateway")
    }

    /// As an operator would: SIGTERM, and wait for a stop in good order.
    pub async fn stop(mut self) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::SIGTERM)?;
        tokio::time::timeout(Duration::from_secs(30), self.child.wait())
            .await
            .context("the gateway did not stop within 30 seconds")?
            .context("wait for the gateway")
    }
}
