//! A provider, as all of them are seen here: somebody writes, the office answers.

use std::time::Duration;

use anyhow::{Context, ensure};
use dialog_tests::{
    house::{House, portal::Portal, watch::Screen},
    sim::{
        besoklegen, cgm_eportal, helserespons, kry, meldingstjener, pasientsky,
        trouble::{Call, Trouble},
        world::{Citizen, EINAR, KARI, LEILA, MARTE, SIGNE, SOLVEIG, Solution},
    },
    story,
};
use http::StatusCode;
use serde_json::Value;

use crate::visit::{citizen, inquiry, opened, operator};

/// Longer than anything takes that is not broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// A provider with the citizen who writes to it.
pub(super) struct Vendor<'h> {
    pub(super) house: &'h House,
    pub(super) solution: Solution,
    pub(super) citizen: Portal,
    pub(super) screen: Screen,
}

/// What the operator sees of a provider, counted.
#[derive(Debug)]
pub(super) struct Seen {
    /// Calls that failed, in the metrics.
    pub(super) failures: u64,
    /// Deliveries of nobody that is known, in the metrics.
    pub(super) strangers: u64,
    /// Warnings of its plugin, in the log.
    pub(super) warnings: u64,
}

/// Who uses it.
fn who(solution: Solution) -> &'static Citizen {
    match solution {
        Solution::Besoklegen => &MARTE,
        Solution::CgmEportal => &SOLVEIG,
        Solution::Ddfl => &KARI,
        Solution::Helserespons => &LEILA,
        Solution::Kry => &SIGNE,
        Solution::Pasientsky => &EINAR,
    }
}

impl<'h> Vendor<'h> {
    /// The citizen logs in.
    pub(super) async fn visit(house: &'h House, solution: Solution) -> anyhow::Result<Self> {
        let screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(who(solution))?, None).await?;
        Ok(Self { house, solution, citizen: citizen(house, who(solution))?, screen })
    }

    /// Makes trouble for it.
    pub(super) fn trouble(&self) -> &'h Trouble {
        match self.solution {
            Solution::Besoklegen => &self.house.besoklegen.trouble,
            Solution::CgmEportal => &self.house.cgm_eportal.trouble,
            Solution::Ddfl => &self.house.meldingstjener.trouble,
            Solution::Helserespons => &self.house.helserespons.trouble,
            Solution::Kry => &self.house.kry.trouble,
            Solution::Pasientsky => &self.house.pasientsky.trouble,
        }
    }

    /// What the citizen opens a dialog with.
    pub(super) fn body(&self, text: &str) -> Value {
        match self.solution {
            // Its own doctors answer consultations, and there is no desk to ask.
            Solution::Kry => story::kry::opening(text),
            _ => inquiry(text),
        }
    }

    /// What the citizen looks at, and what that is to the vendor: the public solution asks by sending, and one vendor has
    /// no times to book.
    pub(super) fn looks_at(&self) -> (&'static str, Call) {
        match self.solution {
            Solution::CgmEportal => ("/v1/me/prescriptions", Call::Read),
            Solution::Ddfl => ("/v1/me/slots", Call::Post),
            _ => ("/v1/me/slots", Call::Read),
        }
    }

    /// How many dialogs the vendor has that begin with this text.
    pub(super) fn having(&self, text: &str) -> usize {
        let house = self.house;
        match self.solution {
            Solution::Besoklegen => {
                let has = |case: &besoklegen::Case| case.messages.first().is_some_and(|first| first.text == text);
                house.besoklegen.cases().iter().filter(|case| has(case)).count()
            }
            Solution::CgmEportal => {
                let has = |thread: &cgm_eportal::Thread| thread.posts.first().is_some_and(|first| first.text == text);
                house.cgm_eportal.threads().iter().filter(|thread| has(thread)).count()
            }
            Solution::Ddfl => {
                let has = |one: &meldingstjener::Request| one.message.text.as_deref() == Some(text);
                house.meldingstjener.requests().iter().filter(|request| has(request)).count()
            }
            Solution::Helserespons => {
                let has = |case: &helserespons::Case| case.entries.first().is_some_and(|first| first.body == text);
                house.helserespons.cases().iter().filter(|case| has(case)).count()
            }
            Solution::Kry => {
                let has = |visit: &kry::Visit| visit.messages.first().is_some_and(|first| first.text == text);
                house.kry.visits().iter().filter(|visit| has(visit)).count()
            }
            Solution::Pasientsky => {
                let has = |one: &pasientsky::Dialog| one.messages.first().is_some_and(|(_, first)| first == text);
                house.pasientsky.dialogs().iter().filter(|dialog| has(dialog)).count()
            }
        }
    }

    /// The office answers the dialog that begins with `text`, as soon as it has it.
    pub(super) async fn answer(&self, text: &str, words: &str) -> anyhow::Result<()> {
        let (house, words) = (self.house, words.to_owned());
        match self.solution {
            Solution::Besoklegen => {
                let case = house.besoklegen.wait_for_case(|case| case.text() == text).await?;
                let reply = besoklegen::Answer::Reply { text: words, files: Vec::new() };
                house.besoklegen.answer(&case.number, &reply)?;
            }
            Solution::CgmEportal => {
                let first = |thread: &cgm_eportal::Thread| thread.posts.first().is_some_and(|post| post.text == text);
                let thread = house.cgm_eportal.wait_for_thread(first).await?;
                let reply = cgm_eportal::Answer::Reply { text: words, documents: Vec::new() };
                house.cgm_eportal.answer(&thread.id, &reply)?;
            }
            Solution::Ddfl => {
                let wanted = |request: &meldingstjener::Request| request.message.text.as_deref() == Some(text);
                let request = house.meldingstjener.wait_for_request(wanted).await?;
                let reply = meldingstjener::Answer::Reply { text: words, attachments: Vec::new() };
                house.meldingstjener.answer(&request.message.msg_id, &reply)?;
            }
            Solution::Helserespons => {
                let first = |case: &helserespons::Case| case.entries.first().is_some_and(|entry| entry.body == text);
                let case = house.helserespons.wait_for_case(first).await?;
                let reply = helserespons::Answer::Reply { text: words, files: Vec::new() };
                house.helserespons.answer(&case.case_no, &reply)?;
            }
            Solution::Kry => {
                let visit = house.kry.wait_for_visit(|visit| visit.text() == text).await?;
                house.kry.answer(&visit.id, &kry::Answer::Reply { text: words, files: Vec::new() })?;
            }
            Solution::Pasientsky => {
                let first = |one: &pasientsky::Dialog| one.messages.first().is_some_and(|(_, first)| first == text);
                let dialog = house.pasientsky.wait_for_dialog(first).await?;
                house.pasientsky.answer(&dialog.id, &pasientsky::Answer::Reply { text: words, files: Vec::new() })?;
            }
        }
        Ok(())
    }

    /// Somebody with another provider is served at once.
    pub(super) async fn others_are_served(&self) -> anyhow::Result<()> {
        let other = if self.solution == Solution::Helserespons { &MARTE } else { &LEILA };
        let other = citizen(self.house, other)?;
        other.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
        opened(&other, &inquiry("Har dere åpent?")).await.context("another provider's citizen")?;
        Ok(())
    }

    /// Calls to this provider that the operator sees as failed.
    pub(super) async fn failures(&self) -> anyhow::Result<u64> {
        let provider = format!("provider=\"{}\"", self.solution.plugin());
        self.counted(|line| {
            line.starts_with("dialog_provider_calls_total{")
                && line.contains(&provider)
                && !line.contains("outcome=\"answered\"")
        })
        .await
    }

    /// Deliveries that the operator sees as refused because nobody knows who sent them.
    pub(super) async fn strangers(&self) -> anyhow::Result<u64> {
        self.counted(|line| {
            line.starts_with("dialog_requests_total{") && line.contains("deliveries") && line.contains("status=\"401\"")
        })
        .await
    }

    /// The sum of what the operator's metrics count in such lines.
    async fn counted(&self, wanted: impl Fn(&str) -> bool) -> anyhow::Result<u64> {
        let metrics = operator(self.house)?.get("/metrics", &[]).expect(StatusCode::OK).await?;
        let count = |line: &str| line.split(' ').nth(1).and_then(|value| value.parse::<u64>().ok());
        let lines = std::str::from_utf8(&metrics.bytes)?.lines().filter(|line| wanted(line));
        lines.map(|line| count(line).with_context(|| line.to_owned())).sum()
    }

    /// What plugins warned of in the operator's log, of this provider.
    pub(super) fn warnings(&self) -> anyhow::Result<u64> {
        let plugin = format!("\"plugin\":\"{}\"", self.solution.plugin());
        let log = std::fs::read_to_string(self.house.log())?;
        let mine = log.lines().filter(|line| line.contains("\"WARN\"") && line.contains(&plugin));
        Ok(mine.count() as u64)
    }

    /// What the operator sees now.
    pub(super) async fn seen(&self) -> anyhow::Result<Seen> {
        Ok(Seen { failures: self.failures().await?, strangers: self.strangers().await?, warnings: self.warnings()? })
    }

    /// Waits until the operator sees something more than `before`.
    pub(super) async fn tells(&self, before: &Seen, told: fn(&Seen, &Seen) -> bool) -> anyhow::Result<()> {
        let seen = async {
            while !told(before, &self.seen().await?) {
                // Told by what goes on in the background, which tells nobody else.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(PATIENCE, seen).await.context("the operator is not told")?
    }

    /// The back end noted nothing against the gateway.
    pub(super) fn is_content(&self) -> anyhow::Result<()> {
        self.is_content_but_for(&[])
    }

    /// The back end noted nothing against the gateway but what is in one of these words.
    pub(super) fn is_content_but_for(&self, words: &[&str]) -> anyhow::Result<()> {
        let room = self.house.rooms().iter().find(|room| room.solution() == self.solution).context("its room")?;
        let mut violations = room.violations();
        violations.retain(|one| !words.iter().any(|word| one.contains(word)));
        ensure!(violations.is_empty(), "{violations:?}");
        Ok(())
    }
}
