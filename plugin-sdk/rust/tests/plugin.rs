//! A plugin of a few functions, called as its unit tests call it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use dialog_plugin_sdk::{
    Attachment, Context, Event, Failure, Message, Sent,
    dialogs::{Certificate, Dialogs, Opened, Opening},
    ids, log, state,
    testing::{self, Host, Reply},
    upstream::{self, Body, Cause},
};
use serde::Deserialize;

struct Clinic;

#[derive(Deserialize)]
struct Taken {
    reference: String,
}

impl Dialogs for Clinic {
    fn open(ctx: Context, dialog: String, opening: Opening) -> Result<Opened, Failure> {
        let Opening::Certificate(Certificate { message, .. }) = opening else {
            return Err(Failure::declined("service", "Legekontoret tilbyr ikke tjenesten."));
        };
        let picture = message.attachments.iter().fold(Body::new(), Body::attachment);
        let body = Body::new().text(&message.text).text("|").base64(Body::new().text("<").base64(picture).text(">"));
        state::set("last", dialog.as_bytes())?;
        let taken: Taken = upstream::post("clinic", "/offices")
            .segment(ctx.office.her_id.to_string())
            .segment("åpne saker")
            .query("key", ids::derived("dialog", &[&ctx.idempotency_key]))
            .body("text/plain", body)
            .send()?
            .success()?
            .json()?;
        log::info!("opened {dialog}");
        Ok(Opened { reference: taken.reference, events: Vec::new() })
    }

    fn send(_: Context, _: String, _: Message) -> Result<Vec<Event>, Failure> {
        Ok(Vec::new())
    }

    fn close(_: Context, _: String) -> Result<Vec<Event>, Failure> {
        Ok(Vec::new())
    }
}

dialog_plugin_sdk::export_dialogs!(Clinic);

fn certificate(attachments: Vec<Attachment>) -> Opening {
    let message = Message { attachments, ..testing::message("til skolen") };
    Opening::Certificate(Certificate { purpose: "skole".to_owned(), message, form: None })
}

#[test]
fn a_request_reaches_the_remote_system_as_the_gateway_would_send_it() {
    let host = Host::install();
    host.upstream("clinic", |_| Reply::json(201, &serde_json::json!({"reference": "r-1"})));
    let picture = host.attachment("p.png", "image/png", b"png!");

    let opened = host.call(|| Clinic::open(testing::context(), "d-1".to_owned(), certificate(vec![picture]))).unwrap();

    assert_eq!(opened.reference, "r-1");
    let [request] = &host.requests()[..] else { panic!("one request") };
    assert_eq!(request.path, "/offices/8000101/%C3%A5pne%20saker");
    assert_eq!(request.header("content-type"), Some("text/plain"));
    assert_eq!(request.query("key").map(str::len), Some(36));
    // base64("<" + base64("png!") + ">")
    assert_eq!(request.text(), "til skolen|PGNHNW5JUT09Pg==");
    assert_eq!(host.lines()[0].1, "opened d-1");
    assert_eq!(host.state()["last"], b"d-1");
}

#[test]
fn a_failed_call_leaves_no_state_and_says_what_was_sent() {
    let host = Host::install();
    host.upstream("clinic", |_| Reply::error(Cause::Interrupted("time ran out".to_owned())));

    let failure =
        host.call(|| Clinic::open(testing::context(), "d-1".to_owned(), certificate(Vec::new()))).unwrap_err();

    let Failure::Unavailable(outage) = failure else { panic!("{failure:?}") };
    assert_eq!(outage.sent, Sent::Unknown);
    assert!(host.state().is_empty());
}

#[test]
fn an_identifier_cannot_lead_to_another_path() {
    let _host = Host::install();
    for stray in ["..", ".", "", "a/b", "a\\b"] {
        let error = upstream::get("clinic", "/offices").segment(stray).send().unwrap_err();
        assert!(matches!(error.cause, Cause::Forbidden(_)), "{stray}: {error}");
    }
}

#[test]
fn base64_deeper_than_the_contract_allows_is_refused() {
    let host = Host::install();
    host.upstream("clinic", |_| Reply::status(200));
    let deep = |depth| (0..depth).fold(Body::new().text("x"), |inner, _| Body::new().base64(inner));
    assert!(upstream::post("clinic", "/").body("text/plain", deep(3)).send().is_ok());
    let error = upstream::post("clinic", "/").body("text/plain", deep(4)).send().unwrap_err();
    assert!(matches!(error.cause, Cause::Forbidden(_)), "{error}");
}

#[test]
fn a_place_for_credentials_is_kept_once_after_nothing_but_bytes() {
    let host = Host::install();
    host.upstream("clinic", |_| Reply::status(204));
    let send = |body: Body| upstream::post("clinic", "/soap").body("application/soap+xml", body).send();
    send(Body::new().text("<h>").credentials().text("</h>").base64(Body::new().text("x"))).unwrap();
    assert_eq!(host.requests()[0].text(), format!("<h>{}</h>eA==", testing::CREDENTIALS));
    let picture = host.attachment("p.png", "image/png", b"png!");
    for wrong in [
        Body::new().credentials().credentials(),
        Body::new().base64(Body::new().credentials()),
        Body::new().attachment(&picture).credentials(),
    ] {
        assert!(matches!(send(wrong).unwrap_err().cause, Cause::Forbidden(_)));
    }
}
