//! Asking a colleague.

use std::collections::VecDeque;

use dialog_contract::{
    action::Action,
    collegial::{Addressee, Between, NewCollegialDialog},
    dialog::{ActivityKind, Clinician, Dialog, OfficeName, Status},
    handover::ExportedCitizen,
    ids::{DialogId, HerId, NationalIdentityNumber},
    limits::Limits,
    opening::Request as Asked,
    practice::Office,
    problem::ProblemType,
    service::{Locale, Service},
};

use super::{
    super::{
        Desk, Outcome, TRIES,
        practice::{Offer, of_directory},
        replies::Before,
        trail::{Trail, Unsettled},
        validation::{self, Claimed, Errors},
    },
    Side,
};
use crate::{
    answer::{Ended, Refusal},
    draft::Draft,
    identity::CitizenId,
    permit::{self, Permitted},
    ports::{
        directory::{DirectoryError, Person},
        store::StoreError,
    },
    record::{Call, CallKind, ReplyKey, StoredAttachment, StoredCitizen, StoredDialog, Use},
    request::Request,
    shelf::Step,
    texts,
};

/// Where a question goes.
struct Addressed {
    office: Office,
    clinician: Option<Clinician>,
    offer: Offer,
}

impl Desk {
    /// `POST /v1/offices/{herId}/collegial-dialogs`: 201 when the other office's provider has it, 202 when it waits.
    ///
    /// # Errors
    /// `not-found` where it is not the caller's own office, `not-permitted` where the caller is no clinician of it;
    /// `invalid` where the other office or the patient is not known; `service-not-offered` where the other office has
    /// no agreement for it; and every failure of the provider.
    pub async fn ask_colleague(
        &self,
        who: &Permitted<permit::Clinician>,
        request: &Request,
        office: HerId,
        new: NewCollegialDialog,
    ) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail_of_clinician(Action::CollegialOpen, &who, &asked);
            let ended = async {
                let side = desk.side(&who, office, &mut trail).await?;
                desk.open_collegial(&side, &asked, &new, &mut trail).await
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn open_collegial(
        &self,
        side: &Side,
        request: &Request,
        new: &NewCollegialDialog,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        let own = self.shelf.secret.office(side.office.her_id);
        let owner = match &new.patient {
            Some(number) => {
                trail.citizen(self.evidence.pseudonym(number));
                self.shelf.secret.citizen(number)
            }
            None => own,
        };
        let keyed = self.keyed_for(owner, side, request)?;
        for _ in 0..TRIES {
            let over = match self.before(&keyed, locale).await? {
                Before::Nothing(over) => over,
                Before::Ended(ended) => return Ok(ended),
            };
            let patient = match &new.patient {
                Some(number) => Some(self.patient(number, locale).await?),
                None => None,
            };
            validation::message_at(&new.message, "/message", locale)?;
            let addressed = self.addressed(side, &new.to, locale).await?;
            trail.plugin(&addressed.offer.agreement.plugin);
            let allowed = &addressed.offer.agreement.attachments;
            let claimed = self.claim(own, &new.message.attachments, allowed, None, "/message", locale).await?;

            let mut step = Step::default();
            let of_dialog = (owner, keyed.key.clone());
            let record = self.between(side, request, new, patient.as_ref(), &addressed, &claimed, of_dialog);
            let id = record.dialog.id;
            trail.dialog(id);
            if let Some(person) = &patient {
                let plugin = &addressed.offer.agreement.plugin;
                let reference = self.shelf.secret.reference(plugin, &person.national_identity_number);
                step.citizen(owner, &StoredCitizen::from(person), plugin, &reference).map_err(of_store)?;
            }
            for (revision, stored) in claimed {
                let stored = StoredAttachment { citizen: owner, ..stored };
                step.attachment(Some(revision), stored, Use::In { dialog: id }).map_err(of_store)?;
            }
            self.reply_begins(&mut step, over, &keyed).map_err(of_store)?;
            let now = self.now();
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

    /// Whom it is about: somebody whom the directory knows.
    async fn patient(&self, number: &NationalIdentityNumber, locale: Locale) -> Result<Person, Refusal> {
        let found = self.directory.assignment(number).await.map_err(|error| of_directory(&error, locale))?;
        let mut errors = Errors::new(locale);
        match found {
            Some(assignment) => return Ok(assignment.person),
            None => errors.add("/patient", texts::unknown_patient(locale)),
        }
        Err(Refusal::invalid(locale, errors.into_errors()))
    }

    /// The other office, who of it is asked, and through whom it takes such questions.
    async fn addressed(&self, side: &Side, to: &Addressee, locale: Locale) -> Result<Addressed, Refusal> {
        let unavailable = |error: DirectoryError| of_directory(&error, locale);
        let mut errors = Errors::new(locale);
        let found = self.office_now(to.office).await.map_err(unavailable)?;
        let Some(office) = found.filter(|found| found.her_id != side.office.her_id) else {
            errors.add("/to/office", texts::no_other_office(locale));
            return Err(Refusal::invalid(locale, errors.into_errors()));
        };
        let known = |number| office.practitioners.iter().find(|one| one.clinician.hpr_number == number);
        let clinician = to.clinician.and_then(known).map(|one| one.clinician.clone());
        // An office that does not say who works there is asked all the same: it knows.
        if to.clinician.is_some() && clinician.is_none() && !office.practitioners.is_empty() {
            errors.add("/to/clinician", texts::not_of_other_office(&office.name, locale));
        }
        errors.into_result()?;
        let agreements = self.agreements(to.office).await.map_err(unavailable)?;
        let offer = self.offer_to_anyone(&agreements, Service::Collegial, locale).await?;
        let not_offered = |_| Refusal::new(ProblemType::ServiceNotOffered, texts::no_collegial(&office.name, locale));
        let offer = offer.map_err(not_offered)?;
        Ok(Addressed { office, clinician, offer })
    }

    #[expect(clippy::too_many_arguments, reason = "each is a different part of one request, read once, here")]
    fn between(
        &self,
        side: &Side,
        request: &Request,
        new: &NewCollegialDialog,
        patient: Option<&Person>,
        addressed: &Addressed,
        claimed: &[Claimed],
        (owner, reply): (CitizenId, ReplyKey),
    ) -> StoredDialog {
        let (id, now) = (DialogId::new(), self.now());
        let asked = Asked::Collegial { from_hpr_number: side.clinician.hpr_number, to: vec![addressed.office.her_id] };
        let call = self.begin(CallKind::Open, id.to_string(), request, reply);
        let dialog = Dialog {
            id,
            service: Service::Collegial,
            office: OfficeName { her_id: addressed.office.her_id, name: addressed.office.name.clone() },
            clinician: addressed.clinician.clone(),
            provider: addressed.offer.provider.clone(),
            status: Status::AwaitingOffice,
            opened: now,
            updated: now,
            due: self.calendar.end_of_working_day(now, Limits::V1.consultation_working_days),
            subject: new.message.subject.clone(),
            messages: vec![side.written(&new.message, claimed, now)],
            activities: Vec::new(),
            reply_allowed: false,
            unopened: 0,
            represented_by: None,
            fees: Vec::new(),
            continues: None,
            continued_as: None,
            overdue: false,
            video: None,
            results: Vec::new(),
            archived: None,
            own_gp: true,
            between: Some(Between {
                office: side.office_name(),
                clinician: Some(side.clinician.clone()),
                to: new.to.clinician,
                patient: patient.map(exported),
                citizen_since: None,
            }),
            revision: 1,
        };
        let mut record = StoredDialog {
            dialog,
            citizen: owner,
            locale: request.locale,
            plugin: addressed.offer.agreement.plugin.clone(),
            reference: None,
            request: Some(asked.clone()),
            appointment: None,
            visible: false,
            two_way: true,
            general_practitioner: None,
            representative: None,
            ended: false,
            calls: VecDeque::from([Call { by: Some(side.clinician.clone()), ..call }]),
            known_as: Vec::new(),
            shared_from: None,
            sentences: Vec::new(),
        };
        let requested = ActivityKind::Requested { request: asked };
        record.activity(now, requested, |locale| texts::asked_colleague(&addressed.office.name, locale));
        record
    }
}

/// A patient, as clinicians are shown one.
pub(crate) fn exported(person: &Person) -> ExportedCitizen {
    ExportedCitizen {
        national_identity_number: person.national_identity_number.clone(),
        given_name: person.given_name.clone(),
        family_name: person.family_name.clone(),
    }
}
