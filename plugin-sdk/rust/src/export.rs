//! From a type with traits to the exports of a component.
//!
//! Every exported function first sets the panic hook: a call runs in a fresh instance, so there is no earlier place.

#[cfg(target_arch = "wasm32")]
use std::panic::PanicHookInfo;

use crate::{
    appointments, citizens, dialogs, feedback, inbound, notices, payments, practice, prescriptions, read_marks,
    types::*, video,
};

/// A plugin as the component exports it. Named by the export macros only.
#[derive(Debug)]
pub struct Exported<T>(std::marker::PhantomData<T>);

/// What stands before every call.
#[cfg(target_arch = "wasm32")]
fn enter() {
    std::panic::set_hook(Box::new(report));
}

/// Natively the plugin's tests have a panic hook of their own.
#[cfg(not(target_arch = "wasm32"))]
fn enter() {}

/// Tells the operator where the plugin panicked.
///
/// The message is left out: `unwrap` and `expect` put the value into it, and in a plugin that value is as likely as not
/// what a citizen wrote. The place is enough to find the cause, and it is never personal.
#[cfg(target_arch = "wasm32")]
fn report(info: &PanicHookInfo<'_>) {
    match info.location() {
        Some(place) => {
            crate::log::error!("panic: {}:{}:{} (message withheld)", place.file(), place.line(), place.column())
        }
        None => crate::log::error!("panic: place unknown (message withheld)"),
    }
}

impl<T: dialogs::Dialogs> dialogs::Dialogs for Exported<T> {
    fn open(ctx: Context, dialog: String, opening: dialogs::Opening) -> Result<dialogs::Opened, Failure> {
        enter();
        T::open(ctx, dialog, opening)
    }

    fn send(ctx: Context, reference: String, message: Message) -> Result<Vec<Event>, Failure> {
        enter();
        T::send(ctx, reference, message)
    }

    fn close(ctx: Context, reference: String) -> Result<Vec<Event>, Failure> {
        enter();
        T::close(ctx, reference)
    }
}

impl<T: appointments::Appointments> appointments::Appointments for Exported<T> {
    fn slots(ctx: Context, query: appointments::SlotQuery) -> Result<Vec<appointments::Slot>, Failure> {
        enter();
        T::slots(ctx, query)
    }

    fn book(ctx: Context, booking: appointments::Booking) -> Result<Appointment, Failure> {
        enter();
        T::book(ctx, booking)
    }

    fn change(ctx: Context, appointment: Appointment, booking: appointments::Booking) -> Result<Appointment, Failure> {
        enter();
        T::change(ctx, appointment, booking)
    }

    fn cancel(ctx: Context, appointment: Appointment, reason: Option<String>) -> Result<(), Failure> {
        enter();
        T::cancel(ctx, appointment, reason)
    }

    fn upcoming(ctx: Context) -> Result<Vec<Appointment>, Failure> {
        enter();
        T::upcoming(ctx)
    }
}

impl<T: prescriptions::Prescriptions> prescriptions::Prescriptions for Exported<T> {
    fn renewable(ctx: Context) -> Result<Vec<prescriptions::Prescription>, Failure> {
        enter();
        T::renewable(ctx)
    }
}

impl<T: practice::Practice> practice::Practice for Exported<T> {
    fn profile(ctx: Context) -> Result<practice::PracticeProfile, Failure> {
        enter();
        T::profile(ctx)
    }

    fn forms(ctx: Context) -> Result<Vec<practice::Form>, Failure> {
        enter();
        T::forms(ctx)
    }
}

impl<T: payments::Payments> payments::Payments for Exported<T> {
    fn outstanding(ctx: Context) -> Result<Vec<payments::Invoice>, Failure> {
        enter();
        T::outstanding(ctx)
    }

    fn pay(ctx: Context, invoice: String, return_url: String) -> Result<payments::Payment, Failure> {
        enter();
        T::pay(ctx, invoice, return_url)
    }
}

impl<T: feedback::Feedback> feedback::Feedback for Exported<T> {
    fn survey(ctx: Context) -> Result<Option<feedback::Questionnaire>, Failure> {
        enter();
        T::survey(ctx)
    }

    fn submit(ctx: Context, survey: String, answers: Vec<feedback::Answer>) -> Result<(), Failure> {
        enter();
        T::submit(ctx, survey, answers)
    }
}

impl<T: inbound::Inbound> inbound::Inbound for Exported<T> {
    fn receive(ctx: inbound::InboundContext, delivery: inbound::Delivery) -> Result<Vec<Event>, Failure> {
        enter();
        T::receive(ctx, delivery)
    }

    fn poll(
        ctx: inbound::InboundContext,
        cursor: Option<String>,
        settled: Vec<inbound::Settlement>,
    ) -> Result<inbound::Page, Failure> {
        enter();
        T::poll(ctx, cursor, settled)
    }
}

impl<T: video::Video> video::Video for Exported<T> {
    fn join(ctx: Context, reference: String) -> Result<video::Room, Failure> {
        enter();
        T::join(ctx, reference)
    }

    fn leave(ctx: Context, reference: String) -> Result<(), Failure> {
        enter();
        T::leave(ctx, reference)
    }
}

impl<T: read_marks::ReadMarks> read_marks::ReadMarks for Exported<T> {
    fn seen(ctx: Context, reference: String, message: String) -> Result<(), Failure> {
        enter();
        T::seen(ctx, reference, message)
    }
}

impl<T: notices::Notices> notices::Notices for Exported<T> {
    fn send(ctx: notices::NoticeContext, notice: notices::Notice) -> Result<notices::NoticeReceipt, Failure> {
        enter();
        T::send(ctx, notice)
    }
}

impl<T: citizens::Citizens> citizens::Citizens for Exported<T> {
    fn active(ctx: Context, active: bool) -> Result<(), Failure> {
        enter();
        T::active(ctx, active)
    }
}

/// What all export macros come to.
///
/// In a component: the exported functions. Natively, where a plugin is tested, a linker takes no names such as
/// `dialog:provider/dialogs@1.0.0#open` in a `cdylib`; there the type is only held to its trait.
#[doc(hidden)]
#[macro_export]
macro_rules! export_interface {
    ($plugin:ty, $module:ident, $trait:ident) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "the canonical ABI is a set of exported extern functions")]
        const _: () = {
            type Exported = $crate::export::Exported<$plugin>;
    $crate::bindings::$module::export!(Exported with_types_in $crate::bindings::$module);
        };
        #[cfg(not(target_arch = "wasm32"))]
        const _: () = {
            const fn implements<T: $crate::$module::$trait>() {}
            implements::<$plugin>();
        };
    };
}

/// Exports a type that implements [`Dialogs`](dialogs::Dialogs).
#[macro_export]
macro_rules! export_dialogs {
    ($plugin:ty) => {
        $crate::export_interface!($plugin, dialogs, Dialogs);
    };
}

/// Exports a type that implements [`Appointments`](appointments::Appointments).
#[macro_export]
macro_rules! export_appointments {
    ($plugin:ty) => {
        $crate::export_interface!($plugin, appointments, Appointments);
    };
}

/// Exports a type that implements [`Prescriptions`](prescriptions::Prescriptions).
#[macro_export]
macro_rules! export_prescriptions {
    ($plugin:ty) => {
        $crate::export_interface!($plugin, prescriptions, Prescriptions);
    };
}

/// Exports a type that implements [`Practice`](practice::Practice).
#[macro_export]
macro_rules! export_practice {
    ($plugin:ty) => {
        $crate::export_interface!($plugin, practice, Practice);
    };
}

/// Exports a type that implements [`Payments`](payments::Payments).
#[macro_export]
macro_rules! export_payments {
    ($plugin:ty) => {
        $crate::export_interface!($plugin, payments, Payments);
    };
}

/// Exports a type that implements [`Feedback`](feedback::Feedback).
#[macro_export]
macro_rules! export_feedback {
    ($plugin:ty) => {
        $crate::export_interface!($plugin, feedback, Feedback);
    };
}

/// Exports a type that implements [`Inbound`](inbound::Inbound).
#[macro_export]
macro_rules! export_inbound {
    ($plugin:ty) => {
        $crate::export_interface!($plugin, inbound, Inbound);
    };
}

/// Exports a type that implements [`Video`](video::Video).
#[macro_export]
macro_rules! export_video {
    ($plugin:ty) => {
        $crate::export_interface!($plugin, video, Video);
    };
}

/// Exports a type that implements [`ReadMarks`](read_marks::ReadMarks).
#[macro_export]
macro_rules! export_read_marks {
    ($plugin:ty) => {
        $crate::export_interface!($plugin, read_marks, ReadMarks);
    };
}

/// Exports a type that implements [`Notices`](notices::Notices).
#[macro_export]
macro_rules! export_notices {
    ($plugin:ty) => {
        $crate::export_interface!($plugin, notices, Notices);
    };
}

/// Exports a type that implements [`Citizens`](citizens::Citizens).
#[macro_export]
macro_rules! export_citizens {
    ($plugin:ty) => {
        $crate::export_interface!($plugin, citizens, Citizens);
    };
}
