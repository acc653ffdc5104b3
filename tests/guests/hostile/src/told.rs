//! How the plugin is told what to do: `do: NAME` and, after a blank, what it needs to know.

use dialog_plugin_sdk::{Context, Message, inbound::InboundContext, state};

/// What comes before it.
const BEFORE: &str = "do: ";

/// The key of the plugin's memory that holds it, where nothing else does.
pub const KEY: &str = "do";

/// A name, and the rest.
#[derive(Debug, Default)]
pub struct Told {
    /// Which deed or answer; empty where it shall behave.
    pub name: String,
    /// What it needs to know.
    pub rest: String,
}

impl Told {
    /// Reads a text; nothing where it does not begin as it should.
    pub fn of(text: &str) -> Self {
        let Some(words) = text.strip_prefix(BEFORE) else { return Self::default() };
        let (name, rest) = words.split_once(' ').unwrap_or((words, ""));
        Self { name: name.to_owned(), rest: rest.to_owned() }
    }

    /// By the message, the settings or the memory of a call about a citizen.
    pub fn by(ctx: &Context, message: Option<&Message>) -> Self {
        let by_message = message.map(|message| Self::of(&message.text)).unwrap_or_default();
        if !by_message.name.is_empty() {
            return by_message;
        }
        let by_settings = Self::in_settings(&ctx.settings);
        if !by_settings.name.is_empty() {
            return by_settings;
        }
        let kept = state::get(KEY).ok().flatten().unwrap_or_default();
        Self::of(&String::from_utf8_lossy(&kept))
    }

    /// By the settings of the first office.
    pub fn by_offices(ctx: &InboundContext) -> Self {
        ctx.offices.first().map(|served| Self::in_settings(&served.settings)).unwrap_or_default()
    }

    fn in_settings(settings: &str) -> Self {
        let settings: serde_json::Value = serde_json::from_str(settings).unwrap_or_default();
        Self::of(settings["do"].as_str().unwrap_or_default())
    }

    /// The rest as a number.
    pub fn number(&self) -> usize {
        self.rest.parse().unwrap_or(0)
    }

    /// The rest as two words.
    pub fn pair(&self) -> (&str, &str) {
        self.rest.split_once(' ').unwrap_or((&self.rest, ""))
    }
}
