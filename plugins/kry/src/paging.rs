//! Lists that come in pages: `links.next` is followed for its cursor alone, so that a link never leads elsewhere, and only
//! so far, so that pages that never end do not take the call with them.

use dialog_plugin_sdk::upstream::{Request, Response};
use dialog_plugin_sdk::{Failure, Locale};
use serde_json::Value;

use crate::document::Document;
use crate::refusal;

/// Resources that are asked for at once.
pub const SIZE: usize = 100;
/// Pages of one list: what the contract takes of anything, and a call has room for.
const MAX_PAGES: usize = 5;
/// The parameter that says where a page begins.
const CURSOR: &str = "page[cursor]";
/// Bytes of a cursor.
const MAX_CURSOR: usize = 512;

/// Whether a list was read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was.
    Reached,
    /// There are more pages than are read.
    NotReached,
}

/// Asks for a list page by page, and hands each resource to `each`.
///
/// # Errors
/// The vendor's, and those of `each`. Pages that lead back to one that was read are `faulty`.
pub fn each(
    request: impl Fn() -> Request,
    locale: Locale,
    mut each: impl FnMut(&Response, &Document, &Value) -> Result<(), Failure>,
) -> Result<End, Failure> {
    let mut seen: Vec<String> = Vec::new();
    loop {
        let mut asked = request().query("page[size]", SIZE);
        if let Some(cursor) = seen.last() {
            asked = asked.query(CURSOR, cursor);
        }
        let answer = refusal::accepted(asked.send()?, locale, &[])?;
        let document = Document::of(&answer)?;
        let list = document.list(&answer)?;
        if list.len() > SIZE {
            return Err(answer.unreadable("holds more resources than were asked for"));
        }
        for one in list {
            each(&answer, &document, one)?;
        }
        let Some(link) = &document.next else { return Ok(End::Reached) };
        let cursor = parameter(link, CURSOR).filter(|cursor| !cursor.is_empty() && cursor.len() <= MAX_CURSOR);
        let cursor = cursor.ok_or_else(|| answer.unreadable("links to a next page without a cursor"))?;
        if seen.contains(&cursor) {
            return Err(answer.unreadable("links to a page that was read already"));
        }
        seen.push(cursor);
        if seen.len() == MAX_PAGES {
            return Ok(End::NotReached);
        }
    }
}

/// The first parameter of this name in a link's query (WHATWG URL, application/x-www-form-urlencoded).
#[must_use]
pub fn parameter(link: &str, name: &str) -> Option<String> {
    let query = link.split_once('?')?.1.split('#').next()?;
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if decoded(key).as_deref() == Some(name) { decoded(value) } else { None }
    })
}

/// Without percent-encoding. None where what it stands for is not UTF-8 in one line.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cursor_is_found_in_absolute_and_relative_links_and_wherever_it_stands() {
        for link in [
            "/v1/x?page%5Bcursor%5D=p%2F7&page%5Bsize%5D=100",
            "https://elsewhere.example/y?a=b&page[cursor]=p%2f7#end",
            "?page%5bcursor%5d=p/7",
        ] {
            assert_eq!(parameter(link, CURSOR).as_deref(), Some("p/7"), "{link}");
        }
        assert_eq!(parameter("?page[cursor]=a+b", CURSOR).as_deref(), Some("a b"));
    }

    #[test]
    fn a_link_without_a_cursor_or_with_a_broken_one_has_none() {
        for link in [
            "",
            "/v1/x",
            "?",
            "?page[size]=1",
            "?page[cursor]=%",
            "?page[cursor]=%f",
            "?page[cursor]=%ff",
            "?page[cursor]=%0a",
        ] {
            assert_eq!(parameter(link, CURSOR), None, "{link}");
        }
    }

    proptest! {
        #[test]
        fn no_link_breaks_the_reader(link in "\\PC{0,60}") {
            let _ = parameter(&link, CURSOR);
        }

        #[test]
        fn what_was_encoded_is_read_back(cursor in "[ -~æøå]{1,30}") {
            let encoded: String = cursor.bytes().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(parameter(&format!("/x?page%5Bcursor%5D={encoded}&a=b"), CURSOR), Some(cursor));
        }
    }
}
