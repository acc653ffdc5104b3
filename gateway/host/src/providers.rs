//! The domain's port: each method is one call of one exported function.

use async_trait::async_trait;
use dialog_contract::{
    appointment::Slot,
    ids::{DialogId, PluginId},
    prescription::Prescription,
    provider::{
        Appointment, Booking, Context, Delivery, Event, Form, InboundPage, Interface, Invoice, Message, Notice,
        NoticeReceipt, Opened, Opening, Payment, PracticeProfile, ServedOffice, Settlement, SlotQuery,
    },
    survey::{Answer, Questionnaire},
    video::Room,
};
use dialog_core::ports::{
    keys::Owner,
    providers::{Called, Installed, Providers, Target},
    store::StoreError,
};
use tokio::time::timeout_at;
use tracing::Instrument as _;

use crate::{
    call::{About, clocked},
    capabilities::state,
    convert::{
        answer::At, appointments, dialogs, events::events, feedback, inbound, notices, payments, practice,
        prescriptions, video,
    },
    host::Host,
};

/// One call: admitted, instantiated fresh, called, looked at. A macro and not a function, because each world has types of
/// its own that share no trait.
macro_rules! call {
    (
        $host:expr, $target:expr, $interface:ident . $function:literal, $about:expr,
        |$facts:ident, $files:ident| [$($name:ident = $argument:expr),+],
        $world:ident . $guest:ident . $call:ident ($($passed:expr),+),
        $check:expr
    ) => {{
        let span = tracing::info_span!(
            "plugin.call",
            otel.name = concat!("plugin.call ", $function),
            otel.status_code = tracing::field::Empty,
            "error.type" = tracing::field::Empty,
            dialog.plugin.id = %$target.plugin,
            dialog.plugin.version = tracing::field::Empty,
            dialog.plugin.digest = tracing::field::Empty,
            dialog.plugin.interface = %Interface::$interface,
            dialog.plugin.function = $function,
            dialog.plugin.attempt = $target.attempt,
        );
        async {
        let admitted = match $host.caller().admit(&$target, Interface::$interface, $function).await {
            Ok(admitted) => admitted,
            Err((failure, record)) => return Called { answer: Err(failure), record },
        };
        let mut store = admitted.store($about);
        let plugin = std::sync::Arc::clone(&admitted.plugin);
        let $facts = admitted.facts();
        let $files = &mut store.data_mut().attachments;
        $(let $name = $argument;)+
        let mut guest = std::time::Duration::ZERO;
        let called = async {
            let Some(world) = &plugin.worlds.$world else {
                return Err(wasmtime::Error::msg("the world is not exported"));
            };
            let instance = world.instantiate_async(&mut store).await?;
            instance.$guest().$call(&mut store, $($passed),+).await
        };
        let returned = timeout_at(admitted.deadline, clocked(called, &mut guest)).await;
        admitted.finish(store, returned, guest, $check).await
        }
        .instrument(span)
        .await
    }};
}

#[async_trait]
impl Providers for Host {
    fn installed(&self, plugin: &PluginId) -> Option<Installed> {
        self.caller().registry.find(plugin).map(|plugin| plugin.installed())
    }

    fn all(&self) -> Vec<Installed> {
        self.caller().registry.all().iter().map(|plugin| plugin.installed()).collect()
    }

    async fn forget(&self, owner: Owner) -> Result<usize, StoreError> {
        let caller = self.caller();
        state::forget(caller.ports.store.as_ref(), &caller.forgotten, owner).await
    }

    async fn open(&self, target: Target, ctx: Context, dialog: DialogId, opening: Opening) -> Called<Opened> {
        let about = About::of(&ctx);
        call!(
            self, target, Dialogs."open", about,
            |facts, files| [ctx = facts.context(ctx), dialog = dialog.to_string(), opening = dialogs::opening(opening, files)],
            dialogs.dialog_provider_dialogs.call_open(&ctx, &dialog, &opening),
            dialogs::opened
        )
    }

    async fn send(&self, target: Target, ctx: Context, reference: String, message: Message) -> Called<Vec<Event>> {
        let about = About::of(&ctx);
        call!(
            self, target, Dialogs."send", about,
            |facts, files| [ctx = facts.context(ctx), message = dialogs::message(message, files)],
            dialogs.dialog_provider_dialogs.call_send(&ctx, &reference, &message),
            |received, answer| events(&At::Answer, received, answer)
        )
    }

    async fn close(&self, target: Target, ctx: Context, reference: String) -> Called<Vec<Event>> {
        let about = About::of(&ctx);
        call!(
            self, target, Dialogs."close", about,
            |facts, _files| [ctx = facts.context(ctx)],
            dialogs.dialog_provider_dialogs.call_close(&ctx, &reference),
            |received, answer| events(&At::Answer, received, answer)
        )
    }

    async fn slots(&self, target: Target, ctx: Context, query: SlotQuery) -> Called<Vec<Slot>> {
        let about = About::of(&ctx);
        call!(
            self, target, Appointments."slots", about,
            |facts, _files| [ctx = facts.context(ctx), query = appointments::query(query)],
            appointments.dialog_provider_appointments.call_slots(&ctx, query),
            appointments::slots
        )
    }

    async fn book(&self, target: Target, ctx: Context, booking: Booking) -> Called<Appointment> {
        let about = About::of(&ctx);
        call!(
            self, target, Appointments."book", about,
            |facts, _files| [ctx = facts.context(ctx), booking = appointments::booking(booking)],
            appointments.dialog_provider_appointments.call_book(&ctx, &booking),
            |booked, answer| appointments::appointment(&At::Answer, booked, answer)
        )
    }

    async fn change(
        &self,
        target: Target,
        ctx: Context,
        appointment: Appointment,
        booking: Booking,
    ) -> Called<Appointment> {
        let about = About::of(&ctx);
        call!(
            self, target, Appointments."change", about,
            |facts, _files| [ctx = facts.context(ctx), known = appointments::known(appointment), booking = appointments::booking(booking)],
            appointments.dialog_provider_appointments.call_change(&ctx, &known, &booking),
            |moved, answer| appointments::appointment(&At::Answer, moved, answer)
        )
    }

    async fn cancel(
        &self,
        target: Target,
        ctx: Context,
        appointment: Appointment,
        reason: Option<String>,
    ) -> Called<()> {
        let about = About::of(&ctx);
        call!(
            self, target, Appointments."cancel", about,
            |facts, _files| [ctx = facts.context(ctx), known = appointments::known(appointment)],
            appointments.dialog_provider_appointments.call_cancel(&ctx, &known, reason.as_deref()),
            |(), _| Ok(())
        )
    }

    async fn upcoming(&self, target: Target, ctx: Context) -> Called<Vec<Appointment>> {
        let about = About::of(&ctx);
        call!(
            self, target, Appointments."upcoming", about,
            |facts, _files| [ctx = facts.context(ctx)],
            appointments.dialog_provider_appointments.call_upcoming(&ctx),
            appointments::upcoming
        )
    }

    async fn renewable(&self, target: Target, ctx: Context) -> Called<Vec<Prescription>> {
        let about = About::of(&ctx);
        call!(
            self, target, Prescriptions."renewable", about,
            |facts, _files| [ctx = facts.context(ctx)],
            prescriptions.dialog_provider_prescriptions.call_renewable(&ctx),
            prescriptions::renewable
        )
    }

    async fn profile(&self, target: Target, ctx: Context) -> Called<PracticeProfile> {
        let about = About::of(&ctx);
        call!(
            self, target, Practice."profile", about,
            |facts, _files| [ctx = facts.context(ctx)],
            practice.dialog_provider_practice.call_profile(&ctx),
            practice::profile
        )
    }

    async fn forms(&self, target: Target, ctx: Context) -> Called<Vec<Form>> {
        let about = About::of(&ctx);
        call!(
            self, target, Practice."forms", about,
            |facts, _files| [ctx = facts.context(ctx)],
            practice.dialog_provider_practice.call_forms(&ctx),
            practice::forms
        )
    }

    async fn outstanding(&self, target: Target, ctx: Context) -> Called<Vec<Invoice>> {
        let about = About::of(&ctx);
        call!(
            self, target, Payments."outstanding", about,
            |facts, _files| [ctx = facts.context(ctx)],
            payments.dialog_provider_payments.call_outstanding(&ctx),
            payments::outstanding
        )
    }

    async fn pay(&self, target: Target, ctx: Context, invoice: String, return_url: String) -> Called<Payment> {
        let about = About::of(&ctx);
        call!(
            self, target, Payments."pay", about,
            |facts, _files| [ctx = facts.context(ctx)],
            payments.dialog_provider_payments.call_pay(&ctx, &invoice, &return_url),
            payments::payment
        )
    }

    async fn survey(&self, target: Target, ctx: Context) -> Called<Option<Questionnaire>> {
        let about = About::of(&ctx);
        call!(
            self, target, Feedback."survey", about,
            |facts, _files| [ctx = facts.context(ctx)],
            feedback.dialog_provider_feedback.call_survey(&ctx),
            feedback::survey
        )
    }

    async fn submit(&self, target: Target, ctx: Context, survey: String, answers: Vec<Answer>) -> Called<()> {
        let about = About::of(&ctx);
        call!(
            self, target, Feedback."submit", about,
            |facts, _files| [ctx = facts.context(ctx), answers = answers.into_iter().map(feedback::answer).collect::<Vec<_>>()],
            feedback.dialog_provider_feedback.call_submit(&ctx, &survey, &answers),
            |(), _| Ok(())
        )
    }

    async fn receive(&self, target: Target, offices: Vec<ServedOffice>, delivery: Delivery) -> Called<Vec<Event>> {
        call!(
            self, target, Inbound."receive", About::inbound(),
            |facts, _files| [ctx = facts.inbound(offices), delivery = inbound::delivery(delivery)],
            inbound.dialog_provider_inbound.call_receive(&ctx, &delivery),
            inbound::received
        )
    }

    async fn poll(
        &self,
        target: Target,
        offices: Vec<ServedOffice>,
        cursor: Option<String>,
        settled: Vec<Settlement>,
    ) -> Called<InboundPage> {
        call!(
            self, target, Inbound."poll", About::inbound(),
            |facts, _files| [ctx = facts.inbound(offices), settled = settled.into_iter().map(inbound::settlement).collect::<Vec<_>>()],
            inbound.dialog_provider_inbound.call_poll(&ctx, cursor.as_deref(), &settled),
            inbound::page
        )
    }

    async fn join(&self, target: Target, ctx: Context, reference: String) -> Called<Room> {
        let about = About::of(&ctx);
        call!(
            self, target, Video."join", about,
            |facts, _files| [ctx = facts.context(ctx)],
            video.dialog_provider_video.call_join(&ctx, &reference),
            video::room
        )
    }

    async fn leave(&self, target: Target, ctx: Context, reference: String) -> Called<()> {
        let about = About::of(&ctx);
        call!(
            self, target, Video."leave", about,
            |facts, _files| [ctx = facts.context(ctx)],
            video.dialog_provider_video.call_leave(&ctx, &reference),
            |(), _| Ok(())
        )
    }

    async fn mark_seen(&self, target: Target, ctx: Context, reference: String, message: String) -> Called<()> {
        let about = About::of(&ctx);
        call!(
            self, target, ReadMarks."seen", about,
            |facts, _files| [ctx = facts.context(ctx)],
            read_marks.dialog_provider_read_marks.call_seen(&ctx, &reference, &message),
            |(), _| Ok(())
        )
    }

    async fn notify(&self, target: Target, notice: Notice) -> Called<NoticeReceipt> {
        call!(
            self, target, Notices."send", About::inbound(),
            |facts, _files| [ctx = facts.notice(), notice = notices::notice(notice)],
            notices.dialog_provider_notices.call_send(&ctx, &notice),
            notices::receipt
        )
    }

    async fn active(&self, target: Target, ctx: Context, active: bool) -> Called<()> {
        let about = About::of(&ctx);
        call!(
            self, target, Citizens."active", about,
            |facts, _files| [ctx = facts.context(ctx)],
            citizens.dialog_provider_citizens.call_active(&ctx, active),
            |(), _| Ok(())
        )
    }
}
