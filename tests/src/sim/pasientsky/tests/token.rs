//! Tokens: fetched with an assertion, expired, forged.

use super::START;
use crate::sim::pasientsky::{Config, OauthClient, PasientskySim};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

fn key() -> EncodingKey {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref())
}

async fn sim(key: &EncodingKey) -> PasientskySim {
    let client =
        OauthClient { client_id: "portal".into(), key: Jwk::from_encoding_key(key, Algorithm::ES256).unwrap() };
    let config = Config { start: START.parse().unwrap(), clients: vec![client], ..Config::default() };
    PasientskySim::start(config).await.unwrap()
}

fn assertion(sim: &PasientskySim, key: &EncodingKey, expires: i64) -> String {
    let now = i64::try_from(jsonwebtoken::get_current_timestamp()).unwrap();
    let claims = json!({ "iss": "portal", "sub": "portal", "aud": sim.token_url(), "exp": now + expires,
        "jti": uuid::Uuid::new_v4().to_string() });
    encode(&Header::new(Algorithm::ES256), &claims, key).unwrap()
}

async fn fetch(sim: &PasientskySim, assertion: &str) -> (StatusCode, Value) {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
    ];
    let response = Client::new().post(sim.token_url()).form(&form).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn metadata(sim: &PasientskySim, token: Option<&str>) -> StatusCode {
    let url = format!("{}/metadata", sim.base_url());
    let mut request = Client::new().get(url).header("accept", "application/fhir+json");
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn a_registered_key_gets_a_token_that_works_until_it_expires() {
    let key = key();
    let sim = sim(&key).await;
    let asked = assertion(&sim, &key, 60);
    let (status, body) = fetch(&sim, &asked).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(metadata(&sim, Some(token)).await, StatusCode::OK);
    sim.expire_tokens();
    assert_eq!(metadata(&sim, Some(token)).await, StatusCode::UNAUTHORIZED);
    assert_eq!(sim.violations(), [], "a token that has expired is no fault");
    assert_eq!(fetch(&sim, &asked).await.0, StatusCode::UNAUTHORIZED, "an assertion is used once");
}

#[tokio::test]
async fn forged_and_stale_assertions_and_calls_without_a_token_are_refused_and_noted() {
    let (key, other) = (key(), self::key());
    let sim = sim(&key).await;
    for asked in [assertion(&sim, &other, 60), assertion(&sim, &key, -600), assertion(&sim, &key, 86_400)] {
        assert_eq!(fetch(&sim, &asked).await.0, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(metadata(&sim, None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(sim.violations().len(), 4);
}
