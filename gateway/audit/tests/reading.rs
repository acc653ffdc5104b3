//! Reading a log: filters, following, traces and dialogs, earlier and later states, pseudonyms.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::{Case, code, command, complained, json, said, serve};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const OTHER: &str = "1bf7651916cd43dd8448eb211c80319c";
const DIALOG: &str = "019a0000-0000-7000-8000-000000000001";

fn record(more: &Value) -> String {
    let mut record = json!({
        "version": 1, "time": "2026-03-02T08:00:01.25Z", "kind": "outcome", "action": "dialog.open",
        "actor": { "role": "citizen", "client": "portal", "person": "p-1", "level": 4 },
    });
    for (name, value) in more.as_object().unwrap() {
        record[name] = value.clone();
    }
    record.to_string()
}

/// A request whose first outcome did not come to be, a refusal, and the next day of the dialog.
fn story() -> Vec<String> {
    let call = json!({
        "plugin": "ddfl", "version": "0.1.0",
        "digest": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        "contract": "dialog:provider@1.0.0", "grant": "fcde", "interface": "dialogs", "function": "open", "attempt": 1,
        "microseconds": 41_200, "guestMicroseconds": 800, "memoryBytes": 2_097_152,
        "limits": { "memoryBytes": 67_108_864, "milliseconds": 5000, "upstreamRequests": 8 },
        "upstreams": [
            { "name": "messages", "method": "POST", "status": 201, "microseconds": 38_000 },
            { "name": "messages", "method": "GET", "error": "unreachable", "microseconds": 900 },
        ],
    });
    let open = json!({
        "request": "r-1", "traceId": TRACE, "citizen": "p-2", "office": 8_150_110, "service": "consultation",
        "dialog": DIALOG, "representation": { "representative": "p-1", "role": "parent" },
    });
    let with = |more: Value| {
        let mut merged = open.clone();
        merged.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        record(&merged)
    };
    vec![
        record(
            &json!({ "kind": "start", "action": "gateway.start", "actor": { "role": "gateway", "client": "gateway" } }),
        ),
        with(json!({ "kind": "intent", "time": "2026-03-02T08:00:01Z" })),
        with(json!({ "outcome": { "status": 201, "sent": "yes" }, "call": call })),
        with(json!({
            "time": "2026-03-02T08:00:01.3Z", "outcome": { "status": 500, "problem": "internal", "sent": "unknown" },
            "details": { "supersedes": "2" },
        })),
        record(&json!({
            "kind": "permission-refused", "action": "request.refused", "request": "r-2", "traceId": OTHER,
            "actor": { "role": "unknown", "client": "evil\u{1b}[2J\u{202e}" },
            "outcome": { "status": 403, "problem": "not-permitted" },
        })),
        "no record\u{1b}[2J".to_owned(),
        record(&json!({
            "time": "2026-03-03T09:00:00Z", "action": "dialog.read", "request": "r-3", "traceId": OTHER,
            "dialog": DIALOG, "outcome": { "status": 200 },
        })),
    ]
}

fn indexes(output: &std::process::Output) -> Vec<u64> {
    assert_eq!(code(output), 0, "{}", complained(output));
    said(output).lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["index"].as_u64().unwrap()).collect()
}

#[test]
fn records_are_shown_by_every_filter() {
    let case = Case::new(story());
    for (arguments, expected) in [
        (vec![], vec![0, 1, 2, 3, 4, 5, 6]),
        (vec!["--since", "2026-03-02T09:00:01.3+01:00"], vec![3, 6]),
        (vec!["--until", "2026-03-02T08:00:01.25Z"], vec![1]),
        (vec!["--since", "2026-03-02T08:00:01.25Z", "--until", "2026-03-02T08:00:01.3Z"], vec![0, 2, 4]),
        (vec!["--office", "8150110"], vec![1, 2, 3]),
        (vec!["--provider", "ddfl"], vec![2]),
        (vec!["--digest", "2c26b46b68"], vec![2]),
        (vec!["--citizen", "p-2"], vec![1, 2, 3]),
        (vec!["--citizen", "p-1"], vec![1, 2, 3, 6]),
        (vec!["--trace", TRACE], vec![1, 2, 3]),
        (vec!["--trace", TRACE, "--kind", "intent"], vec![1]),
        (vec!["--request", "r-2"], vec![4]),
        (vec!["--dialog", DIALOG], vec![1, 2, 3, 6]),
        (vec!["--action", "dialog.read"], vec![6]),
        (vec!["--outcome", "ok"], vec![2, 6]),
        (vec!["--outcome", "refused"], vec![3, 4]),
        (vec!["--outcome", "403"], vec![4]),
        (vec!["--outcome", "internal"], vec![3]),
        (vec!["--from", "2", "--to", "4", "--outcome", "refused"], vec![3, 4]),
    ] {
        for vkey in [None, Some(case.vkey.as_str())] {
            let mut all = vec!["--json", "show", "LOG"];
            let log = case.log();
            all[2] = &log;
            all.extend(arguments.iter().copied());
            all.extend(vkey.iter().flat_map(|vkey| ["--vkey", vkey]));
            assert_eq!(indexes(&command(&all)), expected, "{arguments:?}");
        }
    }
    assert!(!case.dir().with_extension("index").exists(), "a log of one stretch needs no index");
}

#[test]
fn an_entry_that_the_tree_does_not_commit_to_is_not_shown_to_who_has_the_key() {
    let case = Case::new(story());
    let bundle = case.dir().join("tile/entries/000.p/7");
    let mut forged = std::fs::read(&bundle).unwrap();
    let at = forged.windows(5).position(|bytes| bytes == b"\"p-2\"").unwrap();
    forged[at + 3] = b'9';
    std::fs::write(&bundle, forged).unwrap();
    let shown = command(&["show", &case.log(), "--vkey", &case.vkey]);
    assert_eq!(code(&shown), 1);
    assert!(complained(&shown).contains("tile/entries/000.p/7 (from entry 1)"), "{}", complained(&shown));
    assert!(!said(&shown).contains("p-9"));
}

#[test]
fn what_is_shown_does_nothing_to_a_terminal() {
    let case = Case::new(story());
    let (log, vkey) = (case.log(), &case.vkey);
    for arguments in [vec!["show", &log], vec!["trace", &log, OTHER], vec!["dialog", &log, DIALOG, "--vkey", vkey]] {
        let shown = said(&command(&arguments));
        assert!(shown.lines().count() > 2, "{shown}");
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown:?}");
    }
    assert!(said(&command(&["show", &log])).contains("evil\\u{1b}[2J\\u{202e}"));
}

#[test]
fn a_trace_is_a_tree_and_a_superseded_outcome_is_shown_as_not_come_to_be() {
    let case = Case::new(story());
    let shown = Command::new(env!("CARGO_BIN_EXE_dialog-audit"))
        .args(["trace", &case.log(), TRACE, "--vkey", &case.vkey])
        .env("TZ", "UTC")
        .output()
        .unwrap();
    assert_eq!(
        said(&shown).lines().collect::<Vec<_>>(),
        [
            "trace 0af7651916cd43dd8448eb211c80319c: 3 records in 1 request",
            "└─ request r-1  dialog.open  2026-03-02 08:00:01.000+00:00, 300.0 ms between its records",
            "   ├─ caller     citizen (portal) as parent, level 4, person p-1, for p-2",
            "   ├─ permission given",
            "   ├─ route      office 8150110, service consultation, ddfl 0.1.0",
            "   ├─ intent     #1  08:00:01.000",
            "   ├─ outcome    #2  08:00:01.250  201 sent: yes  did not come to be",
            "   │  └─ call       ddfl 0.1.0 2c26b46b68ff dialogs.open, attempt 1, 41.2 ms of 5000 ms (0.8 ms in the guest), 2.0 MiB of 64.0 MiB",
            "   │     ├─ upstream   messages POST 201, 38.0 ms",
            "   │     └─ upstream   messages GET unreachable, 0.9 ms",
            "   └─ outcome    #3  08:00:01.300  500 internal sent: unknown",
        ],
        "{}",
        complained(&shown)
    );
    let shown = json(&command(&["--json", "trace", &case.log(), TRACE]));
    let came: Vec<&Value> =
        shown["requests"][0]["records"].as_array().unwrap().iter().map(|record| &record["cameToBe"]).collect();
    assert_eq!(came, [true, false, true]);
    // Two requests of one trace, one of them refused.
    let shown = said(&command(&["trace", &case.log(), OTHER]));
    assert!(
        shown.contains("2 records in 2 requests") && shown.contains("permission refused: not-permitted"),
        "{shown}"
    );
    let none = command(&["trace", &case.log(), "2bf7651916cd43dd8448eb211c80319c"]);
    assert_eq!(code(&none), 1);
    assert_eq!(code(&command(&["trace", &case.log(), "17"])), 2);
}

#[test]
fn spans_hang_under_the_trace_that_they_are_of() {
    let case = Case::new(story());
    let span = |trace: &str, id: &str, parent: &str, name: &str, from: u64, to: u64| {
        json!({ "traceId": trace, "spanId": id, "parentSpanId": parent, "name": name,
            "startTimeUnixNano": (from * 1_000_000).to_string(), "endTimeUnixNano": (to * 1_000_000).to_string() })
    };
    let batch = |spans: Value| json!({ "resourceSpans": [{ "resource": {}, "scopeSpans": [{ "spans": spans }] }] });
    let file = case.file("traces.jsonl");
    let lines = [
        batch(json!([span(TRACE, "b", "a", "plugin.call open", 10, 50), span(OTHER, "x", "", "other", 0, 1)])),
        batch(json!([span(TRACE, "a", "caller", "POST /v1/me/dialogs", 0, 60)])),
        json!({}),
    ];
    std::fs::write(&file, lines.map(|line| line.to_string()).join("\n")).unwrap();
    let shown = said(&command(&["trace", &case.log(), TRACE, "--otlp", &file]));
    let end = "├─ telemetry";
    assert!(!shown.contains(end), "it is the last branch: {shown}");
    assert!(
        shown.ends_with(
            "└─ telemetry: 2 spans (signed by nobody)\n   \
             └─ POST /v1/me/dialogs  60.0 ms, 20.0 ms of it itself\n      \
             └─ plugin.call open  40.0 ms, 40.0 ms of it itself\n"
        ),
        "{shown}"
    );
    std::fs::write(&file, "{\"resourceSpans\": 7}\n").unwrap();
    let wrong = command(&["trace", &case.log(), TRACE, "--otlp", &file]);
    assert_eq!(code(&wrong), 2);
    assert!(complained(&wrong).contains("line 1: it is no ExportTraceServiceRequest"), "{}", complained(&wrong));
}

#[test]
fn a_dialog_is_a_diary() {
    let case = Case::new(story());
    let shown = Command::new(env!("CARGO_BIN_EXE_dialog-audit"))
        .args(["dialog", &case.log(), DIALOG])
        .env("TZ", "Europe/Oslo")
        .output()
        .unwrap();
    let text = said(&shown);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], lines[4], lines[5], lines.len()), ("2026-03-02", "", "2026-03-03", 7), "{text}");
    assert!(lines[1].starts_with("  09:00:01.000  intent") && lines[1].ends_with("#1"), "{text}");
    assert!(lines[2].ends_with("201 sent: yes  did not come to be  #2"), "{text}");
    assert!(lines[6].starts_with("  10:00:00.000  outcome") && lines[6].contains("dialog.read"), "{text}");
    assert_eq!(code(&command(&["dialog", &case.log(), "none"])), 1);
}

/// Starts a command that follows, and gives its lines as they come.
fn follow(log: &str, vkey: &str, more: &[&str]) -> (std::process::Child, impl Iterator<Item = String> + use<>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dialog-audit"))
        .args(["--json", "show", log, "--vkey", vkey, "--follow"])
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    (child, lines)
}

#[test]
fn a_live_log_is_followed_until_ctrl_c() {
    let case = Case::new(story());
    let server = serve(&case.dir(), |_, _| None);
    for (log, shift) in [(case.log(), 0), (server.url.clone(), 2)] {
        let (child, mut lines) = follow(&log, &case.vkey, &["--kind", "outcome"]);
        let index = |line: String| serde_json::from_str::<Value>(&line).unwrap()["index"].as_u64().unwrap();
        let mut shown: Vec<u64> = lines.by_ref().take(3 + shift / 2).map(index).collect();
        case.append([record(&json!({ "kind": "intent" })), record(&json!({}))]);
        shown.extend(lines.by_ref().take(1).map(index));
        assert_eq!(shown.last(), Some(&(8 + shift as u64)), "{shown:?}");
        let id = nix::unistd::Pid::from_raw(child.id().cast_signed());
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGINT).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert_eq!(code(&ended), 0, "{}", complained(&ended));
    }
}

#[test]
fn following_stops_where_the_log_forks() {
    let case = Case::new(story());
    let live = case.file("live");
    std::os::unix::fs::symlink(case.dir(), &live).unwrap();
    let (child, mut lines) = follow(&live, &case.vkey, &[]);
    assert_eq!(lines.by_ref().take(7).count(), 7);
    // Another log of the same key takes its place from one moment to the next, longer than the one that was shown.
    let fork = case.fork(story().into_iter().rev().chain(story()));
    std::os::unix::fs::symlink(fork.dir(), case.file("next")).unwrap();
    std::fs::rename(case.file("next"), &live).unwrap();
    let last: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    assert!(last["error"].as_str().unwrap().contains("the log forked: its first 7 entries"), "{last}");
    assert_eq!(lines.next(), None, "nothing of the other log is shown");
    assert_eq!(code(&child.wait_with_output().unwrap()), 1);
}

#[test]
fn a_later_state_continues_an_earlier_one_or_is_told_apart() {
    let case = Case::new(story());
    let (old, vkey) = (case.keep_checkpoint("old"), &case.vkey);
    case.append(story());
    let log = case.log();
    let new = format!("{log}/checkpoint");
    let server = serve(&case.dir(), |_, _| None);
    for later in [&log, &new, &server.url] {
        let proven = json(&command(&["--json", "consistency", &old, later, "--vkey", vkey]));
        assert_eq!((&proven["old"], &proven["new"]), (&7.into(), &14.into()));
        assert_eq!(proven["proof"].as_array().unwrap().len(), 5, "{proven}");
    }
    let kept = case.keep_checkpoint("new");
    assert_eq!(code(&command(&["consistency", &old, &kept, "--vkey", vkey, "--log", &log])), 0);
    let back = command(&["consistency", &kept, &old, "--vkey", vkey, "--log", &log]);
    assert_eq!(code(&back), 1);
    assert!(complained(&back).contains("it had 14 entries, now it has 7"), "{}", complained(&back));
    let fork = case.fork(story().into_iter().rev().chain(story()));
    let forked = command(&["consistency", &old, &fork.log(), "--vkey", vkey]);
    assert_eq!(code(&forked), 1);
    assert!(complained(&forked).contains("the log forked"), "{}", complained(&forked));
    assert_eq!(code(&command(&["consistency", &old, "nowhere", "--vkey", vkey])), 2);
}

#[test]
fn whoever_holds_the_key_finds_a_persons_pseudonym_and_a_number_is_no_argument() {
    let case = Case::new(story());
    let key = case.file("pseudonyms.key");
    std::fs::write(&key, "0123456789abcdef0123456789abcdef\n").unwrap();
    let ask = |number: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dialog-audit"))
            .args(["pseudonym", "--key", &key])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Who refuses the key need not wait for the number.
        let _ = child.stdin.take().unwrap().write_all(number.as_bytes());
        child.wait_with_output().unwrap()
    };
    // By `printf 'audit\0…' | openssl dgst -sha256 -hmac …`.
    assert_eq!(said(&ask("01010750160\n")), "dhvkOQs4c2WJOHwRNxhR81R0BCSp3V7Xm1ziIk3GfNY\n");
    assert_eq!(said(&ask("01010750160")), "dhvkOQs4c2WJOHwRNxhR81R0BCSp3V7Xm1ziIk3GfNY\n");
    for wrong in ["01010750161\n", "", "\n", "rubbish"] {
        let asked = ask(wrong);
        assert_eq!(code(&asked), 2, "{wrong}");
        assert!(!complained(&asked).contains("0101075"), "{}", complained(&asked));
    }
    std::fs::write(&key, "short").unwrap();
    assert_eq!(code(&ask("01010750160\n")), 2);
    for number in ["01010750160", "010107 50160"] {
        let shown = command(&["show", &case.log(), "--citizen", number]);
        assert_eq!(code(&shown), 2);
        assert!(complained(&shown).contains("national identity number") && !complained(&shown).contains("50160"));
    }
}

#[test]
fn an_index_is_made_when_it_is_needed_and_may_be_deleted_or_impossible() {
    let case = Case::new((0..66_000).map(|i| {
        record(&json!({ "traceId": format!("{:032x}", i / 3), "request": format!("r-{i}"), "details": { "n": i.to_string() } }))
    }));
    let (log, trace) = (case.log(), format!("{:032x}", 7000));
    let expected = [21_000, 21_001, 21_002];
    let show = |more: &[&str]| {
        let shown = command(&[&["--json", "show", &log, "--vkey", &case.vkey, "--trace", &trace], more].concat());
        (indexes(&shown), complained(&shown))
    };
    assert_eq!(show(&["--no-index"]), (expected.to_vec(), String::new()));
    let index = case.folder.path().join("log.index");
    assert!(!index.exists());
    assert_eq!(show(&[]), (expected.to_vec(), String::new()));
    let segment = index.join("00000000.seg");
    let made = std::fs::read(&segment).unwrap();
    std::fs::remove_dir_all(&index).unwrap();
    assert_eq!(code(&command(&["index", &log, "--vkey", &case.vkey])), 0);
    assert_eq!(std::fs::read(&segment).unwrap(), made);
    std::fs::write(&segment, b"rubbish").unwrap();
    assert_eq!(show(&[]), (expected.to_vec(), String::new()));
    assert_eq!(std::fs::read(&segment).unwrap(), made, "what was damaged is made anew");
    let (shown, remark) = show(&["--index", "/proc/self/nowhere"]);
    assert_eq!(shown, expected);
    assert!(remark.contains("everything is read instead"), "{remark}");
    // The log does not hold the index for one of its own files.
    assert_eq!(code(&command(&["verify", &log, "--vkey", &case.vkey])), 0);
}
