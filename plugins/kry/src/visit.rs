//! Written services. The vendor calls a dialog a *visit*; its patient comes first, and both have ids of the vendor's.

use dialog_plugin_sdk::dialogs::{Consultation, ConsultationMode, Dialogs, Opened, Opening};
use dialog_plugin_sdk::{Context, Event, Failure, Message};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::document::{self, Draft, MEDIA_TYPE};
use crate::person::{self, Representative};
use crate::refusal::{Below, Pointers};
use crate::settings::Settings;
use crate::words::Words;
use crate::{Kry, file};

/// Where the attributes of a new visit come from.
const OPENING: &Pointers = &[
    ("subject", "/message/subject", Below::Whole),
    ("text", "/message/text", Below::Whole),
    ("attachments", "/message/attachments", Below::Same),
    ("triage", "/request/form", Below::Same),
];
/// Where the attributes of a further message come from.
const MESSAGE: &Pointers = &[
    ("subject", "/subject", Below::Whole),
    ("text", "/text", Below::Whole),
    ("attachments", "/attachments", Below::Same),
];

/// How a visit is held. One by video begins in writing, and goes on in a meeting.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    Text,
    Image,
    Video,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewVisit<'a> {
    /// The gateway's id of the dialog, so that both sides' operators can speak of the same.
    portal_reference: &'a str,
    mode: Mode,
    #[serde(flatten)]
    message: NewMessage<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    triage: Option<Map<String, Value>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewMessage<'a> {
    /// The vendor names the message by it when it has been filed in the record.
    reference: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    representative: Option<Representative<'a>>,
}

#[derive(Serialize)]
struct Withdraw {
    status: &'static str,
}

impl Dialogs for Kry {
    fn open(ctx: Context, dialog: String, opening: Opening) -> Result<Opened, Failure> {
        let settings: Settings = ctx.settings()?;
        let Opening::Consultation(consultation) = &opening else {
            return Err(Words::NotOffered.declined(ctx.locale));
        };
        let attributes = visit(&ctx, &dialog, consultation)?;
        let patient = person::patient(&ctx)?;
        let related = [settings.unit(), ("patient", "patients", patient.as_str())];
        let draft = Draft { kind: "visits", id: None, attributes, related: &related };
        let body = file::with_files(&draft, &consultation.message.attachments)?;
        let request = document::post("/v1/visits", &ctx.idempotency_key).body(MEDIA_TYPE, body);
        let (_, _, visit) = document::answered(&ctx, request, "visits", OPENING)?;
        Ok(Opened { reference: visit.id, events: Vec::new() })
    }

    fn send(ctx: Context, reference: String, message: Message) -> Result<Vec<Event>, Failure> {
        let attributes = written(&ctx, &message)?;
        let patient = person::patient(&ctx)?;
        let related = [("visit", "visits", reference.as_str()), ("patient", "patients", patient.as_str())];
        let draft = Draft { kind: "messages", id: None, attributes, related: &related };
        let body = file::with_files(&draft, &message.attachments)?;
        let request = document::post("/v1/messages", &ctx.idempotency_key).body(MEDIA_TYPE, body);
        let (answer, _, message) = document::answered(&ctx, request, "messages", MESSAGE)?;
        if message.related_id("visit", "visits") != Some(&reference) {
            return Err(answer.unreadable("is about another visit"));
        }
        Ok(Vec::new())
    }

    fn close(ctx: Context, reference: String) -> Result<Vec<Event>, Failure> {
        let patient = person::patient(&ctx)?;
        let related = [("patient", "patients", patient.as_str())];
        let attributes = Withdraw { status: "withdrawn" };
        let draft = Draft { kind: "visits", id: Some(&reference), attributes, related: &related };
        let request = document::patch("/v1/visits", &reference, &ctx.idempotency_key);
        match document::sent(&ctx, request, &draft, &[]) {
            // What the citizen wants has happened.
            Err(Failure::Conflict(reason)) if reason.code == Words::VisitClosed.code() => Ok(Vec::new()),
            Err(failure) => Err(failure),
            Ok((_, _, visit)) if visit.id == reference => Ok(Vec::new()),
            Ok((answer, ..)) => Err(answer.unreadable("is about another visit")),
        }
    }
}

fn visit<'a>(ctx: &'a Context, dialog: &'a str, consultation: &'a Consultation) -> Result<NewVisit<'a>, Failure> {
    let mode = match consultation.mode {
        ConsultationMode::Text => Mode::Text,
        ConsultationMode::Image => Mode::Image,
        ConsultationMode::Video => Mode::Video,
    };
    // The answers carry the version of the form that they are to: they go as they came.
    let triage = consultation.form.as_deref().map(serde_json::from_str).transpose();
    Ok(NewVisit {
        portal_reference: dialog,
        mode,
        message: written(ctx, &consultation.message)?,
        triage: triage.map_err(|_| Words::FieldRefused.invalid(ctx.locale, "/request/form"))?,
    })
}

fn written<'a>(ctx: &'a Context, message: &'a Message) -> Result<NewMessage<'a>, Failure> {
    Ok(NewMessage {
        reference: &message.id,
        subject: message.subject.as_deref(),
        text: &message.text,
        representative: person::representative(ctx)?,
    })
}
