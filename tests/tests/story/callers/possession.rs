use anyhow::{Context, ensure};
use dialog_contract::problem::ProblemType;
use dialog_tests::{
    house::{
        House,
        configuration::PUBLIC_URL,
        issuer::{Issuer, citizen_claims},
        portal::{Portal, Reply},
        proof::{ProofKey, Token},
    },
    sim::world::{KARI, OLA},
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::visit::{alone, citizen, inquiry, refusal, shared};

const PRACTICE: &str = "/v1/me/practice";

fn as_if(house: &House, token: Token) -> anyhow::Result<Portal> {
    Portal::new(house.gateway()?.portal.clone(), Some(token))
}

/// Kari's token, after a call with which the nonce is known that the gateway may want.
async fn token(house: &House) -> anyhow::Result<Token> {
    citizen(house, &KARI)?.get(PRACTICE, &[]).expect(StatusCode::OK).await?;
    house.issuer.citizen(&KARI)
}

fn challenge(reply: &Reply) -> anyhow::Result<&str> {
    Ok(reply.headers.get("www-authenticate").context("a challenge")?.to_str()?)
}

async fn refused(house: &House, token: &Token, proof: &str, error: &str) -> anyhow::Result<Reply> {
    let call = as_if(house, token.clone())?.get(PRACTICE, &[]).header("dpop", proof);
    let reply = refusal(call, ProblemType::Unauthenticated).await?;
    let says = challenge(&reply)?;
    ensure!(says == format!("DPoP error=\"{error}\", algs=\"ES256 EdDSA PS256\""), "{says}");
    Ok(reply)
}

#[test]
fn a_stolen_token_is_of_no_use_without_its_key() -> anyhow::Result<()> {
    shared(async |house| {
        let own = token(house).await?;
        as_if(house, own.clone())?.get(PRACTICE, &[]).expect(StatusCode::OK).await?;
        // Alone; by the thief's own key; with the thief's key and another's token; with no proof, and with two.
        let alone = as_if(house, Token::bare(own.text.clone()))?;
        let reply = refusal(alone.get(PRACTICE, &[]), ProblemType::Unauthenticated).await?;
        ensure!(challenge(&reply)?.contains("invalid_token"), "{:?}", reply.headers);
        let thief = ProofKey::new()?;
        let address = format!("{PUBLIC_URL}{PRACTICE}");
        refused(house, &own, &thief.prove(&Method::GET, &address, &own.text)?, "invalid_dpop_proof").await?;
        let call = as_if(house, own.clone())?.get(PRACTICE, &[]);
        let twice = call.also("dpop", &house.issuer.portal.prove(&Method::GET, &address, &own.text)?);
        let twice = twice.also("dpop", &house.issuer.portal.prove(&Method::GET, &address, &own.text)?);
        refusal(twice, ProblemType::Unauthenticated).await?;
        let bare = Portal::new(house.gateway()?.portal.clone(), None)?.get(PRACTICE, &[]);
        refusal(bare.header("authorization", &format!("DPoP {}", own.text)), ProblemType::Unauthenticated).await?;
        // Nor may it change anything.
        let reply = refusal(alone.post("/v1/me/dialogs", &[], &inquiry("Hei")), ProblemType::Unauthenticated).await?;
        ensure!(reply.json["sent"] == "no");
        Ok(())
    })
}

#[test]
fn a_token_that_is_bound_to_nothing_is_refused_where_the_operator_did_not_say_otherwise() -> anyhow::Result<()> {
    shared(async |house| {
        let unbound = house.issuer.bearer(&KARI)?;
        refusal(as_if(house, Token::bare(&unbound))?.get(PRACTICE, &[]), ProblemType::Unauthenticated).await?;
        refusal(as_if(house, house.issuer.by_portal(unbound))?.get(PRACTICE, &[]), ProblemType::Unauthenticated)
            .await?;
        let mut claims = citizen_claims(&KARI);
        for unknown in [json!({}), json!({ "kid": "one" }), json!({ "jkt": "short" }), json!({ "x5t#S256": "AA" })] {
            claims["cnf"] = unknown;
            let text = house.issuer.sign(&claims)?;
            refusal(as_if(house, Token::bare(&text))?.get(PRACTICE, &[]), ProblemType::Unauthenticated).await?;
            refusal(as_if(house, house.issuer.by_portal(text))?.get(PRACTICE, &[]), ProblemType::Unauthenticated)
                .await?;
        }
        // Bound to a certificate, and the connection has none.
        claims["cnf"] = json!({ "x5t#S256": house.issuer.portal.thumbprint() });
        let text = house.issuer.sign(&claims)?;
        refusal(as_if(house, Token::bare(text))?.get(PRACTICE, &[]), ProblemType::Unauthenticated).await?;
        Ok(())
    })
}

#[test]
fn a_proof_is_for_one_request_with_one_token_and_once() -> anyhow::Result<()> {
    shared(async |house| {
        let own = token(house).await?;
        let key = &house.issuer.portal;
        let address = format!("{PUBLIC_URL}{PRACTICE}");
        let good = key.claims(&Method::GET, &address, &own.text);
        let now = jiff::Timestamp::now().as_second();
        let others = house.issuer.citizen(&OLA)?;
        let other_token = key.claims(&Method::GET, &address, &others.text);
        let mut spoilt: Vec<(&str, Value)> = vec![
            ("htm", json!("POST")),
            ("htu", json!(format!("{PUBLIC_URL}/v1/me/dialogs"))),
            ("htu", json!(format!("https://evil.test{PRACTICE}"))),
            ("htu", json!(house.gateway()?.portal.join(PRACTICE)?)),
            ("ath", other_token["ath"].clone()),
            ("ath", Value::Null),
            ("iat", json!(now - 120)),
            ("iat", json!(now + 120)),
            ("jti", json!("")),
            ("jti", json!("x".repeat(300))),
        ];
        for (claim, value) in spoilt.drain(..) {
            let mut claims = good.clone();
            claims[claim] = value.clone();
            refused(house, &own, &key.sign(&claims)?, "invalid_dpop_proof")
                .await
                .map_err(|error| error.context(format!("{claim}: {value}")))?;
        }
        for garbage in ["x", "a.b.c", &own.text, &"a".repeat(10_000)] {
            refused(house, &own, garbage, "invalid_dpop_proof").await?;
        }
        let proof = key.prove(&Method::GET, &address, &own.text)?;
        let call = || anyhow::Ok(as_if(house, own.clone())?.get(PRACTICE, &[]).header("dpop", &proof));
        call()?.expect(StatusCode::OK).await?;
        for _ in 0..3 {
            refused(house, &own, &proof, "invalid_dpop_proof").await?;
        }
        Ok(())
    })
}

#[test]
fn a_proof_with_the_private_key_in_its_header_is_refused() -> anyhow::Result<()> {
    shared(async |house| {
        let own = token(house).await?;
        let proof = house.issuer.portal.prove(&Method::GET, &format!("{PUBLIC_URL}{PRACTICE}"), &own.text)?;
        let parts: Vec<&str> = proof.split('.').collect();
        let [header, claims, signature] = parts[..] else { anyhow::bail!("a proof has three parts") };
        let with_private = |header: &str| -> anyhow::Result<String> {
            use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
            let mut header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header)?)?;
            header["jwk"]["d"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
            Ok(URL_SAFE_NO_PAD.encode(header.to_string()))
        };
        let proof = format!("{}.{claims}.{signature}", with_private(header)?);
        refused(house, &own, &proof, "invalid_dpop_proof").await?;
        Ok(())
    })
}

#[test]
fn a_proof_that_was_shown_before_a_power_cut_is_refused_after_it() -> anyhow::Result<()> {
    alone(async |house| {
        let own = token(house).await?;
        let key = house.issuer.portal.clone();
        let address = format!("{PUBLIC_URL}{PRACTICE}");
        // Dated ahead by as much as is tolerated: good for as long as can be.
        let mut claims = key.claims(&Method::GET, &address, &own.text);
        claims["iat"] = json!(jiff::Timestamp::now().as_second() + 4);
        let captured = key.sign(&claims)?;
        let first = as_if(house, own.clone())?.get(PRACTICE, &[]).header("dpop", &captured);
        first.expect(StatusCode::OK).await?;
        refused(house, &own, &captured, "invalid_dpop_proof").await?;

        house.kill_gateway().await?;
        house.start_gateway().await?;
        let reply = refused(house, &own, &captured, "use_dpop_nonce").await?;
        let nonce = reply.headers.get("dpop-nonce").context("a nonce")?.to_str()?.to_owned();
        refused(house, &own, &captured, "use_dpop_nonce").await?;
        // Whoever has the key goes on, and the new proof too is good once.
        let mut claims = key.claims(&Method::GET, &address, &own.text);
        claims["nonce"] = json!(nonce);
        let proof = key.sign(&claims)?;
        as_if(house, own.clone())?.get(PRACTICE, &[]).header("dpop", &proof).expect(StatusCode::OK).await?;
        refused(house, &own, &proof, "invalid_dpop_proof").await?;
        claims["nonce"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        claims["jti"] = json!(uuid::Uuid::new_v4());
        refused(house, &own, &key.sign(&claims)?, "use_dpop_nonce").await?;
        // Nothing of tokens, proofs or nonces is logged or recorded.
        house.stop_gateway().await?;
        let keys = dialog_audit::VerifierKeys::parse(&house.audit_key()?)?;
        let reader = dialog_audit::Reader::open(&house.audit(), &keys)?;
        let mut told = std::fs::read_to_string(house.log())?;
        let mut replays = 0;
        for entry in reader.entries(0..u64::MAX) {
            let entry = entry?.data;
            let record: Value = serde_json::from_slice(&entry)?;
            replays += usize::from(record["details"]["why"] == "the proof was shown before");
            told.push_str(&String::from_utf8(entry.to_vec())?);
        }
        ensure!(replays == 2, "{replays} replays are on record");
        for secret in [own.text.as_str(), &captured, &proof, &nonce, KARI.national_id] {
            ensure!(!told.contains(secret), "log or records hold {}…", &secret[..8]);
        }
        Ok(())
    })
}

#[test]
fn another_issuers_key_bound_to_the_portals_is_still_another_issuers() -> anyhow::Result<()> {
    shared(async |house| {
        let mut claims = citizen_claims(&KARI);
        claims["cnf"] = json!({ "jkt": house.issuer.portal.thumbprint() });
        let forged = house.issuer.by_portal(Issuer::new()?.sign(&claims)?);
        let reply = refusal(as_if(house, forged)?.get(PRACTICE, &[]), ProblemType::Unauthenticated).await?;
        ensure!(challenge(&reply)?.contains("invalid_token"));
        Ok(())
    })
}
