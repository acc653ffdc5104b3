//! What callers ask of the API, and what it comes to.

use std::time::Duration;

use dialog_contract::problem::ProblemType;
use dialog_core::answer::About;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::{Registry, Unit},
};

use super::{Metrics, Traced, exemplar::Exemplar, observe, seconds, short_seconds};
use crate::telemetry::stage::Stage;

/// A request of the API.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    /// HTTP method.
    method: &'static str,
    /// The route's template, never a path.
    route: String,
    /// HTTP status.
    status: u16,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProblemLabels {
    /// The problem's name.
    problem: &'static str,
}

/// What a request through a provider came to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    /// The plugin's id.
    provider: String,
    /// The service.
    service: &'static str,
    /// `ok`, or the problem's name.
    outcome: &'static str,
}

/// A service of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServiceLabels {
    /// The plugin's id.
    provider: String,
    /// The service.
    service: &'static str,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    /// The route's template.
    route: String,
}

/// A stage.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabels {
    /// Its name.
    stage: &'static str,
}

/// Through which provider a reply came, and for which service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Through {
    provider: String,
    service: &'static str,
}

impl Through {
    /// Of a request that got as far as a provider.
    #[must_use]
    pub fn of(about: &About) -> Option<Self> {
        Some(Self { provider: about.plugin.as_ref()?.to_string(), service: about.service?.as_str() })
    }
}

pub(super) struct Requests {
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Traced>,
    problems: Family<ProblemLabels, Counter>,
    outcomes: Family<OutcomeLabels, Counter>,
    service_seconds: Family<ServiceLabels, Traced>,
    stage_seconds: Family<StageLabels, Traced>,
}

impl Requests {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let requests = Family::default();
        registry.register("requests", "Requests of the API", requests.clone());
        let request_seconds = Family::<RouteLabels, Traced>::new_with_constructor(seconds);
        registry.register_with_unit("request", "How long requests take", Unit::Seconds, request_seconds.clone());
        let problems = Family::<ProblemLabels, Counter>::default();
        for problem in ProblemType::ALL {
            drop(problems.get_or_create(&ProblemLabels { problem: problem.name() }));
        }
        registry.register("problems", "Refusals by problem type", problems.clone());
        let outcomes = Family::default();
        registry.register("outcomes", "Requests through providers by service and outcome", outcomes.clone());
        let service_seconds = Family::<ServiceLabels, Traced>::new_with_constructor(seconds);
        let help = "How long requests through providers take";
        registry.register_with_unit("service", help, Unit::Seconds, service_seconds.clone());
        let stage_seconds = Family::<StageLabels, Traced>::new_with_constructor(short_seconds);
        let help = "How long requests are in each stage of their path";
        registry.register_with_unit("stage", help, Unit::Seconds, stage_seconds.clone());
        Self { requests, seconds: request_seconds, problems, outcomes, service_seconds, stage_seconds }
    }
}

impl Metrics {
    /// A request has been answered; `through` where a provider had a part in it.
    pub fn request(
        &self,
        method: &'static str,
        route: &str,
        status: u16,
        took: Duration,
        through: Option<Through>,
        exemplar: Option<Exemplar>,
    ) {
        let labels = RequestLabels { method, route: route.to_owned(), status };
        self.requests.requests.get_or_create(&labels).inc();
        if let Some(Through { provider, service }) = through {
            let of_service = self.requests.service_seconds.get_or_create(&ServiceLabels { provider, service });
            observe(&of_service, took, exemplar.clone());
        }
        observe(&self.requests.seconds.get_or_create(&RouteLabels { route: route.to_owned() }), took, exemplar);
    }

    /// What the stages of a request have taken.
    pub fn stages(&self, spent: &[(Stage, Duration)], exemplar: Option<&Exemplar>) {
        for (stage, took) in spent {
            let labels = StageLabels { stage: stage.as_str() };
            observe(&self.requests.stage_seconds.get_or_create(&labels), *took, exemplar.cloned());
        }
    }

    /// A request was refused.
    pub fn problem(&self, problem: &'static str) {
        self.requests.problems.get_or_create(&ProblemLabels { problem }).inc();
    }

    /// A request through a provider has ended; `problem` where it was refused.
    pub fn outcome(&self, through: &Through, problem: Option<ProblemType>) {
        let Through { provider, service } = through.clone();
        let labels = OutcomeLabels { provider, service, outcome: problem.map_or("ok", ProblemType::name) };
        self.requests.outcomes.get_or_create(&labels).inc();
    }
}
