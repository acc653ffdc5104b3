//! The citizen's inbox in numbers: counted from indexes, of all offices and all providers, without a look at any dialog and
//! without asking anybody.

use std::collections::BTreeMap;

use dialog_contract::{
    action::Action,
    dialog::StatusName,
    inbox::{Inbox, InboxService},
    service::Service,
};

use super::{
    Desk, Outcome,
    reading::{SCANNED_AT_MOST, SCANNED_AT_ONCE, after},
};
use crate::{
    answer::{Ended, Refusal, Reply},
    identity::CitizenId,
    keys,
    permit::{Citizen, Permitted},
    ports::store::{Range, StoreError},
    record::{self, Listed},
    request::Request,
};

impl Desk {
    /// `GET /v1/me/inbox`: 200 with how much there is. Of a citizen with very much, the newest are counted, and the reply
    /// says so.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn inbox(&self, who: &Permitted<Citizen>, request: &Request) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let trail = desk.trail(Action::InboxRead, &who, &asked);
            let citizen = desk.shelf.secret.citizen(&who.target().national_identity_number);
            let ended = async {
                let counted = desk.counted(citizen).await.map_err(|error| Refusal::of_store(&error, asked.locale))?;
                Ok(Ended::answered(Reply::json(200, &counted)?))
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn counted(&self, citizen: CitizenId) -> Result<Inbox, StoreError> {
        let now = self.now();
        let mut services: BTreeMap<Service, InboxService> = BTreeMap::new();
        let prefix = keys::listed_of(citizen);
        let (mut from, mut scanned, mut complete) = (prefix.clone(), 0, false);
        while scanned < SCANNED_AT_MOST {
            let range = Range { from, ..keys::all(prefix.clone(), SCANNED_AT_ONCE) };
            let entries = self.shelf.store.scan(range).await?;
            for entry in &entries {
                let listed: Listed = record::decode("a list's entry", &entry.versioned.value)?;
                let of_service = services.entry(listed.service).or_insert(InboxService {
                    service: listed.service,
                    dialogs: 0,
                    unread: 0,
                    awaiting_citizen: 0,
                    overdue: 0,
                });
                of_service.dialogs += 1;
                of_service.unread += u32::from(listed.unopened);
                of_service.awaiting_citizen += u32::from(listed.status == StatusName::AwaitingCitizen);
                of_service.overdue += u32::from(listed.owed.is_some_and(|due| due <= now));
            }
            scanned += entries.len();
            match entries.last().filter(|_| entries.len() == SCANNED_AT_ONCE) {
                Some(last) => from = after(&[&last.key]),
                None => {
                    complete = true;
                    break;
                }
            }
        }
        let (coming, all) = self.coming(citizen).await?;
        let sum = |of: fn(&InboxService) -> u32| services.values().map(of).sum();
        Ok(Inbox {
            unread: sum(|of| of.unread),
            unread_results: services.get(&Service::TestResults).map_or(0, |of| of.unread),
            awaiting_citizen: sum(|of| of.awaiting_citizen),
            overdue: sum(|of| of.overdue),
            coming_appointments: coming,
            complete: complete && all,
            services: services.into_values().collect(),
        })
    }

    /// Appointments to come of which the gateway has heard, and whether all were looked at.
    async fn coming(&self, citizen: CitizenId) -> Result<(u32, bool), StoreError> {
        let (known, all) = self.known_appointments(citizen).await?;
        let now = self.now();
        let coming = known.iter().filter(|stored| !stored.cancelled && stored.appointment.end > now);
        Ok((u32::try_from(coming.count()).unwrap_or(u32::MAX), all))
    }
}
