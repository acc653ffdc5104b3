use std::fmt;

use serde::de::DeserializeOwned;

use super::Method;
use crate::types::{Failure, Sent};

/// The answer of a remote system.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    pub(crate) upstream: String,
    pub(crate) method: Method,
    /// HTTP status.
    pub status: u16,
    /// Lower-case names; credentials are not among them.
    pub headers: Vec<(String, String)>,
    /// As it came.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The response itself where its status is 2xx, else what the status means:
    ///
    /// | status | failure | sent |
    /// | --- | --- | --- |
    /// | 429, 503 | `unavailable`, after `Retry-After` | no: it did not take it |
    /// | 401, 403, 407 | `unavailable`: the operator's credentials do not suffice | no |
    /// | 408, 500, 502, 504 | `unavailable` | unknown |
    /// | other 4xx | `faulty`: refused for a reason that the plugin does not know | no |
    /// | all other | `faulty` | unknown |
    ///
    /// A request that only reads has sent nothing, whatever the status. Handle first what the status means to *this*
    /// request: a 404 may be `not-found`, a 409 `conflict`.
    pub fn success(self) -> Result<Self, Failure> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let (faulty, sent) = match self.status {
            429 | 503 | 401 | 403 | 407 => (false, Sent::No),
            408 | 500 | 502 | 504 => (false, Sent::Unknown),
            400..=499 => (true, Sent::No),
            _ => (true, Sent::Unknown),
        };
        let sent = if reads_only(self.method) { Sent::No } else { sent };
        let detail = format!("upstream `{}` answered with status {}", self.upstream, self.status);
        if faulty {
            return Err(Failure::faulty(sent, detail));
        }
        // RFC 9110, 10.2.3: seconds, or a date that nobody here needs.
        let wait = self.header("retry-after").and_then(|wait| wait.trim().parse().ok());
        Err(Failure::unavailable(sent, detail).retry_after(wait))
    }

    /// The body as JSON. One that is not, or of another shape, is `faulty`; where, but not what, is told.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let why = match error.classify() {
                serde_json::error::Category::Data => "is JSON of another shape than expected",
                _ => "is not JSON",
            };
            self.unreadable(format!("{why} (line {}, column {})", error.line(), error.column()))
        })
    }

    /// The body as text. One that is not UTF-8 is `faulty`.
    pub fn text(&self) -> Result<&str, Failure> {
        std::str::from_utf8(&self.body)
            .map_err(|error| self.unreadable(format!("is not UTF-8 after {} bytes", error.valid_up_to())))
    }

    /// `faulty`, for an answer that the plugin itself cannot make sense of. `why` completes "the answer of upstream x",
    /// for the operator, without content.
    pub fn unreadable(&self, why: impl fmt::Display) -> Failure {
        let sent = if reads_only(self.method) { Sent::No } else { Sent::Yes };
        Failure::faulty(sent, format!("the answer of upstream `{}` {why}", self.upstream))
    }
}

/// RFC 9110, 9.2.1: safe methods hand nothing over.
pub(super) fn reads_only(method: Method) -> bool {
    method == Method::Get
}

/// Neither headers nor body: they hold content.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("upstream", &self.upstream)
            .field("method", &self.method)
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn answer(method: Method, status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        Response {
            upstream: "api".to_owned(),
            method,
            status,
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.as_bytes().to_vec(),
        }
    }

    fn sent(failure: &Failure) -> Option<Sent> {
        match failure {
            Failure::Unavailable(outage) => Some(outage.sent),
            Failure::Faulty(fault) => Some(fault.sent),
            _ => None,
        }
    }

    #[test]
    fn a_status_says_whether_something_was_sent() {
        for (status, unavailable, known) in [
            (429, true, Sent::No),
            (503, true, Sent::No),
            (401, true, Sent::No),
            (504, true, Sent::Unknown),
            (500, true, Sent::Unknown),
            (422, false, Sent::No),
            (302, false, Sent::Unknown),
        ] {
            let failure = answer(Method::Post, status, &[], "").success().unwrap_err();
            assert_eq!(matches!(failure, Failure::Unavailable(_)), unavailable, "{status}");
            assert_eq!(sent(&failure), Some(known), "{status}");
            let failure = answer(Method::Get, status, &[], "").success().unwrap_err();
            assert_eq!(sent(&failure), Some(Sent::No), "a read, {status}");
        }
    }

    #[test]
    fn a_busy_provider_says_when_to_come_back() {
        let Failure::Unavailable(outage) =
            answer(Method::Post, 503, &[("retry-after", "30")], "").success().unwrap_err()
        else {
            unreachable!("another failure")
        };
        assert_eq!(outage.retry_after, Some(30));
    }

    #[test]
    fn an_unreadable_answer_tells_where_but_not_what() {
        let failure = answer(Method::Post, 200, &[], "{\"pid\": \"01017012345\"}").json::<Vec<u8>>().unwrap_err();
        assert_eq!(sent(&failure), Some(Sent::Yes));
        assert!(!format!("{failure:?}").contains("01017012345"), "{failure:?}");
    }
}
