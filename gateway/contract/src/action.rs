//! What can be done, as the audit log names it: one closed list, from which the sentences that citizens read and the codes
//! that other systems read are made.

use crate::service::closed_list;

closed_list!(
    /// What was done.
    Action {
        /// A citizen opened a dialog.
        DialogOpen = "dialog.open",
        /// A citizen read a dialog.
        DialogRead = "dialog.read",
        /// A citizen wrote in a dialog.
        DialogSend = "dialog.send",
        /// A citizen closed a dialog.
        DialogClose = "dialog.close",
        /// A citizen has seen what the office wrote.
        DialogSeen = "dialog.seen",
        /// A citizen listed their dialogs.
        DialogsList = "dialogs.list",
        /// A citizen searched their dialogs.
        DialogsSearch = "dialogs.search",
        /// A citizen saw how much there is in their inbox.
        InboxRead = "inbox.read",
        /// A citizen went into a video meeting.
        VideoJoin = "video.join",
        /// A citizen left a video meeting.
        VideoLeave = "video.leave",
        /// A citizen looked for free times.
        AppointmentsSlots = "appointments.slots",
        /// A citizen listed their coming appointments.
        AppointmentsUpcoming = "appointments.upcoming",
        /// A citizen booked an appointment.
        AppointmentsBook = "appointments.book",
        /// A citizen moved an appointment.
        AppointmentsChange = "appointments.change",
        /// A citizen cancelled an appointment.
        AppointmentsCancel = "appointments.cancel",
        /// A citizen listed what can be renewed.
        PrescriptionsRenewable = "prescriptions.renewable",
        /// A citizen listed what they owe.
        PaymentsOutstanding = "payments.outstanding",
        /// A citizen began to pay what they owe.
        PaymentsPay = "payments.pay",
        /// A citizen listed what they began to pay.
        PaymentsList = "payments.list",
        /// A citizen read what their office offers.
        PracticeRead = "practice.read",
        /// Somebody read an office's practical information.
        OfficeRead = "office.read",
        /// A citizen uploaded a file.
        AttachmentUpload = "attachment.upload",
        /// A citizen read a file.
        AttachmentRead = "attachment.read",
        /// The portal read its feed.
        EventsRead = "events.read",
        /// A citizen followed their events.
        EventsFollow = "events.follow",
        /// A provider was asked for news.
        InboundPoll = "inbound.poll",
        /// A provider's news was taken in.
        InboundReceive = "inbound.receive",
        /// A citizen read what they chose about themselves.
        ChoicesRead = "choices.read",
        /// A citizen chose to be digitally active, or not.
        DigitalChoose = "digital.choose",
        /// A citizen chose to have copies in the personal archive, or not.
        ArchiveChoose = "archive.choose",
        /// A provider was told who is digitally active.
        CitizensActive = "citizens.active",
        /// A provider asked whether a citizen is digitally active.
        CitizensAsked = "citizens.asked",
        /// A closed dialog was copied to the citizen's personal archive.
        DialogArchive = "dialog.archive",
        /// A citizen's data was erased.
        CitizenErase = "citizen.erase",
        /// What could not be read was listed.
        UnreadableList = "unreadable.list",
        /// A request was refused before it was known what it was to do.
        RequestRefused = "request.refused",
        /// Plugins were listed.
        PluginsList = "plugins.list",
        /// A plugin was looked at.
        PluginsRead = "plugins.read",
        /// A package was installed.
        PluginInstall = "plugin.install",
        /// A plugin was made ready at start.
        PluginLoad = "plugin.load",
        /// A plugin was held to whom the operator trusts now, while it served.
        PluginServe = "plugin.serve",
        /// A plugin was granted something.
        PluginGrant = "plugin.grant",
        /// Something was taken back from a plugin.
        PluginRevoke = "plugin.revoke",
        /// A plugin went back to its version before.
        PluginRollback = "plugin.rollback",
        /// A plugin was removed.
        PluginRemove = "plugin.remove",
        /// A package or a change to a plugin was refused.
        PluginRefuse = "plugin.refuse",
        /// Keys of data at rest were wrapped anew.
        KeysRewrap = "keys.rewrap",
        /// Certificates were looked at anew.
        TlsReload = "tls.reload",
        /// The gateway started.
        GatewayStart = "gateway.start",
        /// The gateway took its configuration.
        GatewayConfigure = "gateway.configure",
        /// The gateway stopped.
        GatewayStop = "gateway.stop",
        /// A citizen or the portal fetched the proof of a record of theirs.
        ReceiptRead = "receipt.read",
        /// A citizen read who had read or changed what is theirs.
        AccessLogRead = "access-log.read",
        /// The audit log was read.
        LogRead = "log.read",
        /// What was in records was removed after its time.
        LogPrune = "log.prune",
        /// The log was ended, and its successor named.
        LogSeal = "log.seal",
        /// The log was begun as the successor of another.
        LogOpen = "log.open",
        /// A witness said something that an auditor must know.
        LogWitness = "log.witness",
        /// The keys that sign the log changed.
        KeySign = "key.sign",
        /// A citizen read how they are told that there is something for them.
        NoticePreferencesRead = "notice-preferences.read",
        /// A citizen decided how they are told.
        NoticePreferencesChange = "notice-preferences.change",
        /// A citizen was told, outside the portal, that there is something for them in it.
        NoticeSend = "notice.send",
        /// A provider was asked for its practical information or its forms.
        PracticeFetch = "practice.fetch",
        /// A citizen read what a service is for.
        GuidanceRead = "guidance.read",
        /// A citizen looked for a survey.
        SurveyRead = "survey.read",
        /// A citizen answered a survey.
        SurveySubmit = "survey.submit",
        /// What was answered to surveys was counted.
        SurveyResultsRead = "survey-results.read",
        /// What an office agreed was read.
        AgreementsRead = "agreements.read",
        /// What an office agreed was changed.
        AgreementsChange = "agreements.change",
        /// When a clinician is away was changed.
        AbsencesChange = "absences.change",
        /// A citizen's open dialog was taken from a provider that ends to another.
        DialogHandOver = "dialog.hand-over",
        /// A citizen was told that their dialog's provider has ended.
        DialogMark = "dialog.mark",
        /// A citizen's open dialog was exported from a provider that ends.
        DialogExport = "dialog.export",
        /// A clinician asked a colleague.
        CollegialOpen = "collegial.open",
        /// An office's dialogs with colleagues were listed.
        CollegialList = "collegial.list",
        /// A dialog between clinicians was read.
        CollegialRead = "collegial.read",
        /// A clinician wrote in a dialog with colleagues.
        CollegialSend = "collegial.send",
        /// A clinician brought the patient into a dialog with colleagues.
        CollegialJoin = "collegial.join",
        /// A clinician ended a dialog with colleagues.
        CollegialClose = "collegial.close",
    }
);

closed_list!(
    /// What an action does to data.
    Effect {
        /// Makes something.
        Create = "create",
        /// Reads one thing.
        Read = "read",
        /// Looks for things.
        Search = "search",
        /// Changes something.
        Update = "update",
        /// Removes something.
        Delete = "delete",
        /// Does something else.
        Execute = "execute",
    }
);

impl Action {
    /// What it does to data.
    #[must_use]
    pub const fn effect(self) -> Effect {
        match self {
            Self::DialogOpen
            | Self::DialogSend
            | Self::AppointmentsBook
            | Self::PaymentsPay
            | Self::AttachmentUpload
            | Self::SurveySubmit
            | Self::InboundReceive
            | Self::PluginInstall
            | Self::NoticeSend
            | Self::DialogHandOver
            | Self::CollegialOpen
            | Self::CollegialSend => Effect::Create,
            Self::DialogRead
            | Self::InboxRead
            | Self::ChoicesRead
            | Self::PracticeRead
            | Self::OfficeRead
            | Self::CitizensAsked
            | Self::GuidanceRead
            | Self::SurveyRead
            | Self::AttachmentRead
            | Self::PluginsRead
            | Self::ReceiptRead
            | Self::LogRead
            | Self::NoticePreferencesRead
            | Self::AgreementsRead
            | Self::DialogExport
            | Self::CollegialRead => Effect::Read,
            Self::DialogsList
            | Self::DialogsSearch
            | Self::AppointmentsSlots
            | Self::AppointmentsUpcoming
            | Self::PrescriptionsRenewable
            | Self::PaymentsOutstanding
            | Self::PaymentsList
            | Self::EventsRead
            | Self::EventsFollow
            | Self::UnreadableList
            | Self::SurveyResultsRead
            | Self::PluginsList
            | Self::AccessLogRead
            | Self::CollegialList => Effect::Search,
            Self::DialogClose
            | Self::DigitalChoose
            | Self::ArchiveChoose
            | Self::DialogSeen
            | Self::AppointmentsChange
            | Self::AppointmentsCancel
            | Self::PluginGrant
            | Self::PluginRevoke
            | Self::PluginRollback
            | Self::KeysRewrap
            | Self::KeySign
            | Self::NoticePreferencesChange
            | Self::AgreementsChange
            | Self::AbsencesChange
            | Self::DialogMark
            | Self::CollegialJoin
            | Self::CollegialClose => Effect::Update,
            Self::CitizenErase | Self::PluginRemove | Self::LogPrune => Effect::Delete,
            Self::InboundPoll
            | Self::VideoJoin
            | Self::VideoLeave
            | Self::PracticeFetch
            | Self::CitizensActive
            | Self::DialogArchive
            | Self::RequestRefused
            | Self::PluginLoad
            | Self::PluginServe
            | Self::PluginRefuse
            | Self::TlsReload
            | Self::GatewayStart
            | Self::GatewayConfigure
            | Self::GatewayStop
            | Self::LogSeal
            | Self::LogOpen
            | Self::LogWitness => Effect::Execute,
        }
    }
}
