use crate::{bindings::capabilities::dialog::provider::upstream::Segment, types::Attachment};

/// The body of a request, piece by piece.
///
/// A document with a picture in base64, itself in base64 inside JSON:
/// ```
/// # use dialog_plugin_sdk::{Attachment, upstream::Body};
/// # fn of(picture: &Attachment) -> Body {
/// let document = Body::new().text("<Picture>").base64(Body::new().attachment(picture)).text("</Picture>");
/// Body::new().text(r#"{"document":""#).base64(document).text(r#""}"#)
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Body {
    pub(super) segments: Vec<Segment>,
}

impl Body {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds text as UTF-8.
    #[must_use]
    pub fn text(self, text: impl AsRef<str>) -> Self {
        self.bytes(text.as_ref().as_bytes())
    }

    /// Adds bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: impl AsRef<[u8]>) -> Self {
        match self.segments.last_mut() {
            Some(Segment::Bytes(last)) => last.extend_from_slice(bytes.as_ref()),
            _ => self.segments.push(Segment::Bytes(bytes.as_ref().to_vec())),
        }
        self
    }

    /// Adds the bytes of an attachment. They never enter the plugin.
    #[must_use]
    pub fn attachment(mut self, attachment: &Attachment) -> Self {
        self.segments.push(Segment::Attachment(attachment.id.clone()));
        self
    }

    /// Here the gateway writes its credentials, where the operator's for this upstream stand in bodies: with WS-Security
    /// a header block, which must be first in the header of a SOAP 1.2 envelope. They never enter the plugin.
    ///
    /// ```
    /// # use dialog_plugin_sdk::upstream::Body;
    /// let open = r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>"#;
    /// Body::new().text(open).credentials().text("</s:Header><s:Body/></s:Envelope>");
    /// ```
    #[must_use]
    pub fn credentials(mut self) -> Self {
        self.segments.push(Segment::Credentials);
        self
    }

    /// Adds all of `inner` encoded as base64 (RFC 4648, with padding). At most three deep.
    #[must_use]
    pub fn base64(mut self, inner: Body) -> Self {
        self.segments.push(Segment::Base64Open);
        self.segments.extend(inner.segments);
        self.segments.push(Segment::Base64Close);
        self
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self { segments: vec![Segment::Bytes(bytes)] }
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}
