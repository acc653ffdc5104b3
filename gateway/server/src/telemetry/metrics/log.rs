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
    files: Gauge,
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
        let files = Gauge::default();
        let help = "Bytes of the audit log's files: entries, hashes and journal";
        registry.register_with_unit("audit_files", help, Unit::Bytes, files.clone());
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
            files,
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
        self.files.set(count(status.file_bytes));
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

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::SystemTime};

    use super::{
        super::exposition::{says, silent},
        *,
    };

    fn status() -> LogStatus {
        LogStatus {
            size: 1_000,
            signed: 900,
            published: 800,
            published_at: UNIX_EPOCH + Duration::from_millis(1_800_000_000_900),
            groups: 40,
            backlog_bytes: 7_000,
            file_bytes: 5_000_000_000,
            append_failure: None,
            publish_failure: None,
        }
    }

    #[test]
    fn the_log_is_said_to_stand_as_it_stands() {
        let metrics = Metrics::default();
        metrics.log.stand(&status());
        let healthy = [
            "dialog_audit_size 1000",
            "dialog_audit_signed_size 900",
            "dialog_audit_published_size 800",
            "dialog_audit_published_timestamp_seconds 1800000000",
            "dialog_audit_groups_total 40",
            "dialog_audit_backlog_bytes 7000",
            "dialog_audit_files_bytes 5000000000",
            r#"dialog_audit_failing{what="append"} 0"#,
            r#"dialog_audit_failing{what="publish"} 0"#,
            "dialog_audit_forked 0",
        ];
        says(&metrics, &healthy);

        // What fails is said of the one that fails, and taken back.
        let full: Option<Arc<str>> = Some("the disk is full".into());
        metrics.log.stand(&LogStatus { append_failure: full.clone(), groups: 41, ..status() });
        says(
            &metrics,
            &[
                r#"dialog_audit_failing{what="append"} 1"#,
                r#"dialog_audit_failing{what="publish"} 0"#,
                "dialog_audit_groups_total 41",
            ],
        );
        metrics.log.stand(&LogStatus { publish_failure: full, ..status() });
        says(&metrics, &[r#"dialog_audit_failing{what="append"} 0"#, r#"dialog_audit_failing{what="publish"} 1"#]);
        metrics.log.stand(&status());
        says(&metrics, &healthy);
    }

    #[test]
    fn what_was_never_published_and_a_clock_before_1970_are_no_time_at_all() {
        let metrics = Metrics::default();
        for published_at in [SystemTime::UNIX_EPOCH, UNIX_EPOCH - Duration::from_secs(60)] {
            metrics.log.stand(&LogStatus { published_at, ..status() });
            says(&metrics, &["dialog_audit_published_timestamp_seconds 0"]);
        }
    }

    #[test]
    fn each_record_is_counted_with_how_long_it_took_until_it_was_durable() {
        let metrics = Metrics::default();
        says(&metrics, &["dialog_audit_records_total 0", "dialog_audit_append_seconds_count 0"]);
        for milliseconds in [125, 250, 250] {
            metrics.audit(Duration::from_millis(milliseconds));
        }
        says(
            &metrics,
            &[
                "dialog_audit_records_total 3",
                "dialog_audit_append_seconds_count 3",
                "dialog_audit_append_seconds_sum 0.625",
                r#"dialog_audit_append_seconds_bucket{le="0.1024"} 0"#,
                r#"dialog_audit_append_seconds_bucket{le="0.2048"} 1"#,
                r#"dialog_audit_append_seconds_bucket{le="0.4096"} 3"#,
            ],
        );
    }

    #[test]
    fn a_witness_has_all_its_answers_from_zero_on_and_the_newest_tree_that_it_has_signed() {
        let metrics = Metrics::default();
        for answer in [WitnessAnswer::Signed, WitnessAnswer::Signed, WitnessAnswer::Contradicts] {
            metrics.witness_answered("anna", answer);
        }
        metrics.witness_answered("bjarne", WitnessAnswer::Failed);
        metrics.witness_signed("anna", 700);
        metrics.witness_signed("anna", 900);
        says(
            &metrics,
            &[
                r#"dialog_audit_witness_answers_total{witness="anna",answer="signed"} 2"#,
                r#"dialog_audit_witness_answers_total{witness="anna",answer="contradicts"} 1"#,
                r#"dialog_audit_witness_answers_total{witness="anna",answer="failed"} 0"#,
                r#"dialog_audit_witness_answers_total{witness="anna",answer="stranger"} 0"#,
                r#"dialog_audit_witness_answers_total{witness="anna",answer="ahead"} 0"#,
                r#"dialog_audit_witness_answers_total{witness="bjarne",answer="failed"} 1"#,
                r#"dialog_audit_witness_answers_total{witness="bjarne",answer="signed"} 0"#,
                r#"dialog_audit_witness_size{witness="anna"} 900"#,
            ],
        );
        // Nobody says of a witness that has signed nothing how much it has signed.
        silent(&metrics, &[r#"dialog_audit_witness_size{witness="bjarne"}"#]);
    }

    #[test]
    fn a_fork_is_said_once_and_for_all() {
        let metrics = Metrics::default();
        metrics.log.stand(&status());
        says(&metrics, &["dialog_audit_forked 0"]);
        metrics.audit_forked();
        metrics.log.stand(&status());
        says(&metrics, &["dialog_audit_forked 1"]);
    }
}
