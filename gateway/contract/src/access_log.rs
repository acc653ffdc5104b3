//! Who read or changed what is a citizen's (innsyn i logg): what the audit log holds about one person, in their own words.
//! JSON by `schemas/json/access-log-page.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::service::closed_list;

/// A page of a citizen's access log, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessLogPage {
    /// What is on it.
    pub items: Vec<AccessLogEntry>,
    /// Opaque; the `cursor` of the request for the next page. A list without it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Earlier logs that would go on here and could not be read; what is in them is not told. None where none is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingLog>,
    /// What this log cannot know, for the citizen to read.
    pub note: String,
}

/// A log whose entries belong in the list and are not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MissingLog {
    /// Its origin.
    pub origin: String,
    /// What that means, for the citizen to read.
    pub text: String,
}

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessLogEntry {
    /// When.
    pub time: Timestamp,
    /// Who did it.
    pub who: AccessActor,
    /// What kind of thing it was.
    pub what: AccessKind,
    /// How it ended.
    pub outcome: AccessOutcome,
    /// All of it in one sentence.
    pub text: String,
    /// The office's name, where it was about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<String>,
    /// The provider's name, where it went through one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
    /// The record's index in the audit log of `origin`: what `GET /v1/me/receipts/{index}?origin=` proves.
    pub receipt: u64,
    /// Which audit log the record is in, as `Audit-Receipt` names it: the present one, or one that it continues.
    pub origin: String,
}

closed_list!(
    /// Who did something, seen from the citizen.
    AccessActor {
        /// The citizen who reads this.
        You = "you",
        /// Somebody who acted for the citizen.
        Representative = "representative",
        /// The citizen's office, through its provider.
        Office = "office",
        /// The national portal.
        Portal = "portal",
        /// Those who run the gateway.
        Operator = "operator",
        /// Those who verify what the gateway did.
        Auditor = "auditor",
        /// The gateway by itself.
        Gateway = "gateway",
        /// Nobody who could be told.
        Unknown = "unknown",
    }
);

closed_list!(
    /// What kind of thing was done.
    AccessKind {
        /// Something was read.
        Read = "read",
        /// Something was made, changed or removed.
        Change = "change",
    }
);

closed_list!(
    /// How it ended.
    AccessOutcome {
        /// It was done.
        Done = "done",
        /// It was refused.
        Refused = "refused",
        /// It failed.
        Failed = "failed",
        /// Nobody knows whether it arrived.
        Uncertain = "uncertain",
    }
);
