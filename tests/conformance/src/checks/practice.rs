//! What an office tells everyone, and the provider's forms.

use dialog_contract::service::{Locale, Service};

use crate::{
    Topic,
    check::{Check, Checked, Ended, broken, holds, same},
    run::Run,
};

pub(super) fn checks() -> Vec<Check> {
    let topic = Topic::PracticalInformation;
    vec![
        Check::new(topic, "open-to-all", "practical information is told to whoever asks", |run| {
            Box::pin(open_to_all(run))
        }),
        Check::new(topic, "reachable", "the office can be telephoned and found", |run| Box::pin(reachable(run))),
        Check::new(topic, "hours", "opening hours are told", |run| Box::pin(hours(run))),
        Check::new(topic, "clinicians", "the citizen's GP is among the clinicians, with working days", |run| {
            Box::pin(clinicians(run))
        }),
        Check::new(topic, "accessibility", "whoever needs a lift or a hearing loop is told", |run| {
            Box::pin(accessibility(run))
        }),
        Check::new(topic, "forms", "each form is for a service that the provider has, once", |run| {
            Box::pin(forms(run))
        }),
        Check::new(topic, "forms-answered", "answers that the form asks for fit it, and none does not", |run| {
            Box::pin(forms_answered(run))
        }),
        Check::new(topic, "forms-language", "forms speak the citizen's language", |run| Box::pin(language(run))),
        Check::new(topic, "down", "practical information that cannot be had is not made up", |run| Box::pin(down(run))),
    ]
}

async fn open_to_all(run: &Run) -> Checked {
    run.profile().await?;
    Ok(())
}

async fn reachable(run: &Run) -> Checked {
    let profile = run.profile().await?;
    holds(profile.telephone.is_some() && profile.address.is_some(), || "telephone or address is missing".to_owned())
}

async fn hours(run: &Run) -> Checked {
    let profile = run.profile().await?;
    holds(!profile.hours.is_empty(), || "no opening hours".to_owned())
}

async fn clinicians(run: &Run) -> Checked {
    let profile = run.profile().await?;
    let Some(gp) = &run.subject.clinician else {
        return holds(!profile.practitioners.is_empty(), || "no clinicians".to_owned());
    };
    let found = profile.practitioners.iter().find(|one| one.clinician.hpr_number == gp.hpr_number);
    holds(found.is_some_and(|one| !one.weekdays.is_empty()), || "the GP is missing, or never at work".to_owned())
}

async fn accessibility(run: &Run) -> Checked {
    let profile = run.profile().await?;
    holds(profile.accessibility.is_some(), || "nothing is told of it".to_owned())
}

async fn forms(run: &Run) -> Checked {
    let forms = run.forms(Locale::Nb).await?;
    let named = &run.package.manifest.services;
    let strange: Vec<_> =
        forms.iter().filter(|form| !named.contains(&form.service)).map(|form| form.service.as_str()).collect();
    holds(strange.is_empty(), || format!("forms for services that it does not have: {}", strange.join(", ")))
}

async fn forms_answered(run: &Run) -> Checked {
    let forms = run.forms(Locale::Nb).await?;
    if forms.is_empty() {
        return Err(Ended::NotOffered("the provider has no forms".to_owned()));
    }
    for form in forms {
        let Ok(schema) = jsonschema::validator_for(&form.schema) else {
            return broken(format!("the form for {} is no JSON Schema", form.service.as_str()));
        };
        let Some(answers) = run.stage().form(form.service) else {
            return broken(format!("the stage has no answers to the form for {}", form.service.as_str()));
        };
        holds(schema.is_valid(&answers), || format!("the answers do not fit the form for {}", form.service.as_str()))?;
        holds(!schema.is_valid(&serde_json::json!({ "no such question": [] })), || {
            format!("the form for {} takes anything", form.service.as_str())
        })?;
    }
    Ok(())
}

async fn language(run: &Run) -> Checked {
    let (nb, en) = (run.forms(Locale::Nb).await?, run.forms(Locale::En).await?);
    if nb.is_empty() {
        return Err(Ended::NotOffered("the provider has no forms".to_owned()));
    }
    let services =
        |forms: &[dialog_contract::provider::Form]| -> Vec<Service> { forms.iter().map(|form| form.service).collect() };
    same("the forms in English", &services(&en), &services(&nb))?;
    holds(nb.iter().zip(&en).all(|(nb, en)| nb.title != en.title), || "titles are the same in both".to_owned())
}

async fn down(run: &Run) -> Checked {
    use dialog_contract::provider::Failure;
    run.stage().reachable(false).await?;
    let ended = run.profile().await;
    run.stage().reachable(true).await?;
    match ended {
        // A provider may keep it in its plugin: then it is the same as ever.
        Ok(profile) => holds(Ok(profile) == run.profile().await, || "it was another while it was down".to_owned()),
        Err(Failure::Unavailable(_)) => Ok(()),
        Err(other) => Err(other.into()),
    }
}
