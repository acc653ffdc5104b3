//! Floor plan to come.
