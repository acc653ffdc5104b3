//! A dialog that is being changed. The rules of a dialog's life stand here, so that no use case can break them: what
//! is closed stays closed, messages and activities are only ever added, every change gives a new revision.

use dialog_contract::{
    dialog::{Activity, ActivityKind, AuthorRole, Clinician, Message, Status, StatusName},
    event::EventType,
    ids::MessageId,
    service::{Closing, Service},
};
use jiff::Timestamp;

use crate::{ports::store::Revision, record::StoredDialog};

/// A dialog as read from the store, to be changed and given to [`crate::shelf::Step::dialog`].
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// As it was; none where the dialog is new.
    pub(crate) before: Option<(Revision, StoredDialog)>,
    /// As it is to be. What is not part of [`StoredDialog::dialog`] may be changed freely; `dialog` itself through the
    /// methods.
    pub(crate) record: StoredDialog,
    /// What the portal is told.
    pub(crate) news: Vec<EventType>,
    /// The trace that the news belong to.
    pub(crate) traceparent: Option<String>,
    /// The dialog is not kept.
    pub(crate) discarded: bool,
}

impl Draft {
    /// A dialog that is not in the store.
    pub(crate) fn new(record: StoredDialog) -> Self {
        Self { before: None, record, news: Vec::new(), traceparent: None, discarded: false }
    }

    /// A dialog as it was read.
    pub(crate) fn of(revision: Revision, record: StoredDialog) -> Self {
        Self { before: Some((revision, record.clone())), record, news: Vec::new(), traceparent: None, discarded: false }
    }

    /// Adds a message.
    pub(crate) fn message(&mut self, message: Message) {
        if message.author.role == AuthorRole::Office {
            self.news(EventType::MessageReceived);
        }
        self.record.dialog.messages.push(message);
    }

    /// Adds an activity.
    pub(crate) fn activity(&mut self, occurred: Timestamp, kind: ActivityKind, text: impl Into<String>) {
        self.record.dialog.activities.push(Activity { occurred, kind, text: text.into() });
    }

    /// Another clinician answers from now on.
    pub(crate) fn clinician(&mut self, clinician: Clinician, now: Timestamp) {
        let text = crate::texts::stands_in(&clinician, self.record.locale);
        self.record.dialog.clinician = Some(clinician.clone());
        self.activity(now, ActivityKind::StandsIn { clinician }, text);
        self.news(EventType::DialogUpdated);
    }

    /// Tells the portal, once a change for each kind.
    pub(crate) fn news(&mut self, kind: EventType) {
        if !self.news.contains(&kind) {
            self.news.push(kind);
        }
    }

    /// Sets the status and says so in an activity. False where the dialog is closed: it stays so.
    pub(crate) fn status(&mut self, status: Status, reason: Option<String>, now: Timestamp) -> bool {
        if self.record.closed() {
            return false;
        }
        if self.record.dialog.status == status {
            return true;
        }
        let name = status.name();
        let text = crate::texts::status(&status, self.record.locale);
        self.record.dialog.status = status;
        self.activity(now, ActivityKind::StatusChanged { status: name, reason }, text);
        self.news(if name == StatusName::Closed { EventType::DialogClosed } else { EventType::DialogUpdated });
        true
    }

    /// Closes the dialog. False where it is closed already: the first outcome stands.
    pub(crate) fn close(
        &mut self,
        outcome: Closing,
        redirect_to: Option<Service>,
        reason: Option<String>,
        now: Timestamp,
    ) -> bool {
        self.status(Status::Closed { outcome, redirect_to }, reason, now)
    }

    /// The citizen has seen what the office wrote; gives what they had not seen before.
    pub(crate) fn seen(&mut self, now: Timestamp) -> Vec<MessageId> {
        let mut opened = Vec::new();
        for message in &mut self.record.dialog.messages {
            if message.author.role == AuthorRole::Office && message.seen.is_none() {
                message.seen = Some(now);
                opened.push(message.id);
            }
        }
        opened
    }

    /// Sets what follows from the rest. Called once, when the change is committed.
    pub(crate) fn finish(&mut self, now: Timestamp) {
        self.record.refresh();
        self.record.dialog.overdue = self.record.overdue(now);
        let dialog = &mut self.record.dialog;
        let Some((_, before)) = &self.before else { return };
        let before = &before.dialog;
        // Opening a message is no news in the dialog: it does not move in the list.
        if dialog.messages.len() != before.messages.len()
            || dialog.activities.len() != before.activities.len()
            || dialog.status != before.status
            || dialog.fees != before.fees
        {
            dialog.updated = now.max(before.updated);
        }
        if dialog != before {
            dialog.revision = before.revision + 1;
        }
    }
}
