//! Notices: what is to be told, what is being told, and how a citizen wants to be told. No address is kept: it is asked
//! of the directory when it is needed.

use dialog_contract::{
    ids::{AppointmentId, DialogId, HerId, NoticeId, PluginId},
    notice::{NewNoticePreferences, NoticeChannel},
    service::Locale,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    identity::CitizenId,
    notices::{Template, Values},
};

/// How a citizen wants to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredPreferences {
    pub(crate) revision: u64,
    pub(crate) preferences: NewNoticePreferences,
}

/// Something that a citizen is to be told of: written with the event, gone with the notice that it becomes a part of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pending {
    pub(crate) template: Template,
    pub(crate) office: HerId,
    pub(crate) about: Subject,
    pub(crate) at: Timestamp,
}

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Subject {
    Dialog(DialogId),
    Appointment(AppointmentId),
}

/// That a provider has told the citizen itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnNotice {
    pub(crate) plugin: PluginId,
    /// The provider's name of the dialog.
    pub(crate) dialog: Option<String>,
    /// The provider's id of the appointment.
    pub(crate) appointment: Option<String>,
    pub(crate) at: Timestamp,
}

/// A notice that was decided on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredNotice {
    pub(crate) id: NoticeId,
    pub(crate) citizen: CitizenId,
    pub(crate) template: Template,
    pub(crate) values: Values,
    pub(crate) locale: Locale,
    /// The ways that are left to try; the first is the present one.
    pub(crate) channels: Vec<NoticeChannel>,
    /// Attempts by the present one.
    pub(crate) attempts: u32,
    /// Since when it is tried by the present one.
    pub(crate) since: Timestamp,
    /// From then on it is of no use.
    pub(crate) expires: Timestamp,
    pub(crate) state: NoticeState,
    /// When somebody must look at it again.
    pub(crate) due: Timestamp,
}

/// Where a notice stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(crate) enum NoticeState {
    /// It is being given to a notifier, or waits for it.
    Waiting,
    /// A notifier has it; kept for what the network says of it.
    Sent {
        /// Which notifier.
        plugin: PluginId,
    },
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(crate) enum NoticeWork {
    /// What a citizen is to be told becomes a notice.
    Fold {
        /// Whose.
        citizen: CitizenId,
    },
    /// A notice is to be sent, or has had its time.
    Send {
        /// Which.
        notice: NoticeId,
        /// Whether a notifier has it already.
        #[serde(default)]
        sent: bool,
    },
}

/// How far overdue answers have been told of: the key of the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ToldOverdue {
    pub(crate) last: Vec<u8>,
}
