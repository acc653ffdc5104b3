//! Who is digitally active, from the contract's call to the message.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support {
    #[allow(dead_code, reason = "shared by several test files")]
    pub(crate) mod inbox;
}

use ddfl::message::{Kind, Process};
use ddfl::plugin::Ddfl;
use dialog_plugin_sdk::citizens::Citizens;
use dialog_plugin_sdk::testing::Reply;
use dialog_plugin_sdk::upstream::Method;
use dialog_plugin_sdk::{Context, Failure, Sent};
use support::inbox::{CITIZEN, GP, Inbox, context, settings};

fn told(processes: &[&str]) -> Context {
    Context { settings: settings(processes), ..context() }
}

#[test]
fn an_office_whose_system_takes_the_process_is_told_of_both_changes() {
    let inbox = Inbox::silent();
    for (key, active) in
        [("019b8d2b-8c00-7000-8000-0000000000b1", true), ("019b8d2b-8c00-7000-8000-0000000000b2", false)]
    {
        let ctx = Context { idempotency_key: key.into(), ..told(&["DIALOG_INNBYGGER_DIGITALBRUKER@1.1"]) };
        inbox.host.call(|| Ddfl::active(ctx, active)).unwrap();
    }
    let [active, inactive] = inbox.sent().try_into().unwrap();
    for message in [&active, &inactive] {
        assert_eq!((message.process, message.kind), (Some(Process::DigitalUser), Some(Kind::DigitalStatus)));
        assert_eq!(message.patient.as_ref().unwrap().national_id.as_ref().unwrap().reveal(), CITIZEN);
        assert_eq!(message.receiver.her_id.unwrap().get(), GP);
        assert_eq!(message.ack, Some(true));
    }
    let raw: Vec<String> = inbox.store.borrow().raw.iter().map(|raw| String::from_utf8(raw.clone()).unwrap()).collect();
    let coded = |value: &str, name: &str| {
        format!("<KodetOpplysning V=\"{value}\" S=\"2.16.578.1.12.4.1.1.1101\" DN=\"{name}\"/>")
    };
    assert!(raw[0].contains(&coded("1", "Ja")), "{}", raw[0]);
    assert!(raw[1].contains(&coded("2", "Nei")), "{}", raw[1]);
}

#[test]
fn an_office_whose_system_does_not_take_the_process_has_not_asked() {
    let inbox = Inbox::silent();
    inbox.host.call(|| Ddfl::active(told(&["DIALOG_INNBYGGER_EKONTAKT@1.2"]), true)).unwrap();
    assert!(inbox.sent().is_empty());
}

#[test]
fn a_repeated_call_sends_the_same_message_to_the_last_byte() {
    let inbox = Inbox::silent();
    let ctx = || Context {
        idempotency_key: "019b8d2b-8c00-7000-8000-0000000000b1".into(),
        ..told(&["DIALOG_INNBYGGER_DIGITALBRUKER@1.1"])
    };
    inbox.host.call(|| Ddfl::active(ctx(), true)).unwrap();
    let mut late = ctx();
    late.now += 3_600_000;
    inbox.host.call(|| Ddfl::active(late, true)).unwrap();
    let raw = inbox.store.borrow().raw.clone();
    assert_eq!(raw[0], raw[1]);
}

#[test]
fn where_meldingstjener_is_down_the_gateway_is_told_to_come_again() {
    let inbox = Inbox::silent();
    inbox.store.borrow_mut().failures.push((Method::Post, Reply::status(503)));
    let ctx = told(&["DIALOG_INNBYGGER_DIGITALBRUKER@1.1"]);
    let failure = inbox.host.call(|| Ddfl::active(ctx, true)).unwrap_err();
    assert!(matches!(failure, Failure::Unavailable(outage) if outage.sent != Sent::Yes));
}
