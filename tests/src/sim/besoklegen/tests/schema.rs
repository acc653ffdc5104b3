//! Messages against the vendor's schema: by its own strict reader always, by `xmllint` where that is installed.

use super::{ask, message, open, patient, post, question, rules, sim, taken};
use crate::sim::besoklegen::grammar::{Grammar, XSD};
use crate::sim::besoklegen::soap::VENDOR;
use crate::sim::meldingstjener::tree::{Element, Written, parse, write};
use reqwest::StatusCode;
use std::process::Command;
use uuid::Uuid;

#[tokio::test]
async fn what_breaks_the_schema_is_a_violation_and_has_no_effect() {
    let sim = sim().await;
    let whole = question();
    for (content, rule) in [
        (whole.replace("<Question/>", ""), "no Message there"),
        (whole.replace("<Question/>", "<Question/><Question/>"), "Question where it does not belong"),
        (whole.replace("<Question/>", "<Question>x</Question>"), "text between"),
        (whole.replace("<Question/>", "<Question a=\"1\"/>"), "has an attribute"),
        (whole.replace("<Question/>", "<Question xmlns=\"urn:x\"/>"), "another namespace"),
        (whole.replace("<Question/>", "<Consultation><Mode>VIDEO</Mode></Consultation>"), "none of the words"),
        (
            whole
                .replace("<Question/>", "<SickNote><ValidUntil>2026-12-01</ValidUntil><Degree>101</Degree></SickNote>"),
            "maxInclusive",
        ),
        (
            whole.replace("<Question/>", "<SickNote><ValidUntil>1.12.26</ValidUntil><Degree>50</Degree></SickNote>"),
            "no xs:date",
        ),
        (whole.replace("<Practice>LILLETORGET</Practice>", ""), "0 Practice"),
        (whole.replace("<Practice>LILLETORGET", "<Practice>Lilletorget"), "breaks its pattern"),
        (whole.replace("<Text>Har dere åpent i julen?</Text>", "<Text></Text>"), "minLength"),
        (whole.replace("</Patient>", "</Patient><Doctor>0</Doctor>"), "breaks its pattern"),
        (
            whole.replace(
                "</Text>",
                "</Text><Attachment><Name>a</Name><Type>image/png</Type><Content>%</Content></Attachment>",
            ),
            "no xs:base64Binary",
        ),
        (
            whole.replace(
                "</Text>",
                "</Text><Attachment><Name>a</Name><Type>text/html</Type><Content></Content></Attachment>",
            ),
            "none of the words",
        ),
    ] {
        let before = sim.violations().len();
        let (status, fault) = ask(&sim, "OpenCase", &content).await;
        assert_eq!((status, super::code(&fault).as_str()), (StatusCode::BAD_REQUEST, "BadMessage"), "{rule}");
        let rules = rules(&sim);
        assert!(rules.len() == before + 1 && rules[before].contains(rule), "{rule}: {rules:?}");
    }
    assert!(sim.cases().is_empty());
    open(&sim, &whole).await;
}

#[tokio::test]
async fn an_envelope_that_is_none_is_a_violation() {
    let sim = sim().await;
    let whole = || message("GetEvents", "<After>0</After><Max>10</Max>", Uuid::now_v7(), &super::fresh());
    for (body, rule) in [
        ("{}".to_owned(), "not XML"),
        (format!("<!DOCTYPE a>{}", whole()), "document type"),
        (whole().replace("2003/05/soap-envelope", "2001/12/soap-envelope"), "no envelope of SOAP 1.2"),
        (whole().replace("urn:uuid:", ""), "not urn:uuid:"),
        (
            whole().replace("v3/GetEvents</a:Action>", "v3/GetForms</a:Action>").replace("v3/GetEvents\n", ""),
            "different operations",
        ),
        (whole().replace("a:MessageID", "a:Other"), "one wsa:MessageID"),
        (whole().replace("</s:Body>", "<b/></s:Body>"), "holds one element"),
        (whole().replace("s:Header", "s:Head"), "a header and a body"),
    ] {
        let before = sim.violations().len();
        assert_eq!(post(&sim, "GetEvents", body).await.0, StatusCode::BAD_REQUEST, "{rule}");
        let rules = rules(&sim);
        assert!(rules.len() == before + 1 && rules[before].contains(rule), "{rule}: {rules:?}");
    }
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = client.post(format!("{}/portal", sim.base_url())).header("content-type", "text/xml").body(whole());
    assert_eq!(post.send().await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let stray = client.get(format!("{}/portals", sim.base_url())).send().await.unwrap();
    assert_eq!(stray.status(), StatusCode::NOT_FOUND);
    let before = sim.violations().len();
    ask(&sim, "GetEventsResponse", "<Last>0</Last><More>false</More>").await;
    assert_eq!(sim.violations().len(), before + 1, "an answer is no question");
}

#[tokio::test]
async fn the_service_describes_itself() {
    let sim = sim().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async |path: &str| {
        let answer = client.get(format!("{}{path}", sim.base_url())).send().await.unwrap();
        (answer.status(), answer.bytes().await.unwrap())
    };
    let (status, wsdl) = get("/portal?wsdl").await;
    assert_eq!(status, StatusCode::OK);
    let wsdl = parse(&wsdl).unwrap();
    let kind = wsdl.child("portType").unwrap();
    let operations: Vec<&str> = kind.all("operation").filter_map(|one| one.get("name")).collect();
    assert_eq!(operations.len(), 13);
    // Each has its two elements in the schema.
    for name in operations {
        for element in [name.to_owned(), format!("{name}Response")] {
            assert!(XSD.contains(&format!("<xs:element name=\"{element}\"")), "{element}");
        }
    }
    assert_eq!(get("/portal.xsd").await.1, XSD.as_bytes());
    assert_eq!(get("/portal").await.0, StatusCode::METHOD_NOT_ALLOWED);
}

/// Whether `xmllint` finds a message valid; none where it is not installed.
pub(super) fn linted(content: &Element) -> Option<bool> {
    let folder = tempfile::tempdir().unwrap();
    let (schema, file) = (folder.path().join("portal.xsd"), folder.path().join("message.xml"));
    std::fs::write(&schema, XSD).unwrap();
    std::fs::write(&file, write(content, Written::Utf8)).unwrap();
    let mut lint = Command::new("xmllint");
    let output = lint.args(["--nonet", "--noout", "--schema"]).arg(&schema).arg(&file).output().ok()?;
    Some(output.status.success())
}

#[test]
fn the_strict_reader_and_xmllint_agree() {
    let grammar = Grammar::read().unwrap();
    let message = |operation: &str, content: &str| {
        parse(format!("<{operation} xmlns=\"{VENDOR}\">{content}</{operation}>").as_bytes()).unwrap()
    };
    let events = |max: &str| message("GetEvents", &format!("<After>0</After><Max>{max}</Max>"));
    for (message, valid) in [
        (message("OpenCase", &question()), true),
        (message("OpenCase", &question().replace("<Question/>", "")), false),
        (message("OpenCase", &question().replace(&patient(), "")), false),
        (message("OpenCase", &question().replace("LILLETORGET", " LILLETORGET")), false),
        (events("100"), true),
        (events("101"), false),
        (events("0"), false),
        (message("GetForms", "<Practice>A</Practice><Language>se</Language>"), false),
        (message("GetEventsResponse", "<Last>0</Last><More>maybe</More>"), false),
        (message("Nothing", ""), false),
    ] {
        assert_eq!(grammar.check(&message).is_ok(), valid, "{:?}", grammar.check(&message));
        if let Some(linted) = linted(&message) {
            assert_eq!(linted, valid, "xmllint on {}", message.name);
        }
    }
}

#[tokio::test]
async fn answers_are_as_the_schema_has_them() {
    let sim = sim().await;
    let grammar = Grammar::read().unwrap();
    for (operation, content) in [
        ("GetPractice", "<Practice>LILLETORGET</Practice><Language>nn</Language>".to_owned()),
        ("GetForms", "<Practice>LILLETORGET</Practice><Language>en</Language>".to_owned()),
        ("OpenCase", question()),
        ("GetEvents", "<After>0</After><Max>10</Max>".to_owned()),
        ("ConfirmEvents", "<UpTo>1</UpTo>".to_owned()),
    ] {
        let answer = taken(&sim, operation, &content).await;
        assert_eq!(grammar.check(&answer), Ok(()), "{operation}");
        assert_ne!(linted(&answer), Some(false), "{operation}");
    }
}
