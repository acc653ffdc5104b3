//! A small plugin: `dialogs.open` posts to the upstream `api` and opens a dialog whose reference is the answer's body.
//! Core WebAssembly text, made a component against the real WIT package.

use serde_json::{Value, json};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

fn manifest(version: &str) -> Value {
    json!({
        "manifestVersion": 1, "id": "example", "version": version, "name": "Example AS", "kind": "commercial",
        "contract": "dialog:provider@1.0.0", "services": ["inquiry", "consultation"],
        "upstreams": [{ "name": "api", "purpose": "Everything" }],
        "settingsSchema": { "type": "object" }, "installationSchema": { "type": "object" },
    })
}

/// The component, with its manifest.
pub(crate) fn build() -> Vec<u8> {
    build_as("1.0.0")
}

/// The component of another version.
pub(crate) fn build_as(version: &str) -> Vec<u8> {
    build_with(version, 0)
}

/// A component that has this many functions more, each of some hundred instructions that do nothing.
pub(crate) fn build_with(version: &str, functions: usize) -> Vec<u8> {
    let idle = format!("(func {})", "(drop (i32.const 1))".repeat(100)).repeat(functions);
    // 1024 "api", 1100 the path; 3000 the upstream's result; 16 the result of `open`.
    let text = r#"(module
        (import "dialog:provider/upstream@1.0.0" "send"
            (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
        (memory $memory (export "memory") 2)
        (global $heap (mut i32) (i32.const 32768))
        (data (i32.const 1024) "api") (data (i32.const 1100) "/x")
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
            (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
            (global.set $heap (i32.add (local.get $at) (local.get 3)))
            (local.get $at))
        (func (export "dialog:provider/dialogs@1.0.0#open") (param $args i32) (result i32)
            (call $send (i32.const 1024) (i32.const 3) (i32.const 1) (i32.const 1100) (i32.const 2)
                (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 3000))
            (if (i32.load8_u (i32.const 3000)) (then unreachable))
            (i32.store8 (i32.const 16) (i32.const 0))
            (i32.store (i32.const 20) (i32.load (i32.const 3016)))
            (i32.store (i32.const 24) (i32.load (i32.const 3020)))
            (i32.store (i32.const 28) (i32.const 0))
            (i32.store (i32.const 32) (i32.const 0))
            (i32.const 16))
        (func (export "dialog:provider/dialogs@1.0.0#send") (param i32) (result i32) unreachable)
        (func (export "dialog:provider/dialogs@1.0.0#close") (param i32) (result i32) unreachable)
    )"#;
    let text = text.replace("(memory $memory", &format!("{idle} (memory $memory"));
    let mut module = wat::parse_str(text).unwrap();
    let mut resolve = Resolve::default();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/wit");
    let (package, _) = resolve.push_dir(folder).unwrap();
    let world = resolve.select_world(&[package], Some("dialogs-provider")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let mut component = ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap();
    let (name, json) = ("dialog-manifest", manifest(version).to_string());
    component.push(0);
    leb(&mut component, 1 + name.len() + json.len());
    leb(&mut component, name.len());
    component.extend_from_slice(name.as_bytes());
    component.extend_from_slice(json.as_bytes());
    component
}

fn leb(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap());
}
