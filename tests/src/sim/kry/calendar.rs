//! Times that can be booked, by video and by telephone, and who has which: the same times on every run from the same day.

use super::NationalId;
use super::document::resource;
use super::unit::{self, DOCTORS, UNIT};
use crate::sim::world::Gp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Days ahead that the vendor publishes: also weekends.
const PUBLISHED_DAYS: i32 = 28;

/// How patient and doctor meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// By video.
    Video,
    /// By telephone.
    Phone,
}

impl Channel {
    /// The vendor's word.
    pub fn word(self) -> &'static str {
        match self {
            Channel::Video => "video",
            Channel::Phone => "phone",
        }
    }
}

/// A time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeslot {
    /// Its id, stable from run to run: `ts-9123482-20261123-0800-video`.
    pub id: String,
    /// HPR number of the doctor.
    pub hpr: &'static str,
    /// From when.
    pub start: Timestamp,
    /// How long.
    pub minutes: i64,
    /// How they meet.
    pub channel: Channel,
    /// Whether somebody has it.
    pub taken: bool,
}

impl Timeslot {
    fn of(doctor: &'static Gp, local: DateTime, channel: Channel) -> Timeslot {
        Timeslot {
            id: format!("ts-{}-{}-{}", doctor.hpr, local.strftime("%Y%m%d-%H%M"), channel.word()),
            hpr: doctor.hpr,
            start: instant(local),
            minutes: if channel == Channel::Video { 20 } else { 10 },
            channel,
            taken: false,
        }
    }

    fn label(&self) -> &'static str {
        match self.channel {
            Channel::Video => "Videokonsultasjon",
            Channel::Phone => "Telefonkonsultasjon",
        }
    }

    /// As the vendor writes it.
    pub fn resource(&self) -> Value {
        let attributes = json!({
            "start": self.start,
            "durationMinutes": self.minutes,
            "channel": self.channel,
            "label": self.label(),
        });
        let doctor = unit::doctor(self.hpr).map(unit::practitioner_id);
        let related = [("practitioner", "practitioners", doctor.as_deref()), ("unit", "units", Some(UNIT))];
        resource("timeslots", &self.id, attributes, &related)
    }

    /// Its doctor.
    pub fn doctor(&self) -> Option<Value> {
        unit::doctor(self.hpr).map(unit::practitioner)
    }
}

/// A booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// The vendor's id: `bok-100001`.
    pub id: String,
    /// Whose it is.
    pub citizen: NationalId,
    /// The patient's id.
    pub patient: String,
    /// Its time.
    pub slot: Timeslot,
    /// What the patient wrote.
    pub reason: Option<String>,
    /// Whether it is cancelled.
    pub cancelled: bool,
}

impl Booking {
    /// When it is over.
    pub fn end(&self) -> Timestamp {
        self.slot.start.saturating_add(self.slot.minutes.minutes()).unwrap_or(self.slot.start)
    }

    /// What stands in an event: as it was then.
    pub fn snapshot(&self) -> Value {
        let preparation = match self.slot.channel {
            Channel::Video => "Åpne lenken fem minutter før.",
            Channel::Phone => "Legen ringer deg.",
        };
        let mut attributes = json!({
            "status": if self.cancelled { "cancelled" } else { "confirmed" },
            "start": self.slot.start,
            "durationMinutes": self.slot.minutes,
            "channel": self.slot.channel,
            "label": self.slot.label(),
            "preparation": preparation,
            "cancellable": !self.cancelled,
            "movable": !self.cancelled,
        });
        if self.slot.channel == Channel::Video {
            attributes["joinUrl"] = json!(format!("https://video.kry.example/{}", self.id));
        }
        attributes
    }

    /// As the vendor writes it.
    pub fn resource(&self) -> Value {
        let doctor = unit::doctor(self.slot.hpr).map(unit::practitioner_id);
        let related = [
            ("practitioner", "practitioners", doctor.as_deref()),
            ("patient", "patients", Some(self.patient.as_str())),
            ("unit", "units", Some(UNIT)),
        ];
        resource("bookings", &self.id, self.snapshot(), &related)
    }
}

/// Times and bookings.
#[derive(Debug)]
pub struct Calendar {
    /// All times, taken ones too.
    pub slots: Vec<Timeslot>,
    /// All bookings, cancelled ones too.
    pub bookings: Vec<Booking>,
}

/// The time zone of the unit.
pub fn norway() -> TimeZone {
    TimeZone::get("Europe/Oslo").unwrap_or(TimeZone::UTC)
}

fn instant(local: DateTime) -> Timestamp {
    local.to_zoned(norway()).map(|zoned| zoned.timestamp()).unwrap_or_default()
}

impl Calendar {
    /// Six times a day and doctor from the day after `today` on: by video 08:00, 10:00, 14:00 and 19:00 of twenty minutes,
    /// by telephone 12:00 and 16:30 of ten; each doctor half an hour after the one before.
    pub fn generate(today: Date) -> Calendar {
        let mut slots = Vec::new();
        for day in 1..=PUBLISHED_DAYS {
            let date = today.saturating_add(day.days());
            for (hour, minute) in [(8, 0), (10, 0), (12, 0), (14, 0), (16, 30), (19, 0)] {
                let channel = if matches!(hour, 12 | 16) { Channel::Phone } else { Channel::Video };
                let first = date.at(hour, minute, 0, 0);
                let times = (0..).map(|turn: i64| first.saturating_add((30 * turn).minutes()));
                slots.extend(DOCTORS.iter().zip(times).map(|(doctor, time)| Timeslot::of(doctor, time, channel)));
            }
        }
        Calendar { slots, bookings: Vec::new() }
    }

    /// Takes a time so that nobody else gets it.
    pub fn take(&mut self, id: &str) -> Option<Timeslot> {
        let slot = self.slots.iter_mut().find(|slot| slot.id == id && !slot.taken)?;
        slot.taken = true;
        Some(slot.clone())
    }

    /// Gives a time back.
    pub fn give_back(&mut self, id: &str) {
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.id == id) {
            slot.taken = false;
        }
    }

    /// A time of the vendor's own choosing, with the first of its doctors.
    pub fn arranged(&mut self, local: DateTime, channel: Channel) -> Timeslot {
        let made = Timeslot::of(&DOCTORS[0], local, channel);
        self.take(&made.id).unwrap_or(Timeslot { taken: true, ..made })
    }

    /// A booking by its id.
    pub fn booking(&mut self, id: &str) -> Option<&mut Booking> {
        self.bookings.iter_mut().find(|booking| booking.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::Calendar;
    use jiff::civil::date;

    #[test]
    fn the_same_day_gives_the_same_times() {
        let today = date(2026, 11, 20);
        let (mut one, other) = (Calendar::generate(today), Calendar::generate(today));
        assert_eq!(one.slots, other.slots);
        assert_eq!(one.slots.len(), 28 * 6 * 2);
        let id = "ts-9123482-20261121-0800-video";
        assert_eq!(one.slots.first().map(|slot| slot.id.as_str()), Some(id));
        assert!(one.take(id).is_some() && one.take(id).is_none());
        one.give_back(id);
        assert!(one.take(id).is_some());
    }
}
