package import NIOCore
internal import NIOSSL
package import Vocabulary

/// A service as a listener sees it: how to put a session on a fresh channel, and what to say when there is no room.
package struct ServiceBinding: Sendable {
    /// Sent without waiting before a connection over the limits is closed; empty says nothing. For example `421 4.7.0 …` with CRLF.
    package var busyLine: String
    /// Runs on the channel's loop, before the channel is active.
    let install: @Sendable (any Channel, ConnectionFacts, SessionObserver) throws -> any DrainableSession

    /// `tls` nil: neither implicit TLS nor STARTTLS works on this listener. `sessionTimeout` is asked at each connection, so that a change
    /// of the setting holds for the next one.
    package init<Service: SessionService>(
        _ service: Service,
        tls: TLSStore?,
        options: DriverOptions = DriverOptions(),
        sessionTimeout: @escaping @Sendable () -> TimeAmount? = { nil },
        busyLine: String = ""
    ) {
        self.busyLine = busyLine
        self.install = { channel, facts, observer in
            try Self.configure(channel, options)
            let pipeline = channel.pipeline.syncOperations
            if facts.listener.implicitTLS {
                guard let tls else { throw ServiceBindingError.noCertificate }
                try pipeline.addHandler(NIOSSLServerHandler(context: tls.context(for: facts.listener.service.tlsProtocol)))
            }
            let entrance = SessionEntrance<Service.Machine>(channel.eventLoop)
            var options = options
            if let timeout = sessionTimeout() { options.sessionTimeout = timeout }
            options.tlsProtocol = facts.listener.service.tlsProtocol
            let (machine, backend) = service.makeSession(facts, entrance.link)
            let driver = SessionDriver(
                loop: channel.eventLoop,
                machine: machine,
                backend: backend,
                tls: tls,
                implicitTLS: facts.listener.implicitTLS,
                options: options,
                observer: observer
            )
            entrance.driver = driver
            try pipeline.addHandler(driver)
            return driver
        }
    }

    /// A pipeline of any kind, put on the channel by `install` behind the TLS handler. Whoever is the session calls `left` of the observer when it
    /// is taken off the pipeline, and not before; `install` puts it there last, so that a failure means that it is not there.
    package init(
        tls: TLSStore?, busyLine: String = "",
        install: @escaping @Sendable (any Channel, ConnectionFacts, SessionObserver) throws -> any DrainableSession
    ) {
        self.busyLine = busyLine
        self.install = { channel, facts, observer in
            try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
            if facts.listener.implicitTLS {
                guard let tls else { throw ServiceBindingError.noCertificate }
                let context = tls.context(for: facts.listener.service.tlsProtocol)
                try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
            }
            return try install(channel, facts, observer)
        }
    }

    private static func configure(_ channel: any Channel, _ options: DriverOptions) throws {
        guard let settings = channel.syncOptions else { return }
        try settings.setOption(.autoRead, value: false)
        try settings.setOption(.allowRemoteHalfClosure, value: true)
        // One read an event: see SessionReceiveAllocator. A busy peer does not hold up the others of its loop either.
        try settings.setOption(.maxMessagesPerRead, value: 1)
        try settings.setOption(.recvAllocator, value: SessionReceiveAllocator())
        let marks = ChannelOptions.Types.WriteBufferWaterMark(low: options.writeWatermark.low, high: options.writeWatermark.high)
        try settings.setOption(.writeBufferWaterMark, value: marks)
    }
}

enum ServiceBindingError: Error { case noCertificate }

/// The way from a `SessionLink` to the driver, which is made after it. Touched on the loop only.
private final class SessionEntrance<Machine: SessionMachine> {
    weak var driver: SessionDriver<Machine>?
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    var link: SessionLink<Machine.Event> {
        // Most machines take no events; then nothing is kept for a link.
        if Machine.Event.self == Never.self { return SessionLink { _ in } }
        let bound = NIOLoopBound(self, eventLoop: self.loop)
        let loop = self.loop
        return SessionLink { event in loop.execute { bound.value.driver?.notify(event) } }
    }
}

extension ListenerRole.Service {
    /// SMTP has no registered name.
    fileprivate var tlsProtocol: TLSProtocolName? {
        switch self {
        case .pop3: .pop3
        case .imap: .imap
        case .sieve: .managesieve
        case .smtp, .submission, .http, .ldap, .finger, .password, .lmtp: nil
        }
    }
}
