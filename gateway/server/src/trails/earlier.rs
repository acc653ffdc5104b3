//! A log that has ended, and is read on: its index is made beside everything else, once, and never changes.
//!
//! Its folder is the operator's to move: while it is away, whoever asks is told so; when it is back, it is found again. It
//! is looked at anew each time, as a folder that comes back may be another one.

use std::{
    path::PathBuf,
    sync::{PoisonError, RwLock},
    time::{Duration, Instant},
};

use dialog_audit::Reader;
use dialog_core::ports::trails::TrailsError;

use super::known::{Known, unreadable};
use crate::log::EarlierLog;

/// How long a log that is there and cannot be read is left alone: reading it again may be long.
const LEFT_ALONE: Duration = Duration::from_secs(60);

/// One of the logs before the present one.
pub(super) struct Earlier {
    log: EarlierLog,
    /// Where its index is.
    index: PathBuf,
    state: RwLock<State>,
}

enum State {
    /// It has not been looked at, or its index is being made.
    Waiting,
    Known(Box<Known>),
    /// It cannot be read, and is not looked at before then.
    Away {
        why: String,
        again: Instant,
    },
}

impl Earlier {
    pub(super) fn new(log: EarlierLog, index: PathBuf) -> Self {
        Self { log, index, state: RwLock::new(State::Waiting) }
    }

    pub(super) fn origin(&self) -> &str {
        &self.log.origin
    }

    /// Looks for the log where it is not known, and makes its index. Reads and writes files; blocks.
    pub(super) fn look(&self) {
        match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Known(_) => return,
            State::Away { again, .. } if Instant::now() < *again => return,
            State::Away { .. } | State::Waiting => {}
        }
        match self.open() {
            Ok(known) => {
                let origin = self.origin();
                tracing::info!(origin, records = known.reader.checkpoint().size, "an earlier audit log can be read");
                *self.state.write().unwrap_or_else(PoisonError::into_inner) = State::Known(Box::new(known));
            }
            Err(why) => self.is_away(why),
        }
    }

    fn open(&self) -> Result<Known, String> {
        self.log.ended().map_err(|error| error.to_string())?;
        let reader = Reader::open(&self.log.folder, &self.log.keys).map_err(|error| error.to_string())?;
        Known::open(&self.index, reader).map_err(|error| error.to_string())
    }

    fn is_away(&self, why: String) {
        // That there is nothing is seen at once; what is there has to be read.
        let is_there = self.log.folder.join("checkpoint").exists();
        let again = Instant::now() + if is_there { LEFT_ALONE } else { Duration::ZERO };
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*state, State::Away { .. }) {
            let origin = self.origin();
            tracing::warn!(origin, why, "an earlier audit log cannot be read; nobody is told what is in it");
        }
        *state = State::Away { why, again };
    }

    /// Asks what is known. Reads files; blocks.
    pub(super) fn ask<T>(&self, ask: impl FnOnce(&Known) -> Result<T, TrailsError>) -> Result<T, TrailsError> {
        let answer = match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Waiting => return Err(TrailsError::NotYet("the index of an earlier log is being made".to_owned())),
            State::Away { why, .. } => return Err(unreadable(why)),
            State::Known(known) => ask(known),
        };
        if let Err(TrailsError::Unreadable(why)) = &answer {
            self.is_away(why.clone());
        }
        answer
    }
}
