//! What is known of one witness. Times are told to it, so that all of it can be tested without waiting.

use std::time::{Duration, Instant};

use tlog_tiles::Hash;

use super::reply::{Kept, Reply};
use crate::checkpoint::SignedCheckpoint;

/// Submissions in a row, each with the proof that the last answer asked for, before the witness is left alone for a
/// while: one to learn the size, one to prove from there, one should the size have changed meanwhile.
const ROUNDS: u32 = 3;

/// The pause after a first failure; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause after a failure, and the one after an answer that does not get better by asking again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The pause where it is the witness's operator who must do something.
const OPERATOR_PAUSE: Duration = Duration::from_secs(600);

/// How a witness stands, by its last answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not asked yet.
    New,
    /// It signs.
    Signs {
        /// Entries in the newest tree that it signed.
        size: u64,
        /// When, by its clock, in seconds since 1970.
        time: u64,
    },
    /// It cannot be reached, or its answers cannot be used.
    Away,
    /// It does not know the log or its key: its operator must add them.
    Stranger,
    /// It knows a larger tree than there is here.
    Ahead {
        /// Entries in the newest tree that it says it has signed.
        size: u64,
    },
    /// It finds that the tree does not continue what it knows.
    Contradicts,
}

impl Standing {
    /// The same, as a word of a metric or a record.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Signs { .. } => "signs",
            Self::Away => "away",
            Self::Stranger => "stranger",
            Self::Ahead { .. } => "ahead",
            Self::Contradicts => "contradicts",
        }
    }
}

/// A submission to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The size that the proof is from; no proof is needed when it is 0 or the tree's own.
    pub old: u64,
    /// Which of the submissions in a row it is, from 1.
    round: u32,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Here is its signature.
    Cosigned(Kept),
    /// It is to be asked again at once, with a proof from another size.
    Again(Asked),
    /// Nothing, for now: it is asked again in time.
    Later(String),
    /// Its operator must do something first, and this is what.
    Operator(String),
    /// It says that it has signed a tree of more entries than were ever signed here: the log went back, or it lies.
    Ahead {
        /// Entries in the tree that it says it has signed.
        size: u64,
    },
    /// It says that the tree does not continue what it has signed: the log has forked, or it lies.
    Contradicts,
}

/// What is known of a witness.
#[derive(Clone, Debug)]
pub struct Witness {
    /// Entries in the newest tree that it signed, as far as is known here.
    last: Option<u64>,
    failures: u32,
    rests_until: Option<Instant>,
    /// A tree that it has contradicted; that one it is not shown again.
    contradicted: Option<(u64, Hash)>,
    standing: Standing,
}

impl Witness {
    /// A witness that is known to have signed a tree of `last` entries, by a checkpoint that was kept.
    #[must_use]
    pub fn new(last: Option<u64>) -> Self {
        Self { last, failures: 0, rests_until: None, contradicted: None, standing: Standing::New }
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// What to submit with this checkpoint; `None` while it is to be left alone, or has signed this very tree.
    #[must_use]
    pub fn next(&self, checkpoint: &SignedCheckpoint, has_signed: bool, now: Instant) -> Option<Asked> {
        let rests = self.rests_until.is_some_and(|until| now < until);
        let contradicted = self.contradicted == Some((checkpoint.size, checkpoint.root));
        if rests || contradicted || has_signed {
            return None;
        }
        // The protocol takes no older size than the tree's own; what it answers says how it really is.
        Some(Asked { old: self.last.unwrap_or(0).min(checkpoint.size), round: 1 })
    }

    /// Takes the answer to a submission of `checkpoint`. `newest` is the size of the largest tree that was signed here
    /// by the time of the answer.
    pub fn answered(
        &mut self,
        asked: Asked,
        checkpoint: &SignedCheckpoint,
        newest: u64,
        reply: Reply,
        now: Instant,
    ) -> Meaning {
        match reply {
            Reply::Cosigned(kept) => {
                self.last = Some(checkpoint.size);
                self.failures = 0;
                self.rests_until = None;
                self.standing = Standing::Signs { size: checkpoint.size, time: kept.time };
                Meaning::Cosigned(kept)
            }
            Reply::Knows { size } if size > newest => {
                self.standing = Standing::Ahead { size };
                self.rest(now, LONGEST_PAUSE);
                Meaning::Ahead { size }
            }
            // Another submission of ours was faster; what it brought is newer.
            Reply::Knows { size } if size > checkpoint.size => {
                self.last = Some(size);
                Meaning::Later("it has signed a newer tree".to_owned())
            }
            Reply::Knows { size } if size == asked.old => {
                self.away(now, "it wants a proof from another size, and names the same".to_owned())
            }
            Reply::Knows { size } => {
                self.last = Some(size);
                if asked.round == ROUNDS {
                    return self.away(now, "each of its answers wants a proof from another size".to_owned());
                }
                Meaning::Again(Asked { old: size, round: asked.round + 1 })
            }
            Reply::Inconsistent => {
                self.contradicted = Some((checkpoint.size, checkpoint.root));
                self.standing = Standing::Contradicts;
                self.rest(now, LONGEST_PAUSE);
                Meaning::Contradicts
            }
            Reply::UnknownLog => self.stranger(now, "it does not know the log: its operator must add its verifier key"),
            Reply::UnknownKey => {
                self.stranger(now, "it knows the log by other keys: its operator must add the new verifier key")
            }
            Reply::Malformed => self.away(now, "it cannot read the submission".to_owned()),
            Reply::Trouble(what) | Reply::Unreadable(what) => self.away(now, what),
        }
    }

    fn away(&mut self, now: Instant, what: String) -> Meaning {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(6)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        self.standing = Standing::Away;
        self.rest(now, pause);
        Meaning::Later(what)
    }

    fn stranger(&mut self, now: Instant, what: &str) -> Meaning {
        self.standing = Standing::Stranger;
        self.rest(now, OPERATOR_PAUSE);
        Meaning::Operator(what.to_owned())
    }

    fn rest(&mut self, now: Instant, pause: Duration) {
        self.rests_until = now.checked_add(pause);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
    use super::*;
    use crate::key::{SigningKey, generate_key};
    use proptest::prelude::*;

    fn tree(size: u64) -> SignedCheckpoint {
        let log = SigningKey::parse(&generate_key("l.test").unwrap().private).unwrap();
        let root = tlog_tiles::record_hash(&size.to_be_bytes());
        SignedCheckpoint::sign("l.test", size, root, &[log], 1).unwrap()
    }

    fn signature() -> Reply {
        Reply::Cosigned(Kept { line: "— w AAAAAAA=\n".to_owned(), time: 7 })
    }

    struct Case {
        witness: Witness,
        now: Instant,
    }

    impl Case {
        fn new(last: Option<u64>) -> Self {
            Self { witness: Witness::new(last), now: Instant::now() }
        }

        fn next(&self, checkpoint: &SignedCheckpoint) -> Option<u64> {
            self.witness.next(checkpoint, false, self.now).map(|asked| asked.old)
        }

        fn answer(&mut self, checkpoint: &SignedCheckpoint, reply: Reply) -> Meaning {
            let asked = self.witness.next(checkpoint, false, self.now).unwrap();
            self.witness.answered(asked, checkpoint, checkpoint.size, reply, self.now)
        }
    }

    #[test]
    fn a_witness_that_knows_nothing_is_given_the_tree_from_zero() {
        let mut case = Case::new(None);
        assert_eq!(case.next(&tree(7)), Some(0));
        assert!(matches!(case.answer(&tree(7), signature()), Meaning::Cosigned(_)));
        assert_eq!(case.witness.standing(), &Standing::Signs { size: 7, time: 7 });
        assert_eq!(case.next(&tree(9)), Some(7));
        assert_eq!(case.witness.next(&tree(9), true, case.now), None);
    }

    #[test]
    fn after_a_restart_it_begins_with_what_the_published_checkpoint_says() {
        assert_eq!(Case::new(Some(5)).next(&tree(9)), Some(5));
    }

    #[test]
    fn a_409_leads_to_one_proof_from_the_size_it_names() {
        let mut case = Case::new(None);
        let newest = tree(9);
        let Meaning::Again(again) = case.answer(&newest, Reply::Knows { size: 4 }) else { panic!() };
        assert_eq!(again.old, 4);
        let meaning = case.witness.answered(again, &newest, 9, signature(), case.now);
        assert!(matches!(meaning, Meaning::Cosigned(_)));
    }

    #[test]
    fn a_witness_that_changes_its_mind_is_left_alone_after_three_rounds() {
        let mut case = Case::new(None);
        let newest = tree(9);
        let Meaning::Again(second) = case.answer(&newest, Reply::Knows { size: 4 }) else { panic!() };
        let again = case.witness.answered(second, &newest, 9, Reply::Knows { size: 5 }, case.now);
        let Meaning::Again(third) = again else { panic!() };
        let last = case.witness.answered(third, &newest, 9, Reply::Knows { size: 6 }, case.now);
        assert!(matches!(last, Meaning::Later(_)));
        assert_eq!(case.next(&newest), None);
    }

    #[test]
    fn a_witness_that_wants_what_it_got_is_left_alone() {
        let mut case = Case::new(Some(4));
        assert!(matches!(case.answer(&tree(9), Reply::Knows { size: 4 }), Meaning::Later(_)));
        assert_eq!(case.witness.standing(), &Standing::Away);
    }

    #[test]
    fn a_409_with_a_size_beyond_ours_says_that_the_log_went_back() {
        let mut case = Case::new(Some(5));
        assert_eq!(case.answer(&tree(9), Reply::Knows { size: 10 }), Meaning::Ahead { size: 10 });
        assert_eq!(case.witness.standing(), &Standing::Ahead { size: 10 });
        assert_eq!(case.next(&tree(9)), None);
        case.now += Duration::from_secs(60);
        assert_eq!(case.next(&tree(9)), Some(5));
    }

    #[test]
    fn a_409_with_a_tree_that_was_signed_meanwhile_is_no_such_thing() {
        let mut case = Case::new(Some(5));
        let asked = case.witness.next(&tree(9), false, case.now).unwrap();
        let meaning = case.witness.answered(asked, &tree(9), 12, Reply::Knows { size: 10 }, case.now);
        assert!(matches!(meaning, Meaning::Later(_)));
        assert_eq!(case.next(&tree(12)), Some(10));
    }

    #[test]
    fn a_422_is_never_repeated_for_the_same_tree() {
        let mut case = Case::new(Some(5));
        let newest = tree(9);
        assert_eq!(case.answer(&newest, Reply::Inconsistent), Meaning::Contradicts);
        case.now += Duration::from_secs(100_000);
        assert_eq!(case.next(&newest), None);
        assert_eq!(case.next(&tree(10)), Some(5));
    }

    #[test]
    fn a_403_and_a_404_say_what_the_witness_s_operator_must_do() {
        for (reply, said) in [(Reply::UnknownLog, "does not know the log"), (Reply::UnknownKey, "the new verifier key")]
        {
            let mut case = Case::new(None);
            let Meaning::Operator(what) = case.answer(&tree(9), reply) else { panic!() };
            assert!(what.contains(said) && what.contains("operator must"), "{what}");
            case.now += Duration::from_secs(599);
            assert_eq!(case.next(&tree(10)), None);
            case.now += Duration::from_secs(1);
            assert_eq!(case.next(&tree(10)), Some(0));
        }
    }

    #[test]
    fn pauses_double_up_to_a_minute_and_end_with_an_answer() {
        let mut case = Case::new(None);
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert!(matches!(case.answer(&tree(9), Reply::Trouble("down".to_owned())), Meaning::Later(_)));
            case.now += Duration::from_secs(pause) - Duration::from_millis(1);
            assert_eq!(case.next(&tree(9)), None, "{pause}");
            case.now += Duration::from_millis(1);
            assert_eq!(case.next(&tree(9)), Some(0), "{pause}");
        }
        assert!(matches!(case.answer(&tree(9), signature()), Meaning::Cosigned(_)));
        assert!(matches!(case.answer(&tree(10), Reply::Malformed), Meaning::Later(_)));
        case.now += Duration::from_secs(1);
        assert_eq!(case.next(&tree(10)), Some(9));
    }

    fn any_reply() -> impl Strategy<Value = Reply> {
        prop_oneof![
            Just(signature()),
            (0_u64..20).prop_map(|size| Reply::Knows { size }),
            Just(Reply::UnknownLog),
            Just(Reply::UnknownKey),
            Just(Reply::Inconsistent),
            Just(Reply::Malformed),
            Just(Reply::Trouble("down".to_owned())),
            Just(Reply::Unreadable("what".to_owned())),
        ]
    }

    proptest! {
        /// Whatever a witness answers, nothing is submitted that the protocol forbids, and no row is endless.
        #[test]
        fn no_answers_lead_to_a_submission_that_the_protocol_forbids(replies in prop::collection::vec(any_reply(), 1..40)) {
            let mut case = Case::new(None);
            let newest = tree(9);
            let mut again: Option<Asked> = None;
            let mut row = 0;
            for reply in replies {
                let asked = match again.take().or_else(|| case.witness.next(&newest, false, case.now)) {
                    Some(asked) => asked,
                    None => {
                        case.now += Duration::from_secs(600);
                        continue;
                    }
                };
                prop_assert!(asked.old <= newest.size);
                row += 1;
                match case.witness.answered(asked, &newest, newest.size, reply, case.now) {
                    Meaning::Again(next) => again = Some(next),
                    _ => row = 0,
                }
                prop_assert!(row < ROUNDS);
            }
        }
    }
}
