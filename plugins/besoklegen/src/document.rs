//! Files in both directions. The vendor calls one that the practice sends a *document*.
//!
//! To the vendor they stand in the message as base64; the gateway fills them in, so that they never enter the plugin. From
//! the vendor each is asked for by its number, and comes as base64 in the answer: one over 6 MiB is more than the gateway
//! takes of an answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dialog_plugin_sdk::{Attachment, Failure, Locale, attachments, log};

use crate::Odd;
use crate::event::clip;
use crate::soap::Call;
use crate::xml::tree::Element;
use crate::xml::writer::Writer;

/// Characters of a file's name, by the contract.
const MAX_NAME: usize = 120;
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

/// Requests that fetching may still make in this call, and whether a document that does not come is waited for.
#[derive(Debug)]
pub struct Budget {
    call: String,
    requests: u32,
    patient: bool,
}

/// Why a document did not come.
#[derive(Debug)]
pub enum Missing {
    /// Asking again would not help: the message goes on without it.
    ForGood(&'static str),
    /// The call has no request left: the rest of the events waits for the next call.
    OutOfBudget,
    /// The vendor does not answer now.
    Now(Failure),
}

impl Budget {
    /// So many requests of a call.
    #[must_use]
    pub fn of(call: &str, requests: u32) -> Self {
        Self { call: call.to_owned(), requests, patient: true }
    }

    /// Whether so many requests are left.
    #[must_use]
    pub const fn has(&self, requests: usize) -> bool {
        requests <= self.requests as usize
    }

    /// Whether a document that does not come now is waited for, or given up.
    pub const fn set_patience(&mut self, patient: bool) {
        self.patient = patient;
    }

    fn missing(&self, failure: Failure) -> Missing {
        match failure {
            // The vendor says so itself, and will say so again.
            Failure::NotFound(_) | Failure::Conflict(_) | Failure::Declined(_) | Failure::Invalid(_) => {
                Missing::ForGood("the vendor does not have it any more")
            }
            failure if self.patient => Missing::Now(failure),
            _ => Missing::ForGood("it has not come for an hour"),
        }
    }
}

/// Fetches a document and keeps it.
///
/// # Errors
/// Says whether asking again would help.
pub fn fetch(listed: &Listed, budget: &mut Budget) -> Result<Attachment, Missing> {
    if listed.size > MAX_SIZE {
        return Err(Missing::ForGood("it is over what an answer can hold"));
    }
    budget.requests = budget.requests.checked_sub(1).ok_or(Missing::OutOfBudget)?;
    let call = Call::reading("GetDocument", &budget.call, &listed.id).with(|xml| xml.leaf("Document", &listed.id));
    let answer = call.send(Locale::Nb, &[]).map_err(|failure| budget.missing(failure))?;
    let content: String = answer.content.optional("Content").unwrap_or_default().split_ascii_whitespace().collect();
    let Ok(bytes) = STANDARD.decode(content) else {
        return Err(budget.missing(answer.unreadable("holds a document that is not base64")));
    };
    if bytes.len() as u64 != listed.size {
        log::warn!("a document has {} bytes and was announced with {}", bytes.len(), listed.size);
    }
    attachments::create(&name(&listed.name), &listed.media_type, &bytes).map_err(|error| match error {
        attachments::Error::Unavailable => Missing::Now(error.into()),
        attachments::Error::TooLarge => Missing::ForGood("it is over 10 MiB"),
        attachments::Error::NotFound | attachments::Error::Unsupported => {
            Missing::ForGood("its content is of a kind that the portal does not take")
        }
    })
}

/// Without path and control characters.
fn name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|character| !character.is_control()).collect();
    let plain = plain.trim();
    if plain.is_empty() { "vedlegg".to_owned() } else { clip(plain, MAX_NAME) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_path_and_is_never_empty() {
        assert_eq!(name("C:\\temp\\attest.pdf"), "attest.pdf");
        assert_eq!(name("../\u{7}"), "vedlegg");
        assert_eq!(name(&"æ".repeat(200)).chars().count(), 120);
    }
}
