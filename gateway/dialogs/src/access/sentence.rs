//! What was done, in the words of whoever it was done to: Bokmål, Nynorsk and English, without a code in them.

use dialog_contract::{
    access_log::{AccessActor, AccessOutcome},
    action::Action,
    service::{Locale, Representation},
};

/// An action as it is told once it was done, and after "tried to".
pub(super) struct Deed {
    past: &'static str,
    infinitive: &'static str,
}

macro_rules! deed {
    ($locale:expr, $nb:literal / $nb_to:literal, $nn:literal / $nn_to:literal, $en:literal / $en_to:literal) => {
        Some(match $locale {
            Locale::Nb => Deed { past: $nb, infinitive: $nb_to },
            Locale::Nn => Deed { past: $nn, infinitive: $nn_to },
            Locale::En => Deed { past: $en, infinitive: $en_to },
        })
    };
}

/// What an action is to a citizen; none where it is never about one.
#[rustfmt::skip]
pub(super) const fn deed(action: Action, locale: Locale) -> Option<Deed> {
    match action {
        Action::DialogOpen => deed!(locale,
            "åpnet en samtale med legekontoret" / "åpne en samtale med legekontoret",
            "opna ein samtale med legekontoret" / "opne ein samtale med legekontoret",
            "opened a conversation with the office" / "open a conversation with the office"),
        Action::DialogRead => deed!(locale,
            "leste en samtale" / "lese en samtale",
            "las ein samtale" / "lese ein samtale",
            "read a conversation" / "read a conversation"),
        Action::DialogSend => deed!(locale,
            "sendte en melding i en samtale" / "sende en melding i en samtale",
            "sende ei melding i ein samtale" / "sende ei melding i ein samtale",
            "sent a message in a conversation" / "send a message in a conversation"),
        Action::DialogClose => deed!(locale,
            "avsluttet en samtale" / "avslutte en samtale",
            "avslutta ein samtale" / "avslutte ein samtale",
            "closed a conversation" / "close a conversation"),
        Action::DialogSeen => deed!(locale,
            "merket en samtale som sett" / "merke en samtale som sett",
            "merkte ein samtale som sedd" / "merke ein samtale som sedd",
            "marked a conversation as seen" / "mark a conversation as seen"),
        Action::DialogsList => deed!(locale,
            "så listen over samtaler" / "se listen over samtaler",
            "såg lista over samtalar" / "sjå lista over samtalar",
            "saw the list of conversations" / "see the list of conversations"),
        Action::DialogsSearch => deed!(locale,
            "søkte i samtalene" / "søke i samtalene",
            "søkte i samtalane" / "søkje i samtalane",
            "searched the conversations" / "search the conversations"),
        Action::InboxRead => deed!(locale,
            "så hvor mye som er nytt" / "se hvor mye som er nytt",
            "såg kor mykje som er nytt" / "sjå kor mykje som er nytt",
            "saw how much is new" / "see how much is new"),
        Action::VideoJoin => deed!(locale,
            "gikk inn i et videomøte" / "gå inn i et videomøte",
            "gjekk inn i eit videomøte" / "gå inn i eit videomøte",
            "went into a video meeting" / "go into a video meeting"),
        Action::VideoLeave => deed!(locale,
            "forlot et videomøte" / "forlate et videomøte",
            "forlét eit videomøte" / "forlate eit videomøte",
            "left a video meeting" / "leave a video meeting"),
        Action::AppointmentsSlots => deed!(locale,
            "så etter ledige timer" / "se etter ledige timer",
            "såg etter ledige timar" / "sjå etter ledige timar",
            "looked for free appointments" / "look for free appointments"),
        Action::AppointmentsUpcoming => deed!(locale,
            "så listen over kommende timer" / "se listen over kommende timer",
            "såg lista over komande timar" / "sjå lista over komande timar",
            "saw the list of coming appointments" / "see the list of coming appointments"),
        Action::AppointmentsBook => deed!(locale,
            "bestilte en time" / "bestille en time",
            "bestilte ein time" / "bestille ein time",
            "booked an appointment" / "book an appointment"),
        Action::AppointmentsChange => deed!(locale,
            "flyttet en time" / "flytte en time",
            "flytta ein time" / "flytte ein time",
            "moved an appointment" / "move an appointment"),
        Action::AppointmentsCancel => deed!(locale,
            "avbestilte en time" / "avbestille en time",
            "avbestilte ein time" / "avbestille ein time",
            "cancelled an appointment" / "cancel an appointment"),
        Action::PrescriptionsRenewable => deed!(locale,
            "så hvilke resepter som kan fornyes" / "se hvilke resepter som kan fornyes",
            "såg kva reseptar som kan fornyast" / "sjå kva reseptar som kan fornyast",
            "saw which prescriptions can be renewed" / "see which prescriptions can be renewed"),
        Action::PaymentsOutstanding => deed!(locale,
            "så hva som skal betales" / "se hva som skal betales",
            "såg kva som skal betalast" / "sjå kva som skal betalast",
            "saw what is to be paid" / "see what is to be paid"),
        Action::PaymentsPay => deed!(locale,
            "begynte å betale en regning" / "betale en regning",
            "byrja å betale ei rekning" / "betale ei rekning",
            "began to pay an invoice" / "pay an invoice"),
        Action::PaymentsList => deed!(locale,
            "så listen over betalinger" / "se listen over betalinger",
            "såg lista over betalingar" / "sjå lista over betalingar",
            "saw the list of payments" / "see the list of payments"),
        Action::PracticeRead => deed!(locale,
            "så hva legekontoret tilbyr" / "se hva legekontoret tilbyr",
            "såg kva legekontoret tilbyr" / "sjå kva legekontoret tilbyr",
            "saw what the office offers" / "see what the office offers"),
        Action::GuidanceRead => deed!(locale,
            "så hva en tjeneste er til for" / "se hva en tjeneste er til for",
            "såg kva ei teneste er til for" / "sjå kva ei teneste er til for",
            "saw what a service is for" / "see what a service is for"),
        Action::SurveyRead => deed!(locale,
            "så etter en spørreundersøkelse" / "se etter en spørreundersøkelse",
            "såg etter ei spørjeundersøking" / "sjå etter ei spørjeundersøking",
            "looked for a survey" / "look for a survey"),
        Action::SurveySubmit => deed!(locale,
            "svarte på en spørreundersøkelse" / "svare på en spørreundersøkelse",
            "svarte på ei spørjeundersøking" / "svare på ei spørjeundersøking",
            "answered a survey" / "answer a survey"),
        Action::AttachmentUpload => deed!(locale,
            "lastet opp et vedlegg" / "laste opp et vedlegg",
            "lasta opp eit vedlegg" / "laste opp eit vedlegg",
            "uploaded an attachment" / "upload an attachment"),
        Action::AttachmentRead => deed!(locale,
            "åpnet et vedlegg" / "åpne et vedlegg",
            "opna eit vedlegg" / "opne eit vedlegg",
            "opened an attachment" / "open an attachment"),
        Action::EventsFollow => deed!(locale,
            "fulgte med på nye hendelser" / "følge med på nye hendelser",
            "følgde med på nye hendingar" / "følgje med på nye hendingar",
            "followed what is new" / "follow what is new"),
        Action::InboundReceive => deed!(locale,
            "sendte noe nytt i en samtale, om en time eller om en betaling" / "sende noe nytt i en samtale, om en time eller om en betaling",
            "sende noko nytt i ein samtale, om ein time eller om ei betaling" / "sende noko nytt i ein samtale, om ein time eller om ei betaling",
            "sent something new in a conversation, about an appointment or about a payment" / "send something new in a conversation, about an appointment or about a payment"),
        Action::ChoicesRead => deed!(locale,
            "så hva som er valgt om digital dialog og helsearkiv" / "se hva som er valgt om digital dialog og helsearkiv",
            "såg kva som er valt om digital dialog og helsearkiv" / "sjå kva som er valt om digital dialog og helsearkiv",
            "saw what was chosen about digital dialog and archive" / "see what was chosen about digital dialog and archive"),
        Action::DigitalChoose => deed!(locale,
            "valgte om legekontoret kan skrive digitalt" / "velge om legekontoret kan skrive digitalt",
            "valde om legekontoret kan skrive digitalt" / "velje om legekontoret kan skrive digitalt",
            "chose whether the office can write digitally" / "choose whether the office can write digitally"),
        Action::ArchiveChoose => deed!(locale,
            "valgte om det som er avsluttet, skal kopieres til det personlige helsearkivet" / "velge om det som er avsluttet, skal kopieres til det personlige helsearkivet",
            "valde om det som er avslutta, skal kopierast til det personlege helsearkivet" / "velje om det som er avslutta, skal kopierast til det personlege helsearkivet",
            "chose whether what is closed is copied to the personal health archive" / "choose whether what is closed is copied to the personal health archive"),
        Action::CitizensActive => deed!(locale,
            "fortalte legekontoret om det kan skrive digitalt" / "fortelle legekontoret om det kan skrive digitalt",
            "fortalde legekontoret om det kan skrive digitalt" / "fortelje legekontoret om det kan skrive digitalt",
            "told the office whether it can write digitally" / "tell the office whether it can write digitally"),
        Action::CitizensAsked => deed!(locale,
            "spurte om det kan skrive digitalt til deg" / "spørre om det kan skrive digitalt til deg",
            "spurde om det kan skrive digitalt til deg" / "spørje om det kan skrive digitalt til deg",
            "asked whether it can write to you digitally" / "ask whether it can write to you digitally"),
        Action::DialogArchive => deed!(locale,
            "kopierte en samtale til det personlige helsearkivet" / "kopiere en samtale til det personlige helsearkivet",
            "kopierte ein samtale til det personlege helsearkivet" / "kopiere ein samtale til det personlege helsearkivet",
            "copied a conversation to the personal health archive" / "copy a conversation to the personal health archive"),
        Action::CitizenErase => deed!(locale,
            "slettet opplysningene som var lagret her" / "slette opplysningene som er lagret her",
            "sletta opplysningane som var lagra her" / "slette opplysningane som er lagra her",
            "erased what was stored here" / "erase what is stored here"),
        Action::ReceiptRead => deed!(locale,
            "hentet beviset for noe som var gjort" / "hente beviset for noe som var gjort",
            "henta beviset for noko som var gjort" / "hente beviset for noko som var gjort",
            "fetched the proof of something that was done" / "fetch the proof of something that was done"),
        Action::AccessLogRead => deed!(locale,
            "så denne loggen" / "se denne loggen",
            "såg denne loggen" / "sjå denne loggen",
            "saw this log" / "see this log"),
        Action::NoticePreferencesRead => deed!(locale,
            "så valgene for varsling" / "se valgene for varsling",
            "såg vala for varsling" / "sjå vala for varsling",
            "saw the choices about notices" / "see the choices about notices"),
        Action::NoticePreferencesChange => deed!(locale,
            "endret valgene for varsling" / "endre valgene for varsling",
            "endra vala for varsling" / "endre vala for varsling",
            "changed the choices about notices" / "change the choices about notices"),
        Action::NoticeSend => deed!(locale,
            "sendte deg et varsel" / "sende deg et varsel",
            "sende deg eit varsel" / "sende deg eit varsel",
            "sent you a notice" / "send you a notice"),
        Action::RequestRefused => deed!(locale,
            "gjorde noe" / "gjøre noe",
            "gjorde noko" / "gjere noko",
            "did something" / "do something"),
        Action::DialogHandOver => deed!(locale,
            "flyttet en samtale til den nye løsningen på legekontoret" / "flytte en samtale til den nye løsningen på legekontoret",
            "flytta ein samtale til den nye løysinga på legekontoret" / "flytte ein samtale til den nye løysinga på legekontoret",
            "moved a conversation to the office's new solution" / "move a conversation to the office's new solution"),
        Action::DialogMark => deed!(locale,
            "skrev i en samtale at legekontoret har forlatt løsningen" / "skrive i en samtale at legekontoret har forlatt løsningen",
            "skreiv i ein samtale at legekontoret har forlate løysinga" / "skrive i ein samtale at legekontoret har forlate løysinga",
            "noted in a conversation that the office has left the solution" / "note in a conversation that the office has left the solution"),
        Action::DialogExport => deed!(locale,
            "hentet ut en åpen samtale fra en løsning som opphører" / "hente ut en åpen samtale fra en løsning som opphører",
            "henta ut ein open samtale frå ei løysing som tek slutt" / "hente ut ein open samtale frå ei løysing som tek slutt",
            "exported an open conversation from a solution that ends" / "export an open conversation from a solution that ends"),
        Action::CollegialOpen => deed!(locale,
            "spurte en kollega om deg" / "spørre en kollega om deg",
            "spurde ein kollega om deg" / "spørje ein kollega om deg",
            "asked a colleague about you" / "ask a colleague about you"),
        Action::CollegialRead => deed!(locale,
            "leste en samtale mellom behandlere om deg" / "lese en samtale mellom behandlere om deg",
            "las ein samtale mellom behandlarar om deg" / "lese ein samtale mellom behandlarar om deg",
            "read a conversation between clinicians about you" / "read a conversation between clinicians about you"),
        Action::CollegialSend => deed!(locale,
            "skrev i en samtale mellom behandlere om deg" / "skrive i en samtale mellom behandlere om deg",
            "skreiv i ein samtale mellom behandlarar om deg" / "skrive i ein samtale mellom behandlarar om deg",
            "wrote in a conversation between clinicians about you" / "write in a conversation between clinicians about you"),
        Action::CollegialJoin => deed!(locale,
            "tok deg med i en samtale mellom behandlere" / "ta deg med i en samtale mellom behandlere",
            "tok deg med i ein samtale mellom behandlarar" / "ta deg med i ein samtale mellom behandlarar",
            "brought you into a conversation between clinicians" / "bring you into a conversation between clinicians"),
        Action::CollegialClose => deed!(locale,
            "avsluttet en samtale mellom behandlere om deg" / "avslutte en samtale mellom behandlere om deg",
            "avslutta ein samtale mellom behandlarar om deg" / "avslutte ein samtale mellom behandlarar om deg",
            "ended a conversation between clinicians about you" / "end a conversation between clinicians about you"),
        Action::OfficeRead
        | Action::CollegialList
        | Action::PracticeFetch
        | Action::SurveyResultsRead
        | Action::EventsRead
        | Action::InboundPoll
        | Action::UnreadableList
        | Action::PluginsList
        | Action::PluginsRead
        | Action::PluginInstall
        | Action::PluginLoad
        | Action::PluginServe
        | Action::PluginGrant
        | Action::PluginRevoke
        | Action::PluginRollback
        | Action::PluginRemove
        | Action::PluginRefuse
        | Action::KeysRewrap
        | Action::TlsReload
        | Action::GatewayStart
        | Action::GatewayConfigure
        | Action::GatewayStop
        | Action::LogRead
        | Action::LogPrune
        | Action::LogSeal
        | Action::LogOpen
        | Action::LogWitness
        | Action::KeySign
        | Action::AgreementsRead
        | Action::AgreementsChange
        | Action::AbsencesChange => None,
    }
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// The reader, in their own name.
    You,
    /// The reader, for somebody else.
    YouForAnother,
    /// Somebody for the reader.
    Representative(Representation),
    /// The service, of its own accord and not for the reader.
    Service,
    /// Nobody of flesh and blood who is named, or none of these.
    Other(AccessActor),
}

impl Who {
    const fn subject(self, locale: Locale) -> &'static str {
        let [nb, nn, en] = match self {
            Self::You | Self::YouForAnother | Self::Other(AccessActor::You) => ["Du", "Du", "You"],
            Self::Representative(Representation::Parent) => ["En forelder", "Ein forelder", "A parent"],
            Self::Representative(Representation::Guardian) => ["En verge", "Ein verje", "A guardian"],
            Self::Representative(Representation::PowerOfAttorney) => {
                ["En som har fullmakt", "Ein som har fullmakt", "Someone with a power of attorney"]
            }
            Self::Other(AccessActor::Representative) => {
                ["En som kan opptre for deg", "Ein som kan opptre for deg", "Someone who may act for you"]
            }
            Self::Other(AccessActor::Office) => ["Legekontoret", "Legekontoret", "The office"],
            Self::Other(AccessActor::Portal) => {
                ["Den nasjonale portalen", "Den nasjonale portalen", "The national portal"]
            }
            Self::Other(AccessActor::Operator) => {
                ["De som driver tjenesten", "Dei som driv tenesta", "Those who run the service"]
            }
            Self::Other(AccessActor::Auditor) => {
                ["De som kontrollerer tjenesten", "Dei som kontrollerer tenesta", "Those who audit the service"]
            }
            Self::Service | Self::Other(AccessActor::Gateway) => {
                ["Tjenesten selv", "Tenesta sjølv", "The service itself"]
            }
            Self::Other(AccessActor::Unknown) => {
                ["Noen som ikke er kjent", "Nokon som ikkje er kjend", "Someone who is not known"]
            }
        };
        pick(locale, nb, nn, en)
    }

    /// For whom, where that is not who did it.
    const fn on_behalf(self, locale: Locale) -> &'static str {
        match self {
            Self::YouForAnother => {
                pick(locale, " på vegne av en annen", " på vegner av ein annan", " on behalf of another")
            }
            Self::Representative(_) | Self::Other(AccessActor::Representative | AccessActor::Gateway) => {
                pick(locale, " på dine vegne", " på dine vegner", " on your behalf")
            }
            Self::You | Self::Service | Self::Other(_) => "",
        }
    }
}

/// The whole of it.
pub(super) fn sentence(deed: &Deed, who: Who, outcome: AccessOutcome, locale: Locale) -> String {
    let (subject, behalf, Deed { past, infinitive }) = (who.subject(locale), who.on_behalf(locale), deed);
    let tried = pick(locale, "prøvde å", "prøvde å", "tried to");
    match outcome {
        AccessOutcome::Done => format!("{subject} {past}{behalf}."),
        AccessOutcome::Refused => {
            let but = pick(locale, "men fikk nei", "men fekk nei", "and was told no");
            format!("{subject} {tried} {infinitive}{behalf}, {but}.")
        }
        AccessOutcome::Failed => {
            let but = pick(locale, "men det gikk ikke", "men det gjekk ikkje", "but it failed");
            format!("{subject} {tried} {infinitive}{behalf}, {but}.")
        }
        AccessOutcome::Uncertain => {
            let but = pick(
                locale,
                "og det er ikke kjent om det kom frem",
                "og det er ikkje kjent om det kom fram",
                "and it is not known whether it arrived",
            );
            format!("{subject} {tried} {infinitive}{behalf}, {but}.")
        }
    }
}

/// What this log cannot know.
pub(crate) const fn note(locale: Locale) -> &'static str {
    pick(
        locale,
        "Her ser du hva som er gjort gjennom denne tjenesten. Hva legekontoret leser i sitt eget journalsystem, står i loggen til journalen; spør legekontoret om innsyn i den.",
        "Her ser du kva som er gjort gjennom denne tenesta. Kva legekontoret les i sitt eige journalsystem, står i loggen til journalen; spør legekontoret om innsyn i han.",
        "This is what was done through this service. What the office reads in its own record system is in that system's log; ask the office to see it.",
    )
}

/// What it means that a log is missing.
pub(crate) const fn missing(locale: Locale) -> &'static str {
    pick(
        locale,
        "Noe av det som er gjort tidligere, står i en eldre logg som ikke er tilgjengelig her nå. Spør dem som driver tjenesten om innsyn i den.",
        "Noko av det som er gjort tidlegare, står i ein eldre logg som ikkje er tilgjengeleg her no. Spør dei som driv tenesta om innsyn i han.",
        "Some of what was done earlier is in an older log that is not available here now. Ask those who run the service to see it.",
    )
}

const fn pick(locale: Locale, nb: &'static str, nn: &'static str, en: &'static str) -> &'static str {
    match locale {
        Locale::Nb => nb,
        Locale::Nn => nn,
        Locale::En => en,
    }
}
