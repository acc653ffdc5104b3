//! CGM e-portal: its simulated API, behind mutual TLS.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{Room, grant};
use crate::{
    house::authority::{self, Pair},
    sim::{
        cgm_eportal::{CgmEportalSim, Config, Papers},
        world::{OFFICES, Office, Solution},
    },
    trial::{self, Trial},
};

/// The gateway's certificate, in the house's folder.
const CERTIFICATE_FILE: &str = "cgm-eportal.pem";
/// Its key.
const KEY_FILE: &str = "cgm-eportal.key";
/// Who certifies the vendor.
const AUTHORITY_FILE: &str = "cgm-eportal-ca.pem";

/// The room.
pub struct CgmEportal {
    sim: CgmEportalSim,
    /// Who certifies the vendor, PEM.
    authority: String,
    /// What the gateway shows: registered with the vendor.
    gateway: Pair,
}

impl CgmEportal {
    /// Starts the back end: its API and its control API.
    pub async fn start([address, control_address]: [SocketAddr; 2]) -> anyhow::Result<(CgmEportalSim, Self)> {
        let authority = authority::development()?;
        let (listener, gateway) = (authority.listener()?, authority.caller("dialog-gateway")?);
        let papers = Papers {
            certificate: listener.certificate,
            key: listener.key,
            authority: authority.certificate().to_owned(),
            clients: vec![gateway.certificate.clone()],
        };
        let practice = |office: &'static Office| Some((office.account(Solution::CgmEportal)?, office));
        let practices = OFFICES.iter().filter_map(practice).collect();
        let authority = papers.authority.clone();
        let config = Config { address, control_address, ..Config::new(papers, practices) };
        let sim = CgmEportalSim::start(config).await?;
        Ok((sim.clone(), Self { sim, authority, gateway }))
    }
}

impl Room for CgmEportal {
    fn solution(&self) -> Solution {
        Solution::CgmEportal
    }

    fn secrets(&self) -> Vec<(&'static str, String)> {
        vec![
            (AUTHORITY_FILE, self.authority.clone()),
            (CERTIFICATE_FILE, self.gateway.certificate.clone()),
            (KEY_FILE, self.gateway.key.clone()),
        ]
    }

    fn table(&self) -> Value {
        json!({
            "poll-seconds": 1,
            "grant": grant(),
            "upstreams": { "api": {
                "base-url": self.sim.base_url(),
                "allow-networks": ["loopback"],
                "certificate-authorities": AUTHORITY_FILE,
                "credentials": { "kind": "mtls", "certificate": CERTIFICATE_FILE, "key": { "file": KEY_FILE } },
            } },
            "installation": {},
        })
    }

    fn trial(&self) -> Trial {
        trial::cgm_eportal::trial(&self.sim)
    }

    fn violations(&self) -> Vec<String> {
        self.sim.violations().iter().map(|one| format!("{one:?}")).collect()
    }
}

/// What an office agreed: what the vendor calls it.
pub(super) fn settings(office: &Office) -> Value {
    json!({ "practice": office.account(Solution::CgmEportal) })
}
