//! `log`: lines for the operator, with plugin, version, call and trace; never for a citizen. A guest's panic arrives
//! here too, before its trap. Lines are bounded in number and length, cannot forge other lines, and lose the national
//! identity numbers in them. Their target is `dialog_host::guest`, for filters.

use crate::{
    bindings::host::log::{Host, Level},
    call::{Call, Identity},
    limits::{Limits, length},
    scrub,
};

/// The lines of one call.
#[derive(Debug)]
pub(crate) struct Lines {
    left: u64,
    dropped: u64,
    most_bytes: usize,
}

impl Lines {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { left: limits.log_lines, dropped: 0, most_bytes: length(limits.log_line_bytes) }
    }

    /// The line to write, if there is room for one.
    fn take(&mut self, message: &str) -> Option<String> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Some(scrub::line(message, self.most_bytes))
            }
            None => {
                self.dropped += 1;
                None
            }
        }
    }

    /// Says how many lines were not written.
    pub(crate) fn close(&self, who: &Identity) {
        if self.dropped > 0 {
            tracing::warn!(
                plugin = %who.plugin, version = %who.version, call = %who.call, trace_id = who.trace_id(),
                dropped = self.dropped, "the plugin wrote more log lines than it may"
            );
        }
    }
}

impl Host for Call {
    async fn write(&mut self, level: Level, message: String) {
        let Some(line) = self.log.take(&message) else {
            return;
        };
        let who = &self.identity;
        macro_rules! write {
            ($level:ident) => {
                tracing::$level!(
                    target: "dialog_host::guest",
                    plugin = %who.plugin, version = %who.version, call = %who.call, trace_id = who.trace_id(), "{line}"
                )
            };
        }
        match level {
            Level::Debug => write!(debug),
            Level::Info => write!(info),
            Level::Warn => write!(warn),
            Level::Error => write!(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_over_the_limit_are_counted_and_not_written() {
        let mut lines = Lines::new(&Limits { log_lines: 2, log_line_bytes: 64, ..Limits::default() });
        assert_eq!(lines.take("one").as_deref(), Some("one"));
        assert_eq!(lines.take(&"x".repeat(200)).map(|line| line.len()), Some(64));
        assert_eq!(lines.take("three"), None);
        assert_eq!(lines.dropped, 1);
    }
}
