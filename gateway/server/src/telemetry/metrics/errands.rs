//! What the gateway owes others, and what came of it.

use dialog_core::{ErrandKind, ErrandOutcome, ErrandsDone, ErrandsWaiting};
use jiff::Timestamp;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::{Metrics, count};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    errand: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    errand: &'static str,
}

pub(super) struct Errands {
    ended: Family<Labels, Counter>,
    waiting: Family<KindLabels, Gauge>,
    oldest: Family<KindLabels, Gauge>,
}

impl Errands {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let ended = Family::<Labels, Counter>::default();
        registry.register("errands", "Attempts at what the gateway owes others, and what came of them", ended.clone());
        for kind in ErrandKind::ALL {
            for outcome in ErrandOutcome::ALL {
                drop(ended.get_or_create(&Labels { errand: kind.as_str(), outcome: outcome.as_str() }));
            }
        }
        let waiting = Family::default();
        registry.register("errands_waiting", "What the gateway owes others and has not done", waiting.clone());
        let oldest = Family::default();
        let help = "How long ago came to be what the gateway has owed others longest; 0 where it owes nothing";
        registry.register_with_unit("errands_oldest", help, Unit::Seconds, oldest.clone());
        Self { ended, waiting, oldest }
    }
}

impl Metrics {
    /// What a run of errands came to.
    pub fn errands(&self, done: &ErrandsDone) {
        for (kind, outcome) in &done.ended {
            let labels = Labels { errand: kind.as_str(), outcome: outcome.as_str() };
            self.errands.ended.get_or_create(&labels).inc();
        }
    }

    /// What waits.
    pub fn errands_waiting(&self, waiting: &ErrandsWaiting, now: Timestamp) {
        for kind in ErrandKind::ALL {
            let (number, since) = waiting.get(&kind).copied().unwrap_or_default();
            let labels = KindLabels { errand: kind.as_str() };
            self.errands.waiting.get_or_create(&labels).set(count(number));
            let age = since.map_or(0, |since| now.duration_since(since).as_secs().max(0));
            self.errands.oldest.get_or_create(&labels).set(age);
        }
    }
}
