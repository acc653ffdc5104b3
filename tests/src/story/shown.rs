//! What the story shows, by service and provider: counted step by step from what citizens are given, and held at the end
//! against what the providers offer.
//!
//! - [`given`]: what a reply to a citizen shows. Nothing is shown by what was sent alone: somebody must have answered.
//! - [`offered`]: the README's table, which a test of its own holds against the report of the conformance suite.
//! - [`everything`]: the step that fails where the two differ. [`table`]: what was shown, to read.

use std::{
    collections::BTreeSet,
    fmt::{self, Write as _},
};

use anyhow::{Context, ensure};
use dialog_conformance::Topic;
use dialog_contract::service::Service;
use http::Method;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::teller::Teller;
use crate::sim::world::OFFICES;

/// Where it stands which provider has which service.
const README: &str = include_str!("../../../README.md");

/// A service, as far as it is told apart, of a provider.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// What.
    pub topic: Topic,
    /// Whose: the plugin's id.
    pub provider: String,
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.topic.name(), self.provider)
    }
}

impl Serialize for Pair {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What the reply to this operation shows that the citizen was given.
#[must_use]
pub fn given((method, template): &(Method, &'static str), sent: &Value, reply: &Value) -> Vec<Pair> {
    let pair = |topic: Topic, provider: &Value| {
        provider.as_str().map(|provider| Pair { topic, provider: provider.to_owned() })
    };
    match (method, *template) {
        (&Method::GET, "/v1/me/dialogs/{dialog}" | "/v1/offices/{herId}/collegial-dialogs/{dialog}") => {
            dialog(reply).into_iter().filter_map(|topic| pair(topic, &reply["provider"]["id"])).collect()
        }
        (&Method::POST, "/v1/me/appointments") => pair(Topic::Booking, &reply["provider"]["id"]).into_iter().collect(),
        (&Method::GET, "/v1/me/payments") => {
            let paid = items(reply).iter().filter(|one| one["status"] == "paid");
            paid.filter_map(|one| pair(Topic::Payment, &one["provider"]["id"])).collect()
        }
        (&Method::GET, "/v1/me/practice") => {
            let told = &reply["information"]["told"]["provider"]["id"];
            pair(Topic::PracticalInformation, told).into_iter().collect()
        }
        (&Method::POST, "/v1/me/survey") => pair(Topic::Survey, &sent["provider"]).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn items(page: &Value) -> &[Value] {
    page["items"].as_array().map_or(&[], Vec::as_slice)
}

/// What a dialog shows, once the office has answered in it or begun it.
fn dialog(dialog: &Value) -> Vec<Topic> {
    let array = |name: &str| dialog[name].as_array().map_or(&[][..], Vec::as_slice);
    if dialog["service"] == Service::Collegial.as_str() {
        // Clinicians of two offices: one has asked, and another has answered.
        let talk = array("messages").len() > 1;
        return Topic::ALL.into_iter().filter(|one| talk && one.service() == Some(Service::Collegial)).collect();
    }
    let by_office = |message: &Value| message["author"]["role"] == "office";
    let requested = array("activities").iter().find(|one| one["kind"]["type"] == "requested");
    let answered = array("messages").iter().any(by_office) || dialog["status"]["outcome"] == "answered";
    let with_file =
        |message: &Value| !by_office(message) && message["attachments"].as_array().is_some_and(|all| !all.is_empty());
    let topic = match requested.map(|one| &one["kind"]["request"]) {
        None if !array("results").is_empty() => Some(Topic::TestResults),
        None => Some(Topic::FromTheOffice),
        Some(_) if !answered => None,
        Some(request) => match (request["type"].as_str().unwrap_or_default(), request["mode"].as_str()) {
            ("appointment-request", _) => Some(Topic::AppointmentRequest),
            ("prescription-renewal", _) => Some(Topic::PrescriptionRenewal),
            ("consultation", Some("text")) => Some(Topic::ConsultationText),
            ("consultation", Some("image")) if array("messages").iter().any(with_file) => {
                Some(Topic::ConsultationImage)
            }
            ("consultation", Some("video")) => Some(Topic::ConsultationVideo),
            ("inquiry", _) => Some(Topic::Inquiry),
            ("sick-note-renewal", _) => Some(Topic::SickNoteRenewal),
            ("certificate", _) => Some(Topic::Certificate),
            _ => None,
        },
    };
    // Whatever it is about, the office's word has come.
    topic.into_iter().filter(|_| answered).flat_map(|topic| [topic, Topic::News]).collect()
}

/// The columns and what is marked in them, of the table of services by provider in a text.
fn marked(text: &str) -> anyhow::Result<(Vec<String>, BTreeSet<Pair>)> {
    let cells = |line: &str| -> Vec<String> {
        line.trim().trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    };
    let mut lines = text.lines().skip_while(|line| !line.starts_with("| | `"));
    let providers: Vec<String> = cells(lines.next().context("no table of services by provider")?).split_off(1);
    let mut pairs = BTreeSet::new();
    // The line below the head is a rule.
    for line in lines.skip(1).take_while(|line| line.starts_with('|')) {
        let row = cells(line);
        let name = row.first().context("a row without a name")?;
        let topic = Topic::ALL.into_iter().find(|topic| topic.name() == name).with_context(|| name.clone())?;
        ensure!(row.len() == providers.len() + 1, "{name}: {} columns", row.len());
        let has = providers.iter().zip(&row[1..]).filter(|(_, cell)| *cell == "yes");
        pairs.extend(has.map(|(provider, _)| Pair { topic, provider: provider.clone() }));
    }
    ensure!(!pairs.is_empty(), "an empty table of services by provider");
    Ok((providers, pairs))
}

/// What the providers offer.
pub fn offered() -> anyhow::Result<BTreeSet<Pair>> {
    Ok(marked(README)?.1)
}

/// What offices agreed with providers and no step has shown, as sentences.
fn agreed_and_not_shown(shown: &BTreeSet<Pair>) -> Vec<String> {
    let is_shown = |service: Service, provider: &str| {
        shown.iter().any(|pair| pair.provider == provider && pair.topic.service() == Some(service))
    };
    let mut missing = Vec::new();
    for office in &OFFICES {
        for (service, solution) in office.services {
            if !is_shown(*service, solution.plugin()) {
                missing.push(format!("{} by {} at {}", service.as_str(), solution.plugin(), office.name));
            }
        }
    }
    missing
}

/// The step that ends the story: every service of every provider was shown, and none that nobody knows to be there.
pub fn everything(tell: &mut Teller) -> anyhow::Result<()> {
    tell.step("The story has shown every service of every provider");
    let (offered, shown) = (offered()?, tell.shown.clone());
    let names = |pairs: BTreeSet<Pair>| pairs.iter().map(Pair::to_string).collect::<Vec<_>>();
    tell.equal("offered, and shown by no step", names(&offered - &shown), Vec::new())?;
    tell.equal("shown, and not in the README's table", names(&shown - &offered), Vec::new())?;
    tell.equal("agreed by an office, and shown by no step", agreed_and_not_shown(&shown), Vec::new())?;
    tell.check(&format!("{} in all", shown.len()), !shown.is_empty())
}

/// What was shown, beside what is offered, in the order of the README.
pub fn table(shown: &BTreeSet<Pair>) -> anyhow::Result<String> {
    let (providers, offered) = marked(README)?;
    let wide = Topic::ALL.iter().map(|topic| topic.name().len()).max().unwrap_or_default();
    let mut text = format!("{:wide$}", "");
    for provider in &providers {
        let _ = write!(text, "  {provider}");
    }
    for topic in Topic::ALL.into_iter().filter(|topic| *topic != Topic::Package) {
        let _ = write!(text, "\n{:wide$}", topic.name());
        for provider in &providers {
            let pair = Pair { topic, provider: provider.clone() };
            let cell = match (shown.contains(&pair), offered.contains(&pair)) {
                (true, _) => "shown",
                (false, true) => "MISSING",
                (false, false) => "–",
            };
            let _ = write!(text, "  {cell:<0$}", provider.len());
        }
    }
    Ok(text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use serde_json::json;

    use super::*;
    use crate::sim::world::Solution;

    const READ: (Method, &str) = (Method::GET, "/v1/me/dialogs/{dialog}");

    fn read(dialog: &Value) -> Vec<String> {
        given(&READ, &Value::Null, dialog).iter().map(Pair::to_string).collect()
    }

    fn asked(request: &Value, author: &str, status: &Value) -> Value {
        json!({
            "provider": { "id": "kry" }, "status": status,
            "activities": [{ "kind": { "type": "requested", "request": request } }],
            "messages": [{ "author": { "role": "citizen" } }, { "author": { "role": author } }],
        })
    }

    #[test]
    fn what_was_sent_is_shown_when_it_is_answered() {
        let text = json!({ "type": "consultation", "mode": "text" });
        let open = json!({ "state": "awaiting-office" });
        assert!(read(&asked(&text, "citizen", &open)).is_empty());
        assert!(read(&asked(&text, "citizen", &json!({ "state": "closed", "outcome": "redirected" }))).is_empty());
        let expected = ["e-consultation, text by kry", "arrival of news by kry"];
        assert_eq!(read(&asked(&text, "office", &open)), expected);
        assert_eq!(read(&asked(&text, "citizen", &json!({ "state": "closed", "outcome": "answered" }))), expected);
    }

    #[test]
    fn a_consultation_with_pictures_is_shown_by_a_picture() {
        let image = json!({ "type": "consultation", "mode": "image" });
        let mut dialog = asked(&image, "office", &json!({ "state": "awaiting-citizen" }));
        assert!(read(&dialog).is_empty());
        dialog["messages"][0]["attachments"] = json!([{ "id": "a" }]);
        assert_eq!(read(&dialog)[0], "e-consultation, image by kry");
    }

    #[test]
    fn what_an_office_begins_is_told_from_results() {
        let mut dialog = json!({
            "provider": { "id": "ddfl" }, "status": { "state": "awaiting-citizen" }, "activities": [],
            "messages": [{ "author": { "role": "office" } }],
        });
        assert_eq!(read(&dialog)[0], "messages from the office by ddfl");
        dialog["results"] = json!([{ "name": "HbA1c" }]);
        assert_eq!(read(&dialog)[0], "test results by ddfl");
    }

    #[test]
    fn a_payment_is_shown_when_it_is_paid() {
        let operation = (Method::GET, "/v1/me/payments");
        let page = |status: &str| json!({ "items": [{ "status": status, "provider": { "id": "kry" } }] });
        assert!(given(&operation, &Value::Null, &page("open")).is_empty());
        assert_eq!(given(&operation, &Value::Null, &page("paid"))[0].to_string(), "payment by kry");
    }

    #[test]
    fn the_readmes_table_is_read_whole_and_names_every_provider() {
        let (providers, pairs) = marked(README).unwrap();
        let mut known: Vec<&str> = Solution::ALL.iter().map(|one| one.plugin()).collect();
        let mut named: Vec<&str> = providers.iter().map(String::as_str).collect();
        known.sort_unstable();
        named.sort_unstable();
        assert_eq!(named, known);
        for topic in Topic::ALL.into_iter().filter(|topic| *topic != Topic::Package) {
            assert!(pairs.iter().any(|pair| pair.topic == topic), "{topic:?} is in no column");
        }
        assert!(marked("nothing").is_err());
        assert!(marked("| | `a` |\n| --- | --- |\n| tea | yes |\n").is_err());
    }

    #[test]
    fn a_pair_that_no_step_shows_ends_the_story() {
        let mut tell = Teller::new();
        tell.step("Nothing happens");
        let all = offered().unwrap();
        for pair in &all {
            tell.shows(pair.topic, &pair.provider);
        }
        everything(&mut tell).unwrap();
        let missing = all.first().unwrap();
        tell.shown.remove(missing);
        let error = everything(&mut tell).unwrap_err().to_string();
        assert!(error.contains(&missing.to_string()), "{error}");
        assert!(table(&tell.shown).unwrap().contains("MISSING"));
        tell.shows(missing.topic, &missing.provider);
        tell.shows(Topic::Survey, "nobody");
        assert!(everything(&mut tell).is_err(), "the README does not have it");
    }
}
