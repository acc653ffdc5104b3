//! Slots and appointments in both vocabularies.

use dialog_plugin_sdk::appointments::Slot;
use dialog_plugin_sdk::text::clip;
use dialog_plugin_sdk::{Appointment, Clinician, EncounterMode, Locale};
use serde::Deserialize;
use serde_json::Value;

use crate::fhir::bundle::Included;
use crate::fhir::element::{Concept, HPR, Identifier, Reference, is_id};
use crate::fhir::time;
use crate::words::Words;
use crate::written;

/// Characters of a title, by the contract.
const MAX_TITLE: usize = 200;
/// Characters of a place, by the contract.
const MAX_PLACE: usize = 500;
/// Characters of preparations, by the contract.
const MAX_PREPARATION: usize = 2_000;
/// Characters of a name that is shown.
const MAX_NAME: usize = 100;
/// Milliseconds of the longest appointment: a day.
const LONGEST: i64 = 24 * 60 * 60 * 1000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Time {
    id: String,
    start: String,
    end: String,
    #[serde(default)]
    service_type: Vec<Concept>,
    #[serde(default)]
    schedule: Reference,
}

#[derive(Deserialize)]
struct Schedule {
    #[serde(default)]
    actor: Vec<Reference>,
}

#[derive(Deserialize)]
struct Practitioner {
    identifier: Vec<Identifier>,
    name: Vec<Name>,
}

#[derive(Deserialize)]
struct Name {
    family: String,
    given: Vec<String>,
}

/// A free time as a slot of the contract.
///
/// # Errors
/// Says what is wrong with it, without its content.
pub fn slot(resource: &Value, included: &Included, locale: Locale) -> Result<Slot, &'static str> {
    let slot = Time::deserialize(resource).map_err(|_| "is of another shape")?;
    let (start, end) = span(&slot.start, &slot.end)?;
    if !is_id(&slot.id) {
        return Err("has an id that is none");
    }
    let schedule = included.get(&slot.schedule.reference).and_then(|one| Schedule::deserialize(one).ok());
    Ok(Slot {
        id: slot.id,
        start,
        end,
        clinician: schedule.and_then(|schedule| clinician(&schedule.actor, included)),
        mode: mode(&slot.service_type)?,
        title: title(&slot.service_type, locale),
    })
}

/// Whether an appointment stands, in the contract's view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Booked,
    /// It does not, any more.
    Cancelled,
    /// It is not yet one, or is over.
    Other,
}

/// An appointment of the vendor's.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Booked {
    id: String,
    status: String,
    start: String,
    end: String,
    #[serde(default)]
    service_type: Vec<Concept>,
    #[serde(default)]
    participant: Vec<Participant>,
    #[serde(default)]
    patient_instruction: Option<String>,
    /// Why it was cancelled.
    #[serde(default)]
    pub cancelation_reason: Option<Concept>,
}

#[derive(Deserialize)]
struct Participant {
    #[serde(default)]
    actor: Actor,
}

#[derive(Default, Deserialize)]
struct Actor {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(flatten)]
    reference: Reference,
}

impl Booked {
    /// Whether it stands.
    ///
    /// # Errors
    /// Its status is none of FHIR's.
    pub fn standing(&self) -> Result<Standing, &'static str> {
        match self.status.as_str() {
            "booked" => Ok(Standing::Booked),
            "cancelled" | "entered-in-error" => Ok(Standing::Cancelled),
            "proposed" | "pending" | "arrived" | "fulfilled" | "noshow" | "checked-in" | "waitlist" => {
                Ok(Standing::Other)
            }
            _ => Err("has a status that is not known"),
        }
    }

    /// Who takes part, of a kind: the references.
    pub fn actors<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        let all = self.participant.iter().map(|one| &one.actor.reference);
        all.filter(move |one| one.id(kind).is_some()).map(|one| one.reference.as_str())
    }

    /// As an appointment of the contract.
    ///
    /// # Errors
    /// Says what is wrong with it, without its content.
    pub fn appointment(&self, included: &Included, locale: Locale) -> Result<Appointment, &'static str> {
        let (start, end) = span(&self.start, &self.end)?;
        if !is_id(&self.id) {
            return Err("has an id that is none");
        }
        let booked = self.standing()? == Standing::Booked;
        let actors: Vec<Reference> = self.participant.iter().map(|one| one.actor.reference.clone()).collect();
        let place = self.participant.iter().map(|one| &one.actor).find(|one| one.kind.as_deref() == Some("Location"));
        Ok(Appointment {
            id: self.id.clone(),
            start,
            end,
            clinician: clinician(&actors, included),
            mode: mode(&self.service_type)?,
            title: title(&self.service_type, locale),
            location: place.and_then(|place| written(place.reference.display.as_deref(), MAX_PLACE)),
            instructions: written(self.patient_instruction.as_deref(), MAX_PREPARATION),
            cancellable: booked,
            changeable: booked,
        })
    }
}

fn span(start: &str, end: &str) -> Result<(i64, i64), &'static str> {
    let start = time::instant(start).ok_or("has a beginning that is not a time with an offset")?;
    let end = time::instant(end).ok_or("has an end that is not a time with an offset")?;
    if (1..=LONGEST).contains(&(end - start)) {
        Ok((start, end))
    } else {
        Err("is not between a moment and a day long")
    }
}

/// How they meet; at the office where nothing is said.
fn mode(types: &[Concept]) -> Result<EncounterMode, &'static str> {
    match types.iter().find_map(|concept| concept.code("contact-form")) {
        None | Some("physical") => Ok(EncounterMode::InPerson),
        Some("phone") => Ok(EncounterMode::Telephone),
        Some("video") => Ok(EncounterMode::Video),
        Some(_) => Err("is held in a way that is not known"),
    }
}

fn title(types: &[Concept], locale: Locale) -> String {
    let text = types.iter().find_map(|concept| concept.text.as_deref()).map(str::trim).unwrap_or_default();
    clip(if text.is_empty() { Words::Appointment.text(locale) } else { text }, MAX_TITLE)
}

/// The first doctor among actors whose resource is there. None where the number is not one: it is shown without.
fn clinician(actors: &[Reference], included: &Included) -> Option<Clinician> {
    let doctors = actors.iter().filter(|actor| actor.id("Practitioner").is_some());
    let doctor = doctors.filter_map(|actor| included.get(&actor.reference)).next()?;
    let Practitioner { identifier, name } = Practitioner::deserialize(doctor).ok()?;
    let hpr_number = identifier.iter().find(|one| one.system == HPR)?.value.parse().ok()?;
    let Name { family, given } = name.into_iter().next()?;
    let named = |text: &str| written(Some(text.trim()), MAX_NAME);
    (1..=999_999_999).contains(&hpr_number).then_some(())?;
    Some(Clinician { hpr_number, her_id: None, given_name: named(&given.join(" "))?, family_name: named(&family)? })
}
