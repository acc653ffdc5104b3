#![allow(clippy::unwrap_used, reason = "a failing test panics")]

use dialog_contract::{
    action::Action,
    audit::{Actor, OutcomeRecord, RepresentationRecord},
    service::Representation,
};
use jiff::Timestamp;

use super::*;

const ME: &str = "me";
const OTHER: &str = "other";

fn record(action: Action, role: ActorRole, person: Option<&str>) -> Record {
    let actor = Actor { role, client: "portal".to_owned(), person: person.map(str::to_owned), level: Some(4) };
    let outcome = OutcomeRecord { status: Some(200), problem: None, sent: None };
    Record {
        citizen: Some(ME.to_owned()),
        outcome: Some(outcome),
        ..Record::new(Timestamp::UNIX_EPOCH, RecordKind::Outcome, action, actor)
    }
}

fn said(record: &Record, person: &str) -> String {
    told(record, person, Locale::Nb).unwrap().text
}

#[test]
fn whoever_did_it_is_named_as_the_citizen_knows_them() {
    let mut read = record(Action::DialogRead, ActorRole::Citizen, Some(ME));
    assert_eq!(said(&read, ME), "Du leste en samtale.");
    read.actor.person = Some(OTHER.to_owned());
    let role = Representation::Parent;
    read.representation = Some(RepresentationRecord { representative: OTHER.to_owned(), role });
    assert_eq!(said(&read, ME), "En forelder leste en samtale på dine vegne.");
    assert_eq!(said(&read, OTHER), "Du leste en samtale på vegne av en annen.");
    assert_eq!(told(&read, "somebody else", Locale::Nb), None);
    assert_eq!(said(&record(Action::NoticeSend, ActorRole::Gateway, None), ME), "Tjenesten selv sendte deg et varsel.");
    let delivery = Record { kind: RecordKind::Delivery, ..record(Action::InboundReceive, ActorRole::Provider, None) };
    assert!(said(&delivery, ME).starts_with("Legekontoret sendte noe nytt"));
}

#[test]
fn each_end_is_told_as_what_it_was() {
    let mut open = record(Action::DialogOpen, ActorRole::Citizen, Some(ME));
    for (status, problem, sent, outcome) in [
        (201, None, None, AccessOutcome::Done),
        (403, Some("declined"), Some(Sent::Yes), AccessOutcome::Refused),
        (502, Some("provider-faulty"), Some(Sent::No), AccessOutcome::Failed),
        (503, Some("provider-unavailable"), Some(Sent::Unknown), AccessOutcome::Uncertain),
    ] {
        let problem = problem.map(str::to_owned);
        open.outcome = Some(OutcomeRecord { status: Some(status), problem, sent });
        assert_eq!(told(&open, ME, Locale::Nb).unwrap().outcome, outcome, "{status}");
    }
    assert_eq!(said(&open, ME), "Du prøvde å åpne en samtale med legekontoret, og det er ikke kjent om det kom frem.");
    open.kind = RecordKind::Intent;
    assert_eq!(told(&open, ME, Locale::Nb), None, "an intent is no end");
}

#[test]
fn every_action_has_a_sentence_in_three_languages_without_a_code() {
    let mut told_of = Vec::new();
    for action in Action::ALL {
        for role in ActorRole::ALL {
            for locale in [Locale::Nb, Locale::Nn, Locale::En] {
                let Some(told) = told(&record(*action, *role, Some(ME)), ME, locale) else { continue };
                let text = told.text;
                assert!(text.ends_with('.') && text.starts_with(char::is_uppercase), "{text}");
                assert!(!text.contains(|c: char| c.is_ascii_digit() || "_/:{}".contains(c)), "{text}");
                assert!(!text.contains(action.as_str()), "{text}");
                if *role == ActorRole::Citizen {
                    told_of.push(text);
                }
            }
        }
    }
    insta::assert_snapshot!(told_of.join("\n"));
}
