//! The national portal: calls the API for a citizen with a proof for each request, and holds every reply against the
//! OpenAPI document.

use anyhow::{Context, bail, ensure};
use dialog_contract::openapi;
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use url::Url;

use super::{authority, configuration::PUBLIC_URL, proof::Token};

/// A client of the API with one token.
#[derive(Clone)]
pub struct Portal {
    client: reqwest::Client,
    base: Url,
    token: Option<Token>,
}

/// A reply that the OpenAPI document allows.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: StatusCode,
    /// Header fields.
    pub headers: HeaderMap,
    /// The JSON body; null where there is none or it is no JSON.
    pub json: Value,
    /// The body as it came.
    pub bytes: bytes::Bytes,
}

/// One request, before it is sent.
pub struct Call {
    portal: Portal,
    method: Method,
    template: &'static str,
    path: String,
    headers: HeaderMap,
    body: Option<bytes::Bytes>,
}

impl Portal {
    /// A client for the gateway at `base`.
    pub fn new(base: Url, token: Option<Token>) -> anyhow::Result<Self> {
        let client = authority::client()?.redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { client, base, token })
    }

    /// The same client at another address: after a restart.
    #[must_use]
    pub fn at(&self, base: Url) -> Self {
        Self { base, ..self.clone() }
    }

    /// The same client with another token, or none.
    #[must_use]
    pub fn with_token(&self, token: Option<Token>) -> Self {
        Self { token, ..self.clone() }
    }

    /// Begins a request. `template` is the path in the OpenAPI document; its `{…}` are filled in order from `ids`.
    #[must_use]
    pub fn call(&self, method: Method, template: &'static str, ids: &[&str]) -> Call {
        let mut ids = ids.iter();
        let path = template
            .split('/')
            .map(|part| if part.starts_with('{') { ids.next().copied().unwrap_or(part) } else { part })
            .collect::<Vec<_>>()
            .join("/");
        Call { portal: self.clone(), method, template, path, headers: HeaderMap::new(), body: None }
    }

    /// `GET`.
    #[must_use]
    pub fn get(&self, template: &'static str, ids: &[&str]) -> Call {
        self.call(Method::GET, template, ids)
    }

    /// `PUT` of JSON.
    #[must_use]
    pub fn put(&self, template: &'static str, ids: &[&str], body: &Value) -> Call {
        self.call(Method::PUT, template, ids).header("content-type", "application/json").body(body.to_string())
    }

    /// `POST` of JSON with a new idempotency key.
    #[must_use]
    pub fn post(&self, template: &'static str, ids: &[&str], body: &Value) -> Call {
        self.call(Method::POST, template, ids)
            .header("idempotency-key", &uuid::Uuid::new_v4().to_string())
            .header("content-type", "application/json")
            .body(body.to_string())
    }
}

impl Call {
    /// Sets a header field.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = value.parse() {
            self.headers.insert(name, value);
        }
        self
    }

    /// Adds a header field beside those of the same name.
    #[must_use]
    pub fn also(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = value.parse() {
            self.headers.append(name, value);
        }
        self
    }

    /// Removes a header field.
    #[must_use]
    pub fn without(mut self, name: &'static str) -> Self {
        self.headers.remove(name);
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<bytes::Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Adds a query, written as it is to stand in the URL.
    #[must_use]
    pub fn query(mut self, query: &str) -> Self {
        self.path = format!("{}?{query}", self.path);
        self
    }

    /// Method and path.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Its operation, as the OpenAPI document names it.
    #[must_use]
    pub fn operation(&self) -> (Method, &'static str) {
        (self.method.clone(), self.template)
    }

    /// The JSON that it sends; null where it sends none.
    #[must_use]
    pub fn sent(&self) -> Value {
        self.body.as_ref().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default()
    }

    /// Sends it and reads the reply, of which only the status is looked at: for measuring.
    pub async fn send_unchecked(self) -> anyhow::Result<StatusCode> {
        let response = self.answer().await?;
        let status = response.status();
        response.bytes().await?;
        Ok(status)
    }

    /// Sends it; the reply must be one that the document allows.
    pub async fn send(self) -> anyhow::Result<Reply> {
        let response = self.answer().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await?;
        let is_json = headers
            .get("content-type")
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| kind.starts_with("application/json") || kind.starts_with("application/problem+json"));
        let json =
            if is_json { serde_json::from_slice(&bytes).context("a reply that is not JSON")? } else { Value::Null };
        // Null stands for a body that is no JSON: then the document must say so too.
        if let Err(what) = openapi::validate_reply(self.method.as_str(), self.template, status.as_u16(), &json) {
            bail!("{} {} answered {status}, which the document does not allow: {what}", self.method, self.template);
        }
        Ok(Reply { status, headers, json, bytes })
    }

    /// Sends it and gives the answer as it begins: for what does not end by itself. Where the gateway wants a nonce, it
    /// is sent once more with it, unless the proof was set by hand.
    pub async fn answer(&self) -> anyhow::Result<reqwest::Response> {
        let response = self.request()?.send().await?;
        let text = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let key = self.portal.token.as_ref().and_then(|token| token.key.as_ref());
        let (Some(key), Some(nonce)) = (key, text("dpop-nonce")) else { return Ok(response) };
        key.told(nonce);
        let wanted = text("www-authenticate").is_some_and(|says| says.contains("use_dpop_nonce"));
        if wanted && !self.headers.contains_key("dpop") { Ok(self.request()?.send().await?) } else { Ok(response) }
    }

    fn request(&self) -> anyhow::Result<reqwest::RequestBuilder> {
        let url = self.portal.base.join(&self.path).with_context(|| self.path.clone())?;
        let mut headers = self.headers.clone();
        if let Some(token) = &self.portal.token {
            let path = self.path.split('?').next().unwrap_or_default();
            for (name, value) in token.shown(&self.method, &format!("{PUBLIC_URL}{path}"))? {
                // What was set by hand stays.
                headers.entry(name).or_insert(value.parse()?);
            }
        }
        let request = self.portal.client.request(self.method.clone(), url).headers(headers);
        Ok(match &self.body {
            Some(body) => request.body(body.clone()),
            None => request,
        })
    }

    /// Sends it and requires a status.
    pub async fn expect(self, status: StatusCode) -> anyhow::Result<Reply> {
        let what = self.describe();
        let reply = self.send().await.with_context(|| what.clone())?;
        ensure!(reply.status == status, "{what} answered {} and not {status}: {}", reply.status, reply.json);
        Ok(reply)
    }

    /// Sends it and requires a problem of this type.
    pub async fn refused(self, problem: dialog_contract::problem::ProblemType) -> anyhow::Result<Reply> {
        let what = self.describe();
        let reply = self.send().await.with_context(|| what.clone())?;
        ensure!(
            reply.json["type"] == problem.uri().as_str() && reply.status.as_u16() == problem.status(),
            "{what} answered {} {} and not the problem {}",
            reply.status,
            reply.json,
            problem.name()
        );
        Ok(reply)
    }
}

impl Reply {
    /// The index in the audit log of the record that the reply names (`Audit-Receipt`: origin and index).
    pub fn record(&self) -> anyhow::Result<u64> {
        let receipt = self.headers.get("audit-receipt").context("no Audit-Receipt")?.to_str()?;
        let (_, index) = receipt.split_once(' ').context("an Audit-Receipt of another form")?;
        index.parse().context("an Audit-Receipt without index")
    }

    /// A text in the body, by JSON Pointer.
    pub fn text(&self, pointer: &str) -> anyhow::Result<&str> {
        self.json
            .pointer(pointer)
            .and_then(Value::as_str)
            .with_context(|| format!("no text at {pointer}: {}", self.json))
    }
}
