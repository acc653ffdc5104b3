//! Direct booking (TIMERESERVASJON, 3.4).

use dialog_plugin_sdk::appointments::{Appointments, Booking, Slot, SlotQuery};
use dialog_plugin_sdk::{Appointment, Context, Failure, Locale, Sent, log};
use jiff::civil::Date;
use jiff::{Span, Timestamp};

use super::Ddfl;
use super::address::{self, timestamp};
use super::appointment::{self, Office, SlotId};
use super::exchange::{self, Answer, Exchange};
use super::memory::{self, Memory, Receiver};
use super::settings::{Installation, Settings};
use super::transport;
use super::words::Words;
use crate::message::{Kind, Process, Version, time};
use crate::read::DialogMessage;
use crate::write::request::limit;
use crate::write::{CalendarEntry, Request};

/// Slots that one call may return.
const SLOTS: usize = 500;
/// Appointments that one call may return.
const APPOINTMENTS: usize = 100;
/// Requests that cancelling takes: to send, to look three times, to fetch the answer, to tidy up.
const CANCELLING: u32 = 7;
/// Characters of a reason.
const REASON: usize = 1_000;

/// A call about appointments: the office, its version of the process, and what is still to be tidied up.
struct Desk<'a> {
    ctx: &'a Context,
    settings: Settings,
    version: Version,
    receiver: Receiver,
    exchange: Exchange,
}

impl<'a> Desk<'a> {
    fn open(ctx: &'a Context) -> Result<Self, Failure> {
        let settings: Settings = ctx.settings()?;
        let version = address::supported(&settings, Process::Reservation, ctx.locale)?;
        if ctx.representative.is_some() && version < Version::V1_2 {
            return Err(Words::NoRepresentation.declined(ctx.locale));
        }
        let receiver = address::receiver(ctx);
        Ok(Self { ctx, settings, version, receiver, exchange: Exchange::default() })
    }

    /// Does what the call is for, and tidies up after it whatever came of it.
    fn serve<T>(ctx: &'a Context, work: impl FnOnce(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut desk = Self::open(ctx)?;
        let installation: Installation = ctx.installation()?;
        let party = installation.party.unit()?.her_id;
        let done = work(&mut desk);
        desk.exchange.finish(party);
        done
    }

    /// Turns to the clinician whose slot or appointment it is.
    fn turn_to(&mut self, contact: u32) {
        if contact == self.receiver.her_id {
            return;
        }
        if contact == self.ctx.office.her_id {
            self.receiver.her_id = contact;
            (self.receiver.given_name, self.receiver.family_name) = (None, None);
        } else if let Some(one) = self.settings.clinicians.iter().find(|one| one.her_id == contact) {
            self.receiver.her_id = contact;
            self.receiver.given_name = Some(one.given_name.clone());
            self.receiver.family_name = Some(one.family_name.clone());
        }
    }

    fn ask(&mut self, request: &Request, purpose: &str) -> Result<Box<DialogMessage>, Failure> {
        let answer = exchange::ask(self.ctx, &mut self.exchange, &self.receiver, self.version, request, purpose)?;
        match answer {
            Answer::Message(message) => Ok(message),
            Answer::Refused(receipt) => {
                let told = transport::told(receipt.status, &receipt.reasons);
                Err(Failure::faulty(Sent::Yes, format!("the office's record system refused the message: {told}")))
            }
        }
    }

    fn office(&self) -> Office<'_> {
        Office { settings: &self.settings, clinician: self.ctx.clinician.as_ref(), memory: Memory::here() }
    }

    fn reserve(&mut self, booking: &Booking) -> Result<Appointment, Failure> {
        let locale = self.ctx.locale;
        let slot = SlotId::parse(&booking.slot)
            .ok_or_else(|| Failure::conflict(Words::SlotTaken.code(), Words::SlotTaken.text(locale)))?;
        self.turn_to(slot.contact);
        let entry = appointment::wanted(&slot, booking.start, booking.end)?;
        let reason = booking.reason.as_deref().map(|reason| appointment::clip(reason, REASON));
        let request = Request::Reserve { slot: entry, reason, other_clinician: false };
        let answer = self.ask(&request, "reserve")?;
        match answer.kind {
            Some(Kind::Reserved | Kind::ReservedWithOther | Kind::Changed) => {
                let told = answer.appointments.first();
                let Some(told) = told else {
                    return Err(Failure::faulty(
                        Sent::Yes,
                        "the slot is reserved, and the answer holds no appointment",
                    ));
                };
                appointment::booked(&self.office(), &answer, told)
            }
            Some(Kind::SlotUnavailable | Kind::NotChanged | Kind::NoSlots) => Err(Failure::conflict(
                Words::SlotTaken.code(),
                answer.text.clone().unwrap_or_else(|| Words::SlotTaken.text(locale).to_owned()),
            )),
            _ => Err(no(&answer, locale)),
        }
    }

    fn cancel(&mut self, entry: CalendarEntry, reason: Option<&str>) -> Result<(), Failure> {
        let locale = self.ctx.locale;
        self.turn_to(entry.contact.get());
        let reason = reason.map(|reason| appointment::clip(reason, REASON));
        let request = Request::CancelReserved { appointment: entry, reason };
        let answer = self.ask(&request, "cancel")?;
        match answer.kind {
            Some(Kind::Cancelled) => Ok(()),
            Some(Kind::NotCancelled) => Err(Failure::declined(
                Words::NotCancelled.code(),
                answer.text.clone().unwrap_or_else(|| Words::NotCancelled.text(locale).to_owned()),
            )),
            _ => Err(no(&answer, locale)),
        }
    }

    fn slots(&mut self, query: &SlotQuery) -> Result<Vec<Slot>, Failure> {
        if let Some(hpr_number) = query.clinician {
            let own = self.ctx.clinician.as_ref().filter(|one| one.hpr_number == hpr_number);
            let other = self.settings.clinicians.iter().find(|one| one.hpr_number == hpr_number);
            match (own.and_then(|one| one.her_id), other.map(|one| one.her_id)) {
                (Some(contact), _) | (None, Some(contact)) => self.turn_to(contact),
                (None, None) => return Ok(Vec::new()),
            }
        }
        let (from, until) = days(query);
        let answer = self.ask(&Request::FindSlots { from, until }, "slots")?;
        match answer.kind {
            // A record system may use the codes of booked appointments for free slots: the calendar says which.
            Some(Kind::Slots | Kind::Booked) => {}
            Some(Kind::NoSlots | Kind::NothingBooked) => return Ok(Vec::new()),
            _ => return Err(no(&answer, self.ctx.locale)),
        }
        let office = self.office();
        let mut slots: Vec<Slot> = answer
            .appointments
            .iter()
            .filter_map(|one| appointment::free(&office, self.receiver.her_id, self.ctx.now, one))
            .filter(|slot| (query.from..query.until).contains(&slot.start))
            .filter(|slot| query.mode.is_none_or(|mode| mode == slot.mode))
            .collect();
        slots.sort_by_key(|slot| slot.start);
        if slots.len() > SLOTS {
            log::info!("{} free slots, of which the first {SLOTS} are told", slots.len());
            slots.truncate(SLOTS);
        }
        Ok(slots)
    }

    fn change(&mut self, appointment: &Appointment, booking: &Booking) -> Result<Appointment, Failure> {
        let old = self.known(appointment)?;
        // The new slot first: where it cannot be had, the citizen keeps the old appointment.
        self.exchange.keep(CANCELLING);
        let mut new = self.reserve(booking)?;
        self.exchange.keep(0);
        if let Err(failure) = self.cancel(old, None) {
            log::warn!("the new appointment is booked, the old one is not cancelled: {}", outline(&failure));
            let told = Words::OldNotCancelled.text(self.ctx.locale);
            let rest = new.instructions.take().map(|text| format!("\n\n{text}")).unwrap_or_default();
            new.instructions = Some(appointment::clip(&format!("{told}{rest}"), 2_000));
        }
        Ok(new)
    }

    fn upcoming(&mut self) -> Result<Vec<Appointment>, Failure> {
        if self.version < Request::FindBooked.needs() {
            return Err(Words::NotOffered.declined(self.ctx.locale));
        }
        // Of the whole office, not of one clinician.
        self.turn_to(self.ctx.office.her_id);
        let answer = self.ask(&Request::FindBooked, "booked")?;
        match answer.kind {
            Some(Kind::Booked | Kind::Slots) => {}
            Some(Kind::NothingBooked | Kind::NoSlots) => return Ok(Vec::new()),
            _ => return Err(no(&answer, self.ctx.locale)),
        }
        let office = self.office();
        let mut appointments = Vec::new();
        for one in &answer.appointments {
            if !one.has_status("CANCELLED") && one.start.as_millisecond() >= self.ctx.now {
                appointments.push(appointment::booked(&office, &answer, one)?);
            }
        }
        appointments.sort_by_key(|one| one.start);
        appointments.truncate(APPOINTMENTS);
        Ok(appointments)
    }

    /// The appointment as the record system knows it.
    fn known(&self, appointment: &Appointment) -> Result<CalendarEntry, Failure> {
        let contact = appointment.clinician.as_ref().and_then(|one| one.her_id).unwrap_or(self.receiver.her_id);
        if let Some(entry) = appointment::known(&Memory::here(), &appointment.id, contact)? {
            return Ok(entry);
        }
        let slot = SlotId { contact, uid: appointment.id.clone() };
        let mut entry = appointment::wanted(&slot, appointment.start, appointment.end)?;
        entry.related_to = Some(appointment.id.clone());
        Ok(entry)
    }
}

/// An answer that is a no, or no answer at all.
fn no(answer: &DialogMessage, locale: Locale) -> Failure {
    let text = |words: Words| answer.text.clone().unwrap_or_else(|| words.text(locale).to_owned());
    match answer.kind {
        Some(Kind::Rejected) => Failure::declined("26", text(Words::Rejected)),
        Some(Kind::NoAccess) => Failure::declined("30", text(Words::NoAccess)),
        Some(Kind::GeneralError) => {
            Failure::unavailable(Sent::Yes, "the office's record system answered with a general error (31)")
        }
        _ => Failure::faulty(
            Sent::Yes,
            format!("the office's record system answered with code {}", printable(&answer.code.value)),
        ),
    }
}

/// A code in a line for the operator: codes are short; what is not, is not a code.
fn printable(code: &str) -> String {
    if code.len() <= 8 && code.chars().all(|c| c.is_ascii_alphanumeric()) {
        code.to_owned()
    } else {
        "of no known form".to_owned()
    }
}

/// The days that a query covers, at most four weeks (3.4.2.1).
fn days(query: &SlotQuery) -> (Date, Date) {
    let from = time::date(timestamp(query.from));
    let longest = from.checked_add(Span::new().days(limit::SLOT_DAYS)).unwrap_or(from);
    let last = Timestamp::from_millisecond(query.until.saturating_sub(1)).unwrap_or_default();
    (from, time::date(last).clamp(from, longest))
}

/// Books, unless a request with this key has booked already: then the answer was receipted and marked as read at the end
/// of that call, and Meldingstjener takes the same message for a duplicate.
fn once(ctx: &Context, book: impl FnOnce(&mut Desk) -> Result<Appointment, Failure>) -> Result<Appointment, Failure> {
    let memory = Memory::here();
    if let Some(id) = memory::booked_by(&memory, &ctx.idempotency_key, ctx.now)? {
        let coming = Desk::serve(ctx, Desk::upcoming).map_err(|failure| failure.sent_at_least(Sent::Yes))?;
        let gone = || Failure::faulty(Sent::Yes, "what the request had booked is not among what is coming");
        return coming.into_iter().find(|one| one.id == id).ok_or_else(gone);
    }
    let booked = Desk::serve(ctx, book)?;
    if memory::note_booked_by(&memory, &ctx.idempotency_key, &booked.id, ctx.now).is_err() {
        log::warn!("an appointment is booked, and a repeated request would not be recognised");
    }
    Ok(booked)
}

impl Appointments for Ddfl {
    fn slots(ctx: Context, query: SlotQuery) -> Result<Vec<Slot>, Failure> {
        Desk::serve(&ctx, |desk| desk.slots(&query))
    }

    fn book(ctx: Context, booking: Booking) -> Result<Appointment, Failure> {
        once(&ctx, |desk| desk.reserve(&booking))
    }

    fn change(ctx: Context, appointment: Appointment, booking: Booking) -> Result<Appointment, Failure> {
        once(&ctx, |desk| desk.change(&appointment, &booking))
    }

    fn cancel(ctx: Context, appointment: Appointment, reason: Option<String>) -> Result<(), Failure> {
        Desk::serve(&ctx, |desk| {
            let entry = desk.known(&appointment)?;
            desk.cancel(entry, reason.as_deref())
        })
    }

    fn upcoming(ctx: Context) -> Result<Vec<Appointment>, Failure> {
        Desk::serve(&ctx, Desk::upcoming)
    }
}

/// A failure in a word, for the operator.
fn outline(failure: &Failure) -> &'static str {
    match failure {
        Failure::Invalid(_) => "invalid",
        Failure::Declined(_) => "declined",
        Failure::Conflict(_) => "conflict",
        Failure::NotFound(_) => "not found",
        Failure::Unavailable(_) => "unavailable",
        Failure::Faulty(_) => "faulty",
    }
}
