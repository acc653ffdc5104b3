//! What the plugin answers. `break` breaks the contract in one way for each function; the other names are answers that
//! keep its form and are hostile all the same.

use dialog_plugin_sdk::{
    Appointment, AppointmentChange, AppointmentChangeKind, Attachment, CitizenIdentity, Context, DialogMessage,
    DialogStatus, EncounterMode, Event, EventBody, Failure, FieldError, OfficeMessage, OfficeOpening, Service,
    appointments::{Booking, Slot, SlotQuery},
    dialogs::Opened,
    inbound::Page,
    prescriptions::{Prescription, Renewability},
};

use crate::told::Told;

/// What a browser would run, were it let.
pub const SCRIPT: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"--";

/// Minutes, in milliseconds.
const MINUTE: i64 = 60_000;

/// Bytes that are no UTF-8, as a text: the type says what the bytes do not keep.
fn text_of(bytes: &[u8]) -> String {
    // SAFETY: there is none; a component may hand over any bytes as a text, and the host must look.
    unsafe { String::from_utf8_unchecked(bytes.to_vec()) }
}

/// What `open` answers.
pub fn open(told: &Told, ctx: &Context, dialog: &str, said: String) -> Result<Opened, Failure> {
    let opened = |reference: String| Ok(Opened { reference, events: Vec::new() });
    let own = ctx.citizen.as_ref().map(|citizen| citizen.reference.clone()).unwrap_or_default();
    match told.name.as_str() {
        "break" => opened(String::new()),
        "long-reference" => opened("x".repeat(257)),
        "reference-with-line-ends" => opened("a\r\nb".to_owned()),
        "no-utf8" => opened(text_of(&[b'a', 0xff, b'b'])),
        "lone-surrogate" => opened(text_of(&[0xed, 0xa0, 0x80])),
        "overlong-utf8" => opened(text_of(&[0xc0, 0xaf])),
        "same-reference" => opened(told.rest.clone()),
        "script" => Ok(Opened {
            reference: format!("{SCRIPT} {dialog}"),
            events: vec![message(&format!("{SCRIPT} {dialog}"), ctx.now, SCRIPT)],
        }),
        "direction" => {
            let mut event = message(dialog, ctx.now, "Hei");
            if let EventBody::Message(body) = &mut event.body {
                body.message.author = Some("Lege\u{202e}gnilkeD \u{2066}x\u{0}".to_owned());
            }
            Ok(Opened { reference: dialog.to_owned(), events: vec![event] })
        }
        "about-another-dialog" => {
            Ok(Opened { reference: dialog.to_owned(), events: vec![message(&told.rest, ctx.now, "Hei")] })
        }
        "too-many-events" => {
            let events = (0..101).map(|number| Event { id: number.to_string(), ..message(dialog, ctx.now, "Hei") });
            Ok(Opened { reference: dialog.to_owned(), events: events.collect() })
        }
        "many-large-events" => {
            let text = "x".repeat(32_000);
            let events = (0..100).map(|number| Event { id: number.to_string(), ..message(dialog, ctx.now, &text) });
            Ok(Opened { reference: dialog.to_owned(), events: events.collect() })
        }
        "far-future" => Ok(Opened { reference: dialog.to_owned(), events: vec![message(dialog, i64::MAX, "Hei")] }),
        "far-past" => Ok(Opened { reference: dialog.to_owned(), events: vec![message(dialog, i64::MIN, "Hei")] }),
        "strange-file" => {
            let mut event = message(dialog, ctx.now, "Hei");
            if let EventBody::Message(body) = &mut event.body {
                let (id, name) = ("attachment-99".to_owned(), "x.png".to_owned());
                body.message.attachments.push(Attachment { id, media_type: "image/png".to_owned(), name, size: 1 });
            }
            Ok(Opened { reference: dialog.to_owned(), events: vec![event] })
        }
        "frame" => Ok(Opened {
            reference: dialog.to_owned(),
            events: vec![appointment_of(CitizenIdentity::Reference(told.rest.clone()), dialog, ctx)],
        }),
        "frame-by-number" => Ok(Opened {
            reference: dialog.to_owned(),
            events: vec![appointment_of(CitizenIdentity::NationalIdentityNumber(told.rest.clone()), dialog, ctx)],
        }),
        "open-for-another" => {
            let opening = OfficeOpening {
                dialog: format!("{dialog}-2"),
                office: ctx.office.her_id,
                citizen: CitizenIdentity::Reference(told.rest.clone()),
                service: Service::Inquiry,
                message: written("Hei", ctx.now),
                reply_allowed: true,
            };
            let body = EventBody::Opened(opening);
            let event = Event { id: format!("opened {dialog}"), occurred: ctx.now, body };
            Ok(Opened { reference: dialog.to_owned(), events: vec![event] })
        }
        // Under which name the plugin knows the citizen: so that another citizen's call can name this one.
        "who-am-i" => {
            dialog_plugin_sdk::log::info!("known as {own}.");
            opened(dialog.to_owned())
        }
        "failure-without-field" => Err(Failure::Invalid(Vec::new())),
        "wordy-failure" => {
            let field = || FieldError { pointer: format!("/{SCRIPT}\n"), detail: format!("{SCRIPT}\0") };
            Err(Failure::Invalid((0..10_000).map(|_| field()).collect()))
        }
        "long-no" => Err(Failure::declined("x\n".repeat(1_000), format!("{SCRIPT}\u{1b}[2J").repeat(1_000))),
        "retry-never" => {
            Err(Failure::unavailable(dialog_plugin_sdk::Sent::Yes, told.rest.clone()).retry_after(Some(u32::MAX)))
        }
        "faulty" => Err(Failure::faulty(dialog_plugin_sdk::Sent::No, told.rest.replace("\\n", "\n"))),
        // With the dialog's id, so that each is its own.
        _ => opened(format!("{said} {dialog}")),
    }
}

/// What `send` and `close` answer.
pub fn events(told: &Told, ctx: &Context, reference: &str, said: &str) -> Result<Vec<Event>, Failure> {
    match told.name.as_str() {
        "break" => Ok(vec![Event { id: String::new(), ..message(reference, ctx.now, said) }]),
        "about-another-dialog" => Ok(vec![message(&told.rest, ctx.now, "Dette er ikke til deg.")]),
        _ => Ok(Vec::new()),
    }
}

/// What `slots` answers.
pub fn slots(told: &Told, query: &SlotQuery) -> Result<Vec<Slot>, Failure> {
    let slot = |number: i64| Slot {
        id: format!("s{number}"),
        start: query.from + number * MINUTE,
        end: query.from + (number + 1) * MINUTE,
        clinician: None,
        mode: EncounterMode::InPerson,
        title: "Time".to_owned(),
    };
    Ok(match told.name.as_str() {
        "break" => vec![Slot { end: query.from - 1, ..slot(0) }],
        "many-slots" => (0..told.number() as i64).map(slot).collect(),
        "slot-in-the-far-future" => vec![Slot { start: i64::MAX - 1, end: i64::MAX, ..slot(0) }],
        "slot-in-seconds" => vec![Slot { start: i64::MIN, end: 0, ..slot(0) }],
        _ => vec![slot(60)],
    })
}

/// What `book` and `change` answer.
pub fn booked(told: &Told, booking: &Booking) -> Result<Appointment, Failure> {
    let booked = appointment("a1", booking.start, booking.end);
    Ok(match told.name.as_str() {
        "break" => Appointment { title: "x".repeat(201), ..booked },
        "script" => Appointment { title: SCRIPT.to_owned(), location: Some(SCRIPT.to_owned()), ..booked },
        _ => booked,
    })
}

/// What `cancel` answers: of its own it has nothing to break, so its failure is.
pub fn cancelled(told: &Told) -> Result<(), Failure> {
    if told.name == "break" { Err(Failure::Invalid(Vec::new())) } else { Ok(()) }
}

/// What `upcoming` answers.
pub fn upcoming(told: &Told, now: i64) -> Result<Vec<Appointment>, Failure> {
    let one = |number: i64| appointment(&format!("a{number}"), now + number * MINUTE, now + (number + 1) * MINUTE);
    Ok(if told.name == "break" { (0..101).map(one).collect() } else { vec![one(60)] })
}

/// What `renewable` answers.
pub fn renewable(told: &Told) -> Result<Vec<Prescription>, Failure> {
    let atc = if told.name == "break" { "N02B E01 and more".to_owned() } else { "N02BE01".to_owned() };
    Ok(vec![Prescription {
        id: "p1".to_owned(),
        medicine: "Paracet 500 mg tablett".to_owned(),
        atc: Some(atc),
        dosage: None,
        issued: None,
        valid_until: None,
        renewability: Renewability::Renewable,
        note: None,
    }])
}

/// What `receive` answers.
pub fn news(told: &Told, now: i64, said: &str) -> Result<Vec<Event>, Failure> {
    Ok(match told.name.as_str() {
        "" => Vec::new(),
        "break" => vec![Event { occurred: i64::MAX, ..message("a", now, said) }],
        _ => vec![Event { id: said.to_owned(), ..message("nobody's", now, said) }],
    })
}

/// What `poll` answers.
pub fn page(told: &Told, now: i64, cursor: Option<String>, said: &str) -> Result<Page, Failure> {
    Ok(match told.name.as_str() {
        "break" => Page { events: Vec::new(), cursor: Some("x".repeat(65_537)), more: false },
        "more-for-ever" => Page { events: Vec::new(), cursor, more: true },
        _ => Page { events: news(told, now, said)?, cursor, more: false },
    })
}

fn written(text: &str, now: i64) -> OfficeMessage {
    OfficeMessage {
        id: "m1".to_owned(),
        subject: None,
        text: text.to_owned(),
        attachments: Vec::new(),
        author: None,
        sent: now,
    }
}

fn message(dialog: &str, now: i64, text: &str) -> Event {
    let body = DialogMessage {
        dialog: dialog.to_owned(),
        message: written(text, now),
        status: DialogStatus::AwaitingCitizen,
        redirect: None,
    };
    Event { id: format!("e {dialog}"), occurred: now, body: EventBody::Message(body) }
}

fn appointment(id: &str, start: i64, end: i64) -> Appointment {
    Appointment {
        id: id.to_owned(),
        start,
        end,
        clinician: None,
        mode: EncounterMode::InPerson,
        title: "Time".to_owned(),
        location: None,
        instructions: None,
        cancellable: true,
        changeable: true,
    }
}

fn appointment_of(citizen: CitizenIdentity, dialog: &str, ctx: &Context) -> Event {
    let body = AppointmentChange {
        dialog: Some(dialog.to_owned()),
        office: ctx.office.her_id,
        citizen,
        kind: AppointmentChangeKind::Booked,
        appointment: appointment("stolen", ctx.now + MINUTE, ctx.now + 2 * MINUTE),
        text: Some("Du har fått time.".to_owned()),
    };
    Event { id: format!("a {dialog}"), occurred: ctx.now, body: EventBody::Appointment(body) }
}
