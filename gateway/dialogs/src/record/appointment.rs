//! An appointment that the portal has been told of: the gateway's id for the provider's.

use dialog_contract::{
    dialog::{OfficeName, Provider},
    ids::AppointmentId,
    provider::Appointment,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::identity::CitizenId;

/// One appointment, as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredAppointment {
    pub(crate) id: AppointmentId,
    pub(crate) citizen: CitizenId,
    pub(crate) office: OfficeName,
    /// Through whom; its `id` is the plugin.
    pub(crate) provider: Provider,
    /// As the provider names it.
    pub(crate) appointment: Appointment,
    /// It was cancelled: it cannot be changed or cancelled again.
    pub(crate) cancelled: bool,
    pub(crate) seen: Timestamp,
    /// When the provider says that it last changed; none where no event has told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) occurred: Option<Timestamp>,
}

impl StoredAppointment {
    /// As the portal sees it.
    pub(crate) fn shown(&self) -> dialog_contract::appointment::Appointment {
        let Appointment { id: _, start, end, clinician, mode, title, location, instructions, cancellable, changeable } =
            self.appointment.clone();
        dialog_contract::appointment::Appointment {
            id: self.id,
            office: self.office.clone(),
            provider: self.provider.clone(),
            clinician,
            start,
            end,
            mode,
            title,
            location,
            instructions,
            cancellable: cancellable && !self.cancelled,
            changeable: changeable && !self.cancelled,
        }
    }
}
