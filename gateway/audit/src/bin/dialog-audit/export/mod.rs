//! `dialog-audit export`: records in a form that other tools read. One record after the other: memory does not grow with
//! the log.
//!
//! * `jsonl`: records as they stand, with their place in the log.
//! * `csv`: a fixed table for spreadsheets.
//! * `fhir`: FHIR R4 AuditEvents by IHE BALP.
//! * `sink`: standard output, a file, or a row of files.

mod csv;
mod fhir;
mod jsonl;
mod sink;

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::ops::ControlFlow;
use std::path::PathBuf;

use dialog_audit::records::Record;
use dialog_audit::{Entry, Reader};
use serde_json::json;

use crate::access::Place;
use crate::output::{Failure, Output};
use crate::search::{IndexPlace, Search};
use crate::wanted::Wanted;
use sink::Sink;

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A JSON object a line: origin, index, record.
    Jsonl,
    /// A table (RFC 4180) with a fixed row of columns.
    Csv,
    /// FHIR R4: a Bundle of AuditEvents (IHE BALP).
    Fhir,
}

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// In which form.
    #[arg(long)]
    format: Format,
    /// Where to write; to standard output without it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Begin a new file after so many records: FILE-00001, FILE-00002 and so on.
    #[arg(long, value_name = "N", requires = "out")]
    per_file: Option<NonZeroU64>,
    /// In `fhir`: intents, and outcomes that did not come to be, too. They are left out otherwise, as an event is what
    /// happened. The other forms have all records.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    index: IndexPlace,
}

/// A form of records.
trait Form {
    /// What a file begins with.
    fn begin(&self) -> String;
    /// What stands between two records.
    fn between(&self) -> &'static str;
    /// A record; none where it has no place in this form.
    fn write(&mut self, entry: &Entry, record: Option<&Record>) -> Option<String>;
    /// What a file ends with.
    fn end(&self) -> &'static str;
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<(), Failure> {
    let (filter, range) = (arguments.wanted.filter()?, arguments.wanted.range()?);
    let (reader, believed) = arguments.place.reader("export")?;
    let origin = reader.checkpoint().origin.clone();
    let mut form: Box<dyn Form> = match arguments.format {
        Format::Jsonl => Box::new(jsonl::Jsonl::new(&origin)),
        Format::Csv => Box::new(csv::Csv),
        Format::Fhir => {
            let aside = if arguments.all { HashMap::new() } else { superseded(&reader, range.start)? };
            Box::new(fhir::Fhir::new(&origin, arguments.all, aside))
        }
    };
    let mut sink = Sink::new(arguments.out.as_deref(), arguments.per_file, form.as_ref(), output)?;
    let (mut written, mut left_out) = (0_u64, 0_u64);
    let search =
        Search { place: &arguments.place, index: &arguments.index, reader: &reader, checked: believed.is_some() };
    search.each(&filter, range, output, |output, entry, record| {
        match form.write(entry, record) {
            Some(text) => {
                sink.write(&text, form.as_ref(), output)?;
                written += 1;
            }
            None => left_out += 1,
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let files = sink.end(form.as_ref(), output)?;
    let Some(out) = &arguments.out else { return Ok(()) };
    let shown = out.display();
    output.answer(
        &format!("Wrote {written} records to {shown} ({files} files); {left_out} have no place in this form."),
        &json!({ "ok": true, "records": written, "files": files, "leftOut": left_out, "out": out }),
    )
}

/// Records that a later one puts aside, with the request of the later one: it stands after them, so it is looked for
/// before they are written.
fn superseded(reader: &Reader, from: u64) -> Result<HashMap<u64, String>, Failure> {
    let finder = memchr::memmem::Finder::new("\"supersedes\"");
    let mut aside = HashMap::new();
    for entry in reader.entries(from..u64::MAX) {
        let Entry { index, data } = entry?;
        if finder.find(&data).is_none() {
            continue;
        }
        let Some(record) = Record::read(&data) else { continue };
        if let (Some(earlier), Some(request)) = (record.supersedes(), record.text("/request"))
            && earlier < index
        {
            aside.insert(earlier, request.to_owned());
        }
    }
    Ok(aside)
}
