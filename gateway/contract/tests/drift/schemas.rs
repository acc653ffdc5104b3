//! The JSON Schemas beside the Rust types that serde makes of them.

use std::collections::BTreeSet;

use dialog_contract::{
    access_log, agreement, appointment, audit, choice, collegial, dialog, erasure, event, guidance, handover, health,
    ids::{
        AppointmentId, AttachmentId, DialogId, EventId, HerId, HprNumber, InvoiceId, MessageId, NationalIdentityNumber,
        OrganisationNumber, PaymentId, PluginId, RequestId,
    },
    inbox,
    limits::Limits,
    notice, observation, opening,
    package::key::KeyId,
    page::Page,
    payment, plugin, practice, prescription, problem, provider,
    schema::{Resource, validate},
    service::{Closing, ConsultationMode, EncounterMode, Locale, ProviderKind, Representation, Sent, Service},
    survey, unreadable, video,
};
use jiff::{Timestamp, civil::Date};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::listing::{Cases, Fields, Payload, camel, cases_of, fields_of, kebab};

/// A struct and the schema of it: at a pointer into a resource.
struct Struct {
    schema: (Resource, &'static str),
    fields: Fields,
    /// Left out when empty: lists and maps that are not required.
    sparse: &'static [&'static str],
}

fn plain(resource: Resource, pointer: &'static str, fields: Fields) -> Struct {
    Struct { schema: (resource, pointer), fields, sparse: &[] }
}

fn structs() -> Vec<Struct> {
    use Resource as R;
    vec![
        Struct {
            sparse: &["overdue", "results", "own_gp"],
            ..plain(
                R::Dialog,
                "",
                fields_of!(dialog::Dialog {
                    id: DialogId, service: Service, office: dialog::OfficeName, clinician: Option<dialog::Clinician>,
                    provider: dialog::Provider, status: dialog::Status, opened: Timestamp, updated: Timestamp,
                    due: Option<Timestamp>, subject: Option<String>, messages: Vec<dialog::Message>,
                    activities: Vec<dialog::Activity>, reply_allowed: bool, unopened: u32,
                    represented_by: Option<dialog::RepresentedBy>, fees: Vec<dialog::Fee>,
                    continues: Option<DialogId>, continued_as: Option<DialogId>, overdue: bool, video: Option<video::Video>,
                    results: Vec<observation::Observation>, archived: Option<dialog::Archived>, own_gp: bool,
                    between: Option<collegial::Between>, revision: u64,
                }),
            )
        },
        plain(
            R::Dialog,
            "/$defs/video",
            fields_of!(video::Video {
                state: video::VideoStatus, participants: Vec<String>, changed: Option<Timestamp>,
            }),
        ),
        plain(
            R::Dialog,
            "/$defs/observation",
            fields_of!(observation::Observation {
                name: String, code: Option<String>, value: String, unit: Option<String>,
                reference_range: Option<String>, interpretation: Option<observation::Interpretation>, taken: Timestamp,
                comment: Option<String>,
            }),
        ),
        plain(R::Types, "/$defs/officeName", fields_of!(dialog::OfficeName { her_id: HerId, name: String })),
        plain(
            R::Types,
            "/$defs/clinician",
            fields_of!(dialog::Clinician {
                hpr_number: HprNumber, her_id: Option<HerId>, given_name: String, family_name: String,
            }),
        ),
        plain(
            R::Types,
            "/$defs/provider",
            fields_of!(dialog::Provider { id: PluginId, name: String, kind: ProviderKind }),
        ),
        plain(R::Types, "/$defs/period", fields_of!(opening::Period { start: Timestamp, end: Timestamp })),
        plain(R::Types, "/$defs/fieldError", fields_of!(provider::FieldError { pointer: String, detail: String })),
        plain(
            R::Message,
            "",
            fields_of!(dialog::Message {
                id: MessageId, author: dialog::Author, subject: Option<String>, text: String,
                attachments: Vec<dialog::Attachment>, sent: Timestamp, seen: Option<Timestamp>,
            }),
        ),
        plain(
            R::Message,
            "/$defs/author",
            fields_of!(dialog::Author { role: dialog::AuthorRole, name: Option<String>, hpr_number: Option<HprNumber> }),
        ),
        plain(
            R::Attachment,
            "",
            fields_of!(dialog::Attachment {
                id: AttachmentId,
                media_type: dialog::MediaType,
                name: String,
                size: u64,
                sha256: String,
            }),
        ),
        plain(
            R::Dialog,
            "/$defs/representedBy",
            fields_of!(dialog::RepresentedBy { name: String, role: Representation }),
        ),
        plain(R::Dialog, "/$defs/fee", fields_of!(dialog::Fee { tariff: String, amount: u64 })),
        plain(
            R::Dialog,
            "/$defs/activity",
            fields_of!(dialog::Activity { occurred: Timestamp, kind: dialog::ActivityKind, text: String }),
        ),
        plain(
            R::Dialog,
            "/$defs/renewalDecision",
            fields_of!(provider::RenewalDecision {
                item: Option<String>, outcome: provider::RenewalOutcome, reason: Option<String>,
            }),
        ),
        plain(
            R::NewDialog,
            "",
            fields_of!(opening::NewDialog {
                request: opening::Request, message: Option<opening::NewMessage>, continues: Option<DialogId>,
                provider: Option<PluginId>,
            }),
        ),
        Struct {
            sparse: &["attachments"],
            ..plain(
                R::NewMessage,
                "",
                fields_of!(opening::NewMessage {
                    subject: Option<String>, text: String, attachments: Vec<AttachmentId>,
                }),
            )
        },
        plain(
            R::NewDialog,
            "/$defs/renewalItem",
            fields_of!(opening::RenewalItem {
                id: String, medicine: String, atc: Option<String>, note: Option<String>, eprescription: Option<String>,
            }),
        ),
        plain(
            R::Appointment,
            "",
            fields_of!(appointment::Appointment {
                id: AppointmentId, office: dialog::OfficeName, provider: dialog::Provider,
                clinician: Option<dialog::Clinician>, start: Timestamp, end: Timestamp, mode: EncounterMode, title: String,
                location: Option<String>, instructions: Option<String>, cancellable: bool, changeable: bool,
            }),
        ),
        plain(
            R::Slot,
            "",
            fields_of!(appointment::Slot {
                id: String, start: Timestamp, end: Timestamp, clinician: Option<dialog::Clinician>, mode: EncounterMode,
                title: String,
            }),
        ),
        plain(
            R::NewBooking,
            "",
            fields_of!(appointment::NewBooking {
                slot: String, start: Timestamp, end: Timestamp, clinician: Option<dialog::Clinician>,
                reason: Option<String>, provider: Option<PluginId>,
            }),
        ),
        plain(R::NewCancellation, "", fields_of!(appointment::NewCancellation { reason: Option<String> })),
        plain(
            R::Prescription,
            "",
            fields_of!(prescription::Prescription {
                id: String, medicine: String, atc: Option<String>, dosage: Option<String>, issued: Option<Timestamp>,
                valid_until: Option<Timestamp>, renewability: prescription::Renewability, note: Option<String>,
            }),
        ),
        Struct {
            sparse: &["beside_your_gp"],
            ..plain(
                R::Practice,
                "",
                fields_of!(practice::Practice {
                    citizen: String, general_practitioner: practice::Practitioner, office: dialog::OfficeName,
                    services: Vec<practice::OfferedService>, away: Option<practice::Away>,
                    information: practice::Information, beside_your_gp: Vec<practice::NationalOffer>,
                }),
            )
        },
        plain(
            R::Practice,
            "/$defs/away",
            fields_of!(practice::Away {
                until: Date, substitute: Option<dialog::Clinician>, office: Option<dialog::OfficeName>,
            }),
        ),
        plain(
            R::Practice,
            "/$defs/nationalOffer",
            fields_of!(practice::NationalOffer {
                provider: dialog::Provider, office: dialog::OfficeName, consent: String,
                services: Vec<practice::OfferedService>,
            }),
        ),
        plain(
            R::Practice,
            "/$defs/information",
            fields_of!(practice::Information {
                telephone: Option<String>, address: Option<String>, directions: Option<String>, website: Option<String>,
                hours: Vec<practice::OpeningHours>, practitioners: Vec<practice::Practitioner>, modes: Vec<EncounterMode>,
                payment: Option<String>, accessibility: Option<String>, told: Option<practice::Told>,
            }),
        ),
        plain(
            R::Practice,
            "/$defs/told",
            fields_of!(practice::Told { provider: dialog::Provider, as_of: Timestamp, stale: bool }),
        ),
        plain(
            R::Practice,
            "/$defs/price",
            fields_of!(practice::Price { amount: u64, tariff: Option<String>, text: String }),
        ),
        plain(R::Practice, "/$defs/answerTime", fields_of!(practice::AnswerTime { median_minutes: u32, answers: u32 })),
        Struct {
            sparse: &["form_unknown"],
            ..plain(
                R::Guidance,
                "",
                fields_of!(guidance::Guidance {
                    emergency: Vec<guidance::EmergencyNumber>, offered: practice::OfferedService, about: String,
                    suits: Vec<String>, does_not_suit: Vec<String>, questions: Vec<guidance::GuidanceQuestion>,
                    form: Option<guidance::ShownForm>, form_unknown: bool,
                }),
            )
        },
        plain(
            R::Guidance,
            "/$defs/emergencyNumber",
            fields_of!(guidance::EmergencyNumber { telephone: String, text: String }),
        ),
        plain(
            R::Guidance,
            "/$defs/guidanceQuestion",
            fields_of!(guidance::GuidanceQuestion { id: String, text: String, choices: Vec<guidance::GuidanceChoice> }),
        ),
        plain(
            R::Guidance,
            "/$defs/guidanceChoice",
            fields_of!(guidance::GuidanceChoice { id: String, text: String, then: guidance::Follows }),
        ),
        plain(
            R::Guidance,
            "/$defs/shownForm",
            fields_of!(guidance::ShownForm {
                title: String,
                schema: Value,
                required: bool,
                as_of: Timestamp,
                stale: bool,
            }),
        ),
        plain(
            R::Survey,
            "",
            fields_of!(survey::OpenSurvey { provider: dialog::Provider, survey: survey::Questionnaire }),
        ),
        plain(
            R::Survey,
            "/$defs/questionnaire",
            fields_of!(survey::Questionnaire { id: String, title: String, questions: Vec<survey::Question> }),
        ),
        plain(
            R::Survey,
            "/$defs/surveyQuestion",
            fields_of!(survey::Question { id: String, text: String, choices: Vec<survey::Choice>, required: bool }),
        ),
        plain(R::Survey, "/$defs/surveyChoice", fields_of!(survey::Choice { id: String, text: String })),
        plain(
            R::NewSurveyAnswers,
            "",
            fields_of!(survey::NewSurveyAnswers { provider: PluginId, survey: String, answers: Vec<survey::Answer> }),
        ),
        plain(
            R::NewSurveyAnswers,
            "/$defs/surveyAnswer",
            fields_of!(survey::Answer { question: String, choice: String }),
        ),
        plain(R::SurveyResults, "", fields_of!(survey::SurveyResults { items: Vec<survey::SurveyResult>, more: bool })),
        plain(
            R::SurveyResults,
            "/$defs/surveyResult",
            fields_of!(survey::SurveyResult {
                office: HerId, provider: PluginId, survey: String, title: String, at_least: u32,
                questions: Vec<survey::QuestionResult>,
            }),
        ),
        plain(
            R::SurveyResults,
            "/$defs/questionResult",
            fields_of!(survey::QuestionResult { id: String, text: String, choices: Vec<survey::ChoiceResult> }),
        ),
        plain(
            R::SurveyResults,
            "/$defs/choiceResult",
            fields_of!(survey::ChoiceResult { id: String, text: String, count: Option<u32> }),
        ),
        Struct {
            sparse: &["modes", "prices"],
            ..plain(
                R::Practice,
                "/$defs/offeredService",
                fields_of!(practice::OfferedService {
                    service: Service, available: bool, provider: Option<dialog::Provider>,
                    booking: Option<practice::Booking>, modes: Vec<ConsultationMode>,
                    answered_within_working_days: Option<u8>, why_not: Option<practice::WhyNot>,
                    prices: Vec<practice::Price>, answer_time: Option<practice::AnswerTime>,
                }),
            )
        },
        plain(
            R::Office,
            "",
            fields_of!(practice::Office {
                her_id: HerId, organisation_her_id: HerId, organisation_number: OrganisationNumber, name: String,
                telephone: Option<String>, address: Option<String>, directions: Option<String>, website: Option<String>,
                hours: Vec<practice::OpeningHours>, practitioners: Vec<practice::Practitioner>, modes: Vec<EncounterMode>,
                payment: Option<String>, accessibility: Option<String>, services: Vec<practice::OfferedService>,
                told: Option<practice::Told>,
            }),
        ),
        plain(
            R::Office,
            "/$defs/openingHours",
            fields_of!(practice::OpeningHours { weekday: u8, opens: String, closes: String }),
        ),
        Struct {
            sparse: &["specialist"],
            ..plain(
                R::Office,
                "/$defs/practitioner",
                fields_of!(practice::Practitioner {
                    clinician: dialog::Clinician, weekdays: Vec<u8>, languages: Vec<String>, absences: Vec<practice::Absence>,
                    specialist: bool,
                }),
            )
        },
        plain(
            R::Office,
            "/$defs/absence",
            fields_of!(practice::Absence {
                from: Date, until: Date, substitute: Option<dialog::Clinician>,
            }),
        ),
        Struct {
            sparse: &["errors"],
            ..plain(
                R::Problem,
                "",
                fields_of!(problem::Problem {
                    kind: String, title: String, status: u16, detail: String, reason: Option<String>, instance: String,
                    trace_id: String, errors: Vec<provider::FieldError>, sent: Sent,
                }),
            )
        },
        plain(
            R::Event,
            "",
            fields_of!(event::Event {
                specversion: String, id: EventId, source: String, kind: event::EventType, subject: String, time: Timestamp,
                datacontenttype: String, traceparent: Option<String>, data: event::EventData,
            }),
        ),
        plain(
            R::Event,
            "/$defs/eventData",
            fields_of!(event::EventData {
                citizen: String, office: HerId, service: Service, dialog: Option<DialogId>, revision: Option<u64>,
                status: Option<dialog::StatusName>, appointment: Option<AppointmentId>, payment: Option<PaymentId>,
            }),
        ),
        plain(
            R::Invoice,
            "",
            fields_of!(payment::Invoice {
                id: InvoiceId, office: dialog::OfficeName, provider: dialog::Provider, amount: u64, tariffs: Vec<String>,
                text: String, due: Option<Timestamp>, dialog: Option<DialogId>, payment: Option<PaymentId>,
            }),
        ),
        plain(R::Room, "", fields_of!(video::Room { url: String, expires: Timestamp, state: video::RoomState })),
        plain(
            R::Inbox,
            "",
            fields_of!(inbox::Inbox {
                unread: u32, unread_results: u32, awaiting_citizen: u32, overdue: u32, coming_appointments: u32,
                services: Vec<inbox::InboxService>, complete: bool,
            }),
        ),
        plain(
            R::Inbox,
            "/$defs/inboxService",
            fields_of!(inbox::InboxService {
                service: Service,
                dialogs: u32,
                unread: u32,
                awaiting_citizen: u32,
                overdue: u32,
            }),
        ),
        Struct {
            sparse: &["services", "statuses", "providers"],
            ..plain(
                R::DialogSearch,
                "",
                fields_of!(inbox::DialogSearch {
                    text: Option<String>, services: Vec<Service>, statuses: Vec<dialog::StatusName>,
                    providers: Vec<PluginId>, from: Option<Timestamp>, until: Option<Timestamp>, limit: Option<u32>,
                    cursor: Option<String>,
                }),
            )
        },
        plain(R::NewPayment, "", fields_of!(payment::NewPayment { return_url: String })),
        plain(
            R::NewNoticePreferences,
            "",
            fields_of!(notice::NewNoticePreferences {
                channels: Vec<notice::NoticeChannel>, kinds: Vec<notice::NoticeKind>, locale: Option<Locale>,
            }),
        ),
        plain(
            R::NoticePreferences,
            "",
            fields_of!(notice::NoticePreferences {
                channels: Vec<notice::NoticeChannel>, kinds: Vec<notice::NoticeKind>, locale: Option<Locale>,
                reachable: Vec<notice::NoticeChannel>,
            }),
        ),
        plain(
            R::PaymentBegun,
            "",
            fields_of!(payment::PaymentBegun { id: PaymentId, redirect: String, expires: Timestamp }),
        ),
        plain(
            R::Payment,
            "",
            fields_of!(payment::Payment {
                id: PaymentId, invoice: InvoiceId, office: dialog::OfficeName, provider: dialog::Provider, amount: u64,
                text: String, status: payment::PaymentStatus, begun: Timestamp, expires: Timestamp,
                redirect: Option<String>, receipt: Option<payment::Receipt>,
            }),
        ),
        plain(R::Payment, "/$defs/receipt", fields_of!(payment::Receipt { number: String, paid: Timestamp })),
        plain(
            R::UnreadableDeliveries,
            "",
            fields_of!(unreadable::UnreadableDeliveries { items: Vec<unreadable::UnreadableDelivery> }),
        ),
        plain(
            R::UnreadableDeliveries,
            "/$defs/unreadableDelivery",
            fields_of!(unreadable::UnreadableDelivery {
                id: Uuid, arrived: Timestamp, plugin: PluginId, office: Option<HerId>, reason: String, raw: Uuid,
                size: u64,
            }),
        ),
        plain(R::Choice, "", fields_of!(choice::Choice { on: bool, changed: Option<Timestamp>, available: bool })),
        plain(R::NewChoice, "", fields_of!(choice::NewChoice { on: bool })),
        plain(R::Dialog, "/$defs/archived", fields_of!(dialog::Archived { at: Timestamp, reference: String })),
        plain(R::NewErasure, "", fields_of!(erasure::NewErasure { national_identity_number: NationalIdentityNumber })),
        Struct {
            sparse: &["earlier"],
            ..plain(
                R::Plugin,
                "",
                fields_of!(plugin::Plugin {
                    id: PluginId, state: plugin::PluginState, granted: plugin::Asks, current: Option<plugin::PluginVersion>,
                    waiting: Option<plugin::PluginVersion>, earlier: Vec<plugin::PluginVersion>, problem: Option<String>,
                }),
            )
        },
        plain(
            R::Plugin,
            "/$defs/pluginVersion",
            fields_of!(plugin::PluginVersion {
                version: String, digest: String, installed: Timestamp, asks: plugin::Asks, key: Option<KeyId>,
                vendor: Option<String>,
            }),
        ),
        plain(
            R::PluginGrant,
            "",
            fields_of!(plugin::Asks { capabilities: Vec<provider::Capability>, national_identity_number: bool }),
        ),
        Struct {
            schema: (R::AccessLogPage, ""),
            fields: fields_of!(access_log::AccessLogPage {
                items: Vec<access_log::AccessLogEntry>, next: Option<String>, missing: Vec<access_log::MissingLog>,
                note: String,
            }),
            sparse: &["missing"],
        },
        plain(
            R::AccessLogPage,
            "/$defs/missingLog",
            fields_of!(access_log::MissingLog { origin: String, text: String }),
        ),
        plain(
            R::AccessLogPage,
            "/$defs/accessLogEntry",
            fields_of!(access_log::AccessLogEntry {
                time: Timestamp, who: access_log::AccessActor, what: access_log::AccessKind,
                outcome: access_log::AccessOutcome, text: String, office: Option<String>, through: Option<String>,
                receipt: u64, origin: String,
            }),
        ),
        plain(R::Health, "", fields_of!(health::Health { status: health::HealthStatus })),
        plain(R::DialogPage, "", fields_of!(Page<dialog::Dialog> { items: Vec<dialog::Dialog>, next: Option<String> })),
        Struct {
            sparse: &["details"],
            ..plain(
                R::AuditRecord,
                "",
                fields_of!(audit::Record {
                    version: u8, time: Timestamp, kind: audit::RecordKind, request: Option<RequestId>,
                    trace_id: Option<String>, action: String, actor: audit::Actor, citizen: Option<String>,
                    representation: Option<audit::RepresentationRecord>, office: Option<HerId>, service: Option<Service>,
                    dialog: Option<DialogId>, call: Option<audit::CallRecord>, outcome: Option<audit::OutcomeRecord>,
                    request_sha256: Option<String>, reply_sha256: Option<String>,
                    details: std::collections::BTreeMap<String, String>,
                }),
            )
        },
        plain(
            R::AuditRecord,
            "/$defs/actor",
            fields_of!(audit::Actor {
                role: audit::ActorRole, client: String, person: Option<String>, level: Option<u8>,
            }),
        ),
        plain(
            R::AuditRecord,
            "/$defs/representationRecord",
            fields_of!(audit::RepresentationRecord { representative: String, role: Representation }),
        ),
        Struct {
            sparse: &["upstreams"],
            ..plain(
                R::AuditRecord,
                "/$defs/callRecord",
                fields_of!(audit::CallRecord {
                    plugin: PluginId, version: String, digest: String, contract: String, grant: String,
                    interface: provider::Interface, function: String, attempt: u32, microseconds: Option<u64>,
                    memory_bytes: Option<u64>, upstreams: Vec<audit::UpstreamRecord>,
                }),
            )
        },
        plain(
            R::AuditRecord,
            "/$defs/upstreamRecord",
            fields_of!(audit::UpstreamRecord {
                name: String, method: String, status: Option<u16>, error: Option<String>, microseconds: u64,
            }),
        ),
        plain(
            R::AuditRecord,
            "/$defs/outcomeRecord",
            fields_of!(audit::OutcomeRecord {
                status: Option<u16>, problem: Option<String>, sent: Option<Sent>,
            }),
        ),
        Struct {
            sparse: &["modes", "attachments", "own_notices", "prices"],
            ..plain(
                R::ServiceTerms,
                "/$defs/terms",
                fields_of!(agreement::Terms {
                    plugin: PluginId, enabled: bool, booking: Option<practice::Booking>, modes: Vec<ConsultationMode>,
                    attachments: Vec<dialog::MediaType>, own_notices: Vec<notice::NoticeKind>, settings: Value,
                    valid_from: Option<Timestamp>, offered_until: Option<Timestamp>, valid_until: Option<Timestamp>,
                    fallback: Option<agreement::Fallback>, prices: Vec<agreement::AgreedPrice>,
                }),
            )
        },
        plain(
            R::ServiceTerms,
            "/$defs/fallback",
            fields_of!(agreement::Fallback { plugin: PluginId, settings: Value }),
        ),
        plain(
            R::ServiceTerms,
            "/$defs/agreedPrice",
            fields_of!(agreement::AgreedPrice {
                amount: u64, tariff: Option<String>, nb: String, nn: String, en: String,
            }),
        ),
        plain(R::NewTerms, "", fields_of!(agreement::NewTerms { terms: Vec<agreement::Terms>, reason: String })),
        plain(
            R::ServiceTerms,
            "",
            fields_of!(agreement::ServiceTerms {
                service: Service, source: agreement::TermsSource, terms: Vec<agreement::Terms>, file_changed: bool,
                changed: Option<Timestamp>, revision: u64,
            }),
        ),
        plain(
            R::OfficeTerms,
            "",
            fields_of!(agreement::OfficeTerms { office: HerId, items: Vec<agreement::ServiceTerms> }),
        ),
        plain(
            R::NewOfficeChoice,
            "",
            fields_of!(agreement::NewOfficeChoice {
                enabled: bool, booking: Option<practice::Booking>, modes: Option<Vec<ConsultationMode>>,
            }),
        ),
        Struct {
            sparse: &["modes"],
            ..plain(
                R::OfficeChoice,
                "",
                fields_of!(agreement::OfficeChoice {
                    service: Service, provider: dialog::Provider, enabled: bool, booking: Option<practice::Booking>,
                    modes: Vec<ConsultationMode>, revision: u64,
                }),
            )
        },
        plain(
            R::OfficeChoices,
            "",
            fields_of!(agreement::OfficeChoices {
                office: dialog::OfficeName, services: Vec<agreement::OfficeChoice>,
                clinicians: Vec<agreement::ClinicianAbsences>, overdue: Vec<agreement::OverdueAnswers>,
            }),
        ),
        plain(
            R::OfficeChoices,
            "/$defs/overdueAnswers",
            fields_of!(agreement::OverdueAnswers { service: Service, dialogs: u64 }),
        ),
        plain(
            R::ClinicianAbsences,
            "/$defs/leave",
            fields_of!(agreement::Leave {
                from: Date, until: Date, substitute: Option<dialog::Clinician>, office: Option<HerId>,
            }),
        ),
        plain(R::NewAbsences, "", fields_of!(agreement::NewAbsences { absences: Vec<agreement::Leave> })),
        plain(
            R::ClinicianAbsences,
            "",
            fields_of!(agreement::ClinicianAbsences {
                clinician: dialog::Clinician, absences: Vec<agreement::Leave>, revision: u64,
            }),
        ),
        plain(
            R::HandoverPage,
            "/$defs/exportedDialog",
            fields_of!(handover::ExportedDialog {
                citizen: handover::ExportedCitizen, reference: Option<String>, dialog: dialog::Dialog,
            }),
        ),
        plain(
            R::HandoverPage,
            "/$defs/exportedCitizen",
            fields_of!(handover::ExportedCitizen {
                national_identity_number: NationalIdentityNumber,
                given_name: String,
                family_name: String,
            }),
        ),
        plain(R::NewHandover, "", fields_of!(handover::NewHandover { reason: String })),
        plain(R::HandedOver, "", fields_of!(handover::HandedOver { handed_over: u32, left: u32, more: bool })),
        plain(
            R::Dialog,
            "/$defs/between",
            fields_of!(collegial::Between {
                office: dialog::OfficeName, clinician: Option<dialog::Clinician>, to: Option<HprNumber>,
                patient: Option<handover::ExportedCitizen>, citizen_since: Option<Timestamp>,
            }),
        ),
        plain(
            R::Dialog,
            "/$defs/patient",
            fields_of!(handover::ExportedCitizen {
                national_identity_number: NationalIdentityNumber,
                given_name: String,
                family_name: String,
            }),
        ),
        plain(
            R::NewCollegialDialog,
            "",
            fields_of!(collegial::NewCollegialDialog {
                to: collegial::Addressee, patient: Option<NationalIdentityNumber>, message: opening::NewMessage,
            }),
        ),
        plain(
            R::NewCollegialDialog,
            "/$defs/addressee",
            fields_of!(collegial::Addressee { office: HerId, clinician: Option<HprNumber> }),
        ),
        Struct {
            sparse: &["history"],
            ..plain(
                R::NewCitizenParty,
                "",
                fields_of!(collegial::NewCitizenParty { message: opening::NewMessage, history: bool }),
            )
        },
        plain(
            R::CollegialPage,
            "/$defs/collegialSummary",
            fields_of!(collegial::CollegialSummary {
                id: DialogId, office: dialog::OfficeName, clinician: Option<dialog::Clinician>, status: dialog::Status,
                opened: Timestamp, updated: Timestamp, due: Option<Timestamp>, overdue: bool, about_patient: bool,
                citizen_takes_part: bool, revision: u64,
            }),
        ),
    ]
}

/// Cases and their fields that are left out when empty.
type Sparse = &'static [(&'static str, &'static str)];

/// An enum: the schema with a `oneOf` of its cases, the name of the tag, the cases.
fn enums() -> Vec<((Resource, &'static str), &'static str, Cases, Sparse)> {
    vec![
        (
            (Resource::Dialog, "/$defs/status"),
            "state",
            cases_of!(dialog::Status {
                Queued, AwaitingOffice, AwaitingCitizen,
                Closed { outcome: Closing, redirect_to: Option<Service> },
                Uncertain,
            }),
            &[],
        ),
        (
            (Resource::Dialog, "/$defs/activityKind"),
            "type",
            cases_of!(dialog::ActivityKind {
                Requested { request: opening::Request },
                Queued { message: Option<MessageId> },
                Sent { message: Option<MessageId> },
                Delivered { message: MessageId },
                Refused { message: MessageId, codes: Vec<String> },
                NotSent { message: Option<MessageId> },
                Uncertain { message: Option<MessageId> },
                RenewalDecided { decisions: Vec<provider::RenewalDecision> },
                Appointment { change: provider::AppointmentChangeKind, appointment: Box<appointment::Appointment> },
                Video { state: video::VideoStatus, participant: Option<String> },
                StatusChanged { status: dialog::StatusName, reason: Option<String> },
                StandsIn { clinician: dialog::Clinician },
                FellBack { from: dialog::Provider },
                ProviderEnded {},
                HandedOver { dialog: DialogId },
                CitizenJoined { history: bool },
            }),
            &[],
        ),
        (
            (Resource::NewDialog, "/$defs/request"),
            "type",
            cases_of!(opening::Request {
                Consultation { mode: ConsultationMode, form: Option<Value> },
                Inquiry {},
                PrescriptionRenewal { items: Vec<opening::RenewalItem> },
                AppointmentRequest { preferred: Vec<opening::Period> },
                AppointmentChange { appointment: AppointmentId, preferred: Vec<opening::Period> },
                AppointmentCancel { appointment: AppointmentId },
                SickNoteRenewal { valid_until: Date, degree: u8 },
                Certificate { purpose: String, form: Option<Value> },
                Collegial { from_hpr_number: HprNumber, to: Vec<HerId> },
            }),
            &[("AppointmentRequest", "preferred"), ("AppointmentChange", "preferred")],
        ),
        (
            (Resource::Guidance, "/$defs/follows"),
            "type",
            cases_of!(guidance::Follows {
                GoOn {},
                UseService { service: Service, available: bool, text: String },
                Call { telephone: Option<String>, text: String },
            }),
            &[],
        ),
    ]
}

fn names<'v>(values: impl IntoIterator<Item = &'v Value>) -> BTreeSet<String> {
    values.into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The JSON name of a field; `kind` is `type` where a standard says so.
fn json_name(field: &str, standard: bool) -> String {
    if standard && field == "kind" { "type".to_owned() } else { camel(field) }
}

fn is_optional(kind: &str) -> bool {
    kind.starts_with("Option<")
}

#[test]
fn every_file_of_schemas_is_a_resource() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/json");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // No resource of the API: `dialog_contract::manifest` reads it, out of a plugin's package.
        .filter(|file| file != "manifest.json")
        .collect();
    assert_eq!(files, Resource::ALL.iter().map(|resource| resource.file().to_owned()).collect());
}

#[test]
fn schemas_have_the_properties_of_their_structs() {
    for Struct { schema: (resource, pointer), fields, sparse } in structs() {
        let at = format!("{}{pointer}", resource.file());
        let schema = resource.schema().pointer(pointer).unwrap_or_else(|| panic!("{at}"));
        let standard = pointer.is_empty() && matches!(resource, Resource::Problem | Resource::Event);
        let properties: BTreeSet<String> = schema["properties"].as_object().unwrap().keys().cloned().collect();
        let known: BTreeSet<String> = fields.iter().map(|(name, _)| json_name(name, standard)).collect();
        assert_eq!(properties, known, "{at}");
        let required = names(schema["required"].as_array().into_iter().flatten());
        let always: BTreeSet<String> = fields
            .iter()
            .filter(|(name, kind)| !is_optional(kind) && !sparse.contains(name))
            .map(|(name, _)| json_name(name, standard))
            .collect();
        assert_eq!(required, always, "required in {at}");
        assert_eq!(schema["additionalProperties"], json!(false), "{at} is open");
    }
}

#[test]
fn schemas_have_the_cases_of_their_enums() {
    for ((resource, pointer), tag, cases, sparse) in enums() {
        let schema = resource.schema().pointer(pointer).unwrap();
        let branches: Vec<&Value> = schema["oneOf"]
            .as_array()
            .unwrap()
            .iter()
            .map(|branch| resource.schema().pointer(branch["$ref"].as_str().unwrap().trim_start_matches('#')).unwrap())
            .collect();
        let tags: Vec<&str> =
            branches.iter().map(|branch| branch["properties"][tag]["const"].as_str().unwrap()).collect();
        assert_eq!(tags, cases.iter().map(|(case, _)| kebab(case)).collect::<Vec<_>>(), "{pointer}");
        for (branch, (case, payload)) in branches.iter().zip(&cases) {
            let Payload::Fields(fields) = payload else { panic!("{case} holds one value") };
            let mut known: BTreeSet<String> = fields.iter().map(|(name, _)| camel(name)).collect();
            known.insert(tag.to_owned());
            let properties: BTreeSet<String> = branch["properties"].as_object().unwrap().keys().cloned().collect();
            assert_eq!(properties, known, "{pointer} {case}");
            let mut always: BTreeSet<String> = fields
                .iter()
                .filter(|(name, kind)| !is_optional(kind) && !sparse.contains(&(*case, *name)))
                .map(|(name, _)| camel(name))
                .collect();
            always.insert(tag.to_owned());
            assert_eq!(names(branch["required"].as_array().unwrap()), always, "required in {pointer} {case}");
            assert_eq!(branch["additionalProperties"], json!(false), "{pointer} {case} is open");
        }
    }
}

#[test]
fn every_object_of_the_schemas_has_its_rust_type() {
    fn gather(at: &str, schema: &Value, found: &mut BTreeSet<String>) {
        match schema {
            Value::Object(fields) => {
                if fields.get("type") == Some(&json!("object")) && fields.contains_key("properties") {
                    found.insert(at.to_owned());
                }
                for (name, value) in fields {
                    if !matches!(name.as_str(), "examples" | "if" | "then") {
                        gather(&format!("{at}/{name}"), value, found);
                    }
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    gather(&format!("{at}/{index}"), item, found);
                }
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    Resource::ALL.iter().for_each(|resource| gather(resource.file(), resource.schema(), &mut found));
    let mut known: BTreeSet<String> =
        structs().iter().map(|known| format!("{}{}", known.schema.0.file(), known.schema.1)).collect();
    for ((resource, pointer), ..) in enums() {
        for branch in resource.schema().pointer(pointer).unwrap()["oneOf"].as_array().unwrap() {
            known.insert(format!("{}{}", resource.file(), branch["$ref"].as_str().unwrap().trim_start_matches('#')));
        }
    }
    // Pages are one generic type, of which `dialog-page.json` stands for all; limits have a test of their own.
    for resource in [
        Resource::PluginPage,
        Resource::SlotPage,
        Resource::AppointmentPage,
        Resource::PrescriptionPage,
        Resource::InvoicePage,
        Resource::PaymentPage,
        Resource::EventPage,
        Resource::HandoverPage,
        Resource::CollegialPage,
        Resource::Limits,
    ] {
        known.insert(resource.file().to_owned());
    }
    assert_eq!(found, known);
}

/// Reads a value as `T` and writes it again.
fn round<T: DeserializeOwned + Serialize>(value: &Value) -> Result<Value, String> {
    let read: T = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    serde_json::to_value(read).map_err(|error| error.to_string())
}

fn round_resource(resource: Resource, value: &Value) -> Option<Result<Value, String>> {
    Some(match resource {
        Resource::Types | Resource::Empty => return None,
        Resource::Dialog => round::<dialog::Dialog>(value),
        Resource::NewDialog => round::<opening::NewDialog>(value),
        Resource::NewMessage => round::<opening::NewMessage>(value),
        Resource::Message => round::<dialog::Message>(value),
        Resource::Attachment => round::<dialog::Attachment>(value),
        Resource::Appointment => round::<appointment::Appointment>(value),
        Resource::Slot => round::<appointment::Slot>(value),
        Resource::NewBooking => round::<appointment::NewBooking>(value),
        Resource::NewCancellation => round::<appointment::NewCancellation>(value),
        Resource::Prescription => round::<prescription::Prescription>(value),
        Resource::Invoice => round::<payment::Invoice>(value),
        Resource::NewPayment => round::<payment::NewPayment>(value),
        Resource::PaymentBegun => round::<payment::PaymentBegun>(value),
        Resource::NoticePreferences => round::<notice::NoticePreferences>(value),
        Resource::NewNoticePreferences => round::<notice::NewNoticePreferences>(value),
        Resource::Payment => round::<payment::Payment>(value),
        Resource::Room => round::<video::Room>(value),
        Resource::Inbox => round::<inbox::Inbox>(value),
        Resource::DialogSearch => round::<inbox::DialogSearch>(value),
        Resource::InvoicePage => round::<Page<payment::Invoice>>(value),
        Resource::PaymentPage => round::<Page<payment::Payment>>(value),
        Resource::Practice => round::<practice::Practice>(value),
        Resource::Office => round::<practice::Office>(value),
        Resource::Problem => round::<problem::Problem>(value),
        Resource::Event => round::<event::Event>(value),
        Resource::Limits => round::<Limits>(value),
        Resource::Health => round::<health::Health>(value),
        Resource::UnreadableDeliveries => round::<unreadable::UnreadableDeliveries>(value),
        Resource::NewErasure => round::<erasure::NewErasure>(value),
        Resource::Choice => round::<choice::Choice>(value),
        Resource::NewChoice => round::<choice::NewChoice>(value),
        Resource::Plugin => round::<plugin::Plugin>(value),
        Resource::PluginGrant => round::<plugin::Asks>(value),
        Resource::PluginPage => round::<Page<plugin::Plugin>>(value),
        Resource::DialogPage => round::<Page<dialog::Dialog>>(value),
        Resource::SlotPage => round::<Page<appointment::Slot>>(value),
        Resource::AppointmentPage => round::<Page<appointment::Appointment>>(value),
        Resource::PrescriptionPage => round::<Page<prescription::Prescription>>(value),
        Resource::EventPage => round::<Page<event::Event>>(value),
        Resource::AccessLogPage => round::<access_log::AccessLogPage>(value),
        Resource::AuditRecord => round::<audit::Record>(value),
        Resource::Guidance => round::<guidance::Guidance>(value),
        Resource::Survey => round::<survey::OpenSurvey>(value),
        Resource::NewSurveyAnswers => round::<survey::NewSurveyAnswers>(value),
        Resource::SurveyResults => round::<survey::SurveyResults>(value),
        Resource::NewTerms => round::<agreement::NewTerms>(value),
        Resource::ServiceTerms => round::<agreement::ServiceTerms>(value),
        Resource::OfficeTerms => round::<agreement::OfficeTerms>(value),
        Resource::NewOfficeChoice => round::<agreement::NewOfficeChoice>(value),
        Resource::OfficeChoice => round::<agreement::OfficeChoice>(value),
        Resource::OfficeChoices => round::<agreement::OfficeChoices>(value),
        Resource::NewAbsences => round::<agreement::NewAbsences>(value),
        Resource::HandoverPage => round::<Page<handover::ExportedDialog>>(value),
        Resource::NewHandover => round::<handover::NewHandover>(value),
        Resource::HandedOver => round::<handover::HandedOver>(value),
        Resource::NewCollegialDialog => round::<collegial::NewCollegialDialog>(value),
        Resource::NewCitizenParty => round::<collegial::NewCitizenParty>(value),
        Resource::CollegialPage => round::<Page<collegial::CollegialSummary>>(value),
        Resource::ClinicianAbsences => round::<agreement::ClinicianAbsences>(value),
    })
}

fn examples(resource: Resource) -> &'static [Value] {
    resource.schema()["examples"].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn every_example_of_a_schema_is_valid_and_survives_its_rust_type() {
    for resource in Resource::ALL {
        assert!(*resource == Resource::Types || !examples(*resource).is_empty(), "{}", resource.file());
        for example in examples(*resource) {
            assert_eq!(validate(*resource, example, Locale::En), Ok(()), "{}", resource.file());
            if let Some(rounded) = round_resource(*resource, example) {
                assert_eq!(rounded.as_ref(), Ok(example), "{}", resource.file());
            }
        }
    }
}

#[test]
fn a_property_that_the_contract_does_not_know_is_refused_by_schema_and_type_alike() {
    for resource in Resource::ALL.iter().filter(|resource| **resource != Resource::Types) {
        let mut example = examples(*resource)[0].clone();
        example["notInTheContract"] = json!(true);
        assert!(validate(*resource, &example, Locale::En).is_err(), "{}", resource.file());
        if let Some(rounded) = round_resource(*resource, &example) {
            assert!(rounded.is_err(), "{}", resource.file());
        }
    }
}

#[test]
fn the_examples_of_the_parts_of_schemas_survive_their_rust_types() {
    fn check<T: DeserializeOwned + Serialize>(resource: Resource, pointer: &str) {
        let part = resource.schema().pointer(pointer).unwrap_or_else(|| panic!("{pointer}"));
        for example in part["examples"].as_array().unwrap() {
            assert_eq!(round::<T>(example).as_ref(), Ok(example), "{pointer}");
        }
    }
    for ((resource, pointer), ..) in enums() {
        for branch in resource.schema().pointer(pointer).unwrap()["oneOf"].as_array().unwrap() {
            let part = branch["$ref"].as_str().unwrap().trim_start_matches('#');
            match pointer {
                "/$defs/status" => check::<dialog::Status>(resource, part),
                "/$defs/activityKind" => check::<dialog::ActivityKind>(resource, part),
                "/$defs/request" => check::<opening::Request>(resource, part),
                "/$defs/follows" => check::<guidance::Follows>(resource, part),
                other => panic!("{other} is not checked"),
            }
        }
    }
    check::<HerId>(Resource::Types, "/$defs/herId");
    check::<HprNumber>(Resource::Types, "/$defs/hprNumber");
    check::<OrganisationNumber>(Resource::Types, "/$defs/organisationNumber");
    check::<PluginId>(Resource::Types, "/$defs/pluginId");
    check::<Timestamp>(Resource::Types, "/$defs/timestamp");
    check::<Date>(Resource::Types, "/$defs/date");
    check::<DialogId>(Resource::Types, "/$defs/dialogId");
    check::<dialog::Author>(Resource::Message, "/$defs/author");
    check::<provider::RenewalDecision>(Resource::Dialog, "/$defs/renewalDecision");
    check::<unreadable::UnreadableDelivery>(Resource::UnreadableDeliveries, "/$defs/unreadableDelivery");
    check::<plugin::PluginVersion>(Resource::Plugin, "/$defs/pluginVersion");
    check::<audit::CallRecord>(Resource::AuditRecord, "/$defs/callRecord");
}

/// Follows a value through a schema and notes every property that it has there.
fn visit(resource: Resource, pointer: &str, value: &Value, seen: &mut BTreeSet<String>) {
    let schema = resource.schema().pointer(pointer).unwrap_or_else(|| panic!("{}{pointer}", resource.file()));
    if let Some(reference) = schema["$ref"].as_str() {
        let (file, target) = reference.split_once('#').unwrap_or((reference, ""));
        let to = if file.is_empty() { resource } else { Resource::of_file(file).unwrap() };
        visit(to, target, value, seen);
    }
    for (index, branch) in schema["oneOf"].as_array().into_iter().flatten().enumerate() {
        let target = branch["$ref"].as_str().unwrap().trim_start_matches('#');
        let properties = &resource.schema().pointer(target).unwrap()["properties"];
        let meant = ["type", "state"].iter().any(|tag| {
            let expected = &properties[*tag]["const"];
            !expected.is_null() && value.get(*tag) == Some(expected)
        });
        if meant {
            visit(resource, &format!("{pointer}/oneOf/{index}"), value, seen);
        }
    }
    if let Some(properties) = schema["properties"].as_object() {
        for name in properties.keys() {
            if let Some(inner) = value.get(name) {
                seen.insert(format!("{}{pointer}/properties/{name}", resource.file()));
                visit(resource, &format!("{pointer}/properties/{name}"), inner, seen);
            }
        }
    }
    if schema.get("items").is_some() {
        for item in value.as_array().into_iter().flatten() {
            visit(resource, &format!("{pointer}/items"), item, seen);
        }
    }
}

#[test]
fn together_the_examples_have_every_property_of_the_schemas() {
    let mut seen = BTreeSet::new();
    let mut all = BTreeSet::new();
    for resource in Resource::ALL {
        for example in examples(*resource) {
            visit(*resource, "", example, &mut seen);
        }
        let parts = resource.schema()["$defs"].as_object().cloned().unwrap_or_default();
        for (name, part) in parts.iter().chain([(&String::new(), resource.schema())]) {
            let pointer = if name.is_empty() { String::new() } else { format!("/$defs/{name}") };
            for example in part["examples"].as_array().into_iter().flatten() {
                visit(*resource, &pointer, example, &mut seen);
            }
            for property in part["properties"].as_object().unwrap_or(&Map::new()).keys() {
                all.insert(format!("{}{pointer}/properties/{property}", resource.file()));
            }
        }
    }
    // A page of these has no next one.
    for file in ["plugin-page", "slot-page", "appointment-page", "prescription-page", "invoice-page", "payment-page"] {
        all.remove(&format!("{file}.json/properties/next"));
    }
    let missing: Vec<&String> = all.difference(&seen).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn everything_in_the_schemas_is_described_and_every_part_has_an_example() {
    fn described(at: &str, schema: &Value, silent: &mut Vec<String>) {
        let sentence = schema["description"].as_str().unwrap_or_default();
        if !sentence.ends_with('.') || sentence.len() < 5 {
            silent.push(at.to_owned());
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            described(&format!("{at}/{name}"), property, silent);
        }
    }
    let mut silent = Vec::new();
    for resource in Resource::ALL {
        described(resource.file(), resource.schema(), &mut silent);
        for (name, part) in resource.schema()["$defs"].as_object().into_iter().flatten() {
            let at = format!("{}#{name}", resource.file());
            described(&at, part, &mut silent);
            assert!(part["examples"].as_array().is_some_and(|examples| !examples.is_empty()), "{at} has no example");
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
}

#[test]
fn the_limits_in_the_schemas_are_the_published_ones() {
    let limits = Limits::V1;
    let at = |resource: Resource, pointer: &str| {
        resource.schema().pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer}"))
    };
    for (limit, resource, pointer) in [
        (u64::from(limits.message_characters), Resource::NewMessage, "/properties/text/maxLength"),
        (u64::from(limits.subject_characters), Resource::Types, "/$defs/subject/maxLength"),
        (u64::from(limits.attachments_per_message), Resource::NewMessage, "/properties/attachments/maxItems"),
        (u64::from(limits.attachments_per_message), Resource::Message, "/properties/attachments/maxItems"),
        (u64::from(limits.attachment_name_characters), Resource::Attachment, "/properties/name/maxLength"),
        (limits.attachment_bytes, Resource::Attachment, "/properties/size/maximum"),
        (u64::from(limits.messages_per_dialog), Resource::Dialog, "/properties/messages/maxItems"),
        (u64::from(limits.messages_per_dialog), Resource::Dialog, "/properties/unopened/maximum"),
        (
            u64::from(limits.renewal_items),
            Resource::NewDialog,
            "/$defs/prescriptionRenewalRequest/properties/items/maxItems",
        ),
        (u64::from(limits.page_items), Resource::DialogPage, "/properties/items/maxItems"),
        (u64::from(limits.page_items), Resource::EventPage, "/properties/items/maxItems"),
    ] {
        assert_eq!(at(resource, pointer), limit, "{} {pointer}", resource.file());
    }
    assert_eq!(examples(Resource::Limits), [serde_json::to_value(limits).unwrap()]);
}

#[test]
fn a_body_at_every_limit_fits_into_a_body() {
    let limits = Limits::V1;
    let item = |index: u32| {
        json!({
            "id": format!("{index:0256}"),
            "medicine": "å".repeat(200),
            "atc": "C09AA02",
            "note": "å".repeat(500),
            "eprescription": "A".repeat(87_384),
        })
    };
    let body = json!({
        "request": {"type": "prescription-renewal", "items": (0..limits.renewal_items).map(item).collect::<Vec<_>>()},
        "message": {"subject": "å".repeat(120), "text": "å".repeat(8_000)},
    });
    let bytes = serde_json::to_vec(&body).unwrap();
    assert!(bytes.len() as u64 <= limits.body_bytes, "{}", bytes.len());
    let parsed: opening::NewDialog =
        dialog_contract::schema::body::parse(Resource::NewDialog, &bytes, Locale::Nb).unwrap();
    assert_eq!(serde_json::to_value(parsed).unwrap(), body);
}
