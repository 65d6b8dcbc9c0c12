package import NIOCore
package import SASL
package import Vocabulary

/// What a POP3 session asks of its backend. One is open at a time.
package enum POP3Call: Sendable {
    /// Answer: `.auth`. The mechanism is nil for USER and PASS.
    case authenticate(AuthRequest, SASLMechanism?, hasTLS: Bool)
    /// Take the exclusive lock and list the inbox. Answer: `.maildrop` or `.noMaildrop`.
    case openMaildrop(Identity)
    /// The first piece of a message, by its place in the maildrop (0 is message 1). Answer: `.piece` or `.unreadable`.
    case read(message: Int)
    /// The next piece of the same message. Answer: `.piece` or `.unreadable`.
    case readOn
    /// Nothing to do: the driver performs it when the peer has taken what was written. Answer at once: `.resumed`.
    case pause
    /// Remove these messages, give the lock back. Answer: `.finished`.
    case finish(deleted: [UID])
}

/// What may come from outside at any time.
package enum POP3Event: Sendable, Hashable {
    /// The account that has logged in may not be here any more: `POP3Settings.mayStay` knows.
    case accountChanged
}

package enum POP3Outcome: Sendable {
    case auth(AuthOutcome)
    case maildrop(Maildrop)
    case noMaildrop(MaildropRefusal)
    /// Bytes of the message as stored, in order; a piece may be empty only if it is the last.
    /// `of` names the whole, for whoever must know what was in hand when the server ended.
    case piece(ByteBuffer, isLast: Bool, of: ContentHash? = nil)
    case unreadable(ReadFailure)
    case resumed
    /// `removedAll` is false when a message that was to go is still there.
    case finished(removedAll: Bool)
}

package enum MaildropRefusal: Hashable, Sendable {
    /// Another session has the lock. [RFC2449-8.1.2]
    case inUse
    /// The last login is less than LOGIN-DELAY ago. [RFC2449-8.1.1]
    case tooSoon
    case unavailable
}

package enum ReadFailure: Hashable, Sendable {
    /// Removed by another protocol meanwhile.
    case gone
    case failed
    /// It ended the server twice: its lines are not counted again, but RETR gives it as it is.
    case onlyWhole
    /// It ended the server even so, twice, and is not touched again.
    case withheld
}

/// The messages of an inbox as they were when the session began, in order of UID. Message numbers are places in it, from 1.
package struct Maildrop: Sendable {
    package struct Entry: Hashable, Sendable {
        package var uid: UID
        /// Octets that RETR sends, prefix included, without byte-stuffing.
        package var size: UInt32

        package init(uid: UID, size: UInt32) {
            self.uid = uid
            self.size = size
        }
    }

    package var validity: UIDValidity
    package var messages: [Entry]

    package init(validity: UIDValidity, messages: [Entry]) {
        self.validity = validity
        self.messages = messages
    }
}
