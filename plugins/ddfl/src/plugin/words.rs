//! What citizens read, in their language.

use dialog_plugin_sdk::{Failure, Locale};

/// Something that the plugin tells a citizen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// The office's record system does not have this service.
    NotOffered,
    /// The office's record system cannot take messages on behalf of another.
    NoRepresentation,
    /// Nothing can be written in this dialog.
    NoReply,
    /// Video is not part of this solution.
    NoVideo,
    /// A required text is empty.
    TextMissing,
    /// The text is too long; the limit follows.
    TextTooLong,
    /// Files cannot go along here.
    NoFiles,
    /// A file of a kind that record systems do not take.
    FileKind,
    /// The solution has no forms.
    NoForm,
    /// What should be an electronic prescription is not one.
    NotAPrescription,
    /// The slot is taken.
    SlotTaken,
    /// The office said no.
    Rejected,
    /// The citizen may not use the service at this office.
    NoAccess,
    /// The appointment could not be cancelled.
    NotCancelled,
    /// No such appointment is known.
    NoAppointment,
    /// The new appointment is booked, the old one is not cancelled.
    OldNotCancelled,
}

impl Words {
    /// In a language.
    #[must_use]
    pub const fn text(self, locale: Locale) -> &'static str {
        let (nb, nn, en) = self.all();
        match locale {
            Locale::Nb => nb,
            Locale::Nn => nn,
            Locale::En => en,
        }
    }

    /// The code that the operator sees beside it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotOffered => "process-not-supported",
            Self::NoRepresentation => "representation-not-supported",
            Self::NoReply => "no-reply",
            Self::NoVideo => "no-video",
            Self::TextMissing => "text-missing",
            Self::TextTooLong => "text-too-long",
            Self::NoFiles => "no-files",
            Self::FileKind => "file-kind",
            Self::NoForm => "no-form",
            Self::NotAPrescription => "not-a-prescription",
            Self::SlotTaken => "06",
            Self::Rejected => "26",
            Self::NoAccess => "30",
            Self::NotCancelled => "09",
            Self::NoAppointment => "no-appointment",
            Self::OldNotCancelled => "old-not-cancelled",
        }
    }

    /// A no.
    #[must_use]
    pub fn declined(self, locale: Locale) -> Failure {
        Failure::declined(self.code(), self.text(locale))
    }

    /// A field that the citizen can mend.
    #[must_use]
    pub fn invalid(self, locale: Locale, pointer: &str) -> Failure {
        Failure::invalid(pointer, self.text(locale))
    }

    const fn all(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::NotOffered => (
                "Legekontoret tilbyr ikke denne tjenesten her. Ingenting er sendt.",
                "Legekontoret tilbyr ikkje denne tenesta her. Ingenting er sendt.",
                "The office does not offer this service here. Nothing was sent.",
            ),
            Self::NoRepresentation => (
                "Legekontoret kan ikke ta imot dette på vegne av andre. Ingenting er sendt.",
                "Legekontoret kan ikkje ta imot dette på vegner av andre. Ingenting er sendt.",
                "The office cannot receive this on behalf of someone else. Nothing was sent.",
            ),
            Self::NoReply => (
                "Det er ikke mulig å svare i denne dialogen. Start en ny.",
                "Det er ikkje mogleg å svare i denne dialogen. Start ein ny.",
                "It is not possible to write in this dialog. Start a new one.",
            ),
            Self::NoVideo => (
                "Legekontoret har ikke videokonsultasjon her. Ingenting er sendt.",
                "Legekontoret har ikkje videokonsultasjon her. Ingenting er sendt.",
                "The office has no video consultation here. Nothing was sent.",
            ),
            Self::TextMissing => ("Skriv en tekst.", "Skriv ein tekst.", "Write a text."),
            Self::TextTooLong => (
                "Teksten er for lang for legekontorets system.",
                "Teksten er for lang for systemet til legekontoret.",
                "The text is too long for the office's system.",
            ),
            Self::NoFiles => (
                "Her kan du ikke legge ved filer.",
                "Her kan du ikkje leggje ved filer.",
                "Files cannot be attached here.",
            ),
            Self::FileKind => {
                ("Legg ved JPEG, PNG eller PDF.", "Legg ved JPEG, PNG eller PDF.", "Attach JPEG, PNG or PDF.")
            }
            Self::NoForm => (
                "Legekontoret har ikke noe skjema her.",
                "Legekontoret har ikkje noko skjema her.",
                "The office has no form here.",
            ),
            Self::NotAPrescription => (
                "Dette er ikke en gyldig e-resept.",
                "Dette er ikkje ein gyldig e-resept.",
                "This is not a valid electronic prescription.",
            ),
            Self::SlotTaken => (
                "Timen er ikke lenger ledig. Ingenting er bestilt.",
                "Timen er ikkje lenger ledig. Ingenting er bestilt.",
                "The slot is no longer free. Nothing was booked.",
            ),
            Self::Rejected => (
                "Legekontoret avviste forespørselen.",
                "Legekontoret avviste førespurnaden.",
                "The office rejected the request.",
            ),
            Self::NoAccess => (
                "Du har ikke tilgang til denne tjenesten hos legekontoret.",
                "Du har ikkje tilgang til denne tenesta hos legekontoret.",
                "You have no access to this service at the office.",
            ),
            Self::NotCancelled => (
                "Timen kunne ikke avbestilles. Ring legekontoret.",
                "Timen kunne ikkje avbestillast. Ring legekontoret.",
                "The appointment could not be cancelled. Call the office.",
            ),
            Self::NoAppointment => (
                "Vi finner ikke timen. Ingenting er sendt.",
                "Vi finn ikkje timen. Ingenting er sendt.",
                "The appointment was not found. Nothing was sent.",
            ),
            Self::OldNotCancelled => (
                "Den nye timen er bestilt, men den gamle kunne ikke avbestilles. Ring legekontoret.",
                "Den nye timen er bestilt, men den gamle kunne ikkje avbestillast. Ring legekontoret.",
                "The new appointment is booked, but the old one could not be cancelled. Call the office.",
            ),
        }
    }
}
