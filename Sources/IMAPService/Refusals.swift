internal import IMAPWire
internal import MessageStore
internal import Vocabulary

extension IMAPRefusal {
    static let noSuchMailbox = IMAPRefusal(.noSuchMailbox, code: "NONEXISTENT")  // [RFC5530-3]
    /// Where a mailbox of that name could be made. [RFC9051-6.3.12]
    static let tryCreate = IMAPRefusal(.noSuchMailbox, code: "TRYCREATE")
    static let notPermitted = IMAPRefusal(.notPermitted, code: "NOPERM")
    static let unavailable = IMAPRefusal(.unavailable, code: "UNAVAILABLE")
    /// What the postmaster alone can mend. [RFC5530-3]
    static let diskFull = IMAPRefusal(.diskFull, code: "UNAVAILABLE")
    static let badName = IMAPRefusal(.badName, code: "CANNOT")
    static let mailboxExists = IMAPRefusal(.mailboxExists, code: "ALREADYEXISTS")
    static let tooLarge = IMAPRefusal(.tooLarge, code: "TOOBIG")  // [RFC7889-4]
    static let overQuota = IMAPRefusal(.overQuota, code: "OVERQUOTA")
    /// Of a message that somebody else has removed. [RFC5530-3]
    static let expungeIssued = IMAPRefusal(.messagesGone, code: "EXPUNGEISSUED")
    static let nothingSelected = IMAPRefusal(.mailboxGone, code: "CLOSED")

    /// What a client is told of a failure of the store; the store's own words are for the log.
    init(_ error: StoreError) {
        self =
            switch error {
            case .noSuchMailbox, .noSuchAccount: .noSuchMailbox
            case .noSuchMessage: IMAPRefusal(.noSuchMessage, code: "NONEXISTENT")
            case .mailboxExists: .mailboxExists
            case .inboxStays: IMAPRefusal(.inboxStays, code: "CANNOT")
            case .tooManyKeywords: IMAPRefusal(.tooManyKeywords, code: "LIMIT")
            case .overQuota: .overQuota
            case .tooLarge: .tooLarge
            case .damaged: IMAPRefusal(.damaged, code: "CORRUPTION")  // [RFC5530-3]
            case _ where error.isAboutRoom: .diskFull
            case .inUse, .newerFormat, .io, .database, .diskFull, .forgotten, .busy, .unanswered, .failed, .closed: .unavailable
            }
    }

    init(_ refusal: StoreRefusal) {
        self =
            switch refusal {
            case .tooLarge: .tooLarge
            case .diskLow, .diskFull: .diskFull
            case .io(let failure) where failure.isDiskFull: .diskFull
            default: .unavailable
            }
    }
}
