//! Helserespons: its simulated API, which also pushes.

use std::net::SocketAddr;

use serde_json::{Value, json};
use url::Url;

use super::{Room, grant};
use crate::{
    house::authority,
    sim::{
        helserespons::{self, HelseresponsSim, Webhook},
        world::{Office, Solution},
    },
    trial::{self, Trial},
};

/// The key that it accepts.
const KEY: &str = "helserespons-key";

/// The secret that its webhooks are signed with.
pub const SECRET: &str = "helserespons-webhook-secret";

/// The room.
pub struct Helserespons {
    sim: HelseresponsSim,
}

impl Helserespons {
    /// Starts the back end: its API and its control API.
    pub async fn start([address, control_address]: [SocketAddr; 2]) -> anyhow::Result<(HelseresponsSim, Self)> {
        let sim = HelseresponsSim::start(helserespons::Config {
            key: KEY.to_owned(),
            client: authority::client()?.build()?,
            address,
            control_address,
            ..helserespons::Config::default()
        })
        .await?;
        Ok((sim.clone(), Self { sim }))
    }
}

impl Room for Helserespons {
    fn solution(&self) -> Solution {
        Solution::Helserespons
    }

    fn secrets(&self) -> Vec<(&'static str, String)> {
        vec![("helserespons.key", KEY.to_owned()), ("helserespons.secret", SECRET.to_owned())]
    }

    fn table(&self) -> Value {
        json!({
            "poll-seconds": 1,
            "grant": grant(),
            "upstreams": { "api": {
                "base-url": self.sim.base_url(),
                "allow-networks": ["loopback"],
                "credentials": { "kind": "api-key", "header": "x-api-key", "key": { "file": "helserespons.key" } },
            } },
            "installation": {},
            "webhook": {
                "secret": { "file": "helserespons.secret" },
                "signature-header": "x-helserespons-signature",
                "timestamp-header": "x-helserespons-timestamp",
                "id-header": "x-helserespons-delivery",
            },
        })
    }

    fn gateway_listens(&self, provider: &Url) -> anyhow::Result<()> {
        let url = provider.join("/v1/deliveries/helserespons/changes")?;
        self.sim.set_webhook(Some(Webhook { url: url.to_string(), secret: SECRET.to_owned() }));
        Ok(())
    }

    fn trial(&self) -> Trial {
        trial::helserespons::trial(&self.sim)
    }

    fn violations(&self) -> Vec<String> {
        self.sim.violations().iter().map(|one| format!("{one:?}")).collect()
    }
}

/// What an office agreed: what the vendor calls it.
pub(super) fn settings(office: &Office) -> Value {
    json!({ "clinic": office.account(Solution::Helserespons) })
}
