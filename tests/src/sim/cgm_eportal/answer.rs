//! What people at a practice decide.

use super::state::State;
use super::thread::{Alternative, Document, Item, Post, Thread, ThreadKind, ThreadState};
use super::{NationalId, SimError};
use crate::sim::meldingstjener::pdf::pdf;
use crate::sim::world::Gp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a doctor decides about one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(serialize = "SCREAMING_SNAKE_CASE", deserialize = "kebab-case"))]
pub enum Verdict {
    /// It is renewed.
    Renewed,
    /// It is not.
    Refused,
    /// The practice must talk to the patient first.
    ContactFirst,
}

/// A decision about one item of a renewal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Decision {
    /// The item: its key, or the beginning of its medicine.
    pub item: String,
    /// What was decided.
    pub verdict: Verdict,
    /// Why.
    #[serde(default)]
    pub comment: Option<String>,
}

/// A practice's answer to a thread.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Answer {
    /// Writes, and leaves the thread open: the patient may write again.
    Reply {
        /// Text.
        text: String,
        /// Documents.
        #[serde(default)]
        documents: Vec<Document>,
    },
    /// Writes, and closes the thread as answered.
    Finish {
        /// Text.
        text: String,
    },
    /// Closes the thread, as answered or as expired, without a word in a post.
    Close {
        /// Nobody answered.
        #[serde(default)]
        expired: bool,
        /// Why.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Says no, and closes the thread.
    Decline {
        /// Text.
        text: String,
    },
    /// Tells the patient to use something else, and closes the thread.
    Redirect {
        /// What.
        to: Alternative,
        /// Text.
        text: String,
    },
    /// Decides on items of a renewal, and closes the thread; items that are not named are renewed.
    Renewal {
        /// What was decided.
        decisions: Vec<Decision>,
        /// Text.
        #[serde(default)]
        text: Option<String>,
    },
    /// Issues a certificate as a PDF, and closes the thread.
    Certificate {
        /// Text.
        text: String,
    },
    /// Writes a sick note from the day after the last one, sends it where it belongs, and closes the thread.
    SickNote {
        /// For how many days.
        days: u8,
        /// Text.
        #[serde(default)]
        text: Option<String>,
    },
    /// The practice's record system did not take the latest post.
    Reject {
        /// The record system's code.
        code: String,
        /// Text.
        text: String,
        /// Whether sending again may succeed.
        retry: bool,
    },
}

impl Answer {
    fn name(&self) -> &'static str {
        match self {
            Answer::Reply { .. } => "reply",
            Answer::Finish { .. } => "finish",
            Answer::Close { .. } => "close",
            Answer::Decline { .. } => "decline",
            Answer::Redirect { .. } => "redirect",
            Answer::Renewal { .. } => "renewal",
            Answer::Certificate { .. } => "certificate",
            Answer::SickNote { .. } => "sick-note",
            Answer::Reject { .. } => "reject",
        }
    }
}

/// What a practice opens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Opening {
    /// Whose.
    pub patient: String,
    /// What it is about. None: a notice, to which no reply is possible.
    #[serde(default)]
    pub kind: Option<ThreadKind>,
    /// Title.
    #[serde(default)]
    pub title: Option<String>,
    /// Text.
    pub text: String,
    /// Documents.
    #[serde(default)]
    pub documents: Vec<Document>,
}

impl State {
    /// Answers a thread; gives the numbers of the changes.
    pub fn answer(&mut self, id: &str, answer: &Answer) -> Result<u64, SimError> {
        let thread = self.thread(id)?.clone();
        if thread.state.is_closed() && !matches!(answer, Answer::Reject { .. }) {
            return Err(SimError::Closed(id.to_owned()));
        }
        let wrong = || SimError::WrongAnswer { answer: answer.name(), kind: thread.kind.word() };
        match answer {
            Answer::Reply { text, documents } => {
                self.write(&thread, text, documents.clone(), ThreadState::WithPatient, None)
            }
            Answer::Finish { text } => self.write(&thread, text, Vec::new(), ThreadState::Answered, None),
            Answer::Decline { text } => self.write(&thread, text, Vec::new(), ThreadState::Declined, None),
            Answer::Redirect { to, text } => self.write(&thread, text, Vec::new(), ThreadState::Redirected, Some(*to)),
            Answer::Close { expired, reason } => {
                let state = if *expired { ThreadState::Expired } else { ThreadState::Answered };
                let thread = self.stands(id, state)?;
                let content = json!({ "thread": thread.json(), "reason": reason });
                Ok(self.tell(thread.practice, "ThreadStateChanged", content))
            }
            Answer::Certificate { text } => {
                let purpose = thread.purpose.as_deref().ok_or_else(wrong)?;
                let content = pdf(&format!("Helseattest {purpose}"));
                let attest = Document { name: "Helseattest.pdf".into(), media_type: "application/pdf".into(), content };
                self.write(&thread, text, vec![attest], ThreadState::Answered, None)
            }
            Answer::SickNote { days, text } => {
                let degree = thread.degree.ok_or_else(wrong)?;
                self.issue(&thread, *days, degree, text.as_deref())
            }
            Answer::Renewal { decisions, text } => {
                if thread.kind != ThreadKind::Renewal {
                    return Err(wrong());
                }
                self.decide(&thread, decisions, text.as_deref())
            }
            Answer::Reject { code, text, retry } => {
                let latest = thread.posts.iter().rev().find_map(|post| post.portal_message.clone());
                let content = json!({
                    "thread": thread.json(), "portalMessage": latest.ok_or_else(wrong)?,
                    "code": code, "text": text, "retry": retry,
                });
                Ok(self.tell(thread.practice, "PostRejected", content))
            }
        }
    }

    /// The practice opens a thread or sends a notice; gives its id.
    pub fn open(&mut self, practice: &str, opening: &Opening) -> Result<String, SimError> {
        let citizen = NationalId::new(opening.patient.as_str());
        let known = self.practice(practice)?;
        let (practice, gp) = (known.id, known.office.gps.first());
        known.citizen(&citizen).ok_or(SimError::NoSuchCitizen)?;
        let (title, text) = (opening.title.clone(), opening.text.clone());
        let post = self.post(None, title, text, opening.documents.clone(), gp.map(author));
        let patient = json!({ "nationalId": citizen.reveal() });
        let Some(kind) = opening.kind else {
            let id = self.number("N");
            self.tell(practice, "NoticeSent", json!({ "notice": id, "patient": patient, "post": post.json() }));
            return Ok(id);
        };
        let shown = post.json();
        let thread = Thread {
            id: self.number("T"),
            practice,
            kind,
            state: ThreadState::WithPatient,
            citizen,
            on_behalf: false,
            portal_dialog: None,
            doctor: gp.and_then(|gp| gp.hpr.parse().ok()),
            purpose: None,
            items: Vec::new(),
            degree: None,
            posts: vec![post],
        };
        let id = thread.id.clone();
        self.tell(practice, "ThreadOpened", json!({ "thread": thread.json(), "patient": patient, "post": shown }));
        self.threads.push(thread);
        Ok(id)
    }

    fn write(
        &mut self,
        thread: &Thread,
        text: &str,
        documents: Vec<Document>,
        state: ThreadState,
        instead: Option<Alternative>,
    ) -> Result<u64, SimError> {
        let author = self.doctor(thread)?.map(author);
        let post = self.post(None, None, text.to_owned(), documents, author);
        let shown = post.json();
        self.thread(&thread.id)?.posts.push(post);
        let thread = self.stands(&thread.id, state)?;
        let content = json!({ "thread": thread.json(), "post": shown, "useInstead": instead });
        Ok(self.tell(thread.practice, "PostAdded", content))
    }

    fn decide(&mut self, thread: &Thread, decisions: &[Decision], text: Option<&str>) -> Result<u64, SimError> {
        let about = |decision: &Decision, item: &Item| {
            item.key == decision.item || item.name.to_lowercase().starts_with(&decision.item.to_lowercase())
        };
        if let Some(stray) = decisions.iter().find(|one| !thread.items.iter().any(|item| about(one, item))) {
            return Err(SimError::NoSuchItem(stray.item.clone()));
        }
        let decided = thread.items.iter().map(|item| {
            let decision = decisions.iter().find(|decision| about(decision, item));
            let verdict = decision.map_or(Verdict::Renewed, |one| one.verdict);
            json!({ "key": item.key, "verdict": verdict, "comment": decision.and_then(|one| one.comment.as_deref()) })
        });
        let decided: Vec<Value> = decided.collect();
        let author = self.doctor(thread)?.map(author);
        let post = text.map(|text| self.post(None, None, text.to_owned(), Vec::new(), author));
        let shown = post.as_ref().map(Post::json);
        self.thread(&thread.id)?.posts.extend(post);
        let thread = self.stands(&thread.id, ThreadState::Answered)?;
        let content = json!({ "thread": thread.json(), "decisions": decided, "post": shown });
        Ok(self.tell(thread.practice, "RenewalDecided", content))
    }

    fn issue(&mut self, thread: &Thread, days: u8, degree: u8, text: Option<&str>) -> Result<u64, SimError> {
        let issued = self.practice(thread.practice)?.sick_notes.issue(&thread.citizen, days, degree)?;
        let author = self.doctor(thread)?.map(author);
        let post = text.map(|text| self.post(None, None, text.to_owned(), Vec::new(), author));
        let shown = post.as_ref().map(Post::json);
        self.thread(&thread.id)?.posts.extend(post);
        let thread = self.stands(&thread.id, ThreadState::Answered)?;
        let content = json!({ "thread": thread.json(), "sickNote": issued.json(), "post": shown });
        Ok(self.tell(thread.practice, "SickNoteIssued", content))
    }

    fn stands(&mut self, id: &str, state: ThreadState) -> Result<Thread, SimError> {
        let thread = self.thread(id)?;
        thread.state = state;
        Ok(thread.clone())
    }

    fn doctor(&mut self, thread: &Thread) -> Result<Option<&'static Gp>, SimError> {
        let gps = self.practice(thread.practice)?.office.gps;
        let own = gps.iter().find(|gp| thread.doctor.is_some_and(|hpr| gp.hpr.parse() == Ok(hpr)));
        Ok(own.or(gps.first()))
    }
}

fn author(gp: &Gp) -> String {
    format!("{} {}", gp.given_name, gp.family_name)
}
