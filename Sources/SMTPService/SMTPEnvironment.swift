package import Directory
package import MessageStore
package import NetKit
package import Policy
package import SASL
package import Vocabulary

// Invariants of this target:
// 1. 250 is said only when the store has said that the message is on stable storage.
// 2. A stranger's recipient is here or it is refused: no setting, no spelling of an address makes us relay.
// 3. What a stranger's message says stays byte for byte; our trace fields go before it.
// 4. Nothing here blocks: lookups are in memory, everything else answers by completion.
// 5. Every step is an event with the session's trace; no event holds a secret or content of a message.

/// What every SMTP session of the process works with.
package struct SMTPEnvironment: Sendable {
    package var directory: Directory
    package var authenticator: Authenticator
    package var store: MessageStore
    package var events: any EventSink
    package var clock: SMTPClock
    /// Unpredictable bytes.
    package var random: @Sendable (Int) -> [UInt8]
    /// Of the product: `major.minor.release`.
    package var version: String
    /// Notes what is in hand, in case it ends the process.
    package var crashGuard: any CrashGuard = NoCrashGuard()
    /// Looks up the peer's name where some access list could ask for it; `.notLooked` at once where none does.
    package var lookUpName: NameLookup = { $2(.notLooked) }
    /// The name in the queue under which mail for an address waits for its next hop; nil for an address that cannot be sent to. Not set:
    /// nothing leaves this server.
    package var queueName: (@Sendable (Address) -> String?)?
    /// Answers that are held back for a harvester are given by this, so many seconds later; nothing else waits meanwhile.
    package var later: @Sendable (Int64, @escaping @Sendable () -> Void) -> Void = { $1() }
    /// Asks the next host whether it takes mail for a recipient; nil where nothing leaves this server.
    package var askRecipient: (@Sendable (Address, @escaping @Sendable (RecipientAnswer) -> Void) -> Void)?
    /// Releases mail that waits for the asking host; nil where nothing leaves this server.
    package var releaseQueue: (@Sendable (QueueQuestion, @escaping @Sendable (QueueReply) -> Void) -> Void)?
    /// Opens a URL of IMAP for the submissions of who has logged in; nil where there is no IMAP here. [RFC4468-3.3]
    package var openURL: URLOpening?
    /// Sessions that have logged in.
    package var sessions = AccountSessions()
    /// Watches what accounts send; nil watches nothing.
    package var conduct: SendingWatch?
    /// A mailbox is too full for a message. True: it has been so for too long, and the message is refused for good.
    package var isFullForGood: @Sendable (AccountID) -> Bool = { _ in false }
    /// Runs work that takes long away from the event loops; false when there is too much of it already.
    package var work: @Sendable (@escaping @Sendable () -> Void) -> Bool = { body in
        body()
        return true
    }
    /// What sessions remember of each other's peers.
    package var guards = SMTPGuards()
    package typealias URLOpening =
        @Sendable (String, Identity, @escaping @Sendable (Result<URLContent, URLFailure>) -> Void) -> Void
    package typealias NameLookup =
        @Sendable (IPAddress, ListenerRole.Service, @escaping @Sendable (HostNameFact) -> Void) -> Void

    package init(
        directory: Directory, authenticator: Authenticator, store: MessageStore, events: any EventSink, clock: SMTPClock,
        random: @escaping @Sendable (Int) -> [UInt8], version: String
    ) {
        self.directory = directory
        self.authenticator = authenticator
        self.store = store
        self.events = events
        self.clock = clock
        self.random = random
        self.version = version
    }
}

/// A host asks for the mail that waits for it.
package struct QueueQuestion: Sendable, Hashable {
    package enum Scope: Sendable, Hashable {
        case everything
        /// Normalised name of a domain or host.
        case name(String)
        case below(String)
    }
    package var peer: IPAddress
    /// First address of the account that has logged in.
    package var login: Address?
    package var scope: Scope
}

package enum QueueReply: Sendable, Hashable {
    case released(Int)
    case notAllowed
    case later
}

/// What is remembered of peers and users beyond one session.
package struct SMTPGuards: Sendable {
    package var harvest: HarvestGuard
    package var rates: SendingRates
    package var popLogins: RecentLogins
    package let filterTroubles = FilterTroubles()
    /// Peers that no limit of these counts.
    package var isTrusted: @Sendable (IPAddress) -> Bool

    package init(
        harvest: HarvestGuard = HarvestGuard(), rates: SendingRates = SendingRates(), popLogins: RecentLogins = RecentLogins(),
        isTrusted: @escaping @Sendable (IPAddress) -> Bool = { $0.isLoopback }
    ) {
        self.harvest = harvest
        self.rates = rates
        self.popLogins = popLogins
        self.isTrusted = isTrusted
    }
}

/// The time, and how it is written in trace fields.
package struct SMTPClock: Sendable {
    /// Seconds since 1970.
    package var now: @Sendable () -> Int64
    /// Minutes east of UTC at a time.
    package var offset: @Sendable (Int64) -> Int

    package init(now: @escaping @Sendable () -> Int64, offset: @escaping @Sendable (Int64) -> Int = { _ in 0 }) {
        self.now = now
        self.offset = offset
    }
}
