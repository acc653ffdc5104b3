//! Which fees an office may charge for a dialog. Pure.
//!
//! An e-consultation costs the citizen `2ae` when the doctor has assessed and answered, and a specialist in general
//! practice may add `2dd`. What a provider asks for beyond that is refused before the citizen reads of it.

use dialog_contract::{
    dialog::{Dialog, Fee, Status},
    ids::HprNumber,
    provider::DialogFee,
    service::{Closing, Service},
};

/// For an e-consultation that was answered.
const ANSWERED: &str = "2ae";

/// Added to it by a specialist in general practice.
const BY_A_SPECIALIST: &str = "2dd";

/// The dialog's fees after these are charged; none where they were charged before.
///
/// # Errors
/// The rule that they break.
pub(crate) fn allowed(
    dialog: &Dialog,
    fees: &[DialogFee],
    specialists: &[HprNumber],
) -> Result<Option<Vec<Fee>>, &'static str> {
    if dialog.service != Service::Consultation {
        return Err("fees are for an e-consultation");
    }
    let Status::Closed { outcome, .. } = dialog.status else {
        return Err("fees are for a consultation that is closed");
    };
    let mut charged: Vec<Fee> = fees.iter().map(|fee| Fee { tariff: fee.tariff.clone(), amount: fee.amount }).collect();
    charged.sort_by(|one, other| one.tariff.cmp(&other.tariff));
    if !dialog.fees.is_empty() {
        return if dialog.fees == charged { Ok(None) } else { Err("a dialog is charged once") };
    }
    let of = |tariff: &str| fees.iter().find(|fee| fee.tariff.eq_ignore_ascii_case(tariff));
    if of(ANSWERED).is_some() && outcome != Closing::Answered {
        return Err("2ae is for a consultation that was answered");
    }
    if let Some(fee) = of(BY_A_SPECIALIST) {
        if of(ANSWERED).is_none() {
            return Err("2dd is added to 2ae");
        }
        let answered = fee.clinician.or(dialog.clinician.as_ref().map(|clinician| clinician.hpr_number));
        if !answered.is_some_and(|clinician| specialists.contains(&clinician)) {
            return Err("2dd is for a specialist in general practice, by the directory");
        }
    }
    Ok(Some(charged))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use dialog_contract::{
        dialog::{Clinician, OfficeName, Provider},
        ids::DialogId,
        service::ProviderKind,
    };
    use jiff::Timestamp;

    use super::*;

    fn hpr(number: u32) -> HprNumber {
        number.try_into().unwrap()
    }

    fn dialog(status: Status) -> Dialog {
        let clinician =
            Clinician { hpr_number: hpr(7), her_id: None, given_name: "Sigrid".into(), family_name: "Ås".into() };
        Dialog {
            id: DialogId::new(),
            service: Service::Consultation,
            office: OfficeName { her_id: 8_150_101.try_into().unwrap(), name: "Fjellveien".into() },
            clinician: Some(clinician),
            provider: Provider { id: "ddfl".parse().unwrap(), name: "DDFL".into(), kind: ProviderKind::Public },
            status,
            opened: Timestamp::UNIX_EPOCH,
            updated: Timestamp::UNIX_EPOCH,
            due: None,
            subject: None,
            messages: Vec::new(),
            activities: Vec::new(),
            reply_allowed: false,
            unopened: 0,
            represented_by: None,
            fees: Vec::new(),
            continues: None,
            continued_as: None,
            overdue: false,
            video: None,
            results: Vec::new(),
            archived: None,
            own_gp: true,
            between: None,
            revision: 1,
        }
    }

    fn closed(outcome: Closing) -> Dialog {
        dialog(Status::Closed { outcome, redirect_to: None })
    }

    fn fee(tariff: &str, clinician: Option<u32>) -> DialogFee {
        DialogFee { tariff: tariff.into(), amount: 100, clinician: clinician.map(hpr) }
    }

    #[test]
    fn an_answered_consultation_costs_2ae_and_a_specialist_adds_2dd() {
        let answered = closed(Closing::Answered);
        let tariffs = |fees: Option<Vec<Fee>>| fees.unwrap().into_iter().map(|fee| fee.tariff).collect::<Vec<_>>();
        assert_eq!(tariffs(allowed(&answered, &[fee("2ae", None)], &[]).unwrap()), ["2ae"]);
        let both = [fee("2dd", None), fee("2ae", None)];
        assert_eq!(tariffs(allowed(&answered, &both, &[hpr(7)]).unwrap()), ["2ae", "2dd"]);
        let by_another = [fee("2ae", None), fee("2dd", Some(8))];
        assert_eq!(tariffs(allowed(&answered, &by_another, &[hpr(8)]).unwrap()), ["2ae", "2dd"]);
    }

    #[test]
    fn what_breaks_a_rule_is_refused_by_that_rule() {
        let both = [fee("2ae", None), fee("2dd", None)];
        let inquiry = Dialog { service: Service::Inquiry, ..closed(Closing::Answered) };
        let nobodys = Dialog { clinician: None, ..closed(Closing::Answered) };
        for (dialog, fees, rule) in [
            (inquiry, &both[..1], "an e-consultation"),
            (dialog(Status::AwaitingOffice), &both[..1], "that is closed"),
            (closed(Closing::Declined), &both[..1], "2ae is for a consultation that was answered"),
            (closed(Closing::Expired), &[fee("2AE", None)], "2ae is for a consultation that was answered"),
            (closed(Closing::Answered), &both[1..], "2dd is added to 2ae"),
            (closed(Closing::Answered), &both, "2dd is for a specialist"),
            (closed(Closing::Answered), &[fee("2ae", None), fee("2DD", Some(9))], "2dd is for a specialist"),
            (nobodys, &both, "2dd is for a specialist"),
        ] {
            let error = allowed(&dialog, fees, &[hpr(8)]).unwrap_err();
            assert!(error.contains(rule), "{error}, not {rule}");
        }
    }

    #[test]
    fn a_dialog_is_charged_once_and_the_same_again_changes_nothing() {
        let fees = vec![Fee { tariff: "2ae".into(), amount: 100 }];
        let charged = Dialog { fees, ..closed(Closing::Answered) };
        assert_eq!(allowed(&charged, &[fee("2ae", None)], &[]), Ok(None));
        let more = [DialogFee { amount: 200, ..fee("2ae", None) }];
        assert_eq!(allowed(&charged, &more, &[]), Err("a dialog is charged once"));
        let both = [fee("2ae", None), fee("2dd", None)];
        assert_eq!(allowed(&charged, &both, &[hpr(7)]), Err("a dialog is charged once"));
    }
}
