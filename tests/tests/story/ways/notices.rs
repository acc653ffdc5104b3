//! What citizens are told outside the portal, whatever becomes of the telephone.

use anyhow::Context as _;
use dialog_tests::{
    house::{
        House,
        directory::{email, mobile},
    },
    sim::{
        helserespons::{CaseType, Opening},
        world::{HAVNEGATA, OLA, Solution},
    },
};

use crate::visit;

/// Ola's office sends a message to which no reply is possible.
fn written(house: &House, text: &str) -> anyhow::Result<()> {
    let opening =
        Opening { kind: CaseType::Question, one_way: true, heading: None, text: text.to_owned(), files: Vec::new() };
    let clinic = HAVNEGATA.account(Solution::Helserespons).context("an account")?;
    house.helserespons.open(clinic, OLA.national_id, &opening)?;
    Ok(())
}

#[test]
fn what_does_not_reach_the_telephone_goes_to_the_mailbox_and_nothing_is_told_twice() -> anyhow::Result<()> {
    visit::telling(async |house| {
        let notifiers = house.notifiers()?.clone();
        let (telephone, mailbox) = (mobile(&OLA), email(&OLA));

        // A telephone that takes it, says the network, and then does not.
        written(house, "Vi har flyttet.")?;
        let told = notifiers.sms.nth(&telephone, 1).await?;
        assert!(told[0].text.starts_with("Du har en ny melding fra "), "{}", told[0].text);
        assert_eq!(notifiers.sms.report(&told[0].reference, "UNDELIVERABLE").await?, 204);
        let mail = notifiers.epost.nth(&mailbox, 1).await?;
        assert_eq!((&mail[0].reference, &mail[0].text), (&told[0].reference, &told[0].text));
        assert_eq!(mail[0].subject.as_deref(), Some("Ny melding i portalen"));
        notifiers.epost.bounce(&mail[0].reference, "delivered")?;

        // A number that is nobody's any more.
        notifiers.sms.close(&telephone);
        written(house, "Vi har stengt i juli.")?;
        let mail = notifiers.epost.nth(&mailbox, 2).await?;
        assert_ne!(mail[0].reference, mail[1].reference);
        assert_eq!((notifiers.sms.arrived().len(), notifiers.epost.arrived().len()), (1, 2));
        assert_eq!(notifiers.violations(), Vec::<String>::new());
        Ok(())
    })
}
