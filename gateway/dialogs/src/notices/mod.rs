//! Telling citizens, outside the portal, that there is something for them in it: decided here, once, and sent by notifier
//! plugins, which see an address and a text and nothing else.
//!
//! - [`decide`]: which events a citizen is told of. Written with the event, in the same step of the store.
//! - [`fold`]: several of them within [`NoticeRules::fold`] become one notice; what need not be told any more is left out.
//! - [`template`]: the texts, which cannot hold content.
//!
//! [`crate::Desk::run_notices`] (`desk/notices.rs`) does it; a notice is
//! - never about what the citizen did, but for the time of an appointment that was booked;
//! - never sent where the citizen has said no, to all ([`NewNoticePreferences::channels`] empty) or to this kind;
//! - never sent where the provider sends notices of its own: always for some kinds, by the office's agreement
//!   (`ownNotices`), or this time, by the event `notified` within [`OWN_NOTICE_WITHIN`];
//! - never sent where the message was read in the meantime, the appointment is past, or the office has answered;
//! - sent to the citizen alone. Whoever acts for another (a parent, a guardian) gets none: the contact register knows the
//!   citizen's telephone and not who happens to act for them, and a notice to the wrong telephone tells a stranger who is
//!   in contact with a doctor;
//! - sent by day ([`crate::calendar::Calendar::quiet_until`]), but for appointments within [`URGENT_WITHIN`];
//! - sent at once, at any hour and alone where a waiting room has opened: somebody waits in it. What else there is to
//!   tell keeps its own time, so that the one thing that cannot wait is not hidden behind "several". It is of use for
//!   [`ROOM_USEFUL_FOR`], and not once the meeting is over. It counts among appointments ([`NoticeKind::Appointment`]).
//!
//! A notice is decided on at most once and given to a notifier at least once, under the same id each time. A notifier that
//! is down is asked again until [`CHANNEL_PATIENCE`] is over where there is another way, and until the notice is of no use
//! where there is none ([`USEFUL_FOR`], or the appointment itself); then the operator is told.
//!
//! Addresses are those of the national contact register, through the directory. They cannot be set here: an address that
//! anybody with a session could change would let them watch somebody else's.
//!
//! [`NoticeKind::Appointment`]: dialog_contract::notice::NoticeKind::Appointment
//! [`NewNoticePreferences::channels`]: dialog_contract::notice::NewNoticePreferences::channels

mod decide;
mod fold;
mod template;

use dialog_contract::{ids::PluginId, notice::NoticeChannel};
use jiff::SignedDuration;

pub use self::template::{LINK_CHARACTERS, Template};
pub(crate) use self::{
    decide::decided,
    fold::{Considered, folded},
    template::{OfficeWord, Values},
};

/// How long a notice of something without a time of its own is of use.
pub(crate) const USEFUL_FOR: SignedDuration = SignedDuration::from_hours(24);

/// How long a notice of an open waiting room is of use: a clinician who waits longer has gone on.
pub(crate) const ROOM_USEFUL_FOR: SignedDuration = SignedDuration::from_hours(1);

/// An appointment so near is told of at any hour.
pub(crate) const URGENT_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// How long a notifier that cannot be reached is waited for where the citizen has another way.
pub(crate) const CHANNEL_PATIENCE: SignedDuration = SignedDuration::from_mins(30);

/// A provider's own notice so soon before or after an event is of that event.
pub(crate) const OWN_NOTICE_WITHIN: SignedDuration = SignedDuration::from_mins(30);

/// How long it is remembered that a provider has told a citizen.
pub(crate) const OWN_NOTICE_KEPT: SignedDuration = SignedDuration::from_hours(12);

/// What the operator decides of notices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeRules {
    /// The notifier for text messages.
    pub sms: Option<PluginId>,
    /// The notifier for mail.
    pub email: Option<PluginId>,
    /// The portal's address, in every notice; at most [`LINK_CHARACTERS`].
    pub link: String,
    /// How long an event waits for others to be told with it.
    pub fold: SignedDuration,
    /// Whether people are told at any hour: for trying it out.
    pub at_night: bool,
}

impl NoticeRules {
    /// The notifier for a way.
    pub(crate) const fn notifier(&self, channel: NoticeChannel) -> Option<&PluginId> {
        match channel {
            NoticeChannel::Sms => self.sms.as_ref(),
            NoticeChannel::Email => self.email.as_ref(),
        }
    }
}
