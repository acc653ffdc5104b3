//! Written requests for appointments: one is given, moved, and cancelled, in writing.

use dialog_contract::{
    ids::DialogId,
    provider::{Appointment, AppointmentChangeKind, EventBody, Opening},
};

use super::written::open;
use crate::{
    Answer, Topic,
    check::{Check, Checked, broken, same},
    run::{Run, in_hours, message},
};

pub(super) fn checks() -> Vec<Check> {
    let topic = Topic::AppointmentRequest;
    vec![
        Check::new(topic, "arranged", "the office gives a time, and the citizen has it", |run| {
            Box::pin(async move { arranged(run).await.map(drop) })
        }),
        Check::new(topic, "moved", "the citizen asks for another time in writing, and the office reads it", |run| {
            Box::pin(moved(run))
        }),
        Check::new(topic, "cancelled", "the citizen cancels in writing, and the office reads it", |run| {
            Box::pin(cancelled(run))
        }),
    ]
}

/// An appointment that the office gave on request.
async fn arranged(run: &Run) -> Checked<Appointment> {
    let reference = open(run, Topic::AppointmentRequest, "Kan jeg få time neste uke?").await?;
    let start = in_hours(24 * 5);
    run.stage().answer(&reference, Answer::Arrange { start }).await?;
    let ours =
        |body: &EventBody| matches!(body, EventBody::Appointment { dialog, .. } if dialog.as_ref() == Some(&reference));
    let event = run.news("the appointment", ours).await?;
    let EventBody::Appointment { kind, appointment, office, .. } = event.body else {
        return broken("the appointment went away");
    };
    same("what became of it", &kind, &AppointmentChangeKind::Booked)?;
    same("its office", &office, &run.subject.office.her_id)?;
    same("its time", &appointment.start, &start)?;
    Ok(appointment)
}

async fn moved(run: &Run) -> Checked {
    let appointment = arranged(run).await?.id;
    let opening =
        Opening::AppointmentChange { appointment, message: message("Kan den flyttes?"), preferred: Vec::new() };
    let reference = run.open(run.context(), DialogId::new(), opening).await?.reference;
    has(run, &reference, "Kan den flyttes?").await
}

async fn cancelled(run: &Run) -> Checked {
    let appointment = arranged(run).await?.id;
    let opening = Opening::AppointmentCancel { appointment, message: Some(message("Jeg kan ikke komme.")) };
    let reference = run.open(run.context(), DialogId::new(), opening).await?.reference;
    has(run, &reference, "Jeg kan ikke komme.").await
}

async fn has(run: &Run, reference: &str, text: &str) -> Checked {
    let texts = run.stage().received(reference).await?.texts;
    crate::check::holds(texts.iter().any(|seen| seen.contains(text)), || format!("the office reads {texts:?}"))
}
