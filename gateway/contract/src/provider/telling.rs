//! Notices: that there is something for a citizen in the portal, told by text message or mail.

use jiff::Timestamp;

use crate::{
    ids::NoticeId,
    service::{Locale, closed_list},
};

closed_list!(
    /// By which way a citizen is told.
    NoticeChannel {
        /// A text message to a mobile telephone.
        Sms = "sms",
        /// Electronic mail.
        Email = "email",
    }
);

closed_list!(
    /// What the network said of a notice.
    NoticeOutcome {
        /// It has reached the telephone or the mailbox.
        Delivered = "delivered",
        /// It cannot reach that address.
        Undeliverable = "undeliverable",
    }
);

/// One notice, as a notifier sees it: an address, and a text that was made of a template. Its address is somebody's: it
/// does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Notice {
    /// The same at every attempt.
    pub id: NoticeId,
    /// By which way.
    pub channel: NoticeChannel,
    /// A mobile number with country code, or a mail address.
    pub address: String,
    /// The language of the text.
    pub locale: Locale,
    /// For mail only: one line.
    pub subject: Option<String>,
    /// Plain text.
    pub text: String,
    /// Where it leads.
    pub link: Option<String>,
    /// From then on it is of no use any more.
    pub expires: Timestamp,
}

impl std::fmt::Debug for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notice").field("id", &self.id).field("channel", &self.channel).finish_non_exhaustive()
    }
}

/// That a notice is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeReceipt {
    /// The provider's own id of it.
    pub id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_does_not_print_its_address() {
        let notice = Notice {
            id: NoticeId::new(),
            channel: NoticeChannel::Sms,
            address: "+4790000001".to_owned(),
            locale: Locale::Nb,
            subject: None,
            text: "Du har en ny melding".to_owned(),
            link: None,
            expires: Timestamp::UNIX_EPOCH,
        };
        let printed = format!("{notice:?}");
        assert!(!printed.contains("4790000001") && !printed.contains("melding"), "{printed}");
    }
}
