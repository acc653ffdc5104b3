//! PasientSky: its simulated FHIR server, which also notifies.

use std::net::SocketAddr;

use serde_json::{Value, json};
use url::Url;

use super::{Room, grant};
use crate::{
    house::{authority, issuer::Client},
    sim::{
        pasientsky::{self, OauthClient, PasientskySim, Subscription},
        world::{OFFICES, Office, Solution},
    },
    trial::{self, Trial},
};

/// What the vendor knows the gateway as.
const CLIENT: &str = "dialog-gateway-at-pasientsky";

/// The secret that its notifications come with.
pub const SECRET: &str = "pasientsky-subscription-secret";

/// The room.
pub struct Pasientsky {
    sim: PasientskySim,
    client: Client,
}

impl Pasientsky {
    /// Starts the back end: its API and its control API.
    pub async fn start([address, control_address]: [SocketAddr; 2]) -> anyhow::Result<(PasientskySim, Self)> {
        let client = Client::new(CLIENT)?;
        let uses_it = |office: &&Office| office.account(Solution::Pasientsky).is_some();
        let sim = PasientskySim::start(pasientsky::Config {
            offices: OFFICES.iter().filter(uses_it).copied().collect(),
            clients: vec![OauthClient { client_id: client.id.to_owned(), key: client.public.clone() }],
            client: authority::client()?.build()?,
            address,
            control_address,
            ..pasientsky::Config::default()
        })
        .await?;
        Ok((sim.clone(), Self { sim, client }))
    }
}

impl Room for Pasientsky {
    fn solution(&self) -> Solution {
        Solution::Pasientsky
    }

    fn secrets(&self) -> Vec<(&'static str, String)> {
        vec![("pasientsky.pem", self.client.private.clone()), ("pasientsky.secret", SECRET.to_owned())]
    }

    fn table(&self) -> Value {
        json!({
            "poll-seconds": 1,
            "grant": grant(),
            "upstreams": { "fhir": {
                "base-url": self.sim.base_url(),
                "allow-networks": ["loopback"],
                "credentials": {
                    "kind": "oauth2",
                    "token-url": self.sim.token_url(),
                    "client-id": self.client.id,
                    "key": { "file": "pasientsky.pem" },
                    "algorithm": "ES256",
                },
            } },
            "installation": {},
            "webhook": {
                "scheme": "shared-secret",
                "secret": { "file": "pasientsky.secret" },
                "secret-header": pasientsky::subscription::SECRET_HEADER,
                "id-header": pasientsky::subscription::ID_HEADER,
            },
        })
    }

    fn gateway_listens(&self, provider: &Url) -> anyhow::Result<()> {
        let endpoint = provider.join("/v1/deliveries/pasientsky/notifications")?.to_string();
        self.sim.set_subscription(Some(Subscription { endpoint, secret: SECRET.to_owned() }));
        Ok(())
    }

    fn trial(&self) -> Trial {
        trial::pasientsky::trial(&self.sim)
    }

    fn violations(&self) -> Vec<String> {
        self.sim.violations().iter().map(|one| format!("{one:?}")).collect()
    }
}

/// What an office agreed: the id of its HealthcareService.
pub(super) fn settings(office: &Office) -> Value {
    json!({ "healthcareService": office.account(Solution::Pasientsky) })
}
