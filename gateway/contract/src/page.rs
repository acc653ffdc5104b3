//! Pages of a list: items, and where the next page begins.

use serde::{Deserialize, Serialize};

/// One page. A list without `next` has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Opaque; the `cursor` of the request for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
