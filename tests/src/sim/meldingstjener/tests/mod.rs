//! The simulator over real HTTP, driven by a portal written for these tests alone.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failing unwrap or panic fails the test, which is what it is for"
)]

mod booking;
mod control;
mod dialogs;
mod portal;
mod schema;
mod strict;
mod token;
mod trouble;
