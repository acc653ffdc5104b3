//! The directory port, reading the generation that is current.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use dialog_contract::{
    ids::{HerId, NationalIdentityNumber, PluginId},
    practice::Office,
};
use dialog_core::ports::{
    directory::{Agreement, Directory, DirectoryError, GpAssignment, Person, ProviderName},
    store::{Store, StoreError},
};
use serde::de::DeserializeOwned;

use super::{Keys, file::CitizenEntry, loader};
use crate::pseudonym::Pseudonyms;

/// Looks things up in the store.
pub struct StoredDirectory {
    store: Arc<dyn Store>,
    pseudonyms: Arc<Pseudonyms>,
    generation: AtomicU32,
}

impl StoredDirectory {
    /// Reads which generation is current; [`loader::load`] must have run.
    pub async fn open(store: Arc<dyn Store>, pseudonyms: Arc<Pseudonyms>) -> Result<Self, StoreError> {
        let generation = loader::current(store.as_ref()).await?.map_or(0, |current| current.generation);
        Ok(Self { store, pseudonyms, generation: AtomicU32::new(generation) })
    }

    fn keys(&self) -> Keys {
        Keys { generation: self.generation.load(Ordering::Acquire) }
    }

    async fn read<T: DeserializeOwned>(&self, key: Vec<u8>) -> Result<Option<T>, DirectoryError> {
        let failed = |error: StoreError| DirectoryError(error.to_string());
        let found = self.store.get(&key).await.map_err(failed)?;
        found.map(|versioned| loader::decode(&versioned.value)).transpose().map_err(failed)
    }
}

#[async_trait]
impl Directory for StoredDirectory {
    async fn assignment(&self, citizen: &NationalIdentityNumber) -> Result<Option<GpAssignment>, DirectoryError> {
        let key = self.keys().citizen(&self.pseudonyms, citizen);
        let Some(entry) = self.read::<CitizenEntry>(key).await? else {
            return Ok(None);
        };
        let office = self.office(entry.office).await?;
        let practitioner = office
            .and_then(|office| {
                office.practitioners.into_iter().find(|one| one.clinician.hpr_number == entry.general_practitioner)
            })
            .ok_or_else(|| DirectoryError(format!("office {} lost a clinician", entry.office)))?;
        Ok(Some(GpAssignment {
            person: Person {
                national_identity_number: citizen.clone(),
                given_name: entry.given_name,
                family_name: entry.family_name,
                mobile: entry.mobile,
                digitally_active: entry.digitally_active,
            },
            general_practitioner: practitioner.clinician,
            office: entry.office,
        }))
    }

    async fn office(&self, office: HerId) -> Result<Option<Office>, DirectoryError> {
        self.read(self.keys().office(office)).await
    }

    async fn agreements(&self, office: HerId) -> Result<Vec<Agreement>, DirectoryError> {
        Ok(self.read(self.keys().agreements(office)).await?.unwrap_or_default())
    }

    async fn agreements_with(&self, plugin: &PluginId) -> Result<Vec<Agreement>, DirectoryError> {
        Ok(self.read(self.keys().agreements_with(plugin)).await?.unwrap_or_default())
    }

    async fn provider(&self, plugin: &PluginId) -> Result<Option<ProviderName>, DirectoryError> {
        self.read(self.keys().provider(plugin)).await
    }
}
