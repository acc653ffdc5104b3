//! The facts that the demo, the directory file and every simulated back end share: GP offices, their doctors,
//! and the citizens on the doctors' lists.
//!
//! Nobody here exists. National identity numbers are synthetic as Tenor makes them (month + 80, valid check digits),
//! organisation numbers begin with 3 as the test register's do, HER-ids lie in the range of the test address register.

use dialog_contract::service::{ProviderKind, Service};

/// The HER-id of the portal's organisation (level 1) in Adresseregisteret: the sender of all that a citizen writes.
pub const PORTAL_ORGANISATION_HER_ID: u32 = 115_851;
/// The name of the portal's organisation (level 1).
pub const PORTAL_ORGANISATION_NAME: &str = "Norsk Helsenett SF";
/// The HER-id of the portal's communication party (level 2): where the offices send their answers.
pub const PORTAL_HER_ID: u32 = 8_093_248;
/// The name of the portal's communication party (level 2).
pub const PORTAL_NAME: &str = "Digitale innbyggertjenester";

/// Who serves a service at an office.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solution {
    /// The commercial vendor that is asked for news, and answers when there are some.
    CgmEportal,
    /// The public solution, Digital Dialog Fastlege.
    Ddfl,
    /// The commercial vendor.
    Helserespons,
    /// A commercial vendor that speaks SOAP.
    Besoklegen,
    /// A commercial vendor that speaks FHIR.
    Pasientsky,
    /// The commercial vendor with doctors of its own.
    Kry,
}

impl Solution {
    /// Every solution, in the order of their plugins' ids.
    pub const ALL: [Solution; 6] = [
        Solution::Besoklegen,
        Solution::CgmEportal,
        Solution::Ddfl,
        Solution::Helserespons,
        Solution::Kry,
        Solution::Pasientsky,
    ];

    /// The id of the plugin that speaks with this solution.
    pub fn plugin(self) -> &'static str {
        match self {
            Solution::CgmEportal => "cgm-eportal",
            Solution::Ddfl => "ddfl",
            Solution::Helserespons => "helserespons",
            Solution::Besoklegen => "besoklegen",
            Solution::Pasientsky => "pasientsky",
            Solution::Kry => "kry",
        }
    }

    /// As citizens know it.
    pub fn name(self) -> &'static str {
        match self {
            Solution::CgmEportal => "CGM e-portal",
            Solution::Ddfl => "Digital dialog fastlege",
            Solution::Helserespons => "Helserespons",
            Solution::Besoklegen => "Besøklegen",
            Solution::Pasientsky => "PasientSky",
            Solution::Kry => "Kry",
        }
    }

    /// Whether the state or a company provides it.
    pub fn kind(self) -> ProviderKind {
        match self {
            Solution::Ddfl => ProviderKind::Public,
            Solution::Helserespons
            | Solution::Besoklegen
            | Solution::CgmEportal
            | Solution::Kry
            | Solution::Pasientsky => ProviderKind::Commercial,
        }
    }
}

/// The record system (EPJ) of an office.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordSystem {
    /// Infodoc Plenario: every process, direct booking, AppRec 1.1.
    Plenario,
    /// CGM Allmenn: e-consultation, contact and test only, older versions, AppRec 1.0, ISO-8859-1.
    CgmAllmenn,
    /// System X (Hove): written appointment requests in place of direct booking, XHTML answers.
    SystemX,
}

/// A general practitioner.
#[derive(Clone, Copy, Debug)]
pub struct Gp {
    /// Given name.
    pub given_name: &'static str,
    /// Family name.
    pub family_name: &'static str,
    /// Number in Helsepersonellregisteret, seven digits with a check digit.
    pub hpr: &'static str,
    /// The doctor's own communication party in Adresseregisteret (level 2, below the office).
    pub her_id: u32,
}

/// A GP office.
#[derive(Clone, Copy, Debug)]
pub struct Office {
    /// Name, as Adresseregisteret has it.
    pub name: &'static str,
    /// HER-id of the organisation (level 1): the `organisationHerId` of the contract, and how the simulators name an
    /// office.
    pub her_id: u32,
    /// HER-id of the office's communication party (level 2), where DDFL messages go: the office's identity in the portal
    /// API. The doctors' own HER-ids
    /// ([`Gp::her_id`]) stand on the same level and reach the same record system.
    pub service_her_id: u32,
    /// Name of the communication party (level 2).
    pub service_name: &'static str,
    /// Number in Enhetsregisteret, nine digits with a check digit.
    pub organisation_number: &'static str,
    /// Street address, postcode and place.
    pub address: &'static str,
    /// Telephone number.
    pub phone: &'static str,
    /// The doctors.
    pub gps: &'static [Gp],
    /// The record system behind DDFL; `None` where the office has no DDFL.
    pub record_system: Option<RecordSystem>,
    /// Who serves what: an agreement for each.
    pub services: &'static [(Service, Solution)],
    /// Whether citizens pick a free slot (`true`) or write what they wish (`false`).
    pub direct_booking: bool,
    /// What each commercial vendor that the office uses calls it.
    pub accounts: &'static [(Solution, &'static str)],
}

/// A citizen.
#[derive(Clone, Copy)]
pub struct Citizen {
    /// Given name.
    pub given_name: &'static str,
    /// Family name.
    pub family_name: &'static str,
    /// Synthetic national identity number.
    pub national_id: &'static str,
    /// The HPR number of the citizen's GP.
    pub gp_hpr: &'static str,
    /// The office of the citizen's GP, [`Office::her_id`].
    pub office_her_id: u32,
}

// A national identity number never prints itself, not even a synthetic one.
impl std::fmt::Debug for Citizen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Citizen").field("given_name", &self.given_name).finish_non_exhaustive()
    }
}

/// The HPR numbers of the specialists in general practice.
pub const SPECIALISTS: &[&str] = &["9123458"];

/// Office 1: all services through DDFL, on Infodoc Plenario, with direct booking.
pub const FJELLVEIEN: Office = Office {
    name: "Fjellveien legesenter",
    her_id: 8_150_100,
    service_her_id: 8_150_101,
    service_name: "Fastlegetjenesten ved Fjellveien legesenter",
    organisation_number: "310001015",
    address: "Fjellveien 4, 5019 Bergen",
    phone: "+4755010101",
    gps: &[
        Gp { given_name: "Sigrid", family_name: "Ås", hpr: "9123407", her_id: 8_150_111 },
        Gp { given_name: "Jonas", family_name: "Mørk", hpr: "9123415", her_id: 8_150_112 },
    ],
    record_system: Some(RecordSystem::Plenario),
    services: &[
        (Service::Appointment, Solution::Ddfl),
        (Service::PrescriptionRenewal, Solution::Ddfl),
        (Service::Consultation, Solution::Ddfl),
        (Service::Inquiry, Solution::Ddfl),
        (Service::Certificate, Solution::Ddfl),
        (Service::Collegial, Solution::Ddfl),
    ],
    direct_booking: true,
    accounts: &[],
};

/// Office 2: e-consultations through DDFL on CGM Allmenn, everything else through Helserespons.
pub const HAVNEGATA: Office = Office {
    name: "Havnegata legekontor",
    her_id: 8_150_200,
    service_her_id: 8_150_201,
    service_name: "Fastlegetjenesten ved Havnegata legekontor",
    organisation_number: "310001023",
    address: "Havnegata 12, 7010 Trondheim",
    phone: "+4773020202",
    gps: &[
        Gp { given_name: "Håkon", family_name: "Bjørge", hpr: "9123423", her_id: 8_150_211 },
        Gp { given_name: "Ingrid", family_name: "Solvang", hpr: "9123431", her_id: 8_150_212 },
    ],
    record_system: Some(RecordSystem::CgmAllmenn),
    services: &[
        (Service::Appointment, Solution::Helserespons),
        (Service::PrescriptionRenewal, Solution::Helserespons),
        (Service::Consultation, Solution::Ddfl),
        (Service::Inquiry, Solution::Helserespons),
        (Service::Certificate, Solution::Helserespons),
        (Service::Payment, Solution::Helserespons),
        (Service::Collegial, Solution::Helserespons),
    ],
    direct_booking: true,
    accounts: &[(Solution::Helserespons, "havnegata")],
};

/// Office 3: everything through Helserespons.
pub const LILLETORGET: Office = Office {
    name: "Lilletorget legegruppe",
    her_id: 8_150_300,
    service_her_id: 8_150_301,
    service_name: "Fastlegetjenesten ved Lilletorget legegruppe",
    organisation_number: "310001031",
    address: "Lilletorget 1, 0184 Oslo",
    phone: "+4722030303",
    gps: &[Gp { given_name: "Amina", family_name: "Yusuf", hpr: "9123458", her_id: 8_150_311 }],
    record_system: None,
    services: &[
        (Service::Appointment, Solution::Helserespons),
        (Service::PrescriptionRenewal, Solution::Helserespons),
        (Service::Consultation, Solution::Helserespons),
        (Service::Inquiry, Solution::Helserespons),
        (Service::Certificate, Solution::Helserespons),
        (Service::Payment, Solution::Helserespons),
        (Service::TestResults, Solution::Helserespons),
    ],
    direct_booking: true,
    accounts: &[(Solution::Helserespons, "lilletorget")],
};

/// Office 4: all services through DDFL, on System X, with written appointment requests.
pub const ELVEBREDDEN: Office = Office {
    name: "Elvebredden legekontor",
    her_id: 8_150_400,
    service_her_id: 8_150_401,
    service_name: "Fastlegetjenesten ved Elvebredden legekontor",
    organisation_number: "310001058",
    address: "Elvegata 8, 9008 Tromsø",
    phone: "+4777040404",
    gps: &[Gp { given_name: "Nils", family_name: "Sárá", hpr: "9123466", her_id: 8_150_411 }],
    record_system: Some(RecordSystem::SystemX),
    services: &[
        (Service::Appointment, Solution::Ddfl),
        (Service::PrescriptionRenewal, Solution::Ddfl),
        (Service::Consultation, Solution::Ddfl),
        (Service::Inquiry, Solution::Ddfl),
        (Service::Certificate, Solution::Ddfl),
        (Service::Collegial, Solution::Ddfl),
    ],
    direct_booking: false,
    accounts: &[],
};

/// Office 5: everything through Besøklegen, sick notes too.
pub const SOLSIDEN: Office = Office {
    name: "Solsiden legesenter",
    her_id: 8_150_500,
    service_her_id: 8_150_501,
    service_name: "Fastlegetjenesten ved Solsiden legesenter",
    organisation_number: "310001066",
    address: "Solsiden 3, 4005 Stavanger",
    phone: "+4751050505",
    gps: &[
        Gp { given_name: "Tuva", family_name: "Lie", hpr: "9123504", her_id: 8_150_511 },
        Gp { given_name: "Omar", family_name: "Haddad", hpr: "9123512", her_id: 8_150_512 },
    ],
    record_system: None,
    services: &[
        (Service::Appointment, Solution::Besoklegen),
        (Service::PrescriptionRenewal, Solution::Besoklegen),
        (Service::Consultation, Solution::Besoklegen),
        (Service::Inquiry, Solution::Besoklegen),
        (Service::SickNoteRenewal, Solution::Besoklegen),
        (Service::Certificate, Solution::Besoklegen),
    ],
    direct_booking: true,
    accounts: &[(Solution::Besoklegen, "SOLSIDEN")],
};

/// Office 6: everything that PasientSky has.
pub const BEKKEFARET: Office = Office {
    name: "Bekkefaret legekontor",
    her_id: 8_150_600,
    service_her_id: 8_150_601,
    service_name: "Fastlegetjenesten ved Bekkefaret legekontor",
    organisation_number: "310001074",
    address: "Bekkefaret 6, 4017 Stavanger",
    phone: "+4751060606",
    gps: &[Gp { given_name: "Ragnhild", family_name: "Moe", hpr: "9123539", her_id: 8_150_611 }],
    record_system: None,
    services: &[
        (Service::Appointment, Solution::Pasientsky),
        (Service::PrescriptionRenewal, Solution::Pasientsky),
        (Service::Consultation, Solution::Pasientsky),
        (Service::Inquiry, Solution::Pasientsky),
        (Service::TestResults, Solution::Pasientsky),
    ],
    direct_booking: true,
    accounts: &[(Solution::Pasientsky, "hs-8150601")],
};

/// Office 7: e-consultations through DDFL on CGM Allmenn, the rest through CGM e-portal; no appointments by the portal.
pub const SKOGBRYNET: Office = Office {
    name: "Skogbrynet legesenter",
    her_id: 8_150_700,
    service_her_id: 8_150_701,
    service_name: "Fastlegetjenesten ved Skogbrynet legesenter",
    organisation_number: "310001171",
    address: "Skogbrynet 7, 2408 Elverum",
    phone: "+4762070707",
    gps: &[Gp { given_name: "Berit", family_name: "Lund", hpr: "9123571", her_id: 8_150_711 }],
    record_system: Some(RecordSystem::CgmAllmenn),
    services: &[
        (Service::PrescriptionRenewal, Solution::CgmEportal),
        (Service::Consultation, Solution::Ddfl),
        (Service::Inquiry, Solution::CgmEportal),
        (Service::Certificate, Solution::CgmEportal),
        (Service::SickNoteRenewal, Solution::CgmEportal),
    ],
    direct_booking: false,
    accounts: &[(Solution::CgmEportal, "skogbrynet")],
};

/// The vendor that is an office itself: its own doctors answer, by video, by telephone and in writing. Its citizens are
/// on its list as others are on a GP's: the directory knows no other way to a doctor.
pub const KRY: Office = Office {
    name: "Kry Norge",
    her_id: 8_150_900,
    service_her_id: 8_150_901,
    service_name: "Legetjenesten ved Kry Norge",
    organisation_number: "310001163",
    address: "Postboks 900, 0101 Oslo",
    phone: "+4721555555",
    gps: crate::sim::kry::unit::DOCTORS,
    record_system: None,
    services: &[
        (Service::Appointment, Solution::Kry),
        (Service::Consultation, Solution::Kry),
        (Service::Payment, Solution::Kry),
    ],
    direct_booking: true,
    accounts: &[(Solution::Kry, crate::sim::kry::unit::UNIT)],
};

/// Every office: the three of the story, the one on System X, then those of the other vendors.
pub static OFFICES: [Office; 8] =
    [FJELLVEIEN, HAVNEGATA, LILLETORGET, ELVEBREDDEN, SOLSIDEN, BEKKEFARET, SKOGBRYNET, KRY];

/// A citizen at office 1.
pub const KARI: Citizen = Citizen {
    given_name: "Kari",
    family_name: "Fjell",
    national_id: "14838541241",
    gp_hpr: "9123407",
    office_her_id: 8_150_100,
};

/// A citizen at office 2.
pub const OLA: Citizen = Citizen {
    given_name: "Ola",
    family_name: "Brygge",
    national_id: "02917130593",
    gp_hpr: "9123423",
    office_her_id: 8_150_200,
};

/// A citizen at office 3.
pub const LEILA: Citizen = Citizen {
    given_name: "Leila",
    family_name: "Torg",
    national_id: "23869247251",
    gp_hpr: "9123458",
    office_her_id: 8_150_300,
};

/// A citizen at office 4.
pub const ANTE: Citizen = Citizen {
    given_name: "Ánte",
    family_name: "Elv",
    national_id: "06866842351",
    gp_hpr: "9123466",
    office_her_id: 8_150_400,
};

/// A citizen at office 6.
pub const EINAR: Citizen = Citizen {
    given_name: "Einar",
    family_name: "Bekk",
    national_id: "25855210099",
    gp_hpr: "9123539",
    office_her_id: 8_150_600,
};

/// A citizen at office 7.
pub const SOLVEIG: Citizen = Citizen {
    given_name: "Solveig",
    family_name: "Skog",
    national_id: "11847540402",
    gp_hpr: "9123571",
    office_her_id: 8_150_700,
};

/// Kari's child, born in 2017, on the list of the same doctor: whom Kari may act for.
pub const NORA: Citizen = Citizen {
    given_name: "Nora",
    family_name: "Fjell",
    national_id: "20881780195",
    gp_hpr: "9123407",
    office_her_id: 8_150_100,
};

/// A citizen at office 5, born in 1946.
pub const MARTE: Citizen = Citizen {
    given_name: "Marte",
    family_name: "Sol",
    national_id: "11864600125",
    gp_hpr: "9123504",
    office_her_id: 8_150_500,
};

/// A citizen whose doctor is a vendor's.
pub const SIGNE: Citizen = Citizen {
    given_name: "Signe",
    family_name: "Strand",
    national_id: "17889212160",
    gp_hpr: "9123482",
    office_her_id: 8_150_900,
};

/// Every citizen: the three of the story first, in the order of their offices.
pub const CITIZENS: [Citizen; 9] = [KARI, OLA, LEILA, ANTE, NORA, MARTE, EINAR, SOLVEIG, SIGNE];

/// The office with this HER-id on level 1.
pub fn office(her_id: u32) -> Option<&'static Office> {
    OFFICES.iter().find(|office| office.her_id == her_id)
}

impl Office {
    /// Whether `her_id` is one of this office's communication parties (level 2): its own or a doctor's.
    pub fn owns_party(&self, her_id: u32) -> bool {
        self.service_her_id == her_id || self.gps.iter().any(|gp| gp.her_id == her_id)
    }

    /// Who serves this service here.
    pub fn solution(&self, service: Service) -> Option<Solution> {
        self.services.iter().find(|(served, _)| *served == service).map(|(_, solution)| *solution)
    }

    /// What this commercial vendor calls the office; none where the office does not use it.
    pub fn account(&self, solution: Solution) -> Option<&'static str> {
        self.accounts.iter().find(|(vendor, _)| *vendor == solution).map(|(_, name)| *name)
    }

    /// The doctor with this HPR number.
    pub fn gp(&self, hpr: &str) -> Option<&'static Gp> {
        self.gps.iter().find(|gp| gp.hpr == hpr)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use super::{CITIZENS, OFFICES, office};

    fn mod11(digits: &[u32], weights: &[u32]) -> Option<u32> {
        let sum: u32 = digits.iter().zip(weights).map(|(d, w)| d * w).sum();
        match 11 - sum % 11 {
            11 => Some(0),
            10 => None,
            check => Some(check),
        }
    }

    fn digits(text: &str) -> Vec<u32> {
        text.chars().map(|c| c.to_digit(10).unwrap()).collect()
    }

    #[test]
    fn every_organisation_and_hpr_number_has_its_check_digit() {
        for o in &OFFICES {
            let d = digits(o.organisation_number);
            assert_eq!(d.len(), 9, "{}", o.name);
            assert_eq!(mod11(&d[..8], &[3, 2, 7, 6, 5, 4, 3, 2]), Some(d[8]), "{}", o.name);
            for gp in o.gps {
                let d = digits(gp.hpr);
                assert_eq!(mod11(&d[..6], &[7, 6, 5, 4, 3, 2]), Some(d[6]), "{}", gp.hpr);
            }
        }
    }

    #[test]
    fn every_national_identity_number_is_synthetic_and_has_its_check_digits() {
        for (position, citizen) in CITIZENS.iter().enumerate() {
            let d = digits(citizen.national_id);
            assert_eq!(d.len(), 11);
            let month = d[2] * 10 + d[3];
            assert!((81..=92).contains(&month), "citizen {position} is not a Tenor person");
            assert_eq!(mod11(&d[..9], &[3, 7, 6, 1, 8, 9, 4, 5, 2]), Some(d[9]), "citizen {position}");
            assert_eq!(mod11(&d[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]), Some(d[10]), "citizen {position}");
        }
    }

    #[test]
    fn every_citizen_is_on_the_list_of_a_doctor_of_the_office() {
        for citizen in &CITIZENS {
            let office = office(citizen.office_her_id).unwrap();
            assert!(office.gp(citizen.gp_hpr).is_some(), "{}", office.name);
        }
    }

    #[test]
    fn no_her_id_is_used_twice() {
        let mut all: Vec<u32> = OFFICES
            .iter()
            .flat_map(|o| [o.her_id, o.service_her_id].into_iter().chain(o.gps.iter().map(|g| g.her_id)))
            .collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn a_citizen_never_prints_the_national_identity_number() {
        for citizen in &CITIZENS {
            assert!(!format!("{citizen:?}").contains(citizen.national_id));
        }
    }
}
