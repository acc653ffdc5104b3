//! What all written services have in common: a dialog is opened, goes to and fro, and ends; and what goes wrong.

use dialog_contract::{
    dialog::Attachment,
    ids::DialogId,
    prescription::Renewability,
    provider::{DialogStatus, EventBody, Failure, Message, OfficeMessage, Opening, Period, RenewalItem},
    service::{Closing, ConsultationMode, Sent, Service},
};

use crate::{
    Answer, Moment, Topic, Trouble, Unable,
    check::{Check, Checked, Ended, broken, holds, same, told},
    run::{Run, in_hours, message},
};

/// The services.
pub(super) const WRITTEN: [Topic; 7] = [
    Topic::ConsultationText,
    Topic::ConsultationImage,
    Topic::Inquiry,
    Topic::AppointmentRequest,
    Topic::PrescriptionRenewal,
    Topic::SickNoteRenewal,
    Topic::Certificate,
];

/// Letters that a careless encoding loses.
pub(super) const LETTERS: &str = "Blåbær, ærfugl, øre – «sitat» Čáhci Kárášjohka naïve 😀";

/// What markup and templates are made of.
pub(super) const MARKUP: &str = r#"5 < 6 & 7 > 2: <b>"sitat"</b> 'apostrof' &amp; ]]> {{x}} %20 \n ${y}"#;

/// The longest text that a citizen can write, in characters.
const LONGEST: usize = 8_000;

/// A small picture (PNG): one dot.
pub(super) const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
\0\0\0\rIDATx\x9cc\xf8\xff\xff?\0\x05\xfe\x02\xfe\xa7\x9a\xa0\xa0\0\0\0\0IEND\xaeB`\x82";

type Written = for<'a> fn(&'a Run, Topic) -> futures_util::future::BoxFuture<'a, Checked>;

macro_rules! written {
    ($($id:literal, $title:literal, $play:ident;)*) => {
        [$(($id, $title, (|run, topic| Box::pin($play(run, topic))) as Written),)*]
    };
}

pub(super) fn checks() -> Vec<Check> {
    let each = written![
        "opens", "a dialog is opened, and the provider has a reference for it", opens;
        "once", "a request that is repeated with its key is done once", once;
        "apart", "two requests with keys of their own are two dialogs", apart;
        "arrives", "what the citizen wrote is what the office reads, to the letter", arrives;
        "longest", "the longest text comes whole, or is refused with its limit before anything is sent", longest;
        "lines", "lines and blank lines are kept", lines;
        "markup", "what looks like markup is text", markup;
        "files", "a file comes byte for byte", files;
        "represented", "who acts for the citizen can open it", represented;
        "answered", "the office's answer comes into the dialog, to the letter", answered;
        "answered-with-file", "a file of the office's comes byte for byte", answered_with_file;
        "goes-on", "the citizen writes again, and the office reads it", goes_on;
        "goes-on-once", "a message that is repeated with its key is there once", goes_on_once;
        "ends", "the office ends it, and it has ended as answered", ends;
        "declined", "the office says no, and it has ended as declined", declined;
        "redirected", "the office names another service, and it has ended so", redirected;
        "withdrawn", "the citizen takes it back", withdrawn;
        "down", "while the provider cannot be reached, nothing is sent and that is said", down;
        "busy", "a provider that is too busy is unavailable, and nothing is sent", busy;
        "too-many", "a provider that wants fewer requests says when to come back", too_many;
        "fails", "an error of the provider's is no answer of the office's", fails;
        "page", "a page for people in place of an answer leaves it unknown", page;
        "cut-off", "an answer that breaks off leaves it unknown", cut_off;
        "garbled", "an answer that is not well-formed leaves it unknown", garbled;
        "other-shape", "an answer of another shape leaves it unknown", other_shape;
    ];
    let mut all = Vec::new();
    for topic in WRITTEN {
        for (id, title, play) in each {
            all.push(Check::new(topic, id, title, move |run| play(run, topic)));
        }
    }
    all
}

/// What the citizen opens a dialog of this kind with.
pub(super) async fn opening(run: &Run, topic: Topic, mut message: Message) -> Checked<Opening> {
    Ok(match topic {
        Topic::ConsultationText => Opening::Consultation {
            mode: ConsultationMode::Text,
            message,
            form: run.stage().form(Service::Consultation),
        },
        Topic::ConsultationImage => {
            if message.attachments.is_empty() {
                message.attachments.push(picture(run).await?);
            }
            let form = run.stage().form(Service::Consultation);
            Opening::Consultation { mode: ConsultationMode::Image, message, form }
        }
        Topic::Inquiry => Opening::Inquiry { message },
        Topic::AppointmentRequest => {
            let preferred = vec![Period { start: in_hours(72), end: in_hours(76) }];
            Opening::AppointmentRequest { message, preferred }
        }
        Topic::PrescriptionRenewal => Opening::PrescriptionRenewal { items: items(run).await?, message: Some(message) },
        Topic::SickNoteRenewal => Opening::SickNoteRenewal {
            message,
            valid_until: jiff::Zoned::now().date().saturating_add(jiff::Span::new().days(5)),
            degree: 50,
        },
        Topic::Certificate => Opening::Certificate {
            purpose: "Førerkort klasse B".to_owned(),
            message,
            form: run.stage().form(Service::Certificate),
        },
        _ => return broken("the suite has no such dialog"),
    })
}

/// Two prescriptions: of those that can be renewed, where the provider tells.
pub(super) async fn items(run: &Run) -> Checked<Vec<RenewalItem>> {
    let item = |id: &str, medicine: &str, atc: Option<String>| RenewalItem {
        id: id.to_owned(),
        medicine: medicine.to_owned(),
        atc,
        note: None,
        eprescription: None,
    };
    if run.package.exports.contains(&dialog_contract::provider::Interface::Prescriptions) {
        let known = run.renewable().await?;
        let can = known.iter().filter(|one| one.renewability == Renewability::Renewable);
        let items: Vec<_> = can.take(2).map(|one| item(&one.id, &one.medicine, one.atc.clone())).collect();
        holds(items.len() == 2, || "the citizen has fewer than two prescriptions that can be renewed".to_owned())?;
        return Ok(items);
    }
    Ok(vec![
        item("a", "Enalapril tabletter 10 mg", Some("C09AA02".to_owned())),
        item("b", "Levaxin tabletter 50 mikrog", Some("H03AA01".to_owned())),
    ])
}

async fn picture(run: &Run) -> Checked<Attachment> {
    run.upload("bilde.png", PICTURE).await
}

/// Opens a dialog with this text; gives the provider's reference.
pub(super) async fn open(run: &Run, topic: Topic, text: &str) -> Checked<String> {
    let opening = opening(run, topic, message(text)).await?;
    Ok(run.open(run.context(), DialogId::new(), opening).await?.reference)
}

async fn opens(run: &Run, topic: Topic) -> Checked {
    let reference = open(run, topic, "Hei, jeg lurer på noe.").await?;
    holds(!reference.trim().is_empty() && reference.chars().count() <= 256, || format!("reference {reference:?}"))
}

async fn once(run: &Run, topic: Topic) -> Checked {
    if !run.package.manifest.idempotent {
        return Err(Ended::NotOffered("the manifest does not promise it".to_owned()));
    }
    let (ctx, dialog) = (run.context(), DialogId::new());
    let opening = opening(run, topic, message("Bare én gang, takk.")).await?;
    let first = run.open(ctx.clone(), dialog, opening.clone()).await?.reference;
    let again = run.open(ctx, dialog, opening).await?.reference;
    same("the reference of the repeated request", &again, &first)?;
    let texts = run.stage().received(&first).await?.texts;
    holds(texts.iter().filter(|text| text.contains("Bare én gang")).count() <= 1, || {
        format!("the office has {texts:?}")
    })
}

async fn apart(run: &Run, topic: Topic) -> Checked {
    let first = open(run, topic, "Det samme spørsmålet.").await?;
    let second = open(run, topic, "Det samme spørsmålet.").await?;
    holds(first != second, || format!("both are {first:?}"))
}

/// The office has this text, of the citizen's, in this dialog.
pub(super) async fn reads(run: &Run, reference: &str, text: &str) -> Checked {
    let received = run.stage().received(reference).await?;
    let has = received.texts.iter().any(|seen| normal(seen).contains(&normal(text)));
    holds(has, || format!("the office reads {:?}", shortened(&received.texts)))
}

/// Line ends are the transport's; everything else is the citizen's.
pub(super) fn normal(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}

fn shortened(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| text.chars().take(200).collect()).collect()
}

async fn text_arrives(run: &Run, topic: Topic, text: &str) -> Checked {
    let reference = open(run, topic, text).await?;
    reads(run, &reference, text).await
}

async fn arrives(run: &Run, topic: Topic) -> Checked {
    text_arrives(run, topic, LETTERS).await
}

async fn longest(run: &Run, topic: Topic) -> Checked {
    let text = "Åpent spørsmål. ".repeat(LONGEST / 16);
    let text = format!("{}slutt", &text[..text.char_indices().nth(LONGEST - 5).map_or(text.len(), |(at, _)| at)]);
    let opening = opening(run, topic, message(&text)).await?;
    match run.open(run.context(), DialogId::new(), opening).await {
        Ok(opened) => reads(run, &opened.reference, &text).await,
        // A record system may have less room: the citizen is told of which field, and how much it takes.
        Err(Failure::Invalid(errors)) => {
            let named = errors.iter().any(|error| {
                error.pointer == "/message/text" && error.detail.chars().any(|letter| letter.is_ascii_digit())
            });
            holds(named, || told(&Failure::Invalid(errors)))
        }
        Err(other) => Err(other.into()),
    }
}

async fn lines(run: &Run, topic: Topic) -> Checked {
    text_arrives(run, topic, "Første linje\nandre linje\n\nEtter en tom linje\tmed tabulator").await
}

async fn markup(run: &Run, topic: Topic) -> Checked {
    text_arrives(run, topic, MARKUP).await
}

async fn files(run: &Run, topic: Topic) -> Checked {
    let mut with_file = message("Se vedlegget.");
    with_file.attachments.push(picture(run).await?);
    let opening = opening(run, topic, with_file).await?;
    let reference = match run.open(run.context(), DialogId::new(), opening).await {
        Ok(opened) => opened.reference,
        // A provider may say that a service of its takes no files, in plain words and before anything is sent.
        Err(Failure::Invalid(_) | Failure::Declined(_)) if topic != Topic::ConsultationImage => {
            return Err(Ended::NotOffered("this service takes no files, and says so".to_owned()));
        }
        Err(other) => return Err(other.into()),
    };
    let received = run.stage().received(&reference).await?;
    holds(received.files.iter().any(|file| file == PICTURE), || {
        format!("the office has {} files", received.files.len())
    })
}

async fn represented(run: &Run, topic: Topic) -> Checked {
    let opening = opening(run, topic, message("Jeg skriver for barnet mitt.")).await?;
    match run.open(run.represented(), DialogId::new(), opening).await {
        Ok(opened) => reads(run, &opened.reference, "Jeg skriver for barnet mitt.").await,
        Err(Failure::Declined(_)) => {
            Err(Ended::NotOffered("the provider takes nothing on behalf of others".to_owned()))
        }
        Err(other) => Err(other.into()),
    }
}

/// What the office wrote in a dialog, where an event says so.
fn written(body: &EventBody, reference: &str) -> Option<(OfficeMessage, Option<DialogStatus>)> {
    match body {
        EventBody::Message { dialog, message, status, .. } if dialog == reference => {
            Some((message.clone(), Some(*status)))
        }
        EventBody::Renewal { dialog, message: Some(message), status, .. } if dialog == reference => {
            Some((message.clone(), Some(*status)))
        }
        _ => None,
    }
}

/// Where an event says that a dialog stands.
pub(super) fn stands(body: &EventBody, reference: &str) -> Option<DialogStatus> {
    match body {
        EventBody::Message { dialog, status, .. }
        | EventBody::Status { dialog, status, .. }
        | EventBody::Renewal { dialog, status, .. }
            if dialog == reference =>
        {
            Some(*status)
        }
        _ => None,
    }
}

pub(super) async fn reply(run: &Run, reference: &str, text: &str, file: Option<crate::File>) -> Checked<OfficeMessage> {
    run.stage().answer(reference, Answer::Reply { text: text.to_owned(), file }).await?;
    let event = run.news("the office's answer", |body| written(body, reference).is_some()).await?;
    match written(&event.body, reference) {
        Some((message, _)) => Ok(message),
        None => broken("the answer went away"),
    }
}

async fn answered(run: &Run, topic: Topic) -> Checked {
    let reference = open(run, topic, "Kan jeg få svar?").await?;
    let text = format!("{LETTERS}\n{MARKUP}");
    let message = reply(run, &reference, &text, None).await?;
    holds(normal(&message.text).contains(&normal(&text)), || format!("the citizen reads {:?}", message.text))
}

async fn answered_with_file(run: &Run, topic: Topic) -> Checked {
    let reference = open(run, topic, "Kan jeg få et bilde?").await?;
    let file = crate::File { name: "svar.png".to_owned(), bytes: PICTURE.to_vec() };
    let message = reply(run, &reference, "Her er det.", Some(file)).await?;
    let Some(attachment) = message.attachments.first() else { return broken("the answer has no file") };
    let (kind, bytes) = run.download(attachment).await?;
    same("the kind of the file", &kind.as_str(), &"image/png")?;
    holds(bytes == PICTURE, || format!("the file has {} bytes", bytes.len()))
}

async fn goes_on(run: &Run, topic: Topic) -> Checked {
    let reference = open(run, topic, "Første melding.").await?;
    reply(run, &reference, "Fortell mer.", None).await?;
    send(run, &reference, "Andre melding.").await?;
    reads(run, &reference, "Andre melding.").await
}

/// Writes again; a service where nobody can says so with a no.
async fn send(run: &Run, reference: &str, text: &str) -> Checked {
    match run.send(run.context(), reference, message(text)).await {
        Err(Failure::Declined(_)) => Err(Ended::NotOffered("no further messages in this service".to_owned())),
        other => Ok(other?),
    }
}

async fn goes_on_once(run: &Run, topic: Topic) -> Checked {
    if !run.package.manifest.idempotent {
        return Err(Ended::NotOffered("the manifest does not promise it".to_owned()));
    }
    let reference = open(run, topic, "Første melding.").await?;
    reply(run, &reference, "Fortell mer.", None).await?;
    let (ctx, more) = (run.context(), message("Gjentatt melding."));
    match run.send(ctx.clone(), &reference, more.clone()).await {
        Err(Failure::Declined(_)) => {
            return Err(Ended::NotOffered("no further messages in this service".to_owned()));
        }
        other => other?,
    }
    run.send(ctx, &reference, more).await?;
    let texts = run.stage().received(&reference).await?.texts;
    same("times that the office has it", &texts.iter().filter(|text| text.contains("Gjentatt")).count(), &1)
}

/// The office does something that ends the dialog, and it has ended like that.
pub(super) async fn ended(run: &Run, topic: Topic, answer: Answer, how: Closing) -> Checked<EventBody> {
    let reference = open(run, topic, "Hvordan går det med saken?").await?;
    run.stage().answer(&reference, answer).await?;
    let closed = |body: &EventBody| matches!(stands(body, &reference), Some(DialogStatus::Closed(_)));
    let event = run.news("the end of the dialog", closed).await?;
    same("how it ended", &stands(&event.body, &reference), &Some(DialogStatus::Closed(how)))?;
    Ok(event.body)
}

async fn ends(run: &Run, topic: Topic) -> Checked {
    ended(run, topic, Answer::Finish { text: "Det er i orden.".to_owned() }, Closing::Answered).await.map(drop)
}

async fn declined(run: &Run, topic: Topic) -> Checked {
    ended(run, topic, Answer::Decline { text: "Det kan vi ikke hjelpe med.".to_owned() }, Closing::Declined)
        .await
        .map(drop)
}

async fn redirected(run: &Run, topic: Topic) -> Checked {
    if matches!(topic, Topic::ConsultationText | Topic::ConsultationImage) {
        return Err(Ended::NotOffered("this is what others are sent to".to_owned()));
    }
    let answer = Answer::Redirect { to: Service::Consultation, text: "Send en e-konsultasjon.".to_owned() };
    match ended(run, topic, answer, Closing::Redirected).await? {
        EventBody::Message { redirect, .. } => same("the other service", &redirect, &Some(Service::Consultation)),
        _ => Ok(()),
    }
}

async fn withdrawn(run: &Run, topic: Topic) -> Checked {
    let reference = open(run, topic, "Jeg tar det tilbake.").await?;
    match run.close(run.context(), &reference).await {
        Ok(()) => Ok(()),
        Err(Failure::Declined(_)) => Err(Ended::NotOffered("the provider does not take withdrawals".to_owned())),
        Err(other) => Err(other.into()),
    }
}

/// Opens a dialog in which something goes wrong, and gives how the call ended and the reference that a repetition with the
/// same key has.
async fn troubled(
    run: &Run,
    topic: Topic,
    trouble: impl AsyncFnOnce() -> Result<(), Unable>,
    down: bool,
) -> Checked<Result<String, Failure>> {
    let opening = opening(run, topic, message("Når det går galt.")).await?;
    let (ctx, dialog) = (run.context(), DialogId::new());
    trouble().await?;
    let mut ended = run.open(ctx.clone(), dialog, opening.clone()).await;
    // A connection that stood may be cut with the request in it: nobody can know of that one. The next makes its own.
    if down && matches!(&ended, Err(Failure::Unavailable(outage)) if outage.sent == Sent::Unknown) {
        ended = run.open(ctx.clone(), dialog, opening.clone()).await;
    }
    run.stage().reachable(true).await?;
    if run.package.manifest.idempotent {
        let again = run.open(ctx, dialog, opening).await;
        let reference = match again {
            Ok(opened) => opened.reference,
            Err(failure) => return broken(format!("repeated when all is well: {}", told(&failure))),
        };
        let texts = run.stage().received(&reference).await?.texts;
        let times = texts.iter().filter(|text| text.contains("Når det går galt")).count();
        holds(times <= 1, || format!("after the repetition the office has it {times} times"))?;
    }
    Ok(ended.map(|opened| opened.reference))
}

/// Nothing was sent, and the provider is unavailable.
fn nothing_sent(ended: &Result<String, Failure>) -> Checked {
    match ended {
        Err(Failure::Unavailable(outage)) if outage.sent == Sent::No => Ok(()),
        Err(other) => broken(told(other)),
        Ok(_) => broken("the call succeeded"),
    }
}

async fn down(run: &Run, topic: Topic) -> Checked {
    let refuse = async || run.stage().reachable(false).await;
    nothing_sent(&troubled(run, topic, refuse, true).await?)
}

async fn hand_over_fails(run: &Run, topic: Topic, trouble: Trouble) -> Checked<Result<String, Failure>> {
    troubled(run, topic, async || run.stage().trouble(Moment::HandOver, trouble).await, false).await
}

async fn busy(run: &Run, topic: Topic) -> Checked {
    nothing_sent(&hand_over_fails(run, topic, Trouble::Status(503)).await?)
}

async fn too_many(run: &Run, topic: Topic) -> Checked {
    let ended = hand_over_fails(run, topic, Trouble::Status(429)).await?;
    nothing_sent(&ended)?;
    match ended {
        Err(Failure::Unavailable(outage)) => same("when to come back, in seconds", &outage.retry_after, &Some(1)),
        _ => Ok(()),
    }
}

async fn fails(run: &Run, topic: Topic) -> Checked {
    match hand_over_fails(run, topic, Trouble::Status(500)).await? {
        Err(Failure::Unavailable(_) | Failure::Faulty(_)) => Ok(()),
        Err(other) => broken(told(&other)),
        Ok(_) => broken("the call succeeded"),
    }
}

/// It is not known whether the office has it: that is what is said, or else the plugin has found out.
async fn unknown(run: &Run, topic: Topic, trouble: Trouble) -> Checked {
    match hand_over_fails(run, topic, trouble).await? {
        Err(failure @ (Failure::Unavailable(_) | Failure::Faulty(_))) => {
            holds(failure.sent() != Sent::No, || format!("it says that nothing was sent: {}", told(&failure)))
        }
        Err(other) => broken(told(&other)),
        Ok(reference) => reads(run, &reference, "Når det går galt.").await,
    }
}

async fn page(run: &Run, topic: Topic) -> Checked {
    unknown(run, topic, Trouble::Page).await
}

async fn cut_off(run: &Run, topic: Topic) -> Checked {
    unknown(run, topic, Trouble::CutOff).await
}

async fn garbled(run: &Run, topic: Topic) -> Checked {
    unknown(run, topic, Trouble::Garbled).await
}

async fn other_shape(run: &Run, topic: Topic) -> Checked {
    unknown(run, topic, Trouble::OtherShape).await
}
