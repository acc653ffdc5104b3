use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    bindings::capabilities::dialog::provider::upstream as wit,
    upstream::{Cause, Method},
};

/// Deepest nesting of base64 in a body, by the contract.
const MAX_BASE64_DEPTH: usize = 3;

/// What a test host writes where a body has a place for the operator's credentials: an empty XML comment.
pub const CREDENTIALS: &str = "<!---->";

/// What a plugin sent, as the remote system would see it: attachments and base64 are in the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The name of the remote system.
    pub upstream: String,
    /// HTTP method.
    pub method: Method,
    /// Below the operator's base URL.
    pub path: String,
    /// Not encoded.
    pub query: Vec<(String, String)>,
    /// As the plugin wrote them.
    pub headers: Vec<(String, String)>,
    /// All of it.
    pub body: Vec<u8>,
}

impl Request {
    /// The first query parameter of that name.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    ///
    /// # Panics
    /// When it is not UTF-8: the test fails there.
    #[allow(clippy::expect_used, reason = "this module is compiled for tests")]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the request's body is UTF-8")
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not: the test fails there.
    #[allow(clippy::expect_used, reason = "this module is compiled for tests")]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).expect("the request's body is JSON of the expected shape")
    }

    pub(super) fn render(request: &wit::Request, attachments: &HashMap<String, Vec<u8>>) -> Result<Self, Cause> {
        Ok(Self {
            upstream: request.upstream.clone(),
            method: request.method,
            path: request.path.clone(),
            query: request.query.clone(),
            headers: request.headers.clone(),
            body: body(&request.body, attachments)?,
        })
    }
}

fn body(segments: &[wit::Segment], attachments: &HashMap<String, Vec<u8>>) -> Result<Vec<u8>, Cause> {
    let forbidden = |rule: &str| Cause::Forbidden(rule.to_owned());
    let mut open: Vec<Vec<u8>> = vec![Vec::new()];
    let plain = |segment: &wit::Segment| matches!(segment, wit::Segment::Bytes(_));
    for (at, segment) in segments.iter().enumerate() {
        let (outer, depth) = (open.len(), open.len() - 1);
        let top = &mut open[outer - 1];
        match segment {
            wit::Segment::Credentials if depth > 0 || !segments[..at].iter().all(plain) => {
                return Err(forbidden("credentials stand once, after nothing but bytes"));
            }
            wit::Segment::Credentials => top.extend_from_slice(CREDENTIALS.as_bytes()),
            wit::Segment::Bytes(bytes) => top.extend_from_slice(bytes),
            wit::Segment::Attachment(id) => {
                top.extend_from_slice(attachments.get(id).ok_or_else(|| forbidden("no such attachment in this call"))?);
            }
            wit::Segment::Base64Open if depth == MAX_BASE64_DEPTH => return Err(forbidden("base64 over three deep")),
            wit::Segment::Base64Open => open.push(Vec::new()),
            wit::Segment::Base64Close => match open.pop() {
                Some(inner) if depth > 0 => open[outer - 2].extend(BASE64_STANDARD.encode(inner).into_bytes()),
                _ => return Err(forbidden("base64 is closed that was not opened")),
            },
        }
    }
    match open.pop() {
        Some(whole) if open.is_empty() => Ok(whole),
        _ => Err(forbidden("base64 is not closed")),
    }
}

/// How a remote system answers in a test.
#[derive(Debug, Clone)]
pub struct Reply(pub(super) Result<wit::Response, Cause>);

impl Reply {
    /// An answer without body.
    pub fn status(status: u16) -> Self {
        Self(Ok(wit::Response { status, headers: Vec::new(), body: Vec::new() }))
    }

    /// An answer with a body.
    pub fn body(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self(Ok(wit::Response { status, headers, body: body.into() }))
    }

    /// An answer in JSON.
    ///
    /// # Panics
    /// When the value has no form in JSON: the test fails there.
    #[allow(clippy::expect_used, reason = "this module is compiled for tests")]
    pub fn json<T: Serialize + ?Sized>(status: u16, value: &T) -> Self {
        Self::body(status, "application/json", serde_json::to_vec(value).expect("the reply has a form in JSON"))
    }

    /// No answer.
    pub fn error(cause: Cause) -> Self {
        Self(Err(cause))
    }

    /// With one more header. Nothing happens to a reply without an answer.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Ok(answer) = &mut self.0 {
            answer.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        self
    }
}
