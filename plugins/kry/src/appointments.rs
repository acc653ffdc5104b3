//! Direct booking, by video and by telephone.

use std::collections::BTreeMap;

use dialog_plugin_sdk::appointments::{Appointments, Booking as Wanted, Slot, SlotQuery};
use dialog_plugin_sdk::time;
use dialog_plugin_sdk::upstream::Response;
use dialog_plugin_sdk::{Appointment, Clinician, Context, Failure, Locale, log};
use serde::Serialize;
use serde_json::Value;

use crate::Kry;
use crate::booking::{Booking, Channel, Status, Timeslot};
use crate::document::{self, Document, Draft, Odd, Resource};
use crate::paging::{self, End};
use crate::person::{self, Doctor};
use crate::refusal::{Below, Pointers};
use crate::settings::Settings;
use crate::words::Words;

/// Slots that one call may return.
const MAX_SLOTS: usize = 500;
/// Appointments that one call may return.
const MAX_APPOINTMENTS: usize = 100;

/// Where the vendor's attributes come from.
const POINTERS: &Pointers = &[("reason", "/reason", Below::Whole)];

#[derive(Serialize)]
struct Book<'a> {
    /// As the citizen saw it: the vendor refuses a time that has moved since.
    start: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct Cancel<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl Appointments for Kry {
    fn slots(ctx: Context, query: SlotQuery) -> Result<Vec<Slot>, Failure> {
        let settings: Settings = ctx.settings()?;
        let channel = query.mode.map(Channel::of);
        // Nobody can be met in person here.
        if channel == Some(None) {
            return Ok(Vec::new());
        }
        let (from, until) = (time::universal(query.from)?, time::universal(query.until)?);
        let request = || {
            let mut request = document::get("/v1/timeslots")
                .query("filter[unit]", &settings.unit)
                .query("filter[from]", &from)
                .query("filter[until]", &until)
                .query("include", "practitioner");
            if let Some(Some(channel)) = channel {
                request = request.query("filter[channel]", channel);
            }
            if let Some(doctor) = query.clinician {
                request = request.query("filter[practitioner]", doctor);
            }
            request
        };
        // By id: a page that overlaps the one before offers nothing twice.
        let mut slots: BTreeMap<String, Slot> = BTreeMap::new();
        let end = paging::each(request, ctx.locale, |_, document, value| {
            match slot(document, value, ctx.locale) {
                Ok(slot) => drop(slots.insert(slot.id.clone(), slot)),
                // It is not offered, and the others are.
                Err(why) => log::warn!("a time that {why}: it is not offered"),
            }
            Ok(())
        })?;
        let mut slots: Vec<Slot> = slots.into_values().collect();
        slots.retain(|slot| {
            slot.start >= ctx.now
                && (query.from..query.until).contains(&slot.start)
                && query.mode.is_none_or(|mode| mode == slot.mode)
                && query
                    .clinician
                    .is_none_or(|doctor| slot.clinician.as_ref().is_some_and(|one| one.hpr_number == doctor))
        });
        slots.sort_by_key(|slot| slot.start);
        if end == End::NotReached || slots.len() > MAX_SLOTS {
            log::info!("there are more free times than are told: at most {MAX_SLOTS}");
            slots.truncate(MAX_SLOTS);
        }
        Ok(slots)
    }

    fn book(ctx: Context, wanted: Wanted) -> Result<Appointment, Failure> {
        let settings: Settings = ctx.settings()?;
        let attributes = book(&wanted)?;
        let patient = person::patient(&ctx)?;
        let related = [
            settings.unit(),
            ("patient", "patients", patient.as_str()),
            ("timeslot", "timeslots", wanted.slot.as_str()),
        ];
        let draft = Draft { kind: "bookings", id: None, attributes, related: &related };
        let request = document::post("/v1/bookings", &ctx.idempotency_key);
        let (answer, document, booking) = document::sent(&ctx, request, &draft, POINTERS)?;
        booked(&answer, &document, &booking, ctx.locale)
    }

    fn change(ctx: Context, appointment: Appointment, wanted: Wanted) -> Result<Appointment, Failure> {
        let attributes = book(&wanted)?;
        let patient = person::patient(&ctx)?;
        let related = [("patient", "patients", patient.as_str()), ("timeslot", "timeslots", wanted.slot.as_str())];
        let draft = Draft { kind: "bookings", id: Some(&appointment.id), attributes, related: &related };
        let request = document::patch("/v1/bookings", &appointment.id, &ctx.idempotency_key);
        let (answer, document, booking) = document::sent(&ctx, request, &draft, POINTERS)?;
        if booking.id != appointment.id {
            return Err(answer.unreadable("is about another booking"));
        }
        booked(&answer, &document, &booking, ctx.locale)
    }

    fn cancel(ctx: Context, appointment: Appointment, reason: Option<String>) -> Result<(), Failure> {
        let patient = person::patient(&ctx)?;
        let related = [("patient", "patients", patient.as_str())];
        let attributes = Cancel { status: "cancelled", reason: reason.as_deref() };
        let draft = Draft { kind: "bookings", id: Some(&appointment.id), attributes, related: &related };
        let request = document::patch("/v1/bookings", &appointment.id, &ctx.idempotency_key);
        match document::sent(&ctx, request, &draft, POINTERS) {
            // What the citizen wants has happened.
            Err(Failure::Conflict(reason)) if reason.code == Words::BookingCancelled.code() => Ok(()),
            Err(failure) => Err(failure),
            Ok((answer, _, booking)) => {
                let Booking { status, .. } = read(&answer, &booking)?;
                if booking.id != appointment.id || status == Status::Confirmed {
                    return Err(answer.unreadable("to a cancellation holds another booking, or one that stands"));
                }
                Ok(())
            }
        }
    }

    fn upcoming(ctx: Context) -> Result<Vec<Appointment>, Failure> {
        let settings: Settings = ctx.settings()?;
        let patient = person::patient(&ctx)?;
        let from = time::universal(ctx.now)?;
        let request = || {
            document::get("/v1/bookings")
                .query("filter[unit]", &settings.unit)
                .query("filter[patient]", &patient)
                .query("filter[from]", &from)
                .query("include", "practitioner")
        };
        let mut appointments: BTreeMap<String, Appointment> = BTreeMap::new();
        let end = paging::each(request, ctx.locale, |answer, document, value| {
            // One that is left out would look cancelled to the citizen.
            let odd = |why: Odd| answer.unreadable(format_args!("holds a booking that {why}"));
            let resource = Resource::of(value, "bookings").map_err(odd)?;
            let booking: Booking = resource.attributes().map_err(odd)?;
            if booking.status == Status::Confirmed {
                let doctor = doctor(document, &resource);
                let appointment = booking.appointment(&resource.id, doctor, ctx.locale).map_err(odd)?;
                appointments.insert(resource.id, appointment);
            }
            Ok(())
        })?;
        if end == End::NotReached {
            return Err(Failure::faulty(dialog_plugin_sdk::Sent::No, "the vendor's list of bookings does not end"));
        }
        let mut appointments: Vec<Appointment> =
            appointments.into_values().filter(|appointment| appointment.end > ctx.now).collect();
        appointments.sort_by_key(|one| one.start);
        appointments.truncate(MAX_APPOINTMENTS);
        Ok(appointments)
    }
}

fn book(wanted: &Wanted) -> Result<Book<'_>, Failure> {
    Ok(Book { start: time::universal(wanted.start)?, reason: wanted.reason.as_deref() })
}

fn slot(document: &Document, value: &Value, locale: Locale) -> Result<Slot, Odd> {
    let resource = Resource::of(value, "timeslots")?;
    let timeslot: Timeslot = resource.attributes()?;
    timeslot.slot(&resource.id, doctor(document, &resource), locale)
}

/// The doctor whom a time or a booking relates to, where that is known.
fn doctor(document: &Document, resource: &Resource) -> Option<Clinician> {
    let practitioner = document.included_by(resource, "practitioner", "practitioners")?;
    Doctor::of(practitioner).ok()?.clinician()
}

fn read(answer: &Response, booking: &Resource) -> Result<Booking, Failure> {
    booking.attributes().map_err(|why| answer.unreadable(format_args!("holds a booking that {why}")))
}

/// The booking in an answer to a request that made or moved it.
fn booked(answer: &Response, document: &Document, resource: &Resource, locale: Locale) -> Result<Appointment, Failure> {
    let booking = read(answer, resource)?;
    if booking.status != Status::Confirmed {
        return Err(answer.unreadable("holds a booking that does not stand"));
    }
    booking
        .appointment(&resource.id, doctor(document, resource), locale)
        .map_err(|why| answer.unreadable(format_args!("holds a booking that {why}")))
}
