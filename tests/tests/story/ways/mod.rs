//! Further ways through the API, beside those of the story.
//!
//! - [`lists`]: filters and pages. [`events`]: the citizen's stream and the portal's feed.
//! - [`notices`]: what citizens are told outside the portal, whatever becomes of it.
//! - [`restart`]: what a stop or a crash leaves. [`about`]: limits, document, health, metrics, what is open to all.

mod about;
mod events;
mod lists;
mod notices;
mod restart;
