//! A remote system of the gateway's own, bound as a plugin's upstream is: addresses judged before they are dialled, no
//! redirects, credentials that only the gateway knows, answers bounded, a breaker. For the registers and the archive.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::Method;
use tokio::time::Instant;

use super::{
    BindingError, Request, SendError, Upstream,
    body::{Body, BodyStream, Segment},
    config::UpstreamBinding,
    headers, path,
};
use crate::limits::{Limits, length};

/// A bound remote system. Made once at start, shared by all who ask it.
#[derive(Debug, Clone)]
pub struct Remote {
    upstream: Arc<Upstream>,
    most_body_bytes: u64,
    most_header_bytes: usize,
    most_target_bytes: usize,
}

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Asked<'a> {
    /// Below the base URL; begins with `/`.
    pub path: &'a str,
    /// Encoded here.
    pub query: &'a [(String, String)],
    /// Beside those that the gateway sets itself.
    pub headers: &'a [(String, String)],
    /// With the body it is a POST, else a GET.
    pub body: Option<Bytes>,
}

/// What was answered, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// HTTP status.
    pub status: u16,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Answered {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer. Holds no address, no credential and nothing of what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// Nothing was sent.
    #[error("{0}")]
    Unreachable(String),
    /// It may have been received.
    #[error("{0}")]
    Interrupted(String),
    /// The request breaks a rule of this house: a defect.
    #[error("the request is not one: {0}")]
    Defect(String),
}

impl Remote {
    /// Checks a binding, reads its secrets and makes its client. Connects to nothing.
    ///
    /// # Errors
    /// Names what is wrong, and no secret.
    pub fn bind(binding: &UpstreamBinding, limits: &Limits) -> Result<Self, BindingError> {
        Ok(Self {
            upstream: Upstream::bind(binding, limits)?,
            most_body_bytes: limits.upstream_body_bytes,
            most_header_bytes: length(limits.upstream_header_bytes),
            most_target_bytes: length(limits.upstream_target_bytes),
        })
    }

    /// Asks, and reads the whole answer, within `patience` and the binding's own time.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn ask(&self, asked: Asked<'_>, patience: Duration) -> Result<Answered, RemoteError> {
        let defect = |rule: &str| RemoteError::Defect(rule.to_owned());
        let url = path::join(self.upstream.base(), asked.path, asked.query, self.most_target_bytes).map_err(defect)?;
        let headers = headers::check(asked.headers, self.upstream.reserved(), self.most_header_bytes)
            .map_err(RemoteError::Defect)?;
        let method = if asked.body.is_some() { Method::POST } else { Method::GET };
        let segments = asked.body.into_iter().map(Segment::<()>::Bytes).collect();
        let body = Body::new(segments, |()| 0, self.most_body_bytes).map_err(defect)?;
        let request = Request { method, url, headers, body };
        let nothing = |()| Box::pin(futures_util::stream::empty()) as BodyStream;
        let sent = self.upstream.send(&request, nothing, Instant::now() + patience, || {}, |_| {}).await;
        match sent {
            Ok(answer) => Ok(Answered { status: answer.status, headers: answer.headers, body: answer.body }),
            Err(error @ (SendError::Unreachable(_) | SendError::Credentials(_))) => {
                Err(RemoteError::Unreachable(error.to_string()))
            }
            Err(error @ (SendError::Interrupted(_) | SendError::TooLarge)) => {
                Err(RemoteError::Interrupted(error.to_string()))
            }
        }
    }
}
