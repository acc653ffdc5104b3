//! Appointments and free slots. JSON by `schemas/json/appointment.json`, `slot.json` and `new-booking.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    dialog::{Clinician, OfficeName, Provider},
    ids::{AppointmentId, HprNumber, PluginId},
    service::EncounterMode,
};

/// An appointment of the citizen's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Appointment {
    /// The gateway's id.
    pub id: AppointmentId,
    /// Where.
    pub office: OfficeName,
    /// Through whom it was booked.
    pub provider: Provider,
    /// With whom, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clinician: Option<Clinician>,
    /// From when.
    pub start: Timestamp,
    /// Until when.
    pub end: Timestamp,
    /// How they meet.
    pub mode: EncounterMode,
    /// Kind of appointment.
    pub title: String,
    /// Where to go or how to join.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Preparations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// It can be cancelled through the portal.
    pub cancellable: bool,
    /// It can be moved through the portal.
    pub changeable: bool,
}

/// A free time that can be booked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Slot {
    /// The provider's id, for the booking.
    pub id: String,
    /// From when.
    pub start: Timestamp,
    /// Until when.
    pub end: Timestamp,
    /// With whom, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clinician: Option<Clinician>,
    /// How they meet.
    pub mode: EncounterMode,
    /// Kind of appointment.
    pub title: String,
}

/// Which slots are asked for: the query of `GET /v1/me/slots`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotQuery {
    /// Not in the past; now when absent.
    pub from: Option<Timestamp>,
    /// At most four weeks ahead; that when absent.
    pub until: Option<Timestamp>,
    /// Only with this clinician.
    pub clinician: Option<HprNumber>,
    /// Only held like this.
    pub mode: Option<EncounterMode>,
    /// Of this national provider beside the GP; of the GP's office when absent.
    pub provider: Option<PluginId>,
}

/// The body of `POST /v1/me/appointments` and of `POST /v1/me/appointments/{id}/change`: a slot, as it was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewBooking {
    /// [`Slot::id`].
    pub slot: String,
    /// [`Slot::start`].
    pub start: Timestamp,
    /// [`Slot::end`].
    pub end: Timestamp,
    /// [`Slot::clinician`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clinician: Option<Clinician>,
    /// Why, at most 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The national provider beside the GP whose slot it is; the GP's office when absent. An appointment stays with its
    /// provider when it is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<PluginId>,
}

/// The body of `POST /v1/me/appointments/{id}/cancel`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCancellation {
    /// Why, at most 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
