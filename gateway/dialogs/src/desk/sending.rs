//! Sending a further message in a dialog. Follow-ups belong to the same dialog, whatever the service.

use dialog_contract::{action::Action, ids::DialogId, opening::NewMessage, problem::ProblemType, service::Locale};

use super::{
    Desk, Outcome, TRIES,
    replies::Before,
    trail::{Trail, Unsettled},
    validation,
};
use crate::{
    answer::{Ended, Refusal, Reply},
    draft::Draft,
    permit::{Citizen, Permitted},
    ports::store::StoreError,
    record::{CallKind, CallState, Use},
    request::Request,
    shelf::Step,
    texts,
};

impl Desk {
    /// `POST /v1/me/dialogs/{dialog}/messages`: 201 when the provider has it, 202 when it waits to be sent.
    ///
    /// # Errors
    /// `not-found`, `dialog-closed`, `reply-not-allowed` (saying why), `precondition-failed`, `invalid`, and every
    /// failure of the provider.
    pub async fn send(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        dialog: DialogId,
        new: NewMessage,
    ) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(Action::DialogSend, &who, &asked);
            trail.dialog(dialog);
            let ended = desk.send_message(&who, &asked, dialog, &new, &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn send_message(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        id: DialogId,
        new: &NewMessage,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        let citizen = self.shelf.secret.citizen(&who.target().national_identity_number);
        let keyed = self.keyed(citizen, request, &request.body_sha256)?;
        for _ in 0..TRIES {
            let over = match self.before(&keyed, locale).await? {
                Before::Nothing(over) => over,
                Before::Ended(ended) => return Ok(ended),
            };
            let mut draft = self.own_dialog(who, id, trail).await?;
            writable(&draft, locale)?;
            matches(&draft, request)?;
            validation::message(new, locale)?;
            let allowed = self.still_agreed(&draft, locale).await?;
            self.answering(&mut draft, locale).await?;
            let claimed = self.claim(citizen, &new.attachments, &allowed, None, "", locale).await?;
            let stored = self.shelf.citizen(draft.record.citizen).await.map_err(of_store)?;
            let stored = stored.ok_or_else(|| Refusal::internal(locale))?;
            let now = self.now();
            let message = self.written(who, (&stored.given_name, &stored.family_name), new, &claimed, now);

            let mut step = Step::default();
            for (revision, stored) in claimed {
                step.attachment(Some(revision), stored, Use::In { dialog: id }).map_err(of_store)?;
            }
            draft.traceparent.clone_from(&request.traceparent);
            let key = message.id.to_string();
            if draft.record.calls.is_empty() {
                let kind = CallKind::Send { message: Box::new(message), shown: false };
                draft.record.calls.push_back(self.begin(kind, key, request, keyed.key.clone()));
                self.reply_begins(&mut step, over, &keyed).map_err(of_store)?;
                let record = step.dialog(draft, now).map_err(of_store)?;
                match self.commit_with_intent(step, trail).await {
                    Ok(()) => return self.make_first(&record, request.time_left(), trail).await,
                    Err(Unsettled::Conflict) => continue,
                    Err(Unsettled::Store(error)) => return Err(of_store(error)),
                    Err(Unsettled::NoEvidence) => return self.take_back(&record, trail).await,
                }
            }
            // Something of this dialog is still on its way: what comes later waits for it, so that the order stays.
            let queued = dialog_contract::dialog::ActivityKind::Queued { message: Some(message.id) };
            let kind = CallKind::Send { message: Box::new(message.clone()), shown: true };
            let mut call = self.begin(kind, key, request, keyed.key.clone());
            (call.attempts, call.reply, call.state) = (0, None, CallState::Waiting { next: now });
            draft.record.calls.push_back(call);
            draft.message(message);
            draft.activity(now, queued, texts::queued);
            draft.status(dialog_contract::dialog::Status::Queued, None, now);
            self.record_intent(trail).await?;
            let record = step.dialog(draft, now).map_err(of_store)?;
            let reply = Reply { etag: Some(record.dialog.revision), ..Reply::json(202, &record.for_citizen(locale))? };
            self.reply_stands(&mut step, over, &keyed, &reply).map_err(of_store)?;
            match self.finish(step, trail, reply).await? {
                Some(ended) => return Ok(ended),
                None => continue,
            }
        }
        Err(Refusal::unavailable(locale))
    }

    /// Commits the one step of a change that calls nobody; none where another request came first.
    pub(crate) async fn finish(&self, step: Step, trail: &mut Trail, reply: Reply) -> Result<Option<Ended>, Refusal> {
        match self.commit_with_outcome(step, trail, Ok((&reply, None))).await {
            Ok(receipt) => Ok(Some(Ended::Answered { reply, receipt: Some(receipt), replayed: false })),
            Err(Unsettled::Conflict) => Ok(None),
            Err(Unsettled::Store(error)) => Err(Refusal::of_store(&error, trail.locale)),
            Err(Unsettled::NoEvidence) => Err(Refusal::unavailable(trail.locale)),
        }
    }

    /// The citizen's own dialog; anybody else's is not there.
    #[tracing::instrument(name = "route", skip_all)]
    pub(crate) async fn own_dialog(
        &self,
        who: &Permitted<Citizen>,
        id: DialogId,
        trail: &mut Trail,
    ) -> Result<Draft, Refusal> {
        let citizen = self.shelf.secret.citizen(&who.target().national_identity_number);
        let found = self.shelf.dialog(id).await.map_err(|error| Refusal::of_store(&error, trail.locale))?;
        let own = found.filter(|draft| draft.record.citizen == citizen && draft.record.reaches_citizen());
        let draft = own.ok_or_else(|| Refusal::not_found(trail.locale))?;
        trail.office(draft.record.dialog.office.her_id);
        trail.service(draft.record.dialog.service);
        trail.plugin(&draft.record.plugin);
        Ok(draft)
    }

    /// The kinds of files that the office takes in this dialog, where it still works with the dialog's provider.
    #[tracing::instrument(name = "route", skip_all)]
    pub(super) async fn still_agreed(
        &self,
        draft: &Draft,
        locale: Locale,
    ) -> Result<Vec<dialog_contract::dialog::MediaType>, Refusal> {
        let agreements = self.agreements(draft.record.dialog.office.her_id).await;
        let agreements = agreements.map_err(|error| super::practice::of_directory(&error, locale))?;
        let now = self.now();
        let agreement = agreements.into_iter().find(|agreement| {
            agreement.service == draft.record.dialog.service
                && agreement.plugin == draft.record.plugin
                && agreement.valid_at(now)
        });
        match agreement {
            Some(agreement) => Ok(agreement.attachments),
            None => Err(Refusal::new(ProblemType::ReplyNotAllowed, texts::provider_left(locale))),
        }
    }
}

fn writable(draft: &Draft, locale: Locale) -> Result<(), Refusal> {
    let record = &draft.record;
    // First, because a one-way message is over as soon as it has come, and that is not why it cannot be answered.
    if !record.two_way {
        return Err(Refusal::new(ProblemType::ReplyNotAllowed, texts::one_way(locale)));
    }
    if record.closed() {
        return Err(Refusal::new(ProblemType::DialogClosed, texts::dialog_closed(locale)));
    }
    if record.ended {
        return Err(Refusal::new(ProblemType::ReplyNotAllowed, texts::provider_left(locale)));
    }
    if record.reference.is_none() && record.calls.is_empty() {
        return Err(Refusal::new(ProblemType::ReplyNotAllowed, texts::never_arrived(locale)));
    }
    if record.full() {
        return Err(Refusal::new(ProblemType::ReplyNotAllowed, texts::dialog_full(locale)));
    }
    Ok(())
}

/// `If-Match`: the change was decided on the dialog as it is now.
pub(crate) fn matches(draft: &Draft, request: &Request) -> Result<(), Refusal> {
    match request.if_match {
        Some(revision) if revision != draft.record.dialog.revision => {
            Err(Refusal::new(ProblemType::PreconditionFailed, texts::changed_since(request.locale)))
        }
        _ => Ok(()),
    }
}
