//! Going on in a dialog with a colleague, bringing the patient in, and ending it.

use dialog_contract::{
    action::Action,
    collegial::NewCitizenParty,
    dialog::{ActivityKind, MediaType, Message, Status},
    event::EventType,
    ids::{DialogId, HerId},
    opening::NewMessage,
    problem::ProblemType,
    service::Locale,
};

use super::{
    super::{
        Desk, Outcome, TRIES,
        practice::of_directory,
        replies::{Before, Keyed},
        sending::matches,
        trail::{Trail, Unsettled},
        validation::{self, Claimed},
    },
    Side, writable,
};
use crate::{
    answer::{Ended, Refusal, Reply},
    draft::Draft,
    permit::{self, Permitted},
    ports::store::{Revision, StoreError},
    record::{Call, CallKind, CallState, StoredAttachment, Use},
    request::Request,
    shelf::Step,
    texts,
};

/// What a step of a clinician's begins with.
struct Begun<'a> {
    side: &'a Side,
    request: &'a Request,
    keyed: &'a Keyed,
    over: Option<Revision>,
}

impl Desk {
    /// `POST /v1/offices/{herId}/collegial-dialogs/{dialog}/messages`: 201 when the provider has it, 202 when it waits.
    ///
    /// # Errors
    /// `not-found`, `not-permitted`, `dialog-closed`, `reply-not-allowed`, `precondition-failed`, `invalid`, and every
    /// failure of the provider.
    pub async fn write_to_colleague(
        &self,
        who: &Permitted<permit::Clinician>,
        request: &Request,
        (office, dialog): (HerId, DialogId),
        new: NewMessage,
    ) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail_of_clinician(Action::CollegialSend, &who, &asked);
            trail.dialog(dialog);
            let ended = async {
                let side = desk.side(&who, office, &mut trail).await?;
                desk.send_collegial(&side, &asked, dialog, &new, &mut trail).await
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn send_collegial(
        &self,
        side: &Side,
        request: &Request,
        id: DialogId,
        new: &NewMessage,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        for _ in 0..TRIES {
            let mut draft = self.own_collegial(side, id, trail).await?;
            let keyed = self.keyed_for(draft.record.citizen, side, request)?;
            let over = match self.before(&keyed, locale).await? {
                Before::Nothing(over) => over,
                Before::Ended(ended) => return Ok(ended),
            };
            writable(&draft.record, locale)?;
            matches(&draft, request)?;
            validation::message(new, locale)?;
            let claimed = self.claim_for_dialog(side, &draft, new, "", locale).await?;
            let now = self.now();
            let message = side.written(new, &claimed, now);
            let mut step = Step::default();
            self.keep_claimed(&mut step, &draft, claimed).map_err(of_store)?;
            draft.traceparent.clone_from(&request.traceparent);
            let begun = Begun { side, request, keyed: &keyed, over };
            if draft.record.calls.is_empty() {
                let key = message.id.to_string();
                let kind = CallKind::Send { message: Box::new(message), shown: false };
                let call = self.begin(kind, key, request, keyed.key.clone());
                draft.record.calls.push_back(Call { by: Some(side.clinician.clone()), ..call });
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
            self.queue_behind(&mut draft, message, &begun);
            match self.wait_with(draft, step, &begun, trail).await? {
                Some(ended) => return Ok(ended),
                None => continue,
            }
        }
        Err(Refusal::unavailable(locale))
    }

    /// `POST /v1/offices/{herId}/collegial-dialogs/{dialog}/citizen`: 202; the patient takes part from now on, and the first
    /// message to all three is on its way.
    ///
    /// # Errors
    /// As [`Desk::write_to_colleague`]; `conflict` where it is about no patient, the patient takes part already, or is not
    /// digitally active.
    pub async fn bring_citizen_in(
        &self,
        who: &Permitted<permit::Clinician>,
        request: &Request,
        (office, dialog): (HerId, DialogId),
        new: NewCitizenParty,
    ) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail_of_clinician(Action::CollegialJoin, &who, &asked);
            trail.dialog(dialog);
            let ended = async {
                let side = desk.side(&who, office, &mut trail).await?;
                desk.join_citizen(&side, &asked, dialog, &new, &mut trail).await
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn join_citizen(
        &self,
        side: &Side,
        request: &Request,
        id: DialogId,
        new: &NewCitizenParty,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        for attempt in 0..TRIES {
            let mut draft = self.own_collegial(side, id, trail).await?;
            let keyed = self.keyed_for(draft.record.citizen, side, request)?;
            let over = match self.before(&keyed, locale).await? {
                Before::Nothing(over) => over,
                Before::Ended(ended) => return Ok(ended),
            };
            writable(&draft.record, locale)?;
            matches(&draft, request)?;
            self.may_join(&draft, locale).await?;
            validation::message_at(&new.message, "/message", locale)?;
            let claimed = self.claim_for_dialog(side, &draft, &new.message, "/message", locale).await?;
            if attempt == 0 {
                self.record_intent(trail).await?;
            }
            let now = self.now();
            let message = side.written(&new.message, &claimed, now);
            let mut step = Step::default();
            self.keep_claimed(&mut step, &draft, claimed).map_err(of_store)?;
            draft.traceparent.clone_from(&request.traceparent);
            draft.record.shared_from = Some(if new.history { 0 } else { draft.record.dialog.messages.len() });
            if let Some(between) = &mut draft.record.dialog.between {
                between.citizen_since = Some(now);
            }
            let joined = ActivityKind::CitizenJoined { history: new.history };
            draft.activity(now, joined, texts::citizen_joined);
            let begun = Begun { side, request, keyed: &keyed, over };
            self.queue_behind(&mut draft, message, &begun);
            // To the patient it is a new dialog, and they are told of it once.
            draft.news = vec![EventType::DialogOpened];
            match self.wait_with(draft, step, &begun, trail).await? {
                Some(ended) => return Ok(ended),
                None => continue,
            }
        }
        Err(Refusal::unavailable(locale))
    }

    /// Whether there is a patient who can take part and does not yet.
    async fn may_join(&self, draft: &Draft, locale: Locale) -> Result<(), Refusal> {
        let conflict = |detail: &'static str| Refusal::new(ProblemType::Conflict, detail);
        let patient = draft.record.dialog.between.as_ref().and_then(|between| between.patient.as_ref());
        let Some(patient) = patient else { return Err(conflict(texts::about_no_patient(locale))) };
        if draft.record.shared_from.is_some() {
            return Err(conflict(texts::citizen_takes_part(locale)));
        }
        let found = self.directory.assignment(&patient.national_identity_number).await;
        let found = found.map_err(|error| of_directory(&error, locale))?;
        let active = match found {
            Some(assignment) => {
                let active = self.digitally_active(&assignment.person).await;
                active.map_err(|error| Refusal::of_store(&error, locale))?
            }
            None => false,
        };
        if active { Ok(()) } else { Err(conflict(texts::patient_gets_letters(locale))) }
    }

    /// `POST /v1/offices/{herId}/collegial-dialogs/{dialog}/close`: 200 with the dialog.
    ///
    /// # Errors
    /// `not-found`, `not-permitted`, `dialog-closed`, `precondition-failed`, and the provider's no.
    pub async fn close_with_colleague(
        &self,
        who: &Permitted<permit::Clinician>,
        request: &Request,
        (office, dialog): (HerId, DialogId),
    ) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail_of_clinician(Action::CollegialClose, &who, &asked);
            trail.dialog(dialog);
            let ended = async {
                let side = desk.side(&who, office, &mut trail).await?;
                desk.close_collegial(&side, &asked, dialog, &mut trail).await
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn close_collegial(
        &self,
        side: &Side,
        request: &Request,
        id: DialogId,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        for _ in 0..TRIES {
            let draft = self.own_collegial(side, id, trail).await?;
            let keyed = self.keyed_for(draft.record.citizen, side, request)?;
            let over = match self.before(&keyed, locale).await? {
                Before::Nothing(over) => over,
                Before::Ended(ended) => return Ok(ended),
            };
            if draft.record.closed() {
                return Err(Refusal::new(ProblemType::DialogClosed, texts::dialog_closed(locale)));
            }
            matches(&draft, request)?;
            let by = Some(side.clinician.clone());
            if let Some(ended) = self.close_for(draft, by, request, (&keyed, over), trail).await? {
                return Ok(ended);
            }
        }
        Err(Refusal::unavailable(locale))
    }

    /// The files of a message: uploaded at the same office, of a kind that the other office takes.
    async fn claim_for_dialog(
        &self,
        side: &Side,
        draft: &Draft,
        new: &NewMessage,
        at: &str,
        locale: Locale,
    ) -> Result<Vec<Claimed>, Refusal> {
        let allowed: Vec<MediaType> = self.still_agreed(draft, locale).await?;
        let own = self.shelf.secret.office(side.office.her_id);
        self.claim(own, &new.attachments, &allowed, None, at, locale).await
    }

    /// Files of a message are kept as the dialog is.
    fn keep_claimed(&self, step: &mut Step, draft: &Draft, claimed: Vec<Claimed>) -> Result<(), StoreError> {
        for (revision, stored) in claimed {
            let stored = StoredAttachment { citizen: draft.record.citizen, ..stored };
            step.attachment(Some(revision), stored, Use::In { dialog: draft.record.dialog.id })?;
        }
        Ok(())
    }

    /// Shows a message in the dialog, to be sent when its turn has come.
    fn queue_behind(&self, draft: &mut Draft, message: Message, begun: &Begun<'_>) {
        let now = self.now();
        let kind = CallKind::Send { message: Box::new(message.clone()), shown: true };
        let mut call = self.begin(kind, message.id.to_string(), begun.request, begun.keyed.key.clone());
        (call.attempts, call.reply, call.state) = (0, None, CallState::Waiting { next: now });
        draft.record.calls.push_back(Call { by: Some(begun.side.clinician.clone()), ..call });
        let queued = ActivityKind::Queued { message: Some(message.id) };
        draft.message(message);
        draft.activity(now, queued, texts::on_its_way);
        draft.status(Status::Queued, None, now);
    }

    /// Commits what waits to be sent, and answers so; none where another request came first.
    async fn wait_with(
        &self,
        draft: Draft,
        mut step: Step,
        begun: &Begun<'_>,
        trail: &mut Trail,
    ) -> Result<Option<Ended>, Refusal> {
        let of_store = |error: StoreError| Refusal::of_store(&error, trail.locale);
        let record = step.dialog(draft, self.now()).map_err(of_store)?;
        let reply =
            Reply { etag: Some(record.dialog.revision), ..Reply::json(202, &record.in_language(trail.locale))? };
        self.reply_stands(&mut step, begun.over, begun.keyed, &reply).map_err(of_store)?;
        self.finish(step, trail, reply).await
    }
}
