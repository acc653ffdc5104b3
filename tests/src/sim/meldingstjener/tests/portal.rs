//! A portal that writes its messages as text, so that the simulator's own writer is not what is tested against.

use crate::sim::meldingstjener::tree::{Element, parse};
use crate::sim::meldingstjener::{Config, MeldingstjenerSim, Process, Violation};
use crate::sim::world::{Citizen, Office, PORTAL_HER_ID};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) const TOKEN: &str = "meldingstjener-token";

/// A message to send.
#[derive(Clone)]
pub(super) struct Draft {
    pub msg_id: String,
    pub process: Process,
    pub ack: (&'static str, &'static str),
    pub references: Option<(String, String)>,
    pub office: Office,
    pub party: u32,
    pub citizen: Option<Citizen>,
    pub form: String,
    pub documents: Vec<String>,
}

impl Draft {
    pub(super) fn new(process: Process, office: Office, citizen: Citizen, form: &str) -> Draft {
        Draft {
            msg_id: Uuid::new_v4().to_string(),
            process,
            ack: ("J", "Ja"),
            references: None,
            party: office.gps.first().unwrap().her_id,
            office,
            citizen: Some(citizen),
            form: form.to_owned(),
            documents: Vec::new(),
        }
    }

    pub(super) fn request(process: Process, office: Office, citizen: Citizen, code: (&str, &str), rest: &str) -> Draft {
        let (value, name) = code;
        let form = format!(
            "<Foresporsel><TypeForesp V=\"{value}\" S=\"2.16.578.1.12.4.1.1.7601\" DN=\"{name}\"/>{rest}</Foresporsel>"
        );
        Draft::new(process, office, citizen, &form)
    }

    pub(super) fn consultation(office: Office, citizen: Citizen) -> Draft {
        Draft::request(
            Process::Ekonsultasjon,
            office,
            citizen,
            ("SB", "Spørsmål til behandler"),
            "<EmneSporsmal>Vond skulder</EmneSporsmal><Sporsmal>Kan jeg svømme?</Sporsmal>",
        )
    }

    pub(super) fn contact(office: Office, citizen: Citizen) -> Draft {
        Draft::request(
            Process::Ekontakt,
            office,
            citizen,
            ("HE", "Henvendelse"),
            "<EmneSporsmal>Adresse</EmneSporsmal><Sporsmal>Jeg har flyttet.</Sporsmal>",
        )
    }

    pub(super) fn reply(process: Process, office: Office, citizen: Citizen, parent: &str, first: &str) -> Draft {
        let form = "<Notat><TemaKodet V=\"22\" S=\"2.16.578.1.12.4.1.1.7602\" DN=\"Svar fra innbygger\"/>\
                    <Tema>Vond skulder</Tema><TekstNotatInnhold>Takk, men hvor langt?</TekstNotatInnhold></Notat>";
        Draft { references: Some((parent.to_owned(), first.to_owned())), ..Draft::new(process, office, citizen, form) }
    }

    pub(super) fn synchronous(mut self) -> Draft {
        self.ack = ("N", "Nei");
        self
    }

    pub(super) fn document(mut self, kind: (&str, &str), inside: &str) -> Draft {
        self.documents.push(format!(
            "<Document><RefDoc><MsgType V=\"{}\" DN=\"{}\"/>{inside}</RefDoc></Document>",
            kind.0, kind.1
        ));
        self
    }

    pub(super) fn payload(self, payload: &str) -> Draft {
        self.document(("XML", "XML-instans"), &format!("<Content>{payload}</Content>"))
    }

    pub(super) fn attachment(self, mime_type: &str, content: &[u8]) -> Draft {
        let encoded = STANDARD.encode(content);
        self.document(
            ("A", "Vedlegg"),
            &format!(
                "<MimeType>{mime_type}</MimeType><Description>Vedlegg</Description><Content><Base64Container \
                 xmlns=\"http://www.kith.no/xmlstds/base64container\">{encoded}</Base64Container></Content>"
            ),
        )
    }

    pub(super) fn xml(&self) -> String {
        let her = |id: u32, oid: &str| {
            format!("<Ident><Id>{id}</Id><TypeId V=\"HER\" S=\"2.16.578.1.12.4.1.1.{oid}\" DN=\"HER-id\"/></Ident>")
        };
        let references = self.references.as_ref().map_or(String::new(), |(parent, first)| {
            format!("<ConversationRef><RefToParent>{parent}</RefToParent><RefToConversation>{first}</RefToConversation></ConversationRef>")
        });
        let party = if self.party == self.office.service_her_id {
            format!(
                "<Organisation><OrganisationName>{}</OrganisationName>{}</Organisation>",
                self.office.service_name,
                her(self.party, "9051")
            )
        } else {
            format!("<HealthcareProfessional>{}</HealthcareProfessional>", her(self.party, "8116"))
        };
        let patient = self.citizen.map_or(String::new(), |citizen| {
            format!(
                "<Patient><FamilyName>{}</FamilyName><GivenName>{}</GivenName><Ident><Id>{}</Id>\
                 <TypeId V=\"FNR\" S=\"2.16.578.1.12.4.1.1.8116\" DN=\"Fødselsnummer\"/></Ident></Patient>",
                citizen.family_name, citizen.given_name, citizen.national_id
            )
        });
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
             <MsgHead xmlns=\"http://www.kith.no/xmlstds/msghead/2006-05-24\"><MsgInfo>\
             <Type V=\"{process}\" DN=\"{name}\"/><MIGversion>v1.2 2006-05-24</MIGversion>\
             <GenDate>2026-11-20T08:00:00Z</GenDate><MsgId>{id}</MsgId><Ack V=\"{ack}\" DN=\"{ack_name}\"/>{references}\
             <Sender><Organisation><OrganisationName>Norsk Helsenett SF</OrganisationName>{sender}\
             <Organisation><OrganisationName>Digitale innbyggertjenester</OrganisationName>{portal}</Organisation>\
             </Organisation></Sender>\
             <Receiver><Organisation><OrganisationName>{office}</OrganisationName>{organisation}{party}</Organisation>\
             </Receiver>{patient}</MsgInfo>\
             <Document><RefDoc><MsgType V=\"XML\" DN=\"XML-instans\"/><Content>\
             <Dialogmelding xmlns=\"http://www.kith.no/xmlstds/dialog/2013-01-23\">{form}</Dialogmelding>\
             </Content></RefDoc></Document>{documents}</MsgHead>",
            process = self.process.code(),
            name = self.process.name(),
            id = self.msg_id,
            ack = self.ack.0,
            ack_name = self.ack.1,
            sender = her(115_851, "9051"),
            portal = her(8_093_248, "9051"),
            office = self.office.name,
            organisation = her(self.office.her_id, "9051"),
            form = self.form,
            documents = self.documents.concat(),
        )
    }
}

/// A calendar document with one event.
pub(super) fn calendar(uid: &str, start: &str, end: &str, contact: u32, related: Option<&str>) -> String {
    let related = related.map_or(String::new(), |id| format!("<related-to><uri>{id}</uri></related-to>"));
    format!(
        "<icalendar xmlns=\"urn:ietf:params:xml:ns:icalendar-2.0\"><vcalendar><properties><version><text>2.0</text>\
         </version><prodid><text>Portal</text></prodid></properties><components><vevent><properties>\
         <dtstart><date-time>{start}</date-time></dtstart><dtend><date-time>{end}</date-time></dtend>\
         <uid><text>{uid}</text></uid><contact><text>{contact}</text></contact>{related}</properties><components/>\
         </vevent></components></vcalendar></icalendar>"
    )
}

/// A prescription (M1) for a medicine.
pub(super) fn prescription(name: &str) -> String {
    format!(
        "<Resept xmlns=\"http://www.kith.no/xmlstds/eresept/m1/2013-10-08\" \
         xmlns:f=\"http://www.kith.no/xmlstds/eresept/forskrivning/2013-10-08\">\
         <Forskrivningsdato>0001-01-01</Forskrivningsdato><Utloper>0001-01-01</Utloper>\
         <ReseptDokLegemiddel><Varegruppekode V=\"L\"/><Antall>1</Antall><Reiterasjon>3</Reiterasjon>\
         <f:Forskrivning><f:LegemiddelMerkevare><f:NavnFormStyrke>{name}</f:NavnFormStyrke><f:Reseptgruppe V=\"C\"/>\
         <f:Varenavn>{name}</f:Varenavn></f:LegemiddelMerkevare></f:Forskrivning></ReseptDokLegemiddel>\
         <OppdatertFest>0001-01-01T00:00:00</OppdatertFest></Resept>"
    )
}

/// A message that the portal fetched.
pub(super) struct Incoming {
    pub id: String,
    pub metadata: Value,
    pub root: Element,
}

impl Incoming {
    fn at(&self, path: &[&str]) -> Option<Element> {
        path.iter()
            .try_fold(self.root.clone(), |element, name| element.children().find(|child| child.name == *name).cloned())
    }

    pub(super) fn msg_id(&self) -> String {
        self.at(&["MsgInfo", "MsgId"]).unwrap().text()
    }

    /// The text at the end of a path of local names.
    pub(super) fn text(&self, path: &[&str]) -> Option<String> {
        self.at(path).map(|element| element.text())
    }

    /// The first element of this name anywhere.
    pub(super) fn find(&self, name: &str) -> Option<Element> {
        fn find(element: &Element, name: &str) -> Option<Element> {
            if element.name == name {
                return Some(element.clone());
            }
            element.children().find_map(|child| find(child, name))
        }
        find(&self.root, name)
    }

    /// All elements of this name anywhere.
    pub(super) fn find_all(&self, name: &str) -> Vec<Element> {
        fn find(element: &Element, name: &str, into: &mut Vec<Element>) {
            if element.name == name {
                into.push(element.clone());
            }
            for child in element.children() {
                find(child, name, into);
            }
        }
        let mut found = Vec::new();
        find(&self.root, name, &mut found);
        found
    }

    /// The answer's code, or the opening's.
    pub(super) fn code(&self) -> String {
        let coded = self.find("TemaKodet").or_else(|| self.find("TypeForesp"));
        coded.map_or_else(
            || format!("AppRec {}", self.find("Status").unwrap().get("V").unwrap()),
            |coded| coded.get("V").unwrap().to_owned(),
        )
    }
}

/// The portal's side.
pub(super) struct Portal {
    pub sim: MeldingstjenerSim,
    pub http: Client,
}

impl Portal {
    pub(super) async fn start() -> Portal {
        let start = "2026-11-20T07:30:00Z".parse().unwrap();
        let sim = MeldingstjenerSim::start(Config { start, ..Config::default() }).await.unwrap();
        Portal { sim, http: Client::new() }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sim.base_url())
    }

    pub(super) async fn get(&self, path: &str) -> Response {
        self.http.get(self.url(path)).bearer_auth(TOKEN).send().await.unwrap()
    }

    pub(super) async fn get_json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let response = self.http.post(self.url(path)).bearer_auth(TOKEN).json(body).send().await.unwrap();
        let status = response.status();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    pub(super) async fn post_xml(&self, xml: &str) -> (StatusCode, Value) {
        let body = json!({
            "businessDocument": STANDARD.encode(xml),
            "contentType": "application/xml",
            "contentTransferEncoding": "base64",
        });
        self.post("/Messages", &body).await
    }

    /// Sends a message that must be accepted; gives its identifier in Meldingstjener.
    pub(super) async fn send(&self, draft: &Draft) -> String {
        let (status, body) = self.post_xml(&draft.xml()).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        let id = body["id"].as_str().unwrap().to_owned();
        assert_eq!(body["location"], json!(self.url(&format!("/Messages/{id}"))));
        id
    }

    /// Fetches everything unread without receipting it.
    pub(super) async fn fetch(&self) -> Vec<Incoming> {
        let path = format!("/Messages?receiverHerIds={PORTAL_HER_ID}&includeMetadata=true&messagesToFetch=100");
        let mut fetched = Vec::new();
        for metadata in self.get_json(&path).await.as_array().unwrap() {
            let id = metadata["id"].as_str().unwrap().to_owned();
            let document = self.get_json(&format!("/Messages/{id}/business-document")).await;
            let raw = STANDARD.decode(document["businessDocument"].as_str().unwrap()).unwrap();
            fetched.push(Incoming { id, metadata: metadata.clone(), root: parse(&raw).unwrap() });
        }
        fetched
    }

    pub(super) async fn receipt(&self, id: &str, body: &Value) -> (StatusCode, Value) {
        self.post(&format!("/Messages/{id}/apprec/{PORTAL_HER_ID}"), body).await
    }

    pub(super) async fn mark_read(&self, id: &str) -> StatusCode {
        let url = self.url(&format!("/Messages/{id}/read/{PORTAL_HER_ID}"));
        self.http.put(url).bearer_auth(TOKEN).send().await.unwrap().status()
    }

    /// Fetches everything unread, receipts what asks for it, and marks it as read.
    pub(super) async fn inbox(&self) -> Vec<Incoming> {
        let fetched = self.fetch().await;
        for incoming in &fetched {
            let asks = incoming.find("Ack").is_some_and(|ack| ack.get("V") == Some("J"));
            if asks {
                let (status, body) = self.receipt(&incoming.id, &json!({"appRecStatus": 1})).await;
                assert_eq!(status, StatusCode::CREATED, "{body}");
            }
            assert_eq!(self.mark_read(&incoming.id).await, StatusCode::NO_CONTENT);
        }
        fetched
    }

    /// Codes of everything unread, in order.
    pub(super) async fn codes(&self) -> Vec<String> {
        self.inbox().await.iter().map(Incoming::code).collect()
    }

    pub(super) fn assert_clean(&self) {
        let violations: Vec<Violation> = self.sim.violations();
        assert!(violations.is_empty(), "{violations:#?}");
        assert_eq!(self.sim.unreceipted(), Vec::<String>::new());
    }

    pub(super) fn rules(&self) -> Vec<&'static str> {
        self.sim.violations().iter().map(|violation| violation.rule).collect()
    }
}
