//! The audit log: how it grows, how far it is signed and public, what fails, and what its witnesses say.

use std::{
    sync::atomic::Ordering,
    time::{Duration, UNIX_EPOCH},
};

use dialog_audit::LogStatus;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::{Metrics, Traced, count, exemplar::Exemplar, observe, short_seconds};

/// A witness of the audit log, and what its answer came to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    /// What the policy calls it.
    witness: String,
    /// What it came to.
    answer: &'static str,
}

/// A witness of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WitnessLabels {
    /// What the policy calls it.
    witness: String,
}

/// What asking a witness came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WitnessAnswer {
    /// It has signed.
    Signed,
    /// It could not be reached, or its answer not be used.
    Failed,
    /// It does not know the log.
    Stranger,
    /// It knows a larger tree.
    Ahead,
    /// It knows another tree.
    Contradicts,
}

impl WitnessAnswer {
    const ALL: [Self; 5] = [Self::Signed, Self::Failed, Self::Stranger, Self::Ahead, Self::Contradicts];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Failed => "failed",
            Self::Stranger => "stranger",
            Self::Ahead => "ahead",
            Self::Contradicts => "contradicts",
        }
    }
}

/// Something that is done to the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WhatLabels {
    /// `append` or `publish`.
    what: &'static str,
}

pub(super) struct LogMetrics {
    records: Counter,
    append: Traced,
    groups: Counter,
    size: Gauge,
    signed: Gauge,
    published: Gauge,
    published_at: Gauge,
    backlog: Gauge,
    failing: Family<WhatLabels, Gauge>,
    forked: Gauge,
    answers: Family<AnswerLabels, Counter>,
    witnessed: Family<WitnessLabels, Gauge>,
}

impl LogMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let records = Counter::default();
        registry.register("audit_records", "Records appended to the audit log", records.clone());
        let append = short_seconds();
        let help = "How long it takes until a record is durable";
        registry.register_with_unit("audit_append", help, Unit::Seconds, append.clone());
        let groups = Counter::default();
        let help = "Groups of records that were made durable together";
        registry.register("audit_groups", help, groups.clone());
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let size = gauge("audit_size", "Records in the audit log");
        let signed = gauge("audit_signed_size", "Records under the newest signed checkpoint");
        let published = gauge("audit_published_size", "Records under the public checkpoint");
        let published_at =
            gauge("audit_published_timestamp_seconds", "When the public checkpoint was written, in seconds since 1970");
        let backlog = gauge("audit_backlog_bytes", "Bytes of durable records that are not in tiles yet");
        let forked = gauge("audit_forked", "Whether witnesses have signed another tree of this log");
        let failing = Family::default();
        registry.register("audit_failing", "Whether the audit log cannot be written", failing.clone());
        let answers = Family::default();
        registry.register("audit_witness_answers", "Answers of the audit log's witnesses", answers.clone());
        let witnessed = Family::default();
        let help = "Records in the newest tree that a witness has signed";
        registry.register("audit_witness_size", help, witnessed.clone());
        Self {
            records,
            append,
            groups,
            size,
            signed,
            published,
            published_at,
            backlog,
            failing,
            forked,
            answers,
            witnessed,
        }
    }

    pub(super) fn stand(&self, status: &LogStatus) {
        self.size.set(count(status.size));
        self.signed.set(count(status.signed));
        self.published.set(count(status.published));
        // A clock before 1970 is no clock.
        let published_at = status.published_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.published_at.set(count(published_at.as_secs()));
        self.backlog.set(count(status.backlog_bytes));
        // The log counts for itself; it counts up only.
        self.groups.inner().store(status.groups, Ordering::Relaxed);
        for (what, failure) in [("append", &status.append_failure), ("publish", &status.publish_failure)] {
            self.failing.get_or_create(&WhatLabels { what }).set(failure.is_some().into());
        }
    }
}

impl Metrics {
    /// A record is durable in the audit log.
    pub fn audit(&self, took: Duration) {
        self.log.records.inc();
        observe(&self.log.append, took, Exemplar::here());
    }

    /// A witness of the audit log has answered, or has not.
    pub fn witness_answered(&self, witness: &str, answer: WitnessAnswer) {
        for other in WitnessAnswer::ALL {
            drop(self.log.answers.get_or_create(&AnswerLabels { witness: witness.to_owned(), answer: other.as_str() }));
        }
        self.log.answers.get_or_create(&AnswerLabels { witness: witness.to_owned(), answer: answer.as_str() }).inc();
    }

    /// How much a witness has signed of the audit log.
    pub fn witness_signed(&self, witness: &str, size: u64) {
        self.log.witnessed.get_or_create(&WitnessLabels { witness: witness.to_owned() }).set(count(size));
    }

    /// Witnesses have signed another tree of the audit log than the one that is here.
    pub fn audit_forked(&self) {
        self.log.forked.set(1);
    }
}
