//! Each provider's room in the house: its back end, what the operator writes of its plugin, and what it noted.
//!
//! A provider that comes in has a file here, a [`Solution`] in the world, and an office that uses it.

pub mod besoklegen;
pub mod cgm_eportal;
pub mod ddfl;
pub mod helserespons;
pub mod kry;
pub mod pasientsky;

use serde_json::{Value, json};
use url::Url;

pub use self::{
    besoklegen::Besoklegen, cgm_eportal::CgmEportal, ddfl::Ddfl, helserespons::Helserespons, kry::Kry,
    pasientsky::Pasientsky,
};
use crate::{
    sim::world::{Office, Solution},
    trial::Trial,
};

/// A provider, as the house sees one.
pub trait Room: Send + Sync {
    /// Whose it is.
    fn solution(&self) -> Solution;

    /// The files that the configuration names, for the gateway's eyes alone: name and content.
    fn secrets(&self) -> Vec<(&'static str, String)>;

    /// The plugin's table in the configuration; the house adds the package.
    fn table(&self) -> Value;

    /// The gateway listens to providers here: for those that push.
    fn gateway_listens(&self, _: &Url) -> anyhow::Result<()> {
        Ok(())
    }

    /// Whom the plugin is tried with before the conformance checks, and the people there.
    fn trial(&self) -> Trial;

    /// What the back end noted against the gateway.
    fn violations(&self) -> Vec<String>;
}

/// What an office agreed with a provider.
#[must_use]
pub fn settings(office: &Office, solution: Solution) -> Value {
    match solution {
        Solution::CgmEportal => cgm_eportal::settings(office),
        Solution::Ddfl => ddfl::settings(office),
        Solution::Helserespons => helserespons::settings(office),
        Solution::Besoklegen => besoklegen::settings(office),
        Solution::Pasientsky => pasientsky::settings(office),
        Solution::Kry => kry::settings(office),
    }
}

/// What every plugin here is granted.
fn grant() -> Value {
    json!({
        "capabilities": ["upstream", "state", "clock", "log", "attachments"],
        "national-identity-number": true,
    })
}
