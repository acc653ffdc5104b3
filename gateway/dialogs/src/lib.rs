//! The domain: services, dialogs, routing, deadlines and permissions, with every wall to the outside as a port.
//!
//! Floor plan
//! - [`ports`]: what the domain asks of the outside, as traits: store, blobs, directory, providers, audit, clock.
//! - [`inbound`]: what comes from providers.
//! - [`media`]: which kind of file some bytes are, by their content.
//! - [`Desk`] (`desk`): the use cases, one method for each request of the portal's API.
//! - [`permit`]: who may do what; [`request`]: what every request brings; [`answer`]: how it ends.
//! - `apply`: what a provider's event does to a dialog; `draft`: a dialog that is being changed, with the rules of a
//!   dialog's life.
//! - `record`: what is kept, as it lies in the store; `keys`: where each lies; `shelf`: reading it, and writing it one
//!   step at a time.
//! - `sequence`: the order of the portal's events, such that a follower misses none; `cursor`: where a page ends.
//! - `access`: what a citizen is told of the audit log.
//! - `notices`: what citizens are told outside the portal.
//! - `identity`: how people are named where their national identity number has no business.
//! - `meeting`: what happens in a video meeting; `folding`: words as a search compares them.
//! - `answer_times`: how soon offices answer; `told`: what providers tell of themselves, kept for a while.
//! - `calendar`: Norwegian working days; `texts`: what citizens read, in three languages;
//!   `guidance`: what they read before they send.

mod access;
pub mod answer;
mod answer_times;
mod apply;
mod calendar;
mod cursor;
mod desk;
mod draft;
mod fees;
mod folding;
mod guidance;
mod identity;
pub mod inbound;
mod keys;
pub mod media;
mod meeting;
mod notices;
pub mod permit;
pub mod ports;
mod record;
pub mod request;
mod sequence;
mod shelf;
mod texts;
mod told;

pub use calendar::NoTimeZone;
pub use desk::{
    AccessFilter, Choosable, CollegialFilter, Desk, DialogFilter, Download, ErrandKind, ErrandOutcome, ErrandsDone,
    ErrandsWaiting, FOLDED_INTO_ONE, Follow, FollowedEvent, MOST_COUNTED, NoticeFate, NoticeTold, NoticesDone,
    NoticesWaiting, Outcome, Overdue, Ports, Purged, RecordPlace, Retention, StartError, Waiting, WorkDone,
};
pub use identity::KnownCitizens;
pub use notices::{LINK_CHARACTERS, NoticeRules, Template};
