//! Electronic prescriptions in a renewal (RFER, 3.1.2): one M1 document each.
//!
//! The portal has them from the national prescription register; they are checked and passed on as they are.

use crate::xml::decode::decode;
use crate::xml::tree::{self, Element};

/// Bytes of one prescription. The largest real ones are about 30 KiB.
pub const MAX_BYTES: usize = 256 * 1024;

/// The two versions of M1 that the schemas know.
const NAMESPACES: [&str; 2] =
    ["http://www.kith.no/xmlstds/eresept/m1/2013-10-08", "http://www.kith.no/xmlstds/eresept/m1/2010-05-01"];

/// One electronic prescription, checked to be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prescription {
    /// The item of the request; it goes into `RefDoc/Id`, where an answer can name it.
    pub id: String,
    /// The element `Resept`, without an XML declaration.
    pub(super) element: String,
    /// Identifiers inside (`xs:ID`), which must be unique in a whole message.
    pub(super) identifiers: Vec<String>,
}

impl Prescription {
    /// Checks a document.
    ///
    /// # Errors
    /// In words for the operator: what is wrong with it, without its content.
    pub fn parse(id: &str, document: &[u8]) -> Result<Self, &'static str> {
        if document.len() > MAX_BYTES {
            return Err("it is larger than 256 KiB");
        }
        let root = tree::parse(document).map_err(|_| "it is not readable XML")?;
        if root.name != "Resept" {
            return Err("its root is not Resept");
        }
        let text = decode(document).map_err(|_| "it is not readable text")?;
        let element = without_prolog(&text).ok_or("it has no element")?;
        let head = element.split('>').next().unwrap_or_default();
        if !NAMESPACES.iter().any(|namespace| head.contains(namespace)) {
            return Err("its namespace is not that of M1");
        }
        let mut identifiers = Vec::new();
        collect(&root, &mut identifiers);
        Ok(Self { id: id.to_owned(), element: element.trim_end().to_owned(), identifiers })
    }
}

/// Identifiers of medicines (`Id`) directly below what they identify.
fn collect(element: &Element, identifiers: &mut Vec<String>) {
    for child in element.elements() {
        if child.name == "Id" && element.name.starts_with("Legemiddel") {
            identifiers.extend(child.text());
        }
        collect(child, identifiers);
    }
}

/// The document from its root element on.
fn without_prolog(text: &str) -> Option<&str> {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let end = if rest.starts_with("<?") {
            rest.find("?>")? + 2
        } else if rest.starts_with("<!--") {
            rest.find("-->")? + 3
        } else {
            return rest.starts_with('<').then_some(rest);
        };
        rest = rest.get(end..)?.trim_start();
    }
}

/// Whether prescriptions can stand in one message: no identifier occurs twice.
#[must_use]
pub fn fit_together(prescriptions: &[Prescription]) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    prescriptions.iter().flat_map(|prescription| &prescription.identifiers).all(|id| seen.insert(id))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what failed by failing")]
    use super::*;

    const M1: &str = "http://www.kith.no/xmlstds/eresept/m1/2013-10-08";

    #[test]
    fn the_prolog_is_left_out() {
        let text = format!("\u{feff}<?xml version='1.0'?>\n<!-- x --><Resept xmlns='{M1}'/>\n");
        let prescription = Prescription::parse("1", text.as_bytes()).unwrap();
        assert_eq!(prescription.element, format!("<Resept xmlns='{M1}'/>"));
    }

    #[test]
    fn what_is_not_a_prescription_is_refused() {
        assert_eq!(Prescription::parse("1", b"<Resept"), Err("it is not readable XML"));
        assert_eq!(Prescription::parse("1", b"<a/>"), Err("its root is not Resept"));
        assert_eq!(Prescription::parse("1", b"<Resept/>"), Err("its namespace is not that of M1"));
        let large = vec![b' '; MAX_BYTES + 1];
        assert_eq!(Prescription::parse("1", &large), Err("it is larger than 256 KiB"));
    }

    #[test]
    fn identifiers_must_differ_within_a_message() {
        let one = |id: &str| {
            let text =
                format!("<Resept xmlns='{M1}'><LegemiddelMerkevare><Id>{id}</Id></LegemiddelMerkevare></Resept>");
            Prescription::parse(id, text.as_bytes()).unwrap()
        };
        assert!(fit_together(&[one("a"), one("b")]));
        assert!(!fit_together(&[one("a"), one("a")]));
    }
}
