//! CGM Allmenn: e-consultation, contact and test in their first versions, written the old way.

use super::Epj;
use crate::sim::meldingstjener::answer::Meaning;
use crate::sim::meldingstjener::codes::{Code, Process, answer};
use crate::sim::meldingstjener::style::{ReceiptVersion, Style};
use crate::sim::meldingstjener::tree::Written;
use crate::sim::world::Office;

/// ISO-8859-1, AppRec 1.0, trailing blanks, `image/jpg`; nobody may act for another.
#[derive(Debug)]
pub(super) struct CgmAllmenn;

static STYLE: Style = Style {
    product: "CGM Allmenn",
    encoding: Written::Latin1,
    receipts: ReceiptVersion::V1_0,
    xhtml: false,
    end_first: false,
    trailing_blank: true,
    old_attachments: true,
    signs: false,
    organisation_number: true,
    local_time: true,
};

impl Epj for CgmAllmenn {
    fn style(&self) -> &Style {
        &STYLE
    }

    fn processes(&self) -> &'static [(Process, (u8, u8))] {
        &[(Process::Ekonsultasjon, (1, 1)), (Process::Ekontakt, (1, 1)), (Process::Test, (1, 1))]
    }

    fn code(&self, process: Process, meaning: Meaning) -> Code {
        // Its advice leaves the dialog open.
        let meaning = if meaning == Meaning::Advice { Meaning::Reply } else { meaning };
        answer(meaning.code(process))
    }

    fn sender(&self, office: &Office) -> u32 {
        office.service_her_id
    }

    fn notices(&self) -> Option<Process> {
        None
    }
}
