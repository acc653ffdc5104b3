//! Dialogs that are open with a provider that an office has left: the citizen is told, the operator can export them, and
//! they go on with the office's new provider, each once, as another dialog.

use std::collections::VecDeque;

use dialog_contract::{
    action::Action,
    dialog::{ActivityKind, AuthorRole, Dialog, Message, Status},
    event::EventType,
    handover::{ExportedCitizen, ExportedDialog, HandedOver, NewHandover},
    ids::{DialogId, HerId, MessageId, PluginId, RequestId},
    opening::Request as Asked,
    page::Page,
    service::{Closing, Service},
};
use jiff::{Timestamp, ToSpan as _};

use super::{
    Desk, Outcome, TRIES, Trail,
    calls::opening,
    opening::{ASYNCHRONOUS_HOURS, shown},
    practice::{Offer, of_directory},
    trail::Unsettled,
};
use crate::{
    answer::{Ended, Refusal, Reply},
    cursor::{self, Kind},
    draft::Draft,
    inbound::InboundError,
    keys::{self, OpenWith},
    permit::{Operator, Permitted},
    ports::{
        directory::DirectoryError,
        store::{Entry, Range, StoreError},
    },
    record::{Call, CallKind, CallState, StoredDialog, Use},
    request::Request,
    shelf::Step,
    texts,
};

/// Dialogs that one request hands over, and entries that are looked at together.
const AT_ONCE: usize = 100;

/// Dialogs of one page of an export: a page of long ones is some megabytes.
const EXPORTED: usize = 20;

/// Where a dialog stands among those of an office: service and id.
const PLACE_BYTES: usize = 40;

impl Desk {
    /// Tells citizens, in their open dialogs, that the office has left the provider: once, and within a minute or so of
    /// the end of the agreement. Returns how many were told.
    ///
    /// # Errors
    /// Where the store, the directory or the audit log does not answer: the next run goes on.
    pub async fn mark_ended(&self) -> Result<usize, InboundError> {
        let (until, mut from, mut told) = (keys::after_all(&keys::all_open()), keys::all_open(), 0);
        loop {
            let range = Range { from: from.clone(), until: until.clone(), limit: 1, reverse: false };
            let Some(first) = self.shelf.store.scan(range).await?.pop() else { return Ok(told) };
            let Some(OpenWith { plugin, office, service, .. }) = keys::open_of(&first.key) else {
                from = next(&first.key);
                continue;
            };
            let group = keys::open_with_for(&plugin, office, service);
            if !self.still_serves(&plugin, office, service).await? {
                told += self.mark_all(&group).await?;
            }
            // Never none: a prefix ends before the end of the domain's space.
            from = keys::after_all(&group).unwrap_or_else(|| next(&first.key));
        }
    }

    async fn mark_all(&self, group: &bytes::Bytes) -> Result<usize, InboundError> {
        let (mut range, mut told) = (keys::all(group.clone(), AT_ONCE), 0);
        loop {
            let entries = self.shelf.store.scan(range.clone()).await?;
            for entry in entries.iter().filter(|entry| entry.versioned.value.is_empty()) {
                let Some(open) = keys::open_of(&entry.key) else { continue };
                told += usize::from(self.mark(open.dialog).await?);
            }
            match entries.last() {
                Some(last) if entries.len() == AT_ONCE => range.from = next(&last.key),
                _ => return Ok(told),
            }
        }
    }

    /// Tells the citizen; false where the dialog was closed or told meanwhile.
    async fn mark(&self, id: DialogId) -> Result<bool, InboundError> {
        for _ in 0..TRIES {
            let Some(mut draft) = self.shelf.dialog(id).await? else { return Ok(false) };
            if draft.record.ended || draft.record.closed() {
                return Ok(false);
            }
            let (now, locale) = (self.now(), draft.record.locale);
            draft.record.ended = true;
            let left = draft.record.dialog.provider.name.clone();
            draft.activity(now, ActivityKind::ProviderEnded {}, |locale| texts::provider_ended(&left, locale));
            draft.news(EventType::DialogUpdated);
            let trace = uuid::Uuid::new_v4().simple().to_string();
            let mut trail = self.trail_of_gateway(Action::DialogMark, RequestId::new(), &trace, locale);
            self.name_open(&mut trail, &draft.record).await?;
            let mut step = Step::default();
            step.dialog(draft, now)?;
            let nothing = Reply { status: 204, body: bytes::Bytes::new(), etag: None, location: None };
            match self.commit_with_outcome(step, &mut trail, Ok((&nothing, None))).await {
                Ok(_) => return Ok(true),
                Err(Unsettled::Conflict) => {}
                Err(Unsettled::Store(error)) => return Err(error.into()),
                Err(Unsettled::NoEvidence) => return Err(InboundError::Contended),
            }
        }
        Err(InboundError::Contended)
    }

    async fn name_open(&self, trail: &mut Trail, record: &StoredDialog) -> Result<(), StoreError> {
        trail.dialog(record.dialog.id);
        trail.office(record.dialog.office.her_id);
        trail.service(record.dialog.service);
        trail.plugin(&record.plugin);
        self.name_citizen(trail, record.citizen).await
    }

    /// Whether what is open with a plugin goes on there, or will again.
    async fn still_serves(&self, plugin: &PluginId, office: HerId, service: Service) -> Result<bool, DirectoryError> {
        let now = self.now();
        let agreements = self.agreements(office).await?;
        let lasts = |until: Option<Timestamp>| until.is_none_or(|until| now < until);
        Ok(agreements.iter().any(|one| one.plugin == *plugin && one.service == service && lasts(one.valid_until)))
    }

    /// `GET /v1/offices/{herId}/handover/{plugin}`: what is open with a provider, with its content and whose it is. Each
    /// dialog is on record as exported before it leaves.
    ///
    /// # Errors
    /// `malformed` for a cursor that is not one of ours.
    pub async fn export(
        &self,
        who: &Permitted<Operator>,
        request: &Request,
        (office, plugin): (HerId, PluginId),
        cursor: Option<String>,
    ) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail_of_operator(Action::AgreementsRead, &who, &asked);
            trail.office(office);
            trail.plugin(&plugin);
            let ended = desk.exported(&who, &asked, (office, &plugin), cursor.as_deref()).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn exported(
        &self,
        who: &Permitted<Operator>,
        request: &Request,
        (office, plugin): (HerId, &PluginId),
        cursor: Option<&str>,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        let prefix = keys::open_with_at(plugin, office);
        let secret = &self.shelf.secret;
        let mut range = keys::all(prefix.clone(), EXPORTED);
        if let Some(cursor) = cursor {
            let place = cursor::open::<PLACE_BYTES>(secret, Kind::Handover, &owner(&prefix), cursor);
            let place = place.ok_or_else(|| Refusal::malformed(locale, "cursor"))?;
            range.from = next(&[&prefix[..], &place].concat());
        }
        let entries = self.shelf.store.scan(range).await.map_err(of_store)?;
        let mut items = Vec::with_capacity(entries.len());
        for entry in &entries {
            let Some(open) = keys::open_of(&entry.key) else { continue };
            let Some(draft) = self.shelf.dialog(open.dialog).await.map_err(of_store)? else { continue };
            let StoredDialog { dialog, citizen, reference, .. } = &draft.record;
            let Some(person) = self.shelf.citizen(*citizen).await.map_err(of_store)? else { continue };
            let mut trail = self.trail_of_operator(Action::DialogExport, who, request);
            self.name_open(&mut trail, &draft.record).await.map_err(of_store)?;
            let told = Reply { status: 200, body: bytes::Bytes::new(), etag: None, location: None };
            // On record before it leaves, each by itself: whose it is can read that it was taken out.
            self.conclude(trail, Ok(Ended::answered(told))).await.map_err(|_| Refusal::unavailable(locale))?;
            items.push(ExportedDialog {
                citizen: ExportedCitizen {
                    national_identity_number: person.national_identity_number,
                    given_name: person.given_name,
                    family_name: person.family_name,
                },
                reference: reference.clone(),
                dialog: dialog.clone(),
            });
        }
        let last = entries.last().filter(|_| entries.len() == EXPORTED);
        let next = last
            .and_then(|Entry { key, .. }| key.get(prefix.len()..))
            .map(|place| cursor::seal(secret, Kind::Handover, &owner(&prefix), place));
        Ok(Ended::answered(Reply::json(200, &Page { items, next })?))
    }

    /// `POST /v1/offices/{herId}/handover/{plugin}`: what is open there goes on with whoever the office has now.
    ///
    /// # Errors
    /// `unavailable` where the store, the directory or the audit log does not answer: what was handed over stays so, and
    /// the rest is handed over by asking again.
    pub async fn hand_over(
        &self,
        who: &Permitted<Operator>,
        request: &Request,
        (office, plugin): (HerId, PluginId),
        new: NewHandover,
    ) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail_of_operator(Action::AgreementsChange, &who, &asked);
            trail.office(office);
            trail.plugin(&plugin);
            trail.detail("reason", new.reason.as_str());
            let ended = desk.hand_all_over(&who, &asked, (office, &plugin), &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn hand_all_over(
        &self,
        who: &Permitted<Operator>,
        request: &Request,
        (office, plugin): (HerId, &PluginId),
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let (mut done, mut left) = (0_u32, 0_u32);
        let mut range = keys::all(keys::open_with_at(plugin, office), AT_ONCE);
        let more = loop {
            let entries = self.shelf.store.scan(range.clone()).await;
            let entries = entries.map_err(|error| Refusal::of_store(&error, locale))?;
            for entry in &entries {
                let Some(open) = keys::open_of(&entry.key) else { continue };
                match self.hand_one_over(who, request, &open).await? {
                    true => done += 1,
                    false => left += 1,
                }
            }
            match entries.last() {
                Some(_) if done as usize >= AT_ONCE => break true,
                Some(last) if entries.len() == AT_ONCE => range.from = next(&last.key),
                _ => break false,
            }
        };
        trail.detail("handedOver", done.to_string());
        trail.detail("left", left.to_string());
        Ok(Ended::answered(Reply::json(200, &HandedOver { handed_over: done, left, more })?))
    }

    /// Whether the dialog goes on with another provider now.
    async fn hand_one_over(
        &self,
        who: &Permitted<Operator>,
        request: &Request,
        open: &OpenWith,
    ) -> Result<bool, Refusal> {
        let locale = request.locale;
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        let agreements = self.agreements(open.office).await.map_err(|error| of_directory(&error, locale))?;
        let offer = self.offer(&agreements, open.service, locale).await?;
        let Some(offer) = offer.ok().filter(|offer| offer.agreement.plugin != open.plugin) else { return Ok(false) };
        for _ in 0..TRIES {
            let Some(mut old) = self.shelf.dialog(open.dialog).await.map_err(of_store)? else { return Ok(false) };
            let now = self.now();
            let Some(new) = self.continued(&old.record, &offer, request, now) else { return Ok(false) };
            let mut trail = self.trail_of_operator(Action::DialogHandOver, who, request);
            self.name_open(&mut trail, &old.record).await.map_err(of_store)?;
            trail.detail("to", offer.agreement.plugin.as_str());
            trail.detail("continuedAs", new.dialog.id.to_string());
            let (id, mut step) = (new.dialog.id, Step::default());
            self.introduce(&new, &offer.agreement.plugin, &mut step).await.map_err(of_store)?;
            for file in new.dialog.messages.iter().flat_map(|message| &message.attachments) {
                if let Some((revision, stored)) = self.shelf.attachment(file.id).await.map_err(of_store)? {
                    step.attachment(Some(revision), stored, Use::In { dialog: id }).map_err(of_store)?;
                }
            }
            let handed = ActivityKind::HandedOver { dialog: id };
            old.activity(now, handed, |locale| texts::handed_over(&offer.provider.name, locale));
            old.record.dialog.continued_as = Some(id);
            old.close(Closing::Redirected, Some(open.service), None, now);
            step.dialog(old, now).map_err(of_store)?;
            let mut draft = Draft::new(new);
            draft.news(EventType::DialogOpened);
            step.dialog(draft, now).map_err(of_store)?;
            let told = Reply { status: 200, body: bytes::Bytes::new(), etag: None, location: None };
            match self.commit_with_outcome(step, &mut trail, Ok((&told, None))).await {
                Ok(_) => return Ok(true),
                Err(Unsettled::Conflict) => {}
                Err(Unsettled::Store(error)) => return Err(of_store(error)),
                Err(Unsettled::NoEvidence) => return Err(Refusal::unavailable(locale)),
            }
        }
        Err(Refusal::unavailable(locale))
    }

    /// The dialog that goes on with another provider, to be sent by whoever tries again what waits: all that the citizen
    /// wrote, with its files. None where it cannot go on: it is closed or on its way, the office began it, or it is about
    /// an appointment of the provider's.
    fn continued(&self, old: &StoredDialog, offer: &Offer, request: &Request, now: Timestamp) -> Option<StoredDialog> {
        let asked = old.request.as_ref()?;
        let of_provider = matches!(asked, Asked::AppointmentChange { .. } | Asked::AppointmentCancel { .. });
        if old.closed() || !old.calls.is_empty() || of_provider || old.dialog.continued_as.is_some() {
            return None;
        }
        let own = old.dialog.messages.iter().filter(|message| message.author.role != AuthorRole::Office);
        let messages: Vec<Message> =
            own.map(|message| Message { id: MessageId::new(), seen: None, ..message.clone() }).collect();
        let id = DialogId::new();
        let call = |kind: CallKind, key: String| Call {
            kind,
            key,
            attempts: 0,
            begun: now,
            give_up: now.checked_add(ASYNCHRONOUS_HOURS.hours()).unwrap_or(Timestamp::MAX),
            state: CallState::Waiting { next: now },
            maybe_sent: false,
            reply: None,
            request: request.id,
            trace_id: request.trace_id.clone(),
            traceparent: request.traceparent.clone(),
            by: None,
        };
        let mut calls = VecDeque::from([call(CallKind::Open, id.to_string())]);
        for message in messages.iter().skip(1) {
            let kind = CallKind::Send { message: Box::new(message.clone()), shown: true };
            calls.push_back(call(kind, message.id.to_string()));
        }
        let dialog = Dialog {
            id,
            provider: offer.provider.clone(),
            status: Status::Queued,
            opened: now,
            updated: now,
            messages,
            activities: Vec::new(),
            fees: Vec::new(),
            overdue: false,
            video: None,
            results: Vec::new(),
            continues: Some(old.dialog.id),
            continued_as: None,
            revision: 1,
            ..old.dialog.clone()
        };
        let mut new = StoredDialog {
            dialog,
            sentences: Vec::new(),
            plugin: offer.agreement.plugin.clone(),
            reference: None,
            visible: true,
            ended: false,
            known_as: Vec::new(),
            calls,
            ..old.clone()
        };
        let (requested, service) = (ActivityKind::Requested { request: shown(asked) }, old.dialog.service);
        new.activity(now, requested, |locale| texts::requested(service, locale));
        opening(&new).is_some().then_some(new)
    }
}

/// The first key after this one.
fn next(key: &[u8]) -> bytes::Bytes {
    [key, b"\0"].concat().into()
}

/// Whose list it is, for its cursors.
fn owner(prefix: &[u8]) -> [u8; 32] {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(prefix).into()
}
