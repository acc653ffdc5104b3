//! The fields of `Mutation`. Each does its work once for a `clientMutationId`, however often it comes.

use super::NationalId;
use super::graphql::{Refused, missing};
use super::input::{self, AddPost, Confirm, NewThread, Submit, Withdraw};
use super::medication::{self, Rule};
use super::state::{PracticeId, Remembered, State};
use super::survey::{NotTaken, SURVEY};
use super::thread::{Thread, ThreadKind, ThreadState};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

type Resolved = Result<Value, Refused>;

/// Does what a field says.
pub fn resolve(state: &mut State, field: &str, arguments: &Value) -> Resolved {
    let input = &arguments["input"];
    match field {
        "confirmChanges" => {
            let read = input::read(state, field, input)?;
            confirm(state, field, read)
        }
        "openThread" => once(state, field, input, open),
        "addPost" => once(state, field, input, add_post),
        "withdrawThread" => once(state, field, input, withdraw),
        "submitSurvey" => once(state, field, input, submit),
        _ => Err(Refused::new("INTERNAL_SERVER_ERROR")),
    }
}

fn once<T: DeserializeOwned>(
    state: &mut State,
    field: &str,
    input: &Value,
    work: fn(&mut State, &str, T) -> Resolved,
) -> Resolved {
    let id = input["clientMutationId"].as_str().unwrap_or_default().to_owned();
    let visible = !id.is_empty() && id.len() <= 128 && id.bytes().all(|byte| byte.is_ascii_graphic());
    input::hold(state, field, visible, "clientMutationId is not 1 to 128 visible characters")?;
    let request = (field.to_owned(), input.clone());
    if let Some(known) = state.remembered.get(&id) {
        if known.request == request {
            return Ok(known.answer.clone());
        }
        state.violate(field, "a clientMutationId was used again with another input");
        return Err(Refused::new("CLIENT_MUTATION_ID_REUSED"));
    }
    let read = input::read(state, field, input)?;
    let answer = work(state, field, read)?;
    state.remembered.insert(id, Remembered { request, answer: answer.clone() });
    Ok(answer)
}

fn open(state: &mut State, field: &str, new: NewThread) -> Resolved {
    input::patient(state, field, &new.practice, &new.patient)?;
    input::on_behalf(state, field, &new.patient.national_id, new.on_behalf.as_ref())?;
    input::fits(state, field, &new)?;
    let documents = input::documents(state, field, new.documents)?;
    let today = state.today();
    let practice = state.practice(&new.practice).map_err(|_| Refused::new("PRACTICE_NOT_FOUND"))?;
    if practice.off.contains(&new.kind) {
        return Err(Refused::new("SERVICE_OFF"));
    }
    let (id, citizen) = (practice.id, practice.citizen(&new.patient.national_id));
    let items = new.items.unwrap_or_default();
    // The practice's rule holds also where somebody did not ask for it.
    let taken = citizen.map(|citizen| medication::of(citizen, today)).unwrap_or_default();
    let barred = items.iter().enumerate().filter(|(_, item)| {
        taken.iter().any(|medication| medication.id == item.key && medication.rule != Rule::Renewable)
    });
    let barred: Vec<String> = barred.map(|(position, _)| format!("/items/{position}")).collect();
    if !barred.is_empty() {
        return Err(Refused::fields("RENEWAL_NOT_ALLOWED", barred));
    }
    if let Some(asked) = &new.sick_note {
        practice.sick_notes.may_renew(&new.patient.national_id, asked, today)?;
    }
    let portal_message = new.post.as_ref().map(|post| post.portal_message.to_string());
    let post =
        new.post.map(|post| state.post(Some(post.portal_message.to_string()), post.title, post.text, documents, None));
    let thread = Thread {
        id: state.number("T"),
        practice: id,
        kind: new.kind,
        state: ThreadState::WithPractice,
        citizen: new.patient.national_id,
        on_behalf: new.on_behalf.is_some(),
        portal_dialog: Some(new.portal_dialog.to_string()),
        doctor: new.doctor,
        purpose: new.purpose,
        items,
        degree: new.sick_note.map(|asked| asked.degree),
        posts: post.into_iter().collect(),
    };
    state.threads.push(thread.clone());
    filed(state, id, &thread, portal_message);
    answered(state, &thread, new.client_mutation_id)
}

fn add_post(state: &mut State, field: &str, new: AddPost) -> Resolved {
    input::on_behalf(state, field, &new.patient, new.on_behalf.as_ref())?;
    input::written(&new.post)?;
    let thread = open_thread(state, field, &new.thread, &new.patient)?;
    let barred = thread.kind == ThreadKind::Renewal && !new.documents.is_empty();
    input::hold(state, field, !barred, "documents do not go with RENEWAL")?;
    let documents = input::documents(state, field, new.documents)?;
    let message = new.post.portal_message.to_string();
    let post = state.post(Some(message.clone()), new.post.title, new.post.text, documents, None);
    let thread = change(state, &new.thread, |thread| {
        thread.posts.push(post);
        thread.state = ThreadState::WithPractice;
    })?;
    filed(state, thread.practice, &thread, Some(message));
    answered(state, &thread, new.client_mutation_id)
}

fn withdraw(state: &mut State, field: &str, wanted: Withdraw) -> Resolved {
    open_thread(state, field, &wanted.thread, &wanted.patient)?;
    let thread = change(state, &wanted.thread, |thread| thread.state = ThreadState::Withdrawn)?;
    answered(state, &thread, wanted.client_mutation_id)
}

fn submit(state: &mut State, field: &str, wanted: Submit) -> Resolved {
    input::known(state, field, &wanted.practice, &wanted.patient)?;
    if wanted.survey != SURVEY {
        return Err(Refused::new("SURVEY_NOT_FOUND"));
    }
    let practice = state.practice(&wanted.practice).map_err(|_| Refused::new("PRACTICE_NOT_FOUND"))?;
    match practice.survey.take(&wanted.patient, &wanted.answers) {
        Ok(()) => Ok(json!({ "clientMutationId": wanted.client_mutation_id, "accepted": true })),
        Err(NotTaken::Closed) => Err(Refused::new("SURVEY_CLOSED")),
        Err(NotTaken::Answered) => Err(Refused::new("SURVEY_ANSWERED")),
        Err(NotTaken::Wrong(rule)) => Err(input::broken(state, field, rule)),
    }
}

fn confirm(state: &mut State, field: &str, Confirm { through, refused }: Confirm) -> Resolved {
    let there = (state.confirmed..=state.changes.len() as u64).contains(&through);
    input::hold(state, field, there, "through is a change that there is not, or before the last confirmed")?;
    let within = refused.iter().all(|one| one.number <= through && !one.reason.is_empty());
    input::hold(state, field, within, "refuses a change after through, or without a reason")?;
    state.confirmed = through;
    state.refused.extend(refused.into_iter().map(|one| (one.number, one.reason)));
    Ok(json!({ "through": through }))
}

/// The thread, where it is open and this citizen's.
fn open_thread(state: &mut State, field: &str, id: &str, citizen: &NationalId) -> Result<Thread, Refused> {
    input::hold(state, field, citizen.is_valid(), "a NationalId is none")?;
    let thread = state.thread(id).ok().filter(|thread| thread.citizen == *citizen);
    let thread = thread.ok_or(Refused::new("THREAD_NOT_FOUND"))?;
    if thread.state.is_closed() { Err(Refused::new("THREAD_CLOSED")) } else { Ok(thread.clone()) }
}

fn change(state: &mut State, id: &str, change: impl FnOnce(&mut Thread)) -> Result<Thread, Refused> {
    let thread = state.thread(id).map_err(|_| Refused::new("THREAD_NOT_FOUND"))?;
    change(thread);
    Ok(thread.clone())
}

/// Tells that a patient's post is in the record system, where the practice files at once.
fn filed(state: &mut State, practice: PracticeId, thread: &Thread, message: Option<String>) {
    let files = state.practice(practice).is_ok_and(|practice| practice.files_posts);
    if let Some(message) = message.filter(|_| files) {
        state.tell(practice, "PostFiled", json!({ "thread": thread.json(), "portalMessage": message }));
    }
}

fn answered(state: &mut State, thread: &Thread, id: String) -> Resolved {
    let mut shown = thread.json();
    if !state.practice(thread.practice).is_ok_and(|practice| practice.states_known) {
        shown["state"] = missing("RECORD_SYSTEM_SILENT");
    }
    Ok(json!({ "clientMutationId": id, "thread": shown }))
}
