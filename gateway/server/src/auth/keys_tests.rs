#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::{
    Arc, Mutex as Lock,
    atomic::{AtomicUsize, Ordering},
};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::{Router, http::StatusCode, routing::get};
use jsonwebtoken::{Algorithm, EncodingKey, jwk::Jwk};

use super::*;
use crate::limits::METADATA_BYTES;

/// The issuer's name.
const NAME: &str = "https://login.test";

/// An issuer's `jwks_uri`: what it answers, and how often it was asked.
#[derive(Clone, Default)]
struct Issuer {
    answer: Arc<Lock<Option<String>>>,
    /// Its metadata.
    described: Arc<Lock<Option<String>>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    async fn start(&self) -> Url {
        let issuer = self.clone();
        let answer = move || async move {
            issuer.asked.fetch_add(1, Ordering::SeqCst);
            issuer.answer.lock().unwrap().clone().ok_or(StatusCode::SERVICE_UNAVAILABLE)
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        let described = Arc::clone(&self.described);
        let describe = move || async move { described.lock().unwrap().clone().ok_or(StatusCode::NOT_FOUND) };
        let router = Router::new()
            .route("/jwks", get(answer))
            .route("/tenant/.well-known/openid-configuration", get(describe.clone()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        url.parse().unwrap()
    }

    fn says(&self, answer: Option<&str>) {
        *self.answer.lock().unwrap() = answer.map(str::to_owned);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn set(kids: &[&str]) -> String {
    let keys = kids
        .iter()
        .map(|kid| {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
            let key = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
            let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
            jwk.common.key_id = Some((*kid).to_owned());
            jwk
        })
        .collect();
    serde_json::to_string(&JwkSet { keys }).unwrap()
}

const HOUR: Duration = Duration::from_secs(3600);

fn pace(fresh: Duration, stale: Duration, between_fetches: Duration) -> Pace {
    Pace { fresh, stale, between_fetches }
}

#[tokio::test]
async fn a_key_that_is_not_known_is_looked_for_anew_and_not_at_any_rate_that_callers_like() {
    let issuer = Issuer::default();
    issuer.says(Some(&set(&["one"])));
    let source = KeySource::Url(issuer.start().await);
    let keys = Keys::load_at(NAME, source.clone(), pace(HOUR, HOUR, Duration::ZERO)).unwrap();
    assert!(keys.find(Some("one")).await.is_ok());
    assert!(keys.find(Some("one")).await.is_ok());
    assert_eq!(issuer.asked(), 1, "a fresh key is not fetched again");
    issuer.says(Some(&set(&["one", "two"])));
    assert!(keys.find(Some("two")).await.is_ok(), "a rotation is picked up");
    assert_eq!(issuer.asked(), 2);

    let bounded = Keys::load_at(NAME, source, pace(HOUR, HOUR, HOUR)).unwrap();
    for _ in 0..20 {
        assert!(matches!(bounded.find(Some("forged")).await, Err(KeyError::Unknown)));
    }
    assert_eq!(issuer.asked(), 3, "twenty forged ids are one fetch");
}

#[tokio::test]
async fn keys_serve_on_while_their_issuer_is_down_and_not_for_ever() {
    let issuer = Issuer::default();
    issuer.says(Some(&set(&["one"])));
    let source = KeySource::Url(issuer.start().await);
    let serving = Keys::load_at(NAME, source, pace(Duration::ZERO, HOUR, Duration::ZERO)).unwrap();
    let nowhere = KeySource::Url("http://127.0.0.1:1".parse().unwrap());
    let ended = Keys::load_at(NAME, nowhere, pace(Duration::ZERO, Duration::ZERO, HOUR)).unwrap();
    assert!(serving.find(Some("one")).await.is_ok());
    assert!(ended.fetch(ended.fetching.lock().await).await.is_err());
    *ended.known.write().await = Known { set: parse(set(&["one"]).as_bytes()).unwrap(), since: Some(Instant::now()) };
    issuer.says(None);
    for _ in 0..3 {
        assert!(serving.find(Some("one")).await.is_ok());
        // Also where no fetch is tried because the last one failed a moment ago.
        assert!(matches!(ended.find(Some("one")).await, Err(KeyError::Unavailable(_))));
    }
}

#[tokio::test]
async fn a_key_set_that_is_none_or_too_large_is_refused_and_the_old_one_stays() {
    let issuer = Issuer::default();
    issuer.says(Some(&set(&["one"])));
    let keys = Keys::load_at(NAME, KeySource::Url(issuer.start().await), pace(HOUR, HOUR, Duration::ZERO)).unwrap();
    assert!(keys.find(Some("one")).await.is_ok());
    let many: Vec<String> = (0..=KEYS_OF_AN_ISSUER).map(|at| at.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let large = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(usize::try_from(KEY_SET_BYTES).unwrap()));
    for wrong in ["", "{", "[]", r#"{"keys":[{"kty":"EC"}]}"#, &set(&many), &large] {
        issuer.says(Some(wrong));
        let shown = &wrong[..wrong.len().min(40)];
        assert!(matches!(keys.find(Some("two")).await, Err(KeyError::Unavailable(_))), "{shown}");
        assert!(keys.find(Some("one")).await.is_ok(), "{shown}");
    }
}

#[test]
fn a_key_file_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    for content in [None, Some("{"), Some(&*"x".repeat(usize::try_from(KEY_SET_BYTES).unwrap() + 1))] {
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let error = Keys::load(NAME, KeySource::File(file.clone())).err().unwrap().to_string();
        assert!(error.contains(&file.display().to_string()), "{error}");
    }
}

#[tokio::test]
async fn without_an_id_only_a_set_of_one_key_says_which() {
    let folder = tempfile::tempdir().unwrap();
    for (kids, found) in [(&["one"][..], true), (&["one", "two"][..], false)] {
        let file = folder.path().join("keys");
        std::fs::write(&file, set(kids)).unwrap();
        assert_eq!(Keys::load(NAME, KeySource::File(file)).unwrap().find(None).await.is_ok(), found);
    }
}

#[tokio::test]
async fn an_issuers_metadata_says_where_its_keys_are_and_only_for_itself() {
    let issuer = Issuer::default();
    issuer.says(Some(&set(&["one"])));
    let url = issuer.start().await;
    let at = url.join("/tenant").unwrap();
    let describe = |name: &str, keys: &str| {
        let metadata =
            serde_json::json!({ "issuer": name, "jwks_uri": keys, "token_endpoint": "https://login.test/token" });
        *issuer.described.lock().unwrap() = Some(metadata.to_string());
    };
    let keys = || Keys::load_at(NAME, KeySource::Metadata(at.clone()), pace(HOUR, HOUR, Duration::ZERO)).unwrap();
    describe(NAME, url.as_str());
    let known = keys();
    assert!(known.find(Some("one")).await.is_ok());
    assert!(known.find(Some("one")).await.is_ok());
    assert_eq!(issuer.asked(), 1, "a fresh key is not fetched again");

    let expected = |found: Result<DecodingKey, KeyError>| match found {
        Err(KeyError::Unavailable(why)) => why,
        other => panic!("{:?}", other.err()),
    };
    for (name, jwks_uri, why) in [
        ("https://login.test/", url.as_str(), "it is of another issuer"),
        ("https://evil.test", url.as_str(), "it is of another issuer"),
        (NAME, "http://login.test/jwks", "its jwks_uri is not https"),
        (NAME, "file:///etc/passwd", "its jwks_uri is not https"),
        (NAME, "jwks", "not JSON with issuer and jwks_uri"),
    ] {
        describe(name, jwks_uri);
        let said = expected(keys().find(Some("one")).await);
        assert_eq!(said, format!("the issuer's metadata: {why}"), "{name} {jwks_uri}");
    }
    *issuer.described.lock().unwrap() = Some("x".repeat(usize::try_from(METADATA_BYTES).unwrap() + 1));
    assert!(expected(keys().find(Some("one")).await).contains("over "));
    *issuer.described.lock().unwrap() = None;
    assert_eq!(expected(keys().find(Some("one")).await), "the issuer's metadata: there is none");
    assert_eq!(issuer.asked(), 1, "nobody's keys were taken");
    assert!(known.find(Some("one")).await.is_ok(), "what is known stays");
}
