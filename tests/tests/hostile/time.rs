//! Guests that do not give up the time: in a loop, in what the engine calls around their functions, in bulk operations
//! that it cannot interrupt, in waiting.

use crate::{
    stage::{Ends, Function, Guest, Recovers, granted, guest, in_function, stage},
    wat::{Wat, ok, wat},
};

const FOR_EVER: &str = "(loop $for_ever (br $for_ever))";

/// Installs a guest in text, and has it play.
fn played(guest: &Wat, bad: Vec<u8>, ends: Ends, always: bool) -> Guest {
    let stage = stage();
    stage.runtime.block_on(stage.host.install(bad, &granted())).unwrap();
    let function = if guest.appointments { Function::Slots } else { Function::Open };
    let recovers = match (always, guest.appointments) {
        (true, _) => Recovers::ByUpgrade(Wat { appointments: guest.appointments, ..wat(&guest.id) }.build()),
        (false, true) => Recovers::With(Function::Cancel),
        (false, false) => Recovers::With(Function::Close),
    };
    Guest { plugin: guest.id.clone(), told: guest.id.clone(), function, ends, recovers }
}

/// A guest in text that is bad in its first function alone.
pub(crate) fn in_text(guest: Wat, ends: Ends) -> Guest {
    played(&guest, guest.build(), ends, false)
}

/// A guest in text that is bad in every call.
pub(crate) fn in_every_call(guest: Wat, ends: Ends) -> Guest {
    played(&guest, guest.build(), ends, true)
}

/// A component that is bad in every call; `guest` says what it is without its badness.
pub(crate) fn component_in_every_call(guest: &Wat, bad: Vec<u8>, ends: Ends) -> Guest {
    played(guest, bad, ends, true)
}

#[test]
fn a_guest_that_computes_or_waits_for_ever_is_stopped_at_its_deadline() {
    stage().plays(
        ["loop", "wait", "wait-then-loop", "ask-the-clock", "ask-the-state", "list-the-state"]
            .map(|told| guest(&format!("do: {told}"), Ends::OutOfTime))
            .into(),
    );
}

#[test]
fn a_loop_is_stopped_in_whatever_function_it_is() {
    stage().plays(Function::ALL.map(|function| in_function(function, "do: loop", Ends::OutOfTime)).into());
}

#[test]
fn a_loop_around_the_function_is_stopped_like_one_in_it() {
    let start = format!("(func $begin {FOR_EVER}) (start $begin)");
    stage().plays(vec![
        in_every_call(Wat { items: start, ..wat("loop-in-start") }, Ends::OutOfTime),
        in_every_call(
            Wat { realloc: Some(format!("{FOR_EVER} unreachable")), ..wat("loop-in-realloc") },
            Ends::OutOfTime,
        ),
        in_text(Wat { after: Some(FOR_EVER.to_owned()), ..wat("loop-in-post-return") }, Ends::OutOfTime),
        {
            // The contract's own module is innocent; a second one that is instantiated beside it is not.
            let guest = wat("loop-in-start-of-another-module");
            let bad = guest.with_instances(&format!("(module (func $begin {FOR_EVER}) (start $begin))"), 1);
            component_in_every_call(&guest, bad, Ends::OutOfTime)
        },
    ]);
}

#[test]
fn bulk_operations_without_end_are_stopped_although_none_of_them_can_be_interrupted() {
    let table = "(table $t 40000 funcref) (elem declare func $f) (func $f)";
    let bulk = |id: &str, items: &str, operation: &str| {
        let body = format!("(loop $again {operation} (br $again)) unreachable");
        in_text(Wat { pages: 900, items: items.to_owned(), body, ..wat(id) }, Ends::OutOfTime)
    };
    stage().plays(vec![
        bulk("bulk-fill", "", "(memory.fill (i32.const 0) (i32.const 7) (i32.const 58000000))"),
        bulk("bulk-copy", "", "(memory.copy (i32.const 1) (i32.const 0) (i32.const 58000000))"),
        bulk("bulk-table-fill", table, "(table.fill $t (i32.const 0) (ref.func $f) (i32.const 40000))"),
        bulk("bulk-table-copy", table, "(table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 39999))"),
    ]);
}

#[test]
fn a_guest_that_handed_something_over_and_then_loops_leaves_it_unknown_whether_it_was_sent() {
    let stage = stage();
    stage.plays(vec![guest("do: post-then-loop", Ends::OutOfTime)]);
    stage.runtime.block_on(async {
        let time = std::time::Duration::from_millis(500);
        let ((answer, record), _) =
            stage.traced(crate::stage::HOSTILE, Function::Open, "do: post-then-loop", crate::stage::OFFICE, time).await;
        assert_eq!(answer.unwrap_err().sent(), dialog_contract::service::Sent::Unknown);
        assert_eq!((record.upstreams.len(), record.upstreams[0].status), (1, Some(200)));
    });
}

#[test]
fn a_good_guest_in_text_is_a_good_guest() {
    // Else the ones above would be stopped for another reason than their loops.
    let good = Wat { body: ok(), after: Some(String::new()), ..wat("good-in-text") };
    stage().plays(vec![in_text(good, Ends::Answered("ok"))]);
}
