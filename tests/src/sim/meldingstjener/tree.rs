//! XML as a tree of elements: read with bounds, written with a default namespace per element.
//!
//! Reading decodes UTF-8, ISO-8859-1 and what else the XML declaration names, refuses document types, and gives up
//! beyond [`MAX_DEPTH`] and [`MAX_ELEMENTS`].

use encoding_rs::Encoding;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;
use quick_xml::writer::Writer;

/// Elements inside each other; real messages stay below 20.
pub const MAX_DEPTH: usize = 64;
/// Elements in one message; four weeks of slots make some 15,000.
pub const MAX_ELEMENTS: usize = 200_000;

/// Why bytes are no XML message.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum NotXml {
    /// The bytes do not decode in the encoding that they claim.
    #[error("the bytes are not {0}")]
    Encoding(&'static str),
    /// Not well-formed.
    #[error("not well-formed near byte {at}: {reason}")]
    IllFormed {
        /// Offset in the decoded text.
        at: u64,
        /// What the parser said.
        reason: String,
    },
    /// A document type: entities have no place in a message.
    #[error("a document type declaration")]
    DocumentType,
    /// Deeper or longer than any message.
    #[error("more than {MAX_DEPTH} levels or {MAX_ELEMENTS} elements")]
    TooLarge,
}

/// A piece of an element's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Character data, entities resolved.
    Text(String),
}

/// An element; attributes with a prefix (`xsi:schemaLocation` and its like) are not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Namespace name, empty for none.
    pub ns: String,
    /// Local name.
    pub name: String,
    /// Attributes without a prefix.
    pub attrs: Vec<(String, String)>,
    /// Content in order.
    pub nodes: Vec<Node>,
}

impl Element {
    /// An empty element.
    pub fn new(ns: &str, name: &str) -> Element {
        Element { ns: ns.to_owned(), name: name.to_owned(), ..Element::default() }
    }

    /// With one more attribute.
    #[must_use]
    pub fn attr(mut self, name: &str, value: impl Into<String>) -> Element {
        self.attrs.push((name.to_owned(), value.into()));
        self
    }

    /// With one more child.
    #[must_use]
    pub fn with(mut self, child: Element) -> Element {
        self.nodes.push(Node::Element(child));
        self
    }

    /// With each of these children.
    #[must_use]
    pub fn with_all(mut self, children: impl IntoIterator<Item = Element>) -> Element {
        self.nodes.extend(children.into_iter().map(Node::Element));
        self
    }

    /// With one more piece of text.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Element {
        self.nodes.push(Node::Text(text.into()));
        self
    }

    /// With a child in the same namespace that holds only text.
    #[must_use]
    pub fn field(self, name: &str, text: impl Into<String>) -> Element {
        let child = Element::new(&self.ns, name).with_text(text);
        self.with(child)
    }

    /// The value of an attribute, trimmed.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attrs.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim())
    }

    /// The child elements.
    pub fn children(&self) -> impl Iterator<Item = &Element> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The children of this name in this element's own namespace.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children().filter(move |child| child.name == name && child.ns == self.ns)
    }

    /// The first child of this name in this element's own namespace.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children().find(|child| child.name == name && child.ns == self.ns)
    }

    /// The trimmed text of the first child of this name.
    pub fn text_of(&self, name: &str) -> Option<String> {
        self.child(name).map(Element::text)
    }

    /// All text below, trimmed.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.collect_text(&mut text);
        text.trim().to_owned()
    }

    fn collect_text(&self, into: &mut String) {
        for node in &self.nodes {
            match node {
                Node::Text(text) => into.push_str(text),
                Node::Element(element) => element.collect_text(into),
            }
        }
    }
}

/// Decodes by byte order mark or by the encoding that the XML declaration names; UTF-8 where it names none.
fn decode(bytes: &[u8]) -> Result<String, NotXml> {
    let head = bytes.get(..bytes.len().min(200)).unwrap_or_default();
    let declaration: String = head.iter().take_while(|byte| **byte != b'>').map(|byte| char::from(*byte)).collect();
    let named = declaration.split_once("encoding=").and_then(|(_, rest)| {
        let quote = rest.chars().next()?;
        rest.get(1..)?.split(quote).next()
    });
    let encoding = named.and_then(|label| Encoding::for_label(label.as_bytes())).unwrap_or(encoding_rs::UTF_8);
    let (text, used, broken) = encoding.decode(bytes);
    if broken {
        return Err(NotXml::Encoding(used.name()));
    }
    Ok(text.into_owned())
}

/// Reads a whole document.
pub fn parse(bytes: &[u8]) -> Result<Element, NotXml> {
    let text = decode(bytes)?;
    let mut reader = NsReader::from_str(&text);
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Element> = None;
    let mut count = 0_usize;
    loop {
        let at = reader.buffer_position();
        let ill = |reason: String| NotXml::IllFormed { at, reason };
        let (namespace, event) = reader.read_resolved_event().map_err(|error| ill(error.to_string()))?;
        let ended = match event {
            Event::Start(ref start) | Event::Empty(ref start) => {
                count += 1;
                if open.len() >= MAX_DEPTH || count > MAX_ELEMENTS {
                    return Err(NotXml::TooLarge);
                }
                if root.is_some() {
                    return Err(ill("a second root element".to_owned()));
                }
                let ns = match namespace {
                    ResolveResult::Bound(ns) => ns.as_ref().to_owned(),
                    ResolveResult::Unbound => String::new(),
                    ResolveResult::Unknown(prefix) => return Err(ill(format!("unknown prefix {prefix:?}"))),
                };
                open.push(element(ns, start).map_err(ill)?);
                matches!(event, Event::Empty(_))
            }
            Event::End(_) => true,
            Event::Text(chars) => {
                push_text(&mut open, &chars.xml10_content()).map_err(ill)?;
                false
            }
            Event::CData(chars) => {
                push_text(&mut open, &chars.xml10_content()).map_err(ill)?;
                false
            }
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref().map_err(|error| ill(error.to_string()))? {
                    Some(character) => character.to_string(),
                    None => resolve_predefined_entity(&reference)
                        .ok_or_else(|| ill(format!("unknown entity {:?}", &*reference)))?
                        .to_owned(),
                };
                push_text(&mut open, &resolved).map_err(ill)?;
                false
            }
            Event::DocType(_) => return Err(NotXml::DocumentType),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => false,
            Event::Eof => break,
        };
        if ended && let Some(done) = open.pop() {
            match open.last_mut() {
                Some(parent) => parent.nodes.push(Node::Element(done)),
                None => root = Some(done),
            }
        }
    }
    let at = reader.buffer_position();
    match (root, open.last()) {
        (Some(root), None) => Ok(root),
        (_, Some(unclosed)) => Err(NotXml::IllFormed { at, reason: format!("<{}> is never closed", unclosed.name) }),
        (None, None) => Err(NotXml::IllFormed { at, reason: "no element".to_owned() }),
    }
}

fn element(ns: String, start: &BytesStart<'_>) -> Result<Element, String> {
    let mut attrs = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.key.as_namespace_binding().is_some() || attribute.key.prefix().is_some() {
            continue;
        }
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|error| error.to_string())?;
        attrs.push((attribute.key.as_ref().to_owned(), value.into_owned()));
    }
    Ok(Element { ns, name: start.local_name().as_ref().to_owned(), attrs, nodes: Vec::new() })
}

fn push_text(open: &mut [Element], text: &str) -> Result<(), String> {
    match open.last_mut() {
        Some(element) => {
            if let Some(Node::Text(last)) = element.nodes.last_mut() {
                last.push_str(text);
            } else if !text.is_empty() {
                element.nodes.push(Node::Text(text.to_owned()));
            }
            Ok(())
        }
        None if text.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']).is_empty() => Ok(()),
        None => Err("text outside the root element".to_owned()),
    }
}

/// The encoding of a written document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// UTF-8.
    Utf8,
    /// ISO-8859-1; what it lacks becomes a character reference.
    Latin1,
}

/// Writes a whole document with its XML declaration.
pub fn write(root: &Element, encoding: Written) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    let label = match encoding {
        Written::Utf8 => "UTF-8",
        Written::Latin1 => "ISO-8859-1",
    };
    // Writing into memory does not fail; an empty document would be found by the first reader.
    let written = writer
        .write_event(Event::Decl(BytesDecl::new("1.0", Some(label), None)))
        .and_then(|()| write_element(&mut writer, root, ""));
    let utf8 = if written.is_ok() { writer.into_inner() } else { Vec::new() };
    match encoding {
        Written::Utf8 => utf8,
        Written::Latin1 => String::from_utf8_lossy(&utf8).chars().fold(Vec::new(), |mut bytes, c| {
            match u8::try_from(u32::from(c)) {
                // Readers on the web's rules take 0x80 to 0x9f for windows-1252.
                Ok(byte) if !(0x80..0xa0).contains(&byte) => bytes.push(byte),
                _ => bytes.extend_from_slice(format!("&#{};", u32::from(c)).as_bytes()),
            }
            bytes
        }),
    }
}

fn write_element(writer: &mut Writer<Vec<u8>>, element: &Element, default_ns: &str) -> std::io::Result<()> {
    let mut start = BytesStart::new(element.name.as_str());
    if element.ns != default_ns {
        start.push_attribute(("xmlns", element.ns.as_str()));
    }
    for (name, value) in &element.attrs {
        start.push_attribute((name.as_str(), value.as_str()));
    }
    if element.nodes.is_empty() {
        return writer.write_event(Event::Empty(start));
    }
    writer.write_event(Event::Start(start))?;
    for node in &element.nodes {
        match node {
            Node::Text(text) => writer.write_event(Event::Text(BytesText::new(text)))?,
            Node::Element(child) => write_element(writer, child, &element.ns)?,
        }
    }
    writer.write_event(Event::End(BytesEnd::new(element.name.as_str())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use super::{Element, NotXml, Written, parse, write};
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read_back_in_both_encodings() {
        let root = Element::new("urn:a", "Å")
            .attr("V", "<\"&'> \u{2013} ø")
            .with(Element::new("urn:b", "b").with_text("a < b & c \u{1F600} \u{85}"))
            .field("c", "");
        for encoding in [Written::Utf8, Written::Latin1] {
            let read = parse(&write(&root, encoding)).unwrap();
            assert_eq!(read.get("V"), root.get("V"));
            assert_eq!(read.children().next().unwrap().ns, "urn:b");
            assert_eq!(read.text(), root.text(), "{encoding:?}");
        }
    }

    #[test]
    fn a_document_type_is_refused() {
        let bomb = b"<!DOCTYPE a [<!ENTITY x \"xx\">]><a>&x;</a>";
        assert_eq!(parse(bomb), Err(NotXml::DocumentType));
    }

    #[test]
    fn what_never_ends_is_named() {
        let error = parse(b"<a><b></b>").unwrap_err();
        assert!(error.to_string().contains("<a> is never closed"), "{error}");
        assert!(matches!(parse(b"<a></b>"), Err(NotXml::IllFormed { .. })));
        assert!(matches!(parse(b""), Err(NotXml::IllFormed { .. })));
        assert!(matches!(parse(b"<a/><b/>"), Err(NotXml::IllFormed { .. })));
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{}{}", "<a>".repeat(100), "</a>".repeat(100));
        assert_eq!(parse(deep.as_bytes()), Err(NotXml::TooLarge));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(parse(&bytes));
        }

        #[test]
        fn any_text_survives(text in "[ -~\u{a0}-\u{d7ff}\n]{0,80}") {
            let root = Element::new("urn:a", "a").attr("V", text.replace('\n', " ")).with_text(text.clone());
            let read = parse(&write(&root, Written::Latin1)).unwrap();
            prop_assert_eq!(read.text(), text.trim());
        }
    }
}
