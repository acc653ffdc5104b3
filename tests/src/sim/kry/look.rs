//! What the portal's side asks for.

use super::api::{Answered, Shares};
use super::calendar::{Booking, Channel, Timeslot};
use super::document::{Answer, Refused, Source};
use super::form;
use super::request::{language, parameter, query};
use super::state::State;
use super::{patient, unit};
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Resources in one page.
const MAX_PAGE: usize = 100;

/// Asks for one unit only.
fn of_unit(state: &mut State, route: &str, parameters: &BTreeMap<String, String>) -> Result<(), Refused> {
    let wanted: String = parameter(state, route, parameters, "filter[unit]")?;
    if wanted == unit::UNIT { Ok(()) } else { Err(Refused::unknown("unknown-unit")) }
}

/// Cuts a list into pages: `page[size]` resources, with a link to the next ones.
fn paged<T>(
    state: &mut State,
    (route, uri): (&str, &Uri),
    parameters: &BTreeMap<String, String>,
    all: Vec<T>,
) -> Result<(Vec<T>, Option<String>), Refused> {
    let size: usize = parameter(state, route, parameters, "page[size]")?;
    let cursor = parameters.get("page[cursor]");
    let from = match cursor.map(|cursor| cursor.strip_prefix('p').and_then(|from| from.parse::<usize>().ok())) {
        None => Some(0),
        Some(from) => from,
    };
    let (true, Some(from)) = ((1..=MAX_PAGE).contains(&size), from) else {
        state.violate(route, "page[size] is not 1 to 100, or page[cursor] is none of the vendor's");
        return Err(Refused::about(StatusCode::BAD_REQUEST, "page", vec![Source::Parameter("page[cursor]")]));
    };
    let more = from + size < all.len();
    let next = (more || state.switches.endless).then(|| {
        let mut link = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in parameters.iter().filter(|(name, _)| *name != "page[cursor]") {
            link.append_pair(name, value);
        }
        let onwards = from + if more { size } else { 1 };
        format!("{}?{}", uri.path(), link.append_pair("page[cursor]", &format!("p{onwards}")).finish())
    });
    let from = if state.switches.endless { 0 } else { from };
    Ok((all.into_iter().skip(from).take(size).collect(), next))
}

/// `GET /v1/units/{id}`
pub async fn unit(
    axum::extract::State(shared): Shares,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Answered {
    const ROUTE: &str = "GET units";
    shared.with(|state| {
        let parameters = query(state, ROUTE, &uri, &["include"])?;
        if parameters.get("include").is_none_or(|include| include != "practitioners") {
            state.violate(ROUTE, "include is not practitioners");
            return Err(Refused::about(StatusCode::BAD_REQUEST, "include", vec![Source::Parameter("include")]));
        }
        let language = language(state, ROUTE, &headers)?;
        if id != unit::UNIT {
            return Err(Refused::unknown("unknown-unit"));
        }
        let (unit, doctors) = unit::profile(language);
        Ok(Answer::of(StatusCode::OK, unit, doctors))
    })
}

/// `GET /v1/triage-forms`
pub async fn forms(axum::extract::State(shared): Shares, uri: Uri, headers: HeaderMap) -> Answered {
    const ROUTE: &str = "GET triage-forms";
    shared.with(|state| {
        let parameters = query(state, ROUTE, &uri, &["filter[unit]"])?;
        let language = language(state, ROUTE, &headers)?;
        of_unit(state, ROUTE, &parameters)?;
        let forms = if state.switches.triage { vec![form::form(language)] } else { Vec::new() };
        Ok(Answer::of(StatusCode::OK, json!(forms), Vec::new()))
    })
}

/// `GET /v1/timeslots`
pub async fn timeslots(axum::extract::State(shared): Shares, uri: Uri) -> Answered {
    const ROUTE: &str = "GET timeslots";
    const KNOWN: [&str; 8] = [
        "filter[unit]",
        "filter[from]",
        "filter[until]",
        "filter[channel]",
        "filter[practitioner]",
        "include",
        "page[size]",
        "page[cursor]",
    ];
    shared.with(|state| {
        let parameters = query(state, ROUTE, &uri, &KNOWN)?;
        of_unit(state, ROUTE, &parameters)?;
        let from: Timestamp = parameter(state, ROUTE, &parameters, "filter[from]")?;
        let until: Timestamp = parameter(state, ROUTE, &parameters, "filter[until]")?;
        if from >= until || until.duration_since(from).as_hours() > 31 * 24 {
            state.violate(ROUTE, "filter[from] is not before filter[until], or they are over 31 days apart");
            return Err(Refused::about(StatusCode::BAD_REQUEST, "query", vec![Source::Parameter("filter[until]")]));
        }
        let channel = match parameters.get("filter[channel]").map(String::as_str) {
            None => None,
            Some("video") => Some(Channel::Video),
            Some("phone") => Some(Channel::Phone),
            Some(_) => {
                state.violate(ROUTE, "filter[channel] is neither video nor phone");
                return Err(Refused::about(
                    StatusCode::BAD_REQUEST,
                    "query",
                    vec![Source::Parameter("filter[channel]")],
                ));
            }
        };
        if !state.switches.bookings {
            return Err(Refused::forbidden("service-off"));
        }
        let now = state.now();
        let doctor = parameters.get("filter[practitioner]");
        let free = |slot: &&Timeslot| {
            !slot.taken
                && (from.max(now)..until).contains(&slot.start)
                && channel.is_none_or(|channel| slot.channel == channel)
                && doctor.is_none_or(|doctor| slot.hpr == doctor)
        };
        let free: Vec<Timeslot> = state.calendar.slots.iter().filter(free).cloned().collect();
        let (page, next) = paged(state, (ROUTE, &uri), &parameters, free)?;
        let doctors = page.iter().filter_map(Timeslot::doctor).collect();
        let data: Vec<Value> = page.iter().map(Timeslot::resource).collect();
        Ok(Answer::of(StatusCode::OK, json!(data), doctors).next(next))
    })
}

/// `GET /v1/bookings`
pub async fn bookings(axum::extract::State(shared): Shares, uri: Uri) -> Answered {
    const ROUTE: &str = "GET bookings";
    const KNOWN: [&str; 6] =
        ["filter[unit]", "filter[patient]", "filter[from]", "include", "page[size]", "page[cursor]"];
    shared.with(|state| {
        let parameters = query(state, ROUTE, &uri, &KNOWN)?;
        of_unit(state, ROUTE, &parameters)?;
        let whose: String = parameter(state, ROUTE, &parameters, "filter[patient]")?;
        let from: Timestamp = parameter(state, ROUTE, &parameters, "filter[from]")?;
        let patient = patient::known(state, ROUTE, &whose)?;
        let coming = |booking: &&Booking| booking.patient == patient.id && booking.end() > from;
        let mut coming: Vec<Booking> = state.calendar.bookings.iter().filter(coming).cloned().collect();
        coming.sort_by_key(|booking| booking.slot.start);
        let (page, next) = paged(state, (ROUTE, &uri), &parameters, coming)?;
        let doctors = page.iter().filter_map(|booking| booking.slot.doctor()).collect();
        let data: Vec<Value> = page.iter().map(Booking::resource).collect();
        Ok(Answer::of(StatusCode::OK, json!(data), doctors).next(next))
    })
}

/// `GET /v1/invoices`
pub async fn invoices(axum::extract::State(shared): Shares, uri: Uri, headers: HeaderMap) -> Answered {
    const ROUTE: &str = "GET invoices";
    const KNOWN: [&str; 6] =
        ["filter[unit]", "filter[patient]", "filter[status]", "sort", "page[size]", "page[cursor]"];
    shared.with(|state| {
        let parameters = query(state, ROUTE, &uri, &KNOWN)?;
        let language = language(state, ROUTE, &headers)?;
        of_unit(state, ROUTE, &parameters)?;
        let whose: String = parameter(state, ROUTE, &parameters, "filter[patient]")?;
        for (name, only) in [("filter[status]", "open"), ("sort", "issuedAt")] {
            if parameters.get(name).is_none_or(|value| value != only) {
                state.violate(ROUTE, format!("{name} is not {only}"));
            }
        }
        let patient = patient::known(state, ROUTE, &whose)?;
        let mut open: Vec<_> =
            state.invoices.iter().filter(|one| one.patient == patient.id && !one.paid).cloned().collect();
        open.sort_by_key(|invoice| invoice.issued);
        let (page, next) = paged(state, (ROUTE, &uri), &parameters, open)?;
        let data: Vec<Value> = page.iter().map(|invoice| invoice.resource(language)).collect();
        Ok(Answer::of(StatusCode::OK, json!(data), Vec::new()).next(next))
    })
}

/// `GET /v1/events`
pub async fn events(axum::extract::State(shared): Shares, uri: Uri) -> Answered {
    const ROUTE: &str = "GET events";
    shared.with(|state| {
        let parameters = query(state, ROUTE, &uri, &["page[after]", "page[size]"])?;
        let after: u64 = parameter(state, ROUTE, &parameters, "page[after]")?;
        let size: usize = parameter(state, ROUTE, &parameters, "page[size]")?;
        if after > state.events.len() as u64 || !(1..=MAX_PAGE).contains(&size) {
            state.violate(ROUTE, "page[after] is an event that there is not, or page[size] is not 1 to 100");
            return Err(Refused::about(StatusCode::BAD_REQUEST, "page", vec![Source::Parameter("page[after]")]));
        }
        let page: Vec<_> = state.events.iter().filter(|event| event.number > after).take(size).collect();
        let last = page.last().map_or(after, |event| event.number);
        let next = (last < state.events.len() as u64 || state.switches.endless)
            .then(|| format!("/v1/events?page%5Bafter%5D={last}&page%5Bsize%5D={size}"));
        let data: Vec<&Value> = page.iter().map(|event| &event.resource).collect();
        let included = page.iter().flat_map(|event| event.included.iter().cloned()).collect();
        Ok(Answer::of(StatusCode::OK, json!(data), included).next(next))
    })
}

/// `GET /v1/attachments/{id}/content`
pub async fn content(axum::extract::State(shared): Shares, Path(id): Path<String>) -> Response {
    match shared.look(|state| state.files.get(&id).cloned()) {
        Some(file) => ([(header::CONTENT_TYPE, file.media_type)], file.content).into_response(),
        None => Refused::unknown("unknown-attachment").into_response(),
    }
}
