//! A record in one line, for people.

use std::fmt::Write;

use dialog_audit::records::Record;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Text from a log, so that it does nothing to a terminal: what controls it, or turns the direction of writing, is
/// shown as what it is.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns {
            // Writing to a string does not fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A time where the auditor is.
pub(crate) fn local(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S%.3f%:z").to_string()
}

/// The time of day where the auditor is.
pub(crate) fn clock(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%H:%M:%S%.3f").to_string()
}

/// A record.
pub(crate) fn of(index: u64, record: &Record) -> String {
    let time = record.time().map_or_else(|| "-".to_owned(), local);
    format!("{time}  #{index}  {}", what(record))
}

/// A record without its time and place.
pub(crate) fn what(record: &Record) -> String {
    let mut line = format!("{:<13}  {:<22}", plain(record.kind()), plain(record.action()));
    line.push_str("  ");
    line.push_str(&who(record));
    if let Some(plugin) = record.text("/call/plugin") {
        let version = record.text("/call/version").unwrap_or("");
        let _ = write!(line, " -> {} {}", plain(plugin), plain(version));
    }
    if let Some(office) = record.number("/office") {
        let _ = write!(line, "  office {office}");
    }
    if record.outcome().is_some() {
        let _ = write!(line, "  {}", ended(record));
    }
    line
}

/// Who acted, and for whom.
pub(crate) fn who(record: &Record) -> String {
    let role = record.text("/actor/role").unwrap_or("somebody");
    let client = record.text("/actor/client").unwrap_or("");
    let mut who = format!("{} ({})", plain(role), plain(client));
    if let Some(role) = record.text("/representation/role") {
        let _ = write!(who, " as {}", plain(role));
    }
    who
}

/// How it ended.
pub(crate) fn ended(record: &Record) -> String {
    let mut ended = Vec::new();
    if let Some((status, problem)) = record.outcome() {
        ended.extend(status.map(|status| status.to_string()));
        ended.extend(problem.map(plain));
    }
    if let Some(sent) = record.text("/outcome/sent") {
        ended.push(format!("sent: {}", plain(sent)));
    }
    if ended.is_empty() { "done".to_owned() } else { ended.join(" ") }
}

/// An entry that is no record.
pub(crate) fn opaque(index: u64, data: &[u8]) -> String {
    format!("#{index}  {}", plain(&String::from_utf8_lossy(data)))
}
