//! Writes XML as segments, so that the bytes of attachments never enter the plugin.

use quick_xml::escape::escape;

use crate::message::Code;

/// A piece of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// XML, in UTF-8.
    Text(Vec<u8>),
    /// Here goes the content of this attachment, in base64.
    AttachmentBase64(String),
}

/// Writes elements, in order. Names and namespaces are the program's own; values are escaped, and
/// characters that XML cannot carry are left out.
#[derive(Debug)]
pub struct XmlWriter {
    segments: Vec<Segment>,
    text: String,
    open: Vec<&'static str>,
}

impl Default for XmlWriter {
    fn default() -> Self {
        Self {
            segments: Vec::new(),
            text: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"),
            open: Vec::new(),
        }
    }
}

impl XmlWriter {
    /// Opens an element.
    pub fn open(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, ">");
        self.open.push(name);
    }

    /// Closes the element that was opened last.
    pub fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.text.push_str("</");
            self.text.push_str(name);
            self.text.push('>');
        }
    }

    /// An element with attributes and nothing inside.
    pub fn empty(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, "/>");
    }

    /// An element with text inside.
    pub fn leaf(&mut self, name: &'static str, text: &str) {
        self.tag(name, &[], ">");
        self.text.push_str(&escape(printable(text)));
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
    }

    /// An element with text inside, when there is a text.
    pub fn optional(&mut self, name: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.leaf(name, text);
        }
    }

    /// An element that holds a code.
    pub fn code(&mut self, name: &'static str, code: Code) {
        match code.system {
            Some(system) => {
                self.empty(name, &[("V", code.value), ("S", system), ("DN", code.name)]);
            }
            None => self.empty(name, &[("V", code.value), ("DN", code.name)]),
        }
    }

    /// An element that was checked to be well-formed and to declare its own namespaces, as it is.
    pub fn raw(&mut self, element: &str) {
        self.text.push_str(element);
    }

    /// The content of an attachment, in base64, here.
    pub fn attachment(&mut self, id: &str) {
        self.flush();
        self.segments.push(Segment::AttachmentBase64(id.to_owned()));
    }

    /// Closes what is open and returns the segments.
    #[must_use]
    pub fn finish(mut self) -> Vec<Segment> {
        while !self.open.is_empty() {
            self.close();
        }
        self.text.push('\n');
        self.flush();
        self.segments
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.segments.push(Segment::Text(std::mem::take(&mut self.text).into_bytes()));
        }
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)], end: &str) {
        self.text.push('<');
        self.text.push_str(name);
        for (key, value) in attributes {
            self.text.push(' ');
            self.text.push_str(key);
            self.text.push_str("=\"");
            self.text.push_str(&escape(printable(&value.replace(['\n', '\t'], " "))));
            self.text.push('"');
        }
        self.text.push_str(end);
    }
}

/// The text without what XML 1.0 cannot carry, and with plain line ends: also those of word processors (U+000B, U+000C)
/// and mainframes (U+0085), which would else put two words together.
fn printable(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace(['\r', '\u{b}', '\u{c}', '\u{85}'], "\n")
        .chars()
        .filter(|c| matches!(c, '\t' | '\n') || !(c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]
    use super::*;
    use crate::xml::tree;

    #[test]
    fn values_are_escaped_and_come_back() {
        let nasty = "<&>\"' ]]> æøå \u{1f600}\r\nline";
        let mut xml = XmlWriter::default();
        xml.open("a", &[("b", "<\"&'>")]);
        xml.leaf("c", nasty);
        xml.leaf("d", "x\u{0}\u{b}\u{ffff}y\u{85}z");
        let segments = xml.finish();
        let [Segment::Text(text)] = segments.as_slice() else { panic!("{segments:?}") };
        let root = tree::parse(text).unwrap();
        assert_eq!(root.attribute("b"), Some("<\"&'>"));
        assert_eq!(root.child_text("c").unwrap(), nasty.replace("\r\n", "\n"));
        assert_eq!(root.child_text("d").unwrap(), "x\ny\nz");
    }

    #[test]
    fn an_attachment_is_a_place_between_two_texts() {
        let mut xml = XmlWriter::default();
        xml.open("a", &[]);
        xml.attachment("id-1");
        let segments = xml.finish();
        assert!(matches!(
            segments.as_slice(),
            [Segment::Text(_), Segment::AttachmentBase64(id), Segment::Text(end)]
                if id == "id-1" && end == b"</a>\n"
        ));
    }
}
