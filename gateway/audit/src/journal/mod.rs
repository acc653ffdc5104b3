//! The journal: where an entry becomes durable before it is in a tile.
//!
//! The journal is a few **segments**: files of a fixed size, preallocated and filled with zeros,
//! so that appending changes no metadata and one `fdatasync` costs one flush. A segment holds
//! **groups**, each written and flushed as one before the next is begun.
//!
//! * `group`: how a group is laid out, and what a damaged or torn one looks like.
//! * `segment`: making a segment and appending to it.
//! * `recovery`: reading all segments back and telling a torn tail from damage.

pub(crate) mod group;
pub(crate) mod recovery;
pub(crate) mod segment;
