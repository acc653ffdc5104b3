//! A booking, a payment or an answer to a survey that is under way, kept so that a crash in the middle can be settled; and what is due at a moment.

use dialog_contract::{
    action::Action,
    appointment::{NewBooking, NewCancellation},
    ids::{AppointmentId, HerId, InvoiceId, PluginId, RequestId},
    service::{Locale, Service},
    survey::{Answer, Questionnaire},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ReplyKey, StoredRepresentative};
use crate::identity::CitizenId;

/// One booking, change, cancellation, payment or answer to a survey that was begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredOperation {
    pub(crate) kind: OperationKind,
    pub(crate) citizen: CitizenId,
    pub(crate) representative: Option<StoredRepresentative>,
    pub(crate) office: HerId,
    pub(crate) plugin: PluginId,
    /// The plugin's idempotency key.
    pub(crate) key: String,
    pub(crate) attempts: u32,
    /// Who has not settled it by then has crashed.
    pub(crate) lease: Timestamp,
    pub(crate) reply: ReplyKey,
    pub(crate) locale: Locale,
    pub(crate) request: RequestId,
    pub(crate) trace_id: String,
    pub(crate) traceparent: Option<String>,
}

/// What was begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(crate) enum OperationKind {
    Book {
        booking: NewBooking,
    },
    Change {
        appointment: AppointmentId,
        booking: NewBooking,
    },
    Cancel {
        appointment: AppointmentId,
        cancellation: NewCancellation,
    },
    Pay {
        invoice: InvoiceId,
        #[serde(rename = "returnUrl")]
        return_url: String,
    },
    Survey {
        /// Who asks.
        provider: PluginId,
        /// By which of its agreements; found when the survey is.
        service: Service,
        /// As the provider asked it, which the answers were held against; without questions until then.
        asked: Box<Questionnaire>,
        answers: Vec<Answer>,
    },
}

impl OperationKind {
    /// What it is to the audit log.
    pub(crate) const fn action(&self) -> Action {
        match self {
            Self::Book { .. } => Action::AppointmentsBook,
            Self::Change { .. } => Action::AppointmentsChange,
            Self::Cancel { .. } => Action::AppointmentsCancel,
            Self::Pay { .. } => Action::PaymentsPay,
            Self::Survey { .. } => Action::SurveySubmit,
        }
    }

    /// By whose agreement it is done.
    pub(crate) const fn service(&self) -> Service {
        match self {
            Self::Book { .. } | Self::Change { .. } | Self::Cancel { .. } => Service::Appointment,
            Self::Pay { .. } => Service::Payment,
            Self::Survey { service, .. } => *service,
        }
    }

    /// Which service it is a part of; none for what is about the office as a whole.
    pub(crate) const fn about(&self) -> Option<Service> {
        match self {
            Self::Survey { .. } => None,
            other => Some(other.service()),
        }
    }
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(crate) enum Work {
    /// The first call of a dialog.
    Dialog {
        /// It is under way: due only once its lease is over, or at once after a restart.
        running: bool,
        /// When the citizen asked for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Timestamp>,
        /// The dialog's service.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service: Option<Service>,
    },
    /// An operation; always under way.
    Operation,
    /// A read mark that its provider is yet to be told of.
    Mark,
}
