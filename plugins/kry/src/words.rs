//! What citizens read, in their language.

use dialog_plugin_sdk::Locale;

dialog_plugin_sdk::words! {
    /// The unit has switched the service off.
    ServiceOff "service-off"
        "Kry har slått av denne tjenesten nå. Ingenting er sendt."
        "Kry har slått av denne tenesta no. Ingenting er sendt."
        "Kry has switched this service off for now. Nothing was sent.";
    /// The vendor does not take this citizen's requests.
    Blocked "patient-blocked"
        "Du har ikke tilgang til Kry. Kontakt fastlegen din."
        "Du har ikkje tilgang til Kry. Kontakt fastlegen din."
        "You have no access to Kry. Contact your regular doctor.";
    /// The vendor's own time limit has passed.
    TooLate "too-late"
        "Det er for sent å endre eller avbestille timen. Ring Kry."
        "Det er for seint å endre eller avbestille timen. Ring Kry."
        "It is too late to move or cancel the appointment. Call Kry.";
    /// No such visit.
    UnknownVisit "unknown-visit"
        "Kry finner ikke dialogen. Ingenting er sendt."
        "Kry finn ikkje dialogen. Ingenting er sendt."
        "Kry does not find the dialog. Nothing was sent.";
    /// No such booking.
    UnknownBooking "unknown-booking"
        "Kry finner ikke timen. Ingenting er endret."
        "Kry finn ikkje timen. Ingenting er endra."
        "Kry does not find the appointment. Nothing was changed.";
    /// No such invoice.
    UnknownInvoice "unknown-invoice"
        "Kry finner ikke regningen. Ingenting er betalt."
        "Kry finn ikkje rekninga. Ingenting er betalt."
        "Kry does not find the bill. Nothing was paid.";
    /// Somebody else has the time.
    SlotTaken "slot-taken"
        "Timen er ikke lenger ledig. Ingenting er bestilt."
        "Timen er ikkje lenger ledig. Ingenting er bestilt."
        "The time is no longer free. Nothing was booked.";
    /// The time is not what the citizen saw.
    SlotChanged "slot-changed"
        "Kry har endret timen siden du så den. Ingenting er bestilt."
        "Kry har endra timen sidan du såg han. Ingenting er bestilt."
        "Kry has changed the time since you saw it. Nothing was booked.";
    /// The visit has ended.
    VisitClosed "visit-closed"
        "Kry har avsluttet konsultasjonen. Ingenting er sendt. Start en ny."
        "Kry har avslutta konsultasjonen. Ingenting er sendt. Start ein ny."
        "Kry has ended the consultation. Nothing was sent. Start a new one.";
    /// The booking is cancelled.
    BookingCancelled "booking-cancelled"
        "Timen er allerede avbestilt. Ingenting er endret."
        "Timen er allereie avbestilt. Ingenting er endra."
        "The appointment is already cancelled. Nothing was changed.";
    /// The invoice is paid.
    InvoicePaid "invoice-paid"
        "Regningen er allerede betalt."
        "Rekninga er allereie betalt."
        "The bill is already paid.";
    /// A payment of the invoice has begun and is not over.
    PaymentOpen "payment-open"
        "En betaling er allerede i gang. Fullfør den, eller vent et kvarter. Ingenting er trukket to ganger."
        "Ei betaling er allereie i gang. Fullfør ho, eller vent eit kvarter. Ingenting er trekt to gonger."
        "A payment is already under way. Complete it, or wait a quarter of an hour. Nothing was charged twice.";
    /// The vendor takes no files this large.
    FilesTooLarge "attachments-too-large"
        "Vedleggene er for store for Kry. Ingenting er sendt."
        "Vedlegga er for store for Kry. Ingenting er sendt."
        "The attachments are too large for Kry. Nothing was sent.";
    /// The vendor does not take this field.
    FieldRefused "invalid-attribute"
        "Kry godtar ikke dette. Ingenting er sendt."
        "Kry godtek ikkje dette. Ingenting er sendt."
        "Kry does not accept this. Nothing was sent.";
    /// The triage form must be answered.
    TriageRequired "triage-required"
        "Svar på spørsmålene fra Kry først. Ingenting er sendt."
        "Svar på spørsmåla frå Kry først. Ingenting er sendt."
        "Answer the questions from Kry first. Nothing was sent.";
    /// The triage form has changed.
    TriageOutdated "triage-outdated"
        "Kry har endret spørsmålene siden du svarte. Svar på nytt. Ingenting er sendt."
        "Kry har endra spørsmåla sidan du svarte. Svar på nytt. Ingenting er sendt."
        "Kry has changed the questions since you answered. Answer again. Nothing was sent.";
    /// The doctor has not opened the waiting room.
    MeetingNotOpen "meeting-not-open"
        "Venterommet er ikke åpnet ennå. Du får beskjed når du kan gå inn."
        "Venterommet er ikkje opna enno. Du får beskjed når du kan gå inn."
        "The waiting room is not open yet. You will be told when you can come in.";
    /// The meeting is over.
    MeetingOver "meeting-over"
        "Videomøtet er avsluttet."
        "Videomøtet er avslutta."
        "The video meeting is over.";
    /// The visit has no meeting.
    NoMeeting "no-meeting"
        "Denne konsultasjonen har ikke noe videomøte hos Kry."
        "Denne konsultasjonen har ikkje noko videomøte hos Kry."
        "This consultation has no video meeting with Kry.";
    /// Not part of this solution.
    NotOffered "not-offered"
        "Kry har ikke denne tjenesten. Ingenting er sendt."
        "Kry har ikkje denne tenesta. Ingenting er sendt."
        "Kry does not have this service. Nothing was sent.";
    /// Stands in a clinician's message in place of a file that could not be fetched.
    FileMissing "file-missing"
        "[Et vedlegg fra Kry kunne ikke hentes. Be om å få det på nytt.]"
        "[Eit vedlegg frå Kry kunne ikkje hentast. Be om å få det på nytt.]"
        "[An attachment from Kry could not be fetched. Ask for it to be sent again.]";
    /// What an appointment is called where the vendor has no label.
    Appointment "appointment"
        "Konsultasjon"
        "Konsultasjon hos lege"
        "Consultation";
    /// What an invoice is for, where the vendor does not say.
    Fee "fee"
        "Egenandel"
        "Eigendel"
        "Fee";
}

/// The language as the vendor is asked for it.
#[must_use]
pub const fn language(locale: Locale) -> &'static str {
    match locale {
        Locale::Nb => "nb",
        Locale::Nn => "nn",
        Locale::En => "en",
    }
}
