//! What the domain keeps, as it lies in the store: one type a value, each with the version of its form in front.
//!
//! - [`dialog`]: a dialog with what the portal does not see of it; [`call`]: calls to its provider that are not done.
//! - [`appointment`], [`attachment`], [`citizen`]: what dialogs refer to.
//! - [`payment`]: invoices, and payments that were begun. - [`mark`]: read marks for providers.
//! - [`choice`]: what a citizen chose about themselves; [`errand`]: what the gateway owes others.
//! - [`event`]: what the portal is told.
//! - [`operation`]: a booking that is under way; [`reply`]: what an idempotency key came to.
//! - [`inbound`]: what has come from providers. [`survey`]: what was answered to surveys.
//! - [`notice`]: what citizens are to be told outside the portal.
//! - [`agreement`]: what was changed of the directory's agreements and absences.
//!
//! A value is one byte, the version of the form, then JSON. A later form gets the next number and a conversion from
//! the one before.

pub(crate) mod agreement;
pub(crate) mod appointment;
pub(crate) mod attachment;
pub(crate) mod call;
pub(crate) mod choice;
pub(crate) mod citizen;
pub(crate) mod dialog;
pub(crate) mod errand;
pub(crate) mod event;
pub(crate) mod inbound;
pub(crate) mod mark;
pub(crate) mod notice;
pub(crate) mod operation;
pub(crate) mod payment;
pub(crate) mod reply;
pub(crate) mod survey;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

pub(crate) use self::{
    agreement::{StoredAbsences, StoredTerms},
    appointment::StoredAppointment,
    attachment::{StoredAttachment, Use},
    call::{Call, CallKind, CallState},
    choice::{Chosen, StoredChoices},
    citizen::StoredCitizen,
    dialog::{KnownAs, Listed, Owed, StoredDialog, StoredRepresentative},
    errand::{StoredErrand, Task},
    event::StoredEvent,
    inbound::{Position, Processed},
    mark::StoredMark,
    notice::{NoticeState, NoticeWork, OwnNotice, Pending, StoredNotice, StoredPreferences, Subject, ToldOverdue},
    operation::{OperationKind, StoredOperation, Work},
    payment::{StoredInvoice, StoredPayment},
    reply::{Progress, ReplyKey, StoredReply, problem_of},
    survey::{SurveyAnswered, SurveyCounts},
};
use crate::ports::store::StoreError;

/// Version of every form in this folder.
const FORM: u8 = 1;

/// A value as it is stored.
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Bytes, StoreError> {
    let mut bytes = vec![FORM];
    // Maps with keys that are no strings are all that serde_json refuses; the error names no content.
    serde_json::to_writer(&mut bytes, value).map_err(|_| StoreError::Damaged("a value has no JSON form".into()))?;
    Ok(bytes.into())
}

/// Reads a stored value; `what` is its kind, for the error.
pub(crate) fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, StoreError> {
    match bytes.split_first() {
        // serde's messages may quote what they could not read: the place says enough.
        Some((&FORM, json)) => serde_json::from_slice(json).map_err(|error| {
            StoreError::Damaged(format!("{what} cannot be read at line {} column {}", error.line(), error.column()))
        }),
        Some((version, _)) => Err(StoreError::Damaged(format!("{what} has the unknown form {version}"))),
        None => Err(StoreError::Damaged(format!("{what} is empty"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use super::*;

    #[test]
    fn a_value_of_an_unknown_form_is_named_and_not_read() {
        let mut bytes = encode(&"secret").unwrap().to_vec();
        assert_eq!(decode::<String>("a word", &bytes).unwrap(), "secret");
        bytes[0] = 9;
        assert_eq!(
            decode::<String>("a word", &bytes).unwrap_err().to_string(),
            "the store is damaged: a word has the unknown form 9"
        );
    }

    #[test]
    fn what_cannot_be_read_is_not_quoted() {
        let bytes = encode(&"secret").unwrap();
        let error = decode::<u32>("a number", &bytes).unwrap_err().to_string();
        assert!(error.contains("a number") && !error.contains("secret"), "{error}");
        assert!(decode::<u32>("a number", b"").is_err());
    }
}
