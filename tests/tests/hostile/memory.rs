//! Guests that take what is not theirs to take: memory by all the ways in which memory can be had, and the stack; and
//! guests that die of it.

use crate::{
    stage::{Ends, Function, guest, in_function, stage},
    time::{component_in_every_call, in_every_call, in_text},
    wat::{Wat, ok, wat},
};

#[test]
fn memory_over_the_limit_is_refused_and_a_guest_that_cannot_go_on_without_is_told_apart() {
    stage().plays(vec![
        guest("do: take-all-memory", Ends::OutOfMemory),
        guest("do: take-all-memory-and-go-on", Ends::Answered("got some: true")),
    ]);
}

#[test]
fn several_memories_and_tables_share_one_limit() {
    let guest = wat("memories-of-several-instances");
    // Three of 30 MiB, each within its own bound, and over the sum.
    let memories = guest.with_instances("(module (memory 480))", 3);
    let growing = wat("memories-that-grow-in-start");
    // None is large at its beginning.
    let grown = growing.with_instances(
        "(module (memory 1) (func $begin (drop (memory.grow (i32.const 600)))
            (if (i32.lt_u (memory.size) (i32.const 600)) (then unreachable))) (start $begin))",
        3,
    );
    stage().plays(vec![
        component_in_every_call(&guest, memories, Ends::OutOfMemory),
        component_in_every_call(&growing, grown, Ends::OutOfMemory),
    ]);
}

#[test]
fn a_table_grows_no_further_than_the_pool_has_room() {
    let grow = "(loop $more (br_if $more
        (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1))))";
    let table = "(table $t 1 funcref)".to_owned();
    let refused = format!("{grow} (if (i32.gt_u (table.size $t) (i32.const 50000)) (then unreachable)) {}", ok());
    stage().plays(vec![in_text(Wat { items: table, body: refused, ..wat("table-growth") }, Ends::Answered("ok"))]);
}

#[test]
fn recursion_without_end_is_a_trap_and_not_the_gateways_end() {
    let deep = "(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))";
    let in_start = format!("{deep} (func $begin (drop (call $deep (i32.const 1)))) (start $begin)");
    stage().plays(vec![
        guest("do: recurse", Ends::Trapped("call stack exhausted")),
        in_text(
            Wat { items: deep.to_owned(), body: "(call $deep (i32.const 1))".to_owned(), ..wat("recursion") },
            Ends::Trapped("call stack exhausted"),
        ),
        in_every_call(Wat { items: in_start, ..wat("recursion-in-start") }, Ends::Trapped("call stack exhausted")),
        in_every_call(
            Wat {
                realloc: Some("(call $deep (i32.const 1))".to_owned()),
                items: deep.to_owned(),
                ..wat("recursion-in-realloc")
            },
            Ends::Trapped("call stack exhausted"),
        ),
    ]);
}

#[test]
fn a_trap_in_any_function_is_a_fault_of_that_call_alone() {
    stage().plays(Function::ALL.map(|function| in_function(function, "do: trap", Ends::Trapped("unreachable"))).into());
}

#[test]
fn what_stands_outside_of_the_guests_memory_is_out_of_its_reach() {
    stage().plays(vec![
        guest("do: read-out-of-memory", Ends::Trapped("out of bounds memory access")),
        guest("do: write-out-of-memory", Ends::Trapped("out of bounds memory access")),
        in_text(
            Wat {
                items: "(type $f (func (result i32))) (table 8 funcref)".to_owned(),
                body: "(call_indirect (type $f) (i32.const 7))".to_owned(),
                ..wat("call-of-nothing")
            },
            Ends::Trapped("uninitialized element"),
        ),
        in_text(
            Wat { body: "(i32.div_s (i32.const 1) (local.get $i))".to_owned(), ..wat("division-by-zero") },
            Ends::Trapped("integer divide by zero"),
        ),
    ]);
}
