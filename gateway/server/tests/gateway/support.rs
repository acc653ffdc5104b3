//! A gateway to test: its folder, its issuer, its listeners.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::{Router, routing::get};
use dialog_audit::{Reader, SigningKey, VerifierKeys};
use dialog_contract::{
    openapi,
    schema::{self, Resource},
    service::Locale,
};
use dialog_gateway::{
    check, compile,
    config::Config,
    gateway::Gateway,
    http::routes,
    listener::Listener,
    start,
    telemetry::logs::{Telemetry, TelemetryConfig},
};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, JwkSet},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Notify;

pub(crate) const ISSUER: &str = "https://login.test";
pub(crate) const AUDIENCE: &str = "https://gateway.test";
/// A citizen in the directory.
pub(crate) const KARI: &str = "14838541241";
pub(crate) const OFFICE: u32 = 8_150_110;
pub(crate) const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
pub(crate) const PARENT_SPAN: &str = "b7ad6b7169203331";

/// The caller's trace context, sampled.
pub(crate) fn traceparent() -> String {
    format!("00-{TRACE}-{PARENT_SPAN}-01")
}

/// Somebody who signs tokens.
pub(crate) struct Issuer {
    pub(crate) key: EncodingKey,
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: String,
}

impl Issuer {
    pub(crate) fn new(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let key = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
        Self { key, algorithm: Algorithm::ES256, kid: kid.to_owned() }
    }

    pub(crate) fn jwk(&self) -> Jwk {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.kid.clone());
        jwk
    }

    pub(crate) fn keys(&self) -> JwkSet {
        JwkSet { keys: vec![self.jwk()] }
    }

    pub(crate) fn header(&self) -> Header {
        let mut header = Header::new(self.algorithm);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(self.kid.clone());
        header
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        jsonwebtoken::encode(&self.header(), claims, &self.key).unwrap()
    }

    pub(crate) fn citizen(&self) -> String {
        self.sign(&claims())
    }
}

/// What a citizen's good token says, to be spoilt.
pub(crate) fn claims() -> Value {
    let now = jsonwebtoken::get_current_timestamp();
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + 600, "client_id": "portal",
        "pid": KARI, "acr": "idporten-loa-high", "scope": "dialog:citizen",
    })
}

/// A folder with everything that a configuration names.
pub(crate) struct Folder {
    pub(crate) dir: TempDir,
    pub(crate) issuer: Issuer,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Self { dir: tempfile::tempdir().unwrap(), issuer: Issuer::new("one") };
        let key = dialog_audit::generate_key("gateway.test/one").unwrap();
        folder.put("audit.key", key.private.as_bytes());
        folder.put("pseudonyms.key", "0123456789abcdef0123456789abcdef".as_bytes());
        folder.put("encryption.key", b"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n");
        folder.put("issuer.jwks", &serde_json::to_vec(&folder.issuer.keys()).unwrap());
        folder.put("directory.json", directory().to_string().as_bytes());
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn put(&self, name: &str, content: &[u8]) {
        std::fs::write(self.path(name), content).unwrap();
    }

    /// Writes the configuration, changed by `edit`.
    pub(crate) fn configure(&self, edit: impl FnOnce(&mut Value)) -> PathBuf {
        let plaintext = json!({ "plaintext": true });
        // Tests ask as fast as they can.
        let unbounded = json!({ "per-second": 1_000_000, "burst": 1_000_000 });
        let mut config = json!({
            "public-url": "https://dialog.test",
            "listen": { "portal": "127.0.0.1:0", "provider": "127.0.0.1:0", "operations": "127.0.0.1:0" },
            "tls": { "portal": plaintext, "provider": plaintext, "operations": plaintext },
            "rates": { "per-citizen": unbounded, "per-client": unbounded, "in-all": unbounded, "without-token": unbounded },
            "data": { "folder": "data" },
            "directory": { "file": "directory.json" },
            "audit": { "key": { "file": "audit.key" } },
            "pseudonyms": { "key": { "file": "pseudonyms.key" } },
            "trust": { "unsigned-plugins": true },
            "encryption": { "keys": [{ "id": "one", "key": { "file": "encryption.key" } }] },
            "issuers": [{
                "issuer": ISSUER, "audiences": [AUDIENCE], "keys": { "file": "issuer.jwks" }, "algorithms": ["ES256"],
                "bearer": true,
            }],
        });
        edit(&mut config);
        self.put("gateway.toml", toml::to_string(&config).unwrap().as_bytes());
        self.path("gateway.toml")
    }

    pub(crate) fn audit_key(&self) -> SigningKey {
        SigningKey::read(&self.path("audit.key")).unwrap()
    }

    /// Every record of the log, each held against its schema. The log must have been closed.
    pub(crate) fn records(&self) -> Vec<Value> {
        let keys = VerifierKeys::of([&self.audit_key()]).unwrap();
        let reader = Reader::open(&self.path("data/audit"), &keys).unwrap();
        reader
            .entries(0..reader.checkpoint().size)
            .map(|entry| {
                let record: Value = serde_json::from_slice(&entry.unwrap().data).unwrap();
                schema::validate(Resource::AuditRecord, &record, Locale::En).unwrap_or_else(|errors| {
                    panic!("{record}: {errors:?}");
                });
                record
            })
            .collect()
    }
}

/// One office, one citizen, and one agreement with `example`.
pub(crate) fn directory() -> Value {
    let mut office = Resource::Office.schema()["examples"][0].clone();
    office["services"] = json!([]);
    let gp = office["practitioners"][0]["clinician"]["hprNumber"].clone();
    json!({
        "providers": [{ "id": "example", "name": "Example AS", "kind": "commercial" }],
        "offices": [office],
        "agreements": [
            { "office": OFFICE, "service": "inquiry", "plugin": "example", "enabled": true, "settings": {} },
        ],
        "citizens": [{
            "nationalIdentityNumber": KARI, "givenName": "Kari", "familyName": "Nordmann",
            "generalPractitioner": gp, "office": OFFICE,
        }],
    })
}

/// A gateway in this process.
pub(crate) struct House {
    pub(crate) folder: Folder,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) portal: SocketAddr,
    pub(crate) provider: SocketAddr,
    pub(crate) operations: SocketAddr,
    pub(crate) http: reqwest::Client,
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::open_with(Folder::new(), |_| {}).await
    }

    pub(crate) async fn open_with(folder: Folder, edit: impl FnOnce(&mut Value)) -> Self {
        static TELEMETRY: OnceLock<Telemetry> = OnceLock::new();
        // Trace ids come from the tracer.
        let quiet = TelemetryConfig { log: "off".to_owned(), ..TelemetryConfig::default() };
        TELEMETRY.get_or_init(|| Telemetry::start(&quiet, "gateway.test/one").unwrap());
        let config = Config::read(&folder.configure(edit)).unwrap();
        let start::Assembled { gateway, .. } = start::assemble(
            &config,
            check::check(&config).unwrap_or_else(|wrong| panic!("{wrong:?}")),
            Arc::new(compile::Process::new(env!("CARGO_BIN_EXE_dialog-gateway"), [compile::SUBCOMMAND])),
        )
        .await
        .unwrap();
        let mut addresses = Vec::new();
        for routes in [routes::portal(), routes::provider(), routes::operations()] {
            let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
            addresses.push(listener.address);
            listener.serve(routes.into_router(Arc::clone(&gateway)), gateway.stop.clone());
        }
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { folder, gateway, portal: addresses[0], provider: addresses[1], operations: addresses[2], http }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.portal)
    }

    pub(crate) fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.get(self.url(path)).bearer_auth(self.folder.issuer.citizen())
    }

    pub(crate) fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.http
            .post(self.url(path))
            .bearer_auth(self.folder.issuer.citizen())
            .header("content-type", "application/json")
            .header("idempotency-key", uuid::Uuid::new_v4().to_string())
    }

    /// On the operations listener, with the token of a machine of this role.
    pub(crate) fn operate(&self, scope: &str, path: &str) -> reqwest::RequestBuilder {
        self.at_operations(path).bearer_auth(self.machine(scope))
    }

    /// A change on the operations listener, by an operator's machine.
    pub(crate) fn post_operations(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.post(format!("http://{}{path}", self.operations)).bearer_auth(self.machine("dialog:operator"))
    }

    fn machine(&self, scope: &str) -> String {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove("pid");
        claims["scope"] = json!(scope);
        self.folder.issuer.sign(&claims)
    }

    /// On the operations listener, without a token.
    pub(crate) fn at_operations(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.get(format!("http://{}{path}", self.operations))
    }

    /// Closes the log and reads it.
    pub(crate) async fn records(&self) -> Vec<Value> {
        self.gateway.evidence.log().close().await.unwrap();
        self.folder.records()
    }
}

/// A reply, read.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    /// The problem's name.
    pub(crate) fn problem(&self) -> &str {
        self.body["type"].as_str().and_then(|kind| kind.strip_prefix("urn:dialog:problem:")).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Sends and reads, and holds the reply against the API's description; `route` is the method and the template.
pub(crate) async fn send(request: reqwest::RequestBuilder, route: &str) -> Reply {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.unwrap();
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let (method, path) = route.split_once(' ').unwrap();
    openapi::validate_reply(method, path, status, &body).unwrap_or_else(|fault| panic!("{fault}: {body}"));
    Reply { status, headers, body }
}

/// An inquiry, as a citizen opens one.
pub(crate) fn inquiry(text: &str) -> String {
    json!({ "request": { "type": "inquiry" }, "message": { "subject": "Spørsmål", "text": text } }).to_string()
}

/// Every file in `folder` and below it.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// A route that answers when it is told to.
pub(crate) struct Held {
    /// A request has come to it.
    pub(crate) arrived: Arc<Notify>,
    /// It may be answered.
    pub(crate) go: Arc<Notify>,
}

impl Held {
    pub(crate) fn new() -> Self {
        Self { arrived: Arc::default(), go: Arc::default() }
    }

    pub(crate) fn routes(&self) -> Router {
        let (arrived, go) = (Arc::clone(&self.arrived), Arc::clone(&self.go));
        let held = async move || {
            arrived.notify_one();
            go.notified().await;
            "done"
        };
        Router::new().route("/", get(held))
    }
}
