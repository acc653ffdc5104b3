//! Tells the story step by step: each request with its status, and what was checked of it. The first surprise ends it.

use std::collections::BTreeSet;

use anyhow::{Context, bail};
use dialog_conformance::Topic;
use dialog_contract::problem::ProblemType;
use http::StatusCode;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::shown::{self, Pair};
use crate::house::portal::{Call, Reply};

/// One step of the story.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// What happens, as a sentence.
    pub step: String,
    /// Method and path of the request, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Its status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What was checked.
    pub checked: Vec<String>,
    /// What a citizen was given in it, and by whom, where that was for the first time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shows: Vec<Pair>,
}

/// Tells, and remembers what was told.
pub struct Teller {
    /// Everything so far.
    pub steps: Vec<Step>,
    /// What citizens were given so far, and by whom.
    pub shown: BTreeSet<Pair>,
    progress: ProgressBar,
}

impl Teller {
    /// Shows progress on a terminal and is quiet otherwise.
    #[must_use]
    pub fn new() -> Self {
        let progress = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} steps · {wide_msg}") {
            progress.set_style(style);
        }
        Self { steps: Vec::new(), shown: BTreeSet::new(), progress }
    }

    /// Begins a step without a request.
    pub fn step(&mut self, what: impl Into<String>) {
        let step = what.into();
        self.progress.set_message(step.clone());
        self.progress.inc(1);
        self.steps.push(Step { step, request: None, status: None, checked: Vec::new(), shows: Vec::new() });
    }

    /// A step with a request that must have this status.
    pub async fn ask(&mut self, what: &str, call: Call, status: StatusCode) -> anyhow::Result<Reply> {
        self.step(what);
        let (request, operation, sent) = (call.describe(), call.operation(), call.sent());
        let reply = call.expect(status).await.with_context(|| what.to_owned())?;
        if let Some(step) = self.steps.last_mut() {
            step.request = Some(request);
            step.status = Some(reply.status.as_u16());
            step.checked.push(format!("the status is {status} and the reply is as the OpenAPI document says"));
        }
        for pair in shown::given(&operation, &sent, &reply.json) {
            self.gives(pair);
        }
        Ok(reply)
    }

    /// The present step shows this of a provider, where no reply to the citizen does.
    pub fn shows(&mut self, topic: Topic, provider: &str) {
        self.gives(Pair { topic, provider: provider.to_owned() });
    }

    fn gives(&mut self, pair: Pair) {
        if self.shown.insert(pair.clone())
            && let Some(step) = self.steps.last_mut()
        {
            step.shows.push(pair);
        }
    }

    /// A step with a request that must be refused with this problem.
    pub async fn refused(&mut self, what: &str, call: Call, problem: ProblemType) -> anyhow::Result<Reply> {
        self.step(what);
        let request = call.describe();
        let reply = call.refused(problem).await.with_context(|| what.to_owned())?;
        if let Some(step) = self.steps.last_mut() {
            step.request = Some(request);
            step.status = Some(reply.status.as_u16());
            step.checked.push(format!("the problem is {} and as the OpenAPI document says", problem.name()));
        }
        Ok(reply)
    }

    /// Something that must hold in the present step.
    pub fn check(&mut self, what: &str, holds: bool) -> anyhow::Result<()> {
        let Some(step) = self.steps.last_mut() else { bail!("no step to check {what} in") };
        if !holds {
            bail!("{}: it does not hold that {what}", step.step);
        }
        step.checked.push(what.to_owned());
        Ok(())
    }

    /// Two things that must be equal in the present step.
    pub fn equal<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: T, expected: T) -> anyhow::Result<()> {
        if found != expected {
            let step = self.steps.last().map_or("", |step| step.step.as_str());
            bail!("{step}: {what}: found {found:?}, expected {expected:?}");
        }
        self.check(what, true)
    }

    /// The end.
    pub fn finish(&self) {
        self.progress.finish_and_clear();
    }
}

impl Default for Teller {
    fn default() -> Self {
        Self::new()
    }
}
