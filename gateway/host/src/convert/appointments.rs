//! Direct booking.

use dialog_contract::{
    appointment::Slot,
    limits::returned,
    provider::{Appointment, Booking, SlotQuery},
    service::EncounterMode,
};

use super::{
    answer::{Answer, At, Violation, encounter_mode},
    context::clinician,
};
use crate::bindings::{appointments::exports::dialog::provider::appointments as wit, host::types};

/// Which slots are asked for.
pub(crate) fn query(query: SlotQuery) -> wit::SlotQuery {
    wit::SlotQuery {
        from: query.from.as_millisecond(),
        until: query.until.as_millisecond(),
        clinician: query.clinician.map(|clinician| clinician.get()),
        mode: query.mode.map(mode),
    }
}

/// What the citizen books.
pub(crate) fn booking(booking: Booking) -> wit::Booking {
    wit::Booking {
        slot: booking.slot,
        start: booking.start.as_millisecond(),
        end: booking.end.as_millisecond(),
        clinician: booking.clinician.map(clinician),
        reason: booking.reason,
    }
}

/// An appointment that the plugin told of before.
pub(crate) fn known(appointment: Appointment) -> types::Appointment {
    types::Appointment {
        id: appointment.id,
        start: appointment.start.as_millisecond(),
        end: appointment.end.as_millisecond(),
        clinician: appointment.clinician.map(clinician),
        mode: mode(appointment.mode),
        title: appointment.title,
        location: appointment.location,
        instructions: appointment.instructions,
        cancellable: appointment.cancellable,
        changeable: appointment.changeable,
    }
}

const fn mode(mode: EncounterMode) -> types::EncounterMode {
    match mode {
        EncounterMode::InPerson => types::EncounterMode::InPerson,
        EncounterMode::Telephone => types::EncounterMode::Telephone,
        EncounterMode::Video => types::EncounterMode::Video,
    }
}

/// Free slots, put in order of start.
pub(crate) fn slots(slots: Vec<wit::Slot>, answer: &mut Answer<'_>) -> Result<Vec<Slot>, Violation> {
    answer.list(&At::Answer, &slots, returned::SLOTS)?;
    let mut slots = slots
        .into_iter()
        .enumerate()
        .map(|(index, slot)| {
            let at = At::answer_item(index);
            let (start, end) = answer.span(&at, slot.start, slot.end)?;
            Ok(Slot {
                id: answer.id(&at.field("id"), slot.id, returned::ID_CHARACTERS)?,
                start,
                end,
                clinician: answer.clinician(&at.field("clinician"), slot.clinician)?,
                mode: encounter_mode(slot.mode),
                title: answer.line(&at.field("title"), slot.title, returned::TITLE_CHARACTERS)?,
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    slots.sort_by_key(|slot| slot.start);
    Ok(slots)
}

/// Coming appointments, put in order of start.
pub(crate) fn upcoming(
    appointments: Vec<types::Appointment>,
    answer: &mut Answer<'_>,
) -> Result<Vec<Appointment>, Violation> {
    answer.list(&At::Answer, &appointments, returned::APPOINTMENTS)?;
    let mut appointments = appointments
        .into_iter()
        .enumerate()
        .map(|(index, item)| appointment(&At::answer_item(index), item, answer))
        .collect::<Result<Vec<_>, _>>()?;
    appointments.sort_by_key(|appointment| appointment.start);
    Ok(appointments)
}

/// One appointment.
pub(crate) fn appointment(
    at: &At<'_>,
    appointment: types::Appointment,
    answer: &mut Answer<'_>,
) -> Result<Appointment, Violation> {
    let (start, end) = answer.span(at, appointment.start, appointment.end)?;
    Ok(Appointment {
        id: answer.id(&at.field("id"), appointment.id, returned::ID_CHARACTERS)?,
        start,
        end,
        clinician: answer.clinician(&at.field("clinician"), appointment.clinician)?,
        mode: encounter_mode(appointment.mode),
        title: answer.line(&at.field("title"), appointment.title, returned::TITLE_CHARACTERS)?,
        location: answer.optional_text(&at.field("location"), appointment.location, returned::SHORT_TEXT_CHARACTERS)?,
        instructions: answer.optional_text(
            &at.field("instructions"),
            appointment.instructions,
            returned::INSTRUCTIONS_CHARACTERS,
        )?,
        cancellable: appointment.cancellable,
        changeable: appointment.changeable,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{super::answer::tests::checked, *};

    fn slot(id: &str, start: i64) -> wit::Slot {
        wit::Slot {
            id: id.to_owned(),
            start,
            end: start + 1,
            clinician: None,
            mode: types::EncounterMode::InPerson,
            title: "Time".to_owned(),
        }
    }

    #[test]
    fn slots_come_in_order_of_start() {
        let found = checked(|answer| slots(vec![slot("b", 20), slot("a", 10)], answer)).unwrap();
        assert_eq!(found.iter().map(|slot| slot.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_slot_that_ends_before_it_starts_is_refused() {
        let turned = wit::Slot { end: 5, ..slot("a", 10) };
        let error = checked(|answer| slots(vec![slot("b", 1), turned], answer)).unwrap_err();
        assert_eq!(error.to_string(), "answer[1]: ends before it starts");
    }

    #[test]
    fn what_was_told_goes_back_as_it_was() {
        let told = types::Appointment {
            id: "a1".to_owned(),
            start: 10,
            end: 20,
            clinician: Some(types::Clinician {
                hpr_number: 7,
                her_id: Some(8),
                given_name: "Kari".to_owned(),
                family_name: "Lege".to_owned(),
            }),
            mode: types::EncounterMode::Video,
            title: "Time".to_owned(),
            location: Some("Rom 1".to_owned()),
            instructions: None,
            cancellable: true,
            changeable: false,
        };
        let read = checked(|answer| appointment(&At::Answer, told.clone(), answer)).unwrap();
        assert_eq!(format!("{:?}", known(read)), format!("{told:?}"));
    }
}
