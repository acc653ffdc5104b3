//! What a check is, and how it ends.

use std::{fmt, time::Duration};

use dialog_contract::provider::Failure;
use futures_util::future::BoxFuture;
use serde::Serialize;

use crate::{Topic, Unable, report::Line, run::Run};

/// A check may take this long; a plugin's call has its own, shorter time.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "why", rename_all = "kebab-case")]
pub enum Verdict {
    /// It is as the contract says.
    Passed,
    /// The plugin does not offer what is checked; why that is known.
    NotOffered(String),
    /// It is not as the contract says; what was seen.
    Broken(String),
}

/// Why a check did not pass.
#[derive(Debug, Clone)]
pub(crate) enum Ended {
    NotOffered(String),
    Broken(String),
}

impl From<Unable> for Ended {
    fn from(unable: Unable) -> Self {
        match unable {
            Unable::NotOffered(why) => Self::NotOffered(why),
            Unable::Failed(why) => Self::Broken(format!("the stage: {why}")),
        }
    }
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Broken(format!("the call failed: {}", told(&failure)))
    }
}

/// A failure in a line, with what the operator reads.
pub(crate) fn told(failure: &Failure) -> String {
    match failure {
        Failure::Invalid(errors) => {
            let fields: Vec<_> = errors.iter().map(|error| format!("{}: {}", error.pointer, error.detail)).collect();
            format!("invalid ({})", fields.join("; "))
        }
        Failure::Declined(reason) => format!("declined ({}: {})", reason.code, reason.text),
        Failure::Conflict(reason) => format!("conflict ({}: {})", reason.code, reason.text),
        Failure::NotFound(reason) => format!("not-found ({}: {})", reason.code, reason.text),
        Failure::Unavailable(outage) => format!("unavailable, sent {:?} ({})", outage.sent, outage.detail),
        Failure::Faulty(fault) => format!("faulty, sent {:?} ({})", fault.sent, fault.detail),
    }
}

/// What a check comes to.
pub(crate) type Checked<T = ()> = Result<T, Ended>;

/// It is broken.
pub(crate) fn broken<T>(why: impl fmt::Display) -> Checked<T> {
    Err(Ended::Broken(why.to_string()))
}

/// Whether something holds; `what` says what was seen where it does not.
pub(crate) fn holds(is: bool, what: impl FnOnce() -> String) -> Checked {
    if is { Ok(()) } else { broken(what()) }
}

/// Whether two things are the same.
pub(crate) fn same<T: PartialEq + fmt::Debug>(what: &str, seen: &T, expected: &T) -> Checked {
    holds(seen == expected, || format!("{what}: {seen:?}, and not {expected:?}"))
}

type Play = Box<dyn for<'a> Fn(&'a Run) -> BoxFuture<'a, Checked> + Send + Sync>;

/// One check.
pub(crate) struct Check {
    /// `topic.what`, the same in every report.
    pub(crate) id: String,
    pub(crate) topic: Topic,
    /// A sentence that is true of a plugin that passes.
    pub(crate) title: String,
    play: Play,
}

impl Check {
    pub(crate) fn new(
        topic: Topic,
        id: &str,
        title: &str,
        play: impl for<'a> Fn(&'a Run) -> BoxFuture<'a, Checked> + Send + Sync + 'static,
    ) -> Self {
        let id = format!("{}.{id}", topic.name().replace(", ", "-").replace(' ', "-"));
        Self { id, topic, title: title.to_owned(), play: Box::new(play) }
    }

    /// Plays it, and says how it ended.
    pub(crate) async fn play(&self, run: &Run) -> Line {
        let verdict = match run.offers(self.topic) {
            Err(why) => Verdict::NotOffered(why),
            Ok(()) => match tokio::time::timeout(PATIENCE, (self.play)(run)).await {
                Ok(Ok(())) => Verdict::Passed,
                Ok(Err(Ended::NotOffered(why))) => Verdict::NotOffered(why),
                Ok(Err(Ended::Broken(why))) => Verdict::Broken(why),
                Err(_) => Verdict::Broken(format!("it was not over within {} s", PATIENCE.as_secs())),
            },
        };
        Line { id: self.id.clone(), topic: self.topic, title: self.title.clone(), verdict }
    }
}
