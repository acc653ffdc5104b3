//! Openings and bookings in both vocabularies: the vendor's *opening* is the contract's slot, its *booking* the
//! contract's appointment.

use dialog_plugin_sdk::appointments::Slot;
use dialog_plugin_sdk::time;
use dialog_plugin_sdk::{Appointment, Clinician, EncounterMode};
use serde::Deserialize;

use dialog_plugin_sdk::text::clip;

/// Characters of a title, by the contract.
const MAX_TITLE: usize = 200;
/// Characters of a place, by the contract.
const MAX_PLACE: usize = 500;
/// Characters of preparations, by the contract.
const MAX_PREPARATION: usize = 2_000;
/// Characters of the vendor's ids, by the contract.
const MAX_ID: usize = 256;
/// Characters of a name that is shown.
const MAX_NAME: usize = 100;
/// Minutes of the longest appointment: a day.
const MAX_MINUTES: i64 = 24 * 60;
/// What an appointment is called where the vendor has no label.
const NO_LABEL: &str = "Legetime";

/// How patient and doctor meet, in the vendor's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Channel {
    /// At the clinic.
    Office,
    /// By telephone.
    Phone,
    /// By video.
    Video,
}

impl From<Channel> for EncounterMode {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Office => Self::InPerson,
            Channel::Phone => Self::Telephone,
            Channel::Video => Self::Video,
        }
    }
}

/// A doctor as the vendor names one.
#[derive(Clone, Debug, Deserialize)]
pub struct Doctor {
    /// HPR number.
    pub hpr: u32,
    /// Given name.
    pub first: String,
    /// Family name.
    pub last: String,
}

impl Doctor {
    /// As the contract names a clinician. None where the number is not one: the appointment is shown without.
    #[must_use]
    pub fn clinician(self) -> Option<Clinician> {
        (1..=999_999_999).contains(&self.hpr).then(|| Clinician {
            hpr_number: self.hpr,
            her_id: None,
            given_name: clip(&self.first, MAX_NAME),
            family_name: clip(&self.last, MAX_NAME),
        })
    }
}

/// A free time.
#[derive(Clone, Debug, Deserialize)]
pub struct Opening {
    /// Its id.
    pub id: String,
    /// From when, with an offset.
    pub begins: String,
    /// How long.
    pub minutes: i64,
    /// With whom, where that is known.
    #[serde(default)]
    pub doctor: Option<Doctor>,
    /// How they meet.
    pub channel: Channel,
    /// Kind of appointment.
    #[serde(default)]
    pub label: Option<String>,
}

impl Opening {
    /// As a slot.
    ///
    /// # Errors
    /// Says what is wrong with it, without its content.
    pub fn slot(self) -> Result<Slot, &'static str> {
        let (start, end) = span(&self.begins, self.minutes)?;
        Ok(Slot {
            id: id(self.id)?,
            start,
            end,
            clinician: self.doctor.and_then(Doctor::clinician),
            mode: self.channel.into(),
            title: title(self.label),
        })
    }
}

/// Whether a booking stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// It does.
    Booked,
    /// It does not.
    Cancelled,
}

/// A booked time.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Booking {
    /// Its number.
    pub booking_no: String,
    /// Whether it stands.
    pub state: State,
    /// From when, with an offset.
    pub begins: String,
    /// How long.
    pub minutes: i64,
    /// With whom, where that is known.
    #[serde(default)]
    pub doctor: Option<Doctor>,
    /// How they meet.
    pub channel: Channel,
    /// Kind of appointment.
    #[serde(default)]
    pub label: Option<String>,
    /// Where to go, or the address of the video room.
    #[serde(default)]
    pub place: Option<String>,
    /// Preparations.
    #[serde(default)]
    pub preparation: Option<String>,
    /// The patient may cancel it.
    pub may_cancel: bool,
    /// The patient may move it.
    pub may_move: bool,
}

impl Booking {
    /// As an appointment.
    ///
    /// # Errors
    /// As [`Opening::slot`].
    pub fn appointment(self) -> Result<Appointment, &'static str> {
        let (start, end) = span(&self.begins, self.minutes)?;
        let text =
            |text: Option<String>, most| text.filter(|text| !text.trim().is_empty()).map(|text| clip(&text, most));
        Ok(Appointment {
            id: id(self.booking_no)?,
            start,
            end,
            clinician: self.doctor.and_then(Doctor::clinician),
            mode: self.channel.into(),
            title: title(self.label),
            location: text(self.place, MAX_PLACE),
            instructions: text(self.preparation, MAX_PREPARATION),
            cancellable: self.may_cancel && self.state == State::Booked,
            changeable: self.may_move && self.state == State::Booked,
        })
    }
}

fn span(begins: &str, minutes: i64) -> Result<(i64, i64), &'static str> {
    let start = time::instant(begins).ok_or("has a beginning that is not a time with an offset")?;
    if !(1..=MAX_MINUTES).contains(&minutes) {
        return Err("has a length that is not between a minute and a day");
    }
    Ok((start, start + minutes * 60_000))
}

fn id(id: String) -> Result<String, &'static str> {
    if id.is_empty() || id.chars().count() > MAX_ID || id.chars().any(char::is_control) {
        return Err("has an id that is empty, over 256 characters or not in one line");
    }
    Ok(id)
}

fn title(label: Option<String>) -> String {
    let label = label.unwrap_or_default();
    let label = label.trim();
    clip(if label.is_empty() { NO_LABEL } else { label }, MAX_TITLE)
}
