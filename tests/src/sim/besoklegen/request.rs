//! What may be asked, and checks that a schema cannot make.

use super::case::{Line, Service, Subject};
use super::soap::Fault;
use super::state::{Practice, State};
use super::{Channel, File, NationalId, practice};
use crate::sim::meldingstjener::tree::Element;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

/// The most bytes of the files of one message.
const MAX_FILES_BYTES: usize = 20 * 1024 * 1024;

/// The text of a child; the schema has seen to it that it is there.
pub fn text(content: &Element, name: &str) -> String {
    content.text_of(name).unwrap_or_default()
}

/// A moment.
pub fn moment(content: &Element, name: &str) -> Timestamp {
    text(content, name).parse().unwrap_or_default()
}

/// A channel, where there is one.
pub fn channel(content: &Element) -> Option<Channel> {
    Some(match content.text_of("Channel")?.as_str() {
        "PHONE" => Channel::Phone,
        "VIDEO" => Channel::Video,
        _ => Channel::Office,
    })
}

/// A practice that there is.
pub fn known<'a>(state: &'a mut State, name: &str) -> Result<&'a mut Practice, Fault> {
    state.practice(name).map_err(|_| Fault::sender("UnknownPractice"))
}

/// A practice where a service is on.
pub fn open<'a>(state: &'a mut State, name: &str, service: Service) -> Result<&'a mut Practice, Fault> {
    let practice = known(state, name)?;
    if practice.off.contains(&service) { Err(Fault::sender("ServiceOff")) } else { Ok(practice) }
}

/// A citizen's number: one that could be, of a patient of the practice's who is not barred.
pub fn citizen(state: &mut State, operation: &str, name: &str, content: &Element) -> Result<NationalId, Fault> {
    let number = NationalId::new(text(content, "Fnr"));
    if !number.is_valid() {
        state.violate(operation, "a number that is no national identity number");
        return Err(Fault::field("Fnr"));
    }
    let practice = known(state, name)?;
    if practice.citizen(&number).is_none() {
        return Err(Fault::sender("UnknownPatient"));
    }
    if practice.blocked.contains(&number) {
        return Err(Fault::sender("PatientBlocked"));
    }
    Ok(number)
}

/// A patient under the right name, and whether somebody else acts.
pub fn patient(state: &mut State, operation: &str, name: &str, content: &Element) -> Result<(NationalId, bool), Fault> {
    let empty = Element::default();
    let person = content.child("Patient").unwrap_or(&empty);
    let number = citizen(state, operation, name, person)?;
    let known = known(state, name)?.citizen(&number);
    let named = known.is_some_and(|citizen| {
        text(person, "Given") == citizen.given_name && text(person, "Family") == citizen.family_name
    });
    if !named {
        state.violate(operation, "the patient has another name");
    }
    let by_proxy = proxy(state, operation, content, &number)?;
    Ok((number, by_proxy))
}

/// Who acts must be another than the patient.
pub fn proxy(state: &mut State, operation: &str, content: &Element, patient: &NationalId) -> Result<bool, Fault> {
    let Some(proxy) = content.child("Proxy") else { return Ok(false) };
    let number = NationalId::new(text(proxy, "Fnr"));
    if !number.is_valid() || number == *patient {
        state.violate(operation, "who acts is nobody, or the patient");
        return Err(Fault::field("Proxy"));
    }
    Ok(true)
}

/// What a case is about; answers to a form must be as the form has it.
pub fn subject(state: &mut State, operation: &str, content: &Element) -> Result<Subject, Fault> {
    if let Some(consultation) = content.child("Consultation") {
        let mode = text(consultation, "Mode");
        let pictures = content.child("Message").map_or(0, |message| message.all("Attachment").count());
        if (mode == "IMAGE") != (pictures > 0) {
            state.violate(operation, "a mode that does not fit the attachments");
            return Err(Fault::field("Mode"));
        }
        return Ok(Subject::Consultation { mode });
    }
    if let Some(renewal) = content.child("Renewal") {
        let line = |line: &Element| Line { reference: text(line, "Ref"), medicine: text(line, "Medicine") };
        let lines: Vec<Line> = renewal.all("Line").map(line).collect();
        let twice = |line: &Line| lines.iter().filter(|other| other.reference == line.reference).count() > 1;
        if lines.iter().any(twice) {
            state.violate(operation, "two lines with the same reference");
            return Err(Fault::field("Line"));
        }
        return Ok(Subject::Renewal { lines });
    }
    if let Some(note) = content.child("SickNote") {
        let valid_until = text(note, "ValidUntil").parse().unwrap_or_default();
        return Ok(Subject::SickNote { valid_until, degree: text(note, "Degree").parse().unwrap_or_default() });
    }
    if let Some(certificate) = content.child("Certificate") {
        let purpose = text(certificate, "Purpose");
        let form = certificate.text_of("Form").map(|form| serde_json::from_str(&form));
        let form = form.transpose().map_err(|_| {
            state.violate(operation, "a form that is not JSON");
            Fault::field("Form")
        })?;
        // A driving licence needs the form; for others there is none, and none is looked at.
        if practice::is_driving(&purpose) && !form.as_ref().is_some_and(practice::is_filled_in) {
            return Err(Fault::field("Form"));
        }
        return Ok(Subject::Certificate { purpose, form });
    }
    Ok(Subject::Question)
}

/// A patient's message: its id, subject, text and files.
pub struct Written {
    /// The portal's id.
    pub id: String,
    /// Subject.
    pub subject: Option<String>,
    /// Text.
    pub text: String,
    /// Files.
    pub files: Vec<File>,
}

/// The message of a request, where there is one. Files must be what they say.
pub fn message(state: &mut State, operation: &str, content: &Element) -> Result<Option<Written>, Fault> {
    let Some(message) = content.child("Message") else { return Ok(None) };
    let mut files = Vec::new();
    for attachment in message.all("Attachment") {
        let content = STANDARD.decode(text(attachment, "Content")).unwrap_or_default();
        let file = File { name: text(attachment, "Name"), media_type: text(attachment, "Type"), content };
        if !file.is_what_it_says() || file.name.contains(['/', '\\']) {
            state.violate(operation, "a file of another type than it says, or with a path");
            return Err(Fault::field("Attachment"));
        }
        files.push(file);
    }
    if files.iter().map(|file| file.content.len()).sum::<usize>() > MAX_FILES_BYTES {
        return Err(Fault::sender("DocumentsTooLarge"));
    }
    let written = text(message, "Text");
    if written.is_empty() {
        return Err(Fault::field("Text"));
    }
    Ok(Some(Written { id: text(message, "Id"), subject: message.text_of("Subject"), text: written, files }))
}
