//! What came of all checks, by service.

use std::fmt::{self, Write as _};

use serde::Serialize;

use crate::{Topic, Verdict};

/// What came of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// `topic.what`.
    pub id: String,
    /// What it is about.
    pub topic: Topic,
    /// A sentence that is true of a plugin that passes.
    pub title: String,
    /// How it ended.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Whether a plugin has a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Support {
    /// Every check of it that applies passes.
    Supported,
    /// The plugin does not have it.
    NotOffered,
    /// The plugin has it, and a check does not pass.
    Broken,
}

impl Support {
    /// In a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Supported => "supported",
            Self::NotOffered => "not offered",
            Self::Broken => "broken",
        }
    }
}

/// What came of all checks with one plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The plugin's id.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// By service, in the order of [`Topic::ALL`].
    pub services: Vec<Tally>,
    /// Every check, in the order that they were played.
    pub checks: Vec<Line>,
}

/// What came of the checks of one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// Which.
    pub topic: Topic,
    /// Whether the plugin has it.
    pub support: Support,
    /// Checks that passed.
    pub passed: usize,
    /// Checks of what the plugin does not offer.
    pub not_offered: usize,
    /// Checks that did not pass.
    pub broken: usize,
}

impl Tally {
    fn of(topic: Topic, lines: &[Line]) -> Self {
        let mut tally = Self { topic, support: Support::NotOffered, passed: 0, not_offered: 0, broken: 0 };
        for line in lines.iter().filter(|line| line.topic == topic) {
            match line.verdict {
                Verdict::Passed => tally.passed += 1,
                Verdict::NotOffered(_) => tally.not_offered += 1,
                Verdict::Broken(_) => tally.broken += 1,
            }
        }
        if tally.broken > 0 {
            tally.support = Support::Broken;
        } else if tally.passed > 0 {
            tally.support = Support::Supported;
        }
        tally
    }
}

impl Report {
    pub(crate) fn of((plugin, version): (String, String), checks: Vec<Line>) -> Self {
        let services = Topic::ALL.iter().map(|topic| Tally::of(*topic, &checks)).collect();
        Self { plugin, version, services, checks }
    }

    /// What did not pass.
    pub fn broken(&self) -> impl Iterator<Item = &Line> {
        self.checks.iter().filter(|line| matches!(line.verdict, Verdict::Broken(_)))
    }
}

/// A table by service, and below it what did not pass.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}\n", self.plugin, self.version)?;
        writeln!(f, "{:<26} {:<12} {:>6} {:>11} {:>6}", "service", "", "passed", "not offered", "broken")?;
        for tally in &self.services {
            let Tally { topic, support, passed, not_offered, broken } = tally;
            writeln!(f, "{:<26} {:<12} {passed:>6} {not_offered:>11} {broken:>6}", topic.name(), support.name())?;
        }
        for line in self.broken() {
            if let Verdict::Broken(why) = &line.verdict {
                writeln!(f, "\n{}: {}\n  {why}", line.id, line.title)?;
            }
        }
        Ok(())
    }
}

/// Services by provider, as a table in Markdown.
#[must_use]
pub fn matrix(reports: &[Report]) -> String {
    let mut table = String::from("| |");
    let mut rule = String::from("| --- |");
    for report in reports {
        let _ = write!(table, " `{}` |", report.plugin);
        rule.push_str(" --- |");
    }
    let _ = write!(table, "\n{rule}\n");
    for topic in Topic::ALL.into_iter().filter(|topic| *topic != Topic::Package) {
        let _ = write!(table, "| {} |", topic.name());
        for report in reports {
            let tally = report.services.iter().find(|tally| tally.topic == topic);
            let cell = match tally.map(|tally| tally.support) {
                Some(Support::Supported) => "yes",
                Some(Support::Broken) => "broken",
                Some(Support::NotOffered) | None => "–",
            };
            let _ = write!(table, " {cell} |");
        }
        table.push('\n');
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(topic: Topic, verdict: Verdict) -> Line {
        Line { id: format!("{}.x", topic.name()), topic, title: "x is y".to_owned(), verdict }
    }

    fn report() -> Report {
        let lines = vec![
            line(Topic::Inquiry, Verdict::Passed),
            line(Topic::Inquiry, Verdict::NotOffered("no files".to_owned())),
            line(Topic::Certificate, Verdict::Passed),
            line(Topic::Certificate, Verdict::Broken("z".to_owned())),
            line(Topic::Booking, Verdict::NotOffered("no slots".to_owned())),
        ];
        Report::of(("one".to_owned(), "1.0.0".to_owned()), lines)
    }

    #[test]
    fn a_service_is_supported_where_all_that_applies_passes_and_broken_by_one_that_does_not() {
        let report = report();
        let support = |topic| report.services.iter().find(|tally| tally.topic == topic).map(|tally| tally.support);
        assert_eq!(support(Topic::Inquiry), Some(Support::Supported));
        assert_eq!(support(Topic::Certificate), Some(Support::Broken));
        assert_eq!(support(Topic::Booking), Some(Support::NotOffered));
        assert_eq!(support(Topic::News), Some(Support::NotOffered));
        assert_eq!(report.broken().count(), 1);
    }

    #[test]
    fn the_table_names_what_is_broken_and_why() {
        let table = report().to_string();
        assert!(table.contains("certificate                broken"), "{table}");
        assert!(table.contains("certificate.x: x is y\n  z"), "{table}");
        let matrix = matrix(&[report()]);
        assert!(matrix.contains("| contact the office | yes |"), "{matrix}");
        assert!(matrix.contains("| certificate | broken |") && matrix.contains("| direct booking | – |"), "{matrix}");
    }
}
