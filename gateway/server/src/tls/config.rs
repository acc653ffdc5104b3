//! `[tls]`: how each listener shows who it is, and whom it asks the same.

use std::path::PathBuf;

use dialog_host::secret::SecretSource;
use serde::Deserialize;

/// `[tls]`: one table for each listener.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TlsTables {
    /// The portal's API.
    pub portal: TlsTable,
    /// Webhooks of vendors.
    pub provider: TlsTable,
    /// Metrics, health, the audit log.
    pub operations: TlsTable,
}

/// `[tls.portal]` and its like, as it is written. [`TlsTable::decide`] says what it comes to.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TlsTable {
    /// Without TLS, behind a proxy of the operator's own that ends it.
    pub plaintext: bool,
    /// The listener's certificate and those between it and its authority, PEM, in this order.
    pub certificate: Option<PathBuf>,
    /// The certificate's private key, PEM.
    pub key: Option<SecretSource>,
    /// The oldest version that is spoken.
    pub oldest: Oldest,
    /// Whether callers are asked for a certificate.
    pub client_certificates: ClientCertificates,
    /// The authorities, PEM, to one of which a caller's certificate must lead.
    pub client_authorities: Option<PathBuf>,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum Oldest {
    /// RFC 8446.
    #[default]
    #[serde(rename = "1.3")]
    Tls13,
    /// RFC 5246, with the suites that are still sound: forward secrecy, authenticated encryption.
    #[serde(rename = "1.2")]
    Tls12,
}

/// Whether callers are asked for a certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientCertificates {
    /// Nobody is asked.
    #[default]
    None,
    /// Who has one shows it, and it must be good.
    Optional,
    /// Nobody comes in without.
    Required,
}

/// What a listener does.
#[derive(Debug, Clone)]
pub enum Protection {
    /// Speaks in the clear.
    Plaintext,
    /// Speaks TLS.
    Tls(Tls),
}

/// How a listener speaks TLS.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: SecretSource,
    /// The oldest version that is spoken.
    pub oldest: Oldest,
    /// Whom callers' certificates must lead to; none where nobody is asked.
    pub clients: Option<Clients>,
}

/// Whose certificates are taken.
#[derive(Debug, Clone)]
pub struct Clients {
    /// The authorities, PEM.
    pub authorities: PathBuf,
    /// Whether nobody comes in without.
    pub required: bool,
}

impl TlsTables {
    /// Each with its listener's name.
    #[must_use]
    pub fn each(&self) -> [(&'static str, &TlsTable); 3] {
        [("portal", &self.portal), ("provider", &self.provider), ("operations", &self.operations)]
    }

    /// Each with its listener's name, to be changed.
    pub fn each_mut(&mut self) -> [&mut TlsTable; 3] {
        [&mut self.portal, &mut self.provider, &mut self.operations]
    }
}

impl TlsTable {
    /// What it comes to.
    ///
    /// # Errors
    /// The key that is missing or too much, and what to do.
    pub fn decide(&self) -> Result<Protection, (&'static str, &'static str)> {
        let Self { plaintext, certificate, key, oldest, client_certificates, client_authorities } = self;
        if *plaintext {
            return if certificate.is_some() || key.is_some() || client_authorities.is_some() {
                Err(("plaintext", "there is no plaintext on a listener that has a certificate, a key or authorities"))
            } else if *client_certificates != ClientCertificates::None {
                Err(("plaintext", "only TLS can ask callers for a certificate"))
            } else {
                Ok(Protection::Plaintext)
            };
        }
        let Some(certificate) = certificate.clone() else {
            return Err((
                "certificate",
                "is missing: name a certificate and its key; or, behind a proxy of yours that ends TLS, write plaintext = true",
            ));
        };
        let key = key.clone().ok_or(("key", "is missing: a certificate is of no use without its private key"))?;
        let clients = match (client_certificates, client_authorities) {
            (ClientCertificates::None, None) => None,
            (ClientCertificates::None, Some(_)) => {
                return Err((
                    "client-certificates",
                    "is \"none\", but client-authorities are named: say required or optional",
                ));
            }
            (_, None) => {
                return Err((
                    "client-authorities",
                    "is missing: say which authorities callers' certificates must lead to",
                ));
            }
            (asked, Some(authorities)) => {
                Some(Clients { authorities: authorities.clone(), required: *asked == ClientCertificates::Required })
            }
        };
        Ok(Protection::Tls(Tls { certificate, key, oldest: *oldest, clients }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use super::*;

    fn decided(table: &str) -> Result<Protection, (&'static str, &'static str)> {
        toml::from_str::<TlsTable>(table).unwrap().decide()
    }

    const OWN: &str = "certificate = \"c.pem\"\nkey = { env = \"K\" }\n";

    #[test]
    fn a_listener_without_a_word_about_tls_is_refused_and_plaintext_must_be_written_out() {
        let (key, what) = decided("").unwrap_err();
        assert!(key == "certificate" && what.contains("plaintext = true"), "{key}: {what}");
        assert!(matches!(decided("plaintext = true"), Ok(Protection::Plaintext)));
    }

    #[test]
    fn tls_1_3_without_asking_callers_is_what_a_certificate_and_a_key_come_to() {
        let Ok(Protection::Tls(tls)) = decided(OWN) else { panic!() };
        assert!(tls.oldest == Oldest::Tls13 && tls.clients.is_none());
    }

    #[test]
    fn what_does_not_go_together_is_named_by_its_key() {
        let own = |more: &str| format!("{OWN}{more}");
        for (table, key) in [
            ("plaintext = true\ncertificate = \"c.pem\"".to_owned(), "plaintext"),
            ("plaintext = true\nclient-certificates = \"required\"".to_owned(), "plaintext"),
            ("certificate = \"c.pem\"".to_owned(), "key"),
            ("key = { env = \"K\" }".to_owned(), "certificate"),
            (own("client-certificates = \"required\""), "client-authorities"),
            (own("client-certificates = \"optional\""), "client-authorities"),
            (own("client-authorities = \"a.pem\""), "client-certificates"),
        ] {
            assert_eq!(decided(&table).unwrap_err().0, key, "{table}");
        }
    }

    #[test]
    fn required_and_optional_are_told_apart_and_nothing_older_than_1_2_can_be_asked_for() {
        let asked = |how: &str| format!("{OWN}client-authorities = \"a.pem\"\nclient-certificates = \"{how}\"");
        for (how, required) in [("required", true), ("optional", false)] {
            let Ok(Protection::Tls(tls)) = decided(&asked(how)) else { panic!() };
            assert_eq!(tls.clients.unwrap().required, required);
        }
        assert!(toml::from_str::<TlsTable>("oldest = \"1.1\"").is_err());
        assert_eq!(toml::from_str::<TlsTable>("oldest = \"1.2\"").unwrap().oldest, Oldest::Tls12);
    }
}
