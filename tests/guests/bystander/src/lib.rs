//! A plugin that does what plugins do: it reads and keeps state, asks the clock, and answers. The tests call it in the
//! same seconds as the hostile one.

use dialog_plugin_sdk::{
    Context, Event, Failure, Message,
    dialogs::{Dialogs, Inquiry, Opened, Opening},
    state,
};

/// The plugin.
#[derive(Debug)]
pub struct Bystander;

impl Dialogs for Bystander {
    fn open(ctx: Context, dialog: String, opening: Opening) -> Result<Opened, Failure> {
        let Opening::Inquiry(Inquiry { message }) = opening else {
            return Err(Failure::declined("other", "Bare spørsmål."));
        };
        // What stands here from an earlier call is of the same dialog, or somebody mixed the memories up.
        let known = state::get(&dialog)?;
        if known.is_some_and(|known| known != message.text.as_bytes()) {
            return Err(Failure::faulty(dialog_plugin_sdk::Sent::No, "the state of another dialog"));
        }
        state::set(&dialog, message.text.as_bytes())?;
        let letters = message.text.chars().filter(|letter| letter.is_alphabetic()).count();
        Ok(Opened { reference: format!("{dialog} {} {letters}", ctx.office.her_id), events: Vec::new() })
    }

    fn send(_: Context, _: String, _: Message) -> Result<Vec<Event>, Failure> {
        Ok(Vec::new())
    }

    fn close(_: Context, _: String) -> Result<Vec<Event>, Failure> {
        Ok(Vec::new())
    }
}

dialog_plugin_sdk::export_dialogs!(Bystander);
