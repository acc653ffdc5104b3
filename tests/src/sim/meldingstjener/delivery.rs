//! Delivery between the offices and the portal: answers and receipts one way, the portal's receipts the other.

use super::apprec::{self, Receipt, ReceiptError, ReceiptStatus};
use super::office::Now;
use super::state::{Damage, Delivery, Refusal, State, Stored};
use super::tree::{self, Element};
use super::write::{self, Letter};
use crate::sim::world::PORTAL_HER_ID;
use jiff::Timestamp;
use uuid::Uuid;

impl State {
    /// The receipt from an office for the message at this position.
    pub(super) fn receipt_for(&mut self, at: usize, status: ReceiptStatus, errors: Vec<ReceiptError>, now: Now) {
        let Some(original) = self.messages.get_mut(at) else { return };
        let receipt = Receipt {
            id: Uuid::new_v4().to_string(),
            written: now.instant,
            status,
            errors,
            original_id: original.document_id.clone().unwrap_or_default(),
            original_type: original.process.clone(),
            original_date: original.generated.clone().unwrap_or_default(),
        };
        original.receipt = Some(receipt.clone());
        let (her_id, party) = (original.office, original.party);
        let Some(office) = self.office(her_id) else { return };
        let raw = apprec::from_office(&receipt, office.office, party, office.system.style());
        self.push(raw, her_id, party, &receipt.id, receipt.written, "AppRec", false);
    }

    /// Delivers an office's message to the portal, damaged or twice where that was asked for.
    pub fn deliver(&mut self, her_id: u32, letter: &Letter) -> Uuid {
        let Some(office) = self.office(her_id) else { return Uuid::nil() };
        office.sent(letter);
        let mut raw = write::letter(letter, office.office, office.system.style());
        match self.damage_next.take() {
            Some(Damage::TruncatedXml) => raw.truncate(raw.len() / 2),
            Some(Damage::OtherXml) => raw = b"<?xml version=\"1.0\"?><Kvittering>ok</Kvittering>".to_vec(),
            Some(Damage::NotXml) => raw = b"\x00\x01 Internal Server Error".to_vec(),
            None => {}
        }
        let copies = if std::mem::take(&mut self.duplicate_next) { 2 } else { 1 };
        let mut id = Uuid::nil();
        for _ in 0..copies {
            id = self.push(
                raw.clone(),
                her_id,
                letter.from,
                &letter.msg_id,
                letter.written,
                &letter.code.value,
                letter.ack,
            );
        }
        if let Some(stored) = self.messages.last_mut() {
            stored.process = letter.process.code().to_owned();
        }
        id
    }

    #[expect(clippy::too_many_arguments, reason = "one field each of the message that is stored")]
    fn push(
        &mut self,
        raw: Vec<u8>,
        office: u32,
        party: u32,
        document_id: &str,
        written: Timestamp,
        label: &str,
        wants_receipt: bool,
    ) -> Uuid {
        let id = Uuid::new_v4();
        self.messages.push(Stored {
            id,
            to_portal: true,
            office,
            party,
            document_id: Some(document_id.to_owned()),
            generated: Some(written.to_string()),
            is_receipt: label == "AppRec",
            raw,
            read: false,
            fetched: false,
            delivery: Delivery::Unconfirmed,
            wants_receipt,
            receipt: None,
            inbound: None,
            label: label.to_owned(),
            process: String::new(),
        });
        id
    }

    /// Delivers bytes as they are, from the party of the office that they name, or from its service.
    pub fn deliver_raw(&mut self, office: u32, raw: Vec<u8>) -> Uuid {
        let read = tree::parse(&raw).ok().map(|root| {
            let info = root.child("MsgInfo");
            let text = |name: &str| info.and_then(|info| info.text_of(name));
            let receipt = root.name == "AppRec";
            let id = if receipt { root.text_of("Id") } else { text("MsgId") };
            let wants = info.and_then(|info| info.child("Ack")).and_then(|ack| ack.get("V")) == Some("J");
            let sender = info.and_then(|info| info.child("Sender")).map(her_ids).unwrap_or_default();
            (id, receipt, wants, sender)
        });
        let (document_id, is_receipt, wants_receipt, sender) = read.unwrap_or((None, false, true, Vec::new()));
        let named = self.office(office).map(|state| {
            let party = sender.into_iter().find(|her_id| state.office.owns_party(*her_id));
            party.unwrap_or(state.office.service_her_id)
        });
        let party = named.unwrap_or_default();
        let written = self.now().instant;
        let id = self.push(raw, office, party, "", written, "raw", wants_receipt);
        if let Some(stored) = self.messages.last_mut() {
            stored.document_id = document_id;
            stored.is_receipt = is_receipt;
        }
        id
    }

    /// Delivers a message of an office once more, under a new identifier in Meldingstjener.
    pub fn redeliver(&mut self, document_id: &str) -> Option<Uuid> {
        let mut copy = self
            .messages
            .iter()
            .find(|stored| stored.to_portal && stored.document_id.as_deref() == Some(document_id))?
            .clone();
        copy.id = Uuid::new_v4();
        (copy.read, copy.fetched, copy.delivery, copy.receipt) = (false, false, Delivery::Unconfirmed, None);
        let id = copy.id;
        self.messages.push(copy);
        Some(id)
    }

    /// Takes the portal's receipt for a message that it received.
    pub fn receipt_from_portal(
        &mut self,
        id: Uuid,
        sender: u32,
        status: ReceiptStatus,
        errors: Vec<ReceiptError>,
    ) -> Result<Uuid, Refusal> {
        let refuse = |detail: &str| Refusal::new(400, "The application receipt is not valid", vec![detail.to_owned()]);
        let now = self.now();
        let Some(at) = self.messages.iter().position(|stored| stored.id == id && stored.to_portal) else {
            return Err(Refusal::new(404, "The message is not found", Vec::new()));
        };
        let Some(stored) = self.messages.get(at).cloned() else { return Err(refuse("gone")) };
        let name = stored.document_id.clone();
        if sender != PORTAL_HER_ID {
            self.violate("a receipt comes from the receiver of the message", sender.to_string(), name);
            return Err(refuse("the sender of the receipt is not the receiver of the message"));
        }
        if stored.is_receipt || !stored.wants_receipt {
            self.violate("only what asks for a receipt is receipted", stored.label.clone(), name);
            return Err(refuse("the message asks for no receipt"));
        }
        if let Some(earlier) = &stored.receipt {
            // Repeating a receipt word for word is how a sender recovers from a lost answer.
            if earlier.status == status && earlier.errors == errors {
                return Uuid::parse_str(&earlier.id).map_err(|_| refuse("gone"));
            }
            self.violate("a receipt is not taken back", stored.label.clone(), name);
            return Err(refuse("the message has another receipt already"));
        }
        let twin = self.messages.iter().any(|other| {
            other.to_portal && other.id != id && other.document_id == name && name.is_some() && other.receipt.is_some()
        });
        if twin {
            self.violate("a duplicate is receipted once", stored.label.clone(), name.clone());
        }
        if (status == ReceiptStatus::Rejected) == errors.is_empty() && status != ReceiptStatus::OkErrorInMessagePart {
            self.violate("a rejection says why, and nothing else does", format!("{status:?}"), name.clone());
        }
        let receipt = Receipt {
            id: Uuid::new_v4().to_string(),
            written: now.instant,
            status,
            errors,
            original_id: name.unwrap_or_default(),
            original_type: stored.process.clone(),
            original_date: stored.generated.clone().unwrap_or_default(),
        };
        let Some(office) = self.office(stored.office) else { return Err(refuse("gone")) };
        let raw = apprec::from_portal(&receipt, office.office, stored.party);
        let receipt_id = Uuid::parse_str(&receipt.id).unwrap_or(Uuid::nil());
        let document_id = receipt.id.clone();
        if let Some(stored) = self.messages.get_mut(at) {
            stored.receipt = Some(receipt);
        }
        self.push(raw, stored.office, stored.party, &document_id, now.instant, "AppRec", false);
        if let Some(pushed) = self.messages.last_mut() {
            (pushed.to_portal, pushed.read, pushed.delivery) = (false, true, Delivery::Acknowledged);
            pushed.id = receipt_id;
        }
        Ok(receipt_id)
    }
}

/// Every number that stands in an `Id` below an element.
fn her_ids(element: &Element) -> Vec<u32> {
    let own = (element.name == "Id").then(|| element.text().parse().ok()).flatten();
    own.into_iter().chain(element.children().flat_map(her_ids)).collect()
}
