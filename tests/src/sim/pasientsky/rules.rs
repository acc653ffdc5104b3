//! The rules of what may be written; each that is broken is a violation.

use super::NationalId;
use super::codes::{ATC, DNR, FNR, HPR, ROLE, is_id, naming};
use super::outcome::Refused;
use super::resource::{Concept, Identifier, Payload, Recipient, Reference, Representative, Sent, Wanted};
use super::state::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Bytes of all files of a message.
const MOST_FILE_BYTES: usize = 100 * 1024 * 1024;
/// Files of a message.
const MOST_FILES: usize = 10;

/// The text of a message, and its files with their bytes.
pub type Content = (String, Vec<(Sent, Vec<u8>)>);

/// Reads a resource; what cannot be read is a violation and 400.
pub fn read<T: DeserializeOwned>(state: &mut State, route: &str, value: &Value) -> Result<T, Refused> {
    T::deserialize(value).map_err(|_| {
        state.violate(route, "a resource with elements that it must not have, or without those that it must");
        Refused::bad("structure")
    })
}

/// A rule of the interface; broken, it is a violation and 400.
pub fn rule(state: &mut State, route: &str, kept: bool, rule: &'static str) -> Result<(), Refused> {
    if kept {
        return Ok(());
    }
    state.violate(route, rule);
    Err(Refused::bad("rule"))
}

/// Identifiers must be of these of the vendor's naming systems, and UUIDs.
pub fn identified(state: &mut State, route: &str, all: &[Identifier], names: &[&str]) -> Result<(), Refused> {
    let fits = all.len() == names.len()
        && all.iter().zip(names).all(|(one, name)| {
            let uuid = one.value.strip_prefix("urn:uuid:").is_some_and(|uuid| uuid::Uuid::parse_str(uuid).is_ok());
            one.system == naming(name) && uuid
        });
    rule(state, route, fits, "identifier: other systems than this resource has, or no UUID")
}

/// Who acts must be another than the patient, by a number that is one, and with a reason.
pub fn representative(state: &mut State, route: &str, contained: &[Value], patient: &str) -> Result<bool, Refused> {
    let related: Vec<&Value> = contained.iter().filter(|one| one["resourceType"] == "RelatedPerson").collect();
    let [one] = related.as_slice() else {
        rule(state, route, related.is_empty(), "more than one RelatedPerson")?;
        return Ok(false);
    };
    let who: Representative = read(state, route, one)?;
    let number = match who.identifier.as_slice() {
        [one] if [FNR, DNR].contains(&one.system.as_str()) => Some(NationalId::new(one.value.as_str())),
        _ => None,
    };
    let valid = number.as_ref().is_some_and(NationalId::is_valid);
    let own = number.is_some_and(|number| {
        state.patient(patient).is_some_and(|patient| patient.citizen.national_id == number.reveal())
    });
    let role = match who.relationship.as_slice() {
        [Concept { coding, .. }] => {
            coding.len() == 1
                && coding
                    .iter()
                    .all(|one| one.system == ROLE && ["PRN", "GUARD", "POWATT"].contains(&one.code.as_str()))
        }
        _ => false,
    };
    let named = matches!(who.name.as_slice(), [name] if !name.family.is_empty() && !name.given.is_empty());
    let fits = valid && !own && role && named && who.id == "representative" && who.patient.reference == patient;
    rule(state, route, fits, "RelatedPerson: without a number, a role or a name, or the patient")?;
    Ok(true)
}

/// A prescription that is asked for.
pub fn wanted(state: &mut State, route: &str, value: &Value, patient: &str) -> Result<Wanted, Refused> {
    let wanted: Wanted = read(state, route, value)?;
    let medicine = &wanted.medication_codeable_concept;
    let item = matches!(wanted.identifier.as_slice(),
        [one] if one.system == naming("portal-item") && !one.value.is_empty());
    let fits = item
        && wanted.status == "draft"
        && wanted.intent == "proposal"
        && wanted.subject.reference == patient
        && is_id(&wanted.id)
        && medicine.text.as_ref().is_some_and(|text| !text.trim().is_empty() && text.chars().count() <= 200)
        && medicine.coding.len() <= 1
        && medicine.coding.iter().all(|coding| coding.system == ATC)
        && wanted.note.len() <= 1;
    rule(state, route, fits, "MedicationRequest: not a draft of a proposal for this patient with a medicine")?;
    if let Some(Reference { reference }) = &wanted.prior_prescription {
        let own = state.referred(reference).is_some_and(|known| known.refers("/subject", patient));
        rule(state, route, own, "priorPrescription is none of the patient's")?;
    }
    Ok(wanted)
}

/// The recipients of a message: the clinic, then perhaps a doctor.
pub fn addressed(recipients: &[Recipient], clinic: &str) -> bool {
    let is_clinic = |one: &Recipient| matches!(one, Recipient::Referred(to) if to.reference == clinic);
    let is_doctor = |one: &Recipient| matches!(one, Recipient::Doctor(to) if to.kind == "Practitioner" && to.identifier.system == HPR);
    match recipients {
        [first] => is_clinic(first),
        [first, second] => is_clinic(first) && is_doctor(second),
        _ => false,
    }
}

/// The text and the files of a message.
pub fn payload(state: &mut State, route: &str, payload: Vec<Payload>) -> Result<Content, Refused> {
    let mut parts = payload.into_iter();
    let text = match parts.next() {
        Some(Payload { content_string: Some(text), content_attachment: None }) => text,
        _ => return rule(state, route, false, "payload: does not begin with a text").map(|()| Default::default()),
    };
    if text.trim().is_empty() || text.chars().count() > 8_000 {
        return Err(Refused::value("Communication.payload[0].content"));
    }
    let (mut files, mut bytes) = (Vec::new(), 0);
    for part in parts {
        let Payload { content_string: None, content_attachment: Some(sent) } = part else {
            return rule(state, route, false, "payload: a second text, or neither text nor file")
                .map(|()| Default::default());
        };
        let content = STANDARD.decode(&sent.data).ok().filter(|content| is_what_it_says(&sent.content_type, content));
        rule(state, route, content.is_some() && !sent.title.trim().is_empty(), "a file of another type than it says")?;
        let content = content.unwrap_or_default();
        bytes += content.len();
        files.push((Sent { data: String::new(), ..sent }, content));
    }
    rule(state, route, files.len() <= MOST_FILES, "more than ten files")?;
    if bytes > MOST_FILE_BYTES {
        return Err(Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "attachments-too-large"));
    }
    Ok((text, files))
}

/// Whether content begins as its media type must.
pub fn is_what_it_says(media_type: &str, content: &[u8]) -> bool {
    let begin: &[u8] = match media_type {
        "image/jpeg" => b"\xff\xd8\xff",
        "image/png" => b"\x89PNG\r\n\x1a\n",
        "application/pdf" => b"%PDF-",
        _ => return false,
    };
    content.starts_with(begin)
}
