//! A practice, a patient and the vendor's answers. Nobody here exists.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "fixtures of several test files")]

use std::path::PathBuf;

use dialog_plugin_sdk::inbound::InboundContext;
use dialog_plugin_sdk::testing::{self, Host, Reply, Request};
use dialog_plugin_sdk::{
    Attachment, Citizen, Clinician, Context, Failure, Message, Representation, Representative, Sent,
};

/// The patient's number: synthetic.
pub(crate) const FNR: &str = "23869247251";
/// Another's number: synthetic.
pub(crate) const OTHER: &str = "02917130593";
/// The gateway's id of a dialog.
pub(crate) const DIALOG: &str = "019a0000-0000-7000-8000-0000000000d1";
/// The contract's id of a message.
pub(crate) const MESSAGE: &str = "019a0000-0000-7000-8000-0000000000e1";
/// The smallest PNG there is.
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\xdac\xfc\xcf\xc0P\x0f\x00\x04\x85\x01\x80\x84\xa9\x8c!\x00\x00\x00\x00IEND\xaeB`\x82";
/// 2026-11-20T09:00:00Z, a Friday.
pub(crate) const NOW: i64 = 1_795_165_200_000;
/// 2026-11-23T08:15:00+01:00.
pub(crate) const SLOT: i64 = 1_795_418_100_000;
/// What SOAP messages come as.
pub(crate) const SOAP_TYPE: &str = "application/soap+xml; charset=utf-8";

const SOAP: &str = "http://www.w3.org/2003/05/soap-envelope";
const VENDOR: &str = "urn:besoklegen:portal:v3";

pub(crate) fn context() -> Context {
    let mut ctx = testing::context();
    ctx.now = NOW;
    ctx.office.her_id = 8_150_301;
    ctx.settings = r#"{"practice":"LILLETORGET"}"#.to_owned();
    ctx.clinician = Some(Clinician {
        hpr_number: 9_123_458,
        her_id: Some(8_150_311),
        given_name: "Amina".into(),
        family_name: "Yusuf".into(),
    });
    ctx.citizen = Some(Citizen {
        reference: "citizen-1".into(),
        national_identity_number: Some(FNR.into()),
        given_name: "Leila".into(),
        family_name: "Torg".into(),
        mobile: Some("+4790000000".into()),
    });
    ctx
}

/// A call with an idempotency key of its own.
pub(crate) fn keyed(key: &str) -> Context {
    let mut ctx = context();
    ctx.idempotency_key = format!("key-{key}");
    ctx
}

pub(crate) fn represented(mut ctx: Context) -> Context {
    ctx.representative = Some(Representative {
        reference: "citizen-2".into(),
        national_identity_number: Some(OTHER.into()),
        given_name: "Ola".into(),
        family_name: "Brygge".into(),
        role: Representation::PowerOfAttorney,
    });
    ctx
}

pub(crate) fn inbound() -> InboundContext {
    let mut ctx = testing::inbound_context();
    ctx.now = NOW;
    ctx.offices[0].office.her_id = 8_150_301;
    ctx.offices[0].settings = r#"{"practice":"LILLETORGET"}"#.to_owned();
    ctx
}

pub(crate) fn host() -> Host {
    let host = Host::install();
    host.set_now(NOW);
    host
}

pub(crate) fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).unwrap().1.split_once(to).unwrap().0
}

/// What a request asks for: content type, header and body agree on it.
pub(crate) fn operation(request: &Request) -> &str {
    let action = between(request.header("content-type").unwrap(), "action=\"urn:besoklegen:portal:v3/", "\"");
    let text = request.text();
    assert_eq!(between(text, "<a:Action>urn:besoklegen:portal:v3/", "</a:Action>"), action);
    assert!(text.contains(&format!("<s:Body><{action} xmlns=\"{VENDOR}\">")), "{action}");
    action
}

/// `wsa:MessageID` of a request.
pub(crate) fn message_id(request: &Request) -> &str {
    between(request.text(), "<a:MessageID>", "</a:MessageID>")
}

/// A message about a request.
pub(crate) fn envelope(request: &Request, content: &str) -> String {
    format!(
        "<e:Envelope xmlns:e=\"{SOAP}\"><e:Header><w:RelatesTo xmlns:w=\"http://www.w3.org/2005/08/addressing\">{}\
         </w:RelatesTo></e:Header><e:Body>{content}</e:Body></e:Envelope>",
        message_id(request)
    )
}

/// An answer with these elements in it.
pub(crate) fn reply(request: &Request, elements: &str) -> Reply {
    let name = operation(request);
    let content = format!("<{name}Response xmlns=\"{VENDOR}\">{elements}</{name}Response>");
    Reply::body(200, SOAP_TYPE, envelope(request, &content))
}

/// A fault as the vendor sends it.
pub(crate) fn fault(who: &str, code: &str, problem: &str) -> Reply {
    let status = if who == "Receiver" { 500 } else { 400 };
    let text = format!(
        "<e:Envelope xmlns:e=\"{SOAP}\"><e:Header/><e:Body><e:Fault><e:Code><e:Value xmlns:f=\"{SOAP}\">f:{who}</e:Value>\
         <e:Subcode><e:Value xmlns:b=\"{VENDOR}\">b:{code}</e:Value></e:Subcode></e:Code><e:Reason><e:Text xml:lang=\"en\">\
         internal {FNR}</e:Text></e:Reason><e:Detail><Problem xmlns=\"{VENDOR}\">{problem}</Problem></e:Detail></e:Fault>\
         </e:Body></e:Envelope>"
    );
    Reply::body(status, SOAP_TYPE, text)
}

/// A vendor that answers every request with these elements.
pub(crate) fn answering(elements: &str) -> Host {
    let (host, elements) = (host(), elements.to_owned());
    host.upstream("portal", move |request: &Request| reply(request, &elements));
    host
}

/// A vendor that answers every request the same.
pub(crate) fn always(given: Reply) -> Host {
    let host = host();
    host.upstream("portal", move |_: &Request| given.clone());
    host
}

/// The elements of what the simulated vendor tells, as its tests wrote it.
pub(crate) fn told(name: &str) -> String {
    let text = std::fs::read_to_string(folder(&format!("tests/golden/told-{name}.xml"))).unwrap();
    let (_, inside) = text.split_once("Response xmlns=\"urn:besoklegen:portal:v3\">").unwrap();
    inside.rsplit_once("</").unwrap().0.to_owned()
}

pub(crate) fn message(text: &str, attachments: Vec<Attachment>) -> Message {
    Message { id: MESSAGE.into(), subject: None, text: text.into(), attachments }
}

/// The only request that was sent.
pub(crate) fn only(host: &Host) -> Request {
    let mut requests = host.requests();
    assert_eq!(requests.len(), 1, "one request");
    requests.remove(0)
}

/// Whether the provider has the request, by a failure.
pub(crate) fn sent(failure: &Failure) -> Option<Sent> {
    match failure {
        Failure::Unavailable(outage) => Some(outage.sent),
        Failure::Faulty(fault) => Some(fault.sent),
        _ => None,
    }
}

pub(crate) fn folder(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares a request with its golden file, which the simulated vendor's tests send to the vendor.
/// `UPDATE_GOLDEN=1` writes it anew.
pub(crate) fn golden(name: &str, request: &Request) {
    operation(request);
    for (_, value) in &request.headers {
        assert!(!value.contains(FNR) && !value.contains(OTHER), "{name}: a number in a header");
    }
    assert_eq!((request.path.as_str(), request.query.len()), ("/portal", 0), "{name}");
    let opening = request.text().split_once(testing::CREDENTIALS).unwrap().0;
    assert!(opening.ends_with("<s:Header>"), "{name}: credentials stand first in the header");
    // An element to a line; what may hold nothing at all stays so.
    let text = request.text().replace("><", ">\n<").replace("<Question>\n</Question>", "<Question></Question>") + "\n";
    let file = folder("tests/golden").join(format!("{name}.xml"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&file).unwrap_or_default(), "{name}");
}
