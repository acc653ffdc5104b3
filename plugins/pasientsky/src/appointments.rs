//! Direct booking.

use dialog_plugin_sdk::appointments::{Appointments, Booking as Wanted, Slot, SlotQuery};
use dialog_plugin_sdk::upstream::{Body, Response};
use dialog_plugin_sdk::{Appointment, Context, Failure, Sent, ids, log};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Pasientsky;
use crate::ask::{self, Budget, Next, Search, Want};
use crate::calendar::{self, Booked, Standing};
use crate::fhir::bundle::{Included, Page};
use crate::fhir::element::{HPR, Identifier, Reference, is_id, naming};
use crate::fhir::time;
use crate::person::{self, RelatedPerson};
use crate::refusal::Pointers;
use crate::settings::Settings;
use crate::words::Words;

/// Slots that one call may return.
const MAX_SLOTS: usize = 500;
/// Appointments that one call may return.
const MAX_APPOINTMENTS: usize = 100;
/// Resources of a page.
const PAGE: &str = "100";
/// Pages of slots: what is behind them is later, and there is enough before it.
const SLOT_PAGES: usize = 6;
/// Pages of a citizen's appointments.
const APPOINTMENT_PAGES: u32 = 3;

/// Where the vendor's elements come from.
const POINTERS: &Pointers = &[("Appointment.comment", "/reason"), ("Appointment.cancelationReason", "/reason")];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct New<'a> {
    resource_type: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contained: Vec<RelatedPerson<'a>>,
    identifier: [Identifier; 1],
    status: &'static str,
    slot: [Reference; 1],
    /// As the citizen saw it: the vendor refuses a slot that has moved since.
    start: String,
    end: String,
    participant: Vec<Participant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
}

#[derive(Serialize)]
struct Participant {
    actor: Reference,
    status: &'static str,
}

impl Appointments for Pasientsky {
    fn slots(ctx: Context, query: SlotQuery) -> Result<Vec<Slot>, Failure> {
        let settings: Settings = ctx.settings()?;
        let mut budget = Budget::of(&ctx);
        let mut search = Search::of("Slot")
            .with("schedule.actor", settings.reference())
            .with("status", "free")
            .with("start", format!("ge{}", time::written(query.from)?))
            .with("start", format!("lt{}", time::written(query.until)?))
            .with("_include", "Slot:schedule")
            .with("_include:iterate", "Schedule:actor")
            .with("_count", PAGE);
        if let Some(doctor) = query.clinician {
            search = search.with("schedule.actor:Practitioner.identifier", format!("{HPR}|{doctor}"));
        }
        let mut slots = Vec::new();
        let Page { mut matches, mut included, mut next } = search.page(&mut budget, ctx.locale)?;
        for page in 1.. {
            slots.extend(matches.iter().filter_map(|one| offered(&ctx, &query, one, &included)));
            let Some(token) = next.filter(|_| page < SLOT_PAGES && slots.len() < MAX_SLOTS) else { break };
            let more = search.next(&token, &mut budget, ctx.locale)?;
            included.extend(more.included);
            (matches, next) = (more.matches, more.next);
        }
        slots.sort_by(|one, other| (one.start, &one.id).cmp(&(other.start, &other.id)));
        slots.dedup_by(|one, other| one.id == other.id);
        if slots.len() > MAX_SLOTS {
            log::info!("{} free slots, of which the first {MAX_SLOTS} are told", slots.len());
            slots.truncate(MAX_SLOTS);
        }
        Ok(slots)
    }

    fn book(ctx: Context, booking: Wanted) -> Result<Appointment, Failure> {
        let settings: Settings = ctx.settings()?;
        let slot = slot(&ctx, &booking)?;
        let mut budget = Budget::of(&ctx);
        let patient = person::patient(&ctx, &mut budget)?;
        let (person, _) = person::acting(&ctx, &patient)?;
        let acts = person.is_some().then(|| Reference::to("#representative"));
        let actors = [Some(Reference::to(&patient.reference)), acts, Some(Reference::to(settings.reference()))];
        let value = format!("urn:uuid:{}", ids::derived("booking", &[&ctx.idempotency_key]));
        let identifier = Identifier { system: naming("request"), value };
        let condition = format!("{}|{}", identifier.system, identifier.value);
        let new = New {
            resource_type: "Appointment",
            contained: person.into_iter().collect(),
            identifier: [identifier],
            status: "booked",
            slot: [slot],
            start: time::written(booking.start)?,
            end: time::written(booking.end)?,
            participant: actors.into_iter().flatten().map(|actor| Participant { actor, status: "accepted" }).collect(),
            comment: booking.reason.as_deref(),
        };
        let body: Body = serde_json::to_vec(&new).map_err(|_| ask::unwritable())?.into();
        let answer = ask::create("Appointment", &condition, body, Want::Resource, &mut budget, (ctx.locale, POINTERS))?;
        let made: Value = answer.json()?;
        standing(&ctx, &booking, &made)
            .map_err(|why| answer.unreadable(format_args!("holds an appointment that {why}")))
    }

    fn change(ctx: Context, appointment: Appointment, booking: Wanted) -> Result<Appointment, Failure> {
        let slot = slot(&ctx, &booking)?;
        let (start, end) = (time::written(booking.start)?, time::written(booking.end)?);
        let moved = write(&ctx, &appointment, |resource, booked| {
            if booked == Standing::Cancelled {
                return Err(Words::AppointmentCancelled.conflict(ctx.locale));
            }
            if resource["slot"][0]["reference"] == slot.reference.as_str() {
                return Ok(Next::Stands);
            }
            resource["slot"] = json!([slot]);
            (resource["start"], resource["end"]) = (json!(start), json!(end));
            if let Some(reason) = &booking.reason {
                resource["comment"] = json!(reason);
            }
            Ok(Next::Write)
        });
        let (resource, answer) = moved?;
        standing(&ctx, &booking, &resource)
            .map_err(|why| answer.unreadable(format_args!("holds an appointment that {why}")))
    }

    fn cancel(ctx: Context, appointment: Appointment, reason: Option<String>) -> Result<(), Failure> {
        let cancelled = write(&ctx, &appointment, |resource, booked| {
            if booked == Standing::Cancelled {
                return Ok(Next::Stands);
            }
            resource["status"] = json!("cancelled");
            if let Some(reason) = &reason {
                resource["cancelationReason"] = json!({ "text": reason });
            }
            Ok(Next::Write)
        });
        match cancelled {
            // What the citizen wants has happened.
            Err(Failure::Conflict(reason)) if reason.code == Words::AppointmentCancelled.code() => Ok(()),
            Err(failure) => Err(failure),
            Ok((resource, answer)) => match read(&resource).and_then(|booked| booked.standing()) {
                Ok(Standing::Cancelled) => Ok(()),
                _ => Err(answer.unreadable("to a cancellation holds an appointment that is not cancelled")),
            },
        }
    }

    fn upcoming(ctx: Context) -> Result<Vec<Appointment>, Failure> {
        let settings: Settings = ctx.settings()?;
        let mut budget = Budget::of(&ctx);
        let patient = person::patient(&ctx, &mut budget)?;
        // A day back: one that has begun is still to come for whoever is on the way.
        let search = Search::about("Appointment")
            .with("patient", &patient.reference)
            .with("status", "booked")
            .with("date", format!("ge{}", time::written(ctx.now.saturating_sub(24 * 60 * 60 * 1000))?))
            .with("_include", "Appointment:actor")
            .with("_count", PAGE);
        let (found, included) = search.all(APPOINTMENT_PAGES, &mut budget, ctx.locale)?;
        let mut appointments = Vec::new();
        for resource in &found {
            // One that is left out would look cancelled to the citizen.
            let unreadable = |why| Failure::faulty(Sent::No, format!("an appointment that {why}"));
            let booked = read(resource).map_err(unreadable)?;
            let here = booked.actors("HealthcareService").any(|one| one == settings.reference());
            if !here || booked.standing().map_err(unreadable)? != Standing::Booked {
                continue;
            }
            let appointment = booked.appointment(&included, ctx.locale).map_err(unreadable)?;
            if appointment.end > ctx.now {
                appointments.push(appointment);
            }
        }
        appointments.sort_by_key(|one| one.start);
        appointments.truncate(MAX_APPOINTMENTS);
        Ok(appointments)
    }
}

/// A slot that cannot be read, or was not asked for, is not offered; the others are.
fn offered(ctx: &Context, query: &SlotQuery, resource: &Value, included: &Included) -> Option<Slot> {
    let slot = calendar::slot(resource, included, ctx.locale);
    let slot = slot.inspect_err(|why| log::warn!("a slot that {why}: it is not offered")).ok()?;
    let wanted = slot.start >= ctx.now
        && (query.from..query.until).contains(&slot.start)
        && query.mode.is_none_or(|mode| mode == slot.mode)
        && query.clinician.is_none_or(|wanted| slot.clinician.as_ref().is_some_and(|one| one.hpr_number == wanted));
    wanted.then_some(slot)
}

fn slot(ctx: &Context, booking: &Wanted) -> Result<Reference, Failure> {
    // No id of the vendor's: it was never free.
    let known = is_id(&booking.slot).then(|| Reference::to(format!("Slot/{}", booking.slot)));
    known.ok_or_else(|| Words::SlotTaken.conflict(ctx.locale))
}

fn read(resource: &Value) -> Result<Booked, &'static str> {
    Booked::deserialize(resource).map_err(|_| "is of another shape")
}

/// Changes an appointment of the citizen's.
fn write(
    ctx: &Context,
    appointment: &Appointment,
    change: impl Fn(&mut Value, Standing) -> Result<Next, Failure>,
) -> Result<(Value, Response), Failure> {
    let unknown = || Words::UnknownAppointment.not_found(ctx.locale);
    if !is_id(&appointment.id) {
        return Err(unknown());
    }
    let mut budget = Budget::of(ctx);
    let patient = person::patient(ctx, &mut budget)?;
    ask::update(("Appointment", &appointment.id), &mut budget, (ctx.locale, POINTERS), |resource| {
        let faulty = |why| Failure::faulty(Sent::No, format!("an appointment that {why}"));
        let booked = read(resource).map_err(faulty)?;
        // The vendor knows the portal, and not for whom it asks.
        if !booked.actors("Patient").any(|one| one == patient.reference) {
            return Err(unknown());
        }
        change(resource, booked.standing().map_err(faulty)?)
    })
}

/// The appointment in an answer to a request that made or moved it.
fn standing(ctx: &Context, wanted: &Wanted, resource: &Value) -> Result<Appointment, &'static str> {
    let booked = read(resource)?;
    if booked.standing()? != Standing::Booked {
        return Err("does not stand");
    }
    let mut included = Included::default();
    // The vendor names the doctor by reference; the citizen chose the slot with the doctor's name.
    if let (Some(doctor), Some(reference)) = (&wanted.clinician, booked.actors("Practitioner").next())
        && let Some((kind, id)) = reference.rsplit_once('/')
    {
        included.add(json!({
            "resourceType": kind, "id": id,
            "identifier": [{ "system": HPR, "value": doctor.hpr_number.to_string() }],
            "name": [{ "family": doctor.family_name, "given": [doctor.given_name] }],
        }));
    }
    booked.appointment(&included, ctx.locale)
}
