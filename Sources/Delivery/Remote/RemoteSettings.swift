package import Bounces
package import Directory
package import MessageStore
internal import NIOCore
package import NetKit
package import Policy
package import Queue
package import Routing
package import SMTPWire
internal import Text
package import Vocabulary

/// Settings of the way out, as of one moment.
package struct RemoteSettings: Sendable {
    /// Our name for EHLO.
    package var helloName: String
    package var routes = RouteTable()
    package var policy = QueuePolicy()
    package var responses = ErrorResponses()
    /// Users who fetch the mail of domains.
    package var callers = QueueCallers()
    /// Port of the machine from which such a user calls.
    package var callerPort = NextHop.smtpPort
    package var timeouts = SMTPClientSettings.Timeouts()
    /// Seconds for a connection to come about.
    package var connectTimeout: Int64 = 30
    /// Addresses of ours that connections come from.
    package var sources = SourceAddresses()
    /// Port of routes at which TLS comes before the greeting. [RFC8314-7.3]
    package var tlsFromStart = 465
    /// How to log in at next hops that routes name.
    package var logins = NextHopTable<RouteLogin>()
    /// Connections go to any address; otherwise to those of this computer only, and mail for others is held.
    package var sendsAnywhere = true
    /// TLS is used where it is offered.
    package var usesTLS = true
    /// Hosts with TLSA records that DNSSEC vouches for must show a certificate that matches.
    package var usesDANE = true
    /// Policies that domains publish (MTA-STS) are held to.
    package var usesSTS = true
    /// Seconds for which mail to a domain that could do TLS waits for TLS when it is gone; 0 waits for nothing.
    package var downgradePatience: Int64 = 2 * 86_400
    /// Domains that ask for it are told daily what became of TLS with them.
    package var sendsTransportReports = true
    /// BDAT is used where it is offered.
    package var usesChunking = true
    /// Of reports: whom a reader may ask, and the language.
    package var postmaster: Address
    package var language = Language.english
    /// What the site says in them.
    package var words = SiteWords()

    /// Why mail is held where `sendsAnywhere` is off.
    static let staysHere = DeliveryFailure.Cause.local(Self.staysHereWords)
    package static let staysHereWords = "this server sends to this computer only; see outbound-reach"

    package init(helloName: String) {
        self.helloName = helloName
        self.postmaster = Address(localPart: "postmaster", domain: helloName)
    }
}

/// What the delivery to other hosts works with.
package struct RemoteEnvironment: Sendable {
    package var directory: Directory
    package var store: MessageStore
    package var queue: OutboundQueue
    package var connector: Connector
    package var finder: HostFinder
    /// Whose word counts where a certificate must come from a known authority.
    package var authorities = TrustedAuthorities()
    /// Finds policies about TLS; nil looks for none.
    package var policies: PolicyFinder?
    /// What is remembered of other domains; nil remembers nothing.
    package var transport: TransportMemory?
    /// Hands reports over by HTTPS; nil sends them by mail alone.
    package var web: WebFetch?
    /// Another host refuses a recipient of the message with this trace for good.
    package var refused: @Sendable (TraceID) -> Void = { _ in }
    /// Notes which message is in hand, and knows those that ended the server.
    package var crashGuard: any CrashGuard = NoCrashGuard()
    package var events: any EventSink
    package var settings: @Sendable () -> RemoteSettings
    /// Seconds since 1970.
    package var now: @Sendable () -> Int64
    /// Unpredictable bytes.
    package var random: @Sendable (Int) -> [UInt8]

    package init(
        directory: Directory, store: MessageStore, queue: OutboundQueue, connector: Connector, finder: HostFinder, events: any EventSink,
        settings: @escaping @Sendable () -> RemoteSettings, now: @escaping @Sendable () -> Int64,
        random: @escaping @Sendable (Int) -> [UInt8]
    ) {
        self.directory = directory
        self.store = store
        self.queue = queue
        self.connector = connector
        self.finder = finder
        self.events = events
        self.settings = settings
        self.now = now
        self.random = random
    }
}

extension NextHop {
    /// Under this name entries of the queue that take the same way are found together. Of addresses in domains without a route it is the
    /// domain itself.
    package var queueName: String {
        switch self {
        case .domain(let name, let port): port == Self.smtpPort ? name : "\(name):\(port)"
        case .host(let name, let port): port == Self.smtpPort ? "via \(name)" : "via \(name):\(port)"
        case .exactly(let name, let port): port == Self.smtpPort ? "via [\(name)]" : "via [\(name)]:\(port)"
        case .address(let address, let port): port == Self.smtpPort ? "via [\(address)]" : "via [\(address)]:\(port)"
        case .lmtp(.socket(let path), _): "lmtp \(path)"
        case .lmtp(let host, let port): "lmtp \(host):\(port)"
        case .hold: "hold"
        }
    }
}

extension RouteTable {
    /// The next hop of a recipient; nil when its domain is none.
    package func hop(to address: Address) -> NextHop? { DomainName.normalized(address.domain).map { self.hop(for: $0) } }
}
