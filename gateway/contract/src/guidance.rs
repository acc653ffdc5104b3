//! What a citizen is told before sending: what a service is for, what it costs, and what the office needs to know. JSON by
//! `schemas/json/guidance.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{practice::OfferedService, service::Service};

/// The body of `GET /v1/me/services/{service}/guidance`. All texts are in the caller's language.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Guidance {
    /// Whom to call when it cannot wait. Before all else.
    pub emergency: Vec<EmergencyNumber>,
    /// The service as the office offers it: through whom, at what price, how soon.
    pub offered: OfferedService,
    /// What the service is, in a sentence or two.
    pub about: String,
    /// What it suits.
    pub suits: Vec<String>,
    /// What it does not suit.
    pub does_not_suit: Vec<String>,
    /// What to ask the citizen, in this order, before they write.
    pub questions: Vec<GuidanceQuestion>,
    /// The provider's own form, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<ShownForm>,
    /// The provider could not be asked whether it has a form.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub form_unknown: bool,
}

/// Whom to call when it cannot wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmergencyNumber {
    /// As it is dialled.
    pub telephone: String,
    /// When to call it.
    pub text: String,
}

/// One question that decides which service is the right one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuidanceQuestion {
    /// Unique in the guidance; the same in every language.
    pub id: String,
    /// The question.
    pub text: String,
    /// Two or more.
    pub choices: Vec<GuidanceChoice>,
}

/// One answer, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuidanceChoice {
    /// Unique in the question; the same in every language.
    pub id: String,
    /// The answer.
    pub text: String,
    /// What follows.
    pub then: Follows,
}

/// What follows from an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Follows {
    /// The next question; after the last one, the citizen writes.
    GoOn {},
    /// Another service is the right one.
    UseService {
        /// Which.
        service: Service,
        /// Whether the office offers it now.
        available: bool,
        /// Why.
        text: String,
    },
    /// The citizen should call.
    Call {
        /// As it is dialled; none where the office has not told its number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        telephone: Option<String>,
        /// Why.
        text: String,
    },
}

/// A provider's form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShownForm {
    /// In the citizen's language.
    pub title: String,
    /// JSON Schema 2020-12 of the answers, without references outside itself.
    pub schema: Value,
    /// A request without the answers is refused; without this the provider says what it needs for what is asked.
    pub required: bool,
    /// When the provider told it.
    pub as_of: Timestamp,
    /// It is older than it should be, because the provider cannot be asked now.
    pub stale: bool,
}
