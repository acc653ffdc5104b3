//! Files that go with what clinicians write: uploaded before at their office, kept as the dialog is from then on.

use dialog_contract::{
    action::Action,
    ids::{AttachmentId, DialogId, HerId},
};

use super::super::{Desk, Download, Outcome};
use crate::{
    answer::{Refusal, Refused},
    permit::{self, Permitted},
    ports::blobs::ByteStream,
    request::Request,
};

impl Desk {
    /// `POST /v1/offices/{herId}/collegial-attachments?name=`: 201 with the attachment, which waits a day for its message.
    ///
    /// # Errors
    /// `not-found`, `not-permitted`; `too-large`, `unsupported-media-type` (by the content), `malformed` where the upload
    /// broke off.
    pub async fn upload_for_colleague(
        &self,
        who: &Permitted<permit::Clinician>,
        request: &Request,
        (office, name): (HerId, &str),
        bytes: ByteStream,
    ) -> Outcome {
        let (desk, who, asked, name) = (self.clone(), who.clone(), request.clone(), name.to_owned());
        self.run(request, async move {
            let mut trail = desk.trail_of_clinician(Action::AttachmentUpload, &who, &asked);
            let ended = async {
                let side = desk.side(&who, office, &mut trail).await?;
                let owner = desk.shelf.secret.office(side.office.her_id);
                let of = (owner, format!("{}:", side.clinician.hpr_number));
                desk.take_in(of, &asked, &name, bytes, &mut trail).await
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    /// `GET /v1/offices/{herId}/collegial-dialogs/{dialog}/attachments/{attachment}`: the bytes, to the office's clinicians.
    ///
    /// # Errors
    /// `not-found`, also for files of other dialogs; `not-permitted`.
    pub async fn download_from_colleague(
        &self,
        who: &Permitted<permit::Clinician>,
        request: &Request,
        (office, dialog, attachment): (HerId, DialogId, AttachmentId),
    ) -> Result<Download, Refused> {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail_of_clinician(Action::AttachmentRead, &who, &asked);
            trail.dialog(dialog);
            let found = async {
                let side = desk.side(&who, office, &mut trail).await?;
                let record = desk.own_collegial(&side, dialog, &mut trail).await?.record;
                let mut files = record.dialog.messages.into_iter().flat_map(|message| message.attachments);
                let found = files.find(|file| file.id == attachment);
                found.ok_or_else(|| Refusal::not_found(asked.locale))
            }
            .await;
            desk.give_out(attachment, found, trail, &asked).await
        })
        .await
    }
}
