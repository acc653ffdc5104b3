//! Inputs to begin with: one or more of every kind that a driver takes, right and nearly right. All are our own.

use dialog_contract::package::{SIGNATURE, section};
use serde_json::{Value, json};

use crate::{audit, manifest, message, package, pruned, seal};

/// The seeds of a target.
#[must_use]
pub fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "audit" => audit_log(),
        "manifest" => manifests(),
        "message" => messages(),
        "package" => packages(),
        #[cfg(feature = "gateway")]
        "headers" => crate::headers::seeds(),
        #[cfg(feature = "gateway")]
        "output" => crate::output::seeds(),
        #[cfg(feature = "gateway")]
        "path" => crate::path::seeds(),
        #[cfg(feature = "gateway")]
        "proof" => crate::proof::seeds(),
        #[cfg(feature = "gateway")]
        "token" => crate::token::seeds(),
        _ => Vec::new(),
    }
}

/// An input of the driver's `kind`.
pub(crate) fn of_kind(kind: u8, rest: impl AsRef<[u8]>) -> Vec<u8> {
    [&[kind], rest.as_ref()].concat()
}

fn packages() -> Vec<Vec<u8>> {
    let signed = package::signed();
    let found = section::find(&signed, SIGNATURE).expect("it is signed");
    let mut after = signed.clone();
    section::append(&mut after, "more", b"");
    let mut before = package::COMPONENT.to_vec();
    section::append(&mut before, "dialog-manifest", b"{}");
    section::append(&mut before, SIGNATURE, found.content);
    // A module inside, with a signature of its own.
    let mut inner = b"\0asm\x01\0\0\0".to_vec();
    section::append(&mut inner, SIGNATURE, found.content);
    let mut outer = package::COMPONENT.to_vec();
    outer.extend([
        1,
        u8::try_from(inner.len() & 0x7f).unwrap_or(0) | 0x80,
        u8::try_from(inner.len() >> 7).unwrap_or(0),
    ]);
    outer.extend(&inner);
    let vendor = seal::pem(package::VENDOR);
    let public = "MCowBQYDK2VwAyEAiojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=";
    let mut seeds = vec![
        of_kind(0, package::COMPONENT),
        of_kind(0, &signed),
        of_kind(0, &after),
        of_kind(0, &before),
        of_kind(0, &outer),
        of_kind(1, found.content),
        of_kind(1, br#"{"payload":"","payloadType":"t","signatures":[{"sig":""}]}"#),
        of_kind(2, b"\x10\0\0\0\0\0\0\0\xffsome code"),
        of_kind(2, b"\x90\0\0\0\0\0\0\0A"),
        of_kind(3, vendor),
        of_kind(3, public),
        of_kind(3, "a".repeat(64)),
    ];
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "n", "digest": { "sha256": "00", "sha512": "ab" } }],
        "predicateType": "https://schemas.dialog-gateway.example/dialog-plugin/v1",
        "predicate": { "plugin": "fjell-helse", "version": "1.2.3", "contract": "dialog:provider@1.0.0" },
    });
    for payload in [statement.to_string(), statement.to_string().replace("v1\"", "v2\"")] {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let kind = "application/vnd.in-toto+json";
        let envelope = json!({ "payload": STANDARD.encode(payload), "payloadType": kind, "signatures": [] });
        seeds.push(of_kind(1, envelope.to_string()));
    }
    seeds
}

fn manifests() -> Vec<Vec<u8>> {
    let whole = manifest::whole();
    let mut seeds = vec![of_kind(0, whole.to_string()), of_kind(0, "{}"), of_kind(0, r#"{"a":1,"a":2}"#)];
    let mut short = whole.clone();
    for key in ["upstreams", "idempotent", "webhooks", "nationalIdentityNumber"] {
        short.as_object_mut().map(|fields| fields.remove(key));
    }
    seeds.push(of_kind(0, short.to_string()));
    for (at, value) in (0_u16..).zip(whole.as_object().into_iter().flatten().map(|(_, value)| value)) {
        seeds.push([&[1], at.to_be_bytes().as_slice(), value.to_string().as_bytes()].concat());
    }
    let schemas = [
        json!({ "type": "object", "properties": { "a": { "type": "string", "pattern": "^[a-zæøå]+$", "maxLength": 5 } } }),
        json!({ "$defs": { "a": { "$anchor": "x", "type": "integer" } }, "$ref": "#x" }),
        json!({ "$defs": { "a b/c~d": { "enum": [1, "2", null] } }, "items": { "$ref": "#/$defs/a%20b~1c~0d" } }),
        json!({ "$ref": "#" }),
        json!({ "$dynamicAnchor": "x", "properties": { "child": { "$dynamicRef": "#x" } } }),
        json!({ "$id": "https://example.no/s", "$defs": { "a": { "$id": "b", "$ref": "#" } } }),
        json!({ "oneOf": [{ "required": ["a"] }, { "not": {} }], "unevaluatedProperties": false }),
        json!({ "if": { "minimum": 1 }, "then": { "multipleOf": 0.5 }, "else": { "const": { "a": [1.0] } } }),
        json!({ "prefixItems": [{}, false], "contains": { "type": "null" }, "uniqueItems": true, "minContains": 1 }),
        json!({ "patternProperties": { "^a+$": true }, "propertyNames": { "format": "email" }, "$ref": "other.json" }),
        json!({ "dependentSchemas": { "a": { "maxProperties": 1 } }, "dependentRequired": { "b": ["c"] }, "$comment": "" }),
        json!({ "contentMediaType": "application/json", "contentEncoding": "base64", "format": "date-time" }),
        json!({ "$schema": "http://json-schema.org/draft-07/schema#", "definitions": {}, "$vocabulary": {} }),
    ];
    for schema in schemas {
        seeds.push(of_kind(2, format!("{}\n{schema}", json!({ "a": ["b", 1, null], "child": {} }))));
    }
    seeds.push(of_kind(0, Value::Array(vec![json!([[[[]]]]); 3]).to_string()));
    seeds
}

fn messages() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for letter in message::letters() {
        seeds.push(of_kind(0, &letter));
        seeds.push(of_kind(1, &letter));
    }
    for document in message::documents() {
        seeds.push(of_kind(0, document));
    }
    for kind in 0..5 {
        seeds.push(
            [&[2, kind], "Odd\nSørbø\n\x01Adresse\nHar dere <flyttet> & til 2. etg.?\nHilsen".as_bytes()].concat(),
        );
    }
    seeds
}

fn audit_log() -> Vec<Vec<u8>> {
    let (size, root) = audit::given();
    let text = audit::text(size, root);
    let note = audit::note(text.as_bytes());
    let keys = format!(
        "# ours\n{}\n\nPeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n",
        audit::verifier_key()
    );
    let mut seeds = vec![
        of_kind(0, keys),
        of_kind(0, audit::private_key()),
        of_kind(1, &note),
        of_kind(2, &text),
        of_kind(2, format!("{text}an extension\n")),
        of_kind(3, audit::given_proof()),
        of_kind(3, audit::given_proof().replace("extra Yg==\n", "")),
        of_kind(5, "checkpoint"),
        of_kind(5, "removed"),
        of_kind(5, "tile/entries/x001/000"),
        of_kind(5, "tile/0/000.p/7"),
        of_kind(5, "tile/8/../../journal/lock"),
    ];
    for change in 0..5 {
        seeds.push([&[4, 0, 6, 0, 3, change, 0, 1, 7], b"a\nb\nc\nd\ne\nf\ng".as_slice()].concat());
    }
    for file in 0..10 {
        for how in 0..4 {
            seeds.push([&[6, 0, file, how, 40, 0, 0, 0, 0, 0, 0, 0], b"\0\x07entry 9".as_slice()].concat());
        }
    }
    seeds.extend(pruned::seeds().into_iter().map(|seed| of_kind(7, seed)));
    seeds
}
