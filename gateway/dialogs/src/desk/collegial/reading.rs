//! Reading an office's dialogs with colleagues: one, and the list, which says nothing of content or of patients.

use dialog_contract::{
    action::Action,
    collegial::CollegialSummary,
    dialog::StatusName,
    ids::{DialogId, HerId},
    page::Page,
};

use super::super::{
    Desk, Outcome,
    reading::{PLACE_BYTES, SCANNED_AT_MOST, SCANNED_AT_ONCE, after, page_items},
};
use crate::{
    answer::{Ended, Refusal, Reply},
    cursor::{self, Kind},
    keys,
    permit::{self, Permitted},
    ports::store::{Range, StoreError},
    record::StoredDialog,
    request::Request,
};

/// Which dialogs are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollegialFilter {
    /// Only with this status.
    pub status: Option<StatusName>,
    /// Where the page begins.
    pub cursor: Option<String>,
    /// Most items; the default of `/v1/limits` when absent.
    pub limit: Option<u32>,
}

impl Desk {
    /// `GET /v1/offices/{herId}/collegial-dialogs/{dialog}`: 200 with its revision as `ETag`. Where it is about a patient,
    /// the reading stands in their access log.
    ///
    /// # Errors
    /// `not-found` where it is not the caller's own office, or not one of its dialogs; `not-permitted`.
    pub async fn collegial_dialog(
        &self,
        who: &Permitted<permit::Clinician>,
        request: &Request,
        (office, dialog): (HerId, DialogId),
    ) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail_of_clinician(Action::CollegialRead, &who, &asked);
            trail.dialog(dialog);
            let ended = async {
                let side = desk.side(&who, office, &mut trail).await?;
                let mut record = desk.own_collegial(&side, dialog, &mut trail).await?.record;
                record.dialog.overdue = record.overdue(desk.now());
                let reply = Reply::json(200, &record.in_language(asked.locale))?;
                Ok(Ended::answered(Reply { etag: Some(record.dialog.revision), ..reply }))
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    /// `GET /v1/offices/{herId}/collegial-dialogs`: 200 with a page, the latest first.
    ///
    /// # Errors
    /// `not-found`, `not-permitted`; `malformed` for a cursor that is not one of this list's, or a limit out of bounds.
    pub async fn collegial_dialogs(
        &self,
        who: &Permitted<permit::Clinician>,
        request: &Request,
        office: HerId,
        filter: CollegialFilter,
    ) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail_of_clinician(Action::CollegialList, &who, &asked);
            let ended = async {
                let side = desk.side(&who, office, &mut trail).await?;
                let page = desk.page_of_collegial(side.office.her_id, &filter, &asked).await?;
                Ok(Ended::answered(Reply::json(200, &page)?))
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn page_of_collegial(
        &self,
        office: HerId,
        filter: &CollegialFilter,
        request: &Request,
    ) -> Result<Page<CollegialSummary>, Refusal> {
        let locale = request.locale;
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        let wanted = page_items(filter.limit, locale)?;
        let (secret, prefix, owner) = (&self.shelf.secret, keys::collegial_of(office), office.get().to_be_bytes());
        let mut from = prefix.clone();
        if let Some(text) = &filter.cursor {
            let place = cursor::open::<PLACE_BYTES>(secret, Kind::Collegial, &owner, text);
            from = after(&[&prefix, &place.ok_or_else(|| Refusal::malformed(locale, "cursor"))?]);
        }
        let (mut items, mut scanned, now) = (Vec::new(), 0, self.now());
        let next = 'page: loop {
            let range = Range { from, ..keys::all(prefix.clone(), SCANNED_AT_ONCE) };
            let entries = self.shelf.store.scan(range).await.map_err(of_store)?;
            let last = entries.last().map(|entry| entry.key.clone()).filter(|_| entries.len() == SCANNED_AT_ONCE);
            for entry in entries {
                let place = entry.key.slice(prefix.len()..);
                scanned += 1;
                let Some(id) = keys::dialog_of_collegial(&entry.key) else { continue };
                // One that was erased with its patient is not there.
                if let Some(draft) = self.shelf.dialog(id).await.map_err(of_store)?
                    && filter.status.is_none_or(|status| status == draft.record.dialog.status.name())
                {
                    items.push(summary(draft.record, now));
                }
                if items.len() == wanted || scanned >= SCANNED_AT_MOST {
                    break 'page Some(place);
                }
            }
            match last {
                Some(key) => from = after(&[&key]),
                None => break None,
            }
        };
        let next = next.map(|place| cursor::seal(secret, Kind::Collegial, &owner, &place));
        Ok(Page { items, next })
    }
}

fn summary(record: StoredDialog, now: jiff::Timestamp) -> CollegialSummary {
    let overdue = record.overdue(now);
    let about_patient = !record.about_nobody();
    let citizen_takes_part = record.shared_from.is_some();
    let dialog = record.dialog;
    CollegialSummary {
        id: dialog.id,
        office: dialog.office,
        clinician: dialog.between.and_then(|between| between.clinician),
        status: dialog.status,
        opened: dialog.opened,
        updated: dialog.updated,
        due: dialog.due,
        overdue,
        about_patient,
        citizen_takes_part,
        revision: dialog.revision,
    }
}
