//! The world outside the gateway, simulated: who lives in it, and the back ends that the plugins speak with.

pub mod helserespons;
pub mod meldingstjener;
pub mod world;
