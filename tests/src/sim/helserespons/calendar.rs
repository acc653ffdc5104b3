//! A clinic's openings and bookings: the same openings on every run from the same day.

use super::NationalId;
use crate::sim::world::{Gp, Office};
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Days ahead that a clinic publishes.
const PUBLISHED_DAYS: i32 = 56;

/// How patient and doctor meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Channel {
    /// At the clinic.
    Office,
    /// By telephone.
    Phone,
    /// By video.
    Video,
}

/// A time that the clinic has published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Slot {
    /// Its id, stable from run to run: `OP-9123423-20261123-0815`.
    pub id: String,
    /// HPR number of the doctor.
    pub hpr: u32,
    /// Given name of the doctor.
    pub first: &'static str,
    /// Family name of the doctor.
    pub last: &'static str,
    /// From when, local time.
    pub begins: DateTime,
    /// How long.
    pub minutes: i64,
    /// How they meet.
    pub channel: Channel,
    /// Kind of appointment.
    pub label: &'static str,
    /// Whether somebody has it.
    pub taken: bool,
}

/// A citizen's booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// Its number: `B-100001`.
    pub booking_no: String,
    /// Whose it is.
    pub citizen: NationalId,
    /// The time that it has.
    pub slot: Slot,
    /// What the citizen wrote.
    pub note: Option<String>,
    /// Whether it is cancelled.
    pub cancelled: bool,
}

/// Openings and bookings of one clinic.
#[derive(Debug)]
pub struct Calendar {
    address: &'static str,
    slots: Vec<Slot>,
    /// All bookings, cancelled ones too.
    pub bookings: Vec<Booking>,
}

/// The time zone of the vendor.
pub fn norway() -> TimeZone {
    TimeZone::get("Europe/Oslo").unwrap_or(TimeZone::UTC)
}

/// Local time as the vendor writes it, with its offset.
pub fn written(local: DateTime) -> String {
    match local.to_zoned(norway()) {
        Ok(zoned) => zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        Err(_) => local.to_string(),
    }
}

/// The instant of a local time.
pub fn instant(local: DateTime) -> Timestamp {
    local.to_zoned(norway()).map(|zoned| zoned.timestamp()).unwrap_or_default()
}

impl Calendar {
    /// Five openings a weekday and doctor from the day after `today` on: 08:15, 09:00, 10:45 and 12:30 of twenty minutes
    /// at the clinic (the first on a Wednesday by video), and 13:30 of ten minutes by telephone.
    pub fn generate(office: &'static Office, today: Date) -> Calendar {
        let mut slots = Vec::new();
        for day in 1..=PUBLISHED_DAYS {
            let date = today.saturating_add(day.days());
            if matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
                continue;
            }
            for gp in office.gps {
                for (hour, minute) in [(8, 15), (9, 0), (10, 45), (12, 30), (13, 30)] {
                    let (channel, minutes, label) = match (hour, date.weekday()) {
                        (13, _) => (Channel::Phone, 10, "Telefontime"),
                        (8, Weekday::Wednesday) => (Channel::Video, 20, "Videokonsultasjon"),
                        _ => (Channel::Office, 20, "Legetime"),
                    };
                    slots.push(slot(gp, date.at(hour, minute, 0, 0), minutes, channel, label));
                }
            }
        }
        Calendar { address: office.address, slots, bookings: Vec::new() }
    }

    /// Every opening, taken ones too.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Free openings in a span of time, of one doctor or of all.
    pub fn free(&self, from: Timestamp, to: Timestamp, hpr: Option<u32>) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(move |slot| {
            !slot.taken && hpr.is_none_or(|hpr| slot.hpr == hpr) && (from..to).contains(&instant(slot.begins))
        })
    }

    /// Takes an opening so that nobody else gets it.
    pub fn take(&mut self, id: &str) -> Option<Slot> {
        let slot = self.slots.iter_mut().find(|slot| slot.id == id && !slot.taken)?;
        slot.taken = true;
        Some(slot.clone())
    }

    /// Gives an opening back.
    pub fn give_back(&mut self, id: &str) {
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.id == id) {
            slot.taken = false;
        }
    }

    /// A time of the clinic's own choosing, in an opening if there is one then.
    pub fn arranged(&mut self, gp: &'static Gp, begins: DateTime, minutes: i64) -> Slot {
        let made = slot(gp, begins, minutes, Channel::Office, "Legetime");
        self.take(&made.id).unwrap_or(Slot { taken: true, ..made })
    }

    /// A booking by its number.
    pub fn booking(&mut self, booking_no: &str) -> Option<&mut Booking> {
        self.bookings.iter_mut().find(|booking| booking.booking_no == booking_no)
    }

    /// A citizen's bookings that end after `from`, soonest first.
    pub fn coming(&self, citizen: &NationalId, from: Timestamp) -> Vec<&Booking> {
        let mut coming: Vec<&Booking> = self
            .bookings
            .iter()
            .filter(|booking| booking.citizen == *citizen && !booking.cancelled)
            .filter(|booking| instant(booking.slot.begins.saturating_add(booking.slot.minutes.minutes())) > from)
            .collect();
        coming.sort_by_key(|booking| booking.slot.begins);
        coming
    }

    /// A booking as the vendor writes it.
    pub fn json(&self, booking: &Booking) -> Value {
        let Booking { booking_no, slot, cancelled, .. } = booking;
        json!({
            "bookingNo": booking_no,
            "state": if *cancelled { "CANCELLED" } else { "BOOKED" },
            "begins": written(slot.begins),
            "minutes": slot.minutes,
            "doctor": { "hpr": slot.hpr, "first": slot.first, "last": slot.last },
            "channel": slot.channel,
            "label": slot.label,
            "place": match slot.channel {
                Channel::Office => Some(self.address.to_owned()),
                Channel::Phone => None,
                Channel::Video => Some(format!("https://video.helserespons.example/{booking_no}")),
            },
            "preparation": (slot.channel == Channel::Office).then_some("Møt fem minutter før timen."),
            "mayCancel": !cancelled,
            "mayMove": !cancelled,
        })
    }
}

impl Slot {
    /// As the vendor writes an opening.
    pub fn json(&self) -> Value {
        json!({
            "id": self.id,
            "begins": written(self.begins),
            "minutes": self.minutes,
            "doctor": { "hpr": self.hpr, "first": self.first, "last": self.last },
            "channel": self.channel,
            "label": self.label,
        })
    }
}

fn slot(gp: &'static Gp, begins: DateTime, minutes: i64, channel: Channel, label: &'static str) -> Slot {
    Slot {
        id: format!("OP-{}-{}", gp.hpr, begins.strftime("%Y%m%d-%H%M")),
        hpr: gp.hpr.parse().unwrap_or_default(),
        first: gp.given_name,
        last: gp.family_name,
        begins,
        minutes,
        channel,
        label,
        taken: false,
    }
}

#[cfg(test)]
mod tests {
    use super::Calendar;
    use crate::sim::world::HAVNEGATA;
    use jiff::civil::date;

    #[test]
    fn the_same_day_gives_the_same_openings() {
        static OFFICE: crate::sim::world::Office = HAVNEGATA;
        let today = date(2026, 11, 20);
        let (mut one, other) = (Calendar::generate(&OFFICE, today), Calendar::generate(&OFFICE, today));
        assert_eq!(one.slots(), other.slots());
        assert_eq!(one.slots().len(), 40 * 5 * 2);
        let id = one.slots().first().map(|slot| slot.id.clone()).unwrap_or_default();
        assert_eq!(id, "OP-9123423-20261123-0815");
        assert!(one.take(&id).is_some() && one.take(&id).is_none());
        one.give_back(&id);
        assert!(one.take(&id).is_some());
    }
}
