//! XML, in and out.
//!
//! - [`decode`] — bytes to text: UTF-8, ISO-8859-1, UTF-16.
//! - [`tree`] — text to a bounded tree of elements; no document types, no entities but the five.
//! - [`writer`] — elements to segments of text, with places where the bytes of attachments go.

pub mod decode;
pub mod tree;
pub mod writer;
