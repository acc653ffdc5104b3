//! Searching the citizen's own dialogs, whoever provides them. A search reads the dialogs themselves, newest first: a page
//! looks into so many of them and no more, and says where the next one goes on. The words stay in the request's body: they
//! stand in no address, log, cursor or record.

use dialog_contract::{action::Action, dialog::Dialog, inbox::DialogSearch, page::Page, service::Locale};

use super::{
    Desk, Outcome,
    reading::{PAGE_BYTES, PLACE_BYTES, SCANNED_AT_MOST, SCANNED_AT_ONCE, after, length, page_items},
    validation::Errors,
};
use crate::{
    answer::{Ended, Refusal, Reply},
    cursor::{self, Kind},
    folding::fold,
    identity::CitizenId,
    keys,
    permit::{Citizen, Permitted},
    ports::store::{Range, StoreError},
    record::{self, Listed},
    request::Request,
    texts,
};

/// Dialogs that one page looks into: some hundred milliseconds where all are as large as dialogs get.
const LOOKED_INTO: usize = 200;

impl Desk {
    /// `POST /v1/me/dialogs/search`: 200 with a page, newest `updated` first. A page may be short, even empty, and yet have
    /// a next one. It changes nothing and needs no idempotency key.
    ///
    /// # Errors
    /// `invalid` where `until` is not after `from`; `malformed` for a cursor that is not one of a search of this citizen's,
    /// or a limit out of bounds.
    pub async fn search(&self, who: &Permitted<Citizen>, request: &Request, search: DialogSearch) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(Action::DialogsSearch, &who, &asked);
            trail.conceal_request();
            let ended = async {
                let citizen = desk.shelf.secret.citizen(&who.target().national_identity_number);
                let page = desk.found(citizen, &search, asked.locale).await?;
                Ok(Ended::answered(Reply::json(200, &page)?))
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn found(&self, citizen: CitizenId, search: &DialogSearch, locale: Locale) -> Result<Page<Dialog>, Refusal> {
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        let wanted = page_items(search.limit, locale)?;
        if let (Some(from), Some(until)) = (search.from, search.until)
            && until <= from
        {
            let mut errors = Errors::new(locale);
            errors.add("/until", texts::ends_before_it_starts(locale));
            errors.into_result()?;
        }
        let (secret, now) = (&self.shelf.secret, self.now());
        let prefix = keys::listed_of(citizen);
        let mut from = match &search.cursor {
            Some(text) => {
                let place = cursor::open::<PLACE_BYTES>(secret, Kind::Search, citizen.bytes(), text);
                after(&[&prefix, &place.ok_or_else(|| Refusal::malformed(locale, "cursor"))?])
            }
            None => prefix.clone(),
        };
        if let Some(until) = search.until {
            // The newest come first: what is newer than that need not be looked at.
            from = from.max(keys::listed_before(citizen, until));
        }
        let words = search.text.as_deref().map(fold).unwrap_or_default();
        let words: Vec<&str> = words.split_whitespace().collect();
        let (mut items, mut scanned, mut looked, mut bytes) = (Vec::new(), 0, 0, 0);
        let next = 'page: loop {
            let range = Range { from, ..keys::all(prefix.clone(), SCANNED_AT_ONCE) };
            let entries = self.shelf.store.scan(range).await.map_err(of_store)?;
            let last = entries.last().map(|entry| entry.key.clone()).filter(|_| entries.len() == SCANNED_AT_ONCE);
            for entry in entries {
                let Some(updated) = keys::updated_of_listed(&entry.key) else { continue };
                if search.from.is_some_and(|from| updated < from) {
                    break 'page None;
                }
                let place = entry.key.slice(prefix.len()..);
                scanned += 1;
                let listed: Listed = record::decode("a list's entry", &entry.versioned.value).map_err(of_store)?;
                let in_time = search.until.is_none_or(|until| updated < until);
                if in_time
                    && narrows(&search.services, &listed.service)
                    && narrows(&search.statuses, &listed.status)
                    && let Some(id) = keys::dialog_of_listed(&entry.key)
                    && let Some(draft) = self.shelf.dialog(id).await.map_err(of_store)?
                {
                    looked += 1;
                    let provider = narrows(&search.providers, &draft.record.plugin);
                    let shown = draft.record.shown(now, locale);
                    if provider && says(&shown, &words) {
                        bytes += length(&shown);
                        items.push(shown);
                    }
                }
                if items.len() == wanted || bytes >= PAGE_BYTES || looked >= LOOKED_INTO || scanned >= SCANNED_AT_MOST {
                    break 'page Some(place);
                }
            }
            match last {
                Some(key) => from = after(&[&key]),
                None => break None,
            }
        };
        Ok(Page { items, next: next.map(|place| cursor::seal(secret, Kind::Search, citizen.bytes(), &place)) })
    }
}

/// Whether one of these is meant; nothing means all.
fn narrows<T: PartialEq>(wanted: &[T], one: &T) -> bool {
    wanted.is_empty() || wanted.contains(one)
}

/// Whether each of the words, folded, occurs in a subject, a message or a finding of the dialog.
fn says(dialog: &Dialog, words: &[&str]) -> bool {
    if words.is_empty() {
        return true;
    }
    let written = dialog.messages.iter().flat_map(|message| [message.subject.as_deref(), Some(message.text.as_str())]);
    let found = dialog
        .results
        .iter()
        .flat_map(|finding| [Some(finding.name.as_str()), Some(finding.value.as_str()), finding.comment.as_deref()]);
    let mut missing = words.to_vec();
    for text in std::iter::once(dialog.subject.as_deref()).chain(written).chain(found).flatten() {
        let folded = fold(text);
        missing.retain(|word| !folded.contains(word));
        if missing.is_empty() {
            return true;
        }
    }
    false
}
