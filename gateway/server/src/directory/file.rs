//! The directory file's form. Everything in it is checked, also between its parts, before anything of it counts: an
//! error names the entry by its place and never a citizen by number.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, BufReader, Read},
    path::Path,
    str::FromStr,
};

use dialog_contract::{
    agreement::AgreedPrice,
    ids::{HerId, HprNumber, NationalIdentityNumber},
    limits::returned,
    practice::{Booking, Office},
    service::Service,
};
use dialog_core::ports::directory::{Agreement, NationalProvider, ProviderName};
use dialog_host::file;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::limits::DIRECTORY_BYTES;

/// Bytes of the file that are read at once.
const READ_AT_ONCE: usize = 256 * 1024;

/// Prices of a service: by kind of consultation and by who holds it, as many as the API shows.
const PRICES: usize = 10;

/// A directory, checked.
pub struct Directory {
    /// Who provides.
    pub providers: Vec<ProviderName>,
    /// Offices with their clinicians.
    pub offices: Vec<Office>,
    /// Who agreed what.
    pub agreements: Vec<Agreement>,
    /// Who is whose GP.
    pub citizens: Vec<Citizen>,
    /// Who is there beside the GPs.
    pub national: Vec<NationalProvider>,
}

/// One citizen.
pub struct Citizen {
    /// Who.
    pub number: NationalIdentityNumber,
    /// What is stored of them.
    pub entry: CitizenEntry,
}

/// What is stored of a citizen, under the citizen's pseudonym.
#[derive(Debug, Clone, serde::Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CitizenEntry {
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// With country code.
    #[serde(default)]
    pub mobile: Option<String>,
    /// A mail address, for notices.
    #[serde(default)]
    pub email: Option<String>,
    /// Said yes to digital dialog.
    #[serde(default = "yes")]
    pub digitally_active: bool,
    /// The GP.
    pub general_practitioner: HprNumber,
    /// The GP's office.
    pub office: HerId,
}

const fn yes() -> bool {
    true
}

/// Why a directory file does not count.
#[derive(Debug, thiserror::Error)]
#[error("directory file: {0}")]
pub struct DirectoryFileError(String);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawDirectory {
    providers: Vec<ProviderName>,
    offices: Vec<Office>,
    agreements: Vec<Agreement>,
    citizens: Vec<RawCitizen>,
    #[serde(default)]
    national_providers: Vec<NationalProvider>,
}

// Not flattened from `CitizenEntry`: that would let unknown fields pass.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawCitizen {
    national_identity_number: String,
    given_name: String,
    family_name: String,
    #[serde(default)]
    mobile: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default = "yes")]
    digitally_active: bool,
    general_practitioner: HprNumber,
    office: HerId,
}

/// A directory with the digest of its file.
pub struct Loaded {
    /// What it says.
    pub directory: Directory,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
}

/// Reads and checks a file.
pub fn read(path: &Path) -> Result<Loaded, DirectoryFileError> {
    let fail = |what: &dyn std::fmt::Display| DirectoryFileError(format!("{}: {what}", path.display()));
    let file = file::open(path, DIRECTORY_BYTES).map_err(|error| fail(&error))?;
    let mut bytes = BufReader::with_capacity(READ_AT_ONCE, Hashed { bytes: file, digest: Sha256::new() });
    let raw: RawDirectory = serde_json::from_reader(&mut bytes).map_err(|error| fail(&without_values(&error)))?;
    // What is parsed was read to its end.
    let sha256 = crate::hex(&bytes.into_inner().digest.finalize());
    Ok(Loaded { directory: check(raw).map_err(|what| fail(&what))?, sha256 })
}

/// Bytes that are hashed as they are read.
struct Hashed<R> {
    bytes: R,
    digest: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(into)?;
        self.digest.update(&into[..read]);
        Ok(read)
    }
}

/// serde_json quotes what it found, which could be a citizen's number or name: what was expected and the place are
/// enough. Names of fields are those of the document, or nobody's.
fn without_values(error: &serde_json::Error) -> String {
    let whole = error.to_string();
    let what = whole.rsplit_once(" at line ").map_or(whole.as_str(), |(what, _)| what);
    if error.is_io() {
        return what.to_owned();
    }
    let quotes = ["invalid type", "invalid value", "invalid length", "unknown variant"];
    let what = if quotes.iter().any(|quoting| what.starts_with(quoting)) {
        what.rsplit_once(", expected ")
            .map_or("not as documented".to_owned(), |(_, wanted)| format!("expected {wanted}"))
    } else {
        what.to_owned()
    };
    let safe = if what.bytes().filter(u8::is_ascii_digit).count() >= 11 { "not as documented" } else { &what };
    format!("line {}, column {}: {safe}", error.line(), error.column())
}

/// `+` and digits (ITU-T E.164), blanks between them as people write them.
fn is_mobile(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or_default().replace(' ', "");
    (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a mail server could take, of the letters that all of them take; whether anybody is there, only a notice tells.
fn is_email(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'@' | b'<' | b'>' | b'"' | b',' | b';' | b':');
    address.len() <= 254
        && !local.is_empty()
        && local.bytes().all(plain)
        && domain.contains('.')
        && domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
        && !domain.starts_with(['.', '-'])
}

fn check(raw: RawDirectory) -> Result<Directory, String> {
    let mut offices = BTreeSet::new();
    let mut clinicians = BTreeSet::new();
    for (at, office) in raw.offices.iter().enumerate() {
        if !offices.insert(office.her_id) {
            return Err(format!("offices[{at}]: HER-id {} is there twice", office.her_id));
        }
        clinicians.extend(office.practitioners.iter().map(|one| (office.her_id, one.clinician.hpr_number)));
    }
    let mut providers = BTreeSet::new();
    for (at, provider) in raw.providers.iter().enumerate() {
        if !providers.insert(provider.id.clone()) {
            return Err(format!("providers[{at}]: {} is there twice", provider.id));
        }
    }
    let mut agreed: BTreeMap<(HerId, Service), Vec<&Agreement>> = BTreeMap::new();
    for (at, agreement) in raw.agreements.iter().enumerate() {
        if !offices.contains(&agreement.office) {
            return Err(format!("agreements[{at}]: there is no office with HER-id {}", agreement.office));
        }
        if !providers.contains(&agreement.plugin) {
            return Err(format!("agreements[{at}]: there is no provider {}", agreement.plugin));
        }
        let earlier = agreed.entry((agreement.office, agreement.service)).or_default();
        if earlier.iter().any(|other| other.overlaps(agreement)) {
            let (office, service) = (agreement.office, agreement.service);
            return Err(format!("agreements[{at}]: office {office} has {service} twice at the same time"));
        }
        earlier.push(agreement);
        if let Some(fallback) = &agreement.fallback {
            let slots = agreement.booking == Some(Booking::Direct) || agreement.service == Service::Payment;
            if fallback.plugin == agreement.plugin || !providers.contains(&fallback.plugin) || slots {
                return Err(format!("agreements[{at}].fallback: is no other provider, or of what is not written"));
            }
        }
        if (agreement.service == Service::Appointment) != agreement.booking.is_some() {
            return Err(format!("agreements[{at}]: booking belongs to appointment, and appointment needs it"));
        }
        if let Some(wrong) = agreement.prices.iter().position(|price| !is_price(price)) {
            return Err(format!(
                "agreements[{at}]: prices[{wrong}]: an amount in øre, a tariff of letters and digits if any, and a line in each \
                 language"
            ));
        }
        if agreement.prices.len() > PRICES {
            return Err(format!("agreements[{at}]: over {PRICES} prices"));
        }
        for (name, until) in [("validUntil", agreement.valid_until), ("offeredUntil", agreement.offered_until)] {
            if agreement.valid_from.zip(until).is_some_and(|(from, until)| from >= until) {
                return Err(format!("agreements[{at}]: validFrom is not before {name}"));
            }
        }
    }
    for (at, national) in raw.national_providers.iter().enumerate() {
        if !offices.contains(&national.office) || !providers.contains(&national.provider) {
            return Err(format!("nationalProviders[{at}]: there is no such provider, or no such office"));
        }
    }
    let mut numbers = BTreeSet::new();
    let citizens = raw
        .citizens
        .into_iter()
        .enumerate()
        .map(|(at, citizen)| {
            let number = NationalIdentityNumber::from_str(&citizen.national_identity_number)
                .map_err(|error| format!("citizens[{at}]: {error}"))?;
            if !numbers.insert(number.clone()) {
                return Err(format!("citizens[{at}]: the same citizen is there twice"));
            }
            let gp = (citizen.office, citizen.general_practitioner);
            if !clinicians.contains(&gp) {
                return Err(format!("citizens[{at}]: office {} has no clinician with HPR number {}", gp.0, gp.1));
            }
            if citizen.mobile.as_deref().is_some_and(|number| !is_mobile(number)) {
                return Err(format!("citizens[{at}].mobile: must be + and 8 to 15 digits"));
            }
            if citizen.email.as_deref().is_some_and(|address| !is_email(address)) {
                return Err(format!("citizens[{at}].email: must be a mail address of at most 254 characters"));
            }
            let RawCitizen {
                given_name,
                family_name,
                mobile,
                email,
                digitally_active,
                general_practitioner,
                office,
                ..
            } = citizen;
            let entry =
                CitizenEntry { given_name, family_name, mobile, email, digitally_active, general_practitioner, office };
            Ok(Citizen { number, entry })
        })
        .collect::<Result<_, String>>()?;
    Ok(Directory {
        providers: raw.providers,
        offices: raw.offices,
        agreements: raw.agreements,
        citizens,
        national: raw.national_providers,
    })
}

/// Within what the API says of a price.
fn is_price(price: &AgreedPrice) -> bool {
    let AgreedPrice { amount, tariff, nb, nn, en } = price;
    let is_tariff = |tariff: &String| {
        (1..=returned::TARIFF_CHARACTERS).contains(&tariff.len())
            && tariff.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let is_line = |text: &&String| {
        (1..=returned::INVOICE_TEXT_CHARACTERS).contains(&text.chars().count()) && !text.chars().any(char::is_control)
    };
    returned::ORE.contains(amount) && tariff.as_ref().is_none_or(is_tariff) && [nb, nn, en].iter().all(is_line)
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
