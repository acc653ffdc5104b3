//! What a tool finds that nobody here wrote, and that knows of the gateway its OpenAPI document alone: `schemathesis`
//! makes requests of it, good and bad, in order and out of it, and holds every reply against it.

use std::{path::Path, process::Command};

use anyhow::{Context, ensure};
use dialog_contract::openapi;
use dialog_tests::{
    house::{House, Plan, authority, issuer::PORTAL_CLIENT},
    sim::world::{Citizen, KARI, OLA},
};
use serde_json::{Value, json};
use url::Url;

use crate::tools::from_pypi;

const CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/conformance/schemathesis.toml");
const HOOKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/conformance/hooks.py");

/// What of the document is served at a listener. Where it is served is told by the command, as this gateway has ports
/// of its own.
fn document(listener: &str) -> Value {
    let mut document = openapi::bundle().clone();
    document["servers"] = json!([{ "url": "/" }]);
    if let Some(paths) = document["paths"].as_object_mut() {
        paths.retain(|_, path| path["x-listeners"].as_array().is_some_and(|at| at.iter().any(|name| name == listener)));
        for path in paths.values_mut() {
            path.as_object_mut().map(|path| path.remove("servers"));
        }
    }
    document
}

/// Runs it at one listener of a gateway of its own.
fn nothing_is_found(
    test: &str,
    listener: &str,
    visitor: impl FnOnce(&House) -> anyhow::Result<(Url, [String; 2])>,
) -> anyhow::Result<()> {
    let tool = match from_pypi("schemathesis", "4.32.5") {
        Ok(tool) => tool,
        Err(why) => {
            eprintln!("skipped {test}: schemathesis is not installed and cannot be: {why}");
            return Ok(());
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let plan = Plan { bearer: true, ..Plan::free(folder.path(), Path::new(env!("CARGO_BIN_EXE_demo"))) };
    let mut house = runtime.block_on(House::open(plan))?;
    let (base, [token, feed]) = visitor(&house)?;
    let api = folder.path().join("openapi.json");
    std::fs::write(&api, serde_json::to_vec(&document(listener))?)?;
    let output = Command::new(tool)
        .args(["--config-file", CONFIGURATION, "run", "--no-color", "--url"])
        .arg(base.as_str().trim_end_matches('/'))
        .arg(&api)
        .current_dir(folder.path())
        .env("SCHEMATHESIS_HOOKS", HOOKS)
        .env("DIALOG_TOKEN", token)
        .env("DIALOG_FEED_TOKEN", feed)
        .env("DIALOG_CA", folder.path().join(authority::AUTHORITY_FILE))
        .env("DIALOG_CERTIFICATE", folder.path().join(authority::OPERATOR_FILE))
        .output()
        .context("schemathesis")?;
    let _ = runtime.block_on(house.kill_gateway());
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn nothing_is_found_for(test: &str, citizen: &Citizen) -> anyhow::Result<()> {
    nothing_is_found(test, "portal", |house| {
        let tokens = [house.issuer.bearer(citizen)?, house.issuer.unbound(PORTAL_CLIENT, "dialog:events")?];
        Ok((house.gateway()?.portal.clone(), tokens))
    })
}

#[test]
fn schemathesis_finds_nothing_for_a_citizen_whose_office_has_the_public_solution() -> anyhow::Result<()> {
    nothing_is_found_for("schemathesis_finds_nothing_for_a_citizen_whose_office_has_the_public_solution", &KARI)
}

#[test]
fn schemathesis_finds_nothing_for_a_citizen_whose_office_has_a_commercial_one() -> anyhow::Result<()> {
    nothing_is_found_for("schemathesis_finds_nothing_for_a_citizen_whose_office_has_a_commercial_one", &OLA)
}

#[test]
fn schemathesis_finds_nothing_at_the_operators_listener() -> anyhow::Result<()> {
    nothing_is_found("schemathesis_finds_nothing_at_the_operators_listener", "operations", |house| {
        Ok((
            house.gateway()?.operations.clone(),
            [house.issuer.unbound("operations", "dialog:operator dialog:auditor")?, String::new()],
        ))
    })
}

#[test]
fn schemathesis_finds_nothing_at_the_vendors_listener() -> anyhow::Result<()> {
    nothing_is_found("schemathesis_finds_nothing_at_the_vendors_listener", "provider", |house| {
        Ok((house.gateway()?.provider.clone(), [String::new(), String::new()]))
    })
}
