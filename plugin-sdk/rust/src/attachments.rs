//! The bytes of attachments.
//!
//! Bytes that only pass through need not come in here: [`Body::attachment`](crate::upstream::Body::attachment) streams
//! them from the portal to the provider.

pub use crate::bindings::capabilities::dialog::provider::attachments::Error;
use crate::{
    capabilities,
    types::{Attachment, Failure, Sent},
};

/// Bytes asked for at once, by the contract.
const PIECE: u32 = 1024 * 1024;

/// Some bytes of an attachment, at most 1 MiB at once; fewer at its end.
pub fn read(attachment: &Attachment, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
    capabilities::attachments::read(&attachment.id, offset, length)
}

/// All bytes of an attachment: up to 10 MiB in the plugin's memory.
pub fn read_all(attachment: &Attachment) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < attachment.size {
        let piece = read(attachment, bytes.len() as u64, PIECE)?;
        if piece.is_empty() {
            break;
        }
        bytes.extend(piece);
    }
    Ok(bytes)
}

/// Keeps bytes from the provider as an attachment, at most 10 MiB. The gateway finds out the media type from the
/// content; `application/octet-stream` is for `unreadable` only.
pub fn create(name: &str, media_type: &str, bytes: &[u8]) -> Result<Attachment, Error> {
    capabilities::attachments::create(name, media_type, bytes)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::faulty(Sent::No, "attachments: no such handle in this call"),
            Error::TooLarge => Self::faulty(Sent::No, "attachments: over the limit"),
            Error::Unsupported => Self::faulty(Sent::No, "attachments: content of an unsupported kind"),
            Error::Unavailable => Self::unavailable(Sent::No, "attachments: the gateway's store does not answer"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::testing::Host;

    #[test]
    fn an_attachment_over_one_piece_is_read_whole() {
        let host = Host::install();
        let bytes: Vec<u8> = (0..2_500_000_u32).map(|n| n as u8).collect();
        let attachment = host.attachment("scan.pdf", "application/pdf", &bytes);
        assert_eq!(read_all(&attachment).unwrap(), bytes);
    }

    #[test]
    fn a_handle_of_another_call_is_not_found() {
        let _host = Host::install();
        let stray = Attachment { id: "x".into(), media_type: "image/png".into(), name: "x.png".into(), size: 1 };
        assert_eq!(read_all(&stray), Err(Error::NotFound));
    }
}
