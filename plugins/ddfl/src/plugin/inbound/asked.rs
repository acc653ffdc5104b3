//! SIDAB (3.9.2): a record system asks which of these patients are digitally active; 28 names them, 29 says nobody.
//!
//! Each patient is a question of the contract's, and what the gateway does with it is the answer. Nobody's number is kept
//! in between: the cursor says which of the questions were answered with yes, and the message, which stays unread in
//! Meldingstjener until it is answered, is read once more for who that is.

use dialog_plugin_sdk::{ActiveQuestion, CitizenIdentity, Event, EventBody, Failure, ids, log};

use super::super::event::{self, Refused};
use super::super::transport::{self, Listed};
use super::confirm::{Wanted, done};
use super::{Round, name};
use crate::message::NationalId;
use crate::message::code::ReceiptError;
use crate::read::{DialogMessage, Incoming, read};
use crate::write::{self, Patient, Request};

/// Events of a page, by the contract.
const EVENTS: usize = 100;
/// Requests that answering takes: the question once more, and the answer.
pub(super) const ANSWERING: u32 = 2;

impl Round {
    /// Asks the gateway about everybody whom the message names.
    pub(super) fn ask(
        &mut self,
        listed: &Listed,
        bytes: &[u8],
        message: &DialogMessage,
        wanted: Wanted,
    ) -> Result<(), Failure> {
        let refused = |receipt, reason: &str| Refused { receipt, reason: reason.to_owned() };
        let receipted = wanted != Wanted::No;
        let Some(served) = event::office_of(&self.ctx, message) else {
            let refused = refused(ReceiptError::WrongIdentifier, "the sender is not an office with an agreement");
            return self.unreadable(listed, bytes, &message.id, refused, receipted);
        };
        if message.persons.is_empty() {
            let refused = refused(ReceiptError::NotValid, "it asks who is digitally active, and names nobody");
            return self.unreadable(listed, bytes, &message.id, refused, receipted);
        }
        let office = served.office.her_id;
        let asked = plausible(message);
        if self.events.len() + asked.len() > EVENTS {
            // There is no room on this page: it is read again for the next.
            return Ok(());
        }
        let whole = name(listed, &message.id);
        // Never later than now: a record system's clock may be wrong.
        let occurred = message.generated.map_or(self.ctx.now, |at| at.as_millisecond().min(self.ctx.now));
        let events: Vec<Event> = asked
            .iter()
            .enumerate()
            .map(|(at, person)| Event {
                id: ids::derived("asked", &[&whole, &at.to_string()]).to_string(),
                occurred,
                body: EventBody::AskedActive(ActiveQuestion {
                    office,
                    citizen: CitizenIdentity::NationalIdentityNumber(person.national_id.reveal().to_owned()),
                }),
            })
            .collect();
        let ids = events.iter().map(|event| event.id.clone()).collect();
        self.events.extend(events);
        self.hand_over(listed, &message.id, ids, wanted).question = Some(Vec::new());
        Ok(())
    }

    /// Sends the answer. False where that is to be tried again.
    pub(super) fn answer_question(&mut self, delivery: &str, active: &[usize]) -> Result<bool, Failure> {
        let bytes = match transport::fetch(&mut self.budget, delivery) {
            Ok(bytes) => bytes,
            Err(Failure::Faulty(fault)) => {
                log::error!("a question of who is digitally active is gone before it was answered: {}", fault.detail);
                return Ok(true);
            }
            Err(_) => return Ok(false),
        };
        let Ok(Incoming::Message(question)) = read(&bytes) else {
            log::error!("a question of who is digitally active reads differently than before, and is not answered");
            return Ok(true);
        };
        let Some(envelope) = self.back(&question, "digital-users")? else { return Ok(true) };
        let persons = plausible(&question).into_iter().enumerate();
        let active = persons.filter(|(at, _)| active.contains(at)).map(|(_, person)| person).collect();
        match write::write(&envelope, &Request::DigitalUsers { active }) {
            Ok(segments) => Ok(done(transport::send(&mut self.budget, &segments, &[]), "answered")),
            Err(error) => {
                log::error!("the answer to who is digitally active breaks a rule: {error}");
                Ok(true)
            }
        }
    }
}

/// Everybody whose number can exist, in order: nobody else is digitally active.
fn plausible(message: &DialogMessage) -> Vec<Patient> {
    let known = |name: &Option<String>| name.clone().unwrap_or_else(|| "Ukjent".to_owned());
    let persons = message.persons.iter().filter_map(|person| {
        let national_id = person.national_id.clone().filter(NationalId::is_plausible)?;
        Some(Patient { given_name: known(&person.given_name), family_name: known(&person.family_name), national_id })
    });
    persons.collect()
}
