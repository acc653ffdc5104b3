//! From an access token to a permit. The permits are the only way into the domain.
//!
//! One extractor for each role: a handler that takes it cannot be called without. A token is verified, then whether
//! whoever shows it is whom it is bound to. Who it is of is said before it is asked whether they may, so that the record
//! of a refusal names them.

use std::{sync::Arc, time::Instant};

use axum::extract::FromRequestParts;
use dialog_contract::{
    audit::{Actor, ActorRole, RecordKind, RepresentationRecord},
    problem::ProblemType,
};
use dialog_core::{
    permit::{
        AUDITOR_SCOPE, Auditor, CLINICIAN_SCOPE, Citizen, Clinician, NotGranted, OFFICE_SCOPE, OfficeStaff, Operator,
        Permitted, Portal, Representative, Verified,
    },
    ports::{clock::Clock, evidence::Evidence},
};
use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};
use jiff::Timestamp;
use url::Url;

use super::{
    envelope::{Caller, Envelope},
    reply::Refusal,
};
use crate::{
    abuse::rates,
    auth::{
        challenge::Challenge,
        claims::{Claims, Representing},
        keys::KeyError,
        possession::{NotPossessed, Presented, Scheme},
        verifier::TokenError,
    },
    gateway::Gateway,
    tls::peer::Peer,
};

/// Where the proof of possession stands.
const DPOP: HeaderName = HeaderName::from_static("dpop");

/// A citizen who may use the API.
pub struct CitizenCaller(pub Permitted<Citizen>);

/// A citizen, or the portal itself: whoever has records of their own.
pub enum RecordOwner {
    /// A citizen, or who acts for one.
    Citizen(Permitted<Citizen>),
    /// The portal in its own name.
    Portal(Permitted<Portal>),
}

/// The portal itself.
pub struct PortalCaller(pub Permitted<Portal>);

/// Somebody who runs the gateway.
pub struct OperatorCaller(pub Permitted<Operator>);

/// Somebody at an office, for what the office decides by itself.
pub struct OfficeCaller(pub Permitted<OfficeStaff>);

/// A clinician who talks with colleagues.
pub struct ClinicianCaller(pub Permitted<Clinician>);

/// Somebody who verifies what it did.
pub struct AuditorCaller(pub Permitted<Auditor>);

/// Whoever may read the audit log's public files: an auditor, an operator, or anybody where the operator says so.
pub struct LogReader {
    /// Who it is; nobody is asked where anybody may.
    pub actor: Option<Actor>,
}

impl FromRequestParts<Arc<Gateway>> for CitizenCaller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        let claims = authenticate(parts, gateway, &gateway.reached.portal).await?;
        as_citizen(parts, gateway, &claims).map(Self)
    }
}

impl FromRequestParts<Arc<Gateway>> for PortalCaller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        let claims = authenticate(parts, gateway, &gateway.reached.portal).await?;
        as_portal(parts, gateway, &claims).map(Self)
    }
}

impl FromRequestParts<Arc<Gateway>> for RecordOwner {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        let claims = authenticate(parts, gateway, &gateway.reached.portal).await?;
        if claims.person.is_some() {
            as_citizen(parts, gateway, &claims).map(Self::Citizen)
        } else {
            as_portal(parts, gateway, &claims).map(Self::Portal)
        }
    }
}

fn as_citizen(parts: &Parts, gateway: &Gateway, claims: &Claims) -> Result<Permitted<Citizen>, Refusal> {
    let person = claims.person.as_ref().map(|person| gateway.evidence.pseudonym(person));
    // Whoever acts is who asks too often, for whomever it is.
    let acts = person.as_deref().unwrap_or_default();
    gateway.rates.citizen(client(claims), acts, Instant::now()).map_err(Refusal::too_often)?;
    let representation = claims
        .representing
        .as_ref()
        .zip(person.clone())
        .map(|(representing, representative)| RepresentationRecord { representative, role: representing.role });
    Envelope::of(parts).called_by(Caller {
        citizen: match &claims.representing {
            Some(representing) => Some(gateway.evidence.pseudonym(&representing.citizen)),
            None => person.clone(),
        },
        representation,
        actor: actor(ActorRole::Citizen, claims, person),
    });
    let citizen =
        citizen(claims).ok_or_else(|| not_permitted(ProblemType::NotPermitted, "the token is of no citizen"))?;
    Permitted::<Citizen>::grant(verified(claims), citizen, gateway.clock.now()).map_err(Refusal::from)
}

fn as_portal(parts: &Parts, gateway: &Gateway, claims: &Claims) -> Result<Permitted<Portal>, Refusal> {
    gateway.rates.client(client(claims), Instant::now()).map_err(Refusal::too_often)?;
    identify(parts, gateway, ActorRole::Portal, claims);
    if claims.person.is_some() {
        return Err(not_permitted(ProblemType::NotPermitted, "the token is a citizen's and not the portal's own"));
    }
    Permitted::<Portal>::grant(verified(claims), Portal, gateway.clock.now()).map_err(Refusal::from)
}

impl FromRequestParts<Arc<Gateway>> for OperatorCaller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        let claims = authenticate(parts, gateway, &gateway.reached.operations).await?;
        identify(parts, gateway, ActorRole::Operator, &claims);
        let operator = Operator { person: claims.person.clone() };
        Permitted::<Operator>::grant(verified(&claims), operator, gateway.clock.now()).map(Self).map_err(Refusal::from)
    }
}

impl FromRequestParts<Arc<Gateway>> for OfficeCaller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        let claims = authenticate(parts, gateway, &gateway.reached.portal).await?;
        gateway.rates.client(client(&claims), Instant::now()).map_err(Refusal::too_often)?;
        identify(parts, gateway, ActorRole::Office, &claims);
        let (Some(person), Some(organisation)) = (claims.person.clone(), claims.organisation.clone()) else {
            // What it lacks most is said first: a token for something else need not name an office.
            let why = "the token is of nobody, or of no organisation";
            return Err(match claims.scopes.contains(OFFICE_SCOPE) {
                true => not_permitted(ProblemType::NotPermitted, why),
                false => NotGranted::ScopeMissing(OFFICE_SCOPE).into(),
            });
        };
        let staff = OfficeStaff { person, organisation };
        Permitted::<OfficeStaff>::grant(verified(&claims), staff, gateway.clock.now()).map(Self).map_err(Refusal::from)
    }
}

impl FromRequestParts<Arc<Gateway>> for ClinicianCaller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        let claims = authenticate(parts, gateway, &gateway.reached.portal).await?;
        gateway.rates.client(client(&claims), Instant::now()).map_err(Refusal::too_often)?;
        identify(parts, gateway, ActorRole::Office, &claims);
        if !claims.scopes.contains(CLINICIAN_SCOPE) {
            return Err(NotGranted::ScopeMissing(CLINICIAN_SCOPE).into());
        }
        let Some(hpr_number) = claims.hpr else {
            return Err(not_permitted(ProblemType::NotPermitted, "the token has no HPR number"));
        };
        let (Some(person), Some(organisation)) = (claims.person.clone(), claims.organisation.clone()) else {
            return Err(not_permitted(ProblemType::NotPermitted, "the token is of nobody, or of no organisation"));
        };
        let clinician = Clinician { person, hpr_number, organisation };
        let granted = Permitted::<Clinician>::grant(verified(&claims), clinician, gateway.clock.now());
        granted.map(Self).map_err(Refusal::from)
    }
}

impl FromRequestParts<Arc<Gateway>> for AuditorCaller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        let claims = authenticate(parts, gateway, &gateway.reached.operations).await?;
        identify(parts, gateway, ActorRole::Auditor, &claims);
        let auditor = Auditor { person: claims.person.clone() };
        Permitted::<Auditor>::grant(verified(&claims), auditor, gateway.clock.now()).map(Self).map_err(Refusal::from)
    }
}

impl FromRequestParts<Arc<Gateway>> for LogReader {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        if gateway.open_log {
            return Ok(Self { actor: None });
        }
        let claims = authenticate(parts, gateway, &gateway.reached.operations).await?;
        let (verified, now, person) = (verified(&claims), gateway.clock.now(), claims.person.clone());
        if claims.scopes.contains(AUDITOR_SCOPE) {
            identify(parts, gateway, ActorRole::Auditor, &claims);
            Permitted::<Auditor>::grant(verified, Auditor { person }, now)?;
        } else {
            identify(parts, gateway, ActorRole::Operator, &claims);
            Permitted::<Operator>::grant(verified, Operator { person }, now)?;
        }
        Ok(Self { actor: Some(Envelope::of(parts).actor()) })
    }
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        let refusal = match error {
            // The issuer is down: it is not the caller who must mend something.
            TokenError::Key(KeyError::Unavailable(_)) => Self::of(ProblemType::Unavailable),
            _ => Self::of(ProblemType::Unauthenticated).challenged(Challenge::ValidToken),
        };
        refusal.because(RecordKind::TokenRefused, error.to_string())
    }
}

impl From<NotPossessed> for Refusal {
    fn from(error: NotPossessed) -> Self {
        let why = error.to_string();
        let (problem, challenge) = match error {
            // Nobody's proof is taken that could not be remembered; there is room again within a minute or two.
            NotPossessed::NoRoom => (ProblemType::Unavailable, None),
            NotPossessed::NeedsNonce { nonce } => (ProblemType::Unauthenticated, Some(Challenge::Nonce(nonce))),
            NotPossessed::NotOneProof | NotPossessed::Proof(_) | NotPossessed::Replayed => {
                (ProblemType::Unauthenticated, Some(Challenge::Proof))
            }
            NotPossessed::Unbound
            | NotPossessed::BoundToKey
            | NotPossessed::NotBoundToKey
            | NotPossessed::Certificate => (ProblemType::Unauthenticated, Some(Challenge::ValidToken)),
        };
        // To ask for a nonce is no suspicion: callers come without one whenever the gateway has started.
        let kind = match challenge {
            Some(Challenge::Nonce(_)) => RecordKind::Outcome,
            _ => RecordKind::TokenRefused,
        };
        let refusal = Self::of(problem).because(kind, why);
        match challenge {
            Some(challenge) => refusal.challenged(challenge),
            None => refusal,
        }
    }
}

impl From<NotGranted> for Refusal {
    fn from(error: NotGranted) -> Self {
        let refusal = not_permitted(error.problem(), error);
        match error {
            NotGranted::Expired => refusal.challenged(Challenge::ValidToken),
            NotGranted::ScopeMissing(scope) => refusal.challenged(Challenge::Scope(scope)),
            NotGranted::LevelTooLow => refusal,
        }
    }
}

fn not_permitted(problem: ProblemType, why: impl ToString) -> Refusal {
    Refusal::of(problem).because(RecordKind::PermissionRefused, why.to_string())
}

/// The claims of the request's token, from whoever it is bound to. `base`: where the listener is reached.
#[tracing::instrument(name = "authenticate", skip_all)]
async fn authenticate(parts: &Parts, gateway: &Gateway, base: &Url) -> Result<Arc<Claims>, Refusal> {
    let (scheme, token) = credentials(&parts.headers)?;
    let claims = gateway.verifier.verify(token).await?;
    let proofs: Vec<&[u8]> = parts.headers.get_all(DPOP).iter().map(HeaderValue::as_bytes).collect();
    let presented = Presented {
        scheme,
        token,
        proofs: &proofs,
        certificate: parts.extensions.get::<Peer>().and_then(|peer| peer.certificate.as_ref()),
        method: &parts.method,
        base,
        uri: &parts.uri,
    };
    let bearer = gateway.verifier.takes_bearer(&claims.issuer);
    // Before 1970 no certificate was valid either.
    let now = gateway.clock.now().as_second().unsigned_abs();
    if let Some(nonce) = gateway.possession.check(&presented, &claims.confirmation, bearer, now)? {
        Envelope::of(parts).next_nonce(nonce);
    }
    Ok(claims)
}

/// Whom it is about, and who acts for them: the token alone says so.
fn citizen(claims: &Claims) -> Option<Citizen> {
    let person = claims.person.clone()?;
    Some(match claims.representing.clone() {
        None => Citizen { national_identity_number: person, representative: None },
        Some(Representing { citizen, role, given_name, family_name }) => Citizen {
            national_identity_number: citizen,
            representative: Some(Representative { national_identity_number: person, given_name, family_name, role }),
        },
    })
}

/// Says who calls about nobody but themselves.
fn identify(parts: &Parts, gateway: &Gateway, role: ActorRole, claims: &Claims) {
    let person = claims.person.as_ref().map(|person| gateway.evidence.pseudonym(person));
    Envelope::of(parts).called_by(actor(role, claims, person));
}

fn actor(role: ActorRole, claims: &Claims, person: Option<String>) -> Actor {
    Actor { role, client: claims.client.clone(), level: person.as_ref().map(|_| claims.level), person }
}

/// Whose requests are counted together.
fn client(claims: &Claims) -> rates::Caller<'_> {
    rates::Caller::Client { issuer: &claims.issuer, client: &claims.client }
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

/// The token of exactly one `Authorization: DPoP …` (RFC 9449) or `Bearer …` (RFC 6750).
fn credentials(headers: &HeaderMap) -> Result<(Scheme, &str), Refusal> {
    let missing =
        |why: &str| Refusal::of(ProblemType::Unauthenticated).because(RecordKind::TokenRefused, why.to_owned());
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else {
        return Err(missing("there is not exactly one Authorization header"));
    };
    let (scheme, token) = value.to_str().ok().and_then(|value| value.split_once(' ')).unwrap_or_default();
    if scheme.eq_ignore_ascii_case("dpop") {
        Ok((Scheme::Dpop, token))
    } else if scheme.eq_ignore_ascii_case("bearer") {
        Ok((Scheme::Bearer, token))
    } else {
        Err(missing("the Authorization header holds no token of the schemes DPoP and Bearer"))
    }
}
