//! Code systems of Volven (volven.no), their object identifiers, and the codes that DDFL uses.
//!
//! What a message *is* (7601, 7602, 7603) stands in [`super::kind`]; here is the rest.

/// Object identifiers of the code systems.
pub mod oid {
    /// 1101 Ja/Nei.
    pub const YES_NO: &str = "2.16.578.1.12.4.1.1.1101";
    /// 7601 Forespørsler.
    pub const REQUESTS: &str = "2.16.578.1.12.4.1.1.7601";
    /// 7602 Svar til bruk i digital dialog mellom pasient og behandler.
    pub const ANSWERS: &str = "2.16.578.1.12.4.1.1.7602";
    /// 7603 Kommunikasjonstest.
    pub const TEST: &str = "2.16.578.1.12.4.1.1.7603";
    /// 7611 Representasjonsrolle.
    pub const REPRESENTATION: &str = "2.16.578.1.12.4.1.1.7611";
    /// 8116 ID-type for personer.
    pub const PERSON_ID: &str = "2.16.578.1.12.4.1.1.8116";
    /// 8221 Feilmeldinger for applikasjonskvittering.
    pub const RECEIPT_ERRORS: &str = "2.16.578.1.12.4.1.1.8221";
    /// 8324 Leveringsmåte.
    pub const DELIVERY: &str = "2.16.578.1.12.4.1.1.8324";
    /// 9034 Helsepersons roller i forhold til pasient.
    pub const ROLE_TO_PATIENT: &str = "2.16.578.1.12.4.1.1.9034";
    /// 9051 ID-type for organisatoriske enheter.
    pub const ORGANISATION_ID: &str = "2.16.578.1.12.4.1.1.9051";
    /// 9057 Rolle i notat (Forfatter).
    pub const NOTE_ROLE: &str = "2.16.578.1.12.4.1.1.9057";
    /// 9060 Kategori helsepersonell.
    pub const PROFESSION: &str = "2.16.578.1.12.4.1.1.9060";
}

/// A value of a code system, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// Attribute `V`.
    pub value: &'static str,
    /// Attribute `S`; absent where the schema's type is `CS` (the code system follows from the element).
    pub system: Option<&'static str>,
    /// Attribute `DN`.
    pub name: &'static str,
}

impl Code {
    /// A code with its system, for elements of type `CV`.
    #[must_use]
    pub const fn new(value: &'static str, system: &'static str, name: &'static str) -> Self {
        Self { value, system: Some(system), name }
    }

    /// A code whose system follows from the element, for elements of type `CS`.
    #[must_use]
    pub const fn simple(value: &'static str, name: &'static str) -> Self {
        Self { value, system: None, name }
    }
}

/// An application receipt is wanted (7, `MsgInfo/Ack`).
pub const ACK_YES: Code = Code::simple("J", "Ja");
/// No application receipt: the answer is the receipt (synchronous processes).
pub const ACK_NO: Code = Code::simple("N", "Nei");
/// The document is XML (8114, `RefDoc/MsgType`).
pub const DOCUMENT_XML: Code = Code::simple("XML", "XML-instans");
/// The document is an attachment (8114, `RefDoc/MsgType`).
pub const DOCUMENT_ATTACHMENT: Code = Code::simple("A", "Vedlegg");
/// HER-id of an organisation or a service.
pub const ORGANISATION_HER: Code = Code::new("HER", oid::ORGANISATION_ID, "HER-id");
/// Organisation number.
pub const ORGANISATION_NUMBER: Code = Code::new("ENH", oid::ORGANISATION_ID, "Organisasjonsnummeret i Enhetsregister");
/// HER-id of a person.
pub const PERSON_HER: Code = Code::new("HER", oid::PERSON_ID, "HER-id");
/// National identity number.
pub const PERSON_BIRTH_NUMBER: Code = Code::new("FNR", oid::PERSON_ID, "Fødselsnummer");
/// D number: the identity number of those who are not residents.
pub const PERSON_D_NUMBER: Code = Code::new("DNR", oid::PERSON_ID, "D-nummer");
/// The receiver is the patient's general practitioner.
pub const ROLE_GENERAL_PRACTITIONER: Code = Code::new("6", oid::ROLE_TO_PATIENT, "Fastlege");
/// The clinician whom a message is for (2.4.4).
pub const ROLE_WANTED: Code = Code::new("23", oid::ROLE_TO_PATIENT, "Ønsket behandler");
/// The clinician who wrote a message.
pub const NOTE_AUTHOR: Code = Code::new("1", oid::NOTE_ROLE, "Forfatter");
/// HPR number of a person.
pub const PERSON_HPR: Code = Code::new("HPR", oid::PERSON_ID, "HPR-nummer");
/// Yes (1101).
pub const YES: Code = Code::new("1", oid::YES_NO, "Ja");
/// No (1101).
pub const NO: Code = Code::new("2", oid::YES_NO, "Nei");
/// The medicine is fetched at a pharmacy: the one delivery that HITS 1217 names (3.1.1).
pub const DELIVERY_PHARMACY: Code = Code::new("AP", oid::DELIVERY, "Hentes på apotek");

/// Why one person acts for another (7611).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepresentationRole {
    /// A parent, for a child.
    ParentalResponsibility,
    /// A guardian.
    Guardianship,
    /// A power of attorney that the patient gave.
    PowerOfAttorney,
    /// A power of attorney given to the next of kin, where the patient cannot consent.
    AssignedPowerOfAttorney,
}

impl RepresentationRole {
    /// The code that is written.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::ParentalResponsibility => Code::new("FO", oid::REPRESENTATION, "Foreldreansvar"),
            Self::Guardianship => Code::new("VE", oid::REPRESENTATION, "Vergemål"),
            Self::PowerOfAttorney => Code::new("FU", oid::REPRESENTATION, "Fullmakt"),
            Self::AssignedPowerOfAttorney => Code::new("TD", oid::REPRESENTATION, "Tildelt fullmakt"),
        }
    }

    /// The role that a code stands for.
    #[must_use]
    pub fn from_value(value: &str) -> Option<Self> {
        [Self::ParentalResponsibility, Self::Guardianship, Self::PowerOfAttorney, Self::AssignedPowerOfAttorney]
            .into_iter()
            .find(|role| role.code().value.eq_ignore_ascii_case(value.trim()))
    }
}

/// Why a message is receipted negatively (8221). Written in receipts of what the plugin receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptError {
    /// Not XML, not well-formed, or unreadable.
    NotXml,
    /// XML, but not the message that its type promises.
    NotValid,
    /// A message format that the receiver does not support.
    UnsupportedFormat,
    /// The transport and the message disagree about who sends or receives.
    WrongIdentifier,
    /// The receiver does not know the patient; the message must not be sent again (2.13.2).
    UnknownPatient,
    /// None of the others.
    Other,
}

/// The patient is not digitally active; what was receipted so must not be sent again (2.13.2).
pub const RECEIPT_UNKNOWN_PATIENT: &str = "E35";

impl ReceiptError {
    /// The code that is written.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::NotXml => Code::new("T01", oid::RECEIPT_ERRORS, "Ikke XML / ikke 'well formed' / uleselig"),
            Self::NotValid => Code::new("T02", oid::RECEIPT_ERRORS, "XML validerer ikke"),
            Self::UnsupportedFormat => Code::new("T10", oid::RECEIPT_ERRORS, "Støtter ikke meldingsformatet"),
            Self::WrongIdentifier => Code::new("E10", oid::RECEIPT_ERRORS, "Ugyldig meldingsidentifikator"),
            Self::UnknownPatient => {
                Code::new(RECEIPT_UNKNOWN_PATIENT, oid::RECEIPT_ERRORS, "Pasienten finnes ikke i mottakersystemet")
            }
            Self::Other => Code::new("X99", oid::RECEIPT_ERRORS, "Annen feil"),
        }
    }
}
