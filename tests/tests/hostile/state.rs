//! Guests that misuse what is kept for them: keys that climb out of their memory, their neighbours' memories, floods, and
//! files.

use crate::stage::{Ends, Function, HOSTILE, OFFICE, component, granted, guest, stage, under_another_name};

/// An office with an agreement of its own.
const ANOTHER: u32 = 8_150_101;

#[test]
fn no_key_climbs_out_of_the_office_or_the_plugin() {
    stage().plays(vec![guest("do: climb", Ends::Refused("20 of 20 refused", "invalid-key"))]);
}

#[test]
fn a_neighbours_memory_cannot_be_seen() {
    let stage = stage();
    let neighbour = under_another_name(component(HOSTILE), "neighbour");
    stage.runtime.block_on(async {
        stage.host.install(neighbour, &granted()).await.unwrap();
        let time = std::time::Duration::from_secs(20);
        let (kept, _) = stage.traced("neighbour", Function::Open, "do: set secret.key hidden", OFFICE, time).await;
        assert_eq!(kept.0.unwrap(), "done");
        assert_eq!(stage.says("do: set own.key visible", ANOTHER).await.unwrap(), "done");
        let (found, _) = stage.traced("neighbour", Function::Open, "do: get secret.key", OFFICE, time).await;
        assert_eq!(found.0.unwrap(), "found hidden", "what is not found below is there");
    });
    stage.plays(vec![
        // Another plugin's, at the same office.
        guest("do: get secret.key", Ends::Answered("nothing")),
        guest("do: list secret.", Ends::Answered("0 keys")),
        // The same plugin's, at another office.
        guest("do: get own.key", Ends::Answered("nothing")),
        guest("do: list own.", Ends::Answered("0 keys")),
    ]);
}

#[test]
fn a_flood_of_writes_is_refused_at_its_limit() {
    stage().plays(vec![
        guest("do: set-many 600", Ends::Refused("500 done, then full", "full")),
        guest("do: set-large 65537", Ends::Refused("too large", "too-large")),
        guest("do: set-large 65536", Ends::Answered("done")),
        guest("do: set-much 80", Ends::Refused("64 done, then full", "full")),
        guest("do: delete-many 501", Ends::Refused("500 done, then full", "full")),
    ]);
}

#[test]
fn an_office_holds_no_more_keys_of_a_plugin_than_it_may_and_another_office_is_not_crowded_out() {
    const CROWDED: u32 = 8_150_999;
    let stage = stage();
    stage.runtime.block_on(async {
        for from in (0..10_000).step_by(500) {
            let said = stage.says(&format!("do: set-more {from} 500"), CROWDED).await.unwrap();
            assert_eq!(said, "500 done, then done");
        }
        assert_eq!(stage.says("do: set-more 10000 3", CROWDED).await.unwrap(), "0 done, then full");
        assert_eq!(
            stage.says("do: set-more 0 3", CROWDED).await.unwrap(),
            "3 done, then done",
            "known keys can be set"
        );
        assert_eq!(stage.says("do: list more.", CROWDED).await.unwrap(), "1000 keys");
        assert_eq!(stage.says("do: set more.0 x", OFFICE).await.unwrap(), "done");
    });
}

#[test]
fn a_call_that_fails_keeps_nothing() {
    let stage = stage();
    stage.plays(vec![
        guest("do: set-then-trap", Ends::Trapped("unreachable")),
        guest("do: set-then-fail", Ends::Failed("declined (no)")),
    ]);
    assert_eq!(stage.runtime.block_on(stage.says("do: get kept", OFFICE)).unwrap(), "nothing");
}

#[test]
fn files_are_bounded_in_number_and_size_and_are_what_they_are() {
    stage().plays(vec![
        guest("do: files-flood 1000", Ends::Refused("200 of 1000 made", "too-large")),
        guest("do: file-bytes 10", Ends::Refused("7 made", "too-large")),
        guest("do: file-lie", Ends::Refused("4 of 4 refused", "unsupported")),
        guest("do: file-of-others 0194f5d0-0000-7000-8000-000000000000", Ends::Refused("5 of 5 refused", "not-found")),
    ]);
}

#[test]
fn what_a_guest_goes_on_asking_for_is_counted_and_not_told_each_time() {
    let stage = stage();
    let time = std::time::Duration::from_secs(20);
    let (_, lines) = stage.runtime.block_on(stage.traced(HOSTILE, Function::Open, "do: climb", OFFICE, time));
    let told = lines.iter().filter(|line| line.field("message") == "a plugin asked for what it may not have");
    assert_eq!(told.count(), 8);
    let more = lines.iter().find(|line| line.field("message") == "a plugin went on to ask for what it may not have");
    assert_eq!(more.map(|line| line.field("more")), Some("52"));
    assert!(lines.iter().all(|line| !format!("{line:?}").contains("../")), "a key is not for the log");
}
