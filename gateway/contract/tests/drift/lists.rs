//! Closed lists: the same members in the same order in WIT, in the schemas and in Rust.

use std::collections::BTreeSet;

use dialog_contract::{
    access_log, action, agreement, audit, dialog, event, health, notice, observation, payment, plugin, practice,
    prescription, problem::ProblemType, provider, schema::Resource, service, video,
};
use serde_json::Value;

use crate::wit::Package;

struct List {
    name: &'static str,
    rust: Vec<&'static str>,
    /// Interface and type.
    wit: Option<(&'static str, &'static str)>,
    /// Resource and pointer to the schema with the `enum`.
    schema: Option<(Resource, &'static str)>,
}

macro_rules! list {
    ($type:ty, $wit:expr, $schema:expr) => {
        List {
            name: stringify!($type),
            rust: <$type>::ALL.iter().map(|member| member.as_str()).collect(),
            wit: $wit,
            schema: $schema,
        }
    };
}

fn lists() -> Vec<List> {
    use Resource::{
        AccessLogPage, AuditRecord, Event, Health, Message, NewNoticePreferences, Plugin, PluginGrant, Practice,
        ServiceTerms, Types,
    };
    vec![
        list!(service::Service, Some(("types", "service")), Some((Types, "/$defs/service"))),
        list!(service::Locale, Some(("types", "locale")), Some((Types, "/$defs/locale"))),
        list!(service::EncounterMode, Some(("types", "encounter-mode")), Some((Types, "/$defs/encounterMode"))),
        list!(
            service::ConsultationMode,
            Some(("dialogs", "consultation-mode")),
            Some((Types, "/$defs/consultationMode"))
        ),
        list!(service::Representation, Some(("types", "representation")), Some((Types, "/$defs/representation"))),
        list!(service::Closing, Some(("types", "closing")), Some((Types, "/$defs/closing"))),
        list!(service::Sent, Some(("types", "sent")), Some((Types, "/$defs/sent"))),
        list!(service::ProviderKind, None, Some((Types, "/$defs/providerKind"))),
        list!(dialog::StatusName, None, Some((Types, "/$defs/statusName"))),
        list!(dialog::MediaType, None, Some((Types, "/$defs/mediaType"))),
        list!(dialog::AuthorRole, None, Some((Message, "/$defs/authorRole"))),
        list!(practice::Booking, None, Some((Types, "/$defs/booking"))),
        list!(practice::WhyNot, None, Some((Practice, "/$defs/whyNot"))),
        list!(
            prescription::Renewability,
            Some(("prescriptions", "renewability")),
            Some((Types, "/$defs/renewability"))
        ),
        list!(provider::RenewalOutcome, Some(("types", "renewal-outcome")), Some((Types, "/$defs/renewalOutcome"))),
        list!(
            provider::AppointmentChangeKind,
            Some(("types", "appointment-change-kind")),
            Some((Types, "/$defs/appointmentChangeKind"))
        ),
        list!(payment::PaymentStatus, None, Some((Types, "/$defs/paymentStatus"))),
        list!(observation::Interpretation, Some(("types", "interpretation")), Some((Types, "/$defs/interpretation"))),
        list!(video::VideoStatus, None, Some((Types, "/$defs/videoStatus"))),
        list!(video::RoomState, Some(("video", "room-state")), Some((Types, "/$defs/roomState"))),
        list!(provider::RefusalReason, Some(("inbound", "refusal-reason")), None),
        list!(notice::NoticeKind, None, Some((NewNoticePreferences, "/$defs/noticeKind"))),
        list!(
            provider::NoticeChannel,
            Some(("types", "notice-channel")),
            Some((NewNoticePreferences, "/$defs/noticeChannel"))
        ),
        list!(provider::NoticeOutcome, Some(("types", "notice-outcome")), None),
        list!(provider::Interface, None, Some((AuditRecord, "/$defs/interface"))),
        list!(provider::Capability, None, Some((PluginGrant, "/$defs/capability"))),
        list!(plugin::PluginState, None, Some((Plugin, "/$defs/pluginState"))),
        list!(event::EventType, None, Some((Event, "/$defs/eventType"))),
        list!(audit::RecordKind, None, Some((AuditRecord, "/$defs/recordKind"))),
        list!(audit::ActorRole, None, Some((AuditRecord, "/$defs/actorRole"))),
        list!(access_log::AccessActor, None, Some((AccessLogPage, "/$defs/accessActor"))),
        list!(access_log::AccessKind, None, Some((AccessLogPage, "/$defs/accessKind"))),
        list!(access_log::AccessOutcome, None, Some((AccessLogPage, "/$defs/accessOutcome"))),
        list!(agreement::TermsSource, None, Some((ServiceTerms, "/$defs/termsSource"))),
        list!(health::HealthStatus, None, Some((Health, "/properties/status"))),
    ]
}

#[test]
fn closed_lists_are_the_same_in_wit_schemas_and_rust() {
    let package = Package::read();
    for list in lists() {
        if let Some((interface, name)) = list.wit {
            assert_eq!(package.enum_cases(interface, name), list.rust, "{} and WIT", list.name);
        }
        if let Some((resource, pointer)) = list.schema {
            let schema = resource.schema().pointer(pointer).unwrap_or_else(|| panic!("{pointer}"));
            let members: Vec<&str> =
                schema["enum"].as_array().unwrap().iter().map(|member| member.as_str().unwrap()).collect();
            assert_eq!(members, list.rust, "{} and {}", list.name, resource.file());
        }
    }
}

#[test]
fn every_closed_list_of_the_wit_package_has_its_rust_type() {
    let package = Package::read();
    let known: BTreeSet<(String, String)> =
        lists().iter().filter_map(|list| list.wit).map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
    // The host's own, behind capabilities: its bindings are made from the WIT package itself.
    let host = ["method", "error", "level"];
    let all: BTreeSet<(String, String)> =
        package.enums().into_iter().filter(|(_, name)| !host.contains(&name.as_str())).collect();
    assert_eq!(all, known);
}

#[test]
fn every_closed_list_of_the_schemas_has_its_rust_type() {
    fn gather<'s>(schema: &'s Value, found: &mut BTreeSet<Vec<&'s str>>) {
        match schema {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match (name.as_str(), value) {
                        // Conditions choose among members; they are no lists of their own.
                        ("if" | "examples", _) => {}
                        ("enum", Value::Array(members)) => {
                            found.insert(members.iter().filter_map(Value::as_str).collect());
                        }
                        _ => gather(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| gather(item, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    Resource::ALL.iter().for_each(|resource| gather(resource.schema(), &mut found));
    let problems: Vec<String> = ProblemType::ALL.iter().map(|problem| problem.uri()).collect();
    let mut known: BTreeSet<Vec<&str>> =
        lists().into_iter().filter(|list| list.schema.is_some()).map(|list| list.rust).collect();
    known.insert(problems.iter().map(String::as_str).collect());
    assert_eq!(found, known);
}

#[test]
fn a_problems_type_decides_its_status_in_the_schema_as_in_rust() {
    let schema = Resource::Problem.validator();
    let mut example = Resource::Problem.schema()["examples"][0].clone();
    for problem in ProblemType::ALL {
        example["type"] = problem.uri().into();
        for status in 400..600_u16 {
            example["status"] = status.into();
            assert_eq!(schema.is_valid(&example), status == problem.status(), "{} {status}", problem.name());
        }
    }
}

#[test]
fn members_are_written_and_read_as_the_contract_writes_them() {
    fn check<T>(all: &[T], text: impl Fn(&T) -> &'static str)
    where
        T: serde::Serialize
            + serde::de::DeserializeOwned
            + std::str::FromStr
            + std::fmt::Display
            + PartialEq
            + std::fmt::Debug,
        T::Err: std::fmt::Display + std::fmt::Debug,
    {
        for member in all {
            let written = serde_json::to_value(member).unwrap();
            assert_eq!(written, text(member));
            assert_eq!(&serde_json::from_value::<T>(written).unwrap(), member);
            assert_eq!(member.to_string(), text(member));
            assert_eq!(&text(member).parse::<T>().unwrap(), member);
        }
        let error = "nothing-of-the-kind".parse::<T>().map(|_| ()).unwrap_err().to_string();
        for member in all {
            assert!(error.contains(text(member)), "{error}");
        }
        assert!(!error.contains("nothing-of-the-kind"));
    }
    check(service::Service::ALL, |member| member.as_str());
    check(service::Locale::ALL, |member| member.as_str());
    check(service::EncounterMode::ALL, |member| member.as_str());
    check(service::ConsultationMode::ALL, |member| member.as_str());
    check(service::Representation::ALL, |member| member.as_str());
    check(service::ProviderKind::ALL, |member| member.as_str());
    check(service::Closing::ALL, |member| member.as_str());
    check(service::Sent::ALL, |member| member.as_str());
    check(dialog::StatusName::ALL, |member| member.as_str());
    check(dialog::MediaType::ALL, |member| member.as_str());
    check(dialog::AuthorRole::ALL, |member| member.as_str());
    check(practice::Booking::ALL, |member| member.as_str());
    check(prescription::Renewability::ALL, |member| member.as_str());
    check(provider::RenewalOutcome::ALL, |member| member.as_str());
    check(provider::AppointmentChangeKind::ALL, |member| member.as_str());
    check(payment::PaymentStatus::ALL, |member| member.as_str());
    check(observation::Interpretation::ALL, |member| member.as_str());
    check(video::VideoStatus::ALL, |member| member.as_str());
    check(video::RoomState::ALL, |member| member.as_str());
    check(provider::RefusalReason::ALL, |member| member.as_str());
    check(provider::Interface::ALL, |member| member.as_str());
    check(provider::Capability::ALL, |member| member.as_str());
    check(plugin::PluginState::ALL, |member| member.as_str());
    check(event::EventType::ALL, |member| member.as_str());
    check(audit::RecordKind::ALL, |member| member.as_str());
    check(audit::ActorRole::ALL, |member| member.as_str());
    check(access_log::AccessActor::ALL, |member| member.as_str());
    check(access_log::AccessKind::ALL, |member| member.as_str());
    check(access_log::AccessOutcome::ALL, |member| member.as_str());
    check(action::Action::ALL, |member| member.as_str());
    check(action::Effect::ALL, |member| member.as_str());
    check(health::HealthStatus::ALL, |member| member.as_str());
}
