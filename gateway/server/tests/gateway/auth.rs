use aws_lc_rs::{encoding::AsDer, encoding::Pkcs8V1Der, rsa::KeySize, signature::RsaKeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use dialog_gateway::auth::{
    keys::KeySource,
    verifier::{IssuerConfig, TokenError, TokenType, Verifier},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::support::{AUDIENCE, Folder, House, ISSUER, Issuer, KARI, claims, send};

fn verifier(issuer: &Issuer) -> (tempfile::TempDir, Verifier) {
    verifier_of(issuer, TokenType::strict())
}

fn verifier_of(issuer: &Issuer, token_types: Vec<TokenType>) -> (tempfile::TempDir, Verifier) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, serde_json::to_vec(&issuer.keys()).unwrap()).unwrap();
    let config = IssuerConfig {
        issuer: ISSUER.to_owned(),
        audiences: vec![AUDIENCE.to_owned()],
        keys: KeySource::File(file),
        algorithms: vec![issuer.algorithm],
        token_types,
        bearer: false,
    };
    (folder, Verifier::new(vec![config]).unwrap())
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

#[tokio::test]
async fn a_valid_token_is_accepted_and_its_claims_are_those_that_were_signed() {
    let rsa: Pkcs8V1Der<'_> = RsaKeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap();
    let pkcs1 = EncodingKey::from_rsa_pem(
        format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            base64::engine::general_purpose::STANDARD.encode(rsa.as_ref())
        )
        .as_bytes(),
    )
    .unwrap();
    let rs256 = Issuer { key: pkcs1, algorithm: Algorithm::RS256, kid: "rsa".to_owned() };
    for issuer in [Issuer::new("one"), rs256] {
        let (_folder, verifier) = verifier(&issuer);
        let token = issuer.citizen();
        // The second time it is remembered.
        for _ in 0..2 {
            let claims = verifier.verify(&token).await.unwrap();
            assert_eq!((claims.client.as_str(), claims.level), ("portal", 4));
            assert_eq!(claims.person.as_ref().unwrap().expose(), KARI);
        }
    }
}

#[tokio::test]
async fn each_way_in_which_a_token_can_be_wrong_is_told_apart_and_repeats_nothing_of_it() {
    let issuer = Issuer::new("one");
    let (_folder, verifier) = verifier(&issuer);
    let now = jsonwebtoken::get_current_timestamp();
    let good = issuer.citizen();
    let parts: Vec<&str> = good.split('.').collect();
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let typed = |typ: &str| {
        let mut header = issuer.header();
        header.typ = Some(typ.to_owned());
        jsonwebtoken::encode(&header, &claims(), &issuer.key).unwrap()
    };
    let mut confused = Header::new(Algorithm::HS256);
    confused.kid = Some("one".to_owned());
    confused.typ = Some("at+jwt".to_owned());
    let public = serde_json::to_vec(&issuer.jwk()).unwrap();
    let symmetric = jsonwebtoken::encode(&confused, &claims(), &EncodingKey::from_secret(&public)).unwrap();
    let unsigned = format!("{}.{}.", encode(&json!({ "alg": "none", "typ": "at+jwt" })), parts[1]);
    let other = Issuer::new("one");
    let rotated = Issuer::new("two");
    let tampered = format!("{}.{}.{}", parts[0], encode(&with("pid", json!("17845398706"))), parts[2]);
    let long = format!("{good}{}", "a".repeat(20_000));
    for (token, expected) in [
        (issuer.sign(&with("exp", json!(now - 60))), "the token has expired"),
        (issuer.sign(&with("nbf", json!(now + 60))), "the token is not valid yet"),
        (issuer.sign(&with("iss", json!("https://evil.test"))), "the issuer is not trusted"),
        (issuer.sign(&with("aud", json!("https://other.test"))), "the token is for another audience"),
        (issuer.sign(&without("aud")), "the token has no aud"),
        (issuer.sign(&without("exp")), "a claim is missing or has the wrong type"),
        (issuer.sign(&without("client_id")), "the token names no client"),
        (issuer.sign(&with("pid", json!("12345678901"))), "the token's pid is not a national identity number"),
        (issuer.sign(&with("pid", json!(17_845_398_706_u64))), "a claim is missing or has the wrong type"),
        (rotated.citizen(), "the issuer has no key with the token's kid"),
        (other.citizen(), "the signature is wrong"),
        (tampered, "the signature is wrong"),
        (symmetric, "the signature algorithm is not allowed for this issuer"),
        (unsigned, "not a JSON Web Token"),
        (typed("dpop+jwt"), "not an access token"),
        (typed("logout+jwt"), "not an access token"),
        (typed("id_token"), "not an access token"),
        (typed("JWT"), "not an access token"),
        (long, "not a JSON Web Token"),
        ("garbage".to_owned(), "not a JSON Web Token"),
        ("a.b.c".to_owned(), "not a JSON Web Token"),
        (String::new(), "not a JSON Web Token"),
    ] {
        let error = verifier.verify(&token).await.unwrap_err();
        let said = error.to_string();
        assert!(said.starts_with(expected), "{expected}: {said}");
        for secret in [KARI, "12345678901", "17845398706", parts[1], parts[2]] {
            assert!(!said.contains(secret) && !format!("{error:?}").contains(secret), "{said}");
        }
    }
}

#[tokio::test]
async fn a_tokens_type_is_what_its_issuer_is_said_to_use_and_an_access_token_where_nothing_is_said() {
    let issuer = Issuer::new("one");
    let every = [
        Some("at+jwt"),
        Some("application/at+jwt"),
        Some("AT+JWT"),
        Some("JWT"),
        None,
        Some("id_token+jwt"),
        Some("dpop+jwt"),
        Some(""),
    ];
    for (types, accepted) in [
        (TokenType::strict(), &every[..3]),
        (vec![TokenType::AccessToken, TokenType::Jwt], &every[..4]),
        (vec![TokenType::Jwt], &every[3..4]),
        (vec![TokenType::None], &every[4..5]),
    ] {
        let (_folder, verifier) = verifier_of(&issuer, types.clone());
        for typ in every {
            let mut header = issuer.header();
            header.typ = typ.map(str::to_owned);
            let verified = verifier.verify(&jsonwebtoken::encode(&header, &claims(), &issuer.key).unwrap()).await;
            match verified {
                Ok(_) => assert!(accepted.contains(&typ), "{types:?} {typ:?}"),
                Err(TokenError::NotAnAccessToken) => assert!(!accepted.contains(&typ), "{types:?} {typ:?}"),
                Err(other) => panic!("{types:?} {typ:?}: {other}"),
            }
        }
    }
}

#[tokio::test]
async fn a_token_whose_end_is_beyond_all_time_does_no_harm() {
    let issuer = Issuer::new("one");
    let (_folder, verifier) = verifier(&issuer);
    let token = issuer.sign(&with("exp", json!(u64::MAX)));
    for _ in 0..2 {
        assert!(matches!(verifier.verify(&token).await, Ok(_) | Err(TokenError::Claims(_) | TokenError::Signature)));
    }
}

#[tokio::test]
async fn what_a_token_does_not_permit_is_refused_at_the_door_and_recorded_without_it() {
    let house = House::open().await;
    let issuer = &house.folder.issuer;
    let practice = "GET /v1/me/practice";
    let ask = |token: &str| house.http.get(house.url("/v1/me/practice")).bearer_auth(token);
    assert_eq!(send(ask(&issuer.citizen()), practice).await.status, 200);

    let level_three = issuer.sign(&with("acr", json!("idporten-loa-substantial")));
    let no_pid = issuer.sign(&without("pid"));
    let no_scope = issuer.sign(&with("scope", json!("openid")));
    let expired = issuer.sign(&with("exp", json!(jsonwebtoken::get_current_timestamp() - 60)));
    let forged = Issuer::new("one").citizen();
    for (token, status, problem) in [
        (&level_three, 403, "level-too-low"),
        (&no_pid, 403, "not-permitted"),
        (&no_scope, 403, "not-permitted"),
        (&expired, 401, "unauthenticated"),
        (&forged, 401, "unauthenticated"),
    ] {
        let reply = send(ask(token), practice).await;
        assert_eq!((reply.status, reply.problem()), (status, problem));
        let challenge = match problem {
            "unauthenticated" => "DPoP error=\"invalid_token\"",
            "not-permitted" if token == &no_scope => "DPoP error=\"insufficient_scope\", scope=\"dialog:citizen\"",
            _ => "",
        };
        assert!(reply.header("www-authenticate").starts_with(challenge), "{}", reply.header("www-authenticate"));
        assert_eq!(reply.headers.contains_key("www-authenticate"), !challenge.is_empty());
        assert!(!reply.body.to_string().contains(token.as_str()) && !reply.body.to_string().contains(KARI));
    }
    let twice = ask(&issuer.citizen()).header("authorization", "Bearer x");
    let none = house.http.get(house.url("/v1/me/practice"));
    let basic = house.http.get(house.url("/v1/me/practice")).basic_auth("a", Some("b"));
    for request in [twice, none, basic] {
        assert_eq!(send(request, practice).await.problem(), "unauthenticated");
    }
    // A citizen's token is not the portal's, and the reverse.
    assert_eq!(send(house.get("/v1/events"), "GET /v1/events").await.problem(), "not-permitted");
    let mut own = without("pid");
    own["scope"] = json!("dialog:events");
    let feed = house.http.get(house.url("/v1/events")).bearer_auth(issuer.sign(&own));
    assert_eq!(send(feed, "GET /v1/events").await.status, 200);

    let records = house.records().await;
    let of = |kind: &str| records.iter().filter(|record| record["kind"] == kind).count();
    assert_eq!(of("token-refused"), 5, "{records:#?}");
    assert_eq!(of("permission-refused"), 4);
    let all = serde_json::to_string(&records).unwrap();
    for secret in [KARI, level_three.as_str(), expired.as_str(), forged.as_str()] {
        assert!(!all.contains(secret));
    }
}

#[tokio::test]
async fn an_issuer_that_is_down_is_not_the_citizens_fault() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let house = House::open_with(Folder::new(), |config| {
        config["issuers"][0]["keys"] = json!({ "url": format!("http://{nobody}/jwks") });
    })
    .await;
    for _ in 0..2 {
        let reply = send(house.get("/v1/me/practice"), "GET /v1/me/practice").await;
        assert_eq!((reply.status, reply.problem(), reply.header("retry-after")), (503, "unavailable", "5"));
    }
    let records = house.records().await;
    let refused: Vec<&Value> = records.iter().filter(|record| record["kind"] == "token-refused").collect();
    assert_eq!(refused.len(), 2);
    assert!(refused[0]["details"]["why"].as_str().unwrap().starts_with("the issuer's keys cannot be had"));
}
