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
        // A few thousand keys for any number of calls: an office may have ten thousand.
        let key = dialog.get(dialog.len().saturating_sub(3)..).unwrap_or_default();
        // What stands here from an earlier call is of a dialog with this key, or somebody mixed the memories up.
        if state::get(key)?.is_some_and(|known| !known.ends_with(key.as_bytes())) {
            return Err(Failure::faulty(dialog_plugin_sdk::Sent::No, "the state of another dialog"));
        }
        state::set(key, format!("{} {dialog}", message.text).as_bytes())?;
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
