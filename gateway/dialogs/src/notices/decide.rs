//! Which events a citizen is told of.

use dialog_contract::{audit::ActorRole, event::EventType};

use super::Template;

/// What a citizen is told of an event that somebody caused; nothing where they caused it themselves and are just being
/// told in the portal. A booking is confirmed all the same: its time is to be at hand where the portal is not.
pub(crate) const fn decided(kind: EventType, by: ActorRole) -> Option<Template> {
    let unasked = matches!(by, ActorRole::Provider | ActorRole::Gateway | ActorRole::Office);
    match kind {
        EventType::AppointmentBooked => Some(Template::AppointmentBooked),
        _ if !unasked => None,
        EventType::MessageReceived => Some(Template::Message),
        // The gateway opens none by itself: what it makes visible is the citizen's.
        EventType::DialogOpened => match by {
            // Clinicians who talk about a citizen bring them in.
            ActorRole::Provider | ActorRole::Office => Some(Template::Message),
            _ => None,
        },
        EventType::MessageNotSent => Some(Template::NotSent),
        EventType::DialogClosed => Some(Template::Closed),
        EventType::AppointmentMoved => Some(Template::AppointmentMoved),
        EventType::AppointmentCancelled => Some(Template::AppointmentCancelled),
        EventType::AppointmentReminder => Some(Template::AppointmentReminder),
        EventType::MessageSent | EventType::DialogUpdated | EventType::PaymentUpdated | EventType::VideoChanged => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_of_what_they_did_themselves_but_for_the_time_of_an_appointment() {
        for kind in EventType::ALL {
            let told = decided(*kind, ActorRole::Citizen);
            let booked = (*kind == EventType::AppointmentBooked).then_some(Template::AppointmentBooked);
            assert_eq!(told, booked, "{kind}");
        }
    }

    #[test]
    fn what_the_office_and_time_bring_is_told_of() {
        for (kind, template) in [
            (EventType::MessageReceived, Template::Message),
            (EventType::DialogOpened, Template::Message),
            (EventType::DialogClosed, Template::Closed),
            (EventType::MessageNotSent, Template::NotSent),
            (EventType::AppointmentMoved, Template::AppointmentMoved),
            (EventType::AppointmentCancelled, Template::AppointmentCancelled),
            (EventType::AppointmentReminder, Template::AppointmentReminder),
        ] {
            assert_eq!(decided(kind, ActorRole::Provider), Some(template));
        }
        assert_eq!(decided(EventType::MessageNotSent, ActorRole::Gateway), Some(Template::NotSent));
        assert_eq!(decided(EventType::DialogOpened, ActorRole::Gateway), None);
        for quiet in [EventType::MessageSent, EventType::DialogUpdated, EventType::PaymentUpdated] {
            assert_eq!(decided(quiet, ActorRole::Provider), None);
        }
    }
}
