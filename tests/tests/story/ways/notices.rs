//! What citizens are told outside the portal, whatever becomes of the telephone.

use std::time::Duration;

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

use crate::visit::{self, operator};

/// Waits until the metrics have counted some of what begins so.
async fn counted(house: &House, wanted: &str) -> anyhow::Result<()> {
    let look = async {
        let mut tick = tokio::time::interval(LOOK);
        loop {
            tick.tick().await;
            let text = operator(house)?.get("/metrics", &[]).answer().await?.text().await?;
            if text.lines().filter_map(|line| line.strip_prefix(wanted)).any(|count| count != "0") {
                return anyhow::Ok(());
            }
        }
    };
    tokio::time::timeout(PATIENCE, look).await.with_context(|| format!("no {wanted}"))?
}

/// How often an operator looks.
const LOOK: Duration = Duration::from_millis(200);

/// Longer than anything takes that is not broken.
const PATIENCE: Duration = Duration::from_secs(60);

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

#[test]
fn a_telephone_service_that_is_down_gets_the_notice_once_when_it_is_up_and_the_operator_sees_both() -> anyhow::Result<()>
{
    visit::telling(async |house| {
        let notifiers = house.notifiers()?.clone();
        let of = |outcome: &str| {
            format!("dialog_notices_total{{channel=\"sms\",template=\"message\",outcome=\"{outcome}\"}} ")
        };
        notifiers.sms.down().await?;
        written(house, "Vi har flyttet.")?;
        counted(house, &of("failed")).await?;
        counted(house, "dialog_notices_waiting{what=\"notices\"} ").await?;
        assert_eq!((notifiers.sms.arrived().len(), notifiers.epost.arrived().len()), (0, 0));
        // Nobody else notices that telephones do not ring.
        let slots = visit::citizen(house, &OLA)?.get("/v1/me/slots", &[]);
        slots.expect(http::StatusCode::OK).await?;
        notifiers.sms.up().await?;
        let told = notifiers.sms.nth(&mobile(&OLA), 1).await?;
        assert!(told[0].text.starts_with("Du har en ny melding fra "), "{}", told[0].text);
        counted(house, &of("sent")).await?;
        // What is told after it shows that it is not told once more, nor by another way.
        written(house, "Vi har stengt i juli.")?;
        assert_eq!(notifiers.sms.nth(&mobile(&OLA), 2).await?.len(), 2);
        assert_eq!((notifiers.sms.arrived().len(), notifiers.epost.arrived().len()), (2, 0));
        assert_eq!(notifiers.violations(), Vec::<String>::new());
        Ok(())
    })
}
