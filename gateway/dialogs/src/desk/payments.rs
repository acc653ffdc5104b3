//! What the citizen owes, under the gateway's own ids, and payments: begun here, ended at the provider's payment service.
//!
//! Nothing is charged by beginning a payment: the citizen pays at the address that the reply gives. Still an invoice has
//! one payment at a time. It is held from the intent on, so that two requests at once cannot both ask the provider, and
//! it is let go where the provider began nothing.

use std::collections::HashSet;

use dialog_contract::{
    action::Action,
    ids::{DialogId, InvoiceId, PaymentId, PluginId},
    page::Page,
    payment::{Invoice, Payment, PaymentStatus},
    problem::ProblemType,
    provider,
    service::{Locale, Service},
};
use uuid::Uuid;

use super::{
    Desk, Outcome, TRIES,
    calls::target,
    practice::{Offer, Practice},
    trail::Trail,
};
use crate::{
    answer::{Ended, Refusal, Reply},
    identity::CitizenId,
    keys,
    permit::{Citizen, Permitted},
    ports::store::{Range, Revision, StoreError},
    record::{OperationKind, StoredInvoice, StoredPayment},
    request::Request,
    shelf::Step,
    texts,
};

/// Payments of one citizen on the one page, the last begun first.
const PAYMENTS: usize = 200;

impl Desk {
    /// `GET /v1/me/invoices`: 200 with what the citizen owes the office, or the national provider beside it, in the
    /// provider's order. One that the gateway knows to be paid is left out, also where the provider's accounts are slower.
    ///
    /// # Errors
    /// `service-not-offered` where the office takes no payments here; every failure of the provider.
    pub async fn invoices(&self, who: &Permitted<Citizen>, request: &Request, provider: Option<PluginId>) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(Action::PaymentsOutstanding, &who, &asked);
            let ended = desk.outstanding(&who, &asked, provider.as_ref(), &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    /// `POST /v1/me/invoices/{invoice}/pay`: 201 with where to pay. The caller has checked that `return_url` is one that
    /// the operator allows.
    ///
    /// # Errors
    /// As [`Desk::invoices`]; `not-found` also for invoices of others; `conflict` where the invoice is paid, or a payment
    /// of it is open. Where the provider cannot be reached nothing is begun.
    pub async fn pay(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        invoice: InvoiceId,
        return_url: String,
    ) -> Outcome {
        self.operate(who, request, OperationKind::Pay { invoice, return_url }).await
    }

    /// `GET /v1/me/payments`: 200 with the payments that were begun and what became of them, the last begun first, also
    /// those through providers that the office has left.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn payments(&self, who: &Permitted<Citizen>, request: &Request) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(Action::PaymentsList, &who, &asked);
            trail.service(Service::Payment);
            let citizen = desk.shelf.secret.citizen(&who.target().national_identity_number);
            let ended = async {
                let found = desk.payments_of(citizen).await;
                let items = found.map_err(|error| Refusal::of_store(&error, asked.locale))?;
                Ok(Ended::answered(Reply::json(200, &Page::<Payment> { items, next: None })?))
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn payments_of(&self, citizen: CitizenId) -> Result<Vec<Payment>, StoreError> {
        let range = Range { reverse: true, ..keys::all(keys::payments_of(citizen), PAYMENTS) };
        let mut payments = Vec::new();
        for entry in self.shelf.store.scan(range).await? {
            if let Some(id) = keys::payment_of_listed(&entry.key) {
                payments.extend(self.shelf.payment(id).await?.map(|(_, stored)| stored.shown(self.now())));
            }
        }
        Ok(payments)
    }

    async fn outstanding(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        provider: Option<&PluginId>,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        let citizen = self.shelf.secret.citizen(&who.target().national_identity_number);
        let (practice, offer) = self.payment_agreed(who, provider, trail).await?;
        self.remember(who, &practice, &offer.agreement.plugin, locale).await?;
        let key = request.id.to_string();
        let context = self.context(self.subject(who, &practice, &offer, Service::Payment, locale, &key)).await;
        let context = context.map_err(|failure| Refusal::of_failure(&failure, locale))?;
        let called = self.providers.outstanding(target(&offer, request.time_left()), context).await;
        trail.call(called.record);
        let found = called.answer.map_err(|failure| Refusal::of_question(&failure, locale))?;
        let (office, provider) = (practice.office_name(), offer.provider.clone());
        let seen = |invoice: provider::Invoice| StoredInvoice {
            id: InvoiceId::new(),
            citizen,
            office: office.clone(),
            provider: provider.clone(),
            invoice,
            beginning: None,
            payment: None,
        };
        let known = self.known_invoices(found.into_iter().map(seen).collect(), locale).await?;
        let mut items = Vec::with_capacity(known.len());
        for invoice in known {
            let payment = self.last_payment(&invoice).await.map_err(of_store)?;
            match payment.map(|payment| (payment.id, payment.status(self.now()))) {
                Some((_, PaymentStatus::Paid)) => {}
                Some((id, PaymentStatus::Open)) => items.push(self.shown(&invoice, Some(id)).await.map_err(of_store)?),
                _ => items.push(self.shown(&invoice, None).await.map_err(of_store)?),
            }
        }
        Ok(Ended::answered(Reply::json(200, &Page { items, next: None })?))
    }

    async fn shown(&self, stored: &StoredInvoice, payment: Option<PaymentId>) -> Result<Invoice, StoreError> {
        let dialog: Option<DialogId> = match &stored.invoice.dialog {
            Some(reference) => {
                let found = self.shelf.dialog_by_reference(&stored.provider.id, reference).await?;
                // A provider may name any dialog; only the citizen's own is theirs to be pointed to.
                found.filter(|draft| draft.record.citizen == stored.citizen).map(|draft| draft.record.dialog.id)
            }
            None => None,
        };
        Ok(stored.shown(dialog, payment))
    }

    async fn last_payment(&self, invoice: &StoredInvoice) -> Result<Option<StoredPayment>, StoreError> {
        match invoice.payment {
            Some(id) => Ok(self.shelf.payment(id).await?.map(|(_, payment)| payment)),
            None => Ok(None),
        }
    }

    /// The office, or the national provider beside it, takes payments here.
    pub(crate) async fn payment_agreed(
        &self,
        who: &Permitted<Citizen>,
        provider: Option<&PluginId>,
        trail: &mut Trail,
    ) -> Result<(Practice, Offer), Refusal> {
        trail.service(Service::Payment);
        let practice = self.practice_with(who, Service::Payment, provider, trail.locale).await?;
        trail.office(practice.office.her_id);
        let offer = self.offered(&practice, Service::Payment, trail.locale).await?;
        trail.plugin(&offer.agreement.plugin);
        Ok((practice, offer))
    }

    /// The citizen's own invoice; anybody else's is not there.
    pub(crate) async fn own_invoice(
        &self,
        id: InvoiceId,
        citizen: CitizenId,
        locale: Locale,
    ) -> Result<(Revision, StoredInvoice), Refusal> {
        let found = self.shelf.invoice(id).await.map_err(|error| Refusal::of_store(&error, locale))?;
        let own = found.filter(|(_, stored)| stored.citizen == citizen);
        own.ok_or_else(|| Refusal::not_found(locale))
    }

    /// Writes into `step` that the operation `id` begins a payment of the invoice. Whoever comes at the same time has a
    /// conflict, and finds it held.
    pub(crate) async fn hold_invoice(
        &self,
        step: &mut Step,
        id: Uuid,
        invoice: InvoiceId,
        (citizen, offer): (CitizenId, &Offer),
        locale: Locale,
    ) -> Result<(), Refusal> {
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        let (revision, mut stored) = self.own_invoice(invoice, citizen, locale).await?;
        let conflict = |detail: &str| Err(Refusal::new(ProblemType::Conflict, detail));
        if stored.provider.id != offer.agreement.plugin {
            return conflict(texts::provider_left(locale));
        }
        let under_way = match stored.beginning {
            Some(operation) => self.shelf.operation(operation).await.map_err(of_store)?.is_some(),
            None => false,
        };
        if under_way {
            return conflict(texts::payment_open(locale));
        }
        let last = self.last_payment(&stored).await.map_err(of_store)?;
        match last.map(|payment| payment.status(self.now())) {
            Some(PaymentStatus::Open) => return conflict(texts::payment_open(locale)),
            Some(PaymentStatus::Paid) => return conflict(texts::already_paid(locale)),
            _ => {}
        }
        stored.beginning = Some(id);
        step.invoice(Some(revision), &stored).map_err(of_store)
    }

    /// Gives invoices the ids under which the portal knows them, new ones where it does not.
    async fn known_invoices(&self, found: Vec<StoredInvoice>, locale: Locale) -> Result<Vec<StoredInvoice>, Refusal> {
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        for _ in 0..TRIES {
            let (mut step, mut named, mut references) = (Step::default(), Vec::new(), HashSet::new());
            for new in &found {
                if !references.insert(new.invoice.id.as_str()) {
                    continue;
                }
                let known = self.shelf.invoice_by_reference(&new.provider.id, new.citizen, &new.invoice.id).await;
                match known.map_err(of_store)? {
                    Some((_, known)) if known.invoice == new.invoice => named.push(known),
                    Some((revision, known)) => {
                        let changed = StoredInvoice { invoice: new.invoice.clone(), ..known };
                        step.invoice(Some(revision), &changed).map_err(of_store)?;
                        named.push(changed);
                    }
                    None => {
                        step.invoice(None, new).map_err(of_store)?;
                        named.push(new.clone());
                    }
                }
            }
            if step.batch.writes.is_empty() {
                return Ok(named);
            }
            match self.shelf.commit(step).await {
                Ok(_) => return Ok(named),
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(of_store(error)),
            }
        }
        Err(Refusal::unavailable(locale))
    }
}
