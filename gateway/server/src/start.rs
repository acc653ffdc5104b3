//! From a checked configuration to a running gateway, and in good order to its end.
//!
//! Nothing is bound, opened or written before the configuration was checked with all that it names. What must not be
//! forgotten is opened first, the audit log before anything that it records; what the process before
//! left unfinished is repaired before any port is served.

use std::{collections::HashMap, io::Write, path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use dialog_audit::{SigningKey, WhenSealed};
use dialog_contract::{
    action::Action,
    audit::{Actor, ActorRole, Record, RecordKind},
    ids::{HerId, PluginId},
    pseudonym::Pseudonyms,
};
use dialog_core::{
    Desk, KnownCitizens, Ports, Retention,
    ports::{
        blobs::Blobs,
        clock::{Clock, SystemClock},
        evidence::Evidence,
        store::Store,
    },
};
use dialog_host::{
    Host, HostConfig,
    compile::{Compile, Process},
    packages::{Packages, PackagesConfig, PackagesPorts},
    upstream::remote::Remote,
};
use dialog_store::{FileBlobs, SealedBlobs, SealedStore, SledConfig, SledStore};
use secrecy::ExposeSecret;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;

use crate::{
    abuse::rates::Rates,
    archive::PersonalArchive,
    auth::{possession::Possession, verifier::Verifier},
    background,
    check::{self, Checked, CheckedPlugin},
    config::{Config, DirectoryConfig},
    directory::{
        self,
        file::Directory,
        lookup::StoredDirectory,
        registers::{
            RegisteredDirectory,
            address_register::AddressRegister,
            gp_register::{GpRegister, Ground},
        },
    },
    encryption,
    evidence::AuditLog,
    gateway::{Gateway, Reached},
    http::{routes, streams::EventStreams},
    limits,
    listener::Listener,
    log,
    log_reading::LogReading,
    return_origins::ReturnOrigins,
    telemetry::{
        logs::Telemetry,
        metrics::{Metrics, Watched, registers::Register},
        panics,
        trace_context::CurrentSpan,
    },
    tls::{door::Door, reload},
    trails::AuditTrails,
    webhook::Webhook,
    witnesses::{Reach, Rules, Witnesses},
};

/// Requests under way have this long to come to their end when the gateway is to stop: their own deadline, and some.
const DRAIN: Duration = Duration::from_secs(25);

/// How the vendors of some plugins sign what they push.
type Webhooks = HashMap<PluginId, Webhook>;

/// Which plugins are asked for news, and how often.
pub type Polled = Vec<(PluginId, Duration)>;

/// Runs the gateway until SIGTERM or SIGINT. `ready` is told each address, then `ready`, a line each.
pub fn run(file: &Path, ready: &mut dyn Write) -> anyhow::Result<()> {
    let config = Config::read(file)?;
    let checked = checked(file, &config)?;
    let audit_key = SigningKey::parse(config.audit.key.read()?.expose_secret()).context("audit.key")?;
    let telemetry = Telemetry::start(&config.telemetry, audit_key.name())?;
    panics::say_where();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime")?;
    let ended = runtime.block_on(serve(config, checked, ready));
    if let Err(error) = &ended {
        tracing::error!(error = format!("{error:#}"), "the gateway ends");
    }
    runtime.shutdown_timeout(Duration::from_secs(5));
    telemetry.shutdown();
    ended
}

/// Checks the configuration with everything that it names.
///
/// # Errors
/// Says all that is wrong, with the configuration's name.
pub fn checked(file: &Path, config: &Config) -> anyhow::Result<Checked> {
    check::check(config).map_err(|problems| anyhow::anyhow!("{}:\n  {}", file.display(), problems.join("\n  ")))
}

async fn serve(config: Config, mut checked: Checked, ready: &mut dyn Write) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;

    for warning in &checked.warnings {
        tracing::warn!("{warning}");
    }
    // Without this a SIGHUP would end the process.
    let hangup = signal(SignalKind::hangup())?;

    // Ports are bound, so that a second gateway is refused, and not yet served.
    let portal = Listener::bind(config.listen.portal).await.context("listen.portal")?;
    let provider = Listener::bind(config.listen.provider).await.context("listen.provider")?;
    let operations = Listener::bind(config.listen.operations).await.context("listen.operations")?;
    let papers = std::mem::take(&mut checked.papers);

    let Assembled { gateway, polled, registers, witnesses } =
        assemble(&config, checked, Arc::new(Process::of_this_binary())).await?;
    let repaired = gateway.desk.recover().await.context("repair what was left unfinished")?;
    if repaired.due > 0 {
        tracing::warn!(count = repaired.due, "repaired what the process before left unfinished");
    }

    let stop = gateway.stop.clone();
    let witnesses = witnesses.map(|witnesses| tokio::spawn(witnesses.run(stop.clone())));
    let mut tasks = background::start(&gateway, polled);
    background::registers(&mut tasks, &config, registers, &stop);
    let doors: Vec<Arc<Door>> = papers
        .into_iter()
        .map(|(listener, tls, papers)| Arc::new(Door::new(listener, tls, &papers, Arc::clone(&gateway.metrics))))
        .collect();
    let mut listeners = Vec::new();
    for (name, listener, routes) in [
        ("portal", portal, routes::portal()),
        ("provider", provider, routes::provider()),
        ("operations", operations, routes::operations()),
    ] {
        let door = doors.iter().find(|door| door.listener() == name).map(Arc::clone);
        let scheme = if door.is_some() { "https" } else { "http" };
        writeln!(ready, "{name} {scheme}://{}", listener.address)?;
        let listener = listener.named(name, Arc::clone(&gateway.metrics)).behind(door);
        listeners.push(listener.serve(routes.into_router(Arc::clone(&gateway)), stop.clone()));
    }
    let evidence = Arc::clone(&gateway.evidence);
    tasks.spawn(background::trust(Arc::clone(&gateway), signal(SignalKind::hangup())?));
    tasks.spawn(reload::watch(doors, limits::CERTIFICATES_LOOKED_AT, hangup, evidence, stop.clone()));
    // In the log first: who waits for the word may then read there what was said before it.
    tracing::info!("ready");
    writeln!(ready, "ready")?;
    ready.flush()?;

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: requests under way come to their end");
    stop.cancel();
    let drained = async {
        for listener in listeners {
            let _ = listener.await;
        }
        tasks.join_all().await;
    };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("not everything came to its end in time; it is repaired at the next start");
    }
    for record in gateway.log_reading.rest(gateway.clock.now()) {
        gateway.evidence.record(record).await.context("record who read the audit log")?;
    }
    gateway.evidence.record(own(RecordKind::Stop, Action::GatewayStop)).await.context("record the stop")?;
    if let Some(task) = witnesses
        && let Ok(mut witnesses) = task.await
        && !witnesses.last().await
    {
        tracing::warn!("the end of the audit log is not published yet: too few witnesses have signed it");
    }
    gateway.evidence.log().close().await.context("close the audit log")?;
    gateway.store.close().await;
    Ok(())
}

/// A gateway that serves nothing yet.
pub struct Assembled {
    /// What every handler reaches.
    pub gateway: Arc<Gateway>,
    /// Which plugins are to be asked for news, and how often.
    pub polled: Polled,
    /// The national registers, and the offices that they are asked about.
    pub registers: Registers,
    /// Who must sign the audit log too, where there is a policy.
    pub witnesses: Option<Witnesses>,
}

/// The national registers that the directory asks.
#[derive(Default)]
pub struct Registers {
    /// Who is whose GP.
    pub gp: Option<Arc<GpRegister>>,
    /// Whose HER-id it is, and which HER-ids it is asked about.
    pub addresses: Option<(Arc<AddressRegister>, Vec<HerId>)>,
}

/// Opens everything that was checked, and serves nothing yet; `compiler` is for its plugins.
pub async fn assemble(config: &Config, checked: Checked, compiler: Arc<dyn Compile>) -> anyhow::Result<Assembled> {
    for issuer in config.issuers.iter().filter(|issuer| issuer.bearer) {
        tracing::warn!(issuer = issuer.issuer, "tokens of this issuer may be bound to nothing: for development only");
    }
    let folder = &config.data.folder;
    std::fs::create_dir_all(folder).with_context(|| format!("data.folder: {}", folder.display()))?;
    let pseudonym_key = config.pseudonyms.key.read()?;
    let pseudonyms = Arc::new(Pseudonyms::new(pseudonym_key.expose_secret().as_bytes()).context("pseudonyms.key")?);
    let metrics = Arc::new(Metrics::default());

    let log_folder = log::folder(config);
    let (audit, log_at) = (config.audit.clone(), log_folder.clone());
    let opened = tokio::task::spawn_blocking(move || log::open(&audit, log_at, WhenSealed::Refuse)).await??;
    let (log, origin) = (opened.log.clone(), opened.origin.clone());
    let evidence = Arc::new(AuditLog::new(log.clone(), origin, Arc::clone(&pseudonyms), Arc::clone(&metrics)));
    let trails =
        AuditTrails::new(log.clone(), opened.origin.clone(), opened.earlier.clone(), &folder.join("audit-index"));
    let mut witnesses = None;
    if let Some(policy) = &opened.policy {
        let rules = Rules {
            policy: Arc::clone(policy),
            own: opened.own.clone(),
            every: log::every(&config.audit),
            on_fork: config.audit.on_fork,
        };
        let port = Arc::<AuditLog>::clone(&evidence);
        let mut asked = Witnesses::new(rules, Reach { log, evidence: port, metrics: Arc::clone(&metrics) })?;
        // Before the first record: a log that was put back from a copy would fork with it.
        asked.round().await;
        witnesses = Some(asked);
    }
    opened.record(evidence.as_ref()).await?;
    evidence.record(own(RecordKind::Start, Action::GatewayStart)).await?;
    let mut record = own(RecordKind::Configuration, Action::GatewayConfigure);
    record.details.insert("sha256".to_owned(), config.sha256.clone());
    evidence.record(record).await?;

    // What stands above sees plain values, what lies below sees none.
    let keys = encryption::open(config).await?;
    let store = Arc::new(SledStore::open(folder.join("store"), SledConfig::default()).await.context("open the store")?);
    let sealed = SealedStore::open(Arc::<SledStore>::clone(&store), keys.clone()).await.context("open the store")?;
    let ports_store: Arc<dyn Store> = Arc::new(sealed);
    let files = FileBlobs::open(folder.join("attachments")).await.context("open the attachments")?;
    let blobs: Arc<dyn Blobs> = Arc::new(SealedBlobs::new(Arc::new(files), keys.clone()));

    let Checked { directory: loaded, mut plugins, .. } = checked;
    let names = directory::names::open(ports_store.as_ref()).await.context("open the directory")?;
    directory::loader::load(ports_store.as_ref(), &names, &loaded.directory, loaded.sha256)
        .await
        .context("load the directory")?;
    let names = Arc::new(names);
    let (kept, known_as) = (Arc::clone(&ports_store), Arc::clone(&names));
    let directory = StoredDirectory::open(Arc::clone(&ports_store), Arc::clone(&names)).await?;

    let citizens = KnownCitizens::open(Arc::clone(&ports_store)).await.context("open the citizens' names")?;
    let registers = registers(
        config,
        loaded.directory.offices.iter().map(|office| office.her_id).collect(),
        Ground {
            store: Arc::clone(&ports_store),
            names,
            citizens: citizens.clone(),
            clock: Arc::new(SystemClock),
            metrics: Arc::clone(&metrics),
        },
    )?;
    let directory = RegisteredDirectory {
        file: directory,
        gp: registers.gp.clone(),
        addresses: registers.addresses.as_ref().map(|(register, _)| Arc::clone(register)),
    };
    let host = Host::new(
        HostConfig {
            cache_dir: config.data.cache.clone().unwrap_or_else(|| folder.join("cache")),
            limits: config.limits.clone(),
            plugins: Vec::new(),
        },
        dialog_host::Ports {
            observer: Arc::<Metrics>::clone(&metrics),
            traceparent: Arc::new(CurrentSpan),
            compiler,
            ..dialog_host::Ports::new(Arc::clone(&ports_store), Arc::new(citizens), Arc::clone(&blobs))
        },
    );
    let host = Arc::new(host.await?);
    metrics.watch(Watched {
        host: Arc::downgrade(&host),
        log: evidence.log().clone(),
        folders: vec![("data", folder.clone()), ("audit", log_folder.clone())],
    });
    let packages = Packages::open(
        PackagesConfig {
            folder: folder.join("packages"),
            trust: config.trust.file.clone(),
            unsigned: config.trust.unsigned_plugins,
            entries: config
                .plugins
                .iter()
                .zip(&mut plugins)
                .map(|(entry, checked)| entry.entry(checked.package.take()))
                .collect(),
        },
        PackagesPorts {
            host: Arc::clone(&host),
            store: Arc::clone(&ports_store),
            evidence: Arc::<AuditLog>::clone(&evidence),
            clock: Arc::new(SystemClock),
        },
    );
    let packages = packages.await.context("install the plugins")?;
    let (webhooks, polled) = inbound(config, &plugins)?;

    let mut desk = Desk::open_on(
        Ports {
            store: ports_store,
            blobs,
            keyring: Arc::new(keys.clone()),
            directory: Arc::new(directory),
            providers: host,
            evidence: Arc::<AuditLog>::clone(&evidence),
            trails: Arc::new(trails.clone()),
            clock: Arc::new(SystemClock),
        },
        config.public_url.as_str().trim_end_matches('/'),
    )
    .await
    .context("open the desk")?
    .keeping(Retention { unreadable_days: config.data.unreadable_days });
    if let Some(notices) = &config.notices {
        desk = desk.noticing(notices.rules());
    }
    let desk = match &config.archive {
        Some(table) => {
            let remote = Remote::bind(&table.upstream, &config.limits).context("archive.upstream")?;
            desk.archiving(Arc::new(PersonalArchive::new(remote, table.file_bytes)))
        }
        None => desk,
    };
    for (office, service) in desk.overtaken_agreements().await.context("compare the agreements with the directory")? {
        tracing::warn!(%office, %service, "the directory file says something else of this agreement than when it was changed; what was changed holds");
    }
    tell_of_changes(kept.as_ref(), &known_as, &loaded.directory, &desk).await;
    let gateway = Gateway {
        desk,
        verifier: Verifier::new(config.issuers.clone()).context("issuers")?,
        possession: Possession::new(SystemClock.now().as_second().unsigned_abs())?,
        reached: Reached {
            portal: config.public_url.clone(),
            operations: config.operations.public_url.clone().unwrap_or_else(|| config.public_url.clone()),
        },
        packages,
        uploads: Semaphore::new(limits::PACKAGES_AT_ONCE),
        evidence,
        trails,
        log_folder,
        earlier_logs: opened.earlier.into_iter().map(|log| (log.hash(), log.folder)).collect(),
        keep_records_days: config.audit.keep_records_days,
        log_reading: LogReading::default(),
        open_log: config.operations.open_log,
        return_origins: ReturnOrigins::of(&config.payments.return_origins, &config.public_url),
        permits: Semaphore::new(limits::REQUESTS_AT_ONCE),
        rates: Rates::new(&config.rates),
        event_streams: EventStreams::default(),
        store,
        keys,
        clock: SystemClock,
        metrics,
        webhooks,
        stop: CancellationToken::new(),
    };
    Ok(Assembled { gateway: Arc::new(gateway), polled, registers, witnesses })
}

/// The registers that the operator bound; nobody is asked yet.
fn registers(config: &Config, offices: Vec<HerId>, ground: Ground) -> anyhow::Result<Registers> {
    let mut registers = Registers::default();
    let DirectoryConfig { gp_register, address_register, .. } = &config.directory;
    if let Some(table) = address_register {
        let remote = Remote::bind(&table.upstream, &config.limits).context("directory.address-register.upstream")?;
        ground.metrics.with_register(Register::Address);
        let (store, clock, metrics) =
            (Arc::clone(&ground.store), Arc::clone(&ground.clock), Arc::clone(&ground.metrics));
        let register = AddressRegister::new(remote, table.pace(), store, clock, metrics);
        registers.addresses = Some((Arc::new(register), offices));
    }
    if let Some(table) = gp_register {
        let remote = Remote::bind(&table.upstream, &config.limits).context("directory.gp-register.upstream")?;
        ground.metrics.with_register(Register::Gp);
        registers.gp = Some(Arc::new(GpRegister::new(remote, table.pace(), ground)));
    }
    Ok(registers)
}

/// How each plugin's news reach the gateway.
fn inbound(config: &Config, plugins: &[CheckedPlugin]) -> anyhow::Result<(Webhooks, Polled)> {
    let (mut webhooks, mut polled) = (HashMap::new(), Vec::new());
    for (entry, plugin) in config.plugins.iter().zip(plugins) {
        if let Some(every) = entry.poll_seconds {
            polled.push((plugin.id.clone(), Duration::from_secs(every.get().into())));
        }
        if let Some(webhook) = &entry.webhook {
            let webhook = Webhook::of(webhook).with_context(|| format!("the webhooks of {}", plugin.id))?;
            webhooks.insert(plugin.id.clone(), webhook);
        }
    }
    Ok((webhooks, polled))
}

pub(crate) fn own(kind: RecordKind, action: Action) -> Record {
    let actor = Actor { role: ActorRole::Gateway, client: "gateway".to_owned(), person: None, level: None };
    Record {
        details: [("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned())].into(),
        ..Record::new(SystemClock.now(), kind, action, actor)
    }
}

/// Lets the providers that asked know of whom the directory file now says something else than before it changed. What
/// does not succeed is found again at the next start.
async fn tell_of_changes(store: &dyn Store, names: &Pseudonyms, directory: &Directory, desk: &Desk) {
    let work = async {
        for (citizen, active) in directory::loader::changed(store, names, directory).await? {
            desk.directory_changed(&citizen, active).await?;
        }
        directory::loader::settle(store).await
    };
    if let Err(error) = work.await {
        tracing::warn!(%error, "providers could not be told of who is digitally active now; they are at the next start");
    }
}
