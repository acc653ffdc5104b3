//! Writing: conditional creates, and updates of one version.
//!
//! A create names the identifier that it is known by (`If-None-Exist`): a repeated one is answered with what is there. An
//! update names the version that was read (`If-Match`): another one is 412. What is created: [`dialog`](super::dialog),
//! [`booking`](super::booking).

use super::booking::take;
use super::clinic::Patient;
use super::codes::{Kind, Origin, is_id};
use super::outcome::Refused;
use super::resource::Identifier;
use super::rules::rule;
use super::state::{State, closed};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::HashMap;

/// What was written: which resource, and whether it is new.
#[derive(Clone, Debug)]
pub struct Written {
    /// What.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// 201, and not 200.
    pub created: bool,
}

/// What an identifier was first used for.
pub type Remembered = HashMap<String, (String, Value)>;

/// The resource that an identifier names already. One that was first used for something else is a violation.
pub(super) fn existing(
    state: &mut State,
    route: &str,
    kind: Kind,
    (condition, identifier): (Option<&str>, &[Identifier]),
    value: &Value,
) -> Result<Option<Written>, Refused> {
    let wanted = identifier.first().map(|one| format!("identifier={}|{}", one.system, one.value));
    rule(state, route, wanted.is_some() && condition == wanted.as_deref(), "If-None-Exist: not its own identifier")?;
    let key = format!("{}?{}", kind.name(), wanted.unwrap_or_default());
    let Some((id, first)) = state.remembered.get(&key).cloned() else { return Ok(None) };
    rule(state, route, first == still(value), "an identifier was used again for another resource")?;
    Ok(Some(Written { kind, id, created: false }))
}

pub(super) fn remember(state: &mut State, kind: Kind, identifier: &[Identifier], id: &str, value: &Value) {
    if let Some(one) = identifier.first() {
        let key = format!("{}?identifier={}|{}", kind.name(), one.system, one.value);
        state.remembered.insert(key, (id.to_owned(), still(value)));
    }
}

/// A resource without the moments that differ from one attempt to the next.
fn still(value: &Value) -> Value {
    let mut still = value.clone();
    if let Some(elements) = still.as_object_mut() {
        elements.retain(|name, _| !matches!(name.as_str(), "sent" | "authoredOn" | "authored"));
    }
    still
}

/// A patient of a clinic who is not barred, by references to both.
pub(super) fn known(state: &mut State, patient: &str, clinic: &str) -> Result<Patient, Refused> {
    let found = state.patient(patient).cloned().ok_or(Refused::unknown("unknown-patient"))?;
    let clinic = clinic.strip_prefix("HealthcareService/").unwrap_or_default();
    let clinic = state.clinic(clinic).map_err(|_| Refused::unknown("unknown-clinic"))?;
    if found.clinic != clinic.id {
        return Err(Refused::unknown("unknown-patient"));
    }
    if clinic.blocked.contains(&found.id) { Err(Refused::forbidden("patient-blocked")) } else { Ok(found) }
}

/// Writes the next version of a resource: a dialog is taken back; an appointment is moved or cancelled; a message of the
/// clinic's is received. Everything else stays as it was read.
pub fn update(
    state: &mut State,
    route: &str,
    (kind, id): (Kind, &str),
    condition: Option<&str>,
    value: &Value,
) -> Result<Written, Refused> {
    const MOVED: &[&str] = &["slot", "start", "end", "comment"];
    rule(state, route, is_id(id) && value["id"] == id, "the resource's id is not the URL's")?;
    rule(state, route, condition.is_some(), "an update without If-Match")?;
    let unknown = if kind == Kind::Appointment { "unknown-appointment" } else { "unknown-task" };
    let record = state.record(kind, id).cloned().ok_or(Refused::unknown(unknown))?;
    if condition != Some(&record.etag()) {
        return Err(Refused::new(StatusCode::PRECONDITION_FAILED, "version"));
    }
    let status = record.text("/status").unwrap_or_default();
    if kind == Kind::Task && closed(status) {
        return Err(Refused::conflict("task-closed"));
    }
    if kind == Kind::Appointment && status != "booked" {
        return Err(Refused::conflict("appointment-cancelled"));
    }
    let cancels = value["status"] == "cancelled";
    let may: &[&str] = match (kind, cancels) {
        (Kind::Task, true) => &["status"],
        (Kind::Appointment, true) => &["status", "cancelationReason"],
        (Kind::Appointment, false) => MOVED,
        // The patient has opened a message of the clinic's, once.
        (Kind::Communication, false) if record.origin == Origin::Clinic && record.text("/received").is_none() => {
            &["received"]
        }
        _ => &[],
    };
    let rest = |mut value: Value| {
        if let Some(elements) = value.as_object_mut() {
            elements.retain(|name, _| !may.contains(&name.as_str()));
        }
        value
    };
    rule(state, route, rest(record.json()) == rest(value.clone()), "an element that the portal may not change")?;
    rule(state, route, !may.is_empty() && record.json() != *value, "an update that changes nothing that it may")?;
    if kind == Kind::Appointment {
        let clinic = state.clinics.iter().find(|clinic| {
            let actors = record.body["participant"].as_array();
            actors.is_some_and(|all| all.iter().any(|one| one["actor"]["reference"] == clinic.reference().as_str()))
        });
        let (clinic, late) = clinic.map(|clinic| (clinic.reference(), clinic.late)).unwrap_or_default();
        if late {
            return Err(Refused::forbidden("too-late"));
        }
        if !cancels {
            let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let at = |pointer: &str| text(pointer).parse::<Timestamp>().unwrap_or_default();
            take(state, text("/slot/0/reference"), &clinic, (at("/start"), at("/end")))?;
        }
        let old = record.text("/slot/0/reference").and_then(|slot| slot.strip_prefix("Slot/"));
        if let Some(old) = old {
            state.amend(Kind::Slot, old, Origin::Portal, |slot| slot["status"] = json!("free"));
        }
    }
    let mut body = value.clone();
    if let Some(elements) = body.as_object_mut() {
        elements.retain(|name, _| !matches!(name.as_str(), "resourceType" | "id" | "meta"));
    }
    if kind == Kind::Appointment && !cancels {
        state.furnish(&mut body, id);
    }
    if kind == Kind::Communication {
        let moment = value["received"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
        rule(state, route, moment.is_some(), "a message that was received at no time")?;
        state.received(id, body);
    } else {
        state.put(kind, id, body, Origin::Portal);
    }
    Ok(Written { kind, id: id.to_owned(), created: false })
}
