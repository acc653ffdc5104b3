//! Who read or changed what is the caller's, as the audit log has it, and the logs that it continues.
//!
//! One list goes through all of them, the newest first: behind the first record of a log comes the last of the log before
//! it. A log that is still being made ready ends the page, and the next page waits for it. One that cannot be read is
//! named on the page that passes it, and what is older is told all the same.
//!
//! Each entry is one record with one receipt, also where many say the same: a screen that loses its connection follows the
//! events anew, and each time is an entry. Folding them here would take their receipts away, change with the size of the
//! page, and seldom happen, as what the screen reads beside stands between them. Recording them once an hour, as readings
//! of the log are, would leave replies without a record of their own, which `Audit-Receipt` promises, and what was caught
//! up on with `Last-Event-ID` told by none. Whoever shows the list has all of it, and can fold on the screen.

use dialog_contract::{
    access_log::{AccessKind, AccessLogEntry, AccessLogPage, MissingLog},
    action::Action,
    audit::{ActorRole, Record},
    ids::{HerId, PluginId},
};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{Desk, Outcome, reading::page_items, receipts::unreadable};
use crate::{
    access,
    answer::{Ended, Refusal, Reply},
    cursor::{self, Kind},
    identity::Secret,
    permit::{Citizen, Permitted},
    ports::trails::{Beginning, Placed, TrailsError},
    request::Request,
};

/// Records that are fetched at once.
const FETCHED: usize = 100;

/// Records that one page looks at, however few of them it may show: what bounds the work of a narrow filter.
const LOOKED_AT: usize = 1_000;

/// Which entries are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessFilter {
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Readings or changes only.
    pub what: Option<AccessKind>,
    /// Through this provider only.
    pub through: Option<PluginId>,
    /// About this office only.
    pub office: Option<HerId>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Most entries on the page.
    pub limit: Option<u32>,
}

impl AccessFilter {
    fn picks(&self, record: &Record) -> bool {
        self.from.is_none_or(|from| record.time >= from)
            && self.to.is_none_or(|to| record.time < to)
            && self.office.is_none_or(|office| record.office == Some(office))
            && self.through.as_ref().is_none_or(|plugin| plugin_of(record) == Some(plugin.as_str()))
    }

    /// Whether nothing is asked for of what came before a log that began then.
    fn begins_after(&self, begun: Option<Timestamp>) -> bool {
        self.from.is_some_and(|from| begun.is_some_and(|begun| begun <= from))
    }
}

/// Which plugin a record is about.
fn plugin_of(record: &Record) -> Option<&str> {
    let called = record.call.as_ref().map(|call| call.plugin.as_str());
    called.or((record.actor.role == ActorRole::Provider).then_some(record.actor.client.as_str()))
}

/// A place in the list: what comes before `before` in a log, or all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct At {
    origin: String,
    before: Option<u64>,
}

impl At {
    /// The logs by the beginnings of their names' hashes: names have no bound, and numbers change with each new log.
    fn tag(origin: &str) -> [u8; 8] {
        let mut tag = [0; 8];
        tag.copy_from_slice(&Sha256::digest(origin.as_bytes())[..8]);
        tag
    }

    fn seal(&self, secret: &Secret, person: &str) -> String {
        let place = [Self::tag(&self.origin), self.before.unwrap_or(u64::MAX).to_be_bytes()].concat();
        cursor::seal(secret, Kind::AccessLog, person.as_bytes(), &place)
    }

    /// The place of a cursor in one of these logs.
    fn open(secret: &Secret, person: &str, text: &str, origins: &[String]) -> Option<Self> {
        let place = cursor::open::<16>(secret, Kind::AccessLog, person.as_bytes(), text)?;
        let (tag, before) = place.split_first_chunk::<8>()?;
        let origin = origins.iter().find(|origin| Self::tag(origin) == *tag)?.clone();
        let before = before.first_chunk().map(|before| u64::from_be_bytes(*before))?;
        Some(Self { origin, before: Some(before).filter(|before| *before != u64::MAX) })
    }
}

/// A page in the making.
struct Page<'a> {
    person: &'a str,
    filter: &'a AccessFilter,
    asked: &'a Request,
    wanted: usize,
    items: Vec<AccessLogEntry>,
    missing: Vec<MissingLog>,
    looked_at: usize,
    at: At,
}

/// How far a log was read.
enum Read {
    /// The page is full, or has looked at enough.
    Full,
    /// To where nothing is asked for any more.
    Enough,
    /// To its beginning.
    Whole,
}

/// Why it was not read further.
enum Stopped {
    Trails(TrailsError),
    Refused(Refusal),
}

impl From<TrailsError> for Stopped {
    fn from(error: TrailsError) -> Self {
        Self::Trails(error)
    }
}

impl Desk {
    /// `GET /v1/me/access-log`: 200 with a page, the newest first. A page may be short, even empty, and yet have a next
    /// one. Who acts for another reads what is that other's.
    ///
    /// # Errors
    /// `malformed` for a cursor that is not one of this list's, or a limit out of bounds; `unavailable` while the log
    /// in which the page begins is being made ready.
    pub async fn access_log(&self, who: &Permitted<Citizen>, request: &Request, filter: AccessFilter) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let trail = desk.trail(Action::AccessLogRead, &who, &asked);
            let person = desk.evidence.pseudonym(&who.target().national_identity_number);
            let ended = async {
                let page = desk.page_of_access(&person, &filter, &asked).await?;
                Ok(Ended::answered(Reply::json(200, &page)?))
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn page_of_access(
        &self,
        person: &str,
        filter: &AccessFilter,
        asked: &Request,
    ) -> Result<AccessLogPage, Refusal> {
        let (locale, secret) = (asked.locale, &self.shelf.secret);
        let wanted = page_items(filter.limit, locale)?;
        let origins = self.trails.origins();
        let present = origins.first().map(String::as_str).unwrap_or_default();
        let at = match &filter.cursor {
            None => At { origin: present.to_owned(), before: None },
            Some(text) => {
                At::open(secret, person, text, &origins).ok_or_else(|| Refusal::malformed(locale, "cursor"))?
            }
        };
        let begun = at.clone();
        let (items, missing) = (Vec::new(), Vec::new());
        let mut page = Page { person, filter, asked, wanted, items, missing, looked_at: 0, at };
        let goes_on = loop {
            match self.read_on(&mut page).await {
                Ok(Read::Full) => break true,
                Ok(Read::Enough) => break false,
                Ok(Read::Whole) => {}
                Err(Stopped::Refused(refusal)) => return Err(refusal),
                Err(Stopped::Trails(TrailsError::NotYet(_))) if page.at != begun => break true,
                Err(Stopped::Trails(error @ TrailsError::Unreadable(_))) if page.at.origin != present => {
                    tracing::info!(origin = page.at.origin, %error, "an access log goes on behind an earlier log");
                    page.misses();
                }
                Err(Stopped::Trails(error)) => return Err(unreadable(&error, asked)),
            }
            let Beginning { time, continues } = match self.trails.beginning(&page.at.origin).await {
                Ok(beginning) => beginning,
                // Nor is it known what came before it.
                Err(TrailsError::Unreadable(_)) if page.at.origin != present => {
                    page.misses();
                    break false;
                }
                Err(error) => return Err(unreadable(&error, asked)),
            };
            match continues {
                Some(origin) if !filter.begins_after(time) => page.at = At { origin, before: None },
                _ => break false,
            }
            // Its name is all that there is of it.
            if !origins.contains(&page.at.origin) {
                page.misses();
                break false;
            }
        };
        let next = goes_on.then(|| page.at.seal(secret, person));
        Ok(AccessLogPage { items: page.items, next, missing: page.missing, note: access::note(locale).to_owned() })
    }

    /// Reads the log in which the page is, as far as it goes.
    async fn read_on(&self, page: &mut Page<'_>) -> Result<Read, Stopped> {
        loop {
            let At { origin, before } = page.at.clone();
            let found = self.trails.of_person(&origin, page.person, before, FETCHED).await?;
            let is_last = found.len() < FETCHED;
            for placed in found {
                if page.items.len() == page.wanted || page.looked_at == LOOKED_AT {
                    return Ok(Read::Full);
                }
                if page.filter.from.is_some_and(|from| placed.record.time < from) {
                    return Ok(Read::Enough);
                }
                if page.filter.picks(&placed.record)
                    && let Some(entry) = self.entry(&origin, &placed, page).await?
                {
                    page.items.push(entry);
                }
                page.looked_at += 1;
                page.at.before = Some(placed.index);
            }
            if is_last {
                return Ok(Read::Whole);
            }
        }
    }

    /// What is told of one record; nothing where it is no end, or tells of what did not come to be.
    async fn entry(
        &self,
        origin: &str,
        Placed { index, record }: &Placed,
        Page { person, filter, asked, .. }: &Page<'_>,
    ) -> Result<Option<AccessLogEntry>, Stopped> {
        let Some(told) = access::told(record, person, asked.locale) else { return Ok(None) };
        if filter.what.is_some_and(|what| told.what != what) {
            return Ok(None);
        }
        if let Some(request) = record.request {
            let later = self.trails.of_request(origin, request, *index).await?;
            if later.iter().any(|later| access::supersedes(&later.record) == Some(*index)) {
                return Ok(None);
            }
        }
        let unavailable = |error| {
            tracing::error!(%error, "the directory");
            Stopped::Refused(Refusal::unavailable(asked.locale))
        };
        let office = match record.office {
            Some(office) => self.directory.office(office).await.map_err(unavailable)?.map(|office| office.name),
            None => None,
        };
        let through = match plugin_of(record).and_then(|plugin| plugin.parse().ok()) {
            Some(plugin) => self.directory.provider(&plugin).await.map_err(unavailable)?.map(|provider| provider.name),
            None => None,
        };
        let access::Told { who, what, outcome, text } = told;
        let (time, receipt, origin) = (record.time, *index, origin.to_owned());
        Ok(Some(AccessLogEntry { time, who, what, outcome, text, office, through, receipt, origin }))
    }
}

impl Page<'_> {
    /// The log in which the page is cannot be read.
    fn misses(&mut self) {
        let Self { missing, at: At { origin, .. }, asked, .. } = self;
        if missing.last().is_none_or(|last| last.origin != *origin) {
            missing.push(MissingLog { origin: origin.clone(), text: access::missing(asked.locale).to_owned() });
        }
    }
}
