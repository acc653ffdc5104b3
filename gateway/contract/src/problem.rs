//! The closed list of errors of the portal's API (RFC 9457), each with its status and its texts in three languages.
//!
//! Every failure of the domain, of a provider or of the platform becomes one of these, so that the portal can always
//! tell them apart and the citizen is always told whether anything was sent.

use serde::{Deserialize, Serialize};

use crate::{
    provider::FieldError,
    service::{Locale, Sent},
};

/// The body of an error, `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Problem {
    /// `urn:dialog:problem:` and the name of the [`ProblemType`].
    #[serde(rename = "type")]
    pub kind: String,
    /// The type in a few words, in the citizen's language.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened here and what can be done, in the citizen's language; in English where it is for the operator.
    pub detail: String,
    /// Why, in one word, for programs: where the type has more than one why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `urn:uuid:` and the id of the request.
    pub instance: String,
    /// W3C trace id, for whoever asks the operator about it.
    pub trace_id: String,
    /// The fields that can be mended, where there are some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Whether anything was sent to the provider.
    pub sent: Sent,
}

macro_rules! problem_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal, $nb:literal, $nn:literal, $en:literal;)+) => {
        /// Which error. The name is stable; the texts are for people.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ProblemType {
            $($(#[$doc])* $variant,)+
        }

        impl ProblemType {
            /// Every type, in the order of the contract.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The stable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$variant => $status,)+
                }
            }

            /// The type in a few words.
            #[must_use]
            pub const fn title(self, locale: Locale) -> &'static str {
                match (self, locale) {
                    $((Self::$variant, Locale::Nb) => $nb,
                    (Self::$variant, Locale::Nn) => $nn,
                    (Self::$variant, Locale::En) => $en,)+
                }
            }
        }
    };
}

problem_types! {
    /// The request is not well-formed: JSON, query, header or path.
    Malformed = "malformed", 400, "Forespørselen er ikke riktig utformet", "Førespurnaden er ikkje rett utforma", "The request is not well-formed";
    /// A POST without `Idempotency-Key`.
    IdempotencyKeyMissing = "idempotency-key-missing", 400, "Idempotency-Key mangler", "Idempotency-Key manglar", "Idempotency-Key is missing";
    /// There is no valid token.
    Unauthenticated = "unauthenticated", 401, "Du må logge inn", "Du må logge inn", "You must log in";
    /// The login is not at the highest level.
    LevelTooLow = "level-too-low", 403, "Innloggingen er ikke på høyeste sikkerhetsnivå", "Innlogginga er ikkje på høgaste tryggingsnivå", "The login is not at the highest security level";
    /// The token does not allow this.
    NotPermitted = "not-permitted", 403, "Du har ikke tilgang til dette", "Du har ikkje tilgang til dette", "You are not permitted to do this";
    /// The office does not offer the service, or has switched it off.
    ServiceNotOffered = "service-not-offered", 403, "Legekontoret tilbyr ikke denne tjenesten", "Legekontoret tilbyr ikkje denne tenesta", "The office does not offer this service";
    /// The dialog is one-way (EKI) or the office allows no reply.
    ReplyNotAllowed = "reply-not-allowed", 403, "Denne meldingen kan ikke besvares", "Denne meldinga kan ikkje svarast på", "This message cannot be replied to";
    /// The office says no.
    Declined = "declined", 403, "Legekontoret har avslått", "Legekontoret har avslått", "The office has declined";
    /// There is no such thing, or it is not yours.
    NotFound = "not-found", 404, "Finnes ikke", "Finst ikkje", "Not found";
    /// The citizen has no GP in the directory.
    NoPractice = "no-practice", 404, "Vi finner ikke fastlegen din", "Vi finn ikkje fastlegen din", "We cannot find your GP";
    /// The path exists, not with this method.
    MethodNotAllowed = "method-not-allowed", 405, "Metoden er ikke tillatt her", "Metoden er ikkje tillaten her", "The method is not allowed here";
    /// None of the media types asked for can be given.
    NotAcceptable = "not-acceptable", 406, "Formatet det spørres etter finnes ikke", "Formatet det vert spurt etter finst ikkje", "The requested format is not available";
    /// The same request is still running.
    StillRunning = "still-running", 409, "Den samme forespørselen behandles allerede", "Den same førespurnaden er alt under handsaming", "The same request is still being processed";
    /// What was asked for is gone or taken.
    Conflict = "conflict", 409, "Ikke lenger ledig", "Ikkje lenger ledig", "No longer available";
    /// The dialog has ended.
    DialogClosed = "dialog-closed", 409, "Dialogen er avsluttet", "Dialogen er avslutta", "The dialog is closed";
    /// No earlier version of a plugin can be gone back to.
    RollbackRefused = "rollback-refused", 409, "Det er ikke mulig å gå tilbake", "Det er ikkje mogleg å gå tilbake", "There is no going back";
    /// `If-Match` names another revision.
    PreconditionFailed = "precondition-failed", 412, "Noe er endret siden sist", "Noko er endra sidan sist", "It has changed since";
    /// The body or a part of it is over a limit of `/v1/limits`.
    TooLarge = "too-large", 413, "For stort", "For stort", "Too large";
    /// The body's or an attachment's kind is not accepted.
    UnsupportedMediaType = "unsupported-media-type", 415, "Formatet støttes ikke", "Formatet er ikkje støtta", "The format is not supported";
    /// Fields can be mended: by the schema, by the domain or by the provider.
    Invalid = "invalid", 422, "Noe må rettes", "Noko må rettast", "Something must be corrected";
    /// A plugin's package is not one that the gateway takes, or that it runs any longer.
    PackageRefused = "package-refused", 422, "Pakken er ikke godtatt", "Pakken er ikkje godteken", "The package is not accepted";
    /// The idempotency key was used before with another request.
    IdempotencyKeyReused = "idempotency-key-reused", 422, "Idempotency-Key er brukt før med et annet innhold", "Idempotency-Key er brukt før med eit anna innhald", "Idempotency-Key was used before with other content";
    /// Too many requests from this caller.
    TooManyRequests = "too-many-requests", 429, "For mange forespørsler", "For mange førespurnader", "Too many requests";
    /// A defect of the gateway.
    Internal = "internal", 500, "Noe gikk galt hos oss", "Noko gjekk gale hos oss", "Something went wrong on our side";
    /// The provider's answer could not be understood, or its plugin failed.
    ProviderFaulty = "provider-faulty", 502, "Legekontorets løsning svarte ikke forståelig", "Løysinga til legekontoret svarte ikkje forståeleg", "The office's solution gave no understandable answer";
    /// The provider cannot be reached or is busy.
    ProviderUnavailable = "provider-unavailable", 503, "Legekontorets løsning er ikke tilgjengelig nå", "Løysinga til legekontoret er ikkje tilgjengeleg no", "The office's solution is not available now";
    /// The gateway is full, starting or stopping, or cannot write its store or its audit log.
    Unavailable = "unavailable", 503, "Tjenesten er ikke tilgjengelig nå", "Tenesta er ikkje tilgjengeleg no", "The service is not available now";
}

impl ProblemType {
    /// The URI of the type.
    #[must_use]
    pub fn uri(self) -> String {
        format!("urn:dialog:problem:{}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_problem_has_a_name_and_a_title_of_its_own_in_each_language() {
        let names: BTreeSet<&str> = ProblemType::ALL.iter().map(|problem| problem.name()).collect();
        assert_eq!(names.len(), ProblemType::ALL.len());
        for locale in Locale::ALL {
            let titles: BTreeSet<&str> = ProblemType::ALL.iter().map(|problem| problem.title(*locale)).collect();
            assert_eq!(titles.len(), ProblemType::ALL.len(), "{locale}");
            assert!(titles.iter().all(|title| title.chars().count() >= 8 || *title == "For stort"), "{titles:?}");
        }
    }

    #[test]
    fn names_are_plain_and_statuses_are_errors() {
        for problem in ProblemType::ALL {
            assert!(problem.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
            assert!((400..600).contains(&problem.status()));
            assert_eq!(problem.uri(), format!("urn:dialog:problem:{}", problem.name()));
        }
    }
}
