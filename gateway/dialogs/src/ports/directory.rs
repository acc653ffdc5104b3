//! Who is whose GP, which offices there are, and what each agreed with which provider.

use async_trait::async_trait;
use dialog_contract::{
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
    /// Until when; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// What the service costs the citizen; nothing is said of it when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prices: Vec<AgreedPrice>,
}

/// What something costs, with a plain line in each language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgreedPrice {
    /// In øre (1/100 NOK).
    pub amount: u64,
    /// Tariff code (takst).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tariff: Option<String>,
    /// In Bokmål.
    pub nb: String,
    /// In Nynorsk.
    pub nn: String,
    /// In English.
    pub en: String,
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

    /// All agreements with a plugin.
    async fn agreements_with(&self, plugin: &PluginId) -> Result<Vec<Agreement>, DirectoryError>;

    /// A provider's name.
    async fn provider(&self, plugin: &PluginId) -> Result<Option<ProviderName>, DirectoryError>;

    /// Removes what is kept about a citizen who is erased, where the directory keeps anything but what the operator wrote.
    async fn forget(&self, citizen: &NationalIdentityNumber) -> Result<(), DirectoryError>;
}
