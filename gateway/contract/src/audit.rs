//! A record of the audit log: who, on whose behalf, for whom, what, why, through which plugin, to which upstream, with
//! what outcome. Never content, never a national identity number: people are keyed pseudonyms. JSON by
//! `schemas/json/audit-record.json`; serialized with sorted, fixed fields, so that equal records are equal bytes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    action::Action,
    ids::{DialogId, HerId, PluginId, RequestId},
    provider::Interface,
    service::{Representation, Sent, Service, closed_list},
};

/// Largest record, in bytes of JSON. Entry bundles of C2SP tlog-tiles hold entries of at most 64 KiB.
pub const MAX_RECORD_BYTES: usize = 65_535;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// Version of the record's form; 1.
    pub version: u8,
    /// When, by the gateway's clock.
    pub time: Timestamp,
    /// What kind of thing is recorded.
    pub kind: RecordKind,
    /// The request's id; none for what no request caused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// W3C trace id, 32 lower-case hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// What was done: an [`Action`]. A reader may meet those of later versions, or of other gateways.
    pub action: String,
    /// Who did it.
    pub actor: Actor,
    /// For whom: the citizen's pseudonym.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub citizen: Option<String>,
    /// On whose behalf someone else acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub representation: Option<RepresentationRecord>,
    /// Which office.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<HerId>,
    /// Which service: why it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// Which dialog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialog: Option<DialogId>,
    /// The plugin call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallRecord>,
    /// How it ended; none in an intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<OutcomeRecord>,
    /// SHA-256 of the request's body, lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_sha256: Option<String>,
    /// SHA-256 of the reply's body, lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_sha256: Option<String>,
    /// What the record says beyond the fixed fields, without content: file digests, key names, counts. `supersedes` is
    /// the index of an earlier record of the same request, which tells an outcome that did not come to be: the last
    /// record of a request counts.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub details: std::collections::BTreeMap<String, String>,
}

impl Record {
    /// A record of what is known of everything that happens; the rest is added where it is known.
    #[must_use]
    pub fn new(time: Timestamp, kind: RecordKind, action: Action, actor: Actor) -> Self {
        Self {
            version: 1,
            time,
            kind,
            request: None,
            trace_id: None,
            action: action.to_string(),
            actor,
            citizen: None,
            representation: None,
            office: None,
            service: None,
            dialog: None,
            call: None,
            outcome: None,
            request_sha256: None,
            reply_sha256: None,
            details: std::collections::BTreeMap::new(),
        }
    }
}

closed_list!(
    /// Kinds of records.
    RecordKind {
        /// A change is about to be tried.
        Intent = "intent",
        /// A request has ended.
        Outcome = "outcome",
        /// Something came from a provider.
        Delivery = "delivery",
        /// A token was not accepted.
        TokenRefused = "token-refused",
        /// An authenticated caller was not allowed.
        PermissionRefused = "permission-refused",
        /// A plugin was installed, granted, refused or removed.
        Plugin = "plugin",
        /// The configuration at start.
        Configuration = "configuration",
        /// The gateway started.
        Start = "start",
        /// The gateway stopped in good order.
        Stop = "stop",
        /// Other keys sign the log than before, or keys of data at rest were wrapped anew.
        KeyUse = "key-use",
        /// What witnesses of the log say that is not their signature: refusals, another tree; a quorum lost, and back.
        Witness = "witness",
        /// The log's last record: another log follows.
        Sealed = "sealed",
        /// The log's first record after another log, which it continues.
        Opened = "opened",
        /// The log itself is read: by whom, and what was read before that is in no record yet.
        LogRead = "log-read",
        /// The same, to take it elsewhere.
        Export = "export",
        /// What is in records is removed after its time: up to which entry, and by which rule.
        Retention = "retention",
    }
);

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Actor {
    /// In which role.
    pub role: ActorRole,
    /// The OAuth client, the plugin or the operator's account.
    pub client: String,
    /// The person's pseudonym, where a person is behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Level of assurance, where a person logged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
}

closed_list!(
    /// Roles of actors.
    ActorRole {
        /// A citizen through the portal.
        Citizen = "citizen",
        /// The portal itself.
        Portal = "portal",
        /// A provider, inbound.
        Provider = "provider",
        /// The operator.
        Operator = "operator",
        /// An auditor.
        Auditor = "auditor",
        /// An office: its own people, about itself.
        Office = "office",
        /// The gateway by itself: retries, deadlines, start and stop.
        Gateway = "gateway",
        /// Nobody who could be authenticated.
        Unknown = "unknown",
    }
);

/// Someone acted for the citizen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RepresentationRecord {
    /// The representative's pseudonym.
    pub representative: String,
    /// Why they may.
    pub role: Representation,
}

/// One plugin call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CallRecord {
    /// Which plugin.
    pub plugin: PluginId,
    /// Its version (semver).
    pub version: String,
    /// SHA-256 of the component, lower-case hexadecimal.
    pub digest: String,
    /// The contract, such as `dialog:provider@1.0.0`.
    pub contract: String,
    /// SHA-256 of the grant under which it ran, lower-case hexadecimal.
    pub grant: String,
    /// Which interface.
    pub interface: Interface,
    /// Which function.
    pub function: String,
    /// Which attempt at this request, from 1.
    pub attempt: u32,
    /// How long, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub microseconds: Option<u64>,
    /// Peak memory, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// What it asked of remote systems.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upstreams: Vec<UpstreamRecord>,
}

/// One request to a remote system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpstreamRecord {
    /// The upstream's name.
    pub name: String,
    /// HTTP method.
    pub method: String,
    /// HTTP status, where there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What went wrong, where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long, in microseconds.
    pub microseconds: u64,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OutcomeRecord {
    /// HTTP status of the reply, or none for what has no reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The problem's name, where it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Whether the provider has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Sent>,
}
