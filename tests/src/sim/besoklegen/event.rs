//! The list of events: everything that happens at a practice, numbered.

use super::soap::VENDOR;
use crate::sim::meldingstjener::tree::{Element, Node};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How the next event is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damage {
    /// Only its number is left.
    Bare,
    /// Of a kind that nobody documented.
    UnknownKind,
    /// Everything in it is empty.
    Hollow,
    /// It has no number.
    NoNumber,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number, from one.
    pub number: u64,
    /// `Reply`, `Notice`, ...
    pub kind: String,
    /// As the vendor writes it, damaged where it is.
    pub xml: Element,
    /// Whether it is as the vendor's schema has it.
    pub whole: bool,
}

impl Event {
    /// An event of a practice.
    pub fn new(number: u64, at: Timestamp, practice: &str, what: Element, damage: Option<Damage>) -> Event {
        let kind = what.name.clone();
        let head = Element::new(VENDOR, "Event");
        let numbered = |head: Element| head.field("Number", number.to_string());
        let placed = |head: Element| head.field("Time", at.to_string()).field("Practice", practice);
        let xml = match damage {
            None => placed(numbered(head)).with(what),
            Some(Damage::Bare) => numbered(head),
            Some(Damage::UnknownKind) => placed(numbered(head)).with(Element { name: "SomethingNew".into(), ..what }),
            Some(Damage::Hollow) => placed(numbered(head)).with(hollow(what)),
            Some(Damage::NoNumber) => placed(head).with(what),
        };
        Event { number, kind, xml, whole: damage.is_none() }
    }
}

fn hollow(element: Element) -> Element {
    let nodes = element.nodes.into_iter().filter_map(|node| match node {
        Node::Element(child) => Some(Node::Element(hollow(child))),
        Node::Text(_) => None,
    });
    Element { nodes: nodes.collect(), ..element }
}
