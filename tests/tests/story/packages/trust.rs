//! A vendor is no longer trusted while its plugin serves: the operator says so in one file, and nothing else has to be
//! done.

use std::time::Duration;

use anyhow::{Context, ensure};
use dialog_contract::problem::ProblemType;
use dialog_tests::{house::portal::Portal, sim::world::KARI};
use http::StatusCode;
use serde_json::{Value, json};

use super::{PLUGIN, Vendor, agreed, asks, records, serving, shown, trust};
use crate::visit::{citizen, inquiry, opened};

/// Longer than anything takes that is not broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the plugin stands so.
async fn stands(operator: &Portal, state: &str) -> anyhow::Result<Value> {
    let stands = async {
        loop {
            let plugin = shown(operator).await?.json;
            if plugin["state"] == state {
                return anyhow::Ok(plugin);
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, stands).await.with_context(|| format!("it is never {state}"))?
}

#[test]
fn a_plugin_whose_vendors_key_is_revoked_stops_and_serves_again_without_a_restart() -> anyhow::Result<()> {
    agreed(async |house| {
        let vendor = Vendor::new()?;
        let operator = serving(house, &vendor).await?;
        ensure!(asks(house).await?.status == StatusCode::CREATED);
        let leaked = json!({ "revoked": { "since": "2021-01-01T00:00:00Z", "why": "the key leaked" } });
        vendor.trusted(house, &leaked)?;
        house.gateway()?.look_again()?;
        let refused = stands(&operator, "refused").await?;
        let problem = refused["problem"].as_str().unwrap_or_default();
        ensure!(problem.contains("(the key leaked)"), "{refused}");
        ensure!(asks(house).await?.json["type"] == ProblemType::ServiceNotOffered.uri(), "it still serves");
        // Nobody else is concerned.
        opened(&citizen(house, &KARI)?, &inquiry("Når åpner dere?")).await?;
        vendor.trusted(house, &json!({}))?;
        house.gateway()?.look_again()?;
        stands(&operator, "serving").await?;
        ensure!(asks(house).await?.status == StatusCode::CREATED);
        // Nobody has to say so: a vendor who is gone from the file is noticed.
        trust(house, [])?;
        stands(&operator, "refused").await?;
        vendor.trusted(house, &json!({}))?;
        stands(&operator, "serving").await?;
        ensure!(asks(house).await?.status == StatusCode::CREATED);

        let records = records(house).await?;
        let told: Vec<(&str, &str)> = records
            .iter()
            .filter(|record| record["actor"]["role"] == "gateway" && record["details"]["plugin"] == PLUGIN)
            .filter_map(|record| {
                ensure_digest(record)?;
                Some((record["action"].as_str()?, record["details"]["reason"].as_str().unwrap_or_default()))
            })
            .collect();
        let (refuse, load) = ("plugin.refuse", "plugin.load");
        ensure!(told == [(refuse, "key-revoked"), (load, ""), (refuse, "foreign-key"), (load, "")], "{told:?}");
        Ok(())
    })
}

/// A record of what stopped, and of what serves again, says which it was.
fn ensure_digest(record: &Value) -> Option<()> {
    (record["details"]["digest"].as_str()?.len() == 64).then_some(())
}
