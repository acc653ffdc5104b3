//! Installed plugins, ready to be called. A new version takes the place of the old in one step; calls that are under way
//! keep the one that they began with.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

use dialog_contract::{ids::PluginId, manifest::Manifest, provider::Interface};
use dialog_core::ports::providers::Installed;
use tokio::sync::Semaphore;
use wasmtime::component::{Component, InstancePre};

use crate::{
    bindings::{
        appointments::AppointmentsProviderPre, citizens::CitizensProviderPre, dialogs::DialogsProviderPre,
        feedback::FeedbackProviderPre, inbound::InboundProviderPre, notices::NoticesProviderPre,
        payments::PaymentsProviderPre, practice::PracticeProviderPre, prescriptions::PrescriptionsProviderPre,
        read_marks::ReadMarksProviderPre, video::VideoProviderPre,
    },
    call::Call,
    capabilities,
    grant::Grant,
    host::Installation,
    limits::Limits,
    upstream::Upstream,
};

/// One version of one plugin, installed.
pub(crate) struct Plugin {
    pub(crate) installation: Installation,
    pub(crate) manifest: Manifest,
    pub(crate) worlds: Worlds,
    pub(crate) upstreams: Arc<BTreeMap<String, Arc<Upstream>>>,
    /// What the operator set, as JSON.
    pub(crate) settings: String,
    /// Whether it asks for citizens' numbers and was granted them.
    pub(crate) numbers: bool,
    /// Calls at once. A new version has its own: calls of the old one end within a deadline.
    pub(crate) permits: Arc<Semaphore>,
}

impl Plugin {
    /// As the domain sees it.
    pub(crate) fn installed(&self) -> Installed {
        Installed {
            id: self.installation.plugin.clone(),
            version: self.installation.version.clone(),
            digest: self.installation.digest.clone(),
            exports: self.installation.exports.clone(),
            idempotent: self.manifest.idempotent,
            settings_schema: self.manifest.settings_schema.clone(),
        }
    }
}

/// The worlds that a component exports, ready to be instantiated: a world that is there can be called, and nothing else.
pub(crate) struct Worlds {
    pub(crate) dialogs: Option<DialogsProviderPre<Call>>,
    pub(crate) appointments: Option<AppointmentsProviderPre<Call>>,
    pub(crate) prescriptions: Option<PrescriptionsProviderPre<Call>>,
    pub(crate) practice: Option<PracticeProviderPre<Call>>,
    pub(crate) payments: Option<PaymentsProviderPre<Call>>,
    pub(crate) feedback: Option<FeedbackProviderPre<Call>>,
    pub(crate) inbound: Option<InboundProviderPre<Call>>,
    pub(crate) video: Option<VideoProviderPre<Call>>,
    pub(crate) read_marks: Option<ReadMarksProviderPre<Call>>,
    pub(crate) notices: Option<NoticesProviderPre<Call>>,
    pub(crate) citizens: Option<CitizensProviderPre<Call>>,
}

impl Worlds {
    /// Links a component with what was granted, and finds the worlds that it exports.
    ///
    /// # Errors
    /// Imports or exports that are not of the contract's types; the message names which.
    pub(crate) fn link(
        engine: &wasmtime::Engine,
        component: &Component,
        grant: &Grant,
        exports: &[Interface],
    ) -> wasmtime::Result<Self> {
        let linker = capabilities::link(engine, &grant.capabilities)?;
        let pre: InstancePre<Call> = linker.instantiate_pre(component)?;
        let has = |interface| exports.contains(&interface);
        Ok(Self {
            dialogs: has(Interface::Dialogs).then(|| DialogsProviderPre::new(pre.clone())).transpose()?,
            appointments: has(Interface::Appointments)
                .then(|| AppointmentsProviderPre::new(pre.clone()))
                .transpose()?,
            prescriptions: has(Interface::Prescriptions)
                .then(|| PrescriptionsProviderPre::new(pre.clone()))
                .transpose()?,
            practice: has(Interface::Practice).then(|| PracticeProviderPre::new(pre.clone())).transpose()?,
            payments: has(Interface::Payments).then(|| PaymentsProviderPre::new(pre.clone())).transpose()?,
            feedback: has(Interface::Feedback).then(|| FeedbackProviderPre::new(pre.clone())).transpose()?,
            inbound: has(Interface::Inbound).then(|| InboundProviderPre::new(pre.clone())).transpose()?,
            video: has(Interface::Video).then(|| VideoProviderPre::new(pre.clone())).transpose()?,
            read_marks: has(Interface::ReadMarks).then(|| ReadMarksProviderPre::new(pre.clone())).transpose()?,
            notices: has(Interface::Notices).then(|| NoticesProviderPre::new(pre.clone())).transpose()?,
            citizens: has(Interface::Citizens).then(|| CitizensProviderPre::new(pre)).transpose()?,
        })
    }
}

/// All installed plugins.
#[derive(Default)]
pub(crate) struct Registry {
    plugins: RwLock<HashMap<PluginId, Arc<Plugin>>>,
}

impl Registry {
    /// The version that new calls go to.
    pub(crate) fn find(&self, plugin: &PluginId) -> Option<Arc<Plugin>> {
        self.plugins.read().unwrap_or_else(PoisonError::into_inner).get(plugin).cloned()
    }

    /// Every plugin, by id.
    pub(crate) fn all(&self) -> Vec<Arc<Plugin>> {
        let mut all: Vec<_> = self.plugins.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        all.sort_by(|one, other| one.installation.plugin.cmp(&other.installation.plugin));
        all
    }

    /// Takes the place of the version before, if there was one.
    pub(crate) fn put(&self, plugin: Arc<Plugin>) -> Option<Arc<Plugin>> {
        let id = plugin.installation.plugin.clone();
        self.plugins.write().unwrap_or_else(PoisonError::into_inner).insert(id, plugin)
    }

    /// Takes a plugin out.
    pub(crate) fn remove(&self, plugin: &PluginId) -> Option<Arc<Plugin>> {
        self.plugins.write().unwrap_or_else(PoisonError::into_inner).remove(plugin)
    }
}

/// Permits for one plugin.
pub(crate) fn permits(limits: &Limits) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(crate::limits::length(limits.calls_at_once_per_plugin)))
}
