//! What operators get beside the binary, in `gateway/deploy`: rules and a dashboard ask for nothing that the gateway does
//! not say, every rule fires and clears, and the README names every metric.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use dialog_contract::{problem::ProblemType, provider::Interface, service::Service};
use dialog_core::{Overdue, Waiting, answer::About};
use dialog_gateway::telemetry::{
    metrics::{
        Metrics,
        doors::{Cut, HandshakeOutcome, ReloadOutcome},
        exemplar::Exemplar,
        log::WitnessAnswer,
        registers::{Register, RegisterAnswer},
        requests::Through,
    },
    stage::Stage,
};
use dialog_host::observe::{CallEnded, Observer as _, Outcome, UpstreamEnded};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    guest,
    metrics::Scraped,
    support::{Folder, House, OFFICE},
};

fn deployed(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(deployed(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What a scraper adds to each sample, and what Prometheus itself says of a target.
const SCRAPERS: [&str; 2] = ["job", "instance"];

/// Everything that a gateway ever says of itself: each name with its labels, and with the values that one of them has.
struct Said(BTreeMap<String, BTreeMap<String, BTreeSet<String>>>);

impl Said {
    /// By a gateway to which everything has happened once.
    async fn by_a_gateway() -> Self {
        let folder = Folder::new();
        folder.put("example.wasm", &guest::build());
        let house = House::open_with(folder, |config| {
            config["plugins"] = serde_json::json!([{
                "package": "example.wasm", "grant": { "capabilities": ["upstream"] },
                "upstreams": { "api": { "base-url": "http://127.0.0.1:9", "allow-networks": ["loopback"] } },
            }]);
        })
        .await;
        // What stands is counted first, and then said as it is below.
        Scraped::of(&house).await;
        happened(&house.gateway.metrics);
        let text = house.gateway.metrics.text();
        let mut said = BTreeMap::<String, BTreeMap<String, BTreeSet<String>>>::new();
        for sample in Scraped::read(&text).samples.keys() {
            let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
            let known = said.entry(name.to_owned()).or_default();
            for (label, _, value) in matchers(labels.trim_end_matches('}')) {
                known.entry(label).or_default().insert(value);
            }
        }
        let up = SCRAPERS.map(|label| (label.to_owned(), BTreeSet::new()));
        said.insert("up".to_owned(), up.into_iter().collect());
        Self(said)
    }

    /// What an expression asks for and no gateway says.
    fn missing(&self, expression: &str) -> Vec<String> {
        let mut missing = Vec::new();
        let mut labels = BTreeSet::from(SCRAPERS.map(str::to_owned));
        for (name, wanted) in selectors(expression) {
            let Some(known) = self.0.get(&name) else {
                missing.push(format!("the metric {name}"));
                continue;
            };
            labels.extend(known.keys().cloned());
            for (label, operator, value) in wanted {
                let is_scrapers = SCRAPERS.contains(&label.as_str());
                let Some(values) = known.get(&label).filter(|_| !is_scrapers) else {
                    if !is_scrapers {
                        missing.push(format!("the label {label} of {name}"));
                    }
                    continue;
                };
                // A value that is not there is a rule that never fires.
                let listed = matches!(label.as_str(), "outcome" | "answer" | "what" | "problem" | "folder");
                for value in value.split('|').filter(|_| listed) {
                    if !values.contains(value) {
                        missing.push(format!("{label}{operator}{value} of {name}, which has {values:?}"));
                    }
                }
            }
        }
        missing.extend(grouped(expression).into_iter().filter(|label| !labels.contains(label)));
        missing
    }
}

/// Everything that is counted when it happens, once.
fn happened(metrics: &Metrics) {
    let second = Duration::from_secs(1);
    let plugin = "example".parse().unwrap();
    let exemplar = Exemplar { trace_id: "1".repeat(32), span_id: "2".repeat(16) };
    let about = About { plugin: Some("example".parse().unwrap()), service: Some(Service::Inquiry), ..About::default() };
    let through = Through::of(&about).unwrap();
    metrics.outcome(&through, None);
    for problem in [ProblemType::ProviderUnavailable, ProblemType::ProviderFaulty] {
        metrics.outcome(&through, Some(problem));
        metrics.problem(problem.name());
    }
    metrics.request("GET", "/v1/me/dialogs", 200, second, Some(through), Some(exemplar));
    metrics.stages(&[(Stage::Call, second)], None);
    metrics.called(&CallEnded {
        plugin: &plugin,
        interface: Interface::Dialogs,
        function: "open",
        outcome: Outcome::Trapped,
        took: second,
        waited: second,
        guest: second,
        memory_bytes: 1,
        refused: 1,
    });
    let asked = UpstreamEnded {
        plugin: &plugin,
        upstream: "api",
        method: "GET",
        result: Ok(200),
        took: second,
        waited: Some(second),
    };
    metrics.upstream(&asked);
    metrics.audit(second);
    metrics.witness_answered("anna", WitnessAnswer::Signed);
    metrics.witness_signed("anna", 1);
    metrics.audit_forked();
    metrics.queue(1);
    metrics.waiting(&Waiting::default(), jiff::Timestamp::now());
    metrics.overdue(&Overdue::from([((OFFICE.try_into().unwrap(), Service::Consultation), 1)]));
    metrics.errands_waiting(&dialog_core::ErrandsWaiting::new(), jiff::Timestamp::now());
    metrics.notices_waiting(dialog_core::NoticesWaiting::default());
    metrics.with_register(Register::Gp);
    metrics.register(Register::Gp, RegisterAnswer::Answered);
    metrics.rate_limited(dialog_gateway::abuse::rates::Level::Citizen);
    metrics.cut("portal", Cut::Flood);
    metrics.handshake("portal", HandshakeOutcome::Done);
    metrics.reloaded("portal", ReloadOutcome::Taken);
    metrics.certificate_ends("portal", jiff::Timestamp::now());
}

/// Label, operator, value.
type Matcher = (String, String, String);

/// The metrics of ours that an expression selects from, each with its matchers.
fn selectors(expression: &str) -> Vec<(String, Vec<Matcher>)> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(at) = rest.find(is_name) {
        let word: String = rest[at..].chars().take_while(|letter| is_name(*letter)).collect();
        rest = &rest[at + word.len()..];
        if word == "up" || word.starts_with("dialog_") {
            let matched = rest.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            rest = matched.map_or(rest, |(_, after)| after);
            found.push((word, matched.map_or_else(Vec::new, |(inner, _)| matchers(inner))));
        } else if let Some(quoted) = rest.strip_prefix('"') {
            rest = quoted.split_once('"').map_or("", |(_, after)| after);
        }
    }
    found
}

/// Of `label="value", other=~"value"`.
fn matchers(inner: &str) -> Vec<Matcher> {
    let mut found = Vec::new();
    let mut rest = inner;
    while let Some((before, after)) = rest.split_once('"') {
        let (value, after) = after.split_once('"').unwrap_or((after, ""));
        let before = before.trim_start_matches([',', ' ']);
        let label = before.trim_end_matches(['=', '~', '!']);
        found.push((label.to_owned(), before[label.len()..].to_owned(), value.to_owned()));
        rest = after;
    }
    found
}

/// The labels that an expression groups or joins by, but for those of histograms.
fn grouped(expression: &str) -> Vec<String> {
    let mut found = Vec::new();
    for clause in ["by (", "on (", "ignoring (", "without ("] {
        for (at, _) in expression.match_indices(clause) {
            let inner = expression[at + clause.len()..].split(')').next().unwrap_or_default();
            found.extend(inner.split(',').map(|label| label.trim().to_owned()).filter(|label| !label.is_empty()));
        }
    }
    found
}

/// `{{ $labels.name }}` of an annotation, `{{name}}` of a legend.
fn shown(text: &str) -> Vec<String> {
    text.split("{{")
        .skip(1)
        .filter_map(|part| part.split_once("}}"))
        .map(|(inner, _)| inner.trim().trim_start_matches("$labels.").to_owned())
        .collect()
}

/// Labels that remain of an expression: those that it groups by last, or all where it groups by none.
fn remains(said: &Said, expression: &str) -> BTreeSet<String> {
    let grouped = grouped(expression);
    if !grouped.is_empty() {
        return grouped.into_iter().chain(selectors_labels(said, expression, "group_right")).collect();
    }
    selectors_labels(said, expression, "")
}

fn selectors_labels(said: &Said, expression: &str, only_with: &str) -> BTreeSet<String> {
    if !expression.contains(only_with) {
        return BTreeSet::new();
    }
    let of = |name: &String| said.0.get(name).into_iter().flat_map(|labels| labels.keys().cloned()).collect::<Vec<_>>();
    let scrapers = SCRAPERS.map(str::to_owned);
    selectors(expression).iter().flat_map(|(name, _)| of(name)).chain(scrapers).collect()
}

#[derive(Deserialize)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    alert: String,
    expr: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

fn rules() -> Vec<Rule> {
    let rules: Rules = serde_saphyr::from_str(&read("prometheus/rules.yml")).unwrap();
    rules.groups.into_iter().flat_map(|group| group.rules).collect()
}

/// Title, expression and legend of all that the dashboard shows.
fn panels() -> Vec<(String, String, String)> {
    let dashboard: Value = serde_json::from_str(&read("grafana/dialog-gateway.json")).unwrap();
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let text = |name: &str| target[name].as_str().unwrap().to_owned();
            let title = panel["title"].as_str().unwrap().to_owned();
            found.push((title, text("expr").replace("$__rate_interval", "5m"), text("legendFormat")));
        }
    }
    found
}

#[tokio::test]
async fn rules_and_dashboard_ask_for_nothing_that_the_gateway_does_not_say() {
    let said = Said::by_a_gateway().await;
    let (rules, panels) = (rules(), panels());
    assert!(rules.len() > 15 && panels.len() > 30, "{} rules, {} panels", rules.len(), panels.len());
    let mut missing = Vec::new();
    for rule in &rules {
        let Rule { alert, expr, labels, annotations } = rule;
        assert!(matches!(labels["severity"].as_str(), "page" | "ticket"), "{alert}");
        missing.extend(said.missing(expr).into_iter().map(|what| format!("{alert}: {what}")));
        let remains = remains(&said, expr);
        for label in annotations.values().flat_map(|text| shown(text)) {
            if !remains.contains(&label) {
                missing.push(format!("{alert}: {label} in its words"));
            }
        }
    }
    for (title, expression, legend) in &panels {
        missing.extend(said.missing(expression).into_iter().map(|what| format!("{title}: {what}")));
        let remains = remains(&said, expression);
        for label in shown(legend) {
            if !remains.contains(&label) {
                missing.push(format!("{title}: {label} in its legend"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");

    // The check can fail.
    for (wrong, what) in [
        ("rate(dialog_requests[5m])", "the metric dialog_requests"),
        (r#"dialog_breaker_open{plugin="x"}"#, "the label plugin of dialog_breaker_open"),
        ("sum by (office) (dialog_queue_depth)", "office"),
    ] {
        assert_eq!(said.missing(wrong), [what], "{wrong}");
    }
    let wrong = said.missing(r#"dialog_provider_calls_total{outcome=~"trapped|fell-over"}"#);
    assert!(wrong.len() == 1 && wrong[0].starts_with("outcome=~fell-over"), "{wrong:?}");
}

#[tokio::test]
async fn the_readme_names_every_metric_and_no_other() {
    let said = Said::by_a_gateway().await;
    let whole = |name: &str| {
        let histogram =
            |end: &str| name.strip_suffix(end).filter(|whole| said.0.contains_key(&format!("{whole}_bucket")));
        ["_bucket", "_count", "_sum"].into_iter().find_map(histogram).unwrap_or(name).to_owned()
    };
    let metrics: BTreeSet<String> = said.0.keys().filter(|name| *name != "up").map(|name| whole(name)).collect();
    let readme = read("README.md");
    let named: BTreeSet<String> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `dialog_"))
        .filter_map(|line| line.split_once('`'))
        .map(|(name, _)| format!("dialog_{name}"))
        .collect();
    assert_eq!(named, metrics);
}

/// Prometheus' own checker: from the path, or out of Debian's package, in a folder beside what cargo builds.
///
/// # Errors
/// Why this machine cannot have it.
fn promtool() -> Result<PathBuf, String> {
    if Command::new("promtool").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return Ok(PathBuf::from("promtool"));
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("prometheus");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    // Tests run beside each other, also in processes of their own.
    let lock = File::create(folder.join("lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    let tool = folder.join("usr/bin/promtool");
    if tool.exists() {
        return Ok(tool);
    }
    let run = |command: &mut Command| match command.current_dir(&folder).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(error.to_string()),
    };
    run(Command::new("timeout").args(["120", "apt-get", "download", "prometheus"]))?;
    let files = std::fs::read_dir(&folder).map_err(|error| error.to_string())?;
    let package = files.flatten().map(|file| file.path()).find(|path| path.extension().is_some_and(|end| end == "deb"));
    let package = package.ok_or("apt-get brought no package")?;
    run(Command::new("dpkg").arg("-x").arg(&package).arg("."))?;
    // Its server is not needed, and large.
    let _ = std::fs::remove_file(folder.join("usr/bin/prometheus"));
    let _ = std::fs::remove_file(package);
    Ok(tool)
}

/// `promtool`; where this machine cannot have it, `test` says that it is skipped.
fn checker(test: &str) -> Option<PathBuf> {
    promtool()
        .map_err(|why| {
            // The harness captures what the macros print; this line is to be seen in the log of a skipped run.
            let line = format!("skipped {test}: promtool is not installed and cannot be: {why}\n");
            let _ = std::io::stderr().write_all(line.as_bytes());
        })
        .ok()
}

fn is_content(tool: &Path, arguments: &[&str], file: &Path) {
    let output = Command::new(tool).args(arguments).arg(file).output().unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "{said}");
}

#[test]
fn every_alert_fires_and_clears() {
    // Also where nobody can play them: each has its test.
    let tests: Value = serde_saphyr::from_str(&read("prometheus/rules.test.yml")).unwrap();
    let mut played = BTreeMap::<String, Vec<bool>>::new();
    for played_at in
        tests["tests"].as_array().unwrap().iter().flat_map(|test| test["alert_rule_test"].as_array().unwrap())
    {
        let alerts = played_at["exp_alerts"].as_array().unwrap();
        let name = played_at["alertname"].as_str().unwrap().to_owned();
        played.entry(name).or_default().push(!alerts.is_empty());
    }
    let both: BTreeMap<String, Vec<bool>> = rules().into_iter().map(|rule| (rule.alert, vec![true, false])).collect();
    assert_eq!(played, both);
    if let Some(tool) = checker("every_alert_fires_and_clears") {
        is_content(&tool, &["check", "rules"], &deployed("prometheus/rules.yml"));
        is_content(&tool, &["test", "rules"], &deployed("prometheus/rules.test.yml"));
    }
}

#[test]
fn the_dashboard_speaks_the_language_of_prometheus() {
    let Some(tool) = checker("the_dashboard_speaks_the_language_of_prometheus") else { return };
    // The checker knows rules: each expression becomes one.
    let rules: Vec<Value> = panels()
        .into_iter()
        .enumerate()
        .map(|(at, (_, expression, _))| serde_json::json!({ "record": format!("panel:{at}"), "expr": expression }))
        .collect();
    let rules = serde_json::json!({ "groups": [{ "name": "dashboard", "rules": rules }] });
    let mut file = tempfile::NamedTempFile::new().unwrap();
    // JSON is YAML.
    file.write_all(rules.to_string().as_bytes()).unwrap();
    is_content(&tool, &["check", "rules"], file.path());
}
