//! Surveys: choices, never text.

use dialog_contract::{
    provider::Failure,
    service::Locale,
    survey::{Answer, Questionnaire},
};

use crate::{
    Topic,
    check::{Check, Checked, Ended, broken, holds, same, told},
    run::Run,
};

pub(super) fn checks() -> Vec<Check> {
    let topic = Topic::Survey;
    vec![
        Check::new(topic, "open", "a survey is open for the citizen, and has questions", |run| Box::pin(open(run))),
        Check::new(topic, "language", "it speaks the citizen's language", |run| Box::pin(language(run))),
        Check::new(topic, "answered", "answers are taken, and the survey is open no more", |run| {
            Box::pin(answered(run))
        }),
        Check::new(topic, "unknown", "answers to a survey that there is not are not taken", |run| {
            Box::pin(unknown(run))
        }),
        Check::new(
            topic,
            "down",
            "while the provider cannot be reached, answers are not taken and that is said",
            |run| Box::pin(down(run)),
        ),
    ]
}

async fn survey(run: &Run) -> Checked<Questionnaire> {
    run.stage().asks().await?;
    run.survey(Locale::Nb).await?.ok_or_else(|| Ended::Broken("no survey is open".to_owned()))
}

fn answers(survey: &Questionnaire) -> Vec<Answer> {
    let answer = |question: &dialog_contract::survey::Question| {
        let choice = question.choices.first()?.id.clone();
        Some(Answer { question: question.id.clone(), choice })
    };
    survey.questions.iter().filter_map(answer).collect()
}

async fn open(run: &Run) -> Checked {
    let survey = survey(run).await?;
    holds(!survey.questions.is_empty(), || "it has no question".to_owned())
}

async fn language(run: &Run) -> Checked {
    let nb = survey(run).await?;
    let Some(en) = run.survey(Locale::En).await? else { return broken("in English there is none") };
    same("the survey in English", &en.id, &nb.id)?;
    holds(en.title != nb.title, || format!("{:?} in both", en.title))
}

async fn answered(run: &Run) -> Checked {
    let survey = survey(run).await?;
    run.submit(&survey.id, answers(&survey)).await?;
    let open = run.survey(Locale::Nb).await?;
    holds(open.is_none_or(|other| other.id != survey.id), || "it is still open".to_owned())
}

async fn unknown(run: &Run) -> Checked {
    let survey = survey(run).await?;
    match run.submit("no-such-survey", answers(&survey)).await {
        Err(Failure::NotFound(_) | Failure::Conflict(_)) => Ok(()),
        Err(other) => broken(told(&other)),
        Ok(()) => broken("they were taken"),
    }
}

async fn down(run: &Run) -> Checked {
    let survey = survey(run).await?;
    run.stage().reachable(false).await?;
    let ended = run.submit(&survey.id, answers(&survey)).await;
    run.stage().reachable(true).await?;
    match ended {
        Err(Failure::Unavailable(_)) => Ok(()),
        Err(other) => broken(told(&other)),
        Ok(()) => broken("they were taken"),
    }
}
