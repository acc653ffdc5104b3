//! What record systems really send: prefixes, blanks, other encodings, wrong ends, odd names.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

use ddfl::message::code::ReceiptError;
use ddfl::message::{HerId, Kind, Process};
use ddfl::read::{ApplicationReceipt, Deviation, DialogMessage, Incoming, ReadError, ReceiptStatus, read};
use ddfl::write::MediaType;

const HEAD: &str = "http://www.kith.no/xmlstds/msghead/2006-05-24";
const DIALOG: &str = "http://www.kith.no/xmlstds/dialog/2013-01-23";

/// A message around some documents, as a tidy record system writes it.
fn head(process: &str, documents: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<MsgHead xmlns="{HEAD}"><MsgInfo>
<Type V="{process}" DN="Dialog med innbygger"/><MIGversion>v1.2 2006-05-24</MIGversion>
<GenDate>2026-11-22T10:15:30.1234567+01:00</GenDate><MsgId>5D1E6A52-3B0C-4E6A-8D5B-0A4C9F0E2B11</MsgId>
<Ack V="J" DN="Ja"/>
<ConversationRef><RefToParent>a3b8f042-1e16-4f0a-a8f0-421e16df0a2f</RefToParent><RefToConversation>a3b8f042-1e16-4f0a-a8f0-421e16df0a2f</RefToConversation></ConversationRef>
<Sender><Organisation><OrganisationName>Åsveien legekontor</OrganisationName>
<Ident><Id>974760673</Id><TypeId V="ENH" S="2.16.578.1.12.4.1.1.9051"/></Ident>
<Ident><Id> 8000100 </Id><TypeId V="HER" S="2.16.578.1.12.4.1.1.9051"/></Ident>
<HealthcareProfessional><FamilyName>Bølgesen</FamilyName><GivenName>Tuva</GivenName>
<Ident><Id>8000111</Id><TypeId V="HER" S="2.16.578.1.12.4.1.1.8116"/></Ident></HealthcareProfessional>
</Organisation></Sender>
<Receiver><Organisation><OrganisationName>Norsk Helsenett SF</OrganisationName>
<Ident><Id>112358</Id><TypeId V="HER"/></Ident>
<Organisation><OrganisationName>Digitale innbyggertjenester</OrganisationName><Ident><Id>8000001</Id><TypeId V="HER"/></Ident></Organisation>
</Organisation></Receiver>
<Patient><FamilyName>Sørbø</FamilyName><GivenName>Odd</GivenName><Ident><Id>018170 10055</Id><TypeId V="FNR"/></Ident></Patient>
</MsgInfo>{documents}</MsgHead>"#
    )
}

fn document(content: &str) -> String {
    format!("<Document><RefDoc><MsgType V='XML'/><Content>{content}</Content></RefDoc></Document>")
}

fn note(inner: &str) -> String {
    document(&format!("<Dialogmelding xmlns='{DIALOG}'><Notat>{inner}</Notat></Dialogmelding>"))
}

fn calendar(properties: &str) -> String {
    document(&format!(
        "<xcal:icalendar xmlns:xcal='urn:ietf:params:xml:ns:icalendar-2.0'><xcal:vcalendar><xcal:components><xcal:vevent><xcal:properties>{properties}</xcal:properties></xcal:vevent></xcal:components></xcal:vcalendar></xcal:icalendar>"
    ))
}

fn message(text: &str) -> DialogMessage {
    message_of(text.as_bytes())
}

fn message_of(bytes: &[u8]) -> DialogMessage {
    match read(bytes) {
        Ok(Incoming::Message(message)) => *message,
        other => panic!("{other:?}"),
    }
}

fn receipt(text: &str) -> ApplicationReceipt {
    match read(text.as_bytes()) {
        Ok(Incoming::Receipt(receipt)) => receipt,
        other => panic!("{other:?}"),
    }
}

fn her(number: u32) -> Option<HerId> {
    HerId::new(number)
}

#[test]
fn a_tidy_answer_is_read_whole() {
    let message = message(&head(
        "DIALOG_INNBYGGER_EKONSULTASJON ",
        &note(
            "<TemaKodet V='12' S='2.16.578.1.12.4.1.1. 7602' DN='Svar på spørsmål fra behandler'/><Tema>Utslett</Tema><TekstNotatInnhold>Smør på.\n\nGod bedring</TekstNotatInnhold><RollerRelatertNotat><RoleToPatient V='16' DN='Turnuslege'/><HealthcareProfessional><FamilyName>Strand</FamilyName><GivenName>Ida</GivenName></HealthcareProfessional></RollerRelatertNotat>",
        ),
    ));
    assert_eq!(message.process, Some(Process::Consultation));
    assert_eq!(message.kind, Some(Kind::ClinicianAnswer));
    assert_eq!(message.id, "5d1e6a52-3b0c-4e6a-8d5b-0a4c9f0e2b11");
    assert_eq!(message.first(), "a3b8f042-1e16-4f0a-a8f0-421e16df0a2f");
    assert_eq!(message.ack, Some(true));
    assert_eq!(message.code.system.as_deref(), Some("2.16.578.1.12.4.1.1.7602"));
    assert_eq!(message.subject.as_deref(), Some("Utslett"));
    assert_eq!(message.text.as_deref(), Some("Smør på.\n\nGod bedring"));
    let author = message.author.unwrap();
    assert_eq!((author.name.as_str(), author.role.as_deref()), ("Ida Strand", Some("Turnuslege")));
    assert_eq!(message.sender.her_ids().collect::<Vec<_>>(), [her(8_000_111).unwrap(), her(8_000_100).unwrap()]);
    assert_eq!(message.sender.name.as_deref(), Some("Tuva Bølgesen"));
    assert_eq!(message.receiver.her_id, her(8_000_001));
    assert_eq!(message.patient.unwrap().national_id.unwrap().reveal(), "01817010055");
    assert_eq!(message.deviations, []);
}

#[test]
fn iso_8859_1_and_odd_prefixes_are_read() {
    let text = format!(
        r#"<?xml version="1.0" encoding="ISO-8859-1"?>
<ns0:MsgHead xmlns:ns0="{HEAD}" xmlns:q="{DIALOG}"><ns0:MsgInfo><ns0:Type V="DIALOG_INNBYGGER_EKONTAKT"/><ns0:GenDate>2026-11-22T10:15:30</ns0:GenDate><ns0:MsgId>1</ns0:MsgId></ns0:MsgInfo>
<ns0:Document><ns0:RefDoc><ns0:Content><q:Dialogmelding><q:Foresporsel><q:TypeForesp V="EKI"/><q:EmneSporsmal>Påminnelse</q:EmneSporsmal><q:Sporsmal>Kom på tirsdag – før kl. 10. Åpent «alltid».</q:Sporsmal></q:Foresporsel></q:Dialogmelding></ns0:Content></ns0:RefDoc></ns0:Document></ns0:MsgHead>"#
    );
    let bytes: Vec<u8> =
        text.chars().map(|c| if c == '–' { 0x96 } else { u8::try_from(u32::from(c)).unwrap() }).collect();
    let message = message_of(&bytes);
    assert_eq!(message.kind, Some(Kind::OneWay));
    assert_eq!(message.text.as_deref(), Some("Kom på tirsdag – før kl. 10. Åpent «alltid»."));
    assert_eq!(message.ack, None);
    assert_eq!(message.generated, Some("2026-11-22T09:15:30Z".parse().unwrap()));
    assert!(message.deviations.contains(&Deviation::MessageIdNotUuid));
    assert_eq!(message.first(), "1");
}

#[test]
fn formatted_text_becomes_plain_and_loses_its_scripts() {
    let message = message(&head(
        "DIALOG_INNBYGGER_EKONTAKT",
        &note(
            "<TemaKodet V='19'/><TekstNotatInnhold><div xmlns='http://www.w3.org/1999/xhtml'><p>Ring oss på <b>55 00 00 00</b>.<br/>Takk!</p><script>steal()</script><ul><li>mandag</li><li>tirsdag</li></ul></div></TekstNotatInnhold><Merknad>Ikke svar på dette.</Merknad>",
        ),
    ));
    assert_eq!(
        message.text.as_deref(),
        Some("Ring oss på 55 00 00 00.\nTakk!\n\n- mandag\n- tirsdag\n\nIkke svar på dette.")
    );
}

#[test]
fn an_end_before_its_start_takes_the_day_of_the_start() {
    let message = message(&head(
        "DIALOG_INNBYGGER_TIMEONSKE",
        &(note("<TemaKodet V='5'/>")
            + &calendar(
                "<xcal:dtstart><xcal:date-time>2026-12-07T11:45:00</xcal:date-time></xcal:dtstart><xcal:dtend><xcal:date-time>2014-06-07T12:00:00</xcal:date-time></xcal:dtend><xcal:categories><xcal:text>Must-call</xcal:text><xcal:text>Video</xcal:text></xcal:categories><xcal:uid><xcal:text>u1</xcal:text></xcal:uid><xcal:contact><xcal:text>8000111 </xcal:text></xcal:contact><xcal:related-to><xcal:uri>r1</xcal:uri></xcal:related-to><xcal:attendee><xcal:parameters><xcal:cn><xcal:text>Ida Strand</xcal:text></xcal:cn></xcal:parameters></xcal:attendee>",
            )),
    ));
    assert_eq!(message.kind, Some(Kind::Reserved));
    let [appointment] = message.appointments.as_slice() else { panic!("{message:?}") };
    assert_eq!(appointment.start, "2026-12-07T10:45:00Z".parse().unwrap());
    assert_eq!(appointment.end, Some("2026-12-07T11:00:00Z".parse().unwrap()));
    assert_eq!(appointment.contact, her(8_000_111));
    assert_eq!(appointment.related_to.as_deref(), Some("r1"));
    assert!(appointment.is("MustCall") && appointment.is("video") && !appointment.is("Hastetime"));
    assert_eq!(appointment.with.as_deref(), Some("Ida Strand"));
    assert_eq!(message.deviations, [Deviation::EndBeforeStart]);
}

#[test]
fn an_end_that_makes_no_sense_is_left_out_and_a_slot_without_a_start_too() {
    let start = "<xcal:dtstart><xcal:date-time>2026-12-07T11:45:00</xcal:date-time></xcal:dtstart>";
    let uid = "<xcal:uid><xcal:text>u</xcal:text></xcal:uid>";
    let message = message(&head(
        "DIALOG_INNBYGGER_TIMERESERVASJON",
        &(note("<TemaKodet V='03'/>")
            + &calendar(&format!(
                "{start}{uid}<xcal:dtend><xcal:date-time>2026-12-07T11:45:00</xcal:date-time></xcal:dtend>"
            ))
            + &calendar(&format!("{start}{uid}<xcal:duration><xcal:duration>PT20M</xcal:duration></xcal:duration>"))
            + &calendar(uid)
            + &calendar(start)),
    ));
    let ends: Vec<_> = message.appointments.iter().map(|one| one.end).collect();
    assert_eq!(ends, [None, Some("2026-12-07T11:05:00Z".parse().unwrap())]);
    assert_eq!(message.deviations, [Deviation::EndBeforeStart, Deviation::AppointmentIncomplete]);
}

#[test]
fn attachments_are_read_with_odd_names_line_breaks_and_without_padding() {
    let file = |mime: &str, base64: &str| {
        format!(
            "<Document><RefDoc><MsgType V='A'/><MimeType>{mime}</MimeType><Description>Bilde</Description><Content><b:Base64Container xmlns:b='http://www.kith.no/xmlstds/base64container'>{base64}</b:Base64Container></Content></RefDoc></Document>"
        )
    };
    let message = message(&head(
        "DIALOG_INNBYGGER_EKONSULTASJON",
        &(note("<TemaKodet V='12'/>")
            + &file("image/jpg", "\n  aGVs\n  bG8\n")
            + &file("application/pdf", "aGVsbG8=")
            + &file("image/png", "a*")
            + "<Document><RefDoc><MsgType V='A'/><FileReference>file:///etc/passwd</FileReference></RefDoc></Document>"),
    ));
    let found: Vec<_> = message.attachments.iter().map(|file| (file.media_type, file.bytes.as_slice())).collect();
    assert_eq!(found, [(Some(MediaType::Jpeg), b"hello".as_slice()), (Some(MediaType::Pdf), b"hello".as_slice())]);
    assert_eq!(
        message.deviations,
        [Deviation::OddMediaType, Deviation::AttachmentNotIncluded, Deviation::AttachmentUnreadable]
    );
}

#[test]
fn a_code_with_the_name_of_another_is_read_by_its_code() {
    let message =
        message(&head("DIALOG_INNBYGGER_TIMEONSKE", &note("<TemaKodet V='06' DN='Time kunne ikke endres'/>")));
    assert_eq!(message.kind, Some(Kind::SlotUnavailable));
    assert_eq!(message.deviations, [Deviation::CodeAndNameDisagree]);
}

#[test]
fn an_unknown_code_and_process_are_kept_as_they_stand() {
    let message = message(&head("DIALOG_INNBYGGER_UKJENT", &note("<TemaKodet V='R11' DN='Noe'/>")));
    assert_eq!((message.process, message.kind), (None, None));
    assert_eq!(message.code.value, "R11");
    assert_eq!(message.deviations, [Deviation::UnknownProcess]);
}

#[test]
fn several_requests_in_one_message_keep_all_their_texts() {
    let message = message(&head(
        "DIALOG_INNBYGGER_EKONTAKT",
        &document(&format!(
            "<Dialogmelding xmlns='{DIALOG}'><Foresporsel><TypeForesp V='DI'/><Sporsmal>En</Sporsmal></Foresporsel><Foresporsel><TypeForesp V='DI'/><Sporsmal>To</Sporsmal></Foresporsel></Dialogmelding>"
        )),
    ));
    assert_eq!(message.text.as_deref(), Some("En\n\nTo"));
    assert!(!message.is_answer);
}

#[test]
fn clinicians_are_read_in_the_old_and_the_new_form() {
    let person = "<Helsepersonell><TypeHealthcareProfessional V='LE'/><RoleToPatient V='15' DN='Vikar for fastlege'/><FamilyName>Strand</FamilyName><GivenName>Ida</GivenName><Ident><Id>9144889</Id><TypeId V='HPR'/></Ident><Ident><Id>8000112</Id><TypeId V='HER'/></Ident></Helsepersonell>";
    for list in [
        format!("<Helsepersonell>{person}</Helsepersonell>"),
        format!(
            "<HelsepersonelListe><Helsepersonell>{person}<Merknad>Til mai</Merknad></Helsepersonell></HelsepersonelListe>"
        ),
    ] {
        let message = message(&head("DIALOG_INNBYGGER_TIMEONSKE", &(note("<TemaKodet V='10'/>") + &document(&list))));
        let [person] = message.professionals.as_slice() else { panic!("{message:?}") };
        assert_eq!(person.hpr_number, Some(9_144_889));
        assert_eq!(person.her_id, her(8_000_112));
        assert_eq!(person.role.as_deref(), Some("Vikar for fastlege"));
        assert_eq!(person.note.is_some(), list.contains("Merknad"));
    }
}

#[test]
fn what_is_missing_is_named() {
    let cases = [
        ("<a/>", ReadError::Root, ReceiptError::UnsupportedFormat),
        ("<MsgHead/>", ReadError::Missing { element: "MsgInfo" }, ReceiptError::NotValid),
        ("<MsgHead><MsgInfo/></MsgHead>", ReadError::Missing { element: "MsgId" }, ReceiptError::NotValid),
        (
            "<MsgHead><MsgInfo><MsgId>1</MsgId></MsgInfo></MsgHead>",
            ReadError::Missing { element: "Dialogmelding" },
            ReceiptError::NotValid,
        ),
    ];
    for (text, error, code) in cases {
        assert_eq!(read(text.as_bytes()), Err(error));
        assert_eq!(read(text.as_bytes()).unwrap_err().receipt(), code);
    }
    assert_eq!(read(b"garbage").unwrap_err().receipt(), ReceiptError::NotXml);
    let no_code = head("DIALOG_INNBYGGER_EKONTAKT", &note("<TekstNotatInnhold>x</TekstNotatInnhold>"));
    assert_eq!(read(no_code.as_bytes()), Err(ReadError::Missing { element: "TemaKodet" }));
}

#[test]
fn errors_and_debug_output_hold_no_content() {
    let secret = "01817010055";
    let text = head("DIALOG_INNBYGGER_EKONTAKT", &note(&format!("<Tema>{secret}</Tema>")));
    let error = read(text.as_bytes()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(secret));
    let whole = message(&head("DIALOG_INNBYGGER_EKONTAKT", &note("<TemaKodet V='19'/>")));
    assert!(!format!("{whole:?}").contains(secret));
}

#[test]
fn texts_attachments_and_slots_are_bounded() {
    let long = "x".repeat(ddfl::read::limit::TEXT + 1);
    let text = head(
        "DIALOG_INNBYGGER_EKONTAKT",
        &note(&format!("<TemaKodet V='19'/><TekstNotatInnhold>{long}</TekstNotatInnhold>")),
    );
    assert_eq!(
        read(text.as_bytes()),
        Err(ReadError::TooMuch { element: "TekstNotatInnhold", limit: ddfl::read::limit::TEXT })
    );
    let slot = "<vevent><properties><dtstart><date-time>2026-12-07T11:45:00</date-time></dtstart><uid><text>u</text></uid></properties></vevent>";
    let slots = head(
        "DIALOG_INNBYGGER_TIMERESERVASJON",
        &(note("<TemaKodet V='03'/>")
            + &document(&format!(
                "<icalendar><vcalendar><components>{}</components></vcalendar></icalendar>",
                slot.repeat(ddfl::read::limit::APPOINTMENTS + 1)
            ))),
    );
    assert_eq!(
        read(slots.as_bytes()),
        Err(ReadError::TooMuch { element: "vevent", limit: ddfl::read::limit::APPOINTMENTS })
    );
}

fn app_rec(namespace: &str, status: &str) -> String {
    format!(
        "<AppRec xmlns='{namespace}'><MsgType V='APPREC'/><MIGversion>1.0 2004-11-21</MIGversion><GenDate>2026-11-22T10:16:00+01:00</GenDate><Id>0c3f8a52-3b0c-4e6a-8d5b-0a4c9f0e2b11</Id><Sender><HCP><Inst><Name>Åsveien</Name><Id>8000100</Id><TypeId V='HER'/><HCPerson><Name>Tuva</Name><Id>8000111</Id><TypeId V='HER'/></HCPerson></Inst></HCP></Sender><Receiver><HCP><Inst><Id>8000001</Id><TypeId V='HER'/></Inst></HCP></Receiver>{status}<OriginalMsgId><MsgType V='DIALOG_INNBYGGER_EKONSULTASJON'/><IssueDate>2026-11-22T09:15:30Z</IssueDate><Id>A3B8F042-1E16-4F0A-A8F0-421E16DF0A2F</Id></OriginalMsgId></AppRec>"
    )
}

const APP_REC_1_0: &str = "http://www.kith.no/xmlstds/apprec/2004-11-21";
const APP_REC_1_1: &str = "http://www.kith.no/xmlstds/apprec/2012-02-15";

#[test]
fn positive_receipts_of_both_versions_are_read() {
    for namespace in [APP_REC_1_0, APP_REC_1_1] {
        let receipt = receipt(&app_rec(namespace, "<Status V=' 1 ' DN='OK'/>"));
        assert_eq!(receipt.status, ReceiptStatus::Ok);
        assert_eq!(receipt.about, "a3b8f042-1e16-4f0a-a8f0-421e16df0a2f");
        assert_eq!(receipt.senders, [her(8_000_111).unwrap(), her(8_000_100).unwrap()]);
        assert!(receipt.reasons.is_empty());
    }
}

#[test]
fn negative_receipts_give_their_reasons_and_whether_to_send_again() {
    let receipt = receipt(&app_rec(
        APP_REC_1_1,
        "<Status V='2' DN='Avvist'/><Error V='E35' S='2.16.578.1.12.4.1.1.8221' DN='Pasienten finnes ikke i mottakersystemet'/><Error V='X99' DN='Annen feil' OT='Disken er full'/><Error V='2.16.578.1.12.4.1.1.8221' S='X99' DN='byttet om'/><Error DN='Uten kode'/>",
    ));
    assert_eq!(receipt.status, ReceiptStatus::Rejected);
    let found: Vec<_> = receipt
        .reasons
        .iter()
        .map(|reason| (reason.code.as_str(), reason.text.as_str(), reason.resendable()))
        .collect();
    assert_eq!(
        found,
        [
            ("E35", "Pasienten finnes ikke i mottakersystemet", false),
            ("X99", "Annen feil: Disken er full", true),
            ("X99", "byttet om", true),
            ("X99", "Uten kode", true),
        ]
    );
}

#[test]
fn a_receipt_without_a_clear_status_is_not_one() {
    assert_eq!(
        read(app_rec(APP_REC_1_0, "<Status V='9'/>").as_bytes()),
        Err(ReadError::Invalid { element: "Status", expected: "1, 2 or 3" })
    );
    assert_eq!(read(b"<AppRec><Id>1</Id></AppRec>"), Err(ReadError::Missing { element: "OriginalMsgId/Id" }));
}
