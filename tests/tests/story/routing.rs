//! What offices agreed, changed under a running gateway: beside the story, which shows that it works, who may not, what is
//! refused, what outlives a restart, and a vendor that ends.

use anyhow::{Context, ensure};
use dialog_contract::problem::ProblemType;
use dialog_tests::{
    house::{House, portal::Portal, rooms},
    sim::{
        helserespons::Case,
        meldingstjener,
        world::{FJELLVEIEN, HAVNEGATA, OLA, Office, Solution},
    },
};
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::visit::{alone, citizen, inquiry, opened, operator, read, refusal, upload};

const TERMS: &str = "/v1/offices/{herId}/agreements/{service}";
const CHOICE: &str = "/v1/offices/{herId}/choices/{service}";
const HANDOVER: &str = "/v1/offices/{herId}/handover/{plugin}";

fn put(who: &Portal, template: &'static str, ids: &[&str], body: &Value) -> dialog_tests::house::portal::Call {
    who.call(Method::PUT, template, ids).header("content-type", "application/json").body(body.to_string())
}

fn office(house: &House, office: &Office) -> anyhow::Result<Portal> {
    Portal::new(house.gateway()?.portal.clone(), Some(house.issuer.office(office)?))
}

fn terms(solution: Solution) -> Value {
    json!({ "plugin": solution.plugin(), "enabled": true, "settings": rooms::settings(&HAVNEGATA, solution) })
}

#[test]
fn an_office_decides_for_itself_alone_and_what_it_decided_outlives_a_restart() -> anyhow::Result<()> {
    alone(async |house| {
        let her_id = HAVNEGATA.service_her_id.to_string();
        let off = json!({ "enabled": false });
        let stranger = office(house, &FJELLVEIEN)?;
        refusal(put(&stranger, CHOICE, &[&her_id, "inquiry"], &off), ProblemType::NotFound).await?;
        refusal(stranger.get("/v1/offices/{herId}/choices", &[&her_id]), ProblemType::NotFound).await?;
        let own = office(house, &HAVNEGATA)?;
        let provider = json!({ "enabled": true, "plugin": "ddfl" });
        refusal(put(&own, CHOICE, &[&her_id, "inquiry"], &provider), ProblemType::Invalid).await?;
        let reply = put(&own, CHOICE, &[&her_id, "inquiry"], &off).expect(StatusCode::OK).await?;
        ensure!(reply.json["revision"] == 1, "{}", reply.json);
        let stale = put(&own, CHOICE, &[&her_id, "inquiry"], &off).header("if-match", "\"0\"");
        refusal(stale, ProblemType::PreconditionFailed).await?;
        refusal(citizen(house, &OLA)?.post("/v1/me/dialogs", &[], &inquiry("Hei")), ProblemType::ServiceNotOffered)
            .await?;

        house.kill_gateway().await?;
        house.start_gateway().await?;
        refusal(citizen(house, &OLA)?.post("/v1/me/dialogs", &[], &inquiry("Hei")), ProblemType::ServiceNotOffered)
            .await?;
        let all = operator(house)?.get("/v1/offices/{herId}/agreements", &[&her_id]).expect(StatusCode::OK).await?;
        let changed: Vec<&Value> =
            all.json["items"].as_array().context("items")?.iter().filter(|one| one["source"] == "store").collect();
        ensure!(matches!(changed[..], [one] if one["service"] == "inquiry"), "{}", all.json);
        Ok(())
    })
}

#[test]
fn a_vendor_that_ends_is_left_and_what_was_open_there_goes_on_with_the_next() -> anyhow::Result<()> {
    alone(async |house| {
        let her_id = HAVNEGATA.service_her_id.to_string();
        let (ola, operator) = (citizen(house, &OLA)?, operator(house)?);
        let photo = upload(&ola, "a.jpg", dialog_tests::story::citizen::PHOTO).expect(StatusCode::CREATED).await?;
        let mut question = inquiry("Er dette normalt?");
        question["message"]["attachments"] = json!([photo.text("/id")?]);
        let old = opened(&ola, &question).await?;
        let asks = |case: &Case| case.entries.iter().any(|entry| entry.body == "Er dette normalt?");
        house.helserespons.wait_for_case(asks).await?;

        let now = Timestamp::now();
        let (mut before, mut after) = (terms(Solution::Helserespons), terms(Solution::Ddfl));
        before["validUntil"] = json!(now);
        after["validFrom"] = json!(now);
        let mut wrong = json!({ "terms": [before.clone()], "reason": "x" });
        wrong["terms"][0]["settings"] = json!({ "unknown": 1 });
        let call = put(&operator, TERMS, &[&her_id, "inquiry"], &wrong);
        let reply = refusal(call, ProblemType::Invalid).await?;
        ensure!(reply.text("/errors/0/pointer")?.starts_with("/terms/0/settings"), "{}", reply.json);
        let body = json!({ "terms": [before, after], "reason": "The vendor ends." });
        put(&operator, TERMS, &[&her_id, "inquiry"], &body).expect(StatusCode::OK).await?;

        let exported = operator.get(HANDOVER, &[&her_id, "helserespons"]).expect(StatusCode::OK).await?;
        ensure!(exported.json["items"][0]["dialog"]["id"] == old, "{}", exported.json);
        ensure!(exported.json["items"][0]["citizen"]["nationalIdentityNumber"] == OLA.national_id);
        let why = json!({ "reason": "The vendor ends." });
        let over = operator.post(HANDOVER, &[&her_id, "helserespons"], &why).expect(StatusCode::OK).await?;
        ensure!(over.json == json!({ "handedOver": 1, "left": 0, "more": false }), "{}", over.json);
        let again = operator.post(HANDOVER, &[&her_id, "helserespons"], &why).expect(StatusCode::OK).await?;
        ensure!(again.json["handedOver"] == 0, "{}", again.json);

        let asked = |request: &meldingstjener::Request| request.message.text.as_deref() == Some("Er dette normalt?");
        let request = house.meldingstjener.wait_for_request(asked).await?;
        ensure!(request.message.attachments.len() == 1, "with its picture");
        let closed = read(&ola, &old).await?;
        let new = closed["continuedAs"].as_str().context("it goes on")?;
        let read = read(&ola, new).await?;
        ensure!(read["provider"]["id"] == "ddfl" && read["continues"] == old, "{read}");
        let log = ola.get("/v1/me/access-log", &[]).expect(StatusCode::OK).await?;
        let told =
            |words: &str| {
                log.json["items"].as_array().into_iter().flatten().any(|one| {
                    one["who"] == "operator" && one["text"].as_str().is_some_and(|text| text.contains(words))
                })
            };
        ensure!(told("hentet ut en åpen samtale") && told("flyttet en samtale"), "{}", log.json);
        Ok(())
    })
}
