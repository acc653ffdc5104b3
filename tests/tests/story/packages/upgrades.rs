//! A package from its vendor to its citizens: signed, installed, upgraded while they are served, granted, rolled back.

use anyhow::ensure;
use dialog_contract::problem::ProblemType;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{PLUGIN, Vendor, agreed, asks, change, grant, imports, install, record, records, serving, shown};
use crate::visit::{citizen, inquiry, operator};
use dialog_tests::sim::world::LEILA;

#[test]
fn a_signed_package_is_installed_and_an_upgrade_that_asks_for_more_waits_while_the_version_before_serves()
-> anyhow::Result<()> {
    agreed(async |house| {
        let vendor = Vendor::new()?;
        ensure!(asks(house).await?.json["type"] == ProblemType::ServiceNotOffered.uri(), "there is a plugin already");
        vendor.trusted(house, &json!({}))?;
        let operator = operator(house)?;
        let installed = install(&operator, vendor.package("1.0.0", &json!({}))?).expect(StatusCode::CREATED).await?;
        ensure!(installed.json["waiting"]["asks"] == imports(), "{}", installed.json);
        ensure!(asks(house).await?.json["type"] == ProblemType::ServiceNotOffered.uri(), "it serves without its grant");
        grant(&operator, &imports()).expect(StatusCode::OK).await?;
        ensure!(asks(house).await?.status == StatusCode::CREATED);

        // It now asks for citizens' numbers.
        let number = json!({ "capabilities": [], "nationalIdentityNumber": true });
        let upgrade = vendor.package("2.0.0", &json!({ "nationalIdentityNumber": true }))?;
        let upgraded = install(&operator, upgrade).expect(StatusCode::OK).await?;
        ensure!(upgraded.json["state"] == "serving" && upgraded.json["waiting"]["version"] == "2.0.0");
        let meanwhile = asks(house).await?;
        ensure!(meanwhile.status == StatusCode::CREATED, "{}", meanwhile.json);
        let granted = grant(&operator, &number).expect(StatusCode::OK).await?;
        ensure!(granted.json["current"]["version"] == "2.0.0" && granted.json["waiting"].is_null());
        let after = asks(house).await?;
        ensure!(after.status == StatusCode::CREATED, "{}", after.json);
        let seen = shown(&operator).await?;
        let back = operator.post("/v1/plugins/{plugin}/rollback", &[PLUGIN], &json!({}));
        let back = back.header("if-match", seen.headers["etag"].to_str()?).expect(StatusCode::OK).await?;
        ensure!(back.json["current"]["version"] == "1.0.0", "{}", back.json);
        let again = operator.post("/v1/plugins/{plugin}/rollback", &[PLUGIN], &json!({}));
        again.header("if-match", seen.headers["etag"].to_str()?).refused(ProblemType::PreconditionFailed).await?;
        ensure!(asks(house).await?.status == StatusCode::CREATED);
        let revoked = change(&operator, "/v1/plugins/{plugin}/revocations", &imports()).expect(StatusCode::OK).await?;
        ensure!(revoked.json["state"] == "waiting-for-grant", "{}", revoked.json);
        ensure!(asks(house).await?.json["type"] == ProblemType::ServiceNotOffered.uri(), "it serves without its grant");

        // A restart finds what was left, and what is granted again serves again.
        house.stop_gateway().await?;
        house.start_gateway().await?;
        vendor.trusted(house, &json!({}))?;
        let operator = crate::visit::operator(house)?;
        ensure!(shown(&operator).await?.json["state"] == "waiting-for-grant");
        let regranted = grant(&operator, &imports()).expect(StatusCode::OK).await?;
        ensure!(regranted.json["state"] == "serving", "{}", regranted.json);
        ensure!(asks(house).await?.status == StatusCode::CREATED);

        let records = records(house).await?;
        for (reply, action, state) in [
            (&installed, "plugin.install", "waiting-for-grant"),
            (&upgraded, "plugin.install", "waiting-for-grant"),
            (&granted, "plugin.grant", "serving"),
            (&back, "plugin.rollback", "serving"),
            (&revoked, "plugin.revoke", "waiting-for-grant"),
            (&regranted, "plugin.grant", "serving"),
        ] {
            let record = record(&records, reply)?;
            ensure!(record["kind"] == "plugin" && record["action"] == action, "{record}");
            ensure!(record["details"]["state"] == state && record["details"]["plugin"] == PLUGIN, "{record}");
            ensure!(record["actor"] == json!({ "role": "operator", "client": "operations" }), "{record}");
        }
        ensure!(record(&records, &installed)?["details"]["vendor"] == "Bystander AS");
        let digest = &granted.json["current"]["digest"];
        ensure!(record(&records, &granted)?["details"]["digest"] == *digest);
        for (reply, version) in [(&meanwhile, "1.0.0"), (&after, "2.0.0")] {
            let call = &record(&records, reply)?["call"];
            ensure!(call["plugin"] == PLUGIN && call["version"] == version, "{call}");
        }
        ensure!(record(&records, &after)?["call"]["digest"] == *digest);
        Ok(())
    })
}

#[test]
fn no_citizen_notices_upgrades_and_rollbacks() -> anyhow::Result<()> {
    agreed(async |house| {
        let vendor = Vendor::new()?;
        let operator = serving(house, &vendor).await?;
        let done = CancellationToken::new();
        let mut callers = JoinSet::new();
        for _ in 0..3 {
            let (leila, done) = (citizen(house, &LEILA)?, done.clone());
            callers.spawn(async move {
                let mut answered = 0_usize;
                while !done.is_cancelled() {
                    leila.post("/v1/me/dialogs", &[], &inquiry("Hei")).expect(StatusCode::CREATED).await?;
                    answered += 1;
                }
                anyhow::Ok(answered)
            });
        }
        let upgrade = vendor.package("1.1.0", &json!({}))?;
        for _ in 0..10 {
            install(&operator, upgrade.clone()).expect(StatusCode::OK).await?;
            operator.post("/v1/plugins/{plugin}/rollback", &[PLUGIN], &json!({})).expect(StatusCode::OK).await?;
        }
        done.cancel();
        while let Some(answered) = callers.join_next().await {
            ensure!(answered?? > 0, "nothing was asked");
        }
        let records = records(house).await?;
        let calls = records.iter().filter(|record| record["call"]["plugin"] == PLUGIN);
        let versions: std::collections::BTreeSet<&str> =
            calls.filter_map(|record| record["call"]["version"].as_str()).collect();
        ensure!(versions.len() == 2, "only {versions:?} served: {}", Value::from(records.len()));
        Ok(())
    })
}
