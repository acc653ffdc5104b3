//! System X (Hove): written appointment requests, formatted answers, and one answer code for two answers.

use super::Epj;
use crate::sim::meldingstjener::answer::Meaning;
use crate::sim::meldingstjener::codes::{ANSWER, Code, Process, answer};
use crate::sim::meldingstjener::style::{ReceiptVersion, Style};
use crate::sim::meldingstjener::tree::Written;

/// No direct booking, free-text renewal only; XHTML; `dtend` before `dtstart`.
#[derive(Debug)]
pub(super) struct SystemX;

static STYLE: Style = Style {
    product: "System X",
    encoding: Written::Utf8,
    receipts: ReceiptVersion::V1_1,
    xhtml: true,
    end_first: true,
    trailing_blank: false,
    old_attachments: false,
    signs: false,
    organisation_number: false,
    local_time: false,
};

impl Epj for SystemX {
    fn style(&self) -> &Style {
        &STYLE
    }

    fn processes(&self) -> &'static [(Process, (u8, u8))] {
        &[
            (Process::Timeonske, (1, 2)),
            (Process::Reseptfornyelse, (1, 2)),
            (Process::Ekonsultasjon, (1, 2)),
            (Process::Ekontakt, (1, 2)),
            (Process::Avtaleutsending, (1, 0)),
            (Process::Test, (1, 1)),
            (Process::Helsepersonell, (1, 1)),
        ]
    }

    fn code(&self, process: Process, meaning: Meaning) -> Code {
        // The code of an answered e-consultation under the name of an answered contact: as some real systems
        // do with other pairs of codes, only the process tells the two apart.
        if process == Process::Ekontakt && matches!(meaning, Meaning::Reply | Meaning::Advice) {
            return Code { value: "12".to_owned(), system: ANSWER.to_owned(), name: "Svar på henvendelse".to_owned() };
        }
        answer(meaning.code(process))
    }

    fn notices(&self) -> Option<Process> {
        Some(Process::Avtaleutsending)
    }
}
