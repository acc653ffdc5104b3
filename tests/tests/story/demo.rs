//! The demo, as somebody runs it who tries the gateway: how it starts, goes on, and ends.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use dialog_tests::sim::world::{FJELLVEIEN, KARI};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

/// Longer than anything takes that is not broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// A demo that is ready, and what it said until then.
struct Demo {
    process: Child,
    said: String,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Demo {
    fn start(folder: &Path) -> anyhow::Result<Self> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_demo"))
            .arg("--folder")
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (mut said, stdout) = (String::new(), process.stdout.take().context("its standard output")?);
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        while stdout.read_line(&mut line)? > 0 {
            said.push_str(&line);
            if line.trim_end() == "The gateway is ready." {
                return Ok(Self { process, said, stdout: Some(stdout) });
            }
            line.clear();
        }
        let ended = process.wait_with_output()?;
        bail!("{said}{}", String::from_utf8_lossy(&ended.stderr))
    }

    /// Ends the demo's own process, and nothing else.
    fn signal(&mut self, signal: Signal) -> anyhow::Result<()> {
        kill(Pid::from_raw(self.process.id().try_into()?), signal)?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the demo says after it is ready, line by line; the control API of Meldingstjener among it.
fn listening(demo: &mut Demo) -> anyhow::Result<mpsc::Receiver<String>> {
    let said = demo.stdout.take().context("its standard output")?;
    let (told, lines) = mpsc::channel();
    // A thread of its own, as reading a line cannot be broken off.
    std::thread::spawn(move || {
        for line in said.lines().map_while(Result::ok) {
            if told.send(line).is_err() {
                return;
            }
        }
    });
    Ok(lines)
}

/// The lock that the gateway's process holds, and no other.
fn lock(folder: &Path) -> anyhow::Result<File> {
    Ok(File::options().write(true).open(folder.join("data/store/lock"))?)
}

/// Waits for the end of the process that holds the lock.
fn until_unlocked(folder: &Path) -> anyhow::Result<()> {
    let (lock, (told, end)) = (lock(folder)?, mpsc::channel());
    // A thread of its own, as a wait for a lock cannot be broken off.
    std::thread::spawn(move || told.send(lock.lock()));
    end.recv_timeout(PATIENCE).context("the gateway goes on running")?.context("lock")
}

/// What the gateway warned of until it was ready.
fn warnings(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for line in fs::read_to_string(folder.join("gateway.log"))?.lines() {
        let line: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        if line["message"] == "ready" {
            return Ok(found);
        }
        if line["level"] != "INFO" {
            found.push(line["message"].as_str().context("a message")?.to_owned());
        }
    }
    bail!("it was never ready")
}

#[test]
fn the_gateway_ends_with_the_demo_however_that_ends_and_its_data_is_there_for_the_next() -> anyhow::Result<()> {
    let parent = tempfile::tempdir()?;
    let folder = parent.path().join("demo");
    for signal in [Signal::SIGKILL, Signal::SIGTERM] {
        let mut demo = Demo::start(&folder)?;
        ensure!(!demo.said.contains("begun anew"), "{}", demo.said);
        ensure!(lock(&folder)?.try_lock().is_err(), "the gateway runs");
        demo.signal(signal)?;
        until_unlocked(&folder)?;
    }
    Ok(())
}

#[test]
fn the_secrets_of_a_demo_are_its_owners_alone_and_its_start_warns_of_nothing_but_bearer_tokens() -> anyhow::Result<()> {
    let parent = tempfile::tempdir()?;
    let folder = parent.path().join("demo");
    let mut demo = Demo::start(&folder)?;
    demo.signal(Signal::SIGINT)?;
    ensure!(warnings(&folder)?.iter().all(|said| said.contains("bound to nothing")), "{:?}", warnings(&folder)?);
    let secret = |name: &str| [".key", ".secret", ".pem"].iter().any(|end| name.ends_with(end));
    let mut secrets = BTreeSet::new();
    for entry in fs::read_dir(&folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(secret) {
            ensure!(entry.metadata()?.permissions().mode() & 0o077 == 0, "{:?} is open", entry.path());
            secrets.insert(entry.path());
        }
    }
    ensure!(secrets.len() >= 10, "{secrets:?}");
    // As a house from before left them: mended at the next start.
    for path in &secrets {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644))?;
    }
    fs::remove_file(folder.join("gateway.log"))?;
    let mut demo = Demo::start(&folder)?;
    ensure!(!demo.said.contains("begun anew"), "{}", demo.said);
    demo.signal(Signal::SIGINT)?;
    ensure!(warnings(&folder)?.iter().all(|said| said.contains("bound to nothing")), "{:?}", warnings(&folder)?);
    Ok(())
}

#[test]
fn a_folder_that_is_of_no_use_any_more_is_begun_anew_and_that_is_said() -> anyhow::Result<()> {
    let parent = tempfile::tempdir()?;
    let folder = parent.path().join("demo");
    // As a demo from before encryption left it: no mark, and a store that nobody here can read.
    fs::create_dir_all(folder.join("data/store"))?;
    for name in ["gateway.toml", "issuer.jwks", "data/store/db"] {
        fs::write(folder.join(name), "of another time")?;
    }
    let mut demo = Demo::start(&folder)?;
    ensure!(demo.said.contains("begun anew: it is of an earlier demo"), "{}", demo.said);
    let store = fs::read(folder.join("data/store/db")).unwrap_or_default();
    ensure!(store != b"of another time", "what was there is gone");
    demo.signal(Signal::SIGINT)?;

    // The keys are lost: nothing in it can be read any more.
    fs::remove_file(folder.join("encryption.key"))?;
    let before = fs::read(folder.join("audit.key"))?;
    let mut demo = Demo::start(&folder)?;
    ensure!(demo.said.contains("begun anew: ") && demo.said.contains("keys"), "{}", demo.said);
    ensure!(fs::read(folder.join("audit.key"))? != before, "all of it is new");
    demo.signal(Signal::SIGINT)?;
    let left: Vec<_> =
        fs::read_dir(parent.path())?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<_>>()?;
    ensure!(left.len() == 2, "the folder and its lock: {left:?}");
    Ok(())
}

#[test]
fn a_folder_that_is_not_a_demos_is_left_as_it_is() -> anyhow::Result<()> {
    let parent = tempfile::tempdir()?;
    let folder = parent.path().join("operator");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("gateway.toml"), "public-url = \"https://dialog.example\"")?;
    let refused = Demo::start(&folder).err().context("it starts")?.to_string();
    ensure!(refused.contains("not the demo's"), "{refused}");
    let names: Vec<_> = fs::read_dir(&folder)?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<_>>()?;
    ensure!(names == ["gateway.toml"], "{names:?}");
    Ok(())
}

#[test]
fn who_runs_the_demo_sees_what_telephones_show_and_nothing_of_what_was_written() -> anyhow::Result<()> {
    let parent = tempfile::tempdir()?;
    let mut demo = Demo::start(&parent.path().join("demo"))?;
    let lines = listening(&mut demo)?;
    let next = || lines.recv_timeout(PATIENCE).context("the demo says nothing more");
    let control = loop {
        let line = next()?;
        if let Some((_, url)) = line.split_once("curl http://") {
            break format!("http://{}", url.trim_end_matches("/control/requests"));
        }
    };
    let letter = serde_json::json!({
        "nationalId": KARI.national_id, "medical": true, "oneWay": true,
        "subject": "Prøvesvar", "text": "Prøvene er fine.",
    });
    let url = format!("{control}/control/offices/{}/dialogues", FJELLVEIEN.her_id);
    tokio::runtime::Runtime::new()?
        .block_on(async { reqwest::Client::new().post(url).json(&letter).send().await?.error_for_status() })?;
    let shown = loop {
        let line = next()?;
        ensure!(!line.contains("Prøve"), "{line}");
        if line.contains("telephone") {
            break line;
        }
    };
    ensure!(shown.starts_with("  Kari's telephone: Du har en ny melding fra "), "{shown}");
    demo.signal(Signal::SIGINT)
}
