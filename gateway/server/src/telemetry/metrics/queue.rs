//! What waits for providers, and whose answers are overdue.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use dialog_contract::{ids::HerId, service::Service};
use dialog_core::{Desk, Overdue, Waiting};
use jiff::Timestamp;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use tokio::sync::Mutex;

use super::{Metrics, count};
use crate::limits::OVERDUE_OFFICES;

/// A count is good for so long: whoever asks for metrics all the time does not make the store count all the time.
const FRESH: Duration = Duration::from_secs(5);

/// A service.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServiceLabels {
    /// As the API writes it.
    service: &'static str,
}

/// A service of an office.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfficeLabels {
    /// Its HER-id; `other` for those beyond the bound.
    office: String,
    /// As the API writes it.
    service: &'static str,
}

pub(super) struct Queue {
    due: Gauge,
    depth: Family<ServiceLabels, Gauge>,
    oldest: Gauge,
    overdue: Family<OfficeLabels, Gauge>,
    counted: Mutex<Option<Instant>>,
}

impl Queue {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let due = Gauge::default();
        registry.register("queue_due", "What was due for another attempt, in the last run", due.clone());
        let depth = Family::default();
        registry.register("queue_depth", "Dialogs that wait for their provider to come back", depth.clone());
        let oldest = Gauge::default();
        let help = "How long ago the citizen asked for what has waited longest; 0 where nothing waits";
        registry.register_with_unit("queue_oldest", help, Unit::Seconds, oldest.clone());
        let overdue = Family::default();
        let help = "Dialogs whose office should have answered by now and has not";
        registry.register("overdue", help, overdue.clone());
        Self { due, depth, oldest, overdue, counted: Mutex::default() }
    }
}

impl Metrics {
    /// How much was due for another attempt, in the last run.
    pub fn queue(&self, due: usize) {
        self.queue.due.set(count(due));
    }

    /// Has the desk count what waits and what is overdue, unless that was just done. What cannot be counted stays as it
    /// was, and is said in the log.
    pub async fn count(&self, desk: &Desk, now: Timestamp) {
        let mut counted = self.queue.counted.lock().await;
        if counted.is_some_and(|at| at.elapsed() < FRESH) {
            return;
        }
        match desk.notices_waiting().await {
            Ok(waiting) => self.notices_waiting(waiting),
            Err(error) => tracing::error!(%error, "what citizens are to be told could not be counted"),
        }
        match desk.errands_waiting().await {
            Ok(waiting) => self.errands_waiting(&waiting, now),
            Err(error) => tracing::error!(%error, "what is owed to others could not be counted"),
        }
        match desk.waiting().await {
            Ok(waiting) => self.waiting(&waiting, now),
            Err(error) => tracing::error!(%error, "what waits could not be counted"),
        }
        match desk.overdue(now).await {
            Ok(overdue) => self.overdue(&overdue),
            Err(error) => tracing::error!(%error, "what is overdue could not be counted"),
        }
        *counted = Some(Instant::now());
    }

    /// What waits at `now`.
    pub fn waiting(&self, waiting: &Waiting, now: Timestamp) {
        for &service in Service::ALL {
            let depth = waiting.dialogs.get(&service).copied().unwrap_or_default();
            self.queue.depth.get_or_create(&ServiceLabels { service: service.as_str() }).set(count(depth));
        }
        let age = waiting.since.map_or(0, |since| now.duration_since(since).as_secs().max(0));
        self.queue.oldest.set(age);
    }

    /// What is overdue.
    pub fn overdue(&self, overdue: &Overdue) {
        // Written while nobody reads it half.
        let _writing = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.queue.overdue.clear();
        for (office, service, overdue) in named(overdue, OVERDUE_OFFICES) {
            let labels = OfficeLabels { office, service: service.as_str() };
            self.queue.overdue.get_or_create(&labels).set(count(overdue));
        }
    }
}

/// The offices with the most overdue by name, at most `most` of them; the others together.
fn named(overdue: &Overdue, most: usize) -> Vec<(String, Service, u64)> {
    let mut of_office = BTreeMap::<HerId, u64>::new();
    for ((office, _), overdue) in overdue {
        *of_office.entry(*office).or_default() += overdue;
    }
    let mut worst: Vec<(u64, HerId)> = of_office.into_iter().map(|(office, overdue)| (overdue, office)).collect();
    worst.sort_unstable_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
    worst.truncate(most);
    let mut sums = BTreeMap::<(String, Service), u64>::new();
    for ((office, service), overdue) in overdue {
        let is_named = worst.iter().any(|(_, named)| named == office);
        let name = if is_named { office.to_string() } else { "other".to_owned() };
        *sums.entry((name, *service)).or_default() += overdue;
    }
    sums.into_iter().map(|((office, service), overdue)| (office, service, overdue)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_worst_offices_have_their_names_and_the_others_are_counted_together() {
        let office = |number: u32| HerId::try_from(number).unwrap();
        let overdue = Overdue::from([
            ((office(1), Service::Consultation), 1),
            ((office(2), Service::Consultation), 5),
            ((office(2), Service::Inquiry), 1),
            ((office(3), Service::Consultation), 3),
            ((office(4), Service::Consultation), 2),
        ]);
        let shown: Vec<String> =
            named(&overdue, 2).iter().map(|(office, service, n)| format!("{office} {service} {n}")).collect();
        assert_eq!(shown, ["2 consultation 5", "2 inquiry 1", "3 consultation 3", "other consultation 3"]);
        assert!(named(&Overdue::new(), 2).is_empty());
    }
}
