//! A table for spreadsheets (RFC 4180). The columns are fixed; what a record does not say is empty.

use dialog_audit::Entry;
use dialog_audit::records::Record;
use serde_json::Value;

use super::Form;

/// Name and place of each column after the index.
const COLUMNS: [(&str, &str); 24] = [
    ("time", "/time"),
    ("kind", "/kind"),
    ("action", "/action"),
    ("role", "/actor/role"),
    ("client", "/actor/client"),
    ("person", "/actor/person"),
    ("level", "/actor/level"),
    ("citizen", "/citizen"),
    ("representative", "/representation/representative"),
    ("representation", "/representation/role"),
    ("office", "/office"),
    ("service", "/service"),
    ("dialog", "/dialog"),
    ("plugin", "/call/plugin"),
    ("version", "/call/version"),
    ("digest", "/call/digest"),
    ("function", "/call/function"),
    ("attempt", "/call/attempt"),
    ("microseconds", "/call/microseconds"),
    ("status", "/outcome/status"),
    ("problem", "/outcome/problem"),
    ("sent", "/outcome/sent"),
    ("request", "/request"),
    ("traceId", "/traceId"),
];

pub(super) struct Csv;

impl Form for Csv {
    fn begin(&self) -> String {
        let names: Vec<&str> = ["index"].into_iter().chain(COLUMNS.iter().map(|(name, _)| *name)).collect();
        format!("{}\r\n", names.join(","))
    }

    fn between(&self) -> &'static str {
        ""
    }

    fn write(&mut self, entry: &Entry, record: Option<&Record>) -> Option<String> {
        let record = record?.value();
        let mut row = entry.index.to_string();
        for (_, place) in COLUMNS {
            row.push(',');
            match record.pointer(place) {
                Some(Value::String(text)) => row.push_str(&cell(text)),
                Some(Value::Number(number)) => row.push_str(&number.to_string()),
                _ => {}
            }
        }
        row.push_str("\r\n");
        Some(row)
    }

    fn end(&self) -> &'static str {
        ""
    }
}

/// A cell. A spreadsheet takes what begins with one of these for a formula, and runs it: a clients' name in a log is not
/// to do anything on an auditor's machine.
fn cell(text: &str) -> String {
    let harmless =
        if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{text}") } else { text.to_owned() };
    if harmless.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", harmless.replace('"', "\"\"")) } else { harmless }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_begins_with_an_equals_sign_is_no_formula() {
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(cell("-2"), "'-2");
        assert_eq!(cell("\t=1"), "'\t=1");
        assert_eq!(cell("=HYPERLINK(\"a\",\"b\")"), "\"'=HYPERLINK(\"\"a\"\",\"\"b\"\")\"");
        assert_eq!(cell("a=b"), "a=b");
        assert_eq!(cell("one, two"), "\"one, two\"");
        assert_eq!(cell("two\nlines"), "\"two\nlines\"");
    }
}
