#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::{rules::SCHEMA, *};

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

fn read(manifest: &Value) -> Result<Manifest, ManifestError> {
    Manifest::read(manifest.to_string().as_bytes(), BYTES)
}

fn with(key: &str, value: &Value) -> Value {
    let mut json = manifest();
    json[key] = value.clone();
    json
}

fn broken(manifest: &Value) -> Vec<Breach> {
    match read(manifest) {
        Err(ManifestError::Broken(broken)) => broken,
        other => panic!("{manifest}: {other:?}"),
    }
}

fn upstreams(names: &[&str], purpose: &str) -> Value {
    names.iter().map(|name| json!({ "name": name, "purpose": purpose })).collect()
}

/// Objects within objects, `depth` of them.
fn nested(depth: usize) -> Value {
    (0..depth).fold(json!({}), |inner, _| json!({ "not": inner }))
}

#[test]
fn a_whole_manifest_is_read_and_written_back_the_same() {
    assert_eq!(serde_json::to_value(read(&manifest()).unwrap()).unwrap(), manifest());
}

#[test]
fn what_is_within_the_rules_is_read() {
    let sixteen: Vec<String> = (0..16).map(|number| format!("a{number}")).collect();
    let sixteen: Vec<&str> = sixteen.iter().map(String::as_str).collect();
    let longest = format!("a{}", "0".repeat(39));
    for (key, value) in [
        ("id", json!("ab")),
        ("id", json!(longest)),
        ("version", json!("0.0.0")),
        ("version", json!("1.0.0-rc.1")),
        ("version", json!("1.0.0+build.7")),
        ("version", json!("1.0.0-a-b+c")),
        ("version", json!("999999999.0.0-rc.1.0a.-+01.b")),
        ("version", json!(format!("1.2.3-{}", "a".repeat(58)))),
        ("name", json!("Å")),
        ("name", json!("å".repeat(80))),
        ("name", json!(" Lege\u{a0}kontoret ")),
        ("kind", json!("public")),
        ("services", json!([])),
        ("services", json!(Service::ALL)),
        ("upstreams", json!([])),
        ("upstreams", upstreams(&sixteen, "ø")),
        ("upstreams", upstreams(&[&longest, "a", "b-"], &"ø".repeat(300))),
        ("settingsSchema", json!({})),
        ("settingsSchema", nested(DEPTH - 2)),
        ("settingsSchema", json!({ "$defs": { "a": { "type": "string" } }, "$ref": "#/$defs/a" })),
        ("settingsSchema", json!({ "properties": { "$ref": { "type": "string" } } })),
        ("installationSchema", json!({ "properties": { "a": { "pattern": "^[a-zæøå]+$", "default": 1.0 } } })),
        ("webhooks", json!(true)),
    ] {
        let json = with(key, &value);
        let read = read(&json).unwrap_or_else(|error| panic!("{key} {value}: {error}"));
        assert_eq!(serde_json::to_value(read).unwrap(), json);
    }
}

#[test]
fn a_rule_that_is_broken_is_told_with_key_and_value() {
    let long = |count: usize| "å".repeat(count);
    let seventeen: Value = (0..17).map(|number| json!({ "name": format!("a{number}"), "purpose": "x" })).collect();
    let id = "must be 2 to 40 of a-z, 0-9 and '-', beginning with a letter";
    let upstream = "must be 1 to 40 of a-z, 0-9 and '-', beginning with a letter";
    let version = "must be a semantic version such as 1.2.3";
    let line = "must be one line that is not blank, without control characters";
    for (key, value, told) in [
        ("manifestVersion", json!(0), "/manifestVersion: is 0, and must be 1".to_owned()),
        ("manifestVersion", json!(2), "/manifestVersion: is 2, and must be 1".to_owned()),
        ("id", json!("a"), format!("/id: is \"a\", and {id}")),
        ("id", json!("Example"), format!("/id: is \"Example\", and {id}")),
        ("id", json!("example\n"), format!("/id: is \"example\\n\", and {id}")),
        ("id", json!(format!("a{}", "0".repeat(40))), id.to_owned()),
        ("version", json!("1.2"), format!("/version: is \"1.2\", and {version}")),
        ("version", json!(""), version.to_owned()),
        ("version", json!("1"), version.to_owned()),
        ("version", json!("v1.2.3"), version.to_owned()),
        ("version", json!("1.2.x"), version.to_owned()),
        ("version", json!("1.2.3.4"), version.to_owned()),
        ("version", json!("1.2.3-"), version.to_owned()),
        ("version", json!("1.2.3\n"), version.to_owned()),
        ("version", json!("01.2.3"), version.to_owned()),
        ("version", json!("1.2.3-01"), version.to_owned()),
        ("version", json!("1234567890.0.0"), version.to_owned()),
        ("version", json!(format!("1.2.3-{}", "a".repeat(59))), "/version: is \"1.2.3-aaa".to_owned()),
        ("version", json!(format!("1.2.3-{}", "a".repeat(59))), "must have at most 64 characters".to_owned()),
        ("name", json!(""), "/name: is \"\", and must be ".to_owned()),
        ("name", json!(" "), format!("/name: is \" \", and {line}")),
        ("name", json!("a\nb"), format!("/name: is \"a\\nb\", and {line}")),
        ("name", json!("a\u{85}b"), format!("/name: is \"a\\u{{85}}b\", and {line}")),
        ("name", json!(long(81)), "å…, and must have at most 80 characters".to_owned()),
        ("name", json!(7), "/name: is 7, and must be a text".to_owned()),
        ("kind", json!("private"), "/kind: is \"private\", and must be one of public, commercial".to_owned()),
        (
            "contract",
            json!("dialog:provider@2.0.0"),
            "/contract: is \"dialog:provider@2.0.0\", and must be \"dialog:provider@1.0.0\"".to_owned(),
        ),
        ("services", json!("inquiry"), "/services: is \"inquiry\", and must be a list".to_owned()),
        (
            "services",
            json!(["inquiry", "surgery"]),
            "/services/1: is \"surgery\", and must be one of appointment, prescription-renewal,".to_owned(),
        ),
        (
            "services",
            json!(["inquiry", "inquiry"]),
            "/services: is [\"inquiry\",\"inquiry\"], and must have each item once".to_owned(),
        ),
        ("upstreams", seventeen, "and must have at most 16 items".to_owned()),
        ("upstreams", upstreams(&["A"], "x"), format!("/upstreams/0/name: is \"A\", and {upstream}")),
        ("upstreams", upstreams(&["1a"], "x"), upstream.to_owned()),
        ("upstreams", upstreams(&["a", "a"], "x"), "/upstreams/1/name: is \"a\", and must be unique".to_owned()),
        ("upstreams", upstreams(&["a"], ""), "/upstreams/0/purpose: is \"\", and must".to_owned()),
        ("upstreams", upstreams(&["a"], "a\u{7f}b"), format!("\"a\\u{{7f}}b\", and {line}")),
        ("upstreams", upstreams(&["a"], &long(301)), "must have at most 300 characters".to_owned()),
        (
            "upstreams",
            json!([{ "name": "a", "porpose": "x" }]),
            "/upstreams/0/porpose: is not a known key; the nearest one is `purpose`".to_owned(),
        ),
        ("upstreams", json!([{ "name": "a" }]), "/upstreams/0/purpose: is missing".to_owned()),
        ("settingsSchema", json!(true), "/settingsSchema: is true, and must be an object".to_owned()),
        (
            "settingsSchema",
            json!({ "type": "text" }),
            "/settingsSchema/type: is \"text\", and by JSON Schema 2020-12 it must be one of array, boolean,"
                .to_owned(),
        ),
        (
            "settingsSchema",
            json!({ "properties": { "a": { "pattern": "(" } } }),
            "it cannot be used: it is not a \"regex\"".to_owned(),
        ),
        (
            "settingsSchema",
            json!({ "required": "a" }),
            "is \"a\", and by JSON Schema 2020-12 it must be a list".to_owned(),
        ),
        (
            "settingsSchema",
            json!({ "$ref": "#/$defs/a" }),
            "/settingsSchema: by JSON Schema 2020-12 it cannot be used: Pointer '/$defs/a' does not exist".to_owned(),
        ),
        (
            "settingsSchema",
            json!({ "$ref": "https://example.no/s" }),
            "/settingsSchema/$ref: is \"https://example.no/s\", and must not refer outside".to_owned(),
        ),
        (
            "installationSchema",
            json!({ "allOf": [{ "properties": { "a": { "$dynamicRef": "file:///a" } } }] }),
            "/installationSchema/allOf/0/properties/a/$dynamicRef: is \"file:///a\", and must not".to_owned(),
        ),
        ("webhooks", json!("yes"), "/webhooks: is \"yes\", and must be true or false".to_owned()),
        ("capabilities", json!([]), "/capabilities: is not a known key".to_owned()),
        ("idempotant", json!(true), "/idempotant: is not a known key; the nearest one is `idempotent`".to_owned()),
    ] {
        let broken = broken(&with(key, &value));
        assert!(broken.len() == 1 || key == "upstreams", "{key} {value}: {broken:?}");
        assert!(broken.iter().any(|breach| breach.to_string().contains(&told)), "{told}\n{broken:?}");
        assert!(broken.iter().all(|breach| !matches!(breach.rule, Rule::Other(_))), "{key} {value}: {broken:?}");
    }
}

#[test]
fn a_key_that_is_missing_is_named() {
    for key in ["manifestVersion", "id", "version", "name", "kind", "contract", "services", "settingsSchema"] {
        let mut json = manifest();
        json.as_object_mut().unwrap().remove(key);
        assert_eq!(broken(&json), [Breach::of(&format!("/{key}"), None, Rule::Missing)]);
    }
}

#[test]
fn what_may_be_left_out_is_what_the_schema_says_then() {
    let mut json = manifest();
    let properties = SCHEMA["properties"].as_object().unwrap();
    let required = SCHEMA["required"].as_array().unwrap();
    let optional: Vec<&String> = properties.keys().filter(|key| !required.contains(&json!(key))).collect();
    assert_eq!(optional, ["idempotent", "nationalIdentityNumber", "upstreams", "webhooks"]);
    for key in optional {
        json[key] = properties[key]["default"].clone();
        let said = read(&json).unwrap();
        json.as_object_mut().unwrap().remove(key);
        assert_eq!(read(&json).unwrap(), said, "{key}");
    }
    let read = read(&json).unwrap();
    assert!(read.upstreams.is_empty() && !read.national_identity_number && !read.idempotent && !read.webhooks);
}

#[test]
fn every_broken_rule_is_told_up_to_a_number() {
    let mut json = manifest();
    (json["version"], json["webhooks"]) = (json!("1"), json!(0));
    json["installationSchema"] = json!({ "type": 1 });
    let keys: BTreeSet<String> = broken(&json).into_iter().map(|breach| breach.key).collect();
    assert_eq!(keys, ["/installationSchema/type", "/version", "/webhooks"].map(str::to_owned).into());

    json["services"] = (0..100).map(|number| json!(format!("service-{number}"))).collect();
    assert_eq!(broken(&json).len(), MAX_TOLD);
}

#[test]
fn what_is_repeated_of_a_manifest_is_short_and_on_one_line() {
    let loud = format!("\u{202e}\u{1b}[2J\n{}", "x".repeat(10_000));
    let mut json = manifest();
    (json["name"], json[loud.as_str()]) = (json!(loud), json!(1));
    json["settingsSchema"] = json!({ "properties": { (loud.as_str()): { "type": loud } } });
    json["installationSchema"] = json!({ "$ref": loud });
    for breach in broken(&json) {
        let told = breach.to_string();
        assert!(
            told.chars().count() < 700 && told.chars().all(|letter| letter >= ' ' && letter != '\u{202e}'),
            "{told}"
        );
    }
}

#[test]
fn a_manifest_that_is_no_object_is_told_so() {
    let error = read(&json!([])).unwrap_err();
    assert_eq!(error.to_string(), "the manifest breaks its rules: the manifest: is [], and must be an object");
}

#[test]
fn a_manifest_over_the_limit_is_not_looked_at() {
    let error = Manifest::read(b"{{{{{", 4).unwrap_err();
    assert_eq!(error.to_string(), "the manifest is 5 bytes, over the limit of 4");
    assert!(matches!(Manifest::read(&vec![b' '; BYTES + 1], BYTES), Err(ManifestError::TooLarge { .. })));
    let all = manifest().to_string();
    assert!(Manifest::read(all.as_bytes(), all.len()).is_ok());
}

#[test]
fn what_is_not_json_is_told_by_line_and_column() {
    let error = Manifest::read(b"{\n  \"id\": oops}", BYTES).unwrap_err().to_string();
    assert_eq!(error, "the manifest is not JSON: expected value at line 2 column 9");
    assert!(Manifest::read(b"", BYTES).is_err() && Manifest::read(b"{\"id\": \"\xff\"}", BYTES).is_err());
}

#[test]
fn the_same_key_twice_is_refused_at_any_depth() {
    for (json, told) in [
        (r#"{"id": "a", "id": "b"}"#, "the manifest has the key \"id\" twice in an object, at line 1 column 16"),
        (r#"{"settingsSchema": {"not": {"type": 1, "\u0074ype": 2}}}"#, "has the key \"type\" twice"),
    ] {
        let error = Manifest::read(json.as_bytes(), BYTES).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn nesting_and_values_are_bounded() {
    let error = read(&with("settingsSchema", &nested(DEPTH - 1))).unwrap_err();
    assert!(matches!(error, ManifestError::Json(json::JsonError::TooDeep { .. })), "{error}");
    let error = Manifest::read("[".repeat(BYTES).as_bytes(), BYTES).unwrap_err();
    assert!(error.to_string().contains("is nested over 64 deep"), "{error}");
    let list = |count: usize| format!("[{}]", vec!["1"; count].join(","));
    assert!(json::read(list(VALUES - 1).as_bytes()).is_ok());
    assert_eq!(json::read(list(VALUES).as_bytes()), Err(json::JsonError::TooMany));
}

#[test]
fn a_promise_that_no_export_keeps_is_told() {
    let mut manifest = read(&manifest()).unwrap();
    manifest.webhooks = true;
    let error = manifest.check_exports(&[Interface::Appointments]).unwrap_err();
    assert_eq!(
        error.lines(),
        [
            "/services/0: is \"inquiry\", and the component does not export `dialogs`",
            "/webhooks: is true, and the component does not export `inbound`",
        ]
    );
    assert_eq!(manifest.check_exports(&[Interface::Dialogs, Interface::Inbound]), Ok(()));
}

#[test]
fn dialogs_keep_every_service_and_appointments_their_own() {
    for services in [&[][..], &[Service::Appointment], &[Service::Inquiry], &[Service::Appointment, Service::Inquiry]] {
        for webhooks in [false, true] {
            let manifest = Manifest { services: services.to_vec(), webhooks, ..read(&manifest()).unwrap() };
            for chosen in 0..1_u32 << Interface::ALL.len() {
                let exports: Vec<Interface> = Interface::ALL
                    .iter()
                    .enumerate()
                    .filter_map(|(bit, interface)| (chosen >> bit & 1 == 1).then_some(*interface))
                    .collect();
                let has = |interface| exports.contains(&interface);
                let written = has(Interface::Dialogs);
                let kept = (written || !services.contains(&Service::Inquiry))
                    && (written || has(Interface::Appointments) || !services.contains(&Service::Appointment))
                    && (has(Interface::Inbound) || !webhooks)
                    && (!has(Interface::Notices)
                        || exports.iter().all(|it| matches!(it, Interface::Notices | Interface::Inbound)));
                assert_eq!(manifest.check_exports(&exports).is_ok(), kept, "{services:?} {webhooks} {exports:?}");
            }
        }
    }
}

#[test]
fn whoever_sends_notices_is_nothing_else_and_is_told_of_nobody() {
    let notifier =
        |numbers| Manifest { services: Vec::new(), national_identity_number: numbers, ..read(&manifest()).unwrap() };
    let both = [Interface::Inbound, Interface::Notices];
    assert_eq!(notifier(false).check_exports(&both), Ok(()));
    assert_eq!(
        notifier(true).check_exports(&both).unwrap_err().lines(),
        [
            "/nationalIdentityNumber: is true, and must be false for a component that exports `notices`: a notifier is told of nobody"
        ]
    );
    let also = [Interface::Practice, Interface::Inbound, Interface::Notices];
    assert_eq!(
        notifier(false).check_exports(&also).unwrap_err().lines(),
        ["the manifest: a component that exports `notices` may export `inbound` beside it, and not `practice`"]
    );
}

#[test]
fn the_schema_is_that_of_the_type() {
    let keys = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let required = |of: &Value| serde_json::from_value::<BTreeSet<String>>(of["required"].clone()).unwrap();
    let upstream = &SCHEMA["properties"]["upstreams"]["items"];
    for (schema, of) in [(&*SCHEMA, &manifest()), (upstream, &manifest()["upstreams"][0])] {
        let properties = schema["properties"].as_object().unwrap();
        assert_eq!(keys(&schema["properties"]), keys(of));
        // What may be left out has a default, and nothing else.
        let mut known = required(schema);
        known.extend(keys(of).into_iter().filter(|key| properties[key].get("default").is_some()));
        assert_eq!(known, keys(of));
        assert!(required(schema).iter().all(|key| properties[key].get("default").is_none()));
    }
    assert_eq!(SCHEMA["properties"]["manifestVersion"]["const"], VERSION);
    assert_eq!(SCHEMA["properties"]["contract"]["const"], CONTRACT);
    assert_eq!(SCHEMA["properties"]["services"]["items"]["enum"], json!(Service::ALL));
    assert_eq!(SCHEMA["properties"]["kind"]["enum"], json!(ProviderKind::ALL));
    assert!(SCHEMA["description"].as_str().unwrap().contains(SECTION));
    assert!(include_str!("../../../../schemas/wit/types.wit").contains(&format!("\npackage {CONTRACT};\n")));
}

#[test]
fn every_pattern_of_the_schema_has_its_words_and_the_plugins_id_those_of_its_type() {
    fn patterns(at: &str, schema: &Value, found: &mut BTreeSet<String>) {
        for (name, value) in schema.as_object().into_iter().flatten() {
            let at = format!("{at}/{name}");
            if name == "pattern" && value.is_string() {
                found.insert(at.clone());
            }
            patterns(&at, value, found);
        }
    }
    let mut found = BTreeSet::new();
    patterns("", &SCHEMA, &mut found);
    assert_eq!(found, rules::FORMS.iter().map(|(place, _)| (*place).to_owned()).collect());
    let rule = "A".parse::<PluginId>().unwrap_err().rule;
    assert_eq!(Rule::Form(rules::FORMS[0].1).to_string(), rule);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "(string|object|[#]|[(]|a|[$]ref)".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 5, |inner| {
        let key = "(type|properties|[$]ref|pattern|items|required|enum|anyOf|name|purpose|\\PC{0,4})";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Manifest::read(&bytes, BYTES);
    }

    #[test]
    fn a_manifest_with_any_bytes_in_it_is_read_without_panic(
        at in 0_usize..400, bytes in prop::collection::vec(any::<u8>(), 0..8),
    ) {
        let mut section = manifest().to_string().into_bytes();
        let at = at.min(section.len());
        section.splice(at..(at + bytes.len()).min(section.len()), bytes);
        let _ = Manifest::read(&section, BYTES);
    }

    #[test]
    fn a_manifest_with_any_value_in_it_is_read_as_it_is_or_refused_in_words(
        key in prop::sample::select(manifest().as_object().unwrap().keys().cloned().collect::<Vec<_>>()),
        value in any_json(),
    ) {
        let json = with(&key, &value);
        match read(&json) {
            Ok(read) => prop_assert_eq!(serde_json::to_value(read).unwrap(), json),
            Err(error) => {
                let lines = error.lines();
                prop_assert!((1..=MAX_TOLD).contains(&lines.len()));
                for line in lines {
                    prop_assert!(line.chars().count() < 700 && !line.chars().any(char::is_control), "{}", line);
                }
            }
        }
    }
}
