//! The vendor's errors as failures of the contract.
//!
//! An error is an OperationOutcome. What it means stands in `issue.details` as a code of the vendor's; `diagnostics` is for
//! developers and is neither shown nor logged: citizens read the words of [`crate::words`] in their language.

use dialog_plugin_sdk::upstream::Response;
use dialog_plugin_sdk::{Failure, FieldError, Locale, Sent};
use serde::Deserialize;

use crate::fhir::element::Concept;
use crate::words::Words;

/// Issues that are told at once.
const MAX_ISSUES: usize = 20;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Outcome {
    issue: Vec<Issue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Issue {
    details: Concept,
    /// FHIRPath into the vendor's request.
    expression: Vec<String>,
}

/// Where in what the citizen sent an element of the vendor's request comes from: beginning of the FHIRPath, contract's
/// pointer.
pub type Pointers = [(&'static str, &'static str)];

/// The answer where its status is 2xx and what it holds is FHIR; else what it means, in the citizen's language.
///
/// | status | code | failure |
/// | --- | --- | --- |
/// | 403 | `service-off`, `patient-blocked`, `too-late` | `declined` |
/// | 404 | `unknown-task`, `unknown-appointment`, `unknown-patient`, `unknown-questionnaire` | `not-found` |
/// | 409 | `slot-taken`, `slot-changed`, `task-closed`, `appointment-cancelled`, `questionnaire-closed`, `questionnaire-answered` | `conflict` |
/// | 413 | `attachments-too-large` | `invalid`: the attachments |
/// | 422 | `value-rejected`, all elements from the citizen | `invalid` |
/// | all other | | as [`Response::success`] says |
///
/// # Errors
/// As the table says.
pub fn accepted(answer: Response, locale: Locale, pointers: &Pointers) -> Result<Response, Failure> {
    if (200..300).contains(&answer.status) {
        return if is_fhir(&answer) { Ok(answer) } else { Err(answer.unreadable("is not of a media type of FHIR")) };
    }
    let outcome: Outcome = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = outcome.issue.first().and_then(|issue| issue.details.code("refusal")).unwrap_or_default().to_owned();
    let words = match (answer.status, code.as_str()) {
        (403, "service-off") => Words::ServiceOff,
        (403, "patient-blocked") => Words::Blocked,
        (403, "too-late") => Words::TooLate,
        (404, "unknown-task") => Words::UnknownTask,
        (404, "unknown-appointment") => Words::UnknownAppointment,
        (404, "unknown-patient") => Words::UnknownPatient,
        (404, "unknown-questionnaire") => Words::UnknownSurvey,
        (409, "slot-taken") => Words::SlotTaken,
        (409, "slot-changed") => Words::SlotChanged,
        (409, "task-closed") => Words::TaskClosed,
        (409, "appointment-cancelled") => Words::AppointmentCancelled,
        (409, "questionnaire-closed") => Words::SurveyClosed,
        (409, "questionnaire-answered") => Words::SurveyAnswered,
        (413, "attachments-too-large") => {
            let files = pointers.iter().find(|(element, _)| *element == FILES);
            return Err(match files {
                Some((_, pointer)) => Words::FilesTooLarge.invalid(locale, pointer),
                None => unknown(answer, &code),
            });
        }
        (422, "value-rejected") => return Err(values(answer, &outcome, &code, locale, pointers)),
        _ => return Err(unknown(answer, &code)),
    };
    Err(match answer.status {
        403 => words.declined(locale),
        404 => words.not_found(locale),
        _ => words.conflict(locale),
    })
}

/// Where files stand.
pub const FILES: &str = "Communication.payload[1]";

/// An answer without a body has no media type.
fn is_fhir(answer: &Response) -> bool {
    let named = answer.header("content-type").and_then(|named| named.split(';').next()).unwrap_or_default();
    answer.body.is_empty()
        || ["application/fhir+json", "application/json"].iter().any(|known| named.trim().eq_ignore_ascii_case(known))
}

/// Elements that the citizen can mend; where even one is not the citizen's, the plugin wrote it wrong.
fn values(answer: Response, outcome: &Outcome, code: &str, locale: Locale, pointers: &Pointers) -> Failure {
    let expressions = outcome.issue.iter().take(MAX_ISSUES).map(|issue| issue.expression.first());
    let mended: Option<Vec<FieldError>> = expressions
        .map(|expression| {
            let (_, pointer) =
                pointers.iter().find(|(known, _)| expression.is_some_and(|one| one.starts_with(known)))?;
            let detail = Words::ValueRefused.text(locale).to_owned();
            Some(FieldError { pointer: (*pointer).to_owned(), detail })
        })
        .collect();
    match mended {
        Some(fields) if !fields.is_empty() => Failure::Invalid(fields),
        _ => unknown(answer, code),
    }
}

/// What the status alone says, with the vendor's code for the operator where it looks like one.
fn unknown(answer: Response, code: &str) -> Failure {
    let plain = !code.is_empty() && code.len() <= 40 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let code = if plain { format!(", {code}") } else { String::new() };
    match answer.success() {
        Err(Failure::Unavailable(mut outage)) => {
            outage.detail.push_str(&code);
            Failure::Unavailable(outage)
        }
        Err(Failure::Faulty(mut fault)) => {
            fault.detail.push_str(&code);
            Failure::Faulty(fault)
        }
        Err(failure) => failure,
        // Not reached: only what is not 2xx comes here.
        Ok(answer) => answer.unreadable("is neither a success nor a refusal"),
    }
}

/// A failure of a request that only reads, though it may be a POST so that the patient's number stands in no URL: nothing
/// was handed over, whatever happened.
#[must_use]
pub fn of_a_search(failure: Failure) -> Failure {
    match failure {
        Failure::Unavailable(mut outage) => {
            outage.sent = Sent::No;
            Failure::Unavailable(outage)
        }
        Failure::Faulty(mut fault) => {
            fault.sent = Sent::No;
            Failure::Faulty(fault)
        }
        failure => failure,
    }
}
