//! The directory port, reading the generation that is current.

use std::sync::Arc;

use async_trait::async_trait;
use dialog_contract::{
    ids::{HerId, NationalIdentityNumber, PluginId},
    practice::Office,
    pseudonym::Pseudonyms,
};
use dialog_core::ports::{
    directory::{Agreement, Directory, DirectoryError, GpAssignment, NationalProvider, Person, ProviderName},
    store::{Range, Store, StoreError},
};
use serde::de::DeserializeOwned;

use super::{Keys, file::CitizenEntry, loader};

/// Offices whose agreements are read at once: some hundred kilobytes.
const OFFICES_AT_ONCE: usize = 500;

/// Looks things up in the store.
pub struct StoredDirectory {
    store: Arc<dyn Store>,
    pseudonyms: Arc<Pseudonyms>,
    keys: Keys,
}

impl StoredDirectory {
    /// Reads which generation is current; [`loader::load`] must have run.
    pub async fn open(store: Arc<dyn Store>, pseudonyms: Arc<Pseudonyms>) -> Result<Self, StoreError> {
        let generation = loader::current(store.as_ref()).await?.map_or(0, |current| current.generation);
        Ok(Self { store, pseudonyms, keys: Keys { generation } })
    }

    /// What the file knows of a citizen.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn person(&self, citizen: &NationalIdentityNumber) -> Result<Option<CitizenEntry>, DirectoryError> {
        self.read(self.keys.citizen(&self.pseudonyms, citizen)).await
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
        let Some(entry) = self.person(citizen).await? else { return Ok(None) };
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
                email: entry.email,
                digitally_active: entry.digitally_active,
            },
            general_practitioner: practitioner.clinician,
            office: entry.office,
        }))
    }

    async fn office(&self, office: HerId) -> Result<Option<Office>, DirectoryError> {
        self.read(self.keys.office(office)).await
    }

    async fn agreements(&self, office: HerId) -> Result<Vec<Agreement>, DirectoryError> {
        Ok(self.read(self.keys.agreements(office)).await?.unwrap_or_default())
    }

    async fn agreements_with(&self, plugin: &PluginId) -> Result<Vec<Agreement>, DirectoryError> {
        let failed = |error: StoreError| DirectoryError(error.to_string());
        let prefix = self.keys.agreements_with(plugin);
        let mut until = prefix.clone();
        if let Some(last) = until.last_mut() {
            *last += 1;
        }
        let (mut from, mut agreements) = (prefix, Vec::new());
        loop {
            let range = Range {
                from: from.clone().into(),
                until: Some(until.clone().into()),
                limit: OFFICES_AT_ONCE,
                reverse: false,
            };
            let entries = self.store.scan(range).await.map_err(failed)?;
            for entry in &entries {
                agreements.extend(loader::decode::<Vec<Agreement>>(&entry.versioned.value).map_err(failed)?);
            }
            match entries.last() {
                Some(last) if entries.len() == OFFICES_AT_ONCE => from = [&last.key[..], b"\0"].concat(),
                _ => return Ok(agreements),
            }
        }
    }

    async fn provider(&self, plugin: &PluginId) -> Result<Option<ProviderName>, DirectoryError> {
        self.read(self.keys.provider(plugin)).await
    }

    /// What stands in the file is the operator's to take out.
    async fn forget(&self, _: &NationalIdentityNumber) -> Result<(), DirectoryError> {
        Ok(())
    }

    async fn national(&self) -> Result<Vec<NationalProvider>, DirectoryError> {
        Ok(self.read(self.keys.national()).await?.unwrap_or_default())
    }
}
