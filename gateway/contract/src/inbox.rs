//! The citizen's inbox in numbers, and searching it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{dialog::StatusName, ids::PluginId, service::Service};

/// How much there is, of all offices and all providers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inbox {
    /// Dialogs with something from the office that the citizen has not opened, results among them.
    pub unread: u32,
    /// Dialogs with results of tests that the citizen has not opened.
    pub unread_results: u32,
    /// Dialogs in which the citizen is to answer.
    pub awaiting_citizen: u32,
    /// Dialogs whose office should have answered by now and has not.
    pub overdue: u32,
    /// Appointments that are to come, as far as the gateway has heard of them.
    pub coming_appointments: u32,
    /// The same by service: those of which the citizen has a dialog.
    pub services: Vec<InboxService>,
    /// Everything was counted. A citizen of whom there is more than one count looks at has at least these.
    pub complete: bool,
}

/// One service of an inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InboxService {
    /// Which service.
    pub service: Service,
    /// Dialogs of it.
    pub dialogs: u32,
    /// As [`Inbox::unread`].
    pub unread: u32,
    /// As [`Inbox::awaiting_citizen`].
    pub awaiting_citizen: u32,
    /// As [`Inbox::overdue`].
    pub overdue: u32,
}

/// What a citizen looks for in their dialogs. What is left out does not narrow it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DialogSearch {
    /// Words, each of which must occur in a subject, a message or a finding. Never in a log: they do not print.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Only of these services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Service>,
    /// Only with these statuses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<StatusName>,
    /// Only through these providers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<PluginId>,
    /// Only those in which something has happened since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Only those in which nothing has happened from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Most items; the default of `/v1/limits` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl std::fmt::Debug for DialogSearch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DialogSearch").field("services", &self.services).finish_non_exhaustive()
    }
}
