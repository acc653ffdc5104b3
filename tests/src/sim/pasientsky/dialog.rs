//! Dialogs, as the portal opens them and writes in them.

use super::codes::{Kind, Origin, Service, concept};
use super::outcome::Refused;
use super::resource::{NewCommunication, NewTask};
use super::rules::{self, Content, addressed, identified, rule};
use super::state::{State, closed};
use super::write::{Written, existing, known, remember};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Opens a dialog: a Task, and with it its first message. All or nothing.
pub fn transaction(state: &mut State, route: &str, bundle: &Value) -> Result<Vec<Written>, Refused> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let shaped = bundle["resourceType"] == "Bundle" && bundle["type"] == "transaction";
    let posts = |entry: &Value, kind: &str| {
        entry["request"]["method"] == "POST"
            && entry["request"]["url"] == kind
            && entry["resource"]["resourceType"] == kind
    };
    let (task_entry, message_entry) = match entries.as_slice() {
        [task] => (task, None),
        [task, message] => (task, Some(message)),
        _ => return rule(state, route, false, "a transaction of other than one or two entries").map(|()| Vec::new()),
    };
    let fits = shaped && posts(task_entry, "Task") && message_entry.is_none_or(|entry| posts(entry, "Communication"));
    rule(state, route, fits, "a transaction that does not create a Task and its first Communication")?;
    let condition = |entry: &Value| entry["request"]["ifNoneExist"].as_str().map(str::to_owned);

    let task: NewTask = rules::read(state, route, &task_entry["resource"])?;
    let known_task = existing(
        state,
        route,
        Kind::Task,
        (condition(task_entry).as_deref(), &task.identifier),
        &task_entry["resource"],
    )?;
    if let Some(task) = known_task {
        let mut written = vec![task];
        if let Some(entry) = message_entry {
            let message: NewCommunication = rules::read(state, route, &entry["resource"])?;
            let named = (condition(entry), &entry["resource"]);
            written.extend(existing(
                state,
                route,
                Kind::Communication,
                (named.0.as_deref(), &message.identifier),
                named.1,
            )?);
        }
        return Ok(written);
    }
    let service = checked(state, route, &task, message_entry.is_some())?;
    let message = match message_entry {
        None => None,
        Some(entry) => {
            let message: NewCommunication = rules::read(state, route, &entry["resource"])?;
            let of_the_task = matches!(message.part_of.as_slice(), [one] if one.reference == task_entry["fullUrl"]);
            let same = message.subject.reference == task.patient.reference
                && message.sender.reference == task.requester.reference
                && message.in_response_to.is_empty();
            rule(state, route, of_the_task && same, "the first message is not of its dialog")?;
            let named = (condition(entry), &entry["resource"]);
            let before =
                existing(state, route, Kind::Communication, (named.0.as_deref(), &message.identifier), named.1)?;
            rule(state, route, before.is_none(), "the first message is one of another dialog")?;
            let content = composed(state, route, &message, service, &task.owner.reference)?;
            Some((entry, message, content))
        }
    };

    // From here on nothing is refused.
    let id = state.number("t");
    let mut body = task_entry["resource"].clone();
    if let Some(elements) = body.as_object_mut() {
        elements.remove("resourceType");
        elements.insert("businessStatus".to_owned(), concept("stand", "with-clinic"));
    }
    state.put(Kind::Task, &id, body, Origin::Portal);
    remember(state, Kind::Task, &task.identifier, &id, &task_entry["resource"]);
    let mut written = vec![Written { kind: Kind::Task, id: id.clone(), created: true }];
    if let Some((entry, message, content)) = message {
        written.push(keep(state, &id, &message, content, &entry["resource"]));
    }
    Ok(written)
}

/// Checks a new dialog; gives its service.
fn checked(state: &mut State, route: &str, task: &NewTask, has_message: bool) -> Result<Service, Refused> {
    identified(state, route, &task.identifier, &["request", "portal-dialog"])?;
    let service = task.code.code("service").and_then(Service::of);
    let fits = task.status == "requested" && task.intent == "proposal" && service.is_some();
    rule(state, route, fits, "Task: not requested, no proposal, or of no service that there is")?;
    let service = service.unwrap_or(Service::Inquiry);
    let patient = known(state, &task.patient.reference, &task.owner.reference)?;
    let represented = rules::representative(state, route, &task.contained, &task.patient.reference)?;
    let requester = if represented { "#representative" } else { task.patient.reference.as_str() };
    rule(state, route, task.requester.reference == requester, "requester is neither the patient nor who acts")?;
    let mut ids = Vec::new();
    for one in task.contained.iter().filter(|one| one["resourceType"] != "RelatedPerson") {
        ids.push(format!("#{}", rules::wanted(state, route, one, &task.patient.reference)?.id));
    }
    let inputs: Vec<&str> = task.input.iter().map(|input| input.value_reference.reference.as_str()).collect();
    let typed = task.input.iter().all(|input| input.kind.code("task-part") == Some("renew"));
    let mut distinct = ids.clone();
    distinct.sort();
    distinct.dedup();
    rule(
        state,
        route,
        inputs == ids && typed && distinct.len() == ids.len(),
        "input does not name each MedicationRequest",
    )?;
    let renewal = service == Service::Renewal;
    rule(
        state,
        route,
        renewal == (1..=20).contains(&ids.len()),
        "one to twenty items go with a renewal, and with nothing else",
    )?;
    rule(state, route, renewal || has_message, "a dialog without a message")?;
    let off = state.clinic(&patient.clinic).is_ok_and(|clinic| clinic.off.contains(&service));
    if off { Err(Refused::forbidden("service-off")) } else { Ok(service) }
}

/// Checks what any message of a patient's must be.
fn composed(
    state: &mut State,
    route: &str,
    message: &NewCommunication,
    service: Service,
    clinic: &str,
) -> Result<Content, Refused> {
    identified(state, route, &message.identifier, &["portal-message"])?;
    let category = matches!(message.category.as_slice(), [one] if one.code("service") == Some(service.code()));
    let fits = message.status == "in-progress" && category && addressed(&message.recipient, clinic);
    rule(state, route, fits, "Communication: not in progress, of another service, or to somebody else")?;
    let represented = rules::representative(state, route, &message.contained, &message.subject.reference)?;
    let sender = if represented { "#representative" } else { message.subject.reference.as_str() };
    rule(state, route, message.sender.reference == sender, "sender is neither the patient nor who acts")?;
    if let Some(topic) = &message.topic {
        let heading = topic.text.as_deref().unwrap_or_default();
        if heading.trim().is_empty() || heading.chars().count() > 120 {
            return Err(Refused::value("Communication.topic"));
        }
    }
    rules::payload(state, route, message.payload.clone())
}

/// Keeps a message of a patient's, and files it.
fn keep(state: &mut State, task: &str, message: &NewCommunication, content: Content, value: &Value) -> Written {
    let (text, files) = content;
    let id = state.number("c");
    let mut payload = vec![json!({ "contentString": text })];
    for (sent, bytes) in files {
        let file = state.number("b");
        payload.push(json!({ "contentAttachment": {
            "contentType": sent.content_type, "title": sent.title, "url": format!("Binary/{file}"), "size": bytes.len(),
        } }));
        state.files.insert(file, (sent.content_type, bytes));
    }
    let mut body = value.clone();
    if let Some(elements) = body.as_object_mut() {
        elements.remove("resourceType");
        elements.insert("partOf".to_owned(), json!([{ "reference": format!("Task/{task}") }]));
        elements.insert("payload".to_owned(), json!(payload));
    }
    state.put(Kind::Communication, &id, body, Origin::Portal);
    remember(state, Kind::Communication, &message.identifier, &id, value);
    let clinic = state.patient(&message.subject.reference).map(|patient| patient.clinic.clone());
    let files_messages = clinic.is_some_and(|clinic| state.clinic(&clinic).is_ok_and(|one| one.files_messages));
    if files_messages {
        let now = state.now();
        state.amend(Kind::Communication, &id, Origin::Clinic, |body| {
            body["status"] = json!("completed");
            body["received"] = json!(now);
        });
    }
    Written { kind: Kind::Communication, id, created: true }
}

/// A further message in a dialog.
pub fn message(state: &mut State, route: &str, condition: Option<&str>, value: &Value) -> Result<Written, Refused> {
    let message: NewCommunication = rules::read(state, route, value)?;
    if let Some(known) = existing(state, route, Kind::Communication, (condition, &message.identifier), value)? {
        return Ok(known);
    }
    let [part_of] = message.part_of.as_slice() else {
        return Err(rule(state, route, false, "a message of no dialog, or of several")
            .err()
            .unwrap_or(Refused::bad("rule")));
    };
    let task = state.referred(&part_of.reference).filter(|task| task.kind == Kind::Task).cloned();
    let task = task.filter(|task| task.refers("/for", &message.subject.reference));
    let task = task.ok_or(Refused::unknown("unknown-task"))?;
    if task.text("/status").is_some_and(closed) {
        return Err(Refused::conflict("task-closed"));
    }
    let clinic = task.text("/owner/reference").unwrap_or_default().to_owned();
    known(state, &message.subject.reference, &clinic)?;
    let service = task.code("code").and_then(Service::of).unwrap_or(Service::Inquiry);
    let content = composed(state, route, &message, service, &clinic)?;
    let latest = state
        .of(Kind::Communication)
        .filter(|one| one.refers("/partOf", &task.reference()) && one.text("/sender/reference") == Some(&clinic))
        .max_by_key(|one| one.text("/sent").and_then(|sent| sent.parse::<Timestamp>().ok()))
        .map(super::Record::reference);
    let answers = message.in_response_to.iter().map(|one| one.reference.as_str());
    let fits = answers.eq(latest.as_deref());
    rule(state, route, fits, "inResponseTo is not the clinic's latest message")?;
    let written = keep(state, &task.id, &message, content, value);
    state.amend(Kind::Task, &task.id, Origin::Portal, |body| body["businessStatus"] = concept("stand", "with-clinic"));
    Ok(written)
}
