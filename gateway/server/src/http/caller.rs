//! From a bearer token to a permit. The permits are the only way into the domain.
//!
//! Proof of possession and roles by listener take their place here, between verifying the token and granting.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use dialog_contract::{
    audit::{Actor, ActorRole, RecordKind},
    problem::ProblemType,
};
use dialog_core::{
    permit::{Citizen, Permitted, Portal, Verified},
    ports::{clock::Clock, evidence::Evidence},
};
use http::{HeaderMap, header, request::Parts};
use jiff::Timestamp;

use super::{envelope::Envelope, reply::Refusal};
use crate::{
    auth::{claims::Claims, keys::KeyError, verifier::TokenError},
    gateway::Gateway,
};

/// The scope of the citizen's API.
const CITIZEN_SCOPE: &str = "dialog:citizen";

/// A citizen who may use the API.
pub struct CitizenCaller(pub Permitted<Citizen>);

/// The portal itself.
pub struct PortalCaller(pub Permitted<Portal>);

impl FromRequestParts<Arc<Gateway>> for CitizenCaller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        let permit = citizen(gateway, &parts.headers).await?;
        let person = gateway.evidence.pseudonym(&permit.target().national_identity_number);
        Envelope::of(parts).called_by(Actor {
            role: ActorRole::Citizen,
            client: permit.verified().client.clone(),
            person: Some(person),
            level: Some(permit.verified().level),
        });
        Ok(Self(permit))
    }
}

impl FromRequestParts<Arc<Gateway>> for PortalCaller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        let permit = portal(gateway, &parts.headers).await?;
        Envelope::of(parts).called_by(Actor {
            role: ActorRole::Portal,
            client: permit.verified().client.clone(),
            person: None,
            level: None,
        });
        Ok(Self(permit))
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

fn not_permitted(problem: ProblemType, why: impl ToString) -> Refusal {
    Refusal::of(problem).because(RecordKind::PermissionRefused, why.to_string())
}

async fn citizen(gateway: &Gateway, headers: &HeaderMap) -> Result<Permitted<Citizen>, Refusal> {
    let claims = gateway.verifier.verify(bearer(headers)?).await?;
    let Some(number) = claims.citizen.clone() else {
        return Err(not_permitted(ProblemType::NotPermitted, "the token is of no citizen"));
    };
    if !claims.scopes.contains(CITIZEN_SCOPE) {
        return Err(not_permitted(ProblemType::NotPermitted, "the token lacks the scope dialog:citizen"));
    }
    let citizen = Citizen { national_identity_number: number, representative: None };
    Permitted::<Citizen>::grant(verified(&claims), citizen, gateway.clock.now())
        .map_err(|error| not_permitted(error.problem(), error))
}

async fn portal(gateway: &Gateway, headers: &HeaderMap) -> Result<Permitted<Portal>, Refusal> {
    let claims = gateway.verifier.verify(bearer(headers)?).await?;
    Permitted::<Portal>::grant(verified(&claims), Portal, gateway.clock.now())
        .map_err(|error| not_permitted(error.problem(), error))
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
