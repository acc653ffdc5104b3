use crate::{
    inbound::{InboundContext, ServedOffice},
    notices::{Notice, NoticeContext},
    types::{Citizen, Clinician, Context, Locale, Message, NoticeChannel, Office},
};

use super::host::START;

/// An office that does not exist.
pub fn office() -> Office {
    Office {
        her_id: 8_000_101,
        organisation_her_id: 8_000_100,
        organisation_number: "999999999".to_owned(),
        name: "Fjelltoppen legekontor".to_owned(),
    }
}

/// A call for a citizen who does not exist, without national identity number, settings or installation.
pub fn context() -> Context {
    Context {
        call_id: "call-1".to_owned(),
        idempotency_key: "0198c0de-0000-7000-8000-000000000001".to_owned(),
        now: START,
        time_left: 5_000,
        locale: Locale::Nb,
        office: office(),
        clinician: Some(Clinician {
            hpr_number: 9_999_991,
            her_id: Some(8_000_102),
            given_name: "Frida".to_owned(),
            family_name: "Fastlege".to_owned(),
        }),
        citizen: Some(Citizen {
            reference: "citizen-1".to_owned(),
            national_identity_number: None,
            given_name: "Kari".to_owned(),
            family_name: "Nordmann".to_owned(),
            mobile: None,
        }),
        representative: None,
        settings: "{}".to_owned(),
        installation: "{}".to_owned(),
        colleague: None,
    }
}

/// A call of `inbound` with one office, without settings or installation.
pub fn inbound_context() -> InboundContext {
    InboundContext {
        call_id: "call-1".to_owned(),
        now: START,
        time_left: 5_000,
        offices: vec![ServedOffice { office: office(), settings: "{}".to_owned() }],
        installation: "{}".to_owned(),
    }
}

/// A message with this text and no attachments.
pub fn message(text: &str) -> Message {
    Message {
        id: "0198c0de-0000-7000-8000-00000000000a".to_owned(),
        subject: None,
        text: text.to_owned(),
        attachments: Vec::new(),
    }
}

/// A call of `notices`, without installation.
pub fn notice_context() -> NoticeContext {
    NoticeContext { call_id: "call-1".to_owned(), now: START, time_left: 5_000, installation: "{}".to_owned() }
}

/// A notice of half an hour to a number or an address that nobody has.
pub fn notice(channel: NoticeChannel) -> Notice {
    let email = channel == NoticeChannel::Email;
    Notice {
        id: "0198c0de-0000-7000-8000-00000000000b".to_owned(),
        channel,
        address: if email { "kari@example.test" } else { "+4799999901" }.to_owned(),
        locale: Locale::Nb,
        subject: email.then(|| "Nytt i portalen".to_owned()),
        text: "Du har fått noe nytt. Logg inn: https://portal.example/".to_owned(),
        link: Some("https://portal.example/".to_owned()),
        expires: START + 30 * 60 * 1_000,
    }
}
