//! The world outside the gateway, simulated: who lives in it, and the back ends that the plugins speak with.
//!
//! - [`world`]: citizens and offices
//! - [`meldingstjener`], [`helserespons`], [`besoklegen`], [`kry`], [`pasientsky`], [`cgm_eportal`]: the back ends
//! - [`notifiers`]: telephones and mailboxes
//! - [`national`]: what the country has once: registers, and the citizens' personal archive
//! - [`listener`], [`trouble`]: what every back end listens with, and what goes wrong with each when a test wants it to
//! - [`waiting`]: waiting for something to happen in one

pub mod besoklegen;
pub mod cgm_eportal;
pub mod helserespons;
pub mod kry;
pub mod listener;
pub mod meldingstjener;
pub mod national;
pub mod notifiers;
pub mod pasientsky;
pub mod trouble;
pub mod waiting;
pub mod world;
