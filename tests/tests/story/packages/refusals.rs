//! What is not taken: each with a reason of its own, with what to do, and with a record; the version before serves on.

use anyhow::{Context, ensure};
use dialog_contract::{
    package::{self, statement::digest},
    problem::ProblemType,
};
use http::StatusCode;
use serde_json::{Value, json};

use super::{PLUGIN, Vendor, agreed, asks, component, install, record, records, serving, shown};
use crate::visit::marked;

/// A package, who stands for it, and what is said of it.
struct Refused {
    what: &'static str,
    file: Vec<u8>,
    /// What the operator's file says of the vendor.
    trusted: Option<Value>,
    problem: ProblemType,
    reason: &'static str,
    /// What to do.
    advice: &'static str,
}

/// Each kind of package that must not be taken.
fn all(vendor: &Vendor) -> anyhow::Result<Vec<Refused>> {
    let good = vendor.package("1.1.0", &json!({}))?;
    let mut tampered = good.clone();
    let at = tampered.windows(5).position(|window| window == b"1.1.0").context("the version in the manifest")?;
    tampered[at + 4] = b'9';
    let mut behind = good.clone();
    package::section::append(&mut behind, "more", b"code");
    let types = "(type (func))".repeat(20_000);
    let complex = with_signature(vendor, wat::parse_str(format!("(component {types})"))?)?;
    let large = vec![0; (32 << 20) + 1];
    let entry = |with: Value| Some(vendor.entry(&with));
    let refused = |what, file: &[u8], trusted, reason, advice| Refused {
        what,
        file: file.to_vec(),
        trusted,
        problem: ProblemType::PackageRefused,
        reason,
        advice,
    };
    let trusted = || entry(json!({}));
    Ok(vec![
        refused(
            "unsigned",
            &component("1.1.0", &json!({}))?,
            trusted(),
            "unsigned",
            "ask its vendor for a signed package",
        ),
        refused("tampered", &tampered, trusted(), "tampered", "ask its vendor for the package anew"),
        refused("continued", &behind, trusted(), "tampered", "ask its vendor for the package anew"),
        refused("foreign", &good, None, "foreign-key", "add the vendor's key if it is the vendor's"),
        refused(
            "for another plugin",
            &good,
            entry(json!({ "plugins": ["another"] })),
            "other-plugin",
            "name bystander with the key if it may",
        ),
        refused(
            "expired",
            &good,
            entry(json!({ "notAfter": "2021-01-01T00:00:00Z" })),
            "key-expired",
            "ask for a package that is signed with a new key",
        ),
        refused(
            "early",
            &good,
            entry(json!({ "notBefore": "2099-01-01T00:00:00Z" })),
            "key-not-yet-valid",
            "install it then",
        ),
        refused(
            "revoked",
            &good,
            entry(json!({ "revoked": { "since": "2021-01-01T00:00:00Z", "why": "the key leaked" } })),
            "key-revoked",
            "(the key leaked)",
        ),
        refused(
            "downgraded",
            &vendor.package("0.9.0", &json!({}))?,
            trusted(),
            "downgraded",
            "go back with `rollback`",
        ),
        refused("cut off", &good[..good.len() / 2], trusted(), "not-a-plugin", "`dialog-plugin check`"),
        refused(
            "a program",
            b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",
            trusted(),
            "not-a-plugin",
            "`dialog-plugin check`",
        ),
        refused("complex", &complex, trusted(), "too-complex", "ask its vendor for a smaller one"),
        Refused {
            problem: ProblemType::TooLarge,
            ..refused("large", &large, trusted(), "too-large", "`component-bytes`")
        },
    ])
}

/// Signed as it is: also what no kit would sign.
fn with_signature(vendor: &Vendor, component: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    let said = package::statement::Claims {
        plugin: PLUGIN.parse()?,
        version: "1.1.0".to_owned(),
        contract: dialog_contract::manifest::CONTRACT.to_owned(),
    };
    Ok(package::sign(&component, said, &vendor.0)?)
}

#[test]
fn each_package_that_is_not_taken_is_refused_for_its_own_reason_and_the_version_before_serves_on() -> anyhow::Result<()>
{
    agreed(async |house| {
        // Two keys of one vendor: what serves is by one that is always trusted, what comes in by the other.
        let (steady, vendor) = (Vendor::new()?, Vendor::new()?);
        let operator = serving(house, &steady).await?;
        let mut replies = Vec::new();
        for one in all(&vendor)? {
            super::trust(house, one.trusted.clone().into_iter().chain([steady.entry(&json!({}))]))?;
            let reply = install(&operator, one.file.clone()).refused(one.problem).await;
            let reply = reply.with_context(|| one.what)?;
            marked(&reply.headers)?;
            ensure!(reply.json["reason"] == one.reason, "{}: {}", one.what, reply.json);
            ensure!(reply.text("/detail")?.contains(one.advice), "{}: {}", one.what, reply.json);
            replies.push((one, reply));
        }
        let shown = shown(&operator).await?;
        ensure!(shown.json["current"]["version"] == "1.0.0" && shown.json["waiting"].is_null(), "{}", shown.json);
        ensure!(asks(house).await?.status == StatusCode::CREATED, "it no longer serves");

        let records = records(house).await?;
        for (one, reply) in &replies {
            let record = record(&records, reply)?;
            let details = &record["details"];
            ensure!(record["kind"] == "plugin" && details["reason"] == one.reason, "{}: {record}", one.what);
            ensure!(record["actor"] == json!({ "role": "operator", "client": "operations" }), "{record}");
            // It is not read to its end.
            if one.reason == "too-large" {
                continue;
            }
            ensure!(details["file"] == digest(&one.file).as_str(), "{}: {record}", one.what);
            ensure!(details["refused"] == "plugin.install", "{}: {record}", one.what);
            // A component is known by its own digest, whoever signed it; what is none has no other than the file's.
            if let Ok(opened) = package::open(&one.file)
                && !["not-a-plugin", "too-complex"].contains(&one.reason)
            {
                ensure!(details["digest"] == digest(opened.component).as_str(), "{}: {record}", one.what);
                ensure!(details["plugin"] == PLUGIN, "{}: {record}", one.what);
            }
        }
        Ok(())
    })
}
