//! From an access token to a permit. The permits are the only way into the domain.
//!
//! One extractor for each role: a handler that takes it cannot be called without. Who the token is of is said before it
//! is asked whether they may, so that the record of a refusal names them.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use dialog_contract::{
    audit::{Actor, ActorRole, RecordKind},
    problem::ProblemType,
};
use dialog_core::{
    permit::{AUDITOR_SCOPE, Auditor, Citizen, NotGranted, Operator, Permitted, Portal, Verified},
    ports::{clock::Clock, evidence::Evidence},
};
use http::{HeaderMap, header, request::Parts};
use jiff::Timestamp;

use super::{
    envelope::{Caller, Envelope},
    reply::Refusal,
};
use crate::{
    auth::{claims::Claims, keys::KeyError, verifier::TokenError},
    gateway::Gateway,
};

/// A citizen who may use the API.
pub struct CitizenCaller(pub Permitted<Citizen>);

/// The portal itself.
pub struct PortalCaller(pub Permitted<Portal>);

/// Somebody who runs the gateway.
pub struct OperatorCaller(pub Permitted<Operator>);

/// Somebody who verifies what it did.
pub struct AuditorCaller(pub Permitted<Auditor>);

/// Whoever may read the audit log's public files: an auditor, an operator, or anybody where the operator says so.
pub struct LogReader;

impl FromRequestParts<Arc<Gateway>> for CitizenCaller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        let claims = authenticate(parts, gateway).await?;
        let person = claims.citizen.as_ref().map(|citizen| gateway.evidence.pseudonym(citizen));
        Envelope::of(parts)
            .called_by(Caller { citizen: person.clone(), ..actor(ActorRole::Citizen, &claims, person).into() });
        let Some(number) = claims.citizen.clone() else {
            return Err(not_permitted(ProblemType::NotPermitted, "the token is of no citizen"));
        };
        let citizen = Citizen { national_identity_number: number, representative: None };
        Permitted::<Citizen>::grant(verified(&claims), citizen, gateway.clock.now()).map(Self).map_err(Refusal::from)
    }
}

impl FromRequestParts<Arc<Gateway>> for PortalCaller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        let claims = authenticate(parts, gateway).await?;
        identify(parts, gateway, ActorRole::Portal, &claims);
        if claims.citizen.is_some() {
            return Err(not_permitted(ProblemType::NotPermitted, "the token is a citizen's and not the portal's own"));
        }
        Permitted::<Portal>::grant(verified(&claims), Portal, gateway.clock.now()).map(Self).map_err(Refusal::from)
    }
}

impl FromRequestParts<Arc<Gateway>> for OperatorCaller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        let claims = authenticate(parts, gateway).await?;
        identify(parts, gateway, ActorRole::Operator, &claims);
        let operator = Operator { person: claims.citizen.clone() };
        Permitted::<Operator>::grant(verified(&claims), operator, gateway.clock.now()).map(Self).map_err(Refusal::from)
    }
}

impl FromRequestParts<Arc<Gateway>> for AuditorCaller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        let claims = authenticate(parts, gateway).await?;
        identify(parts, gateway, ActorRole::Auditor, &claims);
        let auditor = Auditor { person: claims.citizen.clone() };
        Permitted::<Auditor>::grant(verified(&claims), auditor, gateway.clock.now()).map(Self).map_err(Refusal::from)
    }
}

impl FromRequestParts<Arc<Gateway>> for LogReader {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        if gateway.open_log {
            return Ok(Self);
        }
        let claims = authenticate(parts, gateway).await?;
        let (verified, now, person) = (verified(&claims), gateway.clock.now(), claims.citizen.clone());
        if claims.scopes.contains(AUDITOR_SCOPE) {
            identify(parts, gateway, ActorRole::Auditor, &claims);
            Permitted::<Auditor>::grant(verified, Auditor { person }, now).map(|_| Self).map_err(Refusal::from)
        } else {
            identify(parts, gateway, ActorRole::Operator, &claims);
            Permitted::<Operator>::grant(verified, Operator { person }, now).map(|_| Self).map_err(Refusal::from)
        }
    }
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        let problem = match error {
            // The issuer is down: it is not the caller who must mend something.
            TokenError::Key(KeyError::Unavailable(_)) => ProblemType::Unavailable,
            _ => ProblemType::Unauthenticated,
        };
        Self::of(problem).because(RecordKind::TokenRefused, error.to_string())
    }
}

impl From<NotGranted> for Refusal {
    fn from(error: NotGranted) -> Self {
        not_permitted(error.problem(), error)
    }
}

fn not_permitted(problem: ProblemType, why: impl ToString) -> Refusal {
    Refusal::of(problem).because(RecordKind::PermissionRefused, why.to_string())
}

/// The claims of the request's token.
async fn authenticate(parts: &Parts, gateway: &Gateway) -> Result<Arc<Claims>, Refusal> {
    Ok(gateway.verifier.verify(bearer(&parts.headers)?).await?)
}

/// Says who calls about nobody but themselves.
fn identify(parts: &Parts, gateway: &Gateway, role: ActorRole, claims: &Claims) {
    let person = claims.citizen.as_ref().map(|person| gateway.evidence.pseudonym(person));
    Envelope::of(parts).called_by(actor(role, claims, person));
}

fn actor(role: ActorRole, claims: &Claims, person: Option<String>) -> Actor {
    Actor { role, client: claims.client.clone(), level: person.as_ref().map(|_| claims.level), person }
}

fn verified(claims: &Claims) -> Verified {
    Verified {
        issuer: claims.issuer.clone(),
        client: claims.client.clone(),
        level: claims.level,
        scopes: claims.scopes.iter().cloned().collect(),
        // Beyond what a timestamp can hold is beyond the life of any token that the verifier lets through.
        expires: i64::try_from(claims.expires)
            .ok()
            .and_then(|at| Timestamp::from_second(at).ok())
            .unwrap_or(Timestamp::MAX),
    }
}

/// The token of exactly one `Authorization: Bearer …` (RFC 6750).
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let missing =
        |why: &str| Refusal::of(ProblemType::Unauthenticated).because(RecordKind::TokenRefused, why.to_owned());
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else {
        return Err(missing("there is not exactly one Authorization header"));
    };
    value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token)
        .ok_or_else(|| missing("the Authorization header holds no bearer token"))
}
