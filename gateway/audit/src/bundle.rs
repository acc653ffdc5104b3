//! Entry bundles of tlog-tiles: entries in a row, each after its length as a big-endian `u16`.

/// The bytes of a bundle are not what their number of entries needs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Position in the bundle of the first entry that is not whole.
    pub(crate) entry: usize,
}

/// Appends an entry. It must be no longer than [`MAX_ENTRY_BYTES`](crate::limits::MAX_ENTRY_BYTES).
pub(crate) fn push(bundle: &mut Vec<u8>, entry: &[u8]) {
    debug_assert!(entry.len() <= crate::limits::MAX_ENTRY_BYTES);
    bundle.extend_from_slice(&(entry.len() as u16).to_be_bytes());
    bundle.extend_from_slice(entry);
}

/// The entries of a bundle that holds exactly `count`.
pub(crate) fn entries(bundle: &[u8], count: usize) -> Result<Vec<&[u8]>, Malformed> {
    let mut rest = bundle;
    let mut entries = Vec::with_capacity(count);
    while entries.len() < count {
        let (entry, after) = split(rest).ok_or(Malformed { entry: entries.len() })?;
        entries.push(entry);
        rest = after;
    }
    if rest.is_empty() { Ok(entries) } else { Err(Malformed { entry: count }) }
}

/// The first entry of a bundle, and what is after it.
pub(crate) fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_bundled_comes_back(
            list in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)
        ) {
            let mut bundle = Vec::new();
            for entry in &list {
                push(&mut bundle, entry);
            }
            prop_assert_eq!(entries(&bundle, list.len()).unwrap(), list);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, count in 0_usize..300) {
            let _ = entries(&bytes, count);
        }
    }

    #[test]
    fn a_bundle_with_too_little_or_too_much_is_refused() {
        let mut bundle = Vec::new();
        push(&mut bundle, b"one");
        push(&mut bundle, b"two");
        assert_eq!(entries(&bundle, 3), Err(Malformed { entry: 2 }));
        assert_eq!(entries(&bundle, 1), Err(Malformed { entry: 1 }));
        assert_eq!(entries(&bundle[..bundle.len() - 1], 2), Err(Malformed { entry: 1 }));
    }
}
