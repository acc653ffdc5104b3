//! The notifiers' room in the house: telephones and mailboxes, and what the operator writes of the plugins that reach them.

use std::{net::SocketAddr, path::Path};

use serde_json::{Value, json};
use url::Url;

use super::{
    authority,
    directory::{email, mobile},
};
use crate::sim::{
    helserespons::Webhook,
    notifiers::{epost::EpostSim, sms::SmsSim},
    world::{CITIZENS, Citizen},
};

/// The key that the SMS gateway accepts.
const KEY: &str = "sms-key";

/// The secret that its reports are signed with.
const SECRET: &str = "sms-webhook-secret-of-the-house";

/// The token that the mail service accepts.
const TOKEN: &str = "epost-token";

/// The portal's front page, in every notice.
pub const PORTAL_LINK: &str = "https://portal.example/";

/// How many notices somebody has seen who watches.
#[derive(Debug, Default)]
pub struct Seen {
    telephones: usize,
    mailboxes: usize,
}

/// The room.
#[derive(Clone)]
pub struct Notifiers {
    /// Telephones.
    pub sms: SmsSim,
    /// Mailboxes.
    pub epost: EpostSim,
}

impl Notifiers {
    /// Starts both services.
    pub fn start([sms, epost]: [SocketAddr; 2]) -> anyhow::Result<Self> {
        let client = authority::client()?.build()?;
        Ok(Self { sms: SmsSim::start(sms, KEY, client)?, epost: EpostSim::start(epost, TOKEN)? })
    }

    /// The files that the configuration names.
    pub(super) fn secrets() -> [(&'static str, String); 3] {
        [("sms.key", KEY.to_owned()), ("sms.secret", SECRET.to_owned()), ("epost.token", TOKEN.to_owned())]
    }

    /// A plugin's table in the configuration; none for what is no notifier.
    pub(super) fn table(&self, id: &str, package: &Path) -> Option<Value> {
        let grant = json!({ "capabilities": ["upstream", "state", "clock", "log", "attachments"] });
        let upstream = |base_url: &str, credentials: Value| json!({ "base-url": base_url, "allow-networks": ["loopback"], "credentials": credentials });
        match id {
            "sms" => {
                let credentials = json!({ "kind": "api-key", "header": "x-api-key", "key": { "file": "sms.key" } });
                Some(json!({
                    "package": package,
                    "grant": grant,
                    "upstreams": { "api": upstream(self.sms.base_url(), credentials) },
                    "installation": { "sender": "Helsenorge" },
                    "webhook": {
                        "secret": { "file": "sms.secret" },
                        "signature-header": "x-sms-signature",
                        "timestamp-header": "x-sms-timestamp",
                        "id-header": "x-sms-delivery",
                    },
                }))
            }
            "epost" => {
                let credentials = json!({ "kind": "bearer", "token": { "file": "epost.token" } });
                Some(json!({
                    "package": package,
                    "poll-seconds": 1,
                    "grant": grant,
                    "upstreams": { "mail": upstream(self.epost.base_url(), credentials) },
                    "installation": { "from": "ikke-svar@portal.example" },
                }))
            }
            _ => None,
        }
    }

    /// `[notices]`: nobody waits for others to be told with, and nobody sleeps.
    pub(super) fn rules() -> Value {
        json!({ "sms": "sms", "email": "epost", "portal-link": PORTAL_LINK, "fold-seconds": 1, "at-night": true })
    }

    /// The gateway listens to providers here.
    pub(super) fn gateway_listens(&self, provider: &Url) -> anyhow::Result<()> {
        let url = provider.join("/v1/deliveries/sms/reports")?;
        self.sms.set_webhook(Webhook { url: url.to_string(), secret: SECRET.to_owned() });
        Ok(())
    }

    /// The next notice that reaches a telephone or a mailbox after those of `seen`, as a line for whoever watches. Nothing
    /// is missed where it is broken off.
    pub async fn next(&self, seen: &mut Seen) -> String {
        let whose = |address: &str, of: fn(&Citizen) -> String| {
            CITIZENS.iter().find(|one| of(one) == address).map_or("Somebody", |one| one.given_name)
        };
        tokio::select! {
            one = self.sms.after(seen.telephones) => {
                seen.telephones += 1;
                format!("{}'s telephone: {}", whose(&one.to, mobile), one.text)
            }
            one = self.epost.after(seen.mailboxes) => {
                seen.mailboxes += 1;
                let subject = one.subject.unwrap_or_default();
                format!("{}'s mailbox: {subject}: {}", whose(&one.to, email), one.text)
            }
        }
    }

    /// What the services noted against the gateway.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.sms.violations().into_iter().chain(self.epost.violations()).collect()
    }
}
