//! OpenTelemetry traces from a file: one `ExportTraceServiceRequest` in OTLP's JSON a line, as a collector's file exporter
//! writes them. What comes from there was signed by nobody; it is shown beside what the log says, never in its place.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::line::plain;
use crate::output::Failure;
use crate::trace::milliseconds;
use crate::tree::Node;

/// Longest line, in bytes: a collector's largest batch.
const MAX_LINE_BYTES: u64 = 4 * 1024 * 1024;

/// Most spans of one trace.
const MAX_SPANS: usize = 10_000;

/// Deepest nesting that is drawn: what goes deeper hangs in a circle, or is none of ours.
const MAX_DEPTH: usize = 64;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    #[serde(default)]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans {
    #[serde(default)]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Deserialize)]
struct ScopeSpans {
    #[serde(default)]
    spans: Vec<Span>,
}

/// A span.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Span {
    #[serde(default)]
    trace_id: String,
    #[serde(default)]
    span_id: String,
    #[serde(default)]
    parent_span_id: String,
    #[serde(default)]
    name: String,
    #[serde(default, deserialize_with = "nanoseconds")]
    start_time_unix_nano: u64,
    #[serde(default, deserialize_with = "nanoseconds")]
    end_time_unix_nano: u64,
}

/// OTLP's JSON writes 64-bit numbers as text.
fn nanoseconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    number.ok_or_else(|| serde::de::Error::custom("a time is a number of nanoseconds"))
}

impl Span {
    pub(crate) fn json(&self) -> Value {
        json!({
            "span": self.span_id, "parent": self.parent_span_id, "name": self.name,
            "startUnixNano": self.start_time_unix_nano, "microseconds": self.took() / 1000,
        })
    }

    fn took(&self) -> u64 {
        self.end_time_unix_nano.saturating_sub(self.start_time_unix_nano)
    }
}

/// The spans of a trace, earliest first.
pub(crate) fn read(path: &Path, trace: &str) -> Result<Vec<Span>, Failure> {
    let shown = path.display();
    let unreadable = |why: std::io::Error| Failure::used_wrongly(format!("cannot read {shown}: {why}"));
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    let (mut line, mut number, mut spans) = (Vec::new(), 0_u64, Vec::new());
    loop {
        line.clear();
        number += 1;
        let read = file.by_ref().take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut line).map_err(unreadable)?;
        if read == 0 {
            break;
        }
        let wrong = |why: &str| Failure::used_wrongly(format!("{shown}, line {number}: {why}"));
        if line.len() as u64 > MAX_LINE_BYTES {
            return Err(wrong("it is longer than 4 MiB"));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let request: Request =
            serde_json::from_slice(&line).map_err(|_| wrong("it is no ExportTraceServiceRequest in JSON"))?;
        let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        spans.extend(scopes.flat_map(|scope| scope.spans).filter(|span| span.trace_id.eq_ignore_ascii_case(trace)));
        if spans.len() > MAX_SPANS {
            return Err(wrong("the trace has more than 10,000 spans"));
        }
    }
    spans.sort_by_key(|span| span.start_time_unix_nano);
    Ok(spans)
}

/// The spans as a tree, each with the time that it spent itself.
pub(crate) fn draw(spans: &[Span]) -> Node {
    let ids: BTreeMap<&str, usize> = spans.iter().enumerate().map(|(at, span)| (span.span_id.as_str(), at)).collect();
    let mut under: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for (at, span) in spans.iter().enumerate() {
        // A parent that is not in the file is the caller's, or was not sampled.
        let parent = ids.get(span.parent_span_id.as_str()).copied().filter(|parent| *parent != at);
        under.entry(parent).or_default().push(at);
    }
    let mut root = Node::new(format!("telemetry: {} spans (signed by nobody)", spans.len()));
    for at in under.get(&None).into_iter().flatten() {
        root.add(node(*at, spans, &under, MAX_DEPTH));
    }
    root
}

fn node(at: usize, spans: &[Span], under: &BTreeMap<Option<usize>, Vec<usize>>, depth: usize) -> Node {
    let span = &spans[at];
    let children = under.get(&Some(at)).map_or(&[][..], Vec::as_slice);
    let itself = milliseconds(own_time(span, children.iter().map(|child| &spans[*child])) / 1000);
    let mut node =
        Node::new(format!("{}  {}, {itself} of it itself", plain(&span.name), milliseconds(span.took() / 1000)));
    if depth > 0 {
        for child in children {
            node.add(self::node(*child, spans, under, depth - 1));
        }
    }
    node
}

/// The nanoseconds of a span in which none of its children ran. They come in the order of their start, and may overlap.
fn own_time<'a>(span: &Span, children: impl Iterator<Item = &'a Span>) -> u64 {
    let (mut own, mut until) = (0, span.start_time_unix_nano);
    for child in children {
        let start = child.start_time_unix_nano.clamp(until, span.end_time_unix_nano.max(until));
        own += start - until;
        until = until.max(child.end_time_unix_nano.min(span.end_time_unix_nano)).max(start);
    }
    own + span.end_time_unix_nano.saturating_sub(until)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
    use super::*;

    fn span(id: &str, parent: &str, start: u64, end: u64) -> Span {
        Span {
            trace_id: "t".to_owned(),
            span_id: id.to_owned(),
            parent_span_id: parent.to_owned(),
            name: id.to_owned(),
            start_time_unix_nano: start * 1_000_000,
            end_time_unix_nano: end * 1_000_000,
        }
    }

    #[test]
    fn a_spans_own_time_is_what_no_child_covers() {
        let spans =
            [span("a", "outside", 0, 100), span("b", "a", 10, 50), span("c", "a", 40, 60), span("d", "b", 10, 30)];
        let drawn = draw(&spans).draw();
        assert_eq!(
            drawn,
            [
                "telemetry: 4 spans (signed by nobody)",
                "└─ a  100.0 ms, 50.0 ms of it itself",
                "   ├─ b  40.0 ms, 20.0 ms of it itself",
                "   │  └─ d  20.0 ms, 20.0 ms of it itself",
                "   └─ c  20.0 ms, 20.0 ms of it itself",
            ]
        );
    }

    #[test]
    fn spans_in_a_circle_are_not_followed_round() {
        assert_eq!(draw(&[span("a", "b", 0, 1), span("b", "a", 0, 1), span("c", "c", 0, 1)]).draw().len(), 2);
    }
}
