//! An attachment: whose it is and what it is used for. Its bytes lie in the blobs.

use dialog_contract::{dialog::Attachment, ids::DialogId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::identity::CitizenId;

/// One attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredAttachment {
    pub(crate) attachment: Attachment,
    /// Who may read it.
    pub(crate) citizen: CitizenId,
    pub(crate) used: Use,
    /// When it is removed unless it is part of a message.
    pub(crate) expires: Timestamp,
}

/// What an attachment is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(crate) enum Use {
    /// It waits for its message.
    Unused,
    /// It is part of a message in this dialog, or of one that is being sent.
    In { dialog: DialogId },
}
