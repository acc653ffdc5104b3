//! Who the citizen and who acts for them are, as the store keeps them and plugins know them.

use dialog_contract::{ids::PluginId, service::Locale};

use super::{Desk, practice::Practice};
use crate::{
    answer::Refusal,
    permit::{Citizen, Permitted},
    ports::store::StoreError,
    record::{StoredCitizen, StoredRepresentative},
    shelf::Step,
};

impl Desk {
    /// Keeps who the citizen is, for calls that are made without one at hand, and under which name the plugin knows
    /// them.
    pub(crate) fn know(
        &self,
        step: &mut Step,
        who: &Permitted<Citizen>,
        practice: &Practice,
        plugin: &PluginId,
    ) -> Result<(), StoreError> {
        let secret = &self.shelf.secret;
        let person = &practice.assignment.person;
        let reference = secret.reference(plugin, &person.national_identity_number);
        let id = secret.citizen(&person.national_identity_number);
        step.citizen(id, &StoredCitizen::from(person), plugin, &reference)?;
        if let Some(acting) = &who.target().representative {
            let id = secret.citizen(&acting.national_identity_number);
            let reference = secret.reference(plugin, &acting.national_identity_number);
            let stored = StoredCitizen {
                national_identity_number: acting.national_identity_number.clone(),
                given_name: acting.given_name.clone(),
                family_name: acting.family_name.clone(),
                mobile: None,
            };
            step.citizen(id, &stored, plugin, &reference)?;
        }
        Ok(())
    }

    /// As [`Desk::know`], for calls that write nothing else: a write only where something is new.
    pub(crate) async fn remember(
        &self,
        who: &Permitted<Citizen>,
        practice: &Practice,
        plugin: &PluginId,
        locale: Locale,
    ) -> Result<(), Refusal> {
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        let Citizen { national_identity_number, representative } = who.target();
        let acting = representative.as_ref().map(|acting| &acting.national_identity_number);
        let mut all_known = true;
        for number in [Some(national_identity_number), acting].into_iter().flatten() {
            let reference = self.shelf.secret.reference(plugin, number);
            all_known &= self.shelf.citizen_by_reference(plugin, &reference).await.map_err(of_store)?.is_some();
        }
        if all_known {
            return Ok(());
        }
        let mut step = Step::default();
        self.know(&mut step, who, practice, plugin).map_err(of_store)?;
        self.shelf.commit(step).await.map(|_| ()).map_err(of_store)
    }

    /// Who acts for the citizen, as records name them.
    pub(crate) fn acting(&self, who: &Permitted<Citizen>) -> Option<StoredRepresentative> {
        who.target().representative.as_ref().map(|acting| StoredRepresentative {
            citizen: self.shelf.secret.citizen(&acting.national_identity_number),
            role: acting.role,
        })
    }
}
