//! XML, in and out.
//!
//! - [`tree`]: text to a bounded tree of elements with their namespaces; no document types, no entities but the five.
//! - [`writer`]: elements to a body with places where the bytes of attachments go.

pub mod tree;
pub mod writer;
