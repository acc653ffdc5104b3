//! What citizens read, in Bokmål, Nynorsk and English: all of it stands here.

use dialog_contract::{
    dialog::Status,
    service::{Closing, Locale},
};

/// One text in three languages.
macro_rules! text {
    ($locale:expr, $nb:expr, $nn:expr, $en:expr $(,)?) => {
        match $locale {
            Locale::Nb => $nb,
            Locale::Nn => $nn,
            Locale::En => $en,
        }
    };
}

/// A change of status.
pub(crate) const fn status(status: &Status, locale: Locale) -> &'static str {
    match status {
        Status::Queued => text!(
            locale,
            "Venter på å bli sendt til legekontoret.",
            "Ventar på å bli sendt til legekontoret.",
            "Waiting to be sent to the office.",
        ),
        Status::AwaitingOffice => {
            text!(
                locale,
                "Venter på svar fra legekontoret.",
                "Ventar på svar frå legekontoret.",
                "Waiting for the office."
            )
        }
        Status::AwaitingCitizen => text!(locale, "Venter på deg.", "Ventar på deg.", "Waiting for you."),
        Status::Uncertain => text!(
            locale,
            "Vi vet ikke om legekontoret har fått dette.",
            "Vi veit ikkje om legekontoret har fått dette.",
            "We do not know whether the office has received this.",
        ),
        Status::Closed { outcome, .. } => match outcome {
            Closing::Answered => text!(locale, "Avsluttet: besvart.", "Avslutta: svart på.", "Closed: answered."),
            Closing::Declined => {
                text!(
                    locale,
                    "Avsluttet: avslått av legekontoret.",
                    "Avslutta: avslått av legekontoret.",
                    "Closed: declined by the office."
                )
            }
            Closing::Withdrawn => {
                text!(
                    locale,
                    "Avsluttet: trukket tilbake av deg.",
                    "Avslutta: trekt tilbake av deg.",
                    "Closed: withdrawn by you."
                )
            }
            Closing::Redirected => text!(
                locale,
                "Avsluttet: legekontoret ber deg bruke en annen tjeneste.",
                "Avslutta: legekontoret ber deg bruke ei anna teneste.",
                "Closed: the office asks you to use another service.",
            ),
            Closing::Expired => {
                text!(
                    locale,
                    "Avsluttet: ikke besvart i tide.",
                    "Avslutta: ikkje svart på i tide.",
                    "Closed: not answered in time."
                )
            }
        },
    }
}
