//! Patients: whoever comes is taken, and has an id of the vendor's from then on.

use super::NationalId;
use super::document::{Refused, resource};
use super::request::{self, NewPatient};
use super::state::State;
use crate::sim::world;
use serde_json::{Value, json};

/// A patient.
#[derive(Clone, Debug)]
pub struct Patient {
    /// The vendor's id: `pat-100001`.
    pub id: String,
    /// Who.
    pub citizen: NationalId,
    given_name: String,
    family_name: String,
    /// May not use the vendor's services.
    pub blocked: bool,
}

impl Patient {
    /// As the portal's own requests are answered: without the number, which the portal has.
    pub fn resource(&self) -> Value {
        let attributes = json!({ "givenName": self.given_name, "familyName": self.family_name });
        resource("patients", &self.id, attributes, &[])
    }

    /// As an event names whom it is about.
    pub fn numbered(&self) -> Value {
        let mut patient = self.resource();
        patient["attributes"]["nationalIdentityNumber"] = json!(self.citizen.reveal());
        patient
    }
}

/// Takes a patient in, or finds the one who has been here; says whether it is a new one.
pub fn take_in(state: &mut State, route: &str, new: NewPatient) -> Result<(Patient, bool), Refused> {
    request::number(state, route, &new.national_identity_number)?;
    let known = world::CITIZENS.iter().find(|one| one.national_id == new.national_identity_number.reveal());
    if known.is_some_and(|one| one.given_name != new.given_name || one.family_name != new.family_name) {
        state.violate(route, "the patient has another name");
    }
    if new.given_name.is_empty() || new.family_name.is_empty() {
        return Err(Refused::attribute("givenName"));
    }
    if new.phone.as_ref().is_some_and(|phone| !phone.starts_with('+')) {
        state.violate(route, "the telephone number has no country code");
    }
    if let Some(known) = state.patients.iter().find(|one| one.citizen == new.national_identity_number) {
        return Ok((known.clone(), false));
    }
    let patient = Patient {
        id: state.number("pat"),
        citizen: new.national_identity_number,
        given_name: new.given_name,
        family_name: new.family_name,
        blocked: false,
    };
    state.patients.push(patient.clone());
    Ok((patient, true))
}

/// The patient that a request is about, by the vendor's id.
pub fn known(state: &mut State, route: &str, id: &str) -> Result<Patient, Refused> {
    let Some(patient) = state.patients.iter().find(|patient| patient.id == id).cloned() else {
        state.violate(route, "a patient id that the vendor never gave");
        return Err(Refused::unknown("unknown-patient"));
    };
    if patient.blocked { Err(Refused::forbidden("patient-blocked")) } else { Ok(patient) }
}
