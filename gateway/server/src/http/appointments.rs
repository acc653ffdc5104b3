//! Direct booking, and prescriptions that can be renewed.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
    response::Response,
};
use dialog_contract::{
    appointment::{NewBooking, NewCancellation, SlotQuery},
    ids::{AppointmentId, HprNumber, PluginId},
    problem::ProblemType,
    schema::Resource,
    service::EncounterMode,
};
use jiff::Timestamp;

use super::{
    body,
    caller::CitizenCaller,
    envelope::Envelope,
    query::Query,
    reply::{Refusal, finish},
};
use crate::gateway::Gateway;

/// `GET /v1/me/slots`
pub async fn slots(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    let query = Query::parse(request.uri().query(), &["from", "until", "clinician", "mode", "provider"])?;
    let asked = SlotQuery {
        from: query.get::<Timestamp>("from")?,
        until: query.get::<Timestamp>("until")?,
        clinician: query.get::<HprNumber>("clinician")?,
        mode: query.get::<EncounterMode>("mode")?,
        provider: query.get::<PluginId>("provider")?,
    };
    Ok(finish(&gateway, gateway.desk.slots(&citizen, &envelope.domain(&request), asked).await))
}

/// `GET /v1/me/appointments`
pub async fn upcoming(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    Query::parse(request.uri().query(), &[])?;
    Ok(finish(&gateway, gateway.desk.appointments(&citizen, &envelope.domain(&request)).await))
}

/// `POST /v1/me/appointments`
pub async fn book(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    let mut meta = envelope.change(&request)?;
    let new: NewBooking = body::json(Resource::NewBooking, &envelope, request, &mut meta).await?;
    Ok(finish(&gateway, gateway.desk.book(&citizen, &meta, new).await))
}

/// `POST /v1/me/appointments/{appointment}/change`
pub async fn change(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    Path(appointment): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let appointment = id(&appointment)?;
    let mut meta = envelope.change(&request)?;
    let new: NewBooking = body::json(Resource::NewBooking, &envelope, request, &mut meta).await?;
    Ok(finish(&gateway, gateway.desk.change(&citizen, &meta, appointment, new).await))
}

/// `POST /v1/me/appointments/{appointment}/cancel`
pub async fn cancel(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    Path(appointment): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let appointment = id(&appointment)?;
    let mut meta = envelope.change(&request)?;
    let new: NewCancellation = body::json(Resource::NewCancellation, &envelope, request, &mut meta).await?;
    Ok(finish(&gateway, gateway.desk.cancel(&citizen, &meta, appointment, new).await))
}

/// `GET /v1/me/prescriptions`
pub async fn prescriptions(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    Query::parse(request.uri().query(), &[])?;
    Ok(finish(&gateway, gateway.desk.prescriptions(&citizen, &envelope.domain(&request)).await))
}

/// What is no id is the id of nothing.
fn id(text: &str) -> Result<AppointmentId, Refusal> {
    text.parse().map_err(|_| Refusal::of(ProblemType::NotFound))
}
