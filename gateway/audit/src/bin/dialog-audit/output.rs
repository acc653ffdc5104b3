//! The one place that prints: answers to standard output, reasons to standard error.

use std::io::{self, BufWriter, Stdout, Write};
use std::process::ExitCode;

use dialog_audit::ReadError;
use serde_json::{Value, json};

/// Why the command did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    /// Whether the answer has said it already.
    told: bool,
    why: String,
    details: Value,
}

impl Failure {
    /// What was looked at is not right.
    pub(crate) fn found_wrong(why: impl Into<String>) -> Self {
        Self { code: 1, told: false, why: why.into(), details: Value::Null }
    }

    /// It could not be looked at in full, so nothing is said of it.
    pub(crate) fn not_read(why: impl Into<String>) -> Self {
        Self { code: 3, told: false, why: why.into(), details: Value::Null }
    }

    /// The command was not used as it should be.
    pub(crate) fn used_wrongly(why: impl Into<String>) -> Self {
        Self { code: 2, told: false, why: why.into(), details: Value::Null }
    }

    pub(crate) fn why(&self) -> &str {
        &self.why
    }

    /// The answer has said it; the exit code is left.
    pub(crate) fn told(mut self) -> Self {
        self.told = true;
        self
    }

    /// Adds what a program wants to know.
    pub(crate) fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }
}

impl From<ReadError> for Failure {
    fn from(why: ReadError) -> Self {
        match why {
            ReadError::NoLog { .. } | ReadError::Beyond { .. } | ReadError::Removed { .. } => {
                Self::used_wrongly(why.to_string())
            }
            ReadError::Io { .. } => Self::not_read(why.to_string()),
            ReadError::Checkpoint(_) | ReadError::Damaged(_) => Self::found_wrong(why.to_string()),
        }
    }
}

/// Standard output, for people or for programs.
pub(crate) struct Output {
    json: bool,
    out: BufWriter<Stdout>,
    /// Who read the output has gone; nothing is wrong with that.
    gone: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, out: BufWriter::new(io::stdout()), gone: false }
    }

    /// Whether who reads it has had enough.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone
    }

    /// One line, whatever the format.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), Failure> {
        let written = writeln!(self.out, "{line}");
        self.check(written)
    }

    /// Text as it stands.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        let written = self.out.write_all(text.as_bytes());
        self.check(written)
    }

    /// An answer: text for people, JSON for programs.
    pub(crate) fn answer(&mut self, text: &str, json: &Value) -> Result<(), Failure> {
        if self.json { self.line(&json.to_string()) } else { self.line(text) }
    }

    /// Something that people should know beside the answer.
    pub(crate) fn remark(&self, words: &str) {
        // Where nobody can be told, the answer is left.
        let _ = writeln!(io::stderr(), "dialog-audit: {words}");
    }

    /// Hands over what was written so far.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        let flushed = self.out.flush();
        self.check(flushed)
    }

    pub(crate) fn in_json(&self) -> bool {
        self.json
    }

    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        let flushed = self.out.flush();
        self.check(flushed)
    }

    fn check(&mut self, written: io::Result<()>) -> Result<(), Failure> {
        match written {
            Err(why) if why.kind() == io::ErrorKind::BrokenPipe => {
                self.gone = true;
                Ok(())
            }
            written => written.map_err(|why| Failure::used_wrongly(format!("cannot write the answer: {why}"))),
        }
    }
}

/// Says why, and gives the exit code.
pub(crate) fn report(in_json: bool, failure: &Failure) -> ExitCode {
    let Failure { code, told, why, details } = failure;
    if *told {
        return ExitCode::from(*code);
    }
    // Where nobody can be told, the exit code is left.
    let _ = if in_json {
        let answer = json!({ "ok": false, "error": why, "details": details });
        writeln!(io::stdout(), "{answer}")
    } else {
        writeln!(io::stderr(), "dialog-audit: {why}")
    };
    ExitCode::from(*code)
}
