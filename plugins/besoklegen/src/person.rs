//! Patients and who acts for them, as the vendor writes them. Nothing here prints a national identity number.

use dialog_plugin_sdk::{Citizen, CitizenIdentity, Context, Failure, Representation, Sent};
use std::fmt;

use crate::Odd;
use crate::xml::writer::Writer;

/// The patient's number, where the request needs no more.
///
/// # Errors
/// The call names no citizen, or the number was not granted: `faulty`, nothing sent.
pub fn number(ctx: &Context) -> Result<&str, Failure> {
    granted(ctx.citizen()?.national_identity_number.as_deref())
}

fn granted(number: Option<&str>) -> Result<&str, Failure> {
    number.ok_or_else(|| Failure::faulty(Sent::No, "the plugin was not granted the national identity number"))
}

/// The patient of a request, and who acts in the patient's place.
pub struct People<'a> {
    number: &'a str,
    citizen: &'a Citizen,
    proxy: Option<Proxy<'a>>,
}

struct Proxy<'a> {
    number: &'a str,
    given: &'a str,
    family: &'a str,
    role: &'static str,
}

impl fmt::Debug for People<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("People(withheld)")
    }
}

impl<'a> People<'a> {
    /// Of a call.
    ///
    /// # Errors
    /// As [`number`].
    pub fn of(ctx: &'a Context) -> Result<Self, Failure> {
        let proxy = ctx.representative.as_ref().map(|acting| {
            Ok::<_, Failure>(Proxy {
                number: granted(acting.national_identity_number.as_deref())?,
                given: &acting.given_name,
                family: &acting.family_name,
                role: match acting.role {
                    Representation::Parent => "PARENT",
                    Representation::Guardian => "GUARDIAN",
                    Representation::PowerOfAttorney => "PROXY",
                },
            })
        });
        Ok(Self { number: number(ctx)?, citizen: ctx.citizen()?, proxy: proxy.transpose()? })
    }

    /// Writes both.
    #[must_use]
    pub fn write(&self, xml: Writer) -> Writer {
        let patient = xml
            .open("Patient")
            .leaf("Fnr", self.number)
            .leaf("Given", &self.citizen.given_name)
            .leaf("Family", &self.citizen.family_name)
            .optional("Mobile", self.citizen.mobile.as_deref())
            .close();
        self.write_proxy(patient)
    }

    /// Writes the patient's number, and who acts.
    #[must_use]
    pub fn write_number(&self, xml: Writer) -> Writer {
        self.write_proxy(xml.leaf("Fnr", self.number))
    }

    fn write_proxy(&self, xml: Writer) -> Writer {
        let Some(proxy) = &self.proxy else { return xml };
        xml.open("Proxy")
            .leaf("Fnr", proxy.number)
            .leaf("Given", proxy.given)
            .leaf("Family", proxy.family)
            .leaf("Role", proxy.role)
            .close()
    }
}

/// A patient whom the vendor names: eleven digits with both check digits. The gateway checks more; what it would refuse
/// here takes down only the event that it stands in.
///
/// # Errors
/// It is none.
pub fn known(text: &str) -> Result<CitizenIdentity, Odd> {
    const WEIGHTS: [&[u32]; 2] = [&[3, 7, 6, 1, 8, 9, 4, 5, 2, 1], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]];
    let digits: Vec<u32> = text.chars().filter_map(|character| character.to_digit(10)).collect();
    let sum = |weights: &[u32]| weights.iter().zip(&digits).map(|(weight, digit)| weight * digit).sum::<u32>();
    let whole = digits.len() == 11 && text.len() == 11;
    if whole && WEIGHTS.iter().all(|weights| sum(weights) % 11 == 0) {
        Ok(CitizenIdentity::NationalIdentityNumber(text.to_owned()))
    } else {
        Err("names a patient by a number that is none")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_eleven_digits_and_both_check_digits() {
        assert!(known("02917130593").is_ok());
        for wrong in ["02917130594", "02917130503", "2917130593", "0291713059x", "", "029171305930"] {
            assert!(known(wrong).is_err(), "{wrong}");
        }
        assert!(!format!("{:?}", known("02917130593")).contains("02917130593"));
    }
}
