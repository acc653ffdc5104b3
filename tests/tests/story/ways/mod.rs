//! Further ways through the API, beside those of the story.
//!
//! - [`lists`]: filters and pages. [`events`]: the citizen's stream and the portal's feed.
//! - [`restart`]: what a stop or a crash leaves. [`about`]: limits, document, health, metrics, what is open to all.

mod about;
mod events;
mod lists;
mod restart;
