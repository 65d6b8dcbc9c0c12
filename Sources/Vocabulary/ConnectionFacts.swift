/// What is known of a connection before a byte was read.
package struct ConnectionFacts: Sendable {
    package var peer: IPAddress
    package var peerPort: Int
    package var local: IPAddress
    package var localPort: Int
    package var listener: ListenerRole
    /// One id from accept to mailbox: in every log line, every trail event and the `id` of the Received field.
    package var trace: TraceID

    package init(peer: IPAddress, peerPort: Int, local: IPAddress, localPort: Int, listener: ListenerRole, trace: TraceID) {
        self.peer = peer
        self.peerPort = peerPort
        self.local = local
        self.localPort = localPort
        self.listener = listener
        self.trace = trace
    }
}

/// What a listener is for. Configured in the start file, bound by the dispatcher.
package struct ListenerRole: Hashable, Sendable {
    package enum Service: String, Hashable, Sendable, CaseIterable {
        case smtp, submission, pop3, imap, http, ldap, finger, password, lmtp, sieve
    }
    /// Unique name, as in the start file: `smtp`, `smtps`, `pop3`, `smtp-inside` …
    package var name: String
    package var service: Service
    /// TLS from the first byte (465, 993, 995). [RFC8314-3]
    package var implicitTLS: Bool
    /// Declared `inside`: the postmaster trusts this network's side; access rules are its own.
    package var isInside: Bool

    package init(name: String, service: Service, implicitTLS: Bool = false, isInside: Bool = false) {
        self.name = name
        self.service = service
        self.implicitTLS = implicitTLS
        self.isInside = isInside
    }
}

/// What the TLS handshake agreed on.
package struct TLSFacts: Hashable, Sendable {
    package var version: String
    package var cipher: String
    package var serverName: String?

    package init(version: String, cipher: String, serverName: String?) {
        self.version = version
        self.cipher = cipher
        self.serverName = serverName
    }
}

/// Short unique text of one connection or message: letters and digits only.
package struct TraceID: Hashable, Sendable, CustomStringConvertible {
    package let text: String
    package init(_ text: String) { self.text = text }
    package var description: String { self.text }
}
