//! What the portal is told: a feed that it reads with a cursor, and a stream for each citizen who is looking.

use std::{collections::VecDeque, pin::Pin, sync::Arc, time::Duration};

use dialog_contract::{action::Action, event::Event, ids::EventId, page::Page};
use futures_util::{Stream, stream};
use tokio::sync::broadcast::{self, error::RecvError};
use uuid::Uuid;

use super::{Desk, Outcome, reading::page_items};
use crate::{
    answer::{Ended, Refusal, Refused, Reply},
    cursor::{self, Kind},
    identity::CitizenId,
    keys,
    permit::{Citizen, Permitted, Portal},
    ports::{
        evidence::Receipt,
        store::{Range, StoreError},
    },
    record::{self, StoredEvent},
    request::Request,
    sequence::{Place, Told},
    shelf::Shelf,
};

/// Events that a stream reads from the store at once.
const READ_AT_ONCE: usize = 200;

/// The events of a citizen, as they happen.
pub struct Follow {
    /// Ends when the token that it was granted for expires, or the store fails; resumes with the last event's id.
    pub events: Pin<Box<dyn Stream<Item = FollowedEvent> + Send>>,
    /// Where the audit record stands.
    pub receipt: Receipt,
}

/// An event of a stream; its id is the `id:` line.
pub type FollowedEvent = Event;

impl std::fmt::Debug for Follow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follow").field("receipt", &self.receipt).finish_non_exhaustive()
    }
}

impl Desk {
    /// `GET /v1/events`: 200 with a page of all citizens' events, oldest first. `next` is always there, also on an
    /// empty page: the follower goes on from it.
    ///
    /// # Errors
    /// `malformed` for a cursor that is not one of the feed's, or a limit out of bounds.
    pub async fn feed(
        &self,
        who: &Permitted<Portal>,
        request: &Request,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let trail = desk.trail_of_portal(Action::EventsRead, &who, &asked);
            let ended = async {
                let page = desk.page_of_feed(cursor.as_deref(), limit, &asked).await?;
                Ok(Ended::answered(Reply::json(200, &page)?))
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn page_of_feed(
        &self,
        cursor: Option<&str>,
        limit: Option<u32>,
        request: &Request,
    ) -> Result<Page<Event>, Refusal> {
        let locale = request.locale;
        let wanted = page_items(limit, locale)?;
        let secret = &self.shelf.secret;
        let place = match cursor {
            Some(text) => {
                cursor::open::<16>(secret, Kind::Feed, b"", text).ok_or_else(|| Refusal::malformed(locale, "cursor"))?
            }
            None => [0; 16],
        };
        let after = EventId::from(Uuid::from_bytes(place));
        let read = read_after(&self.shelf, keys::events(), keys::event(after), keys::event, wanted).await;
        let items = read.map_err(|error| Refusal::of_store(&error, locale))?;
        let last = items.last().map_or(place, |event| *event.id.uuid().as_bytes());
        Ok(Page { items, next: Some(cursor::seal(secret, Kind::Feed, b"", &last)) })
    }

    /// `GET /v1/me/events`: the citizen's events after the one named by `last_event_id`, from now on where there is
    /// none.
    ///
    /// # Errors
    /// `malformed` where `Last-Event-ID` is not the id of an event.
    pub async fn follow(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        last_event_id: Option<&str>,
    ) -> Result<Follow, Refused> {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        let last = last_event_id.map(str::to_owned);
        self.run(request, async move {
            let trail = desk.trail(Action::EventsFollow, &who, &asked);
            let live = desk.shelf.sequence.follow();
            let after = match last.as_deref() {
                Some(text) => text.parse::<EventId>().ok().filter(|id| Place::of(*id).is_some()),
                None => Some(desk.shelf.sequence.horizon().least()),
            };
            let ended = match after {
                Some(_) => Ok(Ended::answered(Reply { status: 200, body: "".into(), etag: None, location: None })),
                None => Err(Refusal::malformed(asked.locale, "Last-Event-ID")),
            };
            let answer = desk.conclude(trail, ended).await?;
            let after = after.unwrap_or_else(|| desk.shelf.sequence.horizon().least());
            let left = who.verified().expires.duration_since(desk.now());
            let left = Duration::try_from(left).unwrap_or(Duration::ZERO);
            let following = Following {
                citizen: desk.shelf.secret.citizen(&who.target().national_identity_number),
                shelf: desk.shelf.clone(),
                after,
                live,
                waiting: VecDeque::new(),
                behind: last.is_some(),
                ends: tokio::time::Instant::now() + left,
            };
            Ok(Follow { events: Box::pin(stream::unfold(following, Following::next)), receipt: answer.receipt })
        })
        .await
    }
}

/// Events after `from` under `prefix`, up to the horizon.
async fn read_after(
    shelf: &Shelf,
    prefix: bytes::Bytes,
    from: bytes::Bytes,
    key: impl Fn(EventId) -> bytes::Bytes,
    limit: usize,
) -> Result<Vec<Event>, StoreError> {
    let until = key(shelf.sequence.horizon().least());
    let from = super::reading::after(&[&from]).max(prefix);
    if until <= from {
        return Ok(Vec::new());
    }
    let entries = shelf.store.scan(Range { from, until: Some(until), limit, reverse: false }).await?;
    let stored = entries.iter().map(|entry| record::decode::<StoredEvent>("an event", &entry.versioned.value));
    stored.map(|stored| stored.map(|stored| stored.event)).collect()
}

/// A follower: reads the store until it has caught up, then listens; whoever falls behind reads again.
struct Following {
    citizen: CitizenId,
    shelf: Shelf,
    after: EventId,
    live: broadcast::Receiver<Arc<Told>>,
    waiting: VecDeque<Event>,
    behind: bool,
    ends: tokio::time::Instant,
}

impl Following {
    async fn next(mut self) -> Option<(Event, Self)> {
        loop {
            if tokio::time::Instant::now() >= self.ends {
                return None;
            }
            if let Some(event) = self.waiting.pop_front() {
                self.after = event.id;
                return Some((event, self));
            }
            if self.behind {
                let citizen = self.citizen;
                let from = keys::event_of(citizen, self.after);
                let key = |id| keys::event_of(citizen, id);
                let read = read_after(&self.shelf, keys::events_of(citizen), from, key, READ_AT_ONCE).await;
                let read = read.inspect_err(|error| tracing::error!(%error, "a stream of events ends")).ok()?;
                self.behind = read.len() == READ_AT_ONCE;
                self.waiting.extend(read);
                continue;
            }
            match tokio::time::timeout_at(self.ends, self.live.recv()).await {
                Ok(Ok(told)) if told.citizen == self.citizen && told.event.id > self.after => {
                    self.after = told.event.id;
                    return Some((told.event.clone(), self));
                }
                Ok(Ok(_)) => {}
                Ok(Err(RecvError::Lagged(_))) => self.behind = true,
                Ok(Err(RecvError::Closed)) | Err(_) => return None,
            }
        }
    }
}
