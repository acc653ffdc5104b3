//! Files that go with messages: uploaded before the message, of a kind that is found in the content, readable by the
//! one citizen whose they are.

use std::sync::{Arc, Mutex, PoisonError};

use dialog_contract::{
    action::Action,
    dialog::{Attachment, MediaType},
    ids::AttachmentId,
    limits::Limits,
    problem::ProblemType,
    service::Locale,
};
use futures_util::StreamExt as _;
use jiff::{Timestamp, ToSpan as _};

use super::{Desk, Outcome, TRIES, replies::Before, trail::Trail};
use crate::{
    answer::{Ended, Refusal, Refused, Reply, hex},
    identity::CitizenId,
    keys,
    media::Sniffer,
    permit::{Citizen, Permitted},
    ports::{
        blobs::{BlobError, ByteStream},
        evidence::Receipt,
        store::StoreError,
    },
    record::{StoredAttachment, Use},
    request::Request,
    shelf::Step,
    texts,
};

/// An attachment on its way to the citizen.
pub struct Download {
    /// What it is.
    pub attachment: Attachment,
    /// Its bytes.
    pub bytes: ByteStream,
    /// Where the audit record stands.
    pub receipt: Receipt,
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Download").field("id", &self.attachment.id).finish_non_exhaustive()
    }
}

impl Desk {
    /// `POST /v1/me/attachments?name=`: 201 with the attachment, which waits a day for its message.
    ///
    /// # Errors
    /// `too-large`, `unsupported-media-type` (by the content), `malformed` where the upload broke off.
    pub async fn upload(&self, who: &Permitted<Citizen>, request: &Request, name: &str, bytes: ByteStream) -> Outcome {
        let (desk, who, asked, name) = (self.clone(), who.clone(), request.clone(), name.to_owned());
        self.run(request, async move {
            let mut trail = desk.trail(Action::AttachmentUpload, &who, &asked);
            let owner = desk.shelf.secret.citizen(&who.target().national_identity_number);
            let ended = desk.take_in((owner, String::new()), &asked, &name, bytes, &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    /// Takes a file in: whose it is, and what stands before their idempotency keys.
    pub(super) async fn take_in(
        &self,
        (owner, prefix): (CitizenId, String),
        request: &Request,
        name: &str,
        bytes: ByteStream,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        // A change without a key is refused before its bytes are read; what they are is part of the change.
        self.keyed(owner, request, &request.body_sha256)?;
        self.record_intent(trail).await?;
        let id = AttachmentId::new();
        let hours = i64::from(Limits::V1.attachment_unused_hours);
        let expires = self.now().checked_add(hours.hours()).unwrap_or(Timestamp::MAX);
        // First that it is to be removed, then the bytes: a crash in between leaves nothing that nobody knows of.
        let mut step = Step::default();
        step.batch.put(keys::attachment_unused(expires, id), &b""[..]);
        self.shelf.commit(step).await.map_err(of_store)?;

        let sniffer = Arc::new(Mutex::new(Sniffer::new()));
        let watched = Arc::clone(&sniffer);
        let watching = bytes.inspect(move |piece| {
            if let Ok(piece) = piece {
                watched.lock().unwrap_or_else(PoisonError::into_inner).push(piece);
            }
        });
        let limit = Limits::V1.attachment_bytes;
        // A slow sender has the request's time, and no more.
        let stored = tokio::time::timeout(request.time_left(), self.blobs.put(id.uuid(), Box::pin(watching), limit));
        let stored = match stored.await {
            Ok(Ok(stored)) => stored,
            Ok(Err(error)) => return Err(of_blobs(&error, locale)),
            Err(_) => return Err(Refusal::new(ProblemType::Malformed, texts::upload_broke_off(locale))),
        };
        let kind = sniffer.lock().unwrap_or_else(PoisonError::into_inner).finish();
        let ended = match kind {
            Some(media_type) => {
                let attachment = Attachment {
                    id,
                    media_type,
                    name: file_name(name, media_type),
                    size: stored.size,
                    sha256: hex(&stored.sha256),
                };
                trail.detail("attachment", id.to_string());
                trail.detail("attachment_sha256", &*attachment.sha256);
                let stored_as = StoredAttachment { attachment, citizen: owner, used: Use::Unused, expires };
                self.keep(stored_as, &prefix, request, &stored.sha256, trail).await
            }
            None => Err(Refusal::new(ProblemType::UnsupportedMediaType, texts::kind_unknown(locale))),
        };
        // Kept is what was answered for the first time; what was answered before is kept under its own id.
        if !matches!(ended, Ok(Ended::Answered { replayed: false, .. })) {
            self.drop_blob(id).await;
        }
        ended
    }

    async fn keep(
        &self,
        stored: StoredAttachment,
        prefix: &str,
        request: &Request,
        sha256: &[u8; 32],
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        let mut keyed = self.keyed(stored.citizen, request, sha256)?;
        keyed.key.key.insert_str(0, prefix);
        for _ in 0..TRIES {
            let over = match self.before(&keyed, locale).await? {
                Before::Nothing(over) => over,
                Before::Ended(ended) => return Ok(ended),
            };
            let mut step = Step::default();
            step.attachment(None, stored.clone(), Use::Unused).map_err(of_store)?;
            let reply = Reply::json(201, &stored.attachment)?;
            // A clinician's has no address of its own until it is part of a message.
            let location = prefix.is_empty().then(|| format!("/v1/me/attachments/{}", stored.attachment.id));
            let reply = Reply { location, ..reply };
            self.reply_stands(&mut step, over, &keyed, &reply).map_err(of_store)?;
            if let Some(ended) = self.finish(step, trail, reply).await? {
                return Ok(ended);
            }
        }
        Err(Refusal::unavailable(locale))
    }

    pub(crate) async fn drop_blob(&self, id: AttachmentId) {
        if let Err(error) = self.blobs.delete(id.uuid()).await {
            tracing::warn!(%error, attachment = %id, "an attachment's bytes could not be removed; they are when it expires");
        }
    }

    /// `GET /v1/me/attachments/{attachment}`: the bytes, to the citizen whose they are.
    ///
    /// # Errors
    /// `not-found`, also for attachments of others.
    pub async fn download(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        attachment: AttachmentId,
    ) -> Result<Download, Refused> {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let trail = desk.trail(Action::AttachmentRead, &who, &asked);
            let citizen = desk.shelf.secret.citizen(&who.target().national_identity_number);
            let found = desk.own_file(citizen, attachment, asked.locale).await;
            desk.give_out(attachment, found, trail, &asked).await
        })
        .await
    }

    /// A file of the citizen's own; of a dialog between clinicians, what they may read of it.
    async fn own_file(&self, citizen: CitizenId, id: AttachmentId, locale: Locale) -> Result<Attachment, Refusal> {
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        let found = self.shelf.attachment(id).await.map_err(of_store)?;
        let own = found.map(|(_, stored)| stored).filter(|stored| stored.citizen == citizen);
        let stored = own.ok_or_else(|| Refusal::not_found(locale))?;
        if let Use::In { dialog } = stored.used
            && let Some(draft) = self.shelf.dialog(dialog).await.map_err(of_store)?
            && draft.record.dialog.between.is_some()
        {
            let shown = draft.record.for_citizen(locale);
            let mut files = shown.messages.iter().flat_map(|message| &message.attachments);
            if !files.any(|file| file.id == id) {
                return Err(Refusal::not_found(locale));
            }
        }
        Ok(stored.attachment)
    }

    /// Gives the bytes of a file out, on record.
    pub(super) async fn give_out(
        &self,
        id: AttachmentId,
        found: Result<Attachment, Refusal>,
        mut trail: Trail,
        request: &Request,
    ) -> Result<Download, Refused> {
        let locale = request.locale;
        trail.detail("attachment", id.to_string());
        let mut bytes = None;
        let ended = async {
            let attachment = found?;
            let opened = self.blobs.open(id.uuid(), 0).await.map_err(|error| of_blobs(&error, locale))?;
            let reply = Reply::json(200, &attachment)?;
            bytes = Some((attachment, opened));
            Ok(Ended::answered(reply))
        }
        .await;
        if let Some((attachment, _)) = &bytes {
            trail.detail("attachment_sha256", &*attachment.sha256);
        }
        let answer = self.conclude(trail, ended).await?;
        match bytes {
            Some((attachment, bytes)) => Ok(Download { attachment, bytes, receipt: answer.receipt }),
            None => Err(super::unrecorded(Refusal::internal(locale), request)),
        }
    }
}

fn of_blobs(error: &BlobError, locale: Locale) -> Refusal {
    match error {
        BlobError::TooLarge { limit } => {
            Refusal::new(ProblemType::TooLarge, texts::attachment_too_large(*limit, locale))
        }
        BlobError::Interrupted(_) => Refusal::new(ProblemType::Malformed, texts::upload_broke_off(locale)),
        BlobError::NotFound | BlobError::Exists | BlobError::Damaged(_) => {
            tracing::error!(%error, "the blobs");
            Refusal::internal(locale)
        }
        BlobError::Unavailable(_) => {
            tracing::error!(%error, "the blobs");
            Refusal::unavailable(locale)
        }
    }
}

/// The sender's name of a file, without path, control characters and what could reorder or hide text around it.
fn file_name(name: &str, kind: MediaType) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let hidden = |character: char| {
        character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let visible: String = last.chars().filter(|character| !hidden(*character)).collect();
    let short: String = visible.trim().chars().take(Limits::V1.attachment_name_characters as usize).collect();
    if short.trim_matches('.').is_empty() {
        let ending = match kind {
            MediaType::Jpeg => "jpg",
            MediaType::Png => "png",
            MediaType::Pdf => "pdf",
        };
        return format!("attachment.{ending}");
    }
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_file_name_is_what_it_looks_like() {
        for (given, kept) in [
            ("photo.jpg", "photo.jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\kari\\Utslett på armen.jpg", "Utslett på armen.jpg"),
            ("exe\u{202e}gpj.jpg", "exegpj.jpg"),
            ("a\r\nSet-Cookie: b.jpg", "aSet-Cookie: b.jpg"),
            ("..", "attachment.jpg"),
            ("", "attachment.jpg"),
            ("folder/", "attachment.jpg"),
        ] {
            assert_eq!(file_name(given, MediaType::Jpeg), kept);
        }
    }

    proptest! {
        #[test]
        fn any_file_name_becomes_a_short_one_without_path(given in "\\PC{0,300}") {
            let kept = file_name(&given, MediaType::Pdf);
            prop_assert!(!kept.is_empty() && kept.chars().count() <= 120);
            prop_assert!(!kept.contains(['/', '\\']) && !kept.chars().any(char::is_control));
        }
    }
}
