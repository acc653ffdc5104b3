//! How people are named where their national identity number has no business: in keys, towards plugins, in the feed.
//!
//! All names are HMAC-SHA-256 under one secret of the installation, made at the first start and kept in the store,
//! each with a purpose of its own: the same person has names that do not tell of each other.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use dialog_contract::{
    ids::{HerId, NationalIdentityNumber, PluginId},
    provider::CitizenIdentity,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::{
    keys,
    ports::{
        citizens::Citizens,
        keys::{DataKey, Owner},
        store::{Batch, Store, StoreError},
    },
    record,
};

/// A citizen, as the store's keys and records name one. Means nothing without the installation's secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CitizenId([u8; 16]);

impl CitizenId {
    pub(crate) const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Under whose key everything of this citizen's is kept.
    pub(crate) const fn owner(self) -> Owner {
        Owner::Citizen(self.0)
    }

    #[cfg(test)]
    pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for CitizenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CitizenId(…)")
    }
}

impl TryFrom<String> for CitizenId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| "not a citizen id")?;
        bytes.try_into().map(Self).map_err(|_| "not a citizen id")
    }
}

impl From<CitizenId> for String {
    fn from(id: CitizenId) -> Self {
        URL_SAFE_NO_PAD.encode(id.0)
    }
}

/// The installation's secret. Never prints itself, and is overwritten with its last clone.
#[derive(Clone)]
pub(crate) struct Secret(Arc<DataKey>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// Reads the secret, or makes it at the first start of an installation.
    pub(crate) async fn load(store: &dyn Store) -> Result<Self, StoreError> {
        loop {
            if let Some(found) = store.get(&keys::secret()).await? {
                let wrong = || StoreError::Damaged("the installation's secret has the wrong length".into());
                let secret = DataKey::filled(|secret| {
                    let bytes: &[u8; 32] = found.value[..].try_into().map_err(|_| wrong())?;
                    secret.copy_from_slice(bytes);
                    Ok(())
                });
                return secret.map(|secret| Self(Arc::new(secret)));
            }
            let mut batch = Batch::default();
            batch.require_absent(keys::secret()).put(keys::secret(), rand::random::<[u8; 32]>().to_vec());
            match store.commit(batch).await {
                Ok(_) | Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn mac(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        // HMAC takes a key of any length: there is no error to tell of.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose()) else { return [0; 32] };
        for part in [purpose.as_bytes()].iter().chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// The citizen, as keys and records of the store name one.
    pub(crate) fn citizen(&self, citizen: &NationalIdentityNumber) -> CitizenId {
        let [id @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
            self.mac("citizen", &[citizen.expose().as_bytes()]);
        CitizenId(id)
    }

    /// An office, where something is its clinicians' and about no citizen: files that wait for their message, and dialogs
    /// about no patient. Nobody's number gives the same.
    pub(crate) fn office(&self, office: HerId) -> CitizenId {
        let [id @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
            self.mac("office", &[&office.get().to_be_bytes()]);
        CitizenId(id)
    }

    /// The citizen, as one plugin names one: `provider::Citizen::reference`.
    pub(crate) fn reference(&self, plugin: &PluginId, citizen: &NationalIdentityNumber) -> String {
        URL_SAFE_NO_PAD.encode(self.mac("reference", &[plugin.as_str().as_bytes(), citizen.expose().as_bytes()]))
    }

    /// The citizen, as the portal's event feed names one.
    pub(crate) fn portal_name(&self, citizen: CitizenId) -> String {
        URL_SAFE_NO_PAD.encode(&self.mac("portal", &[citizen.bytes()])[..24])
    }

    /// Authenticates a cursor.
    pub(crate) fn seal(&self, content: &[u8]) -> [u8; 12] {
        let mut seal = [0; 12];
        seal.copy_from_slice(&self.mac("cursor", &[content])[..12]);
        seal
    }

    #[cfg(test)]
    #[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        let secret = DataKey::filled(|secret| {
            *secret = bytes;
            Ok::<_, ()>(())
        });
        Self(Arc::new(secret.unwrap()))
    }
}

/// [`Citizens`] by the installation's secret, and by the names that the store knows.
#[derive(Clone)]
pub struct KnownCitizens {
    store: Arc<dyn Store>,
    secret: Secret,
}

impl fmt::Debug for KnownCitizens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownCitizens").finish_non_exhaustive()
    }
}

impl KnownCitizens {
    /// Those of the installation that the store belongs to, which may be new.
    ///
    /// # Errors
    /// Where the store cannot be read or written.
    pub async fn open(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let secret = Secret::load(store.as_ref()).await?;
        Ok(Self { store, secret })
    }

    /// Under whose key everything of this person's is kept.
    #[must_use]
    pub fn owner_of(&self, person: &NationalIdentityNumber) -> Owner {
        self.secret.citizen(person).owner()
    }
}

#[async_trait]
impl Citizens for KnownCitizens {
    async fn owner(&self, plugin: &PluginId, citizen: &CitizenIdentity) -> Result<Option<Owner>, StoreError> {
        let reference = match citizen {
            CitizenIdentity::NationalIdentityNumber(number) => return Ok(Some(self.secret.citizen(number).owner())),
            CitizenIdentity::Reference(reference) => reference,
        };
        let found = self.store.get(&keys::citizen_by_reference(plugin, reference)).await?;
        let id = found.map(|found| record::decode::<CitizenId>("a citizen's id", &found.value)).transpose()?;
        Ok(id.map(CitizenId::owner))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use super::*;

    #[test]
    fn one_person_has_names_that_do_not_tell_of_each_other() {
        let secret = Secret::from_bytes([1; 32]);
        let person: NationalIdentityNumber = "14838541241".parse().unwrap();
        let (ddfl, other) = ("ddfl".parse().unwrap(), "helserespons".parse().unwrap());
        assert_ne!(secret.reference(&ddfl, &person), secret.reference(&other, &person));
        assert!(secret.reference(&ddfl, &person).len() <= 64, "the contract allows 64 characters");
        assert_ne!(Secret::from_bytes([2; 32]).citizen(&person), secret.citizen(&person));
        assert!(!format!("{:?}{secret:?}", secret.citizen(&person)).contains("14838541241"));
    }
}
