//! What providers do beside the story, through real plugins.
//!
//! - [`wishes`]: written appointment requests, on System X. [`refusals`]: the ways in which an office says no.
//! - [`arrivals`]: what comes twice, broken, or as a test. [`vendor`]: a vendor that is slow or answers garbage, and its
//!   webhooks.
//! - [`besoklegen`]: the vendor that speaks SOAP, in every kind of trouble. [`pasientsky`]: the one that speaks FHIR, with
//!   notifications that only say that there is news. [`cgm_eportal`]: the one that is long polled, and answers with data and
//!   errors. [`kry`]: the one with doctors of its own.
//! - [`video`]: consultations by video, through those that have them.
//! - [`practice`]: what offices offer and tell, guidance, forms and surveys, through those that have them.

mod arrivals;
mod besoklegen;
mod cgm_eportal;
mod kry;
mod pasientsky;
mod practice;
mod refusals;
mod vendor;
mod video;
mod wishes;
