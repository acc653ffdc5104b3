//! Results of tests: a *DiagnosticReport* with its *Observations*, contained in the message that tells of it.

use dialog_plugin_sdk::text::{clip, filled, line};
use dialog_plugin_sdk::{Interpretation, Observation};
use serde::Deserialize;
use serde_json::Value;

use crate::event::Odd;
use crate::fhir::element::{Concept, Reference};
use crate::fhir::time;
use crate::said::Communication;

/// Findings of a report, by the contract.
const MAX_FINDINGS: usize = 200;
/// Characters of a finding's name and value, by the contract.
const MAX_LINE: usize = 200;
/// Characters of a code, by the contract.
const MAX_CODE: usize = 64;
/// Characters of a unit, by the contract.
const MAX_UNIT: usize = 50;
/// Characters of what is expected, by the contract.
const MAX_RANGE: usize = 100;
/// Characters of a comment: a quarter of the contract's, so that two hundred of them fit into a call's answer.
const MAX_COMMENT: usize = 500;
/// Norsk laboratoriekodeverk.
const NLK: &str = "urn:oid:2.16.578.1.12.4.1.1.7280";
/// Logical Observation Identifiers Names and Codes.
const LOINC: &str = "http://loinc.org";
/// What a finding means.
const MEANING: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";

#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    result: Vec<Reference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    code: Concept,
    effective_date_time: String,
    #[serde(default)]
    value_quantity: Option<Quantity>,
    #[serde(default)]
    value_string: Option<String>,
    #[serde(default)]
    value_codeable_concept: Option<Concept>,
    #[serde(default)]
    interpretation: Vec<Concept>,
    #[serde(default)]
    reference_range: Vec<Expected>,
    #[serde(default)]
    note: Vec<Note>,
}

#[derive(Deserialize)]
struct Quantity {
    value: serde_json::Number,
    #[serde(default)]
    comparator: Option<String>,
    #[serde(default)]
    unit: Option<String>,
}

#[derive(Deserialize)]
struct Expected {
    #[serde(default)]
    low: Option<Quantity>,
    #[serde(default)]
    high: Option<Quantity>,
    #[serde(default)]
    text: Option<String>,
}

#[derive(Deserialize)]
struct Note {
    text: String,
}

/// What tests found, where a message is about that: the findings of the report that it contains, in the report's order.
///
/// # Errors
/// The report or one of its findings cannot be understood. None is left out: a result that is missing would look like one
/// that was not taken.
pub fn of(said: &Communication) -> Result<Option<Vec<Observation>>, Odd> {
    let report = said.about.iter().find_map(|about| within(said, about, "DiagnosticReport"));
    let Some(report) = report else { return Ok(None) };
    let report = Report::deserialize(report).map_err(|_| "has a report of another shape")?;
    if !(1..=MAX_FINDINGS).contains(&report.result.len()) {
        return Err("has a report without findings, or with more than two hundred");
    }
    let found = report.result.iter().map(|reference| {
        let found = within(said, reference, "Observation").ok_or("has a report whose findings are elsewhere")?;
        Finding::deserialize(found).map_err(|_| "has a finding of another shape")?.read()
    });
    found.collect::<Result<_, _>>().map(Some)
}

/// The contained resource that a reference leads to.
fn within<'a>(said: &'a Communication, reference: &Reference, kind: &str) -> Option<&'a Value> {
    let id = reference.reference.strip_prefix('#')?;
    said.contained.iter().find(|one| one["id"] == id && one["resourceType"] == kind)
}

impl Finding {
    fn read(self) -> Result<Observation, Odd> {
        let code = self.code.code_of(NLK).or_else(|| self.code.code_of(LOINC));
        let name = self.code.text.as_deref().and_then(|text| line(text, MAX_LINE));
        let (value, unit) = match (self.value_quantity, self.value_string, self.value_codeable_concept) {
            (Some(quantity), ..) => (quantity.written(), quantity.unit),
            (None, Some(text), _) => (text, None),
            (None, None, concept) => (concept.and_then(|concept| concept.text).unwrap_or_default(), None),
        };
        Ok(Observation {
            name: name.ok_or("has a finding without a name")?,
            code: code.filter(|code| is_code(code)).map(str::to_owned),
            value: line(&value, MAX_LINE).ok_or("has a finding without a value")?,
            unit: unit.and_then(|unit| line(&unit, MAX_UNIT)),
            reference_range: self.reference_range.into_iter().next().and_then(Expected::written),
            interpretation: self.interpretation.iter().find_map(|one| one.code_of(MEANING)).and_then(meaning),
            taken: time::instant(&self.effective_date_time).ok_or("has a finding with a time that is none")?,
            comment: filled(self.note.into_iter().next().map(|note| note.text), MAX_COMMENT),
        })
    }
}

impl Quantity {
    /// As it is written in Norway.
    fn written(&self) -> String {
        let number = self.value.to_string().replace('.', ",");
        match &self.comparator {
            Some(than) => format!("{than} {number}"),
            None => number,
        }
    }
}

impl Expected {
    fn written(self) -> Option<String> {
        let between = match (self.low, self.high) {
            (Some(low), Some(high)) => Some(format!("{}–{}", low.written(), high.written())),
            (Some(low), None) => Some(format!("≥ {}", low.written())),
            (None, Some(high)) => Some(format!("≤ {}", high.written())),
            (None, None) => None,
        };
        line(&self.text.or(between)?, MAX_RANGE).map(|text| clip(&text, MAX_RANGE))
    }
}

fn is_code(code: &str) -> bool {
    (1..=MAX_CODE).contains(&code.chars().count()) && !code.chars().any(char::is_control)
}

fn meaning(code: &str) -> Option<Interpretation> {
    Some(match code {
        "N" => Interpretation::Normal,
        "L" | "LL" | "LU" => Interpretation::Low,
        "H" | "HH" | "HU" => Interpretation::High,
        "A" | "AA" | "POS" => Interpretation::Abnormal,
        _ => return None,
    })
}
