//! What was changed of the directory's agreements and absences. Nothing of a citizen's.

use dialog_contract::agreement::Leave;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ports::directory::Agreement;

/// What holds for one service of an office in place of what the directory says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredTerms {
    /// None where the directory holds again. The revision goes on: nobody who read an earlier change overwrites a later.
    pub(crate) agreements: Option<Vec<Agreement>>,
    /// SHA-256 of what the directory said then.
    pub(crate) directory: String,
    pub(crate) changed: Timestamp,
    pub(crate) revision: u64,
}

/// When a clinician is away, in place of what the directory says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredAbsences {
    pub(crate) absences: Vec<Leave>,
    pub(crate) revision: u64,
}
