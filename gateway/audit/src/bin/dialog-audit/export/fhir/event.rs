//! A record as an AuditEvent.

use base64::prelude::{BASE64_STANDARD, Engine};
use dialog_audit::records::{Deed, Record, deed};
use serde_json::{Value, json};
use uuid::Uuid;

use super::coding;

/// HL7 Norway: whose data it is about.
const PATIENT_EXTENSION: &str = "http://hl7.no/fhir/StructureDefinition/auditevent-patient-extension";

/// What happened, as FHIR sees it.
struct Happening<'a> {
    record: &'a Record,
    origin: &'a str,
    index: u64,
    deed: Deed,
    /// `0` well, `4` refused, `8` failed.
    outcome: &'static str,
}

/// An entry of the bundle; none where the record says no time.
pub(super) fn of(origin: &str, index: u64, record: &Record) -> Option<Value> {
    let time = record.time()?;
    let deed = match record.kind() {
        // What a provider had to say to somebody, whether it was brought or fetched.
        "delivery" if record.text("/dialog").is_some() => Deed::Create,
        "intent" | "outcome" | "delivery" | "permission-refused" => deed(record.action()),
        _ => Deed::Other,
    };
    let happening = Happening { record, origin, index, deed, outcome: outcome(record) };
    // The same for the same entry of the same log, whoever exports it and whenever.
    let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("https://{origin}#{index}").as_bytes());
    let mut event = json!({ "resourceType": "AuditEvent", "id": id });
    if let Some(profile) = happening.profile() {
        event["meta"] = json!({ "profile": [profile] });
    }
    if let Some(citizen) = record.text("/citizen") {
        event["contained"] = json!([
            { "resourceType": "Patient", "id": "patient", "identifier": [happening.pseudonym(citizen)] }
        ]);
        event["extension"] = json!([{ "url": PATIENT_EXTENSION, "valueReference": { "reference": "#patient" } }]);
    }
    let (kind, subtype, action) = happening.kind();
    event["type"] = kind;
    if let Some(subtype) = subtype {
        event["subtype"] = json!([subtype]);
    }
    event["action"] = json!(action);
    event["recorded"] = json!(time.to_string());
    event["outcome"] = json!(happening.outcome);
    if let Some(problem) = record.text("/outcome/problem") {
        event["outcomeDesc"] = json!(problem);
    }
    event["purposeOfEvent"] = json!([happening.purpose()]);
    event["agent"] = happening.agents();
    event["source"] = json!({
        "site": origin,
        "observer": { "identifier": { "value": origin } },
        "type": [coding::application_server()],
    });
    event["entity"] = happening.entities();
    Some(json!({ "fullUrl": format!("urn:uuid:{id}"), "resource": event }))
}

fn outcome(record: &Record) -> &'static str {
    match record.outcome() {
        Some((Some(500..), _)) => "8",
        Some((Some(400..=499), _)) => "4",
        Some((Some(_), None)) => "0",
        _ if record.kind().ends_with("-refused") => "4",
        Some((_, Some(_))) => "8",
        _ => "0",
    }
}

impl Happening<'_> {
    fn profile(&self) -> Option<String> {
        // Of what went otherwise the profiles say nothing: they have outcome 0 alone.
        if self.outcome != "0" || self.record.kind() == "intent" {
            return None;
        }
        let deed = match self.deed {
            Deed::Create => "Create",
            Deed::Read => "Read",
            Deed::Search(_) => "Query",
            Deed::Update => "Update",
            Deed::Other => return None,
        };
        let patient = if self.record.text("/citizen").is_some() { "Patient" } else { "" };
        Some(format!("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.{patient}{deed}"))
    }

    /// Type, subtype, action.
    fn kind(&self) -> (Value, Option<Value>, &'static str) {
        match (self.record.kind(), self.deed) {
            ("token-refused", _) => (coding::user_authentication(), None, "E"),
            ("start", _) => (coding::application_activity(), Some(coding::application_start()), "E"),
            ("stop", _) => (coding::application_activity(), Some(coding::application_stop()), "E"),
            (_, Deed::Create) => (coding::rest(), Some(coding::interaction("create")), "C"),
            (_, Deed::Read) => (coding::rest(), Some(coding::interaction("read")), "R"),
            (_, Deed::Search(_)) => (coding::rest(), Some(coding::interaction("search-type")), "E"),
            (_, Deed::Update) => (coding::rest(), Some(coding::interaction("update")), "U"),
            ("outcome" | "permission-refused", Deed::Other) => (coding::rest(), None, "E"),
            (_, Deed::Other) => (coding::application_activity(), None, "E"),
        }
    }

    fn purpose(&self) -> Value {
        match self.record.text("/actor/role") {
            Some("citizen") => coding::patient_request(),
            Some("portal") if self.record.text("/citizen").is_some() => coding::patient_request(),
            Some("provider") => coding::treatment(),
            _ if self.record.kind() == "delivery" => coding::treatment(),
            _ => coding::operations(),
        }
    }

    fn pseudonym(&self, pseudonym: &str) -> Value {
        json!({ "system": format!("urn:dialog:pseudonym:{}", self.origin), "value": pseudonym })
    }

    /// Client and server, and the person who acted where there was one. The log knows no network addresses of callers,
    /// so the client's is its name.
    fn agents(&self) -> Value {
        let client = self.record.text("/actor/client").filter(|client| !client.is_empty()).unwrap_or("unknown");
        // The data's direction: it goes to who reads, and comes from who asks or writes.
        let (at_client, at_server) = match self.deed {
            Deed::Read => (coding::destination_role(), coding::source_role()),
            Deed::Other => (coding::application(), coding::application()),
            _ => (coding::source_role(), coding::destination_role()),
        };
        let mut agents = vec![
            json!({
                "type": at_client,
                "who": { "identifier": { "value": client } },
                "requestor": false,
                "network": { "address": format!("urn:dialog:client:{client}"), "type": "5" },
            }),
            json!({
                "type": at_server,
                "who": { "identifier": { "value": self.origin } },
                "requestor": false,
                "network": { "address": format!("https://{}", self.origin), "type": "5" },
            }),
        ];
        if let Some(person) = self.record.text("/actor/person") {
            let role = match self.deed {
                Deed::Create | Deed::Update => coding::author(),
                _ => coding::recipient(),
            };
            agents.push(json!({
                "type": role,
                "who": { "identifier": self.pseudonym(person) },
                "requestor": true,
                "purposeOfUse": [self.purpose()],
            }));
        }
        Value::Array(agents)
    }

    fn entities(&self) -> Value {
        let record = self.record;
        let mut entities = Vec::new();
        match self.deed {
            Deed::Search(route) => entities.push(json!({
                "type": coding::system_object(),
                "role": coding::query(),
                "query": BASE64_STANDARD.encode(route),
            })),
            // What was read or written, where it has a name; else the request that did it.
            _ => entities.extend(record.text("/dialog").or(record.text("/request")).map(|what| {
                json!({
                    "what": { "identifier": { "system": "urn:ietf:rfc:3986", "value": format!("urn:uuid:{what}") } },
                    "type": coding::system_object(),
                    "role": coding::domain_resource(),
                })
            })),
        }
        if let Some(citizen) = record.text("/citizen") {
            entities.push(json!({
                "what": { "type": "Patient", "identifier": self.pseudonym(citizen) },
                "type": coding::person(),
                "role": coding::patient_role(),
            }));
        }
        if let Some(request) = record.text("/request") {
            entities.push(json!({ "what": { "identifier": { "value": request } }, "type": coding::request_id() }));
        }
        if let Some(trace) = record.text("/traceId") {
            entities.push(json!({
                "what": { "identifier": { "system": "urn:w3c:traceparent", "value": trace } },
                "type": coding::other(),
            }));
        }
        let detail = |kind: &str, value: &str| json!({ "type": kind, "valueString": value });
        if let Some(plugin) = record.text("/call/plugin") {
            let details: Vec<Value> = ["version", "digest", "contract", "grant", "interface", "function"]
                .into_iter()
                .filter_map(|name| Some(detail(name, record.text(&format!("/call/{name}"))?)))
                .collect();
            let mut entity = json!({ "type": coding::other(), "name": plugin });
            if !details.is_empty() {
                entity["detail"] = json!(details);
            }
            entities.push(entity);
        }
        if let Some(problem) = record.text("/outcome/problem") {
            entities
                .push(json!({ "type": coding::other(), "name": "problem", "detail": [detail("problem", problem)] }));
        }
        let mut details = vec![
            detail("origin", self.origin),
            detail("index", &self.index.to_string()),
            detail("kind", record.kind()),
            detail("action", record.action()),
        ];
        // FHIR has no empty texts.
        details.retain(|detail| detail["valueString"] != "");
        entities.push(json!({ "type": coding::other(), "name": "record of the audit log", "detail": details }));
        Value::Array(entities)
    }
}
