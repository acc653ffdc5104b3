//! `dialog-audit dialog`: the life of one dialog, as a diary.

use dialog_audit::records::Filter;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::access::Place;
use crate::line;
use crate::output::{Failure, Output};
use crate::search::{IndexPlace, Search};
use crate::trace::{collect, superseded};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// The dialog's id.
    dialog: String,
    #[command(flatten)]
    index: IndexPlace,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<(), Failure> {
    let (reader, believed) = arguments.place.reader("show")?;
    let search =
        Search { place: &arguments.place, index: &arguments.index, reader: &reader, checked: believed.is_some() };
    let filter = Filter { dialog: Some(arguments.dialog.to_ascii_lowercase()), ..Filter::default() };
    let records = collect(&search, &filter, output)?;
    if records.is_empty() {
        let why = format!("the log holds nothing of the dialog {}", line::plain(&arguments.dialog));
        return Err(Failure::found_wrong(why));
    }
    let superseded = superseded(&records);
    if output.in_json() {
        let records: Vec<Value> = records
            .iter()
            .map(|(index, record)| {
                json!({ "index": index, "cameToBe": !superseded.contains(index), "record": record.value() })
            })
            .collect();
        return output.line(&json!({ "ok": true, "dialog": filter.dialog, "records": records }).to_string());
    }
    let mut day = None;
    for (index, record) in &records {
        let zoned = record.time().map(|time| time.to_zoned(TimeZone::system()));
        let today = zoned.as_ref().map_or_else(|| "without a date".to_owned(), |zoned| zoned.date().to_string());
        if day.as_ref() != Some(&today) {
            if day.is_some() {
                output.line("")?;
            }
            output.line(&today)?;
            day = Some(today);
        }
        let time = record.time().map_or_else(|| "-".to_owned(), line::clock);
        let aside = if superseded.contains(index) { "  did not come to be" } else { "" };
        output.line(&format!("  {time}  {}{aside}  #{index}", line::what(record)))?;
    }
    Ok(())
}
