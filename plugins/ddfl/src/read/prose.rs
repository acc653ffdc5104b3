//! Formatted text to plain text.
//!
//! Texts are plain, or XHTML in a `div` (2.4.4). Only text comes out: no mark-up, no scripts, no links but
//! as their words, so that nobody behind this module needs to be careful.

use crate::xml::tree::{Element, Node};

/// Elements that begin and end a line.
const BLOCKS: [&str; 22] = [
    "p",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "table",
    "tr",
    "blockquote",
    "pre",
    "dl",
    "dt",
    "dd",
    "hr",
    "thead",
    "tbody",
    "address",
];

/// Elements whose content is not text.
const SILENT: [&str; 6] = ["script", "style", "head", "object", "iframe", "title"];

/// The text of an element, plain; none when there is none.
#[must_use]
pub fn plain(element: &Element) -> Option<String> {
    let mut writer = Writer::default();
    if element.elements().next().is_none() {
        for node in &element.nodes {
            if let Node::Text(text) = node {
                writer.text.push_str(text);
            }
        }
    } else {
        writer.nodes(element, false);
    }
    tidy(&writer.text)
}

#[derive(Default)]
struct Writer {
    text: String,
}

impl Writer {
    fn nodes(&mut self, element: &Element, preformatted: bool) {
        for node in &element.nodes {
            match node {
                Node::Text(text) if preformatted => self.text.push_str(text),
                Node::Text(text) => self.flow(text),
                Node::Element(child) => self.element(child, preformatted),
            }
        }
    }

    /// Text in which line breaks are only blanks.
    fn flow(&mut self, text: &str) {
        for character in text.chars() {
            if !character.is_whitespace() || character == '\u{a0}' {
                self.text.push(character);
            } else if !self.text.ends_with([' ', '\n']) && !self.text.is_empty() {
                self.text.push(' ');
            }
        }
    }

    fn element(&mut self, element: &Element, preformatted: bool) {
        let name = element.name.to_ascii_lowercase();
        if SILENT.contains(&name.as_str()) {
            return;
        }
        if name == "br" {
            self.text.push('\n');
            return;
        }
        let block = BLOCKS.contains(&name.as_str());
        if block {
            self.line();
        }
        match name.as_str() {
            "li" => self.text.push_str("- "),
            "td" | "th" if !self.text.ends_with('\n') && !self.text.is_empty() => {
                self.text.push_str("  ");
            }
            "img" => {
                if let Some(words) = element.attribute("alt") {
                    self.flow(words);
                }
            }
            _ => {}
        }
        self.nodes(element, preformatted || name == "pre");
        if block {
            self.line();
            // A heading and a paragraph are followed by an empty line.
            if matches!(name.as_str(), "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6") {
                self.text.push('\n');
            }
        }
    }

    fn line(&mut self) {
        while self.text.ends_with(' ') {
            self.text.pop();
        }
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }
}

/// Without blanks at the ends of lines, and with at most one empty line in a row.
fn tidy(text: &str) -> Option<String> {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines() {
        let line = line.trim_end();
        let empty = line.trim().is_empty();
        if empty && lines.last().is_none_or(|last| last.is_empty()) {
            continue;
        }
        lines.push(if empty { "" } else { line });
    }
    let text = lines.join("\n");
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what failed by failing")]
    use super::*;
    use crate::xml::tree;

    fn text(xml: &str) -> Option<String> {
        plain(&tree::parse(xml.as_bytes()).unwrap())
    }

    #[test]
    fn plain_text_keeps_its_lines() {
        assert_eq!(text("<a>\n  Hei.\r\n\r\n\r\n\r\nTa to.  \n </a>").unwrap(), "Hei.\n\nTa to.");
    }

    #[test]
    fn paragraphs_breaks_and_lists_become_lines() {
        let xml = "<Sporsmal><div xmlns='http://www.w3.org/1999/xhtml'>\n<h1>Vaksine\n klar</h1>\n<p>Den er <b>her</b><br/><br/>Hilsen<br/>oss</p><ul><li>en</li><li>to</li></ul></div>.</Sporsmal>";
        assert_eq!(text(xml).unwrap(), "Vaksine klar\n\nDen er her\n\nHilsen\noss\n\n- en\n- to\n.");
    }

    #[test]
    fn scripts_and_styles_say_nothing() {
        assert_eq!(
            text("<a><div><script>alert(1)</script><style>p{}</style>Hei &lt;b&gt;</div></a>").unwrap(),
            "Hei <b>"
        );
    }

    #[test]
    fn tables_are_rows_of_cells() {
        assert_eq!(
            text("<a><table><tr><td>Hb</td><td>14,2</td></tr><tr><td>CRP</td><td>5</td></tr></table></a>").unwrap(),
            "Hb  14,2\nCRP  5"
        );
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(text("<a> \n </a>"), None);
        assert_eq!(text("<a><div><p> </p></div></a>"), None);
    }
}
