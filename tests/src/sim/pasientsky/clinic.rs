//! What a clinic has on the vendor's first day: doctors, their calendars, patients and their prescriptions. The same on
//! every run from the same day.

use super::codes::{ATC, DNR, FNR, HPR, Kind, Origin, RULE, Service, concept, system};
use super::state::State;
use crate::sim::meldingstjener::NationalId;
use crate::sim::world::{CITIZENS, Citizen, Gp, Office};
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

/// Days ahead that a clinic publishes.
const PUBLISHED_DAYS: i32 = 56;

/// A clinic.
#[derive(Clone, Debug)]
pub struct Clinic {
    /// `HealthcareService.id`: `hs-` and the office's HER-id.
    pub id: String,
    /// The office that it is.
    pub office: Office,
    /// Services that are switched off.
    pub off: Vec<Service>,
    /// Patients (`Patient.id`) who may not use it.
    pub blocked: Vec<String>,
    /// Whether it is too late to move or cancel anything.
    pub late: bool,
    /// Whether messages are filed in the record system at once (and the portal is told).
    pub files_messages: bool,
}

impl Clinic {
    /// `HealthcareService/hs-8150301`.
    pub fn reference(&self) -> String {
        format!("HealthcareService/{}", self.id)
    }
}

/// A patient of a clinic.
#[derive(Clone, Debug)]
pub struct Patient {
    /// `Patient.id`.
    pub id: String,
    /// `HealthcareService.id`.
    pub clinic: String,
    /// Who it is.
    pub citizen: Citizen,
}

/// The time zone of the vendor.
pub fn norway() -> TimeZone {
    TimeZone::get("Europe/Oslo").unwrap_or(TimeZone::UTC)
}

/// The instant of a local time.
pub fn instant(local: DateTime) -> Timestamp {
    local.to_zoned(norway()).map(|zoned| zoned.timestamp()).unwrap_or_default()
}

/// A citizen's identifier, by HL7 Norway.
pub fn identifier(number: &NationalId) -> Value {
    let system = if number.is_d_number() { DNR } else { FNR };
    json!({ "system": system, "value": number.reveal() })
}

/// Opens a clinic.
pub fn open(state: &mut State, office: Office) {
    let id = format!("hs-{}", office.service_her_id);
    let (today, origin) = (state.today(), Origin::Clinic);
    for gp in office.gps {
        let doctor = format!("hpr-{}", gp.hpr);
        let body = json!({
            "identifier": [{ "system": HPR, "value": gp.hpr }],
            "name": [{ "family": gp.family_name, "given": [gp.given_name] }],
        });
        state.put(Kind::Practitioner, &doctor, body, origin);
        let actors = [format!("HealthcareService/{id}"), format!("Practitioner/{doctor}")];
        let actors: Vec<Value> = actors.iter().map(|actor| json!({ "reference": actor })).collect();
        state.put(Kind::Schedule, &schedule(gp), json!({ "active": true, "actor": actors }), origin);
        publish(state, gp, today);
    }
    for citizen in CITIZENS.iter().filter(|citizen| citizen.office_her_id == office.her_id) {
        let patient = format!("p-{}", state.patients.len() + 1);
        let body = json!({
            "identifier": [identifier(&NationalId::new(citizen.national_id))],
            "active": true,
            "name": [{ "family": citizen.family_name, "given": [citizen.given_name] }],
            "generalPractitioner": [{ "reference": format!("Practitioner/hpr-{}", citizen.gp_hpr) }],
        });
        state.put(Kind::Patient, &patient, body, origin);
        prescribe(state, &patient, today);
        state.patients.push(Patient { id: patient, clinic: id.clone(), citizen: *citizen });
    }
    state.clinics.push(Clinic {
        id: id.clone(),
        office,
        off: Vec::new(),
        blocked: Vec::new(),
        late: false,
        files_messages: true,
    });
    // It has just been opened, and asks.
    let _ = state.ask(&id);
}

/// The id of a doctor's calendar.
pub fn schedule(gp: &Gp) -> String {
    format!("schedule-{}", gp.hpr)
}

/// Five times a weekday from the day after `today` on: 08:15, 09:00, 10:45 and 12:30 of twenty minutes at the clinic (the
/// first on a Wednesday by video), and 13:30 of ten minutes by telephone.
fn publish(state: &mut State, gp: &Gp, today: Date) {
    for day in 1..=PUBLISHED_DAYS {
        let date = today.saturating_add(day.days());
        if matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
            continue;
        }
        for (hour, minute) in [(8, 15), (9, 0), (10, 45), (12, 30), (13, 30)] {
            let (form, minutes, text) = match (hour, date.weekday()) {
                (13, _) => ("phone", 10, "Telefontime"),
                (8, Weekday::Wednesday) => ("video", 20, "Videokonsultasjon"),
                _ => ("physical", 20, "Legetime"),
            };
            slot(state, gp, date.at(hour, minute, 0, 0), minutes, (form, text));
        }
    }
}

/// Writes a free time; gives its id: `slot-9123458-20261123-0815`.
pub fn slot(state: &mut State, gp: &Gp, begins: DateTime, minutes: i64, (form, text): (&str, &str)) -> String {
    let id = format!("slot-{}-{}", gp.hpr, begins.strftime("%Y%m%d-%H%M"));
    let body = json!({
        "serviceType": [{ "coding": [{ "system": system("contact-form"), "code": form }], "text": text }],
        "schedule": { "reference": format!("Schedule/{}", schedule(gp)) },
        "status": "free",
        "start": instant(begins),
        "end": instant(begins.saturating_add(minutes.minutes())),
    });
    state.put(Kind::Slot, &id, body, Origin::Clinic);
    id
}

/// What a citizen takes: two that can be renewed, one that needs a control, one that is not renewed.
fn prescribe(state: &mut State, patient: &str, today: Date) {
    let all = [
        ("Metoprolol depottabletter 50 mg", "C07AB02", "1 tablett hver morgen", "renewable", None),
        ("Atorvastatin tabletter 20 mg", "C10AA05", "1 tablett hver kveld", "renewable", None),
        (
            "Levotyroksin tabletter 100 mikrogram",
            "H03AA01",
            "1 tablett hver morgen",
            "needs-consultation",
            Some("Ta blodprøve før fornyelse."),
        ),
        (
            "Zopiklon tabletter 7,5 mg",
            "N05CF01",
            "1 tablett ved behov",
            "blocked",
            Some("Fornyes ikke uten konsultasjon."),
        ),
    ];
    for (number, (name, atc, dosage, rule, text)) in (1_i64..).zip(all) {
        let issued = instant(today.saturating_sub((number * 60).days()).at(9, 0, 0, 0));
        let mut allowed = concept("renewal-rule", rule);
        if let Some(text) = text {
            allowed["text"] = json!(text);
        }
        let body = json!({
            "extension": [{ "url": RULE, "valueCodeableConcept": allowed }],
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": { "coding": [{ "system": ATC, "code": atc }], "text": name },
            "subject": { "reference": format!("Patient/{patient}") },
            "authoredOn": issued,
            "dosageInstruction": [{ "text": dosage }],
            "dispenseRequest": { "validityPeriod": { "end": today.saturating_add((30 * (5 - number)).days()) } },
        });
        state.put(Kind::MedicationRequest, &format!("mr-{patient}-{number}"), body, Origin::Clinic);
    }
}
