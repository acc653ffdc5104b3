//! Direct booking.

use dialog_plugin_sdk::appointments::{Appointments, Booking as Wanted, Slot, SlotQuery};
use dialog_plugin_sdk::time;
use dialog_plugin_sdk::{Appointment, Context, Failure, clock, log};
use std::collections::BTreeSet;

use crate::Besoklegen;
use crate::booking::{self, Booking};
use crate::fault::Pointers;
use crate::person::{self, People};
use crate::settings::Settings;
use crate::soap::{Answer, Call};
use crate::words::Words;
use crate::xml::writer::Writer;

/// Slots that one call may return.
const MAX_SLOTS: usize = 500;
/// Pages of slots that are asked for: the vendor gives 200 a page, and a list that goes on for ever ends here.
const MAX_PAGES: usize = 5;
/// Appointments that one call may return.
const MAX_APPOINTMENTS: usize = 100;
/// Left of a call for what was found, in milliseconds.
const MARGIN: i64 = 1_000;

/// Where the vendor's fields come from.
const POINTERS: &Pointers = &[("Note", "/reason"), ("Reason", "/reason")];

impl Appointments for Besoklegen {
    fn slots(ctx: Context, query: SlotQuery) -> Result<Vec<Slot>, Failure> {
        let settings: Settings = ctx.settings()?;
        let (from, until) = (time::local(query.from)?, time::local(query.until)?);
        let deadline = ctx.now + i64::from(ctx.time_left) - MARGIN;
        let (mut slots, mut known) = (Vec::new(), BTreeSet::new());
        let mut cursor: Option<String> = None;
        for page in 0..MAX_PAGES {
            let call = Call::reading("FindSlots", &ctx.call_id, &page.to_string()).with(|xml| {
                xml.leaf("Practice", &settings.practice)
                    .leaf("From", &from)
                    .leaf("Until", &until)
                    .optional("Doctor", query.clinician.map(|doctor| doctor.to_string()))
                    .optional("Channel", query.mode.map(booking::word))
                    .optional("Cursor", cursor.as_deref())
            });
            let answer = call.send(ctx.locale, &[])?;
            for element in answer.content.all("Slot") {
                match booking::slot(element, ctx.locale) {
                    Ok(slot) if fits(&slot, &ctx, &query) && known.insert(slot.id.clone()) => slots.push(slot),
                    Ok(_) => {}
                    // One that cannot be read is not offered, and the others are.
                    Err(why) => log::warn!("a slot {why}: it is not offered"),
                }
            }
            let next = answer.content.optional("Cursor").map(str::to_owned);
            if next.is_none() || next == cursor {
                break;
            }
            if slots.len() >= MAX_SLOTS || page + 1 == MAX_PAGES || clock::now() >= deadline {
                log::info!("there are more free slots than are told");
                break;
            }
            cursor = next;
        }
        slots.sort_by_key(|slot| slot.start);
        slots.truncate(MAX_SLOTS);
        Ok(slots)
    }

    fn book(ctx: Context, booking: Wanted) -> Result<Appointment, Failure> {
        let settings: Settings = ctx.settings()?;
        let call = Call::changing("BookSlot", &ctx).with(|xml| xml.leaf("Practice", &settings.practice));
        made(&ctx, &wanted(call, &ctx, &booking)?.send(ctx.locale, POINTERS)?)
    }

    fn change(ctx: Context, appointment: Appointment, booking: Wanted) -> Result<Appointment, Failure> {
        let call = Call::changing("MoveBooking", &ctx).with(|xml| xml.leaf("Booking", &appointment.id));
        made(&ctx, &wanted(call, &ctx, &booking)?.send(ctx.locale, POINTERS)?)
    }

    fn cancel(ctx: Context, appointment: Appointment, reason: Option<String>) -> Result<(), Failure> {
        let number = person::number(&ctx)?;
        let call = Call::changing("CancelBooking", &ctx).with(|xml: Writer| {
            xml.leaf("Booking", &appointment.id).leaf("Fnr", number).optional("Reason", reason.as_deref())
        });
        match call.send(ctx.locale, POINTERS) {
            // What the citizen wants has happened.
            Err(Failure::Conflict(reason)) if reason.code == Words::BookingCancelled.code() => Ok(()),
            Err(failure) => Err(failure),
            Ok(answer) => match read(&ctx, &answer)? {
                booking if booking.stands => Err(answer.unreadable("to a cancellation holds a booking that stands")),
                _ => Ok(()),
            },
        }
    }

    fn upcoming(ctx: Context) -> Result<Vec<Appointment>, Failure> {
        let settings: Settings = ctx.settings()?;
        let (number, from) = (person::number(&ctx)?, time::local(ctx.now)?);
        let call = Call::reading("FindBookings", &ctx.call_id, "")
            .with(|xml| xml.leaf("Practice", &settings.practice).leaf("Fnr", number).leaf("From", &from));
        let answer = call.send(ctx.locale, &[])?;
        let mut appointments = Vec::new();
        for element in answer.content.all("Booking") {
            // One that is left out would look cancelled to the citizen.
            let booking = Booking::read(element, ctx.locale)
                .map_err(|why| answer.unreadable(format_args!("holds a booking that {why}")))?;
            if booking.stands && booking.appointment.end > ctx.now {
                appointments.push(booking.appointment);
            }
        }
        appointments.sort_by_key(|one| one.start);
        appointments.truncate(MAX_APPOINTMENTS);
        Ok(appointments)
    }
}

fn fits(slot: &Slot, ctx: &Context, query: &SlotQuery) -> bool {
    let with = slot.clinician.as_ref().map(|doctor| doctor.hpr_number);
    slot.start >= ctx.now
        && (query.from..query.until).contains(&slot.start)
        && query.mode.is_none_or(|mode| mode == slot.mode)
        && query.clinician.is_none_or(|doctor| with == Some(doctor))
}

/// What a citizen wants, after what it is about.
fn wanted(call: Call, ctx: &Context, booking: &Wanted) -> Result<Call, Failure> {
    let people = People::of(ctx)?;
    // As the citizen saw it: the vendor refuses a slot that has moved since.
    let start = time::local(booking.start)?;
    Ok(call.with(|xml| {
        xml.leaf("Slot", &booking.slot)
            .leaf("Start", &start)
            .with(|xml| people.write(xml))
            .optional("Note", booking.reason.as_deref())
    }))
}

fn read(ctx: &Context, answer: &Answer) -> Result<Booking, Failure> {
    let element = answer.content.child("Booking").ok_or_else(|| answer.unreadable("holds no booking"))?;
    Booking::read(element, ctx.locale).map_err(|why| answer.unreadable(format_args!("holds a booking that {why}")))
}

/// The booking in an answer to a request that made or moved it.
fn made(ctx: &Context, answer: &Answer) -> Result<Appointment, Failure> {
    match read(ctx, answer)? {
        booking if booking.stands => Ok(booking.appointment),
        _ => Err(answer.unreadable("holds a booking that does not stand")),
    }
}
