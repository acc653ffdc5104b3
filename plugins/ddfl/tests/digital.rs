//! Who is digitally active, from the contract's call to the message.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support {
    #[allow(dead_code, reason = "shared by several test files")]
    pub(crate) mod inbox;
}

use ddfl::message::{Kind, Process};
use ddfl::plugin::Ddfl;
use dialog_plugin_sdk::citizens::Citizens;
use dialog_plugin_sdk::inbound::{Disposition, Inbound, Page, RefusalReason, Settlement};
use dialog_plugin_sdk::testing::Reply;
use dialog_plugin_sdk::upstream::Method;
use dialog_plugin_sdk::{ActiveQuestion, CitizenIdentity, Context, EventBody, Failure, Sent};
use support::inbox::{CITIZEN, GP, Inbox, Letter, context, inbound_context, settings};

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

/// The office asks about these.
fn question(numbers: &[&str]) -> Letter {
    let person = |number: &&str| {
        format!(
            "<Person><fk1:FamilyName>Danser</fk1:FamilyName><fk1:GivenName>Line</fk1:GivenName><fk1:Ident><fk1:Id>{number}\
             </fk1:Id><fk1:TypeId V='FNR'/></fk1:Ident></Person>"
        )
    };
    let persons: String = numbers.iter().map(person).collect();
    let list = format!(
        "<Personer xmlns='http://www.kith.no/xmlstds/person/2014-03-28' \
         xmlns:fk1='http://www.kith.no/xmlstds/felleskomponent1'>{persons}</Personer>"
    );
    let mut letter = Letter::new(1, "DIALOG_INNBYGGER_DIGITALBRUKER", "SIDAB").document(&list);
    letter.request = true;
    letter
}

fn poll(inbox: &Inbox, page: Option<&Page>, settled: &[(String, Disposition)]) -> Page {
    let settled = settled
        .iter()
        .map(|(event, disposition)| Settlement { event: event.clone(), disposition: *disposition })
        .collect();
    let cursor = page.and_then(|page| page.cursor.clone());
    inbox.host.call(|| Ddfl::poll(inbound_context(&inbox.host), cursor, settled)).unwrap()
}

/// What the gateway says to each question, in order.
fn answered(page: &Page, said: &[Disposition]) -> Vec<(String, Disposition)> {
    assert_eq!(page.events.len(), said.len());
    page.events.iter().map(|event| event.id.clone()).zip(said.iter().copied()).collect()
}

const NO: Disposition = Disposition::Refused(RefusalReason::NotDigitallyActive);
const NOBODY: Disposition = Disposition::Refused(RefusalReason::UnknownCitizen);
const OTHER: &str = "02917130593";

#[test]
fn who_is_active_of_those_asked_about_is_named_in_the_answer_and_the_question_is_receipted() {
    let inbox = Inbox::silent();
    let asked = question(&[CITIZEN, OTHER, "12345678901"]);
    asked.deliver(&mut inbox.store.borrow_mut());
    let page = poll(&inbox, None, &[]);
    let numbers: Vec<&str> = page
        .events
        .iter()
        .map(|event| match &event.body {
            EventBody::AskedActive(ActiveQuestion {
                citizen: CitizenIdentity::NationalIdentityNumber(number), ..
            }) => number.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(numbers, [CITIZEN, OTHER], "a number that cannot exist is asked about by nobody");
    let cursor = page.cursor.clone().unwrap();
    assert!(!cursor.contains(CITIZEN) && !cursor.contains(OTHER), "{cursor}");
    poll(&inbox, Some(&page), &answered(&page, &[NO, Disposition::Accepted]));
    let [answer] = inbox.sent().try_into().unwrap();
    assert_eq!(
        (answer.kind, answer.is_answer, answer.process),
        (Some(Kind::DigitalUsers), true, Some(Process::DigitalUser))
    );
    let named: Vec<_> = answer.persons.iter().map(|one| one.national_id.as_ref().unwrap().reveal()).collect();
    assert_eq!(named, [OTHER]);
    assert_eq!((answer.parent.as_deref(), answer.patient), (Some(asked.id.as_str()), None));
    assert_eq!(answer.receiver.her_id.unwrap().get(), GP);
    let inbox = inbox.inbox();
    assert_eq!((inbox[0].app_recs.as_slice(), inbox[0].read), (&[(1, Vec::new())][..], true));
}

#[test]
fn where_nobody_is_active_the_answer_is_29_and_names_nobody() {
    let inbox = Inbox::silent();
    question(&[CITIZEN, OTHER]).deliver(&mut inbox.store.borrow_mut());
    let page = poll(&inbox, None, &[]);
    poll(&inbox, Some(&page), &answered(&page, &[NO, NOBODY]));
    let [answer] = inbox.sent().try_into().unwrap();
    assert_eq!((answer.kind, answer.persons.len()), (Some(Kind::NoDigitalUsers), 0));
}

#[test]
fn an_answer_that_does_not_get_through_is_sent_later_and_is_the_same() {
    let inbox = Inbox::silent();
    question(&[CITIZEN]).deliver(&mut inbox.store.borrow_mut());
    let page = poll(&inbox, None, &[]);
    inbox.store.borrow_mut().failures.push((Method::Post, Reply::status(503)));
    let held = poll(&inbox, Some(&page), &answered(&page, &[Disposition::Accepted]));
    assert!(inbox.sent().is_empty() && !inbox.inbox()[0].read);
    poll(&inbox, Some(&held), &[]);
    assert_eq!((inbox.sent().len(), inbox.inbox()[0].read), (1, true));
    // The process died before it was noted: the answer has the same id, and is discarded.
    inbox.store.borrow_mut().inbox[0].read = false;
    poll(&inbox, Some(&held), &[]);
    assert_eq!((inbox.sent().len(), inbox.store.borrow().raw.len()), (1, 2));
    assert_eq!(inbox.store.borrow().raw[0], inbox.store.borrow().raw[1]);
}

#[test]
fn who_may_not_ask_and_who_asks_about_nobody_or_too_many_gets_no_answer() {
    let inbox = Inbox::silent();
    question(&[CITIZEN]).deliver(&mut inbox.store.borrow_mut());
    let page = poll(&inbox, None, &[]);
    poll(&inbox, Some(&page), &answered(&page, &[Disposition::Refused(RefusalReason::NoAgreement)]));
    let many = vec![CITIZEN; 91];
    for (id, mut letter) in [question(&[]), question(&many)].into_iter().enumerate() {
        letter.id = format!("0ff1ce00-0000-4000-8000-00000000010{id}");
        letter.deliver(&mut inbox.store.borrow_mut());
    }
    let page = poll(&inbox, None, &[]);
    assert!(page.events.iter().all(|event| matches!(event.body, EventBody::Unreadable(_))));
    poll(&inbox, Some(&page), &answered(&page, &[Disposition::Accepted, Disposition::Accepted]));
    assert!(inbox.sent().is_empty());
    assert!(inbox.inbox().iter().all(|one| one.app_recs.len() == 1 && one.app_recs[0].0 == 2 && one.read));
}

#[test]
fn a_page_that_is_full_leaves_a_question_for_the_next() {
    let inbox = Inbox::silent();
    let many = vec![CITIZEN; 60];
    for id in 0..2 {
        let mut letter = question(&many);
        letter.id = format!("0ff1ce00-0000-4000-8000-00000000010{id}");
        letter.deliver(&mut inbox.store.borrow_mut());
    }
    let page = poll(&inbox, None, &[]);
    assert_eq!((page.events.len(), page.more), (60, true));
    let next = poll(&inbox, Some(&page), &answered(&page, &[Disposition::Accepted; 60]));
    assert_eq!((next.events.len(), inbox.sent().len()), (60, 1));
    poll(&inbox, Some(&next), &answered(&next, &[NO; 60]));
    assert_eq!(inbox.sent().len(), 2);
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
