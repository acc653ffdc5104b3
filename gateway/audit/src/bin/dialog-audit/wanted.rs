//! Which records are wanted: the arguments that `show` and `export` share.

use std::ops::Range;

use dialog_audit::records::{Ended, Filter};
use jiff::Timestamp;

use crate::output::Failure;

/// Shortest beginning of a digest that tells plugins apart, in hexadecimal digits.
const MIN_DIGEST: usize = 8;

#[derive(clap::Args)]
#[command(next_help_heading = "Which records")]
pub(crate) struct Wanted {
    /// First entry, by index.
    #[arg(long, default_value_t = 0)]
    pub(crate) from: u64,
    /// Last entry, by index.
    #[arg(long)]
    pub(crate) to: Option<u64>,
    /// At this time or later (RFC 3339, such as 2026-03-02T08:00:00+01:00).
    #[arg(long)]
    since: Option<Timestamp>,
    /// Before this time.
    #[arg(long)]
    until: Option<Timestamp>,
    /// Of this office (HER-id).
    #[arg(long, value_name = "HER-ID")]
    office: Option<u64>,
    /// Through this plugin, or delivered by it.
    #[arg(long, value_name = "PLUGIN")]
    provider: Option<String>,
    /// Through a plugin whose digest begins so (8 hexadecimal digits or more).
    #[arg(long, value_name = "SHA-256")]
    digest: Option<String>,
    /// Of, by or on behalf of the person with this pseudonym (see `pseudonym`).
    #[arg(long, value_name = "PSEUDONYM")]
    citizen: Option<String>,
    /// Of this trace (32 hexadecimal digits).
    #[arg(long, value_name = "TRACE-ID")]
    trace: Option<String>,
    /// Of this request (X-Request-Id).
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Of this dialog.
    #[arg(long, value_name = "ID")]
    dialog: Option<String>,
    /// Of this kind, such as outcome or token-refused.
    #[arg(long)]
    kind: Option<String>,
    /// With this action, such as dialog.open.
    #[arg(long)]
    action: Option<String>,
    /// That ended so: ok, refused, an HTTP status, or a problem's name.
    #[arg(long)]
    outcome: Option<Ended>,
}

impl Wanted {
    /// The filter, checked.
    pub(crate) fn filter(&self) -> Result<Filter, Failure> {
        if let Some(citizen) = &self.citizen {
            check_pseudonym(citizen)?;
        }
        if let Some(digest) = &self.digest {
            let hexadecimal = digest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
            if digest.len() < MIN_DIGEST || !hexadecimal {
                let why = format!("--digest: at least {MIN_DIGEST} hexadecimal digits, in lower case");
                return Err(Failure::used_wrongly(why));
            }
        }
        Ok(Filter {
            since: self.since,
            until: self.until,
            office: self.office,
            provider: self.provider.clone(),
            digest: self.digest.clone(),
            citizen: self.citizen.clone(),
            trace: self.trace.clone(),
            request: self.request.clone(),
            dialog: self.dialog.clone(),
            kind: self.kind.clone(),
            action: self.action.clone(),
            outcome: self.outcome.clone(),
        })
    }

    /// The entries, by index.
    pub(crate) fn range(&self) -> Result<Range<u64>, Failure> {
        if self.to.is_some_and(|to| to < self.from) {
            return Err(Failure::used_wrongly("--to is before --from"));
        }
        Ok(self.from..self.to.map_or(u64::MAX, |to| to.saturating_add(1)))
    }
}

/// An argument is seen by everybody on the machine, and kept in the shell's history: a number that says who somebody is
/// has no place in one.
fn check_pseudonym(text: &str) -> Result<(), Failure> {
    if text.bytes().filter(u8::is_ascii_digit).count() == 11 && text.len() <= 13 {
        let why = "--citizen: this looks like a national identity number, which is no argument: \
                   give the pseudonym, which `dialog-audit pseudonym` makes";
        return Err(Failure::used_wrongly(why));
    }
    Ok(())
}
