//! An office's calendar: the same slots on every run from the same day, and the appointments in them.

use super::message::{Event, NationalId};
use crate::sim::world::{Gp, Office};
use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time, Weekday};
use uuid::Uuid;

/// Days ahead that an office publishes.
const PUBLISHED_DAYS: i32 = 56;
/// Length of a slot in minutes.
const SLOT_MINUTES: i64 = 15;

/// A slot that citizens may see.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Slot {
    /// Identifier, stable from run to run.
    pub uid: String,
    /// HER-id of the doctor.
    pub contact: u32,
    /// Start, local time.
    pub start: DateTime,
    /// Whether it is a video consultation.
    pub video: bool,
    /// Must be booked by telephone.
    pub must_call: bool,
    /// Whether somebody has it.
    pub taken: bool,
}

/// A citizen's appointment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appointment {
    /// Identifier of the appointment (`related-to`).
    pub id: String,
    /// The slot that it lies in (`uid`).
    pub uid: String,
    /// Whose it is.
    pub citizen: NationalId,
    /// HER-id of the doctor.
    pub contact: u32,
    /// Start, local time.
    pub start: DateTime,
    /// End, local time.
    pub end: DateTime,
    /// What it is about.
    pub summary: String,
}

/// Slots and appointments of one office.
#[derive(Debug)]
pub struct Calendar {
    slots: Vec<Slot>,
    /// Appointments, past ones too.
    pub appointments: Vec<Appointment>,
}

impl Calendar {
    /// Five slots a weekday and doctor from the day after `now` on: 08:30, 09:00, 10:15, 12:45 and 14:00; the first on
    /// a Tuesday is a video consultation, the last on a Thursday must be booked by telephone.
    pub fn generate(office: &Office, now: DateTime) -> Calendar {
        let mut slots = Vec::new();
        for day in 1..=PUBLISHED_DAYS {
            let date = now.date().saturating_add(day.days());
            if matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
                continue;
            }
            for gp in office.gps {
                for (hour, minute) in [(8, 30), (9, 0), (10, 15), (12, 45), (14, 0)] {
                    let start = date.to_datetime(Time::constant(hour, minute, 0, 0));
                    slots.push(Slot {
                        uid: slot_uid(gp, start),
                        contact: gp.her_id,
                        start,
                        video: hour == 8 && date.weekday() == Weekday::Tuesday,
                        must_call: hour == 14 && date.weekday() == Weekday::Thursday,
                        taken: false,
                    });
                }
            }
        }
        Calendar { slots, appointments: Vec::new() }
    }

    /// Every slot, taken ones too.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Free slots of one doctor (or of all) between two days, both included.
    pub fn free(&self, contact: Option<u32>, from: Date, to: Date) -> Vec<Event> {
        self.slots
            .iter()
            .filter(|slot| !slot.taken && contact.is_none_or(|her_id| slot.contact == her_id))
            .filter(|slot| (from..=to).contains(&slot.start.date()))
            .map(Slot::event)
            .collect()
    }

    /// Takes a slot so that nobody else gets it; `false` where it is unknown or gone.
    pub fn take(&mut self, uid: &str) -> bool {
        match self.slots.iter_mut().find(|slot| slot.uid == uid && !slot.taken) {
            Some(slot) => {
                slot.taken = true;
                true
            }
            None => false,
        }
    }

    /// Books a slot for a citizen; `None` where it is unknown, gone, or must be booked by telephone.
    pub fn book(&mut self, uid: &str, citizen: &NationalId, summary: &str) -> Option<Appointment> {
        let slot = self.slots.iter_mut().find(|slot| slot.uid == uid && !slot.taken && !slot.must_call)?;
        slot.taken = true;
        let (start, contact) = (slot.start, slot.contact);
        Some(self.appoint(citizen, contact, start, uid.to_owned(), summary))
    }

    /// Gives a citizen a time outside the published slots, or in one if there is one then.
    pub fn assign(&mut self, citizen: &NationalId, gp: &Gp, start: DateTime, summary: &str) -> Appointment {
        let uid = slot_uid(gp, start);
        self.take(&uid);
        self.appoint(citizen, gp.her_id, start, uid, summary)
    }

    fn appoint(
        &mut self,
        citizen: &NationalId,
        contact: u32,
        start: DateTime,
        uid: String,
        summary: &str,
    ) -> Appointment {
        let appointment = Appointment {
            id: Uuid::new_v4().to_string(),
            uid,
            citizen: citizen.clone(),
            contact,
            start,
            end: start.saturating_add(SLOT_MINUTES.minutes()),
            summary: summary.to_owned(),
        };
        self.appointments.push(appointment.clone());
        appointment
    }

    /// A citizen's appointment by its identifier.
    pub fn appointment(&self, id: &str, citizen: &NationalId) -> Option<&Appointment> {
        self.appointments.iter().find(|appointment| appointment.id == id && appointment.citizen == *citizen)
    }

    /// Removes a citizen's appointment and frees its slot.
    pub fn cancel(&mut self, id: &str, citizen: &NationalId) -> Option<Appointment> {
        let at =
            self.appointments.iter().position(|appointment| appointment.id == id && appointment.citizen == *citizen)?;
        let appointment = self.appointments.remove(at);
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.uid == appointment.uid) {
            slot.taken = false;
        }
        Some(appointment)
    }

    /// A citizen's coming appointments, soonest first.
    pub fn coming(&self, citizen: &NationalId, now: DateTime) -> Vec<&Appointment> {
        let mut coming: Vec<&Appointment> = self
            .appointments
            .iter()
            .filter(|appointment| appointment.citizen == *citizen && appointment.end > now)
            .collect();
        coming.sort_by_key(|appointment| appointment.start);
        coming
    }
}

impl Slot {
    fn event(&self) -> Event {
        let mut categories = Vec::new();
        if self.video {
            categories.push("Video".to_owned());
        }
        if self.must_call {
            categories.push("MustCall".to_owned());
        }
        Event {
            uid: self.uid.clone(),
            start: self.start,
            end: self.start.saturating_add(SLOT_MINUTES.minutes()),
            contact: self.contact,
            related_to: None,
            summary: None,
            description: None,
            location: None,
            categories,
        }
    }
}

impl Appointment {
    /// As a calendar event that names the appointment.
    pub fn event(&self, office: &Office) -> Event {
        Event {
            uid: self.uid.clone(),
            start: self.start,
            end: self.end,
            contact: self.contact,
            related_to: Some(self.id.clone()),
            summary: Some(self.summary.clone()),
            description: None,
            location: Some(office.address.to_owned()),
            categories: Vec::new(),
        }
    }
}

fn slot_uid(gp: &Gp, start: DateTime) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{}/{start}", gp.hpr).as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use super::Calendar;
    use crate::sim::meldingstjener::message::NationalId;
    use crate::sim::world::{FJELLVEIEN, KARI};
    use jiff::ToSpan;
    use jiff::civil::date;

    #[test]
    fn the_same_day_gives_the_same_slots() {
        let now = date(2026, 11, 20).at(9, 0, 0, 0);
        let (one, other) = (Calendar::generate(&FJELLVEIEN, now), Calendar::generate(&FJELLVEIEN, now));
        assert_eq!(one.slots(), other.slots());
        assert!(one.slots().iter().all(|slot| slot.start > now));
        assert_eq!(one.slots().len(), 40 * 5 * 2);
    }

    #[test]
    fn a_slot_is_booked_once_and_free_again_after_cancelling() {
        let now = date(2026, 11, 20).at(9, 0, 0, 0);
        let mut calendar = Calendar::generate(&FJELLVEIEN, now);
        let kari = NationalId::new(KARI.national_id);
        let gp = FJELLVEIEN.gps.first().unwrap();
        let free = calendar.free(Some(gp.her_id), now.date(), now.date().saturating_add(7.days()));
        let uid = free.first().unwrap().uid.clone();
        let appointment = calendar.book(&uid, &kari, "Konsultasjon").unwrap();
        assert!(calendar.book(&uid, &kari, "Konsultasjon").is_none());
        assert_eq!(calendar.coming(&kari, now), [&appointment]);
        assert!(calendar.cancel(&appointment.id, &NationalId::new("x")).is_none());
        assert!(calendar.cancel(&appointment.id, &kari).is_some());
        assert!(calendar.coming(&kari, now).is_empty());
        assert!(calendar.book(&uid, &kari, "Konsultasjon").is_some());
    }
}
