//! `dialog-audit show`

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use dialog_audit::records::Record;
use dialog_audit::{Entry, ReadError, Reader};
use serde_json::{Map, Value, json};

use crate::access::Place;
use crate::interrupt::Interrupt;
use crate::line;
use crate::output::{Failure, Output};
use crate::search::{IndexPlace, Search};
use crate::wanted::Wanted;

/// How often a log that is followed is asked for what is new.
const EVERY: Duration = Duration::from_secs(1);

/// How soon an interruption is noticed.
const NOTICE: Duration = Duration::from_millis(50);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Entries are compared with the tree where you say whom to believe; else they are shown as the log has them.
    #[command(flatten)]
    place: Place,
    /// Go on with what is appended, until Ctrl-C. Each new checkpoint must continue the one before it.
    #[arg(long, conflicts_with = "to")]
    follow: bool,
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    index: IndexPlace,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<(), Failure> {
    let (filter, range) = (arguments.wanted.filter()?, arguments.wanted.range()?);
    let (mut reader, believed) = arguments.place.reader("show")?;
    let checked = believed.is_some();
    let search = |reader: &Reader, from: u64, output: &mut Output| {
        let search = Search { place: &arguments.place, index: &arguments.index, reader, checked };
        search.each(&filter, from..range.end, output, |output, entry, record| {
            show(entry, record, output)?;
            Ok(ControlFlow::Continue(()))
        })
    };
    search(&reader, range.start, output)?;
    if !arguments.follow {
        return Ok(());
    }
    let interrupt = Interrupt::listen();
    while !interrupt.is_asked() && !output.is_gone() {
        output.flush()?;
        let asked = Instant::now();
        while asked.elapsed() < EVERY && !interrupt.is_asked() {
            std::thread::sleep(NOTICE);
        }
        let next = match reader.follow(believed.as_ref().map(|believed| &believed.keys)) {
            Ok(next) => next,
            // A server that is away for a while does not end what is followed; a log that forked does.
            Err(why @ ReadError::Io { .. }) => {
                output.remark(&why.to_string());
                continue;
            }
            Err(why) => return Err(why.into()),
        };
        if let Some(believed) = &believed {
            believed.check(next.checkpoint())?;
        }
        let from = range.start.max(reader.checkpoint().size);
        if next.checkpoint().size > from {
            search(&next, from, output)?;
        }
        reader = next;
    }
    Ok(())
}

fn show(entry: &Entry, record: Option<&Record>, output: &mut Output) -> Result<(), Failure> {
    let Entry { index, data } = entry;
    if !output.in_json() {
        return output.line(&record.map_or_else(|| line::opaque(*index, data), |record| line::of(*index, record)));
    }
    let mut line = Map::new();
    line.insert("index".to_owned(), json!(index));
    line.insert("record".to_owned(), as_json(data));
    output.line(&Value::Object(line).to_string())
}

/// A record; what is not JSON is shown as text all the same.
fn as_json(data: &[u8]) -> Value {
    serde_json::from_slice(data).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(data).into_owned()))
}
