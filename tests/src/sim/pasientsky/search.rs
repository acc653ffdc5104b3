//! Searches: which parameters each kind takes, includes, and pages.
//!
//! Who a search is about stands in a body (`POST Kind/_search`), never in a URL. The rest of an answer that is too long for
//! one page is behind `link[next]`: `Kind?_page=<token>`, good for one snapshot.

use super::codes::{DNR, FHIR, FNR, HPR, Kind, naming, system};
use super::outcome::Refused;
use super::record::Record;
use super::state::State;
use super::survey;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Resources of a page where the caller does not say.
const USUAL_COUNT: usize = 20;
/// Resources of a page at most.
const MOST_COUNT: usize = 100;
/// Days between the two ends of a search for times.
const MOST_DAYS: i64 = 31;
/// Rests that are remembered.
const MOST_PAGES: usize = 1_000;

/// Parameters, decoded.
pub type Parameters = Vec<(String, String)>;

/// The rest of answers that were too long for one page.
#[derive(Debug, Default)]
pub struct Pages {
    rests: HashMap<String, Rest>,
    /// Every page has a next one, with the same resources.
    pub endless: bool,
}

#[derive(Clone, Debug)]
struct Rest {
    kind: Kind,
    ids: Vec<String>,
    includes: Vec<String>,
    count: usize,
}

/// What a search may hold: each of the first once, any of the second once, and these includes.
struct Form {
    required: &'static [&'static str],
    optional: &'static [&'static str],
    includes: &'static [&'static str],
}

/// How news are asked for: by time, or by ids that a notification told.
const BY_TIME: &[&str] = &["_tag", "_lastUpdated", "_sort"];
const BY_ID: &[&str] = &["_tag", "_id"];

fn forms(kind: Kind, posted: bool) -> &'static [Form] {
    const NONE: &[&str] = &[];
    const COUNT: &[&str] = &["_count"];
    const OF_MESSAGES: &[&str] = &["Communication:part-of", "Communication:subject"];
    const OF_APPOINTMENTS: &[&str] = &["Appointment:patient", "Appointment:actor"];
    match (kind, posted) {
        (Kind::Patient, true) => &[Form { required: &["identifier"], optional: NONE, includes: NONE }],
        (Kind::Appointment, true) => {
            &[Form { required: &["patient", "status", "date"], optional: COUNT, includes: OF_APPOINTMENTS }]
        }
        (Kind::MedicationRequest, true) => {
            &[Form { required: &["patient", "status"], optional: COUNT, includes: NONE }]
        }
        (Kind::Slot, false) => &[Form {
            required: &["schedule.actor", "status", "start", "start"],
            optional: &["schedule.actor:Practitioner.identifier", "_count"],
            includes: &["Slot:schedule", "Schedule:actor"],
        }],
        (Kind::Questionnaire, false) => &[Form { required: &["context", "status"], optional: COUNT, includes: NONE }],
        (Kind::QuestionnaireResponse, true) => {
            &[Form { required: &["patient", "questionnaire"], optional: COUNT, includes: NONE }]
        }
        (Kind::Task, false) => &[
            Form { required: BY_TIME, optional: COUNT, includes: NONE },
            Form { required: BY_ID, optional: COUNT, includes: NONE },
        ],
        (Kind::Appointment, false) => &[
            Form { required: BY_TIME, optional: COUNT, includes: OF_APPOINTMENTS },
            Form { required: BY_ID, optional: COUNT, includes: OF_APPOINTMENTS },
        ],
        (Kind::Communication, false) => &[
            Form { required: BY_TIME, optional: COUNT, includes: OF_MESSAGES },
            Form { required: BY_ID, optional: COUNT, includes: OF_MESSAGES },
            Form { required: &["_tag", "part-of"], optional: &["_sort", "_count"], includes: OF_MESSAGES },
        ],
        _ => &[],
    }
}

impl Form {
    fn fits(&self, names: &[&str]) -> bool {
        let mut left: Vec<&str> = names.to_vec();
        for name in self.required {
            let Some(at) = left.iter().position(|one| one == name) else { return false };
            left.swap_remove(at);
        }
        left.iter().all(|name| self.optional.contains(name))
            && left.iter().all(|name| left.iter().filter(|other| *other == name).count() == 1)
    }
}

/// Answers a search with its first page.
pub fn search(
    state: &mut State,
    route: &str,
    base: &str,
    (kind, posted): (Kind, bool),
    parameters: &Parameters,
) -> Result<Value, Refused> {
    let is_include = |name: &str| matches!(name, "_include" | "_include:iterate");
    let names: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).filter(|name| !is_include(name)).collect();
    let includes: Vec<String> =
        parameters.iter().filter(|(name, _)| is_include(name)).map(|(_, value)| value.clone()).collect();
    let form = forms(kind, posted).iter().find(|form| form.fits(&names));
    let form = form.filter(|form| includes.iter().all(|one| form.includes.contains(&one.as_str())));
    if form.is_none() {
        state.violate(route, "parameters that this search does not have, or not all of those that it needs");
        return Err(Refused::bad("parameters"));
    }
    match matching(state, kind, parameters) {
        Ok((ids, count)) => Ok(state.page(base, Rest { kind, ids, includes, count })),
        Err(rule) => {
            state.violate(route, rule);
            Err(Refused::bad("parameters"))
        }
    }
}

/// The ids of what is found, in order, and how many a page has. Else which rule is broken.
fn matching(state: &State, kind: Kind, parameters: &Parameters) -> Result<(Vec<String>, usize), &'static str> {
    let mut count = USUAL_COUNT;
    let mut found: Vec<&Record> = state.of(kind).collect();
    for (name, value) in parameters {
        match name.as_str() {
            "_count" => {
                count = value
                    .parse()
                    .ok()
                    .filter(|count| (1..=MOST_COUNT).contains(count))
                    .ok_or("_count: not 1 to 100")?;
            }
            "_sort" | "_include" | "_include:iterate" => {}
            _ => {
                let matches = filter(state, name, value).ok_or("a parameter whose value is not of its form")?;
                found.retain(|record| matches(record));
            }
        }
    }
    if kind == Kind::Slot && !within_days(parameters) {
        return Err("start is no span, or one of over 31 days");
    }
    match parameters.iter().find(|(name, _)| name == "_sort").map(|(_, value)| value.as_str()) {
        Some("_lastUpdated") => found.sort_by_key(|record| record.updated),
        Some("-sent") => found.sort_by_key(|record| std::cmp::Reverse(record.text("/sent").and_then(instant))),
        None => found.sort_by_key(|record| record.text("/start").and_then(instant)),
        Some(_) => return Err("_sort is neither _lastUpdated nor -sent"),
    }
    Ok((found.into_iter().map(|record| record.id.clone()).collect(), count))
}

/// Goes on behind `link[next]`.
pub fn next(state: &mut State, route: &str, base: &str, kind: Kind, token: &str) -> Result<Value, Refused> {
    match state.pages.rests.get(token).filter(|rest| rest.kind == kind).cloned() {
        Some(rest) => Ok(state.page(base, rest)),
        None => {
            state.violate(route, "_page is none that was given");
            Err(Refused::new(axum::http::StatusCode::GONE, "page-gone"))
        }
    }
}

fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn within_days(parameters: &Parameters) -> bool {
    let bound = |prefix: &str| {
        let mut all = parameters.iter().filter(|(name, _)| name == "start");
        all.find_map(|(_, value)| instant(value.strip_prefix(prefix)?))
    };
    let (Some(from), Some(until)) = (bound("ge"), bound("lt")) else { return false };
    from < until && until.duration_since(from).as_hours() <= MOST_DAYS * 24
}

type Matches<'a> = Box<dyn Fn(&Record) -> bool + 'a>;

/// Whether a resource is one that a parameter wants. None where the parameter's value is not of its form.
fn filter<'a>(state: &'a State, name: &str, value: &'a str) -> Option<Matches<'a>> {
    let among = |text: &str| value.split(',').any(|one| one == text);
    Some(match name {
        "_id" => Box::new(move |record| among(&record.id)),
        "_tag" => {
            let (known, code) = value.split_once('|')?;
            if known != system("origin") || !["portal", "clinic"].contains(&code) {
                return None;
            }
            Box::new(move |record| record.origin.code() == code)
        }
        "_lastUpdated" => {
            let since = instant(value.strip_prefix("ge")?)?;
            Box::new(move |record| record.updated >= since)
        }
        "date" | "start" => {
            let (not_before, at) = match value.strip_prefix("ge") {
                Some(at) => (true, instant(at)?),
                None => (false, instant(value.strip_prefix("lt")?)?),
            };
            Box::new(move |record| {
                record.text("/start").and_then(instant).is_some_and(|start| (start >= at) == not_before)
            })
        }
        "status" => Box::new(move |record| record.text("/status").is_some_and(among)),
        "part-of" => Box::new(move |record| value.split(',').any(|one| record.refers("/partOf", one))),
        "patient" => {
            let patient = state.patient(value)?;
            let reference = format!("Patient/{}", patient.id);
            Box::new(move |record| {
                let actors = record.body["participant"].as_array();
                record.refers("/subject", &reference)
                    || actors.is_some_and(|all| all.iter().any(|one| one["actor"]["reference"] == reference.as_str()))
            })
        }
        "identifier" => {
            let (known, number) = value.split_once('|')?;
            if ![FNR, DNR].contains(&known) || !super::NationalId::new(number).is_valid() {
                return None;
            }
            Box::new(move |record| record.is_known_as(known, number))
        }
        "context" => {
            let clinic = value.strip_prefix(&format!("{}|", naming("healthcare-service")))?;
            Box::new(move |record| survey::is_of(record, clinic))
        }
        "questionnaire" => {
            state.of(Kind::Questionnaire).find(|one| survey::canonical(one).as_deref() == Some(value))?;
            Box::new(move |record| record.text("/questionnaire") == Some(value))
        }
        "schedule.actor" => {
            value.strip_prefix("HealthcareService/")?;
            Box::new(move |slot| actor(state, slot, value))
        }
        "schedule.actor:Practitioner.identifier" => {
            let (known, number) = value.split_once('|')?;
            if known != HPR || number.parse::<u32>().is_err() {
                return None;
            }
            let doctor = state.of(Kind::Practitioner).find(|one| one.is_known_as(HPR, number));
            let doctor = doctor.map(Record::reference);
            Box::new(move |slot| doctor.as_ref().is_some_and(|doctor| actor(state, slot, doctor)))
        }
        _ => return None,
    })
}

fn actor(state: &State, slot: &Record, reference: &str) -> bool {
    let schedule = slot.text("/schedule/reference").and_then(|schedule| state.referred(schedule));
    schedule.is_some_and(|schedule| schedule.refers("/actor", reference))
}

impl State {
    fn page(&mut self, base: &str, rest: Rest) -> Value {
        let Rest { kind, ids, includes, count } = rest;
        let shown: Vec<Value> = {
            let page: Vec<&Record> = ids.iter().take(count).filter_map(|id| self.record(kind, id)).collect();
            let included = self.included(&page, &includes);
            let entry = |record: &Record, mode: &str| {
                json!({
                    "fullUrl": format!("{base}{FHIR}/{}", record.reference()),
                    "resource": record.json(),
                    "search": { "mode": mode },
                })
            };
            let matches = page.iter().map(|record| entry(record, "match"));
            matches.chain(included.into_iter().map(|record| entry(record, "include"))).collect()
        };
        let url = format!("{base}{FHIR}/{}", kind.name());
        let mut links = vec![json!({ "relation": "self", "url": url })];
        let left = if self.pages.endless { ids } else { ids.into_iter().skip(count).collect() };
        if !left.is_empty() {
            if self.pages.rests.len() >= MOST_PAGES {
                self.pages.rests.clear();
            }
            let token = self.number("page");
            links.push(json!({ "relation": "next", "url": format!("{url}?_page={token}") }));
            self.pages.rests.insert(token, Rest { kind, ids: left, includes, count });
        }
        let mut bundle = json!({ "resourceType": "Bundle", "type": "searchset", "link": links });
        // FHIR has no empty arrays.
        if !shown.is_empty() {
            bundle["entry"] = json!(shown);
        }
        bundle
    }

    fn included(&self, page: &[&Record], includes: &[String]) -> Vec<&Record> {
        let mut included: Vec<&Record> = Vec::new();
        let wants = |include: &str| includes.iter().any(|one| one == include);
        let mut add = |reference: Option<&str>| {
            let Some(record) = reference.and_then(|reference| self.referred(reference)) else { return };
            if !included.iter().any(|one| one.kind == record.kind && one.id == record.id) {
                included.push(record);
            }
        };
        for record in page {
            for (include, pointer) in [
                ("Slot:schedule", "/schedule/reference"),
                ("Communication:part-of", "/partOf/0/reference"),
                ("Communication:subject", "/subject/reference"),
            ] {
                if wants(include) {
                    add(record.text(pointer));
                }
            }
            let schedule = record.text("/schedule/reference").filter(|_| wants("Schedule:actor"));
            let schedule = schedule.and_then(|schedule| self.referred(schedule));
            for actor in schedule.and_then(|schedule| schedule.body["actor"].as_array()).into_iter().flatten() {
                add(actor["reference"].as_str());
            }
            for participant in record.body["participant"].as_array().into_iter().flatten() {
                let reference = participant["actor"]["reference"].as_str();
                let is_patient = reference.is_some_and(|one| one.starts_with("Patient/"));
                if wants(if is_patient { "Appointment:patient" } else { "Appointment:actor" }) {
                    add(reference);
                }
            }
        }
        included
    }
}
