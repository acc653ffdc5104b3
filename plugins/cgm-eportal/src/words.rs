//! What citizens read, in their language.

dialog_plugin_sdk::words! {
    /// The practice has switched the service off.
    ServiceOff "SERVICE_OFF"
        "Legekontoret har slått av denne tjenesten. Ingenting er sendt."
        "Legekontoret har slått av denne tenesta. Ingenting er sendt."
        "The office has switched this service off. Nothing was sent.";
    /// The practice does not take this citizen's digital requests.
    Blocked "PATIENT_BLOCKED"
        "Du har ikke tilgang til denne tjenesten hos legekontoret. Ring legekontoret."
        "Du har ikkje tilgang til denne tenesta hos legekontoret. Ring legekontoret."
        "You have no access to this service at the office. Call the office.";
    /// No such thread.
    UnknownThread "THREAD_NOT_FOUND"
        "Legekontorets løsning finner ikke dialogen. Ingenting er sendt."
        "Løysinga til legekontoret finn ikkje dialogen. Ingenting er sendt."
        "The office's solution does not find the dialog. Nothing was sent.";
    /// The practice does not know the citizen.
    UnknownPatient "PATIENT_NOT_FOUND"
        "Legekontoret har deg ikke på listen sin. Ingenting er sendt."
        "Legekontoret har deg ikkje på lista si. Ingenting er sendt."
        "The office does not have you on its list. Nothing was sent.";
    /// No such survey.
    UnknownSurvey "SURVEY_NOT_FOUND"
        "Undersøkelsen finnes ikke lenger. Ingenting er sendt."
        "Undersøkinga finst ikkje lenger. Ingenting er sendt."
        "The survey does not exist any more. Nothing was sent.";
    /// The thread has ended.
    ThreadClosed "THREAD_CLOSED"
        "Legekontoret har avsluttet dialogen. Ingenting er sendt. Start en ny."
        "Legekontoret har avslutta dialogen. Ingenting er sendt. Start ein ny."
        "The office has closed the dialog. Nothing was sent. Start a new one.";
    /// The survey has ended.
    SurveyClosed "SURVEY_CLOSED"
        "Undersøkelsen er avsluttet. Ingenting er sendt."
        "Undersøkinga er avslutta. Ingenting er sendt."
        "The survey has ended. Nothing was sent.";
    /// The citizen has answered the survey.
    SurveyAnswered "SURVEY_ANSWERED"
        "Du har allerede svart på undersøkelsen."
        "Du har allereie svart på undersøkinga."
        "You have answered the survey already.";
    /// The practice's rule does not allow this medicine to be renewed unseen.
    NotRenewable "RENEWAL_NOT_ALLOWED"
        "Legekontoret fornyer ikke denne uten å ha snakket med deg. Ta den bort eller ring legekontoret."
        "Legekontoret fornyar ikkje denne utan å ha snakka med deg. Ta han bort eller ring legekontoret."
        "The office does not renew this one without talking to you. Remove it or call the office.";
    /// The record has no sick note that can be renewed.
    NoSickNote "SICK_NOTE_NOT_FOUND"
        "Legekontoret finner ingen sykmelding som kan fornyes. Ingenting er sendt. Bestill time hvis du trenger en ny."
        "Legekontoret finn inga sjukmelding som kan fornyast. Ingenting er sendt. Bestill time om du treng ei ny."
        "The office finds no sick note that can be renewed. Nothing was sent. Book an appointment if you need a new one.";
    /// The record's sick note ends on another day.
    OtherDay "SICK_NOTE_OTHER_DAY"
        "Legekontoret har en annen siste dag på sykmeldingen din. Se på sykmeldingen, eller ring legekontoret."
        "Legekontoret har ein annan siste dag på sjukmeldinga di. Sjå på sjukmeldinga, eller ring legekontoret."
        "The office has another last day on your sick note. Look at the sick note, or call the office.";
    /// The doctor must see the patient: for a higher degree, or for so long.
    NeedsVisit "SICK_NOTE_NEEDS_VISIT"
        "Legen må snakke med deg før denne sykmeldingen kan fornyes. Ingenting er sendt. Bestill time."
        "Legen må snakke med deg før denne sjukmeldinga kan fornyast. Ingenting er sendt. Bestill time."
        "The doctor must talk to you before this sick note can be renewed. Nothing was sent. Book an appointment.";
    /// The vendor takes no files this large.
    FilesTooLarge "DOCUMENTS_TOO_LARGE"
        "Vedleggene er for store for legekontorets løsning. Ingenting er sendt."
        "Vedlegga er for store for løysinga til legekontoret. Ingenting er sendt."
        "The attachments are too large for the office's solution. Nothing was sent.";
    /// The vendor does not take this field.
    FieldRefused "INPUT_INVALID"
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
    /// Stands in an office's message in place of a document that could not be fetched.
    FileMissing "file-missing"
        "[Et vedlegg fra legekontoret kunne ikke hentes. Be legekontoret sende det på nytt.]"
        "[Eit vedlegg frå legekontoret kunne ikkje hentast. Be legekontoret sende det på nytt.]"
        "[An attachment from the office could not be fetched. Ask the office to send it again.]";
}
