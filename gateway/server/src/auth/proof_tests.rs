#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::auth::prover::{Prover, claims, encode};

const NOW: u64 = 1_700_000_000;
const ADDRESS: &str = "https://dialog.example.no/v1/me/dialogs";
const TOKEN: &str = "a.token.here";

fn good() -> Value {
    claims("POST", ADDRESS, TOKEN, NOW)
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = good();
    claims[name] = value;
    claims
}

fn checked(key: Thumbprint, proof: &[u8]) -> Result<Proof, ProofError> {
    let target = Target::parse(ADDRESS).unwrap();
    check(proof, &Expected { method: &Method::POST, target: &target, token: TOKEN, key, now: NOW })
}

#[test]
fn a_proof_by_each_kind_of_key_is_accepted_for_its_own_request() {
    for prover in Prover::all() {
        let proof = prover.sign(&prover.header(), &with("nonce", json!("a nonce")));
        let accepted = checked(prover.thumbprint(), proof.as_bytes()).unwrap();
        assert_eq!((accepted.issued, accepted.nonce.as_deref()), (NOW, Some("a nonce")));
    }
    let prover = Prover::p256();
    let same_id =
        |claims: &Value| checked(prover.thumbprint(), prover.sign(&prover.header(), claims).as_bytes()).unwrap().id;
    let (one, other) = (good(), good());
    assert_eq!(same_id(&one), same_id(&one), "another signature of the same proof is the same proof");
    assert_ne!(same_id(&one), same_id(&other));
}

#[test]
fn each_claim_that_is_not_as_expected_is_told_apart() {
    let prover = Prover::p256();
    for (claims, expected) in [
        (with("htm", json!("GET")), ProofError::Method),
        (with("htm", json!("post")), ProofError::Method),
        (with("htu", json!("https://dialog.example.no/v1/me/dialogs/x")), ProofError::Target),
        (with("htu", json!("https://evil.test/v1/me/dialogs")), ProofError::Target),
        (with("htu", json!("/v1/me/dialogs")), ProofError::Target),
        (with("ath", json!(encode(Sha256::digest("another.token.here")))), ProofError::Token),
        (with("ath", json!("")), ProofError::Token),
        (with("ath", Value::Null), ProofError::Token),
        (with("iat", json!(NOW - PROOF_PAST_SECONDS - 1)), ProofError::Time),
        (with("iat", json!(NOW + PROOF_FUTURE_SECONDS + 1)), ProofError::Time),
        (with("iat", json!(0)), ProofError::Time),
        (with("iat", json!(-1)), ProofError::Time),
        (with("iat", json!(1e300)), ProofError::Time),
        (with("iat", json!(u64::MAX)), ProofError::Time),
        (with("jti", json!("")), ProofError::Id),
        (with("jti", json!("x".repeat(PROOF_ID_BYTES + 1))), ProofError::Id),
        (with("iat", json!(NOW.to_string())), ProofError::Malformed),
        (with("jti", json!(7)), ProofError::Malformed),
        (with("nonce", json!(7)), ProofError::Malformed),
        (json!([]), ProofError::Malformed),
        (json!({}), ProofError::Malformed),
    ] {
        let proof = prover.sign(&prover.header(), &claims);
        assert_eq!(checked(prover.thumbprint(), proof.as_bytes()), Err(expected), "{claims}");
    }
    for good in [
        with("iat", json!(NOW - PROOF_PAST_SECONDS)),
        with("iat", json!(NOW + PROOF_FUTURE_SECONDS)),
        with("iat", json!(1_700_000_000.75)),
        with("htu", json!("https://DIALOG.example.no:443/v1/me/dialogs?a=b#c")),
        with("jti", json!("x".repeat(PROOF_ID_BYTES))),
        with("another", json!({ "claim": [1, 2] })),
    ] {
        let proof = prover.sign(&prover.header(), &good);
        assert!(checked(prover.thumbprint(), proof.as_bytes()).is_ok(), "{good}");
    }
}

#[test]
fn a_header_of_something_else_is_refused_whoever_signed() {
    let prover = Prover::p256();
    let with = |name: &str, value: Value| {
        let mut header = prover.header();
        header[name] = value;
        header
    };
    let mut private = prover.jwk();
    private["d"] = json!(encode([7; 32]));
    for (header, expected) in [
        (with("typ", json!("JWT")), ProofError::Type),
        (with("typ", json!("at+jwt")), ProofError::Type),
        (with("typ", Value::Null), ProofError::Malformed),
        (with("alg", json!("none")), ProofError::Key(BadKey::Algorithm)),
        (with("alg", json!("HS256")), ProofError::Key(BadKey::Algorithm)),
        (with("alg", json!("ES384")), ProofError::Key(BadKey::Algorithm)),
        (with("alg", json!("RS256")), ProofError::Key(BadKey::Algorithm)),
        (with("jwk", private), ProofError::Key(BadKey::Private)),
        (with("jwk", json!({ "kty": "oct", "k": "AAAA" })), ProofError::Key(BadKey::Private)),
        (with("jwk", json!({ "kty": "EC", "crv": "P-384", "x": "AA", "y": "AA" })), ProofError::Key(BadKey::Kind)),
        (with("jwk", Value::Null), ProofError::Malformed),
        (with("jwk", Prover::p256().jwk()), ProofError::OtherKey),
        (with("crit", json!(["exp"])), ProofError::Extension),
        (with("b64", json!(false)), ProofError::Extension),
        (json!("dpop+jwt"), ProofError::Malformed),
    ] {
        let proof = prover.sign(&header, &good());
        assert_eq!(checked(prover.thumbprint(), proof.as_bytes()), Err(expected), "{header}");
    }
    for good_type in ["dpop+jwt", "DPoP+JWT", "application/dpop+jwt"] {
        let proof = prover.sign(&with("typ", json!(good_type)), &good());
        assert!(checked(prover.thumbprint(), proof.as_bytes()).is_ok(), "{good_type}");
    }
}

#[test]
fn a_claim_or_a_header_that_is_there_twice_is_refused() {
    let prover = Prover::p256();
    let (header, claims) = (prover.header().to_string(), good().to_string());
    let twice = |text: &str, member: &str| text.replacen('{', &format!("{{{member},"), 1);
    for (header, claims) in [
        (twice(&header, r#""alg":"none""#), claims.clone()),
        (header.clone(), twice(&claims, r#""htm":"GET""#)),
        (header.clone(), twice(&claims, r#""jti":"another""#)),
    ] {
        let proof = prover.sign_text(&header, &claims);
        assert_eq!(checked(prover.thumbprint(), proof.as_bytes()), Err(ProofError::Malformed), "{header} {claims}");
    }
}

#[test]
fn a_signature_counts_for_what_was_signed_alone() {
    for (prover, other) in Prover::all().into_iter().zip(Prover::all()) {
        let proof = prover.sign(&prover.header(), &good());
        let (message, signature) = proof.rsplit_once('.').unwrap();
        let header = message.split_once('.').unwrap().0;
        let (_, others) =
            other.sign(&prover.header(), &good()).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let later = encode(with("iat", json!(NOW + 1)).to_string());
        for forged in [
            format!("{message}.{others}"),
            format!("{header}.{later}.{signature}"),
            format!("{message}."),
            format!("{message}.{}", encode([0; 64])),
        ] {
            let refused = checked(prover.thumbprint(), forged.as_bytes());
            assert_eq!(refused, Err(ProofError::Signature), "{}", prover.algorithm());
        }
        for cut in [message, &format!("{proof}="), &format!("{proof}."), &format!(".{proof}"), "", ".", ".."] {
            assert!(checked(prover.thumbprint(), cut.as_bytes()).is_err(), "{cut}");
        }
    }
}

#[test]
fn a_proof_that_is_too_long_is_not_looked_at() {
    let prover = Prover::p256();
    let long = with("padding", json!("x".repeat(PROOF_BYTES)));
    let proof = prover.sign(&prover.header(), &long);
    assert_eq!(checked(prover.thumbprint(), proof.as_bytes()), Err(ProofError::Malformed));
}

proptest! {
    #[test]
    fn any_bytes_as_a_proof_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(checked(Thumbprint::of(b""), &bytes).is_err());
    }

    #[test]
    fn any_json_in_a_proof_is_refused_without_a_panic(
        header in "\\PC{0,60}", claims in "\\PC{0,60}", signature in "[A-Za-z0-9_-]{0,90}",
    ) {
        let proof = format!("{}.{}.{signature}", encode(&header), encode(&claims));
        prop_assert!(checked(Thumbprint::of(b""), proof.as_bytes()).is_err());
    }

    #[test]
    fn a_good_proof_with_any_byte_changed_is_none(at in 0_usize..400, to in any::<u8>()) {
        let prover = Prover::p256();
        let mut proof = prover.sign(&prover.header(), &good()).into_bytes();
        let at = at % proof.len();
        prop_assume!(proof[at] != to);
        proof[at] = to;
        prop_assert!(checked(prover.thumbprint(), &proof).is_err());
    }
}
