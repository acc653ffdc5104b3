//! An appointment in a request: one `vevent` of xCal (2.8).

use jiff::Timestamp;

use crate::message::{HerId, time};
use crate::xml::writer::XmlWriter;

const NAMESPACE: &str = "urn:ietf:params:xml:ns:icalendar-2.0";
/// Names this product in `prodid`.
const PRODUCT: &str = "Dialog gateway DDFL";

/// A slot or an appointment, as the record system named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarEntry {
    /// Start.
    pub start: Timestamp,
    /// End, after the start.
    pub end: Timestamp,
    /// The record system's id of the slot (`uid`).
    pub uid: String,
    /// Whose it is (`contact`).
    pub contact: HerId,
    /// The record system's id of the appointment that the slot became (`related-to`).
    pub related_to: Option<String>,
}

pub(super) fn write(xml: &mut XmlWriter, entry: &CalendarEntry) {
    xml.open("icalendar", &[("xmlns", NAMESPACE)]);
    xml.open("vcalendar", &[]);
    xml.open("properties", &[]);
    value(xml, "version", "text", "2.0");
    value(xml, "prodid", "text", PRODUCT);
    xml.close();
    xml.open("components", &[]);
    xml.open("vevent", &[]);
    xml.open("properties", &[]);
    value(xml, "dtstart", "date-time", &time::calendar(entry.start));
    value(xml, "dtend", "date-time", &time::calendar(entry.end));
    value(xml, "uid", "text", &entry.uid);
    value(xml, "contact", "text", &entry.contact.to_string());
    if let Some(related_to) = &entry.related_to {
        value(xml, "related-to", "uri", related_to);
    }
    xml.close();
    xml.empty("components", &[]);
    xml.close();
    xml.close();
    xml.close();
    xml.close();
}

fn value(xml: &mut XmlWriter, property: &'static str, kind: &'static str, text: &str) {
    xml.open(property, &[]);
    xml.leaf(kind, text);
    xml.close();
}
