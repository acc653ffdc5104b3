//! iCalendar as XML (xCal): free slots, booked and cancelled appointments (2.8).

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use super::{Deviation, Deviations, ReadError, bounded, identifier, limit};
use crate::message::{HerId, time};
use crate::xml::tree::Element;

/// A slot or an appointment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appointment {
    /// Start.
    pub start: Timestamp,
    /// End; none where the record system gave none that makes sense.
    pub end: Option<Timestamp>,
    /// The record system's id of the slot.
    pub uid: String,
    /// The record system's id of the appointment that the slot became.
    pub related_to: Option<String>,
    /// Whose it is.
    pub contact: Option<HerId>,
    /// What it is for.
    pub summary: Option<String>,
    /// What the citizen should know.
    pub description: Option<String>,
    /// Where.
    pub location: Option<String>,
    /// Kinds (7617): `Hastetime`, `Video`, `Tidsvindu`, `MustCall`.
    pub categories: Vec<String>,
    /// `TENTATIVE`, `CONFIRMED`, `CANCELLED`, `COMPLETED`.
    pub status: Option<String>,
    /// From when it can be booked.
    pub available_at: Option<Timestamp>,
    /// Who comes or receives (`attendee`, else `organizer`).
    pub with: Option<String>,
}

impl Appointment {
    /// Whether it is of a kind, however that is spelt (`MustCall`, `Must-call`).
    #[must_use]
    pub fn is(&self, category: &str) -> bool {
        let plain = |text: &str| text.replace('-', "").to_lowercase();
        self.categories.iter().any(|known| plain(known) == plain(category))
    }

    /// Whether a status stands in it.
    #[must_use]
    pub fn has_status(&self, status: &str) -> bool {
        self.status.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(status))
    }
}

pub(super) fn read(calendars: &[&Element], deviations: &mut Deviations) -> Result<Vec<Appointment>, ReadError> {
    let mut appointments = Vec::new();
    for calendar in calendars {
        let mut stack = vec![*calendar];
        while let Some(element) = stack.pop() {
            if element.name != "vevent" {
                // Document order: the last pushed is taken first.
                let children: Vec<_> = element.elements().collect();
                stack.extend(children.into_iter().rev());
                continue;
            }
            if appointments.len() >= limit::APPOINTMENTS {
                return Err(ReadError::TooMuch { element: "vevent", limit: limit::APPOINTMENTS });
            }
            match event(element.child("properties").unwrap_or(element), deviations)? {
                Some(appointment) => appointments.push(appointment),
                None => deviations.note(Deviation::AppointmentIncomplete),
            }
        }
    }
    Ok(appointments)
}

fn event(properties: &Element, deviations: &mut Deviations) -> Result<Option<Appointment>, ReadError> {
    let text = |name: &'static str, limit: usize| bounded(properties.child_text(name), name, limit);
    let instant = |name: &str| properties.child_text(name).and_then(|text| moment(&text));
    let (Some(start), Some(uid)) = (instant("dtstart"), identifier(properties.child_text("uid"), "uid")?) else {
        return Ok(None);
    };
    let end = instant("dtend").or_else(|| {
        properties
            .child_text("duration")
            .and_then(|duration| duration.parse::<SignedDuration>().ok())
            .and_then(|duration| start.checked_add(duration).ok())
            .filter(|end| time::is_meant(*end))
    });
    let mut categories = Vec::new();
    for category in properties.children("categories") {
        for text in category.children("text") {
            categories.extend(bounded(text.text(), "categories", limit::LINE)?);
        }
    }
    let contact = properties.child_text("contact").map(|text| text.parse::<HerId>());
    if matches!(contact, Some(Err(_))) {
        deviations.note(Deviation::OddHerId);
    }
    Ok(Some(Appointment {
        start,
        end: after(start, end, deviations),
        uid,
        related_to: identifier(properties.child_text("related-to"), "related-to")?,
        contact: contact.and_then(Result::ok),
        summary: text("summary", limit::LINE)?,
        description: text("description", limit::TEXT)?,
        location: text("location", limit::LINE)?,
        categories,
        status: text("status", limit::IDENTIFIER)?,
        available_at: instant("x-available-at"),
        with: bounded(
            common_name(properties, "attendee").or_else(|| common_name(properties, "organizer")),
            "attendee",
            limit::LINE,
        )?,
    }))
}

/// A date and time, or a date alone.
fn moment(text: &str) -> Option<Timestamp> {
    time::parse(text).or_else(|| {
        let date = text.trim().parse::<jiff::civil::Date>().ok()?;
        time::instant(date.to_datetime(jiff::civil::Time::midnight())).filter(|found| time::is_meant(*found))
    })
}

/// The end, if it is after the start. Record systems copy the date of another appointment into `dtend`;
/// then the clock time is right and the day is the start's.
fn after(start: Timestamp, end: Option<Timestamp>, deviations: &mut Deviations) -> Option<Timestamp> {
    let end = end?;
    // The contract counts milliseconds: what ends within one has no length.
    let ends_after = |end: Timestamp| end.as_millisecond() > start.as_millisecond();
    if ends_after(end) {
        return Some(end);
    }
    deviations.note(Deviation::EndBeforeStart);
    let same_day = DateTime::from_parts(time::date(start), time::wall_clock(end).time());
    time::instant(same_day).filter(|end| ends_after(*end))
}

fn common_name(properties: &Element, name: &str) -> Option<String> {
    properties.child(name).and_then(|person| person.at(&["parameters", "cn"])).and_then(Element::text)
}
