//! Files in both directions. The vendor calls one that the practice sends a *document*.
//!
//! To the vendor they stand in the message as base64; the gateway fills them in, so that they never enter the plugin. From
//! the vendor each is asked for by its number, and comes as base64 in the answer: one over 6 MiB is more than the gateway
//! takes of an answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dialog_plugin_sdk::files::{self, Announced, Missing};
use dialog_plugin_sdk::{Attachment, Locale};

use crate::Odd;
use crate::soap::Call;
use crate::xml::tree::Element;
use crate::xml::writer::Writer;

/// Bytes of a document that an answer can hold.
const MAX_SIZE: u64 = 6 * 1024 * 1024 - 64 * 1024;

/// Writes a citizen's files.
#[must_use]
pub fn write(xml: Writer, files: &[Attachment]) -> Writer {
    xml.each(files, |xml, file| {
        xml.open("Attachment").leaf("Name", &file.name).leaf("Type", &file.media_type).bytes("Content", file).close()
    })
}

/// A document as the vendor lists it.
#[derive(Clone, Debug)]
pub struct Listed {
    id: String,
    name: String,
    media_type: String,
    size: u64,
}

impl Listed {
    /// Reads one.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn read(element: &Element) -> Result<Self, Odd> {
        const ODD: Odd = "lists a document without a number, name, type or size";
        let text = |name| element.required(name, ODD).map(str::to_owned);
        let size = element.required("Size", ODD)?.parse().map_err(|_| ODD)?;
        Ok(Self { id: text("Id")?, name: text("Name")?, media_type: text("Type")?, size })
    }
}

/// The call that fetches, and the requests that it may still make for it.
#[derive(Debug)]
pub struct Budget {
    call: String,
    /// Requests, and patience.
    pub left: files::Budget,
}

impl Budget {
    /// So many requests of a call.
    #[must_use]
    pub fn of(call: &str, requests: u32) -> Self {
        Self { call: call.to_owned(), left: files::Budget::of(requests) }
    }
}

/// Fetches a document and keeps it.
///
/// # Errors
/// Says whether asking again would help.
pub fn fetch(listed: &Listed, budget: &mut Budget) -> Result<Attachment, Missing> {
    let announced = Announced { name: &listed.name, media_type: &listed.media_type, size: Some(listed.size) };
    announced.within(MAX_SIZE)?;
    budget.left.spend()?;
    let call = Call::reading("GetDocument", &budget.call, &listed.id).with(|xml| xml.leaf("Document", &listed.id));
    let answer = call.send(Locale::Nb, &[]).map_err(|failure| budget.left.missing(failure))?;
    let content: String = answer.content.optional("Content").unwrap_or_default().split_ascii_whitespace().collect();
    let Ok(bytes) = STANDARD.decode(content) else {
        return Err(budget.left.missing(answer.unreadable("holds a document that is not base64")));
    };
    announced.keep(&bytes)
}
