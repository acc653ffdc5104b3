//! From records of the audit log to what a citizen reads of them: who did what with what is theirs, when, through whom.
//!
//! Floor plan
//! - [`Told`]: one record, as its citizen is told of it. `sentence`: the words.
//!
//! Told are ends: outcomes, deliveries, refusals. An intent is the beginning of one of them, and a record that another
//! supersedes tells of what did not come to be.

mod sentence;
#[cfg(test)]
mod tests;

use dialog_contract::{
    access_log::{AccessActor, AccessKind, AccessOutcome},
    action::{Action, Effect},
    audit::{ActorRole, Record, RecordKind},
    service::{Locale, Sent},
};

use self::sentence::Who;
pub(crate) use self::sentence::{missing, note};

/// One record, as a citizen is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub who: AccessActor,
    pub what: AccessKind,
    pub outcome: AccessOutcome,
    pub text: String,
}

/// What `person` (a pseudonym) is told of a record; nothing where it is not about them, or is no end.
pub(crate) fn told(record: &Record, person: &str, locale: Locale) -> Option<Told> {
    let is_end = matches!(record.kind, RecordKind::Outcome | RecordKind::Delivery | RecordKind::PermissionRefused);
    if !is_end || !concerns(record, person) {
        return None;
    }
    let action: Action = record.action.parse().ok()?;
    let deed = sentence::deed(action, locale)?;
    // A notice is not the citizen's doing: it is told to them.
    let told_to_them = action == Action::NoticeSend && record.actor.role == ActorRole::Gateway;
    let who = if told_to_them { Who::Service } else { who(record, person) };
    let outcome = outcome(record);
    let what = match action.effect() {
        Effect::Read | Effect::Search => AccessKind::Read,
        Effect::Create | Effect::Update | Effect::Delete | Effect::Execute => AccessKind::Change,
    };
    Some(Told {
        who: match who {
            Who::You | Who::YouForAnother => AccessActor::You,
            Who::Representative(_) => AccessActor::Representative,
            Who::Service => AccessActor::Gateway,
            Who::Other(actor) => actor,
        },
        what,
        outcome,
        text: sentence::sentence(&deed, who, outcome, locale),
    })
}

/// Whether a record is a person's own: it is about them, or they did it for somebody else.
pub(crate) fn concerns(record: &Record, person: &str) -> bool {
    record.citizen.as_deref() == Some(person) || record.actor.person.as_deref() == Some(person)
}

/// The index of the record that this one supersedes.
pub(crate) fn supersedes(record: &Record) -> Option<u64> {
    record.details.get("supersedes")?.parse().ok()
}

fn who(record: &Record, person: &str) -> Who {
    match record.actor.role {
        ActorRole::Citizen => match (&record.representation, record.actor.person.as_deref() == Some(person)) {
            (None, _) => Who::You,
            (Some(_), true) => Who::YouForAnother,
            (Some(representation), false) => Who::Representative(representation.role),
        },
        ActorRole::Provider => Who::Other(AccessActor::Office),
        ActorRole::Portal => Who::Other(AccessActor::Portal),
        ActorRole::Operator => Who::Other(AccessActor::Operator),
        ActorRole::Auditor => Who::Other(AccessActor::Auditor),
        ActorRole::Office => Who::Other(AccessActor::Office),
        ActorRole::Gateway => Who::Other(AccessActor::Gateway),
        ActorRole::Unknown => Who::Other(AccessActor::Unknown),
    }
}

fn outcome(record: &Record) -> AccessOutcome {
    if record.kind == RecordKind::PermissionRefused {
        return AccessOutcome::Refused;
    }
    let Some(outcome) = &record.outcome else { return AccessOutcome::Done };
    match (outcome.status, &outcome.problem) {
        (_, None) => AccessOutcome::Done,
        (_, Some(_)) if outcome.sent == Some(Sent::Unknown) => AccessOutcome::Uncertain,
        (Some(400..=499), Some(_)) => AccessOutcome::Refused,
        (_, Some(_)) => AccessOutcome::Failed,
    }
}
