//! A citizen at the portal: what a person does there, as the portal's calls.

use anyhow::{Context, ensure};
use dialog_contract::{event::EventType, ids::EventId, problem::ProblemType};
use http::StatusCode;
use serde_json::{Value, json};

use super::teller::Teller;
use crate::house::{
    House,
    portal::{Portal, Reply},
    proof::Token,
    watch::Screen,
};

/// A photo of a rash: the smallest JPEG there is, one grey pixel.
pub const PHOTO: &[u8] = &[
    0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, b'J', b'F', b'I', b'F', 0x00, 0x01, 0x01, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00,
    0x00, 0xff, 0xdb, 0x00, 0x43, 0x00, 0x03, 0x02, 0x02, 0x02, 0x02, 0x02, 0x03, 0x02, 0x02, 0x02, 0x03, 0x03, 0x03,
    0x03, 0x04, 0x06, 0x04, 0x04, 0x04, 0x04, 0x04, 0x08, 0x06, 0x06, 0x05, 0x06, 0x09, 0x08, 0x0a, 0x0a, 0x09, 0x08,
    0x09, 0x09, 0x0a, 0x0c, 0x0f, 0x0c, 0x0a, 0x0b, 0x0e, 0x0b, 0x09, 0x09, 0x0d, 0x11, 0x0d, 0x0e, 0x0f, 0x10, 0x10,
    0x11, 0x10, 0x0a, 0x0c, 0x12, 0x13, 0x12, 0x10, 0x13, 0x0f, 0x10, 0x10, 0x10, 0xff, 0xc0, 0x00, 0x0b, 0x08, 0x00,
    0x01, 0x00, 0x01, 0x01, 0x01, 0x11, 0x00, 0xff, 0xc4, 0x00, 0x14, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x09, 0xff, 0xc4, 0x00, 0x14, 0x10, 0x01, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xda, 0x00, 0x08, 0x01, 0x01,
    0x00, 0x00, 0x3f, 0x00, 0x54, 0xdf, 0xff, 0xd9,
];

/// One citizen, logged in.
pub struct Citizen {
    /// Whom the steps are about.
    pub name: &'static str,
    /// The portal, with the citizen's token.
    pub portal: Portal,
    /// What the portal shows by itself.
    pub screen: Screen,
    token: Token,
}

impl Citizen {
    /// Logs in.
    pub async fn log_in(house: &House, who: &crate::sim::world::Citizen) -> anyhow::Result<Self> {
        let token = house.issuer.citizen(who)?;
        let base = house.gateway()?.portal.clone();
        let screen = Screen::open(&base, &token, None).await?;
        Ok(Self { name: who.given_name, portal: Portal::new(base, Some(token.clone()))?, screen, token })
    }

    /// The same login after the gateway has started again elsewhere; the screen goes on where it was.
    pub async fn reconnect(&mut self, house: &House) -> anyhow::Result<()> {
        let base = house.gateway()?.portal.clone();
        let last = self.screen.all().last().map(|event| event.id.to_string());
        self.portal = self.portal.at(base.clone());
        self.screen = Screen::open(&base, &self.token, last.as_deref()).await?;
        Ok(())
    }

    /// Sees what the office offers, and through whom: pairs of service and provider.
    pub async fn sees_offers(&self, tell: &mut Teller, expected: &[(&str, &str, &str)]) -> anyhow::Result<Value> {
        let what = format!("{} sees what the office offers and through whom", self.name);
        let reply = tell.ask(&what, self.portal.get("/v1/me/practice", &[]), StatusCode::OK).await?;
        let services = reply.json["services"].as_array().context("a list of services")?;
        for (service, provider, kind) in expected {
            let offered = services
                .iter()
                .find(|offered| offered["service"] == *service)
                .with_context(|| format!("{service} is listed"))?;
            tell.equal(&format!("{service} is available"), offered["available"].as_bool(), Some(true))?;
            tell.equal(
                &format!("{service} is through {provider}"),
                offered["provider"]["id"].as_str(),
                Some(provider),
            )?;
            tell.equal(&format!("{provider} is {kind}"), offered["provider"]["kind"].as_str(), Some(kind))?;
        }
        Ok(reply.json)
    }

    /// Uploads a photo and gives its id.
    pub async fn uploads_photo(&self, tell: &mut Teller) -> anyhow::Result<String> {
        let upload = self
            .portal
            .post("/v1/me/attachments", &[], &Value::Null)
            .query("name=utslett.jpg")
            .header("content-type", "image/jpeg")
            .body(PHOTO);
        let reply = tell.ask(&format!("{} uploads a photo", self.name), upload, StatusCode::CREATED).await?;
        tell.equal("the content says what it is", reply.text("/mediaType")?, "image/jpeg")?;
        Ok(reply.text("/id")?.to_owned())
    }

    /// Opens a dialog; the provider takes it in at once.
    pub async fn opens(&self, tell: &mut Teller, what: &str, body: &Value) -> anyhow::Result<String> {
        let what = format!("{} {what}", self.name);
        let reply = tell.ask(&what, self.portal.post("/v1/me/dialogs", &[], body), StatusCode::CREATED).await?;
        tell.equal("the office is to answer", reply.text("/status/state")?, "awaiting-office")?;
        Ok(reply.text("/id")?.to_owned())
    }

    /// Writes in a dialog.
    pub async fn writes(&self, tell: &mut Teller, what: &str, dialog: &str, text: &str) -> anyhow::Result<Reply> {
        let what = format!("{} {what}", self.name);
        let call = self.portal.post("/v1/me/dialogs/{dialog}/messages", &[dialog], &json!({ "text": text }));
        tell.ask(&what, call, StatusCode::CREATED).await
    }

    /// Reads a dialog.
    pub async fn reads(&self, tell: &mut Teller, what: &str, dialog: &str) -> anyhow::Result<Value> {
        let what = format!("{} {what}", self.name);
        Ok(tell.ask(&what, self.portal.get("/v1/me/dialogs/{dialog}", &[dialog]), StatusCode::OK).await?.json)
    }

    /// Waits until the office has written in the dialog, then reads it.
    pub async fn is_answered(&mut self, tell: &mut Teller, what: &str, dialog: &str) -> anyhow::Result<Value> {
        self.hears(EventType::MessageReceived, dialog).await?;
        self.reads(tell, what, dialog).await
    }

    /// Waits for an event about a dialog or an appointment.
    pub async fn hears(&mut self, kind: EventType, id: &str) -> anyhow::Result<()> {
        let event = self.screen.wait(kind, id).await?;
        ensure!(event.specversion == "1.0", "an event that is no CloudEvent 1.0");
        Ok(())
    }

    /// Waits until the dialog is closed, then reads it.
    pub async fn sees_closed(
        &mut self,
        tell: &mut Teller,
        what: &str,
        dialog: &str,
        how: &str,
    ) -> anyhow::Result<Value> {
        self.hears(EventType::DialogClosed, dialog).await?;
        let json = self.reads(tell, what, dialog).await?;
        tell.equal("the dialog is closed", json["status"]["state"].as_str(), Some("closed"))?;
        tell.equal("how it ended", json["status"]["outcome"].as_str(), Some(how))?;
        tell.equal("nothing more can be written", json["replyAllowed"].as_bool(), Some(false))?;
        Ok(json)
    }

    /// Picks a slot, moves to another, cancels; `booked_at_office` counts what the office's own system says each time.
    pub async fn books_changes_and_cancels(
        &self,
        tell: &mut Teller,
        booked_at_office: &(dyn Fn() -> anyhow::Result<usize> + Sync),
    ) -> anyhow::Result<()> {
        let name = self.name;
        let before = booked_at_office()?;
        let slots = tell
            .ask(&format!("{name} asks for free slots"), self.portal.get("/v1/me/slots", &[]), StatusCode::OK)
            .await?;
        let slots = slots.json["items"].as_array().context("a list of slots")?.clone();
        // Both of one kind: in person where anybody can be met so.
        let in_person = json!("in-person");
        let met = slots.iter().any(|slot| slot["mode"] == in_person);
        let mode = if met { in_person } else { slots.first().context("a slot")?["mode"].clone() };
        let mut alike = slots.iter().filter(|slot| slot["mode"] == mode);
        let (first, second) = (alike.next().context("a first slot")?, alike.next().context("a second slot")?);
        let call = self.portal.post("/v1/me/appointments", &[], &booking(first));
        let booked = tell.ask(&format!("{name} books one"), call, StatusCode::CREATED).await?;
        let id = booked.text("/id")?.to_owned();
        tell.equal("it is at the time of the slot", booked.json["start"].as_str(), first["start"].as_str())?;
        tell.equal("the office has it", booked_at_office()?, before + 1)?;

        let coming = self.upcoming(tell, &format!("{name} sees it among the coming appointments")).await?;
        tell.check("it is there", coming.iter().any(|one| one["id"] == id.as_str()))?;

        let call = self.portal.post("/v1/me/appointments/{appointment}/change", &[&id], &booking(second));
        let moved = tell.ask(&format!("{name} moves it to another slot"), call, StatusCode::OK).await?;
        tell.equal("it is at the new time", moved.json["start"].as_str(), second["start"].as_str())?;
        tell.equal("the office has one, not two", booked_at_office()?, before + 1)?;
        let id = moved.text("/id")?.to_owned();

        let call =
            self.portal.post("/v1/me/appointments/{appointment}/cancel", &[&id], &json!({ "reason": "Frisk igjen" }));
        tell.ask(&format!("{name} cancels it"), call, StatusCode::OK).await?;
        tell.equal("the office has none", booked_at_office()?, before)?;
        let coming = self.upcoming(tell, &format!("{name} sees that it is gone")).await?;
        tell.check("it is not there", coming.iter().all(|one| one["id"] != id.as_str()))
    }

    /// Waits until the office has opened a dialog that is not among the events `known`, and gives its id.
    pub async fn is_written_to(&mut self, known: &[EventId]) -> anyhow::Result<String> {
        let event = self
            .screen
            .wait_for("a dialog that the office opens", |event| {
                event.kind == EventType::DialogOpened && !known.contains(&event.id)
            })
            .await?;
        Ok(event.data.dialog.context("the event names the dialog")?.to_string())
    }

    /// The events seen so far, by id.
    #[must_use]
    pub fn known(&self) -> Vec<EventId> {
        self.screen.all().into_iter().map(|event| event.id).collect()
    }

    /// Gets a one-way message (EKI) after the events `known`, reads it and cannot reply.
    pub async fn cannot_reply(&mut self, tell: &mut Teller, known: &[EventId]) -> anyhow::Result<()> {
        let dialog = self.is_written_to(known).await?;
        let read = self.reads(tell, "reads it", &dialog).await?;
        tell.equal("no reply is offered", read["replyAllowed"].as_bool(), Some(false))?;
        let call = self.portal.post("/v1/me/dialogs/{dialog}/messages", &[&dialog], &json!({ "text": "Takk!" }));
        let what = format!("{} cannot reply to it", self.name);
        let refusal = tell.refused(&what, call, ProblemType::ReplyNotAllowed).await?;
        tell.check("the refusal says why", refusal.text("/detail")?.contains("engangsmelding"))?;
        tell.equal("nothing was sent", refusal.text("/sent")?, "no")
    }

    /// Downloads the one file of the office's messages in a dialog: a PDF.
    pub async fn downloads_certificate(&self, tell: &mut Teller, dialog: &Value) -> anyhow::Result<()> {
        let files: Vec<Value> = office_messages(dialog)
            .iter()
            .flat_map(|one| one["attachments"].as_array().cloned().unwrap_or_default())
            .collect();
        tell.equal("there is one file", files.len(), 1)?;
        let id = files[0]["id"].as_str().context("the file has an id")?;
        let call = self.portal.get("/v1/me/attachments/{attachment}", &[id]);
        let file = tell.ask(&format!("{} downloads the certificate", self.name), call, StatusCode::OK).await?;
        tell.check("it is a PDF", file.bytes.starts_with(b"%PDF-"))?;
        tell.equal("it is as long as was said", Some(file.bytes.len() as u64), files[0]["size"].as_u64())
    }

    async fn upcoming(&self, tell: &mut Teller, what: &str) -> anyhow::Result<Vec<Value>> {
        let reply = tell.ask(what, self.portal.get("/v1/me/appointments", &[]), StatusCode::OK).await?;
        Ok(reply.json["items"].as_array().context("a list of appointments")?.clone())
    }
}

/// The body that books a slot as it was shown.
#[must_use]
pub fn booking(slot: &Value) -> Value {
    let mut body = json!({ "slot": slot["id"], "start": slot["start"], "end": slot["end"], "reason": "Kontroll" });
    if !slot["clinician"].is_null() {
        body["clinician"] = slot["clinician"].clone();
    }
    body
}

/// The decisions about a renewal, in the dialog's activities: pairs of item and outcome.
#[must_use]
pub fn decisions(dialog: &Value) -> Vec<(String, String)> {
    let activities = dialog["activities"].as_array().cloned().unwrap_or_default();
    activities
        .iter()
        .filter(|activity| activity["kind"]["type"] == "renewal-decided")
        .flat_map(|activity| activity["kind"]["decisions"].as_array().cloned().unwrap_or_default())
        .map(|one| {
            let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
            (text("item"), text("outcome"))
        })
        .collect()
}

/// The office's messages in a dialog.
#[must_use]
pub fn office_messages(dialog: &Value) -> Vec<Value> {
    let messages = dialog["messages"].as_array().cloned().unwrap_or_default();
    messages.into_iter().filter(|message| message["author"]["role"] == "office").collect()
}
