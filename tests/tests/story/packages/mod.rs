//! Packages end to end: a vendor signs, an operator installs over the operations API, a citizen is served, and the audit
//! log tells all of it.
//!
//! - [`upgrades`]: installed, upgraded, granted, rolled back, while citizens are served.
//! - [`refusals`]: what is not taken, each for its own reason.
//! - [`trust`]: a vendor is no longer trusted while its plugin serves.

mod refusals;
mod trust;
mod upgrades;

use std::{path::PathBuf, sync::OnceLock};

use anyhow::Context;
use dialog_audit::{Reader, VerifierKeys};
use dialog_contract::{
    manifest::{CONTRACT, SECTION},
    package::{
        self,
        key::{Algorithm, SigningKey},
        section,
        statement::Claims,
    },
};
use dialog_tests::{
    house::{
        House, plugins,
        portal::{Call, Portal, Reply},
    },
    sim::world::{self, LEILA},
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::visit::{arranged, citizen, inquiry, operator};

/// The plugin of all these tests.
const PLUGIN: &str = "bystander";

/// What it imports.
fn imports() -> Value {
    json!({ "capabilities": ["state", "log"], "nationalIdentityNumber": false })
}

/// A vendor with a key.
struct Vendor(SigningKey);

impl Vendor {
    fn new() -> anyhow::Result<Self> {
        Ok(Self(SigningKey::generate(Algorithm::EcdsaP256)?))
    }

    /// A package of this version, with this changed in its manifest.
    fn package(&self, version: &str, with: &Value) -> anyhow::Result<Vec<u8>> {
        let said = Claims { plugin: PLUGIN.parse()?, version: version.to_owned(), contract: CONTRACT.to_owned() };
        Ok(package::sign(&component(version, with)?, said, &self.0)?)
    }

    /// The vendor's entry in the operator's file, with this beside or instead.
    fn entry(&self, with: &Value) -> Value {
        let mut entry = json!({
            "id": self.0.public().id(), "publicKey": self.0.public(), "vendor": "Bystander AS", "plugins": [PLUGIN],
            "notBefore": "2020-01-01T00:00:00Z", "notAfter": "2100-01-01T00:00:00Z",
        });
        entry.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        entry
    }

    /// The operator trusts the vendor beside those of the house; or with this beside or instead.
    fn trusted(&self, house: &House, with: &Value) -> anyhow::Result<()> {
        trust(house, [self.entry(with)])
    }
}

/// Writes the operator's file: the vendors of the house, and these.
fn trust(house: &House, entries: impl IntoIterator<Item = Value>) -> anyhow::Result<()> {
    let path = house.folder().join("trust.json");
    let mut file: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    let keys = file["keys"].as_array_mut().context("a list of keys")?;
    keys.retain(|key| key["vendor"] != "Bystander AS");
    keys.extend(entries);
    // Whole or not at all, as an operator's tool would.
    let draft = path.with_extension("draft");
    std::fs::write(&draft, file.to_string())?;
    Ok(std::fs::rename(draft, path)?)
}

/// The component as its vendor builds it, of this version, with this changed in its manifest.
fn component(version: &str, with: &Value) -> anyhow::Result<Vec<u8>> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let guests = plugins::guests().map_err(|error| format!("{error:#}"))?;
        let found = guests.into_iter().find(|(id, _)| id == PLUGIN);
        found.map(|(_, file)| file).ok_or_else(|| "there is no such guest".to_owned())
    });
    let file = std::fs::read(built.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?)?;
    let found = section::find(&file, SECTION).context("no manifest")?;
    let mut manifest: Value = serde_json::from_slice(found.content)?;
    manifest["version"] = json!(version);
    manifest.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    let mut changed = [&file[..found.start], &file[found.end..]].concat();
    section::append(&mut changed, SECTION, manifest.to_string().as_bytes());
    Ok(changed)
}

/// A house in which Leila's office has its inquiries from the vendor.
fn agreed(test: impl AsyncFnOnce(&mut House) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let arrange = |directory: &mut Value| {
        let office = world::office(LEILA.office_her_id).unwrap().service_her_id;
        directory["providers"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "id": PLUGIN, "name": "Bystander AS", "kind": "commercial" }));
        for agreement in directory["agreements"].as_array_mut().unwrap() {
            if agreement["office"] == office && agreement["service"] == "inquiry" {
                agreement["plugin"] = json!(PLUGIN);
                agreement["settings"] = json!({});
            }
        }
    };
    arranged(arrange, test)
}

fn install(operator: &Portal, package: Vec<u8>) -> Call {
    operator.call(Method::POST, "/v1/plugins", &[]).header("content-type", "application/wasm").body(package)
}

fn change(operator: &Portal, template: &'static str, asks: &Value) -> Call {
    operator.call(Method::POST, template, &[PLUGIN]).header("content-type", "application/json").body(asks.to_string())
}

fn grant(operator: &Portal, asks: &Value) -> Call {
    change(operator, "/v1/plugins/{plugin}/grants", asks)
}

async fn shown(operator: &Portal) -> anyhow::Result<Reply> {
    operator.get("/v1/plugins/{plugin}", &[PLUGIN]).expect(StatusCode::OK).await
}

/// A citizen asks; what the gateway answers.
async fn asks(house: &House) -> anyhow::Result<Reply> {
    citizen(house, &LEILA)?.post("/v1/me/dialogs", &[], &inquiry("Når åpner dere?")).send().await
}

/// An installed plugin that serves.
async fn serving(house: &House, vendor: &Vendor) -> anyhow::Result<Portal> {
    vendor.trusted(house, &json!({}))?;
    let operator = operator(house)?;
    install(&operator, vendor.package("1.0.0", &json!({}))?).expect(StatusCode::CREATED).await?;
    let granted = grant(&operator, &imports()).expect(StatusCode::OK).await?;
    anyhow::ensure!(granted.json["state"] == "serving", "{}", granted.json);
    Ok(operator)
}

/// Stops the gateway and reads its log.
async fn records(house: &mut House) -> anyhow::Result<Vec<Value>> {
    house.stop_gateway().await?;
    let key = dialog_audit::SigningKey::read(&house.folder().join("audit.key"))?;
    let reader = Reader::open(&house.audit(), &VerifierKeys::of([&key])?)?;
    reader.entries(0..reader.checkpoint().size).map(|entry| Ok(serde_json::from_slice(&entry?.data)?)).collect()
}

/// The record that a reply names.
fn record<'a>(records: &'a [Value], reply: &Reply) -> anyhow::Result<&'a Value> {
    records.get(usize::try_from(reply.record()?)?).context("no such record")
}
