//! The providers on trial: every plugin of this repository before the checks of `dialog-conformance`, with the simulated
//! back ends as its stage.
//!
//! - [`play`]: all of them, or some; [`rooms`]: their back ends; [`subject`]: a plugin with its room. [`ddfl`],
//!   [`helserespons`], [`besoklegen`], [`pasientsky`], [`cgm_eportal`], [`kry`]: what people at their offices do.

pub mod besoklegen;
pub mod cgm_eportal;
pub mod ddfl;
pub mod helserespons;
pub mod kry;
pub mod pasientsky;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use dialog_conformance::{Moment, Report, Stage, Subject, Topic, Trouble, Unable, run};
use dialog_contract::{
    dialog::Clinician,
    provider::{Citizen, Office},
};
use dialog_host::PluginConfig;
use serde_json::Value;

use crate::{
    house::{
        plugins,
        rooms::{self, Besoklegen, CgmEportal, Ddfl, Helserespons, Kry, Pasientsky, Room},
    },
    sim::{
        trouble::{self, Availability, Call, HttpFault},
        world::{self, Solution},
    },
};

/// Whom a provider is tried with: an office of the world that uses it, and two citizens.
pub struct Trial {
    /// The office.
    pub office: &'static world::Office,
    /// On the list of a GP there.
    pub citizen: &'static world::Citizen,
    /// Who may act for the first.
    pub other: &'static world::Citizen,
    /// What the office agreed.
    pub agreed: Vec<Topic>,
    /// The vendor's side.
    pub stage: Arc<dyn Stage>,
}

/// Every room, with its back end started, and no gateway.
pub async fn rooms() -> anyhow::Result<Vec<Box<dyn Room>>> {
    let anywhere = [SocketAddr::from(([127, 0, 0, 1], 0)); 2];
    let (_, ddfl) = Ddfl::start(anywhere).await?;
    let (_, helserespons) = Helserespons::start(anywhere).await?;
    let (_, besoklegen) = Besoklegen::start(anywhere).await?;
    let (_, pasientsky) = Pasientsky::start(anywhere).await?;
    let (_, cgm_eportal) = CgmEportal::start(anywhere).await?;
    let (_, kry) = Kry::start(anywhere).await?;
    Ok(vec![
        Box::new(ddfl),
        Box::new(helserespons),
        Box::new(besoklegen),
        Box::new(pasientsky),
        Box::new(cgm_eportal),
        Box::new(kry),
    ])
}

/// Plays every check with the plugins that are wanted (all when none is named), all at once, and gives what came of each in
/// the order of the rooms. `tell` hears of every check as it begins: plugin, number, how many, name.
///
/// # Errors
/// A plugin is wanted that is not here, cannot be built, or is not taken by the host.
pub async fn play(
    wanted: &[String],
    tell: impl FnMut(&str, usize, usize, &str) + Clone + Send + 'static,
) -> anyhow::Result<Vec<Report>> {
    let built = tokio::task::spawn_blocking(plugins::built).await??;
    let rooms = rooms().await?;
    if let Some(unknown) = wanted.iter().find(|id| !rooms.iter().any(|room| room.solution().plugin() == **id)) {
        let known: Vec<_> = rooms.iter().map(|room| room.solution().plugin()).collect();
        anyhow::bail!("there is no plugin {unknown}: there are {}", known.join(", "));
    }
    let mut running = tokio::task::JoinSet::new();
    for (at, room) in rooms.into_iter().enumerate() {
        let id = room.solution().plugin();
        if !wanted.is_empty() && !wanted.iter().any(|one| one == id) {
            continue;
        }
        let (_, component) =
            built.iter().find(|(built, _)| built == id).with_context(|| format!("no {id} was built"))?;
        let (folder, mut tell) = (tempfile::tempdir()?, tell.clone());
        let subject = subject(room.as_ref(), component, folder.path())?;
        running.spawn(async move {
            // The secrets lie there for as long as the plugin runs.
            let _folder = folder;
            let report = run(subject, &mut |number, of, name| tell(id, number, of, name)).await;
            report.map(|report| (at, report))
        });
    }
    let mut reports = Vec::new();
    while let Some(done) = running.join_next().await {
        reports.push(done??);
    }
    reports.sort_by_key(|(at, _)| *at);
    Ok(reports.into_iter().map(|(_, report)| report).collect())
}

/// A plugin with its room, ready to be checked. `folder` is for its secrets.
pub fn subject(room: &dyn Room, component: &Path, folder: &Path) -> anyhow::Result<Subject> {
    let Trial { office, citizen, other, agreed, stage } = room.trial();
    for (name, content) in room.secrets() {
        std::fs::write(folder.join(name), content)?;
    }
    let gp = office.gp(citizen.gp_hpr).context("the citizen's GP")?;
    Ok(Subject {
        component: std::fs::read(component).with_context(|| component.display().to_string())?,
        config: config(room, folder)?,
        cache: plugins::cache(),
        office: Office {
            her_id: office.service_her_id.try_into()?,
            organisation_her_id: office.her_id.try_into()?,
            organisation_number: office.organisation_number.parse()?,
            name: office.service_name.to_owned(),
        },
        settings: rooms::settings(office, room.solution()),
        clinician: Some(Clinician {
            hpr_number: gp.hpr.parse()?,
            her_id: Some(gp.her_id.try_into()?),
            given_name: gp.given_name.to_owned(),
            family_name: gp.family_name.to_owned(),
        }),
        citizen: person(citizen)?,
        other: person(other)?,
        agreed,
        stage,
    })
}

fn person(citizen: &world::Citizen) -> anyhow::Result<Citizen> {
    Ok(Citizen {
        reference: format!("reference-of-{}", citizen.given_name.to_lowercase()),
        national_identity_number: citizen.national_id.parse()?,
        given_name: citizen.given_name.to_owned(),
        family_name: citizen.family_name.to_owned(),
        mobile: Some("+4790000000".to_owned()),
    })
}

/// The room's table, as the host reads it: without what the server alone needs, and with files where they are.
fn config(room: &dyn Room, folder: &Path) -> anyhow::Result<PluginConfig> {
    let mut table = room.table();
    if let Some(table) = table.as_object_mut() {
        table.retain(|key, _| matches!(key.as_str(), "grant" | "upstreams" | "installation"));
        table.insert("package".to_owned(), Value::from(""));
    }
    find_files(&mut table, folder);
    serde_json::from_value(table).context("the room's table")
}

fn find_files(value: &mut Value, folder: &Path) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match member {
                    Value::String(path)
                        if matches!(key.as_str(), "file" | "certificate" | "certificate-authorities") =>
                    {
                        let found: PathBuf = folder.join(&*path);
                        *path = found.display().to_string();
                    }
                    other => find_files(other, folder),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| find_files(item, folder)),
        _ => {}
    }
}

/// Makes a back end answer, or refuse connections.
async fn reachable(trouble: &trouble::Trouble, yes: bool) -> Result<(), Unable> {
    let availability = if yes { Availability::Up } else { Availability::Refuse };
    trouble.set_availability(availability).await.map_err(Unable::failed)
}

/// Spoils the next fitting exchange.
fn spoil(trouble: &trouble::Trouble, moment: Moment, how: Trouble) {
    let call = match (moment, how) {
        (Moment::HandOver, _) => Call::Post,
        (Moment::News, _) => Call::News,
        (Moment::LookUp, _) => Call::Read,
    };
    let fault = match how {
        Trouble::Status(status) => HttpFault::Status(status),
        Trouble::CutOff => HttpFault::TruncatedBody,
        Trouble::Page => HttpFault::Html,
        Trouble::OtherShape => HttpFault::WrongType,
        Trouble::Garbled => HttpFault::MalformedJson,
    };
    trouble.fail_next(call, fault);
}

/// What this solution calls the office.
fn account(office: &'static world::Office, solution: Solution) -> Result<&'static str, Unable> {
    office.account(solution).ok_or_else(|| Unable::failed("the office does not use it"))
}
