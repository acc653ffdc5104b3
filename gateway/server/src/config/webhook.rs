//! How a vendor signs what it pushes.

use dialog_host::secret::SecretSource;
use http::HeaderName;
use serde::Deserialize;

/// `[plugins.webhook]`, as it is written. [`WebhookConfig::decide`] says what it comes to.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WebhookConfig {
    /// How deliveries are signed.
    #[serde(default)]
    pub scheme: WebhookScheme,
    /// The shared secret, in the scheme's own form.
    pub secret: SecretSource,
    /// The header with the secret itself.
    #[serde(default)]
    pub secret_header: Option<String>,
    /// The header with the signature.
    #[serde(default)]
    pub signature_header: Option<String>,
    /// The header with the time of signing, in seconds since 1970.
    #[serde(default)]
    pub timestamp_header: Option<String>,
    /// The header with the delivery's id.
    #[serde(default)]
    pub id_header: Option<String>,
}

/// A way to sign deliveries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WebhookScheme {
    /// HMAC-SHA-256 over `timestamp.body`, in headers of the vendor's own.
    #[default]
    Hmac,
    /// Standard Webhooks: its own headers, HMAC-SHA-256 over `id.timestamp.body`.
    StandardWebhooks,
    /// Nothing is signed: the secret itself stands in a header of the vendor's own.
    SharedSecret,
}

/// What `[plugins.webhook]` comes to, without the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signing {
    /// HMAC-SHA-256 over `timestamp.body`.
    Hmac {
        /// The header with the signature.
        signature: HeaderName,
        /// The header with the time.
        timestamp: HeaderName,
        /// The header with the id.
        id: HeaderName,
    },
    /// Standard Webhooks.
    StandardWebhooks,
    /// The secret itself.
    SharedSecret {
        /// The header with the secret.
        secret: HeaderName,
        /// The header with the id, where there is one.
        id: Option<HeaderName>,
    },
}

impl WebhookConfig {
    /// What it comes to.
    ///
    /// # Errors
    /// The key that is missing, of no use or not a header's name, and what is wrong with it.
    pub fn decide(&self) -> Result<Signing, (&'static str, &'static str)> {
        let [secret, signature, timestamp, id] = [
            ("secret-header", &self.secret_header),
            ("signature-header", &self.signature_header),
            ("timestamp-header", &self.timestamp_header),
            ("id-header", &self.id_header),
        ];
        match self.scheme {
            WebhookScheme::Hmac => {
                useless(&[secret], "is of no use: the secret is never sent")?;
                Ok(Signing::Hmac { signature: header(signature)?, timestamp: header(timestamp)?, id: header(id)? })
            }
            WebhookScheme::StandardWebhooks => {
                let own = "is of no use: Standard Webhooks has headers of its own";
                useless(&[secret, signature, timestamp, id], own).map(|()| Signing::StandardWebhooks)
            }
            WebhookScheme::SharedSecret => {
                useless(&[signature, timestamp], "is of no use: nothing is signed")?;
                let id = id.1.is_some().then(|| header(id)).transpose()?;
                Ok(Signing::SharedSecret { secret: header(secret)?, id })
            }
        }
    }
}

/// A key and what stands there.
type Named<'a> = (&'static str, &'a Option<String>);

fn useless(all: &[Named<'_>], why: &'static str) -> Result<(), (&'static str, &'static str)> {
    all.iter().find(|(_, name)| name.is_some()).map_or(Ok(()), |(key, _)| Err((key, why)))
}

fn header((key, name): Named<'_>) -> Result<HeaderName, (&'static str, &'static str)> {
    let name = name.as_deref().ok_or((key, "is missing"))?;
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| (key, "must be the name of a header field"))
}
