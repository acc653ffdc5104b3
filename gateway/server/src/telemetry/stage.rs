//! Where the time of a request goes: its stages are spans, wherever in the house they stand, and a layer adds up what each
//! took. So a stage is named in one place, where it happens, and is seen in traces and in metrics alike.

use std::time::{Duration, Instant};

use tracing::{Metadata, Span, Subscriber, span};
use tracing_subscriber::{
    Layer, Registry,
    filter::{FilterFn, filter_fn},
    layer::Context,
    registry::LookupSpan,
};

/// A stage of a request's path, as the README draws it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The token becomes a permit.
    Authenticate,
    /// The body is read, and held against its schema.
    Validate,
    /// From the citizen to GP, office, agreement and plugin.
    Route,
    /// The intent becomes durable.
    Intent,
    /// The plugin is called.
    Call,
    /// What came back is held against the contract.
    Check,
    /// The outcome becomes durable.
    Outcome,
    /// What leaves is written.
    Reply,
}

impl Stage {
    /// Every stage, in the order of the path.
    pub const ALL: [Self; 8] = [
        Self::Authenticate,
        Self::Validate,
        Self::Route,
        Self::Intent,
        Self::Call,
        Self::Check,
        Self::Outcome,
        Self::Reply,
    ];

    /// As metrics name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::Validate => "validate",
            Self::Route => "route",
            Self::Intent => "intent",
            Self::Call => "call",
            Self::Check => "check",
            Self::Outcome => "outcome",
            Self::Reply => "reply",
        }
    }

    /// The span's name.
    const fn span(self) -> &'static str {
        match self {
            Self::Call => "plugin.call",
            _ => self.as_str(),
        }
    }

    fn of(metadata: &Metadata<'_>) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.span() == metadata.name())
    }
}

/// The span of a whole request.
const REQUEST: &str = "request";

/// When a span of a stage began.
struct Began(Instant);

/// What the stages of a request have taken so far.
#[derive(Default)]
struct Spent(Vec<(Stage, Duration)>);

/// Adds up what the stages of each request take. What ends after its request's reply is not a part of it.
#[derive(Debug)]
pub struct Stages(());

impl Stages {
    /// The layer, which looks at nothing but requests and their stages.
    pub fn layer<S>() -> impl Layer<S>
    where
        S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    {
        let wanted: fn(&Metadata<'_>) -> bool = |metadata| {
            metadata.is_span()
                && metadata.target().starts_with("dialog_")
                && (metadata.name() == REQUEST || Stage::of(metadata).is_some())
        };
        let filter: FilterFn = filter_fn(wanted);
        Layer::<S>::with_filter(Self(()), filter)
    }
}

impl<S> Layer<S> for Stages
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            if Stage::of(attributes.metadata()).is_some() {
                span.extensions_mut().insert(Began(Instant::now()));
            } else {
                span.extensions_mut().insert(Spent::default());
            }
        }
    }

    fn on_close(&self, id: span::Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(stage) = Stage::of(span.metadata()) else { return };
        let took = span.extensions().get::<Began>().map(|began| began.0.elapsed());
        let request = span.scope().find(|above| above.name() == REQUEST);
        if let (Some(took), Some(request)) = (took, request)
            && let Some(spent) = request.extensions_mut().get_mut::<Spent>()
        {
            match spent.0.iter_mut().find(|(known, _)| *known == stage) {
                Some((_, sum)) => *sum += took,
                None => spent.0.push((stage, took)),
            }
        }
    }
}

/// What each stage of a request has taken, by the request's span; nothing where nobody adds it up.
#[must_use]
pub fn spent(request: &Span) -> Vec<(Stage, Duration)> {
    let spent = request.with_subscriber(|(id, dispatch)| {
        let spans = dispatch.downcast_ref::<Registry>()?;
        let mut spent = None;
        if let Some(span) = spans.span(id) {
            spent = span.extensions_mut().remove::<Spent>();
        }
        spent
    });
    spent.flatten().unwrap_or_default().0
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn what_a_stage_takes_is_added_to_its_request_and_to_no_other() {
        let subscriber = tracing_subscriber::registry().with(Stages::layer());
        tracing::subscriber::with_default(subscriber, || {
            let (one, other) = (tracing::info_span!("request"), tracing::info_span!("request"));
            one.in_scope(|| {
                for _ in 0..2 {
                    tracing::info_span!("route").in_scope(|| std::thread::sleep(Duration::from_millis(2)));
                }
                // Deeper down, and under a span that is none of the stages.
                tracing::info_span!("something").in_scope(|| tracing::info_span!("plugin.call").in_scope(|| {}));
            });
            tracing::info_span!("route").in_scope(|| {});
            let spent = spent(&one);
            let stages: Vec<&str> = spent.iter().map(|(stage, _)| stage.as_str()).collect();
            assert_eq!(stages, ["route", "call"]);
            assert!(spent[0].1 >= Duration::from_millis(4), "{spent:?}");
            assert!(self::spent(&other).is_empty() && self::spent(&one).is_empty(), "it is taken once");
        });
    }
}
