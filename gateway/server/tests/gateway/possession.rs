use std::sync::Arc;

use axum::Extension;
use dialog_gateway::{auth::thumbprint::Thumbprint, http::routes, listener::Listener, tls::peer::Peer};
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};

use crate::{
    prover::Prover,
    support::{Folder, House, claims, send},
};

const ROUTE: &str = "GET /v1/me/practice";

/// A house whose issuer's tokens must be bound to something.
async fn strict(edit: impl FnOnce(&mut Value)) -> House {
    House::open_with(Folder::new(), |config| {
        config["issuers"][0]["bearer"] = json!(false);
        edit(config);
    })
    .await
}

fn bound(house: &House, cnf: Value) -> String {
    let mut claims = claims();
    claims["cnf"] = cnf;
    house.folder.issuer.sign(&claims)
}

#[tokio::test]
async fn a_new_process_asks_for_a_nonce_once_and_tells_each_refusal_apart() {
    let house = strict(|_| {}).await;
    let prover = Prover::new();
    let token = bound(&house, prover.confirmation());
    let get = || house.http.get(house.url("/v1/me/practice"));
    let shown = |proof: &str| get().header("authorization", format!("DPoP {token}")).header("dpop", proof);
    let address = "https://dialog.test/v1/me/practice";

    // The process has just started: a proof of this second may have been shown to the one before.
    let first = send(shown(&prover.prove("GET", address, Some(&token))), ROUTE).await;
    assert_eq!(first.header("www-authenticate"), "DPoP error=\"use_dpop_nonce\", algs=\"ES256 EdDSA PS256\"");
    assert_eq!(first.header("dpop-nonce").len(), 32);
    assert_eq!(prover.send(get, &token, ROUTE).await.status, 200);
    let again = prover.prove("GET", address, Some(&token));
    assert_eq!(send(shown(&again), ROUTE).await.status, 200, "the nonce is good for more than one");
    for (request, error) in [
        (shown(&again), "invalid_dpop_proof"),
        (shown(&prover.prove("POST", address, Some(&token))), "invalid_dpop_proof"),
        (shown(&prover.prove("GET", address, None)), "invalid_dpop_proof"),
        (shown("x.y.z"), "invalid_dpop_proof"),
        (get().header("authorization", format!("DPoP {token}")), "invalid_dpop_proof"),
        (get().bearer_auth(&token), "invalid_token"),
        (get().bearer_auth(house.folder.issuer.citizen()), "invalid_token"),
        (get().bearer_auth("x.y.z"), "invalid_token"),
    ] {
        let reply = send(request, ROUTE).await;
        let expected = format!("DPoP error=\"{error}\", algs=\"ES256 EdDSA PS256\"");
        assert_eq!((reply.status, reply.header("www-authenticate")), (401, expected.as_str()));
    }
    let none = send(get(), ROUTE).await;
    assert_eq!(none.header("www-authenticate"), "DPoP algs=\"ES256 EdDSA PS256\"");

    let records = house.records().await;
    let why = |kind: &str| {
        let of_kind = records.iter().filter(|record| record["kind"] == kind && !record["details"]["why"].is_null());
        of_kind.map(|record| record["details"]["why"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(why("outcome"), ["the proof needs a nonce of this process"; 2]);
    assert_eq!(
        why("token-refused"),
        [
            "the proof was shown before",
            "the proof is for another method",
            "the proof is for another token, or names none",
            "the proof is no signed JWT with the claims of one, or over 8192 bytes",
            "there is not exactly one DPoP header",
            "the token is bound to a key and came without a proof of it",
            "the token is bound to no key, and its issuer's tokens are not accepted without",
            "not a JSON Web Token",
            "there is not exactly one Authorization header",
        ]
    );
}

#[tokio::test]
async fn operators_prove_for_the_address_at_which_they_reach_their_listener() {
    let house = strict(|config| config["operations"] = json!({ "public-url": "https://dialog.test/" })).await;
    let elsewhere = strict(|config| config["operations"] = json!({ "public-url": "https://operations.test" })).await;
    for (house, expected) in [(house, 200), (elsewhere, 401)] {
        let prover = Prover::new();
        let mut operator = claims();
        operator["scope"] = json!("dialog:operator");
        operator["cnf"] = prover.confirmation();
        let token = house.folder.issuer.sign(&operator);
        let reply = prover.send(|| house.at_operations("/unreadable"), &token, "GET /unreadable").await;
        assert_eq!(reply.status, expected, "{}", reply.body);
    }
}

#[tokio::test]
async fn a_token_bound_to_a_certificate_is_accepted_on_a_connection_that_has_it() {
    let house = strict(|_| {}).await;
    let certificate = |of: &[u8]| CertificateDer::from(of.to_vec());
    let own = Thumbprint::of_certificate(&certificate(b"own")).to_string();
    let token = bound(&house, json!({ "x5t#S256": own }));
    for (shown, status) in [(Some(certificate(b"own")), 200), (Some(certificate(b"other")), 401), (None, 401)] {
        // As the listener would, once TLS has verified it.
        let router = routes::portal()
            .into_router(Arc::clone(&house.gateway))
            .layer(Extension(Peer { encrypted: true, certificate: shown }));
        let listener = Listener::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let url = format!("http://{}/v1/me/practice", listener.address);
        listener.serve(router, house.gateway.stop.clone());
        assert_eq!(send(house.http.get(url).bearer_auth(&token), ROUTE).await.status, status);
    }
}
