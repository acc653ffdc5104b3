//! A plugin with all that it needs to be checked.

use std::{path::PathBuf, sync::Arc};

use dialog_contract::{
    dialog::Clinician,
    provider::{Citizen, Office},
};
use dialog_host::PluginConfig;
use serde_json::Value;

use crate::{Stage, Topic};

/// What is checked.
pub struct Subject {
    /// The component, as it is shipped.
    pub component: Vec<u8>,
    /// What the operator grants and binds.
    pub config: PluginConfig,
    /// Where compiled plugins are kept.
    pub cache: PathBuf,
    /// An office that uses it.
    pub office: Office,
    /// What the office agreed, by the manifest's schema.
    pub settings: Value,
    /// The citizen's GP there.
    pub clinician: Option<Clinician>,
    /// A citizen on the GP's list.
    pub citizen: Citizen,
    /// Another, who may act for the first.
    pub other: Citizen,
    /// What the office agreed with the vendor: which of the plugin's services it uses, and in which forms.
    pub agreed: Vec<Topic>,
    /// The vendor's side.
    pub stage: Arc<dyn Stage>,
}
