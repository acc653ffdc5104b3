//! The WIT package's records and variants, beside the Rust types that the domain has for them.

use std::{collections::BTreeSet, path::Path};

use dialog_contract::{
    appointment, dialog,
    ids::{HerId, HprNumber, MessageId, NationalIdentityNumber, NoticeId, OrganisationNumber},
    limits::{Limits, returned},
    observation, practice, prescription,
    provider::{self, Capability, Interface},
    schema::Resource,
    service::{Closing, ConsultationMode, EncounterMode, Locale, Representation, Sent, Service},
    survey, video,
};
use jiff::{Timestamp, civil::Date};
use serde_json::Value;
use wit_parser::{Docs, Interface as WitInterface, PackageId, Resolve, Type, TypeDefKind, WorldItem};

use crate::listing::{Cases, Fields, Payload, camel, cases_of, fields_of, kebab};

/// The WIT package, parsed.
pub struct Package {
    resolve: Resolve,
    id: PackageId,
}

impl Package {
    pub fn read() -> Self {
        let mut resolve = Resolve::default();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/wit");
        let (id, _) = resolve.push_dir(folder).unwrap();
        Self { resolve, id }
    }

    fn interfaces(&self) -> impl Iterator<Item = (&str, &WitInterface)> {
        self.resolve.packages[self.id]
            .interfaces
            .iter()
            .map(|(name, id)| (name.as_str(), &self.resolve.interfaces[*id]))
    }

    fn kind(&self, interface: &str, name: &str) -> &TypeDefKind {
        let (_, found) =
            self.interfaces().find(|(known, _)| *known == interface).unwrap_or_else(|| panic!("{interface}"));
        let id = found.types.get(name).unwrap_or_else(|| panic!("{interface}.{name}"));
        &self.resolve.types[*id].kind
    }

    pub fn enum_cases(&self, interface: &str, name: &str) -> Vec<&str> {
        match self.kind(interface, name) {
            TypeDefKind::Enum(list) => list.cases.iter().map(|case| case.name.as_str()).collect(),
            other => panic!("{interface}.{name} is a {}", other.as_str()),
        }
    }

    /// Interface and name of every enum.
    pub fn enums(&self) -> Vec<(String, String)> {
        self.types().filter(|(_, _, kind)| matches!(kind, TypeDefKind::Enum(_))).map(|(a, b, _)| (a, b)).collect()
    }

    /// Interface, name and kind of every type that is not `use`d from another interface.
    fn types(&self) -> impl Iterator<Item = (String, String, &TypeDefKind)> {
        self.interfaces().flat_map(move |(interface, found)| {
            found.types.iter().filter_map(move |(name, id)| {
                let kind = &self.resolve.types[*id].kind;
                let used = matches!(kind, TypeDefKind::Type(Type::Id(_)));
                (!used).then(|| (interface.to_owned(), name.clone(), kind))
            })
        })
    }

    fn record(&self, interface: &str, name: &str) -> Vec<(String, String)> {
        match self.kind(interface, name) {
            TypeDefKind::Record(record) => {
                record.fields.iter().map(|field| (field.name.clone(), self.text(&field.ty))).collect()
            }
            other => panic!("{interface}.{name} is a {}", other.as_str()),
        }
    }

    fn variant(&self, interface: &str, name: &str) -> Vec<(String, Option<Type>)> {
        match self.kind(interface, name) {
            TypeDefKind::Variant(variant) => variant.cases.iter().map(|case| (case.name.clone(), case.ty)).collect(),
            other => panic!("{interface}.{name} is a {}", other.as_str()),
        }
    }

    fn record_of(&self, ty: &Type) -> Option<Vec<(String, String)>> {
        let Type::Id(id) = ty else { return None };
        match &self.resolve.types[*id].kind {
            TypeDefKind::Record(record) => {
                Some(record.fields.iter().map(|field| (field.name.clone(), self.text(&field.ty))).collect())
            }
            TypeDefKind::Type(aliased) => self.record_of(aliased),
            _ => None,
        }
    }

    /// A type as it is written.
    fn text(&self, ty: &Type) -> String {
        let id = match ty {
            Type::Id(id) => *id,
            Type::Bool => return "bool".to_owned(),
            Type::U8 => return "u8".to_owned(),
            Type::U16 => return "u16".to_owned(),
            Type::U32 => return "u32".to_owned(),
            Type::U64 => return "u64".to_owned(),
            Type::S64 => return "s64".to_owned(),
            Type::String => return "string".to_owned(),
            other => panic!("the contract has no {other:?}"),
        };
        let definition = &self.resolve.types[id];
        match (&definition.name, &definition.kind) {
            (Some(name), _) => name.clone(),
            (None, TypeDefKind::Option(inner)) => format!("option<{}>", self.text(inner)),
            (None, TypeDefKind::List(inner)) => format!("list<{}>", self.text(inner)),
            (None, TypeDefKind::Tuple(tuple)) => {
                format!("tuple<{}>", tuple.types.iter().map(|ty| self.text(ty)).collect::<Vec<_>>().join(","))
            }
            (None, other) => panic!("the contract has no anonymous {}", other.as_str()),
        }
    }
}

/// How the contract writes a Rust type in WIT.
fn in_wit(rust: &str) -> String {
    for (generic, wit) in [("Option<", "option"), ("Vec<", "list")] {
        if let Some(inner) = rust.strip_prefix(generic).and_then(|inner| inner.strip_suffix('>')) {
            return format!("{wit}<{}>", in_wit(inner));
        }
    }
    match rust {
        "bool" | "u8" | "u16" | "u32" | "u64" => rust.to_owned(),
        // Checked on the way: WIT has no such types.
        "String"
        | "MessageId"
        | "NoticeId"
        | "OrganisationNumber"
        | "NationalIdentityNumber"
        | "Date"
        | "serde_json::Value"
        | "dialog::MediaType"
        | "dialog_contract::ids::AttachmentId" => "string".to_owned(),
        "HprNumber" => "u32".to_owned(),
        "Timestamp" => "instant".to_owned(),
        "(String,String)" => "tuple<string,string>".to_owned(),
        // Kept as a blob by the time the domain has it.
        "provider::RawBlob" => "attachment".to_owned(),
        named => kebab(named.rsplit("::").next().unwrap_or(named)),
    }
}

fn as_wit(fields: &Fields) -> BTreeSet<(String, String)> {
    fields.iter().map(|(name, kind)| (kebab(name), in_wit(kind))).collect()
}

/// A record and its mirror; what only one of them has is said with it, and why.
struct Mirror {
    wit: (&'static str, &'static str),
    rust: Fields,
    only_wit: &'static [(&'static str, &'static str)],
    only_rust: &'static [(&'static str, &'static str)],
}

fn mirror(interface: &'static str, name: &'static str, rust: Fields) -> Mirror {
    Mirror { wit: (interface, name), rust, only_wit: &[], only_rust: &[] }
}

fn records() -> Vec<Mirror> {
    vec![
        mirror(
            "types",
            "office",
            fields_of!(provider::Office {
                her_id: HerId,
                organisation_her_id: HerId,
                organisation_number: OrganisationNumber,
                name: String,
            }),
        ),
        mirror(
            "types",
            "clinician",
            fields_of!(dialog::Clinician {
                hpr_number: HprNumber, her_id: Option<HerId>, given_name: String, family_name: String,
            }),
        ),
        // The host withholds the number from plugins that were not granted it.
        Mirror {
            only_wit: &[("national-identity-number", "option<string>")],
            only_rust: &[("national-identity-number", "string")],
            ..mirror(
                "types",
                "citizen",
                fields_of!(provider::Citizen {
                    reference: String, national_identity_number: NationalIdentityNumber, given_name: String,
                    family_name: String, mobile: Option<String>,
                }),
            )
        },
        Mirror {
            only_wit: &[("national-identity-number", "option<string>")],
            only_rust: &[("national-identity-number", "string")],
            ..mirror(
                "types",
                "representative",
                fields_of!(provider::Representative {
                    reference: String,
                    national_identity_number: NationalIdentityNumber,
                    given_name: String,
                    family_name: String,
                    role: Representation,
                }),
            )
        },
        // The host adds the call's id, the time and the installation.
        Mirror {
            only_wit: &[("call-id", "string"), ("now", "instant"), ("time-left", "u32"), ("installation", "string")],
            ..mirror(
                "types",
                "context",
                fields_of!(provider::Context {
                    idempotency_key: String, locale: Locale, office: provider::Office,
                    clinician: Option<dialog::Clinician>, citizen: Option<provider::Citizen>,
                    representative: Option<provider::Representative>, settings: serde_json::Value,
                    colleague: Option<provider::Colleague>,
                }),
            )
        },
        mirror(
            "types",
            "colleague",
            fields_of!(provider::Colleague {
                clinician: dialog::Clinician,
                office: provider::Office,
                citizen_takes_part: bool,
            }),
        ),
        // Plugins have no use for the digest.
        Mirror {
            only_rust: &[("sha256", "string")],
            ..mirror(
                "types",
                "attachment",
                fields_of!(dialog::Attachment {
                    id: dialog_contract::ids::AttachmentId,
                    media_type: dialog::MediaType,
                    name: String,
                    size: u64,
                    sha256: String,
                }),
            )
        },
        mirror(
            "types",
            "message",
            fields_of!(provider::Message {
                id: MessageId, subject: Option<String>, text: String, attachments: Vec<dialog::Attachment>,
            }),
        ),
        mirror(
            "types",
            "office-message",
            fields_of!(provider::OfficeMessage {
                id: String, subject: Option<String>, text: String, attachments: Vec<dialog::Attachment>,
                author: Option<String>, sent: Timestamp,
            }),
        ),
        mirror(
            "types",
            "appointment",
            fields_of!(provider::Appointment {
                id: String, start: Timestamp, end: Timestamp, clinician: Option<dialog::Clinician>, mode: EncounterMode,
                title: String, location: Option<String>, instructions: Option<String>, cancellable: bool, changeable: bool,
            }),
        ),
        mirror(
            "types",
            "renewal-decision",
            fields_of!(provider::RenewalDecision {
                item: Option<String>, outcome: provider::RenewalOutcome, reason: Option<String>,
            }),
        ),
        mirror(
            "types",
            "event",
            fields_of!(provider::Event { id: String, occurred: Timestamp, body: provider::EventBody }),
        ),
        mirror("types", "refusal", fields_of!(provider::Refusal { code: String, text: String, resendable: bool })),
        mirror("types", "field-error", fields_of!(provider::FieldError { pointer: String, detail: String })),
        mirror("types", "reason", fields_of!(provider::Reason { code: String, text: String })),
        mirror(
            "types",
            "outage",
            fields_of!(provider::Outage { retry_after: Option<u32>, sent: Sent, detail: String }),
        ),
        mirror("types", "fault", fields_of!(provider::Fault { sent: Sent, detail: String })),
        mirror(
            "appointments",
            "slot-query",
            fields_of!(provider::SlotQuery {
                from: Timestamp, until: Timestamp, clinician: Option<HprNumber>, mode: Option<EncounterMode>,
            }),
        ),
        mirror(
            "appointments",
            "slot",
            fields_of!(appointment::Slot {
                id: String, start: Timestamp, end: Timestamp, clinician: Option<dialog::Clinician>, mode: EncounterMode,
                title: String,
            }),
        ),
        mirror(
            "appointments",
            "booking",
            fields_of!(provider::Booking {
                slot: String, start: Timestamp, end: Timestamp, clinician: Option<dialog::Clinician>,
                reason: Option<String>,
            }),
        ),
        mirror(
            "dialogs",
            "renewal-item",
            fields_of!(provider::RenewalItem {
                id: String, medicine: String, atc: Option<String>, note: Option<String>, eprescription: Option<Vec<u8>>,
            }),
        ),
        mirror("dialogs", "period", fields_of!(provider::Period { start: Timestamp, end: Timestamp })),
        mirror("dialogs", "opened", fields_of!(provider::Opened { reference: String, events: Vec<provider::Event> })),
        mirror(
            "inbound",
            "served-office",
            fields_of!(provider::ServedOffice { office: provider::Office, settings: serde_json::Value }),
        ),
        mirror(
            "inbound",
            "delivery",
            fields_of!(provider::Delivery {
                id: Option<String>, path: String, headers: Vec<(String, String)>, body: Vec<u8>,
            }),
        ),
        mirror(
            "inbound",
            "settlement",
            fields_of!(provider::Settlement { event: String, disposition: provider::Disposition }),
        ),
        mirror(
            "inbound",
            "page",
            fields_of!(provider::InboundPage {
                events: Vec<provider::Event>, cursor: Option<String>, more: bool,
            }),
        ),
        mirror(
            "practice",
            "opening-hours",
            fields_of!(practice::OpeningHours { weekday: u8, opens: String, closes: String }),
        ),
        mirror(
            "practice",
            "absence",
            fields_of!(practice::Absence {
                from: Date, until: Date, substitute: Option<dialog::Clinician>,
            }),
        ),
        // Who is a specialist the directory knows.
        Mirror {
            only_rust: &[("specialist", "bool")],
            ..mirror(
                "practice",
                "practitioner",
                fields_of!(practice::Practitioner {
                    clinician: dialog::Clinician, weekdays: Vec<u8>, languages: Vec<String>,
                    absences: Vec<practice::Absence>, specialist: bool,
                }),
            )
        },
        mirror("types", "payment-receipt", fields_of!(provider::PaymentReceipt { number: String, at: Timestamp })),
        mirror(
            "types",
            "dialog-fee",
            fields_of!(provider::DialogFee { tariff: String, amount: u64, clinician: Option<HprNumber> }),
        ),
        mirror(
            "practice",
            "practice-profile",
            fields_of!(provider::PracticeProfile {
                telephone: Option<String>, address: Option<String>, directions: Option<String>, website: Option<String>,
                hours: Vec<practice::OpeningHours>, practitioners: Vec<practice::Practitioner>,
                modes: Vec<EncounterMode>, payment: Option<String>, accessibility: Option<String>,
            }),
        ),
        mirror(
            "practice",
            "form",
            fields_of!(provider::Form { service: Service, title: String, schema: serde_json::Value }),
        ),
        mirror(
            "payments",
            "invoice",
            fields_of!(provider::Invoice {
                id: String, amount: u64, tariffs: Vec<String>, text: String, due: Option<Timestamp>,
                dialog: Option<String>,
            }),
        ),
        mirror(
            "payments",
            "payment",
            fields_of!(provider::Payment { redirect: String, id: String, expires: Timestamp }),
        ),
        mirror(
            "feedback",
            "questionnaire",
            fields_of!(survey::Questionnaire { id: String, title: String, questions: Vec<survey::Question> }),
        ),
        mirror(
            "feedback",
            "question",
            fields_of!(survey::Question { id: String, text: String, choices: Vec<survey::Choice>, required: bool }),
        ),
        mirror("video", "room", fields_of!(video::Room { url: String, expires: Timestamp, state: video::RoomState })),
        mirror(
            "types",
            "observation",
            fields_of!(observation::Observation {
                name: String, code: Option<String>, value: String, unit: Option<String>,
                reference_range: Option<String>, interpretation: Option<observation::Interpretation>, taken: Timestamp,
                comment: Option<String>,
            }),
        ),
        mirror("feedback", "choice", fields_of!(survey::Choice { id: String, text: String })),
        mirror("feedback", "answer", fields_of!(survey::Answer { question: String, choice: String })),
        mirror(
            "notices",
            "notice",
            fields_of!(provider::Notice {
                id: NoticeId, channel: provider::NoticeChannel, address: String, locale: Locale, subject: Option<String>,
                text: String, link: Option<String>, expires: Timestamp,
            }),
        ),
        mirror("notices", "notice-receipt", fields_of!(provider::NoticeReceipt { id: String })),
        mirror(
            "prescriptions",
            "prescription",
            fields_of!(prescription::Prescription {
                id: String, medicine: String, atc: Option<String>, dosage: Option<String>, issued: Option<Timestamp>,
                valid_until: Option<Timestamp>, renewability: prescription::Renewability, note: Option<String>,
            }),
        ),
    ]
}

fn variants() -> Vec<(&'static str, &'static str, Cases)> {
    vec![
        (
            "types",
            "dialog-status",
            cases_of!(provider::DialogStatus {
                AwaitingOffice, AwaitingCitizen, Closed(closing: Closing),
            }),
        ),
        (
            "types",
            "event-body",
            cases_of!(provider::EventBody {
                Message {
                    dialog: String, message: provider::OfficeMessage, status: provider::DialogStatus,
                    redirect: Option<Service>,
                },
                Opened {
                    dialog: String, office: HerId, citizen: provider::CitizenIdentity, service: Service,
                    message: provider::OfficeMessage, reply_allowed: bool,
                },
                Status { dialog: String, status: provider::DialogStatus, reason: Option<String> },
                Receipt { dialog: String, message: MessageId, outcome: provider::ReceiptOutcome },
                Renewal {
                    dialog: String, decisions: Vec<provider::RenewalDecision>, message: Option<provider::OfficeMessage>,
                    status: provider::DialogStatus,
                },
                Appointment {
                    dialog: Option<String>, office: HerId, citizen: provider::CitizenIdentity,
                    kind: provider::AppointmentChangeKind, appointment: provider::Appointment, text: Option<String>,
                },
                Unreadable { office: Option<HerId>, reason: String, raw: provider::RawBlob },
                Payment { payment: String, state: provider::PaymentState },
                Charged { dialog: String, fees: Vec<provider::DialogFee> },
                Video { dialog: String, state: provider::VideoState },
                Results {
                    dialog: String, office: HerId, citizen: provider::CitizenIdentity,
                    message: provider::OfficeMessage, observations: Vec<observation::Observation>, reply_allowed: bool,
                },
                Notified {
                    dialog: Option<String>, appointment: Option<String>, citizen: provider::CitizenIdentity,
                    channel: provider::NoticeChannel, at: Timestamp,
                },
                Notice { notice: NoticeId, outcome: provider::NoticeOutcome },
                AskedActive { office: HerId, citizen: provider::CitizenIdentity },
                Collegial {
                    dialog: String, office: HerId, to: HerId, to_hpr_number: Option<HprNumber>,
                    patient: Option<provider::CitizenIdentity>, message: provider::OfficeMessage,
                },
            }),
        ),
        (
            "types",
            "citizen-identity",
            cases_of!(provider::CitizenIdentity {
                Reference(reference: String), NationalIdentityNumber(number: NationalIdentityNumber),
            }),
        ),
        (
            "types",
            "receipt-outcome",
            cases_of!(provider::ReceiptOutcome {
                Delivered, Refused(refusals: Vec<provider::Refusal>),
            }),
        ),
        (
            "types",
            "payment-state",
            cases_of!(provider::PaymentState { Paid(receipt: provider::PaymentReceipt), Failed, Expired, Refunded }),
        ),
        (
            "types",
            "video-state",
            cases_of!(provider::VideoState {
                WaitingRoomOpen, ClinicianJoined, ParticipantJoined(participant: String), Ended,
            }),
        ),
        (
            "types",
            "failure",
            cases_of!(provider::Failure {
                Invalid(errors: Vec<provider::FieldError>), Declined(reason: provider::Reason),
                Conflict(reason: provider::Reason), NotFound(reason: provider::Reason),
                Unavailable(outage: provider::Outage), Faulty(fault: provider::Fault),
            }),
        ),
        (
            "dialogs",
            "opening",
            cases_of!(provider::Opening {
                Consultation { mode: ConsultationMode, message: provider::Message, form: Option<serde_json::Value> },
                Inquiry { message: provider::Message },
                PrescriptionRenewal { items: Vec<provider::RenewalItem>, message: Option<provider::Message> },
                AppointmentRequest { message: provider::Message, preferred: Vec<provider::Period> },
                AppointmentChange { appointment: String, message: provider::Message, preferred: Vec<provider::Period> },
                AppointmentCancel { appointment: String, message: Option<provider::Message> },
                SickNoteRenewal { message: provider::Message, valid_until: Date, degree: u8 },
                Certificate { purpose: String, message: provider::Message, form: Option<serde_json::Value> },
                Collegial {
                    message: provider::Message, from_hpr_number: HprNumber, to: Vec<HerId>,
                    to_hpr_number: Option<HprNumber>,
                },
            }),
        ),
        (
            "inbound",
            "disposition",
            cases_of!(provider::Disposition {
                Accepted, Duplicate, Refused(reason: provider::RefusalReason),
            }),
        ),
    ]
}

#[test]
fn records_have_the_fields_of_their_mirrors() {
    let package = Package::read();
    for mirror in records() {
        let (interface, name) = mirror.wit;
        let wit: BTreeSet<(String, String)> = package.record(interface, name).into_iter().collect();
        let rust = as_wit(&mirror.rust);
        let owned = |pairs: &[(&str, &str)]| -> BTreeSet<(String, String)> {
            pairs.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect()
        };
        let only_wit: BTreeSet<_> = wit.difference(&rust).cloned().collect();
        let only_rust: BTreeSet<_> = rust.difference(&wit).cloned().collect();
        assert_eq!(only_wit, owned(mirror.only_wit), "only in WIT: {interface}.{name}");
        assert_eq!(only_rust, owned(mirror.only_rust), "only in Rust: {interface}.{name}");
    }
}

#[test]
fn variants_have_the_cases_of_their_mirrors() {
    let package = Package::read();
    for (interface, name, cases) in variants() {
        let wit = package.variant(interface, name);
        let names: Vec<String> = wit.iter().map(|(case, _)| case.clone()).collect();
        assert_eq!(names, cases.iter().map(|(case, _)| kebab(case)).collect::<Vec<_>>(), "{interface}.{name}");
        for ((case, ty), (_, payload)) in wit.iter().zip(&cases) {
            match (ty, payload) {
                (None, Payload::Fields(fields)) => assert!(fields.is_empty(), "{interface}.{name}.{case}"),
                (Some(ty), Payload::One(rust)) => {
                    assert_eq!(package.text(ty), in_wit(rust), "{interface}.{name}.{case}");
                }
                (Some(ty), Payload::Fields(fields)) => {
                    let record =
                        package.record_of(ty).unwrap_or_else(|| panic!("{interface}.{name}.{case}: no record"));
                    assert_eq!(
                        record.into_iter().collect::<BTreeSet<_>>(),
                        as_wit(fields),
                        "{interface}.{name}.{case}"
                    );
                }
                (None, Payload::One(_)) => panic!("{interface}.{name}.{case} holds nothing in WIT"),
            }
        }
    }
}

#[test]
fn every_type_of_the_package_has_its_mirror_or_is_the_hosts_alone() {
    let package = Package::read();
    let mut known: BTreeSet<(String, String)> = package.enums().into_iter().collect();
    known.extend(records().iter().map(|mirror| (mirror.wit.0.to_owned(), mirror.wit.1.to_owned())));
    for (interface, name, _) in variants() {
        known.insert((interface.to_owned(), name.to_owned()));
        for (_, ty) in package.variant(interface, name) {
            if let Some(Type::Id(id)) = ty {
                known.extend(package.resolve.types[id].name.clone().map(|record| (interface.to_owned(), record)));
            }
        }
    }
    for (interface, name) in [
        ("types", "instant"),
        ("types", "her-id"),
        // The host makes it itself, from what it knows.
        ("inbound", "inbound-context"),
        ("notices", "notice-context"),
    ] {
        known.insert((interface.to_owned(), name.to_owned()));
    }
    // Capabilities are the host's.
    let elsewhere = ["upstream", "state", "clock", "log", "attachments"];
    let unknown: Vec<(String, String)> = package
        .types()
        .filter(|(interface, _, _)| !elsewhere.contains(&interface.as_str()))
        .map(|(interface, name, _)| (interface, name))
        .filter(|item| !known.contains(item))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn worlds_export_the_interfaces_and_import_the_capabilities_that_rust_knows() {
    let package = Package::read();
    let names = |items: Vec<&WorldItem>| -> BTreeSet<String> {
        items
            .into_iter()
            .filter_map(|item| match item {
                WorldItem::Interface { id, .. } => package.resolve.interfaces[*id].name.clone(),
                _ => None,
            })
            .collect()
    };
    let mut exports = BTreeSet::new();
    for (name, id) in &package.resolve.packages[package.id].worlds {
        let world = &package.resolve.worlds[*id];
        let exported = names(world.exports.values().collect());
        let mut imported = names(world.imports.values().collect());
        // Types are no capability.
        imported.remove("types");
        match name.strip_suffix("-provider") {
            Some(interface) => assert_eq!(exported, BTreeSet::from([interface.to_owned()]), "{name}"),
            None => assert!(exported.is_empty(), "{name}"),
        }
        assert_eq!(imported, Capability::ALL.iter().map(ToString::to_string).collect(), "{name}");
        exports.extend(exported);
    }
    assert_eq!(exports, Interface::ALL.iter().map(ToString::to_string).collect());
    let package_name = &package.resolve.packages[package.id].name;
    assert_eq!(package_name.to_string(), "dialog:provider@1.0.0");
}

#[test]
fn every_item_of_the_package_is_documented() {
    let package = Package::read();
    let mut silent = Vec::new();
    let mut check = |name: String, docs: &Docs| {
        if docs.contents.as_deref().is_none_or(|text| text.trim().is_empty()) {
            silent.push(name);
        }
    };
    let whole = &package.resolve.packages[package.id];
    check("package".to_owned(), &whole.docs);
    for (name, id) in &whole.worlds {
        check(name.clone(), &package.resolve.worlds[*id].docs);
    }
    for (interface, found) in package.interfaces() {
        check(interface.to_owned(), &found.docs);
        for (name, function) in &found.functions {
            check(format!("{interface}.{name}"), &function.docs);
        }
        for (name, id) in &found.types {
            let definition = &package.resolve.types[*id];
            let items: Vec<(&String, &Docs)> = match &definition.kind {
                TypeDefKind::Type(Type::Id(_)) => continue,
                TypeDefKind::Record(record) => record.fields.iter().map(|field| (&field.name, &field.docs)).collect(),
                TypeDefKind::Variant(variant) => variant.cases.iter().map(|case| (&case.name, &case.docs)).collect(),
                TypeDefKind::Enum(list) => list.cases.iter().map(|case| (&case.name, &case.docs)).collect(),
                _ => Vec::new(),
            };
            check(format!("{interface}.{name}"), &definition.docs);
            for (item, docs) in items {
                check(format!("{interface}.{name}.{item}"), docs);
            }
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
}

/// `8000` of "At most 8,000 characters.".
fn documented_characters(docs: &Docs) -> Option<u64> {
    let text = docs.contents.as_deref()?.to_lowercase();
    let (before, _) = text.split_once(" characters")?;
    let (_, number) = before.rsplit_once("at most ")?;
    number.replace(',', "").parse().ok()
}

/// The longest text that a property may hold, also where a reference says it.
fn allowed_characters(resource: Resource, schema: &Value) -> Option<u64> {
    if let Some(limit) = schema["maxLength"].as_u64() {
        return Some(limit);
    }
    let (file, pointer) = schema["$ref"].as_str()?.split_once('#')?;
    let to = if file.is_empty() { resource } else { Resource::of_file(file)? };
    allowed_characters(to, to.schema().pointer(pointer)?)
}

#[test]
fn lengths_in_the_packages_documentation_are_those_of_the_schemas() {
    let package = Package::read();
    let mut compared = 0;
    for (interface, name, resource, pointer) in [
        ("types", "attachment", Resource::Attachment, ""),
        ("types", "message", Resource::NewMessage, ""),
        ("types", "office-message", Resource::Message, ""),
        ("types", "appointment", Resource::Appointment, ""),
        ("types", "renewal-decision", Resource::Dialog, "/$defs/renewalDecision"),
        ("types", "observation", Resource::Dialog, "/$defs/observation"),
        ("types", "field-error", Resource::Types, "/$defs/fieldError"),
        ("appointments", "slot", Resource::Slot, ""),
        ("appointments", "booking", Resource::NewBooking, ""),
        ("dialogs", "renewal-item", Resource::NewDialog, "/$defs/renewalItem"),
        ("dialogs", "certificate", Resource::NewDialog, "/$defs/certificateRequest"),
        ("practice", "practice-profile", Resource::Office, ""),
        ("prescriptions", "prescription", Resource::Prescription, ""),
    ] {
        let TypeDefKind::Record(record) = package.kind(interface, name) else { panic!("{interface}.{name}") };
        let schema = resource.schema().pointer(pointer).unwrap();
        for field in &record.fields {
            let property = &schema["properties"][camel(&field.name.replace('-', "_"))];
            // Ids of the provider's own become ours on the way to the portal.
            let own = field.name == "id" && matches!(name, "appointment" | "office-message" | "message" | "attachment");
            if let (Some(documented), false) = (documented_characters(&field.docs), own) {
                assert_eq!(
                    allowed_characters(resource, property),
                    Some(documented),
                    "{interface}.{name}.{}",
                    field.name
                );
                compared += 1;
            }
        }
    }
    assert!(compared >= 18, "{compared}");
}

/// `500` of "at most 500.", "At most 64 KiB" or "at most 100, the oldest first", as they are written.
fn documented_most(docs: &Docs) -> Option<usize> {
    let text = docs.contents.as_deref()?.to_lowercase();
    let (_, after) = text.split_once("at most ")?;
    let number: String = after.chars().take_while(|letter| letter.is_ascii_digit() || *letter == ',').collect();
    let number: usize = number.trim_end_matches(',').replace(',', "").parse().ok()?;
    Some(if after.contains("kib") { number * 1024 } else { number })
}

#[test]
fn what_a_provider_may_return_is_as_the_packages_documentation_has_it() {
    use returned as most;
    let package = Package::read();
    let field = |interface: &str, name: &str, field: &str| {
        let docs = match package.kind(interface, name) {
            TypeDefKind::Record(record) => record.fields.iter().find(|known| known.name == field).map(|it| &it.docs),
            TypeDefKind::Variant(variant) => variant.cases.iter().find(|known| known.name == field).map(|it| &it.docs),
            other => panic!("{interface}.{name} is a {}", other.as_str()),
        };
        documented_most(docs.unwrap_or_else(|| panic!("{interface}.{name} has no {field}")))
    };
    for (interface, name, of, limit) in [
        ("types", "office-message", "id", most::EVENT_ID_CHARACTERS),
        ("types", "office-message", "subject", most::SUBJECT_CHARACTERS),
        ("types", "office-message", "text", most::MESSAGE_CHARACTERS),
        ("types", "citizen", "reference", most::CITIZEN_REFERENCE_CHARACTERS),
        ("types", "appointment", "id", most::ID_CHARACTERS),
        ("types", "appointment", "title", most::TITLE_CHARACTERS),
        ("types", "appointment", "location", most::SHORT_TEXT_CHARACTERS),
        ("types", "appointment", "instructions", most::INSTRUCTIONS_CHARACTERS),
        ("types", "renewal-decision", "reason", most::REASON_CHARACTERS),
        ("types", "event", "id", most::EVENT_ID_CHARACTERS),
        ("types", "payment-change", "payment", most::PAYMENT_ID_CHARACTERS),
        ("types", "payment-receipt", "number", most::RECEIPT_CHARACTERS),
        ("types", "video-state", "participant-joined", most::PARTICIPANT_CHARACTERS),
        ("types", "test-results", "dialog", most::REFERENCE_CHARACTERS),
        ("types", "test-results", "observations", most::OBSERVATIONS),
        ("types", "observation", "name", most::OBSERVATION_CHARACTERS),
        ("types", "observation", "code", most::OBSERVATION_CODE_CHARACTERS),
        ("types", "observation", "value", most::OBSERVATION_CHARACTERS),
        ("types", "observation", "unit", most::UNIT_CHARACTERS),
        ("types", "observation", "reference-range", most::RANGE_CHARACTERS),
        ("types", "observation", "comment", most::REASON_CHARACTERS),
        ("video", "room", "url", most::URL_CHARACTERS),
        ("types", "refusal", "code", most::REFUSAL_CODE_CHARACTERS),
        ("types", "refusal", "text", most::SHORT_TEXT_CHARACTERS),
        ("types", "field-error", "detail", most::SHORT_TEXT_CHARACTERS),
        ("types", "reason", "code", most::REASON_CODE_CHARACTERS),
        ("types", "reason", "text", most::REASON_CHARACTERS),
        ("types", "outage", "detail", most::DETAIL_BYTES),
        ("types", "fault", "detail", most::DETAIL_BYTES),
        ("dialogs", "opened", "reference", most::REFERENCE_CHARACTERS),
        ("appointments", "slot", "id", most::ID_CHARACTERS),
        ("appointments", "slot", "title", most::TITLE_CHARACTERS),
        ("prescriptions", "prescription", "id", most::ID_CHARACTERS),
        ("prescriptions", "prescription", "medicine", most::MEDICINE_CHARACTERS),
        ("prescriptions", "prescription", "dosage", most::SHORT_TEXT_CHARACTERS),
        ("prescriptions", "prescription", "note", most::SHORT_TEXT_CHARACTERS),
        ("practice", "practice-profile", "telephone", most::TELEPHONE_CHARACTERS),
        ("practice", "practice-profile", "address", most::PRACTICE_LINE_CHARACTERS),
        ("practice", "practice-profile", "directions", most::PRACTICE_TEXT_CHARACTERS),
        ("practice", "practice-profile", "website", most::URL_CHARACTERS),
        ("practice", "practice-profile", "hours", most::HOURS),
        ("practice", "practice-profile", "practitioners", most::PRACTITIONERS),
        ("practice", "practice-profile", "payment", most::PRACTICE_LINE_CHARACTERS),
        ("practice", "practice-profile", "accessibility", most::PRACTICE_TEXT_CHARACTERS),
        ("practice", "practitioner", "languages", most::LANGUAGES),
        ("practice", "practitioner", "absences", most::ABSENCES),
        ("practice", "form", "title", most::FORM_TITLE_CHARACTERS),
        ("practice", "form", "schema", most::FORM_BYTES),
        ("payments", "invoice", "id", most::ID_CHARACTERS),
        ("payments", "invoice", "tariffs", most::TARIFFS),
        ("payments", "invoice", "text", most::INVOICE_TEXT_CHARACTERS),
        ("payments", "invoice", "dialog", most::REFERENCE_CHARACTERS),
        ("payments", "payment", "redirect", most::URL_CHARACTERS),
        ("payments", "payment", "id", most::PAYMENT_ID_CHARACTERS),
        ("feedback", "questionnaire", "id", most::SURVEY_ID_CHARACTERS),
        ("feedback", "questionnaire", "title", most::CHOICE_CHARACTERS),
        ("feedback", "question", "id", most::SURVEY_ID_CHARACTERS),
        ("feedback", "question", "text", most::QUESTION_CHARACTERS),
        ("feedback", "choice", "id", most::SURVEY_ID_CHARACTERS),
        ("feedback", "choice", "text", most::CHOICE_CHARACTERS),
        ("notices", "notice-receipt", "id", most::NOTICE_ID_CHARACTERS),
        ("types", "own-notice", "appointment", most::ID_CHARACTERS),
        ("inbound", "page", "events", most::EVENTS),
        ("inbound", "page", "cursor", most::CURSOR_BYTES),
    ] {
        assert_eq!(field(interface, name, of), Some(limit), "{interface}.{name}.{of}");
    }
    let function = |interface: &str, name: &str| {
        let (_, found) = package.interfaces().find(|(known, _)| *known == interface).unwrap();
        documented_most(&found.functions[name].docs)
    };
    for (interface, name, limit) in [
        ("appointments", "slots", most::SLOTS),
        ("appointments", "upcoming", most::APPOINTMENTS),
        ("prescriptions", "renewable", most::PRESCRIPTIONS),
        ("payments", "outstanding", most::INVOICES),
    ] {
        assert_eq!(function(interface, name), Some(limit), "{interface}.{name}");
    }
    assert_eq!(u32::try_from(most::ATTACHMENTS).unwrap(), Limits::V1.attachments_per_message);
    assert_eq!(u32::try_from(most::DECISIONS).unwrap(), 2 * Limits::V1.renewal_items);
    let milliseconds = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
    assert_eq!(most::INSTANTS, milliseconds("1900-01-01T00:00:00Z")..milliseconds("2200-01-01T00:00:00Z"));
}

#[test]
fn counts_in_the_packages_documentation_are_the_published_limits() {
    let package = Package::read();
    let docs = |interface: &str, name: &str, field: &str| {
        let TypeDefKind::Record(record) = package.kind(interface, name) else { panic!("{interface}.{name}") };
        let found = record.fields.iter().find(|known| known.name == field).unwrap();
        found.docs.contents.clone().unwrap_or_default().to_lowercase()
    };
    let limits = Limits::V1;
    assert_eq!((limits.attachments_per_message, limits.renewal_items, limits.slot_days_ahead), (10, 20, 28));
    assert!(docs("types", "message", "attachments").contains("at most ten"));
    assert!(docs("dialogs", "renewal", "items").contains("twenty"));
    assert!(docs("appointments", "slot-query", "until").contains("four weeks"));
    assert!(docs("payments", "invoice", "amount").contains("at least 1, at most 100,000,000"));
    assert_eq!(returned::ORE, 1..=100_000_000);
    assert!(docs("types", "dialog-fee", "amount").contains("at least 1, at most 100,000,000"));
    assert!(docs("types", "dialog-fees", "fees").contains("one to twenty"));
    assert_eq!(returned::TARIFFS, 20);
    assert!(docs("feedback", "question", "choices").contains("two to eleven"));
    assert_eq!(returned::CHOICES, 2..=11);
    assert!(docs("feedback", "questionnaire", "questions").contains("one to thirty"));
    assert_eq!(returned::QUESTIONS, 30);
}
