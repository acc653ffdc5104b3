//! A bounded tree of elements.
//!
//! The vendor chooses its prefixes, so elements are known by namespace and local name. Attributes mean nothing in the
//! vendor's messages and are read past.

use std::ops::Range;

use quick_xml::NsReader;
use quick_xml::events::{BytesRef, Event};
use quick_xml::name::ResolveResult;

use crate::Odd;

/// Limits of a document. Larger ones are refused before they cost anything.
pub mod limit {
    /// Bytes of a document: what the host hands over of an answer at most.
    pub const BYTES: usize = 8 * 1024 * 1024;
    /// Levels of nesting. The vendor's messages have eight.
    pub const DEPTH: usize = 32;
    /// Elements. A page of events with all their parts has some thousand.
    pub const ELEMENTS: usize = 20_000;
}

/// Why a document could not be read. It says where, never what stood there.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TreeError {
    /// More bytes than [`limit::BYTES`].
    #[error("has more than {} bytes", limit::BYTES)]
    TooLarge,
    /// The bytes are not UTF-8.
    #[error("is not UTF-8")]
    NotText,
    /// Not well-formed.
    #[error("is not well-formed XML at byte {0}")]
    NotWellFormed(u64),
    /// A document type declaration: SOAP forbids it (SOAP 1.2, part 1, 5).
    #[error("has a document type declaration at byte {0}")]
    DocumentType(u64),
    /// An entity that XML does not define by itself.
    #[error("has an entity that XML does not define at byte {0}")]
    Entity(u64),
    /// More levels than [`limit::DEPTH`].
    #[error("has more than {most} levels of elements at byte {0}", most = limit::DEPTH)]
    TooDeep(u64),
    /// More elements than [`limit::ELEMENTS`].
    #[error("has more than {} elements", limit::ELEMENTS)]
    TooManyElements,
}

/// Whose vocabulary an element is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Space {
    /// SOAP 1.2.
    Soap,
    /// WS-Addressing 1.0.
    Addressing,
    /// The vendor's.
    Vendor,
    /// Any other, or none.
    #[default]
    Other,
}

/// Names of namespaces.
pub mod namespace {
    /// SOAP 1.2.
    pub const SOAP: &str = "http://www.w3.org/2003/05/soap-envelope";
    /// WS-Addressing 1.0.
    pub const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";
    /// The vendor's.
    pub const VENDOR: &str = "urn:besoklegen:portal:v3";
}

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Whose.
    pub space: Space,
    /// Local name.
    pub name: String,
    /// Child elements, in order.
    pub elements: Vec<Element>,
    /// Text of its own, entities resolved; between elements there is none that means anything.
    own: String,
    /// Where it stands in the document, in bytes.
    pub span: Range<usize>,
}

impl Element {
    /// The child elements of this name, of the same vocabulary.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.elements.iter().filter(move |child| child.name == name && child.space == self.space)
    }

    /// The first child element of this name, of the same vocabulary.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.elements.iter().find(|child| child.name == name && child.space == self.space)
    }

    /// The first element of this vocabulary below.
    #[must_use]
    pub fn within(&self, space: Space, name: &str) -> Option<&Self> {
        self.elements.iter().find(|child| child.name == name && child.space == space)
    }

    /// The text without the blanks around it.
    #[must_use]
    pub fn text(&self) -> &str {
        self.own.trim()
    }

    /// The text of the first child of this name; none where it is absent or blank.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.child(name).map(Self::text).filter(|text| !text.is_empty())
    }

    /// The text of the first child of this name.
    ///
    /// # Errors
    /// It is absent or blank: `odd`.
    pub fn required(&self, name: &str, odd: Odd) -> Result<&str, Odd> {
        self.optional(name).ok_or(odd)
    }
}

/// Reads a document.
///
/// # Errors
/// See [`TreeError`]; a document is read whole or not at all.
pub fn parse(bytes: &[u8]) -> Result<Element, TreeError> {
    if bytes.len() > limit::BYTES {
        return Err(TreeError::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| TreeError::NotText)?;
    Builder::default().build(text)
}

#[derive(Default)]
struct Builder {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Builder {
    fn build(mut self, text: &str) -> Result<Element, TreeError> {
        let mut reader = NsReader::from_str(text);
        loop {
            let at = reader.buffer_position();
            let (resolved, event) = reader.read_resolved_event().map_err(|_| TreeError::NotWellFormed(at))?;
            let (ends, start) = match &event {
                Event::Start(start) => (false, Some(start)),
                Event::Empty(start) => (true, Some(start)),
                Event::End(_) => (true, None),
                Event::DocType(_) => return Err(TreeError::DocumentType(at)),
                Event::Text(text) => {
                    self.text(&text.xml10_content(), at)?;
                    continue;
                }
                Event::CData(text) => {
                    self.text(&text.xml10_content(), at)?;
                    continue;
                }
                Event::GeneralRef(reference) => {
                    let character = resolve(reference, at)?;
                    self.text(character.encode_utf8(&mut [0; 4]), at)?;
                    continue;
                }
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => continue,
                Event::Eof => break,
            };
            if let Some(start) = start {
                for attribute in start.attributes() {
                    attribute.map_err(|_| TreeError::NotWellFormed(at))?;
                }
                let space = match resolved {
                    ResolveResult::Bound(bound) => space(bound.as_ref()),
                    ResolveResult::Unbound => Space::Other,
                    ResolveResult::Unknown(_) => return Err(TreeError::NotWellFormed(at)),
                };
                self.start(space, start.local_name().into_inner(), at)?;
            }
            if ends {
                self.end(at, reader.buffer_position())?;
            }
        }
        match self.root {
            Some(root) if self.open.is_empty() => Ok(root),
            _ => Err(TreeError::NotWellFormed(text.len() as u64)),
        }
    }

    fn start(&mut self, space: Space, name: &str, at: u64) -> Result<(), TreeError> {
        // The parser takes whatever stands there for a name, such as `=V` or nothing at all.
        let named = name.starts_with(|first: char| first.is_alphabetic() || first == '_')
            && name.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.'));
        if self.root.is_some() || !named {
            return Err(TreeError::NotWellFormed(at));
        }
        if self.open.len() >= limit::DEPTH {
            return Err(TreeError::TooDeep(at));
        }
        self.elements += 1;
        if self.elements > limit::ELEMENTS {
            return Err(TreeError::TooManyElements);
        }
        let begins = usize::try_from(at).unwrap_or(usize::MAX);
        self.open.push(Element { space, name: name.to_owned(), span: begins..begins, ..Element::default() });
        Ok(())
    }

    fn end(&mut self, at: u64, after: u64) -> Result<(), TreeError> {
        let mut element = self.open.pop().ok_or(TreeError::NotWellFormed(at))?;
        element.span.end = usize::try_from(after).unwrap_or(usize::MAX);
        match self.open.last_mut() {
            Some(parent) => parent.elements.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str, at: u64) -> Result<(), TreeError> {
        match self.open.last_mut() {
            Some(element) => element.own.extend(text.chars().filter_map(clean)),
            None if text.trim().is_empty() => {}
            None => return Err(TreeError::NotWellFormed(at)),
        }
        Ok(())
    }
}

fn space(name: &str) -> Space {
    match name {
        namespace::SOAP => Space::Soap,
        namespace::ADDRESSING => Space::Addressing,
        namespace::VENDOR => Space::Vendor,
        _ => Space::Other,
    }
}

fn resolve(reference: &BytesRef<'_>, at: u64) -> Result<char, TreeError> {
    let entity = TreeError::Entity(at);
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

/// Control characters that XML forbids, or that a citizen should not meet, are left out; the line end of mainframes
/// (U+0085) is one to us too.
fn clean(letter: char) -> Option<char> {
    match letter {
        '\u{85}' => Some('\n'),
        '\t' | '\n' => Some(letter),
        _ if letter.is_control() => None,
        _ => Some(letter),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what failed by failing")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn elements_are_known_by_namespace_whatever_their_prefix() {
        let text = "<?xml version='1.0'?><a xmlns='urn:besoklegen:portal:v3' xmlns:x='urn:x'><x:b>1</x:b>\n\
                    <b> &lt;&#230;&amp;<![CDATA[<c>]]>\u{85}! </b></a>";
        let root = parse(text.as_bytes()).unwrap();
        assert_eq!((root.space, root.optional("b")), (Space::Vendor, Some("<æ&<c>\n!")));
        assert_eq!(root.within(Space::Other, "b").unwrap().text(), "1");
        let b = root.child("b").unwrap();
        assert!(text[b.span.clone()].starts_with("<b> &lt;") && text[b.span.clone()].ends_with("</b>"));
    }

    #[test]
    fn document_types_and_their_entities_are_refused() {
        let bomb = b"<!DOCTYPE a [<!ENTITY b 'bb'>]><a>&b;</a>";
        assert!(matches!(parse(bomb), Err(TreeError::DocumentType(_))));
        assert!(matches!(parse(b"<a>&nbsp;</a>"), Err(TreeError::Entity(_))));
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for bad in
            ["", "<a>", "<a></b>", "<a/><b/>", "text", "<a/>text", "</a>", "<a b=c/>", "<x:a/>", "<-a/>", "<=a/>"]
        {
            assert!(matches!(parse(bad.as_bytes()), Err(TreeError::NotWellFormed(_))), "{bad}");
        }
        assert_eq!(parse(b"<a>\xe6</a>"), Err(TreeError::NotText));
    }

    #[test]
    fn depth_elements_and_bytes_are_bounded() {
        let deep = "<a>".repeat(limit::DEPTH + 1);
        assert!(matches!(parse(deep.as_bytes()), Err(TreeError::TooDeep(_))));
        let wide = format!("<a>{}</a>", "<b/>".repeat(limit::ELEMENTS));
        assert_eq!(parse(wide.as_bytes()), Err(TreeError::TooManyElements));
        assert_eq!(parse(&vec![b' '; limit::BYTES + 1]), Err(TreeError::TooLarge));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(parse(&bytes));
        }

        #[test]
        fn no_markup_makes_the_reader_panic(text in "[<>/&;!a-c='\" \\[\\]?:-]{0,60}") {
            if let Ok(root) = parse(text.as_bytes()) {
                prop_assert!(text.get(root.span).is_some());
            }
        }
    }
}
