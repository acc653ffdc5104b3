//! Which news there are: by notification, and by search.
//!
//! A notification holds references alone (`id-only`). What they lead to is fetched, as it is now: a notification that is
//! forged, repeated or late makes the plugin look, and nothing else. The searches find what no notification told.
//!
//! Dialogs are asked for before messages and told after them: whatever was written before a dialog's end is told before it.

use std::collections::BTreeMap;

use dialog_plugin_sdk::feed;
use dialog_plugin_sdk::inbound::{Delivery, Disposition, Inbound, InboundContext, Page, Settlement};
use dialog_plugin_sdk::{Event, Failure, Locale, Sent, log};
use serde::Deserialize;
use serde_json::Value;

use crate::Pasientsky;
use crate::ask::{Budget, Search};
use crate::event::{self, ORIGIN, Trouble};
use crate::fhir::bundle::{Included, Page as Found};
use crate::fhir::element::{Reference, system};
use crate::fhir::time;
use crate::place::{Cursor, OVERLAP, Place};
use crate::said::Task;

/// Where the vendor's notifications arrive, below the plugin's own address.
const PATH: &str = "notifications";
/// References of one notification, of each kind.
const MAX_NOTIFIED: usize = 20;
/// Resources of a page.
const PAGE: &str = "30";
/// Pages that are looked at for something new.
const MAX_PAGES: u32 = 4;
/// Bytes of texts in one page: a call may return 1 MiB, and the rest of an event is small.
const MAX_BYTES: usize = 640 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    resource_type: String,
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    resource: Option<Parameters>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    resource_type: String,
    #[serde(default)]
    parameter: Vec<Parameter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameter {
    name: String,
    #[serde(default)]
    value_code: Option<String>,
    #[serde(default)]
    part: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    name: String,
    #[serde(default)]
    value_reference: Option<Reference>,
}

/// The ids that a notification names.
#[derive(Debug, Default, PartialEq, Eq)]
struct Named {
    tasks: Vec<String>,
    communications: Vec<String>,
    appointments: Vec<String>,
}

impl Inbound for Pasientsky {
    fn receive(ctx: InboundContext, delivery: Delivery) -> Result<Vec<Event>, Failure> {
        if delivery.path.trim_matches('/') != PATH {
            return Err(Failure::faulty(Sent::No, "a delivery to an address where the vendor delivers nothing"));
        }
        let named = named(&delivery.body)?;
        let mut budget = Budget::new(ctx.now, ctx.time_left);
        let mut told = Told::new(&ctx, &mut budget);
        let by_ids = |kind, ids: &[String]| (!ids.is_empty()).then(|| news(kind).with("_id", ids.join(",")));
        let tasks = told.found(by_ids("Task", &named.tasks))?;
        // A dialog that has ended is told after everything that was written in it.
        let ended: Vec<String> = tasks
            .matches
            .iter()
            .filter_map(|task| Task::read(task).ok().filter(|task| task.closing().is_some()))
            .map(|task| task.reference())
            .collect();
        let written = (!ended.is_empty())
            .then(|| messages().with("part-of", ended.join(",")).with("_sort", "-sent").with("_count", PAGE));
        let mut written = told.found(written)?;
        written.matches.reverse();
        let by_ids_too =
            (!named.communications.is_empty()).then(|| messages().with("_id", named.communications.join(",")));
        let said = told.found(by_ids_too)?;
        for found in [written, said] {
            for message in &found.matches {
                told.message(message, &found.included).map_err(waiting)?;
            }
        }
        told.answers(&tasks.matches)?;
        for task in &tasks.matches {
            told.dialog(task).map_err(waiting)?;
        }
        let appointments =
            (!named.appointments.is_empty()).then(|| bookings().with("_id", named.appointments.join(",")));
        let appointments = told.found(appointments)?;
        for one in &appointments.matches {
            told.appointment(one, &appointments.included).map_err(waiting)?;
        }
        Ok(told.events)
    }

    fn poll(ctx: InboundContext, cursor: Option<String>, settled: Vec<Settlement>) -> Result<Page, Failure> {
        let refused = settled.iter().filter(|one| matches!(one.disposition, Disposition::Refused(_))).count();
        if refused > 0 {
            // The vendor takes no word of it.
            log::info!("{refused} of the last events were not taken in");
        }
        let mut cursor = Cursor::read(cursor.as_deref());
        let mut budget = Budget::new(ctx.now, ctx.time_left);
        let mut told = Told::new(&ctx, &mut budget);
        let more = told.news(&mut cursor)?;
        Ok(Page { events: told.events, cursor: Some(cursor.written()?), more })
    }
}

/// The ids in a notification. One that tells of nothing (`handshake`, `heartbeat`) has none.
fn named(body: &[u8]) -> Result<Named, Failure> {
    let odd = |why: &str| Failure::faulty(Sent::No, format!("a delivery that {why}"));
    let read: Notification = serde_json::from_slice(body)
        .map_err(|error| odd(&format!("is not a notification (line {}, column {})", error.line(), error.column())))?;
    let status =
        read.entry.into_iter().find_map(|entry| entry.resource).filter(|one| one.resource_type == "Parameters");
    let (Some(status), "Bundle") = (status, read.resource_type.as_str()) else {
        return Err(odd("has no status of a subscription"));
    };
    let kind = status.parameter.iter().find(|one| one.name == "type").and_then(|one| one.value_code.as_deref());
    match kind {
        Some("handshake" | "heartbeat" | "query-status") => return Ok(Named::default()),
        Some("event-notification") => {}
        _ => return Err(odd("notifies of something that is not known")),
    }
    let mut named = Named::default();
    let events = status.parameter.iter().filter(|one| one.name == "notification-event");
    for focus in events.flat_map(|event| &event.part).filter(|part| part.name == "focus") {
        let reference = focus.value_reference.as_ref().ok_or_else(|| odd("has an event about nothing"))?;
        let kinds = [
            ("Task", &mut named.tasks),
            ("Communication", &mut named.communications),
            ("Appointment", &mut named.appointments),
        ];
        let found = kinds.into_iter().find_map(|(kind, ids)| Some((reference.id(kind)?, ids)));
        let (id, ids) = found.ok_or_else(|| odd("has an event about something that is not known"))?;
        if !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }
    if [&named.tasks, &named.communications, &named.appointments].iter().any(|ids| ids.len() > MAX_NOTIFIED) {
        // The searches find them too, page by page.
        return Err(odd("names more than twenty resources of a kind"));
    }
    Ok(named)
}

fn news(kind: &'static str) -> Search {
    Search::of(kind).with("_tag", format!("{}|{ORIGIN}", system("origin")))
}

fn messages() -> Search {
    news("Communication").with("_include", "Communication:part-of").with("_include", "Communication:subject")
}

fn bookings() -> Search {
    news("Appointment").with("_include", "Appointment:patient").with("_include", "Appointment:actor")
}

/// What a notification cannot tell now, the vendor is to deliver again.
fn waiting(trouble: Trouble) -> Failure {
    match trouble {
        Trouble::Wait(failure) => failure,
        Trouble::Odd(why) => Failure::faulty(Sent::No, format!("a resource {why}")),
    }
}

/// The events of one call.
struct Told<'a> {
    ctx: &'a InboundContext,
    budget: &'a mut Budget,
    answers: BTreeMap<String, Value>,
    events: Vec<Event>,
    bytes: usize,
}

/// What a search found that was not taken in, and whether there is more behind it.
struct New {
    resources: Vec<Value>,
    included: Included,
    more: bool,
}

impl<'a> Told<'a> {
    fn new(ctx: &'a InboundContext, budget: &'a mut Budget) -> Self {
        Self { ctx, budget, answers: BTreeMap::new(), events: Vec::new(), bytes: 0 }
    }

    fn found(&mut self, search: Option<Search>) -> Result<Found, Failure> {
        match search {
            Some(search) => search.page(self.budget, Locale::Nb),
            None => Ok(Found { matches: Vec::new(), included: Included::default(), next: None }),
        }
    }

    /// Everything new since the cursor, as much as a call can tell; and whether there is more.
    fn news(&mut self, cursor: &mut Cursor) -> Result<bool, Failure> {
        // In this order, and told in the other.
        let tasks = self.unseen(&news("Task"), &cursor.tasks)?;
        let said = self.unseen(&messages(), &cursor.communications)?;
        for message in &said.resources {
            if self.is_full() {
                return Ok(true);
            }
            if let Err(trouble) = self.message(message, &said.included) {
                return self.stopped(trouble);
            }
            cursor.communications.pass(message);
        }
        if said.more {
            return Ok(true);
        }
        if let Err(failure) = self.answers(&tasks.resources) {
            return self.stopped(Trouble::Wait(failure));
        }
        for task in &tasks.resources {
            if self.is_full() {
                return Ok(true);
            }
            if let Err(trouble) = self.dialog(task) {
                return self.stopped(trouble);
            }
            cursor.tasks.pass(task);
        }
        let booked = match self.unseen(&bookings(), &cursor.appointments) {
            Ok(booked) => booked,
            Err(failure) => return self.stopped(Trouble::Wait(failure)),
        };
        for one in &booked.resources {
            if self.is_full() {
                return Ok(true);
            }
            if let Err(trouble) = self.appointment(one, &booked.included) {
                return self.stopped(trouble);
            }
            cursor.appointments.pass(one);
        }
        Ok(tasks.more || booked.more)
    }

    /// What came before is handed over, and the rest waits for the next call.
    fn stopped(&self, trouble: Trouble) -> Result<bool, Failure> {
        let failure = waiting(trouble);
        if self.events.is_empty() {
            return Err(failure);
        }
        let why = failure.detail();
        log::warn!("something waits, and what is after it: {why}");
        Ok(false)
    }

    /// Resources that were not taken in, oldest first.
    fn unseen(&mut self, search: &Search, place: &Place) -> Result<New, Failure> {
        // Without the overlap where that is full of what was seen.
        for overlap in [OVERLAP, 0] {
            let search = search
                .clone()
                .with("_lastUpdated", format!("ge{}", time::written(place.from(overlap))?))
                .with("_sort", "_lastUpdated")
                .with("_count", PAGE);
            let mut page = search.page(self.budget, Locale::Nb)?;
            for _ in 1..=MAX_PAGES {
                let mut resources = page.matches;
                resources.retain(|one| !place.has_seen(one));
                if !resources.is_empty() || page.next.is_none() {
                    resources.sort_by_key(|one| event::Head::of(one).updated);
                    return Ok(New { resources, included: page.included, more: page.next.is_some() });
                }
                let Some(token) = page.next.take() else { break };
                page = search.next(&token, self.budget, Locale::Nb)?;
            }
        }
        Err(Failure::faulty(Sent::No, "a search for news has pages without an end, and nothing new in them"))
    }

    /// Whether the call can tell no more.
    fn is_full(&self) -> bool {
        const MAX_EVENTS: usize = 90;
        !self.events.is_empty() && (self.events.len() >= MAX_EVENTS || self.bytes > MAX_BYTES || !self.budget.has(1))
    }

    /// Fetches the messages that dialogs ended with.
    fn answers(&mut self, tasks: &[Value]) -> Result<(), Failure> {
        let tasks = tasks.iter().filter_map(|task| Task::read(task).ok());
        let ids: Vec<String> = tasks
            .filter(|task| task.closing().is_some())
            .filter_map(|task| task.answer()?.strip_prefix("Communication/").map(str::to_owned))
            .collect();
        if ids.is_empty() {
            return Ok(());
        }
        let search = news("Communication").with("_id", ids.join(",")).with("_count", "100");
        let found = search.page(self.budget, Locale::Nb)?;
        self.answers.extend(found.matches.into_iter().filter_map(|one| {
            let id = one["id"].as_str()?;
            Some((format!("Communication/{id}"), one))
        }));
        Ok(())
    }

    fn message(&mut self, resource: &Value, included: &Included) -> Result<(), Trouble> {
        let read = event::of_message(self.ctx, resource, included, self.budget);
        self.tell(resource, read)
    }

    fn dialog(&mut self, resource: &Value) -> Result<(), Trouble> {
        let read = event::of_dialog(self.ctx, resource, &self.answers, self.budget);
        self.tell(resource, read)
    }

    fn appointment(&mut self, resource: &Value, included: &Included) -> Result<(), Trouble> {
        let read = event::of_appointment(self.ctx, resource, included);
        self.tell(resource, read)
    }

    /// What cannot be understood is told as that, and holds up nothing.
    fn tell(&mut self, resource: &Value, read: Result<Option<Event>, Trouble>) -> Result<(), Trouble> {
        let told = match read {
            Ok(told) => told,
            Err(Trouble::Odd(why)) => Some(event::unreadable(self.ctx, resource, why).map_err(Trouble::Wait)?),
            Err(wait) => return Err(wait),
        };
        if let Some(event) = told.filter(|event| !self.events.iter().any(|one| one.id == event.id)) {
            self.bytes += feed::weight(&event);
            self.events.push(event);
        }
        Ok(())
    }
}
