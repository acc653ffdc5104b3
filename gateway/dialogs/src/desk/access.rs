//! What the audit log holds about the caller: who read or changed what is theirs, and the proof of each.

use dialog_contract::{
    access_log::{AccessKind, AccessLogEntry, AccessLogPage},
    action::Action,
    audit::Record,
    ids::{HerId, PluginId},
};
use jiff::Timestamp;

use super::{Desk, Outcome, reading::page_items};
use crate::{
    access,
    answer::{Ended, Refusal, Reply},
    cursor::{self, Kind},
    permit::{Citizen, Permitted, Portal},
    ports::trails::{Placed, TrailsError},
    request::Request,
    texts,
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
}

/// Which plugin a record is about.
fn plugin_of(record: &Record) -> Option<&str> {
    let called = record.call.as_ref().map(|call| call.plugin.as_str());
    called
        .or((record.actor.role == dialog_contract::audit::ActorRole::Provider).then_some(record.actor.client.as_str()))
}

impl Desk {
    /// `GET /v1/me/receipts/{index}`: 200 with the proof of a record that is the citizen's own: about them, or of what
    /// they did for another.
    ///
    /// # Errors
    /// `not-found`, alike for records of others and for none; `unavailable` where it is not published yet.
    pub async fn receipt(&self, who: &Permitted<Citizen>, request: &Request, index: u64) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let trail = desk.trail(Action::ReceiptRead, &who, &asked);
            let Citizen { national_identity_number, representative } = who.target();
            let citizen = desk.evidence.pseudonym(national_identity_number);
            let acting =
                representative.as_ref().map(|acting| desk.evidence.pseudonym(&acting.national_identity_number));
            let own = |record: &Record| {
                access::concerns(record, &citizen)
                    || acting.as_ref().is_some_and(|acting| access::concerns(record, acting))
            };
            let ended = desk.proven(index, own, &asked).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    /// The same for the portal: of what it did in its own name.
    ///
    /// # Errors
    /// As [`Self::receipt`].
    pub async fn receipt_of_portal(&self, who: &Permitted<Portal>, request: &Request, index: u64) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let trail = desk.trail_of_portal(Action::ReceiptRead, &who, &asked);
            let client = &who.verified().client;
            let own = |record: &Record| {
                record.citizen.is_none() && record.actor.person.is_none() && record.actor.client == *client
            };
            let ended = desk.proven(index, own, &asked).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn proven(&self, index: u64, own: impl Fn(&Record) -> bool, asked: &Request) -> Result<Ended, Refusal> {
        let of_trails = |error: TrailsError| refusal(&error, asked);
        // The proof is made before it is known whose it is, so that it takes the same time.
        let proof = self.trails.proof(index).await.map_err(of_trails)?;
        let record = self.trails.record(index).await.map_err(of_trails)?;
        match (proof, record) {
            (Some(proof), Some(record)) if own(&record) => {
                Ok(Ended::answered(Reply { status: 200, body: proof.into(), etag: None, location: None }))
            }
            _ => Err(Refusal::not_found(asked.locale)),
        }
    }

    /// `GET /v1/me/access-log`: 200 with a page, the newest first. A page may be short, even empty, and yet have a next
    /// one. Who acts for another reads what is that other's.
    ///
    /// # Errors
    /// `malformed` for a cursor that is not one of this list's, or a limit out of bounds; `unavailable` while the log
    /// is being made ready.
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
        let of_trails = |error: TrailsError| refusal(&error, asked);
        let locale = asked.locale;
        let wanted = page_items(filter.limit, locale)?;
        let secret = &self.shelf.secret;
        let mut before = match &filter.cursor {
            None => None,
            Some(text) => {
                let place = cursor::open::<8>(secret, Kind::AccessLog, person.as_bytes(), text);
                Some(u64::from_be_bytes(place.ok_or_else(|| Refusal::malformed(locale, "cursor"))?))
            }
        };
        let (mut items, mut looked_at) = (Vec::new(), 0);
        let ended = 'page: loop {
            let found = self.trails.of_person(person, before, FETCHED).await.map_err(of_trails)?;
            let is_last = found.len() < FETCHED;
            for placed in found {
                if items.len() == wanted || looked_at == LOOKED_AT {
                    break 'page false;
                }
                looked_at += 1;
                before = Some(placed.index);
                if filter.from.is_some_and(|from| placed.record.time < from) {
                    break 'page true;
                }
                if filter.picks(&placed.record)
                    && let Some(entry) = self.entry(&placed, person, filter.what, asked).await?
                {
                    items.push(entry);
                }
            }
            if is_last {
                break true;
            }
        };
        let next = before.filter(|_| !ended);
        let next = next.map(|index| cursor::seal(secret, Kind::AccessLog, person.as_bytes(), &index.to_be_bytes()));
        Ok(AccessLogPage { items, next, note: access::note(locale).to_owned() })
    }

    /// What is told of one record; nothing where it is no end, or tells of what did not come to be.
    async fn entry(
        &self,
        Placed { index, record }: &Placed,
        person: &str,
        what: Option<AccessKind>,
        asked: &Request,
    ) -> Result<Option<AccessLogEntry>, Refusal> {
        let Some(told) = access::told(record, person, asked.locale) else { return Ok(None) };
        if what.is_some_and(|what| told.what != what) {
            return Ok(None);
        }
        if let Some(request) = record.request {
            let later = self.trails.of_request(request, *index).await.map_err(|error| refusal(&error, asked))?;
            if later.iter().any(|later| access::supersedes(&later.record) == Some(*index)) {
                return Ok(None);
            }
        }
        let unavailable = |error| {
            tracing::error!(%error, "the directory");
            Refusal::unavailable(asked.locale)
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
        Ok(Some(AccessLogEntry { time: record.time, who, what, outcome, text, office, through, receipt: *index }))
    }
}

fn refusal(error: &TrailsError, asked: &Request) -> Refusal {
    let unavailable = Refusal::unavailable(asked.locale);
    match error {
        TrailsError::NotYet(why) => {
            tracing::info!(why, "the audit log is not ready to be read");
            Refusal { detail: texts::log_not_ready(asked.locale).into(), ..unavailable }
        }
        TrailsError::Unreadable(why) => {
            tracing::error!(why, "the audit log cannot be read");
            unavailable
        }
    }
}
