//! Upstream requests of real components to real HTTP servers.
