//! `dialog-gateway plugin`, the real binary against the real binary over TLS: with a token that is bound to a key, and with
//! one that is bound to the connection's certificate.

use std::process::{Command, Output};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use dialog_contract::{
    manifest::CONTRACT,
    package::{
        self,
        key::{Algorithm, SigningKey},
        statement::Claims,
    },
};
use jsonwebtoken::{
    EncodingKey,
    jwk::{Jwk, ThumbprintHash},
};
use rcgen::KeyPair;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    guest,
    papers::{Authority, Pair},
    running::Running,
    support::{Folder, claims},
};

/// A gateway on TLS whose issuer's tokens are bound, with one trusted vendor.
struct Site {
    folder: Folder,
    authority: Authority,
    vendor: SigningKey,
    gateway: Running,
}

/// What a command came to.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Site {
    /// `asked`: whether operators are asked for a certificate.
    async fn open(asked: &str) -> Self {
        let (folder, authority) = (Folder::new(), Authority::new("one"));
        let vendor = SigningKey::generate(Algorithm::Ed25519).unwrap();
        let pair = authority.server();
        folder.put("operations.pem", pair.certificate.as_bytes());
        folder.put("operations.key", pair.key.as_bytes());
        folder.put("ca.pem", authority.pem.as_bytes());
        let trusted = json!({ "keys": [{
            "id": vendor.public().id(), "publicKey": vendor.public(), "vendor": "Example AS", "plugins": ["example"],
            "notBefore": "2020-01-01T00:00:00Z", "notAfter": "2100-01-01T00:00:00Z",
        }] });
        folder.put("trust.json", trusted.to_string().as_bytes());
        folder.configure(|config| {
            let mut tls = json!({ "certificate": "operations.pem", "key": { "file": "operations.key" } });
            if asked != "none" {
                tls["client-certificates"] = json!(asked);
                tls["client-authorities"] = json!("ca.pem");
            }
            config["tls"]["operations"] = tls;
            config["issuers"][0]["bearer"] = json!(false);
            config["trust"] = json!({ "file": "trust.json" });
        });
        let gateway = Running::start(&folder).await;
        Self { folder, authority, vendor, gateway }
    }

    /// Leaves a token of an operator's machine that is bound so.
    fn token(&self, name: &str, cnf: Value) {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove("pid");
        claims["scope"] = json!("dialog:operator");
        claims["client_id"] = json!("release-robot");
        claims["cnf"] = cnf;
        self.put(name, &self.folder.issuer.sign(&claims));
    }

    /// Leaves a secret that only its owner reads.
    fn put(&self, name: &str, content: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        self.folder.put(name, content.as_bytes());
        std::fs::set_permissions(self.folder.path(name), std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Leaves a key for proofs, and gives `cnf` of a token that is bound to it.
    fn proof_key(&self, name: &str) -> Value {
        let pem = KeyPair::generate().unwrap().serialize_pem();
        self.put(name, &pem);
        let key = EncodingKey::from_ec_pem(pem.as_bytes()).unwrap();
        let jwk = Jwk::from_encoding_key(&key, jsonwebtoken::Algorithm::ES256).unwrap();
        json!({ "jkt": jwk.thumbprint(ThumbprintHash::SHA256).unwrap() })
    }

    /// Leaves a package of this version, signed or not.
    fn package(&self, version: &str, signed: bool) -> String {
        let component = guest::build_as(version);
        let said =
            Claims { plugin: "example".parse().unwrap(), version: version.to_owned(), contract: CONTRACT.to_owned() };
        let file = if signed { package::sign(&component, said, &self.vendor).unwrap() } else { component };
        let name = format!("{version}-{signed}.wasm");
        self.folder.put(&name, &file);
        self.folder.path(&name).display().to_string()
    }

    /// Runs a command as it stands; `{}` in an argument is the folder.
    async fn raw(&self, arguments: &[&str]) -> Said {
        let folder = self.folder.dir.path().display().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_dialog-gateway"));
        command.arg("plugin").args(arguments.iter().map(|argument| argument.replace("{}", &folder)));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DIALOG_GATEWAY_")) {
            command.env_remove(name);
        }
        let Output { status, stdout, stderr } =
            tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = Said {
            code: status.code().unwrap(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        };
        for secret in ["token", "proof.pem", "client.key"] {
            let path = self.folder.path(secret);
            let text = std::fs::read_to_string(path).unwrap_or_default();
            if let Some(line) = text.lines().max_by_key(|line| line.len()) {
                assert!(!said.out.contains(line) && !said.err.contains(line), "{secret} is told");
            }
        }
        said
    }

    /// Runs a command with this way of showing who asks.
    async fn run(&self, who: &[&str], command: &[&str]) -> Said {
        let at = ["--url", self.gateway.operations.as_str(), "--ca", "{}/ca.pem"];
        self.raw(&[&at, who, command].concat()).await
    }

    /// The same with a token that is bound to a key.
    async fn by_key(&self, command: &[&str]) -> Said {
        self.run(&KEY, command).await
    }
}

/// How an operator shows a token that is bound to a key.
const KEY: [&str; 6] =
    ["--token-file", "{}/token", "--proof-key", "{}/proof.pem", "--proof-url", "https://dialog.test"];

/// How an operator shows a token that is bound to a certificate.
const CERTIFICATE: [&str; 6] = ["--token-file", "{}/token", "--certificate", "{}/client.pem", "--key", "{}/client.key"];

impl Said {
    fn done(&self, told: &str) {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        assert!(self.out.contains(told), "{told}: {}", self.out);
    }

    fn failed(&self, code: i32, told: &str) {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{}", self.err);
        assert!(self.err.contains(told), "{told}: {}", self.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_with_a_token_bound_to_a_key_installs_grants_shows_rolls_back_and_takes_back() {
    let site = Site::open("none").await;
    let cnf = site.proof_key("proof.pem");
    site.token("token", cnf);
    site.by_key(&["list"]).await.done("no plugin is installed");
    let (first, second, unsigned) =
        (site.package("1.0.0", true), site.package("1.1.0", true), site.package("1.2.0", false));

    let waits = site.by_key(&["install", &first]).await;
    waits.done("example does not serve\n1.0.0 waits: it asks for upstream beyond what is granted");
    waits.done("record gateway.test/one ");
    site.by_key(&["grant", "example", "--asked"]).await.done("example 1.0.0 serves\nrecord ");
    site.by_key(&["install", &second]).await.done("example 1.1.0 serves");
    let shown = site.by_key(&["show", "example"]).await;
    shown.done("granted  upstream");
    shown.done("earlier  1.0.0");
    shown.done("signed by Example AS with the key ");
    site.by_key(&["list"]).await.done("example  serving  1.1.0    -        Example AS");

    site.by_key(&["install", &unsigned]).await.failed(1, "it is not signed: ask its vendor for a signed package");
    let json = site.by_key(&["install", &unsigned, "--json"]).await;
    let told: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((json.code, &told["reason"]), (1, &json!("unsigned")));
    site.by_key(&["install", &first]).await.failed(1, "[downgraded]");

    site.by_key(&["rollback", "example"]).await.done("example 1.0.0 serves");
    site.by_key(&["rollback", "example"]).await.failed(1, "[nothing-earlier]");
    site.by_key(&["revoke", "example", "upstream"]).await.done("example does not serve");
    site.by_key(&["grant", "example", "upstream", "log", "national-identity-number"])
        .await
        .done("example 1.0.0 serves");
    site.by_key(&["revoke", "example", "--all"]).await.done("example does not serve");
    site.by_key(&["show", "nobody"]).await.failed(1, "the plugin nobody is not installed");
    let listed: Value = serde_json::from_str(&site.by_key(&["list", "--json"]).await.out).unwrap();
    assert_eq!(listed["items"][0]["state"], "waiting-for-grant");

    // Whoever has the token and not the key, or makes proofs for another gateway, is nobody.
    site.run(&KEY[..2], &["list"]).await.failed(1, "bound to another key than --proof-key");
    site.proof_key("proof.pem");
    site.by_key(&["rollback", "example"]).await.failed(1, "The proof is not accepted");

    site.gateway.stop().await;
    let records = site.folder.records();
    let changes: Vec<&Value> = records.iter().filter(|record| record["kind"] == "plugin").collect();
    let actions: Vec<&str> = changes.iter().map(|record| record["action"].as_str().unwrap()).collect();
    let refuse = "plugin.refuse";
    assert_eq!(
        actions,
        [
            "plugin.install",
            "plugin.grant",
            "plugin.install",
            refuse,
            refuse,
            refuse,
            "plugin.rollback",
            refuse,
            "plugin.revoke",
            "plugin.grant",
            "plugin.revoke"
        ]
    );
    assert!(changes.iter().all(|record| record["actor"] == json!({ "role": "operator", "client": "release-robot" })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_bound_to_a_certificate_is_good_on_a_connection_that_shows_it_and_on_no_other() {
    let site = Site::open("required").await;
    let leave = |pair: &Pair| {
        site.put("client.pem", &pair.certificate);
        site.put("client.key", &pair.key);
    };
    let (own, other) = (site.authority.client(), site.authority.client());
    let der = CertificateDer::from_pem_slice(own.certificate.as_bytes()).unwrap();
    site.token("token", json!({ "x5t#S256": URL_SAFE_NO_PAD.encode(Sha256::digest(&der)) }));
    let package = site.package("1.0.0", true);

    leave(&own);
    site.run(&CERTIFICATE, &["install", &package]).await.done("1.0.0 waits");
    site.run(&CERTIFICATE, &["grant", "example", "--asked"]).await.done("example 1.0.0 serves");
    // One file for both, as others take it.
    site.put("both.pem", &format!("{}{}", own.certificate, own.key));
    let both = ["--token-file", "{}/token", "--certificate", "{}/both.pem"];
    site.run(&both, &["show", "example"]).await.done("example 1.0.0 serves");

    // Stolen: the thief has a certificate that the listener lets in, or none.
    leave(&other);
    site.run(&CERTIFICATE, &["rollback", "example"]).await.failed(1, "another certificate than --certificate");
    site.run(&CERTIFICATE[..2], &["list"]).await.failed(1, "is --certificate needed");
    leave(&Authority::new("another").client());
    site.run(&CERTIFICATE, &["list"]).await.failed(1, site.gateway.operations.as_str());

    site.gateway.stop().await;
    let records = site.folder.records();
    let refused: Vec<&Value> = records.iter().filter(|record| record["kind"] == "token-refused").collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0]["details"]["why"], "the token is bound to another certificate than the connection's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_used_wrong_says_what_is_missing_and_asks_nobody() {
    let site = Site::open("none").await;
    let cnf = site.proof_key("proof.pem");
    site.token("token", cnf);
    site.put("not-a.pem", "no key at all");
    let url = site.gateway.operations.as_str();
    for (arguments, told) in [
        (&["list"][..], "--url or DIALOG_GATEWAY_URL"),
        (&["list", "--url", "http://gateway.example.no"], "not an https address"),
        (&["list", "--url", url], "--token-file, or set DIALOG_GATEWAY_TOKEN"),
        (&["list", "--url", url, "--token-file", "{}/none"], "cannot be read"),
        (&["list", "--url", url, "--token-file", "{}/token", "--proof-key", "{}/not-a.pem"], "openssl genpkey"),
        (&["list", "--url", url, "--token-file", "{}/token", "--ca", "{}/not-a.pem"], "--ca"),
        (&["list", "--url", url, "--token-file", "{}/token", "--certificate", "{}/ca.pem"], "its private key"),
        (&["list", "--url", url, "--token-file", "{}/token", "--key", "{}/proof.pem"], "--certificate"),
        (&["install", "{}/none.wasm", "--url", url, "--token-file", "{}/token"], "none.wasm"),
        (&["grant", "example", "everything", "--url", url, "--token-file", "{}/token"], "it is one of upstream"),
        (&["grant", "example", "--url", url, "--token-file", "{}/token"], "<WHAT>"),
        (&["show", "No id", "--url", url, "--token-file", "{}/token"], "No id"),
    ] {
        let said = site.raw(arguments).await;
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{arguments:?}: {}", said.err);
        assert!(said.err.contains(told), "{arguments:?}: {told}: {}", said.err);
    }
    // The gateway is who its certificate says, or nobody is shown a token.
    let stranger = site.raw(&["list", "--url", url, "--token-file", "{}/token", "--proof-key", "{}/proof.pem"]).await;
    stranger.failed(1, "does --ca name the authority of its certificate");
    site.gateway.stop().await;
    assert!(!site.folder.records().iter().any(|record| !record["request"].is_null()), "somebody was asked");
}
