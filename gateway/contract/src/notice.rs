//! How citizens want to be told that there is something for them. JSON by `schemas/json/notice-preferences.json` and
//! `new-notice-preferences.json`.

use serde::{Deserialize, Serialize};

pub use crate::provider::NoticeChannel;
use crate::service::{Locale, closed_list};

closed_list!(
    /// What a citizen can be told of.
    NoticeKind {
        /// The office wrote, or ended a dialog.
        Message = "message",
        /// An appointment was made, moved or cancelled, or is near; the waiting room of a video meeting is open.
        Appointment = "appointment",
        /// There is something to pay.
        Payment = "payment",
        /// Something that was sent did not arrive, or is not answered in time.
        Delivery = "delivery",
    }
);

/// The body of `PUT /v1/me/notice-preferences`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewNoticePreferences {
    /// By which ways, the first that works; none at all where the list is empty.
    pub channels: Vec<NoticeChannel>,
    /// Of what.
    pub kinds: Vec<NoticeKind>,
    /// In which language; when left out, that of what it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
}

impl Default for NewNoticePreferences {
    /// What holds for a citizen who has said nothing: everything, by text message, else by mail.
    fn default() -> Self {
        Self { channels: NoticeChannel::ALL.to_vec(), kinds: NoticeKind::ALL.to_vec(), locale: None }
    }
}

/// How a citizen is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NoticePreferences {
    /// As in [`NewNoticePreferences::channels`].
    pub channels: Vec<NoticeChannel>,
    /// As in [`NewNoticePreferences::kinds`].
    pub kinds: Vec<NoticeKind>,
    /// As in [`NewNoticePreferences::locale`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// The ways for which the contact register has an address of the citizen's, and this gateway a notifier.
    pub reachable: Vec<NoticeChannel>,
}
