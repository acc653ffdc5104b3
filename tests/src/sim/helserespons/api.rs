//! The vendor's API, version 2.
//!
//! | route | does |
//! | --- | --- |
//! | `GET /v2/clinics/{clinic}/openings?from&to&doctor` | free openings, at most 500 |
//! | `POST /v2/clinics/{clinic}/bookings` | books an opening |
//! | `POST /v2/clinics/{clinic}/bookings/search` | a patient's bookings; the number stands in the body, never in a URL |
//! | `POST /v2/bookings/{no}/move`, `.../cancel` | moves or cancels a booking |
//! | `POST /v2/clinics/{clinic}/medications/search` | a patient's medications with the clinic's rule for each |
//! | `POST /v2/clinics/{clinic}/cases` | opens a case |
//! | `POST /v2/cases/{no}/entries`, `.../cancel` | writes in a case, takes it back |
//! | `POST /v2/cases/{no}/room/enter`, `.../leave` | a link into a case's meeting room; out of it |
//! | `POST /v2/clinics/{clinic}/consults` | a clinician elsewhere asks one of the clinic's |
//! | `POST /v2/consults/{no}/entries`, `.../end` | writes in a consult, ends it |
//! | `POST /v2/clinics/{clinic}/fees/search` | what a patient owes |
//! | `POST /v2/fees/{no}/pay` | opens a payment page |
//! | `POST /v2/clinics/{clinic}/patients/digital` | whether a patient can be written to |
//! | `GET /v2/changes?after&max` | the feed |
//! | `POST /v2/changes/ack` | confirms changes |
//! | `GET /v2/files/{id}` | a file of a clinic's entry |

use super::calendar::instant;
use super::case::{Case, CaseState, CaseType};
use super::manners::MANNERS;
use super::request::{self, Ack, Book, Cancel, Digital, NewCase, NewEntry, PayFee, Refused, Search};
use super::room::{self, Room};
use super::state::{Remembered, State};
use super::{NationalId, Shared, consult, medication};
use crate::sim::trouble;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State as Extract};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The largest request: ten files of 10 MiB in base64, and some.
const LARGEST_BODY: usize = 150 * 1024 * 1024;
/// Openings in one answer.
const MAX_OPENINGS: usize = 500;
/// Changes in one page.
const MAX_CHANGES: usize = 100;

pub(super) type Shares = Extract<Arc<Shared>>;
pub(super) type Answered = Result<(StatusCode, Value), Refused>;

/// Every route.
pub fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v2/clinics/{clinic}/openings", get(openings))
        .route("/v2/clinics/{clinic}/bookings", post(book))
        .route("/v2/clinics/{clinic}/bookings/search", post(bookings))
        .route("/v2/bookings/{no}/move", post(move_booking))
        .route("/v2/bookings/{no}/cancel", post(cancel_booking))
        .route("/v2/clinics/{clinic}/medications/search", post(medications))
        .route("/v2/clinics/{clinic}/cases", post(open_case))
        .route("/v2/cases/{no}/entries", post(write_entry))
        .route("/v2/cases/{no}/cancel", post(withdraw))
        .route("/v2/cases/{no}/room/enter", post(room::enter))
        .route("/v2/cases/{no}/room/leave", post(room::leave))
        .route("/v2/clinics/{clinic}/consults", post(consult::open))
        .route("/v2/consults/{no}/entries", post(consult::write))
        .route("/v2/consults/{no}/end", post(consult::end))
        .route("/v2/clinics/{clinic}/fees/search", post(fees))
        .route("/v2/fees/{no}/pay", post(pay))
        .route("/v2/clinics/{clinic}/patients/digital", post(digital))
        .route("/v2/changes", get(changes))
        .route("/v2/changes/ack", post(ack))
        .route("/v2/files/{id}", get(file))
        .fallback(nowhere)
        .layer(from_fn_with_state(Arc::clone(&shared), check))
        .layer(from_fn_with_state((shared.faults.clone(), MANNERS), trouble::apply))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(shared)
}

/// What every request must have: the key, a media type, and no person in the URL.
async fn check(Extract(shared): Shares, request: Request, next: Next) -> Response {
    let route = format!("{} {}", request.method(), plain(request.uri()));
    if has_number(request.uri()) {
        shared.with(|state| state.violate(&route, "eleven digits in a URL"));
        return Refused::new(StatusCode::BAD_REQUEST, "PERSON_IN_URL").into_response();
    }
    let key = request.headers().get("x-api-key");
    if !shared.look(|state| state.key_known) || key.is_none_or(|key| key.as_bytes() != shared.key.as_bytes()) {
        shared.with(|state| state.violate(&route, "no or another key in x-api-key"));
        return Refused::new(StatusCode::UNAUTHORIZED, "KEY").into_response();
    }
    if request.method() == Method::POST && !is_json(request.headers()) {
        shared.with(|state| state.violate(&route, "content-type is not application/json"));
        return Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "MEDIA_TYPE").into_response();
    }
    next.run(request).await
}

async fn nowhere(Extract(shared): Shares, method: Method, uri: Uri) -> Response {
    shared.with(|state| state.violate(&format!("{method} {}", plain(&uri)), "no such route"));
    Refused::unknown("NO_SUCH_ROUTE").into_response()
}

/// A path without what looks like a person.
fn plain(uri: &Uri) -> String {
    if has_number(uri) { "(withheld)".to_owned() } else { uri.path().to_owned() }
}

fn has_number(uri: &Uri) -> bool {
    let text = uri.to_string();
    let mut run = 0;
    text.bytes().chain([b' ']).any(|byte| {
        if byte.is_ascii_digit() {
            run += 1;
            return false;
        }
        std::mem::take(&mut run) == 11
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

pub(super) fn answer(result: Answered) -> Response {
    match result {
        Ok((status, Value::Null)) => status.into_response(),
        Ok((status, body)) => (status, Json(body)).into_response(),
        Err(refused) => refused.into_response(),
    }
}

/// Does the work once for a `requestId`, however often it comes.
pub(super) fn once(
    state: &mut State,
    route: &str,
    (id, body): (&str, &[u8]),
    work: impl FnOnce(&mut State) -> Answered,
) -> Answered {
    request::request_id(state, route, id)?;
    let request = [route.as_bytes(), b"\n", body].concat();
    if let Some(known) = state.remembered.get(id) {
        if known.request == request {
            let status = StatusCode::from_u16(known.status).unwrap_or(StatusCode::OK);
            return Ok((status, known.answer.clone()));
        }
        state.violate(route, "a requestId was used again with another request");
        return Err(Refused::conflict("REQUEST_ID_REUSED"));
    }
    let (status, answer) = work(state)?;
    let remembered = Remembered { request, status: status.as_u16(), answer: answer.clone() };
    state.remembered.insert(id.to_owned(), remembered);
    Ok((status, answer))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Span {
    from: Timestamp,
    to: Timestamp,
    #[serde(default)]
    doctor: Option<u32>,
}

async fn openings(
    Extract(shared): Shares,
    Path(clinic): Path<String>,
    query: Result<Query<Span>, axum::extract::rejection::QueryRejection>,
) -> Response {
    const ROUTE: &str = "GET openings";
    answer(shared.with(|state| {
        let Ok(Query(span)) = query else {
            state.violate(ROUTE, "from, to or doctor is missing, wrong or unknown");
            return Err(Refused::new(StatusCode::BAD_REQUEST, "QUERY"));
        };
        if span.from >= span.to || span.to.duration_since(span.from).as_hours() > 31 * 24 {
            state.violate(ROUTE, "from is not before to, or they are over 31 days apart");
            return Err(Refused::new(StatusCode::BAD_REQUEST, "QUERY"));
        }
        let now = state.now();
        let clinic = state.clinic(&clinic).map_err(|_| Refused::unknown("UNKNOWN_CLINIC"))?;
        let free = clinic.calendar.free(span.from.max(now), span.to, span.doctor).take(MAX_OPENINGS);
        let openings: Vec<Value> = free.map(super::Slot::json).collect();
        Ok((StatusCode::OK, json!({ "openings": openings })))
    }))
}

async fn book(Extract(shared): Shares, Path(name): Path<String>, body: Bytes) -> Response {
    const ROUTE: &str = "POST bookings";
    answer(shared.with(|state| {
        let wanted: Book = request::read(state, ROUTE, &body)?;
        once(state, &format!("{ROUTE} {name}"), (&wanted.request_id, &body), |state| {
            request::patient(state, ROUTE, &name, &wanted.patient)?;
            request::on_behalf(state, ROUTE, &wanted.patient.ssn, wanted.on_behalf.as_ref())?;
            let slot = take(state, &name, &wanted)?;
            let booking = state
                .booked(&name, &wanted.patient.ssn, slot, wanted.note.clone())
                .map_err(|_| Refused::unknown("UNKNOWN_CLINIC"))?;
            Ok((StatusCode::CREATED, booking))
        })
    }))
}

/// Takes the opening that is wanted, where it is as the patient saw it.
fn take(state: &mut State, clinic: &str, wanted: &Book) -> Result<super::Slot, Refused> {
    if wanted.note.as_ref().is_some_and(|note| note.chars().count() > 1_000) {
        return Err(Refused::field("/note"));
    }
    let calendar = &mut state.clinic(clinic).map_err(|_| Refused::unknown("UNKNOWN_CLINIC"))?.calendar;
    let slot = calendar.slots().iter().find(|slot| slot.id == wanted.opening);
    if slot.is_some_and(|slot| instant(slot.begins) != wanted.begins) {
        return Err(Refused::conflict("OPENING_CHANGED"));
    }
    calendar.take(&wanted.opening).ok_or(Refused::conflict("OPENING_TAKEN"))
}

async fn move_booking(Extract(shared): Shares, Path(no): Path<String>, body: Bytes) -> Response {
    const ROUTE: &str = "POST move";
    answer(shared.with(|state| {
        let wanted: Book = request::read(state, ROUTE, &body)?;
        once(state, &format!("{ROUTE} {no}"), (&wanted.request_id, &body), |state| {
            let clinic = booking_clinic(state, &no, &wanted.patient.ssn)?;
            request::patient(state, ROUTE, clinic, &wanted.patient)?;
            let slot = take(state, clinic, &wanted)?;
            let calendar = &mut state.clinic(clinic).map_err(|_| Refused::unknown("UNKNOWN_CLINIC"))?.calendar;
            let booking = calendar.booking(&no).ok_or(Refused::unknown("UNKNOWN_BOOKING"))?;
            let old = std::mem::replace(&mut booking.slot, slot);
            let booking = booking.clone();
            calendar.give_back(&old.id);
            Ok((StatusCode::OK, calendar.json(&booking)))
        })
    }))
}

async fn cancel_booking(Extract(shared): Shares, Path(no): Path<String>, body: Bytes) -> Response {
    const ROUTE: &str = "POST cancel of a booking";
    answer(shared.with(|state| {
        let wanted: Cancel = request::read(state, ROUTE, &body)?;
        once(state, &format!("{ROUTE} {no}"), (&wanted.request_id, &body), |state| {
            request::number(state, ROUTE, &wanted.ssn)?;
            if wanted.reason.as_ref().is_some_and(|reason| reason.chars().count() > 1_000) {
                return Err(Refused::field("/reason"));
            }
            let clinic = booking_clinic(state, &no, &wanted.ssn)?;
            let calendar = &mut state.clinic(clinic).map_err(|_| Refused::unknown("UNKNOWN_CLINIC"))?.calendar;
            let booking = calendar.booking(&no).ok_or(Refused::unknown("UNKNOWN_BOOKING"))?;
            booking.cancelled = true;
            let booking = booking.clone();
            calendar.give_back(&booking.slot.id);
            Ok((StatusCode::OK, calendar.json(&booking)))
        })
    }))
}

/// The clinic of a booking that stands, is this citizen's and may still be changed.
fn booking_clinic(state: &mut State, no: &str, citizen: &NationalId) -> Result<&'static str, Refused> {
    let clinic = state.clinic_of_booking(no).ok_or(Refused::unknown("UNKNOWN_BOOKING"))?;
    let (name, late) = (clinic.name, clinic.late);
    let booking = clinic.calendar.booking(no).filter(|booking| booking.citizen == *citizen);
    let booking = booking.ok_or(Refused::unknown("UNKNOWN_BOOKING"))?;
    if booking.cancelled {
        return Err(Refused::conflict("BOOKING_CANCELLED"));
    }
    if late { Err(Refused::forbidden("TOO_LATE")) } else { Ok(name) }
}

async fn bookings(Extract(shared): Shares, Path(name): Path<String>, body: Bytes) -> Response {
    const ROUTE: &str = "POST bookings/search";
    answer(shared.with(|state| {
        let search: Search = request::read(state, ROUTE, &body)?;
        request::known(state, ROUTE, &name, &search.ssn)?;
        let from = search.from.unwrap_or_else(|| state.now());
        let calendar = &state.clinic(&name).map_err(|_| Refused::unknown("UNKNOWN_CLINIC"))?.calendar;
        let bookings: Vec<Value> =
            calendar.coming(&search.ssn, from).into_iter().map(|booking| calendar.json(booking)).collect();
        Ok((StatusCode::OK, json!({ "bookings": bookings })))
    }))
}

async fn medications(Extract(shared): Shares, Path(name): Path<String>, body: Bytes) -> Response {
    const ROUTE: &str = "POST medications/search";
    answer(shared.with(|state| {
        let search: Search = request::read(state, ROUTE, &body)?;
        if search.from.is_some() {
            state.violate(ROUTE, "from is no member of this search");
        }
        request::known(state, ROUTE, &name, &search.ssn)?;
        let today = state.today();
        let clinic = state.clinic(&name).map_err(|_| Refused::unknown("UNKNOWN_CLINIC"))?;
        let citizen = clinic.citizen(&search.ssn).ok_or(Refused::unknown("UNKNOWN_PATIENT"))?;
        Ok((StatusCode::OK, json!({ "medications": medication::of(citizen, today) })))
    }))
}

async fn fees(Extract(shared): Shares, Path(name): Path<String>, body: Bytes) -> Response {
    const ROUTE: &str = "POST fees/search";
    answer(shared.with(|state| {
        let search: Search = request::read(state, ROUTE, &body)?;
        if search.from.is_some() {
            state.violate(ROUTE, "from is no member of this search");
        }
        request::known(state, ROUTE, &name, &search.ssn)?;
        let owed = |fee: &&super::Fee| fee.clinic == name && fee.citizen == search.ssn && !fee.paid;
        let fees: Vec<Value> = state.fees.iter().filter(owed).map(super::Fee::json).collect();
        Ok((StatusCode::OK, json!({ "fees": fees })))
    }))
}

async fn pay(Extract(shared): Shares, Path(no): Path<String>, body: Bytes) -> Response {
    const ROUTE: &str = "POST pay";
    answer(shared.with(|state| {
        let wanted: PayFee = request::read(state, ROUTE, &body)?;
        once(state, &format!("{ROUTE} {no}"), (&wanted.request_id, &body), |state| {
            request::number(state, ROUTE, &wanted.ssn)?;
            if !wanted.return_url.starts_with("https://") {
                state.violate(ROUTE, "returnUrl is no absolute https URL");
                return Err(Refused::new(StatusCode::BAD_REQUEST, "MEMBERS"));
            }
            let fee = state.fees.iter().find(|fee| fee.fee_no == no && fee.citizen == wanted.ssn);
            if fee.ok_or(Refused::unknown("UNKNOWN_FEE"))?.paid {
                return Err(Refused::conflict("FEE_PAID"));
            }
            if state.open_payment(&no).is_some() {
                return Err(Refused::conflict("FEE_OPEN"));
            }
            let pay = state.begin_payment(&no, wanted.return_url.clone());
            let body = json!({ "payNo": pay.pay_no, "page": pay.page(), "expires": pay.expires });
            Ok((StatusCode::CREATED, body))
        })
    }))
}

async fn digital(Extract(shared): Shares, Path(name): Path<String>, body: Bytes) -> Response {
    const ROUTE: &str = "POST patients/digital";
    answer(shared.with(|state| {
        let told: Digital = request::read(state, ROUTE, &body)?;
        once(state, &format!("{ROUTE} {name}"), (&told.request_id, &body), |state| {
            request::known(state, ROUTE, &name, &told.ssn)?;
            state.digital.push((told.ssn.clone(), told.digital));
            Ok((StatusCode::NO_CONTENT, Value::Null))
        })
    }))
}

async fn open_case(Extract(shared): Shares, Path(name): Path<String>, body: Bytes) -> Response {
    const ROUTE: &str = "POST cases";
    answer(shared.with(|state| {
        let new: NewCase = request::read(state, ROUTE, &body)?;
        let id = new.request_id.clone();
        once(state, &format!("{ROUTE} {name}"), (&id, &body), |state| {
            let case_no = opened(state, ROUTE, &name, new)?;
            Ok((StatusCode::CREATED, json!({ "caseNo": case_no, "state": CaseState::WithClinic })))
        })
    }))
}

fn opened(state: &mut State, route: &str, name: &str, new: NewCase) -> Result<String, Refused> {
    request::patient(state, route, name, &new.patient)?;
    request::on_behalf(state, route, &new.patient.ssn, new.on_behalf.as_ref())?;
    fits(state, route, &new)?;
    let files = request::files(state, route, new.files)?;
    if new.mode == Some(request::Mode::Image) && files.is_empty() {
        state.violate(route, "an e-consultation by picture without a picture");
    }
    let clinic = state.clinic(name).map_err(|_| Refused::unknown("UNKNOWN_CLINIC"))?;
    if clinic.off.contains(&new.kind) {
        return Err(Refused::forbidden("SERVICE_OFF"));
    }
    let (clinic, files_entries) = (clinic.name, clinic.files_entries);
    let mut entry = state.entry(true, new.heading, new.body.unwrap_or_default(), files, None);
    entry.entry_id = new.entry_id.map(|id| id.to_string());
    let case_no = state.number("H");
    let filed = entry.entry_id.clone().filter(|_| files_entries);
    state.cases.push(Case {
        case_no: case_no.clone(),
        clinic,
        kind: new.kind,
        state: CaseState::WithClinic,
        citizen: new.patient.ssn,
        on_behalf: new.on_behalf.is_some(),
        portal_ref: Some(new.portal_ref.to_string()),
        doctor: new.doctor,
        mode: new.mode.map(|mode| mode.word().to_owned()),
        purpose: new.purpose,
        booking_no: new.booking_no,
        wishes: new.wishes.iter().map(|wish| (wish.from, wish.to)).collect(),
        lines: new.lines,
        room: (new.mode == Some(request::Mode::Video)).then(Room::default),
        entries: vec![entry],
    });
    if let Some(entry_id) = filed {
        state.tell(clinic, "ENTRY_FILED", json!({ "caseNo": case_no, "entryId": entry_id }));
    }
    Ok(case_no)
}

/// Each type has its own members, and no others.
fn fits(state: &mut State, route: &str, new: &NewCase) -> Result<(), Refused> {
    let kind = new.kind;
    let wish = matches!(kind, CaseType::BookingWish | CaseType::MoveWish);
    let about = matches!(kind, CaseType::MoveWish | CaseType::CancelWish);
    let written = !matches!(kind, CaseType::Renewal | CaseType::CancelWish);
    let rules = [
        (new.mode.is_some() == (kind == CaseType::Econsult), "mode goes with ECONSULT"),
        (new.purpose.is_some() == (kind == CaseType::Certificate), "purpose goes with CERTIFICATE"),
        (new.lines.is_empty() == (kind != CaseType::Renewal), "lines go with RENEWAL"),
        (new.wishes.is_empty() || wish, "wishes go with BOOKING_WISH and MOVE_WISH"),
        (new.booking_no.is_some() == about, "bookingNo goes with MOVE_WISH and CANCEL_WISH"),
        (new.body.is_some() || !written, "body is missing"),
        (new.body.is_some() == new.entry_id.is_some(), "entryId goes with body"),
        (new.wishes.iter().all(|wish| wish.from < wish.to), "a wish ends before it begins"),
        (new.lines.len() <= 20 && new.wishes.len() <= 10, "more than twenty lines or ten wishes"),
    ];
    for (kept, rule) in rules {
        if !kept {
            state.violate(route, rule);
            return Err(Refused::new(StatusCode::BAD_REQUEST, "MEMBERS"));
        }
    }
    let mut references: Vec<&str> = new.lines.iter().map(|line| line.reference.as_str()).collect();
    references.sort_unstable();
    references.dedup();
    if references.len() != new.lines.len() {
        state.violate(route, "two lines have the same ref");
        return Err(Refused::field("/lines"));
    }
    written_within(new.heading.as_deref(), new.body.as_deref())?;
    if let Some(no) = &new.booking_no {
        booking_clinic(state, no, &new.patient.ssn)?;
    }
    Ok(())
}

fn written_within(heading: Option<&str>, body: Option<&str>) -> Result<(), Refused> {
    if heading.is_some_and(|heading| heading.chars().count() > 120) {
        return Err(Refused::field("/heading"));
    }
    if body.is_some_and(|body| body.trim().is_empty() || body.chars().count() > 8_000) {
        return Err(Refused::field("/body"));
    }
    Ok(())
}

async fn write_entry(Extract(shared): Shares, Path(no): Path<String>, body: Bytes) -> Response {
    const ROUTE: &str = "POST entries";
    answer(shared.with(|state| {
        let new: NewEntry = request::read(state, ROUTE, &body)?;
        let id = new.request_id.clone();
        once(state, &format!("{ROUTE} {no}"), (&id, &body), |state| {
            request::number(state, ROUTE, &new.ssn)?;
            request::on_behalf(state, ROUTE, &new.ssn, new.on_behalf.as_ref())?;
            written_within(new.heading.as_deref(), Some(&new.body))?;
            let clinic = open_case_of(state, &no, &new.ssn)?;
            let files = request::files(state, ROUTE, new.files)?;
            let mut entry = state.entry(true, new.heading, new.body, files, None);
            let (entry_no, entry_id) = (entry.id.clone(), new.entry_id.to_string());
            entry.entry_id = Some(entry_id.clone());
            let files_entries = state.clinic(clinic).is_ok_and(|clinic| clinic.files_entries);
            let case = state.case(&no).map_err(|_| Refused::unknown("UNKNOWN_CASE"))?;
            case.entries.push(entry);
            case.state = CaseState::WithClinic;
            if files_entries {
                state.tell(clinic, "ENTRY_FILED", json!({ "caseNo": no, "entryId": entry_id }));
            }
            let body = json!({ "caseNo": no, "entryNo": entry_no, "state": CaseState::WithClinic });
            Ok((StatusCode::CREATED, body))
        })
    }))
}

async fn withdraw(Extract(shared): Shares, Path(no): Path<String>, body: Bytes) -> Response {
    const ROUTE: &str = "POST cancel of a case";
    answer(shared.with(|state| {
        let wanted: Cancel = request::read(state, ROUTE, &body)?;
        once(state, &format!("{ROUTE} {no}"), (&wanted.request_id, &body), |state| {
            request::number(state, ROUTE, &wanted.ssn)?;
            if wanted.reason.is_some() {
                state.violate(ROUTE, "reason is no member of this request");
            }
            open_case_of(state, &no, &wanted.ssn)?;
            let case = state.case(&no).map_err(|_| Refused::unknown("UNKNOWN_CASE"))?;
            case.state = CaseState::Withdrawn;
            Ok((StatusCode::OK, json!({ "caseNo": no, "state": case.state })))
        })
    }))
}

/// The clinic of a case that is open and this citizen's.
pub(super) fn open_case_of(state: &mut State, no: &str, citizen: &NationalId) -> Result<&'static str, Refused> {
    let case = state.case(no).ok().filter(|case| case.citizen == *citizen);
    let case = case.ok_or(Refused::unknown("UNKNOWN_CASE"))?;
    if case.state.is_closed() { Err(Refused::conflict("CASE_CLOSED")) } else { Ok(case.clinic) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct After {
    after: u64,
    max: usize,
}

async fn changes(
    Extract(shared): Shares,
    query: Result<Query<After>, axum::extract::rejection::QueryRejection>,
) -> Response {
    const ROUTE: &str = "GET changes";
    answer(shared.with(|state| {
        let query = query.ok().map(|Query(query)| query).filter(|query| (1..=MAX_CHANGES).contains(&query.max));
        let Some(After { after, max }) = query else {
            state.violate(ROUTE, "after or max is missing or wrong");
            return Err(Refused::new(StatusCode::BAD_REQUEST, "QUERY"));
        };
        if after > state.changes.len() as u64 {
            state.violate(ROUTE, "after is a change that there is not");
            return Err(Refused::new(StatusCode::BAD_REQUEST, "QUERY"));
        }
        Ok((StatusCode::OK, state.page(after, max)))
    }))
}

async fn ack(Extract(shared): Shares, body: Bytes) -> Response {
    const ROUTE: &str = "POST changes/ack";
    answer(shared.with(|state| {
        let ack: Ack = request::read(state, ROUTE, &body)?;
        if ack.up_to > state.changes.len() as u64 || ack.up_to < state.acknowledged {
            state.violate(ROUTE, "upTo is a change that there is not, or before the last confirmed");
            return Err(Refused::new(StatusCode::BAD_REQUEST, "UP_TO"));
        }
        if ack.refused.iter().any(|refused| refused.seq > ack.up_to) {
            state.violate(ROUTE, "refuses a change after upTo");
        }
        state.acknowledged = ack.up_to;
        state.refused.extend(ack.refused.into_iter().map(|refused| (refused.seq, refused.reason)));
        Ok((StatusCode::NO_CONTENT, Value::Null))
    }))
}

async fn file(Extract(shared): Shares, Path(id): Path<String>) -> Response {
    match shared.look(|state| state.files.get(&id).cloned()) {
        Some(file) => ([(header::CONTENT_TYPE, file.media_type)], file.content).into_response(),
        None => Refused::unknown("UNKNOWN_FILE").into_response(),
    }
}
