//! Direct booking: free slots, one is booked, moved, cancelled; and what goes wrong.

use dialog_contract::{
    appointment::Slot,
    provider::{Appointment, AppointmentChangeKind, Booking, EventBody, Failure, SlotQuery},
    service::{EncounterMode, Sent},
};

use crate::{
    Moment, Topic, Trouble,
    check::{Check, Checked, Ended, broken, holds, same, told},
    run::{Run, in_hours},
};

/// Offices publish slots at least this far ahead.
const AHEAD: i64 = 24 * 14;

pub(super) fn checks() -> Vec<Check> {
    let topic = Topic::Booking;
    macro_rules! checks {
        ($($id:literal, $title:literal, $play:ident;)*) => {
            vec![$(Check::new(topic, $id, $title, |run| Box::pin($play(run))),)*]
        };
    }
    checks![
        "slots", "there are free slots, within the time asked for and in order", slots;
        "slots-ids", "each slot has an id of its own", ids;
        "slots-short", "a shorter time has no slots beyond it", short;
        "slots-clinician", "asked for a clinician, no other's slots are told", clinician;
        "slots-mode", "asked for a way to meet, no other is told", mode;
        "books", "a slot is booked, as it was shown", books;
        "upcoming", "what is booked is among what is coming", upcoming;
        "taken", "a slot that is booked is free no more", taken;
        "once", "a booking that is repeated with its key is one booking", once;
        "twice", "a slot that is booked cannot be booked again", twice;
        "behind", "a slot that somebody else took meanwhile is a conflict, and nothing is booked", behind;
        "unknown", "a slot that does not exist is not booked", unknown;
        "moves", "an appointment is moved to another slot", moves;
        "moves-not", "when the new slot is gone, the old time is kept", moves_not;
        "cancels", "an appointment is cancelled, and its slot is free again", cancels;
        "cancels-once", "what was cancelled cannot be cancelled as if it stood", cancels_once;
        "represented", "who acts for the citizen can book", represented;
        "office-cancels", "the office cancels, and the citizen is told", office_cancels;
        "reminds", "the office reminds, and the citizen is told", reminds;
        "down", "while the provider cannot be reached, nothing is booked and that is said", down;
        "busy", "a provider that is too busy books nothing, and that is said", busy;
        "slots-fail", "slots that cannot be told are no empty list", slots_fail;
        "garbled", "an answer that is not well-formed leaves it unknown whether it was booked", garbled;
        "cut-off", "an answer that breaks off leaves it unknown whether it was booked", cut_off;
    ]
}

fn within(hours: i64) -> SlotQuery {
    SlotQuery { from: in_hours(1), until: in_hours(hours), clinician: None, mode: None }
}

async fn free(run: &Run) -> Checked<Vec<Slot>> {
    let slots = run.slots(within(AHEAD)).await?;
    holds(slots.len() >= 4, || format!("{} free slots in two weeks: the checks need four", slots.len()))?;
    Ok(slots)
}

/// A free slot that no other check has in mind: the last of the list.
async fn one(run: &Run) -> Checked<Slot> {
    free(run).await?.pop().ok_or_else(|| Ended::Broken("no slot".to_owned()))
}

fn booking(slot: &Slot) -> Booking {
    Booking {
        slot: slot.id.clone(),
        start: slot.start,
        end: slot.end,
        clinician: slot.clinician.clone(),
        reason: Some("Kontroll av blodtrykk".to_owned()),
    }
}

async fn booked(run: &Run) -> Checked<(Slot, Appointment)> {
    let slot = one(run).await?;
    let appointment = run.book(run.context(), booking(&slot)).await?;
    Ok((slot, appointment))
}

async fn is_free(run: &Run, slot: &Slot) -> Checked<bool> {
    Ok(run
        .slots(within(AHEAD))
        .await?
        .iter()
        .any(|other| other.start == slot.start && other.clinician == slot.clinician))
}

async fn is_coming(run: &Run, id: &str) -> Checked<Option<Appointment>> {
    Ok(run.upcoming(run.context()).await?.into_iter().find(|one| one.id == id))
}

async fn slots(run: &Run) -> Checked {
    let (query, slots) = (within(AHEAD), free(run).await?);
    let inside = slots.iter().all(|slot| slot.start >= query.from && slot.start < query.until && slot.end > slot.start);
    holds(inside, || "a slot lies outside of the time asked for".to_owned())?;
    holds(slots.is_sorted_by_key(|slot| slot.start), || "they are not in order".to_owned())
}

async fn ids(run: &Run) -> Checked {
    let slots = free(run).await?;
    let ids: std::collections::BTreeSet<_> = slots.iter().map(|slot| &slot.id).collect();
    same("ids", &ids.len(), &slots.len())
}

async fn short(run: &Run) -> Checked {
    let first = free(run).await?.remove(0).start;
    let until = first + jiff::SignedDuration::from_mins(1);
    let some = run.slots(SlotQuery { from: in_hours(1), until, clinician: None, mode: None }).await?;
    holds(!some.is_empty() && some.iter().all(|slot| slot.start < until), || format!("{} slots", some.len()))
}

async fn clinician(run: &Run) -> Checked {
    let slots = free(run).await?;
    let Some(with) = slots.iter().find_map(|slot| slot.clinician.clone()) else {
        return Err(Ended::NotOffered("slots do not say with whom".to_owned()));
    };
    let query = SlotQuery { clinician: Some(with.hpr_number), ..within(AHEAD) };
    let some = run.slots(query).await?;
    let all = some.iter().all(|slot| slot.clinician.as_ref().is_some_and(|one| one.hpr_number == with.hpr_number));
    holds(!some.is_empty() && all, || format!("{} slots, not all with the clinician asked for", some.len()))
}

async fn mode(run: &Run) -> Checked {
    for mode in [EncounterMode::InPerson, EncounterMode::Telephone, EncounterMode::Video] {
        let some = run.slots(SlotQuery { mode: Some(mode), ..within(AHEAD) }).await?;
        holds(some.iter().all(|slot| slot.mode == mode), || format!("asked for {}, told of others", mode.as_str()))?;
    }
    Ok(())
}

async fn books(run: &Run) -> Checked {
    let (slot, appointment) = booked(run).await?;
    same("its time", &(appointment.start, appointment.end), &(slot.start, slot.end))?;
    same("how they meet", &appointment.mode, &slot.mode)?;
    holds(!appointment.title.trim().is_empty(), || "it has no title".to_owned())
}

async fn upcoming(run: &Run) -> Checked {
    let (_, appointment) = booked(run).await?;
    let coming = run.upcoming(run.context()).await?;
    holds(coming.is_sorted_by_key(|one| one.start), || "they are not in order".to_owned())?;
    let found = coming.iter().find(|one| one.id == appointment.id);
    same("its time, among what is coming", &found.map(|one| one.start), &Some(appointment.start))
}

async fn taken(run: &Run) -> Checked {
    let (slot, _) = booked(run).await?;
    holds(!is_free(run, &slot).await?, || "it is told as free".to_owned())
}

async fn once(run: &Run) -> Checked {
    if !run.package.manifest.idempotent {
        return Err(Ended::NotOffered("the manifest does not promise it".to_owned()));
    }
    let (slot, ctx) = (one(run).await?, run.context());
    let first = run.book(ctx.clone(), booking(&slot)).await?;
    let again = run.book(ctx, booking(&slot)).await?;
    same("the appointment of the repeated request", &again.id, &first.id)?;
    // Another check may have booked the same time with another clinician.
    let this = |one: &&Appointment| one.start == slot.start && one.clinician == slot.clinician;
    let times = run.upcoming(run.context()).await?.iter().filter(this).count();
    same("appointments at that time with that clinician", &times, &1)
}

/// It is not booked, and for a reason that the citizen can do something about.
fn gone(ended: Result<Appointment, Failure>) -> Checked {
    match ended {
        Err(Failure::Conflict(_)) => Ok(()),
        Err(other) => broken(told(&other)),
        Ok(appointment) => broken(format!("it was booked, as {}", appointment.id)),
    }
}

async fn twice(run: &Run) -> Checked {
    let (slot, _) = booked(run).await?;
    gone(run.book(run.context(), booking(&slot)).await)
}

async fn behind(run: &Run) -> Checked {
    let slot = one(run).await?;
    let before = run.upcoming(run.context()).await?.len();
    run.stage().takes_slot(&slot.id).await?;
    gone(run.book(run.context(), booking(&slot)).await)?;
    same("appointments that are coming", &run.upcoming(run.context()).await?.len(), &before)
}

async fn unknown(run: &Run) -> Checked {
    let slot = Slot { id: format!("{}x", one(run).await?.id), ..one(run).await? };
    match run.book(run.context(), booking(&slot)).await {
        Err(Failure::Conflict(_) | Failure::NotFound(_)) => Ok(()),
        Err(other) => broken(told(&other)),
        Ok(appointment) => broken(format!("it was booked, as {}", appointment.id)),
    }
}

fn changeable(appointment: &Appointment) -> Checked {
    if appointment.changeable {
        return Ok(());
    }
    Err(Ended::NotOffered("the appointment says that it cannot be moved".to_owned()))
}

async fn moves(run: &Run) -> Checked {
    let (old, appointment) = booked(run).await?;
    changeable(&appointment)?;
    let new = one(run).await?;
    let moved = run.change(appointment, booking(&new)).await?;
    same("its new time", &moved.start, &new.start)?;
    let coming = run.upcoming(run.context()).await?;
    holds(coming.iter().any(|one| one.start == new.start), || "it is not coming at the new time".to_owned())?;
    holds(!coming.iter().any(|one| one.start == old.start && one.clinician == old.clinician), || {
        "it is still coming at the old time".to_owned()
    })
}

async fn moves_not(run: &Run) -> Checked {
    let (old, appointment) = booked(run).await?;
    changeable(&appointment)?;
    let new = one(run).await?;
    run.stage().takes_slot(&new.id).await?;
    gone(run.change(appointment.clone(), booking(&new)).await)?;
    let kept = is_coming(run, &appointment.id).await?;
    same("the time that it has", &kept.map(|one| one.start), &Some(old.start))
}

async fn cancels(run: &Run) -> Checked {
    let (slot, appointment) = booked(run).await?;
    holds(appointment.cancellable, || "it says that it cannot be cancelled".to_owned())?;
    let id = appointment.id.clone();
    run.cancel(appointment).await?;
    holds(is_coming(run, &id).await?.is_none(), || "it is still coming".to_owned())?;
    holds(is_free(run, &slot).await?, || "its slot is not free again".to_owned())
}

async fn cancels_once(run: &Run) -> Checked {
    let (_, appointment) = booked(run).await?;
    run.cancel(appointment.clone()).await?;
    match run.cancel(appointment).await {
        Ok(()) | Err(Failure::Conflict(_) | Failure::NotFound(_) | Failure::Declined(_)) => Ok(()),
        Err(other) => broken(told(&other)),
    }
}

async fn represented(run: &Run) -> Checked {
    let slot = one(run).await?;
    match run.book(run.represented(), booking(&slot)).await {
        Ok(_) => Ok(()),
        Err(Failure::Declined(_)) => {
            Err(Ended::NotOffered("the provider takes nothing on behalf of others".to_owned()))
        }
        Err(other) => Err(other.into()),
    }
}

async fn told_of(run: &Run, id: &str, wanted: AppointmentChangeKind) -> Checked {
    let ours = |body: &EventBody| matches!(body, EventBody::Appointment { kind, appointment, .. } if *kind == wanted && appointment.id == id);
    run.news(wanted.as_str(), ours).await.map(drop)
}

async fn office_cancels(run: &Run) -> Checked {
    let (_, appointment) = booked(run).await?;
    run.stage().cancels_appointment(&appointment.id).await?;
    told_of(run, &appointment.id, AppointmentChangeKind::Cancelled).await
}

async fn reminds(run: &Run) -> Checked {
    let (_, appointment) = booked(run).await?;
    run.stage().reminds(&appointment.id).await?;
    told_of(run, &appointment.id, AppointmentChangeKind::Reminder).await
}

/// Nothing was booked, and the provider is unavailable.
async fn nothing_booked(run: &Run, slot: &Slot, ended: Result<Appointment, Failure>) -> Checked {
    match ended {
        Err(Failure::Unavailable(outage)) if outage.sent == Sent::No => {
            holds(is_free(run, slot).await?, || "the slot is not free any more".to_owned())
        }
        Err(other) => broken(told(&other)),
        Ok(_) => broken("it was booked"),
    }
}

async fn down(run: &Run) -> Checked {
    let slot = one(run).await?;
    run.stage().reachable(false).await?;
    let mut ended = run.book(run.context(), booking(&slot)).await;
    // A connection that stood may be cut with the request in it: nobody can know of that one. The next makes its own.
    if matches!(&ended, Err(Failure::Unavailable(outage)) if outage.sent == Sent::Unknown) {
        ended = run.book(run.context(), booking(&slot)).await;
    }
    run.stage().reachable(true).await?;
    nothing_booked(run, &slot, ended).await
}

async fn busy(run: &Run) -> Checked {
    let slot = one(run).await?;
    run.stage().trouble(Moment::HandOver, Trouble::Status(503)).await?;
    let ended = run.book(run.context(), booking(&slot)).await;
    nothing_booked(run, &slot, ended).await
}

async fn slots_fail(run: &Run) -> Checked {
    run.stage().reachable(false).await?;
    let ended = run.slots(within(AHEAD)).await;
    run.stage().reachable(true).await?;
    match ended {
        Err(Failure::Unavailable(_)) => Ok(()),
        Err(other) => broken(told(&other)),
        Ok(slots) => broken(format!("{} slots were told", slots.len())),
    }
}

async fn unknown_whether(run: &Run, trouble: Trouble) -> Checked {
    let slot = one(run).await?;
    run.stage().trouble(Moment::HandOver, trouble).await?;
    match run.book(run.context(), booking(&slot)).await {
        Err(failure @ (Failure::Unavailable(_) | Failure::Faulty(_))) => {
            holds(failure.sent() != Sent::No, || format!("it says that nothing was booked: {}", told(&failure)))
        }
        Err(other) => broken(told(&other)),
        // The plugin has found out.
        Ok(appointment) => holds(is_coming(run, &appointment.id).await?.is_some(), || "it is not coming".to_owned()),
    }
}

async fn garbled(run: &Run) -> Checked {
    unknown_whether(run, Trouble::Garbled).await
}

async fn cut_off(run: &Run) -> Checked {
    unknown_whether(run, Trouble::CutOff).await
}
