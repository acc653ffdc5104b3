use anyhow::{Context, ensure};
use dialog_contract::problem::ProblemType;
use dialog_tests::{
    house::{
        House,
        issuer::{citizen_claims, representing_claims},
        portal::Portal,
    },
    sim::{
        meldingstjener::Request,
        world::{Citizen, KARI, NORA, OLA},
    },
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::visit::{alone, citizen, consultation, inquiry, opened, read, refusal, shared};

/// Changes the claims of a token.
type Spoil = fn(&mut Value);

fn acting(house: &House, who: &Citizen, other: &Citizen, role: &str) -> anyhow::Result<Portal> {
    Portal::new(house.gateway()?.portal.clone(), Some(house.issuer.representing(who, other, role)?))
}

fn at_the_office(house: &House) -> anyhow::Result<Request> {
    house.meldingstjener.waiting().into_iter().last().context("something waits at the office")
}

#[test]
fn a_parent_acts_for_a_child_and_dialog_message_and_record_say_so() -> anyhow::Result<()> {
    alone(async |house| {
        let kari_for_nora = acting(house, &KARI, &NORA, "parent")?;
        let practice = kari_for_nora.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?;
        ensure!(practice.json == citizen(house, &NORA)?.get("/v1/me/practice", &[]).send().await?.json);
        let dialog = opened(&kari_for_nora, &consultation("Nora har feber.")).await?;

        let shown = read(&kari_for_nora, &dialog).await?;
        ensure!(shown["representedBy"] == json!({ "name": "Kari Fjell", "role": "parent" }), "{shown}");
        ensure!(shown["messages"][0]["author"] == json!({ "role": "representative", "name": "Kari Fjell" }), "{shown}");
        // It is Nora's dialog: she sees who wrote, and Kari, for herself, does not see it.
        let noras = read(&citizen(house, &NORA)?, &dialog).await?;
        ensure!(noras["representedBy"] == shown["representedBy"]);
        let kari = citizen(house, &KARI)?;
        refusal(kari.get("/v1/me/dialogs/{dialog}", &[&dialog]), ProblemType::NotFound).await?;
        ensure!(kari.get("/v1/me/dialogs", &[]).expect(StatusCode::OK).await?.json["items"] == json!([]));

        // What the office got names both, each in their place (HITS 1217: Pasientrelasjon).
        let request = at_the_office(house)?;
        let patient = request.message.patient.context("a patient")?;
        let relative = request.message.acting.context("who acts")?;
        ensure!((patient.given_name.as_str(), relative.given_name.as_str()) == ("Nora", "Kari"));
        let message = house.meldingstjener.messages();
        let sent = message.iter().rev().find(|one| !one.to_portal && one.label == "SB").context("the message")?;
        ensure!(String::from_utf8_lossy(&sent.raw).contains("Foreldreansvar"), "the message does not say why");
        ensure!(house.meldingstjener.violations().is_empty(), "{:?}", house.meldingstjener.violations());

        house.stop_gateway().await?;
        let keys = dialog_audit::VerifierKeys::parse(&house.audit_key()?)?;
        let reader = dialog_audit::Reader::open(&house.audit(), &keys)?;
        let mut records = Vec::new();
        for entry in reader.entries(0..u64::MAX) {
            let record: Value = serde_json::from_slice(&entry?.data)?;
            if record["action"] == "dialog.open" {
                records.push(record);
            }
        }
        ensure!(records.len() == 2, "{records:?}");
        for record in &records {
            let (actor, citizen) = (&record["actor"]["person"], &record["citizen"]);
            ensure!(actor.is_string() && citizen.is_string() && actor != citizen, "{record}");
            ensure!(record["representation"] == json!({ "representative": actor, "role": "parent" }), "{record}");
        }
        Ok(())
    })
}

#[test]
fn each_role_of_the_guide_is_known_and_no_other() -> anyhow::Result<()> {
    shared(async |house| {
        for role in ["parent", "guardian", "power-of-attorney"] {
            acting(house, &OLA, &NORA, role)?.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?;
        }
        for role in ["friend", "Parent", ""] {
            refusal(acting(house, &OLA, &NORA, role)?.get("/v1/me/practice", &[]), ProblemType::Unauthenticated)
                .await?;
        }
        Ok(())
    })
}

#[test]
fn nothing_but_the_token_chooses_whom_a_request_is_about() -> anyhow::Result<()> {
    shared(async |house| {
        let (kari, nora) = (citizen(house, &KARI)?, citizen(house, &NORA)?);
        let noras = opened(&nora, &inquiry("Når åpner dere?")).await?;
        for template in ["/v1/me/dialogs/{dialog}"] {
            refusal(kari.get(template, &[&noras]), ProblemType::NotFound).await?;
            let header = kari.get(template, &[&noras]).header("x-representing", NORA.national_id);
            refusal(header.header("representing", NORA.national_id), ProblemType::NotFound).await?;
        }
        let query = kari.get("/v1/me/dialogs", &[]).query(&format!("representing={}", NORA.national_id));
        refusal(query, ProblemType::Malformed).await?;
        let mut body = inquiry("Hei");
        body["representing"] = json!({ "pid": NORA.national_id, "role": "parent" });
        refusal(kari.post("/v1/me/dialogs", &[], &body), ProblemType::Invalid).await?;
        let mut body = inquiry("Hei");
        body["citizen"] = json!(NORA.national_id);
        refusal(kari.post("/v1/me/dialogs", &[], &body), ProblemType::Invalid).await?;
        // Nor does a name alone make anybody somebody's representative.
        let mut claims = citizen_claims(&KARI);
        claims["given_name"] = json!("Nora");
        let named = Portal::new(house.gateway()?.portal.clone(), Some(house.issuer.bound(claims)?))?;
        refusal(named.get("/v1/me/dialogs/{dialog}", &[&noras]), ProblemType::NotFound).await?;
        Ok(())
    })
}

#[test]
fn a_claim_that_is_not_whole_represents_nobody() -> anyhow::Result<()> {
    shared(async |house| {
        let good = representing_claims(&KARI, &NORA, "parent");
        let spoilt: [(&str, Spoil); 7] = [
            ("no names", |claims| claims["given_name"] = Value::Null),
            ("an empty name", |claims| claims["family_name"] = json!(" ")),
            ("a number that is none", |claims| claims["representing"]["pid"] = json!("20881780196")),
            ("oneself", |claims| claims["representing"]["pid"] = json!(KARI.national_id)),
            ("no number", |claims| claims["representing"] = json!({ "role": "parent" })),
            ("several", |claims| claims["representing"] = json!([{ "pid": NORA.national_id, "role": "parent" }])),
            ("nobody who logged in", |claims| claims["pid"] = Value::Null),
        ];
        for (what, spoil) in spoilt {
            let mut claims = good.clone();
            spoil(&mut claims);
            let portal = Portal::new(house.gateway()?.portal.clone(), Some(house.issuer.bound(claims)?))?;
            refusal(portal.get("/v1/me/practice", &[]), ProblemType::Unauthenticated)
                .await
                .with_context(|| what.to_owned())?;
        }
        let mut low = good;
        low["acr"] = json!("idporten-loa-substantial");
        let portal = Portal::new(house.gateway()?.portal.clone(), Some(house.issuer.bound(low)?))?;
        refusal(portal.get("/v1/me/practice", &[]), ProblemType::LevelTooLow).await?;
        Ok(())
    })
}
