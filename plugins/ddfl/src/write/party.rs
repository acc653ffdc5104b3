//! Who sends, who receives, whom the message is about, and who acts for them.

use super::request::Roles;
use crate::message::code::{self, RepresentationRole};
use crate::message::{HerId, NationalId, OrganisationNumber};
use crate::xml::writer::XmlWriter;

/// An organisation or a service of one, in the address register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Name in the register.
    pub name: String,
    /// Its HER-id.
    pub her_id: HerId,
}

/// A clinician with an address of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clinician {
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// HER-id (level 2).
    pub her_id: HerId,
}

/// Who receives: two levels, the organisation and the communication party (2.3.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Level 1: the office as an organisation.
    pub organisation: Unit,
    /// Its number in the register of legal entities, where known.
    pub organisation_number: Option<OrganisationNumber>,
    /// Level 2.
    pub party: ReceivingParty,
}

/// Level 2 of the receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceivingParty {
    /// The patient's general practitioner.
    Clinician(Clinician),
    /// A service of the office.
    Service(Unit),
}

impl Receiver {
    /// The HER-id to which the message is sent.
    #[must_use]
    pub fn her_id(&self) -> HerId {
        match &self.party {
            ReceivingParty::Clinician(clinician) => clinician.her_id,
            ReceivingParty::Service(unit) => unit.her_id,
        }
    }
}

/// Whom the message is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patient {
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// National identity number or D number.
    pub national_id: NationalId,
}

/// Who acts for the patient (2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Representative {
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// National identity number or D number.
    pub national_id: NationalId,
    /// Why they may.
    pub role: RepresentationRole,
}

/// Namespace of common parts.
pub(super) const COMMON: &str = "http://www.kith.no/xmlstds/felleskomponent1";
const PERSONS: &str = "http://www.kith.no/xmlstds/person/2014-03-28";
const RELATION: &str = "http://www.kith.no/xmlstds/pasientrelasjon/2014-03-28";

fn ident(xml: &mut XmlWriter, id: &str, kind: code::Code) {
    xml.open("Ident", &[]);
    xml.leaf("Id", id);
    xml.code("TypeId", kind);
    xml.close();
}

fn unit(xml: &mut XmlWriter, unit: &Unit, number: Option<&OrganisationNumber>) {
    xml.leaf("OrganisationName", &unit.name);
    if let Some(number) = number {
        ident(xml, number.as_str(), code::ORGANISATION_NUMBER);
    }
    ident(xml, &unit.her_id.to_string(), code::ORGANISATION_HER);
}

pub(super) fn sender(xml: &mut XmlWriter, organisation: &Unit, party: &Unit) {
    xml.open("Sender", &[]);
    xml.open("Organisation", &[]);
    unit(xml, organisation, None);
    xml.open("Organisation", &[]);
    unit(xml, party, None);
    xml.close();
    xml.close();
    xml.close();
}

pub(super) fn receiver(xml: &mut XmlWriter, receiver: &Receiver) {
    xml.open("Receiver", &[]);
    xml.open("Organisation", &[]);
    unit(xml, &receiver.organisation, receiver.organisation_number.as_ref());
    match &receiver.party {
        ReceivingParty::Service(service) => {
            xml.open("Organisation", &[]);
            unit(xml, service, None);
            xml.close();
        }
        ReceivingParty::Clinician(clinician) => {
            xml.open("HealthcareProfessional", &[]);
            xml.code("RoleToPatient", code::ROLE_GENERAL_PRACTITIONER);
            xml.leaf("FamilyName", &clinician.family_name);
            xml.leaf("GivenName", &clinician.given_name);
            ident(xml, &clinician.her_id.to_string(), code::PERSON_HER);
            xml.close();
        }
    }
    xml.close();
    xml.close();
}

pub(super) fn patient(xml: &mut XmlWriter, patient: &Patient) {
    xml.open("Patient", &[]);
    xml.leaf("FamilyName", &patient.family_name);
    xml.leaf("GivenName", &patient.given_name);
    ident(xml, patient.national_id.reveal(), patient.national_id.type_code());
    xml.close();
}

pub(super) fn persons(xml: &mut XmlWriter, persons: &[Patient]) {
    xml.open("Personer", &[("xmlns", PERSONS), ("xmlns:fk1", COMMON)]);
    for person in persons {
        name_person(xml, &person.family_name, &person.given_name, &person.national_id);
    }
    xml.close();
}

fn name_person(xml: &mut XmlWriter, family_name: &str, given_name: &str, national_id: &NationalId) {
    xml.open("Person", &[]);
    xml.leaf("fk1:FamilyName", family_name);
    xml.leaf("fk1:GivenName", given_name);
    common_ident(xml, national_id.reveal(), national_id.type_code());
    xml.close();
}

/// Who wrote it, of which office, and whom it is for (2.4.4).
pub(super) fn roles(xml: &mut XmlWriter, roles: &Roles) {
    xml.open("RollerRelatertNotat", &[]);
    xml.code("RolleNotat", code::NOTE_AUTHOR);
    xml.open("TilknyttetEnhet", &[]);
    xml.open("Kontaktenhet", &[("xmlns:fk1", COMMON)]);
    xml.leaf("fk1:OrganisationName", &roles.office.name);
    common_ident(xml, &roles.office.her_id.to_string(), code::ORGANISATION_HER);
    xml.close();
    xml.close();
    xml.open("HealthcareProfessional", &[("xmlns:fk1", COMMON)]);
    xml.leaf("FamilyName", &roles.family_name);
    xml.leaf("GivenName", &roles.given_name);
    xml.open("Ident", &[]);
    xml.leaf("fk1:Id", &roles.hpr_number.to_string());
    xml.code("fk1:TypeId", code::PERSON_HPR);
    xml.close();
    xml.close();
    xml.close();
    if let Some(wanted) = roles.wanted {
        xml.open("RollerRelatertNotat", &[]);
        xml.code("RoleToPatient", code::ROLE_WANTED);
        xml.open("HealthcareProfessional", &[("xmlns:fk1", COMMON)]);
        xml.open("Ident", &[]);
        xml.leaf("fk1:Id", &wanted.to_string());
        xml.code("fk1:TypeId", code::PERSON_HPR);
        xml.close();
        xml.close();
        xml.close();
    }
}

fn common_ident(xml: &mut XmlWriter, id: &str, kind: code::Code) {
    xml.open("fk1:Ident", &[]);
    xml.leaf("fk1:Id", id);
    xml.code("fk1:TypeId", kind);
    xml.close();
}

pub(super) fn representative(xml: &mut XmlWriter, person: &Representative) {
    xml.open("Pasientrelasjon", &[("xmlns", RELATION), ("xmlns:fk1", COMMON)]);
    name_person(xml, &person.family_name, &person.given_name, &person.national_id);
    xml.code("Relasjon", person.role.code());
    xml.close();
}
