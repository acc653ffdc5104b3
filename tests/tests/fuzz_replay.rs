//! Plays what the fuzzer kept, and changes of it that are the same in every run, through the drivers of `tests/fuzz`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a failing test panics, and says on what")]

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::Path,
};

use dialog_drivers::{TARGETS, replay};

/// Changed inputs of each target: some seconds for all of them, unoptimised.
const ROUNDS: usize = 3000;

fn play(target: &str) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let (_, drive) = TARGETS.iter().find(|(name, _)| *name == target).unwrap();
    let inputs = replay::inputs(&corpus, target).unwrap();
    assert!(inputs.len() >= 10, "the corpus of {target} is gone");
    let last = RefCell::new(Vec::new());
    let played = catch_unwind(AssertUnwindSafe(|| {
        replay::play(*drive, &inputs, ROUNDS, |input| *last.borrow_mut() = input.to_vec());
    }));
    if let Err(broken) = played {
        eprintln!("the input of {target} that broke it: {:?}", String::from_utf8_lossy(&last.borrow()));
        eprintln!("its bytes: {:02x?}", last.borrow());
        resume_unwind(broken);
    }
}

macro_rules! kept {
    ($($test:ident = $target:literal;)+) => {
        $(
            #[test]
            fn $test() {
                play($target);
            }
        )+

        #[test]
        fn every_target_is_played() {
            let mut targets: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
            targets.sort_unstable();
            assert_eq!(targets, [$($target,)+]);
        }
    };
}

kept! {
    a_log_that_was_changed_is_never_believed = "audit";
    headers_stay_what_the_plugin_wrote_and_may = "headers";
    a_manifest_is_within_its_rules_or_refused = "manifest";
    a_message_is_read_within_bounds_or_refused = "message";
    what_a_plugin_returns_is_believed_within_the_contract = "output";
    a_package_is_what_its_vendor_signed_or_refused = "package";
    an_upstream_is_where_the_operator_bound_it = "path";
    a_proof_holds_for_what_stands_in_it_once = "proof";
    a_token_is_its_issuers_or_refused = "token";
}
