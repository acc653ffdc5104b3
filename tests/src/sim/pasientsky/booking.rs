//! Appointments, as the portal books them.

use super::codes::{Kind, Origin};
use super::outcome::Refused;
use super::resource::NewAppointment;
use super::rules::{self, identified, rule};
use super::state::State;
use super::write::{Written, existing, known, remember};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Books a time.
pub fn appointment(state: &mut State, route: &str, condition: Option<&str>, value: &Value) -> Result<Written, Refused> {
    let new: NewAppointment = rules::read(state, route, value)?;
    identified(state, route, &new.identifier, &["request"])?;
    if let Some(known) = existing(state, route, Kind::Appointment, (condition, &new.identifier), value)? {
        return Ok(known);
    }
    let actors: Vec<&str> = new.participant.iter().map(|one| one.actor.reference.as_str()).collect();
    let (patient, clinic) = match actors.as_slice() {
        [patient, clinic] | [patient, "#representative", clinic] => (*patient, *clinic),
        _ => ("", ""),
    };
    let fits = new.status == "booked"
        && new.participant.iter().all(|one| one.status == "accepted")
        && patient.starts_with("Patient/")
        && new.slot.len() == 1;
    rule(state, route, fits, "Appointment: not booked, or not of a patient, a clinic and a slot")?;
    let represented = rules::representative(state, route, &new.contained, patient)?;
    rule(state, route, represented == (actors.len() == 3), "who acts takes part, and nobody else")?;
    known(state, patient, clinic)?;
    if new.comment.as_ref().is_some_and(|comment| comment.chars().count() > 1_000) {
        return Err(Refused::value("Appointment.comment"));
    }
    let slot = new.slot.first().map(|slot| slot.reference.clone()).unwrap_or_default();
    take(state, &slot, clinic, (new.start, new.end))?;
    let id = state.number("a");
    let mut body = value.clone();
    if let Some(elements) = body.as_object_mut() {
        elements.remove("resourceType");
    }
    state.furnish(&mut body, &id);
    state.put(Kind::Appointment, &id, body, Origin::Portal);
    remember(state, Kind::Appointment, &new.identifier, &id, value);
    Ok(Written { kind: Kind::Appointment, id, created: true })
}

/// Takes the slot that is wanted, where it is as the patient saw it.
pub(super) fn take(
    state: &mut State,
    reference: &str,
    clinic: &str,
    span: (Timestamp, Timestamp),
) -> Result<(), Refused> {
    let slot = state.referred(reference).filter(|slot| slot.kind == Kind::Slot);
    let slot = slot.ok_or(Refused::conflict("slot-taken"))?;
    let schedule = slot.text("/schedule/reference").and_then(|schedule| state.referred(schedule));
    if !schedule.is_some_and(|schedule| schedule.refers("/actor", clinic)) {
        return Err(Refused::conflict("slot-taken"));
    }
    let at = |pointer: &str| slot.text(pointer).and_then(|text| text.parse::<Timestamp>().ok());
    if slot.text("/status") != Some("free") {
        return Err(Refused::conflict("slot-taken"));
    }
    if at("/start") != Some(span.0) || at("/end") != Some(span.1) {
        return Err(Refused::conflict("slot-changed"));
    }
    let id = slot.id.clone();
    state.amend(Kind::Slot, &id, Origin::Portal, |slot| slot["status"] = json!("busy"));
    Ok(())
}

impl State {
    /// What the vendor itself says in an appointment: with whom, where and how, by its slot.
    pub(super) fn furnish(&self, body: &mut Value, id: &str) {
        let slot =
            body.pointer("/slot/0/reference").and_then(Value::as_str).and_then(|slot| self.referred(slot)).cloned();
        let Some(slot) = slot else { return };
        let form = slot.text("/serviceType/0/coding/0/code").unwrap_or("physical").to_owned();
        let schedule = slot.text("/schedule/reference").and_then(|schedule| self.referred(schedule));
        let actors = schedule.and_then(|schedule| schedule.body["actor"].as_array()).cloned().unwrap_or_default();
        let doctor =
            actors.iter().find(|one| one["reference"].as_str().is_some_and(|who| who.starts_with("Practitioner/")));
        let clinic =
            self.clinics.iter().find(|clinic| actors.iter().any(|one| one["reference"] == clinic.reference().as_str()));
        let place = match form.as_str() {
            "physical" => clinic.map(|clinic| clinic.office.address.to_owned()),
            "video" => Some(format!("https://video.pasientsky.example/{id}")),
            _ => None,
        };
        body["serviceType"] = slot.body["serviceType"].clone();
        if let Some(all) = body["participant"].as_array_mut() {
            all.retain(|one| {
                let reference = one["actor"]["reference"].as_str();
                reference.is_some_and(|reference| !reference.starts_with("Practitioner/"))
            });
            all.extend(doctor.map(|doctor| json!({ "actor": doctor, "status": "accepted" })));
            all.extend(
                place.map(|place| json!({ "actor": { "type": "Location", "display": place }, "status": "accepted" })),
            );
        }
        if let Some(elements) = body.as_object_mut() {
            elements.remove("patientInstruction");
            if form == "physical" {
                elements.insert("patientInstruction".to_owned(), json!("Møt fem minutter før timen."));
            }
        }
    }
}
