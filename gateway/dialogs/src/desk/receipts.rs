//! The proof of a record of the caller's own, in the present audit log or in one that it continues.

use dialog_contract::{action::Action, audit::Record};

use super::{Desk, Outcome};
use crate::{
    access,
    answer::{Ended, Refusal, Reply},
    permit::{Citizen, Permitted, Portal},
    ports::trails::TrailsError,
    request::Request,
    texts,
};

/// Which record is to be proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPlace {
    /// In which log, by its origin; the present one where nothing is said.
    pub origin: Option<String>,
    /// Index in that log.
    pub index: u64,
}

impl Desk {
    /// `GET /v1/me/receipts/{index}`: 200 with the proof of a record that is the citizen's own: about them, or of what
    /// they did for another.
    ///
    /// # Errors
    /// `not-found`, alike for records of others and for none, and for a log that is neither the present one nor one
    /// before it; `unavailable` where it is not published yet, or the log cannot be read.
    pub async fn receipt(&self, who: &Permitted<Citizen>, request: &Request, of: RecordPlace) -> Outcome {
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
            let ended = desk.proven(of, own, &asked).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    /// The same for the portal: of what it did in its own name.
    ///
    /// # Errors
    /// As [`Self::receipt`].
    pub async fn receipt_of_portal(&self, who: &Permitted<Portal>, request: &Request, of: RecordPlace) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let trail = desk.trail_of_portal(Action::ReceiptRead, &who, &asked);
            let client = &who.verified().client;
            let own = |record: &Record| {
                record.citizen.is_none() && record.actor.person.is_none() && record.actor.client == *client
            };
            let ended = desk.proven(of, own, &asked).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn proven(
        &self,
        RecordPlace { origin, index }: RecordPlace,
        own: impl Fn(&Record) -> bool,
        asked: &Request,
    ) -> Result<Ended, Refusal> {
        let present = self.trails.origins().into_iter().next().unwrap_or_default();
        let origin = origin.unwrap_or_else(|| present.clone());
        let of_trails = |error: TrailsError| match error {
            // Whether and when it will be here again, nobody knows.
            TrailsError::Unreadable(why) if origin != present => {
                tracing::info!(origin, why, "a proof is asked for of an earlier log");
                let detail = texts::log_elsewhere(asked.locale).into();
                Refusal { detail, retry_after: None, ..Refusal::unavailable(asked.locale) }
            }
            error => unreadable(&error, asked),
        };
        // The proof is made before it is known whose it is, so that it takes the same time.
        let proof = self.trails.proof(&origin, index).await.map_err(of_trails)?;
        let record = self.trails.record(&origin, index).await.map_err(of_trails)?;
        match (proof, record) {
            (Some(proof), Some(record)) if own(&record) => {
                Ok(Ended::answered(Reply { status: 200, body: proof.into(), etag: None, location: None }))
            }
            _ => Err(Refusal::not_found(asked.locale)),
        }
    }
}

/// What the caller is told of a log that cannot be read.
pub(super) fn unreadable(error: &TrailsError, asked: &Request) -> Refusal {
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
        TrailsError::Unknown => {
            Refusal { detail: texts::no_such_log(asked.locale).into(), ..Refusal::not_found(asked.locale) }
        }
    }
}
