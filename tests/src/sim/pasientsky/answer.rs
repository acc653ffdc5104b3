//! What people at a clinic decide.

use super::clinic::slot;
use super::codes::{Kind, Origin, Service, concept, system};
use super::record::Record;
use super::state::{Dialog, State};
use super::{NationalId, SimError};
use crate::sim::world::Gp;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Minutes of a time that a clinic gives.
const MINUTES: i64 = 20;

/// What a doctor decides about one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Decision {
    /// The item: the portal's id, or the beginning of its medicine.
    pub item: String,
    /// `renewed`, `refused` or `needs-consultation`.
    pub outcome: String,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A file of a clinic's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Name.
    pub title: String,
    /// Media type.
    pub content_type: String,
    /// Content.
    pub content: Vec<u8>,
}

/// A clinic's answer in a dialog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Answer {
    /// Writes, and leaves the dialog open: the patient may write again.
    Reply {
        /// Text.
        text: String,
        /// Files; none over the control API.
        #[serde(skip)]
        files: Vec<File>,
    },
    /// Writes, and closes the dialog as answered.
    Finish {
        /// Text.
        text: String,
    },
    /// Closes the dialog without a word to read.
    Close,
    /// Says no, and closes the dialog.
    Decline {
        /// Text.
        text: String,
    },
    /// Tells the patient to use another service, and closes the dialog.
    Redirect {
        /// Which.
        to: Service,
        /// Text.
        text: String,
    },
    /// Decides on items of a renewal, and closes the dialog; items that are not named are renewed.
    Renewal {
        /// What was decided.
        decisions: Vec<Decision>,
        /// Text.
        #[serde(default)]
        text: Option<String>,
    },
    /// The clinic's record system did not take the latest message of the patient's.
    Reject {
        /// The record system's code.
        code: String,
        /// Text.
        text: String,
    },
}

/// What a clinic opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opening {
    /// What it is about. A one-way message has none.
    #[serde(default = "inquiry")]
    pub service: Service,
    /// A one-way message: no reply is possible.
    #[serde(default)]
    pub one_way: bool,
    /// Heading.
    #[serde(default)]
    pub topic: Option<String>,
    /// Text.
    pub text: String,
}

fn inquiry() -> Service {
    Service::Inquiry
}

/// What tests found, and what the doctor says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Heading.
    pub topic: String,
    /// The doctor's words.
    pub text: String,
    /// Findings: elements of Observations, without id and time.
    pub findings: Vec<Value>,
}

/// What a clinic does with an appointment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum AppointmentAct {
    /// Makes one.
    Make {
        /// Whose.
        number: String,
        /// Local time.
        begins: DateTime,
    },
    /// Moves one.
    Move {
        /// `Appointment.id`.
        id: String,
        /// Local time.
        begins: DateTime,
    },
    /// Cancels one.
    Cancel {
        /// `Appointment.id`.
        id: String,
        /// Text.
        #[serde(default)]
        text: Option<String>,
    },
}

impl State {
    /// Answers in a dialog.
    pub fn answer(&mut self, id: &str, answer: &Answer) -> Result<(), SimError> {
        let dialog = self.dialog(id).ok_or_else(|| SimError::NoSuchResource(format!("Task/{id}")))?;
        let service = dialog.service.code();
        if dialog.is_closed() && !matches!(answer, Answer::Reject { .. }) {
            return Err(SimError::Closed(format!("Task/{id}")));
        }
        match answer {
            Answer::Reply { text, files } => {
                self.write(&dialog, None, text, files)?;
                self.stand(id, "in-progress", "with-patient", Vec::new());
            }
            Answer::Finish { text } => {
                let answer = self.write(&dialog, None, text, &[])?;
                self.stand(id, "completed", "answered", vec![part("answer", &answer)]);
            }
            Answer::Decline { text } => {
                let answer = self.write(&dialog, None, text, &[])?;
                self.stand(id, "rejected", "declined", vec![part("answer", &answer)]);
            }
            Answer::Redirect { to, text } => {
                let answer = self.write(&dialog, None, text, &[])?;
                let instead = json!({ "type": concept("task-part", "use-instead"),
                    "valueCodeableConcept": concept("service", to.code()) });
                self.stand(id, "completed", "redirected", vec![part("answer", &answer), instead]);
            }
            Answer::Close => self.stand(id, "completed", "answered", Vec::new()),
            Answer::Renewal { decisions, text } => {
                if dialog.service != Service::Renewal {
                    return Err(SimError::WrongAnswer { answer: "renewal", service });
                }
                let mut output = self.decided(&dialog, decisions)?;
                if let Some(text) = text {
                    output.push(part("answer", &self.write(&dialog, None, text, &[])?));
                }
                self.stand(id, "completed", "answered", output);
            }
            Answer::Reject { code, text } => {
                let reference = format!("Task/{id}");
                let latest = self.of(Kind::Communication).filter(|one| {
                    one.refers("/partOf", &reference)
                        && one.text("/sender/reference").is_some_and(|who| !who.starts_with("Healthcare"))
                });
                let latest = latest.last().map(|one| one.id.clone());
                let latest = latest.ok_or(SimError::WrongAnswer { answer: "reject", service })?;
                let reason = json!({ "coding": [{ "system": system("rejection"), "code": code }], "text": text });
                self.amend(Kind::Communication, &latest, Origin::Clinic, |body| {
                    body["status"] = json!("not-done");
                    body["statusReason"] = reason;
                });
            }
        }
        Ok(())
    }

    /// The clinic opens a dialog or sends a one-way message; gives the Task's or the Communication's id.
    pub fn open(&mut self, clinic: &str, number: &NationalId, opening: &Opening) -> Result<String, SimError> {
        let clinic = self.clinic(clinic)?.clone();
        let patient = self.citizen(number.reveal()).filter(|patient| patient.clinic == clinic.id);
        let patient = patient.map(|patient| patient.id.clone()).ok_or(SimError::NoSuchCitizen)?;
        if opening.one_way {
            let (clinic, author) = (clinic.reference(), self.author(&patient));
            let body = said(&clinic, &patient, &author, opening.topic.as_deref(), &opening.text);
            return Ok(self.say(body, None, &[]));
        }
        let id = self.number("t");
        let now = self.now();
        let body = json!({
            "status": "in-progress",
            "intent": "order",
            "businessStatus": concept("stand", "with-patient"),
            "code": concept("service", opening.service.code()),
            "for": { "reference": format!("Patient/{patient}") },
            "requester": { "reference": clinic.reference() },
            "owner": { "reference": clinic.reference() },
            "authoredOn": now,
        });
        self.put(Kind::Task, &id, body, Origin::Clinic);
        let dialog = self.dialog(&id).ok_or_else(|| SimError::NoSuchResource(format!("Task/{id}")))?;
        self.write(&dialog, opening.topic.as_deref(), &opening.text, &[])?;
        Ok(id)
    }

    /// The clinic tells a patient what tests found; gives the Communication's id.
    pub fn report(&mut self, clinic: &str, number: &NationalId, report: &Report) -> Result<String, SimError> {
        let clinic = self.clinic(clinic)?.clone();
        let patient = self.citizen(number.reveal()).filter(|patient| patient.clinic == clinic.id);
        let patient = patient.map(|patient| patient.id.clone()).ok_or(SimError::NoSuchCitizen)?;
        let author = self.author(&patient);
        let mut body = said(&clinic.reference(), &patient, &author, Some(&report.topic), &report.text);
        let subject = json!({ "reference": format!("Patient/{patient}") });
        let names: Vec<Value> =
            (1..=report.findings.len()).map(|at| json!({ "reference": format!("#o{at}") })).collect();
        let mut contained = vec![json!({
            "resourceType": "DiagnosticReport",
            "id": "report",
            "status": "final",
            "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "LAB" }] }],
            "code": { "text": report.topic },
            "subject": subject,
            "result": names,
        })];
        for (at, finding) in (1..).zip(&report.findings) {
            let mut one = finding.clone();
            one["resourceType"] = json!("Observation");
            one["id"] = json!(format!("o{at}"));
            one["status"] = json!("final");
            one["subject"] = subject.clone();
            one["effectiveDateTime"] = json!("2026-11-18T07:40:00Z");
            contained.push(one);
        }
        body["contained"] = json!(contained);
        body["about"] = json!([{ "reference": "#report" }]);
        Ok(self.say(body, None, &[]))
    }

    /// The clinic does something with an appointment; gives its id.
    pub fn act(&mut self, clinic: &str, act: &AppointmentAct) -> Result<String, SimError> {
        let clinic = self.clinic(clinic)?.clone();
        match act {
            AppointmentAct::Make { number, begins } => {
                let patient = self.citizen(number).map(|patient| (patient.id.clone(), patient.citizen.gp_hpr));
                let (patient, hpr) = patient.ok_or(SimError::NoSuchCitizen)?;
                let gp = clinic.office.gp(hpr).ok_or(SimError::NoSuchCitizen)?;
                let id = self.number("a");
                let mut body = json!({
                    "status": "booked",
                    "participant": [
                        { "actor": { "reference": format!("Patient/{patient}") }, "status": "accepted" },
                        { "actor": { "reference": clinic.reference() }, "status": "accepted" },
                    ],
                });
                self.arrange(&mut body, gp, *begins, &id);
                self.put(Kind::Appointment, &id, body, Origin::Clinic);
                Ok(id)
            }
            AppointmentAct::Move { id, begins } => {
                let mut body = self.appointment(id)?.body.clone();
                let gp = clinic.office.gps.first().ok_or(SimError::NoSuchCitizen)?;
                self.arrange(&mut body, gp, *begins, id);
                self.put(Kind::Appointment, id, body, Origin::Clinic);
                Ok(id.clone())
            }
            AppointmentAct::Cancel { id, text } => {
                let mut body = self.appointment(id)?.body.clone();
                body["status"] = json!("cancelled");
                if let Some(text) = text {
                    body["cancelationReason"] = json!({ "text": text });
                }
                self.put(Kind::Appointment, id, body, Origin::Clinic);
                Ok(id.clone())
            }
        }
    }

    fn appointment(&self, id: &str) -> Result<&Record, SimError> {
        self.record(Kind::Appointment, id).ok_or_else(|| SimError::NoSuchResource(format!("Appointment/{id}")))
    }

    /// Gives an appointment a time of the clinic's own choosing.
    fn arrange(&mut self, body: &mut Value, gp: &Gp, begins: DateTime, id: &str) {
        let slot = slot(self, gp, begins, MINUTES, ("physical", "Legetime"));
        self.amend(Kind::Slot, &slot, Origin::Clinic, |slot| slot["status"] = json!("busy"));
        if let Some(taken) = self.record(Kind::Slot, &slot) {
            (body["start"], body["end"]) = (taken.body["start"].clone(), taken.body["end"].clone());
        }
        body["slot"] = json!([{ "reference": format!("Slot/{slot}") }]);
        self.furnish(body, id);
    }

    /// Who writes to a patient.
    fn author(&self, patient: &str) -> String {
        let hpr = self.patients.iter().find(|one| one.id == patient).map(|one| one.citizen.gp_hpr);
        let gp = hpr.and_then(|hpr| self.clinics.iter().find_map(|clinic| clinic.office.gp(hpr)));
        gp.map(|gp| format!("{} {}", gp.given_name, gp.family_name)).unwrap_or_default()
    }

    /// The clinic writes in a dialog; gives the Communication's reference.
    fn write(&mut self, dialog: &Dialog, topic: Option<&str>, text: &str, files: &[File]) -> Result<String, SimError> {
        let task = self.record(Kind::Task, &dialog.id).cloned();
        let task = task.ok_or_else(|| SimError::NoSuchResource(format!("Task/{}", dialog.id)))?;
        let clinic = task.text("/owner/reference").unwrap_or_default();
        let author = self.author(&dialog.patient);
        let mut body = said(clinic, &dialog.patient, &author, topic, text);
        body["category"] = json!([task.body["code"]]);
        let latest = self.of(Kind::Communication).filter(|one| one.refers("/partOf", &task.reference())).last();
        if let Some(latest) = latest {
            body["inResponseTo"] = json!([{ "reference": latest.reference() }]);
        }
        let id = self.say(body, Some(&dialog.id), files);
        Ok(format!("Communication/{id}"))
    }

    fn say(&mut self, mut body: Value, task: Option<&str>, files: &[File]) -> String {
        for file in files {
            let id = self.number("b");
            let attachment = json!({ "contentAttachment": { "contentType": file.content_type, "title": file.title,
                "url": format!("Binary/{id}"), "size": file.content.len() } });
            self.files.insert(id, (file.content_type.clone(), file.content.clone()));
            if let Some(payload) = body["payload"].as_array_mut() {
                payload.push(attachment);
            }
        }
        if let Some(task) = task {
            body["partOf"] = json!([{ "reference": format!("Task/{task}") }]);
        }
        body["sent"] = json!(self.now());
        let id = self.number("c");
        self.put(Kind::Communication, &id, body, Origin::Clinic);
        id
    }

    fn stand(&mut self, id: &str, status: &str, stand: &str, output: Vec<Value>) {
        self.amend(Kind::Task, id, Origin::Clinic, |body| {
            body["status"] = json!(status);
            body["businessStatus"] = concept("stand", stand);
            if !output.is_empty() {
                body["output"] = json!(output);
            }
        });
    }

    fn decided(&self, dialog: &Dialog, decisions: &[Decision]) -> Result<Vec<Value>, SimError> {
        let about = |decision: &Decision, (item, medicine): &(String, String)| {
            *item == decision.item || medicine.to_lowercase().starts_with(&decision.item.to_lowercase())
        };
        if let Some(stray) = decisions.iter().find(|one| !dialog.items.iter().any(|item| about(one, item))) {
            return Err(SimError::NoSuchItem(stray.item.clone()));
        }
        let task = self.record(Kind::Task, &dialog.id);
        let contained = task.and_then(|task| task.body["contained"].as_array()).cloned().unwrap_or_default();
        let wanted = contained.iter().filter(|one| one["resourceType"] == "MedicationRequest");
        Ok(wanted
            .zip(&dialog.items)
            .map(|(wanted, item)| {
                let decision = decisions.iter().find(|decision| about(decision, item));
                let mut kind = concept("decision", decision.map_or("renewed", |one| one.outcome.as_str()));
                if let Some(reason) = decision.and_then(|one| one.reason.as_ref()) {
                    kind["text"] = json!(reason);
                }
                json!({ "type": kind, "valueReference": {
                    "reference": format!("#{}", wanted["id"].as_str().unwrap_or_default()) } })
            })
            .collect())
    }
}

fn part(code: &str, reference: &str) -> Value {
    json!({ "type": concept("task-part", code), "valueReference": { "reference": reference } })
}

/// A message of a clinic's.
fn said(clinic: &str, patient: &str, author: &str, topic: Option<&str>, text: &str) -> Value {
    let mut body = json!({
        "status": "completed",
        "subject": { "reference": format!("Patient/{patient}") },
        "recipient": [{ "reference": format!("Patient/{patient}") }],
        "sender": { "reference": clinic, "display": author },
        "payload": [{ "contentString": text }],
    });
    if let Some(topic) = topic {
        body["topic"] = json!({ "text": topic });
    }
    body
}
