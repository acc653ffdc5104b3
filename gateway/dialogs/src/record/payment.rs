//! Invoices that the portal has been told of, and payments that were begun: the gateway's ids for the provider's.

use dialog_contract::{
    dialog::{OfficeName, Provider},
    ids::{DialogId, InvoiceId, PaymentId},
    payment::{PaymentStatus, Receipt},
    provider::{Invoice, PaymentState},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::identity::CitizenId;

/// One invoice, as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredInvoice {
    pub(crate) id: InvoiceId,
    pub(crate) citizen: CitizenId,
    pub(crate) office: OfficeName,
    /// Through whom; its `id` is the plugin.
    pub(crate) provider: Provider,
    /// As the provider names it.
    pub(crate) invoice: Invoice,
    /// The operation that is beginning a payment of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) beginning: Option<Uuid>,
    /// The payment that was begun last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) payment: Option<PaymentId>,
}

impl StoredInvoice {
    /// As the portal sees it, with the dialog that it came from and the payment that is open.
    pub(crate) fn shown(
        &self,
        dialog: Option<DialogId>,
        payment: Option<PaymentId>,
    ) -> dialog_contract::payment::Invoice {
        let Invoice { id: _, amount, tariffs, text, due, dialog: _ } = self.invoice.clone();
        let (office, provider) = (self.office.clone(), self.provider.clone());
        dialog_contract::payment::Invoice { id: self.id, office, provider, amount, tariffs, text, due, dialog, payment }
    }
}

/// One payment that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredPayment {
    pub(crate) id: PaymentId,
    pub(crate) citizen: CitizenId,
    pub(crate) office: OfficeName,
    /// Through whom; its `id` is the plugin.
    pub(crate) provider: Provider,
    pub(crate) invoice: InvoiceId,
    pub(crate) amount: u64,
    pub(crate) text: String,
    /// The provider's id.
    pub(crate) reference: String,
    pub(crate) redirect: String,
    pub(crate) begun: Timestamp,
    pub(crate) expires: Timestamp,
    /// As the provider last told; what it does not tell is that the time is over.
    pub(crate) status: PaymentStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) receipt: Option<Receipt>,
}

impl StoredPayment {
    /// Where it stands now.
    pub(crate) fn status(&self, now: Timestamp) -> PaymentStatus {
        match self.status {
            PaymentStatus::Open if self.expires <= now => PaymentStatus::Expired,
            status => status,
        }
    }

    /// As the portal sees it.
    pub(crate) fn shown(&self, now: Timestamp) -> dialog_contract::payment::Payment {
        let status = self.status(now);
        dialog_contract::payment::Payment {
            id: self.id,
            invoice: self.invoice,
            office: self.office.clone(),
            provider: self.provider.clone(),
            amount: self.amount,
            text: self.text.clone(),
            status,
            begun: self.begun,
            expires: self.expires,
            redirect: (status == PaymentStatus::Open).then(|| self.redirect.clone()),
            receipt: self.receipt.clone(),
        }
    }

    /// The payment after what the provider tells of it; none where that changes nothing. Providers push and are asked:
    /// what happened earlier may come later, and money that has come does not go by being told of late.
    pub(crate) fn after(&self, told: &PaymentState) -> Option<Self> {
        let (status, receipt) = match told {
            PaymentState::Paid(receipt) => {
                let receipt = Receipt { number: receipt.number.clone(), paid: receipt.at };
                (PaymentStatus::Paid, Some(receipt))
            }
            PaymentState::Failed => (PaymentStatus::Failed, None),
            PaymentState::Expired => (PaymentStatus::Expired, None),
            PaymentState::Refunded => (PaymentStatus::Refunded, None),
        };
        let receipt = self.receipt.clone().or(receipt);
        let status = if finality(status) > finality(self.status) { status } else { self.status };
        let next = Self { status, receipt, ..self.clone() };
        (next != *self).then_some(next)
    }
}

/// How much there is left that can still happen to a payment: the higher, the less.
const fn finality(status: PaymentStatus) -> u8 {
    match status {
        PaymentStatus::Open => 0,
        PaymentStatus::Failed | PaymentStatus::Expired => 1,
        PaymentStatus::Paid => 2,
        PaymentStatus::Refunded => 3,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use dialog_contract::{provider::PaymentReceipt, service::ProviderKind};

    use super::*;

    fn payment() -> StoredPayment {
        StoredPayment {
            id: PaymentId::new(),
            citizen: CitizenId::from_bytes([1; 16]),
            office: OfficeName { her_id: 8_150_101.try_into().unwrap(), name: "Fjellveien".into() },
            provider: Provider { id: "ddfl".parse().unwrap(), name: "DDFL".into(), kind: ProviderKind::Public },
            invoice: InvoiceId::new(),
            amount: 20_400,
            text: "E-konsultasjon".into(),
            reference: "p1".into(),
            redirect: "https://pay.example/1".into(),
            begun: Timestamp::UNIX_EPOCH,
            expires: Timestamp::from_second(3_600).unwrap(),
            status: PaymentStatus::Open,
            receipt: None,
        }
    }

    fn paid(number: &str) -> PaymentState {
        PaymentState::Paid(PaymentReceipt { number: number.into(), at: Timestamp::UNIX_EPOCH })
    }

    #[test]
    fn what_is_told_late_does_not_undo_what_is_known() {
        for (told, status) in [
            (vec![PaymentState::Failed, paid("1")], PaymentStatus::Paid),
            (vec![paid("1"), PaymentState::Failed, PaymentState::Expired], PaymentStatus::Paid),
            (vec![PaymentState::Expired, PaymentState::Failed], PaymentStatus::Expired),
            (vec![paid("1"), PaymentState::Refunded, PaymentState::Expired], PaymentStatus::Refunded),
            (vec![PaymentState::Refunded, paid("1")], PaymentStatus::Refunded),
        ] {
            let end = told.iter().fold(payment(), |payment, told| payment.after(told).unwrap_or(payment));
            assert_eq!(end.status, status, "{told:?}");
            assert_eq!(end.receipt.is_some(), told.contains(&paid("1")), "{told:?}");
        }
    }

    #[test]
    fn the_same_again_changes_nothing_and_the_first_receipt_stands() {
        let once = payment().after(&paid("1")).unwrap();
        assert_eq!(once.after(&paid("1")), None);
        assert_eq!(once.after(&paid("2")), None);
        assert_eq!(once.receipt.unwrap().number, "1");
    }

    #[test]
    fn a_payment_that_nobody_ended_ends_with_its_time_and_then_shows_no_way_to_pay() {
        let open = payment();
        let (before, after) = (Timestamp::from_second(3_599).unwrap(), open.expires);
        assert_eq!((open.status(before), open.status(after)), (PaymentStatus::Open, PaymentStatus::Expired));
        assert!(open.shown(before).redirect.is_some() && open.shown(after).redirect.is_none());
    }
}
