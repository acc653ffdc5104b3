//! Sick notes by the practice's record system: which one a patient has, what may be renewed unseen, and who gets a new
//! one. What a sick note is for stands in the record alone: nothing here holds it, and so nothing can tell it.
//!
//! The rules: what is asked for must be about the latest note, by its last day; one that ended more than a week ago is a
//! new case; a higher degree, or more than eight weeks in all, the doctor gives to nobody unseen.

use super::graphql::Refused;
use super::{NationalId, SimError};
use crate::sim::world::{CITIZENS, Office};
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

/// How long after its last day a note may still be renewed, in days.
const GRACE_DAYS: i64 = 7;
/// How long somebody is on sick leave before the doctor must see them, in days.
const UNSEEN_DAYS: i32 = 56;

/// What is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Asked {
    /// The last day of the present note, as the citizen has it.
    pub current_until: Date,
    /// In percent.
    pub degree: u8,
}

impl Asked {
    /// Whether there can be such a note.
    pub fn is_possible(&self) -> bool {
        (1..=100).contains(&self.degree)
    }
}

/// A patient's latest sick note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SickNote {
    /// First day of the whole leave.
    pub since: Date,
    /// First day of this note.
    pub from: Date,
    /// Last day of this note.
    pub until: Date,
    /// In percent.
    pub degree: u8,
    /// Where the patient works; none for who works for nobody.
    pub employer: Option<&'static str>,
}

impl SickNote {
    /// As the schema has it: NAV gets every note, an employer where there is one.
    pub fn json(&self) -> Value {
        let mut informed = vec!["NAV"];
        informed.extend(self.employer.map(|_| "EMPLOYER"));
        json!({
            "from": self.from,
            "until": self.until,
            "degree": self.degree,
            "employer": self.employer,
            "informed": informed,
        })
    }
}

/// The latest note of each of a practice's patients.
#[derive(Debug)]
pub struct SickNotes(Vec<(NationalId, SickNote)>);

impl SickNotes {
    /// Everybody on the practice's lists is half on leave, for nine days past and five to come.
    pub fn of(office: &Office, today: Date) -> SickNotes {
        let from = today.saturating_sub(9.days());
        let note = SickNote {
            since: from,
            from,
            until: today.saturating_add(5.days()),
            degree: 50,
            employer: Some("Elverum Trelast AS"),
        };
        let patients = CITIZENS.iter().filter(|citizen| citizen.office_her_id == office.her_id);
        SickNotes(patients.map(|citizen| (NationalId::new(citizen.national_id), note.clone())).collect())
    }

    /// The latest note of a patient's.
    pub fn latest(&self, patient: &NationalId) -> Option<&SickNote> {
        self.0.iter().find(|(other, _)| other == patient).map(|(_, note)| note)
    }

    /// The record has this note of a patient's, or none.
    pub fn set(&mut self, patient: &NationalId, note: Option<SickNote>) {
        self.0.retain(|(other, _)| other != patient);
        self.0.extend(note.map(|note| (patient.clone(), note)));
    }

    /// Whether the practice takes such a wish unseen.
    pub fn may_renew(&self, patient: &NationalId, asked: &Asked, today: Date) -> Result<(), Refused> {
        let latest = self.latest(patient).filter(|note| note.until.saturating_add(GRACE_DAYS.days()) >= today);
        let note = latest.ok_or(Refused::new("SICK_NOTE_NOT_FOUND"))?;
        if asked.current_until != note.until {
            return Err(Refused::fields("SICK_NOTE_OTHER_DAY", vec!["/sickNote/currentUntil".to_owned()]));
        }
        if asked.degree > note.degree {
            return Err(Refused::fields("SICK_NOTE_NEEDS_VISIT", vec!["/sickNote/degree".to_owned()]));
        }
        if (note.until - note.since).get_days() >= UNSEEN_DAYS {
            return Err(Refused::new("SICK_NOTE_NEEDS_VISIT"));
        }
        Ok(())
    }

    /// The doctor writes the next note.
    pub fn issue(&mut self, patient: &NationalId, days: u8, degree: u8) -> Result<SickNote, SimError> {
        let last = self.latest(patient).ok_or(SimError::NoSuchCitizen)?;
        let from = last.until.saturating_add(1.day());
        let until = from.saturating_add((i64::from(days.max(1)) - 1).days());
        let issued = SickNote { since: last.since, from, until, degree, employer: last.employer };
        self.set(patient, Some(issued.clone()));
        Ok(issued)
    }
}
