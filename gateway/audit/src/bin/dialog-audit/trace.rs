//! `dialog-audit trace`: what the log says of a trace, as a tree that is read from top to bottom.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::PathBuf;

use dialog_audit::records::{Filter, Record};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::access::Place;
use crate::line::{self, plain};
use crate::otlp::{self, Span};
use crate::output::{Failure, Output};
use crate::search::{IndexPlace, Search};
use crate::tree::Node;

/// Most records of a trace or dialog that are shown: they are held in memory, and no request makes more than a few.
pub(crate) const MAX_RECORDS: usize = 100_000;

/// Hexadecimal digits of a digest that are shown; the whole is in the JSON.
const SHOWN_DIGEST: usize = 12;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// The trace (32 hexadecimal digits), as `traceId` of a problem or the records have it.
    trace: String,
    /// OpenTelemetry traces, as a collector's file exporter writes them (OTLP in JSON lines): spans of the trace are
    /// shown under it.
    #[arg(long, value_name = "FILE")]
    otlp: Option<PathBuf>,
    #[command(flatten)]
    index: IndexPlace,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<(), Failure> {
    if arguments.trace.len() != 32 || !arguments.trace.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Failure::used_wrongly("a trace id has 32 hexadecimal digits"));
    }
    let trace = arguments.trace.to_ascii_lowercase();
    let (reader, believed) = arguments.place.reader("show")?;
    let search =
        Search { place: &arguments.place, index: &arguments.index, reader: &reader, checked: believed.is_some() };
    let filter = Filter { trace: Some(trace.clone()), ..Filter::default() };
    let records = collect(&search, &filter, output)?;
    let spans = arguments.otlp.as_deref().map(|path| otlp::read(path, &trace)).transpose()?.unwrap_or_default();
    if records.is_empty() && spans.is_empty() {
        return Err(Failure::found_wrong(format!("the log holds nothing of the trace {trace}")));
    }
    let requests = requests(&records);
    if output.in_json() {
        let requests: Vec<Value> = requests.iter().map(Request::json).collect();
        let spans: Vec<Value> = spans.iter().map(Span::json).collect();
        return output.line(&json!({ "ok": true, "trace": trace, "requests": requests, "spans": spans }).to_string());
    }
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let mut root = Node::new(format!(
        "trace {trace}: {} in {}",
        plural(records.len(), "record"),
        plural(requests.len(), "request")
    ));
    for request in &requests {
        root.add(request.draw());
    }
    if !spans.is_empty() {
        root.add(otlp::draw(&spans));
    }
    root.draw().iter().try_for_each(|line| output.line(line))
}

/// The wanted records, in order.
pub(crate) fn collect(
    search: &Search<'_>,
    filter: &Filter,
    output: &mut Output,
) -> Result<Vec<(u64, Record)>, Failure> {
    let mut records = Vec::new();
    search.each(filter, 0..u64::MAX, output, |_, entry, record| {
        if let Some(record) = record {
            records.push((entry.index, record.clone()));
        }
        Ok(if records.len() == MAX_RECORDS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    if records.len() == MAX_RECORDS {
        output.remark(&format!("only the first {MAX_RECORDS} records are shown: use `show` for all"));
    }
    Ok(records)
}

/// Records that a later record of the same request put aside: they tell what did not come to be.
pub(crate) fn superseded(records: &[(u64, Record)]) -> BTreeSet<u64> {
    let requests: BTreeMap<u64, Option<&str>> =
        records.iter().map(|(index, record)| (*index, record.text("/request"))).collect();
    records
        .iter()
        .filter_map(|(index, record)| {
            record.supersedes().filter(|earlier| earlier < index).zip(record.text("/request"))
        })
        // Only its own request's: a record does not speak for another.
        .filter(|(earlier, request)| requests.get(earlier) == Some(&Some(request)))
        .map(|(earlier, _)| earlier)
        .collect()
}

/// The records of one request; those of none stand together.
struct Request<'a> {
    id: Option<&'a str>,
    records: Vec<&'a (u64, Record)>,
    superseded: BTreeSet<u64>,
}

fn requests(records: &[(u64, Record)]) -> Vec<Request<'_>> {
    let superseded = superseded(records);
    let mut requests: Vec<Request<'_>> = Vec::new();
    for record in records {
        let id = record.1.text("/request");
        match requests.iter_mut().find(|request| request.id == id) {
            Some(request) => request.records.push(record),
            None => requests.push(Request { id, records: vec![record], superseded: superseded.clone() }),
        }
    }
    requests
}

impl Request<'_> {
    /// The first text that any of its records has there.
    fn text(&self, pointer: &str) -> Option<&str> {
        self.records.iter().find_map(|(_, record)| record.text(pointer))
    }

    fn times(&self) -> Option<(Timestamp, Timestamp)> {
        let times = self.records.iter().filter_map(|(_, record)| record.time());
        times.clone().min().zip(times.max())
    }

    fn json(&self) -> Value {
        let records: Vec<Value> = self
            .records
            .iter()
            .map(|(index, record)| {
                json!({ "index": index, "cameToBe": !self.superseded.contains(index), "record": record.value() })
            })
            .collect();
        let took = self.times().map(|(from, to)| to.duration_since(from).as_micros() as i64);
        json!({ "request": self.id, "microseconds": took, "records": records })
    }

    fn draw(&self) -> Node {
        let mut title = match self.id {
            Some(id) => format!("request {}", plain(id)),
            None => "no request".to_owned(),
        };
        if let Some(action) = self.text("/action") {
            title.push_str(&format!("  {}", plain(action)));
        }
        if let Some((from, to)) = self.times() {
            let took = to.duration_since(from).as_micros();
            title.push_str(&format!("  {}, {} between its records", line::local(from), milliseconds(took as u64)));
        }
        let mut node = Node::new(title);
        node.add(Node::named("caller", self.caller()));
        node.add(Node::named("permission", self.permission()));
        if let Some(route) = self.route() {
            node.add(Node::named("route", route));
        }
        for (index, record) in &self.records {
            node.add(self.step(*index, record));
        }
        node
    }

    fn caller(&self) -> String {
        let Some((_, record)) = self.records.first() else { return String::new() };
        let mut caller = line::who(record);
        if let Some(level) = record.number("/actor/level") {
            caller.push_str(&format!(", level {level}"));
        }
        if let Some(person) = self.text("/actor/person") {
            caller.push_str(&format!(", person {}", plain(person)));
        }
        if let Some(citizen) = self.text("/citizen").filter(|citizen| Some(*citizen) != self.text("/actor/person")) {
            caller.push_str(&format!(", for {}", plain(citizen)));
        }
        caller
    }

    fn permission(&self) -> String {
        let refusal =
            self.records.iter().find(|(_, record)| matches!(record.kind(), "token-refused" | "permission-refused"));
        match refusal {
            Some((_, record)) => {
                let problem =
                    record.text("/outcome/problem").map_or_else(String::new, |why| format!(": {}", plain(why)));
                format!("refused{problem}")
            }
            None => "given".to_owned(),
        }
    }

    fn route(&self) -> Option<String> {
        let mut route = Vec::new();
        if let Some(office) = self.records.iter().find_map(|(_, record)| record.number("/office")) {
            route.push(format!("office {office}"));
        }
        route.extend(self.text("/service").map(|service| format!("service {}", plain(service))));
        let plugin = self.text("/call/plugin").zip(self.text("/call/version"));
        route.extend(plugin.map(|(plugin, version)| format!("{} {}", plain(plugin), plain(version))));
        (!route.is_empty()).then(|| route.join(", "))
    }

    /// One record: when, what it says, and the plugin call that it tells of.
    fn step(&self, index: u64, record: &Record) -> Node {
        let mut said = format!("#{index}");
        if let Some(time) = record.time() {
            said.push_str(&format!("  {}", line::clock(time)));
        }
        if record.outcome().is_some() {
            said.push_str(&format!("  {}", line::ended(record)));
        }
        if self.superseded.contains(&index) {
            said.push_str("  did not come to be");
        }
        let mut node = Node::named(&plain(record.kind()), said);
        if record.value().get("call").is_some() {
            node.add(call(record));
        }
        node
    }
}

/// A plugin call, with what it used of what it was given, and what it asked of remote systems.
fn call(record: &Record) -> Node {
    let text = |pointer: &str| record.text(pointer).map_or_else(String::new, plain);
    let digest: String = text("/call/digest").chars().take(SHOWN_DIGEST).collect();
    let mut said = format!(
        "{} {} {digest} {}.{}, attempt {}",
        text("/call/plugin"),
        text("/call/version"),
        text("/call/interface"),
        text("/call/function"),
        record.number("/call/attempt").unwrap_or(1),
    );
    if let Some(took) = record.number("/call/microseconds") {
        said.push_str(&format!(", {}", milliseconds(took)));
        if let Some(limit) = record.number("/call/limits/milliseconds") {
            said.push_str(&format!(" of {limit} ms"));
        }
        if let Some(guest) = record.number("/call/guestMicroseconds") {
            said.push_str(&format!(" ({} in the guest)", milliseconds(guest)));
        }
    }
    if let Some(bytes) = record.number("/call/memoryBytes") {
        said.push_str(&format!(", {}", mebibytes(bytes)));
        if let Some(limit) = record.number("/call/limits/memoryBytes") {
            said.push_str(&format!(" of {}", mebibytes(limit)));
        }
    }
    let mut node = Node::named("call", said);
    for upstream in record.value().pointer("/call/upstreams").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| upstream.get(name).and_then(Value::as_str).map(plain);
        let answer = upstream.get("status").and_then(Value::as_u64).map(|status| status.to_string());
        let took = upstream.get("microseconds").and_then(Value::as_u64).unwrap_or(0);
        node.add(Node::named(
            "upstream",
            format!(
                "{} {} {}, {}",
                text("name").unwrap_or_default(),
                text("method").unwrap_or_default(),
                answer.or(text("error")).unwrap_or_default(),
                milliseconds(took)
            ),
        ));
    }
    node
}

pub(crate) fn milliseconds(microseconds: u64) -> String {
    format!("{:.1} ms", microseconds as f64 / 1000.0)
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1024.0 * 1024.0))
}
