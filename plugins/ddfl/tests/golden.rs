//! Every kind of message that is written: against its golden file, against the schemas, and read back.
//!
//! `UPDATE_GOLDEN=1` writes the golden files anew; look at the difference before it is committed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

#[path = "../../../tests/src/standards.rs"]
#[expect(unreachable_pub, reason = "it is public where it lives")]
mod standards;
mod support;

use ddfl::message::{Kind, Process};
use ddfl::read::{Deviation, DialogMessage, Incoming, read};
use ddfl::write::{Envelope, Request, WriteError, write};
use standards::{Machine, decide, standards, validate};
use support::{every_kind, filled, folder, png};

fn message(envelope: &Envelope, request: &Request) -> DialogMessage {
    match read(&filled(&write(envelope, request).unwrap())).unwrap() {
        Incoming::Message(message) => *message,
        Incoming::Receipt(receipt) => panic!("{receipt:?}"),
    }
}

#[test]
fn every_kind_of_message_is_written_as_its_golden_file() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    for (name, envelope, request) in every_kind() {
        let file = folder("tests/golden").join(format!("{name}.xml"));
        let bytes = filled(&write(&envelope, &request).unwrap());
        if update {
            std::fs::write(&file, &bytes).unwrap();
        }
        let golden = std::fs::read(&file).unwrap_or_default();
        assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(&golden), "{name}");
    }
}

#[test]
fn every_kind_of_message_validates_against_the_schemas() {
    let Some(schemas) = standards("xsd", "every_kind_of_message_validates_against_the_schemas") else { return };
    let files: Vec<_> =
        every_kind().iter().map(|(name, _, _)| folder("tests/golden").join(format!("{name}.xml"))).collect();
    assert_eq!(validate(&schemas, &files), Ok(()));
}

#[test]
fn a_broken_message_does_not_validate() {
    let Some(schemas) = standards("xsd", "a_broken_message_does_not_validate") else { return };
    let file = std::env::temp_dir().join(format!("ddfl-broken-{}.xml", std::process::id()));
    let text = std::fs::read_to_string(folder("tests/golden/sb.xml")).unwrap();
    std::fs::write(&file, text.replace("MIGversion", "Version")).unwrap();
    let result = validate(&schemas, std::slice::from_ref(&file));
    std::fs::remove_file(&file).unwrap();
    assert!(result.unwrap_err().contains("Version"));
}

#[test]
fn without_xmllint_root_installs_it_and_others_are_told_the_command() {
    for (is_root, has_apt, told) in [
        (true, true, None),
        (false, true, Some("run: sudo sh -c 'apt-get update && apt-get install -y libxml2-utils'")),
        (true, false, Some("on Debian or Ubuntu, as root: apt-get update && apt-get install -y libxml2-utils")),
        (false, false, Some("on Debian or Ubuntu, as root: apt-get update && apt-get install -y libxml2-utils")),
    ] {
        let missing = "xmllint is missing, and the schemas are here: install libxml2-utils";
        let expected = told.map_or(Ok(()), |told| Err(format!("{missing}; {told}")));
        assert_eq!(decide(Machine { is_root, has_apt }), expected, "root: {is_root}, apt: {has_apt}");
    }
}

#[test]
fn every_request_of_the_processes_has_a_golden_file() {
    let written: std::collections::HashSet<Kind> = every_kind().iter().map(|(_, _, request)| request.kind()).collect();
    for kind in [
        Kind::FindSlots,
        Kind::FindBooked,
        Kind::Reserve,
        Kind::CancelReserved,
        Kind::WishAppointment,
        Kind::WishChange,
        Kind::WishCancel,
        Kind::RenewFreeText,
        Kind::RenewPrescriptions,
        Kind::AskClinician,
        Kind::Enquiry,
        Kind::OrderCertificate,
        Kind::CitizenReply,
        Kind::ClinicianAnswer,
        Kind::Closed,
        Kind::DigitalStatus,
        Kind::DigitalUsers,
        Kind::NoDigitalUsers,
        Kind::Test,
        Kind::TestAnswer,
    ] {
        assert!(written.contains(&kind), "{kind:?}");
    }
}

#[test]
fn what_is_written_is_read_back() {
    for (name, envelope, request) in every_kind() {
        let read = message(&envelope, &request);
        assert_eq!(read.deviations, [], "{name}");
        assert_eq!(read.id, envelope.id.to_string(), "{name}");
        assert_eq!(read.generated, Some(envelope.generated), "{name}");
        assert_eq!(read.process, Some(request.process()), "{name}");
        assert_eq!(read.kind, Some(request.kind()), "{name}");
        assert_eq!(read.ack, Some(!request.synchronous()), "{name}");
        assert_eq!(read.sender.her_id, Some(envelope.sender.her_id), "{name}");
        assert_eq!(read.sender.organisation_her_id, Some(envelope.organisation.her_id), "{name}");
        assert_eq!(read.receiver.her_id, Some(envelope.receiver.her_id()), "{name}");
        let reference = envelope.conversation.as_ref();
        assert_eq!(read.conversation.as_ref(), reference.map(|reference| &reference.first), "{name}");
        assert_eq!(read.parent.as_ref(), reference.map(|reference| &reference.parent), "{name}");
        assert_eq!(
            read.patient.and_then(|patient| patient.national_id),
            envelope.patient.map(|patient| patient.national_id),
            "{name}"
        );
        let written = request.written().cloned().unwrap_or_default();
        assert_eq!(read.subject, written.subject, "{name}");
        if !written.text.is_empty() {
            assert_eq!(read.text.as_deref(), Some(&*written.text), "{name}");
        }
        if let Request::Colleague { roles, .. } = &request {
            assert_eq!(read.author.unwrap().name, "Ask Myrhaug", "{name}");
            assert_eq!(read.addressee.and_then(|addressee| addressee.hpr_number), roles.wanted, "{name}");
        }
        assert_eq!(read.attachments.len(), written.attachments.len(), "{name}");
        for (file, sent) in read.attachments.iter().zip(&written.attachments) {
            assert_eq!(file.bytes, png(), "{name}");
            assert_eq!(file.media_type, Some(sent.media_type), "{name}");
            assert_eq!(file.name.as_deref(), Some(&*sent.name), "{name}");
        }
        assert_eq!(read.appointments.len(), usize::from(request.entry().is_some()), "{name}");
        for (appointment, entry) in read.appointments.iter().zip(request.entry()) {
            assert_eq!(appointment.start, entry.start, "{name}");
            assert_eq!(appointment.end, Some(entry.end), "{name}");
            assert_eq!(appointment.uid, entry.uid, "{name}");
            assert_eq!(appointment.contact, Some(entry.contact), "{name}");
            assert_eq!(appointment.related_to, entry.related_to, "{name}");
        }
        let named = if let Request::DigitalUsers { active } = &request { active.clone() } else { Vec::new() };
        assert_eq!(read.persons.len(), named.len(), "{name}");
        for (person, sent) in read.persons.iter().zip(&named) {
            assert_eq!(person.national_id.as_ref(), Some(&sent.national_id), "{name}");
        }
        assert_eq!(
            read.representative.and_then(|person| person.national_id),
            envelope.representative.map(|person| person.national_id),
            "{name}"
        );
    }
}

#[test]
fn prescriptions_go_along_with_the_id_of_their_item() {
    let (_, envelope, request) = every_kind().into_iter().find(|(name, _, _)| *name == "rfer").unwrap();
    let read = message(&envelope, &request);
    let found: Vec<_> = read
        .prescriptions
        .iter()
        .map(|one| (one.id.as_deref().unwrap(), one.name.as_deref().unwrap(), one.atc.as_deref().unwrap()))
        .collect();
    assert_eq!(
        found,
        [("item-1", "Testozin tablett 10 mg", "X00XX00"), ("item-2", "Prøvolol depottablett 50 mg", "X00XX00")]
    );
}

#[test]
fn an_older_version_refuses_to_speak_for_another() {
    let (_, mut envelope, request) = every_kind().into_iter().find(|(name, _, _)| *name == "sb-represented").unwrap();
    envelope.version = ddfl::message::Version::V1_1;
    assert_eq!(
        write(&envelope, &request),
        Err(WriteError::NoRepresentation { process: Process::Consultation, version: ddfl::message::Version::V1_1 })
    );
}

#[test]
fn only_tests_colleagues_and_the_answer_to_who_is_digitally_active_are_about_nobody() {
    for (name, mut envelope, request) in every_kind() {
        envelope.patient = None;
        let result = write(&envelope, &request);
        if matches!(
            request,
            Request::Test | Request::TestAnswer | Request::DigitalUsers { .. } | Request::Colleague { .. }
        ) {
            assert!(result.is_ok(), "{name}");
        } else {
            assert_eq!(result, Err(WriteError::Missing { field: "patient" }), "{name}");
        }
    }
}

#[test]
fn the_examples_of_the_standard_are_read() {
    const OURS: [&str; 10] = [
        "AVTALEUTSENDING__",
        "BEHANDLEROVERSIKT__",
        "DIGITALBRUKER__",
        "EKONSULTASJON__",
        "EKONTAKT__",
        "HELSEPERSONELL__Dialog",
        "RESEPTFORNYELSE__",
        "TEST__",
        "TIMEONSKE__",
        "TIMERESERVASJON__",
    ];
    let Some(examples) = standards("examples", "the_examples_of_the_standard_are_read") else { return };
    let mut count = 0;
    for file in std::fs::read_dir(examples).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().to_string_lossy().into_owned();
        if !OURS.iter().any(|process| name.starts_with(process)) {
            continue;
        }
        let bytes = std::fs::read(file.path()).unwrap();
        let message = match read(&bytes) {
            Ok(Incoming::Message(message)) => message,
            other => panic!("{name}: {other:?}"),
        };
        assert!(message.process.is_some(), "{name}");
        assert!(message.kind.is_some(), "{name}: {:?}", message.code);
        assert!(message.generated.is_some(), "{name}");
        assert!(!message.deviations.contains(&Deviation::MessageIdNotUuid), "{name}");
        assert_eq!(message.conversation.is_some(), message.parent.is_some(), "{name}");
        if name.contains("bekreftet") {
            assert!(!message.appointments.is_empty(), "{name}");
            assert!(message.appointments.iter().all(|one| one.end.is_some_and(|end| end > one.start)));
        }
        count += 1;
    }
    assert!(count >= 30, "{count} examples");
}
