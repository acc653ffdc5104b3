//! The vendor's errors as failures of the contract.
//!
//! An error is `{"code", "message"}`, with `fields` where the code is `FIELD_INVALID`. The message is for developers and
//! is neither shown nor logged: citizens read the words of [`crate::words`] in their language.

use dialog_plugin_sdk::upstream::{Error, Response};
use dialog_plugin_sdk::{Failure, FieldError, Locale, Sent};
use serde::Deserialize;

use crate::words::Words;

/// Fields that are told at once.
const MAX_FIELDS: usize = 20;

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    code: String,
    #[serde(default)]
    fields: Vec<Field>,
}

#[derive(Deserialize)]
struct Field {
    /// A JSON Pointer into the vendor's request.
    field: String,
}

/// Where in what the citizen sent a field of the vendor's request comes from: vendor's field, contract's pointer.
pub type Pointers = [(&'static str, &'static str)];

/// The answer where its status is 2xx; else what it means, in the citizen's language.
///
/// | status | code | failure |
/// | --- | --- | --- |
/// | 403 | `SERVICE_OFF`, `PATIENT_BLOCKED`, `TOO_LATE`, `ROOM_NOT_OPEN`, `ROOM_CLOSED` | `declined` |
/// | 404 | `UNKNOWN_CASE`, `UNKNOWN_BOOKING`, `UNKNOWN_PATIENT`, `UNKNOWN_FEE`, `NO_ROOM` | `not-found` |
/// | 409 | `OPENING_TAKEN`, `OPENING_CHANGED`, `CASE_CLOSED`, `BOOKING_CANCELLED`, `FEE_OPEN`, `FEE_PAID` | `conflict` |
/// | 413 | `FILES_TOO_LARGE` | `invalid`: the attachments |
/// | 422 | `FIELD_INVALID`, all fields from the citizen | `invalid` |
/// | all other | | as [`Response::success`] says |
///
/// # Errors
/// As the table says.
pub fn accepted(answer: Response, locale: Locale, pointers: &Pointers) -> Result<Response, Failure> {
    if (200..300).contains(&answer.status) {
        return Ok(answer);
    }
    let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
    let words = match (answer.status, refusal.code.as_str()) {
        (403, "SERVICE_OFF") => Words::ServiceOff,
        (403, "PATIENT_BLOCKED") => Words::Blocked,
        (403, "TOO_LATE") => Words::TooLate,
        (403, "ROOM_NOT_OPEN") => Words::RoomNotOpen,
        (403, "ROOM_CLOSED") => Words::RoomClosed,
        (404, "UNKNOWN_CASE") => Words::UnknownCase,
        (404, "UNKNOWN_BOOKING") => Words::UnknownBooking,
        (404, "UNKNOWN_PATIENT") => Words::UnknownPatient,
        (404, "UNKNOWN_FEE") => Words::UnknownFee,
        (404, "NO_ROOM") => Words::NoRoom,
        (409, "FEE_OPEN") => Words::FeeOpen,
        (409, "FEE_PAID") => Words::FeePaid,
        (409, "OPENING_TAKEN") => Words::OpeningTaken,
        (409, "OPENING_CHANGED") => Words::OpeningChanged,
        (409, "CASE_CLOSED") => Words::CaseClosed,
        (409, "BOOKING_CANCELLED") => Words::BookingCancelled,
        (413, "FILES_TOO_LARGE") => {
            if let Some((_, pointer)) = pointers.iter().find(|(field, _)| *field == "/files") {
                return Err(Failure::invalid(*pointer, Words::FilesTooLarge.text(locale)));
            }
            return Err(unknown(answer, &refusal.code));
        }
        (422, "FIELD_INVALID") => return Err(fields(answer, &refusal, locale, pointers)),
        _ => return Err(unknown(answer, &refusal.code)),
    };
    Err(match answer.status {
        403 => Failure::declined(refusal.code, words.text(locale)),
        404 => Failure::not_found(refusal.code, words.text(locale)),
        _ => Failure::conflict(refusal.code, words.text(locale)),
    })
}

/// Fields that the citizen can mend; where even one is not the citizen's, the plugin wrote it wrong.
fn fields(answer: Response, refusal: &Refusal, locale: Locale, pointers: &Pointers) -> Failure {
    let mended: Option<Vec<FieldError>> = refusal
        .fields
        .iter()
        .take(MAX_FIELDS)
        .map(|Field { field }| {
            let (_, pointer) = pointers.iter().find(|(known, _)| field.starts_with(known))?;
            let detail = Words::FieldRefused.text(locale).to_owned();
            Some(FieldError { pointer: (*pointer).to_owned(), detail })
        })
        .collect();
    match mended {
        Some(fields) if !fields.is_empty() => Failure::Invalid(fields),
        _ => unknown(answer, &refusal.code),
    }
}

/// What the status alone says, with the vendor's code for the operator where it looks like one.
fn unknown(answer: Response, code: &str) -> Failure {
    let code = if !code.is_empty() && code.len() <= 40 && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
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

/// A failure of a request that only reads, though the vendor wants it as a POST so that the patient's number stands in
/// no URL: nothing was handed over, whatever happened.
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

/// Sends a request that changes something.
///
/// # Errors
/// As [`accepted`], and as the SDK says where there is no answer.
pub fn sent(answer: Result<Response, Error>, locale: Locale, pointers: &Pointers) -> Result<Response, Failure> {
    accepted(answer?, locale, pointers)
}
