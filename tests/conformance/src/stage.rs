//! The vendor's side: what people at an office do there, and what goes wrong.
//!
//! Everything here takes effect before it returns: the plugin finds it at its next look.

use std::fmt;

use async_trait::async_trait;
use dialog_contract::{provider::RenewalOutcome, service::Service};
use jiff::Timestamp;

/// Why the stage did not do what a check asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unable {
    /// The vendor's solution has no such thing; why, in a few words.
    #[error("not offered: {0}")]
    NotOffered(String),
    /// The stage itself failed, or did not find what should be there.
    #[error("{0}")]
    Failed(String),
}

impl Unable {
    /// The vendor's solution has no such thing.
    pub fn not_offered(why: impl fmt::Display) -> Self {
        Self::NotOffered(why.to_string())
    }

    /// The stage failed.
    pub fn failed(why: impl fmt::Display) -> Self {
        Self::Failed(why.to_string())
    }
}

/// What the stage gives.
pub type Done<T = ()> = Result<T, Unable>;

/// A file, in either direction.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// As its sender named it.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "File({}, {} bytes)", self.name, self.bytes.len())
    }
}

/// What the office has of the citizen in one dialog, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// What the citizen wrote, a text for each message.
    pub texts: Vec<String>,
    /// Files, of all messages.
    pub files: Vec<Vec<u8>>,
    /// Names of medicines, in a renewal.
    pub medicines: Vec<String>,
}

/// What an office answers in a dialog.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It writes, and the citizen may write again.
    Reply {
        /// The text.
        text: String,
        /// A file with it.
        file: Option<File>,
    },
    /// It writes, and the dialog has ended as answered.
    Finish {
        /// The text.
        text: String,
    },
    /// It says no, and the dialog has ended.
    Decline {
        /// The text.
        text: String,
    },
    /// It tells the citizen to use another service, and the dialog has ended.
    Redirect {
        /// Which.
        to: Service,
        /// The text.
        text: String,
    },
    /// It decides on each medicine of a renewal, in the order that they were asked for; the dialog has ended.
    Decide {
        /// What was decided.
        outcomes: Vec<RenewalOutcome>,
    },
    /// It gives the time that was asked for.
    Arrange {
        /// From when.
        start: Timestamp,
    },
    /// It issues a certificate, a PDF.
    Certify,
}

/// How the next fitting exchange with the vendor's back end goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// A status in place of a reply, and nothing happens. 429 and 503 come with `Retry-After: 1`.
    Status(u16),
    /// What was asked for happens, and the reply breaks off in its middle.
    CutOff,
    /// What was asked for happens, and the reply is a page for people.
    Page,
    /// What was asked for happens, and the reply is well-formed and of another shape.
    OtherShape,
    /// What was asked for happens, and the reply is not well-formed.
    Garbled,
}

/// Which exchange goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The next that hands something over: a case, a message, a booking.
    HandOver,
    /// The next that looks for what is new.
    News,
    /// The next that asks for something else.
    LookUp,
}

/// What happens in a video meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meeting {
    /// The office opens the waiting room.
    Opens,
    /// A clinician comes.
    ClinicianComes,
    /// Somebody else comes, by this name or role.
    Comes(String),
    /// It is over.
    Ends,
}

/// The vendor's side. One office of the vendor's, and the subject's citizen there; the citizen's numbers are known to it.
///
/// A function that a vendor's solution has nothing for answers [`Unable::NotOffered`], as all do here by themselves: the
/// checks that need it are then not counted against the plugin.
#[async_trait]
pub trait Stage: Send + Sync {
    /// What the office has of the citizen in this dialog, by the plugin's own reference.
    async fn received(&self, dialog: &str) -> Done<Received>;

    /// The office answers in this dialog.
    async fn answer(&self, dialog: &str, answer: Answer) -> Done;

    /// The office writes to the citizen first; `reply_allowed` is false for a one-way message.
    async fn writes_first(&self, _text: &str, _reply_allowed: bool) -> Done {
        Err(Unable::not_offered("the office does not write first"))
    }

    /// A clinician of the office asks a colleague elsewhere, about the citizen.
    async fn asks_colleague(&self, _text: &str) -> Done {
        Err(Unable::not_offered("the office's clinicians ask nobody elsewhere"))
    }

    /// HPR numbers of the clinicians elsewhere who wrote in this dialog, a number for each message of theirs.
    async fn signed(&self, _dialog: &str) -> Done<Vec<u32>> {
        Err(Unable::not_offered("the stage does not tell who wrote"))
    }

    /// Somebody else takes a free slot.
    async fn takes_slot(&self, _slot: &str) -> Done {
        Err(Unable::not_offered("there are no slots"))
    }

    /// The office cancels the citizen's appointment.
    async fn cancels_appointment(&self, _appointment: &str) -> Done {
        Err(Unable::not_offered("the office does not cancel what was booked"))
    }

    /// The office reminds of the citizen's appointment.
    async fn reminds(&self, _appointment: &str) -> Done {
        Err(Unable::not_offered("the office does not remind"))
    }

    /// The citizen owes the office this much more, in øre.
    async fn owes(&self, _amount: u64) -> Done {
        Err(Unable::not_offered("the stage cannot charge anything"))
    }

    /// Something happens in the video meeting of this dialog, by the plugin's own reference.
    async fn meets(&self, _dialog: &str, _happens: Meeting) -> Done {
        Err(Unable::not_offered("the stage has no video meetings"))
    }

    /// The office tells the citizen of one finding in these words: an analysis by this name has this answer.
    async fn tells_results(&self, _words: &str, _name: &str, _answer: &str) -> Done {
        Err(Unable::not_offered("the stage has no test results"))
    }

    /// Whether the provider knows that the citizen has read this message of the office's, by the plugin's own name of it.
    async fn knows_read(&self, _message: &str) -> Done<bool> {
        Err(Unable::not_offered("the stage does not tell what was read"))
    }

    /// A survey is open for the citizen, who has not answered it.
    async fn asks(&self) -> Done {
        Err(Unable::not_offered("the stage has no survey"))
    }

    /// The answers of a citizen to the provider's form for a service, where it has one.
    fn form(&self, _service: Service) -> Option<serde_json::Value> {
        None
    }

    /// The back end answers (true), or refuses connections.
    async fn reachable(&self, yes: bool) -> Done;

    /// The next fitting exchange goes wrong.
    async fn trouble(&self, moment: Moment, trouble: Trouble) -> Done;

    /// What the plugin did against the rules of the vendor's interface so far.
    async fn violations(&self) -> Vec<String>;
}
