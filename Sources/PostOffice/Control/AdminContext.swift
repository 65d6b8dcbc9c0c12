package import Counters
package import Delivery
package import Directory
import Glibc
package import MessageStore
package import NetKit
package import Queue
package import SMTPService
import Synchronization
package import Vocabulary

/// What handlers work on: the parts of the running server, or the same parts opened by the command under the server's lock.
package final class AdminContext: Sendable {
    package let start: StartConfiguration
    package let directory: Directory
    /// Reads certificates and start file anew; nil when no server runs here. Gives what is wrong, if anything.
    package let reload: (@Sendable () -> Localized?)?
    /// What the running server counts; nil when none runs here.
    package let counts: (@Sendable () -> ServerCounts)?
    /// How far DNS can be trusted; nil when no server runs here.
    package let dns: (@Sendable () -> NameService.Validation)?
    /// Has name servers asked anew; nil when no server runs here.
    package let renewNames: (@Sendable () -> Void)?
    /// The way to other hosts; nil when no server runs here.
    package let remoteDelivery: RemoteDelivery?
    /// What SMTP sessions remember of peers; nil when no server runs here.
    package let guards: SMTPGuards?
    /// Knows who failed to log in; nil when no server runs here.
    package let authenticator: Authenticator?
    /// Writes the log of the server; nil when none runs here.
    package let trail: TrailWriter?
    /// Watches what accounts send; nil when no server runs here.
    package let conduct: SendingWatch?
    /// What is counted; nil when no server runs here, or the file cannot be used.
    package let counters: Counters?
    /// How many entries the queue has; nil when no server runs here.
    package let census: CensusKeeper?
    /// Ports on which the running server listens; nil when none runs here.
    package let listening: (@Sendable () -> Set<Int>)?
    private let opened: Mutex<MessageStore?>
    private let isServer: Bool

    /// Inside the server.
    package init(
        start: StartConfiguration, directory: Directory, store: MessageStore, remoteDelivery: RemoteDelivery? = nil,
        guards: SMTPGuards? = nil, authenticator: Authenticator? = nil, trail: TrailWriter? = nil,
        reload: @escaping @Sendable () -> Localized?, counts: (@Sendable () -> ServerCounts)? = nil,
        dns: (@Sendable () -> NameService.Validation)? = nil, renewNames: (@Sendable () -> Void)? = nil, conduct: SendingWatch? = nil,
        counters: Counters? = nil, census: CensusKeeper? = nil, listening: (@Sendable () -> Set<Int>)? = nil
    ) {
        self.listening = listening
        self.counters = counters
        self.census = census
        self.conduct = conduct
        self.renewNames = renewNames
        self.remoteDelivery = remoteDelivery
        self.guards = guards
        self.authenticator = authenticator
        self.trail = trail
        self.start = start
        self.counts = counts
        self.dns = dns
        self.directory = directory
        self.reload = reload
        self.opened = Mutex(store)
        self.isServer = true
    }

    /// In a command.
    package init(start: StartConfiguration, directory: Directory) {
        self.start = start
        self.directory = directory
        self.reload = nil
        self.counts = nil
        self.dns = nil
        self.renewNames = nil
        self.conduct = nil
        self.remoteDelivery = nil
        self.guards = nil
        self.authenticator = nil
        self.trail = nil
        self.counters = nil
        self.census = nil
        self.listening = nil
        self.opened = Mutex(nil)
        self.isServer = false
    }

    package var isServerRunning: Bool { self.isServer }

    /// The message store. A command opens it at the first call: most verbs have no need of it.
    package func store() throws(AdminFailure) -> MessageStore {
        try self.opened.withLock { store throws(AdminFailure) in
            if let store { return store }
            let fresh = try Opening.store(self.start, self.directory.configuration, NullSink())
            store = fresh
            return fresh
        }
    }

    /// At the end of a command; the server closes its parts itself.
    func close() {
        guard !self.isServer else { return }
        self.opened.withLock { $0 }?.close()
        self.directory.close()
    }

    /// Names that a certificate of this host should carry.
    var certificateNames: [String] {
        let routing = self.directory.configuration.routing
        return [routing.hostName, routing.mainDomain, "localhost"].filter { !$0.isEmpty }
    }

    /// For a command whose server is down. The caller holds the server's lock. Root becomes the service user first: whatever is
    /// written must belong to the service.
    static func open(_ start: StartConfiguration) throws(AdminFailure) -> AdminContext {
        try Privileges.drop(to: start)
        umask(0o077)
        let directory = try Opening.directory(start)
        // Whether it can be started is seen when the server is.
        directory.systemDelivery = SystemDelivery(services: start.systemDelivery?.services ?? [], absence: .notWanted)
        return AdminContext(start: start, directory: directory)
    }
}
