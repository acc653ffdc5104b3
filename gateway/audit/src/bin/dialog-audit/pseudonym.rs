//! `dialog-audit pseudonym`

use std::io::{IsTerminal, Read};
use std::path::PathBuf;

use dialog_contract::ids::NationalIdentityNumber;
use dialog_contract::pseudonym::{AUDIT_CONTEXT, Pseudonyms};
use serde_json::json;
use zeroize::Zeroizing;

use crate::access;
use crate::output::{Failure, Output};

/// Longest key file, in bytes: what the gateway reads.
const MAX_KEY_BYTES: usize = 64 * 1024;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// File with the gateway's key for pseudonyms (`[pseudonyms] key` of its configuration).
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

/// The number is read from standard input: an argument would be seen by everybody on the machine.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<(), Failure> {
    let key = Zeroizing::new(access::read(&arguments.key, MAX_KEY_BYTES)?);
    // As the gateway reads its secrets: the line's end is none of the key.
    let end = key.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
    let pseudonyms = Pseudonyms::new(&key[..end]).map_err(|why| Failure::used_wrongly(format!("--key: {why}")))?;
    if std::io::stdin().is_terminal() {
        output.remark("the national identity number, and Enter:");
    }
    let mut typed = Zeroizing::new(Vec::with_capacity(128));
    let mut byte = [0];
    while typed.len() < 64 && std::io::stdin().read(&mut byte).is_ok_and(|read| read == 1) && byte[0] != b'\n' {
        typed.push(byte[0]);
    }
    let text = std::str::from_utf8(&typed).unwrap_or_default();
    let number: NationalIdentityNumber =
        text.trim().parse().map_err(|why| Failure::used_wrongly(format!("standard input: {why}")))?;
    let pseudonym = pseudonyms.text(AUDIT_CONTEXT, &number);
    output.answer(&pseudonym, &json!({ "ok": true, "pseudonym": pseudonym }))
}
