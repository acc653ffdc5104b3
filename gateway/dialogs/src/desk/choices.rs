//! What a citizen chooses about themselves: to be digitally active, to have copies in the personal archive.
//!
//! The citizen's own word counts; before they said anything, being digitally active is as the directory has it, and
//! nothing is copied. Who is told of it is written down in the same step ([`super::errands`]), also where it is the
//! directory that changed its mind about one who has chosen nothing.

use dialog_contract::{
    action::Action,
    choice::{Choice, NewChoice},
    ids::{NationalIdentityNumber, PluginId, RequestId},
    problem::ProblemType,
    provider::Interface,
    service::Locale,
};
use jiff::Timestamp;

use super::{
    Desk, Outcome, TRIES,
    practice::{Practice, of_directory},
    trail::Trail,
};
use crate::{
    answer::{Ended, Refusal, Reply},
    permit::{Citizen, Permitted},
    ports::{directory::Person, store::StoreError},
    record::{Chosen, StoredChoices, StoredCitizen, StoredErrand, Task},
    request::Request,
    shelf::Step,
    texts,
};

/// The revision of what the directory has: a citizen's first choice is the first.
pub(super) const OF_DIRECTORY: u64 = 0;

/// What can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choosable {
    /// To be digitally active.
    Digital,
    /// To have what is closed copied to the personal archive.
    Archive,
}

impl Choosable {
    const fn name(self) -> &'static str {
        match self {
            Self::Digital => "digital-dialog",
            Self::Archive => "archive",
        }
    }

    const fn action(self) -> Action {
        match self {
            Self::Digital => Action::DigitalChoose,
            Self::Archive => Action::ArchiveChoose,
        }
    }
}

impl StoredChoices {
    const fn of(&self, what: Choosable) -> Option<Chosen> {
        match what {
            Choosable::Digital => self.digital,
            Choosable::Archive => self.archive,
        }
    }

    const fn with(self, what: Choosable, chosen: Chosen) -> Self {
        match what {
            Choosable::Digital => Self { digital: Some(chosen), ..self },
            Choosable::Archive => Self { archive: Some(chosen), ..self },
        }
    }
}

impl Desk {
    /// `GET /v1/me/digital-dialog`, `GET /v1/me/archive`: 200 with what holds.
    ///
    /// # Errors
    /// Where the store or the directory does not answer.
    pub async fn choice(&self, who: &Permitted<Citizen>, request: &Request, what: Choosable) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(Action::ChoicesRead, &who, &asked);
            trail.detail("choice", what.name());
            let ended = async {
                let citizen = desk.shelf.secret.citizen(&who.target().national_identity_number);
                let found = desk.shelf.choices(citizen).await;
                let (_, choices) = found.map_err(|error| Refusal::of_store(&error, asked.locale))?;
                let default = desk.unchosen(&who, what, asked.locale).await?;
                Ok(Ended::answered(desk.choice_shown(what, choices.of(what), default)?))
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    /// `PUT /v1/me/digital-dialog`, `PUT /v1/me/archive`: 200 with what holds from now on. The same again changes nothing.
    ///
    /// # Errors
    /// `precondition-failed` where it was decided on another state, `service-not-offered` where this gateway has no
    /// archive.
    pub async fn choose(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        what: Choosable,
        new: NewChoice,
    ) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(what.action(), &who, &asked);
            trail.detail("on", new.on.to_string());
            let ended = desk.chosen(&who, &asked, what, new.on, &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn chosen(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        what: Choosable,
        on: bool,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        if on && what == Choosable::Archive && self.archive.is_none() {
            return Err(Refusal::new(ProblemType::ServiceNotOffered, texts::no_archive(locale)));
        }
        let citizen = self.shelf.secret.citizen(&who.target().national_identity_number);
        let default = self.unchosen(who, what, locale).await?;
        let told = match what {
            Choosable::Digital => self.who_is_told(who, locale).await?,
            Choosable::Archive => None,
        };
        for _ in 0..TRIES {
            let (revision, choices) = self.shelf.choices(citizen).await.map_err(of_store)?;
            let before = choices.of(what);
            if request.if_match.is_some_and(|wanted| wanted != before.map_or(0, |chosen| chosen.revision)) {
                return Err(Refusal::new(ProblemType::PreconditionFailed, texts::changed_since(locale)));
            }
            if before.map_or(default, |chosen| chosen.on) == on {
                return Ok(Ended::answered(self.choice_shown(what, before, default)?));
            }
            let now = self.now();
            let next = Chosen { on, changed: now, revision: before.map_or(0, |chosen| chosen.revision) + 1 };
            let mut step = Step::default();
            step.choices(revision, citizen, &choices.with(what, next)).map_err(of_store)?;
            if let Some((practice, plugins)) = &told {
                for plugin in plugins {
                    self.know(&mut step, who, practice, plugin).map_err(of_store)?;
                    let task = Task::Active {
                        plugin: plugin.clone(),
                        office: practice.office.her_id,
                        active: on,
                        revision: next.revision,
                    };
                    let (request, trace_id) = (request.id, request.trace_id.clone());
                    let errand = StoredErrand { citizen, task, attempts: 0, since: now, request, trace_id };
                    step.errand(now, &errand).map_err(of_store)?;
                }
            }
            self.record_intent(trail).await?;
            let reply = self.choice_shown(what, Some(next), default)?;
            if let Some(ended) = self.finish(step, trail, reply).await? {
                return Ok(ended);
            }
        }
        Err(Refusal::unavailable(locale))
    }

    /// What holds before the citizen has chosen.
    async fn unchosen(&self, who: &Permitted<Citizen>, what: Choosable, locale: Locale) -> Result<bool, Refusal> {
        match what {
            Choosable::Archive => Ok(false),
            Choosable::Digital => {
                let found = self.directory.assignment(&who.target().national_identity_number).await;
                let found = found.map_err(|error| of_directory(&error, locale))?;
                Ok(found.is_none_or(|assignment| assignment.person.digitally_active))
            }
        }
    }

    /// The providers of the citizen's office that asked to be told, each once; nobody where there is no office.
    async fn who_is_told(
        &self,
        who: &Permitted<Citizen>,
        locale: Locale,
    ) -> Result<Option<(Practice, Vec<PluginId>)>, Refusal> {
        let practice = match self.practice_of(&who.target().national_identity_number, locale).await {
            Ok(practice) => practice,
            Err(refusal) if refusal.problem == ProblemType::NoPractice => return Ok(None),
            Err(refusal) => return Err(refusal),
        };
        let plugins = self.who_asked(&practice);
        Ok(Some((practice, plugins)))
    }

    /// The providers of an office that asked to be told, each once.
    fn who_asked(&self, practice: &Practice) -> Vec<PluginId> {
        let now = self.now();
        let mut plugins: Vec<PluginId> = Vec::new();
        for agreement in practice.agreements.iter().filter(|agreement| agreement.valid_at(now)) {
            let asked = self.providers.installed(&agreement.plugin);
            let asked = asked.is_some_and(|installed| installed.serves(Interface::Citizens));
            if asked && !plugins.contains(&agreement.plugin) {
                plugins.push(agreement.plugin.clone());
            }
        }
        plugins
    }

    /// The directory says something else than before of whether a citizen is digitally active. Who has chosen is heeded in
    /// place of the directory; for anybody else the providers that asked are told, as after a choice. True where somebody
    /// is told.
    ///
    /// # Errors
    /// Where the store or the directory does not answer: to be called again.
    pub async fn directory_changed(&self, citizen: &NationalIdentityNumber, active: bool) -> Result<bool, StoreError> {
        let id = self.shelf.secret.citizen(citizen);
        let (_, choices) = self.shelf.choices(id).await?;
        if choices.digital.is_some() {
            return Ok(false);
        }
        let practice = match self.practice_of(citizen, Locale::Nb).await {
            Ok(practice) => practice,
            Err(refusal) if refusal.problem == ProblemType::NoPractice => return Ok(false),
            Err(refusal) => return Err(StoreError::Unavailable(refusal.problem.name().to_owned())),
        };
        let plugins = self.who_asked(&practice);
        if plugins.is_empty() {
            return Ok(false);
        }
        let (now, request) = (self.now(), RequestId::new());
        let trace_id = uuid::Uuid::new_v4().simple().to_string();
        let (person, office) = (&practice.assignment.person, practice.office.her_id);
        let mut step = Step::default();
        for plugin in plugins {
            let reference = self.shelf.secret.reference(&plugin, citizen);
            step.citizen(id, &StoredCitizen::from(person), &plugin, &reference)?;
            let task = Task::Active { plugin, office, active, revision: OF_DIRECTORY };
            let errand =
                StoredErrand { citizen: id, task, attempts: 0, since: now, request, trace_id: trace_id.clone() };
            step.errand(now, &errand)?;
        }
        self.shelf.commit(step).await.map(|_| true)
    }

    fn choice_shown(&self, what: Choosable, chosen: Option<Chosen>, default: bool) -> Result<Reply, Refusal> {
        let shown = Choice {
            on: chosen.map_or(default, |chosen| chosen.on),
            changed: chosen.map(|chosen| chosen.changed),
            available: what == Choosable::Digital || self.archive.is_some(),
        };
        let etag = Some(chosen.map_or(0, |chosen| chosen.revision));
        Ok(Reply { etag, ..Reply::json(200, &shown)? })
    }

    /// Whether what offices send may reach the citizen: as they chose, else as the directory has it.
    pub(crate) async fn digitally_active(&self, person: &Person) -> Result<bool, StoreError> {
        let citizen = self.shelf.secret.citizen(&person.national_identity_number);
        let (_, choices) = self.shelf.choices(citizen).await?;
        Ok(choices.digital.map_or(person.digitally_active, |chosen| chosen.on))
    }
}

/// When an errand that fails is given up: after a month nobody is helped any more.
pub(super) fn patience_ends(since: Timestamp) -> Timestamp {
    since.checked_add(jiff::SignedDuration::from_hours(30 * 24)).unwrap_or(Timestamp::MAX)
}
