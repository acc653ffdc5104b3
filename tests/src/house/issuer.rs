//! Logs citizens in, as ID-porten does: signs access tokens with a key of its own and publishes the public half.

use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, JwkSet, PublicKeyUse},
};
use serde_json::{Value, json};

use super::proof::{ProofKey, Token};
use crate::sim::world::{Citizen, Gp, MARTE, Office};

/// `iss` of its tokens.
pub const ISSUER: &str = "https://login.example.test";

/// `aud` of its tokens.
pub const AUDIENCE: &str = "https://dialog.example.test";

/// The OAuth client that is the portal.
pub const PORTAL_CLIENT: &str = "national-portal";

/// A new ES256 key, as PKCS #8.
pub(super) fn new_key() -> anyhow::Result<Vec<u8>> {
    let pair = aws_lc_rs::signature::EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING)?;
    Ok(pair.to_pkcs8v1()?.as_ref().to_vec())
}

/// The gateway as an OAuth client of a remote system, with the key by which it shows who it is (`private_key_jwt`).
pub struct Client {
    /// Its id there.
    pub id: &'static str,
    /// The private key, PEM.
    pub private: String,
    /// The public key.
    pub public: Jwk,
}

impl Client {
    /// Makes a new key.
    pub fn new(id: &'static str) -> anyhow::Result<Self> {
        let der = new_key()?;
        let public = Jwk::from_encoding_key(&EncodingKey::from_ec_der(&der), Algorithm::ES256)?;
        let private = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der));
        Ok(Self { id, private, public })
    }
}

/// An issuer with one ES256 key. Its tokens are bound to the key of the portal, its only client.
pub struct Issuer {
    key: EncodingKey,
    kid: String,
    /// The key that tokens are bound to.
    pub portal: ProofKey,
}

impl Issuer {
    /// Makes a new key.
    pub fn new() -> anyhow::Result<Self> {
        let (key, portal) = (EncodingKey::from_ec_der(&new_key()?), ProofKey::new()?);
        Ok(Self { key, kid: uuid::Uuid::new_v4().to_string(), portal })
    }

    /// The public keys (JWKS).
    pub fn keys(&self) -> anyhow::Result<JwkSet> {
        let mut jwk = Jwk::from_encoding_key(&self.key, Algorithm::ES256).context("the key as a JWK")?;
        jwk.common.key_id = Some(self.kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(JwkSet { keys: vec![jwk] })
    }

    /// A token of a citizen who logged in at level 4 through the portal.
    pub fn citizen(&self, citizen: &Citizen) -> anyhow::Result<Token> {
        self.bound(citizen_claims(citizen))
    }

    /// A token of a citizen who logged in, bound to nothing: for people who try the demo with `curl`.
    pub fn bearer(&self, citizen: &Citizen) -> anyhow::Result<String> {
        self.sign(&citizen_claims(citizen))
    }

    /// A token of somebody who acts for another.
    pub fn representing(&self, citizen: &Citizen, other: &Citizen, role: &str) -> anyhow::Result<Token> {
        self.bound(representing_claims(citizen, other, role))
    }

    /// A token of the portal's own, for its event feed.
    pub fn portal(&self) -> anyhow::Result<Token> {
        self.machine(PORTAL_CLIENT, "dialog:events")
    }

    /// A token of somebody at an office, as HelseID gives it: who logged in, and for which organisation.
    pub fn office(&self, office: &Office) -> anyhow::Result<Token> {
        let mut claims = citizen_claims(&MARTE);
        claims["scope"] = json!("dialog:office");
        claims["helseid://claims/client/claims/orgnr_child"] = json!(office.organisation_number);
        self.bound(claims)
    }

    /// A token of a clinician, as HelseID gives it: who logged in, their HPR number, and for which organisation.
    pub fn clinician(&self, office: &Office, gp: &Gp) -> anyhow::Result<Token> {
        self.bound(clinician_claims(office, gp.hpr))
    }

    /// A token of a machine with this scope: of the operator's, or of an auditor's.
    pub fn machine(&self, client: &str, scope: &str) -> anyhow::Result<Token> {
        self.bound(machine_claims(client, scope))
    }

    /// As [`Self::machine`], bound to nothing: for tools that sign no proofs.
    pub fn unbound(&self, client: &str, scope: &str) -> anyhow::Result<String> {
        self.sign(&machine_claims(client, scope))
    }

    /// A token with these claims, bound to the portal's key.
    pub fn bound(&self, mut claims: Value) -> anyhow::Result<Token> {
        claims["cnf"] = json!({ "jkt": self.portal.thumbprint() });
        Ok(self.by_portal(self.sign(&claims)?))
    }

    /// Any text in place of a token, shown by the portal with its proof.
    #[must_use]
    pub fn by_portal(&self, text: String) -> Token {
        Token { text, key: Some(self.portal.clone()) }
    }

    /// Signs any claims: for tokens that must be refused.
    pub fn sign(&self, claims: &Value) -> anyhow::Result<String> {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(self.kid.clone());
        Ok(jsonwebtoken::encode(&header, claims, &self.key)?)
    }
}

/// What a clinician's token says.
#[must_use]
pub fn clinician_claims(office: &Office, hpr: &str) -> Value {
    let mut claims = citizen_claims(&MARTE);
    claims["scope"] = json!("dialog:clinician");
    claims["helseid://claims/hpr/hpr_number"] = json!(hpr);
    claims["helseid://claims/client/claims/orgnr_child"] = json!(office.organisation_number);
    claims
}

/// The claims of [`Issuer::citizen`], to be spoilt before signing.
#[must_use]
pub fn citizen_claims(citizen: &Citizen) -> Value {
    let mut claims = base_claims();
    claims["pid"] = json!(citizen.national_id);
    claims["acr"] = json!("idporten-loa-high");
    claims["scope"] = json!("dialog:citizen");
    claims
}

/// The claims of [`Issuer::representing`], to be spoilt before signing.
#[must_use]
pub fn representing_claims(citizen: &Citizen, other: &Citizen, role: &str) -> Value {
    let mut claims = citizen_claims(citizen);
    claims["given_name"] = json!(citizen.given_name);
    claims["family_name"] = json!(citizen.family_name);
    claims["representing"] = json!({ "pid": other.national_id, "role": role });
    claims
}

/// The claims of [`Issuer::machine`], to be bound to another key.
#[must_use]
pub fn machine_claims(client: &str, scope: &str) -> Value {
    let mut claims = base_claims();
    claims["client_id"] = json!(client);
    claims["scope"] = json!(scope);
    claims
}

fn base_claims() -> Value {
    let now = jiff::Timestamp::now().as_second();
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "jti": uuid::Uuid::new_v4(),
        "client_id": PORTAL_CLIENT,
    })
}
