//! HTTP to a remote system that the operator bound to a name.
//!
//! | room | what is in it |
//! | --- | --- |
//! | `request` | building a request: method, path, query, headers, body |
//! | `body` | bodies in pieces: text, attachments that stream past the plugin, base64 around both |
//! | `response` | reading the answer, and what a status means for the citizen |
//! | `error` | why there is no answer, and what is known of what was sent |
//!
//! Both [`Error`] and what [`Response::success`] gives become the right [`Failure`](crate::Failure) with `?`.

mod body;
mod error;
mod request;
mod response;

pub use body::Body;
pub use error::Error;
pub use request::{Request, delete, get, patch, post, put};
pub use response::Response;

pub use crate::bindings::capabilities::dialog::provider::upstream::{Error as Cause, Method};
