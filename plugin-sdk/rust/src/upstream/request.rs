use std::fmt::{self, Write as _};

use serde::Serialize;

use super::{Body, Cause, Error, Method, Response};
use crate::{bindings::capabilities::dialog::provider::upstream as wit, capabilities};

/// One request to a named remote system. Nothing happens until [`Request::send`].
#[derive(Clone)]
pub struct Request {
    upstream: String,
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Body,
    unbuilt: Option<String>,
}

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident $method:ident),* $(,)?) => {$(
        $(#[$doc])*
        pub fn $name(upstream: &str, path: &str) -> Request {
            Request::new(Method::$method, upstream, path)
        }
    )*};
}

methods! {
    /// Reads. `path` begins with `/` and stands below the operator's base URL.
    get Get,
    /// Hands something over. `path` as in [`get`].
    post Post,
    /// Replaces. `path` as in [`get`].
    put Put,
    /// Changes. `path` as in [`get`].
    patch Patch,
    /// Removes. `path` as in [`get`].
    delete Delete,
}

impl Request {
    fn new(method: Method, upstream: &str, path: &str) -> Self {
        Self {
            upstream: upstream.to_owned(),
            method,
            path: path.to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::new(),
            unbuilt: None,
        }
    }

    /// Adds one segment to the path, percent-encoded: for identifiers. An empty one, `.`, `..` and one with a slash
    /// would lead elsewhere, and [`Request::send`] refuses them.
    #[must_use]
    pub fn segment(mut self, segment: impl AsRef<str>) -> Self {
        let segment = segment.as_ref();
        if matches!(segment, "" | "." | "..") || segment.contains(['/', '\\']) {
            self.unbuilt = Some("a path segment that is empty, dots or has a slash in it".to_owned());
            return self;
        }
        if !self.path.ends_with('/') {
            self.path.push('/');
        }
        for byte in segment.bytes() {
            // RFC 3986, 2.3: the unreserved characters.
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                self.path.push(byte as char);
            } else {
                // Writing to a string does not fail.
                let _ = write!(self.path, "%{byte:02X}");
            }
        }
        self
    }

    /// Adds a query parameter. The gateway encodes it.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds a header. The gateway sets `host`, `authorization`, `cookie`, `content-length`, `traceparent` and connection
    /// headers itself and refuses them here.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// Sets the body and its `content-type`.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl Into<Body>) -> Self {
        self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        self.body = body.into();
        self.header("content-type", content_type)
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(json) => self.body("application/json", json),
            Err(_) => {
                self.unbuilt = Some("a body that has no form in JSON".to_owned());
                self
            }
        }
    }

    /// Sends the request and waits for the answer, whatever its status. Redirects are answers, not followed.
    pub fn send(self) -> Result<Response, Error> {
        let Self { upstream, method, path, query, headers, body, unbuilt } = self;
        if let Some(rule) = unbuilt {
            return Err(Error { upstream, method, cause: Cause::Forbidden(rule) });
        }
        let request = wit::Request { upstream, method, path, query, headers, body: body.segments };
        let answer = capabilities::upstream::send(&request);
        let upstream = request.upstream;
        match answer {
            Ok(wit::Response { status, headers, body }) => Ok(Response { upstream, method, status, headers, body }),
            Err(cause) => Err(Error { upstream, method, cause }),
        }
    }
}

/// Neither path, query, headers nor body: they hold who and what.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("upstream", &self.upstream)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}
