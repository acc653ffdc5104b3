//! How a citizen wants to be told that there is something for them, and what providers and notifiers say of it.
//! [`super::notifying`] does the telling.

use dialog_contract::{
    action::Action,
    ids::{NoticeId, PluginId},
    notice::{NewNoticePreferences, NoticeChannel, NoticePreferences},
    problem::ProblemType,
    provider::{NoticeOutcome, RefusalReason},
};
use jiff::SignedDuration;

use super::{Desk, Outcome, TRIES, Trail};
use crate::{
    answer::{Ended, Refusal, Reply},
    identity::CitizenId,
    keys,
    notices::{NoticeRules, OWN_NOTICE_KEPT},
    permit::{Citizen, Permitted},
    ports::{
        directory::Person,
        store::{Expected, StoreError},
    },
    record::{self, NoticeState, OwnNotice, StoredPreferences},
    request::Request,
    shelf::Step,
    texts,
};

impl Desk {
    /// The same desk, telling citizens by these rules; without them nobody is told anything.
    #[must_use]
    pub fn noticing(mut self, rules: NoticeRules) -> Self {
        self.shelf.fold = Some(rules.fold.max(SignedDuration::ZERO));
        self.notices = Some(rules.into());
        self
    }

    /// `GET /v1/me/notice-preferences`: 200 with what holds for the citizen, which is everything by text message, else by
    /// mail, for one who has said nothing.
    ///
    /// # Errors
    /// `unavailable` where the store or the directory does not answer.
    pub async fn notice_preferences(&self, who: &Permitted<Citizen>, request: &Request) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let trail = desk.trail(Action::NoticePreferencesRead, &who, &asked);
            let ended = desk.preferences(&who, &asked).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn preferences(&self, who: &Permitted<Citizen>, request: &Request) -> Result<Ended, Refusal> {
        let citizen = self.shelf.secret.citizen(&who.target().national_identity_number);
        let known = self.shelf.notice_preferences(citizen).await;
        let (revision, preferences) = match known.map_err(|error| Refusal::of_store(&error, request.locale))? {
            Some((_, stored)) => (stored.revision, stored.preferences),
            None => (0, NewNoticePreferences::default()),
        };
        Ok(Ended::answered(self.shown_preferences(who, request, revision, preferences).await?))
    }

    /// `PUT /v1/me/notice-preferences`: 200 with what now holds. Only the citizen says it: who acts for another cannot
    /// have their notices stopped.
    ///
    /// # Errors
    /// `not-permitted` for representatives; `precondition-failed` where they were changed since `If-Match`.
    pub async fn prefer_notices(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        new: NewNoticePreferences,
    ) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(Action::NoticePreferencesChange, &who, &asked);
            trail.conceal_request();
            let ended = desk.prefer(&who, &asked, new, &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn prefer(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        new: NewNoticePreferences,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        if who.target().representative.is_some() {
            return Err(Refusal::new(ProblemType::NotPermitted, texts::only_oneself(locale)));
        }
        self.record_intent(trail).await?;
        let citizen = self.shelf.secret.citizen(&who.target().national_identity_number);
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        for _ in 0..TRIES {
            let known = self.shelf.notice_preferences(citizen).await.map_err(of_store)?;
            let before = known.as_ref().map_or(0, |(_, stored)| stored.revision);
            if request.if_match.is_some_and(|revision| revision != before) {
                return Err(Refusal::new(ProblemType::PreconditionFailed, texts::changed_since(locale)));
            }
            let stored = StoredPreferences { revision: before + 1, preferences: new.clone() };
            let key = keys::notice_preferences(citizen);
            let mut step = Step::default();
            let expected = known.map_or(Expected::Absent, |(revision, _)| Expected::At(revision));
            step.batch.preconditions.push((key.clone(), expected));
            step.batch.put_of(citizen.owner(), key, record::encode(&stored).map_err(of_store)?);
            let reply = self.shown_preferences(who, request, stored.revision, stored.preferences).await?;
            if let Some(ended) = self.finish(step, trail, reply).await? {
                return Ok(ended);
            }
        }
        Err(Refusal::unavailable(locale))
    }

    async fn shown_preferences(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        revision: u64,
        preferences: NewNoticePreferences,
    ) -> Result<Reply, Refusal> {
        let assignment = self.directory.assignment(&who.target().national_identity_number).await;
        let assignment = assignment.map_err(|error| {
            tracing::error!(%error, "the directory");
            Refusal::unavailable(request.locale)
        })?;
        let NewNoticePreferences { channels, kinds, locale } = preferences;
        let reachable = match assignment {
            Some(found) => self.reachable(&found.person).await,
            None => Ok(Vec::new()),
        };
        let reachable = reachable.map_err(|error| Refusal::of_store(&error, request.locale))?;
        let shown = NoticePreferences { channels, kinds, locale, reachable };
        Ok(Reply { etag: Some(revision), ..Reply::json(200, &shown)? })
    }

    /// The ways by which somebody can be reached.
    pub(super) async fn reachable(&self, person: &Person) -> Result<Vec<NoticeChannel>, StoreError> {
        let Some(rules) = self.notices.as_deref() else { return Ok(Vec::new()) };
        if !self.digitally_active(person).await? {
            return Ok(Vec::new());
        }
        let mut channels = NoticeChannel::ALL.to_vec();
        channels.retain(|channel| rules.notifier(*channel).is_some() && address(person, *channel).is_some());
        Ok(channels)
    }

    /// A provider has told the citizen itself.
    pub(crate) fn note_own_notice(
        &self,
        citizen: CitizenId,
        own: &OwnNotice,
        step: &mut Step,
    ) -> Result<(), StoreError> {
        if self.notices.is_none() {
            return Ok(());
        }
        let now = self.now();
        step.own_notice(citizen, own, now.checked_add(OWN_NOTICE_KEPT).unwrap_or(now))
    }

    /// The network has said what became of a notice.
    pub(crate) async fn note_report(
        &self,
        plugin: &PluginId,
        (id, outcome): (NoticeId, NoticeOutcome),
        step: &mut Step,
        trail: &mut Trail,
    ) -> Result<Result<(), RefusalReason>, StoreError> {
        let Some((revision, notice)) = self.shelf.notice(id).await? else {
            return Ok(Err(RefusalReason::Invalid));
        };
        // A report may overtake what `notices.send` returned: then the present notifier is the one.
        let present = notice.channels.first().and_then(|channel| self.notices.as_deref()?.notifier(*channel));
        let given = match &notice.state {
            NoticeState::Sent { plugin } => Some(plugin),
            NoticeState::Waiting => present.filter(|_| notice.attempts > 0),
        };
        if given != Some(plugin) {
            return Ok(Err(RefusalReason::Invalid));
        }
        self.name_citizen(trail, notice.citizen).await?;
        trail.detail("notice", id.to_string());
        trail.detail("template", notice.template.as_str());
        trail.detail("outcome", outcome.as_str());
        match outcome {
            NoticeOutcome::Delivered => step.notice_done(revision, &notice),
            NoticeOutcome::Undeliverable => {
                let (now, mut next) = (self.now(), notice.clone());
                next.next_channel(now);
                step.notice(Some((revision, &notice)), &next)?;
            }
        }
        Ok(Ok(()))
    }
}

/// Where somebody can be reached by this way.
pub(super) fn address(person: &Person, channel: NoticeChannel) -> Option<String> {
    match channel {
        // The register has numbers as people write them.
        NoticeChannel::Sms => person.mobile.as_deref().map(|number| number.replace(' ', "")),
        NoticeChannel::Email => person.email.clone(),
    }
}
