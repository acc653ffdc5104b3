//! Who calls: tokens that are missing, expired, forged, for somebody else, or of too low a level.

use anyhow::ensure;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use dialog_contract::problem::ProblemType;
use dialog_tests::{
    house::{
        House,
        issuer::{Issuer, citizen_claims},
        portal::Portal,
    },
    sim::world::{KARI, OLA},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::visit::{citizen, inquiry, portal, raw, refusal, shared};

/// What a token without any fault is, with one claim changed, or without it.
fn spoilt(house: &House, claim: &str, value: &Value) -> anyhow::Result<String> {
    let mut claims = citizen_claims(&KARI);
    match value {
        Value::Null => {
            claims.as_object_mut().and_then(|claims| claims.remove(claim));
        }
        value => claims[claim] = value.clone(),
    }
    Ok(house.issuer.bound(claims)?.text)
}

/// Whatever the token is, with the portal's proof.
fn with(house: &House, token: impl Into<String>) -> anyhow::Result<Portal> {
    Portal::new(house.gateway()?.portal.clone(), Some(house.issuer.by_portal(token.into())))
}

async fn unauthenticated(portal: &Portal) -> anyhow::Result<()> {
    let reply = refusal(portal.get("/v1/me/practice", &[]), ProblemType::Unauthenticated).await?;
    ensure!(reply.headers["www-authenticate"].to_str()?.starts_with("DPoP "));
    let reply = refusal(portal.post("/v1/me/dialogs", &[], &inquiry("Hei")), ProblemType::Unauthenticated).await?;
    ensure!(reply.json["sent"] == "no");
    Ok(())
}

#[test]
fn a_token_whose_claims_are_not_in_order_is_refused() -> anyhow::Result<()> {
    shared(async |house| {
        let now = jiff::Timestamp::now().as_second();
        for (claim, value) in [
            ("exp", json!(now - 60)),
            ("exp", Value::Null),
            ("nbf", json!(now + 600)),
            ("iss", json!("https://login.elsewhere.test")),
            ("iss", Value::Null),
            ("aud", json!("https://another.example.test")),
            ("aud", Value::Null),
            ("pid", json!("14838541242")),
            ("pid", json!(7)),
            ("client_id", Value::Null),
        ] {
            unauthenticated(&with(house, spoilt(house, claim, &value)?)?)
                .await
                .map_err(|error| error.context(format!("{claim}: {value}")))?;
        }
        with(house, spoilt(house, "jti", &Value::Null)?)?.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?;
        Ok(())
    })
}

#[test]
fn a_forged_token_is_refused() -> anyhow::Result<()> {
    shared(async |house| {
        let mut claims = citizen_claims(&KARI);
        claims["cnf"] = json!({ "jkt": house.issuer.portal.thumbprint() });
        // Another key under another name, then under the right one.
        unauthenticated(&with(house, Issuer::new()?.sign(&claims)?)?).await?;
        let good = house.issuer.sign(&claims)?;
        let parts: Vec<&str> = good.split('.').collect();
        let [header, payload, signature] = parts[..] else { anyhow::bail!("a token has three parts") };
        let other = Issuer::new()?.sign(&claims)?;
        let others = other.rsplit('.').next().unwrap_or_default();
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let mut olas = claims.clone();
        olas["pid"] = json!(OLA.national_id);
        let none = encode(&json!({ "alg": "none", "typ": "at+jwt" }));
        let hs = encode(&json!({ "alg": "HS256", "typ": "at+jwt" }));
        let id_token = encode(&json!({ "alg": "ES256", "typ": "id_token+jwt" }));
        for forged in [
            format!("{header}.{payload}.{others}"),
            format!("{header}.{}.{signature}", encode(&olas)),
            format!("{none}.{payload}."),
            format!("{none}.{payload}.{signature}"),
            format!("{hs}.{payload}.{signature}"),
            format!("{id_token}.{payload}.{signature}"),
            format!("{header}.{payload}."),
            format!("{header}.{payload}"),
            "x.y.z".to_owned(),
            "a".repeat(20_000),
        ] {
            unauthenticated(&with(house, forged.clone())?)
                .await
                .map_err(|error| error.context(forged.chars().take(60).collect::<String>()))?;
        }
        with(house, good)?.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?;
        Ok(())
    })
}

#[test]
fn a_login_below_the_highest_level_is_told_so() -> anyhow::Result<()> {
    shared(async |house| {
        for level in [json!("idporten-loa-substantial"), json!("Level3"), json!("level-of-my-own"), Value::Null] {
            let low = with(house, spoilt(house, "acr", &level)?)?;
            refusal(low.get("/v1/me/practice", &[]), ProblemType::LevelTooLow).await?;
            refusal(low.post("/v1/me/dialogs", &[], &inquiry("Hei")), ProblemType::LevelTooLow).await?;
            refusal(low.get("/v1/me/events", &[]), ProblemType::LevelTooLow).await?;
        }
        Ok(())
    })
}

#[test]
fn a_token_opens_only_what_it_is_for() -> anyhow::Result<()> {
    shared(async |house| {
        let (kari, portal) = (citizen(house, &KARI)?, portal(house)?);
        refusal(kari.get("/v1/events", &[]), ProblemType::NotPermitted).await?;
        refusal(portal.get("/v1/me/practice", &[]), ProblemType::NotPermitted).await?;
        refusal(portal.post("/v1/me/dialogs", &[], &inquiry("Hei")), ProblemType::NotPermitted).await?;
        let without = with(house, spoilt(house, "scope", &json!("openid profile"))?)?;
        refusal(without.get("/v1/me/practice", &[]), ProblemType::NotPermitted).await?;
        // A citizen's token is never the portal's own, whatever scopes it has.
        let both = with(house, spoilt(house, "scope", &json!("dialog:citizen dialog:events"))?)?;
        both.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?;
        Ok(())
    })
}

#[test]
fn there_must_be_exactly_one_token() -> anyhow::Result<()> {
    shared(async |house| {
        let token = house.issuer.citizen(&KARI)?.text;
        let kari = with(house, token.clone())?;
        let nobody = kari.with_token(None);
        unauthenticated(&nobody).await?;
        let get = || kari.get("/v1/me/practice", &[]);
        for value in ["Basic a2FyaTprYXJp", "DPoP", "DPoP ", "Bearer", "Bearer ", &token] {
            refusal(get().header("authorization", value), ProblemType::Unauthenticated).await?;
        }
        let shown = format!("DPoP {token}");
        let twice = get().also("authorization", &shown).also("authorization", &shown);
        refusal(twice, ProblemType::Unauthenticated).await?;
        get().header("authorization", &format!("dpop {token}")).expect(StatusCode::OK).await?;
        // Nor is a token taken from the address, where it would stand in logs.
        let request =
            format!("GET /v1/me/practice?access_token={token} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let (status, _, problem) = raw(&house.gateway()?.portal, request.as_bytes()).await?;
        ensure!((status, &problem["type"]) == (401, &json!("urn:dialog:problem:unauthenticated")), "{status}");
        Ok(())
    })
}

#[test]
fn a_citizen_without_a_gp_is_told_so() -> anyhow::Result<()> {
    shared(async |house| {
        // A number with valid check digits that the directory does not have.
        let number = (0..100_000_u32)
            .map(|serial| format!("158581{serial:05}"))
            .find(|text| text.parse::<dialog_contract::ids::NationalIdentityNumber>().is_ok());
        let Some(number) = number else { anyhow::bail!("no number is valid") };
        let unknown = with(house, spoilt(house, "pid", &json!(number))?)?;
        refusal(unknown.get("/v1/me/practice", &[]), ProblemType::NoPractice).await?;
        refusal(unknown.get("/v1/me/slots", &[]), ProblemType::NoPractice).await?;
        refusal(unknown.post("/v1/me/dialogs", &[], &inquiry("Hei")), ProblemType::NoPractice).await?;
        let list = unknown.get("/v1/me/dialogs", &[]).expect(StatusCode::OK).await?;
        ensure!(list.json["items"] == json!([]));
        Ok(())
    })
}
