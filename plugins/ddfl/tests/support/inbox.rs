//! Meldingstjener with one office behind it, small enough for a test to look into.

use std::cell::RefCell;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ddfl::read::{DialogMessage, Incoming, read};
use dialog_plugin_sdk::Context;
use dialog_plugin_sdk::inbound::InboundContext;
use dialog_plugin_sdk::testing::{self, Host, Reply, Request};
use dialog_plugin_sdk::upstream::Method;
use serde_json::{Value, json};

pub(crate) const PORTAL: u32 = 8_000_001;
pub(crate) const GP: u32 = 8_000_102;
pub(crate) const OFFICE: u32 = 8_000_101;
pub(crate) const ORGANISATION: u32 = 8_000_100;
pub(crate) const CITIZEN: &str = "01817010055";

/// A message for the portal.
#[derive(Clone, Debug)]
pub(crate) struct Delivered {
    pub(crate) id: String,
    pub(crate) document: String,
    pub(crate) sender: u32,
    pub(crate) bytes: Vec<u8>,
    pub(crate) receipt: bool,
    pub(crate) read: bool,
    /// Status, and the codes of what was wrong.
    pub(crate) app_recs: Vec<(u64, Vec<String>)>,
}

type Automaton = Box<dyn FnMut(&DialogMessage, &mut Store)>;

#[derive(Default)]
pub(crate) struct Store {
    /// What the portal sent, in order.
    pub(crate) sent: Vec<DialogMessage>,
    pub(crate) raw: Vec<Vec<u8>>,
    pub(crate) inbox: Vec<Delivered>,
    /// Answered with this in place of the answer, as often as it stands here.
    pub(crate) failures: Vec<(Method, Reply)>,
    /// The same, for documents that are fetched.
    pub(crate) document_failures: Vec<Reply>,
}

impl Store {
    /// Puts a document into the inbox.
    pub(crate) fn deliver(&mut self, sender: u32, document: &str, bytes: Vec<u8>, receipt: bool) {
        let id = format!("00000000-0000-4000-8000-{:012}", self.inbox.len() + 1);
        self.inbox.push(Delivered {
            id,
            document: document.to_owned(),
            sender,
            bytes,
            receipt,
            read: false,
            app_recs: Vec::new(),
        });
    }
}

/// Meldingstjener, and the host that leads to it.
pub(crate) struct Inbox {
    pub(crate) host: Host,
    pub(crate) store: Rc<RefCell<Store>>,
}

impl Inbox {
    /// With an office that answers by itself.
    pub(crate) fn open(automaton: impl FnMut(&DialogMessage, &mut Store) + 'static) -> Self {
        let host = Host::install();
        let store = Rc::new(RefCell::new(Store::default()));
        let shared = Rc::clone(&store);
        let mut automaton: Automaton = Box::new(automaton);
        host.upstream("meldingstjener", move |request| answer(request, &mut shared.borrow_mut(), &mut automaton));
        Self { host, store }
    }

    /// With an office where nobody answers.
    pub(crate) fn silent() -> Self {
        Self::open(|_, _| {})
    }

    pub(crate) fn sent(&self) -> Vec<DialogMessage> {
        self.store.borrow().sent.clone()
    }

    pub(crate) fn inbox(&self) -> Vec<Delivered> {
        self.store.borrow().inbox.clone()
    }
}

fn answer(request: &Request, store: &mut Store, automaton: &mut Automaton) -> Reply {
    if let Some(at) = store.failures.iter().position(|(method, _)| *method == request.method) {
        return store.failures.remove(at).1;
    }
    let path: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    match (request.method, path.as_slice()) {
        (Method::Post, ["Messages"]) => {
            assert_eq!(request.header("content-type"), Some("application/json"));
            let body: Value = request.json();
            assert_eq!(body["contentType"], "application/xml");
            assert_eq!(body["contentTransferEncoding"], "base64");
            let bytes = STANDARD.decode(body["businessDocument"].as_str().unwrap()).unwrap();
            let Ok(Incoming::Message(message)) = read(&bytes) else { panic!("not a message") };
            store.raw.push(bytes);
            // A duplicate is discarded.
            if !store.sent.iter().any(|sent| sent.id == message.id) {
                store.sent.push((*message).clone());
                automaton(&message, store);
            }
            Reply::json(201, &json!({"id": "x", "location": "x"}))
        }
        (Method::Get, ["Messages"]) => {
            assert_eq!(request.query("receiverHerIds"), Some(&*PORTAL.to_string()));
            let sender = request.query("senderHerId").map(|sender| sender.parse::<u32>().unwrap());
            let count: usize = request.query("messagesToFetch").unwrap().parse().unwrap();
            let mut listed: Vec<Value> = store
                .inbox
                .iter()
                .filter(|one| !one.read && sender.is_none_or(|sender| sender == one.sender))
                .map(|one| {
                    json!({
                        "id": one.id, "receiverHerId": PORTAL, "senderHerId": one.sender,
                        "contentType": "application/xml", "businessDocumentId": one.document,
                        "isAppRec": one.receipt,
                    })
                })
                .collect();
            if request.query("orderBy") == Some("2") {
                listed.reverse();
            }
            listed.truncate(count);
            Reply::json(200, &listed)
        }
        (Method::Get, ["Messages", id, "business-document"]) => {
            if !store.document_failures.is_empty() {
                return store.document_failures.remove(0);
            }
            let one = store.inbox.iter().find(|one| one.id == *id).unwrap();
            Reply::json(
                200,
                &json!({
                    "businessDocument": STANDARD.encode(&one.bytes),
                    "contentType": "application/xml", "contentTransferEncoding": "base64",
                }),
            )
        }
        (Method::Post, ["Messages", id, "apprec", party]) => {
            assert_eq!(*party, PORTAL.to_string());
            let body: Value = request.json();
            let status = body["appRecStatus"].as_u64().unwrap();
            let errors = body["appRecErrorList"].as_array().unwrap();
            let codes = errors.iter().map(|one| one["errorCode"].as_str().unwrap().to_owned()).collect();
            let one = store.inbox.iter_mut().find(|one| one.id == *id).unwrap();
            assert!(!one.receipt, "a receipt is not receipted");
            one.app_recs.push((status, codes));
            Reply::json(201, &json!({"id": "y", "location": "y"}))
        }
        (Method::Put, ["Messages", id, "read", party]) => {
            assert_eq!(*party, PORTAL.to_string());
            store.inbox.iter_mut().find(|one| one.id == *id).unwrap().read = true;
            Reply::status(204)
        }
        _ => panic!("{:?} {}", request.method, request.path),
    }
}

/// What an office writes.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) id: String,
    pub(crate) process: &'static str,
    pub(crate) code: &'static str,
    pub(crate) request: bool,
    pub(crate) conversation: Option<(String, String)>,
    pub(crate) text: Option<String>,
    pub(crate) generated: String,
    pub(crate) ack: &'static str,
    pub(crate) patient: &'static str,
    pub(crate) organisation: u32,
    pub(crate) party: u32,
    /// Further documents.
    pub(crate) documents: String,
}

impl Letter {
    pub(crate) fn new(id: u32, process: &'static str, code: &'static str) -> Self {
        Self {
            id: format!("0ff1ce00-0000-4000-8000-{id:012}"),
            process,
            code,
            request: false,
            conversation: None,
            text: None,
            generated: "2026-01-05T08:00:00Z".into(),
            ack: "J",
            patient: CITIZEN,
            organisation: ORGANISATION,
            party: GP,
            documents: String::new(),
        }
    }

    /// The office's answer to a message of the portal's.
    pub(crate) fn to(message: &DialogMessage, id: u32, code: &'static str) -> Self {
        let mut letter = Self::new(id, message.process.unwrap().value(), code);
        letter.conversation = Some((message.id.clone(), message.first().to_owned()));
        letter.party = message.receiver.her_id.unwrap().get();
        letter
    }

    pub(crate) fn text(mut self, text: &str) -> Self {
        self.text = Some(text.into());
        self
    }

    pub(crate) fn document(mut self, content: &str) -> Self {
        self.documents
            .push_str(&format!("<Document><RefDoc><MsgType V='XML'/><Content>{content}</Content></RefDoc></Document>"));
        self
    }

    pub(crate) fn appointment(self, start: &str, end: &str, uid: &str, related_to: &str) -> Self {
        let related_to = if related_to.is_empty() {
            String::new()
        } else {
            format!("<related-to><uri>{related_to}</uri></related-to>")
        };
        let contact = self.party;
        self.document(&format!(
            "<icalendar xmlns='urn:ietf:params:xml:ns:icalendar-2.0'><vcalendar><components><vevent><properties><dtstart><date-time>{start}</date-time></dtstart><dtend><date-time>{end}</date-time></dtend><uid><text>{uid}</text></uid><contact><text>{contact}</text></contact>{related_to}</properties></vevent></components></vcalendar></icalendar>"
        ))
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let reference = self.conversation.as_ref().map_or(String::new(), |(parent, first)| {
            format!("<ConversationRef><RefToParent>{parent}</RefToParent><RefToConversation>{first}</RefToConversation></ConversationRef>")
        });
        let (form, code, text_name) = if self.request {
            ("Foresporsel", "TypeForesp", "Sporsmal")
        } else {
            ("Notat", "TemaKodet", "TekstNotatInnhold")
        };
        let text = self.text.as_ref().map_or(String::new(), |text| format!("<{text_name}>{text}</{text_name}>"));
        let her = |id: u32| format!("<Ident><Id>{id}</Id><TypeId V='HER'/></Ident>");
        format!(
            "<MsgHead xmlns='http://www.kith.no/xmlstds/msghead/2006-05-24'><MsgInfo><Type V='{process}'/><GenDate>{generated}</GenDate><MsgId>{id}</MsgId><Ack V='{ack}'/>{reference}<Sender><Organisation><OrganisationName>Fjelltoppen</OrganisationName>{organisation}<HealthcareProfessional><FamilyName>Fastlege</FamilyName><GivenName>Frida</GivenName>{party}</HealthcareProfessional></Organisation></Sender><Receiver><Organisation><OrganisationName>NHN</OrganisationName>{nhn}<Organisation><OrganisationName>DIT</OrganisationName>{portal}</Organisation></Organisation></Receiver><Patient><FamilyName>Nordmann</FamilyName><GivenName>Kari</GivenName><Ident><Id>{patient}</Id><TypeId V='FNR'/></Ident></Patient></MsgInfo><Document><RefDoc><MsgType V='XML'/><Content><Dialogmelding xmlns='http://www.kith.no/xmlstds/dialog/2013-01-23'><{form}><{code} V='{value}'/>{text}</{form}></Dialogmelding></Content></RefDoc></Document>{documents}</MsgHead>",
            process = self.process,
            generated = self.generated,
            id = self.id,
            ack = self.ack,
            organisation = her(self.organisation),
            party = her(self.party),
            nhn = her(112_358),
            portal = her(PORTAL),
            patient = self.patient,
            value = self.code,
            documents = self.documents,
        )
        .into_bytes()
    }

    pub(crate) fn deliver(&self, store: &mut Store) {
        store.deliver(self.party, &self.id, self.bytes(), false);
    }
}

/// An application receipt from the office.
pub(crate) fn app_rec(store: &mut Store, id: u32, about: &str, status: u8, errors: &[&str]) {
    let errors: String = errors.iter().map(|code| format!("<Error V='{code}' DN='Feil {code}'/>")).collect();
    let id = format!("acced000-0000-4000-8000-{id:012}");
    let bytes = format!(
        "<AppRec xmlns='http://www.kith.no/xmlstds/apprec/2012-02-15'><GenDate>2026-01-05T08:00:00Z</GenDate><Id>{id}</Id><Status V='{status}'/>{errors}<OriginalMsgId><Id>{about}</Id></OriginalMsgId></AppRec>"
    );
    store.deliver(GP, &id, bytes.into_bytes(), true);
}

pub(crate) fn settings(processes: &[&str]) -> String {
    let clinicians = [json!({"hprNumber": 9_999_991, "herId": GP, "givenName": "Frida", "familyName": "Fastlege"})];
    json!({ "processes": processes, "clinicians": clinicians }).to_string()
}

pub(crate) const EVERYTHING: [&str; 5] = [
    "DIALOG_INNBYGGER_EKONSULTASJON@1.2",
    "DIALOG_INNBYGGER_EKONTAKT@1.2",
    "DIALOG_INNBYGGER_RESEPTFORNYELSE@1.3",
    "DIALOG_INNBYGGER_TIMEONSKE@1.2",
    "DIALOG_INNBYGGER_TIMERESERVASJON@1.2",
];

fn installation() -> String {
    json!({
        "organisation": {"name": "Norsk Helsenett SF", "herId": 112_358},
        "party": {"name": "Digitale innbyggertjenester", "herId": PORTAL},
    })
    .to_string()
}

pub(crate) fn context() -> Context {
    let mut ctx = testing::context();
    ctx.settings = settings(&EVERYTHING);
    ctx.installation = installation();
    ctx.citizen.as_mut().unwrap().national_identity_number = Some(CITIZEN.into());
    ctx.time_left = 15_000;
    ctx
}

pub(crate) fn inbound_context(host: &Host) -> InboundContext {
    let mut ctx = testing::inbound_context();
    ctx.installation = installation();
    ctx.offices[0].settings = settings(&EVERYTHING);
    // The clock of the test moves; the context is of now.
    ctx.now = host_now(host);
    ctx.time_left = 5_000;
    ctx
}

fn host_now(_: &Host) -> i64 {
    dialog_plugin_sdk::clock::now()
}
