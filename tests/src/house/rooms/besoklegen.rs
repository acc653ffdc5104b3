//! Besøklegen: its simulated service, which is asked for news.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{Room, grant};
use crate::{
    sim::{
        besoklegen::{self, BesoklegenSim},
        world::{Office, Solution},
    },
    trial::{self, Trial},
};

/// Who the gateway is to it.
const USERNAME: &str = "dialog-gateway";

/// The password.
const PASSWORD: &str = "besoklegen-ws-security-password";

/// The room.
pub struct Besoklegen {
    sim: BesoklegenSim,
}

impl Besoklegen {
    /// Starts the back end: its service and its control API.
    pub async fn start([address, control_address]: [SocketAddr; 2]) -> anyhow::Result<(BesoklegenSim, Self)> {
        let sim = BesoklegenSim::start(besoklegen::Config {
            username: USERNAME.to_owned(),
            password: PASSWORD.to_owned(),
            address,
            control_address,
            ..besoklegen::Config::default()
        })
        .await?;
        Ok((sim.clone(), Self { sim }))
    }
}

impl Room for Besoklegen {
    fn solution(&self) -> Solution {
        Solution::Besoklegen
    }

    fn secrets(&self) -> Vec<(&'static str, String)> {
        vec![("besoklegen.password", PASSWORD.to_owned())]
    }

    fn table(&self) -> Value {
        json!({
            "poll-seconds": 1,
            "grant": grant(),
            "upstreams": { "portal": {
                "base-url": self.sim.base_url(),
                "allow-networks": ["loopback"],
                "credentials": {
                    "kind": "ws-security",
                    "username": USERNAME,
                    "password": { "file": "besoklegen.password" },
                },
            } },
            "installation": {},
        })
    }

    fn trial(&self) -> Trial {
        trial::besoklegen::trial(&self.sim)
    }

    fn violations(&self) -> Vec<String> {
        self.sim.violations().iter().map(|one| format!("{one:?}")).collect()
    }
}

/// What an office agreed: what the vendor calls it.
pub(super) fn settings(office: &Office) -> Value {
    json!({ "practice": office.account(Solution::Besoklegen) })
}
