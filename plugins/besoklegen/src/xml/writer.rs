//! Writes a message as a body, so that the bytes of attachments never enter the plugin.

use dialog_plugin_sdk::Attachment;
use dialog_plugin_sdk::upstream::Body;
use quick_xml::escape::escape;

/// Writes elements of the vendor's, in order. Names are the program's own; values are escaped, and characters that XML
/// cannot carry are left out.
#[derive(Debug, Default)]
pub struct Writer {
    body: Body,
    open: Vec<&'static str>,
}

impl Writer {
    /// Goes on after what stands in a body.
    #[must_use]
    pub const fn after(body: Body) -> Self {
        Self { body, open: Vec::new() }
    }

    /// Opens an element.
    #[must_use]
    pub fn open(mut self, name: &'static str) -> Self {
        self.open.push(name);
        self.markup(&format!("<{name}>"))
    }

    /// Closes the element that was opened last.
    #[must_use]
    pub fn close(mut self) -> Self {
        match self.open.pop() {
            Some(name) => self.markup(&format!("</{name}>")),
            None => self,
        }
    }

    /// An element with text inside.
    #[must_use]
    pub fn leaf(self, name: &str, text: impl AsRef<str>) -> Self {
        let text = printable(text.as_ref());
        self.markup(&format!("<{name}>{}</{name}>", escape(text.as_str())))
    }

    /// An element with text inside, where there is a text.
    #[must_use]
    pub fn optional(self, name: &str, text: Option<impl AsRef<str>>) -> Self {
        match text {
            Some(text) => self.leaf(name, text),
            None => self,
        }
    }

    /// An element with the bytes of an attachment in base64.
    #[must_use]
    pub fn bytes(mut self, name: &str, attachment: &Attachment) -> Self {
        self = self.markup(&format!("<{name}>"));
        self.body = self.body.base64(Body::new().attachment(attachment));
        self.markup(&format!("</{name}>"))
    }

    /// What another part of the program writes.
    #[must_use]
    pub fn with(self, part: impl FnOnce(Self) -> Self) -> Self {
        part(self)
    }

    /// Each of these, written by `part`.
    #[must_use]
    pub fn each<T>(self, items: impl IntoIterator<Item = T>, part: impl Fn(Self, T) -> Self) -> Self {
        items.into_iter().fold(self, part)
    }

    /// Closes what is open and gives the body.
    #[must_use]
    pub fn finish(mut self) -> Body {
        while !self.open.is_empty() {
            self = self.close();
        }
        self.body
    }

    fn markup(mut self, text: &str) -> Self {
        self.body = self.body.text(text);
        self
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
