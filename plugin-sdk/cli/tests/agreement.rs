//! Manifests are read twice, by the kit at the vendor's and by the host at the operator's: what the kit lets through,
//! the host takes, and what no gateway may run, both refuse.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use dialog_contract::provider::Interface;
use dialog_host::manifest as host;
use dialog_plugin::{
    contract,
    manifest::{rules, source},
};
use serde_json::{Value, json};

fn manifest() -> Value {
    json!({
        "manifestVersion": 1,
        "id": "example",
        "version": "1.2.3",
        "name": "Example AS",
        "kind": "commercial",
        "contract": "dialog:provider@1.0.0",
        "services": ["inquiry", "appointment"],
        "upstreams": [{ "name": "api", "purpose": "Everything" }],
        "settingsSchema": { "type": "object" },
        "installationSchema": { "type": "object" },
        "nationalIdentityNumber": false,
        "idempotent": true,
        "webhooks": false,
    })
}

fn with(field: &str, value: Value) -> Vec<u8> {
    let mut json = manifest();
    json[field] = value;
    json.to_string().into_bytes()
}

fn upstreams(names: &[&str], purpose: &str) -> Value {
    names.iter().map(|name| json!({ "name": name, "purpose": purpose })).collect()
}

/// Objects within objects, `depth` of them.
fn nested(depth: usize) -> Value {
    (0..depth).fold(json!({}), |inner, _| json!({ "not": inner }))
}

#[test]
fn both_read_the_same_section_of_the_same_contract_up_to_the_same_size() {
    assert_eq!(contract::SECTION, host::SECTION);
    assert_eq!(contract::CONTRACT, host::CONTRACT);
    assert_eq!(rules::MAX_BYTES as u64, dialog_host::Limits::default().manifest_bytes);
}

#[test]
fn what_the_kit_lets_through_the_host_takes_as_the_same() {
    let sixteen: Vec<String> = (0..16).map(|number| format!("a{number}")).collect();
    let sixteen: Vec<&str> = sixteen.iter().map(String::as_str).collect();
    let longest = format!("a{}", "0".repeat(39));
    let version = format!("1.2.3-{}", "a".repeat(58));
    for (field, value) in [
        ("id", json!("ab")),
        ("id", json!(longest)),
        ("version", json!("0.0.0")),
        ("version", json!("999999999.0.0-rc.1.0a.-+01.b")),
        ("version", json!(version)),
        ("name", json!("Å")),
        ("name", json!("å".repeat(80))),
        ("name", json!(" Lege\u{a0}kontoret ")),
        ("kind", json!("public")),
        ("services", json!([])),
        (
            "services",
            json!([
                "appointment",
                "prescription-renewal",
                "consultation",
                "inquiry",
                "sick-note-renewal",
                "certificate",
                "collegial"
            ]),
        ),
        ("upstreams", json!([])),
        ("upstreams", upstreams(&sixteen, "ø")),
        ("upstreams", upstreams(&[&longest, "a", "b-"], &"ø".repeat(300))),
        ("settingsSchema", json!({})),
        ("settingsSchema", nested(60)),
        ("settingsSchema", json!({ "$defs": { "a": { "type": "string" } }, "$ref": "#/$defs/a" })),
        ("installationSchema", json!({ "properties": { "a": { "pattern": "^[a-zæøå]+$" } } })),
        ("webhooks", json!(true)),
    ] {
        let json = with(field, value.clone());
        let kit = rules::read(&json).unwrap_or_else(|why| unreachable!("{field} {value}: the kit: {why:?}"));
        let host = host::Manifest::read(&json).unwrap_or_else(|why| unreachable!("{field} {value}: the host: {why}"));
        assert_eq!(serde_json::to_value(kit).unwrap(), serde_json::to_value(host).unwrap());
    }
}

#[test]
fn what_breaks_a_rule_both_refuse() {
    for (field, value) in [
        ("manifestVersion", json!(0)),
        ("manifestVersion", json!(2)),
        ("id", json!("a")),
        ("id", json!("Example")),
        ("id", json!(format!("a{}", "0".repeat(40)))),
        ("version", json!("1.2")),
        ("version", json!("01.2.3")),
        ("version", json!("1.2.3-01")),
        ("version", json!("1234567890.0.0")),
        ("version", json!(format!("1.2.3-{}", "a".repeat(59)))),
        ("name", json!("")),
        ("name", json!(" ")),
        ("name", json!("a\nb")),
        ("name", json!("a\u{85}b")),
        ("name", json!("a\u{1}")),
        ("name", json!("å".repeat(81))),
        ("kind", json!("private")),
        ("contract", json!("dialog:provider@2.0.0")),
        ("services", json!(["surgery"])),
        ("services", json!(["inquiry", "inquiry"])),
        ("upstreams", upstreams(&["A"], "x")),
        ("upstreams", upstreams(&["1a"], "x")),
        ("upstreams", upstreams(&["a", "a"], "x")),
        ("upstreams", upstreams(&["a"], "")),
        ("upstreams", upstreams(&["a"], "a\u{7f}b")),
        ("upstreams", upstreams(&["a"], &"ø".repeat(301))),
        ("upstreams", json!([{ "name": "a", "purpose": "x", "address": "https://example.no" }])),
        ("settingsSchema", json!(true)),
        ("settingsSchema", json!({ "type": "text" })),
        ("settingsSchema", json!({ "properties": { "a": { "pattern": "(" } } })),
        ("settingsSchema", json!({ "$ref": "https://example.no/s" })),
        ("installationSchema", json!({ "properties": { "a": { "$dynamicRef": "file:///a" } } })),
        ("installationSchema", nested(200)),
        ("webhooks", json!("yes")),
        ("capabilities", json!([])),
    ] {
        let json = with(field, value.clone());
        assert!(rules::read(&json).is_err(), "{field} {value}: the kit lets it through");
        assert!(host::Manifest::read(&json).is_err(), "{field} {value}: the host takes it");
    }
    for field in ["id", "version", "name", "kind", "contract", "services", "settingsSchema", "installationSchema"] {
        let mut json = manifest();
        json.as_object_mut().unwrap().remove(field);
        let json = json.to_string().into_bytes();
        assert!(rules::read(&json).is_err() && host::Manifest::read(&json).is_err(), "without {field}");
    }
}

#[test]
fn both_hold_a_manifest_to_the_same_exports() {
    const ALL: [Interface; 7] = [
        Interface::Dialogs,
        Interface::Appointments,
        Interface::Prescriptions,
        Interface::Practice,
        Interface::Payments,
        Interface::Feedback,
        Interface::Inbound,
    ];
    for services in [json!([]), json!(["appointment"]), json!(["inquiry"]), json!(["appointment", "inquiry"])] {
        for webhooks in [false, true] {
            let mut json = manifest();
            json["services"] = services.clone();
            json["webhooks"] = json!(webhooks);
            let json = json.to_string().into_bytes();
            let (kit, host) = (rules::read(&json).unwrap(), host::Manifest::read(&json).unwrap());
            for chosen in 0..1_u32 << ALL.len() {
                let exports: Vec<Interface> =
                    (0..ALL.len()).filter(|bit| chosen >> bit & 1 == 1).map(|bit| ALL[bit]).collect();
                let told = rules::unkept(&kit, &exports);
                assert_eq!(
                    told.is_empty(),
                    host.check_exports(&exports).is_ok(),
                    "{services}, webhooks {webhooks}, exports {exports:?}: {told:?}"
                );
            }
        }
    }
}

#[test]
fn the_plugins_here_have_manifests_that_both_read_alike() {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    for plugin in ["ddfl", "helserespons"] {
        let kit = serde_json::to_value(source::read(&plugins.join(plugin), "0.1.0").unwrap()).unwrap();
        let host = host::Manifest::read(kit.to_string().as_bytes()).unwrap();
        assert_eq!(kit, serde_json::to_value(host).unwrap());
    }
}
