//! MsgHead: who, to whom, about whom, and where in which conversation.

use jiff::Timestamp;

use super::{Deviation, Deviations, ReadError, bounded, identifier, limit};
use crate::message::{HerId, NationalId, Process, time};
use crate::xml::tree::Element;

/// One side of a message: an organisation, and the service or clinician in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// Name of the organisation (level 1).
    pub organisation: Option<String>,
    /// HER-id of the organisation (level 1).
    pub organisation_her_id: Option<HerId>,
    /// Organisation number, as it stands.
    pub organisation_number: Option<String>,
    /// Name of the communication party (level 2): of a service or a clinician.
    pub name: Option<String>,
    /// HER-id of the communication party (level 2).
    pub her_id: Option<HerId>,
    /// Family and given name, where level 2 is a clinician.
    pub clinician: Option<(String, String)>,
}

impl Party {
    /// The HER-ids of both levels, the lower first.
    pub fn her_ids(&self) -> impl Iterator<Item = HerId> {
        self.her_id.into_iter().chain(self.organisation_her_id)
    }
}

/// A person with an identity number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// National identity number or D number.
    pub national_id: Option<NationalId>,
}

/// What stands in `MsgInfo`.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) id: String,
    pub(super) generated: Option<Timestamp>,
    pub(super) process: Option<Process>,
    pub(super) ack: Option<bool>,
    pub(super) parent: Option<String>,
    pub(super) conversation: Option<String>,
    pub(super) sender: Party,
    pub(super) receiver: Party,
    pub(super) patient: Option<Person>,
}

pub(super) fn read(root: &Element, deviations: &mut Deviations) -> Result<Head, ReadError> {
    let info = root.child("MsgInfo").ok_or(ReadError::Missing { element: "MsgInfo" })?;
    let id = identifier(info.child_text("MsgId"), "MsgId")?.ok_or(ReadError::Missing { element: "MsgId" })?;
    if uuid::Uuid::try_parse(&id).is_err() {
        deviations.note(Deviation::MessageIdNotUuid);
    }
    let generated = info.child_text("GenDate").and_then(|text| time::parse(&text));
    if generated.is_none() {
        deviations.note(Deviation::NoGenerationTime);
    }
    let process = info.child("Type").and_then(|kind| kind.attribute("V")).and_then(Process::from_value);
    if process.is_none() {
        deviations.note(Deviation::UnknownProcess);
    }
    let ack = info.child("Ack").and_then(|ack| ack.attribute("V")).and_then(|value| match value {
        "J" | "j" => Some(true),
        "N" | "n" => Some(false),
        _ => None,
    });
    let reference = info.child("ConversationRef");
    let named = |name: &'static str| identifier(reference.and_then(|reference| reference.child_text(name)), name);
    let patient = info.child("Patient").map(person).transpose()?;
    if patient.as_ref().is_some_and(|patient| patient.national_id.is_none()) {
        deviations.note(Deviation::NoPatientId);
    }
    Ok(Head {
        id: canonical(id),
        generated,
        process,
        ack,
        parent: named("RefToParent")?.map(canonical),
        conversation: named("RefToConversation")?.map(canonical),
        sender: party(info.child("Sender"), deviations)?,
        receiver: party(info.child("Receiver"), deviations)?,
        patient,
    })
}

/// A UUID in its usual form; record systems write it in capitals and braces. Anything else as it stands.
pub(crate) fn canonical(id: String) -> String {
    uuid::Uuid::try_parse(&id).map_or(id, |uuid| uuid.hyphenated().to_string())
}

fn party(side: Option<&Element>, deviations: &mut Deviations) -> Result<Party, ReadError> {
    let Some(organisation) = side.and_then(|side| side.child("Organisation")) else {
        return Ok(Party::default());
    };
    let mut party = Party {
        organisation: line(organisation, "OrganisationName")?,
        organisation_her_id: her_id(organisation, deviations),
        organisation_number: bounded(ident(organisation, "ENH"), "Ident", limit::IDENTIFIER)?,
        ..Party::default()
    };
    if let Some(service) = organisation.child("Organisation") {
        party.name = line(service, "OrganisationName")?;
        party.her_id = her_id(service, deviations);
    }
    let clinician = organisation
        .child("HealthcareProfessional")
        .or_else(|| organisation.child("Organisation").and_then(|unit| unit.child("HealthcareProfessional")));
    if let Some(clinician) = clinician {
        let family = line(clinician, "FamilyName")?.unwrap_or_default();
        let given = line(clinician, "GivenName")?.unwrap_or_default();
        let name = format!("{given} {family}").trim().to_owned();
        if !name.is_empty() {
            party.name = Some(name);
            party.clinician = Some((family, given));
        }
        party.her_id = her_id(clinician, deviations).or(party.her_id);
    }
    Ok(party)
}

/// The identifier of a kind among the `Ident`s directly below an element.
pub(super) fn ident(element: &Element, kind: &str) -> Option<String> {
    element
        .children("Ident")
        .find(|ident| {
            ident.child("TypeId").and_then(|of| of.attribute("V")).is_some_and(|of| of.eq_ignore_ascii_case(kind))
        })
        .and_then(|ident| ident.child_text("Id"))
}

pub(super) fn her_id(element: &Element, deviations: &mut Deviations) -> Option<HerId> {
    let id = ident(element, "HER")?.parse().ok();
    if id.is_none() {
        deviations.note(Deviation::OddHerId);
    }
    id
}

pub(super) fn line(element: &Element, name: &'static str) -> Result<Option<String>, ReadError> {
    bounded(element.child_text(name), name, limit::LINE)
}

pub(super) fn person(element: &Element) -> Result<Person, ReadError> {
    let national_id = ["FNR", "DNR"]
        .into_iter()
        .find_map(|kind| ident(element, kind))
        .or_else(|| element.child("Ident").and_then(|ident| ident.child_text("Id")))
        .and_then(|id| id.replace([' ', '\u{a0}'], "").parse().ok());
    Ok(Person { given_name: line(element, "GivenName")?, family_name: line(element, "FamilyName")?, national_id })
}
