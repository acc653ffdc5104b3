//! Cursors: where a page of a list ends, opaque to the portal. Base64url of a kind, a place and a seal under the
//! installation's secret, which also covers whose list it is: no cursor can be made up, or used on another's list.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::identity::Secret;

/// Longest cursor that is looked at, in characters.
const LONGEST: usize = 128;

/// Of which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A citizen's dialogs.
    Dialogs = 1,
    /// The portal's feed.
    Feed = 2,
    /// A citizen's access log.
    AccessLog = 3,
    /// What a citizen found among their dialogs.
    Search = 4,
    /// The dialogs that are open with a provider at an office.
    Handover = 17,
    /// An office's dialogs with colleagues.
    Collegial = 18,
}

/// Makes a cursor at `place` in the list of `owner`.
pub(crate) fn seal(secret: &Secret, kind: Kind, owner: &[u8], place: &[u8]) -> String {
    let mut bytes = vec![kind as u8];
    bytes.extend_from_slice(place);
    bytes.extend_from_slice(&sealed(secret, kind, owner, place));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The place of a cursor; none where it is not one of ours for this list.
pub(crate) fn open<const N: usize>(secret: &Secret, kind: Kind, owner: &[u8], cursor: &str) -> Option<[u8; N]> {
    if cursor.len() > LONGEST {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (&first, rest) = bytes.split_first()?;
    let (place, seal) = rest.split_at_checked(N)?;
    (first == kind as u8 && seal == sealed(secret, kind, owner, place)).then(|| place.try_into().ok()).flatten()
}

fn sealed(secret: &Secret, kind: Kind, owner: &[u8], place: &[u8]) -> [u8; 12] {
    let mut content = vec![kind as u8, u8::try_from(owner.len()).unwrap_or(u8::MAX)];
    content.extend_from_slice(owner);
    content.extend_from_slice(place);
    secret.seal(&content)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_leads_back_to_its_place(place: [u8; 24], owner: [u8; 16]) {
            let secret = Secret::from_bytes([3; 32]);
            let cursor = seal(&secret, Kind::Dialogs, &owner, &place);
            prop_assert_eq!(open::<24>(&secret, Kind::Dialogs, &owner, &cursor), Some(place));
        }

        #[test]
        fn no_text_but_ours_is_a_cursor(text in "\\PC{0,140}") {
            prop_assert_eq!(open::<24>(&Secret::from_bytes([3; 32]), Kind::Dialogs, b"", &text), None);
        }

        #[test]
        fn a_changed_character_makes_it_worthless(place: [u8; 16], at in 0_usize..38, to in "[A-Za-z0-9_-]") {
            let secret = Secret::from_bytes([3; 32]);
            let cursor = seal(&secret, Kind::Feed, b"", &place);
            let mut changed = cursor.clone();
            changed.replace_range(at..=at, &to);
            prop_assume!(changed != cursor);
            prop_assert_eq!(open::<16>(&secret, Kind::Feed, b"", &changed), None);
        }
    }

    #[test]
    fn a_cursor_is_of_no_use_in_another_list() {
        let secret = Secret::from_bytes([3; 32]);
        let cursor = seal(&secret, Kind::Dialogs, b"kari", &[1; 24]);
        assert_eq!(open::<24>(&secret, Kind::Dialogs, b"ola", &cursor), None);
        assert_eq!(open::<24>(&secret, Kind::Feed, b"kari", &cursor), None);
        assert_eq!(open::<24>(&Secret::from_bytes([4; 32]), Kind::Dialogs, b"kari", &cursor), None);
    }
}
