//! The handle that tests and the demo hold.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use super::{Kept, Shared, State, api, lock, registers::Registers};
use crate::sim::{
    listener::Listener,
    meldingstjener::{OauthClient, token::Tokens},
    trouble::{Faults, Trouble},
    waiting::{Changes, Overdue},
    world::{Citizen, Gp, Office},
};

/// How it starts.
#[derive(Clone)]
pub struct Config {
    /// Who may fetch tokens.
    pub clients: Vec<OauthClient>,
    /// How long the waiting helpers wait.
    pub patience: Duration,
    /// Where it listens; port 0 takes a free one.
    pub address: SocketAddr,
}

impl Default for Config {
    fn default() -> Config {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Config { clients: Vec::new(), patience: Duration::from_secs(20), address }
    }
}

/// The national services. Clones are the same; they stop with the last of them.
#[derive(Clone, Debug)]
pub struct NationalSim {
    /// What goes wrong in the transport.
    pub trouble: Trouble,
    shared: Arc<Shared>,
    patience: Duration,
}

impl NationalSim {
    /// Starts the server.
    pub async fn start(config: Config) -> std::io::Result<NationalSim> {
        let state = State {
            registers: Registers::default(),
            followed: 0,
            documents: Vec::new(),
            repeated: 0,
            violations: Vec::new(),
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            tokens: Mutex::new(Tokens::new(Vec::new(), config.clients)),
            faults: Faults::default(),
            base_url: OnceLock::new(),
            changes: Changes::default(),
        });
        let (socket, address) = Listener::bind(config.address)?;
        // Set once, here.
        let _ = shared.base_url.set(format!("http://{address}"));
        let listener = Listener::serve(socket, address, api::router(Arc::clone(&shared)))?;
        let trouble = Trouble::new(shared.faults.clone(), listener);
        Ok(NationalSim { trouble, shared, patience: config.patience })
    }

    /// Where a service is.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.shared.base_url.get().cloned().unwrap_or_default())
    }

    /// What the gateway did against the rules.
    pub fn violations(&self) -> Vec<String> {
        self.shared.look(|state| state.violations.clone())
    }

    /// Puts a citizen on the list of another GP.
    pub fn assign(&self, citizen: &Citizen, office: &Office, gp: &Gp) {
        self.shared.with(|state| state.registers.assign(citizen.national_id, office.service_her_id, gp.hpr));
    }

    /// Every document of the archive.
    pub fn documents(&self) -> Vec<Kept> {
        self.shared.look(|state| state.documents.clone())
    }

    /// How often a document came that was there already.
    pub fn repeated(&self) -> usize {
        self.shared.look(|state| state.repeated)
    }

    /// Lets every token expire.
    pub fn expire_tokens(&self) {
        lock(&self.shared.tokens).expire();
    }

    /// Waits until the gateway has taken in every change: it asks for what comes after the last.
    pub async fn wait_until_followed(&self) -> Result<(), Overdue> {
        let look = || self.shared.look(|state| (state.followed >= state.registers.changed()).then_some(()));
        let seen = || self.shared.look(|state| format!("{} of {} changes", state.followed, state.registers.changed()));
        self.shared.changes.wait_for("the end of the changes", self.patience, look, seen).await
    }

    /// Waits until the archive has this dialog.
    pub async fn wait_for_document(&self, dialog: &str) -> Result<Kept, Overdue> {
        let identifier = format!("urn:uuid:{dialog}");
        let look =
            || self.shared.look(|state| state.documents.iter().find(|kept| kept.identifier == identifier).cloned());
        let seen = || format!("there are {} documents; {:?}", self.documents().len(), self.violations());
        self.shared.changes.wait_for("a document", self.patience, look, seen).await
    }
}
