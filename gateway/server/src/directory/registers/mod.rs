//! The national registers, behind the port that the file was alone behind: Fastlegeregisteret says who is whose GP,
//! Adresseregisteret which organisation a HER-id belongs to. The file keeps what no register knows: offices as citizens
//! see them, agreements, providers; and it is the seed, for whoever a register was never asked about with success.
//!
//! What a register said is kept in the store. It is **fresh** for a stated time, then **stale**: still served, and asked
//! for anew behind the request that met it. Past another stated time it is **too old** to be served: a citizen is then
//! told to come back, because a message to the GP of last year must not go out. So a register can be down for days, and
//! only those notice of whom it was never asked before.
//!
//! - [`gp`]: Fastlegeregisteret: its messages; [`gp_register`]: asking it, keeping what it said, following its changes.
//! - [`address`], [`address_register`]: the same of Adresseregisteret.
//! - [`freshness`]: how old an answer may be.
//! - here: the port.

pub mod address;
pub mod address_register;
pub mod freshness;
pub mod gp;
pub mod gp_register;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use dialog_contract::{
    ids::{HerId, NationalIdentityNumber, PluginId},
    practice::Office,
};
use dialog_core::ports::directory::{
    Agreement, Directory, DirectoryError, GpAssignment, NationalProvider, Person, ProviderName,
};
use dialog_host::upstream::remote::{Answered, RemoteError};

use self::{
    address_register::AddressRegister,
    gp_register::{GpRegister, Said},
};
use super::lookup::StoredDirectory;

/// Why a register said nothing that can be used. Holds nothing of what it said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// No answer, or one that says that there will be none now.
    #[error("it does not answer: {0}")]
    Unavailable(String),
    /// The answer is not of the documented form, or about somebody else.
    #[error("its answer cannot be used: {0}")]
    Garbled(String),
}

impl From<RemoteError> for RegisterError {
    fn from(error: RemoteError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// The place where an answer is not as documented: serde's own words may quote what they found.
fn garbled(error: &serde_json::Error) -> RegisterError {
    RegisterError::Garbled(format!("line {}, column {}", error.line(), error.column()))
}

/// An answer with another status than those that mean something.
fn unexpected(answer: &Answered) -> RegisterError {
    RegisterError::Unavailable(format!("it answered {}", answer.status))
}

/// The port: registers where there are some, and the file.
pub struct RegisteredDirectory {
    /// What the file says.
    pub file: StoredDirectory,
    /// Who is whose GP.
    pub gp: Option<Arc<GpRegister>>,
    /// Whose HER-id it is.
    pub addresses: Option<Arc<AddressRegister>>,
}

impl RegisteredDirectory {
    /// The GP and office that the register says, with what the file knows of the citizen beside.
    async fn registered(
        &self,
        citizen: &NationalIdentityNumber,
        said: gp::Assignment,
    ) -> Result<GpAssignment, DirectoryError> {
        let seed = self.file.person(citizen).await?;
        let office = self.file.office(said.office).await?;
        let hpr = said.general_practitioner.hpr_number;
        // The office's own word of a clinician is richer: a HER-id of their own, the name as citizens know it.
        let known = office.and_then(|office| {
            let mut practitioners = office.practitioners.into_iter();
            practitioners.find(|one| one.clinician.hpr_number == hpr).map(|one| one.clinician)
        });
        Ok(GpAssignment {
            person: Person {
                national_identity_number: citizen.clone(),
                given_name: said.given_name,
                family_name: said.family_name,
                mobile: seed.as_ref().and_then(|seed| seed.mobile.clone()),
                email: seed.as_ref().and_then(|seed| seed.email.clone()),
                digitally_active: seed.is_none_or(|seed| seed.digitally_active),
            },
            general_practitioner: known.unwrap_or(said.general_practitioner),
            office: said.office,
        })
    }
}

#[async_trait]
impl Directory for RegisteredDirectory {
    async fn assignment(&self, citizen: &NationalIdentityNumber) -> Result<Option<GpAssignment>, DirectoryError> {
        let Some(register) = &self.gp else { return self.file.assignment(citizen).await };
        match register.assignment(citizen).await? {
            Said::Assigned(said) => Ok(Some(self.registered(citizen, said).await?)),
            Said::Nobody => Ok(None),
            Said::Nothing(why) => match self.file.assignment(citizen).await? {
                Some(seed) => Ok(Some(seed)),
                None => Err(DirectoryError(format!("the GP register: {why}"))),
            },
        }
    }

    async fn office(&self, office: HerId) -> Result<Option<Office>, DirectoryError> {
        let Some(mut found) = self.file.office(office).await? else { return Ok(None) };
        if let Some(register) = &self.addresses
            && let Some(party) = register.party(office).await?
        {
            found.organisation_her_id = party.organisation;
            found.organisation_number = party.organisation_number.unwrap_or(found.organisation_number);
        }
        Ok(Some(found))
    }

    async fn agreements(&self, office: HerId) -> Result<Vec<Agreement>, DirectoryError> {
        self.file.agreements(office).await
    }

    async fn agreements_with(&self, plugin: &PluginId) -> Result<Vec<Agreement>, DirectoryError> {
        self.file.agreements_with(plugin).await
    }

    async fn provider(&self, plugin: &PluginId) -> Result<Option<ProviderName>, DirectoryError> {
        self.file.provider(plugin).await
    }

    async fn national(&self) -> Result<Vec<NationalProvider>, DirectoryError> {
        self.file.national().await
    }

    async fn forget(&self, citizen: &NationalIdentityNumber) -> Result<(), DirectoryError> {
        match &self.gp {
            Some(register) => register.forget(citizen).await,
            None => Ok(()),
        }
    }
}
