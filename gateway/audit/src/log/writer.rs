//! The writer: one thread that makes waiting entries durable, many at a time.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::shared::Shared;
use super::{LogError, Receipt};
use crate::journal::group;
use crate::journal::segment::Segment;

/// An entry whose caller waits.
pub(super) struct Append {
    pub(super) entry: Bytes,
    pub(super) done: oneshot::Sender<Result<Receipt, LogError>>,
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    queue: mpsc::Receiver<Append>,
    segment: Option<Segment>,
    /// Number of the next group.
    sequence: u64,
    next_index: u64,
    group: Vec<Append>,
    buffer: Vec<u8>,
    /// When and why the journal last could not be written.
    failed: Option<(Instant, Arc<str>)>,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, queue: mpsc::Receiver<Append>) -> Self {
        let next_index = shared.size();
        Self {
            shared,
            queue,
            segment: None,
            sequence: 1,
            next_index,
            group: Vec::new(),
            buffer: Vec::new(),
            failed: None,
        }
    }

    /// Serves callers until there can be no more.
    pub(super) fn run(mut self) {
        while let Some(first) = self.queue.blocking_recv() {
            self.gather(first);
            match self.commit() {
                Ok(first_index) => self.acknowledge(first_index),
                Err(reason) => self.refuse(&reason),
            }
        }
        if let Some(segment) = self.segment.take() {
            self.shared.retire(segment, self.next_index);
        }
    }

    /// Takes who waits already, up to the limits of a group.
    fn gather(&mut self, first: Append) {
        let sizes = &self.shared.sizes;
        let mut bytes = first.entry.len();
        self.group.push(first);
        while bytes < sizes.group_bytes && self.group.len() < sizes.group_entries {
            let Ok(next) = self.queue.try_recv() else {
                break;
            };
            bytes += next.entry.len();
            self.group.push(next);
        }
    }

    /// Makes the group durable and returns the index of its first entry.
    fn commit(&mut self) -> Result<u64, Arc<str>> {
        if let Some(why) = self.shared.halted() {
            return Err(why);
        }
        if let Some((at, why)) = &self.failed
            && at.elapsed() < self.shared.pace.retry_after
            && self.shared.fails_as(why)
        {
            return Err(Arc::clone(why));
        }
        self.shared.wait_for_tiles()?;
        let entries = self.group.iter().map(|append| &append.entry[..]);
        group::encode(&mut self.buffer, self.sequence, self.next_index, entries);
        let mut segment = match self.segment.take().map(|segment| self.or_next(segment)) {
            Some(Some(segment)) => segment,
            _ => self.next_segment()?,
        };
        if let Err(why) = segment.append(&self.buffer) {
            // What the disk holds of the group is not known, and neither is whether a further
            // flush would tell: the group's place is given up together with the segment. The
            // next segment begins with the same sequence number, which says so.
            self.shared.retire(segment, self.next_index);
            return Err(self.fail(&why));
        }
        if segment.is_half_used() {
            self.shared.want_spare();
        }
        self.segment = Some(segment);
        self.failed = None;
        let first_index = self.next_index;
        self.sequence += 1;
        self.next_index += self.group.len() as u64;
        Ok(first_index)
    }

    /// The segment if the group fits in; else it is done with.
    fn or_next(&self, segment: Segment) -> Option<Segment> {
        if segment.fits(self.buffer.len()) {
            return Some(segment);
        }
        self.shared.retire(segment, self.next_index);
        None
    }

    fn next_segment(&mut self) -> Result<Segment, Arc<str>> {
        self.shared.next_segment().map_err(|why| self.fail(&why))
    }

    fn fail(&mut self, why: &std::io::Error) -> Arc<str> {
        let reason: Arc<str> = why.to_string().into();
        tracing::error!(error = %why, "the audit log cannot be written; nothing is accepted");
        self.failed = Some((Instant::now(), Arc::clone(&reason)));
        self.shared.append_failed(Arc::clone(&reason));
        reason
    }

    fn acknowledge(&mut self, first_index: u64) {
        self.shared.made_durable(self.group.iter().map(|append| append.entry.clone()));
        for (append, index) in self.group.drain(..).zip(first_index..) {
            // A caller that went away needs no answer.
            let _ = append.done.send(Ok(Receipt { index }));
        }
    }

    fn refuse(&mut self, reason: &Arc<str>) {
        for append in self.group.drain(..) {
            let reason = Arc::clone(reason);
            let _ = append.done.send(Err(LogError::Unavailable { reason }));
        }
    }
}
