//! The use cases, run against the real shelf on a store in memory, with scripted providers, directory, audit log and
//! clock.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing unwrap fails the test, which is what it is for")]

mod access;
mod agreements;
mod answers;
mod appointments;
mod attachments;
mod choices;
mod closing;
mod collegial;
mod counts;
mod erasure;
mod evidence;
mod feed;
mod forms;
mod guidance;
mod idempotency;
mod inbound;
mod inbox;
mod life;
mod listing;
mod marks;
mod notices;
mod opening;
mod payments;
mod practice;
mod queue;
mod recovery;
mod redelivery;
mod resending;
mod results;
mod searching;
mod sending;
mod superseded;
mod support;
mod surveys;
mod video;
