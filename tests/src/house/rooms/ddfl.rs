//! The public solution: the simulated Meldingstjener, with the offices' record systems behind it.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{Room, grant};
use crate::{
    house::{directory, issuer::Client},
    sim::{
        meldingstjener::{self, MeldingstjenerSim, OauthClient, epj::epj},
        world::{self, Office, Solution},
    },
    trial::{self, Trial},
};

/// What the Meldingstjener knows the gateway as.
const CLIENT: &str = "dialog-gateway";

/// The room.
pub struct Ddfl {
    sim: MeldingstjenerSim,
    client: Client,
}

impl Ddfl {
    /// Starts the back end: its API and its control API.
    pub async fn start([address, control_address]: [SocketAddr; 2]) -> anyhow::Result<(MeldingstjenerSim, Self)> {
        let client = Client::new(CLIENT)?;
        let sim = MeldingstjenerSim::start(meldingstjener::Config {
            tokens: Vec::new(),
            clients: vec![OauthClient { client_id: client.id.to_owned(), key: client.public.clone() }],
            address,
            control_address,
            ..meldingstjener::Config::default()
        })
        .await?;
        Ok((sim.clone(), Self { sim, client }))
    }
}

impl Room for Ddfl {
    fn solution(&self) -> Solution {
        Solution::Ddfl
    }

    fn secrets(&self) -> Vec<(&'static str, String)> {
        vec![("meldingstjener.pem", self.client.private.clone())]
    }

    fn table(&self) -> Value {
        json!({
            "poll-seconds": 1,
            "grant": grant(),
            "upstreams": { "meldingstjener": {
                "base-url": self.sim.base_url(),
                "allow-networks": ["loopback"],
                "credentials": {
                    "kind": "oauth2",
                    "token-url": format!("{}/connect/token", self.sim.base_url()),
                    "client-id": self.client.id,
                    "key": { "file": "meldingstjener.pem" },
                    "algorithm": "ES256",
                },
            } },
            "installation": {
                "organisation": { "name": world::PORTAL_ORGANISATION_NAME, "herId": world::PORTAL_ORGANISATION_HER_ID },
                "party": { "name": world::PORTAL_NAME, "herId": world::PORTAL_HER_ID },
            },
        })
    }

    fn trial(&self) -> Trial {
        trial::ddfl::trial(&self.sim)
    }

    fn violations(&self) -> Vec<String> {
        self.sim.violations().iter().map(|one| format!("{one:?}")).collect()
    }
}

/// What an office agreed: the processes of its record system, and whom they are for.
pub(super) fn settings(office: &Office) -> Value {
    let Some(system) = office.record_system else { return json!({}) };
    json!({
        "processes": epj(system)
            .processes()
            .iter()
            .map(|(process, (major, minor))| format!("{}@{major}.{minor}", process.code()))
            .collect::<Vec<_>>(),
        "clinicians": office.gps.iter().map(directory::clinician).collect::<Vec<_>>(),
    })
}
