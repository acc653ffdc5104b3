//! What citizens read, in Bokmål, Nynorsk and English: all of it stands here, but for the sentences of the access log
//! ([`crate::access`]).

use dialog_contract::{
    dialog::{Clinician, Status},
    provider::{AppointmentChangeKind, RenewalDecision, RenewalOutcome},
    service::{Closing, Locale, Sent, Service},
};

/// One text in three languages.
macro_rules! text {
    ($locale:expr, $nb:expr, $nn:expr, $en:expr $(,)?) => {
        match $locale {
            Locale::Nb => $nb,
            Locale::Nn => $nn,
            Locale::En => $en,
        }
    };
}

/// Only the citizen decides on their notices.
pub(crate) const fn only_oneself(locale: Locale) -> &'static str {
    text!(
        locale,
        "Bare den det gjelder, kan bestemme over varslene sine.",
        "Berre den det gjeld, kan bestemme over varsla sine.",
        "Only the person concerned can decide on their notices.",
    )
}

/// A change of status.
pub(crate) const fn status(status: &Status, locale: Locale) -> &'static str {
    match status {
        Status::Queued => text!(
            locale,
            "Venter på å bli sendt til legekontoret.",
            "Ventar på å bli sendt til legekontoret.",
            "Waiting to be sent to the office.",
        ),
        Status::AwaitingOffice => {
            text!(
                locale,
                "Venter på svar fra legekontoret.",
                "Ventar på svar frå legekontoret.",
                "Waiting for the office."
            )
        }
        Status::AwaitingCitizen => text!(locale, "Venter på deg.", "Ventar på deg.", "Waiting for you."),
        Status::Uncertain => text!(
            locale,
            "Vi vet ikke om legekontoret har fått dette.",
            "Vi veit ikkje om legekontoret har fått dette.",
            "We do not know whether the office has received this.",
        ),
        Status::Closed { outcome, .. } => match outcome {
            Closing::Answered => text!(locale, "Avsluttet: besvart.", "Avslutta: svart på.", "Closed: answered."),
            Closing::Declined => {
                text!(
                    locale,
                    "Avsluttet: avslått av legekontoret.",
                    "Avslutta: avslått av legekontoret.",
                    "Closed: declined by the office."
                )
            }
            Closing::Withdrawn => {
                text!(
                    locale,
                    "Avsluttet: trukket tilbake av deg.",
                    "Avslutta: trekt tilbake av deg.",
                    "Closed: withdrawn by you."
                )
            }
            Closing::Redirected => text!(
                locale,
                "Avsluttet: legekontoret ber deg bruke en annen tjeneste.",
                "Avslutta: legekontoret ber deg bruke ei anna teneste.",
                "Closed: the office asks you to use another service.",
            ),
            Closing::Expired => {
                text!(
                    locale,
                    "Avsluttet: ikke besvart i tide.",
                    "Avslutta: ikkje svart på i tide.",
                    "Closed: not answered in time."
                )
            }
        },
    }
}

/// Defines texts without parts.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $nb:literal, $nn:literal, $en:literal;)+) => {
        $($(#[$doc])* pub(crate) const fn $name(locale: Locale) -> &'static str {
            text!(locale, $nb, $nn, $en)
        })+
    };
}

texts! {
    /// A patient whom the directory does not know.
    unknown_patient = "Ingen med dette nummeret står på listen til en fastlege.",
        "Ingen med dette nummeret står på lista til ein fastlege.",
        "Nobody with this number is on a GP's list.";
    /// The office that is asked is one's own, or none.
    no_other_office = "Må være HER-id-en til et annet kontor i adresseregisteret.",
        "Må vere HER-id-en til eit anna kontor i adresseregisteret.",
        "Must be the HER-id of another office in the directory.";
    /// A patient is to take part in a dialog about nobody.
    about_no_patient = "Denne dialogen gjelder ingen pasient.",
        "Denne dialogen gjeld ingen pasient.",
        "This dialog is about no patient.";
    /// A patient is to take part who does already.
    citizen_takes_part = "Pasienten er allerede med i dialogen.",
        "Pasienten er allereie med i dialogen.",
        "The patient takes part in the dialog already.";
    /// A patient is to take part who is not digitally active.
    patient_gets_letters = "Pasienten er ikke digitalt aktiv, og må få brev.",
        "Pasienten er ikkje digitalt aktiv, og må få brev.",
        "The patient is not digitally active, and must be sent a letter.";
    /// The patient takes part from now on.
    citizen_joined = "Pasienten er med i dialogen fra nå av.",
        "Pasienten er med i dialogen frå no av.",
        "The patient takes part in the dialog from now on.";
    /// Not for the citizen to end.
    clinicians_end_it = "Det er behandlerne som avslutter denne dialogen. Du trenger ikke å gjøre noe.",
        "Det er behandlarane som avsluttar denne dialogen. Du treng ikkje gjere noko.",
        "The clinicians end this dialog. You need not do anything.";
    fields_invalid = "Noen felter må rettes. Ingenting er sendt.", "Nokre felt må rettast. Ingenting er sendt.", "Some fields must be corrected. Nothing was sent.";
    not_found = "Vi finner ikke det du spør etter.", "Vi finn ikkje det du spør etter.", "We cannot find what you ask for.";
    internal = "Noe gikk galt hos oss. Prøv igjen senere.", "Noko gjekk gale hos oss. Prøv igjen seinare.", "Something went wrong on our side. Please try again later.";
    unavailable = "Tjenesten er ikke tilgjengelig akkurat nå. Prøv igjen om litt.", "Tenesta er ikkje tilgjengeleg akkurat no. Prøv igjen om litt.", "The service is not available right now. Please try again shortly.";
    still_working = "Vi holder fortsatt på. Spør igjen med samme Idempotency-Key for å få vite hvordan det gikk.", "Vi held framleis på. Spør igjen med same Idempotency-Key for å få vite korleis det gjekk.", "We are still working on it. Ask again with the same Idempotency-Key to learn how it went.";
    still_running = "Den samme forespørselen er under behandling. Vent litt og spør igjen.", "Den same førespurnaden er under handsaming. Vent litt og spør igjen.", "The same request is being processed. Wait a little and ask again.";
    idempotency_key_missing = "Forespørselen må ha Idempotency-Key.", "Førespurnaden må ha Idempotency-Key.", "The request must have an Idempotency-Key.";
    idempotency_key_reused = "Denne Idempotency-Key er brukt med et annet innhold. Ingenting er gjort nå.", "Denne Idempotency-Key er brukt med eit anna innhald. Ingenting er gjort no.", "This Idempotency-Key was used with other content. Nothing was done now.";
    no_practice = "Du står ikke på listen til noen fastlege, eller fastlegens kontor er ikke registrert.", "Du står ikkje på lista til nokon fastlege, eller kontoret til fastlegen er ikkje registrert.", "You are not on any GP's list, or the GP's office is not registered.";
    pick_a_slot = "Legekontoret lar deg velge blant ledige timer. Velg en ledig time i stedet for å skrive en forespørsel.", "Legekontoret lèt deg velje blant ledige timar. Vel ein ledig time i staden for å skrive ein førespurnad.", "The office lets you pick from free slots. Pick a slot instead of writing a request.";
    log_not_ready = "Loggen er ikke klar til å leses ennå. Det som er gjort, er lagret; prøv igjen om litt.", "Loggen er ikkje klar til å lesast enno. Det som er gjort, er lagra; prøv igjen om litt.", "The log is not ready to be read yet. What was done is on record; please try again shortly.";
    log_elsewhere = "Dette står i en eldre logg som ikke er tilgjengelig her nå. Spør dem som driver tjenesten om innsyn i den.", "Dette står i ein eldre logg som ikkje er tilgjengeleg her no. Spør dei som driv tenesta om innsyn i han.", "This is in an older log that is not available here now. Ask those who run the service to see it.";
    no_such_log = "Vi kjenner ingen logg med det navnet.", "Vi kjenner ingen logg med det namnet.", "We know no log of that name.";
    write_a_request = "Legekontoret tar imot skriftlige timeforespørsler, ikke direkte bestilling. Skriv en forespørsel om time.", "Legekontoret tek imot skriftlege timeførespurnader, ikkje direkte bestilling. Skriv ein førespurnad om time.", "The office takes written appointment requests, not direct booking. Write a request for an appointment.";
    prescriptions_not_listed = "Legekontorets løsning kan ikke vise reseptene dine. Du kan likevel be om fornyelse.", "Løysinga til legekontoret kan ikkje vise reseptane dine. Du kan likevel be om fornying.", "The office's solution cannot list your prescriptions. You can still ask for a renewal.";
    picture_required = "En konsultasjon med bilde må ha minst ett bilde (JPEG eller PNG).", "Ein konsultasjon med bilete må ha minst eitt bilete (JPEG eller PNG).", "A consultation with pictures needs at least one picture (JPEG or PNG).";
    used_twice = "Er med mer enn én gang.", "Er med meir enn éin gong.", "Is there more than once.";
    eprescription = "Må være base64 av høyst 64 KiB.", "Må vere base64 av høgst 64 KiB.", "Must be base64 of at most 64 KiB.";
    in_the_past = "Kan ikke være i fortiden.", "Kan ikkje vere i fortida.", "Cannot be in the past.";
    too_far_ahead = "Kan ikke være mer enn fire uker frem i tid.", "Kan ikkje vere meir enn fire veker fram i tid.", "Cannot be more than four weeks ahead.";
    ends_before_it_starts = "Må være etter starten.", "Må vere etter starten.", "Must be after the start.";
    message_required = "Skriv en melding til legekontoret.", "Skriv ei melding til legekontoret.", "Write a message to the office.";
    text_required = "Meldingen kan ikke være tom.", "Meldinga kan ikkje vere tom.", "The message cannot be empty.";
    no_such_attachment = "Vi finner ikke vedlegget. Last det opp på nytt.", "Vi finn ikkje vedlegget. Last det opp på nytt.", "We cannot find the attachment. Upload it again.";
    attachment_used = "Vedlegget er alt brukt i en annen melding. Last det opp på nytt.", "Vedlegget er alt brukt i ei anna melding. Last det opp på nytt.", "The attachment is already part of another message. Upload it again.";
    kind_unknown = "Filen er ikke et helt JPEG- eller PNG-bilde eller PDF-dokument. Innholdet avgjør, ikke filnavnet.", "Fila er ikkje eit heilt JPEG- eller PNG-bilete eller PDF-dokument. Innhaldet avgjer, ikkje filnamnet.", "The file is not a whole JPEG or PNG picture or PDF document. The content decides, not the file name.";
    upload_broke_off = "Opplastingen ble avbrutt. Last opp på nytt.", "Opplastinga vart broten. Last opp på nytt.", "The upload broke off. Upload it again.";
    dialog_closed = "Dialogen er avsluttet. Åpne en ny hvis du trenger det.", "Dialogen er avslutta. Opne ein ny om du treng det.", "The dialog is closed. Open a new one if you need to.";
    one_way = "Dette er en engangsmelding fra legekontoret. Den kan ikke besvares; kontakt legekontoret på en annen måte.", "Dette er ei eingongsmelding frå legekontoret. Ho kan ikkje svarast på; kontakt legekontoret på ein annan måte.", "This is a one-way message from the office. It cannot be replied to; contact the office in another way.";
    never_arrived = "Vi vet ikke om legekontoret har fått denne dialogen, så den kan ikke fortsette. Åpne en ny eller ring legekontoret.", "Vi veit ikkje om legekontoret har fått denne dialogen, så han kan ikkje halde fram. Opne ein ny eller ring legekontoret.", "We do not know whether the office has this dialog, so it cannot go on. Open a new one or call the office.";
    dialog_full = "Dialogen har så mange meldinger som den kan ha. Åpne en ny.", "Dialogen har så mange meldingar som han kan ha. Opne ein ny.", "The dialog has as many messages as it can hold. Open a new one.";
    changed_since = "Dialogen er endret siden du leste den. Les den på nytt.", "Dialogen er endra sidan du las han. Les han på nytt.", "The dialog has changed since you read it. Read it again.";
    provider_left = "Legekontoret bruker ikke lenger løsningen som dette ble gjort i. Bruk tjenestene som kontoret tilbyr nå.", "Legekontoret bruker ikkje lenger løysinga som dette vart gjort i. Bruk tenestene som kontoret tilbyr no.", "The office no longer uses the solution in which this was done. Use the services that the office offers now.";
    stays_with_its_provider = "En time flyttes hos den den er avtalt med.", "Ein time blir flytta hos den han er avtalt med.", "An appointment is moved with whom it was made.";
    not_redirected = "Legekontoret har ikke bedt deg om å sende denne dialogen som en slik tjeneste.", "Legekontoret har ikkje bede deg om å sende denne dialogen som ei slik teneste.", "The office has not asked you to send this dialog as such a service.";
    resent_already = "Denne dialogen er alt sendt på nytt.", "Denne dialogen er alt send på nytt.", "This dialog has already been sent again.";
    too_long_to_resend = "Det du skrev, er for langt for én melding. Skriv en ny.", "Det du skreiv, er for langt for éi melding. Skriv ei ny.", "What you wrote is too long for one message. Write a new one.";
    appointment_over = "Timen er avlyst eller har alt begynt.", "Timen er avlyst eller har alt byrja.", "The appointment is cancelled or has already begun.";
    call_the_office = "Denne timen kan ikke endres her. Ring legekontoret.", "Denne timen kan ikkje endrast her. Ring legekontoret.", "This appointment cannot be changed here. Call the office.";
    nothing_booked = "Ingenting er bestilt eller endret.", "Ingenting er bestilt eller endra.", "Nothing was booked or changed.";
    perhaps_booked = "Vi vet ikke om bestillingen gikk gjennom. Se timene dine, eller ring legekontoret, før du prøver igjen.", "Vi veit ikkje om bestillinga gjekk gjennom. Sjå timane dine, eller ring legekontoret, før du prøver igjen.", "We do not know whether the booking went through. Look at your appointments, or call the office, before you try again.";
    nothing_paid = "Ingen betaling er begynt, og ingenting er trukket.", "Inga betaling er byrja, og ingenting er trekt.", "No payment was begun, and nothing was charged.";
    perhaps_begun = "Vi vet ikke om betalingen ble opprettet. Ingenting er trukket; prøv igjen om litt.", "Vi veit ikkje om betalinga vart oppretta. Ingenting er trekt; prøv igjen om litt.", "We do not know whether the payment was set up. Nothing was charged; please try again shortly.";
    payment_open = "En betaling av denne regningen er alt begynt. Fullfør den, eller vent til den er utløpt.", "Ei betaling av denne rekninga er alt byrja. Fullfør henne, eller vent til ho er gått ut.", "A payment of this invoice has already been begun. Complete it, or wait until it has expired.";
    already_paid = "Denne regningen er betalt.", "Denne rekninga er betalt.", "This invoice is paid.";
    sent = "Sendt til legekontoret.", "Sendt til legekontoret.", "Sent to the office.";
    on_its_way = "Er på vei, og sendes når det som kom før, er framme.", "Er på veg, og blir sendt når det som kom før, er framme.", "On its way; it is sent when what came before it has arrived.";
    queued = "Legekontorets løsning er ikke tilgjengelig nå. Vi prøver igjen til det går, i inntil fire døgn; du trenger ikke å sende på nytt.", "Løysinga til legekontoret er ikkje tilgjengeleg no. Vi prøver igjen til det går, i inntil fire døgn; du treng ikkje å sende på nytt.", "The office's solution is not available now. We keep trying for up to four days; you need not send it again.";
    uncertain = "Vi vet ikke om legekontoret har fått dette. Ring legekontoret hvis det haster, eller hvis du ikke hører noe.", "Vi veit ikkje om legekontoret har fått dette. Ring legekontoret om det hastar, eller om du ikkje høyrer noko.", "We do not know whether the office has received this. Call the office if it is urgent, or if you hear nothing.";
    gave_up = "Vi fikk ikke sendt dette innen fristen. Legekontoret har ikke fått det. Ring legekontoret eller prøv igjen.", "Vi fekk ikkje sendt dette innan fristen. Legekontoret har ikkje fått det. Ring legekontoret eller prøv igjen.", "We could not send this within the deadline. The office has not received it. Call the office or try again.";
    not_sent = "Ble ikke sendt. Legekontoret har ikke fått det.", "Vart ikkje sendt. Legekontoret har ikkje fått det.", "Was not sent. The office has not received it.";
    withdrawn_unsent = "Ble ikke sendt, fordi du avsluttet dialogen først.", "Vart ikkje sendt, fordi du avslutta dialogen først.", "Was not sent, because you closed the dialog first.";
    waiting_room_open = "Venterommet for videomøtet er åpent. Du kan gå inn nå.", "Venterommet for videomøtet er ope. Du kan gå inn no.", "The waiting room of the video meeting is open. You can come in now.";
    clinician_in_meeting = "Behandleren er i videomøtet.", "Behandlaren er i videomøtet.", "The clinician is in the video meeting.";
    meeting_ended = "Videomøtet er avsluttet.", "Videomøtet er avslutta.", "The video meeting is over.";
    no_meeting = "Denne dialogen har ikke noe videomøte her.", "Denne dialogen har ikkje noko videomøte her.", "This dialog has no video meeting here.";
    meeting_not_yet = "Legekontoret har ikke fått denne dialogen ennå. Prøv igjen om litt.", "Legekontoret har ikkje fått denne dialogen enno. Prøv igjen om litt.", "The office does not have this dialog yet. Please try again shortly.";
    survey_closed = "Denne undersøkelsen er ikke åpen for deg nå.", "Denne undersøkinga er ikkje open for deg no.", "This survey is not open for you now.";
    survey_answered = "Du har alt svart på denne undersøkelsen.", "Du har alt svart på denne undersøkinga.", "You have already answered this survey.";
    nothing_answered = "Svarene er ikke levert.", "Svara er ikkje leverte.", "Your answers were not handed in.";
    perhaps_answered = "Vi vet ikke om svarene kom frem. Du trenger ikke å svare på nytt.", "Vi veit ikkje om svara kom fram. Du treng ikkje å svare på nytt.", "We do not know whether your answers arrived. You need not answer again.";
    no_such_question = "Undersøkelsen har ikke dette spørsmålet.", "Undersøkinga har ikkje dette spørsmålet.", "The survey does not have this question.";
    no_such_choice = "Spørsmålet har ikke dette svaret.", "Spørsmålet har ikkje dette svaret.", "The question does not have this answer.";
    no_form_here = "Legekontoret har ikke noe skjema her. Send uten svar på skjema.", "Legekontoret har ikkje noko skjema her. Send utan svar på skjema.", "The office has no form here. Send without answers to one.";
    form_too_large = "Svarene på skjemaet er for lange.", "Svara på skjemaet er for lange.", "The answers to the form are too long.";
    agreement_changed_since = "Avtalen er endret siden du leste den. Les den på nytt.", "Avtalen er endra sidan du las han. Les han på nytt.", "The agreement has changed since you read it. Read it again.";
    names_a_person = "Kan ikke inneholde et tall på elleve sifre.", "Kan ikkje innehalde eit tal på elleve siffer.", "Cannot hold a number of eleven digits.";
    terms_overlap = "Gjelder samtidig med en annen avtale for samme tjeneste.", "Gjeld samstundes med ein annan avtale for same teneste.", "Holds at the same time as another agreement for the same service.";
    absences_overlap = "Er samtidig med et annet fravær.", "Er samstundes med eit anna fråvær.", "Is at the same time as another absence.";
    booking_belongs = "Hører til timebestilling, som må ha det.", "Høyrer til timebestilling, som må ha det.", "Belongs to appointments, which must have it.";
    modes_belong = "Hører til e-konsultasjon.", "Høyrer til e-konsultasjon.", "Belongs to e-consultations.";
    no_fallback = "Bare en annen løsning, og bare for det som skrives, kan tre inn.", "Berre ei anna løysing, og berre for det som blir skrive, kan tre inn.", "Only another solution, and only for what is written, can step in.";
    not_installed = "Er ikke installert, eller har ikke noe navn i katalogen.", "Er ikkje installert, eller har ikkje noko namn i katalogen.", "Is not installed, or has no name in the directory.";
    no_such_substitute = "Er ingen som kan ta over der.", "Er ingen som kan ta over der.", "Is nobody who can take over there.";
    no_such_national = "Er ikke en nasjonal leverandør ved siden av fastlegen.", "Er ikkje ein nasjonal leverandør ved sida av fastlegen.", "Is no national provider beside the GP.";
    delivered = "Meldingen er i legekontorets journalsystem.", "Meldinga er i journalsystemet til legekontoret.", "The message is in the office's record system.";
}

/// One part of the request that is not well-formed.
pub(crate) fn malformed(name: &str, locale: Locale) -> String {
    text!(
        locale,
        format!("«{name}» er ikke gyldig."),
        format!("«{name}» er ikkje gyldig."),
        format!("\"{name}\" is not valid."),
    )
}

/// A question of a survey that must be answered.
pub(crate) fn question_required(question: &str, locale: Locale) -> String {
    text!(
        locale,
        format!("«{question}» må besvares."),
        format!("«{question}» må svarast på."),
        format!("\"{question}\" must be answered."),
    )
}

/// A form that must be filled in.
pub(crate) fn form_missing(title: &str, locale: Locale) -> String {
    text!(
        locale,
        format!("Legekontoret trenger svar på skjemaet «{title}» først."),
        format!("Legekontoret treng svar på skjemaet «{title}» først."),
        format!("The office needs answers to the form \"{title}\" first."),
    )
}

/// A plugin that does not export what a service needs.
pub(crate) fn does_not_serve(interface: &str, locale: Locale) -> String {
    text!(
        locale,
        format!("Løsningen har ikke det som trengs her («{interface}»)."),
        format!("Løysinga har ikkje det som trengst her («{interface}»)."),
        format!("The solution does not have what is needed here (\"{interface}\")."),
    )
}

/// A clinician whose number is not among those of the office.
pub(crate) fn not_at_office(office: &str, locale: Locale) -> String {
    text!(
        locale,
        format!("HPR-nummeret ditt er ikke registrert hos {office}."),
        format!("HPR-nummeret ditt er ikkje registrert hos {office}."),
        format!("Your HPR number is not registered at {office}."),
    )
}

/// A colleague who is not at the office that is asked.
pub(crate) fn not_of_other_office(office: &str, locale: Locale) -> String {
    text!(
        locale,
        format!("Ingen med dette HPR-nummeret er registrert hos {office}."),
        format!("Ingen med dette HPR-nummeret er registrert hos {office}."),
        format!("Nobody with this HPR number is registered at {office}."),
    )
}

/// An office that takes no questions from colleagues here.
pub(crate) fn no_collegial(office: &str, locale: Locale) -> String {
    text!(
        locale,
        format!("{office} tar ikke imot henvendelser fra kolleger her nå. Ingenting er sendt."),
        format!("{office} tek ikkje imot førespurnader frå kollegaer her no. Ingenting er sendt."),
        format!("{office} does not take questions from colleagues here now. Nothing was sent."),
    )
}

/// What a clinician asked for, as an activity.
pub(crate) fn asked_colleague(office: &str, locale: Locale) -> String {
    text!(
        locale,
        format!("Sendt som spørsmål til kollega hos {office}."),
        format!("Sendt som spørsmål til kollega hos {office}."),
        format!("Asked of a colleague at {office}."),
    )
}

/// Another clinician than before answers.
pub(crate) fn stands_in(clinician: &Clinician, locale: Locale) -> String {
    let Clinician { given_name, family_name, .. } = clinician;
    text!(
        locale,
        format!("{given_name} {family_name} svarer deg fra nå av."),
        format!("{given_name} {family_name} svarer deg frå no av."),
        format!("{given_name} {family_name} answers you from now on."),
    )
}

/// The provider could not be reached, and another takes it.
pub(crate) fn fell_back(from: &str, to: &str, locale: Locale) -> String {
    text!(
        locale,
        format!("{from} kan ikke nås nå, og har ikke fått dette. Legekontoret tar det imot gjennom {to} i stedet."),
        format!("{from} kan ikkje nåast no, og har ikkje fått dette. Legekontoret tek det imot gjennom {to} i staden."),
        format!("{from} cannot be reached now, and has not received this. The office takes it through {to} instead."),
    )
}

/// The office has left the provider.
pub(crate) fn provider_ended(provider: &str, locale: Locale) -> String {
    text!(
        locale,
        format!(
            "Legekontoret bruker ikke {provider} lenger, og kan ikke svare her. Åpne en ny dialog, eller ring legekontoret hvis det haster."
        ),
        format!(
            "Legekontoret bruker ikkje {provider} lenger, og kan ikkje svare her. Opne ein ny dialog, eller ring legekontoret om det hastar."
        ),
        format!(
            "The office no longer uses {provider}, and cannot answer here. Open a new dialog, or call the office if it is urgent."
        ),
    )
}

/// A dialog goes on with the office's new provider.
pub(crate) fn handed_over(provider: &str, locale: Locale) -> String {
    text!(
        locale,
        format!(
            "Legekontoret bruker nå {provider}. Det du skrev her, er sendt dit i en ny dialog; du trenger ikke å gjøre noe."
        ),
        format!(
            "Legekontoret bruker no {provider}. Det du skreiv her, er sendt dit i ein ny dialog; du treng ikkje gjere noko."
        ),
        format!(
            "The office now uses {provider}. What you wrote here is sent there in a new dialog; you need not do anything."
        ),
    )
}

/// What a citizen agrees to who uses a provider beside the GP.
pub(crate) fn national_consent(name: &str, locale: Locale) -> String {
    text!(
        locale,
        format!(
            "{name} er ikke fastlegen din. Fastlegen ser ikke det du skriver her, med mindre du selv ber om at det blir sendt dit."
        ),
        format!(
            "{name} er ikkje fastlegen din. Fastlegen ser ikkje det du skriv her, med mindre du sjølv ber om at det blir sendt dit."
        ),
        format!(
            "{name} is not your GP. Your GP does not see what you write here unless you ask for it to be sent there."
        ),
    )
}

/// A provider that cannot be reached.
pub(crate) const fn provider_unavailable(sent: Sent, locale: Locale) -> &'static str {
    match sent {
        Sent::No => text!(
            locale,
            "Legekontorets løsning kan ikke nås nå. Ingenting er sendt.",
            "Løysinga til legekontoret kan ikkje nåast no. Ingenting er sendt.",
            "The office's solution cannot be reached now. Nothing was sent.",
        ),
        Sent::Yes | Sent::Unknown => uncertain(locale),
    }
}

/// A provider that gave no understandable answer.
pub(crate) const fn provider_faulty(sent: Sent, locale: Locale) -> &'static str {
    match sent {
        Sent::No => text!(
            locale,
            "Legekontorets løsning svarte ikke forståelig. Ingenting er sendt. Feilen er ikke din; prøv igjen senere eller ring legekontoret.",
            "Løysinga til legekontoret svarte ikkje forståeleg. Ingenting er sendt. Feilen er ikkje din; prøv igjen seinare eller ring legekontoret.",
            "The office's solution gave no understandable answer. Nothing was sent. The fault is not yours; try again later or call the office.",
        ),
        Sent::Yes => text!(
            locale,
            "Legekontorets løsning har fått dette, men svarte ikke forståelig. Ring legekontoret hvis det haster.",
            "Løysinga til legekontoret har fått dette, men svarte ikkje forståeleg. Ring legekontoret om det hastar.",
            "The office's solution has received this, but gave no understandable answer. Call the office if it is urgent.",
        ),
        Sent::Unknown => uncertain(locale),
    }
}

/// A service that the office does not offer, or has switched off.
pub(crate) fn service_not_offered(service: Service, locale: Locale) -> String {
    let name = service_name(service, locale);
    text!(
        locale,
        format!("Legekontoret ditt tilbyr ikke «{name}» her nå. Ingenting er sendt."),
        format!("Legekontoret ditt tilbyr ikkje «{name}» her no. Ingenting er sendt."),
        format!("Your office does not offer \"{name}\" here now. Nothing was sent."),
    )
}

/// A service, as citizens know it.
const fn service_name(service: Service, locale: Locale) -> &'static str {
    match service {
        Service::Appointment => text!(locale, "Bestill time", "Bestill time", "Book appointment"),
        Service::PrescriptionRenewal => text!(locale, "Forny resept", "Forny resept", "Renew prescription"),
        Service::Consultation => text!(locale, "E-konsultasjon", "E-konsultasjon", "E-consultation"),
        Service::Inquiry => text!(locale, "Kontakt legekontoret", "Kontakt legekontoret", "Contact the office"),
        Service::SickNoteRenewal => text!(locale, "Forny sykemelding", "Forny sjukmelding", "Renew sick note"),
        Service::Certificate => text!(locale, "Helseattest", "Helseattest", "Health certificate"),
        Service::Collegial => text!(locale, "Lege–lege", "Lege–lege", "Clinician to clinician"),
        Service::Payment => text!(locale, "Betal", "Betal", "Pay"),
        Service::TestResults => text!(locale, "Prøvesvar", "Prøvesvar", "Test results"),
    }
}

/// What the citizen asked for, as an activity.
pub(crate) fn requested(service: Service, locale: Locale) -> String {
    let name = service_name(service, locale);
    text!(locale, format!("Du ba om: {name}."), format!("Du bad om: {name}."), format!("You asked for: {name}."))
}

/// A way of holding a consultation that the office does not offer.
pub(crate) fn mode_not_offered(offered: &str, locale: Locale) -> String {
    text!(
        locale,
        format!("Legekontoret tilbyr ikke dette. Det tilbyr: {offered}."),
        format!("Legekontoret tilbyr ikkje dette. Det tilbyr: {offered}."),
        format!("The office does not offer this. It offers: {offered}."),
    )
}

/// A kind of file that the office does not take.
pub(crate) fn kind_not_taken(taken: &str, locale: Locale) -> String {
    text!(
        locale,
        format!("Legekontoret tar ikke imot denne typen. Det tar imot: {taken}."),
        format!("Legekontoret tek ikkje imot denne typen. Det tek imot: {taken}."),
        format!("The office does not take this kind. It takes: {taken}."),
    )
}

/// A list with too few or too many items.
pub(crate) fn count(least: u32, most: u32, locale: Locale) -> String {
    text!(
        locale,
        format!("Må være fra {least} til {most}."),
        format!("Må vere frå {least} til {most}."),
        format!("Must be from {least} to {most}."),
    )
}

/// An attachment over the limit.
pub(crate) fn attachment_too_large(limit: u64, locale: Locale) -> String {
    let mebibytes = limit / (1024 * 1024);
    text!(
        locale,
        format!("Et vedlegg kan være høyst {mebibytes} MiB."),
        format!("Eit vedlegg kan vere høgst {mebibytes} MiB."),
        format!("An attachment can be at most {mebibytes} MiB."),
    )
}

/// A message that the office's system did not take in.
pub(crate) fn not_taken_in(reasons: &str, resendable: bool, locale: Locale) -> String {
    let again = if resendable {
        text!(
            locale,
            " Du kan prøve å sende på nytt.",
            " Du kan prøve å sende på nytt.",
            " You can try to send it again."
        )
    } else {
        ""
    };
    text!(
        locale,
        format!("Legekontorets system tok ikke imot meldingen: {reasons}.{again}"),
        format!("Systemet til legekontoret tok ikkje imot meldinga: {reasons}.{again}"),
        format!("The office's system did not take the message in: {reasons}.{again}"),
    )
}

/// What the office decided about a renewal, in numbers; the items are in the activity.
pub(crate) fn renewal_decided(decisions: &[RenewalDecision], locale: Locale) -> String {
    let all = decisions.len();
    let renewed = decisions.iter().filter(|decision| decision.outcome == RenewalOutcome::Renewed).count();
    text!(
        locale,
        format!("Legekontoret har svart: {renewed} av {all} er fornyet."),
        format!("Legekontoret har svart: {renewed} av {all} er fornya."),
        format!("The office has answered: {renewed} of {all} renewed."),
    )
}

/// Who came to a video meeting, by name or by role.
pub(crate) fn in_meeting(who: &str, locale: Locale) -> String {
    text!(
        locale,
        format!("{who} er med i videomøtet."),
        format!("{who} er med i videomøtet."),
        format!("{who} is in the video meeting."),
    )
}

/// What the office did to an appointment.
pub(crate) const fn appointment(change: AppointmentChangeKind, locale: Locale) -> &'static str {
    match change {
        AppointmentChangeKind::Booked => {
            text!(locale, "Du har fått en time.", "Du har fått ein time.", "You have an appointment.")
        }
        AppointmentChangeKind::Moved => {
            text!(locale, "Timen din er flyttet.", "Timen din er flytta.", "Your appointment was moved.")
        }
        AppointmentChangeKind::Cancelled => {
            text!(locale, "Timen din er avlyst.", "Timen din er avlyst.", "Your appointment was cancelled.")
        }
        AppointmentChangeKind::Reminder => {
            text!(locale, "Påminnelse om timen din.", "Påminning om timen din.", "A reminder of your appointment.")
        }
    }
}

/// There is no personal archive to copy to.
pub(crate) const fn no_archive(locale: Locale) -> &'static str {
    text!(
        locale,
        "Det personlige helsearkivet er ikke koblet til her.",
        "Det personlege helsearkivet er ikkje kopla til her.",
        "The personal health archive is not connected here.",
    )
}

/// The personal archive did not take a copy.
pub(crate) const fn archive_refused(locale: Locale) -> &'static str {
    text!(
        locale,
        "Det personlige helsearkivet tok ikke imot kopien.",
        "Det personlege helsearkivet tok ikkje imot kopien.",
        "The personal health archive did not take the copy.",
    )
}
