//! Every limit of the contract, in one place: unit, number, and why that number. Those of the API are [`Limits`],
//! published at `/v1/limits`; what a provider may return stands in [`returned`], what a manifest may be in [`manifest`].
//! The limits of plugin calls stand in `dialog-host::limits`.

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

/// What a provider may return, as the WIT package documents it: what is longer breaks the contract, or is cut where that
/// is said. Texts in characters (Unicode scalar values), lists in items.
pub mod returned {
    /// Events in one answer: a page that is polled and recorded within a call.
    pub const EVENTS: usize = 100;
    /// Attachments of an office's message: as many as of a citizen's.
    pub const ATTACHMENTS: usize = 10;
    /// Reasons in a refused receipt: an application receipt lists a few errors.
    pub const REFUSALS: usize = 20;
    /// Decisions on a renewal: two for each of the twenty prescriptions that it may have.
    pub const DECISIONS: usize = 40;
    /// Free slots: four weeks of one clinician with some twenty a day.
    pub const SLOTS: usize = 500;
    /// Coming appointments: of one citizen at one office.
    pub const APPOINTMENTS: usize = 100;
    /// Prescriptions: of one citizen, with those that are long past.
    pub const PRESCRIPTIONS: usize = 200;
    /// Fields of an invalid request, the rest is cut: what a citizen can mend at once.
    pub const FIELDS: usize = 20;

    /// A message's text: an office may write more than a citizen, about sixteen pages.
    pub const MESSAGE_CHARACTERS: usize = 32_000;
    /// A subject: as long as a citizen's.
    pub const SUBJECT_CHARACTERS: usize = 120;
    /// Whoever wrote: a name with title and office.
    pub const AUTHOR_CHARACTERS: usize = 200;
    /// A given or family name: longer than any in the register, and as long as the portal's schema has it.
    pub const NAME_CHARACTERS: usize = 100;
    /// What an office says of what it decided: half a page.
    pub const REASON_CHARACTERS: usize = 2_000;
    /// A short text: a place, a dosage, a note, or what was wrong; a paragraph.
    pub const SHORT_TEXT_CHARACTERS: usize = 500;
    /// Preparations for an appointment: half a page.
    pub const INSTRUCTIONS_CHARACTERS: usize = 2_000;
    /// The kind of an appointment: a line.
    pub const TITLE_CHARACTERS: usize = 200;
    /// A medicine's name, strength and form: a line.
    pub const MEDICINE_CHARACTERS: usize = 200;
    /// An ATC code: it has at most seven characters, with room for one of a local kind.
    pub const ATC_CHARACTERS: usize = 8;

    /// A provider's reference of a dialog: UUIDs, OIDs and paths fit.
    pub const REFERENCE_CHARACTERS: usize = 256;
    /// A provider's id of a slot, an appointment or a prescription: as a reference.
    pub const ID_CHARACTERS: usize = 256;
    /// A provider's id of an event or a message; it is part of a key of the store.
    pub const EVENT_ID_CHARACTERS: usize = 128;
    /// The reference by which a plugin knows a citizen: the host made it, and it has sixty-four or fewer.
    pub const CITIZEN_REFERENCE_CHARACTERS: usize = 64;
    /// A refusal's code.
    pub const REFUSAL_CODE_CHARACTERS: usize = 32;
    /// A reason's code, for the operator; cut.
    pub const REASON_CODE_CHARACTERS: usize = 64;
    /// A JSON Pointer to a field; cut.
    pub const POINTER_CHARACTERS: usize = 256;
    /// What failed, for the operator; cut, in bytes of what is logged.
    pub const DETAIL_BYTES: usize = 500;
    /// A cursor, in bytes: as large as a value of `state`.
    pub const CURSOR_BYTES: usize = 64 * 1024;
    /// An office's address, how one can pay there: a paragraph.
    pub const PRACTICE_LINE_CHARACTERS: usize = 500;
    /// How to find an office, and what there is for those who need it: two paragraphs.
    pub const PRACTICE_TEXT_CHARACTERS: usize = 1_000;
    /// A telephone number with country code and blanks.
    pub const TELEPHONE_CHARACTERS: usize = 32;
    /// A URL: what every browser takes.
    pub const URL_CHARACTERS: usize = 2_048;
    /// Opening hours: seven days of several turns each.
    pub const HOURS: usize = 50;
    /// Clinicians of an office: the largest offices have some thirty.
    pub const PRACTITIONERS: usize = 200;
    /// Languages of a clinician.
    pub const LANGUAGES: usize = 20;
    /// Times away of a clinician: some years of holidays.
    pub const ABSENCES: usize = 100;
    /// A BCP 47 language tag.
    pub const LANGUAGE_CHARACTERS: usize = 35;
    /// A form's title: a line.
    pub const FORM_TITLE_CHARACTERS: usize = 200;
    /// A form's JSON Schema, in bytes: a form of a hundred fields takes a third of it.
    pub const FORM_BYTES: usize = 64 * 1024;
    /// Deepest nesting of a form's schema: a form of groups in groups needs a dozen.
    pub const FORM_DEPTH: usize = 32;
    /// Most values in a form's schema: a hundred fields have some thousand.
    pub const FORM_VALUES: usize = 5_000;
    /// Most patterns in a form: one for each of a hundred fields.
    pub const FORM_PATTERNS: usize = 100;
    /// Largest compiled pattern of a form, in bytes: letters of any script take some fifty KiB, and how many of them there
    /// may be is for `maxLength` to say. All patterns of a form stay below thirty MiB.
    pub const FORM_PATTERN_BYTES: usize = 256 * 1024;

    /// Invoices: of one citizen at one office.
    pub const INVOICES: usize = 100;
    /// An invoice's amount, in øre: a million kroner, over which an amount is a mistake in units.
    pub const ORE: std::ops::RangeInclusive<u64> = 1..=100_000_000;
    /// Tariff codes on an invoice, and fees of a dialog.
    pub const TARIFFS: usize = 20;
    /// A tariff code: the longest in use have four.
    pub const TARIFF_CHARACTERS: usize = 16;
    /// What an invoice is for: a line.
    pub const INVOICE_TEXT_CHARACTERS: usize = 200;
    /// A provider's id of a payment; it is part of a key of the store.
    pub const PAYMENT_ID_CHARACTERS: usize = 128;
    /// A receipt's number.
    pub const RECEIPT_CHARACTERS: usize = 64;

    /// Whoever else is in a video meeting: a name or a role.
    pub const PARTICIPANT_CHARACTERS: usize = 120;
    /// Findings told at once: the largest panels of a laboratory have some eighty.
    pub const OBSERVATIONS: usize = 200;
    /// What was looked at, and what was found: a line each.
    pub const OBSERVATION_CHARACTERS: usize = 200;
    /// A code of NLK or LOINC: they have eight.
    pub const OBSERVATION_CODE_CHARACTERS: usize = 64;
    /// A unit.
    pub const UNIT_CHARACTERS: usize = 50;
    /// Between what a finding is expected to be.
    pub const RANGE_CHARACTERS: usize = 100;
    /// A notifier's own id of a notice.
    pub const NOTICE_ID_CHARACTERS: usize = 128;

    /// Questions of a survey.
    pub const QUESTIONS: usize = 30;
    /// Choices of a question: yes and no, up to a scale from 0 to 10.
    pub const CHOICES: std::ops::RangeInclusive<usize> = 2..=11;
    /// A provider's id of a survey, a question or a choice.
    pub const SURVEY_ID_CHARACTERS: usize = 64;
    /// A survey's title and a choice: a line.
    pub const CHOICE_CHARACTERS: usize = 200;
    /// A question: two lines.
    pub const QUESTION_CHARACTERS: usize = 300;

    /// Moments that are accepted, in milliseconds since 1970: 1900-01-01 up to 2200-01-01, outside of which a date is a
    /// mistake in units.
    pub const INSTANTS: std::ops::Range<i64> = -2_208_988_800_000..7_258_118_400_000;
}

/// Limits of plugins' manifests.
pub mod manifest {
    /// Largest manifest in bytes, unless the operator says otherwise: two settings schemas of a hundred fields each take a
    /// tenth of it.
    pub const BYTES: usize = 256 * 1024;

    /// Deepest nesting. Settings schemas of forms that people fill in need ten.
    pub const DEPTH: usize = 64;

    /// Most values of any kind. Two settings schemas of a hundred fields each have some two thousand.
    pub const VALUES: usize = 20_000;

    /// Most parts of a schema of settings where its references are followed: each of a hundred fields may be a person
    /// with an address, some hundred parts, several times over.
    pub const EXPANSE: usize = 100_000;

    /// Most parts that stand below each other there: four references through a schema as deep as one may be.
    pub const CHAIN: usize = 256;
}
