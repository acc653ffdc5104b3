//! Small plugins, written as core WebAssembly text and made components against the real WIT package. The canonical ABI
//! is by hand: `dialogs.open` takes a pointer to its arguments and returns one to `result<opened, failure>`.
#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Where a guest's data may stand; the heap begins at 32768.
pub(crate) const DATA: u32 = 1024;

/// A manifest that fits the guests here.
pub(crate) fn manifest() -> Value {
    json!({
        "manifestVersion": 1,
        "id": "example",
        "version": "1.0.0",
        "name": "Example AS",
        "kind": "commercial",
        "contract": "dialog:provider@1.0.0",
        "services": ["inquiry"],
        "upstreams": [{ "name": "api", "purpose": "Everything" }],
        "settingsSchema": { "type": "object" },
        "installationSchema": { "type": "object" },
    })
}

/// One guest, before it is built.
pub(crate) struct Guest {
    /// Imports, as core WebAssembly text.
    pub(crate) imports: String,
    /// Globals, data and functions.
    pub(crate) items: String,
    /// The body of `open`, which leaves a pointer.
    pub(crate) open: String,
    /// The manifest.
    pub(crate) manifest: Value,
}

impl Default for Guest {
    fn default() -> Self {
        Self { imports: String::new(), items: String::new(), open: opened("ok"), manifest: manifest() }
    }
}

/// Ends `open` with a dialog of this reference and no events.
pub(crate) fn opened(reference: &str) -> String {
    assert!(reference.len() <= 64);
    let stores: String = reference
        .bytes()
        .enumerate()
        .map(|(at, byte)| format!("(i32.store8 (i32.const {}) (i32.const {byte}))", 512 + at))
        .collect();
    format!("{stores} {}", opened_at("(i32.const 512)", &format!("(i32.const {})", reference.len())))
}

/// Ends `open` with a dialog whose reference stands at `pointer`.
pub(crate) fn opened_at(pointer: &str, length: &str) -> String {
    format!(
        "(i32.store8 (i32.const 16) (i32.const 0))
         (i32.store (i32.const 20) {pointer})
         (i32.store (i32.const 24) {length})
         (i32.store (i32.const 28) (i32.const 0))
         (i32.store (i32.const 32) (i32.const 0))
         (i32.const 16)"
    )
}

/// Ends `open` with `unavailable`, `sent: no`, and no detail.
pub(crate) fn unavailable() -> String {
    "(i32.store8 (i32.const 16) (i32.const 1))
     (i32.store8 (i32.const 20) (i32.const 4))
     (i32.store8 (i32.const 24) (i32.const 0))
     (i32.store8 (i32.const 32) (i32.const 0))
     (i32.store (i32.const 36) (i32.const 0))
     (i32.store (i32.const 40) (i32.const 0))
     (i32.const 16)"
        .to_owned()
}

impl Guest {
    /// The component, with its manifest.
    pub(crate) fn build(&self) -> Vec<u8> {
        let text = format!(
            r#"(module
                {}
                (memory $memory (export "memory") 1)
                (global $heap (mut i32) (i32.const 32768))
                {}
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
                    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
                    (global.set $heap (i32.add (local.get $at) (local.get 3)))
                    (block $enough (loop $more
                        (br_if $enough
                            (i32.le_u (global.get $heap) (i32.mul (memory.size $memory) (i32.const 65536))))
                        (br_if $more (i32.ne (memory.grow $memory (i32.const 16)) (i32.const -1)))
                        unreachable))
                    (local.get $at))
                (func (export "dialog:provider/dialogs@1.0.0#open") (param $args i32) (result i32) (local $i i32)
                    {})
                (func (export "dialog:provider/dialogs@1.0.0#send") (param i32) (result i32) unreachable)
                (func (export "dialog:provider/dialogs@1.0.0#close") (param i32) (result i32) unreachable)
            )"#,
            self.imports, self.items, self.open
        );
        let mut module = wat::parse_str(text).unwrap();
        let mut resolve = Resolve::default();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/wit");
        let (package, _) = resolve.push_dir(folder).unwrap();
        let world = resolve.select_world(&[package], Some("dialogs-provider")).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        let component = ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap();
        with_manifest(component, &self.manifest)
    }
}

/// Adds the custom section.
pub(crate) fn with_manifest(mut component: Vec<u8>, manifest: &Value) -> Vec<u8> {
    let (name, json) = ("dialog-manifest", manifest.to_string());
    component.push(0);
    leb(&mut component, 1 + name.len() + json.len());
    leb(&mut component, name.len());
    component.extend_from_slice(name.as_bytes());
    component.extend_from_slice(json.as_bytes());
    component
}

fn leb(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Bytes of a text with quotes as WebAssembly text has them, `\\22`.
fn length(text: &str) -> usize {
    text.len() - 2 * text.matches("\\22").count()
}

/// A guest that sends one request to `api` for each call and opens a dialog whose reference is the answer's body; or
/// `error N`, where N is the number of the contract's error.
pub(crate) struct Sender {
    /// Number of the contract's method: 0 get, 1 post.
    pub(crate) method: u32,
    pub(crate) path: &'static str,
    /// At most one header.
    pub(crate) header: Option<(&'static str, &'static str)>,
    pub(crate) body: &'static str,
    /// How many times; the last answer counts.
    pub(crate) times: u32,
    /// What follows when the last request gave no answer.
    pub(crate) on_error: Option<String>,
    /// What follows when it gave one.
    pub(crate) on_answer: Option<String>,
    /// Instead of `body`: the first attachment of the message, in base64.
    pub(crate) attachment: bool,
    /// After `body`: the operator's credentials, and then this.
    pub(crate) after_credentials: Option<&'static str>,
}

impl Default for Sender {
    fn default() -> Self {
        Self {
            method: 1,
            path: "/x",
            header: None,
            body: "",
            times: 1,
            on_error: None,
            on_answer: None,
            attachment: false,
            after_credentials: None,
        }
    }
}

impl Sender {
    pub(crate) fn guest(&self) -> Guest {
        // Data: 1024 "api", 1100 path, 1500 header name, 1600 header value, 1800 body, 2200 what follows credentials,
        // 2900 "error ?";
        // 2000 the header's tuple, 2100 the body's segment; 3000 the result.
        let (name, value) = self.header.unwrap_or_default();
        let items = format!(
            r#"(data (i32.const {DATA}) "api") (data (i32.const 1100) "{path}") (data (i32.const 1500) "{name}")
               (data (i32.const 1600) "{value}") (data (i32.const 1800) "{body}") (data (i32.const 2900) "error ?")
               (data (i32.const 2950) "attachment-1") (data (i32.const 2200) "{after}")"#,
            path = self.path,
            body = self.body,
            after = self.after_credentials.unwrap_or_default(),
        );
        let on_error = self.on_error.clone().unwrap_or_else(|| {
            format!(
                "(i32.store8 (i32.const 2906) (i32.add (i32.const 48) (i32.load8_u (i32.const 3004)))) {}",
                opened_at("(i32.const 2900)", "(i32.const 7)")
            )
        });
        let on_answer = self
            .on_answer
            .clone()
            .unwrap_or_else(|| opened_at("(i32.load (i32.const 3016))", "(i32.load (i32.const 3020))"));
        // Segments: base64-open, attachment, base64-close.
        let attachment = "(i32.store8 (i32.const 2100) (i32.const 2))
             (i32.store8 (i32.const 2112) (i32.const 1))
             (i32.store (i32.const 2116) (i32.const 2950)) (i32.store (i32.const 2120) (i32.const 12))
             (i32.store8 (i32.const 2124) (i32.const 3))";
        // Segments: bytes, credentials, bytes.
        let credentials = format!(
            "(i32.store8 (i32.const 2112) (i32.const 4)) (i32.store8 (i32.const 2124) (i32.const 0))
             (i32.store (i32.const 2128) (i32.const 2200)) (i32.store (i32.const 2132) (i32.const {}))",
            length(self.after_credentials.unwrap_or_default()),
        );
        let (stores, segments) = match (self.attachment, self.after_credentials) {
            (true, _) => (attachment, 3),
            (false, Some(_)) => (credentials.as_str(), 3),
            (false, None) => ("", u32::from(!self.body.is_empty())),
        };
        let open = format!(
            "(i32.store (i32.const 2000) (i32.const 1500)) (i32.store (i32.const 2004) (i32.const {}))
             (i32.store (i32.const 2008) (i32.const 1600)) (i32.store (i32.const 2012) (i32.const {}))
             (i32.store8 (i32.const 2100) (i32.const 0))
             (i32.store (i32.const 2104) (i32.const 1800)) (i32.store (i32.const 2108) (i32.const {}))
             {stores}
             (local.set $i (i32.const {}))
             (loop $again
                 (call $send (i32.const {DATA}) (i32.const 3) (i32.const {}) (i32.const 1100) (i32.const {})
                     (i32.const 0) (i32.const 0) (i32.const 2000) (i32.const {}) (i32.const 2100) (i32.const {segments})
                     (i32.const 3000))
                 (local.set $i (i32.sub (local.get $i) (i32.const 1)))
                 (br_if $again (local.get $i)))
             (if (result i32) (i32.load8_u (i32.const 3000))
                 (then {on_error})
                 (else {on_answer}))",
            name.len(),
            value.len(),
            length(self.body),
            self.times,
            self.method,
            self.path.len(),
            u32::from(self.header.is_some()),
        );
        Guest {
            imports: r#"(import "dialog:provider/upstream@1.0.0" "send"
                (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#
                .to_owned(),
            items,
            open,
            manifest: manifest(),
        }
    }
}
