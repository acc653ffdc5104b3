//! Certificates: one is issued, as a file.

use dialog_contract::provider::EventBody;

use super::written::open;
use crate::{
    Answer, Topic,
    check::{Check, Checked, broken, holds, same},
    run::Run,
};

pub(super) fn checks() -> Vec<Check> {
    vec![Check::new(Topic::Certificate, "issued", "the certificate comes as a PDF", |run| Box::pin(issued(run)))]
}

async fn issued(run: &Run) -> Checked {
    let reference = open(run, Topic::Certificate, "Jeg trenger en attest.").await?;
    run.stage().answer(&reference, Answer::Certify).await?;
    let with_file = |body: &EventBody| matches!(body, EventBody::Message { dialog, message, .. } if *dialog == reference && !message.attachments.is_empty());
    let event = run.news("the certificate", with_file).await?;
    let EventBody::Message { message, .. } = &event.body else { return broken("the certificate went away") };
    let (kind, bytes) = run.download(&message.attachments[0]).await?;
    same("its kind", &kind.as_str(), &"application/pdf")?;
    holds(bytes.starts_with(b"%PDF-"), || format!("it is {} bytes of something else", bytes.len()))
}
