//! What the portal's side hands over.

use super::api::{Answered, Shares, once};
use super::calendar::{Booking, Timeslot};
use super::document::{Answer, Refused, resource};
use super::event::About;
use super::invoice::Payment;
use super::request::{self, Book, Coming, Mode, NewMessage, NewPatient, NewPayment, NewRefusal, NewVisit, TakenBack};
use super::state::State;
use super::visit::{Meeting, Stage, Status, Visit};
use super::{form, patient, unit};
use axum::body::Bytes;
use axum::extract::{Path, State as Extract};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use jiff::ToSpan;
use serde_json::json;

/// Minutes for which a way into a meeting is good.
const ACCESS_MINUTES: i64 = 15;
/// Characters of a reason.
const MAX_REASON: usize = 1_000;

/// `POST /v1/patients`: whoever has been here is found, so that once or often is the same, without a key.
pub async fn patient(Extract(shared): Shares, body: Bytes) -> Answered {
    const ROUTE: &str = "POST patients";
    shared.with(|state| {
        let draft = request::read::<NewPatient>(state, ROUTE, &body, ("patients", None), &[])?;
        let (patient, new) = patient::take_in(state, ROUTE, draft.attributes)?;
        let status = if new { StatusCode::CREATED } else { StatusCode::OK };
        Ok(Answer::of(status, patient.resource(), Vec::new()))
    })
}

fn at_unit<A>(draft: &request::Draft<A>) -> Result<(), Refused> {
    if draft.related("unit") == unit::UNIT { Ok(()) } else { Err(Refused::unknown("unknown-unit")) }
}

/// `POST /v1/visits`
pub async fn open(Extract(shared): Shares, uri: Uri, headers: HeaderMap, body: Bytes) -> Answered {
    const ROUTE: &str = "POST visits";
    shared.with(|state| {
        once(state, (&Method::POST, &uri, &headers), &body, |state| {
            let related = [("unit", "units"), ("patient", "patients")];
            let draft = request::read::<NewVisit>(state, ROUTE, &body, ("visits", None), &related)?;
            at_unit(&draft)?;
            let patient = patient::known(state, ROUTE, draft.related("patient"))?;
            let new = draft.attributes;
            request::represented(state, ROUTE, &patient.citizen, new.representative.as_ref())?;
            request::written(new.subject.as_deref(), &new.text)?;
            if !state.switches.consultations {
                return Err(Refused::forbidden("service-off"));
            }
            if state.switches.triage {
                form::check(new.triage.as_ref())?;
            }
            let files = request::files(state, ROUTE, new.attachments)?;
            if new.mode == Mode::Image && files.is_empty() {
                state.violate(ROUTE, "a visit by picture without a picture");
            }
            let message = state.message(Some(new.reference.to_string()), new.subject, new.text, files, None);
            let visit = Visit {
                id: state.number("vis"),
                status: Status::WithClinician,
                citizen: patient.citizen,
                patient: patient.id,
                represented: new.representative.is_some(),
                portal_reference: Some(new.portal_reference.to_string()),
                mode: match new.mode {
                    Mode::Text => "text",
                    Mode::Image => "image",
                    Mode::Video => "video",
                },
                meeting: (new.mode == Mode::Video).then(Meeting::default),
                triage: new.triage,
                one_way: false,
                messages: vec![message],
            };
            filed(state, &visit);
            let answer = Answer::of(StatusCode::CREATED, visit.resource(), Vec::new());
            state.visits.push(visit);
            Ok(answer)
        })
    })
}

/// Tells that the latest message is in the record.
fn filed(state: &mut State, visit: &Visit) {
    let reference = visit.messages.last().and_then(|message| message.reference.clone());
    if let (true, Some(reference)) = (state.switches.filing, reference) {
        let about = About {
            facts: json!({ "reference": reference }),
            related: vec![("visit", "visits", visit.id.clone())],
            ..About::default()
        };
        state.tell("message.filed", about);
    }
}

/// A visit that is open and this patient's.
fn open_visit<'a>(state: &'a mut State, id: &str, patient: &str) -> Result<&'a mut Visit, Refused> {
    let visit = state.visit(id).ok().filter(|visit| visit.patient == patient && !visit.one_way);
    let visit = visit.ok_or(Refused::unknown("unknown-visit"))?;
    if visit.status.is_closed() { Err(Refused::conflict("visit-closed")) } else { Ok(visit) }
}

/// `POST /v1/messages`
pub async fn send(Extract(shared): Shares, uri: Uri, headers: HeaderMap, body: Bytes) -> Answered {
    const ROUTE: &str = "POST messages";
    shared.with(|state| {
        once(state, (&Method::POST, &uri, &headers), &body, |state| {
            let related = [("visit", "visits"), ("patient", "patients")];
            let draft = request::read::<NewMessage>(state, ROUTE, &body, ("messages", None), &related)?;
            let patient = patient::known(state, ROUTE, draft.related("patient"))?;
            let visit = draft.related("visit").to_owned();
            let new = draft.attributes;
            request::represented(state, ROUTE, &patient.citizen, new.representative.as_ref())?;
            request::written(new.subject.as_deref(), &new.text)?;
            open_visit(state, &visit, &patient.id)?;
            let files = request::files(state, ROUTE, new.attachments)?;
            let message = state.message(Some(new.reference.to_string()), new.subject, new.text, files, None);
            let mut resource = message.resource();
            resource["relationships"]["visit"] = json!({ "data": { "type": "visits", "id": visit } });
            let visit = open_visit(state, &visit, &patient.id)?;
            visit.messages.push(message);
            visit.status = Status::WithClinician;
            let visit = visit.clone();
            filed(state, &visit);
            Ok(Answer::of(StatusCode::CREATED, resource, Vec::new()))
        })
    })
}

/// A visit of this patient's that has a meeting, and who comes to it.
fn meeting<'a>(state: &'a mut State, route: &str, body: &[u8], kind: &str) -> Result<&'a mut Visit, Refused> {
    let related = [("visit", "visits"), ("patient", "patients")];
    let draft = request::read::<Coming>(state, route, body, (kind, None), &related)?;
    let patient = patient::known(state, route, draft.related("patient"))?;
    let id = draft.related("visit").to_owned();
    request::represented(state, route, &patient.citizen, draft.attributes.representative.as_ref())?;
    let visit = state.visit(&id).ok().filter(|visit| visit.patient == patient.id);
    let visit = visit.ok_or(Refused::unknown("unknown-visit"))?;
    if visit.meeting.is_some() { Ok(visit) } else { Err(Refused::unknown("no-meeting")) }
}

/// `POST /v1/meeting-accesses`: an address for whoever asks, good for a quarter of an hour.
pub async fn access(Extract(shared): Shares, uri: Uri, headers: HeaderMap, body: Bytes) -> Answered {
    const ROUTE: &str = "POST meeting-accesses";
    shared.with(|state| {
        once(state, (&Method::POST, &uri, &headers), &body, |state| {
            let (id, expires) = (state.number("acc"), state.now().saturating_add(ACCESS_MINUTES.minutes()));
            let visit = meeting(state, ROUTE, &body, "meeting-accesses")?;
            let named = visit.id.clone();
            let Some(meeting) = &mut visit.meeting else { return Err(Refused::unknown("no-meeting")) };
            let there = match meeting.stage {
                Stage::Expected => return Err(Refused::forbidden("meeting-not-open")),
                Stage::Over => return Err(Refused::forbidden("meeting-over")),
                Stage::Waiting => "waiting",
                Stage::Open => "open",
            };
            meeting.patient_in = true;
            meeting.accesses.push(id.clone());
            let attributes = json!({
                "joinUrl": format!("https://meet.kry.example/{named}?access={id}"),
                "expiresAt": expires.unwrap_or(jiff::Timestamp::MAX),
                "state": there,
            });
            let access = resource("meeting-accesses", &id, attributes, &[("visit", "visits", Some(&named))]);
            Ok(Answer::of(StatusCode::CREATED, access, Vec::new()))
        })
    })
}

/// `POST /v1/meeting-exits`: the patient goes.
pub async fn exit(Extract(shared): Shares, uri: Uri, headers: HeaderMap, body: Bytes) -> Answered {
    const ROUTE: &str = "POST meeting-exits";
    shared.with(|state| {
        once(state, (&Method::POST, &uri, &headers), &body, |state| {
            let id = state.number("ext");
            let visit = meeting(state, ROUTE, &body, "meeting-exits")?;
            let named = visit.id.clone();
            if let Some(meeting) = &mut visit.meeting {
                meeting.patient_in = false;
            }
            let exit = resource("meeting-exits", &id, json!({}), &[("visit", "visits", Some(&named))]);
            Ok(Answer::of(StatusCode::CREATED, exit, Vec::new()))
        })
    })
}

/// `PATCH /v1/visits/{id}`
pub async fn withdraw(
    Extract(shared): Shares,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answered {
    const ROUTE: &str = "PATCH visits";
    shared.with(|state| {
        once(state, (&Method::PATCH, &uri, &headers), &body, |state| {
            let related = [("patient", "patients")];
            let draft = request::read::<TakenBack>(state, ROUTE, &body, ("visits", Some(&id)), &related)?;
            let patient = patient::known(state, ROUTE, draft.related("patient"))?;
            if draft.attributes.status != "withdrawn" || draft.attributes.reason.is_some() {
                state.violate(ROUTE, "a patient can only withdraw a visit, without a reason");
                return Err(Refused::attribute("status"));
            }
            let visit = open_visit(state, &id, &patient.id)?;
            visit.status = Status::Withdrawn;
            Ok(Answer::of(StatusCode::OK, visit.resource(), Vec::new()))
        })
    })
}

/// Takes the time that is wanted, where it is as the patient saw it.
fn take(state: &mut State, id: &str, wanted: &Book) -> Result<Timeslot, Refused> {
    if wanted.reason.as_ref().is_some_and(|reason| reason.trim().is_empty() || reason.chars().count() > MAX_REASON) {
        return Err(Refused::attribute("reason"));
    }
    let slot = state.calendar.slots.iter().find(|slot| slot.id == id);
    if slot.is_some_and(|slot| slot.start != wanted.start) {
        return Err(Refused::conflict("slot-changed"));
    }
    state.calendar.take(id).ok_or(Refused::conflict("slot-taken"))
}

fn shown(status: StatusCode, booking: &Booking) -> Answer {
    Answer::of(status, booking.resource(), booking.slot.doctor().into_iter().collect())
}

/// `POST /v1/bookings`
pub async fn book(Extract(shared): Shares, uri: Uri, headers: HeaderMap, body: Bytes) -> Answered {
    const ROUTE: &str = "POST bookings";
    shared.with(|state| {
        once(state, (&Method::POST, &uri, &headers), &body, |state| {
            let related = [("unit", "units"), ("patient", "patients"), ("timeslot", "timeslots")];
            let draft = request::read::<Book>(state, ROUTE, &body, ("bookings", None), &related)?;
            at_unit(&draft)?;
            let patient = patient::known(state, ROUTE, draft.related("patient"))?;
            if !state.switches.bookings {
                return Err(Refused::forbidden("service-off"));
            }
            let slot = take(state, draft.related("timeslot"), &draft.attributes)?;
            let booking = state.booked(&patient, slot, draft.attributes.reason);
            Ok(shown(StatusCode::CREATED, &booking))
        })
    })
}

/// A booking that stands, is this patient's and may still be changed.
fn standing<'a>(state: &'a mut State, id: &str, patient: &str) -> Result<&'a mut Booking, Refused> {
    let late = state.switches.late;
    let booking = state.calendar.booking(id).filter(|booking| booking.patient == patient);
    let booking = booking.ok_or(Refused::unknown("unknown-booking"))?;
    if booking.cancelled {
        return Err(Refused::conflict("booking-cancelled"));
    }
    if late { Err(Refused::forbidden("too-late")) } else { Ok(booking) }
}

/// `PATCH /v1/bookings/{id}`: with a `timeslot` it is moved, without it is cancelled.
pub async fn change_booking(
    Extract(shared): Shares,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answered {
    const ROUTE: &str = "PATCH bookings";
    shared.with(|state| {
        once(state, (&Method::PATCH, &uri, &headers), &body, |state| {
            let moves = serde_json::from_slice::<serde_json::Value>(&body)
                .is_ok_and(|body| body.pointer("/data/relationships/timeslot").is_some());
            if moves { moved(state, ROUTE, &id, &body) } else { cancelled(state, ROUTE, &id, &body) }
        })
    })
}

fn moved(state: &mut State, route: &str, id: &str, body: &[u8]) -> Answered {
    let related = [("patient", "patients"), ("timeslot", "timeslots")];
    let draft = request::read::<Book>(state, route, body, ("bookings", Some(id)), &related)?;
    let patient = patient::known(state, route, draft.related("patient"))?;
    standing(state, id, &patient.id)?;
    let slot = take(state, draft.related("timeslot"), &draft.attributes)?;
    let booking = standing(state, id, &patient.id)?;
    let old = std::mem::replace(&mut booking.slot, slot);
    let answer = shown(StatusCode::OK, booking);
    state.calendar.give_back(&old.id);
    Ok(answer)
}

fn cancelled(state: &mut State, route: &str, id: &str, body: &[u8]) -> Answered {
    let related = [("patient", "patients")];
    let draft = request::read::<TakenBack>(state, route, body, ("bookings", Some(id)), &related)?;
    let patient = patient::known(state, route, draft.related("patient"))?;
    let wanted = draft.attributes;
    if wanted.status != "cancelled" {
        state.violate(route, "a patient can only cancel a booking");
        return Err(Refused::attribute("status"));
    }
    if wanted.reason.as_ref().is_some_and(|reason| reason.chars().count() > MAX_REASON) {
        return Err(Refused::attribute("reason"));
    }
    let booking = standing(state, id, &patient.id)?;
    booking.cancelled = true;
    let (answer, slot) = (shown(StatusCode::OK, booking), booking.slot.id.clone());
    state.calendar.give_back(&slot);
    Ok(answer)
}

/// `POST /v1/payments`
pub async fn pay(Extract(shared): Shares, uri: Uri, headers: HeaderMap, body: Bytes) -> Answered {
    const ROUTE: &str = "POST payments";
    shared.with(|state| {
        once(state, (&Method::POST, &uri, &headers), &body, |state| {
            let related = [("patient", "patients"), ("invoice", "invoices")];
            let draft = request::read::<NewPayment>(state, ROUTE, &body, ("payments", None), &related)?;
            let patient = patient::known(state, ROUTE, draft.related("patient"))?;
            if draft.attributes.return_url.scheme() != "https" {
                state.violate(ROUTE, "returnUrl is not https");
                return Err(Refused::attribute("returnUrl"));
            }
            let invoice = draft.related("invoice").to_owned();
            let known = state.invoices.iter().find(|one| one.id == invoice && one.patient == patient.id);
            if known.ok_or(Refused::unknown("unknown-invoice"))?.paid {
                return Err(Refused::conflict("invoice-paid"));
            }
            let now = state.now();
            if state.payments.iter().any(|payment| payment.invoice == invoice && payment.is_open(now)) {
                return Err(Refused::conflict("payment-open"));
            }
            let payment = Payment {
                id: state.number("pay"),
                invoice,
                return_url: draft.attributes.return_url.to_string(),
                begun: state.now(),
                outcome: None,
            };
            state.payments.push(payment.clone());
            Ok(Answer::of(StatusCode::CREATED, payment.resource(), Vec::new()))
        })
    })
}

/// `POST /v1/refusals`
pub async fn refuse(Extract(shared): Shares, uri: Uri, headers: HeaderMap, body: Bytes) -> Answered {
    const ROUTE: &str = "POST refusals";
    shared.with(|state| {
        once(state, (&Method::POST, &uri, &headers), &body, |state| {
            let related = [("event", "events")];
            let draft = request::read::<NewRefusal>(state, ROUTE, &body, ("refusals", None), &related)?;
            let number = draft.related("event").parse().ok().filter(|number| state.event(*number).is_some());
            let Some(number) = number else {
                state.violate(ROUTE, "refuses an event that there is not");
                return Err(Refused::unknown("unknown-event"));
            };
            state.refused.insert(number, draft.attributes.reason);
            Ok(Answer::nothing())
        })
    })
}
