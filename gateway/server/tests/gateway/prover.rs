//! A client that shows its tokens with proofs (DPoP, RFC 9449).

use std::sync::Mutex;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Header,
    jwk::{Jwk, ThumbprintHash},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Issuer, Reply, send};

pub(crate) struct Prover {
    key: Issuer,
    nonce: Mutex<Option<String>>,
}

impl Prover {
    pub(crate) fn new() -> Self {
        Self { key: Issuer::new("proofs"), nonce: Mutex::default() }
    }

    fn jwk(&self) -> Jwk {
        Jwk::from_encoding_key(&self.key.key, self.key.algorithm).unwrap()
    }

    /// `cnf` of a token that is bound to its key.
    pub(crate) fn confirmation(&self) -> Value {
        json!({ "jkt": self.jwk().thumbprint(ThumbprintHash::SHA256).unwrap() })
    }

    pub(crate) fn prove(&self, method: &str, address: &str, token: Option<&str>) -> String {
        let mut header = Header::new(self.key.algorithm);
        header.typ = Some("dpop+jwt".to_owned());
        header.jwk = Some(self.jwk());
        let mut claims = json!({
            "jti": uuid::Uuid::new_v4(), "htm": method, "htu": address, "iat": jsonwebtoken::get_current_timestamp(),
        });
        if let Some(token) = token {
            claims["ath"] = json!(URL_SAFE_NO_PAD.encode(Sha256::digest(token)));
            // The gateway's nonces are for the gateway.
            if let Some(nonce) = self.nonce.lock().unwrap().as_ref() {
                claims["nonce"] = json!(nonce);
            }
        }
        jsonwebtoken::encode(&header, &claims, &self.key.key).unwrap()
    }

    /// Sends with a proof, and once more where the gateway wants a nonce.
    pub(crate) async fn send(&self, request: impl Fn() -> reqwest::RequestBuilder, token: &str, route: &str) -> Reply {
        let (method, path) = route.split_once(' ').unwrap();
        let once = async || {
            let proof = self.prove(method, &format!("https://dialog.test{path}"), Some(token));
            send(request().header("authorization", format!("DPoP {token}")).header("dpop", proof), route).await
        };
        let reply = once().await;
        if !reply.header("www-authenticate").contains("use_dpop_nonce") {
            return reply;
        }
        *self.nonce.lock().unwrap() = Some(reply.header("dpop-nonce").to_owned());
        once().await
    }
}
