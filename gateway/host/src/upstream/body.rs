//! A request's body, put together from a plugin's segments. Attachments stream from where they are stored, through as
//! many layers of base64 as the plugin asks for, to the wire: their bytes are never in memory as a whole, and never in
//! the guest. The length is computed beforehand, so that the upstream is told it.

use std::pin::Pin;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

use crate::limits::{UPSTREAM_BODY_LAYERS, UPSTREAM_BODY_SEGMENTS};

/// A stream of a body's bytes.
pub(crate) type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, BodyError>> + Send>>;

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
#[error("an attachment could not be read: {0}")]
pub(crate) struct BodyError(pub(crate) String);

/// One piece of a body, as the plugin gave it; `A` names an attachment.
#[derive(Debug, Clone)]
pub(crate) enum Segment<A> {
    Bytes(Bytes),
    Attachment(A),
    Open,
    Close,
    Credentials,
}

/// A body whose form was checked.
#[derive(Debug, Clone)]
pub(crate) struct Body<A> {
    parts: Vec<Part<A>>,
    length: u64,
}

#[derive(Debug, Clone)]
enum Part<A> {
    Bytes(Bytes),
    Attachment(A),
    Base64(Vec<Part<A>>),
    /// Where the gateway's credentials stand, to be written for each attempt; in the outermost layer.
    Credentials,
}

impl<A: Clone> Body<A> {
    /// Checks the segments and computes the length.
    ///
    /// # Errors
    /// The rule that they break.
    pub(crate) fn new(
        segments: Vec<Segment<A>>,
        size: impl Fn(&A) -> u64,
        most_bytes: u64,
    ) -> Result<Self, &'static str> {
        if segments.len() > UPSTREAM_BODY_SEGMENTS {
            return Err("the body has over 1000 segments");
        }
        // The parts of each layer that is open, the outermost first.
        let mut layers: Vec<(Vec<Part<A>>, u64)> = vec![(Vec::new(), 0)];
        for segment in segments {
            let outermost = layers.len() == 1;
            let Some((parts, length)) = layers.last_mut() else {
                return Err("the body closes base64 that is not open");
            };
            match segment {
                Segment::Bytes(bytes) => {
                    *length = length.saturating_add(bytes.len() as u64);
                    parts.push(Part::Bytes(bytes));
                }
                Segment::Attachment(attachment) => {
                    *length = length.saturating_add(size(&attachment));
                    parts.push(Part::Attachment(attachment));
                }
                Segment::Credentials => {
                    if !outermost || !parts.iter().all(|part| matches!(part, Part::Bytes(_))) {
                        return Err("credentials stand once, after nothing but bytes");
                    }
                    parts.push(Part::Credentials);
                }
                Segment::Open if layers.len() > UPSTREAM_BODY_LAYERS => {
                    return Err("the body nests base64 over three deep");
                }
                Segment::Open => layers.push((Vec::new(), 0)),
                Segment::Close => {
                    let closed = layers.pop();
                    let (Some((parts, length)), Some((outer, outer_length))) = (closed, layers.last_mut()) else {
                        return Err("the body closes base64 that is not open");
                    };
                    *outer_length = outer_length.saturating_add(length.div_ceil(3).saturating_mul(4));
                    outer.push(Part::Base64(parts));
                }
            }
        }
        match layers.pop() {
            Some((parts, length)) if layers.is_empty() => {
                if length > most_bytes {
                    return Err("the body is over the limit");
                }
                Ok(Self { parts, length })
            }
            _ => Err("the body does not close its base64"),
        }
    }

    /// What stands before the credentials, where there is a place for them.
    pub(crate) fn before_credentials(&self) -> Option<Vec<u8>> {
        let at = self.parts.iter().position(|part| matches!(part, Part::Credentials))?;
        let bytes = self.parts[..at].iter().flat_map(|part| match part {
            Part::Bytes(bytes) => bytes.as_ref(),
            _ => &[],
        });
        Some(bytes.copied().collect())
    }

    /// The body with these credentials in their place.
    pub(crate) fn with_credentials(&self, credentials: Bytes) -> Self {
        let mut whole = self.clone();
        for part in &mut whole.parts {
            if matches!(part, Part::Credentials) {
                whole.length = whole.length.saturating_add(credentials.len() as u64);
                *part = Part::Bytes(credentials.clone());
            }
        }
        whole
    }

    /// Bytes on the wire.
    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// The bytes themselves, where there are no attachments and no base64; a body of one piece is not copied.
    pub(crate) fn plain(&self) -> Option<Bytes> {
        match self.parts.as_slice() {
            [] => Some(Bytes::new()),
            [Part::Bytes(bytes)] => Some(bytes.clone()),
            _ => None,
        }
    }

    /// The bytes as a stream; may be called again for another attempt.
    pub(crate) fn stream<O>(&self, open: O) -> BodyStream
    where
        O: Fn(A) -> BodyStream + Clone + Send + 'static,
        A: Send + 'static,
    {
        concatenated(self.parts.clone(), open)
    }
}

fn concatenated<A, O>(parts: Vec<Part<A>>, open: O) -> BodyStream
where
    A: Clone + Send + 'static,
    O: Fn(A) -> BodyStream + Clone + Send + 'static,
{
    Box::pin(stream::iter(parts).flat_map(move |part| match part {
        Part::Bytes(bytes) => Box::pin(stream::iter([Ok(bytes)])) as BodyStream,
        Part::Attachment(attachment) => open(attachment),
        Part::Base64(parts) => encoded(concatenated(parts, open.clone())),
        // Never sent without: whoever binds such credentials checks the body first.
        Part::Credentials => Box::pin(stream::empty()),
    }))
}

/// Encodes as it goes: whole groups of three bytes at once, the rest with padding at the end (RFC 4648).
fn encoded(inner: BodyStream) -> BodyStream {
    Box::pin(stream::unfold((inner, Vec::new(), false), |(mut inner, mut held, ended)| async move {
        if ended {
            return None;
        }
        loop {
            match inner.next().await {
                Some(Ok(bytes)) => {
                    held.extend_from_slice(&bytes);
                    let whole = held.len() / 3 * 3;
                    if whole > 0 {
                        let text = STANDARD.encode(&held[..whole]);
                        held.drain(..whole);
                        return Some((Ok(Bytes::from(text)), (inner, held, false)));
                    }
                }
                Some(Err(error)) => return Some((Err(error), (inner, held, true))),
                None if held.is_empty() => return None,
                None => {
                    let text = STANDARD.encode(&held);
                    return Some((Ok(Bytes::from(text)), (inner, Vec::new(), true)));
                }
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use futures_util::TryStreamExt;
    use proptest::prelude::*;

    use super::*;

    type Plain = Segment<Vec<u8>>;

    fn made(segments: Vec<Plain>) -> Result<Body<Vec<u8>>, &'static str> {
        Body::new(segments, |bytes| bytes.len() as u64, 1 << 30)
    }

    async fn sent(body: &Body<Vec<u8>>, piece: usize) -> Vec<u8> {
        let open = move |bytes: Vec<u8>| {
            let pieces: Vec<_> = bytes.chunks(piece).map(|part| Ok(Bytes::copy_from_slice(part))).collect();
            Box::pin(stream::iter(pieces)) as BodyStream
        };
        body.stream(open).map_ok(|bytes| bytes.to_vec()).try_concat().await.unwrap()
    }

    fn bytes(text: &str) -> Plain {
        Segment::Bytes(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[tokio::test]
    async fn an_attachment_is_encoded_within_an_encoded_document() {
        let body = made(vec![
            bytes("{\"doc\":\""),
            Segment::Open,
            bytes("<x>"),
            Segment::Open,
            Segment::Attachment(b"picture".to_vec()),
            Segment::Close,
            bytes("</x>"),
            Segment::Close,
            bytes("\"}"),
        ])
        .unwrap();
        let document = format!("<x>{}</x>", STANDARD.encode("picture"));
        let whole = format!("{{\"doc\":\"{}\"}}", STANDARD.encode(document));
        assert_eq!(sent(&body, 2).await, whole.as_bytes());
        assert_eq!(body.length(), whole.len() as u64);
    }

    #[test]
    fn a_body_that_is_not_well_formed_is_refused() {
        let too_deep = || [Segment::Open, Segment::Open, Segment::Open, Segment::Open].to_vec();
        for (segments, rule) in [
            (vec![Segment::Close], "not open"),
            (vec![Segment::Open, bytes("a")], "does not close"),
            (vec![Segment::Open, Segment::Close, Segment::Close], "not open"),
            (too_deep(), "over three deep"),
            (vec![bytes(""); 1001], "over 1000 segments"),
            (vec![Segment::Open, Segment::Credentials, Segment::Close], "stand once"),
            (vec![Segment::Attachment(vec![1]), Segment::Credentials], "stand once"),
            (vec![bytes("a"), Segment::Credentials, Segment::Credentials], "stand once"),
        ] {
            let error = made(segments).unwrap_err();
            assert!(error.contains(rule), "{error}");
        }
        assert!(
            Body::new(vec![bytes("12345")], |bytes: &Vec<u8>| bytes.len() as u64, 4)
                .unwrap_err()
                .contains("over the limit")
        );
    }

    #[tokio::test]
    async fn credentials_are_written_where_their_place_is() {
        let body =
            made(vec![bytes("<a>"), Segment::Credentials, bytes("</a>"), Segment::Attachment(vec![b'!'])]).unwrap();
        assert_eq!(body.before_credentials().unwrap(), b"<a>");
        for credentials in ["<one/>", "<another/>"] {
            let whole = body.with_credentials(Bytes::from_static(credentials.as_bytes()));
            let wire = sent(&whole, 3).await;
            assert_eq!(wire, format!("<a>{credentials}</a>!").as_bytes());
            assert_eq!(whole.length(), wire.len() as u64);
        }
        assert_eq!(made(vec![bytes("a")]).unwrap().before_credentials(), None);
    }

    #[tokio::test]
    async fn an_attachment_that_cannot_be_read_breaks_the_body_off() {
        let body = made(vec![Segment::Open, Segment::Attachment(vec![1]), Segment::Close]).unwrap();
        let broken = |_| Box::pin(stream::iter([Err(BodyError("gone".to_owned()))])) as BodyStream;
        assert!(body.stream(broken).try_collect::<Vec<_>>().await.is_err());
    }

    proptest! {
        #[test]
        fn the_length_is_what_is_sent_and_decodes_to_what_was_given(
            first in proptest::collection::vec(any::<u8>(), 0..40),
            second in proptest::collection::vec(any::<u8>(), 0..40),
            piece in 1_usize..9,
        ) {
            let body = made(vec![
                Segment::Open,
                Segment::Bytes(Bytes::from(first.clone())),
                Segment::Attachment(second.clone()),
                Segment::Close,
            ]).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let wire = runtime.block_on(sent(&body, piece));
            prop_assert_eq!(wire.len() as u64, body.length());
            prop_assert_eq!(STANDARD.decode(wire).unwrap(), [first, second].concat());
        }
    }
}
