internal import Bytes
package import Directory
package import IMAPWire
package import MessageStore
package import NetKit
package import Policy
package import SASL
package import Vocabulary

// Invariants of this target:
// 1. No call blocks an event loop: logins go to the authenticator's threads, reads to workers, changes to the store, whose answers come
//    after its commit.
// 2. A session holds nothing while it waits for its client: no buffer, no read transaction, no open file. What an answer in parts needs
//    lives until its last part, or until the connection ends.
// 3. Each command finds its mailbox anew and asks for the right that it needs; who may not know of a mailbox is told that there is none.
// 4. Whatever sessions share of a mailbox (`OpenMailbox`) is a copy of what the store said at a MODSEQ, never ahead of a commit.
// 5. What a stranger wrote is taken apart only while it is noted as being in hand.

/// Puts an IMAP session on each connection of an IMAP listener.
package struct IMAPService: SessionService {
    package typealias Authenticate = @Sendable (AuthRequest, LoginContext, @escaping @Sendable (AuthOutcome) -> Void) -> Void

    /// What the service needs of the rest; given in, so that tests turn the clock and play the directory.
    package struct Environment: Sendable {
        package var store: MessageStore
        package var authenticate: Authenticate
        package var configuration: @Sendable () -> Configuration
        package var sink: any EventSink
        /// Name and version as in the greeting: `Post.Office v5.0 release 0`.
        package var product: String
        /// As ID tells it.
        package var version: String
        /// A certificate is there, so that STARTTLS can be offered.
        package var offersTLS: Bool
        /// Seconds since 1970.
        package var now: @Sendable () -> Int64
        /// Unpredictable text for SCRAM, new for each call.
        package var makeNonce: @Sendable () -> String
        /// Runs a job on a thread that may wait for the disk; false when too much waits.
        package var work: @Sendable (@escaping @Sendable () -> Void) -> Bool
        /// Of these threads, how many one account may be on at once.
        package var workersPerAccount = 3
        /// Looks up the peer's name where some access list could ask for it; `.notLooked` at once where none does.
        package var lookUpName: @Sendable (IPAddress, @escaping @Sendable (HostNameFact) -> Void) -> Void = { $1(.notLooked) }
        /// Notes what is in hand, in case it ends the process.
        package var crashGuard: any CrashGuard = NoCrashGuard()
        /// Whether an account may still be logged in; answers at once.
        package var isActive: @Sendable (AccountID) -> Bool = { _ in true }
        /// The same of whoever has logged in, by account or by app password.
        package var mayStay: @Sendable (Identity) -> Bool = { _ in true }
        /// Told of each login that succeeded, for POP before SMTP.
        package var noteLogin: @Sendable (AccountID, IPAddress) -> Void = { _, _ in }
        /// The account of a login name or address.
        package var account: @Sendable (String) -> AccountID? = { _ in nil }
        /// What others see of an account in names of its mailboxes: its login name.
        package var loginName: @Sendable (AccountID) -> String? = { _ in nil }
        /// Most octets that an account's mailboxes may hold; nil is no limit.
        package var quota: @Sendable (AccountID) -> Int64? = { _ in nil }
        package var sessions = AccountSessions()
        /// Mailboxes that one account may have.
        package var mostMailboxes = 50_000
        /// Prepares what will be asked for, indexes included; nil does without.
        package var upkeep: MailboxUpkeep?

        package init(
            store: MessageStore, authenticate: @escaping Authenticate, configuration: @escaping @Sendable () -> Configuration,
            sink: any EventSink, product: String, version: String, offersTLS: Bool, now: @escaping @Sendable () -> Int64,
            random: @escaping @Sendable (Int) -> [UInt8], work: @escaping @Sendable (@escaping @Sendable () -> Void) -> Bool
        ) {
            self.store = store
            self.authenticate = authenticate
            self.configuration = configuration
            self.sink = sink
            self.product = product
            self.version = version
            self.offersTLS = offersTLS
            self.now = now
            self.makeNonce = { Base64.encode(random(18)) }
            self.work = work
        }
    }

    let environment: Environment
    private let mailboxes: OpenMailboxes
    let work: FairWork

    package init(_ environment: Environment) {
        let work = FairWork(limit: environment.workersPerAccount, environment.work)
        var environment = environment
        // What nobody waits for, as the upkeep of indexes, has a line of its own among the accounts.
        environment.work = { work.submit($0, for: StoreReads.nobody) }
        self.environment = environment
        self.work = work
        self.mailboxes = OpenMailboxes(environment.store)
    }

    package func makeSession(_ facts: ConnectionFacts, _ link: SessionLink<IMAPEvent>)
        -> (machine: IMAPMachine, backend: any SessionBackend<IMAPMachine>)
    {
        let configuration = self.environment.configuration()
        let machine = IMAPMachine(settings: self.settings(facts, configuration))
        return (machine, IMAPBackend(facts, link, self.environment, self.mailboxes, self.work, limits: configuration.imap))
    }

    private func settings(_ facts: ConnectionFacts, _ configuration: Configuration) -> IMAPSettings {
        let host = configuration.routing.hostName
        var settings = IMAPSettings(
            greeting: self.greeting(host, showsVersion: configuration.showsVersion), hostName: host, makeNonce: self.environment.makeNonce)
        settings.product = configuration.showsVersion ? ("Post.Office", self.environment.version) : ("Post.Office", "")
        settings.limits = configuration.imap
        settings.offersTLS = self.environment.offersTLS
        settings.allowsPlaintextLogin = configuration.security.takesPlaintextLogin(from: facts.peer)
        settings.listsSCRAM = configuration.security.listsSCRAM
        settings.language = configuration.language
        settings.features = Self.features
        let (mayStay, sink, trace) = (self.environment.mayStay, self.environment.sink, facts.trace)
        settings.mayStay = { identity in
            if mayStay(identity) { return true }
            sink.record(TrailEvent(.imapServer, "login-ended", trace: trace, [("login", identity.login)]), switchedBy: nil)
            return false
        }
        return settings
    }

    /// Quotas are the postmaster's to set.
    private static let features = IMAPFeatures.ready.subtracting(.quotaSet)

    /// Like that of POP3: `host IMAP4 server (Post.Office vX release Y) ready DATE`.
    private func greeting(_ host: String, showsVersion: Bool) -> String {
        let product = showsVersion ? " (\(self.environment.product))" : ""
        return "\(host) IMAP4 server\(product) ready \(CivilTime(unixSeconds: self.environment.now()).rfc5322)"
    }
}
