//! Video meetings: the way in, asked for when the citizen wants in, and the way out.
//!
//! The way in is a secret of the citizen's while it is good. The reply has it and nothing else: no dialog, event, log or
//! audit record. Under its idempotency key it is kept encrypted, and no longer than it is good.

use dialog_contract::{
    action::Action,
    ids::DialogId,
    problem::ProblemType,
    provider::{Failure, Fault, Interface},
    service::{Locale, Sent},
    video::{Room, VideoStatus},
};
use jiff::{Timestamp, ToSpan as _};

use super::{
    Desk, Outcome, TRIES,
    calls::{SETTLING_TIME, Subject},
    replies::{Before, Keyed},
    sending::matches,
    trail::Trail,
};
use crate::{
    answer::{Ended, Refusal, Reply},
    draft::Draft,
    permit::{Citizen, Permitted},
    ports::providers::Target,
    request::Request,
    shelf::Step,
    texts,
};

/// Hours for which a way in may be good, at most: as `video.wit` says.
const ROOM_HOURS: i64 = 24;

impl Desk {
    /// `POST /v1/me/dialogs/{dialog}/video/join`: 200 with the way in, for the caller alone. The same key gives the same
    /// way in as long as that is good, and asks the provider again afterwards.
    ///
    /// # Errors
    /// `not-found`, `dialog-closed`, `precondition-failed`, `conflict` where the dialog has no meeting, or it is over, or
    /// the office does not have the dialog yet; and every failure of the provider.
    pub async fn join_video(&self, who: &Permitted<Citizen>, request: &Request, dialog: DialogId) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(Action::VideoJoin, &who, &asked);
            trail.dialog(dialog);
            let ended = desk.join(&who, &asked, dialog, &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    /// `POST /v1/me/dialogs/{dialog}/video/leave`: 204; the citizen may come in again as long as the meeting lasts.
    ///
    /// # Errors
    /// `not-found`, `precondition-failed`, `conflict` where the dialog has no meeting, and every failure of the provider.
    pub async fn leave_video(&self, who: &Permitted<Citizen>, request: &Request, dialog: DialogId) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(Action::VideoLeave, &who, &asked);
            trail.dialog(dialog);
            let ended = desk.leave(&who, &asked, dialog, &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn join(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        id: DialogId,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let citizen = self.shelf.secret.citizen(&who.target().national_identity_number);
        let keyed = self.keyed(citizen, request, &request.body_sha256)?;
        if let Before::Ended(ended) = self.before(&keyed, locale).await? {
            return Ok(ended);
        }
        let draft = self.own_dialog(who, id, trail).await?;
        matches(&draft, request)?;
        if draft.record.closed() {
            return Err(Refusal::new(ProblemType::DialogClosed, texts::dialog_closed(locale)));
        }
        if draft.record.dialog.video.as_ref().is_some_and(|video| video.state == VideoStatus::Ended) {
            return Err(Refusal::new(ProblemType::Conflict, texts::meeting_ended(locale)));
        }
        let reference = self.met_in(&draft, locale)?;
        self.record_intent(trail).await?;
        // Not the citizen's key: a way in that is over must not be given again by a provider that remembers.
        let key = request.id.to_string();
        let (target, subject) = self.of_meeting(who, request, &draft, &key);
        let of_failure = |failure: Failure| Refusal::of_question(&failure, locale);
        let context = self.context(subject).await.map_err(of_failure)?;
        let called = self.providers.join(target, context, reference).await;
        trail.call(called.record);
        let room = self.good(called.answer.map_err(of_failure)?).map_err(of_failure)?;
        let reply = Reply::json(200, &room)?;
        self.stand(&keyed, reply, Some(room.expires), trail, locale).await
    }

    async fn leave(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        id: DialogId,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let citizen = self.shelf.secret.citizen(&who.target().national_identity_number);
        let keyed = self.keyed(citizen, request, &request.body_sha256)?;
        if let Before::Ended(ended) = self.before(&keyed, locale).await? {
            return Ok(ended);
        }
        let draft = self.own_dialog(who, id, trail).await?;
        matches(&draft, request)?;
        let reference = self.met_in(&draft, locale)?;
        self.record_intent(trail).await?;
        let key = request.id.to_string();
        let (target, subject) = self.of_meeting(who, request, &draft, &key);
        let of_failure = |failure: Failure| Refusal::of_failure(&failure, locale);
        let context = self.context(subject).await.map_err(of_failure)?;
        let called = self.providers.leave(target, context, reference).await;
        trail.call(called.record);
        called.answer.map_err(of_failure)?;
        let reply = Reply { status: 204, body: bytes::Bytes::new(), etag: None, location: None };
        self.stand(&keyed, reply, None, trail, locale).await
    }

    /// Keeps the reply under its key, for as long as it is good where that has an end, and gives it. Where the same request
    /// came twice at once and the other was first, gives that one's: one key, one reply.
    async fn stand(
        &self,
        keyed: &Keyed,
        reply: Reply,
        until: Option<Timestamp>,
        trail: &mut Trail,
        locale: Locale,
    ) -> Result<Ended, Refusal> {
        for _ in 0..TRIES {
            let over = match self.before(keyed, locale).await? {
                Before::Nothing(over) => over,
                Before::Ended(ended) => return Ok(ended),
            };
            let mut step = Step::default();
            let kept = match until {
                Some(until) => self.reply_stands_until(&mut step, over, keyed, &reply, until),
                None => self.reply_stands(&mut step, over, keyed, &reply),
            };
            kept.map_err(|error| Refusal::of_store(&error, locale))?;
            if let Some(ended) = self.finish(step, trail, reply.clone()).await? {
                return Ok(ended);
            }
        }
        Err(Refusal::unavailable(locale))
    }

    /// The provider's name of a dialog that has a meeting here.
    fn met_in(&self, draft: &Draft, locale: Locale) -> Result<String, Refusal> {
        let conflict = |detail: &str| Err(Refusal::new(ProblemType::Conflict, detail));
        let installed = self.providers.installed(&draft.record.plugin);
        let meets = installed.is_none_or(|found| found.serves(Interface::Video));
        if draft.record.dialog.video.is_none() || !meets {
            return conflict(texts::no_meeting(locale));
        }
        match &draft.record.reference {
            Some(reference) => Ok(reference.clone()),
            None => conflict(texts::meeting_not_yet(locale)),
        }
    }

    fn of_meeting<'a>(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        draft: &'a Draft,
        key: &'a str,
    ) -> (Target, Subject<'a>) {
        let record = &draft.record;
        let time_left = request.time_left().saturating_sub(SETTLING_TIME);
        let subject = Subject {
            plugin: &record.plugin,
            office: record.dialog.office.her_id,
            service: record.dialog.service,
            citizen: record.citizen,
            representative: self.acting(who),
            clinician: record.dialog.clinician.as_ref(),
            locale: request.locale,
            key,
        };
        (Target { plugin: record.plugin.clone(), attempt: 1, time_left }, subject)
    }

    /// A way in that is good now, and not for longer than one may be.
    fn good(&self, room: Room) -> Result<Room, Failure> {
        let now = self.now();
        let longest = now.checked_add(ROOM_HOURS.hours()).unwrap_or(Timestamp::MAX);
        if now < room.expires && room.expires <= longest {
            return Ok(room);
        }
        tracing::error!("a plugin gave a way into a meeting that is over already, or good for more than a day");
        let detail = "answer.expires: not within the next 24 hours".into();
        Err(Failure::Faulty(Fault { sent: Sent::No, detail }))
    }
}
