//! The vendor's portal service, version 3: one address, `POST /portal`; its description at `GET /portal?wsdl`.
//!
//! | operation | does |
//! | --- | --- |
//! | `GetPractice`, `GetForms` | practical information, and the practice's forms |
//! | `FindSlots`, `BookSlot`, `MoveBooking`, `CancelBooking`, `FindBookings` | booking |
//! | `OpenCase`, `AddMessage`, `WithdrawCase` | cases |
//! | `GetEvents`, `ConfirmEvents` | the list of events |
//! | `GetDocument` | a file of a practice's message |

use super::Shared;
use super::case::{Case, CaseState, Message};
use super::grammar::XSD;
use super::manners::MANNERS;
use super::reception::{self, Answered};
use super::request::{self, text};
use super::soap::{self, Fault, Received, VENDOR};
use super::state::{Remembered, State};
use super::{NationalId, practice};
use crate::sim::meldingstjener::tree::Element;
use crate::sim::trouble;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, RawQuery, State as Extract};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;

/// The largest request: ten files of 10 MiB in base64, and some.
const LARGEST_BODY: usize = 150 * 1024 * 1024;

/// The vendor's description of its service.
const WSDL: &str = include_str!("portal.wsdl");

/// Every route.
pub fn router(shared: Arc<Shared>) -> Router {
    let described = get(|query: RawQuery| async move { describe(query) });
    Router::new()
        .route("/portal", post(portal).merge(described))
        .route("/portal.xsd", get(|| async { ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], XSD) }))
        .fallback(nowhere)
        .layer(from_fn_with_state((shared.faults.clone(), MANNERS), trouble::apply))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(shared)
}

fn describe(RawQuery(query): RawQuery) -> Response {
    if query.as_deref().is_some_and(|query| query.eq_ignore_ascii_case("wsdl")) {
        ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], WSDL).into_response()
    } else {
        StatusCode::METHOD_NOT_ALLOWED.into_response()
    }
}

async fn nowhere(Extract(shared): Extract<Arc<Shared>>, method: Method, uri: Uri) -> Response {
    // A path may hold what does not belong there: only its first part is kept.
    let first = uri.path().split('/').nth(1).unwrap_or_default();
    let first: String = first.chars().filter(char::is_ascii_alphabetic).collect();
    shared.with(|state| state.violate(&format!("{method} /{first}"), "no such address"));
    StatusCode::NOT_FOUND.into_response()
}

async fn portal(Extract(shared): Extract<Arc<Shared>>, headers: HeaderMap, uri: Uri, body: Bytes) -> Response {
    let Some(action) = soap::action(&headers) else {
        shared.with(|state| state.violate("POST /portal", "content-type is not application/soap+xml with an action"));
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    };
    let received = match soap::read(&body, action) {
        Ok(received) if uri.query().is_none() => received,
        wrong => {
            let rule = wrong.err().unwrap_or("a query");
            shared.with(|state| state.violate(&plain(action), rule));
            return Fault::sender("BadMessage").response(None);
        }
    };
    let id = received.id.clone();
    match shared.with(|state| answer(&shared, state, &received, &body)) {
        Ok(content) => soap::reply(StatusCode::OK, soap::envelope(content, Some(&id))),
        Err(fault) => fault.response(Some(&id)),
    }
}

/// An action that may be told of.
fn plain(action: &str) -> String {
    let plain = action.len() <= 40 && action.bytes().all(|byte| byte.is_ascii_alphabetic());
    if plain { action.to_owned() } else { "(withheld)".to_owned() }
}

fn answer(shared: &Shared, state: &mut State, received: &Received, raw: &[u8]) -> Answered {
    let content = &received.content;
    let operation = content.name.as_str();
    if let Err((fault, rule)) = state.guard.admit(received.security.as_ref(), raw) {
        state.violate(&plain(operation), rule);
        return Err(fault);
    }
    if let Err(rule) = shared.grammar.check(content) {
        state.violate(&plain(operation), rule);
        return Err(Fault::sender("BadMessage"));
    }
    if let Some(wait) = state.busy {
        return Err(Fault::receiver("Busy", Some(wait)));
    }
    match operation {
        "GetPractice" => practice::information(state, content),
        "GetForms" => practice::forms(state, content),
        "FindSlots" => reception::find(state, content),
        "FindBookings" => reception::coming(state, operation, content),
        "GetEvents" => Ok(events(state, content)),
        "GetDocument" => document(state, content),
        // The answers have elements of their own, which nobody may ask for.
        name if name.ends_with("Response") || name == "Problem" => {
            state.violate(operation, "an answer as a question");
            Err(Fault::sender("BadMessage"))
        }
        _ => once(state, received, operation),
    }
}

/// Does the work once for a `wsa:MessageID`, however often it comes.
fn once(state: &mut State, received: &Received, operation: &str) -> Answered {
    let content = &received.content;
    if let Some(known) = state.remembered.get(&received.id) {
        if known.request == *content {
            return Ok(known.answer.clone());
        }
        state.violate(operation, "a wsa:MessageID was used again with another request");
        return Err(Fault::sender("MessageIdReused"));
    }
    let answer = match operation {
        "BookSlot" => reception::book(state, operation, content),
        "MoveBooking" => reception::change(state, operation, content),
        "CancelBooking" => reception::cancel(state, operation, content),
        "OpenCase" => open(state, operation, content),
        "AddMessage" => add(state, operation, content),
        "WithdrawCase" => withdraw(state, operation, content),
        _ => confirm(state, operation, content),
    }?;
    let remembered = Remembered { request: content.clone(), answer: answer.clone() };
    state.remembered.insert(received.id.clone(), remembered);
    Ok(answer)
}

fn open(state: &mut State, operation: &str, content: &Element) -> Answered {
    let name = text(content, "Practice");
    let subject = request::subject(state, operation, content)?;
    let practice = request::open(state, &name, subject.service())?.name;
    let (citizen, by_proxy) = request::patient(state, operation, &name, content)?;
    let message = request::message(state, operation, content)?;
    if message.is_none() && !matches!(subject, super::Subject::Renewal { .. }) {
        return Err(Fault::field("Text"));
    }
    let number = state.number("S");
    let id = message.as_ref().map(|message| message.id.clone());
    let messages = message.map(|message| from_patient(state, message)).into_iter().collect();
    state.cases.push(Case {
        number: number.clone(),
        practice,
        subject,
        state: CaseState::WithPractice,
        citizen,
        by_proxy,
        portal_ref: content.text_of("PortalRef"),
        doctor: content.text_of("Doctor").and_then(|hpr| hpr.parse().ok()),
        messages,
    });
    file(state, &number, id);
    Ok(one_case(operation, &number))
}

fn add(state: &mut State, operation: &str, content: &Element) -> Answered {
    let number = text(content, "Case");
    let citizen = owner(state, operation, content, &number)?;
    request::proxy(state, operation, content, &citizen)?;
    let Some(message) = request::message(state, operation, content)? else { return Err(Fault::field("Text")) };
    let id = message.id.clone();
    let message = from_patient(state, message);
    let case = state.case(&number).map_err(|_| Fault::sender("UnknownCase"))?;
    case.messages.push(message);
    case.state = CaseState::WithPractice;
    file(state, &number, Some(id));
    Ok(one_case(operation, &number))
}

fn withdraw(state: &mut State, operation: &str, content: &Element) -> Answered {
    let number = text(content, "Case");
    owner(state, operation, content, &number)?;
    state.case(&number).map_err(|_| Fault::sender("UnknownCase"))?.state = CaseState::Withdrawn;
    Ok(one_case(operation, &number))
}

/// Whose an open case is; it must be who is named.
fn owner(state: &mut State, operation: &str, content: &Element, number: &str) -> Result<NationalId, Fault> {
    let case = state.case(number).map_err(|_| Fault::sender("UnknownCase"))?;
    let (citizen, practice, closed) = (case.citizen.clone(), case.practice, case.state.is_closed());
    if request::citizen(state, operation, practice, content)? != citizen {
        state.violate(operation, "a case of another patient's");
        return Err(Fault::sender("UnknownCase"));
    }
    if closed { Err(Fault::sender("CaseClosed")) } else { Ok(citizen) }
}

fn from_patient(state: &State, written: request::Written) -> Message {
    let request::Written { id, subject, text, files } = written;
    let files = files.into_iter().map(|file| (String::new(), file)).collect();
    Message { id, from_patient: true, subject, text, files, author: None, at: state.now() }
}

/// The practice's record system takes a message at once, where it is set up to.
fn file(state: &mut State, number: &str, message: Option<String>) {
    let Some(id) = message else { return };
    let Ok(practice) = state.case(number).map(|case| case.practice) else { return };
    if state.practice(practice).is_ok_and(|practice| practice.files_messages) {
        let what = Element::new(VENDOR, "Filed").field("Case", number).field("MessageId", id);
        state.tell(practice, what);
    }
}

fn one_case(operation: &str, number: &str) -> Element {
    Element::new(VENDOR, &format!("{operation}Response")).field("Case", number)
}

fn events(state: &State, content: &Element) -> Element {
    let after: u64 = text(content, "After").parse().unwrap_or_default();
    let max: usize = text(content, "Max").parse().unwrap_or_default();
    let mut page: Vec<_> = state.events.iter().filter(|event| event.number > after).take(max).collect();
    let last = page.last().map_or(after, |event| event.number);
    if state.muddled {
        page = page.iter().rev().chain(&page).copied().collect();
    }
    let more = state.endless || (last < state.events.len() as u64 && !page.is_empty());
    Element::new(VENDOR, "GetEventsResponse")
        .with_all(page.into_iter().map(|event| event.xml.clone()))
        .field("Last", last.to_string())
        .field("More", more.to_string())
}

fn confirm(state: &mut State, operation: &str, content: &Element) -> Answered {
    let up_to: u64 = text(content, "UpTo").parse().unwrap_or_default();
    if up_to > state.events.len() as u64 || up_to < state.confirmed {
        state.violate(operation, "confirms what there is not, or less than before");
        return Err(Fault::field("UpTo"));
    }
    for refused in content.all("Refused") {
        let number: u64 = text(refused, "Number").parse().unwrap_or_default();
        if number > up_to {
            state.violate(operation, "refuses what is not confirmed");
            return Err(Fault::field("Number"));
        }
        state.refused.insert(number, text(refused, "Reason"));
    }
    state.confirmed = up_to;
    Ok(Element::new(VENDOR, "ConfirmEventsResponse"))
}

fn document(state: &State, content: &Element) -> Answered {
    let file = state.documents.get(&text(content, "Document")).ok_or_else(|| Fault::sender("UnknownDocument"))?;
    Ok(Element::new(VENDOR, "GetDocumentResponse").field("Content", STANDARD.encode(&file.content)))
}
