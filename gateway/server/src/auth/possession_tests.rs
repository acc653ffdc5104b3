#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use serde_json::json;

use super::*;
use crate::{
    auth::prover::{Prover, claims},
    limits::{NONCE_SECONDS, PROOF_PAST_SECONDS},
};

const START: u64 = 1_700_000_000;
/// Past the time that an earlier process may have seen.
const NOW: u64 = START + 100;
const TOKEN: &str = "a.token.here";
const ADDRESS: &str = "https://dialog.example.no/v1/limits";

struct Caller {
    prover: Prover,
    scheme: Scheme,
    confirmation: Confirmation,
    certificate: Option<CertificateDer<'static>>,
    bearer: bool,
}

impl Caller {
    fn proving() -> Self {
        let prover = Prover::p256();
        let confirmation = Confirmation { key: Some(prover.thumbprint()), certificate: None };
        Self { prover, scheme: Scheme::Dpop, confirmation, certificate: None, bearer: false }
    }

    fn bearing(confirmation: Confirmation) -> Self {
        Self { scheme: Scheme::Bearer, confirmation, ..Self::proving() }
    }

    fn proof(&self, at: u64, nonce: Option<&str>) -> Vec<u8> {
        let mut claims = claims("GET", ADDRESS, TOKEN, at);
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        self.prover.sign(&self.prover.header(), &claims).into_bytes()
    }

    fn shows(&self, possession: &Possession, proofs: &[&[u8]], now: u64) -> Result<Option<String>, NotPossessed> {
        let presented = Presented {
            scheme: self.scheme,
            token: TOKEN,
            proofs,
            certificate: self.certificate.as_ref(),
            method: &Method::GET,
            base: &"https://dialog.example.no".parse().unwrap(),
            uri: &"/v1/limits?a=b".parse().unwrap(),
        };
        possession.check(&presented, &self.confirmation, self.bearer, now)
    }
}

fn certificate(of: &[u8]) -> CertificateDer<'static> {
    CertificateDer::from(of.to_vec())
}

fn bound_to(certificate: &CertificateDer<'_>) -> Confirmation {
    Confirmation { key: None, certificate: Some(Thumbprint::of_certificate(certificate)) }
}

#[test]
fn a_bound_token_is_accepted_with_its_proof_once() {
    let (possession, caller) = (Possession::new(START).unwrap(), Caller::proving());
    let proof = caller.proof(NOW, None);
    assert_eq!(caller.shows(&possession, &[&proof], NOW), Ok(None));
    for later in [0, 1, PROOF_PAST_SECONDS] {
        assert_eq!(caller.shows(&possession, &[&proof], NOW + later), Err(NotPossessed::Replayed), "{later}");
    }
    let later = caller.shows(&possession, &[&proof], NOW + PROOF_PAST_SECONDS + 1);
    assert_eq!(later, Err(NotPossessed::Proof(ProofError::Time)));
    assert_eq!(caller.shows(&possession, &[&caller.proof(NOW, None)], NOW), Ok(None), "another proof is another");
}

#[test]
fn a_token_without_the_key_it_is_bound_to_is_of_no_use() {
    let (possession, thief) = (Possession::new(START).unwrap(), Prover::p256());
    let mut caller = Caller::proving();
    let own = caller.proof(NOW, None);
    assert_eq!(caller.shows(&possession, &[], NOW), Err(NotPossessed::NotOneProof));
    assert_eq!(caller.shows(&possession, &[&own, &own], NOW), Err(NotPossessed::NotOneProof));
    caller.scheme = Scheme::Bearer;
    for bearer in [false, true] {
        caller.bearer = bearer;
        assert_eq!(
            caller.shows(&possession, &[&own], NOW),
            Err(NotPossessed::BoundToKey),
            "also where bearer is taken"
        );
    }
    caller.scheme = Scheme::Dpop;
    caller.prover = thief;
    let stolen = caller.proof(NOW, None);
    assert_eq!(caller.shows(&possession, &[&stolen], NOW), Err(NotPossessed::Proof(ProofError::OtherKey)));
}

#[test]
fn an_unbound_token_is_accepted_only_where_the_operator_says_so_and_never_as_a_bound_one() {
    let possession = Possession::new(START).unwrap();
    let mut caller = Caller::bearing(Confirmation::default());
    assert_eq!(caller.shows(&possession, &[], NOW), Err(NotPossessed::Unbound));
    caller.bearer = true;
    assert_eq!(caller.shows(&possession, &[], NOW), Ok(None));
    caller.scheme = Scheme::Dpop;
    let proof = caller.proof(NOW, None);
    assert_eq!(caller.shows(&possession, &[&proof], NOW), Err(NotPossessed::NotBoundToKey));
}

#[test]
fn a_token_bound_to_a_certificate_is_accepted_on_its_connection_alone() {
    let possession = Possession::new(START).unwrap();
    let (own, other) = (certificate(b"own"), certificate(b"other"));
    let mut caller = Caller::bearing(bound_to(&own));
    for (shown, expected) in [
        (Some(own.clone()), Ok(None)),
        (Some(other), Err(NotPossessed::Certificate)),
        (None, Err(NotPossessed::Certificate)),
    ] {
        caller.certificate = shown;
        for bearer in [false, true] {
            caller.bearer = bearer;
            assert_eq!(caller.shows(&possession, &[], NOW), expected);
        }
    }
    // Bound to both, it needs both.
    let mut caller = Caller::proving();
    caller.confirmation.certificate = bound_to(&own).certificate;
    let proof = caller.proof(NOW, None);
    assert_eq!(caller.shows(&possession, &[&proof], NOW), Err(NotPossessed::Certificate));
    caller.certificate = Some(own);
    assert_eq!(caller.shows(&possession, &[&proof], NOW), Ok(None));
    caller.scheme = Scheme::Bearer;
    assert_eq!(caller.shows(&possession, &[], NOW), Err(NotPossessed::BoundToKey));
}

fn challenged(answer: Result<Option<String>, NotPossessed>) -> String {
    match answer {
        Err(NotPossessed::NeedsNonce { nonce }) => nonce,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_proof_that_an_earlier_process_may_have_seen_needs_a_nonce() {
    let (before, caller) = (Possession::new(START - 50).unwrap(), Caller::proving());
    // Dated ahead by as much as is tolerated, shown at the last moment of the process before.
    let captured = caller.proof(START + PROOF_FUTURE_SECONDS, None);
    assert_eq!(caller.shows(&before, &[&captured], START), Ok(None));
    let after = Possession::new(START).unwrap();
    for later in 0..=PROOF_PAST_SECONDS {
        challenged(caller.shows(&after, &[&captured], START + later));
    }
    // One with a nonce of the process before was made before.
    let old = challenged(caller.shows(&before, &[&caller.proof(START - 50, None)], START - 50));
    let captured = caller.proof(START + PROOF_FUTURE_SECONDS, Some(&old));
    assert_eq!(caller.shows(&before, &[&captured], START), Ok(None));
    let nonce = challenged(caller.shows(&after, &[&captured], START + PROOF_FUTURE_SECONDS));
    // With one of this process it was made since, and is itself shown once.
    let proof = caller.proof(START, Some(&nonce));
    assert_eq!(caller.shows(&after, &[&proof], START + 1), Ok(None));
    assert_eq!(caller.shows(&after, &[&proof], START + 1), Err(NotPossessed::Replayed));
    // And what was made later needs none.
    let fresh = START + PROOF_FUTURE_SECONDS + 1;
    assert_eq!(caller.shows(&after, &[&caller.proof(fresh, None)], fresh), Ok(None));
}

#[test]
fn whoever_uses_nonces_gets_the_next_one_in_time() {
    let (possession, caller) = (Possession::new(START).unwrap(), Caller::proving());
    let mut nonce = challenged(caller.shows(&possession, &[&caller.proof(START, None)], START));
    for at in (START..START + 10 * NONCE_SECONDS).step_by(60) {
        let next = caller.shows(&possession, &[&caller.proof(at, Some(&nonce))], at).unwrap();
        if let Some(next) = next {
            assert_ne!(next, nonce);
            nonce = next;
        }
    }
    let late = START + 20 * NONCE_SECONDS;
    challenged(caller.shows(&possession, &[&caller.proof(late, Some(&nonce))], late));
    challenged(caller.shows(&possession, &[&caller.proof(late, Some("a nonce of my own"))], late));
}
