//! Guests in WebAssembly text, made components against the real WIT package: for what Rust does not let one say. The
//! canonical ABI is by hand: a function takes a pointer to its arguments, and returns one to its result.

use serde_json::{Value, json};
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// One guest, before it is built. What is bad stands in the first function of its world: `open` or `slots`.
#[derive(Debug, Clone)]
pub(crate) struct Wat {
    pub(crate) id: String,
    /// Whether it exports `appointments` instead of `dialogs`.
    pub(crate) appointments: bool,
    /// Imports, as core WebAssembly text.
    pub(crate) imports: String,
    /// Globals, tables, data, functions, a start.
    pub(crate) items: String,
    /// The memory's pages at the start.
    pub(crate) pages: u32,
    /// The body of the first function, which leaves a pointer.
    pub(crate) body: String,
    /// Instead of an honest `cabi_realloc`: its body.
    pub(crate) realloc: Option<String>,
    /// The body of the first function's post-return.
    pub(crate) after: Option<String>,
}

/// A guest that behaves.
pub(crate) fn wat(id: &str) -> Wat {
    Wat {
        id: id.to_owned(),
        appointments: false,
        imports: String::new(),
        items: String::new(),
        pages: 1,
        body: opened("(i32.const 1000)", "(i32.const 2)"),
        realloc: None,
        after: None,
    }
}

/// Ends `open` with a dialog of the reference at a place of memory, and no events. At 1000 stands `ok`.
pub(crate) fn opened(pointer: &str, length: &str) -> String {
    format!(
        "(i32.store8 (i32.const 16) (i32.const 0))
         (i32.store (i32.const 20) {pointer})
         (i32.store (i32.const 24) {length})
         (i32.store (i32.const 28) (i32.const 0))
         (i32.store (i32.const 32) (i32.const 0))
         (i32.const 16)"
    )
}

/// Ends `open` with `ok`.
pub(crate) fn ok() -> String {
    opened("(i32.const 1000)", "(i32.const 2)")
}

/// Ends `slots`, or any function that gives a list, with the list at a place of memory.
pub(crate) fn listed(pointer: u32, items: u32) -> String {
    format!(
        "(i32.store8 (i32.const 16) (i32.const 0))
         (i32.store (i32.const 20) (i32.const {pointer}))
         (i32.store (i32.const 24) (i32.const {items}))
         (i32.const 16)"
    )
}

const HONEST_REALLOC: &str = "
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
    (global.set $heap (i32.add (local.get $at) (local.get 3)))
    (block $enough (loop $more
        (br_if $enough (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
        (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))
        unreachable))
    (local.get $at)";

impl Wat {
    /// A manifest that fits.
    pub(crate) fn manifest(&self) -> Value {
        json!({
            "manifestVersion": 1,
            "id": self.id,
            "version": "1.0.0",
            "name": "Hostile AS",
            "kind": "commercial",
            "contract": "dialog:provider@1.0.0",
            "services": [if self.appointments { "appointment" } else { "inquiry" }],
            "upstreams": [],
            "settingsSchema": { "type": "object" },
            "installationSchema": { "type": "object" },
            "nationalIdentityNumber": false,
            "idempotent": false,
            "webhooks": false,
        })
    }

    /// The component without its manifest.
    pub(crate) fn bare(&self) -> Vec<u8> {
        let (world, interface, first, others) = if self.appointments {
            // `cancel` behaves.
            let others = ["book", "change", "upcoming"].map(|name| (name, "unreachable"));
            let good = ("cancel", "(i32.store8 (i32.const 16) (i32.const 0)) (i32.const 16)");
            ("appointments-provider", "appointments", "slots", [&others[..], &[good]].concat())
        } else {
            let good = listed(0, 0);
            let good: &'static str = Box::leak(good.into_boxed_str());
            ("dialogs-provider", "dialogs", "open", vec![("send", "unreachable"), ("close", good)])
        };
        let export = |name: &str| format!("dialog:provider/{interface}@1.0.0#{name}");
        let others: String = others
            .iter()
            .map(|(name, body)| format!("(func (export \"{}\") (param i32) (result i32) {body})", export(name)))
            .collect();
        let after = self.after.as_ref().map_or(String::new(), |body| {
            format!("(func (export \"cabi_post_{}\") (param i32) {body})", export(first))
        });
        let text = format!(
            r#"(module
                {imports}
                (memory $memory (export "memory") {pages})
                (data (i32.const 1000) "ok")
                (global $heap (mut i32) (i32.const 32768))
                {items}
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32) {realloc})
                (func (export "{name}") (param $args i32) (result i32) (local $i i32) (local $j i32) {body})
                {others} {after})"#,
            imports = self.imports,
            pages = self.pages,
            items = self.items,
            realloc = self.realloc.as_deref().unwrap_or(HONEST_REALLOC),
            name = export(first),
            body = self.body,
        );
        let mut module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{}: {error}\n{text}", self.id));
        let mut resolve = Resolve::default();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/wit");
        let (package, _) = resolve.push_dir(folder).unwrap();
        let world = resolve.select_world(&[package], Some(world)).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
    }

    /// The component as a vendor ships it.
    pub(crate) fn build(&self) -> Vec<u8> {
        with_manifest(self.bare(), &self.manifest())
    }

    /// The component with further instances of a core module: each one more of everything in it.
    pub(crate) fn with_instances(&self, module: &str, count: u32) -> Vec<u8> {
        with_manifest(with_instances(self.bare(), module, count), &self.manifest())
    }
}

/// Adds a core module and instances of it to a component.
fn with_instances(mut component: Vec<u8>, module: &str, count: u32) -> Vec<u8> {
    let mut depth = 0;
    let mut modules = 0;
    for payload in Parser::new(0).parse_all(&component) {
        match payload.unwrap() {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ModuleSection { .. } if depth == 1 => modules += 1,
            _ => {}
        }
    }
    section(&mut component, 1, &wat::parse_str(module).unwrap());
    // A vector of instances, each: instantiate this module, with no arguments.
    let mut instances = Vec::new();
    leb(&mut instances, count as usize);
    for _ in 0..count {
        instances.push(0);
        leb(&mut instances, modules);
        leb(&mut instances, 0);
    }
    section(&mut component, 2, &instances);
    component
}

/// Adds the manifest's custom section.
pub(crate) fn with_manifest(component: Vec<u8>, manifest: &Value) -> Vec<u8> {
    with_custom(component, "dialog-manifest", manifest.to_string().as_bytes())
}

/// Adds a custom section.
pub(crate) fn with_custom(mut component: Vec<u8>, name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    leb(&mut content, name.len());
    content.extend_from_slice(name.as_bytes());
    content.extend_from_slice(bytes);
    section(&mut component, 0, &content);
    component
}

fn section(component: &mut Vec<u8>, kind: u8, content: &[u8]) {
    component.push(kind);
    leb(component, content.len());
    component.extend_from_slice(content);
}

fn leb(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}
