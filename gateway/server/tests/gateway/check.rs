use std::process::{Command, Output};

use dialog_contract::package::{
    self,
    key::{Algorithm, SigningKey},
    statement::Claims,
};
use serde_json::json;

use crate::{
    guest,
    papers::Authority,
    support::{Folder, directory},
};

fn check(folder: &Folder) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dialog-gateway"))
        .args(["check", "--config"])
        .arg(folder.path("gateway.toml"))
        .output()
        .unwrap()
}

#[test]
fn a_configuration_whose_parts_are_all_there_and_fit_passes() {
    let folder = Folder::new();
    folder.put("example.wasm", &guest::build());
    folder.put("api.token", b"secret");
    folder.configure(|config| {
        config["plugins"] = json!([{
            "package": "example.wasm", "grant": { "capabilities": ["upstream"] },
            "upstreams": { "api": {
                "base-url": "https://api.test", "credentials": { "kind": "bearer", "token": { "file": "api.token" } },
            } },
        }]);
    });
    let output = check(&folder);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!folder.path("data").exists(), "checking writes nothing");
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_its_key_and_without_secrets() {
    let folder = Folder::new();
    folder.put("pseudonyms.key", b"too short a secret");
    folder.put("audit.key", b"PRIVATE+KEY+sesame");
    folder.put("issuer.jwks", b"{");
    let mut wrong = directory();
    wrong["citizens"][0]["nationalIdentityNumber"] = json!("12345678901");
    folder.put("directory.json", wrong.to_string().as_bytes());
    folder.put("example.wasm", &guest::build());
    folder.put("other.wasm", b"not a component");
    folder.put("vendor.secret", b"open sesame");
    folder.configure(|config| {
        config["plugins"] = json!([
            { "package": "example.wasm", "upstreams": { "api": { "base-url": "ftp://api.test" } } },
            { "package": "other.wasm", "webhook": {
                "secret": { "file": "missing.secret" }, "signature-header": "a", "timestamp-header": "b", "id-header": "c",
            } },
            { "package": "other.wasm", "webhook": {
                "scheme": "standard-webhooks", "secret": { "file": "vendor.secret" },
            } },
            { "package": "other.wasm", "webhook": {
                "scheme": "shared-secret", "secret": { "file": "vendor.secret" }, "secret-header": "x-secret",
            } },
        ]);
    });
    let output = check(&folder);
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    for expected in [
        "audit.key: ",
        "pseudonyms.key: a pseudonym key has at least 32 bytes",
        "issuers[0].keys: the issuer's keys cannot be had: ",
        "issuer.jwks",
        "plugins[0].grant: it imports upstream",
        "plugins[0].upstreams.api: its base-url must be https, not ftp",
        "plugins[1].package: ",
        "plugins[1].webhook.secret: the secret in the file ",
        "missing.secret cannot be read",
        "plugins[2].webhook.secret: must be `whsec_` and base64",
        "plugins[3].webhook.secret: must be of visible ASCII characters",
        "citizens[0]: ",
    ] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
    for secret in ["sesame", "too short", "12345678901"] {
        assert!(!said.contains(secret), "{said}");
    }
}

#[test]
fn limits_that_cannot_be_kept_are_found() {
    let folder = Folder::new();
    folder.configure(|config| config["limits"] = json!({ "calls-at-once": 0 }));
    let said = String::from_utf8(check(&folder).stderr).unwrap();
    assert!(said.contains("limits: the limit calls-at-once is 0"), "{said}");
}

#[test]
fn a_pipe_in_place_of_a_file_is_refused_and_not_waited_for() {
    for name in ["gateway.toml", "directory.json", "issuer.jwks", "pseudonyms.key", "example.wasm"] {
        let folder = Folder::new();
        folder.put("example.wasm", &guest::build());
        folder.configure(|config| {
            config["plugins"] = json!([{ "package": "example.wasm", "grant": { "capabilities": ["upstream"] } }]);
        });
        std::fs::remove_file(folder.path(name)).unwrap();
        assert!(Command::new("mkfifo").arg(folder.path(name)).status().unwrap().success());
        let output = check(&folder);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains("not a regular file"), "{name}: {said}");
    }
}

#[test]
fn settings_that_a_plugin_does_not_take_are_found_before_a_citizen_does() {
    let folder = Folder::new();
    let mut wrong = directory();
    wrong["agreements"][0]["settings"] = json!("none");
    folder.put("directory.json", wrong.to_string().as_bytes());
    folder.put("example.wasm", &guest::build());
    folder.configure(|config| {
        config["plugins"] = json!([{ "package": "example.wasm", "grant": { "capabilities": ["upstream"] } }]);
    });
    let said = String::from_utf8(check(&folder).stderr).unwrap();
    assert!(said.contains("agreements[0].settings: not as example has them"), "{said}");
}

#[test]
fn a_package_that_nobody_trusted_signed_is_refused_with_what_to_do() {
    let folder = Folder::new();
    folder.put("example.wasm", &guest::build());
    let mut trust = json!({ "keys": [] });
    let said = |trust: &serde_json::Value| {
        folder.put("trust.json", trust.to_string().as_bytes());
        folder.configure(|config| {
            config["trust"] = json!({ "file": "trust.json" });
            config["plugins"] = json!([{ "package": "example.wasm", "grant": { "capabilities": ["upstream"] } }]);
        });
        let output = check(&folder);
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let (passed, why) = said(&trust);
    assert!(!passed && why.contains("plugins[0].package: "), "{why}");
    assert!(why.contains("it is not signed: ask its vendor for a signed package"), "{why}");

    let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
    let claims = Claims {
        plugin: "example".parse().unwrap(),
        version: "1.0.0".to_owned(),
        contract: "dialog:provider@1.0.0".to_owned(),
    };
    folder.put("example.wasm", &package::sign(&guest::build(), claims, &key).unwrap());
    let (passed, why) = said(&trust);
    assert!(!passed && why.contains("which the file of trusted keys does not name"), "{why}");

    trust["keys"] = json!([{
        "id": key.public().id(), "publicKey": key.public(), "vendor": "Example AS", "plugins": ["example"],
        "notBefore": "2020-01-01T00:00:00Z", "notAfter": "2100-01-01T00:00:00Z",
    }]);
    let (passed, why) = said(&trust);
    assert!(passed, "{why}");

    trust["keys"][0]["id"] = json!("0".repeat(64));
    let (passed, why) = said(&trust);
    assert!(!passed && why.contains("trust.file: ") && why.contains("keys[0] has an id that is not"), "{why}");
}

#[test]
fn a_file_of_trusted_keys_that_others_can_write_is_told() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new();
    folder.put("trust.json", br#"{ "keys": [] }"#);
    folder.configure(|config| config["trust"] = json!({ "file": "trust.json" }));
    for (mode, told) in [(0o640, false), (0o644, false), (0o664, true), (0o646, true)] {
        std::fs::set_permissions(folder.path("trust.json"), std::fs::Permissions::from_mode(mode)).unwrap();
        let output = check(&folder);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        assert_eq!(said.contains(&format!("others on this machine can write it (mode {mode:o})")), told, "{said}");
    }
}

#[test]
fn a_master_key_of_another_length_is_refused_and_a_secret_that_is_open_to_all_is_told() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new();
    folder.configure(|_| {});
    std::fs::set_permissions(folder.path("encryption.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = check(&folder);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("warning: ") && said.contains("encryption.keys[0].key: the file "), "{said}");
    assert!(said.contains("mode 644"), "{said}");
    folder.put("encryption.key", b"b3BlbnNlc2FtZQ==");
    let output = check(&folder);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(said.contains("encryption.keys[0].key: a key is 32 random bytes in base64"), "{said}");
    assert!(!said.contains("b3BlbnNlc2FtZQ"), "{said}");
}

#[test]
fn a_listeners_papers_are_checked_and_what_should_be_looked_at_is_said_of_what_passes() {
    let (folder, authority) = (Folder::new(), Authority::new("one"));
    folder.configure(|config| {
        config["tls"]["portal"] = json!({ "certificate": "portal.pem", "key": { "file": "portal.key" } });
    });
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let expired = authority.server_of((2020, 2021));
    folder.put("portal.pem", expired.certificate.as_bytes());
    let missing = check(&folder);
    assert!(!missing.status.success());
    assert_eq!(said(&missing).matches("tls.portal.key: ").count(), 1, "{}", said(&missing));

    folder.put("portal.key", expired.key.as_bytes());
    let refused = said(&check(&folder));
    assert!(refused.contains("tls.portal.certificate: "), "{refused}");
    assert!(refused.contains("portal.pem: certificate 1 expired at 2021-01-01"), "{refused}");

    let good = authority.server();
    folder.put("portal.pem", good.certificate.as_bytes());
    folder.put("portal.key", good.key.as_bytes());
    let passed = check(&folder);
    assert!(passed.status.success(), "{}", said(&passed));
    assert!(said(&passed).contains("warning: tls.provider.plaintext: "), "{}", said(&passed));
    assert!(!said(&passed).contains("tls.portal.plaintext"), "{}", said(&passed));
}
