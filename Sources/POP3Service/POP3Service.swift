internal import Bytes
package import Directory
package import MessageStore
package import NetKit
package import POP3Wire
package import Policy
package import SASL
package import Vocabulary

// Invariants of this target:
// 1. A maildrop's lock is taken after the login and given back exactly once: by QUIT, or when the connection is gone.
// 2. Nothing is removed but by `finish`, and `finish` answers after the store has committed.
// 3. No call blocks: logins go to the authenticator's threads, mail to the store's.

/// Puts a POP3 session on each connection of a POP3 listener.
package struct POP3Service: SessionService {
    package typealias Authenticate = @Sendable (AuthRequest, LoginContext, @escaping @Sendable (AuthOutcome) -> Void) -> Void

    /// What the service needs of the rest; given in, so that tests turn the clock and play the directory.
    package struct Environment: Sendable {
        package var store: MessageStore
        package var authenticate: Authenticate
        package var configuration: @Sendable () -> Configuration
        package var locks: MaildropLocks
        package var sink: any EventSink
        /// Name and version as in the greeting: `Post.Office v5.0 release 0`.
        package var product: String
        /// A certificate is there, so that STLS can be offered.
        package var offersTLS: Bool
        /// Seconds since 1970.
        package var now: @Sendable () -> Int64
        /// Unpredictable text for SCRAM, new for each call.
        package var makeNonce: @Sendable () -> String
        /// Looks up the peer's name where some access list could ask for it; `.notLooked` at once where none does.
        package var lookUpName: @Sendable (IPAddress, @escaping @Sendable (HostNameFact) -> Void) -> Void = { $1(.notLooked) }
        /// Notes what is in hand, in case it ends the process.
        package var crashGuard: any CrashGuard = NoCrashGuard()
        /// Whether somebody may still be logged in; answers at once.
        package var mayStay: @Sendable (Identity) -> Bool = { _ in true }
        /// Sessions that have logged in.
        package var sessions = AccountSessions()
        /// Told of each login that succeeded, for POP before SMTP.
        package var noteLogin: @Sendable (AccountID, IPAddress) -> Void = { _, _ in }

        package init(
            store: MessageStore, authenticate: @escaping Authenticate, configuration: @escaping @Sendable () -> Configuration,
            locks: MaildropLocks = MaildropLocks(), sink: any EventSink, product: String, offersTLS: Bool,
            now: @escaping @Sendable () -> Int64, random: @escaping @Sendable (Int) -> [UInt8]
        ) {
            self.store = store
            self.authenticate = authenticate
            self.configuration = configuration
            self.locks = locks
            self.sink = sink
            self.product = product
            self.offersTLS = offersTLS
            self.now = now
            self.makeNonce = { Base64.encode(random(18)) }
        }
    }

    private let environment: Environment

    package init(_ environment: Environment) { self.environment = environment }

    package func makeSession(_ facts: ConnectionFacts, _ link: SessionLink<POP3Event>)
        -> (machine: POP3Machine, backend: any SessionBackend<POP3Machine>)
    {
        let configuration = self.environment.configuration()
        let machine = POP3Machine(settings: self.settings(facts, configuration))
        return (machine, POP3Backend(facts, link, self.environment, loginDelay: configuration.pop3LoginDelay))
    }

    private func settings(_ facts: ConnectionFacts, _ configuration: Configuration) -> POP3Settings {
        let host = configuration.routing.hostName
        var settings = POP3Settings(
            greeting: self.greeting(host, showsVersion: configuration.showsVersion), hostName: host, makeNonce: self.environment.makeNonce)
        settings.implementation = configuration.showsVersion ? self.environment.product.replacing(" ", with: "-") : nil
        settings.limits = configuration.pop3
        settings.offersTLS = self.environment.offersTLS
        settings.allowsPlaintextLogin = configuration.security.takesPlaintextLogin(from: facts.peer)
        settings.listsSCRAM = configuration.security.listsSCRAM
        settings.language = configuration.language
        settings.loginDelay = configuration.pop3LoginDelay
        settings.retentionDays = nil  // EXPIRE NEVER: nothing here removes mail that its owner did not remove [RFC2449-6.7]
        settings.crashGuard = self.environment.crashGuard
        let (mayStay, sink, trace) = (self.environment.mayStay, self.environment.sink, facts.trace)
        settings.mayStay = { identity in
            if mayStay(identity) { return true }
            sink.record(TrailEvent(.pop3Server, "login-ended", trace: trace, [("login", identity.login)]), switchedBy: nil)
            return false
        }
        return settings
    }

    /// As Post.Office always greeted: `host POP3 server (Post.Office vX release Y) ready DATE`.
    private func greeting(_ host: String, showsVersion: Bool) -> String {
        let product = showsVersion ? " (\(self.environment.product))" : ""
        return "\(host) POP3 server\(product) ready \(CivilTime(unixSeconds: self.environment.now()).rfc5322)"
    }
}
