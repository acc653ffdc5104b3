//! The small closed lists that everything shares.

use std::fmt;

macro_rules! closed_list {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        pub enum $name {
            $($(#[$item])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every member, in the order of the contract.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// As the API and the WIT package write it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::service::NotInList;

            fn from_str(text: &str) -> Result<Self, $crate::service::NotInList> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::service::NotInList { allowed: &[$($text,)+] }),
                }
            }
        }
    };
}

pub(crate) use closed_list;

/// A text that is not in a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotInList {
    /// What is.
    pub allowed: &'static [&'static str],
}

impl fmt::Display for NotInList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be one of {}", self.allowed.join(", "))
    }
}

impl std::error::Error for NotInList {}

closed_list!(
    /// The services that citizens know by name.
    Service {
        /// Book an appointment (Bestill time), directly or by written request.
        Appointment = "appointment",
        /// Renew a prescription (Forny resept).
        PrescriptionRenewal = "prescription-renewal",
        /// E-consultation (e-konsultasjon).
        Consultation = "consultation",
        /// Contact the office about practical matters (kontakt legekontoret).
        Inquiry = "inquiry",
        /// Renew a sick note (forny sykemelding).
        SickNoteRenewal = "sick-note-renewal",
        /// A health certificate (helseattest).
        Certificate = "certificate",
        /// Clinician to clinician (lege–lege).
        Collegial = "collegial",
        /// Pay what the office charges (betaling). No dialog belongs to it.
        Payment = "payment",
        /// Results of tests (prøvesvar). Only the office opens such a dialog.
        TestResults = "test-results",
    }
);

closed_list!(
    /// The citizen's language.
    Locale {
        /// Norwegian Bokmål.
        Nb = "nb",
        /// Norwegian Nynorsk.
        Nn = "nn",
        /// English.
        En = "en",
    }
);

closed_list!(
    /// How citizen and clinician meet.
    EncounterMode {
        /// At the office.
        InPerson = "in-person",
        /// By telephone.
        Telephone = "telephone",
        /// By video.
        Video = "video",
    }
);

closed_list!(
    /// How an e-consultation is held.
    ConsultationMode {
        /// In writing.
        Text = "text",
        /// In writing with at least one picture.
        Image = "image",
        /// By video.
        Video = "video",
    }
);

closed_list!(
    /// Why one person may act for another.
    Representation {
        /// A parent for a child (foreldrerepresentasjon).
        Parent = "parent",
        /// A guardian (verge).
        Guardian = "guardian",
        /// A power of attorney (fullmakt).
        PowerOfAttorney = "power-of-attorney",
    }
);

closed_list!(
    /// Whether the state or a company provides a service.
    ProviderKind {
        /// The public solution (DDFL).
        Public = "public",
        /// A commercial solution.
        Commercial = "commercial",
    }
);

closed_list!(
    /// How a dialog ended.
    Closing {
        /// The office has assessed and answered.
        Answered = "answered",
        /// The office said no.
        Declined = "declined",
        /// The citizen took it back.
        Withdrawn = "withdrawn",
        /// The citizen was told to use another service.
        Redirected = "redirected",
        /// Nobody answered in time.
        Expired = "expired",
    }
);

closed_list!(
    /// What is known of a request that failed: whether the provider has it.
    Sent {
        /// Nothing reached the provider.
        No = "no",
        /// The provider has it.
        Yes = "yes",
        /// It may have reached the provider.
        Unknown = "unknown",
    }
);
