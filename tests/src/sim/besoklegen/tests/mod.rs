//! The vendor, as a strict plugin and a careless one see it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing unwrap fails the test, which is what it is for")]

mod booking;
mod cases;
mod plugin;
mod schema;
mod security;
mod trouble;

use super::soap::{ADDRESSING, SOAP, VENDOR};
use super::{BesoklegenSim, Config};
use crate::sim::meldingstjener::tree::{Element, parse};
use crate::sim::world::{LEILA, OFFICES};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::StatusCode;
use uuid::Uuid;

/// The practice of [`LEILA`].
const PRACTICE: &str = "LILLETORGET";
/// A Friday.
const START: &str = "2026-11-20T09:00:00Z";
/// A local time with its offset, on the Monday after.
const MONDAY: &str = "2026-11-23T08:15:00+01:00";
/// The id of the slot at that time.
const SLOT: &str = "OP-9123458-20261123-0815";
/// The portal's id of a message.
const MESSAGE: &str = "019a0000-0000-7000-8000-0000000000e1";

async fn sim() -> BesoklegenSim {
    let practices = vec![(PRACTICE, &OFFICES[2])];
    BesoklegenSim::start(Config { start: START.parse().unwrap(), practices, ..Config::default() }).await.unwrap()
}

/// A token as the gateway writes one.
fn token(password: &str, created: Timestamp, nonce: &[u8]) -> String {
    let oasis = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss";
    let created = created.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    let digest =
        STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &[nonce, created.as_bytes(), password.as_bytes()].concat()));
    format!(
        "<w:Security xmlns:w=\"{oasis}-wssecurity-secext-1.0.xsd\" xmlns:u=\"{oasis}-wssecurity-utility-1.0.xsd\" \
         xmlns:m=\"{SOAP}\" m:mustUnderstand=\"true\"><w:UsernameToken><w:Username>portal</w:Username>\
         <w:Password Type=\"{oasis}-username-token-profile-1.0#PasswordDigest\">{digest}</w:Password>\
         <w:Nonce EncodingType=\"{oasis}-soap-message-security-1.0#Base64Binary\">{}</w:Nonce>\
         <u:Created>{created}</u:Created></w:UsernameToken></w:Security>",
        STANDARD.encode(nonce)
    )
}

fn fresh() -> String {
    token("besoklegen-password", Timestamp::now(), Uuid::now_v7().as_bytes())
}

fn message(operation: &str, content: &str, id: Uuid, security: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"{SOAP}\" xmlns:a=\"{ADDRESSING}\"><s:Header>{security}<a:Action>{VENDOR}/{operation}\
         </a:Action><a:MessageID>urn:uuid:{id}</a:MessageID></s:Header><s:Body><{operation} xmlns=\"{VENDOR}\">\
         {content}</{operation}></s:Body></s:Envelope>"
    )
}

/// An answer: its status, and what stands in its body.
async fn post(sim: &BesoklegenSim, operation: &str, body: String) -> (StatusCode, Element) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let content_type = format!("application/soap+xml; charset=utf-8; action=\"{VENDOR}/{operation}\"");
    let request = client.post(format!("{}/portal", sim.base_url())).header("content-type", content_type).body(body);
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let bytes = answer.bytes().await.unwrap_or_default();
    let content = parse(&bytes).ok().and_then(|root| Some(root.child("Body")?.children().next()?.clone()));
    (status, content.unwrap_or_default())
}

async fn again(sim: &BesoklegenSim, operation: &str, content: &str, id: Uuid) -> (StatusCode, Element) {
    post(sim, operation, message(operation, content, id, &fresh())).await
}

async fn ask(sim: &BesoklegenSim, operation: &str, content: &str) -> (StatusCode, Element) {
    again(sim, operation, content, Uuid::now_v7()).await
}

/// What a request that must be taken gives.
async fn taken(sim: &BesoklegenSim, operation: &str, content: &str) -> Element {
    let (status, answer) = ask(sim, operation, content).await;
    assert_eq!(status, StatusCode::OK, "{operation}: {}", code(&answer));
    answer
}

/// The code of a fault.
fn code(fault: &Element) -> String {
    let value = fault.child("Code").and_then(|code| code.child("Subcode")).and_then(|code| code.text_of("Value"));
    value.unwrap_or_default().trim_start_matches("b:").to_owned()
}

fn patient() -> String {
    let (number, given, family) = (LEILA.national_id, LEILA.given_name, LEILA.family_name);
    format!("<Patient><Fnr>{number}</Fnr><Given>{given}</Given><Family>{family}</Family></Patient>")
}

fn case(subject: &str, text: &str) -> String {
    let patient = patient();
    format!(
        "<Practice>{PRACTICE}</Practice><PortalRef>019a0000-0000-7000-8000-0000000000d1</PortalRef>{patient}{subject}\
         <Message><Id>{MESSAGE}</Id><Text>{text}</Text></Message>"
    )
}

fn question() -> String {
    case("<Question/>", "Har dere åpent i julen?")
}

async fn open(sim: &BesoklegenSim, content: &str) -> String {
    taken(sim, "OpenCase", content).await.text_of("Case").unwrap()
}

fn rules(sim: &BesoklegenSim) -> Vec<String> {
    sim.violations().into_iter().map(|violation| violation.rule).collect()
}
