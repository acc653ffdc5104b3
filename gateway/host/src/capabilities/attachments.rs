//! `attachments`: the bytes of files, by handles that are good for one call.
//!
//! Files from a provider are stored as they are created; those that the call's answer does not name, and all of a call
//! that fails or is stopped, are deleted again.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use dialog_contract::{
    dialog::{Attachment, MediaType},
    ids::AttachmentId,
    provider::RawBlob,
};
use dialog_core::{
    media,
    ports::blobs::{BlobError, Blobs},
};
use futures_util::{StreamExt, stream};
use uuid::Uuid;

use crate::{
    bindings::host::{
        attachments::{Error, Host},
        types,
    },
    call::Call,
    limits::{ATTACHMENT_NAME_CHARACTERS, Limits, length},
    package::hex,
};

/// What a file is called whose sender named it nothing that can be shown.
const UNNAMED: &str = "attachment";

/// The media type of what could not be understood.
const RAW: &str = "application/octet-stream";

/// The files of one call.
pub(crate) struct Attachments {
    blobs: Arc<dyn Blobs>,
    known: HashMap<String, Known>,
    created: Created,
    created_bytes: u64,
    most_bytes: u64,
    most_created: usize,
    most_created_bytes: u64,
    most_read_bytes: u32,
}

/// A file that the call can name.
#[derive(Debug, Clone)]
pub(crate) enum Known {
    /// A picture or document.
    File(Attachment),
    /// Bytes kept for the operator.
    Raw(RawBlob),
}

impl Known {
    /// The blob and its size.
    pub(crate) fn blob(&self) -> (Uuid, u64) {
        match self {
            Self::File(attachment) => (attachment.id.uuid(), attachment.size),
            Self::Raw(raw) => (raw.id, raw.size),
        }
    }
}

/// Blobs that belong to nobody yet; deleted unless the call's end says otherwise.
struct Created {
    blobs: Arc<dyn Blobs>,
    ids: Vec<Uuid>,
}

impl Created {
    fn delete(&mut self) {
        let ids = std::mem::take(&mut self.ids);
        if ids.is_empty() {
            return;
        }
        let blobs = Arc::clone(&self.blobs);
        let deleting = async move {
            for id in ids {
                if let Err(error) = blobs.delete(id).await {
                    tracing::warn!(blob = %id, %error, "a file of a call that failed could not be deleted");
                }
            }
        };
        // Without a runtime the process is ending; what is left is then no more than a file that nobody names.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(deleting);
        }
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        self.delete();
    }
}

impl Attachments {
    pub(crate) fn new(blobs: Arc<dyn Blobs>, limits: &Limits) -> Self {
        Self {
            created: Created { blobs: Arc::clone(&blobs), ids: Vec::new() },
            blobs,
            known: HashMap::new(),
            created_bytes: 0,
            most_bytes: limits.attachment_bytes,
            most_created: length(limits.attachments_created),
            most_created_bytes: limits.attachments_created_bytes,
            most_read_bytes: u32::try_from(length(limits.attachment_read_bytes)).unwrap_or(u32::MAX),
        }
    }

    /// Makes a handle for a file of the citizen's.
    pub(crate) fn lend(&mut self, attachment: &Attachment) -> types::Attachment {
        let lent = types::Attachment {
            id: self.handle(),
            media_type: attachment.media_type.as_str().to_owned(),
            name: attachment.name.clone(),
            size: attachment.size,
        };
        self.known.insert(lent.id.clone(), Known::File(attachment.clone()));
        lent
    }

    /// The file behind a handle.
    pub(crate) fn find(&self, handle: &str) -> Option<&Known> {
        self.known.get(handle)
    }

    /// Where the bytes are.
    pub(crate) fn blobs(&self) -> &Arc<dyn Blobs> {
        &self.blobs
    }

    /// Keeps the created files that the call's answer names; the others go when the call does.
    pub(crate) fn keep(&mut self, named: &[Uuid]) {
        self.created.ids.retain(|id| !named.contains(id));
    }

    fn handle(&self) -> String {
        format!("attachment-{}", self.known.len() + 1)
    }

    async fn read(&self, handle: &str, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
        let (blob, size) = self.known.get(handle).ok_or(Error::NotFound)?.blob();
        if length > self.most_read_bytes {
            return Err(Error::TooLarge);
        }
        let wanted = usize::try_from(size.saturating_sub(offset).min(length.into())).unwrap_or(0);
        if wanted == 0 {
            return Ok(Vec::new());
        }
        let mut bytes = Vec::with_capacity(wanted);
        let mut stream = self.blobs.open(blob, offset).await.map_err(unavailable)?;
        while bytes.len() < wanted {
            let Some(part) = stream.next().await else { break };
            let part = part.map_err(unavailable)?;
            bytes.extend_from_slice(&part[..part.len().min(wanted - bytes.len())]);
        }
        Ok(bytes)
    }

    async fn create(&mut self, name: &str, media_type: &str, bytes: Vec<u8>) -> Result<types::Attachment, Error> {
        let size = bytes.len() as u64;
        let all = self.created_bytes + size;
        if size > self.most_bytes || all > self.most_created_bytes || self.created.ids.len() >= self.most_created {
            return Err(Error::TooLarge);
        }
        // What the content is decides; what the provider calls it does not.
        let found = if media_type == RAW { None } else { Some(media::sniff_bytes(&bytes).ok_or(Error::Unsupported)?) };
        let id = Uuid::now_v7();
        let content = Box::pin(stream::iter([Ok(Bytes::from(bytes))]));
        // Before the write, so that a call that is stopped in the middle of it leaves nothing either.
        self.created.ids.push(id);
        let stored = self.blobs.put(id, content, self.most_bytes).await.map_err(unavailable)?;
        self.created_bytes = all;
        let name = safe_name(name);
        let media_type = found.map_or(RAW, MediaType::as_str).to_owned();
        let made = types::Attachment { id: self.handle(), media_type, name: name.clone(), size };
        let known = match found {
            Some(media_type) => Known::File(Attachment {
                id: AttachmentId::from(id),
                media_type,
                name,
                size,
                sha256: hex(&stored.sha256),
            }),
            None => Known::Raw(RawBlob { id, size }),
        };
        self.known.insert(made.id.clone(), known);
        Ok(made)
    }
}

/// A file's name as it can be shown and saved: the last part of a path, without control characters, within the limit.
fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|letter| !letter.is_control()).take(ATTACHMENT_NAME_CHARACTERS).collect();
    let clean = clean.trim();
    if clean.is_empty() || clean.chars().all(|letter| letter == '.') { UNNAMED.to_owned() } else { clean.to_owned() }
}

fn unavailable(error: BlobError) -> Error {
    tracing::error!(%error, "an attachment cannot be read or written");
    Error::Unavailable
}

impl Host for Call {
    async fn read(&mut self, id: String, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
        let read = self.attachments.read(&id, offset, length).await;
        self.told("attachments.read", read)
    }

    async fn create(&mut self, name: String, media_type: String, bytes: Vec<u8>) -> Result<types::Attachment, Error> {
        let created = self.attachments.create(&name, &media_type, bytes).await;
        self.told("attachments.create", created)
    }
}

impl Call {
    /// Tells the operator what was refused, and hands it on.
    fn told<T>(&mut self, function: &str, result: Result<T, Error>) -> Result<T, Error> {
        // A store that does not answer is no fault of the guest's, and is told where it is met.
        if let Err(error) = &result
            && *error != Error::Unavailable
        {
            self.refusals.tell(&self.identity, function, error.name());
        }
        result
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::tests::MemoryBlobs;

    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0 picture \xff\xd9";

    fn call(blobs: &Arc<MemoryBlobs>) -> Attachments {
        let limits = Limits { attachment_bytes: 100, attachments_created_bytes: 150, ..Limits::default() };
        Attachments::new(Arc::clone(blobs) as Arc<dyn Blobs>, &limits)
    }

    #[tokio::test]
    async fn a_file_is_what_its_content_is() {
        let blobs = Arc::new(MemoryBlobs::default());
        let mut call = call(&blobs);
        let made = call.create("C:\\x\\pic\u{7}ture.exe", "application/pdf", JPEG.to_vec()).await.unwrap();
        assert_eq!((made.media_type.as_str(), made.name.as_str()), ("image/jpeg", "picture.exe"));
        assert_eq!(call.create("a.jpg", "image/jpeg", b"MZ".to_vec()).await.unwrap_err(), Error::Unsupported);
        let raw = call.create("", RAW, b"MZ".to_vec()).await.unwrap();
        assert_eq!((raw.media_type.as_str(), raw.name.as_str()), (RAW, UNNAMED));
        assert!(matches!(call.find(&raw.id), Some(Known::Raw(_))));
    }

    #[tokio::test]
    async fn bytes_are_read_by_handles_of_the_same_call_only() {
        let blobs = Arc::new(MemoryBlobs::default());
        let mut first = call(&blobs);
        let made = first.create("a", RAW, b"0123456789".to_vec()).await.unwrap();
        assert_eq!(first.read(&made.id, 2, 3).await.unwrap(), b"234");
        assert_eq!(first.read(&made.id, 8, 100).await.unwrap(), b"89");
        assert_eq!(first.read(&made.id, 100, 1).await.unwrap(), b"");
        assert_eq!(first.read(&made.id, 0, 2_000_000).await.unwrap_err(), Error::TooLarge);
        assert_eq!(call(&blobs).read(&made.id, 0, 1).await.unwrap_err(), Error::NotFound);
    }

    #[tokio::test]
    async fn what_is_too_large_is_not_stored() {
        let blobs = Arc::new(MemoryBlobs::default());
        let mut call = call(&blobs);
        assert_eq!(call.create("a", RAW, vec![0; 101]).await.unwrap_err(), Error::TooLarge);
        call.create("a", RAW, vec![0; 100]).await.unwrap();
        assert_eq!(call.create("a", RAW, vec![0; 51]).await.unwrap_err(), Error::TooLarge);
        assert_eq!(blobs.ids().len(), 1);
    }

    #[tokio::test]
    async fn files_of_nothing_are_counted_too() {
        let limits = Limits { attachments_created: 3, ..Limits::default() };
        let blobs = Arc::new(MemoryBlobs::default());
        let mut call = Attachments::new(Arc::clone(&blobs) as Arc<dyn Blobs>, &limits);
        for _ in 0..3 {
            call.create("a", RAW, Vec::new()).await.unwrap();
        }
        assert_eq!(call.create("a", RAW, Vec::new()).await.unwrap_err(), Error::TooLarge);
        assert_eq!(blobs.ids().len(), 3);
    }

    #[tokio::test]
    async fn what_the_answer_does_not_name_is_deleted() {
        let blobs = Arc::new(MemoryBlobs::default());
        let mut call = call(&blobs);
        let kept = call.create("a", RAW, vec![1]).await.unwrap();
        call.create("b", RAW, vec![2]).await.unwrap();
        let (kept, _) = call.find(&kept.id).unwrap().blob();
        call.keep(&[kept]);
        drop(call);
        blobs.until(|ids| ids == [kept]).await;
    }

    #[test]
    fn names_lose_their_paths_and_what_cannot_be_shown() {
        for (name, safe) in [
            ("photo.jpg", "photo.jpg"),
            ("../../etc/passwd", "passwd"),
            ("a\0b\r\n.pdf", "ab.pdf"),
            ("..", UNNAMED),
            ("  ", UNNAMED),
            ("x/", UNNAMED),
        ] {
            assert_eq!(safe_name(name), safe);
        }
        assert_eq!(safe_name(&"æ".repeat(200)).chars().count(), ATTACHMENT_NAME_CHARACTERS);
    }
}
