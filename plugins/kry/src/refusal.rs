//! The vendor's errors as failures of the contract.
//!
//! An error document holds `errors`, each with `code` and where it can be `source.pointer`. Titles and details are for
//! developers and are neither shown nor logged: citizens read the words of [`crate::words`] in their language.

use dialog_plugin_sdk::upstream::Response;
use dialog_plugin_sdk::{Failure, FieldError, Locale, Sent};
use serde::Deserialize;

use crate::words::Words;

/// Fields that are told at once.
const MAX_FIELDS: usize = 20;
/// Characters of a pointer that is handed on.
const MAX_POINTER: usize = 200;

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    errors: Vec<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    code: String,
    #[serde(default)]
    source: Option<Source>,
}

#[derive(Deserialize)]
struct Source {
    /// A JSON Pointer into the vendor's request.
    #[serde(default)]
    pointer: Option<String>,
}

/// Where in what the citizen sent an attribute of the vendor's request comes from: the attribute, the contract's pointer,
/// and whether what stands below the one stands below the other too.
pub type Pointers = [(&'static str, &'static str, Below)];

/// What becomes of a pointer that leads further down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    /// It leads to the same place in what the citizen sent.
    Same,
    /// The citizen is told the whole.
    Whole,
}

/// The answer where its status is 2xx; else what it means, in the citizen's language.
///
/// | status | code | failure |
/// | --- | --- | --- |
/// | 403 | `service-off`, `patient-blocked`, `too-late`, `meeting-not-open`, `meeting-over` | `declined` |
/// | 404 | `unknown-visit`, `unknown-booking`, `unknown-invoice`, `no-meeting` | `not-found` |
/// | 409 | `slot-taken`, `slot-changed`, `visit-closed`, `booking-cancelled`, `invoice-paid`, `payment-open` | `conflict` |
/// | 413 | `attachments-too-large` | `invalid`: the attachments |
/// | 422 | `invalid-attribute`, `triage-required`, `triage-outdated`, all from the citizen | `invalid` |
/// | all other | | as [`Response::success`] says |
///
/// # Errors
/// As the table says.
pub fn accepted(answer: Response, locale: Locale, pointers: &Pointers) -> Result<Response, Failure> {
    if (200..300).contains(&answer.status) {
        return Ok(answer);
    }
    let Refusal { errors } = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = errors.first().map_or("", |problem| problem.code.as_str()).to_owned();
    let words = match (answer.status, code.as_str()) {
        (403, "service-off") => Words::ServiceOff,
        (403, "patient-blocked") => Words::Blocked,
        (403, "too-late") => Words::TooLate,
        (403, "meeting-not-open") => Words::MeetingNotOpen,
        (403, "meeting-over") => Words::MeetingOver,
        (404, "no-meeting") => Words::NoMeeting,
        (404, "unknown-visit") => Words::UnknownVisit,
        (404, "unknown-booking") => Words::UnknownBooking,
        (404, "unknown-invoice") => Words::UnknownInvoice,
        (409, "slot-taken") => Words::SlotTaken,
        (409, "slot-changed") => Words::SlotChanged,
        (409, "visit-closed") => Words::VisitClosed,
        (409, "booking-cancelled") => Words::BookingCancelled,
        (409, "invoice-paid") => Words::InvoicePaid,
        (409, "payment-open") => Words::PaymentOpen,
        (413, "attachments-too-large") => {
            return Err(match pointers.iter().find(|(attribute, ..)| *attribute == "attachments") {
                Some((_, pointer, _)) => Words::FilesTooLarge.invalid(locale, pointer),
                None => unknown(answer, &code),
            });
        }
        (422, _) => return Err(fields(answer, &errors, locale, pointers)),
        _ => return Err(unknown(answer, &code)),
    };
    Err(match answer.status {
        403 => Failure::declined(code, words.text(locale)),
        404 => Failure::not_found(code, words.text(locale)),
        _ => Failure::conflict(code, words.text(locale)),
    })
}

/// Fields that the citizen can mend; where even one is not the citizen's, the plugin wrote it wrong.
fn fields(answer: Response, errors: &[Problem], locale: Locale, pointers: &Pointers) -> Failure {
    let mended: Option<Vec<FieldError>> = errors
        .iter()
        .take(MAX_FIELDS)
        .map(|problem| {
            let words = match problem.code.as_str() {
                "invalid-attribute" => Words::FieldRefused,
                "triage-required" => Words::TriageRequired,
                "triage-outdated" => Words::TriageOutdated,
                _ => return None,
            };
            let pointer = mended(problem.source.as_ref()?.pointer.as_deref()?, pointers)?;
            Some(FieldError { pointer, detail: words.text(locale).to_owned() })
        })
        .collect();
    match mended {
        Some(fields) if !fields.is_empty() => Failure::Invalid(fields),
        _ => unknown(answer, errors.first().map_or("", |problem| problem.code.as_str())),
    }
}

/// The vendor's pointer, as one into what the citizen sent.
fn mended(pointer: &str, pointers: &Pointers) -> Option<String> {
    let place = pointer.strip_prefix("/data/attributes/")?;
    let (attribute, below) = match place.find('/') {
        Some(at) => place.split_at(at),
        None => (place, ""),
    };
    let (_, ours, rule) = pointers.iter().find(|(known, ..)| *known == attribute)?;
    let one_line = below.chars().count() <= MAX_POINTER && !below.chars().any(char::is_control);
    Some(if *rule == Below::Same && one_line { format!("{ours}{below}") } else { (*ours).to_owned() })
}

/// What the status alone says, with the vendor's code for the operator where it looks like one.
fn unknown(answer: Response, code: &str) -> Failure {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    let code = if !code.is_empty() && code.len() <= 40 && code.bytes().all(plain) {
        format!(", {code}")
    } else {
        String::new()
    };
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

/// A failure before anything of the citizen's was handed over, whatever happened to the request.
#[must_use]
pub fn nothing_sent(failure: Failure) -> Failure {
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
