//! Callers who ask too much, by accident or not: turned away before work, cut off before they hold anything for long.
//!
//! - [`rates`]: how often a citizen, a client and all together may ask.
//! - [`slow_body`]: a body must come at a pace.
//! - [`flood`]: what a connection may carry beside requests.
//!
//! Elsewhere: what a head, a query, a body may hold is bounded where it is read; connections and handshakes by the
//! listener; requests at once by `http::envelope::shed`.

pub mod flood;
pub mod rates;
pub mod slow_body;
