//! The three record systems (EPJ) behind Meldingstjener: what each supports and how each writes.

mod cgm_allmenn;
mod plenario;
mod system_x;

use super::answer::Meaning;
use super::codes::{Code, Process, answer};
use super::style::Style;
use crate::sim::world::{Office, RecordSystem};
use std::fmt::Debug;

/// A record system. It has no state: that is its office's.
pub trait Epj: Debug + Send + Sync {
    /// How it writes.
    fn style(&self) -> &Style;

    /// The processes that it supports, with their versions (major, minor).
    fn processes(&self) -> &'static [(Process, (u8, u8))];

    /// The code under which it sends an answer of this meaning.
    fn code(&self, process: Process, meaning: Meaning) -> Code {
        answer(meaning.code(process))
    }

    /// The communication party that opens a dialog on the doctor's behalf.
    fn sender(&self, office: &Office) -> u32 {
        office.gps.first().map_or(office.service_her_id, |gp| gp.her_id)
    }

    /// The process in which it tells of appointments; `None` where it does not.
    fn notices(&self) -> Option<Process>;

    /// The version of a process that it supports.
    fn version(&self, process: Process) -> Option<(u8, u8)> {
        self.processes().iter().find(|(supported, _)| *supported == process).map(|(_, version)| *version)
    }
}

/// The record system of this name.
pub fn epj(system: RecordSystem) -> &'static dyn Epj {
    match system {
        RecordSystem::Plenario => &plenario::Plenario,
        RecordSystem::SystemX => &system_x::SystemX,
        RecordSystem::CgmAllmenn => &cgm_allmenn::CgmAllmenn,
    }
}
