//! Guests whose answers are not what the contract has: in each function, in each kind of value, and below the types, in
//! what the canonical ABI reads from their memory.

use crate::{
    stage::{Ends, Function, guest, in_function, stage},
    time::{in_every_call, in_text},
    wat::{Wat, listed, ok, opened, wat},
};

#[test]
fn an_answer_that_breaks_the_contract_is_refused_in_every_function_with_place_and_rule() {
    let rules = [
        (Function::Open, "answer.reference: empty"),
        (Function::Send, "answer[0].id: empty"),
        (Function::Close, "answer[0].id: empty"),
        (Function::Slots, "answer[0]: ends before it starts"),
        (Function::Book, "answer.title: over 200 characters"),
        (Function::Change, "answer.title: over 200 characters"),
        (Function::Cancel, "failure.invalid: names no field"),
        (Function::Upcoming, "answer: 101 items, over 100"),
        (Function::Renewable, "answer[0].atc: over 8 characters"),
        (Function::Profile, "answer.hours[0]: closes before it opens"),
        (Function::Forms, "answer[0].schema: refers outside itself"),
        (Function::Outstanding, "answer[0].amount: not 1 to 100000000 øre"),
        (Function::Pay, "answer.redirect: not an absolute https URL"),
        (Function::Survey, "answer.questions[0].choices: under 2 items"),
        (Function::Submit, "failure.invalid: names no field"),
        (Function::Join, "answer.url: not an absolute https URL"),
        (Function::Leave, "failure.invalid: names no field"),
        (Function::Seen, "failure.invalid: names no field"),
        (Function::Receive, "answer[0].occurred: not between 1900 and 2200"),
        (Function::Poll, "answer.cursor: over 65536 bytes"),
    ];
    assert_eq!(rules.map(|(function, _)| function), Function::ALL);
    stage().plays(rules.map(|(function, rule)| in_function(function, "do: break", Ends::Broke(rule))).into());
}

#[test]
fn no_value_gets_past_its_rule() {
    stage().plays(vec![
        guest("do: long-reference", Ends::Broke("answer.reference: over 256 characters")),
        guest("do: reference-with-line-ends", Ends::Broke("answer.reference: has a control character")),
        guest("do: too-many-events", Ends::Broke("answer.events: 101 items, over 100")),
        guest("do: many-large-events", Ends::Broke("answer.events[")),
        guest("do: far-future", Ends::Broke("answer.events[0].body.message.sent: not between 1900 and 2200")),
        guest("do: far-past", Ends::Broke("answer.events[0].body.message.sent: not between 1900 and 2200")),
        guest("do: strange-file", Ends::Broke("answer.events[0].body.message.attachments[0]: no such handle")),
        guest("do: failure-without-field", Ends::Broke("failure.invalid: names no field")),
        guest("do: wordy-failure", Ends::Failed("finds 20 field(s) invalid")),
        guest("do: long-no", Ends::Failed("declined (x x x ")),
        guest("do: retry-never in a while", Ends::Failed("unavailable: in a while")),
        in_function(Function::Slots, "do: many-slots 501", Ends::Broke("answer: 501 items, over 500")),
        in_function(Function::Slots, "do: slot-in-the-far-future", Ends::Broke("answer[0].start: not between 1900")),
        in_function(Function::Slots, "do: slot-in-seconds", Ends::Broke("answer[0].start: not between 1900")),
        guest(
            &format!("do: frame-by-number {}", crate::stage::synthetic_number(0).expose()),
            Ends::Broke("answer.events[0].body.citizen.national-identity-number: not granted to this plugin"),
        ),
    ]);
}

#[test]
fn a_form_that_would_keep_its_reader_busy_is_refused_unread() {
    let form = |told: &str, rule| in_function(Function::Forms, &format!("do: {told}"), Ends::Broke(rule));
    stage().plays(vec![
        form("endless-form", "answer[0].schema: has no near end where its references are followed"),
        form("doubling-form", "answer[0].schema: has no near end where its references are followed"),
        form("deep-form", "answer[0].schema: nested over 32 deep"),
        form("large-form", "answer[0].schema: over 65536 bytes"),
        form("slow-pattern", "answer[0].schema: not JSON Schema 2020-12 that compiles"),
        form("huge-pattern", "answer[0].schema: not JSON Schema 2020-12 that compiles"),
    ]);
}

#[test]
fn no_money_is_asked_for_that_nobody_could_owe_and_nobody_is_sent_elsewhere_to_pay() {
    stage().plays(vec![
        in_function(Function::Outstanding, "do: all-the-money", Ends::Broke("answer[0].amount: not 1 to 100000000")),
        in_function(Function::Join, "do: meet-in-the-clear", Ends::Broke("answer.url: not an absolute https URL")),
        in_function(Function::Outstanding, "do: one-invoice-twice", Ends::Broke("answer[1].id: another has it")),
        in_function(Function::Pay, "do: pay-in-the-clear", Ends::Broke("answer.redirect: not an absolute https URL")),
        in_function(Function::Pay, "do: pay-somebody-else", Ends::Broke("answer.redirect: has a user or a password")),
        in_function(
            Function::Survey,
            "do: one-choice-twice",
            Ends::Broke("answer.questions[0].choices[1].id: another has it"),
        ),
    ]);
}

#[test]
fn a_text_that_is_no_unicode_is_never_a_text() {
    stage().plays(vec![
        guest("do: no-utf8", Ends::Trapped("utf-8")),
        guest("do: lone-surrogate", Ends::Trapped("utf-8")),
        guest("do: overlong-utf8", Ends::Trapped("utf-8")),
    ]);
}

#[test]
fn numbers_with_a_point_are_not_in_the_contract_so_that_nan_cannot_be() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/wit");
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for word in code.flat_map(|line| line.split(|letter: char| !letter.is_alphanumeric())) {
            assert!(!["f32", "f64", "float32", "float64"].contains(&word), "{word}");
        }
    }
}

#[test]
fn a_pointer_or_a_length_that_lies_is_a_fault() {
    let body = |id: &str, body: String| Wat { body, ..wat(id) };
    stage().plays(vec![
        in_text(
            body("pointer-out-of-memory", opened("(i32.const -8)", "(i32.const 64)")),
            Ends::Trapped("out of bounds"),
        ),
        in_text(body("length-of-gigabytes", opened("(i32.const 0)", "(i32.const -1)")), Ends::Trapped("")),
        in_text(body("result-out-of-memory", "(i32.const -16)".to_owned()), Ends::Trapped("out of bounds")),
        in_text(body("result-at-an-odd-place", format!("{} drop (i32.const 17)", ok())), Ends::Trapped("align")),
        in_text(
            body(
                "list-of-gigabytes",
                format!("{} drop (i32.store (i32.const 32) (i32.const 0x0fffffff)) (i32.const 16)", ok()),
            ),
            Ends::Trapped("out of bounds"),
        ),
    ]);
}

#[test]
fn a_case_that_a_variant_does_not_have_is_a_fault() {
    let byte = |at: u32, value: u32| format!("(i32.store8 (i32.const {at}) (i32.const {value}))");
    let failed = |id: &str, case: u32| {
        let body = format!("{} {} (i32.const 16)", byte(16, 1), byte(20, case));
        in_text(Wat { body, ..wat(id) }, Ends::Trapped(""))
    };
    stage().plays(vec![
        in_text(
            Wat { body: format!("{} (i32.const 16)", byte(16, 2)), ..wat("neither-result-nor-failure") },
            Ends::Trapped(""),
        ),
        failed("a-failure-of-another-kind", 6),
        failed("a-failure-of-the-last-kind", 255),
    ]);
}

#[test]
fn an_answer_of_hundreds_of_mebibytes_costs_the_gateway_no_such_memory() {
    // A hundred slots whose titles are all the same mebibyte: 100 MiB for the host, and one for the guest.
    let aliased = format!(
        "(loop $more
            (i32.store (i32.add (i32.const 65596) (i32.mul (local.get $i) (i32.const 72))) (i32.const 131072))
            (i32.store (i32.add (i32.const 65600) (i32.mul (local.get $i) (i32.const 72))) (i32.const 1048576))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $more (i32.lt_u (local.get $i) (i32.const 100))))
         {}",
        listed(65_536, 100)
    );
    let slots = |id: &str, pages: u32, body: String| Wat { appointments: true, pages, body, ..wat(id) };
    stage().plays(vec![
        in_text(slots("one-text-a-hundred-times", 20, aliased), Ends::Trapped("")),
        in_text(
            slots("a-million-slots-that-are-not-there", 900, listed(65_536, 1_000_000)),
            Ends::Trapped("out of bounds"),
        ),
        in_text(slots("eight-hundred-thousand-slots", 900, listed(65_536, 800_000)), Ends::Trapped("")),
    ]);
}

#[test]
fn a_guest_that_hands_over_more_than_it_may_at_once_is_stopped() {
    let import = r#"(import "dialog:provider/log@1.0.0" "write" (func $write (param i32 i32 i32)))"#;
    let set = r#"(import "dialog:provider/state@1.0.0" "set" (func $set (param i32 i32 i32 i32 i32)))"#;
    let large = |id: &str, imports: &str, call: &str| {
        let body = format!("{call} {}", ok());
        in_text(Wat { imports: imports.to_owned(), pages: 900, body, ..wat(id) }, Ends::Trapped(""))
    };
    stage().plays(vec![
        large("a-line-of-50-mebibytes", import, "(call $write (i32.const 1) (i32.const 65536) (i32.const 52428800))"),
        large(
            "a-value-of-50-mebibytes",
            set,
            "(call $set (i32.const 1000) (i32.const 2) (i32.const 65536) (i32.const 52428800) (i32.const 2000))",
        ),
        large("a-level-that-there-is-not", import, "(call $write (i32.const 9) (i32.const 1000) (i32.const 2))"),
    ]);
}

#[test]
fn a_guest_cannot_be_entered_while_it_is_being_called_back() {
    let log = r#"(import "dialog:provider/log@1.0.0" "write" (func $write (param i32 i32 i32)))"#;
    let out = "(call $write (i32.const 1) (i32.const 1000) (i32.const 2))";
    let imports = || log.to_owned();
    stage().plays(vec![
        in_every_call(
            Wat {
                imports: imports(),
                realloc: Some(format!("{out} (i32.const 32768)")),
                ..wat("realloc-that-calls-out")
            },
            Ends::Trapped("cannot leave component instance"),
        ),
        in_text(
            Wat { imports: imports(), after: Some(out.to_owned()), ..wat("post-return-that-calls-out") },
            Ends::Trapped("cannot leave component instance"),
        ),
    ]);
}

#[test]
fn an_allocator_that_lies_corrupts_nobody_but_its_guest() {
    stage().plays(vec![
        in_every_call(
            Wat { realloc: Some("(i32.const -8)".to_owned()), ..wat("realloc-out-of-memory") },
            Ends::Trapped(""),
        ),
        in_every_call(
            Wat { realloc: Some("(i32.const 32769)".to_owned()), ..wat("realloc-at-an-odd-place") },
            Ends::Trapped("align"),
        ),
        in_every_call(
            Wat { realloc: Some("unreachable".to_owned()), ..wat("realloc-that-traps") },
            Ends::Trapped("unreachable"),
        ),
        // Everything in one place: what the guest reads is wrong, and it is its own.
        in_text(
            Wat { realloc: Some("(i32.const 32768)".to_owned()), ..wat("realloc-to-one-place") },
            Ends::Answered("ok"),
        ),
    ]);
}
