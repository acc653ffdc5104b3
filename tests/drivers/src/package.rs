//! A vendor's file: the signature's section, the envelope in it, the statement in that, and keys.
//!
//! What is promised: a file is taken apart in one way, which is the engine's; what a key did not sign does not hold; what
//! was signed holds until a byte of it changes; what is read is written back the same; no key is repeated in an error.

use std::sync::LazyLock;

use dialog_contract::package::{
    SIGNATURE,
    envelope::{Envelope, MAX_ENVELOPE_BYTES, MAX_SIGNATURES},
    key::{KeyError, KeyId, PublicKey, SigningKey},
    open, section, sign,
    statement::{Claims, Statement, digest},
};
use wasmparser::{Parser, Payload};

use crate::{
    input::{Input, repeats},
    seal,
};

/// Number of the vendor's key, and the whole of what it ever signed in files that are not the drivers' own.
pub(crate) const VENDOR: u8 = 1;

/// The smallest component: a header.
pub(crate) const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::from_pem(&seal::pem(VENDOR)).expect("the drivers' key is one"));

/// What the vendor says of its component.
pub(crate) fn claims() -> Claims {
    Claims {
        plugin: "fjell-helse".parse().expect("it is a plugin's id"),
        version: "1.2.3".to_owned(),
        contract: "dialog:provider@1.0.0".to_owned(),
    }
}

/// [`COMPONENT`], signed: the one file with a signature that the fuzzer is given.
pub(crate) fn signed() -> Vec<u8> {
    sign(COMPONENT, claims(), &KEY).expect("the drivers' key signs")
}

/// One input.
pub fn drive(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 4 {
        0 => file(input.rest()),
        1 => envelope(input.rest()),
        2 => changed(input),
        _ => keys(input.rest()),
    }
}

/// A file as it comes.
fn file(bytes: &[u8]) {
    let found = section::find(bytes, SIGNATURE);
    if let Some(theirs) = others(bytes) {
        assert_eq!(
            found.map(|found| (found.end, found.content)),
            theirs,
            "the engine's reader finds another signature"
        );
    }
    let Ok(opened) = open(bytes) else { return assert!(found.is_some(), "refused without a signature") };
    assert!(bytes.starts_with(opened.component));
    match (found, &opened.envelope) {
        (None, None) => assert_eq!(opened.component, bytes),
        (Some(found), Some(envelope)) => {
            assert_eq!((found.start, found.end), (opened.component.len(), bytes.len()), "bytes that nobody covers");
            assert_eq!(section::find(opened.component, SIGNATURE), None, "a signature within what is signed");
            believed(envelope, opened.component);
        }
        other => panic!("a section without an envelope, or the other way round: {other:?}"),
    }
}

/// The first section of the signature's name as the engine's own reader sees it; nothing where it refuses the file.
fn others(bytes: &[u8]) -> Option<Option<(usize, &[u8])>> {
    let (mut depth, mut first) = (0_usize, None);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.ok()? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 0 && section.name() == SIGNATURE && first.is_none() => {
                first = Some((section.range().end, section.data()));
            }
            _ => {}
        }
    }
    Some(first)
}

/// An envelope by itself.
fn envelope(json: &[u8]) {
    match Envelope::read(json) {
        Ok(envelope) => believed(&envelope, COMPONENT),
        Err(error) => {
            let error = error.to_string();
            assert!(error.chars().count() < 300 && !error.contains(char::is_control), "{error:?}");
        }
    }
}

/// Whatever is read: the vendor's signature is on what the vendor signed.
fn believed(envelope: &Envelope, component: &[u8]) {
    assert!(envelope.keys().count() <= MAX_SIGNATURES);
    let json = envelope.json();
    assert!(json.len() <= 4 * MAX_ENVELOPE_BYTES);
    // Capital letters of an id and bytes that are escaped in JSON can make it longer than it came; then it is refused.
    if json.len() <= MAX_ENVELOPE_BYTES {
        assert_eq!(Envelope::read(&json).as_ref(), Ok(envelope), "it is read back as something else");
    }
    let statement = Statement::read(envelope);
    if envelope.is_signed_by(&KEY.public()) {
        assert!(envelope.names(&KEY.public().id()), "a signature that its key does not name counts");
        let said = statement.as_ref().expect("what the vendor signed is a statement");
        assert_eq!(said, &Statement::new(claims(), digest(COMPONENT)), "the vendor never signed this");
        assert_eq!(said.is_about(&digest(component)), component == COMPONENT);
    }
    match statement {
        Ok(statement) => {
            let again = Envelope::sign(statement.json(), None, &KEY).expect("the drivers' key signs");
            assert_eq!(Statement::read(&again).as_ref(), Ok(&statement), "it is read back as something else");
        }
        Err(error) => {
            let error = error.to_string();
            assert!(error.chars().count() < 600 && !error.contains(char::is_control), "{error:?}");
        }
    }
}

/// A component of the input's, signed, and then changed at one place.
fn changed(mut input: Input<'_>) {
    let (at, to) = (input.number(), input.byte());
    let mut component = COMPONENT.to_vec();
    section::append(&mut component, "code", input.rest());
    let mut file = sign(&component, claims(), &KEY).expect("what has no signature yet can be signed");
    let whole = open(&file).expect("what was signed is taken apart");
    assert_eq!(whole.component, component);
    assert!(holds(&file).is_some_and(|signed| signed == component), "what was signed does not hold");
    let at = usize::try_from(at % file.len() as u64).expect("it is below a length");
    file[at] = to;
    // In base64 and JSON a byte can change without what they say: then everything is as it was.
    assert!(holds(&file).is_none_or(|signed| signed == component), "byte {at} changed, and the signature holds");
}

/// The component of a file whose signature holds.
fn holds(file: &[u8]) -> Option<&[u8]> {
    let opened = open(file).ok()?;
    let envelope = opened.envelope?;
    let about = Statement::read(&envelope).ok()?.is_about(&digest(opened.component));
    (envelope.is_signed_by(&KEY.public()) && about).then_some(opened.component)
}

/// Keys as texts.
fn keys(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(id) = text.parse::<KeyId>() {
        assert_eq!(id.as_str(), text);
        assert!(id.as_str().len() == 64);
    }
    match text.parse::<PublicKey>() {
        Ok(key) => {
            assert_eq!(key.to_string(), text, "a key with two spellings");
            assert_eq!(key.id().to_string().parse(), Ok(key.id()));
            let mine = key == KEY.public();
            let envelope = Envelope::sign(b"{}".to_vec(), None, &KEY).expect("the drivers' key signs");
            assert_eq!(envelope.is_signed_by(&key), mine, "another key holds for this one");
        }
        Err(error) => assert_eq!(error, KeyError::Public, "only this one says nothing of what was read"),
    }
    match SigningKey::from_pem(&text) {
        Ok(key) => {
            let pem = key.to_pem().expect("a key that was read is written");
            let again = SigningKey::from_pem(&pem).expect("a key that was written is read");
            assert_eq!(again.public(), key.public());
            assert!(!repeats(&format!("{key:?}"), &pem.replace("PRIVATE KEY", "")), "a private key prints itself");
        }
        Err(error) => assert_eq!(error, KeyError::Private, "only this one says nothing of what was read"),
    }
}
