//! Kry: its simulated API, which is also where its tokens come from, and which pushes as Standard Webhooks has it.

use std::net::SocketAddr;

use serde_json::{Value, json};
use url::Url;

use super::{Room, grant};
use crate::{
    house::{authority, issuer::Client},
    sim::{
        kry::{self, KrySim, OauthClient, Webhook},
        world::{Office, Solution},
    },
    trial::{self, Trial},
};

/// What the vendor knows the gateway as.
const CLIENT: &str = "dialog-gateway-at-kry";

/// The secret that its webhooks are signed with.
pub const SECRET: &str = "whsec_a3J5LXdlYmhvb2stc2VjcmV0LW9mLTMyLWJ5dGVz";

/// The room.
pub struct Kry {
    sim: KrySim,
    client: Client,
}

impl Kry {
    /// Starts the back end: its API and its control API.
    pub async fn start([address, control_address]: [SocketAddr; 2]) -> anyhow::Result<(KrySim, Self)> {
        let client = Client::new(CLIENT)?;
        let sim = KrySim::start(kry::Config {
            clients: vec![OauthClient { client_id: client.id.to_owned(), key: client.public.clone() }],
            client: authority::client()?.build()?,
            address,
            control_address,
            ..kry::Config::default()
        })
        .await?;
        Ok((sim.clone(), Self { sim, client }))
    }
}

impl Room for Kry {
    fn solution(&self) -> Solution {
        Solution::Kry
    }

    fn secrets(&self) -> Vec<(&'static str, String)> {
        vec![("kry.pem", self.client.private.clone()), ("kry.secret", SECRET.to_owned())]
    }

    fn table(&self) -> Value {
        json!({
            "poll-seconds": 1,
            "grant": grant(),
            "upstreams": { "api": {
                "base-url": self.sim.base_url(),
                "allow-networks": ["loopback"],
                "credentials": {
                    "kind": "oauth2",
                    "token-url": format!("{}/oauth/token", self.sim.base_url()),
                    "client-id": self.client.id,
                    "key": { "file": "kry.pem" },
                    "algorithm": "ES256",
                },
            } },
            "installation": {},
            "webhook": { "scheme": "standard-webhooks", "secret": { "file": "kry.secret" } },
        })
    }

    fn gateway_listens(&self, provider: &Url) -> anyhow::Result<()> {
        let url = provider.join("/v1/deliveries/kry/events")?.to_string();
        self.sim.set_webhook(Some(Webhook { url, secrets: vec![SECRET.to_owned()], clock_off: 0 }));
        Ok(())
    }

    fn trial(&self) -> Trial {
        trial::kry::trial(&self.sim)
    }

    fn violations(&self) -> Vec<String> {
        self.sim.violations().iter().map(|one| format!("{one:?}")).collect()
    }
}

/// What an office agreed: what the vendor calls the unit.
pub(super) fn settings(office: &Office) -> Value {
    json!({ "unit": office.account(Solution::Kry) })
}
