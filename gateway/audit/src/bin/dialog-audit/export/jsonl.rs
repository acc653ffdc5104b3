//! JSON lines: where a record stands, and the record, byte for byte.

use dialog_audit::Entry;
use dialog_audit::records::Record;
use serde_json::json;
use serde_json::value::RawValue;

use super::Form;

pub(super) struct Jsonl {
    /// As it stands in JSON.
    origin: String,
}

impl Jsonl {
    pub(super) fn new(origin: &str) -> Self {
        Self { origin: json!(origin).to_string() }
    }
}

impl Form for Jsonl {
    fn begin(&self) -> String {
        String::new()
    }

    fn between(&self) -> &'static str {
        ""
    }

    fn write(&mut self, entry: &Entry, _record: Option<&Record>) -> Option<String> {
        let Self { origin } = self;
        let Entry { index, data } = entry;
        // JSON of more than one line would not be one line; what is no JSON is text, as `show` has it.
        let raw: Option<&RawValue> = serde_json::from_slice(data).ok();
        let record = match raw.map(RawValue::get).filter(|raw| !raw.contains(['\n', '\r'])) {
            Some(raw) => raw.to_owned(),
            None => raw
                .and_then(|raw| serde_json::from_str::<serde_json::Value>(raw.get()).ok())
                .unwrap_or_else(|| json!(String::from_utf8_lossy(data)))
                .to_string(),
        };
        Some(format!("{{\"origin\":{origin},\"index\":{index},\"record\":{record}}}\n"))
    }

    fn end(&self) -> &'static str {
        ""
    }
}
