//! The listeners of a whole gateway, in a process of its own: TLS on each, certificates of callers, renewal under way, and
//! what a tool that nobody here wrote finds.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, ensure};
use dialog_audit::{Reader, VerifierKeys};
use dialog_tests::{
    house::{
        House,
        authority::{self, Authority},
        portal::Portal,
    },
    sim::world::{CITIZENS, KARI},
};
use http::StatusCode;
use rustls::{
    NamedGroup, ProtocolVersion,
    version::{TLS12, TLS13},
};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    tools::from_pypi,
    visit::{alone, citizen, shared},
};

/// Longer than anything takes that is not broken.
const PATIENCE: Duration = Duration::from_secs(60);

fn address(base: &Url) -> anyhow::Result<SocketAddr> {
    base.socket_addrs(|| None)?.into_iter().next().context("an address")
}

/// The fingerprint of the certificate that a new connection is shown.
async fn shown(base: &Url) -> anyhow::Result<String> {
    let stream = authority::development()?.connect(address(base)?, &[&TLS13]).await?;
    let chain = stream.get_ref().1.peer_certificates().context("no certificate")?;
    Ok(Sha256::digest(&chain[0]).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Waits for another certificate than `before`.
async fn renewed(base: &Url, before: &str) -> anyhow::Result<String> {
    let changed = async {
        loop {
            let now = shown(base).await?;
            if now != before {
                return anyhow::Ok(now);
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, changed).await.context("no other certificate is shown")?
}

#[test]
fn every_listener_speaks_tls_1_3_with_a_hybrid_key_exchange_and_nothing_else() -> anyhow::Result<()> {
    shared(async |house| {
        let gateway = house.gateway()?;
        let authority = authority::development()?;
        for base in [&gateway.portal, &gateway.provider, &gateway.operations] {
            ensure!(base.scheme() == "https", "{base}");
            let stream = authority.connect(address(base)?, &[&TLS13, &TLS12]).await?;
            let connection = stream.get_ref().1;
            ensure!(connection.protocol_version() == Some(ProtocolVersion::TLSv1_3), "{base}: an older version");
            let group = connection.negotiated_key_exchange_group().context("no key exchange")?;
            ensure!(group.name() == NamedGroup::X25519MLKEM768, "{base}: {:?}", group.name());
            ensure!(authority.connect(address(base)?, &[&TLS12]).await.is_err(), "{base} speaks TLS 1.2");

            let mut clear = TcpStream::connect(address(base)?).await?;
            clear.write_all(b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n").await?;
            let mut answer = Vec::new();
            // A reset is an answer too.
            let _ = tokio::time::timeout(PATIENCE, clear.read_to_end(&mut answer)).await.context("it waits")?;
            ensure!(!answer.starts_with(b"HTTP"), "{base} answers in the clear");
        }
        Ok(())
    })
}

#[test]
fn nobody_reaches_the_vendors_or_the_operators_door_without_a_certificate_of_the_right_authority() -> anyhow::Result<()>
{
    shared(async |house| {
        let gateway = house.gateway()?;
        let authority = authority::development()?;
        let stranger = Authority::new("Dialog development")?.caller("operator")?;
        for (base, path, status) in [
            (&gateway.operations, "/health/live", StatusCode::OK),
            (&gateway.provider, "/v1/deliveries/nobody/x", StatusCode::METHOD_NOT_ALLOWED),
        ] {
            let url = base.join(path)?;
            for (who, own) in [("nobody", None), ("a stranger", Some(&stranger))] {
                let refused = authority.client(own)?.build()?.get(url.clone()).send().await;
                ensure!(refused.is_err(), "{who} reaches {url}");
            }
            let reply = authority::client()?.build()?.get(url.clone()).send().await?;
            ensure!(reply.status() == status, "{url}: {}", reply.status());
        }
        // Citizens come without, as the portal does for them.
        let url = gateway.portal.join("/health/live")?;
        ensure!(authority.client(None)?.build()?.get(url).send().await?.status() == StatusCode::OK);
        Ok(())
    })
}

#[test]
fn certificates_are_renewed_under_load_and_no_request_is_dropped() -> anyhow::Result<()> {
    alone(async |house| {
        let (base, folder) = (house.gateway()?.portal.clone(), house.folder().to_owned());
        let done = CancellationToken::new();
        let mut callers = JoinSet::new();
        for (at, who) in CITIZENS.iter().take(3).enumerate() {
            let (standing, done) = (citizen(house, who)?, done.clone());
            let (base, token) = (base.clone(), house.issuer.citizen(who)?);
            callers.spawn(async move {
                let mut answered = 0_usize;
                while !done.is_cancelled() {
                    // One stays on its connection; for the others each request has one of its own.
                    let portal =
                        if at == 0 { standing.clone() } else { Portal::new(base.clone(), Some(token.clone()))? };
                    portal.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?;
                    answered += 1;
                }
                anyhow::Ok(answered)
            });
        }
        let mut known = shown(&base).await?;
        for _ in 0..5 {
            authority::write_listener(&folder, "portal")?;
            house.gateway()?.look_again()?;
            known = renewed(&base, &known).await?;
        }
        // Nobody has to say so.
        authority::write_listener(&folder, "portal")?;
        known = renewed(&base, &known).await?;

        std::fs::write(folder.join("portal.pem"), "half of a certi")?;
        let refused = r#"dialog_tls_reloads_total{listener="portal",outcome="refused"} "#;
        told(house, refused).await?;
        // It is counted before it is logged; and a look between two files of a renewal may have been counted before.
        logged(house, "tls.portal.certificate: ").await?;
        ensure!(shown(&base).await? == known, "a broken certificate was taken");
        done.cancel();
        while let Some(answered) = callers.join_next().await {
            ensure!(answered?? > 0, "nothing was asked");
        }

        let key = dialog_audit::SigningKey::read(&folder.join("audit.key"))?;
        house.stop_gateway().await?;
        let reader = Reader::open(&house.audit(), &VerifierKeys::of([&key])?)?;
        let records = reader.entries(0..reader.checkpoint().size);
        let records = records.map(|entry| Ok(String::from_utf8(entry?.data.to_vec())?));
        let records: Vec<String> = records.collect::<anyhow::Result<_>>()?;
        ensure!(records.iter().filter(|record| record.contains("tls.reload")).count() >= 6, "the log does not tell");
        ensure!(records.iter().any(|record| record.contains("tls.reload") && record.contains(&known)));
        Ok(())
    })
}

/// Waits until the metrics have counted some of what begins so.
async fn told(house: &House, wanted: &str) -> anyhow::Result<()> {
    let (url, client) = (house.gateway()?.operations.join("/metrics")?, authority::client()?.build()?);
    let told = async {
        loop {
            let text = client.get(url.clone()).send().await?.error_for_status()?.text().await?;
            if text.lines().filter_map(|line| line.strip_prefix(wanted)).any(|count| count != "0") {
                return anyhow::Ok(());
            }
        }
    };
    tokio::time::timeout(PATIENCE, told).await.with_context(|| format!("no {wanted}"))?
}

/// Waits until the gateway has logged what holds such a text.
async fn logged(house: &House, wanted: &str) -> anyhow::Result<()> {
    let log = house.log();
    let told = async {
        while !std::fs::read_to_string(&log)?.contains(wanted) {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, told).await.with_context(|| format!("nobody is told of {wanted}"))?
}

#[test]
fn sslyze_finds_nothing_at_mozillas_modern_level() -> anyhow::Result<()> {
    let tool = match from_pypi("sslyze", "6.3.1") {
        Ok(tool) => tool,
        Err(why) => {
            println!("skipped: sslyze is not installed and cannot be: {why}");
            return Ok(());
        }
    };
    shared(async |house| {
        // Its certificates have an authority of ours; all that Mozilla asks for beside that is asked.
        let ca = house.folder().join(authority::AUTHORITY_FILE);
        let target = address(&house.gateway()?.portal)?.to_string();
        let output = tokio::process::Command::new(&tool)
            .args(["--mozilla_config=modern", "--certinfo_ca_file"])
            .arg(&ca)
            .args([
                "--sslv2",
                "--sslv3",
                "--tlsv1",
                "--tlsv1_1",
                "--tlsv1_2",
                "--tlsv1_3",
                "--certinfo",
                "--heartbleed",
            ])
            .args(["--openssl_ccs", "--robot", "--reneg", "--compression", "--fallback", "--elliptic_curves"])
            .args(["--early_data", "--ems", "--http_headers", "--resum"])
            .arg(&target)
            .output()
            .await?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        ensure!(said.contains(&format!("{target}: OK - Compliant.")), "{said}");
        Ok(())
    })
}

#[test]
fn a_citizens_stream_of_events_outlives_a_renewal() -> anyhow::Result<()> {
    alone(async |house| {
        let base = house.gateway()?.portal.clone();
        let mut screen = dialog_tests::house::watch::Screen::open(&base, &house.issuer.citizen(&KARI)?, None).await?;
        let known = shown(&base).await?;
        authority::write_listener(house.folder(), "portal")?;
        house.gateway()?.look_again()?;
        renewed(&base, &known).await?;
        let kari = citizen(house, &KARI)?;
        let dialog = crate::visit::opened(&kari, &crate::visit::consultation("Søvn")).await?;
        screen.wait(dialog_contract::event::EventType::DialogOpened, &dialog).await?;
        Ok(())
    })
}
