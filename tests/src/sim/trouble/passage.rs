//! What every call to a back end goes through before it comes to the back end's own routes.

use super::{Call, Faults, HttpFault};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{StreamExt, stream};

/// What a back end does in its own way.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// What a request is.
    pub call: fn(&Request) -> Call,
    /// What it says where its API cannot: 503 while it is unavailable, and any status of [`HttpFault::Status`] and [`HttpFault::Mute`].
    pub error: fn(StatusCode) -> Response,
    /// JSON of a shape that none of its replies has.
    pub wrong_type: &'static str,
}

/// Every call to the API goes through here: a middleware.
pub async fn apply(State((faults, manners)): State<(Faults, Manners)>, request: Request, next: Next) -> Response {
    let call = (manners.call)(&request);
    let Some(met) = faults.meet(call) else {
        return error(manners, StatusCode::SERVICE_UNAVAILABLE);
    };
    if !met.delay.is_zero() {
        tokio::time::sleep(met.delay).await;
    }
    if let Some(gate) = met.gate {
        gate.pass().await;
    }
    if let Some(HttpFault::Status(status) | HttpFault::Mute(status)) = met.fault {
        let mut response = error(manners, StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
        if matches!(met.fault, Some(HttpFault::Mute(_))) {
            response.headers_mut().remove(header::RETRY_AFTER);
        }
        return response;
    }
    let response = next.run(request).await;
    if let Some(gate) = faults.meet_reply(call) {
        gate.pass().await;
    }
    match met.fault {
        Some(fault) => spoil(response, fault, manners.wrong_type).await,
        None => response,
    }
}

fn error(manners: Manners, status: StatusCode) -> Response {
    let mut response = (manners.error)(status);
    *response.status_mut() = status;
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

async fn spoil(response: Response, fault: HttpFault, wrong_type: &'static str) -> Response {
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let half = bytes.slice(..bytes.len() / 2);
    let body = match fault {
        HttpFault::TruncatedBody => {
            let cut = stream::once(async {
                // Gives the first half its turn to leave before the connection ends.
                tokio::task::yield_now().await;
                Err(std::io::Error::new(std::io::ErrorKind::ConnectionAborted, "cut"))
            });
            Body::from_stream(stream::once(std::future::ready(Ok(half))).chain(cut))
        }
        HttpFault::Html => {
            parts.status = StatusCode::OK;
            parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
            Body::from("<html><body>Planned maintenance</body></html>")
        }
        HttpFault::WrongType => Body::from(wrong_type),
        HttpFault::MalformedJson | HttpFault::Status(_) | HttpFault::Mute(_) => {
            Body::from([&half[..], b"]}\x00"].concat())
        }
    };
    Response::from_parts(parts, body)
}
