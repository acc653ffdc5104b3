//! Written services. The vendor calls a dialog a *Task*, and a message in it a *Communication*.
//!
//! A dialog is opened with one transaction: the Task, and its first message. Each has an identifier of the request's, so
//! that a repeated request is answered with what is there.

use dialog_plugin_sdk::dialogs::{Consultation, ConsultationMode, Dialogs, Opened, Opening, Renewal, RenewalItem};
use dialog_plugin_sdk::upstream::{Body, Response};
use dialog_plugin_sdk::{Context, Event, Failure, Locale, Message, ids};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ask::{self, Budget, Next, Search, Want};
use crate::event::ORIGIN;
use crate::fhir::element::{Concept, HPR, Identifier, Reference, id_of, naming, system};
use crate::fhir::time;
use crate::person::{self, Patient, RelatedPerson};
use crate::refusal::{FILES, Pointers};
use crate::renewal::{self, Input, Wanted};
use crate::settings::Settings;
use crate::words::Words;
use crate::{Pasientsky, file};

/// Where the elements of a new dialog come from.
const OPENING: &Pointers = &[
    (FILES, "/message/attachments"),
    ("Communication.payload[0]", "/message/text"),
    ("Communication.topic", "/message/subject"),
    ("Task.contained", "/request/items"),
];
/// Where the elements of a further message come from.
const MESSAGE: &Pointers =
    &[(FILES, "/attachments"), ("Communication.payload[0]", "/text"), ("Communication.topic", "/subject")];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Task<'a> {
    resource_type: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contained: Vec<Contained<'a>>,
    /// Of the request, and the gateway's of the dialog, so that both sides' operators can speak of the same.
    identifier: [Identifier; 2],
    status: &'static str,
    intent: &'static str,
    code: Concept,
    #[serde(rename = "for")]
    patient: Reference,
    requester: Reference,
    owner: Reference,
    authored_on: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    input: Vec<Input>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Contained<'a> {
    Person(RelatedPerson<'a>),
    Wanted(Wanted<'a>),
}

/// All of a message but its payload, which streams past the plugin.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Communication<'a> {
    resource_type: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contained: Vec<RelatedPerson<'a>>,
    /// The gateway's of the message: the vendor names the message by it when it has been filed in the record.
    identifier: [Identifier; 1],
    part_of: [Reference; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    in_response_to: Vec<Reference>,
    status: &'static str,
    category: [Concept; 1],
    subject: Reference,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<Concept>,
    recipient: Vec<Recipient>,
    sender: Reference,
    sent: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Recipient {
    Office(Reference),
    Doctor {
        #[serde(rename = "type")]
        kind: &'static str,
        identifier: Identifier,
    },
}

/// How one entry of a transaction is carried out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Carried<'a> {
    method: &'static str,
    url: &'a str,
    if_none_exist: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    #[serde(rename = "type")]
    kind: String,
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    response: Done,
}

#[derive(Deserialize)]
struct Done {
    status: String,
    location: String,
}

/// What a dialog is about, in the vendor's words.
#[derive(Clone, Copy)]
enum Service {
    Consultation,
    Inquiry,
    Renewal,
}

impl Service {
    fn concept(self) -> Concept {
        let code = match self {
            Self::Consultation => "consultation",
            Self::Inquiry => "inquiry",
            Self::Renewal => "renewal",
        };
        Concept::of("service", code)
    }
}

impl Dialogs for Pasientsky {
    fn open(ctx: Context, dialog: String, opening: Opening) -> Result<Opened, Failure> {
        let (service, message, items) = understood(&ctx, &opening)?;
        let settings: Settings = ctx.settings()?;
        let mut budget = Budget::of(&ctx);
        let patient = person::patient(&ctx, &mut budget)?;
        let (task, first) = (uuid("task", &ctx.idempotency_key), uuid("first", &ctx.idempotency_key));
        let (person, requester) = person::acting(&ctx, &patient)?;
        let (wanted, input) = renewal::wanted(items, &patient);
        let task_resource = Task {
            resource_type: "Task",
            contained: person
                .map(Contained::Person)
                .into_iter()
                .chain(wanted.into_iter().map(Contained::Wanted))
                .collect(),
            identifier: [named("request", uuid("request", &ctx.idempotency_key)), named("portal-dialog", urn(&dialog))],
            status: "requested",
            intent: "proposal",
            code: service.concept(),
            patient: Reference::to(&patient.reference),
            requester,
            owner: Reference::to(settings.reference()),
            authored_on: time::written(ctx.now)?,
            input,
        };
        let mut body = Body::new().text(r#"{"resourceType":"Bundle","type":"transaction","entry":["#);
        body = entry(body, &task, "Task", &task_resource.identifier[0])?.text(json(&task_resource)?).text("}");
        if let Some(message) = message {
            let communication = communication(&ctx, &patient, &settings, message, (&task, service.concept()), None)?;
            body = entry(body.text(","), &first, "Communication", &communication.identifier[0])?;
            body = with_payload(body, &communication, message, ctx.locale)?.text("}");
        }
        let answer = ask::transaction(body.text("]}"), &mut budget, (ctx.locale, OPENING))?;
        let reference = format!("Task/{}", opened(&answer, 1 + usize::from(message.is_some()))?);
        Ok(Opened { reference, events: Vec::new() })
    }

    fn send(ctx: Context, reference: String, message: Message) -> Result<Vec<Event>, Failure> {
        let task = task_of(&ctx, &reference)?;
        let settings: Settings = ctx.settings()?;
        let mut budget = Budget::of(&ctx);
        let patient = person::patient(&ctx, &mut budget)?;
        // The latest of the office's, which this one answers; with it comes the dialog.
        let latest = Search::of("Communication")
            .with("_tag", format!("{}|{ORIGIN}", system("origin")))
            .with("part-of", format!("Task/{task}"))
            .with("_sort", "-sent")
            .with("_count", "50");
        let latest = latest.page(&mut budget, ctx.locale)?.matches;
        let latest = latest.iter().find(|one| of_the_office(one)).and_then(|one| one["id"].as_str());
        let service = service_of(&ctx, task, &patient, &mut budget)?;
        let part_of = format!("Task/{task}");
        let answers = latest.map(|id| Reference::to(format!("Communication/{id}")));
        let communication = communication(&ctx, &patient, &settings, &message, (&part_of, service), answers)?;
        let Identifier { system, value } = &communication.identifier[0];
        let identifier = format!("{system}|{value}");
        let body = with_payload(Body::new(), &communication, &message, ctx.locale)?;
        ask::create("Communication", &identifier, body, Want::Nothing, &mut budget, (ctx.locale, MESSAGE))?;
        Ok(Vec::new())
    }

    fn close(ctx: Context, reference: String) -> Result<Vec<Event>, Failure> {
        let task = task_of(&ctx, &reference)?;
        let mut budget = Budget::of(&ctx);
        let patient = person::patient(&ctx, &mut budget)?;
        let taken_back = ask::update(("Task", task), &mut budget, (ctx.locale, &[]), |task| {
            if task["for"]["reference"] != patient.reference.as_str() {
                return Err(Words::UnknownTask.not_found(ctx.locale));
            }
            if task["status"].as_str().is_some_and(is_final) {
                return Ok(Next::Stands);
            }
            task["status"] = "cancelled".into();
            Ok(Next::Write)
        });
        match taken_back {
            // What the citizen wants has happened.
            Err(Failure::Conflict(reason)) if reason.code == Words::TaskClosed.code() => Ok(Vec::new()),
            Err(failure) => Err(failure),
            Ok((task, answer)) if !task["status"].as_str().is_some_and(is_final) => {
                Err(answer.unreadable("holds a dialog that is still open"))
            }
            Ok(_) => Ok(Vec::new()),
        }
    }
}

/// What is opened, in the vendor's words; before anything is sent.
fn understood<'a>(
    ctx: &Context,
    opening: &'a Opening,
) -> Result<(Service, Option<&'a Message>, &'a [RenewalItem]), Failure> {
    const NOTHING: &[RenewalItem] = &[];
    match opening {
        Opening::Consultation(Consultation { form: Some(_), .. }) => {
            Err(Words::NoForm.invalid(ctx.locale, "/request/form"))
        }
        Opening::Consultation(Consultation {
            mode: ConsultationMode::Text | ConsultationMode::Image, message, ..
        }) => Ok((Service::Consultation, Some(message), NOTHING)),
        Opening::Inquiry(inquiry) => Ok((Service::Inquiry, Some(&inquiry.message), NOTHING)),
        Opening::PrescriptionRenewal(Renewal { items, message }) => {
            Ok((Service::Renewal, message.as_ref(), items.as_slice()))
        }
        Opening::Consultation(_)
        | Opening::AppointmentRequest(_)
        | Opening::AppointmentChange(_)
        | Opening::AppointmentCancel(_)
        | Opening::SickNoteRenewal(_)
        | Opening::Certificate(_)
        | Opening::Collegial(_) => Err(Words::NotOffered.declined(ctx.locale)),
    }
}

/// The id of the Task that the contract's reference names. A one-way message has none.
fn task_of<'a>(ctx: &Context, reference: &'a str) -> Result<&'a str, Failure> {
    if id_of(reference, "Communication").is_some() {
        return Err(Words::OneWay.declined(ctx.locale));
    }
    id_of(reference, "Task").ok_or_else(|| Words::UnknownTask.not_found(ctx.locale))
}

fn of_the_office(communication: &Value) -> bool {
    communication["sender"]["reference"].as_str().is_some_and(|sender| sender.starts_with("HealthcareService/"))
}

/// What an open dialog of the patient's is about.
fn service_of(ctx: &Context, id: &str, patient: &Patient, budget: &mut Budget) -> Result<Concept, Failure> {
    let (task, answer) = ask::read(("Task", id), budget, ctx.locale)?;
    if task["for"]["reference"] != patient.reference.as_str() {
        return Err(Words::UnknownTask.not_found(ctx.locale));
    }
    let code = Concept::deserialize(&task["code"]).ok();
    let code = code.as_ref().and_then(|code| code.code("service"));
    code.map(|code| Concept::of("service", code))
        .ok_or_else(|| answer.unreadable("holds a dialog about nothing that is known"))
}

/// Whether a Task's status is one that it ends with.
#[must_use]
pub fn is_final(status: &str) -> bool {
    matches!(status, "completed" | "rejected" | "cancelled" | "failed" | "entered-in-error")
}

fn communication<'a>(
    ctx: &'a Context,
    patient: &Patient,
    settings: &Settings,
    message: &'a Message,
    (part_of, service): (&str, Concept),
    answers: Option<Reference>,
) -> Result<Communication<'a>, Failure> {
    let (person, sender) = person::acting(ctx, patient)?;
    let doctor = ctx.clinician.as_ref().map(|clinician| Recipient::Doctor {
        kind: "Practitioner",
        identifier: Identifier { system: HPR.to_owned(), value: clinician.hpr_number.to_string() },
    });
    Ok(Communication {
        resource_type: "Communication",
        contained: person.into_iter().collect(),
        identifier: [named("portal-message", urn(&message.id))],
        part_of: [Reference::to(part_of)],
        in_response_to: answers.into_iter().collect(),
        status: "in-progress",
        category: [service],
        subject: Reference::to(&patient.reference),
        topic: message.subject.as_deref().filter(|text| !text.trim().is_empty()).map(Concept::words),
        recipient: std::iter::once(Recipient::Office(Reference::to(settings.reference()))).chain(doctor).collect(),
        sender,
        sent: time::written(ctx.now)?,
    })
}

/// A message with its text and its files.
fn with_payload(
    body: Body,
    communication: &Communication<'_>,
    message: &Message,
    locale: Locale,
) -> Result<Body, Failure> {
    let object = json(communication)?;
    let open = object.strip_suffix('}').ok_or_else(ask::unwritable)?;
    // The vendor wants words; a picture may come without.
    let text = if message.text.trim().is_empty() { Words::SeeFiles.text(locale) } else { &message.text };
    let body = body.text(open).text(r#","payload":[{"contentString":"#).text(json(text)?).text("}");
    Ok(file::attached(body, &message.attachments)?.text("]}"))
}

/// The beginning of an entry of a transaction, up to its resource.
fn entry(body: Body, full_url: &str, kind: &str, identifier: &Identifier) -> Result<Body, Failure> {
    let if_none_exist = format!("identifier={}|{}", identifier.system, identifier.value);
    let request = json(&Carried { method: "POST", url: kind, if_none_exist })?;
    let body = body.text(r#"{"fullUrl":"#).text(json(full_url)?).text(r#","request":"#).text(request);
    Ok(body.text(r#","resource":"#))
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|_| ask::unwritable())
}

fn named(system: &str, value: String) -> Identifier {
    Identifier { system: naming(system), value }
}

fn urn(uuid: &str) -> String {
    format!("urn:uuid:{uuid}")
}

fn uuid(kind: &str, key: &str) -> String {
    urn(&ids::derived(kind, &[key]).to_string())
}

/// The id of the Task that a transaction opened, or had opened before.
fn opened(answer: &Response, entries: usize) -> Result<String, Failure> {
    let Answered { kind, entry } = answer.json()?;
    let done = |one: &Entry| one.response.status.starts_with("20");
    if kind != "transaction-response" || entry.len() != entries || !entry.iter().all(done) {
        return Err(answer.unreadable("does not say that everything of the transaction was done"));
    }
    let task = entry.first().and_then(|one| id_of(&one.response.location, "Task"));
    task.map(str::to_owned).ok_or_else(|| answer.unreadable("does not say which Task was opened"))
}
