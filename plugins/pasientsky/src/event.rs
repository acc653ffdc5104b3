//! What the clinic did, as events of the contract.
//!
//! Resources are read as they are now, never as a notification says they were: their order and their repetition are
//! harmless. The id of an event names what happened once (a message, the end of a dialog) or a version (an appointment).
//!
//! A dialog's end is told by its Task alone, with the message that ended it; other messages are told as of an open dialog,
//! and before its end. So nothing is written in a dialog that the gateway holds for closed.

use std::collections::BTreeMap;

use dialog_plugin_sdk::inbound::{InboundContext, ServedOffice};
use dialog_plugin_sdk::text::clip;
use dialog_plugin_sdk::{
    AppointmentChange, AppointmentChangeKind, Closing, DialogMessage, DialogStatus, Event, EventBody, Failure, Instant,
    Locale, OfficeOpening, Receipt, ReceiptOutcome, Refusal, RenewalAnswer, Sent, Service, StatusChange, TestResults,
    Unreadable, attachments, ids, log,
};
use serde_json::Value;

use crate::ask::Budget;
use crate::calendar::{Booked, Standing};
use crate::fhir::bundle::Included;
use crate::fhir::element::{id_of, is_id};
use crate::fhir::time;
use crate::person::Known;
use crate::said::{Communication, Task};
use crate::settings::Settings;
use crate::{renewal, report, written};

/// The tag of what the clinic did, and not the portal.
pub const ORIGIN: &str = "clinic";
/// Characters of a reason, by the contract.
const MAX_REASON: usize = 2_000;
/// Characters of a record system's words, by the contract.
const MAX_REFUSAL: usize = 500;
/// Characters of a record system's code, by the contract.
const MAX_CODE: usize = 32;

/// Why a resource cannot be understood. Never its content.
pub type Odd = &'static str;

/// Why a resource became no event.
#[derive(Debug)]
pub enum Trouble {
    /// It cannot be understood.
    Odd(Odd),
    /// It cannot be told now, and perhaps later.
    Wait(Failure),
}

impl From<Odd> for Trouble {
    fn from(odd: Odd) -> Self {
        Self::Odd(odd)
    }
}

/// Which version of which resource, and since when; where that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// `Task/t-1/3`; where there is no such, a digest of the whole.
    pub key: String,
    /// Below which an event of this version is known.
    version: Option<String>,
    /// `meta.lastUpdated`.
    pub updated: Option<Instant>,
}

impl Head {
    /// Of any resource.
    #[must_use]
    pub fn of(resource: &Value) -> Self {
        let text = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str);
        let parts = [text("/resourceType"), text("/id"), text("/meta/versionId")];
        let updated = text("/meta/lastUpdated").and_then(time::instant);
        match parts {
            [Some(kind), Some(id), Some(version)] if [kind, id, version].into_iter().all(is_id) => Self {
                key: format!("{kind}/{id}/{version}"),
                version: Some(format!("{}-{id}-{version}", kind.to_ascii_lowercase())),
                updated,
            },
            _ => Self {
                key: format!("odd-{}", ids::derived("resource", &[&resource.to_string()])),
                version: None,
                updated,
            },
        }
    }

    fn event(&self) -> &str {
        self.version.as_deref().unwrap_or(&self.key)
    }
}

/// What a message is to the contract. None where it tells nothing: it is on its way, or its dialog's end tells it.
///
/// # Errors
/// It cannot be understood, or not told now.
pub fn of_message(
    ctx: &InboundContext,
    resource: &Value,
    included: &Included,
    budget: &mut Budget,
) -> Result<Option<Event>, Trouble> {
    let head = Head::of(resource);
    let said = Communication::read(resource)?;
    let occurred = head.updated.ok_or("has no time of its version")?;
    let Some(office) = said.office() else { return Ok(of_the_citizens(&said, occurred)?) };
    match said.status.as_str() {
        "completed" => {}
        // What was shown stays shown: messages never change.
        "entered-in-error" | "preparation" | "in-progress" | "stopped" | "on-hold" | "not-done" | "unknown" => {
            log::info!("a message of an office's that is not one to be read is passed over");
            return Ok(None);
        }
        _ => return Err("has a status that is not known".into()),
    }
    let id = format!("communication-{}", said.id);
    let Some(dialog) = said.part_of.first() else {
        let office = served(ctx, office).ok_or("is of an office without an agreement")?;
        if let Some(observations) = report::of(&said)? {
            let results = TestResults {
                dialog: said.reference(),
                office: office.office.her_id,
                citizen: patient(&said.subject.reference, included)?.identity(),
                message: said.message(ctx.now, budget)?,
                observations,
                reply_allowed: false,
            };
            return Ok(Some(Event { id, occurred, body: EventBody::Results(results) }));
        }
        let opening = OfficeOpening {
            dialog: said.reference(),
            office: office.office.her_id,
            citizen: patient(&said.subject.reference, included)?.identity(),
            service: Service::Inquiry,
            message: said.message(ctx.now, budget)?,
            reply_allowed: false,
        };
        return Ok(Some(Event { id, occurred, body: EventBody::Opened(opening) }));
    };
    let task = included.get(&dialog.reference).ok_or("came without its dialog")?;
    let task = Task::read(task).map_err(|_| "came with a dialog that cannot be understood")?;
    let body = if said.opens(&task) {
        let office = task.owner.id("HealthcareService").and_then(|office| served(ctx, office));
        EventBody::Opened(OfficeOpening {
            dialog: task.reference(),
            office: office.ok_or("is of an office without an agreement")?.office.her_id,
            citizen: patient(&said.subject.reference, included)?.identity(),
            service: task.service().ok_or("is about nothing that is known")?,
            message: said.message(ctx.now, budget)?,
            reply_allowed: true,
        })
    } else if task.closing().is_some() && task.answer() == Some(said.reference().as_str()) {
        return Ok(None);
    } else {
        EventBody::Message(DialogMessage {
            dialog: task.reference(),
            message: said.message(ctx.now, budget)?,
            status: task.open(),
            redirect: None,
        })
    };
    Ok(Some(Event { id, occurred, body }))
}

/// What became of a message of the citizen's.
fn of_the_citizens(said: &Communication, occurred: Instant) -> Result<Option<Event>, Odd> {
    let (what, outcome) = match said.status.as_str() {
        "completed" => ("filed", ReceiptOutcome::Delivered),
        "not-done" => {
            let reason = said.status_reason.clone().unwrap_or_default();
            let code = reason.coding.first().map(|one| one.code.as_str()).unwrap_or_default();
            let code = if code.is_empty() || code.chars().any(char::is_control) { "-" } else { code };
            let text = written(reason.text.as_deref(), MAX_REFUSAL).unwrap_or_else(|| "-".to_owned());
            let refusal = Refusal { code: clip(code, MAX_CODE), text, resendable: false };
            ("rejected", ReceiptOutcome::Refused(vec![refusal]))
        }
        "preparation" | "in-progress" | "on-hold" | "stopped" | "unknown" | "entered-in-error" => return Ok(None),
        _ => return Err("has a status that is not known"),
    };
    let dialog = said.part_of.first().and_then(|dialog| dialog.id("Task")).ok_or("is a citizen's, and of no dialog")?;
    let receipt = Receipt {
        dialog: format!("Task/{dialog}"),
        message: said.portals().ok_or("is a citizen's, and none of the portal's")?,
        outcome,
    };
    let id = format!("communication-{}-{what}", said.id);
    Ok(Some(Event { id, occurred, body: EventBody::Receipt(receipt) }))
}

/// The end of a dialog. None where it goes on: where it stands is told with each message.
///
/// # Errors
/// It cannot be understood, or not told now.
pub fn of_dialog(
    ctx: &InboundContext,
    resource: &Value,
    answers: &BTreeMap<String, Value>,
    budget: &mut Budget,
) -> Result<Option<Event>, Trouble> {
    let head = Head::of(resource);
    let task = Task::read(resource)?;
    let occurred = head.updated.ok_or("has no time of its version")?;
    let Some(closing) = task.closing() else { return Ok(None) };
    let answer = match task.answer() {
        None => None,
        Some(reference) => {
            let answer = answers.get(reference).ok_or("names an answer that is not there")?;
            let answer = Communication::read(answer).map_err(|_| "names an answer that cannot be understood")?;
            if answer.part_of.first().and_then(|dialog| dialog.id("Task")) != Some(task.id.as_str())
                || answer.office().is_none()
            {
                return Err("names an answer of another dialog, or one of the citizen's".into());
            }
            // One that the dialog began with is told as its opening.
            Some(answer).filter(|answer| !answer.opens(&task))
        }
    };
    let decisions = renewal::decisions(&task.contained, &task.output)?;
    let (dialog, status) = (task.reference(), DialogStatus::Closed(closing));
    let message = answer.map(|answer| answer.message(ctx.now, budget)).transpose()?;
    let body = match message {
        message if !decisions.is_empty() => EventBody::Renewal(RenewalAnswer { dialog, decisions, message, status }),
        Some(message) => {
            let redirect = task.instead().filter(|_| closing == Closing::Redirected);
            EventBody::Message(DialogMessage { dialog, message, status, redirect })
        }
        None => {
            let reason = task.status_reason.as_ref().and_then(|reason| written(reason.text.as_deref(), MAX_REASON));
            EventBody::Status(StatusChange { dialog, status, reason })
        }
    };
    Ok(Some(Event { id: format!("task-{}-closed", task.id), occurred, body }))
}

/// What the clinic did with an appointment. None where it says nothing to the citizen.
///
/// # Errors
/// It cannot be understood.
pub fn of_appointment(ctx: &InboundContext, resource: &Value, included: &Included) -> Result<Option<Event>, Trouble> {
    let head = Head::of(resource);
    let booked = serde_json::from_value::<Booked>(resource.clone()).map_err(|_| "is of another shape")?;
    let occurred = head.updated.ok_or("has no time of its version")?;
    let kind = match booked.standing()? {
        Standing::Other => return Ok(None),
        Standing::Cancelled => AppointmentChangeKind::Cancelled,
        Standing::Booked if resource["meta"]["versionId"] == "1" => AppointmentChangeKind::Booked,
        Standing::Booked => AppointmentChangeKind::Moved,
    };
    let office = booked.actors("HealthcareService").find_map(|office| served(ctx, id_of(office, "HealthcareService")?));
    let office = office.ok_or("is of an office without an agreement")?.office.her_id;
    let mut patients = booked.actors("Patient");
    let reference = patients.next().filter(|_| patients.next().is_none()).ok_or("is not of one patient")?;
    let change = AppointmentChange {
        dialog: None,
        office,
        citizen: patient(reference, included)?.identity(),
        kind,
        appointment: booked.appointment(included, Locale::Nb)?,
        text: booked.cancelation_reason.as_ref().and_then(|reason| written(reason.text.as_deref(), MAX_REASON)),
    };
    Ok(Some(Event { id: head.event().to_owned(), occurred, body: EventBody::Appointment(change) }))
}

/// Keeps what cannot be understood for the operator.
///
/// # Errors
/// The gateway cannot keep it now.
pub fn unreadable(ctx: &InboundContext, resource: &Value, why: Odd) -> Result<Event, Failure> {
    let head = Head::of(resource);
    let known = ["Appointment", "Communication", "Task"];
    let kind = resource["resourceType"].as_str().filter(|kind| known.contains(kind)).unwrap_or("resource");
    let raw =
        serde_json::to_vec(resource).map_err(|_| Failure::faulty(Sent::No, "a resource that has no form in JSON"))?;
    log::warn!("a {kind} {why}: it is kept for the operator");
    let raw = attachments::create("resource.json", "application/octet-stream", &raw)?;
    let office = ["/owner/reference", "/sender/reference"]
        .iter()
        .find_map(|pointer| served(ctx, id_of(resource.pointer(pointer)?.as_str()?, "HealthcareService")?))
        .map(|served| served.office.her_id);
    Ok(Event {
        id: format!("{}-unreadable", head.event()),
        occurred: head.updated.unwrap_or(ctx.now),
        body: EventBody::Unreadable(Unreadable { office, reason: format!("A {kind} at PasientSky {why}."), raw }),
    })
}

fn served<'a>(ctx: &'a InboundContext, healthcare_service: &str) -> Option<&'a ServedOffice> {
    let of = |one: &&ServedOffice| {
        one.settings::<Settings>().is_ok_and(|settings| settings.healthcare_service == healthcare_service)
    };
    ctx.offices.iter().find(of)
}

fn patient(reference: &str, included: &Included) -> Result<Known, Odd> {
    let patient = included.get(reference).ok_or("came without its patient")?;
    Known::of(patient).ok_or("is about nobody with a national identity number")
}
