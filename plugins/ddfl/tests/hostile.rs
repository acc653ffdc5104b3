//! Whatever arrives, reading answers: with a message or with an error, in bounded time, without a panic.
#![allow(clippy::unwrap_used, reason = "a test says what failed by failing")]

mod support;

use ddfl::read::read;
use ddfl::write::request::{Request, limit};
use ddfl::write::{Written, write};
use proptest::prelude::*;
use support::{envelope, every_kind, filled};

fn golden() -> Vec<Vec<u8>> {
    every_kind().iter().map(|(_, envelope, request)| filled(&write(envelope, request).unwrap())).collect()
}

#[derive(Clone, Debug)]
enum Change {
    Set(usize, u8),
    Cut(usize, usize),
    Double(usize, usize),
    Insert(usize, &'static str),
}

fn change() -> impl Strategy<Value = Change> {
    let pieces = prop::sample::select(vec![
        "<!DOCTYPE a [<!ENTITY b \"bb\">]>",
        "&b;",
        "&#0;",
        "&#x110000;",
        "<![CDATA[",
        "]]>",
        "<?xml encoding='UTF-16'?>",
        "\u{0}",
        "<",
        "\"",
        "<Notat>",
        "</Content>",
        "-->",
        "\u{feff}",
        "9999999999999999999999",
        "<dtend><date-time>-9999-01-01T00:00:00</date-time></dtend>",
        "<duration><duration>P99999999999D</duration></duration>",
    ]);
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (any::<usize>(), 1_usize..400).prop_map(|(at, length)| Change::Cut(at, length)),
        (any::<usize>(), 1_usize..400).prop_map(|(at, length)| Change::Double(at, length)),
        (any::<usize>(), pieces).prop_map(|(at, text)| Change::Insert(at, text)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let length = bytes.len().max(1);
    match *change {
        Change::Set(at, byte) => {
            if let Some(place) = bytes.get_mut(at % length) {
                *place = byte;
            }
        }
        Change::Cut(at, count) => {
            let from = (at % length).min(bytes.len());
            let to = (from + count).min(bytes.len());
            bytes.drain(from..to);
        }
        Change::Double(at, count) => {
            let from = (at % length).min(bytes.len());
            let to = (from + count).min(bytes.len());
            let piece = bytes[from..to].to_vec();
            bytes.splice(from..from, piece);
        }
        Change::Insert(at, text) => {
            let from = (at % length).min(bytes.len());
            bytes.splice(from..from, text.bytes());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = read(&bytes);
    }

    #[test]
    fn changed_messages_never_panic(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec(change(), 1..12),
    ) {
        let all = golden();
        let mut bytes = all[which.index(all.len())].clone();
        for change in &changes {
            apply(&mut bytes, change);
        }
        let _ = read(&bytes);
    }

    #[test]
    fn any_text_is_written_so_that_it_is_read_back(text in "\\PC{1,200}", subject in "\\PC{1,50}") {
        let written = Written { subject: Some(subject.clone()), text: text.clone(), attachments: Vec::new() };
        let request = Request::Enquire { written };
        prop_assume!(request.check(ddfl::message::Version::V1_1, limit::TEXT).is_ok());
        let bytes = filled(&write(&envelope("any"), &request).unwrap());
        let ddfl::read::Incoming::Message(message) = read(&bytes).unwrap() else {
            return Err(TestCaseError::fail("not a message"));
        };
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        prop_assert_eq!(plain(message.text.as_deref().unwrap_or_default()), plain(&text));
        prop_assert_eq!(plain(message.subject.as_deref().unwrap_or_default()), plain(&subject));
    }
}
