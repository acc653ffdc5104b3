#![allow(clippy::unwrap_used, reason = "tests")]

use dialog_contract::schema::Resource;
use serde_json::{Value, json};

use super::*;

const KARI: &str = "14838541241";

fn directory() -> Value {
    let mut office = Resource::Office.schema()["examples"][0].clone();
    office["services"] = json!([]);
    let gp = office["practitioners"][0]["clinician"]["hprNumber"].clone();
    json!({
        "providers": [{ "id": "example", "name": "Example AS", "kind": "commercial" }],
        "offices": [office],
        "agreements": [{ "office": 8_150_110, "service": "inquiry", "plugin": "example", "enabled": true }],
        "citizens": [{
            "nationalIdentityNumber": KARI, "givenName": "Kari", "familyName": "Nordmann",
            "generalPractitioner": gp, "office": 8_150_110,
        }],
    })
}

fn price(amount: u64, tariff: &str, text: &str) -> Value {
    json!({ "amount": amount, "tariff": tariff, "nb": text, "nn": text, "en": text })
}

fn twice(list: &mut Value) {
    let first = list[0].clone();
    list.as_array_mut().unwrap().push(first);
}

fn error(text: &str) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let error = read(file.path()).err().unwrap().to_string();
    for personal in [KARI, "Kari", "Nordmann", "12345678901"] {
        assert!(!error.contains(personal), "{error}");
    }
    assert!(error.contains(&file.path().display().to_string()), "{error}");
    error
}

#[test]
fn a_directory_is_read_whole() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), directory().to_string()).unwrap();
    let loaded = read(file.path()).unwrap();
    assert_eq!(loaded.directory.citizens[0].number.expose(), KARI);
    assert!(loaded.directory.citizens[0].entry.digitally_active);
    assert_eq!(loaded.sha256, crate::hex(&Sha256::digest(directory().to_string())));
}

#[test]
fn each_rule_is_named_with_the_place_that_breaks_it_and_nobody_else() {
    type Spoil = fn(&mut Value);
    let cases: [(Spoil, &str); 24] = [
        (|all| twice(&mut all["offices"]), "offices[1]: HER-id 8150110 is there twice"),
        (|all| twice(&mut all["providers"]), "providers[1]: example is there twice"),
        (|all| all["agreements"][0]["office"] = json!(5), "agreements[0]: there is no office with HER-id 5"),
        (|all| all["agreements"][0]["plugin"] = json!("other"), "agreements[0]: there is no provider other"),
        (|all| twice(&mut all["agreements"]), "agreements[1]: office 8150110 has inquiry twice at the same time"),
        (|all| all["agreements"][0]["prices"] = json!([price(0, "2ae", "x")]), "agreements[0]: prices[0]: an amount"),
        (
            |all| all["agreements"][0]["prices"] = json!([price(1, "2ae", "x"), price(1, "2 ae", "x")]),
            "agreements[0]: prices[1]: an amount",
        ),
        (|all| all["agreements"][0]["prices"] = json!(vec![price(1, "2ae", "x"); 11]), "agreements[0]: over 10 prices"),
        (|all| all["agreements"][0]["booking"] = json!("direct"), "agreements[0]: booking belongs to appointment"),
        (|all| all["agreements"][0]["service"] = json!("appointment"), "agreements[0]: booking belongs to appointment"),
        (
            |all| {
                all["agreements"][0]["validFrom"] = json!("2026-01-02T00:00:00Z");
                all["agreements"][0]["validUntil"] = json!("2026-01-01T00:00:00Z");
            },
            "agreements[0]: validFrom is not before validUntil",
        ),
        (
            |all| {
                twice(&mut all["agreements"]);
                all["agreements"][0]["offeredUntil"] = json!("2026-03-02T00:00:00Z");
                all["agreements"][1]["validFrom"] = json!("2026-03-01T00:00:00Z");
            },
            "agreements[1]: office 8150110 has inquiry twice at the same time",
        ),
        (
            |all| all["agreements"][0]["fallback"] = json!({ "plugin": "example", "settings": {} }),
            "agreements[0].fallback: ",
        ),
        (
            |all| all["agreements"][0]["fallback"] = json!({ "plugin": "nobody", "settings": {} }),
            "agreements[0].fallback: ",
        ),
        (
            |all| all["nationalProviders"] = json!([{ "provider": "example", "office": 5 }]),
            "nationalProviders[0]: there is no such",
        ),
        (|all| twice(&mut all["citizens"]), "citizens[1]: the same citizen is there twice"),
        (|all| all["citizens"][0]["nationalIdentityNumber"] = json!("12345678901"), "citizens[0]: "),
        (|all| all["citizens"][0]["office"] = json!(5), "citizens[0]: office 5 has no clinician with HPR number"),
        (|all| all["citizens"][0]["nationalIdentityNumber"] = json!(12_345_678_901_u64), "expected a string"),
        (|all| all["citizens"][0]["digitallyActive"] = json!("Kari Nordmann"), "expected a boolean"),
        (|all| all["citizens"][0]["mobil"] = json!("Kari"), "unknown field `mobil`"),
        (|all| all["citizens"][0]["mobile"] = json!("99 99 99 01"), "citizens[0].mobile: must be + and 8 to 15 digits"),
        (|all| all["citizens"][0]["email"] = json!("Kari"), "citizens[0].email: must be a mail address"),
        (|all| all["citizens"][0]["email"] = json!("a@b.no\n,c@d.no"), "citizens[0].email: must be a mail address"),
    ];
    for (spoil, expected) in cases {
        let mut spoilt = directory();
        spoil(&mut spoilt);
        let said = error(&spoilt.to_string());
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn one_provider_may_follow_another_for_the_same_service() {
    let mut switched = directory();
    twice(&mut switched["agreements"]);
    switched["agreements"][0]["offeredUntil"] = json!("2026-03-01T00:00:00Z");
    switched["agreements"][1]["validFrom"] = json!("2026-03-01T00:00:00Z");
    switched["nationalProviders"] = json!([{ "provider": "example", "office": 8_150_110 }]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), switched.to_string()).unwrap();
    let loaded = read(file.path()).unwrap();
    assert_eq!((loaded.directory.agreements.len(), loaded.directory.national.len()), (2, 1));
}

#[test]
fn what_is_no_directory_is_said_with_its_place() {
    assert!(error("{\n  \"providers\": [],\n  oops").contains("line 3, column 3: "));
    assert!(error("{\"12345678901\": 1}").contains("not as documented"));
    assert!(error("").contains("EOF"));
    assert!(error(r#"{"providers":[{"id":"example","name":"x","kind":"Kari"}]}"#).contains("expected"));
}
