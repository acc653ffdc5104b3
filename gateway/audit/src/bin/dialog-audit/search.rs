//! Finding records: by the index where there is one or one can be made, else by reading everything in turn.

use std::ops::{ControlFlow, Range};
use std::path::PathBuf;

use dialog_audit::index::{Index, IndexError, Key};
use dialog_audit::records::{Filter, Record};
use dialog_audit::{Entry, Reader};

use crate::access::Place;
use crate::output::{Failure, Output};

#[derive(clap::Args)]
#[command(next_help_heading = "Index")]
pub(crate) struct IndexPlace {
    /// Where the index is; beside the log's folder (LOG.index) or in your cache without it. It can be deleted at any
    /// time.
    #[arg(long, value_name = "DIR")]
    index: Option<PathBuf>,
    /// Use no index: read everything.
    #[arg(long, conflicts_with = "index")]
    no_index: bool,
}

impl IndexPlace {
    /// The index's folder; none where none is wanted, or there is no place for one.
    pub(crate) fn dir(&self, place: &Place, origin: &str) -> Option<PathBuf> {
        if self.no_index {
            return None;
        }
        if let Some(dir) = &self.index {
            return Some(dir.clone());
        }
        if !place.is_remote() {
            return Some(PathBuf::from(format!("{}.index", place.log.trim_end_matches('/'))));
        }
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))?;
        // An origin is a URL without its scheme; as a file's name its slashes have no place.
        let name: String =
            origin.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' }).collect();
        Some(cache.join("dialog-audit").join(format!("{}.index", name.trim_start_matches('.'))))
    }
}

/// Where is searched.
pub(crate) struct Search<'a> {
    pub(crate) place: &'a Place,
    pub(crate) index: &'a IndexPlace,
    pub(crate) reader: &'a Reader,
    /// Whether each entry is compared with the tree that a key has signed.
    pub(crate) checked: bool,
}

impl Search<'_> {
    /// Tells of every wanted entry of a range, in order. What is no record is told of where everything is wanted.
    pub(crate) fn each(
        &self,
        filter: &Filter,
        range: Range<u64>,
        output: &mut Output,
        mut tell: impl FnMut(&mut Output, &Entry, Option<&Record>) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        let range = range.start..range.end.min(self.reader.checkpoint().size);
        let mut entries =
            if self.checked { self.reader.checked_entries(range.clone())? } else { self.reader.entries(range.clone()) };
        let mut look = |output: &mut Output, entry: &Entry| {
            let record = Record::read(&entry.data);
            let wanted = filter.is_empty() || record.as_ref().is_some_and(|record| filter.accepts(record));
            if wanted { tell(output, entry, record.as_ref()) } else { Ok(ControlFlow::Continue(())) }
        };
        let index = self.open(filter, output)?;
        if let Some(index) = &index
            && let Some(candidates) = candidates(index, self.reader, filter, &range)?
        {
            for at in candidates {
                let Some(entry) = entries.get(at) else { continue };
                if look(output, &entry?)?.is_break() || output.is_gone() {
                    break;
                }
            }
            return Ok(());
        }
        let micros = |time: Option<jiff::Timestamp>| time.map(jiff::Timestamp::as_microsecond);
        let ranges = match &index {
            // Records of one time are told apart to the nanosecond, the index knows microseconds.
            Some(index) => index.within(micros(filter.since), micros(filter.until).map(|until| until + 1), range),
            None => vec![range],
        };
        for range in ranges {
            entries.seek(range.start);
            for entry in &mut entries {
                let entry = entry?;
                if entry.index >= range.end {
                    break;
                }
                if look(output, &entry)?.is_break() || output.is_gone() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The index, complete where something is asked for that it answers. What stands in its way is said, and everything
    /// read instead.
    fn open(&self, filter: &Filter, output: &mut Output) -> Result<Option<Index>, Failure> {
        let asked =
            filter.trace.is_some() || filter.request.is_some() || filter.dialog.is_some() || filter.citizen.is_some();
        let timed = filter.since.is_some() || filter.until.is_some();
        let Some(dir) = self.index.dir(self.place, &self.reader.checkpoint().origin) else {
            return Ok(None);
        };
        if !(asked || timed && dir.exists()) {
            return Ok(None);
        }
        let opened = Index::open(&dir, self.reader).and_then(|mut index| {
            if asked {
                catch_up(&mut index, self.reader)?;
            }
            Ok(index)
        });
        match opened {
            Ok(index) => Ok(Some(index)),
            Err(IndexError::Log(why)) => Err(why.into()),
            Err(why @ IndexError::Io { .. }) => {
                output.remark(&format!("{why}: everything is read instead"));
                Ok(None)
            }
        }
    }
}

/// Makes what the index lacks, with a bar where that takes a while.
pub(crate) fn catch_up(index: &mut Index, reader: &Reader) -> Result<(), IndexError> {
    if index.missing() == 0 {
        return Ok(());
    }
    let bar = crate::verify::bar();
    bar.set_message("index");
    let made = index.catch_up(reader, |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    made
}

/// What the index finds by the name that says most; none where it is asked for nothing that it knows.
fn candidates(
    index: &Index,
    reader: &Reader,
    filter: &Filter,
    range: &Range<u64>,
) -> Result<Option<Vec<u64>>, Failure> {
    let keys = match filter {
        Filter { trace: Some(trace), .. } => vec![Key::Trace(trace)],
        Filter { request: Some(request), .. } => vec![Key::Request(request)],
        Filter { dialog: Some(dialog), .. } => vec![Key::Dialog(dialog)],
        Filter { citizen: Some(citizen), .. } => vec![Key::Citizen(citizen), Key::Person(citizen)],
        _ => return Ok(None),
    };
    let mut found = Vec::new();
    for key in keys {
        let more = index.find(reader, key, range.clone()).map_err(|why| match why {
            IndexError::Log(why) => why.into(),
            why @ IndexError::Io { .. } => Failure::not_read(why.to_string()),
        })?;
        found.extend(more);
    }
    found.sort_unstable();
    found.dedup();
    Ok(Some(found))
}
