//! A whole house to test in: issuer, back ends, plugins, and a gateway in a process of its own, which can be killed.
//!
//! - [`plugins`]: builds the plugins, once.
//! - [`authority`]: certifies the gateway's listeners and whoever calls them.
//! - [`issuer`]: logs citizens in: signs access tokens, and publishes its keys.
//! - [`directory`]: the directory file that says who is whose GP and what the offices agreed.
//! - [`rooms`]: the providers: their back ends, and what the operator writes of each.
//! - [`notifiers`]: what carries notices, for houses that have it.
//! - [`configuration`]: the operator's file for this house.
//! - [`gateway`]: the gateway's process.
//! - [`lease`]: the demo's folder, which outlives it.
//! - [`proof`]: how the portal shows that a token is its own.
//! - [`watch`]: a citizen's screen, which follows the events.
//! - [`portal`]: the national portal: calls the API, and holds every reply against the OpenAPI document.

pub mod authority;
pub mod configuration;
pub mod directory;
pub mod gateway;
pub mod issuer;
pub mod lease;
pub mod notifiers;
pub mod plugins;
pub mod portal;
pub mod proof;
pub mod rooms;
pub mod watch;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;

use self::{
    configuration::Addresses,
    gateway::Gateway,
    issuer::{Client, Issuer},
    notifiers::Notifiers,
    rooms::{Besoklegen, CgmEportal, Ddfl, Helserespons, Kry, Pasientsky, Room},
};
use crate::sim::{
    besoklegen::BesoklegenSim,
    cgm_eportal::CgmEportalSim,
    helserespons::HelseresponsSim,
    kry::KrySim,
    meldingstjener::{MeldingstjenerSim, OauthClient},
    national::{self, NationalSim},
    pasientsky::PasientskySim,
};

/// What changes a configuration.
pub type Amend = Arc<dyn Fn(&mut serde_json::Value) + Send + Sync>;

/// How a house is built.
#[derive(Clone)]
pub struct Plan {
    /// The folder for configuration, keys and data.
    pub folder: PathBuf,
    /// The binary that runs the gateway (see [`gateway::COMMAND`]).
    pub binary: PathBuf,
    /// Where the gateway listens.
    pub addresses: Addresses,
    /// From this port on the back ends listen, each room's at two: its API, and its control API. None: where there is room.
    pub back_ends: Option<u16>,
    /// Whether tokens may be bound to nothing, for people who try it.
    pub bearer: bool,
    /// Whether citizens are told outside the portal.
    pub notices: bool,
    /// A collector of traces.
    pub otlp: Option<String>,
    /// Whether the gateway asks the national registers and has a personal archive.
    pub national: bool,
    /// Changes the directory file before the gateway reads it: an office that has switched a service off, say.
    pub arrange: Option<fn(&mut serde_json::Value)>,
    /// Changes the configuration before the gateway reads it: a further plugin, say.
    pub amend: Option<Amend>,
}

impl Plan {
    /// A house on free ports.
    #[must_use]
    pub fn free(folder: &Path, binary: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            binary: binary.to_owned(),
            addresses: Addresses::free(),
            back_ends: None,
            bearer: false,
            notices: false,
            otlp: None,
            national: false,
            arrange: None,
            amend: None,
        }
    }

    /// Where the back end of the room with this number listens.
    fn back_end(&self, room: u16) -> [SocketAddr; 2] {
        let at = |offset| self.back_ends.map_or(0, |first| first + 2 * room + offset);
        [0, 1].map(|offset| SocketAddr::from(([127, 0, 0, 1], at(offset))))
    }
}

/// A house with its back ends; the gateway comes and goes.
pub struct House {
    plan: Plan,
    plugins: Vec<(String, PathBuf)>,
    rooms: Vec<Box<dyn Room>>,
    notifiers: Option<Notifiers>,
    /// Logs citizens in.
    pub issuer: Issuer,
    /// The national registers and the personal archive, and the gateway as their client.
    pub national: NationalSim,
    national_client: Client,
    /// Behind the public solution.
    pub meldingstjener: MeldingstjenerSim,
    /// The commercial vendor.
    pub helserespons: HelseresponsSim,
    /// The vendor that speaks SOAP.
    pub besoklegen: BesoklegenSim,
    /// The commercial vendor that speaks FHIR.
    pub pasientsky: PasientskySim,
    /// The vendor that is long polled.
    pub cgm_eportal: CgmEportalSim,
    /// The commercial vendor with doctors of its own.
    pub kry: KrySim,
    gateway: Option<Gateway>,
}

impl House {
    /// Builds the plugins, starts the back ends, and then the gateway.
    pub async fn open(plan: Plan) -> anyhow::Result<Self> {
        let mut house = Self::furnished(plan).await?;
        house.start_gateway().await?;
        Ok(house)
    }

    /// Builds the plugins and starts the back ends: all but the gateway.
    pub async fn furnished(plan: Plan) -> anyhow::Result<Self> {
        let plugins = tokio::task::spawn_blocking(plugins::built).await??;
        let (meldingstjener, ddfl) = Ddfl::start(plan.back_end(0)).await?;
        let (helserespons, vendor) = Helserespons::start(plan.back_end(1)).await?;
        let (besoklegen, soap) = Besoklegen::start(plan.back_end(2)).await?;
        let (pasientsky, fhir) = Pasientsky::start(plan.back_end(3)).await?;
        let (cgm_eportal, graphql) = CgmEportal::start(plan.back_end(4)).await?;
        let (kry, own_doctors) = Kry::start(plan.back_end(5)).await?;
        let national_client = Client::new("dialog-gateway")?;
        let key = OauthClient { client_id: national_client.id.to_owned(), key: national_client.public.clone() };
        let national =
            NationalSim::start(national::Config { clients: vec![key], ..national::Config::default() }).await?;
        let rooms: Vec<Box<dyn Room>> = vec![
            Box::new(ddfl),
            Box::new(vendor),
            Box::new(soap),
            Box::new(fhir),
            Box::new(graphql),
            Box::new(own_doctors),
        ];
        let notifiers = plan.notices.then(|| Notifiers::start(plan.back_end(6))).transpose()?;
        Ok(Self {
            plan,
            plugins,
            rooms,
            notifiers,
            issuer: Issuer::new()?,
            national,
            national_client,
            meldingstjener,
            helserespons,
            besoklegen,
            pasientsky,
            cgm_eportal,
            kry,
            gateway: None,
        })
    }

    /// The providers.
    #[must_use]
    pub fn rooms(&self) -> &[Box<dyn Room>] {
        &self.rooms
    }

    /// Telephones and mailboxes, in a house that has them.
    pub fn notifiers(&self) -> anyhow::Result<&Notifiers> {
        self.notifiers.as_ref().context("nobody is told anything in this house")
    }

    /// The gateway that runs now.
    pub fn gateway(&self) -> anyhow::Result<&Gateway> {
        self.gateway.as_ref().context("no gateway is running")
    }

    /// Starts the gateway on the data that is there.
    pub async fn start_gateway(&mut self) -> anyhow::Result<()> {
        let keys = self.issuer.keys()?;
        let configuration = configuration::House {
            folder: &self.plan.folder,
            cache: &plugins::cache(),
            addresses: self.plan.addresses,
            keys: &keys,
            plugins: &self.plugins,
            rooms: &self.rooms,
            notifiers: self.notifiers.as_ref(),
            national: self.plan.national.then_some((&self.national, &self.national_client)),
            bearer: self.plan.bearer,
            otlp: self.plan.otlp.as_deref(),
            arrange: self.plan.arrange,
            amend: self.plan.amend.as_deref(),
        }
        .write()?;
        let gateway = Gateway::start(&self.plan.binary, &configuration, &self.log()).await?;
        for room in &self.rooms {
            room.gateway_listens(&gateway.provider)?;
        }
        if let Some(notifiers) = &self.notifiers {
            notifiers.gateway_listens(&gateway.provider)?;
        }
        self.gateway = Some(gateway);
        Ok(())
    }

    /// Changes the configuration from the next start on, in place of what the plan changes.
    pub fn amend(&mut self, amend: impl Fn(&mut serde_json::Value) + Send + Sync + 'static) {
        self.plan.amend = Some(Arc::new(amend));
    }

    /// Changes the directory file from the next start on, in place of what the plan changes.
    pub fn arrange(&mut self, arrange: fn(&mut serde_json::Value)) {
        self.plan.arrange = Some(arrange);
    }

    /// Kills the gateway as a power cut would.
    pub async fn kill_gateway(&mut self) -> anyhow::Result<()> {
        self.gateway.take().context("no gateway is running")?.kill().await
    }

    /// Stops the gateway in good order.
    pub async fn stop_gateway(&mut self) -> anyhow::Result<()> {
        let status = self.gateway.take().context("no gateway is running")?.stop().await?;
        anyhow::ensure!(status.success(), "the gateway stopped with {status}");
        Ok(())
    }

    /// Where its configuration, keys and data are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.plan.folder
    }

    /// What the gateway logs.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.plan.folder.join("gateway.log")
    }

    /// The audit log's folder.
    #[must_use]
    pub fn audit(&self) -> PathBuf {
        self.plan.folder.join("data/audit")
    }

    /// The key by which the audit log is verified.
    pub fn audit_key(&self) -> anyhow::Result<String> {
        let key = std::fs::read_to_string(self.plan.folder.join("audit.key"))?;
        Ok(dialog_audit::SigningKey::parse(&key)?.verifier_key())
    }
}
