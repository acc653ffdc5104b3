//! Sending again what was sent as the wrong service: the office closed it and named another, and the citizen need not write
//! or attach anything anew. Once: the two dialogs name each other, so that nobody is asked, and charged, twice.

use dialog_contract::{
    dialog::{AuthorRole, Status},
    ids::{AttachmentId, DialogId},
    limits::Limits,
    opening::{NewDialog, NewMessage},
    problem::ProblemType,
    service::{Closing, Locale},
};

use super::{Desk, trail::Trail, validation::Errors};
use crate::{
    answer::Refusal,
    draft::Draft,
    permit::{Citizen, Permitted},
    ports::store::StoreError,
    record::{StoredDialog, Use},
    shelf::Step,
    texts,
};

impl Desk {
    /// The dialog that a new one continues, and the new one with what was written there; as it is, where it continues none.
    ///
    /// # Errors
    /// `not-found` where there is no such dialog of the citizen's, `conflict` where it was not closed in favour of this
    /// service or has been sent again, `validation` where what was written there does not go into one message.
    pub(crate) async fn resent(
        &self,
        who: &Permitted<Citizen>,
        new: &NewDialog,
        trail: &mut Trail,
    ) -> Result<(Option<Draft>, NewDialog), Refusal> {
        let Some(id) = new.continues else { return Ok((None, new.clone())) };
        let locale = trail.locale;
        let earlier = self.own_dialog(who, id, trail).await?;
        let dialog = &earlier.record.dialog;
        let redirected = match dialog.status {
            Status::Closed { outcome: Closing::Redirected, redirect_to } => {
                redirect_to.is_none_or(|to| to == new.request.service())
            }
            _ => false,
        };
        if !redirected {
            return Err(Refusal::new(ProblemType::Conflict, texts::not_redirected(locale)));
        }
        if dialog.continued_as.is_some() {
            return Err(Refusal::new(ProblemType::Conflict, texts::resent_already(locale)));
        }
        let message = match &new.message {
            Some(message) => Some(message.clone()),
            None => written(&earlier.record, locale)?,
        };
        Ok((Some(earlier), NewDialog { message, ..new.clone() }))
    }

    /// The opening of a dialog was refused and leaves no trace: what it continues can be sent again, with its files.
    pub(crate) async fn not_resent(&self, record: &StoredDialog, step: &mut Step) -> Result<(), StoreError> {
        let files = record.dialog.messages.iter().flat_map(|message| &message.attachments).map(|file| file.id);
        let Some(id) = record.dialog.continues else { return self.release(step, files.collect()).await };
        let Some(mut earlier) = self.shelf.dialog(id).await? else { return self.release(step, files.collect()).await };
        let (back, free): (Vec<AttachmentId>, _) = files.partition(|file| holds(&earlier.record, *file));
        self.release(step, free).await?;
        for file in back {
            if let Some((revision, stored)) = self.shelf.attachment(file).await? {
                step.attachment(Some(revision), stored, Use::In { dialog: id })?;
            }
        }
        earlier.record.dialog.continued_as = None;
        step.dialog(earlier, self.now())?;
        Ok(())
    }
}

/// Whether a file is part of what was written in a dialog.
fn holds(record: &StoredDialog, file: AttachmentId) -> bool {
    record.dialog.messages.iter().any(|message| message.attachments.iter().any(|other| other.id == file))
}

/// All that the citizen wrote in a dialog, in one message; none where that is nothing.
fn written(record: &StoredDialog, locale: Locale) -> Result<Option<NewMessage>, Refusal> {
    let own = || record.dialog.messages.iter().filter(|message| message.author.role != AuthorRole::Office);
    let words: Vec<&str> = own().map(|message| message.text.as_str()).collect();
    if words.is_empty() {
        return Ok(None);
    }
    let text = words.join("\n\n");
    if text.chars().count() > Limits::V1.message_characters as usize {
        let mut errors = Errors::new(locale);
        errors.add("/message", texts::too_long_to_resend(locale));
        errors.into_result()?;
    }
    let subject = own().find_map(|message| message.subject.clone());
    let attachments = own().flat_map(|message| &message.attachments).map(|file| file.id).collect();
    Ok(Some(NewMessage { subject, text, attachments }))
}

/// Notes that a dialog is sent again with another, whose opening begins.
pub(crate) fn continue_as(mut earlier: Draft, id: DialogId) -> Draft {
    earlier.record.dialog.continued_as = Some(id);
    earlier
}
