//! Communication processes (`MsgInfo/Type`) and their versions (chapter 3).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A communication process between helsenorge and a record system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Process {
    /// 3.1 Prescription renewal.
    Renewal,
    /// 3.2 E-consultation.
    Consultation,
    /// 3.3 E-contact.
    Contact,
    /// 3.4 Direct booking.
    Reservation,
    /// 3.5 Appointment wishes.
    Wish,
    /// 3.6 Appointments that the office sends out.
    AppointmentNotices,
    /// 3.9 Digitally active citizens.
    DigitalUser,
    /// 3.10 Communication test.
    Test,
    /// 3.11 Clinicians of an office.
    Clinicians,
    /// 3.13 Dialogue with a clinician; here also between clinicians.
    Professional,
}

const PROCESSES: &[(Process, &str, &str)] = &[
    (Process::Renewal, "DIALOG_INNBYGGER_RESEPTFORNYELSE", "Dialog med innbygger - reseptfornyelse"),
    (Process::Consultation, "DIALOG_INNBYGGER_EKONSULTASJON", "Dialog med innbygger - eKonsultasjon"),
    (Process::Contact, "DIALOG_INNBYGGER_EKONTAKT", "Dialog med innbygger - eKontakt"),
    (Process::Reservation, "DIALOG_INNBYGGER_TIMERESERVASJON", "Dialog med innbygger - timereservasjon"),
    (Process::Wish, "DIALOG_INNBYGGER_TIMEONSKE", "Dialog med innbygger - timeønske"),
    (Process::AppointmentNotices, "DIALOG_INNBYGGER_AVTALEUTSENDING", "Dialog med innbygger - avtaleutsending"),
    (Process::DigitalUser, "DIALOG_INNBYGGER_DIGITALBRUKER", "Dialog med innbygger - digital bruker"),
    (Process::Test, "DIALOG_INNBYGGER_TEST", "Dialog med innbygger - test"),
    (Process::Clinicians, "DIALOG_INNBYGGER_BEHANDLEROVERSIKT", "Dialog med innbygger - behandleroversikt"),
    (Process::Professional, "DIALOG_INNBYGGER_HELSEPERSONELL", "Dialog mellom innbygger og helsepersonell"),
];

impl Process {
    /// Every process that the plugin knows.
    pub fn all() -> impl Iterator<Item = Self> {
        PROCESSES.iter().map(|(process, _, _)| *process)
    }

    /// Attribute `V` of `MsgInfo/Type`.
    #[must_use]
    pub fn value(self) -> &'static str {
        PROCESSES.iter().find(|(process, _, _)| *process == self).map_or("", |(_, value, _)| value)
    }

    /// Attribute `DN` of `MsgInfo/Type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        PROCESSES.iter().find(|(process, _, _)| *process == self).map_or("", |(_, _, name)| name)
    }

    /// The process that a `MsgInfo/Type` names; blanks around it and its case are forgiven.
    #[must_use]
    pub fn from_value(value: &str) -> Option<Self> {
        let value = value.trim();
        PROCESSES.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(value)).map(|(process, _, _)| *process)
    }
}

/// Version of a process, as the address register lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    /// Major number.
    pub major: u8,
    /// Minor number.
    pub minor: u8,
}

impl Version {
    /// 1.0
    pub const V1_0: Self = Self { major: 1, minor: 0 };
    /// 1.1: the base version.
    pub const V1_1: Self = Self { major: 1, minor: 1 };
    /// 1.2: messages may be sent on behalf of another (`Pasientrelasjon`); booked appointments (HBT).
    pub const V1_2: Self = Self { major: 1, minor: 2 };
    /// 1.3: structured prescriptions (M1) in renewals.
    pub const V1_3: Self = Self { major: 1, minor: 3 };
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A process and the version of it that a record system supports: `DIALOG_INNBYGGER_EKONTAKT@1.2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Support {
    /// The process.
    pub process: Process,
    /// Its version.
    pub version: Version,
}

/// Why a text is not a [`Support`].
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SupportError {
    /// No `@` between process and version.
    #[error("`{0}` is not of the form PROCESS@MAJOR.MINOR")]
    Form(String),
    /// A process that HITS 1217 does not have, or this plugin does not know.
    #[error("`{0}` is not a process that this plugin knows")]
    Process(String),
    /// A version that is not two small numbers with a dot between them.
    #[error("`{0}` is not a version of the form MAJOR.MINOR")]
    Version(String),
}

impl FromStr for Support {
    type Err = SupportError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (process, version) = text.trim().split_once('@').ok_or_else(|| SupportError::Form(text.to_owned()))?;
        let process = Process::from_value(process).ok_or_else(|| SupportError::Process(process.to_owned()))?;
        let parsed =
            version.trim().split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        let (major, minor) = parsed.ok_or_else(|| SupportError::Version(version.to_owned()))?;
        Ok(Self { process, version: Version { major, minor } })
    }
}

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.process.value(), self.version)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what failed by failing")]
    use super::*;

    #[test]
    fn support_is_read_as_it_is_written() {
        for process in Process::all() {
            let support = Support { process, version: Version::V1_2 };
            assert_eq!(support.to_string().parse(), Ok(support));
        }
    }

    #[test]
    fn a_trailing_blank_in_the_type_is_forgiven() {
        assert_eq!(Process::from_value("DIALOG_INNBYGGER_EKONSULTASJON "), Some(Process::Consultation));
    }

    #[test]
    fn what_is_wrong_with_a_support_is_said() {
        assert_eq!("X".parse::<Support>(), Err(SupportError::Form("X".into())));
        assert_eq!("X@1.1".parse::<Support>(), Err(SupportError::Process("X".into())));
        assert_eq!("DIALOG_INNBYGGER_TEST@1".parse::<Support>(), Err(SupportError::Version("1".into())));
    }

    #[test]
    fn versions_are_ordered() {
        assert!(Version::V1_0 < Version::V1_1 && Version::V1_2 < Version::V1_3);
    }
}
