//! How a call fails. A failure that is too wordy is cut, not refused: a no must not become a fault.

use dialog_contract::{
    limits::returned,
    provider::{Failure, Fault, FieldError, Outage, Reason},
    service::Sent,
};

use crate::{
    bindings::host::types, capabilities::upstream::Sending, convert::answer::Violation, limits::RETRY_AFTER_SECONDS,
    scrub,
};

/// A failure as the plugin says it, with `sent` corrected by what the host saw.
///
/// # Errors
/// An `invalid` without a field, which nobody could mend.
pub(crate) fn failure(failure: types::Failure, sending: Sending) -> Result<Failure, Violation> {
    Ok(match failure {
        types::Failure::Invalid(fields) => {
            if fields.is_empty() {
                return Err(Violation { place: "failure.invalid".to_owned(), rule: "names no field".to_owned() });
            }
            Failure::Invalid(
                fields
                    .into_iter()
                    .take(returned::FIELDS)
                    .map(|field| FieldError {
                        pointer: line(&field.pointer, returned::POINTER_CHARACTERS),
                        detail: line(&field.detail, returned::SHORT_TEXT_CHARACTERS),
                    })
                    .collect(),
            )
        }
        types::Failure::Declined(why) => Failure::Declined(reason(&why)),
        types::Failure::Conflict(why) => Failure::Conflict(reason(&why)),
        types::Failure::NotFound(why) => Failure::NotFound(reason(&why)),
        types::Failure::Unavailable(outage) => Failure::Unavailable(Outage {
            retry_after: outage.retry_after.map(|seconds| seconds.min(RETRY_AFTER_SECONDS)),
            sent: sending.corrected(sent(outage.sent)),
            detail: scrub::line(&outage.detail, returned::DETAIL_BYTES),
        }),
        types::Failure::Faulty(fault) => Failure::Faulty(Fault {
            sent: sending.corrected(sent(fault.sent)),
            detail: scrub::line(&fault.detail, returned::DETAIL_BYTES),
        }),
    })
}

fn reason(reason: &types::Reason) -> Reason {
    Reason {
        code: line(&reason.code, returned::REASON_CODE_CHARACTERS),
        text: paragraphs(&reason.text, returned::REASON_CHARACTERS),
    }
}

fn line(text: &str, most: usize) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(most).collect()
}

fn paragraphs(text: &str, most: usize) -> String {
    text.chars().filter(|letter| !letter.is_control() || *letter == '\n').take(most).collect()
}

const fn sent(sent: types::Sent) -> Sent {
    match sent {
        types::Sent::No => Sent::No,
        types::Sent::Yes => Sent::Yes,
        types::Sent::Unknown => Sent::Unknown,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_no_that_is_too_long_is_still_a_no() {
        let said = types::Reason { code: "x\n".repeat(100), text: "æ".repeat(5_000) };
        let Failure::Declined(reason) = failure(types::Failure::Declined(said), Sending::default()).unwrap() else {
            unreachable!()
        };
        assert_eq!((reason.code.chars().count(), reason.text.chars().count()), (64, 2_000));
        assert!(!reason.code.contains('\n'));
    }

    #[test]
    fn an_invalid_that_nobody_could_mend_breaks_the_contract() {
        assert!(failure(types::Failure::Invalid(Vec::new()), Sending::default()).is_err());
    }

    #[test]
    fn nobody_is_told_to_come_back_in_a_hundred_years() {
        let said = types::Outage { retry_after: Some(u32::MAX), sent: types::Sent::No, detail: String::new() };
        let Failure::Unavailable(outage) = failure(types::Failure::Unavailable(said), Sending::default()).unwrap()
        else {
            unreachable!()
        };
        assert_eq!(outage.retry_after, Some(86_400));
    }

    #[test]
    fn details_for_the_operator_cannot_forge_lines() {
        let said = types::Fault { sent: types::Sent::Yes, detail: "a\nERROR b".to_owned() };
        let Failure::Faulty(fault) = failure(types::Failure::Faulty(said), Sending::default()).unwrap() else {
            unreachable!()
        };
        assert_eq!((fault.detail.as_str(), fault.sent), ("a\\nERROR b", Sent::Yes));
    }
}
