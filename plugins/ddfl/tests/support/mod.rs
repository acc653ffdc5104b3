//! A small world of its own for the tests: an office, a doctor, a patient. Nobody here exists.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "fixtures of several test files")]

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ddfl::message::code::RepresentationRole;
use ddfl::message::{HerId, MessageId, Process, Version};
use ddfl::write::party::ReceivingParty;
use ddfl::write::request::limit;
use ddfl::write::{
    Attachment, CalendarEntry, Clinician, ColleagueSays, Conversation, Envelope, MediaType, Patient, Prescription,
    Receiver, Representative, Request, Roles, Segment, Unit, Written,
};

/// One pixel.
pub(crate) const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

pub(crate) fn unit(name: &str, her_id: u32) -> Unit {
    Unit { name: name.into(), her_id: HerId::new(her_id).unwrap() }
}

pub(crate) fn envelope(id: &str) -> Envelope {
    Envelope {
        id: MessageId::of_dialog(id),
        generated: "2026-11-22T08:30:00Z".parse().unwrap(),
        conversation: None,
        organisation: unit("Norsk Helsenett SF", 112_358),
        sender: unit("Digitale innbyggertjenester", 8_000_001),
        receiver: Receiver {
            organisation: unit("Åsveien legekontor & co", 8_000_100),
            organisation_number: Some("974760673".parse().unwrap()),
            party: ReceivingParty::Clinician(Clinician {
                given_name: "Tuva".into(),
                family_name: "Bølgesen".into(),
                her_id: HerId::new(8_000_111).unwrap(),
            }),
        },
        patient: Some(Patient {
            given_name: "Odd".into(),
            family_name: "Sørbø".into(),
            national_id: "01817010055".parse().unwrap(),
        }),
        representative: None,
        version: Version::V1_3,
        text_limit: limit::TEXT,
    }
}

pub(crate) fn follow_up(id: &str) -> Envelope {
    let mut envelope = envelope(id);
    envelope.conversation = Some(Conversation {
        parent: "0b0a7c4e-5a3f-4a53-9d3c-0f6f5c2d7e11".into(),
        first: MessageId::of_dialog("first").to_string(),
    });
    envelope
}

pub(crate) fn written(subject: Option<&str>, text: &str) -> Written {
    Written { subject: subject.map(Into::into), text: text.into(), attachments: Vec::new() }
}

pub(crate) fn entry(related_to: Option<&str>) -> CalendarEntry {
    CalendarEntry {
        start: "2026-12-01T08:15:00Z".parse().unwrap(),
        end: "2026-12-01T08:30:00Z".parse().unwrap(),
        uid: "slot-20261201-0915".into(),
        contact: HerId::new(8_000_111).unwrap(),
        related_to: related_to.map(Into::into),
    }
}

pub(crate) fn prescription(id: &str, name: &str) -> Prescription {
    let document =
        std::fs::read_to_string(folder("tests/samples/m1.xml")).unwrap().replace("{NAME}", name).replace("{ID}", id);
    Prescription::parse(id, document.as_bytes()).unwrap()
}

/// What a clinician of another office writes.
pub(crate) fn colleague(says: ColleagueSays, wanted: Option<u32>, written: Written) -> Request {
    let roles = Roles {
        given_name: "Ask".into(),
        family_name: "Myrhaug".into(),
        hpr_number: 9_000_101,
        office: unit("Lia legesenter", 8_000_201),
        wanted,
    };
    Request::Colleague { says, roles, written }
}

/// Every kind of message that the plugin writes, with the name of its golden file.
pub(crate) fn every_kind() -> Vec<(&'static str, Envelope, Request)> {
    let day = |text: &str| text.parse().unwrap();
    let mut image = written(Some("Utslett på hånden"), "Hei. Se bildet: er det <farlig> & smittsomt?");
    image.attachments =
        vec![Attachment { id: "handle-1".into(), name: "hånd.png".into(), media_type: MediaType::Png }];
    let mut represented = envelope("represented");
    represented.representative = Some(Representative {
        given_name: "Mor".into(),
        family_name: "Sørbø".into(),
        national_id: "41817012345".parse().unwrap(),
        role: RepresentationRole::ParentalResponsibility,
    });
    let mut to_service = envelope("service");
    to_service.receiver.party = ReceivingParty::Service(unit("Fastlege, Åsveien legekontor", 8_000_101));
    let mut test = envelope("test");
    test.patient = None;
    let mut general = to_service.clone();
    general.id = MessageId::of_dialog("general");
    general.patient = None;
    let mut test_answer = follow_up("test-answer");
    test_answer.patient = None;
    let mut digital = follow_up("28");
    digital.patient = None;
    let mut nobody = follow_up("29");
    nobody.patient = None;
    vec![
        ("hlt", envelope("hlt"), Request::FindSlots { from: day("2026-12-01"), until: day("2026-12-29") }),
        ("hbt", envelope("hbt"), Request::FindBooked),
        (
            "rt",
            envelope("rt"),
            Request::Reserve {
                slot: entry(None),
                reason: Some("Tørrhoste i tre uker.".into()),
                other_clinician: false,
            },
        ),
        (
            "art",
            envelope("art"),
            Request::CancelReserved {
                appointment: entry(Some("6f3f7a52-90a5-4a1e-9d5e-2f0f6f1b7f10")),
                reason: Some("Jeg er blitt frisk.".into()),
            },
        ),
        (
            "ot",
            envelope("ot"),
            Request::WishAppointment {
                written: written(None, "Kan jeg få time?\nØnsket tid: 1.12.2026 kl. 09:00-12:00"),
                other_clinician: true,
            },
        ),
        (
            "oet",
            envelope("oet"),
            Request::WishChange {
                appointment: entry(Some("6f3f7a52-90a5-4a1e-9d5e-2f0f6f1b7f10")),
                written: written(Some("Endre time"), "Kan timen flyttes til onsdag?"),
                other_clinician: false,
            },
        ),
        (
            "oat",
            to_service,
            Request::WishCancel {
                appointment: entry(Some("6f3f7a52-90a5-4a1e-9d5e-2f0f6f1b7f10")),
                written: Written::default(),
            },
        ),
        (
            "rf",
            envelope("rf"),
            Request::RenewFreeText { written: written(Some("Fornye resept"), "Testozin 10 mg tabletter") },
        ),
        (
            "rfer",
            envelope("rfer"),
            Request::RenewPrescriptions {
                written: written(None, "Begge to, takk."),
                prescriptions: vec![
                    prescription("item-1", "Testozin tablett 10 mg"),
                    prescription("item-2", "Prøvolol depottablett 50 mg"),
                ],
            },
        ),
        ("sb", envelope("sb"), Request::AskClinician { written: image.clone() }),
        ("sb-represented", represented, Request::AskClinician { written: image.clone() }),
        ("he", envelope("he"), Request::Enquire { written: written(Some("Adresse"), "Har dere flyttet?") }),
        ("ba", envelope("ba"), Request::OrderCertificate { written: written(Some("Attest"), "Formål: førerkort") }),
        ("22", follow_up("22"), Request::Reply { process: Process::Contact, written: image }),
        (
            "22-consultation",
            follow_up("22-consultation"),
            Request::Reply { process: Process::Consultation, written: written(Some("Prøvesvar"), "Takk for svar.") },
        ),
        (
            "sb-colleague",
            envelope("sb-colleague"),
            colleague(ColleagueSays::Asks, Some(9_000_111), written(Some("Råd"), "Hva mener du om dosen?")),
        ),
        (
            "sb-colleague-general",
            general,
            colleague(ColleagueSays::Asks, None, written(Some("Rutiner"), "Hvordan gjør dere dette?")),
        ),
        (
            "12-colleague",
            follow_up("12-colleague"),
            colleague(ColleagueSays::Answers, None, written(None, "Vi sender henvisning.")),
        ),
        (
            "13-colleague",
            follow_up("13-colleague"),
            colleague(ColleagueSays::Ends, None, written(None, "Dialogen er avsluttet.")),
        ),
        ("sdab-active", envelope("sdab-active"), Request::DigitalStatus { active: true }),
        ("sdab-inactive", envelope("sdab-inactive"), Request::DigitalStatus { active: false }),
        ("28", digital, Request::DigitalUsers { active: envelope("28").patient.into_iter().collect() }),
        ("29", nobody, Request::DigitalUsers { active: Vec::new() }),
        ("kt", test, Request::Test),
        ("rkt", test_answer, Request::TestAnswer),
    ]
}

/// A document with the bytes of its attachments put in.
pub(crate) fn filled(segments: &[Segment]) -> Vec<u8> {
    segments
        .iter()
        .flat_map(|segment| match segment {
            Segment::Text(text) => text.clone(),
            Segment::AttachmentBase64(_) => PNG.as_bytes().to_vec(),
        })
        .collect()
}

pub(crate) fn png() -> Vec<u8> {
    STANDARD.decode(PNG).unwrap()
}

/// A folder or file of this crate.
pub(crate) fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
