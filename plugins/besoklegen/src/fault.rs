//! The vendor's faults as failures of the contract.

use dialog_plugin_sdk::upstream::Response;
use dialog_plugin_sdk::{Failure, FieldError, Locale, Sent};

use crate::words::Words;
use crate::xml::tree::{Element, Space};

/// Fields of one fault that are looked at.
const MAX_FIELDS: usize = 20;
/// Characters of a code that the operator is shown.
const MAX_CODE: usize = 40;

/// What the citizen sent a field of the vendor's request comes from: vendor's field, contract's pointer.
pub type Pointers = [(&'static str, &'static str)];

/// A SOAP 1.2 fault: who is at fault, and the vendor's code for why. Its reason is for developers: citizens never see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The vendor could not, whoever had asked.
    receiver: bool,
    /// The local name of the innermost subcode.
    code: String,
    /// Fields that it is about.
    fields: Vec<String>,
    /// Seconds.
    retry_after: Option<u32>,
}

impl Fault {
    /// The fault that a body holds, if it does.
    #[must_use]
    pub fn read(content: &Element) -> Option<Self> {
        if content.space != Space::Soap || content.name != "Fault" {
            return None;
        }
        let code = content.child("Code");
        let value = |element: Option<&Element>| {
            let text = element.and_then(|element| element.optional("Value")).unwrap_or_default();
            text.rsplit(':').next().unwrap_or_default().to_owned()
        };
        let detail = content.child("Detail").and_then(|detail| detail.within(Space::Vendor, "Problem"));
        let fields = detail.map(|detail| detail.all("Field").take(MAX_FIELDS).map(|field| field.text().to_owned()));
        Some(Self {
            receiver: value(code) != "Sender",
            code: value(code.and_then(|code| code.child("Subcode"))),
            fields: fields.map(Iterator::collect).unwrap_or_default(),
            retry_after: detail.and_then(|detail| detail.optional("RetryAfter")).and_then(|wait| wait.parse().ok()),
        })
    }

    /// What it means, in the citizen's language.
    ///
    /// | fault | failure |
    /// | --- | --- |
    /// | `Sender`/`ServiceOff`, `PatientBlocked`, `TooLate` | `declined` |
    /// | `Sender`/`UnknownCase`, `UnknownBooking`, `UnknownPatient`, `UnknownDocument` | `not-found` |
    /// | `Sender`/`SlotTaken`, `SlotMoved`, `CaseClosed`, `BookingCancelled` | `conflict` |
    /// | `Sender`/`DocumentsTooLarge` | `invalid`: the attachments |
    /// | `Sender`/`FieldInvalid`, all fields from the citizen | `invalid` |
    /// | `Sender`/ a code of WS-Security | `unavailable`: the operator's credentials, or a clock |
    /// | `Sender`/ any other | `faulty`, not sent |
    /// | `Receiver`/`Busy` | `unavailable`, not sent, with the vendor's time to wait |
    /// | any other | `unavailable`, unknown whether sent |
    #[must_use]
    pub fn failure(&self, response: &Response, locale: Locale, pointers: &Pointers) -> Failure {
        let code = self.shown();
        if self.receiver {
            let sent = if self.code == "Busy" { Sent::No } else { Sent::Unknown };
            let header = response.header("retry-after").and_then(|wait| wait.trim().parse().ok());
            return Failure::unavailable(sent, format!("the vendor cannot now ({code})"))
                .retry_after(self.retry_after.or(header));
        }
        let words = match self.code.as_str() {
            "ServiceOff" => Words::ServiceOff,
            "PatientBlocked" => Words::Blocked,
            "TooLate" => Words::TooLate,
            "UnknownCase" => Words::UnknownCase,
            "UnknownBooking" => Words::UnknownBooking,
            "UnknownPatient" => Words::UnknownPatient,
            "UnknownDocument" => Words::FileMissing,
            "SlotTaken" => Words::SlotTaken,
            "SlotMoved" => Words::SlotMoved,
            "CaseClosed" => Words::CaseClosed,
            "BookingCancelled" => Words::BookingCancelled,
            "DocumentsTooLarge" => Words::DocumentsTooLarge,
            "FieldInvalid" => return self.invalid(locale, pointers),
            // WS-Security 1.1.1, 12: faults of the security header.
            "FailedAuthentication"
            | "FailedCheck"
            | "InvalidSecurity"
            | "InvalidSecurityToken"
            | "UnsupportedSecurityToken"
            | "MessageExpired" => {
                let why = format!("the vendor accepts not the gateway's credentials, or not its clock ({code})");
                return Failure::unavailable(Sent::No, why);
            }
            _ => return self.unknown(),
        };
        match words {
            Words::ServiceOff | Words::Blocked | Words::TooLate => words.declined(locale),
            Words::UnknownCase | Words::UnknownBooking | Words::UnknownPatient | Words::FileMissing => {
                Failure::not_found(words.code(), words.text(locale))
            }
            Words::DocumentsTooLarge => match pointers.iter().find(|(field, _)| *field == "Attachment") {
                Some((_, pointer)) => words.invalid(locale, pointer),
                None => self.unknown(),
            },
            _ => Failure::conflict(words.code(), words.text(locale)),
        }
    }

    /// Fields that the citizen can mend; where even one is not the citizen's, the plugin wrote it wrong.
    fn invalid(&self, locale: Locale, pointers: &Pointers) -> Failure {
        let mended: Option<Vec<FieldError>> = self
            .fields
            .iter()
            .map(|field| {
                let (_, pointer) = pointers.iter().find(|(known, _)| field == known)?;
                let detail = Words::FieldRefused.text(locale).to_owned();
                Some(FieldError { pointer: (*pointer).to_owned(), detail })
            })
            .collect();
        match mended {
            Some(fields) if !fields.is_empty() => Failure::Invalid(fields),
            _ => self.unknown(),
        }
    }

    fn unknown(&self) -> Failure {
        Failure::faulty(Sent::No, format!("the vendor refuses what the plugin wrote ({})", self.shown()))
    }

    /// The code for the operator, where it looks like one.
    fn shown(&self) -> &str {
        let plain = self.code.len() <= MAX_CODE && self.code.bytes().all(|byte| byte.is_ascii_alphabetic());
        if plain && !self.code.is_empty() { &self.code } else { "no code" }
    }
}
