//! Cases, from the portal's side.

use super::{MESSAGE, PRACTICE, again, ask, case, code, open, patient, question, rules, sim, taken};
use crate::sim::besoklegen::{Answer, BookingAct, CaseState, Decision, Opening, Outcome, Service, SimError, Subject};
use crate::sim::world::{LEILA, OLA};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use uuid::Uuid;

#[tokio::test]
async fn a_case_is_answered_written_in_again_and_finished() {
    let sim = sim().await;
    let number = open(&sim, &question()).await;
    let waits = sim.wait_for_case(|case| case.number == number).await.unwrap();
    assert_eq!((waits.practice, waits.text()), (PRACTICE, "Har dere åpent i julen?"));
    sim.answer(&number, &Answer::Reply { text: "Ja. Når?".into(), files: Vec::new() }).unwrap();
    assert!(sim.waiting().is_empty());
    let add = format!(
        "<Case>{number}</Case><Fnr>{}</Fnr><Message><Id>019a0000-0000-7000-8000-0000000000e2</Id><Text>Romjulen.</Text>\
         </Message>",
        LEILA.national_id
    );
    taken(&sim, "AddMessage", &add).await;
    assert_eq!(sim.waiting().len(), 1);
    sim.answer(&number, &Answer::Finish { text: "Vi ses.".into() }).unwrap();
    assert_eq!(code(&ask(&sim, "AddMessage", &add).await.1), "CaseClosed");
    assert!(matches!(sim.answer(&number, &Answer::Close), Err(SimError::Closed(_))));
    let kinds: Vec<_> = sim.events().into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["Filed", "Reply", "Filed", "Reply"]);
    assert_eq!(sim.violations(), []);
}

#[tokio::test]
async fn the_work_of_a_message_is_done_once_and_its_id_is_good_for_no_other() {
    let sim = sim().await;
    let id = Uuid::now_v7();
    let first = again(&sim, "OpenCase", &question(), id).await;
    assert_eq!(again(&sim, "OpenCase", &question(), id).await, first);
    assert_eq!((first.0, sim.cases().len()), (StatusCode::OK, 1));
    let (_, fault) = again(&sim, "OpenCase", &case("<Question/>", "Noe annet."), id).await;
    assert_eq!((code(&fault).as_str(), sim.cases().len()), ("MessageIdReused", 1));
    assert_eq!(rules(&sim), ["a wsa:MessageID was used again with another request"]);
}

#[tokio::test]
async fn a_renewal_is_decided_line_by_line_or_as_a_whole() {
    let sim = sim().await;
    let renewal = "<Renewal><Line><Ref>a</Ref><Medicine>Metoprolol 50 mg</Medicine></Line>\
                   <Line><Ref>b</Ref><Medicine>Atorvastatin</Medicine></Line></Renewal>";
    let number = open(&sim, &case(renewal, "Tom om en uke.")).await;
    let decided = |line: &str| {
        let reason = Some("Ta blodprøve.".to_owned());
        vec![Decision { line: line.into(), outcome: Outcome::SeeDoctor, reason }]
    };
    let stray = sim.answer(&number, &Answer::Renewal { decisions: decided("Zopiklon"), text: None });
    assert!(matches!(stray, Err(SimError::NoSuchLine(_))));
    sim.answer(&number, &Answer::Renewal { decisions: decided("atorva"), text: None }).unwrap();
    let lines = |sim: &super::BesoklegenSim| {
        let told = sim.events().pop().unwrap().xml.child("RenewalDecided").unwrap().clone();
        let told = told.all("Decision").map(|one| (one.text_of("Line"), one.text_of("Outcome").unwrap()));
        told.collect::<Vec<_>>()
    };
    assert_eq!(lines(&sim), [(Some("a".into()), "RENEWED".into()), (Some("b".into()), "SEE_DOCTOR".into())]);
    let number = open(&sim, &case(renewal, "Igjen.")).await;
    sim.answer(&number, &Answer::Renewal { decisions: Vec::new(), text: None }).unwrap();
    assert_eq!(lines(&sim), [(None, "RENEWED".into())]);
    assert_eq!(sim.cases()[1].state, CaseState::Done);
}

#[tokio::test]
async fn a_driving_licence_needs_the_form_filled_in() {
    let sim = sim().await;
    let certificate = |purpose: &str, form: &str| {
        case(&format!("<Certificate><Purpose>{purpose}</Purpose>{form}</Certificate>"), "Jeg trenger attest.")
    };
    let whole = r#"<Form>{"classes":["B"],"glasses":true,"diabetes":false,"epilepsy":false,"heart":false,"consciousness":false,"medicines":"ingen"}</Form>"#;
    for form in ["", r#"<Form>{"classes":[]}</Form>"#, r#"<Form>{"classes":["B"]}</Form>"#] {
        let (status, fault) = ask(&sim, "OpenCase", &certificate("Førerkort klasse B", form)).await;
        let detail = fault.child("Detail").unwrap().children().next().unwrap().text_of("Field");
        assert_eq!(
            (status, code(&fault).as_str(), detail.as_deref()),
            (StatusCode::BAD_REQUEST, "FieldInvalid", Some("Form"))
        );
    }
    assert_eq!(sim.violations(), [], "an unfilled form is the citizen's, not the plugin's");
    let number = open(&sim, &certificate("Førerkort klasse B", whole)).await;
    sim.answer(&number, &Answer::Issue { text: "Se vedlegget.".into() }).unwrap();
    let event = sim.events().pop().unwrap().xml;
    let document = event.child("Reply").unwrap().child("Message").unwrap().child("Document").unwrap().clone();
    let content = format!("<Document>{}</Document>", document.text_of("Id").unwrap());
    let fetched = taken(&sim, "GetDocument", &content).await;
    let bytes = STANDARD.decode(fetched.text_of("Content").unwrap()).unwrap();
    assert!(bytes.starts_with(b"%PDF-") && bytes.len().to_string() == document.text_of("Size").unwrap());
    assert_eq!(code(&ask(&sim, "GetDocument", "<Document>D-1</Document>").await.1), "UnknownDocument");
    open(&sim, &certificate("Barnehage", "")).await;
}

#[tokio::test]
async fn a_sick_note_is_renewed_and_issued() {
    let sim = sim().await;
    let note = "<SickNote><ValidUntil>2026-12-01</ValidUntil><Degree>50</Degree></SickNote>";
    let number = open(&sim, &case(note, "Ryggen er ikke god.")).await;
    assert!(matches!(&sim.cases()[0].subject, Subject::SickNote { degree: 50, .. }));
    sim.answer(&number, &Answer::Issue { text: "Forlenget i to uker.".into() }).unwrap();
    assert_eq!(sim.cases()[0].state, CaseState::Done);
}

#[tokio::test]
async fn an_answer_that_does_not_fit_the_case_is_refused() {
    let sim = sim().await;
    let number = open(&sim, &question()).await;
    for answer in [Answer::Issue { text: "Se vedlegg.".into() }, Answer::Renewal { decisions: Vec::new(), text: None }]
    {
        assert!(matches!(sim.answer(&number, &answer), Err(SimError::WrongAnswer { .. })), "{answer:?}");
    }
    assert_eq!(sim.events().len(), 1, "only the filing");
    let booking = BookingAct::Remind { booking: "B-1".into() };
    assert!(matches!(sim.act(PRACTICE, &booking, None), Err(SimError::NoSuchBooking(_))));
    let opening = Opening { one_way: true, subject: None, text: "Hei".into(), files: Vec::new() };
    assert!(matches!(sim.open(PRACTICE, OLA.national_id, &opening), Err(SimError::NoSuchCitizen)));
}

#[tokio::test]
async fn a_case_belongs_to_its_patient_and_is_taken_back_by_nobody_else() {
    let sim = sim().await;
    let number = open(&sim, &question()).await;
    let by = |fnr: &str| format!("<Case>{number}</Case><Fnr>{fnr}</Fnr>");
    assert_eq!(code(&ask(&sim, "WithdrawCase", &by(OLA.national_id)).await.1), "UnknownPatient");
    taken(&sim, "WithdrawCase", &by(LEILA.national_id)).await;
    assert_eq!(sim.cases()[0].state, CaseState::Withdrawn);
    assert_eq!(code(&ask(&sim, "WithdrawCase", &by(LEILA.national_id)).await.1), "CaseClosed");
    sim.set_service(PRACTICE, Service::Question, false).unwrap();
    assert_eq!(code(&ask(&sim, "OpenCase", &question()).await.1), "ServiceOff");
}

#[tokio::test]
async fn what_a_schema_cannot_see_is_a_violation_too() {
    let sim = sim().await;
    let picture = format!(
        "<Attachment><Name>a.png</Name><Type>image/png</Type><Content>{}</Content></Attachment>",
        STANDARD.encode("%PDF-1.4")
    );
    let with_picture = |subject: &str| case(subject, "Se her.").replace("</Text>", &format!("</Text>{picture}"));
    let proxy = |fnr: &str| {
        format!("</Patient><Proxy><Fnr>{fnr}</Fnr><Given>A</Given><Family>B</Family><Role>PROXY</Role></Proxy>")
    };
    for (content, rule) in [
        (question().replace(LEILA.national_id, "12345678901"), "no national identity number"),
        (question().replace("</Patient>", &proxy(LEILA.national_id)), "who acts"),
        (case("<Consultation><Mode>IMAGE</Mode></Consultation>", "Se her."), "mode that does not fit"),
        (with_picture("<Question/>"), "another type than it says"),
        (
            case(
                "<Renewal><Line><Ref>a</Ref><Medicine>x</Medicine></Line><Line><Ref>a</Ref><Medicine>y</Medicine></Line></Renewal>",
                "x",
            ),
            "same reference",
        ),
        (case("<Certificate><Purpose>Skole</Purpose><Form>{</Form></Certificate>", "x"), "form that is not JSON"),
    ] {
        let before = sim.violations().len();
        let (status, _) = ask(&sim, "OpenCase", &content).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{rule}");
        let rules = rules(&sim);
        assert!(rules.len() == before + 1 && rules[before].contains(rule), "{rule}: {rules:?}");
    }
    assert!(sim.cases().is_empty());
    assert!(!format!("{:?}", sim.violations()).contains(LEILA.national_id));
    assert!(patient().contains(LEILA.national_id) && question().contains(MESSAGE));
}
