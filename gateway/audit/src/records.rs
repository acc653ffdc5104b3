//! What an entry says, where it is a record of the gateway: read leniently, field by field, as an auditor's tool meets
//! records that are older and newer than it is, and entries of other logs that are no records at all.
//!
//! * [`Record`]: an entry as JSON, with the fields that are asked for most.
//! * [`Names`]: the five names that the index is made of, read without looking at the rest.
//! * [`Filter`]: which records are wanted.
//! * [`deed`]: what an action does to data.

use std::borrow::Cow;
use std::fmt;

use dialog_contract::action::{Action, Effect};
use jiff::Timestamp;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// An entry that is a JSON object.
#[derive(Clone, Debug, PartialEq)]
pub struct Record(Value);

impl Record {
    /// Reads an entry; `None` where it is no JSON object.
    #[must_use]
    pub fn read(entry: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Value>(entry).ok().filter(Value::is_object).map(Self)
    }

    /// The whole of it.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The text at a JSON pointer (`/actor/role`).
    #[must_use]
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.0.pointer(pointer)?.as_str()
    }

    /// The whole number at a JSON pointer.
    #[must_use]
    pub fn number(&self, pointer: &str) -> Option<u64> {
        self.0.pointer(pointer)?.as_u64()
    }

    /// When, by the gateway's clock.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        self.text("/time")?.parse().ok()
    }

    /// What kind of thing is recorded.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text("/kind").unwrap_or("")
    }

    /// What was done.
    #[must_use]
    pub fn action(&self) -> &str {
        self.text("/action").unwrap_or("")
    }

    /// The index of the earlier record that this one puts aside: that one tells an outcome that did not come to be.
    #[must_use]
    pub fn supersedes(&self) -> Option<u64> {
        self.text("/details/supersedes")?.parse().ok()
    }

    /// Status and problem of the outcome, where there is one.
    #[must_use]
    pub fn outcome(&self) -> Option<(Option<u64>, Option<&str>)> {
        self.0.get("outcome")?;
        Some((self.number("/outcome/status"), self.text("/outcome/problem")))
    }
}

/// What an action does to data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Something new is made.
    Create,
    /// One thing is read.
    Read,
    /// What matches is read; the route that does it.
    Search(&'static str),
    /// Something is changed.
    Update,
    /// Something is done that is none of these.
    Other,
}

/// What an action does to data. Actions that are not known are [`Deed::Other`].
#[must_use]
pub fn deed(action: &str) -> Deed {
    let Ok(action) = action.parse::<Action>() else { return Deed::Other };
    match action.effect() {
        Effect::Create => Deed::Create,
        Effect::Read => Deed::Read,
        Effect::Search => Deed::Search(searched(action)),
        Effect::Update => Deed::Update,
        Effect::Delete | Effect::Execute => Deed::Other,
    }
}

/// The route of a search, without what was asked for.
const fn searched(action: Action) -> &'static str {
    match action {
        Action::DialogsList => "GET /v1/me/dialogs",
        Action::DialogsSearch => "POST /v1/me/dialogs/search",
        Action::AppointmentsSlots => "GET /v1/me/slots",
        Action::AppointmentsUpcoming => "GET /v1/me/appointments",
        Action::PrescriptionsRenewable => "GET /v1/me/prescriptions",
        Action::PaymentsOutstanding => "GET /v1/me/invoices",
        Action::PaymentsList => "GET /v1/me/payments",
        Action::EventsFollow => "GET /v1/me/events",
        Action::EventsRead => "GET /v1/events",
        Action::AccessLogRead => "GET /v1/me/access-log",
        Action::UnreadableList => "GET /unreadable",
        Action::SurveyResultsRead => "GET /v1/survey-results",
        Action::PluginsList => "GET /v1/plugins",
        Action::CollegialList => "GET /v1/offices/{herId}/collegial-dialogs",
        _ => "",
    }
}

/// What the index knows records by. Nothing else of the entry is kept.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Names<'a> {
    pub(crate) time: Option<Cow<'a, str>>,
    pub(crate) trace: Option<Cow<'a, str>>,
    pub(crate) request: Option<Cow<'a, str>>,
    pub(crate) dialog: Option<Cow<'a, str>>,
    pub(crate) citizen: Option<Cow<'a, str>>,
    pub(crate) person: Option<Cow<'a, str>>,
    pub(crate) representative: Option<Cow<'a, str>>,
}

impl<'a> Names<'a> {
    /// Reads them from an entry. What [`Record`] finds in it is found here.
    pub(crate) fn read(entry: &'a [u8]) -> Option<Self> {
        // What is read member by member would be read from a list too.
        let object = entry.trim_ascii_start().starts_with(b"{");
        if let Some(Ok(quick)) = object.then(|| serde_json::from_slice::<Quick<'a>>(entry)) {
            return Some(Self {
                time: quick.time.0,
                trace: quick.trace_id.0,
                request: quick.request.0,
                dialog: quick.dialog.0,
                citizen: quick.citizen.0,
                person: quick.actor.and_then(|actor| actor.person.0),
                representative: quick.representation.and_then(|someone| someone.representative.0),
            });
        }
        // Of another form, such as with a member twice: the slow way, which is how it is read elsewhere.
        let record = Record::read(entry)?;
        let text = |pointer: &str| record.text(pointer).map(|text| Cow::Owned(text.to_owned()));
        Some(Self {
            time: text("/time"),
            trace: text("/traceId"),
            request: text("/request"),
            dialog: text("/dialog"),
            citizen: text("/citizen"),
            person: text("/actor/person"),
            representative: text("/representation/representative"),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Quick<'a> {
    #[serde(borrow, default)]
    time: Text<'a>,
    #[serde(borrow, default)]
    trace_id: Text<'a>,
    #[serde(borrow, default)]
    request: Text<'a>,
    #[serde(borrow, default)]
    dialog: Text<'a>,
    #[serde(borrow, default)]
    citizen: Text<'a>,
    #[serde(borrow, default)]
    actor: Option<QuickActor<'a>>,
    #[serde(borrow, default)]
    representation: Option<QuickRepresentation<'a>>,
}

#[derive(Deserialize)]
struct QuickActor<'a> {
    #[serde(borrow, default)]
    person: Text<'a>,
}

#[derive(Deserialize)]
struct QuickRepresentation<'a> {
    #[serde(borrow, default)]
    representative: Text<'a>,
}

/// A text where there is one; whatever else stands there is passed over.
#[derive(Debug, Default)]
struct Text<'a>(Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Borrowed(text))))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(text.to_owned()))))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }

            fn visit_unit<E>(self) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Text<'de>, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Text<'de>, A::Error> {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// How records are wanted to have ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Well: a status below 400 and no problem, or none of either.
    Ok,
    /// Not well.
    Refused,
    /// With this HTTP status.
    Status(u64),
    /// With this problem.
    Problem(String),
}

impl std::str::FromStr for Ended {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "ok" => Ok(Self::Ok),
            "refused" => Ok(Self::Refused),
            text if text.bytes().all(|byte| byte.is_ascii_digit()) => match text.parse() {
                Ok(status @ 100..=599) => Ok(Self::Status(status)),
                _ => Err("an HTTP status is 100 to 599".to_owned()),
            },
            text if text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') => {
                Ok(Self::Problem(text.to_owned()))
            }
            _ => Err("it is ok, refused, an HTTP status or a problem's name".to_owned()),
        }
    }
}

/// Which records are wanted; what is `None` lets all through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Of this office (HER-id).
    pub office: Option<u64>,
    /// Through this plugin, or by it.
    pub provider: Option<String>,
    /// Through a plugin whose digest begins so.
    pub digest: Option<String>,
    /// Of, by or on behalf of the person with this pseudonym.
    pub citizen: Option<String>,
    /// Of this trace.
    pub trace: Option<String>,
    /// Of this request.
    pub request: Option<String>,
    /// Of this dialog.
    pub dialog: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// With this action.
    pub action: Option<String>,
    /// That ended so.
    pub outcome: Option<Ended>,
}

impl Filter {
    /// Whether everything is wanted, also what is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether this record is wanted.
    #[must_use]
    pub fn accepts(&self, record: &Record) -> bool {
        let is = |wanted: &Option<String>, pointers: &[&str]| {
            wanted.as_deref().is_none_or(|wanted| pointers.iter().any(|at| record.text(at) == Some(wanted)))
        };
        let in_time = match (self.since, self.until) {
            (None, None) => true,
            (since, until) => record
                .time()
                .is_some_and(|time| since.is_none_or(|since| time >= since) && until.is_none_or(|until| time < until)),
        };
        in_time
            && self.office.is_none_or(|office| record.number("/office") == Some(office))
            && (is(&self.provider, &["/call/plugin"])
                || (is(&self.provider, &["/actor/client"]) && by_provider(record)))
            && self.digest.as_deref().is_none_or(|digest| {
                record.text("/call/digest").is_some_and(|found| found.starts_with(digest))
                    || record.text("/details/digest").is_some_and(|found| found.starts_with(digest))
            })
            && is(&self.citizen, &["/citizen", "/actor/person", "/representation/representative"])
            && is(&self.trace, &["/traceId"])
            && is(&self.request, &["/request"])
            && is(&self.dialog, &["/dialog"])
            && is(&self.kind, &["/kind"])
            && is(&self.action, &["/action"])
            && self.outcome.as_ref().is_none_or(|wanted| ended(record, wanted))
    }
}

fn by_provider(record: &Record) -> bool {
    record.text("/actor/role") == Some("provider")
}

fn ended(record: &Record, wanted: &Ended) -> bool {
    let Some((status, problem)) = record.outcome() else {
        return false;
    };
    match wanted {
        Ended::Ok => problem.is_none() && status.is_none_or(|status| status < 400),
        Ended::Refused => problem.is_some() || status.is_some_and(|status| status >= 400),
        Ended::Status(wanted) => status == Some(*wanted),
        Ended::Problem(wanted) => problem == Some(wanted.as_str()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
    use super::*;
    use dialog_contract::openapi;
    use proptest::prelude::*;

    const ENTRY: &str = r#"{"version":1,"time":"2026-03-02T08:00:01.25Z","kind":"outcome","request":"r-1","traceId":"t-1",
        "action":"dialog.open","actor":{"role":"citizen","client":"portal","person":"p-1"},"citizen":"p-2",
        "representation":{"representative":"p-1","role":"parent"},"office":7,"dialog":"d-1",
        "call":{"plugin":"ddfl","digest":"2c26b46b68"},"outcome":{"status":201,"sent":"yes"},"future":{"a":[1]}}"#;

    #[test]
    fn each_filter_lets_its_record_through_and_no_other() {
        let record = Record::read(ENTRY.as_bytes()).unwrap();
        let text = |text: &str| Some(text.to_owned());
        let filters = |good: bool| {
            let pick = |right: &str, wrong: &str| text(if good { right } else { wrong });
            let time = |text: &str| text.parse::<Timestamp>().ok();
            vec![
                Filter {
                    since: time(if good { "2026-03-02T08:00:01.25Z" } else { "2026-03-02T08:00:01.3Z" }),
                    ..Filter::default()
                },
                Filter {
                    until: time(if good { "2026-03-02T08:00:01.3Z" } else { "2026-03-02T08:00:01.25Z" }),
                    ..Filter::default()
                },
                Filter { office: Some(if good { 7 } else { 8 }), ..Filter::default() },
                Filter { provider: pick("ddfl", "portal"), ..Filter::default() },
                Filter { digest: pick("2c26", "c26b"), ..Filter::default() },
                Filter { citizen: pick("p-1", "p-3"), ..Filter::default() },
                Filter { citizen: pick("p-2", "p"), ..Filter::default() },
                Filter { trace: pick("t-1", "T-1"), ..Filter::default() },
                Filter { request: pick("r-1", "t-1"), ..Filter::default() },
                Filter { dialog: pick("d-1", ""), ..Filter::default() },
                Filter { kind: pick("outcome", "intent"), ..Filter::default() },
                Filter { action: pick("dialog.open", "dialog"), ..Filter::default() },
                Filter { outcome: Some(if good { Ended::Ok } else { Ended::Refused }), ..Filter::default() },
                Filter { outcome: Some(Ended::Status(if good { 201 } else { 200 })), ..Filter::default() },
            ]
        };
        for filter in filters(true) {
            assert!(filter.accepts(&record), "{filter:?}");
        }
        for filter in filters(false) {
            assert!(!filter.accepts(&record), "{filter:?}");
        }
        let failed = Record::read(br#"{"outcome":{"status":503,"problem":"provider-unavailable"}}"#).unwrap();
        let outcome = |text: &str| Filter { outcome: Some(text.parse().unwrap()), ..Filter::default() };
        assert!(outcome("refused").accepts(&failed) && outcome("provider-unavailable").accepts(&failed));
        assert!(!outcome("ok").accepts(&failed) && !outcome("internal").accepts(&failed));
        // An intent has not ended, neither way.
        let intent = Record::read(br#"{"kind":"intent"}"#).unwrap();
        assert!(!outcome("ok").accepts(&intent) && !outcome("refused").accepts(&intent));
    }

    #[test]
    fn the_index_reads_what_a_record_says() {
        for entry in [
            ENTRY,
            r#"{"traceId":"a","traceId":"b","actor":7,"citizen":["x"]}"#,
            r#"{"traceId":"\u0061","actor":{"person":null}}"#,
            r#"{"time":5,"dialog":{"a":1},"request":true,"citizen":"c"}"#,
            r#"{}"#,
        ] {
            let names = Names::read(entry.as_bytes()).unwrap();
            let record = Record::read(entry.as_bytes()).unwrap();
            for (name, pointer) in [
                (&names.time, "/time"),
                (&names.trace, "/traceId"),
                (&names.request, "/request"),
                (&names.dialog, "/dialog"),
                (&names.citizen, "/citizen"),
                (&names.person, "/actor/person"),
                (&names.representative, "/representation/representative"),
            ] {
                assert_eq!(name.as_deref(), record.text(pointer), "{pointer} of {entry}");
            }
        }
        assert_eq!(Names::read(b"[1]"), None);
        assert_eq!(Names::read(b"no JSON"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, text in r#"[{}\[\]":,a-z0-9\\]{0,60}"#) {
            for entry in [bytes.as_slice(), text.as_bytes()] {
                prop_assert_eq!(Names::read(entry).is_some(), Record::read(entry).is_some());
            }
        }
    }

    #[test]
    fn every_search_says_what_was_asked() {
        for action in Action::ALL {
            if let Deed::Search(search) = deed(action.as_str()) {
                let of_document = |route: &openapi::Route| format!("{} {}", route.method, route.path) == search;
                assert!(openapi::routes().iter().any(of_document), "{action}: {search}");
            }
        }
        assert_eq!(deed("dialog.burn"), Deed::Other);
    }
}
