//! Who is whose GP, which offices there are, and what each agreed with which provider.

use async_trait::async_trait;
use dialog_contract::{
    agreement::{AgreedPrice, Fallback},
    dialog::{Clinician, MediaType},
    ids::{HerId, NationalIdentityNumber, PluginId},
    notice::NoticeKind,
    practice::{Booking, Office},
    service::{ConsultationMode, ProviderKind, Service},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A citizen, as the directory knows one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub national_identity_number: NationalIdentityNumber,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// With country code, where the citizen lets offices have it.
    pub mobile: Option<String>,
    /// A mail address, from the national contact register: for notices alone, and not for providers.
    pub email: Option<String>,
    /// Whether the citizen has said yes to digital dialog; others get letters.
    pub digitally_active: bool,
}

/// Who is a citizen's GP (Fastlegeregisteret).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpAssignment {
    /// The citizen.
    pub person: Person,
    /// The GP.
    pub general_practitioner: Clinician,
    /// The GP's office.
    pub office: HerId,
}

/// What an office agreed with a provider for one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Agreement {
    /// Which office.
    pub office: HerId,
    /// Which service.
    pub service: Service,
    /// Through which plugin.
    pub plugin: PluginId,
    /// The GP's switch: off is neither offered nor accepted.
    pub enabled: bool,
    /// For appointments: direct booking or written request; the office chooses which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booking: Option<Booking>,
    /// For e-consultations: how they can be held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modes: Vec<ConsultationMode>,
    /// What the provider tells citizens of itself, by text messages that the office pays for: of these the gateway tells
    /// nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_notices: Vec<NoticeKind>,
    /// Media types that the office accepts as attachments; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<MediaType>,
    /// For the plugin, by its manifest's schema.
    #[serde(default)]
    pub settings: serde_json::Value,
    /// From when; always when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Timestamp>,
    /// When all of it ends, also for what is open; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// What the service costs the citizen; nothing is said of it when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prices: Vec<AgreedPrice>,
    /// From then on nothing new is begun; what is open goes on with this provider. Never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_until: Option<Timestamp>,
    /// Who takes what is written while the provider cannot be reached and nothing was sent; nobody when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
}

impl Agreement {
    /// When nothing new is begun by it any more; never where there is no end.
    #[must_use]
    pub fn offers_until(&self) -> Option<Timestamp> {
        match (self.offered_until, self.valid_until) {
            (Some(offered), Some(valid)) => Some(offered.min(valid)),
            (offered, valid) => offered.or(valid),
        }
    }

    /// By both something new could be begun at the same time.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let before =
            |one: &Self, other: &Self| one.offers_until().zip(other.valid_from).is_some_and(|(end, from)| end <= from);
        !before(self, other) && !before(other, self)
    }
}

/// A provider beside the citizens' own GPs, for the whole country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NationalProvider {
    /// The plugin's id.
    pub provider: PluginId,
    /// Where messages to it go: an office of the directory, whose agreements say what it offers.
    pub office: HerId,
}

/// A provider, as citizens know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderName {
    /// The plugin's id.
    pub id: PluginId,
    /// As citizens know it.
    pub name: String,
    /// Public or commercial.
    pub kind: ProviderKind,
}

/// Why the directory did not answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the directory does not answer: {0}")]
pub struct DirectoryError(pub String);

/// The directory.
///
/// Loaded before any listener; its answers may change between calls.
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// The citizen's GP; none where the citizen is on no list.
    async fn assignment(&self, citizen: &NationalIdentityNumber) -> Result<Option<GpAssignment>, DirectoryError>;

    /// An office's practical information (`services` left empty: the domain fills it in).
    async fn office(&self, office: HerId) -> Result<Option<Office>, DirectoryError>;

    /// All agreements of an office, also those switched off or not valid now.
    async fn agreements(&self, office: HerId) -> Result<Vec<Agreement>, DirectoryError>;

    /// All agreements with a plugin, also those in which it stands behind another.
    async fn agreements_with(&self, plugin: &PluginId) -> Result<Vec<Agreement>, DirectoryError>;

    /// A provider's name.
    async fn provider(&self, plugin: &PluginId) -> Result<Option<ProviderName>, DirectoryError>;

    /// Removes what is kept about a citizen who is erased, where the directory keeps anything but what the operator wrote.
    async fn forget(&self, citizen: &NationalIdentityNumber) -> Result<(), DirectoryError>;

    /// The providers beside the citizens' own GPs.
    async fn national(&self) -> Result<Vec<NationalProvider>, DirectoryError>;
}
