//! Files that are no plugins, or that would be a danger to compile, to link or to run: refused at install, each with its
//! reason, while the gateway serves on.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    stage::{Ends, Function, HOSTILE, OFFICE, call, component, granted, guest, stage, under_another_name},
    wat::{Wat, wat, with_custom, with_manifest},
};

/// Longer than any refusal may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Installs what must be refused, with the bystander called all the while; the refusal must say this.
fn refused(what: &str, file: Vec<u8>, reason: &str) {
    let stage = stage();
    let began = Instant::now();
    let said = stage.runtime.block_on(async {
        let beside = async {
            for _ in 0..3 {
                let (answer, _) = call(&stage.host, "bystander", Function::Open, "hei", OFFICE, PATIENCE).await;
                answer.unwrap();
            }
        };
        let config = granted();
        let (installed, ()) = tokio::join!(stage.host.install(file, &config), beside);
        installed.map(|installation| installation.plugin.to_string()).unwrap_err().to_string()
    });
    assert!(said.contains(reason), "{what}: {said}");
    assert!(said.len() < 1_500 && !said.contains(|letter: char| letter.is_control()), "{what}: {said:?}");
    assert!(began.elapsed() < PATIENCE, "{what} took {:?}", began.elapsed());
}

fn parsed(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// A component that exports an interface of the contract, and whatever else.
fn exporting(rest: &str) -> Vec<u8> {
    with_manifest(
        parsed(&format!(r#"(component {rest} (instance $i) (export "dialog:provider/dialogs@1.0.0" (instance $i)))"#)),
        &wat("odd").manifest(),
    )
}

#[test]
fn what_is_no_component_is_refused_for_what_it_is() {
    refused("nothing", Vec::new(), "not a WebAssembly component");
    refused("a program", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec(), "not a WebAssembly component");
    refused("an archive", b"PK\x03\x04\x14\0\0\0\x08\0".to_vec(), "not a WebAssembly component");
    refused("a script", b"#!/bin/sh\nrm -rf /\n".to_vec(), "not a WebAssembly component");
    refused("a core module", parsed("(module)"), "core WebAssembly module, not a component");
    refused("an empty component", parsed("(component)"), "exports no interface of the contract");
    refused("a file over the limit", vec![0; (32 << 20) + 1], "over the limit of 33554432");
}

#[test]
fn a_component_that_was_cut_off_or_changed_anywhere_is_refused() {
    let whole = wat("cut-off").build();
    for part in 1..16 {
        let cut = whole[..whole.len() * part / 16].to_vec();
        refused(&format!("{part} of 16 parts"), cut, "");
    }
    let mut longer = whole;
    longer.extend_from_slice(&[1, 2, 3]);
    refused("rubbish at the end", longer, "not a WebAssembly component");
}

#[test]
fn a_component_built_for_another_world_is_refused_by_what_it_imports_or_exports() {
    let wasi = r#"(import "wasi:filesystem/preopens@0.2.0" (instance))"#;
    refused("one for WASI", exporting(wasi), "it imports wasi:filesystem/preopens@0.2.0, which is not in the contract");
    let sockets = r#"(import "wasi:sockets/tcp@0.2.0" (instance))"#;
    refused("one for sockets", exporting(sockets), "it imports wasi:sockets/tcp@0.2.0");
    let later = r#"(import "dialog:provider/upstream@2.0.0" (instance))"#;
    refused("a later contract", exporting(later), "it imports dialog:provider/upstream@2.0.0");
    refused("a bare function", exporting(r#"(import "run" (func))"#), "it imports run");
    let command = with_manifest(
        parsed(r#"(component (instance $i) (export "wasi:cli/run@0.2.0" (instance $i)))"#),
        &wat("odd").manifest(),
    );
    refused("a command", command, "it exports wasi:cli/run@0.2.0");
    refused("an interface without functions", exporting(""), "it does not fit the contract");
    let more = r#"(import "dialog:provider/state@1.0.0" (instance (export "erase-all" (func))))"#;
    refused("a function that the contract does not have", exporting(more), "it does not fit the contract");
    let other = r#"(import "dialog:provider/clock@1.0.0" (instance (export "now" (func (result string)))))"#;
    refused("a function of other types", exporting(other), "it does not fit the contract");
}

#[test]
fn a_feature_that_no_plugin_here_needs_is_refused() {
    let module = |inside: &str| exporting(&format!("(core module {inside})"));
    for (what, inside) in [
        ("two memories", "(memory 1) (memory 1)"),
        ("a memory of 64 bits", "(memory i64 1)"),
        ("a shared memory", "(memory 1 2 shared)"),
        ("a memory of small pages", "(memory 1 (pagesize 1))"),
        ("tail calls", "(func $f (return_call $f))"),
        ("exceptions", "(tag (param i32))"),
        ("garbage collection", "(type (struct (field i32)))"),
        (
            "relaxed vectors",
            "(func (param v128 v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))",
        ),
        ("wide arithmetic", "(func (param i64 i64) (result i64 i64) (i64.mul_wide_s (local.get 0) (local.get 1)))"),
    ] {
        refused(what, module(inside), "it cannot be compiled");
    }
}

#[test]
fn more_of_anything_than_a_call_may_have_is_refused_before_the_first_call() {
    let guest = |id: &str| wat(id);
    refused("ten memories", guest("ten-memories").with_instances("(module (memory 1))", 10), "memories");
    refused("ten tables", guest("ten-tables").with_instances("(module (table 1 funcref))", 10), "tables");
    refused("forty instances", guest("forty-instances").with_instances("(module)", 40), "instances");
    refused(
        "a large table",
        guest("large-table").with_instances("(module (table 1000000 funcref))", 1),
        "exceeds the limit of 50000",
    );
    refused(
        "a memory of 4 GiB",
        Wat { pages: 65_536, ..guest("large-memory") }.build(),
        "exceeds the limit of 0x4000000 bytes",
    );
    refused("ten thousand instances", guest("ten-thousand").with_instances("(module)", 10_000), "");
}

#[test]
fn a_component_made_to_be_hard_to_read_is_refused_or_read_in_time() {
    let types = |count: usize| "(type (func (param \"a\" u32) (result string)))".repeat(count);
    refused("100,000 types", exporting(&types(100_000)), "");
    let core =
        |count: usize| format!("(core module {})", "(type (func (param i32 i64 f32) (result f64)))".repeat(count));
    refused("100,000 core types", exporting(&core(100_000)), "");
    let nested = |depth: usize| format!("{}{}", "(component ".repeat(depth), ")".repeat(depth));
    refused("90 components in each other", exporting(&nested(90)), "");
    let deep: String = (1..2_000).map(|at| format!("(type $t{at} (list $t{}))", at - 1)).collect();
    refused("a type 2,000 deep", exporting(&format!("(type $t0 (list u8)) {deep}")), "");
    let wide = format!("(type (record {}))", (0..20_000).map(|at| format!("(field \"f{at}\" u8)")).collect::<String>());
    refused("a record of 20,000 fields", exporting(&wide), "");
    // Each type is the one before it twice: sixty lines for 2^60.
    let doubled: String = (1..60).map(|at| format!("(type $t{at} (tuple $t{} $t{}))", at - 1, at - 1)).collect();
    refused("a type of 2^60 parts", exporting(&format!("(type $t0 (tuple u8 u8)) {doubled}")), "");
    let sections = (0..50_000).fold(exporting(""), |mut component, _| {
        component.extend_from_slice(&[0, 2, 1, b'a']);
        component
    });
    refused("50,000 sections", sections, "");
}

#[test]
fn a_function_made_to_be_hard_to_compile_is_refused_or_compiled_in_time() {
    let body = |inside: String| exporting(&format!("(core module (func (param i32) (result i32) {inside}))"));
    let table = format!("(block (br_table {} (local.get 0))) (i32.const 1)", "0 ".repeat(100_000));
    refused("a jump to 100,000 places", body(table), "");
    let blocks = format!("{}{} (i32.const 1)", "(block ".repeat(5_000), ")".repeat(5_000));
    refused("5,000 blocks in each other", body(blocks), "");
    let sum = format!("(local.get 0) {}", "(i32.add (i32.const 1))".repeat(100_000));
    refused("a sum of 100,000 terms", body(sum), "");
    let locals = format!("(core module (func (local {})))", "i64 ".repeat(60_000));
    refused("60,000 locals", exporting(&locals), "");
}

fn with(field: &str, value: Value) -> Vec<u8> {
    let guest = wat("manifest");
    let mut manifest = guest.manifest();
    manifest[field] = value;
    with_manifest(guest.bare(), &manifest)
}

#[test]
fn a_manifest_that_is_a_danger_is_refused() {
    let guest = wat("manifest");
    refused("none", guest.bare(), "no custom section");
    refused("two", with_manifest(guest.build(), &guest.manifest()), "more than one custom section");
    refused("one over the limit", with_custom(guest.bare(), "dialog-manifest", &vec![b' '; 300_000]), "over the limit");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    refused("one 100,000 deep", with_custom(guest.bare(), "dialog-manifest", deep.as_bytes()), "nested over 64 deep");
    refused("one that is no UTF-8", with_custom(guest.bare(), "dialog-manifest", b"{\"id\": \"\xff\"}"), "is not JSON");
    refused("an id that climbs", with("id", json!("../../etc/passwd")), "/id");
    refused("an id of another's", with("id", json!("bystander\u{200b}")), "/id");
    refused("a name in two lines", with("name", json!("Good AS\nERROR")), "name");
    refused("a later form", with("manifestVersion", json!(2)), "manifestVersion");
    refused("a promise that this host does not know", with("signed", json!(true)), "signed");
    for field in ["settingsSchema", "installationSchema"] {
        let remote = json!({ "$ref": "http://169.254.169.254/latest/meta-data" });
        refused("a schema elsewhere", with(field, remote), "must not refer outside its own schema");
        refused(
            "a schema in a file",
            with(field, json!({ "$ref": "file:///etc/passwd" })),
            "must not refer outside its own schema",
        );
        // A schema that is its own part, and one whose parts are each the next one twice: 2^40 questions.
        refused("a schema that is itself", with(field, json!({ "$ref": "#" })), "refers to itself");
        let circle = json!({ "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "allOf": [{ "$ref": "#/$defs/a" }] } },
            "$ref": "#/$defs/a" });
        refused("a schema in a circle", with(field, circle), "refers to itself");
        let mut defs = serde_json::Map::new();
        for at in 0..40 {
            let next = json!({ "$ref": format!("#/$defs/d{}", at + 1) });
            defs.insert(format!("d{at}"), json!({ "allOf": [next, next] }));
        }
        defs.insert("d40".to_owned(), json!({ "type": "object" }));
        refused(
            "a schema that doubles",
            with(field, json!({ "$defs": defs, "$ref": "#/$defs/d0" })),
            "is too large when its references are followed",
        );
    }
}

#[test]
fn a_pattern_made_to_be_hard_to_match_is_matched_in_time() {
    let schema = json!({ "type": "object", "properties": { "a": { "type": "string", "pattern": "^(a+)+\\1$" } } });
    let file = with("installationSchema", schema);
    let stage = stage();
    let mut config = granted();
    config.installation.insert("a".to_owned(), json!(format!("{}!", "a".repeat(60))));
    let began = Instant::now();
    let said = stage.runtime.block_on(stage.host.install(file, &config)).unwrap_err().to_string();
    assert!(said.contains("installation"), "{said}");
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}

#[test]
fn a_version_that_is_refused_leaves_the_one_before_serving() {
    let stage = stage();
    let good = under_another_name(component(HOSTILE), "served-on");
    stage.runtime.block_on(stage.host.install(good.clone(), &granted())).unwrap();
    let mut bad = good;
    bad.extend_from_slice(&[1, 2, 3]);
    refused("the next version", bad, "not a WebAssembly component");
    let mut served = guest("do: nothing", Ends::Answered("ok"));
    served.plugin = "served-on".to_owned();
    stage.plays(vec![served]);
}
