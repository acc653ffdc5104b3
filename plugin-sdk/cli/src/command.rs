//! Other programs, run with their time and their output bounded, in an environment that does not confuse them.

use std::{
    ffi::OsStr,
    io::{self, BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Bytes kept of each of a program's two outputs. `cargo build` of a large workspace with every warning stays below.
const MAX_OUTPUT: u64 = 8 * 1024 * 1024;

/// How long the rest of what an ended program said is waited for: something that it started may hold the pipe open.
const GRACE: Duration = Duration::from_secs(2);

/// How often a running program is looked at: short beside the quickest of them.
const POLL: Duration = Duration::from_millis(10);

/// What a program said.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output, at most 8 MiB.
    pub stdout: Vec<u8>,
    /// Standard error as text, at most 8 MiB.
    pub stderr: String,
}

impl Output {
    /// Standard output as text, without the line end.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end().to_owned()
    }

    /// The last lines of standard error: what a person needs to see of a failure.
    pub fn last_lines(&self, most: usize) -> String {
        let lines: Vec<&str> = self.stderr.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(most)..].join("\n")
    }
}

/// Why a program said nothing.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It did not start.
    #[error("`{program}` cannot be run: {source}")]
    Start {
        /// Its name.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// It took too long and was stopped.
    #[error("`{program}` was stopped after {} s without an end", limit.as_secs())]
    TimedOut {
        /// Its name.
        program: String,
        /// How long it had.
        limit: Duration,
    },
}

/// A command in an environment without what an outer `cargo` leaves behind.
///
/// `cargo run` and `cargo test` set `CARGO`, `RUSTC`, `RUSTFLAGS`, `LD_LIBRARY_PATH` and `CARGO_*` for one toolchain and
/// one package; an inner cargo, perhaps another toolchain's, would build with them. What says where to find and keep
/// things stays.
pub fn clean(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    let inside_cargo = std::env::var_os("CARGO").is_some();
    for (name, _) in std::env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        if confuses(name) || (inside_cargo && name == "LD_LIBRARY_PATH") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Whether a variable steers what cargo builds, rather than where it finds and keeps things.
fn confuses(name: &str) -> bool {
    const KEPT: &[&str] = &["CARGO_HOME", "CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTR", "CARGO_SOURCE_", "CARGO_TERM_"];
    const OTHER: &[&str] = &[
        "RUSTC",
        "RUSTDOC",
        "RUSTFLAGS",
        "RUST_RECURSION_COUNT",
        "MAKEFLAGS",
        "OUT_DIR",
        "TARGET",
        "HOST",
        "NUM_JOBS",
    ];
    if name == "CARGO" || name.starts_with("CARGO_") || name.starts_with("__CARGO") {
        return !KEPT.iter().any(|kept| name.starts_with(kept));
    }
    OTHER.contains(&name) || name.starts_with("RUSTC_") || name.starts_with("RUSTDOC")
}

/// Runs a program to its end. `line` hears each line of standard error as it comes.
///
/// # Errors
/// [`CommandError`] when it does not start, or has not ended within `limit`; it is stopped then.
pub fn run(command: &mut Command, limit: Duration, line: &mut dyn FnMut(&str)) -> Result<Output, CommandError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| CommandError::Start { program: program.clone(), source })?;
    let stdout = child.stdout.take().map(|pipe| {
        let (whole, stdout) = mpsc::channel();
        // A receiver that is gone has given up waiting.
        thread::spawn(move || drop(whole.send(drain(pipe))));
        stdout
    });
    let (said, lines) = mpsc::channel();
    if let Some(pipe) = child.stderr.take() {
        thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut bytes = Vec::new();
            // A receiver that is gone has given up: the rest is of no use.
            while matches!(pipe.read_until(b'\n', &mut bytes), Ok(1..)) {
                let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
                bytes.clear();
                if said.send(text).is_err() {
                    break;
                }
            }
        });
    }
    let begun = Instant::now();
    let mut ended = None;
    let mut stderr = String::new();
    let mut hear = |wait: Duration, stderr: &mut String| -> bool {
        match lines.recv_timeout(wait) {
            Ok(text) => {
                line(&text);
                if (stderr.len() + text.len()) as u64 <= MAX_OUTPUT {
                    stderr.push_str(&text);
                    stderr.push('\n');
                }
                true
            }
            Err(mpsc::RecvTimeoutError::Timeout) => true,
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                thread::sleep(wait);
                false
            }
        }
    };
    let status = loop {
        let open = hear(POLL, &mut stderr);
        match child.try_wait() {
            // What it said last may still be on its way.
            Ok(Some(status)) => {
                let ended = *ended.get_or_insert_with(Instant::now);
                if !open || ended.elapsed() > GRACE {
                    break status;
                }
            }
            Ok(None) if begun.elapsed() < limit => {}
            Ok(None) => return Err(stop(child, program, limit)),
            Err(source) => return Err(CommandError::Start { program, source }),
        }
    };
    let stdout = stdout.and_then(|reader| reader.recv_timeout(GRACE).ok()).unwrap_or_default();
    Ok(Output { status, stdout, stderr })
}

/// Runs a program whose standard output is a short answer.
///
/// # Errors
/// As [`run`].
pub fn ask(command: &mut Command) -> Result<Output, CommandError> {
    run(command, Duration::from_secs(30), &mut |_| {})
}

fn drain(pipe: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut pipe = pipe.take(MAX_OUTPUT);
    // A broken pipe ends the output, as its end does.
    let _ = pipe.read_to_end(&mut bytes);
    let _ = io::copy(&mut pipe.into_inner(), &mut io::sink());
    bytes
}

fn stop(mut child: Child, program: String, limit: Duration) -> CommandError {
    // It may have ended in between; then there is nothing to stop.
    let _ = child.kill();
    let _ = child.wait();
    CommandError::TimedOut { program, limit }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = clean("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_outputs_of_a_program_are_heard_to_the_end() {
        let mut heard = Vec::new();
        let output =
            run(&mut shell("echo out; echo one >&2; echo two >&2; exit 3"), Duration::from_secs(20), &mut |line| {
                heard.push(line.to_owned());
            })
            .unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(output.text(), "out");
        assert_eq!(heard, ["one", "two"]);
        assert_eq!(output.last_lines(1), "two");
    }

    #[test]
    fn a_program_that_does_not_end_is_stopped() {
        let error = run(&mut shell("exec sleep 600"), Duration::from_millis(50), &mut |_| {}).unwrap_err();
        assert!(matches!(error, CommandError::TimedOut { .. }), "{error}");
    }

    #[test]
    fn what_a_program_leaves_running_does_not_hold_it_up() {
        let output = run(&mut shell("sleep 60 & echo done; exit 0"), Duration::from_secs(30), &mut |_| {}).unwrap();
        assert!(output.status.success());
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = ask(&mut clean("no-such-program")).unwrap_err().to_string();
        assert!(error.contains("`no-such-program` cannot be run"), "{error}");
    }

    #[test]
    fn what_an_outer_cargo_leaves_behind_is_told_from_what_the_user_set() {
        for name in ["CARGO", "CARGO_PKG_NAME", "CARGO_TARGET_DIR", "RUSTC", "RUSTFLAGS", "RUSTC_WRAPPER", "MAKEFLAGS"]
        {
            assert!(confuses(name), "{name}");
        }
        for name in [
            "CARGO_HOME",
            "CARGO_NET_OFFLINE",
            "CARGO_HTTP_PROXY",
            "RUSTUP_HOME",
            "RUSTUP_TOOLCHAIN",
            "PATH",
            "HOSTNAME",
        ] {
            assert!(!confuses(name), "{name}");
        }
    }
}
