internal import Glibc
package import NIOCore
internal import NIOPosix
internal import Synchronization
package import Vocabulary

/// Makes connections to other hosts and runs their sessions, spread over the event loops.
package final class Connector: Sendable {
    /// Begins the reason of a handshake that was cut off or took too long: nothing is said about whether TLS can be had.
    package static let cutHandshake = "TLS: no handshake: "

    private let loops: EventLoops
    private let options: DriverOptions
    private let sessions = Mutex<Roster>(Roster())

    private struct Roster {
        var open: [UInt64: OpenSession] = [:]
        var next: UInt64 = 0
        var isStopped = false
    }

    /// A session under way, to be told to end.
    private struct OpenSession: Sendable {
        var drain: @Sendable () -> Void
        var cut: @Sendable () -> Void
    }

    package init(loops: EventLoops, options: DriverOptions = DriverOptions()) {
        self.loops = loops
        self.options = options
    }

    /// Where to, and how.
    package struct Target: Sendable {
        /// nil where `socket` says where to.
        package var address: IPAddress?
        package var port: Int
        /// Of the host, as it was looked up; for the handshake.
        package var serverName: String
        /// Address of ours that the connection comes from; nil leaves it to the system.
        package var source: IPAddress?
        package var tls: ClientTLS
        /// What the host's certificate must prove; nil is nothing.
        package var check: PeerCheck?
        package var connectTimeout: TimeAmount
        /// TLS from the first byte. [RFC8314-3]
        package var isTLSFromStart = false
        /// Path of a socket on this computer, in place of address and port.
        package var socket: String?

        package init(
            _ address: IPAddress?, port: Int, serverName: String, source: IPAddress? = nil, tls: ClientTLS, connectTimeout: TimeAmount
        ) {
            self.address = address
            self.port = port
            self.serverName = serverName
            self.source = source
            self.tls = tls
            self.connectTimeout = connectTimeout
        }
    }

    /// Connects and starts a session. `makeSession` is called on the event loop when the connection stands; otherwise `failed` is, from any
    /// thread, with the words of the system.
    package func connect<Machine: SessionMachine>(
        _ target: Target,
        _ makeSession: @escaping @Sendable () -> (machine: Machine, backend: any SessionBackend<Machine>),
        failed: @escaping @Sendable (String) -> Void
    ) where Machine.Event == ConnectionEvent {
        guard !self.sessions.withLock({ $0.isStopped }) else { return failed("the server is stopping") }
        let loop = self.loops.next()
        let options = self.options
        var bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(target.connectTimeout)
            .channelOption(.autoRead, value: false)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(
                .writeBufferWaterMark,
                value: ChannelOptions.Types.WriteBufferWaterMark(low: options.writeWatermark.low, high: options.writeWatermark.high))
        do {
            let source = target.socket == nil && target.source?.isIPv6 == target.address?.isIPv6 ? target.source : nil
            if target.socket == nil { bootstrap = bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1) }
            if let source { bootstrap = bootstrap.bind(to: try SocketAddress(ipAddress: "\(source)", port: 0)) }
            let destination =
                if let path = target.socket {
                    try SocketAddress(unixDomainSocketPath: path)
                } else {
                    try SocketAddress(ipAddress: target.address.map { "\($0)" } ?? "", port: target.port)
                }
            bootstrap.connect(to: destination).whenComplete { result in
                switch result {
                case .failure(let error): failed(Self.words(error, source))
                case .success(let channel):
                    let (machine, backend) = makeSession()
                    let driver = ClientDriver(
                        loop: loop, machine: machine, backend: backend, tls: target.tls, check: target.check, serverName: target.serverName,
                        isTLSFromStart: target.isTLSFromStart, options: options)
                    self.enter(driver, channel)
                    do {
                        try channel.pipeline.syncOperations.addHandler(driver)
                    } catch {
                        // It was closed before anybody could listen: the session never began, and has nothing to say of it.
                        channel.close(promise: nil)
                        failed("the other host closed the connection at once")
                    }
                }
            }
        } catch {
            failed("\(error)")
        }
    }

    private func enter<Machine>(_ driver: ClientDriver<Machine>, _ channel: any Channel) {
        let loop = channel.eventLoop
        let session = OpenSession(drain: { loop.execute { driver.drain() } }, cut: { loop.execute { driver.cut() } })
        let id = self.sessions.withLock { roster in
            roster.next &+= 1
            roster.open[roster.next] = session
            return roster.next
        }
        channel.closeFuture.whenComplete { _ in self.sessions.withLock { roster in roster.open[id] = nil } }
    }

    package var count: Int { self.sessions.withLock { $0.open.count } }

    /// No more connections; those that stand finish the message in hand.
    package func drain() {
        let open = self.sessions.withLock { roster in
            roster.isStopped = true
            return Array(roster.open.values)
        }
        for session in open { session.drain() }
    }

    /// Ends all connections now.
    package func cut() {
        let open = self.sessions.withLock { roster in
            roster.isStopped = true
            return Array(roster.open.values)
        }
        for session in open { session.cut() }
    }

    /// The system's words for a connection that did not come about.
    private static func words(_ error: any Error, _ source: IPAddress?) -> String {
        if let error = error as? IOError, error.errnoCode == EADDRNOTAVAIL, let source {
            return "\(source) is no address of this computer; see the setting source-addresses"
        }
        if let error = error as? IOError { return String(cString: strerror(error.errnoCode)) }
        if let error = error as? ChannelError, case .connectTimeout = error { return "no connection in time" }
        return "\(error)"
    }
}
