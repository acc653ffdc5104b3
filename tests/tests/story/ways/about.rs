//! What the gateway says of itself, and what is open to all.

use anyhow::{Context, ensure};
use dialog_contract::{limits::Limits, problem::ProblemType, service::Service};
use dialog_tests::{
    house::{authority, portal::Portal, proof::Token},
    sim::world::{ELVEBREDDEN, FJELLVEIEN, HAVNEGATA, KARI, LEILA, OFFICES},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::visit::{citizen, consultation, marked, opened, refusal, shared};

#[test]
fn limits_are_published_as_they_are_in_force() -> anyhow::Result<()> {
    shared(async |house| {
        let limits = citizen(house, &KARI)?.with_token(None).get("/v1/limits", &[]).expect(StatusCode::OK).await?;
        ensure!(limits.json == serde_json::to_value(Limits::V1)?, "{}", limits.json);
        Ok(())
    })
}

#[test]
fn the_document_is_one_file_that_names_every_path() -> anyhow::Result<()> {
    shared(async |house| {
        let reply = citizen(house, &KARI)?.with_token(None).get("/v1/openapi.yaml", &[]).expect(StatusCode::OK).await?;
        ensure!(reply.headers["content-type"] == "application/yaml");
        let document: Value = serde_saphyr::from_str(std::str::from_utf8(&reply.bytes)?)?;
        ensure!(
            document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")),
            "{}",
            document["openapi"]
        );
        let paths = document["paths"].as_object().context("paths")?;
        for path in ["/v1/me/practice", "/v1/me/dialogs", "/v1/me/appointments", "/v1/me/events", "/v1/events"] {
            ensure!(paths.contains_key(path), "{path} is missing");
        }
        let text = document.to_string();
        ensure!(!text.contains("\"$ref\":\"json/"), "it refers to files that the reader does not have");
        Ok(())
    })
}

#[test]
fn health_is_told_on_the_portals_and_the_operators_listener() -> anyhow::Result<()> {
    shared(async |house| {
        let gateway = house.gateway()?;
        for base in [&gateway.portal, &gateway.operations] {
            let portal = Portal::new(base.clone(), None)?;
            let live = portal.get("/health/live", &[]).expect(StatusCode::OK).await?;
            ensure!(live.json == json!({ "status": "live" }), "{}", live.json);
            let ready = portal.get("/health/ready", &[]).expect(StatusCode::OK).await?;
            ensure!(ready.json == json!({ "status": "ready" }), "{}", ready.json);
        }
        Ok(())
    })
}

#[test]
fn metrics_count_by_provider_service_and_outcome() -> anyhow::Result<()> {
    shared(async |house| {
        opened(&citizen(house, &KARI)?, &consultation("Søvn")).await?;
        opened(&citizen(house, &LEILA)?, &consultation("Allergi")).await?;
        let url = house.gateway()?.operations.join("/metrics")?;
        let text = authority::client()?.build()?.get(url).send().await?.error_for_status()?.text().await?;
        for wanted in [
            r#"dialog_outcomes_total{provider="ddfl",service="consultation",outcome="ok"} "#,
            r#"dialog_outcomes_total{provider="helserespons",service="consultation",outcome="ok"} "#,
            r#"dialog_provider_calls_total{provider="ddfl",function="dialogs.open",outcome="answered"} "#,
            r#"dialog_upstream_requests_total{provider="helserespons",upstream="api",result="201"} "#,
            r#"dialog_requests_total{method="POST",route="/v1/me/dialogs",status="201"} "#,
        ] {
            let count = text.lines().find_map(|line| line.strip_prefix(wanted));
            let count: f64 = count.with_context(|| format!("{wanted} in\n{text}"))?.parse()?;
            ensure!(count >= 1.0, "{wanted}{count}");
        }
        ensure!(text.ends_with("# EOF\n"), "OpenMetrics ends with EOF");
        Ok(())
    })
}

#[test]
fn what_an_office_tells_of_itself_is_open_to_all() -> anyhow::Result<()> {
    shared(async |house| {
        let anybody = citizen(house, &KARI)?.with_token(None);
        for office in &OFFICES {
            let id = office.service_her_id.to_string();
            let page = anybody.get("/v1/offices/{herId}", &[&id]).expect(StatusCode::OK).await?;
            marked(&page.headers)?;
            ensure!(page.text("/name")? == office.service_name && page.text("/telephone")? == office.phone);
            // By the directory on weekdays; a provider that is open on more says so itself.
            ensure!(page.json["hours"].as_array().is_some_and(|days| days.len() >= 5), "{}", page.json["hours"]);
            let gps = page.json["practitioners"].as_array().context("practitioners")?;
            ensure!(gps.len() == office.gps.len());
            let services = page.json["services"].as_array().context("services")?;
            // What colleagues ask each other is not for citizens.
            for (service, solution) in office.services.iter().filter(|(service, _)| *service != Service::Collegial) {
                let offer = services.iter().find(|one| one["service"] == json!(service)).context("an offer")?;
                ensure!(offer["provider"]["id"] == solution.plugin(), "{offer}");
                if *service == Service::Appointment {
                    ensure!(offer["booking"] == if office.direct_booking { "direct" } else { "request" }, "{offer}");
                }
            }
        }
        // A token that is not good is refused where none is needed only if somebody looks at it: nobody does.
        let id = FJELLVEIEN.service_her_id.to_string();
        anybody.with_token(Some(Token::bare("x"))).get("/v1/offices/{herId}", &[&id]).expect(StatusCode::OK).await?;
        // The organisation's HER-id is not the office's.
        for id in [HAVNEGATA.her_id, ELVEBREDDEN.her_id] {
            refusal(anybody.get("/v1/offices/{herId}", &[&id.to_string()]), ProblemType::NotFound).await?;
        }
        Ok(())
    })
}

#[test]
fn every_reply_says_where_its_record_stands_and_the_trace_goes_on() -> anyhow::Result<()> {
    shared(async |house| {
        let leila = citizen(house, &LEILA)?;
        for template in [
            "/v1/me/practice",
            "/v1/me/dialogs",
            "/v1/me/slots",
            "/v1/me/appointments",
            "/v1/me/prescriptions",
            "/v1/me/invoices",
            "/v1/me/payments",
        ] {
            marked(&leila.get(template, &[]).expect(StatusCode::OK).await?.headers)?;
        }
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let call = leila
            .get("/v1/me/dialogs/{dialog}", &["x"])
            .header("traceparent", &format!("00-{trace}-00f067aa0ba902b7-01"));
        let reply = refusal(call, ProblemType::NotFound).await?;
        ensure!(reply.text("/traceId")? == trace, "{}", reply.json);
        Ok(())
    })
}
