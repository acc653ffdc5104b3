//! Every limit of the plugin host, in one place: unit, number, and why that number. Those in [`Limits`] the operator may
//! change, in the configuration's `[limits]`; the constants below are of the code's own making, or of a standard's. What
//! a plugin may return stands in the contract, `dialog_contract::limits::returned`.

use std::time::Duration;

use dialog_contract::provider::Interface;
use serde::{Deserialize, Serialize};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// The file of trusted keys, in bytes: a key with its plugins has about 500, and the file has [`TRUST_KEYS`] at most.
pub const TRUST_BYTES: u64 = MIB;

/// Trusted keys: a hundred vendors, with the keys of ten years.
pub const TRUST_KEYS: usize = 1_000;

/// The name of a vendor, and why a key was revoked, in characters: a sentence.
pub const VENDOR_CHARACTERS: usize = 200;

/// Versions of a plugin that are kept beside the one that serves, to be rolled back to: a bad release, the release that
/// was to mend it, and the good ones before.
pub const VERSIONS_KEPT: usize = 5;

/// Installed plugins: more than there are vendors.
pub const PLUGINS: usize = 1_000;

/// A secret, in bytes: a private key in PEM with its chain.
pub const SECRET_BYTES: u64 = 64 * KIB;

/// Certificates of one upstream, in bytes: all authorities that a system trusts are about 220 KiB in PEM.
pub const CERTIFICATES_BYTES: u64 = MIB;

/// Headers of one upstream request: a common server's own limit is about a hundred, and the gateway adds some.
pub const UPSTREAM_HEADERS: usize = 64;

/// A path that a plugin gives, in bytes before it is joined: half of what the whole target may have.
pub const UPSTREAM_PATH_BYTES: usize = 4 * 1024;

/// Parameters in a query: more than any vendor's search takes.
pub const UPSTREAM_PARAMETERS: usize = 64;

/// How deep base64 may be nested in a body, by the contract: a file in a document in an envelope.
pub const UPSTREAM_BODY_LAYERS: usize = 3;

/// Segments of a body: ten attachments with all that stands between them need some thirty.
pub const UPSTREAM_BODY_SEGMENTS: usize = 1_000;

/// How long a connection to an upstream waits for its next request: shorter than what common servers keep it open, so
/// that a request rarely meets a connection that is being closed.
pub const UPSTREAM_IDLE: Duration = Duration::from_secs(15);

/// The longest time that an operator may give an upstream to connect or to answer, in milliseconds: twice the
/// longest that any call may be given.
pub const UPSTREAM_LONGEST_MILLISECONDS: u64 = 120_000;

/// How long an upstream has to accept a connection where its binding does not say, in milliseconds: two round trips
/// around the world, and a retransmission.
pub const UPSTREAM_CONNECT_MILLISECONDS: u64 = 2_000;

/// How long an upstream has to answer where its binding does not say, in milliseconds. The call's own deadline, of
/// 5 or 15 seconds, holds beside it.
pub const UPSTREAM_ANSWER_MILLISECONDS: u64 = 10_000;

/// A token endpoint's answer, in bytes: a token of some KiB, and a few words.
pub const TOKEN_ANSWER_BYTES: usize = 64 * 1024;

/// How long an assertion to a token endpoint holds, in seconds: one exchange, and some difference between clocks.
pub const TOKEN_ASSERTION_SECONDS: i64 = 60;

/// How long before its end a token is no longer used: the longest request under way with it.
pub const TOKEN_MARGIN: Duration = Duration::from_secs(20);

/// How long a token is kept where the server does not say (RFC 6749 leaves it open).
pub const TOKEN_UNSAID: Duration = Duration::from_secs(60);

/// The longest that a token is kept, whatever the server says.
pub const TOKEN_LONGEST: Duration = Duration::from_secs(3600);

/// Random bytes of a nonce of WS-Security: as many as the profile's examples have.
pub const WS_SECURITY_NONCE_BYTES: usize = 16;

/// The shortest password that WS-Security sends as text, in characters: a shorter one may stand in an answer by chance,
/// and an answer that holds the password is withheld.
pub const WS_SECURITY_PASSWORD_CHARACTERS: usize = 8;

/// The start tags of a SOAP message, in bytes: a declaration, and the namespaces of an envelope.
pub const SOAP_OPENING_BYTES: usize = 4 * 1024;

/// The longest name of a file, in characters, by the contract.
pub const ATTACHMENT_NAME_CHARACTERS: usize = 120;

/// What the operator reads of an engine's error or a guest's panic, in bytes: a message and the top of a trace.
pub const ERROR_LINE_BYTES: usize = 1_000;

/// The largest file of compiled code that is looked at, in bytes: machine code is a few times the component.
pub const COMPILED_BYTES: u64 = 1024 * MIB;

/// How often a guest that computes is interrupted to look at its deadline and to let other tasks have the thread. Tokio
/// looks at sockets and timers once in 61 turns of a busy thread, so that this decides how late they can be.
pub const TICK: Duration = Duration::from_millis(1);

/// How much of the call's time a plugin keeps after its last upstream request, to say what happened.
pub const LAST_WORDS: Duration = Duration::from_millis(100);

/// How often a commit of `state` is tried anew when another call of the same office changed the same keys: each round
/// somebody succeeds, and sixteen are more than meet at one office.
pub const STATE_COMMIT_ATTEMPTS: u32 = 16;

/// Keys of `state` that are removed in one commit when their owner is forgotten.
pub const STATE_FORGOTTEN_AT_ONCE: usize = 100;

/// How long it is remembered who was forgotten: longer than any call takes that may have begun before.
pub const FORGOTTEN_REMEMBERED: Duration = Duration::from_secs(300);

/// The longest that a plugin may ask callers to wait, in seconds: a day of maintenance. More is a mistake in units, and
/// the portal would tell citizens to come back in a hundred years.
pub const RETRY_AFTER_SECONDS: u32 = 24 * 3600;

/// Requests of a guest that were refused, told to the operator one by one in a call; more are counted. Enough to see what
/// it tries, too few to fill a log.
pub const REFUSALS_TOLD: u32 = 8;

/// Entries read at once while keys of `state` are listed, so that their values, of 64 KiB each, are not all in memory.
pub const STATE_LISTED_AT_ONCE: usize = 64;

/// Slots of the pool beyond the calls at once: an instance is torn down after its permit has been given back.
pub const SPARE_SLOTS: u64 = 32;

/// Memory kept with a slot after a call, in bytes: what a plugin here touches, so that the next call faults no pages.
/// Without `PAGEMAP_SCAN` all of it would be cleared each time, touched or not.
pub const KEPT_RESIDENT_BYTES: usize = 2 * 1024 * 1024;

/// Of its tables the same, in bytes: 8,000 elements, more than a plugin here has.
pub const TABLE_KEPT_RESIDENT_BYTES: usize = 64 * 1024;

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident: $default:expr, $least:expr, $most:expr;)+) => {
        /// The limits of plugin calls. Names end in their unit; a name without one counts.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
        pub struct Limits {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl Limits {
            /// Checks that every limit is within what the engine and the contract can keep.
            ///
            /// # Errors
            /// Names the first limit that is not, with its bounds.
            pub fn check(&self) -> Result<(), LimitError> {
                $(within(stringify!($name), self.$name, $least, $most)?;)+
                Ok(())
            }
        }
    };
}

/// A limit that the host cannot keep.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the limit {name} is {value}, and must be from {least} to {most}")]
pub struct LimitError {
    /// Which, in kebab-case.
    pub name: String,
    /// What was asked for.
    pub value: u64,
    /// The smallest that works.
    pub least: u64,
    /// The largest that works.
    pub most: u64,
}

fn within(name: &str, value: u64, least: u64, most: u64) -> Result<(), LimitError> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(LimitError { name: name.replace('_', "-"), value, least, most })
    }
}

limits! {
    /// Memory of one call, in bytes: all linear memories and tables of all its instances together. A message with ten
    /// attachments read whole is the largest thing that a plugin may need to hold.
    memory_bytes: 64 * MIB, 64 * KIB, 1024 * MIB;
    /// How long a call may take, in milliseconds: longer, and the citizen has given up.
    call_milliseconds: 5_000, 10, 60_000;
    /// How long a call of `appointments` may take, in milliseconds: the synchronous processes of DDFL promise an answer
    /// within 15 seconds.
    appointments_call_milliseconds: 15_000, 10, 60_000;
    /// How long a call waits for its permits, in milliseconds, counted in its deadline: evens out a burst, and is too
    /// short to pile up behind a provider that hangs.
    permit_wait_milliseconds: 100, 0, 5_000;
    /// Calls at once of one plugin: a quarter of all, so that one slow vendor leaves room for the others.
    calls_at_once_per_plugin: 64, 1, 4_096;
    /// Calls at once in all: the number of slots in the engine's pool, of which each reserves address space.
    calls_at_once: 256, 1, 4_096;
    /// What a call may return, in bytes of text and data: 100 events of some pages, or 500 slots with names.
    returned_bytes: MIB, KIB, 64 * MIB;
    /// What a plugin may hand to the host at once, in bytes, before it is looked at: an attachment of 10 MiB, and some.
    handed_over_bytes: 16 * MIB, MIB, 128 * MIB;
    /// Upstream requests in one call: a poll that fetches and confirms a handful of messages one by one.
    upstream_requests: 16, 1, 1_000;
    /// An upstream's answer, in bytes: a message with two photos in base64.
    upstream_answer_bytes: 8 * MIB, KIB, 64 * MIB;
    /// An upstream request's body, in bytes on the wire: ten attachments of 10 MiB, in base64 twice over. It is
    /// streamed, so that it costs no memory.
    upstream_body_bytes: 192 * MIB, KIB, 1024 * MIB;
    /// Headers of an upstream request, in bytes of names and values: what common servers accept.
    upstream_header_bytes: 8 * KIB, 256, 64 * KIB;
    /// Path and query of an upstream request, in bytes after encoding: what common servers accept.
    upstream_target_bytes: 8 * KIB, 256, 64 * KIB;
    /// Requests to one upstream under way at once, each on a connection of its own; more wait for their turn within their
    /// time. Half of the calls that one plugin may have at once: a vendor's server that serves others too is not crowded
    /// out.
    upstream_requests_at_once: 32, 1, 4_096;
    /// Failures of an upstream in a row that open its breaker: fewer would trip over one restart behind a load balancer.
    breaker_failures: 5, 1, 1_000;
    /// How long an open breaker waits before its first probe, in milliseconds; doubles at each probe that fails.
    breaker_wait_milliseconds: 5_000, 1, 600_000;
    /// The longest that an open breaker waits, in milliseconds: an upstream that is back is used within a minute.
    breaker_longest_wait_milliseconds: 60_000, 1, 3_600_000;
    /// Lines to the log in one call: the rest is counted. Enough to follow a poll, too few to fill a disk.
    log_lines: 100, 0, 10_000;
    /// A line of the log, in bytes; the rest is cut off.
    log_line_bytes: 4 * KIB, 64, 64 * KIB;
    /// A value of `state`, in bytes: a cursor or an index, not an archive.
    state_value_bytes: 64 * KIB, 1, 1024 * KIB;
    /// Keys of `state` that a plugin has for one office: an office has some thousand open dialogs at most.
    state_keys: 10_000, 1, 1_000_000;
    /// Writes to `state` in one call: well below what the store takes in one transaction, with a few entries for each.
    state_writes: 500, 1, 600;
    /// Bytes written to `state` in one call.
    state_written_bytes: 4 * MIB, KIB, 64 * MIB;
    /// Keys that one `state.keys` lists, by the contract.
    state_listed_keys: 1_000, 1, 10_000;
    /// An attachment from a provider, in bytes: as large as a citizen's.
    attachment_bytes: 10 * MIB, KIB, 100 * MIB;
    /// Attachments that a call may create, in bytes together: what a call may fetch, decoded.
    attachments_created_bytes: 64 * MIB, KIB, 1024 * MIB;
    /// Attachments that a call may create, counted, because empty ones cost files too: a page of news with two each.
    attachments_created: 200, 1, 2_000;
    /// Bytes of an attachment that one `attachments.read` gives, by the contract.
    attachment_read_bytes: MIB, KIB, 16 * MIB;
    /// A plugin's file, in bytes: the plugins here are below 1 MiB; a JavaScript engine in a component is about 12.
    component_bytes: 32 * MIB, KIB, 256 * MIB;
    /// The manifest in it, in bytes: two JSON Schemas and some names.
    manifest_bytes: 256 * KIB, 256, 4 * MIB;
    /// Types that a component may announce, in all its parts: those here have some hundred.
    component_types: 10_000, 1, 1_000_000;
    /// Functions of a component, in all its parts: a JavaScript engine has about 20,000.
    component_functions: 50_000, 1, 1_000_000;
    /// The largest function, in bytes: a compiler's time grows faster than a function. An interpreter's loop has some
    /// hundred KiB.
    function_bytes: 512 * KIB, 256, 8 * MIB;
    /// How deep components and modules may lie in each other: those of `wit-component` lie three deep.
    component_depth: 16, 1, 100;
    /// How long compiling a plugin may take, in milliseconds, on one processor. It happens at install, apart from serving.
    compile_milliseconds: 120_000, 100, 3_600_000;
    /// Address space of the process that compiles, in bytes: the gateway's binary itself, and a hundred times the code of
    /// the plugins here.
    compile_memory_bytes: 2048 * MIB, 64 * MIB, 64 * 1024 * MIB;
    /// Core instances in a component: those of `wit-component` have three or four.
    core_instances: 16, 1, 64;
    /// Linear memories in a component, so that one call cannot take the pool of many.
    memories: 4, 1, 16;
    /// Tables in a component.
    tables: 8, 1, 32;
    /// Elements of a table: functions that are called indirectly.
    table_elements: 50_000, 1, 1_000_000;
}

impl Limits {
    /// How long a call of this interface may take.
    #[must_use]
    pub fn call(&self, interface: Interface) -> Duration {
        Duration::from_millis(match interface {
            Interface::Appointments => self.appointments_call_milliseconds,
            _ => self.call_milliseconds,
        })
    }
}

/// A limit as a length on this machine; limits are checked to be far below what does not fit.
pub(crate) fn length(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_defaults_can_be_kept() {
        assert_eq!(Limits::default().check(), Ok(()));
    }

    #[test]
    fn a_limit_out_of_bounds_is_named() {
        let limits = Limits { calls_at_once: 0, ..Limits::default() };
        assert_eq!(limits.check().unwrap_err().to_string(), "the limit calls-at-once is 0, and must be from 1 to 4096");
    }

    #[test]
    fn an_unknown_limit_is_refused_and_a_missing_one_has_its_default() {
        let limits: Limits = serde_json::from_value(serde_json::json!({ "log-lines": 7 })).unwrap();
        assert_eq!((limits.log_lines, limits.upstream_requests), (7, 16));
        let error = serde_json::from_value::<Limits>(serde_json::json!({ "log-line": 7 })).unwrap_err();
        assert!(error.to_string().contains("log-line"), "{error}");
    }

    #[test]
    fn direct_booking_has_the_time_that_its_standard_gives_it() {
        let limits = Limits::default();
        assert_eq!(limits.call(Interface::Appointments), Duration::from_secs(15));
        assert_eq!(limits.call(Interface::Dialogs), Duration::from_secs(5));
    }
}
