//! Tokens: static, fetched, expired, forged.

use super::portal::{Portal, TOKEN};
use crate::sim::meldingstjener::{Config, MeldingstjenerSim, OauthClient};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

fn pem(der: &[u8]) -> Vec<u8> {
    let encoded = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = encoded.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")).into_bytes()
}

fn elliptic() -> EncodingKey {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    EncodingKey::from_ec_pem(&pem(pair.to_pkcs8v1().unwrap().as_ref())).unwrap()
}

fn rsa() -> EncodingKey {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
    EncodingKey::from_rsa_pem(&pem(der.as_ref())).unwrap()
}

async fn sim_with(client_id: &str, key: &EncodingKey, algorithm: Algorithm) -> MeldingstjenerSim {
    let client = OauthClient { client_id: client_id.to_owned(), key: Jwk::from_encoding_key(key, algorithm).unwrap() };
    MeldingstjenerSim::start(Config { tokens: Vec::new(), clients: vec![client], ..Config::default() }).await.unwrap()
}

fn claims(sim: &MeldingstjenerSim, client_id: &str) -> Value {
    json!({
        "iss": client_id,
        "sub": client_id,
        "aud": format!("{}/connect/token", sim.base_url()),
        "exp": jsonwebtoken::get_current_timestamp() + 60,
        "jti": uuid::Uuid::new_v4().to_string(),
    })
}

async fn fetch(sim: &MeldingstjenerSim, assertion: &str) -> (StatusCode, Value) {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
    ];
    let response = Client::new().post(format!("{}/connect/token", sim.base_url())).form(&form).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn list(sim: &MeldingstjenerSim, token: &str) -> StatusCode {
    let url = format!("{}/Messages?receiverHerIds=8093248", sim.base_url());
    Client::new().get(url).bearer_auth(token).send().await.unwrap().status()
}

#[tokio::test]
async fn a_registered_key_gets_a_token_that_works_until_it_expires() {
    for (key, algorithm) in [(elliptic(), Algorithm::ES256), (rsa(), Algorithm::PS256), (rsa(), Algorithm::RS256)] {
        let sim = sim_with("gateway", &key, algorithm).await;
        let assertion = encode(&Header::new(algorithm), &claims(&sim, "gateway"), &key).unwrap();
        let (status, body) = fetch(&sim, &assertion).await;
        assert_eq!(status, StatusCode::OK, "{algorithm:?}: {body}");
        let token = body["access_token"].as_str().unwrap();
        assert_eq!(list(&sim, token).await, StatusCode::OK);
        sim.expire_tokens();
        assert_eq!(list(&sim, token).await, StatusCode::UNAUTHORIZED);
        assert_eq!(fetch(&sim, &assertion).await.0, StatusCode::UNAUTHORIZED, "an assertion is used once");
    }
}

#[tokio::test]
async fn forged_foreign_and_stale_assertions_get_nothing() {
    let key = elliptic();
    let sim = sim_with("gateway", &key, Algorithm::ES256).await;
    let header = Header::new(Algorithm::ES256);
    let with = |name: &str, value: Value| {
        let mut changed = claims(&sim, "gateway");
        changed[name] = value;
        changed
    };
    let now = jsonwebtoken::get_current_timestamp();
    let cases = [
        (encode(&header, &claims(&sim, "gateway"), &elliptic()).unwrap(), "another key"),
        (encode(&header, &claims(&sim, "somebody"), &key).unwrap(), "another client"),
        (encode(&header, &with("aud", json!("https://elsewhere")), &key).unwrap(), "another audience"),
        (encode(&header, &with("exp", json!(now - 60)), &key).unwrap(), "expired"),
        (encode(&header, &with("exp", json!(now + 86_400)), &key).unwrap(), "long-lived"),
        (
            encode(&Header::new(Algorithm::HS256), &claims(&sim, "gateway"), &EncodingKey::from_secret(b"x")).unwrap(),
            "HS256",
        ),
        ("no.jwt.here".to_owned(), "no JWT"),
    ];
    for (assertion, case) in cases {
        let (status, body) = fetch(&sim, &assertion).await;
        assert_eq!((status, body["error"].as_str()), (StatusCode::UNAUTHORIZED, Some("invalid_client")), "{case}");
    }
}

#[tokio::test]
async fn a_call_without_a_token_is_refused_and_noted() {
    let portal = Portal::start().await;
    let response = portal.http.get(portal.url("/Messages?receiverHerIds=8093248")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(portal.rules(), ["every call carries a bearer token"]);
    assert_eq!(list(&portal.sim, "wrong").await, StatusCode::UNAUTHORIZED);
    assert_eq!(list(&portal.sim, TOKEN).await, StatusCode::OK);
}
