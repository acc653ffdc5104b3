//! What the checker finds in messages that depart from the guide.

use super::dialogs::JPEG;
use super::portal::{Draft, Portal, calendar, prescription};
use crate::sim::meldingstjener::{Answer, Process};
use crate::sim::world::{ELVEBREDDEN, FJELLVEIEN, HAVNEGATA, KARI, OLA};
use reqwest::StatusCode;
use serde_json::json;

/// Posts one draft with a piece of its text replaced, and gives the rules that it breaks.
async fn broken(draft: &Draft, from: &str, to: &str) -> Vec<&'static str> {
    let portal = Portal::start().await;
    let xml = draft.xml();
    assert!(xml.contains(from), "{from} is not in the message");
    portal.post_xml(&xml.replacen(from, to, 1)).await;
    let violations = format!("{:?}", portal.sim.violations());
    assert!(!violations.contains(KARI.national_id), "no violation holds a national identity number");
    portal.rules()
}

#[tokio::test]
async fn each_departure_from_the_envelope_has_its_rule() {
    let question = Draft::consultation(FJELLVEIEN, KARI);
    let id = question.msg_id.clone();
    let cases: Vec<(&str, &str, &str)> = vec![
        ("<Ack V=\"J\" DN=\"Ja\"/>", "", "Ack is there"),
        (
            "<Ack V=\"J\"",
            "<Ack V=\"N\"",
            "Ack is J (Ja) for what is answered later, N (Nei) for what is answered at once",
        ),
        ("DN=\"Ja\"", "DN=\"ja\"", "Ack is J (Ja) for what is answered later, N (Nei) for what is answered at once"),
        (&id, "4711", "MsgId is a UUID"),
        ("v1.2 2006-05-24<", "1.2<", "MIGversion is v1.2 2006-05-24"),
        ("08:00:00Z", "08:00:00", "GenDate is a time with its offset"),
        ("eKonsultasjon\"", "ekonsultasjon\"", "Type has the name of its process"),
        ("Spørsmål til behandler", "Spørsmål", "the code has its name"),
        ("1.1.7601", "1.1.7602", "the code has the OID of its code system"),
        (">115851<", ">115852<", "Sender has the portal's HER-ids on two levels"),
        (">8093248<", ">8093249<", "Sender has the portal's HER-ids on two levels"),
        (">8150100<", ">8150200<", "Receiver has the HER-id of the party's own organisation"),
        (
            "1.1.9051\" DN=\"HER-id\"/></Ident><HealthcareProfessional>",
            "1.1.8116\" DN=\"HER-id\"/></Ident><HealthcareProfessional>",
            "an identifier has the OID of its code system",
        ),
        ("DN=\"HER-id\"", "DN=\"HER\"", "an identifier's type has its name"),
        ("DN=\"Fødselsnummer\"", "DN=\"Fodselsnummer\"", "a person's identifier is typed FNR or DNR with OID 8116"),
        (KARI.national_id, "14838541242", "a national identity number has its check digits"),
        ("<EmneSporsmal>Vond skulder</EmneSporsmal>", "", "SB has EmneSporsmal and Sporsmal"),
        ("DN=\"XML-instans\"", "DN=\"XML\"", "RefDoc/MsgType is XML (XML-instans) or A (Vedlegg)"),
    ];
    for (from, to, rule) in cases {
        let found = broken(&question, from, to).await;
        assert_eq!(found, [rule], "{from} → {to}");
    }
}

#[tokio::test]
async fn each_departure_inside_a_message_has_its_rule() {
    let her_id = FJELLVEIEN.gps.first().unwrap().her_id;
    let question = Draft::consultation(FJELLVEIEN, KARI).attachment("image/jpeg", JPEG);
    let wrong_name = "an attachment is a PDF, JPEG or PNG and says so";
    assert_eq!(broken(&question, "image/jpeg", "image/jpg").await, [wrong_name]);
    assert_eq!(broken(&question, "image/jpeg", "image/png").await, [wrong_name]);
    assert_eq!(broken(&question, "base64container\">", "base64container\">*").await, ["an attachment is base64"]);

    let reservation = super::booking::reserve("slot", "2026-11-23T08:30:00", "2026-11-23T08:45:00");
    let rule = "contact is the HER-id of one of the office's doctors";
    assert_eq!(broken(&reservation, &format!("<text>{her_id}"), "<text>8150211").await, [rule]);
    let rule = "KodetOpplysning is there, from its code system";
    assert_eq!(broken(&reservation, "1.1.1101", "1.1.7601").await, [rule]);
    assert_eq!(broken(&reservation, "T08:45:00", "T08:15:00").await, ["dtstart is before dtend"]);
    assert_eq!(
        broken(
            &reservation,
            "V=\"RT\" S=\"2.16.578.1.12.4.1.1.7601\" DN=\"Reserver time\"",
            "V=\"ART\" S=\"2.16.578.1.12.4.1.1.7601\" DN=\"Avbestill reservert time\""
        )
        .await,
        ["related-to names the appointment that is changed or cancelled"],
    );

    let rest = "<FraDato>2026-11-23</FraDato><TilDato>2026-12-18</TilDato>";
    let slots =
        Draft::request(Process::Timereservasjon, FJELLVEIEN, KARI, ("HLT", "Hent ledige timer"), rest).synchronous();
    assert_eq!(broken(&slots, "2026-12-18", "2026-12-22").await, ["FraDato to TilDato is at most four weeks"]);

    let wish = super::booking::wish(("OT", "Ønske om time"));
    let calendar = calendar("x", "2026-11-23T08:30:00", "2026-11-23T08:45:00", 8_150_411, None);
    let rule = "a calendar is sent where the guide asks for one, and nowhere else";
    assert_eq!(broken(&wish.payload(&calendar), "Helst", "Ikke").await, [rule]);
}

#[tokio::test]
async fn what_the_receiver_does_not_support_is_refused_and_noted() {
    let portal = Portal::start().await;
    let rest = "<FraDato>2026-11-23</FraDato><TilDato>2026-11-24</TilDato>";
    let hlt = ("HLT", "Hent ledige timer");
    portal.send(&Draft::request(Process::Timereservasjon, HAVNEGATA, OLA, hlt, rest).synchronous()).await;
    assert_eq!(portal.codes().await, ["26"]);
    let delivery = "<KodetOpplysning V=\"AP\" S=\"2.16.578.1.12.4.1.1.8324\" DN=\"Hentes på apotek\"/>";
    let rfer = ("RFER", "Reseptfornying, eResept");
    let ante = crate::sim::world::ANTE;
    portal
        .send(&Draft::request(Process::Reseptfornyelse, ELVEBREDDEN, ante, rfer, delivery).payload(&prescription("A")))
        .await;
    assert_eq!(portal.codes().await, ["AppRec 2"]);
    assert_eq!(
        portal.rules(),
        ["the receiver supports the process", "the receiver supports the version that the message needs"]
    );
}

#[tokio::test]
async fn a_citizen_whom_the_office_does_not_know_gets_e35_and_no_violation() {
    let portal = Portal::start().await;
    portal.send(&Draft::consultation(FJELLVEIEN, OLA)).await;
    let answers = portal.inbox().await;
    assert_eq!(answers.first().unwrap().find("Error").unwrap().get("V"), Some("E35"));
    portal.assert_clean();
}

#[tokio::test]
async fn references_are_followed_through_the_dialog() {
    let portal = Portal::start().await;
    let question = Draft::consultation(FJELLVEIEN, KARI);
    portal.send(&question).await;
    let answer = portal.sim.answer(&question.msg_id, &Answer::reply("Ja")).unwrap();
    // Not fetched yet: the question is still the message before.
    portal.send(&Draft::reply(Process::Ekonsultasjon, FJELLVEIEN, KARI, &question.msg_id, &question.msg_id)).await;
    portal.inbox().await;
    portal.assert_clean();
    portal.send(&Draft::reply(Process::Ekonsultasjon, FJELLVEIEN, KARI, &question.msg_id, &question.msg_id)).await;
    portal.send(&Draft::reply(Process::Ekonsultasjon, FJELLVEIEN, KARI, &answer, &answer)).await;
    portal.send(&Draft::reply(Process::Ekontakt, FJELLVEIEN, KARI, "x", &question.msg_id)).await;
    let orphan = Draft { references: None, ..Draft::reply(Process::Ekontakt, FJELLVEIEN, KARI, "x", "y") };
    portal.send(&orphan).await;
    let with_reference = Draft {
        references: Some((question.msg_id.clone(), question.msg_id.clone())),
        ..super::booking::reserve("slot", "2026-11-23T08:30:00", "2026-11-23T08:45:00")
    };
    portal.send(&with_reference).await;
    let on_every = "ConversationRef is on every message of a dialog but the first";
    assert_eq!(
        portal.rules(),
        [
            "RefToParent is the message before",
            "RefToConversation is the first message of the dialog",
            "a dialog stays in its process",
            "RefToParent is a message of the dialog",
            on_every,
            on_every,
        ]
    );
}

#[tokio::test]
async fn the_body_of_a_post_is_checked() {
    let portal = Portal::start().await;
    let good =
        json!({"businessDocument": "PGEvPg==", "contentType": "application/xml", "contentTransferEncoding": "base64"});
    let with = |name: &str, value: &str| {
        let mut body = good.clone();
        body[name] = json!(value);
        body
    };
    let unknown = Draft { party: 8_150_999, ..Draft::consultation(FJELLVEIEN, KARI) }.xml();
    let cases = [
        (with("contentType", "text/xml"), "contentType is application/xml"),
        (with("contentTransferEncoding", "hex"), "contentTransferEncoding is base64"),
        (with("businessDocument", "<a/>"), "businessDocument is base64"),
        (with("businessDocument", "PGE+"), "a message is well-formed XML"),
        (good.clone(), "the root is MsgHead of 2006-05-24"),
        (with("extra", "1"), "bodies have the fields of EDI 2.0"),
    ];
    for (body, rule) in cases {
        let (status, error) = portal.post("/Messages", &body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        for field in ["Error", "ErrorCode", "ValidationErrors", "RequestId"] {
            assert!(!error[field].is_null(), "{field} in {error}");
        }
        assert_eq!(portal.rules().last(), Some(&rule));
    }
    let (status, error) = portal.post_xml(&unknown).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(error["ValidationErrors"], json!(["unknown receiver HER-id 8150999"]));
    assert!(portal.sim.messages().is_empty(), "nothing was taken");
}
