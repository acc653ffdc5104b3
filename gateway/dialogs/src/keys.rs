//! The key of everything that the domain stores: [`space::DOMAIN`], one byte for the kind, then parts of fixed size,
//! so that no two kinds and no two parts can meet, and byte order is the order that a scan wants.
//!
//! Texts of others (plugin ids, references, idempotency keys) stand in keys as SHA-256 over length-prefixed parts: of
//! fixed size, and not to be read from a key in an error or a dump. Moments stand as microseconds since 1970,
//! big-endian, with the sign bit flipped; where the newest comes first, inverted.
//!
//! Values are encrypted by the store under a key of their owner's: the citizen's where the key or the value names one,
//! else the installation's. Keys are not: they hold ids, moments, and keyed hashes of people.
//!
//! | kind | key | value |
//! | --- | --- | --- |
//! | `m` | – | [`crate::identity::Secret`] |
//! | `K` | citizen, dialog between clinicians about them | – |
//! | `L` | office, newest `updated` first, dialog of its clinicians with colleagues | – |
//! | `c` | citizen | [`crate::record::StoredCitizen`] |
//! | `r` | plugin + the plugin's name of the citizen | citizen |
//! | `d` | dialog | [`crate::record::StoredDialog`] |
//! | `l` | citizen, newest `updated` first, dialog | [`crate::record::Listed`] |
//! | `f` | plugin + the plugin's name of the dialog | dialog |
//! | `i` | citizen, idempotency key | [`crate::record::StoredReply`] |
//! | `j` | when it is forgotten, citizen, idempotency key | – |
//! | `e` | event, in the order of the feed | event |
//! | `g` | citizen, event | event |
//! | `a` | appointment | [`crate::record::StoredAppointment`] |
//! | `b` | citizen, appointment | – |
//! | `h` | plugin + citizen + the plugin's name of the appointment | appointment |
//! | `k` | invoice | [`crate::record::StoredInvoice`] |
//! | `z` | citizen, invoice | – |
//! | `I` | plugin + citizen + the plugin's name of the invoice | invoice |
//! | `p` | payment | [`crate::record::StoredPayment`] |
//! | `s` | citizen, payment | – |
//! | `P` | plugin + the plugin's name of the payment | payment |
//! | `t` | attachment | [`crate::record::StoredAttachment`] |
//! | `u` | when it is removed unless used, attachment | – |
//! | `o` | operation | [`crate::record::StoredOperation`] |
//! | `q` | when the office must have answered, dialog | [`crate::record::Owed`] |
//! | `w` | when it is due, dialog, operation or read mark | [`crate::record::Work`] |
//! | `v` | plugin + event of the plugin's | [`crate::record::Processed`] |
//! | `y` | when it was processed, the same | – |
//! | `n` | plugin | [`crate::record::Position`] |
//! | `R` | read mark | [`crate::record::StoredMark`] |
//! | `B` | citizen | [`crate::record::StoredChoices`] |
//! | `E` | when it is due, its id | [`crate::record::StoredErrand`] |
//! | `x` | when it arrived, its id | kept for the operator by `inbound` |
//! | `N` | citizen | [`crate::record::StoredPreferences`] |
//! | `O` | citizen, its id | [`crate::record::Pending`] |
//! | `V` | citizen, its id | [`crate::record::OwnNotice`] |
//! | `T` | notice | [`crate::record::StoredNotice`] |
//! | `U` | citizen, notice | – |
//! | `W` | when it is due, citizen or notice | [`crate::record::NoticeWork`] |
//! | `Q` | – | [`crate::record::ToldOverdue`] |
//! | `A` | office, service | [`crate::answer_times::Sketch`] |
//! | `S` | citizen, plugin + the plugin's name of the survey | [`crate::record::SurveyAnswered`] |
//! | `C` | office, plugin + the plugin's name of the survey | [`crate::record::SurveyCounts`] |
//! | `G` | office, service | [`crate::record::StoredTerms`] |
//! | `J` | plugin, office, service, dialog that is open | whether it is marked |
//! | `H` | office, clinician | [`crate::record::StoredAbsences`] |

use bytes::{BufMut, Bytes, BytesMut};
use dialog_contract::{
    ids::{AppointmentId, AttachmentId, DialogId, EventId, HerId, HprNumber, InvoiceId, NoticeId, PaymentId, PluginId},
    service::Service,
};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    identity::CitizenId,
    ports::store::{Range, space},
};

/// The hash of texts of others, as it stands in keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fixed([u8; 32]);

/// Hashes parts so that no two lists of parts have the same input.
pub(crate) fn fixed(parts: &[&[u8]]) -> Fixed {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    Fixed(hash.finalize().into())
}

fn key(kind: u8, parts: &[&[u8]]) -> Bytes {
    let mut key = BytesMut::with_capacity(2 + parts.iter().map(|part| part.len()).sum::<usize>());
    key.put_u8(space::DOMAIN);
    key.put_u8(kind);
    for part in parts {
        key.put_slice(part);
    }
    key.freeze()
}

/// A moment as bytes in the order of time.
pub(crate) fn moment(at: Timestamp) -> [u8; 8] {
    (at.as_microsecond().cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

fn newest_first(at: Timestamp) -> [u8; 8] {
    moment(at).map(|byte| !byte)
}

/// The range of all keys that begin with `prefix`.
pub(crate) fn all(prefix: Bytes, limit: usize) -> Range {
    let until = after_all(&prefix);
    Range { from: prefix, until, limit, reverse: false }
}

/// The first key after all keys that begin with `prefix`.
pub(crate) fn after_all(prefix: &[u8]) -> Option<Bytes> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.last_mut() {
        if let Some(next) = last.checked_add(1) {
            *last = next;
            return Some(end.into());
        }
        end.pop();
    }
    None
}

/// The installation's secret.
pub(crate) fn secret() -> Bytes {
    key(b'm', &[])
}

pub(crate) fn citizen(citizen: CitizenId) -> Bytes {
    key(b'c', &[citizen.bytes()])
}

/// The citizen whom a plugin knows by `reference`.
pub(crate) fn citizen_by_reference(plugin: &PluginId, reference: &str) -> Bytes {
    key(b'r', &[&fixed(&[plugin.as_str().as_bytes(), reference.as_bytes()]).0])
}

pub(crate) fn dialog(dialog: DialogId) -> Bytes {
    key(b'd', &[dialog.uuid().as_bytes()])
}

pub(crate) fn listed(citizen: CitizenId, updated: Timestamp, dialog: DialogId) -> Bytes {
    key(b'l', &[citizen.bytes(), &newest_first(updated), dialog.uuid().as_bytes()])
}

/// All of a citizen's dialogs, newest first.
pub(crate) fn listed_of(citizen: CitizenId) -> Bytes {
    key(b'l', &[citizen.bytes()])
}

/// Where a citizen's list begins with what was last changed before `until`.
pub(crate) fn listed_before(citizen: CitizenId, until: Timestamp) -> Bytes {
    key(b'l', &[citizen.bytes(), &newest_first(until)])
}

/// When something last happened in the dialog that a key of [`listed`] names.
pub(crate) fn updated_of_listed(key: &[u8]) -> Option<Timestamp> {
    let bytes: [u8; 8] = key.get(2 + 16..2 + 16 + 8)?.try_into().ok()?;
    let microseconds = (u64::from_be_bytes(bytes.map(|byte| !byte)) ^ (1 << 63)).cast_signed();
    Timestamp::from_microsecond(microseconds).ok()
}

/// The dialog that a key of [`listed`] names.
pub(crate) fn dialog_of_listed(key: &[u8]) -> Option<DialogId> {
    last_uuid(key, 2 + 16 + 8).map(DialogId::from)
}

pub(crate) fn dialog_by_reference(plugin: &PluginId, reference: &str) -> Bytes {
    key(b'f', &[&fixed(&[plugin.as_str().as_bytes(), reference.as_bytes()]).0])
}

pub(crate) fn reply(citizen: CitizenId, idempotency_key: &str) -> Bytes {
    key(b'i', &[citizen.bytes(), &fixed(&[idempotency_key.as_bytes()]).0])
}

/// All idempotency entries of a citizen's.
pub(crate) fn replies_of(citizen: CitizenId) -> Bytes {
    key(b'i', &[citizen.bytes()])
}

/// When the reply under a key of [`reply`] is forgotten.
pub(crate) fn reply_expiry(expires: Timestamp, reply: &[u8]) -> Bytes {
    key(b'j', &[&moment(expires), reply.get(2..).unwrap_or_default()])
}

pub(crate) fn reply_expiries() -> Bytes {
    key(b'j', &[])
}

/// The key of [`reply`] that a key of [`reply_expiry`] names.
pub(crate) fn reply_of_expiry(expiry: &[u8]) -> Option<Bytes> {
    (expiry.len() == 2 + 8 + 16 + 32).then(|| key(b'i', &[&expiry[10..]]))
}

pub(crate) fn event(event: EventId) -> Bytes {
    key(b'e', &[event.uuid().as_bytes()])
}

pub(crate) fn events() -> Bytes {
    key(b'e', &[])
}

pub(crate) fn event_of(citizen: CitizenId, event: EventId) -> Bytes {
    key(b'g', &[citizen.bytes(), event.uuid().as_bytes()])
}

pub(crate) fn events_of(citizen: CitizenId) -> Bytes {
    key(b'g', &[citizen.bytes()])
}

/// The event that a key of [`event_of`] names.
pub(crate) fn event_of_listed(key: &[u8]) -> Option<EventId> {
    last_uuid(key, 2 + 16).map(EventId::from)
}

pub(crate) fn appointment(appointment: AppointmentId) -> Bytes {
    key(b'a', &[appointment.uuid().as_bytes()])
}

/// An appointment by the provider's id. Ids of providers are only trusted to be unique for one citizen.
pub(crate) fn appointment_by_reference(plugin: &PluginId, citizen: CitizenId, reference: &str) -> Bytes {
    key(b'h', &[&fixed(&[plugin.as_str().as_bytes(), citizen.bytes(), reference.as_bytes()]).0])
}

pub(crate) fn appointment_of(citizen: CitizenId, appointment: AppointmentId) -> Bytes {
    key(b'b', &[citizen.bytes(), appointment.uuid().as_bytes()])
}

/// All appointments of a citizen's, the first made first.
pub(crate) fn appointments_of(citizen: CitizenId) -> Bytes {
    key(b'b', &[citizen.bytes()])
}

/// The appointment that a key of [`appointment_of`] names.
pub(crate) fn appointment_of_listed(key: &[u8]) -> Option<AppointmentId> {
    last_uuid(key, 2 + 16).map(AppointmentId::from)
}

pub(crate) fn invoice(invoice: InvoiceId) -> Bytes {
    key(b'k', &[invoice.uuid().as_bytes()])
}

/// An invoice by the provider's id, which is only trusted to be unique for one citizen.
pub(crate) fn invoice_by_reference(plugin: &PluginId, citizen: CitizenId, reference: &str) -> Bytes {
    key(b'I', &[&fixed(&[plugin.as_str().as_bytes(), citizen.bytes(), reference.as_bytes()]).0])
}

pub(crate) fn invoice_of(citizen: CitizenId, invoice: InvoiceId) -> Bytes {
    key(b'z', &[citizen.bytes(), invoice.uuid().as_bytes()])
}

/// All invoices of a citizen's, the first seen first.
pub(crate) fn invoices_of(citizen: CitizenId) -> Bytes {
    key(b'z', &[citizen.bytes()])
}

/// The invoice that a key of [`invoice_of`] names.
pub(crate) fn invoice_of_listed(key: &[u8]) -> Option<InvoiceId> {
    last_uuid(key, 2 + 16).map(InvoiceId::from)
}

pub(crate) fn payment(payment: PaymentId) -> Bytes {
    key(b'p', &[payment.uuid().as_bytes()])
}

/// A payment by the provider's id: what becomes of it is told without saying whose it is.
pub(crate) fn payment_by_reference(plugin: &PluginId, reference: &str) -> Bytes {
    key(b'P', &[&fixed(&[plugin.as_str().as_bytes(), reference.as_bytes()]).0])
}

pub(crate) fn payment_of(citizen: CitizenId, payment: PaymentId) -> Bytes {
    key(b's', &[citizen.bytes(), payment.uuid().as_bytes()])
}

/// All payments of a citizen's, the first begun first.
pub(crate) fn payments_of(citizen: CitizenId) -> Bytes {
    key(b's', &[citizen.bytes()])
}

/// The payment that a key of [`payment_of`] names.
pub(crate) fn payment_of_listed(key: &[u8]) -> Option<PaymentId> {
    last_uuid(key, 2 + 16).map(PaymentId::from)
}

pub(crate) fn attachment(attachment: AttachmentId) -> Bytes {
    key(b't', &[attachment.uuid().as_bytes()])
}

pub(crate) fn attachment_unused(expires: Timestamp, attachment: AttachmentId) -> Bytes {
    key(b'u', &[&moment(expires), attachment.uuid().as_bytes()])
}

pub(crate) fn attachments_unused() -> Bytes {
    key(b'u', &[])
}

/// The attachment that a key of [`attachment_unused`] names.
pub(crate) fn attachment_of_unused(key: &[u8]) -> Option<AttachmentId> {
    last_uuid(key, 2 + 8).map(AttachmentId::from)
}

pub(crate) fn operation(operation: Uuid) -> Bytes {
    key(b'o', &[operation.as_bytes()])
}

/// A read mark that its provider is yet to be told of.
pub(crate) fn mark(mark: Uuid) -> Bytes {
    key(b'R', &[mark.as_bytes()])
}

/// An answer that an office owes.
pub(crate) fn owed(due: Timestamp, dialog: DialogId) -> Bytes {
    key(b'q', &[&moment(due), dialog.uuid().as_bytes()])
}

pub(crate) fn all_owed() -> Bytes {
    key(b'q', &[])
}

/// Work that is due; `subject` is a dialog or an operation.
pub(crate) fn work(due: Timestamp, subject: Uuid) -> Bytes {
    key(b'w', &[&moment(due), subject.as_bytes()])
}

/// The dialog or operation that a key of [`work`] names.
pub(crate) fn subject_of_work(key: &[u8]) -> Option<Uuid> {
    last_uuid(key, 2 + 8)
}

pub(crate) fn all_work() -> Bytes {
    key(b'w', &[])
}

/// All keys of kind `prefix` up to and including the moment `until`, the earliest first.
pub(crate) fn until(prefix: Bytes, until: Timestamp, limit: usize) -> Range {
    let mut end = BytesMut::from(&prefix[..]);
    end.put_slice(&moment(until));
    Range { until: after_all(&end), from: prefix, limit, reverse: false }
}

pub(crate) fn processed(plugin: &PluginId, event: &str) -> Bytes {
    key(b'v', &[&fixed(&[plugin.as_str().as_bytes(), event.as_bytes()]).0])
}

/// When the event under a key of [`processed`] was, for forgetting it.
pub(crate) fn processed_at(at: Timestamp, processed: &[u8]) -> Bytes {
    key(b'y', &[&moment(at), processed.get(2..).unwrap_or_default()])
}

pub(crate) fn all_processed_at() -> Bytes {
    key(b'y', &[])
}

/// The key of [`processed`] that a key of [`processed_at`] names.
pub(crate) fn processed_of(at: &[u8]) -> Option<Bytes> {
    (at.len() == 2 + 8 + 32).then(|| key(b'v', &[&at[10..]]))
}

/// Where the polling of a plugin stands.
pub(crate) fn position(plugin: &PluginId) -> Bytes {
    key(b'n', &[&fixed(&[plugin.as_str().as_bytes()]).0])
}

/// What could not be read, kept for the operator.
pub(crate) fn unreadable(at: Timestamp, id: Uuid) -> Bytes {
    key(b'x', &[&moment(at), id.as_bytes()])
}

pub(crate) fn all_unreadable() -> Bytes {
    key(b'x', &[])
}

/// How a citizen wants to be told.
pub(crate) fn notice_preferences(citizen: CitizenId) -> Bytes {
    key(b'N', &[citizen.bytes()])
}

/// Something that a citizen is to be told of.
pub(crate) fn pending_notice(citizen: CitizenId, id: Uuid) -> Bytes {
    key(b'O', &[citizen.bytes(), id.as_bytes()])
}

/// All that a citizen is to be told of, the first first.
pub(crate) fn pending_notices_of(citizen: CitizenId) -> Bytes {
    key(b'O', &[citizen.bytes()])
}

/// That a provider has told a citizen itself.
pub(crate) fn own_notice(citizen: CitizenId, id: Uuid) -> Bytes {
    key(b'V', &[citizen.bytes(), id.as_bytes()])
}

pub(crate) fn own_notices_of(citizen: CitizenId) -> Bytes {
    key(b'V', &[citizen.bytes()])
}

pub(crate) fn notice(notice: NoticeId) -> Bytes {
    key(b'T', &[notice.uuid().as_bytes()])
}

pub(crate) fn notice_of(citizen: CitizenId, notice: NoticeId) -> Bytes {
    key(b'U', &[citizen.bytes(), notice.uuid().as_bytes()])
}

pub(crate) fn notices_of(citizen: CitizenId) -> Bytes {
    key(b'U', &[citizen.bytes()])
}

/// The notice that a key of [`notice_of`] names.
pub(crate) fn notice_of_listed(key: &[u8]) -> Option<NoticeId> {
    last_uuid(key, 2 + 16).map(NoticeId::from)
}

/// What a citizen is to be told becomes a notice.
pub(crate) fn fold_work(due: Timestamp, citizen: CitizenId) -> Bytes {
    key(b'W', &[&moment(due), citizen.bytes()])
}

/// A notice is looked at.
pub(crate) fn notice_work(due: Timestamp, notice: NoticeId) -> Bytes {
    key(b'W', &[&moment(due), notice.uuid().as_bytes()])
}

pub(crate) fn all_notice_work() -> Bytes {
    key(b'W', &[])
}

/// How far overdue answers have been told of.
pub(crate) fn told_overdue() -> Bytes {
    key(b'Q', &[])
}

/// The dialog that a key of [`owed`] names.
pub(crate) fn dialog_of_owed(key: &[u8]) -> Option<DialogId> {
    last_uuid(key, 2 + 8).map(DialogId::from)
}

/// Before every key of [`owed`] that is due later than `at`.
pub(crate) fn owed_before(at: Timestamp) -> Bytes {
    key(b'q', &[&moment(at)])
}

/// How soon an office answers. By the service's name: a place in a list would change with the list.
pub(crate) fn answer_times(office: HerId, service: Service) -> Bytes {
    key(b'A', &[&office.get().to_be_bytes(), service.as_str().as_bytes()])
}

/// That a citizen has answered a survey.
pub(crate) fn survey_answered(citizen: CitizenId, plugin: &PluginId, survey: &str) -> Bytes {
    key(b'S', &[citizen.bytes(), &fixed(&[plugin.as_str().as_bytes(), survey.as_bytes()]).0])
}

/// All surveys that a citizen has answered.
pub(crate) fn surveys_answered_by(citizen: CitizenId) -> Bytes {
    key(b'S', &[citizen.bytes()])
}

/// What was answered to a survey at an office.
pub(crate) fn survey_counts(office: HerId, plugin: &PluginId, survey: &str) -> Bytes {
    let names = [plugin.as_str().as_bytes(), survey.as_bytes()];
    key(b'C', &[&office.get().to_be_bytes(), &fixed(&names).0])
}

/// What was answered to all surveys at an office, or at all of them.
pub(crate) fn all_survey_counts(office: Option<HerId>) -> Bytes {
    match office {
        Some(office) => key(b'C', &[&office.get().to_be_bytes()]),
        None => key(b'C', &[]),
    }
}

/// What a citizen chose about themselves.
pub(crate) fn choices(citizen: CitizenId) -> Bytes {
    key(b'B', &[citizen.bytes()])
}

/// What the gateway owes others, by when it is tried next.
pub(crate) fn errand(due: Timestamp, errand: Uuid) -> Bytes {
    key(b'E', &[&moment(due), errand.as_bytes()])
}

pub(crate) fn all_errands() -> Bytes {
    key(b'E', &[])
}

/// The errand that a key of [`errand`] names.
pub(crate) fn errand_of(key: &[u8]) -> Option<Uuid> {
    last_uuid(key, 2 + 8)
}

/// What was changed of an office's agreements for a service.
pub(crate) fn terms(office: HerId, service: Service) -> Bytes {
    key(b'G', &[&office.get().to_be_bytes(), service.as_str().as_bytes()])
}

/// What was changed of an office's agreements.
pub(crate) fn terms_of(office: HerId) -> Bytes {
    key(b'G', &[&office.get().to_be_bytes()])
}

/// What was changed of all agreements.
pub(crate) fn all_terms() -> Bytes {
    key(b'G', &[])
}

/// The office and the service that a key of [`terms`] names.
pub(crate) fn office_and_service_of_terms(key: &[u8]) -> Option<(HerId, Service)> {
    let office = u32::from_be_bytes(key.get(2..6)?.try_into().ok()?);
    let service = std::str::from_utf8(key.get(6..)?).ok()?;
    Some((office.try_into().ok()?, service.parse().ok()?))
}

/// When a clinician of an office's is away, where that was changed.
pub(crate) fn absences(office: HerId, clinician: HprNumber) -> Bytes {
    key(b'H', &[&office.get().to_be_bytes(), &clinician.get().to_be_bytes()])
}

/// When clinicians of an office's are away, where that was changed.
pub(crate) fn absences_of(office: HerId) -> Bytes {
    key(b'H', &[&office.get().to_be_bytes()])
}

/// The clinician whom a key of [`absences`] names.
pub(crate) fn clinician_of_absences(key: &[u8]) -> Option<HprNumber> {
    u32::from_be_bytes(key.get(6..)?.try_into().ok()?).try_into().ok()
}

/// Bytes of a service's name in a key: longer than any.
const SERVICE_BYTES: usize = 24;

/// A dialog that is open with a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenWith {
    pub(crate) plugin: PluginId,
    pub(crate) office: HerId,
    pub(crate) service: Service,
    pub(crate) dialog: DialogId,
}

/// Where it stands that a dialog is open with a provider.
pub(crate) fn open_with(plugin: &PluginId, office: HerId, service: Service, dialog: DialogId) -> Bytes {
    let service = open_with_for(plugin, office, service);
    [&service[..], dialog.uuid().as_bytes()].concat().into()
}

/// All dialogs of an office that are open with a provider. No id holds the byte that ends it here.
pub(crate) fn open_with_at(plugin: &PluginId, office: HerId) -> Bytes {
    key(b'J', &[plugin.as_str().as_bytes(), b"\0", &office.get().to_be_bytes()])
}

/// All of a service.
pub(crate) fn open_with_for(plugin: &PluginId, office: HerId, service: Service) -> Bytes {
    let mut name = [0; SERVICE_BYTES];
    for (at, byte) in name.iter_mut().zip(service.as_str().bytes()) {
        *at = byte;
    }
    [&open_with_at(plugin, office)[..], &name].concat().into()
}

pub(crate) fn all_open() -> Bytes {
    key(b'J', &[])
}

/// What a key of [`open_with`] names.
pub(crate) fn open_of(key: &[u8]) -> Option<OpenWith> {
    let rest = key.get(2..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    let plugin = std::str::from_utf8(rest.get(..end)?).ok()?.parse().ok()?;
    let (office, rest) = rest.get(end + 1..)?.split_at_checked(4)?;
    let (service, dialog) = rest.split_at_checked(SERVICE_BYTES)?;
    let office = u32::from_be_bytes(office.try_into().ok()?).try_into().ok()?;
    let service = std::str::from_utf8(service).ok()?.trim_end_matches('\0').parse().ok()?;
    Some(OpenWith { plugin, office, service, dialog: Uuid::from_slice(dialog).ok()?.into() })
}

/// That clinicians have a dialog about a citizen.
pub(crate) fn about(citizen: CitizenId, dialog: DialogId) -> Bytes {
    key(b'K', &[citizen.bytes(), dialog.uuid().as_bytes()])
}

/// All dialogs between clinicians about a citizen.
pub(crate) fn all_about(citizen: CitizenId) -> Bytes {
    key(b'K', &[citizen.bytes()])
}

/// The dialog that a key of [`about`] names.
pub(crate) fn dialog_of_about(key: &[u8]) -> Option<DialogId> {
    last_uuid(key, 2 + 16).map(DialogId::from)
}

/// A dialog of an office's clinicians with colleagues, in their list.
pub(crate) fn collegial(office: HerId, updated: Timestamp, dialog: DialogId) -> Bytes {
    key(b'L', &[&office.get().to_be_bytes(), &newest_first(updated), dialog.uuid().as_bytes()])
}

/// All of an office, the latest first.
pub(crate) fn collegial_of(office: HerId) -> Bytes {
    key(b'L', &[&office.get().to_be_bytes()])
}

/// The dialog that a key of [`collegial`] names.
pub(crate) fn dialog_of_collegial(key: &[u8]) -> Option<DialogId> {
    last_uuid(key, 2 + 4 + 8).map(DialogId::from)
}

fn last_uuid(key: &[u8], at: usize) -> Option<Uuid> {
    Uuid::from_slice(key.get(at..)?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use proptest::prelude::*;

    use super::*;

    /// Two kinds with one letter would read each other's values.
    #[test]
    fn every_kind_has_a_letter_of_its_own() {
        let source = include_str!("keys.rs");
        let letter = |line: &'static str| line.strip_prefix("//! | `")?.chars().next();
        let listed: Vec<char> = source.lines().filter_map(letter).collect();
        let used =
            source.split("key(b'").skip(1).filter_map(|rest| rest.chars().next()).filter(char::is_ascii_alphabetic);
        let distinct: std::collections::BTreeSet<char> = listed.iter().copied().collect();
        assert_eq!(distinct.len(), listed.len(), "a letter stands twice in the table: {listed:?}");
        assert_eq!(distinct, used.collect(), "the table and the keys differ");
    }

    fn at(microsecond: i64) -> Timestamp {
        Timestamp::from_microsecond(microsecond).unwrap()
    }

    proptest! {
        #[test]
        fn moments_in_keys_sort_as_time_does(a in -1_000_000_000_000_i64..4_000_000_000_000_000, b in -1_000_000_000_000_i64..4_000_000_000_000_000) {
            prop_assert_eq!(moment(at(a)).cmp(&moment(at(b))), a.cmp(&b));
            prop_assert_eq!(newest_first(at(a)).cmp(&newest_first(at(b))), b.cmp(&a));
        }

        #[test]
        fn the_end_of_a_prefix_is_after_all_that_begin_with_it_and_before_all_others(prefix: Vec<u8>, rest: Vec<u8>) {
            let mut within = prefix.clone();
            within.extend(rest);
            match after_all(&prefix) {
                Some(end) => prop_assert!(within.as_slice() < &end[..]),
                None => prop_assert!(prefix.iter().all(|byte| *byte == u8::MAX)),
            }
        }
    }

    #[test]
    fn parts_cannot_run_into_each_other() {
        assert_ne!(fixed(&[b"ab", b"c"]), fixed(&[b"a", b"bc"]));
    }

    #[test]
    fn what_a_key_names_can_be_read_from_it() {
        let (citizen, dialog_id) = (CitizenId::from_bytes([7; 16]), DialogId::new());
        assert_eq!(dialog_of_listed(&listed(citizen, at(5), dialog_id)), Some(dialog_id));
        assert_eq!(updated_of_listed(&listed(citizen, at(5), dialog_id)), Some(at(5)));
        assert_eq!(updated_of_listed(&listed(citizen, at(-5), dialog_id)), Some(at(-5)));
        let (invoice_id, payment_id) = (InvoiceId::new(), PaymentId::new());
        assert_eq!(invoice_of_listed(&invoice_of(citizen, invoice_id)), Some(invoice_id));
        assert_eq!(payment_of_listed(&payment_of(citizen, payment_id)), Some(payment_id));
        let reply = reply(citizen, "key");
        assert_eq!(reply_of_expiry(&reply_expiry(at(5), &reply)), Some(reply));
        let notice_id = NoticeId::new();
        assert_eq!(notice_of_listed(&notice_of(citizen, notice_id)), Some(notice_id));
        assert_eq!(dialog_of_owed(&owed(at(5), dialog_id)), Some(dialog_id));
        let attachment_id = AttachmentId::new();
        assert_eq!(attachment_of_unused(&attachment_unused(at(5), attachment_id)), Some(attachment_id));
        let plugin = "ddfl".parse().unwrap();
        let event = processed(&plugin, "e1");
        assert_eq!(processed_of(&processed_at(at(5), &event)), Some(event));
        let (office, clinician) = (8_150_101.try_into().unwrap(), 9_123_407.try_into().unwrap());
        let named = office_and_service_of_terms(&terms(office, Service::Inquiry));
        assert_eq!(named, Some((office, Service::Inquiry)));
        for service in Service::ALL {
            assert!(service.as_str().len() < SERVICE_BYTES);
            let (plugin, service): (PluginId, Service) = ("ddfl".parse().unwrap(), *service);
            let named = open_of(&open_with(&plugin, office, service, dialog_id));
            assert_eq!(named, Some(OpenWith { plugin, office, service, dialog: dialog_id }));
        }
        assert_eq!(clinician_of_absences(&absences(office, clinician)), Some(clinician));
        assert_eq!(dialog_of_about(&about(citizen, dialog_id)), Some(dialog_id));
        assert_eq!(dialog_of_collegial(&collegial(office, at(5), dialog_id)), Some(dialog_id));
    }
}
