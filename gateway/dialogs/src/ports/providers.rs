//! Calls to providers' plugins.

use std::time::Duration;

use async_trait::async_trait;
use dialog_contract::appointment::Slot;
use dialog_contract::{
    audit::CallRecord,
    ids::{DialogId, PluginId},
    prescription::Prescription,
    provider::{
        Appointment, Booking, Context, Delivery, Event, Failure, Form, InboundPage, Interface, Invoice, Message,
        Notice, NoticeReceipt, Opened, Opening, Payment, PracticeProfile, ServedOffice, Settlement, SlotQuery,
    },
    survey::{Answer, Questionnaire},
    video::Room,
};

use super::{keys::Owner, store::StoreError};

/// An installed plugin, in the version that new calls go to.
#[derive(Debug, Clone, PartialEq)]
pub struct Installed {
    /// Which.
    pub id: PluginId,
    /// Semver of the manifest.
    pub version: String,
    /// SHA-256 of the component, lower-case hexadecimal.
    pub digest: String,
    /// What it exports.
    pub exports: Vec<Interface>,
    /// The provider recognises a repeated idempotency key: after a crash the call may be repeated.
    pub idempotent: bool,
    /// JSON Schema of an agreement's settings.
    pub settings_schema: serde_json::Value,
}

impl Installed {
    /// Whether it exports this.
    #[must_use]
    pub fn serves(&self, interface: Interface) -> bool {
        self.exports.contains(&interface)
    }
}

/// To whom a call goes and how long it may take.
#[derive(Debug, Clone)]
pub struct Target {
    /// Which plugin.
    pub plugin: PluginId,
    /// Which attempt at the same request, from 1.
    pub attempt: u32,
    /// What is left of the request's deadline; the host takes its own limit where that is shorter.
    pub time_left: Duration,
}

/// What a call came to, and the evidence of it for the audit log.
#[derive(Debug)]
pub struct Called<T> {
    /// The answer, checked against the contract. A trap, a timeout, a limit or an answer that breaks the contract is
    /// [`Failure::Faulty`] (or [`Failure::Unavailable`] where the plugin is full), with what is known of `sent`.
    pub answer: Result<T, Failure>,
    /// For the audit log.
    pub record: CallRecord,
}

/// The plugin host.
///
/// Made before any listener; plugins may come and go while calls are under way, and a call stays with the version that
/// it began with. Every method calls the exported function once, in a fresh instance, and never panics. A plugin that
/// is not installed or does not export the interface gives [`Failure::Unavailable`] with `sent: no`.
#[async_trait]
pub trait Providers: Send + Sync + 'static {
    /// The plugin, if it is installed.
    fn installed(&self, plugin: &PluginId) -> Option<Installed>;

    /// Every installed plugin.
    fn all(&self) -> Vec<Installed>;

    /// Removes what plugins keep of an owner, in all of their memories, also of plugins that are no longer installed;
    /// gives how many values there were. Calls that are under way keep nothing more of the owner's.
    ///
    /// # Errors
    /// Where the store does not answer: some may be left, and another call goes on.
    async fn forget(&self, owner: Owner) -> Result<usize, StoreError>;

    /// `dialogs.open`.
    async fn open(&self, target: Target, ctx: Context, dialog: DialogId, opening: Opening) -> Called<Opened>;

    /// `dialogs.send`.
    async fn send(&self, target: Target, ctx: Context, reference: String, message: Message) -> Called<Vec<Event>>;

    /// `dialogs.close`.
    async fn close(&self, target: Target, ctx: Context, reference: String) -> Called<Vec<Event>>;

    /// `appointments.slots`, in order of start.
    async fn slots(&self, target: Target, ctx: Context, query: SlotQuery) -> Called<Vec<Slot>>;

    /// `appointments.book`.
    async fn book(&self, target: Target, ctx: Context, booking: Booking) -> Called<Appointment>;

    /// `appointments.change`.
    async fn change(
        &self,
        target: Target,
        ctx: Context,
        appointment: Appointment,
        booking: Booking,
    ) -> Called<Appointment>;

    /// `appointments.cancel`.
    async fn cancel(
        &self,
        target: Target,
        ctx: Context,
        appointment: Appointment,
        reason: Option<String>,
    ) -> Called<()>;

    /// `appointments.upcoming`, in order of start.
    async fn upcoming(&self, target: Target, ctx: Context) -> Called<Vec<Appointment>>;

    /// `prescriptions.renewable`.
    async fn renewable(&self, target: Target, ctx: Context) -> Called<Vec<Prescription>>;

    /// `practice.profile`; a context without citizen is enough.
    async fn profile(&self, target: Target, ctx: Context) -> Called<PracticeProfile>;

    /// `practice.forms`: at most one for each service, each schema within bounds.
    async fn forms(&self, target: Target, ctx: Context) -> Called<Vec<Form>>;

    /// `payments.outstanding`, in the provider's order, each invoice once.
    async fn outstanding(&self, target: Target, ctx: Context) -> Called<Vec<Invoice>>;

    /// `payments.pay`.
    async fn pay(&self, target: Target, ctx: Context, invoice: String, return_url: String) -> Called<Payment>;

    /// `feedback.survey`: the one that is open for the citizen, if any.
    async fn survey(&self, target: Target, ctx: Context) -> Called<Option<Questionnaire>>;

    /// `feedback.submit`, with answers that were checked against the survey.
    async fn submit(&self, target: Target, ctx: Context, survey: String, answers: Vec<Answer>) -> Called<()>;

    /// `inbound.receive`.
    async fn receive(&self, target: Target, offices: Vec<ServedOffice>, delivery: Delivery) -> Called<Vec<Event>>;

    /// `inbound.poll`.
    async fn poll(
        &self,
        target: Target,
        offices: Vec<ServedOffice>,
        cursor: Option<String>,
        settled: Vec<Settlement>,
    ) -> Called<InboundPage>;

    /// `video.join`: the way in, for whom the context is about.
    async fn join(&self, target: Target, ctx: Context, reference: String) -> Called<Room>;

    /// `video.leave`.
    async fn leave(&self, target: Target, ctx: Context, reference: String) -> Called<()>;

    /// `read-marks.seen`; `message` is the provider's own id of a message of the office's.
    async fn mark_seen(&self, target: Target, ctx: Context, reference: String, message: String) -> Called<()>;

    /// `notices.send`.
    async fn notify(&self, target: Target, notice: Notice) -> Called<NoticeReceipt>;

    /// `citizens.active`: the context's citizen became digitally active, or ceased to be so.
    async fn active(&self, target: Target, ctx: Context, active: bool) -> Called<()>;
}
