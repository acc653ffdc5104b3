//! The citizen ends a dialog.

use dialog_contract::{action::Action, dialog::Clinician, ids::DialogId, problem::ProblemType};

use super::{
    Desk, Outcome, TRIES,
    replies::{Before, Keyed},
    sending::matches,
    settling::{reply, withdrawn},
    trail::{Trail, Unsettled},
};
use crate::{
    answer::{Ended, Refusal},
    draft::Draft,
    permit::{Citizen, Permitted},
    ports::store::{Revision, StoreError},
    record::{Call, CallKind},
    request::Request,
    shelf::Step,
    texts,
};

impl Desk {
    /// `POST /v1/me/dialogs/{dialog}/close`: 200 with the dialog, closed as withdrawn, or as answered where the office
    /// has answered. A provider that cannot be reached is told later.
    ///
    /// # Errors
    /// `not-found`, `dialog-closed`, `precondition-failed`, and the provider's no.
    pub async fn close(&self, who: &Permitted<Citizen>, request: &Request, dialog: DialogId) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(Action::DialogClose, &who, &asked);
            trail.dialog(dialog);
            let ended = desk.close_dialog(&who, &asked, dialog, &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn close_dialog(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        id: DialogId,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let citizen = self.shelf.secret.citizen(&who.target().national_identity_number);
        let keyed = self.keyed(citizen, request, &request.body_sha256)?;
        for _ in 0..TRIES {
            let over = match self.before(&keyed, locale).await? {
                Before::Nothing(over) => over,
                Before::Ended(ended) => return Ok(ended),
            };
            let draft = self.own_dialog(who, id, trail).await?;
            if draft.record.closed() {
                return Err(Refusal::new(ProblemType::DialogClosed, texts::dialog_closed(locale)));
            }
            if draft.record.dialog.between.is_some() {
                return Err(Refusal::new(ProblemType::ReplyNotAllowed, texts::clinicians_end_it(locale)));
            }
            matches(&draft, request)?;
            if let Some(ended) = self.close_for(draft, None, request, (&keyed, over), trail).await? {
                return Ok(ended);
            }
        }
        Err(Refusal::unavailable(locale))
    }

    /// Closes a dialog for the citizen, or for the clinician whose call it is (`by`); none where another request came
    /// first.
    pub(crate) async fn close_for(
        &self,
        mut draft: Draft,
        by: Option<Clinician>,
        request: &Request,
        (keyed, over): (&Keyed, Option<Revision>),
        trail: &mut Trail,
    ) -> Result<Option<Ended>, Refusal> {
        let of_store = |error: StoreError| Refusal::of_store(&error, request.locale);
        draft.traceparent.clone_from(&request.traceparent);
        let (mut step, now) = (Step::default(), self.now());
        let key = format!("close-{}", draft.record.dialog.id);
        let call = Call { by, ..self.begin(CallKind::Close, key, request, keyed.key.clone()) };
        if draft.record.calls.is_empty() && draft.record.reference.is_some() {
            draft.record.calls.push_back(call);
            self.reply_begins(&mut step, over, keyed).map_err(of_store)?;
            let record = step.dialog(draft, now).map_err(of_store)?;
            return match self.commit_with_intent(step, trail).await {
                Ok(()) => self.make_first(&record, request.time_left(), trail).await.map(Some),
                Err(Unsettled::Conflict) => Ok(None),
                Err(Unsettled::Store(error)) => Err(of_store(error)),
                Err(Unsettled::NoEvidence) => self.take_back(&record, trail).await.map(Some),
            };
        }
        draft.drop_waiting(call.clone(), now);
        draft.close(withdrawn(&draft.record), None, None, now);
        self.record_intent(trail).await?;
        let record = step.dialog(draft, now).map_err(of_store)?;
        let reply = reply(200, &call, &record, request.locale)?;
        self.reply_stands(&mut step, over, keyed, &reply).map_err(of_store)?;
        self.finish(step, trail, reply).await
    }
}
