//! Clinicians who talk with colleagues: their office's dialogs, and what goes along.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
    response::Response,
};
use dialog_contract::{
    collegial::{NewCitizenParty, NewCollegialDialog},
    dialog::StatusName,
    ids::{AttachmentId, DialogId, HerId},
    opening::NewMessage,
    problem::ProblemType,
    schema::Resource,
};
use dialog_core::CollegialFilter;

use super::{
    attachments::{file, given},
    body,
    caller::ClinicianCaller,
    envelope::Envelope,
    query::Query,
    reply::{Refusal, finish},
};
use crate::gateway::Gateway;

/// `GET /v1/offices/{herId}/collegial-dialogs`
pub async fn list(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    ClinicianCaller(clinician): ClinicianCaller,
    Path(office): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let query = Query::parse(request.uri().query(), &["status", "cursor", "limit"])?;
    let filter = CollegialFilter {
        status: query.get::<StatusName>("status")?,
        cursor: query.text("cursor").map(str::to_owned),
        limit: query.get::<u32>("limit")?,
    };
    let (meta, office) = (envelope.domain(&request), named(&office)?);
    Ok(finish(&gateway, gateway.desk.collegial_dialogs(&clinician, &meta, office, filter).await))
}

/// `POST /v1/offices/{herId}/collegial-dialogs`
pub async fn open(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    ClinicianCaller(clinician): ClinicianCaller,
    Path(office): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let office = named(&office)?;
    let mut meta = envelope.change(&request)?;
    let new: NewCollegialDialog = body::json(Resource::NewCollegialDialog, &envelope, request, &mut meta).await?;
    Ok(finish(&gateway, gateway.desk.ask_colleague(&clinician, &meta, office, new).await))
}

/// `GET /v1/offices/{herId}/collegial-dialogs/{dialog}`
pub async fn read(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    ClinicianCaller(clinician): ClinicianCaller,
    Path(of): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let (of, meta) = (place(&of)?, envelope.domain(&request));
    Ok(finish(&gateway, gateway.desk.collegial_dialog(&clinician, &meta, of).await))
}

/// `POST /v1/offices/{herId}/collegial-dialogs/{dialog}/messages`
pub async fn send(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    ClinicianCaller(clinician): ClinicianCaller,
    Path(of): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let of = place(&of)?;
    let mut meta = envelope.change(&request)?;
    let new: NewMessage = body::json(Resource::NewMessage, &envelope, request, &mut meta).await?;
    Ok(finish(&gateway, gateway.desk.write_to_colleague(&clinician, &meta, of, new).await))
}

/// `POST /v1/offices/{herId}/collegial-dialogs/{dialog}/citizen`
pub async fn bring_in(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    ClinicianCaller(clinician): ClinicianCaller,
    Path(of): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let of = place(&of)?;
    let mut meta = envelope.change(&request)?;
    let new: NewCitizenParty = body::json(Resource::NewCitizenParty, &envelope, request, &mut meta).await?;
    Ok(finish(&gateway, gateway.desk.bring_citizen_in(&clinician, &meta, of, new).await))
}

/// `POST /v1/offices/{herId}/collegial-dialogs/{dialog}/close`
pub async fn close(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    ClinicianCaller(clinician): ClinicianCaller,
    Path(of): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let of = place(&of)?;
    let mut meta = envelope.change(&request)?;
    body::nothing(&envelope, request, &mut meta).await?;
    Ok(finish(&gateway, gateway.desk.close_with_colleague(&clinician, &meta, of).await))
}

/// `POST /v1/offices/{herId}/collegial-attachments?name=referral.pdf`
pub async fn upload(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    ClinicianCaller(clinician): ClinicianCaller,
    Path(office): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (office, meta) = (named(&office)?, envelope.change(&request)?);
    let (name, bytes) = file(&envelope, request)?;
    Ok(finish(&gateway, gateway.desk.upload_for_colleague(&clinician, &meta, (office, &name), bytes).await))
}

/// `GET /v1/offices/{herId}/collegial-dialogs/{dialog}/attachments/{attachment}`
pub async fn download(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    ClinicianCaller(clinician): ClinicianCaller,
    Path((office, dialog, attachment)): Path<(String, String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let (office, dialog) = place(&(office, dialog))?;
    let attachment: AttachmentId = named(&attachment)?;
    let meta = envelope.domain(&request);
    match gateway.desk.download_from_colleague(&clinician, &meta, (office, dialog, attachment)).await {
        Ok(file) => Ok(given(file)),
        Err(refused) => Ok(finish(&gateway, Err(refused))),
    }
}

fn place((office, dialog): &(String, String)) -> Result<(HerId, DialogId), Refusal> {
    Ok((named(office)?, named(dialog)?))
}

/// What is no name of such a thing is the name of nothing.
fn named<T: std::str::FromStr>(text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|_| Refusal::of(ProblemType::NotFound))
}
