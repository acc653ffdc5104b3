//! Direct booking.

use dialog_plugin_sdk::appointments::{Appointments, Booking as Wanted, Slot, SlotQuery};
use dialog_plugin_sdk::time;
use dialog_plugin_sdk::upstream::{self, Response};
use dialog_plugin_sdk::{Appointment, Context, Failure, log};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::booking::{Booking, Opening, State};
use crate::person::{self, OnBehalf, Patient};
use crate::refusal::{self, Pointers};
use crate::settings::Settings;
use crate::words::Words;
use crate::{Helserespons, UPSTREAM};

/// Slots that one call may return.
const MAX_SLOTS: usize = 500;
/// Appointments that one call may return.
const MAX_APPOINTMENTS: usize = 100;

/// Where the vendor's fields come from.
const POINTERS: &Pointers = &[("/note", "/reason"), ("/reason", "/reason")];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Book<'a> {
    request_id: &'a str,
    opening: &'a str,
    /// As the citizen saw it: the vendor refuses an opening that has moved since.
    begins: String,
    patient: Patient<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf: Option<OnBehalf<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cancel<'a> {
    request_id: &'a str,
    ssn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct Search<'a> {
    ssn: &'a str,
    from: String,
}

#[derive(Deserialize)]
struct Openings {
    openings: Vec<Value>,
}

#[derive(Deserialize)]
struct Bookings {
    bookings: Vec<Value>,
}

impl Appointments for Helserespons {
    fn slots(ctx: Context, query: SlotQuery) -> Result<Vec<Slot>, Failure> {
        let settings: Settings = ctx.settings()?;
        let mut request =
            settings.get("openings").query("from", time::local(query.from)?).query("to", time::local(query.until)?);
        if let Some(doctor) = query.clinician {
            request = request.query("doctor", doctor);
        }
        let answer = refusal::sent(request.send(), ctx.locale, &[])?;
        let Openings { openings } = answer.json()?;
        let mut slots: Vec<Slot> = openings.into_iter().filter_map(slot).collect();
        slots.retain(|slot| {
            slot.start >= ctx.now
                && (query.from..query.until).contains(&slot.start)
                && query.mode.is_none_or(|mode| mode == slot.mode)
                && query
                    .clinician
                    .is_none_or(|doctor| slot.clinician.as_ref().is_some_and(|one| one.hpr_number == doctor))
        });
        slots.sort_by_key(|slot| slot.start);
        if slots.len() > MAX_SLOTS {
            log::info!("{} free slots, of which the first {MAX_SLOTS} are told", slots.len());
            slots.truncate(MAX_SLOTS);
        }
        Ok(slots)
    }

    fn book(ctx: Context, booking: Wanted) -> Result<Appointment, Failure> {
        let settings: Settings = ctx.settings()?;
        let request = settings.post("bookings").json(&wanted(&ctx, &booking)?);
        booked(&refusal::sent(request.send(), ctx.locale, POINTERS)?)
    }

    fn change(ctx: Context, appointment: Appointment, booking: Wanted) -> Result<Appointment, Failure> {
        let request = upstream::post(UPSTREAM, "/v2/bookings")
            .segment(&appointment.id)
            .segment("move")
            .json(&wanted(&ctx, &booking)?);
        booked(&refusal::sent(request.send(), ctx.locale, POINTERS)?)
    }

    fn cancel(ctx: Context, appointment: Appointment, reason: Option<String>) -> Result<(), Failure> {
        let cancel = Cancel { request_id: &ctx.idempotency_key, ssn: person::ssn(&ctx)?, reason: reason.as_deref() };
        let request = upstream::post(UPSTREAM, "/v2/bookings").segment(&appointment.id).segment("cancel").json(&cancel);
        match refusal::sent(request.send(), ctx.locale, POINTERS) {
            // What the citizen wants has happened.
            Err(Failure::Conflict(reason)) if reason.code == Words::BookingCancelled.code() => Ok(()),
            Err(failure) => Err(failure),
            Ok(answer) => {
                let booking: Booking = answer.json()?;
                if booking.state == State::Booked {
                    return Err(answer.unreadable("to a cancellation holds a booking that stands"));
                }
                Ok(())
            }
        }
    }

    fn upcoming(ctx: Context) -> Result<Vec<Appointment>, Failure> {
        let settings: Settings = ctx.settings()?;
        let search = Search { ssn: person::ssn(&ctx)?, from: time::local(ctx.now)? };
        let request = settings.post("bookings").segment("search").json(&search);
        coming(&ctx, request.send().map_err(Failure::from)).map_err(refusal::of_a_search)
    }
}

fn coming(ctx: &Context, answer: Result<Response, Failure>) -> Result<Vec<Appointment>, Failure> {
    let answer = refusal::accepted(answer?, ctx.locale, &[])?;
    let Bookings { bookings } = answer.json()?;
    let mut appointments = Vec::new();
    for booking in bookings {
        // One that is left out would look cancelled to the citizen.
        let booking: Booking =
            serde_json::from_value(booking).map_err(|_| answer.unreadable("holds a booking of another shape"))?;
        if booking.state == State::Cancelled {
            continue;
        }
        let appointment =
            booking.appointment().map_err(|why| answer.unreadable(format_args!("holds a booking that {why}")))?;
        if appointment.end > ctx.now {
            appointments.push(appointment);
        }
    }
    appointments.sort_by_key(|one| one.start);
    appointments.truncate(MAX_APPOINTMENTS);
    Ok(appointments)
}

fn wanted<'a>(ctx: &'a Context, booking: &'a Wanted) -> Result<Book<'a>, Failure> {
    Ok(Book {
        request_id: &ctx.idempotency_key,
        opening: &booking.slot,
        begins: time::local(booking.start)?,
        patient: person::patient(ctx)?,
        on_behalf: person::on_behalf(ctx)?,
        note: booking.reason.as_deref(),
    })
}

/// The booking in an answer to a request that made or moved it.
fn booked(answer: &Response) -> Result<Appointment, Failure> {
    let booking: Booking = answer.json()?;
    if booking.state != State::Booked {
        return Err(answer.unreadable("holds a booking that does not stand"));
    }
    booking.appointment().map_err(|why| answer.unreadable(format_args!("holds a booking that {why}")))
}

/// An opening that cannot be read is not offered, and the others are.
fn slot(opening: Value) -> Option<Slot> {
    let read = serde_json::from_value::<Opening>(opening).map_err(|_| "is of another shape").and_then(Opening::slot);
    read.inspect_err(|why| log::warn!("an opening that {why}: it is not offered")).ok()
}
