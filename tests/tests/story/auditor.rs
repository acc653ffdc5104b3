//! The auditor's tool at the door of a whole gateway: over TLS, with a certificate, and a token that is bound to a key.

use std::sync::Arc;

use anyhow::{Context, ensure};
use dialog_audit::{Access, JournalReport, Reader, Source, Verification, VerifierKeys, Web, records::Record};
use dialog_tests::{
    house::{authority, configuration::PUBLIC_URL, issuer},
    sim::world::KARI,
};
use jsonwebtoken::jwk::ThumbprintHash;
use serde_json::json;
use zeroize::Zeroizing;

use crate::visit::{alone, citizen};

#[test]
fn an_auditor_verifies_the_log_of_a_gateway_that_runs() -> anyhow::Result<()> {
    alone(async |house| {
        citizen(house, &KARI)?.get("/v1/me/practice", &[]).expect(http::StatusCode::OK).await?;
        let client = issuer::Client::new("auditor")?;
        let mut claims = issuer::machine_claims(client.id, "dialog:auditor");
        claims["cnf"] = json!({ "jkt": client.public.thumbprint(ThumbprintHash::SHA256)? });
        let token = house.issuer.sign(&claims)?;
        let address = format!("{}/log", house.gateway()?.operations.as_str().trim_end_matches('/'));
        let access = |token: Option<&str>| -> anyhow::Result<Access> {
            Ok(Access {
                token: token.map(|token| Zeroizing::new(token.to_owned())),
                proof_key: token.map(|_| Zeroizing::new(client.private.clone().into_bytes())),
                proof_url: Some(format!("{}/log", PUBLIC_URL.trim_end_matches('/'))),
                authorities: Some(authority::development()?.certificate().as_bytes().to_vec()),
                identity: Some(Zeroizing::new(std::fs::read(house.folder().join(authority::OPERATOR_FILE))?)),
                purpose: "verify",
            })
        };
        let (known, stranger) = (access(Some(&token))?, access(None)?);
        let keys = VerifierKeys::parse(&house.audit_key()?)?;
        // The tool blocks, and has a runtime of its own.
        let looked = tokio::task::spawn_blocking(move || -> anyhow::Result<()> {
            let log: Arc<dyn Source> = Arc::new(Web::new(&address, known)?);
            // What was just done is public within a moment.
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
            loop {
                let report = Verification::begin(&*log, &keys)?.run(|_| std::ops::ControlFlow::Continue(()))?;
                ensure!(report.journal == JournalReport::NotPublic);
                let reader = Reader::of(Arc::clone(&log), Some(&keys))?;
                let records: Vec<Record> = reader
                    .checked_entries(0..u64::MAX)?
                    .map(|entry| Record::read(&entry?.data).context("no record"))
                    .collect::<anyhow::Result<_>>()?;
                if records.iter().any(|record| record.action() == "practice.read") {
                    break;
                }
                ensure!(std::time::Instant::now() < deadline, "the reading is not in the public log");
            }
            let refused = Reader::of(Arc::new(Web::new(&address, stranger)?), Some(&keys));
            let why = refused.err().context("a stranger was let in")?.to_string();
            ensure!(why.contains("401"), "{why}");
            Ok(())
        });
        looked.await??;

        // Who read it is on record: once at the beginning, and what was read when the gateway ends.
        house.stop_gateway().await?;
        let all = Reader::open(&house.audit(), &VerifierKeys::parse(&house.audit_key()?)?)?.entries(0..u64::MAX);
        let records =
            all.map(|entry| Record::read(&entry?.data).context("no record")).collect::<anyhow::Result<Vec<_>>>()?;
        let said: Vec<&Record> = records.iter().filter(|record| record.kind() == "log-read").collect();
        ensure!(said.len() == 2, "{said:?}");
        for record in &said {
            ensure!(
                record.text("/details/purpose") == Some("verify") && record.text("/actor/client") == Some("auditor")
            );
        }
        ensure!(said[0].text("/details/bundles").is_none() && said[0].text("/request").is_some(), "{:?}", said[0]);
        ensure!(said[1].text("/details/firstEntry") == Some("0"), "{:?}", said[1]);
        Ok(())
    })
}
