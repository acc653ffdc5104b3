//! The ciphers, and the form of what is sealed.
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | the version of this form |
//! | 17 | whose it is ([`Owner::bytes`]) |
//! | 8 | under which of the owner's keys |
//! | 24 + 48 | the data key, wrapped: nonce, then key and tag |
//! | rest | the content in segments, each followed by its tag of 16 bytes |
//!
//! A value is one segment; a file has as many as it needs, of [`SEGMENT_BYTES`] each but the last.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    cmac, rand,
};
use dialog_core::ports::keys::{DataKey, Owner};

use crate::limits::SEGMENT_BYTES;

/// Version of the form.
const FORM: u8 = 1;

/// Names one of the keys that an owner has had.
pub(super) type KeyId = [u8; 8];

/// Bytes of a GCM tag.
pub(super) const TAG_BYTES: usize = 16;

/// Bytes of a key that was wrapped by [`wrap`]: nonce, key, tag.
pub(super) const WRAPPED_BYTES: usize = NONCE_BYTES + 32 + TAG_BYTES;

const NONCE_BYTES: usize = 24;

/// What of the header says whose it is.
const NAMED_BYTES: usize = 1 + 17 + 8;

/// Bytes before the content.
pub(super) const HEADER_BYTES: usize = NAMED_BYTES + WRAPPED_BYTES;

/// Something did not decrypt, or a cipher failed. Says no more, as there is no more to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unopened;

impl From<aws_lc_rs::error::Unspecified> for Unopened {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self
    }
}

/// A new random key.
pub(super) fn new_key() -> Result<DataKey, Unopened> {
    DataKey::filled(|bytes| Ok(rand::fill(bytes)?))
}

/// A new random name of a key.
pub(super) fn new_id() -> Result<KeyId, Unopened> {
    let mut id = KeyId::default();
    rand::fill(&mut id)?;
    Ok(id)
}

/// Encrypts a key under another, bound to `context`: XAES-256-GCM with a random nonce, which stands before it.
pub(super) fn wrap(under: &DataKey, key: &DataKey, context: &[u8]) -> Result<[u8; WRAPPED_BYTES], Unopened> {
    let mut wrapped = [0; WRAPPED_BYTES];
    let (nonce, content) = wrapped.split_at_mut(NONCE_BYTES);
    rand::fill(nonce)?;
    content[..32].copy_from_slice(key.expose());
    let (derived, nonce) = derive(under, nonce)?;
    let tag = derived.seal_in_place_separate_tag(nonce, Aad::from(context), &mut content[..32])?;
    content[32..].copy_from_slice(tag.as_ref());
    Ok(wrapped)
}

/// Decrypts what [`wrap`] made.
pub(super) fn unwrap(under: &DataKey, wrapped: &[u8], context: &[u8]) -> Result<DataKey, Unopened> {
    if wrapped.len() != WRAPPED_BYTES {
        return Err(Unopened);
    }
    let (nonce, content) = wrapped.split_at(NONCE_BYTES);
    let (sealed, tag) = content.split_at(32);
    let (derived, nonce) = derive(under, nonce)?;
    DataKey::filled(|key| {
        derived.open_separate_gather(nonce, Aad::from(context), sealed, tag, key)?;
        Ok(())
    })
}

/// The key and the nonce of one encryption with XAES-256-GCM: the key by CMAC in counter mode (NIST SP 800-108r1) over
/// the first half of the extended nonce, the nonce is the second half.
fn derive(key: &DataKey, extended: &[u8]) -> Result<(LessSafeKey, Nonce), Unopened> {
    let (salt, nonce) = extended.split_first_chunk::<12>().ok_or(Unopened)?;
    let cmac = cmac::Key::new(cmac::AES_256, key.expose())?;
    let derived = DataKey::filled(|derived| {
        for (counter, half) in (1..).zip(derived.chunks_exact_mut(16)) {
            let mut context = cmac::Context::with_key(&cmac);
            context.update(&[0, counter, b'X', 0])?;
            context.update(salt)?;
            half.copy_from_slice(context.sign()?.as_ref());
        }
        Ok::<_, Unopened>(())
    })?;
    Ok((gcm(&derived)?, Nonce::try_assume_unique_for_key(nonce)?))
}

fn gcm(key: &DataKey) -> Result<LessSafeKey, Unopened> {
    Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.expose())?))
}

/// The beginning of what is sealed: whose it is, under which key, and the wrapped data key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header<'a> {
    pub(super) owner: Owner,
    pub(super) key: KeyId,
    named: &'a [u8],
    wrapped: &'a [u8],
}

impl<'a> Header<'a> {
    /// Splits what is sealed into its header and its content; none where it has no header of this form.
    pub(super) fn split(sealed: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (header, content) = sealed.split_at_checked(HEADER_BYTES)?;
        let (named, wrapped) = header.split_at(NAMED_BYTES);
        let (&form, named_by) = named.split_first()?;
        let (owner, key) = named_by.split_first_chunk::<17>()?;
        let header = Self { owner: Owner::of(*owner)?, key: key.try_into().ok()?, named, wrapped };
        (form == FORM).then_some((header, content))
    }

    /// Opens the data key of what stands at `place`.
    pub(super) fn open(&self, under: &DataKey, place: &[u8]) -> Result<Segments, Unopened> {
        let key = unwrap(under, self.wrapped, &[self.named, place].concat())?;
        Ok(Segments { key: gcm(&key)? })
    }
}

/// A new header with a new data key, for what is to stand at `place`.
pub(super) fn begin(
    owner: Owner,
    id: KeyId,
    under: &DataKey,
    place: &[u8],
) -> Result<([u8; HEADER_BYTES], Segments), Unopened> {
    let mut header = [FORM; HEADER_BYTES];
    header[1..18].copy_from_slice(&owner.bytes());
    header[18..NAMED_BYTES].copy_from_slice(&id);
    let key = new_key()?;
    let wrapped = wrap(under, &key, &[&header[..NAMED_BYTES], place].concat())?;
    header[NAMED_BYTES..].copy_from_slice(&wrapped);
    Ok((header, Segments { key: gcm(&key)? }))
}

/// The content under one data key, in segments that are numbered from 0.
pub(super) struct Segments {
    key: LessSafeKey,
}

impl Segments {
    /// Encrypts a segment in place, and gives its tag.
    pub(super) fn seal(&self, number: u64, last: bool, content: &mut [u8]) -> Result<[u8; TAG_BYTES], Unopened> {
        let tag = self.key.seal_in_place_separate_tag(nonce(number, last), Aad::empty(), content)?;
        tag.as_ref().try_into().map_err(|_| Unopened)
    }

    /// Decrypts a segment, with its tag behind it, in place, and gives the content.
    pub(super) fn open<'a>(&self, number: u64, last: bool, sealed: &'a mut [u8]) -> Result<&'a mut [u8], Unopened> {
        Ok(self.key.open_in_place(nonce(number, last), Aad::empty(), sealed)?)
    }
}

/// The number of the segment, and whether it is the last: one that is cut off, moved or added does not decrypt.
fn nonce(number: u64, last: bool) -> Nonce {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&number.to_be_bytes());
    nonce[11] = u8::from(last);
    Nonce::assume_unique_for_key(nonce)
}

/// Length of a file of this length when it is sealed.
pub(super) const fn sealed_length(length: u64) -> u64 {
    let segments = length.div_ceil(SEGMENT_BYTES as u64);
    let tags = if segments == 0 { 1 } else { segments };
    (HEADER_BYTES as u64).saturating_add(length).saturating_add(tags.saturating_mul(TAG_BYTES as u64))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use super::*;

    fn key(byte: u8) -> DataKey {
        DataKey::filled(|bytes| {
            bytes.fill(byte);
            Ok::<_, ()>(())
        })
        .unwrap()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// From the specification, c2sp.org/XAES-256-GCM.
    #[test]
    fn the_derived_cipher_is_the_one_of_the_specification() {
        for (byte, associated, expected) in [
            (1, &b""[..], "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
            (3, b"c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"),
        ] {
            let (derived, nonce) = derive(&key(byte), b"ABCDEFGHIJKLMNOPQRSTUVWX").unwrap();
            let mut text = b"XAES-256-GCM".to_vec();
            derived.seal_in_place_append_tag(nonce, Aad::from(associated), &mut text).unwrap();
            assert_eq!(hex(&text), expected);
        }
    }

    #[test]
    fn a_key_is_unwrapped_under_the_same_key_and_context_alone() {
        let wrapped = wrap(&key(1), &key(7), b"here").unwrap();
        assert_eq!(unwrap(&key(1), &wrapped, b"here").unwrap().expose(), &[7; 32]);
        assert_eq!(unwrap(&key(2), &wrapped, b"here").err(), Some(Unopened));
        assert_eq!(unwrap(&key(1), &wrapped, b"there").err(), Some(Unopened));
        assert_eq!(unwrap(&key(1), &wrapped[1..], b"here").err(), Some(Unopened));
        for at in 0..WRAPPED_BYTES {
            let mut changed = wrapped;
            changed[at] ^= 1;
            assert_eq!(unwrap(&key(1), &changed, b"here").err(), Some(Unopened), "byte {at}");
        }
        assert_ne!(wrap(&key(1), &key(7), b"here").unwrap(), wrapped, "the nonce is new each time");
    }

    #[test]
    fn a_segment_stands_where_it_was_put_or_does_not_open() {
        let (_, segments) = begin(Owner::Installation, [0; 8], &key(1), b"").unwrap();
        let mut sealed = b"secret".to_vec();
        let tag = segments.seal(1, false, &mut sealed).unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        sealed.extend_from_slice(&tag);
        for (number, last) in [(0, false), (2, false), (1, true)] {
            assert!(segments.open(number, last, &mut sealed.clone()).is_err());
        }
        assert_eq!(segments.open(1, false, &mut sealed).unwrap(), b"secret");
    }

    #[test]
    fn a_header_of_another_form_or_owner_is_none() {
        let (header, _) = begin(Owner::Citizen([3; 16]), [9; 8], &key(1), b"place").unwrap();
        let (read, content) = Header::split(&header).unwrap();
        assert_eq!((read.owner, read.key, content.len()), (Owner::Citizen([3; 16]), [9; 8], 0));
        assert!(read.open(&key(1), b"place").is_ok());
        assert!(read.open(&key(1), b"another").is_err());
        for (at, to) in [(0, 2), (1, b'?')] {
            let mut changed = header;
            changed[at] = to;
            assert!(Header::split(&changed).is_none());
        }
        assert!(Header::split(&header[1..]).is_none());
        // Whose it is can be read without a key, and not be changed without one.
        let mut stolen = header;
        stolen[2] ^= 1;
        assert!(Header::split(&stolen).unwrap().0.open(&key(1), b"place").is_err());
    }
}
