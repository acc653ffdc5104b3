//! What citizens read, in their language.

dialog_plugin_sdk::words! {
    /// The clinic has switched the service off.
    ServiceOff "service-off"
        "Legekontoret har slått av denne tjenesten. Ingenting er sendt."
        "Legekontoret har slått av denne tenesta. Ingenting er sendt."
        "The office has switched this service off. Nothing was sent.";
    /// The clinic does not take this citizen's digital requests.
    Blocked "patient-blocked"
        "Du har ikke tilgang til denne tjenesten hos legekontoret. Ring legekontoret."
        "Du har ikkje tilgang til denne tenesta hos legekontoret. Ring legekontoret."
        "You have no access to this service at the office. Call the office.";
    /// The clinic's own time limit has passed.
    TooLate "too-late"
        "Det er for sent å endre eller avbestille timen her. Ring legekontoret."
        "Det er for seint å endre eller avbestille timen her. Ring legekontoret."
        "It is too late to move or cancel the appointment here. Call the office.";
    /// No such dialog.
    UnknownTask "unknown-task"
        "Legekontorets løsning finner ikke dialogen. Ingenting er sendt."
        "Løysinga til legekontoret finn ikkje dialogen. Ingenting er sendt."
        "The office's solution does not find the dialog. Nothing was sent.";
    /// No such appointment.
    UnknownAppointment "unknown-appointment"
        "Vi finner ikke timen. Ingenting er endret."
        "Vi finn ikkje timen. Ingenting er endra."
        "The appointment was not found. Nothing was changed.";
    /// The clinic does not know the citizen.
    UnknownPatient "unknown-patient"
        "Legekontoret har deg ikke på listen sin. Ingenting er sendt."
        "Legekontoret har deg ikkje på lista si. Ingenting er sendt."
        "The office does not have you on its list. Nothing was sent.";
    /// Somebody else has the slot.
    SlotTaken "slot-taken"
        "Timen er ikke lenger ledig. Ingenting er bestilt."
        "Timen er ikkje lenger ledig. Ingenting er bestilt."
        "The slot is no longer free. Nothing was booked.";
    /// The slot is not what the citizen saw.
    SlotChanged "slot-changed"
        "Legekontoret har endret timen siden du så den. Ingenting er bestilt."
        "Legekontoret har endra timen sidan du såg han. Ingenting er bestilt."
        "The office has changed the slot since you saw it. Nothing was booked.";
    /// The dialog has ended.
    TaskClosed "task-closed"
        "Legekontoret har avsluttet dialogen. Ingenting er sendt. Start en ny."
        "Legekontoret har avslutta dialogen. Ingenting er sendt. Start ein ny."
        "The office has closed the dialog. Nothing was sent. Start a new one.";
    /// The appointment is cancelled.
    AppointmentCancelled "appointment-cancelled"
        "Timen er allerede avbestilt. Ingenting er endret."
        "Timen er allereie avbestilt. Ingenting er endra."
        "The appointment is already cancelled. Nothing was changed.";
    /// The vendor takes no files this large.
    FilesTooLarge "attachments-too-large"
        "Vedleggene er for store for legekontorets løsning. Ingenting er sendt."
        "Vedlegga er for store for løysinga til legekontoret. Ingenting er sendt."
        "The attachments are too large for the office's solution. Nothing was sent.";
    /// The vendor does not take this value.
    ValueRefused "value-rejected"
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
    /// The text of a message that is nothing but files.
    SeeFiles "see-files"
        "Se vedlegg."
        "Sjå vedlegg."
        "See attachments.";
    /// A one-way message has no answer.
    OneWay "one-way"
        "Meldingen kan ikke besvares. Ingenting er sendt."
        "Meldinga kan ikkje svarast på. Ingenting er sendt."
        "The message cannot be answered. Nothing was sent.";
    /// What an appointment is called where the vendor has no words for it.
    Appointment "appointment"
        "Legetime"
        "Legetime"
        "Doctor's appointment";
    /// Stands in an office's message in place of a file that could not be fetched.
    FileMissing "file-missing"
        "[Et vedlegg fra legekontoret kunne ikke hentes. Be legekontoret sende det på nytt.]"
        "[Eit vedlegg frå legekontoret kunne ikkje hentast. Be legekontoret sende det på nytt.]"
        "[An attachment from the office could not be fetched. Ask the office to send it again.]";
    /// Stands in an office's message that is nothing but files.
    FilesOnly "files-only"
        "[Legekontoret har sendt vedlegg uten tekst.]"
        "[Legekontoret har sendt vedlegg utan tekst.]"
        "[The office has sent attachments without text.]";
    /// No such survey.
    UnknownSurvey "unknown-questionnaire"
        "Legekontoret har ikke denne undersøkelsen. Ingenting er sendt."
        "Legekontoret har ikkje denne undersøkinga. Ingenting er sendt."
        "The office does not have this survey. Nothing was sent.";
    /// The survey is over.
    SurveyClosed "questionnaire-closed"
        "Undersøkelsen er avsluttet. Ingenting er sendt."
        "Undersøkinga er avslutta. Ingenting er sendt."
        "The survey is over. Nothing was sent.";
    /// The citizen has answered.
    SurveyAnswered "questionnaire-answered"
        "Du har allerede svart på undersøkelsen. Ingenting er sendt på nytt."
        "Du har allereie svart på undersøkinga. Ingenting er sendt på nytt."
        "You have already answered the survey. Nothing was sent again.";
    /// The survey is another than the citizen saw.
    SurveyChanged "questionnaire-changed"
        "Legekontoret har endret undersøkelsen. Ingenting er sendt. Hent den på nytt."
        "Legekontoret har endra undersøkinga. Ingenting er sendt. Hent henne på nytt."
        "The office has changed the survey. Nothing was sent. Fetch it again.";
}
