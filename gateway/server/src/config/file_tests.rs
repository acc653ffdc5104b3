#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use dialog_host::{Limits, secret::SecretSource};
use http::HeaderName;
use proptest::prelude::*;
use toml::Value;

use super::*;
use crate::{
    abuse::rates::RatesConfig,
    auth::verifier::TokenType,
    config::{
        OnFork,
        archive::ArchiveConfig,
        registers::{AddressRegisterConfig, GpRegisterConfig},
        webhook::Signing,
    },
};

const EXAMPLE: &str = include_str!("../../gateway.example.toml");

fn read(text: &str) -> (tempfile::TempDir, Result<Config, ConfigError>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.toml");
    std::fs::write(&file, text).unwrap();
    let config = Config::read(&file);
    (folder, config)
}

/// What is said of a text that must be wrong, without the file's folder.
fn error(text: &str) -> String {
    let (folder, config) = read(text);
    let said = config.err().unwrap().to_string();
    said.replace(&format!("{}/", folder.path().display()), "")
}

/// The example with `from` replaced, and the line where it stands.
fn spoilt(from: &str, to: &str) -> (String, usize) {
    let at = EXAMPLE.find(from).unwrap();
    (EXAMPLE.replacen(from, to, 1), 1 + EXAMPLE[..at].matches('\n').count())
}

#[test]
fn the_example_is_read_and_its_optional_keys_have_the_values_of_their_absence() {
    let (folder, config) = read(EXAMPLE);
    let config = config.unwrap();
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.rates, RatesConfig::default());
    assert_eq!(config.issuers[0].token_types, TokenType::strict());
    assert_eq!(config.payments.return_origins.len(), 1);
    assert_eq!(config.data.unreadable_days, dialog_core::Retention::default().unreadable_days);
    assert_eq!(config.data.cache, Some(folder.path().join("data/cache")));
    assert_eq!(config.audit.key, SecretSource::File(folder.path().join("secrets/audit.key")));
    assert_eq!(config.audit.folder, Some(folder.path().join("data/audit")));
    assert_eq!((config.audit.witness_every_seconds.get(), config.audit.on_fork), (5, OnFork::Stop));
    assert!(config.audit.also_signed_by.is_empty() && config.audit.policy.is_none());
    assert_eq!(config.audit.journal_segment_bytes, dialog_audit::Sizes::default().segment_bytes);
    assert_eq!(config.plugins[0].package, Some(folder.path().join("plugins/ddfl.wasm")));
    assert_eq!(config.secrets().len(), 12);
    let archive: ArchiveConfig = toml::from_str("[upstream]\nbase-url = \"https://a.example\"\n").unwrap();
    assert_eq!(config.archive.as_ref().unwrap().file_bytes, archive.file_bytes);
    let gp = config.directory.gp_register.as_ref().unwrap();
    let address = config.directory.address_register.as_ref().unwrap();
    let absent = "[upstream]\nbase-url = \"https://a.example\"\n";
    let gp_absent: GpRegisterConfig = toml::from_str(absent).unwrap();
    let address_absent: AddressRegisterConfig = toml::from_str(absent).unwrap();
    assert_eq!((gp.pace(), gp.every()), (gp_absent.pace(), gp_absent.every()));
    assert_eq!(address.pace(), address_absent.pace());
    let otlp = config.telemetry.otlp.unwrap();
    assert_eq!(otlp.certificate_authorities, Some(folder.path().join("certificates/collector-authorities.pem")));
    let authorization = SecretSource::File(folder.path().join("secrets/collector.authorization"));
    assert_eq!((otlp.headers["authorization"].0.clone(), config.telemetry.sample), (authorization, 1.0));
}

#[test]
fn a_vendor_signs_by_its_own_headers_or_as_standard_webhooks_has_it_or_sends_a_secret_along() {
    let from = EXAMPLE.find("scheme = ").unwrap();
    let webhook = |rest: &str| {
        let (_, config) = read(&format!("{}{rest}", &EXAMPLE[..from]));
        config.unwrap().plugins.remove(0).webhook.unwrap().decide()
    };
    let own =
        "secret = { env = \"S\" }\nsignature-header = \"X-Sig\"\ntimestamp-header = \"X-At\"\nid-header = \"X-Id\"\n";
    let name = HeaderName::from_static;
    let hmac = Signing::Hmac { signature: name("x-sig"), timestamp: name("x-at"), id: name("x-id") };
    assert_eq!(webhook(own), Ok(hmac), "also where no scheme is named");
    let standard = webhook("scheme = \"standard-webhooks\"\nsecret = { env = \"S\" }\n");
    assert_eq!(standard, Ok(Signing::StandardWebhooks));
    let shared = |more: &str| {
        webhook(&format!("scheme = \"shared-secret\"\nsecret = {{ env = \"S\" }}\nsecret-header = \"X-Key\"\n{more}"))
    };
    let id = Some(name("x-id"));
    assert_eq!(shared(""), Ok(Signing::SharedSecret { secret: name("x-key"), id: None }));
    assert_eq!(shared("id-header = \"X-Id\"\n"), Ok(Signing::SharedSecret { secret: name("x-key"), id }));
}

#[test]
fn an_origin_to_return_to_is_an_origin_and_nothing_more() {
    let key = "return-origins = [\"https://portal.example.no\"]";
    for wrong in ["https://portal.example.no/paid", "https://a:b@portal.example.no", "mailto:a@portal.example.no"] {
        let (text, _) = spoilt(key, &format!("return-origins = [\"https://a.example\", \"{wrong}\"]"));
        let said = error(&text);
        assert!(said.contains("payments.return-origins[1]: must be an origin"), "{said}");
    }
    let (text, _) = spoilt(key, "");
    assert!(read(&text).1.unwrap().payments.return_origins.is_empty());
}

#[test]
fn notices_lead_to_one_short_page_over_tls_by_a_plugin_that_is_named() {
    for (from, to, wanted) in [
        ("https://www.helsenorge.no/\"", "http://www.helsenorge.no/\"", "notices.portal-link: must be an https URL"),
        ("https://www.helsenorge.no/\"", "https://helsenorge.no/?id=1\"", "notices.portal-link: must be an https URL"),
        ("https://www.helsenorge.no/\"", &format!("https://{}.no/\"", "x".repeat(60)), "at most 60 characters"),
        ("fold-seconds = 120", "fold-seconds = 901", "notices.fold-seconds: must be 0 to 900"),
        (
            "sms = \"sms\"\n# The plugin that sends mail.\nemail = \"epost\"",
            "",
            "notices.sms: or email must name a plugin",
        ),
    ] {
        let (text, _) = spoilt(from, to);
        assert!(error(&text).contains(wanted), "{wanted}: {}", error(&text));
    }
    let rules = read(EXAMPLE).1.unwrap().notices.unwrap().rules();
    assert_eq!((rules.fold.as_secs(), rules.link.as_str()), (120, "https://www.helsenorge.no/"));
}

#[test]
fn the_example_has_every_limit() {
    let example: Value = toml::from_str(EXAMPLE).unwrap();
    let known = Value::try_from(Limits::default()).unwrap();
    let keys = |table: &Value| table.as_table().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(&example["limits"]), keys(&known));
    let known = Value::try_from(RatesConfig::default()).unwrap();
    assert_eq!(keys(&example["rates"]), keys(&known));
}

#[test]
fn every_key_of_the_example_has_a_comment_before_it() {
    let mut commented = false;
    for line in EXAMPLE.lines() {
        if line.contains(" = ") && !line.starts_with('#') && !line.starts_with("organisation") {
            assert!(commented, "{line}");
        }
        commented = line.starts_with('#') || (commented && line.starts_with('['));
    }
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
    for (from, to, unknown, nearest) in [
        ("[listen]", "[lissten]", "lissten", "listen"),
        ("portal = ", "portl = ", "portl", "portal"),
        ("[tls.portal]", "[tls.portl]", "portl", "portal"),
        ("client-certificates", "client-certificate", "client-certificate", "client-certificates"),
        ("per-client", "per-clint", "per-clint", "per-client"),
        ("poll-seconds", "pol-seconds", "pol-seconds", "poll-seconds"),
        ("protocol = ", "protocl = ", "protocl", "protocol"),
        ("timeout-milliseconds = 10000", "timout-milliseconds = 10000", "timout-milliseconds", "timeout-milliseconds"),
        ("audiences", "audience", "audience", "audiences"),
    ] {
        let (text, line) = spoilt(from, to);
        let expected = format!("gateway.toml:{line}: unknown key `{unknown}`; the nearest known one is `{nearest}`");
        assert_eq!(error(&text), expected);
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_named_with_its_key_and_line() {
    for (from, to, key) in [
        ("portal = \"127.0.0.1:8080\"", "portal = 8080", "listen.portal"),
        ("poll-seconds = 5", "poll-seconds = 0", "plugins.poll-seconds"),
        ("audiences = [\"https://dialog.example.no\"]", "audiences = \"all\"", "issuers.audiences"),
        ("format = \"json\"", "format = \"xml\"", "telemetry.format"),
        ("oldest = \"1.3\"", "oldest = \"1.1\"", "tls.portal.oldest"),
        ("scheme = \"hmac\"", "scheme = \"none\"", "plugins.webhook.scheme"),
        ("burst = 100 }", "burst = 0 }", "rates.burst"),
        ("call-milliseconds = 5000", "call-milliseconds = \"long\"", "limits.call-milliseconds"),
        ("public-url = \"https://dialog.example.no\"", "public-url = \"nowhere\"", "public-url"),
    ] {
        let (text, line) = spoilt(from, to);
        let said = error(&text);
        assert!(said.starts_with(&format!("gateway.toml:{line}: {key}: ")), "{key} at {line}: {said}");
    }
}

#[test]
fn a_secret_in_the_file_itself_is_refused_and_not_repeated() {
    for (from, to) in [
        ("key = { file = \"secrets/audit.key\" }", "key = \"opensesame\""),
        ("also-signed-by = []", "also-signed-by = [\"opensesame\"]"),
        ("key = { file = \"secrets/portal.key\" }", "key = \"opensesame\""),
        ("password = { env = \"MELDINGSTJENER_PASSWORD\" }", "password = \"opensesame\""),
        (
            "{ kind = \"basic\", username = \"dialog\", password = { env = \"MELDINGSTJENER_PASSWORD\" } }",
            "\"opensesame\"",
        ),
        ("secret = { file = \"secrets/vendor.secret\" }", "secret = { value = \"opensesame\" }"),
        ("{ file = \"secrets/collector.authorization\" }", "\"opensesame\""),
    ] {
        let (text, _) = spoilt(from, to);
        let said = error(&text);
        assert!(!said.contains("opensesame"), "{said}");
        assert!(said.starts_with("gateway.toml:"), "{said}");
    }
}

#[test]
fn a_password_of_ws_security_is_a_secret_whose_path_counts_from_the_file() {
    let basic = "{ kind = \"basic\", username = \"dialog\", password = { env = \"MELDINGSTJENER_PASSWORD\" } }";
    let (text, _) =
        spoilt(basic, "{ kind = \"ws-security\", username = \"gw\", password = { file = \"vendor.password\" } }");
    let (folder, config) = read(&text);
    let config = config.unwrap();
    let secrets = config.secrets();
    let (_, source) = secrets.iter().find(|(key, _)| key.ends_with(".credentials.password")).unwrap();
    assert_eq!(**source, SecretSource::File(folder.path().join("vendor.password")));
    let (text, _) = spoilt(basic, "{ kind = \"ws-security\", username = \"gw\", password = \"opensesame\" }");
    assert!(!error(&text).contains("opensesame"));
}

#[test]
fn parts_that_do_not_fit_together_are_named() {
    for (from, to, expected) in [
        ("[\"RS256\", \"ES256\"]", "[\"RS256\", \"HS256\"]", "issuers[0].algorithms: HS256 is symmetric"),
        ("[\"RS256\", \"ES256\"]", "[]", "issuers[0]: audiences, algorithms and token-types"),
        ("{ metadata = \"https://test", "{ metadata = \"http://test", "issuers[0].keys: must be https"),
        ("{ metadata = \"https://test", "{ url = \"http://test", "issuers[0].keys: must be https"),
        (
            "public-url = \"https://dialog.example.no\"\n\n# How",
            "public-url = \"ftp://a\"\n\n# How",
            "operations.public-url: must",
        ),
        ("certificate = \"certificates/portal.pem\"", "", "tls.portal.certificate: is missing"),
        ("key = { file = \"secrets/provider.key\" }", "", "tls.provider.key: is missing"),
        ("plaintext = false", "plaintext = true", "tls.portal.plaintext: there is no plaintext"),
        ("client-authorities = \"certificates/operators.pem\"", "", "tls.operations.client-authorities: is missing"),
        ("log = \"info\"", "log = \"a=b=c\"", "telemetry.log: "),
        (
            "token-types = [\"at+jwt\"]",
            "token-types = []",
            "issuers[0]: audiences, algorithms and token-types must each name at least one",
        ),
        ("unreadable-days = 30", "unreadable-days = 0", "data.unreadable-days: must be 1 to 365"),
        ("unreadable-days = 30", "unreadable-days = 366", "data.unreadable-days: must be 1 to 365"),
        ("bytes = 16777216", "bytes = 131071", "audit.journal-segment-bytes: must be 131072 to 268435456"),
        ("bytes = 16777216", "bytes = 268435457", "audit.journal-segment-bytes: must be 131072 to 268435456"),
        ("signature-header = \"x-signature\"", "", "plugins[0].webhook.signature-header: is missing"),
        ("id-header = \"x-delivery\"", "id-header = \"x delivery\"", "plugins[0].webhook.id-header: must be the name"),
        (
            "scheme = \"hmac\"",
            "scheme = \"standard-webhooks\"",
            "plugins[0].webhook.signature-header: is of no use: Standard Webhooks has headers of its own",
        ),
        (
            "scheme = \"hmac\"",
            "scheme = \"shared-secret\"",
            "plugins[0].webhook.signature-header: is of no use: nothing is signed",
        ),
        (
            "scheme = \"hmac\"",
            "secret-header = \"x-key\"",
            "plugins[0].webhook.secret-header: is of no use: the secret is never sent",
        ),
        ("public-url = \"https:", "public-url = \"ftp:", "public-url: must be an http or https URL"),
        (
            "public-url = \"https://",
            "public-url = \"https://me@",
            "public-url: must be an http or https URL without user",
        ),
    ] {
        let (text, _) = spoilt(from, to);
        let said = error(&text);
        assert!(said.starts_with(&format!("gateway.toml: {expected}")), "{said}");
    }
    let again = EXAMPLE.replacen("# Optional. The limits", "[[issuers]]\nissuer = \"https://test.idporten.no\"\naudiences = [\"a\"]\nkeys = { file = \"k\" }\nalgorithms = [\"ES256\"]\n# Optional. The limits", 1);
    assert_eq!(error(&again), "gateway.toml: issuers[1].issuer: is there twice");
}

#[test]
fn what_is_no_toml_or_no_file_is_said() {
    assert!(error("public-url = ").starts_with("gateway.toml:1: "));
    assert!(error("").contains("missing field"));
    assert!(error(&"#".repeat(2 * 1024 * 1024)).contains("over the limit"));
    let missing = Config::read(Path::new("/nowhere/gateway.toml")).err().unwrap().to_string();
    assert!(missing.starts_with("/nowhere/gateway.toml: "), "{missing}");
}

#[test]
fn relative_paths_count_from_the_files_folder_and_absolute_ones_stay() {
    let (text, _) = spoilt("folder = \"data\"", "folder = \"/var/lib/dialog\"");
    let (folder, config) = read(&text);
    let config = config.unwrap();
    assert_eq!(config.data.folder, Path::new("/var/lib/dialog"));
    assert_eq!(config.directory.file, folder.path().join("directory.json"));
    let authorities = config.plugins[0].upstreams["meldingstjener"].certificate_authorities.clone();
    assert_eq!(authorities, Some(folder.path().join("certificates/edi.pem")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_stands_anywhere_in_the_file_is_read_or_refused_without_a_panic(
        at in 0..EXAMPLE.len(), length in 0_usize..40, put in "[\\[\\]{}=\"'#,.a-zå\n -]{0,12}",
    ) {
        let from = EXAMPLE.floor_char_boundary(at);
        let until = EXAMPLE.floor_char_boundary((at + length).min(EXAMPLE.len()));
        let (_folder, config) = read(&format!("{}{put}{}", &EXAMPLE[..from], &EXAMPLE[until.max(from)..]));
        if let Err(ConfigError::Invalid { line, what, .. }) = config {
            prop_assert!(line >= 1 && !what.is_empty());
        }
    }
}

#[test]
fn a_registers_times_fit_together() {
    for (from, to, key) in [
        ("poll-seconds = 30", "poll-seconds = 61", "directory.gp-register.poll-seconds"),
        ("served-seconds = 604800", "served-seconds = 60", "directory.gp-register.served-seconds"),
        ("served-seconds = 2592000", "served-seconds = 60", "directory.address-register.served-seconds"),
    ] {
        let (text, _) = spoilt(from, to);
        let error = read(&text).1.unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
    }
}
