//! What the office agreed (settings) and what the operator set (installation).

use std::str::FromStr as _;

use dialog_plugin_sdk::{Failure, Sent};
use serde::Deserialize;

use crate::message::{HerId, Process, Support, Version};
use crate::write::Unit;
use crate::write::request::limit;

/// Settings of an office, checked against the manifest's schema before they come here.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// What the office's record system supports, as the address register lists it:
    /// `DIALOG_INNBYGGER_EKONSULTASJON@1.2`.
    pub processes: Vec<String>,
    /// Characters that a text may have.
    #[serde(default = "text_limit")]
    pub text_limit: usize,
    /// The office's clinicians, so that answers can name them.
    #[serde(default)]
    pub clinicians: Vec<Colleague>,
}

/// A clinician of the office.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Colleague {
    /// HPR number.
    pub hpr_number: u32,
    /// HER-id (level 2).
    pub her_id: u32,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
}

const fn text_limit() -> usize {
    limit::TEXT
}

impl Settings {
    /// The version of a process that the record system supports; none where it does not.
    #[must_use]
    pub fn version(&self, process: Process) -> Option<Version> {
        self.processes
            .iter()
            .filter_map(|text| Support::from_str(text).ok())
            .filter(|support| support.process == process)
            .map(|support| support.version)
            .max()
    }
}

/// What the operator set for this installation.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Installation {
    /// The portal as an organisation (level 1) in the address register.
    pub organisation: Registered,
    /// The portal as a communication party (level 2): where offices send their answers.
    pub party: Registered,
    /// Hours without an application receipt after which a message counts as refused.
    #[serde(default = "receipt_hours")]
    pub receipt_hours: u32,
}

/// An entry of the address register.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Registered {
    /// Name.
    pub name: String,
    /// HER-id.
    pub her_id: u32,
}

const fn receipt_hours() -> u32 {
    96
}

impl Registered {
    /// As messages name it.
    ///
    /// # Errors
    /// The HER-id is not one.
    pub fn unit(&self) -> Result<Unit, Failure> {
        let her_id = HerId::new(self.her_id)
            .ok_or_else(|| Failure::faulty(Sent::No, "the installation has a HER-id that is not one"))?;
        Ok(Unit { name: self.name.clone(), her_id })
    }
}
