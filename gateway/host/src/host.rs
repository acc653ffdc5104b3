//! The host as the server sees it: made once, plugins installed and removed.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;
use dialog_contract::{
    ids::PluginId,
    manifest::Manifest,
    package::open,
    provider::{Capability, Interface},
};
use dialog_core::ports::{
    blobs::Blobs,
    citizens::Citizens,
    clock::{Clock, SystemClock},
    store::Store,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::{Mutex, Semaphore};
use wasmtime::component::Component;

use crate::{
    call::Caller,
    compile::{Compile, CompileError, InProcess},
    compiled::{Cache, CacheError},
    engine::Engine,
    file,
    grant::{Grant, GrantError},
    limits::{ERROR_LINE_BYTES, LimitError, Limits, length},
    manifest::check_value,
    observe::{Observer, PluginStanding, Prepared, Standing, Unobserved},
    package::{Package, PackageError},
    registry::{Plugin, Registry, Worlds, permits},
    scrub,
    trace::{self, Traceparent},
    upstream::{BindingError, Upstream, config::UpstreamBinding},
};

/// How the host is set up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HostConfig {
    /// Where compiled plugins are kept; the gateway's alone, made where it is not there.
    pub cache_dir: PathBuf,
    /// Limits that are not the default.
    #[serde(default)]
    pub limits: Limits,
    /// Installed at start.
    #[serde(default)]
    pub plugins: Vec<PluginConfig>,
}

/// One plugin, as the operator installs it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PluginConfig {
    /// The component's file; not read where the bytes are given to [`Host::install`].
    pub package: PathBuf,
    /// What it is granted.
    #[serde(default)]
    pub grant: Grant,
    /// Where the upstreams that it names are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub upstreams: BTreeMap<String, UpstreamBinding>,
    /// What the operator sets, by the manifest's schema of the installation.
    #[serde(default)]
    pub installation: Map<String, Value>,
}

/// Says which trace the present task is a part of; asked at the beginning of a plugin call.
pub trait TraceSource: Send + Sync + 'static {
    /// The `traceparent` to hand on; none where there is no trace.
    fn current(&self) -> Option<Traceparent>;
}

/// The trace by [`trace::with_traceparent`].
#[derive(Debug, Clone, Copy, Default)]
pub struct TaskTrace;

impl TraceSource for TaskTrace {
    fn current(&self) -> Option<Traceparent> {
        trace::current()
    }
}

/// What the host needs of the outside.
#[derive(Clone)]
pub struct Ports {
    /// For plugins' `state`.
    pub store: Arc<dyn Store>,
    /// Whose it is what plugins keep there.
    pub citizens: Arc<dyn Citizens>,
    /// For attachments.
    pub blobs: Arc<dyn Blobs>,
    /// For `clock` and contexts.
    pub clock: Arc<dyn Clock>,
    /// Told of what happens.
    pub observer: Arc<dyn Observer>,
    /// Which trace a call belongs to.
    pub traceparent: Arc<dyn TraceSource>,
    /// Makes machine code.
    pub compiler: Arc<dyn Compile>,
}

impl Ports {
    /// The machine's clock, the task's trace, nobody who observes, and a compiler in this process.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, citizens: Arc<dyn Citizens>, blobs: Arc<dyn Blobs>) -> Self {
        Self {
            store,
            citizens,
            blobs,
            clock: Arc::new(SystemClock),
            observer: Arc::new(Unobserved),
            traceparent: Arc::new(TaskTrace),
            compiler: Arc::new(InProcess),
        }
    }
}

/// A plugin that was installed, for whoever records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// Which.
    pub plugin: PluginId,
    /// Semver of the manifest.
    pub version: String,
    /// As citizens know the provider.
    pub name: String,
    /// SHA-256 of the component, lower-case hexadecimal.
    pub digest: String,
    /// SHA-256 of the grant with its bindings, lower-case hexadecimal.
    pub grant_sha256: String,
    /// What it imports.
    pub imports: Vec<Capability>,
    /// What it exports.
    pub exports: Vec<Interface>,
    /// Names of its upstreams with the base URLs that they are bound to.
    pub upstreams: BTreeMap<String, String>,
    /// Whether its code was found in the cache.
    pub cached: bool,
}

/// A version of a plugin that could be called at once, and is not yet.
pub struct Ready(Arc<Plugin>);

impl Ready {
    /// What it will be known as.
    #[must_use]
    pub fn installation(&self) -> &Installation {
        &self.0.installation
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ready").field(&self.0.installation).finish()
    }
}

/// Why the host could not be made, or a plugin could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A limit is out of bounds.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// The engine could not be made.
    #[error("the WebAssembly engine could not be made: {0}")]
    Engine(String),
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A plugin was not installed.
    #[error("the plugin {package} was not installed: {reason}")]
    Install {
        /// Its file, or its id where that is known.
        package: String,
        /// Why.
        reason: InstallError,
    },
}

/// Why a plugin was not installed. A version that was installed before stays.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The file cannot be read.
    #[error("its file cannot be read: {0}")]
    File(std::io::Error),
    /// The file is not a plugin of this contract.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// Something that it asks for was not granted.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// Two entries of the configuration install the same plugin.
    #[error("the plugin {0} is configured twice")]
    Twice(PluginId),
    /// An upstream cannot be bound.
    #[error("the upstream {name:?} cannot be bound: {reason}")]
    Upstream {
        /// Which.
        name: String,
        /// Why.
        reason: BindingError,
    },
    /// The operator's settings are not as the manifest's schema has them.
    #[error("its installation is not as its manifest's schema has it: {0}")]
    Installation(String),
    /// There is no machine code of it.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// Its imports or exports are not of the contract's types.
    #[error("it does not fit the contract: {0}")]
    Link(String),
    /// It needs more of the pool than a call may have.
    #[error("it needs {needed} {what}, over the limit of {limit}")]
    Resources {
        /// Of what.
        what: &'static str,
        /// How many or how much.
        needed: u64,
        /// The limit.
        limit: u64,
    },
}

/// The plugin host.
///
/// Made once, before any listener, in a Tokio runtime. Plugins can be installed and removed while calls are under way: a
/// call stays with the version that it began with. The engine's ticker ends when the host is dropped.
pub struct Host {
    caller: Caller,
    cache: Arc<Cache>,
    /// One plugin is compiled at a time: compiling takes all processors, and serving goes first.
    compiling: Mutex<()>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("plugins", &self.installations().len()).finish_non_exhaustive()
    }
}

impl Host {
    /// Makes the engine and installs the configured plugins.
    ///
    /// # Errors
    /// Any plugin that cannot be installed is an error: a gateway without one of its providers does not start.
    pub async fn new(config: HostConfig, ports: Ports) -> Result<Self, HostError> {
        config.limits.check()?;
        let engine = Engine::new(&config.limits).map_err(|error| HostError::Engine(format!("{error:#}")))?;
        let cache = Cache::open(&config.cache_dir, engine.wasmtime())?;
        let permits = Arc::new(Semaphore::new(length(config.limits.calls_at_once)));
        let caller = Caller {
            engine,
            limits: config.limits,
            ports: Arc::new(ports),
            registry: Registry::default(),
            permits,
            forgotten: Arc::default(),
        };
        let host = Self { caller, cache: Arc::new(cache), compiling: Mutex::new(()) };
        for plugin in &config.plugins {
            host.install_file(plugin).await?;
        }
        Ok(host)
    }

    /// Installs a plugin from its file; refuses one that is installed already.
    async fn install_file(&self, config: &PluginConfig) -> Result<Installation, HostError> {
        let failed = |reason| HostError::Install { package: config.package.display().to_string(), reason };
        let bytes = read(&config.package, &self.caller.limits).await.map_err(failed)?;
        let package = Package::read(&bytes, &self.caller.limits).map_err(|error| failed(error.into()))?;
        if self.caller.registry.find(&package.manifest.id).is_some() {
            return Err(failed(InstallError::Twice(package.manifest.id)));
        }
        Ok(self.activate(self.prepare_package(bytes, package, config).await.map_err(failed)?))
    }

    /// Installs a plugin, or another version of it in place of the one before.
    ///
    /// # Errors
    /// [`HostError::Install`] says what is wrong; then nothing has changed.
    pub async fn install(&self, bytes: Vec<u8>, config: &PluginConfig) -> Result<Installation, HostError> {
        Ok(self.activate(self.prepare(bytes, config).await?))
    }

    /// Makes a plugin ready to be called: all that can fail of installing it.
    ///
    /// # Errors
    /// [`HostError::Install`] says what is wrong.
    pub async fn prepare(&self, bytes: Vec<u8>, config: &PluginConfig) -> Result<Ready, HostError> {
        let named = |name: String| move |reason| HostError::Install { package: name, reason };
        let package = Package::read(&bytes, &self.caller.limits)
            .map_err(|error| named(config.package.display().to_string())(error.into()))?;
        let id = package.manifest.id.to_string();
        self.prepare_package(bytes, package, config).await.map_err(named(id))
    }

    /// Removes a plugin: new calls find none; calls that are under way end as they would. Says whether it was there.
    pub fn remove(&self, plugin: &PluginId) -> bool {
        self.caller.registry.remove(plugin).is_some()
    }

    /// What is under way at this moment.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let limits = &self.caller.limits;
        let under_way = |most: u64, free: usize| most.saturating_sub(free as u64);
        let plugins = self.caller.registry.all().into_iter().map(|plugin| PluginStanding {
            plugin: plugin.installation.plugin.clone(),
            calls: under_way(limits.calls_at_once_per_plugin, plugin.permits.available_permits()),
            upstreams: plugin.upstreams.iter().map(|(name, upstream)| upstream.standing(name)).collect(),
        });
        Standing {
            calls: under_way(limits.calls_at_once, self.caller.permits.available_permits()),
            most_calls: limits.calls_at_once,
            most_calls_of_one: limits.calls_at_once_per_plugin,
            most_requests: limits.upstream_requests_at_once,
            plugins: plugins.collect(),
        }
    }

    /// Every installed plugin, by id.
    #[must_use]
    pub fn installations(&self) -> Vec<Installation> {
        self.caller.registry.all().iter().map(|plugin| plugin.installation.clone()).collect()
    }

    /// What an installed plugin says of itself.
    #[must_use]
    pub fn manifest(&self, plugin: &PluginId) -> Option<Manifest> {
        self.caller.registry.find(plugin).map(|plugin| plugin.manifest.clone())
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.caller.limits
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Sends new calls to a plugin that is ready; it takes the place of the version before.
    pub fn activate(&self, ready: Ready) -> Installation {
        let installation = ready.0.installation.clone();
        let before = self.caller.registry.put(ready.0);
        tracing::info!(
            plugin = %installation.plugin, version = %installation.version, digest = %installation.digest,
            before = before.map(|before| before.installation.version.clone()).unwrap_or_default(),
            cached = installation.cached, "plugin installed"
        );
        installation
    }

    async fn prepare_package(
        &self,
        bytes: Vec<u8>,
        package: Package,
        config: &PluginConfig,
    ) -> Result<Ready, InstallError> {
        config.grant.check(&package, &config.upstreams)?;
        let settings = Value::Object(config.installation.clone());
        check_value(&package.manifest.installation_schema, &settings).map_err(InstallError::Installation)?;
        let mut upstreams = BTreeMap::new();
        for (name, binding) in &config.upstreams {
            let bound = Upstream::bind(binding, &self.caller.limits)
                .map_err(|reason| InstallError::Upstream { name: name.clone(), reason })?;
            upstreams.insert(name.clone(), bound);
        }
        for upstream in package.manifest.upstreams.iter().filter(|named| !upstreams.contains_key(&named.name)) {
            tracing::warn!(plugin = %package.manifest.id, upstream = %upstream.name, "an upstream of the plugin is not bound");
        }
        let (component, how) = self.component(bytes, &package).await?;
        self.check_resources(&component)?;
        let worlds = Worlds::link(self.caller.engine.wasmtime(), &component, &config.grant, &package.exports)
            .map_err(|error| InstallError::Link(scrub::line(&format!("{error:#}"), ERROR_LINE_BYTES)))?;
        let Package { digest, imports, exports, manifest } = package;
        let installation = Installation {
            plugin: manifest.id.clone(),
            version: manifest.version.clone(),
            name: manifest.name.clone(),
            digest,
            grant_sha256: config.grant.fingerprint(&config.upstreams),
            imports,
            exports,
            upstreams: config
                .upstreams
                .iter()
                .map(|(name, bound)| (name.clone(), bound.base_url.to_string()))
                .collect(),
            cached: how == Prepared::Cached,
        };
        let numbers = manifest.national_identity_number && config.grant.national_identity_number;
        Ok(Ready(Arc::new(Plugin {
            installation,
            manifest,
            worlds,
            upstreams: Arc::new(upstreams),
            settings: settings.to_string(),
            numbers,
            permits: permits(&self.caller.limits),
        })))
    }

    /// The component's code, from the cache or the compiler.
    async fn component(&self, bytes: Vec<u8>, package: &Package) -> Result<(Component, Prepared), InstallError> {
        let _one_at_a_time = self.compiling.lock().await;
        let began = Instant::now();
        let engine = self.caller.engine.wasmtime();
        let found = {
            let (cache, engine, digest) = (Arc::clone(&self.cache), engine.clone(), package.digest.clone());
            blocking(move || cache.load(&engine, &digest)).await?
        };
        let made = if let Some(component) = found {
            (component, Prepared::Cached)
        } else {
            let mut bytes = Bytes::from(bytes);
            // What is signed is what is compiled: the signature is no part of it.
            bytes.truncate(open(&bytes).map_err(PackageError::from)?.component.len());
            let code = self.caller.ports.compiler.compile(bytes, &self.caller.limits).await?;
            let (cache, engine, digest) = (Arc::clone(&self.cache), engine.clone(), package.digest.clone());
            let adopted = blocking(move || cache.adopt(&engine, &digest, &code)).await?;
            let refused = |error| CompileError::Invalid(scrub::line(&format!("{error:#}"), ERROR_LINE_BYTES));
            (adopted.map_err(refused)?, Prepared::Compiled)
        };
        self.caller.ports.observer.prepared(&package.manifest.id, made.1, began.elapsed());
        Ok(made)
    }

    /// What a call would need of the pool, found at install and not at the first citizen.
    fn check_resources(&self, component: &Component) -> Result<(), InstallError> {
        let limits = &self.caller.limits;
        let over = |what, needed: u64, limit: u64| {
            if needed > limit { Err(InstallError::Resources { what, needed, limit }) } else { Ok(()) }
        };
        let Some(needs) = component.resources_required() else {
            return Err(InstallError::Link("it instantiates a module that it imports".to_owned()));
        };
        over("memories", needs.num_memories.into(), limits.memories)?;
        over("tables", needs.num_tables.into(), limits.tables)?;
        over("bytes of memory at its start", needs.max_initial_memory_size.unwrap_or(0), limits.memory_bytes)?;
        over("elements in a table", needs.max_initial_table_size.unwrap_or(0), limits.table_elements)
    }
}

/// Reading and mapping code takes some milliseconds, in which this thread has others to serve.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CompileError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| CompileError::Broken(error.to_string()))
}

async fn read(path: &Path, limits: &Limits) -> Result<Vec<u8>, InstallError> {
    let (path, limit) = (path.to_owned(), limits.component_bytes);
    let reading = tokio::task::spawn_blocking(move || file::read(&path, limit));
    reading.await.map_err(|error| InstallError::File(error.into()))?.map_err(InstallError::File)
}
