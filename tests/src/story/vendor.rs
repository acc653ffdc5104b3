//! What the commercial solution serves at any of its offices: renewal, contact, notices, certificates.

use anyhow::Context;
use http::StatusCode;
use serde_json::json;

use super::{
    citizen::{Citizen, decisions},
    teller::Teller,
};
use crate::{
    house::House,
    sim::{
        helserespons::{Answer, Case, CaseType, Decision, Opening, Outcome},
        world::{self, Office, Solution},
    },
};

/// What somebody asks as a contact who should ask the doctor.
pub const MEDICAL: &str = "Jeg har feber og vondt i halsen.";

/// An office of the vendor's, with one of its citizens.
pub struct Clinic<'a> {
    house: &'a House,
    /// What the vendor calls it.
    pub name: &'static str,
    citizen: &'static world::Citizen,
}

impl<'a> Clinic<'a> {
    /// The vendor's side of `office`, for `citizen`.
    pub fn of(house: &'a House, office: &'static Office, citizen: &'static world::Citizen) -> anyhow::Result<Self> {
        let name = office.account(Solution::Helserespons).context("the office uses the vendor")?;
        Ok(Self { house, name, citizen })
    }

    /// Bookings that stand.
    pub fn booked(&self) -> anyhow::Result<usize> {
        let bookings = self.house.helserespons.bookings(self.name, self.citizen.national_id)?;
        Ok(bookings.iter().filter(|booking| !booking.cancelled).count())
    }

    /// The case of this kind that waits for this clinic.
    pub async fn case(&self, kind: CaseType) -> anyhow::Result<Case> {
        let name = self.name;
        let wanted = |case: &Case| case.clinic == name && case.kind == kind && case.waits();
        Ok(self.house.helserespons.wait_for_case(wanted).await?)
    }

    /// Two prescriptions are asked for and one is renewed.
    pub async fn renews_one_of_two(&self, tell: &mut Teller, citizen: &mut Citizen) -> anyhow::Result<()> {
        let call = citizen.portal.get("/v1/me/prescriptions", &[]);
        let what = format!("{} sees which prescriptions can be renewed", citizen.name);
        let list = tell.ask(&what, call, StatusCode::OK).await?;
        let items: Vec<_> = list.json["items"]
            .as_array()
            .context("a list of prescriptions")?
            .iter()
            .filter(|one| one["renewability"] == "renewable")
            .take(2)
            .map(|one| json!({ "id": one["id"], "medicine": one["medicine"] }))
            .collect();
        tell.equal("two can be renewed", items.len(), 2)?;
        let opening = json!({ "request": { "type": "prescription-renewal", "items": items } });
        let dialog = citizen.opens(tell, "asks to renew two", &opening).await?;
        let case = self.case(CaseType::Renewal).await?;
        let (first, second) = (case.lines[0].reference.clone(), case.lines[1].reference.clone());
        self.house.helserespons.answer(
            &case.case_no,
            &Answer::Renewal {
                decisions: vec![
                    Decision { line: first.clone(), outcome: Outcome::Renewed, comment: None },
                    Decision {
                        line: second.clone(),
                        outcome: Outcome::ControlNeeded,
                        comment: Some("Ta blodprøve først.".to_owned()),
                    },
                ],
                text: None,
            },
        )?;
        let read = citizen.sees_closed(tell, "sees what became of each", &dialog, "answered").await?;
        tell.equal(
            "one is renewed, the other needs a consultation first",
            decisions(&read),
            vec![(first, "renewed".to_owned()), (second, "needs-consultation".to_owned())],
        )
    }

    /// A medical question as a contact is sent on to the e-consultation; gives the dialog that it is sent again with.
    pub async fn redirects(&self, tell: &mut Teller, citizen: &mut Citizen) -> anyhow::Result<String> {
        let opening = json!({
            "request": { "type": "inquiry" },
            "message": { "text": MEDICAL },
        });
        let dialog = citizen.opens(tell, "asks a medical question as a contact", &opening).await?;
        let case = self.case(CaseType::Question).await?;
        self.house.helserespons.answer(
            &case.case_no,
            &Answer::Redirect {
                to: CaseType::Econsult,
                text: "Dette er et medisinsk spørsmål. Send en e-konsultasjon.".to_owned(),
            },
        )?;
        let read =
            citizen.sees_closed(tell, "is told to send an e-consultation instead", &dialog, "redirected").await?;
        tell.equal("to which service", read["status"]["redirectTo"].as_str(), Some("consultation"))?;
        let right = json!({ "request": { "type": "consultation", "mode": "text" }, "continues": dialog });
        let again = citizen.opens(tell, "sends it again as that, in one step", &right).await?;
        let read = citizen.reads(tell, "sees what became of the first", &dialog).await?;
        tell.equal("it names the other", read["continuedAs"].as_str(), Some(&*again))?;
        Ok(again)
    }

    /// What was sent again is answered here.
    pub async fn answers_again(&self, tell: &mut Teller, citizen: &mut Citizen, dialog: &str) -> anyhow::Result<()> {
        let case = self.case(CaseType::Econsult).await?;
        tell.equal("the clinic has what was written", case.text(), MEDICAL)?;
        self.house.helserespons.answer(&case.case_no, &Answer::Finish { text: "Drikk mye, og hvil.".to_owned() })?;
        citizen.sees_closed(tell, "is answered there", dialog, "answered").await.map(drop)
    }

    /// A notice that cannot be replied to.
    pub async fn sends_notice(&self, tell: &mut Teller, citizen: &mut Citizen) -> anyhow::Result<()> {
        tell.step(format!("The office sends {} a one-way message", citizen.name));
        let known = citizen.known();
        self.house.helserespons.open(
            self.name,
            self.citizen.national_id,
            &Opening {
                kind: CaseType::Question,
                one_way: true,
                heading: Some("Stengt i romjulen".to_owned()),
                text: "Kontoret er stengt mellom jul og nyttår.".to_owned(),
                files: Vec::new(),
            },
        )?;
        citizen.cannot_reply(tell, &known).await
    }

    /// A certificate as a PDF.
    pub async fn issues_certificate(&self, tell: &mut Teller, citizen: &mut Citizen) -> anyhow::Result<()> {
        let opening = json!({
            "request": { "type": "certificate", "purpose": "Opptak til studier" },
            "message": { "text": "Jeg trenger en attest." },
        });
        let dialog = citizen.opens(tell, "asks for a certificate", &opening).await?;
        let case = self.case(CaseType::Certificate).await?;
        self.house.helserespons.answer(&case.case_no, &Answer::Certificate { text: "Her er attesten.".to_owned() })?;
        let read = citizen.is_answered(tell, "gets it", &dialog).await?;
        citizen.downloads_certificate(tell, &read).await
    }
}
