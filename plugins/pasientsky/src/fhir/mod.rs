//! FHIR R4, as much of it as the vendor speaks. Read liberally: unknown elements are passed over.
//!
//! - [`bundle`]: what a search answers, page by page
//! - [`element`]: identifiers, references, concepts, and the vendor's systems
//! - [`time`]: instants and dates

pub mod bundle;
pub mod element;
pub mod time;
