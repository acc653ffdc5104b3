//! Proofs of possession (DPoP), what they are for, and the thumbprints that tokens name keys and certificates by.
//!
//! What is promised: a proof holds for the key, method, address, token and time that stand in it and for no other, once;
//! of a key that comes with its private half nothing is taken; an address has one form, which is nobody else's; what is
//! refused is refused in words that hold nothing of the proof.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use dialog_gateway::auth::{
    claims::Confirmation,
    possession::{NotPossessed, Possession, Presented, Scheme},
    proof::{Expected, check},
    target::Target,
    thumbprint::Thumbprint,
};
use http::{Method, Uri};
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use crate::{
    input::{Input, repeats},
    seal,
    seeds::of_kind,
};

/// Number of the caller's key.
const CALLER: u8 = 5;

const TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.e30.AAAA";
const BASE: &str = "https://dialog.example.no";
const ADDRESS: &str = "https://dialog.example.no/v1/me/dialogs";

/// Seconds since 1970: the time of everything here.
const NOW: u64 = 1_800_000_000;

/// One input.
pub fn drive(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 5 {
        0 => whole(input.rest()),
        1 => signed(input),
        2 => target(&String::from_utf8_lossy(input.rest())),
        3 => thumbprint(input.rest()),
        _ => shown(input),
    }
}

fn jwk() -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "x": seal::x(CALLER) })
}

fn header() -> Value {
    json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk() })
}

fn claims() -> Value {
    json!({ "jti": "one", "htm": "GET", "htu": ADDRESS, "iat": NOW, "ath": ath() })
}

fn ath() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(TOKEN))
}

/// RFC 7638 and RFC 8037, written out.
fn key() -> Thumbprint {
    Thumbprint::of(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, seal::x(CALLER)).as_bytes())
}

fn given() -> String {
    seal::token(CALLER, header().to_string().as_bytes(), claims().to_string().as_bytes())
}

fn held(text: &[u8], method: &Method, target: &Target) -> bool {
    let expected = Expected { method, target, token: TOKEN, key: key(), now: NOW };
    match check(text, &expected) {
        Ok(proof) => {
            assert!(proof.issued.abs_diff(NOW) <= 600, "from {}", proof.issued);
            true
        }
        Err(error) => {
            assert!(!repeats(&format!("{error} {error:?}"), &String::from_utf8_lossy(text)), "{error}");
            false
        }
    }
}

fn address() -> Target {
    Target::parse(ADDRESS).expect("an address")
}

/// A proof as it comes.
fn whole(text: &[u8]) {
    if held(text, &Method::GET, &address()) {
        assert_eq!(text, given().as_bytes(), "the caller never signed this");
    }
}

/// Header and claims of the input's, signed by the caller.
fn signed(mut input: Input<'_>) {
    let (header, claims) = (input.line(), input.rest());
    let text = seal::token(CALLER, header, claims);
    if !held(text.as_bytes(), &Method::GET, &address()) {
        return;
    }
    let header: Value = serde_json::from_slice(header).expect("a header is JSON");
    let claims: Value = serde_json::from_slice(claims).expect("claims are JSON");
    let typ = header["typ"].as_str().unwrap_or_default().to_ascii_lowercase();
    assert!(typ == "dpop+jwt" || typ == "application/dpop+jwt");
    assert!(header["crit"].is_null() && header["b64"].is_null());
    assert!(["EdDSA", "Ed25519"].contains(&header["alg"].as_str().unwrap_or_default()));
    let jwk = &header["jwk"];
    assert_eq!(
        (&jwk["kty"], &jwk["crv"], jwk["x"].as_str()),
        (&json!("OKP"), &json!("Ed25519"), Some(seal::x(CALLER).as_str()))
    );
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        assert!(jwk[member].is_null(), "a private key in a header");
    }
    assert_eq!((&claims["htm"], claims["ath"].as_str()), (&json!("GET"), Some(ath().as_str())));
    let url: Url = claims["htu"].as_str().unwrap_or_default().parse().expect("an address is a URL");
    assert_eq!(url.origin(), ADDRESS.parse::<Url>().expect("a URL").origin(), "it is for another server");
    assert!(url.username().is_empty() && url.password().is_none());
    assert!(claims["iat"].as_f64().is_some_and(|at| (at - NOW as f64).abs() <= 600.0));
    assert!(claims["jti"].as_str().is_some_and(|id| !id.is_empty() && id.len() <= 1024));
    // For another method, address, token, key or time it is none.
    assert!(!held(text.as_bytes(), &Method::POST, &address()));
    assert!(!held(
        text.as_bytes(),
        &Method::GET,
        &Target::parse("https://dialog.example.no/v1/me").expect("an address")
    ));
    let target = address();
    let expected = Expected { method: &Method::GET, target: &target, token: TOKEN, key: key(), now: NOW };
    for other in [
        Expected { token: "other", ..expected },
        Expected { key: Thumbprint::of(b"other"), ..expected },
        Expected { now: NOW + 10_000, ..expected },
        Expected { now: NOW - 10_000, ..expected },
    ] {
        assert!(check(text.as_bytes(), &other).is_err());
    }
}

/// What stands inside a target: it prints itself.
fn inner(target: &Target) -> String {
    format!("{target:?}").trim_start_matches("Target(\"").trim_end_matches("\")").replace("\\\"", "\"")
}

fn target(text: &str) {
    if let Some(target) = Target::parse(text) {
        let form = inner(&target);
        assert!(form.starts_with("http://") || form.starts_with("https://"), "{form}");
        assert!(!form.contains(['?', '#', '\\']) && form.is_ascii(), "{form}");
        assert_eq!(Target::parse(&form), Some(target), "its form is another's");
    }
    for base in [BASE, "https://example.no:8443/dialog/"] {
        let base: Url = base.parse().expect("a base is a URL");
        let Ok(uri) = text.parse::<Uri>() else { continue };
        let Some(asked) = Target::of(&base, &uri) else { continue };
        let form = inner(&asked);
        // Whatever the request says, and whomever it names in it, the address is the gateway's own.
        let server =
            format!("https://{}:{}/", base.host_str().unwrap_or_default(), base.port_or_known_default().unwrap_or(0));
        assert!(form.starts_with(&server), "{form} is not at {server}");
        let said = format!("{}{}", base.as_str().trim_end_matches('/'), uri.path());
        assert_eq!(Target::parse(&said), Some(asked), "what a caller says of the same address is another");
    }
}

fn thumbprint(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(print) = Thumbprint::parse(&text) {
        assert_eq!(print.to_string(), text, "a thumbprint with two spellings");
        assert_eq!(URL_SAFE_NO_PAD.decode(text.as_bytes()).ok().as_deref(), Some(print.bytes().as_slice()));
    }
    let certificate = CertificateDer::from(bytes.to_vec());
    let print = Thumbprint::of_certificate(&certificate);
    assert_eq!(print.bytes().as_slice(), Sha256::digest(bytes).as_slice());
    assert_eq!(Thumbprint::parse(&print.to_string()), Some(print));
}

/// A right proof, shown twice, and what else came with the token.
fn shown(mut input: Input<'_>) {
    let how = input.byte();
    let (id, nonce) = (input.text(), input.optional_text());
    let mut said = claims();
    said["jti"] = json!(id);
    if let Some(nonce) = nonce {
        said["nonce"] = json!(nonce);
    }
    let text = seal::token(CALLER, header().to_string().as_bytes(), said.to_string().as_bytes());
    let certificate = CertificateDer::from(input.rest().to_vec());
    let bound = (how & 2 != 0).then(|| Thumbprint::of(if how & 4 != 0 { input.rest() } else { b"other" }));
    let confirmation = Confirmation { key: (how & 8 == 0).then(key), certificate: bound };
    let possession = Possession::new(NOW - 1_000).expect("there is randomness");
    let (base, uri) = (BASE.parse().expect("a URL"), Uri::from_static("/v1/me/dialogs?status=open"));
    let presented = Presented {
        scheme: if how & 16 != 0 { Scheme::Bearer } else { Scheme::Dpop },
        token: TOKEN,
        proofs: &[text.as_bytes()],
        certificate: (how & 32 != 0).then_some(&certificate),
        method: &Method::GET,
        base: &base,
        uri: &uri,
    };
    match possession.check(&presented, &confirmation, false, NOW) {
        Ok(_) => {
            assert!(
                confirmation.key.is_some() || confirmation.certificate.is_some(),
                "a token that is bound to nothing"
            );
            if let Some(bound) = confirmation.certificate {
                assert_eq!(
                    presented.certificate.map(Thumbprint::of_certificate),
                    Some(bound),
                    "without its certificate"
                );
            }
            assert_eq!(presented.scheme == Scheme::Dpop, confirmation.key.is_some(), "without its proof");
            if presented.scheme == Scheme::Dpop {
                let again = possession.check(&presented, &confirmation, false, NOW);
                assert_eq!(again, Err(NotPossessed::Replayed), "a proof is shown twice");
            }
        }
        // The nonce in the error is the gateway's own.
        Err(NotPossessed::NeedsNonce { nonce }) => assert!(!said.to_string().contains(&nonce)),
        Err(error) => assert!(!repeats(&format!("{error} {error:?}"), &text), "{error}"),
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![of_kind(0, given())];
    let edit = |mut value: Value, member: &str, to: Value| {
        value[member] = to;
        value
    };
    for (header, claims) in [
        (header(), claims()),
        (edit(header(), "typ", json!("application/DPoP+jwt")), edit(claims(), "iat", json!(1_800_000_000.5))),
        (
            edit(header(), "alg", json!("Ed25519")),
            edit(claims(), "htu", json!("HTTPS://Dialog.example.NO:443/v1/%6de/x/../dialogs?a#b")),
        ),
        (edit(header(), "crit", json!(["b64"])), claims()),
        (
            edit(
                header(),
                "jwk",
                json!({ "kty": "EC", "crv": "P-256", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA" }),
            ),
            claims(),
        ),
        (edit(header(), "jwk", edit(jwk(), "d", json!("AAAA"))), claims()),
        (edit(header(), "jwk", edit(jwk(), "use", json!("sig"))), edit(claims(), "nonce", json!("n"))),
        (header(), edit(claims(), "iat", json!(1_799_999_000))),
        (header(), edit(claims(), "htu", json!("https://user:word@dialog.example.no/v1/me/dialogs"))),
        (header(), edit(claims(), "ath", json!("x"))),
    ] {
        seeds.push(of_kind(1, format!("{header}\n{claims}")));
    }
    for text in [
        ADDRESS,
        "https://dialog.example.no/v1/%2e%2e/%C3%A5/%2f;x",
        "/v1/limits?a=b",
        "//evil.test/v1",
        "/v1/../../x",
        "*",
        "http://[::1]:80/%",
        "https://example.no\\@evil.test/",
        "https://ex%41mple.no/\u{e5}",
        "/@evil.test:80/x",
        "evil.test:443",
    ] {
        seeds.push(of_kind(2, text));
    }
    seeds.push(of_kind(3, key().to_string()));
    for how in [0, 1, 2 | 4 | 32, 2 | 32, 8, 16, 16 | 8 | 2 | 4 | 32, 2 | 4 | 32 | 16] {
        seeds.push(of_kind(4, [&[how], b"id\n\0certificate".as_slice()].concat()));
        seeds.push(of_kind(4, [&[how], b"id\n\x01nonce\ncertificate".as_slice()].concat()));
    }
    seeds
}
