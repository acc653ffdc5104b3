//! What citizens read, in their language.

dialog_plugin_sdk::words! {
    /// The clinic has switched the service off.
    ServiceOff "SERVICE_OFF"
        "Legekontoret har slått av denne tjenesten. Ingenting er sendt."
        "Legekontoret har slått av denne tenesta. Ingenting er sendt."
        "The office has switched this service off. Nothing was sent.";
    /// The clinic does not take this citizen's digital requests.
    Blocked "PATIENT_BLOCKED"
        "Du har ikke tilgang til denne tjenesten hos legekontoret. Ring legekontoret."
        "Du har ikkje tilgang til denne tenesta hos legekontoret. Ring legekontoret."
        "You have no access to this service at the office. Call the office.";
    /// The clinic's own time limit has passed.
    TooLate "TOO_LATE"
        "Det er for sent å endre eller avbestille timen her. Ring legekontoret."
        "Det er for seint å endre eller avbestille timen her. Ring legekontoret."
        "It is too late to move or cancel the appointment here. Call the office.";
    /// No such case.
    UnknownCase "UNKNOWN_CASE"
        "Legekontorets løsning finner ikke dialogen. Ingenting er sendt."
        "Løysinga til legekontoret finn ikkje dialogen. Ingenting er sendt."
        "The office's solution does not find the dialog. Nothing was sent.";
    /// No such booking.
    UnknownBooking "UNKNOWN_BOOKING"
        "Vi finner ikke timen. Ingenting er endret."
        "Vi finn ikkje timen. Ingenting er endra."
        "The appointment was not found. Nothing was changed.";
    /// The clinic does not know the citizen.
    UnknownPatient "UNKNOWN_PATIENT"
        "Legekontoret har deg ikke på listen sin. Ingenting er sendt."
        "Legekontoret har deg ikkje på lista si. Ingenting er sendt."
        "The office does not have you on its list. Nothing was sent.";
    /// Somebody else has the slot.
    OpeningTaken "OPENING_TAKEN"
        "Timen er ikke lenger ledig. Ingenting er bestilt."
        "Timen er ikkje lenger ledig. Ingenting er bestilt."
        "The slot is no longer free. Nothing was booked.";
    /// The slot is not what the citizen saw.
    OpeningChanged "OPENING_CHANGED"
        "Legekontoret har endret timen siden du så den. Ingenting er bestilt."
        "Legekontoret har endra timen sidan du såg han. Ingenting er bestilt."
        "The office has changed the slot since you saw it. Nothing was booked.";
    /// The case has ended.
    CaseClosed "CASE_CLOSED"
        "Legekontoret har avsluttet dialogen. Ingenting er sendt. Start en ny."
        "Legekontoret har avslutta dialogen. Ingenting er sendt. Start ein ny."
        "The office has closed the dialog. Nothing was sent. Start a new one.";
    /// The booking is cancelled.
    BookingCancelled "BOOKING_CANCELLED"
        "Timen er allerede avbestilt. Ingenting er endret."
        "Timen er allereie avbestilt. Ingenting er endra."
        "The appointment is already cancelled. Nothing was changed.";
    /// No such fee.
    UnknownFee "UNKNOWN_FEE"
        "Legekontorets løsning finner ikke regningen."
        "Løysinga til legekontoret finn ikkje rekninga."
        "The office's solution does not find the invoice.";
    /// A payment of the fee is open.
    FeeOpen "FEE_OPEN"
        "En betaling av regningen er alt begynt."
        "Ei betaling av rekninga er alt byrja."
        "A payment of the invoice has already been begun.";
    /// The fee is paid.
    FeePaid "FEE_PAID"
        "Regningen er betalt."
        "Rekninga er betalt."
        "The invoice is paid.";
    /// The vendor takes no files this large.
    FilesTooLarge "FILES_TOO_LARGE"
        "Vedleggene er for store for legekontorets løsning. Ingenting er sendt."
        "Vedlegga er for store for løysinga til legekontoret. Ingenting er sendt."
        "The attachments are too large for the office's solution. Nothing was sent.";
    /// The vendor does not take this field.
    FieldRefused "FIELD_INVALID"
        "Legekontorets løsning godtar ikke dette. Ingenting er sendt."
        "Løysinga til legekontoret godtek ikkje dette. Ingenting er sendt."
        "The office's solution does not accept this. Nothing was sent.";
    /// Not part of this solution.
    NotOffered "not-offered"
        "Legekontorets løsning har ikke denne tjenesten. Ingenting er sendt."
        "Løysinga til legekontoret har ikkje denne tenesta. Ingenting er sendt."
        "The office's solution does not have this service. Nothing was sent.";
    /// The solution has no forms.
    NoForm "no-form"
        "Legekontoret har ikke noe skjema her."
        "Legekontoret har ikkje noko skjema her."
        "The office has no form here.";
    /// Files cannot go along.
    NoFiles "no-files"
        "Her kan du ikke legge ved filer."
        "Her kan du ikkje leggje ved filer."
        "Files cannot be attached here.";
    /// Stands in an office's message in place of a file that could not be fetched; the file's name follows.
    FileMissing "file-missing"
        "[Et vedlegg fra legekontoret kunne ikke hentes. Be legekontoret sende det på nytt.]"
        "[Eit vedlegg frå legekontoret kunne ikkje hentast. Be legekontoret sende det på nytt.]"
        "[An attachment from the office could not be fetched. Ask the office to send it again.]";
    /// The clinic has not opened the meeting room.
    RoomNotOpen "ROOM_NOT_OPEN"
        "Venterommet er ikke åpnet ennå. Du får beskjed når du kan gå inn."
        "Venterommet er ikkje opna enno. Du får beskjed når du kan gå inn."
        "The waiting room is not open yet. You will be told when you can come in.";
    /// The meeting is over.
    RoomClosed "ROOM_CLOSED"
        "Videomøtet er avsluttet."
        "Videomøtet er avslutta."
        "The video meeting is over.";
    /// The case has no meeting room.
    NoRoom "NO_ROOM"
        "Denne konsultasjonen har ikke noe videomøte hos legekontoret."
        "Denne konsultasjonen har ikkje noko videomøte hos legekontoret."
        "This consultation has no video meeting at the office.";
}
