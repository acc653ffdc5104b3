//! Infodoc Plenario: every process, the newest versions, by the guide.

use super::Epj;
use crate::sim::meldingstjener::codes::Process;
use crate::sim::meldingstjener::style::{ReceiptVersion, Style};
use crate::sim::meldingstjener::tree::Written;

/// Direct booking and M1; AppRec 1.1; the doctor's name on every answer.
#[derive(Debug)]
pub(super) struct Plenario;

static STYLE: Style = Style {
    product: "Infodoc Plenario",
    encoding: Written::Utf8,
    receipts: ReceiptVersion::V1_1,
    xhtml: false,
    end_first: false,
    trailing_blank: false,
    old_attachments: false,
    signs: true,
    organisation_number: true,
    local_time: false,
};

impl Epj for Plenario {
    fn style(&self) -> &Style {
        &STYLE
    }

    fn processes(&self) -> &'static [(Process, (u8, u8))] {
        &[
            (Process::Timereservasjon, (1, 2)),
            (Process::Timeonske, (1, 2)),
            (Process::Reseptfornyelse, (1, 3)),
            (Process::Ekonsultasjon, (1, 2)),
            (Process::Ekontakt, (1, 2)),
            (Process::Behandleroversikt, (1, 0)),
            (Process::Digitalbruker, (1, 1)),
            (Process::Test, (1, 1)),
            (Process::Helsepersonell, (1, 1)),
        ]
    }

    fn notices(&self) -> Option<Process> {
        Some(Process::Timereservasjon)
    }
}
