//! Guests that try to carry something from one call to the next, or to wear the gateway down by many.

use crate::{
    stage::{Ends, Function, HOSTILE, OFFICE, call, guest, stage},
    time::in_text,
    wat::{Wat, opened, wat},
};

/// In no component, no text and no name.
const CANARY: &str = "canary-of-one-citizen-4711";

#[test]
fn what_one_citizens_call_left_in_memory_no_other_call_finds() {
    let stage = stage();
    for _ in 0..2 {
        // In as many slots of the pool as there are calls at once, and then some again.
        stage.plays((0..8).map(|_| guest(&format!("do: hide {CANARY}"), Ends::Answered("hidden"))).collect());
        stage.plays((0..4).map(|_| guest(&format!("do: seek {CANARY}"), seen())).collect());
    }
    // With the very text of the search, the guest finds what is there to be found.
    let hidden_and_sought = stage.runtime.block_on(stage.says(&format!("do: seek-own {CANARY}"), OFFICE)).unwrap();
    assert!(hidden_and_sought.contains("found 1,"), "{hidden_and_sought}");
}

fn seen() -> Ends {
    Ends::Answered("looked, found 0, dirty 0")
}

#[test]
fn globals_tables_and_memory_begin_anew_in_every_call() {
    // Counts in a global, in memory, and in the size of a table; says each count.
    let counter = Wat {
        items: "(global $calls (mut i32) (i32.const 48)) (table $t 1 funcref)".to_owned(),
        body: format!(
            "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
             (i32.store8 (i32.const 600) (global.get $calls))
             (i32.store8 (i32.const 601) (i32.add (i32.load8_u (i32.const 700)) (i32.const 49)))
             (i32.store8 (i32.const 700) (i32.const 5))
             (drop (table.grow $t (ref.null func) (i32.const 1)))
             (i32.store8 (i32.const 602) (i32.add (table.size $t) (i32.const 47)))
             (i32.store8 (i32.const 603) (i32.add (memory.size) (i32.const 48)))
             (drop (memory.grow (i32.const 1)))
             {}",
            opened("(i32.const 600)", "(i32.const 4)")
        ),
        ..wat("counter")
    };
    let guest = in_text(counter, Ends::Answered("1111"));
    stage().plays(vec![guest; 20]);
}

#[test]
fn ten_thousand_calls_that_trap_leave_the_gateway_as_it_was() {
    let stage = stage();
    stage.runtime.block_on(async {
        let trap =
            || call(&stage.host, HOSTILE, Function::Open, "do: trap", OFFICE, std::time::Duration::from_secs(20));
        let mut before = 0;
        for round in 0..100 {
            let calls = futures_util::future::join_all((0..100).map(|_| trap())).await;
            assert!(
                calls
                    .iter()
                    .all(|(answer, _)| answer.as_ref().is_err_and(|failure| failure.to_string().contains("trapped")))
            );
            if round == 20 {
                before = resident();
            }
        }
        let grown = resident().saturating_sub(before);
        // The lines that this test itself keeps of 8,000 calls are about a kibibyte each.
        assert!(grown < 48 << 20, "memory grew by {} KiB in 8,000 calls", grown >> 10);
    });
    stage.plays(vec![guest("do: nothing", Ends::Answered("ok"))]);
}

/// Bytes of this process in memory.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}
