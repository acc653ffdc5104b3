//! What an office agreed with providers, service by service: as the operator sets it, and as the office itself may choose
//! within it. JSON by `schemas/json/{new-terms,service-terms,office-terms,new-office-choice,office-choice,
//! office-choices,new-absences,clinician-absences}.json`.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    dialog::{Clinician, MediaType, OfficeName, Provider},
    ids::{HerId, PluginId},
    notice::NoticeKind,
    practice::Booking,
    service::{ConsultationMode, Service, closed_list},
};

/// What an office agreed with one provider for one service, for some time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Terms {
    /// Through which plugin.
    pub plugin: PluginId,
    /// The GP's switch: off is neither offered nor accepted. What is open goes on.
    pub enabled: bool,
    /// For appointments: direct booking or written request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booking: Option<Booking>,
    /// For e-consultations: how they can be held; in writing when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modes: Vec<ConsultationMode>,
    /// Media types that the office accepts as attachments; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<MediaType>,
    /// What the provider tells citizens of by itself: of these the gateway sends no notices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_notices: Vec<NoticeKind>,
    /// For the plugin, by its manifest's schema.
    pub settings: Value,
    /// From when; always when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Timestamp>,
    /// From then on nothing new is begun; what is open goes on with this provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_until: Option<Timestamp>,
    /// When all of it ends, also for what is open; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// Who takes what is written while the provider cannot be reached and nothing was sent; nobody when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
    /// What the service costs the citizen; nothing is said of it when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prices: Vec<AgreedPrice>,
}

/// Who takes what a provider cannot take now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fallback {
    /// Through which plugin; not the one that it stands behind.
    pub plugin: PluginId,
    /// For that plugin, by its manifest's schema.
    pub settings: Value,
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

/// The body of `PUT /v1/offices/{herId}/agreements/{service}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewTerms {
    /// All of the service's, the past and the coming; of no two is something new begun at the same time. None: the
    /// service is not offered.
    pub terms: Vec<Terms>,
    /// Why, for the audit log: 1 to 200 characters, of nobody in particular.
    pub reason: String,
}

closed_list!(
    /// Where a service's terms stand.
    TermsSource {
        /// In the directory file.
        File = "file",
        /// In the store: they were changed since, and the file is not asked.
        Store = "store",
    }
);

/// What holds for one service of an office.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceTerms {
    /// Which service.
    pub service: Service,
    /// Where it stands.
    pub source: TermsSource,
    /// What was agreed.
    pub terms: Vec<Terms>,
    /// The directory file says something else of this service than when the terms were changed here: somebody must look.
    pub file_changed: bool,
    /// When they were changed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Timestamp>,
    /// Increases with every change; the `ETag`.
    pub revision: u64,
}

/// What holds for an office: `GET /v1/offices/{herId}/agreements`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OfficeTerms {
    /// Which office.
    pub office: HerId,
    /// Service by service, those without any left out.
    pub items: Vec<ServiceTerms>,
}

/// What an office chooses for one service: the body of `PUT /v1/offices/{herId}/choices/{service}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewOfficeChoice {
    /// Whether citizens can use it.
    pub enabled: bool,
    /// For appointments: direct booking or written request; as it was when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booking: Option<Booking>,
    /// For e-consultations: how they can be held; as it was when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modes: Option<Vec<ConsultationMode>>,
}

/// What an office chose for one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OfficeChoice {
    /// Which service.
    pub service: Service,
    /// Through whom; that is for the operator to change.
    pub provider: Provider,
    /// Whether citizens can use it.
    pub enabled: bool,
    /// For appointments: direct booking or written request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booking: Option<Booking>,
    /// For e-consultations: how they can be held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modes: Vec<ConsultationMode>,
    /// Increases with every change; the `ETag`.
    pub revision: u64,
}

/// What an office chose: `GET /v1/offices/{herId}/choices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OfficeChoices {
    /// Which office.
    pub office: OfficeName,
    /// Service by service, those without an agreement in force left out.
    pub services: Vec<OfficeChoice>,
    /// Who is away when, of each of its clinicians.
    pub clinicians: Vec<ClinicianAbsences>,
    /// Services by which somebody waits for an answer that the office should have given.
    pub overdue: Vec<OverdueAnswers>,
}

/// Answers of an office that are overdue, by one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OverdueAnswers {
    /// By which service.
    pub service: Service,
    /// How many dialogs; 100,000 at most are counted.
    pub dialogs: u64,
}

/// A time when a clinician is away, and who takes over the inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Leave {
    /// First day.
    pub from: Date,
    /// Last day.
    pub until: Date,
    /// Who stands in (stedfortreder); nobody when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substitute: Option<Clinician>,
    /// At which office, where that is another: new dialogs are routed by its agreements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<HerId>,
}

/// When a clinician is away: the body of `PUT /v1/offices/{herId}/absences/{hprNumber}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAbsences {
    /// All of them; no two at the same time. None: the clinician is there.
    pub absences: Vec<Leave>,
}

/// When a clinician is away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClinicianAbsences {
    /// Who.
    pub clinician: Clinician,
    /// When, and who takes over the inbox.
    pub absences: Vec<Leave>,
    /// Increases with every change; the `ETag`.
    pub revision: u64,
}
