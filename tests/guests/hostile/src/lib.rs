//! A plugin that does every bad thing that Rust can say. Which one, it is told: by the text of a message that begins with
//! `do: `, else by `do` in the office's settings, else by the key `do` in its own memory. Told nothing, it behaves.
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`deeds`] | what it does before it answers: with time, memory, log, state, files and upstreams |
//! | [`answers`] | what it answers: what each function should not return |
//! | [`look_ups`] | the same of practical information, fees, surveys and video meetings |
//! | [`told`] | how it is told |

pub mod answers;
pub mod deeds;
pub mod look_ups;
pub mod told;

use dialog_plugin_sdk::{
    Appointment, Context, Event, Failure, Message,
    appointments::{Appointments, Booking, Slot, SlotQuery},
    citizens::Citizens,
    dialogs::{Dialogs, Opened, Opening},
    feedback::{Answer, Feedback, Questionnaire},
    inbound::{Delivery, Inbound, InboundContext, Page, Settlement},
    payments::{Invoice, Payment, Payments},
    practice::{Form, Practice, PracticeProfile},
    prescriptions::{Prescription, Prescriptions},
    read_marks::ReadMarks,
    video::{Room, Video},
};
use told::Told;

/// The plugin.
#[derive(Debug)]
pub struct Hostile;

impl Dialogs for Hostile {
    fn open(ctx: Context, dialog: String, opening: Opening) -> Result<Opened, Failure> {
        let message = match &opening {
            Opening::Inquiry(inquiry) => Some(&inquiry.message),
            Opening::Consultation(consultation) => Some(&consultation.message),
            _ => None,
        };
        let told = Told::by(&ctx, message);
        let said = deeds::act(&told, message)?;
        answers::open(&told, &ctx, &dialog, said)
    }

    fn send(ctx: Context, reference: String, message: Message) -> Result<Vec<Event>, Failure> {
        let told = Told::by(&ctx, Some(&message));
        let said = deeds::act(&told, Some(&message))?;
        answers::events(&told, &ctx, &reference, &said)
    }

    fn close(ctx: Context, reference: String) -> Result<Vec<Event>, Failure> {
        let told = Told::by(&ctx, None);
        let said = deeds::act(&told, None)?;
        answers::events(&told, &ctx, &reference, &said)
    }
}

impl Appointments for Hostile {
    fn slots(ctx: Context, query: SlotQuery) -> Result<Vec<Slot>, Failure> {
        let told = Told::by(&ctx, None);
        deeds::act(&told, None)?;
        answers::slots(&told, &query)
    }

    fn book(ctx: Context, booking: Booking) -> Result<Appointment, Failure> {
        let told = Told::by(&ctx, None);
        deeds::act(&told, None)?;
        answers::booked(&told, &booking)
    }

    fn change(ctx: Context, _: Appointment, booking: Booking) -> Result<Appointment, Failure> {
        let told = Told::by(&ctx, None);
        deeds::act(&told, None)?;
        answers::booked(&told, &booking)
    }

    fn cancel(ctx: Context, _: Appointment, _: Option<String>) -> Result<(), Failure> {
        let told = Told::by(&ctx, None);
        deeds::act(&told, None)?;
        answers::cancelled(&told)
    }

    fn upcoming(ctx: Context) -> Result<Vec<Appointment>, Failure> {
        let told = Told::by(&ctx, None);
        deeds::act(&told, None)?;
        answers::upcoming(&told, ctx.now)
    }
}

impl Prescriptions for Hostile {
    fn renewable(ctx: Context) -> Result<Vec<Prescription>, Failure> {
        let told = Told::by(&ctx, None);
        deeds::act(&told, None)?;
        answers::renewable(&told)
    }
}

impl Practice for Hostile {
    fn profile(ctx: Context) -> Result<PracticeProfile, Failure> {
        let told = Told::by(&ctx, None);
        deeds::act(&told, None)?;
        look_ups::profile(&told)
    }

    fn forms(ctx: Context) -> Result<Vec<Form>, Failure> {
        let told = Told::by(&ctx, None);
        deeds::act(&told, None)?;
        look_ups::forms(&told)
    }
}

impl Payments for Hostile {
    fn outstanding(ctx: Context) -> Result<Vec<Invoice>, Failure> {
        let told = Told::by(&ctx, None);
        deeds::act(&told, None)?;
        look_ups::outstanding(&told)
    }

    fn pay(ctx: Context, _: String, _: String) -> Result<Payment, Failure> {
        let told = Told::by(&ctx, None);
        deeds::act(&told, None)?;
        look_ups::payment(&told, ctx.now)
    }
}

impl Feedback for Hostile {
    fn survey(ctx: Context) -> Result<Option<Questionnaire>, Failure> {
        let told = Told::by(&ctx, None);
        deeds::act(&told, None)?;
        look_ups::survey(&told)
    }

    fn submit(ctx: Context, _: String, _: Vec<Answer>) -> Result<(), Failure> {
        let told = Told::by(&ctx, None);
        deeds::act(&told, None)?;
        // Like a cancellation, it has nothing of its own to break.
        answers::cancelled(&told)
    }
}

impl Video for Hostile {
    fn join(ctx: Context, _: String) -> Result<Room, Failure> {
        let told = Told::by(&ctx, None);
        deeds::act(&told, None)?;
        look_ups::room(&told, ctx.now)
    }

    fn leave(ctx: Context, _: String) -> Result<(), Failure> {
        let told = Told::by(&ctx, None);
        deeds::act(&told, None)?;
        answers::cancelled(&told)
    }
}

impl ReadMarks for Hostile {
    fn seen(ctx: Context, _: String, _: String) -> Result<(), Failure> {
        let told = Told::by(&ctx, None);
        deeds::act(&told, None)?;
        answers::cancelled(&told)
    }
}

impl Inbound for Hostile {
    fn receive(ctx: InboundContext, delivery: Delivery) -> Result<Vec<Event>, Failure> {
        let told = Told::of(&String::from_utf8_lossy(&delivery.body));
        let said = deeds::act(&told, None)?;
        answers::news(&told, ctx.now, &said)
    }

    fn poll(ctx: InboundContext, cursor: Option<String>, _: Vec<Settlement>) -> Result<Page, Failure> {
        let told = Told::by_offices(&ctx);
        let said = deeds::act(&told, None)?;
        answers::page(&told, ctx.now, cursor, &said)
    }
}

impl Citizens for Hostile {
    fn active(ctx: Context, _: bool) -> Result<(), Failure> {
        let told = Told::by(&ctx, None);
        deeds::act(&told, None)?;
        // Nor has this.
        answers::cancelled(&told)
    }
}

dialog_plugin_sdk::export_dialogs!(Hostile);
dialog_plugin_sdk::export_appointments!(Hostile);
dialog_plugin_sdk::export_prescriptions!(Hostile);
dialog_plugin_sdk::export_practice!(Hostile);
dialog_plugin_sdk::export_payments!(Hostile);
dialog_plugin_sdk::export_feedback!(Hostile);
dialog_plugin_sdk::export_video!(Hostile);
dialog_plugin_sdk::export_read_marks!(Hostile);
dialog_plugin_sdk::export_inbound!(Hostile);
dialog_plugin_sdk::export_citizens!(Hostile);
