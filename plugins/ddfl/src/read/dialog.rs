//! Dialogmelding 1.0 and 1.1, and the message as a whole.

use super::document::{self, Documents};
use super::{Deviation, Deviations, DialogMessage, ReadError, bounded, calendar, head, limit, prose};
use crate::message::{HerId, Kind};
use crate::xml::tree::Element;

/// A code as it stands in a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodedValue {
    /// Attribute `V`.
    pub value: String,
    /// Attribute `S`, without the blanks that some write into it.
    pub system: Option<String>,
    /// Attribute `DN`.
    pub name: Option<String>,
}

/// Who wrote a message (`RollerRelatertNotat`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// Given and family name.
    pub name: String,
    /// Role, in the sender's words.
    pub role: Option<String>,
}

/// For whom a colleague wrote (`RollerRelatertNotat` with role 23).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addressee {
    /// HER-id of the office, from `TilknyttetEnhet`.
    pub office: Option<HerId>,
    /// HPR number of the clinician.
    pub hpr_number: Option<u32>,
}

/// Whether it names whom the message is for, and not who wrote it.
fn is_wanted(role: &Element) -> bool {
    role.child("RoleToPatient").and_then(|role| role.attribute("V")).is_some_and(|value| value.trim() == "23")
}

fn addressee(body: &Element, deviations: &mut Deviations) -> Option<Addressee> {
    let role = body.children("RollerRelatertNotat").find(|role| is_wanted(role))?;
    let unit = role.child("TilknyttetEnhet");
    let person =
        role.child("HealthcareProfessional").or_else(|| unit.and_then(|unit| unit.child("HealthcareProfessional")));
    let office = unit.and_then(|unit| unit.child("Kontaktenhet")).and_then(|unit| head::her_id(unit, deviations));
    let hpr_number = person.and_then(|person| head::ident(person, "HPR")).and_then(|number| number.trim().parse().ok());
    Some(Addressee { office, hpr_number })
}

pub(super) fn message(root: &Element) -> Result<DialogMessage, ReadError> {
    let mut deviations = Deviations::default();
    let head = head::read(root, &mut deviations)?;
    let documents = Documents::of(root, &mut deviations);
    let dialog = documents.dialog.ok_or(ReadError::Missing { element: "Dialogmelding" })?;
    let bodies: Vec<&Element> =
        dialog.elements().filter(|element| matches!(element.name.as_str(), "Notat" | "Foresporsel")).collect();
    let body = bodies.first().ok_or(ReadError::Missing { element: "Notat or Foresporsel" })?;
    let is_answer = body.name == "Notat";
    let (code_name, subject_name, text_name) =
        if is_answer { ("TemaKodet", "Tema", "TekstNotatInnhold") } else { ("TypeForesp", "EmneSporsmal", "Sporsmal") };
    let code = body
        .child(code_name)
        .ok_or(ReadError::Missing { element: code_name })
        .and_then(|element| coded(element, code_name))?;
    let kind = Kind::from_value(&code.value);
    if names_another(kind, code.name.as_deref()) {
        deviations.note(Deviation::CodeAndNameDisagree);
    }
    Ok(DialogMessage {
        id: head.id,
        generated: head.generated,
        process: head.process,
        ack: head.ack,
        parent: head.parent,
        conversation: head.conversation,
        sender: head.sender,
        receiver: head.receiver,
        patient: head.patient,
        kind,
        code,
        is_answer,
        subject: head::line(body, subject_name)?,
        text: text(&bodies, text_name)?,
        coded: body
            .child("KodetOpplysning")
            .filter(|element| element.attribute("V").is_some())
            .map(|element| coded(element, "KodetOpplysning"))
            .transpose()?,
        from_date: bounded(body.child_text("FraDato"), "FraDato", limit::IDENTIFIER)?,
        to_date: bounded(body.child_text("TilDato"), "TilDato", limit::IDENTIFIER)?,
        author: author(body)?,
        addressee: addressee(body, &mut deviations),
        appointments: calendar::read(&documents.calendars, &mut deviations)?,
        attachments: document::attachments(&documents.attachments, &mut deviations)?,
        professionals: document::professionals(&documents.professionals, &mut deviations)?,
        prescriptions: document::prescriptions(&documents.prescriptions)?,
        representative: documents
            .relation
            .and_then(|relation| relation.child("Person"))
            .map(head::person)
            .transpose()?,
        persons: document::persons(&documents.persons)?,
        deviations: deviations.into_vec(),
    })
}

pub(super) fn coded(element: &Element, name: &'static str) -> Result<CodedValue, ReadError> {
    let value = element.attribute("V").ok_or(ReadError::Missing { element: name })?;
    if value.len() > limit::IDENTIFIER {
        return Err(ReadError::TooMuch { element: name, limit: limit::IDENTIFIER });
    }
    let short =
        |attribute: &str| element.attribute(attribute).map(|text| text.chars().take(limit::LINE).collect::<String>());
    Ok(CodedValue {
        value: value.to_owned(),
        system: short("S").map(|system| system.replace(char::is_whitespace, "")),
        name: short("DN"),
    })
}

/// Whether the name of the code is exactly that of another kind.
fn names_another(kind: Option<Kind>, name: Option<&str>) -> bool {
    let (Some(kind), Some(name)) = (kind, name) else { return false };
    !kind.code().name.eq_ignore_ascii_case(name)
        && Kind::all().any(|other| other != kind && other.code().name.eq_ignore_ascii_case(name))
}

/// The texts of all requests or notes in the message: the standard lets one carry several.
fn text(bodies: &[&Element], name: &'static str) -> Result<Option<String>, ReadError> {
    let mut texts = Vec::new();
    for body in bodies {
        texts.extend(body.child(name).and_then(prose::plain));
        texts.extend(body.child("Merknad").and_then(prose::plain));
    }
    bounded((!texts.is_empty()).then(|| texts.join("\n\n")), name, limit::TEXT)
}

fn author(body: &Element) -> Result<Option<Author>, ReadError> {
    for role in body.children("RollerRelatertNotat").filter(|role| !is_wanted(role)) {
        let unit = role.child("TilknyttetEnhet");
        let person = ["HealthcareProfessional", "Person"]
            .into_iter()
            .find_map(|name| role.child(name).or_else(|| unit.and_then(|unit| unit.child(name))));
        let Some(person) = person else { continue };
        let parts =
            [head::line(person, "GivenName")?, head::line(person, "MiddleName")?, head::line(person, "FamilyName")?];
        let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        if !name.is_empty() {
            let role = role
                .child("RoleToPatient")
                .or_else(|| person.child("RoleToPatient"))
                .and_then(|role| role.attribute("DN"))
                .map(|role| role.chars().take(limit::LINE).collect());
            return Ok(Some(Author { name, role }));
        }
    }
    Ok(None)
}
