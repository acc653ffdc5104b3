//! Notices.

use dialog_contract::{
    limits::returned,
    provider::{Notice, NoticeChannel, NoticeReceipt},
};

use super::{
    answer::{Answer, At, Violation},
    context::locale,
};
use crate::bindings::{host::types, notices::exports::dialog::provider::notices as wit};

/// One notice.
pub(crate) fn notice(notice: Notice) -> wit::Notice {
    wit::Notice {
        id: notice.id.to_string(),
        channel: match notice.channel {
            NoticeChannel::Sms => types::NoticeChannel::Sms,
            NoticeChannel::Email => types::NoticeChannel::Email,
        },
        address: notice.address,
        locale: locale(notice.locale),
        subject: notice.subject,
        text: notice.text,
        link: notice.link,
        expires: notice.expires.as_millisecond(),
    }
}

/// That it is on its way.
pub(crate) fn receipt(told: wit::NoticeReceipt, answer: &mut Answer<'_>) -> Result<NoticeReceipt, Violation> {
    Ok(NoticeReceipt { id: answer.id(&At::Answer.field("id"), told.id, returned::NOTICE_ID_CHARACTERS)? })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{super::answer::tests::checked, *};

    #[test]
    fn the_notifiers_own_id_is_an_id() {
        let read = |id: &str| checked(|answer| receipt(wit::NoticeReceipt { id: id.to_owned() }, answer));
        assert_eq!(read("sms-1").unwrap().id, "sms-1");
        assert_eq!(read("").unwrap_err().to_string(), "answer.id: empty");
        assert_eq!(read("a\nb").unwrap_err().to_string(), "answer.id: has a control character");
        assert_eq!(read(&"x".repeat(129)).unwrap_err().to_string(), "answer.id: over 128 characters");
    }
}
