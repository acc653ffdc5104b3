//! A bounded tree of elements.
//!
//! Elements are found by local name: record systems choose their own prefixes, and some their own
//! namespaces. Document types are refused outright, and with them every entity but the five of XML.

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::decode::{DecodeError, decode};

/// Limits of a document. Larger ones are refused before they cost anything.
pub mod limit {
    /// Bytes of a document. The host hands over at most 8 MiB of an answer, in which the document stands
    /// in base64: 6 MiB are left.
    pub const BYTES: usize = 6 * 1024 * 1024;
    /// Levels of nesting. Real messages have about twelve; formatted text a few more.
    pub const DEPTH: usize = 48;
    /// Elements. A month of slots at a busy office is about 15,000.
    pub const ELEMENTS: usize = 40_000;
    /// Attributes of one element. Real elements have at most a dozen, most of them namespaces.
    pub const ATTRIBUTES: usize = 40;
}

/// Why a document could not be read. It says where, never what stood there.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TreeError {
    /// More bytes than [`limit::BYTES`].
    #[error("the document has {bytes} bytes, more than {}", limit::BYTES)]
    TooLarge {
        /// Bytes of the document.
        bytes: usize,
    },
    /// The bytes are not text.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Not well-formed.
    #[error("not well-formed XML at byte {at}")]
    NotWellFormed {
        /// Byte in the decoded document.
        at: u64,
    },
    /// A document type declaration.
    #[error("a document type declaration at byte {at}, which is not allowed")]
    DocumentType {
        /// Byte in the decoded document.
        at: u64,
    },
    /// An entity that XML does not define by itself.
    #[error("an entity that XML does not define at byte {at}")]
    Entity {
        /// Byte in the decoded document.
        at: u64,
    },
    /// More levels than [`limit::DEPTH`].
    #[error("more than {} levels of elements at byte {at}", limit::DEPTH)]
    TooDeep {
        /// Byte in the decoded document.
        at: u64,
    },
    /// More elements than [`limit::ELEMENTS`].
    #[error("more than {} elements", limit::ELEMENTS)]
    TooManyElements,
    /// More attributes on one element than [`limit::ATTRIBUTES`].
    #[error("more than {} attributes on an element at byte {at}", limit::ATTRIBUTES)]
    TooManyAttributes {
        /// Byte in the decoded document.
        at: u64,
    },
    /// No element at all.
    #[error("no element")]
    Empty,
}

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Local name, without a prefix.
    pub name: String,
    /// Attributes by local name; namespace declarations are left out.
    pub attributes: Vec<(String, String)>,
    /// What is inside, in order.
    pub nodes: Vec<Node>,
}

/// What stands in an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Text, entities resolved, line ends normalised.
    Text(String),
}

impl Element {
    /// The child elements.
    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The child elements of this name.
    pub fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.elements().filter(move |element| element.name == name)
    }

    /// The first child element of this name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.elements().find(|element| element.name == name)
    }

    /// The first element along a path of names.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.child(name))
    }

    /// The first descendant of this name, in document order.
    #[must_use]
    pub fn descendant(&self, name: &str) -> Option<&Self> {
        self.elements().find_map(|element| if element.name == name { Some(element) } else { element.descendant(name) })
    }

    /// An attribute without the blanks around it; none when it is empty.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// All text inside, without the blanks around it; none when there is none.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let mut text = String::new();
        self.collect(&mut text);
        let trimmed = text.trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    }

    fn collect(&self, text: &mut String) {
        for node in &self.nodes {
            match node {
                Node::Text(part) => text.push_str(part),
                Node::Element(element) => element.collect(text),
            }
        }
    }

    /// The text of the first child of this name.
    #[must_use]
    pub fn child_text(&self, name: &str) -> Option<String> {
        self.child(name).and_then(Self::text)
    }
}

/// Reads a document.
///
/// # Errors
/// See [`TreeError`]; a document is read whole or not at all.
pub fn parse(bytes: &[u8]) -> Result<Element, TreeError> {
    if bytes.len() > limit::BYTES {
        return Err(TreeError::TooLarge { bytes: bytes.len() });
    }
    let text = decode(bytes)?;
    Builder::default().build(&text)
}

#[derive(Default)]
struct Builder {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Builder {
    fn build(mut self, text: &str) -> Result<Element, TreeError> {
        let mut reader = Reader::from_str(text.trim_start());
        loop {
            let at = reader.buffer_position();
            let event = reader.read_event().map_err(|_| TreeError::NotWellFormed { at: reader.error_position() })?;
            match event {
                Event::Start(start) => self.start(&start, at)?,
                Event::Empty(start) => {
                    self.start(&start, at)?;
                    self.end(at)?;
                }
                Event::End(_) => self.end(at)?,
                Event::Text(text) => self.text(&text.xml10_content(), at)?,
                Event::CData(text) => self.text(&text.xml10_content(), at)?,
                Event::GeneralRef(reference) => {
                    let character = resolve(&reference, at)?;
                    self.text(character.encode_utf8(&mut [0; 4]), at)?;
                }
                Event::DocType(_) => return Err(TreeError::DocumentType { at }),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof => break,
            }
        }
        if !self.open.is_empty() {
            return Err(TreeError::NotWellFormed { at: reader.buffer_position() });
        }
        self.root.ok_or(TreeError::Empty)
    }

    fn start(&mut self, start: &BytesStart<'_>, at: u64) -> Result<(), TreeError> {
        if self.root.is_some() {
            return Err(TreeError::NotWellFormed { at });
        }
        if self.open.len() >= limit::DEPTH {
            return Err(TreeError::TooDeep { at });
        }
        self.elements += 1;
        if self.elements > limit::ELEMENTS {
            return Err(TreeError::TooManyElements);
        }
        let mut element = Element { name: name(start.local_name().into_inner(), at)?, ..Element::default() };
        for (index, attribute) in start.attributes().enumerate() {
            if index >= limit::ATTRIBUTES {
                return Err(TreeError::TooManyAttributes { at });
            }
            let attribute = attribute.map_err(|_| TreeError::NotWellFormed { at })?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| TreeError::Entity { at })?;
            element.attributes.push((name(attribute.key.local_name().into_inner(), at)?, clean(&value)));
        }
        self.open.push(element);
        Ok(())
    }

    fn end(&mut self, at: u64) -> Result<(), TreeError> {
        let element = self.open.pop().ok_or(TreeError::NotWellFormed { at })?;
        match self.open.last_mut() {
            Some(parent) => parent.nodes.push(Node::Element(element)),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str, at: u64) -> Result<(), TreeError> {
        let Some(element) = self.open.last_mut() else {
            return if text.trim().is_empty() { Ok(()) } else { Err(TreeError::NotWellFormed { at }) };
        };
        let text = clean(text);
        match element.nodes.last_mut() {
            // Of what is not allowed in XML nothing is left.
            _ if text.is_empty() => {}
            Some(Node::Text(last)) => last.push_str(&text),
            _ => element.nodes.push(Node::Text(text)),
        }
        Ok(())
    }
}

/// A local name as XML 1.0 has it (2.3, `Name` without the colon): the parser takes whatever stands there, such as `=V`,
/// `!V` or nothing at all.
fn name(text: &str, at: u64) -> Result<String, TreeError> {
    let mut letters = text.chars();
    if letters.next().is_some_and(begins_name) && letters.all(|letter| begins_name(letter) || continues_name(letter)) {
        Ok(text.to_owned())
    } else {
        Err(TreeError::NotWellFormed { at })
    }
}

/// `NameStartChar`, without the colon.
const fn begins_name(letter: char) -> bool {
    matches!(letter,
        'A'..='Z' | '_' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}'
        | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
        | '\u{10000}'..='\u{effff}')
}

/// What `NameChar` has beside those.
const fn continues_name(letter: char) -> bool {
    matches!(letter, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

fn resolve(reference: &BytesRef<'_>, at: u64) -> Result<char, TreeError> {
    let entity = TreeError::Entity { at };
    if reference.is_char_ref() {
        return match reference.resolve_char_ref() {
            Ok(Some(character)) => Ok(character),
            _ => Err(entity),
        };
    }
    match &*reference.xml10_content() {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(entity),
    }
}

/// Characters that XML forbids reach us through tolerant writers; no reader of ours should meet them. Of those that it
/// takes and a citizen should not, the line end of mainframes (U+0085) is one to us too.
fn clean(text: &str) -> String {
    text.replace('\u{85}', "\n").chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n')).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what failed by failing")]
    use super::*;

    #[test]
    fn prefixes_blanks_and_entities_are_forgiven() {
        let root = parse(
            b"\n<?xml version='1.0'?><x:a xmlns:x='u'><x:b V=' 1 ' x:S='2'>&lt;&#230;&amp;<![CDATA[<c>]]></x:b></x:a>",
        )
        .unwrap();
        let b = root.child("b").unwrap();
        assert_eq!((b.attribute("V"), b.attribute("S")), (Some("1"), Some("2")));
        assert_eq!(b.text().unwrap(), "<æ&<c>");
    }

    #[test]
    fn document_types_and_their_entities_are_refused() {
        let bomb = b"<!DOCTYPE a [<!ENTITY b 'bb'>]><a>&b;</a>";
        assert!(matches!(parse(bomb), Err(TreeError::DocumentType { .. })));
        assert!(matches!(parse(b"<a>&nbsp;</a>"), Err(TreeError::Entity { .. })));
        assert!(matches!(parse(b"<a b='&x;'/>"), Err(TreeError::Entity { .. })));
    }

    #[test]
    fn what_is_not_well_formed_is_refused_with_its_place() {
        for bad in [
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "text",
            "<a/>text",
            "</a>",
            "<a b=c/>",
            "<a b='1' b='2'/>",
            "<a =b='1'/>",
            "<x:/>",
            "<a'b/>",
            "<x:!b/>",
            "<-a/>",
            "<a 1b='x'/>",
        ] {
            assert!(
                matches!(parse(bad.as_bytes()), Err(TreeError::NotWellFormed { .. })),
                "{bad}: {:?}",
                parse(bad.as_bytes())
            );
        }
        assert_eq!(parse(b""), Err(TreeError::Empty));
    }

    #[test]
    fn depth_elements_attributes_and_bytes_are_bounded() {
        let deep = "<a>".repeat(limit::DEPTH + 1);
        assert!(matches!(parse(deep.as_bytes()), Err(TreeError::TooDeep { .. })));
        let wide = format!("<a>{}</a>", "<b/>".repeat(limit::ELEMENTS));
        assert_eq!(parse(wide.as_bytes()), Err(TreeError::TooManyElements));
        let attributes: String = (0..=limit::ATTRIBUTES).map(|n| format!(" a{n}=''")).collect();
        let many = format!("<a{attributes}/>");
        assert!(matches!(parse(many.as_bytes()), Err(TreeError::TooManyAttributes { .. })));
        let large = vec![b' '; limit::BYTES + 1];
        assert_eq!(parse(&large), Err(TreeError::TooLarge { bytes: limit::BYTES + 1 }));
    }

    #[test]
    fn control_characters_are_left_out() {
        assert_eq!(parse(b"<a>x\x07y</a>").unwrap().text().unwrap(), "xy");
        assert_eq!(parse("<a>x\u{85}y</a>".as_bytes()).unwrap().text().unwrap(), "x\ny");
        let alone = parse(b"<a>\0\0<b/></a>").unwrap();
        assert!(matches!(alone.nodes.as_slice(), [Node::Element(_)]), "{alone:?}");
    }
}
