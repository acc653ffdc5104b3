//! What offices agreed, and who is away: the directory's word, and over it what was changed since, service by service and
//! clinician by clinician. What was changed holds until it is taken back, also when the directory is loaded anew; where
//! the directory has become another since, the operator is told.
//!
//! Read anew for every request: a change holds from the next one on.

use dialog_contract::{
    agreement::{Leave, Terms, TermsSource},
    ids::{HerId, HprNumber, PluginId},
    practice::{Absence, Booking, Office},
    provider::Interface,
    service::{ConsultationMode, Service},
};
use jiff::{Timestamp, civil::Date};

use super::Desk;
use crate::{
    answer::sha256_hex,
    ports::{
        directory::{Agreement, DirectoryError},
        store::{Revision, StoreError},
    },
    record::StoredTerms,
};

/// What holds for one service of an office.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) service: Service,
    pub(crate) agreements: Vec<Agreement>,
    /// What was changed, with its revision in the store; none where nothing ever was.
    pub(crate) changed: Option<(Revision, StoredTerms)>,
    /// What the directory says of the service.
    pub(crate) directory: Vec<Agreement>,
}

impl Standing {
    pub(crate) fn revision(&self) -> u64 {
        self.changed.as_ref().map_or(0, |(_, stored)| stored.revision)
    }

    pub(crate) fn source(&self) -> TermsSource {
        match &self.changed {
            Some((_, StoredTerms { agreements: Some(_), .. })) => TermsSource::Store,
            _ => TermsSource::File,
        }
    }

    /// The directory says something else than when it was changed.
    pub(crate) fn directory_changed(&self) -> bool {
        self.source() == TermsSource::Store
            && self.changed.as_ref().is_some_and(|(_, stored)| stored.directory != digest(&self.directory))
    }
}

impl Agreement {
    /// How citizens book; an office that did not choose takes requests.
    pub(crate) fn booking(&self) -> Option<Booking> {
        (self.service == Service::Appointment).then(|| self.booking.unwrap_or(Booking::Request))
    }

    /// In force: what is open goes on.
    pub(crate) fn valid_at(&self, now: Timestamp) -> bool {
        self.valid_from.is_none_or(|from| from <= now) && self.valid_until.is_none_or(|until| now < until)
    }

    /// In force for what is new.
    pub(crate) fn offered_at(&self, now: Timestamp) -> bool {
        self.valid_at(now) && self.offered_until.is_none_or(|until| now < until)
    }

    /// What its plugin must export.
    pub(crate) fn needs(&self) -> Interface {
        match (self.service, self.booking()) {
            (Service::Payment, _) => Interface::Payments,
            // They come; nobody asks for them.
            (Service::TestResults, _) => Interface::Inbound,
            (_, Some(Booking::Direct)) => Interface::Appointments,
            _ => Interface::Dialogs,
        }
    }

    /// Consultations by video are agreed, which its plugin must let citizens into.
    pub(crate) fn meets(&self) -> bool {
        self.modes.contains(&ConsultationMode::Video)
    }

    /// As it holds for whoever stands behind its provider: what was begun there goes on there, nothing new is offered.
    fn behind(&self) -> Option<Self> {
        let behind = self.fallback.clone()?;
        Some(Self { plugin: behind.plugin, settings: behind.settings, enabled: false, fallback: None, ..self.clone() })
    }

    pub(crate) fn terms(&self) -> Terms {
        let Self {
            plugin, enabled, booking, modes, attachments, own_notices, settings, valid_from, offered_until, ..
        } = self.clone();
        let settings = if settings.is_null() { serde_json::json!({}) } else { settings };
        let Self { valid_until, fallback, prices, .. } = self.clone();
        Terms {
            plugin,
            enabled,
            booking,
            modes,
            attachments,
            own_notices,
            settings,
            valid_from,
            offered_until,
            valid_until,
            fallback,
            prices,
        }
    }

    pub(crate) fn of_terms(office: HerId, service: Service, terms: Terms) -> Self {
        let Terms { plugin, enabled, booking, modes, attachments, own_notices, settings, valid_from, .. } = terms;
        let Terms { offered_until, valid_until, fallback, prices, .. } = terms;
        Self {
            office,
            service,
            plugin,
            enabled,
            booking,
            modes,
            attachments,
            own_notices,
            settings,
            valid_from,
            valid_until,
            offered_until,
            fallback,
            prices,
        }
    }
}

/// SHA-256 of agreements, as the audit log names them.
pub(crate) fn digest(agreements: &[Agreement]) -> String {
    let terms: Vec<Terms> = agreements.iter().map(Agreement::terms).collect();
    // Has a JSON form: all of it is text, numbers and lists.
    sha256_hex(&serde_json::to_vec(&terms).unwrap_or_default())
}

/// An absence as the directory tells of it.
pub(crate) fn leave(absence: &Absence) -> Leave {
    let Absence { from, until, substitute } = absence.clone();
    Leave { from, until, substitute, office: None }
}

fn absence(leave: Leave) -> Absence {
    let Leave { from, until, substitute, office: _ } = leave;
    Absence { from, until, substitute }
}

fn of_store(error: &StoreError) -> DirectoryError {
    DirectoryError(format!("what was changed of it: {error}"))
}

impl Desk {
    /// What holds for an office, service by service, those without any left out.
    pub(crate) async fn standing(&self, office: HerId) -> Result<Vec<Standing>, DirectoryError> {
        let mut changed = self.shelf.terms_of(office).await.map_err(|error| of_store(&error))?;
        let file = self.directory.agreements(office).await?;
        let mut all = Vec::new();
        for &service in Service::ALL {
            let said: Vec<Agreement> = file.iter().filter(|one| one.service == service).cloned().collect();
            let at = changed.iter().position(|(of, ..)| *of == service);
            let changed = at.map(|at| changed.swap_remove(at)).map(|(_, revision, stored)| (revision, stored));
            if said.is_empty() && changed.is_none() {
                continue;
            }
            let held = changed.as_ref().and_then(|(_, stored)| stored.agreements.clone());
            let agreements = held.unwrap_or_else(|| said.clone());
            all.push(Standing { service, agreements, changed, directory: said });
        }
        Ok(all)
    }

    /// All agreements of an office as they hold, also those switched off or not valid now; last those of whoever stands
    /// behind another provider.
    pub(crate) async fn agreements(&self, office: HerId) -> Result<Vec<Agreement>, DirectoryError> {
        let changed = self.shelf.terms_of(office).await.map_err(|error| of_store(&error))?;
        let mut all = self.directory.agreements(office).await?;
        for (service, _, stored) in changed {
            if let Some(agreements) = stored.agreements {
                all.retain(|agreement| agreement.service != service);
                all.extend(agreements);
            }
        }
        let behind: Vec<Agreement> = all.iter().filter_map(Agreement::behind).collect();
        all.extend(behind);
        Ok(all)
    }

    /// All agreements with a plugin as they hold, also those in which it stands behind another.
    pub(crate) async fn agreements_with(&self, plugin: &PluginId) -> Result<Vec<Agreement>, DirectoryError> {
        let changed = self.shelf.all_terms().await.map_err(|error| of_store(&error))?;
        let mut all = self.directory.agreements_with(plugin).await?;
        for (office, service, stored) in changed {
            if let Some(agreements) = stored.agreements {
                all.retain(|agreement| (agreement.office, agreement.service) != (office, service));
                all.extend(agreements);
            }
        }
        let behind: Vec<Agreement> = all.iter().filter_map(Agreement::behind).collect();
        all.extend(behind);
        all.retain(|agreement| agreement.plugin == *plugin);
        Ok(all)
    }

    /// An office, with the absences of its clinicians as they hold.
    pub(crate) async fn office_now(&self, office: HerId) -> Result<Option<Office>, DirectoryError> {
        let Some(mut found) = self.directory.office(office).await? else { return Ok(None) };
        for (clinician, _, stored) in self.shelf.absences_of(office).await.map_err(|error| of_store(&error))? {
            let who = found.practitioners.iter_mut().find(|one| one.clinician.hpr_number == clinician);
            if let Some(who) = who {
                who.absences = stored.absences.into_iter().map(absence).collect();
            }
        }
        Ok(Some(found))
    }

    /// Why a clinician of an office's does not answer that day; none where they do.
    pub(crate) async fn leave_of(
        &self,
        office: &Office,
        clinician: HprNumber,
        today: Date,
    ) -> Result<Option<Leave>, DirectoryError> {
        let changed = self.shelf.absences_of(office.her_id).await.map_err(|error| of_store(&error))?;
        let changed = changed.into_iter().find(|(number, ..)| *number == clinician);
        let of_directory = || {
            let who = office.practitioners.iter().find(|one| one.clinician.hpr_number == clinician);
            who.map(|who| who.absences.iter().map(leave).collect()).unwrap_or_default()
        };
        let all: Vec<Leave> = changed.map_or_else(of_directory, |(.., stored)| stored.absences);
        Ok(all.into_iter().find(|leave| (leave.from..=leave.until).contains(&today)))
    }

    /// Services of offices for which the directory has become another since they were changed here: for the operator to
    /// look at.
    ///
    /// # Errors
    /// Where the store or the directory cannot be read.
    pub async fn overtaken_agreements(&self) -> Result<Vec<(HerId, Service)>, DirectoryError> {
        let changed = self.shelf.all_terms().await.map_err(|error| of_store(&error))?;
        let mut offices: Vec<HerId> = changed.into_iter().map(|(office, ..)| office).collect();
        offices.dedup();
        let mut overtaken = Vec::new();
        for office in offices {
            let standing = self.standing(office).await?;
            overtaken.extend(standing.iter().filter(|one| one.directory_changed()).map(|one| (office, one.service)));
        }
        Ok(overtaken)
    }
}
