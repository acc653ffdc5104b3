//! `dialog-audit witness-status`: which witnesses of a policy have signed the log's checkpoint, and what those that are
//! asked say that they know of it.

use std::path::PathBuf;
use std::sync::Arc;

use dialog_audit::limits::MAX_CHECKPOINT_BYTES;
use dialog_audit::{KnownWitness, Policy, ReadError, Reader, SignedCheckpoint, Source};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::access::Door;
use crate::line;
use crate::output::{Failure, Output};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The log: a folder, or a URL.
    log: String,
    /// The policy (C2SP tlog-policy), in a file.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Ask a witness of the policy what it knows of the log, under its monitoring prefix (C2SP tlog-witness). May be
    /// given several times.
    #[arg(long, value_name = "NAME=URL")]
    monitoring: Vec<String>,
    #[command(flatten)]
    door: Door,
}

/// What a witness is known to have signed.
struct Seen {
    name: String,
    /// In the log's published checkpoint, in seconds since 1970.
    published: Option<u64>,
    /// What it says itself, where it was asked.
    itself: Option<Answer>,
}

enum Answer {
    /// The tree that it signed last, a beginning of the published one or its continuation.
    Signed { size: u64, time: u64 },
    /// It knows nothing of the log.
    Unknown,
    /// It could not be asked, or what it says is not to be believed.
    Not(String),
    /// It signed a tree that is not the log's.
    Fork(String),
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<(), Failure> {
    let shown = arguments.policy.display();
    let wrong = |why: String| Failure::used_wrongly(format!("--policy {shown}: {why}"));
    let policy = Policy::read(&arguments.policy).map_err(|why| wrong(why.to_string()))?;
    let keys = policy.keys().map_err(|why| wrong(why.to_string()))?;
    let source = arguments.door.open(&arguments.log, "verify")?;
    let reader = Reader::of(Arc::clone(&source), Some(&keys))?;
    let published = reader.checkpoint();

    let mut asked: Vec<(&str, &str)> = Vec::new();
    for argument in &arguments.monitoring {
        let pair =
            argument.split_once('=').filter(|(name, _)| policy.witnesses().iter().any(|one| one.shown() == *name));
        let why = || Failure::used_wrongly(format!("--monitoring {argument}: not NAME=URL of a witness of the policy"));
        asked.push(pair.ok_or_else(why)?);
    }
    let mut all = Vec::new();
    for witness in policy.witnesses() {
        let name = witness.shown();
        let signed = published
            .cosignatures
            .iter()
            .find(|one| one.name == witness.key.name() && one.key_id == witness.key.id())
            .map(|one| one.time);
        let itself = match asked.iter().find(|(asked, _)| *asked == name) {
            Some((_, url)) => Some(arguments.ask(witness, url, &policy, &reader, &source)?),
            None => None,
        };
        all.push(Seen { name, published: signed, itself });
    }
    let met = policy.is_met(&published.cosignatures);
    let forked = all.iter().any(|seen| matches!(seen.itself, Some(Answer::Fork(_))));
    let answer = json!({
        "ok": met && !forked, "origin": published.origin, "size": published.size, "quorum": met,
        "witnesses": all.iter().map(|seen| seen.json(published.size)).collect::<Vec<_>>(),
    });
    let mut text = format!(
        "The log {} has published {} entries; the policy is {}.",
        published.origin,
        published.size,
        if met { "met" } else { "not met" }
    );
    for seen in &all {
        text.push_str(&format!("\n  {}", seen.in_words(published.size)));
    }
    output.answer(&text, &answer)?;
    match (forked, met) {
        (true, _) => Err(Failure::found_wrong("a witness has signed a tree that is not the log's").told()),
        (false, false) => Err(Failure::found_wrong("the policy is not met").told()),
        (false, true) => Ok(()),
    }
}

impl Arguments {
    /// Asks a witness for the last checkpoint that it signed.
    fn ask(
        &self,
        witness: &KnownWitness,
        url: &str,
        policy: &Policy,
        reader: &Reader,
        source: &Arc<dyn Source>,
    ) -> Result<Answer, Failure> {
        let published = reader.checkpoint();
        // Its own server: what opens the log's door is not shown to it.
        let place = Door::none().open(url, "")?;
        let name: String =
            Sha256::digest(published.origin.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        let note = match place.read(&format!("{name}/checkpoint"), MAX_CHECKPOINT_BYTES) {
            Ok(Some(note)) => note,
            Ok(None) => return Ok(Answer::Unknown),
            Err(why) => return Ok(Answer::Not(why.to_string())),
        };
        let keys = policy.keys().map_err(|why| Failure::used_wrongly(why.to_string()))?;
        let checkpoint = match SignedCheckpoint::verify(&note, &keys) {
            Ok(checkpoint) if checkpoint.origin == published.origin => checkpoint,
            Ok(_) => return Ok(Answer::Not("it gives another log's checkpoint".to_owned())),
            Err(why) => return Ok(Answer::Not(why.to_string())),
        };
        let signed =
            checkpoint.cosignatures.iter().find(|one| one.name == witness.key.name() && one.key_id == witness.key.id());
        let Some(time) = signed.map(|one| one.time) else {
            return Ok(Answer::Not("it gives a checkpoint that it did not sign".to_owned()));
        };
        let size = checkpoint.size;
        // Whichever is smaller must be a beginning of the other; the log's tiles may reach further than what it published.
        let continued = if size <= published.size {
            reader.must_continue(&checkpoint)
        } else {
            Reader::as_of(Arc::clone(source), checkpoint).must_continue(published)
        };
        match continued {
            Ok(()) => Ok(Answer::Signed { size, time }),
            Err(ReadError::Damaged(damage)) if size > published.size && damage.what == "the file is missing" => {
                Ok(Answer::Not(format!("it signed {size} entries, and the log shows no tiles of so many")))
            }
            Err(ReadError::Damaged(damage)) => Ok(Answer::Fork(damage.what)),
            Err(why) => Err(why.into()),
        }
    }
}

impl Seen {
    fn json(&self, published: u64) -> Value {
        let itself = match &self.itself {
            None => Value::Null,
            Some(Answer::Signed { size, time }) => {
                json!({ "size": size, "time": time, "behind": published.saturating_sub(*size) })
            }
            Some(Answer::Unknown) => json!({ "error": "it knows nothing of the log" }),
            Some(Answer::Not(why)) => json!({ "error": why }),
            Some(Answer::Fork(why)) => json!({ "fork": why }),
        };
        json!({ "name": self.name, "published": self.published, "itself": itself })
    }

    fn in_words(&self, published: u64) -> String {
        let time = |seconds: u64| {
            i64::try_from(seconds)
                .ok()
                .and_then(|seconds| Timestamp::from_second(seconds).ok())
                .map_or_else(|| "-".to_owned(), line::local)
        };
        let mut words = format!("{:<24}", line::plain(&self.name));
        match self.published {
            Some(seconds) => words.push_str(&format!("signed what is published, {}", time(seconds))),
            None => words.push_str("has not signed what is published"),
        }
        match &self.itself {
            None => {}
            Some(Answer::Signed { size, time: seconds }) => {
                let behind = published.saturating_sub(*size);
                words.push_str(&format!("; says that it signed {size} entries, {} ({behind} behind)", time(*seconds)));
            }
            Some(Answer::Unknown) => words.push_str("; says that it knows nothing of the log"),
            Some(Answer::Not(why)) => words.push_str(&format!("; {}", line::plain(why))),
            Some(Answer::Fork(why)) => words.push_str(&format!("; HAS SIGNED ANOTHER TREE: {}", line::plain(why))),
        }
        words
    }
}
