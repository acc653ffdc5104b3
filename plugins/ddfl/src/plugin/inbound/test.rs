//! The communication test (3.10): somebody asks whether we are there.

use dialog_plugin_sdk::{Failure, Sent, log};

use super::super::address::timestamp;
use super::super::transport;
use super::Round;
use crate::message::{MessageId, Version, time};
use crate::read::DialogMessage;
use crate::write::party::ReceivingParty;
use crate::write::{self, Conversation, Envelope, Receiver, Request, Unit};

impl Round {
    /// Answers a communication test.
    pub(super) fn answer_test(&mut self, test: &DialogMessage) -> Result<(), Failure> {
        let Some(envelope) = self.back(test, "test-answer")? else { return Ok(()) };
        let segments = write::write(&envelope, &Request::TestAnswer).map_err(|error| {
            Failure::faulty(Sent::No, format!("the answer to a communication test breaks a rule: {error}"))
        })?;
        transport::send(&mut self.budget, &segments, &[])?;
        log::info!("a communication test was answered at {}", time::xml(timestamp(self.ctx.now)));
        Ok(())
    }

    /// Around an answer of the portal's own, about no patient: the same for the same message, to the last byte. None where
    /// the sender does not say where to.
    pub(super) fn back(&self, to: &DialogMessage, purpose: &str) -> Result<Option<Envelope>, Failure> {
        let sender = &to.sender;
        let (Some(organisation), Some(party)) = (sender.organisation_her_id, sender.her_id) else {
            log::warn!("a message without HER-ids on two levels is not answered: {purpose}");
            return Ok(None);
        };
        let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "Ukjent".to_owned());
        Ok(Some(Envelope {
            id: MessageId::of_key(&to.id, purpose),
            generated: to.generated.unwrap_or_else(|| timestamp(self.ctx.now)),
            conversation: Some(Conversation { parent: to.id.clone(), first: to.first().to_owned() }),
            organisation: self.installation.organisation.unit()?,
            sender: self.installation.party.unit()?,
            receiver: Receiver {
                organisation: Unit { name: name(&sender.organisation), her_id: organisation },
                organisation_number: None,
                party: ReceivingParty::Service(Unit { name: name(&sender.name), her_id: party }),
            },
            patient: None,
            representative: None,
            version: Version::V1_1,
            text_limit: 0,
        }))
    }
}
