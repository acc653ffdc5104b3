//! Bookings: what is free, what is booked, and by whom.

use super::case::Service;
use super::request::{self, moment, text};
use super::soap::{Fault, VENDOR};
use super::state::State;
use super::{Booking, Channel, Slot};
use crate::sim::helserespons::calendar::{instant, written};
use crate::sim::meldingstjener::tree::Element;
use jiff::ToSpan as _;

/// Slots of one page.
pub const PAGE: usize = 200;

/// What an operation gives.
pub type Answered = Result<Element, Fault>;

fn word(channel: Channel) -> &'static str {
    match channel {
        Channel::Office => "PRACTICE",
        Channel::Phone => "PHONE",
        Channel::Video => "VIDEO",
    }
}

fn times(element: Element, slot: &Slot) -> Element {
    let end = slot.begins.saturating_add(slot.minutes.minutes());
    let doctor = Element::new(VENDOR, "Doctor")
        .field("Hpr", slot.hpr.to_string())
        .field("Given", slot.first)
        .field("Family", slot.last);
    let element = element.field("Start", written(slot.begins)).field("End", written(end)).with(doctor);
    element.field("Channel", word(slot.channel)).field("Label", slot.label)
}

/// A booking as the vendor writes it.
pub fn xml(booking: &Booking, address: &str, late: bool) -> Element {
    let state = if booking.cancelled { "CANCELLED" } else { "BOOKED" };
    let head = Element::new(VENDOR, "Booking").field("Number", &booking.booking_no).field("State", state);
    let mut element = times(head, &booking.slot);
    if booking.slot.channel == Channel::Office {
        element = element.field("Place", address).field("Preparation", "Møt fem minutter før timen.");
    }
    let may = if booking.cancelled || late { "false" } else { "true" };
    element.field("MayCancel", may).field("MayMove", may)
}

/// `FindSlots`.
pub fn find(state: &mut State, content: &Element) -> Answered {
    let endless = state.endless;
    let practice = request::open(state, &text(content, "Practice"), Service::Booking)?;
    let hpr = content.text_of("Doctor").and_then(|hpr| hpr.parse().ok());
    let channel = request::channel(content);
    let cursor = content.text_of("Cursor");
    let begin: usize = match &cursor {
        None => 0,
        Some(cursor) => {
            let place = cursor.strip_prefix('S').and_then(|place| place.parse().ok());
            place.ok_or_else(|| Fault::field("Cursor"))?
        }
    };
    let free = practice.calendar.free(moment(content, "From"), moment(content, "Until"), hpr);
    let mut free = free.filter(|slot| channel.is_none_or(|wanted| wanted == slot.channel)).skip(begin);
    let page: Vec<&Slot> = free.by_ref().take(PAGE).collect();
    let slots = page.iter().map(|slot| times(Element::new(VENDOR, "Slot").field("Id", &slot.id), slot));
    let answer = Element::new(VENDOR, "FindSlotsResponse").with_all(slots);
    let more = free.next().is_some();
    Ok(match more {
        _ if endless => answer.field("Cursor", format!("S{}", begin + 1)),
        true => answer.field("Cursor", format!("S{}", begin + PAGE)),
        false => answer,
    })
}

/// `BookSlot`.
pub fn book(state: &mut State, operation: &str, content: &Element) -> Answered {
    let name = text(content, "Practice");
    request::open(state, &name, Service::Booking)?;
    let (citizen, _) = request::patient(state, operation, &name, content)?;
    let slot = taken(state, &name, content)?;
    let booking =
        state.booked(&name, &citizen, slot, content.text_of("Note")).map_err(|_| Fault::sender("UnknownPractice"))?;
    told(state, operation, &booking)
}

/// `MoveBooking`.
pub fn change(state: &mut State, operation: &str, content: &Element) -> Answered {
    let number = text(content, "Booking");
    let name =
        state.practice_of(&number).map(|practice| practice.name).ok_or_else(|| Fault::sender("UnknownBooking"))?;
    let (citizen, _) = request::patient(state, operation, name, content)?;
    let old = standing(state, name, &number, &citizen)?;
    let slot = taken(state, name, content)?;
    let calendar = &mut request::known(state, name)?.calendar;
    calendar.give_back(&old.slot.id);
    let booking = calendar.booking(&number).ok_or_else(|| Fault::sender("UnknownBooking"))?;
    booking.slot = slot;
    let booking = booking.clone();
    told(state, operation, &booking)
}

/// `CancelBooking`.
pub fn cancel(state: &mut State, operation: &str, content: &Element) -> Answered {
    let number = text(content, "Booking");
    let name =
        state.practice_of(&number).map(|practice| practice.name).ok_or_else(|| Fault::sender("UnknownBooking"))?;
    let citizen = request::citizen(state, operation, name, content)?;
    let old = standing(state, name, &number, &citizen)?;
    let calendar = &mut request::known(state, name)?.calendar;
    calendar.give_back(&old.slot.id);
    let booking = calendar.booking(&number).ok_or_else(|| Fault::sender("UnknownBooking"))?;
    booking.cancelled = true;
    let booking = booking.clone();
    told(state, operation, &booking)
}

/// `FindBookings`.
pub fn coming(state: &mut State, operation: &str, content: &Element) -> Answered {
    let name = text(content, "Practice");
    let citizen = request::citizen(state, operation, &name, content)?;
    let practice = request::known(state, &name)?;
    let bookings = practice.calendar.coming(&citizen, moment(content, "From"));
    let bookings = bookings.into_iter().map(|booking| xml(booking, practice.office.address, practice.late));
    Ok(Element::new(VENDOR, "FindBookingsResponse").with_all(bookings))
}

/// A booking of this citizen's that can still be changed.
fn standing(state: &mut State, name: &str, number: &str, citizen: &super::NationalId) -> Result<Booking, Fault> {
    let practice = request::known(state, name)?;
    let late = practice.late;
    let booking = practice.calendar.booking(number).filter(|booking| booking.citizen == *citizen);
    let booking = booking.ok_or_else(|| Fault::sender("UnknownBooking"))?;
    if booking.cancelled {
        return Err(Fault::sender("BookingCancelled"));
    }
    if late { Err(Fault::sender("TooLate")) } else { Ok(booking.clone()) }
}

/// The slot that a citizen saw, taken from all others.
fn taken(state: &mut State, name: &str, content: &Element) -> Result<Slot, Fault> {
    let calendar = &mut request::known(state, name)?.calendar;
    let id = text(content, "Slot");
    let known = calendar.slots().iter().find(|slot| slot.id == id).ok_or_else(|| Fault::sender("SlotTaken"))?;
    if instant(known.begins) != moment(content, "Start") {
        return Err(Fault::sender("SlotMoved"));
    }
    calendar.take(&id).ok_or_else(|| Fault::sender("SlotTaken"))
}

fn told(state: &mut State, operation: &str, booking: &Booking) -> Answered {
    let practice = state.practice_of(&booking.booking_no).ok_or_else(|| Fault::sender("UnknownBooking"))?;
    let booking = xml(booking, practice.office.address, practice.late);
    Ok(Element::new(VENDOR, &format!("{operation}Response")).with(booking))
}
