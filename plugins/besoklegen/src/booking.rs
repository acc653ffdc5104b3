//! Slots and bookings in both vocabularies: the vendor's *booking* is the contract's appointment.

use dialog_plugin_sdk::appointments::Slot;
use dialog_plugin_sdk::text::clip;
use dialog_plugin_sdk::time;
use dialog_plugin_sdk::{Appointment, Clinician, EncounterMode, Locale};

use crate::Odd;
use crate::words::Words;
use crate::xml::tree::Element;

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
/// Milliseconds of the longest appointment: a day.
const MAX_LENGTH: i64 = 24 * 60 * 60 * 1_000;

/// A booking, and whether it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// As the contract has it.
    pub appointment: Appointment,
    /// It is not cancelled.
    pub stands: bool,
}

/// How patient and doctor meet, in the vendor's words.
#[must_use]
pub fn channel(word: &str) -> Option<EncounterMode> {
    Some(match word {
        "PRACTICE" => EncounterMode::InPerson,
        "PHONE" => EncounterMode::Telephone,
        "VIDEO" => EncounterMode::Video,
        _ => return None,
    })
}

/// The vendor's word for it.
#[must_use]
pub const fn word(mode: EncounterMode) -> &'static str {
    match mode {
        EncounterMode::InPerson => "PRACTICE",
        EncounterMode::Telephone => "PHONE",
        EncounterMode::Video => "VIDEO",
    }
}

/// A doctor as the vendor names one. None where number or names are missing: what it belongs to is shown without.
#[must_use]
pub fn doctor(element: &Element) -> Option<Clinician> {
    let hpr_number = element.optional("Hpr")?.parse().ok().filter(|number| (1..=999_999_999).contains(number))?;
    Some(Clinician {
        hpr_number,
        her_id: None,
        given_name: clip(element.optional("Given")?, MAX_NAME),
        family_name: clip(element.optional("Family")?, MAX_NAME),
    })
}

/// A free time.
///
/// # Errors
/// Says what is wrong with it, without its content.
pub fn slot(element: &Element, locale: Locale) -> Result<Slot, Odd> {
    let (start, end) = span(element)?;
    Ok(Slot {
        id: id(element.optional("Id"))?,
        start,
        end,
        clinician: element.child("Doctor").and_then(doctor),
        mode: mode(element)?,
        title: title(element, locale),
    })
}

impl Booking {
    /// A booked time.
    ///
    /// # Errors
    /// Says what is wrong with it, without its content.
    pub fn read(element: &Element, locale: Locale) -> Result<Self, Odd> {
        let (start, end) = span(element)?;
        let stands = match element.optional("State") {
            Some("BOOKED") => true,
            Some("CANCELLED") => false,
            _ => return Err("has a state that is not known"),
        };
        let may = |name| match element.optional(name) {
            Some("true" | "1") => Ok(stands),
            Some("false" | "0") => Ok(false),
            _ => Err("does not say what the patient may do with it"),
        };
        let text = |name, most| element.optional(name).map(|text| clip(text, most));
        let appointment = Appointment {
            id: id(element.optional("Number"))?,
            start,
            end,
            clinician: element.child("Doctor").and_then(doctor),
            mode: mode(element)?,
            title: title(element, locale),
            location: text("Place", MAX_PLACE),
            instructions: text("Preparation", MAX_PREPARATION),
            cancellable: may("MayCancel")?,
            changeable: may("MayMove")?,
        };
        Ok(Self { appointment, stands })
    }
}

fn span(element: &Element) -> Result<(i64, i64), Odd> {
    let at = |name| element.optional(name).and_then(time::instant);
    let (Some(start), Some(end)) = (at("Start"), at("End")) else {
        return Err("has a beginning or an end that is not a time with an offset");
    };
    if !(1..=MAX_LENGTH).contains(&(end - start)) {
        return Err("has a length that is not up to a day");
    }
    Ok((start, end))
}

fn id(id: Option<&str>) -> Result<String, Odd> {
    match id {
        Some(id) if id.chars().count() <= MAX_ID && !id.chars().any(char::is_control) => Ok(id.to_owned()),
        _ => Err("has a number that is empty, over 256 characters or not in one line"),
    }
}

fn mode(element: &Element) -> Result<EncounterMode, Odd> {
    element.optional("Channel").and_then(channel).ok_or("has a channel that is not known")
}

fn title(element: &Element, locale: Locale) -> String {
    clip(element.optional("Label").unwrap_or_else(|| Words::Appointment.text(locale)), MAX_TITLE)
}
