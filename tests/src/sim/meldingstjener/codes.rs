//! The code systems of HITS 1217 that this side needs: processes, requests (7601), answers (7602), and their OIDs.
//!
//! Written from the guide on its own, so that an error in the plugin's tables is not repeated here.

/// Prefix of the OIDs of the national code systems (Volven).
pub const VOLVEN: &str = "2.16.578.1.12.4.1.1.";
/// Identifier types of organisations.
pub const ORGANISATION_ID: &str = "2.16.578.1.12.4.1.1.9051";
/// Identifier types of persons.
pub const PERSON_ID: &str = "2.16.578.1.12.4.1.1.8116";
/// Roles in a note.
pub const NOTE_ROLE: &str = "2.16.578.1.12.4.1.1.9057";
/// Roles of health personnel.
pub const ROLE: &str = "2.16.578.1.12.4.1.1.9034";
/// Errors in application receipts.
pub const RECEIPT_ERROR: &str = "2.16.578.1.12.4.1.1.8221";
/// Requests between citizen and clinician.
pub const REQUEST: &str = "2.16.578.1.12.4.1.1.7601";
/// Answers between citizen and clinician.
pub const ANSWER: &str = "2.16.578.1.12.4.1.1.7602";
/// The communication test.
pub const TEST: &str = "2.16.578.1.12.4.1.1.7603";
/// Representation: on whose authority someone acts.
pub const REPRESENTATION: &str = "2.16.578.1.12.4.1.1.7611";
/// Yes and no.
pub const YES_NO: &str = "2.16.578.1.12.4.1.1.1101";
/// How a prescription is delivered.
pub const DELIVERY: &str = "2.16.578.1.12.4.1.1.8324";

/// Namespace of the envelope.
pub const NS_HEAD: &str = "http://www.kith.no/xmlstds/msghead/2006-05-24";
/// Namespace of Dialogmelding 1.1.
pub const NS_DIALOG: &str = "http://www.kith.no/xmlstds/dialog/2013-01-23";
/// Namespace of xCal.
pub const NS_CALENDAR: &str = "urn:ietf:params:xml:ns:icalendar-2.0";
/// Namespace of attachments.
pub const NS_BASE64: &str = "http://www.kith.no/xmlstds/base64container";
/// Namespace of Pasientrelasjon.
pub const NS_RELATION: &str = "http://www.kith.no/xmlstds/pasientrelasjon/2014-03-28";
/// Namespace of Helsepersonell.
pub const NS_PERSONNEL: &str = "http://www.kith.no/xmlstds/helsepersonell/2014-03-28";
/// Namespace of the list of Helsepersonell.
pub const NS_PERSONNEL_LIST: &str = "http://www.kith.no/xmlstds/helsepersonell/2015-05-04";
/// Namespace of lists of persons.
pub const NS_PERSONS: &str = "http://www.kith.no/xmlstds/person/2014-03-28";
/// Namespace of the shared components.
pub const NS_SHARED: &str = "http://www.kith.no/xmlstds/felleskomponent1";
/// Namespaces of M1 Resept, both published versions.
pub const NS_PRESCRIPTION: [&str; 2] =
    ["http://www.kith.no/xmlstds/eresept/m1/2010-05-01", "http://www.kith.no/xmlstds/eresept/m1/2013-10-08"];
/// Namespace of AppRec 1.0.
pub const NS_RECEIPT_1_0: &str = "http://www.kith.no/xmlstds/apprec/2004-11-21";
/// Namespace of AppRec 1.1.
pub const NS_RECEIPT_1_1: &str = "http://www.kith.no/xmlstds/apprec/2012-02-15";
/// Namespace of formatted text.
pub const NS_XHTML: &str = "http://www.w3.org/1999/xhtml";

/// A communication process of HITS 1217 (`MsgInfo/Type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Process {
    /// Direct booking.
    Timereservasjon,
    /// Written appointment requests.
    Timeonske,
    /// Prescription renewal.
    Reseptfornyelse,
    /// E-consultation.
    Ekonsultasjon,
    /// Contact the office, certificates.
    Ekontakt,
    /// Who treats the citizen.
    Behandleroversikt,
    /// Communication test.
    Test,
    /// Appointments told to the portal (System X sends its notices in it).
    Avtaleutsending,
    /// Who is digitally active.
    Digitalbruker,
    /// A dialogue with a clinician; here between clinicians.
    Helsepersonell,
}

impl Process {
    /// Every process that this side knows.
    pub const ALL: [Process; 10] = [
        Process::Timereservasjon,
        Process::Timeonske,
        Process::Reseptfornyelse,
        Process::Ekonsultasjon,
        Process::Ekontakt,
        Process::Behandleroversikt,
        Process::Test,
        Process::Avtaleutsending,
        Process::Digitalbruker,
        Process::Helsepersonell,
    ];

    /// The value of `Type/@V`.
    pub fn code(self) -> &'static str {
        match self {
            Process::Timereservasjon => "DIALOG_INNBYGGER_TIMERESERVASJON",
            Process::Timeonske => "DIALOG_INNBYGGER_TIMEONSKE",
            Process::Reseptfornyelse => "DIALOG_INNBYGGER_RESEPTFORNYELSE",
            Process::Ekonsultasjon => "DIALOG_INNBYGGER_EKONSULTASJON",
            Process::Ekontakt => "DIALOG_INNBYGGER_EKONTAKT",
            Process::Behandleroversikt => "DIALOG_INNBYGGER_BEHANDLEROVERSIKT",
            Process::Test => "DIALOG_INNBYGGER_TEST",
            Process::Avtaleutsending => "DIALOG_INNBYGGER_AVTALEUTSENDING",
            Process::Digitalbruker => "DIALOG_INNBYGGER_DIGITALBRUKER",
            Process::Helsepersonell => "DIALOG_INNBYGGER_HELSEPERSONELL",
        }
    }

    /// The value of `Type/@DN`.
    pub fn name(self) -> &'static str {
        match self {
            Process::Timereservasjon => "Dialog med innbygger - timereservasjon",
            Process::Timeonske => "Dialog med innbygger - timeønske",
            Process::Reseptfornyelse => "Dialog med innbygger - reseptfornyelse",
            Process::Ekonsultasjon => "Dialog med innbygger - eKonsultasjon",
            Process::Ekontakt => "Dialog med innbygger - eKontakt",
            Process::Behandleroversikt => "Dialog med innbygger – behandleroversikt",
            Process::Test => "Dialog med innbygger - test",
            Process::Avtaleutsending => "Dialog med innbygger - avtaleutsending",
            Process::Digitalbruker => "Dialog med innbygger - digital bruker",
            Process::Helsepersonell => "Dialog mellom innbygger og helsepersonell",
        }
    }

    /// The process with this `Type/@V`.
    pub fn from_code(code: &str) -> Option<Process> {
        Process::ALL.into_iter().find(|process| process.code() == code.trim())
    }
}

/// What a message from the portal asks for or says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// HLT: which slots are free.
    FreeSlots,
    /// RT: reserve a slot.
    Reserve,
    /// ART: cancel a reservation.
    CancelReservation,
    /// HBT: which appointments are booked.
    Booked,
    /// OT: a wish for an appointment.
    Wish,
    /// OET: a wish for another time.
    ChangeWish,
    /// OAT: a wish to cancel.
    CancelWish,
    /// RF: renewal in free text.
    RenewalText,
    /// RFER: renewal with M1.
    RenewalPrescriptions,
    /// SB: a question to the clinician.
    Consultation,
    /// HE: a contact.
    Contact,
    /// BA: a certificate.
    Certificate,
    /// HB: which clinicians.
    Clinicians,
    /// KT: the communication test.
    Test,
    /// 22: the citizen's reply in a dialogue.
    Reply,
    /// RKT: the answer to a communication test that the office began.
    TestAnswer,
    /// SDAB: the citizen became digitally active, or ceased to be so.
    DigitalStatus,
    /// 28: who is digitally active, of those that the office asked about.
    DigitalUsers,
    /// 29: nobody is.
    NoDigitalUsers,
    /// 12: a clinician answers what the office asked.
    ColleagueAnswer,
    /// 13: a clinician ends a dialogue with the office.
    ColleagueEnd,
}

/// What the guide demands of one kind of message.
#[derive(Debug)]
pub struct Rule {
    /// The kind.
    pub kind: Kind,
    /// The value of `TypeForesp/@V` or `TemaKodet/@V`.
    pub code: &'static str,
    /// The names (`@DN`) that the code system and the published examples give.
    pub names: &'static [&'static str],
    /// The code system.
    pub system: &'static str,
    /// The processes in which it is legal.
    pub processes: &'static [Process],
    /// Answered in real time, and then without a receipt.
    pub synchronous: bool,
}

/// One rule a kind; the guide's chapter 3.
pub const RULES: &[Rule] = &[
    rule(Kind::FreeSlots, "HLT", &["Hent ledige timer"], &[Process::Timereservasjon], true),
    rule(Kind::Reserve, "RT", &["Reserver time"], &[Process::Timereservasjon], false),
    rule(Kind::CancelReservation, "ART", &["Avbestill reservert time"], &[Process::Timereservasjon], false),
    rule(Kind::Booked, "HBT", &["Hent bestilte timer"], &[Process::Timereservasjon], true),
    rule(Kind::Wish, "OT", &["Ønske om time"], &[Process::Timeonske], false),
    rule(Kind::ChangeWish, "OET", &["Ønske om endring av time"], &[Process::Timeonske], false),
    rule(Kind::CancelWish, "OAT", &["Ønske om avbestilling av time"], &[Process::Timeonske], false),
    rule(Kind::RenewalText, "RF", &["Reseptfornying, fritekst"], &[Process::Reseptfornyelse], false),
    rule(Kind::RenewalPrescriptions, "RFER", &["Reseptfornying, eResept"], &[Process::Reseptfornyelse], false),
    rule(
        Kind::Consultation,
        "SB",
        &["Spørsmål til behandler"],
        &[Process::Ekonsultasjon, Process::Helsepersonell],
        false,
    ),
    rule(Kind::Contact, "HE", &["Henvendelse"], &[Process::Ekontakt], false),
    rule(Kind::Certificate, "BA", &["Bestille attest", "Bestill attest"], &[Process::Ekontakt], false),
    rule(Kind::Clinicians, "HB", &["Hent behandlere", "Hent behandler"], &[Process::Behandleroversikt], true),
    Rule { system: TEST, ..rule(Kind::Test, "KT", &["Kommunikasjonstest"], &[Process::Test], true) },
    Rule { system: ANSWER, ..rule(Kind::Reply, "22", &["Svar fra innbygger"], REPLIED, false) },
    Rule {
        system: ANSWER,
        ..rule(Kind::ColleagueAnswer, "12", &["Svar på spørsmål fra behandler"], &[Process::Helsepersonell], false)
    },
    Rule { system: ANSWER, ..rule(Kind::ColleagueEnd, "13", &["Dialog avsluttet"], &[Process::Helsepersonell], false) },
    Rule { system: TEST, ..rule(Kind::TestAnswer, "RKT", &["Respons kommunikasjonstest"], &[Process::Test], true) },
    rule(Kind::DigitalStatus, "SDAB", &["Status digital aktiv bruker"], &[Process::Digitalbruker], false),
    Rule {
        system: ANSWER,
        ..rule(Kind::DigitalUsers, "28", &["Digitale aktive brukere"], &[Process::Digitalbruker], false)
    },
    Rule {
        system: ANSWER,
        ..rule(Kind::NoDigitalUsers, "29", &["Ingen digitale brukere"], &[Process::Digitalbruker], false)
    },
];

/// Where citizens reply.
const REPLIED: &[Process] = &[Process::Ekonsultasjon, Process::Ekontakt, Process::Helsepersonell];

const fn rule(
    kind: Kind,
    code: &'static str,
    names: &'static [&'static str],
    processes: &'static [Process],
    synchronous: bool,
) -> Rule {
    Rule { kind, code, names, system: REQUEST, processes, synchronous }
}

impl Kind {
    /// Whether it is written as `Notat`, as every answer is.
    pub fn is_answer(self) -> bool {
        matches!(self, Kind::Reply | Kind::TestAnswer | Kind::ColleagueAnswer | Kind::ColleagueEnd)
            || self.tells_who_is_digital()
    }

    /// Whether it answers the office's question of who is digitally active.
    pub fn tells_who_is_digital(self) -> bool {
        matches!(self, Kind::DigitalUsers | Kind::NoDigitalUsers)
    }

    /// What the guide demands of this kind.
    pub fn rule(self) -> &'static Rule {
        // Every kind has its line in the table; a test holds it to that.
        RULES.iter().find(|rule| rule.kind == self).unwrap_or(&RULES[0])
    }
}

/// A coded value as a message carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// `@V`.
    pub value: String,
    /// `@S`; empty where the type has none.
    pub system: String,
    /// `@DN`.
    pub name: String,
}

/// The answer (7602) with this value, under the name of the code system.
pub fn answer(value: &str) -> Code {
    let (system, name) = match value {
        "01" => (ANSWER, "Bestilte timer"),
        "02" => (ANSWER, "Ingen bestilte timer"),
        "03" => (ANSWER, "Ledige timer"),
        "04" => (ANSWER, "Ingen ledige timer"),
        "05" => (ANSWER, "Timereservasjon bekreftet"),
        "06" => (ANSWER, "Time ikke tilgjengelig"),
        "07" => (ANSWER, "Endring av time bekreftet"),
        "08" => (ANSWER, "Avbestilling av time bekreftet"),
        "09" => (ANSWER, "Time kunne ikke avbestilles"),
        "10" => (ANSWER, "Timereservasjon hos annen behandler bekreftet"),
        "11" => (ANSWER, "Pasient ikke møtt"),
        "12" => (ANSWER, "Svar på spørsmål fra behandler"),
        "13" => (ANSWER, "Dialog avsluttet"),
        "14" => (ANSWER, "Resept er fornyet"),
        "15" => (ANSWER, "Resept kan ikke fornyes"),
        "17" => (ANSWER, "Attest er utstedt"),
        "18" => (ANSWER, "Attest kan ikke utstedes"),
        "19" => (ANSWER, "Svar på henvendelse"),
        "20" => (ANSWER, "Behandlere"),
        "21" => (ANSWER, "Behandlere ikke funnet"),
        "30" => (ANSWER, "Ikke tilgang"),
        "31" => (ANSWER, "Generell feil"),
        "32" => (ANSWER, "Resepter delvis fornyet"),
        "34" => (ANSWER, "Time kunne ikke endres"),
        "DI" => (REQUEST, "Dialog med innbygger"),
        "SB" => (REQUEST, "Spørsmål til behandler"),
        "EKI" => (REQUEST, "Engangskontakt med innbygger"),
        "SIDAB" => (REQUEST, "Sjekk om innbyggere er digitalt aktive brukere"),
        "KT" => (TEST, "Kommunikasjonstest"),
        "RKT" => (TEST, "Respons kommunikasjonstest"),
        _ => (ANSWER, "Forespørsel avvist"),
    };
    Code {
        value: if name == "Forespørsel avvist" { "26".to_owned() } else { value.to_owned() },
        system: system.to_owned(),
        name: name.to_owned(),
    }
}

/// The name of an error in an application receipt (8221).
pub fn receipt_error(code: &str) -> &'static str {
    match code {
        "T01" => "Ikke XML / ikke 'well formed' / uleselig",
        "T02" => "XML validerer ikke",
        "T10" => "Ikke støttet meldingsformat",
        "E10" => "Ugyldig meldingsidentifikator",
        "E21" => "Mottaker finnes ikke",
        "E30" => "Pasientens fødselsnummer er feil",
        "E35" => "Pasienten finnes ikke i mottakersystemet",
        _ => "Annen feil",
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, RULES};

    #[test]
    fn every_kind_has_one_rule_of_its_own() {
        for rule in RULES {
            assert_eq!(rule.kind.rule().code, rule.code);
            assert_eq!(RULES.iter().filter(|other| other.code == rule.code).count(), 1, "{}", rule.code);
        }
        assert_eq!(Kind::Reply.rule().code, "22");
    }
}
