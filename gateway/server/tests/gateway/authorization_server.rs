//! Against an authorisation server that nobody here wrote: npm's `oidc-provider`, in a process of its own.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use jsonwebtoken::Header;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::{
    prover::Prover,
    support::{AUDIENCE, Folder, House, Issuer, KARI, send},
};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/authorization-server");
const NAME: &str = "a_real_authorisation_servers_bound_tokens_are_accepted_with_their_proof_alone";

/// A running authorisation server; it ends with its standard input.
struct AuthorizationServer {
    issuer: String,
    _process: Child,
}

/// Where the server is with all that it needs; nothing where this machine cannot have it, which is said by name.
fn installed() -> Option<PathBuf> {
    let skip = |why: &str| {
        // The harness captures what the macros print; this line is to be seen in the log of a skipped run.
        let _ = writeln!(std::io::stderr(), "skipped {NAME}: {why}");
    };
    for tool in ["node", "npm"] {
        let found = std::process::Command::new(tool).arg("--version").stdout(Stdio::null()).status();
        if !found.is_ok_and(|status| status.success()) {
            skip(&format!("there is no {tool} (Debian: apt-get install nodejs npm)"));
            return None;
        }
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("authorization-server");
    std::fs::create_dir_all(&folder).unwrap();
    let wanted = std::fs::read(format!("{SOURCE}/package-lock.json")).unwrap();
    let done = folder.join("installed.json");
    if std::fs::read(&done).ok().as_ref() != Some(&wanted) {
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(format!("{SOURCE}/{file}"), folder.join(file)).unwrap();
        }
        let install = std::process::Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&folder)
            .output()
            .unwrap();
        if !install.status.success() {
            let said = String::from_utf8_lossy(&install.stderr);
            let why = said.lines().rev().find(|line| line.contains("error")).unwrap_or("it did not say why");
            skip(&format!("npm ci in {SOURCE} failed: {why}"));
            return None;
        }
        std::fs::write(&done, &wanted).unwrap();
    }
    std::fs::copy(format!("{SOURCE}/server.mjs"), folder.join("server.mjs")).unwrap();
    Some(folder)
}

impl AuthorizationServer {
    async fn start(folder: &Path, client: &Issuer) -> Self {
        let mut process = Command::new("node")
            .arg("server.mjs")
            .args([AUDIENCE, &serde_json::to_string(&client.jwk()).unwrap(), KARI])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let issuer = loop {
            let line = lines.next_line().await.unwrap().expect("the server ended before it said its issuer");
            if line.starts_with("http://") {
                break line;
            }
        };
        Self { issuer, _process: process }
    }

    /// A token by client credentials, bound to the prover's key.
    async fn token(&self, http: &reqwest::Client, client: &Issuer, prover: &Prover, scope: &str) -> String {
        let metadata = format!("{}/.well-known/openid-configuration", self.issuer);
        let metadata: Value = http.get(metadata).send().await.unwrap().json().await.unwrap();
        let endpoint = metadata["token_endpoint"].as_str().unwrap();
        let now = jsonwebtoken::get_current_timestamp();
        let assertion = json!({
            "iss": "national-portal", "sub": "national-portal", "aud": self.issuer, "jti": uuid::Uuid::new_v4(),
            "iat": now, "exp": now + 60,
        });
        let assertion = jsonwebtoken::encode(&Header::new(client.algorithm), &assertion, &client.key).unwrap();
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", scope),
            ("resource", AUDIENCE),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
        ];
        let proof = prover.prove("POST", endpoint, None);
        let reply = http.post(endpoint).header("dpop", proof).form(&form).send().await.unwrap();
        let reply: Value = reply.json().await.unwrap();
        assert_eq!(reply["token_type"], "DPoP", "{reply}");
        reply["access_token"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_real_authorisation_servers_bound_tokens_are_accepted_with_their_proof_alone() {
    let Some(folder) = tokio::task::spawn_blocking(installed).await.unwrap() else { return };
    let (client, prover) = (Issuer::new("portal"), Prover::new());
    let server = AuthorizationServer::start(&folder, &client).await;
    let house = House::open_with(Folder::new(), |config| {
        config["issuers"] = json!([{
            "issuer": server.issuer, "audiences": [AUDIENCE], "keys": { "metadata": server.issuer },
            "algorithms": ["ES256"],
        }]);
    })
    .await;
    for (scope, path) in [("dialog:events", "/v1/events"), ("dialog:citizen", "/v1/me/practice")] {
        let token = server.token(&house.http, &client, &prover, scope).await;
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!(header.typ.as_deref(), Some("at+jwt"));
        let (get, route) = (|| house.http.get(house.url(path)), format!("GET {path}"));
        let accepted = prover.send(get, &token, &route).await;
        assert_eq!(accepted.status, 200, "{}", accepted.body);

        let alone = send(get().bearer_auth(&token), &route).await;
        assert_eq!((alone.status, alone.problem()), (401, "unauthenticated"));
        let stranger = Prover::new().send(get, &token, &route).await;
        assert_eq!((stranger.status, stranger.problem()), (401, "unauthenticated"));
    }
    // What is for the portal itself is not a citizen's, whoever issued it.
    let token = server.token(&house.http, &client, &prover, "dialog:events").await;
    let refused = prover.send(|| house.http.get(house.url("/v1/me/practice")), &token, "GET /v1/me/practice").await;
    assert_eq!(refused.problem(), "not-permitted");
    let records = house.records().await;
    let accepted = records.iter().filter(|record| record["actor"]["client"] == "national-portal").count();
    assert!(accepted >= 2, "{records:#?}");
}
