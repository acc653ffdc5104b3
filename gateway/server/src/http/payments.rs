//! What is owed, and paying it.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
    response::Response,
};
use dialog_contract::{
    ids::{InvoiceId, PluginId},
    payment::NewPayment,
    problem::ProblemType,
    provider::FieldError,
    schema::{Resource, body::BodyError},
    service::Locale,
};

use super::{
    body,
    caller::CitizenCaller,
    envelope::Envelope,
    query::Query,
    reply::{Refusal, finish},
};
use crate::gateway::Gateway;

/// `GET /v1/me/invoices`
pub async fn invoices(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    let provider = Query::parse(request.uri().query(), &["provider"])?.get::<PluginId>("provider")?;
    Ok(finish(&gateway, gateway.desk.invoices(&citizen, &envelope.domain(&request), provider).await))
}

/// `POST /v1/me/invoices/{invoice}/pay`
pub async fn pay(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    Path(invoice): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    // What is no id is the id of nothing.
    let invoice: InvoiceId = invoice.parse().map_err(|_| Refusal::of(ProblemType::NotFound))?;
    let mut meta = envelope.change(&request)?;
    let new: NewPayment = body::json(Resource::NewPayment, &envelope, request, &mut meta).await?;
    let Some(return_url) = gateway.return_origins.permit(&new.return_url) else {
        let field = FieldError { pointer: "/returnUrl".to_owned(), detail: elsewhere(envelope.locale).to_owned() };
        return Err(Refusal::body(BodyError::Invalid(vec![field]), envelope.locale));
    };
    Ok(finish(&gateway, gateway.desk.pay(&citizen, &meta, invoice, return_url).await))
}

/// `GET /v1/me/payments`
pub async fn payments(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    Query::parse(request.uri().query(), &[])?;
    Ok(finish(&gateway, gateway.desk.payments(&citizen, &envelope.domain(&request)).await))
}

/// An address that the operator does not let payment services send citizens back to.
const fn elsewhere(locale: Locale) -> &'static str {
    match locale {
        Locale::Nb => "Adressen er ikke en som det kan vendes tilbake til etter betaling.",
        Locale::Nn => "Adressa er ikkje ei som det kan vendast tilbake til etter betaling.",
        Locale::En => "The address is not one that can be returned to after paying.",
    }
}
