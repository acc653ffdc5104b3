//! Guests that misuse the operator's log: floods, forged lines, and what must never stand in a log.

use std::time::Duration;

use crate::{
    stage::{Ends, Function, HOSTILE, Line, OFFICE, guest, stage, synthetic_number},
    time::in_text,
    wat::{Wat, ok, wat},
};

/// What the operator reads of a call.
fn lines(told: &str) -> Vec<Line> {
    let stage = stage();
    stage.runtime.block_on(stage.traced(HOSTILE, Function::Open, told, OFFICE, Duration::from_secs(20))).1
}

fn of_guest(lines: &[Line]) -> Vec<&Line> {
    lines.iter().filter(|line| line.target == "dialog_host::guest").collect()
}

#[test]
fn a_flood_of_lines_fills_no_log_and_is_counted() {
    let ends = Ends::Told("logged", "the plugin wrote more log lines than it may", "99900");
    stage().plays(vec![guest("do: log-flood 100000", ends)]);
    assert_eq!(of_guest(&lines("do: log-flood 100000")).len(), 100);
}

#[test]
fn a_line_of_mebibytes_is_cut() {
    let guest_in_text = Wat {
        imports: r#"(import "dialog:provider/log@1.0.0" "write" (func $write (param i32 i32 i32)))"#.to_owned(),
        pages: 100,
        body: format!(
            "(memory.fill (i32.const 65536) (i32.const 120) (i32.const 5242880))
             (call $write (i32.const 3) (i32.const 65536) (i32.const 5242880)) {}",
            ok()
        ),
        ..wat("a-line-of-5-mebibytes")
    };
    let whole: &'static str = Box::leak("x".repeat(4096).into_boxed_str());
    stage().plays(vec![in_text(guest_in_text, Ends::Told("ok", whole, ""))]);
}

#[test]
fn a_forged_line_stays_one_line_under_the_guests_own_name() {
    let forged = "do: log done\\n2026-01-01T00:00:00Z ERROR dialog_audit: {\"kind\":\"outcome\"}\\r\\nok\\e[2J\u{202e}";
    let lines = lines(forged);
    let [line] = of_guest(&lines)[..] else { panic!("{lines:?}") };
    let message = line.field("message");
    assert!(message.starts_with("done\\n2026-01-01T00:00:00Z ERROR dialog_audit: "), "{message}");
    assert!(!message.contains(|letter: char| letter.is_control() || letter == '\u{202e}'), "{message}");
    assert_eq!((line.field("plugin"), line.field("version"), line.level), (HOSTILE, "0.1.0", tracing::Level::WARN));
}

#[test]
fn a_panic_is_told_by_its_place_and_its_message_is_withheld() {
    let canary = format!("canary-7f3a {}", synthetic_number(0).expose());
    let told = format!("do: panic {canary}");
    stage().plays(vec![guest(&told, Ends::Trapped("unreachable"))]);
    let lines = lines(&told);
    assert!(
        of_guest(&lines).iter().any(|line| line.field("message").contains("panic: hostile/src/deeds.rs:")),
        "{lines:?}"
    );
    nowhere("canary-7f3a", &lines);
    nowhere(synthetic_number(0).expose(), &lines);
}

#[test]
fn a_citizens_number_is_in_no_line_whatever_way_a_guest_writes_it() {
    let number = synthetic_number(1);
    let number = number.expose();
    let spaced = format!("{} {}", &number[..6], &number[6..]);
    for told in [
        format!("do: log for {number}"),
        format!("do: log for {spaced}"),
        format!("do: log {}{number}", "x".repeat(4090)),
        format!("do: panic-aloud {number}"),
        format!("do: faulty for {number}\\nERROR"),
        format!("do: retry-never for {spaced}"),
        format!("do: header [\"{number}\", \"a\\u0000\"]"),
        format!("do: header [\"x-{number}\", \"\\u0001\"]"),
        format!("do: path \"/{number}/..\""),
        format!("do: set {number}/x y"),
        format!("do: ask {number}"),
    ] {
        let lines = lines(&told);
        assert!(!lines.is_empty(), "{told}: the operator reads nothing");
        nowhere(number, &lines);
        nowhere(&number[6..], &lines);
    }
}

fn nowhere(what: &str, lines: &[Line]) {
    for line in lines {
        assert!(!format!("{line:?}").contains(what), "{line:?}");
    }
}
