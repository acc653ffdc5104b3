//! Checks what a plugin returned. A violation names the place and the rule, never the content.
//!
//! Texts for people are cleaned, because real messages hold stray control characters and must not be lost over them;
//! identifiers are refused instead, because a cleaned one would name something else.

use std::fmt;

use dialog_contract::{
    dialog::Clinician,
    ids::{HerId, HprNumber},
    limits::returned,
    provider::RawBlob,
    service::{Closing, EncounterMode, Service},
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    bindings::host::types,
    capabilities::attachments::{Attachments, Known},
    limits::{Limits, length},
};

/// A place in an answer.
#[derive(Clone, Copy)]
pub(crate) enum At<'a> {
    /// The answer itself.
    Answer,
    /// A field.
    Field(&'a At<'a>, &'static str),
    /// An item of a list.
    Item(&'a At<'a>, usize),
}

impl<'a> At<'a> {
    pub(crate) const fn field(&'a self, name: &'static str) -> Self {
        Self::Field(self, name)
    }

    pub(crate) const fn item(&'a self, index: usize) -> Self {
        Self::Item(self, index)
    }
}

impl At<'static> {
    /// An item of an answer that is a list.
    pub(crate) const fn answer_item(index: usize) -> Self {
        const ANSWER: &At<'static> = &At::Answer;
        Self::Item(ANSWER, index)
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Answer => f.write_str("answer"),
            At::Field(outer, name) => write!(f, "{outer}.{name}"),
            At::Item(outer, index) => write!(f, "{outer}[{index}]"),
        }
    }
}

/// Where an answer breaks the contract, and which rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {rule}")]
pub(crate) struct Violation {
    pub(crate) place: String,
    pub(crate) rule: String,
}

pub(crate) fn violation<T>(at: &At<'_>, rule: impl Into<String>) -> Result<T, Violation> {
    Err(Violation { place: at.to_string(), rule: rule.into() })
}

/// An answer under check.
pub(crate) struct Answer<'a> {
    left: usize,
    most: usize,
    /// Whether the plugin may name citizens by their numbers.
    pub(super) numbers: bool,
    attachments: &'a Attachments,
    /// Blobs that the answer names.
    named: Vec<Uuid>,
}

impl<'a> Answer<'a> {
    pub(crate) fn new(attachments: &'a Attachments, numbers: bool, limits: &Limits) -> Self {
        let most = length(limits.returned_bytes);
        Self { left: most, most, numbers, attachments, named: Vec::new() }
    }

    /// Blobs that the answer names.
    pub(crate) fn into_named(self) -> Vec<Uuid> {
        self.named
    }

    fn spend(&mut self, at: &At<'_>, bytes: usize) -> Result<(), Violation> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => violation(at, format!("the whole answer is over {} bytes", self.most)),
        }
    }

    /// Counts a list, and every item of it as some bytes, so that a list of nothing is not free.
    pub(crate) fn list<T>(&mut self, at: &At<'_>, items: &[T], most: usize) -> Result<(), Violation> {
        if items.len() > most {
            return violation(at, format!("{} items, over {most}", items.len()));
        }
        self.spend(at, items.len() * 16)
    }

    /// A text in paragraphs, cleaned.
    pub(crate) fn text(&mut self, at: &At<'_>, text: String, most: usize) -> Result<String, Violation> {
        self.spend(at, text.len())?;
        let text = clean(text);
        if text.chars().count() > most { violation(at, format!("over {most} characters")) } else { Ok(text) }
    }

    /// A text in one line, cleaned. A line is a name or a title: what turns its letters around would make it another's.
    pub(crate) fn line(&mut self, at: &At<'_>, text: String, most: usize) -> Result<String, Violation> {
        let text = self.text(at, text, most)?;
        let steers = |letter: char| matches!(letter, '\n' | '\t' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if !text.contains(steers) {
            return Ok(text);
        }
        Ok(text.replace(['\n', '\t'], " ").replace(steers, ""))
    }

    /// A line that says who or what something is: the portal shows it, and shows no nothing.
    pub(crate) fn name(&mut self, at: &At<'_>, text: String, most: usize) -> Result<String, Violation> {
        let text = self.line(at, text, most)?;
        if text.is_empty() { violation(at, "empty") } else { Ok(text) }
    }

    /// [`Self::text`] where there is one.
    pub(crate) fn optional_text(
        &mut self,
        at: &At<'_>,
        text: Option<String>,
        most: usize,
    ) -> Result<Option<String>, Violation> {
        text.map(|text| self.text(at, text, most)).transpose()
    }

    /// [`Self::line`] where there is one.
    pub(crate) fn optional_line(
        &mut self,
        at: &At<'_>,
        text: Option<String>,
        most: usize,
    ) -> Result<Option<String>, Violation> {
        text.map(|text| self.line(at, text, most)).transpose()
    }

    /// An identifier, as it is.
    pub(crate) fn id(&mut self, at: &At<'_>, id: String, most: usize) -> Result<String, Violation> {
        self.spend(at, id.len())?;
        if id.is_empty() {
            violation(at, "empty")
        } else if id.chars().count() > most {
            violation(at, format!("over {most} characters"))
        } else if id.chars().any(char::is_control) {
            violation(at, "has a control character")
        } else {
            Ok(id)
        }
    }

    /// An ATC code, as the portal's schema has it: a capital letter, then capital letters and digits.
    pub(crate) fn atc(&mut self, at: &At<'_>, code: String) -> Result<String, Violation> {
        let code = self.id(at, code, returned::ATC_CHARACTERS)?;
        let is_code = code.starts_with(|first: char| first.is_ascii_uppercase())
            && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if is_code { Ok(code) } else { violation(at, "not an ATC code") }
    }

    /// Bytes that are given back as they are.
    pub(crate) fn opaque(&mut self, at: &At<'_>, text: String, most: usize) -> Result<String, Violation> {
        self.spend(at, text.len())?;
        if text.len() > most { violation(at, format!("over {most} bytes")) } else { Ok(text) }
    }

    /// A moment.
    pub(crate) fn instant(&self, at: &At<'_>, milliseconds: i64) -> Result<Timestamp, Violation> {
        if !returned::INSTANTS.contains(&milliseconds) {
            return violation(at, "not between 1900 and 2200");
        }
        Timestamp::from_millisecond(milliseconds).or_else(|_| violation(at, "not a time"))
    }

    /// Two moments in order.
    pub(crate) fn span(&self, at: &At<'_>, start: i64, end: i64) -> Result<(Timestamp, Timestamp), Violation> {
        let span = (self.instant(&at.field("start"), start)?, self.instant(&at.field("end"), end)?);
        if span.0 < span.1 { Ok(span) } else { violation(at, "ends before it starts") }
    }

    /// A HER-id.
    pub(crate) fn her_id(&self, at: &At<'_>, number: u32) -> Result<HerId, Violation> {
        HerId::try_from(number).or_else(|error| violation(at, error.to_string()))
    }

    /// A clinician, where there is one.
    pub(crate) fn clinician(
        &mut self,
        at: &At<'_>,
        clinician: Option<types::Clinician>,
    ) -> Result<Option<Clinician>, Violation> {
        clinician.map(|clinician| self.person(at, clinician)).transpose()
    }

    /// A clinician.
    pub(crate) fn person(&mut self, at: &At<'_>, clinician: types::Clinician) -> Result<Clinician, Violation> {
        let hpr_number = HprNumber::try_from(clinician.hpr_number)
            .or_else(|error| violation(&at.field("hpr-number"), error.to_string()))?;
        let her_id = clinician.her_id.map(|number| self.her_id(&at.field("her-id"), number)).transpose()?;
        Ok(Clinician {
            hpr_number,
            her_id,
            given_name: self.name(&at.field("given-name"), clinician.given_name, returned::NAME_CHARACTERS)?,
            family_name: self.name(&at.field("family-name"), clinician.family_name, returned::NAME_CHARACTERS)?,
        })
    }

    /// A picture or document that this call knows.
    pub(crate) fn attachment(
        &mut self,
        at: &At<'_>,
        attachment: &types::Attachment,
    ) -> Result<dialog_contract::dialog::Attachment, Violation> {
        match self.attachments.find(&attachment.id) {
            Some(Known::File(file)) => {
                self.named.push(file.id.uuid());
                Ok(file.clone())
            }
            Some(Known::Raw(_)) => violation(at, "raw bytes are for unreadable only"),
            None => violation(at, "no such handle in this call"),
        }
    }

    /// Bytes kept for the operator.
    pub(crate) fn raw(&mut self, at: &At<'_>, attachment: &types::Attachment) -> Result<RawBlob, Violation> {
        let Some(known) = self.attachments.find(&attachment.id) else {
            return violation(at, "no such handle in this call");
        };
        let (id, size) = known.blob();
        self.named.push(id);
        Ok(RawBlob { id, size })
    }
}

/// Line ends as `\n`, no other control characters but tabs.
fn clean(text: String) -> String {
    if !text.chars().any(|letter| letter.is_control() && letter != '\n' && letter != '\t') {
        return text;
    }
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t'))
        .collect()
}

/// How citizen and clinician meet.
pub(crate) const fn encounter_mode(mode: types::EncounterMode) -> EncounterMode {
    match mode {
        types::EncounterMode::InPerson => EncounterMode::InPerson,
        types::EncounterMode::Telephone => EncounterMode::Telephone,
        types::EncounterMode::Video => EncounterMode::Video,
    }
}

/// A service.
pub(crate) const fn service(service: types::Service) -> Service {
    match service {
        types::Service::Appointment => Service::Appointment,
        types::Service::PrescriptionRenewal => Service::PrescriptionRenewal,
        types::Service::Consultation => Service::Consultation,
        types::Service::Inquiry => Service::Inquiry,
        types::Service::SickNoteRenewal => Service::SickNoteRenewal,
        types::Service::Certificate => Service::Certificate,
        types::Service::Collegial => Service::Collegial,
        types::Service::Payment => Service::Payment,
        types::Service::TestResults => Service::TestResults,
    }
}

/// How a dialog ended.
pub(crate) const fn closing(closing: types::Closing) -> Closing {
    match closing {
        types::Closing::Answered => Closing::Answered,
        types::Closing::Declined => Closing::Declined,
        types::Closing::Withdrawn => Closing::Withdrawn,
        types::Closing::Redirected => Closing::Redirected,
        types::Closing::Expired => Closing::Expired,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;

    use super::*;
    use crate::tests::MemoryBlobs;

    /// Runs a check on an answer of a call without attachments.
    pub(crate) fn checked<T>(check: impl FnOnce(&mut Answer<'_>) -> T) -> T {
        let limits = Limits::default();
        let attachments = Attachments::new(Arc::new(MemoryBlobs::default()), &limits);
        check(&mut Answer::new(&attachments, false, &limits))
    }

    #[test]
    fn texts_are_cleaned_and_identifiers_are_not() {
        checked(|answer| {
            let at = At::Answer;
            assert_eq!(answer.text(&at, "a\r\nb\rc\u{b}d\te".to_owned(), 100).unwrap(), "a\nb\ncd\te");
            assert_eq!(answer.line(&at, "a\r\nb".to_owned(), 100).unwrap(), "a b");
            assert_eq!(answer.line(&at, "Lege\u{202e}gnilkeD\u{2066}".to_owned(), 100).unwrap(), "LegegnilkeD");
            assert_eq!(answer.id(&at, "a b/ø".to_owned(), 100).unwrap(), "a b/ø");
            assert_eq!(answer.id(&at, "a\n".to_owned(), 100).unwrap_err().rule, "has a control character");
            assert_eq!(answer.id(&at, String::new(), 100).unwrap_err().rule, "empty");
        });
    }

    #[test]
    fn what_the_portal_shows_by_name_has_one_and_codes_are_codes() {
        checked(|answer| {
            let at = At::Answer;
            assert_eq!(answer.name(&at, "\u{7}".to_owned(), 100).unwrap_err().rule, "empty");
            assert_eq!(answer.name(&at, "Åse".to_owned(), 100).unwrap(), "Åse");
            assert_eq!(answer.atc(&at, "N02BE01".to_owned()).unwrap(), "N02BE01");
            for wrong in ["n02be01", "02BE01", "N02 BE", "N02BE0123", ""] {
                assert!(answer.atc(&at, wrong.to_owned()).is_err(), "{wrong}");
            }
        });
    }

    #[test]
    fn lengths_are_in_characters_and_at_the_limit_is_within() {
        checked(|answer| {
            assert!(answer.text(&At::Answer, "æ".repeat(10), 10).is_ok());
            assert!(answer.text(&At::Answer, "æ".repeat(11), 10).is_err());
        });
    }

    #[test]
    fn the_whole_answer_is_bounded() {
        checked(|answer| {
            for _ in 0..4 {
                answer.text(&At::Answer, "x".repeat(250_000), 1_000_000).unwrap();
            }
            let error = answer.text(&At::Answer, "x".repeat(250_000), 1_000_000).unwrap_err();
            assert_eq!(error.rule, "the whole answer is over 1048576 bytes");
        });
    }

    #[test]
    fn times_are_between_1900_and_2200_and_in_order() {
        checked(|answer| {
            let at = At::Answer;
            assert_eq!(answer.instant(&at, returned::INSTANTS.start).unwrap().to_string(), "1900-01-01T00:00:00Z");
            assert!(answer.instant(&at, returned::INSTANTS.start - 1).is_err());
            assert!(answer.instant(&at, returned::INSTANTS.end - 1).is_ok());
            assert!(answer.instant(&at, returned::INSTANTS.end).is_err());
            assert!(answer.instant(&at, i64::MAX).is_err());
            assert!(answer.span(&at, 0, 1).is_ok());
            assert_eq!(answer.span(&at, 1, 1).unwrap_err().rule, "ends before it starts");
        });
    }

    #[test]
    fn a_violation_names_its_place() {
        let (events, event);
        events = At::Answer.field("events");
        event = events.item(3);
        let error = violation::<()>(&event.field("id"), "empty").unwrap_err();
        assert_eq!(error.to_string(), "answer.events[3].id: empty");
    }
}
