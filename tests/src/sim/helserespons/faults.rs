//! What goes wrong in the transport when a test wants it to: down, slow, held, garbled.

use super::{Availability, Shared};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How one reply is spoilt. The call itself takes effect, except under [`HttpFault::Status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum HttpFault {
    /// A status in place of a reply; the call has no effect.
    Status {
        /// The status.
        status: u16,
    },
    /// The JSON is broken.
    MalformedJson,
    /// The connection ends in the middle of the body.
    TruncatedBody,
    /// A page for people, with status 200.
    Html,
    /// JSON of another shape, with the status as it is.
    WrongType,
}

/// Which call is held or spoilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// Any call, before it takes effect.
    Any,
    /// The next call that hands something over (cases, entries, bookings), before it takes effect.
    Post,
    /// The reply to the next such call: it has taken effect, its sender does not know.
    PostReply,
    /// The next look into the change feed.
    Changes,
    /// The next search or look at openings.
    Read,
    /// The next file.
    File,
}

/// What a request is.
fn call(request: &Request) -> Call {
    let path = request.uri().path();
    if path == "/v2/changes" || path == "/v2/changes/ack" {
        Call::Changes
    } else if path.starts_with("/v2/files/") {
        Call::File
    } else if request.method() == Method::POST && !path.ends_with("/search") {
        Call::Post
    } else {
        Call::Read
    }
}

#[derive(Debug)]
struct Gate {
    call: Call,
    reached: watch::Sender<bool>,
    open: watch::Sender<bool>,
}

/// A call that is held until it is released or this is dropped.
#[derive(Debug)]
pub struct Held(Arc<Gate>);

impl Held {
    /// Waits until a call stands at the gate.
    pub async fn reached(&self) {
        // The gate owns the sender, so the channel is open.
        let _ = self.0.reached.subscribe().wait_for(|reached| *reached).await;
    }

    /// Lets the call go on.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.open.send_replace(true);
    }
}

/// What is wrong now and next.
#[derive(Debug, Default)]
pub struct Faults {
    /// Whether it answers at all; [`Availability::Refuse`] is the listener's business.
    pub availability: Availability,
    /// Time before each reply.
    pub delay: Duration,
    /// Faults of the next replies to such calls, one each.
    pub next: VecDeque<(Call, HttpFault)>,
    gates: Vec<Arc<Gate>>,
    /// The hold that the control API asked for.
    pub held: Option<Held>,
}

impl Faults {
    /// Holds the next call of this kind.
    pub fn hold(&mut self, call: Call) -> Held {
        let gate = Arc::new(Gate { call, reached: watch::Sender::new(false), open: watch::Sender::new(false) });
        self.gates.push(Arc::clone(&gate));
        Held(gate)
    }

    fn fault(&mut self, call: Call) -> Option<HttpFault> {
        let of = |wanted: Call| match wanted {
            Call::Any => true,
            Call::PostReply => call == Call::Post,
            wanted => wanted == call,
        };
        let at = self.next.iter().position(|(wanted, _)| of(*wanted))?;
        self.next.remove(at).map(|(_, fault)| fault)
    }

    fn gate(&mut self, applies: impl Fn(Call) -> bool) -> Option<Arc<Gate>> {
        let at = self.gates.iter().position(|gate| applies(gate.call))?;
        Some(self.gates.remove(at))
    }
}

async fn pass(gate: Option<Arc<Gate>>) {
    if let Some(gate) = gate {
        gate.reached.send_replace(true);
        // As above: the gate owns the sender.
        let _ = gate.open.subscribe().wait_for(|open| *open).await;
    }
}

/// Every call to the API goes through here.
pub async fn apply(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let call = call(&request);
    let (availability, delay, gate, fault) = {
        let mut faults = shared.faults();
        let up = faults.availability == Availability::Up;
        let gate = if up { faults.gate(|wanted| wanted == Call::Any || wanted == call) } else { None };
        let fault = if up { faults.fault(call) } else { None };
        (faults.availability, faults.delay, gate, fault)
    };
    if availability != Availability::Up {
        let retry = [(header::RETRY_AFTER, "1")];
        let body = axum::Json(json!({ "code": "MAINTENANCE", "message": "Planned maintenance" }));
        return (StatusCode::SERVICE_UNAVAILABLE, retry, body).into_response();
    }
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    pass(gate).await;
    if let Some(HttpFault::Status { status }) = fault {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::Json(json!({ "code": "TROUBLE", "message": "Something went wrong" }));
        let mut response = (status, body).into_response();
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        return response;
    }
    let response = next.run(request).await;
    let after = shared.faults().gate(|wanted| wanted == Call::PostReply && call == Call::Post);
    pass(after).await;
    match fault {
        Some(fault) => spoil(response, fault).await,
        None => response,
    }
}

async fn spoil(response: Response, fault: HttpFault) -> Response {
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
        HttpFault::WrongType => Body::from(r#"{"caseNo":42,"bookingNo":[],"openings":"none","changes":{},"next":"x"}"#),
        HttpFault::MalformedJson | HttpFault::Status { .. } => Body::from([&half[..], b"]}\x00"].concat()),
    };
    Response::from_parts(parts, body)
}
