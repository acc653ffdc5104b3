//! The WIT package's types (`schemas/wit`), as the domain uses them. The host converts its bindings to and from these,
//! and checks what comes back on the way: what stands here is within the contract.

mod look_ups;
mod money;
mod telling;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    look_ups::{Form, Invoice, Payment, PracticeProfile},
    money::{DialogFee, PaymentReceipt, PaymentState},
    telling::{Notice, NoticeChannel, NoticeOutcome, NoticeReceipt},
};
use crate::{
    dialog::{Attachment, Clinician},
    ids::{HerId, HprNumber, MessageId, NationalIdentityNumber, NoticeId, OrganisationNumber},
    observation::Observation,
    service::{Closing, ConsultationMode, EncounterMode, Locale, Representation, Sent, Service, closed_list},
};

closed_list!(
    /// The interfaces that a plugin may export.
    Interface {
        /// Written services.
        Dialogs = "dialogs",
        /// Direct booking.
        Appointments = "appointments",
        /// Prescriptions that can be renewed.
        Prescriptions = "prescriptions",
        /// Practical information and forms.
        Practice = "practice",
        /// Fees.
        Payments = "payments",
        /// Surveys.
        Feedback = "feedback",
        /// What the vendor pushes or lets us fetch.
        Inbound = "inbound",
        /// Consultations by video.
        Video = "video",
        /// Read marks.
        ReadMarks = "read-marks",
        /// Notices by text message or mail.
        Notices = "notices",
        /// Who is digitally active.
        Citizens = "citizens",
    }
);

closed_list!(
    /// The capabilities that a plugin may import.
    Capability {
        /// HTTP to named remote systems.
        Upstream = "upstream",
        /// A small memory of its own.
        State = "state",
        /// The time, and waiting.
        Clock = "clock",
        /// Lines for the operator.
        Log = "log",
        /// The bytes of attachments.
        Attachments = "attachments",
    }
);

/// Everything about a call that is not its subject. The host adds the call's id, the time and the installation.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// The same for every attempt at the same request.
    pub idempotency_key: String,
    /// The citizen's language.
    pub locale: Locale,
    /// The office that the call concerns.
    pub office: Office,
    /// The citizen's GP, or the substitute.
    pub clinician: Option<Clinician>,
    /// The citizen; none where nobody is logged in, and where clinicians talk about no patient.
    pub citizen: Option<Citizen>,
    /// Who acts, where that is not the citizen.
    pub representative: Option<Representative>,
    /// What the office agreed with the provider; satisfies the manifest's schema of settings.
    pub settings: serde_json::Value,
    /// The clinician who acts, where clinicians talk with each other; none where the citizen does, also there.
    pub colleague: Option<Colleague>,
}

/// A clinician who acts for an office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Colleague {
    /// Who.
    pub clinician: Clinician,
    /// Of which office.
    pub office: Office,
    /// The citizen takes part in the dialog.
    pub citizen_takes_part: bool,
}

/// An office, as plugins see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Office {
    /// Level 2: where messages go.
    pub her_id: HerId,
    /// Level 1.
    pub organisation_her_id: HerId,
    /// In Brønnøysundregistrene.
    pub organisation_number: OrganisationNumber,
    /// As citizens know it.
    pub name: String,
}

/// The citizen, as plugins see one. The host withholds the number from plugins that were not granted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citizen {
    /// Names the same citizen in every call to this plugin, and means nothing elsewhere.
    pub reference: String,
    /// For plugins that were granted it.
    pub national_identity_number: NationalIdentityNumber,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// With country code.
    pub mobile: Option<String>,
}

/// Who acts for the citizen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Representative {
    /// As [`Citizen::reference`].
    pub reference: String,
    /// As [`Citizen::national_identity_number`].
    pub national_identity_number: NationalIdentityNumber,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// Why they may.
    pub role: Representation,
}

/// One message from the citizen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The gateway's id.
    pub id: MessageId,
    /// What it is about.
    pub subject: Option<String>,
    /// Plain text.
    pub text: String,
    /// Handles are made of these, good for one call.
    pub attachments: Vec<Attachment>,
}

/// One message from the office. Texts are cleaned: no control characters, within their limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficeMessage {
    /// The provider's own id: the same at every redelivery.
    pub id: String,
    /// What it is about.
    pub subject: Option<String>,
    /// Plain text.
    pub text: String,
    /// Stored already.
    pub attachments: Vec<Attachment>,
    /// Who wrote it.
    pub author: Option<String>,
    /// When.
    pub sent: Timestamp,
}

/// What the citizen opens a dialog with. Mirrors the WIT variant `opening`.
#[derive(Debug, Clone, PartialEq)]
pub enum Opening {
    /// An e-consultation.
    Consultation {
        /// How it is held.
        mode: ConsultationMode,
        /// What the citizen writes.
        message: Message,
        /// Answers to the provider's form.
        form: Option<serde_json::Value>,
    },
    /// A practical question.
    Inquiry {
        /// What the citizen writes.
        message: Message,
    },
    /// Renewal of prescriptions.
    PrescriptionRenewal {
        /// One to twenty.
        items: Vec<RenewalItem>,
        /// What the citizen adds.
        message: Option<Message>,
    },
    /// A written request for an appointment.
    AppointmentRequest {
        /// What the citizen writes.
        message: Message,
        /// Times that would suit.
        preferred: Vec<Period>,
    },
    /// A written request to move an appointment.
    AppointmentChange {
        /// The provider's id of it.
        appointment: String,
        /// What the citizen writes.
        message: Message,
        /// Times that would suit.
        preferred: Vec<Period>,
    },
    /// A written request to cancel an appointment.
    AppointmentCancel {
        /// The provider's id of it.
        appointment: String,
        /// What the citizen writes.
        message: Option<Message>,
    },
    /// Renewal of a sick note.
    SickNoteRenewal {
        /// What the citizen writes.
        message: Message,
        /// Last day of the present one.
        valid_until: jiff::civil::Date,
        /// In percent.
        degree: u8,
    },
    /// A health certificate.
    Certificate {
        /// What it is for.
        purpose: String,
        /// What the citizen writes.
        message: Message,
        /// Answers to the provider's form.
        form: Option<serde_json::Value>,
    },
    /// A clinician's question to another.
    Collegial {
        /// What the clinician writes.
        message: Message,
        /// Who asks.
        from_hpr_number: HprNumber,
        /// Who takes part.
        to: Vec<HerId>,
        /// Whom there it is for.
        to_hpr_number: Option<HprNumber>,
    },
}

/// One prescription to renew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewalItem {
    /// Unique in the request.
    pub id: String,
    /// Name, strength and form.
    pub medicine: String,
    /// ATC code.
    pub atc: Option<String>,
    /// What the citizen adds.
    pub note: Option<String>,
    /// eResept M1, XML.
    pub eprescription: Option<Vec<u8>>,
}

/// A time that would suit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// From when.
    pub start: Timestamp,
    /// Until when.
    pub end: Timestamp,
}

/// A dialog that the provider has taken in.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// The provider's own reference.
    pub reference: String,
    /// What happened at once.
    pub events: Vec<Event>,
}

/// One appointment, as a provider names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Appointment {
    /// The provider's id.
    pub id: String,
    /// From when.
    pub start: Timestamp,
    /// Until when.
    pub end: Timestamp,
    /// With whom.
    pub clinician: Option<Clinician>,
    /// How they meet.
    pub mode: EncounterMode,
    /// Kind of appointment.
    pub title: String,
    /// Where to go or how to join.
    pub location: Option<String>,
    /// Preparations.
    pub instructions: Option<String>,
    /// The citizen may cancel it through the portal.
    pub cancellable: bool,
    /// The citizen may move it through the portal.
    pub changeable: bool,
}

/// Which slots are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotQuery {
    /// Not in the past.
    pub from: Timestamp,
    /// At most four weeks ahead.
    pub until: Timestamp,
    /// Only with this clinician.
    pub clinician: Option<HprNumber>,
    /// Only held like this.
    pub mode: Option<EncounterMode>,
}

/// What the citizen books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// The slot's id.
    pub slot: String,
    /// As the slot was shown.
    pub start: Timestamp,
    /// As the slot was shown.
    pub end: Timestamp,
    /// As the slot was shown.
    pub clinician: Option<Clinician>,
    /// Why.
    pub reason: Option<String>,
}

/// Something that happened at the provider.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The provider's own id: the same at every redelivery.
    pub id: String,
    /// When.
    pub occurred: Timestamp,
    /// What.
    pub body: EventBody,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum EventBody {
    /// The office wrote in a dialog.
    Message {
        /// The dialog's reference.
        dialog: String,
        /// What it wrote.
        message: OfficeMessage,
        /// Where the dialog stands now.
        status: DialogStatus,
        /// The service that the citizen is told to use instead.
        redirect: Option<Service>,
    },
    /// The office opened a dialog.
    Opened {
        /// The provider's reference of it.
        dialog: String,
        /// Which office.
        office: HerId,
        /// Whom it is for.
        citizen: CitizenIdentity,
        /// Which service.
        service: Service,
        /// What the office wrote.
        message: OfficeMessage,
        /// False for a one-way message (EKI).
        reply_allowed: bool,
    },
    /// A dialog changed status without a message.
    Status {
        /// The dialog's reference.
        dialog: String,
        /// Where it stands now.
        status: DialogStatus,
        /// In plain words.
        reason: Option<String>,
    },
    /// The office's system confirmed or refused a message.
    Receipt {
        /// The dialog's reference.
        dialog: String,
        /// Which message.
        message: MessageId,
        /// What became of it.
        outcome: ReceiptOutcome,
    },
    /// The office answered a renewal.
    Renewal {
        /// The dialog's reference.
        dialog: String,
        /// At least one.
        decisions: Vec<RenewalDecision>,
        /// What the office wrote.
        message: Option<OfficeMessage>,
        /// Where the dialog stands now.
        status: DialogStatus,
    },
    /// An appointment was made, moved, cancelled, or is reminded of.
    Appointment {
        /// The dialog that asked for it.
        dialog: Option<String>,
        /// Which office.
        office: HerId,
        /// Whose.
        citizen: CitizenIdentity,
        /// What happened to it.
        kind: AppointmentChangeKind,
        /// As it is now.
        appointment: Appointment,
        /// What the office wrote.
        text: Option<String>,
    },
    /// Something arrived that could not be understood.
    Unreadable {
        /// The office that it seems to come from.
        office: Option<HerId>,
        /// What was wrong with it and where.
        reason: String,
        /// Where the bytes are kept, and how many.
        raw: RawBlob,
    },
    /// A payment that was begun came to something.
    Payment {
        /// The payment's id, as `pay` gave it.
        payment: String,
        /// Where it stands now.
        state: PaymentState,
    },
    /// The office charged for a consultation that is closed.
    Charged {
        /// The dialog's reference.
        dialog: String,
        /// One to twenty, each tariff once.
        fees: Vec<DialogFee>,
    },
    /// Something happened in the video meeting of a consultation.
    Video {
        /// The dialog's reference.
        dialog: String,
        /// What happened.
        state: VideoState,
    },
    /// The office tells the results of tests.
    Results {
        /// The provider's reference of the new dialog.
        dialog: String,
        /// Which office.
        office: HerId,
        /// Whose they are.
        citizen: CitizenIdentity,
        /// What the clinician says of them.
        message: OfficeMessage,
        /// One to 200.
        observations: Vec<Observation>,
        /// False for a one-way message.
        reply_allowed: bool,
    },
    /// The provider told the citizen itself, outside the portal.
    Notified {
        /// The reference of the dialog that it was about.
        dialog: Option<String>,
        /// The provider's id of the appointment that it was about.
        appointment: Option<String>,
        /// Who was told.
        citizen: CitizenIdentity,
        /// By which way.
        channel: NoticeChannel,
        /// When.
        at: Timestamp,
    },
    /// What became of a notice that a notifier was given.
    Notice {
        /// Which.
        notice: NoticeId,
        /// What the network said of it.
        outcome: NoticeOutcome,
    },
    /// The office asks whether a citizen is digitally active. What becomes of the event is the answer.
    AskedActive {
        /// Which office asks.
        office: HerId,
        /// About whom.
        citizen: CitizenIdentity,
    },
    /// A clinician of the office opened a dialog with a clinician elsewhere.
    Collegial {
        /// The provider's reference of it.
        dialog: String,
        /// Which office writes.
        office: HerId,
        /// To which office.
        to: HerId,
        /// Whom there it is for.
        to_hpr_number: Option<HprNumber>,
        /// Whom it is about; none where it is about no patient.
        patient: Option<CitizenIdentity>,
        /// What was written, and by whom.
        message: OfficeMessage,
    },
}

/// What happened in a video meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VideoState {
    /// The citizen can come into the waiting room.
    WaitingRoomOpen,
    /// A clinician is in the meeting.
    ClinicianJoined,
    /// Somebody else is in the meeting: a name or a role, as the citizen may see it.
    ParticipantJoined(String),
    /// The meeting is over.
    Ended,
}

/// Bytes kept for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RawBlob {
    /// The blob's id.
    pub id: uuid::Uuid,
    /// In bytes.
    pub size: u64,
}

/// How a provider names a citizen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CitizenIdentity {
    /// As [`Citizen::reference`].
    Reference(String),
    /// Only from plugins that were granted the number.
    NationalIdentityNumber(NationalIdentityNumber),
}

/// Who is expected to do something next, as a provider says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialogStatus {
    /// The office is to answer.
    AwaitingOffice,
    /// The citizen is to answer.
    AwaitingCitizen,
    /// It has ended.
    Closed(Closing),
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiptOutcome {
    /// It is in the office's record system.
    Delivered,
    /// It was not taken in.
    Refused(Vec<Refusal>),
}

/// Why the office's system refused a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The provider's code.
    pub code: String,
    /// In plain words.
    pub text: String,
    /// Sending the same again may succeed.
    pub resendable: bool,
}

/// What the office decided about one prescription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RenewalDecision {
    /// Which item; none where the decision is about the whole request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// What.
    pub outcome: RenewalOutcome,
    /// Why, in the office's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

closed_list!(
    /// What the office decided about one prescription.
    RenewalOutcome {
        /// It is renewed.
        Renewed = "renewed",
        /// It is not.
        Refused = "refused",
        /// The office must see or talk to the citizen first.
        NeedsConsultation = "needs-consultation",
    }
);

closed_list!(
    /// What happened to an appointment.
    AppointmentChangeKind {
        /// It was made.
        Booked = "booked",
        /// It was moved.
        Moved = "moved",
        /// It was cancelled.
        Cancelled = "cancelled",
        /// It is near.
        Reminder = "reminder",
    }
);

/// An office with an agreement with the plugin, for inbound calls.
#[derive(Debug, Clone, PartialEq)]
pub struct ServedOffice {
    /// Which.
    pub office: Office,
    /// What it agreed.
    pub settings: serde_json::Value,
}

/// What the vendor pushed. Its signature has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The vendor's id of it.
    pub id: Option<String>,
    /// Below the plugin's own address, without query.
    pub path: String,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// At most 1 MiB.
    pub body: Vec<u8>,
}

/// One page of what is new at the provider.
#[derive(Debug, Clone, PartialEq)]
pub struct InboundPage {
    /// At most 100.
    pub events: Vec<Event>,
    /// Given back in the next call.
    pub cursor: Option<String>,
    /// There is more.
    pub more: bool,
}

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settlement {
    /// The event's id.
    pub event: String,
    /// What the gateway did.
    pub disposition: Disposition,
}

/// What the gateway did with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "reason", rename_all = "kebab-case")]
pub enum Disposition {
    /// It is durable and the citizen can see it.
    Accepted,
    /// It had been seen before.
    Duplicate,
    /// It was not taken in.
    Refused(RefusalReason),
}

closed_list!(
    /// Why the gateway did not take an event in.
    RefusalReason {
        /// No dialog of this plugin has that reference.
        UnknownDialog = "unknown-dialog",
        /// No citizen is known by that identity.
        UnknownCitizen = "unknown-citizen",
        /// The citizen is not digitally active.
        NotDigitallyActive = "not-digitally-active",
        /// The office has no agreement with this plugin.
        NoAgreement = "no-agreement",
        /// The dialog is closed.
        DialogClosed = "dialog-closed",
        /// No payment was begun with this plugin under that id.
        UnknownPayment = "unknown-payment",
        /// The office may not charge this for the dialog.
        FeeNotAllowed = "fee-not-allowed",
        /// It breaks the contract.
        Invalid = "invalid",
    }
);

/// Why a call did not succeed: one to one with problem types and HTTP statuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The citizen can mend it.
    #[error("the provider finds {} field(s) invalid", .0.len())]
    Invalid(Vec<FieldError>),
    /// The office says no.
    #[error("declined ({})", .0.code)]
    Declined(Reason),
    /// What was asked for is gone or taken.
    #[error("conflict ({})", .0.code)]
    Conflict(Reason),
    /// The provider has no such thing for this citizen.
    #[error("not found ({})", .0.code)]
    NotFound(Reason),
    /// The provider cannot be reached or is busy.
    #[error("unavailable: {}", .0.detail)]
    Unavailable(Outage),
    /// The provider's answer could not be understood, or its plugin failed.
    #[error("faulty: {}", .0.detail)]
    Faulty(Fault),
}

impl Failure {
    /// What is known of whether the provider has the request.
    #[must_use]
    pub const fn sent(&self) -> Sent {
        match self {
            Self::Invalid(_) => Sent::No,
            Self::Declined(_) | Self::Conflict(_) | Self::NotFound(_) => Sent::No,
            Self::Unavailable(outage) => outage.sent,
            Self::Faulty(fault) => fault.sent,
        }
    }
}

/// One field that the citizen can mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) into what was sent.
    pub pointer: String,
    /// In the citizen's language.
    pub detail: String,
}

/// A no, in words that the citizen may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The provider's own code, for the operator.
    pub code: String,
    /// In the citizen's language.
    pub text: String,
}

/// The provider cannot be reached or is busy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// Seconds until it is worth trying again.
    pub retry_after: Option<u32>,
    /// Whether the provider has the request.
    pub sent: Sent,
    /// For the operator, without content.
    pub detail: String,
}

/// The provider's answer could not be understood, or its plugin failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Whether the provider has the request.
    pub sent: Sent,
    /// For the operator, without content.
    pub detail: String,
}
