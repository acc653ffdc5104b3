//! Says whether a component conforms: the rules that the gateway applies at install, and some that it leaves to sense.
//!
//! Floor plan
//! - [`check`]: a file's bytes → a [`Report`]
//! - `surface`: what a component imports, exports and carries, read without running it

mod surface;

use std::{fmt, fs::File, io, io::Read, path::Path};

use dialog_contract::{
    manifest::{BYTES, CONTRACT, Manifest, SECTION},
    package::{
        self,
        envelope::Envelope,
        statement::{Statement, digest},
    },
    provider::{Capability, Interface},
    service::Service,
};
use serde::Serialize;

use crate::contract;

/// Largest component in bytes, as the gateway takes it by default: one with a JavaScript engine in it is about 12 MiB.
pub const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// Bytes above which a component is likely to carry what it does not need.
const USUAL_BYTES: u64 = 2 * 1024 * 1024;

/// How a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The gateway takes it; a person should look.
    Warning,
    /// The gateway refuses it.
    Error,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How it weighs.
    pub level: Level,
    /// The rule: `component`, `size`, `imports`, `exports`, `functions`, `manifest`, `services`, `upstreams` or
    /// `signature`.
    pub rule: &'static str,
    /// What is wrong, with its name.
    pub message: String,
}

/// What a component is, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Nothing is wrong that the gateway refuses.
    pub conforms: bool,
    /// SHA-256 of the component, its signature left out, lower-case hexadecimal.
    pub digest: String,
    /// In bytes.
    pub size: u64,
    /// What it asks of the gateway, in the contract's order.
    pub imports: Vec<Capability>,
    /// What it serves, in the contract's order.
    pub exports: Vec<Interface>,
    /// What it says of itself, where that can be read.
    pub manifest: Option<Manifest>,
    /// The keys that its signature names, by their ids; none where it is not signed. Whether they are whose they should
    /// be, the gateway knows, which has their public halves.
    pub signed_by: Vec<String>,
    /// The worst first.
    pub findings: Vec<Finding>,
}

/// Reads a file, and no more of it than is looked at.
///
/// # Errors
/// Where it cannot be read, or is longer than any component may be.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte over the limit shows that there is more.
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("over the limit of {MAX_BYTES} bytes")));
    }
    Ok(bytes)
}

/// Checks the bytes of a file.
pub fn check(bytes: &[u8]) -> Report {
    let mut findings = Findings::default();
    let size = bytes.len() as u64;
    let (component, envelope) = match package::open(bytes) {
        Ok(opened) => (opened.component, opened.envelope),
        Err(error) => {
            findings.error("signature", error.to_string());
            (bytes, None)
        }
    };
    let mut report = Report {
        conforms: false,
        digest: digest(component),
        size,
        imports: Vec::new(),
        exports: Vec::new(),
        manifest: None,
        signed_by: Vec::new(),
        findings: Vec::new(),
    };
    if size > MAX_BYTES {
        findings.error("size", format!("{size} bytes, over the limit of {MAX_BYTES}"));
    } else {
        match surface::read(component) {
            Ok(surface) => examine(component, surface, &mut report, &mut findings),
            Err(why) => findings.error("component", why),
        }
        if let Some(envelope) = envelope {
            signature(&envelope, &mut report, &mut findings);
        }
    }
    report.findings = findings.0;
    report.findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    report.conforms = !report.findings.iter().any(|finding| finding.level == Level::Error);
    report
}

/// What can be known of a signature without the public keys: whether it speaks of this component.
fn signature(envelope: &Envelope, report: &mut Report, findings: &mut Findings) {
    report.signed_by =
        envelope.keys().map(|key| key.chars().filter(char::is_ascii_graphic).take(80).collect()).collect();
    let statement = match Statement::read(envelope) {
        Ok(statement) => statement,
        Err(error) => return findings.error("signature", error.to_string()),
    };
    if !statement.is_about(&report.digest) {
        findings.error("signature", "is about another component: this one was changed after it was signed".to_owned());
    }
    let said = &statement.predicate;
    if let Some(manifest) = &report.manifest
        && (said.plugin != manifest.id || said.version != manifest.version)
    {
        let (id, version) = (&manifest.id, &manifest.version);
        findings.error("signature", format!("is for {} {}, and this is {id} {version}", said.plugin, said.version));
    }
}

fn examine(bytes: &[u8], surface: surface::Surface, report: &mut Report, findings: &mut Findings) {
    if report.size > USUAL_BYTES {
        findings.warning(
            "size",
            format!("{} bytes; is it built in release mode, with debug information stripped?", report.size),
        );
    }
    for name in &surface.foreign_imports {
        findings.error("imports", format!("imports {name}, which is not in the contract"));
    }
    for name in &surface.foreign_exports {
        findings.error("exports", format!("exports {name}, which is not in the contract"));
    }
    if surface.exports.is_empty() {
        findings.error("exports", "exports no interface of the contract: no export macro was called".to_owned());
    }
    report.imports = surface.imports.into_iter().collect();
    report.exports = surface.exports.into_iter().collect();
    // With foreign names the worlds cannot fit; saying so once is enough.
    if surface.foreign_imports.is_empty() {
        for interface in &report.exports {
            if let Err(why) = contract::conforms(bytes, *interface) {
                findings.error("functions", format!("{interface} is not as {CONTRACT} has it: {why}"));
            }
        }
    }
    match &surface.manifests[..] {
        [] => findings.error("manifest", format!("has no custom section `{SECTION}`")),
        [section] => match Manifest::read(section, BYTES) {
            Ok(manifest) => report.manifest = Some(manifest),
            Err(why) => why.lines().into_iter().for_each(|line| findings.error("manifest", line)),
        },
        more => findings.error("manifest", format!("has {} custom sections `{SECTION}`", more.len())),
    }
    if let Some(manifest) = &report.manifest {
        if let Err(why) = manifest.check_exports(&report.exports) {
            why.lines().into_iter().for_each(|line| findings.error("services", line));
        }
        doubts(manifest, report, findings);
    }
}

/// What the gateway takes, and what a vendor hardly means.
fn doubts(manifest: &Manifest, report: &Report, findings: &mut Findings) {
    let exports = |interface| report.exports.contains(&interface);
    if exports(Interface::Dialogs) && manifest.services.is_empty() {
        findings.warning(
            "services",
            "exports `dialogs`, and the manifest promises no service: no office can choose it".into(),
        );
    }
    if exports(Interface::Appointments) && !manifest.services.contains(&Service::Appointment) {
        findings.warning("services", "exports `appointments`, and the manifest does not promise `appointment`".into());
    }
    if exports(Interface::Prescriptions) && !manifest.services.contains(&Service::PrescriptionRenewal) {
        findings.warning(
            "services",
            "exports `prescriptions`, and the manifest does not promise `prescription-renewal`".into(),
        );
    }
    let asks = report.imports.contains(&Capability::Upstream);
    if asks && manifest.upstreams.is_empty() {
        findings.warning(
            "upstreams",
            "imports `upstream`, and the manifest names none: every request will be refused".into(),
        );
    }
    if !asks && !manifest.upstreams.is_empty() {
        findings.warning("upstreams", "names upstreams, and does not import `upstream`".into());
    }
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, rule: &'static str, message: String) {
        self.0.push(Finding { level: Level::Error, rule, message });
    }

    fn warning(&mut self, rule: &'static str, message: String) {
        self.0.push(Finding { level: Level::Warning, rule, message });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(manifest) = &self.manifest {
            writeln!(f, "{} {}, {} ({})", manifest.id.as_str(), manifest.version, manifest.name, manifest.kind)?;
        }
        writeln!(f, "  size      {} bytes", self.size)?;
        writeln!(f, "  digest    sha256:{}", self.digest)?;
        writeln!(f, "  signed by {}", listed(&self.signed_by))?;
        writeln!(f, "  exports   {}", listed(&self.exports))?;
        writeln!(f, "  imports   {}", listed(&self.imports))?;
        if let Some(manifest) = &self.manifest {
            let upstreams: Vec<&str> = manifest.upstreams.iter().map(|upstream| upstream.name.as_str()).collect();
            writeln!(f, "  services  {}", listed(&manifest.services))?;
            writeln!(f, "  upstreams {}", listed(&upstreams))?;
            let asks = if manifest.national_identity_number { "asks for it" } else { "does not ask for it" };
            writeln!(f, "  national identity number: {asks}")?;
        }
        for finding in &self.findings {
            let level = match finding.level {
                Level::Error => "error",
                Level::Warning => "warning",
            };
            writeln!(f, "{level}[{}]: {}", finding.rule, finding.message)?;
        }
        f.write_str(if self.conforms { "conforms" } else { "does not conform" })
    }
}

fn listed<T: fmt::Display>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn found(wat: &str) -> String {
        let report = check(&wat::parse_str(wat).unwrap());
        assert!(!report.conforms, "{report}");
        report.to_string()
    }

    #[test]
    fn each_broken_rule_is_told_by_name() {
        for (wat, told) in [
            ("(module)", "error[component]: it is a core module, not a component"),
            ("(component)", "error[exports]: exports no interface of the contract"),
            ("(component)", "error[manifest]: has no custom section `dialog-manifest`"),
            (
                r#"(component (import "wasi:cli/environment@0.2.0" (instance)))"#,
                "error[imports]: imports wasi:cli/environment@0.2.0, which is not in the contract",
            ),
            (
                r#"(component (import "dialog:provider/upstream@2.0.0" (instance)))"#,
                "error[imports]: imports dialog:provider/upstream@2.0.0",
            ),
            (
                r#"(component (instance $i) (export "wasi:cli/run@0.2.0" (instance $i)))"#,
                "error[exports]: exports wasi:cli/run@0.2.0, which is not in the contract",
            ),
            (
                r#"(component (instance $i) (export "dialog:provider/dialogs@1.0.0" (instance $i)))"#,
                "error[functions]: dialogs is not as dialog:provider@1.0.0 has it",
            ),
            (
                r#"(component (@custom "dialog-manifest" "{}") (@custom "dialog-manifest" "{}"))"#,
                "error[manifest]: has 2 custom sections",
            ),
            (r#"(component (@custom "dialog-manifest" "{"))"#, "error[manifest]: the manifest is not JSON"),
            (r#"(component (@custom "dialog-manifest" "{}"))"#, "error[manifest]: /id: is missing"),
        ] {
            let report = found(wat);
            assert!(report.contains(told), "{told}\n{report}");
        }
    }

    #[test]
    fn what_is_not_webassembly_is_said_to_be_that() {
        let report = check(b"#!/bin/sh\n");
        assert!(!report.conforms);
        assert_eq!(report.findings[0].rule, "component");
    }

    #[test]
    fn a_file_over_the_limit_is_not_looked_at() {
        let report = check(&vec![0; MAX_BYTES as usize + 1]);
        assert_eq!(report.findings.len(), 1);
        assert_eq!(report.findings[0].rule, "size");
    }

    #[test]
    fn a_nested_component_does_not_speak_for_the_whole() {
        let report = found(
            r#"(component (component (import "wasi:cli/environment@0.2.0" (instance)) (@custom "dialog-manifest" "{}")))"#,
        );
        assert!(!report.contains("wasi") && report.contains("has no custom section"), "{report}");
    }
}
