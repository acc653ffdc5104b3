//! Access tokens: garbage, and whatever can stand in a token that its issuer signed.
//!
//! What is promised: nobody's token but the issuer's is accepted, and of the issuer's none that is for others, over, of
//! another kind or by another algorithm; what is taken out of it is what stands there, read here a second time; what is
//! refused is refused in words that hold nothing of the token.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
    time::{SystemTime, UNIX_EPOCH},
};

use dialog_contract::ids::NationalIdentityNumber;
use dialog_gateway::auth::{
    claims::Claims,
    verifier::{IssuerConfig, TokenError, Verifier},
};
use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::{
    input::{Input, repeats},
    seal,
    seeds::of_kind,
};

/// Number of the issuer's key, and of one that is not for signatures.
const ISSUER: u8 = 3;
const OTHER: u8 = 4;

const NAME: &str = "https://login.example";
const AUDIENCE: &str = "https://dialog.example";

/// 2100-01-01.
const FAR: u64 = 4_102_444_800;

/// A citizen who does not exist, and another.
const PID: &str = "14838541241";
const CHILD: &str = "20881780195";

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = folder.path().join("keys.json");
    let key = |kid: &str, number, what: &str| json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "use": what, "x": seal::x(number) });
    let keys = json!({ "keys": [key("one", ISSUER, "sig"), key("two", OTHER, "enc")] });
    std::fs::write(&path, keys.to_string()).expect("the file can be written");
    let issuer = |name: &str, algorithm: &str| -> IssuerConfig {
        let config = json!({
            "issuer": name, "audiences": [AUDIENCE], "keys": { "file": path }, "algorithms": [algorithm],
        });
        serde_json::from_value(config).expect("an issuer")
    };
    Verifier::new(vec![issuer(NAME, "EdDSA"), issuer("https://other.example", "ES256")]).expect("a verifier")
});

/// The one token that the fuzzer is given whole.
fn given() -> String {
    let claims = json!({ "iss": NAME, "aud": AUDIENCE, "exp": FAR, "client_id": "portal", "pid": PID });
    seal::token(ISSUER, header().as_bytes(), claims.to_string().as_bytes())
}

fn header() -> String {
    json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "one" }).to_string()
}

/// One input.
pub fn drive(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 4 {
        0 => whole(&String::from_utf8_lossy(input.rest())),
        1 => signed(ISSUER, input),
        2 => signed(OTHER, input),
        _ => spoilt(input),
    }
}

fn verify(token: &str) -> Result<Arc<Claims>, TokenError> {
    VERIFIER.verify(token).now_or_never().expect("keys in a file are at hand")
}

/// A token as it comes.
fn whole(token: &str) {
    match verify(token) {
        Ok(_) => assert_eq!(token, given(), "the issuer never signed this"),
        Err(error) => assert!(!repeats(&format!("{error} {error:?}"), token), "{error}"),
    }
}

/// The token that was given, with one byte changed.
fn spoilt(mut input: Input<'_>) {
    let token = given();
    let mut bytes = token.clone().into_bytes();
    let at = input.below(bytes.len());
    bytes[at] = input.byte() & 0x7f;
    if let Ok(changed) = String::from_utf8(bytes) {
        assert_eq!(verify(&changed).is_ok(), changed == token, "a token with a second spelling");
    }
}

/// Header and claims of the input's, signed.
fn signed(key: u8, mut input: Input<'_>) {
    let (header, claims) = (input.line(), input.rest());
    let token = seal::token(key, header, claims);
    match verify(&token) {
        Ok(read) => {
            assert_eq!(key, ISSUER, "a key that is not for signatures verifies");
            let header: Value = serde_json::from_slice(header).expect("a header is JSON");
            let claims: Value = serde_json::from_slice(claims).expect("claims are JSON");
            kind(&header);
            times(&claims);
            same(&read, &claims);
        }
        Err(error) => {
            let claims = String::from_utf8_lossy(claims);
            assert!(!repeats(&format!("{error} {error:?}"), &claims), "{error}");
        }
    }
}

fn kind(header: &Value) {
    assert_eq!(header["alg"], "EdDSA");
    assert!(header["kid"].is_null() || header["kid"] == "one", "another key");
    let typ = header["typ"].as_str().unwrap_or_default().to_ascii_lowercase();
    assert!(typ == "at+jwt" || typ == "application/at+jwt", "no access token");
}

fn times(claims: &Value) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    assert!(claims["exp"].as_u64().is_some_and(|end| end.saturating_add(10) >= now), "it is over");
    let begins = &claims["nbf"];
    assert!(begins.is_null() || begins.as_f64().is_some_and(|from| from <= (now + 10) as f64), "it has not begun");
    assert_eq!(claims["iss"], NAME);
    let audience = &claims["aud"];
    let several = audience.as_array().is_some_and(|all| all.iter().any(|one| one == AUDIENCE));
    assert!(*audience == AUDIENCE || several, "it is for others");
}

/// What was read, beside what stands there.
fn same(read: &Claims, claims: &Value) {
    let text = |names: &[&str]| names.iter().find_map(|name| claims[*name].as_str().map(str::to_owned));
    assert_eq!(Some(&read.client), text(&["client_id", "azp"]).as_ref());
    assert!(!read.client.is_empty() && !read.client.contains(char::is_control));
    let person = text(&["pid", "helseid://claims/identity/pid"]);
    assert_eq!(read.person.as_ref().map(NationalIdentityNumber::expose), person.as_deref());
    assert_eq!(Some(read.expires), claims["exp"].as_u64());
    match (&read.representing, &claims["representing"]) {
        (None, claim) => assert!(claim.is_null(), "for whom somebody acts was passed over"),
        (Some(acting), claim) => {
            assert_eq!(
                (Some(acting.citizen.expose()), Some(acting.role.as_str())),
                (claim["pid"].as_str(), claim["role"].as_str())
            );
            assert!(person.is_some_and(|person| person != acting.citizen.expose()), "for themselves, or of nobody");
            assert!(!acting.given_name.trim().is_empty() && !acting.family_name.trim().is_empty());
        }
    }
    let bound = &claims["cnf"];
    for (name, read) in [("jkt", read.confirmation.key), ("x5t#S256", read.confirmation.certificate)] {
        assert_eq!(read.map(|print| print.to_string()).as_deref(), bound[name].as_str(), "{name}");
    }
    assert!(bound.is_null() || read.confirmation.key.is_some() || read.confirmation.certificate.is_some());
    let scopes: BTreeSet<String> = match &claims["scope"] {
        Value::String(text) => text.split_ascii_whitespace().map(str::to_owned).collect(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => BTreeSet::new(),
    };
    assert_eq!(read.scopes, scopes);
    assert!(read.level <= levels(claims), "a higher level than the token's lowest");
    let shown = format!("{read:?}");
    assert!(!shown.contains(PID) && !shown.contains(CHILD), "claims print whom they are about");
}

/// The lowest level that is said, 0 where something is that nobody knows.
fn levels(claims: &Value) -> u8 {
    let names = [
        "acr",
        "security_level",
        "assurance_level",
        "helseid://claims/identity/security_level",
        "helseid://claims/identity/assurance_level",
    ];
    let said = names.iter().map(|name| &claims[*name]).filter(|claim| claim.is_string() || claim.is_number());
    let level = |claim: &Value| {
        let text = claim.as_str().map_or_else(|| claim.to_string(), str::to_owned);
        match text.as_str() {
            "4" | "Level4" | "idporten-loa-high" | "high" => 4,
            "3" | "Level3" | "idporten-loa-substantial" | "substantial" => 3,
            "2" | "idporten-loa-low" | "low" => 2,
            _ => 0,
        }
    };
    said.map(level).min().unwrap_or(0)
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let print = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    let base = json!({ "iss": NAME, "aud": [AUDIENCE, "x"], "exp": FAR, "nbf": 1, "client_id": "portal", "scope": "a b", "pid": PID });
    let with = |extra: Value| {
        let mut claims = base.clone();
        if let (Some(all), Some(more)) = (claims.as_object_mut(), extra.as_object()) {
            all.extend(more.clone());
        }
        claims
    };
    let claims = [
        with(json!({})),
        with(json!({ "cnf": { "jkt": print } })),
        with(json!({ "cnf": { "x5t#S256": print, "jkt": print } })),
        with(json!({ "cnf": { "jwk": {} } })),
        with(json!({ "acr": "idporten-loa-high", "security_level": 4, "assurance_level": "high" })),
        with(json!({ "acr": "Level4", "helseid://claims/identity/security_level": "3" })),
        with(
            json!({ "representing": { "pid": CHILD, "role": "parent" }, "given_name": "Kari", "family_name": "Fjell" }),
        ),
        with(
            json!({ "helseid://claims/identity/pid": PID, "pid": null, "helseid://claims/hpr/hpr_number": "9144889" }),
        ),
        with(json!({ "client_id": null, "azp": "portal", "scope": ["a", "b"] })),
        with(json!({ "exp": 1 })),
        with(json!({ "nbf": FAR })),
        with(json!({ "nbf": "4102444800" })),
        with(json!({ "exp": 4_102_444_800.5 })),
        with(json!({ "aud": "other" })),
        with(json!({ "iss": "https://other.example" })),
        with(json!({ "pid": "12345678901" })),
    ];
    let mut seeds = vec![of_kind(0, given()), of_kind(3, [0, 1, b'e']), of_kind(3, [1, 1, b'A'])];
    for claims in &claims {
        seeds.push(of_kind(1, format!("{}\n{claims}", header())));
    }
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "EdDSA", "typ": "JWT" }),
        json!({ "alg": "EdDSA", "typ": "dpop+jwt", "kid": "one" }),
        json!({ "alg": "HS256", "kid": "one" }),
        json!({ "alg": "EdDSA", "kid": "two", "crit": ["b64"], "b64": false, "jwk": {} }),
    ] {
        for key in 1..3 {
            seeds.push(of_kind(key, format!("{header}\n{}", claims[0])));
        }
    }
    seeds
}
