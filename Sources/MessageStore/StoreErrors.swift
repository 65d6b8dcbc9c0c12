package import Database
internal import Glibc
package import Vocabulary

/// A file operation that failed: what, on which file, and errno.
package struct IOFailure: Error, Sendable, Hashable, CustomStringConvertible {
    package let operation: String
    package let path: String
    package let code: Int32

    package init(_ operation: String, _ path: String, _ code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    /// The file cannot be reached or made; the disk itself said nothing wrong, and nothing was written.
    package var isAboutAccess: Bool { [EACCES, EPERM, ENOENT, ENOTDIR, EMFILE, ENFILE].contains(self.code) }
    package var isDiskFull: Bool { self.code == ENOSPC || self.code == EDQUOT || self.code == EFBIG }
    package var description: String { "\(self.operation) \(self.path): \(String(cString: strerror(self.code)))" }
}

/// Why a call on the store failed. Texts are for the log and the postmaster, never for a peer.
package enum StoreError: Error, Sendable, CustomStringConvertible {
    /// Another process has the store open.
    case inUse(String)
    /// Made by a newer version; refused rather than guessed at.
    case newerFormat(String)
    /// The files do not fit together or are damaged; `check` and `repair` say more.
    case damaged(String)
    case io(IOFailure)
    case database(DatabaseError)
    case noSuchMailbox(MailboxID)
    /// Removed meanwhile, or never there.
    case noSuchMessage
    /// The account was removed.
    case noSuchAccount(AccountID)
    /// A mailbox of that name is there.
    case mailboxExists(String)
    /// INBOX stays.
    case inboxStays
    /// The mailbox has as many keywords as it can have (`Flags.keywordBits`).
    case tooManyKeywords
    case overQuota
    /// The disk has no room for more mail.
    case diskFull
    /// Larger than the store takes in one piece.
    case tooLarge
    /// What is gone since then is not known any more.
    case forgotten
    /// Too much waits; try again.
    case busy
    /// Nothing came back in time (`StoreWait`).
    case unanswered
    /// Read-only until restart and check.
    case failed(String)
    case closed

    package var description: String {
        switch self {
        case .inUse(let path): "\(path) is in use by another process: stop it first, or give the command to the running server"
        case .newerFormat(let text), .damaged(let text): text
        case .io(let failure): failure.description
        case .database(let error): error.description
        case .noSuchMailbox(let id): "no mailbox \(id)"
        case .noSuchMessage: "no such message"
        case .noSuchAccount(let id): "no account \(id)"
        case .mailboxExists(let name): "a mailbox \(name) is there already"
        case .inboxStays: "INBOX cannot be removed"
        case .tooManyKeywords: "the mailbox has \(Flags.keywordBits.count) keywords, the most there can be"
        case .overQuota: "over quota"
        case .diskFull: "the disk is full"
        case .tooLarge: "too large for one call"
        case .forgotten: "removals of that time are forgotten"
        case .busy: "the store is busy"
        case .unanswered: "the message store does not answer"
        case .failed(let reason): "the store is read-only: \(reason)"
        case .closed: "the store is closed"
        }
    }
}

extension StoreError {
    static func wrap<T>(_ body: () throws(IOFailure) -> T) throws(StoreError) -> T {
        do throws(IOFailure) { return try body() } catch { throw .io(error) }
    }

    static func wrap<T>(_ body: () throws(DatabaseError) -> T) throws(StoreError) -> T {
        do throws(DatabaseError) { return try body() } catch { throw StoreError(error) }
    }

    /// For those who know databases only.
    var asDatabaseError: DatabaseError {
        if case .database(let error) = self { return error }
        return DatabaseError(code: 1, text: self.description, operation: "change")
    }

    /// The disk is full, or as good as: it goes on when somebody has made room.
    package var isAboutRoom: Bool {
        switch self {
        case .diskFull: true
        case .io(let failure): failure.isDiskFull
        case .database(let error): error.kind == .full
        default: false
        }
    }

    init(_ error: DatabaseError) {
        switch error.kind {
        case .newerFormat: self = .newerFormat(error.text)
        case .closed: self = .closed
        case .constraint, .full, .io, .corrupt, .busy, .other: self = .database(error)
        }
    }
}

/// Why a message was not taken. Nothing of it is visible anywhere; the sender keeps it and tries again.
package enum StoreRefusal: Error, Sendable, Hashable {
    /// Less than the minimum is free: 452 early.
    case diskLow
    /// The disk said that it is full: 452.
    case diskFull
    /// Writing or syncing failed: 451.
    case io(IOFailure)
    /// The store does not write any more until it is restarted and checked: 421 or 451.
    case failed(String)
    /// Too much waits: 451.
    case busy
    /// The body is longer than the store can hold.
    case tooLarge
    case closed
}

/// How the store is; cheap to read on an event loop.
package enum StoreHealth: Sendable, Hashable {
    case writable
    /// Readers and deletions go on, new mail is refused.
    case diskLow
    /// Read-only until restart and check.
    case failed(String)
}
