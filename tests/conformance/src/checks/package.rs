//! The file: what it says of itself, asks for and exports.

use dialog_contract::provider::{Capability, Interface};

use crate::{
    Topic,
    check::{Check, Checked, holds},
    run::Run,
};

/// Compiled and kept by every gateway; the largest here are below a third of it.
const LARGEST: usize = 4 << 20;

pub(super) fn checks() -> Vec<Check> {
    let check = |id, title, play: fn(&Run) -> Checked| {
        Check::new(Topic::Package, id, title, move |run| Box::pin(std::future::ready(play(run))))
    };
    vec![
        check("small", "it is at most 4 MiB", |run| {
            let size = run.subject.component.len();
            holds(size <= LARGEST, || format!("it is {size} bytes"))
        }),
        check("asks-for-what-it-uses", "a remote system is named where one can be reached, and only there", |run| {
            let imports = run.package.imports.contains(&Capability::Upstream);
            holds(imports != run.package.manifest.upstreams.is_empty(), || {
                format!("upstream imported: {imports}, upstreams named: {}", run.package.manifest.upstreams.len())
            })
        }),
        check("hears-back", "whoever takes written services has a way for answers to come", |run| {
            let exports = &run.package.exports;
            let written = exports.contains(&Interface::Dialogs);
            holds(!written || exports.contains(&Interface::Inbound), || "dialogs without inbound".to_owned())
        }),
        check("settings-are-closed", "an office's settings with an unknown key are refused", |run| {
            let schema = &run.package.manifest.settings_schema;
            holds(schema["additionalProperties"] == false, || "its schema lets unknown keys pass".to_owned())
        }),
        check("agreed-is-offered", "what the office agreed is in the manifest", |run| {
            let named = &run.package.manifest.services;
            let missing: Vec<_> = run
                .subject
                .agreed
                .iter()
                .filter(|topic| topic.service().is_some_and(|service| !named.contains(&service)))
                .map(|topic| topic.name())
                .collect();
            holds(missing.is_empty(), || format!("not named: {}", missing.join(", ")))
        }),
    ]
}

/// After everything else.
pub(super) fn last() -> Check {
    Check::new(Topic::Package, "keeps-the-vendors-rules", "nothing that it sent broke the rules of the vendor", |run| {
        Box::pin(async move {
            let violations = run.stage().violations().await;
            holds(violations.is_empty(), || violations.join("; "))
        })
    })
}
