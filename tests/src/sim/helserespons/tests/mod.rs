//! The vendor, as a strict plugin and a careless one see it.
