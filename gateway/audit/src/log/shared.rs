//! What the callers, the writer and the tiler see of each other.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::watch;

use super::board::Board;
use super::{LogStatus, Published};
use crate::folder::Folder;
use crate::journal::segment::Segment;
use crate::limits::{Pace, Sizes};
use crate::weighed::Weighed;

pub(super) struct Shared {
    pub(super) folder: Folder,
    pub(super) origin: String,
    pub(super) sizes: Sizes,
    pub(super) pace: Pace,
    pub(super) disk: Arc<Weighed>,
    /// The public checkpoint.
    pub(super) board: Arc<Board>,
    /// The newest checkpoint that was signed, public or not.
    pub(super) signed: watch::Sender<Published>,
    /// Number for the next segment. Locked while one is made or taken, so that segments are
    /// used in the order of their numbers: recovery reads them in that order.
    next_segment: Mutex<u64>,
    /// Durable entries.
    size: AtomicU64,
    groups: AtomicU64,
    desk: Mutex<Desk>,
    /// Told to the tiler: there is something to do.
    changed: Condvar,
    /// Told to the writer: the tiler got on, or could not.
    progressed: Condvar,
}

/// What is handed over between the threads.
#[derive(Default)]
struct Desk {
    backlog: VecDeque<Bytes>,
    /// Bytes of entries in `backlog` and in the tiler's hands.
    backlog_bytes: usize,
    /// A segment made ahead of its use.
    spare: Option<Segment>,
    spare_wanted: bool,
    /// Segments that are not appended to any more, each with the index after its last entry.
    retired: Vec<Retired>,
    /// Why nothing is appended any more, whatever the disk can do.
    halted: Option<Arc<str>>,
    append_failure: Option<Arc<str>>,
    publish_failure: Option<Arc<str>>,
    stop: Option<Stop>,
}

#[derive(Clone, Debug)]
pub(super) struct Retired {
    pub(super) path: PathBuf,
    pub(super) end_index: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Publish what is there, then end.
    Publish,
    /// End now.
    Now,
}

/// Why the tiler was woken.
pub(super) struct Turn {
    /// New entries, if it is time for tiles.
    pub(super) entries: Option<Vec<Bytes>>,
    pub(super) make_spare: bool,
    /// The journal could not be written, and it is time to see whether it can be again.
    pub(super) probe: bool,
    pub(super) stop: Option<Stop>,
}

impl Shared {
    #[allow(clippy::too_many_arguments, reason = "called once, with everything by name")]
    pub(super) fn new(
        folder: Folder,
        origin: String,
        sizes: Sizes,
        pace: Pace,
        disk: Arc<Weighed>,
        board: Arc<Board>,
        signed: Published,
        next_segment: u64,
    ) -> Self {
        let size = signed.size;
        Self {
            folder,
            origin,
            sizes,
            pace,
            disk,
            board,
            signed: watch::Sender::new(signed),
            next_segment: Mutex::new(next_segment),
            size: AtomicU64::new(size),
            groups: AtomicU64::new(0),
            desk: Mutex::new(Desk { spare_wanted: true, ..Desk::default() }),
            changed: Condvar::new(),
            progressed: Condvar::new(),
        }
    }

    pub(super) fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    pub(super) fn status(&self) -> LogStatus {
        let desk = lock(&self.desk);
        LogStatus {
            size: self.size(),
            signed: self.signed.borrow().size,
            published: self.board.shown().size,
            published_at: self.board.since(),
            groups: self.groups.load(Ordering::Relaxed),
            backlog_bytes: desk.backlog_bytes,
            file_bytes: self.disk.bytes(),
            append_failure: desk.halted.clone().or_else(|| desk.append_failure.clone()),
            publish_failure: desk.publish_failure.clone(),
        }
    }

    // The writer's side.

    /// Hands durable entries to the tiler.
    pub(super) fn made_durable(&self, entries: impl Iterator<Item = Bytes>) {
        let mut desk = lock(&self.desk);
        let before = desk.backlog.len();
        desk.backlog.extend(entries);
        let added: usize = desk.backlog.range(before..).map(Bytes::len).sum();
        desk.backlog_bytes += added;
        if desk.backlog_bytes > self.sizes.backlog_bytes / 2 {
            self.changed.notify_all();
        }
        desk.append_failure = None;
        let count = (desk.backlog.len() - before) as u64;
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.size.fetch_add(count, Ordering::AcqRel);
    }

    /// Waits while the tiler is too far behind. It is an error if it does not get on.
    pub(super) fn wait_for_tiles(&self) -> Result<(), Arc<str>> {
        let behind = |desk: &mut Desk| {
            desk.backlog_bytes > self.sizes.backlog_bytes && desk.publish_failure.is_none() && desk.stop.is_none()
        };
        let desk = lock(&self.desk);
        let waited = self.progressed.wait_timeout_while(desk, self.pace.wait_for_tiles, behind);
        let desk = waited.unwrap_or_else(PoisonError::into_inner).0;
        match &desk.publish_failure {
            _ if desk.backlog_bytes <= self.sizes.backlog_bytes => Ok(()),
            Some(why) => Err(format!("its tiles are behind: {why}").into()),
            None => Err("its tiles are behind".into()),
        }
    }

    /// Nothing is appended from now on.
    pub(super) fn halt(&self, why: Arc<str>) {
        lock(&self.desk).halted = Some(why);
    }

    pub(super) fn halted(&self) -> Option<Arc<str>> {
        lock(&self.desk).halted.clone()
    }

    /// Whether that failure still stands: nobody has found since that there is room again.
    pub(super) fn fails_as(&self, why: &Arc<str>) -> bool {
        lock(&self.desk).append_failure.as_ref().is_some_and(|now| Arc::ptr_eq(now, why))
    }

    pub(super) fn append_failed(&self, why: Arc<str>) {
        lock(&self.desk).append_failure = Some(why);
    }

    /// The segment to go on with: the spare one, or else a new one.
    pub(super) fn next_segment(&self) -> io::Result<Segment> {
        let mut next_number = lock(&self.next_segment);
        let spare = lock(&self.desk).spare.take();
        spare.map_or_else(|| self.make_segment(&mut next_number), Ok)
    }

    fn make_segment(&self, next_number: &mut u64) -> io::Result<Segment> {
        let (number, size) = (*next_number, self.sizes.segment_bytes);
        *next_number += 1;
        Segment::create(&*self.disk, self.folder.path(), &self.origin, number, size)
    }

    pub(super) fn want_spare(&self) {
        let mut desk = lock(&self.desk);
        if desk.spare.is_none() && !desk.spare_wanted {
            desk.spare_wanted = true;
            self.changed.notify_all();
        }
    }

    pub(super) fn retire(&self, segment: Segment, end_index: u64) {
        lock(&self.desk).retired.push(Retired { path: segment.into_path(), end_index });
    }

    // The tiler's side.

    /// Waits until entries are due to become tiles, or for something that cannot wait.
    pub(super) fn next_turn(&self, due: Instant) -> Turn {
        let desk = lock(&self.desk);
        let pause = due.saturating_duration_since(Instant::now());
        let half = self.sizes.backlog_bytes / 2;
        let is_behind = |desk: &Desk| desk.backlog_bytes > half && desk.publish_failure.is_none();
        let idle = |desk: &mut Desk| desk.stop.is_none() && !desk.spare_wanted && !is_behind(desk);
        let mut desk = match self.changed.wait_timeout_while(desk, pause, idle) {
            Ok((desk, _)) => desk,
            Err(poisoned) => poisoned.into_inner().0,
        };
        let is_due = desk.stop.is_some() || due <= Instant::now() || is_behind(&desk);
        Turn {
            entries: is_due.then(|| desk.backlog.drain(..).collect()),
            make_spare: std::mem::take(&mut desk.spare_wanted),
            probe: is_due && desk.append_failure.is_some(),
            stop: desk.stop,
        }
    }

    /// Makes a segment ahead of its use, if there is none.
    pub(super) fn make_spare(&self) -> io::Result<()> {
        let mut next_number = lock(&self.next_segment);
        if lock(&self.desk).spare.is_none() {
            let segment = self.make_segment(&mut next_number)?;
            lock(&self.desk).spare = Some(segment);
        }
        Ok(())
    }

    /// Makes a segment, after the journal could not be written: where that works, the log says that it can be, before
    /// anybody asks. Whoever sends requests only to where they are taken would never find out.
    pub(super) fn probe(&self) -> io::Result<()> {
        let mut next_number = lock(&self.next_segment);
        let failure = lock(&self.desk).append_failure.clone();
        let segment = self.make_segment(&mut next_number)?;
        let mut desk = lock(&self.desk);
        if let Some(unused) = desk.spare.replace(segment) {
            desk.retired.push(Retired { path: unused.into_path(), end_index: 0 });
        }
        // What failed meanwhile is another matter.
        let is_same = |now: &Arc<str>| failure.as_ref().is_some_and(|before| Arc::ptr_eq(before, now));
        if desk.append_failure.as_ref().is_some_and(is_same) {
            desk.append_failure = None;
        }
        Ok(())
    }

    pub(super) fn take_spare(&self) -> Option<Segment> {
        lock(&self.desk).spare.take()
    }

    /// Takes the retired segments whose entries all are among the first `size`.
    pub(super) fn released(&self, size: u64) -> Vec<Retired> {
        let mut desk = lock(&self.desk);
        let (done, kept) = desk.retired.drain(..).partition(|retired| retired.end_index <= size);
        desk.retired = kept;
        done
    }

    pub(super) fn integrated(&self, checkpoint: Published, bytes: usize) {
        let mut desk = lock(&self.desk);
        desk.backlog_bytes -= bytes;
        desk.publish_failure = None;
        self.signed.send_replace(checkpoint);
        self.progressed.notify_all();
    }

    pub(super) fn publish_failed(&self, why: Option<Arc<str>>) {
        lock(&self.desk).publish_failure = why;
        self.progressed.notify_all();
    }

    pub(super) fn stop(&self, publish: bool) {
        lock(&self.desk).stop = Some(if publish { Stop::Publish } else { Stop::Now });
        self.changed.notify_all();
    }
}

/// Locks; what a panicking holder left is still whole, as every change is one assignment.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
