//! A dialog that is being changed. The rules of a dialog's life stand here, so that no use case can break them: what
//! is closed stays closed, messages and activities are only ever added, every change gives a new revision.

use dialog_contract::{
    dialog::{ActivityKind, AuthorRole, Clinician, Message, Status, StatusName},
    event::EventType,
    ids::MessageId,
    service::{Closing, Locale, Service},
};
use jiff::Timestamp;

use crate::{
    ports::store::Revision,
    record::{Call, CallState, StoredDialog},
};

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
        if matches!(message.author.role, AuthorRole::Office | AuthorRole::Clinician) {
            self.news(EventType::MessageReceived);
        }
        self.record.dialog.messages.push(message);
    }

    /// Adds an activity, in words of the gateway's.
    pub(crate) fn activity<T: Into<String>>(
        &mut self,
        occurred: Timestamp,
        kind: ActivityKind,
        text: impl Fn(Locale) -> T,
    ) {
        self.record.activity(occurred, kind, text);
    }

    /// Another clinician answers from now on.
    pub(crate) fn clinician(&mut self, clinician: Clinician, now: Timestamp) {
        self.record.dialog.clinician = Some(clinician.clone());
        let kind = ActivityKind::StandsIn { clinician: clinician.clone() };
        self.activity(now, kind, |locale| crate::texts::stands_in(&clinician, locale));
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
        let kind = ActivityKind::StatusChanged { status: name, reason };
        self.activity(now, kind, |locale| crate::texts::status(&status, locale));
        self.record.dialog.status = status;
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

    /// There is nothing to say to the provider now. What has not begun to be sent is not sent; what may have reached the
    /// provider is followed by the closing.
    pub(crate) fn drop_waiting(&mut self, closing: Call, now: Timestamp) {
        for waiting in std::mem::take(&mut self.record.calls) {
            if waiting.running() || waiting.maybe_sent {
                self.record.calls.push_back(waiting);
            } else {
                let kind = ActivityKind::NotSent { message: waiting.message() };
                self.activity(now, kind, crate::texts::withdrawn_unsent);
            }
        }
        if self.record.reference.is_some() || !self.record.calls.is_empty() {
            let state = CallState::Waiting { next: now };
            self.record.calls.push_back(Call { attempts: 0, reply: None, state, ..closing });
        }
    }

    /// The citizen has seen what the office wrote; gives what they had not seen before.
    pub(crate) fn seen(&mut self, now: Timestamp) -> Vec<MessageId> {
        let mut opened = Vec::new();
        let from = self.record.shared_from.unwrap_or_default();
        for message in self.record.dialog.messages.iter_mut().skip(from) {
            let others = matches!(message.author.role, AuthorRole::Office | AuthorRole::Clinician);
            if others && message.seen.is_none() {
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
