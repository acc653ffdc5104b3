//! Every limit of the server: unit, number, and why that number. The limits of the API stand in
//! `dialog_contract::limits`, those of plugin calls in `dialog_host::limits`.

use std::{num::NonZeroU32, ops::RangeInclusive, time::Duration};

use crate::abuse::rates::Rate;

const MIB: u64 = 1024 * 1024;

/// The configuration, in bytes: larger than any that a person wrote.
pub const CONFIGURATION_BYTES: u64 = MIB;

/// The directory file, in bytes: the whole country's, of 5.6 million citizens, has about 1.3 GiB. It is parsed as it is
/// read, so that its text takes no memory.
pub const DIRECTORY_BYTES: u64 = 2048 * MIB;

/// An issuer's key set, in bytes: it has a few KiB.
pub const KEY_SET_BYTES: u64 = MIB / 4;

/// An issuer's metadata, in bytes: it has a few KiB.
pub const METADATA_BYTES: u64 = MIB / 8;

/// Keys in an issuer's set: more than any issuer rotates through.
pub const KEYS_OF_AN_ISSUER: usize = 64;

/// Connections of one listener; further ones wait in the system's backlog. A portal's pool holds some hundred, and an
/// idle connection costs some ten KiB.
pub const CONNECTIONS: usize = 4096;

/// Requests of portal and vendors that are worked on at once; further ones are turned away with 503 before any work.
/// Twice the calls that the plugin host takes at once, and with a whole JSON body each still no more than 1 GiB.
pub const REQUESTS_AT_ONCE: usize = 512;

/// Seconds after which a caller that was turned away may come back: most requests end within one.
pub const RETRY_AFTER_SECONDS: u32 = 1;

/// For the head of a request, and from a connection's beginning to its first one. A head is one packet or a few; the
/// time is long enough to keep a portal's idle connections for some requests.
pub const HEAD: Duration = Duration::from_secs(30);

/// For a TLS handshake: a few round trips around the world, and a client that starts cold.
pub const HANDSHAKE: Duration = Duration::from_secs(10);

/// Unfinished handshakes of one listener; the oldest gives way to one more. A quarter of [`CONNECTIONS`]: callers who
/// never finish leave the rest to those who do, and would have to open 20,000 connections a second to be in their way.
pub const HANDSHAKES_AT_ONCE: usize = 1024;

/// TLS sessions that a listener remembers, so that a caller who comes back is spared the signature: as many as there can
/// be connections; a session has about 1 KiB.
pub const TLS_SESSIONS: usize = 4096;

/// Tickets that a TLS 1.3 client gets, of which each is good for one connection: a browser opens two at once.
pub const TLS_TICKETS: usize = 2;

/// The authorities of a collector, in bytes: all that a system trusts are about 220 KiB in PEM.
pub const COLLECTOR_AUTHORITIES_BYTES: u64 = MIB;

/// Offices that metrics name for what is overdue there, the worst first; the others are counted together. A country has
/// about as many, and each is a series for each of its services.
pub const OVERDUE_OFFICES: usize = 1_000;

/// How often certificate files are looked at: a renewed certificate is in use within seconds, at the cost of reading some
/// KiB.
pub const CERTIFICATES_LOOKED_AT: Duration = Duration::from_secs(5);

/// The operator is warned when a certificate ends within this time: automatic renewal happens a month before, so that
/// something is wrong then, and there is time to mend it.
pub const CERTIFICATE_ENDS_SOON: jiff::SignedDuration = jiff::SignedDuration::from_hours(14 * 24);

/// For how long browsers remember to come with TLS only, in seconds: two years, as Mozilla asks for.
pub const STRICT_TRANSPORT_SECONDS: u32 = 63_072_000;

/// How long nothing, or too little, of a request's body may come: a telephone's worst pause between two cells.
pub const BODY_PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of a request's body that buy a second of waiting: the slowest network that telephones still find (EDGE) has
/// twice as many.
pub const BODY_PACE: u32 = 8 * 1024;

/// Bytes that a connection may carry which are of no request, before it must have earned more: some 60,000 of the
/// smallest frames, which cost the gateway some tens of milliseconds. As large as HTTP/2's window, which may be full of a
/// body that nobody reads.
pub const BESIDE_BYTES: u64 = MIB;

/// Such bytes that time alone gives back, in a second: twice what acknowledges [`STREAMS`] event streams ten times a
/// second.
pub const BESIDE_BYTES_PER_SECOND: u64 = 64 * 1024;

/// Such bytes that a request earns: its head, and a window full of a body that is refused unread.
pub const BESIDE_BYTES_OF_A_REQUEST: u64 = MIB;

/// Such bytes that can be saved up: a million of the smallest frames, a second of work at most.
pub const BESIDE_MOST_BYTES: u64 = 16 * MIB;

/// Of the bytes that are written, one in so many is earned: a client that acknowledges every frame of 16 KiB needs one
/// in six hundred.
pub const BESIDE_WRITTEN_SHARE: u64 = 64;

/// Requests of one citizen through one client. A screen asks some five times, a message with ten attachments twelve;
/// nobody reads five screens in a second, and a burst is a portal that fills all its screens at once.
pub const RATE_CITIZEN: Rate = rate(10, 100);

/// Requests of one OAuth client, or deliveries of one vendor: half of all, so that one that has run wild leaves room for
/// the others.
pub const RATE_CLIENT: Rate = rate(1000, 2000);

/// Requests in all of those who have shown who they are: about what a machine of four cores answers.
pub const RATE_ALL: Rate = rate(2000, 4000);

/// Requests in all of those who have not: each refusal is a record in the audit log, which must not be filled by those
/// who have no token. A portal whose tokens expire all at once renews them within seconds.
pub const RATE_WITHOUT_TOKEN: Rate = rate(100, 1000);

/// Citizens, and clients, that are counted apart at once; about 3 MiB. Those who asked in the last ten seconds: ten times
/// as many as [`RATE_ALL`] lets through in that time.
pub const RATE_KEYS: usize = 65_536;

/// How often those who need not be counted any longer are looked for while there is no room: it takes about a
/// millisecond.
pub const RATE_SWEEP: Duration = Duration::from_millis(250);

const fn rate(per_second: u32, burst: u32) -> Rate {
    match (NonZeroU32::new(per_second), NonZeroU32::new(burst)) {
        (Some(per_second), Some(burst)) => Rate { per_second, burst },
        _ => Rate { per_second: NonZeroU32::MIN, burst: NonZeroU32::MIN },
    }
}

/// Event streams at once: over HTTP/1.1 each has a connection of its own, and a quarter of [`CONNECTIONS`] is left for
/// requests.
pub const EVENT_STREAMS: usize = 3072;

/// Event streams of one citizen at once: telephone, tablet and computer, with a tab or two more.
pub const EVENT_STREAMS_OF_A_CITIZEN: usize = 8;

/// Seconds after which an event stream that found no place may be asked for again: they last long, and a portal has the
/// cursor feed and the citizen's own reading in the meantime.
pub const EVENT_STREAM_RETRY_AFTER_SECONDS: u32 = 30;

/// How long a reader may take nothing of what is sent; then the connection, or the one stream, is broken off. A
/// telephone that goes through a tunnel is back sooner.
pub const STANDSTILL: Duration = Duration::from_secs(30);

/// Header fields of a request. Browsers and portals send about twenty, proxies add some.
pub const HEADER_FIELDS: usize = 64;

/// Bytes of a request's head: the longest token (16 KiB), a query of 4 KiB, and other fields.
pub const HEAD_BYTES: usize = 32 * 1024;

/// Requests at once on one HTTP/2 connection, event streams included: what RFC 9113 recommends at least.
pub const STREAMS: u32 = 128;

/// HTTP/2 streams that a caller opened and reset before they were taken up; then the connection ends (CVE-2023-44487).
pub const PENDING_RESETS: usize = 20;

/// HTTP/2 streams that were reset for the caller's errors; then the connection ends.
pub const ERROR_RESETS: usize = 128;

/// An HTTP/2 connection is asked whether it lives at this interval, and given as long to answer.
pub const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Pause after a connection could not be accepted, as when the process has no more file descriptors.
pub const ACCEPT_AGAIN: Duration = Duration::from_millis(500);

/// A query string, in bytes: cursors and filters are short.
pub const QUERY_BYTES: usize = 4096;

/// A header of the trace context that is looked at, in bytes: what W3C asks for in `tracestate`.
pub const TRACE_HEADER_BYTES: usize = 512;

/// How far a vendor's clock may be off, and how long a captured delivery could be sent again.
pub const WEBHOOK_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// A secret of Standard Webhooks, in bytes: as the specification bounds it.
pub const WEBHOOK_KEY_BYTES: RangeInclusive<usize> = 24..=64;

/// A secret that stands in a header of each delivery, in characters: too long to be guessed, and short enough for a header.
pub const WEBHOOK_SECRET_BYTES: RangeInclusive<usize> = 24..=256;

/// Signatures of one delivery that are looked at: a vendor that changes secrets sends two, beside some of other versions.
pub const WEBHOOK_SIGNATURES: usize = 16;

/// A delivery that a vendor pushes, in bytes (WIT `inbound.delivery`).
pub const DELIVERY_BYTES: u64 = MIB;

/// Fetched keys are fetched again after this: an issuer that revokes a key is believed within the quarter of an hour.
pub const KEYS_FRESH: Duration = Duration::from_secs(15 * 60);

/// Keys stay in use this long while the issuer is down: an outage of the login is not one of ours, for an afternoon.
pub const KEYS_STALE: Duration = Duration::from_secs(6 * 60 * 60);

/// How long one fetch of an issuer's keys may take, its metadata included: the requests that need a new key wait for it.
pub const KEYS_FETCH: Duration = Duration::from_secs(5);

/// At most one fetch of an issuer's keys in this time, however many tokens name unknown ones.
pub const KEYS_BETWEEN_FETCHES: Duration = Duration::from_secs(10);

/// An access token, in bytes. ID-porten's and HelseID's are below 4 KiB.
pub const TOKEN_BYTES: usize = 16 * 1024;

/// Seconds by which an issuer's clock may differ from ours (FAPI 2.0 asks for tolerance, of seconds).
pub const TOKEN_LEEWAY_SECONDS: u64 = 5;

/// Verified tokens remembered; about 20 MiB when full.
pub const TOKENS_REMEMBERED: usize = 50_000;

/// A proof of possession, in bytes: an RSA key of 4096 bits, a signature by it, and an address; others are below 1 KiB.
pub const PROOF_BYTES: usize = 8 * 1024;

/// The modulus of an RSA key that signs proofs, in bytes: 2048 bits are the least that FAPI 2.0 allows, 4096 the most that
/// anybody uses.
pub const PROOF_RSA_BYTES: RangeInclusive<usize> = 256..=512;

/// A proof's `jti`, in bytes: a UUID has 36.
pub const PROOF_ID_BYTES: usize = 256;

/// Seconds for which a proof is good: a slow network and a client's clock that is late, and little to remember.
pub const PROOF_PAST_SECONDS: u64 = 60;

/// Seconds by which a proof may be dated ahead: as for tokens.
pub const PROOF_FUTURE_SECONDS: u64 = 5;

/// Proofs remembered in each of two generations of a minute: 15,000 requests a second, more than the gateway serves;
/// about 70 MiB when both are full.
pub const PROOFS_REMEMBERED: usize = 1_000_000;

/// Seconds for which a nonce is good. Callers get the next one after half of it, so that whoever calls every other
/// minute is never turned away for it.
pub const NONCE_SECONDS: u64 = 5 * 60;

/// A given or family name in a token, in characters: both with a blank are the 200 that a dialog shows.
pub const NAME_CHARACTERS: usize = 99;

/// A client's name, in bytes: it stands in every audit record.
pub const CLIENT_BYTES: usize = 256;

/// Packages that operators may bring at once: each is held whole, and they are installed one after the other. Further
/// ones are turned away before their body.
pub const PACKAGES_AT_ONCE: usize = 4;

/// How long a package may take to arrive: the largest over a line of two megabits in a second.
pub const PACKAGE_ARRIVES: Duration = Duration::from_secs(140);

/// How often the file of trusted keys is looked at: a key that is revoked is out of use within seconds, at the cost of
/// reading some KiB.
pub const TRUST_LOOKED_AT: Duration = Duration::from_secs(5);

/// What the audit log may set aside at a time, in bytes: from what one group of the longest records needs, to what is read
/// back within a start.
pub const JOURNAL_SEGMENT_BYTES: RangeInclusive<u64> =
    dialog_audit::limits::MIN_SEGMENT_BYTES..=dialog_audit::limits::MAX_SEGMENT_BYTES;

/// How long an event may wait for others to be told with it, in seconds. Not at all, for trying it out; beyond a quarter
/// of an hour an appointment that is made for today could begin before anybody is told.
pub const NOTICE_FOLD_SECONDS: RangeInclusive<u16> = 0..=900;

/// How long deliveries may be kept that nobody could read, in days. Whom they are about nobody knows, and no erasure finds
/// them: a year is more than anybody needs to look at one.
pub const UNREADABLE_DAYS: RangeInclusive<u16> = 1..=365;

/// Unreadable deliveries that the operator is shown at once.
pub const UNREADABLE_LISTED: usize = 100;

/// How long a connection to a witness of the audit log may take to stand.
pub const WITNESS_CONNECT: Duration = Duration::from_secs(2);

/// How long a witness may take in all to sign a checkpoint, with all that it asks for on the way.
pub const WITNESS_WAIT: Duration = Duration::from_secs(5);

/// Rounds in a row without a quorum before that is recorded: one that was missed is nothing to write down.
pub const WITNESS_ROUNDS_WITHOUT_QUORUM: u32 = 3;

/// Largest bundle of the audit log's entries that is compressed for a reader, in bytes: 256 records have some 150 KiB,
/// and what is larger goes as it is, piece by piece.
pub const COMPRESSED_BUNDLE_BYTES: u64 = 2 * 1024 * 1024;

/// How long the command that seals a log waits for its witnesses to sign the end.
pub const SEAL_PUBLISHES: Duration = Duration::from_secs(60);

/// Readers of the audit log, with a purpose each, of whom the gateway knows what they have read: auditors and operators,
/// with their tools.
pub const LOG_READERS: usize = 1000;

/// For how long one record says that somebody reads the audit log.
pub const LOG_READING_SECONDS: i64 = 3600;

/// How often a register of the directory is asked for changes, in seconds: a citizen's new GP is to be known within a
/// minute.
pub const REGISTER_POLL_SECONDS: RangeInclusive<u32> = 1..=60;

/// How long a request waits for a register that is asked about its citizen: what the citizen's own deadline can spare.
pub const REGISTER_WAIT: Duration = Duration::from_secs(5);

/// How long a register may take where no request waits for it.
pub const REGISTER_FOLLOWS: Duration = Duration::from_secs(10);

/// Most pages of changes that are taken from a register at once: five thousand changes, more than a day has.
pub const REGISTER_PAGES: usize = 50;

/// How often it is looked which of the offices the address register must be asked about anew.
pub const REGISTER_LOOKED_AT: Duration = Duration::from_secs(60);

/// Bytes of files that may go with one document to the personal archive: as many as one message may have. In base64 they
/// stay below what an upstream's request may hold.
pub const ARCHIVE_FILE_BYTES: RangeInclusive<u64> = 0..=100 * MIB;
