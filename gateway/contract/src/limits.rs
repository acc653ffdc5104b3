//! Every limit of the API, in one place: unit, number, and why that number. Published at `/v1/limits`. The limits of
//! plugin calls stand in `dialog-host::limits`.

use serde::{Deserialize, Serialize};

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $value:expr;)+) => {
        /// The limits of the API. Sizes in bytes, texts in characters (Unicode scalar values).
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct Limits {
            $($(#[doc = $doc])+ pub $name: $type,)+
        }

        impl Limits {
            /// The limits in force.
            pub const V1: Self = Self { $($name: $value,)+ };
        }

        impl Default for Limits {
            fn default() -> Self {
                Self::V1
            }
        }
    };
}

limits! {
    /// Largest JSON body, in bytes. Twenty renewals with an M1 of 64 KiB each in base64 stay below it.
    body_bytes: u64 = 2 * 1024 * 1024;
    /// Deepest nesting of a JSON body. The contract needs eight.
    json_depth: u32 = 32;
    /// Most values in a JSON body. Twenty renewals have two hundred, a long form of a provider's a few more.
    json_values: u32 = 10_000;
    /// Largest attachment, in bytes: a photo of a modern telephone is 3 to 6 MB.
    attachment_bytes: u64 = 10 * 1024 * 1024;
    /// Attachments in one message.
    attachments_per_message: u32 = 10;
    /// Hours that an uploaded attachment waits for its message: a citizen may write over a night.
    attachment_unused_hours: u32 = 24;
    /// Longest file name, in characters.
    attachment_name_characters: u32 = 120;
    /// Longest text of a citizen's message, in characters: about four pages.
    message_characters: u32 = 8_000;
    /// Longest subject, in characters: one line on a telephone and a half.
    subject_characters: u32 = 120;
    /// Messages in one dialog, after which a new one must be opened: keeps a dialog readable and its record bounded.
    messages_per_dialog: u32 = 200;
    /// Prescriptions in one renewal.
    renewal_items: u32 = 20;
    /// Days ahead for which slots can be asked for and booked (four weeks).
    slot_days_ahead: u32 = 28;
    /// Most items on one page.
    page_items: u32 = 100;
    /// Items on a page when the request does not say.
    page_items_default: u32 = 20;
    /// Hours that an idempotency key is remembered: a portal that retries after a night still meets it.
    idempotency_key_hours: u32 = 48;
    /// Longest idempotency key, in characters.
    idempotency_key_characters: u32 = 128;
    /// Seconds within which any request is answered: the 15 seconds of a synchronous DDFL process, and some.
    request_seconds: u32 = 20;
    /// Days that the portal's event feed can be read back.
    event_days: u32 = 30;
    /// Working days within which an e-consultation is normally answered.
    consultation_working_days: u32 = 5;
}
