//! Opening a dialog: the path of one request, from the citizen's words to the provider and back.

use std::{collections::VecDeque, time::Duration};

use dialog_contract::{
    action::Action,
    dialog::{ActivityKind, Author, AuthorRole, Dialog, MediaType, Message, RepresentedBy, Status},
    ids::{DialogId, MessageId},
    limits::Limits,
    opening::{NewDialog, NewMessage, Request as Asked},
    problem::ProblemType,
    service::{ConsultationMode, Service},
};
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::{
    Desk, Outcome, TRIES,
    calls::SETTLING_TIME,
    practice::{Offer, Practice},
    replies::Before,
    resending::continue_as,
    settling::Came,
    trail::{Trail, Unsettled},
    validation::{self, Claimed, Errors},
};
use crate::{
    answer::{Ended, Refusal},
    draft::Draft,
    identity::CitizenId,
    meeting,
    permit::{Citizen, Permitted},
    ports::store::StoreError,
    record::{Call, CallKind, CallState, ReplyKey, StoredDialog, Use},
    request::Request,
    shelf::Step,
    texts,
};

/// How long a call may be under way before whoever made it is taken for dead: no call takes half of that.
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// Hours that the gateway keeps trying to send: no receipt in 96 hours counts as a no (HITS 1217).
pub(crate) const ASYNCHRONOUS_HOURS: i64 = 96;

impl Desk {
    /// `POST /v1/me/dialogs`: 201 when the provider has it, 202 when it waits to be sent.
    ///
    /// # Errors
    /// Whatever stands in the way before anything is sent, and every failure of the provider. Where `sent` is not
    /// `no`, the dialog is in the citizen's list with status `uncertain`.
    pub async fn open(&self, who: &Permitted<Citizen>, request: &Request, new: NewDialog) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(Action::DialogOpen, &who, &asked);
            let ended = desk.open_dialog(&who, &asked, &new, &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn open_dialog(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        new: &NewDialog,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        let service = new.request.service();
        trail.service(service);
        let citizen = self.shelf.secret.citizen(&who.target().national_identity_number);
        let keyed = self.keyed(citizen, request, &request.body_sha256)?;
        for _ in 0..TRIES {
            let over = match self.before(&keyed, locale).await? {
                Before::Nothing(over) => over,
                Before::Ended(ended) => return Ok(ended),
            };
            let practice = self.practice_of(&who.target().national_identity_number, locale).await?;
            let (earlier, new) = self.resent(who, new, trail).await?;
            let new = &new;
            let practice = self.routed(practice, service, new.provider.as_ref(), locale).await?;
            trail.service(service);
            trail.office(practice.office.her_id);
            let offer = self.offered(&practice, service, locale).await?;
            trail.plugin(&offer.agreement.plugin);
            let now = self.now();
            validation::opening(new, &offer, now, self.calendar.day(now), locale)?;
            self.answered_as_asked(&new.request, &practice, &offer, request).await?;
            let claimed = self.claim_for(new, &offer, citizen, locale).await?;
            let appointment = self.appointment_asked_about(&new.request, &offer, citizen, locale).await?;

            let mut step = Step::default();
            let mut record = self.record(who, request, new, &practice, &offer, &claimed, keyed.key.clone());
            record.dialog.continues = new.continues;
            record.appointment = appointment;
            let id = record.dialog.id;
            trail.dialog(id);
            self.know(&mut step, who, &practice, &offer.agreement.plugin).map_err(of_store)?;
            for (revision, stored) in claimed {
                step.attachment(Some(revision), stored, Use::In { dialog: id }).map_err(of_store)?;
            }
            self.reply_begins(&mut step, over, &keyed).map_err(of_store)?;
            if let Some(earlier) = earlier {
                step.dialog(continue_as(earlier, id), now).map_err(of_store)?;
            }
            let record = step.dialog(Draft::new(record), now).map_err(of_store)?;
            match self.commit_with_intent(step, trail).await {
                Ok(()) => return self.make_first(&record, request.time_left(), trail).await,
                Err(Unsettled::Conflict) => {}
                Err(Unsettled::Store(error)) => return Err(of_store(error)),
                Err(Unsettled::NoEvidence) => return self.take_back(&record, trail).await,
            }
        }
        Err(Refusal::unavailable(locale))
    }

    /// Makes the first call of a dialog, whose intent is durable, and settles it.
    pub(crate) async fn make_first(
        &self,
        record: &StoredDialog,
        time_left: Duration,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let Some(call) = record.calls.front() else { return Err(Refusal::internal(trail.locale)) };
        let made = self.call(record, call, time_left.saturating_sub(SETTLING_TIME)).await;
        if let Some(record) = made.record {
            trail.call(record);
        }
        self.settle(record.dialog.id, &call.key, &Came::Called(made.answer), trail).await
    }

    /// The intent is in the store and not in the audit log: nothing is sent, and nothing kept.
    pub(crate) async fn take_back(&self, record: &StoredDialog, trail: &mut Trail) -> Result<Ended, Refusal> {
        let refusal = Refusal::unavailable(trail.locale);
        match record.calls.front() {
            Some(call) => self.settle(record.dialog.id, &call.key, &Came::Never(refusal), trail).await,
            None => Err(refusal),
        }
    }

    async fn claim_for(
        &self,
        new: &NewDialog,
        offer: &Offer,
        citizen: CitizenId,
        locale: dialog_contract::service::Locale,
    ) -> Result<Vec<Claimed>, Refusal> {
        let Some(message) = &new.message else { return Ok(Vec::new()) };
        let allowed = &offer.agreement.attachments;
        let claimed = self.claim(citizen, &message.attachments, allowed, new.continues, "/message", locale).await?;
        let image = matches!(new.request, Asked::Consultation { mode: ConsultationMode::Image, .. });
        let picture = |(_, stored): &Claimed| stored.attachment.media_type != MediaType::Pdf;
        if image && !claimed.iter().any(picture) {
            let mut errors = Errors::new(locale);
            errors.add("/message/attachments", texts::picture_required(locale));
            errors.into_result()?;
        }
        Ok(claimed)
    }

    /// The provider's id of the appointment that a written request is about.
    async fn appointment_asked_about(
        &self,
        asked: &Asked,
        offer: &Offer,
        citizen: CitizenId,
        locale: dialog_contract::service::Locale,
    ) -> Result<Option<String>, Refusal> {
        let (id, cancel) = match asked {
            Asked::AppointmentChange { appointment, .. } => (*appointment, false),
            Asked::AppointmentCancel { appointment } => (*appointment, true),
            _ => return Ok(None),
        };
        let stored = self.own_appointment(id, citizen, locale).await?;
        self.may_still(&stored, cancel, locale)?;
        if stored.provider.id != offer.agreement.plugin {
            return Err(Refusal::new(ProblemType::Conflict, texts::provider_left(locale)));
        }
        Ok(Some(stored.appointment.id))
    }

    /// The citizen's message, as it will stand in the dialog.
    pub(crate) fn written(
        &self,
        who: &Permitted<Citizen>,
        given_and_family_name: (&str, &str),
        new: &NewMessage,
        claimed: &[Claimed],
        now: Timestamp,
    ) -> Message {
        let author = match &who.target().representative {
            Some(acting) => Author {
                role: AuthorRole::Representative,
                name: Some(format!("{} {}", acting.given_name, acting.family_name)),
                hpr_number: None,
            },
            None => Author {
                role: AuthorRole::Citizen,
                name: Some(format!("{} {}", given_and_family_name.0, given_and_family_name.1)),
                hpr_number: None,
            },
        };
        Message {
            id: MessageId::new(),
            author,
            subject: new.subject.clone(),
            text: new.text.clone(),
            attachments: claimed.iter().map(|(_, stored)| stored.attachment.clone()).collect(),
            sent: now,
            seen: None,
        }
    }

    /// A call that begins now.
    pub(crate) fn begin(&self, kind: CallKind, key: String, request: &Request, reply: ReplyKey) -> Call {
        let now = self.now();
        Call {
            kind,
            key,
            attempts: 1,
            begun: now,
            give_up: now.checked_add(ASYNCHRONOUS_HOURS.hours()).unwrap_or(Timestamp::MAX),
            state: CallState::Running { lease: self.lease() },
            maybe_sent: false,
            reply: Some(reply),
            request: request.id,
            trace_id: request.trace_id.clone(),
            traceparent: request.traceparent.clone(),
            by: None,
        }
    }

    /// When a call that begins now is given up for dead.
    pub(crate) fn lease(&self) -> Timestamp {
        self.now().checked_add(LEASE).unwrap_or(Timestamp::MAX)
    }

    #[expect(clippy::too_many_arguments, reason = "each is a different part of one request, read once, here")]
    fn record(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        new: &NewDialog,
        practice: &Practice,
        offer: &Offer,
        claimed: &[Claimed],
        reply: ReplyKey,
    ) -> StoredDialog {
        let (id, now) = (DialogId::new(), self.now());
        let service = new.request.service();
        let video = matches!(new.request, Asked::Consultation { mode: ConsultationMode::Video, .. });
        let due = (service == Service::Consultation)
            .then(|| self.calendar.end_of_working_day(now, Limits::V1.consultation_working_days))
            .flatten();
        let person = &practice.assignment.person;
        let name = (person.given_name.as_str(), person.family_name.as_str());
        let message = new.message.as_ref().map(|message| self.written(who, name, message, claimed, now));
        let at_own_office = practice.office.her_id == practice.assignment.office;
        let dialog = Dialog {
            id,
            service,
            office: practice.office_name(),
            clinician: practice.clinician.clone(),
            provider: offer.provider.clone(),
            status: Status::AwaitingOffice,
            opened: now,
            updated: now,
            due,
            subject: new.message.as_ref().and_then(|message| message.subject.clone()),
            messages: message.into_iter().collect(),
            activities: Vec::new(),
            reply_allowed: false,
            unopened: 0,
            represented_by: who.target().representative.as_ref().map(|acting| RepresentedBy {
                name: format!("{} {}", acting.given_name, acting.family_name),
                role: acting.role,
            }),
            fees: Vec::new(),
            continues: None,
            continued_as: None,
            overdue: false,
            video: video.then(meeting::expected),
            results: Vec::new(),
            archived: None,
            own_gp: practice.own_gp,
            between: None,
            revision: 1,
        };
        let mut record = StoredDialog {
            dialog,
            citizen: self.shelf.secret.citizen(&who.target().national_identity_number),
            locale: request.locale,
            plugin: offer.agreement.plugin.clone(),
            reference: None,
            request: Some(new.request.clone()),
            appointment: None,
            visible: false,
            two_way: true,
            general_practitioner: at_own_office.then(|| practice.assignment.general_practitioner.clone()),
            representative: self.acting(who),
            ended: false,
            calls: VecDeque::from([self.begin(CallKind::Open, id.to_string(), request, reply)]),
            known_as: Vec::new(),
            shared_from: None,
            sentences: Vec::new(),
        };
        let requested = ActivityKind::Requested { request: shown(&new.request) };
        record.activity(now, requested, |locale| texts::requested(service, locale));
        record
    }
}

/// The request as the dialog shows it: without the prescriptions' XML, which the portal has and which is large.
pub(crate) fn shown(asked: &Asked) -> Asked {
    let mut shown = asked.clone();
    if let Asked::PrescriptionRenewal { items } = &mut shown {
        for item in items {
            item.eprescription = None;
        }
    }
    shown
}
