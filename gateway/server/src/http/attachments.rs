//! Attachments: uploaded before the message that they go with, streamed both ways.

use std::{sync::Arc, time::Instant};

use axum::{
    Extension,
    body::Body,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use dialog_contract::{ids::AttachmentId, limits::Limits, problem::ProblemType};
use dialog_core::{
    Download,
    ports::blobs::{BlobError, ByteStream},
};
use futures_util::{StreamExt, stream};
use http::{HeaderValue, header};

use super::{
    caller::CitizenCaller,
    envelope::Envelope,
    query::Query,
    reply::{Refusal, finish, mark},
    streams::while_read,
};
use crate::{gateway::Gateway, limits::STANDSTILL};

/// `POST /v1/me/attachments?name=photo.jpg`
pub async fn upload(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    request: Request,
) -> Result<Response, Refusal> {
    let meta = envelope.change(&request)?;
    let (name, bytes) = file(&envelope, request)?;
    Ok(finish(&gateway, gateway.desk.upload(&citizen, &meta, &name, bytes).await))
}

/// The name and the bytes of what is uploaded.
pub(super) fn file(envelope: &Envelope, request: Request) -> Result<(String, ByteStream), Refusal> {
    let query = Query::parse(request.uri().query(), &["name"])?;
    let name = query.text("name").ok_or_else(|| Refusal::malformed("query: name"))?.to_owned();
    let announced =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|announced| announced > Limits::V1.attachment_bytes) {
        return Err(Refusal::of(ProblemType::TooLarge));
    }
    Ok((name, until(envelope.deadline, request.into_body())))
}

/// The bytes of a body, broken off at the deadline: a caller that sends slowly holds nothing for longer.
fn until(deadline: Instant, body: Body) -> ByteStream {
    let deadline = tokio::time::Instant::from_std(deadline);
    stream::unfold(Some(body.into_data_stream()), move |body| async move {
        let mut body = body?;
        match tokio::time::timeout_at(deadline, body.next()).await {
            Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some(body))),
            Ok(Some(Err(error))) => Some((Err(BlobError::Interrupted(error.to_string())), None)),
            Ok(None) => None,
            Err(_) => Some((Err(BlobError::Interrupted("the request's time is over".to_owned())), None)),
        }
    })
    .boxed()
}

/// `GET /v1/me/attachments/{attachment}`
pub async fn download(
    State(gateway): State<Arc<Gateway>>,
    Extension(envelope): Extension<Envelope>,
    CitizenCaller(citizen): CitizenCaller,
    Path(attachment): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    // What is no id is the id of nothing.
    let attachment: AttachmentId = attachment.parse().map_err(|_| Refusal::of(ProblemType::NotFound))?;
    match gateway.desk.download(&citizen, &envelope.domain(&request), attachment).await {
        Ok(file) => Ok(given(file)),
        Err(refused) => Ok(finish(&gateway, Err(refused))),
    }
}

/// A file on its way out.
pub(super) fn given(file: Download) -> Response {
    let mut response = Body::from_stream(while_read(file.bytes, STANDSTILL)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.attachment.media_type.as_str()));
    headers.insert(header::CONTENT_LENGTH, file.attachment.size.into());
    // Never shown in the gateway's own origin, whatever it holds (RFC 6266, RFC 8187 for the name).
    let name: String = url::form_urlencoded::byte_serialize(file.attachment.name.as_bytes()).collect();
    let disposition = format!("attachment; filename*=UTF-8''{}", name.replace('+', "%20"));
    if let Ok(disposition) = HeaderValue::try_from(disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    mark(&mut response, Some(&file.receipt), false);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_stays_out_is_broken_off_at_the_deadline_and_never_taken_for_whole() {
        let beginning = stream::iter([Ok::<_, std::io::Error>("half".into())]);
        let body = Body::from_stream(beginning.chain(stream::pending::<Result<bytes::Bytes, _>>()));
        let mut bytes = until(Instant::now() + std::time::Duration::from_millis(50), body);
        assert!(matches!(bytes.next().await, Some(Ok(chunk)) if chunk == "half"));
        assert!(matches!(bytes.next().await, Some(Err(BlobError::Interrupted(_)))));
        assert!(bytes.next().await.is_none());
    }
}
