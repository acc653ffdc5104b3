//! Building failures. What each means to the citizen stands at [`Failure`].

use crate::types::{Failure, Fault, FieldError, Outage, Reason, Sent};

/// Characters of a detail for the operator, by the contract.
const MAX_DETAIL: usize = 500;

impl Failure {
    /// The citizen can mend one field: `pointer` is a JSON Pointer into what they sent, `detail` is in their language.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { pointer: pointer.into(), detail: detail.into() }])
    }

    /// The office says no; `text` is in the citizen's language.
    pub fn declined(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Declined(Reason { code: code.into(), text: text.into() })
    }

    /// What was asked for is gone or taken; `text` is in the citizen's language.
    pub fn conflict(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Conflict(Reason { code: code.into(), text: text.into() })
    }

    /// The provider has no such thing for this citizen; `text` is in the citizen's language.
    pub fn not_found(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self::NotFound(Reason { code: code.into(), text: text.into() })
    }

    /// The provider cannot be reached or is busy; `detail` is for the operator, without content.
    pub fn unavailable(sent: Sent, detail: impl Into<String>) -> Self {
        Self::Unavailable(Outage { retry_after: None, sent, detail: clipped(detail.into()) })
    }

    /// The provider's answer could not be understood; `detail` is for the operator, without content.
    pub fn faulty(sent: Sent, detail: impl Into<String>) -> Self {
        Self::Faulty(Fault { sent, detail: clipped(detail.into()) })
    }

    /// Seconds until it is worth trying again. Means something for `unavailable` only.
    #[must_use]
    pub fn retry_after(mut self, seconds: Option<u32>) -> Self {
        if let Self::Unavailable(outage) = &mut self {
            outage.retry_after = seconds;
        }
        self
    }

    /// The failure in a line for the operator, without content.
    #[must_use]
    pub fn detail(&self) -> &str {
        match self {
            Self::Unavailable(outage) => &outage.detail,
            Self::Faulty(fault) => &fault.detail,
            Self::Declined(reason) | Self::Conflict(reason) | Self::NotFound(reason) => &reason.code,
            Self::Invalid(_) => "invalid",
        }
    }

    /// Says that more was sent than the failing step knows of: a plugin that has handed something over and then fails
    /// on a look-up writes `.map_err(|failure| failure.sent_at_least(Sent::Yes))`.
    #[must_use]
    pub fn sent_at_least(mut self, known: Sent) -> Self {
        if let Self::Unavailable(Outage { sent, .. }) | Self::Faulty(Fault { sent, .. }) = &mut self {
            *sent = match (*sent, known) {
                (Sent::Yes, _) | (_, Sent::Yes) => Sent::Yes,
                (Sent::Unknown, _) | (_, Sent::Unknown) => Sent::Unknown,
                (Sent::No, Sent::No) => Sent::No,
            };
        }
        self
    }
}

fn clipped(mut detail: String) -> String {
    if let Some((end, _)) = detail.char_indices().nth(MAX_DETAIL) {
        detail.truncate(end);
    }
    detail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_is_cut_to_what_the_contract_allows() {
        let Failure::Faulty(fault) = Failure::faulty(Sent::No, "æ".repeat(600)) else {
            unreachable!("another failure")
        };
        assert_eq!(fault.detail.chars().count(), MAX_DETAIL);
    }

    #[test]
    fn what_was_sent_before_is_never_forgotten() {
        for (step, known, all) in [
            (Sent::No, Sent::Yes, Sent::Yes),
            (Sent::Unknown, Sent::No, Sent::Unknown),
            (Sent::No, Sent::Unknown, Sent::Unknown),
            (Sent::Yes, Sent::Unknown, Sent::Yes),
            (Sent::No, Sent::No, Sent::No),
        ] {
            assert_eq!(Failure::unavailable(step, "x").sent_at_least(known), Failure::unavailable(all, "x"));
        }
    }

    #[test]
    fn only_an_outage_has_a_time_to_wait() {
        assert_eq!(Failure::faulty(Sent::No, "x").retry_after(Some(3)), Failure::faulty(Sent::No, "x"));
        assert_ne!(Failure::unavailable(Sent::No, "x").retry_after(Some(3)), Failure::unavailable(Sent::No, "x"));
    }
}
