//! Reading dialogs: one, a list, and marking as seen.

use bytes::{BufMut, BytesMut};
use dialog_contract::{
    action::Action,
    dialog::{Dialog, StatusName},
    ids::DialogId,
    limits::Limits,
    observation::Observation,
    page::Page,
    service::{Locale, Service},
};
use jiff::Timestamp;

use super::{Desk, Outcome, TRIES, replies::Before, trail::Trail};
use crate::{
    answer::{Ended, Refusal, Reply},
    cursor::{self, Kind},
    identity::CitizenId,
    keys,
    permit::{Citizen, Permitted},
    ports::store::{Range, StoreError},
    record::{self, Listed},
    request::Request,
    shelf::Step,
};

/// Bytes of a list's place: the inverted moment and the dialog's id, the end of its key.
pub(crate) const PLACE_BYTES: usize = 8 + 16;

/// Entries of the list's index that are read at once.
pub(crate) const SCANNED_AT_ONCE: usize = 200;

/// Most entries that one page looks at: a filter that matches little gives a short page and a cursor, not a long wait.
pub(crate) const SCANNED_AT_MOST: usize = 2_000;

/// Text on one page, in bytes, after which it ends: dialogs differ in length by a factor of a thousand.
pub(crate) const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Which dialogs are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DialogFilter {
    /// Only of this service.
    pub service: Option<Service>,
    /// Only with this status.
    pub status: Option<StatusName>,
    /// Only those with messages that the citizen has not opened.
    pub unopened: bool,
    /// Only those whose office should have answered by now and has not.
    pub overdue: bool,
    /// Where the page begins.
    pub cursor: Option<String>,
    /// Most items; the default of `/v1/limits` when absent.
    pub limit: Option<u32>,
}

impl DialogFilter {
    fn picks(&self, listed: &Listed, now: Timestamp) -> bool {
        self.service.is_none_or(|service| service == listed.service)
            && self.status.is_none_or(|status| status == listed.status)
            && (!self.unopened || listed.unopened)
            && (!self.overdue || listed.owed.is_some_and(|due| due <= now))
    }
}

/// How many items a page holds.
pub(crate) fn page_items(limit: Option<u32>, locale: Locale) -> Result<usize, Refusal> {
    match limit.unwrap_or(Limits::V1.page_items_default) {
        limit if (1..=Limits::V1.page_items).contains(&limit) => Ok(limit as usize),
        _ => Err(Refusal::malformed(locale, "limit")),
    }
}

impl Desk {
    /// `GET /v1/me/dialogs/{dialog}`: 200 with its revision as `ETag`.
    ///
    /// # Errors
    /// `not-found`, also for dialogs of others.
    pub async fn dialog(&self, who: &Permitted<Citizen>, request: &Request, dialog: DialogId) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(Action::DialogRead, &who, &asked);
            trail.dialog(dialog);
            let ended = async {
                let draft = desk.own_dialog(&who, dialog, &mut trail).await?;
                let dialog = draft.record.shown(desk.now(), asked.locale);
                Ok(Ended::answered(Reply { etag: Some(dialog.revision), ..Reply::json(200, &dialog)? }))
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    /// `GET /v1/me/dialogs`: 200 with a page, newest `updated` first. A page may be short, even empty, and yet have a
    /// next one.
    ///
    /// # Errors
    /// `malformed` for a cursor that is not one of this list's, or a limit out of bounds.
    pub async fn dialogs(&self, who: &Permitted<Citizen>, request: &Request, filter: DialogFilter) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let trail = desk.trail(Action::DialogsList, &who, &asked);
            let ended = async {
                let citizen = desk.shelf.secret.citizen(&who.target().national_identity_number);
                let page = desk.page_of_dialogs(citizen, &filter, asked.locale).await?;
                Ok(Ended::answered(Reply::json(200, &page)?))
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn page_of_dialogs(
        &self,
        citizen: CitizenId,
        filter: &DialogFilter,
        locale: Locale,
    ) -> Result<Page<Dialog>, Refusal> {
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        let wanted = page_items(filter.limit, locale)?;
        let secret = &self.shelf.secret;
        let prefix = keys::listed_of(citizen);
        let mut from = prefix.clone();
        if let Some(text) = &filter.cursor {
            let place = cursor::open::<PLACE_BYTES>(secret, Kind::Dialogs, citizen.bytes(), text);
            let place = place.ok_or_else(|| Refusal::malformed(locale, "cursor"))?;
            from = after(&[&prefix, &place]);
        }
        let (mut items, mut scanned, mut bytes, now) = (Vec::new(), 0, 0, self.now());
        let next = 'page: loop {
            let range = Range { from, ..keys::all(prefix.clone(), SCANNED_AT_ONCE) };
            let entries = self.shelf.store.scan(range).await.map_err(of_store)?;
            let last = entries.last().map(|entry| entry.key.clone()).filter(|_| entries.len() == SCANNED_AT_ONCE);
            for entry in entries {
                scanned += 1;
                let listed = record::decode("a list's entry", &entry.versioned.value).map_err(of_store)?;
                if filter.picks(&listed, now) {
                    if items.len() == wanted || bytes >= PAGE_BYTES {
                        // One more is there: the page ends before it.
                        break 'page items.last().map(|(place, _): &(bytes::Bytes, Dialog)| place.clone());
                    }
                    let Some(id) = keys::dialog_of_listed(&entry.key) else { continue };
                    if let Some(draft) = self.shelf.dialog(id).await.map_err(of_store)? {
                        bytes += length(&draft.record.dialog);
                        items.push((entry.key.slice(prefix.len()..), draft.record.shown(now, locale)));
                    }
                }
                if scanned >= SCANNED_AT_MOST {
                    break 'page Some(entry.key.slice(prefix.len()..));
                }
            }
            match last {
                Some(key) => from = after(&[&key]),
                None => break None,
            }
        };
        Ok(Page {
            items: items.into_iter().map(|(_, dialog)| dialog).collect(),
            next: next.map(|place| cursor::seal(secret, Kind::Dialogs, citizen.bytes(), &place)),
        })
    }

    /// `POST /v1/me/dialogs/{dialog}/seen`: 200 with the dialog; what the office wrote is marked as seen.
    ///
    /// # Errors
    /// `not-found`, `precondition-failed`.
    pub async fn seen(&self, who: &Permitted<Citizen>, request: &Request, dialog: DialogId) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(Action::DialogSeen, &who, &asked);
            trail.dialog(dialog);
            let ended = desk.mark_seen(&who, &asked, dialog, &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn mark_seen(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        id: DialogId,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        let citizen = self.shelf.secret.citizen(&who.target().national_identity_number);
        let keyed = self.keyed(citizen, request, &request.body_sha256)?;
        for attempt in 0..TRIES {
            let over = match self.before(&keyed, locale).await? {
                Before::Nothing(over) => over,
                Before::Ended(ended) => return Ok(ended),
            };
            let mut draft = self.own_dialog(who, id, trail).await?;
            super::sending::matches(&draft, request)?;
            if attempt == 0 {
                self.record_intent(trail).await?;
            }
            let (mut step, now) = (Step::default(), self.now());
            let opened = draft.seen(now);
            let record = step.dialog(draft, now).map_err(of_store)?;
            self.owe_marks(&mut step, &record, self.acting(who), request, &opened).map_err(of_store)?;
            let reply = Reply { etag: Some(record.dialog.revision), ..Reply::json(200, &record.for_citizen(locale))? };
            self.reply_stands(&mut step, over, &keyed, &reply).map_err(of_store)?;
            if let Some(ended) = self.finish(step, trail, reply).await? {
                return Ok(ended);
            }
        }
        Err(Refusal::unavailable(locale))
    }
}

/// The text of a dialog, in bytes.
pub(crate) fn length(dialog: &Dialog) -> usize {
    let written = dialog.messages.iter().map(|message| message.text.len()).sum::<usize>();
    let comment = |finding: &Observation| finding.comment.as_ref().map_or(0, String::len);
    let found = dialog.results.iter().map(|finding| finding.name.len() + finding.value.len() + comment(finding));
    written + found.sum::<usize>()
}

/// The first key after the one made of these parts.
pub(crate) fn after(parts: &[&[u8]]) -> bytes::Bytes {
    let mut key = BytesMut::new();
    for part in parts {
        key.put_slice(part);
    }
    key.put_u8(0);
    key.freeze()
}
