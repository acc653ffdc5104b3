//! Reading the journal back: which entries were promised, and what a crash left half done.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;

use super::group::{self, Found, Group, SECTOR};
use super::segment;
use crate::checkpoint::SignedCheckpoint;
use crate::damage::{Damage, Fault};
use crate::folder::Folder;
use crate::layout;
use crate::limits::{MAX_CHECKPOINT_BYTES, MAX_SEGMENT_BYTES};

/// The last write, which did not get to its end: no caller was told that it succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The segment, relative to the log's folder.
    pub file: String,
    /// Where in the segment it begins, in bytes.
    pub offset: u64,
}

/// What the journal holds.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// Index of the first entry, if there is one.
    pub(crate) first_index: Option<u64>,
    /// All entries, in the order of the log and without gaps.
    pub(crate) entries: Vec<Bytes>,
    /// The segment in which each run of entries lies: index of its first, and file.
    pub(crate) files: Vec<(u64, String)>,
    pub(crate) torn: Option<TornTail>,
    /// The greatest number of a segment that was found.
    pub(crate) last_number: u64,
}

impl Recovered {
    /// The index after the last entry, or `size` where there is none.
    pub(crate) fn end_index(&self, size: u64) -> u64 {
        self.first_index.map_or(size, |first| first + self.entries.len() as u64)
    }

    /// The segment that holds an entry.
    pub(crate) fn file_of(&self, index: u64) -> &str {
        let at = self.files.partition_point(|(first, _)| *first <= index);
        at.checked_sub(1).map_or(layout::JOURNAL, |at| &self.files[at].1)
    }
}

/// One segment as it was found.
struct Scanned {
    file: String,
    bytes: Bytes,
    groups: Vec<Group>,
    end: End,
    /// What stands behind its groups where the log went on in the next segment.
    given_up: Option<&'static str>,
}

enum End {
    Clean,
    Torn { offset: usize },
    Damaged { what: &'static str },
}

impl Scanned {
    fn first_sequence(&self) -> Option<u64> {
        self.groups.first().map(|group| group.sequence)
    }
}

/// Reads all segments of a log's folder whose checkpoint has `size` entries.
pub(crate) fn recover(dir: &Path, origin: &str, size: u64) -> Result<Recovered, Fault> {
    let size = size.max(signed_size(dir)?);
    let numbers = numbers(dir)?;
    let mut recovered = Recovered { last_number: numbers.last().copied().unwrap_or(0), ..Recovered::default() };
    let mut segments = numbers.iter().map(|number| scan(dir, origin, *number)).collect::<Result<Vec<_>, _>>()?;
    drop_what_was_given_up(&mut segments);

    let last_written = segments.iter().rposition(|segment| !segment.groups.is_empty());
    let mut before: Option<Group> = None;
    for (at, segment) in segments.iter().enumerate() {
        for group in &segment.groups {
            if let Err(damage) = check_succession(segment, before.as_ref(), group, size) {
                // What was taken for given up is what is missing.
                let damaged = segments[..at].iter().rev().find_map(|one| Some((one, one.given_up?)));
                let next_index = before.as_ref().map_or(size, Group::end_index);
                let named = damaged.map(|(one, what)| Damage::at(one.file.as_str(), next_index, what));
                return Err(named.unwrap_or(damage).into());
            }
            if before.as_ref().is_none_or(|before| before.sequence + 1 != group.sequence) {
                // The segments before it were released; they were all in tiles.
                recovered.entries.clear();
                recovered.files.clear();
                recovered.first_index = Some(group.first_index);
            }
            recovered.files.push((group.first_index, segment.file.clone()));
            for entry in group
                .entries(&segment.bytes)
                .map_err(|what| Damage::at(segment.file.as_str(), group.first_index, what))?
            {
                recovered.entries.push(segment.bytes.slice_ref(entry));
            }
            before = Some(group.clone());
        }
        let next_index = before.as_ref().map_or(size, Group::end_index);
        match segment.end {
            End::Clean => {}
            End::Torn { offset } if last_written.is_none_or(|last| at >= last) => {
                recovered.torn = Some(TornTail { file: segment.file.clone(), offset: offset as u64 });
            }
            End::Torn { .. } => {
                let what = "a group is missing that later ones follow";
                return Err(Damage::at(segment.file.as_str(), next_index, what).into());
            }
            End::Damaged { what } => {
                return Err(Damage::at(segment.file.as_str(), next_index, what).into());
            }
        }
    }
    Ok(recovered)
}

/// Where a checkpoint is public only after witnesses have signed it too, the journal continues the newer one that the log
/// has signed meanwhile. Who opens the log verifies that one; here it only says where the journal may begin.
fn signed_size(dir: &Path) -> Result<u64, Fault> {
    let Some(note) = Folder::new(dir).read(layout::SIGNED, MAX_CHECKPOINT_BYTES)? else {
        return Ok(0);
    };
    match SignedCheckpoint::unverified(&note) {
        Ok(checkpoint) => Ok(checkpoint.size),
        Err(why) => Err(Damage::new(layout::SIGNED, why.to_string()).into()),
    }
}

/// A group that could not be written is written again at the beginning of the next segment,
/// under the same sequence number: what a segment holds from there on was never promised.
fn drop_what_was_given_up(segments: &mut [Scanned]) {
    let mut begins_next: Option<u64> = None;
    for segment in segments.iter_mut().rev() {
        if let Some(begins) = begins_next {
            segment.groups.retain(|group| group.sequence < begins);
            let reached = segment.groups.last().map_or(begins, |group| group.sequence + 1);
            if reached == begins {
                segment.given_up = match std::mem::replace(&mut segment.end, End::Clean) {
                    End::Damaged { what } => Some(what),
                    End::Torn { .. } => Some("a group is missing that later ones follow"),
                    End::Clean => None,
                };
            }
        }
        begins_next = segment.first_sequence().or(begins_next);
    }
}

fn check_succession(segment: &Scanned, before: Option<&Group>, group: &Group, size: u64) -> Result<(), Damage> {
    let at = |what: &str| Err(Damage::at(segment.file.as_str(), group.first_index, what));
    let Some(before) = before else {
        return match group.first_index <= size {
            true => Ok(()),
            false => at("entries are missing between the checkpoint and the journal"),
        };
    };
    match (before.sequence + 1 == group.sequence, before.end_index() == group.first_index) {
        (true, true) => Ok(()),
        (true, false) => at("the group's index does not follow the one before"),
        (false, _) if before.sequence < group.sequence && group.first_index <= size => Ok(()),
        (false, _) => at("a group before it is missing"),
    }
}

fn scan(dir: &Path, origin: &str, number: u64) -> Result<Scanned, Fault> {
    let file = layout::segment(number);
    let mut bytes = Vec::new();
    fs::File::open(dir.join(&file))
        .and_then(|opened| opened.take(MAX_SEGMENT_BYTES + 1).read_to_end(&mut bytes))
        .map_err(Fault::io(file.as_str()))?;
    if bytes.len() as u64 > MAX_SEGMENT_BYTES {
        return Err(Damage::new(file, "it is longer than any segment").into());
    }
    segment::check_header(&bytes, origin, number).map_err(|what| Damage::new(file.as_str(), what))?;
    let mut groups = Vec::new();
    let mut at = SECTOR;
    let end = loop {
        if at >= bytes.len() {
            break End::Clean;
        }
        match group::read(&bytes, at) {
            Found::Whole(group, next) => {
                groups.push(group);
                at = next;
            }
            Found::Nothing => break End::Clean,
            Found::Torn => break End::Torn { offset: at },
            Found::Damaged(what) => break End::Damaged { what },
        }
    };
    Ok(Scanned { file, bytes: Bytes::from(bytes), groups, end, given_up: None })
}

/// The numbers of the segments, ascending. A name that is none of the journal's is damage.
fn numbers(dir: &Path) -> Result<Vec<u64>, Fault> {
    let folder = dir.join(layout::JOURNAL);
    let failed = |source| Fault::Io { file: layout::JOURNAL.to_owned(), source };
    let mut numbers = Vec::new();
    let names = match fs::read_dir(&folder) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(numbers),
        names => names.map_err(failed)?,
    };
    for name in names {
        let name = name.map_err(failed)?.file_name();
        let name = name.to_string_lossy();
        let file = format!("{}/{name}", layout::JOURNAL);
        if let Some(number) = layout::segment_number(&name) {
            numbers.push(number);
        } else if ![layout::LOCK, layout::SIGNED].contains(&file.as_str()) && !name.ends_with(layout::UNFINISHED) {
            return Err(Damage::new(file, "it is not a file of the log").into());
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}
