//! The plugin and the vendor agree: what the plugin writes (its golden files) is taken in here without a violation, and
//! what the vendor tells is what the plugin's own tests read.

use super::schema::linted;
use super::{MONDAY, PRACTICE, SLOT, START, case, fresh, open, post, question, sim, taken};
use crate::sim::besoklegen::grammar::Grammar;
use crate::sim::besoklegen::{Answer, BesoklegenSim, BookingAct, Damage, Decision, Opening, Outcome, Service, Subject};
use crate::sim::meldingstjener::tree::{Element, Node, Written, parse, write};
use crate::sim::world::LEILA;
use reqwest::StatusCode;
use std::path::PathBuf;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../plugins/besoklegen/tests/golden").join(name)
}

/// Sends a request as the plugin wrote it, with a token where the gateway writes one.
async fn send(sim: &BesoklegenSim, name: &str) -> Element {
    let text = std::fs::read_to_string(golden(&format!("{name}.xml"))).unwrap();
    let content = parse(text.as_bytes()).unwrap().child("Body").unwrap().children().next().unwrap().clone();
    assert_ne!(linted(&content), Some(false), "{name}");
    let (status, answer) = post(sim, &content.name, text.replace("<!---->", &fresh())).await;
    assert_eq!(sim.violations(), [], "{name}");
    assert_eq!(status, StatusCode::OK, "{name}: {}", super::code(&answer));
    answer
}

#[tokio::test]
async fn every_request_of_the_plugin_is_taken_in_without_a_violation() {
    let sim = sim().await;
    // In this order: numbers are given from B-100001 on, and requests name them.
    let slots = send(&sim, "slots").await;
    assert!(slots.all("Slot").any(|slot| slot.text_of("Id").as_deref() == Some(SLOT)));
    let booked = send(&sim, "book").await;
    assert_eq!(booked.child("Booking").unwrap().text_of("Number").as_deref(), Some("B-100001"));
    assert_eq!(send(&sim, "upcoming").await.all("Booking").count(), 1);
    let moved = send(&sim, "move").await;
    assert_eq!(moved.child("Booking").unwrap().text_of("Start").as_deref(), Some("2026-11-24T09:00:00+01:00"));
    send(&sim, "cancel").await;
    send(&sim, "practice").await;
    send(&sim, "forms").await;
    // Its case is S-100002.
    send(&sim, "case-question").await;
    send(&sim, "message").await;
    for name in ["case-consultation", "case-renewal", "case-sick-note", "case-certificate", "case-by-proxy"] {
        send(&sim, name).await;
    }
    send(&sim, "withdraw").await;
    let consultation = sim.wait_for_case(|case| case.subject.service() == Service::Consultation).await.unwrap();
    assert_eq!(consultation.messages[0].files[0].1.name, "utslett \"arm\" & <hals>.png");
    assert_eq!(consultation.doctor, Some(9_123_458));
    let certificate = sim.wait_for_case(|case| case.subject.service() == Service::Certificate).await.unwrap();
    assert!(matches!(certificate.subject, Subject::Certificate { form: Some(_), .. }));
    assert!(sim.cases().iter().any(|case| case.by_proxy));
    assert_eq!(sim.cases().len(), 6);
    assert!(send(&sim, "events").await.all("Event").count() > 5);
    send(&sim, "confirm").await;
    assert_eq!((sim.confirmed(), sim.refused().len()), (3, 1));
}

fn written(text: &str) -> Opening {
    Opening { one_way: false, subject: Some("Hei".into()), text: text.into(), files: Vec::new() }
}

#[tokio::test]
async fn everything_that_the_vendor_tells_is_as_the_plugins_tests_read_it() {
    let sim = sim().await;
    let number = open(&sim, &question()).await;
    sim.answer(&number, &Answer::Reject { code: "E21".into(), text: "Ukjent pasient.".into(), retry: false }).unwrap();
    sim.answer(&number, &Answer::Reply { text: "Ja. Når?".into(), files: Vec::new() }).unwrap();
    sim.answer(&number, &Answer::Redirect { to: Service::Consultation, text: "Send en e-konsultasjon.".into() })
        .unwrap();
    let line =
        |reference: &str, medicine: &str| format!("<Line><Ref>{reference}</Ref><Medicine>{medicine}</Medicine></Line>");
    let lines = format!("<Renewal>{}{}</Renewal>", line("a", "Metoprolol"), line("b", "Atorvastatin"));
    let number = open(&sim, &case(&lines, "Tom.")).await;
    let decisions =
        vec![Decision { line: "b".into(), outcome: Outcome::SeeDoctor, reason: Some("Ta blodprøve.".into()) }];
    sim.answer(&number, &Answer::Renewal { decisions, text: Some("Hentes på apoteket.".into()) }).unwrap();
    let number = open(&sim, &case("<Certificate><Purpose>Skole</Purpose></Certificate>", "Til skolen.")).await;
    sim.answer(&number, &Answer::Issue { text: "Se vedlegget.".into() }).unwrap();
    let note = "<SickNote><ValidUntil>2026-12-01</ValidUntil><Degree>50</Degree></SickNote>";
    let number = open(&sim, &case(note, "Ryggen.")).await;
    sim.answer(&number, &Answer::Close).unwrap();
    sim.open(PRACTICE, LEILA.national_id, &written("Kan du komme til kontroll?")).unwrap();
    sim.open(PRACTICE, LEILA.national_id, &Opening { one_way: true, ..written("Vi har flyttet.") }).unwrap();
    let begins = "2026-11-25T14:30:00".parse().unwrap();
    sim.act(PRACTICE, &BookingAct::Make { fnr: LEILA.national_id.into(), begins }, Some("Velkommen.")).unwrap();
    let booking = sim.bookings(PRACTICE, LEILA.national_id).unwrap().remove(0).booking_no;
    let begins = "2026-11-26T10:45:00".parse().unwrap();
    sim.act(PRACTICE, &BookingAct::Move { booking: booking.clone(), begins }, None).unwrap();
    sim.act(PRACTICE, &BookingAct::Remind { booking: booking.clone() }, None).unwrap();
    sim.act(PRACTICE, &BookingAct::Cancel { booking }, Some("Legen er syk.")).unwrap();
    for damage in [Damage::Bare, Damage::UnknownKind, Damage::Hollow, Damage::NoNumber] {
        sim.damage_next(damage);
        sim.open(PRACTICE, LEILA.national_id, &written("Borte.")).unwrap();
    }
    let grammar = Grammar::read().unwrap();
    let whole = format!("<After>0</After><Max>{}</Max>", sim.events().len() - 4);
    let page = taken(&sim, "GetEvents", &whole).await;
    assert_eq!(grammar.check(&page), Ok(()), "what is not damaged is as the schema has it");
    assert_ne!(linted(&page), Some(false));
    is_golden("told-events", taken(&sim, "GetEvents", "<After>0</After><Max>50</Max>").await);
    let of = |language: &str| format!("<Practice>{PRACTICE}</Practice><Language>{language}</Language>");
    is_golden("told-practice", taken(&sim, "GetPractice", &of("nb")).await);
    is_golden("told-forms", taken(&sim, "GetForms", &of("en")).await);
    let span = format!("<Practice>{PRACTICE}</Practice><From>{MONDAY}</From><Until>2026-11-25T00:00:00+01:00</Until>");
    is_golden("told-slots", taken(&sim, "FindSlots", &span).await);
    let wanted =
        format!("<Practice>{PRACTICE}</Practice><Slot>{SLOT}</Slot><Start>{MONDAY}</Start>{}", super::patient());
    is_golden("told-booking", taken(&sim, "BookSlot", &wanted).await);
}

/// Compares what was told with the plugin's golden file; `UPDATE_GOLDEN=1` writes it anew.
fn is_golden(name: &str, mut content: Element) {
    still(&mut content);
    let text = String::from_utf8(write(&content, Written::Utf8)).unwrap().replace("><", ">\n<") + "\n";
    let file = golden(&format!("{name}.xml"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&file).unwrap_or_default(), "{name}");
}

/// Every moment at which something happened becomes the same one.
fn still(element: &mut Element) {
    if element.name == "Time" {
        element.nodes = vec![Node::Text(START.to_owned())];
    }
    for node in &mut element.nodes {
        if let Node::Element(child) = node {
            still(child);
        }
    }
}
