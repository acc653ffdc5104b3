//! The vendor's codes as failures of the contract.
//!
//! | code | failure |
//! | --- | --- |
//! | `SERVICE_OFF`, `PATIENT_BLOCKED`, `SICK_NOTE_NOT_FOUND`, `SICK_NOTE_NEEDS_VISIT` without fields | `declined` |
//! | `THREAD_NOT_FOUND`, `PATIENT_NOT_FOUND`, `SURVEY_NOT_FOUND` | `not-found` |
//! | `THREAD_CLOSED`, `SURVEY_CLOSED`, `SURVEY_ANSWERED` | `conflict` |
//! | `INPUT_INVALID`, `RENEWAL_NOT_ALLOWED`, `SICK_NOTE_OTHER_DAY` and `SICK_NOTE_NEEDS_VISIT` with fields of the citizen's, `DOCUMENTS_TOO_LARGE` | `invalid` |
//! | `THROTTLED`, `MAINTENANCE`, `CLIENT_UNKNOWN` | `unavailable`, nothing sent |
//! | `INTERNAL_SERVER_ERROR`, `TIMEOUT`, and any where the field is null because of a part of it | `unavailable`, sent unknown |
//! | all other, with status 200 | `faulty`, nothing sent: the vendor refused what the plugin wrote |

use dialog_plugin_sdk::upstream::Response;
use dialog_plugin_sdk::{Failure, FieldError, Locale, Sent};

use crate::UPSTREAM;
use crate::graphql::{Error, Extensions};
use crate::operation::Operation;
use crate::words::Words;

/// Fields that are told at once.
const MAX_FIELDS: usize = 20;

/// Where in what the citizen sent a field of the vendor's input comes from: vendor's field, contract's pointer. What
/// stands below the field is below the pointer too.
pub type Pointers = [(&'static str, &'static str)];

/// What an error in place of the field of the root means, in the citizen's language.
#[must_use]
pub fn refused(operation: Operation, error: &Error, locale: Locale, pointers: &Pointers) -> Failure {
    let Extensions { code, fields, retry_after } = &error.extensions;
    let of = |words: Words| (code.clone(), words.text(locale));
    let detail = || format!("upstream `{UPSTREAM}` refused {}{}", operation.name, plain(code));
    if error.path.len() > 1 {
        // It was executed, and what is told of it broke.
        return Failure::unavailable(Sent::Unknown, detail()).retry_after(*retry_after);
    }
    let words = match code.as_str() {
        "SERVICE_OFF" => Words::ServiceOff,
        "PATIENT_BLOCKED" => Words::Blocked,
        "THREAD_NOT_FOUND" => Words::UnknownThread,
        "PATIENT_NOT_FOUND" => Words::UnknownPatient,
        "SURVEY_NOT_FOUND" => Words::UnknownSurvey,
        "THREAD_CLOSED" => Words::ThreadClosed,
        "SURVEY_CLOSED" => Words::SurveyClosed,
        "SURVEY_ANSWERED" => Words::SurveyAnswered,
        "SICK_NOTE_NOT_FOUND" => Words::NoSickNote,
        "SICK_NOTE_NEEDS_VISIT" if fields.is_empty() => Words::NeedsVisit,
        "INPUT_INVALID" | "RENEWAL_NOT_ALLOWED" | "SICK_NOTE_OTHER_DAY" | "SICK_NOTE_NEEDS_VISIT" => {
            let words = match code.as_str() {
                "RENEWAL_NOT_ALLOWED" => Words::NotRenewable,
                "SICK_NOTE_OTHER_DAY" => Words::OtherDay,
                "SICK_NOTE_NEEDS_VISIT" => Words::NeedsVisit,
                _ => Words::FieldRefused,
            };
            return invalid(fields, words, locale, pointers).unwrap_or_else(|| Failure::faulty(Sent::No, detail()));
        }
        "DOCUMENTS_TOO_LARGE" => {
            let fields = ["/documents".to_owned()];
            return invalid(&fields, Words::FilesTooLarge, locale, pointers)
                .unwrap_or_else(|| Failure::faulty(Sent::No, detail()));
        }
        "THROTTLED" | "MAINTENANCE" | "CLIENT_UNKNOWN" => {
            return Failure::unavailable(Sent::No, detail()).retry_after(*retry_after);
        }
        "INTERNAL_SERVER_ERROR" | "TIMEOUT" => {
            return Failure::unavailable(Sent::Unknown, detail()).retry_after(*retry_after);
        }
        _ => return Failure::faulty(Sent::No, detail()),
    };
    let (code, text) = of(words);
    match words {
        Words::ServiceOff | Words::Blocked | Words::NoSickNote | Words::NeedsVisit => Failure::declined(code, text),
        Words::UnknownThread | Words::UnknownPatient | Words::UnknownSurvey => Failure::not_found(code, text),
        _ => Failure::conflict(code, text),
    }
}

/// Fields that the citizen can mend; none where even one is not the citizen's: the plugin wrote it wrong.
fn invalid(fields: &[String], words: Words, locale: Locale, pointers: &Pointers) -> Option<Failure> {
    let mended: Option<Vec<FieldError>> = fields
        .iter()
        .take(MAX_FIELDS)
        .map(|field| {
            let (rest, pointer) =
                pointers.iter().find_map(|(known, pointer)| Some((field.strip_prefix(known)?, pointer)))?;
            let is_index = |index: &str| !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
            let below = rest.is_empty() || rest.strip_prefix('/').is_some_and(is_index);
            let detail = words.text(locale).to_owned();
            below.then(|| FieldError { pointer: format!("{pointer}{rest}"), detail })
        })
        .collect();
    mended.filter(|fields| !fields.is_empty()).map(Failure::Invalid)
}

/// What a status that is no success means, with the vendor's code for the operator.
#[must_use]
pub fn of_status(response: Response, error: &Error) -> Failure {
    let code = plain(&error.extensions.code);
    let wait = error.extensions.retry_after;
    let unsuccessful = Failure::faulty(Sent::Unknown, "upstream `api` answered with neither success nor failure");
    match response.success().err().unwrap_or(unsuccessful) {
        Failure::Unavailable(mut outage) => {
            outage.detail.push_str(&code);
            outage.retry_after = outage.retry_after.or(wait);
            Failure::Unavailable(outage)
        }
        Failure::Faulty(mut fault) => {
            fault.detail.push_str(&code);
            Failure::Faulty(fault)
        }
        failure => failure,
    }
}

/// A failure of an operation that only reads, though it is a POST: nothing was handed over, whatever happened.
#[must_use]
pub fn of_a_query(failure: Failure) -> Failure {
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

/// The vendor's code for the operator, where it looks like one.
#[must_use]
pub fn plain(code: &str) -> String {
    let is_code = !code.is_empty() && code.len() <= 40 && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    if is_code { format!(", {code}") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::OPEN_THREAD;

    fn judged(code: &str, fields: &[&str]) -> Failure {
        let fields = fields.iter().map(|&field| field.to_owned()).collect();
        let extensions = Extensions { code: code.to_owned(), fields, retry_after: None };
        let error = Error { path: Vec::new(), extensions };
        let pointers =
            [("/items", "/request/items"), ("/post/text", "/message/text"), ("/sickNote/degree", "/request/degree")];
        refused(OPEN_THREAD, &error, Locale::En, &pointers)
    }

    #[test]
    fn a_field_of_the_citizens_is_pointed_at_and_any_other_is_the_plugins_fault() {
        let Failure::Invalid(errors) = judged("RENEWAL_NOT_ALLOWED", &["/items/1"]) else { unreachable!("another") };
        assert_eq!(errors[0].pointer, "/request/items/1");
        for fields in [&["/items/1", "/patient"][..], &[], &["/itemsx"], &["/items/1/key"], &["/items/"]] {
            assert!(matches!(judged("INPUT_INVALID", fields), Failure::Faulty(_)), "{fields:?}");
        }
    }

    #[test]
    fn a_sick_note_that_needs_a_visit_is_pointed_at_where_a_field_is_the_reason_and_declined_else() {
        let Failure::Declined(_) = judged("SICK_NOTE_NEEDS_VISIT", &[]) else { unreachable!("another") };
        let Failure::Declined(_) = judged("SICK_NOTE_NOT_FOUND", &[]) else { unreachable!("another") };
        let Failure::Invalid(errors) = judged("SICK_NOTE_NEEDS_VISIT", &["/sickNote/degree"]) else {
            unreachable!("another")
        };
        assert_eq!(errors[0].pointer, "/request/degree");
        assert!(matches!(judged("SICK_NOTE_OTHER_DAY", &[]), Failure::Faulty(_)), "no field of the citizen's");
    }

    #[test]
    fn a_code_that_is_none_is_not_repeated() {
        for code in ["23869247251", "", "Leila Torg", "A\nB"] {
            assert_eq!(plain(code), "", "{code}");
        }
        assert_eq!(plain("THREAD_CLOSED"), ", THREAD_CLOSED");
    }
}
