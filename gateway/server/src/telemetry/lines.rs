//! Lines of the log as JSON, each with the trace and the span that it was written in at its top: whoever has a trace id from
//! a reply, a record or a dashboard finds the lines by it.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use tracing::{Event, Subscriber, dispatcher::WeakDispatch};
use tracing_opentelemetry::get_otel_context;
use tracing_subscriber::{
    fmt::{
        FmtContext,
        format::{FormatEvent, FormatFields, Writer},
    },
    registry::LookupSpan,
};

/// Where spans are looked up: whoever takes in lines and spans, said once all of it is set up.
pub type Dispatched = Arc<OnceLock<WeakDispatch>>;

/// Puts `trace_id` and `span_id` before what another formatter writes.
pub struct WithTrace<F> {
    inner: F,
    dispatched: Dispatched,
}

impl<F> WithTrace<F> {
    /// Before what `inner` writes, which must be one JSON object.
    pub const fn new(inner: F, dispatched: Dispatched) -> Self {
        Self { inner, dispatched }
    }

    fn span<S, N>(&self, context: &FmtContext<'_, S, N>) -> Option<SpanContext>
    where
        S: Subscriber + for<'lookup> LookupSpan<'lookup>,
        N: for<'writer> FormatFields<'writer> + 'static,
    {
        let span = context.lookup_current()?;
        let dispatch = self.dispatched.get()?.upgrade()?;
        let found = get_otel_context(&span.id(), &dispatch)?.span().span_context().clone();
        found.is_valid().then_some(found)
    }
}

impl<S, N, F> FormatEvent<S, N> for WithTrace<F>
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    N: for<'writer> FormatFields<'writer> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let Some(span) = self.span(context) else { return self.inner.format_event(context, writer, event) };
        let mut line = String::new();
        self.inner.format_event(context, Writer::new(&mut line), event)?;
        let rest = line.strip_prefix('{').ok_or(fmt::Error)?;
        writer.write_char('{')?;
        // Some say it themselves: those of plugin calls, which also tests of the host alone look for.
        if event.metadata().fields().field("trace_id").is_none() {
            write!(writer, r#""trace_id":"{}","#, span.trace_id())?;
        }
        write!(writer, r#""span_id":"{}",{rest}"#, span.span_id())
    }
}
