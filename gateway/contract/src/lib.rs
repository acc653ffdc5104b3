//! The types of `schemas/`: what the portal, the plugins and the auditors exchange with the gateway. No I/O.
//!
//! Floor plan
//! - [`ids`]: identifiers, each a type of its own, checked on construction.
//! - [`service`]: services, languages, ways of meeting: the small closed lists that everything shares.
//! - [`dialog`]: a dialog as the portal sees it; [`opening`]: what a citizen opens one with, and sends in it.
//! - [`appointment`], [`prescription`], [`practice`]: the look-ups around dialogs.
//! - [`event`]: what the portal is told (CloudEvents); [`page`]: pages of a list.
//! - [`problem`]: the closed list of errors (RFC 9457).
//! - [`payment`]: what citizens owe and pay; [`notice`]: how they are told outside the portal.
//! - [`video`]: video meetings; [`observation`]: what tests found; [`inbox`]: how much there is, and searching it.
//! - [`guidance`]: what a citizen is told before sending.
//! - [`survey`]: satisfaction surveys, all choices; [`form`]: a provider's form, a schema that nobody trusts.
//! - [`provider`]: the WIT package's types, as the domain uses them.
//! - [`manifest`]: what a plugin says of itself, with every rule of it.
//! - [`audit`]: a record of the audit log; [`pseudonym`]: how it names people; [`action`]: what it says was done;
//!   [`access_log`]: what a citizen is told of it.
//! - [`package`]: a plugin's file and its signature; [`plugin`]: installed plugins.
//! - [`limits`]: every limit of the API, with unit, number and reason.
//! - [`health`]: whether the gateway lives and can take requests.
//! - [`unreadable`]: what arrived and could not be understood.
//! - [`erasure`]: the order to erase a citizen.
//! - [`collegial`]: clinicians who talk with each other.
//! - [`agreement`]: what offices agreed with providers, and choose within that; [`handover`]: what is open where that ends.
//! - `json`: JSON from outside, within bounds, each key once.
//! - [`schema`]: the JSON Schemas, compiled, and bodies read by them; [`openapi`]: the API's description.

pub mod access_log;
pub mod action;
pub mod agreement;
pub mod appointment;
pub mod audit;
pub mod choice;
pub mod collegial;
pub mod dialog;
pub mod erasure;
pub mod event;
pub mod form;
pub mod guidance;
pub mod handover;
pub mod health;
pub mod ids;
pub mod inbox;
mod json;
pub mod limits;
pub mod manifest;
pub mod notice;
pub mod observation;
pub mod openapi;
pub mod opening;
pub mod package;
pub mod page;
pub mod payment;
pub mod plugin;
pub mod practice;
pub mod prescription;
pub mod problem;
pub mod provider;
pub mod pseudonym;
pub mod schema;
pub mod service;
pub mod survey;
pub mod unreadable;
pub mod video;
