//! What a message is: the codes of 7601 (requests), 7602 (answers) and 7603 (communication test).

use super::code::{Code, oid};

/// What a message is, whoever sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// HLT: which slots are free?
    FindSlots,
    /// HBT: which appointments does the patient have?
    FindBooked,
    /// RT: reserve this slot.
    Reserve,
    /// ART: cancel this reserved appointment.
    CancelReserved,
    /// OT: the patient wishes an appointment.
    WishAppointment,
    /// OET: the patient wishes to move an appointment.
    WishChange,
    /// OAT: the patient wishes to cancel an appointment.
    WishCancel,
    /// RF: renew prescriptions that are named in free text.
    RenewFreeText,
    /// RFER: renew the attached electronic prescriptions (M1).
    RenewPrescriptions,
    /// SB: a question to the clinician (e-consultation).
    AskClinician,
    /// HE: a practical enquiry.
    Enquiry,
    /// BA: order a certificate.
    OrderCertificate,
    /// DI: the office opens a dialogue that the patient may answer.
    OfficeDialogue,
    /// EKI: a message from the office that cannot be answered.
    OneWay,
    /// HB: which clinicians are there?
    FindClinicians,
    /// MOA: a notice about an appointment.
    AppointmentNotice,
    /// SIDAB: are these citizens digitally active?
    AreDigital,
    /// SDAB: a citizen's digital status changed.
    DigitalStatus,
    /// KT: communication test.
    Test,
    /// RKT: answer to a communication test.
    TestAnswer,
    /// 01: the booked appointments are attached.
    Booked,
    /// 02: there are no booked appointments.
    NothingBooked,
    /// 03: the free slots are attached.
    Slots,
    /// 04: there are no free slots.
    NoSlots,
    /// 05: the appointment is reserved.
    Reserved,
    /// 06: the slot is not available.
    SlotUnavailable,
    /// 07: the appointment is changed.
    Changed,
    /// 08: the appointment is cancelled.
    Cancelled,
    /// 09: the appointment could not be cancelled.
    NotCancelled,
    /// 10: an appointment is reserved with another clinician.
    ReservedWithOther,
    /// 11: the patient did not come.
    NotAttended,
    /// 12: the clinician's answer.
    ClinicianAnswer,
    /// 13: the dialogue is closed.
    Closed,
    /// 14: the prescriptions are renewed.
    Renewed,
    /// 15: the prescriptions cannot be renewed.
    NotRenewed,
    /// 17: the certificate is issued.
    CertificateIssued,
    /// 18: the certificate cannot be issued.
    CertificateRefused,
    /// 19: answer to a practical enquiry.
    EnquiryAnswer,
    /// 20: the clinicians are attached.
    Clinicians,
    /// 21: no clinicians were found.
    NoClinicians,
    /// 22: the patient's answer in a dialogue that the office opened.
    CitizenReply,
    /// 26: the request is rejected.
    Rejected,
    /// 28: these citizens are digitally active.
    DigitalUsers,
    /// 29: none of the citizens is digitally active.
    NoDigitalUsers,
    /// 30: the patient has no access to this service.
    NoAccess,
    /// 31: general error.
    GeneralError,
    /// 32: some of the prescriptions are renewed.
    PartlyRenewed,
    /// 34: the appointment could not be changed.
    NotChanged,
}

const fn request(value: &'static str, name: &'static str) -> Code {
    Code::new(value, oid::REQUESTS, name)
}

const fn answer(value: &'static str, name: &'static str) -> Code {
    Code::new(value, oid::ANSWERS, name)
}

/// Every kind with its code. Names as HITS 1217 and its example messages write them; the guide gives
/// codes without names for BA and 17, whose names here follow its text.
const KINDS: &[(Kind, Code)] = &[
    (Kind::FindSlots, request("HLT", "Hent ledige timer")),
    (Kind::FindBooked, request("HBT", "Hent bestilte timer")),
    (Kind::Reserve, request("RT", "Reserver time")),
    (Kind::CancelReserved, request("ART", "Avbestill reservert time")),
    (Kind::WishAppointment, request("OT", "Ønske om time")),
    (Kind::WishChange, request("OET", "Ønske om endring av time")),
    (Kind::WishCancel, request("OAT", "Ønske om avbestilling av time")),
    (Kind::RenewFreeText, request("RF", "Reseptfornying, fritekst")),
    (Kind::RenewPrescriptions, request("RFER", "Reseptfornying, eResept")),
    (Kind::AskClinician, request("SB", "Spørsmål til behandler")),
    (Kind::Enquiry, request("HE", "Henvendelse")),
    (Kind::OrderCertificate, request("BA", "Bestille attest")),
    (Kind::OfficeDialogue, request("DI", "Dialog med innbygger")),
    (Kind::OneWay, request("EKI", "Engangskontakt med innbygger")),
    (Kind::FindClinicians, request("HB", "Hent behandlere")),
    (Kind::AppointmentNotice, request("MOA", "Melding om avtale")),
    (Kind::AreDigital, request("SIDAB", "Sjekk om innbyggere er digitalt aktive brukere")),
    (Kind::DigitalStatus, request("SDAB", "Status digital aktiv bruker")),
    (Kind::Test, Code::new("KT", oid::TEST, "Kommunikasjonstest")),
    (Kind::TestAnswer, Code::new("RKT", oid::TEST, "Respons kommunikasjonstest")),
    (Kind::Booked, answer("01", "Bestilte timer")),
    (Kind::NothingBooked, answer("02", "Ingen bestilte timer")),
    (Kind::Slots, answer("03", "Ledige timer")),
    (Kind::NoSlots, answer("04", "Ingen ledige timer")),
    (Kind::Reserved, answer("05", "Timereservasjon bekreftet")),
    (Kind::SlotUnavailable, answer("06", "Time ikke tilgjengelig")),
    (Kind::Changed, answer("07", "Endring av time bekreftet")),
    (Kind::Cancelled, answer("08", "Avbestilling av time bekreftet")),
    (Kind::NotCancelled, answer("09", "Time kunne ikke avbestilles")),
    (Kind::ReservedWithOther, answer("10", "Timereservasjon hos annen behandler bekreftet")),
    (Kind::NotAttended, answer("11", "Pasient ikke møtt")),
    (Kind::ClinicianAnswer, answer("12", "Svar på spørsmål fra behandler")),
    (Kind::Closed, answer("13", "Dialog avsluttet")),
    (Kind::Renewed, answer("14", "Resept er fornyet")),
    (Kind::NotRenewed, answer("15", "Resept kan ikke fornyes")),
    (Kind::CertificateIssued, answer("17", "Attest utstedt")),
    (Kind::CertificateRefused, answer("18", "Attest kan ikke utstedes")),
    (Kind::EnquiryAnswer, answer("19", "Svar på henvendelse")),
    (Kind::Clinicians, answer("20", "Behandlere")),
    (Kind::NoClinicians, answer("21", "Behandlere ikke funnet")),
    (Kind::CitizenReply, answer("22", "Svar fra innbygger")),
    (Kind::Rejected, answer("26", "Forespørsel avvist")),
    (Kind::DigitalUsers, answer("28", "Digitale aktive brukere")),
    (Kind::NoDigitalUsers, answer("29", "Ingen digitale brukere")),
    (Kind::NoAccess, answer("30", "Ikke tilgang")),
    (Kind::GeneralError, answer("31", "Generell feil")),
    (Kind::PartlyRenewed, answer("32", "Resepter delvis fornyet")),
    (Kind::NotChanged, answer("34", "Time kunne ikke endres")),
];

impl Kind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().map(|(kind, _)| *kind)
    }

    /// The code that is written for this kind.
    #[must_use]
    pub fn code(self) -> Code {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or(Code::simple("", ""), |(_, code)| *code)
    }

    /// The kind that a code value stands for. Record systems write `5` for `05` and pad with blanks;
    /// the code system is not asked for, since notices carry answer codes in a request (3.4.1).
    #[must_use]
    pub fn from_value(value: &str) -> Option<Self> {
        let value = value.trim();
        KINDS
            .iter()
            .find(|(_, code)| {
                code.value.eq_ignore_ascii_case(value)
                    || (value.len() == 1 && code.value.strip_prefix('0') == Some(value))
            })
            .map(|(kind, _)| *kind)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what failed by failing")]
    use super::*;

    #[test]
    fn every_kind_has_a_code_of_its_own_and_is_found_by_it() {
        for kind in Kind::all() {
            assert!(!kind.code().value.is_empty(), "{kind:?}");
            assert_eq!(Kind::from_value(kind.code().value), Some(kind));
        }
    }

    #[test]
    fn a_code_is_found_with_blanks_and_without_its_zero() {
        assert_eq!(Kind::from_value(" 05 "), Some(Kind::Reserved));
        assert_eq!(Kind::from_value("5"), Some(Kind::Reserved));
        assert_eq!(Kind::from_value("sb"), Some(Kind::AskClinician));
        assert_eq!(Kind::from_value("R06"), None);
        assert_eq!(Kind::from_value(""), None);
    }
}
