//! A call to a dialog's provider that is not done: under way, or waiting to be tried.

use dialog_contract::{
    dialog::{Clinician, Message},
    ids::{AttachmentId, MessageId, RequestId},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ReplyKey;

/// One call. A dialog's calls are made in order, one at a time: only the first can be [`CallState::Running`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Call {
    pub(crate) kind: CallKind,
    /// The plugin's idempotency key: the same at every attempt.
    pub(crate) key: String,
    /// Attempts begun.
    pub(crate) attempts: u32,
    /// When the citizen asked for it.
    pub(crate) begun: Timestamp,
    /// When trying ends.
    pub(crate) give_up: Timestamp,
    pub(crate) state: CallState,
    /// An earlier attempt may have reached the provider.
    pub(crate) maybe_sent: bool,
    /// The idempotency entry that is still waiting for the first attempt.
    pub(crate) reply: Option<ReplyKey>,
    /// The request that caused it, for logs and traces.
    pub(crate) request: RequestId,
    pub(crate) trace_id: String,
    pub(crate) traceparent: Option<String>,
    /// The clinician who asked for it, where clinicians talk with each other; none where a citizen did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<Clinician>,
}

/// Which function is called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(crate) enum CallKind {
    /// `dialogs.open` with the dialog's request and its first message.
    Open,
    /// `dialogs.send`.
    Send {
        message: Box<Message>,
        /// It stands in the dialog; before the first attempt it does not, because a refused message leaves nothing.
        shown: bool,
    },
    /// `dialogs.close`.
    Close,
}

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(crate) enum CallState {
    /// Somebody is making it. Who has not settled it at the end of the lease has crashed.
    Running { lease: Timestamp },
    /// It is to be tried from this moment on.
    Waiting { next: Timestamp },
}

impl Call {
    /// When somebody must look at it.
    pub(crate) const fn due(&self) -> Timestamp {
        match self.state {
            CallState::Running { lease } => lease,
            CallState::Waiting { next } => next,
        }
    }

    pub(crate) const fn running(&self) -> bool {
        matches!(self.state, CallState::Running { .. })
    }

    /// The message that it carries, where that is not the opening.
    pub(crate) fn message(&self) -> Option<MessageId> {
        match &self.kind {
            CallKind::Send { message, .. } => Some(message.id),
            CallKind::Open | CallKind::Close => None,
        }
    }

    /// It carries a message that does not yet stand in the dialog.
    pub(crate) const fn unshown(&self) -> bool {
        matches!(self.kind, CallKind::Send { shown: false, .. })
    }

    /// The attachments of a message that does not yet stand in the dialog.
    pub(crate) fn unshown_attachments(&self) -> Vec<AttachmentId> {
        match &self.kind {
            CallKind::Send { message, shown: false } => message.attachments.iter().map(|file| file.id).collect(),
            _ => Vec::new(),
        }
    }
}
