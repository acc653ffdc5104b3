//! Who calls and for whom, as plugins see it.

use std::time::Duration;

use dialog_contract::{
    dialog::Clinician,
    ids::NationalIdentityNumber,
    provider::{Citizen, Context, Office, Representative, ServedOffice},
    service::{Locale, Representation},
};

use crate::bindings::{
    host::types, inbound::exports::dialog::provider::inbound, notices::exports::dialog::provider::notices,
};

/// What the host adds to a context.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) call_id: String,
    pub(crate) now: i64,
    pub(crate) time_left: Duration,
    pub(crate) installation: String,
    /// Whether the plugin asks for citizens' numbers and was granted them.
    pub(crate) numbers: bool,
}

impl Facts {
    fn time_left(&self) -> u32 {
        u32::try_from(self.time_left.as_millis()).unwrap_or(u32::MAX)
    }

    fn number(&self, number: &NationalIdentityNumber) -> Option<String> {
        self.numbers.then(|| number.expose().to_owned())
    }

    /// The context of a call about a citizen, or about an office.
    pub(crate) fn context(&self, ctx: Context) -> types::Context {
        types::Context {
            call_id: self.call_id.clone(),
            idempotency_key: ctx.idempotency_key,
            now: self.now,
            time_left: self.time_left(),
            locale: locale(ctx.locale),
            office: office(ctx.office),
            clinician: ctx.clinician.map(clinician),
            citizen: ctx.citizen.map(|citizen| self.citizen(citizen)),
            representative: ctx.representative.map(|representative| self.representative(representative)),
            settings: ctx.settings.to_string(),
            installation: self.installation.clone(),
            colleague: ctx.colleague.map(|colleague| types::Colleague {
                clinician: clinician(colleague.clinician),
                office: office(colleague.office),
                citizen_takes_part: colleague.citizen_takes_part,
            }),
        }
    }

    /// The context of a call about no citizen.
    pub(crate) fn inbound(&self, offices: Vec<ServedOffice>) -> inbound::InboundContext {
        inbound::InboundContext {
            call_id: self.call_id.clone(),
            now: self.now,
            time_left: self.time_left(),
            offices: offices
                .into_iter()
                .map(|served| inbound::ServedOffice {
                    office: office(served.office),
                    settings: served.settings.to_string(),
                })
                .collect(),
            installation: self.installation.clone(),
        }
    }

    /// The context of a notice, which is about nobody.
    pub(crate) fn notice(&self) -> notices::NoticeContext {
        notices::NoticeContext {
            call_id: self.call_id.clone(),
            now: self.now,
            time_left: self.time_left(),
            installation: self.installation.clone(),
        }
    }

    fn citizen(&self, citizen: Citizen) -> types::Citizen {
        types::Citizen {
            reference: citizen.reference,
            national_identity_number: self.number(&citizen.national_identity_number),
            given_name: citizen.given_name,
            family_name: citizen.family_name,
            mobile: citizen.mobile,
        }
    }

    fn representative(&self, representative: Representative) -> types::Representative {
        types::Representative {
            reference: representative.reference,
            national_identity_number: self.number(&representative.national_identity_number),
            given_name: representative.given_name,
            family_name: representative.family_name,
            role: match representative.role {
                Representation::Parent => types::Representation::Parent,
                Representation::Guardian => types::Representation::Guardian,
                Representation::PowerOfAttorney => types::Representation::PowerOfAttorney,
            },
        }
    }
}

/// A language.
pub(crate) const fn locale(locale: Locale) -> types::Locale {
    match locale {
        Locale::Nb => types::Locale::Nb,
        Locale::Nn => types::Locale::Nn,
        Locale::En => types::Locale::En,
    }
}

fn office(office: Office) -> types::Office {
    types::Office {
        her_id: office.her_id.get(),
        organisation_her_id: office.organisation_her_id.get(),
        organisation_number: office.organisation_number.to_string(),
        name: office.name,
    }
}

/// A clinician.
pub(crate) fn clinician(clinician: Clinician) -> types::Clinician {
    types::Clinician {
        hpr_number: clinician.hpr_number.get(),
        her_id: clinician.her_id.map(|her_id| her_id.get()),
        given_name: clinician.given_name,
        family_name: clinician.family_name,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::tests::citizen_context;

    fn facts(numbers: bool) -> Facts {
        Facts {
            call_id: "call".to_owned(),
            now: 0,
            time_left: Duration::from_millis(1234),
            installation: "{}".to_owned(),
            numbers,
        }
    }

    #[test]
    fn the_national_identity_number_goes_only_to_plugins_that_were_granted_it() {
        let ctx = citizen_context();
        let number = ctx.citizen.as_ref().unwrap().national_identity_number.expose().to_owned();
        let given = facts(true).context(ctx.clone()).citizen.unwrap();
        assert_eq!(given.national_identity_number, Some(number));
        let withheld = facts(false).context(ctx).citizen.unwrap();
        assert_eq!(withheld.national_identity_number, None);
    }

    #[test]
    fn the_time_left_is_in_milliseconds() {
        assert_eq!(facts(false).context(citizen_context()).time_left, 1234);
    }
}
