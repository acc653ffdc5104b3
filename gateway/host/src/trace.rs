//! W3C trace context, as it passes through the host: taken from whoever calls, given to upstreams and log lines.

use std::fmt;

tokio::task_local! {
    static CURRENT: Option<Traceparent>;
}

/// A `traceparent` header (W3C Trace Context, version 00), checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traceparent(String);

impl Traceparent {
    /// Reads a header's value; none where it is not one of version 00 with a trace and a span.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let hex = |part: &str, length: usize| {
            part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let mut parts = value.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let zeros = |part: &str| part.bytes().all(|byte| byte == b'0');
        let fits = parts.next().is_none()
            && version == "00"
            && hex(trace, 32)
            && hex(span, 16)
            && hex(flags, 2)
            && !zeros(trace)
            && !zeros(span);
        fits.then(|| Self(value.to_owned()))
    }

    /// The header's value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The trace's id, 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        &self.0[3..35]
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Runs `future` as a part of this trace: plugin calls in it carry it to upstreams and log lines.
pub async fn with_traceparent<F: Future>(parent: Option<Traceparent>, future: F) -> F::Output {
    CURRENT.scope(parent, future).await
}

/// The trace that the present task is a part of, by [`with_traceparent`].
#[must_use]
pub fn current() -> Option<Traceparent> {
    CURRENT.try_with(Clone::clone).ok().flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn only_a_whole_traceparent_is_one() {
        assert_eq!(Traceparent::parse(PARENT).unwrap().trace_id(), "0af7651916cd43dd8448eb211c80319c");
        for wrong in [
            "",
            "00",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
        ] {
            assert_eq!(Traceparent::parse(wrong), None, "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn a_trace_is_known_within_its_future_and_not_outside() {
        let parent = Traceparent::parse(PARENT);
        assert_eq!(with_traceparent(parent.clone(), async { current() }).await, parent);
        assert_eq!(current(), None);
    }
}
