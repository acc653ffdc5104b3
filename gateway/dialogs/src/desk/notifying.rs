//! Telling citizens: what is to be told becomes a notice, and a notice is given to a notifier until it is on its way, or
//! of no use any more. The rules are told in [`crate::notices`].

use std::time::Duration;

use bytes::Bytes;
use dialog_contract::{
    action::Action,
    ids::{NoticeId, RequestId},
    notice::{NewNoticePreferences, NoticeChannel},
    provider::{Failure, Notice},
    service::Locale,
};
use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};

use super::{Desk, notices::address, settling::pause, trail::Unsettled};
use crate::{
    answer::Refusal,
    identity::CitizenId,
    keys,
    notices::{
        CHANNEL_PATIENCE, Considered, NoticeRules, OWN_NOTICE_KEPT, OWN_NOTICE_WITHIN, ROOM_USEFUL_FOR, Template,
        URGENT_WITHIN, USEFUL_FOR, folded,
    },
    ports::{
        directory::Person,
        providers::Target,
        store::{Batch, Revision, StoreError},
    },
    record::{self, NoticeState, NoticeWork, OwnNotice, Pending, StoredNotice, Subject, ToldOverdue},
    shelf::{Step, pend},
};

/// Entries that one run takes up.
const AT_ONCE: usize = 256;

/// Notices that are sent side by side: enough for a national peak, and few beside what the host lets a plugin have.
const SIDE_BY_SIDE: usize = 16;

/// Things that become one notice; what is beyond them becomes the next.
const FOLDED: usize = 100;

/// Why something is not told by itself: it is told with others.
pub const FOLDED_INTO_ONE: &str = "folded";

/// Time that a notifier may take.
const CALL_TIME: Duration = Duration::from_secs(10);

/// Who has not settled a notice by then has crashed: well after [`CALL_TIME`].
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// Ways that one turn tries, one after the other.
const WAYS: usize = NoticeChannel::ALL.len();

/// What became of something that a citizen was to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeFate {
    /// A notifier has it.
    Sent,
    /// It was not sent, on purpose; why, in a word.
    Dropped(&'static str),
    /// A notifier did not take it now; it is tried again.
    Failed,
    /// The citizen cannot be reached by this way, as its network says.
    Unreachable,
    /// The notifier could not be reached for too long, or no way was left in time.
    GivenUp,
}

/// What became of one notice, for the operator's metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoticeTold {
    /// What became of it.
    pub fate: NoticeFate,
    /// By which way; none where it did not come so far.
    pub channel: Option<NoticeChannel>,
    /// What it says.
    pub template: Template,
}

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoticesDone {
    /// There was more than one run takes up: run again at once.
    pub more: bool,
    /// What became of what.
    pub told: Vec<NoticeTold>,
}

/// Whether something is told.
enum Verdict {
    Told(Considered),
    Dropped(&'static str),
}

impl Desk {
    /// Tells citizens what is due to be told. Call it every second or so, and again at once while there is more. Does
    /// nothing where there are no rules ([`Desk::noticing`]).
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn run_notices(&self, now: Timestamp) -> Result<NoticesDone, StoreError> {
        if self.notices.is_none() {
            return Ok(NoticesDone::default());
        }
        let more_overdue = self.note_overdue(now).await?;
        let entries = self.shelf.store.scan(keys::until(keys::all_notice_work(), now, AT_ONCE)).await?;
        let more = more_overdue || entries.len() == AT_ONCE;
        let tasks = stream::iter(entries).map(|entry| {
            let desk = self.clone();
            // A task of its own: a shutdown that drops the run does not tear a step apart.
            tokio::spawn(async move { desk.take_up_notice(entry.key, &entry.versioned.value, now).await })
        });
        let ended: Vec<_> = tasks.buffer_unordered(SIDE_BY_SIDE).collect().await;
        Ok(NoticesDone { more, told: ended.into_iter().filter_map(Result::ok).flatten().collect() })
    }

    async fn take_up_notice(&self, key: Bytes, work: &[u8], now: Timestamp) -> Vec<NoticeTold> {
        let mut told = Vec::new();
        let ended = match record::decode("a notice that is due", work) {
            Ok(NoticeWork::Fold { citizen }) => self.fold(key, citizen, now, &mut told).await,
            Ok(NoticeWork::Send { notice, .. }) => match self.shelf.notice(notice).await {
                Ok(Some(_)) => self.deliver(notice, &mut told).await,
                // It went with its citizen.
                Ok(None) => self.forget_notice_work(key).await,
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        match ended {
            // Somebody changed it first: it stays due.
            Ok(()) | Err(StoreError::Conflict { .. }) => {}
            Err(error) => tracing::error!(%error, "a notice could not be taken up; it stays due"),
        }
        told
    }

    async fn forget_notice_work(&self, key: Bytes) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        batch.delete(key);
        self.shelf.store.commit(batch).await.map(|_| ())
    }

    /// Makes one notice of all that a citizen is to be told, and sends it.
    async fn fold(
        &self,
        key: Bytes,
        citizen: CitizenId,
        now: Timestamp,
        told: &mut Vec<NoticeTold>,
    ) -> Result<(), StoreError> {
        let pending = self.shelf.store.scan(keys::all(keys::pending_notices_of(citizen), FOLDED)).await?;
        let own = self.shelf.store.scan(keys::all(keys::own_notices_of(citizen), FOLDED)).await?;
        let mut step = Step::default();
        step.batch.delete(key);
        let mut told_by_provider = Vec::new();
        for entry in own {
            let notice: OwnNotice = record::decode("a provider's notice", &entry.versioned.value)?;
            if now.duration_since(notice.at) >= OWN_NOTICE_KEPT {
                step.batch.delete(entry.key);
            } else {
                told_by_provider.push(notice);
            }
        }
        if pending.is_empty() {
            return self.shelf.store.commit(step.batch).await.map(|_| ());
        }
        if pending.len() == FOLDED {
            let work = record::encode(&NoticeWork::Fold { citizen })?;
            step.batch.put(keys::fold_work(now.checked_add(LEASE).unwrap_or(now), citizen), work);
        }
        let known = self.shelf.notice_preferences(citizen).await?;
        let preferences = known.map_or_else(NewNoticePreferences::default, |(_, stored)| stored.preferences);
        let person = self.person(citizen).await?;
        let channels = self.ways(&preferences, person.as_ref()).await?;
        let sleeps = self.notices.as_deref().is_some_and(|rules| !rules.at_night);
        let quiet = self.calendar.quiet_until(now).filter(|_| sleeps);
        let mut judged = Vec::with_capacity(pending.len());
        for entry in pending {
            let one: Pending = record::decode("something to be told", &entry.versioned.value)?;
            let verdict = match &channels {
                Ok(_) => self.consider(&one, &preferences, &told_by_provider, now).await?,
                Err(why) => Verdict::Dropped(why),
            };
            judged.push((entry, one, verdict));
        }
        let for_now = |considered: &Considered| considered.template.is_for_now();
        let hurries = judged.iter().any(|(.., verdict)| matches!(verdict, Verdict::Told(told) if for_now(told)));
        let mut all = Vec::new();
        let mut dropped = Vec::new();
        let mut waits = false;
        for (entry, one, verdict) in judged {
            match verdict {
                // People sleep: it waits for the morning, and for what else comes by then.
                Verdict::Told(considered) if quiet.is_some() && !is_urgent(&considered, now) => continue,
                // What cannot wait is told alone.
                Verdict::Told(considered) if hurries && !for_now(&considered) => {
                    waits = true;
                    continue;
                }
                Verdict::Told(considered) => all.push(considered),
                Verdict::Dropped(why) => dropped.push((one.template, why)),
            }
            step.batch.require_at(entry.key.clone(), entry.versioned.revision).delete(entry.key);
        }
        if let Some(morning) = quiet {
            step.batch.put(keys::fold_work(morning, citizen), record::encode(&NoticeWork::Fold { citizen })?);
        }
        if waits {
            let fold = self.notices.as_deref().map_or(SignedDuration::ZERO, |rules| rules.fold);
            let due = now.checked_add(fold).unwrap_or(now);
            step.batch.put(keys::fold_work(due, citizen), record::encode(&NoticeWork::Fold { citizen })?);
        }
        let notice = folded(&all).zip(channels.ok()).map(|(folded, channels)| StoredNotice {
            id: NoticeId::new(),
            citizen,
            template: folded.template,
            values: folded.values,
            locale: preferences.locale.unwrap_or(folded.locale),
            channels,
            attempts: 0,
            since: now,
            expires: folded.expires,
            state: NoticeState::Waiting,
            due: now,
        });
        if let Some(notice) = &notice {
            step.notice(None, notice)?;
        }
        self.shelf.store.commit(step.batch).await?;
        told.extend(dropped.into_iter().map(|(template, why)| {
            tracing::debug!(template = template.as_str(), why, "nobody is told of it");
            NoticeTold { fate: NoticeFate::Dropped(why), channel: None, template }
        }));
        if let Some(notice) = &notice {
            // Of several things none is told by itself; of one, all but what it is told as.
            let mut as_itself = usize::from(notice.template != Template::Several);
            for template in all.iter().map(|one| one.template) {
                if template == notice.template && as_itself > 0 {
                    as_itself = 0;
                } else {
                    told.push(NoticeTold { fate: NoticeFate::Dropped(FOLDED_INTO_ONE), channel: None, template });
                }
            }
        }
        match notice {
            Some(notice) => self.deliver(notice.id, told).await,
            None => Ok(()),
        }
    }

    /// The citizen, as the directory knows them now; none where they are on no list any more.
    async fn person(&self, citizen: CitizenId) -> Result<Option<Person>, StoreError> {
        let Some(stored) = self.shelf.citizen(citizen).await? else { return Ok(None) };
        let found = self.directory.assignment(&stored.national_identity_number).await;
        let found = found.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(found.map(|assignment| assignment.person))
    }

    /// By which ways the citizen is told, in their order; or why not at all.
    async fn ways(
        &self,
        preferences: &NewNoticePreferences,
        person: Option<&Person>,
    ) -> Result<Result<Vec<NoticeChannel>, &'static str>, StoreError> {
        if preferences.channels.is_empty() {
            return Ok(Err("opted-out"));
        }
        let reachable = match person {
            Some(person) => self.reachable(person).await?,
            None => Vec::new(),
        };
        let mut ways = preferences.channels.clone();
        ways.retain(|channel| reachable.contains(channel));
        Ok(if ways.is_empty() { Err("no-address") } else { Ok(ways) })
    }

    /// Whether something is still to be told, and what can be said of it.
    async fn consider(
        &self,
        one: &Pending,
        preferences: &NewNoticePreferences,
        own: &[OwnNotice],
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        if one.template.kind().is_some_and(|kind| !preferences.kinds.contains(&kind)) {
            return Ok(Verdict::Dropped("declined"));
        }
        let useful = if one.template.is_for_now() { ROOM_USEFUL_FOR } else { USEFUL_FOR };
        if now.duration_since(one.at) >= useful {
            return Ok(Verdict::Dropped("late"));
        }
        let (plugin, office, when, locale) = match one.about {
            Subject::Dialog(id) => {
                let Some(draft) = self.shelf.dialog(id).await? else { return Ok(Verdict::Dropped("gone")) };
                let record = draft.record;
                match one.template {
                    Template::Message if record.dialog.unopened == 0 => return Ok(Verdict::Dropped("read")),
                    Template::WaitingRoom if !record.is_met_in() => return Ok(Verdict::Dropped("gone")),
                    Template::Overdue if record.owed().is_none() => return Ok(Verdict::Dropped("answered")),
                    _ => {}
                }
                let told = |notice: &OwnNotice| {
                    notice.plugin == record.plugin && notice.dialog.is_some() && notice.dialog == record.reference
                };
                if own.iter().any(|notice| told(notice) && is_of(notice, one)) {
                    return Ok(Verdict::Dropped("own"));
                }
                (record.plugin, record.dialog.office.name, None, record.locale)
            }
            Subject::Appointment(id) => {
                let Some((_, stored)) = self.shelf.appointment(id).await? else {
                    return Ok(Verdict::Dropped("gone"));
                };
                if stored.cancelled != (one.template == Template::AppointmentCancelled) {
                    return Ok(Verdict::Dropped("gone"));
                }
                if stored.appointment.start <= now {
                    return Ok(Verdict::Dropped("late"));
                }
                let told = |notice: &OwnNotice| {
                    notice.plugin == stored.provider.id && notice.appointment.as_ref() == Some(&stored.appointment.id)
                };
                if own.iter().any(|notice| told(notice) && is_of(notice, one)) {
                    return Ok(Verdict::Dropped("own"));
                }
                (stored.provider.id, stored.office.name, Some(stored.appointment.start), Locale::Nb)
            }
        };
        let agreements = self.agreements(one.office).await;
        let agreements = agreements.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let own = agreements.iter().filter(|agreement| agreement.plugin == plugin && agreement.valid_at(now));
        let kind = one.template.kind();
        if own.flat_map(|agreement| &agreement.own_notices).any(|own| kind == Some(*own)) {
            return Ok(Verdict::Dropped("own"));
        }
        let (template, about, at) = (one.template, one.about, one.at);
        Ok(Verdict::Told(Considered { template, about, at, office, when, locale }))
    }

    /// Gives a notice to its notifiers, until one has it, or none can now.
    async fn deliver(&self, id: NoticeId, told: &mut Vec<NoticeTold>) -> Result<(), StoreError> {
        let Some(rules) = self.notices.clone() else { return Ok(()) };
        // One more than there are ways: the last turn says that none is left.
        for _ in 0..=WAYS {
            let Some((revision, notice)) = self.shelf.notice(id).await? else { return Ok(()) };
            let now = self.now();
            if notice.due > now && notice.attempts > 0 {
                return Ok(());
            }
            if matches!(notice.state, NoticeState::Sent { .. }) {
                // Nobody has said that it did not arrive, and it is of no use any more.
                let mut step = Step::default();
                step.notice_done(revision, &notice);
                return self.shelf.store.commit(step.batch).await.map(|_| ());
            }
            let channel = notice.channels.first().copied();
            let Some(channel) = channel.filter(|_| now < notice.expires) else {
                return self.give_up_notice(revision, &notice, told).await;
            };
            let mut step = Step::default();
            let lease = now.checked_add(LEASE).unwrap_or(now);
            let begun = StoredNotice { attempts: notice.attempts + 1, due: lease, ..notice.clone() };
            step.notice(Some((revision, &notice)), &begun)?;
            let revision = self.shelf.store.commit(step.batch).await?;
            if !self.attempt(&rules, revision, begun, channel, told).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Gives a notice to one notifier; true where another is to be tried at once.
    async fn attempt(
        &self,
        rules: &NoticeRules,
        revision: Revision,
        begun: StoredNotice,
        channel: NoticeChannel,
        told: &mut Vec<NoticeTold>,
    ) -> Result<bool, StoreError> {
        let template = begun.template;
        let (mut next, mut step) = (begun.clone(), Step::default());
        let person = self.person(begun.citizen).await?;
        // The citizen may have chosen otherwise since it was decided.
        let found = match &person {
            Some(person) if self.digitally_active(person).await? => Some(person),
            _ => None,
        };
        let (Some(plugin), Some(address)) =
            (rules.notifier(channel), found.and_then(|person| address(person, channel)))
        else {
            next.next_channel(self.now());
            step.notice(Some((revision, &begun)), &next)?;
            return self.shelf.store.commit(step.batch).await.map(|_| true);
        };
        let rendered = begun.template.render(begun.locale, &begun.values, &rules.link, &self.calendar);
        let notice = Notice {
            id: begun.id,
            channel,
            address,
            locale: begun.locale,
            subject: (channel == NoticeChannel::Email).then_some(rendered.subject),
            text: rendered.text,
            link: Some(rules.link.clone()),
            expires: begun.expires,
        };
        let target = Target { plugin: plugin.clone(), attempt: begun.attempts, time_left: CALL_TIME };
        let called = self.providers.notify(target, notice).await;
        let trace = uuid::Uuid::new_v4().simple().to_string();
        let mut trail = self.trail_of_gateway(Action::NoticeSend, RequestId::new(), &trace, begun.locale);
        self.name_citizen(&mut trail, begun.citizen).await?;
        trail.plugin(plugin);
        trail.detail("notice", begun.id.to_string());
        trail.detail("channel", channel.as_str());
        trail.detail("template", template.as_str());
        trail.call(called.record);
        let now = self.now();
        let (fate, again, failed) = match &called.answer {
            Ok(_) => {
                next.state = NoticeState::Sent { plugin: plugin.clone() };
                next.due = begun.expires.max(now);
                (NoticeFate::Sent, false, None)
            }
            Err(failure) => {
                let refusal = Refusal::of_failure(failure, begun.locale);
                let (fate, again) = next.after(failure, now);
                tracing::warn!(%plugin, %failure, channel = channel.as_str(), "a notice could not be sent");
                (fate, again, Some((refusal.problem, refusal.sent)))
            }
        };
        step.notice(Some((revision, &begun)), &next)?;
        told.push(NoticeTold { fate, channel: Some(channel), template });
        match self.commit_with_notice(step, &mut trail, failed).await {
            Ok(_) => Ok(again),
            // It was erased meanwhile, or the network was quicker to say what became of it.
            Err(Unsettled::Conflict) => Ok(false),
            Err(Unsettled::Store(error)) => Err(error),
            Err(Unsettled::NoEvidence) => Err(StoreError::Unavailable("the audit log cannot be written".to_owned())),
        }
    }

    /// Nobody could be told: the operator is.
    async fn give_up_notice(
        &self,
        revision: Revision,
        notice: &StoredNotice,
        told: &mut Vec<NoticeTold>,
    ) -> Result<(), StoreError> {
        let mut step = Step::default();
        step.notice_done(revision, notice);
        self.shelf.store.commit(step.batch).await?;
        let template = notice.template;
        tracing::error!(notice = %notice.id, template = template.as_str(), "a citizen could not be told by any way");
        told.push(NoticeTold { fate: NoticeFate::GivenUp, channel: notice.channels.first().copied(), template });
        Ok(())
    }

    /// Notes answers that have become overdue since the last time; true where there are more. The first time ever only
    /// notes where to begin: nobody is told of what was overdue before there were notices.
    async fn note_overdue(&self, now: Timestamp) -> Result<bool, StoreError> {
        let position = self.shelf.told_overdue().await?;
        let mut batch = Batch::default();
        let Some((revision, ToldOverdue { last })) = position else {
            let last = keys::owed_before(now).to_vec();
            batch.require_absent(keys::told_overdue());
            batch.put(keys::told_overdue(), record::encode(&ToldOverdue { last })?);
            return self.shelf.store.commit(batch).await.map(|_| false);
        };
        let mut range = keys::until(keys::all_owed(), now, AT_ONCE);
        range.from = super::reading::after(&[&last]);
        let entries = self.shelf.store.scan(range).await?;
        let Some(last) = entries.last().map(|entry| entry.key.to_vec()) else { return Ok(false) };
        for entry in &entries {
            let Some(id) = keys::dialog_of_owed(&entry.key) else { continue };
            let Some(draft) = self.shelf.dialog(id).await? else { continue };
            if !draft.record.reaches_citizen() {
                continue;
            }
            let (about, office) = (Subject::Dialog(id), draft.record.dialog.office.her_id);
            let pending = Pending { template: Template::Overdue, office, about, at: now };
            pend(&mut batch, draft.record.citizen, &pending, now)?;
        }
        batch.require_at(keys::told_overdue(), revision);
        batch.put(keys::told_overdue(), record::encode(&ToldOverdue { last })?);
        self.shelf.store.commit(batch).await.map(|_| entries.len() == AT_ONCE)
    }
}

/// What is about an appointment that is near is told at any hour, and so is that somebody waits.
fn is_urgent(one: &Considered, now: Timestamp) -> bool {
    one.template.is_for_now() || one.when.is_some_and(|when| when.duration_since(now) <= URGENT_WITHIN)
}

/// Whether a provider's own notice was of this event, by when it was sent.
fn is_of(notice: &OwnNotice, one: &Pending) -> bool {
    one.at.duration_since(notice.at).abs() <= OWN_NOTICE_WITHIN
}

impl StoredNotice {
    /// The present way does not lead to the citizen: the next one is tried, at once.
    pub(super) fn next_channel(&mut self, now: Timestamp) {
        if !self.channels.is_empty() {
            self.channels.remove(0);
        }
        (self.attempts, self.since, self.due, self.state) = (0, now, now, NoticeState::Waiting);
    }

    /// What follows of a notifier's failure, and whether the next is to be tried at once.
    fn after(&mut self, failure: &Failure, now: Timestamp) -> (NoticeFate, bool) {
        let retry_after = match failure {
            Failure::Unavailable(outage) => outage.retry_after,
            Failure::Faulty(_) | Failure::Conflict(_) => None,
            // This address cannot be reached by this way.
            Failure::Invalid(_) | Failure::Declined(_) | Failure::NotFound(_) => {
                self.next_channel(now);
                return (NoticeFate::Unreachable, true);
            }
        };
        let next = now.checked_add(pause(self.attempts, retry_after)).unwrap_or(self.expires);
        let patient = next.duration_since(self.since) < CHANNEL_PATIENCE || self.channels.len() == 1;
        if !patient {
            self.next_channel(now);
            return (NoticeFate::GivenUp, true);
        }
        self.due = next.min(self.expires);
        (NoticeFate::Failed, false)
    }
}
