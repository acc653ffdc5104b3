//! A dialog with what the portal does not see of it.

use std::collections::VecDeque;

use bytes::Bytes;
use dialog_contract::{
    dialog::{Activity, ActivityKind, AuthorRole, Clinician, Dialog, Message, Status, StatusName},
    ids::{HerId, MessageId, PluginId},
    limits::Limits,
    opening::Request,
    service::{Closing, Locale, Representation, Service},
    video::VideoStatus,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Call;
use crate::{identity::CitizenId, keys};

/// Bytes of text in a dialog after which the citizen opens a new one. A quarter of the store's largest value: the rest
/// is for a renewal with all its eResept M1 and for answers of the office.
const TEXT_BYTES: usize = crate::ports::store::MAX_VALUE_BYTES / 4;

/// Everything about one dialog, in one value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredDialog {
    /// As the portal sees it.
    pub(crate) dialog: Dialog,
    /// Whose it is.
    pub(crate) citizen: CitizenId,
    /// The language in which it was opened.
    pub(crate) locale: Locale,
    /// Through which plugin; stays for the dialog's life.
    pub(crate) plugin: PluginId,
    /// The provider's name of it; none until the provider has taken it in.
    pub(crate) reference: Option<String>,
    /// What the citizen asked for; none where the office opened it.
    pub(crate) request: Option<Request>,
    /// The provider's id of the appointment that the request is about.
    pub(crate) appointment: Option<String>,
    /// The portal and the citizen can see it. A dialog is not visible while its opening is first tried: a refused
    /// opening leaves no dialog.
    pub(crate) visible: bool,
    /// The citizen may write in it at all; false for EKI.
    pub(crate) two_way: bool,
    /// The clinician whom it is with but for absences; none where that is whom the dialog names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) general_practitioner: Option<Clinician>,
    /// Who acted for the citizen when it was opened.
    pub(crate) representative: Option<StoredRepresentative>,
    /// The citizen was told that the office has left the provider.
    #[serde(default)]
    pub(crate) ended: bool,
    /// Calls to the provider that are not done, in order.
    pub(crate) calls: VecDeque<Call>,
    /// The provider's own ids of what the office wrote, for read marks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) known_as: Vec<KnownAs>,
    /// The place of the first message that the citizen may read, where clinicians talk about them and they take part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shared_from: Option<usize>,
    /// What the activities say, in every language, in their order. Where there are fewer than activities, the first of
    /// those are in the dialog's language alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) sentences: Vec<Sentence>,
}

/// What the gateway says of something that happened, in every language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sentence {
    nb: String,
    nn: String,
    en: String,
}

impl Sentence {
    fn of<T: Into<String>>(text: impl Fn(Locale) -> T) -> Self {
        let [nb, nn, en] = [Locale::Nb, Locale::Nn, Locale::En].map(|locale| text(locale).into());
        Self { nb, nn, en }
    }

    const fn in_language(&self, locale: Locale) -> &String {
        match locale {
            Locale::Nb => &self.nb,
            Locale::Nn => &self.nn,
            Locale::En => &self.en,
        }
    }
}

/// A message of the office's, as the provider knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KnownAs {
    pub(crate) message: MessageId,
    pub(crate) id: String,
}

/// Whose answer is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owed {
    pub(crate) office: HerId,
    pub(crate) service: Service,
}

/// Who acts for a citizen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredRepresentative {
    pub(crate) citizen: CitizenId,
    pub(crate) role: Representation,
}

impl StoredDialog {
    /// When the office must have answered, as long as it has said nothing and can.
    pub(crate) fn owed(&self) -> Option<Timestamp> {
        let answered = self.dialog.messages.iter().any(|message| message.author.role == AuthorRole::Office);
        let waits = matches!(self.dialog.status, Status::Queued | Status::AwaitingOffice | Status::Uncertain);
        self.dialog.due.filter(|_| self.visible && waits && !answered)
    }

    /// Whether the citizen can go to the waiting room of a video meeting, and is waited for.
    pub(crate) fn waiting_room_is_open(&self) -> bool {
        self.dialog.video.as_ref().is_some_and(|video| video.state == VideoStatus::WaitingRoomOpen)
    }

    /// Whether there is a video meeting to go to.
    pub(crate) fn is_met_in(&self) -> bool {
        let states = [VideoStatus::WaitingRoomOpen, VideoStatus::InProgress];
        self.dialog.video.as_ref().is_some_and(|video| states.contains(&video.state))
    }

    /// The office has answered: written, decided, given an appointment, or closed it as answered or redirected.
    pub(crate) fn office_answered(&self) -> bool {
        let written = || self.dialog.messages.iter().any(|message| message.author.role == AuthorRole::Office);
        let done = || {
            let kinds = self.dialog.activities.iter().map(|activity| &activity.kind);
            kinds
                .into_iter()
                .any(|kind| matches!(kind, ActivityKind::RenewalDecided { .. } | ActivityKind::Appointment { .. }))
        };
        let closed =
            matches!(self.dialog.status, Status::Closed { outcome: Closing::Answered | Closing::Redirected, .. });
        closed || written() || done()
    }

    /// When somebody must look at its calls, and whether one is under way.
    pub(crate) fn due(&self) -> Option<(Timestamp, bool)> {
        self.calls.front().map(|call| (call.due(), call.running()))
    }

    /// The citizen can see it: it is theirs, or clinicians have brought them in.
    pub(crate) fn reaches_citizen(&self) -> bool {
        self.visible && (self.dialog.between.is_none() || self.shared_from.is_some())
    }

    /// It is between clinicians, and about nobody.
    pub(crate) fn about_nobody(&self) -> bool {
        self.dialog.between.as_ref().is_some_and(|between| between.patient.is_none())
    }

    /// Where it stands in the list of the office whose clinicians talk here; none where it stands in none.
    pub(crate) fn collegial(&self) -> Option<Bytes> {
        let between = self.dialog.between.as_ref().filter(|_| self.visible)?;
        Some(keys::collegial(between.office.her_id, self.dialog.updated, self.dialog.id))
    }

    /// Where it stands that clinicians talk about the citizen.
    pub(crate) fn about(&self) -> Option<Bytes> {
        let between = self.dialog.between.as_ref()?;
        between.patient.as_ref().map(|_| keys::about(self.citizen, self.dialog.id))
    }

    /// Messages that the citizen may read, and that are not their own.
    fn of_others(&self) -> impl Iterator<Item = &Message> {
        let from = if self.dialog.between.is_some() { self.shared_from.unwrap_or(usize::MAX) } else { 0 };
        let others = |message: &&Message| matches!(message.author.role, AuthorRole::Office | AuthorRole::Clinician);
        self.dialog.messages.iter().skip(from).filter(others)
    }

    /// Adds an activity, in words of the gateway's.
    pub(crate) fn activity<T: Into<String>>(
        &mut self,
        occurred: Timestamp,
        kind: ActivityKind,
        text: impl Fn(Locale) -> T,
    ) {
        let sentence = Sentence::of(text);
        let text = sentence.in_language(self.locale).clone();
        self.dialog.activities.push(Activity { occurred, kind, text });
        self.sentences.push(sentence);
    }

    /// The dialog, with what the gateway says in it in this language.
    pub(crate) fn in_language(&self, locale: Locale) -> Dialog {
        let mut dialog = self.dialog.clone();
        for (activity, sentence) in dialog.activities.iter_mut().rev().zip(self.sentences.iter().rev()) {
            activity.text.clone_from(sentence.in_language(locale));
        }
        dialog
    }

    /// The dialog with what the citizen may see of it, in this language.
    pub(crate) fn for_citizen(&self, locale: Locale) -> Dialog {
        let mut dialog = self.in_language(locale);
        let Some(between) = &mut dialog.between else { return dialog };
        between.patient = None;
        let (from, since) = (self.shared_from.unwrap_or(usize::MAX), between.citizen_since);
        let hidden: Vec<_> = dialog.messages.drain(..from.min(dialog.messages.len())).collect();
        if !hidden.is_empty() {
            // What was written before is not theirs, and neither is what happened to it.
            dialog.activities.retain(|activity| since.is_some_and(|since| activity.occurred >= since));
            dialog.subject = dialog.messages.iter().find_map(|message| message.subject.clone());
        }
        dialog
    }

    /// Where it stands that it is open with its provider, and whether it is marked; none where it is not.
    pub(crate) fn open_with(&self) -> Option<(Bytes, bool)> {
        let Dialog { id, service, office, .. } = &self.dialog;
        let is_open = self.visible && !self.closed();
        is_open.then(|| (keys::open_with(&self.plugin, office.her_id, *service, *id), self.ended))
    }

    pub(crate) const fn closed(&self) -> bool {
        matches!(self.dialog.status, Status::Closed { .. })
    }

    /// The citizen can write no more: it has as many messages, or as much text, as one value of the store can hold
    /// together with what the office may yet answer.
    pub(crate) fn full(&self) -> bool {
        let written = self.dialog.messages.iter().map(|message| message.text.len()).sum::<usize>();
        let waiting = self.calls.iter().filter(|call| call.unshown()).count();
        self.dialog.messages.len() + waiting >= Limits::V1.messages_per_dialog as usize || written >= TEXT_BYTES
    }

    /// Sets what follows from the rest: whether the citizen can write now, and what is unopened.
    pub(crate) fn refresh(&mut self) {
        let reachable = self.reference.is_some() || !self.calls.is_empty();
        self.dialog.reply_allowed = self.two_way && !self.closed() && !self.ended && reachable && !self.full();
        let unopened = self.of_others().filter(|message| message.seen.is_none()).count();
        self.dialog.unopened = u32::try_from(unopened).unwrap_or(u32::MAX);
    }

    /// What a list needs to know to pick it.
    pub(crate) fn listed(&self) -> Listed {
        Listed {
            service: self.dialog.service,
            status: self.dialog.status.name(),
            unopened: self.dialog.unopened > 0,
            owed: self.owed(),
        }
    }

    /// Whether the office should have answered by now.
    pub(crate) fn overdue(&self, now: Timestamp) -> bool {
        self.owed().is_some_and(|due| due <= now)
    }

    /// The dialog as it is shown to its citizen at this moment, in this language.
    pub(crate) fn shown(&self, now: Timestamp, locale: Locale) -> Dialog {
        Dialog { overdue: self.overdue(now), ..self.for_citizen(locale) }
    }
}

/// What a list of dialogs is filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) service: Service,
    pub(crate) status: StatusName,
    pub(crate) unopened: bool,
    /// When the office must have answered, as long as it owes that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owed: Option<Timestamp>,
}
