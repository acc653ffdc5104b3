//! What a gateway says at `/metrics`, line by line, for the tests of each room.
#![allow(clippy::panic, reason = "a test fails by panicking")]

use super::Metrics;

fn lines(metrics: &Metrics) -> Vec<String> {
    let text = metrics.text();
    assert!(text.ends_with("# EOF\n"), "{text}");
    text.lines().map(str::to_owned).collect()
}

/// Every one of these lines is said, as it stands here.
pub(super) fn says(metrics: &Metrics, expected: &[&str]) {
    let said = lines(metrics);
    for line in expected {
        assert!(said.iter().any(|said| said == line), "{line} is not among\n{}", said.join("\n"));
    }
}

/// Nothing is said that begins so.
pub(super) fn silent(metrics: &Metrics, beginnings: &[&str]) {
    let said = lines(metrics);
    for beginning in beginnings {
        let line = said.iter().find(|line| line.starts_with(beginning));
        assert!(line.is_none(), "{line:?} is said");
    }
}
