//! What the portal is told: CloudEvents 1.0 in structured JSON. Events say that something happened, never its content:
//! a notice built from one cannot hold anything sensitive. JSON by `schemas/json/event.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    dialog::StatusName,
    ids::{AppointmentId, DialogId, EventId, HerId, PaymentId},
    service::{Service, closed_list},
};

/// One event (CloudEvents 1.0). `subject` is the path of what it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Always `1.0`.
    pub specversion: String,
    /// Unique; increases in the order of the feed.
    pub id: EventId,
    /// The gateway that says it: the configured public URL.
    pub source: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// What it is about: `/v1/me/dialogs/{id}`, `/v1/me/appointments/{id}` or `/v1/me/payments/{id}`.
    pub subject: String,
    /// When.
    pub time: Timestamp,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// The trace that it belongs to (CloudEvents distributed tracing extension).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The details.
    pub data: EventData,
}

/// The details of an event, without content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventData {
    /// As in [`crate::practice::Practice::citizen`].
    pub citizen: String,
    /// Which office.
    pub office: HerId,
    /// Which service.
    pub service: Service,
    /// The dialog, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialog: Option<DialogId>,
    /// The dialog's revision after the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// The dialog's status after the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusName>,
    /// The appointment, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appointment: Option<AppointmentId>,
    /// The payment, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentId>,
}

closed_list!(
    /// What can happen.
    EventType {
        /// A dialog was opened, by the citizen or by the office.
        DialogOpened = "no.dialog.dialog.opened.v1",
        /// The office wrote in a dialog.
        MessageReceived = "no.dialog.message.received.v1",
        /// What the citizen sent reached the office's provider.
        MessageSent = "no.dialog.message.sent.v1",
        /// What the citizen sent did not or may not have reached the office.
        MessageNotSent = "no.dialog.message.not-sent.v1",
        /// A dialog changed status, decisions or receipts.
        DialogUpdated = "no.dialog.dialog.updated.v1",
        /// A dialog was closed.
        DialogClosed = "no.dialog.dialog.closed.v1",
        /// An appointment was booked.
        AppointmentBooked = "no.dialog.appointment.booked.v1",
        /// An appointment was moved.
        AppointmentMoved = "no.dialog.appointment.moved.v1",
        /// An appointment was cancelled.
        AppointmentCancelled = "no.dialog.appointment.cancelled.v1",
        /// The office reminds of an appointment.
        AppointmentReminder = "no.dialog.appointment.reminder.v1",
        /// A payment was paid, failed, expired or was given back.
        PaymentUpdated = "no.dialog.payment.updated.v1",
        /// Something happened in a dialog's video meeting.
        VideoChanged = "no.dialog.video.changed.v1",
    }
);
