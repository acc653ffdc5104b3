//! A request of the operations API, and its answer.

use std::io::{self, Write};

use dialog_contract::{plugin::Asks, problem::Problem};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize as _, de::DeserializeOwned};
use serde_json::Value;

use super::{
    Failure,
    connection::{Connection, Ready, chain},
};

/// The largest answer that is read, in bytes: a thousand plugins of some versions each.
const ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// Asks one gateway.
pub(super) struct Client(Ready);

/// What the gateway said.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    json: Value,
}

/// What is sent.
enum Body<'a> {
    Nothing,
    Json(&'a Asks),
    Package(bytes::Bytes),
}

impl Client {
    pub(super) fn new(connection: &Connection, aside: &mut dyn Write) -> Result<Self, Failure> {
        connection.open(aside).map(Self)
    }

    pub(super) async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.send(Method::GET, path, &Body::Nothing, None).await
    }

    pub(super) async fn post_package(&self, package: Vec<u8>) -> Result<Answer, Failure> {
        self.send(Method::POST, "/v1/plugins", &Body::Package(package.into()), None).await
    }

    /// `seen`: the revision on which the change is to be made.
    pub(super) async fn post(
        &self,
        path: &str,
        asks: Option<&Asks>,
        seen: Option<HeaderValue>,
    ) -> Result<Answer, Failure> {
        let body = asks.map_or(Body::Nothing, Body::Json);
        self.send(Method::POST, path, &body, seen).await
    }

    /// Sends, and once more where the gateway wants a nonce in the proof.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: &Body<'_>,
        seen: Option<HeaderValue>,
    ) -> Result<Answer, Failure> {
        let first = self.once(&method, path, body, seen.clone()).await?;
        let (Some(key), Some(nonce)) = (&self.0.key, first.text("dpop-nonce")) else { return Ok(first) };
        key.told(nonce);
        if first.challenge().contains("use_dpop_nonce") {
            return self.once(&method, path, body, seen).await;
        }
        Ok(first)
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        body: &Body<'_>,
        seen: Option<HeaderValue>,
    ) -> Result<Answer, Failure> {
        let Ready { http, base, proofs, token, key } = &self.0;
        let at = |base: &url::Url| format!("{}{path}", base.as_str().trim_end_matches('/'));
        let mut request = http.request(method.clone(), at(base)).header(header::ACCEPT_LANGUAGE, "en");
        request = match key {
            None => request.header(header::AUTHORIZATION, secret("Bearer", token)?),
            Some(key) => {
                let proof = key.prove(method, &at(proofs), token).map_err(Failure::Used)?;
                request.header(header::AUTHORIZATION, secret("DPoP", token)?).header("dpop", proof)
            }
        };
        if let Some(seen) = seen {
            request = request.header(header::IF_MATCH, seen);
        }
        request = match body {
            Body::Nothing => request,
            Body::Json(asks) => request.json(asks),
            Body::Package(package) => request.header(header::CONTENT_TYPE, "application/wasm").body(package.clone()),
        };
        let lost = |error: reqwest::Error| {
            // With TLS 1.3 a listener says only after the handshake that it wants a certificate, or another.
            let advice = match (error.is_connect(), *method == Method::GET) {
                (true, _) => "; is the address right, and does --ca name the authority of its certificate?",
                (false, true) => "; is --certificate needed, or another one?",
                (false, false) => "; whether anything was changed, `show` says",
            };
            Failure::Refused(format!("{}: {}{advice}", at(base), chain(&error.without_url())))
        };
        let mut response = request.send().await.map_err(lost)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if bytes.len() + chunk.len() > ANSWER_BYTES {
                return Err(Failure::Refused(format!("{}: the answer is over {ANSWER_BYTES} bytes", at(base))));
            }
            bytes.extend_from_slice(&chunk);
        }
        let json = serde_json::from_slice(&bytes).map_err(|_| {
            Failure::Refused(format!(
                "{}: the answer {status} is not JSON: is it a gateway's operations listener?",
                at(base)
            ))
        })?;
        Ok(Answer { status, headers, json })
    }
}

/// A header that no log shows.
fn secret(scheme: &str, token: &SecretString) -> Result<HeaderValue, Failure> {
    let value = HeaderValue::try_from(format!("{scheme} {}", token.expose_secret()));
    let mut value = value.map_err(|_| Failure::Used("the token is not one: it holds more than one line".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

impl Answer {
    pub(super) fn is_refused(&self) -> bool {
        !self.status.is_success()
    }

    /// A header field, where it is text.
    fn text(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn challenge(&self) -> &str {
        self.text("www-authenticate").unwrap_or_default()
    }

    /// The revision of what was shown.
    pub(super) fn tag(&self) -> Option<HeaderValue> {
        self.headers.get(header::ETAG).cloned()
    }

    /// Where the audit record stands: the log, and the record's index.
    pub(super) fn record(&self) -> Option<&str> {
        self.text("audit-receipt")
    }

    /// What was asked for; nothing where it was refused.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<Option<T>, Failure> {
        if self.is_refused() {
            return Ok(None);
        }
        let strange = |error| Failure::Refused(format!("the gateway's answer is of another version: {error}"));
        T::deserialize(&self.json).map(Some).map_err(strange)
    }

    /// Writes it as it came.
    pub(super) fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{:#}", self.json)
    }

    /// Whether the gateway did it.
    pub(super) fn accepted(&self) -> Result<(), Failure> {
        if !self.is_refused() {
            return Ok(());
        }
        let problem = Problem::deserialize(&self.json);
        let Ok(problem) = problem else {
            return Err(Failure::Refused(format!("the gateway answered {}, and no more", self.status)));
        };
        let reason = problem.reason.map(|reason| format!(" [{reason}]")).unwrap_or_default();
        let record = self.record().map(|record| format!("\nrecord {record}")).unwrap_or_default();
        let advice = self.advice().map(|advice| format!("\n{advice}")).unwrap_or_default();
        Err(Failure::Refused(format!("refused: {}{reason}{advice}{record}", problem.detail)))
    }

    /// What to do about a refusal that the gateway has few words for, lest it helped those whom it should not.
    fn advice(&self) -> Option<&'static str> {
        let challenge = self.challenge();
        match self.status {
            StatusCode::UNAUTHORIZED if challenge.contains("invalid_dpop_proof") => Some(
                "The proof is not accepted: --proof-url must be what the gateway's configuration says under \
                 operations.public-url, and this machine's clock must be right.",
            ),
            StatusCode::UNAUTHORIZED => Some(
                "The token is not accepted: it may have run out, be for another gateway, or be bound to another key than \
                 --proof-key, or another certificate than --certificate.",
            ),
            StatusCode::FORBIDDEN => Some(
                "The token must have the scope dialog:operator, and a person must have logged in at the highest level.",
            ),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    fn answer(status: u16, json: Value, headers: &[(&'static str, &'static str)]) -> Answer {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        Answer { status: StatusCode::from_u16(status).unwrap(), headers: headers.collect(), json }
    }

    #[test]
    fn a_refusal_says_why_what_to_do_and_where_it_is_recorded() {
        let mut problem = dialog_contract::schema::Resource::Problem.schema()["examples"][2].clone();
        let receipt = ("audit-receipt", "gateway.test/one 7");
        let said = answer(422, problem.clone(), &[receipt]).accepted().unwrap_err();
        assert_eq!(said.code(), 1);
        let said = said.to_string();
        for part in ["it is not signed", "[unsigned]", "ask its vendor", "record gateway.test/one 7"] {
            assert!(said.contains(part), "{said}");
        }
        problem["reason"] = Value::Null;
        problem.as_object_mut().unwrap().remove("reason");
        for (status, challenge, advice) in [
            (401, r#"DPoP error="invalid_dpop_proof""#, "--proof-url"),
            (401, r#"DPoP error="invalid_token""#, "--proof-key"),
            (403, "", "dialog:operator"),
        ] {
            let said = answer(status, problem.clone(), &[("www-authenticate", challenge)]).accepted().unwrap_err();
            assert!(said.to_string().contains(advice), "{said}");
        }
        let said = answer(502, json!("a proxy"), &[]).accepted().unwrap_err().to_string();
        assert!(said.contains("502"), "{said}");
        assert!(answer(200, json!({}), &[]).accepted().is_ok());
    }
}
