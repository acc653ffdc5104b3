//! Trust policies in the format of C2SP [tlog-policy]: which logs, which witnesses, and how many of these must have
//! signed before a checkpoint counts. One file serves the gateway, which publishes by it, and whoever verifies.
//!
//! ```text
//! log <vkey> [<url>]
//! witness <name> <vkey> [<url>]
//! group <name> all|any|<k> <name>...
//! quorum <name>|none
//! ```
//!
//! [tlog-policy]: https://c2sp.org/tlog-policy

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::cosignature::Cosignature;
use crate::key::{KeyError, VerifierKey, VerifierKeys};
use crate::limits::{MAX_POLICY_BYTES, MAX_POLICY_LINES};

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A line is not as it should be.
    #[error("line {line}: {what}")]
    Line {
        /// Line in the file, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// There is no line that says what is needed.
    #[error("there is no quorum line")]
    NoQuorum,
    /// More than a policy may have.
    #[error("a policy may have {MAX_POLICY_BYTES} bytes, and {MAX_POLICY_LINES} each of logs, witnesses and groups")]
    TooMuch,
    /// Two keys that signatures could not be told apart by.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// The file could not be read.
    #[error("cannot read the policy {path}")]
    File {
        /// The path as given.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Why a checkpoint does not count under a policy.
#[derive(Debug, thiserror::Error)]
pub enum NotMet {
    /// It is not believed at all.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Too few witnesses signed it.
    #[error("the witnesses that signed it ({}) are not the quorum of the policy", names(.0))]
    Quorum(Vec<String>),
}

fn names(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// A log that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownLog {
    /// Its key; its name is the log's origin.
    pub key: VerifierKey,
    /// Where it is; what that means is for who uses it.
    pub url: Option<String>,
}

/// A witness that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownWitness {
    /// What the policy calls it; any bytes but white space and control characters.
    pub name: Vec<u8>,
    /// Its key.
    pub key: VerifierKey,
    /// Its submission prefix.
    pub url: Option<String>,
}

impl KnownWitness {
    /// What the policy calls it, as text.
    #[must_use]
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.name).into_owned()
    }
}

/// A policy.
#[derive(Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<KnownLog>,
    witnesses: Vec<KnownWitness>,
    groups: Vec<Group>,
    quorum: Option<Member>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// Members are defined before it, so that no group is a part of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    threshold: usize,
    members: Vec<Member>,
}

impl Policy {
    /// Parses a policy.
    ///
    /// # Errors
    /// Names the first line that is not as it should be.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        if bytes.len() as u64 > MAX_POLICY_BYTES {
            return Err(PolicyError::TooMuch);
        }
        let mut reading = Reading::default();
        for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
            reading.line(line).map_err(|why| match why {
                Wrong::Line(what) => PolicyError::Line { line: number, what },
                Wrong::TooMuch => PolicyError::TooMuch,
            })?;
        }
        let Reading { logs, witnesses, groups, quorum, .. } = reading;
        let policy = Self { logs, witnesses, groups, quorum: quorum.ok_or(PolicyError::NoQuorum)? };
        policy.keys()?;
        Ok(policy)
    }

    /// Reads a policy from a file.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else.
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let failed = |source| PolicyError::File { path: path.display().to_string(), source };
        let mut bytes = Vec::new();
        File::open(path).and_then(|file| file.take(MAX_POLICY_BYTES + 1).read_to_end(&mut bytes)).map_err(failed)?;
        Self::parse(&bytes)
    }

    /// The logs, in the file's order.
    #[must_use]
    pub fn logs(&self) -> &[KnownLog] {
        &self.logs
    }

    /// The witnesses, in the file's order.
    #[must_use]
    pub fn witnesses(&self) -> &[KnownWitness] {
        &self.witnesses
    }

    /// Whether any cosignature is needed; false with `quorum none`.
    #[must_use]
    pub fn needs_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// Whether those witnesses, each by its place in [`witnesses`](Self::witnesses), are enough.
    pub fn is_met_by(&self, mut has_signed: impl FnMut(usize) -> bool) -> bool {
        let signed: Vec<bool> = (0..self.witnesses.len()).map(&mut has_signed).collect();
        let mut met: Vec<bool> = Vec::with_capacity(self.groups.len());
        let holds = |member: &Member, met: &[bool]| match member {
            Member::Witness(at) => signed[*at],
            Member::Group(at) => met[*at],
        };
        for group in &self.groups {
            let count = group.members.iter().filter(|member| holds(member, &met)).count();
            met.push(count >= group.threshold);
        }
        self.quorum.is_none_or(|member| holds(&member, &met))
    }

    /// Whether these cosignatures, which were verified, are enough.
    #[must_use]
    pub fn is_met(&self, cosignatures: &[Cosignature]) -> bool {
        self.is_met_by(|at| {
            let key = &self.witnesses[at].key;
            cosignatures.iter().any(|one| one.name == key.name() && one.key_id == key.id())
        })
    }

    /// The keys of all logs and witnesses.
    ///
    /// # Errors
    /// When two of them have one name and id, or there is none.
    pub fn keys(&self) -> Result<VerifierKeys, KeyError> {
        let logs = self.logs.iter().map(|log| &log.key);
        VerifierKeys::new(logs.chain(self.witnesses.iter().map(|witness| &witness.key)).cloned())
    }

    /// Verifies a checkpoint: that one of the logs signed it, and enough of the witnesses.
    ///
    /// # Errors
    /// Says why it does not count.
    pub fn verify(&self, note: &[u8]) -> Result<SignedCheckpoint, NotMet> {
        let keys = self.keys().map_err(CheckpointError::from)?;
        let checkpoint = SignedCheckpoint::verify(note, &keys)?;
        if self.is_met(&checkpoint.cosignatures) {
            return Ok(checkpoint);
        }
        Err(NotMet::Quorum(checkpoint.cosignatures.into_iter().map(|one| one.name).collect()))
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let witnesses = self.witnesses.iter().map(KnownWitness::shown);
        f.debug_struct("Policy").field("witnesses", &witnesses.collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

/// A policy, as far as it was read.
#[derive(Default)]
struct Reading {
    logs: Vec<KnownLog>,
    witnesses: Vec<KnownWitness>,
    groups: Vec<Group>,
    names: BTreeMap<Vec<u8>, Member>,
    /// Names that are in a group already.
    members: BTreeSet<Vec<u8>>,
    /// `None` before the line; what it says is an option in its turn.
    quorum: Option<Option<Member>>,
}

enum Wrong {
    Line(String),
    TooMuch,
}

fn wrong<T>(what: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong::Line(what.into()))
}

impl Reading {
    fn line(&mut self, line: &[u8]) -> Result<(), Wrong> {
        if line.iter().any(|byte| matches!(byte, 0..=8 | 0xb..=0x1f | 0x7f)) {
            return wrong("there is a control character in it");
        }
        let words: Vec<&[u8]> =
            line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [word, ..] if word.starts_with(b"#") => Ok(()),
            [b"log", vkey] => self.log(vkey, None),
            [b"log", vkey, url] => self.log(vkey, Some(url)),
            [b"witness", name, vkey] => self.witness(name, vkey, None),
            [b"witness", name, vkey, url] => self.witness(name, vkey, Some(url)),
            [b"group", name, threshold, members @ ..] => self.group(name, threshold, members),
            [b"quorum", name] => self.quorum(name),
            _ => wrong("expected log, witness, group or quorum, each with what belongs to it"),
        }
    }

    fn log(&mut self, vkey: &[u8], url: Option<&&[u8]>) -> Result<(), Wrong> {
        let key = key(vkey)?;
        if !key.kind().is_for_logs() {
            return wrong("the key is not one that a log signs with");
        }
        if self.logs.iter().any(|known| known.key.public_bytes() == key.public_bytes()) {
            return wrong("the log's key is there twice");
        }
        self.logs.push(KnownLog { key, url: text(url)? });
        room(self.logs.len())
    }

    fn witness(&mut self, name: &[u8], vkey: &[u8], url: Option<&&[u8]>) -> Result<(), Wrong> {
        let key = key(vkey)?;
        if !key.kind().is_for_witnesses() {
            return wrong("the key is not one that a witness signs with");
        }
        if self.witnesses.iter().any(|known| known.key.public_bytes() == key.public_bytes()) {
            return wrong("the witness's key is there twice");
        }
        self.define(name, Member::Witness(self.witnesses.len()))?;
        self.witnesses.push(KnownWitness { name: name.to_owned(), key, url: text(url)? });
        room(self.witnesses.len())
    }

    fn group(&mut self, name: &[u8], threshold: &[u8], names: &[&[u8]]) -> Result<(), Wrong> {
        let mut members = Vec::with_capacity(names.len());
        for member in names {
            let Some(known) = self.names.get(*member) else {
                return wrong(format!("{} is not defined before", shown(member)));
            };
            members.push(*known);
            if !self.members.insert(member.to_vec()) {
                return wrong(format!("{} is a member already", shown(member)));
            }
        }
        let threshold = match threshold {
            b"all" => members.len(),
            b"any" => 1,
            digits => number(digits).unwrap_or(0),
        };
        if !(1..=members.len()).contains(&threshold) {
            return wrong("a group needs all, any, or a number from 1 to that of its members, and members");
        }
        self.define(name, Member::Group(self.groups.len()))?;
        self.groups.push(Group { threshold, members });
        room(self.groups.len())
    }

    fn quorum(&mut self, name: &[u8]) -> Result<(), Wrong> {
        if self.quorum.is_some() {
            return wrong("there is a quorum line already");
        }
        let member = match name {
            b"none" => None,
            name => match self.names.get(name) {
                None => return wrong(format!("{} is not defined before", shown(name))),
                Some(member) => Some(*member),
            },
        };
        self.quorum = Some(member);
        Ok(())
    }

    fn define(&mut self, name: &[u8], member: Member) -> Result<(), Wrong> {
        if name == b"none" {
            return wrong("none has a meaning of its own");
        }
        match self.names.insert(name.to_owned(), member) {
            None => Ok(()),
            Some(_) => wrong(format!("{} is defined already", shown(name))),
        }
    }
}

fn room(count: usize) -> Result<(), Wrong> {
    if count > MAX_POLICY_LINES { Err(Wrong::TooMuch) } else { Ok(()) }
}

fn shown(name: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(name))
}

fn key(vkey: &[u8]) -> Result<VerifierKey, Wrong> {
    let text = std::str::from_utf8(vkey).map_err(|_| Wrong::Line("the key's name is not UTF-8".to_owned()))?;
    VerifierKey::parse(text).map_err(|why| {
        Wrong::Line(match why {
            KeyError::MalformedVerifier { .. } => "not a verifier key of the form name+id+key".to_owned(),
            other => other.to_string(),
        })
    })
}

fn text(url: Option<&&[u8]>) -> Result<Option<String>, Wrong> {
    let text = url.map(|url| String::from_utf8(url.to_vec())).transpose();
    text.map_err(|_| Wrong::Line("the URL is not UTF-8".to_owned()))
}

/// A decimal number: digits and nothing else.
fn number(digits: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
    use super::*;
    use crate::key::{KeyKind, SigningKey, generate_key_of};
    use proptest::prelude::*;

    /// A verifier key of a kind.
    fn vkey(name: &str, kind: KeyKind) -> String {
        generate_key_of(name, kind).unwrap().verifier
    }

    /// The example of the specification, with keys.
    fn example() -> String {
        let mut text = format!("log {}\n\n", vkey("example.test/log", KeyKind::Ed25519));
        for group in ["X", "Y"] {
            for number in 1..=3 {
                let key = vkey(&format!("w.test/{group}{number}"), KeyKind::Cosignature);
                text += &format!("witness {group}{number} {key}\n");
            }
            let needed = if group == "X" { "2" } else { "any" };
            text += &format!("group {group}-witnesses {needed} {group}1 {group}2 {group}3\n\n");
        }
        text + "group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n"
    }

    fn parse(text: &str) -> Result<Policy, PolicyError> {
        Policy::parse(text.as_bytes())
    }

    #[test]
    fn the_example_of_the_specification_needs_two_of_the_one_and_one_of_the_other() {
        let policy = parse(&example()).unwrap();
        assert_eq!((policy.logs().len(), policy.witnesses().len()), (1, 6));
        assert!(policy.needs_witnesses());
        for signed in 0_u32..64 {
            let has = |at: usize| signed >> at & 1 == 1;
            let (x, y) = ((signed & 7).count_ones(), (signed >> 3).count_ones());
            assert_eq!(policy.is_met_by(has), x >= 2 && y >= 1, "{signed:b}");
        }
    }

    #[test]
    fn a_quorum_is_a_witness_a_group_or_none() {
        let key = vkey("w.test/1", KeyKind::MlDsa44);
        let one = parse(&format!("witness w {key} https://w.test/one\nquorum w\n")).unwrap();
        assert_eq!(one.witnesses()[0].url.as_deref(), Some("https://w.test/one"));
        assert!(one.is_met_by(|_| true) && !one.is_met_by(|_| false));
        let none = parse("quorum none").unwrap();
        assert!(none.is_met_by(|_| false) && !none.needs_witnesses());
        let unused = parse(&format!("witness w {key}\nquorum none\n")).unwrap();
        assert!(unused.is_met_by(|_| false));
    }

    #[test]
    fn white_space_comments_and_bytes_of_any_kind_are_taken_as_they_are_meant() {
        let [a, b] = ["a", "b"].map(|name| vkey(name, KeyKind::Cosignature));
        let text =
            format!("\n \t# caf\u{e9}\n\twitness   K\t {a}  \n witness \u{212a} {b}\n group g 2 K \u{212a}\nquorum g");
        let policy = parse(&text).unwrap();
        assert_eq!(policy.witnesses()[1].name, "\u{212a}".as_bytes());
        // Latin-1 is no UTF-8, and a name all the same.
        let latin = [b"witness \xe9 ".as_slice(), a.as_bytes(), b"\nquorum \xe9\n"].concat();
        assert_eq!(Policy::parse(&latin).unwrap().witnesses()[0].shown(), "\u{fffd}");
    }

    #[test]
    fn every_rule_that_is_broken_is_named_with_its_line() {
        let log = vkey("l.test", KeyKind::Ed25519);
        let [a, b] = ["a", "b"].map(|name| vkey(name, KeyKind::Cosignature));
        let own_words = VerifierKey::parse(&a).unwrap();
        let renamed = {
            // The same key under another name.
            let typed = [&[4], own_words.public_bytes()].concat();
            let id = signed_note::key_id("other", &typed);
            // The Base64 itself can hold a plus.
            let encoded = a.splitn(3, '+').nth(2).unwrap();
            format!("other+{id:08x}+{encoded}")
        };
        VerifierKey::parse(&renamed).unwrap();
        for (text, line, said) in [
            (format!("witness a {a}\r\nquorum a\n"), 1, "control character"),
            (format!("witness a\u{b}b {a}\nquorum a\n"), 1, "control character"),
            (format!("witness a {a}\nwitness a {b}\nquorum a\n"), 2, "\"a\" is defined already"),
            (format!("witness none {a}\nquorum none\n"), 1, "none has a meaning"),
            (format!("witness a {a}\nwitness b {a}\nquorum a\n"), 2, "key is there twice"),
            (format!("witness a {a}\nwitness b {renamed}\nquorum a\n"), 2, "key is there twice"),
            (format!("log {log}\nlog {log}\nquorum none\n"), 2, "key is there twice"),
            (format!("log {a}\nquorum none\n"), 1, "not one that a log signs with"),
            (format!("witness a {log}\nquorum a\n"), 1, "not one that a witness signs with"),
            (format!("witness a {a} https://a.test more\nquorum a\n"), 1, "expected log"),
            (format!("witness a {}\nquorum a\n", a.replace("+B", "+C")), 1, "key"),
            ("log rubbish\nquorum none\n".to_owned(), 1, "not a verifier key"),
            ("quorum a\n".to_owned(), 1, "\"a\" is not defined before"),
            (format!("quorum a\nwitness a {a}\n"), 1, "\"a\" is not defined before"),
            (format!("group g any a\nwitness a {a}\nquorum g\n"), 1, "\"a\" is not defined before"),
            (format!("witness a {a}\ngroup g any a none\nquorum g\n"), 2, "\"none\" is not defined before"),
            (format!("witness a {a}\ngroup g any g\nquorum g\n"), 2, "\"g\" is not defined before"),
            (format!("witness a {a}\ngroup a any a\nquorum a\n"), 2, "\"a\" is defined already"),
            (format!("witness a {a}\ngroup g any a a\nquorum g\n"), 2, "\"a\" is a member already"),
            (format!("witness a {a}\ngroup g any a\ngroup h any a\nquorum h\n"), 3, "\"a\" is a member already"),
            (format!("witness a {a}\ngroup g any\nquorum a\n"), 2, "a group needs"),
            (format!("witness a {a}\ngroup g all\nquorum a\n"), 2, "a group needs"),
            (format!("witness a {a}\ngroup g 0 a\nquorum g\n"), 2, "a group needs"),
            (format!("witness a {a}\ngroup g 2 a\nquorum g\n"), 2, "a group needs"),
            (format!("witness a {a}\ngroup g +1 a\nquorum g\n"), 2, "a group needs"),
            (format!("witness a {a}\ngroup g some a\nquorum g\n"), 2, "a group needs"),
            (format!("witness a {a}\nquorum a\nquorum a\n"), 3, "quorum line already"),
            ("quorum none none\n".to_owned(), 1, "expected log"),
            ("quorum\n".to_owned(), 1, "expected log"),
            ("Quorum none\n".to_owned(), 1, "expected log"),
            ("quorum\u{a0}none\n".to_owned(), 1, "expected log"),
        ] {
            let error = parse(&text).unwrap_err();
            let PolicyError::Line { line: at, what } = &error else { panic!("{text}: {error}") };
            assert!(*at == line && what.contains(said), "{text}: {error}");
        }
        assert!(matches!(parse("# nothing\n"), Err(PolicyError::NoQuorum)));
        assert!(matches!(parse(&"#".repeat(1024 * 1024)), Err(PolicyError::TooMuch)));
    }

    #[test]
    fn at_least_thirty_two_of_each_are_taken() {
        let mut text = String::new();
        for at in 0..32 {
            text += &format!("log {}\n", vkey(&format!("l{at}"), KeyKind::Ed25519));
            text += &format!("witness w{at} {}\n", vkey(&format!("w{at}"), KeyKind::Cosignature));
            text += &format!("group g{at} any w{at}\n");
        }
        text += "quorum g31\n";
        assert!(parse(&text).unwrap().is_met_by(|at| at == 31));
        let many: String =
            (0..101).map(|at| format!("witness w{at} {}\n", vkey(&format!("w{at}"), KeyKind::Cosignature))).collect();
        assert!(matches!(parse(&format!("{many}quorum w0\n")), Err(PolicyError::TooMuch)));
    }

    #[test]
    fn a_checkpoint_counts_when_a_log_signed_it_and_the_quorum_did() {
        let key = |name: &str, kind| SigningKey::parse(&generate_key_of(name, kind).unwrap().private).unwrap();
        let log = key("l.test", KeyKind::Ed25519);
        let witnesses = [key("w.test/1", KeyKind::Cosignature), key("w.test/2", KeyKind::MlDsa44)];
        let policy = parse(&format!(
            "log {}\nwitness one {}\nwitness two {}\ngroup both all one two\nquorum both\n",
            log.verifier_key(),
            witnesses[0].verifier_key(),
            witnesses[1].verifier_key()
        ));
        let policy = policy.unwrap();
        let signed = SignedCheckpoint::sign("l.test", 0, tlog_tiles::EMPTY_HASH, &[log], 1).unwrap();
        let [one, two] = [0, 1].map(|at| signed.cosign(&witnesses[at], 5).unwrap());
        assert!(matches!(policy.verify(signed.note.as_bytes()), Err(NotMet::Quorum(by)) if by.is_empty()));
        let with_one = format!("{}{one}", signed.note);
        assert!(matches!(policy.verify(with_one.as_bytes()), Err(NotMet::Quorum(by)) if by == ["w.test/1"]));
        // The same witness twice is one witness.
        let again = signed.cosign(&witnesses[0], 6).unwrap();
        assert!(matches!(policy.verify(format!("{with_one}{again}").as_bytes()), Err(NotMet::Quorum(_))));
        let verified = policy.verify(format!("{with_one}{two}").as_bytes()).unwrap();
        assert_eq!(verified.cosignatures.len(), 2);
        let without_log = format!("{}\n{one}{two}", signed.text());
        assert!(matches!(policy.verify(without_log.as_bytes()), Err(NotMet::Checkpoint(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, words in "((log|witness|group|quorum|any|all|none|[0-9a-c])[ \n])*") {
            let _ = Policy::parse(&bytes);
            let _ = Policy::parse(words.as_bytes());
        }
    }
}
