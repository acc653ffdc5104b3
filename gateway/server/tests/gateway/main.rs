//! The gateway from outside: real listeners, real keys, a real store and audit log in a folder of its own; where it is
//! about the process, the real binary.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod guest;
mod papers;
mod prover;
mod running;
mod support;

mod audit;
mod auth;
mod authorization_server;
mod backpressure;
mod bodies;
mod check;
mod collector;
mod commands;
mod deploy;
mod envelope;
mod floods;
mod listeners;
mod metrics;
mod operations;
mod packages;
mod plugins;
mod possession;
mod process;
mod rates;
mod routes;
mod tls;
