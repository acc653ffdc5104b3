//! Doors for `tests/fuzz`, into rooms that are private: policy and checks that read untrusted input, and nothing that
//! keeps or sends anything. No part of the crate's surface: what stands here changes with the rooms.

use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use dialog_contract::{
    appointment::Slot,
    dialog::Attachment,
    prescription::Prescription,
    provider::{Appointment, Event, Failure, Form, InboundPage, Invoice, Opened, Payment, PracticeProfile},
    survey::Questionnaire,
    video::Room,
};
use dialog_core::ports::blobs::{BlobError, Blobs, ByteStream, Stored};
use http::{HeaderMap, HeaderName};
use url::Url;
use uuid::Uuid;

pub use crate::bindings::{
    appointments::exports::dialog::provider::appointments, capabilities::dialog::provider::types,
    dialogs::exports::dialog::provider::dialogs, feedback::exports::dialog::provider::feedback,
    inbound::exports::dialog::provider::inbound, payments::exports::dialog::provider::payments,
    practice::exports::dialog::provider::practice, prescriptions::exports::dialog::provider::prescriptions,
    video::exports::dialog::provider::video,
};
use crate::{
    capabilities::{attachments::Attachments, upstream::Sending},
    convert::{self, answer::At},
    limits::Limits,
    scrub,
    upstream::{
        address::{self, AddressPolicy, Denied, Network},
        headers, path,
    },
};

/// What a plugin returned.
#[derive(Debug)]
pub enum Returned {
    /// Of `dialogs.open`.
    Opened(dialogs::Opened),
    /// Of `dialogs.send` and `dialogs.close`.
    Events(Vec<types::Event>),
    /// Of `appointments.slots`.
    Slots(Vec<appointments::Slot>),
    /// Of `appointments.book` and `appointments.change`.
    Appointment(types::Appointment),
    /// Of `appointments.upcoming`.
    Upcoming(Vec<types::Appointment>),
    /// Of `prescriptions.renewable`.
    Renewable(Vec<prescriptions::Prescription>),
    /// Of `practice.profile`.
    Profile(practice::PracticeProfile),
    /// Of `practice.forms`.
    Forms(Vec<practice::Form>),
    /// Of `payments.outstanding`.
    Outstanding(Vec<payments::Invoice>),
    /// Of `payments.pay`.
    Payment(payments::Payment),
    /// Of `feedback.survey`.
    Survey(Option<feedback::Questionnaire>),
    /// Of `video.join`.
    Room(video::Room),
    /// Of `inbound.receive`.
    Received(Vec<types::Event>),
    /// Of `inbound.poll`.
    Page(inbound::Page),
    /// Of any function.
    Failure(types::Failure),
}

/// What is believed of it.
#[derive(Debug)]
pub enum Believed {
    /// A dialog that was taken in.
    Opened(Opened),
    /// What happened.
    Events(Vec<Event>),
    /// Free slots.
    Slots(Vec<Slot>),
    /// Appointments.
    Appointments(Vec<Appointment>),
    /// What can be renewed.
    Renewable(Vec<Prescription>),
    /// Practical information.
    Profile(PracticeProfile),
    /// Forms.
    Forms(Vec<Form>),
    /// What is owed.
    Outstanding(Vec<Invoice>),
    /// A payment that was begun.
    Payment(Payment),
    /// A survey.
    Survey(Option<Questionnaire>),
    /// The way into a meeting.
    Room(Room),
    /// A page of what is new.
    Page(InboundPage),
    /// The call failed.
    Failure(Failure),
}

/// The path of an answer: `returned` makes it from the handles of the files that were lent, `numbers` is whether the
/// plugin may name citizens by theirs. With what is believed come the blobs that it names.
///
/// # Errors
/// Where it breaks the contract, and which rule.
pub fn believe(
    files: &[Attachment],
    numbers: bool,
    returned: impl FnOnce(&[types::Attachment]) -> Returned,
) -> Result<(Believed, Vec<Uuid>), String> {
    let limits = Limits::default();
    let mut attachments = Attachments::new(Arc::new(Nowhere), &limits);
    let lent: Vec<_> = files.iter().map(|file| attachments.lend(file)).collect();
    let returned = returned(&lent);
    let mut checked = convert::answer::Answer::new(&attachments, numbers, &limits);
    let answer = &mut checked;
    let believed = match returned {
        Returned::Opened(value) => convert::dialogs::opened(value, answer).map(Believed::Opened),
        Returned::Events(value) => convert::events::events(&At::Answer, value, answer).map(Believed::Events),
        Returned::Slots(value) => convert::appointments::slots(value, answer).map(Believed::Slots),
        Returned::Appointment(value) => convert::appointments::appointment(&At::Answer, value, answer)
            .map(|appointment| Believed::Appointments(vec![appointment])),
        Returned::Upcoming(value) => convert::appointments::upcoming(value, answer).map(Believed::Appointments),
        Returned::Renewable(value) => convert::prescriptions::renewable(value, answer).map(Believed::Renewable),
        Returned::Profile(value) => convert::practice::profile(value, answer).map(Believed::Profile),
        Returned::Forms(value) => convert::practice::forms(value, answer).map(Believed::Forms),
        Returned::Outstanding(value) => convert::payments::outstanding(value, answer).map(Believed::Outstanding),
        Returned::Payment(value) => convert::payments::payment(value, answer).map(Believed::Payment),
        Returned::Survey(value) => convert::feedback::survey(value, answer).map(Believed::Survey),
        Returned::Room(value) => convert::video::room(value, answer).map(Believed::Room),
        Returned::Received(value) => convert::inbound::received(value, answer).map(Believed::Events),
        Returned::Page(value) => convert::inbound::page(value, answer).map(Believed::Page),
        Returned::Failure(value) => convert::failure::failure(value, Sending::default()).map(Believed::Failure),
    };
    let believed = believed.map_err(|violation| violation.to_string())?;
    Ok((believed, checked.into_named()))
}

/// An appointment as it goes back to the plugin that told of it.
#[must_use]
pub fn known(appointment: Appointment) -> types::Appointment {
    convert::appointments::known(appointment)
}

/// A URL below a base, with a query, of at most so many bytes.
///
/// # Errors
/// The rule that is broken.
pub fn url(base: &Url, below: &str, query: &[(String, String)], most: usize) -> Result<Url, &'static str> {
    path::join(base, below, query, most)
}

/// Headers of a plugin's, beside a reserved one.
///
/// # Errors
/// The rule that is broken.
pub fn sent_headers(
    list: &[(String, String)],
    reserved: Option<&HeaderName>,
    most_bytes: usize,
) -> Result<HeaderMap, String> {
    headers::check(list, reserved, most_bytes)
}

/// Headers of an answer, as a plugin sees them.
#[must_use]
pub fn seen_headers(list: &HeaderMap, most_bytes: usize) -> Vec<(String, String)> {
    headers::visible(list, most_bytes)
}

/// Whether an address may be dialled, where the operator allows these networks, and the public one if so.
///
/// # Errors
/// Which rule denies it.
pub fn dialled(address: IpAddr, allowed: Vec<Network>, public: bool) -> Result<(), Denied> {
    address::check(address, &AddressPolicy { allowed, public })
}

/// A guest's text for the log.
#[must_use]
pub fn log_line(text: &str, most: usize) -> String {
    scrub::line(text, most)
}

/// Keeps no files.
struct Nowhere;

#[async_trait]
impl Blobs for Nowhere {
    async fn put(&self, _: Uuid, _: ByteStream, _: u64) -> Result<Stored, BlobError> {
        Err(BlobError::Unavailable("nothing is kept".to_owned()))
    }

    async fn open(&self, _: Uuid, _: u64) -> Result<ByteStream, BlobError> {
        Err(BlobError::NotFound)
    }

    async fn delete(&self, _: Uuid) -> Result<(), BlobError> {
        Ok(())
    }
}
