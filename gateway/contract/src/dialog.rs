//! A dialog as the portal sees it, and its parts. JSON by `schemas/json/dialog.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    appointment::Appointment,
    collegial::Between,
    ids::{AttachmentId, DialogId, HerId, HprNumber, MessageId, PluginId},
    observation::Observation,
    opening::Request,
    provider::{AppointmentChangeKind, RenewalDecision},
    service::{Closing, ProviderKind, Representation, Service, closed_list},
    video::{Video, VideoStatus},
};

/// A conversation between a citizen and an office, whoever provides it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dialog {
    /// The gateway's id.
    pub id: DialogId,
    /// Which service it belongs to.
    pub service: Service,
    /// The office that it is with.
    pub office: OfficeName,
    /// The clinician whom it is with, where it is not the office as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clinician: Option<Clinician>,
    /// Who provides the service.
    pub provider: Provider,
    /// Who is expected to do something next, or how it ended.
    pub status: Status,
    /// When it was opened.
    pub opened: Timestamp,
    /// When something last happened in it.
    pub updated: Timestamp,
    /// When the office should have answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// What it is about, in the words of whoever opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// In the order that they were sent; never changed.
    pub messages: Vec<Message>,
    /// What else happened, in order; never changed.
    pub activities: Vec<Activity>,
    /// Whether the citizen can write in it now.
    pub reply_allowed: bool,
    /// Messages of the office that the citizen has not opened.
    pub unopened: u32,
    /// Who acted for the citizen when it was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub represented_by: Option<RepresentedBy>,
    /// What the office charged for it.
    pub fees: Vec<Fee>,
    /// The dialog that was sent as the wrong service, and is sent again with this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continues: Option<DialogId>,
    /// The dialog with which this one was sent again, as the service that the office named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continued_as: Option<DialogId>,
    /// The office should have answered by now and has not, where that is so at the time of the reply.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overdue: bool,
    /// The video meeting, where it is a consultation with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<Video>,
    /// What tests found, where the dialog is about that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<Observation>,
    /// That the citizen's personal archive has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<Archived>,
    /// Whether it is with the citizen's own GP's office; false where it is with a national provider beside the GP.
    #[serde(default = "own", skip_serializing_if = "is_own")]
    pub own_gp: bool,
    /// Whose clinicians talk here with the office, where it is between clinicians.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<Between>,
    /// Increases with every change; the `ETag` of the dialog.
    pub revision: u64,
}

/// That the citizen's personal archive has a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Archived {
    /// When it was taken there.
    pub at: Timestamp,
    /// The archive's own name of the copy.
    pub reference: String,
}

/// With the citizen's own GP's office, as most are.
const fn own() -> bool {
    true
}

const fn is_own(own_gp: &bool) -> bool {
    *own_gp
}

/// An office, as a dialog names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OfficeName {
    /// Its HER-id.
    pub her_id: HerId,
    /// As citizens know it.
    pub name: String,
}

/// A clinician, as citizens see one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Clinician {
    /// Number in Helsepersonellregisteret.
    pub hpr_number: HprNumber,
    /// The clinician's own HER-id, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub her_id: Option<HerId>,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
}

/// Who provides a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provider {
    /// The plugin's id.
    pub id: PluginId,
    /// As citizens know it.
    pub name: String,
    /// Public or commercial.
    pub kind: ProviderKind,
}

/// Where a dialog stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Status {
    /// Kept by the gateway until the provider can take it.
    Queued,
    /// The office is to answer.
    AwaitingOffice,
    /// The citizen is to answer.
    AwaitingCitizen,
    /// It has ended.
    Closed {
        /// How.
        outcome: Closing,
        /// The service that the citizen was told to use instead, where redirected.
        #[serde(default, rename = "redirectTo", skip_serializing_if = "Option::is_none")]
        redirect_to: Option<Service>,
    },
    /// It may or may not have reached the provider; the activities say why.
    Uncertain,
}

closed_list!(
    /// [`Status`] without its details, as filters and events name it.
    StatusName {
        /// [`Status::Queued`].
        Queued = "queued",
        /// [`Status::AwaitingOffice`].
        AwaitingOffice = "awaiting-office",
        /// [`Status::AwaitingCitizen`].
        AwaitingCitizen = "awaiting-citizen",
        /// [`Status::Closed`].
        Closed = "closed",
        /// [`Status::Uncertain`].
        Uncertain = "uncertain",
    }
);

impl Status {
    /// The status without its details.
    #[must_use]
    pub const fn name(&self) -> StatusName {
        match self {
            Self::Queued => StatusName::Queued,
            Self::AwaitingOffice => StatusName::AwaitingOffice,
            Self::AwaitingCitizen => StatusName::AwaitingCitizen,
            Self::Closed { .. } => StatusName::Closed,
            Self::Uncertain => StatusName::Uncertain,
        }
    }
}

/// One message. Only `seen` is ever set later, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Message {
    /// The gateway's id.
    pub id: MessageId,
    /// Who wrote it.
    pub author: Author,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Plain text.
    pub text: String,
    /// Files that go with it.
    pub attachments: Vec<Attachment>,
    /// When it was written.
    pub sent: Timestamp,
    /// When the other side first opened it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Timestamp>,
}

/// Who wrote a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Author {
    /// On which side.
    pub role: AuthorRole,
    /// The name, as the other side may see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The clinician's number, where it is one who wrote here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hpr_number: Option<HprNumber>,
}

closed_list!(
    /// On which side of a dialog an author stands.
    AuthorRole {
        /// The citizen.
        Citizen = "citizen",
        /// Someone who acts for the citizen.
        Representative = "representative",
        /// The office.
        Office = "office",
        /// A clinician of another office, who talks with the office.
        Clinician = "clinician",
    }
);

/// A file that goes with a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attachment {
    /// The gateway's id, for `GET /v1/me/attachments/{id}`.
    pub id: AttachmentId,
    /// Found in the content, not taken from the name.
    pub media_type: MediaType,
    /// As the sender named it, without path.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// Lower-case hexadecimal SHA-256 of the bytes.
    pub sha256: String,
}

closed_list!(
    /// The kinds of files that citizens and offices can exchange.
    MediaType {
        /// JPEG.
        Jpeg = "image/jpeg",
        /// PNG.
        Png = "image/png",
        /// PDF.
        Pdf = "application/pdf",
    }
);

/// Who acted for the citizen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RepresentedBy {
    /// The representative's name.
    pub name: String,
    /// Why they may.
    pub role: Representation,
}

/// What the office charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fee {
    /// Tariff code (takst), such as `2ae`.
    pub tariff: String,
    /// In øre (1/100 NOK).
    pub amount: u64,
}

/// Something that happened in a dialog beside messages. Never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Activity {
    /// When.
    pub occurred: Timestamp,
    /// What, for programs.
    pub kind: ActivityKind,
    /// What, in plain words in the language of the caller; what the office or its solution said stays in its own.
    pub text: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum ActivityKind {
    /// The citizen asked for something beside the message's text.
    Requested {
        /// What was asked for.
        request: Request,
    },
    /// The provider cannot be reached; the gateway keeps trying.
    Queued {
        /// The message that waits, where it is not the opening.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<MessageId>,
    },
    /// The provider has it.
    Sent {
        /// Which message, where it is not the opening.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<MessageId>,
    },
    /// It is in the office's record system.
    Delivered {
        /// Which message.
        message: MessageId,
    },
    /// The office's system did not take it in.
    Refused {
        /// Which message.
        message: MessageId,
        /// The provider's codes.
        codes: Vec<String>,
    },
    /// It could not be sent; nothing reached the office.
    NotSent {
        /// Which message, where it is not the opening.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<MessageId>,
    },
    /// It is not known whether it reached the office.
    Uncertain {
        /// Which message, where it is not the opening.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<MessageId>,
    },
    /// The office answered a renewal.
    RenewalDecided {
        /// Item by item.
        decisions: Vec<RenewalDecision>,
    },
    /// The office made, moved, cancelled or reminded of an appointment.
    Appointment {
        /// Which of them.
        change: AppointmentChangeKind,
        /// As it is now.
        appointment: Box<Appointment>,
    },
    /// Something happened in the video meeting.
    Video {
        /// Where the meeting stands since then.
        state: VideoStatus,
        /// Who came, where it was neither the citizen nor the clinician.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        participant: Option<String>,
    },
    /// The dialog changed status.
    StatusChanged {
        /// To what.
        status: StatusName,
        /// The office's reason, in its own words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Another clinician than before answers from now on: the GP is away, or is back.
    StandsIn {
        /// Who.
        clinician: Clinician,
    },
    /// The provider could not be reached and nothing was sent: the office's other provider takes it.
    FellBack {
        /// The provider that could not be reached.
        from: Provider,
    },
    /// The office has left the provider: nobody can answer here any more.
    ProviderEnded {},
    /// The dialog goes on with the office's new provider, as another dialog.
    HandedOver {
        /// As which.
        dialog: DialogId,
    },
    /// The patient takes part from now on, where clinicians talk with each other.
    CitizenJoined {
        /// They also read what was written before.
        history: bool,
    },
}
