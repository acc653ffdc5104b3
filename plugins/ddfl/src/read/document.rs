//! The documents of a message (`MsgHead/Document`): which is which, and what the smaller ones hold.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{Deviation, Deviations, Person, ReadError, bounded, head, limit};
use crate::message::HerId;
use crate::write::MediaType;
use crate::xml::tree::Element;

/// Base64 with or without padding: some systems leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A file.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Name or description, as the sender gave it.
    pub name: Option<String>,
    /// Kind of file as the sender names it; none where it is not one of digital dialogue's.
    pub media_type: Option<MediaType>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Attachment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Attachment({:?}, {} bytes)", self.media_type, self.bytes.len())
    }
}

/// A clinician that a message lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Professional {
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// HER-id, where there is one.
    pub her_id: Option<HerId>,
    /// HPR number, where there is one.
    pub hpr_number: Option<u32>,
    /// Role towards the patient, in the sender's words.
    pub role: Option<String>,
    /// What the office says of them.
    pub note: Option<String>,
}

/// A prescription in an answer: one that was renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenewedPrescription {
    /// `RefDoc/Id`, where the record system gave back the item's.
    pub id: Option<String>,
    /// Name, form and strength.
    pub name: Option<String>,
    /// ATC code.
    pub atc: Option<String>,
}

/// The documents of a message by what they are.
#[derive(Default)]
pub(super) struct Documents<'a> {
    pub(super) dialog: Option<&'a Element>,
    pub(super) calendars: Vec<&'a Element>,
    /// `RefDoc` and its `Base64Container`.
    pub(super) attachments: Vec<(&'a Element, &'a Element)>,
    pub(super) professionals: Vec<&'a Element>,
    /// `RefDoc` and its `Resept`.
    pub(super) prescriptions: Vec<(&'a Element, &'a Element)>,
    pub(super) relation: Option<&'a Element>,
    pub(super) persons: Vec<&'a Element>,
}

impl<'a> Documents<'a> {
    pub(super) fn of(root: &'a Element, deviations: &mut Deviations) -> Self {
        let mut documents = Self::default();
        for reference in root.children("Document").filter_map(|document| document.child("RefDoc")) {
            let Some(content) = reference.child("Content") else {
                if reference.child("FileReference").is_some() {
                    deviations.note(Deviation::AttachmentNotIncluded);
                }
                continue;
            };
            for element in content.elements() {
                documents.sort(reference, element, deviations);
            }
        }
        documents
    }

    fn sort(&mut self, reference: &'a Element, element: &'a Element, deviations: &mut Deviations) {
        match element.name.as_str() {
            "Dialogmelding" => {
                self.dialog.get_or_insert(element);
            }
            "icalendar" | "vcalendar" => self.calendars.push(element),
            "Base64Container" if reference.child("Compression").is_some() => {
                deviations.note(Deviation::AttachmentNotIncluded);
            }
            "Base64Container" => self.attachments.push((reference, element)),
            "Helsepersonell" | "HelsepersonelListe" | "HelsepersonellListe" => {
                self.professionals.push(element);
            }
            "Personer" => self.persons.push(element),
            "Resept" => self.prescriptions.push((reference, element)),
            "Pasientrelasjon" => {
                self.relation.get_or_insert(element);
            }
            _ => {}
        }
    }
}

pub(super) fn attachments(
    found: &[(&Element, &Element)],
    deviations: &mut Deviations,
) -> Result<Vec<Attachment>, ReadError> {
    if found.len() > limit::ATTACHMENTS {
        return Err(ReadError::TooMuch { element: "attachments", limit: limit::ATTACHMENTS });
    }
    let mut attachments = Vec::new();
    for (reference, container) in found {
        let encoded: String =
            container.text().unwrap_or_default().chars().filter(|character| !character.is_whitespace()).collect();
        let bytes = match BASE64.decode(encoded) {
            Ok(bytes) if !bytes.is_empty() => bytes,
            _ => {
                deviations.note(Deviation::AttachmentUnreadable);
                continue;
            }
        };
        let named = reference.child_text("MimeType");
        let media_type = named.as_deref().and_then(MediaType::from_text);
        if media_type.map(MediaType::as_str) != named.as_deref() {
            deviations.note(Deviation::OddMediaType);
        }
        let name = head::line(reference, "Description")?;
        attachments.push(Attachment { name, media_type, bytes });
    }
    Ok(attachments)
}

pub(super) fn professionals(lists: &[&Element], deviations: &mut Deviations) -> Result<Vec<Professional>, ReadError> {
    let mut professionals = Vec::new();
    for list in lists {
        // The list holds entries, an entry holds a person and a note; older versions have no list.
        let entries: Vec<&Element> =
            if list.name == "Helsepersonell" { vec![list] } else { list.children("Helsepersonell").collect() };
        for entry in entries {
            for person in entry.children("Helsepersonell") {
                if professionals.len() >= limit::APPOINTMENTS {
                    return Err(ReadError::TooMuch { element: "Helsepersonell", limit: limit::APPOINTMENTS });
                }
                professionals.push(Professional {
                    given_name: head::line(person, "GivenName")?,
                    family_name: head::line(person, "FamilyName")?,
                    her_id: head::her_id(person, deviations),
                    hpr_number: head::ident(person, "HPR").and_then(|number| number.parse().ok()),
                    role: person
                        .child("RoleToPatient")
                        .and_then(|role| role.attribute("DN"))
                        .map(|role| role.chars().take(limit::LINE).collect()),
                    note: head::line(entry, "Merknad")?,
                });
            }
        }
    }
    Ok(professionals)
}

pub(super) fn persons(lists: &[&Element]) -> Result<Vec<Person>, ReadError> {
    let found: Vec<&Element> = lists.iter().flat_map(|list| list.children("Person")).collect();
    if found.len() > limit::PERSONS {
        return Err(ReadError::TooMuch { element: "Personer", limit: limit::PERSONS });
    }
    found.into_iter().map(head::person).collect()
}

pub(super) fn prescriptions(found: &[(&Element, &Element)]) -> Result<Vec<RenewedPrescription>, ReadError> {
    if found.len() > limit::PRESCRIPTIONS {
        return Err(ReadError::TooMuch { element: "Resept", limit: limit::PRESCRIPTIONS });
    }
    found
        .iter()
        .map(|(reference, prescription)| {
            Ok(RenewedPrescription {
                id: bounded(reference.child_text("Id"), "RefDoc/Id", limit::IDENTIFIER)?,
                name: bounded(
                    prescription.descendant("NavnFormStyrke").and_then(Element::text),
                    "NavnFormStyrke",
                    limit::LINE,
                )?,
                atc: prescription
                    .descendant("Atc")
                    .and_then(|atc| atc.attribute("V"))
                    .map(|atc| atc.chars().take(limit::IDENTIFIER).collect()),
            })
        })
        .collect()
}
